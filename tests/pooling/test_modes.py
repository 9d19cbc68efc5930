"""Every mode on windows small enough to work out by hand: values, types, NaN, extremes, names and parameters."""

from __future__ import annotations

import math
import re
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from poolcli import pool
from poolcli.emit import emit
from poolcli.errors import InputError, NanError, NumberRangeError, UnknownNameError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.pooling import modes
from poolcli.pooling.layer import Pooling
from poolcli.pooling.modes import ALIASES, MODES, ChosenMode, parse_mode
from poolcli.render.page import page
from poolcli.steps.steps import PoolStep
from tests.support.process import ROOT
from tests.support.rows import in_turn

CELLS = [[-3, 1], [4, 4]]
E = math.e
VALUES = {
    "max": 4,
    "min": -3,
    "avg": 1.5,
    "sum": 6,
    "median": 2.5,
    "majority": 4,
    "range": 7,
    "std": math.sqrt(33 / 4),  # deviations 4.5, 0.5, 2.5, 2.5
    "var": 33 / 4,
    "rms": math.sqrt(42 / 4),
    "lp:1": 12,
    "lp:2": math.sqrt(42),
    "lp:3": 156 ** (1 / 3),
    "lp:0.5": (math.sqrt(3) + 1 + 2 + 2) ** 2,
    "lp:20": (3**20 + 1 + 2 * 4**20) ** (1 / 20),
    "lp:inf": 4,
    "percentile:0": -3,
    "percentile:25": 0,  # a quarter of three steps: three quarters of the way from -3 to 1
    "percentile:50": 2.5,
    "percentile:90": 4,
    "percentile:100": 4,
    "logavgexp:1": math.log((E**-3 + E + 2 * E**4) / 4),
    "logavgexp:2": math.log((E**-6 + E**2 + 2 * E**8) / 4) / 2,
    "soft": (-3 * E**-3 + E + 8 * E**4) / (E**-3 + E + 2 * E**4),
    "mixed:0": 1.5,
    "mixed:0.25": 2.125,
    "mixed:1": 4,
}
SAME = ("max", "min", "majority")  # the result is one of the cells
WHOLE = (*SAME, "sum", "range")
ONE_OF_EACH = (*(mode for mode in VALUES if ":" not in mode), "lp:3", "percentile:25", "logavgexp:2", "mixed:0.25")
INTEGERS = ("int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")


def one(cells: Any, mode: str, **options: Any) -> Any:
    """The value of a single window over all cells."""
    values = pool(cells, mode, global_window=True, **options)
    assert values.size == 1
    return values.ravel()[0]


# --- values -----------------------------------------------------------------------------------------------------------


def test_every_mode_is_covered_here() -> None:
    assert {str(parse_mode(name)).partition(":")[0] for name in VALUES} | {"stochastic"} == set(MODES)


@in_turn(("mode", "expected"), VALUES.items())
@in_turn("window", ["sliding", "global", "adaptive"])
def test_value(mode: str, expected: float, window: str) -> None:
    options: dict[str, Any] = {
        "sliding": {"size": 2},
        "global": {"global_window": True},
        "adaptive": {"output_size": 1},
    }
    values = pool(CELLS, mode, **options[window])
    assert values.shape == (1, 1)
    assert values[0, 0] == pytest.approx(expected, rel=1e-12, abs=1e-12)


@in_turn(("mode", "expected"), VALUES.items())
def test_value_in_one_and_three_dimensions_and_with_leading_axes(mode: str, expected: float) -> None:
    line, block = np.array(CELLS).ravel(), np.array(CELLS).reshape(1, 2, 2)
    assert pool(line, mode, 4)[0] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert pool(block, mode, (1, 2, 2)).ravel()[0] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    batch = pool(np.array([[CELLS, np.zeros((2, 2), int)]]), mode)
    assert batch.shape == (1, 2, 1, 1)
    assert batch[0, 0, 0, 0] == pytest.approx(expected, rel=1e-12, abs=1e-12)
    assert batch[0, 1, 0, 0] == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize(
    ("cells", "expected"),
    [([3, 1, 1, 3], 3), ([1, 3, 3, 1], 1), ([5, 2, 2, 7], 2), ([2, 1], 2), ([0.5, -0.5, -0.5], -0.5)],
)
def test_the_majority_seen_first_wins_a_tie(cells: list[float], expected: float) -> None:
    assert one(cells, "majority") == expected


def test_the_majority_in_reading_order_of_the_rows() -> None:
    assert pool([[9, 1, 9], [1, 7, 7]], "majority", (2, 3)).tolist() == [[9]]


@pytest.mark.parametrize(("cells", "expected"), [([5], 5), ([2, 1], 1.5), ([3, 1, 2], 2), ([4, 1, 3, 2], 2.5)])
def test_median_of_odd_and_even_counts(cells: list[int], expected: float) -> None:
    assert one(cells, "median") == expected


def test_max_of_negative_numbers_knows_no_zero() -> None:
    """Where others pad the last block with zeros: max of -1..-5 in pairs is -1, -3, -5."""
    assert pool([-1, -2, -3, -4, -5], "max", 2, ceil_mode=True).tolist() == [-1, -3, -5]
    assert pool([1, 2, 3, 4, 5], "min", 2, padding=((0, 1),)).tolist() == [1, 3, 5]


def test_lp_takes_absolute_values() -> None:
    assert one([-1.0, -2.0], "lp:3") == pytest.approx(9 ** (1 / 3))


def test_lp_of_a_clipped_window_is_not_inflated() -> None:
    assert pool([1.0, 2, 3, 4, 5], "lp:2", 2, ceil_mode=True).tolist() == pytest.approx([5**0.5, 5, 5])


# --- stochastic -------------------------------------------------------------------------------------------------------


def test_stochastic_draws_in_proportion_to_positive_cells() -> None:
    windows = np.tile(np.array([1, 3, -5, 0]), (4096, 1))
    drawn = pool(windows, "stochastic", (1, 4), seed=7)
    assert set(np.unique(drawn)) == {1, 3}
    assert abs((drawn == 3).mean() - 0.75) < 0.03  # four standard deviations


def test_stochastic_is_reproducible_and_depends_on_the_seed() -> None:
    x = np.arange(1, 401).reshape(20, 20)
    assert (pool(x, "stochastic", seed=1) == pool(x, "stochastic", seed=1)).all()
    assert (pool(x, "stochastic", seed=1) != pool(x, "stochastic", seed=2)).any()


def test_stochastic_needs_a_seed() -> None:
    with pytest.raises(UsageError, match="needs a seed") as caught:
        pool(CELLS, "stochastic")
    assert caught.value.hint is not None
    assert caught.value.hint == "add seed=1, or any whole number"


# --- types ------------------------------------------------------------------------------------------------------------


@in_turn("dtype", ["bool", *INTEGERS])
@in_turn("mode", ONE_OF_EACH)
def test_type_of_integers(mode: str, dtype: str) -> None:
    x = np.array([[0, 1], [1, 1]], dtype=dtype)
    result = pool(x, mode).dtype
    name = mode.partition(":")[0]
    if name in SAME:
        assert result == dtype
    elif name in WHOLE:
        assert result.kind in "iu"
    else:
        assert result == np.float64


@in_turn("dtype", ["float16", "float32", "float64"])
@in_turn("mode", ONE_OF_EACH)
def test_type_of_floats(mode: str, dtype: str) -> None:
    values = pool(np.array(CELLS, dtype=dtype), mode)
    assert values.dtype == dtype
    tolerance = {"float16": 2e-3, "float32": 1e-6, "float64": 1e-12}[dtype]
    assert float(values[0, 0]) == pytest.approx(VALUES[mode], rel=tolerance)


@pytest.mark.parametrize("dtype", INTEGERS)
def test_median_of_an_odd_count_keeps_the_type(dtype: str) -> None:
    x = np.array([1, 3, 2, 7], dtype=dtype)
    assert pool(x, "median", 3).dtype == dtype
    assert pool(x, "median", 2).dtype == np.float64
    assert pool(x, "median", 3).tolist() == [2]


@in_turn("dtype", INTEGERS)
@in_turn("mode", SAME)
def test_extreme_integers_are_exact(mode: str, dtype: str) -> None:
    limits = np.iinfo(dtype)
    for extreme in (limits.min, limits.max):
        x = np.full((2, 2), extreme, dtype=dtype)
        assert pool(x, mode).item() == extreme
        assert pool(x, mode, 3, padding=1).ravel().tolist() == [extreme]
    assert pool(np.array([limits.min, limits.max], dtype=dtype), "max", 2).item() == limits.max
    assert pool(np.array([limits.min, limits.max], dtype=dtype), "min", 2).item() == limits.min


def test_median_and_sum_of_large_integers_are_exact() -> None:
    large = 2**60 + 1
    assert one([large, large - 1, large + 1], "median") == large
    assert one([large, 1, 1], "sum") == large + 2
    assert one([2**62, 2**62 - 1], "sum") == 2**63 - 1
    assert one([-(2**62), -(2**62)], "sum") == -(2**63)
    assert one(np.array([2**63, 2**63 - 1], dtype=np.uint64), "sum") == 2**64 - 1


@pytest.mark.parametrize("dtype", ["int8", "uint8"])
def test_sums_of_small_integers_do_not_wrap(dtype: str) -> None:
    x = np.full(1000, np.iinfo(dtype).max, dtype=dtype)
    assert one(x, "sum") == 1000 * np.iinfo(dtype).max
    assert one(x, "avg") == np.iinfo(dtype).max


def test_range_of_small_integers_does_not_wrap() -> None:
    assert one(np.array([-128, 127], dtype=np.int8), "range") == 255
    assert one(np.array([0, 255], dtype=np.uint8), "range") == 255


@pytest.mark.parametrize(
    ("cells", "mode", "what"),
    [
        ([2**62, 2**62], "sum", "sum"),
        ([-(2**62), -(2**62), -1], "sum", "sum"),
        ([2**63 - 1, -1], "range", "max - min"),
    ],
)
def test_overflow_is_an_error(cells: list[int], mode: str, what: str) -> None:
    with pytest.raises(NumberRangeError, match=rf"the {what} of 1 window does not fit int64, the first at \(0,\)"):
        one(cells, mode)


def test_overflow_names_the_first_window() -> None:
    x = np.array([[1, 1, 1, 1], [1, 1, 1, 1], [1, 1, 2**62, 2**62], [1, 1, 2**62, 2**62]])
    with pytest.raises(NumberRangeError, match=r"the sum of 1 window does not fit int64, the first at \(1, 1\)"):
        pool(x, "sum")
    with pytest.raises(NumberRangeError, match="does not fit uint64"):
        one(np.array([2**63, 2**63], dtype=np.uint64), "sum")


@pytest.mark.parametrize("shape", [(3, 300, 300), (40000, 2, 2), (1, 1, 1)])
@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_long_sums_are_exact_and_checked_to_the_end(shape: tuple[int, ...], dtype: type[np.integer[Any]]) -> None:
    x = np.random.default_rng(0).integers(0, 2**31, shape).astype(dtype)
    for largest in (7, most := np.iinfo(dtype).max):
        x[-1, -1, -1] = largest
        exact = [sum(plane.ravel().tolist()) for plane in x]
        averages = pool(x, "avg", global_window=True).ravel().tolist()
        assert averages == pytest.approx([total / x[0].size for total in exact], rel=1e-14)
        if exact[-1] <= most:
            assert pool(x, "sum", global_window=True).ravel().tolist() == exact
            continue
        with pytest.raises(NumberRangeError, match=f"of 1 window does not fit {np.dtype(dtype)}"):
            pool(x, "sum", global_window=True)


def test_overflow_is_a_builtin_overflow_error_too() -> None:
    with pytest.raises(OverflowError):
        one([2**62, 2**62], "sum")


@pytest.mark.parametrize("mode", ["sum", "avg"])
def test_float32_sums_keep_to_the_promised_error(mode: str) -> None:
    x = np.random.default_rng(3).normal(size=(512, 512)).astype(np.float32)
    exact = math.fsum(x.ravel().tolist())
    size = math.fsum(np.abs(x).ravel().tolist())
    if mode == "avg":
        exact, size = exact / x.size, size / x.size
    assert abs(float(one(x, mode)) - exact) <= 1e-6 * size


def test_float16_averages_do_not_overflow() -> None:
    assert one(np.full(64, 60000, dtype=np.float16), "avg") == 60000


def test_mixed_counts_cells_beyond_float16() -> None:
    """Whether as an array of counts, because windows are clipped, or counted because NaN are left out."""
    x = np.ones((300, 300), dtype=np.float16)
    assert one(x, "mixed:0.5", nan="ignore") == 1
    assert (pool(x, "mixed:0.5", 300, stride=1, padding=1) == 1).all()


# --- a mode of one's own ----------------------------------------------------------------------------------------------


def rows_in_the_document() -> list[str]:
    """The code of every mode that docs/architecture.md shows."""
    document = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    found = re.findall(r'\bMode\(\s*"midrange",[^`]*\)(?=\n```|`)', document)
    assert len(found) == 2  # as a row of the table, and in a package
    return found


@in_turn(
    ("dtype", "cells"),
    [
        ("bool", [1, 0, 0, 0, 0, 1]),
        ("uint8", [200, 150, 100, 120, 255, 254]),
        ("int8", [-100, 5, -120, 120, 127, 127]),
        ("int64", [2**62, 2**61, 2**62, 2**63 - 1, -(2**63), -(2**62)]),
        ("uint64", [2**63, 2**64 - 1, 0, 2**63, 7, 8]),
        ("float16", [60000, 50000, 65504, 5, -65504, 65504]),
        ("float32", [3e38, 2e38, 1e38, 3e38, -0.5, 0.25]),
        ("float64", [1.5, -2.5, 0.1, 0.2, 1e300, -1e300]),
    ],
)
@in_turn("options", [{}, {"nan": "ignore"}, {"padding": 1, "stride": 1}])
@in_turn("code", rows_in_the_document())
def test_the_mode_in_the_document_works_on_every_type(
    code: str, options: dict[str, Any], dtype: str, cells: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The formula is written as anybody would write it; nothing wraps around or overflows on the way."""
    monkeypatch.setitem(MODES, "midrange", eval(code, vars(modes).copy()))  # noqa: S307 - our own document
    x = np.array(cells, dtype)
    bounds = [(i, i + 2) for i in (0, 2, 4)] if "padding" not in options else [(max(i, 0), i + 2) for i in range(-1, 6)]
    windows = [[Fraction(cell) for cell in x[start:stop].tolist()] for start, stop in bounds]
    values = pool(x, "midrange", 2, **options)
    assert values.dtype == (dtype if x.dtype.kind == "f" else np.float64)
    expected = np.array([float((max(window) + min(window)) / 2) for window in windows])
    rounded = 1e-15 * float(max(map(abs, cells)))  # float64 has no room for all digits of 2**63 - 1
    np.testing.assert_allclose(values, expected.astype(values.dtype), rtol=1e-6, atol=rounded)


def test_a_mode_is_refused_where_its_row_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page without its arithmetic would be empty, and no code is no help against missing code."""
    monkeypatch.setitem(MODES, "midrange", eval(rows_in_the_document()[1], vars(modes).copy()))  # noqa: S307 - our own document
    with pytest.raises(UsageError, match="midrange, which has no script in its row"):
        page(FeatureMap.from_array(np.ones((4, 4))), Pooling.of(2, "midrange"))
    for target, why in {"numpy": "midrange has no NumPy code", "torch": "it has no midrange pooling"}.items():
        with pytest.raises(UsageError, match=why) as caught:
            emit([PoolStep("midrange", 2)], 2, target)
        assert caught.value.hint == "compute it with pool"


@pytest.mark.parametrize(
    "options", [{}, {"padding": 1, "stride": 1}, {"global_window": True}, {"nan": "ignore"}], ids=str
)
@pytest.mark.parametrize("dtype", ["uint8", "float32"])
def test_the_numpy_code_in_the_document_computes_what_the_mode_does(
    options: Any, dtype: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(MODES, "midrange", eval(rows_in_the_document()[0], vars(modes).copy()))  # noqa: S307 - our own document
    x = np.array([[200, 150, 100, 120], [255, 254, 7, 8], [9, 0, 1, 3], [2, 2, 250, 240]], dtype)
    if "nan" in options:
        x = np.where(x == 7, np.nan, x.astype(np.float64))
    scope: dict[str, Any] = {}
    size = None if "global_window" in options else 2
    exec(emit([PoolStep("midrange", size, options)], 2, "numpy"), scope)  # noqa: S102 - poolcli's own output
    made, expected = scope["pool"](x), pool(x, "midrange", size, **options)
    assert made.dtype == expected.dtype
    np.testing.assert_array_equal(made, expected)


def test_the_mode_in_the_document_stands_in_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(MODES, "midrange", eval(rows_in_the_document()[0], vars(modes).copy()))  # noqa: S307 - our own document
    made = page(FeatureMap.from_array(np.ones((4, 4))), Pooling.of(2, "midrange")).decode()
    assert re.search(
        r'"midrange": \{ \.\.\..*"extremes".*, reduce: \(x, n, p\) => \(most\(x\) \+ least\(x\)\) / 2 \},', made
    )


def test_every_row_has_all_that_is_said_of_a_mode() -> None:
    assert [row.name for row in MODES.values() if not (row.says and row.written and row.numpy)] == []
    assert [row.name for row in MODES.values() if bool(row.script) == row.random] == []


# --- extremes of float64 ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e200, 1e-200])
@pytest.mark.parametrize(
    ("mode", "expected"),
    [("rms", VALUES["rms"]), ("std", VALUES["std"]), ("lp:2", VALUES["lp:2"]), ("lp:3", VALUES["lp:3"])],
)
def test_powers_of_extreme_numbers_neither_overflow_nor_vanish(mode: str, expected: float, scale: float) -> None:
    assert one(np.array(CELLS) * scale, mode) == pytest.approx(expected * scale, rel=1e-12)


def test_spread_of_close_numbers_keeps_its_digits() -> None:
    x = [1e9, 1e9 + 1, 1e9, 1e9 + 1]
    assert one(x, "std") == pytest.approx(0.5, rel=1e-9)
    assert one(x, "var") == pytest.approx(0.25, rel=1e-9)


def test_logavgexp_and_soft_of_large_numbers() -> None:
    assert one([1000.0, 1000.0], "logavgexp:1") == pytest.approx(1000)
    assert one([1000.0, 0.0], "soft") == pytest.approx(1000)
    assert one([-1000.0, -1000.0], "logavgexp:1") == pytest.approx(-1000)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("max", math.inf), ("min", 1), ("avg", math.inf), ("sum", math.inf), ("median", 1.5), ("lp:2", math.inf),
        ("soft", math.inf),
    ],
)  # fmt: skip
def test_infinity(mode: str, expected: float) -> None:
    assert one([1.0, math.inf, 1.0, 2.0], mode) == expected


def test_infinities_of_both_signs_sum_to_nan() -> None:
    assert math.isnan(one([math.inf, -math.inf], "sum"))
    assert one([math.inf, -math.inf], "max") == math.inf


# --- NaN --------------------------------------------------------------------------------------------------------------

MODES_TO_TRY = [*ONE_OF_EACH, "stochastic"]


@in_turn("mode", MODES_TO_TRY)
@in_turn("dtype", ["float16", "float32", "float64"])
def test_nan_propagates_unless_told_otherwise(mode: str, dtype: str) -> None:
    for place in range(4):
        x = np.array([1, 2, 3, 4], dtype=dtype)
        x[place] = math.nan
        assert math.isnan(one(x, mode, seed=1))
    clean = pool(np.array([1, 2, math.nan, 4, 5, 6], dtype=dtype), mode, 2, seed=1)
    assert np.isnan(clean).tolist() == [False, True, False]


@pytest.mark.parametrize("mode", MODES_TO_TRY)
def test_nan_ignored_is_as_if_the_cell_were_not_there(mode: str) -> None:
    without = [c for row in CELLS for c in row]
    for place in range(5):
        x = np.array([*without[:place], math.nan, *without[place:]])
        value = one(x, mode, nan="ignore", seed=1)
        if mode == "stochastic":
            assert value in (1, 4)
        else:
            assert value == pytest.approx(VALUES[mode], rel=1e-12)


@pytest.mark.parametrize("mode", MODES_TO_TRY)
def test_a_window_of_nan_alone_is_nan_when_ignored(mode: str) -> None:
    values = pool([math.nan, math.nan, 1.0, math.nan], mode, 2, nan="ignore", seed=1)
    assert np.isnan(values).tolist() == [True, False]


@pytest.mark.parametrize("mode", MODES_TO_TRY)
def test_nan_as_an_error_names_the_first(mode: str) -> None:
    x = np.ones((2, 2, 2))
    x[0, 1, 1] = x[1, 0, 0] = math.nan
    with pytest.raises(NanError, match=r"the input has 2 NaN, the first at \(0, 1, 1\)"):
        pool(x, mode, nan="error", seed=1)
    assert np.isfinite(pool(np.ones((2, 2)), mode, nan="error", seed=1)).all()


def test_nan_rules_do_not_mind_integers() -> None:
    for rule in ("propagate", "ignore", "error"):
        assert pool(CELLS, nan=rule).tolist() == [[4]]


def test_padding_does_not_hide_nan() -> None:
    x = np.array([math.nan, 1.0])
    assert np.isnan(pool(x, "max", 2, padding=((1, 0),))).tolist() == [True]
    assert pool(x, "avg", 3, stride=1, padding=1, nan="ignore").tolist() == [1, 1]


# --- any array --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", MODES_TO_TRY)
def test_the_input_is_not_modified_and_may_be_read_only(mode: str) -> None:
    x: NDArray[Any] = np.array([[1.0, math.nan, 3], [4, 5, 6], [7, 8, 9]])
    before = x.copy()
    x.flags.writeable = False
    for rule in ("propagate", "ignore"):
        pool(x, mode, 2, stride=1, padding=1, nan=rule, seed=1)
    np.testing.assert_array_equal(x, before)


@pytest.mark.parametrize("mode", MODES_TO_TRY)
def test_memory_layout_does_not_matter(mode: str) -> None:
    x = np.random.default_rng(1).integers(0, 9, (6, 7)).astype(np.float64)
    expected = pool(x, mode, 3, stride=1, seed=1)
    wide = np.zeros((12, 14))
    wide[::2, ::2] = x
    for other in (np.asfortranarray(x), wide[::2, ::2], x.astype(">f8"), x[::-1][::-1]):
        np.testing.assert_allclose(pool(other, mode, 3, stride=1, seed=1), expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("x", "message"),
    [
        ([[1, 2], [3]], "the rows of the input have different lengths"),
        (["a", "b"], "values of type <U1 cannot be pooled"),
        ([1j, 2j], "values of type complex128 cannot be pooled"),
        (np.zeros(4, np.longdouble), "cannot be pooled"),
        ([None, 1], "values of type object cannot be pooled"),
    ],
)
def test_what_cannot_be_pooled(x: Any, message: str) -> None:
    with pytest.raises(InputError) as caught:
        pool(x)
    assert message in caught.value.message


# --- names and parameters ---------------------------------------------------------------------------------------------


def test_rows_stand_under_their_own_names() -> None:
    for name, row in MODES.items():
        assert row.name == name
        assert row.formula
        assert bool(row.reductions) != bool(row.cells)
        assert row.label == (f"{name}:{row.parameter.letter}" if row.parameter else name)


def test_the_modes_of_the_contract_are_there() -> None:
    contract = [
        "max", "min", "avg", "sum", "median", "majority", "range", "std", "var", "rms", "lp:P", "percentile:Q",
        "logavgexp:R", "soft", "mixed:A", "stochastic",
    ]  # fmt: skip
    assert [row.label for row in MODES.values() if row.label in contract] == contract


@pytest.mark.parametrize(
    ("alias", "name"),
    [("mean", "avg"), ("average", "avg"), ("mode", "majority"), ("l2", "lp:2"), ("MAX", "max"), (" Avg ", "avg")],
)
def test_aliases(alias: str, name: str) -> None:
    assert str(parse_mode(alias)) == str(parse_mode(name)) == name


def test_every_alias_leads_to_a_row() -> None:
    for alias in ALIASES:
        assert parse_mode(alias).mode.name in MODES


@pytest.mark.parametrize("mode", ["max", "mean", "lp:3", "majority"])
def test_global_names(mode: str) -> None:
    assert pool(CELLS, f"global-{mode}").tolist() == pool(CELLS, mode, global_window=True).tolist()


@pytest.mark.parametrize("text", ["lp:3", "percentile:12.5", "mixed:0.1", "logavgexp:0.3333333333333333", "lp:inf"])
def test_a_mode_written_out_is_read_again(text: str) -> None:
    assert parse_mode(str(parse_mode(text))) == parse_mode(text)
    assert parse_mode(text).parameter == float(text.partition(":")[2])


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("mx", "unknown mode 'mx'", "did you mean max"),
        ("maxx", "unknown mode 'maxx'", "did you mean max"),
        ("maximum", "unknown mode 'maximum'", "did you mean max?"),
        ("average_pool", "unknown mode 'average_pool'", "did you mean average?"),
        ("medain", "unknown mode 'medain'", "median"),
        ("", "unknown mode ''", "known: max, min, avg"),
        ("zzz", "unknown mode 'zzz'", "known: max, min, avg"),
        (
            "max,avg",
            "one mode is expected, not 'max,avg'",
            "name one; to compare several: compare(x, mode='max,avg')",
        ),
        ("lp:2,5", "'2,5' is not a number", "lp:3"),
        ("max:2", "mode max takes no parameter, but 'max:2' has one", "use max"),
        ("mean:2", "mode avg takes no parameter", "use avg"),
        ("lp", "mode lp needs P, the order of the norm", "lp:3"),
        ("lp:", "mode lp needs P, the order of the norm", "lp:3"),
        ("lp:x", "'x' is not a number: mode lp needs P", "lp:3"),
        ("lp:0", "lp:0 is out of range: P is the order of the norm, in (0, inf]", "lp:3"),
        ("lp:-1", "lp:-1 is out of range", "lp:3"),
        ("lp:nan", "lp:nan is out of range", "lp:3"),
        ("percentile:200", "percentile:200 is out of range: Q is the percentage, in [0, 100]", "percentile:90"),
        ("percentile:-1", "percentile:-1 is out of range", "percentile:90"),
        ("percentile", "mode percentile needs Q", "percentile:90"),
        ("logavgexp:0", "logavgexp:0 is out of range", "logavgexp:1"),
        ("logavgexp:inf", "logavgexp:inf is out of range", "logavgexp:1"),
        ("mixed:1.5", "mixed:1.5 is out of range: A is the share of the maximum, in [0, 1]", "mixed:0.5"),
    ],
)
def test_names_and_parameters_that_are_wrong(text: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_mode(text)
    assert message in caught.value.message
    assert caught.value.hint is not None
    assert hint in caught.value.hint
    assert isinstance(caught.value, UnknownNameError) == message.startswith("unknown")


@pytest.mark.parametrize(("dtype", "largest"), [("float16", 6e4), ("float32", 3e38), ("float64", 1.5e308)])
@pytest.mark.parametrize("mode", ["avg", "mixed:0.5"])
def test_an_average_is_finite_where_its_sum_is_not(mode: str, dtype: str, largest: float) -> None:
    x = np.array([largest, largest, largest, largest, 1, 3, 1, 3], dtype)
    expected = np.array([largest, 2 if mode == "avg" else 2.5], dtype)
    made = pool(x, mode, 4)
    assert made.dtype == x.dtype
    np.testing.assert_allclose(made, expected, rtol=1e-3 if dtype == "float16" else 1e-6)


def test_an_average_that_counts_padding_and_ignores_nan_divides_by_the_other_cells_and_the_padding() -> None:
    """A window without another real cell than NaN is NaN, whatever the padding."""
    x = np.array([[1.0, math.nan], [3.0, 4.0]])
    made = pool(x, "avg", 2, padding=1, count_include_pad=True, nan="ignore")
    np.testing.assert_array_equal(made, [[1 / 4, math.nan], [3 / 4, 4 / 4]])
    padded = pool(x, "avg", 3, stride=3, padding=1, count_include_pad=True, nan="ignore")
    np.testing.assert_array_equal(padded, [[(1 + 3 + 4) / (3 + 5)]])


def test_an_infinite_cell_still_makes_an_infinite_average() -> None:
    assert pool(np.array([np.inf, 1.0]), "avg", 2).tolist() == [np.inf]


def test_chosen_modes_are_compared_by_what_they_do() -> None:
    """A missing parameter is NaN: whether two of them are equal must not hang on their being one object."""
    plain = ChosenMode(MODES["max"], float("nan"))
    assert plain == parse_mode("max")
    assert hash(plain) == hash(parse_mode("max"))
    assert parse_mode("lp:2") == parse_mode("l2") != parse_mode("lp:3")
    assert parse_mode("max") != parse_mode("min")
    assert parse_mode("max") != "max"

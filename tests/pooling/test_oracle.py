"""poolcli against the plain-loop oracle on random windows, pads, dilations, dtypes and NaNs; the oracle against golden.

The oracle (oracle.py) is checked against the frameworks' own recorded answers first, so it is no mere second opinion.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from poolcli import grad, pool, unpool
from poolcli.errors import EmptyWindowError, NanError, NumberRangeError, ShapeError, UsageError
from poolcli.pooling.modes import MODES as TABLE
from tests.support import drawn, oracle
from tests.support.golden import CASES, is_exact, load_cases, tupled, unpack
from tests.support.rows import in_turn

Array = NDArray[Any]
Options = dict[str, Any]

# Hypothesis examples of each property; together they are what a CI run tries.
EXAMPLES = {"sliding": 1000, "whole": 400, "fractional": 150, "fill": 300, "indices": 250, "gradient": 250,
            "stochastic": 100, "laws": 150}  # fmt: skip


def examples(name: str) -> settings:
    """The same examples in every run, as many as the table says, however long they take."""
    calm = [HealthCheck.too_slow, HealthCheck.filter_too_much]
    return settings(max_examples=EXAMPLES[name], derandomize=True, deadline=None, suppress_health_check=calm)


def test_a_run_tries_enough_examples() -> None:
    assert sum(EXAMPLES.values()) >= 2000


# ---------------------------------------------------------------------------------------------- from options to axes


def per_axis(value: Any, ndim: int) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,) * ndim


def count_spatial(x: Array, options: Options) -> int:
    """The contract's rule: the length of a tuple, else ndim, else two (one, if x has one axis)."""
    for name in ("size", "output_size", "padding"):
        if isinstance(options.get(name), tuple):
            return len(options[name])
    return int(options.get("ndim", min(2, x.ndim)))


def axis_padding(padding: Any, ndim: int) -> list[str | tuple[int, int]]:
    """For each axis a name, or cells before and after."""
    return [p if isinstance(p, tuple | str) else (p, p) for p in per_axis(padding, ndim)]


def make_axes(x: Array, options: Options) -> list[oracle.Axis]:
    """The oracle's windows for poolcli's options."""
    ndim = count_spatial(x, options)
    lengths = x.shape[x.ndim - ndim :]
    if options.get("global_window"):
        return [oracle.whole(length) for length in lengths]
    size = per_axis(options.get("size", 2), ndim)
    outputs = options.get("output_size")
    if options.get("fractional"):
        rows = zip(lengths, size, per_axis(outputs, ndim), options["offsets"], strict=True)
        return [oracle.fractional(*row) for row in rows]
    if outputs is not None:
        return [oracle.adaptive(length, o) for length, o in zip(lengths, per_axis(outputs, ndim), strict=True)]
    stride = size if options.get("stride") is None else per_axis(options["stride"], ndim)
    dilation = per_axis(options.get("dilation", 1), ndim)
    padding = axis_padding(options.get("padding", "valid"), ndim)
    ceil = options.get("ceil_mode", False)
    return [oracle.sliding(*row, ceil) for row in zip(lengths, size, stride, dilation, padding, strict=True)]


# ---------------------------------------------------------------------------------------------- the oracle and golden

DEFAULT_CASES = [c for c in CASES if "compat" not in c["kwargs"] and "expected" in c and "data" in c["expected"]]


@in_turn("case", DEFAULT_CASES)
def test_the_oracle_gives_the_golden_answers(case: dict[str, Any]) -> None:
    x = unpack(case["input"]["data"], case["input"]["dtype"])
    options: Options = {name: tupled(value) for name, value in case["kwargs"].items()}
    expected = unpack(case["expected"]["data"], case["expected"].get("dtype"))
    mode, include = options.get("mode", "max"), bool(options.get("count_include_pad"))
    if case["call"] == "unpool":
        places = unpack(case["indices"], "int64")
        np.testing.assert_array_equal(oracle.unpool(x, places, options["shape"]), expected)
        return
    axes = make_axes(x, options)
    rough = np.dtype(np.float32) if "dtype" not in case["expected"] else expected.dtype
    tolerance = {2: 2e-3, 4: 1e-5}.get(rough.itemsize, 1e-12) if rough.kind == "f" else 0
    if case["call"] == "grad":
        shape = (*x.shape[: x.ndim - len(axes)], *(len(axis.windows) for axis in axes))
        given_ = case.get("upstream")
        upstream = unpack(given_["data"], given_["dtype"]) if given_ else np.ones(shape)
        found = oracle.grad(x, mode, axes, upstream, count_include_pad=include)
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=tolerance)
        return
    fill, nan = options.get("pad_fill", "ignore"), options.get("nan", "propagate")
    pooled = oracle.pool(x, mode, axes, pad_fill=fill, count_include_pad=include, nan=nan)
    if mode.startswith("stochastic"):
        assert all(value in chosen for value, chosen in zip(expected.flat, pooled.choices.flat, strict=True))
        return
    values = pooled.array()
    if "dtype" in case["expected"]:
        assert values.dtype == expected.dtype
    if is_exact(case, expected.dtype):
        np.testing.assert_array_equal(values, expected)
    else:
        np.testing.assert_allclose(values, expected, rtol=tolerance, atol=tolerance)
    if "indices" in case["expected"]:
        np.testing.assert_array_equal(pooled.indices, unpack(case["expected"]["indices"], "int64"))


def test_the_oracle_refuses_as_the_rules_do() -> None:
    kinds = {
        "ShapeError": oracle.NoWindowError,
        "EmptyWindowError": oracle.NoCellError,
        "NanError": oracle.NanFoundError,
    }
    kinds["NumberRangeError"] = OverflowError
    refused = [case for case in load_cases() if case["expected"].get("error") in kinds]
    assert len(refused) >= 8
    for case in refused:
        x = unpack(case["input"]["data"], case["input"]["dtype"])
        options = {name: tupled(value) for name, value in case["kwargs"].items()}
        with pytest.raises(kinds[case["expected"]["error"]]):
            oracle.pool(x, options["mode"], make_axes(x, options), nan=options.get("nan", "propagate")).array()


# ---------------------------------------------------------------------------------------------- random questions

INTEGERS = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
FLOATS = ("float16", "float32", "float64")
MODES = [
    *(row.name for row in TABLE.values() if not row.parameter and not row.random),
    *("lp:1", "lp:2", "lp:3", "lp:0.5", "percentile:30", "percentile:75.5", "percentile:100", "logavgexp:1"),
    *("logavgexp:0.5", "mixed:0.3"),
]
# Modes whose answer on infinities follows from the words of the contract.
INFINITE = ("max", "min", "avg", "sum", "median", "majority", "range", "rms", "lp:1", "lp:2", "lp:3")


@dataclass
class Question:
    """An input and the options of one call."""

    x: Array
    mode: str
    options: Options
    nan: str = "propagate"
    extra: Options = field(default_factory=dict)

    def ask(self, **more: Any) -> Any:
        return pool(self.x, self.mode, **self.options, **self.extra, nan=self.nan, **more)


def numbers(draw: Random, mode: str, shape: tuple[int, ...], dtype: str) -> Array:
    """Few values that tie, ordinary ones, extreme integers, or some NaNs and infinities."""
    rng = np.random.default_rng(draw.getrandbits(32))
    if dtype == "bool":
        return rng.integers(0, 2, shape).astype(bool)
    if dtype in INTEGERS:
        limits = np.iinfo(dtype)
        kinds = ((0, 3), (max(-50, int(limits.min)), 50), (limits.min, limits.max))
        return rng.integers(*draw.choice(kinds), shape, dtype=dtype, endpoint=True)
    kind = draw.choice(("ties", "ordinary", "special"))
    if kind == "ties":
        return rng.choice([-1.0, -0.0, 0.0, 0.5, 2.0], shape).astype(dtype)
    x = rng.normal(scale=draw.choice((0.01, 1.0, 20.0)), size=shape) + draw.choice((0.0, 0.0, 30.0))
    if kind == "special":
        some = rng.random(shape)
        if mode in INFINITE:
            x[some < 0.05] = np.inf
            x[(some >= 0.05) & (some < 0.1)] = -np.inf
        x[some > 0.85] = np.nan
    return x.astype(dtype)


def lengths(draw: Random) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Leading axes and spatial axes."""
    ndim = draw.randint(1, 3)
    longest = {1: 10, 2: 7, 3: 4}[ndim]
    return draw.choice(((), (), (2,), (1,), (2, 1))), tuple(draw.randint(1, longest) for _ in range(ndim))


def for_axes(draw: Random, ndim: int, low: int, high: int) -> int | tuple[int, ...]:
    """One number for every axis, or one for each."""
    each = tuple(draw.randint(low, high) for _ in range(ndim))
    return draw.choice((each, each[0]))


def sliding(draw: Random, spatial: tuple[int, ...], most_padding: int = 4) -> Options:
    """Size, stride, dilation, padding, ceil_mode; most of them fit the input."""
    ndim = len(spatial)
    options: Options = {"size": for_axes(draw, ndim, 1, 3), "ndim": ndim}
    if draw.choice((True, False)):
        options["stride"] = for_axes(draw, ndim, 1, 3)
    if draw.randint(0, 2) == 0:
        options["dilation"] = for_axes(draw, ndim, 1, 3)
    if draw.choice((True, False)):
        options["ceil_mode"] = draw.choice((True, False))
    way, most = draw.choice(("none", "name", "cells", "cells", "pairs")), draw.choice((1, most_padding))
    if way == "name":
        options["padding"] = draw.choice(("valid", "same", "same-lower"))
    if way == "cells":
        options["padding"] = for_axes(draw, ndim, 0, most)
    if way == "pairs":
        options["padding"] = tuple((draw.randint(0, most), draw.randint(0, most)) for _ in range(ndim))
    return options


def sliding_question(draw: Random) -> Question:
    lead, spatial = lengths(draw)
    mode, dtype = draw.choice(MODES), draw.choice(INTEGERS + FLOATS * 3)
    question = Question(numbers(draw, mode, lead + spatial, dtype), mode, sliding(draw, spatial))
    if mode == "avg" and not has_nan(question.x):
        # What a divisor does with ignored NaNs and counted padding at once the contract leaves open.
        question.extra["count_include_pad"] = draw.choice((None, False, True))
    question.nan = draw.choice(("propagate", "propagate", "ignore", "error"))
    return question


def whole_question(draw: Random) -> Question:
    """Global and adaptive windows."""
    lead, spatial = lengths(draw)
    mode, dtype = draw.choice(MODES), draw.choice(INTEGERS + FLOATS * 3)
    options: Options = {"ndim": len(spatial)}
    if draw.randint(0, 3) == 0:
        options["global_window"] = True
    else:
        options["output_size"] = for_axes(draw, len(spatial), 1, 5)
    nan = draw.choice(("propagate", "propagate", "ignore", "error"))
    return Question(numbers(draw, mode, lead + spatial, dtype), mode, options, nan)


def fractional_question(draw: Random) -> Question:
    lead, spatial = lengths(draw)
    mode, dtype = draw.choice(MODES), draw.choice(("int32", "float32", "float64"))
    size = tuple(draw.randint(1, min(3, length)) for length in spatial)
    # torch needs room for different starts: output + size - 1 <= length
    outputs = tuple(draw.randint(1, length - k + 1) for length, k in zip(spatial, size, strict=True))
    offsets = tuple(draw.randint(0, 999) / 1000 for _ in spatial)
    options = {"size": size, "output_size": outputs, "fractional": True, "offsets": offsets}
    return Question(numbers(draw, mode, lead + spatial, dtype), mode, options)


def fill_question(draw: Random) -> Question:
    """Padding that has values."""
    lead, spatial = lengths(draw)
    dtype = draw.choice(INTEGERS + FLOATS * 2)
    names = ("reflect", "symmetric", "replicate", "wrap")
    # What a number among truth values becomes the contract leaves open.
    fill: str | float = draw.choice(names if dtype == "bool" else (*names, "number", "number"))
    if fill == "number":
        fill = draw.choice((0, 1, 3) if dtype in INTEGERS else (0, 1.5, -2, 3))
    mode = draw.choice(MODES)
    options = {**sliding(draw, spatial, most_padding=6), "pad_fill": fill}
    x = numbers(draw, mode, lead + spatial, dtype)
    return Question(x, mode, options, draw.choice(("propagate", "ignore")))


def has_nan(x: Array) -> bool:
    return x.dtype.kind == "f" and bool(np.isnan(x).any())


def tolerance(x: Array, mode: str, expected: Array) -> float:
    """How far a value may be off: a share of the numbers that went into it."""
    relative = {2: 2e-3, 4: 1e-5}.get(x.dtype.itemsize, 1e-11) if x.dtype.kind == "f" else 1e-11
    numbers = np.abs(x[np.isfinite(x)].astype(np.float64)) if x.dtype.kind == "f" else np.abs(x.astype(np.float64))
    largest = max(1e-3, float(numbers.max(initial=0)))
    if mode == "var":
        largest **= 2
    finite = np.abs(expected[np.isfinite(expected)].astype(np.float64))
    return relative * max(largest, float(finite.max(initial=0)))


def compare(question: Question, found: Array, pooled: oracle.Pooled) -> None:
    """Shape, dtype, and values: exact where the contract says so."""
    expected = pooled.array()
    assert found.shape == expected.shape
    assert found.dtype == expected.dtype
    name = question.mode.partition(":")[0]
    # float16 and float32 sums and ranges round; a pick is exact.
    if expected.dtype.kind != "f" or name in ("max", "min", "majority"):
        np.testing.assert_array_equal(found, expected)
        return
    with np.errstate(invalid="ignore"):
        near = tolerance(question.x, question.mode, expected)
    np.testing.assert_allclose(found.astype(np.float64), expected.astype(np.float64), rtol=0, atol=near)


def check(question: Question) -> None:
    """poolcli's answer or error is the oracle's, and the input stays what it was."""
    x, options, extra = question.x, question.options, question.extra
    before = x.tobytes()
    include, fill = bool(extra.get("count_include_pad")), options.get("pad_fill", "ignore")
    try:
        axes = make_axes(x, options)
        pooled = oracle.pool(x, question.mode, axes, pad_fill=fill, count_include_pad=include, nan=question.nan)
        with np.errstate(over="ignore"):
            pooled.array()
    except oracle.NoWindowError:
        expect(question, ShapeError)
    except oracle.NoCellError:
        expect(question, EmptyWindowError)
    except oracle.NanFoundError:
        expect(question, NanError)
    except OverflowError:
        expect(question, NumberRangeError)
    else:
        assume(question.nan != "error" or not has_nan(x))  # a NaN that no window covers: left open
        compare(question, question.ask(), pooled)
    assert x.tobytes() == before


def expect(question: Question, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        question.ask()
    if kind is ShapeError:
        assert not isinstance(caught.value, EmptyWindowError)


# ---------------------------------------------------------------------------------------------- the properties


@pytest.mark.slow
@given(drawn.by(sliding_question))
@examples("sliding")
def test_sliding_windows(question: Question) -> None:
    check(question)


@pytest.mark.slow
@given(drawn.by(whole_question))
@examples("whole")
def test_global_and_adaptive_windows(question: Question) -> None:
    check(question)


@given(drawn.by(fractional_question))
@examples("fractional")
def test_fractional_windows(question: Question) -> None:
    check(question)


@pytest.mark.slow
@given(drawn.by(fill_question))
@examples("fill")
def test_padding_with_values(question: Question) -> None:
    check(question)


@pytest.mark.slow
@given(drawn.by(drawn.it))
@examples("indices")
def test_indices_and_unpool(draw: Random) -> None:
    question = draw.choice((sliding_question, whole_question, fractional_question))(draw)
    question.mode, question.extra = draw.choice(("max", "min")), {}
    question.nan = draw.choice(("propagate", "ignore"))
    x, axes = question.x, None
    try:
        axes = make_axes(x, question.options)
        pooled = oracle.pool(x, question.mode, axes, nan=question.nan)
    except (oracle.NoWindowError, oracle.NoCellError):
        assume(False)
    assume((pooled.indices >= 0).all())  # a window of nothing but ignored NaN: left open
    values, indices = question.ask(return_indices=True)
    compare(question, values, pooled)
    assert indices.dtype == np.int64
    np.testing.assert_array_equal(indices, pooled.indices)

    assert axes is not None
    spatial = x.shape[x.ndim - len(axes) :]
    back = unpool(values, indices, spatial)
    assert back.dtype == values.dtype
    np.testing.assert_array_equal(back, oracle.unpool(values, indices, spatial))


@pytest.mark.slow
@given(drawn.by(drawn.it))
@examples("gradient")
def test_gradient(draw: Random) -> None:
    question = draw.choice((sliding_question, whole_question))(draw)
    mode = draw.choice(("max", "min", "avg", "sum", "lp:2", "lp:3", "lp:1"))
    rng = np.random.default_rng(draw.getrandbits(32))
    x = rng.integers(-3, 4, question.x.shape) + (0.5 if mode.startswith("lp") else 0.0)
    include = draw.choice((True, False)) if mode == "avg" and "padding" in question.options else None
    try:
        axes = make_axes(x, question.options)
        pooled = oracle.pool(x, mode, axes)
    except (oracle.NoWindowError, oracle.NoCellError):
        assume(False)
    upstream = np.round(rng.normal(size=pooled.values.shape), 2)
    expected = oracle.grad(x, mode, axes, upstream, count_include_pad=bool(include))
    before = x.copy()
    extra: Options = {} if include is None else {"count_include_pad": include}
    found = grad(x, upstream, mode=mode, **question.options, **extra)
    np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
    np.testing.assert_array_equal(x, before)
    if draw.choice((True, False)):
        ones = grad(x, mode=mode, **question.options, **extra)
        np.testing.assert_allclose(
            ones, oracle.grad(x, mode, axes, np.ones_like(upstream), count_include_pad=bool(include))
        )


@in_turn("mode", ["max", "min", "avg", "sum", "lp:2", "lp:3"])
@in_turn(
    "options",
    [
        {"size": 2, "stride": 1},
        {"size": (3, 2), "padding": 1, "ceil_mode": True},
        {"size": 2, "dilation": 2, "padding": "same"},
        {"output_size": (2, 3)},
        {"global_window": True},
    ],
)
def test_gradient_is_the_slope(mode: str, options: Options) -> None:
    """The derivative by differences: nothing but pool itself."""
    rng = np.random.default_rng(7)
    x = rng.permutation(20).reshape(4, 5) / 7 + 0.5  # far enough apart that no winner changes
    weights = rng.normal(size=pool(x, mode, **options).shape)
    slope, step = np.zeros_like(x), 1e-6
    for place in np.ndindex(x.shape):
        up, down = x.copy(), x.copy()
        up[place] += step
        down[place] -= step
        slope[place] = ((pool(up, mode, **options) - pool(down, mode, **options)) * weights).sum() / (2 * step)
    np.testing.assert_allclose(grad(x, weights, mode=mode, **options), slope, rtol=1e-6, atol=1e-6)


@given(drawn.by(sliding_question), st.integers(0, 99))
@examples("stochastic")
def test_stochastic_draws_a_cell_of_its_window(question: Question, seed: int) -> None:
    x = question.x
    question.mode, question.extra, question.nan = "stochastic", {"seed": seed}, "propagate"
    assume(x.dtype.kind != "f" or not np.isinf(x).any())
    try:
        pooled = oracle.pool(x, "stochastic", make_axes(x, question.options))
    except oracle.NoWindowError:
        expect(question, ShapeError)
        return
    except oracle.NoCellError:
        expect(question, EmptyWindowError)
        return
    found = question.ask()
    assert found.dtype == x.dtype
    assert found.shape == pooled.values.shape
    for value, allowed in zip(found.flat, pooled.choices.flat, strict=True):
        assert value.item() in allowed or (
            x.dtype.kind == "f" and math.isnan(value) and math.nan in map(nan_itself, allowed)
        )
    np.testing.assert_array_equal(found, question.ask())


def nan_itself(value: float) -> float:
    return math.nan if isinstance(value, float) and math.isnan(value) else value


def test_stochastic_draws_in_proportion() -> None:
    x = np.tile([1.0, 3.0, -5.0, 0.0], 4000)
    found = pool(x, "stochastic", 4, seed=3)
    assert set(found.tolist()) == {1.0, 3.0}
    # 3 in 4, within five standard deviations of 4000 draws
    assert abs(float((found == 3).mean()) - 0.75) < 5 * math.sqrt(0.75 * 0.25 / 4000)


def test_seeds_decide() -> None:
    x = np.random.default_rng(0).random((40, 40))
    one, same, other = (pool(x, "stochastic", 2, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one, same)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("seed", range(20))
def test_a_seeded_fractional_pool_is_some_offset_of_the_rule(seed: int) -> None:
    x = np.random.default_rng(seed).random((2, 9, 11))
    found = pool(x, "max", (2, 3), output_size=(5, 4), fractional=True, seed=seed)
    np.testing.assert_array_equal(found, pool(x, "max", (2, 3), output_size=(5, 4), fractional=True, seed=seed))
    rows = {tuple(w[0] for w in oracle.fractional(9, 2, 5, u / 500).windows): u / 500 for u in range(500)}
    columns = {tuple(w[0] for w in oracle.fractional(11, 3, 4, u / 500).windows): u / 500 for u in range(500)}
    for plane, pooled in zip(x, found, strict=True):
        possible = [
            oracle.pool(plane, "max", [oracle.fractional(9, 2, 5, u), oracle.fractional(11, 3, 4, v)]).array()
            for u in rows.values()
            for v in columns.values()
        ]
        assert any(np.array_equal(pooled, answer) for answer in possible)


# ---------------------------------------------------------------------------------------------- laws


@pytest.mark.slow
@given(
    drawn.by(sliding_question),
    st.sampled_from(("max", "min", "avg", "sum", "median", "majority", "soft", "rms", "lp:2")),
)
@examples("laws")
def test_a_window_of_one_cell_changes_nothing(question: Question, mode: str) -> None:
    x = question.x
    assume(x.dtype.kind != "f" or not np.isinf(x).any())
    found = pool(x, mode, 1, ndim=question.options["ndim"])
    same = np.abs(x.astype(np.float64)) if mode in ("rms", "lp:2") else x
    np.testing.assert_allclose(found.astype(np.float64), same.astype(np.float64), rtol=1e-12)


@pytest.mark.slow
@given(drawn.by(sliding_question))
@examples("laws")
def test_max_is_minus_min_of_minus(question: Question) -> None:
    x = question.x if question.x.dtype.kind == "f" else question.x.astype(np.int8).astype(np.int64)
    try:
        oracle.pool(x, "max", make_axes(x, question.options))
    except (oracle.NoWindowError, oracle.NoCellError):
        assume(False)
    np.testing.assert_array_equal(pool(x, "max", **question.options), -pool(-x, "min", **question.options))


@pytest.mark.slow
@given(drawn.by(sliding_question), st.booleans())
@examples("laws")
def test_average_times_count_is_sum(question: Question, include: bool) -> None:
    x = np.nan_to_num(question.x.astype(np.float64), posinf=3, neginf=-3) % 1000
    try:
        oracle.pool(x, "max", make_axes(x, question.options))
    except (oracle.NoWindowError, oracle.NoCellError):
        assume(False)
    ones = np.ones_like(x)
    average = pool(x, "avg", **question.options, count_include_pad=include)
    share = pool(ones, "avg", **question.options, count_include_pad=include)  # real cells per divisor
    count = pool(ones, "sum", **question.options)
    np.testing.assert_allclose(average * count, pool(x, "sum", **question.options) * share, rtol=1e-9, atol=1e-6)


@in_turn(
    ("mode", "reduction"),
    [
        ("max", np.max), ("min", np.min), ("avg", np.mean), ("sum", np.sum), ("median", np.median),
        ("range", np.ptp), ("std", np.std), ("var", np.var),
    ],
)  # fmt: skip
@in_turn("dtype", ["int32", "uint8", "float32", "float64"])
def test_global_is_the_numpy_reduction(mode: str, reduction: Any, dtype: str) -> None:
    x = np.random.default_rng(5).integers(0, 100, (2, 3, 5, 7)).astype(dtype)
    found = pool(x, mode, global_window=True)
    assert found.shape == (2, 3, 1, 1)
    np.testing.assert_allclose(found, reduction(x.astype(np.float64), axis=(2, 3), keepdims=True), rtol=1e-6)


@in_turn("nan", ["propagate", "ignore"])
@in_turn("dtype", FLOATS)
@in_turn("mode", [*MODES, "stochastic"])
def test_a_lone_nan_stays_nan(mode: str, dtype: str, nan: str) -> None:
    seed = 1 if mode == "stochastic" else None
    for size in (1, 2):
        found = pool(np.array([1, 2, np.nan, np.nan, 3, 3], dtype), mode, size, nan=nan, seed=seed)
        assert found.dtype == dtype
        assert np.isnan(found).tolist() == [False, False, True, True, False, False][::size]


@pytest.mark.parametrize("mode", ["avg", "sum", "median", "std", "lp:2"])
def test_only_max_and_min_have_indices(mode: str) -> None:
    with pytest.raises(UsageError):
        pool(np.ones((4, 4)), mode, return_indices=True)


@pytest.mark.parametrize("bad", [-1, 16, 2**40])
def test_unpool_names_a_bad_index(bad: int) -> None:
    indices = np.array([[5, 3], [bad, 10]])
    with pytest.raises((ShapeError, ValueError), match=str(bad)):
        unpool(np.ones((2, 2)), indices, (4, 4))

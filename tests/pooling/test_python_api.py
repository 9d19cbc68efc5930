"""The Python names of the package: signatures, meaning, and answers worked out by hand.

The `assert_type` calls are checked by mypy: they say what a user's editor will say.
"""

from __future__ import annotations

import inspect
import math
import traceback
from importlib import metadata
from pathlib import Path
from typing import Any, assert_type

import numpy as np
import pytest
from numpy.typing import NDArray

import poolcli
from poolcli import FeatureMap, PoolcliError, conv, grad, pool, read, relu, unpool, write
from poolcli.errors import (
    CompatError,
    EmptyWindowError,
    NumberRangeError,
    ShapeError,
    UnknownKeywordError,
    UnknownNameError,
    UsageError,
)

GEEKS = [[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]]
LINE = [1.0, 2, 3, 4, 5, 6]

# --- the names --------------------------------------------------------------------------------------------------------


def test_names_are_sorted_and_there() -> None:
    assert poolcli.__all__ == sorted(poolcli.__all__)
    assert {"FeatureMap", "conv", "grad", "pool", "read", "relu", "unpool", "write"} <= set(poolcli.__all__)
    for name in poolcli.__all__:
        assert getattr(poolcli, name) is not None


def test_a_name_that_is_not_there() -> None:
    with pytest.raises(AttributeError, match="module 'poolcli' has no attribute 'pol'"):
        poolcli.pol  # noqa: B018 - this is what is tested


def test_the_version_is_that_of_the_installed_package() -> None:
    assert poolcli.__version__ == metadata.version("poolcli")


def test_every_error_is_a_builtin_as_well() -> None:
    from poolcli import errors

    builtin: dict[type[PoolcliError], type[Exception]] = {
        errors.UsageError: ValueError,
        errors.UnknownNameError: ValueError,
        errors.UnknownKeywordError: TypeError,
        errors.PositionalError: TypeError,
        errors.ArgumentError: TypeError,
        errors.CompatError: ValueError,
        errors.InputError: ValueError,
        errors.NanError: ValueError,
        errors.ShapeError: ValueError,
        errors.EmptyWindowError: ValueError,
        errors.NumberRangeError: OverflowError,
        errors.FileError: OSError,
        errors.LimitError: MemoryError,
        errors.PluginError: ImportError,
    }
    leaves = {kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, PoolcliError)} - {
        PoolcliError
    }
    assert leaves == set(builtin)
    for kind, parent in builtin.items():
        assert issubclass(kind, parent)
        assert kind.exit_code == (2 if issubclass(kind, UsageError) else 1)


@pytest.mark.parametrize(
    ("function", "positional", "named"),
    [
        (pool, ["x", "mode", "size"],
         {"stride": None, "padding": "valid", "pad_fill": "ignore", "dilation": 1, "ceil_mode": False,
          "count_include_pad": None, "output_size": None, "global_window": False, "fractional": False,
          "nan": "propagate", "compat": None, "seed": None, "ndim": None, "return_indices": False}),
        (conv, ["x", "kernel"], {"stride": 1, "padding": "valid", "dilation": 1, "bias": 0.0}),
        (unpool, ["values", "indices", "shape"], {}),
        (grad, ["x", "upstream"], {"padding": "valid", "ceil_mode": False, "output_size": None}),
        (relu, ["x"], {}),
        (read, ["source"], {}),
        (write, ["feature_map", "target"], {}),
    ],
    ids=["pool", "conv", "unpool", "grad", "relu", "read", "write"],
)  # fmt: skip
def test_signatures(function: Any, positional: list[str], named: dict[str, Any]) -> None:
    """The parameters of the contract in its order; giving an option its documented default changes nothing."""
    parameters = list(inspect.signature(function).parameters.values())
    assert [p.name for p in parameters][: len(positional)] == positional
    assert all(p.kind is p.POSITIONAL_OR_KEYWORD for p in parameters[: len(positional)])
    if function in (pool, grad):
        assert np.array_equal(function(np.array(GEEKS), **named), function(np.array(GEEKS)))
    if function is conv:
        assert np.array_equal(conv(GEEKS, "box", **named), conv(GEEKS, "box"))


def test_options_are_keywords_and_unknown_ones_are_refused() -> None:
    with pytest.raises(TypeError):
        pool(GEEKS, "max", 2, 2)  # type: ignore[call-overload]  # this is what is tested
    with pytest.raises(TypeError, match="strides"):
        pool(GEEKS, strides=2)  # type: ignore[call-overload]  # as above
    with pytest.raises(TypeError):
        conv(GEEKS, "box", 2)  # type: ignore[call-overload]  # as above


def test_types_as_mypy_sees_them() -> None:
    assert_type(pool(GEEKS), NDArray[Any])
    assert_type(pool(GEEKS, "lp:3", (2, 2), stride=1, padding=((1, 0), (0, 1)), nan="ignore"), NDArray[Any])
    assert_type(pool(GEEKS, return_indices=True), tuple[NDArray[Any], NDArray[np.int64]])
    assert_type(conv(GEEKS, "sobel-x", bias=1), NDArray[Any])
    assert_type(conv(GEEKS, [[1, 2]], padding="same"), NDArray[Any])
    assert_type(relu(GEEKS), NDArray[Any])
    assert_type(grad(GEEKS, mode="avg", size=2), NDArray[Any])
    assert_type(unpool([[9]], [[0]], (2, 2)), NDArray[Any])
    assert_type(FeatureMap.from_array(np.ones((2, 2))), FeatureMap)
    assert_type(poolcli.__version__, str)


def test_read_and_write_as_mypy_sees_them(tmp_path: Path) -> None:
    target = tmp_path / "map.csv"
    write(FeatureMap.from_array(np.array(GEEKS)), target)
    found = read(str(target))
    assert_type(found, FeatureMap)
    assert found.values.tolist() == GEEKS


# --- defaults and sizes -----------------------------------------------------------------------------------------------


def test_the_default_is_max_2x2() -> None:
    assert pool(GEEKS).tolist() == [[6, 9], [5, 8]]
    assert pool(GEEKS, size=2, stride=2).tolist() == [[6, 9], [5, 8]]


def test_rows_come_first_in_sizes() -> None:
    assert pool(GEEKS, size=(1, 4)).tolist() == [[9], [7], [8], [7]]
    assert pool(GEEKS, size=(4, 1)).tolist() == [[5, 6, 8, 9]]
    assert pool(GEEKS, size=(2, 2), stride=(2, 1)).tolist() == [[6, 6, 9], [5, 8, 8]]
    assert pool(GEEKS, size=1, stride=(3, 2)).tolist() == [[1, 2], [3, 7]]
    assert pool(GEEKS, "avg", output_size=(2, 1)).tolist() == [[4.25], [4.625]]


@pytest.mark.parametrize(
    ("shape", "options", "expected"),
    [
        ((4,), {}, (2,)),
        ((4, 4), {}, (2, 2)),
        ((4, 4, 4), {}, (4, 2, 2)),  # two spatial axes unless told
        ((3, 2, 4, 4), {}, (3, 2, 2, 2)),
        ((4, 4), {"ndim": 1}, (4, 2)),
        ((4, 4, 4), {"ndim": 3}, (2, 2, 2)),
        ((4, 4), {"size": (2,)}, (4, 2)),
        ((4, 4, 4), {"size": (2, 2, 2)}, (2, 2, 2)),
        ((4, 4, 4), {"output_size": (1, 2, 3)}, (1, 2, 3)),
        ((4, 4, 4), {"padding": ((1, 1),)}, (4, 4, 3)),
        ((4, 4, 4), {"padding": (1, 1, 1)}, (3, 3, 3)),
        ((4, 4, 4), {"padding": (0,)}, (4, 4, 2)),
        ((4, 4, 4), {"global_window": True}, (4, 1, 1)),
        ((4, 4, 4), {"global_window": True, "ndim": 3}, (1, 1, 1)),
        ((2, 4, 4), {"size": 2, "stride": (1, 1)}, (2, 3, 3)),
    ],
)
def test_how_many_axes_are_spatial(shape: tuple[int, ...], options: dict[str, Any], expected: tuple[int, ...]) -> None:
    assert pool(np.zeros(shape), **options).shape == expected
    assert grad(np.zeros(shape), **options).shape == shape


@pytest.mark.parametrize(
    ("shape", "options", "error", "message"),
    [
        ((4, 4), {"size": (2, 2, 2)}, ShapeError, "3 spatial axes are more than the 2 of the input 4x4"),
        ((4,), {"ndim": 2}, ShapeError, "2 spatial axes are more than the 1 of the input 4"),
        ((4, 4), {"size": (2, 2), "stride": (1,)}, UsageError, "the options are for 1 and 2 spatial axes"),
        ((4, 4), {"size": (2, 2), "ndim": 1}, UsageError, "the options are for 1 and 2 spatial axes"),
        ((4,) * 4, {"ndim": 4}, UsageError, "4 spatial axes are not 1, 2 or 3"),
        ((4, 4), {"ndim": 0}, UsageError, "0 spatial axes are not 1, 2 or 3"),
        ((4, 4), {"size": ()}, UsageError, "0 spatial axes are not 1, 2 or 3"),
        ((), {}, ShapeError, "a single number has no axis to pool"),
        ((4, 4), {"size": 5}, ShapeError, "window 5x5 is larger than the input 4x4"),
        ((0, 4), {}, ShapeError, "the input 0x4 has no cells"),
    ],
)
def test_axes_that_do_not_fit(
    shape: tuple[int, ...], options: dict[str, Any], error: type[PoolcliError], message: str
) -> None:
    with pytest.raises(error) as caught:
        pool(np.zeros(shape), **options)
    assert message in caught.value.message


def test_no_planes_give_no_planes() -> None:
    assert pool(np.zeros((0, 4, 4))).shape == (0, 2, 2)


# --- padding ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("padding", "expected"),
    [
        ("valid", [2, 4]), ("same", [2, 4, 5]), ("same-lower", [1, 3, 5]), (1, [1, 3, 5]), ((1,), [1, 3, 5]),
        (((1, 0),), [1, 3, 5]), (((0, 1),), [2, 4, 5]), (((0, 0),), [2, 4]),
    ],
)  # fmt: skip
def test_forms_of_padding(padding: Any, expected: list[int]) -> None:
    assert pool([1, 2, 3, 4, 5], size=2, padding=padding).tolist() == expected


def test_the_sides_of_padding() -> None:
    """begin and end of the rows, then of the columns."""
    x = [[1, 2], [3, 4]]
    assert pool(x, "sum", 2, stride=1, padding=((1, 0), (0, 0))).tolist() == [[3], [10]]
    assert pool(x, "sum", 2, stride=1, padding=((0, 1), (0, 0))).tolist() == [[10], [7]]
    assert pool(x, "sum", 2, stride=1, padding=((0, 0), (1, 0))).tolist() == [[4, 10]]
    assert pool(x, "sum", 2, stride=1, padding=((0, 0), (0, 1))).tolist() == [[10, 6]]
    assert pool(x, "sum", 2, stride=1, padding=(1, 0)).tolist() == [[3], [10], [7]]


def test_same_puts_the_extra_cell_at_the_end() -> None:
    assert pool(LINE, size=3, stride=2, padding="same").tolist() == [3, 5, 6]
    assert pool(LINE, size=3, stride=2, padding="same-lower").tolist() == [2, 4, 6]


def test_averages_count_padding_only_if_told_and_overhang_never() -> None:
    options: dict[str, Any] = {"mode": "avg", "size": 3, "stride": 2, "padding": 1, "ceil_mode": True}
    assert pool(LINE, **options).tolist() == [1.5, 3, 5, 6]
    assert pool(LINE, count_include_pad=True, **options).tolist() == [1, 3, 5, 3]
    assert pool(LINE, count_include_pad=False, **options).tolist() == [1.5, 3, 5, 6]
    assert pool(LINE[:5], "avg", 2, ceil_mode=True).tolist() == [1.5, 3.5, 5]
    assert pool(LINE[:5], "avg", 2, ceil_mode=True, count_include_pad=True).tolist() == [1.5, 3.5, 5]
    assert pool(LINE[:5], "avg", 4, stride=4, ceil_mode=True).tolist() == [2.5, 5]
    same: dict[str, Any] = {"mode": "avg", "size": 3, "stride": 1, "padding": "same"}
    assert pool(LINE[:4], **same).tolist() == [1.5, 2, 3, 3.5]
    assert pool(LINE[:4], count_include_pad=True, **same).tolist() == pytest.approx([1, 2, 3, 7 / 3])


@pytest.mark.parametrize(
    ("fill", "expected"),
    [
        ("ignore", [1, 2, 4, 5]),
        (9, [9, 9, 9, 9]),
        (0, [1, 2, 4, 5]),
        ("reflect", [3, 3, 4, 4]),  # 3 2 | 1 2 3 4 5 | 4 3, maxima of pairs over 3 2, 1 2, 3 4, 5 4 less the 3
        ("symmetric", [2, 2, 4, 5]),  # 2 1 | 1 2 3 4 5 | 5 4
        ("replicate", [1, 2, 4, 5]),
        ("wrap", [5, 2, 4, 5]),  # 4 5 | 1 2 3 4 5 | 1 2
    ],
)
def test_what_padding_holds(fill: Any, expected: list[int]) -> None:
    x, wide = [1, 2, 3, 4, 5], 2
    if fill == "ignore":
        # pairs of padding alone have no value: that is an error, so this one starts a cell later
        assert pool(x, size=2, padding=((1, 1),)).tolist() == [1, 3, 5]
        return
    rows = {
        9: [9, 9, 1, 2, 3, 4, 5, 9, 9], 0: [0, 0, 1, 2, 3, 4, 5, 0, 0],
        "reflect": [3, 2, 1, 2, 3, 4, 5, 4, 3], "symmetric": [2, 1, 1, 2, 3, 4, 5, 5, 4],
        "replicate": [1, 1, 1, 2, 3, 4, 5, 5, 5], "wrap": [4, 5, 1, 2, 3, 4, 5, 1, 2],
    }  # fmt: skip
    pairs = [max(rows[fill][i : i + 2]) for i in range(0, 8, 2)]
    assert pool(x, size=2, padding=wide, pad_fill=fill).tolist() == pairs
    means = [sum(rows[fill][i : i + 2]) / 2 for i in range(0, 8, 2)]
    assert pool(x, "avg", size=2, padding=wide, pad_fill=fill).tolist() == means


def test_a_number_as_padding_counts_in_averages_and_widens_the_type() -> None:
    assert pool([4.0], "avg", 3, stride=1, padding=1, pad_fill=1).tolist() == [2]
    assert pool(np.array([200], np.uint8), "min", 2, padding=((1, 0),), pad_fill=-1).tolist() == [-1]
    assert pool([1], "max", 2, padding=((1, 0),), pad_fill=1.5).tolist() == [1.5]
    assert math.isnan(pool([1.0], "max", 2, padding=((1, 0),), pad_fill=math.nan)[0])


def test_windows_of_padding_alone_are_an_error_unless_filled() -> None:
    with pytest.raises(EmptyWindowError, match=r"1 of 1 windows hold no real cell, the first at \(0,\)"):
        pool([1, 2], size=2, stride=1, padding=1, dilation=3)
    assert pool([1, 2], size=2, stride=1, padding=1, dilation=3, pad_fill=0).tolist() == [0]


def test_dilation() -> None:
    assert pool([1, 2, 3, 4, 5], "sum", 2, stride=1, dilation=2).tolist() == [4, 6, 8]
    assert pool([1, 2, 3, 4, 5], "median", 3, stride=1, dilation=2).tolist() == [3]
    assert pool(GEEKS, "avg", 2, stride=1, dilation=(1, 3)).tolist() == [[5.5], [5.5], [3.75]]


# --- windows of other kinds -------------------------------------------------------------------------------------------


def test_global_windows_keep_their_axes() -> None:
    assert pool(GEEKS, global_window=True).tolist() == [[9]]
    assert pool(np.arange(8).reshape(2, 2, 2), "avg", global_window=True).tolist() == [[[1.5]], [[5.5]]]
    assert pool(GEEKS, "global-avg").tolist() == [[4.4375]]


def test_adaptive_windows() -> None:
    assert pool(np.arange(10.0), "avg", output_size=(4,)).tolist() == [1, 3, 6, 8]
    assert pool(np.arange(5), "sum", output_size=7, ndim=1).tolist() == [0, 1, 3, 2, 5, 7, 4]


def test_fractional_windows() -> None:
    x = np.arange(10)
    options: dict[str, Any] = {"size": (2,), "output_size": (4,), "fractional": True}
    assert pool(x, offsets=(0.3,), **options).tolist() == [1, 4, 7, 9]
    first = pool(x, seed=5, **options)
    assert first.tolist() == pool(x, seed=5, **options).tolist()
    assert any(pool(x, seed=seed, **options).tolist() != first.tolist() for seed in range(20))
    assert pool(x, **options).tolist() == pool(x, seed=0, **options).tolist()


# --- indices ----------------------------------------------------------------------------------------------------------


def test_indices_are_flat_in_the_plane_and_the_first_of_a_tie() -> None:
    values, where = pool(np.ones((2, 4, 4)), return_indices=True)
    assert values.shape == (2, 2, 2)
    assert where.dtype == np.int64
    assert where.tolist() == [[[0, 2], [8, 10]]] * 2
    assert pool([3, 1, 1], "min", 3, return_indices=True)[1].tolist() == [1]
    _, block = pool(np.arange(8).reshape(2, 2, 2), size=(2, 2, 2), return_indices=True)
    assert block.tolist() == [[[7]]]


def test_indices_never_point_into_padding() -> None:
    values, where = pool(-np.ones((3, 3)), size=3, stride=1, padding=1, return_indices=True)
    assert (values == -1).all()
    assert where.min() >= 0
    assert where.max() < 9


@pytest.mark.parametrize("mode", ["avg", "sum", "median", "soft"])
def test_only_max_and_min_have_indices(mode: str) -> None:
    with pytest.raises(UsageError, match=f"mode {mode} has no indices"):
        pool(GEEKS, mode, return_indices=True)


def test_filled_padding_has_no_indices() -> None:
    with pytest.raises(UsageError, match="a cell of filled padding has no index"):
        pool(GEEKS, size=3, padding=1, pad_fill=0, return_indices=True)


# --- frameworks -------------------------------------------------------------------------------------------------------


def test_defaults_of_a_framework() -> None:
    assert pool(GEEKS, compat="torch").shape == pool(GEEKS, compat="keras").shape == (2, 2)
    assert pool(np.array(GEEKS, float), compat="onnx").shape == (3, 3)  # its stride is 1
    x = np.array([[1.0, 2], [3, 4]])
    assert pool(x, "avg", 2, padding=1, compat="torch").tolist() == [[0.25, 0.5], [0.75, 1]]  # padding counts
    assert pool(x, "avg", 2, padding=1, compat="torch", count_include_pad=False).tolist() == [[1, 2], [3, 4]]
    assert pool(x, "avg", 2, stride=2, padding=1, compat="onnx").tolist() == [[1, 2], [3, 4]]


def test_a_framework_refuses_what_it_refuses() -> None:
    with pytest.raises(CompatError, match="Keras has no median pooling"):
        pool(GEEKS, "median", compat="keras")
    with pytest.raises(CompatError, match="at most half"):
        pool(GEEKS, size=3, padding=2, compat="torch")
    with pytest.raises(CompatError, match="SAME leaves out cells at the beginning"):
        pool(np.arange(9.0), "avg", 1, stride=3, padding="same", compat="onnx")
    with pytest.raises(UnknownNameError, match="unknown framework 'mxnet'"):
        pool(GEEKS, compat="mxnet")


# --- options that cannot be combined ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"global_window": True, "size": 2}, "global_window and size cannot be combined"),
        ({"global_window": True, "stride": 2}, "global_window and stride cannot be combined"),
        ({"global_window": True, "padding": 1}, "global_window and padding cannot be combined"),
        ({"global_window": True, "output_size": 1}, "global_window and output_size cannot be combined"),
        ({"global_window": True, "ceil_mode": True}, "global_window and ceil_mode cannot be combined"),
        ({"mode": "global-max", "size": 2}, "global_window and size cannot be combined"),
        ({"output_size": 2, "stride": 1}, "output_size and stride cannot be combined"),
        ({"output_size": 2, "size": 1}, "output_size and size cannot be combined"),
        ({"output_size": 2, "dilation": 2}, "output_size and dilation cannot be combined"),
        ({"fractional": True}, "fractional needs output_size"),
        ({"fractional": True, "output_size": 2, "stride": 1}, "fractional and stride cannot be combined"),
        ({"nan": "skip"}, "unknown NaN rule 'skip'"),
        ({"pad_fill": "zero"}, "unknown pad fill 'zero'"),
        ({"storage_order": 2}, "storage order 2 is neither 0 nor 1"),
        ({"mode": "maxx"}, "unknown mode 'maxx'"),
        ({"size": 0}, "size 0x0 is less than 1"),
        ({"stride": -1}, "stride -1x-1 is less than 1"),
        ({"padding": "full"}, "full"),
    ],
)
def test_options_that_are_wrong_whatever_the_data(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        pool(GEEKS, **options)
    assert message in caught.value.message
    assert caught.value.exit_code == 2


# --- small maps -------------------------------------------------------------------------------------------------------


def test_options_that_equal_remembered_ones_are_still_checked() -> None:
    x = np.arange(16.0).reshape(4, 4)
    poolcli.pool(x, "max", 2, stride=1)
    poolcli.pool(x, "max", (2, 2))
    for wrong in (2.0, (2.0, 2.0), "2"):
        size: Any = wrong
        with pytest.raises(UsageError):
            poolcli.pool(x, "max", size)
    assert poolcli.pool(x, "max", True, stride=1).shape == (4, 4)  # True is 1, as everywhere in Python
    for fill in (0.0, -0.0, 0.0):
        corner = poolcli.pool(-x - 1, "max", 2, padding=1, pad_fill=fill)[0, 0]
        assert np.signbit(corner) == np.signbit(fill)


@pytest.mark.parametrize(("mode", "options"), [("max", {}), ("avg", {"padding": "same"}), ("min", {"size": 1}),
                                               ("sum", {"ceil_mode": True, "stride": 2, "padding": 1}),
                                               ("avg", {"count_include_pad": True, "padding": 1})])  # fmt: skip
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.uint8, np.int64])
def test_small_maps_have_the_values_of_large_ones(mode: str, options: Any, dtype: Any) -> None:
    x = np.random.default_rng(3).integers(0, 100, (7, 9)).astype(dtype)
    many = np.broadcast_to(x, (40_000, *x.shape))  # too many cells for the straight way
    options = {"size": 3, "ndim": 2, **options}
    for one in (x, x[::-1], np.asfortranarray(x), x[:, ::2]):
        expected = poolcli.pool(np.broadcast_to(one, (len(many), *one.shape)), mode, **options)
        for _ in range(2):
            made = poolcli.pool(one, mode, **options)
            assert made.dtype == expected.dtype
            np.testing.assert_array_equal(made, expected[7])


def test_small_sums_see_an_overflow() -> None:
    x = np.full((4, 4), 2**62)
    for _ in range(2):
        with pytest.raises(NumberRangeError):
            poolcli.pool(x, "sum")
        assert poolcli.pool(x // 4, "sum").max() == 2**62
        np.testing.assert_array_equal(poolcli.pool(np.full((4, 4), 1.5e308), "avg"), np.full((2, 2), 1.5e308))


def test_a_small_result_is_the_callers_own() -> None:
    x = np.arange(16.0).reshape(4, 4)
    x.setflags(write=False)
    one = poolcli.pool(x)
    one[...] = -1
    assert poolcli.pool(x).tolist() == [[5, 7], [13, 15]]


def test_the_traceback_shows_the_hint_and_other_notes() -> None:
    with pytest.raises(UnknownKeywordError) as caught:
        pool(np.ones((4, 4)), "max", 2, indices=True)  # type: ignore[call-overload]
    caught.value.add_note("of the caller")
    shown = traceback.format_exception(caught.value)
    assert shown[-2:] == ["hint: did you mean return_indices?\n", "of the caller\n"]


def test_unpool_takes_the_full_shape_of_a_batch() -> None:
    x = np.arange(2.0 * 3 * 4 * 4).reshape(2, 3, 4, 4)
    values, indices = pool(x, "max", 2, return_indices=True)
    np.testing.assert_array_equal(unpool(values, indices, x.shape), unpool(values, indices, (4, 4)))
    with pytest.raises(ShapeError, match="5x3x4x4 is not a shape for values of shape 2x3x2x2"):
        unpool(values, indices, (5, 3, 4, 4))
    with pytest.raises(ShapeError, match="4 is not a shape"):
        unpool(values, indices, 4)  # type: ignore[arg-type]

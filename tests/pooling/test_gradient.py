"""`grad` against finite differences and answers worked out by hand; `unpool`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from poolcli import grad, pool, unpool
from poolcli.errors import EmptyWindowError, InputError, NanError, ShapeError, UsageError
from poolcli.pooling.frameworks import TORCH
from poolcli.pooling.gradient import implied_shape, unpool_as
from poolcli.pooling.modes import MODES
from tests.support.rows import in_turn

Array = NDArray[Any]
GEEKS = np.array([[1.0, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]])

# --- finite differences -----------------------------------------------------------------------------------------------

OPTIONS: dict[str, dict[str, Any]] = {
    "plain": {},
    "overlap": {"size": 3, "stride": 1},
    "gaps": {"size": 2, "stride": 3},
    "padded": {"size": 3, "stride": 2, "padding": 1},
    "uneven": {"size": (2, 3), "stride": (1, 2), "padding": ((1, 0), (0, 2))},
    "same": {"size": 3, "stride": 2, "padding": "same"},
    "ceil": {"size": 3, "stride": 2, "ceil_mode": True},
    "dilated": {"size": 2, "stride": 1, "dilation": 2},
    "dilated and padded": {"size": 3, "stride": 1, "dilation": 2, "padding": 2},
    "global": {"global_window": True},
    "adaptive": {"output_size": (3, 2)},
    "adaptive, more than cells": {"output_size": (7, 7)},
    "fractional": {"size": 2, "output_size": (3, 3), "fractional": True, "seed": 4},
}
FILLED: dict[str, dict[str, Any]] = {
    "number": {"size": 3, "stride": 2, "padding": 1, "pad_fill": 5},
    "reflect": {"size": 3, "stride": 1, "padding": 2, "pad_fill": "reflect"},
    "symmetric": {"size": 3, "stride": 1, "padding": 2, "pad_fill": "symmetric"},
    "replicate": {"size": 3, "stride": 2, "padding": ((2, 1), (0, 3)), "pad_fill": "replicate"},
    "wrap": {"size": 3, "stride": 1, "padding": 1, "pad_fill": "wrap"},
}
SMOOTH = ("avg", "sum", "lp:2", "lp:3", "lp:1.5")
STEP = 1e-6


def differences(x: Array, upstream: Array, **options: Any) -> Array:
    """The slope of sum(upstream * pool(x)) along every cell."""
    steps = STEP * np.eye(x.size).reshape(-1, *x.shape)
    high, low = (
        (upstream * pool(moved, **options)).reshape(x.size, -1).sum(axis=1) for moved in (x + steps, x - steps)
    )
    slopes: Array = (high - low).reshape(x.shape) / (2 * STEP)
    return slopes


def distinct(shape: tuple[int, ...], seed: int) -> Array:
    """Numbers of both signs, further apart than a finite difference reaches."""
    count = int(np.prod(shape))
    return (np.random.default_rng(seed).permutation(count) - count / 2 + 0.25).reshape(shape) / 4


@in_turn("name", OPTIONS)
@in_turn("mode", ["max", "min", *SMOOTH])
def test_finite_differences_agree(mode: str, name: str) -> None:
    options = {**OPTIONS[name], "mode": mode}
    x = distinct((6, 5), 1)
    upstream = distinct(pool(x, **options).shape, 2)
    np.testing.assert_allclose(grad(x, upstream, **options), differences(x, upstream, **options), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("name", FILLED)
@pytest.mark.parametrize("mode", ["avg", "sum", "lp:2"])
def test_finite_differences_agree_where_padding_has_values(mode: str, name: str) -> None:
    options = {**FILLED[name], "mode": mode}
    x = distinct((5, 6), 3)
    upstream = distinct(pool(x, **options).shape, 4)
    np.testing.assert_allclose(grad(x, upstream, **options), differences(x, upstream, **options), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("mode", ["max", "min", "avg", "sum", "lp:3"])
@pytest.mark.parametrize("shape", [(7,), (3, 4, 3), (2, 2, 4, 5)])
def test_finite_differences_agree_in_other_dimensions(mode: str, shape: tuple[int, ...]) -> None:
    ndim = {1: 1, 3: 3, 4: 2}[len(shape)]
    options: dict[str, Any] = {"mode": mode, "size": (2,) * ndim, "stride": 1, "padding": 1}
    x = distinct(shape, 5)
    upstream = distinct(pool(x, **options).shape, 6)
    np.testing.assert_allclose(grad(x, upstream, **options), differences(x, upstream, **options), rtol=1e-4, atol=1e-6)


@given(
    seed=st.integers(0, 99),
    size=st.integers(1, 3),
    stride=st.integers(1, 3),
    padding=st.integers(0, 1),
    include=st.booleans(),
    ceil=st.booleans(),
)
@settings(max_examples=40, deadline=None)
def test_average_and_sum_agree_with_the_layer_they_belong_to(
    seed: int, size: int, stride: int, padding: int, include: bool, ceil: bool
) -> None:
    """A linear layer: <upstream, pool(x)> = <grad, x>."""
    if padding >= size:
        return
    options: dict[str, Any] = {"size": size, "stride": stride, "padding": padding, "ceil_mode": ceil}
    x = distinct((5, 4), seed)
    for mode in ("avg", "sum"):
        values = pool(x, mode, count_include_pad=include, **options)
        upstream = distinct(values.shape, seed + 1)
        back = grad(x, upstream, mode, count_include_pad=include, **options)
        assert (upstream * values).sum() == pytest.approx((back * x).sum(), rel=1e-9, abs=1e-9)


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_max_sends_all_to_the_winner() -> None:
    upstream = np.array([[10.0, 20], [30, 40]])
    assert grad(GEEKS, upstream).tolist() == [[0, 0, 0, 20], [0, 10, 0, 0], [0, 0, 40, 0], [0, 30, 0, 0]]
    assert grad(GEEKS, upstream, "min").tolist() == [[10, 0, 0, 0], [0, 0, 20, 0], [0, 30, 0, 0], [0, 0, 0, 40]]


@pytest.mark.parametrize(
    ("cells", "mode", "expected"),
    [
        ([[1, 1], [1, 1]], "max", [[1, 0], [0, 0]]),
        ([[0, 7], [7, 7]], "max", [[0, 1], [0, 0]]),
        ([[0, 0], [7, 7]], "max", [[0, 0], [1, 0]]),
        ([[3, 1], [1, 3]], "min", [[0, 1], [0, 0]]),
        ([[0.0, -0.0], [-0.0, 0.0]], "max", [[1, 0], [0, 0]]),
    ],
)
def test_the_first_of_a_tie_takes_all(cells: Any, mode: str, expected: Any) -> None:
    assert grad(cells, mode=mode).tolist() == expected


@pytest.mark.parametrize("dtype", [np.int64, np.uint64])
def test_the_winner_among_large_integers_is_exact(dtype: Any) -> None:
    x = np.array([[2**53, 2**53 + 1], [1, 2]], dtype)
    assert grad(x).tolist() == [[0, 1], [0, 0]]
    assert grad(x[::-1], mode="min").tolist() == [[1, 0], [0, 0]]


def test_torch_takes_no_absolute_values_on_the_way_back_either() -> None:
    sent = grad([-1.0, 2.0], mode="lp:3", size=2, compat="torch")
    assert grad([-1.0, 2.0], mode="lp:3", size=2, compat=TORCH).tolist() == sent.tolist()
    root = 7 ** (1 / 3)  # of -1 + 8
    np.testing.assert_allclose(sent, [1 / root**2, 4 / root**2], rtol=1e-12)
    np.testing.assert_allclose(
        grad([-1.0, 2.0], mode="lp:3", size=2), [-1 / 9 ** (2 / 3), 4 / 9 ** (2 / 3)], rtol=1e-12
    )


def test_overlapping_windows_add_up() -> None:
    assert grad([[0, 0, 0], [0, 9, 0], [0, 0, 0]], size=2, stride=1).tolist() == [[0, 0, 0], [0, 4, 0], [0, 0, 0]]
    assert grad(np.ones((3, 3)), mode="sum", size=2, stride=1).tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert grad(np.ones((3, 3)), mode="avg", size=2, stride=1).tolist() == [
        [0.25, 0.5, 0.25], [0.5, 1, 0.5], [0.25, 0.5, 0.25],
    ]  # fmt: skip


def test_cells_between_windows_get_nothing() -> None:
    assert grad([1.0, 2, 3, 4, 5], mode="sum", size=1, stride=2).tolist() == [1, 0, 1, 0, 1]
    assert grad([1.0, 2, 3, 4, 5], mode="sum", size=2).tolist() == [1, 1, 1, 1, 0]


def test_the_divisor_of_an_average_is_that_of_the_layer() -> None:
    """1..6, k=3, s=2, p=1, ceil: divisors 2 3 3 1, or 3 3 3 2 with the padding."""
    x, options = np.arange(1.0, 7), {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "mode": "avg"}
    without: Any = grad(x, **options)  # type: ignore[call-overload]  # a dict of options of several types
    np.testing.assert_allclose(without, [1 / 2, 1 / 2 + 1 / 3, 1 / 3, 2 / 3, 1 / 3, 1 / 3 + 1])
    with_padding: Any = grad(x, count_include_pad=True, **options)  # type: ignore[call-overload]  # as above
    np.testing.assert_allclose(with_padding, [1 / 3, 2 / 3, 1 / 3, 2 / 3, 1 / 3, 1 / 3 + 1 / 2])


def test_lp_where_the_norm_is_zero_sends_nothing() -> None:
    assert grad([0.0, 0.0, 3.0, 4.0], mode="lp:2", size=2).tolist() == pytest.approx([0, 0, 0.6, 0.8])
    assert grad([-3.0, 0.0], mode="lp:1", size=2).tolist() == [-1, 0]


def test_lp_of_infinite_order_is_the_largest_magnitude() -> None:
    assert grad([1.0, -5.0, 2.0], mode="lp:inf", size=3).tolist() == [0, -1, 0]


def test_types_and_the_input() -> None:
    x = np.array([[1, 2], [3, 4]], dtype=np.float32)
    x.flags.writeable = False
    assert grad(x).dtype == np.float32
    assert grad([[1, 2], [3, 4]]).dtype == np.float64
    assert grad(np.ones((2, 2), np.uint8), mode="avg").tolist() == [[0.25, 0.25], [0.25, 0.25]]


def test_ones_are_the_upstream_unless_told() -> None:
    assert (grad(GEEKS) == grad(GEEKS, np.ones((2, 2)))).all()


def test_nan() -> None:
    x = [math.nan, 1.0, 2.0, 4.0]
    assert grad(x, mode="sum", size=2, nan="ignore").tolist() == [0, 1, 1, 1]
    assert grad(x, mode="avg", size=2, nan="ignore").tolist() == [0, 1, 0.5, 0.5]
    assert grad(x, mode="max", size=2, nan="ignore").tolist() == [0, 1, 0, 1]
    assert grad(x, mode="max", size=2).tolist() == [1, 0, 0, 1]  # the NaN won
    with pytest.raises(NanError):
        grad(x, mode="max", size=2, nan="error")


# --- what does not fit ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("mode", sorted(name for name, row in MODES.items() if not row.gradient))
def test_modes_without_a_gradient_say_so(mode: str) -> None:
    parameter = MODES[mode].parameter
    typed = f"{mode}:{parameter.example:g}" if parameter else mode
    with pytest.raises(UsageError, match="has no gradient here") as caught:
        grad(GEEKS, mode=typed, seed=1)
    assert caught.value.hint == "modes with one: max, min, avg, sum, lp"


def test_what_has_no_gradient() -> None:
    with pytest.raises(ShapeError, match="an upstream gradient of shape 3x3 does not fit an output of 2x2"):
        grad(GEEKS, np.ones((3, 3)))
    with pytest.raises(UsageError, match="a gradient of max or min cannot go to filled padding"):
        grad(GEEKS, mode="max", size=3, padding=1, pad_fill=0)
    with pytest.raises(EmptyWindowError, match="hold no real cell"):
        grad(GEEKS, size=1, stride=1, padding=1)
    with pytest.raises(EmptyWindowError, match="hold no real cell"):
        grad(GEEKS[None], mode="avg", size=1, stride=1, padding=1)


# --- unpool -----------------------------------------------------------------------------------------------------------


def test_unpool_by_hand() -> None:
    assert unpool([[6, 9], [5, 8]], [[5, 3], [13, 10]], (4, 4)).tolist() == [
        [0, 0, 0, 9], [0, 6, 0, 0], [0, 0, 8, 0], [0, 5, 0, 0],
    ]  # fmt: skip
    assert unpool([7.5], [2], (4,)).tolist() == [0, 0, 7.5, 0]
    assert unpool([[[1]]], [[[7]]], (2, 2, 2)).tolist() == [[[0, 0], [0, 0]], [[0, 0], [0, 1]]]


def test_unpool_treats_planes_by_themselves() -> None:
    values = np.array([[[[1]], [[2]]], [[[3]], [[4]]]], dtype=np.int8)
    where = np.array([[[[0]], [[1]]], [[[2]], [[3]]]])
    made = unpool(values, where, (2, 2))
    assert made.dtype == np.int8
    assert made.reshape(4, 4).tolist() == [[1, 0, 0, 0], [0, 2, 0, 0], [0, 0, 3, 0], [0, 0, 0, 4]]


def test_unpool_writes_a_shared_maximum_once_and_a_later_window_last() -> None:
    x = np.array([[1, 1, 1], [1, 9, 1], [1, 1, 1]])
    values, where = pool(x, size=2, stride=1, return_indices=True)
    assert unpool(values, where, (3, 3)).tolist() == [[0, 0, 0], [0, 9, 0], [0, 0, 0]]
    assert unpool([1, 2, 3], [0, 0, 1], (2,)).tolist() == [2, 3]


@given(
    seed=st.integers(0, 99),
    lead=st.lists(st.integers(1, 2), max_size=2),
    size=st.integers(1, 3),
    stride=st.integers(1, 3),
    mode=st.sampled_from(["max", "min"]),
)
@settings(max_examples=50, deadline=None)
def test_pooling_what_was_unpooled(seed: int, lead: list[int], size: int, stride: int, mode: str) -> None:
    x = np.abs(distinct((*lead, 6, 5), seed)) + 1
    values, where = pool(x, mode, size, stride=stride, return_indices=True)
    made = unpool(values, where, (6, 5))
    assert ((made == x) | (made == 0)).all()
    assert set(made[made != 0]) == set(values.ravel())
    flat = x.reshape(*lead, 30)
    np.testing.assert_array_equal(
        np.take_along_axis(flat, where.reshape(*lead, -1), axis=-1).reshape(values.shape), values
    )


@pytest.mark.parametrize(
    ("values", "indices", "shape", "error", "message"),
    [
        ([1, 2], [0], (4,), ShapeError, "values of shape 2 and indices of shape 1 do not match"),
        ([[1]], [[0.5]], (2, 2), InputError, "indices of type float64 are not whole numbers"),
        ([1, 2], [0, 4], (4,), InputError, "index 4 at (1,) is outside of 4, which has the cells 0 to 3"),
        ([[1, 2]], [[-1, 0]], (2, 2), InputError, "index -1 at (0, 0) is outside of 2x2"),
        ([1], [0], (), ShapeError, "nothing is not a shape for values of shape 1"),
        ([1], [0], (2, 2), ShapeError, "2x2 is not a shape for values of shape 1"),
        ([1], [0], (0,), ShapeError, "0 is not a shape"),
    ],
)
def test_what_cannot_be_unpooled(values: Any, indices: Any, shape: Any, error: type[Exception], message: str) -> None:
    with pytest.raises(error) as caught:
        unpool(values, indices, shape)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, (4, 4)),
        ({"size": 3}, (6, 6)),
        ({"size": 3, "stride": 1}, (4, 4)),
        ({"size": (3, 2), "stride": (2, 1), "padding": 1}, (3, 1)),
        ({"size": 3, "padding": ((1, 0), (0, 0))}, (5, 6)),
        ({"padding": "valid"}, (4, 4)),
    ],
)
def test_the_shape_that_a_window_implies(known: dict[str, Any], expected: tuple[int, ...]) -> None:
    """(o - 1) s - 2 p + k for an output of 2x2."""
    assert implied_shape((2, 2), known) == expected


def test_onnx_pads_a_larger_output_at_the_end_and_torch_counts_in_it() -> None:
    values, where = np.array([[6, 9], [5, 8]]), np.array([[5, 3], [13, 10]])
    known = {"size": 2, "output_size": (5, 5)}
    onnx = unpool_as(values, where, 2, {**known, "compat": "onnx"})
    assert onnx[:4, :4].tolist() == unpool(values, where, (4, 4)).tolist()
    assert onnx.shape == (5, 5)
    assert not onnx[4].any()
    assert unpool_as(values, where, 2, known).tolist() == unpool(values, where, (5, 5)).tolist()
    with pytest.raises(ShapeError, match="an output of 3x3 is smaller than the 4x4 that the window implies"):
        unpool_as(values, where, 2, {"size": 2, "output_size": (3, 3), "compat": "onnx"})


@pytest.mark.parametrize(
    "known", [{"shape": "x"}, {"shape": [1e3, 2]}, {"shape": [2, 4], "size": "z"}, {"stride": [True]}]
)
def test_a_record_of_pooling_that_is_none_is_refused(known: dict[str, Any]) -> None:
    with pytest.raises(InputError, match="is not in whole numbers of at least 1"):
        unpool_as(np.array([[1, 2]]), np.array([[0, 1]]), 2, known)

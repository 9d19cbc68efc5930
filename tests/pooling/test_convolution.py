"""`conv` against a plain loop and against numbers worked out by hand; exact integers; `relu`."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from numpy.typing import NDArray

from poolcli import conv, relu
from poolcli.errors import InputError, NumberRangeError, ShapeError, UnknownNameError, UsageError
from tests.support import drawn

Array = NDArray[Any]
RAMP = np.arange(1, 10).reshape(3, 3)


def by_loop(
    x: Array,
    kernel: Array,
    stride: tuple[int, ...],
    pads: tuple[tuple[int, int], ...],
    dilation: tuple[int, ...],
    bias: Any,
) -> list[Any]:
    """Every value in row-major order, in exact fractions: the definition written out."""
    ndim, values = kernel.ndim, []
    lengths = x.shape[x.ndim - ndim :]
    counts = [
        (length + before + after - (k - 1) * d - 1) // s + 1
        for length, (before, after), k, d, s in zip(lengths, pads, kernel.shape, dilation, stride, strict=True)
    ]
    for lead in np.ndindex(*x.shape[: x.ndim - ndim]):
        for place in itertools.product(*map(range, counts)):
            total = Fraction(bias)
            for tap in np.ndindex(*kernel.shape):
                cell = tuple(
                    i * s - before + t * d
                    for i, s, (before, _), t, d in zip(place, stride, pads, tap, dilation, strict=True)
                )
                if all(0 <= c < length for c, length in zip(cell, lengths, strict=True)):
                    total += Fraction(kernel[tap].item()) * Fraction(x[(*lead, *cell)].item())
            values.append(total)
    return values


def case(draw: Random) -> tuple[Array, Array, dict[str, Any]]:
    ndim = draw.randint(1, 3)
    sizes = tuple(draw.randint(1, 3) for _ in range(ndim))
    dilation = tuple(draw.randint(1, 2) for _ in range(ndim))
    lengths = tuple((k - 1) * d + 1 + draw.randint(0, 3) for k, d in zip(sizes, dilation, strict=True))
    draws = np.random.default_rng(draw.getrandbits(32))
    kernel = draws.integers(-5, 6, sizes)
    x: Array = draws.integers(-9, 10, (*drawn.shape(draw, 0, 2, 2), *lengths))
    if draw.choice((True, False)):
        x = x / 4  # exact in binary, so that the loop's fractions are met exactly
    options = {
        "stride": tuple(draw.randint(1, 3) for _ in range(ndim)),
        "padding": tuple((draw.randint(0, 2), draw.randint(0, 2)) for _ in range(ndim)),
        "dilation": dilation,
        "bias": draw.choice((0, 1, -3, 0.5)),
    }
    return x, kernel, options


@given(drawn.by(case))
def test_the_plain_loop_agrees(given_: tuple[Array, Array, dict[str, Any]]) -> None:
    x, kernel, options = given_
    before = x.copy()
    values = conv(x, kernel, **options)
    expected = by_loop(x, kernel, options["stride"], options["padding"], options["dilation"], options["bias"])
    assert [Fraction(value) for value in values.ravel().tolist()] == expected
    whole = x.dtype.kind == "i" and float(options["bias"]).is_integer()
    assert values.dtype == (np.int64 if whole else np.float64)
    assert values.shape[: x.ndim - kernel.ndim] == x.shape[: x.ndim - kernel.ndim]
    np.testing.assert_array_equal(x, before)


# --- by hand ----------------------------------------------------------------------------------------------------------


def test_the_kernel_is_not_flipped() -> None:
    """Cross-correlation of an impulse gives the kernel turned by 180 degrees; true convolution gives it as it is."""
    impulse = np.zeros((5, 5), dtype=int)
    impulse[2, 2] = 1
    assert conv(impulse, RAMP).tolist() == [[9, 8, 7], [6, 5, 4], [3, 2, 1]]


def test_values_by_hand() -> None:
    x = [[1, 2, 3], [4, 5, 6], [7, 8, 9]]
    assert conv(x, [[1, 0], [0, -1]]).tolist() == [[-4, -4], [-4, -4]]
    assert conv(x, [[1, 0], [0, -1]], bias=10).tolist() == [[6, 6], [6, 6]]
    assert conv(x, [[1, 0], [0, -1]], stride=2).tolist() == [[-4]]
    assert conv(x, [[1, 2]], stride=(1, 2)).tolist() == [[5], [14], [23]]
    assert conv(x, [[1, 1], [1, 1]], dilation=2).tolist() == [[20]]  # the four corners
    assert conv(x, np.ones((3, 3), int), padding="same").tolist() == [[12, 21, 16], [27, 45, 33], [24, 39, 28]]
    assert conv(x, [[1, 1]], padding="same").tolist() == [
        [3, 5, 3],
        [9, 11, 6],
        [15, 17, 9],
    ]  # the extra cell at the end
    assert conv(x, [[1, 1]], padding="same-lower").tolist() == [[1, 3, 5], [4, 9, 11], [7, 15, 17]]
    assert conv(x, [[1]], padding=((1, 0), (0, 2))).tolist() == [
        [0] * 5,
        [1, 2, 3, 0, 0],
        [4, 5, 6, 0, 0],
        [7, 8, 9, 0, 0],
    ]


def test_one_and_three_dimensions() -> None:
    assert conv([1, 2, 3, 4], [1, -1]).tolist() == [-1, -1, -1]
    assert conv(np.ones((3, 3, 3), int), np.ones((2, 2, 2), int)).tolist() == [[[8, 8], [8, 8]], [[8, 8], [8, 8]]]
    assert conv([[1, 2, 3], [4, 5, 6]], [1, 1]).tolist() == [[3, 5], [9, 11]]  # one axis: every row by itself


def test_leading_axes_are_convolved_by_themselves() -> None:
    x = np.stack([RAMP, -RAMP, RAMP * 0])
    assert conv(x, "sobel-x").ravel().tolist() == [8, -8, 0]


# --- numbers ----------------------------------------------------------------------------------------------------------


def test_integers_are_exact() -> None:
    large = 2**61 + 1
    assert conv([large, large - 2], [1, 1]).tolist() == [2**62]
    assert conv([large, 1], [1, -1]).tolist() == [2**61]
    assert conv(np.array([2**63], dtype=np.uint64), [-1]).tolist() == [-(2**63)]
    assert conv(np.array([2**63 - 1, 2**63 - 1]), [1, -1]).tolist() == [0]  # no partial sum may overflow in silence
    wide = np.array([[2**62, 5, 2**62]])
    assert conv(wide, [[1, 1, -1]], padding=((0, 0), (1, 1)), stride=2).tolist() == [[2**62 - 5, 2**62 + 5]]
    assert conv(wide, [[2, -1]], dilation=2).tolist() == [[2**62]]


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint8", "int32", "uint32"])
def test_small_integers_do_not_wrap(dtype: str) -> None:
    high = 1 if dtype == "bool" else int(np.iinfo(dtype).max)
    values = conv(np.full((3, 3), high, dtype=dtype), np.full((3, 3), -2))
    assert values.dtype == np.int64
    assert values.item() == -18 * high


@pytest.mark.parametrize(
    ("x", "kernel", "bias"),
    [
        ([2**62, 2**62], [1, 1], 0),
        ([2**63 - 1], [1], 1),
        ([-(2**63)], [1], -1),
        ([-(2**63)], [-1], 0),
        ([2**40], [2**40], 0),
    ],
)
def test_integers_beyond_64_bits_are_an_error(x: list[int], kernel: list[int], bias: int) -> None:
    with pytest.raises(NumberRangeError, match="beyond 64 bits") as caught:
        conv(x, kernel, bias=bias)
    assert isinstance(caught.value, OverflowError)


@pytest.mark.parametrize(
    ("x", "kernel", "bias", "dtype"),
    [
        ("int64", "int64", 0.0, "int64"),
        ("uint8", "int64", 3.0, "int64"),
        ("int64", "int64", 0.5, "float64"),
        ("int64", "float64", 0.0, "float64"),
        ("float32", "int64", 0.0, "float32"),
        ("float32", "float64", 0.5, "float32"),
        ("float16", "int64", 0.0, "float16"),
        ("float64", "int64", 0.0, "float64"),
    ],
)
def test_types(x: str, kernel: str, bias: float, dtype: str) -> None:
    values = conv(np.ones((2, 2), dtype=x), np.ones((2, 2), dtype=kernel), bias=bias)
    assert values.dtype == dtype
    assert values.item() == 4 + bias


def test_nan_and_infinity_spoil_every_window_they_are_in_even_under_a_zero_weight() -> None:
    x = np.ones((1, 5))
    for odd in (math.nan, math.inf):
        x[0, 2] = odd
        values = conv(x, [[0.0, 1.0]])
        assert np.isnan(values).tolist() == [[False, odd != odd, True, False]]
    assert values[0, 1] == math.inf


# --- what does not fit ------------------------------------------------------------------------------------------------


def test_what_does_not_fit() -> None:
    with pytest.raises(ShapeError, match="kernel 3x3 is larger than the input 2x2"):
        conv([[1, 2], [3, 4]], "sobel-x")
    with pytest.raises(ShapeError, match="a kernel of shape 1x1x1 does not fit an input of shape 2x2"):
        conv([[1, 2], [3, 4]], [[[1]]])
    with pytest.raises(ShapeError, match="kernel"):
        conv(np.ones((2, 2, 2, 2)), np.ones((1, 1, 1, 1)))
    with pytest.raises(ShapeError, match="kernel"):
        conv([[1, 2]], np.zeros((0, 1)))
    with pytest.raises(InputError, match="different lengths"):
        conv([[1, 2]], [[1, 2], [3]])
    with pytest.raises(UnknownNameError, match="unknown filter 'sobl-x'"):
        conv([[1, 2]], "sobl-x")
    with pytest.raises(UsageError, match="stride 0x0 is less than 1"):
        conv([[1, 2]], [[1]], stride=0)
    with pytest.raises(UsageError, match="stride 1x1x1 has 3 numbers"):
        conv([[1, 2]], [[1]], stride=(1, 1, 1))


# --- relu -------------------------------------------------------------------------------------------------------------


def test_relu() -> None:
    assert relu([-2, 0, 3]).tolist() == [0, 0, 3]
    values = relu(np.array([-1.5, math.nan, math.inf, -math.inf, 2], dtype=np.float32))
    np.testing.assert_array_equal(values, np.array([0, math.nan, math.inf, 0, 2], dtype=np.float32))
    assert values.dtype == np.float32


@pytest.mark.parametrize("dtype", ["bool", "int8", "int64", "uint8", "uint64", "float16", "float64"])
def test_relu_keeps_the_type_and_the_input(dtype: str) -> None:
    x = np.array([0, 1], dtype=dtype)
    x.flags.writeable = False
    assert relu(x).dtype == dtype
    assert relu(x).tolist() == [0, 1]

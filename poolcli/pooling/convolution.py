"""`conv` and `relu`, which come before pooling in a network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolcli.arrays import as_array
from poolcli.errors import NumberRangeError, ShapeError
from poolcli.kernels.correlate import correlate
from poolcli.pooling.fill import fill
from poolcli.pooling.filters import find_filter
from poolcli.window import Axis, Padding, Window, output_shape, times

Array = NDArray[Any]
INT64 = np.iinfo(np.int64)


def conv(
    x: ArrayLike,
    kernel: str | ArrayLike,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "valid",
    dilation: int | Sequence[int] = 1,
    bias: float = 0.0,
    threads: int | None = None,
) -> Array:
    """Cross-correlate an array with a kernel; see `poolcli.conv`, which takes more than arrays.

    `threads` is how many to use for large maps, see `poolcli.system.threads.threads`.

    Examples
    --------
    >>> conv([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]], "vertical-line")
    array([[0, 3]])
    """
    array = as_array(x)
    weights = find_filter(kernel).kernel if isinstance(kernel, str) else as_array(kernel)
    if weights.ndim > min(array.ndim, 3) or weights.size == 0:
        raise ShapeError(
            f"a kernel of shape {times(weights.shape)} does not fit an input of shape {times(array.shape)}",
            "give a kernel with one axis per spatial axis of the input",
        )
    window = Window.of(weights.ndim, size=weights.shape, stride=stride, padding=padding, dilation=dilation)
    axes = window.plan_kernel(array.shape[-weights.ndim :])
    output_shape(array.shape[: -weights.ndim], axes)
    with np.errstate(all="ignore"):  # inf - inf is NaN, as it should be
        if array.dtype.kind != "f" and weights.dtype.kind != "f" and float(bias).is_integer():
            return _whole_numbers(array, axes, weights, int(bias), threads)
        dtype = array.dtype if array.dtype.kind == "f" else np.dtype(np.float64)
        work = np.promote_types(dtype, np.float32)
        total = correlate(array, axes, weights, dtype, work=work, workers=threads)
        return total + dtype.type(bias) if bias else total


def _whole_numbers(x: Array, axes: Sequence[Axis], weights: Array, bias: int, threads: int | None) -> Array:
    """Correlate in int64 if no sum can overflow it, else in Python's integers to see whether one does."""
    largest = max(-int(x.min()), int(x.max())) if x.size else 0
    most = largest * sum(abs(int(weight)) for weight in weights.flat) + abs(bias)
    if most <= INT64.max:
        total = correlate(x, axes, weights.astype(np.int64), np.dtype(np.int64), work=_holding(most), workers=threads)
        return total + np.int64(bias) if bias else total
    exact = _exact(x, axes, weights) + bias
    if exact.size and (exact.min() < INT64.min or exact.max() > INT64.max):
        raise NumberRangeError(
            "the convolution has values beyond 64 bits", "use smaller weights, or floating-point input"
        )
    return exact.astype(np.int64)


def _holding(most: int) -> np.dtype[Any]:
    """Return the narrowest type that holds every sum; narrow types are several times faster."""
    return next(np.dtype(kind) for kind in (np.int16, np.int32, np.int64) if most <= np.iinfo(kind).max)


def _exact(x: Array, axes: Sequence[Axis], weights: Array) -> Array:
    """Correlate in Python's integers, which are unlimited."""
    cells, axes = fill(x, axes, 0)
    total = np.zeros((*x.shape[: -len(axes)], *map(len, axes)), dtype=object)
    for tap in np.ndindex(*weights.shape):
        moved = [(axis, t * axis.dilation) for axis, t in zip(axes, tap, strict=True)]
        place: Any = (..., *(slice(axis.starts[0] + by, axis.starts[-1] + by + 1, axis.stride) for axis, by in moved))
        total += cells[place].astype(object) * int(weights[tap])
    return total


def relu(x: ArrayLike) -> Array:
    """Replace every negative number of an array with zero; NaN stays."""
    array = as_array(x)
    rectified: Array = np.maximum(array, array.dtype.type(0))
    return rectified

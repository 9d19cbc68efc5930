"""Padding that holds values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.system.limits import check_memory
from poolcli.window import FILLS, Axis, times

Array = NDArray[Any]


def fill(x: Array, axes: Sequence[Axis], pad_fill: str | float) -> tuple[Array, tuple[Axis, ...]]:
    """Give the padding values, after which nothing is padding any more."""
    widths = [(0, 0)] * (x.ndim - len(axes)) + [(axis.before, axis.after) for axis in axes]
    filled = tuple(axis.filled() for axis in axes)
    if all(pair == (0, 0) for pair in widths):
        return x, filled
    size = math.prod(x.shape[: x.ndim - len(axes)]) * math.prod(axis.length for axis in filled) * x.itemsize
    check_memory(size, f"the input with its padding, {times([axis.length for axis in filled])},", "use less padding")
    if isinstance(pad_fill, str):
        return np.pad(x, widths, mode=FILLS[pad_fill]), filled  # type: ignore[call-overload]  # the table holds its words
    cells = x.astype(filled_type(x.dtype, axes, pad_fill), copy=False)
    return np.pad(cells, widths, constant_values=pad_fill), filled


def filled_type(dtype: np.dtype[Any], axes: Sequence[Axis], pad_fill: str | float) -> np.dtype[Any]:
    """Return the type that an input of type `dtype` has once its padding is filled."""
    if isinstance(pad_fill, str) or not any(axis.before or axis.after for axis in axes):
        return dtype
    return _with_number(dtype, pad_fill)


def _with_number(dtype: np.dtype[Any], number: float) -> np.dtype[Any]:
    """Return the type that holds the input's values and one number more."""
    if dtype.kind == "f":
        return dtype
    if not float(number).is_integer():
        return np.dtype(np.float64)
    least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if least <= number <= most:
        return dtype
    if -(2**63) <= number < 2**63:
        return np.dtype(np.int64) if dtype != np.uint64 else np.dtype(np.float64)
    return np.dtype(np.uint64 if least == 0 and 0 <= number < 2**64 else np.float64)

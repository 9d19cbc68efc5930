"""Padding that holds values: the only place that knows which; and the check for NaN."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import NanError
from poolcli.system.limits import check_memory
from poolcli.window import FILLS, Axis, times
from poolcli.wording import Phrase

Array = NDArray[Any]
Places = NDArray[np.int64]


def fill(x: Array, axes: Sequence[Axis], pad_fill: str | float) -> tuple[Array, tuple[Axis, ...]]:
    """Fill the padding with values; return the filled array, and the axes over it, which have no padding."""
    widths = [(0, 0)] * (x.ndim - len(axes)) + [(axis.before, axis.after) for axis in axes]
    filled = tuple(axis.filled() for axis in axes)
    if all(pair == (0, 0) for pair in widths):
        return x, filled
    size = math.prod(x.shape[: -len(axes)]) * math.prod(axis.length for axis in filled) * x.itemsize
    check_memory(size, f"the input with its padding, {times([axis.length for axis in filled])},", "use less padding")
    if isinstance(pad_fill, str):
        return np.pad(x, widths, mode=FILLS[pad_fill]), filled  # type: ignore[call-overload]  # the table holds its words
    cells = x.astype(filled_type(x.dtype, axes, pad_fill), copy=False)
    return np.pad(cells, widths, constant_values=pad_fill), filled


COPIES: Mapping[str, Callable[[Places, int], Places]] = {  # by a fill's name: which real cell each cell copies
    "replicate": lambda at, length: np.clip(at, 0, length - 1),
    "wrap": lambda at, length: at % length,
    "symmetric": lambda at, length: np.minimum(at % (2 * length), 2 * length - 1 - at % (2 * length)),
    "reflect": lambda at, length: np.minimum(at % max(2 * length - 2, 1), -at % max(2 * length - 2, 1)),
}


def copied_from(at: Places, length: int, pad_fill: str | float) -> Places:
    """Return of which real cell of an axis each cell is a copy, as in `numpy.pad`; -1 where a number is put.

    Examples
    --------
    >>> copied_from(np.arange(-2, 6), 4, "reflect").tolist(), copied_from(np.arange(-2, 6), 4, 0).tolist()
    ([2, 1, 0, 1, 2, 3, 2, 1], [-1, -1, 0, 1, 2, 3, -1, -1])
    """
    if isinstance(pad_fill, str):
        return COPIES[pad_fill](at, length)
    return np.where((at >= 0) & (at < length), at, -1)


def refuse_nan(x: Array, corner: Sequence[int] | None = None) -> None:
    """Raise `NanError` naming the first NaN in `x`, if there is one.

    If `x` is a part of the input, `corner` says where it begins on the spatial axes.
    """
    if x.dtype.kind != "f" or not (nan := np.isnan(x)).any():
        return
    place = first_place(nan)
    message = f"the input has {nan.sum()} NaN, the first at {place}"
    if corner is not None:
        inside = tuple(low + index for low, index in zip(corner, place[x.ndim - len(corner) :], strict=True))
        message = f"the input has NaN, one at {inside} of a plane"
    raise NanError(message, Phrase("{nan} to leave them out", nan="ignore"))


def first_place(wrong: NDArray[np.bool_]) -> tuple[int, ...]:
    """Return the place of the first true cell."""
    return tuple(int(i) for i in np.unravel_index(int(np.argmax(wrong)), wrong.shape))


def reaching(axis: Axis) -> Axis:
    """Return the axis with enough padding that no window reaches beyond it."""
    before, after = -min(axis.starts), max(axis.stops) - axis.length
    return replace(axis, before=max(axis.before, before), after=max(axis.after, after))


def filled_type(dtype: np.dtype[Any], axes: Sequence[Axis], pad_fill: str | float) -> np.dtype[Any]:
    """Return the type of an input of type `dtype` once its padding is filled."""
    if isinstance(pad_fill, str) or not any(axis.before or axis.after for axis in axes):
        return dtype
    return _with_number(dtype, pad_fill)


def _with_number(dtype: np.dtype[Any], number: float) -> np.dtype[Any]:
    """Return the type that holds the input's values and one more number."""
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

"""Windows laid out cell by cell, in blocks of bounded size, for what no fold can do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.kernels.order import first_index
from poolcli.window import Axis

Array = NDArray[Any]
BLOCK_CELLS = 1 << 20  # window cells laid out at a time


def _taps(axis: Axis, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    starts = np.asarray(axis.starts[first:last], dtype=np.int64)[:, None]
    stops = np.asarray(axis.stops[first:last], dtype=np.int64)[:, None]
    cells = starts + np.arange(axis.size, dtype=np.int64) * axis.dilation
    return cells, (cells >= 0) & (cells < np.minimum(stops, axis.length))


def _blocks(axes: Sequence[Axis], planes: int) -> Iterator[tuple[slice, ...]]:
    """Cut (planes, windows...) into slices of at most about BLOCK_CELLS window cells."""
    room = max(BLOCK_CELLS // int(np.prod([axis.size for axis in axes])), 1)
    lengths = (planes, *(len(axis) for axis in axes))
    steps = []
    for length in reversed(lengths):
        steps.append(max(min(room, length), 1))
        room = max(room // max(length, 1), 1)
    steps.reverse()
    grids = [range(0, length, step) for length, step in zip(lengths, steps, strict=True)]
    for index in np.ndindex(*(len(grid) for grid in grids)):
        yield tuple(
            slice(grid[i], min(grid[i] + step, length))
            for grid, i, step, length in zip(grids, index, steps, lengths, strict=True)
        )


def gather(x: Array, axes: Sequence[Axis], reduce: Callable[..., Array], dtype: Any) -> Array:
    """Reduce every window from its cells laid out in one row.

    Parameters
    ----------
    x : ndarray, shape (leading..., spatial...)
        The input.
    axes : sequence of Axis
        One per spatial axis.
    reduce : function of (cells, real, place)
        `cells` has shape (windows, cells of a window), `real` is a boolean array that broadcasts to it and is false
        where a cell is not real, `place` the slices of the output, as (planes, windows...), that are being made.
        Returns one value per window.
    dtype : dtype
        Of the result.
    """
    lead, spatial = x.shape[: x.ndim - len(axes)], x.shape[x.ndim - len(axes) :]
    planes = x.reshape(-1, *spatial) if x.size else x.reshape(int(np.prod(lead)), *spatial)
    out = np.empty((planes.shape[0], *(len(axis) for axis in axes)), dtype)
    for place in _blocks(axes, planes.shape[0]):
        cells, real = lay_out(planes[place[0]], axes, place[1:])
        out[place] = reduce(cells, real, place).reshape(out[place].shape)
    return out.reshape(*lead, *out.shape[1:])


def lay_out(planes: Array, axes: Sequence[Axis], place: Sequence[slice]) -> tuple[Array, NDArray[np.bool_]]:
    """Return the cells of some windows of every plane, one window a row, and which of them are real."""
    n = len(axes)
    index: list[Any] = [slice(None)]
    real: Any = True
    for position, (axis, part) in enumerate(zip(axes, place, strict=True)):
        cells, inside = _taps(axis, part.start, part.stop)
        shape = [1] * (2 * n)
        shape[position], shape[n + position] = cells.shape
        index.append(np.clip(cells, 0, axis.length - 1).reshape(shape))
        real = real & inside.reshape(shape)
    laid = planes[tuple(index)]
    width = int(np.prod(laid.shape[n + 1 :]))
    real = np.broadcast_to(real, laid.shape[1:]).reshape(-1, width)
    return laid.reshape(-1, width), np.tile(real, (planes.shape[0], 1)) if planes.shape[0] > 1 else real


def winners(x: Array, axes: Sequence[Axis], values: Array, *, last_nan: bool = False) -> NDArray[np.int64]:
    """Return where the cell that gave each value stands, flat in its spatial plane.

    Of several the first in row-major order; of several NaN the last with `last_nan`.
    """
    lengths = [axis.length for axis in axes]
    sizes = [axis.size for axis in axes]
    best = values.reshape(-1, *map(len, axes))

    def locate(cells: Array, real: NDArray[np.bool_], place: tuple[slice, ...]) -> Array:
        taps = np.unravel_index(first_index(cells, real, best[place].ravel(), last_nan=last_nan), sizes)
        shape = best[place].shape
        flat: Any = 0
        for position, (axis, length) in enumerate(zip(axes, lengths, strict=True)):
            starts = np.asarray(axis.starts[place[position + 1]]).reshape(-1, *[1] * (len(axes) - 1 - position))
            flat = flat * length + (starts + taps[position].reshape(shape) * axis.dilation)
        return np.asarray(flat)

    return gather(x, axes, locate, np.int64).reshape(values.shape)

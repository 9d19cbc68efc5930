"""Windows laid out cell by cell, in blocks of limited size, for what folds cannot do."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.kernels.fold_axis import taps
from poolcli.kernels.order_statistics import first_index
from poolcli.kernels.tiles import SHARED_BYTES, Tile, tiles
from poolcli.system.threads import run, threads
from poolcli.window import Axis

Array = NDArray[Any]
TILE_CELLS = 1 << 20
BLOCK_CELLS = 1 << 20  # window cells laid out at a time, at most
LEAST_CELLS = 1 << 13
CELL_BYTES = 40  # of input and output per cell laid out, which needs up to 60: in all less than 4 times as much


def _taps(axis: Axis, first: int, last: int) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    starts = np.asarray(axis.starts[first:last], dtype=np.int64)[:, None]
    stops = np.asarray(axis.stops[first:last], dtype=np.int64)[:, None]
    cells = starts + np.arange(axis.size, dtype=np.int64) * axis.dilation
    return cells, (cells >= 0) & (cells < np.minimum(stops, axis.length))


def _blocks(axes: Sequence[Axis], planes: int, size: int) -> Iterator[Tile]:
    """Cut (planes, windows...) into slices of a limited number of window cells, fewer for a small input and output."""
    cells = min(BLOCK_CELLS, max(size // CELL_BYTES, LEAST_CELLS))
    room = max(cells // math.prod(axis.size for axis in axes), 1)
    return _cut([planes, *(len(axis) for axis in axes)], room)


def _cut(lengths: Sequence[int], room: int) -> Iterator[Tile]:
    """Cut a shape into slices of about `room` cells at most."""
    steps = []
    for length in reversed(lengths):
        steps.append(max(min(room, length), 1))
        room = max(room // max(length, 1), 1)
    steps.reverse()
    grids = [range(0, length, step) for length, step in zip(lengths, steps, strict=True)]
    for starts in itertools.product(*grids):
        yield tuple(
            slice(start, min(start + step, length)) for start, step, length in zip(starts, steps, lengths, strict=True)
        )


def gather(
    x: Array, axes: Sequence[Axis], reduce: Callable[..., Array], dtype: Any, *, workers: int | None = None
) -> Array:
    """Reduce every window, its cells laid out in a row.

    Parameters
    ----------
    x : ndarray, shape (leading..., spatial...)
        The input.
    reduce : function of (cells, real, tile)
        `cells` has shape (windows, cells of a window); `real`, a boolean array that broadcasts to it, is false where a
        cell is not real; `tile` is the part of the output, as slices of (planes, windows...), that is being made.
        Returns one value per window.
    """
    lead, spatial = x.shape[: x.ndim - len(axes)], x.shape[x.ndim - len(axes) :]
    planes = x.reshape(-1, *spatial) if x.size else x.reshape(int(np.prod(lead)), *spatial)
    out = np.empty((planes.shape[0], *(len(axis) for axis in axes)), dtype)
    number = threads(workers) if x.nbytes + out.nbytes >= SHARED_BYTES else 1

    def work(tile: Tile, _: None) -> None:
        out[tile] = reduce(*lay_out(planes[tile[0]], axes, tile[1:]), tile).reshape(out[tile].shape)

    run(list(_blocks(axes, planes.shape[0], (x.nbytes + out.nbytes) // number)), work, lambda: None, number)
    return out.reshape(*lead, *out.shape[1:])


def lay_out(planes: Array, axes: Sequence[Axis], part: Sequence[slice]) -> tuple[Array, NDArray[np.bool_]]:
    """Return the cells of some windows of every plane, one window a row, and which of them are real."""
    width = math.prod(axis.size for axis in axes)
    if all(axis.regular and axis.full(at.start, at.stop) for axis, at in zip(axes, part, strict=True)):
        for position, (axis, at) in enumerate(zip(axes, part, strict=True), 1):
            windows = axis.starts[at]
            planes = taps(planes, position, windows[0], len(windows), axis.stride, axis.size, axis.dilation)
            planes = np.moveaxis(planes, position + 1, -1)
        return planes.reshape(-1, width), np.ones((1, 1), np.bool_)
    n = len(axes)
    index: list[Any] = [slice(None)]
    real: Any = True
    for position, (axis, at) in enumerate(zip(axes, part, strict=True)):
        cells, inside = _taps(axis, at.start, at.stop)
        shape = [1] * (2 * n)
        shape[position], shape[n + position] = cells.shape
        index.append(np.clip(cells, 0, axis.length - 1).reshape(shape))
        real = real & inside.reshape(shape)
    laid = planes[tuple(index)]
    real = np.broadcast_to(real, laid.shape[1:]).reshape(-1, width)
    return laid.reshape(-1, width), np.tile(real, (planes.shape[0], 1)) if planes.shape[0] > 1 else real


def winners(
    x: Array, axes: Sequence[Axis], values: Array, *, last_nan: bool = False, workers: int | None = None
) -> NDArray[np.int64]:
    """Return the index of the cell that gave each value, flat in its spatial plane.

    Of several cells the first in row-major order wins; of several NaN the last with `last_nan`.

    Parameters
    ----------
    x : ndarray, shape (leading..., spatial...)
        The input.
    values : ndarray, shape (leading..., windows...)
        One cell of every window.
    last_nan : bool
        PyTorch's choice among several NaN.
    """
    where = np.empty(values.shape, np.int64)
    if where.size == 0:
        return where
    lead = x.ndim - len(axes)
    planes, best, flat = (array.reshape(-1, *array.shape[lead:]) for array in (x, values, where))
    sizes = [axis.size for axis in axes]
    plane = [math.prod(axis.length for axis in axes[position + 1 :]) for position in range(len(axes))]
    cells = np.unravel_index(np.arange(math.prod(sizes)), sizes)
    steps = np.zeros(math.prod(sizes), np.int64)
    for cell, axis, step in zip(cells, axes, plane, strict=True):
        steps += cell * (axis.dilation * step)
    workers = threads(workers) if x.nbytes >= SHARED_BYTES else 1

    def work(place: Tile, _: None) -> None:
        most = best[place]
        full = (axis.regular and axis.full(part.start, part.stop) for axis, part in zip(axes, place[1:], strict=True))
        if all(full) and not (most.dtype.kind == "f" and np.isnan(most).any()):
            taps = _first_equal(planes, axes, place, most)
            np.take(steps, taps, out=flat[place], mode="clip")
            flat[place] += _flat(axes, place, [np.int64(0)] * len(axes))
            return
        for part in _pieces(axes, place):
            cells, real = lay_out(planes[part[0]], axes, part[1:])
            found = first_index(cells, real, best[part].ravel(), last_nan=last_nan)
            taken = np.unravel_index(found.reshape(best[part].shape), sizes)
            flat[part] = _flat(axes, part, taken)

    run(tiles(len(planes), axes, TILE_CELLS), work, lambda: None, workers)
    return where


def _first_equal(planes: Array, axes: Sequence[Axis], place: Tile, most: Array) -> NDArray[Any]:
    """Return the number of the first cell of each window, in row-major order, that equals `most`.

    The count rises until a cell is equal. Benchmark case: float32 max 2x2 with indices.
    """
    bands = [axis.band(part.start, part.stop) for axis, part in zip(axes, place[1:], strict=True)]
    block = planes[(place[0], *(slice(low, high) for low, high, _ in bands))]
    number = math.prod(axis.size for axis in axes)
    count = np.zeros(most.shape, np.min_scalar_type(number))
    waiting, other = np.ones(most.shape, np.bool_), np.empty(most.shape, np.bool_)
    for tap in itertools.islice(np.ndindex(*(axis.size for axis in axes)), number - 1):
        cells = block[(slice(None), *(_cells_at(axis, t) for (_, _, axis), t in zip(bands, tap, strict=True)))]
        np.not_equal(cells, most, out=other)
        np.logical_and(waiting, other, out=waiting)
        np.add(count, waiting.view(np.uint8), out=count, casting="unsafe")
    return count


def _cells_at(axis: Axis, tap: int) -> slice:
    first = axis.starts[0] + tap * axis.dilation
    return slice(first, first + (len(axis) - 1) * axis.stride + 1, axis.stride)


def _flat(axes: Sequence[Axis], place: Tile, taps: Sequence[Any]) -> NDArray[np.int64]:
    """Return the flat indices in a plane of cells of the windows in `place`, given their number along each axis."""
    flat: Any = np.int64(0)
    for position, (axis, tap) in enumerate(zip(axes, taps, strict=True)):
        cells = axis.starts[place[position + 1]]
        starts = np.arange(cells.start, cells.stop, cells.step) if isinstance(cells, range) else np.asarray(cells)
        column = starts.astype(np.int64).reshape(-1, *[1] * (len(axes) - 1 - position))
        flat = flat * axis.length + (column + tap * np.int64(axis.dilation))
    return np.asarray(flat)


def _pieces(axes: Sequence[Axis], place: Tile) -> Iterator[Tile]:
    """Cut a tile into pieces small enough to lay out."""
    lengths = [part.stop - part.start for part in place]
    for piece in _cut(lengths, max(BLOCK_CELLS // math.prod(axis.size for axis in axes), 1)):
        yield tuple(
            slice(part.start + inner.start, part.start + inner.stop) for part, inner in zip(place, piece, strict=True)
        )

"""Order statistics and majorities by counting: the number of cells of a window with some property is a sum over it.

Sums over windows cost nearly the same for every size, and so do these. The value of a rank is the number of levels that
too few cells reach; only the levels between the smallest and the largest answer of a tile are counted, and in a picture
they are close. Benchmark cases: uint8 median 15x15 and 31x31. For a majority, each level of a tile is counted.
Benchmark cases: uint8 majority 5x5 and 15x15.
"""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolcli.kernels.fold import tile_program, window_counts
from poolcli.kernels.fold_axis import Part
from poolcli.kernels.laid_out import gather
from poolcli.kernels.order_statistics import between, ranks
from poolcli.kernels.replay import KernelProgram, replay
from poolcli.kernels.tiles import SHARED_BYTES, Spot, planes_of, reach, spots
from poolcli.system.threads import run, threads
from poolcli.window import Axis

Array = NDArray[Any]
COUNTED_TILE_CELLS = 1 << 17
LEVEL_TILE_CELLS = (1 << 16) - 1  # whose places fit 16 bits
COUNTED_CELL_BYTES = 20  # that a thread needs at most for each cell of a tile and each program
SEARCHED = 32  # cells of windows that are sorted in the time of counting one level in one cell
ONES = Part(np.add, (0,), dtype=np.dtype(np.uint64), ones=True)
FIRST = Part(np.maximum, (0,))


class CountedTile(NamedTuple):
    """The cells of a tile, its axes over them, its windows, and its programs."""

    block: Array
    axes: tuple[Axis, ...]
    windows: tuple[slice, ...]
    programs: Sequence[KernelProgram]


def countable(x: Array, axes: Sequence[Axis]) -> bool:
    """Whether `select_by_counts` can do these: bytes, and regular windows that do not cover a whole axis."""
    return x.dtype.itemsize == 1 and all(axis.regular and len(axis) > 1 for axis in axes)


def select_by_counts(
    x: Array, axes: Sequence[Axis], q: float, dtype: np.dtype[Any], *, workers: int | None = None
) -> Array:
    """Return the q-th percentile of the real cells of every window; see `countable` for which.

    The arguments are those of `poolcli.kernels.selection_network.select`, in one to three dimensions.
    """

    def work(tile: CountedTile) -> Array:
        low, high, share = ranks(window_counts(axes, tile.windows[1:]), q)
        return between(*_ranked(tile.block, tile.programs[0], low, high), share)

    out = np.empty((*x.shape[: x.ndim - len(axes)], *map(len, axes)), dtype)
    return _counted(x, axes, out, COUNTED_TILE_CELLS, [ONES], work, workers)


def _counted(
    x: Array, axes: Sequence[Axis], out: Array, room: int, parts: Sequence[Part],
    work: Callable[[CountedTile], Array], workers: int | None,
) -> Array:  # fmt: skip
    """Make the values of each tile; each part becomes a program, for zeros and ones or for numbers of cells."""
    if out.size == 0:
        return out
    workers = threads(workers) if x.nbytes + out.nbytes >= SHARED_BYTES else 1
    for planes, values in planes_of(x, out, len(axes)):
        found = spots(len(planes), axes, min(room, max(x.size // 4, 1)))
        cells = max(math.prod(part.stop - part.start for part in spot.cells[1:]) for spot in found)
        types = [np.uint8 if part.ones else np.min_scalar_type(cells) for part in parts]
        programs = {kind: list(map(partial(tile_program, spot), parts, types))
                    for kind, spot in {spot.kind: spot for spot in found}.items()}  # fmt: skip

        def make(spot: Spot, _: None, planes: Array = planes, values: Array = values, programs: Any = programs) -> None:
            tile = CountedTile(planes[spot.cells], spot.axes, spot.windows, programs[spot.kind])
            values[spot.windows] = work(tile)

        most = 3 * (x.nbytes + out.nbytes) // (COUNTED_CELL_BYTES * len(parts) * cells)  # threads
        run(found, make, lambda: None, min(workers, most))
    return out


def _ranked(block: Array, program: KernelProgram, low: Any, high: Any) -> tuple[Array, Array]:
    """Return the cells of two adjacent ranks, counted from 0; the ranks may differ from window to window."""
    below, buffer = np.empty(block.shape, np.bool_), np.empty(program.size, np.uint8)
    two = bool(np.any(low != high))

    def counts(level: int) -> Array:
        np.less_equal(block, block.dtype.type(level), out=below)
        made: Array = replay(program, below.view(np.uint8), buffer=buffer)
        return made

    kind = program.results[0].dtype  # narrow; comparing two types would be slow
    low, high = (rank.astype(kind) if isinstance(rank, np.ndarray) else rank for rank in (low, high))
    first, last = int(block.min()), int(block.max())
    levels = range(first, last + 1)
    first += bisect_left(levels, True, key=lambda level: bool((counts(level) > low).any()))
    last = first + bisect_left(range(first, last), True, key=lambda level: bool((counts(level) > high).all()))
    shape = program.results[0].shape
    found = [np.full(shape, first, block.dtype) for _ in range(1 + two)]
    for level in range(first, last):
        made = counts(level)
        for values, rank in zip(found, (low, high), strict=False):
            np.add(values, (made <= rank).view(block.dtype), out=values)
    return found[0], found[-1]


def majority_by_counts(
    x: Array, axes: Sequence[Axis], rows: Callable[..., Array], *, workers: int | None = None
) -> Array | None:
    """Return the most frequent real cell of every window, the first of several; or None where this way does not work.

    Parameters
    ----------
    x : ndarray, shape (leading..., spatial...)
        The input.
    rows : function
        For `poolcli.kernels.laid_out.gather`, which does tiles with many different cells or NaN.
    """
    regular = all(axis.regular and len(axis) > 1 for axis in axes)
    if not regular or math.prod(reach(axis, 1) for axis in axes) > LEVEL_TILE_CELLS // 2:
        return None

    def work(tile: CountedTile) -> Array:
        block, levels = tile.block, np.unique(tile.block)
        windows = math.prod(part.stop - part.start for part in tile.windows)
        slow = len(levels) * block.size > SEARCHED * windows * math.prod(axis.size for axis in axes)
        if slow or levels[-1] != levels[-1]:  # NaN is the last
            return gather(block, tile.axes, rows, x.dtype, workers=1)
        return _most_frequent(block, levels, tile.programs)

    out = np.empty((*x.shape[: x.ndim - len(axes)], *map(len, axes)), x.dtype)
    return _counted(x, axes, out, LEVEL_TILE_CELLS, [ONES, FIRST], work, workers)


def _most_frequent(block: Array, levels: Array, programs: Sequence[KernelProgram]) -> Array:
    """Compare how often each level occurs in the windows; of equal counts the level seen first wins."""
    sums, firsts = programs
    kind = firsts.results[0].dtype
    top, wide, bits = np.iinfo(kind).max, np.dtype(f"u{2 * kind.itemsize}"), 8 * kind.itemsize
    buffer = np.empty(max(sums.size, firsts.size), np.uint8)
    equal, places = np.empty(block.shape, np.bool_), np.empty(block.shape, kind)
    sooner = np.arange(top, top - block[0].size, -1, dtype=kind).reshape(block.shape[1:])
    most = np.zeros(sums.results[0].shape, wide)
    for level in levels:
        np.equal(block, level, out=equal)
        key = replay(sums, equal.view(np.uint8), buffer=buffer).astype(wide)
        np.left_shift(key, bits, out=key)
        np.multiply(sooner, equal, out=places)
        np.add(key, replay(firsts, places, buffer=buffer), out=key)
        np.maximum(most, key, out=most)
    where = (top - most.astype(kind)).reshape(len(block), -1)  # the lower half
    return np.take_along_axis(block.reshape(len(block), -1), where, 1).reshape(most.shape)

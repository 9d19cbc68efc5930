"""Order statistics of 8-bit cells by counting: how many cells of a window are at most a level is a sum over it.

A rank is the number of levels that too few cells reach. Sums over windows cost nearly the same for every size, so
ranks do. Only levels between the least and the largest answer of a tile are looked at, and those of a picture are near
each other. Benchmark cases: uint8 median 15x15 and 31x31.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.kernels.fold import tile_program, window_counts
from poolcli.kernels.fold_axis import Part
from poolcli.kernels.order_statistics import between, ranks
from poolcli.kernels.replay import KernelProgram, replay
from poolcli.kernels.tiles import SHARED_BYTES, Spot, planes_of, spots, tiles
from poolcli.system.threads import run, threads
from poolcli.window import Axis

Array = NDArray[Any]
COUNTED_TILE_CELLS = 1 << 17
ONES = Part(np.add, (0,), dtype=np.dtype(np.uint64), ones=True)


def countable(x: Array, axes: Sequence[Axis]) -> bool:
    """Whether `select_by_counts` can do these: bytes, and regular windows that are not whole axes."""
    return x.dtype.itemsize == 1 and all(axis.regular and len(axis) > 1 for axis in axes)


def select_by_counts(
    x: Array, axes: Sequence[Axis], q: float, dtype: np.dtype[Any], *, workers: int | None = None
) -> Array:
    """Return the q-th percentile of the real cells of every window; see `countable` for which.

    It takes what `poolcli.kernels.selection_network.select` takes, in one to three dimensions.
    """
    out = np.empty((*x.shape[: x.ndim - len(axes)], *map(len, axes)), dtype)
    if out.size == 0:
        return out
    workers = threads(workers) if x.nbytes + out.nbytes >= SHARED_BYTES else 1
    room = max(min(COUNTED_TILE_CELLS, x.size // 4), 1)
    for planes, values in planes_of(x, out, len(axes)):
        found = spots(tiles(len(planes), axes, room), axes)
        programs = {spot.kind: tile_program(spot, ONES) for spot in {spot.kind: spot for spot in found}.values()}

        def work(spot: Spot, _: None, planes: Array = planes, values: Array = values, programs: Any = programs) -> None:
            low, high, share = ranks(window_counts(axes, spot.windows[1:]), q)
            one, other = _ranked(planes[spot.cells], programs[spot.kind], low, high)
            values[spot.windows] = between(one, other, share)

        run(found, work, lambda: None, workers)
    return out


def _ranked(block: Array, program: KernelProgram, low: Any, high: Any) -> tuple[Array, Array]:
    """Return the cells of two neighbouring ranks, counted from 0; they may differ from window to window."""
    below, buffer = np.empty(block.shape, np.bool_), np.empty(program.size, np.uint8)
    two = bool(np.any(low != high))

    def counts(level: int) -> Array:
        np.less_equal(block, block.dtype.type(level), out=below)
        made: Array = replay(program, below.view(np.uint8), buffer=buffer)
        return made

    kind = program.results[0].dtype  # narrow; to compare two types would be slow
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

"""Order statistics of small full windows by exchanges: a fixed network of minima and maxima, for all windows at once.

Every column of the window is sorted, then every row: the cells of a rank are then near a diagonal, and the candidates
left are sorted until it is known. Columns are sorted once for all windows that share them. Comparisons whose result is
not needed are left out. Benchmark cases: median 3x3 and 5x5, percentile 7x7. A NaN passes through every minimum and
maximum that it meets, to the result.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from poolcli.kernels.memory import Scratch, copy
from poolcli.kernels.order_statistics import between, ranks
from poolcli.kernels.tiles import SHARED_BYTES, State, Tile, planes_of, walk_tiles
from poolcli.system.threads import threads
from poolcli.window import Axis

Array = NDArray[Any]
MOST_CELLS = 49  # 7x7; for more, other ways are faster
SMALL_CELLS = 9
SMALL_SHARED_BYTES = 1 << 22  # below, these take no longer than a second thread to wake: uint16 median 3x3 of 1024x1024
NETWORK_TILE_BYTES = 1 << 20
LEAST_BYTES = 1 << 16


class Exchange(NamedTuple):
    """Compare two places; keep the smaller in the first and the larger in the second, or only one of them."""

    low: int
    high: int
    keep_low: bool = True
    keep_high: bool = True


def _sorting(places: Sequence[int]) -> list[Exchange]:
    """Sort by Batcher's merge exchange; Knuth, The Art of Computer Programming 3, section 5.2.2, algorithm M."""
    n, exchanges = len(places), []
    top = p = 1 << max((n - 1).bit_length() - 1, 0)
    while p > 0 and n > 1:
        q, r, d = top, 0, p
        while True:
            exchanges += [Exchange(places[i], places[i + d]) for i in range(n - d) if i & p == r]
            if q == p:
                break
            d, q, r = q - p, q >> 1, p
        p >>= 1
    return exchanges


def _pruned(exchanges: Sequence[Exchange], wanted: Sequence[int]) -> tuple[Exchange, ...]:
    """Drop the exchanges on which the wanted places do not depend."""
    needed, kept = set(wanted), []
    for low, high, *_ in reversed(exchanges):
        keep_low, keep_high = low in needed, high in needed
        if keep_low or keep_high:
            kept.append(Exchange(low, high, keep_low, keep_high))
            needed |= {low, high}
    return tuple(reversed(kept))


class Network(NamedTuple):
    """The exchanges within a column, then those within the window, and the places of the wanted ranks after both."""

    columns: tuple[Exchange, ...]
    window: tuple[Exchange, ...]
    places: tuple[int, ...]


@lru_cache(maxsize=64)
def network(rows: int, columns: int, wanted: tuple[int, ...]) -> Network:
    """Return the network for one rank or two neighbours, counted from 0; places count along the window's rows."""
    cells, first, last = rows * columns, wanted[0], wanted[-1]
    exchanges: list[Exchange] = []
    for row in range(rows):  # so large cells of upper rows and small cells of lower rows come first
        cells_of = range(row * columns, (row + 1) * columns)
        upwards = [Exchange(high, low) for low, high, *_ in _sorting(cells_of[::-1])]
        exchanges += upwards if 2 * row < rows else _sorting(cells_of)
    left, lower = [], 0
    for row in range(rows):
        for column in range(columns):
            below, above = (row + 1) * (column + 1) - 1, (rows - row) * (columns - column) - 1
            lower += above > cells - 1 - first  # too many are at least as large: it comes before the wanted ranks
            if below <= last and above <= cells - 1 - first:
                left.append(row * columns + column)
    exchanges += _sorting(left)
    places = tuple(left[rank - lower] for rank in wanted)
    return Network(tuple(_sorting(range(rows))), _pruned(exchanges, places), places)


def is_small(axes: Sequence[Axis]) -> bool:
    """Whether `select` can do these windows: full, regular, and of few cells."""
    cells = axes[0].size * axes[-1].size
    return len(axes) == 2 and cells <= MOST_CELLS and all(axis.regular and axis.full() for axis in axes)


def select(x: Array, axes: Sequence[Axis], q: float, dtype: np.dtype[Any], *, workers: int | None = None) -> Array:
    """Return the q-th percentile of every window; see `is_small` for which.

    Parameters
    ----------
    x : ndarray, shape (leading..., rows, columns)
        The input; never modified.
    q : float
        From 0 to 100; the median is 50.

    Returns
    -------
    ndarray, shape (leading..., windows...)
    """
    out = np.empty((*x.shape[:-2], *map(len, axes)), dtype)
    if out.size == 0:
        return out
    low, high, share = ranks(axes[0].size * axes[1].size, q)
    task = _Selection(axes[0].size, axes[1].size, (int(low), int(high))[: 1 + int(high > low)])
    direct = len(task.wanted) == 1 and dtype == x.dtype
    strided = any(axis.stride > 1 for axis in axes)  # steps too short for two threads
    cells = axes[0].size * axes[1].size
    few = cells <= SMALL_CELLS
    shared = x.nbytes + out.nbytes >= (SMALL_SHARED_BYTES if few else SHARED_BYTES)
    workers = threads(workers) if shared and not strided else 1
    parts = (2 if few else 5) * max(workers, 2)
    overlap = (axes[0].size - 1) * x.shape[-1] * x.itemsize
    tile = min(NETWORK_TILE_BYTES, max(x.nbytes // parts, 6 * overlap, LEAST_BYTES))
    # a tile takes about 0.7 times its bytes for each cell of a window; all together at most four times input and output
    workers = min(workers, max(10 * x.nbytes // (cells * tile), 1))
    for planes, values in planes_of(x, out, 2):

        def store(states: Sequence[State], tile: Tile, values: Array = values) -> None:
            if not direct:
                values[tile] = between(states[0][0], states[-1][0], share)

        target = values if direct else None
        walk_tiles(task, [(planes,)], axes, target, store=store, room=tile // x.itemsize, workers=workers)
    return out


@dataclass(frozen=True)
class _Selection:
    """The task for one tile."""

    rows: int
    columns: int
    wanted: tuple[int, ...]

    def __call__(
        self, blocks: Sequence[State], axes: Sequence[Axis], target: Array | None, scratch: Scratch
    ) -> list[State]:
        columns, window, places = network(self.rows, self.columns, self.wanted)
        down, across = axes
        sorted_rows = [
            _exchanged([phase[:, _windows(down, tap)] for tap in range(down.size)], columns, scratch)
            for phase in _phases(blocks[0][0], across, scratch)
        ]
        firsts = range(0, across.size * across.dilation, across.dilation)
        shape, width = (*sorted_rows[0][0].shape[:-1], len(across)), sorted_rows[0][0].shape[-1]
        span = math.prod(shape[:-1]) * width - firsts[-1] // across.stride
        cells = [
            _flat(sorted_rows[first % across.stride][row], scratch)[first // across.stride :][:span]
            for row in range(down.size)
            for first in firsts
        ]
        _exchanged(cells, window, scratch)
        steps = (shape[1] * width, width, 1)
        found = [as_strided(cells[place], shape, [cells[place].itemsize * step for step in steps]) for place in places]
        if target is not None:
            scratch.do(copy, found[0], out=target)
        return [(made,) for made in found]


def _phases(block: Array, across: Axis, scratch: Scratch) -> list[Array]:
    """Return every first, every second ... of `stride` columns, so that all later steps see whole rows: *phases*.

    NumPy takes twenty times as long to compare every second byte. Benchmark case: uint8 median 5x5 stride 2. All rows
    have the same length, so that adjacent windows of a tile form one long row: *flat*; the few windows that wrap from
    row to row are never read. Benchmark case: uint16 median 3x3, twice as fast.
    """
    if across.stride == 1:
        return [block]
    shape = (*block.shape[:-1], -(-block.shape[-1] // across.stride))
    phases = [scratch.take(shape, block.dtype) for _ in range(across.stride)]
    for phase, cells in enumerate(phases):
        column = block[..., phase :: across.stride]
        scratch.do(copy, column, out=cells[..., : column.shape[-1]])
    return phases


def _flat(array: Array, scratch: Scratch) -> Array:
    if not array.flags.c_contiguous:  # a single row, which nothing has sorted
        array = scratch.do(copy, array, out=scratch.take(array.shape, array.dtype))
    return array.reshape(-1)


def _windows(axis: Axis, tap: int) -> slice:
    first = tap * axis.dilation
    return slice(first, first + (len(axis) - 1) * axis.stride + 1, axis.stride)


def _exchanged(cells: list[Array], exchanges: Sequence[Exchange], scratch: Scratch) -> list[Array]:
    for low, high, keep_low, keep_high in exchanges:
        one, other = cells[low], cells[high]
        for keep, at, pick in ((keep_low, low, np.minimum), (keep_high, high, np.maximum)):
            if keep:
                cells[at] = scratch.do(pick, one, other, out=scratch.take(one.shape, one.dtype))
    return cells

"""Medians of small full windows by exchanges: a fixed network of minima and maxima, for all windows at once.

Sort every column of the window, then every row of those: the median then stands near the other diagonal, and what is
left is sorted until the middle is known. Columns are sorted once for all windows that share them. Every comparison
whose result is not needed is left out. Benchmark case: median 3x3 and 5x5. A NaN reaches every minimum and maximum it
meets, and through them the median.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolcli.kernels.memory import Scratch, copy
from poolcli.kernels.tiles import SHARED_BYTES, State, planes_of, walk
from poolcli.system.threads import threads
from poolcli.window import Axis

Array = NDArray[Any]
MOST_CELLS = 49  # 7x7; beyond, a partition of the cells laid out is faster
TILE_BYTES = 1 << 20
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
    """Leave out what the wanted places do not depend on."""
    needed, kept = set(wanted), []
    for low, high, *_ in reversed(exchanges):
        keep_low, keep_high = low in needed, high in needed
        if keep_low or keep_high:
            kept.append(Exchange(low, high, keep_low, keep_high))
            needed |= {low, high}
    return tuple(reversed(kept))


@lru_cache(maxsize=64)
def networks(rows: int, columns: int) -> tuple[tuple[Exchange, ...], tuple[Exchange, ...], int]:
    """Return the exchanges within a column, those within the window after that, and where the median then stands.

    Places in the window count along its rows.
    """
    cells, middle = rows * columns, (rows * columns - 1) // 2
    exchanges = [step for row in range(rows) for step in _sorting(range(row * columns, (row + 1) * columns))]
    left, lower = [], 0
    for row in range(rows):
        for column in range(columns):
            below, above = (row + 1) * (column + 1) - 1, (rows - row) * (columns - column) - 1
            lower += above > cells - 1 - middle  # too many are at least as large: it comes before the median
            if below <= middle and above <= cells - 1 - middle:
                left.append(row * columns + column)
    exchanges += _sorting(left)
    place = left[middle - lower]
    return tuple(_sorting(range(rows))), _pruned(exchanges, [place]), place


def small_median(axes: Sequence[Axis]) -> bool:
    """Whether `median` can do these windows: full, regular, and of an odd number of cells that is not large."""
    cells = axes[0].size * axes[-1].size
    return len(axes) == 2 and cells % 2 == 1 and cells <= MOST_CELLS and all(a.regular and a.full() for a in axes)


def median(x: Array, axes: Sequence[Axis], *, workers: int | None = None) -> Array:
    """Return the median of every window; see `small_median` for which.

    Parameters
    ----------
    x : ndarray, shape (leading..., rows, columns)
        The input; never modified.
    axes : sequence of Axis
        Two.
    workers : int, optional
        Threads, as `poolcli.system.threads.threads` has it.

    Returns
    -------
    ndarray, shape (leading..., windows...), of the type of `x`
    """
    out = np.empty((*x.shape[:-2], *map(len, axes)), x.dtype)
    if out.size == 0:
        return out
    strided = any(axis.stride > 1 for axis in axes)  # steps too short for two threads
    workers = threads(workers) if x.nbytes + out.nbytes >= SHARED_BYTES and not strided else 1
    room = (
        min(TILE_BYTES, max(x.nbytes // 10, LEAST_BYTES)) // x.itemsize
    )  # some thirty tiles are in use in each thread
    for planes, values in planes_of(x, out, 2):
        walk(_Median(axes[0].size, axes[1].size), [(planes,)], axes, values, room=room >> strided, workers=workers)
    return out


class _Median(NamedTuple):
    """What is done to one tile."""

    rows: int
    columns: int

    def __call__(
        self, blocks: Sequence[State], axes: Sequence[Axis], target: Array | None, scratch: Scratch
    ) -> list[State]:
        assert target is not None  # noqa: S101 - `median` gives one
        columns, window, place = networks(*self)
        down, across = axes
        sorted_rows = [
            _exchanged([phase[:, _windows(down, tap)] for tap in range(down.size)], columns, scratch)
            for phase in _phases(blocks[0][0], across, scratch)
        ]
        cells = [
            sorted_rows[first % across.stride][row][..., first // across.stride :][..., : len(across)]
            for row in range(down.size)
            for first in range(0, across.size * across.dilation, across.dilation)
        ]
        if window:
            _exchanged(cells, window, scratch, place, target)
        else:  # a single column is sorted already
            scratch.do(copy, cells[place], out=target)
        return []


def _phases(block: Array, across: Axis, scratch: Scratch) -> list[Array]:
    """Return every first, every second ... of `stride` columns, so that all later steps see whole rows: *phases*.

    NumPy compares every second byte twenty times as slowly. Benchmark case: uint8 median 5x5 stride 2.
    """
    if across.stride == 1:
        return [block]
    columns = [block[..., phase :: across.stride] for phase in range(across.stride)]
    return [scratch.do(copy, column, out=scratch.take(column.shape, column.dtype)) for column in columns]


def _windows(axis: Axis, tap: int) -> slice:
    first = tap * axis.dilation
    return slice(first, first + (len(axis) - 1) * axis.stride + 1, axis.stride)


def _exchanged(
    cells: list[Array], exchanges: Sequence[Exchange], scratch: Scratch, place: int = -1, target: Array | None = None
) -> list[Array]:
    """Do the exchanges; the last that makes `place` puts it into `target`."""
    for number, (low, high, keep_low, keep_high) in enumerate(exchanges):
        one, other = cells[low], cells[high]
        final = target if number == len(exchanges) - 1 else None
        if keep_low:
            out = final if final is not None and place == low else scratch.take(one.shape, one.dtype)
            cells[low] = scratch.do(np.minimum, one, other, out=out)
        if keep_high:
            out = final if final is not None and place == high else scratch.take(one.shape, one.dtype)
            cells[high] = scratch.do(np.maximum, one, other, out=out)
    return cells

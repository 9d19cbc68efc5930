"""Cutting the output into tiles whose cells stay in the processor's second-level cache."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

from poolcli.window import Axis

Place = tuple[slice, ...]

FIRST_FOLD = 0.5  # of the time goes into the first fold; the next does not see what tiles above each other share


def reach(axis: Axis, windows: int) -> int:
    """Return how many cells, padding included, so many neighbouring windows look at."""
    if axis.regular:
        return (windows - 1) * axis.stride + (axis.size - 1) * axis.dilation + 1
    share = -(-axis.length * windows // len(axis))
    return min(share + axis.size, max(axis.length, 1))


def tiles(planes: int, axes: Sequence[Axis], room: int, multiples: Sequence[int] = ()) -> list[Place]:
    """Cut (planes, windows...) into tiles that look at about `room` cells each, or as few as one window has.

    Along an axis, tiles start at windows that are multiples of its entry in `multiples`.

    Benchmark case: every large one; max 3x3 of 4096x4096 takes twice as long in one piece as in tiles.
    """
    return list(_tiles(planes, tuple(axes), max(room, 1), tuple(multiples)))


@lru_cache(maxsize=8)  # the search for a shape takes as long as a small map
def _tiles(planes: int, axes: tuple[Axis, ...], room: int, multiples: tuple[int, ...]) -> list[Place]:
    lengths = [len(axis) for axis in axes]
    whole = math.prod(reach(axis, len(axis)) for axis in axes)
    if whole <= room:
        steps = [max(room // max(whole, 1), 1), *lengths]
    else:
        steps = [1, *min(_shapes(axes, room), key=lambda shape: _cost(axes, shape, room))]
    whole_numbers = (1, *(multiples or [1] * len(axes)))
    grids = [_cuts(*what) for what in zip([planes, *lengths], steps, whole_numbers, strict=True)]
    places: list[Place] = [()]
    for grid in grids:
        places = [(*place, part) for place in places for part in grid]
    return places


def _cuts(length: int, step: int, multiple: int = 1) -> list[slice]:
    """Cut into parts of the same length, about `step` at most, that start at multiples of some number.

    The last is shorter: what is recorded for one tile serves only tiles of the same shape.
    """
    parts = -(-length // step)
    step = -(-length // parts // multiple) * multiple
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def _shapes(axes: Sequence[Axis], room: int) -> Iterator[tuple[int, ...]]:
    """Yield shapes of tiles, in windows: whole rows, halves, quarters ..., and as many of them as there is room."""
    inner: list[tuple[int, ...]] = [()]
    for axis in axes[1:]:
        widths = [max(-(-len(axis) >> power), 1) for power in range(len(axis).bit_length())]
        inner = [(*before, width) for before in inner for width in widths]
    for shape in inner:
        row = math.prod(reach(axis, width) for axis, width in zip(axes[1:], shape, strict=True))
        for power in range(8):
            rows = _windows_in(axes[0], (room << power) // max(row, 1))
            if rows:
                yield (rows, *shape)
    yield (1,) * len(axes)


def _windows_in(axis: Axis, cells: int) -> int:
    if axis.regular:
        return max(min((cells - reach(axis, 1)) // axis.stride + 1, len(axis)), 0)
    return max(min((cells - axis.size) * len(axis) // max(axis.length, 1), len(axis)), 0)


def _cost(axes: Sequence[Axis], shape: Sequence[int], room: int) -> float:
    """Compare shapes: cells looked at twice by neighbouring tiles, cells beyond the cache, and broken rows."""
    again, cells = 1.0, 1
    weights = (*[FIRST_FOLD] * (len(axes) - 1), 1)
    for axis, windows, weight in zip(axes, shape, weights, strict=True):
        looked = reach(axis, windows)
        own = looked if windows == len(axis) else max(windows * axis.length / len(axis), 1)
        again *= 1 + weight * max(looked / own - 1, 0)
        cells *= looked
    beyond = 1 + 0.15 * max(math.log2(max(cells, 1) / room), 0)
    broken = 1.35 + 16 / reach(axes[-1], shape[-1]) if shape[-1] < len(axes[-1]) else 1.0
    small = 1 + 0.1 * room / max(cells, 1)  # every tile costs some Python
    return again * beyond * broken * small

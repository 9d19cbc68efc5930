"""One task for every tile of an input: cutting into tiles that fit the second-level cache, and walking them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from functools import lru_cache
from itertools import product
from operator import mul
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolcli.kernels.memory import Scratch
from poolcli.kernels.replay import HUGE_BYTES, HUGE_PAGE, KernelProgram, Layout, Memory, Recorder, bound, play, room_for
from poolcli.system.threads import run
from poolcli.window import Axis

Array = NDArray[Any]
State = tuple[Any, ...]  # arrays of one shape; a number stands for an array full of it
Tile = tuple[slice, ...]  # planes and windows
Band = tuple[slice, slice, Axis, tuple[int, ...]]  # the same as in a `Spot`, along one axis

TILE_BYTES = 1 << 21  # of the cells of a tile: smaller ones fit the cache better, but threads wait more often
SHARED_BYTES = 1 << 20  # of input and output, below which a second thread costs more than it saves
FIRST_FOLD = 0.5  # share of the time of the first fold; later ones do not see the cells that tiles share
BROKEN = 1.35  # times as much costs a tile whose rows are not whole, at least
MOST_PLANS = 16  # to remember
FREED_BYTES = 1 << 23  # of a block that is freed at once, which teaches the allocator

# A function of the cells that a tile's windows read, its axes over them, an array for the values if they can go there
# at once, and scratch memory that also does the steps. It is a value: equal tasks have equal programs.
TileTask = Callable[[Sequence[State], Sequence[Axis], Array | None, Scratch], Sequence[State]]


class Spot(NamedTuple):
    """One tile: its windows, the cells they read, and their axes over those cells."""

    windows: Tile
    cells: Tile
    axes: tuple[Axis, ...]
    kind: tuple[Any, ...]  # equal for tiles of regular windows that differ only in their place


def spots(planes: int, axes: Sequence[Axis], room: int) -> list[Spot]:
    """Cut into tiles like `tiles`, and find the cells that the windows of each read."""
    lead, *grids = _grids(planes, axes, room)
    bands = [_bands(axis, grid, last=grid is grids[-1]) for axis, grid in zip(axes, grids, strict=True)]
    found = []
    for part, *along in product(lead, *bands):
        windows, cells, here, kinds = zip(*along, strict=True)
        found.append(Spot((part, *windows), (part, *cells), here, (part.stop - part.start, *kinds)))
    return found


def _bands(axis: Axis, grid: Sequence[slice], *, last: bool) -> list[Band]:
    """Return each part of an axis with the cells that its windows read, their axis over those, and all but its place.

    Parts of regular windows that differ only in their place share their axis.
    """
    made: dict[tuple[int, ...], Axis] = {}
    found: list[Band] = []
    for part in grid:
        low, high = axis.reads(part.start, part.stop)
        high = _whole_rows(axis, low, high) if last else high
        kind = (high - low, part.stop - part.start, axis.starts[part.start] - low, axis.stops[part.stop - 1] - low)
        if kind not in made or not axis.regular:
            made[kind] = axis.over(part.start, part.stop, low, high)
        found.append((part, slice(low, high), made[kind], kind))
    return found


def _whole_rows(axis: Axis, low: int, high: int) -> int:
    """Take a few more cells than the windows need, if that makes rows whole and the tile contiguous.

    Benchmark case: batch max (3,2).
    """
    return axis.length if axis.regular and (axis.length - high) * 8 <= axis.length - low else high


class Plan(NamedTuple):
    """Every tile, its program and its first byte in each array; and the most memory that a program needs."""

    steps: list[tuple[Spot, KernelProgram, tuple[int, ...]]]
    size: int


def recorded(
    task: TileTask, axes: Sequence[Axis], shapes: Sequence[tuple[int, ...]], layouts: Sequence[Layout], *, direct: bool
) -> KernelProgram:
    """Record a task for tiles of these shapes; if it is `direct`, the last shape is the target's."""
    recorder = Recorder(shapes, layouts)
    sources, target = (recorder.arrays[:-1], recorder.arrays[-1]) if direct else (recorder.arrays, None)
    states = task([(array,) for array in sources], axes, target, recorder)
    return recorder.program([state[0] for state in states])


@lru_cache(MOST_PLANS)
def planned(
    task: TileTask, axes: tuple[Axis, ...], layouts: tuple[Layout, ...], planes: int, room: int,
    direct: bool,
) -> Plan:  # fmt: skip
    """Record the task for each kind of tile; a plan is a value and holds no memory of a call."""
    programs: dict[Any, KernelProgram] = {}
    steps = []
    for spot in spots(planes, axes, room):
        parts = [spot.cells] * (len(layouts) - direct) + [spot.windows] * direct
        if (kind := spot.kind) not in programs:
            shapes = [tuple(part.stop - part.start for part in tile) for tile in parts]
            programs[kind] = recorded(task, spot.axes, shapes, layouts, direct=direct)
        firsts = [[part.start for part in tile] for tile in parts]
        starts = [sum(map(mul, at, layout.strides)) for at, layout in zip(firsts, layouts, strict=True)]
        steps.append((spot, programs[kind], tuple(starts)))
    return Plan(steps, max(program.size for program in programs.values()))


def walk_tiles(
    task: TileTask,
    sources: Sequence[State],
    axes: Sequence[Axis],
    target: Array | None,
    *,
    room: int,
    workers: int,
    store: Callable[[Sequence[State], Tile], None] = lambda *_: None,
    recordable: bool = True,
    instead: Callable[[Spot], bool] = lambda _: False,
) -> None:
    """Do a task to every tile.

    Parameters
    ----------
    sources : sequence of states
        Of shape (planes, spatial...).
    target : ndarray, shape (planes, windows...), optional
        Where the values may go at once.
    room : int
        How many cells a tile should read.
    store : function of (states, tile), optional
        Called with what the task returns.
    recordable : bool
        Whether the task does everything through its scratch, each source is one array, and windows are regular; it is
        then recorded once and replayed.
    instead : function of spot, optional
        Called first for each tile; returns true if it has done the tile in some other way.
    """
    planes = len(sources[0][0])
    if not recordable:
        # glibc gives large blocks back to the system, so that each costs page faults anew, until it has seen one as
        # large freed. Benchmark case: float32 lp:2 (5,1), which takes twice as long without
        np.empty(FREED_BYTES, np.uint8)

        def do(spot: Spot, _: None) -> None:
            blocks = [tuple(c[spot.cells] if isinstance(c, np.ndarray) else c for c in source) for source in sources]
            store(task(blocks, spot.axes, None if target is None else target[spot.windows], Scratch()), spot.windows)

        run(spots(planes, axes, room), do, lambda: None, workers)
        return
    arrays = [source[0] for source in sources] + ([] if target is None else [target])
    layouts = tuple(Layout(array.dtype, array.strides) for array in arrays)
    plan = planned(task, tuple(axes), layouts, planes, room, target is not None)

    memories = list(map(Memory, arrays))

    def again(step: tuple[Spot, KernelProgram, tuple[int, ...]], own: tuple[Array, dict[int, KernelProgram]]) -> None:
        (spot, program, starts), (buffer, ready) = step, own
        if not instead(spot):
            if id(program) not in ready:
                ready[id(program)] = bound(program, buffer)
            places = [(memory.bytes, memory.origin + at) for memory, at in zip(memories, starts, strict=True)]
            store([(made,) for made in play(ready[id(program)], *places)], spot.windows)

    huge = workers * (HUGE_BYTES + HUGE_PAGE) <= 2 * sum(array.nbytes for array in arrays)  # ranks take twice that
    run(plan.steps, again, lambda: (room_for(plan.size, huge=huge), {}), workers)


def planes_of(x: Array, out: Array, ndim: int) -> Iterator[tuple[Array, Array]]:
    """Yield input and output as (planes, spatial...); a large input whose leading axes do not merge is not copied."""
    lead = x.ndim - ndim
    merges = all(x.strides[i] == x.strides[i + 1] * x.shape[i + 1] for i in range(lead - 1))
    if lead <= 1 or merges or x.nbytes < SHARED_BYTES:
        yield x.reshape(-1, *x.shape[lead:]), out.reshape(-1, *out.shape[lead:])
        return
    for row, to in zip(x, out, strict=True):
        yield from planes_of(row, to, ndim)


# --- the shape of tiles -----------------------------------------------------------------------------------------------


def reach(axis: Axis, windows: int) -> int:
    """Return how many cells, with padding, this many adjacent windows read."""
    if axis.regular:
        return (windows - 1) * axis.stride + (axis.size - 1) * axis.dilation + 1
    share = -(-axis.length * windows // len(axis))
    return min(share + axis.size, max(axis.length, 1))


def tiles(planes: int, axes: Sequence[Axis], room: int) -> list[Tile]:
    """Cut (planes, windows...) into tiles that read about `room` cells each, or one window if that is more.

    Benchmark case: all large ones; max 3x3 of 4096x4096 takes twice as long in one piece.
    """
    return list(product(*_grids(planes, axes, room)))


def _grids(planes: int, axes: Sequence[Axis], room: int) -> list[list[slice]]:
    """Cut the planes, and the windows of each axis."""
    room = max(room, 1)
    lengths = [len(axis) for axis in axes]
    whole = math.prod(reach(axis, len(axis)) for axis in axes)
    steps = [max(room // max(whole, 1), 1), *lengths] if whole <= room else [1, *_cheapest(axes, room)]
    return list(map(_cuts, [planes, *lengths], steps))


def _cuts(length: int, step: int) -> list[slice]:
    """Cut into parts of equal length, at most `step`, with a shorter one at the end.

    Equal tiles share a program.
    """
    step = -(-length // -(-length // step))
    return [slice(start, min(start + step, length)) for start in range(0, length, step)]


def _cheapest(axes: Sequence[Axis], room: int) -> tuple[int, ...]:
    """Return the shape of tiles, in windows, that costs least.

    Tried are whole rows, halves, quarters ..., and as many of them as fit, or a few times more; rows are not broken
    where that cannot cost less.
    """
    best, least = (1,) * len(axes), math.inf
    widths = [[max(-(-len(axis) >> power), 1) for power in range(len(axis).bit_length())] for axis in axes[1:]]
    for inner in product(*widths):
        if least <= BROKEN and inner and inner[-1] < len(axes[-1]):
            continue
        row = math.prod(reach(axis, width) for axis, width in zip(axes[1:], inner, strict=True))
        for power in range(8):
            rows = _windows_in(axes[0], (room << power) // max(row, 1))
            if _beyond(row * reach(axes[0], max(rows, 1)), room) >= least:
                break  # what follows is larger still
            if rows and (cost := _cost(axes, (rows, *inner), room)) < least:
                best, least = (rows, *inner), cost
            if rows == len(axes[0]):
                break
    return best


def _windows_in(axis: Axis, cells: int) -> int:
    if axis.regular:
        return max(min((cells - reach(axis, 1)) // axis.stride + 1, len(axis)), 0)
    return max(min((cells - axis.size) * len(axis) // max(axis.length, 1), len(axis)), 0)


def _cost(axes: Sequence[Axis], shape: Sequence[int], room: int) -> float:
    """Compare shapes: cells read twice by adjacent tiles, cells beyond the cache, and broken rows."""
    again, cells = 1.0, 1
    weights = (*[FIRST_FOLD] * (len(axes) - 1), 1)
    for axis, windows, weight in zip(axes, shape, weights, strict=True):
        looked = reach(axis, windows)
        own = looked if windows == len(axis) else max(windows * axis.length / len(axis), 1)
        again *= 1 + weight * max(looked / own - 1, 0)
        cells *= looked
    broken = BROKEN + 16 / reach(axes[-1], shape[-1]) if shape[-1] < len(axes[-1]) else 1.0
    small = 1 + 0.1 * room / max(cells, 1)  # every tile costs some Python
    return again * _beyond(cells, room) * broken * small


def _beyond(cells: int, room: int) -> float:
    return 1 + 0.15 * max(math.log2(max(cells, 1) / room), 0)

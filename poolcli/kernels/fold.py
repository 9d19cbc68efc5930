"""Associative reductions over windows: one engine for every mode that is built from them.

The windows are cut into tiles (`poolcli.kernels.tiles`), and each tile is folded along one spatial axis after another,
always at vector speed. Each trick is named where it is used, with the benchmark case that shows it:

- *blocks*: along every axis but the last, a stride above 1 comes first, so that later steps see less data;
- *halves*: a block is folded by adding one half to the other, in few calls and with little rounding, or by NumPy's
  own reduction where that sees whole rows (it adds rows at the speed of memory);
- *chains*: overlapping windows are built from smaller ones, 31 cells in 7 steps, or 5 where cells may count twice;
- *flat*: a contiguous tile is treated as one long row; the few results that wrap from row to row are never read;
- *thinning*: along the last axis the stride comes last, by narrowing words of two, four or eight cells;
- *narrow sums*: integers are summed in the narrowest type that holds every possible sum, and widened in the middle of
  a chain; float32 is used as long as its rounding error stays within 1e-6;
- *one read*: global windows over contiguous planes are NumPy's own reduction, without tiles; long sums of narrow
  cells are made of narrow *short sums*;
- *two levels*: windows larger than a tile are first folded to one state per few thousand cells.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from threading import Lock
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poolcli.kernels.fold_axis import (
    LONG,
    WRITTEN,
    FoldType,
    Lane,
    Part,
    add_checked,
    add_rows,
    along,
    check_sums,
    roundings,
    start,
    way,
)
from poolcli.kernels.memory import Scratch
from poolcli.kernels.replay import KernelProgram, Layout, replay
from poolcli.kernels.tiles import SHARED_BYTES, TILE_BYTES, Spot, State, Tile, planes_of, planned, recorded, walk_tiles
from poolcli.system.threads import threads
from poolcli.window import Axis

Array = NDArray[Any]
Finish = Callable[[State, Tile, Array], Array]

GIANT_CELLS = 1 << 15  # a window above this is folded in two levels
FEW_CELLS = 1 << 16  # the cells that the first level folds into one
MANY_CELLS = 1 << 19  # the same if nothing is rounded
# rows between blocks, from which tiles are twice as large, because later steps see few cells: float32 avg (8,8)
SPARSE = 4
MOST_ROUNDINGS = 15  # of float32, each at most 2**-24: with an average's division, a sum stays within 1e-6


def window_counts(
    axes: Sequence[Axis], place: Sequence[slice], *, include_pad: bool = False
) -> int | NDArray[np.int64]:
    """Count the cells of the windows in `place`, one slice per axis: a number, or an array that broadcasts.

    Parameters
    ----------
    include_pad : bool
        Whether padding counts; overhang never does.
    """
    counts: list[Any] = []
    for position, (axis, part) in enumerate(zip(axes, place, strict=True)):
        if axis.regular and axis.full(part.start, part.stop):
            counts.append(axis.size)
        else:
            along = axis.counts(include_pad=include_pad, first=part.start, last=part.stop)
            counts.append(along.reshape(-1, *[1] * (len(axes) - 1 - position)))
    total: int | NDArray[np.int64] = reduce(lambda one, other: one * other, counts)
    return total


def fold(
    x: Array,
    axes: Sequence[Axis],
    parts: Sequence[Part],
    finish: Finish | None,
    dtype: DTypeLike,
    *,
    workers: int | None = None,
) -> Array:
    """Reduce the real cells of every window.

    Parameters
    ----------
    x : ndarray, shape (leading..., spatial...)
        The input; never modified.
    parts : sequence of Part
        The reductions to make in one walk over the input.
    finish : function of (states, place, out), optional
        Called with all arrays of every part's final state, in order, the windows they belong to, one slice per spatial
        axis, and where the values go; returns the values, in `out` or elsewhere. It is called once per tile, from
        several threads. Without it the first state is the result.
    workers : int, optional
        Threads to use for large inputs; the result does not depend on it. See `poolcli.system.threads.threads`.

    Returns
    -------
    ndarray, shape (leading..., windows...)
    """
    lead = x.shape[: x.ndim - len(axes)]
    out = np.empty((*lead, *map(len, axes)), dtype)
    if out.size == 0:
        return out
    workers = threads(workers) if x.nbytes + out.nbytes >= SHARED_BYTES else 1
    for planes, place in planes_of(x, out, len(axes)):
        _fold(_Job([(planes,)] * len(parts), axes, parts, finish, place, workers))
    return out


# --- two levels -------------------------------------------------------------------------------------------------------


class _Job(NamedTuple):
    """States of shape (planes, spatial...), one for each part, to fold into `out`."""

    sources: Sequence[State]
    axes: Sequence[Axis]
    parts: Sequence[Part]
    finish: Finish | None
    out: Array
    workers: int


def _fold(job: _Job) -> None:
    axes, parts, finish, out = job.axes, job.parts, job.finish, job.out
    if math.prod(axis.size for axis in axes) > GIANT_CELLS:
        apart = [i for i, axis in enumerate(axes) if axis.size >= LONG and _apart(axis)]
        if several := [i for i in apart if not _whole(axes[i])]:
            _fold_one_by_one(job, several[0])
            return
        if apart:
            _fold_two_levels(job)
            return

    def store(states: Sequence[State], place: Tile) -> None:
        if finish is None:
            if states[0][0] is not WRITTEN:
                np.copyto(out[place], states[0][0], casting="unsafe")
            return
        here = out[place]
        value = finish(tuple(c for state in states for c in state), place[1:], here)
        if value is not here:
            np.copyto(here, value, casting="unsafe")

    _walk(job.sources, axes, parts, store, job.workers, out if finish is None and len(parts) == 1 else None)


def _apart(axis: Axis) -> bool:
    """Whether the windows share so few cells that each can be folded by itself."""
    return not axis.regular or len(axis) == 1 or 2 * axis.stride >= (axis.size - 1) * axis.dilation + 1


def _whole(axis: Axis) -> bool:
    return axis.regular and len(axis) == 1 and axis.dilation == 1 and axis.starts[0] == 0 and axis.size == axis.length


def _all_of(length: int) -> Axis:
    return Axis(length, range(1), range(length, length + 1))


def _fold_one_by_one(job: _Job, position: int) -> None:
    """Fold the windows of an axis one by one, each over all of its real cells."""
    axes, finish = job.axes, job.finish
    axis, before = axes[position], (slice(None),) * (position + 1)
    for window in range(len(axis)):
        inside = range(axis.length)[_real(axis, window)]
        cut = (*before, slice(inside.start, inside.stop, inside.step))
        here = slice(window, window + 1)

        def finish_one(states: State, place: Tile, target: Array, here: slice = here) -> Array:
            assert finish is not None  # noqa: S101 - used below only if so
            return finish(states, (*place[:position], here, *place[position + 1 :]), target)

        one = job._replace(
            sources=[_at(source, cut) for source in job.sources],
            axes=(*axes[:position], _all_of(len(inside)), *axes[position + 1 :]),
            finish=finish and finish_one,
            out=job.out[(*before, here)],
        )
        _fold(one)


def _real(axis: Axis, window: int) -> slice:
    start, step = axis.starts[window], axis.dilation
    return slice(start if start >= 0 else start % step, min(axis.stops[window], axis.length), step)


def _fold_two_levels(job: _Job) -> None:
    """Fold blocks of cells to one state each, then fold the states. Benchmark case: global average of 4096x4096."""
    sources, axes, parts = job.sources, job.axes, job.parts
    types = [np.result_type(*source) for source in sources]
    exact = all(part.exact(dtype) for part, dtype in zip(parts, types, strict=True))
    blocks = _blocks(axes, MANY_CELLS if exact else FEW_CELLS)
    states = [_states(source, part, blocks, job.workers) for source, part in zip(sources, parts, strict=True)]
    seconds = [_second(part, state[0]) for part, state in zip(parts, states, strict=True)]
    rest = [_all_of(len(block)) if _whole(axis) else axis for axis, block in zip(axes, blocks, strict=True)]
    _fold(job._replace(sources=states, axes=rest, parts=seconds))


def _blocks(axes: Sequence[Axis], room: int) -> tuple[Axis, ...]:
    """Cut every axis that one window covers, the last axis first, into blocks of few cells in all."""
    blocks: list[Axis] = []
    for axis in reversed(axes):
        block = min(axis.length, max(room, 1)) if _whole(axis) else 1
        room //= block
        number = -(-axis.length // block)
        blocks.append(Axis(axis.length, range(0, number * block, block), range(block, (number + 1) * block, block)))
    return tuple(reversed(blocks))


def _states(source: State, part: Part, axes: Sequence[Axis], workers: int) -> State:
    """Fold into arrays of states: the first level."""
    kept: list[Array] = []
    shape, one = (len(source[0]), *map(len, axes)), Lock()

    def store(states: Sequence[State], place: Tile) -> None:
        with one:
            if not kept:  # only now their types are known
                kept.extend(np.empty(shape, np.asarray(c).dtype) for c in states[0])
        for whole, tile in zip(kept, states[0], strict=True):
            whole[place] = tile

    _walk([source], axes, [part], store, workers)
    return tuple(kept)


def _second(part: Part, state: Array) -> Part:
    """Return the part that folds states of this one."""
    rounds = part.combine is np.add and state.dtype.kind == "f"
    return part._replace(prepare=None, dtype=np.dtype(np.float64) if rounds else None)


# --- tiles ------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Folding:
    """The task for one tile: fold it along one axis after another, for each part."""

    parts: tuple[Part, ...]
    types: tuple[_Types, ...]

    def __call__(
        self, blocks: Sequence[State], axes: Sequence[Axis], target: Array | None, scratch: Scratch
    ) -> list[State]:
        return [
            self._folded(block, part, types, axes, target, scratch)
            for block, part, types in zip(blocks, self.parts, self.types, strict=True)
        ]

    def _folded(
        self, block: State, part: Part, types: _Types, axes: Sequence[Axis], target: Array | None, scratch: Scratch
    ) -> State:
        state = start(part, block, scratch)
        kinds = types.kinds(next(c.dtype for c in state if isinstance(c, np.ndarray)))
        for position, (axis, how, kind) in enumerate(zip(axes, types.ways, kinds, strict=True), 1):
            state = along(state, axis, how, Lane(position, part, kind, scratch), target)
        return state


def _walk(
    sources: Sequence[State],
    axes: Sequence[Axis],
    parts: Sequence[Part],
    store: Callable[[Sequence[State], Tile], None],
    workers: int,
    out: Array | None = None,
) -> None:
    """Fold tile after tile and hand each to `store`; with `out`, the values may already be there."""
    task, room = _task(axes, parts, [source[0].dtype for source in sources])
    single = all(part.recordable and len(source) == 1 for part, source in zip(parts, sources, strict=True))
    recordable = single and all(axis.regular for axis in axes)
    walk_tiles(task, sources, axes, out, room=room, workers=workers, store=store, recordable=recordable)


def _task(axes: Sequence[Axis], parts: Sequence[Part], dtypes: Sequence[np.dtype[Any]]) -> tuple[_Folding, int]:
    """Return the task for tiles, and how many cells a tile reads."""
    types = tuple(_Types.of(axes, part) for part in parts)
    firsts = [(part.prepare and part.dtype) or dtype for part, dtype in zip(parts, dtypes, strict=True)]
    plans = [each.kinds(first) for each, first in zip(types, firsts, strict=True)]
    widest = max(kind.dtype.itemsize for kinds in plans for kind in kinds)
    sparse = types[0].ways[0] == "blocks" and axes[0].stride >= SPARSE and not any(part.prepare for part in parts)
    return _Folding(tuple(parts), types), (TILE_BYTES << sparse) // widest


def small_fold(
    shape: Sequence[int],
    dtype: np.dtype[Any],
    axes: Sequence[Axis],
    part: Part,
    result: np.dtype[Any] | None,
    most: int | None,
) -> Callable[[Array], Array] | None:
    """Return a function that does what `fold` does, if that is a single program: *straight*. Benchmark case: 4x4.

    Parameters
    ----------
    shape, dtype
        Of the inputs, which are contiguous (planes, spatial...).
    result : dtype, optional
        The type of the values; if None, they keep the type in which they were folded.
    most : int, optional
        The largest number whose sums fit their type; a larger one is an `OverflowError`.
    """
    if not (all(axis.regular for axis in axes) and part.recordable and shape[0]):
        return None
    if all(map(_whole, axes)):  # *one read*. Benchmark case: uint16 max global
        return partial(_read, part, shape[0], most)
    if math.prod(axis.size for axis in axes) > GIANT_CELLS:
        return None
    windows = (shape[0], *map(len, axes))
    task, room = _task(axes, [part], [dtype])
    arrays = [np.empty(shape, dtype)] + ([] if result is None else [np.empty(windows, result)])
    layouts = tuple(Layout(array.dtype, array.strides) for array in arrays)
    plan = planned(task, tuple(axes), layouts, shape[0], room, result is not None)
    return partial(_replayed, plan.steps[0][1], windows, result, most) if len(plan.steps) == 1 else None


def _read(part: Part, planes: int, most: int | None, cells: Array) -> Array:
    rows = cells.reshape(planes, -1)
    if most is not None:
        return add_checked(rows, most)
    if part.combine is np.add:
        return add_rows(rows, part.dtype or rows.dtype)
    assert isinstance(part.combine, np.ufunc)  # noqa: S101 - `Part.recordable` saw to it
    folded: Array = part.combine.reduce(rows, axis=1)
    return folded


def _replayed(
    program: KernelProgram, windows: tuple[int, ...], result: np.dtype[Any] | None, most: int | None, cells: Array
) -> Array:
    if most is not None:
        check_sums(cells, most)
    if result is None:
        folded: Array = replay(program, cells)
        return folded
    values = np.empty(windows, result)
    if (made := replay(program, cells, values)) is not WRITTEN:
        np.copyto(values, made, casting="unsafe")
    return values


def _at(state: State, index: tuple[Any, ...]) -> State:
    return tuple(c[index] if isinstance(c, np.ndarray) else c for c in state)


def ways(axes: Sequence[Axis]) -> list[str]:
    """Return the `way` to fold each axis."""
    inner = [math.prod(axis.length for axis in axes[position + 1 :]) for position in range(len(axes))]
    inner = [max(cells, 2) for cells in inner[:-1]] + [1]
    return list(map(way, axes, inner))


class _Types(NamedTuple):
    """How to fold each axis for one part, and in which type: *narrow sums*.

    A sum of n integers of at most m is at most n m, so 3x3 cells of uint8 fit uint16 (benchmark case: uint8 avg 3x3).
    In float32 each of r roundings is at most 2**-24 of the sum of |x|, so r <= 15 and a division stay within 1e-6.
    """

    ways: tuple[str, ...]
    sizes: tuple[int, ...]
    rounds: tuple[int, ...]
    adds: bool
    ones: bool
    least: np.dtype[Any] | None  # the narrowest type for floats
    most: np.dtype[Any] | None  # a type that holds any sum of integers

    @classmethod
    def of(cls, axes: Sequence[Axis], part: Part) -> _Types:
        """Choose."""
        sizes = tuple(axis.size for axis in axes)
        strides = [axis.stride if axis.regular else 1 for axis in axes]
        chosen = tuple(ways(axes))
        rounds = tuple(map(roundings, sizes, strides, chosen))
        floats = part.prepare is None and part.dtype is not None and part.dtype.kind == "f"
        return cls(chosen, sizes, rounds, part.combine is np.add, part.ones, part.dtype if floats else None, part.dtype)

    def kinds(self, dtype: np.dtype[Any]) -> list[FoldType]:
        """Return the type in which to fold each axis, for a state that starts as `dtype`."""
        dtype = self.least or dtype
        plan, cells, rounds = [], 1, 0
        single = 1 if self.ones else _most(dtype) if dtype.kind in "iu" else 0
        for size, more in zip(self.sizes, self.rounds, strict=True):
            before = 1
            if self.adds and dtype.kind in "iu":
                before = _most(dtype) // (single * cells)
                cells *= size
                dtype = _holding(dtype, single * cells, self.most)
            elif self.adds and dtype.kind == "f" and dtype.itemsize < 8:
                rounds += more
                dtype = dtype if rounds <= MOST_ROUNDINGS else np.dtype(np.float64)
            plan.append(FoldType(dtype, before))
        return plan


def _most(dtype: np.dtype[Any]) -> int:
    limits = np.iinfo(dtype)
    return max(limits.max, -limits.min)


def _holding(dtype: np.dtype[Any], total: int, most: np.dtype[Any] | None) -> np.dtype[Any]:
    """Return the narrowest integer type for this sum, no narrower than `dtype`; `most` holds any sum."""
    for size in (1, 2, 4, 8):
        wider = np.dtype(f"{dtype.kind}{size}")
        if size >= dtype.itemsize and total <= np.iinfo(wider).max:
            return wider
    return most or np.dtype(f"{dtype.kind}8")


def tile_program(spot: Spot, part: Part, dtype: DTypeLike) -> KernelProgram:
    """Return the program that folds a tile of regular windows whose cells are contiguous and of this type."""
    like = np.empty(tuple(cells.stop - cells.start for cells in spot.cells), dtype)
    task = _Folding((part,), (_Types.of(spot.axes, part),))
    return recorded(task, spot.axes, [like.shape], [Layout(like.dtype, like.strides)], direct=False)


# --- some windows by themselves ---------------------------------------------------------------------------------------


def steady(axes: Sequence[Axis], ranges: Sequence[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    """Return windows around these that `fold` combines in the same order as it does over the whole axes.

    A floating-point sum depends on the order of its terms, and that depends on the `way` along an axis, which differs
    between one window and several.

    Examples
    --------
    >>> from poolcli.window import Window
    >>> steady(Window.of(2, size=31, stride=1).plan((1000, 1000)), ((101, 200), (5, 6)))
    ((101, 200), (5, 7))
    """
    return tuple(_several(axis, *ends) for axis, ends in zip(axes, ranges, strict=True))


def _several(axis: Axis, first: int, last: int) -> tuple[int, int]:
    """Widen to at least two windows, including one of the largest."""
    if axis.regular:
        first = max(min(first, len(axis) - 2), 0)
        return first, min(max(last, first + 2), len(axis))
    size = axis.size
    while all(axis.stops[i] - axis.starts[i] < size for i in range(first, last)):
        first, last = max(first - 1, 0), min(last + 1, len(axis))
    return first, last

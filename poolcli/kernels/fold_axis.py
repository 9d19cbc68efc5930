"""Folding one tile along one axis, always at vector speed."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from functools import partial
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from poolcli.kernels.addition_chains import ChainStep, chain, depth
from poolcli.kernels.memory import Scratch, copy
from poolcli.kernels.tiles import State
from poolcli.window import Axis

Array = NDArray[Any]
Merge = Callable[[State, State], State]

MANY = 32  # cells, from which a reduction beats halves
FEW = 8  # floats that are added one by one
SHORT = 512  # cells of a row, up to which one long loop over unneeded cells too is faster
RUN_BYTES = 1 << 14  # of memory read without a jump
WIDE = 512  # adjacent cells, from which short loops save more than they cost
LONG = 128  # cells of a block along the last axis, from which halves beat a chain
CHECKED = 1 << 16  # integers that are checked and added while they are in the cache
LONG_WINDOW = 16  # cells, from which a window is folded by itself
_IDEMPOTENT = (np.maximum, np.minimum, np.fmax, np.fmin, np.logical_or, np.logical_and, np.bitwise_or, np.bitwise_and)
_WORDS = (2, 4, 8)  # bytes
SHORT_SUMS: dict[str, tuple[int, Callable[[Array], Array]]] = {  # how many cells are added in a narrow type, and how
    **{k: (1 << 12, partial(np.add.reduce, axis=-1, dtype=f"{k[0]}4")) for k in ("i1", "u1", "i2", "u2")},
    "f4": (1 << 7, partial(np.einsum, "...i->...")),  # at the speed of reading, in 15 roundings; NumPy's sum needs 18
}
WRITTEN = np.empty(0)  # returned by `along` instead of an array that is already in its place


class Part(NamedTuple):
    """One associative reduction."""

    # a binary ufunc for a state of one array, or a function that merges two states of several arrays
    combine: np.ufunc | Merge
    fill: tuple[Any, ...]  # the state of an absent cell, one scalar per array of the state
    # makes the states of single cells from a block of the input: an array, or a tuple of arrays or numbers
    prepare: Callable[[Array], Array | State] | None = None
    # the type to reduce in, by default the input's own. Sums may use a narrower one where that is exact
    dtype: np.dtype[Any] | None = None
    ones: bool = False  # whether cells are 0 or 1, so that sums stay small

    @property
    def overlapping(self) -> bool:
        """Whether a cell may be combined twice."""
        return self.combine in _IDEMPOTENT

    @property
    def recordable(self) -> bool:
        """Whether every step is one call of NumPy."""
        return self.prepare is None and isinstance(self.combine, np.ufunc)

    def streams(self, dtype: np.dtype[Any]) -> bool:
        """Whether NumPy reduces outer axes at the speed of memory; it does not for the extremes of floats."""
        return isinstance(self.combine, np.ufunc) and (dtype.kind in "iu" or self.combine is np.add)

    def exact(self, dtype: np.dtype[Any]) -> bool:
        """Whether the order of combining does not matter for values of this type."""
        return self.overlapping or (self.combine is np.add and dtype.kind in "iu")

    def merge(self, one: State, other: State, scratch: Scratch) -> State:
        """Combine two states of the same shape."""
        if not isinstance(self.combine, np.ufunc):
            return self.combine(one, other)
        return (scratch.do(self.combine, one[0], other[0], out=scratch.take(one[0].shape, one[0].dtype)),)


class FoldType(NamedTuple):
    """The type in which to fold the windows of one axis; windows of up to `before` cells may keep the previous type."""

    dtype: np.dtype[Any]
    before: int = 1


class Lane(NamedTuple):
    """What stays the same while one axis of a tile is folded."""

    at: int  # the axis of the state's arrays, which have shape (planes, cells or windows...)
    part: Part  # what to fold
    kind: FoldType  # what to fold in, for a state of one array
    scratch: Scratch  # memory for results


def start(part: Part, block: State, scratch: Scratch) -> State:
    """Return the state of every single cell of a block."""
    if part.prepare is None:
        return block
    made = part.prepare(_cast(block, part.dtype or block[0].dtype, scratch)[0])
    return made if isinstance(made, tuple) else (made,)


def _cast(state: State, dtype: np.dtype[Any], scratch: Scratch) -> State:
    if len(state) > 1 or state[0].dtype == dtype:
        return state
    return (scratch.do(copy, state[0], out=scratch.take(state[0].shape, dtype)),)


def each(state: State, change: Callable[[Array], Array]) -> State:
    """Change the arrays of a state, but not its numbers."""
    return tuple(change(c) if isinstance(c, np.ndarray) else c for c in state)


def cut(state: State, at: int, cells: slice | int) -> State:
    """Take some cells along one axis."""
    index = (slice(None),) * at + (cells,)
    return each(state, lambda array: array[index])


def way(axis: Axis, inner: int) -> str:
    """Choose how to fold: ``one``, ``chain``, ``blocks``, ``taps``, ``halves`` or ``irregular``.

    Parameters
    ----------
    inner : int
        How many cells of later axes belong to each cell; 1 for the last axis.
    """
    size, stride = axis.size, axis.stride if axis.regular else 0
    if not axis.regular:
        return "irregular"
    if size == 1:
        return "one"
    if len(axis) == 1:
        return "halves"
    if inner == 1 and (size < LONG or stride < size):
        return "chain"
    if axis.dilation > 1:
        return "taps" if size - 1 <= len(chain(size, overlapping=False)) * stride else "chain"
    # on short rows, every second row costs more than twice as many cells in one row
    return "chain" if stride == 1 or (inner < WIDE and size <= 3 and stride == 2) else "blocks"


def roundings(size: int, stride: int, how: str) -> int:
    """Return how often a float is rounded when cells are added along an axis."""
    if how == "chain":
        return depth(chain(size, overlapping=False))
    if how == "blocks":
        blocks, rest = divmod(size, stride)
        inside = halvings(min(size, stride))
        return max(inside + depth(chain(max(blocks, 1), overlapping=False)), halvings(rest)) + (rest > 0)
    return max(halvings(size), depth(chain(size, overlapping=False)))


def halvings(cells: int) -> int:
    """Return how often `_halves` rounds."""
    return max(cells - 1 if cells <= FEW else cells.bit_length() - 1 + cells.bit_count() - 1, 0)


def along(state: State, axis: Axis, how: str, lane: Lane, out: Array | None) -> State:
    """Fold the windows of one axis of a tile.

    Parameters
    ----------
    state : tuple of arrays or numbers
        Arrays of the tile's shape, (planes, cells or windows...).
    axis : Axis
        The windows that the tile holds.
    lane : Lane
        Which axis of the arrays, and what to fold.
    out : ndarray, optional
        Where the result should go if this is the last axis; `WRITTEN` is then returned in its place.
    """
    at, part, kind, scratch = lane
    last = at == max(c.ndim for c in state if isinstance(c, np.ndarray)) - 1
    out = out if last else None
    rows_of = axis.stride if last and how == "chain" else 1  # so that thinning sees whole words
    if how != "chain" or kind.before < 2:
        state = _cast(state, kind.dtype, scratch)
    state = pad(state, axis, at, part.fill, scratch, multiple=rows_of)
    if how == "irregular":
        return _irregular(state, axis, lane)
    k, s, d, n = axis.size, axis.stride, axis.dilation, len(axis)
    if how == "one":
        return cut(state, at, slice(0, (n - 1) * s + 1, s))
    if how == "blocks":
        return _blocks(state, axis, lane)
    if how in ("taps", "halves"):
        s = s if n > 1 else k
        return _halves(each(state, lambda array: taps(array, at, 0, n, s, k, d)), at + 1, part, scratch)
    if not last or not isinstance(part.combine, np.ufunc):
        steps = chain(k, overlapping=part.overlapping)
        return cut(_chain(state, steps, d, lane), at, slice(0, (n - 1) * s + 1, s))
    return _chained(state, axis, lane, out)


def _chained(state: State, axis: Axis, lane: Lane, out: Array | None) -> State:
    steps = chain(axis.size, overlapping=lane.part.overlapping)
    direct = not lane.part.overlapping or len(axis) >= SHORT
    if direct and axis.stride == 1 and out is not None and out.dtype == lane.kind.dtype:
        return _chain_into(out, state, steps, axis.dilation, lane)
    windows = _chain(state, steps, axis.dilation, lane, axis.stride)
    return thin(windows, axis.stride, len(axis), out, lane.scratch)


def pad(state: State, axis: Axis, at: int, fill: tuple[Any, ...], scratch: Scratch, multiple: int = 1) -> State:
    """Add absent cells where windows reach outside the real ones, and up to a `multiple` of cells."""
    before, after = (max(-axis.starts[0], 0), max(axis.stops[-1] - axis.length, 0)) if axis.regular else (0, 0)
    if before == after == 0:
        return state
    shape = next(c.shape for c in state if isinstance(c, np.ndarray))
    after += -(before + shape[at] + after) % multiple
    roomy = (*shape[:at], before + shape[at] + after, *shape[at + 1 :])
    index = (slice(None),) * at
    padded = []
    for c, value in zip(state, fill, strict=True):
        if not isinstance(c, np.ndarray) and c == value:
            padded.append(c)
            continue
        array = scratch.take(roomy, c.dtype if isinstance(c, np.ndarray) else np.float64)
        scratch.do(copy, value, out=array[(*index, slice(0, before))]) if before else None
        scratch.do(copy, value, out=array[(*index, slice(before + shape[at], None))]) if after else None
        scratch.do(copy, c, out=array[(*index, slice(before, before + shape[at]))])
        padded.append(array)
    return tuple(padded)


def _chain(state: State, steps: Iterable[ChainStep], dilation: int, lane: Lane, multiple: int = 1) -> State:
    """Make a window at every cell, from smaller windows: *chains*. The last few along the axis are undefined.

    Benchmark case: max and avg 31x31 stride 1, at most 3 times the cost of 3x3.
    """
    made = {1: state}
    for step in steps:
        _take_step(made, step, dilation, lane, multiple)
    return made.popitem()[1]


def _take_step(made: dict[int, State], step: ChainStep, dilation: int, lane: Lane, multiple: int = 1) -> None:
    """Make the windows of one step."""
    _widen(made, step, lane)
    one, other = made[step.left], made[step.right]
    made[step.size] = _merge_shifted(one, other, step.shift * dilation, lane, multiple)
    for size in step.done:
        del made[size]


def _widen(made: dict[int, State], step: ChainStep, lane: Lane) -> None:
    """Widen the type as late as the sums allow: *narrow sums*. Benchmark case: uint8 avg 31x31."""
    if step.size > lane.kind.before:
        for size in (step.left, step.right):
            made[size] = _cast(made[size], lane.kind.dtype, lane.scratch)


def _merge_shifted(one: State, other: State, shift: int, lane: Lane, multiple: int = 1) -> State:
    """Combine every cell with the one `shift` cells later; the last `shift` are missing or undefined.

    A tile whose rows are adjacent in memory is treated as one row, *flat*: fewer, longer loops. Cells between rows do
    no harm. Benchmark case: float32 (8, 64, 256, 256). Rows get a `multiple` of some cells.
    """
    at, combine, scratch = lane.at, lane.part.combine, lane.scratch
    if not isinstance(combine, np.ufunc):
        length = min(_length(one, at), _length(other, at) - shift)
        return combine(cut(one, at, slice(0, length)), cut(other, at, slice(shift, shift + length)))
    a, b = one[0], other[0]
    shape, width = a.shape, -(-a.shape[-1] // multiple) * multiple
    if b.shape == shape and a.strides == b.strides and width == shape[-1] and (span := _span(a)):
        cells = span - shift * a.strides[at] // a.itemsize
        result = scratch.take((span,), a.dtype)
        scratch.do(combine, _flat(a, span)[:cells], _flat(b, span)[-cells:], out=result[:cells])
        return (as_strided(result, shape, a.strides),)
    result = scratch.take((*shape[:-1], width), a.dtype)
    index = (slice(None),) * at
    length = min(shape[at], b.shape[at] - shift)
    here, there = (*index, slice(0, length)), (*index, slice(shift, shift + length))
    target = result[here] if at == a.ndim - 1 else result[..., : shape[-1]][here]
    scratch.do(combine, a[here], b[there], out=target)
    return (result,)


def _span(array: Array) -> int:
    """Return how many cells of memory an array spans, or 0 if many of them are not its own."""
    own = array.itemsize
    for length, step in zip(array.shape[::-1], array.strides[::-1], strict=True):
        if length > 1 and step < own:
            return 0
        own = max(own, step * length)
    span = (
        sum((length - 1) * step for length, step in zip(array.shape, array.strides, strict=True)) // array.itemsize + 1
    )
    most = 2.1 if array.shape[-1] < SHORT else 1.2  # short loops would cost what the cells between waste
    return span if array.strides[-1] == array.itemsize and span <= array.size * most else 0


def _flat(array: Array, span: int) -> Array:
    return array.reshape(-1) if span == array.size else as_strided(array, (span,), (array.itemsize,))


def _length(state: State, at: int) -> int:
    length: int = next(c.shape[at] for c in state if isinstance(c, np.ndarray))
    return length


def _chain_into(out: Array, state: State, steps: tuple[ChainStep, ...], dilation: int, lane: Lane) -> State:
    """Write the last step of a chain straight into the result."""
    made = {1: state}
    for step in steps[:-1]:
        _take_step(made, step, dilation, lane)
    final, n = steps[-1], out.shape[lane.at]
    _widen(made, final, lane)
    shift = final.shift * dilation
    one, other = made[final.left][0], made[final.right][0]
    lane.scratch.do(lane.part.combine, one[..., :n], other[..., shift : shift + n], out=out)
    return (WRITTEN,)


def thin(state: State, stride: int, n: int, out: Array | None, scratch: Scratch) -> State:
    """Keep the first of every `stride` cells of the last axis: *thinning*.

    Narrowing words of `stride` cells to one cell is a vector instruction, a strided copy is not. The first cell has to
    be the low end of the word. Benchmark case: max 2x2 of 4096x4096.
    """
    array: Array = state[0]
    if stride == 1:
        kept = array[..., :n]
    elif (
        stride * array.itemsize in _WORDS
        and sys.byteorder == "little"
        and array.strides[-1] == array.itemsize
        and array.shape[-1] % stride == 0
    ):
        words = array.view(f"u{stride * array.itemsize}")[..., :n]
        cells = out if out is not None and out.dtype == array.dtype else scratch.take(words.shape, array.dtype)
        scratch.do(copy, words, out=cells.view(f"u{array.itemsize}"))
        if cells is out:
            return (WRITTEN,)
        kept = cells
    else:
        kept = array[..., : (n - 1) * stride + 1 : stride]
    if out is None:
        return (kept,)
    scratch.do(copy, kept, out=out)
    return (WRITTEN,)


def _blocks(state: State, axis: Axis, lane: Lane) -> State:
    """Fold blocks of `stride` cells, then neighbouring blocks, then the rest of the window: *blocks*.

    Every step but the first sees 1/stride of the data. Benchmark case: float32 (8, 64, 256, 256) at (8, 8).
    """
    size, stride, n = axis.size, axis.stride, len(axis)
    at, part, _, scratch = lane

    def block(first: int, windows: int, cells: int) -> State:
        source = state
        if first == 0 and cells == stride and cells % 2 == 0 and _in_short_runs(state, cells // 2, lane):
            cells //= 2
            source = _merge_shifted(state, state, cells, lane)
        cells_of = each(source, lambda array: taps(array, at, first, windows, stride, cells, 1))
        return _halves(cells_of, at + 1, part, scratch)

    number, rest = divmod(size, stride)
    if number == 0:
        return block(0, n, rest)
    folded = block(0, n + number - 1, stride)
    if number > 1:
        folded = cut(_chain(folded, chain(number, overlapping=part.overlapping), 1, lane), at, slice(0, n))
    return part.merge(folded, block(number * stride, n, rest), scratch) if rest else folded


def _in_short_runs(state: State, cells: int, lane: Lane) -> bool:
    """Whether halves of so many cells are short runs of memory, between which the processor does not read ahead.

    Then *flat* is faster, though it makes twice as many. Benchmark case: batch max (8,8).
    """
    if not lane.part.overlapping or lane.part.streams(state[0].dtype):
        return False
    return cells * state[0].strides[lane.at] < RUN_BYTES and _span(state[0]) > 0


def taps(array: Array, at: int, first: int, n: int, stride: int, size: int, dilation: int) -> Array:
    """Return a view with the cells of every window along a new axis `at` + 1."""
    before = (slice(None),) * at
    begin = array[(*before, slice(first, None))]
    step = array.strides[at]
    return as_strided(
        begin,
        (*begin.shape[:at], n, size, *begin.shape[at + 1 :]),
        (*begin.strides[:at], step * stride, step * dilation, *begin.strides[at + 1 :]),
        writeable=False,
    )


def _halves(state: State, at: int, part: Part, scratch: Scratch) -> State:
    """Fold all cells of one axis, adding one half to the other, and drop the axis: *halves*.

    This takes few calls and rounds little. If little or nothing is rounded, NumPy's own reduction is a single call.
    Benchmark case: float32 (8, 64, 256, 256) at (8, 8), and all global ones.
    """
    size = _length(state, at)
    if isinstance(part.combine, np.ufunc) and size > 2:
        array: Array = state[0]
        if part.exact(array.dtype):
            if size >= MANY or part.streams(array.dtype):
                return (reduce_axis(array, at, part.combine, scratch),)
        elif part.streams(array.dtype) and size <= FEW:
            return (_added(array, at, part.combine, scratch),)
    odd: list[State] = []
    while size > 1:
        if size % 2:
            odd.append(cut(state, at, size - 1))
        size //= 2
        state = part.merge(cut(state, at, slice(0, size)), cut(state, at, slice(size, 2 * size)), scratch)
    folded = cut(state, at, 0)
    for cells in odd:
        folded = part.merge(folded, cells, scratch)
    return folded


def add_rows(rows: Array, dtype: np.dtype[Any]) -> Array:
    """Add each contiguous row: integers in the type given, floats in float64, by *short sums* that few are converted.

    Where 128 of float32 are beyond float32, all of their row is added in float64. Benchmark cases: float32 and uint16
    avg global.
    """
    dtype = np.dtype(np.float64) if rows.dtype.kind == "f" else dtype
    if rows.dtype.str[1:] not in SHORT_SUMS:
        return np.add.reduce(rows, axis=1, dtype=dtype)  # type: ignore[no-any-return]  # ufuncs promise any type
    length, short = SHORT_SUMS[rows.dtype.str[1:]]
    number, cells = rows.shape
    whole = cells - cells % length
    few = short(rows[:, :whole].reshape(number, whole // length, length))
    sums: Array = np.add.reduce(few, axis=1, dtype=dtype) + short(rows[:, whole:])
    if dtype.kind == "f" and (beyond := ~np.isfinite(sums)).any():
        sums[beyond] = np.add.reduce(rows[beyond], axis=1, dtype=dtype)
    return sums


def add_checked(rows: Array, most: int) -> Array:
    """Add each row of 64-bit integers, checked block by block in the cache. Benchmark case: int64 avg global."""
    number, cells = rows.shape
    several = max(CHECKED // cells, 1)
    sums = np.zeros(number, rows.dtype)
    for first in range(0, number, several):
        for start in range(0, cells, CHECKED):
            block = rows[first : first + several, start : start + CHECKED]
            check_sums(block, most)
            sums[first : first + several] += np.add.reduce(block, axis=1)
    return sums


def check_sums(cells: Array, most: int) -> None:
    """Raise `OverflowError` for an integer beyond `most`."""
    if max(-int(cells.min()), int(cells.max())) > most:
        raise OverflowError


def _added(array: Array, at: int, combine: np.ufunc, scratch: Scratch) -> Array:
    """Add cells in order; NumPy's reduction does so where it sees whole rows."""
    if array.shape[-1] > 1 and array.strides[-1] == array.itemsize and at < array.ndim - 1:
        return reduce_axis(array, at, combine, scratch)
    cells = np.moveaxis(array, at, 0)
    total: Array = cells[0]
    for more in cells[1:]:
        total = scratch.do(combine, total, more, out=scratch.take(total.shape, total.dtype))
    return total


def reduce_axis(array: Array, at: int, combine: np.ufunc, scratch: Scratch) -> Array:
    """Fold one axis by NumPy's reduction."""
    fold = partial(combine.reduce, axis=at, dtype=array.dtype)
    return scratch.do(fold, array, out=scratch.take((*array.shape[:at], *array.shape[at + 1 :]), array.dtype))


def _irregular(state: State, axis: Axis, lane: Lane) -> State:
    """Fold windows of several sizes: long ones one by one, short ones by size, picked from windows at every cell."""
    at, part, _, scratch = lane
    starts, sizes = np.asarray(axis.starts), np.asarray(axis.stops) - np.asarray(axis.starts)
    shape = next(c.shape for c in state if isinstance(c, np.ndarray))
    shape = (*shape[:at], len(axis), *shape[at + 1 :])
    index = (slice(None),) * at
    made: list[Array] = []

    def keep(which: Any, folded: State) -> None:
        if not made:
            made.extend(scratch.take(shape, np.asarray(c).dtype) for c in folded)
        for whole, c in zip(made, folded, strict=True):
            whole[(*index, which)] = c

    long = sizes >= LONG_WINDOW  # each by its own size, so that its sum does not depend on its neighbours
    for window in np.flatnonzero(long).tolist():
        keep(window, _halves(cut(state, at, slice(axis.starts[window], axis.stops[window])), at, part, scratch))
    for size in np.unique(sizes[~long]).tolist():
        which = np.flatnonzero(sizes == size)
        folded = _chain(state, chain(size, overlapping=part.overlapping), 1, lane)
        keep(which, each(folded, lambda array, which=which: array.take(starts[which], axis=at)))  # type: ignore[misc]
    return tuple(made)

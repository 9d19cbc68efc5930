"""Steps on arrays larger than memory, block by block, with the same bits as on the whole array.

A block is a box of windows of the last step. `Chain` finds the cells of the input that it needs, through any number of
conv, relu and pool steps with all their padding, and computes it from those alone. Neighbouring blocks both read the
cells that their windows share, but compute only their own windows.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import UsageError
from poolcli.pooling.compute import pooled, pooled_alike, result_type
from poolcli.pooling.convolution import conv, relu
from poolcli.pooling.fill import copied_from, filled_type, refuse_nan
from poolcli.pooling.framework import LayerFacts
from poolcli.pooling.layer import Pooling
from poolcli.pooling.modes import Mode
from poolcli.steps.steps import ConvStep, PoolStep, ReluStep, Step, through
from poolcli.system.limits import check_memory
from poolcli.window import Axis, times
from poolcli.wording import Phrase

Array = NDArray[Any]
Range = tuple[int, int]
Box = tuple[Range, ...]  # a range for each axis, of windows in a block or of cells in an input
Fetch = Callable[[Box], Array]

BLOCK_BYTES = 1 << 25  # of input for one block, unless the chunks of the input are larger


class NotInBlocksError(UsageError):
    """Steps that need the whole input at once."""


# One step


@dataclass(frozen=True)
class Stage:
    """A step whose input has known lengths."""

    lengths: tuple[int, ...]  # of the spatial axes of its result
    dtype: np.dtype[Any]  # of its result
    record: Mapping[str, Any]  # the step in JSON, without the shape

    def needs(self, box: Box) -> Box:
        """Return the box of input cells that these windows need, except for wrapped padding."""
        return box

    def compute(self, box: Box, fetch: Fetch) -> Array:
        """Return the values of these windows; `fetch` returns cells of the input, leading axes first."""
        return fetch(box)


def _bands(axes: Sequence[Axis], box: Box) -> tuple[Box, tuple[Axis, ...]]:
    """Return the real cells that some windows need, and the axes of these windows over them."""
    bands = [axis.band(*part) for axis, part in zip(axes, box, strict=True)]
    return tuple((low, high) for low, high, _ in bands), tuple(axis for _, _, axis in bands)


def _padded(axes: Sequence[Axis], box: Box) -> Box:
    """Return the cells that some windows need, padding included; the first real cell is 0."""
    cells, _ = _bands([axis.filled() for axis in axes], box)
    return tuple((low - axis.before, high - axis.before) for axis, (low, high) in zip(axes, cells, strict=True))


@dataclass(frozen=True)
class PoolStage(Stage):
    """Pooling."""

    layer: Pooling
    row: Mode
    axes: tuple[Axis, ...]
    padded: tuple[Axis, ...]  # the axes over the filled input, if padding is filled
    counted: tuple[Axis, ...]  # the axes whose cells an average counts, if others
    fill_with: str | float
    cells: np.dtype[Any]  # the type of the filled input

    @classmethod
    def of(cls, step: PoolStep, lengths: tuple[int, ...], dtype: np.dtype[Any]) -> PoolStage:
        """Check everything that can be checked without data."""
        layer = step.layer(len(lengths), lengths)
        if step.indices:
            raise NotInBlocksError("indices are not recorded block by block", Phrase("drop {return_indices}"))
        if layer.mode.mode.random:
            raise NotInBlocksError(f"{layer.mode} draws for the entire input at once", "use another mode")
        row, axes = layer.row(dtype, lengths), layer.plan(lengths)
        if not all(map(len, axes)):
            why = f"a window larger than the input {times(lengths)} gives no value"
            raise NotInBlocksError(why, "use a smaller one")
        counted = tuple(layer.counted(axes)) if layer.pad_fill == "ignore" else ()
        axes, fill_with = layer.to_fill(axes, row, dtype)
        cells = filled_type(dtype, axes, fill_with)
        padded = axes if fill_with == "ignore" else tuple(axis.filled() for axis in axes)
        made = result_type(row.beyond(layer.mode.parameter) or row if row.beyond else row, cells, padded)
        record = {"step": "pool", **layer.record()}
        return cls(tuple(map(len, axes)), made, record, layer, row, axes, padded, counted, fill_with, cells)

    def needs(self, box: Box) -> Box:
        """See `Stage`."""
        return _bands(self.axes, pooled_alike(self.padded, box))[0]

    def compute(self, box: Box, fetch: Fetch) -> Array:
        """See `Stage`."""
        wide = pooled_alike(self.padded, box)
        cells, axes = _bands(self.padded, wide)
        if self.fill_with == "ignore":
            x = fetch(cells)
        else:
            cells = _padded(self.axes, wide)
            x = self._filled(cells, fetch)
        if self.layer.nan == "error":
            refuse_nan(x, [low for low, _ in cells])
        if self.layer.framework:
            self.layer.framework.check_nan(LayerFacts(self.layer, x.dtype), x)
        counted = _bands(self.counted, wide)[1] if self.counted else axes
        with np.errstate(all="ignore"):  # as in `pool`
            values = pooled(x, axes, self.row, self.layer, counted).astype(self.dtype, copy=False)
        asked: Any = (slice(a - low, b - low) for (a, b), (low, _) in zip(box, wide, strict=True))
        return values[(..., *asked)]

    def _filled(self, cells: Box, fetch: Fetch) -> Array:
        """Return these cells, some of which are padding that holds values."""
        if isinstance(fill := self.fill_with, str):
            pairs = zip(self.axes, cells, strict=True)
            return _gathered([copied_from(np.arange(*part), axis.length, fill) for axis, part in pairs], fetch)
        return _with_constant(cells, self.axes, fill, self.cells, fetch)


def _gathered(cells: Sequence[NDArray[np.int64]], fetch: Fetch) -> Array:
    """Fetch the cells with these numbers along each axis, in this order; they need not be adjacent."""
    lines = [np.unique(line, return_inverse=True) for line in cells]
    runs = [np.split(line, np.flatnonzero(np.diff(line) > 1) + 1) for line, _ in lines]

    def fetched(ahead: Box, rest: Sequence[Sequence[NDArray[np.int64]]]) -> Array:
        if not rest:
            return fetch(ahead)
        parts = [fetched((*ahead, (int(run[0]), int(run[-1]) + 1)), rest[1:]) for run in rest[0]]
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=-len(rest))

    x = fetched((), runs)
    for position, (line, order) in enumerate(lines):
        if len(order) != len(line) or (np.diff(order) != 1).any():
            x = x.take(order, axis=position - len(lines))
    return x


def _with_constant(cells: Box, axes: Sequence[Axis], value: float, dtype: np.dtype[Any], fetch: Fetch) -> Array:
    """Fetch the real ones of these cells, and put a number in place of the others."""
    real: list[Range] = []
    for (first, end), axis in zip(cells, axes, strict=True):
        low = min(max(first, 0), axis.length)
        real.append((low, max(min(end, axis.length), low)))
    x = fetch(tuple(real)).astype(dtype, copy=False)
    pairs = zip(cells, real, strict=True)
    widths = [(low - first, end - high) if high > low else (end - first, 0) for (first, end), (low, high) in pairs]
    lead = [(0, 0)] * (x.ndim - len(cells))
    return np.pad(x, [*lead, *widths], constant_values=value) if any(map(any, widths)) else x


@dataclass(frozen=True)
class ConvStage(Stage):
    """Convolution."""

    step: ConvStep
    axes: tuple[Axis, ...]
    cells: np.dtype[Any]

    @classmethod
    def of(cls, step: ConvStep, lengths: tuple[int, ...], dtype: np.dtype[Any]) -> ConvStage:
        """Check everything that can be checked without data."""
        window = step.window_for(len(lengths))
        axes = window.plan(lengths)
        tiny = np.zeros([(k - 1) * d + 1 for k, d in zip(window.size, window.dilation, strict=True)], dtype)
        made = conv(tiny, step.kernel, dilation=step.dilation, bias=step.bias).dtype
        return cls(tuple(map(len, axes)), made, step.record(), step, axes, dtype)

    def needs(self, box: Box) -> Box:
        """See `Stage`."""
        return _bands(self.axes, box)[0]

    def compute(self, box: Box, fetch: Fetch) -> Array:
        """See `Stage`."""
        step, x = self.step, _with_constant(_padded(self.axes, box), self.axes, 0, self.cells, fetch)
        return conv(x, step.kernel, stride=step.stride, dilation=step.dilation, bias=step.bias, threads=step.threads)


class ReluStage(Stage):
    """ReLU."""

    def compute(self, box: Box, fetch: Fetch) -> Array:
        """See `Stage`."""
        return relu(fetch(box))


_STAGES: Mapping[type, Callable[[Any, tuple[int, ...], np.dtype[Any]], Stage]] = {
    PoolStep: PoolStage.of,
    ConvStep: ConvStage.of,
    ReluStep: lambda _, lengths, dtype: ReluStage(lengths, dtype, {"step": "relu"}),
}


def _stage(before: Stage, step: Step) -> Stage:
    """Return the stage of a step, given the one before."""
    if type(step) not in _STAGES:
        raise NotInBlocksError(f"{step.name} needs the entire input at once", "use conv, relu and pool")
    return _STAGES[type(step)](step, before.lengths, before.dtype)


# All steps


@dataclass(frozen=True)
class Chain:
    """Steps on an input of known shape; make it with `of`."""

    lead: tuple[int, ...]  # the lengths of the input's leading axes
    lengths: tuple[int, ...]  # the lengths of its spatial axes
    dtype: np.dtype[Any]  # of the input
    stages: tuple[Stage, ...]

    @classmethod
    def of(cls, steps: Sequence[Step], shape: Sequence[int], ndim: int, dtype: np.dtype[Any]) -> Chain:
        """Check that these steps fit an input of this shape, leading axes first, and can be done in blocks.

        A step that needs everything at once is a `NotInBlocksError`; an error of a step that does not fit names the
        stage.
        """
        lead, spatial = tuple(shape[:-ndim]), tuple(shape[-ndim:])
        start = Stage(spatial, dtype, {})  # the input itself
        stages = through(steps, start, _stage, "step" if len(steps) > 1 else "")
        return cls(lead, spatial, dtype, tuple(stages))

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape of the result, leading axes first."""
        return (*self.lead, *self.stages[-1].lengths)

    @property
    def result(self) -> np.dtype[Any]:
        """The type of the result."""
        return self.stages[-1].dtype

    def needs(self, box: Box) -> Box:
        """Return the box of input cells, leading axes first, that a block of the result needs."""
        cells = box[len(self.lead) :]
        for stage in reversed(self.stages):
            cells = stage.needs(cells)
        return (*box[: len(self.lead)], *cells)

    def compute(self, box: Box, read: Fetch) -> Array:
        """Return a block of the result; `read` returns cells of the input, leading axes first."""
        lead = box[: len(self.lead)]

        def values(number: int, part: Box) -> Array:
            """Return part of the result of so many steps."""
            if any(first == last for first, last in part):  # padding needs nothing from the step before
                dtype = self.stages[number - 1].dtype if number else self.dtype
                return np.empty([last - first for first, last in (*lead, *part)], dtype)
            if number == 0:
                return read((*lead, *part))
            return self.stages[number - 1].compute(part, lambda cells: values(number - 1, cells))

        return values(len(self.stages), box[len(self.lead) :])


def cells_in(box: Box) -> int:
    """Count the cells or windows in a box."""
    return math.prod(last - first for first, last in box)


# Cutting


def boxes(shape: Sequence[int], steps: Sequence[int]) -> Iterator[Box]:
    """Cut a box into boxes of at most these lengths, in row-major order."""
    lines = [[(first, min(first + step, length)) for first in range(0, length, step)]
             for length, step in zip(shape, steps, strict=True)]  # fmt: skip
    return product(*lines)


def along_chunks(chain: Chain, chunks: Sequence[int]) -> tuple[int, ...]:
    """Return the lengths of blocks of windows that need about one chunk of the input, or several small ones.

    `chunks` are the lengths of the input's chunks, leading axes first.
    """
    shape_in, shape_out = (*chain.lead, *chain.lengths), chain.shape
    wanted = list(chunks)
    for axis in reversed(range(len(wanted))):  # join small chunks, neighbours in memory first
        room = BLOCK_BYTES // (math.prod(wanted) * chain.dtype.itemsize)
        wanted[axis] *= max(min(room, -(-shape_in[axis] // wanted[axis])), 1)
    return tuple(
        max(min(out * chunk // length, out), 1) for chunk, length, out in zip(wanted, shape_in, shape_out, strict=True)
    )


def in_order(chain: Chain, order: Sequence[int]) -> tuple[int, ...]:
    """Return the lengths of blocks that are contiguous in a file with its axes in this order; the first are cut."""
    shape = chain.shape
    lengths = list(shape)
    for axis in order:
        lengths[axis] = 1
        one = cells_in(chain.needs(tuple((0, length) for length in lengths))) * chain.dtype.itemsize
        if one <= BLOCK_BYTES:
            lengths[axis] = max(min(BLOCK_BYTES // max(one, 1), shape[axis]), 1)
            break
    return tuple(lengths)


def check_blocks(chain: Chain, lengths: Sequence[int], workers: int) -> None:
    """Raise `LimitError` if blocks for all workers at once do not fit into memory."""
    first = tuple((0, min(length, size)) for length, size in zip(lengths, chain.shape, strict=True))
    between = max((stage.dtype.itemsize for stage in chain.stages[:-1]), default=0)
    size = cells_in(chain.needs(first)) * (chain.dtype.itemsize + between) + cells_in(first) * chain.result.itemsize
    what = f"{workers} blocks of {times(lengths)} windows at once"
    check_memory(workers * size, what, Phrase("{threads}, or an input with smaller chunks", threads=1))


# Running


def in_sequence(chain: Chain, read: Fetch, order: Sequence[int], write: Callable[[Array], object]) -> None:
    """Compute one block after the other, and write each, with its axes in this order, after the last."""
    lengths = in_order(chain, order)
    check_blocks(chain, lengths, 1)
    for parts in boxes([chain.shape[axis] for axis in order], [lengths[axis] for axis in order]):
        box = tuple(part for _, part in sorted(zip(order, parts, strict=True)))
        write(chain.compute(box, read).transpose(order))

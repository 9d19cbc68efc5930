"""Every window of a pooling layer explained as pure data, one fact per output cell, made on demand.

Nothing here draws. A :class:`WindowFact` knows where its window lies. It computes the values of the cells, which of
them decide, and the formula with its numbers only when asked, so one window of a huge map costs nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolcli.analysis.formulas import WINNERS, Place, Terms, with_names, with_numbers
from poolcli.errors import ShapeError, UsageError
from poolcli.pooling.compute import Divisors, pooled, result_type
from poolcli.pooling.fill import copied_from, filled_type
from poolcli.pooling.layer import Pooling
from poolcli.pooling.modes import Mode
from poolcli.steps import steps
from poolcli.window import AXIS_NAMES, Axis, check_empty, times
from poolcli.wording import Phrase

Array = NDArray[Any]


class Cell(NamedTuple):
    """One cell of a window."""

    at: Place  # on every spatial axis; the first real cell is at 0
    kind: str  # ``real``, ``padding``, or ``overhang`` (what ``ceil_mode`` adds beyond the padding)
    value: Any = None  # None if the cell does not take part, or without an input


@dataclass(frozen=True)
class Span:
    """The cells of one window along one axis.

    Examples
    --------
    >>> str(Span(range(-1, 2), 4, 5)), str(Span(range(0, 9, 4), 9, 9)), str(Span(range(3, 4), 9, 9))
    ('-1..1', '0,4,8', '3')
    """

    cells: range
    length: int
    end: int

    @classmethod
    def of(cls, axis: Axis, window: int) -> Span:
        """Return the span of one window of an axis."""
        return cls(axis.cells(window), axis.length, axis.length + axis.after)

    def __len__(self) -> int:
        return len(self.cells)

    def __str__(self) -> str:
        cells = self.cells
        if len(cells) == 1:
            return str(cells[0])
        if cells.step == 1:
            return f"{cells[0]}..{cells[-1]}"
        return ",".join(map(str, cells)) if len(cells) < 5 else f"{cells[0]}..{cells[-1]} by {cells.step}"

    @cached_property
    def parts(self) -> tuple[int, int, int, int]:
        """The counts of leading pads, real cells, trailing pads, and cells of overhang."""
        first, step = self.cells.start, self.cells.step
        bounds = [min(max(-((first - limit) // step), 0), len(self)) for limit in (0, self.length, self.end)]
        return bounds[0], bounds[1] - bounds[0], bounds[2] - bounds[1], len(self) - bounds[2]

    def kind(self, tap: int) -> str:
        """Return the kind of the cell at this position of the span."""
        before, real, after, _ = self.parts
        if before <= tap < before + real:
            return "real"
        return "padding" if tap < before + real + after else "overhang"


@dataclass(frozen=True)
class WindowFact:
    """All facts about one window."""

    at: Place  # the output cell, one number per spatial axis
    spans: tuple[Span, ...]  # the cells of the window along each spatial axis
    axes: tuple[Axis, ...] = field(repr=False)  # the spatial axes
    layer: Pooling = field(repr=False)
    plane: Place = ()  # which plane of the leading axes; empty if there are none
    _source: _Source | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """The count of cells, including padding and overhang."""
        return math.prod(map(len, self.spans))

    @property
    def shape(self) -> Place:
        """The count of cells along each axis."""
        return tuple(map(len, self.spans))

    @property
    def where(self) -> str:
        """The place of the window in words: ``rows 0..1, columns 3``."""
        names = AXIS_NAMES[len(self.spans)]
        return ", ".join(
            f"{name if len(span) > 1 else name.removesuffix('s')} {span}"
            for name, span in zip(names, self.spans, strict=True)
        )

    def count(self, kind: str) -> int:
        """Count the cells of a kind."""
        real = math.prod(span.parts[1] for span in self.spans)
        if kind == "real":
            return real
        inside = math.prod(len(span) - span.parts[3] for span in self.spans)
        return inside - real if kind == "padding" else self.size - inside

    @cached_property
    def cells(self) -> tuple[Cell, ...]:
        """All cells of the window in row-major order."""
        taken = itertools.repeat(None) if self._source is None else self._marked
        made = []
        for taps, value in zip(itertools.product(*map(range, self.shape)), taken, strict=False):
            at = tuple(span.cells[tap] for span, tap in zip(self.spans, taps, strict=True))
            kinds = {span.kind(tap) for span, tap in zip(self.spans, taps, strict=True)}
            kind = next(name for name in ("overhang", "padding", "real") if name in kinds)
            made.append(Cell(at, kind, value))
        return tuple(made)

    @cached_property
    def _grid(self) -> Array:
        """The values of the cells that take part as one block, without overhang and unfilled padding."""
        assert self._source is not None  # noqa: S101 - used only with values
        return self._source.block(self.plane, self.spans)

    @cached_property
    def _taking(self) -> tuple[slice, ...]:
        """The place of the block `_grid` in the window."""
        return tuple(slice(first, first + count) for first, count in map(self._reach, self.spans))

    def _reach(self, span: Span) -> tuple[int, int]:
        before, real, after, _ = span.parts
        return (before, real) if self.layer.pad_fill == "ignore" else (0, before + real + after)

    @property
    def _marked(self) -> list[Any]:
        laid = np.full(self.shape, None, dtype=object)
        laid[self._taking] = self._grid
        return [value.item() if isinstance(value, np.generic) else value for value in laid.ravel()]

    @cached_property
    def values(self) -> Array:
        """The values that take part, in row-major order; under ``nan="ignore"`` without NaN."""
        flat = self._grid.ravel()
        return flat[~np.isnan(flat)] if self.layer.nan == "ignore" and flat.dtype.kind == "f" else flat

    @cached_property
    def n(self) -> int:
        """The divisor of a mean."""
        place = [slice(number, number + 1) for number in self.at]
        axes = self.axes if self.layer.pad_fill == "ignore" else [axis.filled() for axis in self.axes]
        divisors = Divisors(self.layer, self.layer.counted(axes))
        left_out = 0 if self._source is None else self._grid.size - self.values.size
        there = np.array(self.values.size) if left_out else None
        kind = np.dtype(np.int64)
        return int(np.sum(divisors.of(place, kind) if there is None else divisors.of_those(there, place, kind)))

    @cached_property
    def result(self) -> Any:
        """The pooled value as a Python number; None without values."""
        if self._source is None:
            return None
        return self._source.result(self)

    @cached_property
    def winners(self) -> tuple[Place, ...]:
        """The cells from which the result was taken.

        One for max, min, majority and a drawn cell, the first in a tie; the middle two for the median of an even count;
        the largest and the smallest for range. Empty for modes that mix all cells.
        """
        pick = WINNERS.get(self.layer.mode.mode.winners)
        if self._source is None or pick is None or self.values.size == 0:
            return ()
        flat = self._grid.ravel()
        taking = np.flatnonzero(~np.isnan(flat)) if self.values.size < flat.size else np.arange(flat.size)
        chosen = pick(self.values, self.result, self.layer)
        return tuple(self._place(int(taking[index])) for index in chosen)

    @property
    def winner(self) -> Place | None:
        """The cell from which the result was taken, if it is a single one."""
        return self.winners[0] if len(self.winners) == 1 else None

    @property
    def ties(self) -> int:
        """The count of cells with the winner's value."""
        if self.winner is None:
            return 0
        return int((self.values == self.result).sum())

    def _place(self, flat: int) -> Place:
        taps = np.unravel_index(flat, self._grid.shape)
        return tuple(
            span.cells[part.start + int(tap)] for span, part, tap in zip(self.spans, self._taking, taps, strict=True)
        )

    @cached_property
    def formula(self) -> str:
        """The mode's formula with the numbers of this window or, without an input, the names of its cells."""
        if self._source is None:
            count = math.prod(self._reach(span)[1] for span in self.spans)
            return with_names(self.layer, self._named(), count, self.n)
        if self.values.size == 0:
            return "no number in the window"
        return with_numbers(Terms(self.values, self.n, self.layer, self.result), self._source.row)

    def _named(self) -> Iterator[Place | float]:
        """Yield for each cell that takes part which cell of the input it is or copies, or the number that it holds."""
        how = self.layer.pad_fill
        for at in itertools.product(*map(self._sources, self.spans)):
            yield at if isinstance(how, str) or min(at) >= 0 else how

    def _sources(self, span: Span) -> list[int]:
        first, count = self._reach(span)
        cells = span.cells[first : first + count]
        how = self.layer.pad_fill
        return [*cells] if how == "ignore" else copied_from(np.asarray(cells), span.length, how).tolist()

    def record(self) -> dict[str, Any]:
        """Return all facts as JSON; cells that do not take part are null."""
        made: dict[str, Any] = {"at": list(self.at)}
        if self.plane:
            made["plane"] = list(self.plane)
        for name, span in zip(AXIS_NAMES[len(self.spans)], self.spans, strict=True):
            made[name] = list(span.cells)
        made |= {"padding": self.count("padding"), "overhang": self.count("overhang"), "n": self.n}
        if self._source is not None:
            laid = np.array(self._marked, dtype=object).reshape(self.shape)
            made |= {"values": laid.tolist(), "winners": [list(cell) for cell in self.winners]}
        return made | {"formula": self.formula, "result": self.result}


@dataclass(frozen=True)
class _Source:
    """The values behind the facts, and the pooling of a single window."""

    values: Array  # the input
    axes: tuple[Axis, ...]
    row: Mode  # the mode's row, or the framework's version of it
    layer: Pooling
    dtype: np.dtype[Any]  # of the input once its padding is filled
    pooled: Array | None = None  # all results, if they were computed at once

    def block(self, plane: Place, spans: Sequence[Span]) -> Array:
        """Return the values of the cells of a window that take part."""
        how = self.layer.pad_fill
        if how == "ignore":
            real = [span.cells[span.parts[0] : sum(span.parts[:2])] for span in spans]
            cut: Array = self.values[plane][tuple(slice(at.start, at.stop, at.step) for at in real)]
            return cut
        cells = [np.asarray(span.cells[: len(span) - span.parts[3]], dtype=np.int64) for span in spans]
        found = [copied_from(at, span.length, how) for at, span in zip(cells, spans, strict=True)]
        block: Array = self.values[plane][np.ix_(*found)]
        if isinstance(how, str):
            return block
        block = block.astype(self.dtype)
        block[np.logical_or.reduce(np.meshgrid(*(at < 0 for at in found), indexing="ij"))] = how
        return block

    def result(self, fact: WindowFact) -> Any:
        """Pool one window."""
        if self.pooled is not None:
            return self.pooled[(*fact.plane, *fact.at)].item()
        block = fact._grid
        one = []
        for span, count in zip(fact.spans, block.shape, strict=True):
            before = span.parts[0] if self.layer.pad_fill == "ignore" else 0
            reach = len(span) - span.parts[3]
            starts, stops = range(-before, 1 - before), range(reach - before, reach - before + 1)
            one.append(Axis(count, starts, stops, 1, before, reach - before - count))
        with np.errstate(all="ignore"):  # as in `pool`
            value = pooled(block, tuple(one), self.row, self.layer)
        axes = self.axes if self.layer.pad_fill == "ignore" else tuple(axis.filled() for axis in self.axes)
        return value.astype(result_type(self.row, self.dtype, axes)).item()


# --- facts ------------------------------------------------------------------------------------------------------------


def windows(
    layer: Pooling,
    spatial: Sequence[int],
    values: Array | None = None,
    at: Sequence[int] | None = None,
    *,
    first: int = 0,
) -> Iterator[WindowFact]:
    """Explain the windows of a layer, in row-major order from number `first` on, or only those `at` an output cell.

    Without values, (leading..., spatial...), the facts have places only. A cell has one number per spatial axis, for
    all planes, after the plane's numbers if given. All windows are pooled at once before the first fact, with the
    errors of pooling; with `at` only one is, except in random modes.

    Examples
    --------
    >>> x = np.array([[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]])
    >>> fact = next(windows(Pooling.of(2), (4, 4), x, at=(0, 1)))
    >>> fact.formula, fact.result, fact.winner
    ('max(2, 9, 1, 7)', 9, (0, 3))
    """
    spatial = tuple(spatial)
    row = layer.row(None if values is None else values.dtype, spatial)
    axes = layer.plan(spatial)
    if layer.pad_fill == "ignore":
        check_empty(axes)
    lead = () if values is None else values.shape[: -layer.ndim]
    shape = (*lead, *map(len, axes))
    places = (
        (_nth(number, shape) for number in range(first, math.prod(shape)))
        if at is None
        else _asked(tuple(at), lead, shape)
    )
    source = None
    if values is not None:
        whole = at is None or layer.framework is not None or layer.mode.mode.random or layer.nan == "error"
        dtype = filled_type(values.dtype, axes, layer.pad_fill)
        source = _Source(values, axes, row, layer, dtype, layer.apply(values)[0] if whole else None)

    def facts() -> Iterator[WindowFact]:
        for place in places:
            plane, cell = place[: len(lead)], place[len(lead) :]
            spans = tuple(Span.of(axis, window) for axis, window in zip(axes, cell, strict=True))
            yield WindowFact(cell, spans, axes, layer, plane, source)

    return facts()


def _nth(number: int, shape: Place) -> Place:
    """Return a place by its number in row-major order; NumPy counts only to 2^63."""
    place = []
    for length in reversed(shape):
        number, index = divmod(number, length)
        place.append(index)
    return tuple(reversed(place))


def _asked(at: Place, lead: Place, shape: Place) -> Iterator[Place]:
    """Return the output cells, one in each plane, that `at` names."""
    output = shape[len(lead) :]
    limits = shape if lead and len(at) == len(shape) else output
    if len(at) != len(limits):
        raise UsageError(
            Phrase("{at} has {0} numbers, but the output {1} has {2}", len(at), times(output), len(output), at=at),
            Phrase("give one number per axis, counted from 0, such as {at}", at=(0,) * len(output)),
        )
    if not all(0 <= index < limit for index, limit in zip(at, limits, strict=True)):
        raise no_window(at, limits)
    planes = [()] if limits is shape else np.ndindex(*lead)
    return iter([(*plane, *at) for plane in planes])


def no_window(at: Sequence[int], shape: Sequence[int]) -> ShapeError:
    """Return the error for an output cell that an output of this shape does not have."""
    return ShapeError(
        f"there is no window {','.join(map(str, at))}: the output is {times(shape)}",
        Phrase("windows are counted from 0, so the last is {at}", at=tuple(length - 1 for length in shape)),
    )


def total(layer: Pooling, spatial: Sequence[int], lead: Sequence[int] = ()) -> int:
    """Count the windows of all planes."""
    return math.prod(map(len, layer.plan(tuple(spatial)))) * math.prod(lead)


def headline(layer: Pooling, spatial: Sequence[int]) -> str:
    """Say in one line what the layer does to an input of this spatial shape.

    Examples
    --------
    >>> headline(Pooling.of(2, "avg", 3, stride=1), (4, 4))
    'avg 3x3, stride 1x1: 4x4 -> 2x2'
    """
    return f"{steps.text(layer.record())}: {times(spatial)} -> {times([len(axis) for axis in layer.plan(spatial)])}"

"""Every window of a pooling layer explained: pure data, one fact per output cell, made when it is asked for.

Nothing here draws. A :class:`WindowFact` knows where its window lies; what the cells hold, which of them decide and the
formula with the numbers in it are worked out when they are looked at, so one window of a huge map costs nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolcli import steps
from poolcli.compute import pooled, result_type
from poolcli.errors import ShapeError, UsageError
from poolcli.modes import Mode
from poolcli.pooling import Pooling, fill
from poolcli.window import FILLS, Axis, check_empty, times

Array = NDArray[Any]
Place = tuple[int, ...]
WHOLE = 1e15  # floats up to here are written in full if they are whole
MOST_TERMS = 12  # numbers written out in a formula; more are elided in the middle
AXIS_NAMES: Mapping[int, tuple[str, ...]] = {1: ("cells",), 2: ("rows", "columns"), 3: ("depth", "rows", "columns")}

# which real cell shows its value at a cell of padding, by the fill's name: NumPy's `pad` as a rule for one cell
FILLED_FROM: Mapping[str, Callable[[NDArray[np.int64], int], NDArray[np.int64]]] = {
    "replicate": lambda at, length: np.clip(at, 0, length - 1),
    "wrap": lambda at, length: at % length,
    "symmetric": lambda at, length: np.minimum(at % (2 * length), 2 * length - 1 - at % (2 * length)),
    "reflect": lambda at, length: np.minimum(at % max(2 * length - 2, 1), -at % max(2 * length - 2, 1)),
}

# what a mode does to every window, for someone who has never heard of it
SAYS: Mapping[str, str] = {
    "max": "keeps the largest value of every window",
    "min": "keeps the smallest value of every window",
    "avg": "replaces every window with the mean of its values",
    "sum": "adds up the values of every window",
    "median": "keeps the middle value of every window",
    "majority": "keeps the value that stands most often in every window",
    "range": "takes the largest minus the smallest value of every window",
    "std": "measures how far the values of every window spread",
    "var": "measures the squared spread of the values of every window",
    "rms": "takes the root of the mean square of every window",
    "lp": "takes the P-norm of every window: between sum (P = 1) and max (P large)",
    "percentile": "keeps the value below which Q percent of the window lies",
    "logavgexp": "is a smooth mixture of average (R small) and max (R large)",
    "soft": "averages every window with more weight on larger values",
    "mixed": "mixes max (share A) and average (share 1 - A)",
    "stochastic": "draws one value of every window, larger ones more often",
}


class Cell(NamedTuple):
    """One cell of a window.

    Attributes
    ----------
    at : tuple of int
        Its place on every spatial axis, the first real cell being 0.
    kind : str
        ``real``, ``padding``, or ``overhang`` (what ``ceil_mode`` reaches beyond the padding).
    value : number or None
        What it holds; None where it does not take part, or without values.
    """

    at: Place
    kind: str
    value: Any = None

    @property
    def counts(self) -> bool:
        """Whether the cell has a value that takes part."""
        return self.value is not None


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
        """The number of leading pads, real cells, trailing pads, and cells of overhang."""
        first, step = self.cells.start, self.cells.step
        bounds = [min(max(-((first - limit) // step), 0), len(self)) for limit in (0, self.length, self.end)]
        return bounds[0], bounds[1] - bounds[0], bounds[2] - bounds[1], len(self) - bounds[2]

    def kind(self, tap: int) -> str:
        """Say what the cell at this position of the span is."""
        before, real, after, _ = self.parts
        if before <= tap < before + real:
            return "real"
        return "padding" if tap < before + real + after else "overhang"


@dataclass(frozen=True)
class WindowFact:
    """What is to be known of one window.

    Attributes
    ----------
    at : tuple of int
        The output cell, one number per spatial axis.
    plane : tuple of int
        Which plane of the leading axes; empty if there are none.
    spans : tuple of Span
        The cells of the window along each spatial axis.
    layer : Pooling
        The layer.
    """

    at: Place
    spans: tuple[Span, ...]
    layer: Pooling = field(repr=False)
    plane: Place = ()
    _source: _Source | None = field(default=None, repr=False)

    @property
    def size(self) -> int:
        """The number of cells, padding and overhang included."""
        return math.prod(map(len, self.spans))

    @property
    def shape(self) -> Place:
        """The number of cells along each axis."""
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
        """Every cell of the window in row-major order."""
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
        """The values of the cells that take part, as one block: without overhang, and without padding not filled."""
        assert self._source is not None  # noqa: S101 - asked for only where there are values
        return self._source.block(self.plane, self.spans)

    @cached_property
    def _taking(self) -> tuple[slice, ...]:
        """Where in the window the block of `_grid` lies."""
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
        """The number that a mean is divided by."""
        reached = math.prod(count for _, count in map(self._reach, self.spans))
        left_out = 0 if self._source is None else self._grid.size - self.values.size
        if self.layer.count_include_pad and self.layer.mode.mode.divides:
            reached = self.size - self.count("overhang")
        return reached - left_out

    @cached_property
    def result(self) -> Any:
        """What pooling makes of the window, as a Python number; None without values."""
        if self._source is None:
            return None
        return self._source.result(self)

    @cached_property
    def winners(self) -> tuple[Place, ...]:
        """The cells that the result was taken from.

        One for max, min, majority and a drawn cell, the first on ties; the middle two for the median of an even
        count; the greatest and the least for range. Empty for modes that mix every cell.
        """
        pick = WINNERS.get(self.layer.mode.mode.name)
        if self._source is None or pick is None or self.values.size == 0:
            return ()
        flat = self._grid.ravel()
        taking = np.flatnonzero(~np.isnan(flat)) if self.values.size < flat.size else np.arange(flat.size)
        chosen = pick(self.values, self.result, self.layer)
        return tuple(self._place(int(taking[index])) for index in chosen)

    @property
    def winner(self) -> Place | None:
        """The one cell that the result was taken from, if there is one."""
        return self.winners[0] if len(self.winners) == 1 else None

    @property
    def ties(self) -> int:
        """How many cells hold the winner's value."""
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
        """The mode's formula with the numbers of this window in it, or with the names of its cells."""
        name = self.layer.mode.mode.name
        if self._source is None:
            write = NAMED.get(name)
            names = [f"x[{','.join(map(str, cell))}]" for cell in itertools.islice(self._real_places(), MOST_TERMS + 1)]
            return write(_elided(names, self.count("real")), self.n) if write else self.layer.mode.mode.formula
        if self.values.size == 0:
            return "no number in the window"
        framework = self.layer.framework
        quirk = QUIRKS.get((framework.name if framework else None, name, self._grid.dtype.kind))
        write_numbers = quirk or FORMULAS.get(name, _unwritten)
        return write_numbers(Terms(self.values, self.n, self.layer, self.result))

    def _real_places(self) -> Iterator[Place]:
        ranges = [span.cells[span.parts[0] : span.parts[0] + span.parts[1]] for span in self.spans]
        return itertools.product(*ranges)

    def record(self) -> dict[str, Any]:
        """Return everything as JSON has it; cells that do not take part are null."""
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
    """The values behind the facts, and how one window of them is pooled.

    Attributes
    ----------
    values : ndarray, shape (leading..., spatial...)
        The input.
    axes : tuple of Axis
        The plan.
    row : Mode
        The row of the table to follow, a framework's own version included.
    dtype : dtype
        Of the input once its padding is filled.
    pooled : ndarray, shape (leading..., windows...), optional
        Every result, if they were made at once.
    """

    values: Array
    axes: tuple[Axis, ...]
    row: Mode
    layer: Pooling
    dtype: np.dtype[Any]
    pooled: Array | None = None

    def block(self, plane: Place, spans: Sequence[Span]) -> Array:
        """Return the values of the cells of a window that take part."""
        how = self.layer.pad_fill
        if how == "ignore":
            real: Array = self.values[plane][tuple(map(_real_slice, spans))]
            return real
        cells = [np.asarray(span.cells[: len(span) - span.parts[3]], dtype=np.int64) for span in spans]
        rule = FILLED_FROM[how if isinstance(how, str) else "replicate"]
        block: Array = self.values[plane][
            np.ix_(*(rule(at, span.length) for at, span in zip(cells, spans, strict=True)))
        ]
        if isinstance(how, str):
            return block
        outside = [(at < 0) | (at >= span.length) for at, span in zip(cells, spans, strict=True)]
        block = block.astype(self.dtype)
        block[np.logical_or.reduce(np.meshgrid(*outside, indexing="ij"))] = how
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
        with np.errstate(all="ignore"):  # as in pooling: NaN and infinities are meant
            value = pooled(block, tuple(one), self.row, self.layer)
        axes = self.axes if self.layer.pad_fill == "ignore" else tuple(axis.filled() for axis in self.axes)
        return value.astype(result_type(self.row, self.dtype, axes)).item()


def _real_slice(span: Span) -> slice:
    before, real, *_ = span.parts
    cells = span.cells[before : before + real]
    return slice(cells.start, cells.stop, cells.step)


# --- facts ------------------------------------------------------------------------------------------------------------


def windows(
    layer: Pooling,
    spatial: Sequence[int],
    values: Array | None = None,
    at: Sequence[int] | None = None,
    *,
    first: int = 0,
) -> Iterator[WindowFact]:
    """Explain the windows of a layer, one after the other in row-major order.

    Parameters
    ----------
    layer : Pooling
        The layer.
    spatial : sequence of int
        The lengths of the spatial axes.
    values : ndarray, shape (leading..., spatial...), optional
        The input; without it the facts tell of places only.
    at : sequence of int, optional
        The output cell to explain: one number per spatial axis (in every plane), or the plane's numbers before them.
    first : int
        How many windows to leave out before the first.

    Raises
    ------
    ShapeError
        If the window does not fit, or there is no such output cell.
    PoolcliError
        Whatever pooling the values would raise.

    Notes
    -----
    All windows are pooled at once before the first fact; with `at` only the one, but for random modes.

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
    lead = () if values is None else values.shape[: values.ndim - layer.ndim]
    shape = (*lead, *map(len, axes))
    places = (
        (_place(number, shape) for number in range(first, math.prod(shape)))
        if at is None
        else _asked(tuple(at), lead, shape)
    )
    source = None if values is None else _source(layer, row, values, axes, whole=at is None)

    def facts() -> Iterator[WindowFact]:
        for place in places:
            plane, cell = place[: len(lead)], place[len(lead) :]
            spans = tuple(Span.of(axis, window) for axis, window in zip(axes, cell, strict=True))
            yield WindowFact(cell, spans, layer, plane, source)

    return facts()


def _place(number: int, shape: Place) -> Place:
    """Return a place by its number in row-major order; NumPy counts no further than 2^63."""
    place = []
    for length in reversed(shape):
        number, index = divmod(number, length)
        place.append(index)
    return tuple(reversed(place))


def _asked(at: Place, lead: Place, shape: Place) -> Iterator[Place]:
    """Return the planes' output cells that `at` names."""
    output = shape[len(lead) :]
    limits = shape if lead and len(at) == len(shape) else output
    if len(at) != len(limits):
        raise UsageError(
            f"--at {','.join(map(str, at))} has {len(at)} numbers, but the output {times(output)} has {len(output)}",
            f"give one number per axis, counted from 0, such as --at {','.join('0' * len(output))}",
        )
    if not all(0 <= index < limit for index, limit in zip(at, limits, strict=True)):
        last = ",".join(str(limit - 1) for limit in limits)
        raise ShapeError(
            f"there is no window {','.join(map(str, at))}: the output is {times(limits)}",
            f"windows are counted from 0, so the last is --at {last}",
        )
    planes = [()] if limits is shape else np.ndindex(*lead)
    return iter([(*plane, *at) for plane in planes])


def _source(layer: Pooling, row: Mode, values: Array, axes: tuple[Axis, ...], *, whole: bool) -> _Source:
    everything = whole or layer.mode.mode.random or layer.nan == "error"
    made = layer.apply(values)[0] if everything else None
    return _Source(values, axes, row, layer, _filled_type(layer, values.dtype), made)


def _filled_type(layer: Pooling, dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type that the input has once its padding is filled: `fill` knows, so ask it with one cell."""
    if layer.pad_fill == "ignore" or layer.pad_fill in FILLS:
        return dtype
    one = Axis(1, range(-1, 0), range(1, 2), 1, 1, 0)
    return fill(np.zeros((1,) * layer.ndim, dtype), [one] * layer.ndim, layer.pad_fill)[0].dtype


def total(layer: Pooling, spatial: Sequence[int], lead: Sequence[int] = ()) -> int:
    """Count the windows, over all planes."""
    return math.prod(map(len, layer.plan(tuple(spatial)))) * math.prod(lead)


def headline(layer: Pooling, spatial: Sequence[int]) -> str:
    """Say in one line what the layer does to an input of this spatial shape.

    Examples
    --------
    >>> headline(Pooling.of(2, "avg", 3, stride=1), (4, 4))
    'avg 3x3, stride 1x1: 4x4 -> 2x2'
    """
    return f"{steps.text(layer.record())}: {times(spatial)} -> {times([len(axis) for axis in layer.plan(spatial)])}"


def sentence(layer: Pooling) -> str:
    """Say what the mode does, for someone who has never heard of it.

    Examples
    --------
    >>> sentence(Pooling.of(2))
    'Max pooling keeps the largest value of every window.'
    """
    name, mode = str(layer.mode), layer.mode.mode
    says = SAYS.get(mode.name) or f"makes {mode.formula} of the values x of every window"
    return f"{name[0].upper()}{name[1:]} pooling {says}."


# --- winners ----------------------------------------------------------------------------------------------------------


def _equal(values: Array, result: Any, layer: Pooling) -> list[int]:
    """Return the first cell that holds the result; of several NaN the last where the framework says so."""
    same = np.flatnonzero(values == result)
    if same.size:
        return [int(same[0])]
    nan = np.flatnonzero(np.isnan(values)) if values.dtype.kind == "f" and math.isnan(result) else np.array([])
    return [int(nan[-1 if layer.framework and layer.framework.last_nan else 0])] if nan.size else []


def _middle(values: Array, result: Any, layer: Pooling) -> list[int]:
    if values.size % 2 or _has_nan(values):
        return _equal(values, result, layer)
    order = np.argsort(values, kind="stable")
    return [int(order[values.size // 2 - 1]), int(order[values.size // 2])]


def _extremes(values: Array, _: Any, __: Pooling) -> list[int]:
    return [] if _has_nan(values) else [int(np.argmax(values)), int(np.argmin(values))]


def _between(values: Array, result: Any, layer: Pooling) -> list[int]:
    if _has_nan(values):
        return _equal(values, result, layer)
    order, place = np.argsort(values, kind="stable"), (values.size - 1) * layer.mode.parameter / 100
    return sorted({int(order[math.floor(place)]), int(order[math.ceil(place)])})


def _has_nan(values: Array) -> bool:
    return values.dtype.kind == "f" and bool(np.isnan(values).any())


WINNERS: Mapping[str, Callable[[Array, Any, Pooling], list[int]]] = {
    "max": _equal,
    "min": _equal,
    "majority": _equal,
    "stochastic": _equal,
    "median": _middle,
    "percentile": _between,
    "range": _extremes,
}

# --- formulas ---------------------------------------------------------------------------------------------------------


def number(value: Any, digits: int = 6) -> str:
    """Write a number for people: whole numbers in full, others with so many significant digits.

    Examples
    --------
    >>> number(3.75), number(1 / 3), number(float("nan")), number(12345678), number(-0.0)
    ('3.75', '0.333333', 'NaN', '12345678', '0')
    """
    if isinstance(value, bool | int | np.integer | np.bool_):
        return str(int(value))
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if value.is_integer() and abs(value) < WHOLE:
        return str(int(value))
    return f"{value:.{digits}g}"


def _elided(texts: Sequence[str], count: int) -> list[str]:
    """Return the texts, or the first of them and ``...`` where there are more than a line can hold."""
    return [*texts] if count <= MOST_TERMS else [*texts[: MOST_TERMS - 2], "..."]


@dataclass(frozen=True)
class Terms:
    """The numbers that go into a formula."""

    values: Array
    n: int
    layer: Pooling
    result: Any

    @property
    def parameter(self) -> str:
        """The mode's parameter as text."""
        return number(self.layer.mode.parameter)

    def listed(self, template: str, values: Array | None = None) -> list[str]:
        """Write every value into `template`: ``[]`` as it is, ``{}`` in brackets where negative; many are elided."""
        values = self.values if values is None else values
        shown = values if values.size <= MOST_TERMS else [*values[: MOST_TERMS - 2], values[-1]]
        texts = [number(value) for value in shown]
        made = [template.replace("{}", _bracketed(text)).replace("[]", text) for text in texts]
        return made if values.size <= MOST_TERMS else [*made[:-1], "...", made[-1]]

    def commas(self, values: Array | None = None) -> str:
        """Write the values with commas between them."""
        return ", ".join(self.listed("[]", values))

    def plus(self, template: str = "[]") -> str:
        """Write the sum of the values in `template`."""
        return " + ".join(self.listed(template)).replace("+ -", "- ")

    @property
    def ranked(self) -> Array:
        """The values in order."""
        return np.sort(self.values)


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _median(terms: Terms) -> str:
    ranked, half = terms.ranked, terms.values.size // 2
    middle = number(ranked[half])
    if terms.values.size % 2 == 0 and not _has_nan(ranked):
        middle = f"({number(ranked[half - 1])} + {_bracketed(number(ranked[half]))}) / 2"
    return f"middle of {terms.commas(ranked)}: {middle}"


def _percentile(terms: Terms) -> str:
    ranked, q = terms.ranked, terms.layer.mode.parameter
    place = (ranked.size - 1) * q / 100
    low, high = number(ranked[math.floor(place)]), _bracketed(number(ranked[math.ceil(place)]))
    share = number(place - math.floor(place))
    between = low if share == "0" else f"{low} + {share} * ({high} - {_bracketed(low)})"
    return f"place {number(place)} in {terms.commas(ranked)}: {between}"


def _majority(terms: Terms) -> str:
    times_seen = int((terms.values == terms.result).sum()) or int(np.isnan(terms.values).sum())
    return f"most frequent of {terms.commas()}: {number(terms.result)} stands {times_seen}x"


def _spread(terms: Terms) -> tuple[str, str]:
    with np.errstate(all="ignore"):
        mean = number(terms.values.mean(dtype=np.float64))
    return mean, f"({terms.plus('([] - m)^2')}) / {terms.n}"


def _std(terms: Terms) -> str:
    mean, spread = _spread(terms)
    return f"m = {mean}; sqrt({spread})"


def _var(terms: Terms) -> str:
    mean, spread = _spread(terms)
    return f"m = {mean}; {spread}"


def _soft(terms: Terms) -> str:
    return f"({' + '.join(terms.listed('{} e^{}'))}) / ({terms.plus('e^{}')})"


def _mixed(terms: Terms) -> str:
    rest = number(1 - terms.layer.mode.parameter)
    return f"{terms.parameter} * max({terms.commas()}) + {rest} * ({terms.plus()}) / {terms.n}"


def _range(terms: Terms) -> str:
    if _has_nan(terms.values):
        return f"max({terms.commas()}) - min({terms.commas()})"
    return f"{number(terms.values.max())} - {_bracketed(number(terms.values.min()))}"


def _unwritten(terms: Terms) -> str:
    """Write the formula of a mode that has no row below, such as one of another package."""
    return f"x = {terms.commas()}; {terms.layer.mode.mode.formula}"


FORMULAS: Mapping[str, Callable[[Terms], str]] = {
    "max": lambda terms: f"max({terms.commas()})",
    "min": lambda terms: f"min({terms.commas()})",
    "avg": lambda terms: f"({terms.plus()}) / {terms.n}",
    "sum": lambda terms: terms.plus(),
    "median": _median,
    "majority": _majority,
    "range": _range,
    "std": _std,
    "var": _var,
    "rms": lambda terms: f"sqrt(({terms.plus('{}^2')}) / {terms.n})",
    "lp": lambda terms: f"({terms.plus(f'|[]|^{terms.parameter}')})^(1/{terms.parameter})",
    "percentile": _percentile,
    "logavgexp": lambda terms: (
        f"log(({terms.plus(f'e^({terms.parameter} * {{}})')}) / {terms.n}) / {terms.parameter}"
    ),
    "soft": _soft,
    "mixed": _mixed,
    "stochastic": lambda terms: f"one drawn of {terms.commas()} in proportion to its size",
}  # fmt: skip


def _torch_lp(terms: Terms) -> str:
    taps = math.prod(terms.layer.window.size)
    return f"(({terms.plus(f'{{}}^{terms.parameter}')}) / {terms.n} * {taps})^(1/{terms.parameter})"


def _torch_avg(terms: Terms) -> str:
    return f"trunc(({terms.plus()}) / {terms.n})"


# what a framework does differently, by its name, the mode and the kind of the input's type
QUIRKS: Mapping[tuple[str | None, str, str], Callable[[Terms], str]] = {
    **{("torch", "lp", kind): _torch_lp for kind in "iubf"},
    **{("torch", "avg", kind): _torch_avg for kind in "iub"},
}

# with the names of the cells where there are no values
NAMED: Mapping[str, Callable[[Sequence[str], int], str]] = {
    "max": lambda names, _: f"max({', '.join(names)})",
    "min": lambda names, _: f"min({', '.join(names)})",
    "sum": lambda names, _: " + ".join(names),
    "avg": lambda names, n: f"({' + '.join(names)}) / {n}",
}

"""Shapes, parameters and receptive fields along a stack of layers, without data.

The receptive field follows Araujo, Norris & Sim, "Computing receptive fields of convolutional neural networks",
Distill 2019: a layer with windows of K cells (dilation counted) and stride s turns a field r with jump j into
``r + (K - 1) j`` with jump ``j s``.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, ClassVar, NamedTuple

from poolcli.errors import ShapeError, UsageError
from poolcli.featuremap import layout_by_rank, parse_layout, spatial_letters
from poolcli.steps.steps import ConvStep, GradStep, PoolStep, Step, UnpoolStep, check_options, text, through
from poolcli.window import Axis, Padding, Window, times
from poolcli.wording import Phrase, many

FLAT = "F"  # the axis that remains after flattening


@dataclass(frozen=True)
class ConvLayer:
    """A convolution known only by its sizes; every filter covers all channels and has a bias."""

    name: ClassVar[str] = "conv"
    filters: int = 1
    size: int | tuple[int, ...] = 3
    stride: int | tuple[int, ...] = 1
    padding: Padding = "valid"
    dilation: int | tuple[int, ...] = 1

    def window(self, ndim: int) -> Window:
        """Return the window for this many spatial axes."""
        return Window.of(ndim, size=self.size, stride=self.stride, padding=self.padding, dilation=self.dilation)


@dataclass(frozen=True)
class Flatten:
    """Merge all axes but N into one."""

    name: ClassVar[str] = "flatten"


@dataclass(frozen=True)
class Dense:
    """A fully connected layer on the flat axis, or cell by cell on the channels."""

    name: ClassVar[str] = "dense"
    units: int = 1


class Signal(NamedTuple):
    """The shape of what flows from layer to layer."""

    layout: str  # one letter per axis; F is a flattened axis
    shape: tuple[int, ...]  # in the layout's order
    field: tuple[int, ...] | None  # the receptive field along each spatial axis; None once it is the whole input
    jump: tuple[Fraction, ...]  # the distance between neighbouring cells, in input cells
    parameters: int = 0  # of the layer that it comes from

    @classmethod
    def of(cls, shape: Sequence[int], layout: str | None = None, *, channels_last: bool = False) -> Signal:
        """Start with an input of this shape."""
        layout = parse_layout(layout) if layout else layout_by_rank(len(shape), channels_last=channels_last)
        if len(layout) != len(shape):
            raise ShapeError(f"layout {layout} names {len(layout)} axes, but {times(shape)} has {len(shape)}",
                             "give one letter per axis")  # fmt: skip
        if min(shape) < 1:
            raise ShapeError(f"the input {times(shape)} has no cells", "give it at least one along every axis")
        ndim = len(spatial_letters(layout))
        return cls(layout, tuple(shape), (1,) * ndim, (Fraction(1),) * ndim)

    @property
    def spatial(self) -> tuple[int, ...]:
        """The lengths of the spatial axes, in poolcli's order."""
        return tuple(self.shape[self.layout.index(letter)] for letter in spatial_letters(self.layout))

    @property
    def channels(self) -> int:
        """The number of channels, 1 without such an axis."""
        return self.shape[self.layout.index("C")] if "C" in self.layout else 1

    def resized(self, letter: str, length: int) -> Signal:
        """Return the signal with another length of one axis."""
        index = self.layout.index(letter)
        return self._replace(shape=(*self.shape[:index], length, *self.shape[index + 1 :]))

    def through(self, axes: Sequence[Axis]) -> Signal:
        """Return the signal after windows on its spatial axes."""
        after = self._replace(parameters=0)
        for letter, axis in zip(spatial_letters(self.layout), axes, strict=True):
            after = after.resized(letter, len(axis))
        if self.field is None:
            return after
        reach = [(axis.size - 1) * axis.dilation for axis in axes]
        field = tuple(r + math.ceil(k * j) for r, k, j in zip(self.field, reach, self.jump, strict=True))
        steps = [Fraction(axis.stride) if axis.regular else Fraction(axis.length, len(axis)) for axis in axes]
        return after._replace(field=field, jump=tuple(j * s for j, s in zip(self.jump, steps, strict=True)))


def _pool(signal: Signal, layer: PoolStep) -> Signal:
    _spatial(signal, "pool")
    return signal.through(layer.layer(len(signal.spatial), signal.spatial).plan(signal.spatial))


def _known_conv(signal: Signal, layer: ConvStep) -> Signal:
    window = layer.window_for(len(_spatial(signal, "conv").spatial))
    return signal.through(window.plan_kernel(signal.spatial))._replace(parameters=math.prod(window.size) + 1)


def _conv(signal: Signal, layer: ConvLayer) -> Signal:
    ndim = len(_spatial(signal, "conv").spatial)
    window = layer.window(ndim)
    if layer.filters < 1:
        raise UsageError(f"{layer.filters} filters are less than 1", Phrase("{filters} or more", filters=1))
    weights = math.prod(window.size) * signal.channels * layer.filters
    after = signal.through(window.plan(signal.spatial))._replace(parameters=weights + layer.filters)
    if "C" in after.layout:
        return after.resized("C", layer.filters)
    if layer.filters == 1:
        return after
    first = min(after.layout.index(letter) for letter in spatial_letters(after.layout))
    shape = (*after.shape[:first], layer.filters, *after.shape[first:])
    return after._replace(layout=f"{after.layout[:first]}C{after.layout[first:]}", shape=shape)


def _spatial(signal: Signal, what: str) -> Signal:
    if FLAT in signal.layout:
        raise ShapeError(f"{what} needs spatial axes, but the signal is flat", f"put {what} before flatten")
    return signal


def _flatten(signal: Signal, _: Flatten) -> Signal:
    kept = [(letter, length) for letter, length in zip(signal.layout, signal.shape, strict=True) if letter == "N"]
    rest = math.prod(signal.shape) // math.prod(length for _, length in kept)
    return signal._replace(layout="N" * len(kept) + FLAT, shape=(*(length for _, length in kept), rest), parameters=0)


def _dense(signal: Signal, layer: Dense) -> Signal:
    if layer.units < 1:
        raise UsageError(f"{layer.units} units are less than 1", Phrase("{units} or more", units=1))
    letter = FLAT if FLAT in signal.layout else "C"
    if letter not in signal.layout:
        raise ShapeError(f"dense needs channels or a flat signal, but the layout is {signal.layout}",
                         Phrase("put flatten before it, or name the channels: {layout}", layout="HWC"))  # fmt: skip
    inputs = signal.shape[signal.layout.index(letter)]
    after = signal.resized(letter, layer.units)._replace(parameters=(inputs + 1) * layer.units)
    return after._replace(field=None) if letter == FLAT else after


FOLLOW: Mapping[type, Callable[[Signal, Any], Signal]] = {
    PoolStep: _pool,
    ConvStep: _known_conv,
    ConvLayer: _conv,
    Flatten: _flatten,
    Dense: _dense,
}
TEXTS: Mapping[type, Callable[[Signal, Any], str]] = {  # a layer in a few words
    PoolStep: lambda signal, layer: text({"step": "pool", **layer.layer(len(signal.spatial)).record()}),
    ConvStep: lambda _, layer: f"{layer.label} {times(layer.window().size)}",
    ConvLayer: lambda signal, layer: (
        f"{many(layer.filters, 'filter')} {text({'step': 'conv', **layer.window(len(signal.spatial)).record()})}"
    ),
    Dense: lambda _, layer: many(layer.units, "unit"),
}


class SummaryRow(NamedTuple):
    """One line of a summary: a layer's name, what it is, and the signal after it."""

    name: str
    what: str
    signal: Signal


def _after(signal: Signal, layer: Any) -> Signal:
    """Return the signal after a layer."""
    follow = FOLLOW.get(type(layer))
    return follow(signal, layer) if follow else signal._replace(parameters=0)


def summarize(signal: Signal, layers: Sequence[Any]) -> list[SummaryRow]:
    """Follow a signal through layers: `ConvLayer`, `Flatten`, `Dense`, or steps, of which some change no shape.

    Return a row for the input and one per layer; ``conv --relu`` is one, as `poolcli.steps.steps.numbered` counts. An
    error names the layer that does not fit.

    Examples
    --------
    >>> rows = summarize(Signal.of((20, 20, 3), "HWC"), [Dense(16), ConvLayer(32, 3, padding="same"), Flatten()])
    >>> [(row.signal.shape, row.signal.parameters) for row in rows]
    [((20, 20, 3), 0), ((20, 20, 16), 64), ((20, 20, 32), 4640), ((12800,), 0)]
    """
    rows = [SummaryRow("input", signal.layout, signal)]
    for layer, after in zip(layers, through(layers, signal, _after), strict=True):
        told = TEXTS.get(type(layer))
        if getattr(layer, "own", True):
            rows.append(SummaryRow(layer.name, told(signal, layer) if told else "", after))
        else:  # an activation, which Keras too shows with its layer
            rows[-1] = rows[-1]._replace(what=f"{rows[-1].what}, {layer.name}")
        signal = after
    return rows


def validate(steps: Sequence[Step], shape: Sequence[int], layout: str | None = None) -> list[tuple[int, ...]]:
    """Return the shape after each step, up to the first that depends on the data; an error names the step.

    The shape of the input is in the layout's order; a missing layout follows from the number of axes.

    Examples
    --------
    >>> validate([PoolStep(size=2), PoolStep(size=3, options={"stride": 1})], (9, 8))
    [(4, 4), (2, 2)]
    """
    shapes: list[tuple[int, ...]] = []
    with suppress(_OnlyDataKnowError):
        for signal, _ in through(steps, (Signal.of(shape, layout), UNKNOWN), _follow):
            shapes.append(signal.shape)
    return shapes


class _OnlyDataKnowError(Exception):
    """The shape after a step depends on the data."""


UNKNOWN: tuple[int, ...] | None = ()  # the input may have indices, whose lengths are in the data
Traced = tuple[Signal, tuple[int, ...] | None]  # with the lengths that indices restore, if there are any


def _follow(at: Traced, step: Step) -> Traced:
    """Return the signal after a step."""
    signal, undo = at
    if isinstance(step, UnpoolStep):
        return _undone(signal, undo), None
    check_options(step, len(signal.spatial), signal.spatial)
    pool = step.pool if isinstance(step, GradStep) else step
    after = _after(signal, pool)
    if isinstance(pool, PoolStep):
        pool.layer(len(signal.spatial)).windows(signal.spatial)
    recorded = isinstance(step, PoolStep) and step.indices
    return signal if isinstance(step, GradStep) else after, signal.spatial if recorded else None


def _undone(signal: Signal, undo: tuple[int, ...] | None) -> Signal:
    if undo is None:
        raise ShapeError("no indices arrive here", 'put it right after a pool step with "indices": true')
    if undo == UNKNOWN:
        raise _OnlyDataKnowError
    for letter, length in zip(spatial_letters(signal.layout), undo, strict=True):
        signal = signal.resized(letter, length)
    return signal

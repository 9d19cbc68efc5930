"""`ModelLayer`: a pooling layer of a model, with complete shapes, and what is unusual about it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any, TypeVar

from poolcli.errors import CompatError, InputError, LimitError, PoolcliError, ShapeError, UsageError
from poolcli.featuremap import SPATIAL
from poolcli.models.source import NOT_WHOLE, Budget
from poolcli.pooling.gradient import implied_shape
from poolcli.pooling.layer import Pooling
from poolcli.steps.steps import PoolStep, Step
from poolcli.window import AXIS_NAMES, Axis, Window

Dim = int | str | None  # a length, a symbol for one, or unknown
ModelShape = tuple[Dim, ...]
ROOMY = 1 << 20  # cells in place of an unknown length, enough for any window


@dataclass(frozen=True)
class ModelLayer:
    """One pooling layer of a model."""

    name: str  # its name or module path in the file
    operator: str  # its kind in the file
    ndim: int  # the number of spatial axes
    step: PoolStep  # the equivalent step
    # shapes in the layout's order; a text is a symbol, None an unknown length or rank
    input: ModelShape | None
    output: ModelShape | None
    layout: str  # one letter per axis of the input
    before: tuple[PoolStep, ...] = ()  # the pad before it
    source: ModelShape | None = None  # the shape before the pad
    after: tuple[Step, ...] = ()  # what is fused with it
    unusual: tuple[str, ...] = ()  # what a reader of the model should know, a few words each
    dtype: str = "float32"  # of the values, if the file says that they are whole numbers
    # for a layer that undoes such pooling: the lengths to restore, empty if the windows imply them; else None
    undone: tuple[int, ...] | None = None

    @property
    def spatial(self) -> ModelShape:
        """The lengths of the spatial axes, in poolcli's order."""
        if self.input is None:
            return (None,) * self.ndim
        return tuple(self.input[self.layout.index(letter)] for letter in SPATIAL[self.ndim - 1])


@dataclass(frozen=True)
class Model:
    """The contents of a model file."""

    format: str  # the kind of file, and its writer if known
    layers: tuple[ModelLayer, ...]  # in the order of execution
    operators: int  # the count of operators
    notes: tuple[str, ...] = ()  # what is unknown, and why


class Walk:
    """A walk through a model file, which collects its findings."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.layers: list[ModelLayer] = []
        self.notes: dict[str, None] = {}  # a set in order
        self.operators = 0

    def pass_operator(self) -> None:
        """Count an operator."""
        self.budget.spend()
        self.operators += 1

    def found(self, format: str) -> Model:  # noqa: A002 - the name of the field
        """Return the findings in a file of this kind."""
        return Model(format, tuple(self.layers), self.operators, tuple(self.notes))


@dataclass
class Draft:
    """A pooling layer as a reader finds it, with incomplete shapes; for most fields see `ModelLayer`."""

    name: str
    operator: str
    ndim: int
    mode: str  # of the `PoolStep`, as are size and options
    size: Any = None
    options: dict[str, Any] = field(default_factory=dict)  # those that are None are left out
    input: ModelShape | None = None
    declared: ModelShape | None = None  # the shape of the output according to the file
    channels_last: bool = False
    keeps_axes: bool = True  # whether global pooling leaves axes of length 1
    indices: bool = False  # whether it returns indices too
    before: tuple[PoolStep, ...] = ()
    source: ModelShape | None = None
    after: list[Step] = field(default_factory=list)
    unusual: list[str] = field(default_factory=list)
    dtype: str = "float32"
    undone: tuple[int, ...] | None = None

    def done(self) -> ModelLayer:
        """Return the layer with its output shape and everything unusual.

        An impossible one, for example with a window of 0, is an `InputError`.
        """
        rank = self.ndim + 2 if self.input is None else len(self.input)
        if not 1 <= self.ndim <= len(SPATIAL) or rank < self.ndim:
            raise InputError(
                f"layer {self.name!r} ({self.operator}): {self.ndim} of {rank} axes are spatial",
                "poolcli has 1, 2 or 3",
            )
        options: Any = {key: value for key, value in self.options.items() if value is not None}
        step = PoolStep(self.mode, self.size, options, self.indices)
        try:
            step, pooling = self._agreed(step)
        except (UsageError, ShapeError, LimitError, TypeError, OverflowError) as problem:
            raise InputError(
                f"layer {self.name!r} ({self.operator}): {problem}", "export the model again, or fix the layer"
            ) from problem
        layout = self._layout()
        computed, told = self._planned(pooling)
        output = merged(self.declared, computed)
        if self.declared and computed and output != merged(computed, self.declared):
            told.append(f"the file says that its output is {shown(self.declared)}, but it is {shown(computed)}")
            output = merged(computed, self.declared)
        return ModelLayer(
            self.name, self.operator, self.ndim, step, self.input, output, layout,
            self.before, self.source, tuple(self.after), tuple(dict.fromkeys([*self.unusual, *told])), self.dtype,
            self.undone,
        )  # fmt: skip

    def padded(self, what: str, source: ModelShape | None, sides: Any, fill: str | float | None) -> None:
        """Record a pad right before the layer, as pooling with windows of one cell if possible, else as a remark.

        It is called `what`; `source` is the shape of its input, `sides` are the cells that it adds at both ends of
        every axis of the layout, and `fill` is their value. All but the first may be unknown.
        """
        layout, spatial = self._layout(), SPATIAL[self.ndim - 1]
        if (
            sides is None
            or fill is None
            or len(sides) != len(layout)
            or any(
                min(pair) < 0 or (letter not in spatial and any(pair))
                for letter, pair in zip(layout, sides, strict=True)
            )
        ):
            self.unusual.append(f"{what}, which the command leaves out")
            return
        pads = tuple(tuple(sides[layout.index(letter)]) for letter in spatial)
        self.before = (PoolStep("max", 1, {"stride": 1, "padding": pads, "pad_fill": fill}),)
        self.source = source
        self.unusual.append(what)

    def _agreed(self, step: PoolStep) -> tuple[PoolStep, Pooling]:
        """Return the step under its framework's rules or, if the framework refuses the layer, under poolcli's."""
        try:
            return step, step.layer(self.ndim)
        except CompatError as problem:
            self.unusual.append(problem.message)
            plain: Any = {key: value for key, value in step.options.items() if key != "compat"}
            step = PoolStep(step.mode, step.size, plain, step.indices)
            return step, step.layer(self.ndim)

    def _layout(self) -> str:
        spatial = SPATIAL[self.ndim - 1]
        rank = self.ndim + 2 if self.input is None else len(self.input)
        lead = "" if rank == self.ndim else "N" * (rank - self.ndim - 1)
        channel = "C" if rank > self.ndim else ""
        return f"{lead}{spatial}{channel}" if self.channels_last else f"{lead}{channel}{spatial}"

    def _planned(self, pooling: Pooling) -> tuple[ModelShape | None, list[str]]:
        """Return the output shape, and what is unusual about the windows."""
        window = pooling.window
        uneven = not isinstance(window.padding, str) and any(before != after for before, after in window.padding)
        told = ["asymmetric padding"] if uneven else []
        if self.input is None:
            return None, told
        where = [self._layout().index(letter) for letter in SPATIAL[self.ndim - 1]]
        if self.undone is not None:
            return self._restored(window, where), told
        try:
            axes = placed_windows(window, [self.input[place] for place in where])
        except (ShapeError, LimitError) as problem:
            return None, [*told, problem.message]
        told += [*_holes(axes, self.ndim), *_clipped(window, axes, self.ndim)]
        output = list(self.input)
        for place, axis in zip(where, axes, strict=True):
            output[place] = None if axis is None else len(axis)
        if not self.keeps_axes:
            output = [length for place, length in enumerate(output) if place not in where]
        return tuple(output), told

    def _restored(self, window: Window, where: Sequence[int]) -> ModelShape:
        """Return the shape after undoing pooling with this window."""
        output = list(self.input or ())
        known = [length if isinstance(length := output[place], int) else 1 for place in where]
        implied = self.undone or implied_shape(known, window.record())
        for place, length in zip(where, implied, strict=True):
            output[place] = length if self.undone or isinstance(output[place], int) else None
        return tuple(output)


def placed_windows(window: Window, spatial: Sequence[Dim]) -> list[Axis | None]:
    """Place windows on axes, except on those of unknown length that determine the number of windows."""
    fixed = window.kind != "sliding"
    axes = window.plan([length if isinstance(length, int) else ROOMY for length in spatial])
    return [axis if fixed or isinstance(length, int) else None for axis, length in zip(axes, spatial, strict=True)]


def slid(spatial: Sequence[Dim], **options: Any) -> list[Dim]:
    """Return the lengths after windows such as a convolution's; unknown ones if such windows are impossible."""
    try:
        axes = placed_windows(Window.of(len(spatial), **options), spatial)
    except PoolcliError:
        return [None] * len(spatial)
    return [None if axis is None else len(axis) for axis in axes]


def _holes(axes: Sequence[Axis | None], ndim: int) -> list[str]:
    """Say along which axes the first or the last window holds no real cell."""
    told = []
    for name, axis in zip(AXIS_NAMES[ndim], axes, strict=True):
        if axis is None or not axis.padded:
            continue
        last = len(axis) - 1
        ends = {"first": axis.counts(first=0, last=1), "last": axis.counts(first=last, last=last + 1)}
        told += [f"the {end} window of the {name} is empty" for end, count in ends.items() if not count[0]]
    return told


def _clipped(window: Window, axes: Sequence[Axis | None], ndim: int) -> Iterator[str]:
    """Say along which axes ceil_mode drops a last window, because it would be empty, or does so at some lengths."""
    if not window.ceil_mode:
        return
    ends = [0] * ndim if isinstance(window.padding, str) else [after for _, after in window.padding]
    dropped: dict[str, list[str]] = {"": [], "at some lengths ": []}
    rows = zip(AXIS_NAMES[ndim], axes, ends, window.size, window.stride, window.dilation, strict=True)
    for name, axis, end, size, stride, dilation in rows:
        reach = (size - 1) * dilation + 1
        if axis is None and end + stride > reach:
            dropped["at some lengths "].append(name)
        if axis is not None and -(-(axis.before + axis.length + axis.after - reach) // stride) + 1 > len(axis):
            dropped[""].append(name)
    for lengths, names in dropped.items():
        if names:
            what = f"ceil_mode leaves out a last, empty window of the {' and '.join(names)}"
            yield f"{lengths}{what}; some runtimes keep it"


Key = TypeVar("Key", bound=Hashable)


def sorted_graph(needs: Mapping[Key, Collection[Key]], name: Callable[[Key], str]) -> list[Key]:
    """Return the nodes of a graph so that each comes after those it needs: unchanged, except in broken files.

    A cycle is an `InputError` with the names of some nodes.
    """
    seen: set[Key] = set()
    for node, others in needs.items():
        if not seen.issuperset(others):
            break
        seen.add(node)
    else:
        return list(needs)
    try:
        return list(TopologicalSorter(needs).static_order())
    except CycleError as problem:
        circle = ", ".join(map(name, problem.args[1][:4]))
        raise InputError(f"its graph has a cycle: {circle} ...", NOT_WHOLE) from None


def merged(first: ModelShape | None, second: ModelShape | None) -> ModelShape | None:
    """Join two shapes: a number beats a symbol, which beats an unknown length, and the first beats the second.

    Examples
    --------
    >>> merged(("n", None, 4), (2, 3, 5))
    (2, 3, 4)
    """
    if first is None or second is None or len(first) != len(second):
        return second if first is None else first
    return tuple(_better(one, other) for one, other in zip(first, second, strict=True))


def _better(one: Dim, other: Dim) -> Dim:
    if isinstance(one, int) or other is None:
        return one
    return other if isinstance(other, int) or one is None else one


def shown(shape: ModelShape | None) -> str:
    """Write a shape, with ``?`` for what is unknown.

    Examples
    --------
    >>> shown((2, 3, None)), shown(("batch", 3, None))
    ('2x3x?', 'batch x 3 x ?')
    """
    if shape is None:
        return "?"
    sign = " x " if any(isinstance(length, str) for length in shape) else "x"
    return sign.join("?" if length is None else str(length) for length in shape)


def as_reduction(
    name: str, operator: str, mode: str, axes: Sequence[int] | None, *, keeps_axes: bool, **known: Any
) -> Draft | None:
    """Return global pooling that is written as a reduction; None if its axes are not the spatial ones, or unknown."""
    rank = len(known["input"] or ())
    if not axes or not 1 <= rank - 2 <= len(SPATIAL):
        return None
    places = sorted(axis + rank if axis < 0 else axis for axis in axes)
    last = places == [*range(1, rank - 1)]  # whether C comes last
    if not last and places != [*range(2, rank)]:
        return None
    told = "global pooling as a reduction" + ("" if keeps_axes else ", its axes dropped")
    draft = Draft(name, operator, rank - 2, mode, channels_last=last, keeps_axes=keeps_axes, unusual=[told], **known)
    draft.options["global_window"] = True
    return draft

"""How a pooling layer fares in another framework, tried on a small map of the layer's shape."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from poolcli.analysis.comparison import Variants, compared
from poolcli.errors import PoolcliError
from poolcli.featuremap import SPATIAL, FeatureMap
from poolcli.pooling.frameworks import UNSEEN, find, written_sides
from poolcli.pooling.layer import Pooling
from poolcli.steps.steps import PoolStep
from poolcli.window import Axis

SMALL = 24  # cells along an axis that is tried at its own length
TRIAL_CELLS = 1 << 20  # of a map to try
RESIDUES = 8  # lengths to try along an axis of unknown length
GEOMETRY = ("stride", "padding", "dilation", "ceil_mode", "output_size", "global_window")  # place the windows
SAME, DIFFERS, REFUSED, UNTRIED = "same", "differs", "refused", "not tried"


@dataclass(frozen=True)
class Port:
    """How a layer fares in another framework."""

    framework: str  # its title
    verdict: str  # `SAME`, `DIFFERS`, `REFUSED` or `UNTRIED`
    reasons: tuple[str, ...] = ()  # sentences
    step: PoolStep | None = None  # the layer that gives the same values there; None if there is none
    changes: tuple[tuple[str, Any], ...] = ()  # what `step` says otherwise than the layer, or than is usual there


def port(step: PoolStep, spatial: Sequence[int | str | None], name: str, dtype: str = "float32") -> Port:
    """Try a layer in another framework, and return the worst result of all lengths that were tried.

    The layer's ``compat`` says where it comes from. For a spatial axis of unknown length, several are tried.

    Examples
    --------
    >>> layer = PoolStep("avg", 3, {"stride": 2, "padding": 1, "compat": "torch"})
    >>> port(layer, (7, 7), "onnx").verdict
    'same'
    >>> port(layer, (7, 7), "keras").reasons[0]
    'Keras refuses this layer: padding is valid or same'
    """
    trials = list(_trials(step.layer(len(spatial)), spatial))
    tried = [_tried(step, lengths, name, dtype) for lengths in trials]
    worst = max(tried, key=lambda one: ((SAME, UNTRIED, DIFFERS, REFUSED).index(one.verdict), len(one.changes)))
    reasons = tuple(dict.fromkeys(reason for one in tried for reason in one.reasons if one.verdict == worst.verdict))
    if worst.verdict == REFUSED:
        reasons += tuple(_padded_first(step, trials, name, dtype))
    worst = replace(worst, reasons=reasons)
    ways = [one for one in tried if one.step is not None]
    if worst.step is None or all(one.step == worst.step for one in ways):
        return worst
    for one in ways:
        if all(_agrees(step, one, lengths, dtype) for lengths in trials):
            return replace(worst, step=one.step, changes=one.changes)
    verdict = DIFFERS if worst.verdict == SAME else worst.verdict
    return Port(worst.framework, verdict, (*reasons, "what gives the same values depends on the size of the map"))


def _agrees(step: PoolStep, way: Port, lengths: Sequence[int], dtype: str) -> bool:
    """Whether a layer that gives the same values on one map also does so on a map of these lengths."""
    with suppress(PoolcliError):
        here, before = _with_all_said(step, len(lengths)), _map(lengths, dtype)
        return way.step is not None and _equal(compared(before, {"here": here, "there": way.step}))
    return False


def _tried(step: PoolStep, lengths: Sequence[int], name: str, dtype: str) -> Port:
    framework = find(name)
    title = framework.title if framework else name
    if math.prod(lengths) > TRIAL_CELLS:
        return Port(title, UNTRIED, ("its windows are too large for a trial",))
    before, here = _map(lengths, dtype), _with_all_said(step, len(lengths))
    try:
        answers = list(_answers(here, before, name))
    except PoolcliError as problem:  # impossible here and anywhere
        return Port(title, UNTRIED, (problem.message,))
    if answers[0][1].variants[0].problem:
        return Port(title, UNTRIED, (answers[0][1].variants[0].refusal,))
    given = [(written, made) for written, made in answers if made.variants[1].problem is None]
    equal = next((written for written, made in given if _equal(made)), None)
    changes = () if equal is None else _changes(step, equal, lengths)
    if not given:
        refusals = [made.variants[1].refusal for written, made in answers if "count_include_pad" not in written.options]
        return Port(title, REFUSED, tuple(refusals or [answers[0][1].variants[1].refusal])[:1])
    if _equal(given[0][1]):
        return Port(title, SAME, (), equal, changes)
    return Port(title, DIFFERS, _why(before, here, *given[0]), equal, changes)


def _answers(here: PoolStep, before: FeatureMap, name: str) -> Iterator[tuple[PoolStep, Variants]]:
    """Compare the layer with its spellings in a framework, up to the first that gives the same values."""
    for written in _spellings(here, before.spatial, name):
        made = compared(before, {"here": here, "there": written})
        yield written, made
        if _equal(made):
            return


def _with_all_said(step: PoolStep, ndim: int) -> PoolStep:
    """Return a layer with explicit values for options whose defaults differ between frameworks."""
    layer = step.layer(ndim)
    options: Any = {**step.options, "count_include_pad": layer.count_include_pad}
    if layer.window.kind == "sliding":
        options["stride"] = layer.window.stride
    return replace(step, options=options)


def _padded_first(step: PoolStep, trials: Sequence[Sequence[int]], name: str, dtype: str) -> Iterator[str]:
    """Say how to pad maps of all these lengths first, so that a framework gives the same values without padding."""
    layer = step.layer(len(trials[0]))
    mode, window = layer.mode.mode.name, layer.window
    fill = 0.0 if mode == "avg" and layer.count_include_pad else UNSEEN.get(mode)
    if fill is None or np.dtype(dtype).kind != "f" or window.kind != "sliding":
        return
    options: Any = {"stride": window.stride, "dilation": window.dilation, "compat": name}
    plain = PoolStep(step.mode, step.size, options)
    reached = [[axis.outside for axis in layer.plan(lengths)] for lengths in trials]
    sides = [
        (max(before), max(after)) for before, after in (zip(*axis, strict=True) for axis in zip(*reached, strict=True))
    ]
    if any(map(any, sides)) and all(_alike(layer, plain, sides, fill, _map(lengths, dtype)) for lengths in trials):
        amounts = written_sides(sides)
        yield f"padded first, by {amounts} with {fill:g}, the same windows without padding give the same values"


def _alike(layer: Pooling, plain: PoolStep, sides: Sequence[tuple[int, int]], fill: float, trial: FeatureMap) -> bool:
    """Whether a layer without padding gives the same values of a map that is padded first."""
    padded = np.pad(trial.values, sides, constant_values=fill)
    with suppress(PoolcliError):
        values, wanted = plain.layer(trial.ndim).apply(padded)[0], layer.apply(trial.values)[0]
        return values.shape == wanted.shape and np.allclose(values, wanted, rtol=1e-6)
    return False


def _equal(made: Variants) -> bool:
    here, marks = made.variants[0].values, made.marks(made.variants[1])
    return here is not None and marks is not None and here.shape == marks.shape and not marks.any()


def _why(before: FeatureMap, here: PoolStep, written: PoolStep, made: Variants) -> tuple[str, ...]:
    """Return the rules that make two answers differ or, if no rule does by itself, the count of different cells."""
    source: Any = {**written.options, "compat": here.options.get("compat")}  # only the frameworks differ
    with suppress(PoolcliError):
        alike = compared(before, {"here": replace(written, options=source), "there": written})
        if alike.variants[0].problem is None and alike.reasons:
            return alike.reasons
    there, marks = made.variants[1].values, made.marks(made.variants[1])
    if there is None or marks is None or made.first.values is None or made.first.values.shape != there.shape:
        return ("the number of windows differs",)
    layer, target = here.layer(before.ndim), find(written.options.get("compat"))
    counted = _counts_pads(layer, layer.plan(before.spatial))
    for name in (here.options.get("compat"), None):  # a framework may refuse to count padding
        swapped: Any = {**here.options, "compat": name, "count_include_pad": not counted}
        with suppress(PoolcliError):
            if target and _equal(compared(before, {"here": replace(here, options=swapped), "there": written})):
                places = ("here", f"in {target.title}") if counted else (f"in {target.title}", "here")
                return (f"padding counts in the divisor {places[0]}, but not {places[1]}",)
    return (f"{int(marks.sum())} of {marks.size} values of a trial with {before.values.dtype} differ",)


# --- trials -----------------------------------------------------------------------------------------------------------


def _trials(layer: Pooling, spatial: Sequence[int | str | None]) -> Iterator[tuple[int, ...]]:
    """Yield shapes of maps on which a layer treats the borders as in the model."""
    unknown = any(not isinstance(length, int) for length in spatial)
    sliding = layer.window.kind == "sliding"
    number = (min(max(layer.window.stride), RESIDUES) if sliding else 2) if unknown else 1
    for more in range(number):
        yield tuple(_length(layer, axis, length, more) for axis, length in enumerate(spatial))


def _length(layer: Pooling, axis: int, length: int | str | None, more: int) -> int:
    window = layer.window
    if window.kind != "sliding":
        wanted = 2 * window.output_size[axis] + 1 if window.output_size and window.output_size[axis] else SMALL
        return length if isinstance(length, int) else wanted + (window.size[axis] if window.size else 0) + more
    stride = window.stride[axis]
    pads = 0 if isinstance(window.padding, str) else max(window.padding[axis])
    least = 2 * ((window.size[axis] - 1) * window.dilation[axis] + 1 + stride + pads)
    if not isinstance(length, int):
        return least + more
    return length if length <= max(least, SMALL) else least + (length - least) % stride


def _map(lengths: Sequence[int], dtype: str) -> FeatureMap:
    """Return a map of unordered numbers of both signs, no two neighbours equal; whole ones fit 8 bits."""
    mixed = np.arange(math.prod(lengths)) * 97 % 251
    kind = np.dtype(dtype)
    shifted = mixed if kind.kind == "u" else mixed - 125
    values = (shifted / 8 if kind.kind == "f" else shifted).astype(kind)
    return FeatureMap(values.reshape(lengths), SPATIAL[len(lengths) - 1])


def _spellings(step: PoolStep, lengths: Sequence[int], name: str) -> Iterator[PoolStep]:
    """Yield the layer as a framework may write it: as it is, then with other options for the same windows."""
    layer = step.layer(len(lengths))
    axes = layer.plan(lengths)
    counted = _counts_pads(layer, axes)
    options: Any = {key: value for key, value in step.options.items() if key != "count_include_pad"} | {"compat": name}
    yield from _counting(replace(step, options=options), counted)
    for changes in _other_words(layer, axes):
        size = changes.pop("size", step.size)
        kept = {key: value for key, value in options.items() if key not in ("global_window", "output_size")}
        said: Any = (kept if layer.window.kind in ("adaptive", "global") else options) | changes
        geometry: Any = {name: said[name] for name in GEOMETRY if said.get(name) is not None}
        if _same_windows(axes, Pooling.of(len(lengths), "max", size, **geometry).plan(lengths), counted):
            yield from _counting(replace(step, size=size, options=said), counted)


def _counting(step: PoolStep, counted: bool) -> Iterator[PoolStep]:
    """Yield a layer whose padding counts, or does not; then, for a framework without that option, its own default."""
    said: Any = {**step.options, "count_include_pad": counted}
    yield replace(step, options=said)
    if not counted:
        yield step


def _counts_pads(layer: Pooling, axes: Sequence[Axis]) -> bool:
    """Whether padding counts in an average on these axes, as the layer's framework counts it."""
    padded = any((axis.counts(include_pad=True) != axis.counts()).any() for axis in layer.counted(axes))
    return layer.count_include_pad and layer.mode.mode.divides and padded


def _other_words(layer: Pooling, axes: Sequence[Axis]) -> Iterator[dict[str, Any]]:
    """Yield options that may give the same windows."""
    if layer.window.kind in ("adaptive", "global"):
        if all(len(axis) == 1 for axis in axes):
            yield {"global_window": True}
            yield {"output_size": (1,) * len(axes)}
        if all(axis.regular for axis in axes):
            yield {"size": tuple(axis.size for axis in axes), "stride": tuple(axis.size for axis in axes)}
        return
    if layer.window.kind != "sliding":
        return
    pads = tuple((axis.before, axis.after) for axis in axes)
    reached = tuple(axis.outside for axis in axes)
    for ceil, padding in product((False, True), ("valid", "same", "same-lower", pads, reached)):
        yield {"ceil_mode": ceil, "padding": padding}


def _same_windows(axes: Sequence[Axis], others: Sequence[Axis], counted: bool) -> bool:
    """Whether the windows hold the same real cells and, if `counted`, equally many cells of padding."""
    kinds = (False, True) if counted else (False,)
    return all(
        len(one) == len(other)
        and tuple(one.starts) == tuple(other.starts)
        and all((one.counts(include_pad=kind) == other.counts(include_pad=kind)).all() for kind in kinds)
        for one, other in zip(axes, others, strict=True)
    )


def _changes(step: PoolStep, written: PoolStep, lengths: Sequence[int]) -> tuple[tuple[str, Any], ...]:
    """Return the options that a spelling changes, as in records, and whether padding counts if that has to be said."""
    old, new = (one.layer(len(lengths)).window.record() for one in (step, written))
    defaults = {"padding": "valid", "ceil_mode": False, "global": False}
    keys = (*defaults, "output_size", "size", "stride")
    changed = tuple((key, new.get(key, defaults.get(key))) for key in keys if old.get(key) != new.get(key))
    options: Any = {key: value for key, value in written.options.items() if key != "count_include_pad"}
    said, unsaid = (one.layer(len(lengths)) for one in (written, replace(written, options=options)))
    axes = said.plan(lengths)
    counted = _counts_pads(said, axes)
    return changed if counted == _counts_pads(unsaid, axes) else (*changed, ("count_include_pad", counted))

"""The same windows under several modes or several frameworks' conventions, side by side, and why they differ.

Why two frameworks differ is found by trial: each rule in which their rows of `poolcli.pooling.frameworks.FRAMEWORKS`
differ is swapped, one at a time, and the rules whose swap changes the answer are named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

from poolcli.errors import CompatError, EmptyWindowError, PoolcliError, ShapeError
from poolcli.featuremap import FeatureMap
from poolcli.pooling import frameworks
from poolcli.pooling.framework import Framework
from poolcli.pooling.modes import parse_mode
from poolcli.pooling.options import OPTIONS, padding_text
from poolcli.steps.steps import PoolStep
from poolcli.wording import Phrase, enumerated

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Array = NDArray[Any]


@dataclass(frozen=True)
class Variant:
    """One column of a comparison."""

    label: str  # the mode or the framework
    step: PoolStep
    values: Array | None = None  # the result, in inner order; None if it was refused
    problem: PoolcliError | None = None  # why it was refused

    @property
    def refusal(self) -> str:
        """Why there are no values."""
        return self.problem.message if self.problem else ""


@dataclass(frozen=True)
class Variants:
    """Variants and the reasons why they differ."""

    variants: tuple[Variant, ...]  # in the given order
    reasons: tuple[str, ...] = ()  # one sentence for each rule that makes two of them differ

    def marks(self, variant: Variant) -> NDArray[np.bool_] | None:
        """Return which cells of a variant differ from the first answered one, or are missing there."""
        import numpy as np

        first = self.first.values
        if first is None or variant.values is None:
            return None
        marks = np.ones(variant.values.shape, np.bool_)
        both = common(first, variant.values)
        marks[both] = ~_same(first[both], variant.values[both])
        return marks

    @property
    def marked(self) -> bool:
        """Whether differences are worth marking; between modes nearly all values differ."""
        return len({variant.step.mode for variant in self.variants}) < len(self.variants)

    @property
    def first(self) -> Variant:
        """The first variant that was not refused."""
        return next(variant for variant in self.variants if variant.values is not None)


def common(one: Array, other: Array) -> tuple[slice, ...]:
    """Return the windows that two results of the same rank have in common."""
    return tuple(slice(min(lengths)) for lengths in zip(one.shape, other.shape, strict=True))


def _same(one: Array, other: Array) -> NDArray[np.bool_]:
    import numpy as np

    with np.errstate(invalid="ignore"):
        close = np.isclose(one.astype(np.float64), other.astype(np.float64), rtol=1e-6, atol=1e-12, equal_nan=True)
    result: NDArray[np.bool_] = close
    return result


OWN_RULES = "poolcli"  # the name of poolcli's own rules among frameworks
COMPARABLE = {row.name for row in OPTIONS} - {"compat"}  # the options of all sides
OF_OTHERS = {"target"}  # options of other commands


def labelled(modes: Sequence[str], names: Sequence[str]) -> list[tuple[str, str, str | None]]:
    """Return every mode under every framework, as a label, the mode and the framework.

    Parameters
    ----------
    modes, names : sequence of str
        The modes and the frameworks; with none, or only one, poolcli's own rules are added.

    Examples
    --------
    >>> labelled(["max", "avg"], [])
    [('max', 'max', None), ('avg', 'avg', None)]
    >>> labelled(["max"], ["onnx"])
    [('poolcli', 'max', None), ('onnx', 'max', 'onnx')]
    """
    names = [OWN_RULES, *names] if len(modes) == len(names) == 1 and names[0] != OWN_RULES else names or [OWN_RULES]
    made = []
    for mode in modes:
        for name in names:
            label = mode if len(names) == 1 else name if len(modes) == 1 else f"{mode}, {name}"
            made.append((label, mode, None if name == OWN_RULES else name))
    return made


def compared(feature_map: FeatureMap, steps: Mapping[str, PoolStep]) -> Variants:
    """Apply several pooling steps to one input.

    Parameters
    ----------
    steps : mapping of str to PoolStep
        The steps by their labels, in the order of the columns.

    Returns
    -------
    Variants
        If a framework refuses a step, its variant has the refusal instead of values.

    Raises
    ------
    PoolcliError
        If every variant is refused.

    Examples
    --------
    >>> import numpy as np
    >>> x = FeatureMap.from_array(np.array([[1.0, 3.0], [3.0, 2.0]]))
    >>> made = compared(x, {mode: PoolStep(mode) for mode in ("max", "avg")})
    >>> [(variant.label, variant.values.tolist()) for variant in made.variants]
    [('max', [[3.0]]), ('avg', [[2.25]])]
    """
    variants = tuple(variant_of(feature_map, label, step) for label, step in steps.items())
    if all(variant.values is None for variant in variants):
        raise _none_answers(feature_map, variants)
    reasons = [
        reason
        for mode in dict.fromkeys(variant.step.mode for variant in variants)
        for reason in _why(feature_map, [variant for variant in variants if variant.step.mode == mode])
    ]
    reasons += [variant.refusal for variant in variants if variant.values is None]
    return Variants(variants, tuple(dict.fromkeys(reasons)))


def variant_of(feature_map: FeatureMap, label: str, step: PoolStep) -> Variant:
    """Return one column of a comparison, with values or the reason of a refusal."""
    try:
        layer = step.layer(feature_map.ndim, feature_map.spatial)
        return Variant(label, step, layer.apply(feature_map.values)[0])
    except (CompatError, ShapeError, EmptyWindowError) as problem:
        return Variant(label, step, problem=problem)


def changed(step: PoolStep, settings: Mapping[str, Any]) -> PoolStep:
    """Return a step with other options, the size among them."""
    options: Any = {**step.options, **{name: value for name, value in settings.items() if name != "size"}}
    return replace(step, size=settings.get("size", step.size), options=options)


def advice_for(feature_map: FeatureMap, variant: Variant, variants: Sequence[Variant]) -> str | Phrase:
    """Return the advice of a refusal that helps here: an option that no variant refuses; no framework is left out.

    If padding counts in the first answer, the advice is how to get an average in which it does.
    """
    counts = [one.step.layer(feature_map.ndim).count_include_pad for one in variants if one.values is not None]
    like = variant_of(feature_map, variant.label, changed(variant.step, {"count_include_pad": any(counts[:1])}))
    problem = like.problem if like.refusal == variant.refusal else variant.problem
    advice = problem.advice if problem else ""

    def helps(part: Phrase) -> bool:
        tried = (variant_of(feature_map, one.label, changed(one.step, part.settings)) for one in variants)
        known = part.names <= COMPARABLE | OF_OTHERS
        return known and (not part.settings.keys() - OF_OTHERS or all(one.problem is None for one in tried))

    return advice.only(helps) if isinstance(advice, Phrase) else advice


def _none_answers(feature_map: FeatureMap, variants: Sequence[Variant]) -> PoolcliError:
    """Join the errors of all variants into one, about the data if any of them is."""
    problems = [(variant, variant.problem) for variant in variants if variant.problem]
    refused, first = next((pair for pair in problems if not isinstance(pair[1], CompatError)), problems[0])
    told = "; ".join(f"{variant.label}: {variant.refusal}" for variant in variants)
    advice = _modes_of_all(variants) or advice_for(feature_map, refused, variants)
    if not isinstance(advice, Phrase) or not advice.settings.keys() - OF_OTHERS:  # nothing that was tried
        own = variant_of(feature_map, OWN_RULES, changed(refused.step, {"compat": None}))
        sure = _usual_for_all(feature_map, variants) if own.problem else f"add {OWN_RULES} to the comparison"
        advice = advice + ("; or " + sure) if str(advice) and str(sure) else advice if str(advice) else sure
    return type(first)(told, advice if str(advice) else "name other frameworks")


def _usual_for_all(feature_map: FeatureMap, variants: Sequence[Variant]) -> Phrase:
    """Return the options whose defaults let every variant answer, or else some."""
    ways = list(usual_options(variants[0].step))
    for enough in (all, any):
        for way in ways:
            if enough(not variant_of(feature_map, one.label, changed(one.step, way)).problem for one in variants):
                return Phrase(" ".join(f"{{{name}}}" for name in way), **way)
    return Phrase("")


def usual_options(step: PoolStep) -> Iterator[dict[str, Any]]:
    """Yield the defaults of some of the options of a step, of as few as possible first."""
    said: Mapping[str, Any] = step.options
    usual = {row.name: row.default for row in OPTIONS if said.get(row.name, row.default) != row.default is not None}
    for number in range(1, len(usual) + 1):
        yield from map(dict, combinations(usual.items(), number))


def _modes_of_all(variants: Sequence[Variant]) -> str:
    """Return the modes that all frameworks have if none has the one asked for; else nothing."""
    rows = [frameworks.find(variant.step.options.get("compat")) or frameworks.OWN for variant in variants]
    names = [parse_mode(variant.step.mode).mode.name for variant in variants]
    if any(name in row.modes for row, name in zip(rows, names, strict=True)):
        return ""
    common = [mode for mode in rows[0].modes if all(mode in row.modes for row in rows)]
    return f"use one of {', '.join(common)}"


def _why(feature_map: FeatureMap, variants: Sequence[Variant]) -> list[str]:
    """Say why variants of one mode differ from the first that was answered: a sentence for all that differ alike."""
    answered = [variant for variant in variants if variant.values is not None]
    alike: dict[str, list[str]] = {}
    for other in answered[1:]:
        for sentence, name in _reasons(feature_map, answered[0], other):
            alike.setdefault(sentence, []).append(name)
    return [sentence.replace(OTHERS, enumerated(list(dict.fromkeys(names)))) for sentence, names in alike.items()]


def _reasons(feature_map: FeatureMap, one: Variant, other: Variant) -> list[tuple[str, str]]:
    """Try every rule in which the frameworks of two variants differ; in the sentences OTHERS stands for the name."""
    if one.values is None or other.values is None or _equal(one.values, other.values):
        return []
    a, b = (frameworks.find(variant.step.options.get("compat")) or frameworks.OWN for variant in (one, other))
    layers = [variant.step.layer(feature_map.ndim) for variant in (one, other)]
    rows = [layer.row(feature_map.values.dtype, feature_map.spatial) for layer in layers]
    why = f"{rows[0].name} differently from {OTHERS}: {'; '.join(dict.fromkeys(row.why for row in rows if row.why))}"
    own = [
        (f"{name} is {_told(one, name)} in {one.label} and {_told(other, name)} in {OTHERS}", other.label)
        for name in {**_own_options(one), **_own_options(other)}
        if _own_options(one).get(name) != _own_options(other).get(name)
    ]
    unnamed = b._replace(title=OTHERS)
    tried = own + [
        (say(a, unnamed, why), b.title)
        for rule, say in RULES.items()
        if _matters(feature_map, one.step, a, b, rule) or _matters(feature_map, other.step, b, a, rule)
    ]
    several = f"{a.title} differs from {OTHERS} in several rules, none of which alone makes the difference"
    return tried or [(several, b.title)]


def _own_options(variant: Variant) -> dict[str, Any]:
    options = {"size": variant.step.size, **variant.step.options}
    return {name: value for name, value in options.items() if name != "compat" and value is not None}


def _told(variant: Variant, name: str) -> str:
    """Write the value of an option of a variant, as a user types it."""
    value = _own_options(variant).get(name, "the default")
    if isinstance(value, bool):
        return "on" if value else "off"
    return padding_text(value)


def _matters(feature_map: FeatureMap, step: PoolStep, a: Framework, b: Framework, rule: str) -> bool:
    """Whether giving framework `a` this rule of `b` changes its answer."""
    swapped = a._replace(**{rule: getattr(b, rule)})
    try:
        plain, changed = (_made(feature_map, step, framework) for framework in (a, swapped))
    except PoolcliError:
        return False
    return not _equal(plain, changed)


def _made(feature_map: FeatureMap, step: PoolStep, framework: Framework) -> Array:
    tried = replace(step, options={**step.options, "compat": framework})
    return tried.layer(feature_map.ndim).apply(feature_map.values)[0]


def _equal(one: Array, other: Array) -> bool:
    return one.shape == other.shape and bool(_same(one, other).all())


OTHERS = "\0"  # in a sentence, until it is known which frameworks differ alike
TOO_LARGE: Mapping[str, str] = {"refused": "an error", "one": "one value", "none": "no value"}


def _usual(a: Framework, b: Framework, rule: str) -> Framework:
    """Return the one that follows this rule as poolcli does."""
    return a if getattr(a, rule) == getattr(frameworks.OWN, rule) else b


def _other(a: Framework, b: Framework, rule: str) -> Framework:
    """Return the one that does not."""
    return b if _usual(a, b, rule) is a else a


def _size(framework: Framework) -> str:
    return "the window's size" if framework.stride is None else str(framework.stride)


RULES: Mapping[str, Callable[[Framework, Framework, str], str]] = {
    "stride": lambda a, b, _: f"the default stride is {_size(a)} in {a.title} and {_size(b)} in {b.title}",
    "count_include_pad": lambda a, b, _: (
        f"by default padding counts in the averages of {(a if a.count_include_pad else b).title}, "
        f"but not in those of {(b if a.count_include_pad else a).title}"
    ),
    "same_ignores_dilation": lambda a, b, _: (
        f"{(a if a.same_ignores_dilation else b).title} (onnxruntime) pads SAME as if the dilation were 1"
    ),
    "rounding": lambda a, b, _: (
        f"rounding up keeps a last window beyond the input in {_other(a, b, 'rounding').title}, but "
        f"not in {_usual(a, b, 'rounding').title}"
    ),
    "ceil_mode": lambda a, b, _: f"the number of windows is always rounded up in {_other(a, b, 'ceil_mode').title}",
    "too_large": lambda a, b, _: (
        f"a window larger than the input gives {TOO_LARGE[a.too_large]} in {a.title} and {TOO_LARGE[b.too_large]} "
        f"in {b.title}"
    ),
    "counted": lambda a, b, _: "; ".join(row.counting for row in (a, b) if row.counting),
    "scales_override": lambda a, b, _: (
        f"divisor_override divides the mean times the window's size in {_other(a, b, 'scales_override').title}, "
        f"but the sum in {_usual(a, b, 'scales_override').title}"
    ),
    "fractional": lambda a, b, _: f"{a.title} places fractional windows by other rules than {b.title}",
    "modes": lambda a, _, why: f"{a.title} computes {why}",
}

"""Named steps from feature map to feature map, which commands apply, JSON records and recipes replay.

Each step is a frozen record of options as they were given. `apply` does the work and appends a full record to the map's
``steps``, from which the step can be made again: `poolcli.steps.recipe.from_records` checks a record, and a step's own
`from_record` trusts it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from poolcli.errors import InputError, PoolcliError, ShapeError, UsageError
from poolcli.featuremap import SPATIAL
from poolcli.pooling.filters import find_filter
from poolcli.pooling.options import (
    BY_JSON,
    FLAG,
    GRID,
    KEYWORDS,
    NUMBER,
    SIZES,
    TEXT,
    Kind,
    Options,
    Size,
    as_lists,
    padding_text,
    sizes_text,
)  # fmt: skip
from poolcli.window import AXIS_NAMES, Padding, Window, times
from poolcli.wording import Phrase, Typed, printable

if TYPE_CHECKING:
    from poolcli.featuremap import FeatureMap
    from poolcli.pooling.layer import Pooling

Record = Mapping[str, Any]


class Shaped(Protocol):
    """A map, or what is known of one without its values."""

    @property
    def layout(self) -> str:
        """One letter per axis."""
        ...

    @property
    def spatial(self) -> tuple[int, ...]:
        """The lengths of the spatial axes."""
        ...


class Step(Protocol):
    """What all steps have in common."""

    name: ClassVar[str]

    def apply(self, feature_map: FeatureMap) -> FeatureMap:
        """Apply the step and record it."""
        ...

    @classmethod
    def from_record(cls, record: Record) -> Step:
        """Make the step that `apply` recorded; the record has been checked."""
        ...


def done(before: FeatureMap, values: Any, record: dict[str, Any], **changes: Any) -> FeatureMap:
    """Return the map with new values and one more step, without indices, which belong to the old values."""
    after = before.with_(values=values, **{"indices": None, "unpool": None, **changes})
    return after.with_(steps=(*before.steps, {**record, "shape": list(after.shape)}))


def _left_over(layer: Pooling, spatial: Sequence[int]) -> Iterator[str | Phrase]:
    """Say which cells at the end no window covers, if another window could."""
    advice = "" if layer.compat else Phrase("; {ceil_mode} adds one for them")
    for name, axis in zip(AXIS_NAMES[len(spatial)], layer.plan(spatial), strict=True):
        if axis.left_over and axis.starts[-1] + axis.stride < axis.length:
            yield f"no window covers the last {axis.left_over} of {axis.length} {name}" + advice


@dataclass(frozen=True)
class PoolStep:
    """Pool; see `poolcli.pool` for the options."""

    name: ClassVar[str] = "pool"
    mode: str = "max"
    size: Size = None
    options: Options = field(default_factory=dict)  # type: ignore[assignment]  # an empty dict is one
    indices: bool = False
    threads: int | None = field(default=None, compare=False, repr=False)

    def layer(self, ndim: int, spatial: Sequence[int] = ()) -> Pooling:
        """Return the pooling layer for this many spatial axes, whose lengths errors use if they are known."""
        from poolcli.pooling.layer import Pooling

        made = Pooling.of(ndim, self.mode, self.size, spatial=spatial, **self.options)
        return replace(made, threads=self.threads)

    def layer_for(self, feature_map: Shaped) -> Pooling:
        """Return the pooling layer for a map."""
        sizes = self.size if isinstance(self.size, tuple) else ()
        axes, ndim, spatial = len(feature_map.layout), len(feature_map.spatial), len(sizes)
        if ndim < spatial <= min(axes, len(SPATIAL)):
            layout = "N" * (axes - spatial - 1) + "C" * (axes > spatial) + SPATIAL[spatial - 1]
            raise UsageError(
                f"size {times(sizes)} has {spatial} numbers, but {feature_map.layout} has {ndim} spatial axes",
                Phrase("{layout}, or one number for each spatial axis", layout=layout),
            )  # fmt: skip
        return self.layer(ndim, feature_map.spatial)

    def ready(self, like: FeatureMap) -> Callable[[Any], Any]:
        """Return a function that pools the values of any map like this one, with everything decided beforehand."""
        layer = self.layer(like.ndim, like.spatial)
        straight = layer.straight(like.values.shape, like.values.dtype)

        def pooled(values: Any) -> Any:
            made = straight(values) if straight else None
            return layer.apply(values)[0] if made is None else made

        return pooled

    def apply(self, feature_map: FeatureMap) -> FeatureMap:
        """Pool."""
        layer = self.layer_for(feature_map)
        values, indices = layer.apply(feature_map.values, indices=self.indices)
        record = {"step": self.name, **layer.record(), **({"indices": True} if self.indices else {})}
        feature_map = feature_map.with_(notes=(*feature_map.notes, *_left_over(layer, feature_map.spatial)))
        if layer.framework and layer.framework.documented:
            feature_map = feature_map.with_(warnings=(*feature_map.warnings, f"as {layer.framework.title}"))
        if indices is None:
            return done(feature_map, values, record)
        undo = {"shape": list(feature_map.spatial), **layer.window.record()}
        undo |= {name: value for name in ("compat", "storage_order") if (value := getattr(layer, name))}
        return done(feature_map, values, record, indices=indices, unpool=undo)

    @classmethod
    def from_record(cls, record: Record) -> PoolStep:
        """Make the step of its record."""
        options: Any = {
            option.name: _tupled(record[option.json]) for option in KEYWORDS.values() if option.json in record
        }
        return cls(record.get("mode", "max"), _tupled(record.get("size")), options, bool(record.get("indices")))


def _tupled(value: Any) -> Any:
    return tuple(map(_tupled, value)) if isinstance(value, list | tuple) else value


@dataclass(frozen=True)
class ConvStep:
    """Convolve with a kernel; see `poolcli.conv`."""

    name: ClassVar[str] = "conv"
    kernel: Sequence[Any]  # the weights as nested lists
    label: str = "kernel"  # the filter's name or the kernel's file, for texts
    stride: int | tuple[int, ...] = 1
    padding: Padding = "valid"
    dilation: int | tuple[int, ...] = 1
    bias: float = 0.0
    threads: int | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        """Make the label, which may be any file name, one line of text, as JSON and comments in code need it."""
        object.__setattr__(self, "label", printable(self.label))

    @property
    def title(self) -> str:
        """The kernel's name in a sentence."""
        return "the kernel" if self.label == "kernel" else f"kernel {self.label}"

    def window(self) -> Window:
        """Return the window of the kernel, which must not be ragged."""
        import numpy as np

        try:
            sizes = np.asarray(self.kernel, dtype=np.float64).shape
        except ValueError:
            raise InputError(
                f"the rows of {self.title} have different lengths", "give every row the same length"
            ) from None
        return Window.of(len(sizes), size=sizes, stride=self.stride, padding=self.padding, dilation=self.dilation)

    def window_for(self, ndim: int, name: str = "the input") -> Window:
        """Return the window of the kernel, which must have as many axes as the input called `name` has spatial ones."""
        window = self.window()
        if len(window.size) != ndim:
            what = f"{self.title} has {len(window.size)} axes, but {name} has {ndim} spatial"
            raise ShapeError(what, "give a kernel with one axis for each, such as '[1, 2, 1]' for one")
        return window

    def record(self) -> dict[str, Any]:
        """Return the step as JSON, without the shape."""
        import numpy as np

        kernel = np.asarray(self.kernel).tolist()
        bias = {"bias": self.bias} if self.bias else {}
        return {"step": self.name, "filter": self.label, "kernel": kernel, **self.window().record(), **bias}

    def apply(self, feature_map: FeatureMap) -> FeatureMap:
        """Convolve."""
        from poolcli.pooling.convolution import conv

        self.window_for(feature_map.ndim, feature_map.name)
        values = conv(
            feature_map.values, self.kernel, stride=self.stride, padding=self.padding, dilation=self.dilation,
            bias=self.bias, threads=self.threads,
        )  # fmt: skip
        return done(feature_map, values, self.record())

    @classmethod
    def from_record(cls, record: Record) -> ConvStep:
        """Make the step of its record."""
        label = record.get("filter", "kernel")
        kernel = record["kernel"] if "kernel" in record else find_filter(label).kernel.tolist()
        return cls(
            kernel,
            label,
            _tupled(record.get("stride", 1)),
            _tupled(record.get("padding", "valid")),
            _tupled(record.get("dilation", 1)),
            record.get("bias", 0.0),
        )


@dataclass(frozen=True)
class ReluStep:
    """Replace negative numbers with zero."""

    name: ClassVar[str] = "relu"
    # whether it is a stage of its own, not an option of the step before
    own: bool = field(default=True, compare=False, repr=False)

    def apply(self, feature_map: FeatureMap) -> FeatureMap:
        """Rectify."""
        from poolcli.pooling.convolution import relu

        return done(feature_map, relu(feature_map.values), {"step": self.name})

    @classmethod
    def from_record(cls, record: Record) -> ReluStep:  # noqa: ARG003 - every step has one signature
        """Make the step of its record."""
        return cls()


@dataclass(frozen=True)
class NormalizeStep:
    """Stretch the values linearly so that the smallest becomes `low` and the largest `high`."""

    name: ClassVar[str] = "normalize"
    low: float = 0.0
    high: float = 1.0

    def apply(self, feature_map: FeatureMap) -> FeatureMap:
        """Stretch."""
        import numpy as np

        x = feature_map.values.astype(np.promote_types(feature_map.values.dtype, np.float64))
        finite = x[np.isfinite(x)]
        least, most = (finite.min(), finite.max()) if finite.size else (0.0, 0.0)
        share = (x / 2 - least / 2) / (most / 2 - least / 2) if most > least else np.where(np.isfinite(x), 0.0, x)
        values = self.low + share * (self.high - self.low)
        return done(feature_map, values, {"step": self.name, "low": self.low, "high": self.high}, white=None)

    @classmethod
    def from_record(cls, record: Record) -> NormalizeStep:
        """Make the step of its record."""
        return cls(float(record.get("low", 0.0)), float(record.get("high", 1.0)))


@dataclass(frozen=True)
class UnpoolStep:
    """Put pooled values back to their indices; see `poolcli.unpool`."""

    name: ClassVar[str] = "unpool"
    # size, stride, padding, output_size, compat, storage_order: in place of the map's own record of its pooling
    window: Mapping[str, Any] = field(default_factory=dict)

    def apply(self, feature_map: FeatureMap) -> FeatureMap:
        """Unpool."""
        from poolcli.pooling.gradient import unpool_as

        if feature_map.indices is None:
            raise InputError(
                f"{feature_map.name} has no indices, so nothing says where its values came from",
                Phrase("record them with: {way}", way=RECORDED),
            )
        given, recorded = self.per_axis(feature_map.ndim), feature_map.unpool or {}
        whole = {"padding": ((0, 0),) * feature_map.ndim, **recorded} if recorded else {}
        for name, told in (("size", sizes_text), ("stride", sizes_text), ("padding", padding_text)):
            was = _tupled(whole.get(name))
            if name in given and was is not None and given[name] not in (was, "valid"):
                problem = f"the input was pooled with {name} {told(was)}, not {told(given[name])}"
                raise ShapeError(problem, Phrase(f"drop {{{name}}}"))
        known = {**recorded, **given}
        values = unpool_as(feature_map.values, feature_map.indices, feature_map.ndim, known)
        return done(feature_map, values, {"step": self.name, **given})

    def per_axis(self, ndim: int) -> dict[str, Any]:
        """Return the window with one entry per axis, as in records."""
        sliding = {name: self.window[name] for name in ("size", "stride", "padding") if name in self.window}
        checked = Window.of(ndim, **sliding)
        given: dict[str, Any] = {**self.window, **{name: getattr(checked, name) for name in sliding}}
        if "output_size" in given:
            given["output_size"] = Window.of(ndim, kind="adaptive", output_size=given["output_size"]).output_size
        return given

    @classmethod
    def from_record(cls, record: Record) -> UnpoolStep:
        """Make the step of its record."""
        return cls({key: _tupled(value) for key, value in record.items() if key not in ("step", "shape")})


@dataclass(frozen=True)
class GradStep:
    """Replace the map with the gradient that pooling would send back to it; see `poolcli.grad`."""

    name: ClassVar[str] = "grad"
    pool: PoolStep = field(default_factory=PoolStep)
    upstream: Any = None

    def apply(self, feature_map: FeatureMap) -> FeatureMap:
        """Differentiate."""
        from poolcli.pooling.gradient import gradient

        layer = self.pool.layer_for(feature_map)
        values = gradient(layer, feature_map.values, self.upstream)
        record = {"step": self.name, **layer.record()}
        if self.upstream is not None:
            record["upstream"] = self.upstream.tolist()
        return done(feature_map, values, record, white=None)

    @classmethod
    def from_record(cls, record: Record) -> GradStep:
        """Make the step of its record."""
        import numpy as np

        upstream = record.get("upstream")
        return cls(PoolStep.from_record(record), None if upstream is None else np.asarray(upstream))


RECORDED = Typed(
    Phrase("poolcli pool {return_indices} {json} INPUT | poolcli unpool"), "pool(feature_map, return_indices=True)"
)
STEPS: Mapping[str, type[Step]] = {
    step.name: step for step in (ConvStep, ReluStep, PoolStep, NormalizeStep, UnpoolStep, GradStep)
}


def numbered(steps: Sequence[Step]) -> Iterator[tuple[int, Step]]:
    """Yield each step with the number of its stage, as users count them: ``conv --relu`` is one."""
    number = 0
    for step in steps:
        number += getattr(step, "own", True)
        yield number, step


def with_threads(steps: Sequence[Step], threads: int | None) -> list[Step]:
    """Return the steps with the number of threads to use for large maps; None leaves them unchanged.

    Examples
    --------
    >>> [step.threads for step in with_threads([PoolStep(), ConvStep([[1]])], 1)]
    [1, 1]
    """

    def told(step: Step) -> Step:
        if isinstance(step, GradStep):
            return replace(step, pool=replace(step.pool, threads=threads))
        return replace(step, threads=threads) if isinstance(step, PoolStep | ConvStep) else step

    return list(steps) if threads is None else [told(step) for step in steps]


def apply(feature_map: FeatureMap, steps: Sequence[Step]) -> FeatureMap:
    """Apply one step after the other."""
    for step in steps:
        feature_map = step.apply(feature_map)
    return feature_map


Followed = TypeVar("Followed")


def through(
    steps: Sequence[Any], start: Followed, follow: Callable[[Followed, Any], Followed], what: str = "step"
) -> Iterator[Followed]:
    """Yield the result of `follow` for `start` and the first step, for that result and the second, and so on.

    Every error names its stage, unless `what`, the word for stages, is empty.

    Examples
    --------
    >>> [*through([PoolStep(), ReluStep()], "map", lambda before, step: f"{step.name}({before})")]
    ['pool(map)', 'relu(pool(map))']
    """
    for number, step in numbered(steps):
        with named(f"{what} {number} ({step.name})") if what else nullcontext():
            start = follow(start, step)
        yield start


@contextmanager
def named(where: str) -> Iterator[None]:
    """Say in every error where it occurred."""
    try:
        yield
    except PoolcliError as problem:
        problem.at(where)
        raise


def without_shapes(records: Sequence[Record]) -> list[dict[str, Any]]:
    """Return records without the shapes, which belong to their input."""
    return [{key: value for key, value in record.items() if key != "shape"} for record in records]


# --- as text ----------------------------------------------------------------------------------------------------------

_WORDS: Mapping[str, Callable[[Any], str]] = {
    **{name: option.told for name, option in BY_JSON.items() if option.told},
    "bias": lambda value: f"bias {value:g}",
    "low": lambda value: f"from {value:g}",
    "high": lambda value: f"to {value:g}",
}
VALUE_KINDS: Mapping[str, Kind] = {  # of the values in a record: the options of pooling, and those of other steps
    **{name: option.kind for name, option in BY_JSON.items()},
    "indices": FLAG, "shape": SIZES, "filter": TEXT, "kernel": GRID, "bias": NUMBER, "low": NUMBER, "high": NUMBER,
    "upstream": GRID,
}  # fmt: skip


def text(record: Record) -> str:
    """Say in one line what a recorded step did, without impossible values, which a file may hold.

    Examples
    --------
    >>> text({"step": "pool", "mode": "max", "size": [2, 2], "stride": [2, 2], "shape": [2, 2]})
    'max 2x2, stride 2x2'
    """
    there = [key for key in ("mode", "filter", "size", "global", *_WORDS) if key in record]
    known = {key: record[key] for key in there if VALUE_KINDS[key].fits(as_lists(record[key]))}
    what = [str(known[key]) for key in ("mode", "filter") if key in known]
    what += ["global"] if known.get("global") else []
    what += [sizes_text(size)] if (size := known.get("size")) else []
    said = [word(known[key]) for key, word in _WORDS.items() if known.get(key) is not None and known[key] is not False]
    return ", ".join([" ".join(what), *said] if what else said)


def check_options(step: Step, ndim: int, spatial: Sequence[int] = ()) -> None:
    """Raise an error if the options of a step are wrong; the spatial shape, if known, makes its advice more exact."""
    if isinstance(step, GradStep):
        step.pool.layer(ndim, spatial)
    if isinstance(step, ConvStep):
        step.window()
    if not isinstance(step, PoolStep):
        return
    layer = step.layer(ndim, spatial)
    if step.indices and (not layer.mode.mode.indexed or layer.pad_fill != "ignore"):
        raise UsageError(f"{layer.mode} has no indices here", Phrase("only max and min without {pad_fill} have them"))

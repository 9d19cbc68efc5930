"""Window geometry in whole numbers: the only place that knows the output-size rules.

A :class:`Window` is what the user asked for. Given the lengths of the spatial axes, :meth:`Window.plan` turns it into
one :class:`Axis` per axis: where every window starts and stops. Kernels see axes, never a word such as ``same``.

The rules and their names follow Dumoulin & Visin, "A guide to convolution arithmetic for deep learning"
(arXiv:1603.07285); ``ceil_mode`` and its clipped last window follow PyTorch (``aten/src/ATen/native/Pool.h``) and the
ONNX operator MaxPool-22; SAME follows TensorFlow (``tensorflow/core/framework/kernel_shape_util.cc``).
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Real
from typing import TYPE_CHECKING, Any, NamedTuple, TypeGuard, cast

from poolcli.errors import EmptyWindowError, LimitError, ShapeError, UnknownNameError, UsageError
from poolcli.system.limits import check_memory
from poolcli.wording import Phrase, Typed, given

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Pairs = tuple[tuple[int, int], ...]
Padding = str | int | Sequence[int] | Pairs

NAMED_PADDING = ("valid", "same", "same-lower")
FILLS: Mapping[str, str] = {"reflect": "reflect", "symmetric": "symmetric", "replicate": "edge", "wrap": "wrap"}
PAD_FILLS = ("ignore", *FILLS)
MOST_WINDOWS = 2**40  # along one axis; more is a mistake and would overflow index arithmetic
COUNTING = 40  # bytes per window while its cells are counted: five arrays of 8-byte numbers
MOST_LISTED = 2**24  # unevenly spaced windows along one axis, each with its own start
AXIS_NAMES: Mapping[int, tuple[str, ...]] = {1: ("cells",), 2: ("rows", "columns"), 3: ("depth", "rows", "columns")}


def times(sizes: Sequence[int]) -> str:
    """Write sizes as a user types them.

    Examples
    --------
    >>> times((3, 2))
    '3x2'
    """
    return "x".join(map(str, sizes))


def _such_as(what: str, text: str) -> Phrase:
    """Return a hint with the typed sizes as they are written, or with all forms of sizes."""
    name = what.replace("-", "_")
    if numbers := re.fullmatch(r"([0-9]{1,18})[, ]+([0-9]{1,18})", text):
        return Phrase(f"write {{{name}}}", **{name: tuple(map(int, numbers.groups()))})
    one, two, three = (Phrase(f"{{{name}}}", **{name: sizes}) for sizes in (2, (3, 2), (2, 3, 3)))
    return "write " + one + ", " + two + " or " + three


def parse_sizes(text: str, what: str, most: int = 3) -> int | tuple[int, ...]:
    """Read ``3``, ``3x2`` or ``2x3x3``: one whole number, or one per axis, which are at most so many.

    Examples
    --------
    >>> parse_sizes("3x2", "size")
    (3, 2)
    """
    parts = text.lower().strip().split("x")
    if not all(re.fullmatch(r"[+-]?[0-9]{1,18}", part) for part in parts) or len(parts) > most:
        raise UsageError(f"{what.replace('_', '-')} {text!r} is not a size", _such_as(what, text))
    sizes = tuple(map(int, parts))
    return sizes[0] if len(sizes) == 1 else sizes


def parse_target(text: str, what: str) -> int | tuple[int | None, ...]:
    """Read the number of outputs, where ``_`` keeps an axis as it is: ``3``, ``3x2``, ``_x7``.

    Examples
    --------
    >>> parse_target("_x7", "output_size")
    (None, 7)
    """
    parts = text.lower().strip().split("x")
    if "_" not in parts or len(parts) == 1:
        return parse_sizes(text, what.replace("_", "-"))
    read: Any = parse_sizes("x".join("1" if part == "_" else part for part in parts), what.replace("_", "-"))
    return tuple(None if part == "_" else size for part, size in zip(parts, read, strict=True))


def parse_padding(text: str) -> Padding:
    """Read ``valid``, ``same``, ``same-lower``, ``N``, ``HxW`` or ``begin,end`` pairs.

    Examples
    --------
    >>> parse_padding("same"), parse_padding("1x2"), parse_padding("1,0,2,0")
    ('same', (1, 2), ((1, 0), (2, 0)))
    """
    text = text.strip().lower()
    if text in NAMED_PADDING:
        return text
    if "," not in text:
        try:
            return parse_sizes(text, "padding")
        except UsageError:
            forms = "write valid, same, same-lower, a number, 1x2, or begin,end per axis such as 1,0,1,0"
            raise UnknownNameError("padding", text, NAMED_PADDING, otherwise=forms) from None
    parts = text.split(",")
    if len(parts) not in (2, 4, 6) or not all(re.fullmatch(r"\s*[+-]?[0-9]{1,18}\s*", part) for part in parts):
        raise UsageError(
            f"padding {text!r} is not begin,end per axis",
            "write left,right or top,bottom,left,right or front,back,top,bottom,left,right in whole numbers",
        )
    numbers = [int(part) for part in parts]
    return tuple(zip(numbers[::2], numbers[1::2], strict=True))


def parse_fill(fill: Any, what: str, names: Sequence[str] = tuple(FILLS)) -> str | float:
    """Read the fill of cells outside the input: a name or a number.

    Examples
    --------
    >>> parse_fill("Reflect", "edge"), parse_fill("-1", "edge"), parse_fill("nan", "edge")
    ('reflect', -1, nan)
    """
    if not isinstance(fill, str):
        if not isinstance(fill, Real):
            raise UsageError(f"{what} {given(fill)} is not a word or a number", f"use {', '.join(names)}, or a number")
        return cast("float", fill)
    name = fill.strip().lower()
    if name in names:
        return name
    try:
        return int(name) if name.lstrip("+-").isdigit() else float(name)
    except ValueError:
        raise UnknownNameError(what, fill, names, note="; or give a number") from None


def _ceil_div(a: int, b: int) -> int:
    return -(-a // b)


@dataclass(frozen=True)
class Axis:
    """The positions of the windows along one spatial axis.

    Window ``i`` covers the cells ``starts[i], starts[i] + dilation, ...`` before ``stops[i]``. Cells are numbered from
    the first real one: negative cells are leading padding, cells from ``length`` on trailing padding, and cells from
    ``length + after`` on the overhang of ``ceil_mode``.

    Examples
    --------
    >>> axis = Window.of(1, size=3, stride=2, padding=1, ceil_mode=True).plan((6,))[0]
    >>> len(axis), axis.starts, axis.stops
    (4, range(-1, 7, 2), range(2, 10, 2))
    >>> axis.counts().tolist(), axis.counts(include_pad=True).tolist()
    ([2, 3, 3, 1], [3, 3, 3, 2])
    """

    length: int  # the number of real cells
    # ranges if the windows are evenly spaced and equal in size, else tuples
    starts: Sequence[int]
    stops: Sequence[int]
    dilation: int = 1  # the step between cells of a window
    # cells of padding
    before: int = 0
    after: int = 0

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def regular(self) -> bool:
        """Whether the windows are evenly spaced and equal in size."""
        return isinstance(self.starts, range)

    @property
    def stride(self) -> int:
        """The step between windows of a regular axis."""
        assert isinstance(self.starts, range)  # noqa: S101 - tells mypy what `regular` says
        return self.starts.step

    @property
    def size(self) -> int:
        """The number of cells of the largest window, with padding and overhang."""
        if not self.starts:
            return 0
        if self.regular:
            return _ceil_div(self.stops[0] - self.starts[0], self.dilation)
        return max(stop - start for start, stop in zip(self.starts, self.stops, strict=True))

    @property
    def outside(self) -> tuple[int, int]:
        """The number of cells before the first and behind the last real one that the windows reach."""
        return self.before, max(self.stops[-1] - self.length, 0)

    @property
    def padded(self) -> bool:
        """Whether any window reaches outside the real cells."""
        return not self.full()

    @property
    def reached(self) -> bool:
        """Whether the ends of the windows alone show that each holds a real cell."""
        if not self.regular or not self.starts:
            return True
        last = self.starts[0] + (self.size - 1) * self.dilation
        return last >= 0 and self.starts[-1] < self.length and self.dilation <= max(self.length, 1)

    @property
    def left_over(self) -> int:
        """The number of real cells behind the last window of a regular axis."""
        if not self.regular or not self.starts:
            return 0
        return max(self.length - (self.starts[-1] + (self.size - 1) * self.dilation + 1), 0)

    def full(self, first: int = 0, last: int | None = None) -> bool:
        """Whether the windows ``first`` to ``last`` hold only real cells."""
        starts = self.starts[first:last]
        if not self.regular or len(starts) == 0:
            return True
        return starts[0] >= 0 and starts[-1] + (self.size - 1) * self.dilation < self.length

    def cells(self, window: int) -> range:
        """Return the cells of one window, padding and overhang included."""
        return range(self.starts[window], self.stops[window], self.dilation)

    def counts(self, *, include_pad: bool = False, first: int = 0, last: int | None = None) -> NDArray[np.int64]:
        """Count the real cells of the windows ``first`` to ``last``, and with `include_pad` their padding, too."""
        import numpy as np

        starts, stops = (
            np.arange(cells.start, cells.stop, cells.step) if isinstance(cells, range) else np.asarray(cells, np.int64)
            for cells in (self.starts[first:last], self.stops[first:last])
        )
        low, high = (-self.before, self.length + self.after) if include_pad else (0, self.length)
        step = self.dilation
        skipped = np.maximum(-((starts - low) // step), 0)
        reached = -((starts - np.minimum(stops, high)) // step)
        return np.maximum(reached - skipped, 0)

    def reads(self, first: int, last: int) -> tuple[int, int]:
        """Return the real cells ``low:high`` that the windows ``first`` to ``last`` need."""
        if self.regular:
            begin, end = self.starts[first], self.stops[last - 1]
        else:
            begin, end = min(self.starts[first:last]), max(self.stops[first:last])
        low = min(max(begin, 0), self.length)
        return low, max(min(end, self.length), low)

    def over(self, first: int, last: int, low: int, high: int) -> Axis:
        """Return the axis of the windows ``first`` to ``last`` over the cells ``low:high``, all that they need.

        Other cells count as padding there, which none of them reaches.
        """
        starts, stops = moved(self.starts[first:last], -low), moved(self.stops[first:last], -low)
        return Axis(high - low, starts, stops, self.dilation, self.before + low, self.after + self.length - high)

    def band(self, first: int, last: int) -> tuple[int, int, Axis]:
        """Return the real cells ``low:high`` that some windows need, and the axis over them."""
        low, high = self.reads(first, last)
        return low, high, self.over(first, last, low, high)

    def filled(self) -> Axis:
        """Return the axis over the array with its padding filled: every cell is real."""
        starts, stops = moved(self.starts, self.before), moved(self.stops, self.before)
        return Axis(self.length + self.before + self.after, starts, stops, self.dilation)


def moved(cells: Sequence[int], by: int) -> Sequence[int]:
    """Add a number to every cell; a range stays one."""
    if isinstance(cells, range):
        return range(cells.start + by, cells.stop + by, cells.step)
    return tuple(cell + by for cell in cells)


def _evenly(length: int, first: int, number: int, stride: int, reach: int, **more: int) -> Axis:
    starts = range(first, first + number * stride, stride)
    return Axis(length, starts, range(first + reach, first + reach + number * stride, stride), **more)


def sliding(length: int, window: Window, axis: int) -> Axis:
    """Place windows of one size a stride apart over the padded axis."""
    size, stride, dilation = window.size[axis], window.stride[axis], window.dilation[axis]
    reach = (size - 1) * dilation + 1
    before, after = _pads(length, window, axis)
    room = length + before + after - reach
    number = (_ceil_div(room, stride) if window.ceil_mode else room // stride) + 1
    clips = window.rounding == "clipped" or (window.rounding == "clipped-if-padded" and before + after > 0)
    if window.ceil_mode and clips and (number - 1) * stride >= length + before:
        number -= 1  # the last window must start inside the input or the leading padding
    if room < 0 and window.too_large != "refused":
        number = 1 if window.too_large == "one" else 0
    return _evenly(length, -before, max(number, 0), stride, reach, dilation=dilation, before=before, after=after)


def _pads(length: int, window: Window, axis: int) -> tuple[int, int]:
    if not isinstance(window.padding, str):
        return window.padding[axis]
    if window.padding == "valid":
        return 0, 0
    size, stride, dilation = window.size[axis], window.stride[axis], window.dilation[axis]
    reach = size if window.same_ignores_dilation else (size - 1) * dilation + 1
    total = max((_ceil_div(length, stride) - 1) * stride + reach - length, 0)
    small, large = total // 2, total - total // 2
    return (small, large) if window.padding == "same" else (large, small)


def whole(length: int, window: Window, axis: int) -> Axis:  # noqa: ARG001 - every kind has one signature
    """Place one window over the whole axis."""
    return _evenly(length, 0, 1, 1, length)


def adaptive(length: int, window: Window, axis: int) -> Axis:
    """Cover the axis with `output_size` windows, which may overlap, like PyTorch's ``AdaptivePooling.h``."""
    number = window.output_size[axis] or length
    if length % number == 0:
        return _evenly(length, 0, number, length // number, length // number)
    _check_listed(number)
    starts = tuple(i * length // number for i in range(number))
    return Axis(length, starts, tuple(_ceil_div((i + 1) * length, number) for i in range(number)))


def _check_listed(number: int) -> None:
    if number > MOST_LISTED:
        raise LimitError(f"{number} uneven windows along an axis are more than {MOST_LISTED}",
                         Phrase("use a smaller {output_size}, or one that divides the input"))  # fmt: skip


def _wanted(length: int, window: Window, axis: int) -> int:
    """Return how many fractional windows there are to be: as said, or as PyTorch or TensorFlow round a ratio down."""
    if window.output_size:
        return window.output_size[axis]
    import numpy as np

    ratio, share = window.output_ratio[axis], window.kind == "fractional"
    number = int(length * ratio if share else np.float32(length) / np.float32(ratio))
    if number < 1:
        which = "larger" if share else "smaller"
        raise ShapeError(Phrase("{output_ratio} of {0} cells gives no window", length, output_ratio=ratio),
                         Phrase(f"use a {which} {{output_ratio}}"))  # fmt: skip
    return number


def fractional(length: int, window: Window, axis: int) -> Axis:
    """Place `output_size` windows of one size pseudo-randomly, like PyTorch's ``FractionalMaxPooling.h``."""
    number, size, u = _wanted(length, window, axis), window.size[axis], window.offsets[axis]
    if number + size - 1 > length:
        raise ShapeError(
            f"{number} fractional windows of {size} cells need at least {number + size - 1} cells, "
            f"but the axis has {length}",
            Phrase("use a smaller {output_size} or {size}"),
        )
    _check_listed(number)
    alpha = (length - size) / (number - 1) if number > 1 else 0.0
    starts = (*(int((i + u) * alpha) - int(u * alpha) for i in range(number - 1)), length - size)
    return Axis(length, starts, tuple(start + size for start in starts))


def fractional_disjoint(length: int, window: Window, axis: int) -> Axis:
    """Cut the axis pseudo-randomly into `output_size` windows, like TensorFlow's ``fractional_pool_common.cc``."""
    number, u = _wanted(length, window, axis), window.offsets[axis]
    if number > length:
        raise ShapeError(f"{number} disjoint windows do not fit {length} cells", Phrase("use a smaller {output_size}"))
    _check_listed(number)
    alpha = length / number
    least = int(alpha)
    room = min((least + 2) / alpha - 1, (length + 1 - least) / alpha - (number - 1))
    inner = [max(math.ceil(alpha * (i + u * room)) - 1, i * least) for i in range(1, number)]  # never an empty window
    bounds = (0, *inner, length)
    return Axis(length, bounds[:-1], bounds[1:])


def fractional_overlapping(length: int, window: Window, axis: int) -> Axis:
    """Cut the axis, and give each window the first cell of the next, like TensorFlow's ``overlapping=True``."""
    apart = fractional_disjoint(length, window, axis)
    return Axis(length, apart.starts, tuple(min(stop + 1, length) for stop in apart.stops))


KINDS: dict[str, Callable[[int, Window, int], Axis]] = {
    "sliding": sliding,
    "global": whole,
    "adaptive": adaptive,
    "fractional": fractional,
    "fractional-disjoint": fractional_disjoint,
    "fractional-overlapping": fractional_overlapping,
}


SIGNALS = 10  # times as long as wide: rather signals side by side than a map


class Window(NamedTuple):
    """A window as it was asked for, one entry per spatial axis; make it with :meth:`of`."""

    kind: str = "sliding"  # a row of `KINDS`
    # size, stride, dilation: cells; `size` is empty if the window follows from the input
    size: tuple[int, ...] = ()
    stride: tuple[int, ...] = ()
    padding: str | Pairs = "valid"  # valid, same, same-lower, or cells before and after
    dilation: tuple[int, ...] = ()
    ceil_mode: bool = False  # round the number of windows up
    # the number of windows, for kinds that are given it; 0 keeps an axis as it is
    output_size: tuple[int, ...] = ()
    offsets: tuple[float, ...] = ()  # the random offset u of fractional windows, 0 <= u < 1
    same_ignores_dilation: bool = False  # onnxruntime's SAME pads as if the dilation were 1
    # whether rounding up drops a last window that starts in trailing padding: clipped, clipped-if-padded or whole
    rounding: str = "clipped"
    # a window larger than the input is refused, or gives one value or none
    too_large: str = "refused"
    # for fractional windows without `output_size`: outputs per cell of the axis, or cells per window if they have no
    # size
    output_ratio: tuple[float, ...] = ()

    @classmethod
    def of(
        cls,
        ndim: int,
        *,
        kind: str = "sliding",
        size: int | Sequence[int] = 2,
        stride: int | Sequence[int] | None = None,
        padding: Padding = "valid",
        dilation: int | Sequence[int] = 1,
        ceil_mode: bool = False,
        output_size: int | Sequence[int | None] | None = None,
        output_ratio: float | Sequence[float] | None = None,
        offsets: Sequence[float] = (),
        same_ignores_dilation: bool = False,
        rounding: str = "clipped",
        too_large: str = "refused",
    ) -> Window:
        """Check the options and bring each to one entry per spatial axis.

        They are those of the fields, or one number for all axes; `stride` None means `size`. For `padding` see
        `parse_padding`.

        Examples
        --------
        >>> Window.of(2, size=3).stride
        (3, 3)
        """
        if kind == "global":
            return cls("global")
        target = _target(output_size, ndim, kind)
        if kind == "adaptive":
            return cls("adaptive", output_size=target)
        if isinstance(padding, str):
            padding = parse_padding(padding)
        sizes = () if kind.startswith("fractional-") else _spread(size, ndim, "size", 1)
        if kind.startswith("fractional"):
            if len(offsets) != ndim or not all(0 <= u < 1 for u in offsets):
                what = f"offsets {tuple(offsets)} are not {ndim} numbers from 0 up to but not including 1"
                raise UsageError(what, "give one for each spatial axis, such as 0.5")
            shares = _shares(output_ratio, ndim, kind)
            return cls(kind, size=sizes, output_size=target, offsets=tuple(offsets), output_ratio=shares)
        return cls(
            kind,
            sizes,
            sizes if stride is None else _spread(stride, ndim, "stride", 1),
            padding if isinstance(padding, str) else _pairs(padding, ndim),
            _spread(dilation, ndim, "dilation", 1),
            ceil_mode,
            same_ignores_dilation=same_ignores_dilation,
            rounding=rounding,
            too_large=too_large,
        )

    def plan(self, lengths: Sequence[int]) -> tuple[Axis, ...]:
        """Place the windows on axes of these lengths.

        It is a `ShapeError` if an axis has no cell or no window fits, and a `LimitError` if there are too many to
        count.
        """
        if 0 in lengths:
            raise ShapeError(f"the input {times(lengths)} has no cells", "give it at least one along every axis")
        axes = tuple(KINDS[self.kind](length, self, axis) for axis, length in enumerate(lengths))
        if any(len(axis) == 0 for axis in axes):
            if self.too_large == "none":
                return axes
            raise self._too_large(lengths)
        if any(axis.stops[-1] - axis.starts[0] > MOST_WINDOWS for axis in axes):
            raise LimitError(
                f"{times([len(axis) for axis in axes])} windows are more than poolcli can count",
                "use less padding or a smaller size",
            )
        return axes

    def plan_kernel(self, lengths: Sequence[int]) -> tuple[Axis, ...]:
        """Place a kernel, whose size is given, like `plan`."""
        try:
            return self.plan(lengths)
        except ShapeError as problem:
            hint = Phrase("use a smaller kernel, or padding{typed}", typed=Typed(Phrase(" ({filter_padding})")))
            raise ShapeError(problem.message.replace("window", "kernel", 1), hint) from None

    def _too_large(self, lengths: Sequence[int]) -> ShapeError:
        reach = [(k - 1) * d + 1 for k, d in zip(self.size, self.dilation, strict=True)]
        pads = [_pads(length, self, axis) for axis, length in enumerate(lengths)]
        roomy = [length + sum(pad) for length, pad in zip(lengths, pads, strict=True)]
        window = f"window {times(self.size)}" + (f" (dilated {times(reach)})" if reach != list(self.size) else "")
        given = f"the input {times(lengths)}" + (f" (padded {times(roomy)})" if roomy != list(lengths) else "")
        rooms = ((room - 1) // d + 1 for room, d in zip(roomy, self.dilation, strict=True))
        fits = tuple(map(min, self.size, rooms))
        needs = tuple(_ceil_div(max(r - length, 0), 2) for r, length in zip(reach, lengths, strict=True))
        padded = self._replace(padding=tuple((need, need) for need in needs))
        axes = [KINDS[self.kind](length, padded, axis) for axis, length in enumerate(lengths)]
        works = all(axis.reached or axis.counts().all() for axis in axes)
        enough = Phrase(", or {padding}", padding=needs[0] if len(set(needs)) == 1 else needs) if works else ""
        advice = Phrase("{size}", size=fits[0] if len(set(fits)) == 1 else fits) + enough
        along = tuple(1 if length < size else size for size, length in zip(self.size, lengths, strict=True))
        if max(along) > 1 and max(self.dilation) == 1:
            one = Phrase("{size}", size=along)
            if 1 in lengths:
                advice = one + (
                    Phrase(", or {layout} if it is one line of numbers", layout="L") if len(lengths) == 2 else ""
                )
            elif len(lengths) == 2 and max(lengths) >= SIGNALS * min(lengths):
                advice = one + f" for each {'row' if along[0] == 1 else 'column'} by itself, or " + advice
        return ShapeError(f"{window} is larger than {given}", advice)

    def record(self) -> dict[str, Any]:
        """Return the parameters for `of` to make this window again, as in JSON."""
        if self.kind == "global":
            return {"global": True}
        if self.kind == "adaptive":
            return {"output_size": [number or None for number in self.output_size]}
        if self.kind != "sliding":
            ratio = {"output_ratio": list(self.output_ratio)}
            target = ratio if self.output_ratio else {"output_size": list(self.output_size)}
            sizes = {"size": list(self.size)} if self.size else {}
            return {**sizes, **target, "fractional": True, "offsets": list(self.offsets)}
        record: dict[str, Any] = {"size": list(self.size), "stride": list(self.stride)}
        if self.padding != "valid" and any(pair != (0, 0) for pair in self.padding):
            record["padding"] = self.padding if isinstance(self.padding, str) else [list(p) for p in self.padding]
        if any(d != 1 for d in self.dilation):
            record["dilation"] = list(self.dilation)
        if self.ceil_mode:
            record["ceil_mode"] = True
        return record


def recorded_window(ndim: int, record: Mapping[str, Any]) -> Window:
    """Return the sliding window of recorded pooling, as far as unpooling needs it."""
    stride, padding = record.get("stride"), record.get("padding", "valid")
    return Window.of(ndim, size=record.get("size", 2), stride=stride, padding=padding)


FEWER_WINDOWS = Phrase("use a larger {stride} or less padding")


def output_shape(lead: Sequence[int], axes: Sequence[Axis]) -> tuple[int, ...]:
    """Return the shape of the output, or raise `LimitError` if 8-byte values would not fit into memory."""
    shape = (*lead, *map(len, axes))
    check_memory(8 * math.prod(shape), f"an output of {times(shape)}", FEWER_WINDOWS)
    return shape


def check_empty(axes: Sequence[Axis]) -> None:
    """Raise `EmptyWindowError` with the number of windows without a real cell and the place of the first."""
    longest = max((len(axis) for axis in axes if not axis.reached), default=0)
    if not longest:
        return
    import numpy as np

    check_memory(COUNTING * longest, f"a count of the cells of {longest} windows along an axis", "use less padding")
    holes = [np.array([], np.int64) if axis.reached else np.flatnonzero(axis.counts() == 0) for axis in axes]
    if not any(len(hole) for hole in holes):
        return
    total = math.prod(len(axis) for axis in axes)
    good = math.prod(len(axis) - len(hole) for axis, hole in zip(axes, holes, strict=True))
    # the first in row-major order: while the other axes are at their first window, a hole on the last axis comes first
    firsts = [0] * len(axes)
    if not any(len(hole) and hole[0] == 0 for hole in holes):
        last = max(i for i, hole in enumerate(holes) if len(hole))
        firsts[last] = int(holes[last][0])
    raise EmptyWindowError(
        f"{total - good} of {total} windows hold no real cell, the first at {tuple(firsts)}",
        Phrase("use less padding, a smaller {dilation}, or give the padding values with {pad_fill}", pad_fill=0),
    )


def _spread(value: Any, ndim: int, what: str, least: int) -> tuple[int, ...]:
    try:
        values = (
            (operator.index(value),) * ndim if not isinstance(value, Sequence) else tuple(map(operator.index, value))
        )
    except TypeError:
        name, number = what.replace("-", "_"), 2 if least else 1
        meant = [number, (number,) * ndim]
        if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}(x[0-9]{1,9}){0,2}", value):
            meant = [parse_sizes(value, what)]
        first, *each = (Phrase(f"{{{name}}}", **{name: one}) for one in meant)
        raise UsageError(
            f"{what} {given(value)} is not a whole number or one per axis",
            "such as " + first + "".join(f", or for each axis {one}" for one in each),
        ) from None
    if len(values) != ndim:
        raise UsageError(
            f"{what} {times(values)} has {len(values)} numbers, but the input has {ndim} spatial axes",
            f"give one number, or one for each of the {ndim} axes",
        )
    if min(values) < least:
        option = what.replace("-", "_")
        raise UsageError(
            f"{what} {times(values)} is less than {least}", Phrase(f"{{{option}}} or more", **{option: least})
        )
    return values


def _target(output_size: int | Sequence[int | None] | None, ndim: int, kind: str) -> tuple[int, ...]:
    """Return the number of windows along each axis, 0 for an axis kept as it is."""
    if output_size is None:
        return ()
    if not isinstance(output_size, list | tuple):
        return _spread(output_size, ndim, "output-size", 1)
    sizes = _spread([1 if size is None else size for size in output_size], ndim, "output-size", 1)
    if None in output_size and kind != "adaptive":
        raise UsageError("only adaptive windows keep an axis as it is", "give the output of every axis")
    return tuple(0 if said is None else size for said, size in zip(output_size, sizes, strict=True))


SHARE_HINT = Phrase("use numbers between 0 and 1, such as {output_ratio}", output_ratio=0.5)
RATIO_HINT = Phrase("it says how many cells there are to a window: {output_ratio}", output_ratio=1.44)


def _shares(output_ratio: float | Sequence[float] | None, ndim: int, kind: str) -> tuple[float, ...]:
    """Return the outputs per cell of each axis, or the cells per window for windows with bounds."""
    if output_ratio is None:
        return ()
    given: Any = output_ratio if isinstance(output_ratio, list | tuple) else [output_ratio]
    numeric = all(isinstance(one, int | float) and not isinstance(one, bool) for one in given)
    if kind == "fractional" and not (numeric and all(0 < one < 1 for one in given)):
        raise UsageError(Phrase("{output_ratio} {0} is not between 0 and 1", times(given)), SHARE_HINT)
    if kind != "fractional" and not (numeric and all(1 <= one < math.inf for one in given)):
        raise UsageError(Phrase("{output_ratio} {0} is less than 1", times(given)), RATIO_HINT)
    shares: tuple[float, ...] = tuple(given) if isinstance(output_ratio, Sequence) else (*given,) * ndim
    if len(shares) != ndim:
        raise UsageError(
            f"output-ratio has {len(shares)} numbers, but the input has {ndim} spatial axes",
            f"give one number, or one for each of the {ndim} axes",
        )
    return shares


def is_flat(padding: Any, ndim: int) -> TypeGuard[Sequence[int]]:
    """Whether padding is begin,end of so many axes in one list."""
    return isinstance(padding, list | tuple) and len(padding) == 2 * ndim and not isinstance(padding[0], Sequence)


def _pairs(padding: int | Sequence[Any], ndim: int) -> Pairs:
    if is_flat(padding, ndim):
        padding = tuple(zip(padding[::2], padding[1::2], strict=True))
    if isinstance(padding, Sequence) and padding and isinstance(padding[0], Sequence):
        if len(padding) != ndim or any(not isinstance(pair, Sequence) or len(pair) != 2 for pair in padding):
            raise UsageError(
                f"padding has {len(padding)} begin,end pairs, but the input has {ndim} spatial axes",
                f"give {2 * ndim} numbers: begin,end for each axis",
            )
        flat = _spread([side for pair in padding for side in pair], 2 * ndim, "padding", 0)
        return tuple(zip(flat[::2], flat[1::2], strict=True))
    return tuple((side, side) for side in _spread(padding, ndim, "padding", 0))

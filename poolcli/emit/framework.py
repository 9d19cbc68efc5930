"""What the programs for frameworks share: every mode built from maxima and averages of windows."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

from poolcli.emit.geometry import (
    compat_of,
    is_high_norm,
    is_padded,
    pads_of,
    reach_of,
    sides_of,
    truncates,
    without_idle_ceil,
)
from poolcli.emit.program import CODE_WIDTH, INSTEAD, Program, as_code, without_point
from poolcli.pooling.framework import LayerFacts
from poolcli.window import Window
from poolcli.wording import Phrase

if TYPE_CHECKING:
    from poolcli.pooling.layer import Pooling

SUM, PRODUCT, UNARY, POWER, ATOM = range(5)  # how tightly an expression binds


@dataclass(frozen=True)
class Value:
    """An expression in the emitted program: text, or the name of a node's output."""

    program: FrameworkProgram  # knows how to write operations
    text: str
    level: int = ATOM  # how tightly it binds

    def __neg__(self) -> Value:
        return self.program.operation("neg", self)

    def __abs__(self) -> Value:
        return self.program.operation("abs", self)

    def __add__(self, other: Value) -> Value:
        return self.program.operation("add", self, other)

    def __truediv__(self, other: Value | float) -> Value:
        return self.program.operation("div", self, other)

    def __rmul__(self, factor: float) -> Value:
        return self.program.operation("mul", factor, self)

    def power(self, p: float) -> Value:
        """Raise to a power."""
        return self.program.operation("pow", self, without_point(p))

    def root(self, p: float) -> Value:
        """Take the p-th root."""
        return self.program.operation("root", self, without_point(p))


Pool = Callable[[str, Value], Value]
IDENTITIES: Mapping[str, Callable[[Pool, Value, float], Value]] = {
    "max": lambda pool, t, _: pool("max", t),
    "min": lambda pool, t, _: -pool("max", -t),
    "avg": lambda pool, t, _: pool("avg", t),
    "sum": lambda pool, t, _: pool("sum", t),
    "range": lambda pool, t, _: pool("max", t) + pool("max", -t),
    "rms": lambda pool, t, _: pool("avg", t.power(2)).root(2),
    "lp": lambda pool, t, p: pool("max", abs(t)) if math.isinf(p) else pool("lp", t),
    "mixed": lambda pool, t, a: a * pool("max", t) + (1 - a) * pool("avg", t),
}
ONE_CALL = ("max", "min", "sum", "lp")  # modes that do not need the tensor any more once it is padded


def _runs_late(window: Window) -> bool:
    """Whether rounding up could place a window in trailing padding once that has values."""
    rows = zip(sides_of(window) or (), window.stride, reach_of(window), strict=False)
    return window.ceil_mode and any(after and after + stride > reach for (_, after), stride, reach in rows)


@dataclass(frozen=True)
class Refusal:
    """Layers for which a target has no code."""

    broken: Callable[[Pooling], bool]  # whether a layer is one of them
    why: str  # the reason, a sentence


COMMON = (
    Refusal(lambda layer: 0 in layer.window.output_size, "its code needs the output size of every axis"),
    Refusal(
        lambda layer: bool(layer.divisor_override) and layer.window.kind == "adaptive",
        "its adaptive pooling has no divisor_override",
    ),
    Refusal(lambda layer: layer.nan == "ignore", "its pooling cannot leave out NaN"),
)

DISJOINT = Refusal(
    lambda layer: layer.window.kind.startswith("fractional-"),
    "no layer takes the random offset of TensorFlow's fractional windows",
)
UNADAPTED = Refusal(
    lambda layer: layer.window.kind == "adaptive" and layer.mode.mode.name in ("sum", "lp"),
    "its adaptive pooling is max or average",
)


class FrameworkProgram(Program):
    """A program for a framework with maxima and averages of windows, from which `IDENTITIES` build the other modes.

    While a layer is being written, its text has placeholders for calls. A single call then replaces its placeholder;
    several become statements.
    """

    refusals: ClassVar[tuple[Refusal, ...]] = ()
    fills: ClassVar[Mapping[str, str]] = {}
    pad: ClassVar[tuple[str, str, str]]  # the function that pads, its argument for a number, and where infinity is
    like: ClassVar[str]  # ones in the shape of the tensor
    forms: ClassVar[Mapping[str, tuple[str, int, int]]] = {
        "neg": ("-{}", UNARY, UNARY),
        "abs": ("abs({})", ATOM, SUM),
        "add": ("{} + {}", SUM, SUM),
        "mul": ("{} * {}", PRODUCT, UNARY),
        "div": ("{} / {}", PRODUCT, UNARY),
        "pow": ("{} ** {}", POWER, ATOM),
        "root": ("{} ** (1 / {})", POWER, ATOM),
    }

    def __init__(self, ndim: int) -> None:
        super().__init__(ndim)
        self.tensor = "t"
        self.guards: list[str] = []
        self.calls: list[str] = []
        self.sides = ""

    # what each framework defines

    def native(self, kind: str, layer: Pooling) -> bool:
        """Whether a layer of the framework pads, dilates and rounds up as this one does."""
        raise NotImplementedError

    def call(self, kind: str, t: Value, layer: Pooling, window: Window) -> Value:
        """Write the framework's layer: the ``max``, ``avg``, ``sum`` or ``lp`` of these windows."""
        raise NotImplementedError

    def widths(self, pads: list[str]) -> str:
        """Write the pads of each axis, such as ``(1, 1)``, as the framework's padding wants them."""
        raise NotImplementedError

    def lengths(self) -> list[str]:
        """Return the lengths of the spatial axes of the tensor."""
        raise NotImplementedError

    def special(self, layer: Pooling) -> bool:  # noqa: ARG002 - for a framework with more code
        """Write a mode that no identity builds, if the framework can; return whether it did."""
        return False

    # what all frameworks share

    def padded(self, t: Value, value: str | float) -> Value:
        """Write padding as wide as `sides`, with a number or a row of `fills`."""
        function, argument, home = self.pad
        how = f'mode="{self.fills[value]}"' if isinstance(value, str) else f"{argument}={as_code(value, home)}"
        return Value(self, self.function(function, t.text, self.sides, *([how] if value != 0 else [])))

    def ones(self) -> Value:
        """Return ones in the shape of the tensor."""
        return Value(self, self.like)

    def knows(self, layer: Pooling) -> bool:
        """Whether it can write a layer as it is: its own, or one that computes the mode as poolcli does."""
        return super().knows(layer) and (compat_of(layer) == self.name or not (_own_version(layer) or truncates(layer)))

    def pool(self, layer: Pooling) -> None:
        """Write a pooling layer."""
        if compat_of(layer) != self.name:
            layer = replace(layer, window=without_idle_ceil(layer.window))
        mode = layer.mode.mode.name
        counts = layer.count_include_pad and layer.mode.mode.divides and not layer.divisor_override
        layer = replace(layer, count_include_pad=counts)
        self._check(layer)
        counted = mode == "avg" and layer.count_include_pad and not self.native("avg", layer)
        if layer.pad_fill != "ignore" or counted:
            layer = self._fill(layer)
        if self.special(layer):
            return
        if mode not in IDENTITIES or (is_high_norm(layer) and compat_of(layer) != self.name):
            hint = None if layer.mode.mode.numpy else INSTEAD
            self.refuse(f"it has no {layer.mode} pooling, and no formula builds it from maxima and averages", hint)
        if layer.divisor_override and truncates(layer):
            self.refuse_input('x.dtype.kind != "f"', "whole numbers would be truncated")
        row = IDENTITIES[mode]
        self.assign(row(lambda kind, t: self._pooled(kind, t, layer), Value(self, self.tensor), layer.mode.parameter))

    def _check(self, layer: Pooling) -> None:
        for refusal in (*COMMON, *self.refusals):
            if refusal.broken(layer):
                self.refuse(refusal.why)
        if layer.pad_fill != "ignore" and isinstance(layer.pad_fill, str) and layer.pad_fill not in self.fills:
            self.refuse(f"it cannot pad with {layer.pad_fill}")

    def _fill(self, layer: Pooling) -> Pooling:
        """Write the padding as a statement, and return the layer that pools the result."""
        if _runs_late(layer.window):
            self.refuse(Phrase("with {ceil_mode} a window would start in the padding, which has values here"))
        value = 0 if layer.pad_fill == "ignore" else layer.pad_fill
        if is_padded(layer.window):
            self.assign(self.around(Value(self, self.tensor), layer.window._replace(ceil_mode=False), value))
        return replace(layer, window=layer.window._replace(padding="valid"), pad_fill="ignore", count_include_pad=False)

    def _pooled(self, kind: str, t: Value, layer: Pooling) -> Value:
        window = layer.window
        if kind == "avg" and layer.divisor_override:
            return self._pooled("sum", t, layer) / layer.divisor_override
        if kind == "lp" and not self.native(kind, layer):
            p = layer.mode.parameter
            return self._pooled("sum", abs(t).power(p), layer).root(p)
        if window.kind != "sliding" or self.native(kind, layer):
            return self.call(kind, t, layer, window)
        plain = window._replace(padding="valid", ceil_mode=False)
        if not (is_padded(window) or window.ceil_mode):
            return self.call(kind, t, layer, plain)
        if kind == "avg" and layer.count_include_pad and window.ceil_mode:
            why = "count_include_pad with {ceil_mode} and this padding counts cells that no layer of it counts"
            self.refuse(Phrase(why))
        padded = self.around(t, window, -math.inf if kind == "max" else 0)
        total = self.call(kind, self.staged(padded) if layer.mode.mode.name in ONE_CALL else padded, layer, plain)
        if kind != "avg" or layer.count_include_pad:
            return total
        return total / self.call(kind, self.around(self.ones(), window, 0), layer, plain)

    def check_indices(self, layer: Pooling) -> Value:
        """Return the tensor whose maxima have the indices; refuse a layer whose indices the framework cannot give."""
        if compat_of(layer) not in (None, self.name):
            self.refuse(Phrase("it does not number indices as {compat} does", compat=compat_of(layer)))
        self._check(layer)
        if layer.window.kind == "sliding" and not self.native("max", layer):
            self.refuse("no layer of it pads like this, and padding before it would shift the indices")
        t = Value(self, self.tensor)
        return -t if layer.mode.mode.name == "min" else t

    def around(self, t: Value, window: Window, value: str | float) -> Value:
        """Pad as far as any window reaches."""
        self.sides = self.sides or self.widths(pads_of(self.help, window, self.lengths()))
        return self.padded(t, value)

    def staged(self, value: Value) -> Value:
        """Make `value` the tensor in a statement of its own."""
        self.body.append(f"{self.tensor} = {value.text}")
        return Value(self, self.tensor)

    def operation(self, name: str, *operands: Value | float) -> Value:
        """Write an operation, with brackets where necessary."""
        form, level, least = self.forms[name]
        if name == "root" and operands[1] == 2:
            return self.operation("pow", operands[0], 0.5)
        texts = [o.text if isinstance(o, Value) else as_code(without_point(o), "math") for o in operands]
        levels = [o.level if isinstance(o, Value) else ATOM for o in operands]
        texts = [f"({text})" if own < least else text for text, own in zip(texts, levels, strict=True)]
        if name == "pow" and texts[0].isidentifier():
            form = "{}**{}"
        return Value(self, form.format(*texts), level)

    def placed(self, call: str) -> Value:
        """Return a placeholder for a layer's call."""
        self.calls.append(call)
        return Value(self, f"@{len(self.calls)}")

    def assign(self, value: Value) -> None:
        """Write the statements that assign `value` to the tensor."""
        text, calls = value.text, self.calls
        alone = len(calls) == 1 and (text == "@1" or len(text) + len(calls[0]) < CODE_WIDTH - 8)
        names = calls if alone else [self.tensor] if len(calls) == 1 else list("abcdef"[: len(calls)])
        for place, name in enumerate(names):
            text = text.replace(f"@{place + 1}", name)
        if not alone:
            self.body += [f"{name} = {call}" for name, call in zip(names, calls, strict=True)]
            text = re.sub(r"^(\w) \*\* ([\d.]+)$", r"\1**\2", text)
        self.body.append(f"{self.tensor} = {text}")
        self.calls, self.sides = [], ""

    def refuse_nan(self, why: str) -> None:
        """Write the lines that refuse NaN in the input."""
        if not self.unguarded:
            super().refuse_nan(why)

    def refuse_input(self, which: str, why: str) -> None:
        """Write the lines that refuse an input, before it becomes a tensor."""
        self.guards += [f"if {which}:", f'    raise ValueError("{why}")']

    def function(self, name: str, *arguments: str, **named: str) -> str:
        """Write a call."""
        return f"{name}({', '.join([*arguments, *(f'{key}={value}' for key, value in named.items())])})"

    def sizes(self, values: Sequence[int]) -> str:
        """Write one number for each axis, without brackets for a single axis."""
        return str(tuple(values) if self.ndim > 1 else values[0])


def _own_version(layer: Pooling) -> bool:
    """Whether the framework of ``compat`` has its own version of the mode."""
    import numpy as np

    facts = LayerFacts(layer, np.dtype(np.float64))
    return layer.framework is not None and layer.framework.row(facts) is not layer.mode.mode

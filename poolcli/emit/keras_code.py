"""Code for Keras."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, ClassVar

from poolcli.emit.framework import DISJOINT, UNADAPTED, FrameworkProgram, Refusal, Value
from poolcli.emit.geometry import compat_of, is_dilated, is_padded
from poolcli.emit.program import as_code, kernel_of
from poolcli.window import Window

if TYPE_CHECKING:
    from poolcli.pooling.layer import Pooling
    from poolcli.steps.steps import ConvStep


class Keras(FrameworkProgram):
    """A program for Keras, with any backend; it computes in float32, channels last."""

    name, title = "keras", "Keras"
    pad, like = ("keras.ops.pad", "constant_values", ""), "keras.ops.ones_like(t)"
    fills: ClassVar = {"reflect": "reflect"}  # its symmetric differs on its torch backend
    refusals = (
        DISJOINT,
        Refusal(lambda layer: is_dilated(layer.window), "its pooling layers have no dilation"),
        Refusal(lambda layer: layer.window.kind == "fractional", "its fractional pooling draws its own offsets"),
        UNADAPTED,
    )

    def lines(self) -> list[str]:
        """Return the lines of ``pool``."""
        start = f't = x.reshape(-1, *x.shape[-{self.ndim}:], 1).astype("float32")'
        end = f"return keras.ops.convert_to_numpy(t).reshape(*x.shape[:-{self.ndim}], *t.shape[1:-1])"
        return [*self.guards, start, *self.body, end]

    def indexed(self, layer: Pooling) -> None:  # noqa: ARG002 - one signature for all
        """Refuse: no layer of Keras returns indices."""
        self.refuse("its layers return no indices")

    def conv(self, step: ConvStep, window: Window) -> None:
        """Write a convolution."""
        self.body.append(f'kernel = np.array({as_code(kernel_of(step), "np")}, "float32")[..., None, None]')
        t = self.around(Value(self, "t"), window, 0) if is_padded(window) else Value(self, "t")
        steps = {"strides": self.sizes(window.stride)}
        steps |= {"dilation_rate": self.sizes(window.dilation)} if is_dilated(window) else {}
        total = self.placed(self.function("keras.ops.conv", t.text, "kernel", **steps))
        self.assign(self.operation("add", total, step.bias) if step.bias else total)

    def relu(self) -> None:
        """Write a ReLU."""
        self.body.append("t = keras.ops.relu(t)")

    def lengths(self) -> list[str]:
        """Return the lengths of the spatial axes of the tensor."""
        return [f"t.shape[{axis}]" for axis in range(1, self.ndim + 1)]

    def widths(self, pads: list[str]) -> str:
        """Write the pads of every axis."""
        text = f"[{', '.join(['(0, 0)', *pads, '(0, 0)'])}]"
        if all(pair.startswith("(") for pair in pads):
            return text
        self.body.append(f"sides = {text}")
        return "sides"

    def native(self, kind: str, layer: Pooling) -> bool:
        """Whether a layer of Keras pads as this one does on all backends: torch's SAME average counts padding."""
        window = layer.window
        if kind == "lp":
            return False
        if window.padding == "same":
            return kind == "max" or (kind == "avg" and compat_of(layer) == "keras")
        return not (is_padded(window) or window.ceil_mode)

    def call(self, kind: str, t: Value, layer: Pooling, window: Window) -> Value:  # noqa: ARG002 - one signature for all
        """Write Keras's layer."""
        n, long = self.ndim, "Max" if kind == "max" else "Average"
        if window.kind == "global" and kind == "sum":
            axes = tuple(range(1, n + 1)) if n > 1 else 1
            return self.placed(f"keras.ops.sum({t.text}, axis={axes}, keepdims=True)")
        if window.kind == "global":
            return self.placed(f"keras.layers.Global{long}Pooling{n}D(keepdims=True)({t.text})")
        if window.kind == "adaptive":
            return self.placed(f"keras.layers.Adaptive{long}Pooling{n}D({self.sizes(window.output_size)})({t.text})")
        sizes = {"pool_size": self.sizes(window.size), "strides": self.sizes(window.stride)}
        sizes |= {"padding": '"same"'} if window.padding == "same" else {}
        pooled = self.placed(f"{self.function(f'keras.layers.{long}Pooling{n}D', **sizes)}({t.text})")
        return math.prod(window.size) * pooled if kind == "sum" else pooled

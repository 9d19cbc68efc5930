"""Code for PyTorch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, ClassVar

from poolcli.emit.framework import ATOM, DISJOINT, UNADAPTED, FrameworkProgram, Refusal, Value
from poolcli.emit.geometry import (
    compat_of,
    is_dilated,
    is_high_norm,
    is_padded,
    outputs_of,
    reach_of,
    sides_of,
    truncates,
)
from poolcli.emit.program import TRUNCATED, as_code, kernel_of, without_point
from poolcli.pooling.modes import MODES
from poolcli.window import Window, recorded_window
from poolcli.wording import Phrase

if TYPE_CHECKING:
    from poolcli.pooling.layer import Pooling
    from poolcli.steps.steps import ConvStep, GradStep, UnpoolStep


TORCH_PERCENTILE = """
def percentile(w, q):
    w = w.sort(dim=-1).values
    place = (w.shape[-1] - 1) * (q / 100)
    low, share = int(place), place % 1
    a, b = w[..., low], w[..., math.ceil(place)]
    value = (1 - share) * a + share * b if share else a
    return torch.where(w[..., -1].isnan(), torch.nan, value)
"""
TORCH_SOFT = """
def soft(w):
    top = w.amax(dim=-1, keepdim=True)
    weights = torch.where(w == top, 1, (w - top).exp())
    return (torch.where(weights == 0, 0, w) * weights).sum(dim=-1) / weights.sum(dim=-1)
"""
TORCH_WINDOWS: Mapping[str, tuple[str, str]] = {  # the value of windows w with cells on the last axis, and its helper
    "median": ("(w.median(dim=-1).values - (-w).median(dim=-1).values) / 2", ""),
    "percentile": ("percentile(w, {p})", TORCH_PERCENTILE),
    "std": ("w.std(dim=-1, correction=0)", ""),
    "var": ("w.var(dim=-1, correction=0)", ""),
    "logavgexp": ("(torch.logsumexp({p} * w, dim=-1) - math.log(w.shape[-1])) / {p}", ""),
    "soft": ("soft(w)", TORCH_SOFT),
    "lp": ("torch.logsumexp({p} * abs(w).log(), dim=-1).div({p}).exp()", ""),
}


class Torch(FrameworkProgram):
    """A program for PyTorch."""

    name, title = "torch", "PyTorch"
    pad, like = ("F.pad", "value", "torch"), "torch.ones_like(t)"
    fills: ClassVar = {"reflect": "reflect", "replicate": "replicate", "wrap": "circular"}
    refusals = (
        DISJOINT,
        Refusal(
            lambda layer: layer.mode.mode.name == "majority",
            "torch.mode takes the smallest of equally frequent values, not the first",
        ),
        Refusal(lambda layer: layer.mode.mode.name == "stochastic", "its random numbers are not those of the seed"),
        UNADAPTED,
        Refusal(
            lambda layer: layer.window.kind == "fractional" and layer.mode.mode.name not in ("max", "min", "range"),
            "its fractional pooling is max only",
        ),
    )

    def __init__(self, ndim: int) -> None:
        super().__init__(ndim)
        self.floats = True
        self.convolved = False
        self.graded = False  # whether the gradient is asked for

    def lines(self) -> list[str]:
        """Return the lines of ``pool``."""
        cells = 'x if x.dtype.kind == "f" else x.astype(float)' if self.floats else "x"
        start = [f"t = torch.tensor({cells})", f"t = t.reshape(-1, 1, *x.shape[-{self.ndim}:])"]
        if self.graded:
            leaf = [f"leaf = torch.tensor({cells}, requires_grad=True)", start[1].replace("t.reshape", "leaf.reshape")]
            return [*self.guards, *leaf, *self.body, "t.sum().backward()", "return leaf.grad.numpy()"]
        shape = f"*x.shape[:-{self.ndim}], *t.shape[2:]"
        end = [f"return t.numpy().reshape({shape})"]
        if self.traced:
            end = [f"shape = {shape}", "return t.numpy().reshape(shape), i.numpy().reshape(shape)"]
        return [*self.guards, *start, *self.body, *end]

    def pool(self, layer: Pooling) -> None:
        """Write a pooling layer."""
        with self._prepared(layer):
            super().pool(layer)

    def indexed(self, layer: Pooling) -> None:
        """Write a pooling layer that returns indices."""
        if layer.storage_order:
            self.refuse("its indices count rows first")
        if compat_of(layer) is None:
            self.refuse_nan("PyTorch's index of NaN is that of the last one")
        with self._prepared(layer):
            self.call("max", self.check_indices(layer), layer, layer.window)
            self.body.append(f"t, i = {self.calls.pop().removesuffix(')')}, return_indices=True)")
            self.body += ["t = -t"] if layer.mode.mode.name == "min" else []

    @contextmanager
    def _prepared(self, layer: Pooling) -> Iterator[None]:
        """Write what a pooling layer needs around it: types, and one more axis for fractional windows in 1-D."""
        whole_too = layer.mode.mode.name in ("max", "avg", "sum", "lp") and compat_of(layer) == "torch"
        self.floats = self.convolved or (self.floats and not whole_too)
        if not self.floats and truncates(layer):
            self.remarks = TRUNCATED
        fractional = layer.window.kind == "fractional"
        self.body += [f"t = t.double(){'.unsqueeze(2)' if self.ndim == 1 else ''}"] if fractional else []
        yield
        self.body += ["t = t.squeeze(2)"] if fractional and self.ndim == 1 else []

    def special(self, layer: Pooling) -> bool:
        """Write a mode of `TORCH_WINDOWS`, and return whether this was one."""
        name, window = layer.mode.mode.name, layer.window
        if name not in TORCH_WINDOWS or (name == "lp" and (not is_high_norm(layer) or compat_of(layer) == "torch")):
            return False
        if window.kind not in ("sliding", "global") or is_padded(window) or window.ceil_mode:
            self.refuse(f"{layer.mode} needs windows of one size without padding")
        value, helper = TORCH_WINDOWS[name]
        self.help(helper) if helper else None
        self._unfold(window)
        self.body.append(f"t = {value.format(p=as_code(without_point(layer.mode.parameter)))}")
        return True

    def _unfold(self, window: Window) -> None:
        """Write the view w (planes, 1, windows..., cells) of the windows."""
        n = self.ndim
        if window.kind == "global":
            self.body.append(f"w = t.reshape(-1, 1, {'1, ' * n}math.prod(t.shape[2:]))")
            return
        rows = enumerate(zip(reach_of(window), window.stride, window.dilation, strict=True), 2)
        steps = [f".unfold({axis}, {k}, {s}){f'[..., ::{d}]' if d > 1 else ''}" for axis, (k, s, d) in rows]
        steps += [f".flatten(-{n})"] if n > 1 else []
        if is_dilated(window) and n == 3:
            self.body += [f"{'w = t' if place == 0 else 'w = w'}{step}" for place, step in enumerate(steps)]
        else:
            self.body.append(f"w = t{''.join(steps)}")

    def conv(self, step: ConvStep, window: Window) -> None:
        """Write a convolution."""
        self.floats = self.convolved = True
        self.body.append(f"kernel = torch.tensor({as_code(kernel_of(step), 'torch')}).to(t)[None, None]")
        t = self.around(Value(self, "t"), window, 0) if is_padded(window) else Value(self, "t")
        total = self.placed(self.function(f"F.conv{self.ndim}d", t.text, "kernel", **self._steps(window)))
        self.assign(self.operation("add", total, step.bias) if step.bias else total)

    def relu(self) -> None:
        """Write a ReLU."""
        self.body.append("t = F.relu(t)")

    def unpool(self, step: UnpoolStep) -> None:
        """Write max_unpool, which takes the indices as its second input."""
        known = step.per_axis(self.ndim)
        if self.body or known.get("compat") not in (None, self.name) or known.get("storage_order"):
            self.refuse("its max_unpool counts in the plane, rows first, and stands alone")
        window = recorded_window(self.ndim, known)
        sides = sides_of(window)
        if sides is None or any(before != after for before, after in sides):
            self.refuse("its max_unpool wants the same padding on both sides")
        named = {"kernel_size": self.sizes(window.size), "stride": self.sizes(window.stride)}
        named |= {"padding": self.sizes([side for side, _ in sides])} if any(map(any, sides)) else {}
        wanted = known.get("output_size") or known.get("shape")
        named |= {"output_size": str(tuple(wanted))} if wanted else {}
        self.inputs, self.floats = "x, i", False
        self.body.append("i = torch.tensor(i).reshape(t.shape)")
        self.body.append(f"t = {self.function(f'F.max_unpool{self.ndim}d', 't', 'i', **named)}")

    def backward(self, step: GradStep) -> None:
        """Write the gradient of a pooling layer, with ones arriving at its output."""
        if self.body or step.upstream is not None:
            self.refuse("it writes the gradient of a single layer, with ones upstream", Phrase("drop {upstream}"))
        layer = step.pool.layer(self.ndim)
        if compat_of(layer) not in (None, *self.follows):
            self.refuse(Phrase("it does not send gradients back as {compat} does", compat=compat_of(layer)))
        if not MODES[layer.mode.mode.name].gradient:
            self.refuse(f"mode {step.pool.mode} has no gradient here")
        if step.pool.mode.startswith("lp"):
            self.refuse("its gradient of a norm is NaN where the norm is 0")
        self.add(step.pool)
        if step.pool.options.get("compat") is None:
            self.refuse_nan("PyTorch's gradient at NaN goes to the last one")
        self.floats = self.graded = True
        self.remarks = ()

    def lengths(self) -> list[str]:
        """Return the lengths of the spatial axes of the tensor."""
        return [f"t.shape[{axis}]" for axis in range(-self.ndim, 0)]

    def widths(self, pads: list[str]) -> str:
        """Write the pads, last axis first."""
        if all(pair.startswith("(") for pair in pads):
            return f"({', '.join(pair.strip('()') for pair in reversed(pads))})"
        self.body.append(f"sides = [{', '.join(f'*{pair}' for pair in reversed(pads))}]")
        return "sides"

    def native(self, kind: str, layer: Pooling) -> bool:
        """Whether a layer of PyTorch pads, dilates and rounds up as this one does."""
        window, sides = layer.window, sides_of(layer.window)
        if kind == "lp":
            plain = not (is_padded(window) or window.ceil_mode or is_dilated(window))
            return window.kind == "sliding" and (plain or compat_of(layer) == "torch")
        if sides is None or (is_dilated(window) and kind != "max"):
            return False
        if kind == "sum" and self.ndim == 1 and window.ceil_mode:
            return False
        return all(a == b <= k // 2 for (a, b), k in zip(sides, window.size, strict=True))

    def _pooled(self, kind: str, t: Value, layer: Pooling) -> Value:
        window = layer.window
        if kind == "avg" and layer.divisor_override and window.kind == "sliding" and self.ndim > 1:
            kind = "avg" if is_dilated(window) else "sum"  # whose call has the divisor
        return super()._pooled(kind, t, layer)

    def call(self, kind: str, t: Value, layer: Pooling, window: Window) -> Value:
        """Write PyTorch's layer."""
        n, sides = self.ndim, sides_of(window) or ()
        if window.kind != "sliding":
            return self._irregular(kind, t, window)
        kernel, extra = {"kernel_size": self.sizes(window.size)}, self._steps(window)
        if any(map(any, sides)):
            extra["padding"] = self.sizes([before for before, _ in sides])
        if window.ceil_mode:
            extra["ceil_mode"] = "True"
        if kind == "lp":
            norm = {"norm_type": as_code(without_point(layer.mode.parameter))}
            t = t if compat_of(layer) == "torch" else abs(t)
            return self.placed(self.function(f"F.lp_pool{n}d", t.text, **norm, **kernel, **extra))
        if kind != "max" and is_dilated(window):
            ones = f"torch.ones(1, 1, {', '.join(map(str, window.size))}).to(t)"
            total = self.placed(self.function(f"F.conv{n}d", t.text, ones, **extra))
            return total / math.prod(window.size) if kind == "avg" else total
        if kind == "sum" and n > 1:
            extra["divisor_override"] = str(layer.divisor_override or 1)
        if kind == "avg" and "padding" in extra and not layer.count_include_pad:
            extra["count_include_pad"] = "False"
        name = "max" if kind == "max" else "avg"
        pooled = self.placed(self.function(f"F.{name}_pool{n}d", t.text, **kernel, **extra))
        return math.prod(window.size) * pooled if kind == "sum" and n == 1 else pooled

    def _irregular(self, kind: str, t: Value, window: Window) -> Value:
        n = self.ndim
        if window.kind == "fractional":
            return self._fractional(t, window)
        if kind == "sum":
            text = t.text if t.level == ATOM else f"({t.text})"
            return self.placed(f"{text}.sum(dim={tuple(range(-n, 0)) if n > 1 else -1}, keepdim=True)")
        size = "1" if window.kind == "global" else self.sizes(window.output_size)
        return self.placed(f"F.adaptive_{kind}_pool{n}d({t.text}, {size})")

    def _fractional(self, t: Value, window: Window) -> Value:
        """Write fractional max pooling, which takes the offsets last axis first in 2-D, but not in 3-D."""
        flat = (1,) if self.ndim == 1 else ()  # there is no 1-D, so `pool` added an axis
        n, u = max(self.ndim, 2), (0.0,) * len(flat) + window.offsets
        samples = f"u = torch.tensor([[{as_code(list(u[::-1] if n == 2 else u))}]], dtype=t.dtype)"
        if samples not in self.body:
            self.body += [samples, f"u = u.expand(len(t), 1, {n})"]
        wanted = ", ".join([*map(str, flat), *outputs_of(window, self.lengths())])
        named = {"kernel_size": str(flat + window.size), "output_size": f"({wanted})"}
        return self.placed(self.function(f"F.fractional_max_pool{n}d", t.text, **named, _random_samples="u"))

    def _steps(self, window: Window) -> dict[str, str]:
        """Return stride and dilation as arguments."""
        steps = {"stride": self.sizes(window.stride)}
        return steps | {"dilation": self.sizes(window.dilation)} if is_dilated(window) else steps

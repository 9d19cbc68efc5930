"""Code for NumPy: windows as a view or as slices, and the code in the mode's row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from poolcli.emit.geometry import (
    PADS,
    SAME,
    compat_of,
    is_dilated,
    is_high_norm,
    is_padded,
    outputs_of,
    pads_of,
    reach_of,
    sides_of,
    without_idle_ceil,
)
from poolcli.emit.program import INSTEAD, TRUNCATED, Program, as_code, indented, kernel_of, returning, without_point
from poolcli.pooling.modes import NumpyCode, lacking, parse_mode
from poolcli.steps.steps import ConvStep
from poolcli.window import FILLS, Window
from poolcli.wording import Phrase

if TYPE_CHECKING:
    from poolcli.pooling.layer import Pooling


MEDIAN = """
def median(w):
    if math.prod(w.shape[-{ndim}:]) % 2:
        return np.quantile(w, 0.5, {axis}, method="nearest")
    return np.median(w, {axis})
"""
MAJORITY = """
def majority(w):
    w = w.reshape(*w.shape[:-{ndim}], -1)
    votes = (w[..., None] == w[..., None, :]).sum(axis=-1)
    votes[np.isnan(w)] = {nan}
    winner = votes.argmax(axis=-1, keepdims=True)  # the one seen first wins a tie
    return np.take_along_axis(w, winner, axis=-1)[..., 0]
"""
PERCENTILE = """
def percentile(w, q):
    w = np.sort(w.reshape(*w.shape[:-{ndim}], -1), axis=-1)
    place = (w.shape[-1] - 1) * (q / 100)
    low, share = int(place), place % 1
    a, b = w[..., low], w[..., math.ceil(place)]
    value = (1 - share) * a + share * b if share else a
    return np.where(np.isnan(w[..., -1]), np.nan, value)
"""
PERCENTILE_IGNORING = """
def percentile(w, q):
    w = np.sort(w.reshape(*w.shape[:-{ndim}], -1), axis=-1)
    n = np.maximum(1, np.sum(~np.isnan(w), axis=-1, keepdims=True))
    place = (n - 1) * (q / 100)
    low, share = place.astype(int), (place % 1)[..., 0]
    high = np.minimum(low + 1, n - 1)
    a, b = (np.take_along_axis(w, i, axis=-1)[..., 0] for i in (low, high))
    return np.where(share == 0, a, (1 - share) * a + share * b)
"""
SOFT_AVERAGE = """
def soft(w):
    top = w.max({axis}, keepdims=True)
    weights = np.where(w == top, 1, np.exp(w - top))
    total = (np.where(weights == 0, 0, w) * weights).sum({axis})
    return total / weights.sum({axis})
"""
SOFT_IGNORING = """
def soft(w):
    top = np.fmax.reduce(w, {axis}, keepdims=True)
    weights = np.where(np.isnan(w), 0, np.where(w == top, 1, np.exp(w - top)))
    total = (np.where(weights == 0, 0, w) * weights).sum({axis})
    return total / weights.sum({axis})
"""
STOCHASTIC = """
def stochastic(w, draw):
    w = w.reshape(*w.shape[:-{ndim}], -1)
    weights = np.maximum({cells}, 0).astype(float)
    infinite = np.isinf(weights)
    weights = np.where(infinite.any(axis=-1, keepdims=True), infinite, weights)
    weights = np.where(weights.any(axis=-1, keepdims=True), weights, {real})
    reach = np.cumsum(weights / weights.max(axis=-1, keepdims=True), axis=-1)
    chosen = (reach <= (draw * reach[..., -1])[..., None]).sum(axis=-1)
    last = w.shape[-1] - 1 - (weights[..., ::-1] > 0).argmax(axis=-1)
    chosen = np.minimum(chosen, last){nan}
    return np.take_along_axis(w, chosen[..., None], axis=-1)[..., 0]
"""
NAN_WINS = """
    nan = np.isnan(w)
    chosen = np.where(nan.any(axis=-1), nan.argmax(axis=-1), chosen)"""
LOGAVGEXP = """
def logavgexp(w, r):
    total = np.logaddexp.reduce(r * w, {axis})
    return (total - np.log(math.prod(w.shape[-{ndim}:]))) / r
"""
LOGAVGEXP_IGNORING = """
def logavgexp(w, r):
    nan = np.isnan(w)
    total = np.logaddexp.reduce(np.where(nan, -np.inf, r * w), {axis})
    return (total - np.log(np.sum(~nan, {axis}))) / r
"""
HIGH_NORM_IGNORING = """
def high_norm(w, p):
    nan = np.isnan(w)
    logs = np.where(nan, -np.inf, p * np.log(abs(w)))
    total = np.logaddexp.reduce(logs, {axis})
    return np.where(nan.all({axis}), np.nan, np.exp(total / p))
"""
MIXED_IGNORING = """
def mixed(w, a):
    top = np.fmax.reduce(w, {axis})
    return a * top + (1 - a) * np.nanmean(w, {axis})
"""
HELPERS: Mapping[str, str] = {  # functions that the rows of modes call
    "median": MEDIAN,
    "majority": MAJORITY.replace("{nan}", "w.shape[-1] + 1"),
    "percentile": PERCENTILE,
    "logavgexp": LOGAVGEXP,
    "soft": SOFT_AVERAGE,
    "stochastic": STOCHASTIC.replace("{cells}", "w").replace("{real}", "1").replace("{nan}", NAN_WINS),
}
HELPERS_IGNORING: Mapping[str, str] = {  # those that leave out NaN
    "majority": MAJORITY.replace("{nan}", "0"),
    "percentile": PERCENTILE_IGNORING,
    "logavgexp": LOGAVGEXP_IGNORING,
    "soft": SOFT_IGNORING,
    "stochastic": STOCHASTIC.replace("{cells}", "np.nan_to_num(w, nan=0, posinf=np.inf)")
    .replace("{real}", "~np.isnan(w)").replace("{nan}", ""),
    "high_norm": HIGH_NORM_IGNORING,
    "mixed": MIXED_IGNORING,
}  # fmt: skip
HIGH_NORM = NumpyCode("np.exp(np.logaddexp.reduce({p} * np.log(abs({w})), {axis}) / {p})", "high_norm({w}, {p})",
                      wide=True)  # fmt: skip
HIGHEST_NORM = NumpyCode("abs({w}).max({axis})", "np.fmax.reduce(abs({w}), {axis})", wide=True)
TORCH_AVG = NumpyCode("{w}.mean({axis}).astype(x.dtype)")
NUMPY_QUIRKS: Mapping[tuple[str | None, str], NumpyCode] = {
    ("torch", "lp"): NumpyCode("({k} * np.mean({w}**{p}, {axis})) ** (1 / {p})", wide=True),
    ("torch", "avg"): TORCH_AVG,
}


def _code_of(layer: Pooling) -> NumpyCode | None:
    """Return the code of a mode: from its row, or for a framework's version, or for a norm of high order."""
    name, compat = layer.mode.mode.name, compat_of(layer)
    if layer.divisor_override:
        value = "{w}.sum({axis}) / {d}"
        return NumpyCode(f"({value}).astype(x.dtype)" if (compat, name) in NUMPY_QUIRKS else value,
                         "np.where(np.isnan({w}).all({axis}), np.nan, np.nansum({w}, {axis}) / {d})")  # fmt: skip
    if name == "lp" and math.isinf(layer.mode.parameter):
        return HIGHEST_NORM
    if layer.nan != "ignore" and (compat, name) in NUMPY_QUIRKS:
        return NUMPY_QUIRKS[compat, name]
    return HIGH_NORM if is_high_norm(layer) else layer.mode.mode.numpy


WINNER = """
def winner(w, cells):
    return cells.ravel()[w.reshape(*w.shape[:-{ndim}], -1).{arg}(axis=-1)]
"""
NUMBERINGS: Mapping[str | None, tuple[str, ...]] = {  # other than flat in the plane
    "onnx": ("i = i + cells.size * np.arange(x.size // cells.size).reshape(*x.shape[:-{ndim}]{ones})",),
    "keras": (
        "if x.ndim > {ndim}:",
        "    channel = np.arange(x.shape[-{channel}]).reshape(-1{ones})",
        "    i = i * len(channel) + channel",
    ),
}
SLIDING = """
def windows(length, size, stride{parameters}):{pads}
    starts = range(-before, {stop}, stride)
    return [slice(max(i, 0), i + size) for i in starts]
"""
STOPS = {False: "length + after - size + 1", True: "min(length, length + after - size + stride)"}  # by ceil_mode
WINDOWS: Mapping[str, str] = {
    "filled": """
def windows(length, size, stride, filled):
    starts = range(0, min(length - filled, length - size + stride), stride)
    return [slice(i, i + size) for i in starts]
""",
    "adaptive": """
def windows(length, n):
    return [slice(i * length // n, -(-(i + 1) * length // n)) for i in range(n)]
""",
    "fractional": """
def windows(length, size, n, u):
    alpha = (length - size) / max(n - 1, 1)
    starts = [int((i + u) * alpha) - int(u * alpha) for i in range(n - 1)]
    return [slice(i, i + size) for i in [*starts, length - size]]
""",
    "fractional-disjoint": """
def windows(length, n, u):
    alpha = length / n
    least = int(alpha)
    room = min((least + 2) / alpha - 1, (length + 1 - least) / alpha - (n - 1))
    bounds = [max(math.ceil(alpha * (i + u * room)) - 1, i * least) for i in range(1, n)]
    return [slice(*pair) for pair in itertools.pairwise([0, *bounds, length])]
""",
}


def _dilate(source: str, window: Window) -> str:
    """Give the source of sliding windows a dilation."""
    source = source.replace("size, stride", "size, stride, dilation", 1)
    source = source.replace(":\n", ":\n    reach = (size - 1) * dilation + 1\n", 1)
    source = source.replace("- size", "- reach").replace("i + size)", "i + reach, dilation)")
    source = source.replace("max(i, 0)", "max(i, i % dilation)")
    span = "size" if window.same_ignores_dilation else "reach"
    return source.replace("(length, size, stride)\n", f"(length, {span}, stride)\n")


class Numpy(Program):
    """A program for NumPy."""

    name, title = "numpy", "NumPy"

    def pool(self, layer: Pooling) -> None:
        """Write a pooling layer."""
        layer = replace(layer, window=without_idle_ceil(layer.window))
        if compat_of(layer) == "onnx" and layer.mode.mode.name in ("max", "min"):
            self.refuse_nan("onnxruntime's result for NaN depends on its position and on the type")
        counted = layer.count_include_pad and layer.mode.mode.divides and layer.pad_fill == "ignore"
        counted = counted and not layer.divisor_override
        if not is_padded(layer.window):
            self._values(layer)
        elif counted and (layer.mode.mode.name == "mixed" or layer.nan == "ignore"):
            self._two_layers(layer)
        elif counted or layer.pad_fill != "ignore":
            filled = self._fill(layer.window, 0 if counted else layer.pad_fill)
            self._values(replace(layer, window=layer.window._replace(padding="valid")), filled)
        else:
            self._values(layer)

    def indexed(self, layer: Pooling) -> None:
        """Write a pooling layer that returns indices: it numbers the cells and looks for each window's winner."""
        n, window, compat = self.ndim, without_idle_ceil(layer.window), compat_of(layer)
        if compat:
            self.refuse_nan("the index of NaN differs between frameworks")
        arg = "argmax" if layer.mode.mode.name == "max" else "argmin"
        name = self.help(WINNER.format(ndim=n, arg=arg))
        self.body += [f"shape = x.shape[-{n}:]", "cells = np.arange(math.prod(shape)).reshape(shape)"]
        if window.kind == "global":
            self.body.append(f"i = {name}(x, cells)[..., {', '.join(['None'] * n)}]")
        else:
            self.body.append(f"axes = [{', '.join(self._slices(window, ()))}]")
            self.body.append("places = [(..., *window) for window in itertools.product(*axes)]")
            self.body.append(f"winners = [{name}(x[place], cells[place]) for place in places]")
            self.body.append(f"i = np.stack(winners, axis=-1).reshape(*x.shape[:-{n}], *map(len, axes))")
        self.body.append(f"planes = x.reshape(*x.shape[:-{n}], -1), i.reshape(*x.shape[:-{n}], -1)")
        self.body.append("values = np.take_along_axis(*planes, axis=-1).reshape(i.shape)")
        columns = ['i = np.arange(cells.size).reshape(shape, order="F").ravel()[i]'] if layer.storage_order else []
        numbering = [*columns, *NUMBERINGS.get(compat, ())]
        self.body += [line.format(ones=", 1" * n, ndim=n, channel=n + 1) for line in numbering]
        self.body.append("return values, i")

    def conv(self, step: ConvStep, window: Window) -> None:
        """Write a convolution."""
        self.body.append(f"kernel = np.array({as_code(kernel_of(step), 'np')})")
        self.body.append('x = x.astype(x.dtype if x.dtype.kind == "f" else kernel.dtype)')
        if is_padded(window):
            self._fill(window, 0)
        self.body.append(f"w = {self._view(window._replace(padding='valid'))}")
        bias = f" + {as_code(without_point(step.bias), 'np')}" if step.bias else ""
        self.body.append(f"x = (w * kernel).sum({self.axis}).astype(x.dtype){bias}")

    def relu(self) -> None:
        """Write a ReLU."""
        self.body.append("x = np.maximum(x, 0)")

    @property
    def axis(self) -> str:
        """The argument with the axes of a window's cells."""
        return f"axis={tuple(range(-self.ndim, 0)) if self.ndim > 1 else -1}"

    @property
    def lengths(self) -> list[str]:
        """The lengths of the spatial axes."""
        return [f"x.shape[{axis}]" for axis in range(-self.ndim, 0)]

    def _two_layers(self, layer: Pooling) -> None:
        """Write a maximum that ignores padding and an average that counts it, each as a function."""
        counting = replace(layer, pad_fill=0, count_include_pad=False)
        names = []
        for name, mode, part in (("highest", "max", layer), ("average", "avg", counting)):
            inner = Numpy(self.ndim)
            inner.helpers = self.helpers
            inner.pool(replace(part, mode=parse_mode(mode)))
            lines = [row for line in returning(inner.body) for row in indented(line)]
            names.append(self.help("\n".join([f"def {name}(x):", *lines])))
        highest, average = names
        share = layer.mode.parameter
        if layer.mode.mode.name == "mixed":
            of_highest, of_average = (as_code(without_point(part)) for part in (share, 1 - share))
            self.body.append(f"x = {of_highest} * {highest}(x) + {of_average} * {average}(x)")
        else:
            self.body.append(f"x = np.where(np.isnan({highest}(x)), np.nan, {average}(x))")

    def _fill(self, window: Window, value: str | float) -> list[int]:
        """Write the padding, and return the count of its cells at the end of each axis."""
        sides = sides_of(window)
        if window.ceil_mode and sides is None:
            self.refuse("ceil_mode with SAME padding that has values", Phrase("drop {ceil_mode}"))
        if not isinstance(value, str) and value != 0:
            fits = f" and np.array({value}).astype(x.dtype) != {value}" if value % 1 == 0 else ""
            self.body.append(f'if x.dtype.kind != "f"{fits}:')
            self.body.append(f"    x = x.astype({'np.int64' if fits else 'np.float64'})")
        how = f'mode="{FILLS[value]}"' if isinstance(value, str) else f"constant_values={as_code(value, 'np')}"
        widths = ", ".join(pads_of(self.help, window._replace(ceil_mode=False), self.lengths))
        text = f"[{widths}]"
        if sides is None:
            self.body.append(f"sides = {text}")
            text = "sides"
        more = f", {how}" if value != 0 else ""
        self.body.append(f"x = np.pad(x, [(0, 0)] * (x.ndim - {self.ndim}) + {text}{more})")
        return [after for _, after in sides or ()]

    def _values(self, layer: Pooling, filled: Sequence[int] = ()) -> None:
        """Write the windows and their values; `filled` cells at the end of each axis were padding."""
        row, window = _code_of(layer), layer.window
        if row is None:
            self.refuse(f"the mode {layer.mode} {lacking(layer.mode.mode, 'NumPy code')}", INSTEAD)
        value, helpers = row.value, HELPERS
        if layer.nan == "ignore":
            value, helpers = row.ignoring or row.value, HELPERS_IGNORING
        called, opening, rest = value.partition("(")
        helper = helpers.get(called)
        if helper:
            value = self.help(helper.format(axis=self.axis, ndim=self.ndim)) + opening + rest
        if row.wide:
            self.body += ['dtype = x.dtype if x.dtype.kind == "f" else np.float64', "x = x.astype(np.float64)"]
        if row is TORCH_AVG:
            self.remarks = TRUNCATED
        self.body += [row.before] if row.before else []
        draws = f"np.random.default_rng({layer.seed}).random" if layer.mode.mode.random else ""
        if window.kind == "global" and not helper:
            self._assign(value, layer, w="x", axis=f"{self.axis}, keepdims=True")
        elif view := self._view(window):
            self.body.append(f"w = {view}")
            self._assign(value, layer, draw=f"{draws}(w.shape[:-{self.ndim}])")
        else:
            self._stack(self._formatted(value, layer), window, filled, draws)
        self.body += ["x = x.astype(dtype)"] if row.wide else []

    def _formatted(self, value: str, layer: Pooling, **fields: str) -> str:
        p = layer.mode.parameter
        known: dict[str, Any] = {"w": "w", "axis": self.axis, "draw": "draw", **fields}
        known |= {"k": math.prod(layer.window.size), "d": layer.divisor_override}
        share = (
            {} if math.isnan(p) else {"p": as_code(without_point(p), "np"), "rest": as_code(without_point(1 - p), "np")}
        )
        return value.format(**known, **share)

    def _assign(self, value: str, layer: Pooling, **fields: str) -> None:
        self.body.append(f"x = {self._formatted(value, layer, **fields)}")

    def _view(self, window: Window) -> str:
        """Return a view (leading..., windows..., cells...) of windows of real cells; empty if there is none."""
        if window.kind == "global":
            return f"x[..., {'None, ' * self.ndim}{', '.join(':' * self.ndim)}]"
        if window.kind != "sliding" or window.ceil_mode or is_padded(window):
            return ""
        reach = reach_of(window) if self.ndim > 1 else reach_of(window)[0]
        view = f"sliding_window_view(x, {reach}, {self.axis})"
        if all(step == 1 for step in (*window.stride, *window.dilation)):
            return view
        steps = [f"::{step}" if step > 1 else ":" for step in (*window.stride, *window.dilation)]
        return f"{view}[..., {', '.join(steps)}]"

    def _stack(self, value: str, window: Window, filled: Sequence[int], draws: str) -> None:
        """Write windows of any size and place as slices, and stack their values."""
        self.body.append(f"axes = [{', '.join(self._slices(window, filled))}]")
        self.body.append("cells = [x[(..., *window)] for window in itertools.product(*axes)]")
        each = "w in cells"
        if draws:
            lead = f"*x.shape[:-{self.ndim}], "
            self.body.append(f"draws = {draws}(({lead}len(cells)))")
            each = "w, draw in zip(cells, np.moveaxis(draws, -1, 0))"
        self.body.append(f"values = [{value} for {each}]")
        self.body.append(f"x = np.stack(values, axis=-1).reshape(*x.shape[:-{self.ndim}], *map(len, axes))")

    def _slices(self, window: Window, filled: Sequence[int]) -> list[str]:
        """Return the call of ``windows`` for each axis."""
        columns: list[Sequence[Any]] = [window.size, outputs_of(window, self.lengths), window.offsets]
        if window.kind == "sliding":
            source = self._sliding(window, filled)
            columns = [window.size, window.stride, window.dilation if is_dilated(window) else ()]
            if any(filled) or (sides_of(window) and is_padded(window)):
                columns += [filled] if any(filled) else zip(*sides_of(window) or (), strict=True)
        else:
            source = WINDOWS[window.kind]
        name = self.help(source)
        rows = zip(self.lengths, *(column for column in columns if column), strict=True)
        return [f"{name}({', '.join(map(str, row))})" for row in rows]

    def _sliding(self, window: Window, filled: Sequence[int]) -> str:
        sides, parameters, pads = sides_of(window), ", before=0, after=0", ""
        if sides is None:
            name = self.help(PADS.format(SAME[str(window.padding)]))
            parameters, pads = "", f"\n    before, after = {name}(length, size, stride)"
        source = SLIDING.format(parameters=parameters, pads=pads, stop=STOPS[window.ceil_mode])
        source = WINDOWS["filled"] if any(filled) else source
        return _dilate(source, window) if is_dilated(window) else source

"""Facts about a layer and its window for emitted code, and the helpers that find its padding at run time."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from poolcli.pooling.framework import LayerFacts
from poolcli.pooling.modes import HIGH_ORDER
from poolcli.window import Window

if TYPE_CHECKING:
    from poolcli.pooling.layer import Pooling


def compat_of(layer: Pooling) -> str | None:
    """Return the name of the framework that the layer follows."""
    return layer.framework.name if layer.framework else None


def is_high_norm(layer: Pooling) -> bool:
    """Whether powers of cells could overflow, so that poolcli uses logarithms."""
    return layer.mode.mode.name == "lp" and HIGH_ORDER < layer.mode.parameter < math.inf


def reach_of(window: Window) -> tuple[int, ...]:
    """Return how many cells the dilated window spans, for each axis."""
    return tuple((k - 1) * d + 1 for k, d in zip(window.size, window.dilation or (1, 1, 1), strict=False))


def truncates(layer: Pooling) -> bool:
    """Whether the layer's framework truncates the results for whole numbers only."""
    import numpy as np

    if (framework := layer.framework) is None:
        return False
    whole, other = (framework.row(LayerFacts(layer, np.dtype(kind))) for kind in ("int64", "float64"))
    return (whole.formula, whole.result) != (other.formula, other.result)


def sides_of(window: Window) -> tuple[tuple[int, int], ...] | None:
    """Return the pads of each axis, or None if they depend on the input's size."""
    if not isinstance(window.padding, str):
        return window.padding
    return ((0, 0),) * len(window.size) if window.padding == "valid" else None


def outputs_of(window: Window, lengths: Sequence[str]) -> list[str]:
    """Write the number of windows along each axis; a share of its cells is rounded down."""
    if window.output_ratio:
        written = "int({0} * {1})" if window.kind == "fractional" else "int(np.float32({0}) / np.float32({1}))"
        return [written.format(*pair) for pair in zip(lengths, window.output_ratio, strict=True)]
    return [str(number or length) for number, length in zip(window.output_size, lengths, strict=False)]


def is_padded(window: Window) -> bool:
    """Whether the window has padding."""
    sides = sides_of(window)
    return sides is None or any(map(any, sides))


def is_dilated(window: Window) -> bool:
    """Whether the window has a dilation."""
    return any(step != 1 for step in window.dilation)


MOST_TRIED = 32  # lengths of an axis on which to compare the windows of two rules


def departure(layer: Pooling, there: Pooling) -> str:
    """Say how a framework's windows, or the cells that they count, differ from poolcli's; empty if they do not."""
    divides = layer.mode.mode.divides and not layer.divisor_override
    title, counting = (there.framework.title, there.framework.counting) if there.framework else ("", "")
    for more in range(min(2 * max(layer.window.stride), MOST_TRIED)):
        lengths = [reach + more for reach in reach_of(layer.window)]
        ours, theirs = layer.plan(lengths), there.plan(lengths)
        if [axis.starts for axis in ours] != [axis.starts for axis in theirs]:
            return f"{title} has other windows here"
        pairs = zip(ours, there.counted(theirs), strict=True)
        counts = ((one.counts(include_pad=layer.count_include_pad), other.counts(include_pad=there.count_include_pad))
                  for one, other in pairs)  # fmt: skip
        if divides and any((one != other).any() for one, other in counts):
            return counting or f"{title} counts other cells"
    return ""


PADS = """
def pads(length, size, stride):
    total = max(size - stride + -length % stride, 0)
    return {}
"""
SAME = {"same": "total // 2, total - total // 2", "same-lower": "total - total // 2, total // 2"}
OVERHANG = """
def overhang(length, size, stride, before, after):
    last = range(-before, min(length, length + after - size + stride), stride)[-1]
    return before, max(last + size - length, 0)
"""


def pads_of(helper: Callable[[str], str], window: Window, lengths: Sequence[str]) -> list[str]:
    """Write the pads of each axis that reach as far as any window: (1, 1), or the call of a function that helps."""
    sides, reach = sides_of(window), reach_of(window)
    if sides is None:
        name = helper(PADS.format(SAME[str(window.padding)]))
        spans = window.size if window.same_ignores_dilation else reach
        return [f"{name}({n}, {k}, {s})" for n, k, s in zip(lengths, spans, window.stride, strict=True)]
    if not window.ceil_mode:
        return [f"({a}, {b})" for a, b in sides]
    name = helper(OVERHANG)
    rows = zip(lengths, reach, window.stride, sides, strict=True)
    return [f"{name}({n}, {k}, {s}, {a}, {b})" for n, k, s, (a, b) in rows]


def without_idle_ceil(window: Window) -> Window:
    """Drop ceil_mode where SAME padding leaves nothing to round up."""
    exact = isinstance(window.padding, str) and window.padding != "valid"
    exact = exact and not (window.same_ignores_dilation and is_dilated(window))
    return window._replace(ceil_mode=False) if exact else window

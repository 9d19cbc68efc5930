"""Small maps of whole numbers that a student can pool by hand, because every average has few digits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction
from random import Random

import numpy as np

from poolcli.analysis.windows import windows
from poolcli.errors import LimitError, PoolcliError, UsageError
from poolcli.featuremap import SPATIAL, FeatureMap, inner_order
from poolcli.pooling.layer import Pooling
from poolcli.wording import Phrase

OUTPUTS = 3  # windows along an axis, if the map stays small
LONGEST_AXIS = 9  # cells along an axis of a small map
LARGEST = 9  # the largest number, if the averages allow it
MOST_DRAWN = 2**16  # numbers of all channels
DECIMALS = 4  # of a result, at most
MOST_STEPS = 4  # numbers to choose from, if sums have to be multiples


def numbers(layer: Pooling, seed: int = 0, shape: Sequence[int] = (), layout: str | None = None) -> FeatureMap:
    """Make a map for a layer with one or two axes, by default as small as it may be with a few windows.

    The shape is in the order of the layout, without which all axes are spatial.
    Its numbers are whole and at least 0. Averages have at most two decimals, or four if the padding holds a fraction.
    It is a `UsageError` if no small map has a window, or none has short averages with this padding.

    Examples
    --------
    >>> numbers(Pooling.of(2, "avg"), seed=1).shape
    (6, 6)
    """
    layout = layout or SPATIAL[layer.ndim - 1]
    shape = shape or [_length(layer, axis) for axis in range(layer.ndim)]
    shape = [shape[axis] for axis in inner_order(layout)]
    if (cells := math.prod(shape)) > MOST_DRAWN:
        raise LimitError(f"an exercise of {cells} cells is too long: at most {MOST_DRAWN}", "take a smaller map")
    draw = Random(seed)  # noqa: S311 - numbers to calculate with, not secrets
    step = _step(layer, shape[-layer.ndim :])
    start, most = _rest(layer, step, draw), MOST_STEPS if step > 1 else LARGEST + 1
    values = np.reshape([start + step * draw.randrange(most) for _ in range(cells)], shape)
    if layer.mode.mode.divides and _numbered(layer) and not all(map(_short, layer.apply(values)[0].ravel().tolist())):
        raise UsageError(
            Phrase("no map of whole numbers has short averages with {pad_fill}", pad_fill=layer.pad_fill),
            Phrase("use a whole number, such as {pad_fill}", pad_fill=0),
        )
    return FeatureMap(values, layout, name=f"exercise {seed}")


def _length(layer: Pooling, axis: int) -> int:
    """Return the shortest axis with enough windows and no cell left over, or else one with any window."""
    found = {}
    for length in range(1, 4 * LONGEST_AXIS):
        try:
            planned = layer.plan((length,) * layer.ndim)[axis]
        except PoolcliError as problem:  # still too short
            last = problem
            continue
        found[length] = planned
        if len(planned) >= OUTPUTS and not planned.left_over:
            break
    if not found:
        raise UsageError(f"no small map has a window of {layer.window.size}", "use a smaller window") from last
    small = [length for length in found if length <= LONGEST_AXIS] or [min(found)]
    whole = [length for length in small if not found[length].left_over] or small
    return max(whole, key=lambda length: (min(len(found[length]), OUTPUTS), length >= 4, -length))


def _step(layer: Pooling, spatial: Sequence[int]) -> int:
    """Return the step between numbers, which all leave the same remainder, so that averages are short."""
    if not layer.mode.mode.divides:
        return 1
    # factors shared with 100 give at most two decimals; those shared with a large power give as many as there are
    short = 100 if _fill(layer).denominator == 1 else 10**9
    return math.lcm(*(fact.n // math.gcd(fact.n, short) for fact in windows(layer, spatial)))


def _rest(layer: Pooling, step: int, draw: Random) -> int:
    """Return the remainder of all numbers divided by the step: the padding's, or any if all cells count."""
    filled = layer.pad_fill != "ignore"
    if step == 1 or layer.divisor_override is not None or (layer.count_include_pad and not filled):
        return 0
    fill = _fill(layer)
    return int(fill.numerator * pow(fill.denominator, -1, step)) % step if _numbered(layer) else draw.randrange(1, step)


def _fill(layer: Pooling) -> Fraction:
    """Return the number in the padding as it was written; 0 if it holds none."""
    return Fraction(str(layer.pad_fill)) if _numbered(layer) else Fraction(0)


def _numbered(layer: Pooling) -> bool:
    return not isinstance(layer.pad_fill, str) and math.isfinite(layer.pad_fill)


def _short(result: float) -> bool:
    return not math.isfinite(result) or math.isclose(result, round(result, DECIMALS), rel_tol=0, abs_tol=1e-12)

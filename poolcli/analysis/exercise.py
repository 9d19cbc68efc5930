"""Small maps of whole numbers that a student can pool by hand: every average comes out short."""

from __future__ import annotations

import math
from random import Random

import numpy as np

from poolcli.analysis.windows import windows
from poolcli.errors import PoolcliError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.pooling.layer import Pooling

OUTPUTS = 3  # windows along an axis, if the map stays small
LONGEST_AXIS = 9  # cells along an axis of a small map
LARGEST = 9  # the largest number, where the average allows it
MOST_STEPS = 4  # numbers to choose from, where sums have to be multiples


def numbers(layer: Pooling, seed: int = 0) -> FeatureMap:
    """Make a map for a layer.

    Parameters
    ----------
    layer : Pooling
        With two spatial axes.
    seed : int
        The same seed gives the same map.

    Returns
    -------
    FeatureMap
        Whole numbers from 0 on. What a window's sum is divided by divides it, but for factors 2 and 5, which make
        short decimals.

    Raises
    ------
    UsageError
        If no small map has a window.

    Examples
    --------
    >>> numbers(Pooling.of(2, "avg"), seed=1).shape
    (6, 6)
    """
    shape = tuple(_length(layer, axis) for axis in range(layer.ndim))
    draw = Random(seed)  # noqa: S311 - numbers to calculate with, not secrets
    step, start = _step(layer, shape), 0
    if step > 1:
        start = 0 if layer.count_include_pad else draw.randrange(1, step)
    if isinstance(
        layer.pad_fill, int | float
    ):  # of which sums are multiples as well, if the numbers leave the same rest
        start = int(layer.pad_fill) % step
    most = MOST_STEPS if step > 1 else LARGEST + 1
    values = [start + step * draw.randrange(most) for _ in range(math.prod(shape))]
    return FeatureMap(np.reshape(values, shape), "L" if layer.ndim == 1 else "HW", name=f"exercise {seed}")


def _length(layer: Pooling, axis: int) -> int:
    """Return the shortest axis with enough windows that leaves no cell over, or else one with any window."""
    found = {}
    for length in range(1, 4 * LONGEST_AXIS):
        try:
            planned = layer.plan((length,) * layer.ndim)[axis]
        except PoolcliError as problem:  # too short still
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


def _step(layer: Pooling, shape: tuple[int, ...]) -> int:
    """Return of what all numbers have to be multiples, but for a common rest, so that averages are short."""
    if not layer.mode.mode.divides:
        return 1
    odd = 1
    for fact in windows(layer, shape):
        divisor = fact.n
        for factor in (2, 5):
            while divisor % factor == 0:
                divisor //= factor
        odd = math.lcm(odd, divisor)
    return odd

"""The planes of a map for drawing: labels, reduction to size, a summary line."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import islice
from operator import floordiv
from pathlib import PurePath
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.analysis.formulas import number
from poolcli.featuremap import FeatureMap, named_planes
from poolcli.pooling.layer import Pooling
from poolcli.window import times
from poolcli.wording import Phrase, Typed

Array = NDArray[Any]
ONE = Typed(Phrase("leave out {output} and explain"), "print")
MOST_PLANES = 12  # drawn


def shown_planes(feature_map: FeatureMap) -> tuple[list[tuple[str, Array]], int]:
    """Return the planes to draw with labels such as ``N0 C1``, and the number left out."""
    values = feature_map.values
    planes = list(islice(named_planes(feature_map, values), MOST_PLANES))
    return planes, math.prod(values.shape[: -min(feature_map.ndim, 2)]) - len(planes)


def called(feature_map: FeatureMap) -> FeatureMap:
    """Return a map named by its file without the folders, which are private.

    Examples
    --------
    >>> called(FeatureMap(np.ones((2, 2)), name="/home/me/x.csv")).name
    'x.csv'
    """
    return feature_map.with_(name=PurePath(feature_map.name).name or feature_map.name)


def reduced(plane: Array, factor: int) -> Array:
    """Return a plane with `factor` by `factor` cells averaged into one, without NaN."""
    if factor == 1:
        return plane
    size = tuple(min(factor, length) for length in plane.shape)
    return Pooling.of(2, "avg", size, ceil_mode=True, nan="ignore").apply(plane)[0]


def shrinking(spatial: Sequence[int], fits: Callable[[tuple[int, ...]], bool]) -> Phrase:
    """Advise averaging with the smallest window that makes a map small enough, or looking at one window only.

    Axes that are short stay as they are: the channels of a sound do not mix.

    Examples
    --------
    >>> str(shrinking((1000, 3), lambda sides: max(sides) <= 300))
    "make it smaller first with poolcli pool mode='avg' size=(4, 1), or print one window with at='R,C'"
    """
    sides = (max(spatial) // factor for factor in range(2, max(spatial) + 1))
    tried = ([-(-length // side) for length in spatial] for side in sides)
    size = next((size for size in tried if fits(tuple(map(floordiv, spatial, size)))), [*spatial])
    return Phrase(
        "make it smaller first with poolcli pool {mode} {size}, or {way} one window with {at}",
        mode="avg", size=size[0] if len({*size}) == 1 else tuple(size), at="R,C", way=ONE,
    )  # fmt: skip


def reaches(line: Array, count: int) -> tuple[Array, Array]:
    """Return the minima and maxima of `count` parts of a line; NaN for parts without numbers.

    Examples
    --------
    >>> [one.tolist() for one in reaches(np.array([1, 9, 2, 3, np.nan]), 2)]
    [[1.0, 2.0], [9.0, 3.0]]
    """
    starts = np.arange(count) * line.size // count
    return np.fmin.reduceat(line, starts), np.fmax.reduceat(line, starts)


def summary(feature_map: FeatureMap, nan_drawn: str) -> str:
    """Return a line with shape, layout, minimum, mean, maximum, and the colour of NaN."""
    values = feature_map.values
    finite = values[np.isfinite(values)] if values.dtype.kind == "f" else values.ravel()
    said = [f"shape {times(feature_map.shape)} ({feature_map.layout})"]
    if finite.size:
        with np.errstate(over="ignore"):
            mean = finite.mean(dtype=np.float64)
        said += [f"min {number(finite.min())}", f"mean {number(mean)}", f"max {number(finite.max())}"]
    if values.dtype.kind == "f":
        nan, inf = int(np.isnan(values).sum()), int(np.isinf(values).sum())
        said += [f"{nan} NaN (drawn {nan_drawn})"] if nan else []
        said += [f"{inf} infinite (drawn as the ends)"] if inf else []
    return ", ".join(said)

"""From numbers to colours: one scale for the terminal, the animation and the page."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.colors import CENTRED, COLORMAPS, NAN_COLOR
from poolcli.errors import UnknownNameError

Array = NDArray[Any]
Rgb = tuple[int, int, int]


def table(name: str) -> NDArray[np.uint8]:
    """Return a colour map as 256 rows of red, green and blue."""
    if name not in COLORMAPS:
        raise UnknownNameError("colormap", name, COLORMAPS)
    return np.frombuffer(COLORMAPS[name], dtype=np.uint8).reshape(256, 3)


@dataclass(frozen=True)
class Scale:
    """Which number gets which colour.

    Attributes
    ----------
    low, high : float
        The numbers at the ends; what lies outside gets the colour of the end.
    colormap : str
        A name of `poolcli.colors.COLORMAPS`.
    """

    low: float
    high: float
    colormap: str = "viridis"

    @classmethod
    def of(cls, arrays: Sequence[Array], colormap: str = "viridis") -> Scale:
        """Return the scale over every finite number in `arrays`; centred on zero for a diverging map."""
        table(colormap)
        bounds = [bound for array in arrays for bound in _bounds(array)]
        low, high = (min(bounds), max(bounds)) if bounds else (0.0, 0.0)
        if colormap in CENTRED:
            high = max(abs(low), abs(high))
            low = -high
        return cls(low, high, colormap)

    @property
    def flat(self) -> bool:
        """Whether every number is the same."""
        return not self.low < self.high

    def share(self, values: Array) -> NDArray[np.float64]:
        """Return where numbers lie between the ends, from 0 to 1; one half where all are the same; NaN stays."""
        x = values.astype(np.float64)
        if self.flat:
            return np.where(np.isnan(x), np.nan, np.where(np.isinf(x), x > 0, 0.5))
        with np.errstate(invalid="ignore"):
            share = (x / 2 - self.low / 2) / (self.high / 2 - self.low / 2)  # halves, so that no difference overflows
        clipped: NDArray[np.float64] = np.clip(share, 0, 1)
        return clipped

    def rgb(self, values: Array) -> NDArray[np.uint8]:
        """Return the colours of an array, shape (..., 3)."""
        share = self.share(values)
        index = np.where(np.isnan(share), 0, share * 255 + 0.5).astype(np.int64)
        colors = table(self.colormap)[index]
        colors[np.isnan(share)] = NAN_COLOR
        return colors

    def color(self, value: float) -> Rgb:
        """Return the colour of one number."""
        red, green, blue = self.rgb(np.asarray([value]))[0].tolist()
        return red, green, blue

    @property
    def ticks(self) -> tuple[float, float, float]:
        """The numbers at the start, the middle and the end of the colour bar."""
        return self.low, self.low / 2 + self.high / 2, self.high


def _bounds(array: Array) -> list[float]:
    if array.dtype.kind != "f":
        return [float(array.min()), float(array.max())] if array.size else []
    finite = np.isfinite(array)
    if not finite.any():
        return []
    return [float(array.min(where=finite, initial=math.inf)), float(array.max(where=finite, initial=-math.inf))]


def ink(background: Rgb) -> Rgb:
    """Return black or white, whichever is easier to read on a background (WCAG 2 contrast)."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in background)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)


def hexadecimal(color: Sequence[int]) -> str:
    """Write a colour as CSS and SVG have it."""
    return "#" + "".join(f"{int(part):02x}" for part in color)

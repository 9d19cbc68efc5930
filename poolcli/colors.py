"""Colour maps of 256 colours, and the scale that maps numbers to them.

``viridis`` and ``magma`` are by Stéfan van der Walt and Nathaniel Smith (BIDS/colormap, CC0): every fifth of their 256
colours is listed, and linear interpolation gives the others to within 1/255. ``diverging`` is our own: its middle means
zero, and both arms darken evenly.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from poolcli.errors import UnknownNameError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

Rgb = tuple[int, int, int]

CENTRED = ("diverging",)  # maps whose middle means zero
NAN_COLOR: Rgb = (255, 0, 255)  # in none of the maps
AT_ONCE = 1 << 16  # values scaled at a time, because they become float64

# fmt: off
COLORMAPS: Mapping[str, str] = {
    "viridis": """
        440154 46085c 471063 481769 481d6f 482475 472a7a 46307e 453781 433d84 414287 3f4889 3d4e8a 3a538b 38598c 355e8d
        33638d 31688e 2e6d8e 2c718e 2a768e 297b8e 27808e 25848e 23898e 218e8d 20928c 1f978b 1e9c89 1fa188 21a585 24aa83
        28ae80 2eb37c 35b779 3dbc74 46c06f 50c46a 5ac864 65cb5e 70cf57 7cd250 89d548 95d840 a2da37 b0dd2f bddf26 cae11f
        d8e219 e5e419 f1e51d fde725""",
    "magma": """
        000004 02020b 050416 090720 0e0b2b 140e36 1a1042 21114e 29115a 311165 390f6e 420f75 4a1079 52137c 5a167e 621980
        6a1c81 721f81 792282 812581 892881 912b81 992d80 a1307e aa337d b2357b ba3878 c23b75 ca3e72 d2426f d9466b e04c67
        e75263 ec5860 f1605d f4695c f7725c f97b5d fb8560 fc8e64 fd9869 fea16e feaa74 feb47b febd82 fec68a fecf92 fed89a
        fde2a3 fdebac fcf4b6 fcfdbf""",
    "gray": "000000 ffffff",
    "diverging": "0b2a6b 2f6bbd 8fbbe6 f7f7f7 eda48d c2402f 6b0d14",
}
# fmt: on


@cache
def interpolated(anchors: str) -> bytes:
    """Return 256 colours, three bytes each, spread evenly between the given ones, such as ``000000 ffffff``.

    Examples
    --------
    >>> list(interpolated("000000 ffffff")[:6])
    [0, 0, 0, 1, 1, 1]
    """
    colors = [bytes.fromhex(anchor) for anchor in anchors.split()]
    table = bytearray()
    for index in range(256):
        whole, part = divmod(index * (len(colors) - 1), 255)
        low, high = colors[whole], colors[min(whole + 1, len(colors) - 1)]
        table += bytes((2 * a * (255 - part) + 2 * b * part + 255) // 510 for a, b in zip(low, high, strict=True))
    return bytes(table)


def table(name: str) -> NDArray[np.uint8]:
    """Return a colour map as 256 rows of red, green and blue."""
    import numpy as np

    if name not in COLORMAPS:
        raise UnknownNameError("colormap", name, COLORMAPS)
    return np.frombuffer(interpolated(COLORMAPS[name]), dtype=np.uint8).reshape(256, 3)


def usual_colormap(white: float | None) -> str:
    """Return the default colour map: gray for pixels, which have a known white.

    Examples
    --------
    >>> usual_colormap(255), usual_colormap(None)
    ('gray', 'viridis')
    """
    return "viridis" if white is None else "gray"


class Scale(NamedTuple):
    """The mapping from numbers to colours, for pictures, the terminal and the animation."""

    # the numbers at the ends; numbers outside get the colour of the nearer end
    low: float
    high: float
    colormap: str = "viridis"  # a name of `COLORMAPS`

    @classmethod
    def of(cls, arrays: Sequence[NDArray[Any]], colormap: str = "viridis") -> Scale:
        """Return the scale over every finite number in `arrays`."""
        found = [bound for array in arrays for bound in bounds(array)]
        return cls(min(found, default=0.0), max(found, default=0.0), colormap).centred()

    def centred(self) -> Scale:
        """Return the scale with zero in its middle if the colour map needs that."""
        if self.colormap not in CENTRED:
            return self
        high = max(abs(self.low), abs(self.high))
        return Scale(-high, high, self.colormap)

    @property
    def flat(self) -> bool:
        """Whether every number is the same."""
        return not self.low < self.high

    def share(self, values: NDArray[Any], top: float = 1) -> NDArray[np.float64]:
        """Return the position of numbers between the ends, from 0 to `top`: the middle if all are equal; NaN stays."""
        import numpy as np

        half = 1.0 if math.isfinite(self.high - self.low) else 0.5  # so that no difference overflows
        low, span = self.low * half, self.high * half - self.low * half
        share: NDArray[np.float64] = values.astype(np.float64) * half - low
        if self.flat:
            share = np.where(np.isnan(share), np.nan, np.sign(share) * np.isinf(share) / 2 + 0.5) * top
        elif span != top:  # else a half stays a half
            share = share / span * top
        return np.clip(share, 0, top)

    def levels(self, values: NDArray[Any], top: int = 255) -> NDArray[Any]:
        """Return `share` as whole numbers, halves rounded up and NaN as 0.

        Examples
        --------
        >>> import numpy as np
        >>> Scale(-1, 3).levels(np.array([-1.0, 0.0, 3.0, np.nan]))
        array([  0,  64, 255,   0], dtype=uint8)
        """
        import numpy as np

        levels = np.empty(values.shape, np.uint8 if top < 256 else np.uint16)
        step = max(AT_ONCE * len(values) // max(values.size, 1), 1)
        for start in range(0, len(values), step):
            band = np.nan_to_num(self.share(values[start : start + step], top) + 0.5, nan=0.0)
            levels[start : start + step] = band.astype(levels.dtype)
        return levels

    def rgb(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the colours of an array, shape (..., 3)."""
        import numpy as np

        colors: NDArray[np.uint8] = table(self.colormap)[self.levels(values)]
        if values.dtype.kind == "f":
            colors[np.isnan(values)] = NAN_COLOR
        return colors

    def color(self, value: float) -> Rgb:
        """Return the colour of one number."""
        import numpy as np

        red, green, blue = self.rgb(np.asarray([value]))[0].tolist()
        return red, green, blue

    @property
    def ticks(self) -> tuple[float, float, float]:
        """The numbers at the start, the middle and the end of the colour bar."""
        return self.low, self.low / 2 + self.high / 2, self.high


def bounds(array: NDArray[Any]) -> list[float]:
    """Return the smallest and the largest finite number; nothing if there is none."""
    import numpy as np

    if not array.size:
        return []
    low, high = float(array.min()), float(array.max())
    if math.isfinite(low) and math.isfinite(high):
        return [low, high]
    finite = np.isfinite(array)
    if not finite.any():
        return []
    return [float(array.min(where=finite, initial=math.inf)), float(array.max(where=finite, initial=-math.inf))]


def ink(background: Rgb) -> Rgb:
    """Return black or white, whichever reads better on a background (WCAG 2 contrast)."""
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in background)]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return (0, 0, 0) if luminance > 0.179 else (255, 255, 255)


def hexadecimal(color: Sequence[int]) -> str:
    """Write a colour for CSS and SVG."""
    return "#" + "".join(f"{int(part):02x}" for part in color)

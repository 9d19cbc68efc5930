"""Colour maps: tables of 256 colours, from dark to light or from blue through white to red.

``viridis`` and ``magma`` are by Stéfan van der Walt and Nathaniel Smith (BIDS/colormap, CC0): here is every fifth of
their 256 colours, and straight lines between give the others to within 1/255. ``diverging`` is our own: its middle
means zero, and both of its arms darken evenly.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

Rgb = tuple[int, int, int]

CENTRED = ("diverging",)  # maps whose middle means zero
NAN_COLOR: Rgb = (255, 0, 255)  # in none of the maps

# fmt: off
ANCHORS: Mapping[str, str] = {
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


def interpolated(anchors: str) -> bytes:
    """Return 256 colours, three bytes each, that lie evenly between the given ones.

    Parameters
    ----------
    anchors : str
        Colours as six hexadecimal digits, blanks between them.

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


class _Tables(Mapping[str, bytes]):
    """The tables by name, each computed when it is first looked at."""

    def __init__(self) -> None:
        self._made: dict[str, bytes] = {}

    def __getitem__(self, name: str) -> bytes:
        if name not in self._made:
            self._made[name] = interpolated(ANCHORS[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(ANCHORS)

    def __len__(self) -> int:
        return len(ANCHORS)


COLORMAPS: Mapping[str, bytes] = _Tables()

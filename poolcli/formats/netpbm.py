"""PGM and PPM with their own numbers and any maximum; Pillow would scale them to 8 or 16 bits.

Source: netpbm's pages on its formats pgm and ppm.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from poolcli.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SPACE = rb"(?:\s|#[^\n\r]*[\n\r])+"
HEADER = re.compile(rb"P([2356])%s([0-9]{1,9})%s([0-9]{1,9})%s([0-9]{1,9})(?:#[^\n\r]*)?\s" % (SPACE, SPACE, SPACE))
COMMENT = re.compile(rb"#[^\n\r]*")
LARGEST_VALUE = 65535  # the largest maximum


class PictureHeader(NamedTuple):
    """The header of a picture."""

    letter: int  # the number after the P
    width: int
    height: int
    most: int  # the maximum
    start: int  # of the pixels

    @property
    def channels(self) -> int:
        """1 for a PGM, 3 for a PPM."""
        return 3 if self.letter in (3, 6) else 1


def header_of(data: bytes) -> PictureHeader | None:
    """Return the header of a PGM or PPM, or None for another kind of file."""
    match = HEADER.match(data)
    if not match:
        return None
    letter, width, height, most = map(int, match.groups())
    return PictureHeader(letter, width, height, most, match.end())


def read(data: bytes, head: PictureHeader, name: str) -> NDArray[Any]:
    """Return the numbers of the first picture, (H, W) or (H, W, 3), as many as promised and none above the maximum."""
    import numpy as np

    if not 0 < head.most <= LARGEST_VALUE:
        raise InputError(f"{name}: the maximum {head.most} is not between 1 and {LARGEST_VALUE}", "get the file again")
    count = head.width * head.height * head.channels
    stored = np.dtype(">u2" if head.most > 255 else "u1")
    have: NDArray[Any]
    if head.letter > 3:
        have = np.frombuffer(data, stored, min(count, (len(data) - head.start) // stored.itemsize), head.start)
    else:
        have = _written_out(COMMENT.sub(b"", data[head.start :]), count, name)
    if have.size < count:
        raise InputError(
            f"{name}: the picture is cut off: {have.size} of {count} numbers are there", "get the file again"
        )
    if have.max(initial=0) > head.most:
        raise InputError(
            f"{name}: {have.max()} is larger than the maximum {head.most} of the file", "get the file again"
        )
    shape = (head.height, head.width, 3) if head.channels == 3 else (head.height, head.width)
    return have.astype(np.uint16 if head.most > 255 else np.uint8).reshape(shape)


def _written_out(text: bytes, count: int, name: str) -> NDArray[np.int64]:
    import numpy as np

    words = text.split(None, count)[:count]
    if wrong := next((word for word in words if not word.isdigit() or len(word) > 9), None):
        raise InputError(f"{name}: {wrong.decode(errors='replace')!a} is not a pixel", "get the file again")
    return np.array(words, np.int64) if words else np.empty(0, np.int64)


def write(pixels: NDArray[Any], most: int) -> bytes:
    """Return pixels from 0 to `most` as a binary PGM, (H, W), or PPM, (H, W, 3)."""
    head = b"P%d\n%d %d\n%d\n" % (5 if pixels.ndim == 2 else 6, pixels.shape[1], pixels.shape[0], most)
    return head + pixels.astype(">u2" if most > 255 else "u1").tobytes()


def luma(pixels: NDArray[Any]) -> NDArray[Any]:
    """Return the gray of colours, (H, W, 3), as Pillow computes it for 8 bits: ITU-R 601-2."""
    red, green, blue = (pixels[..., channel].astype("int64") for channel in range(3))
    gray: NDArray[Any] = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    return gray.astype(pixels.dtype)

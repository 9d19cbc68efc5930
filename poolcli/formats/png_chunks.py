"""PNG files chunk by chunk: verifies every checksum, detects missing rows, and reads poolcli's own text.

The pixels of a plain file go to Pillow's decoder at once. Pillow's own reader reads the file piece by piece and blocks
other threads: with it a whole command falls behind OpenCV (`python -m benchmarks commands --only png`).

Source: W3C, Portable Network Graphics, third edition.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, BinaryIO, NamedTuple

from poolcli.errors import InputError

if TYPE_CHECKING:
    from PIL import Image

SIGNATURE = b"\x89PNG\r\n\x1a\n"
SAMPLES: Mapping[int, int] = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by colour type
# The first row and column, and the steps, of the seven pictures that make up an interlaced one.
PASSES = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
# By bits and colour type: Pillow's names for the pixels, and for the bytes in the file.
STORED_AS: Mapping[tuple[int, int], tuple[str, str]] = {
    (8, 0): ("L", "L"), (16, 0): ("I;16", "I;16B"), (8, 2): ("RGB", "RGB"), (8, 4): ("LA", "LA"),
    (8, 6): ("RGBA", "RGBA"),
}  # fmt: skip
SHARED: Mapping[str, int] = {"L": 1, "I;16": 2}  # bytes of a pixel, for modes that Pillow unpacks into our own memory
# Chunks that change no pixels; a text may hold EXIF, unless it has one of these keywords.
SILENT = frozenset({b"IHDR", b"IDAT", b"IEND", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs", b"tIME", b"bKGD"})
TEXT_KINDS = (b"tEXt", b"zTXt", b"iTXt")
SILENT_TEXTS = (b"poolcli", b"Software", b"Title", b"Author", b"Comment", b"date:create", b"date:modify")
INFLATED_BYTES = 1 << 18  # at a time
MOST_TEXT = 1 << 20  # bytes of our own text, packed or not; real ones have some hundred
LOCKED = 5 << 10  # bytes up to which zlib keeps the interpreter's lock
KEYWORD = "poolcli"  # of poolcli's text


class Chunk(NamedTuple):
    """A chunk with a correct checksum."""

    kind: bytes
    content: memoryview

    @property
    def silent(self) -> bool:
        """Whether pixels depend on it only through `Plain`."""
        text = self.kind in TEXT_KINDS and bytes(self.content[:80]).partition(b"\0")[0]
        return self.kind in SILENT or text in SILENT_TEXTS


def checked(data: bytes, name: str) -> list[Chunk]:
    """Return the chunks, or raise `InputError` for a wrong checksum or a missing end; Pillow checks only some sums."""
    view, offset = memoryview(data), len(SIGNATURE)
    chunks: list[Chunk] = []
    while not chunks or chunks[-1].kind != b"IEND":
        start = data[offset : offset + 8]
        end = offset + 8 + int.from_bytes(start[:4], "big")
        check = data[end : end + 4]
        if len(start) < 8 or len(check) < 4:
            raise InputError(f"{name}: cut off at byte {len(data)}, within the PNG data", "get the file again")
        if _crc(view[offset + 4 : end]) != int.from_bytes(check, "big"):
            raise InputError(
                f"{name}: damaged: wrong checksum of {start[4:].decode('latin-1')!a} at byte {offset}",
                "get the file again",
            )
        chunks.append(Chunk(start[4:], view[offset + 8 : end]))
        offset = end + 4
    return chunks


def _crc(data: memoryview) -> int:
    """Return the checksum, without ever giving up the interpreter's lock, which takes long to get back."""
    crc = 0
    for start in range(0, len(data), LOCKED):
        crc = zlib.crc32(data[start : start + LOCKED], crc)
    return crc


class Plain(NamedTuple):
    """The pixels of a plain file, still packed."""

    mode: str
    stored: str
    size: tuple[int, int]
    packed: bytes

    def unpacked(self) -> tuple[Image.Image, bytearray | None]:
        """Return the picture and, if its pixels are in our own memory, that: it becomes an array without a copy."""
        from PIL import Image

        if self.mode not in SHARED:
            return Image.frombytes(self.mode, self.size, self.packed, "zip", self.stored, 0), None
        room = bytearray(self.size[0] * self.size[1] * SHARED[self.mode])
        picture = Image.frombuffer(self.mode, self.size, room, "raw", self.mode, 0, 1)
        shared = bool(picture.readonly)
        picture.frombytes(self.packed, "zip", self.stored, 0)
        return picture, room if shared else None


def plain(chunks: Sequence[Chunk]) -> Plain | None:
    """Return the pixels of a file that is not interlaced and has no palette, transparency, orientation or frames."""
    kind, header = chunks[0] if chunks else (b"", b"")
    if kind != b"IHDR" or len(header) != 13 or not all(chunk.silent for chunk in chunks):
        return None
    width, height, bits, color, *methods = struct.unpack(">IIBBBBB", header)
    packed = b"".join(content for kind, content in chunks if kind == b"IDAT")
    if (bits, color) not in STORED_AS or any(methods) or not packed:
        return None
    return Plain(*STORED_AS[bits, color], (width, height), packed)


def check_rows(chunks: Sequence[Chunk], name: str) -> None:
    """Raise `InputError` if rows are missing, which Pillow would silently make black."""
    header = struct.unpack(">IIBBBBB", chunks[0].content)
    packer, have, wanted = zlib.decompressobj(), 0, _bytes(*header)
    for piece in (content for kind, content in chunks if kind == b"IDAT"):
        rest: bytes | memoryview = piece
        while have < wanted and (made := packer.decompress(rest, INFLATED_BYTES)):
            have, rest = have + len(made), packer.unconsumed_tail
    if have < wanted:
        raise InputError(
            f"{name}: the picture is cut off: {wanted - have} of {wanted} bytes of its rows are missing",
            "get the file again",
        )


def _bytes(width: int, height: int, bits: int, color: int, _: int, __: int, interlaced: int) -> int:
    """Return the size of all rows in bytes, each with one for its filter."""
    total = 0
    for top, left, down, right in PASSES if interlaced else ((0, 0, 1, 1),):
        rows, columns = len(range(top, height, down)), len(range(left, width, right))
        total += rows * (1 + (columns * bits * SAMPLES[color] + 7) // 8) if columns else 0
    return total


def comes_in_one_go(chunks: Sequence[Chunk]) -> bool:
    """Whether the rows are stored in order: neither interlaced nor in several frames."""
    return chunks[0].content[-1] == 0 and not any(chunk.kind == b"acTL" for chunk in chunks)


def own_text(file: BinaryIO) -> str | None:
    """Return the text that poolcli wrote into a picture; None if there is none before the pixels."""
    if file.read(len(SIGNATURE)) != SIGNATURE:
        return None
    while len(start := file.read(8)) == 8:
        size, kind = struct.unpack(">I4s", start)
        if kind == b"IDAT":
            return None
        if kind != b"iTXt" or size > MOST_TEXT:
            file.seek(size + 4, 1)  # each chunk ends with a checksum
        elif (text := _own(file.read(size), file.read(4))) is not None:
            return text
    return None


def _own(chunk: bytes, checksum: bytes) -> str | None:
    """Read an iTXt chunk with our keyword, as `poolcli.formats.png_file` writes it (section 11.3.3.4)."""
    keyword, _, rest = chunk.partition(b"\0")
    whole = checksum == zlib.crc32(b"iTXt" + chunk).to_bytes(4, "big")
    if keyword != KEYWORD.encode() or len(rest) < 2 or not whole:
        return None
    content = rest[2:].split(b"\0", 2)[-1]
    try:
        return (zlib.decompressobj().decompress(content, MOST_TEXT) if rest[0] else content).decode()
    except (zlib.error, UnicodeDecodeError):
        return None

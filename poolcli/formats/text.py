"""What the text formats share: UTF-8, places in a text, and rows of numbers to and from arrays.

Rows go through orjson, a few thousand numbers at a time. Its parser and its shortest digits are exact and several times
faster than ``np.loadtxt`` and ``repr``, and bands of text that stay in the processor's cache cost a third less than the
whole file at once (2048x2048 values with all digits: 48 instead of 68 ns each).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from itertools import chain, islice
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from poolcli.errors import InputError
from poolcli.system.files import piped

Number = int | float

BAND_BYTES = 1 << 18  # of text in one band: with its numbers it stays in a second-level cache
BAND_CELLS = 1 << 15
LINE_END = re.compile(rb"\r\n|\n|\r")

# Byte order marks and the encodings that they show; UTF-32's starts with UTF-16's.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def utf8(data: bytes, name: str, skip: int = 0) -> tuple[bytes, tuple[str, ...]]:
    """Return text as UTF-8, without a byte order mark and skipped lines, and a note if it had another encoding.

    Skipped lines may be anything; elsewhere what is not text is an `InputError` with its place.
    """
    notes: tuple[str, ...] = ()
    if encoding := encoding_of(data):
        try:
            text, notes = data.decode(encoding).encode(), (f"encoding {encoding.upper()}",)
        except UnicodeError as problem:
            raise InputError(f"{name}: not valid {encoding.upper()}: {problem}", "save the file as UTF-8") from None
    else:
        text = data.removeprefix(codecs.BOM_UTF8)
    if skip > 0:
        ends = [match.end() for match in islice(LINE_END.finditer(text), min(skip, len(text)))]
        text = text[ends[-1] :] if len(ends) == skip else b""
    check_utf8(text, name, max(skip, 0) + 1)
    return text, notes


def encoding_of(data: bytes) -> str | None:
    """Return the encoding that a byte order mark shows, unless it is UTF-8."""
    return next((encoding for mark, encoding in MARKS if data.startswith(mark)), None)


def check_utf8(text: bytes, name: str, line: int = 1) -> None:
    """Raise `InputError` with the place if this is not UTF-8 text; `line` is the number of its first line."""

    def spot(offset: int) -> str:
        found, character = place(text, offset)
        return f"{name}: line {found + line - 1}, character {character}"

    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as problem:
            raise InputError(
                f"{spot(problem.start)}: byte 0x{text[problem.start]:02x} is not UTF-8",
                piped("iconv -f cp1252 -t utf-8", name, "save the file as UTF-8, or if it comes from Windows: {pipe}"),
            ) from None
    if (where := text.find(b"\0")) >= 0:
        raise InputError(f"{spot(where)}: a NUL byte", "this is not text, or it is UTF-16 without a byte order mark")


def place(text: bytes, offset: int) -> tuple[int, int]:
    r"""Return the line and the character in it, both from 1, of an offset into UTF-8 text.

    Examples
    --------
    >>> place(b"ab\ncd", 4)
    (2, 2)
    """
    start = text.rfind(b"\n", 0, offset) + 1
    return text.count(b"\n", 0, start) + 1, len(text[start:offset].decode(errors="replace")) + 1


def newlines(text: bytes | memoryview, byte: int = 10) -> int:
    """Count line ends at memory speed; ``bytes.count`` takes five times as long."""
    data = np.frombuffer(text, np.uint8)
    return sum(
        int(np.count_nonzero(data[start : start + BAND_BYTES] == byte)) for start in range(0, len(data), BAND_BYTES)
    )


def quoted(text: bytes | str) -> str:
    r"""Return text for a message: harmless to a terminal, and no longer than a line.

    Examples
    --------
    >>> quoted("a\x1b[31m")
    "'a\\x1b[31m'"
    """
    plain = shortened(text.decode(errors="replace") if isinstance(text, bytes) else text, 40)
    return repr(plain) if plain.isprintable() else ascii(plain)


def shortened(text: str, most: int) -> str:
    """Return text of at most so many characters, cut off at its end with an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def pieces_of(text: bytes, start: int, end: int) -> Iterator[bytes]:
    """Cut part of a text at commas, which are left out, into pieces that stay in cache."""
    while start < end:
        comma = text.find(b",", start + BAND_BYTES, end)
        comma = end if comma < 0 else comma
        yield text[start:comma]
        start = comma + 1


def load_rows(text: bytes) -> list[list[Any]] | None:
    """Read ``1,2],[3,4`` into lists, or return None if it is not valid JSON.

    The caller makes sure that there is no ``true`` or ``false``, which would count as 1 and 0.
    """
    try:
        rows: list[list[Any]] = orjson.loads(b"[[" + text + b"]]")
    except orjson.JSONDecodeError:
        return None
    return rows


def dump_numbers(array: NDArray[Any], nan: bytes = b"null", infinity: bytes = b"1e999") -> bytes:
    """Write an array as nested JSON lists, with the fewest digits that identify each number, and booleans as 0 and 1.

    `nan` and `infinity` are the words for what JSON lacks.

    Examples
    --------
    >>> dump_numbers(np.array([[0.1, np.nan], [-np.inf, 2]]))
    b'[[0.1,null],[-1e999,2.0]]'
    """
    array = np.ascontiguousarray(array)
    if array.dtype == np.bool_:
        array = array.view(np.uint8)
    text = orjson.dumps(array, option=orjson.OPT_SERIALIZE_NUMPY)
    if array.dtype.kind != "f" or b"null" not in text:
        return text
    odd = array[~np.isfinite(array)]
    words = [nan if value != value else infinity if value > 0 else b"-" + infinity for value in odd.tolist()]
    pieces = text.split(b"null")
    return b"".join(chain.from_iterable(zip(pieces, [*words, b""], strict=True)))

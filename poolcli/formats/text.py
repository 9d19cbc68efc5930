"""What the text formats share: their bytes as UTF-8, places in them, and rows of numbers to and from arrays.

Rows go through orjson, a few thousand numbers at a time: its parser and its shortest digits are exact and several times
faster than ``np.loadtxt`` and ``repr``, and a band of text that stays in the processor's cache costs a third less
than the whole file at once (2048x2048 values with all digits: 48 instead of 68 ns each).
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from poolcli.errors import InputError, NumberRangeError
from poolcli.system.files import piped
from poolcli.system.limits import check_memory

Number = int | float

BAND_BYTES = 1 << 18  # of text in one band: with its numbers it stays in a second-level cache
BAND_CELLS = 1 << 15
EXACT = 2**53  # float64 holds every integer up to here
CODES = {"int64": "q", "uint64": "Q", "float64": "d"}
BITS = "integers have at most 64 bits here; write a decimal point (12.0) or an exponent (1e20) to mean a float"
DIGITS = "float64 has 53 bits for digits; write a decimal point after the integer if it may be rounded"
LOSES = "would lose digits"

# A byte order mark says how the rest is encoded; that of UTF-32 starts with that of UTF-16.
MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)


def utf8(data: bytes, name: str) -> tuple[bytes, tuple[str, ...]]:
    """Return the text as UTF-8 without a byte order mark, and a note if it was something else.

    Raises
    ------
    InputError
        If it is not text, with the place.
    """
    notes: tuple[str, ...] = ()
    if encoding := encoding_of(data):
        try:
            text, notes = data.decode(encoding).encode(), (f"encoding {encoding.upper()}",)
        except UnicodeError as problem:
            raise InputError(f"{name}: not valid {encoding.upper()}: {problem}", "save the file as UTF-8") from None
    else:
        text = data.removeprefix(codecs.BOM_UTF8)
    check_utf8(text, name)
    return text, notes


def encoding_of(data: bytes) -> str | None:
    """Return the encoding that a byte order mark tells of, if it is not UTF-8."""
    return next((encoding for mark, encoding in MARKS if data.startswith(mark)), None)


def check_utf8(text: bytes, name: str, line: int = 1) -> None:
    """Raise an error with the place if this is not UTF-8 text; ``line`` is the number of its first line."""
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as problem:
            raise InputError(
                f"{name}: {spot(text, problem.start, line)}: byte 0x{text[problem.start]:02x} is not UTF-8",
                f"save the file as UTF-8, or if it comes from Windows: {piped('iconv -f cp1252 -t utf-8', name)}",
            ) from None
    if (where := text.find(b"\0")) >= 0:
        raise InputError(
            f"{name}: {spot(text, where, line)}: a NUL byte", "this is no text, or UTF-16 without a byte order mark"
        )


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


def spot(text: bytes, offset: int, first: int = 1) -> str:
    """Return a place in words; ``first`` is the number of the first line."""
    line, character = place(text, offset)
    return f"line {line + first - 1}, character {character}"


def quoted(text: bytes | str, most: int = 40) -> str:
    r"""Return text for a message: harmless to a terminal, and not longer than a line.

    Examples
    --------
    >>> quoted("a\x1b[31m")
    "'a\\x1b[31m'"
    """
    plain = text.decode(errors="replace") if isinstance(text, bytes) else text
    if len(plain) > most:
        plain = plain[: most - 1] + "…"
    return repr(plain) if plain.isprintable() else ascii(plain)


class Misfit(Exception):  # noqa: N818 -- no error for a user yet: whoever knows the place makes one of it
    """A number that does not fit the type of the others.

    Attributes
    ----------
    index : int
        Where it is in the numbers that were added.
    reason : str
        The broken rule.
    """

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index, self.reason = index, reason


class Restart(Exception):  # noqa: N818 -- a signal
    """The numbers so far do not fit the type that later ones need; read again with that type to find the place."""

    def __init__(self, dtype: str) -> None:
        super().__init__(dtype)
        self.dtype = dtype


class Numbers:
    """Numbers in one buffer that is int64, uint64 or float64: the first that holds them all.

    Parameters
    ----------
    size : int
        At most how many numbers will come.
    dtype : str
        The narrowest type to use.
    """

    def __init__(self, size: int, dtype: str = "int64") -> None:
        check_memory(8 * size, f"an array of {size} numbers", "read a smaller file")
        self.count = 0
        self.room: NDArray[Any] = np.empty(size, dtype)

    @property
    def array(self) -> NDArray[Any]:
        """The numbers so far."""
        return self.room[: self.count]

    def add(self, values: Sequence[Number | None], text: bytes) -> bool:
        """Take numbers that orjson read; return False, and take none, if they need a closer look.

        Parameters
        ----------
        values : sequence of int, float or None
            The numbers; None is NaN.
        text : bytes
            What they were read from.
        """
        stop = self.count + len(values)
        try:
            struct.pack_into(f"{len(values)}{CODES[self.room.dtype.name]}", self.room.data, 8 * self.count, *values)
        except (struct.error, OverflowError):
            if not self._add_floats(values, text):
                return False
        if self.room.dtype.kind == "f" and _doubtful(self.room[self.count : stop], values, text):
            return False
        self.count = stop
        return True

    def add_exact(self, values: Sequence[Number | None]) -> None:
        """Take numbers whose integers are all int, however large, and whose other numbers are float.

        Raises
        ------
        Misfit
            If a number does not fit.
        Restart
            If an earlier number does not fit the type that these need.
        """
        if self.room.dtype.kind != "f":
            self._become(_narrowest(values, self.room.dtype.name))
        for index, value in enumerate(values):
            if isinstance(value, int) and (reason := self._misfit(value)):
                raise Misfit(index, reason)
        self.room[self.count : self.count + len(values)] = values
        self.count += len(values)

    def _misfit(self, value: int) -> str | None:
        """Say why an integer does not fit the type of the buffer."""
        if not -(2**63) <= value < 2**64:
            return f"{value if abs(value) < 10**40 else 'an integer'} is beyond 64 bits"
        if self.room.dtype == np.uint64 and value < 0:
            return f"{value} and integers beyond {2**63 - 1} have no common 64-bit type"
        if self.room.dtype.kind == "f" and int(float(value)) != value:
            return f"{value} {LOSES} among decimal numbers"
        return None

    def _add_floats(self, values: Sequence[Number | None], text: bytes) -> bool:
        """Put values in as float64, and make the buffer float64, if no integer asks for more care."""
        kinds = set(map(type, values))
        if kinds == {int} or not kinds <= {int, float, type(None)}:
            return False
        if self.room.dtype.kind != "f" and self.count and _largest(self.array) > EXACT:
            return False
        fresh = np.array(values, np.float64)  # None becomes NaN
        if _doubtful(fresh, values, text):
            return False
        self._become("float64")
        self.room[self.count : self.count + len(values)] = fresh
        return True

    def _become(self, dtype: str) -> None:
        """Change the type in place; int64, uint64 and float64 have one size."""
        if self.room.dtype == dtype:
            return
        old = self.array
        wide = old.astype(dtype)
        limit = 2.0 ** np.iinfo(old.dtype).bits / (2 if old.dtype.kind == "i" else 1)
        if dtype == "uint64":
            fits = not (old < 0).any()
        else:  # what rounds up to the limit cannot be turned back to be compared
            fits = not (wide >= limit).any() and bool((wide.astype(old.dtype) == old).all())
        if not fits:
            raise Restart(dtype)
        self.room = self.room.view(dtype)
        self.array[:] = wide


def _doubtful(numbers: NDArray[Any], values: Sequence[Number | None], text: bytes) -> bool:
    """Whether an integer may have lost digits among floats.

    It may be one that float64 does not hold, or one beyond 64 bits, which orjson makes a float of without a word.
    """
    if _largest(numbers) < EXACT:
        return False
    if any(type(value) is int and abs(value) > EXACT for value in values):
        return True
    return any(len(cell) > 18 and cell.strip(b"[] \t\r\n-").isdigit() for cell in text.split(b","))


def _largest(numbers: NDArray[Any]) -> float:
    """Return the largest magnitude, NaN left out."""
    if not numbers.size:
        return 0
    return max(float(np.fmax.reduce(numbers)), -float(np.fmin.reduce(numbers)))


def _narrowest(values: Sequence[Number | None], dtype: str) -> str:
    if any(not isinstance(value, int) for value in values):
        return "float64"
    return "uint64" if any(2**63 <= value < 2**64 for value in values if value is not None) else dtype


def range_error(where: str, reason: str) -> NumberRangeError:
    """Make the error for a number that does not fit."""
    return NumberRangeError(f"{where}: {reason}", DIGITS if LOSES in reason else BITS)


def load_rows(text: bytes) -> list[list[Any]] | None:
    """Read ``1,2],[3,4`` into lists, or return None if this is no JSON.

    The caller has made sure that there is no ``true`` or ``false``, which would count as 1 and 0.
    """
    try:
        rows: list[list[Any]] = orjson.loads(b"[[" + text + b"]]")
    except orjson.JSONDecodeError:
        return None
    return rows


def dump_numbers(array: NDArray[Any], nan: bytes = b"null", infinity: bytes = b"1e999") -> bytes:
    """Write an array as nested JSON lists with the fewest digits that give each number back.

    Parameters
    ----------
    array : ndarray
        Booleans are written as 0 and 1.
    nan, infinity : bytes
        The words for what JSON has no words for.

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


def row_bands(array: NDArray[Any]) -> Iterator[NDArray[Any]]:
    """Cut a matrix into bands of whole rows that stay in cache."""
    step = max(BAND_CELLS // max(array.shape[1], 1), 1)
    for start in range(0, len(array), step):
        yield array[start : start + step]

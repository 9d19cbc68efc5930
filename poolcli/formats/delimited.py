"""Lines of numbers with a delimiter between them: CSV, TSV, ``;``, blanks or any other.

What is read
------------
A cell is a decimal number, an integer of up to 64 bits, or NaN or infinity in the notations of `poolcli.formats.cells`;
it may be in double quotes, and blanks around it do not count. Nothing else is a number: not an empty cell, not
``0x10``, ``1_000`` or ``1e400``; what ``missing`` names is NaN. Blank lines are skipped, and so are comments, which
start with a ``#`` at the start of a line or after a blank. Each row has as many cells as the first; a delimiter at the
end of every line does not count. Row labels are left out. The numbers are int64 if all are integers (uint64 if needed),
else float64.

How
---
Lines become JSON, a band at a time, and orjson's strict grammar refuses everything but plain numbers. A band that it
refuses is read cell by cell by `poolcli.formats.dialect`, which knows all the rules above and finds the line and the
cell of an error.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable, Iterator
from io import BytesIO
from itertools import chain, islice
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import NumberRangeError, ShapeError
from poolcli.featuremap import FeatureMap
from poolcli.formats.cells import EXPONENT
from poolcli.formats.dialect import Dialect, dialect_of, lines_of
from poolcli.formats.numbers import Misfit, Numbers, range_error
from poolcli.formats.options import ANYWHERE, ReadOptions
from poolcli.formats.text import (
    BAND_BYTES,
    BAND_CELLS,
    Number,
    check_utf8,
    dump_numbers,
    encoding_of,
    load_rows,
    newlines,
    pieces_of,
    utf8,
)
from poolcli.system.files import as_it_was, open_source, state_of
from poolcli.wording import Phrase

NAN_AND_INF = (b"nan", b"inf")  # as they are written
LONG_LINE = 2 * BAND_BYTES  # bytes; a longer band has a line that does not stay in cache
NARROW = 64  # columns; for more, a call per row costs less than searching for the ends of rows (20 ns a number)
NAN_WORDS = (b"nan", b"NaN", b"NAN")

# Bands of lines


def _bands(file: BinaryIO) -> Iterator[bytes]:
    """Cut a file into bands of whole lines, with a line feed at the end of each line but the last."""
    rest, size = b"", BAND_BYTES
    while block := file.read(size):
        rest += block
        cut = rest.rfind(b"\n") + 1
        if cut:
            yield _unix(rest[:cut]).removesuffix(b"\n")
            rest, size = rest[cut:], BAND_BYTES
        else:
            size *= 2  # one long line: join it in few steps
    if rest:
        yield _unix(rest).removesuffix(b"\n")


def _unix(text: bytes) -> bytes:
    return text.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in text else text


def _head(bands: Iterator[bytes], line: int) -> tuple[bytes, int]:
    """Take bands until there are two rows, or a header and one; return them and the number of their first line."""
    pieces: list[bytes] = []
    rows = 0
    for band in bands:
        found = sum(1 for _ in islice(lines_of(band, 1), 2))
        if found or pieces:
            pieces.append(band)
            rows += found
        else:  # nothing but comments so far
            line += newlines(band) + 1
        if rows > 1:
            break
    return b"\n".join(pieces), line


def _open(
    bands: Iterator[bytes], name: str, options: ReadOptions, kind: str
) -> tuple[Dialect, Iterator[tuple[int, bytes]]]:
    """Return a file's dialect, and its rows in bands, each with the number of its first line."""
    head, first = _head(bands, options.skip + 1)
    dialect = dialect_of(head, first, name, options, tabs=kind == "tsv")

    def rows() -> Iterator[tuple[int, bytes]]:
        yield dialect.line, head[dialect.start :]
        line = first + newlines(head) + 1
        for band in bands:
            yield line, band
            line += newlines(band) + 1

    return dialect, rows()


# Numbers


Convert = Callable[[bytes], bytes | None]


def _converter(dialect: Dialect) -> Convert:
    """Make a function that turns rows into ``1,2],[3,4``, or returns None for rows that need a closer look."""
    mark, decimal = dialect.mark, dialect.decimal.encode()
    if mark == decimal:  # only quotes tell them apart
        return lambda _: None
    strange = [other for other in (b",", b".") if other not in (mark, decimal)] + [b"u", b"l"]  # true, false, null
    blanks = mark == b" "
    strange += [b"\v", b"\f"] if blanks else []  # where bytes.split would cut
    between = b"" if blanks else mark
    plain = between + decimal in (b".", b",.")
    table = bytes.maketrans(between + decimal, b",."[-len(between + decimal) :]) if len(between) < 2 else None
    reshape = _reshaper(dialect)

    def convert(text: bytes) -> bytes | None:
        if any(byte in text for byte in strange):
            return None
        if not plain:
            text = text.translate(table) if table else text.replace(decimal, b".").replace(between, b",")
        shaped = reshape(text) if reshape else text
        return None if shaped is None else shaped.replace(b"\n", b"],[")

    return convert


def _reshaper(dialect: Dialect) -> Convert | None:
    """Make a function that joins the wanted cells of rows with commas, or returns None if rows differ from the first.

    Return None if rows need no change.
    """
    if not dialect.trailing and dialect.picked is None and dialect.mark != b" ":
        return None
    picked = dialect.picked
    pick = None if picked is None else itemgetter(*picked) if len(picked) > 1 else lambda cells: (cells[picked[0]],)

    def reshape(text: bytes) -> bytes | None:
        if dialect.trailing:
            text += b"\n"
            if text.count(b",\n") != newlines(text):
                return None
            text = text.replace(b",\n", b"\n")[:-1]
            if not all(map(bytes.strip, text.split(b"\n"))):
                return None
        if dialect.mark != b" " and pick is None:
            return text
        rows = [line.split() if dialect.mark == b" " else line.split(b",") for line in text.split(b"\n")]
        if pick is None:
            return b"\n".join([b",".join(cells) for cells in rows])
        if set(map(len, rows)) != {dialect.width}:
            return None
        picked_rows = [b",".join(pick(cells)) for cells in rows]
        return b"\n".join(picked_rows) if all(map(bytes.strip, picked_rows)) else None  # blanks would be skipped

    return reshape


def _word_finder(dialect: Dialect) -> re.Pattern[bytes] | None:
    """Return a pattern that finds in JSON the cells that mean NaN; an empty line of a single column is not a cell."""
    words = [re.escape(word) for word in dialect.words if word or dialect.columns > 1]
    if not words:
        return None
    return re.compile(rb"(?:^|(?<=[\[,]))[ \t]*(?:%s)[ \t]*(?=[,\]]|$)" % b"|".join(sorted(words, reverse=True)))


def _loaded(json: bytes, words: re.Pattern[bytes] | None) -> list[list[Any]] | None:
    """Read ``1,2],[3,4``, which may hold NaN, words for it and Fortran's exponents; None for anything else."""
    rows = load_rows(json)
    if rows is not None:
        return rows
    if words:
        json = words.sub(b"null", json)
    for word in NAN_WORDS if b"n" in json.lower() else ():  # replaced inside another word, it gives invalid JSON
        json = json.replace(word, b"null")
    return load_rows(json.translate(EXPONENT))


def _fast(text: bytes, convert: Convert, words: re.Pattern[bytes] | None) -> tuple[list[list[Any]], bytes] | None:
    """Read a band of plain JSON numbers or NaN, and return the rows with that JSON; None for anything else."""
    json = convert(text)
    rows = None if json is None else _loaded(json, words)
    if json is None or rows is None or len(rows) != newlines(text) + 1:  # a ] would split a row
        return None
    return rows if all(rows) else [row for row in rows if row], json


def _careful(text: bytes, line: int, dialect: Dialect, name: str) -> Iterator[list[Number]]:
    """Read a band cell by cell."""
    return (dialect.row(content, here, name) for here, _, content in lines_of(text, line))


class _Rows:
    """Reads bands of rows in one dialect."""

    def __init__(self, dialect: Dialect, name: str) -> None:
        self.dialect, self.name = dialect, name
        self.convert, self.words = _converter(dialect), _word_finder(dialect)

    def fill(self, numbers: Numbers, text: bytes, line: int) -> None:
        """Add a band of lines to the numbers."""
        if len(text) > LONG_LINE and self._fill_long(numbers, text):
            return
        if found := _fast(text, self.convert, self.words):
            rows, json = found
            if not set(map(len, rows)) - {self.dialect.columns} and numbers.add([*chain.from_iterable(rows)], json):
                return
        numbers.add_exact([*chain.from_iterable(_careful(text, line, self.dialect, self.name))])

    def _fill_long(self, numbers: Numbers, text: bytes) -> bool:
        """Add long lines in pieces that stay in cache; return False, with nothing added, if they need a closer look."""
        before, json = numbers.count, self.convert(text)
        for row in json.split(b"],[") if json is not None else ():
            start = numbers.count
            for piece in pieces_of(row, 0, len(row)):
                rows = _loaded(piece, self.words)
                if rows is None or len(rows) != 1 or not numbers.add(rows[0], piece):
                    return numbers.forget(before)
            if numbers.count - start not in (0, self.dialect.columns):
                return numbers.forget(before)
        return json is not None


def _out_of_range(misfit: Misfit, text: bytes, line: int, dialect: Dialect, name: str) -> NumberRangeError:
    """Return the error for a number that does not fit, with its place in the rows `text`."""
    row, column = divmod(misfit.index, dialect.columns)
    here, _, _ = next(islice(lines_of(text, line), row, None))
    return range_error(f"{name}: line {here}, column {column + 1}", misfit.reason)


# The format


def read(data: bytes, name: str, options: ReadOptions, kind: str) -> FeatureMap:
    """Read a whole file."""
    text, notes = utf8(data, name, options.skip)
    dialect, array = _read_table(text, name, options, kind)
    origin: dict[str, Any] = {"header": dialect.header} if dialect.header else {}
    notes += (*dialect.notes, f"dtype {array.dtype}")
    return FeatureMap.from_array(
        array, options.layout, channels_last=options.channels_last, name=name, notes=notes, warnings=dialect.warnings,
        origin=origin,
    )  # fmt: skip


def _read_table(text: bytes, name: str, options: ReadOptions, kind: str) -> tuple[Dialect, NDArray[Any]]:
    dialect, bands = _open(_bands(BytesIO(text)), name, options, kind)
    rows = min(_line_count(text), len(text) // (2 * dialect.width - 1 or 1) + 1)  # a cell has a digit and a delimiter
    numbers = Numbers(rows * dialect.columns)
    reader = _Rows(dialect, name)
    try:
        for line, band in bands:
            reader.fill(numbers, band, line)
    except Misfit as misfit:
        before = _unix(text).removesuffix(b"\n").split(b"\n", dialect.line - options.skip - 1)
        raise _out_of_range(misfit, before[-1], dialect.line, dialect, name) from None
    return dialect, numbers.array.reshape(-1, dialect.columns)


def _line_count(text: bytes) -> int:
    """Return the largest possible number of lines."""
    lines = newlines(text) + 1
    return lines if b"\r" not in text else lines + newlines(text, byte=13) - text.count(b"\r\n")


def matrix_of(feature_map: FeatureMap, kind: str) -> NDArray[Any]:
    """Return a map as rows and columns; axes of length 1 do not count, but in a batch of one number per channel."""
    array, spatial = feature_map.array, feature_map.spatial
    if set(spatial) == {1} and array.ndim == len(spatial) + 2:
        array = array.squeeze(tuple(axis for axis, letter in enumerate(feature_map.layout) if letter not in "NC"))
    while array.ndim > 2 and 1 in array.shape:
        array = array.squeeze(array.shape.index(1))
    if array.ndim > 2:
        shape = "x".join(map(str, feature_map.shape))
        raise ShapeError(
            f"{kind.upper()} holds rows and columns, but the result is {shape} ({feature_map.layout})", ANYWHERE
        )
    width = 1 if array.ndim == 1 and feature_map.origin.get("column") else array.shape[-1]
    return array.reshape(-1, width)


def band_bytes(matrix: NDArray[Any], mark: bytes) -> Iterator[bytes]:
    """Write a matrix in bands of rows that stay in cache, and a long row in pieces."""
    tall = max(BAND_CELLS // max(matrix.shape[1], 1), 1)
    for first in range(0, len(matrix), tall):
        band = matrix[first : first + tall]
        if matrix.shape[1] < NARROW:
            yield dump_numbers(band, *NAN_AND_INF)[2:-2].replace(b"],[", b"\n").replace(b",", mark) + b"\n"
        elif matrix.shape[1] <= BAND_CELLS:
            rows = [memoryview(dump_numbers(row, *NAN_AND_INF))[1:-1] for row in band]
            yield b"\n".join(rows).replace(b",", mark) + b"\n"
        else:
            for start in range(0, matrix.shape[1], BAND_CELLS):
                piece = dump_numbers(band[0, start : start + BAND_CELLS], *NAN_AND_INF)[1:-1].replace(b",", mark)
                yield piece + (mark if start + BAND_CELLS < matrix.shape[1] else b"\n")


# In bands


class Bands(NamedTuple):
    """A file that may be larger than memory, read in bands of rows with the same bits as the file read whole."""

    name: str  # the path as a user typed it
    shape: tuple[int, int]  # known before the first band, because the file is read twice
    dtype: np.dtype[Any]  # of every band
    notes: tuple[str | Phrase, ...]  # what was guessed
    rows: Callable[[], Iterator[NDArray[Any]]]  # starts from the beginning


def open_bands(path: str | Path, options: ReadOptions, kind: str) -> Bands | None:
    """Go through a text file once and return its rows in bands; None if it has to be read whole."""
    name = str(path)
    with open_source(path) as file:
        if (options.layout or "HW").upper() != "HW" or options.missing is not None or encoding_of(file.read(4)):
            return None
        stamp = state_of(file)
        dialect, found = _open(_checked(file, name, options.skip), name, options, kind)
        if dialect.picked is not None or dialect.mark == dialect.decimal.encode():  # each cell has to be looked at
            return None
        count, dtype = _scanned(found, dialect, name)

    def pieces() -> Iterator[NDArray[Any]]:
        with open_source(path) as file, as_it_was(file, stamp, name):
            dialect, bands = _open(_checked(file, name, options.skip), name, options, kind)
            reader = _Rows(dialect, name)
            for line, text in bands:
                numbers = Numbers((newlines(text) + 1) * dialect.columns, dtype)
                try:
                    reader.fill(numbers, text, line)
                except Misfit as misfit:
                    raise _out_of_range(misfit, text, line, dialect, name) from None
                yield numbers.array.reshape(-1, dialect.columns)

    notes = (f"format {kind}", *dialect.notes, f"dtype {dtype}", "layout HW (by the number of axes)")
    return Bands(name, (count, dialect.columns), np.dtype(dtype), notes, pieces)


def _checked(file: BinaryIO, name: str, skip: int) -> Iterator[bytes]:
    """Yield the bands of a file below the skipped lines, without a byte order mark and checked to be text."""
    file.seek(0)
    file.seek(len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0)
    for _ in range(skip):
        file.readline()
    line = skip + 1
    for band in _bands(file):
        check_utf8(band, name, line)
        yield band
        line += newlines(band) + 1


def _scanned(bands: Iterator[tuple[int, bytes]], dialect: Dialect, name: str) -> tuple[int, str]:
    """Count the rows and find the type that holds all numbers, mostly without reading them."""
    count, dtype = 0, "int64"
    # found in floats, and in nan and inf in any notation
    marks = [dialect.decimal.encode(), b"#", "∞".encode(), *(bytes((byte,)) for byte in b"eEdDnNiI")]
    for line, band in bands:
        text = _tidy(band, line)
        text = text.replace(dialect.mark, b" ") if dialect.mark > b"0" else text  # as `_has_long_number` needs it
        count += newlines(text) + 1 if text else 0
        if dtype != "float64" and any(mark in text for mark in marks):
            dtype = "float64"
        if dtype == "int64" and _has_long_number(text):
            rows = _careful(band, line, dialect, name)
            dtype = "uint64" if any(value >= 2**63 for row in rows for value in row) else dtype
    return count, dtype


def _tidy(text: bytes, line: int) -> bytes:
    """Return a band without blank lines and comments."""
    framed = b"\n" + text + b"\n"
    if any(mark in framed for mark in (b"#", b"\n\n", b"\n ", b"\n\t")):
        return b"\n".join(content for _, _, content in lines_of(text, line))
    return text


def _has_long_number(text: bytes) -> bool:
    """Whether there may be an integer of 19 digits, which int64 cannot always hold."""
    ends = np.flatnonzero(np.frombuffer(b"\n" + text + b"\n", np.uint8) < ord("0"))
    return bool(np.diff(ends).max() > 19)

"""Numbers in lines with a delimiter between them: CSV, TSV, ``;`` and blanks.

What is read
------------
A cell is a decimal number, an integer of up to 64 bits, or ``nan``, ``inf``, ``infinity`` with any capitals and sign;
blanks around it do not count and it may stand in double quotes. Nothing else is a number: not an empty cell, not
``0x10``, ``1_000`` or ``1e400``. Blank lines, and what follows a ``#``, are passed over. Each row has as many cells as
the first. The numbers are int64 if all are integers (uint64 if one needs it), else float64.

How
---
Lines become JSON, a band at a time, and orjson's strict grammar refuses what is no plain number. A band that it refuses
is read cell by cell by `_careful`, which knows every rule above and finds the line and the cell of what is wrong.
"""

from __future__ import annotations

import codecs
import io
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import FileError, InputError, NumberRangeError, ShapeError, UnknownNameError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.files import open_source
from poolcli.formats.text import (
    BAND_BYTES,
    Misfit,
    Number,
    Numbers,
    Restart,
    check_utf8,
    dump_numbers,
    encoding_of,
    load_rows,
    newlines,
    quoted,
    range_error,
    row_bands,
    utf8,
)

if TYPE_CHECKING:
    from poolcli.formats import ReadOptions, WriteOptions
    from poolcli.formats.bands import Bands

DELIMITERS = {"tab": b"\t", ";": b";", ",": b",", "blanks": b" "}  # in the order of precedence
ALIASES = {"\t": "tab", "\\t": "tab", " ": "blanks", "comma": ",", "semicolon": ";"}
HEADERS = ("auto", "yes", "no")
SAMPLE = 20  # lines that decide the delimiter
TITLE = 60  # characters of a header that a note shows

NUMBER = re.compile(
    rb"[+-]?(?:[0-9]+|(?P<float>(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+))"
)
WORD = re.compile(rb"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
MISSING = re.compile(rb"n/?a|#n/a|null|none|nil|missing|-+|\?|\.", re.IGNORECASE)
DECIMAL_COMMA = re.compile(rb"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?")
BOOLEAN = re.compile(rb"true|false", re.IGNORECASE)
MINUS = rb"(?:\xe2\x80[\x90-\x95]|\xe2\x88\x92)"  # the minus sign and the dashes that stand for it
ALMOST_NUMBER = re.compile(rb"(?:[+-]|" + MINUS + rb")?[.,]?[0-9]|[\[{]")  # no name of a column starts like this
COMMENT = re.compile(rb'((?:[^"#]|"[^"]*")*)#')
QUOTED = re.compile(rb'"((?:[^"]|"")*)"')
WORDS = (b"nan", b"inf")  # as they are written
NARROW = 64  # columns; from here on a call for each row costs less than a search for the ends of rows (20 ns a number)
NAN_WORDS = (b"nan", b"NaN", b"NAN")

WRITE_NAN = "write nan where a value is missing"
CORRECT = f"correct it, or {WRITE_NAN}"
NAMES = "correct it, or add --header yes if this line names the columns"
Hints = tuple[tuple[re.Pattern[bytes], str], ...]
POINTED = rb"[+-]?[0-9]{1,3}(?:\.[0-9]{3})+"  # an integer with points between thousands
HINTS: Hints = (
    (re.compile(rb""), f"{WRITE_NAN}, and no delimiter at the end of a line"),
    (MISSING, WRITE_NAN),
    (BOOLEAN, "write 1 for true and 0 for false"),
    (re.compile(rb"[+-]?[0-9]{1,3},[0-9]{3}"),
     "add --decimal , if the comma is a decimal comma; take it out if it separates thousands"),
    (DECIMAL_COMMA, "add --decimal , if the comma is a decimal comma"),
    (re.compile(POINTED + rb",[0-9]*"), "write numbers without thousands separators, and add --decimal ,"),
    (re.compile(rb"[+-]?[0-9]{1,3}(?:[.,' ][0-9]{3})+(?:[.,][0-9]*)?"), "write numbers without thousands separators"),
    (re.compile(rb"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[ap]m)?", re.IGNORECASE),
     "write a time as one number, such as 8.5 for 08:30, or leave its column out"),
    (re.compile(rb"(?:[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([-/.])[0-9]{1,2}\2[0-9]{4})(?:[T ].*)?"),
     "write a date as one number, such as days from the first, or leave its column out"),
    (re.compile(rb"[+-]?[0-9]+(?:_[0-9]+)+"), "write numbers without underscores"),
    (re.compile(rb"[+-]?0[xXoObB][0-9a-fA-F]+"), "write numbers in decimal"),
    (re.compile(rb".*%"), "write 12% as 0.12"),
    (re.compile(rb"[\[{].*"), "add --input-format json if this is JSON"),
    (re.compile(rb".*;.*"), "add --delimiter ';' if the semicolon separates"),
    (re.compile(rb".*,.*"), "add --delimiter , if the comma separates"),
    (re.compile(rb".*\t.*"), "add --delimiter tab if the tab separates"),
    (re.compile(rb"[0-9.eE+-]+(?:[ ]+[0-9.eE+-]+)+"), "add --delimiter blanks if blanks separate"),
    (re.compile(MINUS + rb"[0-9.,eE+-]+"), "write the minus sign as -"),
)  # fmt: skip
WITH_COMMA: Hints = (  # first, where the comma is the decimal mark
    (re.compile(POINTED + rb"(?:,[0-9]*|\.[0-9]{3})"), "write numbers without thousands separators"),
    (re.compile(rb".*\..*"),
     "with --decimal , a point has no meaning; take it out if it separates thousands, or leave the option out if it is "
     "the decimal mark"),
)  # fmt: skip
# A line that was cut at decimal commas: the blanks in it are what separates.
BLANKS_AND_COMMAS = re.compile(rb"[ \t]*X(?:[ \t]+X)+[ \t]*".replace(b"X", rb"(?:%s|[+-]?[0-9]*),[0-9]+" % POINTED))


# Dialect: how one file is written


@dataclass(frozen=True)
class Dialect:
    """How one file is written.

    Attributes
    ----------
    delimiter : str
        A name in `DELIMITERS`, or the empty text if each line has one cell.
    decimal : str
        ``.`` or ``,``.
    columns : int
        Cells in each row.
    headed : bool
        Whether there is a header above the first row.
    start, line : int
        The offset of the first row and its line number from 1.
    notes : tuple of str
        What was guessed.
    """

    delimiter: str
    decimal: str
    columns: int
    headed: bool
    start: int
    line: int
    notes: tuple[str, ...]


def number(cell: bytes, decimal: str = ".") -> Number | None:
    """Return the number in a cell, or None if there is none.

    Raises
    ------
    OverflowError
        If it is beyond float64.

    Examples
    --------
    >>> number(b"+5"), number(b".5"), number(b"1_000"), number(b"1,5", ",")
    (5, 0.5, None, 1.5)
    """
    if decimal == ",":
        if b"." in cell:
            return None
        cell = cell.replace(b",", b".")
    match = NUMBER.fullmatch(cell)
    if not match:
        return float(cell) if WORD.fullmatch(cell) else None
    if match["float"]:
        value = float(cell)
        if value in (float("inf"), float("-inf")):
            raise OverflowError
        return value
    digits = cell.lstrip(b"+-0")
    # Python refuses to convert very long integers; any that long is beyond 64 bits all the same
    return int(cell) if len(digits) < 30 else (-1 if cell.startswith(b"-") else 1) * 10**100


def _dialect(head: bytes, line: int, name: str, options: ReadOptions, kind: str) -> Dialect:
    """Find out how a file is written from its first lines."""
    delimiter, decimal, header = _asked(options)
    lines = list(islice(_lines(head, line), SAMPLE))
    if not lines:
        raise InputError(f"{name}: no numbers in it, only blank lines and comments", "give it at least one number")
    chosen = delimiter or ("tab" if kind == "tsv" else _guess([content for _, _, content in lines], decimal))
    notes: tuple[str, ...] = () if delimiter else (f"delimiter {chosen}" if chosen else "one column",)
    first, rest = lines[0], lines[1:]
    where = f"{name}: line {first[0]}"
    headed = header == "yes" or (header == "auto" and _is_header(_split(first[2], chosen, where), decimal, where))
    if headed:
        title = first[2][:TITLE].decode(errors="replace")
        notes += (f"header in line {first[0]}: {title}",)
        if not rest:
            hint = (
                "leave out --header yes if this line holds the numbers" if header == "yes" else "write numbers below it"
            )
            raise InputError(f"{name}: no numbers in it, only a header in line {first[0]}: {quoted(title)}", hint)
        first = rest[0]
    else:
        notes += ("no header",) if header == "auto" else ()
    columns = len(_split(first[2], chosen, f"{name}: line {first[0]}"))
    return Dialect(chosen, decimal, columns, headed, first[1], first[0], notes)


def _asked(options: ReadOptions) -> tuple[str, str, str]:
    """Check the options; the delimiter is the empty text if it is to be guessed."""
    delimiter = ALIASES.get(options.delimiter, options.delimiter)
    if delimiter != "auto" and delimiter not in DELIMITERS:
        raise UnknownNameError("delimiter", options.delimiter, ["auto", *DELIMITERS])
    if options.decimal not in (".", ","):
        raise UsageError(f"the decimal mark {options.decimal!r} is neither . nor ,", "use --decimal . or --decimal ,")
    if options.header not in HEADERS:
        raise UnknownNameError("header rule", options.header, HEADERS)
    return "" if delimiter == "auto" else delimiter, options.decimal, options.header


def _guess(lines: list[bytes], decimal: str) -> str:
    """Choose the first delimiter that every line has, or every line after the first, or any line.

    What stands in quotes does not count.
    """
    bare = [QUOTED.sub(b'""', line).strip() for line in lines]
    fits = [name for name in DELIMITERS if name != decimal or any(b'"' in line for line in bare)]
    for enough, sample in ((all, bare), (all, bare[1:] or bare), (any, bare)):
        for name in fits:
            if enough(DELIMITERS[name] in line for line in sample):
                return name
    return ""


def _is_header(cells: list[bytes], decimal: str, where: str) -> bool:
    """Whether a first row is a header: it has names, and no cell of it is a number, or nearly one."""
    kinds = [_cell_kind(cell, decimal) for cell in cells]
    names = "name" in kinds or kinds[0] == "empty"  # pandas leaves the name of its index empty
    if names and "number" in kinds:
        odd = next(cell for cell, kind in zip(cells, kinds, strict=True) if kind in ("name", "empty"))
        raise InputError(
            f"{where}: numbers and other text in the first row: {quoted(odd)} is not a number",
            "add --header yes to pass over this row, or correct it",
        )
    return "name" in kinds and "odd" not in kinds


def _cell_kind(cell: bytes, decimal: str) -> str:
    """Return number, empty, odd (a number gone wrong, a missing value) or name."""
    try:
        if number(cell, decimal) is not None:
            return "number"
    except OverflowError:
        return "number"
    if not cell:
        return "empty"
    return "odd" if ALMOST_NUMBER.match(cell) or MISSING.fullmatch(cell) or BOOLEAN.fullmatch(cell) else "name"


# Lines and cells


def _lines(text: bytes, line: int) -> Iterator[tuple[int, int, bytes]]:
    """Give the number, the offset and the text of each line that is not blank, comments taken off."""
    offset = 0
    while offset < len(text):
        end = text.find(b"\n", offset)
        end = len(text) if end < 0 else end
        content = text[offset:end]
        if b"#" in content and (comment := COMMENT.match(content)):
            content = comment[1]
        if content.strip(b" \t"):
            yield line, offset, content
        offset, line = end + 1, line + 1


def _split(line: bytes, delimiter: str, where: str) -> list[bytes]:
    """Cut a line into cells, and take blanks and quotes off them."""
    mark = DELIMITERS.get(delimiter)
    if b'"' in line:
        return _split_quoted(line, mark, where)
    if mark is None:
        return [line.strip(b" \t")]
    if mark == b" ":
        return [cell for cell in line.replace(b"\t", b" ").split(b" ") if cell]
    return [cell.strip(b" \t") for cell in line.split(mark)]


def _split_quoted(line: bytes, mark: bytes | None, where: str) -> list[bytes]:
    """Cut a line that has quotes in it; a delimiter in quotes is text, and ``""`` in them is a quote."""
    blanks = b" " if mark == b"\t" else b" \t"
    cells, rest = [], line.strip(blanks)
    while True:
        if rest.startswith(b'"'):
            match = QUOTED.match(rest)
            if not match:
                raise InputError(f"{where}: a quote opens and does not close", 'close it with "')
            cell, after = match[1].replace(b'""', b'"').strip(b" \t"), rest[match.end() :]
            space = after[:1] in (b" ", b"\t")
            after = after.lstrip(blanks)
            ends = not after or (mark is not None and (space if mark == b" " else after.startswith(mark)))
            if not ends:
                raise InputError(f"{where}: text after a closing quote: {quoted(after)}", "quote whole cells")
            more, rest = bool(after), after if mark == b" " else after[1:]
        elif mark is None:
            cell, more = rest, False
        else:
            cell, found, rest = rest.partition(mark)
            cell, more = cell.strip(blanks), bool(found)
        cells.append(cell)
        if not more:
            return cells
        rest = rest.lstrip(blanks)


def _bands(file: BinaryIO) -> Iterator[bytes]:
    """Cut a file into bands of whole lines, with a line feed at the end of each line but the last."""
    rest, size = b"", BAND_BYTES
    while block := file.read(size):
        rest += block
        cut = rest.rfind(b"\n") + 1
        if cut:
            yield _unix(rest[:cut])
            rest, size = rest[cut:], BAND_BYTES
        else:
            size *= 2  # one long line: keep the number of joins small
    if rest:
        yield _unix(rest)


def _unix(text: bytes) -> bytes:
    if b"\r" in text:
        text = text.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return text.removesuffix(b"\n")


def _head(bands: Iterator[bytes]) -> tuple[bytes, int]:
    """Take bands until there are two rows, perhaps a header and one; return them and the number of their first line."""
    pieces: list[bytes] = []
    line, rows = 1, 0
    for band in bands:
        found = sum(1 for _ in islice(_lines(band, 1), 2))
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
    """Find out how a file is written; give its rows in bands, each with the number of its first line."""
    head, first = _head(bands)
    dialect = _dialect(head, first, name, options, kind)

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
    """Make a function that turns rows into ``1,2],[3,4``, or returns None if they need a closer look."""
    mark, decimal = DELIMITERS.get(dialect.delimiter, b""), dialect.decimal.encode()
    if mark == decimal:  # only quotes tell them apart
        return lambda _: None
    strange = [other for other in (b",", b".") if other not in (mark, decimal)] + [b"u", b"l"]  # true, false, null
    blanks = mark == b" "
    if blanks:
        strange += [b"\v", b"\f"]  # bytes.split would cut there
        mark = b""
    table = None if mark + decimal in (b".", b",.") else bytes.maketrans(mark + decimal, b",."[-len(mark + decimal) :])

    def convert(text: bytes) -> bytes | None:
        if any(byte in text for byte in strange):
            return None
        if table:
            text = text.translate(table)
        if blanks:
            text = b"\n".join([b",".join(line.split()) for line in text.split(b"\n")])
        return text.replace(b"\n", b"],[")

    return convert


def _fast(text: bytes, convert: Convert) -> tuple[list[list[Any]], bytes] | None:
    """Read a band of rows that are plain JSON numbers or NaN, and give them with that JSON; None for anything else."""
    json = convert(text)
    if json is None:
        return None
    rows = load_rows(json)
    if rows is None and b"n" in json.lower():
        for word in NAN_WORDS:  # a part of another word makes no JSON
            json = json.replace(word, b"null")
        rows = load_rows(json)
    if rows is None or len(rows) != newlines(text) + 1:  # a ] would make two of one
        return None
    return rows if all(rows) else [row for row in rows if row], json


def _careful(text: bytes, line: int, dialect: Dialect, name: str) -> tuple[list[list[Number]], list[int]]:
    """Read a band cell by cell; give the rows and their line numbers, or raise with the place of what is wrong."""
    rows, numbers = [], []
    for here, _, content in _lines(text, line):
        where, row = f"{name}: line {here}", []
        for column, cell in enumerate(_split(content, dialect.delimiter, where), 1):
            value = _value(cell, dialect, where, column)
            if value is None:
                what = f"{quoted(cell)} is not a number" if cell else "an empty cell"
                raise InputError(f"{where}, column {column}: {what}", _hint(cell, content, here, dialect))
            row.append(value)
        if len(row) != dialect.columns:
            raise InputError(
                f"{where}: {_count(len(row), 'value')}, expected {dialect.columns}", "give every row the same length"
            )
        rows.append(row)
        numbers.append(here)
    return rows, numbers


def _value(cell: bytes, dialect: Dialect, where: str, column: int) -> Number | None:
    try:
        return number(cell, dialect.decimal)
    except OverflowError:
        raise NumberRangeError(
            f"{where}, column {column}: {quoted(cell)} is beyond float64", "write inf if infinity is meant"
        ) from None


def _hint(cell: bytes, line: bytes, here: int, dialect: Dialect) -> str:
    """Say what to do about a cell that is no number, in a line of this number."""
    if dialect.delimiter == "," != dialect.decimal and BLANKS_AND_COMMAS.fullmatch(line):
        return "add --decimal , if these are decimal commas with blanks between the numbers"
    hints = (*WITH_COMMA, *HINTS) if dialect.decimal == "," else HINTS
    first = here == dialect.line and not dialect.headed
    return next((hint for pattern, hint in hints if pattern.fullmatch(cell)), NAMES if first else CORRECT)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"


def _fill(numbers: Numbers, text: bytes, line: int, dialect: Dialect, convert: Convert, name: str) -> None:
    """Add a band of lines to the numbers so far."""
    if found := _fast(text, convert):
        rows, json = found
        if not set(map(len, rows)) - {dialect.columns} and numbers.add([*chain.from_iterable(rows)], json):
            return
    slow, lines = _careful(text, line, dialect, name)
    try:
        numbers.add_exact([*chain.from_iterable(slow)])
    except Misfit as misfit:
        row, column = divmod(misfit.index, dialect.columns)
        raise range_error(f"{name}: line {lines[row]}, column {column + 1}", misfit.reason) from None


# The format


def read(data: bytes, name: str, options: ReadOptions, kind: str) -> FeatureMap:
    """Read all of a file."""
    text, notes = utf8(data, name)
    dialect, array = _read_table(text, name, options, kind, "int64")
    if options.layout and options.layout.upper() == "L" and 1 in array.shape:
        array = array.reshape(-1)
    notes += (*dialect.notes, f"dtype {array.dtype}")
    return FeatureMap.from_array(array, options.layout, channels_last=options.channels_last, name=name, notes=notes)


def _read_table(text: bytes, name: str, options: ReadOptions, kind: str, dtype: str) -> tuple[Dialect, NDArray[Any]]:
    dialect, bands = _open(_bands(io.BytesIO(text)), name, options, kind)
    rows = min(_line_count(text), len(text) // (2 * dialect.columns) + 1)  # a cell has a digit and a delimiter
    numbers = Numbers(rows * dialect.columns, dtype)
    convert = _converter(dialect)
    try:
        for line, band in bands:
            _fill(numbers, band, line, dialect, convert, name)
    except Restart as wider:
        return _read_table(text, name, options, kind, wider.dtype)
    return dialect, numbers.array.reshape(-1, dialect.columns)


def _line_count(text: bytes) -> int:
    """Return how many lines there are at most."""
    lines = newlines(text) + 1
    return lines if b"\r" not in text else lines + newlines(text, byte=13) - text.count(b"\r\n")


def write(feature_map: FeatureMap, options: WriteOptions, kind: str) -> Iterator[bytes]:  # noqa: ARG001 -- as every format
    """Write one plane, or one line."""
    array = feature_map.array
    if array.ndim > 2:
        shape = "x".join(map(str, array.shape))
        raise ShapeError(
            f"{kind.upper()} holds rows and columns, but the result is {shape} ({feature_map.layout})",
            "use --json or -o output.npy",
        )
    return band_bytes(array.reshape(-1, array.shape[-1]), kind)


def band_bytes(matrix: NDArray[Any], kind: str) -> Iterator[bytes]:
    """Write a matrix, a band of rows at a time."""
    for band in row_bands(matrix):
        if matrix.shape[1] < NARROW:
            text = dump_numbers(band, *WORDS)[2:-2].replace(b"],[", b"\n")
        else:
            text = b"\n".join([memoryview(dump_numbers(row, *WORDS))[1:-1] for row in band])
        yield (text.replace(b",", b"\t") if kind == "tsv" else text) + b"\n"


# In bands


def open_bands(path: str | Path, options: ReadOptions, kind: str) -> Bands | None:
    """Look through a file of text once and return its rows in bands; None if it has to be read whole.

    Raises
    ------
    PoolcliError
        If the file cannot be read or is not what it should be, as far as a first look shows.
    """
    from poolcli.formats.bands import Bands, regrouped

    name = str(path)
    with open_source(path) as file:
        if (options.layout or "HW").upper() != "HW" or encoding_of(file.read(4)):
            return None
        stamp = _stamp(file)
        dialect, found = _open(_checked(file, name), name, options, kind)
        count, dtype = _scanned(found, dialect, name)

    def pieces() -> Iterator[NDArray[Any]]:
        with open_source(path) as file:
            dialect, bands = _open(_checked(file, name), name, options, kind)
            convert = _converter(dialect)
            for line, text in bands:
                numbers = Numbers((newlines(text) + 1) * dialect.columns, dtype)
                _fill(numbers, text, line, dialect, convert, name)
                yield numbers.array.reshape(-1, dialect.columns)
            if _stamp(file) != stamp:
                raise FileError(f"cannot read {name}: it changed while it was read", "try again when it is complete")

    notes = (f"format {kind}", *dialect.notes, f"dtype {dtype}", "layout HW (by the number of axes)")
    return Bands(name, (count, dialect.columns), np.dtype(dtype), notes, lambda rows: regrouped(pieces(), rows))


def _stamp(file: BinaryIO) -> tuple[int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns


def _checked(file: BinaryIO, name: str) -> Iterator[bytes]:
    """Give the bands of a file from its start, without a byte order mark, and checked to be text."""
    file.seek(0)
    file.seek(len(codecs.BOM_UTF8) if file.read(3) == codecs.BOM_UTF8 else 0)
    line = 1
    for band in _bands(file):
        check_utf8(band, name, line)
        yield band
        line += newlines(band) + 1


def _scanned(bands: Iterator[tuple[int, bytes]], dialect: Dialect, name: str) -> tuple[int, str]:
    """Count the rows, and find out which type holds all numbers, mostly without reading them."""
    count, dtype = 0, "int64"
    marks = [dialect.decimal.encode(), b"e", b"E", b"n", b"N", b"i", b"I"]  # of a float, of nan and of inf
    for line, band in bands:
        text = _tidy(band, line)
        count += newlines(text) + 1 if text else 0
        if dtype != "float64" and any(mark in text for mark in marks):
            dtype = "float64"
        if dtype == "int64" and _has_long_number(text):
            rows, _ = _careful(band, line, dialect, name)
            dtype = "uint64" if any(value >= 2**63 for row in rows for value in row) else dtype
    return count, dtype


def _tidy(text: bytes, line: int) -> bytes:
    """Return a band without blank lines and comments."""
    framed = b"\n" + text + b"\n"
    if any(mark in framed for mark in (b"#", b"\n\n", b"\n ", b"\n\t")):
        return b"\n".join(content for _, _, content in _lines(text, line))
    return text


def _has_long_number(text: bytes) -> bool:
    """Whether there may be an integer of 19 digits, the first that int64 cannot always hold."""
    ends = np.flatnonzero(np.frombuffer(b"\n" + text + b"\n", np.uint8) < ord("0"))
    return bool(np.diff(ends).max() > 19)

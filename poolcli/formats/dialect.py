"""How numbers in lines are written: what separates them, whether there is a header, what is wrong with a cell."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice, pairwise

from poolcli.errors import InputError, NumberRangeError, UnknownNameError, UsageError
from poolcli.formats.options import ReadOptions
from poolcli.formats.text import Number, quoted
from poolcli.system.files import STDIN_NAME, piped
from poolcli.wording import Phrase

DELIMITERS = {"tab": b"\t", ";": b";", ",": b",", "blanks": b" "}  # in the order of precedence
ALIASES = {"\t": "tab", "\\t": "tab", " ": "blanks", "comma": ",", "semicolon": ";"}
HEADERS = ("auto", "yes", "no")
SAMPLE = 20  # lines that decide the delimiter
TITLE = 60  # characters of a header that a note shows

NUMBER = re.compile(
    rb"[+-]?(?:[0-9]+|(?P<float>(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+))"
)
WHOLE = re.compile(rb"[0-9]{1,18}")
WORD = re.compile(rb"[+-]?(?:nan|inf|infinity)", re.IGNORECASE)
MISSING = re.compile(rb"n/?a|#n/a|null|none|nil|missing|-+|\?|\.", re.IGNORECASE)
DECIMAL_COMMA = re.compile(rb"[+-]?[0-9]*,[0-9]+(?:[eE][+-]?[0-9]+)?")
BOOLEAN = re.compile(rb"true|false", re.IGNORECASE)
MINUS = rb"(?:\xe2\x80[\x90-\x95]|\xe2\x88\x92)"  # the minus sign and the dashes that stand for it
ALMOST_NUMBER = re.compile(rb"(?:[+-]|" + MINUS + rb")?[.,]?[0-9]|[\[{]")  # no name of a column starts like this
COMMENT = re.compile(rb'((?:[^"#]|"[^"]*")*)#')
QUOTED = re.compile(rb'"((?:[^"]|"")*)"')
TIME = re.compile(rb"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]+)?)?(?: ?[ap]m)?", re.IGNORECASE)
DATE = re.compile(rb"(?:[0-9]{4}([-/.])[0-9]{1,2}\1[0-9]{1,2}|[0-9]{1,2}([-/.])[0-9]{1,2}\2[0-9]{4})(?:[T ].*)?")

WRITE_NAN = "write nan where a value is missing"
CORRECT = f"correct it, or {WRITE_NAN}"
NAMES = "correct it, or add --header yes if this line names the columns"
Line = tuple[int, int, bytes]  # its number, its offset and its text
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
    (TIME, "write a time as one number, such as 8.5 for 08:30, or leave its column out"),
    (DATE, "write a date as one number, such as days from the first, or leave its column out"),
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
    labels : int
        How many cells at the start of the rows seem to be labels.
    unlabelled : str or Phrase
        The line of a shell that leaves them out.
    start, line : int
        The offset of the first row and its line number from 1.
    notes : tuple of str
        What was guessed.
    """

    delimiter: str
    decimal: str
    columns: int
    headed: bool
    labels: int
    unlabelled: str | Phrase
    start: int
    line: int
    notes: tuple[str | Phrase, ...]

    def row(self, line: bytes, here: int, name: str) -> list[Number]:
        """Return the numbers in a line of a file, given the number of the line.

        Raises
        ------
        InputError
            If a cell is no number or there are more or fewer than in the first row, with the place.
        NumberRangeError
            If a number is beyond float64.
        """
        where, found = f"{name}: line {here}", []
        for column, cell in enumerate(_split(line, self.delimiter, where), 1):
            try:
                value = number(cell, self.decimal)
            except OverflowError:
                raise NumberRangeError(
                    f"{where}, column {column}: {quoted(cell)} is beyond float64", "write inf if infinity is meant"
                ) from None
            if value is None and column <= self.labels:
                raise InputError(
                    f"{where}, column {column}: {quoted(cell)} is not a number; column {column} seems to hold labels",
                    self.unlabelled,
                )
            if value is None:
                what = f"{quoted(cell)} is not a number" if cell else "an empty cell"
                raise InputError(f"{where}, column {column}: {what}", self._hint(cell, line, here))
            found.append(value)
        if len(found) != self.columns:
            values = f"{len(found)} value{'' if len(found) == 1 else 's'}"
            raise InputError(f"{where}: {values}, expected {self.columns}", "give every row the same length")
        return found

    def _hint(self, cell: bytes, line: bytes, here: int) -> str:
        """Say what to do about a cell that is no number, in a line of this number."""
        if self.delimiter == "," != self.decimal and BLANKS_AND_COMMAS.fullmatch(line):
            return "add --decimal , if these are decimal commas with blanks between the numbers"
        hints = (*WITH_COMMA, *HINTS) if self.decimal == "," else HINTS
        first = here == self.line and not self.headed
        return next((hint for pattern, hint in hints if pattern.fullmatch(cell)), NAMES if first else CORRECT)


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


def dialect_of(head: bytes, line: int, name: str, options: ReadOptions, kind: str) -> Dialect:
    """Find out how a file is written from its first lines."""
    delimiter, decimal, header = _asked(options)
    lines = list(islice(lines_of(head, line), SAMPLE))
    if not lines:
        raise InputError(f"{name}: no numbers in it, only blank lines and comments", "give it at least one number")
    chosen = delimiter or ("tab" if kind == "tsv" else _guess([content for _, _, content in lines], decimal))
    notes: tuple[str | Phrase, ...] = () if delimiter else (f"delimiter {chosen}" if chosen else "one column",)
    first, rest = lines[0], lines[1:]
    where = f"{name}: line {first[0]}"
    labels = _labels(lines, chosen, decimal)
    headed = header == "yes" or (
        header == "auto" and not labels and _is_header(_split(first[2], chosen, where), decimal, where)
    )
    if headed:
        title = first[2][:TITLE].decode(errors="replace")
        notes += (f"header in line {first[0]}: {title}",)
        if not rest:
            hint = (
                "leave out --header yes if this line holds the numbers" if header == "yes" else "write numbers below it"
            )
            raise InputError(f"{name}: no numbers in it, only a header in line {first[0]}: {quoted(title)}", hint)
        first, labels = rest[0], _labels(rest, chosen, decimal)
        if _numbered(rest, chosen):
            notes += ("column 1 counts up evenly, as labels do; without it: " + _without(1, lines, chosen, name),)
    else:
        notes += ("no header",) if header == "auto" else ()
    columns = len(_split(first[2], chosen, f"{name}: line {first[0]}"))
    unlabelled = _without(labels, lines, chosen, name) if labels else ""
    return Dialect(chosen, decimal, columns, headed, labels, unlabelled, first[1], first[0], notes)


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


def _labels(lines: list[Line], delimiter: str, decimal: str) -> int:
    """Return how many first cells of several lines are labels: a name is the last, and only numbers are behind it."""
    found = {_labels_of(cells, decimal) for cells in _cut(lines, delimiter)}
    return found.pop() if len(found) == 1 and len(lines) > 1 else 0


def _labels_of(cells: list[bytes], decimal: str) -> int:
    kinds = [_cell_kind(cell, decimal) for cell in cells]
    named = [kind == "name" or TIME.fullmatch(cell) or DATE.fullmatch(cell)
             for cell, kind in zip(cells, kinds, strict=True)]  # fmt: skip
    number_of = max((place for place, name in enumerate(named, 1) if name), default=0)
    return number_of if "number" in kinds[number_of:] else 0


def _numbered(lines: list[Line], delimiter: str) -> bool:
    """Whether the first cells are whole numbers, three at least, each as much more than the one before."""
    rows = _cut(lines, delimiter)
    if len(rows) < 3 or not all(len(row) > 1 and WHOLE.fullmatch(row[0]) for row in rows):
        return False
    steps = {int(after[0]) - int(before[0]) for before, after in pairwise(rows)}
    return len(steps) == 1 and min(steps) > 0


def _cut(lines: list[Line], delimiter: str) -> list[list[bytes]]:
    """Cut lines into cells; those with a broken quote are left out."""
    rows = []
    for _, _, content in lines:
        with suppress(InputError):
            rows.append(_split(content, delimiter, ""))
    return rows


PICK = (
    "import csv, sys; "
    "csv.writer(sys.stdout, delimiter={0!r}).writerows(row[{1}:] for row in csv.reader(sys.stdin, delimiter={0!r}))"
)


def _without(labels: int, lines: list[Line], delimiter: str, name: str) -> Phrase:
    """Return the line of a shell that leaves the first columns out; ``cut`` cannot where a label has the delimiter."""
    mark = DELIMITERS[delimiter]
    if any(mark in cell for cells in _cut(lines, delimiter) for cell in cells[:labels]):
        program = f'python3 -c "{PICK.format(mark.decode(), labels)}"'
        return piped(program if name == STDIN_NAME else f"{program} <", name)
    text = mark.decode()
    return piped(f"cut -f {labels + 1}-" if text == "\t" else f"cut -d {shlex.quote(text)} -f {labels + 1}-", name)


# Lines and cells


def lines_of(text: bytes, line: int) -> Iterator[Line]:
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

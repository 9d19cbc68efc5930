"""The dialect of a text of numbers: its delimiter, whether it has a header, which columns hold numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import islice
from typing import NamedTuple

from poolcli.errors import InputError, NumberRangeError, UnknownNameError, UsageError
from poolcli.formats.cells import MISSING, POINTED, SHEET_ERROR, advice, looks_of, number_in
from poolcli.formats.missing import Missing, name_missing
from poolcli.formats.options import ReadOptions
from poolcli.formats.text import Number, load_rows, quoted, shortened
from poolcli.wording import Phrase, as_utf8, many

DELIMITERS = {"tab": b"\t", ";": b";", ",": b",", "|": b"|", "blanks": b" "}  # in order of precedence
NAMED_DELIMITERS = {"\t": "tab", "\\t": "tab", " ": "blanks", "comma": ",", "semicolon": ";"}
HEADERS = ("auto", "yes", "no")
SAMPLE = 20  # lines that decide the delimiter
CLOSE_LOOK = 1 << 16  # bytes of a line that show whether it consists of numbers
TITLE = 60  # characters of a header that a note shows

FIRST_NAME = rb'[ \t"]*(0|19[0-9]{2}|20[0-9]{2}|2100)(?![0-9])'  # of columns that are counted, or years
BLANKS = re.compile(rb"[ \t]+")
QUOTED = re.compile(rb'"((?:[^"]|"")*)"')
MARKED = re.compile(rb'"(?:[^"]|"")*"|#')  # quoted text, in which # means nothing, or a #
# What separates cells though blanks stand between words: no comma of a decimal number.
NO_BLANKS = rb"[;|]|,(?![0-9])|[^0-9 +-],|,[0-9]*[.,]|[0-9][:/-][0-9]*,"
# A line with decimal commas that was cut at its commas, though blanks separate the numbers.
BLANKS_AND_COMMAS = rb"[ \t]*X(?:[ \t]+X)+[ \t]*".replace(b"X", rb"(?:%s|[+-]?[0-9]*),[0-9]+" % POINTED)

YEAR = 4  # digits, of names in what may be a header
DECIMAL_COMMAS = Phrase("add {decimal} if these are decimal commas", decimal=",")
NAMES = Phrase("correct it, or add {header} if this line names the columns", header="yes")
TextLine = tuple[int, int, bytes]  # number, offset and text


class Dialect(NamedTuple):
    """How one file is written."""

    # the delimiter; a blank means any number of blanks and tabs, an empty one a single cell in each line
    mark: bytes
    decimal: str  # . or ,
    width: int  # cells in each line
    picked: tuple[int, ...] | None  # which of them to read, from 0; None for all
    trailing: bool  # whether every line ends with a delimiter
    missing: str | None  # which cells mean NaN, as given
    words: frozenset[bytes]  # and those that are words
    names: tuple[str, ...]  # of these, if they were asked for by name
    header: str  # what was taken for a header
    labels: frozenset[int]  # columns that hold no numbers, judging by the first lines
    start: int  # the offset of the first row
    line: int  # its line number, from 1
    notes: tuple[str, ...]  # what was guessed
    warnings: tuple[str | Phrase, ...]  # what is left out

    @property
    def columns(self) -> int:
        """The count of numbers in each row."""
        return self.width if self.picked is None else len(self.picked)

    def row(self, line: bytes, here: int, name: str) -> list[Number]:
        """Return the numbers in line number `here` of a file.

        Raises
        ------
        InputError
            If a cell is not a number, or the row is longer or shorter than the first.
        NumberRangeError
            If a number is beyond float64.
        """
        where = f"{name}: line {here}"
        cells = cells_of(line, self.mark, where)
        if self.trailing and cells.pop():
            raise InputError(
                f"{where}: no delimiter at its end, where the lines above have one", "end every line with it, or none"
            )
        wanted = range(len(cells)) if self.picked is None else self.picked
        found = [self._number(cells[column], column, line, here, where) for column in wanted if column < len(cells)]
        if len(cells) != self.width:
            one_column = self.mark == b"," and {len(cells), self.width} == {1, 2}
            raise InputError(
                f"{where}: {many(len(cells), 'value')}, expected {self.width}",
                "give every row the same length" + (", or " + DECIMAL_COMMAS if one_column else ""),
            )
        return found

    def _number(self, cell: bytes, column: int, line: bytes, here: int, where: str) -> Number:
        if cell in self.words:
            return float("nan")
        where = f"{where}, column {column + 1}"
        try:
            value = number_in(cell, self.decimal)
        except OverflowError:
            raise NumberRangeError(
                f"{where}: {quoted(cell)} is beyond float64", "write inf if infinity is meant"
            ) from None
        if value is None:
            what = f"{quoted(cell)} is not a number" if cell else "an empty cell"
            raise InputError(f"{where}: {what}", self._hint(cell, column, line, here))
        return value

    def _hint(self, cell: bytes, column: int, line: bytes, here: int) -> str | Phrase:
        """Say what to do about a cell that is not a number, in line number `here`."""
        if self.mark == b"," != self.decimal.encode() and re.fullmatch(BLANKS_AND_COMMAS, line):
            return DECIMAL_COMMAS + " with blanks between the numbers"
        if here == self.line and self.header and self._is_names(line):
            return Phrase("{skip} to leave out the header and this line, if it holds units", skip=here)
        if column in self.labels:
            return self._without_labels(cell, here)
        word = cell.decode(errors="replace")
        if not cell:
            ends = _ends(line, self.mark) and column + 1 == len(cells_of(line, self.mark, ""))
            last = "; or remove the delimiter at the end of the line" if ends else ""
            return name_missing(self.missing, word, "if it is a missing value") + last
        if re.fullmatch(MISSING, cell) or re.fullmatch(SHEET_ERROR, cell):
            return name_missing(self.missing, word)
        found = advice(cell, self.decimal)
        if found and self.width > 1 and looks_of(cell, self.decimal) == "label":
            rest = self._columns_but(frozenset({column}))
            return Phrase("{0}, or leave its column out with {columns}", found, columns=rest)
        if found:
            return found
        if here == self.line and not self.header:
            return NAMES
        if "," in word or not word.isprintable():
            return "correct it, or write nan where a value is missing"
        return "correct it, or " + name_missing(self.missing, word)

    def _without_labels(self, cell: bytes, here: int) -> Phrase:
        rest = Phrase("{columns} to leave out what holds no numbers", columns=self._columns_but(self.labels))
        if here == self.line and not self.header and looks_of(cell, self.decimal) == "name":
            rest += Phrase(" (and {header} if this line names the columns)", header="yes")
        elif self.names and self.labels.issuperset(self.picked or ()):
            rest += Phrase(" (and {header})", header="yes")
        return rest

    def _columns_but(self, left_out: frozenset[int]) -> str:
        """Write the columns that are read without some of them, as a user types them."""
        asked = self.names or [str(column + 1) for column in self.picked or ()]
        kept = [name for name, column in zip(asked, self.picked or (), strict=True) if column not in left_out]
        return ",".join(kept) or _listed(self.width, left_out)

    def _is_names(self, line: bytes) -> bool:
        """Whether a line holds text, such as units, and no number, not even one gone wrong."""
        cells = cells_of(line, self.mark, "")
        kinds = {looks_of(cell.strip(b"[]-"), self.decimal) for cell in cells}
        return "name" in kinds and kinds <= {"name", "empty"}


def _listed(width: int, left_out: frozenset[int]) -> str:
    """Write the columns that are not left out, as a user types them.

    Examples
    --------
    >>> _listed(5, frozenset({0, 3})), _listed(3, frozenset({2}))
    ('2-3,5', '1-2')
    """
    kept = [column for column in range(width) if column not in left_out]
    parts: list[list[int]] = []
    for column in kept:
        if parts and parts[-1][1] == column - 1:
            parts[-1][1] = column
        else:
            parts.append([column, column])
    text = [f"{low + 1}" if low == high else f"{low + 1}-{high + 1}" for low, high in parts]
    if parts and parts[-1][1] == width - 1 and parts[-1][0] < width - 1:
        text[-1] = f"{parts[-1][0] + 1}-"
    return ",".join(text)


# The dialect of a file


def dialect_of(head: bytes, line: int, name: str, options: ReadOptions, *, tabs: bool = False) -> Dialect:
    """Find out from its first lines how a file is written."""
    asked = _asked(options)
    lines = list(islice(lines_of(head, line), SAMPLE))
    if not lines:
        passed = f" below the {many(options.skip, 'line')} that are skipped" if options.skip else ""
        raise InputError(f"{name}: no numbers, only blank lines and comments{passed}", "give it at least one number")
    chosen = asked or ("tab" if tabs else _guess([text for _, _, text in lines], options.decimal))
    notes: tuple[str, ...] = () if asked else (f"delimiter {chosen}" if chosen else "one column",)
    mark = DELIMITERS.get(chosen, as_utf8(chosen))
    trailing = mark not in (b"", b" ") and all(_ends(text, mark) for _, _, text in lines)
    look = _Look(mark, trailing, options, name)
    look.refuse_text_above(lines)
    first, rest = lines[0], lines[1:]
    names: list[bytes] = []
    title = ""
    if look.numbers_are_names(first) or look.is_header(lines):
        title = shortened(first[2].decode(errors="replace"), TITLE)
        notes += (f"header in line {first[0]}: {title}",)
        if not rest:
            unless = Phrase("leave out {header} if this line holds the numbers", header="yes")
            hint = unless if options.header == "yes" else "write numbers below it"
            raise InputError(f"{name}: no numbers, only a header in line {first[0]}: {quoted(title)}", hint)
        names, first = look.cells(first), rest[0]
    elif options.header == "auto":
        notes += ("no header",)
    width = look.width(first)
    labels = frozenset() if look.plain(first) else look.labels(rest if title else lines)
    picked, warnings = look.columns(names, first, width)
    if not title and options.header == "auto" and rest and look.may_name_columns(first, rest[0], picked):
        warnings += (
            Phrase("line {0} is read as numbers; add {header} if it names the columns", first[0], header="yes"),
        )
    return Dialect(
        mark,
        options.decimal,
        width,
        picked,
        trailing,
        options.missing,
        look.words,
        look.named,
        title,
        labels,
        first[1],
        first[0],
        notes,
        warnings,
    )


def _ends(text: bytes, mark: bytes) -> bool:
    return text.rstrip(b" " if mark == b"\t" else b" \t").endswith(mark)


class _Look:
    """A look at the first lines of a file with a known delimiter."""

    def __init__(self, mark: bytes, trailing: bool, options: ReadOptions, name: str) -> None:
        self.mark, self.trailing, self.options, self.name = mark, trailing, options, name
        self.words = frozenset(as_utf8(word) for word in Missing.of(options.missing).words)
        self.decimal = options.decimal
        self.numbers, self.named = _columns_asked(options.columns)
        if self.named and options.header == "no":
            raise UsageError(
                f"{name}: names of columns stand in a header, but it has none, as said",
                Phrase("drop {header}, or give {columns} by number", header="no"),
            )

    def cells(self, line: TextLine) -> list[bytes]:
        """Cut a line into cells."""
        found = cells_of(line[2], self.mark, f"{self.name}: line {line[0]}")
        return found[:-1] if self.trailing else found

    def width(self, line: TextLine) -> int:
        """Return the number of cells in a line."""
        if self.mark in (b"", b" ") or b'"' in line[2]:
            return len(self.cells(line))
        return line[2].count(self.mark) + 1 - self.trailing

    def plain(self, line: TextLine) -> bool:
        """Whether a line, judging by its start, consists of plain numbers, and so needs no closer look."""
        text = line[2]
        if len(text) > CLOSE_LOOK:
            text = text[: max(text.rfind(self.mark or b",", 0, CLOSE_LOOK), 0)]
        empty = self.mark not in (b"", b" ") and (self.mark * 2 in text or text.strip().startswith(self.mark))
        letters = text.translate(None, b"0123456789.+- \t," + self.mark)
        if empty or letters.strip(b"eE"):
            return False
        return not letters or load_rows(text.replace(self.mark or b",", b",")) is not None  # e1, e2 may be names

    def kinds(self, cells: Sequence[bytes]) -> list[str]:
        """Return the kind of each cell."""
        return ["number" if cell and cell in self.words else looks_of(cell, self.decimal) for cell in cells]

    def refuse_text_above(self, lines: Sequence[TextLine]) -> None:
        """Refuse text above a table, which are lines of another width than those below, but none of its rows."""
        widths = _widths([text for _, _, text in lines], self.mark) if self.mark and not self.plain(lines[0]) else [1]
        above = _above(widths)
        if not 0 < above < len(widths) - 1 or widths[0] == widths[above]:  # one line below may be wrong itself
            return
        kinds = [{*self.kinds(self.cells(line))} for line in lines[: above + 1]]
        rows = any(
            "number" in kind and (wide >= widths[above] or (wide > 1 and kind == {"number"}))
            for kind, wide in zip(kinds[:above], widths, strict=False)
        )
        if "name" in kinds[0] and not rows and (above > 1 or kinds[above] <= {"name", "empty"}):
            at = lines[above][0]
            raise InputError(
                f"{self.name}: the table of {many(widths[above], 'column')} begins in line {at}, below other text",
                Phrase("{skip} to leave out what is above it", skip=at - 1),
            )

    def numbers_are_names(self, first: TextLine) -> bool:
        """Whether numbers beyond the columns name some of them, such as years: the first line has each once."""
        cells = self.cells(first) if self.numbers and self.options.header != "no" else []
        ends = {number for ends in self.numbers for number in ends if number and number > len(cells) + 1}
        return bool(cells and ends) and all(cells.count(b"%d" % number) == 1 for number in ends)

    def is_header(self, lines: Sequence[TextLine]) -> bool:
        """Whether the first line is a header: it has names, and no number, not even one gone wrong."""
        if self.options.header == "yes":
            return True
        if self.named:
            self._need_names(lines[0])
            return True
        if self.options.header == "no" or self.plain(lines[0]):
            return False
        cells = self.cells(lines[0])
        if self.numbers:
            cells = [cells[column] for column in self._chosen(cells)]
        kinds = self.kinds(cells)
        named = "name" in kinds or (
            kinds[0] == "empty" and b"" not in self.words
        )  # pandas leaves the name of its index empty
        if kinds[0] == "empty" and _counted(cells[1:]):  # pandas' names of columns without names, beside its index
            return True
        if named and "number" in kinds and not self.labels(lines):
            odd = next(cell for cell, kind in zip(cells, kinds, strict=True) if kind in ("name", "empty"))
            where = f"{self.name}: line {lines[0][0]}"
            corner = kinds[0] != "number" and {*kinds[1:]} == {"number"} and not self.numbers  # above names of rows
            beside = Phrase(" (and {columns} if column 1 names the rows)", columns="2-") if corner else ""
            raise InputError(
                f"{where}: numbers and other text in the first row: {quoted(odd)} is not a number",
                Phrase("add {header}", header="yes") + beside + " if this row names the columns, or correct it",
            )
        return "name" in kinds and not {"number", "odd", "label"} & set(kinds)

    def may_name_columns(self, first: TextLine, second: TextLine, picked: tuple[int, ...] | None) -> bool:
        """Whether the numbers of the first line may be names.

        They may where a column that is not read has a name or nothing there, and where they count from 0, as programs
        name columns, or are years in a row, and the second line does not go on.
        """
        left_out = [cell for at, cell in enumerate(self.cells(first)) if at not in picked] if picked else []
        if {"name", "empty"} & {*self.kinds(left_out)}:
            return True
        begins = re.match(FIRST_NAME, first[2])
        if not begins or len(first[2]) > CLOSE_LOOK:
            return False
        cells, start = self.cells(first), int(begins[1])
        return len(cells) > 2 and _counted(cells, start) and not _counted(self.cells(second), start + len(cells))

    def _need_names(self, line: TextLine) -> None:
        kinds = self.kinds(self.cells(line))
        if not {"name", "label"} & {*kinds}:
            what = f"{self.name}: no column is named {self.named[0]!r}: line {line[0]} holds numbers, not names"
            asked = Phrase("columns are counted from 1: {columns}", columns=f"1-{len(kinds)}")
            raise InputError(what, asked + Phrase("; add {header} if that line names them", header="yes"))

    def labels(self, lines: Sequence[TextLine]) -> frozenset[int]:
        """Return the columns that hold names, times or dates in each of several lines, others being numbers."""
        rows = []
        for line in lines:
            with suppress(InputError):  # a broken quote, which is an error when the line is read
                rows.append(self.kinds(self.cells(line)))
        if len(rows) < 2 or len(set(map(len, rows))) > 1 or not all({"number", "odd"} & {*row} for row in rows):
            return frozenset()
        return frozenset(
            column for column in range(len(rows[0])) if all(row[column] in ("name", "label") for row in rows)
        )

    def columns(
        self, names: Sequence[bytes], first: TextLine, width: int
    ) -> tuple[tuple[int, ...] | None, tuple[str | Phrase, ...]]:
        """Return which columns to read, None for all, and warnings about what is left out."""
        # a title above two columns of numbers is not a header of labels and one column
        shorter = len(names) == width - 1 > 0 and (len(names) > 1 or not self.plain(first))
        if names and len(names) != width and not shorter:
            have = f"line {first[0]} has {many(width, 'value')}"
            raise InputError(
                f"{self.name}: the header has {many(len(names), 'name')}, but {have}",
                self._for_header(names, first),
            )
        known = [*([b""] if shorter else []), *names]
        if self.named:
            return tuple(self._place(name, known) for name in self.named), ()
        if self.numbers:
            return self._chosen(known or self.cells(first), header=bool(names)), ()
        if width > 1 and (shorter or (names and not names[0])):
            cell = self.cells(first)[0]
            keep = Phrase("; {columns} keeps it", columns="1-") if looks_of(cell, self.decimal) == "number" else ""
            said = Phrase("column 1 holds row labels ({0} ...) and is left out", quoted(cell)) + keep
            return tuple(range(1, width)), (said,)
        return None, ()

    def _for_header(self, names: Sequence[bytes], first: TextLine) -> Phrase:
        """Say what to do about a header that does not fit; where tabs and blanks alternate, both separate."""
        width = len(cells_of(first[2], b" ", f"{self.name}: line {first[0]}"))
        if self.mark == b"\t" and len(b" ".join(names).split()) in (width, width - 1):
            return Phrase("add {delimiter} if blanks separate as well", delimiter="blanks")
        rest = Phrase("{skip} to leave it out, or give every column a name", skip=first[0] - 1)
        one_column = self.mark == b"," and (len(names), self.width(first)) == (1, 2)
        return rest + "; or " + DECIMAL_COMMAS if one_column else rest

    def _place(self, name: str, known: Sequence[bytes]) -> int:
        found = [column for column, cell in enumerate(known) if cell == as_utf8(name)]
        if len(found) != 1:
            names = [cell.decode(errors="replace") for cell in known]
            if found:
                raise InputError(f"{self.name}: {len(found)} columns are named {name!r}", "give their numbers instead")
            raise UnknownNameError("column", name, names)
        return found[0]

    def _chosen(self, cells: Sequence[bytes], *, header: bool = False) -> tuple[int, ...]:
        """Return the columns asked for, counted from 0; the cells are those of the header, or of a row.

        A number counts columns from 1; beyond them it is the name of one, such as a year.
        """
        width, found = len(cells), list[int]()
        names = [cell.decode(errors="replace") for cell in cells]
        numerals = {name for name in names if name.isdecimal() and int(name) > width and (header or len(name) == YEAR)}
        place = {int(name): names.index(name) + 1 for name in numerals if header and names.count(name) == 1}
        beyond = [number for ends in self.numbers for number in ends if number and number > width]
        for number in beyond:
            if self.options.header != "no" and str(number) not in names and len(str(number)) in map(len, numerals):
                raise UnknownNameError("column", str(number), names)
        if most := max({*beyond} - {*place}, default=0):
            what = f"{self.name}: there is no column {most}, only {width}"
            raise InputError(what, Phrase("{columns}", columns=f"1-{width}"))
        for low, high in self.numbers:
            first, last = sorted((place.get(low, low), width if high is None else place.get(high, high)))
            found += range(first - 1, last)
        return tuple(found)


def _counted(cells: Sequence[bytes], start: int = 0) -> bool:
    return len(cells) > 1 and [*cells] == [b"%d" % number for number in range(start, start + len(cells))]


def _columns_asked(text: str | None) -> tuple[tuple[tuple[int, int | None], ...], tuple[str, ...]]:
    """Return the columns that the option asks for, as ranges from 1 or as names."""
    if text is None:
        return (), ()
    items = [item.strip() for item in text.split(",")]
    if any(not item for item in items):
        raise UsageError(f"columns {text!r} has an empty item", Phrase("{columns}", columns="1,3-5"))
    ranges = []
    for item in items:
        match = re.fullmatch(r"([1-9][0-9]{0,8})(?:(-)([1-9][0-9]{0,8})?)?", item)
        low, high = (int(match[1]), int(match[3] or match[1])) if match else (1, 0)
        if high < low:  # a name, such as 2024-12
            return (), tuple(items)
        ranges.append((low, None if match and match[2] and not match[3] else high))
    return tuple(ranges), ()


def _asked(options: ReadOptions) -> str:
    """Check the options; return the delimiter that they ask for, or an empty text if it is to be guessed."""
    delimiter = NAMED_DELIMITERS.get(options.delimiter, options.delimiter)
    if options.decimal not in (".", ","):
        both = Phrase("{decimal}", decimal=".") + " or " + Phrase("{decimal}", decimal=",")
        raise UsageError(f"the decimal mark {options.decimal!r} is neither . nor ,", both)
    if options.header not in HEADERS:
        raise UnknownNameError("header rule", options.header, HEADERS)
    if options.skip < 0:
        raise UsageError(f"{options.skip} lines cannot be skipped", Phrase("{skip} or more", skip=0))
    if delimiter == "auto":
        return ""
    if delimiter not in DELIMITERS and (len(delimiter) != 1 or delimiter.isalnum() or delimiter in '"#+-.\r\n'):
        raise UnknownNameError(
            "delimiter", options.delimiter, ["auto", *DELIMITERS], otherwise="use tab, blanks, or any one character "
            "that is not part of a number",
        )  # fmt: skip
    return delimiter


def _guess(lines: list[bytes], decimal: str) -> str:
    """Choose the first delimiter that every line has, or every line after the first, or most of the last lines.

    Quoted text does not count.
    """
    bare = [(QUOTED.sub(b'""', line) if b'"' in line else line).strip() for line in lines]
    fits = [name for name in DELIMITERS if name != decimal or any(b'"' in line for line in bare)]
    if re.search(NO_BLANKS, bare[-1]):
        fits.remove("blanks")
    found = [name for name in fits if any(DELIMITERS[name] in line for line in bare)]
    for sample in (bare, bare[1:] or bare):
        for name in found:
            uneven = name == "blanks" and len(found) > 1 and _above(_widths(sample, b" "))
            if not uneven and all(DELIMITERS[name] in line for line in sample):
                return name
    return min(found, key=lambda name: _likely(bare, name), default="")


def _likely(lines: Sequence[bytes], name: str) -> tuple[bool, int, bool]:
    """Rank a delimiter, the least the best; a comma between words is rather a decimal comma."""
    return DELIMITERS[name] not in lines[-1], _above(_widths(lines, DELIMITERS[name])), name == ","


def _widths(lines: Sequence[bytes], mark: bytes) -> list[int]:
    """Return how many cells each line has, without empty ones at its end."""
    return [len(line.split()) if mark == b" " else line.rstrip(mark + b" ").count(mark) + 1 for line in lines]


def _above(widths: Sequence[int]) -> int:
    """Return how many lines stand above those that are as wide as the last."""
    return next((at for at in range(len(widths), 0, -1) if widths[at - 1] != widths[-1]), 0)


# Lines and cells


def lines_of(text: bytes, line: int) -> Iterator[TextLine]:
    """Yield the number, the offset and the text of each line that is not blank, without comments."""
    offset = 0
    while offset < len(text):
        end = text.find(b"\n", offset)
        end = len(text) if end < 0 else end
        content = _uncommented(text[offset:end])
        if content.strip(b" \t"):
            yield line, offset, content
        offset, line = end + 1, line + 1


def _uncommented(line: bytes) -> bytes:
    """Cut a line at the # of a comment, which is at its start or after a blank and not a spreadsheet's error."""
    if b"#" in line:
        for match in MARKED.finditer(line):
            at = match.start()
            if match[0] == b"#" and (not at or line[at - 1] in b" \t") and not re.match(SHEET_ERROR, line[at:]):
                return line[:at]
    return line


def cells_of(line: bytes, mark: bytes, where: str) -> list[bytes]:
    """Cut a line into cells without blanks and quotes around them."""
    if b'"' in line:
        return _split_quoted(line, mark, where)
    if not mark:
        return [line.strip(b" \t")]
    if mark == b" ":
        return [cell for cell in line.replace(b"\t", b" ").split(b" ") if cell]
    return [cell.strip(b" \t") for cell in line.split(mark)]


def _split_quoted(line: bytes, mark: bytes, where: str) -> list[bytes]:
    """Cut a line that has quotes; a delimiter in quotes is text, and ``""`` in them is a quote."""
    blanks = b" " if mark == b"\t" else b" \t"
    cells, rest = [], line.strip(blanks)
    while True:
        if rest.startswith(b'"'):
            match = QUOTED.match(rest)
            if not match:
                hint = 'close it with ", or take the line break out of the cell'
                raise InputError(f"{where}: a quote is not closed in this line", hint)
            cell, after = match[1].replace(b'""', b'"').strip(b" \t"), rest[match.end() :]
            space = after[:1] in (b" ", b"\t")
            after = after.lstrip(blanks)
            ends = not after or (mark != b"" and (space if mark == b" " else after.startswith(mark)))
            if not ends:
                raise InputError(f"{where}: text after a closing quote: {quoted(after)}", "quote entire cells")
            more, rest = bool(after), after if mark == b" " else after[len(mark) :]
        elif not mark:
            cell, more = rest, False
        else:
            cell, *others = BLANKS.split(rest, 1) if mark == b" " else rest.split(mark, 1)
            cell, more, rest = cell.strip(blanks), bool(others), b"".join(others)
        cells.append(cell)
        if not more:
            return cells
        rest = rest.lstrip(blanks)

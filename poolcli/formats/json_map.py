"""JSON between steps: an object whose only required key is ``data``, or a bare nested list of numbers.

A small parser of our own reads the document, for three reasons: it names the line and column of an error, it sees what
others ignore (a key given twice, an integer that turns into a float), and it has a fast route for arrays: rows of
numbers go through orjson, a band at a time, straight into one buffer. Only an array that this route refuses is read
number by number.

``null`` is NaN; ``1e999`` and ``-1e999`` are the infinities; ``NaN``, ``Infinity`` and ``-Infinity`` are read too.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from itertools import chain, islice
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from poolcli.errors import InputError, UsageError
from poolcli.featuremap import MOST_AXES, FeatureMap, inner_order, parse_layout
from poolcli.formats.missing import Missing, name_missing
from poolcli.formats.numbers import Misfit, Numbers, range_error
from poolcli.formats.options import ReadOptions
from poolcli.formats.text import BAND_CELLS, Number, dump_numbers, newlines, pieces_of, place, quoted, utf8
from poolcli.system.files import piped
from poolcli.system.portable import shell_word
from poolcli.wording import Phrase, Typed, many

DTYPES = (
    "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
)  # fmt: skip
TYPES = {"str": "text", "list": "a list", "dict": "an object"}
ARRAYS = ("data", "indices")
OWN_KEYS = ("shape", "layout", "dtype", "data", "steps", "indices", "unpool", "white")
NUMERAL = r"[-+]?[0-9.]+([eE][-+]?[0-9]+)?"
LISTS = "a map looks like [[1, 2], [3, 4]]"
OBJECTS = 'an object looks like {"data": [[1, 2], [3, 4]]}'
CUT_OFF = "it may have been cut off"
BY_LINE = Typed(Phrase("pool each line by itself with {lines}, or "))
NOT_LINES = Typed(Phrase(", or leave out {lines} if the file is something else"))
MOST_PATHS = 4  # lists to suggest as the numbers
BEFORE_RECORDS = rb"(\s*|.*\"data\"\s*:\s*)\[\s*"  # the file or its data is a list that begins here
LEAD = 64  # bytes in which to look for it
MOST_RECORDS = 100  # to look at for the numbers in them
FEW_COLUMNS = 8  # of records, to name one by one
ROWS_OF_RECORDS = "make rows of the numbers in the records: {pipe}"
PLAIN_KEY = r"[A-Za-z_][A-Za-z0-9_]*"  # jq takes it without quotes
PLAIN_PATH = rf'(?:\.(?:{PLAIN_KEY}|"[\w .,:/()-]+")(?:\[0\])?)+'  # easy to type
MOST_KEYS = 5  # to name when none of them is the right one
MOST_DEPTH = 100  # of anything but an array of numbers
BLANK = b" \t\r\n"
OPEN, CLOSE, COMMA = b"[],"
NO_MARKS = bytes(set(range(256)) - {OPEN, CLOSE, COMMA})

JSON_NUMBER = rb"-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?"
STRING = rb'"[^"\\\x00-\x1f]*(?:\\.[^"\\\x00-\x1f]*)*"'
WORDS: Mapping[bytes, Any] = {
    b"null": None, b"true": True, b"false": False, b"NaN": math.nan, b"Infinity": math.inf, b"-Infinity": -math.inf,
}  # fmt: skip
TOKEN = (  # text, like the patterns below, so that it is compiled only when JSON is read
    rb"[ \t\r\n]*(?:(?P<mark>[\[\]{},:])|(?P<number>%s)|(?P<word>null|true|false|NaN|-?Infinity)|(?P<string>%s))"
    % (JSON_NUMBER, STRING)
)
VALUE = rb"%s|null|NaN|-?Infinity|%s" % (JSON_NUMBER, STRING)
UNTIL = re.compile(rb"[^\s,\]}]+")  # a word, for messages
GAP = re.compile(rb"[ \t\r\n]*")
NOT_JSON: tuple[tuple[bytes, str], ...] = (  # words that are not JSON, and what to write
    (rb"(?i:[-+]?inf(?:inity)?$)", "write 1e999 for infinity, and -1e999 below zero"),
    (rb"(?i:[-+]?nan|n/?a$|none$|null$|nil$|undefined$)", "write null where a number is missing"),
    (rb"(?i:true$|false$)", "write 1 for true and 0 for false"),
    (rb"'", 'write texts and keys in double quotes (") and numbers without any'),
    (rb"\+[0-9.]", "write numbers without a plus sign"),
    (rb"-?\.[0-9]", "write a digit before the decimal point, such as 0.5"),
    (rb"\.$", "write a digit after the decimal point, such as 1.0; from Python, json.dumps(x.tolist())"),
    (rb"[xXoObB][0-9a-fA-F]+$", "write numbers in decimal"),
    (rb"_[0-9]", "write numbers without underscores"),
    (rb"//|/\*|#", "remove comments"),
    (rb"[A-Za-z_]\w*:", 'write keys in double quotes, such as {"data": [[1, 2], [3, 4]]}'),
    (rb"", LISTS),
)


class Token(NamedTuple):
    """A token: its kind, its text, and where it starts and stops."""

    kind: str
    text: bytes
    start: int
    stop: int


class Found(NamedTuple):
    """An array of numbers, and where its text starts."""

    array: NDArray[Any]
    start: int


class _Nest:
    """An array of numbers while its lists are being read."""

    def __init__(self) -> None:
        self.values: list[Number | None] = []
        self.lengths: dict[int, int] = {}  # of the lists at each depth
        self.rank = 0  # the depth of the numbers, once known


class _Document:
    """Reads one document by recursive descent: each method takes an offset and returns a value and where it ends."""

    def __init__(self, text: bytes, name: str, missing: str | None = None, *, in_line: bool = False) -> None:
        self.text, self.name, self.missing, self.in_line = text, name, missing, in_line
        self.words = Missing.of(missing).words
        self.next_token = re.compile(TOKEN).match

    def error(self, offset: int, message: str, hint: str | Phrase) -> InputError:
        """Return an error that names its place."""
        return InputError(f"{self.where(offset)}: {message}", hint)

    def where(self, offset: int) -> str:
        """Return a place in the file in words."""
        line, column = place(self.text, offset)
        return f"{self.name}, column {column}" if self.in_line else f"{self.name}: line {line}, column {column}"

    def token(self, offset: int) -> Token:
        """Return the token at or after `offset`."""
        match = self.next_token(self.text, offset)
        if match and match.lastgroup:
            return Token(match.lastgroup, match[match.lastgroup], match.start(match.lastgroup), match.end())
        start = self.gap(offset)
        rest = self.text[start : start + 40]
        if not rest:
            raise self.error(start, "the JSON text ends too early", CUT_OFF)
        if rest.startswith(b'"'):
            raise self.error(start, "a string that is not closed, or contains a line break", CUT_OFF)
        found = UNTIL.match(rest)
        word = found[0] if found else rest[:1]
        hint = next(hint for pattern, hint in NOT_JSON if re.match(pattern, word))
        raise self.error(start, f"{quoted(word)} is not valid JSON", hint)

    def gap(self, offset: int) -> int:
        """Return the end of the blanks at `offset`."""
        blanks = GAP.match(self.text, offset)
        return blanks.end() if blanks else offset

    def expect(self, offset: int, marks: bytes, after: str) -> Token:
        """Return the token after `offset`, which must be one of `marks`."""
        token = self.token(offset)
        if token.kind != "mark" or token.text not in marks:
            wanted = " or ".join(chr(mark) for mark in marks)
            raise self.error(token.start, f"{quoted(token.text)} where {wanted} should come after {after}", OBJECTS)
        return token

    def keys(self) -> dict[str, Any]:
        """Return the keys of the object; a bare list counts as its data."""
        first = self.token(0)
        if first.text == b"[":
            numbers, end = self.numbers(first.start)
            keys: dict[str, Any] = {"data": numbers}
        elif first.text == b"{":
            keys, end = self.members(first.stop, 0, arrays=True)
        else:
            what = f"{quoted(first.text)} is neither a list nor an object"
            or_else = Phrase("{way}", way=NOT_LINES) if self.in_line else ""
            raise self.error(first.start, what, "write [[1, 2], [3, 4]]" + or_else)
        end = self.gap(end)
        if end < len(self.text):
            if self.text[end : end + 1] not in (b"[", b"{"):
                raise self.error(end, "text after the end of the JSON document", "remove it")
            others = _paths(keys) if "data" not in keys else []
            slurp = "jq -s ." if first.text == b"[" else f"jq -s 'map({(others or ['.data'])[0]})'"
            advice = Phrase("{way}", way=BY_LINE) + piped(slurp, self.name, "make one list of all: {pipe}")
            if first.text == b"{" and (columns := _columns([*self.objects(first.start)])):
                advice = piped(f"jq -s {_rows('', columns)}", self.name, ROWS_OF_RECORDS)
            raise self.error(end, "a second JSON document", advice)
        return keys

    def members(self, offset: int, depth: int, *, arrays: bool = False) -> tuple[dict[str, Any], int]:
        """Read an object after its opening brace."""
        found: dict[str, Any] = {}
        token = self.token(offset)
        while token.text != b"}" or found:
            if token.kind != "string":
                raise self.error(token.start, f"{quoted(token.text)} where a key in quotes should be", OBJECTS)
            key = self.string(token)
            if key in found:
                raise self.error(token.start, f"the key {quoted(key)} is given twice", "keep one of them")
            colon = self.expect(token.stop, b":", "a key")
            value = self.token(colon.stop)
            if arrays and key in ARRAYS and value.text == b"[" and (after := self.token(value.stop)).text == b"]":
                found[key], end = Found(np.empty(0, np.int64), value.start), after.stop  # allowed if shape has a 0
            elif arrays and key in ARRAYS and value.text == b"[":
                found[key], end = self.numbers(value.start)
            else:
                found[key], end = self.value(value, depth + 1)
            token = self.expect(end, b",}", "a value")
            if token.text == b"}":
                break
            token = self.token(token.stop)
        return found, token.stop

    def value(self, token: Token, depth: int) -> tuple[Any, int]:
        """Read any value that starts with `token`."""
        if depth > MOST_DEPTH:
            raise self.error(token.start, f"nested more than {MOST_DEPTH} deep", "remove what is not needed")
        if token.kind == "word":
            return WORDS[token.text], token.stop
        if token.kind == "number":
            return self.number(token), token.stop
        if token.kind == "string":
            return self.string(token), token.stop
        if token.text == b"{":
            return self.members(token.stop, depth)
        if token.text == b"[":
            return self.items(token.stop, depth)
        raise self.error(token.start, f"{quoted(token.text)} where a value should be", LISTS)

    def items(self, offset: int, depth: int) -> tuple[list[Any], int]:
        """Read a list of any values after its opening bracket."""
        found: list[Any] = []
        token = self.token(offset)
        while token.text != b"]" or found:
            value, end = self.value(token, depth + 1)
            found.append(value)
            token = self.expect(end, b",]", "a value")
            if token.text == b"]":
                break
            token = self.token(token.stop)
        return found, token.stop

    def string(self, token: Token) -> str:
        """Return the text of a string."""
        try:
            text: str = orjson.loads(token.text)
        except orjson.JSONDecodeError as problem:
            what = str(problem).partition(":")[0]
            hint = "write a backslash as \\\\, and other characters as they are"
            raise self.error(token.start, f"a string that is not valid JSON: {what}", hint) from None
        return text

    def number(self, token: Token) -> Number:
        """Return the value of a number; one beyond float64 is infinite."""
        if not token.text.lstrip(b"-").isdigit():
            return float(token.text)
        if len(token.text) > 4000:  # Python refuses to convert much longer ones
            raise self.error(token.start, f"an integer of {len(token.text)} digits", "write it with an exponent")
        return int(token.text)

    def numbers(self, start: int) -> tuple[Found, int]:
        """Read an array of numbers at its opening bracket."""
        if fast := _fast_array(self.text, start):
            return Found(fast[0], start), fast[1]
        nest = _Nest()
        end = self.nested(start, 1, nest)
        numbers = Numbers(len(nest.values))
        try:
            numbers.add_exact(nest.values)
        except Misfit as misfit:
            raise range_error(self.where(self.number_at(start, misfit.index)), misfit.reason) from None
        return Found(numbers.array.reshape([nest.lengths[depth] for depth in range(1, nest.rank + 1)]), start), end

    def nested(self, start: int, depth: int, nest: _Nest) -> int:
        """Read a list of numbers, or of such lists, at its opening bracket; return where it ends."""
        if depth > MOST_AXES:
            raise self.error(start, f"more than {MOST_AXES} lists inside each other", "use fewer axes")
        length, offset, mark = 0, start + 1, b"["
        while mark != b"]":
            offset = self.item(offset, depth, nest, start if mark == b"[" else None)
            length += 1
            token = self.token(offset)
            mark, offset = token.text, token.stop
            if mark not in (b",", b"]"):
                raise self.stray(token)
        expected = nest.lengths.setdefault(depth, length)
        if length != expected:
            what = many(length, "number" if depth == nest.rank else "list")
            raise self.error(start, f"a list of {what}, expected {expected}", "give all lists the same length")
        return offset

    def item(self, offset: int, depth: int, nest: _Nest, opened: int | None) -> int:
        """Read one item of a list, the first after the bracket at `opened` or one after a comma; return its end."""
        token = self.token(offset)
        if token.text == b"[":
            if nest.rank and depth >= nest.rank:
                raise self.error(token.start, "a list among numbers", "nest all numbers equally deep")
            return self.nested(token.start, depth + 1, nest)
        if token.text == b"]":
            if opened is not None:
                raise self.error(opened, "an empty list", "give it at least one number")
            raise self.error(token.start, "a comma before ]", "remove the comma")
        if token.text == b",":
            hint = "remove it, or write null where a number is missing"
            raise self.error(token.start, "a comma without a value before it", hint)
        if token.kind not in ("number", "word", "string"):
            raise self.stray(token)
        value = self.cell(token)
        if isinstance(value, bool):
            what = f"{token.text.decode()} is not a number"
            raise self.error(token.start, what, "write 1 for true and 0 for false")
        nest.rank = nest.rank or depth
        if nest.rank != depth:
            raise self.error(token.start, "a number among lists", "nest all numbers equally deep")
        nest.values.append(value)
        return token.stop

    def cell(self, token: Token) -> Number | None:
        """Return the number that a token means; None for NaN."""
        if token.kind != "string":
            return WORDS[token.text] if token.kind == "word" else self.number(token)
        if self.string(token) not in self.words:
            raise self.stray(token)
        return None

    def stray(self, token: Token) -> InputError:
        """Return the error for a token in the wrong place."""
        hint: str | Phrase = LISTS
        if token.kind == "string":
            word = self.string(token)
            hint = "write numbers without quotes"
            if not re.fullmatch(NUMERAL, word):
                hint += "; " + name_missing(self.missing, word)
            return self.error(token.start, f"the text {quoted(token.text)} among the numbers", hint)
        if token.text == b"[":
            return self.error(token.start, "a list where a comma or ] should be", LISTS)
        if token.kind == "mark":
            if token.text == b"{" and not self.in_line:
                hint = self.records(token)
            return self.error(token.start, f"{quoted(token.text)} among the numbers", hint)
        return self.error(token.start, f"{quoted(token.text)} where a comma or ] should be", LISTS)

    def records(self, token: Token) -> str | Phrase:
        """Say how to get the numbers out of a list of records, the file or its data, that begins with this one."""
        lead = self.text[max(token.start - LEAD, 0) : token.start]
        before = re.fullmatch(BEFORE_RECORDS, lead, re.DOTALL)
        if not before:
            return LISTS
        path, records = ".data" if before[1].strip() else "", [*self.objects(token.start)]
        if columns := _columns(records):
            return piped(f"jq {_rows(path, columns)}", self.name, ROWS_OF_RECORDS)
        first = f"{path or '.'}[0]"
        path = next(_lists(records[0], first), "")
        if not re.fullmatch(PLAIN_PATH, path.removeprefix(first)):
            return LISTS
        return piped(f"jq {shell_word(path)}", self.name, "give the numbers of one record alone: {pipe}")

    def objects(self, start: int) -> Iterator[dict[str, Any]]:
        """Yield some objects that follow one after the other, from this one, with commas between or without."""
        for _ in range(MOST_RECORDS):
            if self.text[start : start + 1] != b"{":
                return
            record, stop = self.members(start + 1, 1)
            yield record
            start = self.gap(stop)
            if self.text[start : start + 1] == b",":
                start = self.gap(start + 1)

    def number_at(self, start: int, index: int) -> int:
        """Return the offset of the number with this index in an array."""
        return next(islice(re.compile(VALUE).finditer(self.text, start), index, None)).start()


# The fast route


def _fast_array(text: bytes, start: int) -> tuple[NDArray[Any], int] | None:
    """Read an array a band at a time; return None if it needs a closer look.

    A band is cut at a comma. Inside the brackets that are open there it is JSON by itself, so orjson checks every
    number and every comma. The brackets and commas of all bands show whether the array is regular.
    """
    stop = min((offset for mark in b'"}{' if (offset := text.find(mark, start)) >= 0), default=len(text))
    end = text.rfind(b"]", start, stop) + 1
    if text[end:stop].strip(BLANK) not in (b"", b","):
        return None
    numbers = Numbers(newlines(memoryview(text)[start:end], byte=COMMA) + 1)
    skeleton: list[bytes] = []
    depth = rank = 0
    for band in pieces_of(text, start, end):
        skeleton.append(band.translate(None, NO_MARKS))
        before = depth
        depth += newlines(skeleton[-1], byte=OPEN) - newlines(skeleton[-1], byte=CLOSE)
        rank = rank or len(skeleton[-1]) - len(skeleton[-1].lstrip(b"["))
        if not 0 <= depth <= rank <= MOST_AXES or not _add(b"[" * before + band + b"]" * depth, rank, numbers):
            return None
    shape = shape_of(b",".join(skeleton))
    if shape is None or math.prod(shape) != numbers.count:
        return None
    return numbers.array.reshape(shape), end


def _add(band: bytes, rank: int, numbers: Numbers) -> bool:
    """Add the numbers of nested lists; return False if they need a closer look."""
    with suppress(orjson.JSONDecodeError, TypeError, Misfit):  # NaN and infinities; lists of unequal depth
        if b"t" not in band and b"f" not in band and numbers.add(_flat(orjson.loads(band), rank), band):  # true, false
            return True
    return _add_exact(band, rank, numbers)


def _add_exact(band: bytes, rank: int, numbers: Numbers) -> bool:
    """Add numbers read by Python's own parser, which keeps large integers, NaN and infinities at half the speed."""
    other = band.replace(b"Infinity", b"")
    if b"t" in other or b"f" in other:  # true, false
        return False
    try:
        numbers.add_exact(_flat(json.loads(band), rank))
    except (ValueError, TypeError, Misfit):  # not JSON, lists of unequal depth, an integer that is too large
        return False
    return True


def _flat(nested: list[Any], rank: int) -> list[Any]:
    for _ in range(rank - 1):
        nested = [*chain.from_iterable(nested)]
    return nested


def shape_of(skeleton: bytes) -> list[int] | None:
    """Return the shape of an array from its brackets and commas, or None if it is not regular.

    Examples
    --------
    >>> shape_of(b"[[[,],[,]],[[,],[,]],[[,],[,]]]"), shape_of(b"[[,],[]]"), shape_of(b"[]")
    ([3, 2, 2], None, [1])
    """
    close = skeleton.find(b"]")
    inner = skeleton.rfind(b"[", 0, close)
    unit = skeleton[inner : close + 1]
    shape = [len(unit) - 1]
    for outer in range(inner - 1, -1, -1):
        length = (skeleton.find(unit + b"]", outer + 1) - outer - 1) // (len(unit) + 1) + 1
        if length < 1 or length * (len(unit) + 1) > len(skeleton):
            return None
        unit = b"[" + b",".join([unit] * length) + b"]"
        shape.insert(0, length)
    return shape if unit == skeleton else None


# The keys


def read(data: bytes, name: str, options: ReadOptions, *, in_line: bool = False) -> FeatureMap:
    """Read one document; if it is one of several lines, `name` has the number of the line."""
    text, notes = utf8(data, name)
    document = _Document(text, name, options.missing, in_line=in_line)
    keys = document.keys()
    array = _data(keys, document)
    layout = options.layout or _layout(keys, name)
    indices = _indices(keys, array, name)
    known = {
        "steps": tuple(_typed(keys, "steps", list, name) or ()),
        "unpool": _typed(keys, "unpool", dict, name),
        "white": _white(keys, name),
        "extra": {key: value for key, value in keys.items() if key not in OWN_KEYS},
        "notes": (*notes, *_notes(keys, array, options)),
    }
    if not all(isinstance(step, dict) and isinstance(step.get("step"), str) for step in known["steps"]):
        raise InputError(
            f"{name}: steps is not a list of objects that name a step", 'write "steps": [{"step": "pool"}]'
        )
    feature_map = FeatureMap.from_array(array, layout, channels_last=options.channels_last, name=name, **known)
    if indices is None:
        return feature_map
    return feature_map.with_(indices=indices.transpose(inner_order(feature_map.layout)))


def _notes(keys: Mapping[str, Any], array: NDArray[Any], options: ReadOptions) -> Iterator[str]:
    yield f"dtype {array.dtype}" + (" (from the file)" if keys.get("dtype") else "")
    if keys.get("layout") and not options.layout:
        yield f"layout {keys['layout'].upper()} (from the file)"


def _data(keys: Mapping[str, Any], document: _Document) -> NDArray[Any]:
    found = keys.get("data")
    if not isinstance(found, Found):
        raise InputError(f"{document.name}: {_what_is_wrong(keys)}", _elsewhere(keys, document))
    array = found.array
    shape = keys.get("shape")
    if not array.size and isinstance(shape, list) and 0 in shape and all(type(n) is int and n >= 0 for n in shape):
        array = array.reshape(shape)
        found = found._replace(array=array)
    elif not array.size and array.ndim == 1:
        raise document.error(found.start, "an empty list", "give it at least one number")
    if shape is not None and shape != list(array.shape):
        have = list(array.shape)
        raise InputError(f"{document.name}: shape says {shape}, but data are {have}", "correct or drop shape")
    dtype = keys.get("dtype")
    if dtype is None:
        return array
    if dtype not in DTYPES:
        raise InputError(f"{document.name}: dtype {dtype!r} is unknown", f"use one of {', '.join(DTYPES)}, or drop it")
    return _restored(found, np.dtype(dtype), document)


def _what_is_wrong(keys: Mapping[str, Any]) -> str:
    """Say that the numbers are missing, and which keys there are instead."""
    if "data" in keys:
        return 'the value of "data" is not a list of numbers'
    there = [quoted(key) for key in islice(keys, MOST_KEYS)] + ["..."] * (len(keys) > MOST_KEYS)
    return f'the key "data" is missing{"; it has " * bool(there)}{", ".join(there)}'


def _elsewhere(keys: Mapping[str, Any], document: _Document) -> str | Phrase:
    """Suggest other keys that seem to hold the numbers."""
    jq, name = "jq", document.name
    if document.in_line:  # its name has the number of the line
        jq, name = "jq -c", name.rpartition(": line ")[0]
    if paths := _paths(keys):
        others = f" ({', '.join(paths[1:])} would do as well)" if len(paths) > 1 else ""
        return piped(
            f"{jq} {shell_word(paths[0])}", name, f"give what is under {paths[0][1:]!r} alone{others}: {{pipe}}"
        )
    if columns := _columns([{key: value for key, value in keys.items() if key not in OWN_KEYS}]):
        return piped(f"{jq} {shell_word(_row(columns))}", name, "make a row of its numbers: {pipe}")
    if rows := next(_tables(keys, ""), ""):
        return piped(f"{jq} {rows}", name, ROWS_OF_RECORDS)
    if keys and all(isinstance(value, dict) for value in keys.values()):
        return 'if pandas wrote it: to_json(orient="values")'
    return 'write {"data": [[1, 2], [3, 4]]}'


def _paths(keys: Mapping[str, Any]) -> list[str]:
    """Return the paths of the first lists of numbers, as jq writes them."""
    return [path for path in islice(_lists(keys, ""), MOST_PATHS) if re.fullmatch(PLAIN_PATH, path)]


def _lists(value: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield the paths of lists of numbers, and of objects that hold one as their data, as jq writes them."""
    for key, one in value.items():
        here = _under(path, key)
        inner = one
        if isinstance(one, list) and one and isinstance(one[0], dict):
            here, inner = f"{here}[0]", one[0]
        if _of_numbers(inner) and (path or key not in OWN_KEYS):
            yield here
        elif isinstance(inner, dict):
            yield from [here] if _of_numbers(inner.get("data")) else _lists(inner, here)


def _tables(value: Mapping[str, Any], path: str) -> Iterator[str]:
    """Yield programs for jq that make rows of lists of records."""
    for key, one in value.items():
        here = _under(path, key)
        if isinstance(one, dict):
            yield from _tables(one, here)
            continue
        looked = one[:MOST_RECORDS] if isinstance(one, list) and (path or key not in OWN_KEYS) else []
        if (columns := _columns(looked)) and re.fullmatch(PLAIN_PATH, here):
            yield _rows(here, columns)


def _columns(records: list[Any]) -> list[str]:
    """Return the keys of numbers, and of null for missing ones, if these are objects without lists and objects."""
    kinds: dict[str, set[type]] = {}
    for record in records:
        for key, value in record.items() if isinstance(record, dict) else [("", [])]:
            kinds.setdefault(key, set()).add(type(value))
    if any(found & {list, dict} for found in kinds.values()):
        return []
    return [key for key, found in kinds.items() if found - {type(None)} and found <= {int, float, type(None)}]


def _rows(path: str, columns: list[str]) -> str:
    """Return the program for jq that makes rows of these columns of the records under a path."""
    return shell_word(f"{path} | map({_row(columns)})" if path else f"map({_row(columns)})")


def _row(columns: list[str]) -> str:
    """Return the program for jq that makes a row of a record."""
    named = [_under("", column) for column in columns]
    few = len(named) <= FEW_COLUMNS and all(re.fullmatch(PLAIN_PATH, name) for name in named)
    return f"[{', '.join(named)}]" if few else "map(numbers, nulls)"


def _under(path: str, key: str) -> str:
    return f"{path}.{key}" if re.fullmatch(PLAIN_KEY, key) else f'{path}."{key}"'


def _of_numbers(value: Any) -> bool:
    """Whether a list begins with a number, or with such a list."""
    if not isinstance(value, list):
        return False
    while isinstance(value, list) and value:
        value = value[0]
    return isinstance(value, int | float)


def _restored(found: Found, dtype: np.dtype[Any], document: _Document) -> NDArray[Any]:
    """Return an array in the type it once had; floats may be rounded to narrower floats, all else must be exact."""
    array = found.array
    if array.dtype == dtype:
        return array
    with np.errstate(over="ignore", invalid="ignore"):
        wanted = array.astype(dtype)
        if array.dtype.kind == "f" and dtype.kind == "f":
            wrong = np.isinf(wanted) & ~np.isinf(array)
        else:
            wrong = (wanted != array) | ~_within(array, dtype)
    if wrong.any():
        index = int(wrong.argmax())
        where = document.where(document.number_at(found.start, index))
        raise InputError(f"{where}: {array.flat[index]} does not fit dtype {dtype}", "correct or drop dtype")
    return wanted


def _within(array: NDArray[Any], dtype: np.dtype[Any]) -> Any:
    """Whether each number is in the range of a type."""
    if dtype.kind not in "iu" or array.dtype.kind != "f":
        return np.True_
    limits = np.iinfo(dtype)
    return (array >= float(limits.min)) & (array < 2.0 ** (limits.bits - (dtype.kind == "i")))


def _layout(keys: Mapping[str, Any], name: str) -> str | None:
    layout = _typed(keys, "layout", str, name)
    if layout is None:
        return None
    try:
        return parse_layout(layout)
    except UsageError as problem:  # the file is wrong, not an option
        raise InputError(f"{name}: {problem}", problem.advice) from None


def _indices(keys: Mapping[str, Any], array: NDArray[Any], name: str) -> NDArray[np.int64] | None:
    found = keys.get("indices")
    if found is None:
        return None
    if not isinstance(found, Found) or found.array.dtype != np.int64:
        raise InputError(f"{name}: indices are not whole numbers", Phrase("use those that pool {return_indices} wrote"))
    if not found.array.size and not array.size:
        return found.array.reshape(array.shape)
    if found.array.shape != array.shape:
        raise InputError(
            f"{name}: indices are {list(found.array.shape)}, but data are {list(array.shape)}",
            "give one index for each value",
        )
    return found.array


def _typed(keys: Mapping[str, Any], key: str, kind: type, name: str) -> Any:
    """Return the value of a key, which must have this type; None if it is missing or null."""
    value = keys.get(key)
    if value is not None and not isinstance(value, kind):
        raise InputError(f"{name}: {key} is not {TYPES[kind.__name__]}", f"correct or drop {key}")
    return value


def _white(keys: Mapping[str, Any], name: str) -> float | None:
    white = keys.get("white")
    if white is None:
        return None
    if isinstance(white, bool) or not isinstance(white, int | float) or not 0 < white < math.inf:
        raise InputError(f"{name}: white is not a number above 0", "correct or drop white")
    return float(white)


# Writing


def write(feature_map: FeatureMap) -> Iterator[bytes]:
    """Write the object, with the values in the layout's order."""
    array = feature_map.array
    if array.dtype.name not in DTYPES:
        raise InputError(f"JSON has no numbers of type {array.dtype}", f"use one of {', '.join(DTYPES)}")
    head, steps, rest = frame(feature_map)
    where = feature_map.indices
    indices = () if where is None else chain([b',"indices":'], _nested(feature_map.in_layout(where)))
    return chain([head], _nested(array), [steps], indices, [rest])


def frame(feature_map: FeatureMap) -> tuple[bytes, bytes, bytes]:
    """Return the text around the numbers: before the values, after them, and after the indices."""
    array = feature_map.array
    before = {"shape": list(array.shape), "layout": feature_map.layout, "dtype": array.dtype.name}
    optional = {"unpool": feature_map.unpool, "white": feature_map.white}
    after = {key: value for key, value in optional.items() if value is not None} | dict(feature_map.extra)
    rest = b"," + dump(after)[1:] if after else b"}"
    return dump(before)[:-1] + b',"data":', b',"steps":' + dump(list(feature_map.steps)), rest + b"\n"


def _nested(array: NDArray[Any]) -> Iterator[bytes]:
    """Write an array in pieces of bounded size."""
    if array.size <= BAND_CELLS:
        yield dump_numbers(array)
        return
    step = max(len(array) * BAND_CELLS // array.size, 1)
    yield b"["
    for start in range(0, len(array), step):
        if start:
            yield b","
        if step == 1 and array.ndim > 1:
            yield from _nested(array[start])
        else:
            yield dump_numbers(array[start : start + step])[1:-1]
    yield b"]"


def dump(value: Any) -> bytes:
    """Write any value as JSON; integers of any size and infinities can be read back, NaN becomes null.

    Examples
    --------
    >>> dump({"a": (1, 2**70, math.inf, math.nan)})
    b'{"a":[1,1180591620717411303424,1e999,null]}'
    """
    if isinstance(value, Mapping):
        members = (dump(str(key)) + b":" + dump(item) for key, item in value.items())
        return b"{" + b",".join(members) + b"}"
    if isinstance(value, list | tuple):
        return b"[" + b",".join(map(dump, value)) + b"]"
    if isinstance(value, int) and not isinstance(value, bool):
        return b"%d" % value
    if isinstance(value, float) and math.isinf(value):
        return b"1e999" if value > 0 else b"-1e999"
    if isinstance(value, str) and not value.isascii():  # a name or a foreign text need not be UTF-8
        return json.dumps(value, ensure_ascii=False).encode("utf-8", "backslashreplace")
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)

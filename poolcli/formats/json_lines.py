"""JSON Lines: one document per line. What lines have in common, which is all but the numbers, is read only once."""

from __future__ import annotations

import re
from itertools import chain
from struct import Struct
from struct import error as StructError  # noqa: N812 -- a class, whatever its name
from typing import Any, NamedTuple

import numpy as np
import orjson
from numpy.typing import NDArray

from poolcli.featuremap import MOST_AXES
from poolcli.formats.json_map import NO_MARKS, shape_of
from poolcli.formats.missing import EXACT

DATA = re.compile(rb'"data"[ \t]*:[ \t]*')
MOST_KNOWN = 100  # shapes to remember


class Parts(NamedTuple):
    """A line cut into its outermost list of numbers, what comes before that, and what comes after."""

    before: bytes
    numbers: bytes
    behind: bytes


def parts_of(line: bytes) -> Parts | None:
    """Cut a line, or return None if it needs a closer look.

    Examples
    --------
    >>> parts_of(b'{"data":[[1]],"id":7}')
    Parts(before=b'{"data":', numbers=b'[[1]]', behind=b',"id":7}')
    """
    start = 0
    if line.startswith(b"{"):
        found = DATA.search(line)
        # no other object comes before a key of the outermost one, and a quote in a string needs a backslash
        if not found or line.find(b"{", 1, found.end()) > 0 or line.find(b"\\", 0, found.end()) > 0:
            return None
        start = found.end()
    if not line.startswith(b"[", start):
        return None
    stops = [stop for mark in b'"{}' if (stop := line.find(mark, start)) > 0]
    end = line.rfind(b"]", start, min(stops, default=len(line))) + 1
    return Parts(line[:start], line[start:end], line[end:]) if end > start else None


class _Shape(NamedTuple):
    """What brackets and commas show: the lengths of the axes, the count of numbers and how to pack them."""

    lengths: tuple[int, ...]
    total: int
    integers: Struct
    floats: Struct


class PlainReader:
    """Reads nested lists of plain numbers as `poolcli.formats.json_map` does, remembering their shapes."""

    def __init__(self) -> None:
        self.known: dict[bytes, _Shape] = {}

    def __call__(self, text: bytes) -> NDArray[Any] | None:
        """Return the array, or None if the text needs a closer look."""
        shape = self._shape(text.translate(None, NO_MARKS))
        if shape is None or b"t" in text or b"f" in text:  # true and false would count as 1 and 0
            return None
        try:
            numbers: list[Any] = orjson.loads(text)
        except orjson.JSONDecodeError:
            return None
        for _ in shape.lengths[1:]:
            numbers = [*chain.from_iterable(numbers)]
        if len(numbers) != shape.total:
            return None
        try:
            return np.frombuffer(shape.integers.pack(*numbers), np.int64).reshape(shape.lengths)
        except StructError:  # not all are integers of 64 bits
            return _floats(numbers, shape)

    def _shape(self, skeleton: bytes) -> _Shape | None:
        """Return the shape that brackets and commas show, or None if they do not form an array."""
        if (found := self.known.get(skeleton)) is not None:
            return found
        lengths = shape_of(skeleton)
        if lengths is None or len(lengths) > MOST_AXES:
            return None
        count = skeleton.count(b",") + 1
        made = _Shape(tuple(lengths), count, Struct(f"{count}q"), Struct(f"{count}d"))
        if len(self.known) < MOST_KNOWN:
            self.known[skeleton] = made
        return made


def _floats(numbers: list[Any], shape: _Shape) -> NDArray[Any] | None:
    """Return numbers as float64, with NaN for None; return None if an integer among them may lose digits."""
    try:
        array = np.frombuffer(shape.floats.pack(*numbers), np.float64)
    except (StructError, OverflowError):
        if not set(map(type, numbers)) <= {int, float, type(None)}:
            return None
        array = np.array(numbers, np.float64)
    if max(np.fmax.reduce(array), -np.fmin.reduce(array)) >= EXACT:
        return None
    return array.reshape(shape.lengths)

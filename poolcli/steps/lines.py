"""The same steps on one line of JSON after another; what lines have in common is computed only once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import PoolcliError
from poolcli.featuremap import FeatureMap, inner_order
from poolcli.formats import decode_line, encode
from poolcli.formats.json_lines import PlainReader, parts_of
from poolcli.formats.json_map import frame
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.formats.text import dump_numbers
from poolcli.steps.steps import PoolStep, Step, apply

Array = NDArray[Any]
MOST_KINDS = 100  # kinds of lines to remember; if each line is of its own kind, remembering is useless


class _Way(NamedTuple):
    """How to process lines that differ only in their numbers."""

    order: list[int]  # the axes of the numbers in the inner order
    dtype: np.dtype[Any]  # of the numbers that the steps take
    made: np.dtype[Any]  # of the result
    steps: list[Callable[[Array], Array]]  # from values to values
    back: Callable[[Array], Array]  # puts the axes back into the layout's order
    head: bytes  # the text before the numbers of the result
    tail: bytes  # the text after them

    @classmethod
    def of(cls, before: FeatureMap, after: FeatureMap, steps: Sequence[Step]) -> _Way:
        """Learn from one line."""
        maps = accumulate(steps, lambda one, step: step.apply(one), initial=before)
        head, *tail = frame(after)
        return cls(
            inner_order(before.layout), before.values.dtype, after.values.dtype,
            [_ready(step, like) for step, like in zip(steps, maps, strict=False)], after.in_layout,
            head, b"".join(tail),
        )  # fmt: skip

    def __call__(self, numbers: Array) -> bytes | None:
        """Return the result for the numbers of another line, or None if that needs a closer look."""
        values = numbers.transpose(self.order).astype(self.dtype, copy=False)
        for step in self.steps:
            values = step(values)
        return self.head + dump_numbers(self.back(values)) + self.tail if values.dtype == self.made else None


def _ready(step: Step, like: FeatureMap) -> Callable[[Array], Array]:
    """Return a function that applies a step to the values of maps like this one."""
    if isinstance(step, PoolStep):
        return step.ready(like)
    return lambda values: step.apply(like.with_(values=values)).values


@dataclass
class LineByLine:
    """Applies steps to lines of JSON."""

    steps: Sequence[Step]  # to apply to each map
    reading: ReadOptions
    name: str  # of the file, for messages
    prepare: Callable[[FeatureMap], FeatureMap] | None = None  # before the steps, such as to make whole numbers floats
    notes: tuple[Any, ...] = ()  # what was guessed for the first line, once it has been read
    _ways: dict[Any, _Way] = field(default_factory=dict)
    _plain: PlainReader = field(default_factory=PlainReader)

    def __call__(self, line: bytes, number: int) -> bytes:
        """Return the result for a line of the input, given its number, which errors name."""
        where = f"{self.name}: line {number}"
        try:
            return self._made(line, where)
        except PoolcliError as problem:
            if where not in str(problem.text):
                problem.at(where)
            raise

    def _made(self, line: bytes, where: str) -> bytes:
        parts = None if self.reading.missing or self.reading.linear_light else parts_of(line)
        numbers = None if parts is None else self._plain(parts.numbers)
        key = None if parts is None or numbers is None else (parts.before, parts.behind, numbers.shape, numbers.dtype)
        if numbers is not None and (way := self._ways.get(key)) and (made := way(numbers)):
            return made
        read = decode_line(line, where, self.reading)
        before = self.prepare(read) if self.prepare else read
        after = apply(before, self.steps)
        self.notes = self.notes or after.notes
        alike = numbers is not None and read.values.dtype == numbers.dtype and read.indices is after.indices is None
        if alike and len(self._ways) < MOST_KINDS:
            self._ways[key] = _Way.of(before, after, self.steps)
        return b"".join(encode(after, WriteOptions("json")))

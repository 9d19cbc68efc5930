"""The same steps on one line of JSON after the other: what equal lines have in common is found out once."""

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
MOST_KINDS = 100  # that are remembered; where each line is of a kind of its own, remembering is of no use


class _Way(NamedTuple):
    """What becomes of lines that differ in their numbers only."""

    order: list[int]  # the axes of the numbers in the inner order
    # of what the steps are done with, and of what comes out
    dtype: np.dtype[Any]
    made: np.dtype[Any]
    steps: list[Callable[[Array], Array]]  # each makes values of values
    back: Callable[[Array], Array]  # puts the axes of the values where they were
    # what stands around the numbers of the result
    head: bytes
    tail: bytes

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
        """Return the line for the numbers of another, or None if it has to go alone."""
        values = numbers.transpose(self.order).astype(self.dtype, copy=False)
        for step in self.steps:
            values = step(values)
        return self.head + dump_numbers(self.back(values)) + self.tail if values.dtype == self.made else None


def _ready(step: Step, like: FeatureMap) -> Callable[[Array], Array]:
    """Return what a step does with the values of maps such as this one."""
    if isinstance(step, PoolStep):
        return step.ready(like)
    return lambda values: step.apply(like.with_(values=values)).values


@dataclass
class LineByLine:
    """Makes one line of JSON of another."""

    steps: Sequence[Step]  # what is done with each map
    reading: ReadOptions  # how to read it
    name: str  # of the file, for messages
    # what comes before the steps: whole numbers become what frameworks pool
    prepare: Callable[[FeatureMap], FeatureMap] | None = None
    notes: tuple[Any, ...] = ()  # what was taken for granted of the first line, once that was there
    _ways: dict[Any, _Way] = field(default_factory=dict)
    _plain: PlainReader = field(default_factory=PlainReader)

    def __call__(self, line: bytes, number: int) -> bytes:
        """Return the line of the result for a line of the input, which has this number.

        Raises
        ------
        PoolcliError
            If it cannot be read, or the steps cannot be done; the message names the line.
        """
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

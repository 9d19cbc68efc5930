"""Recording what is done to one tile, to do it again to others without deciding and slicing anew: *tape*.

Python's part of a step, some microseconds of slicing, is as long as NumPy's on a tile that fits the cache, and only
one thread at a time can do it. Tiles of the same shape differ in nothing but where they start, so their steps are
recorded once as addresses. Benchmark case: float32 max 2x2, twice as fast; without it two threads are slower than one.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided
from numpy.typing import NDArray

from poolcli.kernels.memory import Buffer, Scratch, address
from poolcli.kernels.tiles import Place

Array = NDArray[Any]


class Memory:
    """The bytes over which an array's cells are spread."""

    def __init__(self, array: Array) -> None:
        self.strides = array.strides
        self.begin, self.end = byte_bounds(array)
        upwards = array[tuple(slice(None, None, -1 if step < 0 else 1) for step in array.strides)]
        first = upwards[(slice(0, 1),) * array.ndim].reshape(1).view(np.uint8)
        self.bytes = as_strided(first, (self.end - self.begin,), (1,))
        self.origin = address(array) - self.begin

    def offset(self, place: Sequence[int]) -> int:
        """Return where the cell at `place` starts."""
        return self.origin + sum(at * step for at, step in zip(place, self.strides, strict=True))


class View(NamedTuple):
    """A view of some memory, as far from a tile's first cell there."""

    memory: int
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    strides: tuple[int, ...]


BUFFERS = 2  # memory 0 is the source, 1 the target, which change from tile to tile; the others are the tape's buffers


class Tape(Scratch):
    """Scratch memory that writes down what is done with it.

    Parameters
    ----------
    source, target : ndarray
        The tile's cells, and where its values go.
    """

    def __init__(self, source: Array, target: Array) -> None:
        super().__init__(most=None)
        self._ends = [(byte_bounds(source), address(source)), (byte_bounds(target), address(target))]
        self._steps: list[tuple[Callable[..., Any], list[Any], Any]] = []
        self._begins: list[tuple[int, int]] = []  # where buffers begin, and their numbers; a median has dozens

    def do(self, call: Callable[..., Any], *inputs: Any, out: Array) -> Array:
        """Call ``call(*inputs, out=out)``, and remember it."""
        self._steps.append((call, [self._view(item) for item in inputs], self._view(out)))
        return super().do(call, *inputs, out=out)

    def _view(self, item: Any) -> Any:
        if not isinstance(item, np.ndarray) or item.size == 0:
            return item
        first = address(item)
        for memory, ((begin, end), origin) in enumerate(self._ends):
            if begin <= first < end:
                return View(memory, first - origin, item.shape, item.dtype, item.strides)
        for number, buffer in enumerate(self.buffers[len(self._begins) :], len(self._begins)):
            insort(self._begins, (address(buffer), number))
        begin, number = self._begins[bisect_right(self._begins, (first, len(self.buffers))) - 1]
        if not begin <= first < begin + self.buffers[number].nbytes:
            raise AssertionError("a view of unknown memory")
        return View(BUFFERS + number, first - begin, item.shape, item.dtype, item.strides)

    def finished(self, result: Any) -> Program:
        """Return what was recorded; `result` is what one wants of it, an array or not."""
        steps = [(call, [self._bound(item) for item in inputs], self._bound(out)) for call, inputs, out in self._steps]
        return Program(steps, self._bound(self._view(result)), self.buffers)

    def _bound(self, item: Any) -> Any:
        """Make views of buffers once for all: buffers stay where they are. Earlier, views would hinder their reuse."""
        if type(item) is not View or item.memory < BUFFERS:
            return item
        return np.ndarray(item.shape, item.dtype, self.buffers[item.memory - BUFFERS], item.offset, item.strides)


class Program:
    """Recorded steps, and the buffers they work in."""

    def __init__(
        self, steps: list[tuple[Callable[..., Any], list[Any], Any]], result: Any, buffers: list[Buffer]
    ) -> None:
        self._steps, self._result, self.buffers = steps, result, buffers

    def run(self, source: Memory, source_offset: int, target: Memory, target_offset: int) -> Any:
        """Do the steps on another tile, and return the result."""
        where = ((source.bytes, source_offset), (target.bytes, target_offset))

        def find(item: Any) -> Any:
            if type(item) is not View:
                return item
            data, offset = where[item.memory]
            return np.ndarray(item.shape, item.dtype, data, offset + item.offset, item.strides)

        for call, inputs, out in self._steps:
            call(*[find(item) for item in inputs], out=find(out))
        return find(self._result)


MOST_PROGRAMS = 2  # that a thread remembers: the tiles inside, and those at the edge that it is at


class Taped:
    """Does the same to every tile of an input.

    Parameters
    ----------
    source : ndarray, shape (planes, cells...)
        The input.
    target : ndarray, shape (planes, windows...), or None
        Where values go, if they are put there at once.
    """

    def __init__(self, source: Array, target: Array | None) -> None:
        self._source, self._target = source, target
        self._memories = Memory(source), Memory(source if target is None else target)

    def tile(
        self,
        programs: dict[Any, Program],
        kind: Any,
        cells: Place,
        windows: Place,
        do: Callable[[Array, Any, Tape], Any],
    ) -> Any:
        """Do it to one tile.

        Parameters
        ----------
        programs : dict
            What has been recorded by this thread.
        kind : hashable
            The same for tiles that differ in nothing but their place.
        cells, windows : tuple of slices
            Where the tile lies in the source and in the target.
        do : function of (block, target or None, tape)
            What to do, all of it with the tape; returns an array in memory of the tape or None.
        """
        if (program := programs.get(kind)) is None:
            while len(programs) >= MOST_PROGRAMS:  # each keeps its buffers
                del programs[next(iter(programs))]
            block = self._source[cells]
            target = None if self._target is None else self._target[windows]
            tape = Tape(block, block[:0] if target is None else target)
            result = do(block, target, tape)
            programs[kind] = tape.finished(result)
            return result
        source, values = self._memories
        first = source.offset([part.start for part in cells])
        return program.run(source, first, values, values.offset([part.start for part in windows]))

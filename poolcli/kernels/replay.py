"""Record the steps for one tile on paper, and replay them for all tiles without deciding and slicing again.

Python's part of a step, a few microseconds of slicing, takes as long as NumPy's on a tile that fits the cache, and only
one thread at a time can do it. Tiles of one shape differ only in where they start, so their steps are written down once
as addresses. Benchmark case: float32 max 2x2, twice as fast; without it two threads are slower than one. Nothing is
computed while recording: a program follows from shapes alone, and is a value. Once it is complete, each intermediate
result gets a place in one block of memory, from its first step to its last: *in place*, where possible, of what only
that step still needed, because memory that is only read and written once more takes longer. Benchmark case: uint16
median 3x3.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Collection, Sequence
from types import SimpleNamespace
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.array_utils import byte_bounds
from numpy.lib.stride_tricks import as_strided
from numpy.typing import DTypeLike, NDArray

from poolcli.kernels.memory import Scratch

Array = NDArray[Any]
CACHE_LINE = 64  # bytes of a cache line, and of the widest vector
LOOSEST = 4  # times as large as needed, at most, is a free place that is taken
HUGE_BYTES = 1 << 22  # from which NumPy asks for huge pages
HUGE_PAGE = 1 << 21  # bytes, on most systems
BUFFER = -1  # number of a program's own memory; other numbers count the arrays of a recorder

LOWEST = 1 << 12  # an address that no system gives
_nowhere = {"data": (LOWEST, True), "shape": (1 << 60,), "typestr": "|u1", "version": 3}  # never read, never written
NOWHERE: Any = np.asarray(SimpleNamespace(__array_interface__=_nowhere))


class Layout(NamedTuple):
    """How the cells of an array lie in memory."""

    dtype: np.dtype[Any]
    strides: tuple[int, ...]


class View(NamedTuple):
    """A view of some memory; the offset counts from its start, or in an array from a tile's first cell."""

    memory: int
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    strides: tuple[int, ...]


class Call(NamedTuple):
    """One step: ``call(*inputs, out=out)``."""

    call: Callable[..., Any]
    inputs: tuple[Any, ...]
    out: Any


class KernelProgram(NamedTuple):
    """Steps, the results to return in the end, and how much memory the steps need."""

    calls: tuple[Call, ...]
    results: tuple[Any, ...]
    size: int


class Recorder(Scratch):
    """Writes down steps on arrays that have shapes and addresses but no memory.

    Parameters
    ----------
    shapes, layouts : sequence
        Of the arrays that change from tile to tile.
    """

    def __init__(self, shapes: Sequence[tuple[int, ...]], layouts: Sequence[Layout]) -> None:
        self._top = 0
        self._begins: list[int] = []  # of each memory, on paper
        self._origins: list[int] = []  # what offsets count from
        self._sizes: list[int] = []
        self._calls: list[Call] = []
        self.arrays = [self._laid(shape, *layout) for shape, layout in zip(shapes, layouts, strict=True)]

    def _laid(self, shape: tuple[int, ...], dtype: np.dtype[Any], strides: tuple[int, ...]) -> Array:
        spans = [step * (length - 1) for length, step in zip(shape, strides, strict=True)]
        below = sum(span for span in spans if span < 0)
        at = self._reserve(dtype.itemsize + sum(map(abs, spans)), -below)
        return np.ndarray(shape, dtype, NOWHERE, at, strides)

    def _reserve(self, size: int, below: int = 0) -> int:
        self._begins.append(self._top)
        self._origins.append(self._top + below)
        self._sizes.append(max(size + -size % CACHE_LINE, CACHE_LINE))
        self._top += self._sizes[-1]
        return self._origins[-1]

    def take(self, shape: Sequence[int], dtype: DTypeLike) -> Array:
        """Return an array whose place will be chosen later."""
        dtype = np.dtype(dtype)
        size = dtype.itemsize
        for length in shape:
            size *= length
        at = self._reserve(size)
        return np.ndarray(shape, dtype, NOWHERE, at)

    def do(self, call: Callable[..., Any], *inputs: Any, out: Array) -> Array:
        """Write the call down and return `out`."""
        if out.size:
            self._calls.append(Call(call, tuple(map(self._view, inputs)), self._view(out)))
        return out

    def _view(self, item: Any) -> Any:
        if not isinstance(item, np.ndarray) or item.size == 0:
            return item
        at = item.__array_interface__["data"][0] - LOWEST
        if not 0 <= at < self._top:
            raise AssertionError("a view of unknown memory")
        memory = bisect_right(self._begins, at) - 1
        return View(memory, at - self._origins[memory], item.shape, item.dtype, item.strides)

    def program(self, results: Sequence[Any]) -> KernelProgram:
        """Return the program that was written down, which returns `results`."""
        wanted = tuple(map(self._view, results))
        places, size = self._places(wanted)

        def placed(item: Any) -> Any:
            if type(item) is not View or item.memory < len(self.arrays):
                return item
            return View(BUFFER, places[item.memory] + item.offset, *item[2:])

        calls = tuple(Call(call, tuple(map(placed, inputs)), placed(out)) for call, inputs, out in self._calls)
        return KernelProgram(calls, tuple(map(placed, wanted)), size)

    def _places(self, wanted: Sequence[Any]) -> tuple[dict[int, int], int]:
        """Give each memory a place from its first step to its last."""
        steps = [{item.memory for item in (*inputs, out) if type(item) is View} for _, inputs, out in self._calls]
        last = {memory: number for number, memories in enumerate(steps) for memory in memories}
        last.update((item.memory, len(steps)) for item in wanted if type(item) is View)
        places: dict[int, tuple[int, int]] = {}
        free: list[tuple[int, int]] = []  # size, where
        own, top = range(len(self.arrays), len(self._sizes)), 0
        for number, call in enumerate(self._calls):
            ending = {memory for memory in steps[number] if last[memory] == number and memory in own}
            for memory in sorted(memory for memory in steps[number] if memory in own and memory not in places):
                size = self._sizes[memory]
                if (over := self._replaced(call, ending)) and size <= places[over][0]:
                    places[memory] = places[over]
                    ending.remove(over)
                elif fitting := [place for place in free if size <= place[0] <= LOOSEST * size]:
                    places[memory] = min(fitting)
                    free.remove(places[memory])
                else:
                    places[memory] = size, top
                    top += size
            free += [places[memory] for memory in ending]
        return {memory: at for memory, (_, at) in places.items()}, top

    def _replaced(self, call: Call, ending: Collection[int]) -> int:
        """Return the memory in whose place a result can be written cell by cell, or 0: an array, or none."""
        views = [item for item in call.inputs if type(item) is View]
        several = [view.memory for view in views]
        alike = [
            view.memory for view in views
            if view.memory in ending and view[1:] == call.out[1:] and several.count(view.memory) == 1
        ]  # fmt: skip
        return alike[0] if alike and isinstance(call.call, np.ufunc) else 0


def play(program: KernelProgram, *places: tuple[Array, int]) -> list[Any]:
    """Do the steps of a program.

    Parameters
    ----------
    *places : tuple of array and int
        Bytes, and the one where the tile begins: for each array, and last for the program's own memory.
    """
    ndarray = np.ndarray

    def find(item: Any) -> Any:
        if type(item) is not View:
            return item
        memory, offset, shape, dtype, strides = item
        data, begin = places[memory]  # the last is that of number `BUFFER`
        return ndarray(shape, dtype, data, begin + offset, strides)

    for call, inputs, out in program.calls:
        call(*map(find, inputs), out=find(out))
    return [find(item) for item in program.results]


def replay(program: KernelProgram, *arrays: Array, buffer: Array | None = None) -> Any:
    """Play a program with one result, on contiguous arrays."""
    buffer = np.empty(program.size, np.uint8) if buffer is None else buffer
    return play(program, *((array, 0) for array in (*arrays, buffer)))[0]


def bound(program: KernelProgram, buffer: Array) -> KernelProgram:
    """Return a program whose intermediate results lie in this memory: it plays faster, for one tile after another."""

    def placed(item: Any) -> Any:
        if type(item) is not View or item.memory != BUFFER:
            return item
        return np.ndarray(item.shape, item.dtype, buffer, item.offset, item.strides)

    calls = tuple(Call(call, tuple(map(placed, inputs)), placed(out)) for call, inputs, out in program.calls)
    return KernelProgram(calls, tuple(map(placed, program.results)), 0)


def room_for(size: int, *, huge: bool) -> Array:
    """Return so many bytes, from the start of a cache line, or of a huge page if it would be half full.

    NumPy asks for `huge` pages from 4 MiB on, so that a first call does not pay for each page: float32 max (2,2).
    """
    unit = HUGE_PAGE if huge and HUGE_PAGE // 2 <= size < HUGE_BYTES else CACHE_LINE
    buffer = np.empty(max(size + unit, HUGE_BYTES) if unit == HUGE_PAGE else size + unit, np.uint8)
    return buffer[-buffer.__array_interface__["data"][0] % unit :]


class Memory:
    """The bytes over which an array's cells are spread."""

    def __init__(self, array: Array) -> None:
        begin, end = byte_bounds(array)
        upwards = array[tuple(slice(None, None, -1 if step < 0 else 1) for step in array.strides)]
        first = upwards[(slice(0, 1),) * array.ndim].reshape(1).view(np.uint8)
        self.bytes = as_strided(first, (end - begin,), (1,))
        self.origin: int = array.__array_interface__["data"][0] - begin

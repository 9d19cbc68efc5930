"""Doing the same to every tile of an input."""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import replace
from functools import lru_cache
from threading import Lock
from typing import Any

from numpy.typing import DTypeLike, NDArray

from poolcli.kernels.memory import SPARE_BYTES, Buffer, Scratch, result, spare
from poolcli.kernels.replay import Program, Taped
from poolcli.kernels.tiles import Place, tiles
from poolcli.system.threads import run, threads
from poolcli.window import Axis

Array = NDArray[Any]
Band = tuple[int, int, Axis]

TILE_BYTES = 1 << 21  # of the cells of a tile: less fits the cache better, but threads wait for each other more often
SHARED_BYTES = 1 << 20  # of input and output, below which a second thread costs more than it gains


class Worker:
    """What one thread keeps: scratch memory, and a program for each kind of tile.

    Parameters
    ----------
    task : hashable, optional
        What is done to tiles, if that can be told from what is done by other calls.
    """

    def __init__(self, task: Hashable = None) -> None:
        self.task = task
        self.scratch = Scratch()
        self.programs: dict[Any, Program] = {}

    @classmethod
    def again(cls, task: Hashable = None) -> Worker:
        """Return a worker that knows the task from the last call, or a new one; others give their memory: *same again*.

        Recording two programs takes as long as a million cells. Benchmark case: uint8 max 2x2.
        """
        with _resting_lock:
            for worker in [worker for worker in _resting if worker.task != task]:
                _resting.remove(worker)
                worker.close()
            return _resting.pop() if _resting else cls(task)

    def rest(self) -> None:
        """Stay for a call with the same task, unless that is too much memory to keep."""
        with _resting_lock:
            if sum(worker.nbytes for worker in (self, *_resting)) <= SPARE_BYTES:
                _resting.append(self)
                return
        self.close()

    def close(self) -> None:
        """Keep the memory for later calls."""
        spare(self._buffers())

    @property
    def nbytes(self) -> int:
        """How much memory it holds."""
        return sum(buffer.nbytes for buffer in self._buffers())

    def _buffers(self) -> list[Buffer]:
        return [*self.scratch.buffers, *(buffer for program in self.programs.values() for buffer in program.buffers)]


_resting: list[Worker] = []
_resting_lock = Lock()


def planes_of(x: Array, out: Array, ndim: int) -> Iterator[tuple[Array, Array]]:
    """Yield input and output as (planes, spatial...), without copying a large input whose leading axes do not merge."""
    lead = x.ndim - ndim
    merges = all(x.strides[i] == x.strides[i + 1] * x.shape[i + 1] for i in range(lead - 1))
    if lead <= 1 or merges or x.nbytes < SHARED_BYTES:
        yield x.reshape(-1, *x.shape[lead:]), out.reshape(-1, *out.shape[lead:])
        return
    for row, target in zip(x, out, strict=True):
        yield from planes_of(row, target, ndim)


def bands_of(axes: Sequence[Axis], places: Sequence[Place]) -> list[dict[int, Band]]:
    """Return for every axis, by the first window of a tile, the cells it looks at."""
    cuts = [{(place[position].start, place[position].stop) for place in places} for position in range(1, len(axes) + 1)]
    lasts = [False] * (len(axes) - 1) + [True]
    return [_bands(axis, frozenset(cut), last) for axis, cut, last in zip(axes, cuts, lasts, strict=True)]


@lru_cache(maxsize=16)  # as `tiles`
def _bands(axis: Axis, windows: frozenset[tuple[int, int]], last: bool) -> dict[int, Band]:
    bands = {first: axis.band(first, stop) for first, stop in windows}
    return {first: _whole_rows(*band, axis.length) for first, band in bands.items()} if last else bands


def _whole_rows(low: int, high: int, axis: Axis, length: int) -> Band:
    """Take a few cells more than the windows need, if that makes rows whole and the tile contiguous.

    Benchmark case: batch max (3,2).
    """
    if not axis.regular or not axis.starts or high == length or (length - high) * 8 > length - low:
        return low, high, axis
    return low, length, replace(axis, length=length - low)


def shape_of(axis: Axis) -> tuple[int, ...]:
    """Return what tiles of regular windows need to have in common to be treated alike."""
    return axis.length, len(axis), axis.starts[0], axis.stops[-1]


def sweep(
    x: Array,
    axes: Sequence[Axis],
    dtype: DTypeLike,
    do: Callable[[Array, Sequence[Axis], Array, Scratch], None],
    *,
    tile_bytes: int = TILE_BYTES,
    itemsize: int = 0,
    exception: Callable[[Array, Sequence[Axis], Array, Scratch], bool] | None = None,
    workers: int | None = None,
) -> Array:
    """Make the values of regular windows tile by tile.

    Parameters
    ----------
    x : ndarray, shape (leading..., spatial...)
        The input; never modified.
    axes : sequence of Axis
        One per spatial axis, regular.
    dtype : dtype
        Of the result.
    do : function of (block, axes, target, scratch)
        Fills `target` with the values of a tile, with nothing but ``scratch.do``; `axes` are those of the tile.
    tile_bytes, itemsize : int
        How large a tile should be, and how many bytes a cell is worked on with; 0 for the input's own.
    exception : function like `do`, optional
        Asked first for each tile, it may fill `target` in some other way and return true.
    workers : int, optional
        Threads, as `poolcli.kernels.memory.threads` has it.

    Returns
    -------
    ndarray, shape (leading..., windows...)
    """
    lead = x.shape[: x.ndim - len(axes)]
    out = result((*lead, *map(len, axes)), dtype)
    if out.size == 0:
        return out
    number = threads(workers) if x.nbytes + out.nbytes >= SHARED_BYTES else 1
    for planes, values in planes_of(x, out, len(axes)):
        places = tiles(len(planes), axes, tile_bytes // max(itemsize or x.itemsize, 1))
        _sweep_planes(planes, axes, values, places, do, exception, number)
    return out


def _sweep_planes(
    planes: Array,
    axes: Sequence[Axis],
    out: Array,
    places: list[Place],
    do: Callable[[Array, Sequence[Axis], Array, Scratch], None],
    exception: Callable[[Array, Sequence[Axis], Array, Scratch], bool] | None,
    number: int,
) -> None:
    bands, taped = bands_of(axes, places), Taped(planes, out)

    def work(place: Place, worker: Worker) -> None:
        here = [band[part.start] for band, part in zip(bands, place[1:], strict=True)]
        cells = (place[0], *(slice(low, high) for low, high, _ in here))
        tile_axes = [axis for _, _, axis in here]
        if exception is not None and exception(planes[cells], tile_axes, out[place], worker.scratch):
            return
        kind = (place[0].stop - place[0].start, *map(shape_of, tile_axes))
        taped.tile(worker.programs, kind, cells, place, lambda block, target, tape: do(block, tile_axes, target, tape))

    run(places, work, Worker.again, number, Worker.close)


def size_of(axes: Sequence[Axis]) -> int:
    """Return how many cells the largest window has."""
    return math.prod(axis.size for axis in axes)

"""What kernels work with: threads, and memory that is used again."""

from __future__ import annotations

import math
import sys
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from threading import Lock
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

Buffer = NDArray[np.uint8]


def address(array: NDArray[Any]) -> int:
    """Return the address of an array's first cell."""
    first: int = array.__array_interface__["data"][0]
    return first


SPARE_BYTES = 20 << 20  # of buffers that wait for the next call; a call itself takes up to 42 MiB, and 64 are allowed
_spare: list[Buffer] = []
_spare_lock = Lock()


def spare(buffers: Iterable[Buffer]) -> None:
    """Keep buffers for later calls, the last given first and no more than `SPARE_BYTES` of them: *spare buffers*.

    New memory costs a page fault for every 4 KiB. Benchmark case: uint8 max 3x3, a third of the time.
    """
    with _spare_lock:
        _spare[:0] = buffers
        room = SPARE_BYTES
        for number, buffer in enumerate(_spare):
            room -= buffer.nbytes
            if room < 0:
                del _spare[number:]
                return


def _from_spare(size: int) -> Buffer | None:
    with _spare_lock:
        number = 0
        for buffer in _spare:
            if size <= buffer.nbytes <= _LOOSEST * size and sys.getrefcount(buffer) <= _IDLE:
                return _spare.pop(number)
            number += 1  # noqa: SIM113 - enumerate would hold a reference, too
    return None


KEPT_BYTES = (1 << 22, 1 << 28)  # of results whose memory is kept; the system hands out less than that at no cost
_kept: deque[Buffer] = deque(maxlen=1)


class _Lent:
    """Owns the memory of one result, and keeps it for the next when nothing refers to the result any more."""

    def __init__(self, memory: Buffer, shape: tuple[int, ...], dtype: np.dtype[Any]) -> None:
        self._memory = memory
        first = address(memory)
        start = first + -first % _LINE
        self.__array_interface__ = {"shape": shape, "typestr": dtype.str, "data": (start, False), "version": 3}

    def __del__(self) -> None:
        _kept.append(self._memory)


def result(shape: tuple[int, ...], dtype: DTypeLike) -> NDArray[Any]:
    """Return an uninitialised array for a result, in the memory of the last one if that is gone: *kept results*.

    The system clears every new page, which takes as long as filling it; memory that does not fit is let go first, so
    that never more is held. Benchmark case: batch max 3x3.
    """
    dtype = np.dtype(dtype)
    size = math.prod(shape) * dtype.itemsize
    try:
        memory: Buffer | None = _kept.pop()  # looked at and taken at once: no other thread gets the same
    except IndexError:
        memory = None
    if not KEPT_BYTES[0] <= size <= KEPT_BYTES[1]:
        return np.empty(shape, dtype)
    if memory is None or not 0 <= memory.nbytes - size - _LINE <= KEPT_BYTES[0]:
        del memory  # before more is asked for
        memory = np.empty(size + _LINE, np.uint8)
    return np.asarray(_Lent(memory, shape, dtype))


class Scratch:
    """Arrays for intermediate results that use the same few buffers again and again, so that they stay in cache.

    A fresh array of some hundred KiB costs more in page faults than the arithmetic done on it.
    """

    def __init__(self, most: int | None = 16) -> None:
        self.buffers: list[Buffer] = []
        self._most = most  # buffers to keep

    def take(self, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """Return an uninitialised C-contiguous array; its memory is free again once nothing refers to it."""
        dtype = np.dtype(dtype)
        size = dtype.itemsize
        for length in shape:
            size *= length
        for buffer in self.buffers:
            if size + _LINE <= buffer.nbytes <= _LOOSEST * (size + _LINE) and sys.getrefcount(buffer) <= _IDLE:
                break
        else:
            if self._most is not None and len(self.buffers) >= self._most:
                self.buffers = [kept for kept in self.buffers if sys.getrefcount(kept) > _IDLE]
            found = _from_spare(size + _LINE)
            buffer = np.empty(size + _LINE, np.uint8) if found is None else found
            self.buffers.append(buffer)
        start = -address(buffer) % _LINE
        return buffer[start : start + size].view(dtype).reshape(shape)

    def do(self, call: Callable[..., Any], *inputs: Any, out: NDArray[Any]) -> NDArray[Any]:
        """Call ``call(*inputs, out=out)`` and return `out`; a tape remembers it."""
        call(*inputs, out=out)
        return out


def copy(source: Any, out: NDArray[Any]) -> None:
    """Copy cells or a number, whatever the types."""
    np.copyto(out, source, casting="unsafe")


def _idle() -> int:
    """Count the references that `Scratch.take` sees on a buffer that nobody uses."""
    buffers = [np.empty(1, np.uint8)]
    for buffer in buffers:
        return sys.getrefcount(buffer)
    raise AssertionError


_IDLE = _idle()
_LOOSEST = 4  # a buffer may be so many times as large as what it is taken for
_LINE = 64  # bytes of a cache line, and of the widest vector

"""What kernels work with: threads, and memory that is used again."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from threading import Thread
from typing import Any, TypeVar

import numpy as np
from numpy.typing import DTypeLike, NDArray

from poolcli.errors import UsageError

Task = TypeVar("Task")
Own = TypeVar("Own")


def threads(asked: int | None = None) -> int:
    """Return how many threads to use.

    Parameters
    ----------
    asked : int, optional
        The caller's choice; without it the environment's ``POOLCLI_THREADS``, else one for each processor that this
        process may use.

    Raises
    ------
    UsageError
        If the number is not a whole number of at least 1.
    """
    text = os.environ.get("POOLCLI_THREADS", "") if asked is None else str(asked)
    if not text:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError(f"{text!r} threads are not a number of threads", "use --threads 1 or more")
    return int(text)


class Scratch:
    """Arrays for intermediate results that use the same few buffers again and again, so that they stay in cache.

    A fresh array of some hundred KiB costs more in page faults than the arithmetic done on it.
    """

    def __init__(self, most: int | None = 16) -> None:
        self.buffers: list[NDArray[np.uint8]] = []
        self._most = most  # buffers to keep

    def take(self, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """Return an uninitialised C-contiguous array; its memory is free again once nothing refers to it."""
        dtype = np.dtype(dtype)
        size = dtype.itemsize
        for length in shape:
            size *= length
        for buffer in self.buffers:
            if size + _LINE <= buffer.nbytes <= 4 * size + 4096 and sys.getrefcount(buffer) <= _IDLE:
                break
        else:
            if self._most is not None and len(self.buffers) >= self._most:
                self.buffers = [kept for kept in self.buffers if sys.getrefcount(kept) > _IDLE]
            buffer = np.empty(size + _LINE, np.uint8)
            self.buffers.append(buffer)
        start = -buffer.ctypes.data % _LINE
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
_LINE = 64  # bytes of a cache line, and of the widest vector


def run(tasks: Sequence[Task], work: Callable[[Task, Own], None], own: Callable[[], Own], workers: int) -> None:
    """Do every task, in any order.

    Parameters
    ----------
    tasks : sequence
        What to do.
    work : function of (task, own)
        Does one.
    own : function
        Makes what each thread has for itself.
    workers : int
        The most threads to use, this one included.
    """
    waiting = iter(tasks)  # a list iterator hands out each item once, whoever asks
    failures: list[BaseException] = []

    def labour() -> None:
        mine = own()
        try:
            with np.errstate(all="ignore"):  # a thread does not inherit it
                for task in waiting:
                    if failures:
                        return
                    work(task, mine)
        except BaseException as failure:  # noqa: BLE001 - handed to the caller below
            failures.append(failure)

    helpers = [Thread(target=labour) for _ in range(min(workers, len(tasks)) - 1)]
    for helper in helpers:
        helper.start()
    labour()
    for helper in helpers:
        helper.join()
    if failures:
        raise failures[0]

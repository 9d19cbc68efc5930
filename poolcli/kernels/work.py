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

    def __init__(self) -> None:
        self._buffers: list[NDArray[np.uint8]] = []

    def take(self, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """Return an uninitialised C-contiguous array; its memory is free again once nothing refers to it."""
        dtype = np.dtype(dtype)
        size = dtype.itemsize
        for length in shape:
            size *= length
        for buffer in self._buffers:
            if size <= buffer.nbytes <= 4 * size + 4096 and sys.getrefcount(buffer) <= _IDLE:
                break
        else:
            self._buffers = [kept for kept in self._buffers if sys.getrefcount(kept) > _IDLE][-_MOST:]
            buffer = np.empty(size, np.uint8)
            self._buffers.append(buffer)
        return buffer[:size].view(dtype).reshape(shape)


def _idle() -> int:
    """Count the references that `Scratch.take` sees on a buffer that nobody uses."""
    buffers = [np.empty(1, np.uint8)]
    for buffer in buffers:
        return sys.getrefcount(buffer)
    raise AssertionError


_IDLE = _idle()
_MOST = 16


def run(tasks: Sequence[Task], work: Callable[[Task, Scratch], None], workers: int) -> None:
    """Do every task, in any order.

    Parameters
    ----------
    tasks : sequence
        What to do.
    work : function of (task, scratch)
        Does one.
    workers : int
        The most threads to use, this one included.
    """
    waiting = iter(tasks)  # a list iterator hands out each item once, whoever asks
    failures: list[BaseException] = []

    def labour() -> None:
        scratch = Scratch()
        try:
            with np.errstate(all="ignore"):  # a thread does not inherit it
                for task in waiting:
                    if failures:
                        return
                    work(task, scratch)
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

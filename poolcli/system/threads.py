"""Threads: how many, and tasks spread over them."""

from __future__ import annotations

import os
from _thread import allocate_lock, start_new_thread
from collections.abc import Callable, Sequence
from threading import current_thread, main_thread
from typing import Any, TypeVar

from poolcli.errors import UsageError
from poolcli.system.limits import processors
from poolcli.wording import Phrase

Task = TypeVar("Task")
Own = TypeVar("Own")
Returned = TypeVar("Returned")
LAST_CALL = 2.0  # seconds that a call has to end when a signal came


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
        return processors()
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError(f"{text!r} threads are not a number of threads", Phrase("{threads} or more", threads=1))
    return int(text)


def run(
    tasks: Sequence[Task],
    work: Callable[[Task, Own], None],
    own: Callable[[], Own],
    workers: int,
) -> None:
    """Do every task, in any order.

    Parameters
    ----------
    work : function of (task, own)
        Does one.
    own : function
        Makes what each thread has for itself.
    workers : int
        The most threads to use, this one included.
    """
    waiting = iter(tasks)  # a list iterator hands out each item once, whoever asks
    failures: list[BaseException] = []
    import numpy as np  # which a cluster does without

    handling: dict[str, Any] = {**np.geterr(), "call": np.geterrcall()}

    def labour() -> None:
        try:
            mine = own()
            with np.errstate(**handling):  # a thread does not inherit the caller's
                for task in waiting:
                    if failures:
                        return
                    work(task, mine)
        except BaseException as failure:  # noqa: BLE001 - handed to the caller below
            failures.append(failure)

    done = [allocate_lock() for _ in range(min(workers, len(tasks)) - 1)]
    for lock in done:
        lock.acquire()
        start_new_thread(_then, (labour, lock.release))  # a Thread's own start waits for it, as long as a tile takes
    labour()
    for lock in done:
        lock.acquire()
    if failures:
        raise failures[0]


def apart(call: Callable[[], Returned]) -> Returned:
    """Call something in a thread of its own, and wait for it.

    What a signal raises is raised here, and never in the midst of the call: libraries that run an event loop take
    that for a failure of their own, or leave coroutines behind.
    """
    if current_thread() is not main_thread():  # no signal comes here
        return call()
    made: list[Returned] = []
    failures: list[BaseException] = []
    over = allocate_lock()
    over.acquire()

    def work() -> None:
        try:
            made.append(call())
        except BaseException as failure:  # noqa: BLE001 - handed to the caller below
            failures.append(failure)

    start_new_thread(_then, (work, over.release))
    try:
        over.acquire()
    except BaseException:
        over.acquire(timeout=LAST_CALL)
        raise
    if failures:
        raise failures[0]
    return made[0]


def _then(one: Callable[[], None], other: Callable[[], None]) -> None:
    try:
        one()
    finally:
        other()

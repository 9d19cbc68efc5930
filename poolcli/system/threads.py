"""The number of threads, and running tasks in them."""

from __future__ import annotations

import os
from _thread import LockType, allocate_lock, start_new_thread
from collections.abc import Callable, Sequence
from functools import partial
from threading import current_thread, main_thread
from typing import Any, TypeVar

from poolcli.errors import UsageError
from poolcli.system.limits import processors
from poolcli.wording import Phrase

Task = TypeVar("Task")
Own = TypeVar("Own")
Returned = TypeVar("Returned")
LAST_CALL = 2.0  # seconds for a call to end after a signal


def threads(asked: int | None = None) -> int:
    """Return the number of threads: `asked`, else ``POOLCLI_THREADS``, else one per available processor."""
    text = os.environ.get("POOLCLI_THREADS", "") if asked is None else str(asked)
    if not text:
        return processors()
    if not text.isascii() or not text.isdigit() or int(text) < 1:
        raise UsageError(f"{text!r} is not a number of threads", Phrase("{threads} or more", threads=1))
    return int(text)


def run(
    tasks: Sequence[Task],
    work: Callable[[Task, Own], None],
    own: Callable[[], Own],
    workers: int,
) -> None:
    """Call ``work(task, mine)`` for every task, in any order.

    Each of at most `workers` threads, this one included, has a `mine` made by `own`. A thread may take a millisecond to
    wake: if nothing is left for it then, nobody waits for it. Benchmark case: uint16 median 3x3.
    """
    waiting = iter(tasks)  # shared: a list iterator hands out each item once
    failures: list[BaseException] = []
    import numpy as np  # not needed by cluster clients

    handling: dict[str, Any] = {**np.geterr(), "call": np.geterrcall()}
    awake = []  # the locks of threads that may have taken a task; noted before they look for one

    def labour() -> None:
        mine: list[Own] = []
        try:
            with np.errstate(**handling):  # threads do not inherit the caller's
                for task in waiting:
                    if failures:
                        return
                    mine = mine or [own()]
                    work(task, mine[0])
        except BaseException as failure:  # noqa: BLE001 - raised below
            failures.append(failure)

    def wake(lock: LockType) -> None:
        awake.append(lock)
        labour()

    for _ in range(min(workers, len(tasks)) - 1):
        lock = allocate_lock()
        lock.acquire()
        if not _started(partial(wake, lock), lock.release):
            break
    labour()
    for lock in awake:
        lock.acquire()
    if failures:
        raise failures[0]


def apart(call: Callable[[], Returned]) -> Returned:
    """Call a function in its own thread and wait for it.

    Exceptions from signals are raised here, never inside the call: libraries with an event loop mistake them for their
    own failures, or leave coroutines behind.
    """
    if current_thread() is not main_thread():  # signals only reach the main thread
        return call()
    made: list[Returned] = []
    failures: list[BaseException] = []
    over = allocate_lock()
    over.acquire()

    def work() -> None:
        try:
            made.append(call())
        except BaseException as failure:  # noqa: BLE001 - raised below
            failures.append(failure)

    if not _started(work, over.release):
        return call()
    try:
        over.acquire()
    except BaseException:
        over.acquire(timeout=LAST_CALL)
        raise
    if failures:
        raise failures[0]
    return made[0]


def _started(one: Callable[[], None], other: Callable[[], None]) -> bool:
    """Start a thread that calls one and then the other; there may be no memory for its stack."""
    try:
        start_new_thread(_then, (one, other))  # Thread.start waits for the thread, as long as a tile takes
    except RuntimeError:
        return False
    return True


def _then(one: Callable[[], None], other: Callable[[], None]) -> None:
    try:
        one()
    finally:
        other()

"""Handing jobs to workers and storing the results: no queue of our own, only a limit on tasks in flight."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, CancelledError, Executor, Future, wait
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any, Protocol

from poolcli.batch.executors import RESUME, Workers
from poolcli.batch.jobs import Job
from poolcli.batch.work import DONE, Outcome, Result, Work, pool_bytes, pool_path, store
from poolcli.errors import FileError, LimitError, PoolcliError
from poolcli.system.files import file_error, read_source
from poolcli.system.mute import unheard
from poolcli.system.portable import deaf
from poolcli.wording import Phrase

TICK = 0.2  # seconds between checks whether to go on
GRACE = 2.0  # seconds for tasks to end after a stop: one may hang in a read

UNSHARED = Phrase("the workers do not see this folder: add {send_bytes}, or share it")

Tell = Callable[[Outcome], None]
ShouldStop = Callable[[], bool]


class Transport(Protocol):
    """The way of a job to a worker, and of its result back."""

    def arguments(self, job: Job) -> tuple[Any, ...]:
        """Return the function for the worker to call, and its arguments."""
        ...

    def outcome(self, job: Job, result: Any) -> Outcome:
        """Turn the result of the function into the outcome of the job."""
        ...


@dataclass(frozen=True)
class ByPath:
    """The worker reads and writes the files itself."""

    work: Work
    absolute: bool = False  # make paths absolute, because workers may run in another folder

    def arguments(self, job: Job) -> tuple[Any, ...]:
        """Send the paths."""
        there = Job(os.path.abspath(job.source), os.path.abspath(job.target)) if self.absolute else job
        return pool_path, there, self.work

    def outcome(self, job: Job, result: Outcome) -> Outcome:
        """Restore the names of the files, and check that a remote result can be seen here."""
        if self.absolute and result.status == DONE and _size(job.target) != result.bytes_out:
            raise FileError(f"{job.target} is not here, though a worker wrote it", UNSHARED)
        return replace(result, job=job)


def _size(path: str) -> int | None:
    """Return the size of a file, or None if it does not exist."""
    with suppress(OSError), open(path, "rb") as file:  # unlike `stat`, opening asks a network file system again
        return os.fstat(file.fileno()).st_size
    return None


@dataclass(frozen=True)
class ByBytes:
    """The files are read and written here, and the worker sees only bytes."""

    work: Work

    def arguments(self, job: Job) -> tuple[Any, ...]:
        """Send the content."""
        return pool_bytes, job, self.work, read_source(job.source).data

    def outcome(self, job: Job, result: Result) -> Outcome:
        """Write the result."""
        outcome, content, provenance = result
        if outcome.status == DONE:
            store(job, self.work, content, provenance)
        return outcome


def run_jobs(
    jobs: Iterable[Job], transport: Transport, workers: Workers, tell: Tell, stop: ShouldStop = lambda: False
) -> None:
    """Do every job once, and `tell` the outcomes in the order in which jobs end.

    Once `stop` returns true, no more jobs start, and those that do not end within `GRACE` seconds are abandoned.
    Workers that can no longer be reached are a `ClusterError`, and more than the system allows a `LimitError`.
    """
    waiting = iter(jobs)
    while unanswered := _round(waiting, transport, workers, tell, stop):
        # a worker died at an unknown job, or an answer got lost: running them one at a time shows which
        for job in unanswered:
            if not stop():
                for problem in _round(iter([job]), transport, workers.alone(), tell, stop).values():
                    tell(Outcome.failed(job, _said(problem)))


def _round(
    waiting: Iterator[Job], transport: Transport, workers: Workers, tell: Tell, stop: ShouldStop
) -> dict[Job, Exception]:
    """Do jobs until none is left or a worker dies; return the unanswered ones with the reason."""
    running: dict[Future[Any], Job] = {}
    unanswered: dict[Job, Exception] = {}
    end = math.inf
    with workers.open() as (pool, room):
        while time.monotonic() < end:
            if stop():
                end = min(end, time.monotonic() + GRACE)
            for job in islice(waiting, 0 if stop() else room - len(running)):
                if future := _begun(job, pool, transport, tell):
                    running[future] = job
            if not running:
                break
            ended = wait(running, TICK, FIRST_COMPLETED).done
            for future in ended:
                _settle(running.pop(future), future, transport, tell, unanswered)
            if broken := [why for why in unanswered.values() if isinstance(why, BrokenExecutor)]:
                return {**unanswered, **dict.fromkeys(running.values(), broken[0])}
            if not ended:
                workers.check()
        if stop():
            workers.abandon()
    return unanswered


def _begun(job: Job, pool: Executor, transport: Transport, tell: Tell) -> Future[Any] | None:
    """Submit a job, or tell why it cannot be read; workers started by this ignore Ctrl-C and print nothing."""
    try:
        call = transport.arguments(job)
    except PoolcliError as problem:
        tell(Outcome.failed(job, problem))
        return None
    try:
        with deaf(), unheard():
            return pool.submit(*call)
    except BrokenExecutor as problem:
        broken: Future[Any] = Future()
        broken.set_exception(problem)
        return broken
    except (OSError, RuntimeError) as problem:
        raise LimitError(f"cannot start a worker: {problem}", Phrase("{jobs}, or raise the limits", jobs=1)) from None


def _settle(job: Job, future: Future[Any], transport: Transport, tell: Tell, unanswered: dict[Job, Exception]) -> None:
    """Tell the outcome of a job that has ended, or record that there is no answer.

    A task returns the problems of its file. Exceptions are about workers, and trying again may help: if a worker dies
    after its work, Dask first has the result and then loses it.
    """
    try:
        result = future.result()
    except Exception as problem:  # noqa: BLE001 -- Dask has many, and they concern only this job
        if isinstance(problem, CancelledError) or type(problem).__name__ == "KilledWorker":
            tell(Outcome.failed(job, _said(problem)))
        else:
            unanswered[job] = problem
        return
    try:
        outcome = transport.outcome(job, result)
    except PoolcliError as problem:
        outcome = Outcome.failed(job, problem)
    tell(outcome)


def _said(problem: BaseException) -> PoolcliError:
    """Return poolcli's error for an exception of an executor."""
    name = type(problem).__name__
    if isinstance(problem, BrokenExecutor):
        return PoolcliError("its worker process died", "it may have run out of memory; use fewer workers (-j)")
    if isinstance(problem, CancelledError):
        return PoolcliError("the scheduler went away before it was done", RESUME)
    if name == "KilledWorker":
        return PoolcliError("every worker that tried it died", "they may have run out of memory; see the workers' logs")
    return PoolcliError(f"its worker failed: {name}: {problem}", "is poolcli installed where the workers run?")


def make_folders(jobs: Iterable[Job], folder: str) -> None:
    """Make the folders of the results."""
    for place in sorted({folder, *(os.path.dirname(job.target) for job in jobs)}):
        try:
            Path(place).mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise file_error("make the folder", place, problem) from problem

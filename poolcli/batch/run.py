"""Jobs to workers and results to their places: no queue of our own, only how many tasks are handed out at once."""

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

TICK = 0.2  # seconds between two looks at whether to go on
GRACE = 2.0  # seconds that tasks have to end when the user wants to stop: one may hang in a read

UNSHARED = Phrase("the workers do not see this folder: add {send_bytes}, or share it")

Tell = Callable[[Outcome], None]
ShouldStop = Callable[[], bool]


class Transport(Protocol):
    """How a job gets to a worker and its result to its place."""

    def arguments(self, job: Job) -> tuple[Any, ...]:
        """Return a function and what it is to be called with, there."""
        ...

    def outcome(self, job: Job, result: Any) -> Outcome:
        """Turn what the function returned into what became of the job, here."""
        ...


@dataclass(frozen=True)
class ByPath:
    """The worker reads and writes the files itself."""

    work: Work
    absolute: bool = False  # whether paths have to be made absolute, because a worker may stand in another folder

    def arguments(self, job: Job) -> tuple[Any, ...]:
        """Send the paths."""
        there = Job(os.path.abspath(job.source), os.path.abspath(job.target)) if self.absolute else job
        return pool_path, there, self.work

    def outcome(self, job: Job, result: Outcome) -> Outcome:
        """Call the files what they were called here, and look whether what was done elsewhere can be seen here."""
        if self.absolute and result.status == DONE and _size(job.target) != result.bytes_out:
            raise FileError(f"{job.target} is not here, though a worker wrote it", UNSHARED)
        return replace(result, job=job)


def _size(path: str) -> int | None:
    """Return the size of a file, if it is there."""
    with suppress(OSError), open(path, "rb") as file:  # unlike `stat`, this asks the server of a network's folder again
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
        """Write what came back."""
        outcome, content, provenance = result
        if outcome.status == DONE:
            store(job, self.work, content, provenance)
        return outcome


def run_jobs(
    jobs: Iterable[Job], transport: Transport, workers: Workers, tell: Tell, stop: ShouldStop = lambda: False
) -> None:
    """Do every job once, and tell what became of each, in the order in which they end.

    Parameters
    ----------
    jobs : iterable of Job
        Taken as they are needed, not all at once.
    stop : function
        When it says true no more jobs are begun, and those that were begun are ended; for those that are not within
        `GRACE` seconds nobody waits, and nothing is told of them.

    Raises
    ------
    ClusterError
        If the workers cannot be reached any more; what was done until then has been told.
    LimitError
        If the system allows no more of them.
    """
    waiting = iter(jobs)
    while unanswered := _round(waiting, transport, workers, tell, stop):
        # a worker died, and nobody knows at which of these, or an answer got lost; one at a time it will show
        for job in unanswered:
            if not stop():
                for problem in _round(iter([job]), transport, workers.alone(), tell, stop).values():
                    tell(Outcome.failed(job, _said(problem)))


def _round(
    waiting: Iterator[Job], transport: Transport, workers: Workers, tell: Tell, stop: ShouldStop
) -> dict[Job, Exception]:
    """Do jobs until there are none, or until a worker dies; return those without an answer, and why."""
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
    """Hand out a job, or tell why it cannot be read; workers that this may start get no Ctrl-C and say nothing.

    Raises
    ------
    LimitError
        If no more processes, threads or open files are allowed.
    """
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
    """Tell what became of a job that has ended, or note that there is no answer.

    A task returns what went wrong with its file. What it raises is about workers, and may be over: when one dies after
    its work, Dask has the result in one moment and not in the next.
    """
    try:
        result = future.result()
    except Exception as problem:  # noqa: BLE001 -- Dask has many; they concern this job alone
        if isinstance(problem, CancelledError) or type(problem).__name__ == "KilledWorker":
            tell(Outcome.failed(job, _said(problem)))
        else:
            unanswered[job] = problem
    else:
        tell(_ended(job, result, transport))


def _ended(job: Job, result: Any, transport: Transport) -> Outcome:
    try:
        return transport.outcome(job, result)
    except PoolcliError as problem:
        return Outcome.failed(job, problem)


def _said(problem: BaseException) -> PoolcliError:
    """Say in poolcli's words what the executors say."""
    name = type(problem).__name__
    if isinstance(problem, BrokenExecutor):
        return PoolcliError("its worker process died", "it may have run out of memory; use fewer workers (-j)")
    if isinstance(problem, CancelledError):
        return PoolcliError("the scheduler went away before it was done", RESUME)
    if name == "KilledWorker":
        return PoolcliError("every worker that tried it died", "they may have run out of memory; see the workers' logs")
    return PoolcliError(f"its worker failed: {name}: {problem}", "is poolcli installed where the workers run?")


def make_folders(jobs: Iterable[Job], folder: str) -> None:
    """Make the folders of the results.

    Raises
    ------
    FileError
        If the system refuses.
    """
    for place in sorted({folder, *(os.path.dirname(job.target) for job in jobs)}):
        try:
            Path(place).mkdir(parents=True, exist_ok=True)
        except OSError as problem:
            raise file_error("make the folder", place, problem) from problem

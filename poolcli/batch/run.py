"""Jobs to workers and results to their places: no queue of our own, only how many tasks are handed out at once."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import CancelledError, Executor, Future
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any, Protocol

from poolcli.batch.executors import RESUME, Workers
from poolcli.batch.jobs import Job
from poolcli.batch.work import DONE, Outcome, Work, pool_bytes, pool_path
from poolcli.errors import FileError, PoolcliError
from poolcli.system.files import file_error, read_source, write_atomic

TICK = 0.2  # seconds between two looks at whether to go on
GRACE = 5.0  # seconds that tasks have to end when the user wants to stop: one may hang in a read

UNSHARED = "the workers do not see this folder: add --send-bytes, or share it"

Tell = Callable[[Outcome], None]
Stop = Callable[[], bool]


class Task(Protocol):
    """How a job gets to a worker and its result to its place."""

    def arguments(self, job: Job) -> tuple[Any, ...]:
        """Return a function and what it is to be called with, there."""
        ...

    def outcome(self, job: Job, result: Any) -> Outcome:
        """Turn what the function returned into what became of the job, here."""
        ...


@dataclass(frozen=True)
class ByPath:
    """The worker reads and writes the files itself.

    Attributes
    ----------
    work : Work
        What to do.
    absolute : bool
        Whether paths have to be made absolute, because a worker may stand in another folder.
    """

    work: Work
    absolute: bool = False

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

    def outcome(self, job: Job, result: tuple[Outcome, bytes]) -> Outcome:
        """Write what came back."""
        outcome, content = result
        if outcome.status == DONE:
            write_atomic(job.target, content)
        return outcome


def run(jobs: Iterable[Job], task: Task, workers: Workers, tell: Tell, stop: Stop = lambda: False) -> None:
    """Do every job once, and tell what became of each, in the order in which they end.

    Parameters
    ----------
    jobs : iterable of Job
        Taken as they are needed, not all at once.
    task : Task
        What to do with each.
    workers : Workers
        Who does it.
    tell : function of Outcome
        Called once for each job, in this thread.
    stop : function
        When it says true no more jobs are begun, and those that were begun are ended; for those that are not within
        `GRACE` seconds nobody waits, and nothing is told of them.

    Raises
    ------
    ClusterError
        If the workers cannot be reached any more; what was done until then has been told.
    """
    waiting = iter(jobs)
    while suspects := _until_broken(waiting, task, workers, tell, stop):
        # a worker died, and nobody knows at which of these; one at a time it will show
        for job in suspects:
            if not stop() and _until_broken(iter([job]), task, workers.alone(), tell, stop):
                problem = PoolcliError("its worker process died", "perhaps for want of memory; use fewer workers (-j)")
                tell(Outcome.failed(job, problem))


def _until_broken(waiting: Iterator[Job], task: Task, workers: Workers, tell: Tell, stop: Stop) -> list[Job]:
    """Do jobs until there are none, or until a worker dies; return the jobs that were in the works then."""
    running: dict[Future[Any], Job] = {}
    lost: dict[Job, bool] = {}  # whether it was handed out once more
    ended: SimpleQueue[Future[Any]] = SimpleQueue()
    end = math.inf
    with workers.open() as (pool, room):
        while time.monotonic() < end:
            if stop():
                end = min(end, time.monotonic() + GRACE)
            for job in islice(chain(_once_more(lost), waiting), 0 if stop() else room - len(running)):
                try:
                    future = _submitted(pool, task.arguments(job))
                except PoolcliError as problem:
                    tell(Outcome.failed(job, problem))
                else:
                    running[future] = job
                    future.add_done_callback(ended.put)
            if not running and (stop() or all(lost.values())):
                return []
            futures = _waited_for(ended)
            if [future for future in futures if _is_broken(future, running, task, tell, lost)]:
                return list(running.values())
            if not futures:
                workers.check()
        workers.abandon()
        return []


def _once_more(lost: dict[Job, bool]) -> Iterator[Job]:
    """Give the jobs whose results were lost, each once."""
    for job in [job for job, again in lost.items() if not again]:
        lost[job] = True
        yield job


def _waited_for(ended: SimpleQueue[Future[Any]]) -> list[Future[Any]]:
    """Return what has ended, after a moment if there is nothing yet."""
    with suppress(Empty):
        return [ended.get(timeout=TICK), *(ended.get() for _ in range(ended.qsize()))]
    return []


def _submitted(pool: Executor, call: tuple[Any, ...]) -> Future[Any]:
    try:
        return pool.submit(*call)
    except BrokenProcessPool as problem:
        broken: Future[Any] = Future()
        broken.set_exception(problem)
        return broken


def _is_broken(
    future: Future[Any], running: dict[Future[Any], Job], task: Task, tell: Tell, lost: dict[Job, bool]
) -> bool:
    """Tell what became of a job that has ended, and forget it, unless its worker died.

    A task returns what went wrong with its file. What it raises is about workers, and may be over: when one dies after
    its work, Dask has the result in one moment and not in the next. So the job is done again, once.
    """
    try:
        result = future.result()
    except BrokenProcessPool:
        return True
    except Exception as problem:  # noqa: BLE001 -- Dask has many; they concern this job alone
        job = running.pop(future)
        if job in lost or isinstance(problem, CancelledError) or type(problem).__name__ == "KilledWorker":
            tell(Outcome.failed(job, _lost(problem)))
        else:
            lost[job] = False
    else:
        tell(_ended(running.pop(future), result, task))
    return False


def _ended(job: Job, result: Any, task: Task) -> Outcome:
    try:
        return task.outcome(job, result)
    except PoolcliError as problem:
        return Outcome.failed(job, problem)


def _lost(problem: BaseException) -> PoolcliError:
    """Say in poolcli's words what Dask says."""
    name = type(problem).__name__
    if isinstance(problem, CancelledError):
        return PoolcliError("the scheduler went away before it was done", RESUME)
    if name == "KilledWorker":
        return PoolcliError("every worker that tried it died", "perhaps for want of memory; see the workers' logs")
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

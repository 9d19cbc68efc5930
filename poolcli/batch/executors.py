"""Workers: local processes or a Dask cluster, both through `concurrent.futures.Executor`."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import AbstractContextManager, contextmanager
from typing import TYPE_CHECKING

from poolcli.system.cluster import Client, ClusterError, connected
from poolcli.system.limits import processors
from poolcli.system.mute import unheard
from poolcli.system.portable import ENDING, may_fork
from poolcli.wording import Phrase

if TYPE_CHECKING:
    from multiprocessing.process import BaseProcess

WITHOUT_WORKERS = 60.0  # most seconds without any worker during a run
LAST_BREATH = 1.0  # seconds for a killed process to disappear
PER_PROCESS = 2  # tasks queued per process, so that none waits for the next
PER_THREAD = 8  # the same per thread of a cluster, where a task takes some 20 ms to arrive


class Workers:
    """Something that runs tasks."""

    share = 1  # threads per task, so that all tasks together use each processor once

    def reach(self) -> None:
        """Raise `ClusterError` if the workers cannot be reached; called before anything is touched."""

    def open(self) -> AbstractContextManager[tuple[Executor, int]]:
        """Give an executor and the number of tasks to queue."""
        raise NotImplementedError

    def abandon(self) -> None:
        """Stop waiting, both for running and for queued tasks."""

    def alone(self) -> Workers:
        """Return workers that run one task at a time, for tasks that may have killed their worker."""
        return self

    def check(self) -> None:
        """Raise `ClusterError` if further waiting is in vain; called about once a second."""


class Local(Workers):
    """Processes on this machine; a broken pool reports itself."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.share = max(processors() // number, 1)
        self.others: set[BaseProcess] = set()
        self.abandoned = False

    @contextmanager
    def open(self) -> Iterator[tuple[Executor, int]]:
        """Start the processes; at the end, or after one Ctrl-C, let each finish its task; after a second Ctrl-C do not.

        On Linux they are forked, with everything loaded, if no other thread runs, such as a progress bar's. Otherwise
        each starts as a fresh Python: a fork server needs a folder, which would remain if this process is killed.
        """
        from concurrent.futures import ProcessPoolExecutor
        from multiprocessing import active_children, get_context, resource_tracker

        forked = may_fork()
        if not forked:
            with unheard():  # the tracker reports each semaphore of a killed process that it removes
                resource_tracker.ensure_running()
        self.others = set(active_children())
        context = get_context("fork" if forked else "spawn")
        pool = ProcessPoolExecutor(self.number, mp_context=context, initializer=_start_worker)
        try:
            yield pool, PER_PROCESS * self.number
        except BaseException:
            self.abandon()
            raise
        finally:
            pool.shutdown(wait=not self.abandoned, cancel_futures=True)

    def abandon(self) -> None:
        """Kill the processes: nothing else ends one that hangs in a read."""
        from multiprocessing import active_children

        self.abandoned = True
        processes = set(active_children()) - self.others
        for process in processes:
            process.kill()
        for process in processes:
            process.join(LAST_BREATH)

    def alone(self) -> Local:
        """Return one process."""
        return Local(1)


def _start_worker() -> None:
    for number in ENDING:  # a fork has the handlers of its parent
        signal.signal(number, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # for systems where Ctrl-C reaches it
    threading.Thread(target=_leave_with_parent, daemon=True).start()


def _leave_with_parent() -> None:
    """End this process when its parent is gone: after SIGKILL the parent cannot do so."""
    from multiprocessing import parent_process
    from multiprocessing.connection import wait

    parent = parent_process()
    if parent is not None:
        wait([parent.sentinel])
        os._exit(1)


class Dask(Workers):
    """Workers of a Dask scheduler, such as tcp://host:8786, which finishes tasks and finds those that kill workers."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.client: Client = None
        self.seen = time.monotonic()

    def reach(self) -> None:
        """Connect once as a test; see `open`."""
        with connected(self.address):
            return

    @contextmanager
    def open(self) -> Iterator[tuple[Executor, int]]:
        """Connect; see `poolcli.system.cluster.connected`."""
        with connected(self.address) as self.client:
            self.seen = time.monotonic()
            threads = sum(self.client.ncores().values())
            # pure=True would name tasks by their arguments and reuse old answers for changed files
            yield self.client.get_executor(pure=False), PER_THREAD * max(threads, 1)

    def check(self) -> None:
        """Raise `ClusterError` if the scheduler is gone, or has had no worker for a minute."""
        client = self.client
        if client is None or client.status != "running":
            raise ClusterError(f"the Dask scheduler {self.address} went away", RESUME)
        if client.scheduler_info()["workers"]:
            self.seen = time.monotonic()
        elif time.monotonic() - self.seen > WITHOUT_WORKERS:
            raise ClusterError(
                f"the Dask scheduler {self.address} has had no worker for {WITHOUT_WORKERS:.0f} s", RESUME
            )


RESUME = Phrase("restart it, and repeat the command with {skip_existing}")

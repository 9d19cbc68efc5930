"""A real Dask scheduler and real worker processes on loopback, for tests and measurements."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

START = 60.0  # seconds to wait for a process


@dataclass
class Cluster:
    """A scheduler and its workers."""

    address: str
    folder: Path
    scheduler: subprocess.Popen[bytes]
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add_worker(self) -> subprocess.Popen[bytes]:
        """Start one more worker process with one thread, without the nanny that would start it again."""
        worker = _started(
            "dask_worker", self.folder, self.address, "--nthreads", "1", "--no-nanny", "--no-dashboard",
            "--memory-limit", "0", "--local-directory", str(self.folder), "--death-timeout", "60",
        )  # fmt: skip
        self.workers.append(worker)
        return worker


def _started(what: str, folder: Path, *arguments: str) -> subprocess.Popen[bytes]:
    with open(folder / f"{what}.log", "ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", f"distributed.cli.{what}", *arguments],
            stdout=log, stderr=log, stdin=subprocess.DEVNULL, cwd=folder,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )  # fmt: skip


@contextmanager
def cluster(folder: Path, workers: int) -> Iterator[Cluster]:
    """Start a scheduler with so many workers; end them all afterwards.

    Parameters
    ----------
    folder : Path
        For logs and what Dask keeps.
    workers : int
        How many.
    """
    found = folder / "scheduler.json"
    scheduler = _started(
        "dask_scheduler", folder, "--host", "127.0.0.1", "--port", "0", "--no-dashboard", "--scheduler-file", str(found)
    )
    made = None
    try:
        made = Cluster(_address(found, scheduler), folder, scheduler)
        for _ in range(workers):
            made.add_worker()
        yield made
    finally:
        end(*(made.workers if made else ()), scheduler)


def end(*processes: subprocess.Popen[bytes]) -> None:
    """Kill processes, and wait until they are gone."""
    for process in processes:
        process.kill()
        process.wait()


def _address(found: Path, scheduler: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + START
    while time.monotonic() < end and scheduler.poll() is None:
        if found.exists() and (text := found.read_text()):
            return str(json.loads(text)["address"])
        time.sleep(0.05)
    raise RuntimeError("no Dask scheduler came up")

"""The outcomes of a batch: counted, and for programs one line of JSON each."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from poolcli.batch.work import Outcome
from poolcli.system.files import descriptor_of, file_error, is_special
from poolcli.wording import Phrase

SOME_FAILED = 3
RECORD_START = b'{"input": '  # of each line of a report


@dataclass
class Tally:
    """The outcomes so far, and each note with its files."""

    total: int
    start: float = field(default_factory=time.perf_counter)
    count: dict[str, int] = field(default_factory=lambda: {"done": 0, "skipped": 0, "failed": 0})
    bytes_in: int = 0
    bytes_out: int = 0
    notes: dict[str | Phrase, list[str]] = field(default_factory=dict)

    def add(self, outcome: Outcome) -> None:
        """Count an outcome."""
        self.count[outcome.status] += 1
        self.bytes_in += outcome.bytes_in
        self.bytes_out += outcome.bytes_out
        for note in outcome.notes:
            self.notes.setdefault(note, []).append(outcome.job.source)

    @property
    def seconds(self) -> float:
        """Seconds since the start."""
        return time.perf_counter() - self.start

    @property
    def rate(self) -> float:
        """Files per second, without the skipped ones."""
        return (self.count["done"] + self.count["failed"]) / max(self.seconds, 1e-9)

    @property
    def code(self) -> int:
        """The exit code: 0 if nothing failed, 1 if everything did, else 3."""
        if not self.count["failed"]:
            return 0
        return 1 if self.count["failed"] == self.total else SOME_FAILED


def is_report(path: str) -> bool:
    """Whether a file may become a report: it is missing or empty, holds one, or has no content of its own."""
    if not os.path.isfile(path) or descriptor_of(path) is not None:
        return True
    try:
        with open(path, "rb") as file:
            start = file.read(len(RECORD_START))
    except OSError as problem:
        raise file_error("read", path, problem) from problem
    return start in (b"", RECORD_START)


class Report:
    """A file, emptied first, that gets a line when a job ends."""

    def __init__(self, path: str, worded: Callable[[str | Phrase], str] = str) -> None:
        self.path, self._worded = path, worded
        self._unwritten: list[bytes] = []
        self._size = 0
        number = descriptor_of(path)
        self._ours = number is None and not is_special(path)  # else others may be writing to it, too
        try:
            self.file = open(path if number is None else os.dup(number), "wb", buffering=0)  # noqa: SIM115 -- `close`
        except OSError as problem:
            raise file_error("write", path, problem) from problem

    def add(self, outcome: Outcome) -> None:
        """Write a complete line; if the disk is full, keep it for later."""
        self._unwritten.append(json.dumps(outcome.record(self._worded)).encode() + b"\n")
        self._write()

    def _write(self) -> OSError | None:
        """Write the waiting lines; return the problem if not all could be written."""
        while self._unwritten:
            try:
                rest = self._unwritten[0]
                while rest:
                    rest = rest[self.file.write(rest) :]
            except OSError as problem:
                if self._ours:
                    self.file.truncate(self._size)  # remove a partial line
                    self.file.seek(self._size)
                return problem
            self._size += len(self._unwritten.pop(0))
        return None

    def close(self) -> None:
        """Write the remaining lines; raise if the disk is still full or the reader of a pipe has gone away."""
        with self.file:
            problem = self._write()
        if isinstance(problem, BrokenPipeError):
            raise problem
        if problem:
            raise file_error("write", self.path, problem) from problem

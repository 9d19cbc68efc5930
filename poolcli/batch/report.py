"""The outcome of every job for programs, one line of JSON each."""

from __future__ import annotations

import json
import os
from collections.abc import Callable

from poolcli.batch.work import Outcome
from poolcli.system.files import descriptor_of, file_error, is_special
from poolcli.wording import Phrase


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

"""What became of every job, for programs: one line of JSON each."""

from __future__ import annotations

import json
import os
from contextlib import suppress

from poolcli.batch.work import Outcome
from poolcli.errors import FileError


class Report:
    """One line of JSON for each job, written as the jobs end.

    Parameters
    ----------
    path : str
        The file; what it holds is replaced.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self.unwritten: list[str] = []
        try:
            self.file = open(path, "w", encoding="ascii")  # noqa: SIM115 -- closed by `close`
        except OSError as problem:
            raise FileError(f"cannot write {path}: {problem.strerror}", "choose another file for --report") from problem

    def add(self, outcome: Outcome) -> None:
        """Write a line; where the disk is full, keep it for later."""
        self.unwritten.append(json.dumps(outcome.record()) + "\n")
        with suppress(FileError):
            self._write()

    def _write(self) -> None:
        try:
            while self.unwritten:
                place = self.file.tell()
                self.file.write(self.unwritten[0])
                self.file.flush()
                del self.unwritten[0]
        except OSError as problem:
            with suppress(OSError):  # no half line stays
                os.truncate(self.path, place)
            self._reopen(place)
            raise FileError(f"cannot write {self.path}: {problem.strerror}", "make room on the disk") from problem

    def _reopen(self, place: int) -> None:
        """Start anew at the end of the last whole line: the old buffer still holds what could not be written."""
        with suppress(OSError):
            self.file.close()
        self.file = open(self.path, "r+", encoding="ascii")  # noqa: SIM115 -- closed by `close`
        self.file.seek(place)

    def close(self) -> None:
        """Write what is left.

        Raises
        ------
        FileError
            If the disk is full still.
        """
        self._write()
        self.file.close()

"""A file beside the results that records what made those that cannot say so themselves, one line of JSON each.

A line is written before its result gets its name, so that even after a kill no result lacks a record. It holds the name
of the result, and the size and time of its file; a line that matches no file belongs to a result that never appeared or
is gone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from poolcli.steps.provenance import Provenance
from poolcli.system.files import file_error
from poolcli.system.portable import lock

JOURNAL = ".poolcli-batch.jsonl"

Written = tuple[str, int, int]  # the name below the folder of results, the size in bytes, the time in nanoseconds


@dataclass(frozen=True)
class Journal:
    """The journal of a folder of results."""

    folder: str

    @property
    def path(self) -> str:
        """The file."""
        return os.path.join(self.folder, JOURNAL)

    def note(self, target: str, provenance: Provenance, found: os.stat_result) -> None:
        """Record what made the file that is about to become `target`; if that raises, the result must not appear."""
        name, *state = self._state(target, found)
        line = {"output": name, "state": state, "made": provenance.json()}
        rest = f"\n{json.dumps(line)}\n".encode("ascii")  # the first newline ends a line that was cut off
        try:
            with open(self.path, "ab", buffering=0) as file:
                with suppress(OSError):  # network file systems need the lock, others may have none
                    lock(file.fileno(), wait=True)
                while rest:
                    rest = rest[file.write(rest) :]
        except OSError as problem:
            raise file_error("write", self.path, problem) from problem

    def made(self, target: str, notes: Mapping[Written, Any]) -> Provenance | None:
        """Return what made a result, if that is recorded and the result has not changed since."""
        return Provenance.from_json(notes.get(self._state(target, os.stat(target))))

    def notes(self) -> dict[Written, Any]:
        """Return the records of all results."""
        try:
            return dict(self._lines())
        except OSError as problem:
            raise file_error("read", self.path, problem) from problem

    def _lines(self) -> Iterator[tuple[Written, Any]]:
        with (
            suppress(FileNotFoundError, NotADirectoryError),
            open(self.path, encoding="ascii", errors="replace") as lines,
        ):
            for text in lines:
                with suppress(ValueError, RecursionError):  # cut off, or not ours
                    match json.loads(text):
                        case {"output": str(name), "state": [int(size), int(time)], "made": made}:
                            yield (name, size, time), made

    def _state(self, target: str, found: os.stat_result) -> Written:
        return os.path.relpath(target, self.folder), found.st_size, found.st_mtime_ns

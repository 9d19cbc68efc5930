"""Counting the outcomes of a batch, and its exit code."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poolcli.batch.work import Outcome
    from poolcli.wording import Phrase


SOME_FAILED = 3


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

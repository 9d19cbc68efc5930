"""One file of a batch: from its bytes to those of its result, here or on a worker."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from poolcli.batch.jobs import Job
from poolcli.batch.journal import Journal
from poolcli.errors import PoolcliError
from poolcli.featuremap import FeatureMap
from poolcli.formats import decode, encode
from poolcli.formats.light import to_levels
from poolcli.formats.options import GRAYED, ReadOptions, WriteOptions
from poolcli.formats.registry import find_format, format_of_target
from poolcli.steps import shapes
from poolcli.steps.provenance import Provenance, stamped, unusual
from poolcli.steps.steps import Step, apply, with_threads
from poolcli.system.files import put, read_source
from poolcli.system.limits import refused
from poolcli.wording import Phrase

DONE, SKIPPED, FAILED, PASSED_OVER = "done", "skipped", "failed", "passed over"
BUG = "this should not happen: please report it"


@dataclass(frozen=True)
class Work:
    """What to do with every file."""

    steps: Sequence[Step]
    reading: ReadOptions
    writing: WriteOptions  # without a format, the name of the result decides
    prepare: Callable[[FeatureMap], FeatureMap] | None = None  # called before the steps; workers import it by name
    threads: int | None = None  # per task; the worker decides if missing
    journal: Journal | None = None  # for the results that cannot record what made them

    def format_of(self, target: str) -> str:
        """Return the format of a result."""
        return format_of_target(target, self.writing.format).name


@dataclass(frozen=True)
class Outcome:
    """The outcome of one job."""

    job: Job
    status: str  # done, skipped, failed, or passed over if it never was a job
    # reading, pooling and writing: wall clock and processor time
    seconds: float = 0.0
    cpu: float = 0.0
    bytes_in: int = 0
    bytes_out: int = 0
    shape: tuple[int, ...] = ()  # of the result, in the layout's order
    # what went wrong, and what to try
    message: str | Phrase = ""
    hint: str | Phrase = ""
    notes: tuple[str | Phrase, ...] = ()  # what was left out of the file, and what numbers lost

    @classmethod
    def passed_over(cls, path: str, why: PoolcliError) -> Outcome:
        """Return the outcome of something in a folder that was not read."""
        return cls(Job(path, ""), PASSED_OVER, message=why.text, hint=why.advice)

    @classmethod
    def failed(cls, job: Job, problem: BaseException) -> Outcome:
        """Return the outcome of a job that raised."""
        problem = refused(problem) if isinstance(problem, MemoryError) else problem
        if isinstance(problem, PoolcliError):
            return cls(job, FAILED, message=problem.text, hint=problem.advice)
        return cls(job, FAILED, message=f"{type(problem).__name__}: {problem}", hint=BUG)

    def record(self, worded: Callable[[str | Phrase], str] = str) -> dict[str, Any]:
        """Return the line of the report, its options spelled by `worded`."""
        facts = {
            "input": self.job.source, "output": self.job.target, "status": self.status,
            "seconds": round(self.seconds, 6), "cpu": round(self.cpu, 6), "bytes_in": self.bytes_in,
            "bytes_out": self.bytes_out, "shape": list(self.shape),
            "reason" if self.status == PASSED_OVER else "error": worded(self.message), "hint": worded(self.hint),
            "notes": list(map(worded, self.notes)),
        }  # fmt: skip
        return {key: value for key, value in facts.items() if value or key in ("input", "output", "status")}


Result = tuple[Outcome, bytes, Provenance | None]  # the provenance if the bytes do not contain it


def pool_path(job: Job, work: Work) -> Outcome:
    """Make one file from another; never raises."""
    clock = _Clock()
    try:
        outcome, content, provenance = _result(job, work, read_source(job.source).data)
        store(job, work, content, provenance)
    except Exception as problem:  # noqa: BLE001 -- a bad file does not stop the others
        outcome = Outcome.failed(job, problem)
    return clock.stop(outcome)


def pool_bytes(job: Job, work: Work, data: bytes) -> Result:
    """Make the bytes of one file from those of another; never raises."""
    clock = _Clock()
    try:
        outcome, content, provenance = _result(job, work, data)
    except Exception as problem:  # noqa: BLE001 -- as above
        outcome, content, provenance = Outcome.failed(job, problem), b"", None
    return clock.stop(outcome), content, provenance


def store(job: Job, work: Work, content: bytes, provenance: Provenance | None) -> None:
    """Write a result; before it gets its name, record what made it if its bytes do not."""
    note = partial(work.journal.note, job.target, provenance) if work.journal and provenance else None
    put(job.target, content, note=note)


class _Clock:
    def __init__(self) -> None:
        self.start = time.perf_counter(), time.process_time()

    def stop(self, outcome: Outcome) -> Outcome:
        """Return the outcome with the time since the start."""
        return replace(outcome, seconds=time.perf_counter() - self.start[0], cpu=time.process_time() - self.start[1])


def _result(job: Job, work: Work, data: bytes) -> Result:
    """Return the result for the bytes of a file, the same as from the commands for one file."""
    before = decode(data, job.source, work.reading)
    before = work.prepare(before) if work.prepare else before
    shapes.validate(work.steps, before.shape, before.layout)
    after = to_levels(apply(before, with_threads(work.steps, work.threads)))
    chosen = stamped(after, work.reading, work.writing._replace(format=work.format_of(job.target)))
    content = b"".join(encode(after, chosen))
    usual = not (unusual(work.reading) or unusual(work.writing))
    told = chosen.format == "png" or (chosen.format == "json" and usual)  # the result records what made it
    gray = [Phrase("colours became gray; {channels} keeps them", channels="rgb")] * (GRAYED in before.notes)
    lost = find_format(str(chosen.format), writing=True).account(after, chosen).losses
    outcome = Outcome(
        job, DONE, bytes_in=len(data), bytes_out=len(content), shape=after.shape, notes=(*before.warnings, *gray, *lost)
    )
    return outcome, content, None if told else Provenance.of(after, work.reading, work.writing)

"""Finding the results that are up to date.

JSON records what made it in ``steps``, PNG in a text (`poolcli.steps.provenance`). For other formats, and for JSON read
with unusual options, the journal does (`poolcli.batch.journal`). A result is fresh if the same steps and options made
it, and its source has not changed since: if both mtime and ctime of the source are earlier than the result's mtime.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from poolcli.batch.jobs import Job
from poolcli.batch.journal import Written
from poolcli.batch.work import SKIPPED, Outcome, Work
from poolcli.errors import FileError, PoolcliError
from poolcli.formats import read
from poolcli.formats.png_chunks import own_text
from poolcli.steps.provenance import Provenance
from poolcli.steps.steps import without_shapes
from poolcli.system.files import file_error
from poolcli.wording import Phrase


def made_by(target: str, work: Work, notes: Mapping[Written, Any]) -> Provenance | None:
    """Return what made a result, from the journal or from the result itself."""
    kind = work.format_of(target)
    noted = work.journal.made(target, notes) if work.journal else None
    return noted or (_READERS[kind](target) if kind in _READERS else None)


def _from_png(path: str) -> Provenance | None:
    with open(path, "rb") as file:
        text = own_text(file)
    return Provenance.from_text(text or "null")


def _from_json(path: str) -> Provenance | None:
    try:
        found = read(path, input_format="json")
    except PoolcliError:  # not what poolcli wrote
        return None
    return Provenance(without_shapes(found.steps), found.ndim) if found.steps else None


_READERS: Mapping[str, Callable[[str], Provenance | None]] = {"png": _from_png, "json": _from_json}


def unchanged(source: str, target: str) -> bool:
    """Whether a source has not changed since a result was written."""
    found = os.stat(source)
    return max(found.st_mtime_ns, found.st_ctime_ns) < os.stat(target).st_mtime_ns


def fresh(job: Job, work: Work, notes: Mapping[Written, Any]) -> bool:
    """Whether a result is what the job would make; raise if poolcli did not make the file."""
    if not os.path.lexists(job.target):
        return False
    try:
        made = made_by(job.target, work, notes)
        if made is not None:
            return unchanged(job.source, job.target) and made.same(work.steps, work.reading, work.writing)
    except FileNotFoundError:  # no source: reading it will report that
        return False
    except OSError as problem:
        raise file_error("read", job.target, problem) from problem
    raise FileError(
        f"{job.target} already exists, and poolcli may not have made it",
        Phrase("add {overwrite} to replace it, or choose another folder"),
    )


def remaining(
    jobs: Iterable[Job],
    work: Work,
    *,
    overwrite: bool,
    tell: Callable[[Outcome], None],
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Job]:
    """Yield the jobs that still have to be done, until `stop` says so; `tell` gets the outcome of the others.

    With `overwrite`, results that poolcli did not make are replaced.
    """
    notes = work.journal.notes() if work.journal else {}
    for job in jobs:
        if stop():
            return
        try:
            if not fresh(job, work, notes):
                yield job
                continue
        except PoolcliError as problem:
            if overwrite:
                yield job
            else:
                tell(Outcome.failed(job, problem))
            continue
        tell(Outcome(job, SKIPPED))

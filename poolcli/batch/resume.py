"""What is done already, and need not be done again.

What made a result is found again in it (`poolcli.steps.provenance`): in the ``steps`` of JSON and in the text of a PNG.
For every other format, and for JSON that was read with unusual options, it is noted in ``.poolcli-batch.jsonl`` in the
folder of results. A result is fresh if the same steps and options made it, and if nothing has been done to its source
since: if the times of the last change of content and of name (mtime, ctime) are before that at which the result was
written.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from typing import Any

from poolcli.batch.jobs import Job
from poolcli.batch.work import SKIPPED, Outcome, Work
from poolcli.errors import FileError, PoolcliError
from poolcli.formats import read
from poolcli.formats.png_chunks import own_text
from poolcli.steps.provenance import Provenance
from poolcli.steps.steps import without_shapes
from poolcli.system.files import file_error
from poolcli.wording import Phrase

JOURNAL = ".poolcli-batch.jsonl"


class Journal:
    """What made the results that cannot say so themselves: one line of JSON each, in a file beside them.

    Parameters
    ----------
    folder : str
        The folder of results.
    """

    def __init__(self, folder: str) -> None:
        self.folder = folder
        self.path = os.path.join(folder, JOURNAL)
        self._known: dict[str, Mapping[str, Any]] | None = None

    def add(self, outcome: Outcome) -> None:
        """Note what made a result."""
        if not outcome.made:
            return
        target = outcome.job.target
        with suppress(OSError):  # on a full disk: what is not noted is made again, and that is all
            line = {"output": self._name(target), "state": _state(target), "made": outcome.made}
            with open(self.path, "a", encoding="ascii") as file:
                file.write(json.dumps(line) + "\n")

    def made(self, target: str) -> Provenance | None:
        """Return what made a result, if it is noted and the result is still what it was then."""
        if self._known is None:
            self._known = {line["output"]: line for line in self._lines()}
        line = self._known.get(self._name(target))
        return Provenance.from_json(line.get("made")) if line and line.get("state") == _state(target) else None

    def _lines(self) -> Iterator[dict[str, Any]]:
        with suppress(FileNotFoundError), open(self.path, encoding="ascii", errors="replace") as lines:
            for text in lines:
                with suppress(ValueError):  # a line that was cut off when the disk was full or the power went
                    line = json.loads(text)
                    if isinstance(line, dict) and isinstance(line.get("output"), str):
                        yield line

    def _name(self, target: str) -> str:
        return os.path.relpath(target, self.folder)


def _state(path: str) -> list[int]:
    found = os.stat(path)
    return [found.st_size, found.st_mtime_ns]


def made_by(target: str, work: Work, journal: Journal) -> Provenance | None:
    """Return what made a result, from the journal or from the result itself."""
    kind = work.format_of(target)
    return journal.made(target) or (_READERS[kind](target) if kind in _READERS else None)


def _from_png(path: str) -> Provenance | None:
    with open(path, "rb") as file:
        text = own_text(file)
    with suppress(ValueError):
        return Provenance.from_json(json.loads(text or "null"))
    return None


def _from_json(path: str) -> Provenance | None:
    try:
        found = read(path, input_format="json")
    except PoolcliError:  # not what poolcli wrote
        return None
    return Provenance(without_shapes(found.steps), found.ndim) if found.steps else None


_READERS: Mapping[str, Callable[[str], Provenance | None]] = {"png": _from_png, "json": _from_json}


def unchanged(source: str, target: str) -> bool:
    """Whether nothing has been done to a source since a result was written."""
    found = os.stat(source)
    return max(found.st_mtime_ns, found.st_ctime_ns) < os.stat(target).st_mtime_ns


def fresh(job: Job, work: Work, journal: Journal) -> bool:
    """Whether a result is what the job would make.

    Raises
    ------
    PoolcliError
        If poolcli did not make the file of that name, so that it must not be replaced unasked.
    """
    if not os.path.lexists(job.target):
        return False
    try:
        made = made_by(job.target, work, journal)
        if made is not None:
            return unchanged(job.source, job.target) and made.same(work.steps, work.reading, work.writing)
    except FileNotFoundError:  # no source: that will be told when it is to be read
        return False
    except OSError as problem:
        raise file_error("read", job.target, problem) from problem
    raise FileError(
        f"{job.target} is there already, and nothing says that poolcli made it",
        Phrase("add {overwrite} to replace it, or choose another folder"),
    )


def remaining(
    jobs: Iterable[Job],
    work: Work,
    journal: Journal,
    *,
    overwrite: bool,
    tell: Callable[[Outcome], None],
    stop: Callable[[], bool] = lambda: False,
) -> Iterator[Job]:
    """Give the jobs that are not done yet; tell of the others.

    Parameters
    ----------
    jobs : iterable of Job
        All of them.
    work : Work
        What is to be done.
    journal : Journal
        Of the folder of results.
    overwrite : bool
        Whether a result that poolcli did not make may be replaced.
    tell : function of Outcome
        Called for each job that is done, or must not be done.
    stop : function
        When it says true no more are looked at.
    """
    for job in jobs:
        if stop():
            return
        try:
            if not fresh(job, work, journal):
                yield job
                continue
        except PoolcliError as problem:
            if overwrite:
                yield job
            else:
                tell(Outcome.failed(job, problem))
            continue
        tell(Outcome(job, SKIPPED))

"""Progress bars, and the summary and errors of a batch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any

from poolcli.cli.console import unicode_ok, watched
from poolcli.cli.output import Output, bar, say_above
from poolcli.cli.words import spoken

if TYPE_CHECKING:
    from poolcli.batch.report import Tally
    from poolcli.batch.work import Outcome

MOST_ERRORS = 20  # printed; the report has all
PATIENCE = 0.5  # seconds before rounds get a bar


def summary(tally: Tally) -> Any:
    """Return the table for the end of a batch."""
    from poolcli.render.terminal.rows import listing

    facts = {
        "files": str(tally.total), **{status: str(count) for status, count in tally.count.items()},
        "seconds": f"{tally.seconds:.1f}", "files/s": f"{tally.rate:.1f}",
        "MB in": f"{tally.bytes_in / 1e6:.1f}", "MB out": f"{tally.bytes_out / 1e6:.1f}",
    }  # fmt: skip
    return listing([facts], ascii_only=not unicode_ok())


@contextmanager
def values(total: int, *, quiet: bool) -> Iterator[Callable[[int], object]]:
    """Show a bar for the values of a large array on a terminal; call the given function with each number written."""
    if quiet or not watched():
        yield lambda _: None
        return
    from rich.progress import BarColumn, TaskProgressColumn, TimeRemainingColumn

    with bar(BarColumn(), TaskProgressColumn(), TimeRemainingColumn()) as live:
        live.start()
        task = live.add_task("", total=total)
        yield lambda more: live.update(task, advance=more)


@contextmanager
def rounds(label: str, *, quiet: bool) -> Iterator[Callable[[int, int], None]]:
    """Show a bar for long work on a terminal; call the given function with the rounds done and their total."""
    if quiet or not watched():
        yield lambda *_: None
        return
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[rate]:.3g}/s"),
        TimeRemainingColumn(),
    )  # fmt: skip
    started, task = time.monotonic(), None
    with bar(*columns) as live:

        def tell(done: int, total: int) -> None:
            nonlocal task
            seconds = time.monotonic() - started
            if task is None and seconds > PATIENCE:
                live.start()
                task = live.add_task(label, total=total, rate=0.0)
            if task is not None:
                live.update(task, completed=done, total=total, rate=done / seconds)

        yield tell


def _complain(outcome: Outcome, failed: int, line: Callable[[str], None]) -> None:
    """Print a failure if it is one of the first; `failed` counts them."""
    if outcome.status != "failed" or failed > MOST_ERRORS:
        return
    message = spoken(outcome.message)
    place = "" if outcome.job.source in message else f"{outcome.job.source}: "
    line(f"error: {place}{message}")
    if outcome.hint:
        line(f"hint: {spoken(outcome.hint)}")
    if failed == MOST_ERRORS:
        line("note: further errors are only counted; --report FILE lists them all")


@contextmanager
def progress(tally: Tally, *, quiet: bool) -> Iterator[Callable[[Outcome], None]]:
    """Print the first errors, and show a bar for files on a terminal; call the given function with each outcome."""
    if quiet or not watched():
        yield lambda outcome: _complain(outcome, tally.count["failed"], Output().say)
        return
    from rich.progress import BarColumn, TextColumn, TimeRemainingColumn

    columns = (
        BarColumn(), TextColumn("{task.completed}/{task.total}"), TextColumn("{task.fields[rate]:.1f} files/s"),
        TimeRemainingColumn(), TextColumn("{task.fields[failed]} failed"),
    )  # fmt: skip
    with bar(*columns, guard=nullcontext) as live:  # a batch handles signals itself
        live.start()
        task = live.add_task("", total=tally.total, rate=0.0, failed=0)

        def advance(outcome: Outcome) -> None:
            _complain(outcome, tally.count["failed"], lambda line: say_above(live, line))
            live.update(task, advance=1, rate=tally.rate, failed=tally.count["failed"])

        yield advance

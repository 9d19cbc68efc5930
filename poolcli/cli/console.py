"""Standard output and standard error: what may be said where, in what colour, and what must never reach a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from io import StringIO
from typing import IO, TYPE_CHECKING

from poolcli.wording import printable

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from poolcli.errors import PoolcliError


def wants_color(choice: str, stream: IO[str] | None) -> bool:
    """Decide on colour: the option, then ``NO_COLOR``, then ``FORCE_COLOR``, then whether it is a terminal."""
    if stream is None:
        return False
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Write one line to standard error, if there is one; what cannot be told is no reason to stop."""
    _tell(printable(text))


def _tell(line: str) -> None:
    if sys.stderr is None:
        return
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except OSError:  # full, or nobody reads it any more
        sys.stderr = None  # else Python tries again at its end, and says so with exit code 120


def color_choice(arguments: Sequence[str]) -> str:
    """Return what ``--color`` says on a command line that may not have been understood yet."""
    choice = os.environ.get("POOLCLI_COLOR", "auto")
    for index, word in enumerate(arguments):
        if word == "--color" and index + 1 < len(arguments):
            choice = arguments[index + 1]
        elif word.startswith("--color="):
            choice = word.removeprefix("--color=")
    return choice


def complain(problem: PoolcliError, color: str = "auto") -> int:
    """Tell the user what went wrong and return the exit code."""
    if os.environ.get("POOLCLI_DEBUG"):
        import traceback

        traceback.print_exception(problem)
    from poolcli.cli.words import spoken, told

    lines = [f"error: {told(problem.text)}"] + ([f"hint: {spoken(problem.advice)}"] if problem.advice else [])
    for line in lines:
        head, _, rest = line.partition(": ")
        paint = sys.stderr is not None and wants_color(color, sys.stderr) and head == "error"
        label = f"\x1b[1;31m{head}\x1b[0m" if paint else head
        _tell(f"{label}: {printable(rest)}")
    return problem.exit_code


def gone() -> int:
    """Leave quietly because the reader of the output went away."""
    void = os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, 1)
    os.close(void)
    return 141


def unicode_ok() -> bool:
    """Whether standard output can carry box-drawing characters."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "┌⋯⋮".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def width_of_output() -> int | None:
    """Return the columns that output has to fit: the terminal's, or ``COLUMNS``; None where there is no limit."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return int(columns)
    if sys.stdout is not None and sys.stdout.isatty():
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    return None


def console(color: str = "auto", *, width: int | None = None, file: IO[str] | None = None) -> Console:
    """Return a Rich console that adds nothing of its own: no markup, no emoji, no guesses about colour."""
    from rich.console import Console

    paint = wants_color(color, sys.stdout)
    return Console(
        file=file, width=width, force_terminal=paint, no_color=not paint, color_system="auto" if paint else None,
        markup=False, emoji=False, highlight=False, legacy_windows=False,
    )  # fmt: skip


def rendered(renderable: RenderableType, *, color: str = "auto", width: int | None = None) -> str:
    """Return what `show` would print, lines not padded with blanks."""
    from rich.measure import Measurement

    screen = console(color, width=width or 100_000, file=StringIO())
    if width is None:
        screen.width = max(Measurement.get(screen, screen.options, renderable).maximum, 1)
    with screen.capture() as capture:
        screen.print(renderable, soft_wrap=False, crop=False)
    return "".join(line.rstrip(" ") + "\n" for line in capture.get().splitlines())


def encoded(text: str) -> bytes:
    """Return text as standard output takes it; what that cannot say becomes a question mark."""
    return text.encode(getattr(sys.stdout, "encoding", None) or "utf-8", "replace")


def show(renderable: RenderableType, *, color: str = "auto", width: int | None = None) -> None:
    """Print a renderable to standard output."""
    from poolcli.system.files import write_stdout

    write_stdout(encoded(rendered(renderable, color=color, width=width)))

"""The output of a command: results on standard output or in a file, messages on standard error."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO, TYPE_CHECKING, Any, cast

from poolcli.cli.console import rendered, screen, unicode_ok, wants_color, width_of_output
from poolcli.cli.signals import ending
from poolcli.cli.words import spoken, told
from poolcli.system import files
from poolcli.system.mute import forget_closed_terminal
from poolcli.wording import Phrase, harmless, printable, safe

if TYPE_CHECKING:
    from rich.console import RenderableType

    from poolcli.errors import PoolcliError
    from poolcli.render.terminal.heatmap import Colors

MOST_SAID = 2000  # characters of a message, which may quote a file
RED_ERROR = "\x1b[1;31merror\x1b[0m"
CURSOR = b"\x1b[?25h\r\x1b[K"  # shows the cursor again, on an empty line


class Output:
    """The only writer of a command, so that nothing harmful reaches a terminal."""

    def __init__(self, color: str = "auto", *, quiet: bool = False, verbose: bool = False) -> None:
        self.color, self.quiet, self.verbose = color, quiet, verbose

    # --- results: to standard output, or to a file

    def put(self, content: bytes | Iterable[bytes], target: str = "-") -> None:
        """Write bytes as they are."""
        files.put(target, content, ending)

    def lines(self, lines: Iterable[str]) -> None:
        """Write lines to standard output, made harmless."""
        self.text("".join(f"{printable(line)}\n" for line in lines))

    def text(self, text: str) -> None:
        """Write text to standard output, made harmless; unencodable characters become question marks."""
        self.put(harmless(text).encode(getattr(sys.stdout, "encoding", None) or "utf-8", "replace"))

    def json(self, value: Any, target: str = "-") -> None:
        """Write a value as one line of JSON."""
        from poolcli.formats.json_map import dump

        self.put(dump(value) + b"\n", target)

    def table(self, drawn: RenderableType, target: str = "-", width: int | None = None) -> None:
        """Write a table to standard output, or as plain UTF-8 to a file."""
        if target == "-":
            paint = wants_color(self.color, sys.stdout)
            self.text(rendered(drawn, system="auto" if paint else None, width=width))
        else:
            self.put(rendered(drawn, width=width).encode(), target)

    def pictures(self, *drawings: RenderableType, colors: Colors, width: int) -> None:
        """Draw on standard output in these colours."""
        self.text(rendered(*drawings, system=None if colors == "none" else colors, width=width))

    def rows(
        self, rows: Sequence[Mapping[str, Any]], *, json: bool, drawn: Sequence[Mapping[str, Any]] | None = None,
        lines: bool = False,
    ) -> None:  # fmt: skip
        """Write a list to standard output, as JSON or as a table of its rows or of those `drawn` instead."""
        if json:
            from json import dumps

            # what is not UTF-8 in a name or a variable is an escape of JSON, too
            text = dumps(rows, indent=2, ensure_ascii=False)
            self.put(text.encode("utf-8", "backslashreplace") + b"\n")
            return
        from poolcli.render.terminal.rows import listing

        self.table(listing(drawn or rows, ascii_only=not unicode_ok(), lines=lines), width=width_of_output())

    # --- messages: to standard error

    def say(self, text: str | Phrase) -> None:
        """Print one line, even if quiet."""
        tell(_line(told(text)))

    def note(self, text: str | Phrase) -> None:
        """Print a note, unless quiet."""
        if not self.quiet:
            self.say("note: " + text)

    def guessed(self, name: str, notes: Iterable[str | Phrase]) -> None:
        """Print the guesses about a file, if verbose."""
        if self.verbose:
            for note in notes:
                self.say(f"{name}: " + note)

    def wrote(self, target: str, what: str) -> None:
        """Print what a file contains now, unless quiet; results on standard output speak for themselves."""
        if target != "-" and not self.quiet:
            self.say(f"wrote {target} ({what})")

    def complain(self, problem: PoolcliError) -> int:
        """Print an error and its hint, and return the exit code."""
        if os.environ.get("POOLCLI_DEBUG"):
            from traceback import format_exception

            tell("".join(format_exception(problem)).removesuffix("\n"))
        paint = wants_color(self.color, sys.stderr)
        tell(f"{RED_ERROR if paint else 'error'}: {_line(told(problem.text))}")
        tell(f"hint: {_line(spoken(problem.advice))}")
        return problem.exit_code


def _line(text: str) -> str:
    """Return a message as one harmless line of limited length."""
    return safe(text, MOST_SAID)


def tell(text: str) -> None:
    """Write lines to standard error, made harmless; go on without it if that fails."""
    stream: IO[str] | None = sys.stderr
    if stream is None:
        return
    try:
        stream.write(f"{harmless(text)}\n")
        stream.flush()
    except OSError:  # full, or the reader went away
        sys.stderr = None  # else Python tries again at exit, and fails with code 120


class _Unfailing:
    """Standard error for a bar: when its terminal hangs up, the work goes on without it, unless SIGHUP ends it."""

    def __init__(self, stream: Any) -> None:
        self.stream = stream

    def __getattr__(self, name: str) -> Any:
        """Return the stream's own, such as its encoding."""
        return getattr(self.stream, name)

    def write(self, text: str) -> None:
        """Write text, if that is possible."""
        with _if_heard():
            self.stream.write(text)

    def flush(self) -> None:
        """Write what is buffered, if that is possible."""
        with _if_heard():
            self.stream.flush()


@contextmanager
def _if_heard() -> Iterator[None]:
    try:
        yield
    except OSError:
        forget_closed_terminal()


@contextmanager
def bar(*columns: Any, guard: files.Guard = ending) -> Iterator[Any]:
    """Open Rich's progress display on standard error; the cursor comes back however the command ends."""
    from rich.progress import Progress

    paint = wants_color("auto", sys.stderr)
    console = screen(cast("IO[str]", _Unfailing(sys.stderr)), "auto" if paint else None, terminal=True)
    live = Progress(*columns, console=console, transient=True)
    with guard(lambda: os.write(2, CURSOR)):
        try:
            yield live
        finally:
            live.stop()


def say_above(live: Any, line: str) -> None:
    """Print a line above Rich's progress display, made harmless."""
    from rich.text import Text

    live.console.print(Text(printable(line)), soft_wrap=True)


def gone() -> int:
    """Return the exit code for a reader that went away, and discard the rest of the output."""
    void = os.open(os.devnull, os.O_WRONLY)
    os.dup2(void, 1)
    os.close(void)
    return 141

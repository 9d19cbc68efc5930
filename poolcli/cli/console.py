"""What the terminal can show (colours, characters, columns), and Rich consoles set up for it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from io import StringIO
from typing import IO, TYPE_CHECKING, Literal

from poolcli.wording import printable

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment

    from poolcli.render.terminal.heatmap import Colors

    System = Literal["auto", "256", "truecolor"]

TRUECOLOR_TERMS = ("alacritty", "contour", "foot", "ghostty", "kitty", "wezterm", "-direct")


def wants_color(choice: str, stream: IO[str] | None) -> bool:
    """Decide on colour by the option, then ``NO_COLOR``, then ``FORCE_COLOR``, then whether it is a terminal."""
    if stream is None:
        return False
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def colors_of(choice: str) -> Colors:
    """Return the colours of the terminal; 16 colours count as none, because they would mislead."""
    if not wants_color(choice, sys.stdout):
        return "none"
    term, depth = os.environ.get("TERM", ""), os.environ.get("COLORTERM", "").lower()
    if depth in ("truecolor", "24bit") or any(name in term for name in TRUECOLOR_TERMS):
        return "truecolor"
    return "256" if "256color" in term or choice == "always" or os.environ.get("FORCE_COLOR") else "none"


def unicode_ok() -> bool:
    """Whether standard output can carry box-drawing characters."""
    encoding = getattr(sys.stdout, "encoding", None) or "ascii"
    try:
        "┌⋯⋮".encode(encoding)
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def width_of_output() -> int | None:
    """Return the columns that output must fit, from ``COLUMNS`` or the terminal; None for no limit."""
    columns = os.environ.get("COLUMNS", "")
    if columns.isdigit() and int(columns) > 0:
        return int(columns)
    if sys.stdout is not None and sys.stdout.isatty():
        return os.get_terminal_size(sys.stdout.fileno()).columns or 80
    return None


def watched() -> bool:
    """Whether standard error is a terminal that can redraw a line."""
    return sys.stderr is not None and sys.stderr.isatty() and os.environ.get("TERM") != "dumb"


def screen(
    file: IO[str] | None, system: System | None, *, width: int | None = None, terminal: bool | None = None
) -> Console:
    """Return a Rich console without markup, emoji or highlighting.

    `system` None means no colours; `terminal` says whether lines may be redrawn, by default if there are colours.
    """
    from rich.console import Console

    return Console(
        file=file, width=width, force_terminal=system is not None if terminal is None else terminal,
        no_color=system is None, color_system=system, markup=False, emoji=False, highlight=False, legacy_windows=False,
    )  # fmt: skip


class Harmless:
    """A drawing with everything that a terminal would act on written out, except Rich's own colours."""

    def __init__(self, drawing: RenderableType) -> None:
        self.drawing = drawing

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        """Yield the pieces of the drawing."""
        for piece in list(console.render(self.drawing, options)):
            text = piece.text
            harmless = text.isprintable() or text == "\n" or piece.control
            safe = text if harmless else "\n".join(map(printable, text.split("\n")))
            yield piece if safe is text else piece._replace(text=safe)


def rendered(*drawings: RenderableType, system: System | None = None, width: int | None = None) -> str:
    """Return drawings as text without trailing blanks; without a `width`, as wide as they need."""
    from rich.measure import Measurement

    text = StringIO()
    paper = screen(text, system, width=width or 100_000)
    if width is None:
        wanted = (Measurement.get(paper, paper.options, drawing).maximum for drawing in drawings)
        paper.width = max(1, *wanted)
    for drawing in drawings:
        paper.print(Harmless(drawing), soft_wrap=False, crop=False)
    return "".join(line.rstrip(" ") + "\n" for line in text.getvalue().splitlines())

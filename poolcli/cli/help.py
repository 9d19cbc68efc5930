"""The page of a command, from its docstring and options, for ``--help``, the reference and the manual."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from typer.core import TyperCommand

# the panels most often needed come first, panels not named here last
PANELS = (
    "Arguments", "Files", "Steps", "Window", "Before pooling", "Output", "Workers", "Input", "Tables", "Pictures out",
)  # fmt: skip
BESIDE = 32  # the column where help starts, unless the option is too long
ROOM = 24  # columns that help needs beside an option; with fewer it goes below
WIDEST = 100  # columns of text that still read well
KEPT_WHOLE = r"\[(?:default:|or) [^]]*\]"
HELP = "Show this page. Every option can be set in the environment: POOLCLI_OUTPUT=result.json."
WORD = r"""(?:'[^']*'|"[^"]*"|[^\s'"])+"""  # a shell word, which may contain quoted blanks


class OptionRow(NamedTuple):
    """An option or an argument."""

    names: tuple[str, ...]  # -k and --size; INPUT for an argument
    negative: str = ""  # --no-relu
    metavar: str = ""
    help: str = ""
    default: str = ""
    values: tuple[str, ...] = ()  # offered by completion
    variable: str = ""  # the environment variable that sets it

    @property
    def left(self) -> str:
        """The option as in help: ``-k, --size N|HxW``."""
        *short, long = sorted(self.names, key=len)
        lead = f"{short[0]}, " if short else "    " if long.startswith("-") else ""
        return f"{lead}{long} {self.metavar}".rstrip()

    @property
    def right(self) -> str:
        """The help text with the negative form and the default."""
        more = [f"[or {self.negative}]"] * bool(self.negative) + [f"[default: {self.default}]"] * bool(self.default)
        return " ".join([self.help, *more])


class Page(NamedTuple):
    """All that help says about a command."""

    name: str
    usage: str
    summary: str
    examples: Sequence[str]
    notes: Sequence[str]
    panels: Mapping[str, Sequence[OptionRow]]


def help_page(command: TyperCommand, name: str, more: str = "") -> Page:
    """Return the page of a command."""
    told, _, examples = (command.help or "").partition("Examples\n--------\n")
    summary, *notes = [" ".join(part.split()) for part in told.strip().split("\n\n")]
    panels: dict[str, list[OptionRow]] = {}
    for parameter in command.params:
        panels.setdefault(_panel(parameter), []).append(_row(parameter))
    shown = [one for one in command.params if one.param_type_name == "argument"]
    arguments = [str(one.metavar) if one.required else f"[{one.metavar}]" for one in shown]
    options = ["[OPTIONS]"] if any(one.param_type_name == "option" for one in command.params) else []
    usage = " ".join([name, *options, *arguments, *([more] if more else [])])
    order = sorted(panels, key=lambda title: PANELS.index(title) if title in PANELS else len(PANELS))
    return Page(name, usage, summary, examples.splitlines(), notes, {title: panels[title] for title in order})


def _panel(parameter: Any) -> str:
    return parameter.rich_help_panel or ("Arguments" if parameter.param_type_name == "argument" else "Options")


def _row(parameter: Any) -> OptionRow:
    values = tuple(parameter.offers(""))
    if parameter.param_type_name == "argument":
        return OptionRow((parameter.metavar,), help=parameter.help or "", values=values)
    metavar = "" if parameter.is_flag else parameter.metavar
    return OptionRow(
        tuple(parameter.opts), next(iter(parameter.secondary_opts), ""), metavar, parameter.help or "",
        _default(parameter), values, parameter.envvar or "",
    )  # fmt: skip


def _default(parameter: Any) -> str:
    """Return the default in words if it has any, else as typed; switches are off."""
    if isinstance(parameter.show_default, str):
        return parameter.show_default
    if parameter.is_flag or parameter.default in (None, ""):
        return ""
    return f"{parameter.default:g}" if isinstance(parameter.default, float) else str(parameter.default)


# As text


def help_text(page: Page, width: int, *, paint: bool) -> str:
    """Return the page as ``--help`` prints it, in ASCII and, if the words allow, in `width` columns."""
    width = min(width, WIDEST)
    lines = [*wrapped(page.summary, width), ""]
    if page.examples:
        lines += [heading("Examples", paint), *(line for one in page.examples for line in example(one, width)), ""]
    lines += wrapped(f"Usage: {page.usage}", width, indent=7)
    for note in page.notes:
        lines += ["", *wrapped(note, width)]
    for name, rows in page.panels.items():
        lines += ["", heading(name, paint)]
        for row in rows:
            lines += columns(row.left, row.right, width, paint=paint)
    lines += ["", *columns("-h, --help", HELP, width, paint=paint)]
    return "\n".join(lines)


def heading(name: str, paint: bool) -> str:
    """Return the heading of a part of a page."""
    return f"\x1b[1;4m{name}\x1b[0m:" if paint else f"{name}:"


def wrapped(text: str, width: int, indent: int = 0) -> list[str]:
    """Return text in lines, without breaking its defaults."""

    def joined(found: re.Match[str]) -> str:
        return found[0].replace(" ", "\0") if len(found[0]) <= width else found[0]

    whole = re.sub(KEPT_WHOLE, joined, text)
    lines = textwrap.wrap(
        whole, max(width, 20), subsequent_indent=" " * indent, break_long_words=False, break_on_hyphens=False
    )
    return [line.replace("\0", " ") for line in lines]


def columns(left: str, text: str, width: int, *, at: int = BESIDE, paint: bool) -> list[str]:
    """Return a name and its meaning, which starts at column `at` or, without enough room, on the next line."""
    roomy = width - at >= ROOM
    start = at if roomy else 6
    told = [" " * start + line for line in wrapped(text, width - start)]
    name = left if roomy else left.lstrip()
    shown = f"  \x1b[1m{name}\x1b[0m" if paint else f"  {name}"
    if not told or not roomy or len(name) + 4 > at:
        return [shown, *told]
    return [shown + told[0][len(name) + 2 :], *told[1:]]


def example(line: str, width: int) -> Iterator[str]:
    """Yield a command line in lines that a shell joins."""
    shown = " "
    words = re.findall(WORD, line)
    for left, word in zip(range(len(words) - 1, -1, -1), words, strict=True):
        needed = len(word) + (3 if left else 1)  # with a blank, and a backslash if more words follow
        if len(shown) + needed > width and shown.strip():
            yield f"{shown} \\"
            shown = "   "
        shown += f" {word}"
    yield shown

"""Write docs/cli.md and docs/poolcli.1 from the table of commands, their docstrings and options.

Run ``python docs/make_reference.py`` in the checkout. A test compares both files with what this writes.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from poolcli import __version__
from poolcli.cli import stack
from poolcli.cli.front_page import EXAMPLES, EXIT_CODES, SUMMARY, VARIABLES
from poolcli.cli.help import OptionRow, Page, help_page
from poolcli.cli.options.grammar import command
from poolcli.cli.registry import COMMANDS, GROUPS, STACKS, build

FOLDER = Path(__file__).resolve().parent
FILES = {
    "INPUT": "A matrix (CSV, TSV, JSON, NPY), a picture or a Zarr array. The data decide; the extension only helps.",
    "OUTPUT": "The extension chooses the format. An existing file is replaced completely or not at all.",
    "recipe.json": "Steps, written by run --save-steps and read by run --steps and batch --steps.",
}
CODES = {str(code): meaning for code, meaning in EXIT_CODES.items()}


@dataclass(frozen=True)
class Panel:
    """The options of a command under one heading: its own, and those shared with other commands."""

    title: str
    own: Sequence[OptionRow]
    common: Sequence[OptionRow]


@dataclass(frozen=True)
class Step:
    """A step of a stack: its own options, and those that it shares with a command."""

    name: str
    summary: str
    own: Sequence[OptionRow]
    taken: Sequence[OptionRow]
    command: str


class Reference:
    """Every page, and the options that several commands share, by panel."""

    def __init__(self) -> None:
        self.pages = {name: _page(name) for name in COMMANDS}
        self._owners: dict[tuple[str, OptionRow], list[str]] = {}
        for name, one in self.pages.items():
            for title, rows in one.panels.items():
                for row in rows:
                    self._owners.setdefault((title, row), []).append(name)

    @property
    def common(self) -> dict[str, dict[OptionRow, list[str]]]:
        """The shared options, each with its commands."""
        found: dict[str, dict[OptionRow, list[str]]] = {}
        for (title, row), names in self._owners.items():
            if self._shared(title, row):
                found.setdefault(title, {})[row] = names
        return found

    def _shared(self, title: str, row: OptionRow) -> bool:
        return len(self._owners[title, row]) > 1 and bool(row.variable)  # arguments are described with each command

    def panels(self, name: str) -> Iterator[Panel]:
        """Yield the panels of a command."""
        for title, rows in self.pages[name].panels.items():
            own = [row for row in rows if not self._shared(title, row)]
            yield Panel(title, own, [row for row in rows if row not in own])

    def steps(self, name: str) -> Iterator[Step]:
        """Yield the steps of a command."""
        for step, function in getattr(stack, STACKS[name]).items():
            one = help_page(command(step, function), step)
            rows = [row for rows in one.panels.values() for row in rows]
            like = step if step in self.pages else "pool"
            theirs = {row for rows in self.pages[like].panels.values() for row in rows}
            own = [row for row in rows if row not in theirs]
            yield Step(step, one.summary, own, [row for row in rows if row in theirs], like)


def _page(name: str) -> Page:
    made = build(name)
    return help_page(made, f"poolcli {name}", made.more)


def facts(row: OptionRow) -> list[tuple[str, Sequence[str]]]:
    """Return the facts about an option other than its help, as labels with words to type."""
    found = [("Default", [row.default]), ("Values", row.values), ("Environment", [row.variable])]
    return [(word, said) for word, said in found if any(said)]


def spelled(row: OptionRow) -> list[str]:
    """Return every way to write an option."""
    names = [f"{name} {row.metavar}".rstrip() for name in row.names]
    return [*names, *([row.negative] if row.negative else [])]


def told(rows: Mapping[OptionRow, Sequence[str]]) -> Iterator[tuple[OptionRow, str]]:
    """Yield shared options; one that differs between commands names its commands before the help."""
    for row, names in rows.items():
        alone = sum(other.names[-1] == row.names[-1] for other in rows) == 1
        yield row, "" if alone else f"Of {', '.join(names)}: "


# docs/cli.md


def markdown() -> str:
    """Return docs/cli.md."""
    reference = Reference()
    lines = ["# poolcli on the command line", ""]
    lines += ["Written by `docs/make_reference.py` from the code: change the docstrings and options there.", ""]
    lines += [SUMMARY, "", *_block(EXAMPLES), "Usage: `poolcli COMMAND [OPTIONS] [INPUT]`", ""]
    for group, names in GROUPS.items():
        lines += [f"**{group}**", ""]
        lines += [f"- [`{name}`](#poolcli-{name}): {_md(line)}" for name, line in names.items()] + [""]
    for name in reference.pages:
        lines += _md_command(name, reference)
    lines += ["## Options in common", ""]
    for title, rows in reference.common.items():
        lines += [f"### {title}", "", *(_md_row(row, before) for row, before in told(rows)), ""]
    for title, table in (("Exit codes", CODES), ("Environment", VARIABLES), ("Files", FILES)):
        lines += [f"## {title}", "", *(f"- `{name}`: {_md(meaning)}" for name, meaning in table.items()), ""]
    return "\n".join(lines).rstrip() + "\n"


def _md_command(name: str, reference: Reference) -> Iterator[str]:
    one = reference.pages[name]
    yield from (f"## poolcli {name}", "", _md(one.summary), "", *_block(one.examples), f"Usage: `{one.usage}`", "")
    for note in one.notes:
        yield from (_md(note), "")
    for panel in reference.panels(name):
        yield from (f"**{panel.title}**", "", *map(_md_row, panel.own))
        if panel.common:
            yield f"- {_listed(panel.common)}: see [{panel.title}](#{panel.title.lower().replace(' ', '-')})"
        yield ""
    if name in STACKS:
        yield from (f"**Steps of `{name}`**", "", *_md_steps(reference.steps(name)), "")


def _md_steps(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        taken = f" {_listed(step.taken)}: see [`{step.command}`](#poolcli-{step.command})" if step.taken else ""
        yield f"- `{step.name}`: {_md(step.summary)}{taken}"
        yield from (f"  {_md_row(row)}" for row in step.own)


def _md_row(row: OptionRow, before: str = "") -> str:
    said = [f"{word}: {_codes(values)}." for word, values in facts(row)]
    return " ".join([f"- {_codes(spelled(row))}: {before}{_md(row.help)}", *said])


def _listed(rows: Sequence[OptionRow]) -> str:
    return _codes([row.names[-1] for row in rows])


def _codes(texts: Sequence[str]) -> str:
    return ", ".join(f"`{text}`" for text in texts)


def _block(lines: Sequence[str]) -> list[str]:
    return ["```sh", *lines, "```", ""]


def _md(text: str) -> str:
    """Return text escaped for Markdown."""
    return re.sub(r"([*_<\[\]])", r"\\\1", text)


# docs/poolcli.1


def manual() -> str:
    """Return docs/poolcli.1, in the macros of man(7)."""
    reference = Reference()
    lines = ['.\\" Written by docs/make_reference.py from the code: change the docstrings and options there.']
    lines += [f'.TH POOLCLI 1 "" "poolcli {__version__}" "User Commands"']
    lines += [".nh", ".ad l"]  # no hyphens or gaps in text to copy
    lines += [".SH NAME", "poolcli \\- pool matrices and pictures"]
    lines += [".SH SYNOPSIS", "\\fBpoolcli\\fR \\fICOMMAND\\fR [\\fIOPTIONS\\fR] [\\fIINPUT\\fR]"]
    lines += [".SH DESCRIPTION", *_text(SUMMARY), *_man_examples(EXAMPLES)]
    for group, names in GROUPS.items():
        lines += [f".SS {group}", *_man_terms(names)]
    lines += [".SH COMMANDS"]
    for name in reference.pages:
        lines += _man_command(name, reference)
    lines += [".SH OPTIONS IN COMMON"]
    for title, rows in reference.common.items():
        lines += [f".SS {title}", *(line for row, before in told(rows) for line in _man_row(row, before))]
    for title, table in (("EXIT STATUS", CODES), ("ENVIRONMENT", VARIABLES), ("FILES", FILES)):
        lines += [f".SH {title}", *_man_terms(table)]
    return "\n".join(lines) + "\n"


def _man_command(name: str, reference: Reference) -> Iterator[str]:
    one = reference.pages[name]
    yield from (f".SS {_roff(one.usage)}", *_text(one.summary), *_man_examples(one.examples))
    for note in one.notes:
        yield from (".PP", *_text(note))
    for panel in reference.panels(name):
        if panel.own:
            yield from (".PP", f"{_roff(panel.title)}:", *(line for row in panel.own for line in _man_row(row)))
        if panel.common:
            yield from (".TP", f"{panel.title}, as in OPTIONS IN COMMON:", *_text(_names(panel.common)))
    if name in STACKS:
        yield from (".PP", "Steps of a stack:", *_man_steps(reference.steps(name)))


def _man_steps(steps: Iterable[Step]) -> Iterator[str]:
    for step in steps:
        yield from (".TP", f"\\fB{_roff(step.name)}\\fR", *_text(step.summary))
        if step.taken:
            yield from _text(f"With options of {step.command}: {_names(step.taken)}")
        if step.own:
            yield from (".RS", *(line for row in step.own for line in _man_row(row)), ".RE")


def _man_row(row: OptionRow, before: str = "") -> Iterator[str]:
    yield from (".TP", ", ".join(_man_option(text) for text in spelled(row)), *_text(before + row.help))
    for word, values in facts(row):
        yield from (".br", *_text(f"{word}: {', '.join(values)}"))


def _man_option(text: str) -> str:
    name, _, metavar = text.partition(" ")
    return f"\\fB{_roff(name)}\\fR" + (f" \\fI{_roff(metavar)}\\fR" if metavar else "")


def _names(rows: Sequence[OptionRow]) -> str:
    return ", ".join(row.names[-1] for row in rows)


def _man_terms(table: Mapping[str, str]) -> Iterator[str]:
    for name, meaning in table.items():
        yield from (".TP", f"\\fB{_roff(name)}\\fR", *_text(meaning))


def _man_examples(examples: Sequence[str]) -> list[str]:
    return [".PP", ".nf", ".RS", *map(_roff, examples), ".RE", ".fi"]


def _text(text: str) -> list[str]:
    return [_roff(line) for line in textwrap.wrap(text, 72, break_on_hyphens=False, break_long_words=False)]


def _roff(text: str) -> str:
    """Return text escaped for roff."""
    for plain, written in (("\\", "\\e"), ("-", "\\-"), ("'", "\\(aq"), ("^", "\\(ha"), ("~", "\\(ti")):
        text = text.replace(plain, written)
    return f"\\&{text}" if text.startswith(".") else text


WRITTEN: Mapping[str, Callable[[], str]] = {"cli.md": markdown, "poolcli.1": manual}

if __name__ == "__main__":
    for file, make in WRITTEN.items():
        (FOLDER / file).write_text(make(), encoding="utf-8")

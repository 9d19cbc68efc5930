"""What was typed: which of the words is INPUT, and hints that are command lines made to fit the one that was typed."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any

from poolcli.cli.options.grammar import Command, options_of
from poolcli.errors import UsageError
from poolcli.system.files import INTO_POOL, WHAT_CAME
from poolcli.wording import Phrase

FLAGS = {"global_window": "--global", "output": "-o"}  # whose name is not that of the keyword
LISTED = ("at",)  # whose numbers have commas between them


def typed(name: str, value: Any) -> str:
    """Say an option as one types it.

    Examples
    --------
    >>> typed("size", (2, 3)), typed("ceil_mode", True), typed("pad_fill", None)
    ('--size 2x3', '--ceil-mode', '--pad-fill')
    """
    flag = FLAGS.get(name, f"--{name.replace('_', '-')}")
    if value is None or value is True:
        return flag
    between = "," if name in LISTED else "x"
    text = between.join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"{flag} {shlex.quote(text)}"


def told(text: str | Phrase) -> str:
    """Say a text of the library with options as one types them."""
    return text if isinstance(text, str) else text.worded(typed)


def spoken(text: str | Phrase) -> str:
    """Say an advice of the library with options as one types them; one that begins with an option says to use it."""
    if isinstance(text, str):
        return text
    first = text.parts[0] if text.parts else ""
    use = "use " if isinstance(first, tuple) and first[1] is not None else ""
    return use + text.worded(typed)


def takes_value(option: Any) -> bool:
    """Whether a word behind an option is its value."""
    return option is not None and not option.is_flag


def is_bare(words: Sequence[str], index: int, options: Mapping[str, Any]) -> bool:
    """Whether a word is neither an option nor the value of one before it."""
    before = options.get(words[index - 1]) if index else None
    return not takes_value(before) and (words[index] == "-" or not words[index].startswith("-"))


def as_typed(hint: str, name: str, words: Sequence[str], command: Command, *, stack: bool) -> str:
    """Put the command that was typed where a hint pipes INPUT into ``poolcli pool``, and INPUT where a hint has it.

    Parameters
    ----------
    hint : str
        As poolcli's library says it, which does not know the command.
    name, words : str, sequence of str
        The command, and what was typed after it.
    command : Command
        It knows which options have a value.
    stack : bool
        Whether the command cannot do without INPUT.
    """
    options = options_of(command)
    where = next((index for index in range(len(words)) if is_bare(words, index, options)), len(words))
    given = shlex.quote("".join(words[where : where + 1]) or "-")
    if hint.endswith(f" {given} {INTO_POOL}") or (given == "-" and hint.startswith(WHAT_CAME)):
        rest = [*words[:where], *(["-"] if stack else []), *words[where + 1 :]]
        return hint.removesuffix("pool") + shlex.join([name, *rest])
    return hint.removesuffix("INPUT") + given if hint.endswith(" INPUT") else hint


EXTRA_FILE = re.compile(r"Got unexpected extra argument\(s\) \((?P<name>[^ ]+\.[A-Za-z0-9]+)\)")  # as: convert IN OUT
NO_OPTIONS = {"--html": "poolcli explain -o page.html INPUT"}  # what people try, and what there is instead


def refusal(problem: Any, hint: str, where: str = "", *, lacking: str = "") -> UsageError:
    """Return the error for what Typer found wrong.

    Parameters
    ----------
    problem : TyperException
        What Typer raised. It does not export the kinds, but each has attributes of its own.
    hint : str
        Where to read more.
    where : str
        The stage of a stack, to be said before it.
    lacking : str
        The hint if an argument is missing.
    """
    if hasattr(problem, "possibilities"):  # those of Typer are near because of their dashes
        near = {flag.lstrip("-"): flag for flag in problem.possibilities or ()}
        problem.possibilities = [near[name] for name in get_close_matches(problem.option_name.lstrip("-"), near)]
        hint = hint if where else NO_OPTIONS.get(problem.option_name, hint)
    if hasattr(problem, "param_type"):
        hint = lacking or hint
    if extra := EXTRA_FILE.fullmatch(problem.format_message()):
        hint = f"-o {shlex.quote(extra['name'])} writes the result there"
    return UsageError(where + problem.format_message(), hint)

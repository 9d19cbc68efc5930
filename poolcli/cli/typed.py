"""What was typed: which of the words is INPUT, and hints that are command lines made to fit the one that was typed."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from poolcli.cli.grammar import Command, options_of
from poolcli.files import INTO_POOL, WHAT_CAME


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
    return hint.removesuffix(" INPUT") + f" {given}" if hint.endswith(" INPUT") and given != "-" else hint

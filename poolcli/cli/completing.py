"""Shell completion: the answers to the scripts that ``poolcli completion`` prints.

A script sets ``_POOLCLI_COMPLETE`` to its shell and passes the words up to the cursor. The first line of the answer
says whether file names are possible, too; then comes one candidate per line. Only the typed command is built. Typer's
own scripts do not fit: the one for Bash splits words at ``:`` and ``=``, the one for fish starts poolcli twice, and
Typer does not know stacks.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from poolcli.cli.registry import COMMANDS, STACKS, build
from poolcli.cli.words import classify, options_of
from poolcli.errors import UnknownNameError, UsageError
from poolcli.pooling.modes import GLOBALS

if TYPE_CHECKING:
    from poolcli.cli.options.grammar import Command


BREAKS = ":=@"  # where Bash splits words for completion, unless the user has changed COMP_WORDBREAKS


@dataclass(frozen=True)
class Answer:
    """The candidates with their descriptions, and whether file names are possible."""

    words: Mapping[str, str]
    files: bool = False


def answer(shell: str, arguments: Sequence[str]) -> str:
    """Return the answer for the script of `shell`; `arguments` are the words up to the cursor."""
    if shell not in _SHOWN:
        raise UnknownNameError("shell", shell, _SHOWN)
    words, cut = _unbroken(arguments) if shell == "bash" else (list(arguments), 0)
    *before, last = [_unquoted(word) for word in words[1:]] or [""]
    if shell == "zsh" and last.startswith("--"):
        cut = last.find("=") + 1
    found = complete(before, last)
    safe, sign = _SHOWN[shell]
    lines = [
        safe(word[cut:]) + (sign + told if sign and told else "") for word, told in found.words.items() if word[cut:]
    ]
    return "\n".join(["files" if found.files else "words", *lines]) + "\n"


# how to write a candidate for each shell, and the separator before its description, if the shell shows one
_SHOWN: Mapping[str, tuple[Callable[[str], str], str]] = {
    "bash": (shlex.quote, ""),
    "zsh": (lambda word: word.replace("\\", "\\\\").replace(":", "\\:"), ":"),
    "fish": (str, "\t"),
}  # fmt: skip


def _unbroken(words: Sequence[str]) -> tuple[list[str], int]:
    """Rejoin what Bash split at `BREAKS`; also return the length of the part of the last word that Bash keeps."""
    whole: list[str] = []
    cut = 0
    for index, word in enumerate(words):
        breaks = bool(word) and not word.strip(BREAKS)
        after = index > 0 and bool(words[index - 1]) and not words[index - 1].strip(BREAKS)
        if whole and (breaks or after):
            cut = len(whole[-1]) + (len(word) if breaks else 0)
            whole[-1] += word
        else:
            cut = 0
            whole.append(word)
    return whole, cut


def _unquoted(word: str) -> str:
    """Return a word without its quotes, even if they are still open."""
    for end in ("", "'", '"'):
        try:
            return "".join(shlex.split(word + end))
        except ValueError:
            continue
    return word


# Candidates


def complete(words: Sequence[str], last: str) -> Answer:
    """Return the candidates for `last`, the word after `words`."""
    if not words:
        options = {"--help": "Show the help.", "--version": "Print the version."}
        return Answer(_beginning(last, options if last.startswith("-") else COMMANDS))
    name, *rest = words
    if name not in COMMANDS:
        return Answer({})
    if name not in STACKS:
        return _arguments(build(name), rest, last)
    from poolcli.cli import stack

    return _stack(build(name), rest, last, getattr(stack, STACKS[name]))


def _beginning(last: str, words: Mapping[str, str]) -> dict[str, str]:
    return {word: told for word, told in words.items() if word.startswith(last)}


def _stack(command: Command, words: Sequence[str], last: str, steps: Mapping[str, Callable[..., Any]]) -> Answer:
    """Complete a command with a stack: its own options and input, step names, their options, ``then``."""
    from poolcli.cli import stack
    from poolcli.cli.options import grammar

    try:
        own, stages = stack.split(words, steps, command)
    except UsageError:  # nothing fits after an unknown step
        return Answer({})
    names = {name: (step.__doc__ or "").partition("\n")[0] for name, step in steps.items()}
    names |= {name: f"Pool the whole map: {name.removeprefix('global-')}." for name in GLOBALS}
    if not stages:
        given = _place(command, own)[1]
        return _arguments(command, own, last, names if given else {})
    if _place(command, own)[0] is not None:  # an option of the command after the last step
        return _arguments(command, own, last)
    if not stages[-1]:
        return Answer(_beginning(last, names))
    name, *rest = stages[-1]
    name = name if name in steps else "global"
    return _arguments(grammar.command(name, steps[name]), rest, last, {"then": "And the next step."})


def _place(command: Command, words: Sequence[str]) -> tuple[Any, int]:
    """Return the option whose value comes next, if any, and the number of arguments in `words`."""
    options = options_of(command)
    known = classify(words, options)
    pending = options[known[-1].flag] if known and known[-1].awaits else None
    return pending, sum(not word.flag for word in known)


def _arguments(command: Command, words: Sequence[str], last: str, after: Mapping[str, str] = {}) -> Answer:
    """Complete the options and arguments of a command, and the words `after` its last argument."""
    options = options_of(command)
    pending, given = _place(command, words)
    head, sign, tail = last.partition("=")
    if pending is not None:
        return _values(pending, last)
    if sign and head in options:
        found = _values(options[head], tail)
        return Answer({f"{head}={word}": told for word, told in found.words.items()}, found.files)
    if last.startswith("-"):
        shown = {name: one.help.partition(". ")[0] for name, one in options.items() if name.startswith("--")}
        return Answer(_beginning(last, {**shown, "--help": "Show the help."}))
    arguments = [one for one in command.params if one.param_type_name == "argument"]
    if given < len(arguments) or (arguments and arguments[-1].nargs == -1):
        return _values(arguments[min(given, len(arguments) - 1)], last)
    return Answer(_beginning(last, after))


def _values(parameter: Any, last: str) -> Answer:
    """Return the possible values of a parameter; its metavar says whether it takes files."""
    files = any(word in (parameter.metavar or "") for word in ("FILE", "PATH", "DIR", "INPUT"))
    return Answer(dict.fromkeys(parameter.offers(last), ""), files)

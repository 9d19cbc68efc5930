"""Shell completion: ``poolcli completion`` prints a script, which calls poolcli back at each press of the tab key.

The script sets ``_POOLCLI_COMPLETE`` to its shell and gives the words up to the cursor. The answer is a line that says
whether file names may stand there too, and then one candidate a line. Only the command being typed is built. Typer's
own scripts are not used, because theirs for Bash cuts words at ``:`` and ``=``, theirs for fish starts poolcli twice,
and neither they nor Typer know of stacks.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from poolcli.cli import COMMANDS, STACKS, build

if TYPE_CHECKING:
    from poolcli.cli.grammar import Command

BASH = r"""_poolcli() {
    local answer
    mapfile -t answer < <(_POOLCLI_COMPLETE=bash "$1" "${COMP_WORDS[@]:0:COMP_CWORD+1}" 2>/dev/null)
    [[ ${answer[0]} == files ]] || compopt +o default 2>/dev/null
    COMPREPLY=("${answer[@]:1}")
}
complete -o default -F _poolcli poolcli
"""
ZSH = r"""#compdef poolcli
_poolcli() {
    local -a answer
    answer=("${(@f)$(_POOLCLI_COMPLETE=zsh "${words[1]}" "${(@)words[1,CURRENT]}" 2>/dev/null)}")
    local kind=$answer[1]
    shift answer
    [[ $PREFIX == --*=* ]] && compset -P '--[^=]#='
    (($#answer)) && _describe poolcli answer && return
    [[ $kind == files ]] && _files
}
if [[ $funcstack[1] == _poolcli ]]; then _poolcli "$@"; else compdef _poolcli poolcli; fi
"""
FISH = r"""function _poolcli
    set -l words (commandline -opc)
    set -l last (commandline -ct)
    set -l answer (_POOLCLI_COMPLETE=fish $words[1] $words "$last" 2>/dev/null)
    if test (count $answer) -gt 1
        printf '%s\n' $answer[2..]
    else if test "$answer[1]" = files
        set -l option (string match -r -- '^--[^=]*=' "$last")
        __fish_complete_path (string replace -r -- '^--[^=]*=' '' "$last") | string replace -r -- '^' "$option"
    end
end
complete -c poolcli -f -a '(_poolcli)'
"""
SCRIPTS = {"bash": BASH, "zsh": ZSH, "fish": FISH}


def completion(
    shell: Annotated[
        str, typer.Argument(metavar="SHELL", help="bash, zsh or fish.", autocompletion=lambda: [*SCRIPTS])
    ],
) -> None:
    """Print the completion script of a shell.

    Put the line for your shell into ~/.bashrc, ~/.zshrc (after compinit) or ~/.config/fish/config.fish.

    Examples
    --------
    eval "$(poolcli completion bash)"
    eval "$(poolcli completion zsh)"
    poolcli completion fish | source
    """
    from poolcli.errors import UnknownNameError
    from poolcli.files import write_stdout

    if shell not in SCRIPTS:
        raise UnknownNameError("shell", shell, SCRIPTS)
    write_stdout(SCRIPTS[shell].encode())


@dataclass(frozen=True)
class Answer:
    """What may come next: words with what they mean, and whether file names."""

    words: Mapping[str, str]
    files: bool = False


def answer(shell: str, arguments: Sequence[str]) -> str:
    """Return the lines that the script of `shell` asks for; `arguments` are the words up to the cursor."""
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


def _escaped(word: str) -> str:
    return word.replace("\\", "\\\\").replace(":", "\\:")


# how each shell wants a word, and what stands between that and its meaning, if the shell shows one
_SHOWN: Mapping[str, tuple[Callable[[str], str], str]] = {
    "bash": (shlex.quote, ""), "zsh": (_escaped, ":"), "fish": (str, "\t"),
}  # fmt: skip


def _unbroken(words: Sequence[str]) -> tuple[list[str], int]:
    """Put together what Bash cut at ``:`` and ``=``; also return how much of the last word it will leave alone."""
    whole: list[str] = []
    cut = 0
    for index, word in enumerate(words):
        breaks = bool(word) and not word.strip(":=")
        after = index > 0 and bool(words[index - 1]) and not words[index - 1].strip(":=")
        if whole and (breaks or after):
            cut = len(whole[-1]) + (len(word) if breaks else 0)
            whole[-1] += word
        else:
            cut = 0
            whole.append(word)
    return whole, cut


def _unquoted(word: str) -> str:
    """Return a word as the program would get it; one whose quotes are still open, without them."""
    for end in ("", "'", '"'):
        try:
            return "".join(shlex.split(word + end))
        except ValueError:
            continue
    return word


# What may come next


def complete(words: Sequence[str], last: str) -> Answer:
    """Return what `last`, the word after `words`, may become."""
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
    """Complete a command that takes steps: its own options and input, the names of steps, their options, ``then``."""
    from poolcli.cli import grammar, stack

    own, stages = stack.split(words, steps)
    names = {name: (step.__doc__ or "").partition("\n")[0] for name, step in steps.items()}
    names |= {f"global-{mode}": f"Pool the whole map: {mode}." for mode in ("max", "avg")}
    if not stages:
        given = _place(command, own)[1]
        return _arguments(command, own, last, names if given else {})
    if not stages[-1]:
        return Answer(_beginning(last, names))
    name, *rest = stages[-1]
    name = name if name in steps else "global"
    return _arguments(grammar.command(name, steps[name]), rest, last, {"then": "And the next step."})


def _options(command: Command) -> dict[str, Any]:
    options = [one for one in command.params if one.param_type_name == "option"]
    return {name: one for one in options for name in (*one.opts, *one.secondary_opts)}


def _place(command: Command, words: Sequence[str]) -> tuple[Any, int]:
    """Return the option whose value comes after `words`, if one does, and how many arguments they are."""
    options, pending, given = _options(command), None, 0
    for word in words:
        if pending is not None:
            pending = None
        elif word.startswith("-") and word != "-":
            option = options.get(word)
            pending = None if option is None or option.is_flag else option
        else:
            given += 1
    return pending, given


def _arguments(command: Command, words: Sequence[str], last: str, after: Mapping[str, str] = {}) -> Answer:
    """Complete the options and arguments of a command, and the words that may stand after its last argument."""
    options = _options(command)
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
    """Return the values that a parameter may take; its metavar says whether it takes files."""
    names = [item.value for item in parameter.shell_complete(None, last)]
    files = any(word in (parameter.metavar or "") for word in ("FILE", "PATH", "DIR", "INPUT"))
    return Answer(dict.fromkeys(names, ""), files)

"""What was typed, word by word; and texts of the library in the words of the command line that was typed."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from poolcli.errors import NEAR, UsageError
from poolcli.system.files import free_name
from poolcli.wording import ELSEWHERE, Instead, Phrase, Readable, Typed

if TYPE_CHECKING:
    from typer.core import TyperCommand

FLAGS = {
    "global_window": "--global",
    "output": "-o",
    "return_indices": "--indices",
    "target": "--emit",
}  # whose name is not that of the keyword
LISTED = ("at",)  # whose numbers have commas between them
INPUT = "INPUT"  # in a hint, where nobody knows which


# --- words ------------------------------------------------------------------------------------------------------------


class Word(NamedTuple):
    """A word of a command line."""

    text: str  # as it was typed
    # the option that it names, or whose value it is; nothing for a word that stands by itself: INPUT, a step
    flag: str = ""
    # the value of the option, as far as it is in this word: --size=3, -k3, or the word behind -k
    value: str | None = None
    awaits: bool = False  # whether the next word is the option's value


def classify(words: Sequence[str], options: Mapping[str, Any]) -> list[Word]:
    """Say of every word whether it is an option, the value of one, or stands by itself; behind ``--`` all do.

    Parameters
    ----------
    words : sequence of str
        A command line without the command, or a part of it.
    options : mapping
        What the command has: by each of their names, as Typer has them.
    """
    known: list[Word] = []
    pending, ended = "", False
    for text in words:
        if pending:
            word = Word(text, pending, text)
        elif ended or text == "-" or not text.startswith("-"):
            word = Word(text)
        else:
            flag, value = _parted(text)
            option = options.get(flag)
            word = Word(text, flag, value, awaits=value is None and option is not None and not option.is_flag)
        pending, ended = word.flag if word.awaits else "", ended or (text == "--" and not pending)
        known.append(word)
    return known


def _parted(text: str) -> tuple[str, str | None]:
    """Part an option from the value that is in the same word: ``--size=3``, ``-k3``."""
    if text.startswith("--"):
        flag, sign, value = text.partition("=")
        return flag, value if sign else None
    return text[:2], text[2:] or None


def options_of(command: TyperCommand) -> dict[str, Any]:
    """Return the options of a command by each of their names."""
    options = [one for one in command.params if one.param_type_name == "option"]
    return {name: one for one in options for name in (*one.opts, *one.secondary_opts)}


# --- in the words of the command line ---------------------------------------------------------------------------------


class Line(NamedTuple):
    """The command line that was typed, as hints say it again."""

    name: str = "pool"
    words: tuple[str, ...] = ()  # what was typed behind it
    where: int = 0  # which of the words is INPUT, or would be
    bare: bool = True  # whether the command reads standard input where INPUT is missing

    @classmethod
    def of(cls, name: str, words: Sequence[str], options: Mapping[str, Any], *, bare: bool) -> Line:
        """Find INPUT among the words."""
        alone = (index for index, word in enumerate(classify(words, options)) if not word.flag)
        return cls(name, tuple(words), next(alone, len(words)), bare)

    @property
    def given(self) -> str:
        """INPUT as it was typed, ``-`` where it was not."""
        return "".join(self.words[self.where : self.where + 1]) or "-"

    def say(self, name: str, value: Any) -> str:
        """Say what a `Phrase` has for an option."""
        if isinstance(value, Readable):
            return self._reading(value)
        if isinstance(value, Typed):
            return told(value.text, self)
        if isinstance(value, Instead):
            source = shlex.quote(self.given) if self.words else INPUT
            return " ".join(["poolcli", value.name, *(typed(*one) for one in value.options.items()), source])
        return typed(name, free_name(value) if name == "output" and value else value)

    def _reading(self, source: Readable) -> str:
        if not source.program:
            return f"poolcli {self.name} {source.name}{' < input.csv' if source.name == '-' else ''}"
        piped = f"{source if source.name else f'... | {source}'} | poolcli "
        if self.given != (source.name or "-"):  # another file that the command reads: a kernel, a recipe
            return f"{piped}pool"
        rest = [*self.words[: self.where], *([] if self.bare else ["-"]), *self.words[self.where + 1 :]]
        return piped + shlex.join([self.name, *rest])


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


def told(text: str | Phrase, line: Line | None = None) -> str:
    """Say a text of the library with options as one types them."""
    return text if isinstance(text, str) else text.worded((line or Line()).say)


def spoken(text: str | Phrase, line: Line | None = None) -> str:
    """Say an advice of the library as one types it; one that begins with an option says to use it."""
    if isinstance(text, str):
        return text
    first = text.parts[0] if text.parts else ""
    option = isinstance(first, tuple) and first[1] is not None and not isinstance(first[1], Readable | Instead | Typed)
    return ("use " if option else "") + told(text, line)


# --- what Typer found wrong -------------------------------------------------------------------------------------------

EXTRA = r"(?s)Got unexpected extra argument\(s\) \((?P<names>.*)\)"
FILE = r"[^ ]+\.[A-Za-z0-9]+"  # as the OUT of: convert IN OUT
NO_OPTIONS = {"--html": Instead("explain", output="page.html")}  # what people try, and what there is instead
TYPED = {"kernel": "filter", "return_indices": "indices", "upstream": "upstream"}  # keywords that one types otherwise


def refusal(
    problem: Any, hint: str, where: str = "", *, lacking: str = "", options: Mapping[str, Any] = {},
    inputs: Sequence[str] = (),
) -> UsageError:  # fmt: skip
    """Return the error for what Typer found wrong.

    Parameters
    ----------
    problem : TyperException
        What Typer raised. It does not export the kinds, but each has attributes of its own.
    where : str
        The stage of a stack, to be said before it.
    lacking : str
        The hint if an argument is missing.
    """
    advice: str | Phrase = hint
    if hasattr(problem, "possibilities"):  # those of Typer are near because of their dashes
        advice = _other_option(problem, options) or hint
        if problem.option_name in NO_OPTIONS and not where:
            advice = Phrase("{call}", call=NO_OPTIONS[problem.option_name])
    if hasattr(problem, "param_type"):
        advice = lacking or hint
    if extra := re.fullmatch(EXTRA, problem.format_message()):
        advice = _for_extra(extra["names"], inputs, options) or hint
    return UsageError(where + problem.format_message(), advice)


def _other_option(problem: Any, options: Mapping[str, Any]) -> str:
    """Suggest the options that are near, or say what a word from elsewhere is called here."""
    from difflib import get_close_matches

    name = problem.option_name.lstrip("-").partition("=")[0]
    near = {flag.lstrip("-"): flag for flag in problem.possibilities or ()}
    problem.possibilities = [near[one] for one in get_close_matches(name, near, cutoff=NEAR)]
    keyword = ELSEWHERE.get(name.replace("-", "_"), "")
    flag = typed(TYPED.get(keyword, keyword), None)
    if not keyword or flag not in options:
        return ""
    problem.possibilities = []
    return f"--{name} is {flag} here"


def _for_extra(names: str, inputs: Sequence[str], options: Mapping[str, Any]) -> str:
    """Say what to do with words that are too many: several inputs are a batch, a name that is free is an output."""
    if len(inputs) > 1 and all(map(os.path.exists, inputs)):
        return f"one at a time, or all of them: poolcli batch {shlex.join(inputs)} -o FOLDER"
    if re.fullmatch(FILE, names) and not os.path.lexists(names) and "-o" in options:
        return f"-o {shlex.quote(names)} writes the result there"
    return ""

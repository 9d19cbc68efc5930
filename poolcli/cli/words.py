"""The words of a command line, and the library's messages spelled as command-line options."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from poolcli.errors import NEAR, PoolcliError, UsageError
from poolcli.system.files import SECOND_NUMBER, free_name
from poolcli.system.portable import shell_word
from poolcli.wording import ELSEWHERE, Instead, Phrase, Readable, Typed

if TYPE_CHECKING:
    from typer.core import TyperCommand

FLAGS = {
    "global_window": "--global",
    "output": "-o",
    "kernel": "--filter",
    "return_indices": "--indices",
    "target": "--emit",
}  # options that differ from the keyword
LISTED = ("at",)  # options whose numbers are separated by commas
WITHOUT_NAN_RULE = {"--compat", "--side"}  # no framework skips NaN
INPUT = "INPUT"  # for hints without a known input


# --- words ------------------------------------------------------------------------------------------------------------


class Word(NamedTuple):
    """A word of a command line."""

    text: str  # as typed
    flag: str = ""  # the option that it names or whose value it is; empty for arguments such as INPUT or a step
    value: str | None = None  # the value of the option if this word contains it: --size=3, -k3, or the word after -k
    awaits: bool = False  # whether the next word is the option's value


def classify(words: Sequence[str], options: Mapping[str, Any]) -> list[Word]:
    """Classify words as options, their values, or arguments, which include everything after ``--``.

    `options` are the command's, by each of their names, as in `options_of`.
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
    """Split an option from a value in the same word: ``--size=3``, ``-k3``."""
    if text.startswith("--"):
        flag, sign, value = text.partition("=")
        return flag, value if sign else None
    return text[:2], text[2:] or None


def options_of(command: TyperCommand) -> dict[str, Any]:
    """Return the options of a command by each of their names."""
    options = [one for one in command.params if one.param_type_name == "option"]
    return {name: one for one in options for name in (*one.opts, *one.secondary_opts)}


# --- messages of the library as one types options ---------------------------------------------------------------------


class Line(NamedTuple):
    """The typed command line, for hints that repeat it."""

    name: str = "pool"
    words: tuple[str, ...] = ()  # after the name
    where: int = 0  # the position of INPUT in the words, or where it would be
    bare: bool = True  # whether the command reads standard input without INPUT
    options: Mapping[str, Any] = {}  # by each of their names; none if unknown

    @classmethod
    def of(cls, name: str, words: Sequence[str], options: Mapping[str, Any], *, bare: bool) -> Line:
        """Find INPUT among the words."""
        alone = (index for index, word in enumerate(classify(words, options)) if not word.flag)
        return cls(name, tuple(words), next(alone, len(words)), bare, options)

    @property
    def given(self) -> str:
        """INPUT as typed, else ``-``."""
        return "".join(self.words[self.where : self.where + 1]) or "-"

    def takes(self, part: Phrase) -> bool:
        """Whether the command takes the options that a part of a hint advises; those of a stack are its steps'."""
        known = self.options if self.bare else {}
        typed_too = {word.flag for word in classify(self.words, known)}
        if part.settings.get("nan") == "ignore" and typed_too & WITHOUT_NAN_RULE:
            return False
        return not known or all(typed(name, None) in known for name in part.settings)

    def say(self, name: str, value: Any) -> str:
        """Spell a field of a `Phrase`."""
        if isinstance(value, Readable):
            return self._reading(value)
        if isinstance(value, Typed):
            return told(value.text, self)
        if isinstance(value, Instead):
            source = shell_word(self.given) if self.words else INPUT
            return " ".join(["poolcli", value.name, *(typed(*one) for one in value.options.items()), source])
        return typed(name, free_name(value) if name == "output" and value else value)

    def _reading(self, source: Readable) -> str:
        if not source.program:
            return f"poolcli {self.name} {source.name}{' < input.csv' if source.name == '-' else ''}"
        piped = f"{source if source.name else f'... | {source}'} | poolcli "
        if not self.words:
            return f"{piped}pool"
        if self.given != (source.name or "-"):  # another file of the command, such as a kernel or a recipe
            return f"{source} > FILE, and give FILE instead"
        rest = [*self.words[: self.where], *([] if self.bare else ["-"]), *self.words[self.where + 1 :]]
        return piped + " ".join(map(shell_word, [self.name, *rest]))


def typed(name: str, value: Any) -> str:
    """Return an option as one types it.

    Examples
    --------
    >>> typed("size", (2, 3)), typed("ceil_mode", True), typed("pad_fill", None), typed("ceil_mode", False)
    ('--size 2x3', '--ceil-mode', '--pad-fill', '--no-ceil-mode')
    """
    flag = FLAGS.get(name, f"--{name.replace('_', '-')}")
    if value is None or value is True:
        return flag
    if value is False:
        return f"--no-{flag.removeprefix('--')}"
    between = "," if name in LISTED else "x"
    text = between.join(map(str, value)) if isinstance(value, tuple) else str(value)
    return f"{flag} {shell_word(text)}"


def told(text: str | Phrase, line: Line | None = None) -> str:
    """Return a text of the library with options as one types them."""
    return text if isinstance(text, str) else text.worded((line or Line()).say)


def spoken(text: str | Phrase, line: Line | None = None) -> str:
    """Return a hint of the library with options as one types them; before a leading option comes ``use``.

    What the command has no option for is left out, unless nothing else remains.
    """
    if isinstance(text, str):
        return text
    kept = text.only(line.takes) if line else text
    text = kept if kept.parts else text
    first = text.parts[0] if text.parts else ""
    option = isinstance(first, tuple) and first[1] is not None and not isinstance(first[1], Readable | Instead | Typed)
    return ("use " if option else "") + told(text, line)


# --- an INPUT that was taken for a value ------------------------------------------------------------------------------


def misread(problem: PoolcliError, line: Line) -> str:
    """Return the hint for a missing INPUT that became the value of an option; else nothing."""
    words = classify(line.words, line.options)
    before, after = words[: line.where], words[line.where :]
    asks = isinstance(problem.advice, Phrase) and "input" in problem.advice.names
    if after and not (asks and isinstance(problem, UsageError)):  # the step of a stack may stand in its place
        return ""
    for place, word in enumerate(before):
        if word.text == word.value and _is_input(word, line.options) and (asks or _named_in(problem, word.text)):
            rest = [*line.words[:place], "VALUE", *line.words[place + 1 : line.where], word.text]
            again = " ".join(map(shell_word, ["poolcli", line.name, *rest, *line.words[line.where :]]))
            return f"{word.flag} took {word.text} as its value; give it one: {again}"
    return ""


def _is_input(value: Word, options: Mapping[str, Any]) -> bool:
    """Whether a value is a file, where the option takes none."""
    metavar = options[value.flag].metavar or ""
    return "FILE" not in metavar and metavar != "PATH" and os.path.isfile(value.text)


def _named_in(problem: PoolcliError, value: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", problem.message) is not None


# --- errors of Typer --------------------------------------------------------------------------------------------------

EXTRA = r"(?s)Got unexpected extra argument\(s\) \((.*)\)"
SAID = {  # what Typer says, and how we say it
    r"No such option": "no such option",
    EXTRA: r"unexpected: \1",
    r"(?s)Invalid value for '(--[\w-]+)' \(env var: '(\w+)'\): (.*) is not a valid int(eger)?\.":
        r"\1 (or \2): \3 is not a whole number",
    r"(?s)Invalid value for '(--[\w-]+)' \(env var: '(\w+)'\): (.*) is not a valid float\.":
        r"\1 (or \2): \3 is not a number",
    r"Option '(.*)' requires an argument\.": r"\1 needs a value",
    r"Missing argument '(.*)'\.": r"\1 is missing",
}  # fmt: skip
FILE = r"[^ ]+\.[A-Za-z0-9]+"  # such as OUT in: convert IN OUT
MOST_NAMED = 200  # characters of the files in a hint
NO_OPTIONS = {"--html": Instead("explain", output="page.html")}  # options that people try, and the command instead
TYPED_ELSEWHERE = {
    "sep": "delimiter", "separator": "delimiter", "skiprows": "skip", "skip_rows": "skip", "na": "missing",
    "na_values": "missing", "nodata": "missing", "out": "output", "outfile": "output",
}  # fmt: skip


def refusal(
    problem: Any, hint: str, where: str = "", *, lacking: str | Phrase = "", options: Mapping[str, Any] = {},
    inputs: Sequence[str] = (),
) -> UsageError:  # fmt: skip
    """Return poolcli's error for a `TyperException`, whose kinds differ by their attributes.

    `where` is the stage of a stack, to put in front; `lacking` is the hint for a missing argument.
    """
    advice: str | Phrase = hint
    if hasattr(problem, "possibilities"):  # Typer compares options including their dashes
        advice = _other_option(problem, options) or hint
        if problem.option_name in NO_OPTIONS and not where:
            advice = Phrase("{call}", call=NO_OPTIONS[problem.option_name])
    if hasattr(problem, "param_type"):
        advice = lacking or hint
    if extra := re.fullmatch(EXTRA, problem.format_message()):
        advice = _for_extra(extra[1], inputs, options) or hint
    text = problem.format_message()
    for theirs, ours in SAID.items():
        text = re.sub(theirs, ours, text, count=1)
    return UsageError(where + text, advice)


def _other_option(problem: Any, options: Mapping[str, Any]) -> str:
    """Suggest the nearest options, or translate the name that another library uses."""
    from difflib import get_close_matches

    name = problem.option_name.lstrip("-").partition("=")[0]
    near = {flag.lstrip("-"): flag for flag in problem.possibilities or ()}
    begun = [one for one in near if one.startswith(f"{name}-")]
    problem.possibilities = [near[one] for one in get_close_matches(name, near, cutoff=NEAR) or begun]
    keyword = {**ELSEWHERE, **TYPED_ELSEWHERE}.get(name.replace("-", "_"), "")
    flag = typed(keyword, None)
    if not keyword or flag not in options:
        return ""
    problem.possibilities = []
    return f"--{name} is {flag} here"


def _for_extra(names: str, inputs: Sequence[str], options: Mapping[str, Any]) -> str:
    """Return the hint for extra arguments: several inputs are a batch, the name of no file is an output."""
    if len(inputs) > 1 and inputs[0].isdecimal() and not os.path.lexists(inputs[0]):
        return SECOND_NUMBER.format(inputs[0])
    if len(inputs) > 1 and all(map(os.path.exists, inputs)):
        if "--input-format" not in options:  # batch pools maps, not models
            return "give one file at a time"
        named = " ".join(map(shell_word, inputs))
        return f"one at a time, or all of them: poolcli batch {named if len(named) < MOST_NAMED else 'FILES'} -o FOLDER"
    if re.fullmatch(FILE, names) and not os.path.lexists(names) and "-o" in options:
        return f"-o {shell_word(names)} writes the result there"
    return ""

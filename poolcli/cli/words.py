"""The words of a command line, and the library's messages spelled as command-line options."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from poolcli.system.files import free_name
from poolcli.system.portable import shell_word
from poolcli.wording import Instead, Phrase, Readable, Typed, enumerated

if TYPE_CHECKING:
    from typer.core import TyperCommand

FLAGS = {
    "global_window": "--global",
    "output": "-o",
    "kernel": "--filter",
    "return_indices": "--indices",
    "target": "--emit",
    "settings": "--set",
}  # options that differ from the keyword
LISTED = ("at",)  # options whose numbers are separated by commas
OF_THE_FILTER = {"-s", "--stride", "-p", "--padding", "--dilation"}  # in conv; in other commands, of the pooling
WITHOUT_NAN_RULE = {"--compat", "--side"}  # no framework skips NaN
INPUT = "INPUT"  # for hints without a known input
SWITCH = {  # the values of a switch in the environment
    **dict.fromkeys(("1", "on", "t", "true", "y", "yes"), True),
    **dict.fromkeys(("", "0", "f", "false", "n", "no", "off"), False),
}


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
    options_of: Callable[[str], Mapping[str, Any]] = lambda _: {}  # of another command

    @classmethod
    def of(
        cls, name: str, words: Sequence[str], options_of: Callable[[str], Mapping[str, Any]], *, bare: bool
    ) -> Line:  # fmt: skip
        """Find INPUT among the words."""
        options = options_of(name)
        alone = (index for index, word in enumerate(classify(words, options)) if not word.flag)
        return cls(name, tuple(words), next(alone, len(words)), bare, options, options_of)

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
        if name == "filter_padding" and typed(name, None) not in self.options:  # conv and its step
            name = "padding"
        if isinstance(value, Readable):
            return self._reading(value)
        if isinstance(value, Typed):
            return told(value.text, self)
        if isinstance(value, Instead):
            return self._instead(value)
        return typed(name, free_name(value) if name == "output" and value else value)

    def _instead(self, other: Instead) -> str:
        """Repeat the line with another command, and say what it cannot take along."""
        own, theirs = [typed(*one) for one in other.options.items()], self.options_of(other.name)
        replaced = {name for one in own for name in getattr(theirs.get(one.split()[0]), "opts", ())}
        kept, left = [], ["its steps"] if not self.bare else []
        words = classify(self.words if self.bare else self.words[: self.where], self.options)
        for word in words:
            fits = word.flag in theirs and not (self.name == "conv" and word.flag in OF_THE_FILTER)
            if fits and word.flag not in replaced:
                kept.append(shell_word(word.text))
            elif word.flag in self.options and word.flag not in replaced and word.text != word.value:
                left.append(word.flag)
        source = shell_word(self.given) if self.words else INPUT
        without = f" (without {enumerated(left)})" if left else ""
        return " ".join(["poolcli", other.name, *kept, *own, source]) + without

    def _reading(self, source: Readable) -> str:
        if not source.program:
            before, after = self.words[: self.where], self.words[self.where + 1 :]
            line = [source.name] if self.bare else [*before, source.name, *after]  # a stack needs its steps
            return " ".join(map(shell_word, ["poolcli", self.name, *line])) + " < input.csv" * (source.name == "-")
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

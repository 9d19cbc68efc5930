"""Texts that people read: phrases that hold options as data, words of other libraries, foreign names made harmless."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from typing import Any


def printable(text: str) -> str:
    r"""Return `text` with control, direction and other invisible characters written out as escapes.

    Examples
    --------
    >>> print(printable("a\x1b[31mb"))
    a\x1b[31mb
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def as_utf8(typed: str) -> bytes:
    """Return what someone typed as a file would hold it; bytes that are not text stay something that no file holds."""
    return typed.encode("utf-8", "surrogatepass")


# what poolcli sends to a terminal beside characters: colours and ends of lines
SENT = re.compile(r"(\x1b\[[0-9;]*m|\n)")
FIELD = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")  # of a phrase, where two braces are one that is meant


def harmless(text: str) -> str:
    r"""Return text of several lines and colours, with all else that a terminal acts on written out as escapes.

    Examples
    --------
    >>> print(harmless("a\x1b]0;title\x07b\nc"))
    a\x1b]0;title\x07b
    c
    """
    if SENT.sub("", text).isprintable():
        return text
    return "".join(piece if number % 2 else printable(piece) for number, piece in enumerate(SENT.split(text)))


def many(number: int, what: str) -> str:
    """Say how many there are of something.

    Examples
    --------
    >>> many(1, "filter"), many(2, "filter"), many(0, "filter")
    ('1 filter', '2 filters', '0 filters')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


LONGEST = 60


def safe(text: str, longest: int = LONGEST) -> str:
    r"""Return foreign text as one line that no terminal acts on: control, direction and other odd characters escaped.

    Parameters
    ----------
    longest : int
        Characters; more are elided in the middle.

    Examples
    --------
    >>> print(safe("a\x1b[31m.csv"), safe("x" * 100, 10))
    a\x1b[31m.csv xxxx...xxx
    """
    plain = printable(text)
    if len(plain) <= longest:
        return plain
    head = (longest - 2) // 2
    return f"{plain[:head]}...{plain[len(plain) - (longest - 3 - head) :]}"


# what other libraries call an option, and what it is called here
ELSEWHERE: Mapping[str, str] = {
    "kernel_size": "size", "pool_size": "size", "ksize": "size", "kernel_shape": "size", "filter_size": "size",
    "window": "size", "window_shape": "size", "window_size": "size", "block_size": "size", "kernel": "size",
    "strides": "stride", "step": "stride", "hop": "stride",
    "pad": "padding", "pads": "padding", "pad_width": "padding", "auto_pad": "padding",
    "padding_mode": "pad_fill", "pad_mode": "pad_fill", "cval": "pad_fill", "fill_value": "pad_fill",
    "dilations": "dilation", "dilation_rate": "dilation", "rate": "dilation",
    "data_format": "layout", "dim_order": "layout", "channel_axis": "layout", "axis": "ndim", "dims": "ndim",
    "pool_type": "mode", "pooling_type": "mode", "pool_mode": "mode", "func": "mode", "op": "mode", "reduce": "mode",
    "return_mask": "return_indices", "with_indices": "return_indices", "exclusive": "count_include_pad",
    "include_pad": "count_include_pad", "random_state": "seed", "target_size": "output_size",
    "framework": "compat", "weight": "kernel", "weights": "kernel", "filters": "kernel", "filter": "kernel",
    "grad_output": "upstream", "dy": "upstream",
}  # fmt: skip


class Phrase:
    """A text that names options: which option, and which value, as data; who shows it says how they are typed.

    Parameters
    ----------
    text : str
        A field in braces is the name of an option, ``{0}`` one of `texts`.
    *texts : object
        What is said as it is.
    **values : object
        What an option is given; one without a value is only named. A `Readable`, an `Instead` or a `Typed` stands for
        itself.

    Examples
    --------
    >>> advice = Phrase("{size}, or {padding}", size=4, padding=1)
    >>> str(advice)
    'size=4, or padding=1'
    >>> advice.worded(lambda name, value: f"--{name} {value}")
    '--size 4, or --padding 1'
    >>> str("layer 2: " + Phrase("{0} needs {seed}", "stochastic"))
    'layer 2: stochastic needs seed'
    """

    def __init__(self, text: str, /, *texts: object, **values: object) -> None:
        parts: list[str | tuple[str, object]] = []
        for place, part in enumerate(FIELD.split(text)):
            if place % 2:
                parts.append(str(texts[int(part)]) if part.isdigit() else (part, values.get(part)))
            elif part:
                parts.append(part.replace("{{", "{").replace("}}", "}"))
        self.parts = tuple(parts)

    def worded(self, option: Callable[[str, Any], str]) -> str:
        """Return the text with every option as `option` says it of its name and its value, None if it has none."""
        return "".join(part if isinstance(part, str) else option(*part) for part in self.parts)

    def __str__(self) -> str:
        return self.worded(keyword)

    def __add__(self, more: str | Phrase) -> Phrase:
        return self._of(self.parts + (more.parts if isinstance(more, Phrase) else (more,)))

    def __radd__(self, before: str) -> Phrase:
        return self._of((before, *self.parts))

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, str | Phrase) else NotImplemented

    def __hash__(self) -> int:
        return hash(str(self))

    @classmethod
    def _of(cls, parts: tuple[str | tuple[str, object], ...]) -> Phrase:
        made = cls("")
        made.parts = parts
        return made


class Typed:
    """A part of a `Phrase` that the command line says, and Python does not, or otherwise.

    Parameters
    ----------
    text : str or Phrase
        The part.
    otherwise : str
        What Python says in its place.

    Examples
    --------
    >>> str(Phrase("pool with {return_indices}{more}", more=Typed(Phrase(" {json}"))))
    'pool with return_indices'
    """

    def __init__(self, text: str | Phrase, otherwise: str = "") -> None:
        self.text, self.otherwise = text, otherwise

    def __str__(self) -> str:
        return self.otherwise


class Readable:
    """A source that can be read, for a `Phrase`: the command line says how to read it with the command that was typed.

    Parameters
    ----------
    name : str
        A file, ``-`` for standard input, or nothing for what a pipe brings.
    program : str
        A program of the shell that makes the source readable.

    Examples
    --------
    >>> str(Readable("my table.tsv", "cut -f 2-")), str(Readable("", "gunzip -c")), str(Readable("input.csv"))
    ("cut -f 2- 'my table.tsv'", 'gunzip -c', "read('input.csv')")
    """

    def __init__(self, name: str, program: str = "") -> None:
        self.name, self.program = name, program

    def __str__(self) -> str:
        if not self.program:
            return f"read({self.name!r})"
        return f"{self.program} {shlex.quote(self.name)}" if self.name else self.program


class Instead:
    """Another function that does what was wanted of the same input, for a `Phrase`; on the command line a command.

    Parameters
    ----------
    name : str
        Of the function.
    **options : object
        What it is given; ``output`` is the file that it fills.

    Examples
    --------
    >>> str(Instead("compare", mode="max,avg")), str(Instead("explain", output="page.html"))
    ("compare(x, mode='max,avg')", "explain(x).save('page.html')")
    """

    def __init__(self, name: str, **options: object) -> None:
        self.name, self.options = name, options

    def __str__(self) -> str:
        given = [f"{name}={value!r}" for name, value in self.options.items() if name != "output"]
        saved = f".save({self.options['output']!r})" if "output" in self.options else ""
        return f"{self.name}({', '.join(['x', *given])}){saved}"


def keyword(name: str, value: Any) -> str:
    """Say an option as Python spells it.

    Examples
    --------
    >>> keyword("size", (2, 3)), keyword("padding", "same"), keyword("stride", None)
    ('size=(2, 3)', "padding='same'", 'stride')
    """
    if isinstance(value, Readable | Instead | Typed):
        return str(value)
    return name if value is None else f"{name}={value!r}"

"""Texts for people: phrases with options as data, names from other libraries, foreign text made harmless."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple


def printable(text: str) -> str:
    r"""Return `text` with control, bidirectional and other invisible characters as escapes.

    Examples
    --------
    >>> print(printable("a\x1b[31mb"))
    a\x1b[31mb
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def as_utf8(typed: str) -> bytes:
    """Return typed text as the bytes of a file; undecodable bytes stay invalid, so that a reader refuses them."""
    return typed.encode("utf-8", "surrogatepass")


SENT = re.compile(r"(\x1b\[[0-9;]*m|\n)")  # the only controls that poolcli sends to a terminal: colours, line ends
ALTERNATIVE = re.compile(r"(; or |; |, or )")  # what separates the parts of a hint that one may follow
FIELD = re.compile(r"(?<!\{)\{(\w+)\}(?!\})")  # of a phrase, where a doubled brace stands for one


def harmless(text: str) -> str:
    r"""Return text with its lines and colours, and everything else that a terminal acts on as escapes.

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
    """Return a number with its noun.

    Examples
    --------
    >>> many(1, "filter"), many(2, "filter"), many(0, "filter")
    ('1 filter', '2 filters', '0 filters')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def enumerated(names: Sequence[str]) -> str:
    """Return names as a sentence lists them.

    Examples
    --------
    >>> enumerated(["ONNX"]), enumerated(["ONNX", "Flax", "Keras"])
    ('ONNX', 'ONNX, Flax and Keras')
    """
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))


LONGEST = 60


def safe(text: str, longest: int = LONGEST) -> str:
    r"""Return foreign text as one harmless line of at most `longest` characters, the middle elided.

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


def given(value: object) -> str:
    """Return a value as a message shows it: of arrays, files and other objects only the type.

    Examples
    --------
    >>> given([1, "a"]), given(len), given(range(3))
    ("[1, 'a']", 'of type function', 'of type range')
    """
    if isinstance(value, str | int | float | list | tuple | dict | None):
        return safe(repr(value))
    return f"of type {'function' if callable(value) else type(value).__name__}"


# names of options in other libraries, and ours
ELSEWHERE: Mapping[str, str] = {
    "kernel_size": "size", "pool_size": "size", "ksize": "size", "kernel_shape": "size", "filter_size": "size",
    "window": "size", "window_shape": "size", "window_size": "size", "block_size": "size", "kernel": "size",
    "strides": "stride", "step": "stride", "hop": "stride",
    "pad": "padding", "pads": "padding", "pad_width": "padding", "auto_pad": "padding",
    "padding_mode": "pad_fill", "pad_mode": "pad_fill", "cval": "pad_fill", "fill_value": "pad_fill",
    "dilations": "dilation", "dilation_rate": "dilation", "rate": "dilation",
    "data_format": "layout", "dim_order": "layout",
    "type": "mode", "method": "mode", "function": "mode", "agg": "mode", "aggfunc": "mode", "factor": "size",
    "pool_type": "mode", "pooling_type": "mode", "pool_mode": "mode", "func": "mode", "op": "mode", "reduce": "mode",
    "return_mask": "return_indices", "with_indices": "return_indices",
    "include_pad": "count_include_pad", "random_state": "seed", "target_size": "output_size",
    "framework": "compat", "weight": "kernel", "weights": "kernel", "filters": "kernel", "filter": "kernel",
    "grad_output": "upstream", "dy": "upstream",
    "sep": "delimiter", "separator": "delimiter", "delim": "delimiter", "skiprows": "skip", "skip_rows": "skip",
    "na": "missing", "na_values": "missing", "nodata": "missing", "usecols": "columns", "cmap": "colormap",
}  # fmt: skip


def called_here(name: str, known: Iterable[str]) -> str:
    """Return what another library's name of an option is called here, if it is one of those known; else nothing.

    Examples
    --------
    >>> called_here("kernel_size", ["size", "stride"])
    'it is called size here'
    """
    ours = ELSEWHERE.get(name, "")
    return f"it is called {ours} here" if ours in known else ""


class Phrase:
    """A text with options as data, so that the command line and Python can each spell them.

    Parameters
    ----------
    text : str
        A field in braces names an option; ``{0}`` is one of `texts`.
    *texts : object
        Inserted as they are.
    **values : object
        The values of options; an option without one is only named. A `Readable`, an `Instead` or a `Typed` stands for
        itself.

    Examples
    --------
    >>> advice = Phrase("{size}, or {padding}", size=4, padding=1)
    >>> str(advice)
    'size=4, or padding=1'
    >>> advice.worded(lambda name, value: f"--{name} {value}")
    '--size 4, or --padding 1'
    >>> str("step 2: " + Phrase("{0} needs {seed}", "stochastic"))
    'step 2: stochastic needs seed'
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
        """Return the text with every option spelled by `option`, which gets its name and its value or None."""
        return "".join(part if isinstance(part, str) else option(*part) for part in self.parts)

    @property
    def names(self) -> set[str]:
        """The options that it names."""
        return {part[0] for part in self.parts if not isinstance(part, str)}

    @property
    def settings(self) -> dict[str, Any]:
        """The options with their values, of which a hint advises.

        Examples
        --------
        >>> Phrase("{size}, or {padding}", size=4).settings
        {'size': 4}
        """
        return {
            name: value
            for name, value in (part for part in self.parts if not isinstance(part, str))
            if not isinstance(value, Readable | Instead | Typed | None)
        }

    def only(self, wanted: Callable[[Phrase], bool]) -> Phrase:
        """Return the phrase with only those of its alternatives that are wanted.

        Examples
        --------
        >>> advice = Phrase("{size}, or {padding}; or drop {compat}", size=4, padding=1)
        >>> str(advice.only(lambda part: "padding" not in part.settings))
        'size=4; or drop compat'
        """
        clauses: list[list[str | tuple[str, object]]] = [[""]]
        for part in self.parts:
            for piece in ALTERNATIVE.split(part) if isinstance(part, str) else [part]:
                if isinstance(piece, str) and ALTERNATIVE.fullmatch(piece):
                    clauses.append([piece])
                elif piece:
                    clauses[-1].append(piece)
        kept = [[link, *parts] for link, *parts in clauses if wanted(self._of(tuple(parts)))]
        return self._of(tuple(piece for place, clause in enumerate(kept) for piece in clause[not place :]))

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


# names of options in other libraries that are no option here, and what to do instead
UNLIKE: Mapping[str, Phrase] = {
    **dict.fromkeys(
        ("axis", "axes", "dim", "dims", "channel_axis"),
        Phrase("the last axes are pooled; to pool others, name them all: {layout}", layout="HWC"),
    ),
    "exclusive": Phrase("{count_include_pad} is its opposite"),
}


class Typed(NamedTuple):
    """A part of a `Phrase` for the command line only.

    Examples
    --------
    >>> str(Phrase("pool with {return_indices}{more}", more=Typed(Phrase(" {json}"))))
    'pool with return_indices'
    """

    text: str | Phrase
    otherwise: str = ""  # its replacement in Python

    def __str__(self) -> str:
        return self.otherwise


class Readable(NamedTuple):
    """A source to read, for a `Phrase`: the command line repeats the typed command with it.

    Examples
    --------
    >>> str(Readable("my table.tsv", "cut -f 2- 'my table.tsv'")), str(Readable("input.csv"))
    ("cut -f 2- 'my table.tsv'", "read('input.csv')")
    """

    name: str  # a file, - for standard input, or nothing for a pipe
    program: str = ""  # a shell command whose output can be read, in place of the file

    def __str__(self) -> str:
        return self.program or f"read({self.name!r})"


class Instead:
    """A call of another function or command on the same input, for a `Phrase`.

    Parameters
    ----------
    name : str
        The function.
    **options : object
        Its options; ``output`` is the file that it writes.

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
    """Return an option as Python spells it.

    Examples
    --------
    >>> keyword("size", (2, 3)), keyword("padding", "same"), keyword("stride", None)
    ('size=(2, 3)', "padding='same'", 'stride')
    """
    if isinstance(value, Readable | Instead | Typed):
        return str(value)
    return name if value is None else f"{name}={value!r}"

"""The options of pooling: one row of `OPTIONS` each, from which all else that concerns options follows.

The keyword arguments of `poolcli.pool` and `poolcli.grad`, the contents of recipes and records, the options of the
command line and the data of a page are made from these rows. Type checkers run nothing, so `Options` and
`poolcli.pooling.framework.LayerSpec` repeat the types; a test keeps them equal to the rows.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple, TypedDict

from poolcli.errors import Accepts, UnknownKeywordError, UnknownNameError, UsageError
from poolcli.pooling.framework import NOT_RUN, Framework
from poolcli.pooling.frameworks import FRAMEWORKS, OTHER_NAMES, framework_names
from poolcli.pooling.modes import ALIASES, GLOBALS, MODES, ChosenMode
from poolcli.window import (
    NAMED_PADDING,
    PAD_FILLS,
    SHARE_HINT,
    Padding,
    parse_padding,
    parse_sizes,
    parse_target,
    times,
)
from poolcli.wording import Phrase

NAN_RULES = ("propagate", "ignore", "error")

Size = int | Sequence[int] | None


class Options(TypedDict, total=False):
    """The keyword arguments of `pool` and `grad`; see `pool` for what they mean."""

    stride: int | Sequence[int] | None
    padding: Padding
    pad_fill: str | float
    dilation: int | Sequence[int]
    ceil_mode: bool
    count_include_pad: bool | None
    divisor_override: int | None
    global_window: bool
    output_size: int | Sequence[int | None] | None
    output_ratio: float | Sequence[float] | None
    fractional: bool
    nan: str
    compat: str | Framework | None
    seed: int | None
    storage_order: int
    offsets: Sequence[float] | None


# --- what a value can be ----------------------------------------------------------------------------------------------


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _length(value: Any) -> bool:
    return _whole(value) and abs(value) < MOST


def _list_of(one: Callable[[Any], bool], value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(one, value))


def _sizes(value: Any) -> bool:
    return _length(value) or _list_of(_length, value)


def _parse_ratios(text: str, _: str) -> float | tuple[float, ...]:
    """Read ``0.5`` or ``0.5x0.7``."""
    try:
        ratios = tuple(map(float, text.lower().split("x")))
    except ValueError:
        raise UsageError(Phrase("{output_ratio} does not consist of numbers", output_ratio=text), SHARE_HINT) from None
    return ratios[0] if len(ratios) == 1 else ratios


def _padding(value: Any) -> bool:
    return isinstance(value, str) or _sizes(value) or _list_of(_sizes, value)


def as_lists(value: Any) -> Any:
    """Return a value as JSON, with lists for tuples."""
    return [as_lists(part) for part in value] if isinstance(value, list | tuple) else value


def _grid(value: Any) -> bool:
    return _list_of(lambda item: _number(item) or _grid(item), value)


MOST = 10**18  # cells: no map has so many


class Kind(NamedTuple):
    """What kind of value an option has."""

    text: str  # in words
    fits: Callable[[Any], bool]  # whether a value from JSON is one
    typed: type = str  # its type on a command line, before `parse`
    parse: Callable[[str, str], Any] | None = None  # reads what was typed


SIZES = Kind("a whole number, or a list of one for each axis", _sizes, parse=parse_sizes)
TARGET = Kind(
    "a whole number, or a list of one or null for each axis",
    lambda value: _length(value) or _list_of(lambda one: one is None or _length(one), value),
    parse=parse_target,
)
RATIOS = Kind(
    "a number, or a list of one for each axis",
    lambda value: _number(value) or _list_of(_number, value),
    parse=_parse_ratios,
)
PADDING = Kind(
    "a word, a whole number, or a list of them or of begin,end pairs",
    _padding,
    parse=lambda text, _: parse_padding(text),
)
FILL = Kind("a word or a number", lambda value: isinstance(value, str) or _number(value))
TEXT = Kind("a text", lambda value: isinstance(value, str))
FLAG = Kind("true or false", lambda value: isinstance(value, bool), bool)
NUMBER = Kind("a number", _number, float)
WHOLE = Kind("a whole number", _whole, int)
INDICES = Kind("a list of whole numbers, one for each axis", lambda value: _list_of(_whole, value))
GRID = Kind("a nested list of numbers", _grid)

# --- the rows ---------------------------------------------------------------------------------------------------------


class PoolOption(NamedTuple):
    """An option of pooling."""

    name: str  # the keyword in Python
    type: str  # its annotation there
    default: Any  # None where it depends on other options
    kind: Kind  # of its value
    meaning: str | Phrase  # one sentence, with what the values do
    key: str = ""  # its name in JSON and on a command line, if that is not `name`
    letter: str = ""  # its short form on a command line, if any
    metavar: str | None = None  # the name of the value in a help text
    usual: str | None = None  # the default in words, where it depends on other options
    # the values that are offered, and the only ones unless `free`
    choices: Sequence[str] | Callable[[], Iterable[str]] = ()
    free: bool = False  # whether other values are allowed as well
    undone: bool = False  # whether a flag has an opposite
    typed: bool = True  # whether a command line offers it
    kept: bool = False  # whether it is an attribute of the layer itself, not of its window
    told: Callable[[Any], str] | None = None  # writes it in a line of text; without, it is not mentioned
    # raises `UsageError` if the value is wrong whatever the data
    check: Callable[[Any, ChosenMode], None] | None = None

    @property
    def json(self) -> str:
        """Its name in JSON."""
        return self.key or self.name


def mode_names() -> list[str]:
    """Return the modes as a user may type them; any may follow ``global-``."""
    own = (f"{mode.name}:{mode.parameter.example:g}" if mode.parameter else mode.name for mode in MODES.values())
    return [*own, *ALIASES, *GLOBALS]


def sizes_text(value: Any) -> str:
    """Write sizes, or shares, as a user types them.

    Examples
    --------
    >>> sizes_text(2), sizes_text([3, 2]), sizes_text([None, 2]), sizes_text([0.5, 0.7])
    ('2', '3x2', '_x2', '0.5x0.7')
    """
    sizes = value if isinstance(value, list | tuple) else [value]
    return "x".join("_" if size is None else str(size) for size in sizes)


def _ratio_told(value: Any) -> str:
    least = min(value) if isinstance(value, list | tuple) else value
    return f"{sizes_text(value)} cells to a window" if least >= 1 else f"to {sizes_text(value)} of the size"


def padding_text(value: Any) -> str:
    """Write padding as a user types it.

    Examples
    --------
    >>> padding_text("same"), padding_text([[1, 1], [2, 2]]), padding_text([[0, 1], [0, 1]])
    ('same', '1x2', '0,1,0,1')
    """
    if not isinstance(value, list | tuple):
        return str(value)
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in value):
        return times(value)
    return times([a for a, _ in value]) if all(a == b for a, b in value) else ",".join(f"{a},{b}" for a, b in value)


def _followed(name: Any) -> str:
    """Name the framework that is followed, and say so if nobody ran it."""
    framework = FRAMEWORKS.get(OTHER_NAMES.get(name, name))
    return f"as {name} ({NOT_RUN})" if framework and framework.documented else f"as {name}"


def _check_divisor(value: Any, chosen: ChosenMode) -> None:
    if value is None:
        return
    if not _whole(value) or abs(value) >= 2**63:
        raise UsageError(Phrase("{divisor_override} {0} is not a 64-bit whole number", value), "use one, such as 4")
    if value == 0:
        raise UsageError(Phrase("{divisor_override} must not be 0"), "use a whole number, which may be negative")
    if chosen.mode.name != "avg":
        raise UsageError(Phrase("mode {0} has no divisor, so {divisor_override} does nothing", chosen),
                         Phrase("{mode}, or drop {divisor_override}", mode="avg"))  # fmt: skip


def _check_nan(value: Any, _: ChosenMode) -> None:
    if value not in NAN_RULES:
        raise UnknownNameError("NaN rule", value, NAN_RULES)


def _check_seed(value: Any, chosen: ChosenMode) -> None:
    if chosen.mode.random and value is None:
        raise UsageError(
            f"mode {chosen} draws at random and needs a seed", "add " + Phrase("{seed}, or any whole number", seed=1)
        )
    if value is not None and value < 0:
        raise UsageError(f"the seed {value} is negative", Phrase("{seed}, or any whole number from 0", seed=1))


def _check_order(value: Any, _: ChosenMode) -> None:
    if value not in (0, 1):
        raise UsageError(f"storage order {value} is neither 0 nor 1", "use 0 for rows first, 1 for columns")


OPTIONS: tuple[PoolOption, ...] = (
    PoolOption(
        "mode", "str", "max", TEXT, "max, min, avg, sum, median ...; poolcli modes lists them.",
        letter="m", metavar="NAME[:PARAM]", choices=mode_names, free=True,
    ),
    PoolOption(
        "size", "int | Sequence[int] | None", None, SIZES, "Kernel size in cells, rows first.",
        letter="k", metavar="N|HxW|DxHxW", usual="2",
    ),
    PoolOption(
        "stride", "int | Sequence[int] | None", None, SIZES, "Cells from window to window.",
        letter="s", metavar="N|HxW", usual="the size", told=lambda value: f"stride {sizes_text(value)}",
    ),
    PoolOption(
        "padding", "Padding", "valid", PADDING,
        "valid, same, same-lower, cells, or begin,end per axis: top,bottom,left,right.",
        letter="p", metavar="P", choices=NAMED_PADDING, free=True, told=lambda value: f"padding {padding_text(value)}",
    ),
    PoolOption(
        "pad_fill", "str | float", "ignore", FILL,
        "The values of padding: ignore (left out), a number, reflect (c b | a b c), symmetric (b a | a b c), "
        "replicate (a a | a b c), wrap (b c | a b c).",
        metavar="FILL", choices=PAD_FILLS, free=True, kept=True, told=lambda value: f"filled with {value}",
    ),
    PoolOption(
        "dilation", "int | Sequence[int]", 1, SIZES, "Cells from cell to cell inside a window.",
        metavar="N|HxW", told=lambda value: f"dilation {sizes_text(value)}",
    ),
    PoolOption(
        "ceil_mode", "bool", False, FLAG,
        "Round the number of windows up; the last must start inside the input or the leading padding.",
        undone=True, told=lambda _: "ceil_mode",
    ),
    PoolOption(
        "count_include_pad", "bool | None", None, FLAG, "Count padding in the divisor of averages.",
        undone=True, kept=True, told=lambda _: "count_include_pad",
    ),
    PoolOption(
        "divisor_override", "int | None", None, WHOLE,
        "Divide sums by N instead of by the number of cells, in averages.",
        metavar="N", kept=True, told=lambda value: f"divided by {value}", check=_check_divisor,
    ),
    PoolOption("global_window", "bool", False, FLAG, "One window over the whole map.", key="global"),
    PoolOption(
        "output_size", "int | Sequence[int | None] | None", None, TARGET,
        "Adaptive windows: as many as give this output; _x7 keeps the rows as they are.",
        metavar="HxW", told=lambda value: f"to {sizes_text(value)}",
    ),
    PoolOption(
        "output_ratio", "float | Sequence[float] | None", None, RATIOS,
        Phrase("The output of {fractional} windows as a share of the input, rounded down, or TensorFlow's ratio."),
        metavar="R|RxR", told=_ratio_told,
    ),
    PoolOption(
        "fractional", "bool", False, FLAG, Phrase("Windows of varying sizes that give {output_size}."),
        told=lambda _: "fractional",
    ),
    PoolOption(
        "nan", "str", "propagate", TEXT, "How to treat NaN.",
        choices=NAN_RULES, kept=True, told=lambda value: f"NaN {value}", check=_check_nan,
    ),
    PoolOption(
        "compat", "str | Framework | None", None, TEXT,
        f"Follow a framework: defaults, quirks, refusals; {', '.join(FRAMEWORKS)}.",
        metavar="NAME", choices=framework_names, kept=True, told=_followed,
    ),
    PoolOption(
        "seed", "int | None", None, WHOLE, "For stochastic and fractional pooling: the same seed, the same result.",
        metavar="N", kept=True, told=lambda value: f"seed {value}", check=_check_seed,
    ),
    PoolOption(
        "storage_order", "int", 0, WHOLE, Phrase("1: {return_indices} count columns first, as ONNX can."),
        metavar="0|1", kept=True, check=_check_order,
    ),
    PoolOption(
        "offsets", "Sequence[float] | None", None, GRID,
        "The random offset u of fractional windows, one for each spatial axis, instead of a seed.", typed=False,
    ),
)  # fmt: skip
KEYWORDS: Mapping[str, PoolOption] = {row.name: row for row in OPTIONS[2:]}  # all but mode and size
KEPT = tuple(row for row in OPTIONS if row.kept)
BY_JSON: Mapping[str, PoolOption] = {row.json: row for row in OPTIONS}


def completed(options: Options) -> dict[str, Any]:
    """Return all keyword arguments, with defaults for missing ones; raise `UnknownKeywordError` for others.

    Examples
    --------
    >>> completed({"stride": 1})["padding"]
    'valid'
    """
    if unknown := options.keys() - KEYWORDS.keys():
        raise UnknownKeywordError("pool", min(unknown), [row.name for row in OPTIONS])
    values = {row.name: options.get(row.name, row.default) for row in KEYWORDS.values()}
    for row in KEYWORDS.values():
        if row.kind is FLAG and isinstance(values[row.name], str):  # any text would be true
            what = Phrase(f"{{{row.name}}} {{0}} is not true or false", repr(values[row.name]))
            raise UsageError(what, "such as " + Phrase(f"{{{row.name}}}", **{row.name: True}))
    return values


def described() -> list[str]:
    """Describe every keyword argument, in the lines of a docstring."""
    lines = []
    for row in KEYWORDS.values():
        usual = "" if row.default is None else f", {row.default!r} if missing"
        text = textwrap.wrap(str(row.meaning), 112, initial_indent="    ", subsequent_indent="    ")
        lines += [f"{row.name} : {row.type}{usual}", *text]
    return lines


def accepts(kind: Kind, example: Any = None) -> Accepts:
    """Return what an argument of this kind may be, for `poolcli.errors.in_our_words`."""
    return Accepts(kind.text, lambda value: kind.fits(as_lists(value)), example)


# what the functions of Python take
ACCEPTS: Mapping[str, Accepts] = {
    **{row.name: accepts(row.kind, row.default) for row in OPTIONS},
    "seed": accepts(WHOLE, 1),
    "stride": accepts(SIZES, 2),
    "ndim": accepts(WHOLE, 2),
    "layout": accepts(TEXT, "HWC"),
}


# options that place the windows by themselves: why, and which others cannot be combined with them
_ALONE: Mapping[str, tuple[str, set[str]]] = {
    "global_window": (
        "a global window is the whole map",
        {"size", "stride", "padding", "dilation", "ceil_mode", "output_size", "fractional"},
    ),
    "fractional": (
        "fractional windows lie where the seed puts them",
        {"stride", "padding", "dilation", "ceil_mode"},
    ),
    "output_size": (
        "adaptive windows follow from the number of outputs",
        {"size", "stride", "padding", "dilation", "ceil_mode"},
    ),
}


def window_kind(size: Size, given: Mapping[str, Any]) -> str:
    """Return the kind of window that the options ask for; raise `UsageError` for two that cannot be combined."""
    said = {name for name, value in given.items() if value != KEYWORDS[name].default}
    said |= {"size"} if size is not None else set()
    if "output_ratio" in said and ("fractional" not in said or "output_size" in said):
        why, advice = "only with {fractional}", "add {fractional}"
        if "output_size" in said:
            why, advice = "not with {output_size}", "drop {output_ratio}"
        raise UsageError(Phrase("{output_ratio} goes " + why), Phrase(advice))
    if "fractional" in said and not said & {"output_size", "output_ratio"}:
        such = Phrase("give the number, such as {output_size}, or a share: {output_ratio}",
                      output_size=(7, 7), output_ratio=0.7)  # fmt: skip
        raise UsageError(Phrase("{fractional} needs {output_size} or {output_ratio}"), such)
    for main, (reason, others) in _ALONE.items():
        if main not in said:
            continue
        if clash := sorted(others & said):
            both = f"{{{main}}}", f"{{{clash[0]}}}"
            raise UsageError(Phrase(f"{both[0]} and {both[1]} cannot be combined: {reason}"),
                             "drop " + Phrase(f"{both[0]} or {both[1]}"))  # fmt: skip
        return {"output_size": "adaptive", "global_window": "global"}.get(main, main)
    return "sliding"

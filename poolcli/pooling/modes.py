"""The table of pooling modes: a mode is one row of `MODES`.

A row consists of associative folds and a formula that finishes them or, where no fold can do it (order statistics,
sampling), of one function of the window's cells. Everything else about pooling (windows, padding, NaN rules, types) is
the same for every row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from poolcli.errors import UnknownNameError, UsageError
from poolcli.system import plugins
from poolcli.wording import Instead, Phrase

if TYPE_CHECKING:
    from poolcli.kernels.tiles import State


class Reduction(NamedTuple):
    """An associative reduction, named so that importing this table loads no array library."""

    combine: str | Callable[[State, State], State]  # the name of a NumPy ufunc, or a function that merges two states
    # in place of a cell that does not take part: a number, or the ``lowest`` or ``highest`` of the type
    fill: tuple[str | float, ...] = (0,)
    prepare: Callable[[Any, float], Any] | None = None  # makes states of (cells, parameter)
    ignoring: str | None = None  # the ufunc for ``nan="ignore"``, if one leaves out NaN by itself
    wide: bool = False  # whether to reduce in float64 always, because a state can outgrow the input's type


class Parameter(NamedTuple):
    """The number after the colon in ``lp:3``."""

    letter: str  # for the help texts, as is the meaning
    meaning: str
    example: float  # an allowed value
    low: float  # the allowed range
    high: float
    closed: bool = True  # whether `low` itself is allowed

    def check(self, mode: str, value: float) -> float:
        """Return `value`, or raise `UsageError` if it is out of range."""
        if math.isnan(value) or not self.low <= value <= self.high or (value == self.low and not self.closed):
            bracket = "[" if self.closed else "("
            raise UsageError(
                f"{mode}:{value:g} is out of range: {self.letter} is the {self.meaning}, in {bracket}{self.low:g}, "
                f"{self.high:g}]",
                f"write for example {mode}:{self.example:g}",
            )
        return value


class NumpyCode(NamedTuple):
    """How a program for NumPy computes a mode.

    `value` and `ignoring` may call a function of `poolcli.emit.numpy_code.HELPERS`.
    """

    # the value of windows ``{w}`` with cells on ``{axis}``; ``{p}`` is the parameter and ``{rest}`` is 1 - p
    value: str
    ignoring: str = ""  # the same without NaN, if that is written differently
    wide: bool = False  # whether to compute in float64 and to return the input's floating-point type
    before: str = ""  # a line to put before it, if any


class Mode(NamedTuple):
    """One way to turn the cells of a window into a number.

    Attributes
    ----------
    name, formula : str
        As ``poolcli modes`` shows them; x are the cells of a window that take part, n their number.
    reductions : tuple of Reduction
        The folds it is made of.
    finish : function of (states..., n, parameter), or the name of a ufunc of (state, n), optional
        Turns the folded states into values; without it the first state is the value. A function gets states in a type
        that holds the result, float64 if that is a float. n counts padding if the caller asked for that.
    cells : str, or function of (cells, real, parameter, draws), optional
        Instead of folds: a function of windows laid out one per row, or its name in `poolcli.kernels.order_statistics`,
        whose head describes its arguments.
    result : str
        The type of the values, a row of `poolcli.pooling.compute.RESULTS`.
    parameter : Parameter, optional
        The number it needs.
    random : bool
        Whether it needs a seed.
    divides : bool
        Whether it divides by n in a way that ``count_include_pad`` changes.
    treats_nan : bool
        Whether `cells` has a NaN rule of its own.
    degree : int
        If a power of x can outgrow float64: the power of s by which the value grows when every x is s times as large,
        so that extreme input can be scaled first; else 0.
    beyond : function of the parameter, optional
        The row to use instead for parameters that even scaling does not save.
    says : str
        What it does to every window, as the rest of a sentence, for someone who has never heard of it; ``{p}`` is the
        parameter.
    written : str
        Its formula with the numbers of a window, made of the pieces in `poolcli.analysis.formulas`; without it,
        `formula` is shown.
    winners : str
        Which cells decide, a row of `poolcli.analysis.formulas.WINNERS`; empty if all are mixed.
    gradient : str
        How a gradient goes back, a row of `poolcli.pooling.gradient.GRADIENTS`.
    numpy : NumpyCode, optional
        Its code for ``--emit numpy``.
    script : str
        Its formula in the script of a page, from the cells ``x``, their number ``n`` and the parameter ``p``, with the
        functions of ``poolcli/render/page/pool.js``; without it, a page cannot show the mode.
    title : str
        Its name in a page, if that is not `name`.
    page : str
        The name of a framework's version in the script of a page.
    why : str
        In a framework's version: a sentence on what the framework does differently.
    """

    name: str
    formula: str
    reductions: tuple[Reduction, ...] = ()
    finish: Callable[..., Any] | str | None = None
    cells: str | Callable[..., Any] | None = None
    result: str = "float"
    parameter: Parameter | None = None
    random: bool = False
    divides: bool = False
    treats_nan: bool = False
    degree: int = 0
    beyond: Callable[[float], Mode | None] | None = None
    says: str = ""
    written: str = ""
    winners: str = ""
    gradient: str = ""
    numpy: NumpyCode | None = None
    script: str = ""
    title: str = ""
    page: str = ""
    why: str = ""

    @property
    def indexed(self) -> bool:
        """Whether the value comes from one cell, and so has an index."""
        return self.gradient == "winner"

    @property
    def does(self) -> str:
        """What it does, as the rest of a sentence."""
        return self.says or f"makes {self.formula} of the values x of every window"

    @property
    def label(self) -> str:
        """The name as a user types it, with a letter for the parameter."""
        return f"{self.name}:{self.parameter.letter}" if self.parameter else self.name


def _power(x: Any, p: float) -> Any:
    return abs(x) if p == 1 else x * x if p == 2 else abs(x) ** p


def _root(total: Any, _: Any, p: float) -> Any:
    return total if p == 1 else total**0.5 if p == 2 else total ** (1 / p)


def _merge_moments(one: State, other: State) -> State:
    """Chan, Golub & LeVeque, "Algorithms for computing the sample variance", 1983: no cancellation."""
    import numpy as np

    (n, mean, spread), (m, mean_2, spread_2) = one, other
    total = n + m
    share = m / np.maximum(total, 1)
    delta = mean_2 - mean
    return total, mean + delta * share, spread + spread_2 + delta * delta * (n * share)


def _merge_weighted(one: State, other: State) -> State:
    """Merge (log of the sum of exp(x), mean of x weighted by exp(x)); an infinite x takes all the weight."""
    import numpy as np

    (log_1, mean_1), (log_2, mean_2) = one, other
    share = np.where(log_1 == log_2, 0.5, 1 / (1 + np.exp(log_1 - log_2)))
    mixed = np.where(share == 1, mean_2, mean_1 + (mean_2 - mean_1) * share)
    return np.logaddexp(log_1, log_2), np.where((share == 0) | (mean_1 == mean_2), mean_1, mixed)


def _logavgexp(total: Any, n: Any, r: float) -> Any:
    import numpy as np

    return (total - np.log(n)) / r


def _log_power(x: Any, p: float) -> Any:
    import numpy as np

    return np.log(abs(x)) * p


def _exp_root(total: Any, _: Any, p: float) -> Any:
    import numpy as np

    return np.exp(total / p)


def _high_norm(p: float) -> Mode | None:
    if p <= HIGH_ORDER:
        return None
    if math.isinf(p):
        return Mode("lp", "max(|x|)", (Reduction("maximum", ("lowest",), lambda x, _: abs(x), wide=True),))
    return Mode("lp", "exp(log(sum(exp(P log|x|))) / P)", (LOG_POWERS,), _exp_root)


HIGH_ORDER = 8.0  # the largest p for which |x|^p of scaled x keeps its digits; beyond, logarithms are used

MAX = Reduction("maximum", ("lowest",), ignoring="fmax")
MIN = Reduction("minimum", ("highest",), ignoring="fmin")
SUM = Reduction("add")
SQUARES = Reduction("add", prepare=lambda x, _: x * x, wide=True)
POWERS = Reduction("add", prepare=_power, wide=True)
# 1.0 stands for an array of ones; the spread of NaN or infinity alone is NaN
MOMENTS = Reduction(_merge_moments, (0, 0, 0), lambda x, _: (1.0, x, x - x), wide=True)
LOG_SUM_EXP = Reduction("logaddexp", (-math.inf,), lambda x, r: x * r, wide=True)
LOG_POWERS = Reduction("logaddexp", (-math.inf,), _log_power, wide=True)
SOFT = Reduction(_merge_weighted, (-math.inf, 0), lambda x, _: (x, x), wide=True)

_ROWS = (
    Mode("max", "max(x)", (MAX,), result="same", says="keeps the largest value of every window",
         written="max({,})", winners="first", gradient="winner",
         script="most(x)",
         numpy=NumpyCode("{w}.max({axis})", "np.fmax.reduce({w}, {axis})")),
    Mode("min", "min(x)", (MIN,), result="same", says="keeps the smallest value of every window",
         written="min({,})", winners="first", gradient="winner",
         script="least(x)",
         numpy=NumpyCode("{w}.min({axis})", "np.fmin.reduce({w}, {axis})")),
    Mode("avg", "sum(x) / n", (SUM,), "divide", divides=True, says="replaces every window with the mean of its values",
         written="({+}) / {n}", gradient="average",
         title="average", script="sum(x) / n",
         numpy=NumpyCode("{w}.mean({axis})", "np.nanmean({w}, {axis})")),
    Mode("sum", "sum(x)", (SUM,), result="sum", says="adds up the values of every window",
         written="{+}", gradient="sum",
         script="sum(x)",
         numpy=NumpyCode("{w}.sum({axis})", "np.where(np.isnan({w}).all({axis}), np.nan, np.nansum({w}, {axis}))")),
    Mode("median", "the middle of sorted x; of an even count the mean of the middle two", cells="median",
         result="median", says="keeps the middle value of every window",
         written="middle of {ranked}{middle}", winners="middle",
         script="quantile(x, 0.5)",
         numpy=NumpyCode("median({w})", "np.nanmedian({w}, {axis})")),
    Mode("majority", "the most frequent x; the one seen first wins a tie", cells="majority", result="same",
         says="keeps the most frequent value of every window",
         written="most frequent of {all}: {result} occurs {seen}x", winners="first",
         script="majority(x)",
         numpy=NumpyCode("majority({w})")),
    Mode("range", "max(x) - min(x)", (MAX, MIN), lambda high, low, *_: high - low, result="range",
         says="takes the largest minus the smallest value of every window", written="{extremes}", winners="extremes",
         script="most(x) - least(x)",
         numpy=NumpyCode("{w}.max({axis}) - {w}.min({axis})",
                         "np.fmax.reduce({w}, {axis}) - np.fmin.reduce({w}, {axis})",
                         before='x = x.astype({"b": np.uint8, "i": np.int64}.get(x.dtype.kind, x.dtype))')),
    Mode("std", "sqrt(sum((x - mean)^2) / n)", (MOMENTS,), lambda n, _, spread, *__: (spread / n) ** 0.5,
         degree=1, says="measures how far the values of every window spread",
         written="m = {mean}; sqrt(({+([] - m)^2}) / {n})",
         title="standard deviation", script="deviation(x, n)",
         numpy=NumpyCode("{w}.std({axis})", "np.nanstd({w}, {axis})")),
    Mode("var", "sum((x - mean)^2) / n", (MOMENTS,), lambda n, _, spread, *__: spread / n,
         degree=2, says="measures the squared spread of the values of every window",
         written="m = {mean}; ({+([] - m)^2}) / {n}",
         title="variance", script="variance(x, n)",
         numpy=NumpyCode("{w}.var({axis})", "np.nanvar({w}, {axis})")),
    Mode("rms", "sqrt(sum(x^2) / n)", (SQUARES,), lambda total, n, _: (total / n) ** 0.5, degree=1,
         says="takes the root of the mean square of every window", written="sqrt(({+()^2}) / {n})",
         title="root mean square", script="rootMeanSquare(x, n)",
         numpy=NumpyCode("np.sqrt(np.mean({w}**2, {axis}))", "np.sqrt(np.nanmean({w}**2, {axis}))", wide=True)),
    Mode("lp", "sum(|x|^P)^(1/P); max(|x|) for P = inf", (POWERS,), _root, degree=1, beyond=_high_norm,
         parameter=Parameter("P", "order of the norm", 3, 0, math.inf, closed=False),
         says="takes the {p}-norm of every window: order 1 is the sum of |x|, inf its maximum",
         written="({+|[]|^{p}})^(1/{p})", gradient="norm",
         title="Lp norm", script="norm(x, p)",
         numpy=NumpyCode("np.sum(abs({w}) ** {p}, {axis}) ** (1 / {p})",
                         "np.where(np.isnan({w}).all({axis}), np.nan, np.nansum(abs({w}) ** {p}, {axis}) ** (1 / {p}))",
                         wide=True)),
    Mode("percentile", "the value that Q percent of sorted x lie below, interpolated linearly", cells="percentile",
         parameter=Parameter("Q", "percentage", 90, 0, 100),
         says="keeps the value below which {p} percent of the window lies",
         written="place {place} in {ranked}{between}", winners="between",
         script="quantile(x, p / 100)",
         numpy=NumpyCode("percentile({w}, {p})", wide=True)),
    Mode("logavgexp", "log(sum(exp(R x)) / n) / R", (LOG_SUM_EXP,), _logavgexp,
         parameter=Parameter("R", "sharpness", 1, 0, 1e6, closed=False),
         says="is a smooth mixture of average (R small) and max (R large)",
         written="log(({+e^({p} * ())}) / {n}) / {p}",
         title="log of mean exp", script="logavgexp(x, n, p)",
         numpy=NumpyCode("logavgexp({w}, {p})", wide=True)),
    Mode("soft", "sum(x exp(x)) / sum(exp(x))", (SOFT,), lambda _, mean, *__: mean,
         says="averages every window with more weight on larger values", written="({+() e^()}) / ({+e^()})",
         title="softmax-weighted", script="soft(x)",
         numpy=NumpyCode("soft({w})", wide=True)),
    Mode("mixed", "A max(x) + (1 - A) sum(x) / n", (MAX, SUM), lambda top, total, n, a: a * top + (1 - a) * (total / n),
         divides=True, parameter=Parameter("A", "share of the maximum", 0.5, 0, 1),
         says="mixes max (share {p}) and average (the rest)", written="{p} * max({,}) + {rest} * ({+}) / {n}",
         script="p * most(x) + (1 - p) * (sum(x) / n)",
         numpy=NumpyCode("{p} * {w}.max({axis}) + {rest} * {w}.mean({axis})", "mixed({w}, {p})")),
    Mode("stochastic", "one x drawn with probability max(x, 0) / sum(max(x, 0))", cells="stochastic", result="same",
         random=True, says="draws one value from every window, larger ones more often",
         written="one drawn of {all} in proportion to its size", winners="first",
         numpy=NumpyCode("stochastic({w}, {draw})")),
)  # fmt: skip
MODES: Mapping[str, Mode] = {row.name: row for row in _ROWS}
ALIASES: Mapping[str, str] = {"mean": "avg", "average": "avg", "mode": "majority", "l2": "lp:2", "l1": "lp:1"}
GLOBALS = ("global-max", "global-avg")  # the ones to suggest; any mode may follow global-


@dataclass(frozen=True, eq=False)
class ChosenMode:
    """A row of `MODES` with its parameter."""

    mode: Mode
    parameter: float = math.nan

    def __eq__(self, other: object) -> bool:
        """Compare as text: a mode without a parameter has NaN there, which does not equal itself."""
        return isinstance(other, ChosenMode) and self.mode == other.mode and str(self) == str(other)

    def __hash__(self) -> int:
        return hash((self.mode, str(self)))

    def __str__(self) -> str:
        if not self.mode.parameter:
            return self.mode.name
        return f"{self.mode.name}:{repr(self.parameter).removesuffix('.0')}"


def _of_a_package(name: str) -> Mode:
    found = plugins.find_plugin("mode", name, Mode)
    if found is None:
        raise UnknownNameError("mode", name, [*MODES, *ALIASES, *plugins.names("mode")])
    return found


def lacking(mode: Mode, what: str) -> str:
    """Say why the row of a mode lacks something: it is another package's, or incomplete.

    Examples
    --------
    >>> lacking(Mode("midrange", "(max(x) + min(x)) / 2"), "script"), lacking(MODES["stochastic"], "script")
    ('comes from another package', 'has no script in its row')
    """
    return f"has no {what} in its row" if mode.name in MODES else "comes from another package"


def parse_mode(text: str) -> ChosenMode:
    """Read a mode as a user types it: a name or alias, here or in a package, with its parameter after a colon.

    Examples
    --------
    >>> str(parse_mode("mean")), str(parse_mode("lp:3"))
    ('avg', 'lp:3')
    """
    text = text.strip().lower()
    if "," in text and all(part.strip()[:1].isalpha() for part in text.split(",")):
        beside = Instead("compare", mode=text.replace(" ", ""))
        advice = Phrase("name one; to compare several: {call}", call=beside)
        raise UsageError(f"one mode is expected, not {text!r}", advice)
    name, colon, number = ALIASES.get(text, text).partition(":")
    mode = MODES.get(ALIASES.get(name, name)) or _of_a_package(name)
    if mode.parameter is None:
        if colon:
            raise UsageError(f"mode {mode.name} takes no parameter, but {text!r} has one", f"use {mode.name}")
        return ChosenMode(mode)
    label = f"{mode.parameter.letter}, the {mode.parameter.meaning}"
    example = f"write for example {mode.name}:{mode.parameter.example:g}"
    if not number:
        raise UsageError(f"mode {mode.name} needs {label}", example)
    try:
        value = float(number)
    except ValueError:
        raise UsageError(f"{number!r} is not a number: mode {mode.name} needs {label}", example) from None
    return ChosenMode(mode, mode.parameter.check(mode.name, value))

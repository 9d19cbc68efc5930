"""What is to be said of each mode: in a sentence, as its formula with numbers in it, and which cells decide.

A mode that has no row in these tables, because it comes from another package, is told by the formula of its own.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.pooling.layer import Pooling

Array = NDArray[Any]
Place = tuple[int, ...]
WRITTEN_IN_FULL = 1e15  # floats up to here are written in full if they are whole
MOST_TERMS = 12  # numbers written out in a formula; more are elided in the middle

# what a mode does to every window, for someone who has never heard of it
SAYS: Mapping[str, str] = {
    "max": "keeps the largest value of every window",
    "min": "keeps the smallest value of every window",
    "avg": "replaces every window with the mean of its values",
    "sum": "adds up the values of every window",
    "median": "keeps the middle value of every window",
    "majority": "keeps the value that stands most often in every window",
    "range": "takes the largest minus the smallest value of every window",
    "std": "measures how far the values of every window spread",
    "var": "measures the squared spread of the values of every window",
    "rms": "takes the root of the mean square of every window",
    "lp": "takes the P-norm of every window: between sum (P = 1) and max (P large)",
    "percentile": "keeps the value below which Q percent of the window lies",
    "logavgexp": "is a smooth mixture of average (R small) and max (R large)",
    "soft": "averages every window with more weight on larger values",
    "mixed": "mixes max (share A) and average (share 1 - A)",
    "stochastic": "draws one value of every window, larger ones more often",
}


def sentence(layer: Pooling) -> str:
    """Say what the mode does, for someone who has never heard of it.

    Examples
    --------
    >>> sentence(Pooling.of(2))
    'Max pooling keeps the largest value of every window.'
    """
    name, mode = str(layer.mode), layer.mode.mode
    says = SAYS.get(mode.name) or f"makes {mode.formula} of the values x of every window"
    return f"{name[0].upper()}{name[1:]} pooling {says}."


# --- winners ----------------------------------------------------------------------------------------------------------


def _equal(values: Array, result: Any, layer: Pooling) -> list[int]:
    """Return the first cell that holds the result; of several NaN the last where the framework says so."""
    same = np.flatnonzero(values == result)
    if same.size:
        return [int(same[0])]
    nan = np.flatnonzero(np.isnan(values)) if values.dtype.kind == "f" and math.isnan(result) else np.array([])
    return [int(nan[-1 if layer.framework and layer.framework.last_nan else 0])] if nan.size else []


def _middle(values: Array, result: Any, layer: Pooling) -> list[int]:
    if values.size % 2 or _has_nan(values):
        return _equal(values, result, layer)
    order = np.argsort(values, kind="stable")
    return [int(order[values.size // 2 - 1]), int(order[values.size // 2])]


def _extremes(values: Array, _: Any, __: Pooling) -> list[int]:
    return [] if _has_nan(values) else [int(np.argmax(values)), int(np.argmin(values))]


def _between(values: Array, result: Any, layer: Pooling) -> list[int]:
    if _has_nan(values):
        return _equal(values, result, layer)
    order, place = np.argsort(values, kind="stable"), (values.size - 1) * layer.mode.parameter / 100
    return sorted({int(order[math.floor(place)]), int(order[math.ceil(place)])})


def _has_nan(values: Array) -> bool:
    return values.dtype.kind == "f" and bool(np.isnan(values).any())


WINNERS: Mapping[str, Callable[[Array, Any, Pooling], list[int]]] = {
    "max": _equal,
    "min": _equal,
    "majority": _equal,
    "stochastic": _equal,
    "median": _middle,
    "percentile": _between,
    "range": _extremes,
}

# --- formulas ---------------------------------------------------------------------------------------------------------


def number(value: Any, digits: int = 6) -> str:
    """Write a number for people: whole numbers in full, others with so many significant digits.

    Examples
    --------
    >>> number(3.75), number(1 / 3), number(float("nan")), number(12345678), number(-0.0)
    ('3.75', '0.333333', 'NaN', '12345678', '0')
    """
    if isinstance(value, bool | int | np.integer | np.bool_):
        return str(int(value))
    value = float(value)
    if math.isnan(value):
        return "NaN"
    if value.is_integer() and abs(value) < WRITTEN_IN_FULL:
        return str(int(value))
    return f"{value:.{digits}g}"


BRIEF = 6  # characters that a number may have and still be written in full


def brief(value: Any) -> str:
    """Write a number for a cell: what is short in full, so that 12.625 stays it, the rest with four digits.

    Examples
    --------
    >>> brief(6.25), brief(12.625), brief(1 / 3), brief(123456789)
    ('6.25', '12.625', '0.3333', '123456789')
    """
    exact = number(value, 12)
    return exact if len(exact.lstrip("-")) <= BRIEF else number(value, 4)


@dataclass(frozen=True)
class Terms:
    """The numbers that go into a formula."""

    values: Array
    n: int
    layer: Pooling
    result: Any

    @property
    def parameter(self) -> str:
        """The mode's parameter as text."""
        return number(self.layer.mode.parameter)

    def listed(self, template: str, values: Array | None = None) -> list[str]:
        """Write every value into `template`: ``[]`` as it is, ``{}`` in brackets where negative; many are elided."""
        values = self.values if values is None else values
        shown = values if values.size <= MOST_TERMS else [*values[: MOST_TERMS - 2], values[-1]]
        texts = [number(value) for value in shown]
        made = [template.replace("{}", _bracketed(text)).replace("[]", text) for text in texts]
        return made if values.size <= MOST_TERMS else [*made[:-1], "...", made[-1]]

    def commas(self, values: Array | None = None) -> str:
        """Write the values with commas between them."""
        return ", ".join(self.listed("[]", values))

    def plus(self, template: str = "[]") -> str:
        """Write the sum of the values in `template`."""
        return " + ".join(self.listed(template)).replace("+ -", "- ")

    @property
    def ranked(self) -> Array:
        """The values in order."""
        return np.sort(self.values)


def _bracketed(text: str) -> str:
    return f"({text})" if text.startswith("-") else text


def _median(terms: Terms) -> str:
    ranked, half = terms.ranked, terms.values.size // 2
    middle = number(ranked[half])
    if terms.values.size % 2 == 0 and not _has_nan(ranked):
        middle = f"({number(ranked[half - 1])} + {_bracketed(number(ranked[half]))}) / 2"
    return f"middle of {terms.commas(ranked)}: {middle}"


def _percentile(terms: Terms) -> str:
    ranked, q = terms.ranked, terms.layer.mode.parameter
    place = (ranked.size - 1) * q / 100
    low, high = number(ranked[math.floor(place)]), _bracketed(number(ranked[math.ceil(place)]))
    share = number(place - math.floor(place))
    between = low if share == "0" else f"{low} + {share} * ({high} - {_bracketed(low)})"
    return f"place {number(place)} in {terms.commas(ranked)}: {between}"


def _majority(terms: Terms) -> str:
    times_seen = int((terms.values == terms.result).sum()) or int(np.isnan(terms.values).sum())
    return f"most frequent of {terms.commas()}: {number(terms.result)} stands {times_seen}x"


def _spread(terms: Terms) -> tuple[str, str]:
    with np.errstate(all="ignore"):
        mean = number(terms.values.mean(dtype=np.float64))
    return mean, f"({terms.plus('([] - m)^2')}) / {terms.n}"


def _std(terms: Terms) -> str:
    mean, spread = _spread(terms)
    return f"m = {mean}; sqrt({spread})"


def _var(terms: Terms) -> str:
    mean, spread = _spread(terms)
    return f"m = {mean}; {spread}"


def _soft(terms: Terms) -> str:
    return f"({' + '.join(terms.listed('{} e^{}'))}) / ({terms.plus('e^{}')})"


def _mixed(terms: Terms) -> str:
    rest = number(1 - terms.layer.mode.parameter)
    return f"{terms.parameter} * max({terms.commas()}) + {rest} * ({terms.plus()}) / {terms.n}"


def _range(terms: Terms) -> str:
    if _has_nan(terms.values):
        return f"max({terms.commas()}) - min({terms.commas()})"
    return f"{number(terms.values.max())} - {_bracketed(number(terms.values.min()))}"


def _unwritten(terms: Terms) -> str:
    """Write the formula of a mode that has no row below, such as one of another package."""
    return f"x = {terms.commas()}; {terms.layer.mode.mode.formula}"


FORMULAS: Mapping[str, Callable[[Terms], str]] = {
    "max": lambda terms: f"max({terms.commas()})",
    "min": lambda terms: f"min({terms.commas()})",
    "avg": lambda terms: f"({terms.plus()}) / {terms.n}",
    "sum": lambda terms: terms.plus(),
    "median": _median,
    "majority": _majority,
    "range": _range,
    "std": _std,
    "var": _var,
    "rms": lambda terms: f"sqrt(({terms.plus('{}^2')}) / {terms.n})",
    "lp": lambda terms: f"({terms.plus(f'|[]|^{terms.parameter}')})^(1/{terms.parameter})",
    "percentile": _percentile,
    "logavgexp": lambda terms: (
        f"log(({terms.plus(f'e^({terms.parameter} * {{}})')}) / {terms.n}) / {terms.parameter}"
    ),
    "soft": _soft,
    "mixed": _mixed,
    "stochastic": lambda terms: f"one drawn of {terms.commas()} in proportion to its size",
}  # fmt: skip


def _torch_lp(terms: Terms) -> str:
    taps = math.prod(terms.layer.window.size)
    return f"(({terms.plus(f'{{}}^{terms.parameter}')}) / {terms.n} * {taps})^(1/{terms.parameter})"


def _torch_avg(terms: Terms) -> str:
    return f"trunc(({terms.plus()}) / {terms.n})"


# what a framework does differently, by its name, the mode and the kind of the input's type
QUIRKS: Mapping[tuple[str, str, str], Callable[[Terms], str]] = {
    **{("torch", "lp", kind): _torch_lp for kind in "iubf"},
    **{("torch", "avg", kind): _torch_avg for kind in "iub"},
}

# the formula with the names of the cells, where there are no values
NAMED: Mapping[str, Callable[[Sequence[str], int], str]] = {
    "max": lambda names, _: f"max({', '.join(names)})",
    "min": lambda names, _: f"min({', '.join(names)})",
    "sum": lambda names, _: " + ".join(names),
    "avg": lambda names, n: f"({' + '.join(names)}) / {n}",
}


def with_numbers(terms: Terms) -> str:
    """Write the formula of a mode with the numbers of a window in it, as the layer's framework computes it."""
    name, framework = terms.layer.mode.mode.name, terms.layer.framework
    quirk = QUIRKS.get((framework.name, name, terms.values.dtype.kind)) if framework else None
    return (quirk or FORMULAS.get(name, _unwritten))(terms)


def with_names(layer: Pooling, cells: Iterable[Place], count: int, n: int) -> str:
    """Write the formula of a mode with the names of the `count` cells in it; where they are many, of the first."""
    mode = layer.mode.mode
    shown = count if count <= MOST_TERMS else MOST_TERMS - 2
    names = [f"x[{','.join(map(str, cell))}]" for cell in itertools.islice(cells, shown)]
    write = NAMED.get(mode.name)
    return write(names if shown == count else [*names, "..."], n) if write else mode.formula

"""The formula of a mode with the numbers of a window, and which cells decide; see the rows of `MODES`."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.pooling.layer import Pooling
from poolcli.pooling.modes import Mode

Array = NDArray[Any]
Place = tuple[int, ...]
WRITTEN_IN_FULL = 1e15  # whole floats below this are written in full
MOST_TERMS = 12  # numbers in a formula; with more, those before the last are left out


def sentence(layer: Pooling) -> str:
    """Say what the mode does, for someone who has never heard of it.

    Examples
    --------
    >>> sentence(Pooling.of(2))
    'Max pooling keeps the largest value of every window.'
    """
    name = str(layer.mode)
    does = layer.mode.mode.does.replace("{p}", f"{layer.mode.parameter:g}")
    return f"{name[0].upper()}{name[1:]} pooling {does}."


# --- winners ----------------------------------------------------------------------------------------------------------


def _equal(values: Array, result: Any, layer: Pooling) -> list[int]:
    """Return the first cell that holds the result; of several NaN the last, if the framework does so."""
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
    "first": _equal,
    "middle": _middle,
    "between": _between,
    "extremes": _extremes,
}

# --- formulas ---------------------------------------------------------------------------------------------------------


def number(value: Any, digits: int = 6) -> str:
    """Write a number for people: a whole number in full, any other with so many significant digits.

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


BRIEF = 6  # characters of a number that is still written in full


def brief(value: Any) -> str:
    """Write a number for a cell: in full if that is short, like 12.625, else with four digits.

    Examples
    --------
    >>> brief(6.25), brief(12.625), brief(1 / 3), brief(123456789)
    ('6.25', '12.625', '0.3333', '123456789')
    """
    exact = number(value, 12)
    return exact if len(exact.lstrip("-")) <= BRIEF else number(value, 4)


@dataclass(frozen=True)
class Terms:
    """The numbers for a formula."""

    values: Array
    n: int
    layer: Pooling
    result: Any

    @property
    def parameter(self) -> str:
        """The mode's parameter as text."""
        return number(self.layer.mode.parameter)

    def listed(self, template: str, values: Array | None = None) -> list[str]:
        """Write every value into `template`, for ``[]`` as it is, for ``()`` in brackets if negative; elide many."""
        values = self.values if values is None else values
        shown = values if values.size <= MOST_TERMS else [*values[: MOST_TERMS - 2], values[-1]]
        texts = [number(value) for value in shown]
        made = [template.replace("()", _bracketed(text)).replace("[]", text) for text in texts]
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


def _middle_text(terms: Terms) -> str:
    ranked, half = terms.ranked, terms.values.size // 2
    if terms.values.size % 2 == 0 and not _has_nan(ranked):
        return f": ({number(ranked[half - 1])} + {_bracketed(number(ranked[half]))}) / 2"
    return ""  # of an odd count it is the result


def _place(terms: Terms) -> float:
    return (terms.values.size - 1) * terms.layer.mode.parameter / 100


def _between_text(terms: Terms) -> str:
    place = _place(terms)
    low, high = number(terms.ranked[math.floor(place)]), _bracketed(number(terms.ranked[math.ceil(place)]))
    share = number(place - math.floor(place))
    return "" if share == "0" else f": {low} + {share} * ({high} - {_bracketed(low)})"


def _mean(terms: Terms) -> str:
    with np.errstate(all="ignore"):
        return number(terms.values.mean(dtype=np.float64))


def _extremes_text(terms: Terms) -> str:
    if _has_nan(terms.values):
        return f"max({terms.commas()}) - min({terms.commas()})"
    return f"{number(terms.values.max())} - {_bracketed(number(terms.values.min()))}"


# the names in braces in `poolcli.pooling.modes.Mode.written`, as in pool.js; {+...} is a sum of the values, each
# written into the template that follows: [] as it is, () in brackets if negative
PIECES: Mapping[str, Callable[[Terms], str]] = {
    ",": lambda terms: terms.commas(),
    "all": lambda terms: terms.commas(),
    "n": lambda terms: str(terms.n),
    "taps": lambda terms: str(math.prod(terms.layer.window.size)),
    "rest": lambda terms: number(1 - terms.layer.mode.parameter),
    "result": lambda terms: number(terms.result),
    "mean": _mean,
    "ranked": lambda terms: terms.commas(terms.ranked),
    "middle": _middle_text,
    "place": lambda terms: number(_place(terms)),
    "between": _between_text,
    "seen": lambda terms: str((terms.values == terms.result).sum() or np.isnan(terms.values).sum()),
    "extremes": _extremes_text,
}


def with_numbers(terms: Terms, mode: Mode) -> str:
    """Write the formula of a mode, or of a framework's version of it, with the numbers of a window."""

    def piece(found: re.Match[str]) -> str:
        name = found[1]
        return terms.plus(name[1:] or "[]") if name.startswith("+") else PIECES[name](terms)

    if not mode.written:
        return f"x = {terms.commas()}; {mode.formula}"
    return re.sub(r"\{([^{}]+)\}", piece, mode.written.replace("{p}", terms.parameter))


def with_names(layer: Pooling, cells: Iterable[Place | float], count: int, n: int) -> str:
    """Write the formula of a mode with the names of the `count` cells, or of the first if they are many.

    Padding that holds a number is written as that number.
    """
    mode = layer.mode.mode
    shown = count if count <= MOST_TERMS else MOST_TERMS - 2
    names = [
        f"x[{','.join(map(str, cell))}]" if isinstance(cell, tuple) else number(cell)
        for cell in itertools.islice(cells, shown)
    ]
    listed = names if shown == count else [*names, "..."]
    made = mode.written.replace("{,}", ", ".join(listed)).replace("{+}", " + ".join(listed)).replace("{n}", str(n))
    return made if made and "{" not in made else mode.formula

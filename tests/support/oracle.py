"""A second, slow poolcli in plain Python loops, which computes every answer cell by cell.

It was written from the rules alone and shares nothing with the package, so that they agree only if both are right. An
axis becomes a list of windows, a window a list of positions (some outside the axis); the product over the axes gives
the cells of a window, and one ``mode_<name>`` function per mode turns the cells into a number.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Number = int | float
Pads = tuple[int, int]


class NoWindowError(Exception):
    """The window does not fit into the input even once."""


class NoCellError(Exception):
    """Some window holds no real cell."""


class NanFoundError(Exception):
    """A window holds a NaN and the policy is ``error``."""


# ------------------------------------------------------------------------------------------------ windows of one axis


@dataclass(frozen=True)
class Axis:
    """The windows along one axis as lists of positions; the input is 0 <= position < length."""

    length: int
    windows: list[list[int]]
    pads: Pads = (0, 0)

    def is_real(self, place: int) -> bool:
        return 0 <= place < self.length

    def is_overhang(self, place: int) -> bool:
        """Beyond the padding at the end, where only ceil_mode reaches, and which never counts."""
        return place >= self.length + self.pads[1]


def same_pads(length: int, size: int, stride: int, dilation: int, lower: bool) -> Pads:
    reach = dilation * (size - 1) + 1
    outputs = -(-length // stride)
    total = max(0, (outputs - 1) * stride + reach - length)
    half, rest = divmod(total, 2)
    return (half + rest, half) if lower else (half, half + rest)


def sliding(length: int, size: int, stride: int, dilation: int, padding: str | Pads, ceil_mode: bool) -> Axis:
    if padding == "valid":
        pads = (0, 0)
    elif padding in ("same", "same-lower"):
        pads = same_pads(length, size, stride, dilation, lower=padding == "same-lower")
    else:
        assert isinstance(padding, tuple)
        pads = padding
    reach = dilation * (size - 1) + 1
    steps = Fraction(length + sum(pads) - reach, stride)
    outputs = (math.ceil(steps) if ceil_mode else math.floor(steps)) + 1
    if ceil_mode and (outputs - 1) * stride >= length + pads[0]:
        outputs -= 1
    if outputs < 1:
        raise NoWindowError(f"window reach {reach}, input {length}, pads {pads}")
    return Axis(length, [[i * stride - pads[0] + j * dilation for j in range(size)] for i in range(outputs)], pads)


def whole(length: int) -> Axis:
    return Axis(length, [list(range(length))])


def adaptive(length: int, outputs: int) -> Axis:
    bounds = [
        (math.floor(Fraction(i * length, outputs)), math.ceil(Fraction((i + 1) * length, outputs)))
        for i in range(outputs)
    ]
    return Axis(length, [list(range(start, stop)) for start, stop in bounds])


def fractional(length: int, size: int, outputs: int, u: float) -> Axis:
    starts = [length - size]
    if outputs > 1:
        alpha = (length - size) / (outputs - 1)
        starts = [int((i + u) * alpha) - int(u * alpha) for i in range(outputs - 1)] + starts
    return Axis(length, [list(range(start, start + size)) for start in starts])


# ------------------------------------------------------------------------------------------------ cells of one window


class Cell(NamedTuple):
    """A cell of a window: its value, or None, and its flat position in the plane, or -1 in padding."""

    value: Number | None
    place: int


def wrapped(place: int, length: int, fill: str) -> int:
    """The position in the input that a named fill copies to a position outside."""
    if fill == "replicate":
        return min(max(place, 0), length - 1)
    if fill == "wrap":
        return place % length
    if fill == "symmetric":
        place %= 2 * length
        return place if place < length else 2 * length - 1 - place
    assert fill == "reflect"
    if length == 1:
        return 0
    place %= 2 * length - 2
    return place if place < length else 2 * length - 2 - place


def window_cells(plane: Array, axes: Sequence[Axis], index: Sequence[int], fill: str | float) -> list[Cell]:
    """The cells of the window except overhang, in row-major order."""
    cells = []
    lines = (
        [place for place in axis.windows[i] if not axis.is_overhang(place)] for axis, i in zip(axes, index, strict=True)
    )
    for places in itertools.product(*lines):
        pairs = list(zip(axes, places, strict=True))
        if all(axis.is_real(place) for axis, place in pairs):
            flat = 0
            for axis, place in pairs:
                flat = flat * axis.length + place
            cells.append(Cell(plane[places].item(), flat))
        elif fill == "ignore":
            cells.append(Cell(None, -1))
        elif isinstance(fill, str):
            inside = tuple(wrapped(place, axis.length, fill) for axis, place in pairs)
            cells.append(Cell(plane[inside].item(), -1))
        else:
            cells.append(Cell(fill, -1))
    return cells


# ------------------------------------------------------------------------------------------------ one function per mode


def total(values: Sequence[Number]) -> Number:
    """The sum: exact for integers, correctly rounded for floats, NaN for infinities of both signs."""
    if all(isinstance(v, int) for v in values):
        return sum(values)
    infinities = {v for v in values if math.isinf(v)}
    if infinities:
        return infinities.pop() if len(infinities) == 1 else math.nan
    return math.fsum(values)


def over(numerator: Number, count: int) -> float:
    return float(Fraction(numerator) / count) if isinstance(numerator, int) else numerator / count


def mode_max(values: Sequence[Number]) -> Number:
    best = values[0]
    for value in values:
        if value > best:
            best = value
    return best


def mode_min(values: Sequence[Number]) -> Number:
    best = values[0]
    for value in values:
        if value < best:
            best = value
    return best


def mode_sum(values: Sequence[Number]) -> Number:
    return total(values)


def mode_avg(values: Sequence[Number], divisor: int | None = None) -> float:
    return over(total(values), len(values) if divisor is None else divisor)


def mode_median(values: Sequence[Number]) -> Number:
    ranked = sorted(values)
    middle = len(ranked) // 2
    if len(ranked) % 2:
        return ranked[middle]
    return over(total([ranked[middle - 1], ranked[middle]]), 2)


def mode_majority(values: Sequence[Number]) -> Number:
    best, votes = values[0], 0
    for value in values:
        count = sum(1 for other in values if other == value)
        if count > votes:
            best, votes = value, count
    return best


def mode_range(values: Sequence[Number]) -> Number:
    return mode_max(values) - mode_min(values)


def mode_var(values: Sequence[Number]) -> float:
    exact = [Fraction(v) for v in values]
    mean = sum(exact, Fraction(0)) / len(exact)
    return float(sum(((v - mean) ** 2 for v in exact), Fraction(0)) / len(exact))


def mode_std(values: Sequence[Number]) -> float:
    return math.sqrt(mode_var(values))


def mode_rms(values: Sequence[Number]) -> float:
    return math.sqrt(over(total([v * v for v in values]), len(values)))


def mode_lp(values: Sequence[Number], power: float) -> float:
    return float(total([float(abs(v)) ** power for v in values]) ** (1 / power))


def mode_percentile(values: Sequence[Number], percent: float) -> float:
    ranked = sorted(values)
    place = Fraction(percent) / 100 * (len(ranked) - 1)
    below = math.floor(place)
    above = min(below + 1, len(ranked) - 1)
    low, high = Fraction(ranked[below]), Fraction(ranked[above])
    return float(low + (high - low) * (place - below))


def mode_logavgexp(values: Sequence[Number], sharpness: float) -> float:
    top = mode_max(values)
    return top + math.log(math.fsum(math.exp(sharpness * (v - top)) for v in values) / len(values)) / sharpness


def mode_soft(values: Sequence[Number]) -> float:
    top = mode_max(values)
    weights = [math.exp(v - top) for v in values]
    return math.fsum(w * v for w, v in zip(weights, values, strict=True)) / math.fsum(weights)


def mode_mixed(values: Sequence[Number], share: float) -> float:
    return share * mode_max(values) + (1 - share) * mode_avg(values)


def stochastic_choices(values: Sequence[Number]) -> set[Number]:
    """The values that stochastic pooling may draw: those of positive weight or, without any, all."""
    return {v for v in values if v > 0} or set(values)


MODES: dict[str, Callable[..., Number]] = {
    name.removeprefix("mode_"): function for name, function in globals().items() if name.startswith("mode_")
}

# Aliases of the modes, with the parameter that they imply.
ALIASES = {"mean": "avg", "average": "avg", "mode": "majority", "l2": "lp:2"}


def split_mode(text: str) -> tuple[str, tuple[float, ...]]:
    name, _, parameter = ALIASES.get(text, text).partition(":")
    return name, (float(parameter),) if parameter else ()


def result_dtype(mode: str, dtype: np.dtype[Any], counts: set[int]) -> np.dtype[Any]:
    """The dtype of the result; ``counts`` are the numbers of values in the windows (an even median is a mean)."""
    if dtype.kind == "f":
        return dtype
    if mode in ("max", "min", "majority", "stochastic") or (mode == "median" and all(n % 2 for n in counts)):
        return dtype
    if mode == "sum":
        return np.dtype(np.uint64 if dtype.kind == "u" else np.int64)
    if mode == "range":
        return {"u": dtype, "b": np.dtype(np.uint8)}.get(dtype.kind, np.dtype(np.int64))
    return np.dtype(np.float64)


# ------------------------------------------------------------------------------------------------ pooling


@dataclass(frozen=True)
class Pooled:
    """The values as Python numbers in an object array, their dtype, and the places of maxima and minima."""

    values: Array
    dtype: np.dtype[Any]
    indices: Array
    choices: Array

    def array(self) -> Array:
        """The values in their dtype; OverflowError if an integer does not fit."""
        if self.dtype.kind in "iu":
            limits = np.iinfo(self.dtype)
            for value in self.values.flat:
                if not limits.min <= value <= limits.max:
                    raise OverflowError(f"{value} does not fit {self.dtype}")
        return self.values.astype(self.dtype)


def is_nan(value: Number) -> bool:
    return isinstance(value, float) and math.isnan(value)


def winner(cells: Sequence[Cell], mode: str) -> int:
    """The place of the maximum or minimum: that of the first NaN, else of the first extreme; -1 in padding."""
    best, place = math.nan, -1
    for cell in cells:
        if cell.value is None:
            continue
        if is_nan(cell.value):
            return cell.place
        if math.isnan(best) or (cell.value > best if mode == "max" else cell.value < best):
            best, place = cell.value, cell.place
    return place


def pool(
    x: Array,
    mode: str,
    axes: Sequence[Axis],
    *,
    pad_fill: str | float = "ignore",
    count_include_pad: bool = False,
    nan: str = "propagate",
) -> Pooled:
    """Pool the last ``len(axes)`` axes of ``x`` over the given windows."""
    name, parameters = split_mode(mode)
    lead = x.shape[: x.ndim - len(axes)]
    shape = lead + tuple(len(axis.windows) for axis in axes)
    values, choices = np.empty(shape, object), np.empty(shape, object)
    indices = np.full(shape, -1, np.int64)
    counts, with_nan = set(), []
    for where in np.ndindex(shape):
        plane, index = x[where[: len(lead)]], where[len(lead) :]
        cells = window_cells(plane, axes, index, pad_fill)
        numbers = [cell.value for cell in cells if cell.value is not None]
        if not numbers:
            raise NoCellError(f"window {index}")
        counts.add(len(numbers))
        if nan == "error" and any(map(is_nan, numbers)):
            with_nan.append(index)
        if nan == "ignore":
            cells = [Cell(None, -1) if cell.value is not None and is_nan(cell.value) else cell for cell in cells]
            numbers = [value for value in numbers if not is_nan(value)]
        if name in ("max", "min") and numbers:
            indices[where] = winner(cells, name)
        if not numbers or any(is_nan(v) for v in numbers):
            values[where], choices[where] = math.nan, {math.nan}
        elif name == "stochastic":
            values[where], choices[where] = numbers[0], stochastic_choices(numbers)
        elif name == "avg":
            values[where] = mode_avg(numbers, len(cells) if count_include_pad else None)
        else:
            values[where] = MODES[name](numbers, *parameters)
    if with_nan:  # of two errors in one question, that of the layer comes before that of its numbers
        raise NanFoundError(f"window {with_nan[0]}")
    return Pooled(values, result_dtype(name, x.dtype, counts), indices, choices)


def unpool(values: Array, indices: Array, shape: tuple[int, ...]) -> Array:
    """Zeros, with each value at its index."""
    lead = values.shape[: values.ndim - len(shape)]
    out = np.zeros(lead + shape, values.dtype)
    for where in np.ndindex(values.shape):
        plane = out[where[: len(lead)]]
        plane[np.unravel_index(int(indices[where]), shape)] = values[where]
    return out


def grad(x: Array, mode: str, axes: Sequence[Axis], upstream: Array, *, count_include_pad: bool = False) -> Array:
    """The gradient of each input cell in float64: the first winner takes all, overlapping windows add up."""
    name, parameters = split_mode(mode)
    lead = x.shape[: x.ndim - len(axes)]
    out = np.zeros((*lead, math.prod(axis.length for axis in axes)), np.float64)
    for where in np.ndindex(upstream.shape):
        plane, index = x[where[: len(lead)]], where[len(lead) :]
        cells = window_cells(plane, axes, index, "ignore")
        given, target = float(upstream[where]), out[where[: len(lead)]]
        real = [(cell.place, float(cell.value)) for cell in cells if cell.value is not None]
        if name in ("max", "min"):
            target[winner(cells, name)] += given
        for place, value in real:
            if name == "sum":
                target[place] += given
            elif name == "avg":
                target[place] += given / (len(cells) if count_include_pad else len(real))
            elif name == "lp":
                norm = mode_lp([v for _, v in real], *parameters)
                if norm and value:
                    share = abs(value) ** (parameters[0] - 1) * norm ** (1 - parameters[0])
                    target[place] += given * math.copysign(share, value)
    return out.reshape(x.shape)

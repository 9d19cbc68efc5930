"""From axes and a mode's row to values: chooses the kernel, the type and the exact sum."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import NumberRangeError
from poolcli.kernels.fold import fold, small_fold, steady, window_counts
from poolcli.kernels.fold_axis import Part
from poolcli.kernels.tiles import SHARED_BYTES
from poolcli.pooling.fill import first_place
from poolcli.pooling.framework import LayerSpec
from poolcli.pooling.modes import MODES, Mode, Reduction
from poolcli.window import Axis
from poolcli.wording import Phrase

Array = NDArray[Any]


def _float_or(dtype: np.dtype[Any], integer: type[np.generic] | np.dtype[Any]) -> np.dtype[Any]:
    return dtype if dtype.kind == "f" else np.dtype(integer)


RESULTS: Mapping[str, Callable[[np.dtype[Any]], np.dtype[Any]]] = {
    "same": lambda dtype: dtype,
    "float": lambda dtype: _float_or(dtype, np.float64),
    "float32": lambda dtype: _float_or(dtype, np.float32),
    "sum": lambda dtype: _float_or(dtype, _long(dtype)),
    "range": lambda dtype: _float_or(dtype, {"u": dtype, "b": np.dtype(np.uint8)}.get(dtype.kind, np.dtype(np.int64))),
    "median": lambda dtype: dtype,  # where every window has an odd number of cells; else as "float"
}


def pooled(
    x: Array, axes: Sequence[Axis], mode: Mode, layer: LayerSpec, counted: Sequence[Axis] | None = None
) -> Array:
    """Compute one value for each window, of the type that `RESULTS` has for the mode: (leading..., windows...).

    Every window of `axes` holds a real cell of `x`, (leading..., spatial...). `mode` is the layer's own row, or a
    framework's version of it; the parameter, the NaN rule, the divisor rule and the seed are the layer's. An average
    counts the cells of `counted`, if those are not `axes`.
    """
    if mode.beyond:
        mode = mode.beyond(layer.mode.parameter) or mode
    result = result_type(mode, x.dtype, axes)
    cells = x.view(np.uint8) if x.dtype.kind == "b" else x
    if mode.cells:
        values = _from_cells(cells, axes, mode, layer, result)
    elif mode.result == "sum" and cells.dtype.kind in "iu" and _too_long(cells, axes):
        values = _long_sum(cells, axes, layer.threads)
    else:
        values = _from_folds(cells, axes, mode, layer, result, counted or axes)
    return values.astype(result, copy=False)


pooled_alike = steady  # windows around some, for which `pooled` gives the same bits on their own as among all


def neutral(mode: Mode, dtype: np.dtype[Any]) -> float:
    """Return the number that changes no fold of a mode, and so fills an empty window."""
    number = (mode.reductions or MODES[mode.name].reductions)[0].fill[0]
    if not isinstance(number, str):
        return number
    limits = (-np.inf, np.inf) if dtype.kind == "f" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    return float(limits[0] if number == "lowest" else limits[1])


def result_type(mode: Mode, dtype: np.dtype[Any], axes: Sequence[Axis]) -> np.dtype[Any]:
    """Return the type of a mode's values for cells of type `dtype`."""
    if mode.result == "median" and not all(map(_odd, axes)):
        return RESULTS["float"](dtype)
    return RESULTS[mode.result](dtype)


def _odd(axis: Axis) -> bool:
    """Whether every window has an odd number of real cells."""
    return axis.size % 2 == 1 if axis.regular and axis.full() else bool((axis.counts() % 2 == 1).all())


# --- small maps and global windows ------------------------------------------------------------------------------------


class Straight(NamedTuple):
    """The shortcut for maps that fit the cache, or one read: a fold and a division, with nothing left to decide."""

    fold: Callable[[Array], Array]
    shape: tuple[int, ...]  # the values' shape
    dtype: np.dtype[Any]  # of the values
    sums: bool  # whether numbers may grow too large
    divisor: Any  # what sums are divided by

    def __call__(self, x: Array) -> Array | None:
        """Return the values, or None where the numbers need a closer look."""
        x = x if x.flags.c_contiguous else x.copy()
        if not self.sums:
            return self.fold(x).reshape(self.shape)
        try:
            with np.errstate(all="ignore", over="ignore" if self.divisor is None else "raise"):
                values = self.fold(x)
                if self.divisor is not None:
                    values = np.divide(values, self.divisor)
                values = values.astype(self.dtype, copy=False)
        except ArithmeticError:  # perhaps only a sum was too large
            return None
        return values.reshape(self.shape)


def straight(
    shape: tuple[int, ...], dtype: np.dtype[Any], axes: Sequence[Axis], mode: Mode, layer: LayerSpec
) -> Straight | None:
    """Return the shortcut for inputs of this shape and type, if there is one; `pooled` gives the same values."""
    (row, *more), divides = mode.reductions or (None,), mode.finish == "divide"
    if row is None or more or row.prepare or callable(row.combine) or mode.degree or mode.beyond or mode.cells:
        return None
    if not (divides or mode.finish is None) or dtype.kind not in "iuf" or mode.result == "range":
        return None
    if layer.nan == "ignore" and dtype.kind == "f":
        return None
    result = result_type(mode, dtype, axes)
    planes = (math.prod(shape[: -len(axes)]), *map(len, axes))
    large = math.prod(shape) * dtype.itemsize + math.prod(planes) * result.itemsize > SHARED_BYTES
    if large and any(len(axis) > 1 for axis in axes):
        return None
    sums, cells = row.combine == "add", math.prod(axis.size for axis in axes)
    most = int(np.iinfo(_long(dtype)).max) // cells if sums and dtype.kind in "iu" and dtype.itemsize == 8 else None
    work = dtype if not sums else np.promote_types(dtype, np.float32) if dtype.kind == "f" else _long(dtype)
    part = _part(row, work, layer.mode.parameter, 1.0, ignoring=False)
    whole = (planes[0], *shape[-len(axes) :])
    fold_all = small_fold(whole, dtype, axes, part, None if divides else result, most)
    if fold_all is None:
        return None
    everything = [slice(0, len(axis)) for axis in axes]
    divisor = Divisors(layer, axes).of(everything, work) if divides else None
    return Straight(fold_all, (*shape[: -len(axes)], *map(len, axes)), result, sums, divisor)


# --- folds ------------------------------------------------------------------------------------------------------------


def _from_folds(
    x: Array, axes: Sequence[Axis], mode: Mode, layer: LayerSpec, result: np.dtype[Any], counted: Sequence[Axis]
) -> Array:
    divisors = Divisors(layer, counted)
    overflows: list[str] = []  # reported by the processor: checking all values would cost as much as computing them
    with np.errstate(over="call", call=lambda error, _: overflows.append(error)):
        values = _folded(x, axes, mode, layer, result, _scale(x, mode, layer.mode.parameter), divisors)
    if mode.result == "range" and values.dtype.kind == "i" and (values < 0).any():
        raise _overflow("max - min", values < 0, values.dtype)
    if mode.divides and overflows and np.isinf(values).any():  # perhaps only the sum was too large
        values = np.where(np.isinf(values), _folded(x, axes, mode, layer, result, SMALLER, divisors), values)
    return values


SMALLER = 2.0**-64  # scales the largest numbers so that their sums are finite


def _folded(
    x: Array, axes: Sequence[Axis], mode: Mode, layer: LayerSpec, result: np.dtype[Any], scale: float,
    divisors: Divisors,
) -> Array:  # fmt: skip
    """Fold the input times `scale`, then divide the values by the scale."""
    parameter = layer.mode.parameter
    ignoring = layer.nan == "ignore" and x.dtype.kind == "f"
    parts = [_part(row, _accumulator(row, x, axes), parameter, scale, ignoring) for row in mode.reductions]
    if ignoring:
        parts.append(Part(np.add, (0,), lambda block: (~np.isnan(block)).view(np.uint8)))

    def finish(states: tuple[Array, ...], place: tuple[slice, ...], out: Array) -> Array:
        there = states[-1] if ignoring else None
        states = states[:-1] if ignoring else states
        if callable(mode.finish):
            states = tuple(_widened(state, mode, result) for state in states)
        work = np.asarray(states[0]).dtype
        n = divisors.of(place, work) if there is None else divisors.of_those(there, place, work)
        if isinstance(mode.finish, str) and scale == 1 and not ignoring:
            divided: Array = getattr(np, mode.finish)(states[0], n, out=out, casting="unsafe")  # straight into place
            return divided
        value: Array
        if isinstance(mode.finish, str):
            value = getattr(np, mode.finish)(states[0], n)
        else:
            value = mode.finish(*states, n, parameter) if mode.finish else states[0]
        if scale != 1:
            for _ in range(mode.degree or 1):  # one by one, because a power of the scale would overflow
                value = value / scale
        return value if there is None else np.where(there == 0, np.nan, value)

    plain = mode.finish is None and scale == 1 and not ignoring
    return fold(x, axes, parts, None if plain else finish, result, workers=layer.threads)


def _widened(state: Array, mode: Mode, result: np.dtype[Any]) -> Array:
    """Return a state in a type that holds the formula's result, float64 if that is a float.

    Otherwise 200 + 100 would be 44 in a picture, and 3000 cells inexact as a float16.
    """
    state = np.asarray(state)  # it may be a number in place of an array
    least = np.dtype(np.float64) if mode.result == "float" else result
    wide: Array = state.astype(np.promote_types(state.dtype, least), copy=False)
    return wide


class Divisors:
    """The divisors of averages: how many cells of each window count, or one number for all.

    The layer says whether padding counts. The axes have the padding that counts if any does
    (`poolcli.pooling.layer.Pooling.counted`); where padding holds values, they are those of the filled input.
    """

    def __init__(self, layer: LayerSpec, axes: Sequence[Axis]) -> None:
        self._include_pad, framework = layer.count_include_pad and layer.mode.mode.divides, layer.framework
        self._axes = axes
        self._number: float | None = layer.divisor_override
        self._scaled = bool(framework and framework.scales_override and self._number is not None)
        self._share = (self._number or 1) / math.prod(layer.window.size) if self._scaled else 1.0
        self._made: dict[tuple[tuple[int, int], ...], Any] = {}

    def of(self, place: Sequence[slice], work: np.dtype[Any]) -> Any:
        """Count the cells of the windows in `place`, only once: benchmark case batch avg 3x3 padding 1."""
        if self._number is not None and not self._scaled:
            return self._number
        ends = tuple((part.start, part.stop) for part in place)
        if ends not in self._made:
            n: Any = window_counts(self._axes, place, include_pad=self._include_pad)
            n = n * self._share if self._scaled else n
            self._made[ends] = n.astype(work) if isinstance(n, np.ndarray) and work.kind == "f" else n
        return self._made[ends]

    def of_those(self, there: Array, place: Sequence[slice], work: np.dtype[Any]) -> Any:
        """Count the cells where NaN are left out: of the real ones only those that are `there`."""
        if self._number is not None:
            return self._number
        padding: Any = 0
        if self._include_pad:
            padding = window_counts(self._axes, place, include_pad=True) - window_counts(self._axes, place)
        n: Array = (there.astype(np.int64) + padding).astype(work)
        return n


def _part(row: Reduction, work: np.dtype[Any], parameter: float, scale: float, ignoring: bool) -> Part:
    """Turn a reduction into array code for input of this type."""
    lowest, highest = (-np.inf, np.inf) if work.kind == "f" else (np.iinfo(work).min, np.iinfo(work).max)
    state = tuple({"lowest": lowest, "highest": highest}.get(value, value) for value in row.fill)  # type: ignore[arg-type]  # numbers are not keys
    combine = (
        row.combine
        if callable(row.combine)
        else getattr(np, row.ignoring if ignoring and row.ignoring else row.combine)
    )
    if ignoring and row.ignoring:
        state = (np.nan,)

    def prepare(cells: Array) -> Any:
        cells = cells * scale if scale != 1 else cells
        made = row.prepare(cells, parameter) if row.prepare else cells
        if not ignoring or row.ignoring:
            return made
        there, made = ~np.isnan(cells), made if isinstance(made, tuple) else (made,)
        return tuple(np.where(there, array, value) for array, value in zip(made, state, strict=True))

    plain = row.prepare is None and scale == 1 and (not ignoring or row.ignoring)
    return Part(combine, state, None if plain else prepare, work)


def _accumulator(row: Reduction, x: Array, axes: Sequence[Axis]) -> np.dtype[Any]:
    """Return the type to reduce in: wide enough for every state, and exact for integers if their sum can be."""
    if row.wide:
        return np.dtype(np.float64)
    if row.combine != "add":
        return x.dtype
    if x.dtype.kind == "f":
        return np.promote_types(x.dtype, np.float32)
    return np.dtype(np.float64) if _too_long(x, axes) else _long(x.dtype)


def _long(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return np.dtype(np.uint64 if dtype.kind == "u" else np.int64)


def _too_long(x: Array, axes: Sequence[Axis]) -> bool:
    """Whether the sum of a window could overflow 64 bits."""
    cells, limits, room = math.prod(axis.size for axis in axes), np.iinfo(x.dtype), np.iinfo(_long(x.dtype)).max
    if max(-limits.min, limits.max) * cells <= room or x.size == 0:
        return False
    return max(-int(x.min()), int(x.max())) * cells > room


def _long_sum(x: Array, axes: Sequence[Axis], threads: int | None) -> Array:
    """Sum 64-bit integers in two halves of 32 bits, which shows an overflow."""
    long = _long(x.dtype)
    half, mask = long.type(32), long.type(0xFFFFFFFF)
    upper = Part(np.add, (0,), lambda block: block.astype(long, copy=False) >> half)
    lower = Part(np.add, (0,), lambda block: block.astype(long, copy=False) & mask)
    high, low = (fold(x, axes, [part], None, long, workers=threads) for part in (upper, lower))
    high = high + (low >> half)
    least, most = (0, 2**32 - 1) if long.kind == "u" else (-(2**31), 2**31 - 1)
    wrong: NDArray[np.bool_] = (high < least) | (high > most)
    if wrong.any():
        raise _overflow("sum", wrong, long)
    total: Array = (high << half) | (low & mask)
    return total


def _overflow(what: str, wrong: NDArray[np.bool_], dtype: np.dtype[Any]) -> NumberRangeError:
    count, place = int(wrong.sum()), first_place(wrong)
    return NumberRangeError(
        f"the {what} of {count} window{'s' if count > 1 else ''} does not fit {dtype}, the first at {place}",
        Phrase("convert the input to floating-point numbers, or use {mode}", mode="avg"),
    )


def _scale(x: Array, mode: Mode, p: float) -> float:
    """Return a power of two that scales extreme input so that its powers neither overflow nor vanish."""
    power = 2.0 if math.isnan(p) else p
    if not mode.degree or x.dtype.kind != "f" or (x.dtype.itemsize < 8 and power <= 2) or x.size == 0:
        return 1.0
    most = float(np.max(np.abs(x), where=np.isfinite(x), initial=0.0))
    exponent = math.frexp(most)[1]
    return 1.0 if most == 0 or abs(exponent * power) < 400 else 2.0 ** max(min(-exponent, 1000), -1000)


# --- cells ------------------------------------------------------------------------------------------------------------


RANKED: Mapping[Any, float | None] = {"median": 50.0, "percentile": None}  # the percentile; None for the parameter


def _from_cells(x: Array, axes: Sequence[Axis], mode: Mode, layer: LayerSpec, result: np.dtype[Any]) -> Array:
    from poolcli.kernels.counting import countable, majority_by_counts, select_by_counts
    from poolcli.kernels.laid_out import gather
    from poolcli.kernels.order_statistics import CELL_MODES
    from poolcli.kernels.selection_network import is_small, select

    ignoring, parameter = layer.nan == "ignore", layer.mode.parameter
    name = str(mode.cells)
    if name in RANKED:
        parameter, name = RANKED[name] or parameter, "percentile"
        if is_small(axes) and not (ignoring and x.dtype.kind == "f"):
            return select(x, axes, parameter, result, workers=layer.threads)
        if countable(x, axes):
            return select_by_counts(x, axes, parameter, result, workers=layer.threads)
    make = mode.cells if callable(mode.cells) else CELL_MODES[name]
    lots: Array | None = None
    if mode.random:
        planes = math.prod(x.shape[: -len(axes)])
        lots = np.random.default_rng(layer.seed).random((planes, *map(len, axes)))

    def rows(cells: Array, real: NDArray[np.bool_], place: tuple[slice, ...]) -> Array:
        draws = None if lots is None else lots[place].ravel()
        if cells.dtype.kind != "f" or mode.treats_nan:
            return make(cells, real, parameter, draws)
        nan = np.isnan(cells) & real
        there = real & ~nan if ignoring else real
        gone: NDArray[np.bool_] = np.asarray(~there.any(axis=1) if ignoring else nan.any(axis=1))
        values = make(cells, there | gone[:, None], parameter, draws)
        return np.where(gone, np.nan, values)

    if name == "majority" and (counted := majority_by_counts(x, axes, rows, workers=layer.threads)) is not None:
        return counted
    return gather(x, axes, rows, result, workers=layer.threads)

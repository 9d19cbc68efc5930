"""What is made of windows laid out one a row: order statistics and drawing.

Every function takes ``cells`` of shape (windows, cells), ``real``, a boolean array that broadcasts to it and says
which cells take part (at least one in every row), the mode's parameter, and ``draws``, one number in [0, 1) a row.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
CellMode = Callable[[Array, NDArray[np.bool_], float, Array | None], Array]


def _sorted(cells: Array, real: NDArray[np.bool_]) -> tuple[Array, NDArray[np.int64]]:
    """Sort each row with the cells that do not take part last, and count those that do."""
    if real.all():
        return np.sort(cells, axis=1), np.full(len(cells), cells.shape[1])
    real = np.broadcast_to(real, cells.shape)
    last = np.nan if cells.dtype.kind == "f" else _highest(cells.dtype)
    return np.sort(np.where(real, cells, cells.dtype.type(last)), axis=1), real.sum(axis=1)


def _highest(dtype: np.dtype[Any]) -> Any:
    return True if dtype.kind == "b" else np.iinfo(dtype).max


def _pick(rows: Array, at: NDArray[np.int64]) -> Array:
    return np.take_along_axis(rows, at[:, None], axis=1)[:, 0]


def _between(rows: Array, low: NDArray[np.int64], share: Any, high: NDArray[np.int64]) -> Array:
    """Interpolate without overflow, without inf - inf where both ends are equal, and in float64 for integers."""
    dtype = rows.dtype if rows.dtype.kind == "f" else np.dtype(np.float64)
    a, b = _pick(rows, low).astype(dtype), _pick(rows, high).astype(dtype)
    share = np.asarray(share, dtype)
    with np.errstate(invalid="ignore"):
        mixed: Array = a * (1 - share) + b * share
    return np.where((a == b) | (share == 0), a, mixed)


def median(cells: Array, real: NDArray[np.bool_], _: float, __: Array | None) -> Array:
    """Return the middle value, or the mean of the middle two."""
    rows, n = _sorted(cells, real)
    low, high = (n - 1) // 2, n // 2
    return _pick(rows, low) if (low == high).all() else _between(rows, low, 0.5 * (low != high), high)


def percentile(cells: Array, real: NDArray[np.bool_], q: float, __: Array | None) -> Array:
    """Return the q-th percentile with linear interpolation, NumPy's default method."""
    rows, n = _sorted(cells, real)
    place = (n - 1) * (q / 100)
    low = np.floor(place).astype(np.int64)
    return _between(rows, low, place - low, np.minimum(low + 1, n - 1))


def majority(cells: Array, real: NDArray[np.bool_], _: float, __: Array | None) -> Array:
    """Return the value that stands most often; of several the one seen first.

    Equal values form runs once sorted. The sort is stable, so that the first cell of a run is the one seen first.
    """
    real = np.broadcast_to(real, cells.shape)
    order = np.argsort(cells, axis=1, kind="stable")
    order = np.take_along_axis(
        order, np.argsort(~np.take_along_axis(real, order, axis=1), axis=1, kind="stable"), axis=1
    )
    rows, taking = np.take_along_axis(cells, order, axis=1), np.take_along_axis(real, order, axis=1)
    new = np.ones(rows.shape, bool)
    new[:, 1:] = (rows[:, 1:] != rows[:, :-1]) | (taking[:, 1:] != taking[:, :-1])
    here = np.arange(rows.shape[1])
    start = np.maximum.accumulate(np.where(new, here, 0), axis=1)
    length = np.where(taking, here - start + 1, 0)
    first_seen = np.take_along_axis(order, start, axis=1)
    candidate = np.where(length == length.max(axis=1, keepdims=True), first_seen, rows.shape[1])
    return _pick(cells, candidate.min(axis=1))


def stochastic(cells: Array, real: NDArray[np.bool_], _: float, draws: Array | None) -> Array:
    """Draw a cell with probability proportional to max(x, 0); evenly where no cell is above zero.

    Zeiler & Fergus, "Stochastic pooling for regularization of deep convolutional neural networks", 2013.
    """
    if draws is None:
        raise TypeError("stochastic needs draws")
    real = np.broadcast_to(real, cells.shape)
    weights = np.where(real, np.maximum(cells, 0), 0).astype(np.float64)
    infinite = np.isinf(weights)
    weights = np.where(infinite.any(axis=1, keepdims=True), infinite, weights)
    weights = np.where(weights.any(axis=1, keepdims=True), weights, real)
    weights /= weights.max(axis=1, keepdims=True)  # the sum of finite weights could overflow
    reach = np.cumsum(weights, axis=1)
    passed = reach <= (draws * reach[:, -1])[:, None]
    last = cells.shape[1] - 1 - np.argmax(weights[:, ::-1] > 0, axis=1)  # rounding never draws an impossible cell
    return _pick(cells, np.minimum(passed.sum(axis=1), last))


def _first_nan(pick: Callable[..., Array], fill: float) -> CellMode:
    """Return max or min as onnxruntime makes it with indices: NaN wins in the first place and loses elsewhere."""

    def best(cells: Array, real: NDArray[np.bool_], _: float, __: Array | None) -> Array:
        real = np.broadcast_to(real, cells.shape)
        first = _pick(cells, np.argmax(real, axis=1))
        return np.where(np.isnan(first), first, pick(np.where(real, cells, cells.dtype.type(fill)), axis=1))

    return best


CELL_MODES: Mapping[str, CellMode] = {
    "median": median,
    "percentile": percentile,
    "majority": majority,
    "stochastic": stochastic,
    "first_nan_max": _first_nan(np.fmax.reduce, -np.inf),
    "first_nan_min": _first_nan(np.fmin.reduce, np.inf),
}


def first_index(cells: Array, real: NDArray[np.bool_], best: Array, *, last_nan: bool = False) -> NDArray[np.int64]:
    """Return where in its row the first cell equal to `best` stands; NaN equals NaN.

    `last_nan` takes the last NaN instead, as PyTorch does.
    """
    equal = cells == best[:, None]
    nan = np.isnan(best)
    if nan.any():
        equal = np.where(nan[:, None], np.isnan(cells), equal)
    equal = equal & real
    where: NDArray[np.int64] = np.argmax(equal, axis=1)
    if last_nan and nan.any():
        where = np.where(nan, cells.shape[1] - 1 - np.argmax(equal[:, ::-1], axis=1), where)
    return where

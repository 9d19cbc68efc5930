"""Order statistics and drawing: which ranks are needed, and the value of windows laid out in rows.

Every function takes ``cells`` of shape (windows, cells), ``real``, a boolean array that broadcasts to it and tells
which cells count (at least one in every row), the mode's parameter, and ``draws``, one number in [0, 1) per row.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
LONG_ROW = 1 << 15  # cells, from which a row is processed part by part, to keep intermediate results small
CellMode = Callable[[Array, NDArray[np.bool_], float, Array | None], Array]


def ranks(n: Any, q: float) -> tuple[Any, Any, Any]:
    """Return the ranks around the q-th percentile of n cells, counted from 0, and how far it is from the lower.

    Linear interpolation, NumPy's default; the median is the 50th.

    Examples
    --------
    >>> ranks(9, 50), ranks(4, 50)
    ((4, 4, 0.0), (1, 2, 0.5))
    """
    place = (n - 1) * (q / 100)
    if not isinstance(n, np.ndarray):
        low = int(place)
        return low, low + (place > low), place - low
    whole = np.floor(place).astype(np.int64)
    return whole, whole + (place > whole), place - whole


def between(a: Array, b: Array, share: Any) -> Array:
    """Interpolate without overflow, without inf - inf where both ends are equal, and in float64 for integers."""
    if not np.any(share):
        return a
    dtype = a.dtype if a.dtype.kind == "f" else np.dtype(np.float64)
    a, b, share = a.astype(dtype), b.astype(dtype), np.asarray(share, dtype)
    with np.errstate(invalid="ignore"):
        mixed: Array = a * (1 - share) + b * share
    return np.where((a == b) | (share == 0), a, mixed)


def percentile(cells: Array, real: NDArray[np.bool_], q: float, _: Array | None) -> Array:
    """Return the q-th percentile of each row."""
    if real.all():
        rows, n = np.sort(cells, axis=1), np.array(cells.shape[1])
    else:
        real = np.broadcast_to(real, cells.shape)
        last = np.nan if cells.dtype.kind == "f" else np.iinfo(cells.dtype).max
        rows, n = np.sort(np.where(real, cells, cells.dtype.type(last)), axis=1), real.sum(axis=1)
    low, high, share = ranks(n, q)
    return between(_pick(rows, low), _pick(rows, high), share)


def _pick(rows: Array, at: NDArray[np.int64]) -> Array:
    return rows[np.arange(len(rows)), at]


def majority(cells: Array, real: NDArray[np.bool_], _: float, __: Array | None) -> Array:
    """Return the most frequent value; of several the one seen first.

    Sorted, equal values form runs. The sort is stable, so the first cell of a run is the one seen first.
    """
    if cells.shape[1] > LONG_ROW:
        return np.array([_most_frequent(row[there]) for row, there in zip(cells, np.broadcast_to(real, cells.shape),
                                                                          strict=True)], cells.dtype)  # fmt: skip
    real = np.broadcast_to(real, cells.shape)
    order = np.lexsort((cells, ~real), axis=1)
    rows, taking = np.take_along_axis(cells, order, axis=1), np.take_along_axis(real, order, axis=1)
    new = np.ones(rows.shape, bool)
    new[:, 1:] = (rows[:, 1:] != rows[:, :-1]) | (taking[:, 1:] != taking[:, :-1])
    here = np.arange(rows.shape[1])
    start = np.maximum.accumulate(np.where(new, here, 0), axis=1)
    length = np.where(taking, here - start + 1, 0)
    first_seen = np.take_along_axis(order, start, axis=1)
    candidate = np.where(length == length.max(axis=1, keepdims=True), first_seen, rows.shape[1])
    return _pick(cells, candidate.min(axis=1))


def _most_frequent(row: Array) -> Any:
    """Return the most frequent value of a long row, of several the first seen, in little more memory than a copy."""
    ordered = np.sort(row)
    candidates: list[Array] = []
    most = before = 0
    for first in range(0, len(row), LONG_ROW):
        part = ordered[first : first + LONG_ROW + 1]  # the last is the first of the next
        ends = np.flatnonzero(part[1:] != part[:-1]) + first + 1
        if first + LONG_ROW >= len(row):
            ends = np.append(ends, len(row))
        lengths = np.diff(ends, prepend=before)
        if len(ends) and (longest := int(lengths.max())) >= most:
            candidates = [*(candidates if longest == most else []), ordered[ends[lengths == longest] - 1]]
            most = longest
        before = int(ends[-1]) if len(ends) else before
    several = np.concatenate(candidates)
    seen = (
        part[np.isin(part, several)]
        for part in (row[first : first + LONG_ROW] for first in range(0, len(row), LONG_ROW))
    )
    return next(part[0] for part in seen if len(part))


def stochastic(cells: Array, real: NDArray[np.bool_], _: float, draws: Array | None) -> Array:
    """Draw a cell with probability proportional to max(x, 0); evenly where no cell is above zero.

    Zeiler & Fergus, "Stochastic pooling for regularization of deep convolutional neural networks", 2013.
    """
    if draws is None:
        raise TypeError("stochastic needs draws")
    real = np.broadcast_to(real, cells.shape)
    if cells.shape[1] > LONG_ROW:
        return np.array([_drawn(*row) for row in zip(cells, real, draws, strict=True)], cells.dtype)
    weights = np.where(real, np.maximum(cells, 0), 0).astype(np.float64)
    infinite = np.isinf(weights)
    weights = np.where(infinite.any(axis=1, keepdims=True), infinite, weights)
    weights = np.where(weights.any(axis=1, keepdims=True), weights, real)
    weights /= weights.max(axis=1, keepdims=True)  # the sum of finite weights could overflow
    reach = np.cumsum(weights, axis=1)
    passed = reach <= (draws * reach[:, -1])[:, None]
    last = cells.shape[1] - 1 - np.argmax(weights[:, ::-1] > 0, axis=1)  # rounding never draws an impossible cell
    return _pick(cells, np.minimum(passed.sum(axis=1), last))


def _drawn(row: Array, real: NDArray[np.bool_], draw: float) -> Any:
    """Draw from a long row like `stochastic`, part by part."""
    places = [slice(first, first + LONG_ROW) for first in range(0, len(row), LONG_ROW)]
    most = max(float(np.max(row[part], where=real[part], initial=0)) for part in places)

    def weights(part: slice) -> Array:
        if most == 0:
            return real[part].astype(np.float64)
        made = np.where(real[part], np.maximum(row[part], 0), 0).astype(np.float64)
        return np.isinf(made).astype(np.float64) if math.isinf(most) else made / most

    def reaches() -> Iterator[tuple[slice, Array]]:
        reached = 0.0
        for part in places:
            reach = np.cumsum(np.concatenate(([reached], weights(part))))[1:]
            reached = float(reach[-1])
            yield part, reach

    total = [reach[-1] for _, reach in reaches()][-1]
    for part, reach in reaches():
        if reach[-1] > draw * total:
            return row[part][int(np.argmax(reach > draw * total))]
    return row[max(int(np.flatnonzero(weights(part))[-1]) + part.start for part in places if weights(part).any())]


def _first_nan(pick: Callable[..., Array], fill: float) -> CellMode:
    """Return max or min as onnxruntime computes it with indices: NaN wins in first place and loses elsewhere."""

    def best(cells: Array, real: NDArray[np.bool_], _: float, __: Array | None) -> Array:
        real = np.broadcast_to(real, cells.shape)
        first = _pick(cells, np.argmax(real, axis=1))
        return np.where(np.isnan(first), first, pick(np.where(real, cells, cells.dtype.type(fill)), axis=1))

    return best


CELL_MODES: Mapping[str, CellMode] = {
    "percentile": percentile,
    "majority": majority,
    "stochastic": stochastic,
    "first_nan_max": _first_nan(np.fmax.reduce, -np.inf),
    "first_nan_min": _first_nan(np.fmin.reduce, np.inf),
}


def first_index(cells: Array, real: NDArray[np.bool_], best: Array, *, last_nan: bool = False) -> NDArray[np.int64]:
    """Return the index in its row of the first cell equal to `best`; NaN equals NaN.

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

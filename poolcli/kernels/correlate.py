"""Weighted sums of the cells of windows.

- *separable*: a kernel that is a column times a row is applied as one, then the other: 2 k weights, not k squared;
- *grouped*: cells of the same weight are added before they are multiplied, and 1 and -1 need no multiplication.

Benchmark cases: conv gaussian 5x5 for the first, conv outline 3x3 for the second.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.kernels.fold_axis import pad
from poolcli.kernels.memory import Scratch, copy
from poolcli.kernels.tiles import SHARED_BYTES, TILE_BYTES, Spot, State, planes_of, walk_tiles
from poolcli.system.threads import threads
from poolcli.window import Axis

Array = NDArray[Any]
Term = tuple[Array, Any]  # cells and their weight


def correlate(
    x: Array, axes: Sequence[Axis], weights: Array, dtype: np.dtype[Any], *, work: np.dtype[Any] | None = None,
    workers: int | None = None,
) -> Array:  # fmt: skip
    """Add the cells of every window, each times its weight; padding is zero.

    Parameters
    ----------
    x : ndarray, shape (leading..., spatial...)
        The input; never modified.
    axes : sequence of Axis
        One per spatial axis, regular.
    weights : ndarray, shape (sizes...)
        Integers or floats.
    work : dtype, optional
        The type to add in, by default the result's. The caller makes sure that it holds every sum of integers.

    Returns
    -------
    ndarray, shape (leading..., windows...)

    Notes
    -----
    Zero times infinity or NaN is NaN, as in the sum written out: where a tile holds one of these and the kernel a zero,
    all products are computed.
    """
    out = np.empty((*x.shape[: x.ndim - len(axes)], *map(len, axes)), dtype)
    if out.size == 0:
        return out
    typed = weights.astype(dtype if work is None else work)
    task = _Correlation((typed.shape, typed.dtype, typed.tobytes()), typed, separated(weights))
    workers = threads(workers) if x.nbytes + out.nbytes >= SHARED_BYTES else 1
    room = TILE_BYTES // task.weights.itemsize
    risky = x.dtype.kind == "f" and not weights.all()
    for planes, values in planes_of(x, out, len(axes)):

        def instead(spot: Spot, planes: Array = planes, values: Array = values) -> bool:
            if not risky or np.isfinite(planes[spot.cells]).all():
                return False
            task.plainly(planes[spot.cells], spot.axes, values[spot.windows])
            return True

        walk_tiles(task, [(planes,)], axes, values, room=room, workers=workers, instead=instead)
    return out


@dataclass(frozen=True)
class _Correlation:
    """The task for one tile; equal if the weights are equal."""

    value: tuple[Any, ...]
    weights: Array = field(compare=False)
    factors: list[Array] | None = field(compare=False)

    def __call__(
        self, blocks: Sequence[State], axes: Sequence[Axis], target: Array | None, scratch: Scratch
    ) -> list[State]:
        block = _padded(blocks[0][0], axes, self.weights.dtype, scratch)
        if self.factors is None:
            _add_up(list(_terms(block, axes, self.weights, zeros=not self.weights.any())), target, scratch)
            return []
        for position, (axis, factor) in enumerate(zip(axes, self.factors, strict=True)):
            last = position == len(self.factors) - 1
            weights = factor.astype(self.weights.dtype)
            block = _along(block, axis, position + 1, weights, target if last else None, scratch)
        return []

    def plainly(self, block: Array, axes: Sequence[Axis], target: Array) -> None:
        """Compute all products, including those with zero."""
        scratch = Scratch()
        cells = _padded(block, axes, self.weights.dtype, scratch)
        _add_up(list(_terms(cells, axes, self.weights, zeros=True)), target, scratch)


def separated(weights: Array) -> list[Array] | None:
    """Return the factors, one per axis, if a kernel of one or two axes is their outer product, or else None."""
    if weights.ndim == 1:
        return [weights]
    if weights.ndim > 2 or min(weights.shape) == 1 or not np.isfinite(weights).all() or not weights.any():
        return None
    row, column = (int(i) for i in np.unravel_index(np.argmax(np.abs(weights)), weights.shape))
    if weights.dtype.kind in "iu":
        down = weights[:, column] // gcd(*(int(weight) for weight in weights[:, column]))
        across = weights[row] // down[row]
        return [down, across] if (np.multiply.outer(down, across) == weights).all() else None
    down, across = weights[:, column] / weights[row, column], weights[row]
    near = np.abs(np.multiply.outer(down, across) - weights).max() <= 4 * np.finfo(weights.dtype).eps * abs(
        weights[row, column]
    )
    return [down, across] if near else None


def _padded(block: Array, axes: Sequence[Axis], work: np.dtype[Any], scratch: Scratch) -> Array:
    if block.dtype != work:
        block = scratch.do(copy, block, out=scratch.take(block.shape, work))
    for position, axis in enumerate(axes):
        block = pad((block,), axis, position + 1, (0,), scratch)[0]
    return block


def _terms(block: Array, axes: Sequence[Axis], weights: Array, *, zeros: bool) -> Iterable[Term]:
    for tap in np.ndindex(*weights.shape):
        if zeros or weights[tap] != 0:
            windows = tuple(
                slice(t * axis.dilation, t * axis.dilation + (len(axis) - 1) * axis.stride + 1, axis.stride)
                for t, axis in zip(tap, axes, strict=True)
            )
            yield block[(slice(None), *windows)], weights[tap]


def _along(block: Array, axis: Axis, at: int, weights: Array, target: Array | None, scratch: Scratch) -> Array:
    terms: list[Term] = []
    keep_zeros = not weights.any()
    for tap, weight in enumerate(weights):
        first = tap * axis.dilation
        windows = slice(first, first + (len(axis) - 1) * axis.stride + 1, axis.stride)
        if weight != 0 or keep_zeros:
            terms.append((block[(slice(None),) * at + (windows,)], weight))
    return _add_up(terms, target, scratch)


def _add_up(terms: list[Term], target: Array | None, scratch: Scratch) -> Array:
    """Add weighted cells, first those of the same weight, and put the sum into `target` if there is one."""
    groups: dict[Any, list[Array]] = {}
    for cells, weight in terms:
        groups.setdefault(weight, []).append(cells)
    like = terms[0][0]
    direct = target is not None and target.dtype == like.dtype
    steps = _steps(sorted(groups.items(), key=lambda group: (group[0] == -1, -len(group[1]))))
    made: list[Array] = []
    for number, (call, *operands) in enumerate(steps, 1):
        out = next((made[item] for item in operands if isinstance(item, int)), None)  # no result is needed twice
        if direct and number == len(steps):
            out = target
        out = scratch.take(like.shape, like.dtype) if out is None else out
        made.append(scratch.do(call, *[made[item] if isinstance(item, int) else item for item in operands], out=out))
    result: Array = made[-1] if made else like
    if target is not None and not (direct and made):
        scratch.do(copy, result, out=target)
    return result


def _steps(groups: Sequence[tuple[Any, list[Array]]]) -> list[tuple[np.ufunc, Any, Any]]:
    """Return ufuncs and their operands: cells, a weight, or an int, which stands for the result of that step."""
    steps: list[tuple[np.ufunc, Any, Any]] = []

    def then(call: np.ufunc, one: Any, other: Any) -> int:
        steps.append((call, one, other))
        return len(steps) - 1

    total: Any = None
    for weight, cells in groups:
        part: Any = cells[0]
        for more in cells[1:]:
            part = then(np.add, part, more)
        if weight != 1 and (weight != -1 or total is None):
            part = then(np.multiply, part, weight)
        total = part if total is None else then(np.subtract if weight == -1 else np.add, total, part)
    return steps

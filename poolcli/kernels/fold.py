"""Associative reductions over windows, one spatial axis after the other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.window import Axis

Array = NDArray[Any]
State = tuple[Array, ...]
Merge = Callable[[State, State], State]


@dataclass(frozen=True)
class Part:
    """One associative reduction.

    Attributes
    ----------
    combine : ufunc or function of two states
        A binary ufunc for a state of one array, or a function that merges two states of several arrays.
    prepare : function, optional
        Makes the state of single cells from a block of the input: an array, or a tuple of arrays.
    fill : tuple of scalars
        The state of a cell that does not take part, one scalar per array of the state.
    """

    combine: np.ufunc | Merge
    fill: tuple[Any, ...]
    prepare: Callable[[Array], Array | State] | None = None

    def start(self, block: Array) -> State:
        """Return the state of every single cell of `block`."""
        state = block if self.prepare is None else self.prepare(block)
        return state if isinstance(state, tuple) else (state,)

    def merge(self, one: State, other: State) -> State:
        """Combine the states of two neighbouring sets of cells."""
        if isinstance(self.combine, np.ufunc):
            return (self.combine(one[0], other[0]),)
        return self.combine(one, other)


Place = tuple[slice, ...]
Finish = Callable[[State, Place], Array]


def window_counts(axes: Sequence[Axis], place: Place, *, include_pad: bool = False) -> int | NDArray[np.int64]:
    """Count the cells of the windows in `place`, one slice per axis: one number if all windows are alike.

    Parameters
    ----------
    axes : sequence of Axis
        One per spatial axis.
    place : tuple of slice
        Which windows.
    include_pad : bool
        Whether padding counts; overhang never does.
    """
    if all(axis.regular and axis.full(part.start, part.stop) for axis, part in zip(axes, place, strict=True)):
        return math.prod(axis.size for axis in axes)
    counts = [
        axis.counts(include_pad=include_pad, first=part.start, last=part.stop)
        for axis, part in zip(axes, place, strict=True)
    ]
    return reduce(np.multiply.outer, counts)


def fold(x: Array, axes: Sequence[Axis], parts: Sequence[Part], finish: Finish) -> Array:
    """Reduce the real cells of every window.

    Parameters
    ----------
    x : ndarray, shape (leading..., spatial...)
        The input; never modified.
    axes : sequence of Axis
        One per spatial axis.
    parts : sequence of Part
        The reductions to make in one walk over the input.
    finish : function of (states, place)
        Called with every array of every part's final state, in order, and the windows they belong to, one slice per
        spatial axis; returns the values.

    Returns
    -------
    ndarray, shape (leading..., windows...)
    """
    states: list[Array] = []
    for part in parts:
        state = part.start(x)
        for position, axis in enumerate(axes):
            state = _along(state, axis, position - len(axes), part)
        states.extend(state)
    return finish(tuple(states), tuple(slice(0, len(axis)) for axis in axes))


def _along(state: State, axis: Axis, position: int, part: Part) -> State:
    padded = tuple(_pad(array, axis, position, fill) for array, fill in zip(state, part.fill, strict=True))
    folded: State | None = None
    for tap in range(axis.size):
        cells = tuple(_tap(array, axis, tap, position) for array in padded)
        folded = cells if folded is None else part.merge(folded, cells)
    assert folded is not None  # noqa: S101 - a window has at least one cell
    return folded


def _pad(array: Array, axis: Axis, position: int, fill: Any) -> Array:
    before = max(-axis.starts[0], 0)
    after = max(axis.stops[-1] - axis.length, 0) if axis.regular else 1
    widths = [(0, 0)] * array.ndim
    widths[position] = (before, after)
    return np.pad(array, widths, constant_values=fill)


def _tap(array: Array, axis: Axis, tap: int, position: int) -> Array:
    before = max(-axis.starts[0], 0)
    if axis.regular:
        first = axis.starts[0] + before + tap * axis.dilation
        window: Any = slice(first, first + (len(axis) - 1) * axis.stride + 1, axis.stride)
        index: tuple[Any, ...] = (..., window, *[slice(None)] * (-position - 1))
        return array[index]
    cells = np.asarray(axis.starts) + tap
    return np.take(array, np.where(cells < np.asarray(axis.stops), cells, axis.length), axis=position)

"""The order in which the cells of a window are combined: how many steps, and how deep the rounding goes."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple


class ChainStep(NamedTuple):
    """Make windows of `size` cells from windows of `left` cells and windows of `right` cells, `shift` cells later.

    After that, windows of the sizes in `done` are no longer needed.
    """

    size: int
    left: int
    right: int
    shift: int
    done: tuple[int, ...] = ()


@lru_cache(maxsize=1024)
def chain(size: int, *, overlapping: bool) -> tuple[ChainStep, ...]:
    """Return the steps from single cells to windows of `size` cells.

    Parameters
    ----------
    size : int
        Cells of a window, 1 or more.
    overlapping : bool
        Whether a cell may be combined twice, as in a maximum: windows then double, and the last step overlaps.
        Otherwise the steps are an addition chain.

    Examples
    --------
    >>> [step.size for step in chain(31, overlapping=True)], [step.size for step in chain(31, overlapping=False)]
    ([2, 4, 8, 16, 31], [2, 3, 5, 7, 14, 28, 31])
    """
    widest = 1 << (size.bit_length() - 1)
    if overlapping or size == widest:
        steps = [_double(1 << power) for power in range(size.bit_length() - 1)]
        return _with_done([*steps, ChainStep(size, widest, widest, size - widest)] if widest < size else steps)
    if size <= _TREE_SIZES:
        sizes = _power_tree(size)
        return _with_done([_split(total, sizes[:place]) for place, total in enumerate(sizes) if place])
    half, odd = divmod(size, 2)
    steps = [*chain(half, overlapping=False), _double(half)]
    return _with_done([*steps, ChainStep(size, size - 1, 1, size - 1)] if odd else steps)


_TREE_SIZES = 76  # up to this size the power tree gives shortest chains


def _double(size: int) -> ChainStep:
    return ChainStep(2 * size, size, size, size)


def _with_done(steps: list[ChainStep]) -> tuple[ChainStep, ...]:
    """Note the step after which each size is no longer needed."""
    last = {}
    for place, step in enumerate(steps):
        last.update({step.left: place, step.right: place})
    return tuple(
        step._replace(done=tuple(size for size, final in last.items() if final == place))
        for place, step in enumerate(steps)
    )


def _split(total: int, sizes: list[int]) -> ChainStep:
    left = next(size for size in reversed(sizes) if total - size in sizes)
    return ChainStep(total, left, total - left, left)


def _power_tree(size: int) -> list[int]:
    """Return a shortest addition chain; Knuth, The Art of Computer Programming 2, section 4.6.3."""
    parents, level = {1: 0}, [1]
    while size not in parents:
        level = [child for number in level for child in _children(number, parents)]
    path = [size]
    while parents[path[-1]]:
        path.append(parents[path[-1]])
    return path[::-1]


def _children(number: int, parents: dict[int, int]) -> list[int]:
    path, at = [], number
    while at:
        path.append(at)
        at = parents[at]
    new = [number + other for other in reversed(path) if number + other not in parents]
    parents.update(dict.fromkeys(new, number))
    return new


def depth(steps: tuple[ChainStep, ...]) -> int:
    """Return how many times the value of one cell is rounded on its way through the steps.

    Examples
    --------
    >>> depth(chain(31, overlapping=False))
    7
    """
    depths = {1: 0}
    for step in steps:
        depths[step.size] = 1 + max(depths[step.left], depths[step.right])
    return depths[steps[-1].size] if steps else 0

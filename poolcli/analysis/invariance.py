"""How much a pooled map changes when its input moves a little: translation invariance, measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import ShapeError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.pooling.fill import fill
from poolcli.pooling.layer import Pooling
from poolcli.window import Axis, parse_fill, times
from poolcli.wording import Phrase, many

Array = NDArray[Any]
MOST_SAMPLES = 1000
# by how much two numbers must differ to count as changed, relative to the larger: more than the rounding of sums
ROUNDING: Mapping[int, float] = {2: 1e-2, 4: 1e-5, 8: 1e-9}
DIRECTIONS: Mapping[int, Mapping[str, tuple[int, ...]]] = {
    1: {"left": (-1,), "right": (1,)},
    2: {"up": (-1, 0), "down": (1, 0), "left": (0, -1), "right": (0, 1)},
    3: {
        "front": (-1, 0, 0), "back": (1, 0, 0), "up": (0, -1, 0), "down": (0, 1, 0), "left": (0, 0, -1),
        "right": (0, 0, 1),
    },
}  # fmt: skip


@dataclass(frozen=True)
class Change:
    """The differences between the values of two maps."""

    changed: int
    total: int
    mean: float  # the mean of the absolute differences of the finite values

    @property
    def share(self) -> float:
        """The share of the values that changed, from 0 to 1."""
        return self.changed / self.total


@dataclass(frozen=True)
class Shift:
    """One movement of the input and its effect."""

    name: str  # up, left ..., or the movement as text
    by: tuple[int, ...]  # cells along each spatial axis; a positive number moves the content towards the end
    before: Change  # in the input
    after: Change  # in the pooled map


@dataclass(frozen=True)
class ShiftReport:
    """The effects of moving the input on the pooled map."""

    shifts: tuple[Shift, ...]  # one for each movement
    edge: str | float  # what enters at the edge: a name of `poolcli.window.FILLS`, or a number
    seed: int | None  # of random movements
    by: int  # the largest movement along an axis
    feature_map: FeatureMap = field(repr=False)
    layer: Pooling = field(repr=False)

    @property
    def before(self) -> Change:
        """All changes of the input."""
        return _together([shift.before for shift in self.shifts])

    @property
    def after(self) -> Change:
        """All changes of the pooled map."""
        return _together([shift.after for shift in self.shifts])

    @property
    def verdict(self) -> str:
        """Say in one sentence how invariant pooling made the map, by how many values change and by how much.

        Either alone may mislead: an average spreads a change over more values, each of which changes less.
        """
        before, after = self.before, self.after
        moved = f"Moved by {'up to ' if self.seed is not None else ''}{many(self.by, 'cell')}"
        if before.changed == 0:
            return f"{moved}, this map looks the same, so there is nothing to measure."
        shares = f"{_percent(before.share)} of the values change before pooling and {_percent(after.share)} after"
        means = f"mean change {before.mean:.4g} and {after.mean:.4g}"
        return f"{moved}, {shares} ({means}): {_judged(before, after)}."

    def differences(self) -> Iterator[tuple[Shift, FeatureMap, FeatureMap]]:
        """Yield each shift with the absolute differences in the input and in the pooled map."""
        x, plain = self.feature_map.values, self.feature_map.with_(white=None)
        still = self.layer.apply(x)[0]
        for shift in self.shifts:
            moved = translate(x, shift.by, self.edge)
            before, after = _distance(x, moved), _distance(still, self.layer.apply(moved)[0])
            yield shift, plain.with_(values=before), plain.with_(values=after)

    def record(self) -> dict[str, Any]:
        """Return everything as JSON."""
        rows = [
            {"direction": shift.name, "by": list(shift.by), **{
                when: {"changed": change.changed, "total": change.total, "share": change.share, "mean": change.mean}
                for when, change in (("before", shift.before), ("after", shift.after))
            }}
            for shift in self.shifts
        ]  # fmt: skip
        known = {"edge": self.edge, **({"seed": self.seed} if self.seed is not None else {})}
        return {"pool": self.layer.record(), **known, "shifts": rows, "verdict": self.verdict}


def _percent(share: float) -> str:
    """Write a share in percent; only exact ones are 0% or 100%."""
    percent = 100 * share
    if percent in (0, 100):
        return f"{percent:.0f}%"
    return f"{min(max(percent, 0.1), 99.9):.1f}%"


def _judged(before: Change, after: Change) -> str:
    if after.changed == 0:
        return "pooling made the map invariant to this movement"
    by_number = _compared(before.share, after.share)
    by_size = _compared(before.mean, after.mean) if before.mean else by_number  # if nothing finite changed
    if by_number == by_size:
        return f"pooling {by_number}"
    return f"by their number, pooling {by_number}; by the mean change, it {by_size}"


def _compared(before: float, after: float) -> str:
    if after <= before / 2:
        return "made the map approximately invariant to it"
    if after < before:
        return "took away some of the change, but not half of it"
    return "did not make the map more invariant to it"


def _together(changes: Sequence[Change]) -> Change:
    total = sum(change.total for change in changes)
    mean = sum(change.mean * change.total for change in changes) / total
    return Change(sum(change.changed for change in changes), total, mean)


def measure(
    feature_map: FeatureMap,
    layer: Pooling,
    by: int = 1,
    *,
    samples: int | None = None,
    seed: int | None = None,
    edge: str | float = "replicate",
    progress: Callable[[int, int], None] | None = None,
) -> ShiftReport:
    """Move the input, pool it again, and count the values that change.

    It moves by so many cells in each direction in turn or, with `samples`, so many times at random by at most as many
    along every axis; `seed` is 0 if missing. `edge` says what enters: ``replicate`` (the cells at the edge again),
    ``reflect``, ``symmetric``, ``wrap`` (what left at the other edge), or a number.

    Values count as changed if they differ by more than rounding: 1e-9 of the larger one (1e-5 in float32). NaN equals
    NaN.

    Examples
    --------
    >>> line = np.zeros((6, 6), int)
    >>> line[:, 2] = 1
    >>> report = measure(FeatureMap(line), Pooling.of(2))
    >>> [(shift.name, shift.before.changed, shift.after.changed) for shift in report.shifts]
    [('up', 0, 0), ('down', 0, 0), ('left', 12, 6), ('right', 12, 0)]
    >>> print(report.verdict.partition(": ")[2])
    pooling did not make the map more invariant to it.
    """
    _check(feature_map, by, samples)
    edge = parse_fill(edge, "edge")
    seed = None if samples is None else seed or 0
    moves = [(name, tuple(by * step for step in unit)) for name, unit in DIRECTIONS[feature_map.ndim].items()]
    if samples is not None:
        moves = _random(feature_map.ndim, by, samples, seed)
    still = layer.apply(feature_map.values)[0]
    if not still.size:
        raise ShapeError("pooling gives no values here, so none can change", Phrase("use a smaller {size}"))
    made = []
    for name, move in moves:
        moved = translate(feature_map.values, move, edge)
        before, after = _change(feature_map.values, moved), _change(still, layer.apply(moved)[0])
        made.append(Shift(name, move, before, after))
        if progress:
            progress(len(made), len(moves))
    return ShiftReport(tuple(made), edge, seed, by, feature_map, layer)


def _check(feature_map: FeatureMap, by: int, samples: int | None) -> None:
    if by < 1:
        raise UsageError(f"a shift by {by} does not move anything", Phrase("{by} or more", by=1))
    if samples is not None and not 1 <= samples <= MOST_SAMPLES:
        raise UsageError(f"{samples} random shifts are out of range", f"use 1 to {MOST_SAMPLES}")
    if by >= max(feature_map.spatial):
        raise ShapeError(
            f"a shift by {by} moves everything out of the input {times(feature_map.spatial)}",
            Phrase("{by} or less, or a larger input", by=max(max(feature_map.spatial) - 1, 1)),
        )


def _random(ndim: int, by: int, samples: int, seed: int | None) -> list[tuple[str, tuple[int, ...]]]:
    draw = Random(seed)  # noqa: S311 - shifts, not secrets
    moves: list[tuple[int, ...]] = []
    while len(moves) < samples:
        move = tuple(draw.randint(-by, by) for _ in range(ndim))
        if any(move):
            moves.append(move)
    return [(",".join(f"{step:+d}" if step else "0" for step in move), move) for move in moves]


def translate(x: Array, move: Sequence[int], edge: str | float = "replicate") -> Array:
    """Move the content of the last axes by so many cells each, towards the end if positive; `edge` says what enters.

    Examples
    --------
    >>> translate(np.array([1, 2, 3, 4]), (1,)).tolist(), translate(np.array([1, 2, 3, 4]), (-1,), 0).tolist()
    ([1, 1, 2, 3], [2, 3, 4, 0])
    """
    lengths = x.shape[-len(move) :]
    axes = [
        Axis(length, range(1), range(length, length + 1), 1, max(step, 0), max(-step, 0))
        for length, step in zip(lengths, move, strict=True)
    ]
    padded, _ = fill(x, axes, edge)
    cut: Any = tuple(slice(max(-step, 0), max(-step, 0) + length) for length, step in zip(lengths, move, strict=True))
    moved: Array = padded[..., *cut]
    return moved


def _distance(one: Array, other: Array) -> Array:
    """Return |one - other| in float64: 0 where both are the same infinity or NaN, NaN where only one is NaN."""
    a, b = one.astype(np.float64), other.astype(np.float64)
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where((a == b) | (np.isnan(a) & np.isnan(b)), 0.0, np.abs(a - b))


def _change(one: Array, other: Array) -> Change:
    apart = _distance(one, other)
    if one.dtype.kind == "f":
        size = np.maximum(np.abs(one), np.abs(other)).astype(np.float64)
        with np.errstate(invalid="ignore"):
            changed = ~(apart <= ROUNDING[one.dtype.itemsize] * np.where(np.isfinite(size), size, 0.0))
    else:
        changed = one != other  # exact: integers beyond 2**53 would look alike in float64
    finite = apart[np.isfinite(apart)]
    return Change(int(changed.sum()), one.size, float(finite.mean()) if finite.size else 0.0)

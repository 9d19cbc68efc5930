"""Translation invariance, measured: counts by hand, edges against NumPy, and sentences that say what was seen."""

from __future__ import annotations

import math
from pathlib import Path
from random import Random
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from rich.console import Console

from poolcli.analysis.invariance import measure, translate
from poolcli.errors import ShapeError, UnknownNameError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.pooling.layer import Pooling
from poolcli.render.terminal.heatmap import Canvas
from poolcli.render.terminal.invariance import differences, invariance_table
from tests.support import drawn
from tests.support.process import Run

LINE = np.zeros((8, 8), int)
LINE[:, 3:5] = 1
NUMPY_PAD = {"replicate": "edge", "wrap": "wrap", "reflect": "reflect", "symmetric": "symmetric"}


@given(drawn.by(drawn.it), st.sampled_from([*NUMPY_PAD, 0, -3]))
@settings(max_examples=200)
def test_moving_is_padding_and_cutting(draw: Random, edge: str | int) -> None:
    shape = drawn.shape(draw, 1, 3, 6)
    x = np.arange(math.prod(shape)).reshape(shape)
    move = tuple(draw.randint(-3, 3) for _ in shape)
    moved = translate(x, move, edge)
    if isinstance(edge, str):
        wide: NDArray[Any] = np.pad(x, 3, mode=NUMPY_PAD[edge])  # type: ignore[call-overload]  # the table has its words
    else:
        wide = np.pad(x, 3, constant_values=edge)
    cut = tuple(slice(3 - step, 3 - step + length) for step, length in zip(move, shape, strict=True))
    assert (moved == wide[cut]).all()
    assert moved.shape == x.shape


def test_the_line_of_the_lesson() -> None:
    """A vertical line two cells wide: moving along it changes nothing; across it, two columns change."""
    report = measure(FeatureMap(LINE), Pooling.of(2, "max", 2))
    assert [(shift.name, shift.before.changed, shift.after.changed) for shift in report.shifts] == [
        ("up", 0, 0), ("down", 0, 0), ("left", 16, 4), ("right", 16, 4),
    ]  # fmt: skip
    assert report.shifts[2].before.mean == 16 / 64
    assert report.before.total == 4 * 64
    assert report.before.share == 32 / 256


def test_moves_go_where_they_say() -> None:
    x = np.arange(9).reshape(3, 3)
    assert translate(x, (1, 0), 0).tolist() == [[0, 0, 0], [0, 1, 2], [3, 4, 5]]
    assert translate(x, (0, -1), 0).tolist() == [[1, 2, 0], [4, 5, 0], [7, 8, 0]]


@pytest.mark.parametrize(
    ("layout", "values", "names"),
    [("L", np.arange(6), ["left", "right"]), ("HW", LINE, ["up", "down", "left", "right"]),
     ("DHW", np.zeros((3, 3, 3)), ["front", "back", "up", "down", "left", "right"]),
     ("NCHW", np.zeros((2, 3, 4, 4)), ["up", "down", "left", "right"])],
)  # fmt: skip
def test_every_direction_of_every_layout(layout: str, values: NDArray[Any], names: list[str]) -> None:
    feature_map = FeatureMap(values, layout)
    report = measure(feature_map, Pooling.of(feature_map.ndim, "max", 1))
    assert [shift.name for shift in report.shifts] == names


def test_random_moves_follow_their_seed() -> None:
    fixed = [measure(FeatureMap(LINE), Pooling.of(2), by=2, samples=9, seed=seed).record() for seed in (1, 1, 2)]
    assert fixed[0] == fixed[1]
    assert fixed[0] != fixed[2]
    assert fixed[0]["seed"] == 1
    assert all(0 < max(map(abs, row["by"])) <= 2 for row in fixed[0]["shifts"])
    assert measure(FeatureMap(LINE), Pooling.of(2), samples=1).seed == 0


def test_rounding_is_no_change_and_nan_equals_nan() -> None:
    x = np.full((4, 4), 0.1)
    x[0, 0] = np.nan
    x[3, 3] = np.inf
    report = measure(FeatureMap(np.full((6, 6), 0.1)), Pooling.of(2, "avg", 3), edge="wrap")
    assert report.after.changed == 0
    up = measure(FeatureMap(x), Pooling.of(2, "max", 1)).shifts[0]
    assert up.before.changed == 2  # NaN moves out at the top; inf moves up one and stays at the edge
    assert math.isfinite(up.before.mean)
    for constant in (np.inf, -np.inf, np.nan):
        still = measure(FeatureMap(np.full((4, 4), constant)), Pooling.of(2, "max", 1))
        assert (still.before.changed, still.before.mean) == (0, 0)


def test_large_integers_are_compared_exactly() -> None:
    x = np.array([[2**60, 2**60 + 1, 2**60]])
    left = measure(FeatureMap(x), Pooling.of(2, "max", 1)).shifts[2]
    assert left.before.changed == 2


@pytest.mark.parametrize(
    ("values", "options", "words"),
    [(np.zeros((4, 4)), {}, "nothing to measure"),
     (LINE, {"mode": "max", "size": (1, 8)}, "invariant to this movement"),
     (np.eye(16), {"mode": "max", "size": 1}, "did not make the map more invariant")],
)  # fmt: skip
def test_the_verdict_is_what_was_seen(values: NDArray[Any], options: dict[str, Any], words: str) -> None:
    assert words in measure(FeatureMap(values), Pooling.of(2, **options)).verdict


NOISE = np.random.default_rng(0).normal(size=(16, 16))
INVARIANT, SOME, NOT = (
    "made the map approximately invariant to it",
    "took away some of the change, but not half of it",
    "did not make the map more invariant to it",
)


@pytest.mark.parametrize(
    ("values", "mode", "size", "words"),
    [
        (NOISE, "max", 4, f": pooling {INVARIANT}."),
        (NOISE, "max", 2, f": by their number, pooling {SOME}; by the mean change, it {INVARIANT}."),
        # every average changes, but by a third of what the cells do
        (NOISE, "avg", 2, f": by their number, pooling {NOT}; by the mean change, it {INVARIANT}."),
        (NOISE, "sum", 2, f": pooling {NOT}."),
        (np.where(LINE > 0, np.inf, 0), "max", 2, f"(mean change 0 and 0): pooling {NOT}."),
    ],
)
def test_the_verdict_weighs_number_and_size(values: NDArray[Any], mode: str, size: int, words: str) -> None:
    assert measure(FeatureMap(values), Pooling.of(2, mode, size)).verdict.endswith(words)


def test_the_verdict_has_the_numbers() -> None:
    corner = np.zeros((12, 12))
    corner[4:9, 4:9] = 1
    verdict = measure(FeatureMap(corner), Pooling.of(2, "max", 6)).verdict
    assert verdict.startswith("Moved by 1 cell, 6.9% of the values change before pooling and 0% after")
    assert verdict.endswith("pooling made the map invariant to this movement.")


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [({"by": 0}, UsageError, "does not move"), ({"by": 8}, ShapeError, "out of the input 8x8"),
     ({"samples": 0}, UsageError, "out of range"), ({"samples": 10**9}, UsageError, "out of range"),
     ({"edge": "wrapped"}, UnknownNameError, "unknown edge")],
)  # fmt: skip
def test_what_cannot_be_measured(options: dict[str, Any], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        measure(FeatureMap(LINE), Pooling.of(2), **options)


def test_the_input_is_left_alone() -> None:
    x = LINE.copy()
    measure(FeatureMap(x), Pooling.of(2), edge="reflect")
    assert (x == LINE).all()


def test_difference_maps_are_the_counted_differences() -> None:
    report = measure(FeatureMap(LINE), Pooling.of(2))
    for (shift, before, after), again in zip(report.differences(), report.shifts, strict=True):
        assert shift is again
        assert np.count_nonzero(before.values) == shift.before.changed
        assert np.count_nonzero(after.values) == shift.after.changed


def test_the_table_says_counts_edge_and_verdict() -> None:
    report = measure(FeatureMap(LINE), Pooling.of(2), samples=3, seed=5, edge="wrap")
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(invariance_table(report, ascii_only=True))
        for picture in differences(report, Canvas(80, "none", ascii_only=True)):
            console.print(picture)
    shown = capture.get()
    assert "3 random shifts, seed 5; filled in at the edge: what left at the opposite edge" in shown
    assert shown.count("change after pooling") == 3
    assert shown.isascii()


def test_the_command_measures_a_file(run: Run, call: Run, tiny: Path) -> None:
    done = run("shift", tiny, "--by", "1", "--mode", "max")
    assert done.code == 0
    assert "up" in done.out
    assert "Moved by 1 cell" in done.out
    shown = call("shift", tiny, "--show", "--edge", "0")
    assert "moved left: change of the input" in shown.out
    made = call("shift", tiny, "--random", "4", "--seed", "2", "--json").json()
    assert (len(made["shifts"]), made["seed"]) == (4, 2)
    assert call("shift", tiny, "--by", "4").code == 1
    assert call("shift", tiny, "--edge", "sideways").code == 2

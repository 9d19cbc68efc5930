"""The pages of ``shift`` and ``compare`` in a real browser: they say what the commands say."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from poolcli.analysis.comparison import compared
from poolcli.analysis.invariance import ShiftReport, measure
from poolcli.errors import LimitError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.pooling.layer import Pooling
from poolcli.render.page.comparison import comparison_page
from poolcli.render.page.invariance import shift_page
from poolcli.steps.steps import PoolStep
from tests.support.process import Run

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.support.browser import Open, Watched

DOT = np.zeros((6, 6), int)
DOT[1:3, 1:3] = DOT[3, 4] = 1


def dot_page(name: str = "<i>dot") -> bytes:
    return shift_page(measure(FeatureMap(DOT, name=name), Pooling.of(2), 2))


def sides_page(**sides: PoolStep) -> bytes:
    values = np.arange(36.0).reshape(6, 6) ** 2 % 11
    return comparison_page(FeatureMap(values, name="<b>x"), compared(FeatureMap(values), sides))


def frameworks_page() -> bytes:
    return sides_page(
        torch=PoolStep("avg", 3, {"padding": 1, "stride": 2, "compat": "torch"}),
        onnx=PoolStep("avg", 3, {"padding": 1, "stride": 2, "compat": "onnx"}),
    )


def told(report: ShiftReport, name: str) -> list[int]:
    shift = next(shift for shift in report.shifts if shift.name == name)
    return [shift.before.changed, shift.before.total, shift.after.changed, shift.after.total]


def counted(seen: Watched) -> list[int]:
    return numbers(seen.text("#counts"))


def numbers(counts: str) -> list[int]:
    return [int(digits) for digits in re.findall(r"\d+", counts.partition(":")[2])]


# what the page says after each choice; one by one through the browser, each takes a tenth of a second
MOVED = """([edge, names]) => {
  const choose = (id, name) => {
    const list = document.getElementById(id);
    list.value = Array.from(list.options).find(one => one.textContent === name).value;
    list.dispatchEvent(new Event("input", {bubbles: true}));
    list.dispatchEvent(new Event("change", {bubbles: true}));
  };
  choose("edge", edge);
  return names.map(name => { choose("way", name); return document.getElementById("counts").textContent; });
}"""


# --- shift ------------------------------------------------------------------------------------------------------------


def test_direction_and_amount_are_chosen_and_six_maps_follow(opened: Open) -> None:
    seen = opened(dot_page(), width=1280, height=720)
    assert seen.text("#name") == "<i>dot"
    for by in (1, 2, 4):
        report = measure(FeatureMap(DOT), Pooling.of(2), by)
        seen.page.fill("#by", str(by))
        for way in ("up", "down", "left", "right"):
            seen.page.select_option("#way", way)
            assert seen.text("#counts").startswith(f"Moved {way} by {by}: ")
            assert counted(seen) == told(report, way)
    moved = np.pad(DOT, ((0, 0), (4, 0)))[:, :6]
    assert seen.values("moved") == [[str(value) for value in row] for row in moved]
    assert seen.values("before") == [[str(value) for value in row] for row in abs(DOT - moved)]
    after = Pooling.of(2).apply(moved)[0]
    assert seen.values("again") == [[str(value) for value in row] for row in after]
    assert seen.values("after") == [[str(value) for value in row] for row in abs(after - Pooling.of(2).apply(DOT)[0])]
    assert seen.page.locator("section.panel:visible").count() == 6


def test_the_verdict_is_the_commands_as_long_as_the_layer_is(opened: Open) -> None:
    seen = opened(dot_page())
    assert seen.text("#measured") == measure(FeatureMap(DOT), Pooling.of(2), 2).verdict
    seen.page.select_option("#edge", "wrap")
    assert seen.text("#measured") == ""


def test_a_window_is_shown_in_the_input_and_in_the_moved_input(opened: Open) -> None:
    seen = opened(dot_page())
    seen.page.select_option("#way", "right")
    seen.cell("again", 1, 1).hover()
    cells = {(2, 2), (2, 3), (3, 2), (3, 3)}
    assert seen.marked("input", "in") == seen.marked("moved", "in") == cells
    assert seen.text("#sums").splitlines() == ["as it is: max(1, 0, 0, 0) = 1", "", "moved: max(0, 1, 0, 0) = 1"]
    seen.cell("moved", 0, 0).hover()
    assert seen.marked("again", "at") == {(0, 0)}
    assert seen.marked("output", "at") == set()


@pytest.mark.parametrize("amount", ["0", "6", "", "1.5"])
def test_what_cannot_be_moved_is_told(opened: Open, amount: str) -> None:
    seen = opened(dot_page())
    seen.page.fill("#by", amount)
    assert seen.text("#problem") == "the input can be moved by 1 to 5 cells"
    seen.page.fill("#by", "5")
    assert counted(seen)[1] == 36


@pytest.mark.parametrize("kind", ["channels", "float32", "nan", "signal"])
def test_changes_are_counted_as_poolcli_counts_them(opened: Open, kind: str) -> None:
    rng = np.random.default_rng(5)
    feature_map = {
        "channels": lambda: FeatureMap(rng.integers(0, 3, (2, 5, 7)), "CHW"),
        "float32": lambda: FeatureMap(rng.standard_normal((4, 6)).astype(np.float32)),
        "nan": lambda: FeatureMap(np.where(rng.random((6, 5)) < 0.2, np.nan, rng.integers(0, 2, (6, 5)))),
        "signal": lambda: FeatureMap(rng.integers(0, 4, 12), "L"),
    }[kind]()
    mode, padding = ("avg", "same") if kind in ("float32", "signal") else ("median", "valid")
    layer = Pooling.of(feature_map.ndim, mode, 3, stride=2, padding=padding)
    edges: list[list[str | float]] = [[0, "replicate", "reflect", "symmetric", "wrap"], [2.5]]  # a page has one number
    for first, *others in edges:
        seen = opened(shift_page(measure(feature_map, layer, 2, edge=first)), instead=True)
        for edge in (first, *others):
            report = measure(feature_map, layer, 2, edge=edge)
            choice = edge if isinstance(edge, str) else f"the number {edge}"
            said = seen.page.evaluate(MOVED, [choice, [shift.name for shift in report.shifts]])
            for shift, counts in zip(report.shifts, said, strict=True):
                assert numbers(counts) == told(report, shift.name), (edge, shift)


def test_random_movements_are_those_of_the_command(opened: Open) -> None:
    report = measure(FeatureMap(DOT), Pooling.of(2), 2, samples=3, seed=1)
    seen = opened(shift_page(report))
    assert seen.page.locator("#way option").all_inner_texts() == [shift.name for shift in report.shifts]
    assert not seen.page.locator("#by").is_visible()
    for shift in report.shifts:
        seen.page.select_option("#way", shift.name)
        assert counted(seen) == told(report, shift.name)


def test_what_a_page_cannot_compute_is_refused() -> None:
    with pytest.raises(UsageError, match="draws at random"):
        shift_page(measure(FeatureMap(DOT), Pooling.of(2, "stochastic", seed=1)))
    with pytest.raises(LimitError):
        comparison_page(FeatureMap(np.zeros((1024, 1024))), compared(FeatureMap(DOT), {"max": PoolStep("max")}))


# --- compare ----------------------------------------------------------------------------------------------------------


def test_sides_stand_beside_the_input_and_what_differs_is_marked(opened: Open) -> None:
    seen = opened(frameworks_page(), width=1280, height=720)
    assert seen.text("#name") == "<b>x"
    assert seen.text("#reasons") == "by default padding counts in the averages of PyTorch, but not in those of ONNX"
    assert seen.page.locator("section.panel:visible h2").all_inner_texts() == [
        "Input, 6x6", "torch, 3x3", "onnx, 3x3: 5 differ",
    ]  # fmt: skip
    assert seen.marked("side-1", "differs") == {(0, 0), (0, 1), (0, 2), (1, 0), (2, 0)}
    assert seen.marked("side-0", "differs") == set()
    seen.cell("side-1", 0, 1).hover()
    assert seen.marked("input", "in") == {(row, column) for row in (-1, 0, 1) for column in (1, 2, 3)}
    first, _, second = seen.text("#sums").splitlines()
    assert first.startswith("torch: (")
    assert " / 9 = " in first
    assert second.startswith("onnx: (")
    assert " / 6 = " in second
    assert not seen.page.locator("#settings").is_visible()


def test_maps_stand_side_by_side_where_they_fit_and_are_easy_to_read_where_the_page_scrolls(opened: Open) -> None:
    values = np.arange(65536).reshape(256, 256) % 251
    both = compared(FeatureMap(values), {"max": PoolStep("max", 2), "avg": PoolStep("avg", 2)})
    seen = opened(comparison_page(FeatureMap(values), both), width=1280, height=720)
    tops = [panel.bounding_box()["y"] for panel in seen.page.locator("section.panel:visible").all()]
    assert len(set(tops)) == 1
    narrow = opened(sides_page(max=PoolStep("max", 2), avg=PoolStep("avg", 2)), width=360, height=640)
    assert narrow.page.locator("#input .cell").first.bounding_box()["width"] >= 36


def test_sides_of_other_shapes_and_of_what_only_poolcli_computes(opened: Open) -> None:
    seen = opened(sides_page(small=PoolStep("stochastic", 3, {"seed": 1}), large=PoolStep("max", 2)))
    seen.cell("side-1", 2, 2).hover()
    assert seen.text("#sums").startswith("large: max(")
    seen.cell("side-0", 0, 0).hover()
    assert re.match(r"small: \d+\n", seen.text("#sums"))
    assert seen.marked("input", "in") == {(row, column) for row in range(3) for column in range(3)}
    assert seen.text("#differing") == ""  # between modes nearly everything does


def test_a_refused_side_is_told_among_the_reasons(opened: Open) -> None:
    seen = opened(sides_page(own=PoolStep("avg", 3), keras=PoolStep("avg", 3, {"padding": 1, "compat": "keras"})))
    assert seen.page.locator("section.panel:visible").count() == 2
    assert "keras: Keras refuses this layer" in seen.text("#reasons")


# --- both -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [360, 1920])
def test_axe_finds_nothing(opened: Open, axe: str, width: int) -> None:
    for data in (dot_page(), frameworks_page()):
        seen = opened(data, width=width, height=900, instead=True)
        assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
        assert seen.violations(axe) == []


def test_pages_are_written_by_their_commands(call: Run, tiny: Path, tmp_path: Path) -> None:
    page = tmp_path / "x.html"
    assert call("shift", "--by", "1", "-o", page, tiny).code == 0
    assert b'"by":1' in page.read_bytes()
    assert call("compare", "--mode", "max,avg", "-o", page, tiny).code == 0
    assert b"<title>max, avg on tiny.csv</title>" in page.read_bytes()
    assert str(tmp_path).encode() not in page.read_bytes()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "x.png"], "error: a shift cannot be drawn as 'x.png'"),
        (["-o", "x.html", "--json"], "error: --output and --json cannot be combined"),
        (["-o", "x.html", "--show"], "error: --output and --show cannot be combined"),
        (["--json", "--show"], "error: --json and --show cannot be combined"),
    ],
)
def test_what_a_shift_cannot_write_is_told(call: Run, tiny: Path, options: list[str], words: str) -> None:
    made = call("shift", *options, tiny)
    assert made.code == 2
    assert made.err.splitlines()[0] == words


def test_the_lines_of_a_reason_stand_under_each_other(call: Run, samples: Path) -> None:
    words = ("compare", "--compat", "torch,keras", "-m", "avg", "-k", "3", "-p", "1")
    drawn = call(*words, samples / "geeks_4x4.csv", env={"COLUMNS": "40"}).out
    reasons = drawn.partition("\nwhy\n")[2].splitlines()
    assert len(reasons) > 1
    assert reasons[0].startswith("- ")
    assert all(line[:2] in ("- ", "  ") and len(line) <= 40 for line in reasons)

"""The page as a quiz: fields, judgement, keys, screen readers, and the sheet that it prints."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from poolcli.analysis.exercise import numbers
from poolcli.errors import LimitError
from poolcli.featuremap import FeatureMap
from poolcli.pooling.layer import Pooling
from poolcli.render.page import page
from tests.support.process import Run

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.support.browser import Open, Watched

MATRIX = np.array([[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]])


def quiz(mode: str = "avg", **options: Any) -> bytes:
    return page(FeatureMap(MATRIX, name="x.csv"), Pooling.of(2, mode, **options), exercise=True)


@pytest.mark.parametrize(
    ("text", "result", "verdict"),
    [
        ("3.75", 3.75, "right"), ("3,75", 3.75, "right"), (" 3.750 ", 3.75, "right"), ("15/4", 3.75, "right"),
        ("3 3/4", 3.75, "right"), ("-1/2", -0.5, "right"), ("\u22120,5", -0.5, "right"), (".5", 0.5, "right"),
        (",5", 0.5, "right"), ("5.", 5, "right"), ("+5", 5, "right"), ("5e0", 5, "right"),
        ("nan", float("nan"), "right"),
        ("NaN", 1, "wrong"), ("inf", float("inf"), "right"), ("-inf", float("inf"), "wrong"), ("0", 0, "right"),
        ("3.7", 3.75, "rounded"), ("3.8", 3.75, "rounded"), ("4", 3.75, "rounded"), ("3.74", 3.75, "wrong"),
        ("4.67", 14 / 3, "right"), ("4.66", 14 / 3, "wrong"), ("4.667", 14 / 3, "right"), ("14/3", 14 / 3, "right"),
        ("4.7", 14 / 3, "rounded"), ("6", 7, "wrong"), ("1/0", 1, "unread"), ("abc", 1, "unread"),
        ("1.2.3", 1, "unread"),
        ("1,000.5", 1000.5, "unread"), ("0x10", 16, "unread"), ("--5", 5, "unread"), ("5 5", 55, "unread"),
        ("123456789012345678", 123456789012345678, "right"),
    ],
)  # fmt: skip
def test_an_answer_is_judged(calculator: Watched, text: str, result: float, verdict: str) -> None:
    assert calculator.page.evaluate("([text, result]) => Quiz.judge(text, result)", [text, result]) == verdict


def test_a_student_types_answers(opened: Open) -> None:
    seen = opened(quiz())
    assert seen.page.locator("#output input").count() == 4
    assert seen.values("output") == [["", ""], ["", ""]]
    assert seen.text("#score") == "0 of 4 right, 0 wrong answers"
    seen.cell("output", 0, 0).locator("input").focus()
    seen.page.keyboard.type("3,75")
    seen.page.keyboard.press("Enter")
    assert seen.text("#verdict") == "Output row 0, column 0: 3,75 (read as 3.75) is right."
    seen.page.keyboard.type("5")  # Enter went on to the next field
    seen.page.keyboard.press("Enter")
    assert seen.text("#verdict") == (
        "Output row 0, column 1: 5 is nearly right: give at least two decimals, or a fraction."
    )
    assert seen.text("#score") == "1 of 4 right, 0 wrong answers"
    seen.cell("output", 0, 1).locator("input").fill("7")
    seen.page.keyboard.press("Enter")
    assert seen.text("#score") == "1 of 4 right, 1 wrong answer"
    seen.cell("output", 0, 1).locator("input").fill("a7")
    seen.page.keyboard.press("Enter")
    assert "cannot be read as a number, so it does not count" in seen.text("#verdict")
    assert seen.text("#score") == "1 of 4 right, 1 wrong answer"
    seen.page.keyboard.press("ArrowDown")
    assert (
        seen.page.evaluate("document.activeElement.getAttribute('aria-label')") == "Output row 1, column 1: your answer"
    )
    seen.page.keyboard.press("Enter")
    assert seen.text("#verdict") == "Type a number first."


def test_the_next_try_takes_the_place_of_the_last(opened: Open) -> None:
    seen = opened(quiz("max"))
    seen.cell("output", 0, 0).locator("input").focus()
    for typed in ("7", "x", "6"):
        seen.page.keyboard.type(typed)
        seen.page.keyboard.press("Enter")
    assert seen.text("#verdict") == "Output row 0, column 0: 6 is right."
    assert seen.text("#score") == "1 of 4 right, 1 wrong answer"


def test_nothing_on_the_page_gives_the_answer_away(opened: Open) -> None:
    seen = opened(quiz("max"))
    seen.cell("output", 0, 1).locator("input").focus()
    assert seen.text("#sums") == seen.text("#remarks") == ""
    assert seen.marked("input", "win") == set()
    assert seen.marked("input", "in") == {(0, 2), (0, 3), (1, 2), (1, 3)}
    seen.cell("input", 0, 3).click()
    assert seen.text("#sums > :first-child") == "feeds 1 output cell: 0,1"
    assert not seen.page.locator("#other").is_visible()
    assert not seen.page.locator("#play").is_visible()
    assert not seen.page.locator("#solutions").is_visible()
    assert seen.page.locator("#lens .win").count() == 0


def test_the_arithmetic_and_the_answer_on_demand(opened: Open) -> None:
    seen = opened(quiz())
    seen.cell("output", 1, 0).locator("input").focus()
    seen.page.click("#sum")
    assert seen.text("#sums > :first-child") == "average: (4 + 2 + 3 + 5) / 4 = 3.5"
    assert seen.values("output")[1] == ["", ""]
    seen.page.click("#reveal")
    assert seen.values("output")[1] == ["3.5", ""]
    assert seen.text("#score") == "0 of 4 right, 0 wrong answers, 1 revealed"
    seen.page.click("#reveal-all")
    assert seen.values("output") == [["3.75", "4.75"], ["3.5", "5.75"]]
    seen.page.click("#again")
    assert seen.text("#score") == "0 of 4 right, 0 wrong answers"
    assert seen.page.locator("#output input").count() == 4


@pytest.mark.slow
def test_padding_that_holds_numbers_shows_them_on_the_sheet(opened: Open) -> None:
    layer = Pooling.of(2, "avg", 3, stride=2, padding=1, pad_fill=2)
    feature_map = numbers(layer, 4)
    seen = opened(page(feature_map, layer, exercise=True))
    shown = seen.values("input")
    padded = np.pad(feature_map.values, 1, constant_values=2)
    assert shown == [[str(value) for value in row] for row in padded]
    assert "padding 1x1 that holds 2" in seen.text("#headline")
    seen.page.click("#reveal-all")
    assert all(len(cell) <= 4 for row in seen.values("output") for cell in row)


def test_another_mode_is_a_new_exercise(opened: Open) -> None:
    seen = opened(quiz())
    seen.page.click("#reveal-all")
    seen.page.evaluate("document.querySelector('#settings').open = true")
    seen.page.select_option("#mode", "max")
    assert seen.page.locator("#output input").count() == 4
    assert seen.text("#score") == "0 of 4 right, 0 wrong answers"
    seen.cell("output", 0, 0).locator("input").fill("6")
    seen.page.keyboard.press("Enter")
    assert seen.text("#score") == "1 of 4 right, 0 wrong answers"


@pytest.mark.parametrize("width", [360, 1920])
def test_axe_finds_nothing_in_an_exercise(opened: Open, axe: str, width: int) -> None:
    seen = opened(quiz(), width=width, height=900)
    seen.cell("output", 0, 0).locator("input").fill("9")
    seen.page.keyboard.press("Enter")
    seen.cell("output", 1, 1).locator("input").fill("5.75")
    seen.page.keyboard.press("Enter")
    assert seen.violations(axe) == []


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_it_prints_as_a_sheet_with_solutions_on_the_last_page(opened: Open, paper: str) -> None:
    layer = Pooling.of(2, "avg", 3, stride=2, padding=1)
    seen = opened(page(numbers(layer, 7), layer, exercise=True))
    assert seen.page.pdf(format=paper).count(b"/Type /Page\n") == 2
    seen.page.click("#with-solutions")
    assert seen.page.pdf(format=paper).count(b"/Type /Page\n") == 1
    seen.page.emulate_media(media="print")
    assert not seen.page.locator("#solutions").is_visible()
    assert not seen.page.locator("#output input").first.is_visible()
    assert seen.text("#says").endswith("Padding is left out.")
    room = seen.cell("output", 1, 1).bounding_box()
    assert room["width"] > 2 * room["height"] > 120  # room to write a sum, in pixels of CSS


def test_input_and_output_stand_beside_each_other_on_paper_across(opened: Open) -> None:
    seen = opened(page(numbers(Pooling.of(2)), Pooling.of(2), exercise=True), width=1047, height=718)
    seen.page.emulate_media(media="print")
    given, asked = (seen.cell(panel, 0, 0).bounding_box() for panel in ("input", "output"))
    assert given["y"] == asked["y"]
    assert given["width"] > 40
    assert asked["width"] > 2 * given["width"]
    assert seen.page.pdf(format="A4", landscape=True).count(b"/Type /Page\n") == 2


def test_a_sheet_says_what_its_padding_does(opened: Open) -> None:
    for options, told in [({}, ""), ({"padding": 1}, " Padding is left out."),
                          ({"padding": 1, "count_include_pad": True}, " Padding counts as 0."),
                          ({"padding": 1, "pad_fill": 2}, "")]:  # fmt: skip
        said = opened(quiz("avg", **options)).text("#says")
        assert said == f"Average pooling replaces every window with the mean of its values.{told}"
    said = opened(quiz("min", padding=1)).text("#says")
    assert said.endswith(" Padding is left out: it never wins, as if it were inf.")
    for mode, told in [
        ("percentile:30", "which 30 percent of"),
        ("mixed:0.25", "(share 0.25)"),
        ("lp:3", "the 3-norm"),
    ]:
        assert told in opened(quiz(mode)).text("#says")


def test_a_line_is_a_row_of_cells_on_paper(opened: Open) -> None:
    seen = opened(page(FeatureMap(np.arange(8), "L"), Pooling.of(1), exercise=True))
    drawn = seen.page.locator("#input .line canvas")
    shown = "canvas => getComputedStyle(canvas).display"
    assert drawn.evaluate(shown) == "block"
    seen.page.emulate_media(media="print")
    assert drawn.evaluate(shown) == "none"
    assert seen.cell("input", 0, 3).is_visible()


def test_the_solutions_are_complete(opened: Open) -> None:
    seen = opened(quiz())
    seen.page.emulate_media(media="print")
    assert seen.text("#solution-map").split() == ["3.75", "4.75", "3.5", "5.75"]
    assert seen.text("#solution-list").splitlines()[-1].split() == [
        "1,1:",
        "(8",
        "+",
        "6",
        "+",
        "7",
        "+",
        "2)",
        "/",
        "4",
        "=",
        "5.75",
    ]


def test_too_much_to_work_out(opened: Open) -> None:
    with pytest.raises(LimitError, match="an exercise of 441 output cells is too long: at most 400"):
        page(FeatureMap(np.zeros((42, 42))), Pooling.of(2), exercise=True)
    with pytest.raises(LimitError, match="an exercise of 1444 input cells is too long: at most 1300"):
        page(FeatureMap(np.zeros((36, 36))), Pooling.of(2, padding=1), exercise=True)
    seen = opened(page(FeatureMap(np.zeros((36, 36))), Pooling.of(2), exercise=True))
    assert seen.page.locator("#input .cell.real").count() == 36 * 36  # each with its number
    seen.page.evaluate("document.querySelector('#settings').open = true")
    seen.page.fill("#size-rows", "1")
    seen.wait("#problem", "648 cells are too many to work out by hand: at most 400")
    seen.page.fill("#size-rows", "2")
    seen.page.select_option("#padding", "cells")
    for field in seen.page.locator("#pads input").all():
        field.fill("1")
    seen.wait("#problem", "1444 cells are too many to work out by hand: at most 1300")


def test_one_command_makes_a_sheet(call: Run, tmp_path: Path) -> None:
    made = []
    for seed in ("7", "7", "8"):
        done = call("explain", "--exercise", "--seed", seed, "--mode", "avg", "-k", "3", "-o", str(tmp_path / "x.html"))
        assert done.code == 0
        made.append((tmp_path / "x.html").read_bytes())
    assert made[0] == made[1]
    assert made[0] != made[2]
    refused = call("explain", "--exercise", "--relu", "-o", str(tmp_path / "x.html"))
    assert refused.code == 2
    assert refused.err.startswith("error: an exercise without INPUT has nothing to filter")
    assert call("explain", "--exercise").err.splitlines()[1] == "hint: write it to a page, -o page.html"

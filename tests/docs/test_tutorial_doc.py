"""``docs/tutorial.md`` shows the published numbers of the lessons, fits a terminal, and leads where its links say.

That its blocks show what the commands print is held by `tests.docs.test_readme`; the numbers here are the lessons' own.
"""

from __future__ import annotations

import re
from typing import Any

import pytest

from tests.support.documents import blocks, outputs
from tests.support.process import ROOT

TUTORIAL = ROOT / "docs" / "tutorial.md"
TEXT = TUTORIAL.read_text(encoding="utf-8")
SHOWN = outputs(TUTORIAL)
WIDTH = 80  # columns of a terminal

LINE = "poolcli conv --filter vertical-line --relu"
POOLED_LINE = "poolcli pool --filter vertical-line --relu --global"
LINE_FILE = "sample_inputs/line_8x8.csv"
GEEKS = "sample_inputs/geeks_4x4.csv"
AVERAGES = [[3.75, 4.75], [3.5, 5.75]]

# lesson, what the tutorial types, the lesson's numbers row by row (the rows of maps side by side are one row)
PUBLISHED: list[tuple[str, str, list[list[float]]]] = [
    ("brownlee", f"{LINE} {LINE_FILE}", [[0, 0, 3, 3, 0, 0]] * 6),
    ("brownlee", f"{LINE} --json {LINE_FILE} | poolcli compare --mode max,avg", [[0, 3, 0] * 2] * 3),
    ("brownlee", f"{POOLED_LINE} --format csv {LINE_FILE}", [[3]]),
    ("brownlee", f"{POOLED_LINE} --mode avg --format csv {LINE_FILE}", [[1]]),
    ("towards", "poolcli compare --mode max,avg sample_inputs/towards_4x4.csv", [[7, 3, 3, 1], [9, 3, 4, 2]]),
    ("geeks", f"poolcli pool --mode max --size 2 --stride 2 {GEEKS}", [[6, 9], [5, 8]]),
    ("geeks", f"poolcli pool --mode avg {GEEKS}", AVERAGES),
    ("geeks", f"poolcli compare --mode max,avg,sum --global {GEEKS}", [[9, 4.4375, 71]]),
    ("deeplizard", r"printf '9 1 2 8\n3 4 5 6\n6 0 5 1\n2 3 4 2\n' | poolcli pool --format csv", [[9, 8], [6, 5]]),
    ("keras", "echo '[1, 2, 3, 4, 5]' | poolcli pool --size 2 --stride 1 --format csv", [[2, 3, 4, 5]]),
    ("keras", "echo '[1, 2, 3, 4, 5]' | poolcli pool --size 2 --stride 2 --format csv", [[2, 4]]),
    (
        "readers",
        f"poolcli conv --filter '[[0.25, 0.25], [0.25, 0.25]]' --stride 2 --format csv {GEEKS}",
        AVERAGES,
    ),
    ("readers", f"poolcli grad --mode avg --format csv {GEEKS}", [[0.25] * 4] * 4),
    (
        "readers",
        f"poolcli grad --mode max {GEEKS}",
        [[0, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0], [0, 1, 0, 0]],
    ),
    (
        "readers",
        f"poolcli pool --indices --json {GEEKS} | poolcli unpool",
        [[0, 0, 0, 9], [0, 6, 0, 0], [0, 0, 8, 0], [0, 5, 0, 0]],
    ),
    ("readers", f"poolcli pool --indices {GEEKS}", [[6, 9], [5, 8], [5, 3], [13, 10]]),
]


def numbers(output: str) -> list[list[float]]:
    """The rows of numbers of an output: of CSV, and of tables that hold nothing else."""
    rows = (re.split(r"[│,\s]+", line.strip("│ ")) for line in output.splitlines())
    return [[float(cell) for cell in row] for row in rows if all(re.fullmatch(r"-?\d+(\.\d+)?", cell) for cell in row)]


@pytest.mark.parametrize(("lesson", "command", "expected"), PUBLISHED, ids=[f"{x[0]}-{x[1]}" for x in PUBLISHED])
def test_the_tutorial_shows_the_numbers_of_the_lessons(lesson: str, command: str, expected: Any) -> None:
    assert numbers(SHOWN[command]) == expected
    assert lesson == "readers" or f"[{lesson}]: https://" in TEXT


def test_the_tutorial_compares_the_seven_with_the_published_one() -> None:
    command = "poolcli pool --size 2 --stride 2 --format csv sample_inputs/seven_26x26.csv"
    assert SHOWN[f"{command} | cmp - sample_inputs/seven_max_13x13.csv"] == ""


@pytest.mark.parametrize(("mode", "data"), [("avg", "[[[[2.0,5.0,1.5,1.5]]]]"), ("max", "[[[[5,9,3,3]]]]")])
def test_the_tutorial_shows_the_sample_with_channels_last(mode: str, data: str) -> None:
    (output,) = (
        text for typed, text in SHOWN.items() if f"--mode {mode} --global --json sample_inputs/sample" in typed
    )
    assert output == f'"data":{data},\n'


def test_the_tutorial_shows_that_the_first_of_equal_maxima_counts() -> None:
    (output,) = (text for typed, text in SHOWN.items() if typed.startswith("printf '1,1,1,1"))
    assert output == '"indices":[[0,2],[8,10]]\n'


def test_the_tutorial_shows_the_model_of_the_lesson() -> None:
    (output,) = (text for typed, text in SHOWN.items() if "poolcli summary 20x20x3" in typed)
    cells = [[cell.strip() for cell in line.split("│")[3:5]] for line in output.splitlines() if line.startswith("│")]
    assert [row for row in cells if row[0]][2:] == [  # below heads of two lines
        ["20x20x3", "0"],
        ["20x20x16", "64"],
        ["20x20x32", "4,640"],
        ["10x10x32", "0"],
        ["10x10x64", "51,264"],
        ["6400", "0"],
        ["2", "12,802"],
    ]
    assert output.endswith("total parameters  68,770\n")


def test_the_filter_of_the_lesson_has_ten_parameters() -> None:
    assert SHOWN["poolcli summary 8x8 conv --filter vertical-line then relu then pool"].endswith("parameters  10\n")


def test_every_block_fits_a_terminal() -> None:
    lines = [line for block in blocks(TUTORIAL) for line in block.splitlines()]
    assert len(lines) > 300
    assert [line for line in lines if len(line) > WIDTH] == []


def test_the_table_of_contents_leads_to_every_section() -> None:
    heads = re.findall(r"^## (\d+\. .*)$", TEXT, re.MULTILINE)
    anchors = [re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads]
    assert re.findall(r"^\d+\. \[.*\]\(#(.*)\)$", TEXT, re.MULTILINE) == anchors


def test_every_question_has_an_answer() -> None:
    assert TEXT.count("**Question.**") == TEXT.count("<details><summary>Answer</summary>") == TEXT.count("</details>")

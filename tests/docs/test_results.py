"""What README quotes of the benchmarks is what benchmarks/RESULTS.md has."""

from __future__ import annotations

import pytest

from benchmarks.cases import CASES, MARKS
from benchmarks.commands import COMMANDS, HEADER, PEAKS_HEADER, STREAMED
from benchmarks.kernels import HEADER as KERNELS
from benchmarks.kernels import marks
from benchmarks.results import (
    MISSED_HEADER,
    QUOTED,
    README,
    README_HEADER,
    RESULTS,
    cells,
    missed,
    quoted,
    table,
    with_rows,
)


def rows(text: str, header: str) -> list[str]:
    first, last = table(text, header)
    return text.splitlines()[first:last]


def test_readme_quotes_the_results() -> None:
    assert rows(README.read_text(), README_HEADER) == quoted(RESULTS.read_text())


def test_of_three_ratios_one_is_where_others_are_ahead() -> None:
    ratios = [float(cells(row)[2]) for row in quoted(RESULTS.read_text())]
    assert len(ratios) == len(QUOTED) == 3
    assert min(ratios) < 1 < max(ratios)


@pytest.mark.parametrize(("header", "among"), [(KERNELS, CASES), (HEADER, COMMANDS), (PEAKS_HEADER, STREAMED)])
def test_results_are_of_cases_that_exist(header: str, among: tuple[object, ...]) -> None:
    names = [cells(row)[0] for row in rows(RESULTS.read_text(), header)]
    known = [getattr(case, "name") for case in among]  # noqa: B009 - of several classes
    assert names == [name for name in known if name in names]
    assert names


def test_results_say_what_is_missed() -> None:
    text = RESULTS.read_text()
    assert rows(text, MISSED_HEADER) == missed(text)
    assert missed("| a | 1 | b | - | - | b 1/2 missed, c 3/1 | 1 |\n| d | 1 | b | - | - | b 3/2 | 1 |\n") == [
        "| a | b 1/2 missed |"
    ]


def test_rows_are_replaced_and_stand_in_order() -> None:
    text = "a\n\n| x | y |\n|---|---|\n| two | 2 |\n| gone | 3 |\n\nb\n"
    made = with_rows(text, "| x | y |", ["| one | 1 |", "| two | 4 |"], ["one", "two", "three"])
    assert made == "a\n\n| x | y |\n|---|---|\n| one | 1 |\n| two | 4 |\n\nb\n"


def test_marks_are_of_cases_and_say_what_is_missed() -> None:
    assert {case.name for case in CASES} >= MARKS.keys()
    scan = next(case for case in CASES if case.name == "scan median (15,1)")
    assert marks(scan, {"scipy": 20.0, "opencv": 0.1}) == "scipy 20.00/10.00, opencv 0.10/0.17 missed"

"""The page about frameworks says of each what its row says."""

from __future__ import annotations

import re

import pytest

from poolcli.pooling.framework import Framework
from poolcli.pooling.frameworks import FRAMEWORKS
from tests.support.process import ROOT

PAGE = (ROOT / "docs" / "frameworks.md").read_text(encoding="utf-8")
RUNTIMES = [row for row in FRAMEWORKS.values() if row.name not in ("torch", "keras", "onnx")]
ROUNDING = {
    "clipped": "-|clipped as PyTorch's",
    "whole": "never clipped",
    "clipped-if-padded": "clipped if there is padding",
}


def cells(row: Framework) -> list[str]:
    """The line of a table whose first cell has the name of a framework."""
    lines = [line.strip("| ").split("|") for line in PAGE.splitlines() if line.startswith("| `")]
    (found,) = (line for line in lines if f"`{row.name}`" in line[0])
    return [cell.strip() for cell in found]


@pytest.mark.parametrize("row", RUNTIMES, ids=lambda row: row.name)
def test_the_table_of_runtimes_says_what_the_rows_say(row: Framework) -> None:
    names, verified, stride, *_ = cells(row)
    assert verified == row.verified
    assert stride == ("the size" if row.stride is None else str(row.stride))
    assert all(f"`{alias}`" in names for alias in row.aliases if ":" not in alias)


@pytest.mark.parametrize("row", RUNTIMES, ids=lambda row: row.name)
def test_the_table_of_runtimes_says_how_they_round_and_count(row: Framework) -> None:
    _, _, _, counted, rounding, hole, *_ = cells(row)
    assert re.search(ROUNDING[row.rounding], rounding), rounding
    assert ("by default" in counted or "always" in counted or "never" in counted) >= row.count_include_pad
    assert ("refused" in hole or hole == "-") or row.holes is not None


def test_the_page_explains_what_its_tables_say_of_rounding() -> None:
    section = " ".join(PAGE.partition("### What rounding up does")[2].partition("\n## ")[0].split())
    for word in ("*clip*", "*never clips*", "*clipped if there is padding*"):
        assert word in section
    assert PAGE.count("(#what-rounding-up-does)") == 2  # one link from each table


def test_every_runtime_that_nobody_ran_is_said_to_be_from_documents() -> None:
    documented = {row.name for row in RUNTIMES if row.documented}
    assert documented >= {"coreml", "tensorrt", "caffe"}
    assert documented == {row.name for row in RUNTIMES if cells(row)[1] == "documentation"}

"""Maps of one axis are lines, and windows bands on them: in the page, in stills and walks, in the terminal."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from poolcli.colors import Scale, hexadecimal
from poolcli.featuremap import FeatureMap
from poolcli.pooling.layer import Pooling
from poolcli.render.animation.line import BANDS, STROKE, TALL
from poolcli.render.files import draw, named_only
from poolcli.render.page import page
from poolcli.render.planes import reaches
from poolcli.render.terminal.line import line
from tests.support.process import Run

if TYPE_CHECKING:
    from tests.support.browser import Open

SIGNAL = np.round(np.sin(np.arange(24) / 3) * 9, 1)
PEAK = 123_457
LONG = np.where(np.arange(200_000) == PEAK, 90.0, np.sin(np.arange(200_000) / 900))
SVG = "{http://www.w3.org/2000/svg}"


def drawing(values: Any, layer: Pooling, **options: Any) -> ET.Element:
    data, _ = draw(FeatureMap(np.asarray(values), "L"), layer, "svg", **options)
    return ET.fromstring(data)  # noqa: S314 - it is our own


def points(root: ET.Element, number: int) -> list[tuple[float, float]]:
    pairs = [element.attrib["points"].split() for element in root.iter(f"{SVG}polyline")][number]
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in pairs)]


def words(root: ET.Element) -> str:
    return " | ".join(element.text or "" for element in root.iter(f"{SVG}text"))


@pytest.mark.parametrize("count", [1, 2, 7, 23, 24])
def test_no_peak_is_lost_in_parts_of_a_line(count: int) -> None:
    least, most = reaches(SIGNAL, count)
    parts = [SIGNAL[k * 24 // count : (k + 1) * 24 // count] for k in range(count)]
    assert least.tolist() == [part.min() for part in parts]
    assert most.tolist() == [part.max() for part in parts]


# --- stills and walks -------------------------------------------------------------------------------------------------


def test_a_finished_still_has_a_point_for_every_cell_and_a_band_for_every_window() -> None:
    layer = Pooling.of(1, "avg", 4, stride=2)
    root = drawing(SIGNAL, layer, still=True)
    first, second = points(root, 0), points(root, 1)
    assert len(first) == 24
    assert len(second) == len(layer.apply(SIGNAL)[0]) == 11
    heights = np.array([y for _, y in first])
    share = (SIGNAL - SIGNAL.min()) / (SIGNAL.max() - SIGNAL.min())
    assert np.allclose(heights, heights.max() - share * (heights.max() - heights.min()), atol=0.2)
    bands = [element for element in root.iter(f"{SVG}rect") if element.attrib["fill"] in {*map(hexadecimal, BANDS)}]
    assert len(bands) == 11
    step = first[1][0] - first[0][0]
    for number, band in enumerate(bands):
        assert float(band.attrib["x"]) == pytest.approx(first[2 * number][0] - step / 2)
        assert float(band.attrib["width"]) == pytest.approx(4 * step)
        assert float(band.attrib["height"]) == TALL / 2  # windows that overlap lie in two lanes
    assert "too narrow" not in words(root)


def test_what_is_not_there_is_a_gap() -> None:
    root = drawing([1, 2, np.nan, np.nan, 3, np.inf, 2, 1], Pooling.of(1, nan="ignore"), still=True)
    assert [len(points(root, number)) for number in (0, 1)] == [2, 4]


def test_a_long_signal_is_thinned_and_that_is_said() -> None:
    root = drawing(LONG, Pooling.of(1, "max", 1000), still=True)
    assert "input: up to 264 cells on a pixel, from the smallest to the largest" in words(root)
    assert "input: up to 264 cells on a pixel, from the smallest to the largest; its" not in words(root)
    top = min(points(root, 0), key=lambda point: point[1])
    assert top[0] == pytest.approx(16 + PEAK * 760 / 200_000, abs=1)
    assert "its 2000 windows are too narrow to draw" in words(drawing(LONG, Pooling.of(1, "max", 100), still=True))


@pytest.mark.parametrize("kind", ["png", "gif", "apng"])
def test_a_line_is_drawn_in_pixels_too(kind: str) -> None:
    options: Any = {"frames": 3} if kind != "png" else {}
    data, notes = draw(FeatureMap(LONG, "L"), Pooling.of(1, "max", 1000), kind, **options)
    with Image.open(io.BytesIO(data)) as picture:
        assert getattr(picture, "n_frames", 1) == (1 if kind == "png" else 4)
        colors = picture.convert("RGB").getcolors(1 << 20) or []
    assert max(count for count, color in colors if np.abs(np.subtract(color, STROKE)).max() < 9) > 500
    assert notes == (() if kind == "png" else ("3 of 200 windows, evenly spread",))


def test_one_window_is_a_band_with_its_winner_and_its_arithmetic() -> None:
    root = drawing(SIGNAL, Pooling.of(1, "max", 4), at=(1,))
    assert "max(8.7, 9, 8.2, 6.5) = 9" in words(root)
    assert len(points(root, 1)) == 2  # the output is filled up to this window


def test_a_shape_alone_has_bands_and_names_and_no_line() -> None:
    data, _ = draw(named_only((6,)), Pooling.of(1), "svg", named=True, still=True)
    root = ET.fromstring(data)  # noqa: S314 - it is our own
    assert not [*root.iter(f"{SVG}polyline")]
    assert "| 0 | 1 | 2 | 3 | 4 | 5 |" in words(root)


# --- terminal ---------------------------------------------------------------------------------------------------------


def test_braille_and_stars_stand_where_the_numbers_are() -> None:
    values = np.array([0, 3, 1, 2, np.nan, 0])
    stars = ["".join(part.text for part in row) for row in line(values, Scale(0, 3), 6, ascii_only=True, high=4).lines]
    for column, value in enumerate(values):
        rows = {number for number, row in enumerate(stars) if row.ljust(6)[column] == "*"}
        assert (3 - int(value) in rows) if value == value else not rows
    dots = ["".join(part.text for part in row) for row in line(values, Scale(0, 3), 6, high=1).lines]
    assert len(dots) == 1
    assert {ord(mark) >> 8 for mark in dots[0] if mark != " "} == {0x28}


@pytest.mark.parametrize("count", [3, 12, 40])
def test_a_line_in_the_terminal_has_no_hole(count: int) -> None:
    """From every column to the next there is a star in the same row or a neighbouring one."""
    values = np.where(np.arange(count) % 2, 9.0, 0.0)
    text = ["".join(part.text for part in row) for row in line(values, Scale(0, 9), 12, ascii_only=True).lines]
    stars = [{row for row, words in enumerate(text) if words.ljust(12)[column] == "*"} for column in range(12)]
    drawn = [column for column in stars if column]
    assert len(drawn) >= min(count, 12)
    assert all(min(abs(a - b) for a in one for b in other) <= 1 for one, other in pairwise(drawn))


@pytest.mark.parametrize("values", [[5], [5, 5], [np.nan, np.nan], [np.inf, 1, -np.inf], [1e308, -1e308, 0]])
def test_odd_lines_are_drawn(values: list[float]) -> None:
    for ascii_only in (False, True):
        drawn = line(np.array(values), Scale.of([np.array(values)]), 20, ascii_only=ascii_only)
        assert all(sum(len(part.text) for part in row) <= 20 for row in drawn.lines)
    drawing(values, Pooling.of(1, size=1), still=True)


def test_show_keeps_the_peak_and_says_that_it_thins(call: Run, tmp_path: Path) -> None:
    source = tmp_path / "long.npy"
    np.save(source, LONG)
    done = call("show", "--layout", "L", "--width", "50", source)
    assert "drawn as a line: up to 4000 cells in a column, from the smallest to the largest" in " ".join(
        done.out.split()
    )
    first = next(row for row in done.out.splitlines() if any(ord(mark) >> 8 == 0x28 for mark in row))
    assert [number for number, mark in enumerate(first) if mark != " "] == [PEAK * 50 // 200_000]


def test_explain_draws_the_windows_of_its_table_below_the_line(call: Run, tmp_path: Path) -> None:
    source = tmp_path / "x.csv"
    source.write_text(",".join(map(str, SIGNAL)))
    lines = call("explain", "--layout", "L", "-k", "12", "-s", "6", source, "--width", "48").out.splitlines()
    assert lines[8] == "├──────────────────────┤├──────────────────────┤"
    assert lines[9] == " " * 12 + "├──────────────────────┤"
    assert lines[10] == "max 12, stride 6: 24 -> 3"
    alone = call("explain", "--layout", "L", "-k", "12", "-s", "6", "--at", "1", source, "--width", "48").out
    assert alone.splitlines()[8] == lines[9]


# --- page -------------------------------------------------------------------------------------------------------------

PIXELS = """id => { const canvas = document.querySelector(`#${id} .map canvas`);
  const {width, height} = canvas, data = canvas.getContext('2d').getImageData(0, 0, width, height).data;
  const tops = [];
  for (let x = 0; x < width; x += 1) {
    let top = null;
    for (let y = 0; y < height && top === null; y += 1) {
      const k = 4 * (y * width + x);
      if (data[k + 3] > 250 && data[k + 2] - data[k] > 100) top = y;
    }
    tops.push(top);
  }
  return tops; }"""


@pytest.mark.slow
def test_a_signal_is_a_line_above_its_cells(opened: Open) -> None:
    seen = opened(page(FeatureMap(SIGNAL, "L"), Pooling.of(1, "max", 4, stride=2)))
    tops = seen.page.evaluate(PIXELS, "input")
    step = len(tops) / 24
    found = {number: tops[int((number + 0.5) * step)] for number in range(24)}
    there = [number for number, top in found.items() if top is not None]  # the winner's dot hides one
    assert len(there) > 20
    assert np.corrcoef([found[number] for number in there], -SIGNAL[there])[0, 1] > 0.99
    assert seen.values("input")[0][:3] == ["0", "2.9", "5.6"]
    seen.cell("output", 0, 3).click()
    assert seen.marked("input", "in") == {(0, column) for column in (6, 7, 8, 9)}
    assert seen.text("#thinned") == ""


@pytest.mark.slow
def test_200000_samples_are_a_line_that_keeps_its_peak(opened: Open) -> None:
    seen = opened(page(FeatureMap(LONG, "L"), Pooling.of(1, "max", 100)), width=1280, height=720)
    tops = seen.page.evaluate(PIXELS, "input")
    found = [x for x, top in enumerate(tops) if top is not None and top < 12]
    assert found
    assert abs(np.mean(found) - PEAK * len(tops) / 200_000) < 2
    assert "cells fall on one pixel" in seen.text("#thinned")
    assert "too narrow to draw" in seen.text("#thinned")
    seen.page.locator("#output canvas").first.focus()
    seen.page.keyboard.press("End")
    assert seen.text("#where") == "Output cell 1999 looks at input cells 199900 to 199999"

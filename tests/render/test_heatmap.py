"""Pictures in the terminal: the right colours and numbers, never wider than they may be, in every kind of terminal."""

from __future__ import annotations

import io
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from rich.cells import cell_len
from rich.console import Console

from poolcli.colors import COLORMAPS, NAN_COLOR, Scale, hexadecimal, ink
from poolcli.errors import UnknownNameError
from poolcli.featuremap import FeatureMap
from poolcli.render.terminal.heatmap import RAMP, Canvas, picture, side_by_side
from poolcli.wording import safe
from tests.support.process import Run
from tests.support.rows import in_turn
from tests.support.terminal import on_terminal

MATRIX = np.array([[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]])
SYSTEMS: dict[str, Any] = {"truecolor": "truecolor", "256": "256", "none": None}
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")


def printed(drawing: Any, colors: str = "none", width: int = 80) -> str:
    target = io.StringIO()
    Console(file=target, width=width, color_system=SYSTEMS[colors], force_terminal=colors != "none").print(drawing)
    return target.getvalue()


def shown(
    values: Any, *, layout: str = "HW", name: str = "map", colors: Any = "none", width: int = 80, **how: Any
) -> str:
    feature_map = FeatureMap(np.asarray(values), layout, name=name)
    return printed(picture(feature_map, Canvas(width, colors, **how)), colors, max(width, 1))


# --- colours ----------------------------------------------------------------------------------------------------------


def test_a_scale_gives_the_ends_and_the_middle_of_the_map() -> None:
    scale = Scale.of([np.array([2.0, 4.0])], "gray")
    assert [scale.color(value) for value in (2, 4, 1, 9)] == [(0, 0, 0), (255, 255, 255), (0, 0, 0), (255, 255, 255)]
    assert list(scale.ticks) == [2, 3, 4]
    assert scale.color(np.nan) == NAN_COLOR


def test_a_diverging_map_is_centred_on_zero() -> None:
    scale = Scale.of([np.array([-1, 4])], "diverging")
    assert (scale.low, scale.high) == (-4, 4)
    red, green, blue = scale.color(0)
    assert min(red, green, blue) > 230
    assert scale.color(-4)[2] > scale.color(-4)[0]
    assert scale.color(4)[0] > scale.color(4)[2]


def test_extreme_numbers_make_a_scale() -> None:
    assert Scale.of([np.array([-1.7e308, 1.7e308])]).share(np.array([0.0])) == 0.5
    flat = Scale.of([np.array([7, 7])])
    assert flat.flat
    assert flat.share(np.array([7.0, np.nan, np.inf, -np.inf])).tolist()[::2] == [0.5, 1.0]
    assert Scale.of([np.array([np.nan])]).flat
    assert (Scale.of([np.array([3, np.inf, 1, np.nan])]).low, Scale.of([np.array([3, np.inf, 1])]).high) == (1, 3)


@pytest.mark.parametrize("name", list(COLORMAPS))
def test_numbers_can_be_read_on_every_colour(name: str) -> None:
    def luminance(color: Sequence[float]) -> float:
        parts = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in (part / 255 for part in color)]
        return float(np.dot(parts, (0.2126, 0.7152, 0.0722)))

    for color in Scale(0, 255, name).rgb(np.arange(256)).tolist():
        light, dark = sorted((luminance(color), luminance(ink(tuple(color)))), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5


def test_an_unknown_colour_map_is_told() -> None:
    with pytest.raises(UnknownNameError, match="colormap"):
        shown(MATRIX, colormap="jet")


# --- small maps -------------------------------------------------------------------------------------------------------


def test_a_small_map_has_its_numbers_in_its_cells() -> None:
    lines = shown(MATRIX).splitlines()
    assert lines[0] == "map"
    assert lines[2] == "  1  : 3 :. 2 .@ 9 @"
    assert lines[-1] == "shape 4x4 (HW), min 1, mean 4.4375, max 9"
    assert lines[-2].split() == ["1", "5", "9"]


def test_cells_have_the_colours_of_their_numbers() -> None:
    text = shown(MATRIX, colors="truecolor", colormap="gray")
    assert "\x1b[38;2;255;255;255;48;2;0;0;0m 1 " in text
    assert "\x1b[38;2;0;0;0;48;2;255;255;255m 9 " in text


def test_256_colours_are_asked_for_and_no_more() -> None:
    text = shown(MATRIX, colors="256")
    assert "48;5;" in text
    assert "48;2;" not in text


def test_without_colour_there_is_no_escape() -> None:
    assert "\x1b" not in shown(MATRIX)
    assert shown(MATRIX).isascii()


# --- large maps -------------------------------------------------------------------------------------------------------


def test_two_rows_stand_in_one_line() -> None:
    values = np.zeros((20, 20), int)
    values[0, 0] = 1
    lines = shown(values, colors="truecolor", colormap="gray", width=20).splitlines()
    assert lines[1].startswith("\x1b[38;2;255;255;255;48;2;0;0;0m▀")
    assert len(ESCAPE.sub("", lines[1])) == 20
    assert len([line for line in lines if "▀" in line]) == 10


def test_what_does_not_fit_is_pooled_and_that_is_said() -> None:
    values = np.kron(np.array([[0, 4], [8, 12]]), np.ones((50, 50), int))
    text = shown(values, width=40)
    assert "drawn as 20x20: each cell is the average of 5x5" in " ".join(text.split())
    marks = [line for line in text.splitlines() if line[:1] in RAMP + "=" and len(line) == 40]
    assert len(marks) == 20
    assert marks[0] == " " * 20 + "-" * 20 or set(marks[0][20:]) == {RAMP[3]}


def test_the_average_leaves_nan_out() -> None:
    values = np.ones((100, 100))
    values[0, 0] = np.nan
    text = shown(values, width=40)
    assert "1 NaN (drawn ?)" in text
    assert "?" not in text.splitlines()[1]


@in_turn("colors", ["truecolor", "256", "none"])
@in_turn("ascii_only", [False, True])
@in_turn("width", [1, 2, 5, 17, 40, 80, 200, 500])
@in_turn("shape", [(4, 4), (1, 1), (1, 300), (300, 1), (30, 40), (500, 700), (2, 2, 3)])
def test_no_picture_is_too_wide(colors: str, ascii_only: bool, width: int, shape: tuple[int, ...]) -> None:
    values = np.arange(np.prod(shape)).reshape(shape) / 7
    text = shown(values, layout="HW" if len(shape) == 2 else "CHW", colors=colors, width=width, ascii_only=ascii_only)
    lines = [ESCAPE.sub("", line) for line in text.splitlines()]
    assert max(map(cell_len, lines)) <= max(width, 10)
    assert len(lines) < 200 or width < 20
    if ascii_only or colors == "none":
        assert text.replace("\x1b", "").isascii()


@pytest.mark.parametrize(
    "values",
    [[[np.nan, 1.0], [np.inf, -np.inf]], [[np.nan]], [[np.inf, np.inf]], [[5]], [[7, 7], [7, 7]], [[True, False]],
     np.full((40, 40), np.nan), np.full((40, 40), 3.5), [[1e300, -1e300]], np.zeros((1, 5), np.float32)],
)  # fmt: skip
@pytest.mark.parametrize("colors", ["truecolor", "none"])
def test_odd_maps_are_drawn(values: Any, colors: str) -> None:
    text = shown(values, colors=colors)
    assert "shape" in text
    if np.isnan(values).any():
        assert f"(drawn {'magenta' if colors == 'truecolor' else '?'})" in text


def test_planes_stand_beside_each_other_and_the_rest_is_counted() -> None:
    text = shown(np.arange(2 * 3 * 2 * 2).reshape(2, 3, 2, 2), layout="NCHW")
    assert [f"N{n} C{c}" in text for n in range(2) for c in range(3)] == [True] * 6
    many = shown(np.zeros((40, 2, 2)), layout="CHW")
    assert "the first 12 of 40 planes" in many
    assert shown(np.zeros((2, 2, 2)), layout="DHW").count("D1") == 1
    assert shown(np.arange(5), layout="L").count("shape 5 (L)") == 1


# --- several maps -----------------------------------------------------------------------------------------------------


def test_maps_side_by_side_share_a_scale() -> None:
    small = FeatureMap(np.array([[6, 9], [5, 8]]))
    text = printed(side_by_side(FeatureMap(MATRIX), small, titles=("input", "output"), canvas=Canvas(80, "none")))
    lines = text.splitlines()
    assert lines[0].split() == ["input", "output"]
    assert text.count("@ 9 @") == 2
    assert len(re.findall(r"1 +5 +9", text)) == 2


def test_a_map_that_would_drown_has_its_own_scale() -> None:
    small = FeatureMap(MATRIX / 1000)
    text = printed(side_by_side(FeatureMap(MATRIX), small, titles=("a", "b"), canvas=Canvas(90, "none")), width=90)
    assert "0.009" in text


def test_maps_stand_below_each_other_where_it_is_narrow() -> None:
    pair = (FeatureMap(MATRIX), FeatureMap(MATRIX))
    lines = printed(side_by_side(*pair, titles=("a", "b"), canvas=Canvas(24, "none")), width=24).splitlines()
    assert lines[0] == "a"
    assert "b" in lines
    assert max(map(len, lines)) <= 24
    with pytest.raises(ValueError, match="zip"):
        side_by_side(*pair, titles=("a",), canvas=Canvas(24))


# --- names ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["a\x1b[31mred.csv", "[red]x[/red]", "two\nlines", "\u202egnp.exe", "x" * 4000, ":smile:"]
)
def test_names_are_shown_harmlessly(name: str) -> None:
    text = shown(MATRIX, name=name)
    first = text.splitlines()[0]
    assert first.isprintable()
    assert first == safe(name)
    assert len(first) <= 60


def test_colours_as_css_has_them() -> None:
    assert hexadecimal((0, 128, 255)) == "#0080ff"


# --- the command ------------------------------------------------------------------------------------------------------


def drawn(programs: Path, tiny: Path, **env: str) -> bytes:
    """What ``poolcli show`` draws on a terminal of 80 columns."""
    result = on_terminal("show", tiny, stdin=False, program=programs / "poolcli", env=env)
    assert (result.code, result.err) == (0, "")
    return result.raw


@pytest.mark.slow
def test_the_terminal_decides_on_colours(programs: Path, tiny: Path) -> None:
    assert b"48;2;" in drawn(programs, tiny, TERM="xterm-256color", COLORTERM="truecolor")
    assert b"48;5;" in drawn(programs, tiny, TERM="xterm-256color")
    for env in ({"TERM": "xterm-256color", "NO_COLOR": "1"}, {"TERM": "dumb"}, {"TERM": "vt100"}):
        assert b"\x1b" not in drawn(programs, tiny, **env)


def test_the_command_shows_a_file(run: Run, call: Run, tiny: Path) -> None:
    done = run("show", tiny)
    assert done.code == 0
    assert "@ 9 @" in done.out
    assert "\x1b" not in done.out
    assert "48;5;" in call("show", tiny, "--color", "always").out
    assert call("show", tiny, "--width", "0").code == 2
    assert call("show", tiny, "--colormap", "jet").code == 2
    assert max(map(len, call("show", tiny, "--width", "22").out.splitlines())) <= 22


def test_the_command_in_an_ascii_terminal(run: Run, tiny: Path) -> None:
    done = run("show", tiny, "--color", "always", env={"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"})
    assert done.code == 0
    assert done.raw.isascii()


def test_steps_before_a_picture(call: Run, tiny: Path) -> None:
    filtered = call("conv", "--filter", "sobel-x", "--json", tiny)
    done = call("show", stdin=filtered.raw)
    assert done.code == 0
    values: NDArray[Any] = np.array(filtered.data())
    assert f"min {values.min()}" in done.out

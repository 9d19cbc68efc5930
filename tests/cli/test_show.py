"""``--show``: maps side by side in the terminal, besides the result and never in the middle of data."""

from __future__ import annotations

import io
import re
from base64 import b64decode
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import poolcli
from poolcli import pool
from tests.support.process import ROOT, Run

GEEKS = ROOT / "sample_inputs" / "geeks_4x4.csv"
LINE = ROOT / "sample_inputs" / "line_8x8.csv"


def test_pool_shows_input_and_output_beside_each_other(call: Run) -> None:
    out = call("pool", "--show", GEEKS).out
    first = out.splitlines()[0]
    assert re.fullmatch(r"input +output", first)
    assert "shape 4x4 (HW), min 1, mean 4.4375" in out
    assert "shape 2x2 (HW), min 5, mean 7, max 9" in out
    assert "│ 6 │ 9 │" in out


def test_conv_shows_both(call: Run) -> None:
    out = call("conv", "--filter", "vertical-line", "--show", LINE).out
    assert "shape 8x8 (HW)" in out
    assert "shape 6x6 (HW)" in out


def test_compare_shows_every_answer(call: Run) -> None:
    out = call("compare", "--mode", "max,avg,min", "--show", GEEKS).out
    for title in ("input", "max", "avg", "min"):
        assert re.search(rf"^{title}\b|  {title}\b", out, re.MULTILINE)


def test_run_shows_every_stage(call: Run) -> None:
    out = call("run", LINE, "--show", "conv", "--filter", "vertical-line", "then", "relu", "then", "pool").out
    for title in ("input", "1 conv", "2 relu", "3 pool"):
        assert title in out


def test_show_and_data_on_one_stream_are_refused(call: Run) -> None:
    done = call("pool", "--show", "--json", GEEKS)
    assert (done.code, done.out) == (2, "")
    assert "--show draws on standard output, where the json would go" in done.err


def test_show_beside_a_file_is_fine(call: Run, tmp_path: Path) -> None:
    target = tmp_path / "pooled.npy"
    done = call("pool", "--show", "-o", target, GEEKS)
    assert done.code == 0
    assert "shape 2x2 (HW)" in done.out
    expected = pool(np.loadtxt(GEEKS, delimiter=",", dtype=np.int64))
    np.testing.assert_array_equal(np.load(target), expected)


@pytest.mark.parametrize("arguments", [("pool",), ("conv", "--filter", "box")])
def test_colour_only_where_it_is_wanted(call: Run, arguments: tuple[str, ...]) -> None:
    plain = call(*arguments, "--show", GEEKS)
    painted = call(*arguments, "--show", "--color", "always", GEEKS)
    assert "\x1b" not in plain.out
    assert "\x1b[" in painted.out


def test_a_photograph_is_gray_and_a_matrix_in_colours(call: Run, tmp_path: Path) -> None:
    """Every colour of a gray photograph has three equal parts, unless a colour map is asked for."""
    poolcli.write(np.arange(256, dtype=np.uint8).reshape(16, 16), tmp_path / "x.npy")
    poolcli.write(Image.fromarray(np.arange(256, dtype=np.uint8).reshape(16, 16)), tmp_path / "x.png")
    colors = {}
    for name, more in {"x.npy": (), "x.png": (), "x.png ": ("--colormap", "viridis")}.items():
        env = {"COLORTERM": "truecolor"}
        out = call("show", "--color", "always", *more, tmp_path / name.strip(), env=env).out
        colors[name] = {tuple(found) for found in re.findall(r"[34]8;2;(\d+);(\d+);(\d+)", out)}
    gray = {name: all(len(set(color)) == 1 for color in found) for name, found in colors.items()}
    assert all(colors.values())
    assert gray == {"x.npy": False, "x.png": True, "x.png ": False}


THREE_AXES = (
    "explain -o x.html", "explain -o x.gif", "explain --still -o x.svg", "shift -o x.html",
    "compare -m max,avg -o x.html", "explain --shape 3x4x5 --layout DHW -o x.html",
    "explain --shape 3x4x5 --layout DHW -o x.png", "compare -m max,avg --shape 3x4x5 --layout DHW -o x.html",
)  # fmt: skip


@pytest.mark.parametrize("words", THREE_AXES)
def test_what_has_three_axes_leads_to_what_can_be_drawn(call: Run, tmp_path: Path, words: str) -> None:
    """What the hint says to type works."""
    poolcli.write(np.arange(60.0).reshape(3, 4, 5), tmp_path / "x.npy")
    typed = [str(tmp_path / word) if word.startswith("x.") else word for word in words.split()]
    given = [] if "--shape" in typed else ["--layout", "DHW", str(tmp_path / "x.npy")]
    refused = call(*typed, *given)
    assert refused.code == 2
    assert "one or two" in refused.err
    layout = re.findall(r"hint: use --layout (\w+)", refused.err)[0]
    assert call(*typed, *given, "--layout", layout).code == 0


@pytest.mark.parametrize(
    ("shape", "target"),
    [((300_001,), "x.html"), ((2, 200_000), "x.html"), ((3, 300, 301), "x.html"), ((600, 9), "x.svg")],
)
def test_what_is_too_large_says_what_to_type(call: Run, tmp_path: Path, shape: tuple[int, ...], target: str) -> None:
    poolcli.write(np.zeros(shape, np.uint8), tmp_path / "x.npy")
    refused = call("explain", "-o", tmp_path / target, tmp_path / "x.npy")
    assert refused.code == 1
    size = re.findall(r"poolcli pool --mode avg --size (\w+), or leave out -o and explain", refused.err)[0]
    assert call("pool", "--mode", "avg", "--size", size, "-o", tmp_path / "y.npy", tmp_path / "x.npy").code == 0
    assert call("explain", "-k", "1", "-o", tmp_path / target, tmp_path / "y.npy").code == 0


def test_a_photograph_is_gray_on_every_page_and_picture(call: Run, tmp_path: Path) -> None:
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16)
    poolcli.write(levels, tmp_path / "x.npy")
    poolcli.write(Image.fromarray(levels), tmp_path / "x.png")
    for command in ("explain", "shift", "compare --mode max,avg"):
        made = {}
        for name in ("x.npy", "x.png"):
            assert call(*command.split(), "-o", tmp_path / "page.html", "--overwrite", tmp_path / name).code == 0
            made[name] = re.findall(r'"colormap":"(\w+)"', (tmp_path / "page.html").read_text())
        assert made == {"x.npy": ["viridis"], "x.png": ["gray"]}, command
    assert call("explain", "--still", "-o", tmp_path / "still.png", tmp_path / "x.png").code == 0
    assert Image.open(tmp_path / "still.png").convert("RGB").getpixel((20, 70)) == (0, 0, 0)  # viridis begins violet
    photograph = poolcli.read(tmp_path / "x.png")
    with Image.open(io.BytesIO(b64decode(re.findall(r"base64,([^\"]+)", photograph._repr_html_())[0]))) as drawn:
        assert np.ptp(np.asarray(drawn.convert("RGB")), axis=-1).max() == 0

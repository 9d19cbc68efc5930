"""``explain`` into files: which options each kind of file heeds, and that none is passed over in silence."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from tests.support.process import Result, Run


@pytest.mark.parametrize("name", ["x.svg", "x.png", "x.gif", "x.html"])
def test_one_window_is_shown_in_every_format(call: Run, tiny: Path, tmp_path: Path, name: str) -> None:
    made = []
    for at in ("0,0", "1,1"):
        assert call("explain", "--at", at, "-o", str(tmp_path / name), str(tiny)).code == 0
        made.append((tmp_path / name).read_bytes())
    assert made[0] != made[1]
    wrong = call("explain", "--at", "9,9", "-o", str(tmp_path / name), str(tiny))
    assert wrong.code == 1
    assert wrong.err.startswith("error: there is no window 9,9")


@pytest.mark.parametrize(
    ("name", "what"),
    [("x.html", "a page"), ("x.gif", "an animation"), ("x.svg", "one window"), ("x.png", "the finished picture")],
)
def test_what_a_file_holds_is_said(call: Run, tiny: Path, tmp_path: Path, name: str, what: str) -> None:
    result = call("explain", "-o", name, str(tiny), cwd=tmp_path)
    assert result.err == f"wrote {name} ({what}, {(tmp_path / name).stat().st_size} bytes)\n"


def test_a_png_moves_only_if_a_pace_is_asked_for(call: Run, tiny: Path, tmp_path: Path) -> None:
    frames = []
    for options in ([], ["--still"], ["--fps", "3"]):
        assert call("explain", "-o", str(tmp_path / "x.png"), *options, str(tiny)).code == 0
        with Image.open(tmp_path / "x.png") as picture:
            frames.append(getattr(picture, "n_frames", 1))
    assert frames == [1, 1, 5]


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--fps", "3"], "error: --fps does nothing for standard output"),
        (["--still"], "error: --still does nothing for standard output"),
        (["--at", "0,0", "--full"], "error: --full does nothing for one window"),
        (["--json", "--max-rows", "3"], "error: --max-rows does nothing for JSON, which has every window"),
        (["-o", "x.html", "--fps", "3"], "error: --fps does nothing for a page"),
        (["-o", "x.html", "--json"], "error: --json does nothing for a page file"),
        (["-o", "x.gif", "--width", "40"], "error: --width does nothing for a gif file"),
        (["-o", "x.gif", "--still"], "error: --still is a picture that does not move"),
        (["-o", "x.svg", "--frames", "4"], "error: --frames does nothing for one window"),
    ],
)
def test_an_option_that_does_nothing_is_refused(call: Run, tiny: Path, options: list[str], words: str) -> None:
    made = call("explain", *options, str(tiny))
    assert made.code == 2
    assert made.err.splitlines()[0] == words
    assert made.err.splitlines()[1].startswith("hint: ")


@pytest.mark.parametrize("name", ["x.html", "x.gif", "x.png", "x.svg"])
def test_a_shape_alone_makes_every_file(call: Run, tmp_path: Path, name: str) -> None:
    assert call("explain", "--shape", "7x7", "-k", "3", "-s", "2", "-o", tmp_path / name).code == 0
    assert (tmp_path / name).stat().st_size > 1000


def test_a_shape_alone_is_no_integer_to_a_framework(call: Run, tmp_path: Path) -> None:
    """PyTorch averages no uint8, but a shape has no numbers."""
    layer = ("--compat", "torch", "-m", "avg", "-k", "3", "-s", "1", "-p", "1")
    assert call("explain", "--shape", "4x4", *layer, "-o", tmp_path / "x.html").code == 0


def test_windows_of_a_shape_with_channels_are_the_same_in_each(call: Run, tmp_path: Path) -> None:
    note = "note: the windows are the same in each of the 6 maps of 4x5\n"
    for words in ([], ["--json"], ["-o", tmp_path / "x.html"]):
        assert note in call("explain", "--shape", "2x3x4x5", *words).err
    assert "the same" not in call("explain", "--shape", "1x4x5").err


def test_the_shape_of_an_exercise(call: Run, tmp_path: Path) -> None:
    def exercise(*words: str) -> Result:
        return call("explain", "--exercise", "-k", "2", "--seed", "7", "-o", tmp_path / "sheet.html", *words)

    assert exercise("--shape", "8x6").code == 0
    assert '"shape":"8x6 HW"' in (tmp_path / "sheet.html").read_text()
    assert exercise("--shape", "3x8x6").code == 0
    assert '"planes":["C0","C1","C2"]' in (tmp_path / "sheet.html").read_text()
    assert exercise("--shape", "1x1").code == 1  # no window fits
    filtered = exercise("--shape", "8x6", "--relu")
    assert (filtered.code, filtered.err.splitlines()[0]) == (2, "error: --shape has no numbers to filter")
    both = call("explain", "--exercise", "--shape", "8x6", "-o", tmp_path / "sheet.html", "-", stdin="1,2\n")
    assert (both.code, both.err.splitlines()[0]) == (2, "error: --shape and an INPUT cannot be combined")

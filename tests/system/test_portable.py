"""What a system may lack is hidden from Python, as Windows and macOS lack it: every command works all the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.process import ROOT, SAMPLES, Run

PROBE = """
import json, sys
from tests.support.without_posix import hide
hide()
from poolcli.__main__ import main
for words in json.load(sys.stdin):
    sys.argv = ["poolcli", *words]
    assert main() == 0, words
"""
GEEKS = str(SAMPLES / "geeks_4x4.csv")
COMMANDS = [
    ["--version"],
    ["pool", "-o", "pooled.csv", GEEKS],
    ["pool", "-o", "pooled.csv", GEEKS],  # replaces the first
    ["pool", "-o", "pooled.png", str(SAMPLES / "astronaut.jpg")],
    ["conv", "--filter", "sobel-x", "-o", "conv.npy", GEEKS],
    ["explain", "-o", "page.html", GEEKS],
    ["explain", "-o", "walk.gif", GEEKS],
    ["show", GEEKS],
    ["summary", "8x8", "pool"],
    ["batch", "-q", "-j", "1", "-o", "one", GEEKS, str(SAMPLES / "five_5x5.csv")],
    ["doctor"],
]


@pytest.mark.slow
def test_every_command_does_without_what_posix_has(python: Run, tmp_path: Path) -> None:
    done = python("-c", PROBE, stdin=json.dumps(COMMANDS), cwd=tmp_path, env={"PYTHONPATH": str(ROOT)})
    assert done.code == 0, done.err
    assert (tmp_path / "pooled.csv").read_text() == "6,9\n5,8\n"
    assert {path.name for path in tmp_path.iterdir()} == {
        "conv.npy", "one", "page.html", "pooled.csv", "pooled.png", "walk.gif"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["os.sysconf('SC_PAGE_SIZE')", "__import__('fcntl')", "__import__('signal').SIGHUP"])
def test_what_is_hidden_is_missed(python: Run, name: str) -> None:
    done = python("-c", f"import os, signal\nfrom tests.support.without_posix import hide\nhide()\n{name}", cwd=ROOT)
    assert done.code == 1
    assert "Error" in done.err

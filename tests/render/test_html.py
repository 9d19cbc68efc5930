"""Plain HTML: what a notebook shows, and the pages of ``compare`` and ``shift``, in which nothing can run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from poolcli.analysis.invariance import measure
from poolcli.featuremap import FeatureMap
from poolcli.pooling.layer import Pooling
from poolcli.render.html import shift_page
from tests.support.process import Run

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.support.browser import Open

DOT = np.zeros((6, 6), int)
DOT[1:3, 1:3] = DOT[3, 4] = 1


def dot_page() -> bytes:
    return shift_page([measure(FeatureMap(DOT, name="<i>dot</i>"), Pooling.of(2), by) for by in (1, 2)])


def test_direction_and_amount_are_chosen_without_a_script(opened: Open) -> None:
    seen = opened(dot_page(), width=1280, height=720)
    assert seen.page.locator("section.move:visible h2").all_inner_texts() == [
        "Moved up by 1: 6 of 36 values change before pooling, 2 of 9 values after it"
    ]
    for name, count in {"left by 1": 6, "right by 2": 9}.items():
        seen.page.get_by_label(name).check()
        assert seen.page.locator("section.move:visible").count() == 1
        told = seen.page.locator("section.move:visible h2").inner_text()
        assert told.startswith(f"Moved {name}: {count} of 36 values change")
    maps = seen.page.locator("section.move:visible table")
    assert maps.count() == 6
    moved = [row.split() for row in maps.nth(1).inner_text().splitlines()]
    assert np.array_equal(np.array(moved, int), np.pad(DOT, ((0, 0), (2, 0)))[:, :6])
    assert seen.page.evaluate("document.documentElement.scrollHeight <= 720 + 200")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1920])
def test_axe_finds_nothing_in_pages_without_a_script(
    opened: Open, axe: str, call: Run, tmp_path: Path, scheme: str, width: int
) -> None:
    source = tmp_path / "x.csv"
    source.write_text("1,3,2,9\n5,6,1,7\n4,2,8,6\n3,5,7,2\n")
    done = call(
        "compare", "--compat", "torch,onnx", "-m", "avg", "-k", "3", "-p", "1", source, "-o", tmp_path / "c.html"
    )
    assert done.err.startswith("wrote ")
    for data in (dot_page(), (tmp_path / "c.html").read_bytes()):
        seen = opened(data.replace(b"default-src 'none'", b"default-src 'none'; script-src 'unsafe-eval'"),
                      width=width, height=900, scheme=scheme, bypass_csp=True)  # fmt: skip
        seen.page.evaluate(axe)
        found = seen.page.evaluate(
            "async () => (await axe.run()).violations.map(v => [v.id, v.nodes.map(n => n.html)])"
        )
        assert found == []


def test_pages_are_written_by_their_commands(call: Run, tiny: Path, tmp_path: Path) -> None:
    page = tmp_path / "x.html"
    assert call("shift", "--by", "2", "-o", page, tiny).code == 0
    assert b"left by 2" in page.read_bytes()
    assert b"left by 1" in page.read_bytes()
    assert call("shift", "--random", "3", "--seed", "1", "-o", page, tiny).code == 0
    assert page.read_bytes().count(b'type="radio"') == 3
    assert call("compare", "--mode", "max,avg", "-o", page, tiny).code == 0
    assert b"max, avg on" in page.read_bytes()
    assert b"differs" not in page.read_bytes()  # between modes nearly everything does


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["-o", "x.png"], "error: a shift cannot be drawn as 'x.png'"),
        (["-o", "x.html", "--json"], "error: --output and --json do not go together"),
        (["-o", "x.html", "--show"], "error: --output and --show do not go together"),
        (["--json", "--show"], "error: --json and --show do not go together"),
    ],
)
def test_what_a_shift_cannot_write_is_told(call: Run, tiny: Path, options: list[str], words: str) -> None:
    made = call("shift", *options, tiny)
    assert made.code == 2
    assert made.err.splitlines()[0] == words

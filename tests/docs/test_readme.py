"""The documents show what the commands print: every ``console`` block is run again and compared, pictures too.

``python -m tests.docs.test_readme`` rewrites the blocks and the pictures with what the commands make now; look at the
difference before you commit it.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from PIL import Image, ImageSequence

from tests.support.documents import (
    DOCUMENTS,
    PICTURES,
    SCREENSHOTS,
    blocks,
    commands,
    links,
    pictured,
    rewrite,
    same_picture,
    shown,
    workplace,
)
from tests.support.extras import needs_program
from tests.support.process import ROOT

pytestmark = pytest.mark.slow

CASES = [
    pytest.param(document, index, id=f"{document.relative_to(ROOT)}-{index}")
    for document in DOCUMENTS
    if document.exists()
    for index, _ in enumerate(blocks(document))
]


@pytest.mark.parametrize(("document", "index"), CASES)
def test_a_block_shows_what_its_commands_print(document: Path, index: int, tmp_path: Path, programs: Path) -> None:
    block = list(blocks(document))[index]
    if any(command.startswith("jq ") for command in commands(block)):
        needs_program("jq")
    assert shown(block, workplace(tmp_path), programs) == block
    for file in pictured(tmp_path):
        assert same_picture(file, PICTURES / file.name), file.name


def test_there_is_something_to_check() -> None:
    assert sum(len(commands(block)) for block in blocks(ROOT / "README.md")) >= 5
    assert sum(len(commands(block)) for block in blocks(ROOT / "docs" / "guide.md")) >= 15


@pytest.mark.parametrize(
    ("name", "title"), [("promises.md", "What poolcli promises"), ("frameworks.md", "What each framework can do")]
)
def test_every_promise_has_tests_that_exist(name: str, title: str) -> None:
    section = (ROOT / "docs" / name).read_text().split(f"## {title}", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 20
    for row in rows:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert tests, row
        for file, name in tests:
            assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file}::{name}"


def anchors(document: Path) -> set[str]:
    """The names of the headings of a document, as links have them."""
    heads = re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", document.read_text(), flags=re.M | re.S), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head).lower().replace(" ", "-") for head in heads}


def broken_links(document: Path, text: str) -> list[str]:
    """The links of a text to files and headings that are not there; the web is not asked."""
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)):
        file, _, anchor = link.partition("#")
        target = (document.parent / file).resolve() if file else document
        if not link.startswith("https://") and not (target.exists() and (not anchor or anchor in anchors(target))):
            broken.append(link)
    return broken


EVERY = [
    *DOCUMENTS,
    *(ROOT / name for name in ("CHANGELOG.md", "CONTRIBUTING.md", "SECURITY.md", "benchmarks/RESULTS.md")),
]


@pytest.mark.parametrize("document", EVERY, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    assert broken_links(document, document.read_text(encoding="utf-8")) == []


def test_a_link_that_leads_nowhere_is_seen() -> None:
    text = "[a](nothing.md) [b](#nothing) `[c](x.md)` [d](docs/guide.md#a-photo) [e](docs/guide.md#no)"
    assert broken_links(ROOT / "README.md", text) == ["nothing.md", "#nothing", "docs/guide.md#no"]


def test_a_command_may_have_several_lines() -> None:
    block = "$ printf 'a\\n' \\\n> | cat\na\n> b\n$ true\n"
    assert commands(block) == ["printf 'a\\n' \\\n| cat", "true"]


def test_every_picture_is_made_by_a_block_and_shown_by_a_document() -> None:
    typed = " ".join(command for document in DOCUMENTS for block in blocks(document) for command in commands(block))
    names = {file.name for file in PICTURES.iterdir()}
    assert {word for word in typed.split() if word in names} | SCREENSHOTS == names
    assert links() == {PICTURES / name for name in names}


def test_the_eye_for_pictures_sees_a_cell_that_is_painted_otherwise(tmp_path: Path) -> None:
    for picture in ("walk.gif", "max.png"):
        with Image.open(PICTURES / picture) as whole:
            painted = [frame.convert("RGB") for frame in ImageSequence.Iterator(whole)]
        painted[0].paste((255, 0, 255), (20, 80, 70, 120))
        painted[0].save(tmp_path / picture, save_all=True, append_images=painted[1:])
        assert same_picture(PICTURES / picture, PICTURES / picture)
        assert not same_picture(tmp_path / picture, PICTURES / picture)


if __name__ == "__main__":
    rewrite()

"""The documents show what the commands print: every ``console`` block is run again and compared, pictures too.

A block has a folder of its own that looks like the checkout. A line that ends in a backslash goes on in the next one,
after ``> ``. A file that a block writes and a document shows has to look as its namesake in ``docs/pictures/``.

``python -m tests.docs.test_readme`` rewrites the blocks and the pictures with what the commands make now; look at the
difference before you commit it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageSequence

ROOT = Path(__file__).parent.parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "sample_inputs" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PICTURES = ROOT / "docs" / "pictures"
SCREENSHOTS = {"page.png"}  # a browser's: its fonts are the machine's
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ .*(?:(?<=\\)\n> .*)*", re.MULTILINE)
LINK = re.compile(r"!\[[^]]*\]\(([^)]*)\)")


def blocks(document: Path) -> Iterator[str]:
    """Yield the text of every console block."""
    for match in BLOCK.finditer(document.read_text()):
        yield match.group(1)


def commands(block: str) -> list[str]:
    """Return the commands of a block, as they are typed."""
    return [re.sub(r"^[$>] ", "", match[0], flags=re.MULTILINE) for match in COMMAND.finditer(block)]


def outputs(document: Path) -> dict[str, str]:
    """Return what a document shows of every command, each on one line."""
    found: dict[str, str] = {}
    for block in blocks(document):
        _, *texts = COMMAND.split(block)
        typed = (" ".join(command.replace("\\\n", " ").split()) for command in commands(block))
        found |= {command: text[1:] for command, text in zip(typed, texts, strict=True)}
    return found


def shown(block: str, folder: Path) -> str:
    """Return the block with what its commands print now, one after the other in `folder`."""
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")}
    environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
    text = ""
    for command in commands(block):
        done = subprocess.run(
            ["bash", "-c", command], cwd=folder, env=environment, text=True, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60, check=False,
        )  # fmt: skip
        prompted = command.replace("\n", "\n> ")
        text += f"$ {prompted}\n{done.stdout}"
    return text


def workplace(folder: Path) -> Path:
    """Return a folder that looks like the checkout to README's commands."""
    shutil.copytree(ROOT / "sample_inputs", folder / "sample_inputs")
    return folder


def links() -> set[Path]:
    """Return the files that the documents show."""
    found = (
        (document.parent / link).resolve() for document in DOCUMENTS for link in LINK.findall(document.read_text())
    )
    return {file for file in found if file.is_relative_to(ROOT)}


def pictured(folder: Path) -> list[Path]:
    """Return the files of a folder that the documents show."""
    names = {file.name for file in links()}
    return [file for file in sorted(folder.iterdir()) if file.name in names]


def frames(file: Path) -> NDArray[Any]:
    """Return what a picture shows: frames, rows, columns, colours."""
    with Image.open(file) as picture:
        return np.stack([np.asarray(frame.convert("RGB"), dtype=np.int16) for frame in ImageSequence.Iterator(picture)])


def same_picture(one: Path, other: Path) -> bool:
    """Whether two pictures look the same; another Pillow may smooth the letters of a walk a little otherwise."""
    a, b = frames(one), frames(other)
    if a.shape != b.shape:
        return False
    step, share = (64, 0.0005) if one.suffix == ".gif" else (0, 0)
    return bool(((np.abs(a - b).max(axis=-1) > step).mean(axis=(1, 2)) <= share).all())


CASES = [
    pytest.param(document, index, id=f"{document.relative_to(ROOT)}-{index}")
    for document in DOCUMENTS
    if document.exists()
    for index, _ in enumerate(blocks(document))
]


@pytest.mark.parametrize(("document", "index"), CASES)
def test_a_block_shows_what_its_commands_print(document: Path, index: int, tmp_path: Path) -> None:
    block = list(blocks(document))[index]
    assert shown(block, workplace(tmp_path)) == block
    for file in pictured(tmp_path):
        assert same_picture(file, PICTURES / file.name), file.name


def test_there_is_something_to_check() -> None:
    assert sum(len(commands(block)) for block in blocks(ROOT / "README.md")) >= 15


@pytest.mark.parametrize("title", ["What poolcli promises", "What each framework can do"])
def test_every_promise_has_tests_that_exist(title: str) -> None:
    section = (ROOT / "README.md").read_text().split(f"## {title}", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 20
    for row in rows:
        tests = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", row)
        assert tests, row
        for file, name in tests:
            assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file}::{name}"


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


def renewed(block: str) -> str:
    """Return a block with what its commands print now, and keep the pictures that they make."""
    with tempfile.TemporaryDirectory() as folder:
        text = shown(block, workplace(Path(folder)))
        for file in pictured(Path(folder)):
            kept = PICTURES / file.name
            if not (kept.exists() and same_picture(file, kept)):
                shutil.copyfile(file, kept)
    return f"```console\n{text}```"


def rewrite() -> None:
    """Put what the commands make now into every block and every picture."""
    for document in DOCUMENTS:
        pieces = BLOCK.split(document.read_text())  # text, block, text, block, ..., text
        pieces[1::2] = [renewed(block) for block in pieces[1::2]]
        document.write_text("".join(pieces))


if __name__ == "__main__":
    rewrite()

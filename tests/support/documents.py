"""Running the ``console`` blocks of documents again, and comparing the pictures that they make.

Each block runs in its own folder, which looks like the checkout. A line that ends in a backslash continues on the next,
after ``> ``. A picture that a block writes and a document shows must look like its namesake in ``docs/pictures/``.
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
from numpy.typing import NDArray
from PIL import Image, ImageSequence

from tests.support.process import ROOT

DOCUMENTS = [ROOT / "README.md", ROOT / "sample_inputs" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
PICTURES = ROOT / "docs" / "pictures"
SCREENSHOTS = {"page.png"}  # from a browser, with the fonts of the machine
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"^\$ .*(?:(?<=\\)\n> .*)*", re.MULTILINE)
LINK = re.compile(r"!\[[^]]*\]\(([^)]*)\)")


def blocks(document: Path) -> Iterator[str]:
    """Yield the text of every console block."""
    for match in BLOCK.finditer(document.read_text()):
        yield match.group(1)


def commands(block: str) -> list[str]:
    """Return the commands of a block as typed."""
    return [re.sub(r"^[$>] ", "", match[0], flags=re.MULTILINE) for match in COMMAND.finditer(block)]


def outputs(document: Path) -> dict[str, str]:
    """Return the output that a document shows for every command, which is joined into one line."""
    found: dict[str, str] = {}
    for block in blocks(document):
        _, *texts = COMMAND.split(block)
        typed = (" ".join(command.replace("\\\n", " ").split()) for command in commands(block))
        found |= {command: text[1:] for command, text in zip(typed, texts, strict=True)}
    return found


def shown(block: str, folder: Path, programs: Path = Path(sys.executable).parent) -> str:
    """Return the block with the output of its commands now, run in `folder` with the ``poolcli`` in `programs`."""
    environment = {key: value for key, value in os.environ.items() if key not in ("COLUMNS", "FORCE_COLOR")}
    environment["PATH"] = f"{programs}{os.pathsep}{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
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
    """Make a folder that looks like the checkout to README's commands."""
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
    """Return the pixels of a picture: frames, rows, columns, colours."""
    with Image.open(file) as picture:
        return np.stack([np.asarray(frame.convert("RGB"), dtype=np.int16) for frame in ImageSequence.Iterator(picture)])


def same_picture(one: Path, other: Path) -> bool:
    """Whether two pictures look the same; another Pillow may draw the letters of an animation slightly differently."""
    a, b = frames(one), frames(other)
    if a.shape != b.shape:
        return False
    step, share = (64, 0.0005) if one.suffix == ".gif" else (0, 0)
    return bool(((np.abs(a - b).max(axis=-1) > step).mean(axis=(1, 2)) <= share).all())


def renewed(block: str) -> str:
    """Return a block with the output of its commands now, and keep the pictures that they make."""
    with tempfile.TemporaryDirectory() as folder:
        text = shown(block, workplace(Path(folder)))
        for file in pictured(Path(folder)):
            kept = PICTURES / file.name
            if not (kept.exists() and same_picture(file, kept)):
                shutil.copyfile(file, kept)
    return f"```console\n{text}```"


def rewrite() -> None:
    """Update the blocks and pictures of all documents."""
    for document in DOCUMENTS:
        pieces = BLOCK.split(document.read_text())  # text, block, text, block, ..., text
        pieces[1::2] = [renewed(block) for block in pieces[1::2]]
        document.write_text("".join(pieces))

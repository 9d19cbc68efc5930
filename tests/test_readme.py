"""README shows what the commands print: every ``console`` block is run again and compared.

``python -m tests.test_readme`` rewrites the blocks with what the commands print now; look at the difference before you
commit it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = [ROOT / "README.md", ROOT / "sample_inputs" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def blocks(document: Path) -> Iterator[str]:
    """Yield the text of every console block."""
    for match in BLOCK.finditer(document.read_text()):
        yield match.group(1)


def commands(block: str) -> list[str]:
    """Return the commands of a block: the lines after a dollar sign."""
    return [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]


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
        text += f"$ {command}\n{done.stdout}"
    return text


def workplace(folder: Path) -> Path:
    """Return a folder that looks like the checkout to README's commands."""
    shutil.copytree(ROOT / "sample_inputs", folder / "sample_inputs")
    return folder


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


def test_there_is_something_to_check() -> None:
    assert sum(len(commands(block)) for block in blocks(ROOT / "README.md")) >= 15


def test_every_promise_has_tests_that_exist() -> None:
    section = (ROOT / "README.md").read_text().split("## What poolcli promises", 1)[1].split("\n## ", 1)[0]
    rows = [line for line in section.splitlines() if line.startswith("| ")][1:]
    assert len(rows) >= 20
    for row in rows:
        tests = re.findall(r"`(tests/\w+\.py)::(\w+)`", row)
        assert tests, row
        for file, name in tests:
            assert re.search(rf"^def {name}\(", (ROOT / file).read_text(), re.MULTILINE), f"{file}::{name}"


def rewrite() -> None:
    """Put what the commands print now into every block."""
    import tempfile

    for document in DOCUMENTS:
        with tempfile.TemporaryDirectory() as folder:
            place = workplace(Path(folder))
            pieces = BLOCK.split(document.read_text())  # text, block, text, block, ..., text
            pieces[1::2] = [f"```console\n{shown(block, place)}```" for block in pieces[1::2]]
        document.write_text("".join(pieces))


if __name__ == "__main__":
    rewrite()

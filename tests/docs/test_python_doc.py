"""``docs/python.md``: its blocks run from top to bottom and say what stands below them; as a notebook, too."""

from __future__ import annotations

import ast
import contextlib
import io
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.browser import Open
from tests.support.extras import needs
from tests.support.process import ROOT

TEXT = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```python\n(.*?)```\n(?:\n```\n(.*?)```\n)?", TEXT, re.DOTALL)


def shown(code: str, names: dict[str, Any]) -> str:
    """Run a block as a notebook does: what it prints, then what its last line is."""
    tree = ast.parse(code)
    last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        exec(compile(tree, "docs/python.md", "exec"), names)  # noqa: S102 - our own document
        if isinstance(last, ast.Expr):
            value = eval(compile(ast.Expression(last.value), "docs/python.md", "eval"), names)  # noqa: S307 - as above
            said.write("" if value is None else repr(value))
    return said.getvalue()


def test_every_block_runs_and_says_what_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    assert len(BLOCKS) > 10
    for code, expected in BLOCKS:
        made = shown(code, names)
        if expected:
            assert made.strip() == expected.strip()
    assert {path.name for path in tmp_path.iterdir()} == {"line.csv", "page.html", "finished.png", "window.svg"}


@pytest.mark.slow
def test_it_is_a_notebook_that_shows_everything_and_asks_for_nothing(tmp_path: Path, opened: Open) -> None:
    """Executed by nbclient, made HTML by nbconvert, opened in Chromium."""
    needs("nbclient", "nbconvert", "ipykernel", extra="notebook")
    import nbconvert
    import nbformat
    from nbclient import NotebookClient

    notebook: Any = nbformat.v4.new_notebook()
    for code, _ in BLOCKS:
        notebook.cells.append(nbformat.v4.new_code_cell(code.rstrip()))
    here = {"metadata": {"path": str(tmp_path)}}
    NotebookClient(notebook, timeout=120, kernel_name="python3", resources=here).execute()
    exporter = nbconvert.HTMLExporter(template_name="basic")
    body, _ = exporter.from_notebook_node(notebook)
    head = '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="data:,">'
    watched = opened(f"{head}<body>{body}</body></html>".encode(), width=1280)
    assert watched.page.locator("text=steps: conv vertical-line").count() == 1
    for number in range(watched.page.locator("iframe.poolcli-page").count()):
        watched.page.locator("iframe.poolcli-page").nth(number).scroll_into_view_if_needed()
    frames = watched.page.frame_locator("iframe.poolcli-page")
    frame = frames.nth(0)
    frame.locator("#output .cell").first.wait_for()
    assert frame.locator("#output .cell").count() == 4
    assert frame.locator("#command").text_content() == "poolcli pool --mode avg --size 3x3 --stride 1x1 input"
    assert not watched.page.locator("div.poolcli-plain").first.is_visible()
    compared = frames.last
    compared.locator(".cell.differs").first.wait_for()
    assert "by default padding counts in" in compared.locator("#reasons").inner_text()

"""A real browser for tests: Debian's Chromium, driven by Playwright, with a record of everything a page must not do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poolcli.featuremap import FeatureMap
from poolcli.pooling.layer import Pooling
from poolcli.render.page import page
from tests.support.extras import missing

# the headless shell is twice as fast: full Chromium draws a window for every page
FOUND = shutil.which("chromium-headless-shell") or shutil.which("chromium")
CHROMIUM = os.environ.get("CHROMIUM") or FOUND or "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
AUDIT = (
    "async rules => (await axe.run(document, rules)).violations.map(v => [v.id, v.impact, v.nodes.map(n => n.html)])"
)
PATIENCE = 20_000  # milliseconds, for slow machines


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A running Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        missing("Playwright's Python package is not installed: pip install playwright")
    if not Path(CHROMIUM).exists():
        missing(f"there is no {CHROMIUM}: apt-get install chromium, or set CHROMIUM")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def axe() -> str:
    """The script of axe-core, the accessibility checker."""
    try:
        found = files("axe_playwright_python").joinpath("axe.min.js")
    except ImportError:
        missing("axe-core is not installed: pip install axe-playwright-python")
    return found.read_text(encoding="utf-8")


class Watched:
    """A page with all its messages and requests."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.said: list[str] = []
        self.requests: list[str] = []
        self.listening: dict[str, Callable[[Any], None]] = {
            "console": lambda message: self.said.append(f"{message.type}: {message.text}"),
            "pageerror": lambda problem: self.said.append(f"error: {problem}"),
            "dialog": lambda dialog: self.said.append(f"dialog: {dialog.message}"),
            "request": lambda request: self.requests.append(request.url),
        }
        page.set_default_timeout(PATIENCE)
        for event, heard in self.listening.items():
            page.on(event, heard)

    def leave(self) -> None:
        """Stop listening."""
        for event, heard in self.listening.items():
            self.page.remove_listener(event, heard)

    def check(self) -> None:
        """Assert that there were no messages and no requests."""
        assert self.said == []
        assert [url for url in self.requests if not url.startswith(("file:", "data:"))] == []

    def violations(self, axe: str) -> list[Any]:
        """Return what axe-core finds: all of it in the light, and in the dark what alone is other there, contrast."""
        found = []
        self.page.evaluate(axe)
        for scheme, rules in (("light", {}), ("dark", {"runOnly": ["color-contrast"]})):
            self.page.emulate_media(color_scheme=scheme)
            # a page loads nothing that would have to be fetched first, and of what is right nobody asks where it is
            found += self.page.evaluate(AUDIT, {**rules, "resultTypes": ["violations"], "preload": False})
        return found

    def text(self, selector: str) -> str:
        """Return the text of an element."""
        return str(self.page.locator(selector).inner_text())

    def wait(self, selector: str, text: str) -> None:
        """Wait until an element has a text."""
        self.page.locator(selector, has_text=text).wait_for()

    def cell(self, panel: str, row: int, column: int) -> Any:
        """Return a cell of a map."""
        return self.page.locator(f"#{panel} [data-row='{row}'][data-column='{column}']")

    def marked(self, panel: str, name: str) -> set[tuple[int, int]]:
        """Return the cells of a map that have a class."""
        script = "cells => cells.map(cell => [Number(cell.dataset.row), Number(cell.dataset.column)])"
        return {(row, column) for row, column in self.page.locator(f"#{panel} .cell.{name}").evaluate_all(script)}

    def values(self, panel: str, first: str = "") -> list[list[str]]:
        """Return the texts of the cells of a map, row by row, right after clicking on `first`."""
        found: list[list[str]] = self.page.evaluate(
            """([panel, first]) => {
                if (first) document.querySelector(first).click();
                const rows = document.querySelectorAll(`#${panel} [role=grid] > [role=row]`);
                return Array.from(rows, row => Array.from(row.querySelectorAll('.cell'), cell => cell.textContent));
            }""",
            [panel, first],
        )
        return found


Open = Callable[..., Watched]


@pytest.fixture(scope="session")
def calculator(chromium: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """One page for all tests that only compute in it."""
    file = tmp_path_factory.mktemp("calculator") / "page.html"
    file.write_bytes(page(FeatureMap(np.zeros((2, 2))), Pooling.of(2)))
    one = Watched(chromium.new_page())
    one.page.goto(file.as_uri())
    yield one
    one.check()


@pytest.fixture(scope="session")
def reused(chromium: Any) -> Any:
    """A page that tests use one after the other, because opening a page takes longer than loading a document."""
    return chromium.new_context().new_page()


@pytest.fixture
def opened(chromium: Any, reused: Any, tmp_path: Path) -> Iterator[Open]:
    """A function that opens HTML from a file; at the end there must be no messages and no requests."""
    watched: list[Watched] = []
    contexts = []

    def open_page(
        data: bytes, *, width: int = 1280, height: int = 900, scheme: str = "light", instead: bool = False, **more: Any
    ) -> Watched:
        """Open a page, `instead` of the one before or beside it."""
        file = tmp_path / f"page{len(watched)}.html"
        file.write_bytes(data)
        if more or (watched and not instead):
            contexts.append(chromium.new_context(viewport={"width": width, "height": height}, **more))
            used = contexts[-1].new_page()
        else:
            used = reused
            used.set_viewport_size({"width": width, "height": height})
            used.mouse.move(0, 0)
        used.emulate_media(media="null", color_scheme=scheme)
        one = Watched(used)
        watched.append(one)
        one.page.goto(file.as_uri())
        return one

    yield open_page
    for context in contexts:
        context.close()
    for one in watched:
        one.leave()
        one.check()

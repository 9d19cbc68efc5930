"""The reference and the manual are what the code says, and the manual is one that roff can print."""

from __future__ import annotations

import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest

from poolcli.cli.options.grammar import command
from poolcli.cli.registry import COMMANDS, build
from poolcli.cli.stack import RUNNABLE, SUMMARIZED
from poolcli.pooling.filters import FILTERS
from poolcli.pooling.modes import MODES
from tests.support.extras import needs_program
from tests.support.process import ROOT
from tests.support.rows import in_turn

WRITTEN = runpy.run_path(str(ROOT / "docs" / "make_reference.py"))["WRITTEN"]
HINT = "it is not what the code says now: run python docs/make_reference.py"


def text(name: str) -> str:
    return (ROOT / "docs" / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("name", WRITTEN)
def test_it_is_current(name: str) -> None:
    same = text(name) == WRITTEN[name]()
    assert same, f"docs/{name}: {HINT}"


def plain_markdown() -> str:
    return re.sub(r"\\([*_<\[\]])", r"\1", text("cli.md"))


def plain_manual() -> str:
    return re.sub(r"\\f[BIR]", "", text("poolcli.1")).replace("\\-", "-").replace("\\(aq", "'")


BUILT: dict[str, Any] = {name: build(name) for name in COMMANDS}
BUILT |= {f"step {name}": command(name, made) for name, made in {**RUNNABLE, **SUMMARIZED}.items()}


@in_turn("name", BUILT)
@in_turn("document", WRITTEN)
def test_every_option_is_there(document: str, name: str) -> None:
    whole = plain_markdown() if document == "cli.md" else plain_manual()
    joined, words = " ".join(whole.split()), {*re.findall(r"[\w-]+", whole)}
    for one in BUILT[name].params:
        assert " ".join(one.help.split()) in joined, (name, one.name)
        if one.param_type_name == "option":
            for spelled in (*one.opts, *one.secondary_opts, one.envvar):
                assert spelled in words, (name, spelled)


def test_the_values_are_there() -> None:
    for document in (text("cli.md"), plain_manual()):
        for value in (
            *FILTERS,
            *(row.label.partition(":")[0] for row in MODES.values()),
            "magma",
            "keras",
            "same-lower",
        ):
            assert re.search(rf"(?<![\w-]){value}(?![\w-])", document), value


def test_links_lead_somewhere() -> None:
    document = text("cli.md")
    headings = {line.lstrip("# ").lower().replace(" ", "-") for line in document.splitlines() if line.startswith("#")}
    links = set(re.findall(r"\]\(#([^)]*)\)", document))
    assert len(links) > len(COMMANDS)
    assert links <= headings


def test_the_manual_prints_without_a_warning() -> None:
    needs_program("groff", package="groff-base")
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-ww", "-P-c", str(ROOT / "docs" / "poolcli.1")],
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    assert done.stderr == ""
    shown = re.sub(r".\x08", "", done.stdout)  # bold is one letter on another
    for title in ("NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS IN COMMON", "EXIT STATUS", "ENVIRONMENT"):
        assert title in shown
    assert "-m NAME[:PARAM], --mode NAME[:PARAM]" in shown


def test_the_wheel_installs_the_manual() -> None:
    import tomllib

    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    data = table["tool"]["hatch"]["build"]["targets"]["wheel"]["shared-data"]
    assert data == {"docs/poolcli.1": "share/man/man1/poolcli.1"}
    assert all(Path(ROOT, name).is_file() for name in data)

"""The house rules, read from the source: import arrows, sizes, names, what start-up loads, what README names."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest

import poolcli
from poolcli.cli.front_page import EXIT_CODES
from poolcli.cli.registry import COMMANDS
from poolcli.formats.registry import FORMATS
from poolcli.pooling.filters import FILTERS
from poolcli.pooling.modes import MODES
from tests.support.process import ROOT, Run

PACKAGE = ROOT / "poolcli"
LONGEST = 60  # lines of a function, its docstring not counted


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TREES = {module_name(path): ast.parse(path.read_text(encoding="utf-8")) for path in sorted(PACKAGE.rglob("*.py"))}


def imported(name: str) -> set[str]:
    """Every module that a module imports, at its head or inside a function, in full."""
    found: set[str] = set()
    for node in ast.walk(TREES[name]):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{name} has a relative import"
            assert node.module is not None
            below = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (below & set(TREES)) or {node.module}
    return found


def under(name: str, *parents: str) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def modules(*parents: str) -> list[str]:
    found = [name for name in TREES if under(name, *(f"poolcli.{parent}" for parent in parents))]
    assert found, parents
    return found


def offenders(names: list[str], allowed: tuple[str, ...]) -> dict[str, list[str]]:
    """What the modules import of poolcli beyond what they may."""
    may = tuple(f"poolcli.{part}" for part in (*EVERYWHERE, *allowed))
    wrong = {
        name: sorted(used for used in imported(name) if under(used, "poolcli") and not under(used, *may))
        for name in names
    }
    return {name: used for name, used in wrong.items() if used}


# --- import arrows ----------------------------------------------------------------------------------------------------

EVERYWHERE = ("wording", "errors")  # which stand below everything; errors knows the words
# who may import what of poolcli beside; a package may always import itself
ARROWS: dict[str, tuple[str, ...]] = {
    "wording": (),
    "system": (),
    "window": ("system",),
    "featuremap": (),
    "kernels": ("system", "window"),
    # reading and writing know nothing of pooling; the threads for their bands are those of `kernels.memory`
    "formats": ("system", "featuremap", "colors", "kernels.memory"),
    # pooling knows nothing of files, nor of the map that travels
    "pooling": ("system", "window", "kernels"),
    "steps": ("system", "window", "featuremap", "pooling", "formats"),
    "emit": ("window", "featuremap", "pooling", "steps"),
    "analysis": ("system", "window", "featuremap", "kernels", "pooling", "steps", "emit"),
    "large": ("system", "window", "featuremap", "kernels", "pooling", "steps", "formats"),
    "batch": ("system", "featuremap", "formats", "steps"),
}


@pytest.mark.parametrize("part", ARROWS)
def test_import_arrows(part: str) -> None:
    assert offenders(modules(part), (*ARROWS[part], part)) == {}


def test_only_the_command_line_knows_the_command_line() -> None:
    for name in TREES:
        if not under(name, "poolcli.cli", "poolcli.__main__"):
            assert not any(under(used, "poolcli.cli") for used in imported(name)), name


def test_drawing_neither_reads_nor_writes() -> None:
    for name in modules("render"):
        assert not any(
            under(used, "poolcli.cli", "poolcli.system.files", "poolcli.formats") for used in imported(name)
        ), name


@pytest.mark.parametrize(
    ("library", "homes"),
    [
        ("rich", ("cli", "render")),
        ("typer", ("cli",)),
        ("PIL", ("formats", "render")),
        ("orjson", ("formats", "cli", "batch")),
    ],
)
def test_who_knows_a_library(library: str, homes: tuple[str, ...]) -> None:
    users = {name for name in TREES if any(under(used, library) for used in imported(name))}
    assert users
    assert {name for name in users if not under(name, *(f"poolcli.{home}" for home in homes))} == set()


def test_the_arrows_can_be_broken() -> None:
    """The tools above see an import inside a function, of a submodule, and under a name."""
    TREES["poolcli.errors.probe"] = ast.parse(
        "def f():\n    from poolcli.formats import csv\n    import poolcli.cli as c\n"
    )
    try:
        assert offenders(["poolcli.errors.probe"], ("errors",)) == {
            "poolcli.errors.probe": ["poolcli.cli", "poolcli.formats"]
        }
    finally:
        del TREES["poolcli.errors.probe"]


def test_heavy_libraries_are_not_imported_at_the_head_where_start_up_passes() -> None:
    """These modules are loaded by every command: what is heavy is imported where it is used."""
    heavy = ("numpy", "PIL", "rich", "orjson", "hypothesis", "pydantic")
    for name in (
        "poolcli",
        "poolcli.__main__",
        "poolcli.cli",
        "poolcli.errors",
        "poolcli.pooling.modes",
        "poolcli.pooling.filters",
        "poolcli.window",
    ):
        heads = [node for node in TREES[name].body if isinstance(node, ast.Import | ast.ImportFrom)]
        used = {alias.name for node in heads if isinstance(node, ast.Import) for alias in node.names}
        used |= {str(node.module) for node in heads if isinstance(node, ast.ImportFrom)}
        assert not [library for library in used if under(library, *heavy)], name


# --- names and sizes --------------------------------------------------------------------------------------------------


def test_public_names_are_sorted() -> None:
    assert poolcli.__all__ == sorted(poolcli.__all__)


def functions(tree: ast.Module) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    yield from (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))


def length(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """The lines of a function without its decorators and docstring."""
    assert function.end_lineno is not None
    lines = function.end_lineno - function.lineno + 1
    first = function.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        assert first.end_lineno is not None
        lines -= first.end_lineno - first.lineno + 1
    return lines


def test_functions_are_a_screen_long_at_most() -> None:
    sizes = {f"{name}:{f.name}": length(f) for name, tree in TREES.items() for f in functions(tree)}
    assert len(sizes) > 200
    assert {name: lines for name, lines in sizes.items() if lines > LONGEST} == {}


def test_the_measure_of_a_function() -> None:
    (function,) = functions(ast.parse('@decorated\ndef f(\n    x,\n):\n    """One.\n\n    Two."""\n    return x\n'))
    assert length(function) == 4


def test_every_module_says_in_its_head_what_it_is() -> None:
    for name, tree in TREES.items():
        head = ast.get_docstring(tree)
        assert head, name
        assert head.splitlines()[0].endswith((".", ":", "?")), name


def test_the_package_is_typed() -> None:
    assert (PACKAGE / "py.typed").exists()


def test_every_row_of_a_table_leads_somewhere() -> None:
    for command in COMMANDS:
        assert f"poolcli.cli.commands.{command}" in TREES, command
        assert any(function.name == command for function in functions(TREES[f"poolcli.cli.commands.{command}"])), (
            command
        )
    for row in FORMATS.values():
        assert find_spec(f"poolcli.formats.{row.module}") is not None, row.name


# --- start-up ---------------------------------------------------------------------------------------------------------

HEAVY = ("numpy", "rich", "PIL", "typer", "orjson", "pydantic")
PROBE = """
import json, sys
sys.argv = ["poolcli", *{arguments!r}]
from poolcli.__main__ import main
code = main()
print(json.dumps([code, sorted({{name.partition(".")[0] for name in sys.modules}} & set({heavy!r}))]), file=sys.stderr)
"""


def loaded(python: Run, *arguments: str) -> list[str]:
    """The heavy libraries that are loaded when a command has ended."""
    result = python("-c", PROBE.format(arguments=list(arguments), heavy=HEAVY))
    code, found = json.loads(result.err.splitlines()[-1])
    assert (code, result.code) == (0, 0)
    return [str(name) for name in found]


def test_version_loads_nothing_heavy(python: Run) -> None:
    assert loaded(python, "--version") == []


def test_json_of_a_csv_loads_neither_rich_nor_pillow(python: Run, tiny: Path) -> None:
    assert set(loaded(python, "pool", str(tiny), "--json")) <= {"numpy", "typer", "orjson"}


def test_a_table_loads_no_pillow(python: Run, tiny: Path) -> None:
    found = loaded(python, "pool", str(tiny))
    assert "rich" in found  # so that this probe is known to see what is loaded
    assert not {"PIL", "pydantic"} & set(found)


def test_import_time_finds_nothing_heavy_at_the_start(python: Run) -> None:
    for statement in (
        "import poolcli",
        "import poolcli.__main__",
        "import poolcli.errors, poolcli.pooling.modes, poolcli.pooling.filters",
    ):
        seen = {
            line.rpartition("|")[2].strip() for line in python("-X", "importtime", "-c", statement).err.splitlines()
        }
        assert "poolcli" in seen
        assert not [name for name in seen if under(name, *HEAVY)], statement


# --- README -----------------------------------------------------------------------------------------------------------

README = (ROOT / "README.md").read_text(encoding="utf-8") if (ROOT / "README.md").exists() else ""


def named(word: str) -> bool:
    """Whether README has a word by itself: not as a part of another."""
    return re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", README) is not None


@pytest.mark.parametrize("command", COMMANDS)
def test_readme_shows_every_command(command: str) -> None:
    assert re.search(rf"poolcli {command}\b", README)


@pytest.mark.parametrize("mode", [row.label for row in MODES.values()])
def test_readme_names_every_mode(mode: str) -> None:
    assert named(mode)


@pytest.mark.parametrize("name", FILTERS)
def test_readme_names_every_filter(name: str) -> None:
    section = README.split("\n### Filter first\n")[1].split("\n### ")[0]  # "Adding things" names one to be added
    assert f"`{name}`" in section


def test_readme_names_every_exit_code() -> None:
    told = README.split("\n## Exit codes and errors\n")[1].split("An error is")[0]
    assert [int(code) for code in re.findall(r"\d+", told)] == [*EXIT_CODES]


def test_readme_has_its_two_lines_for_setting_up() -> None:
    for mark in ("<!-- setup: main job -->", "<!-- setup: tests -->"):
        match = re.search(rf"{re.escape(mark)}\n+```\w*\n([^\n]+)\n```\n", README)
        assert match, mark
        assert "pip install" in match[1]


def test_files_that_a_repository_needs() -> None:
    for name in ("LICENSE", "README.md", "CHANGELOG.md", "CONTRIBUTING.md", "pyproject.toml", ".ci/run"):
        assert (ROOT / name).is_file(), name
    assert "MIT" in (ROOT / "LICENSE").read_text(encoding="utf-8")

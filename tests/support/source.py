"""Facts about the source: files, their imports, texts and names."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Literal

Function = ast.FunctionDef | ast.AsyncFunctionDef
Place = Literal["head", "function", "typing", "text"]

HEAVY = 2  # least number of modules that a heavy one loads: mmap 1, difflib 3, json 5, asyncio 63


@dataclass(frozen=True, order=True)
class Import:
    """The full name of an imported module, and the place: at the head, in a function, for types only, or as a text."""

    name: str
    place: Place
    line: int


@dataclass(frozen=True)
class Text:
    """A string other than a docstring, with its line."""

    line: int
    value: str


def under(name: str, *parents: str) -> bool:
    return any(name == parent or name.startswith(f"{parent}.") for parent in parents)


def above(name: str) -> list[str]:
    """A module and the packages around it, which are loaded first."""
    words = name.split(".")
    return [".".join(words[:end]) for end in range(1, len(words) + 1)]


INSIDE = ".__init__"


@dataclass(frozen=True)
class Source:
    """The files of a package by module name, parsed on demand."""

    files: Mapping[str, str]

    @classmethod
    def of(cls, package: Path) -> Source:
        """Read a package from its folder."""
        files = {}
        for path in sorted(package.rglob("*.py")):
            words = path.relative_to(package.parent).with_suffix("").parts
            files[".".join(words)] = path.read_text(encoding="utf-8")
        return cls(files)

    @cached_property
    def trees(self) -> dict[str, ast.Module]:
        """The syntax tree of every module; that of a folder is its `__init__.py`."""
        return {name.removesuffix(INSIDE): ast.parse(text) for name, text in self.files.items()}

    @cached_property
    def nodes(self) -> dict[str, list[ast.AST]]:
        """All that stands in every module, walked through once for all who look."""
        return {name: [*ast.walk(tree)] for name, tree in self.trees.items()}

    @cached_property
    def folders(self) -> frozenset[str]:
        """The names of the folders."""
        return frozenset(name.removesuffix(INSIDE) for name in self.files if name.endswith(INSIDE))

    @cached_property
    def imports(self) -> dict[str, list[Import]]:
        """The imports of every module."""
        return {
            name: sorted({*self._imports(name, tree, "head"), *self._named(name)}) for name, tree in self.trees.items()
        }

    def _named(self, module: str) -> Iterator[Import]:
        """Yield the modules of the house that a file with `import_module` names in a text."""
        if "import_module" not in self.written(module):
            return
        nodes = [*ast.walk(self.trees[module])]
        if any("import_module" in ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)):
            named = (text for text in self._texts(nodes) if text.value in self.trees)
            yield from (Import(text.value, "text", text.line) for text in named)

    def written(self, module: str) -> str:
        """Return a module as it is written."""
        return self.files[module if module in self.files else f"{module}{INSIDE}"]

    def _imports(self, module: str, node: ast.AST, place: Place) -> Iterator[Import]:
        for below in ast.iter_child_nodes(node):
            if isinstance(below, ast.Import):
                yield from (Import(alias.name, place, below.lineno) for alias in below.names)
            elif isinstance(below, ast.ImportFrom):
                assert below.level == 0, f"{module} has a relative import"
                for alias in below.names:
                    name = f"{below.module}.{alias.name}"
                    yield Import(name if name in self.trees else str(below.module), place, below.lineno)
            elif isinstance(below, Function):
                yield from self._imports(module, below, "function")
            elif isinstance(below, ast.If) and "TYPE_CHECKING" in ast.unparse(below.test):
                yield from self._imports(module, below, "typing")
            elif isinstance(below, ast.stmt | ast.excepthandler | ast.match_case):  # an import is no part of a sum
                yield from self._imports(module, below, place)

    def used(self, module: str) -> set[str]:
        """Return the names of all imports of a module, in any place."""
        return {one.name for one in self.imports[module]}

    @cached_property
    def heavy(self) -> set[str]:
        """The modules that load a library at their head, directly or through other modules."""
        found: set[str] = set()
        while True:
            more = {
                module
                for module, imports in self.imports.items()
                if module not in found
                and any(one.place == "head" and (is_library(one.name) or found & {*above(one.name)}) for one in imports)
            }
            if not more:
                return found
            found |= more

    @cached_property
    def texts(self) -> dict[str, list[Text]]:
        """The strings of every module, but for docstrings."""
        return {module: self._texts(nodes) for module, nodes in self.nodes.items()}

    def _texts(self, nodes: list[ast.AST]) -> list[Text]:
        told = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
        return [
            Text(node.lineno, node.value)
            for node in nodes
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
        ]

    @cached_property
    def homes(self) -> dict[str, dict[str, ast.stmt]]:
        """The definitions of each public name (class, function or constant) by module."""
        found: dict[str, dict[str, ast.stmt]] = defaultdict(dict)
        for module, tree in self.trees.items():
            for node in tree.body:
                for name in defined(node):
                    if not name.startswith("_"):
                        found[name][module] = node
        return found

    def functions(self) -> Iterator[tuple[str, Function]]:
        """Yield every function with its module."""
        for module, nodes in self.nodes.items():
            yield from ((module, node) for node in nodes if isinstance(node, Function))


def defined(node: ast.stmt) -> list[str]:
    """Return the names that a statement defines."""
    if isinstance(node, Function | ast.ClassDef):
        return [node.name]
    if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
        return [node.target.id]
    if isinstance(node, ast.Assign):
        return [target.id for target in node.targets if isinstance(target, ast.Name)]
    return []


def is_library(name: str) -> bool:
    """Whether a module comes from another package."""
    first = name.partition(".")[0]
    return first != "poolcli" and first not in sys.stdlib_module_names


@cache
def brings_others(name: str) -> bool:
    """Whether a module of the standard library loads others that no command has loaded yet."""
    probe = f"import sys, re, contextlib, dataclasses; n = len(sys.modules); import {name}; print(len(sys.modules) - n)"
    done = subprocess.run([sys.executable, "-I", "-c", probe], capture_output=True, text=True, check=False)
    return done.returncode == 0 and int(done.stdout) >= HEAVY

"""The command under test, in a process of its own and a clean environment or in this one, its result in pieces."""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, Protocol
from unittest import mock

from poolcli.cli import registry
from poolcli.cli.app import run as run_here
from tests.support.browser import axe, calculator, chromium, opened, reused  # noqa: F401 - fixtures, for every test

ROOT = Path(__file__).resolve().parent.parent.parent


SAMPLES = ROOT / "sample_inputs"


KEPT = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "COVERAGE_PROCESS_START")


TIMEOUT = 120  # seconds: a command that hangs is a failure, not a wait


@dataclass(frozen=True)
class Result:
    """What a command left behind."""

    code: int
    raw: bytes
    err: str

    @property
    def out(self) -> str:
        return self.raw.decode()

    def json(self) -> Any:
        assert self.raw.endswith(b"\n")
        assert not self.raw.endswith(b"\n\n")
        return json.loads(self.raw)

    def data(self) -> Any:
        return self.json()["data"]

    def facts(self) -> dict[str, str]:
        """The lines above the tables, by their first word."""
        lines = [line for line in self.out.splitlines() if line[:1].isalpha()]
        return {word: rest.strip() for word, _, rest in (line.partition(" ") for line in lines)}

    def tables(self) -> list[list[list[str]]]:
        """The cells of every table, row by row."""
        tables: list[list[list[str]]] = []
        headed = False  # whether the heads of the table, of one line or several, are behind
        for line in self.out.splitlines():
            if line.startswith(("┌", "+")) and (not tables or tables[-1]):
                tables.append([])
                headed = False
            elif line.startswith(("│", "|")):
                tables[-1].append([cell.strip() for cell in line[1:-1].split(line[0])])
            elif line.startswith("├") and tables[-1] and not headed:
                tables[-1] = [[" ".join(filter(None, words)) for words in zip(*tables[-1], strict=True)]]
                headed = True
        return [table for table in tables if table]

    def cells(self) -> list[list[str]]:
        """The cells of the only table."""
        (table,) = self.tables()
        return table


class Run(Protocol):
    """Runs ``poolcli`` and returns what it left behind."""

    def __call__(
        self,
        *arguments: str | Path,
        stdin: str | bytes | IO[bytes] | int | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> Result: ...


class Shell(Protocol):
    """Runs a line in a real shell in which ``poolcli`` is the command under test."""

    def __call__(
        self, line: str, *, fresh: bool = False, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Result: ...


def command() -> str:
    """The installed ``poolcli`` of the Python that runs the tests."""
    beside = Path(sysconfig.get_path("scripts")) / "poolcli"
    found = str(beside) if beside.exists() else shutil.which("poolcli")
    assert found, "install poolcli before running its tests"
    return found


built = cache(registry.build)


def code_of(returncode: int) -> int:
    """The exit code as a shell has it: 128 and the number of the signal that ended a process."""
    return returncode if returncode >= 0 else 128 - returncode


def clean_environment(more: Mapping[str, str] | None = None, programs: Path | None = None) -> dict[str, str]:
    """Nothing of the tester's: no colours, no terminal width, no POOLCLI_ variables, no language but C.UTF-8.

    In `programs` is the ``poolcli`` that is found first.
    """
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    first = [str(programs)] if programs else []
    kept["PATH"] = os.pathsep.join([*first, str(Path(command()).parent), kept.get("PATH", os.defpath)])
    return kept | {"LC_ALL": "C.UTF-8", "PYTHONWARNINGS": "error"} | dict(more or {})


def execute(
    words: Sequence[str | Path],
    *,
    stdin: str | bytes | IO[bytes] | int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Result:
    """Run a program to its end; without `stdin` its standard input is at its end from the start."""
    given: dict[str, Any] = {"stdin": stdin if stdin is not None else subprocess.DEVNULL}
    if isinstance(stdin, str | bytes):
        given = {"input": stdin.encode() if isinstance(stdin, str) else stdin}
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True, env=clean_environment(env), cwd=cwd or ROOT, timeout=TIMEOUT, check=False, **given,
    )  # fmt: skip
    return Result(code_of(done.returncode), done.stdout, done.stderr.decode())


def execute_here(
    words: Sequence[str | Path],
    *,
    stdin: str | bytes | IO[bytes] | int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Result:
    """Run the command line in this process; for a row of cases of which the real command has shown one.

    Typer takes twice as long to build a command as most of them take to run: here each is built once.
    """
    assert stdin is None or isinstance(stdin, str | bytes)
    given = io.BytesIO(stdin.encode() if isinstance(stdin, str) else stdin or b"")
    out, err = io.BytesIO(), io.StringIO()
    with (
        mock.patch.dict(os.environ, clean_environment(env), clear=True),
        mock.patch("sys.stdin", io.TextIOWrapper(given)),
        mock.patch("sys.stdout", io.TextIOWrapper(out, encoding="utf-8", write_through=True)),
        contextlib.redirect_stderr(err),
        contextlib.chdir(cwd or ROOT),
        mock.patch("poolcli.cli.app.build", built),
    ):
        code = run_here([str(word) for word in words])
        sys.stdout.flush()
        return Result(code, out.getvalue(), err.getvalue())

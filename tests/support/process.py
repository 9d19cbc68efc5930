"""Running the command under test with a clean environment, in its own process or in this one."""

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

ROOT = Path(__file__).resolve().parent.parent.parent
SAMPLES = ROOT / "sample_inputs"
KEPT = ("PATH", "HOME", "TMPDIR", "SYSTEMROOT", "COVERAGE_PROCESS_START")
TIMEOUT = 120  # seconds; a command that takes longer hangs


@dataclass(frozen=True)
class Result:
    """The exit code and output of a command."""

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
        """The lines above the tables by their first word."""
        lines = [line for line in self.out.splitlines() if line[:1].isalpha()]
        return {word: rest.strip() for word, _, rest in (line.partition(" ") for line in lines)}

    def tables(self) -> list[list[list[str]]]:
        """The cells of every table, row by row."""
        tables: list[list[list[str]]] = []
        headed = False  # whether the heads of the table are complete
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
    """Runs ``poolcli`` and returns the result."""

    def __call__(
        self,
        *arguments: str | Path,
        stdin: str | bytes | IO[bytes] | int | None = None,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        fresh: bool = False,
    ) -> Result: ...


class Shell(Protocol):
    """Runs a line in a real shell where ``poolcli`` is the command under test."""

    def __call__(
        self, line: str, *, fresh: bool = False, env: Mapping[str, str] | None = None, cwd: Path | None = None
    ) -> Result: ...


@cache
def command() -> str:
    """The ``poolcli`` installed for the Python that runs the tests."""
    beside = Path(sysconfig.get_path("scripts")) / "poolcli"
    found = str(beside) if beside.exists() else shutil.which("poolcli")
    assert found, "install poolcli before running its tests"
    return found


built = cache(registry.build)
EACH = """
import json, os, sys
from poolcli.cli.app import run
_, lines, folder = sys.argv
for number, words in enumerate(json.loads(lines)):
    for stream, name in ((1, "out"), (2, "err")):
        with open(f"{folder}/{number}.{name}", "wb") as file:
            os.dup2(file.fileno(), stream)
    code = run([os.fsdecode(word.encode()) for word in words])  # as Python decodes what a shell gives it
    sys.stdout.flush()
    with open(f"{folder}/{number}.code", "w") as file:
        file.write(str(code))
"""


def code_of(returncode: int) -> int:
    """The exit code in a shell: 128 plus the number of a signal that ended the process."""
    return returncode if returncode >= 0 else 128 - returncode


def clean_environment(more: Mapping[str, str] | None = None, programs: Path | None = None) -> dict[str, str]:
    """An environment without the tester's settings: no colours, terminal width or POOLCLI_ variables; C.UTF-8.

    The ``poolcli`` in `programs` is found first.
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
    """Run a program to its end; without `stdin` its standard input is empty."""
    given: dict[str, Any] = {"stdin": stdin if stdin is not None else subprocess.DEVNULL}
    if isinstance(stdin, str | bytes):
        given = {"input": stdin.encode() if isinstance(stdin, str) else stdin}
    done = subprocess.run(
        [str(word) for word in words],
        capture_output=True, env=clean_environment(env), cwd=cwd or ROOT, timeout=TIMEOUT, check=False, **given,
    )  # fmt: skip
    return Result(code_of(done.returncode), done.stdout, done.stderr.decode())


def execute_each(
    lines: Sequence[Sequence[str | Path]], folder: Path, *, env: Mapping[str, str], cwd: Path
) -> list[Result]:
    """Run command lines one after the other in one Python, which starts from nothing in this environment.

    What they say is kept in `folder`.
    """
    words = json.dumps([[str(word) for word in line] for line in lines])
    done = execute([sys.executable, "-c", EACH, words, folder], env=env, cwd=cwd)
    assert (done.code, done.raw, done.err) == (0, b"", "")

    def left(number: int, name: str) -> bytes:
        return (folder / f"{number}.{name}").read_bytes()

    return [Result(int(left(n, "code")), left(n, "out"), left(n, "err").decode()) for n in range(len(lines))]


def execute_here(
    words: Sequence[str | Path],
    *,
    stdin: str | bytes | IO[bytes] | int | None = None,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
) -> Result:
    """Run the command line in this process.

    Building a command with Typer takes twice as long as running most of them, so each is built once.
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

"""The real command in a process of its own and a clean environment, its result in pieces, and the sample inputs."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings

from tests.support.browser import axe, calculator, chromium, opened  # noqa: F401 - fixtures, for every test
from tests.support.extras import missing
from tests.support.process import SAMPLES, Result, Run, Shell, command, execute, execute_here

# No deadline: the machines that run this are shared. The same examples every time: what passed once passes again.
settings.register_profile("poolcli", deadline=None, derandomize=True)
settings.load_profile("poolcli")

# Where signals are ignored, as under nohup or in a script's background, the commands under test would ignore them too.
for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
    if signal.getsignal(number) == signal.SIG_IGN:
        signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.fixture(scope="session")
def call() -> Run:
    """Run the command line in this process, twenty times as fast as `run`, with the same arguments and result."""

    def runner(*arguments: str | Path, **more: Any) -> Result:
        return execute_here(arguments, **more)

    return runner


@pytest.fixture(scope="session")
def run() -> Run:
    """Run the real command: ``run("pool", path, stdin=..., env=..., cwd=...)``."""

    def runner(*arguments: str | Path, **more: Any) -> Result:
        return execute([command(), *arguments], **more)

    return runner


@pytest.fixture(scope="session")
def shell() -> Shell:
    """Run a line in a real shell: ``shell("poolcli conv ... | poolcli pool")``."""

    def runner(line: str, **more: Any) -> Result:
        return execute(["bash", "-c", line], **more)

    return runner


@pytest.fixture(scope="session")
def python() -> Run:
    """Run the Python under test: ``python("-m", "poolcli", ...)``."""

    def runner(*arguments: str | Path, **more: Any) -> Result:
        return execute([sys.executable, *arguments], **more)

    return runner


@pytest.fixture(scope="session")
def samples() -> Path:
    """The folder of sample inputs."""
    return SAMPLES


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    """A file ``tiny.csv`` with the 4x4 matrix whose maxima are 6 9 / 5 8."""
    path = tmp_path / "tiny.csv"
    path.write_text("1,3,2,9\n5,6,1,7\n4,2,8,6\n3,5,7,2\n", encoding="utf-8")
    return path


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 1 MiB, which only root can make."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small file system")
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True, text=True, check=False
    )
    if mounted.returncode:
        missing(f"no small file system here: {mounted.stderr.strip()}")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)

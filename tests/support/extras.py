"""Skipping tests with a reason for what a machine lacks; if ``CI`` is set, they fail instead."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test or the module, or fail it in CI."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what, allow_module_level=True)


def needs(*packages: str, extra: str) -> None:
    """Continue only if these packages are installed."""
    if lacking := [package for package in packages if find_spec(package) is None]:
        missing(f"{' and '.join(lacking)} not installed: pip install 'poolcli[{extra}]'")


def needs_program(program: str, package: str = "") -> None:
    """Continue only if a program is installed."""
    if shutil.which(program) is None:
        missing(f"{program} is not installed: apt-get install {package or program}")

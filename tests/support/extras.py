"""What a machine may lack: a test that needs it is skipped, with the reason; where ``CI`` is set it fails instead."""

from __future__ import annotations

import os
import shutil
from importlib.util import find_spec
from typing import NoReturn

import pytest


def missing(what: str) -> NoReturn:
    """Skip the test, or the module, or fail it where nothing may be missing."""
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what, allow_module_level=True)


def needs(*packages: str, extra: str) -> None:
    """Go on only if these packages are installed."""
    if lacking := [package for package in packages if find_spec(package) is None]:
        missing(f"{' and '.join(lacking)} not installed: pip install 'poolcli[{extra}]'")


def needs_program(program: str, package: str = "") -> None:
    """Go on only if a program is there."""
    if shutil.which(program) is None:
        missing(f"{program} is not installed: apt-get install {package or program}")

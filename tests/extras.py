"""Optional packages: a test that needs one is skipped where it is missing, but fails in CI, which has to install it."""

from __future__ import annotations

import os
from importlib.util import find_spec

import pytest


def needs(*packages: str, extra: str) -> None:
    """Skip the test, or the module, unless these packages are installed."""
    missing = [package for package in packages if find_spec(package) is None]
    if not missing:
        return
    reason = f"{' and '.join(missing)} not installed: pip install 'poolcli[{extra}]'"
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason, allow_module_level=True)

"""Running emitted programs."""

from __future__ import annotations

from typing import Any


def namespace(code: str) -> dict[str, Any]:
    """The names that a program defines."""
    scope: dict[str, Any] = {}
    exec(compile(code, "<emitted>", "exec"), scope)  # noqa: S102 - running poolcli's own output is the point
    return scope

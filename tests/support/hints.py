"""The hint of an error on the command line, and all that an error says."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from poolcli.cli.words import spoken
from poolcli.errors import PoolcliError


def typed(problem: PoolcliError) -> str:
    return spoken(problem.advice)


def told(call: Callable[[], Any]) -> Any:
    """What a call returns, or the error that it raises."""
    try:
        return call()
    except PoolcliError as problem:
        return type(problem), problem.message, problem.hint

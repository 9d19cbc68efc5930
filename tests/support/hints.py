"""The hint of an error on the command line."""

from __future__ import annotations

from poolcli.cli.words import spoken
from poolcli.errors import PoolcliError


def typed(problem: PoolcliError) -> str:
    return spoken(problem.advice)

"""Time first calls: ``python -m benchmarks.first NAME`` reads numbers of cases, and writes seconds.

Each call is the first in a process of its own, a copy of one that has imported what it needs and made the input:
imports do not count, and need not be waited for each time.
"""

from __future__ import annotations

import os
import pkgutil
import sys
import time
from collections.abc import Callable
from importlib import import_module
from statistics import median
from typing import Any

from numpy.typing import NDArray

from benchmarks.cases import CASES, Case, make, run_only
from benchmarks.peers import PEERS

COPIES = 5  # of which the median counts


def call_of(case: Case, name: str, x: NDArray[Any]) -> Callable[[], Any] | None:
    """Return the call of poolcli or a peer, with all that it imports imported."""
    if name != "poolcli":
        return PEERS[name][1](case, x)
    import poolcli.kernels
    import poolcli.steps.functions

    for module in pkgutil.iter_modules(poolcli.kernels.__path__):
        import_module(f"poolcli.kernels.{module.name}")
    return lambda: run_only(case, x)


def first_time(call: Callable[[], Any]) -> float:
    """Return the seconds that a call takes in a copy of this process."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        start = time.perf_counter()
        call()
        os.write(writing, str(time.perf_counter() - start).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        taken = told.read()
    os.waitpid(child, 0)
    return float(taken)


def main() -> None:
    """Answer each line with the median of a few."""
    for line in sys.stdin:
        case = CASES[int(line)]
        call = call_of(case, sys.argv[1], make(case))
        assert call is not None  # noqa: S101 - only peers that can are asked
        print(median(first_time(call) for _ in range(COPIES)), flush=True)


if __name__ == "__main__":
    main()

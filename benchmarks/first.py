"""Time one first call in a fresh process: ``python -m benchmarks.first NUMBER-OF-CASE NAME``; imports do not count."""

from __future__ import annotations

import pkgutil
import sys
import time
from collections.abc import Callable
from importlib import import_module
from typing import Any

from numpy.typing import NDArray

from benchmarks.cases import CASES, Case, make, run_only
from benchmarks.peers import PEERS


def call_of(case: Case, name: str, x: NDArray[Any]) -> Callable[[], Any] | None:
    """Return the call of poolcli or a peer, with all that it imports imported."""
    if name != "poolcli":
        return PEERS[name][1](case, x)
    import poolcli.kernels
    import poolcli.steps.functions

    for module in pkgutil.iter_modules(poolcli.kernels.__path__):
        import_module(f"poolcli.kernels.{module.name}")
    return lambda: run_only(case, x)


def main() -> None:
    """Print the seconds."""
    case, name = CASES[int(sys.argv[1])], sys.argv[2]
    call = call_of(case, name, make(case))
    assert call is not None  # noqa: S101 - only peers that can are asked
    start = time.perf_counter()
    call()
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()

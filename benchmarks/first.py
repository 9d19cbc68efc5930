"""Time first calls: ``python -m benchmarks.first NAME`` reads numbers of cases, and writes seconds.

Each call is the first in a process of its own, a copy of one that has imported what it needs and made the input:
imports do not count, and need not be waited for each time.
"""

from __future__ import annotations

import gc
import os
import pkgutil
import sys
import time
from collections.abc import Mapping
from importlib import import_module
from statistics import median
from typing import Any

from numpy.typing import NDArray

from benchmarks.cases import CASES, Case, make, run_only
from benchmarks.peers import PEERS

COPIES = 5  # of which the median counts


IMPORTED: Mapping[str, tuple[str, ...]] = {
    "poolcli": ("poolcli.steps.functions",),
    "numpy": (),
    "torch": ("torch.nn.functional",),
    "onnxruntime": ("onnx.helper", "onnx.numpy_helper", "onnxruntime"),
    "scipy": ("scipy.ndimage",),
    "skimage": ("skimage.measure",),
    "pillow": ("PIL.Image", "PIL.ImageFilter"),
    "opencv": ("cv2",),
}


def import_all(name: str) -> None:
    """Import all that poolcli or a peer imports."""
    for module in IMPORTED[name]:
        import_module(module)
    if name == "poolcli":
        for found in pkgutil.iter_modules(import_module("poolcli.kernels").__path__):
            import_module(f"poolcli.kernels.{found.name}")


def first_time(case: Case, name: str, x: NDArray[Any]) -> float:
    """Return the seconds that a call takes in a copy of this process; what it needs is made before."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        call = PEERS[name][1](case, x) if name in PEERS else lambda: run_only(case, x)
        gc.collect()  # writes to every object: a process of its own would share none with another
        start = time.perf_counter()
        if call is not None:
            call()
        os.write(writing, str(time.perf_counter() - start).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as told:
        taken = told.read()
    os.waitpid(child, 0)
    return float(taken)


def main() -> None:
    """Answer each number of a case with the median of a few."""
    name = sys.argv[1]
    import_all(name)
    for line in sys.stdin:
        case = CASES[int(line)]
        x = make(case)
        print(median(first_time(case, name, x) for _ in range(COPIES)), flush=True)


if __name__ == "__main__":
    main()

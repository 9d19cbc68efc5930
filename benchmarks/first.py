"""Time a first call: ``python -m benchmarks.first NAME CASE FILE`` writes seconds; imports do not count."""

from __future__ import annotations

import pkgutil
import sys
import time
from collections.abc import Mapping
from importlib import import_module

import numpy as np

from benchmarks.cases import CASES, run_only
from benchmarks.peers import PEERS

IMPORTED: Mapping[str, tuple[str, ...]] = {
    "poolcli": ("poolcli",),
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
    for module in map(import_module, IMPORTED[name]):
        if name == "poolcli":
            module.pool  # noqa: B018 - looking it up imports it
            for found in pkgutil.iter_modules(import_module("poolcli.kernels").__path__):
                import_module(f"poolcli.kernels.{found.name}")


def main() -> None:
    """Call once what computes the case with this number; what that needs is made before."""
    name, number, file = sys.argv[1:]
    import_all(name)
    case, x = CASES[int(number)], np.load(file)
    call = PEERS[name][1](case, x) if name in PEERS else lambda: run_only(case, x)
    assert call is not None  # noqa: S101 - only peers that can are asked
    start = time.perf_counter()
    call()
    print(time.perf_counter() - start)


if __name__ == "__main__":
    main()

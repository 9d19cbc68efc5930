"""The table of kernel cases, used by the tests for equality and by the benchmark for time."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]

SHAPES: Mapping[str, tuple[int, ...]] = {
    "float32": (4096, 4096),
    "uint8": (4096, 4096),
    "batch": (8, 64, 256, 256),
    "half": (2048, 2048),
}
SMALL: Mapping[str, tuple[int, ...]] = {
    "float32": (67, 70),
    "uint8": (70, 67),
    "batch": (2, 3, 40, 37),
    "half": (48, 51),
}
GLOBAL = 0  # a window over everything
WINDOWS = ((2, 2), (3, 2), (3, 1), (5, 1), (8, 8), (15, 1), (31, 1), (GLOBAL, 1))

KERNELS: Mapping[str, list[list[float]]] = {
    "gaussian 3x3": [[1 / 16, 1 / 8, 1 / 16], [1 / 8, 1 / 4, 1 / 8], [1 / 16, 1 / 8, 1 / 16]],
    "outline 3x3": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "gaussian 5x5": [[a * b / 256 for a in (1, 4, 6, 4, 1)] for b in (1, 4, 6, 4, 1)],
    "log 5x5": [[0, 0, -1, 0, 0], [0, -1, -2, -1, 0], [-1, -2, 16, -2, -1], [0, -1, -2, -1, 0], [0, 0, -1, 0, 0]],
}


@dataclass(frozen=True)
class Case:
    """One thing to compute.

    Attributes
    ----------
    data : str
        A row of `SHAPES`.
    mode : str
        A pooling mode, or ``conv``.
    size, stride : int
        Of the window; size 0 is global.
    kernel : str
        For ``conv``: a row of `KERNELS`.
    options : mapping
        More arguments of `poolcli.pool`.
    """

    data: str
    mode: str
    size: int = GLOBAL
    stride: int = 1
    kernel: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """What to call it, and what ``--only`` looks at."""
        window = self.kernel or ("global" if self.size == GLOBAL else f"({self.size},{self.stride})")
        more = "".join(f" {key}={value}" for key, value in self.options.items())
        return f"{self.data} {self.mode} {window}{more}"

    @property
    def arguments(self) -> dict[str, Any]:
        """The arguments for `poolcli.pool`."""
        if self.size == GLOBAL:
            return {"mode": self.mode, "global_window": True, **self.options}
        return {"mode": self.mode, "size": self.size, "stride": self.stride, **self.options}


_PLAIN = [
    Case(data, mode, *window) for data in ("float32", "uint8", "batch") for mode in ("max", "avg") for window in WINDOWS
]
_OTHER = [
    Case(data, mode, *window)
    for data in ("float32", "uint8", "batch")
    for mode in ("lp:2", "sum", "std", "range")
    for window in ((2, 2), (5, 1))
]
_MEDIAN = [Case(data, "median", *window) for data in ("half", "uint8", "batch") for window in ((3, 1), (5, 2))]
_OPTIONS = [
    Case("float32", mode, 3, stride, options=options)
    for mode in ("max", "avg")
    for stride, options in (
        (1, {"padding": "same"}),
        (1, {"padding": 1}),
        (2, {"padding": 1}),
        (1, {"dilation": 2}),
        (2, {"ceil_mode": True}),
        (1, {"nan": "ignore"}),
        (2, {"nan": "ignore"}),
    )
]
_BATCH_OPTIONS = [Case("batch", mode, 3, 2, options={"padding": 1}) for mode in ("max", "avg")]
_INDICES = [Case(data, "max", 2, 2, options={"return_indices": True}) for data in ("float32", "uint8", "batch")]
_CONV = [Case(data, "conv", 1, 1, kernel) for data in ("float32", "uint8", "batch") for kernel in KERNELS]

CASES: tuple[Case, ...] = (*_PLAIN, *_OTHER, *_MEDIAN, *_OPTIONS, *_BATCH_OPTIONS, *_INDICES, *_CONV)


def make(case: Case, shapes: Mapping[str, tuple[int, ...]] = SHAPES) -> Array:
    """Make the input of a case, always the same."""
    rng = np.random.default_rng(20)
    shape = shapes[case.data]
    if case.data == "uint8":
        return rng.integers(0, 256, shape, np.uint8)
    x = rng.standard_normal(shape, np.float32)
    if "nan" in case.options:
        x[rng.random(shape, np.float32) < 0.01] = np.nan
    return x


def run(case: Case, x: Array) -> Array:
    """Compute a case with poolcli; of values and indices the values, with the indices behind them."""
    import poolcli

    if case.kernel:
        return poolcli.conv(x, np.array(KERNELS[case.kernel], x.dtype if x.dtype.kind == "f" else None))
    made = poolcli.pool(x, ndim=2, **case.arguments)
    return np.stack(made) if isinstance(made, tuple) else made

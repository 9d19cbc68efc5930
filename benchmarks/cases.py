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
    "float64": (2048, 2048),
    "int64": (2048, 2048),
    "uint16": (2048, 2048),
    "scan": (1024, 1024),
    "slice": (1024, 1024),
    "plate": (4096, 4096),
    "tiny": (4, 4),
    "digit": (28, 28),
    "photo": (224, 224),
}
TYPES: Mapping[str, type[np.generic]] = {
    "uint8": np.uint8, "scan": np.uint8, "uint16": np.uint16, "slice": np.uint16, "plate": np.uint16,
    "int64": np.int64, "float64": np.float64, "tiny": np.float64,
}  # fmt: skip
SMALL: Mapping[str, tuple[int, ...]] = {
    "float32": (67, 70),
    "uint8": (70, 67),
    "batch": (2, 3, 40, 37),
    "half": (48, 51),
    "float64": (41, 38),
    "int64": (38, 41),
    "uint16": (44, 39),
    "scan": (64, 61),
    "slice": (44, 39),
    "plate": (61, 64),
    "tiny": (4, 4),
    "digit": (28, 28),
    "photo": (56, 56),
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

_TYPES = [
    Case(data, mode, *window)
    for data in ("float64", "int64", "uint16")
    for mode in ("max", "avg")
    for window in ((2, 2), (5, 1), (GLOBAL, 1))
]
_RANKS = [
    Case("scan", "median", 15, 1), Case("scan", "median", 31, 1), Case("scan", "percentile:90", 5, 1),
    Case("scan", "majority", 5, 1), Case("scan", "majority", 15, 1),
    Case("slice", "median", 3, 1), Case("plate", "median", 3, 1),
    Case("half", "median", 15, 1), Case("half", "percentile:90", 7, 1),
]  # fmt: skip
_SMALL = [
    Case("tiny", "max", 2, 2), Case("digit", "max", 2, 2), Case("photo", "max", 3, 2),
    Case("digit", "avg", 3, 1, options={"padding": "same", "count_include_pad": True}),
]  # fmt: skip

CASES: tuple[Case, ...] = (
    *_PLAIN, *_OTHER, *_MEDIAN, *_OPTIONS, *_BATCH_OPTIONS, *_INDICES, *_CONV, *_TYPES, *_RANKS, *_SMALL,
)  # fmt: skip


FASTER: Mapping[str, float] = {"the best": 1, "opencv": 0.5}  # as poolcli should be as what, where nothing else is said
READ: Mapping[str, float] = {"floor": 1 / 1.15}
MARKS: Mapping[str, Mapping[str, float]] = {
    **{case.name: READ for case in CASES if case.size == GLOBAL and not case.kernel},
    **{f"{data} avg global": {"numpy": 1} for data in ("uint8", "uint16", "int64")},  # sums of integers are wider
    **{case.name: {"the best": 1, "opencv": 0.1} for case in CASES if case.mode == "median"},
    "tiny max (2,2)": {"skimage": 1 / 1.4},
    "digit max (2,2)": {"skimage": 1},
    "digit avg (3,1) padding=same count_include_pad=True": {"scipy": 1 / 3},
    "photo max (3,2)": {"torch": 1},
    "scan median (15,1)": {"scipy": 10, "opencv": 1 / 6},
    "scan percentile:90 (5,1)": {"scipy": 4},  # of its two calls; 2 beside one
    "slice median (3,1)": {"opencv": 0.1},
    "plate median (3,1)": {"opencv": 0.25},
    "half median (15,1)": {"scipy": 2.5},
    "half percentile:90 (7,1)": {"scipy": 4},
}


def make(case: Case, shapes: Mapping[str, tuple[int, ...]] = SHAPES) -> Array:
    """Make the input of a case, always the same."""
    rng = np.random.default_rng(20)
    shape = shapes[case.data]
    dtype = np.dtype(TYPES.get(case.data, np.float32))
    if dtype.kind in "iu":
        return rng.integers(0, min(np.iinfo(dtype).max, 10**6) + 1, shape, dtype)
    x = rng.standard_normal(shape, np.float32).astype(dtype)
    if "nan" in case.options:
        x[rng.random(shape, np.float32) < 0.01] = np.nan
    return x


def run_only(case: Case, x: Array) -> Any:
    """Compute a case with poolcli as a user does."""
    import poolcli

    return poolcli.pool(x, ndim=2, **case.arguments) if not case.kernel else run(case, x)


def run(case: Case, x: Array) -> Array:
    """Compute a case with poolcli; of values and indices the values, with the indices behind them."""
    import poolcli

    if case.kernel:
        return poolcli.conv(x, np.array(KERNELS[case.kernel], x.dtype if x.dtype.kind == "f" else None))
    made = poolcli.pool(x, ndim=2, **case.arguments)
    return np.stack(made) if isinstance(made, tuple) else made

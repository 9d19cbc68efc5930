"""The recorded answers of the frameworks as test cases."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

GOLDEN = Path(__file__).parent.parent / "golden"
EXACT_MODES = ("max", "min", "majority", "range")

Array = NDArray[Any]
Case = dict[str, Any]


def load_cases() -> list[Case]:
    """All cases with ``compat`` as recorded, and again without it if the answer must be the same."""
    found = []
    for path in sorted(GOLDEN.glob("*.json")):
        for case in json.loads(path.read_text(encoding="utf-8"))["cases"]:
            found.append(case)
            if case.get("also_default"):
                bare = {name: value for name, value in case["kwargs"].items() if name != "compat"}
                found.append(case | {"id": f"{case['id']}-default", "kwargs": bare})
    return found


CASES = load_cases()


def unpack(data: Any, dtype: str | None) -> Array:
    """Nested lists as an array; null is NaN, and 64-bit integers stay exact."""
    values = np.array(data, dtype=object)
    kind = dtype or ("int64" if all(isinstance(v, int) for v in values.flat) else "float64")
    return np.array([math.nan if v is None else v for v in values.flat], kind).reshape(values.shape)


def tupled(value: Any) -> Any:
    return tuple(tupled(v) for v in value) if isinstance(value, list) else value


def is_exact(case: Case, dtype: np.dtype[Any]) -> bool:
    mode = str(case["kwargs"].get("mode", "max")).partition(":")[0]
    return case["call"] == "unpool" or dtype.kind != "f" or (case["call"] == "pool" and mode in EXACT_MODES)

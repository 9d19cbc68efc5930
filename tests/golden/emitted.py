"""Write the programs that poolcli emits for the frameworks, with an input and poolcli's own answer for each.

``make_golden.py --check-emitted`` runs them where the frameworks are installed::

    python tests/golden/emitted.py emitted.json
    python tests/golden/make_golden.py --check-emitted emitted.json
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.emit import emit
from poolcli.errors import ShapeError, UsageError
from poolcli.featuremap import SPATIAL, FeatureMap
from poolcli.steps.steps import ConvStep, PoolStep, ReluStep, Step, apply

SEED = 20261121
NATIVE = ("tensorflow", "litert", "openvino", "paddle", "flax")  # one call each, each in an environment of its own
FRAMEWORKS = ("torch", "keras", "onnx", *NATIVE)
MODES = ("max", "min", "avg", "sum", "range", "rms", "lp:2", "lp:3", "lp:1.5", "lp:inf", "mixed:0.3", "lp:9", "median",
         "majority", "std", "var", "percentile:30", "logavgexp:2", "soft", "stochastic")  # fmt: skip
SHAPES = {1: ((9,), (2, 8)), 2: ((6, 7), (2, 3, 5, 8)), 3: ((5, 5, 6), (2, 6, 5, 5))}
WINDOWS: tuple[dict[str, Any], ...] = (
    {"size": 2},
    {"size": 3, "stride": 1},
    {"size": 3, "stride": 2, "padding": 1},
    {"size": 3, "stride": 2, "padding": 1, "count_include_pad": True},
    {"size": 3, "stride": 2, "ceil_mode": True},
    {"size": 2, "stride": 3, "ceil_mode": True, "padding": 1},
    {"size": 3, "stride": 2, "ceil_mode": True, "padding": 1, "count_include_pad": True},
    {"size": 2, "padding": 1, "ceil_mode": True},
    {"size": 2, "padding": 1, "ceil_mode": True, "count_include_pad": True},
    {"size": 3, "stride": 2, "padding": "sides"},
    {"size": 3, "stride": 2, "padding": "sides", "ceil_mode": True},
    {"size": 3, "stride": 2, "padding": "sides", "count_include_pad": True},
    {"size": 3, "stride": 2, "padding": "sides", "count_include_pad": True, "ceil_mode": True},
    {"size": 3, "stride": 1, "padding": 2},
    {"size": 3, "stride": 2, "padding": "same"},
    {"size": 2, "stride": 1, "padding": "same-lower"},
    {"size": 3, "stride": 2, "padding": "same", "count_include_pad": True},
    {"size": 1, "stride": 3, "padding": "same"},
    {"size": 2, "stride": 2, "dilation": 2},
    {"size": 2, "stride": 1, "dilation": 2, "padding": 1},
    {"size": 2, "stride": 2, "dilation": 3, "padding": "same"},
    {"size": 2, "stride": 1, "dilation": 3, "padding": 2, "ceil_mode": True},
    {"size": 3, "stride": 2, "padding": 1, "pad_fill": 1.5},
    {"size": 3, "stride": 2, "padding": "same", "pad_fill": 0},
    {"size": 3, "stride": 1, "padding": 1, "pad_fill": "reflect"},
    {"size": 3, "stride": 2, "padding": "sides", "pad_fill": "replicate", "ceil_mode": True},
    {"size": 3, "stride": 1, "padding": 1, "pad_fill": "wrap"},
    {"size": 3, "stride": 1, "padding": 1, "pad_fill": "symmetric"},
    {"global_window": True},
    {"output_size": 3},
    {"size": 2, "output_size": 3, "fractional": True, "seed": 3},
    {"size": 2, "nan": "error"},
    {"size": 2, "nan": "ignore"},
)
KERNELS: dict[int, Any] = {1: [1, 0, -2], 2: [[0, 1, 0.5], [-1, 2, 1]], 3: [[[1, -1], [2, 0]], [[0, 1], [1, 1]]]}

Array = NDArray[Any]


def data(rng: np.random.Generator, shape: tuple[int, ...], kind: str) -> Array:
    """Quarters, which add up without rounding, with a NaN or an infinity where `kind` says so."""
    if kind == "whole":
        return rng.integers(-9, 10, shape)
    x = (np.round(4 * rng.normal(scale=3, size=shape)) / 4).astype("float64" if kind == "double" else "float32")
    if kind in ("nan", "inf"):
        x[rng.random(shape) < 0.06] = math.nan if kind == "nan" else math.inf
    return x


def window_for(window: dict[str, Any], ndim: int) -> dict[str, Any]:
    """The window for so many axes."""
    return window | ({"padding": ((1, 0), (0, 1), (1, 1))[:ndim]} if window.get("padding") == "sides" else {})


def questions() -> Iterator[tuple[str, int, list[Step], list[Step]]]:
    """Every framework, number of axes, and layer; with its own ``compat`` as well, and after a convolution."""
    for framework, window, mode, ndim in itertools.product(FRAMEWORKS, WINDOWS, MODES, (1, 2, 3)):
        options: Any = dict(window_for(window, ndim))
        options |= {"seed": 1} if mode == "stochastic" else {}
        size = options.pop("size", None)
        before: list[Step] = [[], [], [ReluStep()], [ConvStep(KERNELS[ndim], bias=0.5)],
                              [ConvStep(KERNELS[ndim], padding="same", stride=2), ReluStep()]][
                                  (len(mode) + len(window) + ndim) % 5]  # fmt: skip
        before = [] if framework in NATIVE else before
        yield framework, ndim, before, [PoolStep(mode, size, options)]
        if not before:
            yield framework, ndim, [], [PoolStep(mode, size, options | {"compat": framework})]
        if mode in ("max", "min") and framework not in NATIVE:
            yield framework, ndim, before, [PoolStep(mode, size, options, indices=True)]
            own = options | {"compat": framework, "storage_order": ndim % 2 if framework == "onnx" else 0}
            yield framework, ndim, before, [PoolStep(mode, size, own, indices=True)]


def text(value: Any) -> Any:
    """Nested lists with null for NaN."""
    return [text(row) for row in value] if isinstance(value, list) else None if math.isnan(value) else value


def packed(x: Array) -> dict[str, Any]:
    """An array as the checker reads it."""
    return {"dtype": str(x.dtype), "data": text(x.tolist())}


def entries() -> tuple[list[dict[str, Any]], Counter[str], Counter[str]]:
    """The programs, how many there are for each framework, and why there are no others."""
    rng = np.random.default_rng(SEED)
    found: list[dict[str, Any]] = []
    refused: Counter[str] = Counter()
    for place, (framework, ndim, before, pools) in enumerate(questions()):
        shape = SHAPES[ndim][place % 2]
        kinds = ("float", "float", "double", "whole", "nan" if framework != "onnx" else "float", "inf")

        kind = kinds[place % (6 if framework == "torch" and not before else 5)]
        options = pools[0].options if isinstance(pools[0], PoolStep) else {}
        lacking = options.get("compat") == "torch" and options.get("global_window")  # torch's own refuse whole numbers
        kind = "float" if kind == "whole" and lacking else kind
        kind = "float" if options.get("nan") == "error" or (framework == "keras" and before and kind == "nan") else kind
        refuses_nan = isinstance(pools[0], PoolStep) and pools[0].indices and not options.get("compat")
        kind = "float" if refuses_nan and kind == "nan" else kind
        if framework in NATIVE:
            kind = ("float", "double", "float" if options.get("compat") else "whole")[place % 3]
        x = data(rng, shape, kind)
        try:
            code = emit([*before, *pools], ndim, framework)
        except UsageError as error:
            refused[f"{framework}: {error}"] += 1
            continue
        try:
            made = apply(FeatureMap(x, "N" * (x.ndim - ndim) + SPATIAL[ndim - 1]), [*before, *pools])
            answer = made.values if made.indices is None else np.stack([made.values, made.indices])
        except (ShapeError, UsageError):
            continue
        name = f"{pools[0]} after {before} on {kind}"
        found.append({"framework": framework, "id": name, "code": code, "input": packed(x), "expected": packed(answer)})
    return found, Counter(entry["framework"] for entry in found), refused


def main() -> int:
    """Write the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("file", type=Path, help="the JSON file to write")
    parser.add_argument("--refusals", action="store_true", help="list what has no code, and why")
    arguments = parser.parse_args()
    found, counts, refused = entries()
    arguments.file.write_text(json.dumps(found).replace("-Infinity", "-1e999").replace("Infinity", "1e999"))
    sys.stdout.write(f"{len(found)} programs: {dict(counts)}; {refused.total()} refused\n")
    if arguments.refusals:
        sys.stdout.writelines(f"{count:5} {why}\n" for why, count in sorted(refused.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())

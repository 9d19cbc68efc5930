"""Compute the golden answers with the real frameworks and write them beside this script, one JSON file per topic.

The answers are data: ``tests/pooling/test_golden.py`` replays them with no framework installed. Run this only
to renew them::

    pip install torch==2.13.0 onnx onnxruntime==1.31.1 keras==3.15.1 jax jaxlib numpy
    python tests/golden/make_golden.py                          # rewrites the JSON files beside this script
    python tests/golden/make_golden.py --check-emitted E.json   # runs code that ``poolcli pool --emit`` printed

The runtimes do not live together: ``--environments`` makes an environment for each row of `ENVIRONMENTS`, installs what
the row says, and runs the emitted programs of its runtimes there; ``--only`` picks some of them::

    python tests/golden/make_golden.py --environments FOLDER --check-emitted E.json --only tensorflow,litert

Each case holds an input, the poolcli call (``pool``, ``grad`` or ``unpool`` and its keywords) and what the framework
answered: values, or the words with which it refused. In JSON ``null`` is NaN and ``1e999`` is infinity. Arrays are
(leading..., spatial...), so Keras runs with ``channels_first``. Keras runs on JAX.

``also_default`` marks a case whose answer is poolcli's own too, without ``compat``. ``rules.json`` is not written here:
its answers are derived by hand from the rules.
"""

from __future__ import annotations

import argparse
import importlib
import itertools
import json
import math
import os
import re
import subprocess
import sys
import venv
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

SEED = 20261120
HERE = Path(__file__).parent
LONGEST_MESSAGE = 160

Array = NDArray[Any]
Options = dict[str, Any]

# What a framework raises when it refuses a configuration, onnxruntime's own exceptions apart.
REFUSALS = (TypeError, ValueError, RuntimeError, NotImplementedError, AttributeError)


# What is installed into an environment of its own, and whose emitted programs run there.
ENVIRONMENTS: Mapping[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "tensorflow": (("tensorflow-cpu==2.21.0", "keras==3.15.1"), ("tensorflow", "litert")),
    "openvino": (("openvino==2026.4.1",), ("openvino",)),
    "paddle": (("paddlepaddle==3.3.1",), ("paddle",)),
    "flax": (("flax==0.12.8", "jax==0.10.2"), ("flax",)),
}


@dataclass(frozen=True)
class Answer:
    """What a framework gave: values, and indices where they were asked for."""

    values: Array
    indices: Array | None = None


@dataclass
class Case:
    """One question to a framework, in poolcli's words."""

    call: str
    x: Array
    options: Options
    upstream: Array | None = None
    indices: Array | None = None
    source: str = ""
    signed_zero: bool = False
    also_default: bool = False
    any_dtype: bool = False


@dataclass
class Topic:
    """One file: its cases and, once they ran, their records."""

    framework: str
    name: str
    cases: list[Case]
    records: list[dict[str, Any]] = field(default_factory=list)


# ---------------------------------------------------------------------------------------------- frameworks


@cache
def load(name: str) -> Any:
    """Import a framework on first use, with Keras on JAX."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    return importlib.import_module(name)


def spatial_axes(x: Array, options: Options) -> int:
    """How many trailing axes are spatial: a tuple's length, else ``ndim``, else two (one for a vector)."""
    for name in ("size", "output_size", "padding", "shape"):
        if isinstance(options.get(name), tuple):
            return len(options[name])
    return int(options.get("ndim", min(2, x.ndim)))


def per_axis(value: Any, count: int) -> Any:
    """An int for each axis; anything else as it is."""
    return (value,) * count if isinstance(value, int) else value


def split_mode(options: Options) -> tuple[str, str]:
    mode, _, parameter = options.get("mode", "max").partition(":")
    return mode, parameter


def negative(x: Array) -> Array:
    return np.asarray(-x, dtype=x.dtype)


def torch_forward(t: Any, options: Options, axes: int) -> Any:
    """Pool a tensor (1, channels, spatial...) with torch.nn.functional; options that torch lacks reach it all the same,
    so that torch itself says no."""
    functional = load("torch").nn.functional
    mode, parameter = split_mode(options)
    shape = tuple(int(n) for n in t.shape[2:])
    indices = {"return_indices": True} if options.get("return_indices") else {}
    if options.get("fractional"):
        u = options["offsets"]  # torch takes (width, height) in two dimensions, but (time, height, width) in three
        samples = load("torch").tensor([u[::-1] if axes == 2 else u] * int(t.shape[1]), dtype=t.dtype)[None]
        pool = getattr(functional, f"fractional_max_pool{axes}d")
        return pool(t, options["size"], output_size=options["output_size"], _random_samples=samples, **indices)
    if mode in ("max", "avg") and (options.get("output_size") or options.get("global_window")):
        size = per_axis(options.get("output_size", 1), axes)
        return getattr(functional, f"adaptive_{mode}_pool{axes}d")(t, size[0] if axes == 1 else size, **indices)

    size = shape if options.get("global_window") else per_axis(options.get("size", 2), axes)
    extra: Options = {}
    if options.get("padding", "valid") != "valid":
        extra["padding"] = options["padding"]
    if options.get("dilation", 1) != 1:
        extra["dilation"] = options["dilation"]
    if mode == "avg" and options.get("count_include_pad") is not None:
        extra["count_include_pad"] = options["count_include_pad"]
    if mode == "sum":
        extra["divisor_override"] = 1
    ceil = options.get("ceil_mode", False)
    if mode == "lp":
        power = float(parameter)
        power = int(power) if power.is_integer() else power
        lp_pool = getattr(functional, f"lp_pool{axes}d")
        return lp_pool(t, power, size[0] if axes == 1 else size, options.get("stride"), ceil, **extra)
    name = {"max": "max", "avg": "avg", "sum": "avg"}[mode]
    pool = getattr(functional, f"{name}_pool{axes}d")
    return pool(t, size, options.get("stride"), ceil_mode=ceil, **extra, **indices)


def run_torch(case: Case) -> Answer:
    """Pool, unpool or differentiate with torch."""
    torch = load("torch")
    axes = spatial_axes(case.x, case.options)
    lead, channels = case.x.shape[:-axes], math.prod(case.x.shape[:-axes])
    flip = split_mode(case.options)[0] == "min"
    options = {**case.options, "mode": "max"} if flip else case.options
    x = negative(case.x) if flip else case.x
    t = torch.tensor(x.reshape((1, channels, *x.shape[-axes:])))

    if case.call == "unpool":
        assert case.indices is not None
        places = torch.tensor(case.indices.reshape(t.shape))
        shape = case.options["shape"]
        # output_size may only be near the size that the window implies, so name a window that implies it.
        unpool = getattr(torch.nn.functional, f"max_unpool{axes}d")
        stride = tuple(max(1, full // have) for full, have in zip(shape, t.shape[2:], strict=True))
        out = unpool(t, places, stride, stride, 0, output_size=shape)
        return Answer(out.numpy().reshape(lead + tuple(shape)))
    if case.call == "grad":
        t = t.requires_grad_()
        y = torch_forward(t, options, axes)
        given = torch.ones_like(y) if case.upstream is None else torch.tensor(case.upstream.reshape(tuple(y.shape)))
        y.backward(given)
        return Answer(t.grad.numpy().reshape(case.x.shape))
    y = torch_forward(t, options, axes)
    y, places = y if isinstance(y, tuple) else (y, None)
    values = y.numpy().reshape(lead + tuple(y.shape[2:]))
    return Answer(
        negative(values) if flip else values,
        None if places is None else places.numpy().reshape(values.shape),
    )


def keras_forward(x: Any, options: Options, axes: int) -> Any:
    """Pool (1, channels, spatial...) with keras.ops, or with a layer where only a layer exists."""
    keras = load("keras")
    mode, _ = split_mode(options)
    long = {"max": "Max", "avg": "Average"}.get(mode, mode)
    layers = keras.layers
    first = {"data_format": "channels_first"}
    if options.get("global_window"):
        return getattr(layers, f"Global{long}Pooling{axes}D")(keepdims=True, dtype=str(x.dtype), **first)(x)
    if options.get("output_size"):
        size = options["output_size"]
        return getattr(layers, f"Adaptive{long}Pooling{axes}D")(size, dtype=str(x.dtype), **first)(x)
    lacking = {name: options[name] for name in ("dilation", "ceil_mode") if name in options}
    if lacking or not hasattr(layers, f"{long}Pooling{axes}D"):
        return getattr(layers, f"{long}Pooling{axes}D")(options.get("size", 2), **lacking)
    pool = {"max": keras.ops.max_pool, "avg": keras.ops.average_pool}[mode]
    size = per_axis(options.get("size", 2), axes)
    # keras.ops on JAX mishandles strides=None; the layers resolve it to the pool size first, as here.
    stride = per_axis(options.get("stride") or size, axes)
    return pool(x, size, stride, options.get("padding", "valid"), **first)


def run_keras(case: Case) -> Answer:
    """Pool or differentiate with Keras on JAX."""
    axes = spatial_axes(case.x, case.options)
    lead, channels = case.x.shape[:-axes], math.prod(case.x.shape[:-axes])
    flip = split_mode(case.options)[0] == "min"
    options = {**case.options, "mode": "max"} if flip else case.options
    x = (negative(case.x) if flip else case.x).reshape((1, channels, *case.x.shape[-axes:]))
    if case.call == "grad":
        y, pull = load("jax").vjp(lambda a: keras_forward(a, options, axes), load("jax.numpy").asarray(x))
        given = np.ones(y.shape, x.dtype) if case.upstream is None else case.upstream.reshape(y.shape)
        return Answer(np.asarray(pull(load("jax.numpy").asarray(given))[0]).reshape(case.x.shape))
    values = np.asarray(keras_forward(x, options, axes))
    values = values.reshape(lead + values.shape[2:])
    return Answer(negative(values) if flip else values)


def onnx_session(op: str, inputs: Sequence[Array], outputs: int, opset: int, attributes: Options) -> list[Array]:
    """Run one operator in onnxruntime on the CPU."""
    helper, runtime = load("onnx").helper, load("onnxruntime")
    names = [f"x{i}" for i in range(len(inputs))]
    results = [f"y{i}" for i in range(outputs)]
    kinds = [helper.np_dtype_to_tensor_dtype(x.dtype) for x in inputs]
    integer = helper.np_dtype_to_tensor_dtype(np.dtype(np.int64))
    graph = helper.make_graph(
        [helper.make_node(op, names, results, **attributes)],
        "pool",
        [helper.make_tensor_value_info(n, k, x.shape) for n, k, x in zip(names, kinds, inputs, strict=True)],
        [helper.make_tensor_value_info(n, kinds[0] if i == 0 else integer, None) for i, n in enumerate(results)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    settings = runtime.SessionOptions()
    settings.log_severity_level = 4
    settings.intra_op_num_threads = 1
    session = runtime.InferenceSession(model.SerializeToString(), settings, providers=["CPUExecutionProvider"])
    answers: list[Array] = session.run(None, dict(zip(names, inputs, strict=True)))
    return answers


def onnx_attributes(options: Options, axes: int) -> Options:
    """poolcli's window options as ONNX attributes; what is None or default stays out."""
    found: Options = {"kernel_shape": list(per_axis(options.get("size", 2), axes))}
    if options.get("stride") is not None:
        found["strides"] = list(per_axis(options["stride"], axes))
    if options.get("dilation", 1) != 1:
        found["dilations"] = list(per_axis(options["dilation"], axes))
    if options.get("ceil_mode"):
        found["ceil_mode"] = 1
    if options.get("count_include_pad") is not None:
        found["count_include_pad"] = int(options["count_include_pad"])
    if options.get("storage_order"):
        found["storage_order"] = options["storage_order"]
    padding = options.get("padding", "valid")
    if isinstance(padding, str):
        found["auto_pad"] = {"valid": "VALID", "same": "SAME_UPPER", "same-lower": "SAME_LOWER"}[padding]
    else:
        pairs = [(p, p) if isinstance(p, int) else p for p in per_axis(padding, axes)]
        found["pads"] = [begin for begin, _ in pairs] + [end for _, end in pairs]
    return found


def run_onnx(case: Case) -> Answer:
    """Pool or unpool with onnxruntime."""
    axes = spatial_axes(case.x, case.options)
    lead, channels = case.x.shape[:-axes], math.prod(case.x.shape[:-axes])
    mode, parameter = split_mode(case.options)
    x = (negative(case.x) if mode == "min" else case.x).reshape((1, channels, *case.x.shape[-axes:]))
    if case.call == "unpool":
        assert case.indices is not None
        size = tuple(full // have for full, have in zip(case.options["shape"], x.shape[2:], strict=True))
        window = {"kernel_shape": size, "strides": size}
        (values,) = onnx_session("MaxUnpool", [x, case.indices.reshape(x.shape)], 1, 22, window)
        return Answer(values.reshape(lead + values.shape[2:]))

    op = {"max": "MaxPool", "min": "MaxPool", "avg": "AveragePool", "lp": "LpPool"}[mode]
    power: Options = {}
    if mode == "lp":
        power["p"] = int(parameter) if parameter.isdigit() else float(parameter)
    if case.options.get("global_window"):
        # onnxruntime 1.31.1 has GlobalLpPool up to opset 21 only.
        (values,) = onnx_session(f"Global{op}", [x], 1, 18, power)
        places = None
    else:
        outputs = 2 if case.options.get("return_indices") else 1
        values, *rest = onnx_session(op, [x], outputs, 22, onnx_attributes(case.options, axes) | power)
        places = rest[0] if rest else None
    values = values.reshape(lead + values.shape[2:])
    return Answer(
        negative(values) if mode == "min" else values, None if places is None else places.reshape(values.shape)
    )


RUNNERS: dict[str, Callable[[Case], Answer]] = {"torch": run_torch, "keras": run_keras, "onnx": run_onnx}


# ---------------------------------------------------------------------------------------------- inputs and options


def make_input(rng: np.random.Generator, kind: str, dtype: str, shape: tuple[int, ...]) -> Array:
    """Small numbers with few digits: ``ties`` repeat, ``nan`` and ``inf`` are sprinkled, ``positive`` is above zero."""
    if np.dtype(dtype).kind in "iu":
        low, high = {"ties": (0, 4), "negative": (-99, 0), "positive": (1, 100)}.get(kind, (-99, 100))
        return rng.integers(low, high, shape).astype(dtype)
    if kind == "ties":
        return rng.integers(-1, 3, shape).astype(dtype)
    x = np.round(rng.normal(scale=4, size=shape), 2)
    if kind == "negative":
        x = -np.abs(x) - 0.5
    if kind == "positive":
        x = np.abs(x) + 0.5
    if kind in ("nan", "inf"):
        some = rng.random(shape) < 0.12
        x[some] = np.nan if kind == "nan" else np.where(rng.random(int(some.sum())) < 0.5, np.inf, -np.inf)
    return x.astype(dtype)


def pairwise(
    table: Mapping[str, Sequence[Any]], allowed: Callable[[Options], bool], count: int, rng: np.random.Generator
) -> list[Options]:
    """Rows of options in which every two values of any two options meet (where ``allowed``), topped up to ``count``."""

    def draw() -> Options:
        while True:
            row = {name: values[int(rng.integers(len(values)))] for name, values in table.items()}
            if allowed(row):
                return row

    def pairs(row: Options) -> set[tuple[Any, ...]]:
        return {(a, str(row[a]), b, str(row[b])) for a, b in itertools.combinations(table, 2)}

    rows: list[Options] = []
    seen: set[tuple[Any, ...]] = set()
    barren = 0
    while barren < 8:
        best = max((draw() for _ in range(60)), key=lambda row: len(pairs(row) - seen))
        barren = 0 if pairs(best) - seen else barren + 1
        if pairs(best) - seen:
            rows.append(best)
            seen |= pairs(best)
    return rows + [draw() for _ in range(count - len(rows))]


SHAPES = {1: (9,), 2: (5, 6), 3: (4, 3, 5)}
SIZES = {"2": (2, 2, 2), "3": (3, 3, 3), "rect": (3, 2, 1), "tall": (1, 3, 2)}
PER_AXIS = {"stride": (2, 1, 3), "padding": (1, 0, 1), "dilation": (2, 1, 1)}
SIDES = ((1, 0), (0, 1), (1, 1))
LEADS = {"": (), "c": (2,), "nc": (2, 1)}


def window_options(row: Options) -> Options:
    """A row's symbols as poolcli keywords for its number of spatial axes; ints and tuples both occur."""
    axes = row["axes"]
    size = SIZES[row["size"]][:axes]
    options: Options = {"mode": row["mode"]}
    if len(set(size)) == 1 and row["style"] == "int":
        options |= {"size": size[0], "ndim": axes}
    else:
        options["size"] = size
    for name in ("stride", "padding", "dilation"):
        value = row.get(name)
        if value == "axis":
            options[name] = PER_AXIS[name][:axes]
        elif value == "sides":
            options[name] = SIDES[:axes]
        elif value is not None:
            options[name] = value
    for name in ("ceil_mode", "count_include_pad", "return_indices", "storage_order"):
        if row.get(name):
            options[name] = row[name]
    if row.get("count_include_pad") is False:
        options["count_include_pad"] = False
    return options


def axis_pads(options: Options, axes: int) -> list[tuple[int, int]]:
    """Explicit pads per axis; names count as none."""
    padding = options.get("padding", "valid")
    if isinstance(padding, str):
        return [(0, 0)] * axes
    return [(p, p) if isinstance(p, int) else p for p in per_axis(padding, axes)]


def fits(shape: Sequence[int], options: Options, framework: str) -> bool:
    """Whether the framework takes this geometry and every window holds a real cell (poolcli refuses empty windows)."""
    axes = len(shape)
    size, dilation = per_axis(options["size"], axes), per_axis(options.get("dilation", 1), axes)
    stride = per_axis(options.get("stride") or (1 if framework == "onnx" else size), axes)
    named = options.get("padding") in ("same", "same-lower")
    for length, k, s, d, (begin, end) in zip(shape, size, stride, dilation, axis_pads(options, axes), strict=True):
        reach = d * (k - 1) + 1
        if named:
            if reach > length or (framework == "onnx" and k < s):
                return False
            continue
        if reach > length + begin + end or max(begin, end) > (k // 2 if framework == "torch" else k - 1):
            return False
        steps = (length + begin + end - reach) / s
        count = (math.ceil(steps) if options.get("ceil_mode") else math.floor(steps)) + 1
        for i in range(count):
            start = i * s - begin
            if start < length and not any(0 <= start + j * d < length for j in range(k)):
                return False
    return True


def plausible(row: Options, framework: str) -> bool:
    """Whether a row makes sense: the kind of numbers suits the dtype, and the geometry suits the framework."""
    integer = np.dtype(row["dtype"]).kind in "iu"
    if integer and row["data"] in ("nan", "inf"):
        return False
    if row["dtype"] in ("uint8",) and (row["data"] not in ("ties", "positive") or row["mode"] == "min"):
        return False
    if row.get("storage_order") and not row["return_indices"]:
        return False
    return fits(SHAPES[row["axes"]], window_options(row), framework)


def even_power(mode: str) -> bool:
    parameter = mode.partition(":")[2]
    return parameter.isdigit() and int(parameter) % 2 == 0


def same_as_default(framework: str, case: Case) -> bool:
    """Whether poolcli without ``compat`` has to give this answer too: nothing is left to the framework's defaults,
    and none of its known departures is touched."""
    options = case.options
    pads = axis_pads(options, spatial_axes(case.x, options))
    padded = any(begin or end for begin, end in pads) or options.get("padding") in ("same", "same-lower")
    if framework == "keras":
        return True
    if split_mode(options)[0] == "avg" and padded and options.get("count_include_pad") is None:
        return False
    return not (torch_departs(case) if framework == "torch" else onnx_departs(case))


def torch_departs(case: Case) -> bool:
    """torch's Lp without abs and with its inflated overhang, its integer averages, its last NaN."""
    options, x = case.options, case.x
    mode, _ = split_mode(options)
    if mode == "lp":
        signed = bool((x < 0).any()) and not even_power(options["mode"])
        if signed or options.get("ceil_mode") or options["mode"] == "lp:inf":
            return True
    if mode in ("avg", "lp") and x.dtype.kind != "f":
        return True
    return has_nan(x) and bool(options.get("return_indices") or case.call == "grad")


def onnx_departs(case: Case) -> bool:
    """ONNX's stride of 1, NaN, SAME without dilation, and indices over the whole tensor."""
    options, x = case.options, case.x
    planes = math.prod(x.shape[: -spatial_axes(x, options)])
    if case.call == "unpool":
        return planes > 1
    if has_nan(x) or (options.get("stride") is None and not options.get("global_window")):
        return True
    if options.get("padding") in ("same", "same-lower") and options.get("dilation", 1) != 1:
        return True
    return bool(options.get("return_indices") and (planes > 1 or options.get("storage_order")))


def has_nan(x: Array) -> bool:
    return x.dtype.kind == "f" and bool(np.isnan(x).any())


def sliding(
    framework: str, table: Mapping[str, Sequence[Any]], count: int, rng: np.random.Generator, call: str = "pool"
) -> list[Case]:
    """Cases of sliding windows for every pair of the table's values."""
    cases = []
    for row in pairwise(table, lambda row: plausible(row, framework), count, rng):
        x = make_input(rng, row["data"], row["dtype"], LEADS[row["lead"]] + SHAPES[row["axes"]])
        case = Case(call, x, window_options(row))
        case.any_dtype = framework == "keras" and x.dtype.kind in "iu" and row["mode"] == "avg"
        if row.get("upstream"):
            case.upstream = upstream_for(framework, case, rng)
        cases.append(case)
    return cases


def upstream_for(framework: str, case: Case, rng: np.random.Generator) -> Array:
    """A gradient from above, shaped as the pooled values."""
    pooled = RUNNERS[framework](Case("pool", case.x, case.options)).values
    return np.round(rng.normal(size=pooled.shape), 2).astype(case.x.dtype)


# ---------------------------------------------------------------------------------------------- topics

FLOATS = ("float32", "float64")
ALL_DATA = ("ties", "normal", "negative", "nan", "inf")


def base_table(**changes: Sequence[Any]) -> dict[str, Sequence[Any]]:
    table: dict[str, Sequence[Any]] = {
        "axes": (1, 2, 3),
        "size": tuple(SIZES),
        "style": ("int", "tuple"),
        "stride": (None, 1, 2, "axis"),
        "padding": ("valid", 1, "axis"),
        "ceil_mode": (False, True),
        "data": ALL_DATA,
        "lead": tuple(LEADS),
    }
    return table | changes


def torch_topics(rng: np.random.Generator) -> Iterator[Topic]:
    """Everything that torch pools."""
    more = {"mode": ("max", "min"), "dilation": (None, 1, 2, "axis"), "return_indices": (False, True)}
    dtypes = ("float16", "float32", "float64", "int32", "int64", "uint8")
    cases = sliding("torch", base_table(**more, dtype=dtypes), 100, rng)
    # Integers in one dimension are refused by a rule of their own; a few are enough.
    refused = [c for c in cases if c.x.dtype.kind in "iu" and spatial_axes(c.x, c.options) == 1]
    spare = [c for c in refused if not c.options.get("return_indices")][3:]
    yield Topic("torch", "max", [c for c in cases if not any(c is s for s in spare)])

    half = base_table(mode=("avg",), dtype=("float16",), axes=(1, 2), count_include_pad=(None, True, False))
    table = base_table(mode=("avg",), dtype=(*FLOATS, "int64"), count_include_pad=(None, True, False))
    yield Topic("torch", "avg", sliding("torch", table, 75, rng) + sliding("torch", half, 0, rng)[:12])

    table = base_table(mode=("sum",), dtype=(*FLOATS, "int64"), axes=(2, 3))
    yield Topic("torch", "sum", sliding("torch", table, 26, rng))

    table = base_table(mode=("lp:1", "lp:2", "lp:3", "lp:4", "lp:inf"), dtype=FLOATS, padding=("valid",))
    cases = sliding("torch", table | {"data": ("normal", "positive", "negative", "ties")}, 50, rng)
    table = base_table(mode=("lp:0.5", "lp:1.5"), dtype=FLOATS, padding=("valid",), data=("positive", "normal"))
    yield Topic("torch", "lp", cases + sliding("torch", table, 14, rng)[:14])

    yield Topic("torch", "adaptive", list(adaptive_cases(rng, ("float16", *FLOATS), indices=True)))
    yield Topic(
        "torch", "global", list(global_cases(rng, ("max", "min", "avg", "sum", "lp:2", "lp:3"), FLOATS, torch=True))
    )
    yield Topic("torch", "fractional", list(fractional_cases(rng)))
    yield Topic("torch", "unpool", list(torch_unpool_cases(rng)))
    yield Topic("torch", "grad", list(torch_grad_cases(rng)))
    yield Topic("torch", "quirks", list(torch_quirks()))
    yield Topic("torch", "limits", list(torch_limit_cases(rng)))


def adaptive_cases(rng: np.random.Generator, dtypes: Sequence[str], indices: bool) -> Iterator[Case]:
    """Output sizes that divide the input, that do not, and that exceed it."""
    targets = {
        1: ((9, 3), (10, 4), (5, 7), (7, 5), (1, 3), (7, 1)),
        2: (((5, 6), (5, 3)), ((5, 6), (3, 4)), ((4, 5), (6, 7)), ((3, 8), (1, 3)), ((6, 4), (3, 2))),
        3: (((4, 3, 5), (2, 3, 2)), ((4, 3, 5), (3, 2, 4)), ((2, 3, 2), (3, 4, 1))),
    }
    for axes, pairs in targets.items():
        for (shape, out), mode in itertools.product(pairs, ("max", "min", "avg")):
            lengths = shape if isinstance(shape, tuple) else (shape,)
            sizes = out if isinstance(out, tuple) else (out,)
            lead = list(LEADS.values())[int(rng.integers(3))]
            kind = ALL_DATA[int(rng.integers(len(ALL_DATA)))]
            options: Options = {"mode": mode, "output_size": sizes}
            if len(set(sizes)) == 1 and axes != 2:
                options = {"mode": mode, "output_size": sizes[0], "ndim": axes}
            if indices and mode != "avg" and rng.random() < 0.6:
                options["return_indices"] = True
            dtype = dtypes[int(rng.integers(len(dtypes)))]
            yield Case("pool", make_input(rng, kind, dtype, lead + lengths), options)


def global_cases(
    rng: np.random.Generator, modes: Sequence[str], dtypes: Sequence[str], nan: bool = True, torch: bool = False
) -> Iterator[Case]:
    """The whole map as one window, its axes kept."""
    for axes, mode in itertools.product((1, 2, 3), modes):
        if mode == "sum" and axes == 1:
            continue  # torch has no divisor_override in one dimension
        lead = list(LEADS.values())[int(rng.integers(3))]
        kind = ("ties", "normal", "negative", "nan" if nan else "positive")[int(rng.integers(4))]
        x = make_input(rng, "positive" if mode == "lp:3" else kind, dtypes[axes % len(dtypes)], lead + SHAPES[axes])
        # torch and Keras know no global sum or norm; a kernel as large as the map is torch's way to one.
        whole: Options = {"global_window": True, "ndim": axes}
        yield Case(
            "pool", x, {"mode": mode, **({"size": SHAPES[axes]} if torch and mode[:2] in ("su", "lp") else whole)}
        )


def fractional_cases(rng: np.random.Generator) -> Iterator[Case]:
    """torch's fractional windows with given random samples, in the order of the spatial axes."""
    setups: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]] = [
        ((7, 9), (2, 2), (3, 4)),
        ((7, 9), (3, 2), (3, 5)),
        ((8, 6), (2, 3), (5, 3)),
        ((6, 6), (2, 2), (4, 4)),
        ((5, 8), (1, 2), (3, 7)),
        ((5, 4, 6), (2, 2, 2), (3, 2, 4)),
        ((4, 5, 7), (2, 1, 3), (2, 3, 3)),
    ]
    for shape, size, out in setups:
        for where in (0.03, 0.5, 0.97):
            u = tuple(round(float(v), 3) for v in np.clip(where + rng.uniform(-0.03, 0.03, len(shape)), 0, 0.999))
            x = make_input(rng, "normal", "float64", (2, *shape) if rng.random() < 0.5 else shape)
            options: Options = {"mode": "max", "size": size, "output_size": out, "fractional": True, "offsets": u}
            yield Case("pool", x, options | {"return_indices": True})


def torch_limit_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Kernels and outputs as large as the input allows, and larger: 3-D has limits that 2-D has not."""
    small = (4, 2, 4)
    for mode, size, padding in itertools.product(("avg", "max", "sum"), (2, 3), (0, 1)):
        for axes in (2, 3):
            x = make_input(rng, "normal", "float32", small[-axes:])
            yield Case("pool", x, {"mode": mode, "size": (size,) * axes, "stride": 1, "padding": (padding,) * axes})
    for lengths, size, ceil_mode in itertools.product(((2, 3, 3), (3, 3, 3)), (2, 3), (False, True)):
        x = make_input(rng, "positive", "float64", lengths)
        yield Case("pool", x, {"mode": "lp:2", "size": (size,) * 3, "stride": 1, "ceil_mode": ceil_mode})
    half, whole = make_input(rng, "normal", "float16", (3, 3, 3)), make_input(rng, "positive", "int64", (6,))
    for mode in ("avg", "sum", "max", "lp:2", "lp:inf"):
        yield Case("pool", half, {"mode": mode, "size": (2, 2, 2)})
    for mode, axes in itertools.product(("lp:1.5", "lp:2", "lp:inf"), (1, 2)):
        x = whole.reshape((6,) if axes == 1 else (2, 3))
        yield Case("pool", x, {"mode": mode, "size": (2,) * axes, "stride": 1}, any_dtype=True)
    yield Case("pool", half.astype("float32"), {"mode": "lp:inf", "size": (4, 4, 4), "ceil_mode": True})
    for values in ((-1.0, 2.0, 3.0, -0.5), (-1.0, -2.0, 4.0, 1.0)):
        yield Case("grad", np.array(values), {"mode": "lp:3", "size": (2,)})
    for axes, where, out in itertools.product((2, 3), (0, 1, 2), (2, 3)):
        if where < axes:
            sizes = tuple(out if axis == where else 2 for axis in range(axes))
            shape = tuple(4 if axis == where else 6 for axis in range(axes))
            options: Options = {"mode": "max", "size": (2,) * axes, "output_size": sizes, "fractional": True}
            yield Case(
                "pool", make_input(rng, "normal", "float64", shape), options | {"offsets": (0.25, 0.5, 0.75)[:axes]}
            )


def torch_unpool_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Values put back where they came from, in one to three dimensions, the size given or implied."""
    torch = load("torch").nn.functional
    for axes, lead, size, more in itertools.product((1, 2, 3), ((), (2,), (1, 2)), (1, 2, 3), (0, 1)):
        if size == 1 and more:
            continue
        base = tuple(n // size * size + more for n in (6, 7, 6)[:axes]) if axes < 3 else (size * 2 + more,) * 3
        if axes == 3 and math.prod(lead) > 1:
            continue
        x = make_input(rng, "normal", "float32", lead + base)
        t = load("torch").tensor(x.reshape((1, math.prod(lead), *base)))
        values, places = getattr(torch, f"max_pool{axes}d")(t, size, return_indices=True)
        shape = lead + tuple(int(n) for n in values.shape[2:])
        given = values.numpy().reshape(shape)
        yield Case("unpool", given, {"shape": base}, indices=places.numpy().reshape(shape))


def torch_grad_cases(rng: np.random.Generator) -> Iterator[Case]:
    """What autograd sends back, ties and overlaps included, from ones or from a given gradient."""
    data = ("ties", "normal", "negative")
    more = {"dtype": FLOATS, "upstream": (False, True), "data": data}
    table = base_table(mode=("max", "min"), dilation=(1, 2, "axis"), **more)
    yield from sliding("torch", table, 30, rng, "grad")
    table = base_table(mode=("avg",), count_include_pad=(None, True, False), **more)
    yield from sliding("torch", table, 26, rng, "grad")
    table = base_table(mode=("sum",), axes=(2, 3), **more)
    yield from sliding("torch", table, 8, rng, "grad")[:12]
    table = base_table(mode=("lp:2", "lp:3", "lp:1"), padding=("valid",), **more)
    yield from sliding("torch", table | {"data": ("positive",)}, 14, rng, "grad")[:18]
    table = base_table(mode=("lp:2",), padding=("valid",), ceil_mode=(False,), **more)
    yield from sliding("torch", table | {"data": ("negative", "normal")}, 6, rng, "grad")[:10]
    for shape, out, mode in itertools.product(((9,), (5, 6), (4, 3, 5)), ("one", "few", "more"), ("max", "avg")):
        sizes = tuple({"one": 1, "few": (n + 1) // 2, "more": n + 1}[out] for n in shape)
        options: Options = {"mode": mode, "output_size": sizes}
        if out == "one":
            options = {"mode": mode, "global_window": True, "ndim": len(shape)}
        case = Case("grad", make_input(rng, "ties", "float64", shape), options)
        case.upstream = upstream_for("torch", case, rng)
        yield case


def torch_quirks() -> Iterator[Case]:
    """The vectors of the known threads, and what torch refuses."""
    nan, f4 = np.nan, np.float32

    def vector(*values: float, dtype: Any = f4) -> Array:
        return np.array(values, dtype)

    line = vector(1, 2, 3, 4, 5, 6)
    five = vector(1, 2, 3, 4, 5)
    k322 = {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True}
    for include in (True, False, None):
        options = {"mode": "avg", **k322} | ({} if include is None else {"count_include_pad": include})
        yield Case("pool", line, options, source="divisor with padding and overhang; coremltools#2772, burn#5604")
    for mode in ("avg", "max", "lp:2"):
        yield Case("pool", five, {"mode": mode, "size": 2, "ceil_mode": True}, source="remainder; pytorch#184037")
    yield Case("pool", five, {"mode": "avg", "size": 4, "ceil_mode": True}, source="overhang of 3; onnx#5276")
    yield Case("pool", vector(1, 2, 3), {"mode": "max", "size": 5, "ceil_mode": True}, source="kernel > input")
    yield Case("pool", vector(1, 2, 3), {"mode": "max", "size": 5}, source="kernel > input, floor")
    for values in ((1, nan, 5, 6), (nan, 2, nan, 1), (nan, nan, nan, nan)):
        for extra in ({}, {"return_indices": True}):
            yield Case("pool", vector(*values), {"mode": "max", "size": 4, **extra}, source="NaN; pytorch#7645")
    ones = np.ones((4, 4), f4)
    yield Case("pool", ones, {"mode": "max", "size": 2, "return_indices": True}, source="ties: the first")
    yield Case("grad", ones, {"mode": "max", "size": 2}, source="ties: the first takes all")
    yield Case("grad", ones, {"mode": "max", "size": 3, "stride": 1}, source="ties and overlap add up")
    for zeros in ((-0.0, 0.0), (0.0, -0.0)):
        options = {"mode": "max", "size": 2, "return_indices": True}
        yield Case("pool", vector(*zeros), options, signed_zero=True, source="signed zeros: the first stays")
    for power in ("lp:3", "lp:1", "lp:1.5", "lp:2", "lp:inf"):
        yield Case("pool", vector(-1, -2), {"mode": power, "size": 2}, source="Lp without abs; pytorch#184037")
    yield Case("grad", np.zeros(4, f4), {"mode": "lp:2", "size": 2}, source="Lp gradient at zero")
    big = np.arange(81, dtype=f4).reshape(9, 9)
    options = {"mode": "avg", "size": 4, "stride": 4, "padding": 2, "ceil_mode": True}
    yield Case("pool", big, options, source="pytorch#116420: 9x9 gives 3x3")
    options = {"mode": "max", "size": 1, "stride": 2, "ceil_mode": True}
    yield Case("pool", line, options, source="pytorch#45357: 6 gives 3")
    table = np.array([[3, 3, 3, 4], [-3, -3, -3, -4]], np.int64)
    yield Case("pool", table, {"mode": "avg", "size": (1, 4)}, source="integer average truncates; pytorch#139115")
    yield Case("pool", np.arange(6), {"mode": "max", "size": 2}, source="pytorch#136110: integers in one dimension")
    options = {"mode": "max", "size": 2, "return_indices": True}
    yield Case("pool", np.arange(6), options, source="pytorch#136110: accepted with indices")
    yield Case("pool", big, {"mode": "max", "size": 2, "padding": 2}, source="pytorch#3298: pad at most half")
    yield Case("pool", big, {"mode": "avg", "size": 3, "padding": 2}, source="pytorch#3298: pad at most half")
    yield Case("pool", line, {"mode": "max", "size": 2, "padding": 2}, source="pytorch#3298: pad at most half")
    for shape in ((9,), (9, 9), (5, 5, 5)):
        options = {"mode": "max", "size": 3, "padding": 2, "dilation": 2, "ndim": len(shape)}
        yield Case("pool", np.zeros(shape, f4), options, source="half of k, not of the dilated K")
    yield Case("pool", big, {"mode": "max", "size": 2, "padding": "same"}, source="pytorch#3867: no SAME")
    yield Case("pool", big, {"mode": "avg", "size": 2, "padding": "same-lower"}, source="pytorch#3867: no SAME")
    yield Case("pool", big, {"mode": "max", "size": 2, "padding": ((1, 0), (0, 1))}, source="four sides")
    yield Case("pool", big, {"mode": "avg", "size": 2, "padding": ((1, 0), (0, 1))}, source="four sides")
    yield Case("pool", big, {"mode": "avg", "size": 2, "dilation": 2}, source="pytorch#14907: no dilation in avg")
    yield Case("pool", big, {"mode": "lp:2", "size": 2, "dilation": 2}, source="pytorch#37717: no dilation in lp")
    yield Case("pool", big, {"mode": "lp:2", "size": 2, "padding": 1}, source="pytorch#5731: no padding in lp")


def keras_topics(rng: np.random.Generator) -> Iterator[Topic]:
    """Everything that Keras pools."""
    changes = {"padding": ("valid", "same"), "ceil_mode": (False,)}
    table = base_table(mode=("max", "min"), dtype=("float16", "float32", "int32"), **changes)
    yield Topic("keras", "max", sliding("keras", table, 48, rng))
    table = base_table(mode=("avg",), dtype=("float16", "float32", "int32"), **changes)
    yield Topic("keras", "avg", sliding("keras", table, 48, rng))
    yield Topic("keras", "global", list(global_cases(rng, ("max", "min", "avg"), ("float32", "float16"))))
    yield Topic("keras", "adaptive", list(adaptive_cases(rng, ("float32",), indices=False)))
    table = base_table(mode=("max", "avg"), dtype=("float32",), upstream=(False, True), **changes)
    yield Topic("keras", "grad", sliding("keras", table | {"data": ("ties", "normal")}, 26, rng, "grad"))
    yield Topic("keras", "quirks", list(keras_quirks()))


def keras_quirks() -> Iterator[Case]:
    """The vectors of the known threads, and what Keras refuses."""
    nan, f4 = np.nan, np.float32
    line = np.arange(1, 7, dtype=f4)
    options = {"mode": "avg", "size": 3, "stride": 1, "padding": "same"}
    yield Case("pool", line[:4], options, source="SAME average never counts padding; flax#2401")
    yield Case("pool", line, {"mode": "max", "size": 3, "stride": 2, "padding": "same"}, source="SAME split")
    yield Case("pool", line, {"mode": "max", "size": 1, "stride": 4, "padding": "same"}, source="SAME, no negative pad")
    yield Case("pool", -line[:5], {"mode": "max", "size": 2, "padding": "same"}, source="padding is not zero")
    for values in ((1, nan, 5, 6), (nan, 2, nan, 1)):
        yield Case("pool", np.array(values, f4), {"mode": "max", "size": 4}, source="NaN; keras#16158")
    grid = np.arange(1, 36, dtype=f4).reshape(7, 5)
    for padding in ("valid", "same"):
        options = {"mode": "max", "size": 2, "padding": padding}
        yield Case("pool", grid, options, source="SAME or VALID: questions 37674306 and 42463172")
    for mode in ("max", "avg"):
        for lacking in (
            {"padding": 1},
            {"padding": (1, 0)},
            {"padding": ((1, 0), (0, 1))},
            {"padding": "same-lower"},
            {"dilation": 2},
            {"ceil_mode": True},
        ):
            yield Case("pool", grid, {"mode": mode, "size": 2, **lacking}, source="no such option in Keras")
    yield Case("pool", grid, {"mode": "lp:2", "size": 2}, source="no such layer in Keras")


def onnx_topics(rng: np.random.Generator) -> Iterator[Topic]:
    """Everything that onnxruntime pools."""
    data = ("ties", "normal", "negative", "inf")
    pads = ("valid", 1, "axis", "sides", "same", "same-lower")
    changes = {"padding": pads, "data": data, "dilation": (None, 2, "axis"), "stride": (None, 1, 2, "axis")}
    more = {"return_indices": (False, True), "storage_order": (0, 1)}
    dtypes = ("float16", "float32", "float64", "int8", "uint8")
    table = base_table(mode=("max", "min"), dtype=dtypes, **changes, **more)
    yield Topic("onnx", "max", sliding("onnx", table, 96, rng))
    include = {"count_include_pad": (None, True, False)}
    table = base_table(mode=("avg",), dtype=("float16", "float32"), **changes, **include)
    yield Topic("onnx", "avg", sliding("onnx", table, 90, rng))
    table = base_table(mode=("lp:1", "lp:2", "lp:3"), dtype=("float32",), **changes)
    yield Topic("onnx", "lp", sliding("onnx", table, 48, rng))
    cases = list(global_cases(rng, ("max", "min", "avg", "lp:2", "lp:3"), ("float32",), nan=False))
    yield Topic("onnx", "global", cases)
    yield Topic("onnx", "unpool", list(onnx_unpool_cases(rng)))
    yield Topic("onnx", "quirks", list(onnx_quirks()))
    yield Topic("onnx", "limits", list(onnx_limit_cases(rng)))


def onnx_limit_cases(rng: np.random.Generator) -> Iterator[Case]:
    """Types that onnxruntime has no kernel for, NaN in each type, and SAME whose last window ends early.

    Averages, norms and global windows of float64, which it lacks too, are not asked: poolcli computes them.
    """
    for dtype in ("int8", "uint8", "int16", "uint16", "int32", "int64", "uint64", "bool"):
        x = make_input(rng, "positive", dtype, (4, 4)) if dtype != "bool" else np.eye(4, dtype=bool)
        pooled: tuple[Options, ...] = ({"size": 2}, {"size": 2, "return_indices": True})
        for options in (*pooled, {"global_window": True, "ndim": 2}):
            yield Case("pool", x, {"mode": "max", **options})
        yield Case("pool", x, {"mode": "avg", "size": 2})
    nan = np.nan
    lines = ((nan, 2, nan, 1), (2, nan), (nan, 2), (1, nan, 3), (nan, nan), (nan,), (nan, 1, 2))
    for values, dtype in itertools.product(lines, ("float16", "float64")):
        for extra in ({}, {"return_indices": True}):
            for mode in ("max", "min"):
                size = len(values)
                yield Case("pool", np.array(values, dtype), {"mode": mode, "size": size, "stride": size, **extra})
    line = np.arange(1, 7, dtype=np.float32)
    for size, stride, mode in itertools.product((1, 2), (2, 4), ("max", "avg", "lp:2")):
        early: Options = {"mode": mode, "size": size, "stride": stride, "padding": "same"}
        yield Case("pool", line, early)
        yield Case("pool", line, early | {"dilation": 2})
        if mode == "max":
            yield Case("pool", line, early | {"return_indices": True})


def onnx_unpool_cases(rng: np.random.Generator) -> Iterator[Case]:
    """MaxUnpool with indices flat over the whole tensor."""
    for base, lead, size in (
        ((6,), (), (2,)),
        ((6,), (2,), (3,)),
        ((4, 6), (), (2, 2)),
        ((4, 6), (2,), (2, 3)),
        ((4, 6), (1, 3), (2, 2)),
        ((2, 4, 2), (), (2, 2, 1)),
        ((2, 4, 2), (2,), (1, 2, 2)),
    ):
        x = make_input(rng, "normal", "float32", lead + base)
        found = run_onnx(Case("pool", x, {"mode": "max", "size": size, "stride": size, "return_indices": True}))
        yield Case("unpool", found.values, {"shape": base}, indices=found.indices)


def onnx_quirks() -> Iterator[Case]:
    """The vectors of the known threads, and what onnxruntime refuses."""
    nan, f4 = np.nan, np.float32
    line = np.arange(1, 7, dtype=f4)
    five = line[:5]
    for include in (None, True, False):
        flag = {} if include is None else {"count_include_pad": include}
        options = {"mode": "avg", "size": 3, "stride": 1, "padding": "same", **flag}
        yield Case("pool", line[:4], options, source="SAME average; flax#2401")
        options = {"mode": "avg", "size": 3, "stride": 2, "padding": 1, "ceil_mode": True, **flag}
        yield Case("pool", line, options, source="divisor with padding and overhang; rten#1456")
    for mode in ("avg", "max", "lp:2"):
        options = {"mode": mode, "size": 2, "stride": 2, "ceil_mode": True}
        yield Case("pool", five, options, source="VALID follows ceil; onnxruntime#10083")
    options = {"mode": "avg", "size": 4, "stride": 4, "ceil_mode": True}
    yield Case("pool", five, options, source="overhang of 3; the reference evaluator gives 2, 4")
    for mode in ("max", "avg", "lp:2"):
        for padding in ("same", "same-lower"):
            options = {"mode": mode, "size": 3, "stride": 1, "dilation": 2, "padding": padding}
            yield Case("pool", line, options, source="SAME ignores dilation; onnxruntime#20582")
    for padding in ("same", "same-lower"):
        options = {"mode": "max", "size": 3, "stride": 2, "padding": padding}
        yield Case("pool", line, options, source="SAME split")
    for values in ((1, nan, 5, 6), (nan, 2, nan, 1)):
        for extra in ({}, {"return_indices": True}):
            options = {"mode": "max", "size": 4, "stride": 4, **extra}
            yield Case("pool", np.array(values, f4), options, source="NaN; onnx#3314")
    yield Case("pool", line, {"mode": "max", "size": 2}, source="the default stride is 1")
    ones = np.ones((2, 4, 4), f4)
    for order in (0, 1):
        options = {"mode": "max", "size": (2, 2), "stride": 2, "return_indices": True}
        options |= {"storage_order": 1} if order else {}
        yield Case("pool", ones, options, source="ties: the first; indices over the whole tensor")
    for power in ("lp:3", "lp:1", "lp:2"):
        yield Case("pool", np.array([-1, -2], f4), {"mode": power, "size": 2}, source="Lp with abs; onnx#5459")
    yield Case("pool", line, {"mode": "lp:1.5", "size": 2}, source="p is an integer")
    yield Case("pool", line, {"mode": "max", "size": 1, "stride": 4, "padding": "same"}, source="negative SAME padding")
    yield Case("pool", line, {"mode": "max", "size": 2, "padding": 2}, source="each pad less than the kernel")
    yield Case("pool", line, {"mode": "avg", "size": 2, "padding": ((0, 2),)}, source="each pad less than the kernel")
    yield Case("pool", line, {"mode": "max", "size": 3, "padding": 3, "dilation": 2}, source="less than k, not K")
    yield Case("pool", line[:3], {"mode": "max", "size": 5, "stride": 5, "ceil_mode": True}, source="kernel > input")


# ---------------------------------------------------------------------------------------------- running and writing


def number(value: Any) -> Any:
    """A JSON value with as few digits as restore the number in its own dtype; NaN is null."""
    if isinstance(value, np.floating):
        return None if np.isnan(value) else float(str(value))
    return value.item()


def nested(x: Array) -> Any:
    return number(x[()]) if x.ndim == 0 else [nested(row) for row in x]


def packed(x: Array) -> dict[str, Any]:
    return {"dtype": str(x.dtype), "data": nested(x)}


def ask(framework: str, case: Case) -> dict[str, Any]:
    """The framework's answer or its refusal as the ``expected`` part of a record."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            answer = RUNNERS[framework](case)
    except Exception as error:
        if not (isinstance(error, REFUSALS) or "onnxruntime" in type(error).__module__):
            raise
        words = re.sub(r"/\S+/", "", " ".join(str(error).split()))
        return {"refuses": words[:LONGEST_MESSAGE]}
    expected: dict[str, Any] = {"shape": list(answer.values.shape), **packed(answer.values)}
    if case.any_dtype:
        del expected["dtype"]
    if answer.indices is not None:
        expected["indices"] = nested(answer.indices)
    return expected


def run_topic(topic: Topic) -> None:
    """Ask the framework every case of a topic and note the records."""
    for number_, case in enumerate(topic.cases):
        mode, _ = split_mode(case.options)
        axes = spatial_axes(case.x, case.options)
        record: dict[str, Any] = {
            "id": f"{topic.framework}-{topic.name}-{number_:03d}-{mode}-{axes}d",
            "framework": topic.framework,
            "call": case.call,
            "kwargs": {**case.options, "compat": topic.framework},
            "input": packed(case.x),
        }
        if case.source:
            record["source"] = case.source
        if case.indices is not None:
            record["indices"] = nested(case.indices)
        if case.upstream is not None:
            record["upstream"] = packed(case.upstream)
        if case.signed_zero:
            record["signed_zero"] = True
        record["expected"] = ask(topic.framework, case)
        record["also_default"] = "refuses" not in record["expected"] and same_as_default(topic.framework, case)
        topic.records.append(record)


def versions(framework: str) -> dict[str, str]:
    """The versions behind a file."""
    names = {"torch": ["torch"], "keras": ["keras", "jax"], "onnx": ["onnx", "onnxruntime"]}[framework]
    return {name: str(load(name).__version__) for name in [*names, "numpy"]}


def write(topic: Topic, folder: Path) -> int:
    """Write one file, a case a line; return how many bytes."""
    head = {"framework": topic.framework, "topic": topic.name, "versions": versions(topic.framework), "seed": SEED}
    lines = ",\n".join(json.dumps(record, separators=(",", ":")) for record in topic.records)
    text = json.dumps(head)[:-1] + ', "cases": [\n' + lines + "\n]}\n"
    text = re.sub(r"(?<=[\[,:])(-?)Infinity(?=[,\]}])", r"\g<1>1e999", text)
    return (folder / f"{topic.framework}-{topic.name}.json").write_text(text, encoding="utf-8")


def say(text: str) -> None:
    sys.stdout.write(text + "\n")


def make(folder: Path) -> int:
    """Write every file; return how many cases."""
    total = size = 0
    for maker in (torch_topics, keras_topics, onnx_topics):
        rng = np.random.default_rng(SEED)
        for topic in maker(rng):
            run_topic(topic)
            size += write(topic, folder)
            total += len(topic.records)
            refused = sum("refuses" in r["expected"] for r in topic.records)
            both = sum(r["also_default"] for r in topic.records)
            say(f"{topic.framework}-{topic.name}: {len(topic.records)} cases, {refused} refused, {both} also default")
    say(f"{total} cases, {size} bytes")
    return total


# ---------------------------------------------------------------------------------------------- emitted code


def run_emitted(framework: str, code: str, x: Array) -> Array:
    """Run emitted source that defines ``pool(x)`` on an array (leading..., spatial...), with the real framework."""
    if framework in ("torch", "keras"):
        load(framework)
    if framework == "onnx":
        load("onnxruntime")
    scope: dict[str, Any] = {"__name__": "emitted"}
    exec(compile(code, f"<emitted {framework}>", "exec"), scope)  # noqa: S102 - running poolcli's own output is the point
    return np.asarray(scope["pool"](x))


def unpacked(data: Any) -> Array:
    """An array from ``{"dtype", "data"}`` or from nested lists; null is NaN."""
    dtype = data.get("dtype") if isinstance(data, dict) else None
    values = np.array(data["data"] if isinstance(data, dict) else data)
    if values.dtype == object:
        values = values.astype(np.float64)
    return values.astype(dtype) if dtype else values


def check_emitted(path: Path, only: Sequence[str]) -> int:
    """Run each ``{framework, code, input, expected}`` of a JSON list; return how many disagree."""
    entries = json.loads(path.read_text(encoding="utf-8"))
    entries = [entry for entry in entries if not only or entry["framework"] in only]
    wrong = 0
    for place, entry in enumerate(entries):
        expected = unpacked(entry["expected"])
        tolerance = 2e-3 if expected.dtype == np.float16 else 1e-5
        try:
            found = run_emitted(entry["framework"], entry["code"], unpacked(entry["input"]))
            good = found.shape == expected.shape and np.allclose(
                found.astype(np.float64), expected.astype(np.float64), rtol=tolerance, atol=1e-6, equal_nan=True
            )
            story = "" if good else f"expected {expected.tolist()}, found {found.tolist()}"
        except Exception as error:  # noqa: BLE001 - emitted code is free to fail in any way, and each is a mismatch
            good, story = False, f"{type(error).__name__}: {error}"
        if not good:
            wrong += 1
            say(f"{place} {entry['framework']} {entry.get('id', '')}: {story}\n{entry['code']}")
    say(f"{len(entries) - wrong} of {len(entries)} emitted programs agree")
    return wrong


def installed(folder: Path, packages: Sequence[str]) -> Path:
    """Return the interpreter of an environment that holds these packages; it is made where there is none."""
    mark = folder / "installed.txt"
    python = folder / ("Scripts" if os.name == "nt" else "bin") / "python"
    if not mark.exists() or mark.read_text(encoding="utf-8").split() != list(packages):
        venv.create(folder, with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *packages], check=True)
        mark.write_text("\n".join(packages), encoding="utf-8")
    return python


def check_in_environments(folder: Path, path: Path, only: Sequence[str]) -> int:
    """Run the emitted programs of every runtime in its environment; return in how many one fails."""
    wrong = 0
    for name, (packages, runtimes) in ENVIRONMENTS.items():
        wanted = [runtime for runtime in runtimes if not only or runtime in only]
        if wanted:
            python = installed(folder / name, packages)
            command = [str(python), __file__, "--check-emitted", str(path), "--only", ",".join(wanted)]
            say(f"{name}: {' '.join(packages)}")
            wrong += subprocess.run(command, check=False).returncode != 0
    return wrong


def main() -> int:
    """Write the files, or check emitted code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE, help="folder for the JSON files")
    parser.add_argument("--check-emitted", type=Path, metavar="FILE", help="run emitted code instead")
    parser.add_argument("--only", default="", metavar="NAMES", help="the frameworks whose emitted code to run")
    parser.add_argument("--environments", type=Path, metavar="FOLDER", help="run it in environments made there")
    arguments = parser.parse_args()
    only = arguments.only.split(",") if arguments.only else ()
    if arguments.environments:
        if not arguments.check_emitted:
            parser.error("--environments needs --check-emitted")
        return min(1, check_in_environments(arguments.environments, arguments.check_emitted, only))
    if arguments.check_emitted:
        return min(1, check_emitted(arguments.check_emitted, only))
    make(arguments.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())

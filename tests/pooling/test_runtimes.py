"""Every recorded answer of the runtimes that `compat` knows: poolcli gives the same, or refuses with a reason.

`tests/golden/runtimes.jsonl` holds what LiteRT, TensorFlow, OpenVINO, Paddle, Flax, onnxruntime and PyTorch answered,
one case a line. What poolcli has no name for, such as a fused activation, is left out by rule and counted.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from poolcli import pool
from poolcli.errors import PoolcliError
from poolcli.pooling.frameworks import FRAMEWORKS
from tests.support.golden import GOLDEN
from tests.support.process import ROOT

Case = dict[str, Any]
Call = dict[str, Any]
WORDS = {"SAME": "same", "VALID": "valid", "SAME_LOWER": "same-lower"}


def cases() -> list[Case]:
    return [json.loads(line) for line in (GOLDEN / "runtimes.jsonl").read_text(encoding="utf-8").splitlines()]


def numbers(data: Any, dtype: str) -> NDArray[Any]:
    """An array of nested lists in which text stands for what JSON has no number for."""
    words = {"NaN": math.nan, "inf": math.inf, "-inf": -math.inf}
    array = np.array(data, object)
    flat = [words[v] if v in words else float(v) if isinstance(v, str) else v for v in array.ravel()]
    return np.array(flat, dtype).reshape(array.shape)


def sliding(parameters: Case) -> Call:
    """The window in poolcli's words; a recording says k, s, d, p or pads."""
    size = parameters["k"]
    call: Call = {"size": tuple(size) if isinstance(size, list) else size}
    for ours, theirs in (("stride", ("s", "stride", "strides")), ("dilation", ("d", "dilation"))):
        found = next((parameters[name] for name in theirs if parameters.get(name) is not None), None)
        if found is not None:
            call[ours] = tuple(found) if isinstance(found, list) else found
    pads = parameters.get("p", parameters.get("pads"))
    if isinstance(parameters.get("padding"), str):
        call["padding"] = WORDS[parameters["padding"]]
    elif isinstance(parameters.get("padding"), list):
        call["padding"] = tuple(map(tuple, parameters["padding"]))
    elif isinstance(pads, list) and "p" not in parameters:
        call["padding"] = tuple(zip(pads[::2], pads[1::2], strict=True))
    elif pads is not None:
        call["padding"] = tuple(pads) if isinstance(pads, list) else pads
    return call


def litert(case: Case) -> Call | None:
    operator, given = case["operator"].split()[0], case["parameters"]
    words = ("relu", "scale", "rescale", "no quant", "unquantised", "2ch", "empty")
    if any(word in case["operator"] for word in words):
        return None
    mode = {
        "MAX": "max",
        "MAX_POOL_2D": "max",
        "AVG": "avg",
        "AVERAGE_POOL_2D": "avg",
        "MEAN": "avg",
        "L2_POOL_2D": "rms",
    }
    compat = "litert" if given.get("resolver", "xnnpack") == "xnnpack" else "litert:builtin"
    if operator == "MEAN":
        return {"mode": "avg", "global_window": True, "compat": compat}
    return {"mode": mode[operator], "compat": compat, **sliding(given)}


def tensorflow(case: Case) -> Call | None:
    operator, given = case["operator"], case["parameters"]
    if any(
        word in operator
        for word in ("NCHW", "empty", "fractional", "XLA", "3d", "C channels", "4 channels", "all -inf")
    ):
        return None
    mode = "avg" if operator.lower().startswith(("avg", "tf.nn.pool avg")) else "max"
    call = {"mode": mode, "compat": "tensorflow", "return_indices": "argmax" in operator, **sliding({"k": 2, **given})}
    if "default" not in operator:
        call.setdefault("stride", call["size"])
    if "dilations" in operator:
        call["padding"] = "same"
    return call if np.ndim(case["input"]) < 3 else None


def openvino(case: Case) -> Call | None:
    operator, given = case["operator"], case["parameters"]
    if operator.startswith(("convert", "ONNX")) or "axis" in given or ("Adaptive" in operator and "error" in case):
        return None
    mode = "avg" if "Avg" in operator else "max"
    rounding = given.get("rounding", "floor")
    call: Call = {"mode": mode, "compat": "openvino" if rounding == "floor" else f"openvino:{rounding}"}
    call["return_indices"] = isinstance(case.get("dtype"), list)
    if "out" in given:
        return {**call, "output_size": (given["out"],)}
    if given.get("pads") == "(1,0),(1,0)":
        given = {**given, "pads": [1, 1, 0, 0]}
    call |= sliding(given)
    call["padding"] = {"same_upper": "same", "same_lower": "same-lower"}.get(
        given.get("auto_pad"), call.get("padding", 0)
    )
    if mode == "avg":
        call["count_include_pad"] = not given.get("exclude_pad", "include" not in operator)
    return call


def paddle(case: Case) -> Call | None:
    operator, given = case["operator"], case["parameters"]
    if "fractional" in operator or case["input"] is None or (given.get("padding") == "VALID" and given.get("ceil")):
        return None
    mode = "max" if "max" in operator else "avg" if "avg" in operator else f"lp:{given['p']}"
    call: Call = {"mode": mode, "compat": "paddle", "return_indices": isinstance(case.get("dtype"), list)}
    if operator.startswith("adaptive"):
        return {**call, "output_size": (given["o"],)}
    call |= sliding({name: value for name, value in given.items() if not (name == "p" and "lp" in operator)})
    call["ceil_mode"] = bool(given.get("ceil"))
    if mode == "avg":
        call["count_include_pad"] = not given.get("exclusive", "exclusive=False" not in operator)
        call["divisor_override"] = given.get("divisor_override")
    return call


def flax(case: Case) -> Call | None:
    operator, given = case["operator"], case["parameters"]
    foreign = (
        ("base_dilation", "bfloat16", "empty", "add", "max int32")
        if operator.startswith("lax")
        else ("bfloat16", "empty")
    )
    if any(word in operator for word in foreign) or "window_dilation" in given or given.get("padding") == [[-1, 0]]:
        return None
    mode = next(name for name in ("avg", "max", "min") if name in operator)
    counted = {"count_include_pad": given["count_include_pad"]} if "count_include_pad" in given else {}
    return {"mode": mode, "compat": "flax", **sliding(given), **counted}


def onnxruntime(case: Case) -> Call | None:
    operator, given = case["operator"], case["parameters"]
    if operator not in ("MaxPool", "AveragePool", "GlobalMaxPool", "MaxPool with indices", "MaxPool NaN position"):
        return None
    call: Call = {"mode": "avg" if "Average" in operator else "max", "compat": "onnx"}
    if operator == "GlobalMaxPool":
        return {**call, "global_window": True}
    call |= sliding(given)
    call["ceil_mode"] = bool(given.get("ceil_mode"))
    call["return_indices"] = "indices" in operator
    return call | ({"count_include_pad": bool(given["count_include_pad"])} if "count_include_pad" in given else {})


def torch(case: Case) -> Call | None:
    operator, given = case["operator"], case["parameters"]
    if "divisor_override" not in operator or case["input"] is None or "3d" in operator:
        return None
    call = {"mode": "avg", "compat": "torch", **sliding(given), "ceil_mode": bool(given.get("ceil"))}
    return call | {name: given[name] for name in ("count_include_pad", "divisor_override") if name in given}


RUNTIMES: Mapping[str, Callable[[Case], Call | None]] = {
    "litert": litert, "tensorflow": tensorflow, "openvino": openvino, "paddle": paddle, "jax/flax": flax,
    "onnxruntime": onnxruntime, "torch": torch,
}  # fmt: skip


def asked(case: Case) -> tuple[NDArray[Any], Call] | None:
    """The input and the call of a case, or None where poolcli has no word for it."""
    if case.get("error", "").startswith("TypeError: int()"):  # the recording failed, not the runtime
        return None
    call = RUNTIMES[case["runtime"]](case) if case["runtime"] in RUNTIMES else None
    if call is None or case["input"] is None:
        return None
    known = [
        word for word in case["operator"].split() if word in ("int8", "uint8", "int16", "int32", "int64", "float16")
    ]
    dtype = case.get("dtype") or (known[0] if known else "float32")
    dtype = dtype[0] if isinstance(dtype, list) else dtype
    x = numbers(
        case["input"], known[0] if known else "float32" if dtype.startswith("float") and dtype != "float16" else dtype
    )
    if case["runtime"] == "onnxruntime" and "position" in case["operator"]:
        x = x.astype("float32")
    if isinstance(call.get("size"), tuple):
        rank = len(call["size"])
        side = math.isqrt(x.size) if case["parameters"].get("shape") == "3x3" or call["size"] == (2, 2) else None
        x = x.reshape(side, -1) if side and x.ndim == 1 else x.reshape(-1, *[1] * (rank - 1)) if x.ndim < rank else x
        return x, call
    if case["operator"].endswith("mask tie"):
        return x.reshape(2, 2), call
    if case["runtime"] == "onnxruntime":
        return x, {**call, "ndim": max(x.ndim - 2, 1)}
    return x, {**call, "ndim": x.ndim if x.ndim < 3 and "shape" not in case["parameters"] else None}


def attempt(x: NDArray[Any], call: Call) -> tuple[Any, PoolcliError | None]:
    try:
        return pool(x, **call), None
    except PoolcliError as problem:
        return None, problem


def outcome(case: Case) -> str:
    """Whether poolcli answers equally, refuses where the runtime does or with a reason of its own, or has no words."""
    question = asked(case)
    if question is None:
        return "no words"
    x, call = question
    made, problem = attempt(x, call)
    if problem is not None:
        assert problem.message
        assert problem.hint or "error" in case
        return "both refuse" if "error" in case else "refused"
    assert "error" not in case, (call, made)
    values, indices = made if call.get("return_indices") else (made, None)
    recorded = case["output"] if indices is None else case["output"][0]
    known = numbers(recorded, "float64").ravel()
    np.testing.assert_allclose(values.astype(float).ravel(), known, rtol=2e-3 if values.dtype == np.float16 else 1e-5)
    if indices is not None:
        assert indices.ravel().tolist() == numbers(case["output"][1], "int64").ravel().tolist()
    return "equal"


def label(case: Case) -> str:
    return f"{case['runtime']} {case['operator']} {json.dumps(case['parameters'])} {json.dumps(case['input'])[:40]}"


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_recorded_answer_is_equal_or_refused(runtime: str) -> None:
    wrong = {}
    for case in cases():
        if case["runtime"] == runtime:
            try:
                outcome(case)
            except AssertionError as problem:
                wrong[label(case)] = str(problem).strip()
    assert wrong == {}


LEAST = {
    "litert": 181, "tensorflow": 21, "openvino": 79, "paddle": 42, "jax/flax": 24, "onnxruntime": 11, "torch": 10,
}  # fmt: skip


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_how_many_are_equal(runtime: str) -> None:
    counts = Counter(outcome(case) for case in cases() if case["runtime"] == runtime)
    assert counts["equal"] >= LEAST[runtime], counts


@pytest.mark.filterwarnings("ignore::poolcli.errors.UnverifiedWarning")
def test_core_ml_has_the_shapes_that_its_converter_infers() -> None:
    seen = Counter[bool]()
    for case in cases():
        given = case["parameters"]
        if case["runtime"] != "coremltools MIL" or "target" in given:
            continue
        pads = {"custom": tuple(zip((given["pad"] or [])[::2], (given["pad"] or [])[1::2], strict=True)) or "valid"}
        call = {
            "size": given["k"],
            "stride": given["s"],
            "ceil_mode": given["ceil_mode"],
            "compat": "coreml",
            "ndim": 1,
        }
        call["padding"] = pads.get(given["pad_type"], given["pad_type"].replace("_", "-"))
        made, problem = attempt(np.ones(given["L"]), {"mode": "max", "ndim": 1, **call})
        if problem is None:
            assert "error" not in case, call
            assert len(made) == case["output"][-1], call
        seen[problem is None] += 1
    assert seen[True] >= 5, seen


def test_every_framework_says_how_it_was_verified() -> None:
    told = (ROOT / "docs" / "frameworks.md").read_text(encoding="utf-8")
    for row in FRAMEWORKS.values():
        assert row.verified
        if row.name not in ("torch", "keras", "onnx"):
            assert all(f"`{name}`" in told for name in (row.name, *row.aliases) if ":" not in name or name == row.name)
            assert f"| {row.verified} |" in told

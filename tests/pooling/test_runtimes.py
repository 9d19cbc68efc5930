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


def unspoken(case: Case, *kinds: str) -> str:
    """The first of these words that the operator has, of which poolcli has no notion."""
    return next((kind for kind in kinds if kind in case["operator"]), "")


def litert(case: Case) -> Call | str:
    operator, given = case["operator"].split()[0], case["parameters"]
    if kind := unspoken(case, "relu", "scale", "unquantised"):
        return kind
    if "empty batch" in case["operator"]:
        given = {"k": 2, **given}
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


def tensorflow(case: Case) -> Call | str:
    operator, given = case["operator"], case["parameters"]
    if kind := unspoken(case, "NCHW", "empty", "fractional size", "fractional_max_pool nan", "XLA"):
        return kind
    if "fractional" in operator:
        if given["overlapping"]:
            return "overlapping fractional windows"
        mode = "avg" if "avg" in operator else "max"
        return {"mode": mode, "size": 1, "output_size": (6, 1), "fractional": True, "compat": "tensorflow",
                "offsets": (OFFSET, 0.0)}  # fmt: skip
    if given.get("include_batch_in_index"):
        return "indices over the batch"
    mode = "avg" if operator.lower().startswith(("avg", "tf.nn.pool avg")) else "max"
    call = {"mode": mode, "compat": "tensorflow", "return_indices": "argmax" in operator, **sliding({"k": 2, **given})}
    if "default" not in operator:
        call.setdefault("stride", call["size"])
    if "dilations" in operator:
        call["padding"] = "same"
    if "3d" in operator:
        call = {"mode": mode, "compat": "tensorflow", "size": (given["k"], 1, 1), "stride": (given["s"], 1, 1)}
        call["padding"] = ((1, 1), (0, 0), (0, 0)) if "explicit" in operator else 0
    return call


def openvino(case: Case) -> Call | str:
    operator, given = case["operator"], case["parameters"]
    if operator.startswith(("convert", "ONNX")):
        return "front ends"
    if given.get("axis"):
        return "indices over some axes"
    if "Adaptive" in operator and "error" in case:
        return "indices of 64 bits, which its compiler refuses"
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


def paddle(case: Case) -> Call | str:
    operator, given = case["operator"], case["parameters"]
    if given.get("padding") == "VALID" and given.get("ceil"):
        return "VALID said beside ceil_mode"
    if kind := unspoken(case, "fractional", "empty batch"):
        return kind
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


def flax(case: Case) -> Call | str:
    operator, given = case["operator"], case["parameters"]
    foreign = (
        "base_dilation",
        "bfloat16",
        "empty batch",
        *(("add", "max int32") if operator.startswith("lax") else ()),
    )
    if kind := unspoken(case, *foreign):
        return kind
    given = {**given, "d": given.get("window_dilation", 1)}
    mode = next(name for name in ("avg", "max", "min") if name in operator)
    counted = {"count_include_pad": given["count_include_pad"]} if "count_include_pad" in given else {}
    return {"mode": mode, "compat": "flax", **sliding(given), **counted}


def onnxruntime(case: Case) -> Call | str:
    operator, given = case["operator"], case["parameters"]
    if kind := unspoken(case, "ReduceMax", "Unpool", "MatMul"):
        return kind
    call: Call = {"mode": "avg" if "Average" in operator else "max", "compat": "onnx"}
    if operator == "GlobalMaxPool":
        return {**call, "global_window": True}
    call |= sliding(given)
    call["ceil_mode"] = bool(given.get("ceil_mode"))
    call["return_indices"] = "indices" in operator
    return call | ({"count_include_pad": bool(given["count_include_pad"])} if "count_include_pad" in given else {})


def torch(case: Case) -> Call | str:
    operator, given = case["operator"], case["parameters"]
    if kind := unspoken(case, "ratio float", "unpool", "fractional both", "fractional ints"):
        return kind
    call: Call = {"mode": "max" if "max" in operator.lower() else "avg", "compat": "torch"}
    call["return_indices"] = "idx" in operator or operator.startswith("fractional o=")
    if "daptive" in operator:
        out = given.get("out", (None, 1, 2) if "3d" in operator else 1 if operator.endswith(" 1") else 2)
        if out is None or ("None)" in operator and "1d" in operator.lower()):
            return "a bare None, which is a TypeError"
        return {**call, "output_size": tuple(out) if isinstance(out, list) else out}
    if "output_ratio" in operator:
        return {
            "mode": "max",
            "fractional": True,
            "size": given["k"],
            "output_ratio": given["ratio"],
            "compat": "torch",
        }
    if operator.startswith("fractional"):
        call |= {"mode": "max", "fractional": True}
        if "o" in given:
            return {**call, "size": (given["k"], 1), "output_size": (given["o"], 1), "offsets": (given["u"], 0.0)}
        return {**call, "size": 2, "output_size": 2}
    if operator.startswith("lp"):
        return {**call, "mode": f"lp:{given.get('p', 2)}", "size": 2}
    words = operator.replace("=", " ").split()
    given = {"k": 3 if "k3" in words else 1 if "k1" in words else 2, "p": int("p1" in words), **given}
    call |= {**sliding(given), "ceil_mode": bool(given.get("ceil"))}
    if "int64" in operator:
        call["size"] = (1, given["k"])
        call["stride"] = None
    if operator.endswith("divisor_override=0"):
        call["divisor_override"] = 0
    return call | {name: given[name] for name in ("count_include_pad", "divisor_override") if name in given}


OFFSET = 0.7  # u, with which TensorFlow's boundaries are those of the recorded seed


RUNTIMES: Mapping[str, Callable[[Case], Call | str]] = {
    "litert": litert, "tensorflow": tensorflow, "openvino": openvino, "paddle": paddle, "jax/flax": flax,
    "onnxruntime": onnxruntime, "torch": torch,
}  # fmt: skip


TYPES = ("int8", "uint8", "int16", "int32", "int64", "float16")


def given_type(case: Case) -> str:
    """The type of the input: said in the name of the operator, or that of the answer."""
    known = [word for word in case["operator"].replace("torch.", "").split() if word in TYPES]
    dtype = case.get("dtype") or "float32"
    dtype = dtype[0] if isinstance(dtype, list) else dtype
    found = known[0] if known else "float32" if dtype.startswith("float") and dtype != "float16" else str(dtype)
    return "float32" if "position" in case["operator"] else found


def cells(case: Case, call: Call) -> NDArray[Any]:
    """The input, its spatial axes last."""
    shape, operator = case["parameters"].get("shape"), case["operator"]
    if "empty batch" in operator:
        return np.ones((0, 4, 4), np.float32)
    if case["input"] is None:
        return np.ones(shape or (1, 1, case["parameters"]["L"], case["parameters"]["L"]), np.float32)
    x = numbers(case["input"], given_type(case))
    size = call.get("size")
    if "argmax" in operator and x.ndim == 4:
        return x.transpose(0, 3, 1, 2)
    if "int64 divisor" in operator:
        return x.reshape(1, -1)
    if isinstance(shape, list):
        return x.reshape(shape)
    if "2ch" in operator:
        return x.reshape(-1, 2).T
    if operator.endswith("mask tie") or (case["runtime"] == "torch" and "2d" in operator and x.ndim == 1):
        return x.reshape(2, 2) if x.size == 4 else x.reshape(-1, 1)
    if isinstance(size, tuple):
        side = math.isqrt(x.size) if shape == "3x3" or size == (2, 2) else None
        x = x.reshape(size) if math.prod(size) == x.size else x
        x = x.reshape(side, -1) if side and x.ndim == 1 else x
        x = x.reshape(-1, *[1] * (len(size) - 1)) if x.ndim < len(size) else x
    return np.stack([x] * case["parameters"].get("C", 1)) if "C" in case["parameters"] else x


def axes_of(case: Case, x: NDArray[Any]) -> int | None:
    """How many axes are spatial, where no size says so."""
    said = next((int(digit) for digit in "123" if f"{digit}d" in case["operator"].lower()), None)
    if case["runtime"] == "torch":
        return min(said or 2, x.ndim) if x.ndim > 1 else 1
    if case["runtime"] == "onnxruntime":
        return max(x.ndim - 2, 1)
    if x.ndim == 4:
        return 2
    return x.ndim if x.ndim < 3 and "shape" not in case["parameters"] and "2ch" not in case["operator"] else None


def asked(case: Case) -> tuple[NDArray[Any], Call] | str:
    """The input and the call of a case, or why poolcli has no words for it."""
    if case.get("error", "").startswith("TypeError: int()"):
        return "the recording failed, not the runtime"
    if case["runtime"] not in RUNTIMES:
        return f"no row for {case['runtime']}"
    call = RUNTIMES[case["runtime"]](case)
    if isinstance(call, str):
        return f"{case['runtime']}: {call}"
    x = cells(case, call)
    if isinstance(call.get("size"), tuple):
        return x, call
    return x, {**call, "ndim": 1 if "2ch" in case["operator"] else axes_of(case, x)}


def attempt(x: NDArray[Any], call: Call) -> tuple[Any, PoolcliError | None]:
    try:
        return pool(x, **call), None
    except PoolcliError as problem:
        return None, problem


def outcome(case: Case) -> str:
    """Whether poolcli answers equally, refuses where the runtime does or with a reason of its own, or has no words."""
    question = asked(case)
    if isinstance(question, str):
        return question
    x, call = question
    made, problem = attempt(x, call)
    if problem is not None:
        assert problem.message
        assert problem.hint or "error" in case
        return "both refuse" if "error" in case else "refused"
    assert "error" not in case, (call, x.shape, made)
    values, indices = made if call.get("return_indices") else (made, None)
    if case["input"] is None:
        assert list(values.shape) == case["output"]
        return "equal"
    if x.ndim == 4 and "argmax" in case["operator"]:
        values, indices = (part.transpose(0, 2, 3, 1) for part in made)
    pair = indices is not None or call.get("fractional")
    recorded = case["output"][0] if pair else case["output"]
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


ANSWERED = {  # how many records of a runtime are equal, refused with a reason, or refused by both
    "litert": (187, 27, 5), "tensorflow": (27, 27, 10), "openvino": (81, 10, 11), "paddle": (42, 20, 9),
    "jax/flax": (24, 4, 0), "onnxruntime": (13, 33, 0), "torch": (46, 6, 45),
}  # fmt: skip
UNSPOKEN = {  # how many records say what poolcli has no words for, and what that is
    "the recording failed, not the runtime": 3,
    "no row for coremltools MIL": 14,  # shapes only: their own test is below
    "no row for mlx": 32,
    "no row for tinygrad": 46,
    "jax/flax: add": 1,  # lax adds and compares whole numbers, which Flax does not offer as pooling
    "jax/flax: max int32": 1,
    "jax/flax: base_dilation": 1,
    "jax/flax: bfloat16": 1,
    "jax/flax: empty batch": 1,
    "litert: relu": 1,  # a fused activation is a step of its own: poolcli pool ... then relu
    "litert: scale": 9,  # the scales of quantised tensors
    "litert: unquantised": 1,
    "onnxruntime: MatMul": 1,  # operators that are not pooling
    "onnxruntime: ReduceMax": 6,
    "onnxruntime: Unpool": 1,
    "openvino: front ends": 4,  # what its importers make of another framework's layer
    "openvino: indices of 64 bits, which its compiler refuses": 6,
    "openvino: indices over some axes": 2,
    "paddle: VALID said beside ceil_mode": 1,
    "paddle: empty batch": 1,
    "paddle: fractional": 1,
    "tensorflow: NCHW": 2,
    "tensorflow: XLA": 4,  # jit_compile
    "tensorflow: empty": 2,
    "tensorflow: fractional size": 7,  # a ratio
    "tensorflow: fractional_max_pool nan": 1,
    "tensorflow: indices over the batch": 1,
    "tensorflow: overlapping fractional windows": 3,
    "torch: a bare None, which is a TypeError": 4,
    "torch: fractional both": 2,
    "torch: fractional ints": 1,
    "torch: ratio float": 1,  # a TypeError
    "torch: unpool": 2,
}


def test_every_record_is_answered_or_counted_among_what_poolcli_has_no_words_for() -> None:
    counts = Counter((case["runtime"], outcome(case)) for case in cases())
    spoken = ("equal", "refused", "both refuse")
    assert {name: tuple(counts[name, kind] for kind in spoken) for name in RUNTIMES} == ANSWERED
    assert {kind: number for (_, kind), number in counts.items() if kind not in spoken} == UNSPOKEN
    assert sum(counts.values()) == 791


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

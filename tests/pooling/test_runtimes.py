"""Every recorded answer of the runtimes that `compat` knows: poolcli gives the same, or refuses with a reason.

`tests/golden/runtimes.jsonl` holds what LiteRT, TensorFlow, OpenVINO, Paddle, Flax, onnxruntime, PyTorch and others
answered, one case a line. The few that answer no question to poolcli are named in the documents, and counted.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from poolcli import FeatureMap, pool
from poolcli.errors import CompatError, PoolcliError, UsageError
from poolcli.pooling.frameworks import FRAMEWORKS
from poolcli.steps.steps import UnpoolStep
from poolcli.wording import Phrase
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


LITERT_UNSPOKEN = {
    "relu": "a fused RELU6", "rescale": "MEAN with other scales", "unquantised": "MEAN without scales",
}  # fmt: skip


def litert(case: Case) -> Call | str:
    operator, given = case["operator"].split()[0], case["parameters"]
    if kind := next((kind for word, kind in LITERT_UNSPOKEN.items() if word in case["operator"]), None):
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
    if "NCHW" in operator:
        return "channels first"
    if "XLA" in operator:
        return {"mode": "max", "compat": "tensorflow:xla"}
    if operator.startswith("max_pool2d empty"):
        rows = 0 if "axis" in operator else 4
        return {
            "mode": "max",
            "size": 2,
            "stride": 2,
            "compat": "tensorflow",
            "x": np.ones((1 - rows // 4, 1, rows, 4)),
        }
    if "fractional" in operator:
        whole = {"x": np.ones((given["L"], 1))} if "L" in given else {"x": np.array([[1, math.nan, 3, 4]]).T}
        whole = {"x": numbers(case["input"], "float32")[:, None]} if case["input"] else whole
        ratio, compat = given["ratio"], "tensorflow:overlapping" if given.get("overlapping") else "tensorflow"
        return {"mode": "avg" if "avg" in operator else "max", "fractional": True, "compat": compat,
                "output_ratio": tuple(ratio) if isinstance(ratio, list) else (ratio, 1.0),
                "offsets": (OFFSET, 0.0), **whole}  # fmt: skip
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
    if operator.startswith(("convert", "ONNX")):  # what its importers make of a layer of another framework
        rounding = "ceil" if operator.startswith("ONNX frontend max") else "ceil_torch"
        layer = {"mode": "max", "size": 1} if " max " in operator else {"mode": "avg", "size": 3, "padding": 1}
        return {
            **layer,
            "ndim": 1,
            "stride": 2,
            "compat": f"openvino:{rounding}",
            "count_include_pad": "incl" in operator,
        }
    if given.get("axis"):
        return "indices along some axes"
    if "Adaptive" in operator and "error" in case:
        return "indices of 64 bits"
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
        return "VALID with ceil_mode"
    if "fractional" in operator:
        column = numbers(case["input"], "float32")[:, None]
        return {"mode": "max", "fractional": True, "compat": "paddle", "output_size": tuple(given["o"]),
                "offsets": (given["u"], 0.0), "return_indices": True, "x": column}  # fmt: skip
    given = {"k": 2, **given} if "empty batch" in operator else given
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
    if "bfloat16" in operator:  # which NumPy reads as two bytes of nothing
        return {"mode": "avg", "size": 3, "compat": "flax", "x": np.zeros(3, "V2")}
    if "base_dilation" in operator:
        return {"mode": "max", "compat": "lax"}
    if "empty batch" in operator:
        return {"mode": "avg", "size": 2, "stride": 2, "ndim": 1, "compat": "flax", "x": np.ones((0, 1, 4))}
    given = {**given, "d": given.get("window_dilation", 1)}
    mode = next(ours for theirs, ours in FLAX_MODES.items() if theirs in operator)
    counted = {"count_include_pad": given["count_include_pad"]} if "count_include_pad" in given else {}
    return {"mode": mode, "compat": "flax", **sliding(given), **counted}


def onnxruntime(case: Case) -> Call | str:
    operator, given = case["operator"], case["parameters"]
    call: Call = {"mode": "avg" if "verage" in operator else "max", "compat": "onnx"}
    if "Unpool" in operator:
        where = np.array([[[[4, 1], [12, 7]], [[0, 7], [8, 10]]]])  # flat in the plane, as PyTorch has them
        return {"indices": where, "shape": (4, 4), "compat": "onnx"}
    if operator.startswith(("adaptive", "fractional")):
        return {**call, "output_size": (3, 4) if operator.startswith("adaptive") else (6,)}
    if operator in ("GlobalMaxPool", "ReduceMax NaN"):
        return {**call, "global_window": True}
    call |= sliding(given)
    call["ceil_mode"] = bool(given.get("ceil_mode"))
    call["return_indices"] = "indices" in operator
    return call | ({"count_include_pad": bool(given["count_include_pad"])} if "count_include_pad" in given else {})


def torch_fractional(operator: str, given: Case, call: Call) -> Call | str:
    call |= {"mode": "max", "fractional": True, "size": given.get("k", 2)}
    if "ratio float" in operator:
        return "a single ratio"
    if "output_ratio" in operator:
        return {**call, "output_ratio": given["ratio"]}
    if "both" in operator:
        return {**call, "output_size": 3, "output_ratio": 0.5, "x": np.ones((1, 1, 6, 6))}
    if "ints" in operator:
        return {**call, "output_size": 2, "x": np.ones((1, 1, 6, 6), int)}
    if "o" in given:
        return {**call, "size": (given["k"], 1), "output_size": (given["o"], 1), "offsets": (given["u"], 0.0)}
    return {**call, "output_size": 2}


def torch(case: Case) -> Call | str:
    operator, given = case["operator"], case["parameters"]
    if "unpool" in operator:
        shape, twice = given["shape"], tuple(2 * n for n in given["shape"][2:])
        return {"indices": np.zeros(shape, int), "shape": twice, "compat": "torch", "x": np.ones(shape)}
    call: Call = {"mode": "max" if "max" in operator.lower() else "avg", "compat": "torch"}
    call["return_indices"] = "idx" in operator or operator.startswith("fractional o=")
    if "daptive" in operator:
        out = given.get("out", (None, 1, 2) if "3d" in operator else 1 if operator.endswith(" 1") else 2)
        if out is None or ("None)" in operator and "1d" in operator.lower()):
            return {**call, "output_size": "_"}
        return {**call, "output_size": tuple(out) if isinstance(out, list) else out}
    if "ractional" in operator:
        return torch_fractional(operator, given, call)
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


OFFSET = 0.9  # u, with which TensorFlow's boundaries are those of the recorded seed
FLAX_MODES = {"avg": "avg", "max": "max", "min": "min", "add": "sum"}


def without_row(case: Case) -> Call:
    return {"mode": "max", "compat": case["runtime"], "x": np.ones((1, 4))}


RUNTIMES: Mapping[str, Callable[[Case], Call | str]] = {
    "mlx": without_row, "tinygrad": without_row,
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
        return "L2_POOL_2D failed while it was recorded"
    if case["runtime"] not in RUNTIMES:
        return "Core ML's converter gave shapes only"
    call = RUNTIMES[case["runtime"]](case)
    if isinstance(call, str):
        return call
    x = call.pop("x") if "x" in call else cells(case, call)
    if isinstance(call.get("size"), tuple) or "ndim" in call or "indices" in call:
        return x, call
    return x, {**call, "ndim": 1 if "2ch" in case["operator"] else axes_of(case, x)}


def unpooled(x: NDArray[Any], indices: NDArray[Any], shape: Sequence[int], compat: str) -> NDArray[Any]:
    step = UnpoolStep({"size": 2, "stride": 2, "output_size": tuple(shape), "compat": compat})
    return step.apply(replace(FeatureMap(x, "NCHW"), indices=indices)).values


def attempt(x: NDArray[Any], call: Call) -> tuple[Any, PoolcliError | None]:
    try:
        return unpooled(x, **call) if "indices" in call else pool(x, **call), None
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
        assert problem.hint or "error" in case
        assert type(problem) is not UsageError or any(why in problem.message for why in AT_FAULT), problem.message
        return "both refuse" if "error" in case else "refused"
    assert "error" not in case, (call, x.shape, made)
    values, indices = made if call.get("return_indices") else (made, None)
    if case["input"] is None:
        axis = -1 if case["runtime"] in ("tensorflow", "jax/flax") and values.ndim > 2 else 1
        shape = np.moveaxis(values, 1, axis).shape
        assert case["output"] in (list(shape), [1, *shape, 1][: 2 + len(shape)], values.tolist())
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


# what a refusal is about that is the caller's own fault, whatever the framework
AT_FAULT = ("is less than", "is not between 0 and 1", "must not be 0", "goes not with", "is not a whole number")


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
    "litert": (193, 27, 5), "tensorflow": (39, 31, 11), "openvino": (85, 10, 11), "paddle": (43, 21, 9),
    "jax/flax": (26, 7, 0), "onnxruntime": (13, 41, 0), "torch": (47, 7, 52), "mlx": (0, 29, 3), "tinygrad": (0, 44, 2),
}  # fmt: skip
RECORDED_ONLY = {  # how many records answer nothing that poolcli can be asked, and the words for it in the documents
    "L2_POOL_2D failed while it was recorded": 3,
    "Core ML's converter gave shapes only": 14,  # their own test is below
    "a fused RELU6": 1,
    "MEAN with other scales": 3,
    "MEAN without scales": 1,
    "indices of 64 bits": 6,
    "indices along some axes": 2,
    "VALID with ceil_mode": 1,
    "channels first": 2,
    "indices over the batch": 1,
    "a single ratio": 1,
}


def test_every_record_is_answered_or_named_in_the_documents() -> None:
    counts = Counter((case["runtime"], outcome(case)) for case in cases())
    spoken = ("equal", "refused", "both refuse")
    assert {name: tuple(counts[name, kind] for kind in spoken) for name in RUNTIMES} == ANSWERED
    assert {kind: number for (_, kind), number in counts.items() if kind not in spoken} == RECORDED_ONLY
    assert sum(counts.values()) == 791
    told = (ROOT / "docs" / "frameworks.md").read_text(encoding="utf-8").replace("\n", " ")
    assert [kind for kind in RECORDED_ONLY if f"{kind}:" not in told] == []


INTEGERS = re.compile("int|bool")


@pytest.mark.parametrize(("name", "nearest", "number"), [("mlx", "flax", 11), ("tinygrad", "torch", 13)])
def test_the_hint_of_what_has_no_row_names_a_row_that_gives_the_same(name: str, nearest: str, number: int) -> None:
    """Of floats, without NaN, where the stride is said and the other framework does not refuse the layer."""
    with pytest.raises(CompatError, match="poolcli does not follow") as caught:
        pool(np.ones(4), compat=name)
    assert str(Phrase("{compat}", compat=nearest)) in str(caught.value.hint)
    equal = 0
    for case in cases():
        operator, given = case["operator"], {"s": None, "padding": 0, **case["parameters"]}
        plain = (
            case["runtime"] == name
            and case.get("dtype") == "float32"
            and "k" in given
            and not INTEGERS.search(operator)
        )
        if not plain or "NaN" in str(case["input"]):
            continue
        given["p"] = given.get("p", given["padding"])
        call = {"stride": given["k"], **{key: value for key, value in sliding(given).items() if value is not None}}
        call |= {"mode": "avg" if "avg" in operator.lower() else "max", "ceil_mode": bool(given.get("ceil"))}
        call |= {"count_include_pad": given["include"]} if "include" in given else {}
        made, problem = attempt(numbers(case["input"], "float32"), {**call, "compat": nearest, "ndim": 1})
        if problem is None:
            np.testing.assert_allclose(made, numbers(case["output"], "float32"), rtol=1e-5)
            equal += 1
    assert equal == number


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

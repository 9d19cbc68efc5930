"""poolcli gives the answers of torch, Keras and onnxruntime, recorded in tests/golden, and those derived by hand."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

import poolcli
from poolcli import errors
from tests.support.golden import CASES, Case, is_exact, tupled, unpack
from tests.support.rows import in_turn

TOLERANCES = {np.dtype(np.float16): (2e-3, 2e-3), np.dtype(np.float32): (1e-5, 1e-6)}
FINEST = (1e-12, 1e-12)
RECORDED = [case for case in CASES if not case["id"].endswith("-default")]

Array = NDArray[Any]


def answer(case: Case) -> tuple[Array, Array | None]:
    """What poolcli gives: values, and indices where they were asked for."""
    x = unpack(case["input"]["data"], case["input"]["dtype"])
    before = x.copy()
    kwargs = {name: tupled(value) for name, value in case["kwargs"].items()}
    found: Any
    if case["call"] == "unpool":
        shape, places = kwargs["shape"], unpack(case["indices"], "int64")
        if case["framework"] == "onnx":
            # The command line's affair: in Python indices are flat in the plane, in ONNX over the whole tensor.
            places %= int(np.prod(shape))
        found = poolcli.unpool(x, places, shape)
    elif case["call"] == "grad":
        upstream = case.get("upstream")
        found = poolcli.grad(x, unpack(upstream["data"], upstream["dtype"]) if upstream else None, **kwargs)
    else:
        found = poolcli.pool(x, **kwargs)
    np.testing.assert_array_equal(x, before)
    return found if isinstance(found, tuple) else (found, None)


def depends_on_the_machine(case: Case) -> bool:
    """Whether onnxruntime loses the NaN of this float32 case or not by the width of its vectors."""
    kwargs, given = case["kwargs"], case["input"]
    scalar = kwargs.get("return_indices") or kwargs.get("dilation", 1) != 1
    maximal = kwargs.get("compat") == "onnx" and kwargs.get("mode") in ("max", "min") and not scalar
    return maximal and given["dtype"] == "float32" and bool(np.isnan(unpack(given["data"], "float32")).any())


@in_turn("case", CASES)
def test_answer(case: Case) -> None:
    expected = case["expected"]
    if "refuses" in expected or "error" in expected:
        kind = getattr(errors, expected.get("error", "PoolcliError"))
        with pytest.raises(kind) as caught:
            answer(case)
        assert isinstance(caught.value, errors.PoolcliError)
        return
    if depends_on_the_machine(case):
        with pytest.raises(errors.CompatError, match="guarantees nothing for NaN"):
            answer(case)
        return
    values, indices = answer(case)
    known = unpack(expected["data"], expected.get("dtype"))
    assert values.shape == tuple(expected.get("shape", known.shape))
    if "dtype" in expected:
        assert values.dtype == known.dtype
    if is_exact(case, known.dtype):
        np.testing.assert_array_equal(values, known)
    else:
        # float32 answers are compared as such even where the case leaves the dtype open
        rough = np.dtype(np.float32) if "dtype" not in expected else known.dtype
        relative, absolute = TOLERANCES.get(rough, FINEST)
        np.testing.assert_allclose(values, known, rtol=relative, atol=absolute, equal_nan=True)
    if case.get("signed_zero") and "compat" in case["kwargs"]:
        np.testing.assert_array_equal(np.signbit(values), np.signbit(known))
    if "indices" in expected:
        assert indices is not None
        np.testing.assert_array_equal(indices, unpack(expected["indices"], "int64"))


def test_ids_are_unique() -> None:
    assert [name for name, count in Counter(case["id"] for case in CASES).items() if count > 1] == []


def test_there_are_enough_cases_of_every_framework() -> None:
    counts = Counter(case["framework"] for case in RECORDED)
    assert sum(counts.values()) >= 600
    assert counts["torch"] >= 300
    assert counts["keras"] >= 150
    assert counts["onnx"] >= 200
    assert counts["rule"] >= 150


@pytest.mark.parametrize(
    ("framework", "modes"),
    [
        ("torch", "max min avg sum lp"),
        ("keras", "max min avg"),
        ("onnx", "max min avg lp"),
        (
            "rule",
            "max min avg sum median majority range std var rms lp percentile logavgexp soft mixed stochastic l2 mode",
        ),
    ],
)
def test_every_mode_occurs(framework: str, modes: str) -> None:
    found = {str(case["kwargs"].get("mode", "max")).partition(":")[0] for case in RECORDED if is_of(case, framework)}
    assert set(modes.split()) <= found


@pytest.mark.parametrize(
    ("framework", "options"),
    [
        (
            "torch",
            "size stride padding dilation ceil_mode count_include_pad output_size global_window fractional "
            "return_indices ndim compat",
        ),
        ("keras", "size stride padding dilation ceil_mode output_size global_window ndim compat"),
        ("onnx", "size stride padding dilation ceil_mode count_include_pad global_window return_indices storage_order"),
        ("rule", "pad_fill nan seed fractional size stride padding dilation ceil_mode count_include_pad output_size"),
    ],
)
def test_every_option_occurs(framework: str, options: str) -> None:
    found = {name for case in RECORDED if is_of(case, framework) for name in case["kwargs"]}
    assert set(options.split()) <= found


PAIRED = ("size", "stride", "padding", "dilation", "ceil_mode", "count_include_pad", "return_indices", "ndim")
IMPOSSIBLE = {("count_include_pad", "return_indices")}  # an average has no indices


@pytest.mark.parametrize("pair", [p for p in itertools.combinations(PAIRED, 2) if p not in IMPOSSIBLE], ids="-".join)
def test_every_pair_of_options_occurs(pair: tuple[str, str]) -> None:
    answered = [case for case in RECORDED if case["framework"] != "rule" and "data" in case["expected"]]
    assert sum(all(name in case["kwargs"] for name in pair) for case in answered) >= 5


def test_every_call_dtype_and_dimension_occurs() -> None:
    assert {case["call"] for case in RECORDED} == {"pool", "grad", "unpool"}
    dtypes = {case["input"]["dtype"] for case in RECORDED}
    assert {"float16", "float32", "float64", "int32", "int64", "uint8", "int8", "bool", "uint64"} <= dtypes
    assert {case["id"][-2:] for case in RECORDED if case["framework"] == "torch"} == {"1d", "2d", "3d"}


def is_of(case: Case, framework: str) -> bool:
    return bool(case["framework"] == framework)

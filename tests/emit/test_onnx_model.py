"""The model itself, written by ``--emit onnx -o model.onnx``, checked by ONNX's checker and run by onnxruntime."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poolcli.emit import emit_model
from poolcli.errors import ShapeError, UsageError
from poolcli.steps.steps import PoolStep
from tests.support.extras import needs
from tests.support.process import Run

needs("onnx", "onnxruntime", extra="onnx")


def ran(path: Path, x: Any) -> list[Any]:
    """What onnxruntime makes of an array."""
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    made: list[Any] = session.run(None, {"x": x})
    return made


def shapes(path: Path) -> tuple[list[Any], list[Any]]:
    import onnxruntime

    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    return session.get_inputs()[0].shape, session.get_outputs()[0].shape


@pytest.mark.parametrize("options", [
    ["--mode", "avg", "--output-size", "3x4"],
    ["--mode", "max", "--size", "3", "--stride", "2", "--padding", "1"],
    ["--mode", "avg", "--size", "3", "--stride", "2", "--padding", "same", "--count-include-pad"],
    ["--mode", "rms", "--global"],
    ["--mode", "max", "--size", "2", "--fractional", "--output-size", "3", "--seed", "7"],
])  # fmt: skip
def test_a_model_for_the_shape_of_an_input(call: Run, tmp_path: Path, options: list[str]) -> None:
    x = np.random.default_rng(0).normal(size=(2, 3, 9, 10)).astype(np.float32)
    source, model = tmp_path / "x.npy", tmp_path / "m.onnx"
    np.save(source, x)
    result = call("pool", *options, "--emit", "onnx", "-o", model, source)
    assert (result.code, result.out) == (0, "")
    assert result.err.splitlines()[0] == (f"wrote {model} (an ONNX model of float32 for maps of 9x10, channels first)")
    values = np.asarray(call("pool", *options, "--json", source).data())
    (made,) = ran(model, x)
    np.testing.assert_allclose(made, values, rtol=1e-5, atol=1e-6)
    assert shapes(model) == (["N", "C", 9, 10], ["N", "C", *values.shape[2:]])
    (again,) = ran(model, x[:1, :2])  # any number of maps and channels
    np.testing.assert_array_equal(again, made[:1, :2])


def test_a_model_for_maps_of_any_size(call: Run, tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    result = call("pool", "--size", "3", "--stride", "2", "--emit", "onnx", "-o", model)
    assert result.err == (
        f"wrote {model} (an ONNX model of float32, channels first)\n"
        "note: the model does not refuse NaN, though onnxruntime's MaxPool loses NaN\n"
    )
    assert shapes(model)[0] == ["N", "C", "H", "W"]
    x = np.random.default_rng(0).normal(size=(1, 1, 7, 8)).astype(np.float32)
    np.testing.assert_array_equal(ran(model, x)[0], PoolStep("max", 3, {"stride": 2}).layer(2).apply(x)[0])


@pytest.mark.parametrize("options", [
    {"stride": 2, "padding": 1, "ceil_mode": True, "divisor_override": 1},
    {"stride": 1, "padding": 1, "dilation": 2},
    {"stride": 1, "padding": 1, "dilation": 2, "count_include_pad": True},
])  # fmt: skip
@pytest.mark.parametrize("ndim", [1, 2, 3])
def test_divisors_and_dilated_averages(tmp_path: Path, options: Any, ndim: int) -> None:
    x = np.arange(7**ndim, dtype=np.float32).reshape(1, 1, *[7] * ndim)
    step, path = PoolStep("avg", 3, options), tmp_path / "m.onnx"
    path.write_bytes(emit_model([step], ndim, "onnx", x.shape[2:])[0])
    values = step.layer(ndim).apply(x)[0]
    np.testing.assert_allclose(ran(path, x)[0], values, rtol=1e-6)
    assert shapes(path)[1][2:] == list(values.shape[2:])


def test_a_filter_and_indices_in_a_model(call: Run, tmp_path: Path) -> None:
    model = tmp_path / "m.onnx"
    options = ["--filter", "sobel-x", "--relu", "--size", "2", "--stride", "2", "--compat", "onnx"]
    call("pool", *options, "--indices", "--emit", "onnx", "-o", model)
    x = np.random.default_rng(0).normal(size=(2, 1, 7, 8)).astype(np.float32)
    source = tmp_path / "x.npy"
    np.save(source, x)
    told = call("pool", *options, "--indices", "--json", source).json()
    values, where = ran(model, x)
    np.testing.assert_allclose(values, told["data"], rtol=1e-6)
    np.testing.assert_array_equal(where, told["indices"])


def test_what_poolcli_layers_says_of_its_own_model(call: Run, tmp_path: Path) -> None:
    model, source = tmp_path / "m.onnx", tmp_path / "x.npy"
    np.save(source, np.zeros((5, 7), np.float32))
    call("pool", "--mode", "avg", "--output-size", "3x4", "--emit", "onnx", "-o", model, source)
    (layer,) = call("layers", "--json", model).json()["layers"]
    assert (layer["operator"], layer["input"], layer["output"]) == ("AveragePool", ["N", "C", 9, 12], ["N", "C", 3, 4])


def test_what_no_model_can_be(call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    step = PoolStep("avg", None, {"output_size": 3})
    with pytest.raises(UsageError, match="the model depends on the size of the map"):
        emit_model([step], 2, "onnx")
    with pytest.raises(UsageError, match="indices count over the whole tensor"):
        emit_model([PoolStep("max", 2, {}, indices=True)], 2, "onnx")
    with pytest.raises(ShapeError, match="larger than the input"):
        emit_model([PoolStep("max", 9)], 2, "onnx", (4, 4))
    monkeypatch.setitem(sys.modules, "onnx.checker", None)
    with pytest.raises(UsageError, match="needs the package onnx") as problem:
        emit_model([step], 2, "onnx", (4, 4))
    assert problem.value.hint == "install it: pip install 'poolcli[onnx]'"
    result = call("pool", "--emit", "onnx", "--output-size", "3", "-o", tmp_path / "m.onnx")
    assert result.err.splitlines()[1] == "hint: name an INPUT of that size"

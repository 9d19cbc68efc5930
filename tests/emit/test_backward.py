"""Code for the way back, gradients and unpooling, run in PyTorch where it is installed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poolcli import grad, pool, unpool
from poolcli.emit import emit
from poolcli.errors import UsageError
from poolcli.pooling.gradient import unpool_as
from poolcli.steps.steps import GradStep, PoolStep, ReluStep, UnpoolStep
from tests.support.extras import needs
from tests.support.process import Run
from tests.support.programs import namespace

STACK = "[[[1,2,3,4,5],[5,6,7,8,9]],[[3,1,4,1,5],[9,2,6,5,3]]]"
LAYERS: list[tuple[str, int | None, Any]] = [
    ("max", 2, {}), ("min", 3, {"stride": 1}), ("avg", 3, {"stride": 2, "padding": 1}), ("sum", 2, {"stride": 1}),
    ("avg", 3, {"stride": 2, "padding": 1, "ceil_mode": True, "compat": "torch"}),
    ("max", None, {"output_size": (2, 3)}),
    ("avg", None, {"global_window": True}), ("max", 2, {"stride": 1, "dilation": 2}),
    ("avg", 2, {"padding": 1, "pad_fill": "reflect"}), ("avg", 2, {"divisor_override": 3}),
]  # fmt: skip


@pytest.mark.parametrize("words", [
    ["grad", "in.json"], ["unpool", "in.json"], ["grad", "--upstream", "in.json", "other.json"],
])  # fmt: skip
def test_code_never_replaces_a_file_that_the_command_reads(call: Run, tmp_path: Path, words: list[str]) -> None:
    for name in ("in.json", "other.json"):
        (tmp_path / name).write_text("[[1,2],[3,4]]")
    result = call(*words, "--emit", "torch", "-o", "in.json", cwd=tmp_path)
    assert (result.code, (tmp_path / "in.json").read_text()) == (2, "[[1,2],[3,4]]")
    assert "the output in.json is the input in.json" in result.err


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "size", "options"), LAYERS)
def test_pytorch_works_out_the_same_gradient(mode: str, size: int | None, options: Any) -> None:
    pytest.importorskip("torch")
    x = np.random.default_rng(7).permutation(84).reshape(2, 6, 7) / 8
    code = emit([GradStep(PoolStep(mode, size, options))], 2, "torch")
    np.testing.assert_allclose(namespace(code)["pool"](x), grad(x, mode=mode, size=size, ndim=2, **options), rtol=1e-6)


def test_the_command_prints_it(call: Run) -> None:
    code = call("grad", "--emit", "torch", "--mode", "avg", "--size", "2").out
    assert code.startswith("# poolcli: the gradient of avg 2x2, stride 2x2")
    assert "requires_grad=True" in code
    assert code.endswith("return leaf.grad.numpy()\n")
    there = call("grad", "--emit", "torch", "--layout", "L", "--size", "2", "-", stdin="[1,2,3,4]")
    assert "F.max_pool1d" in there.out


@pytest.mark.parametrize(
    ("target", "steps", "why"),
    [
        ("numpy", [GradStep()], "its gradient is not available here"),
        ("torch", [GradStep(PoolStep("median", 3))], "mode median has no gradient here"),
        ("torch", [GradStep(PoolStep("lp:2", 2))], "NaN where the norm is 0"),
        ("torch", [ReluStep(), GradStep()], "the gradient of a single layer"),
        ("torch", [GradStep(PoolStep(), np.ones((1, 1)))], "with ones upstream"),
        ("numpy", [UnpoolStep()], "its unpooling is not available here"),
        ("onnx", [UnpoolStep({"compat": "keras"})], "count rows first"),
        ("onnx", [UnpoolStep({"padding": "same"})], "wants padding in cells"),
        ("torch", [UnpoolStep({"compat": "onnx"})], "counts in the plane, rows first"),
        ("torch", [UnpoolStep({"padding": "same"})], "the same padding on both sides"),
    ],
)
def test_what_has_no_code(target: str, steps: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        emit(steps, 2, target)


@pytest.mark.parametrize(("shape", "size"), [((2, 9), 2), ((2, 5, 6), 2), ((1, 4, 4, 6), 2)])
def test_pytorch_puts_the_same_values_back(shape: tuple[int, ...], size: int) -> None:
    pytest.importorskip("torch")
    x = np.random.default_rng(8).normal(size=shape)
    values, where = pool(x, size=size, ndim=x.ndim - 1, return_indices=True)
    code = emit([UnpoolStep({"size": size, "output_size": shape[1:]})], x.ndim - 1, "torch")
    np.testing.assert_array_equal(namespace(code)["pool"](values, where), unpool(values, where, shape[1:]))


def test_the_command_prints_unpooling(call: Run) -> None:
    made = call("pool", "--indices", "--json", "-", stdin="1,2,3,4,5\n5,6,7,8,9\n").out
    assert json.loads(made)["unpool"]["shape"] == [2, 5]
    known = call("unpool", "--emit", "torch", "-", stdin=made).out
    assert "F.max_unpool2d(t, i, kernel_size=(2, 2), stride=(2, 2), output_size=(2, 5))" in known
    said = call("unpool", "--emit", "torch", "-k", "3x3", "-s", "2x2", "-p", "1x1").out
    assert "F.max_unpool2d(t, i, kernel_size=(3, 3), stride=(2, 2), padding=(1, 1))" in said
    turned = call("unpool", "--emit", "torch", "--layout", "HWC", "-k", "2")
    assert (turned.code, "its two inputs have their spatial axes last" in turned.err) == (2, True)


@pytest.mark.parametrize(
    ("shape", "options"),
    [
        ((2, 9), {"size": 2, "output_size": (9,)}),
        ((2, 3, 5, 6), {"size": 2, "output_size": (5, 6)}),
        ((4, 6), {"size": 2}),
        ((2, 5, 7), {"size": 3, "stride": 2, "padding": 1}),
        ((2, 1, 5, 6), {"size": 2, "stride": 1}),
        ((1, 4, 4, 6), {"size": 2, "output_size": (4, 4, 7)}),
    ],
)
@pytest.mark.parametrize("compat", [None, "onnx"])
def test_onnxruntime_puts_the_same_values_back(
    shape: tuple[int, ...], options: dict[str, Any], compat: str | None
) -> None:
    needs("onnx", "onnxruntime", extra="onnx")
    ndim = len(options.get("output_size", (2, 2)))
    x = np.random.default_rng(8).normal(size=shape).astype(np.float32)
    record = {"stride": options["size"], **options, "compat": compat}
    if compat and options.get("output_size"):  # its indices count in what the windows imply
        even: Any = (..., *(slice(length // 2 * 2) for length in shape[-ndim:]))
        x = x[even]
    layer: Any = {key: value for key, value in record.items() if key != "output_size"}
    values, where = pool(x, ndim=ndim, return_indices=True, **layer)
    step = UnpoolStep(record)
    here = unpool_as(values, where, ndim, step.per_axis(ndim))
    np.testing.assert_array_equal(namespace(emit([step], ndim, "onnx"))["pool"](values, where), here)


@pytest.mark.parametrize("compat", ["torch", "onnx"])
def test_onnx_takes_what_pool_wrote(call: Run, tmp_path: Path, compat: str) -> None:
    """The record says which shape was pooled, and whose indices these are."""
    needs("onnx", "onnxruntime", extra="onnx")
    made = call("pool", "--indices", "--json", "-s", "2", "--compat", compat, "-", stdin=STACK).out
    code = call("unpool", "--emit", "onnx", "-", stdin=made).out
    known = json.loads(made)
    there = namespace(code)["pool"](np.array(known["data"]), np.array(known["indices"]))
    assert there.tolist() == call("unpool", "--json", "-", stdin=made).data()


def test_a_model_that_puts_values_back(call: Run, tmp_path: Path) -> None:
    needs("onnx", "onnxruntime", extra="onnx")
    import onnxruntime

    path = tmp_path / "m.onnx"
    done = call("unpool", "--emit", "onnx", "--compat", "onnx", "-k", "2", "-s", "2", "-o", path)
    assert (done.code, done.err) == (0, f"wrote {path} (an ONNX model of float32, channels first)\n")
    x = np.random.default_rng(8).normal(size=(2, 3, 4, 6)).astype(np.float32)
    values, where = pool(x, stride=2, compat="onnx", return_indices=True)
    (there,) = onnxruntime.InferenceSession(path).run(None, {"x": values, "i": where})
    np.testing.assert_array_equal(there, np.where(there == x, x, 0))
    assert (there != 0).sum() == values.size
    refused = call("unpool", "--emit", "onnx", "-k", "2", "-o", path, "--overwrite")
    assert (refused.code, "indices count over the whole tensor" in refused.err) == (2, True)

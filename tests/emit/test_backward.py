"""Code for the way back, gradients and unpooling, run in PyTorch where it is installed."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from poolcli import grad, pool, unpool
from poolcli.emit import emit
from poolcli.errors import UsageError
from poolcli.steps.steps import GradStep, PoolStep, ReluStep, UnpoolStep
from tests.support.process import Run
from tests.support.programs import namespace

LAYERS: list[tuple[str, int | None, Any]] = [
    ("max", 2, {}), ("min", 3, {"stride": 1}), ("avg", 3, {"stride": 2, "padding": 1}), ("sum", 2, {"stride": 1}),
    ("avg", 3, {"stride": 2, "padding": 1, "ceil_mode": True, "compat": "torch"}),
    ("max", None, {"output_size": (2, 3)}),
    ("avg", None, {"global_window": True}), ("max", 2, {"stride": 1, "dilation": 2}),
    ("avg", 2, {"padding": 1, "pad_fill": "reflect"}), ("avg", 2, {"divisor_override": 3}),
]  # fmt: skip


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
        ("numpy", [GradStep()], "it has no way back here"),
        ("torch", [GradStep(PoolStep("median", 3))], "mode median has no gradient here"),
        ("torch", [GradStep(PoolStep("lp:2", 2))], "NaN where the norm is 0"),
        ("torch", [ReluStep(), GradStep()], "the gradient is that of one layer"),
        ("torch", [GradStep(PoolStep(), np.ones((1, 1)))], "with ones arriving"),
        ("numpy", [UnpoolStep()], "it has no unpooling here"),
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

"""Code that works a gradient out, run in PyTorch where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poolcli import grad
from poolcli.emit import emit
from poolcli.errors import UsageError
from poolcli.steps.steps import GradStep, PoolStep, ReluStep
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
    ],
)
def test_what_has_no_code(target: str, steps: Any, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        emit(steps, 2, target)

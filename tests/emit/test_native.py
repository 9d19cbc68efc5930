"""Code of one native call for the runtimes; `tests/golden/make_golden.py --check-emitted` runs it in them."""

from __future__ import annotations

from typing import Any

import pytest

from poolcli.emit import emit
from poolcli.errors import UsageError
from poolcli.steps.steps import PoolStep, ReluStep, Step
from tests.support.process import Run

LINES: list[tuple[str, str, Any, int, str]] = [
    # target, mode, options, axes, a part of the code without its line breaks
    ("tensorflow", "avg", {"stride": 1, "padding": "same"}, 2, 'tf.nn.avg_pool2d(t, (2, 2), (1, 1), "SAME")'),
    ("tensorflow", "max", {"padding": 1}, 1, "tf.nn.max_pool1d(t, (2,), (2,), [[0, 0], [1, 1], [0, 0]])"),
    ("tensorflow", "max", {"stride": 1, "dilation": 2}, 2,
     'tf.nn.pool(t, (2, 2), "MAX", padding="VALID", strides=(1, 1), dilations=(2, 2))'),
    ("tensorflow", "avg", {"global_window": True}, 2, "tf.reduce_mean(t, axis=(1, 2), keepdims=True)"),
    ("litert", "max", {"compat": "litert"}, 2, 'tf.function(lambda t: tf.nn.max_pool2d(t, (2, 2), (2, 2), "VALID"))'),
    ("openvino", "max", {"stride": 3, "ceil_mode": True}, 2, 'rounding_type="ceil_torch"'),
    ("openvino", "max", {"stride": 3, "compat": "openvino:ceil"}, 2, 'rounding_type="ceil"'),
    ("openvino", "avg", {"output_size": (3, 4)}, 2, "opset16.adaptive_avg_pool(given, np.array([3, 4]))"),
    ("paddle", "avg", {"padding": ((1, 0), (0, 0)), "compat": "paddle", "count_include_pad": True}, 2,
     "avg_pool2d(t, [2, 2], [2, 2], [1, 0, 0, 0], exclusive=False)"),
    ("paddle", "avg", {"divisor_override": 3, "compat": "paddle"}, 2, "divisor_override=3"),
    ("paddle", "lp:3", {"compat": "paddle"}, 1, "paddle.nn.functional.lp_pool1d(t, 3, 2, 2)"),
    ("paddle", "max", {"global_window": True}, 3, "paddle.nn.functional.adaptive_max_pool3d(t, 1)"),
    ("flax", "min", {"padding": "same-lower"}, 2,
     'linen.pooling.min_pool(t, (2, 2), strides=(2, 2), padding="SAME_LOWER")'),
    ("flax", "avg", {"compat": "flax"}, 1, 'linen.pooling.avg_pool(t, (2,), strides=(1,), padding="VALID")'),
]  # fmt: skip


@pytest.mark.parametrize(("target", "mode", "options", "ndim", "part"), LINES)
def test_a_layer_is_one_native_call(target: str, mode: str, options: Any, ndim: int, part: str) -> None:
    size = None if options.keys() & {"global_window", "output_size"} else 2
    code = emit([PoolStep(mode, size, options)], ndim, target)
    compile(code, "<emitted>", "exec")
    flat = " ".join(code.split()).replace("( ", "(").replace(" )", ")").replace("[ ", "[").replace(" ]", "]")
    assert part in flat, code


REFUSED: list[tuple[str, str, Any, str]] = [
    ("tensorflow", "median", {}, "TensorFlow has no median pooling"),
    ("tensorflow", "max", {"ceil_mode": True}, "TensorFlow refuses this layer: it has no ceil_mode"),
    ("tensorflow", "max", {"output_size": 2, "fractional": True}, "at random"),
    ("tensorflow", "max", {"output_size": 2, "fractional": True, "compat": "tensorflow"}, "have no size"),
    ("flax", "max", {"output_size": 2, "fractional": True}, "it has no fractional pooling"),
    ("litert", "rms", {}, "TensorFlow has no layer that becomes L2_POOL_2D"),
    ("litert", "max", {"padding": 1}, "padding is valid or same"),
    ("litert", "max", {"compat": "litert:builtin"}, r"it does not do what LiteRT \(builtin\) does differently"),
    (
        "openvino",
        "avg",
        {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": True},
        "the full window size",
    ),
    ("openvino", "max", {"compat": "torch"}, "it does not do what PyTorch does differently"),
    ("paddle", "max", {"stride": 3, "ceil_mode": True}, "Paddle has other windows here"),
    ("paddle", "avg", {"divisor_override": 3}, "divides the mean times the window's size"),
    ("paddle", "lp:2", {}, "without the absolute value"),
    ("paddle", "avg", {"padding": ((1, 0), (0, 1)), "count_include_pad": True}, "as much padding after the input"),
    ("flax", "max", {"dilation": 2}, "its pooling has no dilation"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "mode", "options", "why"), REFUSED)
def test_what_is_not_one_call_says_why(target: str, mode: str, options: Any, why: str) -> None:
    size = options.pop("size", 2)
    with pytest.raises(UsageError, match=why) as caught:
        emit([PoolStep(mode, size, options)], 2, target)
    assert caught.value.hint


@pytest.mark.parametrize(("compat", "hint"), [(None, "target='numpy'"), ("tensorflow", "compute it with pool")])
def test_code_is_not_advised_that_would_be_refused_too(compat: str | None, hint: str) -> None:
    options: Any = {"output_size": 2, "fractional": True, "compat": compat}
    with pytest.raises(UsageError, match="at random") as caught:
        emit([PoolStep("max", 2 if compat is None else None, options)], 2, "tensorflow")
    assert caught.value.hint == hint


@pytest.mark.parametrize("target", ["tensorflow", "litert", "openvino", "paddle", "flax"])
def test_one_call_is_one_layer_of_values(target: str) -> None:
    stacks: tuple[list[Step], ...] = ([ReluStep(), PoolStep()], [PoolStep(), PoolStep()])
    for steps in stacks:
        with pytest.raises(UsageError, match="one native call is one pooling layer"):
            emit(steps, 2, target)
    with pytest.raises(UsageError, match="one native call gives only the values"):
        emit([PoolStep(indices=True)], 2, target)


def test_what_a_runtime_makes_of_nan_and_whole_numbers_is_refused_by_the_program(call: Run) -> None:
    code = call("pool", "--emit", "openvino", "-k", "2").out
    assert "if not np.isfinite(x).all():" in code
    rounded = call("pool", "--emit", "openvino", "-m", "avg", "-k", "2", "--compat", "openvino").out
    assert 'raise ValueError("whole numbers are rounded differently")' in rounded
    assert "isnan" in call("pool", "--emit", "litert", "-m", "avg", "-k", "2", "--compat", "litert").out

"""Code of one native call for the runtimes; `tests/golden/make_golden.py --check-emitted` runs it in them."""

from __future__ import annotations

import itertools
import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poolcli import pool
from poolcli.emit import emit
from poolcli.errors import PoolcliError, UsageError
from poolcli.pooling.frameworks import FRAMEWORKS
from poolcli.steps.steps import PoolStep, ReluStep, Step
from tests.support.process import Run
from tests.support.programs import namespace

LINES: list[tuple[str, str, Any, int, str]] = [
    # target, mode, options, axes, a part of the code without its line breaks
    ("tensorflow", "avg", {"stride": 1, "padding": "same"}, 2, 'tf.nn.avg_pool2d(t, (2, 2), (1, 1), "SAME")'),
    ("tensorflow", "max", {"padding": 1}, 1, "tf.nn.max_pool1d(t, (2,), (2,), [[0, 0], [1, 1], [0, 0]])"),
    ("tensorflow", "max", {"stride": 1, "dilation": 2}, 2,
     'tf.nn.pool(t, (2, 2), "MAX", padding="VALID", strides=(1, 1), dilations=(2, 2))'),
    ("tensorflow", "avg", {"global_window": True}, 2, "tf.reduce_mean(t, axis=(1, 2), keepdims=True)"),
    ("litert", "max", {"compat": "litert"}, 2, 'tf.function(lambda t: tf.nn.max_pool2d(t, (2, 2), (2, 2), "VALID"))'),
    ("openvino", "max", {"compat": "torch"}, 2, "max_pool(given, [2, 2], [1, 1]"),
    ("tensorflow", "max", {"compat": "torch"}, 2, 't = tf.nn.max_pool2d(t, (2, 2), (2, 2), "VALID")'),
    ("tensorflow", "avg", {"compat": "torch"}, 2, 't = tf.nn.avg_pool2d(t, (2, 2), (2, 2), "VALID")'),
    ("tensorflow", "max", {"compat": "flax", "padding": "same"}, 2, 'tf.nn.max_pool2d(t, (2, 2), (1, 1), "SAME")'),
    ("litert", "max", {"compat": "torch"}, 2, 'tf.nn.max_pool2d(t, (2, 2), (2, 2), "VALID")'),
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
    ("litert", "avg", {"compat": "litert:builtin"}, "LiteRT's own kernels clamp infinities"),
    ("torch", "avg", {"compat": "openvino:ceil", "stride": 3, "ceil_mode": True},
     r"no PyTorch code for this: OpenVINO \(ceil\) has other windows here"),
    ("numpy", "avg", {"compat": "paddle", "divisor_override": 3}, "Paddle's divisor_override divides the mean"),
    ("numpy", "lp:2", {"compat": "paddle"}, "without the absolute value"),
    ("litert", "max", {"compat": "torch", "size": 3, "stride": 2, "padding": 1, "ceil_mode": True},
     "LiteRT refuses this layer: padding is valid or same"),
    (
        "openvino",
        "avg",
        {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": True},
        "the full window size",
    ),
    ("paddle", "max", {"stride": 3, "ceil_mode": True}, "Paddle has other windows here"),
    ("paddle", "avg", {"divisor_override": 3}, "divides the mean times the window's size"),
    ("paddle", "lp:2", {}, "without the absolute value"),
    ("paddle", "avg", {"padding": ((1, 0), (0, 1)), "count_include_pad": True}, "as much padding after the input"),
    ("flax", "max", {"dilation": 2}, "its pooling has no dilation"),
]  # fmt: skip


@pytest.mark.parametrize(("target", "mode", "options", "why"), REFUSED)
def test_what_is_not_one_call_says_why(target: str, mode: str, options: Any, why: str) -> None:
    said: Any = {name: value for name, value in options.items() if name != "size"}
    step = PoolStep(mode, options.get("size", 2), said)
    with pytest.raises(UsageError, match=why) as caught:
        emit([step], 2, target)
    assert caught.value.hint
    if advised := re.search("target='(.*)'", caught.value.hint):
        assert emit([step], 2, advised[1])


@pytest.mark.parametrize(
    ("target", "options", "hint"),
    [
        ("tensorflow", {"output_size": 2, "fractional": True}, "target='numpy'"),
        ("torch", {"compat": "openvino:ceil", "stride": 3, "ceil_mode": True}, "target='openvino'"),
        ("torch", {"compat": "caffe", "stride": 3}, "compute it with pool"),
    ],
)
def test_code_is_not_advised_that_would_be_refused_too(target: str, options: Any, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        emit([PoolStep("max", 2, options)], 2, target)
    assert caught.value.hint == hint


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"padding": 1}, "pad the input by 1,1,1,1 with -inf first, not with zeros; or target='numpy'"),
        (
            {"padding": 1, "ceil_mode": True, "compat": "torch"},
            "pad the input, as far as the windows reach (an input says how far), with -inf",
        ),
        ({"mode": "avg", "padding": 1}, "zeros around the input would count in its averages; or target='numpy'"),
        (
            {"mode": "avg", "padding": 1, "count_include_pad": True},
            "pad the input by 1,1,1,1 with zeros first; or target",
        ),
        ({"padding": 1, "pad_fill": "wrap"}, "pad the input by 1,1,1,1 with the same values first; or target='numpy'"),
        (
            {"padding": 1, "ceil_mode": True, "pad_fill": -math.inf},
            "pad the input, as far as the windows reach (an input says how far), with -inf first, not with zeros; or ",
        ),
        (
            {"padding": 1, "ceil_mode": True, "pad_fill": "wrap"},
            "pad the input by 1,1,1,1 with the same values first, then, as far as the windows reach (an input says",
        ),
        ({"padding": 1, "dilation": 2}, "target='numpy'"),
        ({"dilation": 2}, "target='numpy'"),
    ],
)
def test_what_may_be_done_before_the_layer_is_advised(options: Any, hint: str) -> None:
    said: Any = {"stride": 2, **{name: value for name, value in options.items() if name != "mode"}}
    with pytest.raises(UsageError) as caught:
        emit([PoolStep(options.get("mode", "max"), 3, said)], 2, "litert")
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize(
    ("options", "lengths", "hint"),
    [
        ({"padding": 1}, (112, 111), "pad the input by 1,2,1,1 with -inf first, not with zeros; or target='numpy'"),
        ({"padding": 1, "pad_fill": -math.inf}, (112, 112), "pad the input by 1,2,1,2 with -inf first, not with zeros"),
        (
            {"padding": 1, "pad_fill": "wrap"},
            (112, 112),
            "pad the input by 1,1,1,1 with the same values first, then by 0,1,0,1 with -inf; or target='numpy'",
        ),
        ({"padding": 1, "pad_fill": "wrap"}, (7, 7), "pad the input by 1,1,1,1 with the same values first; or target="),
        (
            {"mode": "avg", "padding": 1, "count_include_pad": True},
            (112, 112),
            "zeros beyond the padding, where ceil_mode reaches, would count in its averages; or target='numpy'",
        ),
        (
            {"mode": "avg", "padding": 1, "pad_fill": 3},
            (112, 112),
            "zeros around the input would count in its averages; or target='numpy'",
        ),
    ],
)
def test_how_far_to_pad_is_said_where_the_lengths_are_known(options: Any, lengths: Any, hint: str) -> None:
    said: Any = {"stride": 2, "ceil_mode": True} | {name: value for name, value in options.items() if name != "mode"}
    with pytest.raises(UsageError) as caught:
        emit([PoolStep(options.get("mode", "max"), 3, said)], 2, "litert", spatial=lengths)
    assert caught.value.hint.startswith(hint)


def test_padding_in_two_steps_as_advised_gives_the_values() -> None:
    x = np.random.default_rng(4).normal(size=(6, 8))
    wanted = pool(x, "max", 3, stride=2, padding=1, pad_fill="wrap", ceil_mode=True)
    first = np.pad(x, 1, mode="wrap")
    np.testing.assert_array_equal(pool(np.pad(first, (0, 1), constant_values=-np.inf), "max", 3, stride=2), wanted)


def test_the_input_says_how_far_to_pad(call: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.zeros((112, 111)))
    layer: list[Any] = ["pool", "-k", "3", "-s", "2", "-p", "1", "--ceil-mode", "--emit", "tflite", tmp_path / "x.npy"]
    for more in ([], ["--compat", "keras"]):
        assert "pad the input by 1,2,1,1 with -inf first" in call(*layer, *more).err


def test_no_code_gives_gradients_as_another_framework(call: Run) -> None:
    found = call("grad", "--compat", "openvino", "--size", "2", "--emit", "torch")
    assert "it does not send gradients back as --compat openvino does" in found.err
    assert "drop --emit" in found.err


WINDOWS: list[dict[str, Any]] = [
    {"size": 2}, {"size": 3, "stride": 2}, {"size": 3, "stride": 2, "padding": 1}, {"size": 2, "padding": "same"},
    {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, {"size": 2, "stride": 3, "ceil_mode": True},
    {"size": 3, "stride": 2, "padding": 1, "count_include_pad": True}, {"size": 2, "stride": 1, "dilation": 2},
    {"size": 2, "divisor_override": 3}, {"output_size": 2}, {"global_window": True},
]  # fmt: skip


@pytest.mark.parametrize("target", ["numpy", "torch"])
@pytest.mark.parametrize("compat", FRAMEWORKS)
def test_code_does_what_another_framework_does_or_says_what_differs(compat: str, target: str) -> None:
    if target == "torch":
        pytest.importorskip("torch")
    x = np.random.default_rng(4).normal(size=(1, 2, 9, 8)).astype(np.float32)
    written = 0
    for mode, window in itertools.product(FRAMEWORKS[compat].modes, WINDOWS):
        said: Any = {name: value for name, value in window.items() if name != "size"} | {"compat": compat}
        step = PoolStep(f"{mode}:2" if mode == "lp" else mode, window.get("size"), said)
        try:
            wanted = step.layer(2).apply(x)[0]
        except PoolcliError:
            continue
        try:
            code = emit([step], 2, target)
        except UsageError as problem:
            assert problem.hint  # noqa: PT017 - most have code, and those that do not say what differs
            continue
        written += 1
        np.testing.assert_allclose(namespace(code)["pool"](x), wanted, rtol=1e-5, atol=1e-6, err_msg=code)
    assert written > 2


def test_the_code_for_another_framework_refuses_the_input_on_which_that_differs(call: Run) -> None:
    cases = {
        ("avg", "torch", "litert"): "whole numbers are rounded differently",
        ("max", "onnx", "torch"): "NaN and infinity become other numbers",
        ("avg", "torch", "keras"): "whole numbers are rounded differently",
        ("max", "tensorflow", "numpy"): "NaN and infinity become other numbers",
        ("max", "openvino", "torch"): "NaN and infinity become other numbers",
    }
    for (mode, compat, target), why in cases.items():
        found = call("pool", "--mode", mode, "--size", "2", "--stride", "2", "--compat", compat, "--emit", target)
        assert found.code == 0
        assert f"as {compat}" in found.out
        assert why in found.out


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

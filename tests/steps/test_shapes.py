"""Shapes, parameters and receptive fields against numbers published or worked out by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolcli import conv, pool
from poolcli.errors import EmptyWindowError, ShapeError, UnknownNameError, UsageError
from poolcli.steps.shapes import ConvLayer, Dense, Flatten, Signal, summarize, validate
from poolcli.steps.steps import ConvStep, PoolStep, ReluStep
from tests.support.process import Run

LESSON = (
    "20x20x3 --layout HWC dense --units 16 then conv --filters 32 --size 3 --padding same "
    "then pool --mode max --size 2 then conv --filters 64 --size 5 --padding same then flatten then dense --units 2"
)


def test_the_lessons_model_has_its_published_table(call: Run) -> None:
    done = call("summary", "--json", *LESSON.split())
    made = json.loads(done.out)
    layers = made["layers"][1:]
    assert [layer["shape"] for layer in layers] == [
        [20, 20, 16], [20, 20, 32], [10, 10, 32], [10, 10, 64], [6400], [2],
    ]  # fmt: skip
    assert [layer["parameters"] for layer in layers] == [64, 4640, 0, 51264, 0, 12802]
    assert made["parameters"] == 68770


def test_the_table_shows_the_total(call: Run) -> None:
    assert "total parameters  68,770" in call("summary", *LESSON.split()).out


def test_numbers_beyond_64_bits_are_exact(call: Run) -> None:
    made = call("summary", "--json", "99999999999x99999999999", "flatten", "then", "dense").json()
    assert made["layers"][1]["shape"] == [99999999999**2]
    assert made["parameters"] == 99999999999**2 + 1


def test_one_is_singular(call: Run) -> None:
    drawn = call("summary", "8x8", "conv", "then", "flatten", "then", "dense", "then", "dense", "--units", "2").out
    assert "1 filter 3x3" in drawn
    assert "1 unit " in drawn
    assert "2 units" in drawn


@pytest.mark.parametrize("kernel", [["--filter", "box"], ["--filters", "4"]])
def test_an_activation_belongs_to_its_layer(call: Run, kernel: list[str]) -> None:
    """``conv --relu`` is one row and one number, as in Keras; ``conv then relu`` are two, as modules in PyTorch."""
    option = call("summary", "--json", "8x8", "conv", *kernel, "--relu", "then", "pool").json()["layers"]
    stage = call("summary", "--json", "8x8", "conv", *kernel, "then", "relu", "then", "pool").json()["layers"]
    assert [layer["layer"] for layer in option] == ["input", "conv", "pool"]
    assert [layer["layer"] for layer in stage] == ["input", "conv", "relu", "pool"]
    assert option[1]["what"] == f"{stage[1]['what']}, relu"
    assert option[2] == stage[3]
    refused = call("summary", "8x8", "conv", *kernel, "--relu", "then", "pool", "--size", "9")
    assert "step 2 (pool)" in refused.err


def test_run_shows_the_numbers_that_left_each_row(call: Run) -> None:
    done = call("run", "-", "conv", "--filter", "[[-1]]", "--relu", "then", "pool", stdin="1,-2\n3,4\n")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in done.out.splitlines() if "│" in line]
    shown = {row[0]: row[-3:] for row in rows if len(row) > 4}
    assert shown["conv"] == ["0", "0.5", "2"]
    assert shown["pool"] == ["2", "2", "2"]
    assert "relu" not in shown


def test_a_filter_of_nine_weights_and_a_bias_has_ten_parameters(call: Run) -> None:
    made = json.loads(call("summary", "--json", "8x8", "conv", "--filter", "vertical-line").out)
    assert (made["layers"][1]["shape"], made["parameters"]) == ([6, 6], 10)


def test_receptive_fields_by_hand() -> None:
    # conv 3 (field 3, jump 1), pool 2/2 (3 + 1 = 4, jump 2), dilated conv: K = 5, 4 + 4 * 2 = 12, pool 3/2: 12 + 2 * 2
    layers = [ConvLayer(1, 3), PoolStep("max", 2), ConvLayer(1, 3, dilation=2), PoolStep("avg", 3, {"stride": 2})]
    rows = summarize(Signal.of((64, 64)), layers)
    assert [row.signal.field for row in rows] == [(1, 1), (3, 3), (4, 4), (12, 12), (16, 16)]


def test_a_dense_layer_on_a_flat_signal_sees_everything() -> None:
    assert summarize(Signal.of((4, 4)), [Flatten(), Dense(3)])[-1].signal.field is None


@given(
    st.tuples(st.integers(3, 9), st.integers(3, 9)), st.integers(1, 3), st.integers(1, 3), st.integers(0, 1),
    st.booleans(),
)  # fmt: skip
def test_shapes_are_those_of_the_real_work(
    shape: tuple[int, int], size: int, stride: int, padding: int, ceil_mode: bool
) -> None:
    x = np.zeros(shape)
    kernel = [[1.0, 2.0], [3.0, 4.0]]
    steps = [
        ConvStep(kernel, padding=padding), ReluStep(),
        PoolStep("max", size, {"stride": stride, "padding": min(padding, size // 2), "ceil_mode": ceil_mode}),
    ]  # fmt: skip
    expected = conv(x, kernel, padding=padding)
    try:
        pooled = pool(expected, "max", size, stride=stride, padding=min(padding, size // 2), ceil_mode=ceil_mode)
    except ShapeError:
        with pytest.raises(ShapeError, match=r"step 3 \(pool\)"):
            summarize(Signal.of(shape), steps)
        return
    assert summarize(Signal.of(shape), steps)[-1].signal.shape == pooled.shape


def test_filters_add_a_channel_axis_before_the_spatial_ones() -> None:
    signal = summarize(Signal.of((2, 8, 8), "NHW"), [ConvLayer(5, 3)])[-1].signal
    assert (signal.layout, signal.shape, signal.parameters) == ("NCHW", (2, 5, 6, 6), 5 * 9 + 5)


@pytest.mark.parametrize(
    ("layers", "error", "message"),
    [
        ([PoolStep("max", 9)], ShapeError, r"step 1 \(pool\): window 9x9 is larger than the input 8x8"),
        ([ReluStep(), Flatten(), PoolStep()], ShapeError, r"step 3 \(pool\): pool needs spatial axes"),
        ([Dense(3)], ShapeError, r"step 1 \(dense\): dense needs channels or a flat signal"),
        ([Flatten(), Dense(0)], UsageError, "0 units"),
        ([ConvLayer(0)], UsageError, "0 filters"),
        ([ReluStep(), PoolStep("maxx")], UnknownNameError, r"step 2 \(pool\): unknown mode 'maxx'"),
        ([PoolStep(size=0)], UsageError, r"step 1 \(pool\): size 0x0 is less than 1"),
        ([ConvStep([1.0, 2.0])], ShapeError, "the kernel has 1 axes, but the input has 2 spatial"),
    ],
)
def test_what_does_not_fit_names_the_layer(layers: list[object], error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        summarize(Signal.of((8, 8)), layers)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["8x8"], "summary needs layers"),
        (["8x8", "pool", "then"], "step 2 is empty"),
        (["8x8", "pool", "then", "pol"], "unknown step 'pol'"),
        (["8x8", "pool", "then", "glbal-max"], "did you mean global-max"),
        (["8x8", "pool", "--sizee", "2"], "step 1 (pool): no such option: --sizee"),
        (["8x8", "conv", "--filter", "box", "--filters", "3"], "cannot be combined"),
        (["8x8x3", "--layout", "HW", "pool"], "layout HW names 2 axes"),
        (["0x8", "pool"], "has no cells"),
        (["24,6", "pool"], "24,6 is neither a shape nor a file\nhint: write the shape as 24x6\n"),
        (["24 X 6", "pool"], "hint: write the shape as 24x6\n"),
        (["24,x", "pool"], "cannot read 24,x: no such file"),
        ([], "hint: such as: poolcli summary 28x28 pool --size 2\n"),
    ],
)
def test_wrong_stacks_are_refused(call: Run, words: list[str], message: str) -> None:
    done = call("summary", *words)
    assert done.code in (1, 2)
    assert done.out == ""
    assert message in done.err


@pytest.mark.parametrize(
    ("words", "flag", "line"),
    [
        ("summary 24x6 --size 2", "--size", "summary 24x6 pool --size 2"),
        ("summary 24x6 --size=2 --json", "--size", "summary 24x6 pool --size=2 --json"),
        ("summary --json 24x6 -k2", "-k", "summary --json 24x6 pool -k2"),
        ("summary 24x6 --layout HW --filters 3", "--filters", "summary 24x6 --layout HW conv --filters 3"),
        ("run tiny.csv --global", "--global", "run tiny.csv pool --global"),
    ],
)
def test_options_of_a_step_that_is_not_named(call: Run, tiny: Path, words: str, flag: str, line: str) -> None:
    done = call(*words.split(), cwd=tiny.parent)
    message = f"error: {words.split()[0]} needs a step for {flag}\nhint: poolcli {line}\n"
    assert (done.code, done.err) == (2, message)
    assert call(*line.split(), cwd=tiny.parent).code == 0


def test_an_option_that_no_step_has_is_no_option_of_one(call: Run) -> None:
    assert "belongs" not in call("summary", "24x6", "--nosuch", "2").err
    assert "belongs" not in call("summary", "24x6", "--nosuch", "pool").err
    assert "belongs" not in call("summary", "24x6", "--size", "2", "pool").err


COLUMN = "use --size 3x1, or --layout L if it is one line of numbers"


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["28x28x1", "conv", "--size", "3"], "read as CHW; for channels last --layout HWC"),
        (["2x28x28x1", "conv", "--size", "3"], "read as NCHW; for channels last --layout NHWC"),
        (["28x28x1", "--layout", "CHW", "conv", "--size", "3"], COLUMN),  # as they asked for
        (["1x28x1", "conv", "--size", "3"], COLUMN),  # does not fit either way
        (["2x8", "conv", "--size", "3"], "use --size 2x3, or --padding 1x0"),  # has no channels
    ],
)
def test_a_shape_that_fits_with_its_channels_last_is_told_so(call: Run, words: list[str], hint: str) -> None:
    done = call("summary", *words)
    assert (done.code, done.raw) == (1, b"")
    assert done.err.splitlines()[1] == f"hint: {hint}"


def test_options_that_no_command_has_are_listed(call: Run) -> None:
    """``poolcli conv`` has no --filters, so its help is no help."""
    assert "hint: the options of conv are --filters, --size, " in call("summary", "8x8", "conv", "8", "3").err
    assert "hint: see: poolcli pool --help" in call("summary", "8x8", "pool", "3").err
    assert "hint: see: poolcli conv --help" in call("run", "x.csv", "conv", "8", "3").err


def test_windows_that_a_framework_answers_without_a_real_cell_are_windows() -> None:
    options: Any = {"compat": "openvino", "padding": 3, "stride": 1}
    assert validate([PoolStep("max", 2, options)], (5, 5)) == [(10, 10)]
    with pytest.raises(EmptyWindowError, match="hold no real cell"):
        validate([PoolStep("max", 2, {"padding": 3, "stride": 1})], (5, 5))

"""`divisor_override`: the sum of the real cells over a number, as PyTorch 2.13 has it."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from poolcli import grad, pool
from poolcli.emit import emit
from poolcli.errors import CompatError, UsageError
from poolcli.steps.steps import PoolStep
from tests.support.process import Run

SIX = np.arange(1.0, 7).reshape(6, 1)
WINDOW: dict[str, Any] = {"size": (3, 1), "stride": (2, 1), "padding": ((1, 1), (0, 0)), "ceil_mode": True}


ANSWERS = [(1, [3, 9, 15, 6]), (2, [1.5, 4.5, 7.5, 3]), (-4, [-0.75, -2.25, -3.75, -1.5])]
TALL = {"output_size": (2, 1)}


@pytest.mark.parametrize(("divisor", "answer"), ANSWERS)
@pytest.mark.parametrize("counted", [None, True, False])
@pytest.mark.parametrize("compat", [None, "torch"])
def test_neither_padding_nor_overhang_changes_the_divisor(
    divisor: int, answer: list[float], counted: bool | None, compat: str | None
) -> None:
    """PyTorch's own answers for 1 to 6, windows of 3, stride 2, padding 1, ceil_mode."""
    made = pool(SIX, "avg", **WINDOW, divisor_override=divisor, count_include_pad=counted, compat=compat)
    assert made.ravel().tolist() == answer


def test_whole_numbers_are_truncated_towards_zero_only_under_torch() -> None:
    x = np.array([[-1, -3], [3, -8]])
    assert pool(x, "avg", (1, 2), divisor_override=3, compat="torch").ravel().tolist() == [-1, -1]
    assert pool(x, "avg", (1, 2), divisor_override=-4, compat="torch").ravel().tolist() == [1, 1]
    assert pool(x, "avg", (1, 2), divisor_override=4).ravel().tolist() == [-1, -1.25]


@pytest.mark.parametrize("options", [TALL, {"global_window": True}, {"fractional": True, **TALL}])
def test_it_is_a_sum_over_it_on_windows_of_every_kind(options: Any) -> None:
    size = (2, 1) if "fractional" in options else None
    sums = pool(SIX, "sum", size, **options)
    assert (pool(SIX, "avg", size, **options, divisor_override=8) == sums / 8).all()


def test_nan_is_left_out_of_the_sum_only() -> None:
    x = np.array([[1.0, np.nan, 5.0, 6.0], [np.nan, np.nan, 1.0, 1.0]])
    made = pool(x, "avg", (1, 2), divisor_override=2, nan="ignore")
    np.testing.assert_array_equal(made, [[0.5, 5.5], [np.nan, 1.0]])
    assert np.isnan(pool(x, "avg", (1, 2), divisor_override=2)).sum() == 2


def test_the_gradient_divides_by_it() -> None:
    assert grad(SIX, mode="avg", **WINDOW, divisor_override=4).ravel().tolist() == [0.25, 0.5, 0.25, 0.5, 0.25, 0.5]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"divisor_override": 0}, "divisor_override must not be 0"),
        ({"divisor_override": 1.5}, "divisor_override 1.5 is not a 64-bit whole number"),
        ({"divisor_override": True}, "divisor_override True is not a 64-bit whole number"),
        ({"divisor_override": 2**63}, f"divisor_override {2**63} is not a 64-bit whole number"),
        ({"divisor_override": 2, "mode": "max"}, "mode max has no divisor, so divisor_override does nothing"),
    ],
)
def test_what_is_wrong_whatever_the_data(options: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        pool(SIX, **{"mode": "avg", **options})
    assert caught.value.message == message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("compat", "options", "rule"),
    [
        ("torch", {"ndim": 1}, "divisor_override exists in 2-D and 3-D only"),
        ("torch", {"output_size": (2, 1)}, "adaptive pooling has no divisor_override"),
        ("keras", {}, "its averages have no divisor_override"),
        ("onnx", {}, "its AveragePool has no divisor_override"),
    ],
)
def test_what_frameworks_refuse(compat: str, options: Any, rule: str) -> None:
    with pytest.raises(CompatError, match=rule):
        pool(SIX, "avg", divisor_override=2, compat=compat, **options)


@pytest.mark.parametrize(("options", "words"), [
    ({"size": 3}, "drop divisor_override and multiply the averages by 9/2"),
    ({"size": 3, "padding": 1}, "add count_include_pad, drop divisor_override and multiply the averages by 9/2"),
])  # fmt: skip
def test_a_framework_without_it_averages_and_multiplies(options: Any, words: str) -> None:
    x = np.arange(42.0).reshape(6, 7)
    with pytest.raises(CompatError) as caught:
        pool(x, "avg", compat="onnx", divisor_override=2, **options)
    assert caught.value.hint == f"{words}, as target='onnx' does"
    averages = pool(x, "avg", compat="onnx", **{"stride": 1, **options}, count_include_pad=True)
    np.testing.assert_allclose(averages * 9 / 2, pool(x, "avg", divisor_override=2, **{"stride": 1, **options}))


def test_where_windows_differ_no_factor_helps() -> None:
    for options in ({"size": 3, "padding": "same"}, {"size": 3, "ceil_mode": True}, {"global_window": True}):
        with pytest.raises(CompatError) as caught:
            pool(np.ones((6, 7)), "avg", compat="onnx", divisor_override=2, **options)
        assert caught.value.hint == "drop compat to get poolcli's own answer"


def program(step: PoolStep, target: str) -> Any:
    scope: dict[str, Any] = {}
    exec(emit([step], 2, target), scope)  # noqa: S102 - poolcli's own output
    return scope["pool"]


@pytest.mark.parametrize("target", ["numpy", "torch"])
@pytest.mark.parametrize(
    "options",
    [{}, WINDOW, {**WINDOW, "compat": "torch"}, {"size": 2, "stride": 1, "padding": "same", "pad_fill": 3},
     {"size": 2, "count_include_pad": True, "padding": 1}, {"output_size": (4, 1)}, {"size": (3, 1), "nan": "ignore"}],
)  # fmt: skip
def test_code_divides_by_it(target: str, options: Any) -> None:
    x = np.random.default_rng(3).normal(size=(2, 6, 5))
    given: Any = {**options, "divisor_override": -5}
    size = given.pop("size", None)
    if "output_size" in options and target == "torch":
        with pytest.raises(UsageError):
            emit([PoolStep("avg", size, given)], 2, target)
        return
    if "nan" in options:
        x[0, 0, 0] = x[1, :, 2] = np.nan
        if target == "torch":
            return
    if target == "torch":  # which is not here: `tests/golden/make_golden.py --check-emitted` runs such code
        assert "-5" in emit([PoolStep("avg", size, given)], 2, target)
        return
    made = program(PoolStep("avg", size, given), target)(x)
    np.testing.assert_allclose(made, pool(x, "avg", size, **given), rtol=1e-12)


def test_code_for_torch_does_not_take_whole_numbers_that_it_would_not_truncate() -> None:
    x = np.array([[-1, -3], [3, -8]])
    step = PoolStep("avg", (1, 2), {"divisor_override": 4, "compat": "torch"})
    assert program(step, "numpy")(x).tolist() == [[-1], [-1]]
    assert "whole numbers would be truncated" in emit([step], 2, "torch")


def test_the_command_line_has_it_in_every_form(call: Run) -> None:
    words = ("-m", "avg", "-k", "3x1", "-s", "2x1", "-p", "1x0", "--ceil-mode", "--divisor-override", "2")
    column = "1\n2\n3\n4\n5\n6\n"
    made = json.loads(call("pool", *words, "--json", "--layout", "HW", "-", stdin=column).out)
    assert made["data"] == [[1.5], [4.5], [7.5], [3.0]]
    assert made["steps"][-1]["divisor_override"] == 2
    explained = json.loads(call("explain", *words, "--json", "--layout", "HW", "-", stdin=column).out)
    assert {window["n"] for window in explained["windows"]} == {2}
    assert explained["windows"][0]["formula"] == "(1 + 2) / 2"
    zero = call("pool", "-m", "avg", "--divisor-override", "0", "-", stdin=column)
    assert (zero.code, zero.err.splitlines()[0]) == (2, "error: --divisor-override must not be 0")


def test_a_page_says_that_it_cannot(call: Run, tmp_path: Any) -> None:
    made = call(
        "explain", "-m", "avg", "--divisor-override", "3", "-o", str(tmp_path / "a.html"), "-", stdin="1,2\n3,4\n"
    )
    assert (made.code, "a page cannot use --divisor-override" in made.err) == (2, True)

"""Fractional windows as a share of the map."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from poolcli import pool
from poolcli.emit import emit
from poolcli.errors import CompatError, ShapeError, UsageError
from poolcli.steps.recipe import from_records
from poolcli.steps.steps import PoolStep
from tests.support.process import Run
from tests.support.programs import namespace


@pytest.mark.parametrize(
    ("length", "ratio", "number"), [(100, 0.29, 28), (100, 0.57, 56), (100, 0.58, 57), (7, 0.7, 4)]
)
def test_a_share_is_rounded_down_in_double_precision(length: int, ratio: float, number: int) -> None:
    made = pool(np.arange(length), size=1, fractional=True, output_ratio=ratio)
    assert len(made) == number


def test_it_gives_what_the_number_of_outputs_gives() -> None:
    x = np.random.default_rng(1).normal(size=(2, 11, 14))
    said: Any = {"size": 2, "fractional": True, "seed": 4}
    for compat in (None, "torch"):
        made = pool(x, **said, output_ratio=(0.5, 0.3), compat=compat)
        np.testing.assert_array_equal(made, pool(x, **said, output_size=(5, 4), compat=compat))


def test_the_record_says_the_share(call: Run) -> None:
    window = ("-k", "1", "--fractional", "--output-ratio", "0.5x0.75", "--seed", "2")
    made = json.loads(call("pool", *window, "--json", "-", stdin="1,2,3,4\n5,6,7,8\n").out)
    record = made["steps"][0]
    assert (made["shape"], record["output_ratio"], "output_size" in record) == ([1, 3], [0.5, 0.75], False)
    (step,) = from_records(made["steps"])
    assert isinstance(step, PoolStep)
    assert step.layer(2).plan((2, 4))[1].starts == step.layer(2).plan((2, 4))[1].starts
    assert "to 0.5x0.75 of the size" in call("pool", *window, "-", stdin="1,2,3,4\n5,6,7,8\n").out


@pytest.mark.parametrize("target", ["numpy", "torch", "onnx"])
def test_code_counts_at_run_time(target: str) -> None:
    options: Any = {"fractional": True, "output_ratio": (0.5, 0.3), "offsets": (0.25, 0.75)}
    code = emit([PoolStep("max", 2, options)], 2, target)
    assert "* 0.3)" in code
    if target == "numpy":
        x = np.random.default_rng(3).normal(size=(2, 9, 13))
        np.testing.assert_array_equal(namespace(code)["pool"](x), pool(x, size=2, **options))


@pytest.mark.parametrize(("length", "ratio", "number"), [(10, 1.9, 5), (18, 1.2, 14), (33, 1.1, 30), (36, 2.4, 14)])
def test_cells_to_a_window_are_divided_in_single_precision(length: int, ratio: float, number: int) -> None:
    """As TensorFlow gave it; in double precision the last three are 15, 29 and 15."""
    said: Any = {"fractional": True, "output_ratio": (ratio, 1), "compat": "tensorflow"}
    assert pool(np.zeros((length, 1)), **said).shape == (number, 1)


@pytest.mark.parametrize("compat", ["keras", "tensorflow", "tensorflow:overlapping"])
def test_windows_with_bounds_are_made_again_of_code_and_record(compat: str) -> None:
    options: Any = {"fractional": True, "offsets": (0.9, 0.3), "compat": compat, "output_ratio": (2.4, 1.2)}
    x = np.random.default_rng(3).normal(size=(2, 18, 7))
    if compat == "keras":  # the other rows have no NumPy code
        code = emit([PoolStep("max", None, options)], 2, "numpy")
        np.testing.assert_array_equal(namespace(code)["pool"](x), pool(x, **options))
    (again,) = from_records([{"step": "pool", **PoolStep("max", None, options).layer(2).record()}])
    assert isinstance(again, PoolStep)
    assert again.layer(2).plan((18, 7)) == PoolStep("max", None, options).layer(2).plan((18, 7))


@pytest.mark.parametrize(
    ("options", "kind", "why"),
    [
        ({"fractional": True, "output_ratio": 1.0}, UsageError, "output_ratio 1.0 is not between 0 and 1"),
        ({"fractional": True, "output_ratio": (0.5, 0)}, UsageError, "output_ratio 0.5x0 is not between"),
        ({"fractional": True, "output_ratio": "half"}, UsageError, "is not between 0 and 1"),
        ({"output_ratio": 0.5}, UsageError, "goes only with fractional"),
        ({"fractional": True, "output_ratio": 0.5, "output_size": 2}, UsageError, "goes not with output_size"),
        ({"fractional": True, "output_ratio": (0.5,), "size": (1, 1)}, UsageError, "1 and 2 spatial axes"),
        ({"fractional": True, "output_ratio": 0.1}, ShapeError, "output_ratio=0.1 of 4 cells gives no window"),
        ({"fractional": True, "output_ratio": 0.5, "compat": "keras"}, UsageError, "output_ratio 0.5 is less than 1"),
        ({"fractional": True, "output_ratio": (1, True), "compat": "tensorflow"}, UsageError, "1xTrue is less than 1"),
        (
            {"fractional": True, "output_ratio": 9.0, "compat": "tensorflow"},
            ShapeError,
            "9.0 of 4 cells gives no window",
        ),
        ({"fractional": True, "output_size": 1, "size": 2, "compat": "paddle"}, CompatError, "divides by zero"),
        ({"fractional": True, "output_size": 2, "size": 2, "compat": "tensorflow"}, CompatError, "have no size"),
        ({"fractional": True, "output_size": 2, "compat": "paddle"}, CompatError, "without a size its fractional"),
        (
            {"fractional": True, "output_ratio": 0.5, "size": 2, "compat": "paddle"},
            CompatError,
            "takes a number of outputs",
        ),
    ],
)
def test_what_cannot_be_meant(options: Any, kind: type[Exception], why: str) -> None:
    with pytest.raises(kind, match=why):
        pool(np.ones((4, 4)), **options)


def test_what_is_typed_wrong(call: Run) -> None:
    done = call("pool", "--fractional", "--output-ratio", "half", "-", stdin="1,2\n")
    assert (done.code, "--output-ratio half does not consist of numbers" in done.err) == (2, True)

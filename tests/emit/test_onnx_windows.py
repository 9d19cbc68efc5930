"""Windows that ONNX has no operator for, as compositions of those that it has, run by the real onnxruntime."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poolcli.emit import emit
from poolcli.errors import UsageError
from poolcli.steps.steps import PoolStep
from tests.support.extras import needs
from tests.support.programs import namespace

needs("onnx", "onnxruntime", extra="onnx")

UNEVEN: tuple[tuple[int | None, dict[str, Any]], ...] = (
    (None, {"output_size": 3}),
    (None, {"output_size": 4}),
    (2, {"output_size": 4, "fractional": True, "seed": 3}),
    (3, {"output_size": 3, "fractional": True, "seed": 1}),
)
SHAPES = {1: (3, 11), 2: (2, 3, 6, 7), 3: (2, 6, 6, 7)}


def made(step: PoolStep, x: Any, ndim: int) -> Any:
    """What the emitted program makes of an array."""
    return namespace(emit([step], ndim, "onnx"))["pool"](x)


@pytest.mark.parametrize("ndim", SHAPES)
@pytest.mark.parametrize("mode", ["max", "min", "avg", "sum", "range", "rms", "lp:3", "mixed:0.3"])
def test_adaptive_and_fractional_windows(mode: str, ndim: int) -> None:
    x = np.random.default_rng(0).normal(scale=4, size=SHAPES[ndim]).astype(np.float32)
    for size, options in UNEVEN:
        step = PoolStep(mode, size, options)  # type: ignore[arg-type]  # a table of options
        values = step.layer(ndim).apply(x)[0]
        if mode in ("max", "min"):
            np.testing.assert_array_equal(made(step, x, ndim), values)
        else:
            np.testing.assert_allclose(made(step, x, ndim), values, rtol=1e-5, atol=1e-6)


def test_the_windows_of_tensorflow() -> None:
    x = np.random.default_rng(1).normal(size=(2, 9, 10)).astype(np.float32)
    for mode in ("max", "avg"):
        step = PoolStep(mode, None, {"output_size": 5, "fractional": True, "compat": "keras", "seed": 5})
        np.testing.assert_allclose(made(step, x, 2), step.layer(2).apply(x)[0], rtol=1e-6)


def test_the_worked_example() -> None:
    """1 to 35 as 5x7, to 3x4."""
    x = np.arange(1, 36, dtype=np.float32).reshape(5, 7)
    average, largest = (made(PoolStep(mode, None, {"output_size": (3, 4)}), x, 2) for mode in ("avg", "max"))
    assert average.tolist() == [[5, 6.5, 8.5, 10], [15.5, 17, 19, 20.5], [26, 27.5, 29.5, 31]]
    assert largest.tolist() == [[9, 11, 13, 14], [23, 25, 27, 28], [30, 32, 34, 35]]


def test_nan_and_infinity_stay_in_the_windows_that_see_them() -> None:
    x = np.zeros((5, 7), np.float32)
    x[0, 0], x[4, 6] = np.nan, np.inf
    step = PoolStep("avg", None, {"output_size": (3, 4)})
    np.testing.assert_array_equal(made(step, x, 2), step.layer(2).apply(x)[0])


def test_one_uneven_pooling_after_the_other() -> None:
    x = np.random.default_rng(2).normal(size=(3, 9, 11)).astype(np.float32)
    steps = [PoolStep("avg", None, {"output_size": 5}), PoolStep("mixed:0.5", None, {"output_size": 3})]
    values = x
    for step in steps:
        values = step.layer(2).apply(values)[0]
    np.testing.assert_allclose(namespace(emit(steps, 2, "onnx"))["pool"](x), values, rtol=1e-5)
    with pytest.raises(UsageError, match="second pooling"):
        emit([PoolStep("max", 2), PoolStep("avg", None, {"output_size": 2})], 2, "onnx")

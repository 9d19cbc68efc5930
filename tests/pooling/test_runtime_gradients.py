"""The gradients that the runtimes recorded: poolcli sends back the same, or refuses with a reason."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import numpy as np
import pytest

from poolcli import grad
from poolcli.errors import CompatError, EmptyWindowError, UsageError
from tests.support.golden import GOLDEN

EQUAL = {"flax": 33, "tensorflow": 18, "paddle": 86, "refused with a hint: True": 8}


def test_every_recorded_gradient_is_equal_or_refused() -> None:
    counts = Counter[str]()
    for line in (GOLDEN / "runtime_gradients.jsonl").read_text(encoding="utf-8").splitlines():
        case = json.loads(line)
        call: dict[str, Any] = case["call"]
        if isinstance(call["padding"], list):
            call["padding"] = tuple(map(tuple, call["padding"]))
        try:
            made = grad(np.array(case["input"], np.float32), **call)
        except EmptyWindowError as problem:
            counts[f"refused with a hint: {bool(problem.hint)}"] += 1
            continue
        np.testing.assert_allclose(made, case["gradient"], rtol=1e-4, err_msg=str(call))
        counts[call["compat"]] += 1
    assert counts == EQUAL


@pytest.mark.parametrize("compat", ["litert", "litert:builtin", "openvino", "openvino:ceil", "coreml", "tensorrt"])
@pytest.mark.filterwarnings("ignore::poolcli.errors.UnverifiedWarning")
def test_what_runs_models_only_has_no_gradient(compat: str) -> None:
    with pytest.raises(UsageError, match="it only runs trained models"):
        grad(np.ones((4, 4)), size=2, compat=compat)


def test_a_gradient_at_nan_is_refused_where_nothing_tells_where_it_goes() -> None:
    x = np.array([[1, np.nan, 3, 4]])
    with pytest.raises(CompatError, match="where its gradient goes is not known"):
        grad(x, size=(1, 4), compat="flax")
    assert np.isnan(x).sum() == 1
    np.testing.assert_allclose(grad(x, mode="avg", size=(1, 4), compat="flax"), 0.25)

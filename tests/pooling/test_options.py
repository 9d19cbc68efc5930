"""The rows of the options of pooling, and what has to be written down beside them because a type checker reads it."""

from __future__ import annotations

import dataclasses
import inspect
import json
import sys
from typing import Any

import numpy as np
import pytest

from poolcli import FeatureMap, pool
from poolcli.emit import emit
from poolcli.errors import UsageError
from poolcli.pooling.framework import LayerSpec
from poolcli.pooling.options import KEPT, KEYWORDS, OPTIONS, Options, PoolOption, completed
from poolcli.steps.recipe import TAKES, from_records
from poolcli.steps.steps import VALUE_KINDS, PoolStep
from tests.support.process import Run


def test_a_type_checker_sees_every_option() -> None:
    written = {name: getattr(hint, "__forward_arg__", hint) for name, hint in Options.__annotations__.items()}
    assert written == {row.name: row.type for row in KEYWORDS.values()}


def test_a_layer_has_every_option_that_is_not_about_its_window() -> None:
    fields = {field.name: field.default for field in dataclasses.fields(LayerSpec) if field.compare}
    assert [*fields] == ["ndim", "mode", "window", *(row.name for row in KEPT)]
    assert all(fields[row.name] == (row.default or fields[row.name]) for row in KEPT)


def test_a_recipe_may_hold_every_option() -> None:
    assert {row.json for row in OPTIONS} <= {*TAKES["pool"]} & {*TAKES["grad"]}
    assert {name for names in TAKES.values() for name in names} <= VALUE_KINDS.keys()


@pytest.mark.parametrize("row", KEYWORDS.values(), ids=lambda row: row.name)
def test_an_option_is_described_and_read_back(row: PoolOption) -> None:
    assert f"\n{row.name} : {row.type}" in str(inspect.getdoc(pool))
    assert PoolStep.from_record({"step": "pool", row.json: row.default}).options == {row.name: row.default}


def test_every_option_can_be_typed(call: Run) -> None:
    page = call("pool", "--help").out
    for row in OPTIONS:
        assert (f"--{row.json.replace('_', '-')} " in page) is row.typed


def test_an_option_that_does_not_exist_is_pythons_own_error() -> None:
    wrong: Any = {"sise": 2}
    with pytest.raises(TypeError, match="pool has no keyword 'sise'"):
        completed(wrong)


def test_both_doors_word_a_clash_their_own_way(call: Run) -> None:
    with pytest.raises(UsageError, match=r"^global_window and size cannot be combined: ") as caught:
        pool(np.ones((2, 2)), size=2, global_window=True)
    assert caught.value.hint == "drop global_window or size"
    typed = call("pool", "--global", "--size", "2", "-", stdin="1,2\n")
    assert typed.err.splitlines() == [
        "error: --global and --size cannot be combined: a global window is the whole map",
        "hint: drop --global or --size",
    ]
    assert call("pool", "--fractional", "-", stdin="1,2\n").err == (
        "error: --fractional needs --output-size or --output-ratio\n"
        "hint: give the number, such as --output-size 7x7, or a share: --output-ratio 0.7\n"
    )


def test_the_options_load_no_array_library(python: Run) -> None:
    probe = "import sys, poolcli.pooling.options; print('numpy' in sys.modules, 'typer' in sys.modules)"
    assert python("-c", probe).out == "False False\n"
    assert "numpy" in sys.modules  # so that this test is known to see what is loaded


@pytest.mark.parametrize(("typed", "size"), [("_x2", (None, 2)), ("2x_", (2, None)), ("_x_", (None, None))])
def test_an_axis_can_be_kept_as_it_is(call: Run, typed: str, size: Any) -> None:
    x = np.arange(12.0).reshape(3, 4)
    expected = x
    for axis in (0, 1):
        if size[axis]:
            number = size[axis]
            full = tuple(number if place == axis else expected.shape[place] for place in (0, 1))
            expected = pool(expected, "avg", output_size=full)
    np.testing.assert_allclose(pool(x, "avg", output_size=size), expected)
    np.testing.assert_allclose(pool(x, "avg", output_size=size, compat="torch"), expected)
    text = "\n".join(",".join(map(str, row)) for row in x)
    made = json.loads(call("pool", "-m", "avg", "--output-size", typed, "--json", "-", stdin=text).out)
    np.testing.assert_allclose(made["data"], expected)
    (step,) = from_records(made["steps"])
    assert step.apply(FeatureMap.from_array(x)).values.tolist() == made["data"]
    assert f"to {typed}" in call("pool", "-m", "avg", "--output-size", typed, "-", stdin=text).out
    scope: dict[str, Any] = {}
    exec(emit([PoolStep("avg", None, {"output_size": size})], 2, "numpy"), scope)  # noqa: S102 - poolcli's own output
    np.testing.assert_allclose(scope["pool"](x), expected)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_size": (None,), "compat": "torch", "ndim": 1}, "an axis is kept as it is in 2-D and 3-D only"),
        ({"output_size": (None, 2), "fractional": True}, "only adaptive windows keep an axis as it is"),
        ({"output_size": (None, 0)}, "output-size 1x0 is less than 1"),
    ],
)
def test_where_an_axis_cannot_be_kept(options: Any, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        pool(np.ones((4, 4)), **options)
    assert message in caught.value.message

"""The rows of the options of pooling, and what has to be written down beside them because a type checker reads it."""

from __future__ import annotations

import dataclasses
import sys
from typing import Any

import numpy as np
import pytest

from poolcli import pool
from poolcli.errors import UsageError
from poolcli.pooling.frameworks import LayerSpec
from poolcli.pooling.options import KEPT, KEYWORDS, OPTIONS, Options, PoolOption, completed
from poolcli.steps.recipe import KINDS, TAKES
from poolcli.steps.steps import PoolStep
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
    assert {name for names in TAKES.values() for name in names} <= KINDS.keys()


@pytest.mark.parametrize("row", KEYWORDS.values(), ids=lambda row: row.name)
def test_an_option_is_described_and_read_back(row: PoolOption) -> None:
    assert f"\n    {row.name} : {row.type}" in str(pool.__doc__)
    assert PoolStep.from_record({"step": "pool", row.json: row.default}).options == {row.name: row.default}


def test_every_option_can_be_typed(call: Run) -> None:
    page = call("pool", "--help").out
    for row in OPTIONS:
        assert (f"--{row.json.replace('_', '-')} " in page) is row.typed


def test_an_option_that_does_not_exist_is_pythons_own_error() -> None:
    wrong: Any = {"sise": 2}
    with pytest.raises(TypeError, match="unexpected keyword argument 'sise'"):
        completed(wrong)


def test_both_doors_word_a_clash_their_own_way(call: Run) -> None:
    with pytest.raises(UsageError, match=r"^global_window and size do not go together: ") as caught:
        pool(np.ones((2, 2)), size=2, global_window=True)
    assert caught.value.hint == "drop global_window or size"
    typed = call("pool", "--global", "--size", "2", "-", stdin="1,2\n")
    assert typed.err.splitlines() == [
        "error: --global and --size do not go together: a global window is the whole map",
        "hint: drop --global or --size",
    ]
    assert call("pool", "--fractional", "-", stdin="1,2\n").err == (
        "error: --fractional needs --output-size\nhint: say how many windows, such as --output-size 7x7\n"
    )


def test_the_options_load_no_array_library(python: Run) -> None:
    probe = "import sys, poolcli.pooling.options; print('numpy' in sys.modules, 'typer' in sys.modules)"
    assert python("-c", probe).out == "False False\n"
    assert "numpy" in sys.modules  # so that this test is known to see what is loaded

"""What padding shows, and the check that cells hold numbers."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest

from poolcli import pool
from poolcli.errors import CompatError, NanError
from poolcli.pooling.fill import copied_from, refuse_nan
from poolcli.pooling.frameworks import FRAMEWORKS
from poolcli.pooling.layer import Pooling
from poolcli.steps.steps import PoolStep
from poolcli.window import FILLS
from tests.support.rows import in_turn


@in_turn(("fill", "numpy"), FILLS.items())
@in_turn("length", [1, 2, 5])
@in_turn("pads", [(0, 0), (1, 3), (9, 14)])
def test_padding_is_copied_from_where_numpy_copies_it(fill: str, numpy: Any, length: int, pads: Any) -> None:
    found = copied_from(np.arange(-pads[0], length + pads[1]), length, fill)
    assert found.tolist() == np.pad(np.arange(length), pads, mode=numpy).tolist()


def test_a_number_is_copied_from_no_cell() -> None:
    assert copied_from(np.arange(-1, 4), 3, 7).tolist() == [-1, 0, 1, 2, -1]


def test_the_first_nan_is_named_in_the_whole_and_in_a_part() -> None:
    x = np.ones((2, 3, 4))
    refuse_nan(x)
    refuse_nan(np.ones(3, dtype=int))
    x[1, 2, 0] = x[1, 2, 3] = np.nan
    with pytest.raises(NanError, match=r"^the input has 2 NaN, the first at \(1, 2, 0\)\n") as caught:
        refuse_nan(x)
    assert caught.value.hint == "nan='ignore' to leave them out"
    with pytest.raises(NanError, match=r"^the input has NaN, one at \(12, 20\) of a plane\n"):
        refuse_nan(x, (10, 20))


ADVISED = {"-inf": -np.inf, "inf": np.inf, "zeros": 0.0}


@in_turn("ceil_mode", [False, True])
@in_turn("count_include_pad", [False, True])
@in_turn("mode", ["max", "min", "avg"])
@in_turn("compat", FRAMEWORKS)
@in_turn("pads", [((1, 1), (1, 1)), ((0, 1), (0, 1))])
def test_padding_first_as_advised_gives_the_values_of_the_refused_layer(
    compat: str, mode: str, count_include_pad: bool, pads: Any, ceil_mode: bool
) -> None:
    x = np.random.default_rng(3).normal(size=(1, 6, 7))
    options: Any = {"stride": 2, "padding": pads, "count_include_pad": count_include_pad, "ceil_mode": ceil_mode}
    there: Any = {**options, "ceil_mode": ceil_mode or FRAMEWORKS[compat].ceil_mode}
    wanted = pool(x, mode, 3, ndim=2, **there)
    hint = ""
    try:
        PoolStep(mode, 3, options | {"compat": compat}).layer(2, (6, 7))
    except CompatError as problem:
        hint = problem.hint
    assert compat != "keras" or re.search("^zeros (around|beyond)|pad the input by", hint)
    for by, fill in re.findall(r"pad the input by (\S+) with (\S+) first", hint):
        sides = np.array(by.split(","), int).reshape(2, 2).tolist()
        padded = np.pad(x, [(0, 0), *sides], constant_values=ADVISED[fill])
        np.testing.assert_allclose(pool(padded, mode, 3, stride=2, ndim=2), wanted)


def test_padding_first_depends_on_a_length_that_may_be_unknown() -> None:
    with pytest.raises(CompatError) as caught:
        Pooling.of(2, "max", 3, stride=2, padding=1, ceil_mode=True, compat="keras")
    assert caught.value.hint.startswith(
        "pad the input, as far as the windows reach (an input says how far), with -inf first, not with zeros"
    )

"""Maps to pool by hand: small, of whole numbers, with short answers."""

from __future__ import annotations

from typing import Any

import pytest

from poolcli.analysis.exercise import numbers
from poolcli.errors import PoolcliError, UsageError
from poolcli.pooling.layer import Pooling
from tests.support.process import Run
from tests.support.rows import in_turn

LAYERS: list[dict[str, Any]] = [
    {}, {"size": 3}, {"size": 3, "stride": 1}, {"size": 3, "stride": 2, "padding": 1}, {"size": (2, 3)},
    {"size": 3, "padding": "same", "stride": 1}, {"size": 3, "stride": 2, "padding": 1, "count_include_pad": True},
    {"size": 5}, {"size": 7}, {"global_window": True}, {"output_size": 2}, {"output_size": 3},
    {"size": 3, "dilation": 2},
    {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, {"size": 3, "stride": 2, "padding": 1, "pad_fill": 0.0},
    {"size": 3, "stride": 2, "padding": 1, "pad_fill": "reflect"}, {"size": 11, "stride": 1}, {"size": 2, "stride": 5},
    {"size": 3, "divisor_override": 7}, {"size": 3, "padding": 1, "divisor_override": 7, "pad_fill": 14.0},
    {"size": 3, "padding": 1, "divisor_override": 7, "pad_fill": "wrap"},
    *({"size": size, "stride": stride, "padding": 1, "pad_fill": fill} for size, stride in [(3, 2), (2, 2), (7, 1)]
      for fill in (5.5, -2.0, -0.25, 0.1, 7.0)),
    {"size": 8, "stride": 1}, {"size": (3, 5), "padding": (1, 2), "stride": 1, "pad_fill": 2.5},
]  # fmt: skip


@in_turn("options", LAYERS)
@in_turn("seed", range(5))
def test_every_average_comes_out_short(options: dict[str, Any], seed: int) -> None:
    layer = Pooling.of(2, "avg", **options)
    made = numbers(layer, seed)
    assert made.values.dtype.kind == "i"
    assert made.values.min() >= 0
    assert max(made.shape) <= 12
    pooled = layer.apply(made.values)[0]
    assert pooled.size <= 36
    assert all(value == pytest.approx(round(value, 4), abs=1e-12) for value in pooled.ravel().tolist())


@pytest.mark.parametrize("mode", ["max", "min", "median", "majority", "range"])
def test_other_modes_have_digits(mode: str) -> None:
    made = numbers(Pooling.of(2, mode, 3, stride=2), 1)
    assert made.values.max() <= 9
    assert len(set(made.values.ravel().tolist())) > 3


@pytest.mark.parametrize("shape", [(4, 7), (9,)])
def test_a_shape(shape: tuple[int, ...]) -> None:
    layer = Pooling.of(len(shape), "avg", 3, stride=2, padding=1)
    made = numbers(layer, 1, shape)
    assert made.shape == shape
    assert all(value == round(value, 4) for value in layer.apply(made.values)[0].ravel().tolist())


def test_every_channel_has_numbers_of_its_own() -> None:
    layer = Pooling.of(2, "avg")
    made = numbers(layer, 7, (6, 4, 3), "HWC")
    assert (made.shape, made.values.shape) == ((6, 4, 3), (3, 6, 4))
    assert made.values[0].tolist() == numbers(layer, 7, (6, 4)).values.tolist()
    assert len({str(plane) for plane in made.values}) == 3
    assert all(value == round(value, 2) for value in layer.apply(made.values)[0].ravel().tolist())


@pytest.mark.parametrize("shape", ["30000x30000", "1000000000x6x6"])
def test_numbers_without_end_are_not_drawn(call: Run, shape: str) -> None:
    made = call("explain", "--exercise", "--shape", shape, "-o", "sheet.html")
    assert made.code == 1
    assert "cells is too long: at most 65536\nhint: take a smaller map" in made.err


def test_the_seed_decides() -> None:
    layer = Pooling.of(2, "avg")
    one, same, other = (numbers(layer, seed).values.tolist() for seed in (1, 1, 2))
    assert one == same
    assert one != other


@pytest.mark.parametrize("fill", [5.123456, 1 / 3])
def test_padding_of_which_no_average_is_short_is_refused(fill: float) -> None:
    with pytest.raises(UsageError, match=r"no map of whole numbers has short averages with pad_fill") as caught:
        numbers(Pooling.of(2, "avg", 3, padding=1, pad_fill=fill))
    assert str(caught.value.hint) == "use a whole number, such as pad_fill=0"


@pytest.mark.parametrize("mode", ["max", "avg"])
@pytest.mark.parametrize("fill", [float("inf"), float("nan")])
def test_padding_without_a_number_is_as_good_as_another(mode: str, fill: float) -> None:
    assert numbers(Pooling.of(2, mode, 3, padding=1, pad_fill=fill)).values.size > 4


def test_windows_without_end_are_refused() -> None:
    with pytest.raises(PoolcliError, match="no small map has a window"):
        numbers(Pooling.of(2, "max", 100))

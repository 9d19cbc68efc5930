"""Maps to pool by hand: small, of whole numbers, with short answers."""

from __future__ import annotations

from typing import Any

import pytest

from poolcli.analysis.exercise import numbers
from poolcli.errors import PoolcliError
from poolcli.pooling.layer import Pooling

LAYERS: list[dict[str, Any]] = [
    {}, {"size": 3}, {"size": 3, "stride": 1}, {"size": 3, "stride": 2, "padding": 1}, {"size": (2, 3)},
    {"size": 3, "padding": "same", "stride": 1}, {"size": 3, "stride": 2, "padding": 1, "count_include_pad": True},
    {"size": 5}, {"size": 7}, {"global_window": True}, {"output_size": 2}, {"output_size": 3},
    {"size": 3, "dilation": 2},
    {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, {"size": 3, "stride": 2, "padding": 1, "pad_fill": 0.0},
    {"size": 3, "stride": 2, "padding": 1, "pad_fill": "reflect"}, {"size": 11, "stride": 1}, {"size": 2, "stride": 5},
]  # fmt: skip


@pytest.mark.parametrize("options", LAYERS)
@pytest.mark.parametrize("seed", range(5))
def test_every_average_comes_out_short(options: dict[str, Any], seed: int) -> None:
    layer = Pooling.of(2, "avg", **options)
    made = numbers(layer, seed)
    assert made.values.dtype.kind == "i"
    assert made.values.min() >= 0
    assert max(made.shape) <= 12
    pooled = layer.apply(made.values)[0]
    assert pooled.size <= 36
    assert all(round(value, 4) == value for value in pooled.ravel().tolist())


@pytest.mark.parametrize("mode", ["max", "min", "median", "majority", "range"])
def test_other_modes_have_digits(mode: str) -> None:
    made = numbers(Pooling.of(2, mode, 3, stride=2), 1)
    assert made.values.max() <= 9
    assert len(set(made.values.ravel().tolist())) > 3


def test_the_seed_decides() -> None:
    layer = Pooling.of(2, "avg")
    one, same, other = (numbers(layer, seed).values.tolist() for seed in (1, 1, 2))
    assert one == same
    assert one != other


def test_windows_without_end_are_refused() -> None:
    with pytest.raises(PoolcliError, match="no small map has a window"):
        numbers(Pooling.of(2, "max", 100))

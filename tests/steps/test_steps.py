"""Steps: what a command did is recorded in full, and every record makes the same step again."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolcli import FeatureMap, conv, grad, pool, relu
from poolcli.errors import InputError, ShapeError, UnknownNameError, UsageError
from poolcli.pooling.layer import Pooling
from poolcli.pooling.modes import MODES
from poolcli.steps.recipe import from_records
from poolcli.steps.steps import (
    STEPS,
    ConvStep,
    GradStep,
    NormalizeStep,
    PoolStep,
    ReluStep,
    Step,
    UnpoolStep,
    apply,
    text,
)

GEEKS = np.array([[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]])


def a_map(array: Any = GEEKS, layout: str | None = None, **known: Any) -> FeatureMap:
    return FeatureMap.from_array(np.asarray(array), layout, **known)


def from_record(record: Any) -> Step:
    (step,) = from_records([record])
    return step


def through_json(record: Any) -> Any:
    """A record as it comes back from a file, as strict JSON."""
    return json.loads(json.dumps(record, allow_nan=False))


def same(one: FeatureMap, other: FeatureMap) -> None:
    np.testing.assert_array_equal(one.values, other.values)
    assert one.values.dtype == other.values.dtype
    assert one.layout == other.layout
    if one.indices is None or other.indices is None:
        assert one.indices is other.indices
    else:
        np.testing.assert_array_equal(one.indices, other.indices)


# --- record and back --------------------------------------------------------------------------------------------------

POOLINGS: dict[str, dict[str, Any]] = {
    "default": {},
    "size": {"size": 3},
    "sizes": {"size": (1, 3), "options": {"stride": (2, 1)}},
    "same": {"size": 3, "options": {"stride": 2, "padding": "same"}},
    "same-lower": {"size": 3, "options": {"stride": 2, "padding": "same-lower"}},
    "number": {"size": 3, "options": {"padding": 1}},
    "pair": {"size": 3, "options": {"padding": (1, 0)}},
    "sides": {"size": 3, "options": {"padding": ((1, 0), (0, 2))}},
    "dilation": {"options": {"stride": 1, "dilation": 2}},
    "ceil": {"size": 3, "options": {"stride": 2, "ceil_mode": True}},
    "divisor": {"mode": "avg", "size": 3, "options": {"padding": 1, "count_include_pad": True}},
    "fill": {"size": 3, "options": {"padding": 2, "pad_fill": "reflect"}},
    "filled with a number": {"mode": "avg", "size": 3, "options": {"padding": 2, "pad_fill": -1.5}},
    "global": {"mode": "avg", "options": {"global_window": True}},
    "global by name": {"mode": "global-max"},
    "adaptive": {"mode": "avg", "options": {"output_size": (3, 2)}},
    "fractional": {"options": {"output_size": (2, 2), "fractional": True, "seed": 3}},
    "stochastic": {"mode": "stochastic", "options": {"seed": 11}},
    "nan": {"options": {"nan": "ignore"}},
    "indices": {"indices": True},
    "torch": {"mode": "avg", "size": 3, "options": {"padding": 1, "compat": "torch"}},
    "torch, not counting": {
        "mode": "avg", "size": 3, "options": {"padding": 1, "compat": "torch", "count_include_pad": False},
    },
    "keras": {"size": 3, "options": {"padding": "same", "compat": "keras"}},
    "keras, fractional": {"options": {"output_size": (2, 2), "fractional": True, "compat": "keras", "seed": 3}},
    "onnx": {"size": 3, "options": {"compat": "onnx", "dilation": 1}},
    "onnx, same with dilation": {"options": {"compat": "onnx", "dilation": 2, "padding": "same"}},
    "onnx, column major": {"options": {"compat": "onnx", "stride": 2, "storage_order": 1}, "indices": True},
    **{
        f"mode {row.label}": {"mode": f"{row.name}:0.3" if row.parameter else row.name, "options": {"seed": 1}}
        for row in MODES.values()
    },
}  # fmt: skip
OTHERS: dict[str, Step] = {
    "conv": ConvStep([[0, 1], [2, 3]]),
    "conv with everything": ConvStep([[0.5, 1], [2, -3]], "mine.csv", (2, 1), ((1, 0), (2, 0)), 2, 1.5),
    "conv same": ConvStep([[1, 1, 1]], "row", 2, "same", (1, 2), -1),
    "relu": ReluStep(),
    "normalize": NormalizeStep(),
    "normalize to": NormalizeStep(-1.0, 255.0),
    "grad": GradStep(),
    "grad of avg": GradStep(PoolStep("avg", 3, {"stride": 1, "padding": 1, "count_include_pad": True})),
    "grad with upstream": GradStep(PoolStep("max", 2), np.array([[1.0, -2], [3, 0.5]])),
    "grad global": GradStep(PoolStep("avg", None, {"global_window": True})),
}


@pytest.mark.parametrize("name", POOLINGS)
def test_a_pooling_record_makes_the_same_step_again(name: str) -> None:
    step = PoolStep(**POOLINGS[name])
    given = a_map(GEEKS.astype(float) if "onnx" in name else GEEKS)
    after = step.apply(given)
    (record,) = after.steps
    again = from_record(through_json(record)).apply(given)
    same(again, after)
    assert through_json(again.steps) == through_json(after.steps)
    assert again.unpool == after.unpool


@pytest.mark.parametrize("name", OTHERS)
def test_the_record_of_any_other_step_makes_it_again(name: str) -> None:
    given = a_map(GEEKS - 4)
    after = OTHERS[name].apply(given)
    (record,) = after.steps
    again = from_record(through_json(record)).apply(given)
    same(again, after)
    assert through_json(again.steps) == through_json(after.steps)


@pytest.mark.parametrize(
    "window", [{}, {"output_size": (4, 4)}, {"size": 2, "compat": "torch"}, {"size": 2, "padding": "valid"}]
)
def test_the_record_of_unpool_makes_it_again(window: dict[str, Any]) -> None:
    pooled = PoolStep(indices=True).apply(a_map())
    after = UnpoolStep(window).apply(pooled)
    record = after.steps[-1]
    again = from_record(through_json(record)).apply(pooled)
    same(again, after)
    assert through_json(again.steps) == through_json(after.steps)


def test_every_step_is_covered_here() -> None:
    seen = {"pool", "unpool", *(step.name for step in OTHERS.values())}
    assert seen == set(STEPS)


MODES_TEXT = st.sampled_from(["max", "min", "avg", "sum", "lp:3", "percentile:12.3", "mixed:0.1"])


@given(
    mode=MODES_TEXT,
    size=st.one_of(st.integers(1, 3), st.tuples(st.integers(1, 3), st.integers(1, 3))),
    stride=st.one_of(st.none(), st.integers(1, 3)),
    padding=st.one_of(st.integers(0, 2), st.sampled_from(["valid", "same", "same-lower"])),
    dilation=st.integers(1, 2),
    ceil_mode=st.booleans(),
    include=st.sampled_from([None, True, False]),
    fill=st.sampled_from(["ignore", "replicate", "wrap", 0, -2.5]),
)
@settings(deadline=None)
def test_any_pooling_layer_comes_back_from_its_record(
    mode: str, size: Any, stride: Any, padding: Any, dilation: int, ceil_mode: bool, include: Any, fill: Any
) -> None:
    options: Any = {"padding": padding, "dilation": dilation, "ceil_mode": ceil_mode, "count_include_pad": include,
                    "pad_fill": fill, "stride": stride}  # fmt: skip
    layer = PoolStep(mode, size, options).layer(2)
    record = through_json({"step": "pool", **layer.record()})
    again = from_record(record)
    assert isinstance(again, PoolStep)
    made = again.layer(2)
    assert made.record() == layer.record()
    assert (made.mode, made.pad_fill, made.count_include_pad) == (layer.mode, layer.pad_fill, layer.count_include_pad)
    lengths = (9, 8)
    assert made.plan(lengths) == layer.plan(lengths)


# --- what is recorded -------------------------------------------------------------------------------------------------


def test_the_record_of_the_contract() -> None:
    after = PoolStep().apply(a_map())
    assert through_json(after.steps) == [
        {"step": "pool", "mode": "max", "size": [2, 2], "stride": [2, 2], "shape": [2, 2]}
    ]


@pytest.mark.parametrize(
    ("step", "record"),
    [
        (
            PoolStep("mean", 3, {"padding": "same"}),
            {"step": "pool", "mode": "avg", "size": [3, 3], "stride": [3, 3], "padding": "same", "shape": [2, 2]},
        ),
        (PoolStep("global-avg"), {"step": "pool", "mode": "avg", "global": True, "shape": [1, 1]}),
        (
            PoolStep("max", None, {"output_size": 3}),
            {"step": "pool", "mode": "max", "output_size": [3, 3], "shape": [3, 3]},
        ),
        (ReluStep(), {"step": "relu", "shape": [4, 4]}),
        (NormalizeStep(0, 2), {"step": "normalize", "low": 0, "high": 2, "shape": [4, 4]}),
        (
            ConvStep([[1, 2]], "mine", bias=2),
            {
                "step": "conv",
                "filter": "mine",
                "kernel": [[1, 2]],
                "size": [1, 2],
                "stride": [1, 1],
                "bias": 2,
                "shape": [4, 3],
            },
        ),
        (
            GradStep(PoolStep("avg", 2)),
            {"step": "grad", "mode": "avg", "size": [2, 2], "stride": [2, 2], "shape": [4, 4]},
        ),
    ],
)
def test_records(step: Step, record: dict[str, Any]) -> None:
    assert through_json(step.apply(a_map()).steps) == [record]


def test_the_story_grows_and_the_shape_is_that_of_the_layout() -> None:
    before = a_map(
        np.ones((6, 5, 2)), "HWC", steps=({"step": "pool", "mode": "max"},), extra={"author": "me"}, name="in.csv"
    )
    after = apply(before, [ConvStep([[1, 1]]), ReluStep(), PoolStep()])
    assert [record["step"] for record in after.steps] == ["pool", "conv", "relu", "pool"]
    assert [record.get("shape") for record in after.steps[1:]] == [[6, 4, 2], [6, 4, 2], [3, 2, 2]]
    assert after.shape == (3, 2, 2)
    assert (after.extra, after.name, after.layout) == ({"author": "me"}, "in.csv", "HWC")
    assert len(before.steps) == 1


def test_indices_travel_with_what_unpool_needs_and_end_with_the_next_step() -> None:
    after = PoolStep("max", (2, 2), {}, indices=True).apply(a_map())
    assert after.indices is not None
    assert after.indices.tolist() == [[5, 3], [13, 10]]
    assert through_json(after.unpool) == {"shape": [4, 4], "size": [2, 2], "stride": [2, 2]}
    assert after.steps[0]["indices"] is True
    later = ReluStep().apply(after)
    assert (later.indices, later.unpool) == (None, None)


def test_what_is_no_pixel_any_more_has_no_white() -> None:
    picture = a_map(white=255.0)
    assert PoolStep().apply(picture).white == 255.0
    assert NormalizeStep().apply(picture).white is None
    assert GradStep().apply(picture).white is None


# --- what steps do ----------------------------------------------------------------------------------------------------


def test_steps_do_what_the_functions_do() -> None:
    x = GEEKS - 4
    kernel = [[1, 0], [0, -1]]
    assert ConvStep(kernel, bias=1).apply(a_map(x)).values.tolist() == conv(x, kernel, bias=1).tolist()
    assert ReluStep().apply(a_map(x)).values.tolist() == relu(x).tolist()
    assert PoolStep("avg", 3, {"stride": 1}).apply(a_map(x)).values.tolist() == pool(x, "avg", 3, stride=1).tolist()
    assert GradStep(PoolStep("avg", 3)).apply(a_map(x)).values.tolist() == grad(x, mode="avg", size=3).tolist()


@pytest.mark.parametrize(
    ("array", "low", "high", "expected"),
    [
        ([[0, 5], [10, 5]], 0, 1, [[0, 0.5], [1, 0.5]]),
        ([[-1.0, 1.0]], 0, 255, [[0, 255]]),
        ([[0, 5], [10, 5]], -1, 3, [[-1, 1], [3, 1]]),
        ([[3, 3]], 2, 7, [[2, 2]]),  # a flat map has no stretch
        ([[1e308, -1e308, 0.0]], 0, 1, [[1, 0, 0.5]]),  # their difference overflows
        ([[0.0, math.nan, 2.0]], 0, 1, [[0, math.nan, 1]]),
        ([[math.nan, math.nan]], 0, 1, [[math.nan, math.nan]]),
    ],
)
def test_normalize(array: Any, low: float, high: float, expected: Any) -> None:
    np.testing.assert_allclose(NormalizeStep(low, high).apply(a_map(array)).values, expected, rtol=1e-15)


def test_normalize_stretches_over_the_finite_values() -> None:
    values = NormalizeStep().apply(a_map([[0.0, 4.0, math.inf, -math.inf]])).values
    assert values.tolist() == [[0, 1, math.inf, -math.inf]]


def test_unpool_takes_all_from_the_record() -> None:
    pooled = PoolStep("max", 2, {"stride": 1}, indices=True).apply(a_map(np.arange(12).reshape(3, 4)))
    assert UnpoolStep().apply(pooled).values.tolist() == [[0, 0, 0, 0], [0, 5, 6, 7], [0, 9, 10, 11]]


@pytest.mark.parametrize(("compat", "order"), [("keras", 0), ("torch", 0), ("onnx", 0), ("onnx", 1)])
def test_unpool_knows_how_a_framework_counts(compat: str, order: int) -> None:
    x = np.random.default_rng(2).permutation(2 * 3 * 4 * 6).reshape(2, 3, 4, 6).astype(float)
    options: Any = {"compat": compat, "stride": 2, "storage_order": order}
    pooled = PoolStep("max", 2, options, indices=True).apply(a_map(x))
    plain = PoolStep("max", 2, {"stride": 2}, indices=True).apply(a_map(x))
    same(UnpoolStep().apply(pooled), UnpoolStep().apply(plain))


# --- errors -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("record", [None, 3, "pool", [], {}, {"step": 3}, {"mode": "max"}])
def test_what_is_no_record(record: Any) -> None:
    with pytest.raises(InputError, match="is not a step"):
        from_record(record)


def test_an_unknown_step() -> None:
    with pytest.raises(UnknownNameError, match="unknown step 'pol'") as caught:
        from_record({"step": "pol"})
    assert caught.value.hint is not None
    assert caught.value.hint.startswith("did you mean pool")


def test_a_conv_record_may_name_its_filter() -> None:
    step = from_record({"step": "conv", "filter": "vertical-line"})
    assert isinstance(step, ConvStep)
    assert step.kernel == [[0, 1, 0]] * 3
    with pytest.raises(UnknownNameError, match="unknown filter 'vertical'"):
        from_record({"step": "conv", "filter": "vertical"})


@pytest.mark.parametrize(
    ("record", "kind"),
    [
        ({"step": "pool", "mode": "mx"}, UnknownNameError),
        ({"step": "pool", "size": [2, 2, 2]}, UsageError),
        ({"step": "pool", "size": [0, 2]}, UsageError),
        ({"step": "pool", "size": ["a", 2]}, InputError),
        ({"step": "pool", "global": True, "size": [2, 2]}, UsageError),
        ({"step": "pool", "nan": "skip"}, UnknownNameError),
        ({"step": "conv"}, InputError),
        ({"step": "normalize", "low": "a"}, InputError),
    ],
)
def test_a_record_with_wrong_values_is_an_error_with_a_message(record: dict[str, Any], kind: Any) -> None:
    with pytest.raises(kind):
        from_record(record).apply(a_map())


def test_a_kernel_of_another_rank() -> None:
    with pytest.raises(ShapeError, match=r"kernel mine has 1 axes, but in\.csv has 2 spatial"):
        ConvStep([1, 2], "mine").apply(a_map(name="in.csv"))


def test_unpool_without_indices() -> None:
    with pytest.raises(InputError, match=r"in\.csv has no indices") as caught:
        UnpoolStep().apply(a_map(name="in.csv"))
    assert caught.value.hint is not None
    assert "pool(feature_map, return_indices=True)" in caught.value.hint


# --- text -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (PoolStep(), "max 2x2, stride 2x2"),
        (PoolStep("lp:3", (1, 2), {"stride": 1, "padding": (0, 1)}), "lp:3 1x2, stride 1x1, padding 0x1"),
        (PoolStep("avg", 2, {"padding": 1, "pad_fill": 0}), "avg 2x2, stride 2x2, padding 1x1, filled with 0"),
        (PoolStep("avg", 2, {"padding": 1, "pad_fill": "wrap"}), "avg 2x2, stride 2x2, padding 1x1, filled with wrap"),
        (PoolStep("stochastic", 2, {"seed": 0}), "stochastic 2x2, stride 2x2, seed 0"),
        (PoolStep("avg", 3, {"padding": ((1, 0), (0, 2))}), "avg 3x3, stride 3x3, padding 1,0,0,2"),
        (PoolStep("avg", 3, {"padding": "same", "ceil_mode": True}), "avg 3x3, stride 3x3, padding same, ceil_mode"),
        (PoolStep("global-avg"), "avg global"),
        (PoolStep("max", None, {"output_size": 2}), "max, to 2x2"),
        (PoolStep("max", 2, {"dilation": 2, "nan": "ignore"}), "max 2x2, stride 2x2, dilation 2x2, NaN ignore"),
        (ConvStep([[1, 1]], "row", bias=0.5), "row 1x2, stride 1x1, bias 0.5"),
        (ReluStep(), ""),
        (NormalizeStep(0, 255), "from 0, to 255"),
        (GradStep(PoolStep("avg", 2)), "avg 2x2, stride 2x2"),
    ],
)
def test_text(step: Step, expected: str) -> None:
    (record,) = step.apply(a_map()).steps
    assert text(record) == text(through_json(record)) == expected


def test_a_layer_can_be_made_without_data() -> None:
    layer = PoolStep("avg", 3, {"stride": 2}).layer(2)
    assert isinstance(layer, Pooling)
    assert [len(axis) for axis in layer.plan((26, 26))] == [12, 12]

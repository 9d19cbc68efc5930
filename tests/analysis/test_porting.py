"""What becomes of a layer in another framework: the same, in other words, other values and why, or a refusal."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

from poolcli import pool
from poolcli.analysis.porting import Port, port
from poolcli.pooling.layer import Pooling
from poolcli.steps.steps import PoolStep


def layer(mode: str, size: Any = None, **options: Any) -> PoolStep:
    made: Any = options
    return PoolStep(mode, size, made)


def shown(made: Port) -> tuple[Any, ...]:
    return made.verdict, made.reasons, dict(made.changes)


@pytest.mark.parametrize(("step", "spatial", "name", "expected"), [
    # PyTorch's max 3x3, stride 2, padding 1 is ONNX's with the same words, and not Keras's SAME on an even length
    (layer("max", 3, stride=2, padding=1, compat="torch"), (24, 24), "onnx", ("same", (), {})),
    (layer("max", 3, stride=2, padding=1, compat="torch"), (24, 24), "keras", ("refused", (
        "Keras refuses this layer: padding is valid or same",
        "padded first, by 1,0,1,0 with -inf, the same windows without padding give the same values"), {})),
    # on an odd length it is SAME, one cell at each end
    (layer("max", 3, stride=2, padding=1, compat="torch"), (25, 25), "keras", ("same", (), {"padding": "same"})),
    # rounding up is SAME where the last window overhangs by one cell
    (layer("avg", 2, ceil_mode=True, compat="torch"), (13, 13), "keras", (
        "same", (), {"padding": "same", "ceil_mode": False})),
    # and nothing at all where it divides
    (layer("avg", 2, ceil_mode=True, compat="torch"), (12, 12), "keras", ("same", (), {"ceil_mode": False})),
    # Keras's SAME is ceil_mode where the extra cell is at the end
    (layer("avg", 3, stride=2, padding="same", compat="keras"), (12, 12), "torch", (
        "same", (), {"padding": "valid", "ceil_mode": True})),
    # PyTorch counts the padding of averages, Keras never does; with one more cell of it the counts would differ
    (layer("avg", 3, stride=2, padding=1, compat="torch"), (25, 25), "keras", ("refused", (
        "Keras refuses this layer: padding is valid or same",
        "padded first, by 1,1,1,1 with 0, the same windows without padding give the same values"), {})),
    (layer("lp:3", 2, compat="torch"), (8, 8), "onnx", ("differs", (
        "PyTorch computes lp differently from ONNX: PyTorch takes x^P without the absolute value, and scales "
        "windows clipped by ceil_mode up to the full size",), {})),
    (layer("avg", output_size=(4, 3), compat="torch"), (6, 7), "onnx", (
        "refused", ("ONNX refuses this layer: it has no adaptive or fractional pooling operator",), {})),
    # windows that divide are ordinary ones
    (layer("avg", output_size=(3, 7), compat="torch"), (6, 7), "onnx", (
        "same", (), {"output_size": None, "size": [2, 1], "stride": [2, 1]})),
    (layer("avg", output_size=1, compat="torch"), (6, 7), "onnx", ("same", (), {"global": True, "output_size": None})),
    (layer("max", 2, dilation=3, compat="onnx"), (20, 20), "keras", (
        "refused", ("Keras refuses this layer: its pooling layers have no dilation",), {})),
    # LiteRT never counts padding: PyTorch does unless told otherwise
    (layer("avg", 3, stride=2, padding=1, compat="torch"), (25, 25), "litert", (
        "differs", ("padding counts in the divisor here, but not in LiteRT",), {})),
    (layer("avg", 3, stride=2, padding="same", compat="litert"), (25, 25), "torch", (
        "same", (), {"padding": [[1, 1], [1, 1]], "count_include_pad": False})),
    # what is not the other framework's default is named: PyTorch counts padding, ONNX does not
    (layer("avg", 2, stride=1, padding=1, compat="onnx"), (9, 9), "torch", ("same", (), {"count_include_pad": False})),
    (layer("avg", 2, stride=1, padding=1, compat="torch"), (9, 9), "onnx", ("same", (), {"count_include_pad": True})),
    (layer("avg", 2, stride=1, padding=1, count_include_pad=True, compat="onnx"), (9, 9), "torch", ("same", (), {})),
    (layer("avg", 2, compat="onnx"), (9, 9), "torch", ("same", (), {})),
])  # fmt: skip
def test_a_layer_elsewhere(step: PoolStep, spatial: Any, name: str, expected: tuple[Any, ...]) -> None:
    assert shown(port(step, spatial, name)) == expected


def test_lengths_that_are_not_known_are_tried_with_every_remainder() -> None:
    step = layer("max", 3, stride=2, padding=1, compat="torch")
    assert port(step, (None, "w"), "keras").verdict == "refused"  # it is SAME on odd lengths only
    assert port(step, (None, "w"), "onnx").verdict == "same"
    assert port(layer("avg", output_size=2, compat="torch"), (None, None), "keras").verdict == "same"
    assert port(layer("max", global_window=True, compat="torch"), (None, None), "onnx").verdict == "same"


@pytest.mark.parametrize(("mode", "fill"), [("max", "-inf"), ("avg", "0")])
@pytest.mark.parametrize(
    ("size", "padding", "ceil", "by"),
    [(3, 1, False, "1,1,1,1"), (5, 2, False, "2,2,2,2"), (3, 1, True, "1,2,1,2")],
)
def test_padding_first_fits_every_length(mode: str, fill: str, size: int, padding: int, ceil: bool, by: str) -> None:
    """A map of even length needs less before a stride of 2 than one of odd length; overhang never counts."""
    step = layer(mode, size, stride=2, padding=padding, ceil_mode=ceil, compat="torch")
    made = port(step, (None, None), "keras")
    told = f"padded first, by {by} with {fill}, the same windows without padding give the same values"
    assert [reason for reason in made.reasons if "first" in reason] == [told] * (mode == "max" or not ceil)
    if told not in made.reasons:
        return
    before, after = map(int, by.split(",")[:2])
    for length in range(9, 15):
        x = np.random.default_rng(length).normal(size=(length, length))
        padded = np.pad(x, (before, after), constant_values=float(fill))
        here = step.layer(2).apply(x)[0]
        np.testing.assert_allclose(pool(padded, mode, size, stride=2, compat="keras"), here)


def test_what_matters_for_some_lengths_only_is_named() -> None:
    """SAME pads only some lengths; on those, Flax counts padding unless told otherwise."""
    step = layer("avg", 3, stride=3, padding="same", compat="onnx")
    assert shown(port(step, (9, 9), "flax")) == ("same", (), {})
    assert shown(port(step, (None, None), "flax")) == ("same", (), {"count_include_pad": False})


@pytest.mark.parametrize("spatial", [(None, None), ("H", 7)])
def test_a_size_that_only_some_maps_have_is_not_advised(spatial: Any) -> None:
    """PyTorch has a global norm only as one window as large as the map."""
    norm = PoolStep("lp:2", None, {"global_window": True, "compat": "onnx"})
    there = port(norm, spatial, "torch")
    assert (there.verdict, there.step, there.changes) == ("differs", None, ())
    assert there.reasons == ("what gives the same values depends on the size of the map",)
    assert port(norm, (7, 7), "torch").changes == (("global", False), ("size", [7, 7]), ("stride", [7, 7]))


def test_a_padding_is_advised_where_it_holds_for_every_length() -> None:
    """With stride 2, SAME is PyTorch's padding of 1 at odd lengths only."""
    layer = PoolStep("max", 3, {"stride": 2, "padding": 1, "compat": "torch"})
    there = port(layer, (None, None), "keras")
    assert there.step is None
    assert port(PoolStep("max", 3, {"stride": 1, "padding": 1, "compat": "torch"}), (None, None), "keras").changes == (
        ("padding", "same"),
    )


def test_whole_numbers() -> None:
    step = layer("avg", 2, compat="keras")
    assert port(step, (8, 8), "torch", "int8").reasons == (
        "PyTorch refuses this layer: int64 is the only integer type that it averages",
    )
    assert port(layer("max", 2, compat="keras"), (8, 8), "onnx", "uint8").verdict == "same"


def test_what_cannot_be_tried_is_said() -> None:
    assert port(layer("max", 3, compat="torch"), (2, 2), "onnx").verdict == "not tried"
    huge = port(layer("max", 3000, compat="torch"), (10_000, 10_000), "onnx")
    assert (huge.verdict, huge.reasons) == ("not tried", ("its windows are too large for a trial",))


@pytest.mark.parametrize("length", [300, 301, 302])
def test_a_large_map_is_tried_on_a_small_one_with_the_same_borders(length: int) -> None:
    step = layer("avg", 3, stride=3, padding="same", compat="keras")
    small = port(step, (length, length), "torch")
    axes = Pooling.of(2, "avg", 3, stride=3, padding="same").plan((length, length))
    pads = {(axis.before, axis.after) for axis in axes}
    assert small.verdict == ("same" if pads in ({(0, 0)}, {(1, 1)}, {(0, 1)}) else "refused")


@pytest.mark.slow
def test_what_is_the_same_in_other_words_gives_the_same_windows() -> None:
    """Each spelling that is offered has the windows of the layer itself, counted by poolcli's own rules."""
    options = itertools.product((2, 3), (1, 2, 3), ("valid", "same", "same-lower", 1), (False, True), (9, 10, 11))
    offered = 0
    for size, stride, padding, ceil, length in options:
        step = layer("max", size, stride=stride, padding=padding, ceil_mode=ceil, compat="onnx")
        for name in ("torch", "keras"):
            made = port(step, (length,), name)
            if made.step is None or not made.changes:
                continue
            offered += 1
            axes = [one.layer(1).plan((length,))[0] for one in (step, made.step)]
            cells = [[[c for c in axis.cells(w) if 0 <= c < length] for w in range(len(axis))] for axis in axes]
            assert cells[0] == cells[1], (step, made.step)
    assert offered > 20

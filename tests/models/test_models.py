"""Readers of model files: what real exporters wrote, layer by layer, against records written down by hand."""

from __future__ import annotations

import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest

from poolcli.errors import InputError
from poolcli.models import onnx_shapes
from poolcli.models.files import read_model
from poolcli.models.layer import ModelLayer, merged, shown
from tests.support.models import (
    MODELS,
    Numbers,
    archive,
    attribute,
    field,
    model,
    node,
    operator,
    tensor,
    tflite,
    tflite_tensor,
    unpacked,
    value,
    weights,
)

B, N = "batch", "s77"


def facts(layer: ModelLayer) -> tuple[Any, ...]:
    record = layer.step.layer(layer.ndim).record()
    return layer.name, layer.operator, layer.input, layer.output, record


def found(path: Path, data: bytes) -> list[ModelLayer]:
    path.write_bytes(data)
    return list(read_model(path).layers)


MAX = {"mode": "max", "size": [3, 3], "stride": [2, 2], "padding": [[1, 1], [1, 1]]}
CEIL = {"mode": "avg", "size": [2, 2], "stride": [2, 2], "ceil_mode": True}
LATE = {"mode": "max", "size": [3, 3], "stride": [1, 1]}
GLOBAL = {"mode": "avg", "global": True}
EVEN = {"mode": "avg", "size": [2, 1], "stride": [2, 1]}


def test_pytorch_exported_program() -> None:
    made = read_model(MODELS / "torch.pt2")
    assert made.format == "exported program of PyTorch 2.13.0+cpu"
    torch = {"compat": "torch"}
    assert [facts(layer) for layer in made.layers] == [
        ("stage1.pool", "MaxPool2d", (N, 2, 24, 25), (N, 2, 12, 13), MAX | torch),
        ("stage2.pool", "AvgPool2d", (N, 2, 12, 13), (N, 2, 6, 7), CEIL | torch),
        ("adaptive", "AdaptiveAvgPool2d", (N, 2, 6, 7), (N, 2, 4, 3), {"mode": "avg", "output_size": [4, 3]} | torch),
        ("max_pool2d_1", "max_pool2d", (N, 2, 5, 4), (N, 2, 3, 2), LATE | torch),
        ("mean", "mean", (N, 2, 3, 2), (N, 2), GLOBAL | torch),
    ]
    assert [layer.unusual for layer in made.layers] == [
        (), (), (),
        ("a pad before it (pads 0,1,0,1 of 0)",),
        ("global pooling as a reduction, its axes dropped",),
    ]  # fmt: skip


def test_the_layout_of_older_exported_programs(tmp_path: Path) -> None:
    program = unpacked(MODELS / "torch.pt2", "models/model.json")
    old = tmp_path / "old.pt2"
    old.write_bytes(archive({"serialized_exported_program.json": json.dumps(program), "version": "1"}))
    assert read_model(old).layers == read_model(MODELS / "torch.pt2").layers


@pytest.mark.parametrize(("name", "names"), [
    ("torch_new.onnx", ["stage1.pool", "stage2.pool", "adaptive", "max_pool2d_1", "mean"]),
    ("torch_old.onnx", ["/stage1/pool/MaxPool", "/stage2/pool/AveragePool", "/adaptive/AveragePool", "/MaxPool",
                        "/ReduceMean"]),
])  # fmt: skip
def test_both_onnx_exporters_of_pytorch(name: str, names: list[str]) -> None:
    made = read_model(MODELS / name)
    assert made.format.startswith("ONNX of pytorch 2.13.0")
    onnx, counted = {"compat": "onnx"}, {"count_include_pad": True}
    first, second, third, fourth, last = [facts(layer) for layer in made.layers]
    old = name == "torch_old.onnx"  # it computes the amounts of F.pad in twelve nodes
    lost, left_out = (None,) * 4, ", which the command leaves out" if old else ""
    assert first == (names[0], "MaxPool", (B, 2, 24, 25), (B, 2, 12, 13), MAX | onnx)
    assert second == (names[1], "AveragePool", (B, 2, 12, 13), (B, 2, 6, 7), CEIL | counted | onnx)
    assert third == (names[2], "AveragePool", (B, 2, 6, 7), (B, 2, 3, 7), EVEN | onnx | ({} if old else counted))
    assert fourth == (names[3], "MaxPool", lost if old else (B, 2, 4, 8), lost if old else (B, 2, 2, 6), LATE | onnx)
    assert (last[0], last[1], last[4]) == (names[4], "ReduceMean", GLOBAL | onnx)
    amounts = "computed amounts" if old else "pads 0,0,0,0,0,0,1,1"
    assert made.layers[3].unusual == (f"a Pad before it ({amounts} of 0){left_out}",)


def test_keras_functional_with_a_model_inside_and_a_shared_layer() -> None:
    made = read_model(MODELS / "functional.keras")
    assert made.format == "Keras model of Keras 3.15.1"
    keras = {"compat": "keras"}
    two, three = {"mode": "max", "size": [2, 2], "stride": [2, 2]}, {"size": [3, 3]}
    assert [facts(layer) for layer in made.layers] == [
        ("shared", "MaxPooling2D", (None, 24, 25, 2), (None, 12, 12, 2), two | keras),
        ("inner/avg", "AveragePooling2D", (None, 12, 12, 2), (None, 6, 6, 2),
         {"mode": "avg", "stride": [2, 2], "padding": "same"} | three | keras),
        ("padded", "MaxPooling2D", (None, 7, 7, 2), (None, 5, 5, 2), {"mode": "max", "stride": [1, 1]} | three | keras),
        ("shared", "MaxPooling2D", (None, 3, 3, 2), (None, 1, 1, 2), two | keras),
        ("adaptive", "AdaptiveAveragePooling2D", (None, 1, 1, 2), (None, 1, 2, 2),
         {"mode": "avg", "output_size": [1, 2]} | keras),
        ("global", "GlobalAveragePooling2D", (None, 1, 2, 2), (None, 2), GLOBAL | keras),
    ]  # fmt: skip
    assert {layer.layout for layer in made.layers} == {"NHWC"}
    assert made.layers[2].unusual == ("a ZeroPadding2D before it (pads 0,1,0,1 of 0)",)
    assert made.layers[3].unusual == ("call 2 of a shared layer",)


def test_a_keras_class_of_its_own_is_told_of() -> None:
    made = read_model(MODELS / "subclassed.keras")
    assert made.layers == ()
    assert made.notes == ("Own is a custom class, built for 1x4x4x1: its layers are in its source, not in the file",)


def test_tensorflow_lite_of_floats() -> None:
    made = read_model(MODELS / "float.tflite")
    first, second, third = made.layers
    own = "litert"
    assert facts(first)[1:] == (
        "MAX_POOL_2D", (None, 12, 13, 2), (None, 6, 7, 2),
        {"mode": "max", "size": [3, 3], "stride": [2, 2], "padding": "same", "compat": own},
    )  # fmt: skip
    assert first.name.endswith("max_pooling2d_1_1/MaxPool2d")
    assert facts(second)[1:] == (
        "AVERAGE_POOL_2D", (None, 6, 7, 2), (None, 3, 3, 2),
        {"mode": "avg", "size": [2, 2], "stride": [2, 2], "compat": own},
    )  # fmt: skip
    assert second.unusual == ("fused RELU6: clipped to 0..6",)
    assert facts(third)[1:] == ("MEAN", (None, 3, 3, 2), (None, 2), GLOBAL | {"compat": own})


def test_tensorflow_lite_of_whole_numbers() -> None:
    first, second, third = read_model(MODELS / "quantised.tflite").layers
    assert {layer.dtype for layer in (first, second, third)} == {"int8"}
    assert first.unusual == ("int8, scale 0.002063, zero point -128",)
    assert second.unusual == ("fused RELU6: clipped to 0..6", "int8, scale 0.002279, zero point 56")
    assert third.unusual[1] == "int8, scale 0.0003788, zero point 127; out scale 5.666e-05, zero point 127"


@pytest.mark.parametrize("name", ["scripted.pt", "traced.pt"])
def test_torchscript_has_parameters_only(name: str) -> None:
    made = read_model(MODELS / name)
    torch = {"compat": "torch"}
    assert [(layer.input, layer.output) for layer in made.layers] == [(None, None)] * 4
    assert [(layer.name.lstrip("_"), layer.operator) for layer in made.layers] == [
        ("stage1.pool", "MaxPool2d"), ("stage2.pool", "AvgPool2d"), ("adaptive", "AdaptiveAvgPool2d"),
        ("max_pool2d", "max_pool2d"),
    ]  # fmt: skip
    assert [facts(layer)[4] for layer in made.layers] == [
        MAX | torch, CEIL | torch, {"mode": "avg", "output_size": [4, 3]} | torch, LATE | torch
    ]  # fmt: skip
    assert made.notes == (
        "the model: torch.mean over axes [2, 3] may be global pooling",
        "TorchScript holds no shapes: parameters only; torch.export.save gives a .pt2 that has them",
    )


def test_what_is_unusual_in_onnx() -> None:
    layers = {layer.name: layer for layer in read_model(MODELS / "odd.onnx").layers}
    assert {name: (shown(layer.input), shown(layer.output), layer.unusual) for name, layer in layers.items()} == {
        "n_empty": ("1x1x6x6", "1x1x3x3", (
            "ceil_mode leaves out a last, empty window of the rows and columns; some runtimes keep it",)),
        "n_uneven": ("1x1x6x6", "1x1x3x3", ("asymmetric padding",)),
        "n_same": ("1x1x6x6", "1x1x3x3", ()),
        "n_dilated": ("1x1x6x6", "1x1x3x3", ()),
        "n_norm": ("1x1x6x6", "1x1x5x5", ()),
        "n_most": ("1x1x6x6", "1x1x1x1", ()),
        "n_mean": ("1x1x6x6", "1x1", ("global pooling as a reduction, its axes dropped",)),
        "n_late": ("1x1x7x7", "1x1x3x3", (
            "a Pad before it (pads 0,0,0,0,0,0,1,1 of -inf)",)),
        "n_halved/n_b": ("1x1x6x6", "1x1x3x3", ()),
        "n_found": ("?", "?", ("the shape of its input is not known",)),
        "n_chosen/n_in_then": ("1x2x3x3", "1x2x1x1", (
            "inside then_branch of If n_chosen", "the file says that its output is 1x2x2x3, but it is 1x2x1x1")),
        "n_last": ("?", "n x c x h x w", ("the shape of its input is not known",)),
    }  # fmt: skip
    records = {name: layer.step.layer(2).record() for name, layer in layers.items()}
    assert records["n_same"] == {
        "mode": "max", "size": [3, 3], "stride": [2, 2], "padding": "same-lower", "compat": "onnx"
    }  # fmt: skip
    assert records["n_norm"] == {"mode": "lp:3", "size": [2, 2], "stride": [1, 1], "compat": "onnx"}
    assert records["n_dilated"] == {
        "mode": "avg", "size": [2, 2], "stride": [1, 1], "dilation": [3, 3], "compat": "onnx"
    }  # fmt: skip
    assert "n_centre" not in layers  # a mean that is subtracted normalises


@pytest.mark.parametrize(("size", "pad", "empty"), [(1, 0, True), (2, 0, False), (2, 1, True), (3, 1, False)])
def test_a_last_window_that_may_be_empty(tmp_path: Path, size: int, pad: int, empty: bool) -> None:
    options: Any = {"kernel_shape": [size, size], "strides": [2, 2], "pads": [pad] * 4, "ceil_mode": 1}
    data = model([node("MaxPool", ["x"], ["y"], **options)], [value("x", (1, 1, "H", "W"))])
    told = "at some lengths ceil_mode leaves out a last, empty window of the rows and columns; some runtimes keep it"
    assert found(tmp_path / "m.onnx", data)[0].unusual == ((told,) if empty else ())


def test_nothing_of_who_exported_is_in_a_record() -> None:
    for path in MODELS.iterdir():
        if path.suffix in (".onnx", ".pt2", ".keras", ".tflite") or path.name in ("scripted.pt", "traced.pt"):
            assert "/home/author" not in repr(read_model(path)), path
    with pytest.raises(InputError) as problem:
        read_model(MODELS / "weights.pt")
    assert "pickled PyTorch weights" in str(problem.value)


def test_the_real_files_are_small() -> None:
    files = [path for path in MODELS.iterdir() if path.suffix != ".py" and path.is_file()]
    assert sum(path.stat().st_size for path in files) < 100_000


# --- ONNX by hand -----------------------------------------------------------------------------------------------------


def pool_behind(path: Path, *nodes: bytes, shape: Any = (1, 2, 9, 10), constants: Any = ()) -> ModelLayer:
    """The layer at the end of a chain from x to t."""
    last = node("MaxPool", ["t"], ["y"], kernel_shape=[2, 2], strides=[2, 2])
    return found(path, model([*nodes, last], [value("x", shape)], constants))[-1]


@pytest.mark.parametrize(("kind", "inputs", "attributes", "constants", "shape"), [
    ("Relu", ["x"], {}, [], "1x2x9x10"),
    ("Conv", ["x", "w"], {"pads": [1, 0, 1, 0], "strides": [2, 1]}, [weights("w", [5, 2, 3, 3])], "1x5x5x8"),
    ("Conv", ["x", "w"], {"auto_pad": "SAME_UPPER", "strides": [2, 2]}, [weights("w", [4, 2, 3, 3])], "1x4x5x5"),
    ("Conv", ["x", "w"], {"dilations": [2, 2], "kernel_shape": [3, 3]}, [weights("w", [4, 2, 3, 3])], "1x4x5x6"),
    ("Conv", ["x", "gone"], {}, [], "?"),
    ("Add", ["x", "c"], {}, [weights("c", [2, 1, 1])], "1x2x9x10"),
    ("Mul", ["x", "c"], {}, [weights("c", [3, 2, 9, 10])], "3x2x9x10"),
    ("Add", ["x", "c"], {}, [weights("c", [7])], "1x2x9x?"),
    ("Pad", ["x", "p"], {}, [tensor("p", [0, 0, 1, 2, 0, 0, 3, 4])], "1x2x13x16"),
    ("Pad", ["x"], {"pads": [0, 0, 1, 1, 0, 0, 1, 1]}, [], "1x2x11x12"),
    ("Pad", ["x", "gone"], {}, [], "?x?x?x?"),
    ("Concat", ["x", "x"], {"axis": -3}, [], "1x4x9x10"),
    ("Gather", ["x", "p"], {"axis": -2}, [tensor("p", [0, 1, 1, 2, 4])], "1x2x5x10"),
    ("Gather", ["x", "gone"], {"axis": 1}, [], "?"),
    ("Concat", ["x", "gone"], {"axis": 1}, [], "?"),
    ("Transpose", ["x"], {"perm": [0, 1, 3, 2]}, [], "1x2x10x9"),
    ("Reshape", ["x", "p"], {}, [tensor("p", [0, 1, -1, 6])], "1x1x30x6"),
    ("Reshape", ["x", "gone"], {}, [], "?"),
    ("Reshape", ["x", "p"], {}, [tensor("p", [1, 0, 3, 30])], "1x2x3x30"),
    ("Reshape", ["gone", "p"], {}, [tensor("p", [1, 2, -1, 30])], "1x2x?x30"),
    ("Conv", ["x", "w"], {"pads": [1]}, [weights("w", [4, 2, 3, 3])], "?"),
    ("Add", ["x", "gone"], {}, [], "?"),
    ("Pad", ["gone", "p"], {}, [tensor("p", [0])], "?"),
    ("Transpose", ["gone"], {}, [], "?"),
    ("Unsqueeze", ["gone"], {}, [], "?"),
    ("Squeeze", ["gone"], {}, [], "?"),
    ("Flatten", ["gone"], {}, [], "?"),
    ("BatchNormalization", ["x"], {}, [], "1x2x9x10"),
    ("Resize", ["x"], {}, [], "?"),
])  # fmt: skip
def test_shapes_are_followed(
    tmp_path: Path, kind: str, inputs: list[str], attributes: dict[str, Any], constants: list[bytes], shape: str
) -> None:
    layer = pool_behind(tmp_path / "m.onnx", node(kind, inputs, ["t"], **attributes), constants=constants)
    assert shown(layer.input) == shape


CEIL_BEFORE = node("MaxPool", ["x"], ["p"], kernel_shape=[1, 1], strides=[2, 2], ceil_mode=1)
BEHIND: list[tuple[list[bytes], list[bytes], Any, str]] = [
    ([node("DepthToSpace", ["x"], ["t"], blocksize=2)], [], (1, 4, 9, 9), "1x1x18x18"),
    ([node("DepthToSpace", ["x"], ["d"], blocksize=2), node("Relu", ["d"], ["t"])], [], ("n", 4, 9, None),
     "n x 1 x 18 x ?"),
    ([node("ConvTranspose", ["x", "w"], ["t"], strides=[2, 2])], [weights("w", [4, 6, 3, 3])], (1, 4, 9, 5),
     "1x6x19x11"),
    ([node("Resize", ["x", "", "s"], ["t"])],
     [field(1, 4) + field(2, 1) + field(8, "s") + field(9, struct.pack("<4f", 1, 1, 2, 3))], (1, 4, 9, 9), "1x4x18x27"),
    # its lengths after such a pool are wrong before operator set 22, so that what follows from them is not taken over
    ([CEIL_BEFORE, node("DepthToSpace", ["p"], ["t"], blocksize=2)], [], (1, 4, 10, 10), "?"),
    ([CEIL_BEFORE, node("DepthToSpace", ["p"], ["d"], blocksize=2), node("Tile", ["d", "r"], ["t"])],
     [tensor("r", [1, 1, 2, 2])], (1, 4, 10, 10), "?"),
]  # fmt: skip


def written(path: Path, nodes: list[bytes], constants: list[bytes], shape: Any, opset: int = 18) -> Path:
    last = node("MaxPool", ["t"], ["y"], kernel_shape=[2, 2], strides=[2, 2])
    unshaped = field(1, "y") + field(2, field(1, field(1, 1)))
    path.write_bytes(model([*nodes, last], [value("x", shape)], constants, opset=opset, outputs=[unshaped]))
    return path


@pytest.mark.parametrize(("nodes", "constants", "shape", "told"), BEHIND)
def test_shapes_without_a_formula_are_those_that_onnx_infers(
    tmp_path: Path, nodes: list[bytes], constants: list[bytes], shape: Any, told: str
) -> None:
    pytest.importorskip("onnx", reason="the package infers the shapes")
    made = read_model(written(tmp_path / "m.onnx", nodes, constants, shape))
    assert shown(made.layers[-1].input) == told
    assert not any("the file says" in text for layer in made.layers for text in layer.unusual)


@pytest.mark.parametrize(("nodes", "constants", "shape", "told"), BEHIND)
def test_without_the_package_they_are_not_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, nodes: list[bytes], constants: list[bytes], shape: Any, told: str
) -> None:
    monkeypatch.setitem(sys.modules, "onnx.shape_inference", None)  # as if it were not installed
    made = read_model(written(tmp_path / "m.onnx", nodes, constants, shape))
    assert (shown(made.layers[-1].input), bool(told)) == ("?", True)
    assert made.layers[-1].unusual == ("the shape of its input is not known",)


def test_shapes_are_not_inferred_of_a_large_model_or_one_that_it_refuses(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("onnx", reason="the package infers the shapes")
    nodes, constants, shape, told = BEHIND[0]
    path = written(tmp_path / "m.onnx", nodes, constants, shape)
    assert shown(read_model(path).layers[0].input) == told
    monkeypatch.setattr(onnx_shapes, "MOST_INFERRED", path.stat().st_size - 1)
    assert shown(read_model(path).layers[0].input) == "?"
    monkeypatch.undo()
    monkeypatch.setattr(onnx_shapes, "MODEL_COPIES", 1 << 60)
    assert shown(read_model(path).layers[0].input) == "?"
    monkeypatch.undo()
    wrong = [node("DepthToSpace", ["x"], ["t"], blocksize=0)]
    assert shown(read_model(written(path, wrong, [], shape)).layers[0].input) == "?"


def test_squeezing_and_unsqueezing(tmp_path: Path) -> None:
    nodes = [node("Unsqueeze", ["x", "p"], ["u"]), node("Squeeze", ["u", "q"], ["t"])]
    constants = [tensor("p", [1]), tensor("q", [0])]
    layer = pool_behind(tmp_path / "m.onnx", *nodes, shape=(1, 2, 9, 10), constants=constants)
    assert shown(layer.input) == "1x2x9x10"


def test_a_flat_map_that_is_a_map_again(tmp_path: Path) -> None:
    nodes = [node("Flatten", ["x"], ["f"]), node("Reshape", ["f", "p"], ["t"])]
    layer = pool_behind(tmp_path / "m.onnx", *nodes, constants=[tensor("p", [1, 5, -1, 6])])
    assert shown(layer.input) == "1x5x6x6"


@pytest.mark.parametrize(("inputs", "constants", "told"), [
    (["x", "p", "v"], [field(1, 1) + field(2, 1) + field(4, struct.pack("<f", 2.5)) + field(8, "v")], 2.5),
    (["x", "p", "v"], [field(2, 11) + field(9, struct.pack("<d", -1.5)) + field(8, "v")], -1.5),
    (["x", "p", "v"], [field(1, 1) + field(2, 3) + field(5, -3) + field(8, "v")], -3),
    (["x", "p", "computed"], [], None),
    (["x", "p"], [], 0),
])  # fmt: skip
def test_what_a_pad_before_pooling_holds(
    tmp_path: Path, inputs: list[str], constants: list[bytes], told: float | None
) -> None:
    pads = tensor("p", [0, 0, 1, 2, 0, 0, 0, 1])
    layer = pool_behind(tmp_path / "m.onnx", node("Pad", inputs, ["t"]), constants=[pads, *constants])
    what = f"a Pad before it (pads 0,0,1,2,0,0,0,1 of {'a computed value' if told is None else f'{told:g}'})"
    assert layer.unusual[0] == (f"{what}, which the command leaves out" if told is None else what)
    padded = {"mode": "max", "size": [1, 1], "stride": [1, 1], "padding": [[1, 0], [2, 1]], "pad_fill": told}
    assert [step.layer(2).record() for step in layer.before] == ([] if told is None else [padded])
    assert (shown(layer.input), layer.source) == ("1x2x10x13", None if told is None else (1, 2, 9, 10))


@pytest.mark.parametrize(
    ("mode", "fill"), [("reflect", "reflect"), ("edge", "replicate"), ("wrap", "wrap"), ("x", None)]
)
def test_a_pad_before_pooling_that_copies_cells(tmp_path: Path, mode: str, fill: str | None) -> None:
    pad = node("Pad", ["x", "p"], ["t"], mode=mode)
    layer = pool_behind(tmp_path / "m.onnx", pad, constants=[tensor("p", [0, 0, 1, 2, 0, 0, 0, 1])])
    assert [step.layer(2).pad_fill for step in layer.before] == ([fill] if fill else [])


@pytest.mark.parametrize("pads", [[0, 1, 0, 0, 0, 1, 0, 0], [0, 0, -1, 0, 0, 0, 0, 0], [1, 1]])
def test_a_pad_that_no_step_makes_is_told(tmp_path: Path, pads: list[int]) -> None:
    """Of channels, of fewer than no cells, or of some axes."""
    layer = pool_behind(tmp_path / "m.onnx", node("Pad", ["x", "p"], ["t"]), constants=[tensor("p", pads)])
    assert (layer.before, layer.unusual[0].endswith("which the command leaves out")) == ((), True)


def test_symbols_stay_and_unknown_lengths_are_not_guessed(tmp_path: Path) -> None:
    layer = pool_behind(tmp_path / "m.onnx", node("Relu", ["x"], ["t"]), shape=("n", 3, None, 9))
    assert (shown(layer.input), shown(layer.output)) == ("n x 3 x ? x 9", "n x 3 x ? x 4")


@pytest.mark.parametrize(("kind", "shape", "axes", "keepdims", "layout", "output"), [
    ("ReduceMean", (1, 2, 9, 10), [2, 3], 1, "NCHW", "1x2x1x1"),
    ("ReduceMean", (1, 9, 10, 2), [-3, -2], 0, "NHWC", "1x2"),
    ("ReduceMax", (1, 2, 9), [-1], 0, "NCL", "1x2"),
    ("ReduceMin", (1, 2, 9, 10, 11), [2, 3, 4], 1, "NCDHW", "1x2x1x1x1"),
])  # fmt: skip
def test_global_pooling_as_a_reduction(
    tmp_path: Path, kind: str, shape: Any, axes: list[int], keepdims: int, layout: str, output: str
) -> None:
    data = model([node(kind, ["x"], ["y"], axes=axes, keepdims=keepdims)], [value("x", shape)], opset=13)
    (layer,) = found(tmp_path / "m.onnx", data)
    assert (layer.layout, shown(layer.output)) == (layout, output)


@pytest.mark.parametrize(("shape", "axes"), [((1, 2, 9, 10), [1]), ((4, 5), [1]), ((1, 2, 9, 10), [0, 1, 2, 3])])
def test_a_reduction_over_other_axes_is_no_pooling(tmp_path: Path, shape: Any, axes: list[int]) -> None:
    assert found(tmp_path / "m.onnx", model([node("ReduceMean", ["x"], ["y"], axes=axes)], [value("x", shape)])) == []


def test_nodes_in_the_wrong_order_are_put_right(tmp_path: Path) -> None:
    nodes = [node("MaxPool", ["t"], ["y"], kernel_shape=[2, 2]), node("Relu", ["x"], ["t"])]
    (layer,) = found(tmp_path / "m.onnx", model(nodes, [value("x", (1, 1, 4, 4))]))
    assert shown(layer.output) == "1x1x3x3"


def test_a_pool_with_indices_and_a_body_of_a_loop(tmp_path: Path) -> None:
    body = field(1, node("MaxPool", ["a"], ["b"], kernel_shape=[2]))
    loop = node("Loop", ["m"], ["z"]) + field(5, field(1, "body") + field(6, body))
    both = node("MaxPool", ["x"], ["y", "where"], kernel_shape=[2, 2], storage_order=1)
    first, second = found(tmp_path / "m.onnx", model([both, loop], [value("x", (1, 1, 4, 4))]))
    assert (first.step.indices, first.step.options["storage_order"]) == (True, 1)
    assert (second.layout, shown(second.input)) == ("NCL", "?")
    assert "inside body of Loop n_z" in second.unusual


def test_attributes_that_a_function_is_called_with(tmp_path: Path) -> None:
    inner = node("MaxPool", ["a"], ["b"]) + field(5, field(1, "kernel_shape") + field(21, "k"))
    function = field(1, "Own") + field(4, "a") + field(5, "b") + field(7, inner) + field(10, "mine")
    outer = node("Own", ["x"], ["y"], "mine") + field(5, attribute("k", [3, 2]))
    (layer,) = found(tmp_path / "m.onnx", model([outer], [value("x", (1, 1, 4, 4))], functions=[function]))
    assert (layer.name, layer.step.size, shown(layer.output)) == ("n_y/n_b", (3, 2), "1x1x2x3")


def test_pooling_that_is_not_described_is_told_of(tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(model([node("MyPool", ["x"], ["y"], "com.mine")], [value("x", (1, 1, 4, 4))]))
    made = read_model(path)
    assert made.layers == ()
    assert made.notes == ("n_y: com.mine.MyPool is not described here",)


def number(name: str, kind: int, raw: bytes) -> bytes:
    """A constant of one number."""
    return field(2, kind) + field(8, name) + field(9, raw)


def test_quantised_pooling_of_onnxruntime_is_that_of_what_the_numbers_stand_for(tmp_path: Path) -> None:
    constants = [number("s", 1, struct.pack("<f", 0.1)), number("z", 2, b"\3"), number("t", 1, struct.pack("<f", 0.2))]
    pool = node("QLinearAveragePool", ["x", "s", "z", "t"], ["y"], "com.microsoft", kernel_shape=[2, 2], strides=[2, 2])
    whole = node("QLinearGlobalAveragePool", ["y", "t", "gone", "t"], ["g"], "com.microsoft", channels_last=1)
    data = model([pool, whole], [value("x", (1, 3, 4, 6), 2)], constants)
    first, last = found(tmp_path / "m.onnx", data)
    told = "the command pools the numbers that they stand for, and rounds nothing"
    assert first.unusual == (f"quantised, scale 0.1, zero point 3; out scale 0.2, zero point ?: {told}",)
    assert (first.dtype, shown(first.output)) == ("float32", "1x3x2x3")
    assert facts(first)[4] == {"mode": "avg", "size": [2, 2], "stride": [2, 2], "compat": "onnx"}
    assert (last.layout, shown(last.output), facts(last)[4]) == ("NHWC", "1x1x1x3", GLOBAL | {"compat": "onnx"})


@pytest.mark.parametrize(("shape", "restored"), [((2, 3, 2, 3), "2x3x4x6"), (("n", 3, None, 3), "n x 3 x ? x 6")])
def test_unpooling_restores_what_its_windows_imply_or_what_it_is_told(
    tmp_path: Path, shape: Any, restored: str
) -> None:
    options: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}
    plain = node("MaxUnpool", ["x", "i"], ["y"], **options)
    told = node("MaxUnpool", ["x", "i", "s"], ["z"], **options)
    first, second = found(tmp_path / "m.onnx", model([plain, told], [value("x", shape)], [tensor("s", [2, 3, 5, 7])]))
    assert (first.undone, shown(first.output)) == ((), restored)
    assert (second.undone, second.output) == ((5, 7), (*shape[:2], 5, 7))
    assert second.unusual == (
        "a size to restore: the command adds zeros at the end, as ONNX says; in onnxruntime indices count in that size",
    )


def test_a_layer_that_its_framework_refuses_is_listed_as_poolcli_has_it(tmp_path: Path) -> None:
    nodes = [node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[2, 2, 2, 2])]
    (layer,) = found(tmp_path / "m.onnx", model(nodes, [value("x", (1, 1, 4, 4))]))
    assert "compat" not in layer.step.options
    assert layer.unusual == (
        "ONNX refuses this layer: onnxruntime requires every pad to be smaller than the kernel",
        "the first window of the rows is empty", "the last window of the rows is empty",
        "the first window of the columns is empty", "the last window of the columns is empty",
    )  # fmt: skip


def test_a_window_larger_than_its_input_is_told_of(tmp_path: Path) -> None:
    nodes = [node("MaxPool", ["x"], ["y"], kernel_shape=[5, 5])]
    (layer,) = found(tmp_path / "m.onnx", model(nodes, [value("x", (1, 1, 4, 4))]))
    assert layer.output is None
    assert layer.unusual == ("window 5x5 is larger than the input 4x4",)


# --- TensorFlow Lite by hand ------------------------------------------------------------------------------------------


def test_what_is_unusual_in_tensorflow_lite(tmp_path: Path) -> None:
    tensors = [
        tflite_tensor("x", [1, 8, 8, 1], signature=[-1, 8, -1, 1]), tflite_tensor("padded", [1, 10, 9, 1]),
        tflite_tensor("pads", [4, 2], kind=2, buffer=1), tflite_tensor("norm", [1, 5, 4, 1]),
        tflite_tensor("axes", [2], kind=4, buffer=2), tflite_tensor("most", [1, 1, 1, 1]),
        tflite_tensor("mean", [1, 8, 8, 1]), tflite_tensor("centred", [1, 8, 8, 1]),
    ]  # fmt: skip
    operators = [
        operator(34, [0, 2], [1]), operator(12, [1], [3], fused=1), operator(82, [0, 4], [5], padding=1),
        operator(40, [0, 4], [6]), operator(41, [0, 6], [7]),  # a mean that is subtracted normalises
    ]  # fmt: skip
    buffers = [b"", struct.pack("<8i", 0, 0, 1, 1, 0, 1, 0, 0), struct.pack("<2q", 1, 2)]
    norm, most = found(tmp_path / "m.tflite", tflite(operators, tensors, buffers=buffers))
    assert (norm.name, norm.operator, norm.step.mode, shown(norm.output)) == ("norm", "L2_POOL_2D", "rms", "1x5x4x1")
    assert norm.unusual == ("fused RELU", "a pad before it (pads 0,0,1,1,0,1,0,0 of 0)")
    assert [step.name for step in norm.after] == ["relu"]
    assert (most.operator, shown(most.input), shown(most.output)) == ("REDUCE_MAX", "?x8x?x1", "1x1x1x1")
    assert most.unusual == ("global pooling as a reduction",)


@pytest.mark.parametrize(("code", "inputs", "mirror", "fill", "told"), [
    (34, [0, 2], 0, -5, "0"), (60, [0, 2, 3], 0, -8, "-8"), (60, [0, 2, 4], 0, None, "a value"),
    (100, [0, 2], 0, "reflect", "mirrored cells"), (100, [0, 2], 1, "symmetric", "mirrored cells"),
])  # fmt: skip
def test_what_a_pad_of_tensorflow_lite_holds(
    tmp_path: Path, code: int, inputs: list[int], mirror: int, fill: int | str | None, told: str
) -> None:
    """The 0 of whole numbers is their zero point; the value of PADV2 is a tensor, which may be computed."""
    scales = {2: Numbers([0x3F800000], "I"), 3: Numbers([-5], "q")}
    tensors = [
        {**tflite_tensor("x", [1, 8, 8, 1], kind=9), 4: scales}, tflite_tensor("padded", [1, 10, 9, 1], kind=9),
        tflite_tensor("pads", [4, 2], kind=2, buffer=1), tflite_tensor("value", [1], kind=9, buffer=2),
        tflite_tensor("computed", [1], kind=9), tflite_tensor("most", [1, 5, 4, 1], kind=9),
    ]  # fmt: skip
    buffers = [b"", struct.pack("<8i", 0, 0, 1, 1, 0, 1, 0, 0), struct.pack("<b", -8)]
    data = tflite([operator(code, inputs, [1], padding=mirror), operator(17, [1], [5])], tensors, buffers=buffers)
    (layer,) = found(tmp_path / "m.tflite", data)
    assert layer.unusual[-1].startswith(f"a pad before it (pads 0,0,1,1,0,1,0,0 of {told})")
    assert [step.layer(2).pad_fill for step in layer.before] == ([] if fill is None else [fill])


def test_further_graphs_and_custom_operators_of_tensorflow_lite(tmp_path: Path) -> None:
    first, second = found(tmp_path / "m.tflite", tflite([operator(17)], graphs=2))
    assert (first.unusual, second.unusual) == ((), ("in subgraph 1",))
    path = tmp_path / "m.tflite"
    path.write_bytes(tflite([operator(32)], custom=b"FlexMaxPool3D"))
    made = read_model(path)
    assert (made.layers, made.notes) == ((), ("y: FlexMaxPool3D is not described here",))


# --- PyTorch and Keras by hand ----------------------------------------------------------------------------------------


def program(target: str, arguments: dict[str, Any], sizes: list[Any], **metadata: str) -> bytes:
    given = {"self": {"as_tensor": {"name": "x"}}, **arguments}
    call = {
        "target": target, "metadata": metadata, "outputs": [{"as_tensor": {"name": "y"}}],
        "inputs": [{"name": key, "arg": arg} for key, arg in given.items()],
    }  # fmt: skip
    tensors = {"x": {"dtype": 7, "sizes": sizes}}
    graph = {"graph": {"nodes": [call], "tensor_values": tensors}}
    content = json.dumps({"schema_version": {"major": 8, "minor": 20}, "graph_module": graph})
    return archive({"m/models/m.json": content, "m/archive_format": "pt2"})


FOUR = [{"as_int": 1}, {"as_int": 2}, {"as_int": 9}, {"as_expr": {"expr_str": "2*Symbol('s3', positive=True)"}}]


def test_pytorch_arguments_that_are_left_out_have_their_defaults(tmp_path: Path) -> None:
    data = program("torch.ops.aten.avg_pool2d.default", {"kernel_size": {"as_ints": [3]}}, FOUR)
    (layer,) = found(tmp_path / "m.pt2", data)
    assert (shown(layer.input), shown(layer.output)) == ("1 x 2 x 9 x 2*s3", "1x2x3x?")
    assert layer.step.layer(2).record() == {"mode": "avg", "size": [3, 3], "stride": [3, 3], "compat": "torch"}


@pytest.mark.parametrize(("written", "told"), [
    ("Add(FloorDiv(Symbol('s0', positive=True, integer=True), Integer(2)), Integer(-1))", "s0//2-1"),
    ("FloorDiv(Add(Symbol('s0', integer=True), Integer(1)), Integer(2))", "(s0+1)//2"),
    ("Mul(Integer(3), Pow(Symbol('a'), Integer(2)))", "3*a**2"),
    ("Max(Integer(1), Mod(Symbol('a'), Integer(4)))", "Max(1,a%4)"),
    ("Add(", "Add("),
])  # fmt: skip
def test_lengths_that_pytorch_computes(tmp_path: Path, written: str, told: str) -> None:
    sizes = [*FOUR[:3], {"as_expr": {"expr_str": written}}]
    data = program("torch.ops.aten.avg_pool2d.default", {"kernel_size": {"as_ints": [3]}}, sizes)
    (layer,) = found(tmp_path / "m.pt2", data)
    assert layer.input == (1, 2, 9, told)


def test_a_divisor_of_pytorch(tmp_path: Path) -> None:
    arguments = {"kernel_size": {"as_ints": [2, 2]}, "divisor_override": {"as_int": 3}}
    (layer,) = found(tmp_path / "m.pt2", program("torch.ops.aten.avg_pool2d.default", arguments, FOUR))
    assert layer.step.layer(2).record() == {
        "mode": "avg", "size": [2, 2], "stride": [2, 2], "divisor_override": 3, "compat": "torch"
    }  # fmt: skip


@pytest.mark.parametrize(("target", "arguments", "told"), [
    ("fractional_max_pool2d.default", {"kernel_size": {"as_ints": [2, 2]}, "output_size": {"as_ints": [3, 3]}}, "anew"),
    ("max_pool2d.default", {"kernel_size": {"as_ints": [2, 2]}}, "part of LPPool2d"),
])  # fmt: skip
def test_what_is_unusual_in_pytorch(tmp_path: Path, target: str, arguments: Any, told: str) -> None:
    stack = {"nn_module_stack": f"L,a.b,torch.nn.{told.removeprefix('part of ')}"} if told.startswith("part") else {}
    (layer,) = found(tmp_path / "m.pt2", program(f"torch.ops.aten.{target}", arguments, FOUR, **stack))
    assert any(told in text for text in layer.unusual)


def test_pytorch_options_that_only_a_run_knows(tmp_path: Path) -> None:
    path = tmp_path / "m.pt2"
    sizes = {"as_sym_ints": [{"as_name": "s1"}, {"as_int": 2}]}
    path.write_bytes(program("torch.ops.aten.adaptive_avg_pool2d.default", {"output_size": sizes}, FOUR))
    made = read_model(path)
    assert made.layers == ()
    assert made.notes == ("torch.ops.aten.adaptive_avg_pool2d.default: its options are known only when it runs",)
    path.write_bytes(program("torch.ops.aten.max_unpool2d.default", {}, FOUR))
    assert read_model(path).notes == ("y: torch.ops.aten.max_unpool2d.default is not described here",)


def test_a_branch_and_a_pad_with_computed_amounts_in_pytorch(tmp_path: Path) -> None:
    whole = unpacked(MODELS / "torch.pt2", "models/model.json")
    graph = whole["graph_module"]["graph"]
    pad = next(call for call in graph["nodes"] if "aten.pad" in call["target"])
    pad["inputs"][1]["arg"] = {"as_sym_ints": [{"as_name": "s"}]}
    call = {
        "target": "torch.ops.higher_order.cond", "metadata": {}, "outputs": [{"as_tensors": [{"name": "z"}]}],
        "inputs": [{"name": "", "arg": {"as_graph": {"name": "true_graph_0", "graph": dict(graph)}}}],
    }  # fmt: skip
    whole["graph_module"]["graph"] = {"nodes": [call], "tensor_values": {}}
    layers = found(tmp_path / "m.pt2", archive({"m/models/m.json": json.dumps(whole)}))
    assert {layer.unusual[0] for layer in layers if len(layer.unusual) == 1} == {
        "inside true_graph_0 of torch.ops.higher_order.cond"
    }
    assert layers[3].unusual[1] == "a pad before it (computed amounts of constant), which the command leaves out"


SCRIPT = """class M(Module):
  pool : __torch__.P
  def forward(self: __torch__.M,
    x: Tensor) -> Tensor:
    k = self.size
    _0 = torch.avg_pool2d(x, [2, 2], [2, 2], [0, 0], False, True, 3)
    _1 = torch.fractional_max_pool2d(_0, [2, 2], [3, 3], s)
    _2 = torch.max_pool2d(_1, k)
    return (self.gone).forward(_2, )
"""


def test_what_torchscript_leaves_open(tmp_path: Path) -> None:
    path = tmp_path / "m.pt"
    path.write_bytes(archive({"m/code/__torch__.py": SCRIPT, "m/constants.pkl": b""}))
    made = read_model(path)
    assert [(layer.operator, layer.unusual) for layer in made.layers] == [
        ("avg_pool2d", ()),
        ("fractional_max_pool2d", ("its windows are drawn anew at every call",)),
    ]
    assert made.layers[0].step.options["divisor_override"] == 3
    assert made.notes[:2] == (
        "max_pool2d: the options of max_pool2d are known only when it runs",
        "the model: what self.gone does is not followed",
    )


def sequential(*layers: tuple[str, dict[str, Any]], shape: Any = (None, 20, 21, 3)) -> bytes:
    config = [{"class_name": "InputLayer", "config": {"name": "x", "batch_shape": shape}}]
    config += [{"class_name": kind, "config": {"name": f"l{n}", **said}} for n, (kind, said) in enumerate(layers)]
    whole = {"class_name": "Sequential", "config": {"name": "s", "layers": config}}
    return archive({"config.json": json.dumps(whole), "metadata.json": '{"keras_version": "3.0"}'})


POOL: tuple[str, dict[str, Any]] = ("MaxPooling2D", {"pool_size": [2, 2], "strides": None, "padding": "valid"})


@pytest.mark.parametrize(("kind", "config", "shape"), [
    ("Conv2D", {"filters": 8, "kernel_size": [3, 3], "strides": [2, 2], "padding": "same"}, "?x10x11x8"),
    ("Conv2D", {"filters": 8, "kernel_size": 3, "dilation_rate": 2}, "?x16x17x8"),
    ("SeparableConv2D", {"filters": 4, "kernel_size": [5, 5]}, "?x16x17x4"),
    ("DepthwiseConv2D", {"kernel_size": [3, 3], "depth_multiplier": 2}, "?x18x19x6"),
    ("ZeroPadding2D", {"padding": [[1, 2], [3, 4]]}, "?x23x28x3"),
    ("Cropping2D", {"cropping": [[1, 2], [3, 4]]}, "?x17x14x3"),
    ("UpSampling2D", {"size": [2, 3]}, "?x40x63x3"),
    ("Dropout", {}, "?x20x21x3"),
    ("Mystery", {}, "?"),
])  # fmt: skip
def test_shapes_are_followed_in_keras(tmp_path: Path, kind: str, config: dict[str, Any], shape: str) -> None:
    (layer,) = found(tmp_path / "m.keras", sequential((kind, config), POOL))
    assert shown(layer.input) == shape


def test_keras_with_channels_first_and_one_axis(tmp_path: Path) -> None:
    first = ("AveragePooling2D", {**POOL[1], "data_format": "channels_first"})
    (layer,) = found(tmp_path / "m.keras", sequential(first, shape=(None, 3, 20, 21)))
    assert (layer.layout, shown(layer.output), layer.unusual) == ("NCHW", "?x3x10x10", ("channels first",))
    causal = ("Conv1D", {"filters": 4, "kernel_size": [3], "padding": "causal"})
    pool = ("MaxPooling1D", {"pool_size": [2], "strides": [2], "padding": "valid"})
    (layer,) = found(tmp_path / "m.keras", sequential(causal, pool, shape=(None, 20, 3)))
    assert (layer.layout, shown(layer.input), shown(layer.output)) == ("NLC", "?x20x4", "?x10x4")


def test_keras_layers_around_layers_and_pooling_that_is_not_described(tmp_path: Path) -> None:
    inner = {"class_name": POOL[0], "config": {"name": "p", **POOL[1]}}
    path = tmp_path / "m.keras"
    data = sequential(("TimeDistributed", {"layer": inner}), ("OwnPooling", {}), shape=(None, 7, 20, 21, 3))
    (layer,) = found(path, data)
    assert (layer.name, shown(layer.input), shown(layer.output)) == ("l0/p", "?x20x21x3", "?x10x10x3")
    assert read_model(path).notes == ("l0/p is inside TimeDistributed", "l1: OwnPooling is not described here")


def test_keras_2_names_its_inputs_without_shapes(tmp_path: Path) -> None:
    layers = [
        {"class_name": "InputLayer", "config": {"name": "x", "batch_input_shape": [None, 8, 8, 1]}, "name": "x",
         "inbound_nodes": []},
        {"class_name": POOL[0], "config": {"name": "p", **POOL[1]}, "name": "p", "inbound_nodes": [[["x", 0, 0, {}]]]},
        {"class_name": POOL[0], "config": {"name": "q", **POOL[1]}, "name": "q", "inbound_nodes": [[["p", 0, 0, {}]]]},
    ]  # fmt: skip
    whole = {"class_name": "Functional", "config": {"name": "m", "layers": layers, "output_layers": [["q", 0, 0]]}}
    made = found(tmp_path / "m.keras", archive({"config.json": json.dumps(whole)}))
    assert [shown(layer.output) for layer in made] == ["?x4x4x1", "?x2x2x1"]


def test_what_two_sources_say_of_a_shape() -> None:
    assert merged((None, "n", 3), (2, "m", 4)) == (2, "n", 3)
    assert merged((1, 2), (1, 2, 3)) == (1, 2)
    assert merged(None, (4,)) == merged((4,), None) == (4,)


def test_a_convolution_that_cannot_be_leaves_unknown_lengths(tmp_path: Path) -> None:
    wrong: list[dict[str, Any]] = [{"strides": [0, 1]}, {"kernel_shape": [30, 30]}]
    for attributes in wrong:
        conv = node("Conv", ["x", "w"], ["t"], **attributes)
        layer = pool_behind(tmp_path / "m.onnx", conv, constants=[weights("w", [5, 2, 3, 3])])
        assert shown(layer.input) == "1x5x?x?"

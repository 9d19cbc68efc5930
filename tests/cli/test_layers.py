"""``poolcli layers``: the table, the JSON, the commands that it prints, and what it says on standard error."""

from __future__ import annotations

import json
import math
import shlex
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poolcli.steps.recipe import load_recipe
from poolcli.system.portable import shell_word
from tests.support.models import MODELS, archive, field, model, node, tensor, value
from tests.support.process import Run

REAL = [
    "torch.pt2",
    "torch_new.onnx",
    "odd.onnx",
    "functional.keras",
    "float.tflite",
    "quantised.tflite",
    "scripted.pt",
]


def test_the_table(call: Run) -> None:
    result = call("layers", MODELS / "torch.pt2")
    assert (result.code, result.err) == (0, "")
    head, *rows = result.cells()
    assert head == ["layer", "operator", "input", "output", "window", "padding", "unusual", "equal to"]
    assert [cell for row in rows if (cell := row[0])] == [
        "stage1.pool",
        "stage2.pool",
        "adaptive",
        "max_pool2d_1",
        "mean",
    ]
    assert rows[0] == [
        "stage1.pool", "MaxPool2d", "s77 x 2 x 24 x 25", "s77 x 2 x 12 x 13", "max 3x3, stride 2x2", "1x1", "",
        "poolcli pool --mode max --size 3x3 --stride 2x2 --padding 1x1 --compat torch INPUT",
    ]  # fmt: skip


def test_a_column_for_each_framework(call: Run) -> None:
    result = call("layers", "--to", "torch,keras", MODELS / "float.tflite")
    head, first, second, _ = [row for row in result.cells() if row[0]]
    assert head[-2:] == ["in PyTorch", "in Keras"]
    assert first[-2:] == [
        "PyTorch refuses this layer: its pooling layers have no padding='same'; padded first, by 0,1,1,1 with -inf, "
        "the same windows without padding give the same values",
        "same",
    ]
    assert second[-2:] == ["same", "same"]
    result = call("layers", "--to", "keras", MODELS / "torch.pt2")
    assert [row for row in result.cells() if row[0]][2][-1] == "same with --padding same --no-ceil-mode"


def test_whether_padding_counts_is_named_where_the_other_framework_does_otherwise(call: Run, tmp_path: Path) -> None:
    attributes: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [1, 1], "pads": [1, 1, 1, 1]}
    path = tmp_path / "m.onnx"
    path.write_bytes(model([node("AveragePool", ["x"], ["y"], **attributes)], [value("x", (1, 1, 9, 9))], opset=18))
    cells = [row for row in call("layers", "--to", "torch,onnx", path).cells() if row[0]]
    assert cells[1][-2:] == ["same with --no-count-include-pad", "same"]


def test_what_changes_on_the_phone(call: Run) -> None:
    """PyTorch's layers in LiteRT: it pads as SAME or not at all, and has no adaptive pooling."""
    rows = [row for row in call("layers", "--to", "litert", MODELS / "torch.pt2").cells() if row[0]][1:]
    assert [row[-1] for row in rows] == [
        "LiteRT refuses this layer: padding is valid or same; padded first, by 1,0,1,1 with -inf, the same windows "
        "without padding give the same values",
        "same with --padding same --no-ceil-mode",
        "LiteRT refuses this layer: it has no adaptive pooling",
        "same",
        "same",
    ]


def test_averages_of_whole_numbers_are_rounded_otherwise(call: Run) -> None:
    """LiteRT rounds halves away from zero, OpenVINO to the even neighbour."""
    document = call("layers", "--json", "--to", "litert,openvino", MODELS / "quantised.tflite").json()
    verdicts = [[one["to"][name]["verdict"] for name in ("litert", "openvino")] for one in document["layers"]]
    assert verdicts == [["same", "same"], ["same", "differs"], ["same", "same"]]


def test_narrow_terminals_get_a_line_for_each_fact(call: Run) -> None:
    result = call("layers", MODELS / "torch.pt2", env={"COLUMNS": "80"})
    assert result.out.startswith("stage1.pool\n  operator  MaxPool2d\n  input     s77 x 2 x 24 x 25\n")


def test_padding_is_spelled_out(call: Run) -> None:
    cells = {row[0]: row[5] for row in call("layers", MODELS / "odd.onnx").cells() if row[0]}
    assert (cells["n_same"], cells["n_uneven"], cells["n_late"]) == ("same-lower (1,0,1,0)", "0,1,0,1, counted", "")


@pytest.mark.parametrize("name", REAL)
def test_each_record_is_a_file_of_steps(call: Run, tmp_path: Path, name: str) -> None:
    """What `poolcli run --steps` and the printed command make of an input has the shape that the record says."""
    document = call("layers", "--json", "-q", MODELS / name).json()
    assert document["layers"]
    for record in document["layers"]:
        steps = tmp_path / "steps.json"
        steps.write_text(json.dumps(record), encoding="utf-8")
        layout, ndim = record["layout"], sum(record["layout"].count(letter) for letter in "DHWL")
        shape = [
            n if isinstance(n, int) else 12 for n in record.get("takes", record["input"]) or [1, 2, 12, 12][-2 - ndim :]
        ]
        source = tmp_path / "x.npy"
        np.save(source, np.arange(np.prod(shape), dtype=np.float32).reshape(shape) % 7)
        ran = call("run", "--steps", steps, "--layout", layout, "--json", source).json()
        typed = shlex.split(record["command"].replace("INPUT", str(source)))
        assert call(*typed[1:], "--json").data() == ran["data"]
        for there, said in zip(ran["shape"], record["output"] or [], strict=False):
            assert said in (there, None) or isinstance(said, str) or len(ran["shape"]) != len(record["output"])


# a Pad (its mode, pads and value) before a pooling operator, and what onnxruntime 1.32 makes of the map below
PADDED: list[tuple[str, list[int], float, str, dict[str, Any], Any]] = [
    ("constant", [0, 0, 0, 0, 0, 0, 1, 1], -math.inf, "MaxPool", {"kernel_shape": [3, 3], "strides": [2, 2]},
     [[5, 6], [5, 6]]),
    ("constant", [0, 0, 1, 0, 0, 0, 0, 2], 0, "AveragePool", {"kernel_shape": [2, 2], "strides": [2, 3]},
     [[-0.25, 2], [-0.25, 1.5]]),
    ("constant", [0, 0, 0, 1, 0, 0, 0, 0], 2.5, "AveragePool",
     {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1], "count_include_pad": 1},
     [[-0.111111, 0.222222, 1], [0.833333, 0.888889, 1.444444]]),
    ("reflect", [0, 0, 2, 1, 0, 0, 1, 0], 0, "MaxPool",
     {"kernel_shape": [2, 2], "strides": [3, 3], "ceil_mode": 1}, [[5, 3], [5, 3], [0, 3]]),
    ("edge", [0, 0, 1, 1, 0, 0, 1, 1], 0, "GlobalAveragePool", {}, [[0.690476]]),
]  # fmt: skip
PLACES = np.arange(20) * 7 % 11
SOME = PLACES.astype(np.float32).reshape(1, 1, 4, 5) - 4


def padded(mode: str, pads: list[int], fill: float, kind: str, attributes: dict[str, Any]) -> bytes:
    constants = [tensor("p", pads), field(2, 1) + field(9, struct.pack("<f", fill)) + field(8, "v")]
    nodes = [node("Pad", ["x", "p", "v"], ["t"], mode=mode), node(kind, ["t"], ["y"], **attributes)]
    unshaped = field(1, "y") + field(2, field(1, field(1, 1)))
    return model(nodes, [value("x", SOME.shape)], constants, opset=18, outputs=[unshaped])


@pytest.mark.parametrize(("mode", "pads", "fill", "kind", "attributes", "answer"), PADDED)
def test_the_command_pads_as_the_model_does(
    call: Run, tmp_path: Path, mode: str, pads: list[int], fill: float, kind: str, attributes: Any, answer: Any
) -> None:
    path, source = tmp_path / "m.onnx", tmp_path / "x.npy"
    path.write_bytes(padded(mode, pads, fill, kind, attributes))
    np.save(source, SOME)
    (record,) = call("layers", "--json", path).json()["layers"]
    assert record["takes"] == [1, 1, 4, 5]
    made = call(*shlex.split(record["command"].replace("INPUT", str(source)))[1:], "--json").json()
    np.testing.assert_allclose(made["data"][0][0], answer, rtol=1e-5)
    assert made["shape"] == record["output"]


@pytest.mark.parametrize(("mode", "pads", "fill", "kind", "attributes", "answer"), PADDED)
def test_onnxruntime_pads_as_recorded(
    mode: str, pads: list[int], fill: float, kind: str, attributes: Any, answer: Any
) -> None:
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(padded(mode, pads, fill, kind, attributes), providers=["CPUExecutionProvider"])
    np.testing.assert_allclose(session.run(None, {"x": SOME})[0][0, 0], answer, rtol=1e-5)


def test_all_layers_as_a_recipe_lead_to_one_of_them(call: Run, tmp_path: Path) -> None:
    listed, first = tmp_path / "layers.json", tmp_path / "first.json"
    (tmp_path / "x.csv").write_text("1,2\n3,4\n")
    listed.write_text(call("layers", "--json", MODELS / "torch_new.onnx").out)
    refused = call("run", "--steps", "layers.json", "x.csv", cwd=tmp_path)
    way = f"jq {shell_word('.layers[0]')} layers.json"
    assert (refused.code, refused.err) == (
        1, "error: layers.json: no list of steps in it\n"
        f"hint: take one of its layers: {way} > FILE, and give FILE instead\n",
    )  # fmt: skip
    first.write_text(json.dumps(json.loads(listed.read_text())["layers"][0]))
    assert load_recipe(first)


@pytest.mark.parametrize("size", [None, (5, 7)])
def test_the_command_of_an_unpooling_layer_does_as_onnxruntime(
    call: Run, tmp_path: Path, size: tuple[int, int] | None
) -> None:
    path, steps = tmp_path / "m.onnx", tmp_path / "steps.json"
    options: dict[str, Any] = {"kernel_shape": [2, 2], "strides": [2, 2]}
    nodes = [node("MaxPool", ["x"], ["p", "i"], **options)]
    nodes += [node("MaxUnpool", ["p", "i", *(["s"] if size else [])], ["y"], **options)]
    path.write_bytes(model(nodes, [value("x", (1, 1, 4, 6))], [tensor("s", [1, 1, *size])] if size else []))
    pool, unpool = call("layers", "--json", path).json()["layers"]
    x = (np.arange(24) * 7 % 11).reshape(1, 1, 4, 6).tolist()
    (tmp_path / "x.json").write_text(json.dumps(x), encoding="utf-8")
    pooled = call(*shlex.split(pool["command"].replace("INPUT", str(tmp_path / "x.json")))[1:], "--json").out
    made = call(*shlex.split(unpool["command"].replace("INPUT", "-"))[1:], "--json", stdin=pooled).json()
    rows = [[0, 0, 0, 10, 6, 0], [9, 0, 0, 0, 0, 0], [7, 0, 10, 0, 0, 9], [0, 0, 0, 0, 0, 0]]  # onnxruntime 1.32
    wide = [[*row, *[0] * (7 - 6 if size else 0)] for row in [*rows, *([[0] * 6] if size else [])]]
    assert made["data"] == [[wide]]
    assert made["shape"] == unpool["output"]
    steps.write_text(json.dumps(unpool), encoding="utf-8")
    assert call("run", "--steps", steps, "--json", "-", stdin=pooled).json()["data"] == made["data"]
    assert "not tried: unpooling is not compared" in call("layers", "--to", "torch", path).out


def test_a_fused_relu_is_a_step_of_its_own(call: Run, tmp_path: Path) -> None:
    """The byte that says RELU6 is one of those that are 3 in the file; as 1 it says RELU."""
    data = (MODELS / "float.tflite").read_bytes()
    path, found = tmp_path / "relu.tflite", []
    for place in (place for place, byte in enumerate(data) if byte == 3):
        path.write_bytes(data[:place] + b"\1" + data[place + 1 :])
        result = call("layers", "--json", path)
        layers = result.json()["layers"] if result.code == 0 else []
        found += [layer for layer in layers if layer["unusual"] == ["fused RELU"]]
    (layer,) = found
    assert [step["step"] for step in layer["steps"]] == ["pool", "relu"]
    assert layer["command"].startswith("poolcli run INPUT pool --mode avg --size 2x2 --stride 2x2 ")
    assert layer["command"].endswith(" then relu")


def test_json(call: Run) -> None:
    document = call("layers", "--json", "--to", "keras", MODELS / "torch.pt2").json()
    assert document["model"] == "exported program of PyTorch 2.13.0+cpu"
    assert document["operators"] == 13
    first, second = document["layers"][:2]
    assert first == {
        "name": "stage1.pool", "operator": "MaxPool2d", "layout": "NCHW", "input": ["s77", 2, 24, 25],
        "output": ["s77", 2, 12, 13], "dtype": "float32", "unusual": [],
        "command": "poolcli pool --mode max --size 3x3 --stride 2x2 --padding 1x1 --compat torch INPUT",
        "steps": [{"step": "pool", "mode": "max", "size": [3, 3], "stride": [2, 2], "padding": [[1, 1], [1, 1]],
                   "compat": "torch"}],
        "to": {"keras": {"verdict": "refused", "verified": "Keras 3.15", "steps": None, "why": [
            "Keras refuses this layer: padding is valid or same",
            "padded first, by 1,0,1,1 with -inf, the same windows without padding give the same values"]}},
    }  # fmt: skip
    assert second["to"]["keras"] == {
        "verdict": "same", "why": [], "verified": "Keras 3.15",
        "steps": [{"step": "pool", "mode": "avg", "size": [2, 2], "stride": [2, 2], "padding": "same",
                   "compat": "keras"}],
    }  # fmt: skip


def test_standard_input(call: Run) -> None:
    data = (MODELS / "torch_old.onnx").read_bytes()
    assert len(call("layers", "--json", "-", stdin=data).json()["layers"]) == 5


def test_a_model_without_pooling_says_so(call: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.onnx"
    path.write_bytes(model([node("Relu", ["x"], ["y"])], [value("x", (1, 1, 4, 4))]))
    result = call("layers", path)
    assert (result.code, result.out) == (0, "")
    assert result.err == f"note: {path}: no pooling layer among 1 operator (ONNX)\n"
    assert call("layers", "-q", path).err == ""
    assert call("layers", "--json", path).json()["layers"] == []


def test_notes_go_to_standard_error(call: Run) -> None:
    result = call("layers", MODELS / "subclassed.keras")
    assert (result.code, result.out) == (0, "")
    assert result.err == (
        f"note: {MODELS / 'subclassed.keras'}: Own is a custom class, built for 1x4x4x1: its layers are in its "
        "source, not in the file\n"
    )


def test_names_do_nothing_to_a_terminal(call: Run, tmp_path: Path) -> None:
    path = tmp_path / "m.keras"
    layers = [
        {"class_name": "InputLayer", "config": {"batch_shape": [None, 8, 8, 1], "name": "x"}},
        {"class_name": "MaxPooling2D", "config": {"name": "[red]\x1b[31m\u202ea", "pool_size": [2, 2]}},
    ]
    whole = {"class_name": "Sequential", "config": {"name": "s", "layers": layers}}
    path.write_bytes(archive({"config.json": json.dumps(whole)}))
    assert r"[red]\x1b[31m\u202ea" in call("layers", path).out


@pytest.mark.parametrize(("arguments", "code", "error", "hint"), [
    (["missing.onnx"], 1, "cannot read missing.onnx: no such file", "check the path"),
    (["--to", "nosuch", MODELS / "torch.pt2"], 2, "unknown framework 'nosuch'", "known: torch, keras, onnx"),
    (["--to", ",", MODELS / "torch.pt2"], 2, "--to names no framework", "such as --to torch,keras,onnx"),
    ([MODELS / "weights.pt"], 1,
     f"{MODELS / 'weights.pt'}: pickled PyTorch weights, which hold no layers; poolcli never unpickles",
     "export the model itself: torch.export.save(torch.export.export(model, inputs), 'model.pt2')"),
])  # fmt: skip
def test_errors(call: Run, arguments: list[str | Path], code: int, error: str, hint: str) -> None:
    result = call("layers", *arguments)
    assert (result.code, result.out) == (code, "")
    first, second = result.err.splitlines()
    assert first == f"error: {error}"
    assert second.startswith(f"hint: {hint}")

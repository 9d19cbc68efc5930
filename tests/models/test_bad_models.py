"""Model files that are broken, foreign or hostile: a clear error with a hint, in bounded time and memory."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings

from poolcli.errors import InputError, LimitError, PoolcliError
from poolcli.models import source
from poolcli.models.files import read_model
from tests.support import drawn
from tests.support.models import MODELS, archive, field, model, node, operator, tflite, unpacked, value

REAL = sorted(path for path in MODELS.iterdir() if path.suffix in (".onnx", ".pt2", ".keras", ".tflite", ".pt"))
X = value("x", (1, 1, 4, 4))


def refusal(path: Path, data: bytes, kind: type[PoolcliError] = InputError) -> str:
    """The message about a file, which names it and comes with a hint."""
    path.write_bytes(data)
    with pytest.raises(kind) as problem:
        read_model(path)
    assert problem.value.exit_code == 1
    assert problem.value.hint
    assert str(problem.value).startswith(f"{path}: ")
    return str(problem.value).removeprefix(f"{path}: ")


@pytest.mark.parametrize(("data", "message"), [
    (b"", "the file is empty"),
    (b"1,2\n3,4\n", "not a model that poolcli knows"),
    (b"\x89HDF\r\n\x1a\n" + b"\0" * 40, "HDF5, Keras's old format for models"),
    (b"\x80\x02}q\x00.", "a pickle, PyTorch's old format for weights and models; poolcli never unpickles"),
    (b"version https://git-lfs.github.com/spec/v1\n", "a pointer of Git LFS in place of the model"),
    (b"\x10\0\0\0\0\0\0\0{\"w\": {}}", "JSON or weights (safetensors)"),
    (b"<?xml version='1.0'?><net/>", "XML or HTML"),
    (b"\x1f\x8b\x08\0\0", "packed with gzip"),
    (b"GGUF\3\0\0\0", "a GGUF file: weights without layers"),
    (b"PK\3\4 cut off", "a zip archive that cannot be opened: File is not a zip file"),
    (archive({"a.txt": "x"}), "a zip archive, but not of a model that poolcli knows"),
    (archive({"m/data.pkl": b"\x80\x02."}),
     "pickled PyTorch weights, which hold no layers; poolcli never unpickles"),
    (archive({"m/archive_format": "pt2"}), "an archive of an exported program without the program"),
    (archive({"m/models/m.json": "{"}), "'m/models/m.json' in it is not valid JSON: "
     "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
    (archive({"m/models/m.json": "[]"}),
     "not what such a model looks like: TypeError: list indices must be integers or slices, not str"),
    (archive({"config.json": "3"}), "not what such a model looks like: TypeError: 'int' object is not subscriptable"),
    (b"\x08\x0a\x12\x03abc", "protocol buffers, but not an ONNX model"),
    (b"\x08\x0a\x3a\x05ab", "not the protocol buffer of a model: it ends in the middle of a field"),
    (b"\x08\xff\xff", "not the protocol buffer of a model: it ends in the middle of a number"),
    (b"\x08\x0a\x03", "not the protocol buffer of a model: a field without a number"),
    (b"\x08\x0a\x0b", "not the protocol buffer of a model: a field of the unknown kind 3"),
    (b"\x08\x0a\x38\x01\x42\x00", "not the protocol buffer of a model: field 7 holds a number where bytes belong"),
    (b"\x10\0\0\0TFL3" + b"\0" * 4,
     "a TensorFlow Lite model that ends too early, or with offsets that lead out of it"),
])  # fmt: skip
def test_what_is_no_model(tmp_path: Path, data: bytes, message: str) -> None:
    assert refusal(tmp_path / "m", data) == message


@pytest.mark.parametrize(("data", "message"), [
    (model([node("MaxPool", ["x"], ["y"], kernel_shape=[0, 2])], [X]),
     "layer 'n_y' (MaxPool): size 0x2 is less than 1"),
    (model([node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], strides=[0, 1])], [X]),
     "layer 'n_y' (MaxPool): stride 0x1 is less than 1"),
    (model([node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[-1, 0, 0, 0])], [X]),
     "layer 'n_y' (MaxPool): padding -1x0x0x0 is less than 0"),
    (model([node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2], pads=[1])], [X]),
     "layer 'n_y' (MaxPool): 1 pads for 2 axes"),
    (model([node("MaxPool", ["x"], ["y"])], [X]),
     "layer 'n_y' (MaxPool): 0 spatial axes, but its input has 4 axes in all"),
    (model([node("MaxPool", ["gone"], ["y"])], [X]), "layer 'n_y' (MaxPool): 0 of 2 axes are spatial"),
    (model([node("GlobalMaxPool", ["x"], ["y"])], [value("x", (1, 1, 2, 2, 2, 2))]),
     "layer 'n_y' (GlobalMaxPool): 4 of 6 axes are spatial"),
    (model([node("MaxPool", ["x"], ["y"], kernel_shape=[2])], [X]),
     "layer 'n_y' (MaxPool): 1 spatial axes, but its input has 4 axes in all"),
    (model([node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2])], [X], opset=99),
     "it needs operator set 99, newer than any that poolcli knows (28)"),
    (model([node("Relu", ["b"], ["a"]), node("MaxPool", ["a"], ["b"], kernel_shape=[2, 2])], [X]),
     "its graph has a cycle: n_a, n_b, n_a ..."),
    (model([node("Own", ["x"], ["y"], "mine")], [X],
           functions=[field(1, "Own") + field(7, node("Own", ["x"], ["y"], "mine")) + field(10, "mine")]),
     "functions or bodies nested more than 24 deep"),
])  # fmt: skip
def test_an_onnx_model_that_cannot_be(tmp_path: Path, data: bytes, message: str) -> None:
    assert refusal(tmp_path / "m.onnx", data) == message


def changed(**changes: Any) -> bytes:
    """The exported program with something else in its JSON."""
    program = unpacked(MODELS / "torch.pt2", "models/model.json")
    calls = program["graph_module"]["graph"]["nodes"]
    pool = next(call for call in calls if "max_pool2d" in call["target"])
    for one in pool["inputs"]:
        one["arg"] = changes.get(one["name"], one["arg"])
    program |= {key: said for key, said in changes.items() if key in program}
    return archive({"m/models/m.json": json.dumps(program)})


@pytest.mark.parametrize(("changes", "message"), [
    ({"kernel_size": {"as_ints": [0, 0]}}, "layer 'stage1.pool' (MaxPool2d): size 0x0 is less than 1"),
    ({"kernel_size": {"as_ints": [1, 2, 3]}},
     "layer 'stage1.pool' (MaxPool2d): size 1x2x3 has 3 numbers, but the input has 2 spatial axes"),
    ({"kernel_size": {"as_float": 2.5}},
     "layer 'stage1.pool' (MaxPool2d): size (2.5, 2.5) is not a whole number or one per axis"),
    ({"schema_version": {"major": 9, "minor": 0}}, "its schema has version 9, newer than any that poolcli knows (8)"),
    ({"graph_module": {}}, "not what such a model looks like: KeyError: 'graph'"),
])  # fmt: skip
def test_an_exported_program_that_cannot_be(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    assert refusal(tmp_path / "m.pt2", changed(**changes)) == message


def keras(change: Any) -> bytes:
    config = unpacked(MODELS / "functional.keras", "config.json")
    change({layer["name"]: layer for layer in config["config"]["layers"]})
    return archive({"config.json": json.dumps(config)})


def test_a_keras_model_that_cannot_be(tmp_path: Path) -> None:
    def no_window(layers: dict[str, Any]) -> None:
        layers["padded"]["config"]["pool_size"] = [0, 3]

    def circle(layers: dict[str, Any]) -> None:
        layers["stem"]["inbound_nodes"][0]["args"][0]["config"]["keras_history"] = ["padded", 0, 0]

    def nested(layers: dict[str, Any]) -> None:
        inner = layers["inner"]
        for _ in range(30):
            inner["config"]["layers"] = [{**inner, "config": dict(inner["config"])}]
            inner = inner["config"]["layers"][0]

    path = tmp_path / "m.keras"
    assert refusal(path, keras(no_window)) == "layer 'padded' (MaxPooling2D): size 0x3 is less than 1"
    assert refusal(path, keras(circle)).startswith("its graph has a cycle: ")

    def lost_axis(layers: dict[str, Any]) -> None:
        layers["padded"]["inbound_nodes"][0]["args"][0]["config"]["shape"] = [None, 7]

    def wrapped(layers: dict[str, Any]) -> None:
        around: dict[str, Any] = {"class_name": "TimeDistributed", "config": {"name": "t", "layer": {}}}
        layers["stem"] |= around
        for _ in range(30):
            around["config"]["layer"] = {"class_name": "Bidirectional", "config": {"name": "t", "layer": {}}}
            around = around["config"]["layer"]

    assert refusal(path, keras(nested)) == "models nested more than 24 deep"
    assert refusal(path, keras(lost_axis)) == "layer 'padded' (MaxPooling2D): an input of 2 axes"
    assert refusal(path, keras(wrapped)) == "layers nested more than 24 deep"


@pytest.mark.parametrize(("data", "message"), [
    (tflite([operator(17)], version=4), "a TensorFlow Lite model of version 4"),
    (tflite([operator(17, size=(0, 2))]), "layer 'y' (MAX_POOL_2D): size 0x2 is less than 1"),
    (tflite([operator(17, padding=7)]), "layer 'y' (MAX_POOL_2D): padding 7 is neither SAME nor VALID"),
    (tflite([operator(17, options=False)]), "layer 'y' (MAX_POOL_2D) has no options"),
    (tflite([operator(17, inputs=[9])]), "tensor 9 is not in the file's list of 2"),
    (tflite([operator(17, inputs=[])]), "a pooling operator without tensors"),
    (tflite([operator(17, index=5)]), "operator 5 is not in the file's list of 1"),
])  # fmt: skip
def test_a_tensorflow_lite_model_that_cannot_be(tmp_path: Path, data: bytes, message: str) -> None:
    assert refusal(tmp_path / "m.tflite", data) == message


def test_flatbuffers_that_lead_out_of_the_file(tmp_path: Path) -> None:
    data = tflite([operator(17)])
    for place in range(0, len(data) - 4, 4):
        survives(tmp_path / "m.tflite", data[:place] + b"\xff\xff\xff\x7f" + data[place + 4 :])


def test_graphs_in_graphs_of_an_exported_program(tmp_path: Path) -> None:
    program = unpacked(MODELS / "torch.pt2", "models/model.json")
    graph = program["graph_module"]["graph"]
    for _ in range(30):
        branch = {"name": "b", "arg": {"as_graph": {"name": "b", "graph": dict(graph)}}}
        call = {"target": "cond", "metadata": {}, "outputs": [], "inputs": [branch]}
        graph = {"nodes": [call], "tensor_values": {}}
    program["graph_module"]["graph"] = graph
    data = archive({"m/models/m.json": json.dumps(program)})
    assert refusal(tmp_path / "m.pt2", data) == "graphs nested more than 24 deep"


MODULE = """class {0}(Module):
  b : __torch__.A
  def forward(self: __torch__.{0},
    x: Tensor) -> Tensor:
    return (self.b).forward(x, )
"""


def test_a_circle_of_torchscript_modules(tmp_path: Path) -> None:
    data = archive({"m/code/__torch__.py": MODULE.format("A"), "m/constants.pkl": b""})
    assert refusal(tmp_path / "m.pt", data) == "its modules contain each other"
    data = archive({"m/code/__torch__.py": MODULE.format("R") + MODULE.format("A"), "m/constants.pkl": b""})
    assert refusal(tmp_path / "m.pt", data) == "modules nested more than 24 deep"


# --- too much ---------------------------------------------------------------------------------------------------------


def test_a_zip_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_UNPACKED", 2 << 20)
    bomb = archive({"m/models/m.json": b" " * (source.MOST_UNPACKED + 2)})
    assert len(bomb) < source.MOST_UNPACKED // 500
    assert refusal(tmp_path / "m.pt2", bomb, LimitError) == "'m/models/m.json' in it is larger than 2 MiB unpacked"


def test_an_encrypted_archive(tmp_path: Path) -> None:
    data = bytearray(archive({"config.json": "{}"}, zipfile.ZIP_STORED))
    for signature, flags in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        data[data.index(signature) + flags] |= 1
    assert refusal(tmp_path / "m.keras", bytes(data)) == "'config.json' in it is encrypted"


def test_an_archive_of_too_many_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_ENTRIES", 2)
    data = archive({str(number): "" for number in range(3)})
    assert refusal(tmp_path / "m.pt2", data, LimitError) == "the archive has 3 files"


def test_json_that_is_nested_too_deep(tmp_path: Path) -> None:
    data = archive({"config.json": "[" * 200_000})
    assert "is not valid JSON" in refusal(tmp_path / "m.keras", data)


def test_more_parts_than_any_model_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(source, "MOST_PARTS", 40_000)
    assert "more than 40,000 parts" in refusal(tmp_path / "m.onnx", b"\x08\x0a" * 40_001, LimitError)


def test_functions_that_call_each_other_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Twenty of them would be a million nodes."""
    monkeypatch.setattr(source, "MOST_PARTS", 200_000)
    functions = []
    for number in range(22):
        calls = [node(f"F{number + 1}", ["x"], [f"y{side}"], "d") for side in range(2)]
        functions.append(field(1, f"F{number}") + field(7, *calls) + field(10, "d"))
    data = model([node("F0", ["x"], ["y"], "d")], [X], functions=functions)
    assert "more than 200,000 parts" in refusal(tmp_path / "m.onnx", data, LimitError)


def test_weights_are_not_read(tmp_path: Path) -> None:
    """A file of a terabyte, nearly all of it a hole: its weights."""
    whole = model([node("MaxPool", ["x"], ["y"], kernel_shape=[2, 2])], [X])
    path = tmp_path / "m.onnx"
    with path.open("wb") as file:
        file.write(whole + b"\x7a" + bytes.fromhex("80 80 80 80 80 01"))  # field 15, of 2^35 bytes
        file.truncate(file.tell() + 2**35)
    assert [layer.name for layer in read_model(path).layers] == ["n_y"]


# --- anything at all --------------------------------------------------------------------------------------------------


def survives(path: Path, data: bytes) -> None:
    path.write_bytes(data)
    problem = None
    try:
        read_model(path)
    except PoolcliError as raised:
        problem = raised
    assert problem is None or (problem.exit_code == 1 and problem.hint), problem


@pytest.mark.parametrize("path", REAL, ids=lambda path: path.name)
def test_every_length_of_a_file_that_was_cut_off(tmp_path: Path, path: Path) -> None:
    data = path.read_bytes()
    for length in range(0, len(data), max(len(data) // 60, 1)):
        survives(tmp_path / path.name, data[:length])


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn.by(drawn.it))
def test_files_with_bytes_changed(tmp_path: Path, draw: Random) -> None:
    path = draw.choice([path for path in REAL if path.suffix in (".onnx", ".tflite")])
    content = bytearray(path.read_bytes())
    for _ in range(draw.randint(1, 8)):
        content[draw.randrange(len(content))] = draw.randrange(256)
    survives(tmp_path / path.name, bytes(content))


@pytest.mark.slow
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn.by(drawn.it))
def test_archives_with_values_changed(tmp_path: Path, draw: Random) -> None:
    """JSON is changed as JSON: changed bytes of an archive are found by its checksums."""
    name, end = draw.choice((("torch.pt2", "models/model.json"), ("functional.keras", "config.json")))
    content = unpacked(MODELS / name, end)
    for _ in range(draw.randint(1, 4)):
        where = content
        while isinstance(where, dict | list) and where:
            key = draw.choice(sorted(where) if isinstance(where, dict) else range(len(where)))
            if not isinstance(where[key], dict | list) or not where[key] or draw.randrange(7) == 0:
                where[key] = draw.choice((None, -1, 0, 2**70, 1.5, "", "same", [], {}, [[0]], True))
                break
            where = where[key]
    prefix = "m/models/" if name == "torch.pt2" else ""
    survives(tmp_path / name, archive({f"{prefix}{end.rpartition('/')[2]}": json.dumps(content)}))


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn.by(drawn.it))
def test_torchscript_with_words_changed(tmp_path: Path, draw: Random) -> None:
    with zipfile.ZipFile(MODELS / "scripted.pt") as packed:
        files = {name: packed.read(name) for name in packed.namelist()}
    name = draw.choice([name for name in files if name.endswith(".py")])
    words = str(files[name], "utf-8").split(" ")
    for _ in range(draw.randint(1, 4)):
        spoiled = draw.choice(("(", ")", "[3,", "9" * 50, "self.", "_0(", "x" * 3000, "\n", words[-1]))
        words[draw.randrange(len(words))] = spoiled
    survives(tmp_path / "m.pt", archive({**files, name: " ".join(words)}))

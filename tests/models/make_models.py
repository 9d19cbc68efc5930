"""Make the model files of this folder, with the exporters that people use.

Two environments, because TensorFlow and PyTorch want other versions of the same packages::

    pip install torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2     python tests/models/make_models.py torch
    pip install tensorflow-cpu==2.21.0 keras==3.15.1             python tests/models/make_models.py keras

The files are what the exporters write, but for three things that keep them small and free of this machine: archives
are compressed, the weights of `.keras` files are left out, and the paths in stack traces are those of nobody.
"""

from __future__ import annotations

import io
import re
import sys
import zipfile
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
AUTHOR = "/home/author/secret"  # stands where the exporters write the paths of who exported


def nobody(text: str) -> str:
    """Put another folder in place of those in a stack trace."""
    return re.sub(r"/[\w./+-]*/([\w-]+\.py)", rf"{AUTHOR}/\1", text)


def packed(data: bytes, name: str, without: tuple[str, ...] = ()) -> None:
    """Write an archive again, compressed, without some of its files."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.namelist():
            content = old.read(entry)
            if entry.endswith((".json", ".py", ".debug_pkl")):
                content = nobody(content.decode("latin-1")).encode("latin-1")
            if not entry.endswith(without or ("\0",)):
                new.writestr(zipfile.ZipInfo(entry), content, zipfile.ZIP_DEFLATED, 9)
    (HERE / name).write_bytes(made.getvalue())


def write_torch() -> None:
    """Write .onnx with both exporters, .pt2, and .pt scripted, traced and with weights alone."""
    import onnx
    import torch
    from torch import nn
    from torch.nn import functional

    class Stage(nn.Module):  # type: ignore[misc]  # PyTorch has no types here
        def __init__(self, channels: int, pool: nn.Module) -> None:
            super().__init__()
            self.conv = nn.Conv2d(channels, 2, 3, padding=1)
            self.norm = nn.BatchNorm2d(2)
            self.pool = pool

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            pooled: torch.Tensor = self.pool(torch.relu(self.norm(self.conv(x))))
            return pooled

    class Net(nn.Module):  # type: ignore[misc]  # nor here
        def __init__(self, out: tuple[int, int]) -> None:
            super().__init__()
            self.stem = nn.Conv2d(1, 2, 3)
            self.stage1 = Stage(2, nn.MaxPool2d(3, 2, padding=1))
            self.stage2 = Stage(2, nn.AvgPool2d(2, ceil_mode=True))
            self.adaptive = nn.AdaptiveAvgPool2d(out)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            x = self.adaptive(self.stage2(self.stage1(self.stem(x))))
            x = functional.max_pool2d(functional.pad(x, (0, 1, 0, 1)), 3, 1)
            return x.mean((2, 3))

    torch.manual_seed(0)
    x = torch.rand(2, 1, 26, 27)
    even, uneven = Net((3, 7)).eval(), Net((4, 3)).eval()
    options: Any = {"input_names": ["x"], "output_names": ["y"]}
    old, new = io.BytesIO(), io.BytesIO()
    torch.onnx.export(even, (x,), old, dynamo=False, opset_version=13, dynamic_axes={"x": {0: "batch"}}, **options)
    (HERE / "torch_old.onnx").write_bytes(old.getvalue())
    batch = torch.export.Dim("batch")
    torch.onnx.export(even, (x,), new, dynamo=True, opset_version=20, dynamic_shapes={"x": {0: batch}}, **options)
    model = onnx.load_from_string(new.getvalue())
    for holder in (*model.graph.node, *model.graph.value_info, model.graph, model):
        for entry in holder.metadata_props:
            entry.value = nobody(entry.value)
    (HERE / "torch_new.onnx").write_bytes(model.SerializeToString())

    saved, exported = io.BytesIO(), torch.export.export(uneven, (x,), dynamic_shapes={"x": {0: batch}})
    torch.export.save(exported, saved)
    packed(saved.getvalue(), "torch.pt2")
    for name, made in (("scripted.pt", torch.jit.script(uneven)), ("traced.pt", torch.jit.trace(uneven, x))):
        script = io.BytesIO()
        torch.jit.save(made, script)
        packed(script.getvalue(), name)
    weights = io.BytesIO()
    torch.save({"stem.weight": torch.zeros(2)}, weights)
    packed(weights.getvalue(), "weights.pt")
    write_odd()


def write_odd() -> None:
    """Write an ONNX model of what is unusual."""
    import numpy as np
    from onnx import TensorProto, helper, numpy_helper

    def value(name: str, *shape: int | str) -> Any:
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    def node(kind: str, inputs: str, output: str, **attributes: Any) -> Any:
        return helper.make_node(kind, inputs.split(), [output], name=f"n_{output}", **attributes)

    then = helper.make_graph(
        [node("MaxPool", "s", "in_then", kernel_shape=[2, 2], strides=[2, 2])],
        "then",
        [],
        [value("in_then", 1, 2, 2, 3)],
    )
    other = helper.make_graph([node("Identity", "s", "in_else")], "else", [], [value("in_else", 1, 2, 4, 6)])
    small = helper.make_function(
        "own", "Halve", ["a"], ["b"], [node("AveragePool", "a", "b", kernel_shape=[2, 2], strides=[2, 2])],
        [helper.make_opsetid("", 21)],
    )  # fmt: skip
    nodes = [
        node("MaxPool", "x", "empty", kernel_shape=[1, 1], strides=[2, 2], ceil_mode=1, pads=[0, 0, 0, 0]),
        node("AveragePool", "x", "uneven", kernel_shape=[3, 3], strides=[2, 2], pads=[0, 0, 1, 1], count_include_pad=1),
        node("MaxPool", "x", "same", kernel_shape=[3, 3], strides=[2, 2], auto_pad="SAME_LOWER"),
        node("AveragePool", "x", "dilated", kernel_shape=[2, 2], dilations=[3, 3]),
        node("LpPool", "x", "norm", kernel_shape=[2, 2], p=3),
        node("GlobalMaxPool", "x", "most"),
        node("ReduceMean", "x axes", "mean", keepdims=0),
        node("ReduceMean", "x axes", "centre"),
        node("Sub", "x centre", "spread"),
        node("Pad", "x amounts lowest", "padded"),
        node("MaxPool", "padded", "late", kernel_shape=[3, 3], strides=[2, 2]),
        node("Halve", "x", "halved", domain="own"),
        node("Unknown", "x", "lost", domain="foreign"),
        node("MaxPool", "lost", "found", kernel_shape=[2, 2]),
        node("Concat", "uneven same", "s", axis=1),
        node("If", "choice", "chosen", then_branch=then, else_branch=other),
        node("GlobalAveragePool", "chosen", "last"),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "odd", [value("x", 1, 1, 6, 6), helper.make_tensor_value_info("choice", TensorProto.BOOL, [])],
        [value(name, "n", "c", "h", "w") for name in ("last", "spread", "late")],
        [numpy_helper.from_array(np.array([2, -1], np.int64), "axes"),
         numpy_helper.from_array(np.array([0, 0, 0, 0, 0, 0, 1, 1], np.int64), "amounts"),
         numpy_helper.from_array(np.array(-np.inf, np.float32), "lowest")],
    )  # fmt: skip
    domains = [helper.make_opsetid("", 21), helper.make_opsetid("own", 1), helper.make_opsetid("foreign", 1)]
    model = helper.make_model(graph, opset_imports=domains, functions=[small], producer_name="by hand", ir_version=10)
    (HERE / "odd.onnx").write_bytes(model.SerializeToString())


def write_keras() -> None:
    """Write .keras, functional and subclassed, and .tflite, float and quantised."""
    import keras
    import numpy as np
    import tensorflow as tf
    from keras import layers

    keras.utils.set_random_seed(0)
    shared = layers.MaxPooling2D(2, name="shared")
    inner = keras.Sequential(
        [layers.Input((12, 12, 2)), layers.Conv2D(2, 3, padding="same", activation="relu", name="conv"),
         layers.BatchNormalization(name="norm"), layers.AveragePooling2D(3, 2, padding="same", name="avg")],
        name="inner",
    )  # fmt: skip
    x = layers.Input((26, 27, 1), name="x")
    t = layers.Conv2D(2, 3, name="stem")(x)
    t = inner(shared(t))
    u = layers.ZeroPadding2D(((0, 1), (0, 1)), name="zeros")(t)
    u = layers.Conv2D(2, 3, name="last")(layers.MaxPooling2D(3, 1, name="padded")(u))
    u = shared(u)
    u = layers.AdaptiveAveragePooling2D((1, 2), name="adaptive")(u)
    y = layers.GlobalAveragePooling2D(name="global")(u)

    def save(model: Any, name: str) -> None:
        made = HERE / "whole.keras"
        model.save(made)
        packed(made.read_bytes(), name, without=(".h5",))
        made.unlink()

    save(keras.Model(x, y, name="net"), "functional.keras")

    @keras.saving.register_keras_serializable("own")
    class Own(keras.Model):  # type: ignore[misc]  # nor has Keras
        def __init__(self, **more: Any) -> None:
            super().__init__(**more)
            self.pool = layers.MaxPooling2D(2)

        def call(self, x: Any) -> Any:
            return self.pool(x)

    own = Own(name="own")
    own(np.zeros((1, 4, 4, 1), np.float32))
    save(own, "subclassed.keras")

    first = layers.Input((14, 15, 1), name="x")
    t = layers.Conv2D(2, 3, activation="relu")(first)
    t = layers.MaxPooling2D(3, 2, padding="same")(t)
    t = layers.Activation("relu6")(layers.AveragePooling2D(2)(layers.Conv2D(2, 1)(t)))
    t = layers.GlobalAveragePooling2D()(layers.Conv2D(2, 1)(t))
    small = keras.Model(first, t)
    converter = tf.lite.TFLiteConverter.from_keras_model(small)
    (HERE / "float.tflite").write_bytes(converter.convert())
    converter = tf.lite.TFLiteConverter.from_keras_model(small)
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    rng = np.random.default_rng(0)
    converter.representative_dataset = lambda: ([rng.random((1, 14, 15, 1), np.float32)] for _ in range(8))
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    (HERE / "quantised.tflite").write_bytes(converter.convert())


if __name__ == "__main__":
    {"torch": write_torch, "keras": write_keras}[sys.argv[1]]()

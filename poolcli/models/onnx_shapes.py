"""The output shapes of ONNX operators other than pooling; windows follow the formulas of `poolcli.window`.

An operator that is not in the table, or depends on computed values, has an unknown shape, never a guessed one; the
package onnx, if installed, may infer it.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from poolcli.models.layer import Dim, ModelShape, slid
from poolcli.models.source import ModelFile
from poolcli.system.limits import check_memory

Follow = Callable[[Any, Any], ModelShape | None]
AUTO_PAD = {"SAME_UPPER": "same", "SAME_LOWER": "same-lower", "VALID": "valid"}
MOST_INFERRED = 256 << 20  # bytes of a model to hand to it, which takes seconds
MODEL_COPIES = 4  # that it makes of a model
MADE_UP = "unk__"  # the prefix of the symbols that it makes up for unknown lengths


def _input(node: Any, scope: Any, place: int = 0) -> ModelShape | None:
    shape: ModelShape | None = scope.shapes.get(node.inputs[place]) if len(node.inputs) > place else None
    return shape


def _conv(node: Any, scope: Any) -> ModelShape | None:
    x, weights = _input(node, scope), _input(node, scope, 1)
    size = node.numbers("kernel_shape") or (list(weights[2:]) if weights else [])
    if x is None or not weights or not size or len(size) != len(x) - 2 or None in size or min(size) < 1:
        return None
    pads = node.numbers("pads") or [0] * 2 * len(size)
    if len(pads) != 2 * len(size):
        return None
    pairs = tuple(zip(pads[: len(size)], pads[len(size) :], strict=True))
    after = slid(
        x[2:], size=tuple(size), stride=tuple(node.numbers("strides") or [1] * len(size)),
        padding=AUTO_PAD.get(node.text("auto_pad"), pairs),
        dilation=tuple(node.numbers("dilations") or [1] * len(size)),
    )  # fmt: skip
    return (x[0], weights[0], *after)


def _broadcast(node: Any, scope: Any) -> ModelShape | None:
    shapes = [_input(node, scope, place) for place in range(len(node.inputs)) if node.inputs[place]]
    if not shapes or any(shape is None for shape in shapes):
        return None
    rank = max(len(shape or ()) for shape in shapes)
    lined = [(1,) * (rank - len(shape or ())) + (shape or ()) for shape in shapes]
    return tuple(_wider(list(dims)) for dims in zip(*lined, strict=True))


def _wider(dims: list[Dim]) -> Dim:
    rest = {dim for dim in dims if dim != 1}
    return 1 if not rest else rest.pop() if len(rest) == 1 else None


def _pad(node: Any, scope: Any) -> ModelShape | None:
    x, pads = _input(node, scope), scope.numbers_of(node, "pads")
    if x is None:
        return None
    if pads is None or len(pads) != 2 * len(x):  # or only some axes are padded, or the amounts are computed
        return (None,) * len(x)
    sides = zip(x, pads[: len(x)], pads[len(x) :], strict=True)
    return tuple(n if not before + after else _plus(n, before + after) for n, before, after in sides)


def _plus(length: Dim, more: int) -> Dim:
    return length + more if isinstance(length, int) and length + more >= 0 else None


def _concat(node: Any, scope: Any) -> ModelShape | None:
    shapes = [_input(node, scope, place) for place in range(len(node.inputs))]
    first, axis = shapes[0] if shapes else None, node.number("axis", 0)
    if first is None or any(shape is None or len(shape) != len(first) for shape in shapes):
        return None
    axis = axis + len(first) if axis < 0 else axis
    lengths = [shape[axis] for shape in shapes if shape and axis < len(shape)]
    total = sum(length for length in lengths if isinstance(length, int))
    joined = total if all(isinstance(length, int) for length in lengths) else None
    return (*first[:axis], joined, *first[axis + 1 :])


def _transposed(node: Any, scope: Any) -> ModelShape | None:
    x = _input(node, scope)
    if x is None:
        return None
    order = node.numbers("perm") or list(range(len(x)))[::-1]
    return tuple(x[axis] for axis in order) if sorted(order) == list(range(len(x))) else None


def _gathered(node: Any, scope: Any) -> ModelShape | None:
    x, where, axis = _input(node, scope), _input(node, scope, 1), node.number("axis", 0)
    if x is None or where is None:
        return None
    axis = axis + len(x) if axis < 0 else axis
    return (*x[:axis], *where, *x[axis + 1 :])


def _unsqueezed(node: Any, scope: Any) -> ModelShape | None:
    x, axes = _input(node, scope), scope.numbers_of(node, "axes")
    if x is None or axes is None:
        return None
    rank = len(x) + len(axes)
    places, rest = {axis % rank for axis in axes}, iter(x)
    return tuple(1 if place in places else next(rest) for place in range(rank)) if len(places) == len(axes) else None


def _squeezed(node: Any, scope: Any) -> ModelShape | None:
    x, axes = _input(node, scope), scope.numbers_of(node, "axes")
    if x is None or axes is None:
        return None
    places = {axis % len(x) for axis in axes} if x else set()
    return tuple(length for place, length in enumerate(x) if place not in places)


def _reshaped(node: Any, scope: Any) -> ModelShape | None:
    x = _input(node, scope)
    to = scope.numbers(node.inputs[1]) if len(node.inputs) > 1 else None
    if to is None:
        return None
    kept: list[Dim] = [x[i] if n == 0 and x is not None and i < len(x) else n for i, n in enumerate(to)]
    if -1 not in kept or x is None:
        return tuple(None if n == -1 else n for n in kept)
    given, rest = [n for n in x if isinstance(n, int)], [n for n in kept if isinstance(n, int) and n != -1]
    same = [n for n in x if not isinstance(n, int)] == [n for n in kept if not isinstance(n, int)]
    size, part = math.prod(given), math.prod(rest)
    missing = size // part if same and part > 0 and size % part == 0 else None
    return tuple(missing if n == -1 else n for n in kept)


def _flat(node: Any, scope: Any) -> ModelShape | None:
    x, axis = _input(node, scope), node.number("axis", 1)
    if x is None:
        return None
    axis = axis + len(x) if axis < 0 else axis
    parts = (x[:axis], x[axis:])
    known = [[n for n in part if isinstance(n, int)] for part in parts]
    return tuple(math.prod(lengths) if len(lengths) == len(part) else part[0] if len(part) == 1 else None
                 for part, lengths in zip(parts, known, strict=True))  # fmt: skip


SAME_SHAPE_OPERATORS = {
    "Abs", "BatchNormalization", "Cast", "Ceil", "Celu", "Clip", "DequantizeLinear", "Dropout", "Elu", "Erf", "Exp",
    "Floor", "Gelu", "GroupNormalization", "HardSigmoid", "HardSwish", "Hardmax", "Identity", "InstanceNormalization",
    "LRN", "LayerNormalization", "LeakyRelu", "Log", "LogSoftmax", "LpNormalization", "MeanVarianceNormalization",
    "Mish", "Neg", "PRelu", "QuantizeLinear", "Reciprocal", "Relu", "Round", "Selu", "Shrink", "Sigmoid", "Sign",
    "Softmax", "Softplus", "Softsign", "Sqrt", "Swish", "Tanh", "ThresholdedRelu",
}  # fmt: skip
CELL_BY_CELL = {"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "Sum", "Mean", "Where", "Mod"}
SHAPES_AFTER: Mapping[str, Follow] = {
    **dict.fromkeys(SAME_SHAPE_OPERATORS, _input),
    **dict.fromkeys(CELL_BY_CELL, _broadcast),
    "Conv": _conv,
    "Pad": _pad,
    "Concat": _concat,
    "Gather": _gathered,
    "Transpose": _transposed,
    "Unsqueeze": _unsqueezed,
    "Squeeze": _squeezed,
    "Reshape": _reshaped,
    "Flatten": _flat,
}


def inferred_shapes(source: ModelFile) -> dict[str, ModelShape]:
    """Return shapes by the names of values; empty without the package, or for a model that it refuses."""
    if len(source.data) > MOST_INFERRED:
        return {}
    try:
        check_memory(MODEL_COPIES * len(source.data), "the shapes of the model", "")
        from onnx.shape_inference import infer_shapes

        graph: Any = infer_shapes(bytes(source.data), data_prop=True).graph
    except Exception:  # noqa: BLE001 - no package, no memory, or C++ refuses a model that poolcli itself could read
        return {}
    tensors = {value.name: value.type.tensor_type for value in (*graph.value_info, *graph.output)}
    return {name: tuple(map(_dim, kind.shape.dim)) for name, kind in tensors.items() if kind.HasField("shape")}


def _dim(dim: Any) -> Dim:
    if dim.HasField("dim_value"):
        return int(dim.dim_value) if dim.dim_value >= 0 else None
    return None if dim.dim_param.startswith(MADE_UP) else dim.dim_param or None

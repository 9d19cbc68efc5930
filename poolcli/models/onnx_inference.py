"""Shapes that the package onnx infers, if installed, for values without a formula here."""

from __future__ import annotations

from typing import Any

from poolcli.models.layer import Dim, ModelShape
from poolcli.models.source import ModelFile
from poolcli.system.limits import check_memory

MOST_INFERRED = 256 << 20  # bytes of a model to hand to it, which takes seconds
MODEL_COPIES = 4  # that it makes of a model
MADE_UP = "unk__"  # the prefix of the symbols that it makes up for unknown lengths


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

"""Keras's .keras archives: config.json and metadata.json, without the weights.

Each call of a layer has its input shape (Keras 3), or the shape follows from the layers before: in a Sequential, and in
files of Keras 2.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from poolcli.errors import InputError
from poolcli.models.layer import Dim, Draft, Model, ModelShape, Walk, merged, slid, sorted_graph
from poolcli.models.source import DEEPEST, NOT_WHOLE, Archive, Budget
from poolcli.pooling.frameworks import KERAS

POOL_LAYER = re.compile(r"(?P<kind>Max|Average)Pool(?:ing(?P<ndim>[123])D)?")
GLOBAL_LAYER = re.compile(r"Global(?P<kind>Max|Average)Pooling(?P<ndim>[123])D")
ADAPTIVE = re.compile(r"Adaptive(?P<kind>Max|Average)Pooling(?P<ndim>[123])D")
CONV = re.compile(r"(?P<kind>Conv|SeparableConv|DepthwiseConv)(?P<ndim>[123])D")
BORDER = re.compile(r"(?P<kind>ZeroPadding|Cropping|UpSampling)(?P<ndim>[123])D")
MODE_OF = {"Max": "max", "Average": "avg"}
SAME_SHAPE_LAYERS = {
    "Activation", "ActivityRegularization", "AlphaDropout", "BatchNormalization", "Dropout", "ELU", "GaussianDropout",
    "GaussianNoise", "GroupNormalization", "Identity", "InputLayer", "LayerNormalization", "LeakyReLU", "PReLU", "ReLU",
    "Rescaling", "Softmax", "SpatialDropout1D", "SpatialDropout2D", "SpatialDropout3D", "UnitNormalization",
}  # fmt: skip
LayerCall = tuple[str, int]  # which layer, and which of its calls


def read_keras(archive: Archive) -> Model:
    """List the pooling layers of a Keras model."""
    model = archive.json(str(archive.find("/config.json")))
    about = archive.find("/metadata.json")
    version = archive.json(about).get("keras_version") if about else None
    walk = _Walk(Budget())
    if not _inner(model):
        shape = _shape((model.get("build_config") or {}).get("input_shape"))
        told = f", built for {'x'.join('?' if n is None else str(n) for n in shape)}" if shape else ""
        walk.notes[f"{model['class_name']} is a custom class{told}: its layers are in its source, not in the file"] = (
            None
        )
    walk.model(model, "", None)
    maker = f" of Keras {version}" if version else ""
    return walk.found(f"Keras model{maker}")


class _Walk(Walk):
    """A walk through a model and the models in it."""

    def model(
        self, model: Mapping[str, Any], prefix: str, shape: ModelShape | None, depth: int = 0
    ) -> ModelShape | None:
        """Go through the layers of a model, and return its output shape."""
        if depth > DEEPEST:
            raise InputError(f"models nested more than {DEEPEST} deep", NOT_WHOLE)
        layers = _inner(model)
        if any(layer.get("inbound_nodes") for layer in layers):
            return self._functional(model, layers, prefix, shape, depth)
        padding = None
        for layer in layers:
            shape = merged(shape, _built(layer))
            shape, padding = self._layer(layer, prefix, shape, padding, depth), layer
        return shape

    def _functional(
        self,
        model: Mapping[str, Any],
        layers: Sequence[Mapping[str, Any]],
        prefix: str,
        shape: ModelShape | None,
        depth: int,
    ) -> ModelShape | None:
        calls = {(_name(layer), number): (layer, said) for layer in layers for number, said in enumerate(_calls(layer))}
        after: dict[LayerCall, ModelShape | None] = {}
        needs = {call: [source for source, _ in said] for call, (_, said) in calls.items()}
        for call in sorted_graph(needs, lambda call: call[0]):
            if call not in calls:
                continue
            layer, said = calls[call]
            before = merged(said[0][1], after.get(said[0][0])) if said else merged(_built(layer), shape)
            maker = calls.get(said[0][0], (None, None))[0] if said else None
            after[call] = self._layer(layer, prefix, before, maker, depth, call[1])
        ends = model["config"].get("output_layers")
        end = ends[0] if ends and isinstance(ends[0], list) else ends
        return after.get((str(end[0]), end[1])) if end else None

    def _layer(
        self, layer: Mapping[str, Any], prefix: str, shape: ModelShape | None, before: Mapping[str, Any] | None,
        depth: int, number: int = 0,
    ) -> ModelShape | None:  # fmt: skip
        """Record a pooling layer, or go into a model; return the shape after it."""
        self.pass_operator()
        name, kind, config = prefix + _name(layer), str(layer["class_name"]), layer["config"]
        if _inner(layer):
            return self.model(layer, f"{name}/", shape, depth + 1)
        if isinstance(config.get("layer"), Mapping):
            return self._wrapped(layer, name, shape, depth)
        draft = _drafted(name, kind, config, shape)
        if draft is not None:
            _note_pad(draft, before)
            draft.unusual += [f"call {number + 1} of a shared layer"] if number else []
            self.layers.append(draft.done())
            return self.layers[-1].output
        if "pool" in kind.lower():
            self.notes[f"{name}: {kind} is not described here"] = None
        return _after(kind, config, shape)

    def _wrapped(self, layer: Mapping[str, Any], name: str, shape: ModelShape | None, depth: int) -> ModelShape | None:
        """Go into a wrapper such as TimeDistributed, which applies its layer to one time step after another."""
        if depth >= DEEPEST:
            raise InputError(f"layers nested more than {DEEPEST} deep", NOT_WHOLE)
        timed = layer["class_name"] == "TimeDistributed" and shape is not None
        inside = (shape[0], *shape[2:]) if timed and shape else None
        first = len(self.layers)
        after = self._layer(layer["config"]["layer"], f"{name}/", inside, None, depth + 1)
        for place in range(first, len(self.layers)):
            self.notes[f"{self.layers[place].name} is inside {layer['class_name']}"] = None
        return (after[0], shape[1], *after[1:]) if timed and after and shape else None


def _inner(layer: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """Return the layers of a model; empty for a layer."""
    config = layer["config"]
    found: Sequence[Mapping[str, Any]] = config.get("layers") or [] if isinstance(config, Mapping) else config
    return found


def _name(layer: Mapping[str, Any]) -> str:
    return str(layer.get("name") or layer["config"].get("name") or layer["class_name"])


def _calls(layer: Mapping[str, Any]) -> list[list[tuple[LayerCall, ModelShape | None]]]:
    """Return the inputs of each call of a layer: the call that each comes from, and its shape if given."""
    nodes = layer.get("inbound_nodes") or [[]]
    return [list(_tensors(node)) for node in nodes]


def _tensors(said: Any) -> Iterator[tuple[LayerCall, ModelShape | None]]:
    if isinstance(said, Mapping):
        if said.get("class_name") == "__keras_tensor__":
            history = said["config"]["keras_history"]
            yield (str(history[0]), int(history[1])), _shape(said["config"]["shape"])
        else:
            yield from (tensor for key in ("args", "kwargs") for tensor in _tensors(said.get(key)))
    elif isinstance(said, list):
        if len(said) >= 3 and isinstance(said[0], str) and isinstance(said[1], int):  # Keras 2
            yield (said[0], said[1]), None
        else:
            yield from (tensor for one in said for tensor in _tensors(one))


def _shape(said: Any) -> ModelShape | None:
    if not isinstance(said, list) or not all(n is None or isinstance(n, int) for n in said):
        return None
    return tuple(said)


def _built(layer: Mapping[str, Any]) -> ModelShape | None:
    """Return the input shape for which a layer was created or built."""
    config = layer["config"]
    said = [config.get(name) for name in ("batch_shape", "batch_input_shape")] if isinstance(config, Mapping) else []
    said.append((layer.get("build_config") or {}).get("input_shape"))
    return next((shape for shape in map(_shape, said) if shape is not None), None)


# --- layers -----------------------------------------------------------------------------------------------------------


def _drafted(name: str, kind: str, config: Mapping[str, Any], shape: ModelShape | None) -> Draft | None:
    """Return the pooling layer that a class and its config describe, if any."""
    found = GLOBAL_LAYER.fullmatch(kind) or ADAPTIVE.fullmatch(kind) or POOL_LAYER.fullmatch(kind)
    if found is None:
        return None
    ndim = int(found["ndim"]) if found["ndim"] else len(shape or ()) - 2
    if shape is not None and len(shape) != ndim + 2:
        raise InputError(f"layer {name!r} ({kind}): an input of {len(shape)} axes", NOT_WHOLE)
    known: dict[str, Any] = {"input": shape, "channels_last": _last(config), "options": {"compat": KERAS.name}}
    draft = Draft(name, kind, ndim, MODE_OF[found["kind"]], **known)
    if GLOBAL_LAYER.fullmatch(kind):
        draft.options["global_window"] = True
        draft.keeps_axes = bool(config.get("keepdims"))
    elif ADAPTIVE.fullmatch(kind):
        draft.options["output_size"] = _sizes(config["output_size"], ndim)
    else:
        draft.size = _sizes(config["pool_size"], ndim)
        draft.options |= {"stride": _sizes(config.get("strides"), ndim), "padding": config.get("padding", "valid")}
    if not known["channels_last"]:
        draft.unusual.append("channels first")
    return draft


def _last(config: Mapping[str, Any]) -> bool:
    return config.get("data_format") != "channels_first"


def _sizes(value: Any, ndim: int) -> tuple[int, ...] | None:
    if value is None:
        return None
    return tuple(value) if isinstance(value, list) else (value,) * ndim


def _after(kind: str, config: Mapping[str, Any], shape: ModelShape | None) -> ModelShape | None:
    """Return the shape after a layer other than pooling; None if there is no formula for it here."""
    if shape is None or kind in SAME_SHAPE_LAYERS:
        return shape
    found = CONV.fullmatch(kind) or BORDER.fullmatch(kind)
    if found is None or len(shape) != int(found["ndim"]) + 2:
        return None
    spatial, channels = (shape[1:-1], shape[-1]) if _last(config) else (shape[2:], shape[1])
    if found["kind"] in BORDERS:
        spatial = tuple(map(BORDERS[found["kind"]], spatial, _pairs(found["kind"], config, len(spatial))))
    else:
        spatial, channels = _convolved(found["kind"], config, spatial, channels)
    return (shape[0], *spatial, channels) if _last(config) else (shape[0], channels, *spatial)


def _convolved(kind: str, config: Mapping[str, Any], spatial: ModelShape, channels: Dim) -> tuple[ModelShape, Dim]:
    ndim = len(spatial)
    size, dilation = _sizes(config["kernel_size"], ndim) or (), _sizes(config.get("dilation_rate", 1), ndim) or ()
    padding = config.get("padding", "valid")
    if padding == "causal":
        padding = (((size[0] - 1) * dilation[0], 0),)
    stride = _sizes(config.get("strides", 1), ndim)
    after = slid(spatial, size=size, stride=stride, padding=padding, dilation=dilation)
    if kind == "DepthwiseConv":
        return tuple(after), channels * config.get("depth_multiplier", 1) if isinstance(channels, int) else None
    return tuple(after), config["filters"]


def _pairs(kind: str, config: Mapping[str, Any], ndim: int) -> list[Any]:
    """Return what a layer adds, removes or repeats along each axis."""
    if kind == "UpSampling":
        size = config["size"]
        return list(size) if isinstance(size, list) else [size] * ndim
    said = config["padding" if kind == "ZeroPadding" else "cropping"]
    return [said] if ndim == 1 else list(said)


BORDERS = {
    "ZeroPadding": lambda length, sides: length + sum(sides) if isinstance(length, int) else None,
    "Cropping": lambda length, sides: length - sum(sides) if isinstance(length, int) else None,
    "UpSampling": lambda length, factor: length * factor if isinstance(length, int) else None,
}


def _note_pad(draft: Draft, layer: Mapping[str, Any] | None) -> None:
    """Record a ZeroPadding layer right before a layer."""
    if layer is None or not str(layer["class_name"]).startswith("ZeroPadding"):
        return
    pairs = [tuple(pair) for pair in _pairs("ZeroPadding", layer["config"], draft.ndim)]
    flat, whole = [side for pair in pairs for side in pair], [(0, 0), *pairs, (0, 0)]
    sides = whole if draft.channels_last else [(0, 0), (0, 0), *pairs]
    source = draft.input and tuple(
        length - sum(pair) if isinstance(length, int) else length
        for length, pair in zip(draft.input, sides, strict=False)
    )
    what = f"a {layer['class_name']} before it (pads {','.join(map(str, flat))} of 0)"
    draft.padded(what, source or None, sides if len(sides) == draft.ndim + 2 else None, 0)

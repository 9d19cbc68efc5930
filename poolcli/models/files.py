"""`read_model`: from a path to a `Model` in any format; other files are refused, with what to do."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from pathlib import Path

from poolcli.errors import InputError, PoolcliError
from poolcli.models import keras_file, onnx_file, tflite_file, torch_export, torch_script
from poolcli.models.layer import Model
from poolcli.models.source import NOT_WHOLE, Archive, ModelFile, mapped

KNOWN = ".onnx, .pt2, .keras, .tflite and TorchScript .pt"
MALFORMED = (AttributeError, IndexError, KeyError, OverflowError, RecursionError, TypeError, ValueError, struct.error)
EXPORT = "export the model itself: torch.export.save(torch.export.export(model, inputs), 'model.pt2')"

# the first bytes of other files that people try: what they are, and what to do
STRANGERS: Mapping[bytes, tuple[str, str]] = {
    b"\x89HDF\r\n\x1a\n": ("HDF5, Keras's old format for models", "load it in Keras, and save it as .keras"),
    b"\x80": ("a pickle, PyTorch's old format for weights and models; poolcli never unpickles", EXPORT),
    b"version https://git-lfs": ("a pointer of Git LFS in place of the model", "git lfs pull"),
    b"GGUF": ("a GGUF file: weights without layers", f"poolcli reads {KNOWN}"),
    b"PAR1": ("a Parquet table", f"poolcli reads {KNOWN}"),
    b"<": ("XML or HTML", f"poolcli reads {KNOWN}; an OpenVINO model comes from one of them"),
    b"{": ("JSON or weights (safetensors)", f"poolcli reads {KNOWN}"),
    b"\x1f\x8b": ("packed with gzip", "unpack it first: gunzip"),
}


def read_model(source: str | Path) -> Model:
    """List the pooling layers of a model file, or of standard input for ``-``.

    The content says what it is, not the name. A model that poolcli does not know, or a broken one, or an impossible
    layer, is an `InputError`; more parts, or longer ones, than any model has are a `LimitError`.
    """
    with mapped(source) as file:
        try:
            return _model(file)
        except PoolcliError as problem:
            problem.at(file.name)
            raise
        except MALFORMED as problem:
            text = f"{file.name}: not what such a model looks like: {type(problem).__name__}: {problem}"
            raise InputError(text, NOT_WHOLE) from problem


def _model(file: ModelFile) -> Model:
    head = bytes(file.data[:32])
    if not head:
        raise InputError("the file is empty", f"name a model: {KNOWN}")
    if head.startswith(b"PK"):
        return _packed(Archive(file))
    if head[4:8] == tflite_file.TFLITE_MARK:
        return tflite_file.read_tflite(file)
    for signature, (what, hint) in STRANGERS.items():
        if head.startswith(signature) or head[8:9] == signature == b"{":
            raise InputError(what, hint)
    if file.name.endswith(".onnx") or head[:1] == b"\x08":
        return onnx_file.read_onnx(file)
    raise InputError("not a model that poolcli knows", f"it reads {KNOWN}")


def _packed(archive: Archive) -> Model:
    if archive.find(torch_export.OLD, "/archive_format") or any(map(torch_export.NEW.fullmatch, archive.names)):
        return torch_export.read_exported(archive)
    if "config.json" in archive.names:
        return keras_file.read_keras(archive)
    if archive.find("/constants.pkl") and any("code/" in name for name in archive.names):
        return torch_script.read_script(archive)
    if archive.find("/data.pkl"):
        raise InputError("pickled PyTorch weights, which hold no layers; poolcli never unpickles", EXPORT)
    raise InputError("a zip archive, but not of a model that poolcli knows", f"it reads {KNOWN}")

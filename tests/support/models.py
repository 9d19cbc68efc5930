"""Model files made by hand: a writer of protocol buffers, and archives."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.support.process import ROOT

MODELS = ROOT / "tests" / "models"


def varint(number: int) -> bytes:
    number &= (1 << 64) - 1
    head = b""
    while number > 0x7F:
        head += bytes([number & 0x7F | 0x80])
        number >>= 7
    return head + bytes([number])


def field(number: int, *values: int | str | bytes) -> bytes:
    """A field of a message, once for each value."""
    made = b""
    for value in values:
        content = value.encode() if isinstance(value, str) else value
        if isinstance(content, int):
            made += varint(number << 3) + varint(content)
        else:
            made += varint(number << 3 | 2) + varint(len(content)) + content
    return made


def attribute(name: str, value: Any) -> bytes:
    head = field(1, name)
    if isinstance(value, int):
        return head + field(3, value)
    if isinstance(value, str):
        return head + field(4, value)
    return head + field(8, b"".join(map(varint, value)))  # packed


def node(kind: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Any) -> bytes:
    return (
        field(1, *inputs) + field(2, *outputs) + field(3, f"n_{outputs[0]}") + field(4, kind) + field(7, domain)
        + field(5, *(attribute(name, value) for name, value in attributes.items()))
    )  # fmt: skip


def value(name: str, shape: Sequence[int | str | None], kind: int = 1) -> bytes:
    dims = [field(1, n) if isinstance(n, int) else field(2, n) if n else b"" for n in shape]
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, field(1, *dims))))


def tensor(name: str, numbers: Sequence[int]) -> bytes:
    """A constant of whole numbers."""
    return field(1, len(numbers)) + field(2, 7) + field(7, b"".join(map(varint, numbers))) + field(8, name)


def weights(name: str, shape: Sequence[int]) -> bytes:
    """Weights whose numbers are missing: nobody reads them."""
    return field(1, *shape) + field(2, 1) + field(8, name)


def model(
    nodes: Sequence[bytes], inputs: Sequence[bytes], constants: Sequence[bytes] = (), *, opset: int = 21,
    functions: Sequence[bytes] = (),
) -> bytes:  # fmt: skip
    graph = field(1, *nodes) + field(5, *constants) + field(11, *inputs)
    return field(1, 10) + field(7, graph) + field(8, field(1, "") + field(2, opset)) + field(25, *functions)


def archive(files: Mapping[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return made.getvalue()


def unpacked(path: Path, end: str) -> Any:
    """The JSON in an archive whose name ends so."""
    with zipfile.ZipFile(path) as packed:
        return json.loads(packed.read(next(name for name in packed.namelist() if name.endswith(end))))

"""Model files made by hand: protocol buffers, FlatBuffers and archives."""

from __future__ import annotations

import io
import json
import struct
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
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
    """A field of a message, repeated for each value."""
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
        return head + field(3, value) + field(20, 2)
    if isinstance(value, str):
        return head + field(4, value) + field(20, 3)
    return head + field(8, b"".join(map(varint, value))) + field(20, 7)  # packed


def node(kind: str, inputs: Sequence[str], outputs: Sequence[str], domain: str = "", **attributes: Any) -> bytes:
    return (
        field(1, *inputs) + field(2, *outputs) + field(3, f"n_{outputs[0]}") + field(4, kind) + field(7, domain)
        + field(5, *(attribute(name, value) for name, value in attributes.items()))
    )  # fmt: skip


def value(name: str, shape: Sequence[int | str | None], kind: int = 1) -> bytes:
    dims = [field(1, n) if isinstance(n, int) else field(2, n) if n else b"" for n in shape]
    return field(1, name) + field(2, field(1, field(1, kind) + field(2, field(1, *dims))))


def tensor(name: str, numbers: Sequence[int]) -> bytes:
    """A constant of integers."""
    return field(1, len(numbers)) + field(2, 7) + field(7, b"".join(map(varint, numbers))) + field(8, name)


def weights(name: str, shape: Sequence[int]) -> bytes:
    """Weights without numbers, which nobody reads."""
    return field(1, *shape) + field(2, 1) + field(8, name)


def model(
    nodes: Sequence[bytes], inputs: Sequence[bytes], constants: Sequence[bytes] = (), *, opset: int = 21,
    functions: Sequence[bytes] = (), outputs: Sequence[bytes] = (),
) -> bytes:  # fmt: skip
    graph = field(1, *nodes) + field(5, *constants) + field(11, *inputs) + field(12, *outputs)
    return field(1, 10) + field(7, graph) + field(8, field(1, "") + field(2, opset)) + field(25, *functions)


# --- TensorFlow Lite --------------------------------------------------------------------------------------------------

Fields = Mapping[int, Any]  # a table: each field is (kind, number), bytes, `Numbers`, a table, or a list of these


@dataclass(frozen=True)
class Numbers:
    """A vector of numbers with their `struct` format."""

    values: Sequence[float]
    kind: str = "i"


class Flatbuffer:
    """Tables, each after its vtable and before the data that it refers to."""

    def __init__(self, root: Fields, mark: bytes) -> None:
        self.data = bytearray(b"\0\0\0\0" + mark)
        self.refer(0, root)

    def refer(self, place: int, item: Any) -> None:
        where = self.table(item) if isinstance(item, Mapping) else self.vector(item)
        self.data[place : place + 4] = struct.pack("<I", where - place)

    def vector(self, items: Any) -> int:
        self.data += bytes(-len(self.data) % 8) + bytes(4)  # so that the items begin at a multiple of 8
        place = len(self.data)
        many = len(items.values if isinstance(items, Numbers) else items)
        self.data += struct.pack("<I", many)
        if isinstance(items, bytes):
            self.data += items
        elif isinstance(items, Numbers):
            self.data += struct.pack(f"<{many}{items.kind}", *items.values)
        else:
            self.data += bytes(4 * many)
            for number, item in enumerate(items):
                self.refer(place + 4 + 4 * number, item)
        return place

    def table(self, fields: Fields) -> int:
        last = max(fields, default=-1)
        self.data += bytes(-len(self.data) % 8)
        start = len(self.data)
        self.data += struct.pack("<HH", 6 + 2 * last, 4 + 8 * len(fields)) + bytes(2 * (last + 1))
        self.data += bytes(-len(self.data) % 8)
        place = len(self.data)
        self.data += struct.pack("<i", place - start) + bytes(4 + 8 * len(fields))
        for number, (index, item) in enumerate(fields.items()):
            offset = 8 + 8 * number
            struct.pack_into("<H", self.data, start + 4 + 2 * index, offset)
            if isinstance(item, tuple):
                struct.pack_into(f"<{item[0]}", self.data, place + offset, item[1])
            else:
                self.refer(place + offset, item)
        return place


def operator(
    code: int, inputs: Sequence[int] = (0,), outputs: Sequence[int] = (1,), *, index: int | None = None,
    size: tuple[int, int] = (2, 2), padding: int = 1, fused: int = 0, options: bool = True,
) -> tuple[int, int | None, Fields]:  # fmt: skip
    """An operator with pooling options; for a reduction the first of them says whether it keeps its axes."""
    pool = {0: ("b", padding), 1: ("i", 2), 2: ("i", 2), 3: ("i", size[1]), 4: ("i", size[0]), 5: ("b", fused)}
    return code, index, {1: Numbers(inputs), 2: Numbers(outputs), **({4: pool} if options else {})}


def tflite_tensor(name: str, shape: Sequence[int], *, buffer: int = 0, kind: int = 0, **more: Any) -> Fields:
    signature = {7: Numbers(more["signature"])} if "signature" in more else {}
    return {0: Numbers(shape), 1: ("b", kind), 2: ("I", buffer), 3: name.encode(), **signature}


def tflite(
    operators: Sequence[tuple[int, int | None, Fields]], tensors: Sequence[Fields] = (), *, version: int = 3,
    buffers: Sequence[bytes] = (b"",), custom: bytes = b"", graphs: int = 1,
) -> bytes:  # fmt: skip
    tensors = tensors or [tflite_tensor("x", [1, 8, 8, 1]), tflite_tensor("y", [1, 4, 4, 1])]
    codes = [{0: ("b", min(code, 127)), 3: ("i", code), **({1: custom} if custom else {})} for code, _, _ in operators]
    done = [{0: ("I", number if index is None else index), **one} for number, (_, index, one) in enumerate(operators)]
    graph = {0: list(tensors), 3: done}
    model = {0: ("I", version), 1: codes, 2: [graph] * graphs, 4: [{0: data} for data in buffers]}
    return bytes(Flatbuffer(model, b"TFL3").data)


def archive(files: Mapping[str, bytes | str], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", compression) as packed:
        for name, content in files.items():
            packed.writestr(name, content)
    return made.getvalue()


def unpacked(path: Path, end: str) -> Any:
    """The JSON file in an archive whose name has this end."""
    with zipfile.ZipFile(path) as packed:
        return json.loads(packed.read(next(name for name in packed.namelist() if name.endswith(end))))

"""TensorFlow Lite: a walk through its FlatBuffer; for the numbers of fields and operators see its schema.

https://github.com/tensorflow/tensorflow/blob/master/tensorflow/compiler/mlir/lite/schema/schema.fbs
"""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poolcli.errors import InputError
from poolcli.models.flatbuffer import Table
from poolcli.models.layer import Draft, Model, ModelShape, Walk, as_reduction
from poolcli.models.source import CONSTANT_MOST, NOT_WHOLE, Budget, ModelFile, unpacked
from poolcli.pooling.frameworks import LITERT
from poolcli.steps.steps import ReluStep

TFLITE_MARK = b"TFL3"  # at byte 4
VERSION = 3
AVERAGE, L2, MAX, PAD, MEAN, PADV2, LARGEST, LEAST, MIRROR, CUSTOM = 1, 12, 17, 34, 40, 60, 82, 89, 100, 32
POOLS = {
    AVERAGE: ("AVERAGE_POOL_2D", "avg"), MAX: ("MAX_POOL_2D", "max"), L2: ("L2_POOL_2D", "rms"),
}  # fmt: skip
REDUCTION_CODES = {MEAN: ("MEAN", "avg"), LARGEST: ("REDUCE_MAX", "max"), LEAST: ("REDUCE_MIN", "min")}
SUB = 41
PADDING_WORDS = ("same", "valid")
RELU = 1
FUSED = {2: "RELU_N1_TO_1: clipped to -1..1", 3: "RELU6: clipped to 0..6", 4: "TANH", 5: "SIGN_BIT"}
TFLITE_TYPES = {1: "float16", 2: "int32", 3: "uint8", 4: "int64", 7: "int16", 9: "int8", 10: "float64"}
MIRRORS = ("reflect", "symmetric")
TFLITE_NUMBERS = {0: "f", 1: "e", 2: "i", 3: "B", 4: "q", 7: "h", 9: "b"}  # types of values, for `struct`
INTEGER = {2: "i", 4: "q"}  # types of constants to read, for `struct`


@dataclass(frozen=True)
class Operator:
    """An operator."""

    code: int  # the number of its kind
    custom: str  # its name if it is custom
    inputs: Sequence[int]  # tensors
    outputs: Sequence[int]  # tensors
    options: Table | None


def read_tflite(source: ModelFile) -> Model:
    """List the pooling layers of a TensorFlow Lite model."""
    budget = Budget()
    model = Table.root(source.data, budget)
    if model.number(0, "I") != VERSION:
        raise InputError(f"a TensorFlow Lite model of version {model.number(0, 'I')}", f"poolcli knows {VERSION}")
    codes = [(max(code.number(0, "b"), code.number(3, "i")), code.text(1)) for code in model.tables(1)]
    walk = _Walk(codes, model.tables(4), budget)
    for number, graph in enumerate(model.tables(2)):
        walk.graph(graph, f"in subgraph {number} {graph.text(4)}".rstrip() if number else "")
    return walk.found("TensorFlow Lite")


class _Walk(Walk):
    """A walk through a model's graphs."""

    def __init__(self, codes: Sequence[tuple[int, str]], buffers: Sequence[Table], budget: Budget) -> None:
        super().__init__(budget)
        self.codes = codes
        self.buffers = buffers
        self.tensors: list[Table] = []

    def graph(self, graph: Table, place: str) -> None:
        """Go through the operators of a graph."""
        self.tensors = graph.tables(0)
        operators = [self._operator(table) for table in graph.tables(3)]
        makers = {output: one for one in operators for output in one.outputs}
        takers: dict[int, set[int]] = {}
        for one in operators:
            for tensor in one.inputs:
                takers.setdefault(tensor, set()).add(one.code)
        for one in operators:
            self.pass_operator()
            draft = self._drafted(one, takers)
            if draft is not None:
                draft.declared = self._shape(one.outputs[0])
                draft.unusual += [place] if place else []
                self._note_pad(draft, makers.get(one.inputs[0]))
                self.layers.append(draft.done())
            elif "pool" in one.custom.lower():
                self.notes[f"{self._name(one)}: {one.custom} is not described here"] = None

    def _operator(self, table: Table) -> Operator:
        index = table.number(0, "I")
        if index >= len(self.codes):
            raise InputError(f"operator {index} is not in the file's list of {len(self.codes)}", NOT_WHOLE)
        return Operator(*self.codes[index], table.numbers(1), table.numbers(2), table.table(4))

    def _drafted(self, one: Operator, takers: Mapping[int, set[int]]) -> Draft | None:
        """Return the pooling layer that an operator is, if any."""
        if one.code not in POOLS and one.code not in REDUCTION_CODES:
            return None
        if not one.inputs or not one.outputs:
            raise InputError("a pooling operator without tensors", NOT_WHOLE)
        shape = self._shape(one.inputs[0])
        dtype = TFLITE_TYPES.get(self._tensor(one.inputs[0]).number(1, "b"), "float32")
        known: dict[str, Any] = {"input": shape, "dtype": dtype}
        if one.code in POOLS:
            return self._windowed(one, known)
        return None if SUB in takers.get(one.outputs[0], ()) else self._reduced(one, known)

    def _windowed(self, one: Operator, known: dict[str, Any]) -> Draft:
        label, mode = POOLS[one.code]
        name, options = self._name(one), one.options
        if options is None:
            raise InputError(f"layer {name!r} ({label}) has no options", NOT_WHOLE)
        size, stride = ((options.number(high, "i"), options.number(low, "i")) for high, low in ((4, 3), (2, 1)))
        padding, fused = options.number(0, "b"), options.number(5, "b")
        if padding not in (0, 1):
            raise InputError(f"layer {name!r} ({label}): padding {padding} is neither SAME nor VALID", NOT_WHOLE)
        draft = Draft(name, label, 2, mode, size, channels_last=True, **known)
        draft.options = {"stride": stride, "padding": PADDING_WORDS[padding], "compat": LITERT.name}
        if fused == RELU:
            draft.after.append(ReluStep())
        if fused:
            draft.unusual.append(f"fused {FUSED.get(fused, 'RELU')}")
        return self._quantised(draft, one)

    def _reduced(self, one: Operator, known: dict[str, Any]) -> Draft | None:
        label, mode = REDUCTION_CODES[one.code]
        axes = self._constant(one.inputs[1]) if len(one.inputs) > 1 else None
        keeps = bool(one.options and one.options.number(0, "b"))
        known["options"] = {"compat": LITERT.name}
        draft = as_reduction(self._name(one), label, mode, axes, keeps_axes=keeps, **known)
        return draft and self._quantised(draft, one)

    def _quantised(self, draft: Draft, one: Operator) -> Draft:
        """Note what whole numbers stand for."""
        said = [self._scale(tensor) for tensor in (one.inputs[0], one.outputs[0])]
        if said[0]:
            draft.unusual.append(f"{draft.dtype}, {said[0]}" + ("" if said[1] == said[0] else f"; out {said[1]}"))
        return draft

    def _scale(self, index: int) -> str:
        """Write what a tensor's whole numbers stand for; empty if for themselves."""
        said = self._tensor(index).table(4)
        scales = said.numbers(2, "I") if said else []
        if not said or not scales:
            return ""
        value = struct.unpack("<f", struct.pack("<I", scales[0]))[0]
        return f"scale {value:.4g}, zero point {(said.numbers(3, 'q') or [0])[0]}"

    def _tensor(self, index: int) -> Table:
        if not 0 <= index < len(self.tensors):
            raise InputError(f"tensor {index} is not in the file's list of {len(self.tensors)}", NOT_WHOLE)
        return self.tensors[index]

    def _name(self, one: Operator) -> str:
        name = self._tensor(one.outputs[0]).text(3) if one.outputs else ""
        parts = name.split(";")  # the names of all that was fused
        return next((part for part in parts if "pool" in part.lower()), name)

    def _shape(self, index: int) -> ModelShape | None:
        """Return a shape, in which dynamic axes are unknown."""
        tensor = self._tensor(index)
        said = tensor.numbers(7) or tensor.numbers(0)
        return tuple(None if length < 0 else length for length in said) if said else None

    def _constant(self, index: int, kinds: Mapping[int, str] = INTEGER) -> list[int] | None:
        """Return the numbers of a small constant tensor."""
        tensor = self._tensor(index)
        kind, buffer = kinds.get(tensor.number(1, "b")), tensor.number(2, "I")
        data = self.buffers[buffer].bytes(0) if kind and 0 < buffer < len(self.buffers) else b""
        if not kind or not data or len(data) > CONSTANT_MOST * 8:
            return None
        return unpacked(data, kind)

    def _note_pad(self, draft: Draft, one: Operator | None) -> None:
        """Record a pad right before a layer; for whole numbers 0 is their zero point."""
        if one is None or one.code not in (PAD, PADV2, MIRROR):
            return
        pads = self._constant(one.inputs[1]) if len(one.inputs) > 1 else None
        amounts = "computed amounts" if pads is None else "pads " + ",".join(map(str, pads))
        quantised = self._tensor(one.inputs[0]).table(4)
        zero = (quantised.numbers(3, "q") or [0])[0] if quantised else 0
        given = self._constant(one.inputs[2], TFLITE_NUMBERS) if one.code == PADV2 and len(one.inputs) > 2 else None
        mirror = MIRRORS[bool(one.options and one.options.number(0, "b"))]
        fill: Any = {PAD: zero, MIRROR: mirror}.get(one.code, given[0] if given else None)
        said = {PAD: "0", MIRROR: "mirrored cells"}.get(one.code, "a value" if fill is None else f"{fill}")
        sides = None if pads is None else list(zip(pads[::2], pads[1::2], strict=False))
        draft.padded(f"a pad before it ({amounts} of {said})", self._shape(one.inputs[0]), sides, fill)

"""PyTorch's exported programs (.pt2): the JSON in the archive; weights and all pickled files are ignored.

For the form see ``torch/_export/serde/schema.py``. The JSON is in today's place (``models/NAME.json``) or in the older
one (``serialized_exported_program.json``).
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

from poolcli.errors import InputError
from poolcli.models.layer import Dim, Draft, Model, ModelShape, Walk, as_reduction
from poolcli.models.source import DEEPEST, NOT_WHOLE, Archive, Budget
from poolcli.pooling.frameworks import TORCH

OLD = "/serialized_exported_program.json"
NEW = re.compile(r"(?:.*/)?models/[^/]+\.json")
NEWEST_SCHEMA = 8  # the schema's major version
ATEN_LAYER = re.compile(r"torch\.ops\.aten\._?(?P<name>[a-z0-9_]+?)(?:\.(?:default|dim|out))?")
POOL_TARGET = re.compile(
    r"(?P<kind>max|avg|adaptive_avg|adaptive_max|fractional_max)_pool(?P<ndim>[123])d(?:_with_indices)?"
)
REDUCTION_TARGETS = {"mean": "avg", "amax": "max", "amin": "min"}
ATEN_TYPES = {1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 6: "float16", 8: "float64"}  # ScalarType
OPERATORS: Mapping[str, type[ast.operator]] = {
    "Add": ast.Add, "Mul": ast.Mult, "Pow": ast.Pow, "FloorDiv": ast.FloorDiv, "CleanDiv": ast.FloorDiv,
    "Mod": ast.Mod, "PythonMod": ast.Mod,
}  # fmt: skip
LONGEST_EXPRESSION = 400  # letters of a computed length


class SymbolicError(ValueError):
    """An option whose value is known only at run time."""


@dataclass(frozen=True)
class AtenCall:
    """A node of the graph."""

    target: str
    arguments: Mapping[str, Any]
    outputs: tuple[str, ...]
    path: str
    kind: str

    @property
    def source(self) -> str:
        """The tensor on which it is called."""
        tensor = self.arguments.get("self") or self.arguments.get("input") or {}
        return str(tensor.get("as_tensor", {}).get("name", ""))

    def value(self, name: str) -> Any:
        """Return an argument as a Python value, None if it is missing; raise `SymbolicError` if it is a symbol."""
        said = self.arguments.get(name)
        if said is None or "as_none" in said:
            return None
        kind, value = next(iter(said.items()))
        if kind in ("as_int", "as_bool", "as_float", "as_string", "as_ints"):
            return value
        if kind == "as_sym_ints":
            return [_known(one) for one in value]
        return _known(value)


def _known(said: Any) -> int:
    if isinstance(said, Mapping) and isinstance(said.get("as_int"), int):
        return int(said["as_int"])
    raise SymbolicError


def read_exported(archive: Archive) -> Model:
    """List the pooling layers of an exported program."""
    name = next((name for name in archive.names if NEW.fullmatch(name)), None) or archive.find(OLD)
    if name is None:
        raise InputError("an archive of an exported program without the program", NOT_WHOLE)
    program = archive.json(name)
    version = program["schema_version"]
    major = version["major"] if isinstance(version, Mapping) else version
    if major > NEWEST_SCHEMA:
        raise InputError(
            f"its schema has version {major}, newer than any that poolcli knows ({NEWEST_SCHEMA})",
            "export it with an older PyTorch, or as .onnx",
        )
    walk = _Walk(Budget())
    walk.graph(program["graph_module"]["graph"])
    maker = f" of PyTorch {program['torch_version']}" if program.get("torch_version") else ""
    return walk.found(f"exported program{maker}")


class _Walk(Walk):
    """A walk through a program's graphs."""

    def graph(self, graph: Mapping[str, Any], place: str = "", depth: int = 0) -> None:
        """Go through the nodes of a graph, and of the graphs in it."""
        if depth > DEEPEST:
            raise InputError(f"graphs nested more than {DEEPEST} deep", NOT_WHOLE)
        calls = [_call(node) for node in graph["nodes"]]
        makers = {output: call for call in calls for output in call.outputs}
        takers: dict[str, set[str]] = {}
        for call in calls:
            for argument in call.arguments.values():
                takers.setdefault(_tensor(argument), set()).add(call.target)
        for output in graph.get("outputs", ()):
            takers.setdefault(_tensor(output), set()).add("")
        for call in calls:
            self.pass_operator()
            self._visited(call, graph["tensor_values"], makers, takers, place)
            for argument in call.arguments.values():
                if isinstance(argument, Mapping) and "as_graph" in argument:
                    inner = argument["as_graph"]
                    self.graph(inner["graph"], f"inside {inner['name']} of {call.target}", depth + 1)

    def _visited(
        self, call: AtenCall, tensors: Mapping[str, Any], makers: Mapping[str, AtenCall],
        takers: Mapping[str, set[str]], place: str,
    ) -> None:  # fmt: skip
        try:
            draft = _drafted(call, tensors, takers)
        except SymbolicError:
            self.notes[f"{call.path or call.target}: its options are known only when it runs"] = None
            return
        if draft is None:
            if "pool" in call.target.lower():
                self.notes[f"{call.path or call.outputs[0]}: {call.target} is not described here"] = None
            return
        draft.declared = _shape(tensors.get(call.outputs[0]))
        draft.unusual += [place] if place else []
        maker = makers.get(call.source)
        _note_pad(draft, maker, tensors)
        if "LPPool" in call.kind or (maker and ".aten.pow." in maker.target):
            draft.unusual.append(part_of_norm(call.kind, draft.mode))
        self.layers.append(draft.done())


def _call(node: Mapping[str, Any]) -> AtenCall:
    arguments = {one["name"]: one["arg"] for one in node["inputs"]}
    outputs = tuple(name for one in node["outputs"] for name in _names(one))
    modules = str(node["metadata"].get("nn_module_stack", "")).split(";")[-1].split(",")
    path, kind = (modules[1], modules[2].rpartition(".")[2]) if len(modules) > 2 else ("", "")
    return AtenCall(node["target"], arguments, outputs or ("",), path, kind)


def _names(output: Mapping[str, Any]) -> Iterator[str]:
    several = output.get("as_tensors") or [output.get("as_tensor")]
    yield from (one["name"] for one in several if one)


def _tensor(argument: Any) -> str:
    return str(argument["as_tensor"]["name"]) if isinstance(argument, Mapping) and "as_tensor" in argument else ""


def _drafted(call: AtenCall, tensors: Mapping[str, Any], takers: Mapping[str, set[str]]) -> Draft | None:
    """Return the pooling layer that a call is, if any."""
    target = ATEN_LAYER.fullmatch(call.target)
    if target is None:
        return None
    value = tensors.get(call.source)
    shape, pool = _shape(value), POOL_TARGET.fullmatch(target["name"])
    dtype = ATEN_TYPES.get(value["dtype"], "float32") if value else "float32"
    known: dict[str, Any] = {"input": shape, "dtype": dtype, "options": {"compat": TORCH.name}}
    if pool is None:
        reduced = "sub" in " ".join(takers.get(call.outputs[0], ()))
        if target["name"] not in REDUCTION_TARGETS or reduced:
            return None
        axes, keeps, mode = call.value("dim"), bool(call.value("keepdim")), REDUCTION_TARGETS[target["name"]]
        axes = [axes] if isinstance(axes, int) else axes
        return as_reduction(call.path or call.outputs[0], target["name"], mode, axes, keeps_axes=keeps, **known)
    ndim, kind = int(pool["ndim"]), pool["kind"]
    names = pool.group().removesuffix("_with_indices")
    own = call.kind if call.kind.lower().startswith(names.replace("_", "")) else target["name"]
    draft = Draft(call.path or call.outputs[0], own, ndim, kind.rpartition("_")[2] or kind, **known)
    draft.mode = "avg" if draft.mode == "avg" else "max"
    draft.indices = len(call.outputs) > 1 and call.outputs[1] in takers
    record_window(draft, kind, call.value)
    return draft


def record_window(draft: Draft, kind: str, value: Callable[[str], Any]) -> None:
    """Record the windows of a layer, from the values of PyTorch's arguments."""
    if kind.startswith("adaptive"):
        draft.options["output_size"] = _sizes(value("output_size"), draft.ndim)
        return
    draft.size = _sizes(value("kernel_size"), draft.ndim)
    if kind.startswith("fractional"):
        draft.options |= {"fractional": True, "output_size": _sizes(value("output_size"), draft.ndim)}
        draft.options["output_ratio"] = _sizes(value("output_ratio"), draft.ndim)
        draft.unusual.append("its windows are drawn anew at every call")
        return
    draft.options |= {
        "stride": _sizes(value("stride") or None, draft.ndim),
        "padding": _sizes(value("padding"), draft.ndim) or "valid",
        "dilation": _sizes(value("dilation"), draft.ndim),
        "ceil_mode": value("ceil_mode") or None,
        "count_include_pad": False if value("count_include_pad") is False else None,
        "divisor_override": value("divisor_override"),
    }


def part_of_norm(kind: str, mode: str) -> str:
    """Say that a layer is a part of this module, or of LPPool as a function."""
    around = "absolute values before it" if mode == "max" else "powers before it and a root after it"
    return f"part of {kind if 'LPPool' in kind else 'LPPool'}, which takes {around}"


def _sizes(value: Any, ndim: int) -> tuple[int, ...] | None:
    if value is None:
        return None
    sizes = tuple(value) if isinstance(value, list) else (value,)
    return sizes * ndim if len(sizes) == 1 else sizes


def _shape(value: Any) -> ModelShape | None:
    return None if value is None else tuple(_dim(size) for size in value["sizes"])


def _dim(size: Mapping[str, Any]) -> Dim:
    if isinstance(size.get("as_int"), int):
        return int(size["as_int"])
    text = str(size.get("as_expr", {}).get("expr_str", ""))
    return _arithmetic(text) or None


def _arithmetic(text: str) -> str:
    """Write SymPy's ``Add(FloorDiv(Symbol('s0', integer=True), Integer(2)), Integer(-1))`` as ``s0//2-1``."""
    try:
        tree = ast.parse(text[:LONGEST_EXPRESSION], mode="eval")
    except (SyntaxError, ValueError):
        return text
    return ast.unparse(_Arithmetic().visit(tree)).replace(" ", "")


class _Arithmetic(ast.NodeTransformer):
    """Replaces SymPy's functions with operators."""

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """Return a symbol, a number, or the arguments with operators between them."""
        name = node.func.id if isinstance(node.func, ast.Name) else ""
        if name == "Symbol" and node.args and isinstance(node.args[0], ast.Constant):
            return ast.Name(str(node.args[0].value))
        terms: list[ast.expr] = [self.visit(term) for term in node.args]
        if name == "Integer" and terms:
            return terms[0]
        if name not in OPERATORS or not terms:
            return ast.Call(node.func, terms, [])
        return reduce(lambda one, other: _joined(one, OPERATORS[name](), other), terms)


def _joined(one: ast.expr, operator: ast.operator, other: ast.expr) -> ast.expr:
    if isinstance(operator, ast.Add) and isinstance(other, ast.UnaryOp):
        return ast.BinOp(one, ast.Sub(), other.operand)
    return ast.BinOp(one, operator, other)


COMPUTED_PAD = "a pad before it (computed amounts of constant)"
ATEN_FILLS = {"reflect": "reflect", "replicate": "replicate", "circular": "wrap"}  # by PyTorch's names


def _note_pad(draft: Draft, call: AtenCall | None, tensors: Mapping[str, Any]) -> None:
    """Record a pad right before a layer, whose amounts are given last axis first."""
    target = ATEN_LAYER.fullmatch(call.target) if call else None
    if call is None or target is None or target["name"] not in ("pad", "constant_pad_nd"):
        return
    sides: list[tuple[int, int]] | None = None
    try:
        pads = list(call.value("pad") or ())
        told, fill = told_pad(pads, call.value("mode"), call.value("value"))
        sides = list(zip(pads[::2], pads[1::2], strict=False))[::-1]
    except SymbolicError:
        told, fill = COMPUTED_PAD, None
    source = _shape(tensors.get(call.source))
    rank = draft.ndim + 2 if draft.input is None else len(draft.input)
    sides = None if sides is None else [(0, 0)] * (rank - len(sides)) + sides
    draft.padded(told, source, sides, fill)


def told_pad(pads: Sequence[int], mode: str | None, value: float | None) -> tuple[str, float | str | None]:
    """Describe a pad before a layer, and return its fill, None if poolcli has none like it."""
    constant = mode in (None, "constant")
    fill = (value or 0) if constant else ATEN_FILLS.get(str(mode))
    return f"a pad before it (pads {','.join(map(str, pads))} of {f'{fill:g}' if constant else mode})", fill

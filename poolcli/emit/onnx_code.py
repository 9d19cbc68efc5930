"""Code for ONNX, run with onnxruntime."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from poolcli.emit.framework import FrameworkProgram, Value
from poolcli.emit.geometry import compat_of, is_dilated, is_padded, outputs_of, reach_of, sides_of
from poolcli.emit.numpy_code import WINDOWS
from poolcli.emit.program import as_code, imports, kernel_of, without_point
from poolcli.errors import UsageError
from poolcli.featuremap import SPATIAL
from poolcli.window import Window, recorded_window

if TYPE_CHECKING:
    from poolcli.pooling.layer import Pooling
    from poolcli.steps.steps import ConvStep, UnpoolStep


FUSING = (
    "# onnxruntime's fusion of Pad with pooling fails for wide pads",
    "options = onnxruntime.SessionOptions()",
    "as_it_is = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL",
    "options.graph_optimization_level = as_it_is",
)

SPREAD = """
def spread(windows{parameter}):
    size = max(w.stop - w.start for w in windows)
    each = [(w, i) for w in windows for i in range(w.start, w.start + size)]
    return size, [i if i < w.stop else {other} for w, i in each]
"""  # lays the cells of windows side by side, each as long as the longest one, with substitutes for missing cells


class Onnx(FrameworkProgram):
    """A program that builds an ONNX model and runs it with onnxruntime; a value is the name of a node's output."""

    name, title, suffix = "onnx", "ONNX", ".onnx"
    fills: ClassVar = {"reflect": "reflect", "replicate": "edge", "wrap": "wrap"}
    operators: ClassVar[Mapping[str, str]] = {
        "neg": "Neg", "abs": "Abs", "add": "Add", "mul": "Mul", "div": "Div", "pow": "Pow", "root": "Pow",
    }  # fmt: skip

    def __init__(self, ndim: int) -> None:
        super().__init__(ndim)
        self.tensor = "x"
        self.nodes: list[str] = []
        self.constants: dict[str, str] = {}  # names, by the array
        self.double = True
        self.cells: dict[bool, str] = {}  # suffixes of names for uneven windows, with zeros after the map or without
        self.plane: list[str] = []  # the lengths in which indices count, if not in the whole tensor
        self.feed = '{"x": t}'
        self.spans: list[str] | None = [f"x.shape[{axis}]" for axis in range(-ndim, 0)]

    def lines(self) -> list[str]:
        """Return the lines of ``pool``."""
        padded = any('"Pad"' in node for node in self.nodes)
        kind = "float64" if self.double else "float32"
        return [
            *self._building(f"t = x.reshape(-1, 1, *x.shape[-{self.ndim}:]).astype(np.{kind})", "t.shape", "None"),
            *(FUSING if padded else ()),
            f"session = onnxruntime.InferenceSession(model.SerializeToString(){', options' if padded else ''}, "
            'providers=["CPUExecutionProvider"])',
            *self._ending(),
        ]  # fmt: skip

    def _building(self, first: str, inputs: str, outputs: str) -> list[str]:
        """Return the lines that make the model, whose shapes `inputs` and `outputs` are code."""
        if not self.nodes:
            self.assign(self.node("Identity", "x"))
        element = "TensorProto.DOUBLE" if "float64" in first else "TensorProto.FLOAT"
        last = self.nodes[-1].replace(f'["{self.tensor}"', '["y"')
        rows = [f'    numpy_helper.from_array({row}, "{name}"),' for row, name in self.constants.items()]
        constants = ["constants = [", *rows, "]"] if rows else []
        indices = f'outputs += [helper.make_tensor_value_info("i", TensorProto.INT64, {outputs})]'
        return [
            *self.guards,
            first,
            *self.body,
            *constants,
            "nodes = [", *(f"    {row}," for row in (*self.nodes[:-1], last)), "]",
            f'inputs = [helper.make_tensor_value_info("x", {element}, {inputs})]',
            *([f'inputs += [helper.make_tensor_value_info("i", TensorProto.INT64, {inputs})]'] * (self.inputs != "x")),
            f'outputs = [helper.make_tensor_value_info("y", {element}, {outputs})]',
            *([indices] if self.traced else []),
            f'graph = helper.make_graph(nodes, "pool", inputs, outputs{", constants" if constants else ""})',
            'model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 21)], ir_version=10)',
        ]  # fmt: skip

    def model(self, spatial: Sequence[int], outputs: Sequence[int]) -> bytes:
        """Return the model itself, for any number of maps and channels of float32; see `Program.model`.

        It is a `UsageError` if the package `onnx` is missing, or the model depends on lengths that are not given.
        """
        if self.plane:
            self.refuse("in a model indices count over the whole tensor", f"say so: compat {self.name}")
        convolves = any('"Conv"' in node for node in self.nodes)
        names = ["N", 1 if convolves else "C"]
        free = list(SPATIAL[self.ndim - 1])
        left: Sequence[int | None] = outputs or [None] * self.ndim
        lines = self._building("t = x.astype(np.float32)", str([*names, *(spatial or free)]), str([*names, *left]))
        if not spatial and "x.shape[-" in "".join(lines):
            self.refuse("the model depends on the size of the map", "name an INPUT of that size")
        function = "\n".join(["def model(x):", *(f"    {line}" for line in (*lines, "return model"))])
        source = "\n\n\n".join([*self.helpers.values(), function])
        return _checked("\n".join([*imports(source), source]), (1, 1, *(spatial or [1] * self.ndim)))

    def _ending(self) -> list[str]:
        """Return the lines that run the model and return its results."""
        shape = f"*x.shape[:-{self.ndim}], *y.shape[2:]"
        if not self.traced:
            return [f"(y,) = session.run(None, {self.feed})", f"return y.reshape({shape})"]
        plane = f" % math.prod([{', '.join(self.plane)}])" if self.plane else ""
        return [
            'y, i = session.run(None, {"x": t})', f"shape = {shape}",
            f"return y.reshape(shape), i.reshape(shape){plane}",
        ]  # fmt: skip

    def indexed(self, layer: Pooling) -> None:
        """Write MaxPool with its second output, which counts over the whole tensor."""
        own = compat_of(layer) == "onnx"
        if layer.window.kind == "global":
            self.refuse("its GlobalMaxPool returns no indices")
        if layer.window.kind != "sliding":
            self.refuse("its MaxPool would count in windows laid side by side")
        if not own:
            self.refuse_nan("onnxruntime's MaxPool loses NaN")
        t = self.check_indices(layer)
        self.plane = [] if own else self.lengths()
        made = self.call("max", t, layer, layer.window)
        order = ", storage_order=1" if layer.storage_order else ""
        self.nodes[-1] = (
            self.nodes[-1].removesuffix(")").replace(f'["{made.text}"]', f'["{made.text}", "i"]') + order + ")"
        )
        self.assign(-made if layer.mode.mode.name == "min" else made)

    def unpool(self, step: UnpoolStep) -> None:
        """Write MaxUnpool, whose indices count over the whole tensor."""
        known = step.per_axis(self.ndim)
        if self.nodes or known.get("storage_order") or known.get("compat") not in (None, "torch", self.name):
            self.refuse("its MaxUnpool takes indices that count rows first, and stands alone here")
        window = recorded_window(self.ndim, known)
        sides = sides_of(window)
        if sides is None:
            self.refuse("its MaxUnpool wants padding in cells")
        steps = {"kernel_shape": str(list(window.size)), "strides": str(list(window.stride)), **_pads(sides)}
        rows = zip(self.lengths(), window.stride, window.size, map(sum, sides), strict=True)
        implied = [_plus(f"({n} - 1) * {stride}", size - pads) for n, stride, size, pads in rows]
        self._put_back(known, implied, steps)

    def _put_back(self, known: Mapping[str, Any], implied: list[str], steps: dict[str, str]) -> None:
        """Write the node. ONNX's own indices count in the pooled or the implied shape, all others in each plane."""
        own, target = known.get("compat") == self.name, known.get("output_size")
        self.inputs, self.feed = "x, i", '{"x": t, "i": i.reshape(t.shape)}'
        if own and not known.get("shape"):
            made = self.node("MaxUnpool", "x", "i", **steps)
            if target:
                more = [f"{wanted} - ({length})" for wanted, length in zip(target, implied, strict=True)]
                pads = self.constant(f"{[0] * (self.ndim + 4)} + [{', '.join(more)}]", "np.int64")
                made = self.node("Pad", made.text, pads)
            self.assign(made)
            return
        self.body.append(f"shape = [{', '.join(map(str, known.get('shape') or target or implied))}]")
        if not own:
            self.plane = implied
            self.body.append(f"first = np.arange(len(t)).reshape(-1{', 1' * (self.ndim + 1)}) * math.prod(shape)")
            self.feed = '{"x": t, "i": i.reshape(t.shape) + first}'
        self.assign(self.node("MaxUnpool", "x", "i", self.constant("[len(t), 1, *shape]", "np.int64"), **steps))

    def node(self, operator: str, *inputs: str, **attributes: str) -> Value:
        """Add a node, and return its output."""
        name = f"t{len(self.nodes) + 1}"
        names = ", ".join(f'"{given}"' for given in inputs)
        self.double = self.double and operator in ("MaxPool", "Neg", "Abs", "Add", "Mul", "Pad", "Relu", "Gather")
        self.nodes.append(self.function("helper.make_node", f'"{operator}"', f"[{names}]", f'["{name}"]', **attributes))
        return Value(self, name)

    def constant(self, value: str, kind: str = "t.dtype") -> str:
        """Add a constant, unless it is there already, and return its name."""
        row = f"np.array({value}, {kind})"
        return self.constants.setdefault(row, f"c{len(self.constants) + 1}")

    def operation(self, name: str, *operands: Value | float) -> Value:
        """Add the node of an operation."""
        if name in ("pow", "root") and operands[1] == 2:
            text = operands[0].text if isinstance(operands[0], Value) else ""
            return self.node("Sqrt", text) if name == "root" else self.node("Mul", text, text)
        if name == "root":
            operands = (operands[0], 1 / operands[1])  # type: ignore[operator]  # a root's second operand is a number
        if name == "pow" and operands[1] == 1:
            return operands[0]  # type: ignore[return-value]  # and its first is not
        texts = [o.text if isinstance(o, Value) else self.constant(as_code(o, "np")) for o in operands]
        return self.node(self.operators[name], *texts)

    def staged(self, value: Value) -> Value:
        """Return `value`, which is a node already."""
        return value

    def assign(self, value: Value) -> None:
        """Make `value` the tensor that the next step takes."""
        self.tensor, self.sides = value.text, ""

    def pool(self, layer: Pooling) -> None:
        """Write a pooling layer."""
        if compat_of(layer) != "onnx" and layer.mode.mode.name in ("max", "min", "range", "mixed"):
            self.refuse_nan("onnxruntime's MaxPool loses NaN")
        super().pool(layer)
        known = layer.window.output_size or layer.window.output_ratio
        self.spans = outputs_of(layer.window, self.lengths()) if known else None
        self.cells = {}

    def conv(self, step: ConvStep, window: Window) -> None:
        """Write a convolution."""
        kernel = self.constant(f"[[{as_code(kernel_of(step), 'np')}]]")
        t, spans = Value(self, self.tensor), self.lengths()
        if sides := sides_of(window):
            steps = _pads(sides)
            rows = zip(spans, map(sum, sides), reach_of(window), window.stride, strict=True)
            self.spans = [_span(n, pad - k + 1, s) for n, pad, k, s in rows]
        else:
            t, steps = self.around(t, window, 0), {}
            self.spans = [_span(n, s - 1, s) for n, s in zip(spans, window.stride, strict=True)]
        total = self.node("Conv", t.text, kernel, **self._steps(window), **steps)
        self.assign(self.operation("add", total, step.bias) if step.bias else total)

    def _fill(self, layer: Pooling) -> Pooling:
        """Pad, and remember that the axes have grown."""
        filled, sides = super()._fill(layer), sides_of(layer.window)
        if sides and self.spans:
            self.spans = [_span(n, sum(pair), 1) for n, pair in zip(self.spans, sides, strict=True)]
        return filled

    def relu(self) -> None:
        """Write a ReLU."""
        self.assign(self.node("Relu", self.tensor))

    def lengths(self) -> list[str]:
        """Return the lengths of the spatial axes of the tensor."""
        if self.spans is None:
            self.refuse("the windows of a second pooling would depend on the output size of the first")
        return self.spans or []

    def ones(self) -> Value:
        """Return ones in the shape of the tensor."""
        shape = self.node("Shape", self.tensor)
        return self.node("ConstantOfShape", shape.text, value="numpy_helper.from_array(np.ones(1, t.dtype))")

    def widths(self, pads: list[str]) -> str:
        """Write the pads as a constant, all beginnings first."""
        if all(pair.startswith("(") for pair in pads):
            pairs = [pair.strip("()").split(", ") for pair in pads]
            sides = ["0", "0", *(before for before, _ in pairs), "0", "0", *(after for _, after in pairs)]
            return self.constant(f"[{', '.join(sides)}]", "np.int64")
        turn = f"_{len(self.body) + 1}" if self.body else ""
        self.body.append(f"before{turn}, after{turn} = zip({', '.join(pads)})")
        return self.constant(f"[0, 0, *before{turn}, 0, 0, *after{turn}]", "np.int64")

    def padded(self, t: Value, value: str | float) -> Value:
        """Write padding as wide as `sides`, with a number or a row of `fills`."""
        if isinstance(value, str):
            return self.node("Pad", t.text, self.sides, mode=f'"{self.fills[value]}"')
        more = [self.constant(as_code(value, "np"))] if value != 0 else []
        return self.node("Pad", t.text, self.sides, *more)

    def native(self, kind: str, layer: Pooling) -> bool:
        """Whether an operator of onnxruntime pads, dilates and rounds up as this layer does."""
        window, sides = layer.window, sides_of(layer.window)
        if kind == "lp" and layer.mode.parameter % 1:
            return False
        if kind == "sum" and window.ceil_mode:
            return False
        if compat_of(layer) == "onnx" or not window.size:
            return True
        if sides is None:
            return not is_dilated(window) and all(s <= k for k, s in zip(window.size, window.stride, strict=True))
        return all(max(pair) < k for pair, k in zip(sides, window.size, strict=True))

    def call(self, kind: str, t: Value, layer: Pooling, window: Window) -> Value:
        """Write ONNX's operator."""
        operator = {"max": "MaxPool", "lp": "LpPool"}.get(kind, "AveragePool")
        norm = {"p": as_code(without_point(layer.mode.parameter))} if kind == "lp" else {}
        if window.kind == "global" and kind == "sum":
            axes = self.constant(str(list(range(2, self.ndim + 2))), "np.int64")
            return self.node("ReduceSum", t.text, axes)
        if window.kind == "global":
            return self.node(f"Global{operator}", t.text, **norm)
        if window.kind != "sliding":
            return self._uneven(operator, kind, t, window, norm)
        named = {"kernel_shape": str(list(window.size)), **self._steps(window), **norm}
        if sides := sides_of(window):
            named |= _pads(sides)
        else:
            named["auto_pad"] = '"SAME_UPPER"' if window.padding == "same" else '"SAME_LOWER"'
        if window.ceil_mode:
            named["ceil_mode"] = "1"
        if is_padded(window) and (kind == "sum" or (kind == "avg" and layer.count_include_pad)):
            named["count_include_pad"] = "1"
        pooled = self.node(operator, t.text, **named)
        return math.prod(window.size) * pooled if kind == "sum" else pooled

    def _uneven(self, operator: str, kind: str, t: Value, window: Window, norm: dict[str, str]) -> Value:
        """Lay the cells of windows of any size and place side by side, and pool those.

        In a shorter window a maximum sees one cell twice, and sums see a zero from after the map.
        """
        zeros = kind != "max" and window.kind != "fractional"
        if zeros:
            ends = self.constant(str([0] * (self.ndim + 4) + [1] * self.ndim), "np.int64")
            t = self.node("Pad", t.text, ends)
        turn = self.cells[zeros] = self.cells[zeros] if zeros in self.cells else self._spread(window, zeros=zeros)
        for axis in range(self.ndim):
            t = self.node("Gather", t.text, self.constant(f"cells{turn}[{axis}]", "np.int64"), axis=str(axis + 2))
        t = self.node(operator, t.text, kernel_shape=f"sizes{turn}", strides=f"sizes{turn}", **norm)
        if kind == "sum":
            return self.node("Mul", t.text, self.constant(f"math.prod(sizes{turn})"))
        if kind != "avg" or not zeros:
            return t
        counts = f"[[w.stop - w.start for w in axis] for axis in axes{turn}]"
        self.body.append(f"share{turn} = math.prod(sizes{turn}) / math.prod(np.ix_(*{counts}))")
        return self.node("Mul", t.text, self.constant(f"share{turn}"))

    def _spread(self, window: Window, *, zeros: bool) -> str:
        """Write the places of the cells of windows, and return the suffix of its names."""
        turn, lengths = f"_{len(self.body) + 1}" if self.body else "", self.lengths()
        source = WINDOWS[window.kind]
        columns: list[Sequence[Any]] = [outputs_of(window, lengths), window.offsets]
        columns = [window.size, *columns] if window.kind == "fractional" else columns
        rows = zip(lengths, *(column for column in columns if column), strict=True)
        calls = [self.function(self.help(source), *map(str, row)) for row in rows]
        self.body.append(f"axes{turn} = [{', '.join(calls)}]")
        parameter, other, more = "", "w.stop - 1", ""
        if zeros:
            parameter, other, more = ", length", "length", f", [{', '.join(lengths)}]"
        spread = self.help(SPREAD.format(parameter=parameter, other=other))
        self.body.append(f"sizes{turn}, cells{turn} = zip(*map({spread}, axes{turn}{more}))")
        return turn

    def _steps(self, window: Window) -> dict[str, str]:
        """Return strides and dilations as attributes."""
        steps = {"strides": str(list(window.stride))}
        return steps | {"dilations": str(list(window.dilation))} if is_dilated(window) else steps


def _pads(sides: Sequence[tuple[int, int]]) -> dict[str, str]:
    """Return pads as an attribute, if there are any."""
    pads = [before for before, _ in sides] + [after for _, after in sides]
    return {"pads": str(pads)} if any(pads) else {}


def _plus(length: str, more: int) -> str:
    return f"{length} {'+' if more > 0 else '-'} {abs(more)}" if more else length


def _span(length: str, more: int, stride: int) -> str:
    """Write (length + more) // stride."""
    return _plus(length, more) if stride == 1 else f"({_plus(length, more)}) // {stride}"


def _checked(source: str, shape: Sequence[int]) -> bytes:
    """Run a program that makes a model, and return the model after ONNX's own checker has passed it."""
    import numpy as np

    defined: dict[str, Any] = {}
    try:
        from onnx.checker import check_model

        exec(compile(source, "<emitted>", "exec"), defined)  # noqa: S102 - written by this file, without users' texts
    except ImportError:
        raise UsageError("a model needs the package onnx", "install it: pip install 'poolcli[onnx]'") from None
    model = defined["model"](np.zeros(shape, np.float32))
    model.producer_name = "poolcli"
    check_model(model)
    made: bytes = model.SerializeToString()
    return made

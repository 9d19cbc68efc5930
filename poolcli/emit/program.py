"""The text of an emitted program."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar, NoReturn

from poolcli.emit.geometry import compat_of, departure, is_padded, truncates
from poolcli.errors import UsageError
from poolcli.featuremap import SPATIAL
from poolcli.pooling.framework import LayerFacts
from poolcli.pooling.frameworks import OWN
from poolcli.pooling.modes import MODES
from poolcli.steps.shapes import validate
from poolcli.steps.steps import ConvStep, GradStep, PoolStep, ReluStep, UnpoolStep, check_options, text
from poolcli.window import Window
from poolcli.wording import Phrase, Typed

if TYPE_CHECKING:
    from poolcli.pooling.layer import Pooling
    from poolcli.steps.steps import Step

TRUNCATED = (  # a remark: `poolcli.cli.pipeline.as_network_input` makes the whole numbers of text floats
    "# PyTorch truncates averages of whole numbers; poolcli reads whole numbers of text files,",
    "# such as CSV, as floating point: pool(x.astype(float))",
)
CODE_WIDTH = 88  # of a line of emitted code, as in formatters


def as_code(value: Any, module: str = "") -> str:
    """Write a number or nested numbers; infinity and NaN as the module writes them, or as plain Python does.

    Examples
    --------
    >>> as_code([[1, 2.5], [-math.inf, 3.0]], "np")
    '[[1, 2.5], [-np.inf, 3.0]]'
    """
    if isinstance(value, list | tuple):
        inner = ", ".join(as_code(item, module) for item in value)
        return f"[{inner}]" if isinstance(value, list) else f"({inner},)" if len(value) == 1 else f"({inner})"
    if isinstance(value, float) and not math.isfinite(value):
        name = str(abs(value))
        return f"{'-' if value < 0 else ''}{module}.{name}" if module else f'float("{value}")'
    return repr(int(value) if isinstance(value, bool) else value)


def without_point(value: float) -> int | float:
    """Return a whole number as int, which is written without a point."""
    return int(value) if float(value).is_integer() else float(value)


def _parts(inside: str) -> tuple[list[str], str]:
    """Split before the ``for`` of a comprehension, or else at commas outside brackets; return what ends a part too."""
    depths = list(itertools.accumulate((letter in "([{") - (letter in ")]}") for letter in inside))
    outside = [place for place, depth in enumerate(depths) if depth == 0]
    fors, commas = ([place for place in outside if inside.startswith(word, place)] for word in (" for ", ", "))
    cuts, end = (fors, "") if fors else (commas, ",")
    return [inside[a:b].removeprefix(",").strip() for a, b in itertools.pairwise([0, *cuts, len(inside)])], end


def _opening(line: str) -> int:
    """Return the place of the bracket that is closed at the end of the line, or -1."""
    depth = 0
    for place in range(len(line) - 1, -1, -1):
        depth += (line[place] in ")]}") - (line[place] in "([{")
        if depth == 0:
            return place if line[place] in "([{" else -1
    return -1


def wrap_line(line: str, indent: int = 4, tail: str = "") -> list[str]:
    """Break a statement that is too wide at the last bracket that opens within the width, as formatters do."""
    body, place = line, _opening(line)
    if indent + len(line) + len(tail) <= CODE_WIDTH or place < 0:
        return [" " * indent + line + tail]
    while indent + place >= CODE_WIDTH and line[place - 1] in ")]":
        body, place = line[:place], _opening(line[:place])
    inside = body[place + 1 : -1]
    head, foot = " " * indent + line[: place + 1], " " * indent + line[len(body) - 1 :] + tail
    parts, end = _parts(inside)
    literal = line[place] == "[" and not re.search(r"[\w)\]]$", line[:place])
    if indent + 4 + len(inside) <= CODE_WIDTH and not (literal and end):
        return [head, " " * (indent + 4) + inside, foot]
    return [head, *(row for part in parts for row in wrap_line(part, indent + 4, end)), foot]


INSTEAD = Phrase("{way}", way=Typed(Phrase("drop {target}"), "compute it with pool"))  # if no target has code


class Program:
    """A program being written: helper functions and the lines of ``pool``."""

    name: ClassVar[str]
    title: ClassVar[str]
    # the hints where there is no code: NumPy's, if that exists, or none at all
    by_numpy: ClassVar[Phrase] = Phrase("{target}", target="numpy")
    instead: ClassVar[Phrase] = INSTEAD
    follows: ClassVar[tuple[str, ...]] = ("torch", "keras", "onnx")  # the frameworks whose layers it can write
    suffix: ClassVar[str] = ""  # of files that hold a model itself, if there are any

    def __init__(self, ndim: int) -> None:
        self.ndim = ndim  # the number of spatial axes
        self.spatial: tuple[int, ...] = ()  # the lengths of those of the input, if they are known: for advice
        self.comments: list[str] = []
        self.remarks: Sequence[str] = ()
        self.helpers: dict[str, str] = {}
        self.body: list[str] = []
        self.unguarded: list[str] = []  # why NaN is refused, which a model by itself cannot do
        self.traced = False  # whether the last step records indices
        self.inputs = "x"

    def add(self, step: Step) -> None:
        """Write one step."""
        if self.traced:
            self.refuse(
                "indices belong to the values of the last step", Phrase("record them there, or drop {return_indices}")
            )
        if isinstance(step, PoolStep):
            check_options(step, self.ndim, self.spatial)
            layer = step.layer(self.ndim)
            self.comments.append(text(layer.record()) + ", with indices" * step.indices)
            if layer.framework and not self.knows(layer):
                layer = self.without_quirks(layer, indices=step.indices)
            if layer.nan == "error":
                self.refuse_nan("the input has NaN")
            self.traced = step.indices
            (self.indexed if step.indices else self.pool)(layer)
        elif isinstance(step, ConvStep):
            window = step.window()
            axes = len(window.size)
            if axes != self.ndim:
                self.refuse(f"{step.title} has {axes} axes, but {self.ndim} are spatial", Phrase("say {layout}"))
            self.comments.append(text({"filter": step.label, **window.record(), "bias": step.bias or None}))
            self.conv(step, window)
        elif isinstance(step, GradStep):
            self.backward(step)
            self.comments[-1] = f"the gradient of {self.comments[-1]}"
        elif isinstance(step, UnpoolStep):
            self.comments.append(text({"mode": "unpool", **step.window}))
            self.unpool(step)
        elif isinstance(step, ReluStep):
            self.comments.append("ReLU")
            self.relu()
        else:
            self.refuse(f"the step {step.name} has no equivalent in code", "emit conv, relu and pool only")

    def lengths_after(self, steps: Sequence[Step], spatial: Sequence[int]) -> tuple[int, ...]:
        """Return the lengths of the spatial axes of the result; empty if those of the input are unknown."""
        layout = f"NC{SPATIAL[self.ndim - 1]}"
        return validate(steps, (1, 1, *spatial), layout)[-1][2:] if spatial and steps else ()

    def refuse(self, why: str | Phrase, hint: str | Phrase | None = None) -> NoReturn:
        """Raise the `UsageError` that says why there is no code."""
        usual = self.by_numpy if self.name != "numpy" else Phrase("leave out {target}")
        raise UsageError(f"no {self.title} code for this: " + why, hint or usual)

    def knows(self, layer: Pooling) -> bool:
        """Whether it can write a layer of another framework as it is."""
        return compat_of(layer) in self.follows

    def without_quirks(self, layer: Pooling, *, indices: bool) -> Pooling:
        """Return poolcli's own layer in place of a framework's that does the same here."""
        if indices:
            self.refuse(Phrase("it does not number indices as {compat} does", compat=compat_of(layer)))
        window = layer.window._replace(same_ignores_dilation=False, rounding="clipped", too_large="refused")
        counts = layer.count_include_pad and layer.mode.mode.divides and is_padded(window)
        own = replace(layer, compat=None, window=window, count_include_pad=counts)
        self.compare(own, layer)
        self.refuse_whole(layer)
        return own

    def compare(self, own: Pooling, there: Pooling) -> None:
        """Refuse a framework's layer that differs from poolcli's; make the program refuse input where it does."""
        import numpy as np

        framework, row = there.framework or OWN, there.row(np.dtype(np.float32))
        if framework.scales_override and own.divisor_override:
            self.refuse(f"{framework.title}'s divisor_override divides the mean times the window's size")
        if own.window.kind == "sliding" and (why := departure(own, there)):
            self.refuse(why)
        if row == MODES[row.name]:
            self.refuse_unpromised(there)
        elif row.name in ("max", "min"):
            self.refuse_input("not np.isfinite(x).all()", "NaN and infinity become other numbers")
        else:
            self.refuse(row.why)

    def refuse_whole(self, layer: Pooling) -> None:
        """Write the lines that refuse whole numbers, if the layer's framework rounds their averages."""
        if truncates(layer):
            self.refuse_input('x.dtype.kind != "f"', "whole numbers are rounded differently")

    def refuse_unpromised(self, layer: Pooling) -> None:
        """Write the lines that refuse NaN, if the layer's framework guarantees nothing for it."""
        import numpy as np

        if layer.framework and layer.framework.unpromised(LayerFacts(layer, np.dtype(np.float32))):
            self.refuse_nan("the result for NaN depends on the machine")

    def refuse_nan(self, why: str) -> None:
        """Write the lines that refuse NaN in the input."""
        self.unguarded.append(why)
        self.refuse_input("np.isnan(x).any()", why)

    def refuse_input(self, which: str, why: str) -> None:
        """Write the lines that refuse an input."""
        self.body += [f"if {which}:", f'    raise ValueError("{why}")']

    def help(self, source: str) -> str:
        """Add a helper function, unless it is there already, and return its name, with a number if that is taken."""
        source = source.strip("\n")
        base = source.removeprefix("def ").partition("(")[0]
        for turn in range(1, 99):
            name = base if turn == 1 else f"{base}_{turn}"
            named = source.replace(f"def {base}(", f"def {name}(", 1)
            if self.helpers.setdefault(name, named) == named:
                return name
        raise UsageError(f"the steps need too many versions of {base}()", "emit fewer steps at once")

    def lines(self) -> list[str]:
        """Return the lines of ``pool``, neither indented nor broken."""
        return self.body

    def source(self, order: Sequence[int] = ()) -> str:
        """Return the whole program; `order` lists the axes of x with the spatial ones last."""
        lines = [row for line in returning(self.lines()) for row in indented(line)]
        if list(order) != sorted(order) and self.inputs != "x":
            self.refuse("its two inputs have their spatial axes last", Phrase("say {layout}"))
        turned = self._turned(order) if list(order) != sorted(order) else ()
        name = "planewise" if turned else "pool"
        functions = "\n\n\n".join([*self.helpers.values(), "\n".join([f"def {name}({self.inputs}):", *lines]), *turned])
        head = [f"# poolcli: {'; '.join(self.comments) or 'nothing to do'}", *self.remarks, *imports(functions)]
        return "\n".join(head) + ("\n\n\n" if len(head) > 1 else "\n") + functions + "\n"

    def _turned(self, order: Sequence[int]) -> tuple[str]:
        """Write the function that turns the axes, pools, and turns them back."""
        back = tuple(order.index(axis) for axis in range(len(order)))
        made = f"planewise(x.transpose{tuple(order)})"
        made = f"tuple(y.transpose{back} for y in {made})" if self.traced else f"{made}.transpose{back}"
        return ("\n".join(["def pool(x):", *indented(f"return {made}")]),)

    def model(self, spatial: Sequence[int], outputs: Sequence[int]) -> bytes:
        """Return the model itself, if the target has a `suffix`, for spatial axes of these lengths, or of any."""
        raise NotImplementedError

    def pool(self, layer: Pooling) -> None:
        """Write a pooling layer."""
        raise NotImplementedError

    def indexed(self, layer: Pooling) -> None:
        """Write a pooling layer that also returns where each value came from."""
        raise NotImplementedError

    def conv(self, step: ConvStep, window: Window) -> None:
        """Write a convolution."""
        raise NotImplementedError

    def relu(self) -> None:
        """Write a ReLU."""
        raise NotImplementedError

    def unpool(self, step: UnpoolStep) -> None:  # noqa: ARG002 - for a framework with unpooling
        """Write unpooling."""
        self.refuse("its unpooling is not available here", Phrase("{emit}", emit="torch"))

    def backward(self, step: GradStep) -> None:  # noqa: ARG002 - for a framework with gradients
        """Write the gradient of a pooling layer."""
        self.refuse("its gradient is not available here", Phrase("{emit}", emit="torch"))


_STANDARD = ("itertools", "math")
_OTHERS = {"keras": "keras", "np": "numpy as np", "onnxruntime": "onnxruntime", "torch": "torch",
           "F": "torch.nn.functional as F", "tf": "tensorflow as tf", "openvino": "openvino",
           "paddle": "paddle"}  # fmt: skip
_NAMES = {"sliding_window_view": "numpy.lib.stride_tricks", "TensorProto": "onnx", "helper": "onnx",
          "numpy_helper": "onnx", "opset16": "openvino", "linen": "flax"}  # fmt: skip


def imports(code: str) -> list[str]:
    """Return the import lines that the code needs."""
    used = set(re.findall(r"\b[A-Za-z_]\w*\b", re.sub(r'"[^"]*"', "", code)))
    standard = [f"import {name}" for name in _STANDARD if name in used]
    other = [f"import {row}" for name, row in _OTHERS.items() if name in used]
    homes = dict.fromkeys(home for name, home in _NAMES.items() if name in used)
    other += [f"from {home} import {', '.join(n for n in _NAMES if n in used and _NAMES[n] == home)}" for home in homes]
    return [*standard, *([""] if standard and other else []), *other]


def returning(lines: list[str]) -> list[str]:
    """Turn a last assignment to x into a return."""
    if lines and lines[-1].startswith("x = "):
        return [*lines[:-1], "return " + lines[-1].removeprefix("x = ")]
    return lines if lines and lines[-1].startswith("return ") else [*lines, "return x"]


def indented(line: str) -> list[str]:
    """Indent a line of a function, and break it if it is too wide."""
    depth = len(line) - len(line.lstrip())
    tail = "," if line.endswith(",") else ""
    return wrap_line(line.strip().removesuffix(","), 4 + depth, tail)


def kernel_of(step: ConvStep) -> Any:
    """Return the kernel as nested lists, of floats if the bias is not a whole number."""
    import numpy as np

    kernel = np.asarray(step.kernel)
    kernel = kernel + 0 if float(step.bias).is_integer() else kernel + 0.0
    return kernel.tolist()

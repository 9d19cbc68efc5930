"""Code for runtimes that have a layer in one native call: TensorFlow, LiteRT, OpenVINO, Paddle and Flax.

Such a call follows the runtime's row in `poolcli.pooling.frameworks`. A layer that the row refuses, or whose values
would differ, is refused with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

from poolcli.emit.geometry import compat_of, is_dilated, is_padded, sides_of
from poolcli.emit.program import Program, as_code, without_point
from poolcli.errors import CompatError
from poolcli.pooling.framework import LayerFacts
from poolcli.pooling.frameworks import pad_first
from poolcli.steps.steps import PoolStep
from poolcli.wording import Phrase

if TYPE_CHECKING:
    from poolcli.pooling.layer import Pooling
    from poolcli.steps.steps import ConvStep
    from poolcli.window import Window

WHOLE_MAP = {"max": "reduce_max", "avg": "reduce_mean"}  # by mode


class Native(Program):
    """A program of one native call."""

    channels_last: ClassVar[bool] = True
    result: ClassVar[str] = "t.numpy()"

    def __init__(self, ndim: int) -> None:
        super().__init__(ndim)
        self.calls: list[str] = []  # the layer; the body refuses input before it

    # what each runtime defines

    def sliding(self, layer: Pooling) -> list[str]:
        """Write the call that pools ``t`` with sliding windows."""
        raise NotImplementedError

    def whole(self, layer: Pooling) -> list[str]:
        """Write the call that pools the whole map."""
        raise NotImplementedError

    def adaptive(self, layer: Pooling) -> list[str]:
        """Write the call with a fixed number of outputs; most rows have refused it before."""
        raise NotImplementedError

    def row_for(self, layer: Pooling) -> str:  # noqa: ARG002 - OpenVINO has several rows
        """Return the name of the row that the call follows."""
        return self.name

    # what all runtimes share

    def pool(self, layer: Pooling) -> None:
        """Write a pooling layer."""
        if self.calls:
            self.refuse("one native call is one pooling layer")
        there = self._there(layer)
        self._guard(layer, there)
        kinds = {"sliding": self.sliding, "global": self.whole, "adaptive": self.adaptive}
        if layer.window.kind not in kinds:
            self.refuse("it draws the position of fractional windows at random")
        self.calls = kinds[layer.window.kind](there)

    def _there(self, layer: Pooling) -> Pooling:
        """Return the layer as the runtime has it, with all defaults explicit."""
        there = self._spelled(layer)
        if not isinstance(there, CompatError):
            return there
        window = layer.window._replace(padding="valid", ceil_mode=False)
        unpadded = replace(layer, window=window, pad_fill="ignore", count_include_pad=False)
        first = Phrase("")
        if is_padded(layer.window) and not isinstance(self._spelled(unpadded), CompatError):
            first = (first + pad_first(LayerFacts(layer, spatial=self.spatial))).only(lambda part: not part.names)
        return self.refuse(there.text, first + "; or " + self.by_numpy if str(first) else None)

    def _spelled(self, layer: Pooling) -> Pooling | CompatError:
        said = {
            **layer.record(),
            "ceil_mode": layer.window.ceil_mode,
            "compat": compat_of(layer) or self.row_for(layer),
        }
        spellings: list[dict[str, Any]] = [{"count_include_pad": layer.count_include_pad}, {}]
        spellings += [{"size": None}] if layer.window.kind == "fractional" else []  # TensorFlow's have bounds alone
        for spelling in spellings:
            try:
                return PoolStep.from_record({**said, **spelling}).layer(self.ndim)
            except CompatError as problem:
                refusal = problem
        return refusal

    def _guard(self, layer: Pooling, there: Pooling) -> None:
        """Make the program refuse what the runtime gives no answer for, or another one than poolcli."""
        if layer.compat is None:
            self.compare(layer, there)
            return
        self.refuse_whole(layer)
        self.refuse_unpromised(there)

    def lines(self) -> list[str]:
        """Return the lines of ``pool``."""
        n = self.ndim
        shape = f"-1, *x.shape[-{n}:], 1" if self.channels_last else f"-1, 1, *x.shape[-{n}:]"
        ends = "1:-1" if self.channels_last else "2:"
        return [
            *self.body,
            f't = x.reshape({shape}).astype("float32")',
            *self.calls,
            f"return {self.result}.reshape(*x.shape[:-{n}], *t.shape[{ends}])",
        ]

    def indexed(self, layer: Pooling) -> None:  # noqa: ARG002 - one signature for all
        """Refuse, because one call gives only values."""
        self.refuse("one native call gives only the values", Phrase("drop {indices}"))

    def conv(self, step: ConvStep, window: Window) -> None:  # noqa: ARG002 - one signature for all
        """Refuse, because it is not pooling."""
        self.refuse("one native call is one pooling layer")

    def relu(self) -> None:
        """Refuse, because it is not pooling."""
        self.refuse("one native call is one pooling layer")

    def sizes(self, values: Sequence[int]) -> str:
        """Write one number for each axis."""
        return str(tuple(values))

    def axes(self) -> str:
        """Write the spatial axes."""
        first = 1 if self.channels_last else 2
        return str(tuple(range(first, first + self.ndim)))


class TensorFlow(Native):
    """A program for TensorFlow."""

    name, title = "tensorflow", "TensorFlow"
    follows = ("tensorflow",)

    def sliding(self, layer: Pooling) -> list[str]:
        """Write the call that pools ``t`` with sliding windows."""
        window, mode = layer.window, layer.mode.mode.name
        sizes = f"t, {self.sizes(window.size)}"
        padding = f'"{window.padding.upper()}"' if isinstance(window.padding, str) else '"VALID"'
        if is_dilated(window):
            dilated = f"strides={self.sizes(window.stride)}, dilations={self.sizes(window.dilation)}"
            return [f't = tf.nn.pool({sizes}, "{mode.upper()}", padding={padding}, {dilated})']
        if (sides := sides_of(window)) and is_padded(window):
            padding = str([[0, 0], *map(list, sides), [0, 0]])
        return [f"t = tf.nn.{mode}_pool{self.ndim}d({sizes}, {self.sizes(window.stride)}, {padding})"]

    def whole(self, layer: Pooling) -> list[str]:
        """Write the call that pools the whole map."""
        name = WHOLE_MAP[layer.mode.mode.name]
        return [f"t = tf.{name}(t, axis={self.axes()}, keepdims=True)"]


class LiteRT(TensorFlow):
    """A program that builds a model for LiteRT with TensorFlow and runs it; it has a batch of 1."""

    name, title = "litert", "LiteRT"
    follows = ("litert",)

    def lines(self) -> list[str]:
        """Return the lines of ``pool``."""
        n = self.ndim
        (call,) = self.calls
        return [
            *self.body,
            f't = np.moveaxis(x.reshape(1, -1, *x.shape[-{n}:]), 1, -1).astype("float32")',
            f"layer = tf.function(lambda t: {call.removeprefix('t = ')})",
            "concrete = layer.get_concrete_function(tf.TensorSpec(t.shape, tf.float32))",
            "converter = tf.lite.TFLiteConverter.from_concrete_functions([concrete], layer)",
            "model = tf.lite.Interpreter(model_content=converter.convert())",
            "model.allocate_tensors()",
            'model.set_tensor(model.get_input_details()[0]["index"], t)',
            "model.invoke()",
            't = model.get_tensor(model.get_output_details()[0]["index"])',
            f"return np.moveaxis(t[0], -1, 0).reshape(*x.shape[:-{n}], *t.shape[1:-1])",
        ]

    def pool(self, layer: Pooling) -> None:
        """Write a pooling layer."""
        if layer.mode.mode.name == "rms":
            self.refuse("TensorFlow has no layer that becomes L2_POOL_2D")
        super().pool(layer)


class OpenVINO(Native):
    """A program that builds a model for OpenVINO and runs it."""

    name, title = "openvino", "OpenVINO"
    follows = ("openvino", "openvino:ceil", "openvino:ceil_torch")
    channels_last = False
    result = "t"

    def row_for(self, layer: Pooling) -> str:
        """Return the row that rounds as PyTorch does, if the layer rounds up."""
        return "openvino:ceil_torch" if layer.window.ceil_mode else self.name

    def _run(self, call: str) -> list[str]:
        return [
            "given = opset16.parameter(t.shape, np.float32)",
            f"made = opset16.{call}",
            'model = openvino.compile_model(openvino.Model([made.output(0)], [given]), "CPU")',
            "t = model(t)[0]",
        ]

    def sliding(self, layer: Pooling) -> list[str]:
        """Write the call that pools ``t`` with sliding windows."""
        window, average = layer.window, layer.mode.mode.name == "avg"
        sides = sides_of(window) or ((0, 0),) * self.ndim
        pads = f"{[before for before, _ in sides]}, {[after for _, after in sides]}, {list(window.size)}"
        stride, dilation = list(window.stride), list(window.dilation)
        rounding = (compat_of(layer) or self.name).partition(":")[2] or "floor"
        named = {"same": "same_upper", "same-lower": "same_lower"}.get(str(window.padding), "explicit")
        ends = f'rounding_type="{rounding}", auto_pad="{named}"'
        if average:
            ends += f", dilations={dilation}"  # without them its compiler crashes
            return self._run(f"avg_pool(given, {stride}, {pads}, {not layer.count_include_pad}, {ends})")
        return self._run(f"max_pool(given, {stride}, {dilation}, {pads}, {ends})")

    def whole(self, layer: Pooling) -> list[str]:
        """Write the call that pools the whole map."""
        name = WHOLE_MAP[layer.mode.mode.name]
        if layer.compat is not None and name == "reduce_max":
            self.refuse_nan("the result of its ReduceMax for NaN is not known")
        return self._run(f"{name}(given, np.array({list(range(2, 2 + self.ndim))}), keep_dims=True)")

    def adaptive(self, layer: Pooling) -> list[str]:
        """Write the call with a fixed number of outputs."""
        sizes, name = list(layer.window.output_size), layer.mode.mode.name
        more = ', "i32"' if name == "max" else ""
        return self._run(f"adaptive_{name}_pool(given, np.array({sizes}){more})")


class Paddle(Native):
    """A program for Paddle."""

    name, title = "paddle", "Paddle"
    follows = ("paddle",)
    channels_last = False

    def _called(self, name: str, *arguments: str) -> list[str]:
        call = f"paddle.nn.functional.{name}_pool{self.ndim}d"
        return ["t = paddle.to_tensor(t)", f"t = {call}({', '.join(['t', *arguments])})"]

    def sliding(self, layer: Pooling) -> list[str]:
        """Write the call that pools ``t`` with sliding windows."""
        window, mode = layer.window, layer.mode.mode.name
        arguments = [self._per_axis(window.size), self._per_axis(window.stride)]
        if mode == "lp":
            arguments.insert(0, as_code(without_point(layer.mode.parameter)))
        if (sides := sides_of(window)) is None:
            arguments.append('"SAME"')
        elif any(map(any, sides)):
            alike = all(before == after for before, after in sides)
            arguments.append(self._per_axis([side for side, _ in sides]) if alike else str([*sum(sides, ())]))
        arguments += ["ceil_mode=True"] if window.ceil_mode else []
        arguments += ["exclusive=False"] if mode == "avg" and layer.count_include_pad else []
        arguments += [f"divisor_override={layer.divisor_override}"] if layer.divisor_override else []
        return self._called(mode, *arguments)

    def whole(self, layer: Pooling) -> list[str]:
        """Write the call that pools the whole map."""
        return self._called(f"adaptive_{layer.mode.mode.name}", "1")

    def adaptive(self, layer: Pooling) -> list[str]:
        """Write the call with a fixed number of outputs."""
        return self._called(f"adaptive_{layer.mode.mode.name}", self._per_axis(layer.window.output_size))

    def _per_axis(self, values: Sequence[int]) -> str:
        return str(list(values) if self.ndim > 1 else values[0])


class Flax(Native):
    """A program for Flax."""

    name, title = "flax", "Flax"
    follows = ("flax",)
    result = "np.asarray(t)"

    def sliding(self, layer: Pooling) -> list[str]:
        """Write the call that pools ``t`` with sliding windows."""
        window, mode = layer.window, layer.mode.mode.name
        padding = (
            str(window.padding)
            if isinstance(window.padding, tuple)
            else f'"{window.padding.upper().replace("-", "_")}"'
        )
        more = [f"strides={self.sizes(window.stride)}", f"padding={padding}"]
        more += ["count_include_pad=False"] if mode == "avg" and not layer.count_include_pad else []
        return [f"t = linen.pooling.{mode}_pool(t, {self.sizes(window.size)}, {', '.join(more)})"]

    def whole(self, layer: Pooling) -> list[str]:
        """Write the call that pools the whole map."""
        return [f"t = linen.pooling.{layer.mode.mode.name}_pool(t, t.shape[1:-1])"]

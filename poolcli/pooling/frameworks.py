"""What PyTorch, Keras and ONNX do differently: one row of `FRAMEWORKS` each.

A row holds a framework's defaults, its own versions of some modes, and the rules by which it refuses a layer. The
answers are those of PyTorch 2.13, Keras 3.15 and onnxruntime 1.31, their quirks included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from poolcli.errors import CompatError, UnknownNameError
from poolcli.pooling.modes import MODES, ChosenMode, Mode, Reduction
from poolcli.window import Window

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True)
class LayerSpec:
    """What a pooling layer is asked to do; `poolcli.pooling.layer.Pooling` makes it and does it.

    Attributes
    ----------
    ndim : int
        The number of spatial axes.
    mode : ChosenMode
        How cells become a number.
    window : Window
        Which cells.
    pad_fill : str or float
        A name in `poolcli.window.PAD_FILLS`, or a number.
    count_include_pad : bool
        Whether padding counts in the divisor of an average.
    divisor_override : int or None
        What an average divides by, instead of the number of cells.
    nan : str
        ``propagate``, ``ignore`` or ``error``.
    compat : str, Framework or None
        The framework whose layer this is.
    seed : int or None
        Of fractional windows and of stochastic pooling.
    storage_order : int
        Of ONNX indices: 1 counts down the columns.
    threads : int or None
        How many to use for large maps, as `poolcli.system.threads.threads` has it; the values do not depend on it.
    """

    ndim: int
    mode: ChosenMode
    window: Window
    pad_fill: str | float = "ignore"
    count_include_pad: bool = False
    divisor_override: int | None = None
    nan: str = "propagate"
    compat: str | Framework | None = None
    seed: int | None = None
    storage_order: int = 0
    threads: int | None = field(default=None, compare=False, repr=False)

    @property
    def framework(self) -> Framework | None:
        """The framework whose layer this is."""
        return find(self.compat)


@dataclass(frozen=True)
class LayerFacts:
    """What a rule may look at: what a layer is asked to do, and once there are data what is known of them."""

    layer: LayerSpec
    dtype: np.dtype[Any] | None = None
    indices: bool = False
    spatial: tuple[int, ...] = ()

    @property
    def mode(self) -> str:
        """The name of the mode."""
        return self.layer.mode.mode.name

    @property
    def pads(self) -> tuple[int, ...]:
        """Every explicit pad, both sides of every axis."""
        padding = self.layer.window.padding
        return () if isinstance(padding, str) else tuple(side for pair in padding for side in pair)


@dataclass(frozen=True)
class Rule:
    """A layer that a framework refuses.

    Attributes
    ----------
    broken : function of a LayerFacts
        Whether the layer breaks the rule.
    text : str
        The rule, as the framework's documentation or source has it.
    hint : str
        What to do about it.
    """

    broken: Callable[[LayerFacts], bool]
    text: str
    hint: str = "drop --compat to get poolcli's own answer"


@dataclass(frozen=True)
class Framework:
    """The defaults and quirks of one framework.

    Attributes
    ----------
    name, title : str
        As typed, and as written.
    stride : int or None
        The default stride; None means the window's size.
    count_include_pad : bool
        Whether padding counts in an average unless told otherwise.
    channels_last : bool
        Whether C stands last in a layout chosen by rank.
    same_ignores_dilation : bool
        Whether SAME pads as if the dilation were 1.
    fractional : str
        The kind of fractional windows, a row of `poolcli.window.KINDS`.
    modes : mapping of str to a function of a LayerFacts
        The modes it has; the function returns its own version of the mode's row, or None for poolcli's.
    rules : tuple of Rule
        What it refuses.
    last_nan : bool
        Whether the index of a NaN maximum is that of the last NaN.
    signed_norm : function of (LayerSpec, number of cells), optional
        Where an Lp norm takes no absolute values: what it multiplies the sum of a window with.
    unpools_implied : bool
        Whether indices count in the smallest input that the windows cover, and a larger output is padded at its end.
    number : function of (indices, shape, number of spatial axes, storage order)
        Makes its own indices of those flat in the plane.
    plane_index : function of (indices, spatial shape, storage order)
        Makes indices flat in the plane of its own.
    """

    name: str
    title: str
    modes: Mapping[str, Callable[[LayerFacts], Mode | None]]
    rules: tuple[Rule, ...]
    stride: int | None = None
    count_include_pad: bool = False
    channels_last: bool = False
    same_ignores_dilation: bool = False
    fractional: str = "fractional"
    last_nan: bool = False
    signed_norm: Callable[[LayerSpec, Any], Any] | None = None
    unpools_implied: bool = False
    number: Callable[[Any, Sequence[int], int, int], Any] = lambda where, *_: where
    plane_index: Callable[[Any, Sequence[int], int], Any] = lambda where, *_: where

    def check(self, facts: LayerFacts) -> None:
        """Raise `CompatError` if the framework refuses this layer."""
        if facts.mode not in self.modes:
            known = ", ".join(self.modes)
            raise CompatError(f"{self.title} has no {facts.mode} pooling", f"it has {known}; or drop --compat")
        for rule in self.rules:
            if rule.broken(facts):
                raise CompatError(f"{self.title} refuses this layer: {rule.text}", rule.hint)

    def row(self, facts: LayerFacts) -> Mode:
        """Return this framework's version of the layer's mode."""
        return self.modes[facts.mode](facts) or facts.layer.mode.mode


def find(name: str | Framework | None) -> Framework | None:
    """Return the framework of this name; a framework itself and None as they are."""
    if name is None or isinstance(name, Framework):
        return name
    if name not in FRAMEWORKS:
        raise UnknownNameError("framework", name, FRAMEWORKS)
    return FRAMEWORKS[name]


def _own(_: LayerFacts) -> None:
    """Say that the framework does as poolcli does."""


def _kind(*kinds: str) -> Callable[[LayerFacts], bool]:
    return lambda facts: facts.layer.window.kind in kinds


def _all(*conditions: Callable[[LayerFacts], bool]) -> Callable[[LayerFacts], bool]:
    return lambda facts: all(condition(facts) for condition in conditions)


def _mode(*names: str) -> Callable[[LayerFacts], bool]:
    return lambda facts: facts.mode in names


def _infinite_norm(facts: LayerFacts) -> bool:
    return facts.mode == "lp" and math.isinf(facts.layer.mode.parameter)


def _averaging(facts: LayerFacts) -> bool:
    """Whether PyTorch makes it with its average pooling."""
    return facts.mode in ("avg", "sum", "lp") and not _infinite_norm(facts)


def _maximal(facts: LayerFacts) -> bool:
    """Whether PyTorch makes it with its max pooling."""
    return facts.mode in ("max", "min") or _infinite_norm(facts)


def _uneven(facts: LayerFacts) -> bool:
    return facts.pads[::2] != facts.pads[1::2]


def _dilated(facts: LayerFacts) -> bool:
    return any(step != 1 for step in facts.layer.window.dilation)


def _named(*names: str) -> Callable[[LayerFacts], bool]:
    return lambda facts: facts.layer.window.padding in names


def _padded(facts: LayerFacts) -> bool:
    return any(facts.pads)


def _filled(facts: LayerFacts) -> bool:
    return facts.layer.pad_fill != "ignore"


def _integer(facts: LayerFacts) -> bool:
    return facts.dtype is not None and facts.dtype.kind in "iub"


def _wide_pads(limit: Callable[[int], int]) -> Callable[[LayerFacts], bool]:
    def broken(facts: LayerFacts) -> bool:
        size = facts.layer.window.size
        sides = zip(facts.pads, (k for k in size for _ in range(2)), strict=False)
        return any(side > limit(k) for side, k in sides)

    return broken


def _ndim(*numbers: int) -> Callable[[LayerFacts], bool]:
    return lambda facts: facts.layer.ndim in numbers


def _loose_same(facts: LayerFacts) -> bool:
    """Whether SAME would have to cut cells off, because the stride skips them."""
    window = facts.layer.window
    sizes = zip(facts.spatial, window.size, window.stride, strict=False)
    return window.padding in ("same", "same-lower") and any((-(-n // s) - 1) * s + k < n for n, k, s in sizes)


def _larger_than_input(facts: LayerFacts) -> bool:
    return any(n < k for n, k in zip(facts.spatial, facts.layer.window.size, strict=False))


def _no_room(facts: LayerFacts) -> bool:
    """Whether fractional windows would stand at every place there is."""
    window = facts.layer.window
    sizes = zip(facts.spatial, window.size, window.output_size, strict=False)
    return any(out + k - 1 >= n for n, k, out in sizes)


def _cropped_same(facts: LayerFacts) -> bool:
    """Whether onnxruntime's SAME has less than no padding at the beginning: half of it, rounded towards none."""
    window = facts.layer.window
    most = {"same": -2, "same-lower": -3}.get(str(window.padding), -math.inf)
    sizes = zip(facts.spatial, window.size, window.stride, strict=False)
    return any((-(-n // s) - 1) * s + k - n <= most for n, k, s in sizes)


def _columns_first(facts: LayerFacts) -> bool:
    return facts.layer.storage_order == 1


def _divided(facts: LayerFacts) -> bool:
    return facts.layer.divisor_override is not None


def _nan_rule(facts: LayerFacts) -> bool:
    return facts.layer.nan == "ignore"


def inflation(layer: LayerSpec, n: Any) -> Any:
    """Return what PyTorch's LPPool multiplies a sum of n cells with: 1 but in windows clipped by ceil_mode."""
    return math.prod(layer.window.size) / n


# --- PyTorch ----------------------------------------------------------------------------------------------------------


_TORCH_LP: Mapping[str, Any] = {
    "says": MODES["lp"].says, "written": "(({+()^{p}}) / {n} * {taps})^(1/{p})", "gradient": "norm", "page": "torch-lp",
    "why": "PyTorch takes x^P without the absolute value, and scales windows clipped by ceil_mode up to the full size",
}  # fmt: skip


def _torch_lp(facts: LayerFacts) -> Mode:
    """``(avg_pool(x^p) * k)^(1/p)``: no abs, and a clipped window's mean is multiplied with the full size."""
    p = facts.layer.mode.parameter
    if math.isinf(p):
        return MODES["lp"]
    signed = Reduction("add", prepare=lambda x, p: x**p, wide=True)
    if _integer(facts) and p % 1 == 0:  # its average of whole numbers is truncated before it is scaled up again
        taps = math.prod(facts.layer.window.size)
        return Mode(
            "lp",
            "(trunc(sum(x^P) / n) k)^(1/P)",
            (signed,),
            lambda total, n, p: (total // n * taps) ** (1 / p),
            **_TORCH_LP,
        )
    return Mode(
        "lp",
        "(sum(x^P) / n * k)^(1/P)",
        (signed,),
        lambda total, n, p: (total * inflation(facts.layer, n)) ** (1 / p),
        **_TORCH_LP,
    )


def _torch_avg(facts: LayerFacts) -> Mode | None:
    if not _integer(facts):
        return None
    return replace(MODES["avg"], finish=lambda total, n, _: _truncated(total, n), result="same",
                   written="trunc(({+}) / {n})", page="torch-avg",
                   why="PyTorch truncates averages of whole numbers towards zero")  # fmt: skip


def _truncated(total: Any, n: Any) -> Any:
    import numpy as np

    return np.sign(total) * np.sign(n) * (abs(total) // abs(n))


TORCH = Framework(
    "torch",
    "PyTorch",
    modes={"max": _own, "min": _own, "avg": _torch_avg, "sum": _own, "lp": _torch_lp},
    rules=(
        Rule(_named("same", "same-lower"), "its pooling layers have no padding='same'", "give --padding as a number"),
        Rule(_uneven, "its padding is the same on both sides", "pad first with torch.nn.functional.pad"),
        Rule(_wide_pads(lambda k: k // 2), "pad should be at most half of the kernel size"),
        Rule(_all(_dilated, _mode("avg", "sum", "lp")), "only its max pooling takes a dilation"),
        Rule(_all(_padded, _mode("lp")), "LPPool takes no padding"),
        Rule(_all(_ndim(1), _mode("sum")), "divisor_override, which makes a sum, exists in 2-D and 3-D only"),
        Rule(_all(_ndim(1), _divided), "divisor_override exists in 2-D and 3-D only"),
        Rule(_all(_kind("adaptive", "global"), _divided), "adaptive pooling has no divisor_override"),
        Rule(_all(_kind("adaptive", "global"), _mode("sum", "lp")), "adaptive pooling is max or average"),
        Rule(
            _all(_kind("fractional"), lambda facts: facts.mode not in ("max", "min")), "fractional pooling is max only"
        ),
        Rule(_all(_kind("fractional"), _ndim(1)), "fractional pooling is 2-D or 3-D"),
        Rule(
            lambda facts: facts.dtype is not None and facts.dtype.name in ("bool", "uint16", "uint32", "uint64"),
            "pooling is not implemented for this type",
            "convert the input to floating-point numbers",
        ),
        Rule(
            _all(_mode("avg", "sum", "lp"), _integer, lambda facts: str(facts.dtype) != "int64"),
            "of whole numbers only int64 can be averaged",
            "convert the input to floating-point numbers",
        ),
        Rule(
            _all(_kind("adaptive", "global", "fractional"), _integer),
            "adaptive and fractional pooling take floating-point numbers only",
            "convert the input to floating-point numbers",
        ),
        Rule(
            _all(_ndim(1), _integer, _maximal, _kind("sliding"), lambda facts: not facts.indices),
            "max_pool1d takes whole numbers only if it returns indices",
            "add --indices, or convert the input to floating-point numbers",
        ),
        Rule(
            _all(_ndim(3), _averaging, _kind("sliding"), _larger_than_input),
            "avg_pool3d wants an input, before padding, at least as large as the kernel",
            "use a smaller --size",
        ),
        Rule(
            _all(_ndim(3), _averaging, _kind("sliding"), lambda facts: str(facts.dtype) == "float16"),
            "avg_pool3d is not implemented for float16",
            "convert the input to float32",
        ),
        Rule(
            _all(_ndim(3), _kind("fractional"), _no_room),
            "fractional_max_pool3d wants output size + kernel size - 1 to be less than the input",
            "use a smaller --output-size",
        ),
        Rule(_columns_first, "its indices count rows first", "drop --storage-order"),
        Rule(_filled, "it pads with what its mode ignores", "pad first with torch.nn.functional.pad"),
        Rule(_nan_rule, "its pooling propagates NaN"),
    ),
    count_include_pad=True,
    last_nan=True,
    signed_norm=inflation,
)

# --- Keras ------------------------------------------------------------------------------------------------------------


def _channels_last_index(where: NDArray[np.int64], shape: Sequence[int], ndim: int, _: int) -> NDArray[np.int64]:
    """TensorFlow's max_pool_with_argmax: ``(y * W + x) * C + c`` over an NHWC tensor, batch not counted."""
    import numpy as np

    lead = shape[: len(shape) - ndim]
    channels = lead[-1] if lead else 1
    channel = np.arange(channels).reshape(-1, *[1] * ndim) if lead else 0
    return where * channels + channel


def _channels_last_plane(where: NDArray[np.int64], spatial: Sequence[int], _: int) -> NDArray[np.int64]:
    """Undo `_channels_last_index`: the channel is the remainder."""
    return where // (where.shape[-len(spatial) - 1] if where.ndim > len(spatial) else 1)


KERAS = Framework(
    "keras",
    "Keras",
    modes={"max": _own, "min": _own, "avg": _own},
    rules=(
        Rule(_named("same-lower"), "SAME puts the extra cell at the end"),
        Rule(_padded, "padding is valid or same", "use a ZeroPadding layer first, or --padding same"),
        Rule(_dilated, "its pooling layers have no dilation"),
        Rule(lambda facts: facts.layer.window.ceil_mode, "it has no ceil_mode", "use --padding same"),
        Rule(lambda facts: facts.layer.count_include_pad, "padding never counts in its averages"),
        Rule(_divided, "its averages have no divisor_override"),
        Rule(_all(_kind("fractional-disjoint"), _ndim(1, 3)), "tf.nn.fractional_max_pool is 2-D only"),
        Rule(_columns_first, "its indices count rows first", "drop --storage-order"),
        Rule(_filled, "it pads with what its mode ignores", "use a padding layer first"),
        Rule(_nan_rule, "its pooling propagates NaN"),
    ),
    channels_last=True,
    fractional="fractional-disjoint",
    number=_channels_last_index,
    plane_index=_channels_last_plane,
)

# --- ONNX -------------------------------------------------------------------------------------------------------------


_LOST = "onnxruntime's comparisons lose NaN but in some places, the others propagate it"


def _onnx_max(facts: LayerFacts) -> Mode | None:
    """Lose NaN in comparisons, as onnxruntime does; with indices, and in float64, one in the first place stays."""
    if facts.dtype is None or facts.dtype.kind != "f":
        return None
    name = facts.mode
    if facts.indices or facts.dtype.itemsize == 8:
        cells = f"first_nan_{name}"
        return replace(MODES[name], reductions=(), cells=cells, treats_nan=True, page=f"onnx-first-{name}", why=_LOST)
    return replace(MODES[name], reductions=(Reduction(*_ONNX_FOLD[name]),), page=f"onnx-{name}", why=_LOST)


def _instead_of_nan(value: str) -> Callable[[Any, float], Any]:
    def prepare(x: Any, _: float) -> Any:
        import numpy as np

        limits = np.finfo(x.dtype)
        most = limits.max if x.dtype.itemsize > 2 else np.inf
        return np.where(np.isnan(x), -most if value == "lowest" else most, x)

    return prepare


_ONNX_FOLD: Mapping[str, tuple[Any, ...]] = {
    "max": ("maximum", ("lowest",), _instead_of_nan("lowest")),
    "min": ("minimum", ("highest",), _instead_of_nan("highest")),
}


def _in_plane(where: NDArray[np.int64], shape: Sequence[int], ndim: int, order: int) -> NDArray[np.int64]:
    """Flat in the plane; storage order 1 counts it column by column."""
    return _turned(where, shape[len(shape) - ndim :]) if order == 1 else where


def _turned(where: NDArray[np.int64], spatial: Sequence[int]) -> NDArray[np.int64]:
    """Count the cells of a plane along its first axis first."""
    import numpy as np

    places = np.unravel_index(where, spatial)
    return np.ravel_multi_index(places[::-1], spatial[::-1]).astype(np.int64)


def _turned_back(where: NDArray[np.int64], spatial: Sequence[int], order: int) -> NDArray[np.int64]:
    """Undo `_turned`; what is outside of the plane stays so, for the message about it."""
    inside = order == 1 and ((where >= 0) & (where < math.prod(spatial))).all()
    return _turned(where, spatial[::-1]) if inside else where


def _whole_tensor_index(where: NDArray[np.int64], shape: Sequence[int], ndim: int, order: int) -> NDArray[np.int64]:
    """Flat over the whole N*C*H*W tensor; storage order 1 counts each plane column by column."""
    import numpy as np

    spatial, lead = shape[len(shape) - ndim :], shape[: len(shape) - ndim]
    plane = np.arange(math.prod(lead), dtype=np.int64).reshape(*lead, *[1] * ndim)
    return _in_plane(where, shape, ndim, order) + plane * math.prod(spatial)


def _within_plane(where: NDArray[np.int64], spatial: Sequence[int], order: int) -> NDArray[np.int64]:
    """Undo `_whole_tensor_index`, given the spatial shape that the indices count in."""
    import numpy as np

    planes = math.prod(where.shape[: where.ndim - len(spatial)])
    first = np.arange(planes, dtype=np.int64) * math.prod(spatial)
    plane = where - first.reshape(*where.shape[: where.ndim - len(spatial)], *[1] * len(spatial))
    return _turned_back(plane, spatial, order)


ONNX = Framework(
    "onnx",
    "ONNX",
    modes={"max": _onnx_max, "min": _onnx_max, "avg": _own, "lp": _own},
    rules=(
        Rule(_wide_pads(lambda k: k - 1), "onnxruntime wants every pad smaller than the kernel"),
        Rule(_all(_mode("lp"), lambda facts: facts.layer.mode.parameter % 1 != 0), "LpPool's p is a whole number"),
        Rule(
            _all(_loose_same, _mode("max", "min"), lambda facts: not (facts.indices or _dilated(facts))),
            "with SAME the last window of its MaxPool must reach the end",
            "use --padding valid or a smaller --stride",
        ),
        Rule(
            _cropped_same,
            "with a stride so much larger than the window its SAME leaves out cells at the beginning",
            "use --padding valid or a smaller --stride",
        ),
        Rule(_divided, "its AveragePool has no divisor_override", "use mode sum, and a Div operator behind it"),
        Rule(_kind("adaptive", "fractional"), "it has no adaptive or fractional pooling operator"),
        Rule(
            _all(_integer, lambda facts: _kind("global")(facts) or facts.mode in ("avg", "lp")),
            "only its MaxPool takes whole numbers",
            "convert the input to floating-point numbers",
        ),
        Rule(
            _all(_integer, lambda facts: str(facts.dtype) not in ("int8", "uint8")),
            "of whole numbers MaxPool takes int8 and uint8 only",
            "convert the input to floating-point numbers",
        ),
        Rule(_filled, "it pads with what its mode ignores", "put a Pad operator first"),
    ),
    stride=1,
    unpools_implied=True,
    same_ignores_dilation=True,
    number=_whole_tensor_index,
    plane_index=_within_plane,
)

OWN = Framework(
    "poolcli",
    "poolcli",
    modes=dict.fromkeys(MODES, _own),
    rules=(),
    number=_in_plane,
    plane_index=_turned_back,
)
FRAMEWORKS: Mapping[str, Framework] = {row.name: row for row in (TORCH, KERAS, ONNX)}

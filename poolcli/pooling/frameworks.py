"""What each framework does differently, from its default stride to its refusals: one row of `FRAMEWORKS` each.

A row holds a framework's defaults, its own versions of some modes, and its rules for refusing a layer; for its form see
`poolcli.pooling.framework`. The answers are those of the versions in `verified`, quirks included.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from poolcli.errors import CompatError, UnknownNameError
from poolcli.pooling.framework import DOCUMENTED, NOT_RUN, WITHOUT, Framework, LayerFacts, LayerSpec, Rule
from poolcli.pooling.modes import MODES, Mode, Reduction
from poolcli.window import Axis
from poolcli.wording import Phrase

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def find(name: str | Framework | None) -> Framework | None:
    """Return the framework with this name; return a framework itself, or None, unchanged."""
    if name is None or isinstance(name, Framework):
        return name
    found = FRAMEWORKS.get(OTHER_NAMES.get(name, name))
    if found is None:
        refuse_without_row(name)
        raise UnknownNameError("framework", name, [*FRAMEWORKS, *OTHER_NAMES])
    return found


def refuse_without_row(name: str) -> None:
    """Raise a `CompatError` that says why a well-known framework has no row, if this is one."""
    if name in WITHOUT_ROW:
        raise CompatError("poolcli does not follow " + WITHOUT_ROW[name][0], WITHOUT_ROW[name][1])


def verified(name: str | Framework | None) -> str:
    """Return what a framework's answers were compared with; an empty text for poolcli's own.

    Examples
    --------
    >>> verified("tflite"), verified("caffe")
    ('LiteRT 2.3 with XNNPACK, models with batch 1', 'documentation')
    """
    return framework.verified if (framework := find(name)) else ""


_FLOATS = "convert the input to floating-point numbers"
_BOUNDED = ("fractional-disjoint", "fractional-overlapping")
_DRAWN = ("fractional", *_BOUNDED)
RUNS_ONLY = "it only runs trained models"
FMAX = 3.4028234663852886e38  # the largest float32


def _own(_: LayerFacts) -> None:
    """Do as poolcli does."""


def _kind(*kinds: str) -> Callable[[LayerFacts], bool]:
    return lambda facts: facts.layer.window.kind in kinds


def _all(*conditions: Callable[[LayerFacts], bool]) -> Callable[[LayerFacts], bool]:
    return lambda facts: all(condition(facts) for condition in conditions)


def _mode(*names: str) -> Callable[[LayerFacts], bool]:
    return lambda facts: facts.mode in names


def _infinite_norm(facts: LayerFacts) -> bool:
    return facts.mode == "lp" and math.isinf(facts.layer.mode.parameter)


def _averaging(facts: LayerFacts) -> bool:
    """Whether PyTorch does it with average pooling."""
    return facts.mode in ("avg", "sum", "lp") and not _infinite_norm(facts)


def _maximal(facts: LayerFacts) -> bool:
    """Whether PyTorch does it with max pooling."""
    return facts.mode in ("max", "min") or _infinite_norm(facts)


def _uneven(facts: LayerFacts) -> bool:
    return facts.pads[::2] != facts.pads[1::2]


def _dilated(facts: LayerFacts) -> bool:
    return any(step != 1 for step in facts.layer.window.dilation)


def _rounding_up(facts: LayerFacts) -> bool:
    return facts.layer.window.ceil_mode


def _named(*names: str) -> Callable[[LayerFacts], bool]:
    return lambda facts: facts.layer.window.padding in names


def _padded(facts: LayerFacts) -> bool:
    return any(facts.pads)


def _bordered(facts: LayerFacts) -> bool:
    """Whether it may have padding."""
    return _padded(facts) or _named("same", "same-lower")(facts)


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
    """Whether SAME would cut off cells because the stride skips them."""
    window = facts.layer.window
    sizes = zip(facts.spatial, window.size, window.stride, strict=False)
    return window.padding in ("same", "same-lower") and any((-(-n // s) - 1) * s + k < n for n, k, s in sizes)


def _larger_than_input(facts: LayerFacts) -> bool:
    return any(n < k for n, k in zip(facts.spatial, facts.layer.window.size, strict=False))


def _larger_than_padded(facts: LayerFacts) -> bool:
    window, pads = facts.layer.window, facts.pads or (0,) * 2 * facts.layer.ndim
    rows = zip(facts.spatial, window.size, window.dilation, pads[::2], pads[1::2], strict=False)
    fixed = window.padding == "valid" or not isinstance(window.padding, str)
    return fixed and any((k - 1) * d + 1 > n + before + after for n, k, d, before, after in rows)


def _no_room(facts: LayerFacts) -> bool:
    """Whether fractional windows would fill every possible position."""
    window = facts.layer.window
    sizes = zip(facts.spatial, window.size, window.output_size, strict=False)
    return any(out + k - 1 >= n for n, k, out in sizes)


def _cropped_same(facts: LayerFacts) -> bool:
    """Whether onnxruntime's SAME pads the beginning by a negative number: half of the padding, rounded towards 0."""
    window = facts.layer.window
    most = {"same": -2, "same-lower": -3}.get(str(window.padding), -math.inf)
    sizes = zip(facts.spatial, window.size, window.stride, strict=False)
    return any((-(-n // s) - 1) * s + k - n <= most for n, k, s in sizes)


def _divided(facts: LayerFacts) -> bool:
    return facts.layer.divisor_override is not None


def _nan_rule(facts: LayerFacts) -> bool:
    return facts.layer.nan == "ignore"


def inflation(layer: LayerSpec, n: Any) -> Any:
    """Return the factor of a sum of n cells in PyTorch's LPPool: 1 except in windows clipped by ceil_mode."""
    return math.prod(layer.window.size) / n


UNSEEN: Mapping[str, float] = {"max": -math.inf, "min": math.inf}  # padding that a mode does not see


def written_sides(sides: Sequence[tuple[int, int]]) -> str:
    """Write how much to pad, both sides of every axis.

    Examples
    --------
    >>> written_sides([(1, 2), (0, 1)])
    '1,2,0,1'
    """
    return ",".join(str(side) for pair in sides for side in pair)


def pad_first(facts: LayerFacts) -> str | Phrase:
    """Say how to pad the input first, so that the same windows without padding give the same values."""
    window, fill = facts.layer.window, facts.layer.pad_fill
    said = () if isinstance(window.padding, str) else window.padding
    axes = window.plan(facts.spatial) if facts.spatial else ()
    reached = [axis.outside for axis in axes] if window.ceil_mode or not said else said
    first = ""
    if _filled(facts) and fill != UNSEEN.get(facts.mode):
        first = f"pad the input{_by(said or [(axis.before, axis.after) for axis in axes])} with the same values first"
        beyond = [(0, max(axis.outside[1] - axis.after, 0)) for axis in axes]
        if not window.ceil_mode or (axes and not any(map(any, beyond))):
            return first
        first, reached = f"{first}, then", beyond
    sides = _by(reached)
    if facts.mode in UNSEEN:
        seen = f"with {UNSEEN[facts.mode]:g}"
        return f"{first}{sides} {seen}" if first else f"pad the input{sides} {seen} first, not with zeros"
    counted, further = facts.layer.count_include_pad, any(axis.outside[1] > axis.after for axis in axes)
    if facts.mode in ("avg", "rms") and (first or not counted or further):
        where = "beyond the padding, where ceil_mode reaches," if counted and further else "around the input"
        return f"zeros {where} would count in its averages; " + WITHOUT
    return f"{first}{sides} with zeros" if first else f"pad the input{sides} with zeros first"


def _by(sides: Sequence[tuple[int, int]]) -> str:
    return f" by {written_sides(sides)}" if sides else ", as far as the windows reach (an input says how far),"


_OTHER_WINDOWS = Phrase("{padding}, which places other windows", padding="same")


def _pad_first_or_same(facts: LayerFacts) -> Phrase:
    return pad_first(facts) + ("; or " + _OTHER_WINDOWS)


def _cells_of_same(facts: LayerFacts) -> Phrase:
    """Say how many cells `same` pads, if PyTorch takes as many on both sides."""
    axes = facts.layer.window.plan(facts.spatial) if facts.spatial and facts.mode != "lp" else ()
    pads = tuple(axis.before for axis in axes if axis.before == axis.after <= axis.size // 2)
    if not axes or len(pads) < len(axes):
        return Phrase("give {padding} as a number")
    return Phrase("{padding}, which pads as many cells", padding=pads if len({*pads}) > 1 else pads[0])


def _shared(letters: str) -> tuple[Rule, ...]:
    """Return rules that several frameworks share, one letter each."""
    return tuple(_SHARED[letter] for letter in letters)


def _multiplied(facts: LayerFacts, program: str = "") -> Phrase:
    """Say how to get an average with another divisor from one without; this program does so."""
    window = facts.layer.window
    if window.kind != "sliding" or window.padding in ("same", "same-lower") or window.ceil_mode:  # n differs
        return WITHOUT
    counted = "add {count_include_pad}, " if _padded(facts) else ""
    factor = f"{math.prod(window.size)}/{facts.layer.divisor_override}"
    told = Phrase(f"{counted}drop {{divisor_override}} and multiply the averages by {factor}")
    return told + Phrase(", as {target} does", target=program) if program else told


NAN_STAYS = Phrase("{nan}, or ", nan="propagate") + WITHOUT
_SHARED: Mapping[str, Rule] = {
    "l": Rule(_named("same-lower"), "SAME puts the extra cell at the end", _OTHER_WINDOWS),
    "p": Rule(_padded, "padding is valid or same", _pad_first_or_same),
    "u": Rule(_uneven, "its padding is the same on both sides", pad_first),
    "d": Rule(_dilated, "its pooling has no dilation"),
    "c": Rule(_rounding_up, "it has no ceil_mode", Phrase("{ceil_mode}", ceil_mode=False)),
    "n": Rule(
        lambda facts: facts.layer.count_include_pad and _bordered(facts),
        "padding never counts in its averages",
        Phrase("{count_include_pad}", count_include_pad=False),
    ),
    "v": Rule(_divided, "its averages have no divisor_override", _multiplied),
    "a": Rule(_kind("adaptive"), "it has no adaptive pooling"),
    "r": Rule(_kind(*_DRAWN), "it has no fractional pooling"),
    "i": Rule(lambda facts: facts.indices, "it records no indices", Phrase("drop {return_indices}")),
    "f": Rule(_filled, "its padding holds only what the mode ignores", pad_first),
    "m": Rule(_nan_rule, "its pooling cannot leave out NaN", NAN_STAYS),
    "q": Rule(_nan_rule, "its pooling propagates NaN", NAN_STAYS),
    "e": Rule(_all(_ndim(1), _divided), "divisor_override exists in 2-D and 3-D only"),
    "o": Rule(
        lambda facts: bool(facts.layer.storage_order), "its indices count rows first", Phrase("drop {storage_order}")
    ),
    "w": Rule(_integer, "it pools floating-point numbers only", _FLOATS),
    "2": Rule(_ndim(3), "it pools one or two spatial axes"),
}


def _rounded(how: Callable[[Any, Any, float], Any], why: str, **more: Any) -> Callable[[LayerFacts], Mode | None]:
    """Return a version of avg that rounds the averages of whole numbers."""
    row = MODES["avg"]._replace(finish=how, result="same", why=why, **more)
    return lambda facts: row if _integer(facts) else None


def _truncated(total: Any, n: Any, _: float) -> Any:
    import numpy as np

    return np.sign(total) * np.sign(n) * (abs(total) // abs(n))


# --- PyTorch ----------------------------------------------------------------------------------------------------------


_SIGNED_POWERS = Reduction("add", prepare=lambda x, p: x**p, wide=True)
_TORCH_LP: Mapping[str, Any] = {
    "says": MODES["lp"].says, "written": "(({+()^{p}}) / {n} * {taps})^(1/{p})", "gradient": "norm", "page": "torch-lp",
    "why": "PyTorch takes x^P without the absolute value, and scales windows clipped by ceil_mode up to the full size",
}  # fmt: skip


def _torch_lp(facts: LayerFacts) -> Mode:
    """``(avg_pool(x^p) * k)^(1/p)``: no abs, and a clipped window's mean is multiplied by the full size."""
    p = facts.layer.mode.parameter
    if math.isinf(p):
        return MODES["lp"]
    if _integer(facts) and p % 1 == 0:  # the average of whole numbers is truncated before it is scaled up again
        taps = math.prod(facts.layer.window.size)
        return Mode("lp", "(trunc(sum(x^P) / n) k)^(1/P)", (_SIGNED_POWERS,),
                    lambda total, n, p: (total // n * taps) ** (1 / p), **_TORCH_LP)  # fmt: skip
    return Mode("lp", "(sum(x^P) / n * k)^(1/P)", (_SIGNED_POWERS,),
                lambda total, n, p: (total * inflation(facts.layer, n)) ** (1 / p), **_TORCH_LP)  # fmt: skip


def _torch_without_channels(facts: LayerFacts) -> bool:
    """Whether channels are missing where it needs some; adaptive pooling needs them for maxima in 2-D and 3-D only."""
    wanted = not _kind("adaptive", "global")(facts) or _all(_mode("max"), _ndim(2, 3))(facts)
    return wanted and facts.lead[-1:] == (0,)


_torch_avg = _rounded(
    _truncated,
    "PyTorch truncates averages of whole numbers towards zero",
    written="trunc(({+}) / {n})",
    page="torch-avg",
)
TORCH = Framework(
    "torch",
    "PyTorch",
    aliases=("pytorch",),
    verified="PyTorch 2.13",
    modes={"max": _own, "min": _own, "avg": _torch_avg, "sum": _own, "lp": _torch_lp},
    rules=(
        Rule(_named("same", "same-lower"), "its pooling layers have no padding='same'",
             _cells_of_same),
        *_shared("u"),
        Rule(_wide_pads(lambda k: k // 2), "pad should be at most half of the kernel size"),
        Rule(_all(_dilated, _mode("avg", "sum", "lp")), "only its max pooling takes a dilation"),
        Rule(_all(_padded, _mode("lp")), "LPPool takes no padding"),
        Rule(_all(_ndim(1), _mode("sum")), "divisor_override, which makes a sum, exists in 2-D and 3-D only"),
        Rule(_all(_ndim(1), lambda facts: 0 in facts.layer.window.output_size),
             "an axis is kept as it is in 2-D and 3-D only"),
        *_shared("e"),
        Rule(_all(_kind("adaptive", "global"), _divided), "adaptive pooling has no divisor_override"),
        Rule(_all(_kind("adaptive", "global"), _mode("sum", "lp")), "adaptive pooling is max or average"),
        Rule(_all(_kind("fractional"), _mode("avg", "sum", "lp")), "fractional pooling is max only"),
        Rule(_all(_kind("fractional"), _ndim(1)), "fractional pooling is 2-D or 3-D"),
        Rule(lambda facts: str(facts.dtype) in ("bool", "uint16", "uint32", "uint64"),
             "pooling is not implemented for this type", _FLOATS),
        Rule(_all(_mode("avg", "sum", "lp"), _integer, lambda facts: str(facts.dtype) != "int64"),
             "int64 is the only integer type that it averages", _FLOATS),
        Rule(_all(_kind("adaptive", "global", "fractional"), _integer),
             "adaptive and fractional pooling take floating-point numbers only", _FLOATS),
        Rule(_all(_ndim(1), _integer, _maximal, _kind("sliding"), lambda facts: not facts.indices),
             "max_pool1d takes whole numbers only if it returns indices",
             Phrase("add {return_indices}, or " + _FLOATS)),
        Rule(_all(_ndim(3), _averaging, _kind("sliding"), _larger_than_input),
             "avg_pool3d requires an input, before padding, at least as large as the kernel",
             Phrase("use a smaller {size}")),
        Rule(_all(_ndim(3), _averaging, _kind("sliding"), lambda facts: str(facts.dtype) == "float16"),
             "avg_pool3d is not implemented for float16", "convert the input to float32"),
        Rule(_all(_ndim(3), _kind("fractional"), _no_room),
             "fractional_max_pool3d requires output size + kernel size - 1 to be less than the input",
             Phrase("use a smaller {output_size}")),
        Rule(_torch_without_channels, "only a batch may be empty, not the channels", "give it at least one channel"),
        *_shared("ofq"),
    ),
    count_include_pad=True,
    last_nan=True,
    signed_norm=inflation,
)  # fmt: skip

# --- Keras ------------------------------------------------------------------------------------------------------------


def _channels_last_index(where: NDArray[np.int64], shape: Sequence[int], ndim: int, _: int) -> NDArray[np.int64]:
    """TensorFlow's max_pool_with_argmax: ``(y * W + x) * C + c`` over an NHWC tensor, batch not counted."""
    import numpy as np

    lead = shape[:-ndim]
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
        *_shared("lp"),
        Rule(_dilated, "its pooling layers have no dilation"),
        *_shared("cn"),
        Rule(_divided, "its averages have no divisor_override", partial(_multiplied, program="keras")),
        Rule(_all(_kind(*_BOUNDED), _ndim(1, 3)), "tf.nn.fractional_max_pool is 2-D only"),
        *_shared("ofq"),
    ),
    channels_last=True,
    fractional=_BOUNDED[:1] * 2,
    verified="Keras 3.15",
    own_index=_channels_last_index,
    plane_index=_channels_last_plane,
)


def _within(row: Mode, facts: LayerFacts, *ends: str, **more: Any) -> Mode | None:
    """Return a row whose values do not fall below -FMAX (``max`` in `ends`) or rise above FMAX (``min``)."""
    if facts.dtype is None or facts.dtype.kind != "f" or facts.dtype.itemsize < 4:
        return None
    low, high = -FMAX if "max" in ends else None, FMAX if "min" in ends else None

    def finish(state: Any, n: Any, _: float) -> Any:
        return (state / n if row.divides else state).clip(low, high)

    return row._replace(finish=finish, **more)


# --- ONNX -------------------------------------------------------------------------------------------------------------


_LOST = "onnxruntime's comparisons lose NaN in most places, its other modes propagate it"


def _onnx_max(facts: LayerFacts) -> Mode | None:
    """Lose NaN in comparisons, as onnxruntime does; with indices, and in float64, a NaN in the first cell stays."""
    if facts.dtype is None or facts.dtype.kind != "f":
        return None
    name = facts.mode
    if _by_scalars(facts):
        cells = f"first_nan_{name}"
        return MODES[name]._replace(reductions=(), cells=cells, treats_nan=True, page=f"onnx-first-{name}", why=_LOST)
    if facts.dtype.itemsize == 2:
        return MODES[name]._replace(reductions=(_WITHOUT_NAN[name],), page=f"onnx-{name}", why=_LOST)
    return _within(MODES[name], facts, name, page=f"onnx-{name}", why="onnxruntime starts from the largest float32")


def _put_for_nan(value: float) -> Callable[[Any, float], Any]:
    def prepare(x: Any, _: float) -> Any:
        import numpy as np

        return np.where(np.isnan(x), x.dtype.type(value), x)

    return prepare


_WITHOUT_NAN: Mapping[str, Reduction] = {
    "max": Reduction("maximum", ("lowest",), _put_for_nan(-math.inf)),
    "min": Reduction("minimum", ("highest",), _put_for_nan(math.inf)),
}


def _by_scalars(facts: LayerFacts) -> bool:
    """Whether onnxruntime looks at one cell after the other."""
    wide = facts.dtype is not None and facts.dtype.itemsize == 8
    return facts.indices or wide or _dilated(facts)


def _lanes(facts: LayerFacts) -> str:
    floating = facts.mode in ("max", "min") and not _by_scalars(facts) and str(facts.dtype) == "float32"
    return "whether its MaxPool of float32 loses one depends on its place and on the width of vectors" * floating


def _in_plane(where: NDArray[np.int64], shape: Sequence[int], ndim: int, order: int) -> NDArray[np.int64]:
    """Flat in the plane, counted column by column in storage order 1."""
    return _turned(where, shape[-ndim:]) if order == 1 else where


def _turned(where: NDArray[np.int64], spatial: Sequence[int]) -> NDArray[np.int64]:
    """Count the cells of a plane along its first axis first."""
    import numpy as np

    places = np.unravel_index(where, spatial)
    return np.ravel_multi_index(places[::-1], spatial[::-1]).astype(np.int64)


def _turned_back(where: NDArray[np.int64], spatial: Sequence[int], order: int) -> NDArray[np.int64]:
    """Undo `_turned`; indices outside the plane stay there, for the message about them."""
    inside = order == 1 and ((where >= 0) & (where < math.prod(spatial))).all()
    return _turned(where, spatial[::-1]) if inside else where


def _whole_tensor_index(where: NDArray[np.int64], shape: Sequence[int], ndim: int, order: int) -> NDArray[np.int64]:
    """Flat over the whole N*C*H*W tensor, each plane counted column by column in storage order 1."""
    import numpy as np

    spatial, lead = shape[-ndim:], shape[:-ndim]
    plane = np.arange(math.prod(lead), dtype=np.int64).reshape(*lead, *[1] * ndim)
    return _in_plane(where, shape, ndim, order) + plane * math.prod(spatial)


def _within_plane(where: NDArray[np.int64], spatial: Sequence[int], order: int) -> NDArray[np.int64]:
    """Undo `_whole_tensor_index`, given the spatial shape that the indices count in."""
    import numpy as np

    lead = where.shape[: -len(spatial)]
    first = np.arange(math.prod(lead), dtype=np.int64) * math.prod(spatial)
    plane = where - first.reshape(*lead, *[1] * len(spatial))
    return _turned_back(plane, spatial, order)


ONNX = Framework(
    "onnx",
    "ONNX",
    modes={"max": _onnx_max, "min": _onnx_max, "avg": _own, "lp": _own},
    rules=(
        Rule(_wide_pads(lambda k: k - 1), "onnxruntime requires every pad to be smaller than the kernel"),
        Rule(_all(_mode("lp"), lambda facts: facts.layer.mode.parameter % 1 != 0), "LpPool's p is a whole number"),
        Rule(
            _all(_loose_same, _mode("max", "min"), lambda facts: not (facts.indices or _dilated(facts))),
            "with SAME the last window of its MaxPool must reach the end",
            Phrase("{padding} or a smaller {stride}", padding="valid"),
        ),
        Rule(
            _cropped_same,
            "with a stride so much larger than the window its SAME leaves out cells at the beginning",
            Phrase("{padding} or a smaller {stride}", padding="valid"),
        ),
        Rule(_divided, "its AveragePool has no divisor_override", partial(_multiplied, program="onnx")),
        Rule(_kind("adaptive", "fractional"), "it has no adaptive or fractional pooling operator"),
        Rule(
            _all(_integer, lambda facts: _kind("global")(facts) or facts.mode in ("avg", "lp")),
            "only its MaxPool takes whole numbers",
            _FLOATS,
        ),
        Rule(
            _all(_integer, lambda facts: str(facts.dtype) not in ("int8", "uint8")),
            "int8 and uint8 are the only integer types that MaxPool takes",
            _FLOATS,
        ),
        *_shared("f"),
    ),
    stride=1,
    unpools_implied=True,
    unpromised=_lanes,
    verified="onnxruntime 1.32",
    same_ignores_dilation=True,
    own_index=_whole_tensor_index,
    plane_index=_within_plane,
)

# --- what the runtimes below share ------------------------------------------------------------------------------------


def _types(names: str, *modes: str) -> Callable[[LayerFacts], bool]:
    """Return a condition: in these modes, the input holds whole numbers of a type not named."""
    return lambda facts: _integer(facts) and facts.mode in modes and str(facts.dtype) not in names.split()


def _every(_: LayerSpec, axes: Sequence[Axis]) -> Sequence[Axis]:
    """Count overhang as padding."""
    return [replace(axis, after=max(axis.after, *(axis.stops[-1:] or [0])) if len(axis) else 0) for axis in axes]


def _only_max(facts: LayerFacts) -> str | None:
    """Say why an average of no cells has no answer; a maximum has one."""
    return None if facts.mode in ("max", "min") else "its average of no cells depends on the shape"


def _away(total: Any, n: Any, _: float) -> Any:
    import numpy as np

    return np.sign(total) * ((2 * abs(total) + n) // (2 * n))


def _to_even(total: Any, n: Any, _: float) -> Any:
    return (total / n).round()


def _up(total: Any, n: Any, _: float) -> Any:
    return (2 * total + n) // (2 * n)


def _from_fmax(facts: LayerFacts, title: str) -> Mode | None:
    return _within(MODES[facts.mode], facts, "max", why=f"{title}'s maximum starts from -3.4e38, the lowest float32")


def _loses_nan(facts: LayerFacts, causes: str) -> str:
    return f"whether its max pooling keeps one depends on {causes}" * (facts.mode in ("max", "min"))


# --- TensorFlow -------------------------------------------------------------------------------------------------------

TENSORFLOW = Framework(
    "tensorflow",
    "TensorFlow",
    aliases=("tf",),
    verified="TensorFlow 2.21 on CPU",
    modes={
        "max": lambda facts: (
            None if _ndim(3)(facts) or facts.indices or _kind("global")(facts) else _from_fmax(facts, "TensorFlow")
        ),
        "avg": _own,
    },
    rules=(
        Rule(_all(_padded, _mode("avg")), "explicit padding is for max pooling only", pad_first),
        Rule(_all(_padded, _ndim(3)), "explicit padding is for one and two spatial axes only", pad_first),
        Rule(_wide_pads(lambda k: k - 1), "every pad has to be smaller than the window"),
        Rule(_all(_dilated, _padded), "explicit padding cannot be combined with dilations", pad_first),
        Rule(_all(_dilated, lambda facts: _named("same")(facts) or max(facts.layer.window.stride) > 1),
             "dilations require padding valid and stride 1"),
        Rule(_all(_kind(*_BOUNDED), _ndim(1, 3)), "its fractional pooling is 2-D only"),
        Rule(_types("int8 uint8 int32 int64", "max"), "its max pooling does not take this type", _FLOATS),
        Rule(_all(_integer, _mode("avg")), "its averages take floating-point numbers only", _FLOATS),
        *_shared("lcnvafmo"),
    ),
    stride=1,
    channels_last=True,
    fractional=_BOUNDED[:1] * 2,
    unpromised=lambda facts: _loses_nan(facts, "the rank, the indices and the processor"),
    own_index=_channels_last_index,
    plane_index=_channels_last_plane,
)  # fmt: skip

TENSORFLOW_OVERLAPPING = TENSORFLOW._replace(
    name="tensorflow:overlapping", title="TensorFlow (overlapping)", aliases=("tf:overlapping",),
    fractional=("fractional-overlapping",) * 2,
)  # fmt: skip

# --- LiteRT -----------------------------------------------------------------------------------------------------------


def _lite_avg(facts: LayerFacts) -> Mode | None:
    """Round away from zero in AVERAGE_POOL_2D; a global average is a MEAN, which rounds otherwise."""
    if not _kind("global")(facts):
        return _rounded(_away, "LiteRT rounds averages of whole numbers half away from zero")(facts)
    if facts.dtype is not None and facts.dtype.itemsize > 2:
        return _rounded(_truncated, "LiteRT's MEAN truncates whole numbers of 32 and 64 bits")(facts)
    return _rounded(_up, "LiteRT's MEAN rounds half up")(facts)


def _lite_xnnpack_avg(facts: LayerFacts) -> Mode | None:
    if _kind("global")(facts) and str(facts.dtype) in ("int8", "uint8"):
        return _rounded(_to_even, "LiteRT's MEAN rounds bytes half to even under XNNPACK")(facts)
    return _lite_avg(facts)


def _lite_clamped(facts: LayerFacts) -> Mode | None:
    return _within(MODES[facts.mode], facts, "max", "min", why="LiteRT's own kernels clamp infinities to 3.4e38")


def _real_unless_too_large(layer: LayerSpec, axes: Sequence[Axis]) -> Sequence[Axis]:
    """Count cells beyond the input only where VALID has a window larger than the input."""
    larger = layer.window.padding == "valid"
    return [replace(axis, before=0, after=max(axis.size - axis.length, 0) if larger else 0) for axis in axes]


LITERT = Framework(
    "litert",
    "LiteRT",
    untrained=RUNS_ONLY,
    aliases=("litert:xnnpack", "tflite"),
    verified="LiteRT 2.3 with XNNPACK, models with batch 1",
    modes={"max": _own, "avg": _lite_xnnpack_avg, "rms": _own},
    rules=(
        Rule(lambda facts: facts.lead[:1] == (0,), "its XNNPACK kernels do not take an empty batch",
             Phrase("{compat}, which answers it", compat="litert:builtin")),
        Rule(lambda facts: not facts.layer.count_include_pad and _named("valid")(facts) and _larger_than_input(facts),
             "a window larger than the input is divided by all its cells",
             Phrase("{count_include_pad}, or a smaller {size}", count_include_pad=True)),
        Rule(_all(_integer, _mode("rms")), "the result of its L2_POOL_2D for whole numbers is not known", _FLOATS),
        Rule(_all(_types("int8 uint8 int16", "max", "avg"), lambda facts: not _kind("global")(facts)),
             "its pooling takes whole numbers of type int8, uint8 and int16 only", _FLOATS),
        Rule(_all(_mode("max"), lambda facts: str(facts.dtype) == "float16"), "its MAX_POOL_2D does not take float16",
             "convert the input to float32"),
        *_shared("lpdcvarifmo2"),
    ),
    count_include_pad=True,
    counted=_real_unless_too_large,
    counting="LiteRT divides by the real cells, but by the whole window where that is larger than the input",
    channels_last=True,
    too_large="one",
    unpromised=lambda _: "its kernels turn it into -inf or a wrong maximum",
)  # fmt: skip
LITERT_BUILTIN = LITERT._replace(
    name="litert:builtin",
    title="LiteRT (builtin)",
    aliases=(),
    verified="LiteRT 2.3 without a delegate",
    modes={"max": _lite_clamped, "avg": lambda facts: _lite_avg(facts) or _lite_clamped(facts), "rms": _own},
    rules=LITERT.rules[2:],
    too_large="none",
    unpromised=lambda facts: _loses_nan(facts, "the set of kernels"),
)

# --- OpenVINO ---------------------------------------------------------------------------------------------------------


def _vino_max(facts: LayerFacts) -> Mode | None:
    """Leave out NaN and start from -FMAX; adaptive pooling keeps -inf."""
    if _kind("adaptive")(facts):
        return None
    made = _within(MODES["max"]._replace(reductions=(Reduction("fmax", ("lowest",)),)), facts, "max",
                   why="OpenVINO leaves out NaN, and its maximum starts from -3.4e38")  # fmt: skip
    if made is None or not callable(made.finish):
        return made
    finish, fill = made.finish, _put_for_nan(-FMAX)
    return made._replace(finish=lambda top, n, p: finish(fill(top, p), n, p))


def _all_or_real(layer: LayerSpec, axes: Sequence[Axis]) -> Sequence[Axis]:
    """Count the whole kernel, overhang included, if any axis is padded; else the real cells."""
    return _every(layer, axes) if any(axis.before or axis.after for axis in axes) else axes


def _vino_holes(facts: LayerFacts) -> str | None:
    counted = facts.layer.count_include_pad and (any(facts.pads) or _named("same", "same-lower")(facts))
    return None if counted else _only_max(facts)


OPENVINO = Framework(
    "openvino",
    "OpenVINO",
    untrained=RUNS_ONLY,
    aliases=("openvino:floor",),
    verified="OpenVINO 2026.4 on CPU",
    modes={"max": _vino_max, "avg": _rounded(_to_even, "OpenVINO rounds averages of bytes half to even")},
    rules=(
        Rule(_rounding_up, "its rounding has three names",
             "use openvino:ceil, which never clips, or openvino:ceil_torch instead"),
        Rule(_all(_mode("avg"), lambda facts: not facts.layer.count_include_pad, _wide_pads(lambda k: k - 1)),
             "where padding does not count, every pad has to be smaller than the window"),
        Rule(_types("int8 uint8", "avg"), "its averages take whole numbers of type int8 and uint8 only", _FLOATS),
        Rule(_all(_integer, _kind("adaptive")), "its adaptive pooling takes floating-point numbers only", _FLOATS),
        Rule(_larger_than_padded, "no window may be larger than the padded input", Phrase("use a smaller {size}")),
        *_shared("vrfm"),
    ),
    counted=_all_or_real,
    counting="OpenVINO divides by the full window size, overhang included, as soon as there is any padding that counts",
    holes=_vino_holes,
    unpromised=lambda facts: (
        "its AdaptiveMaxPool keeps one only in the first cell" * _all(_mode("max"), _kind("adaptive"))(facts)
        or "its index is not known" * facts.indices
    ),
    own_index=_whole_tensor_index,
    plane_index=_within_plane,
)  # fmt: skip
OPENVINO_CEIL = OPENVINO._replace(
    name="openvino:ceil", title="OpenVINO (ceil)", aliases=(), ceil_mode=True, rounding="whole",
    rules=OPENVINO.rules[1:],
)  # fmt: skip
OPENVINO_CEIL_TORCH = OPENVINO_CEIL._replace(
    name="openvino:ceil_torch", title="OpenVINO (ceil_torch)", rounding="clipped"
)

# --- Paddle -----------------------------------------------------------------------------------------------------------


def _begin_at_both_ends(_: LayerSpec, axes: Sequence[Axis]) -> Sequence[Axis]:
    """Count as much padding after the input as before it."""
    return [replace(axis, after=axis.before) for axis in axes]


def _signed_lp(facts: LayerFacts) -> Mode:
    """Take no absolute values, for P = inf either."""
    why = "Paddle takes x^P, and the maximum for P = inf, without the absolute value"
    if math.isinf(facts.layer.mode.parameter):
        return MODES["max"]._replace(name="lp", gradient="", why=why)
    return Mode("lp", "sum(x^P)^(1/P)", (_SIGNED_POWERS,), lambda total, _, p: total ** (1 / p),
                written="({+()^{p}})^(1/{p})", says=MODES["lp"].says, gradient="norm", why=why)  # fmt: skip


PADDLE = Framework(
    "paddle",
    "Paddle",
    verified="Paddle 3.3 on CPU",
    modes={"max": partial(_from_fmax, title="Paddle"), "avg": _own, "lp": _signed_lp},
    rules=(
        Rule(_all(_named("same"), lambda facts: facts.indices), "with return_mask its SAME leaves out the padding",
             "give " + Phrase("{padding}") + " in cells"),
        *_shared("e"),
        Rule(_all(_kind("adaptive", "global", *_DRAWN), _divided), "adaptive pooling has no divisor_override"),
        Rule(_all(_kind("adaptive", "global", *_DRAWN), _mode("lp")), "its lp pooling has sliding windows only"),
        Rule(_all(_kind(*_DRAWN), _mode("avg")), "its fractional pooling is max only"),
        Rule(_all(_kind(*_DRAWN), _ndim(1)), "its fractional pooling is 2-D or 3-D"),
        Rule(_all(_kind("fractional"), lambda facts: 1 in facts.layer.window.output_size),
             "with a size its fractional pooling divides by zero for a single output", Phrase("drop {compat}")),
        Rule(_kind(*_BOUNDED), "without a size its fractional windows have bounds rounded in single precision",
             Phrase("{size}", size=2)),
        Rule(lambda facts: bool(facts.layer.window.output_ratio), "its fractional pooling takes a number of outputs",
             Phrase("{output_size}", output_size=(7, 7))),
        Rule(_all(_ndim(3), _mode("lp")), "its lp pooling is 1-D or 2-D"),
        *_shared("dwfmol"),
    ),
    fractional=("fractional-disjoint", "fractional"),
    rounding="whole",
    counted=_begin_at_both_ends,
    counting="Paddle counts as much padding after the input as before it",
    signed_norm=lambda *_: 1,
    scales_override=True,
    holes=lambda facts: (
        None if facts.layer.count_include_pad and not facts.layer.window.ceil_mode else _only_max(facts)
    ),
    unpromised=lambda facts: _loses_nan(facts, "its place and on return_mask"),
)  # fmt: skip

# --- Flax -------------------------------------------------------------------------------------------------------------


def _flax_avg(facts: LayerFacts) -> Mode | None:
    """Sum whole numbers in their own type, where they wrap, and divide in float32."""
    if not _integer(facts):
        return None
    dtype = facts.dtype

    def finish(total: Any, n: Any, _: float) -> Any:
        return total.astype("int64").astype(dtype).astype("float32") / n

    return MODES["avg"]._replace(finish=finish, result="float32",
                   why="Flax sums whole numbers in their own type, where a sum can wrap around")  # fmt: skip


FLAX = Framework(
    "flax",
    "Flax",
    aliases=("jax",),
    verified="Flax 0.12 on JAX 0.10, CPU",
    modes={"max": _own, "min": _own, "avg": _flax_avg},
    rules=(
        Rule(lambda facts: str(facts.dtype) in ("int64", "uint64"), "JAX holds 64-bit whole numbers only if asked to",
             "convert the input to int32 or to floating-point numbers"),
        *_shared("dcvarifmo"),
    ),
    stride=1,
    count_include_pad=True,
    counted=_every,
    counting="Flax divides by the full window size",
    unpromised=lambda facts: "where its gradient goes is not known" * facts.indices,
    channels_last=True,
    too_large="none",
    holes=lambda _: None,
)  # fmt: skip

# --- from documents ---------------------------------------------------------------------------------------------------


def _untold(_: LayerFacts) -> str:
    return "its documents do not mention it"


COREML = Framework(
    "coreml",
    f"Core ML ({NOT_RUN})",
    untrained=RUNS_ONLY,
    verified=DOCUMENTED,
    modes={"max": _own, "avg": _own},
    rules=(
        Rule(_all(_rounding_up, _uneven), "ceil_mode requires the same padding on both sides"),
        Rule(_all(_rounding_up, _named("same")), "ceil_mode cannot be combined with padding same"),
        Rule(_all(_rounding_up, _ndim(3)), "ceil_mode is 1-D or 2-D"),
        *_shared("dvarifmow"),
    ),
    stride=1,
    count_include_pad=True,
    rounding="clipped-if-padded",
    counted=_every,
    counting="Core ML divides by the full window size, overhang included",
    unpromised=_untold,
)  # fmt: skip
TENSORRT = Framework(
    "tensorrt",
    f"TensorRT ({NOT_RUN})",
    untrained=RUNS_ONLY,
    verified=DOCUMENTED,
    modes={"max": _own, "avg": _own},
    rules=(
        Rule(_all(_rounding_up, lambda facts: facts.layer.count_include_pad),
             "its documents do not say whether overhang counts"),
        Rule(_ndim(1), "its pooling is 2-D or 3-D"),
        *_shared("dvarifmow"),
    ),
    rounding="whole",
    unpromised=_untold,
)  # fmt: skip
CAFFE = Framework(
    "caffe",
    f"Caffe ({NOT_RUN})",
    untrained="its gradients have not been compared",
    verified=DOCUMENTED,
    modes={"max": partial(_from_fmax, title="Caffe"), "avg": _own},
    rules=(
        Rule(_wide_pads(lambda k: k - 1), "every pad has to be smaller than the window"),
        Rule(_named("same", "same-lower"), "it has no padding same", "give " + Phrase("{padding}") + " in cells"),
        Rule(_ndim(1, 3), "its pooling is 2-D"),
        Rule(lambda facts: not facts.layer.count_include_pad and _bordered(facts),
             "padding always counts in its averages",
             Phrase("{count_include_pad}", count_include_pad=True)),
        *_shared("udvarifmow"),
    ),
    stride=1,
    ceil_mode=True,
    count_include_pad=True,
    rounding="clipped-if-padded",
    holes=_only_max,
    unpromised=_untold,
)  # fmt: skip

OWN = Framework(
    "poolcli",
    "poolcli",
    modes=dict.fromkeys(MODES, _own),
    rules=(),
    own_index=_in_plane,
    plane_index=_turned_back,
)
_ROWS = (
    TORCH, KERAS, ONNX, TENSORFLOW, TENSORFLOW_OVERLAPPING, LITERT, LITERT_BUILTIN, OPENVINO, OPENVINO_CEIL,
    OPENVINO_CEIL_TORCH, PADDLE, FLAX, COREML, TENSORRT, CAFFE,
)  # fmt: skip
# frameworks without a row though their answers are known: why, and what comes nearest
WITHOUT_ROW: Mapping[str, tuple[str, str | Phrase]] = {
    "mlx": ("MLX: too few people port to it to keep its row up to date",
            "where a layer sets its stride, " + Phrase("{compat} gives the same values of floats", compat=FLAX.name)),
    "tinygrad": ("tinygrad: its NaN and its indices depend on the device",
                 "within PyTorch's limits " + Phrase("{compat} gives the same values of floats", compat=TORCH.name)),
    "lax": ("lax.reduce_window: it is not pooling alone, and has gaps between the inputs",
            Phrase("{compat} follows the layers made of it", compat=FLAX.name)),
    "tensorflow:xla": ("TensorFlow's jit_compile: it starts a maximum from -inf and loses NaN, and more is not known",
                       Phrase("{compat} follows its own kernels", compat=TENSORFLOW.name)),
}  # fmt: skip
FRAMEWORKS: Mapping[str, Framework] = {row.name: row for row in _ROWS}
OTHER_NAMES: Mapping[str, str] = {alias: row.name for row in _ROWS for alias in row.aliases}


def framework_names() -> list[str]:
    """Return every name that leads to a framework."""
    return [*FRAMEWORKS, *OTHER_NAMES]

"""How each peer computes a case: a function from case and input to a call without arguments, or None if it cannot."""

from __future__ import annotations

import importlib.util
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from benchmarks.cases import GLOBAL, KERNELS, Case

Array = NDArray[Any]
Call = Callable[[], Any]


def _float(x: Array) -> Array:
    return x if x.dtype.kind == "f" else x.astype(np.float32)


# --- plain NumPy, also the tests' reference ---------------------------------------------------------------------------


def windows(case: Case, x: Array) -> tuple[Array, tuple[int, ...]]:
    """Return a view or copy whose last axes are the cells of each window, padding as NaN, and those axes."""
    if case.size == GLOBAL:
        return x, (-2, -1)
    k, s, d = case.size, case.stride, case.options.get("dilation", 1)
    before = after = {"same": (k - 1) // 2}.get(case.options.get("padding", 0), case.options.get("padding", 0))
    if case.options.get("ceil_mode"):
        after += max(-(x.shape[-1] - k) % s, -(x.shape[-2] - k) % s)
    if before or after:
        fill = 0 if case.options.get("count_include_pad") else np.nan
        x = np.pad(_float(x), [(0, 0)] * (x.ndim - 2) + [(before, after)] * 2, constant_values=fill)
    elif k == s:
        rows, columns = x.shape[-2] // k, x.shape[-1] // k
        blocks = x[..., : rows * k, : columns * k].reshape(*x.shape[:-2], rows, k, columns, k)
        return blocks, (-3, -1)
    reach = (k - 1) * d + 1
    return sliding_window_view(x, (reach, reach), axis=(-2, -1))[..., ::s, ::s, ::d, ::d], (-2, -1)


def numpy_call(case: Case, x: Array) -> Call | None:
    """Compute with a reduction over a view of all windows."""
    if case.kernel:
        kernel = np.array(KERNELS[case.kernel], x.dtype if x.dtype.kind == "f" else np.int64)
        if x.dtype.kind != "f" and "gaussian" in case.kernel:
            kernel = np.array(KERNELS[case.kernel])
        return lambda: np.einsum("...ij,ij->...", sliding_window_view(x, kernel.shape, axis=(-2, -1)), kernel)
    if "return_indices" in case.options:
        return None
    padded = bool({"padding", "ceil_mode"} & set(case.options)) or case.options.get("nan") == "ignore"
    reduce = _REDUCTIONS[case.mode]["ignoring" if padded else "plain"]
    keep = {"keepdims": True} if case.size == GLOBAL else {}

    def call() -> Array:
        cells, axes = windows(case, x)
        return reduce(cells, axis=axes, **keep)

    return call


def _spread(cells: Array, **options: Any) -> Array:
    spread: Array = cells.max(**options) - cells.min(**options)
    return spread


def _norm(cells: Array, **options: Any) -> Array:
    norm: Array = np.sqrt(np.square(_float(cells)).sum(**options))
    return norm


def _std(cells: Array, **options: Any) -> Array:
    deviation: Array = cells.std(**options, dtype=np.float64)
    return deviation


def _ninetieth(cells: Array, **options: Any) -> Array:
    most: Array = np.percentile(cells, 90, **options)
    return most


def _most_frequent(cells: Array, axis: tuple[int, int]) -> Array:
    rows = np.moveaxis(cells, axis, (-2, -1)).reshape(-1, cells.shape[axis[0]] * cells.shape[axis[1]])
    most = [Counter(row).most_common(1)[0][0] for row in rows.tolist()]  # of several the one seen first
    return np.array(most, cells.dtype)


_REDUCTIONS: Mapping[str, Mapping[str, Callable[..., Array]]] = {
    "max": {"plain": np.max, "ignoring": np.nanmax},
    "avg": {"plain": np.mean, "ignoring": np.nanmean},
    "sum": {"plain": np.sum},
    "std": {"plain": _std},
    "lp:2": {"plain": _norm},
    "range": {"plain": _spread},
    "median": {"plain": np.median},
    "percentile:90": {"plain": _ninetieth},
    "majority": {"plain": _most_frequent},
}


# --- frameworks -------------------------------------------------------------------------------------------------------


def torch_call(case: Case, x: Array) -> Call | None:
    """Compute with torch, channels as they are."""
    import torch
    from torch.nn import functional as F  # noqa: N812 - as everybody calls it

    if "nan" in case.options:
        return None
    t = torch.from_numpy(x)
    t = t if t.ndim == 4 else t[None, None]
    pads, dilation = case.options.get("padding", 0), case.options.get("dilation", 1)
    window: dict[str, Any] = {
        "kernel_size": case.size,
        "stride": case.stride,
        "padding": (case.size - 1) // 2 if pads == "same" else pads,
        "ceil_mode": case.options.get("ceil_mode", False),
    }

    def cells(u: Any) -> Any:
        return u.unfold(2, case.size, case.stride).unfold(3, case.size, case.stride).flatten(4)

    def real(u: Any) -> Any:
        return u if u.is_floating_point() else u.float()

    def conv(u: Any) -> Any:
        flat = real(u).reshape(-1, 1, *u.shape[2:])
        return F.conv2d(flat, torch.tensor(KERNELS[case.kernel], dtype=torch.float32)[None, None])

    if case.kernel:
        return lambda: conv(t)
    if case.size == GLOBAL:
        whole: dict[str, Call] = {"max": lambda: t.amax((2, 3)), "avg": lambda: real(t).mean((2, 3))}
        return whole[case.mode]
    if dilation > 1 and case.mode != "max":
        return None
    max_pool: Any = F.max_pool2d  # its overloads want a literal
    calls: dict[str, Call] = {
        "max": lambda: max_pool(t, **window, dilation=dilation, return_indices="return_indices" in case.options),
        "avg": lambda: F.avg_pool2d(real(t), **window, count_include_pad="count_include_pad" in case.options),
        "sum": lambda: F.avg_pool2d(real(t), **window, divisor_override=1),
        "lp:2": lambda: F.lp_pool2d(real(t), 2, case.size, case.stride),
        "std": lambda: cells(real(t)).std(-1, correction=0),
        "range": lambda: F.max_pool2d(t, **window) + F.max_pool2d(-real(t), **window).to(real(t).dtype),
        "median": lambda: cells(t).median(-1).values,
    }
    return calls.get(case.mode)


def onnxruntime_call(case: Case, x: Array) -> Call | None:
    """Compute with onnxruntime, one node."""
    import onnx
    import onnxruntime

    node = _onnx_node(case)
    if node is None:
        return None
    name, attributes, weights = node
    four = x.reshape(*((1, 1) if x.ndim == 2 else ()), *x.shape)
    four = four.reshape(-1, 1, *four.shape[2:]) if case.kernel else four
    four = four if name == "MaxPool" else _float(four)
    kind = onnx.helper.np_dtype_to_tensor_dtype(four.dtype)
    outputs = ["y", "i"] if "return_indices" in case.options else ["y"]
    kinds = {"y": kind, "i": onnx.TensorProto.INT64}
    graph = onnx.helper.make_graph(
        [onnx.helper.make_node(name, ["x", *(["w"] if weights is not None else [])], outputs, **attributes)],
        "case",
        [onnx.helper.make_tensor_value_info("x", kind, four.shape)],
        [onnx.helper.make_tensor_value_info(output, kinds[output], None) for output in outputs],
        [onnx.numpy_helper.from_array(weights, "w")] if weights is not None else [],
    )
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 21)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def call() -> Any:
        made_real = four if name == "MaxPool" or x.dtype.kind == "f" else _float(x).reshape(four.shape)
        values = session.run(None, {"x": made_real})
        return values[0] if len(values) == 1 else tuple(values)

    return call


def _onnx_node(case: Case) -> tuple[str, dict[str, Any], Array | None] | None:
    if "nan" in case.options or case.mode not in ("max", "avg", "lp:2", "conv"):
        return None
    if case.kernel:
        return "Conv", {}, np.array(KERNELS[case.kernel], np.float32)[None, None]
    if case.size == GLOBAL:
        return {"max": "GlobalMaxPool", "avg": "GlobalAveragePool"}[case.mode], {}, None
    pads = case.options.get("padding", 0)
    pads = (case.size - 1) // 2 if pads == "same" else pads
    attributes = {"kernel_shape": [case.size] * 2, "strides": [case.stride] * 2, "pads": [pads] * 4}
    if case.options.get("ceil_mode"):
        attributes["ceil_mode"] = 1  # type: ignore[assignment]  # one number among lists
    if "count_include_pad" in case.options:
        attributes["count_include_pad"] = 1  # type: ignore[assignment]  # as above
    if "dilation" in case.options:
        attributes["dilations"] = [case.options["dilation"]] * 2
    return {"max": "MaxPool", "avg": "AveragePool", "lp:2": "LpPool"}[case.mode], attributes, None


# --- array and image libraries ----------------------------------------------------------------------------------------


def _inner(case: Case, array: Array) -> Array:
    """Cut what a filter makes of every cell to the windows that lie inside, a stride apart."""
    k, s = case.size if not case.kernel else len(KERNELS[case.kernel]), case.stride
    first = k // 2
    rows, columns = (length - k + 1 for length in array.shape[-2:])
    return array[..., first : first + rows : s, first : first + columns : s]


def scipy_call(case: Case, x: Array) -> Call | None:
    """Compute with scipy.ndimage at every cell, then keep the windows."""
    from scipy import ndimage

    if case.mode == "avg" and case.options == {"padding": "same", "count_include_pad": True}:
        return lambda: ndimage.uniform_filter(x, case.size, mode="constant")
    if case.options or case.mode in ("lp:2", "std") or (case.size == GLOBAL and not case.kernel):
        return None
    if case.kernel:
        kernel = np.array(KERNELS[case.kernel])
        kernel = kernel if x.ndim == 2 else kernel[None, None]
        return lambda: _inner(case, ndimage.correlate(_float(x), kernel))
    size = (1,) * (x.ndim - 2) + (case.size,) * 2
    calls: dict[str, Call] = {
        "max": lambda: _inner(case, ndimage.maximum_filter(x, size)),
        "avg": lambda: _inner(case, ndimage.uniform_filter(_float(x), size)),
        "sum": lambda: _inner(case, ndimage.uniform_filter(_float(x), size)) * np.float32(case.size**2),
        "range": lambda: _inner(case, ndimage.maximum_filter(x, size) - ndimage.minimum_filter(x, size)),
        "median": lambda: _inner(case, ndimage.median_filter(x, size)),
        "percentile:90": lambda: _inner(case, _between_ranks(x, size)),
    }
    return calls.get(case.mode)


def _between_ranks(x: Array, size: tuple[int, ...]) -> Array:
    """Return the 90th percentiles from two ranks, because SciPy's own are the nearest rank, other values."""
    from scipy import ndimage

    low, share = divmod(0.9 * (np.prod(size) - 1), 1)
    below, above = (ndimage.rank_filter(x, int(low) + more, size).astype(np.float64) for more in (0, 1))
    between: Array = below + share * (above - below)
    return between


def skimage_call(case: Case, x: Array) -> Call | None:
    """Compute with skimage.measure.block_reduce."""
    from skimage.measure import block_reduce

    functions = {"max": np.max, "avg": np.mean, "sum": np.sum, "std": np.std, "median": np.median}
    if case.size != case.stride or case.options or case.kernel or case.mode not in functions or case.size == GLOBAL:
        return None
    block = (1,) * (x.ndim - 2) + (case.size,) * 2
    return lambda: block_reduce(x, block, functions[case.mode])


def pillow_call(case: Case, x: Array) -> Call | None:
    """Compute with Pillow, where its filters give the same."""
    from PIL import Image, ImageFilter

    if x.ndim != 2 or case.options or case.kernel or case.size == GLOBAL:
        return None
    picture = Image.fromarray(x)
    if case.mode == "avg" and case.size == case.stride and x.dtype.kind == "f":
        return lambda: np.asarray(picture.reduce(case.size))
    filters = {"max": ImageFilter.MaxFilter, "median": ImageFilter.MedianFilter}
    if case.mode in filters and case.size % 2 and case.size < 12:
        return lambda: _inner(case, np.asarray(picture.filter(filters[case.mode](case.size))))
    return None


def opencv_call(case: Case, x: Array) -> Call | None:
    """Compute with OpenCV, where it has the same thing."""
    import cv2

    if x.ndim != 2 or set(case.options) - {"padding"}:
        return None
    if case.kernel:
        kernel = np.array(KERNELS[case.kernel], np.float32)
        depth = cv2.CV_32F
        return lambda: _inner(case, cv2.filter2D(x, depth, kernel))
    if case.size == GLOBAL:
        return {"max": lambda: cv2.minMaxLoc(x)[1], "avg": lambda: cv2.mean(x)[0]}[case.mode]
    k = (case.size, case.size)
    depth = cv2.CV_32F if x.dtype == np.float32 else cv2.CV_64F
    element = np.ones(k, np.uint8)
    cut = (lambda array: array[:: case.stride, :: case.stride]) if case.options else (lambda array: _inner(case, array))
    if case.options and case.mode != "max":
        return None
    if case.mode == "avg" and case.size == case.stride and x.dtype.kind == "f":
        target = (x.shape[1] // case.size, x.shape[0] // case.size)
        return lambda: cv2.resize(x, target, interpolation=cv2.INTER_AREA)
    if case.mode == "median" and case.size > 5 and x.dtype != np.uint8:
        return None
    calls: dict[str, Call] = {
        "max": lambda: cut(cv2.dilate(x, element)),
        "avg": lambda: cut(cv2.boxFilter(x, depth, k)),
        "sum": lambda: cut(cv2.boxFilter(x, depth, k, normalize=False)),
        "lp:2": lambda: cut(np.sqrt(cv2.sqrBoxFilter(x, depth, k, normalize=False))),
        "range": lambda: cut(cv2.subtract(cv2.dilate(x, element), cv2.erode(x, element))),
        "median": lambda: cut(cv2.medianBlur(x, case.size)),
    }
    return calls.get(case.mode)


PEERS: Mapping[str, tuple[str, Callable[[Case, Array], Call | None]]] = {
    "numpy": ("numpy", numpy_call),
    "torch": ("torch", torch_call),
    "onnxruntime": ("onnxruntime", onnxruntime_call),
    "scipy": ("scipy", scipy_call),
    "skimage": ("skimage", skimage_call),
    "pillow": ("PIL", pillow_call),
    "opencv": ("cv2", opencv_call),
}


def installed() -> list[str]:
    """Return the names of the peers that can be imported."""
    needs = {"onnxruntime": ("onnx",)}
    return [
        name
        for name, (module, _) in PEERS.items()
        if all(importlib.util.find_spec(needed) for needed in (module, *needs.get(name, ())))
    ]

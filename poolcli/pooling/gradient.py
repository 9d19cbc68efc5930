"""The way back: `unpool` from recorded indices, and the gradient that pooling sends back to each input cell."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolcli.arrays import as_array
from poolcli.errors import InputError, ShapeError, UsageError, in_our_words
from poolcli.kernels.fold import window_counts
from poolcli.pooling.api import layer_for
from poolcli.pooling.compute import Divisors
from poolcli.pooling.fill import copied_from, fill, first_place
from poolcli.pooling.framework import LayerFacts
from poolcli.pooling.layer import Pooling, numbering
from poolcli.pooling.modes import MODES, parse_mode
from poolcli.pooling.options import INDICES, OPTIONS, Options, Size, accepts, as_lists
from poolcli.system.limits import check_memory
from poolcli.window import Axis, output_shape, recorded_window, times
from poolcli.wording import Phrase, Typed, safe

Array = NDArray[Any]


@in_our_words({"shape": accepts(INDICES, (4, 4))})
def unpool(values: ArrayLike, indices: ArrayLike, shape: Sequence[int]) -> Array:
    """Put values back where they came from; every other cell is zero.

    Parameters
    ----------
    values : array_like, shape (leading..., windows...)
        What pooling returned.
    indices : array_like of int, same shape
        Flat within one spatial plane of the result, as `poolcli.pool` returns them.
    shape : sequence of int
        The lengths of the spatial axes of the result, one for each; or the whole shape ``(N, C, ...)`` of a batch.

    Returns
    -------
    ndarray, shape (leading..., spatial...), of the values' type
        Where two windows shared a maximum, the later one in row-major order is written last.

    Raises
    ------
    ShapeError
        If `values` and `indices` differ in shape.
    InputError
        If an index is outside of the result; the first bad one is named.

    Examples
    --------
    >>> unpool([[6, 9]], [[2, 1]], (2, 2))
    array([[0, 9],
           [6, 0]])
    """
    array, where = as_array(values), as_array(indices)
    if array.shape != where.shape:
        raise ShapeError(
            f"values of shape {times(array.shape)} and indices of shape {times(where.shape)} do not match",
            "every value needs one index",
        )
    if where.dtype.kind not in "iu":
        raise InputError(f"indices of type {where.dtype} are not whole numbers", "give them as integers, such as int64")
    if isinstance(shape, int):
        raise ShapeError(f"{shape} is not a shape", "give the length of each spatial axis of the result")
    if 3 < len(shape) == array.ndim and tuple(shape[:2]) == array.shape[:2]:
        shape = shape[2:]
    if not 1 <= len(shape) <= min(3, array.ndim) or min(shape) < 1:
        raise ShapeError(f"{times(shape) or 'nothing'} is not a shape for values of shape {times(array.shape)}",
                         "give the length of each spatial axis of the result")  # fmt: skip
    cells = math.prod(shape)
    wrong = (where < 0) | (where >= cells)
    if wrong.any():
        place = first_place(wrong)
        raise InputError(
            f"index {where[place]} at {place} is outside of {times(shape)}, which has the cells 0 to {cells - 1}",
            "give the shape that was pooled",
        )
    lead = array.shape[: -len(shape)]
    check_memory(
        array.itemsize * cells * math.prod(lead), f"an output of {times((*lead, *shape))}", "use a smaller one"
    )
    planes = np.zeros((math.prod(lead), cells), dtype=array.dtype)
    lined = len(planes), math.prod(array.shape[len(lead) :])  # not -1, which an empty batch leaves open
    np.put_along_axis(planes, where.reshape(lined).astype(np.int64), array.reshape(lined), axis=1)
    return planes.reshape(*lead, *shape)


def unpool_as(values: Array, indices: Array, ndim: int, known: Mapping[str, Any]) -> Array:
    """Undo pooling given its record; the indices are as the framework ``known["compat"]`` counts them.

    The record has the ``shape`` of the pooled input, or ``size``, ``stride``, ``padding`` and ``output_size`` to infer
    it; and ``compat`` and ``storage_order``.
    """
    spatial = values.shape[-ndim:]
    _check_known(known)
    order = int(known.get("storage_order") or 0)
    framework = numbering(known.get("compat"), order)
    target = known.get("output_size")
    shape = known.get("shape")
    implied = tuple(shape if isinstance(shape, list | tuple) else [shape]) if shape else implied_shape(spatial, known)
    grows = framework is not None and framework.unpools_implied
    implied = implied if grows else _overruled(implied, target, known)
    made = unpool(values, framework.plane_index(indices, implied, order) if framework else indices, implied)
    return _grown(made, tuple(target)) if grows and target else made


def _overruled(implied: tuple[int, ...], target: Sequence[int] | None, known: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the shape in which the indices count: the one asked for, unless the record of pooling has another."""
    if target and known.get("shape") and tuple(target) != implied:
        raise ShapeError(
            f"the indices refer to an input of {times(implied)}, not of {times(target)}", Phrase("drop {output_size}")
        )
    return tuple(target) if target else implied


AS_JSON = Typed(Phrase(" {json}"))
AGAIN = Phrase("pool again with {return_indices}{as_json}, or give {size} and {stride}", as_json=AS_JSON)


def _check_known(known: Mapping[str, Any]) -> None:
    """Refuse an impossible record of pooling, which may come from any file."""
    for name in ("shape", "size", "stride", "output_size"):
        value = known.get(name)
        lengths = value if isinstance(value, list | tuple) else [value]
        whole = all(isinstance(length, int) and not isinstance(length, bool) and length > 0 for length in lengths)
        if value is not None and not whole:
            raise InputError(f"{name} {safe(repr(value))} of the pooling to undo is not in whole numbers of at least 1",
                             AGAIN)  # fmt: skip
    for option in OPTIONS:
        value = known.get(option.json)
        if value is not None and not option.kind.fits(as_lists(value)):
            raise InputError(f"{option.json} {safe(repr(value))} of the pooling to undo is not {option.kind.text}",
                             AGAIN)  # fmt: skip


def implied_shape(spatial: Sequence[int], known: Mapping[str, Any]) -> tuple[int, ...]:
    """Return the smallest input that the windows cover, ``(o - 1) s - 2 p + k``, PyTorch's and ONNX's rule."""
    window = recorded_window(len(spatial), known)
    pads = [(0, 0)] * len(spatial) if isinstance(window.padding, str) else window.padding
    return tuple(
        (number - 1) * stride - sum(pad) + size
        for number, stride, pad, size in zip(spatial, window.stride, pads, window.size, strict=True)
    )


def _grown(planes: Array, target: Sequence[int]) -> Array:
    """Add zeros at the end, as ONNX's MaxUnpool does for a larger output shape."""
    old = planes.shape[-len(target) :]
    more = [new - length for new, length in zip(target, old, strict=True)]
    if min(more) < 0:
        what = f"an output of {times(target)} is smaller than the {times(old)} that the window implies"
        raise ShapeError(what, Phrase("leave out {output_size}, or give one at least as large"))
    return np.pad(planes, [(0, 0)] * (planes.ndim - len(target)) + [(0, n) for n in more])


def grad_array(
    array: Array, upstream: ArrayLike | None, mode: str, size: Size, ndim: int | None, options: Options
) -> Array:
    """Return the gradient at an array, with the arguments of `poolcli.grad`."""
    return gradient(layer_for(array, mode, size, ndim, options), array, upstream)


def gradient(layer: Pooling, x: Array, upstream: ArrayLike | None = None) -> Array:
    """Return the gradient of `layer` at `x`; see `poolcli.grad`."""
    if layer.framework and layer.framework.untrained:
        why = f"{layer.framework.title} has no gradients: {layer.framework.untrained}"
        raise UsageError(why, Phrase("drop {compat}"))
    way = layer.row().gradient
    if not way:
        known = ", ".join(row.name for row in MODES.values() if row.gradient)
        raise UsageError(f"mode {layer.mode} has no gradient here", f"modes with one: {known}")
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    x = x.astype(np.float64) if layer.compat else x  # frameworks differentiate floating-point numbers only
    lead, spatial = x.shape[: -layer.ndim], x.shape[-layer.ndim :]
    axes = layer.plan(spatial)
    shape = output_shape(lead, axes)
    arriving = np.ones(shape) if upstream is None else as_array(upstream).astype(np.float64)
    if arriving.shape != shape:
        raise ShapeError(
            f"an upstream gradient of shape {times(arriving.shape)} does not fit an output of {times(shape)}",
            f"give one number for each value of the output: {times(shape)}",
        )
    layer.apply(x[:1] if lead else x)  # refuses what pooling refuses
    if layer.framework:
        layer.framework.check_nan(LayerFacts(layer, x.dtype, indices=way == "winner"), x)
    with np.errstate(all="ignore"):
        return GRADIENTS[way](layer, x, axes, arriving).astype(dtype, copy=False)


def _of_winner(layer: Pooling, x: Array, axes: Sequence[Axis], arriving: Array) -> Array:
    """Send each gradient to the cell that won."""
    if layer.pad_fill != "ignore":
        raise UsageError("a gradient of max or min cannot go to filled padding", Phrase("drop {pad_fill}"))
    framework = layer.framework
    unnumbered = framework is not None and not framework.last_nan  # its refusals of indices do not concern gradients
    _, where = (replace(layer, compat=None) if unnumbered else layer).traced(x)
    cells = math.prod(axis.length for axis in axes)
    planes = math.prod(x.shape[: -len(axes)])
    flat = np.asarray(where).reshape(planes, -1) + np.arange(planes)[:, None] * cells
    return np.bincount(flat.ravel(), arriving.ravel(), planes * cells).reshape(x.shape)


def _of_sum(layer: Pooling, x: Array, axes: Sequence[Axis], arriving: Array) -> Array:
    """Send each gradient to every cell of its window."""
    if layer.pad_fill == "ignore":
        sent = _back(arriving, axes)
    else:
        _, filled = fill(x[:0] if x.ndim > len(axes) else x, axes, layer.pad_fill)
        sent = _unfilled(_back(arriving, filled), axes, layer.pad_fill)
    return np.where(np.isnan(x), 0, sent) if layer.nan == "ignore" else sent


def _of_avg(layer: Pooling, x: Array, axes: Sequence[Axis], arriving: Array) -> Array:
    """Send an equal share of each gradient to every cell of its window."""
    counted = axes if layer.pad_fill == "ignore" else tuple(axis.filled() for axis in axes)
    divisors, everywhere = Divisors(layer, layer.counted(counted)), [slice(0, len(axis)) for axis in axes]
    n = divisors.of(everywhere, arriving.dtype)
    if layer.nan == "ignore":
        counting = replace(layer, mode=parse_mode("sum"), compat=None, nan="propagate")
        there = counting.apply((~np.isnan(x)).astype(np.float64))[0]
        n = divisors.of_those(there, everywhere, arriving.dtype)
    return _of_sum(layer, x, axes, arriving / n)


def _of_lp(layer: Pooling, x: Array, axes: Sequence[Axis], arriving: Array) -> Array:
    """Send sign(x) (|x| / y)^(p - 1), and nothing where y is 0, which would give NaN."""
    p, x = layer.mode.parameter, x.astype(np.float64)
    if math.isinf(p):
        return _of_winner(replace(layer, mode=parse_mode("max"), compat=None), np.abs(x), axes, arriving) * np.sign(x)
    values = layer.apply(x)[0]
    scaled = np.where(values == 0, 0, arriving * values ** (1 - p))
    if layer.framework and layer.framework.signed_norm:
        n = window_counts(axes, [slice(0, len(axis)) for axis in axes])
        return _of_sum(layer, x, axes, scaled * layer.framework.signed_norm(layer, n)) * x ** (p - 1)
    return _of_sum(layer, x, axes, scaled) * np.sign(x) * np.where(x == 0, 0, np.abs(x) ** (p - 1))


GRADIENTS: Mapping[str, Callable[[Pooling, Array, Sequence[Axis], Array], Array]] = {
    "winner": _of_winner,
    "average": _of_avg,
    "sum": _of_sum,
    "norm": _of_lp,
}


def _back(arriving: Array, axes: Sequence[Axis]) -> Array:
    """Add the gradient of every window to each of its real cells, one axis after the other."""
    for position, axis in enumerate(axes):
        moved = np.moveaxis(arriving, position - len(axes), 0)
        sent = np.zeros((axis.length, *moved.shape[1:]))
        if len(axis) <= axis.size:
            for window in range(len(axis)):
                cells = axis.cells(window)
                first = next((cell for cell in cells if cell >= 0), axis.length)
                sent[first : max(min(cells.stop, axis.length), 0) : axis.dilation] += moved[window]
        else:
            starts, stops = np.asarray(axis.starts), np.asarray(axis.stops)
            for tap in range(axis.size):
                cell = starts + tap * axis.dilation
                real = (cell >= 0) & (cell < np.minimum(stops, axis.length))
                np.add.at(sent, cell[real], moved[real])
        arriving = np.moveaxis(sent, 0, position - len(axes))
    return arriving


def _unfilled(sent: Array, axes: Sequence[Axis], pad_fill: str | float) -> Array:
    """Send the gradients of filled padding on to the cells of which it is a copy; a number is a copy of none."""
    for position, axis in enumerate(axes):
        moved = np.moveaxis(sent, position - len(axes), 0)
        origin = copied_from(np.arange(-axis.before, axis.length + axis.after), axis.length, pad_fill)
        back = np.zeros((axis.length, *moved.shape[1:]))
        np.add.at(back, origin[origin >= 0], moved[origin >= 0])
        sent = np.moveaxis(back, 0, position - len(axes))
    return sent

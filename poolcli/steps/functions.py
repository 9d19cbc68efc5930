"""The steps as functions of what people hold: arrays, tensors, data frames, pictures, and feature maps.

An array gives an array, a feature map gives a feature map with one more step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Unpack, overload

import numpy as np

from poolcli.arrays import Array, Held, as_array
from poolcli.errors import UsageError, in_our_words
from poolcli.featuremap import FeatureMap
from poolcli.formats.objects import feature_map_of, knows_axes
from poolcli.pooling import convolution
from poolcli.pooling.api import pool_array
from poolcli.pooling.filters import find_filter
from poolcli.pooling.gradient import grad_array
from poolcli.pooling.layer import Indices
from poolcli.pooling.options import ACCEPTS, FLAG, NUMBER, Options, Size, accepts, described
from poolcli.steps.steps import ConvStep, GradStep, PoolStep, ReluStep, Step
from poolcli.window import Padding
from poolcli.wording import Phrase


def _through(step: Step, x: Any, layout: str | None) -> Any:
    """Apply a step to anything: a map gives a map, all else gives values with their axes in the given order."""
    made = step.apply(feature_map_of(x, layout))
    if isinstance(x, FeatureMap):
        return made
    return made.array if made.indices is None else (made.array, made.in_layout(made.indices))


def _without_ndim(ndim: int | None) -> None:
    if ndim is not None:
        raise UsageError("the layout says how many axes are spatial", Phrase("drop {ndim}"))


@overload
def pool(
    x: FeatureMap, mode: str = ..., size: Size = ..., *, return_indices: bool = ..., **options: Unpack[Options]
) -> FeatureMap: ...


@overload
def pool(
    x: Held,
    mode: str = ...,
    size: Size = ...,
    *,
    ndim: int | None = ...,
    layout: str | None = ...,
    return_indices: Literal[False] = ...,
    **options: Unpack[Options],
) -> Array: ...


@overload
def pool(
    x: Held,
    mode: str = ...,
    size: Size = ...,
    *,
    ndim: int | None = ...,
    layout: str | None = ...,
    return_indices: Literal[True],
    **options: Unpack[Options],
) -> tuple[Array, Indices]: ...


@in_our_words({**ACCEPTS, "return_indices": accepts(FLAG, True)})
def pool(
    x: Any,
    mode: str = "max",
    size: Size = None,
    *,
    ndim: int | None = None,
    layout: str | None = None,
    return_indices: bool = False,
    **options: Unpack[Options],
) -> Any:
    """Pool the windows of the last one to three axes.

    Parameters
    ----------
    x : array_like, shape (leading..., spatial...), FeatureMap, or PIL.Image
        Booleans, integers or floating-point numbers up to 64 bits: nested lists, arrays, tensors, data frames. Masked
        values are missing, as NaN. Leading axes (batch, channel) stay. Maps and pictures know their own axes: those of
        a picture are rows, columns, and channels if it has colours (alpha is dropped).
    mode : str
        A name of `poolcli.pooling.modes.MODES`, with its parameter after a colon: ``max``, ``avg``, ``lp:3``.
        ``global-NAME`` is NAME with `global_window`.
    size : int or tuple of int, optional
        The kernel size in cells, one number or one per spatial axis, rows first; 2 if missing.
    ndim : int, optional
        How many axes are spatial, if no option has a number per axis: 2, or 1 if `x` has one axis.
    layout : str, optional
        One letter for every axis of `x` in its order, such as ``HWC`` or ``NHWC``: N, C, then D, H, W or L.
    return_indices : bool
        Whether to also return where each maximum or minimum came from.
    @options@

    Returns
    -------
    values : ndarray, shape (leading..., windows...), or FeatureMap
        With the axes of `x`; a map gives a map with one more step. Integers stay integers through max, min, sum, range,
        majority and medians of an odd number of cells, and become float64 in other modes. Floating-point types stay the
        same.
    indices : ndarray of int64, same shape
        With `return_indices` (a map has them as ``.indices``): flat within the spatial plane; in a tie, those of the
        first cell in row-major order.

    Raises
    ------
    UsageError
        If an option is wrong whatever the input; UnknownKeywordError, one of its kind, if there is no such option.
    ShapeError
        If no window fits; EmptyWindowError, one of its kind, if a window has no real cell.
    InputError, NanError, NumberRangeError, LimitError
        If the numbers are not what they should be, or too many.

    Notes
    -----
    A mode made of folds reads the input once, whatever the size of the window. The input is never modified.

    Examples
    --------
    >>> import numpy as np
    >>> x = np.array([[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]])
    >>> pool(x)
    array([[6, 9],
           [5, 8]])
    >>> pool(x, "avg", 3, stride=1)
    array([[3.55555556, 4.88888889],
           [4.55555556, 4.88888889]])
    >>> values, where = pool(x, return_indices=True)
    >>> where
    array([[ 5,  3],
           [13, 10]])
    >>> pool(np.arange(12).reshape(2, 2, 3), layout="HWC")
    array([[[ 9, 10, 11]]])
    """
    if (type(x) is np.ndarray and layout is None) or not knows_axes(x, layout):
        return pool_array(as_array(x), mode, size, ndim, return_indices, options)
    _without_ndim(ndim)
    return _through(PoolStep(mode, size, options, return_indices), x, layout)


_before, _, _after = (pool.__doc__ or "").partition("@options@")
_lead = _before.rpartition("\n")[2]  # from Python 3.13 on docstrings come without their indentation
pool.__doc__ = _before + f"\n{_lead}".join(described()) + _after


@overload
def conv(
    x: FeatureMap,
    kernel: str | Held,
    *,
    stride: int | Sequence[int] = ...,
    padding: Padding = ...,
    dilation: int | Sequence[int] = ...,
    bias: float = ...,
) -> FeatureMap: ...


@overload
def conv(
    x: Held,
    kernel: str | Held,
    *,
    stride: int | Sequence[int] = ...,
    padding: Padding = ...,
    dilation: int | Sequence[int] = ...,
    bias: float = ...,
    layout: str | None = ...,
) -> Array: ...


@in_our_words({**ACCEPTS, "bias": accepts(NUMBER, 0.5)})
def conv(
    x: Any,
    kernel: Any,
    *,
    stride: int | Sequence[int] = 1,
    padding: Padding = "valid",
    dilation: int | Sequence[int] = 1,
    bias: float = 0.0,
    layout: str | None = None,
) -> Any:
    """Cross-correlate with a kernel, which is what deep learning calls convolution.

    Parameters
    ----------
    x : array_like, shape (leading..., spatial...), FeatureMap, or PIL.Image
        The input, as for `poolcli.pool`; every leading index (batch, channel) is convolved separately.
    kernel : str or array_like, shape (spatial...)
        A name of `poolcli.pooling.filters.FILTERS`, or the weights, with one axis per spatial axis; not flipped.
    stride, dilation : int or tuple of int
        Cells from window to window, and from cell to cell inside a window.
    padding : str, int, tuple of int, or tuple of (begin, end)
        As in `poolcli.pool`; padded cells are zero. Begin and end of every axis may also stand in one tuple.
    bias : float
        Added to every value.
    layout : str, optional
        One letter for every axis of `x` in its order, as in `poolcli.pool`.

    Returns
    -------
    ndarray, shape (leading..., windows...)
        int64 if the input, the kernel and the bias are whole numbers; else the input's floating-point type, or float64.
        A NaN or an infinity times a zero weight is NaN, as in the sum written out.

    Raises
    ------
    ShapeError
        If the kernel does not fit the input.
    NumberRangeError
        If a whole number leaves 64 bits.

    Examples
    --------
    >>> conv([[0, 0, 1, 1], [0, 0, 1, 1], [0, 0, 1, 1]], "vertical-line")
    array([[0, 3]])
    """
    if not knows_axes(x, layout):
        return convolution.conv(x, kernel, stride=stride, padding=padding, dilation=dilation, bias=bias)
    weights = find_filter(kernel).kernel if isinstance(kernel, str) else as_array(kernel)
    label = kernel if isinstance(kernel, str) else "kernel"
    sizes: Any = [tuple(size) if isinstance(size, Sequence) else size for size in (stride, dilation)]
    return _through(ConvStep(weights.tolist(), label, sizes[0], padding, sizes[1], bias), x, layout)


@overload
def relu(x: FeatureMap) -> FeatureMap: ...


@overload
def relu(x: Held) -> Array: ...


@in_our_words(ACCEPTS)
def relu(x: Any) -> Any:
    """Replace every negative number with zero; NaN stays.

    Parameters
    ----------
    x : array_like, FeatureMap, or PIL.Image
        The input.

    Returns
    -------
    ndarray, or FeatureMap of one
        Of the input's shape and type.

    Examples
    --------
    >>> relu([-2, 3])
    array([0, 3])
    """
    return _through(ReluStep(), x, None) if knows_axes(x) else convolution.relu(x)


@overload
def grad(
    x: FeatureMap, upstream: Held | None = ..., mode: str = ..., size: Size = ..., **options: Unpack[Options]
) -> FeatureMap: ...


@overload
def grad(
    x: Held,
    upstream: Held | None = ...,
    mode: str = ...,
    size: Size = ...,
    *,
    ndim: int | None = ...,
    layout: str | None = ...,
    **options: Unpack[Options],
) -> Array: ...


@in_our_words(ACCEPTS)
def grad(
    x: Any,
    upstream: Any = None,
    mode: str = "max",
    size: Size = None,
    *,
    ndim: int | None = None,
    layout: str | None = None,
    **options: Unpack[Options],
) -> Any:
    """Return the gradient of a pooling layer with respect to its input.

    Parameters
    ----------
    x : array_like, shape (leading..., spatial...), FeatureMap, or PIL.Image
        The input of the layer.
    upstream : array_like, shape of the layer's output, optional
        The gradient that arrives at the output; ones if missing.
    mode, size, ndim, layout, **options
        The layer, as in `poolcli.pool`.

    Returns
    -------
    ndarray, shape of `x`, or FeatureMap of one
        In the input's floating-point type, or float64. The first maximum of a window gets the whole gradient; gradients
        from overlapping windows add up.

    Raises
    ------
    UsageError
        If the mode has no gradient here.

    Examples
    --------
    >>> grad([[1.0, 3.0], [3.0, 2.0]])
    array([[0., 1.],
           [0., 0.]])
    >>> grad([[1.0, 3.0], [3.0, 2.0]], mode="avg")
    array([[0.25, 0.25],
           [0.25, 0.25]])
    """
    if isinstance(upstream, str):
        raise UsageError(f"{upstream!r} is a mode, but the second argument of grad is the gradient of the output",
                         Phrase("{mode}", mode=upstream))  # fmt: skip
    if not knows_axes(x, layout):
        return grad_array(as_array(x), upstream, mode, size, ndim, options)
    _without_ndim(ndim)
    arriving = None if upstream is None else feature_map_of(upstream, feature_map_of(x, layout).layout).values
    return _through(GradStep(PoolStep(mode, size, options), arriving), x, layout)

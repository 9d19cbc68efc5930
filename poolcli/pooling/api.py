"""`pool`: a mode and a window make one number of every window's cells, in one, two or three spatial dimensions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike

from poolcli.errors import InputError, ShapeError, UsageError
from poolcli.pooling.layer import Array, Indices, Options, Pooling, Size
from poolcli.window import times


def spatial_axes(x: Array, ndim: int | None, *sizes: Any) -> int:
    """Return how many axes of `x` are spatial: as many as a size has numbers, else `ndim`, else two, or one."""
    said = {len(size) for size in sizes if isinstance(size, Sequence) and not isinstance(size, str)}
    said |= {ndim} if ndim is not None else set()
    if len(said) > 1:
        raise UsageError(f"the options speak of {' and '.join(map(str, sorted(said)))} spatial axes", "use one number")
    number = said.pop() if said else min(2, x.ndim)
    if not 1 <= number <= 3:
        raise UsageError(f"{number} spatial axes are not 1, 2 or 3", "say how many are spatial with ndim")
    if number > x.ndim:
        raise ShapeError(f"{number} spatial axes are more than the {x.ndim} of the input {times(x.shape)}")
    return number


def as_array(x: ArrayLike) -> Array:
    """Return `x` as an array of a type that can be pooled, in the machine's byte order."""
    try:
        array = np.asarray(x)
    except ValueError:
        raise InputError("the rows of the input have different lengths", "give every row the same number") from None
    if array.ndim == 0:
        raise ShapeError("a single number has no axis to pool", "wrap it as [[5]]")
    if array.dtype.kind not in "biuf" or array.dtype.itemsize > 8:
        raise InputError(
            f"values of type {array.dtype} cannot be pooled",
            "use booleans, integers or floating-point numbers up to 64 bits",
        )
    return array.astype(array.dtype.newbyteorder("="), copy=False)


def layer_for(x: Array, mode: str, size: Size, ndim: int | None, options: Options) -> Pooling:
    """Make the layer that pools `x` with these keyword arguments."""
    padding = options.get("padding", "valid")
    said = (size, options.get("output_size"), padding, options.get("stride"), options.get("dilation"))
    return Pooling.of(spatial_axes(x, ndim, *said), mode, size, **options)


@overload
def pool(
    x: ArrayLike,
    mode: str = ...,
    size: Size = ...,
    *,
    ndim: int | None = ...,
    return_indices: Literal[False] = ...,
    **options: Unpack[Options],
) -> Array: ...


@overload
def pool(
    x: ArrayLike,
    mode: str = ...,
    size: Size = ...,
    *,
    ndim: int | None = ...,
    return_indices: Literal[True],
    **options: Unpack[Options],
) -> tuple[Array, Indices]: ...


def pool(
    x: ArrayLike,
    mode: str = "max",
    size: Size = None,
    *,
    ndim: int | None = None,
    return_indices: bool = False,
    **options: Unpack[Options],
) -> Array | tuple[Array, Indices]:
    """Pool the windows of the last one to three axes.

    Parameters
    ----------
    x : array_like, shape (leading..., spatial...)
        Booleans, integers or floating-point numbers up to 64 bits. Leading axes (batch, channel) ride along.
    mode : str
        A name of `poolcli.pooling.modes.MODES`, with its parameter after a colon: ``max``, ``avg``, ``lp:3``.
        ``global-NAME`` is NAME with `global_window`.
    size : int or tuple of int, optional
        The kernel size in cells, one number or one per spatial axis, rows first; 2 if missing.
    ndim : int, optional
        How many axes are spatial, where no option has a number per axis: 2, or 1 if `x` has one axis.
    return_indices : bool
        Whether to return where each maximum or minimum came from as well.
    stride : int or tuple of int, optional
        Cells from window to window; None means `size` (with ``compat="onnx"`` 1).
    padding : str, int, tuple of int, or tuple of (begin, end)
        ``valid``, ``same`` (an odd extra cell at the end), ``same-lower`` (at the start), or cells.
    pad_fill : str or float
        ``ignore`` (padding never takes part), ``reflect``, ``symmetric``, ``replicate``, ``wrap``, or a number.
    dilation : int or tuple of int
        Cells from cell to cell inside a window.
    ceil_mode : bool
        Round the number of windows up; the last one must start inside the input or the leading padding.
    count_include_pad : bool, optional
        Whether padding counts in the divisor of an average; overhang never does. None means no, or as `compat` has it.
    output_size : int or tuple of int, optional
        Adaptive windows: window i of o covers the cells floor(i L / o) to ceil((i + 1) L / o).
    global_window : bool
        One window over everything; the axes are kept with length 1.
    fractional : bool
        Fractional windows of `size` cells to `output_size`.
    nan : str
        ``propagate``, ``ignore`` or ``error``.
    compat : str, optional
        ``torch``, ``keras`` or ``onnx``: that framework's defaults and quirks.
    seed : int, optional
        For ``stochastic`` (which needs it) and `fractional` (0 if missing).
    offsets : sequence of float, optional
        The random offset u of fractional windows, one per spatial axis, instead of a seed.
    storage_order : int
        With ``compat="onnx"`` and indices: 1 counts the columns first.

    Returns
    -------
    values : ndarray, shape (leading..., windows...)
        Integers stay integers through max, min, sum, range, majority and medians of an odd number of cells; other
        modes make float64 of them. Floating-point types stay what they are.
    indices : ndarray of int64, same shape
        With `return_indices`: flat within the spatial plane, the first in row-major order on ties.

    Raises
    ------
    UsageError
        If an option is wrong whatever the input.
    ShapeError
        If no window fits; its kind EmptyWindowError if a window has no real cell.
    InputError, NanError, NumberRangeError, LimitError
        If the numbers are not what they should be, or too many.

    Notes
    -----
    Cost: a mode made of folds reads the input once, whatever the size of the window. The input is never modified.

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
    """
    array = as_array(x)
    values, where = layer_for(array, mode, size, ndim, options).apply(array, indices=return_indices)
    return values if where is None else (values, where)

"""Lists, masked arrays, data frames, tensors and pictures as arrays that can be pooled."""

from __future__ import annotations

import os
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolcli.errors import InputError, PoolcliError, ShapeError
from poolcli.wording import Phrase, Readable, given

Array = NDArray[Any]
POOLABLE = "biuf"  # kinds of types: booleans, integers, floating-point numbers
MOST_BYTES = 8  # of one value


class Drawn(Protocol):
    """A picture such as Pillow's ``Image``: NumPy reads it through this attribute."""

    @property
    def __array_interface__(self) -> Any:
        """The address and layout of the pixels."""


Held = ArrayLike | Drawn


def as_array(x: Any) -> Array:
    """Return `x` as an array of a type that can be pooled, in the machine's byte order.

    Parameters
    ----------
    x : array_like
        Nested lists, an array, or anything with ``__array__``: a data frame, a tensor (which is detached from its
        graph and copied to the CPU). Masked values and a data frame's NA become NaN, which turns integers into float64.

    Raises
    ------
    InputError
        If it does not hold numbers, or its rows differ in length.
    ShapeError
        If it is a single number.

    Examples
    --------
    >>> as_array([[1, 2], [3, 4]]).dtype.kind
    'i'
    >>> as_array(np.ma.masked_equal([1, -9], -9))
    array([ 1., nan])
    """
    array = x if type(x) is np.ndarray else _made(x)
    dtype = array.dtype
    if array.ndim == 0:
        if dtype.kind == "O":
            raise InputError(
                f"the value {given(x)} is not an array", "give numbers as an array or nested lists, such as [[1, 2]]"
            )
        raise ShapeError("a single number has no axis to pool", "wrap it as [[5]]")
    if dtype.kind not in POOLABLE or dtype.itemsize > MOST_BYTES:
        raise InputError(
            f"values of type {dtype} cannot be pooled",
            "use booleans, integers or floating-point numbers up to 64 bits, and NaN for what is missing",
        )
    return array if dtype.isnative else array.astype(dtype.newbyteorder("="))


def _made(x: Any) -> Array:
    if isinstance(x, str | os.PathLike):
        name = str(x)
        raise InputError(f"{name!r} is a name, not a map", Phrase("read the file first: {file}", file=Readable(name)))
    if isinstance(x, np.ma.MaskedArray):
        return _unmasked(x)
    if hasattr(x, "detach"):  # a tensor that records gradients refuses to become an array
        x = x.detach().cpu()
    try:
        array = np.asarray(x)
    except PoolcliError:
        raise
    except ValueError:
        raise InputError("the rows of the input have different lengths", "give every row the same number") from None
    except Exception as problem:  # an object's __array__ raises what it likes
        raise InputError(f"{type(x).__name__} does not become an array: {problem}", "give it as an array") from problem
    return _missing_filled(x) if array.dtype.kind == "O" and hasattr(x, "to_numpy") else array


def _unmasked(x: np.ma.MaskedArray[Any, Any]) -> Array:
    """Return a masked array with NaN in its masked cells; without any, its type stays."""
    if not np.ma.getmaskarray(x).any():
        return np.asarray(x.data)
    if x.dtype.kind not in POOLABLE:
        return np.asarray(x.data)  # `as_array` refuses the type
    dtype = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    filled: Array = np.ma.filled(x.astype(dtype), np.nan)
    return filled


def _missing_filled(frame: Any) -> Array:
    """Return a data frame or a column with NA as NaN."""
    advice = "choose the columns of numbers"
    dtypes: Any = getattr(frame, "dtypes", {})
    dates = [str(column) for column, dtype in dtypes.items() if dtype.kind in "mM"] if hasattr(dtypes, "items") else []
    if dates:  # which would become numbers of nanoseconds
        raise InputError(f"{type(frame).__name__} has dates or times: {', '.join(dates)}", advice)
    try:
        values: Array = frame.to_numpy(dtype=np.float64, na_value=np.nan)
    except (TypeError, ValueError) as problem:
        raise InputError(f"{type(frame).__name__} has values that are not numbers: {problem}", advice) from None
    return values

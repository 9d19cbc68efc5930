"""`pool`: a mode and a window make one number of every window's cells, in one, two or three spatial dimensions."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from inspect import Parameter, signature
from typing import Any, ParamSpec, TypeVar, Unpack

import numpy as np
from numpy.typing import ArrayLike

from poolcli.arrays import as_array
from poolcli.errors import ShapeError, UnknownKeywordError, UnverifiedWarning, UsageError
from poolcli.kernels.tiles import SHARED_BYTES
from poolcli.pooling.compute import Straight
from poolcli.pooling.layer import Array, Pooling
from poolcli.pooling.options import Options, Size
from poolcli.window import times

PLAIN = (int, str, bool, float, type(None))
MOST_WAYS = 128  # that are kept; some KiB each
P = ParamSpec("P")
R = TypeVar("R")


def in_our_words(function: Callable[P, R]) -> Callable[P, R]:
    """Answer a keyword that the function does not have, such as another library's, with ours.

    Raises
    ------
    UnknownKeywordError
        When the function is called with one.
    """
    kinds = signature(function).parameters
    known = {name for name, one in kinds.items() if one.kind is not Parameter.VAR_KEYWORD}
    if len(known) < len(kinds):
        known |= Options.__optional_keys__

    @wraps(function)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        if kwargs and not kwargs.keys() <= known:
            raise UnknownKeywordError(function.__name__, next(name for name in kwargs if name not in known), known)
        return function(*args, **kwargs)

    return call


def spatial_axes(x: Array, ndim: int | None, *sizes: Any) -> int:
    """Return how many axes of `x` are spatial: as many as a size has numbers, else `ndim`, else two, or one."""
    said = {len(size) for size in sizes if isinstance(size, Sequence) and not isinstance(size, str)}
    said |= {ndim} if ndim is not None else set()
    if len(said) > 1:
        raise UsageError(f"the options are for {' and '.join(map(str, sorted(said)))} spatial axes", "use one number")
    number = said.pop() if said else min(2, x.ndim)
    if not 1 <= number <= 3:
        raise UsageError(f"{number} spatial axes are not 1, 2 or 3", "say how many are spatial with ndim")
    if number > x.ndim:
        what = f"{number} spatial axes are more than the {x.ndim} of the input {times(x.shape)}"
        raise ShapeError(what, "give one number for each axis of the input")
    return number


def layer_for(x: Array, mode: str, size: Size, ndim: int | None, options: Options) -> Pooling:
    """Make the layer that pools `x` with these keyword arguments; warn if nobody compared its answers."""
    layer = _layer_for(x, mode, size, ndim, options)
    if layer.framework and layer.framework.documented:
        warnings.warn(f"as {layer.framework.title}", UnverifiedWarning, stacklevel=5)  # at the call of poolcli.pool
    return layer


def _layer_for(x: Array, mode: str, size: Size, ndim: int | None, options: Options) -> Pooling:
    padding = options.get("padding", "valid")
    said = (
        size,
        options.get("output_size"),
        options.get("output_ratio"),
        padding,
        options.get("stride"),
        options.get("dilation"),
    )
    return Pooling.of(spatial_axes(x, ndim, *said), mode, size, **options)


def _is_plain(value: Any) -> bool:
    """Whether a value is what it looks like, so that what equals it means the same."""
    return type(value) in PLAIN or (type(value) is tuple and all(type(part) is int for part in value))


@lru_cache(MOST_WAYS, typed=True)
def _straight(
    shape: tuple[int, ...], dtype: np.dtype[Any], mode: str, size: Any, ndim: int | None, names: tuple[str, ...],
    *values: Any,
) -> Straight | None:  # fmt: skip
    """Check the options, once for all calls with the same, and return the straight way if there is one."""
    like = np.broadcast_to(np.zeros((), dtype), shape)
    return _layer_for(like, mode, size, ndim, dict(zip(names, values, strict=True))).straight(like)  # type: ignore[arg-type]  # these are options


def pool(
    x: ArrayLike,
    mode: str = "max",
    size: Size = None,
    *,
    ndim: int | None = None,
    return_indices: bool = False,
    **options: Unpack[Options],
) -> Any:
    """Pool the windows of the last one to three axes of an array; see `poolcli.pool`, which takes more than arrays.

    Examples
    --------
    >>> pool([[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]])
    array([[6, 9],
           [5, 8]])
    """
    array = as_array(x)
    if (
        (array.nbytes <= SHARED_BYTES or array.flags.c_contiguous)
        and not return_indices
        and all(map(_is_plain, options.values()))
        and _is_plain(size)
    ):
        way = _straight(array.shape, array.dtype, mode, size, ndim, tuple(options), *options.values())
        if way is not None and (made := way(array)) is not None:
            return made
    values, where = layer_for(array, mode, size, ndim, options).apply(array, indices=return_indices)
    return values if where is None else (values, where)

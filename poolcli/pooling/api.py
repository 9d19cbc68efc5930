"""Pooling of arrays: what `poolcli.pool` does once its input is an array."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from poolcli.errors import ShapeError, UnverifiedWarning, UsageError
from poolcli.kernels.tiles import SHARED_BYTES
from poolcli.pooling.compute import Straight
from poolcli.pooling.layer import Array, Pooling
from poolcli.pooling.options import Options, Size
from poolcli.window import is_flat, times
from poolcli.wording import Phrase

PLAIN = (int, str, bool, type(None))
PER_AXIS = (
    "output_size",
    "output_ratio",
    "stride",
    "dilation",
)  # options besides padding that may have a number per axis
MOST_KEPT = 128  # shortcuts, of some KiB each


def spatial_axes(shape: tuple[int, ...], ndim: int | None, size: Any, options: Mapping[str, Any]) -> int:
    """Return how many axes are spatial: as many as an option has numbers, else `ndim`, else two, or one."""
    padding = options.get("padding")
    pairs = [axes for axes in (1, 2, 3) if is_flat(padding, axes) and (axes > 1 or 1 in (ndim, len(shape)))]
    sizes = [size, *map(options.get, PER_AXIS), None if pairs else padding]
    said = {len(one) for one in sizes if type(one) not in PLAIN and isinstance(one, Sequence)}
    said |= {*pairs}
    said |= {ndim} if ndim is not None else set()
    if len(said) > 1:
        raise UsageError(
            f"the options are for {' and '.join(map(str, sorted(said)))} spatial axes",
            "give all the same number of axes",
        )
    number = said.pop() if said else min(2, len(shape))
    if not 1 <= number <= 3:
        hint = Phrase("such as {ndim}", ndim=2) if ndim is not None else "give one number for each of 1 to 3 axes"
        raise UsageError(f"{number} spatial axes are not 1, 2 or 3", hint)
    if number > len(shape):
        what = f"{number} spatial axes are more than the {len(shape)} of the input {times(shape)}"
        raise ShapeError(what, "give one number for each axis of the input")
    return number


def layer_for(x: Array, mode: str, size: Size, ndim: int | None, options: Options) -> Pooling:
    """Make the layer that pools `x` with these arguments; warn if nobody compared its answers."""
    number = spatial_axes(x.shape, ndim, size, options)
    plain = _are_plain(mode, size, *options.values())
    check = _checked if plain else _checked.__wrapped__
    layer = check(number, mode, size, tuple(options), *options.values())
    if layer.framework and layer.framework.documented:
        warnings.warn(f"as {layer.framework.title}", UnverifiedWarning, stacklevel=5)  # at the call of poolcli.pool
    return layer


def _are_plain(*values: Any) -> bool:
    """Whether everything that equals a value means the same, for each of these, so that they can be a key."""
    return all(map(_is_plain, values))


def _is_plain(value: Any) -> bool:
    if type(value) is float:
        return value != 0  # -0.0 equals 0.0
    return type(value) in PLAIN or (type(value) is tuple and all(type(part) is int for part in value))


@lru_cache(MOST_KEPT, typed=True)
def _checked(ndim: int, mode: str, size: Size, names: tuple[str, ...], *values: Any) -> Pooling:
    """Check the options, once for all calls with the same ones."""
    return Pooling.of(ndim, mode, size, **dict(zip(names, values, strict=True)))


@lru_cache(MOST_KEPT, typed=True)
def _straight(
    shape: tuple[int, ...], dtype: np.dtype[Any], mode: str, size: Any, ndim: int | None, names: tuple[str, ...],
    *values: Any,
) -> Straight | None:  # fmt: skip
    """Return the shortcut for such inputs, if there is one."""
    number = spatial_axes(shape, ndim, size, dict(zip(names, values, strict=True)))
    return _checked(number, mode, size, names, *values).straight(shape, dtype)


def pool_array(array: Array, mode: str, size: Size, ndim: int | None, indices: bool, options: Options) -> Any:
    """Pool an array with the arguments of `poolcli.pool`."""
    if (
        (array.nbytes <= SHARED_BYTES or array.flags.c_contiguous)
        and not indices
        and _are_plain(mode, size, *options.values())
    ):
        way = _straight(array.shape, array.dtype, mode, size, ndim, tuple(options), *options.values())
        if way is not None and (made := way(array)) is not None:
            return made
    values, where = layer_for(array, mode, size, ndim, options).apply(array, indices=indices)
    return values if where is None else (values, where)

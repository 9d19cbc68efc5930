"""`pool`: a mode and a window make one number of every window's cells, in one, two or three spatial dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

import numpy as np
from numpy.typing import ArrayLike, NDArray

from poolcli.errors import InputError, NanError, ShapeError, UnknownNameError, UsageError
from poolcli.pooling.compute import first_place, pooled
from poolcli.pooling.modes import ChosenMode, Mode, parse_mode
from poolcli.system.limits import check_memory
from poolcli.window import FILLS, PAD_FILLS, Axis, Padding, Window, check_empty, output_shape, parse_fill, times

if TYPE_CHECKING:
    from poolcli.pooling.frameworks import Framework

Array = NDArray[Any]
Indices = NDArray[np.int64]
NAN_RULES = ("propagate", "ignore", "error")
INDEXED = ("max", "min")


def framework_of(compat: str | Framework | None) -> Framework | None:
    """Return the row of the framework that `compat` names; the table is loaded only where one is named."""
    if compat is None:
        return None
    from poolcli.pooling.frameworks import find

    return find(compat)


def numbering(compat: str | Framework | None, storage_order: int) -> Framework | None:
    """Return the row that says how indices are numbered; None means flat in the plane, rows first."""
    if compat is None and storage_order:
        from poolcli.pooling.frameworks import OWN

        return OWN
    return framework_of(compat)


@dataclass(frozen=True)
class Pooling:
    """One pooling layer: everything but the data; make it with :meth:`of`.

    Attributes
    ----------
    ndim : int
        The number of spatial axes.
    mode : ChosenMode
        How cells become a number.
    window : Window
        Which cells.
    pad_fill : str or float
        A name in `PAD_FILLS`, or a number.
    count_include_pad : bool
        Whether padding counts in the divisor of an average.
    nan : str
        One of `NAN_RULES`.
    compat : str, Framework or None
        The framework whose layer this is.
    seed : int or None
        Of fractional windows and of stochastic pooling.
    storage_order : int
        Of ONNX indices: 1 counts down the columns.
    """

    ndim: int
    mode: ChosenMode
    window: Window
    pad_fill: str | float = "ignore"
    count_include_pad: bool = False
    nan: str = "propagate"
    compat: str | Framework | None = None
    seed: int | None = None
    storage_order: int = 0

    @classmethod
    def of(
        cls,
        ndim: int,
        mode: str = "max",
        size: int | Sequence[int] | None = None,
        *,
        stride: int | Sequence[int] | None = None,
        padding: Padding = "valid",
        pad_fill: str | float = "ignore",
        dilation: int | Sequence[int] = 1,
        ceil_mode: bool = False,
        count_include_pad: bool | None = None,
        output_size: int | Sequence[int] | None = None,
        global_window: bool = False,
        fractional: bool = False,
        nan: str = "propagate",
        compat: str | Framework | None = None,
        seed: int | None = None,
        offsets: Sequence[float] | None = None,
        storage_order: int = 0,
    ) -> Pooling:
        """Check the options against each other and make a pooling layer; see `pool` for what they mean."""
        mode, global_window = _split_global(mode, global_window)
        chosen = parse_mode(mode)
        given = {
            "size": size is not None, "stride": stride is not None, "padding": padding != "valid",
            "dilation": dilation != 1, "ceil_mode": ceil_mode, "output_size": output_size is not None,
            "fractional": fractional, "global": global_window,
        }  # fmt: skip
        kind = _kind({name for name, there in given.items() if there})
        framework = framework_of(compat)
        if chosen.mode.random and seed is None:
            raise UsageError(f"mode {chosen} draws at random and needs a seed", "add --seed 1, or any whole number")
        if nan not in NAN_RULES:
            raise UnknownNameError("NaN rule", nan, NAN_RULES)
        if storage_order not in (0, 1):
            raise UsageError(f"storage order {storage_order} is neither 0 nor 1", "use 0 for rows first, 1 for columns")
        if kind == "fractional":
            seed = 0 if seed is None else seed
            offsets = _offsets(ndim, seed) if offsets is None else offsets
        window = Window.of(
            ndim,
            kind=framework.fractional if framework and kind == "fractional" else kind,
            size=2 if size is None else size,
            stride=framework.stride if framework and stride is None else stride,
            padding=padding,
            dilation=dilation,
            ceil_mode=ceil_mode,
            output_size=output_size,
            offsets=offsets or (),
            same_ignores_dilation=bool(framework and framework.same_ignores_dilation),
        )
        if count_include_pad is None:
            count_include_pad = bool(framework and framework.count_include_pad)
        pad_fill = parse_fill(pad_fill, "pad fill", PAD_FILLS)
        made = cls(ndim, chosen, window, pad_fill, count_include_pad, nan, compat, seed, storage_order)
        made.row()
        return made

    @property
    def framework(self) -> Framework | None:
        """The framework whose layer this is."""
        return framework_of(self.compat)

    def row(self, dtype: np.dtype[Any] | None = None, spatial: Sequence[int] = (), *, indices: bool = False) -> Mode:
        """Return the row of the table of modes to follow: the framework's own version of it, if there is one.

        Parameters
        ----------
        dtype : dtype, optional
            Of the input, once it is known.
        spatial : sequence of int
            The lengths of its spatial axes, once they are known.
        indices : bool
            Whether indices are asked for.

        Raises
        ------
        CompatError
            If the framework refuses this layer, or such an input to it.
        """
        framework = self.framework
        if framework is None:
            return self.mode.mode
        from poolcli.pooling.frameworks import Layer

        known = Layer(self, dtype, indices, tuple(spatial))
        framework.check(known)
        return framework.row(known)

    def record(self) -> dict[str, Any]:
        """Return what makes this layer again, as JSON has it: the mode, the window, and all that is not default."""
        usual = {
            "pad_fill": "ignore", "count_include_pad": bool(self.framework and self.framework.count_include_pad),
            "nan": "propagate", "compat": None, "seed": None, "storage_order": 0,
        }  # fmt: skip
        unusual = {key: getattr(self, key) for key, value in usual.items() if getattr(self, key) != value}
        if self.pad_fill != self.pad_fill:  # JSON's null would say that nothing was given
            unusual["pad_fill"] = "nan"
        return {"mode": str(self.mode), **self.window.record(), **unusual}

    def plan(self, spatial: Sequence[int]) -> tuple[Axis, ...]:
        """Place the windows on an input of this spatial shape."""
        return self.window.plan(spatial)

    def apply(self, x: Array, *, indices: bool = False) -> tuple[Array, Indices | None]:
        """Pool `x`, shape (leading..., spatial...), and return the values, and where each came from if asked."""
        if not indices:
            return self._values(x, indices=False)[0], None
        values, where = self.traced(x)
        framework = numbering(self.compat, self.storage_order)
        return values, framework.number(where, x.shape, self.ndim, self.storage_order) if framework else where

    def traced(self, x: Array) -> tuple[Array, Indices]:
        """Pool `x` and return the values and where each came from, flat within the spatial plane."""
        if self.mode.mode.name not in INDEXED:
            raise UsageError(f"mode {self.mode} has no indices", "only max and min take their value from one cell")
        if self.pad_fill != "ignore":
            raise UsageError("a cell of filled padding has no index", "drop --indices or --pad-fill")
        from poolcli.kernels.laid_out import winners

        values, axes = self._values(x, indices=True)
        where = winners(x, axes, values, last_nan=bool(self.framework and self.framework.last_nan))
        if x.dtype.kind == "f" and not values.all():
            _with_sign(x, values, where, self.ndim)
        return values, where

    def _values(self, x: Array, *, indices: bool) -> tuple[Array, tuple[Axis, ...]]:
        lead, spatial = x.shape[: x.ndim - self.ndim], x.shape[x.ndim - self.ndim :]
        mode = self.row(x.dtype, spatial, indices=indices)
        axes = self.plan(spatial)
        output_shape(lead, axes)
        if self.pad_fill == "ignore":
            check_empty(axes)
        if self.nan == "error":
            _refuse_nan(x)
        if self.pad_fill != "ignore":
            x, axes = fill(x, axes, self.pad_fill)
        with np.errstate(all="ignore"):  # inf - inf and x / 0 give NaN and inf here, and are meant to
            return pooled(x, axes, mode, self), axes


def _with_sign(x: Array, values: Array, where: Indices, ndim: int) -> None:
    """Put the winner itself where the value is zero, because of +0 and -0 either may have won.

    Only there: benchmark case batch max 2x2 with indices, of which one value in 8 million is zero.
    """
    number = math.prod(x.shape[: x.ndim - ndim])
    cells, best, places = (array.reshape(number, -1) for array in (x, values, where))
    zero = np.nonzero(best == 0)
    best[zero] = cells[zero[0], places[zero]]


def _split_global(mode: str, given: bool) -> tuple[str, bool]:
    name = mode.strip().lower()
    return (name.removeprefix("global-"), True) if name.startswith("global-") else (mode, given)


# what says by itself where the windows lie: why, and what can therefore not be given beside it
_ALONE: Mapping[str, tuple[str, set[str]]] = {
    "global": (
        "a global window is the whole map",
        {"size", "stride", "padding", "dilation", "ceil_mode", "output_size", "fractional"},
    ),
    "fractional": (
        "fractional windows lie where the seed puts them",
        {"stride", "padding", "dilation", "ceil_mode"},
    ),
    "output_size": (
        "adaptive windows follow from the number of outputs",
        {"size", "stride", "padding", "dilation", "ceil_mode"},
    ),
}


def _kind(given: set[str]) -> str:
    """Choose the kind of window that the given options ask for, or say which two do not go together."""
    if "fractional" in given and "output_size" not in given:
        raise UsageError("--fractional needs --output-size", "say how many windows, such as --output-size 7x7")
    for main, (reason, others) in _ALONE.items():
        if main not in given:
            continue
        if clash := sorted(others & given):
            one, other = (f"--{name.replace('_', '-')}" for name in (main, clash[0]))
            raise UsageError(f"{one} and {other} do not go together: {reason}", f"drop {one} or {other}")
        return {"output_size": "adaptive"}.get(main, main)
    return "sliding"


def _offsets(ndim: int, seed: int) -> tuple[float, ...]:
    """Draw the offset u of the windows of each axis; Python's generator gives the same numbers everywhere."""
    from random import Random

    draw = Random(seed)  # noqa: S311 - windows, not secrets
    return tuple(draw.random() for _ in range(ndim))


def fill(x: Array, axes: Sequence[Axis], pad_fill: str | float) -> tuple[Array, tuple[Axis, ...]]:
    """Give the padding values, after which nothing is padding any more."""
    widths = [(0, 0)] * (x.ndim - len(axes)) + [(axis.before, axis.after) for axis in axes]
    filled = tuple(axis.filled() for axis in axes)
    if all(pair == (0, 0) for pair in widths):
        return x, filled
    size = math.prod(x.shape[: x.ndim - len(axes)]) * math.prod(axis.length for axis in filled) * x.itemsize
    check_memory(size, f"the input with its padding, {times([axis.length for axis in filled])},", "use less padding")
    if isinstance(pad_fill, str):
        return np.pad(x, widths, mode=FILLS[pad_fill]), filled  # type: ignore[call-overload]  # the table holds its words
    cells = x.astype(filled_type(x.dtype, axes, pad_fill), copy=False)
    return np.pad(cells, widths, constant_values=pad_fill), filled


def filled_type(dtype: np.dtype[Any], axes: Sequence[Axis], pad_fill: str | float) -> np.dtype[Any]:
    """Return the type that an input of type `dtype` has once its padding is filled."""
    if isinstance(pad_fill, str) or not any(axis.before or axis.after for axis in axes):
        return dtype
    return _with_number(dtype, pad_fill)


def _with_number(dtype: np.dtype[Any], number: float) -> np.dtype[Any]:
    """Return the type that holds the input's values and one number more."""
    if dtype.kind == "f":
        return dtype
    if not float(number).is_integer():
        return np.dtype(np.float64)
    least, most = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
    if least <= number <= most:
        return dtype
    if -(2**63) <= number < 2**63:
        return np.dtype(np.int64) if dtype != np.uint64 else np.dtype(np.float64)
    return np.dtype(np.uint64 if least == 0 and 0 <= number < 2**64 else np.float64)


def _refuse_nan(x: Array) -> None:
    if x.dtype.kind == "f" and (nan := np.isnan(x)).any():
        raise NanError(
            f"the input has {nan.sum()} NaN, the first at {first_place(nan)}", "use --nan ignore to leave them out"
        )


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


class Options(TypedDict, total=False):
    """The keyword arguments of `pool` and `grad`; see `pool` for what they mean."""

    stride: int | Sequence[int] | None
    padding: Padding
    pad_fill: str | float
    dilation: int | Sequence[int]
    ceil_mode: bool
    count_include_pad: bool | None
    output_size: int | Sequence[int] | None
    global_window: bool
    fractional: bool
    nan: str
    compat: str | Framework | None
    seed: int | None
    offsets: Sequence[float] | None
    storage_order: int


Size = int | Sequence[int] | None


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

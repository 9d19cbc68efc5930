"""`pool`: a mode and a window make one number of every window's cells, in one, two or three spatial dimensions."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import NanError, UnknownNameError, UsageError
from poolcli.pooling.compute import first_place, pooled
from poolcli.pooling.fill import fill
from poolcli.pooling.frameworks import OWN, Framework, LayerFacts, LayerSpec, find
from poolcli.pooling.modes import Mode, parse_mode
from poolcli.window import PAD_FILLS, Axis, Padding, Window, check_empty, output_shape, parse_fill

Array = NDArray[Any]
Indices = NDArray[np.int64]
NAN_RULES = ("propagate", "ignore", "error")
INDEXED = ("max", "min")


def numbering(compat: str | Framework | None, storage_order: int) -> Framework | None:
    """Return the row that says how indices are numbered; None means flat in the plane, rows first."""
    return OWN if compat is None and storage_order else find(compat)


@dataclass(frozen=True)
class Pooling(LayerSpec):
    """One pooling layer: everything but the data; make it with :meth:`of`."""

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
        framework = find(compat)
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
        known = LayerFacts(self, dtype, indices, tuple(spatial))
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


def _refuse_nan(x: Array) -> None:
    if x.dtype.kind == "f" and (nan := np.isnan(x)).any():
        raise NanError(
            f"the input has {nan.sum()} NaN, the first at {first_place(nan)}", "use --nan ignore to leave them out"
        )


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

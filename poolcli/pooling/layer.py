"""`Pooling`: one layer with its options checked against each other, which places windows and pools maps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import CompatError, EmptyWindowError, ShapeError, UsageError
from poolcli.pooling.compute import Straight, neutral, pooled, result_type, straight
from poolcli.pooling.fill import fill, reaching, refuse_nan
from poolcli.pooling.framework import DOCUMENTED, Framework, LayerFacts, LayerSpec
from poolcli.pooling.frameworks import FMAX, OWN, find
from poolcli.pooling.modes import ALIASES, MODES, Mode, parse_mode
from poolcli.pooling.options import KEPT, KEYWORDS, SIZES, Options, Size, as_lists, completed, window_kind
from poolcli.window import PAD_FILLS, Axis, Window, check_empty, output_shape, parse_fill
from poolcli.wording import Instead, Phrase, given

Array = NDArray[Any]
Indices = NDArray[np.int64]


def numbering(compat: str | Framework | None, storage_order: int) -> Framework | None:
    """Return the row that numbers indices; None means flat in the plane, rows first."""
    return OWN if compat is None and storage_order else find(compat)


class Pooling(LayerSpec):
    """One pooling layer: everything but the data; make it with :meth:`of`."""

    @property
    def framework(self) -> Framework | None:
        """The framework whose layer this is."""
        return find(self.compat)

    @classmethod
    def of(
        cls, ndim: int, mode: str = "max", size: Size = None, *, spatial: Sequence[int] = (),
        **options: Unpack[Options],
    ) -> Pooling:  # fmt: skip
        """Check the options against each other and make a pooling layer; see `pool` for what they mean.

        The spatial shape of the input, if it is known, only makes the advice of errors more exact.
        """
        mode, everything = _split_global(mode)
        given = completed({**options, "global_window": True} if everything else options)
        chosen = parse_mode(mode)
        kind, framework = window_kind(size, given), find(given["compat"])
        for name, option in KEYWORDS.items():
            if option.check:
                option.check(given[name], chosen)
        if kind == "fractional":
            given["seed"] = given["seed"] or 0
            given["offsets"] = given["offsets"] or _offsets(ndim, given["seed"])
        if framework:
            kind = framework.fractional[size is not None] if kind == "fractional" else kind
            if kind.startswith("fractional-") and size is not None:
                raise CompatError(f"{framework.title} refuses this layer: its fractional windows have no size",
                                  Phrase("drop {size}"))  # fmt: skip
            given["stride"] = framework.stride if given["stride"] is None else given["stride"]
            given["ceil_mode"] = given["ceil_mode"] or (framework.ceil_mode and kind == "sliding")
            own = {name: getattr(framework, name) for name in ("same_ignores_dilation", "rounding", "too_large")}
        window = Window.of(
            ndim,
            kind=kind,
            size=2 if size is None else size,
            **(own if framework else {}),
            **{
                name: given[name]
                for name in ("stride", "padding", "dilation", "ceil_mode", "output_size", "output_ratio", "offsets")
            },
        )
        if given["count_include_pad"] is None:
            given["count_include_pad"] = bool(framework and framework.count_include_pad)
        given["pad_fill"] = parse_fill(given["pad_fill"], "pad fill", PAD_FILLS)
        made = cls(ndim, chosen, window, **{option.name: given[option.name] for option in KEPT})
        made.row(spatial=spatial)
        return made

    def row(
        self, dtype: np.dtype[Any] | None = None, spatial: Sequence[int] = (), *, indices: bool = False,
        lead: Sequence[int] = (),
    ) -> Mode:  # fmt: skip
        """Return the mode's row, or the framework's own version of it.

        A layer, or such an input to it, that the framework refuses is a `CompatError`.
        """
        framework = self.framework
        if framework is None:
            return self.mode.mode
        known = LayerFacts(self, dtype, indices, tuple(spatial), tuple(lead))
        framework.check(known)
        return framework.row(known)

    def record(self) -> dict[str, Any]:
        """Return the mode, the window and all that is not default as JSON, from which `of` makes this layer again."""
        usual = {option.name: option.default for option in KEPT}
        usual["count_include_pad"] = bool(self.framework and self.framework.count_include_pad)
        unusual = {key: getattr(self, key) for key, value in usual.items() if getattr(self, key) != value}
        if self.pad_fill != self.pad_fill:  # JSON's null would say that nothing was given
            unusual["pad_fill"] = "nan"
        said = {"verified": DOCUMENTED} if self.framework and self.framework.documented else {}
        return {"mode": str(self.mode), **self.window.record(), **unusual, **said}

    def plan(self, spatial: Sequence[int]) -> tuple[Axis, ...]:
        """Place the windows on an input of this spatial shape."""
        try:
            return self.window.plan(spatial)
        except ShapeError as problem:
            if self.framework and isinstance(problem.advice, Phrase):
                problem.advice = problem.advice.only(self._accepts)
            raise

    def _accepts(self, advice: Phrase) -> bool:
        """Whether the framework takes the padding that a part of a hint advises."""
        pads = advice.settings.get("padding")
        if pads is None:
            return True
        pairs = tuple((n, n) for n in (pads if isinstance(pads, tuple) else (pads,) * self.ndim))
        try:
            replace(self, window=self.window._replace(padding=pairs)).row()
        except CompatError:
            return False
        return True

    def windows(self, spatial: Sequence[int]) -> tuple[Axis, ...]:
        """Place the windows, and refuse those that hold neither a real cell nor a value in its place."""
        axes = self.plan(spatial)
        if self.pad_fill == "ignore" and not self.answers_holes(axes):
            check_empty(axes)
        return axes

    def apply(self, x: Array, *, indices: bool = False) -> tuple[Array, Indices | None]:
        """Pool `x`, shape (leading..., spatial...); return the values and, if asked, where each came from."""
        if not indices:
            return self._values(x, indices=False)[0], None
        values, where = self.traced(x)
        framework = numbering(self.compat, self.storage_order)
        return values, framework.own_index(where, x.shape, self.ndim, self.storage_order) if framework else where

    def straight(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Straight | None:
        """Return the shortcut for such inputs, if there is one; see `poolcli.pooling.compute`."""
        if self.compat is not None or self.pad_fill != "ignore" or self.nan == "error":
            return None
        lead, spatial = shape[: -self.ndim], shape[-self.ndim :]
        axes = self.windows(spatial)
        output_shape(lead, axes)
        return straight(shape, dtype, axes, self.mode.mode, self)

    def traced(self, x: Array) -> tuple[Array, Indices]:
        """Pool `x`; return the values and where each came from, flat within the spatial plane."""
        if not self.mode.mode.indexed:
            raise UsageError(f"mode {self.mode} has no indices", "only max and min take their value from one cell")
        if self.pad_fill != "ignore":
            raise UsageError("a cell of filled padding has no index", Phrase("drop {return_indices} or {pad_fill}"))
        from poolcli.kernels.laid_out import winners

        values, axes = self._values(x, indices=True)
        last_nan = bool(self.framework and self.framework.last_nan)
        where = winners(self._held(x, values), axes, values, last_nan=last_nan, workers=self.threads)
        if x.dtype.kind == "f" and not values.all():
            _with_sign(x, values, where, self.ndim)
        return values, where

    def _held(self, x: Array, values: Array) -> Array:
        """Return the cells, raised to the number from which the framework's maximum starts."""
        row = self.framework.row(LayerFacts(self, x.dtype, indices=True)) if self.framework else None
        floored = row is not None and row.finish is not None and x.dtype.kind == "f"
        return np.maximum(x, -FMAX) if floored and (values == -FMAX).any() else x

    def _values(self, x: Array, *, indices: bool) -> tuple[Array, tuple[Axis, ...]]:
        lead, spatial = x.shape[: -self.ndim], x.shape[-self.ndim :]
        mode = self.row(x.dtype, spatial, indices=indices, lead=lead)
        if self.framework:
            self.framework.check_nan(LayerFacts(self, x.dtype, indices, spatial), x)
        planned = self.plan(spatial)
        shape = output_shape(lead, planned)
        if 0 in shape[len(lead) :]:
            return np.empty(shape, result_type(mode, x.dtype, planned)), planned
        axes, fill_with = self.to_fill(planned, mode, x.dtype, indices=indices)
        if self.nan == "error":
            refuse_nan(x)
        if fill_with != "ignore":
            x, axes = fill(x, axes, fill_with)
        counted = planned if self.pad_fill == "ignore" else axes
        with np.errstate(all="ignore"):  # inf - inf and x / 0 give NaN and inf, as they should
            return pooled(x, axes, mode, self, self.counted(counted)), axes

    def to_fill(
        self, axes: tuple[Axis, ...], mode: Mode, dtype: np.dtype[Any], *, indices: bool = False
    ) -> tuple[tuple[Axis, ...], str | float]:
        """Return axes whose padding is to be filled, and with what; ``ignore`` if with nothing.

        A window that holds neither a real cell nor a value in its place is an `EmptyWindowError`.
        """
        if self.pad_fill != "ignore":
            return axes, self.pad_fill
        if self.answers_holes(axes, indices=indices):
            return tuple(map(reaching, axes)), neutral(mode, dtype)
        check_empty(axes)
        return axes, "ignore"

    def counted(self, axes: Sequence[Axis]) -> Sequence[Axis]:
        """Return the axes with the padding that counts in an average, if any does."""
        return self.framework.counted(self, axes) if self.framework and self.count_include_pad else axes

    def answers_holes(self, axes: Sequence[Axis], *, indices: bool = False) -> bool:
        """Whether some windows hold no real cell and the framework has an answer for them."""
        framework = self.framework
        if framework is None or framework.holes is None or all(axis.reached or axis.counts().all() for axis in axes):
            return False
        reason = framework.holes(LayerFacts(self, indices=indices)) or "they have no index" * indices
        if reason:
            raise EmptyWindowError(
                f"{framework.title} has windows without a real cell here, and no answer to rely on: {reason}",
                "use less padding, or " + Phrase("drop {compat}"),
            )
        return True


def _with_sign(x: Array, values: Array, where: Indices, ndim: int) -> None:
    """Replace zeros with the winner itself, because either +0 or -0 may have won.

    Nothing else is looked up: in the benchmark case batch max 2x2 with indices, one value in 8 million is zero.
    """
    number = math.prod(x.shape[:-ndim])
    cells, best, places = (array.reshape(number, -1) for array in (x, values, where))
    zero = np.nonzero(best == 0)
    best[zero] = cells[zero[0], places[zero]]


def _instead_of(mode: Any) -> Phrase:
    """Return the hint for what is not the name of a mode."""
    if SIZES.fits(as_lists(mode)):
        return Phrase("{size}", size=mode)
    if isinstance(mode, list | tuple):
        return Phrase(
            "{one}, or several with {all}", one=Instead("pool", mode="max"), all=Instead("compare", mode=mode)
        )
    name = getattr(mode, "__name__", "max")  # of a function such as NumPy's
    return Phrase("a mode is a name, such as {mode}", mode=name if name in {*MODES, *ALIASES} else "max")


def _split_global(mode: Any) -> tuple[str, bool]:
    if not isinstance(mode, str):  # as in other libraries, whose second argument is the size
        raise UsageError(f"mode {given(mode)} is not the name of a mode", _instead_of(mode))
    name = mode.strip().lower()
    return (name.removeprefix("global-"), True) if name.startswith("global-") else (mode, False)


def _offsets(ndim: int, seed: int) -> tuple[float, ...]:
    """Draw the offset u of each axis; Python's generator gives the same numbers everywhere."""
    from random import Random

    draw = Random(seed)  # noqa: S311 - windows, not secrets
    return tuple(draw.random() for _ in range(ndim))

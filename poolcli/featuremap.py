"""`FeatureMap`: the one type that travels from a reader through the steps to a writer."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Protocol

from poolcli.errors import ShapeError, UsageError
from poolcli.wording import Phrase

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ORDER = "NCDHWL"
SPATIAL = ("L", "HW", "DHW")


def spatial_letters(layout: str) -> str:
    """Return the spatial letters of a layout in poolcli's order, for example ``HW``."""
    return "".join(letter for letter in "DHWL" if letter in layout)


def parse_layout(text: str) -> str:
    """Check a layout such as ``NCHW`` or ``HWC`` and return it in capitals.

    Parameters
    ----------
    text : str
        One letter per axis of the input, in the input's order. ``N`` may stand more than once.

    Raises
    ------
    UsageError
        If a letter is unknown or repeated, or the spatial letters are not ``L``, ``HW`` or ``DHW``.

    Examples
    --------
    >>> parse_layout("nhwc")
    'NHWC'
    """
    layout = text.upper()
    hint = "use the letters N, C, then D, H, W or L in the order of the axes, such as HW, CHW, NHWC, NCL"
    if strange := set(layout) - set(ORDER):
        raise UsageError(f"layout {text!r} has unknown letters: {', '.join(sorted(strange))}", hint)
    if any(layout.count(letter) > 1 for letter in "CDHWL"):
        raise UsageError(f"layout {text!r} names an axis twice", hint)
    if spatial_letters(layout) not in SPATIAL:
        raise UsageError(f"layout {text!r} has no spatial axes that fit: they are L, H and W, or D, H and W", hint)
    return layout


def layout_by_rank(rank: int, *, channels_last: bool = False) -> str:
    """Return the layout that an array of this rank has when nobody says otherwise.

    Examples
    --------
    >>> layout_by_rank(2), layout_by_rank(4), layout_by_rank(4, channels_last=True)
    ('HW', 'NCHW', 'NHWC')
    """
    if rank < 3:
        return "L" if rank == 1 else "HW"
    spatial = "HW" if rank < 5 else "DHW"
    batch = "N" * (rank - 1 - len(spatial))
    return f"{batch}{spatial}C" if channels_last else f"{batch}C{spatial}"


def inner_order(layout: str) -> list[int]:
    """Return the axes of ``layout`` in the inner order: every N, C, then the spatial axes."""
    return sorted(range(len(layout)), key=lambda axis: ORDER.index(layout[axis]))


class MapDrawer(Protocol):
    """What shows a map in a notebook and in a terminal."""

    def map_as_html(self, feature_map: FeatureMap) -> str:
        """Return what a notebook shows."""
        ...

    def map_as_text(self, feature_map: FeatureMap) -> Any:
        """Return what Rich shows."""
        ...


drawn_by: Callable[[], MapDrawer] | None = None  # `poolcli` says who, because drawing stands above maps


@dataclass(frozen=True)
class FeatureMap:
    """Numbers on a grid, and what is known about them.

    Attributes
    ----------
    values : ndarray, shape (leading..., spatial...)
        The numbers; one to three spatial axes last.
    layout : str
        The axes in the order in which the input had them and the output will have them.
    steps : tuple of mappings
        What has been done so far, as in the JSON that poolcli writes.
    name : str
        Where the numbers came from, for messages.
    white : float or None
        The value that means white if the numbers are pixels (255 for 8 bits), else None.
    indices : ndarray of int64, same shape as `values`, optional
        Where each value came from.
    unpool : mapping, optional
        What unpooling needs to know: the input's spatial shape and the window.
    extra : mapping
        Keys of a JSON object that poolcli does not know; they are passed on.
    notes : tuple of str or Phrase
        Every guess made while reading (delimiter, header, layout, dtype), for ``-v``.
    warnings : tuple of str or Phrase
        What is always reported, because something in the file is left out.
    origin : mapping
        What the file is beside its numbers: ``header`` (what was taken for one), and for a writer that can keep it
        ``column`` (the line of numbers stood one below the other), ``picture`` (the type of its pixels), ``grid``
        (where the cells of a map lie on Earth).
    """

    values: NDArray[Any]
    layout: str = "HW"
    steps: tuple[Mapping[str, Any], ...] = ()
    name: str = "input"
    white: float | None = None
    indices: NDArray[np.int64] | None = None
    unpool: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str | Phrase, ...] = ()
    warnings: tuple[str | Phrase, ...] = ()
    origin: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def from_array(
        cls, array: NDArray[Any], layout: str | None = None, *, channels_last: bool = False, **known: Any
    ) -> FeatureMap:
        """Make a feature map of an array whose axes stand in the order of ``layout``.

        Parameters
        ----------
        array : ndarray
            The numbers, at least one axis.
        layout : str, optional
            The axes in the array's order; by its rank if missing. A row or a column is a line, ``L``, too.
        channels_last : bool
            Whether C stands last in a layout chosen by rank.
        **known
            Other attributes.

        Raises
        ------
        ShapeError
            If the layout does not have one letter per axis.
        """
        layout = parse_layout(layout) if layout else layout_by_rank(array.ndim, channels_last=channels_last)
        if layout == "L" and array.ndim == 2 and 1 in array.shape:
            known["origin"] = {**known.get("origin", {}), "column": array.shape[1] == 1}
            array = array.reshape(-1)
        if len(layout) != array.ndim:
            shape = "x".join(map(str, array.shape)) or "a single number"
            where = f"{known['name']}: " if "name" in known else ""
            raise ShapeError(
                f"{where}layout {layout} names {len(layout)} axes, but the input has {array.ndim} ({shape})",
                Phrase("give one letter per axis, such as {layout}", layout=layout_by_rank(max(array.ndim, 1))),
            )
        return cls(array.transpose(inner_order(layout)), layout, **known)

    def in_layout(self, inner: NDArray[Any]) -> NDArray[Any]:
        """Return an array in inner order with its axes put back into the layout's order."""
        order = inner_order(self.layout)
        return inner.transpose([order.index(axis) for axis in range(len(order))])

    @property
    def array(self) -> NDArray[Any]:
        """The values with their axes in the layout's order."""
        return self.in_layout(self.values)

    @property
    def shape(self) -> tuple[int, ...]:
        """The shape in the layout's order."""
        return self.array.shape

    @property
    def ndim(self) -> int:
        """The number of spatial axes."""
        return len(spatial_letters(self.layout))

    @property
    def spatial(self) -> tuple[int, ...]:
        """The lengths of the spatial axes."""
        return self.values.shape[self.values.ndim - self.ndim :]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the values as NumPy asks for them, with their axes in the layout's order."""
        made: NDArray[Any] = self.array.astype(dtype or self.values.dtype, copy=bool(copy))
        return made

    def _repr_html_(self) -> Any:  # a text, or None for none
        return drawn_by().map_as_html(self) if drawn_by else None

    def __rich__(self) -> Any:
        return drawn_by().map_as_text(self) if drawn_by else repr(self)

    def with_(self, **changes: Any) -> FeatureMap:
        """Return a copy with some attributes changed."""
        return replace(self, **changes)

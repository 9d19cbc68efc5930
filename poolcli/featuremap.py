"""`FeatureMap`: the one type that goes from a reader through the steps to a writer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from poolcli.errors import ShapeError, UsageError
from poolcli.wording import Phrase, given

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

ORDER = "NCDHWL"
SPATIAL = ("L", "HW", "DHW")
MOST_AXES = 64  # as in numpy
COLOURS = (3, 4)  # channels of a picture


def spatial_letters(layout: str) -> str:
    """Return the spatial letters of a layout in poolcli's order, for example ``HW``."""
    return "".join(letter for letter in "DHWL" if letter in layout)


def parse_layout(text: Any) -> str:
    """Check a layout and return it in capitals: one letter per axis, in the input's order; only ``N`` may repeat.

    Examples
    --------
    >>> parse_layout("nhwc")
    'NHWC'
    """
    hint = "use the letters N, C, then D, H, W or L in the order of the axes, such as HW, CHW, NHWC, NCL"
    if not isinstance(text, str):
        raise UsageError(f"layout {given(text)} is not a text", hint)
    layout = text.upper()
    if strange := set(layout) - set(ORDER):
        raise UsageError(f"layout {text!r} has unknown letters: {', '.join(sorted(strange))}", hint)
    if any(layout.count(letter) > 1 for letter in "CDHWL"):
        raise UsageError(f"layout {text!r} names an axis twice", hint)
    if spatial_letters(layout) not in SPATIAL:
        raise UsageError(f"layout {text!r} has no spatial axes that fit: they are L, H and W, or D, H and W", hint)
    return layout


def layout_by_rank(rank: int, *, channels_last: bool = False) -> str:
    """Return the default layout of an array of this rank.

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


def perhaps_channels_last(layout: str, shape: Sequence[int]) -> Iterator[Phrase]:
    """Say how an array was read that looks like a picture with its colours last, as other libraries hold pictures.

    Examples
    --------
    >>> [str(note) for note in perhaps_channels_last("CHW", (20, 30, 3))]
    ["read as 20 channels of 30x3 (CHW); layout='HWC' if its channels come last"]
    """
    if layout.endswith("CHW") and shape[-1] in COLOURS and shape[-3] > max(COLOURS):
        read = f"read as {shape[-3]} channels of {shape[-2]}x{shape[-1]} ({layout})"
        yield Phrase("{0}; {layout} if its channels come last", read, layout=f"{layout[:-3]}HWC")


def inner_order(layout: str) -> list[int]:
    """Return the axes of ``layout`` in inner order: every N, C, then the spatial axes."""
    return sorted(range(len(layout)), key=lambda axis: ORDER.index(layout[axis]))


def named_planes(feature_map: FeatureMap, inner: NDArray[Any], sign: str = "") -> Iterator[tuple[str, NDArray[Any]]]:
    """Yield the planes of an array in inner order, each with its place, such as ``N0 C1``; a line is a row."""
    import numpy as np

    flat = inner[..., None, :] if feature_map.ndim == 1 else inner
    letters = sorted(feature_map.layout, key=ORDER.index)
    for place in np.ndindex(*flat.shape[:-2]):
        yield " ".join(f"{letter}{sign}{index}" for letter, index in zip(letters, place, strict=False)), flat[place]


drawn_by: Callable[[], Any] | None = None  # returns `poolcli.notebook`; set by `poolcli`, since drawing imports maps


@dataclass(frozen=True)
class FeatureMap:
    """Numbers on a grid, and what is known about them.

    Attributes
    ----------
    values : ndarray, shape (leading..., spatial...)
        The numbers; one to three spatial axes last.
    layout : str
        The axes in the order of the input, which is also that of the output.
    steps : tuple of mappings
        The steps so far, as in the JSON that poolcli writes.
    name : str
        Where the numbers came from, for messages.
    white : float or None
        The value of white if the numbers are pixels (255 for 8 bits), else None.
    indices : ndarray of int64, same shape as `values`, optional
        Where each value came from.
    unpool : mapping, optional
        The input's spatial shape and the window, for unpooling.
    extra : mapping
        Keys of a JSON object that poolcli does not know; they are passed on.
    notes : tuple of str or Phrase
        Every guess made while reading (delimiter, header, layout, dtype), for ``-v``.
    warnings : tuple of str or Phrase
        Reported always: what the file holds that was left out.
    origin : mapping
        More about the file: ``header``, and for writers that can keep them ``column`` (the numbers stood below each
        other), ``picture`` (the type of the pixels), ``grid`` (the geographic position of the cells).
    """

    values: NDArray[Any]
    layout: str = "HW"
    steps: tuple[Mapping[str, Any], ...] = ()
    name: str = "input"
    white: float | None = None
    indices: NDArray[np.int64] | None = None
    unpool: Mapping[str, Any] | None = field(default=None, repr=False)
    extra: Mapping[str, Any] = field(default_factory=dict, repr=False)
    notes: tuple[str | Phrase, ...] = field(default=(), repr=False)
    warnings: tuple[str | Phrase, ...] = field(default=(), repr=False)
    origin: Mapping[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def from_array(
        cls, array: NDArray[Any], layout: str | None = None, *, channels_last: bool = False, **known: Any
    ) -> FeatureMap:
        """Make a feature map of an array whose axes are in the order of ``layout``.

        Parameters
        ----------
        array : ndarray
            The numbers, at least one axis.
        layout : str, optional
            The axes in the array's order; by its rank if missing. ``L`` also fits a single row or column.
        channels_last : bool
            Whether C comes last in a layout chosen by rank.
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
        """Return an array in inner order with its axes in the layout's order."""
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
        return self.values.shape[-self.ndim :]

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        """Return the values for NumPy, with their axes in the layout's order."""
        made: NDArray[Any] = self.array.astype(dtype or self.values.dtype, copy=bool(copy))
        return made

    def _repr_html_(self) -> Any:  # str, or None
        return drawn_by().map_html(self) if drawn_by else None

    def __rich__(self) -> Any:
        return drawn_by().Shown(self) if drawn_by else repr(self)

    def with_(self, **changes: Any) -> FeatureMap:
        """Return a copy with some attributes changed."""
        return replace(self, **changes)

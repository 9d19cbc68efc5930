"""Sources of arrays read in parts: ``.npy`` at any place, text in bands of rows; for Zarr see `zarr_arrays`."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import ShapeError
from poolcli.featuremap import inner_order, layout_by_rank, parse_layout, spatial_letters
from poolcli.formats.detect import detect
from poolcli.formats.foreign import HEAD
from poolcli.formats.npy import native, read_header
from poolcli.large.chain import Box
from poolcli.system.files import as_it_was, changed_meanwhile, file_error, open_source, state_of
from poolcli.wording import Phrase

if TYPE_CHECKING:
    from poolcli.formats.delimited import Bands
    from poolcli.formats.options import ReadOptions

Array = NDArray[Any]


@dataclass(frozen=True)
class Known:
    """What is known about an array before its numbers are read."""

    shape: tuple[int, ...]  # in the layout's order
    layout: str  # its axes
    dtype: np.dtype[Any]  # in the machine's byte order
    notes: tuple[str | Phrase, ...] = ()  # what the file declares, and what was guessed

    @classmethod
    def of(cls, name: str, shape: Sequence[int], dtype: np.dtype[Any], layout: str | None, last: bool = False) -> Known:
        """Check a layout against a shape; without one, `last` says that C comes last."""
        guessed = not layout
        layout = parse_layout(layout) if layout else layout_by_rank(len(shape), channels_last=last)
        if len(layout) != len(shape):
            usual = layout_by_rank(len(shape))
            raise ShapeError(f"layout {layout} names {len(layout)} axes, but {name} has {len(shape)}",
                             Phrase("give one letter per axis, such as {layout}", layout=usual))  # fmt: skip
        dtype = dtype.newbyteorder("=")
        by = " (by the number of axes)" if guessed else ""
        return cls(tuple(shape), layout, dtype, (f"dtype {dtype} (from the file)", f"layout {layout}{by}"))

    @property
    def order(self) -> list[int]:
        """The axes of the layout, leading axes first."""
        return inner_order(self.layout)

    @property
    def back(self) -> list[int]:
        """The axes, counted with leading axes first, in the layout's order."""
        return [self.order.index(axis) for axis in range(len(self.shape))]

    @property
    def inner(self) -> tuple[int, ...]:
        """The shape, leading axes first."""
        return tuple(self.shape[axis] for axis in self.order)

    @property
    def ndim(self) -> int:
        """The number of spatial axes."""
        return len(spatial_letters(self.layout))

    def slices(self, box: Box) -> tuple[slice, ...]:
        """Return a box, given with leading axes first, as slices in the layout's order."""
        return tuple(slice(*box[axis]) for axis in self.back)


# .npy


class NpySource:
    """An ``.npy`` file of which only the needed parts are read; see `Known.of` for `layout` and `last`."""

    steps: Sequence[Any] = ()  # the file cannot hold any

    def __init__(self, path: str, layout: str | None = None, *, last: bool = False) -> None:
        self.name, self.path = path, os.path.abspath(path)  # a worker may run in another folder
        with open_source(path) as file:
            self.state = state_of(file)
            self.header = read_header(file, self.state[0], path)
        self.known = Known.of(path, self.header.shape, self.header.dtype, layout, last)
        lengths = self.header.shape if self.header.fortran else self.header.shape[::-1]
        strides = np.cumprod([self.header.dtype.itemsize, *lengths[:-1]]).tolist()
        self.strides = strides if self.header.fortran else strides[::-1]

    def read(self, box: Box) -> Array:
        """Return cells, leading axes first."""
        parts = self.known.slices(box)
        shape = [part.stop - part.start for part in parts]
        if 0 in shape:
            return np.empty(shape, self.known.dtype).transpose(self.known.order)
        cells = np.empty(shape, self.header.dtype, "F" if self.header.fortran else "C")
        with open_source(self.path) as file, as_it_was(file, self.state, self.name):
            for run, first in self._runs(cells, parts):
                self._fill(run, file, first)
        return native(cells, self.name).transpose(self.known.order)

    def _runs(self, cells: Array, parts: Sequence[slice]) -> Iterator[tuple[Array, int]]:
        """Yield the pieces of `cells` that are contiguous in the file, as bytes, and where each begins."""
        turn = -1 if self.header.fortran else 1  # in the file's order, neighbours are on the last axis
        cells = cells.T if self.header.fortran else cells
        parts, strides, lengths = parts[::turn], self.strides[::turn], self.header.shape[::turn]
        whole = [length == size for length, size in zip(lengths, cells.shape, strict=True)]
        outer = next((axis for axis in range(len(parts)) if all(whole[axis + 1 :])), 0)
        start = self.header.size + sum(part.start * step for part, step in zip(parts, strides, strict=True))
        for index in np.ndindex(cells.shape[:outer]):
            here = start + sum(step * number for step, number in zip(strides, index, strict=False))
            yield cells[index].reshape(-1).view(np.uint8), here

    def _fill(self, run: Array, file: BinaryIO, first: int) -> None:
        """Fill `run` from the file; with a memory map, another process that shortens the file would end this one."""
        rest = run.data
        while rest:
            try:
                count = os.preadv(file.fileno(), [rest], first)
            except OSError as problem:
                raise file_error("read", self.name, problem) from problem
            if not count:
                raise changed_meanwhile(self.name)
            rest, first = rest[count:], first + count


# Text


class RowSource:
    """The rows of a text file, read in order; going back starts again from the first."""

    def __init__(self, bands: Bands, dtype: np.dtype[Any] | None = None) -> None:
        self.name, self.bands = bands.name, bands
        taken = (f"taken as {dtype}",) if dtype else ()
        self.known = Known(bands.shape, "HW", dtype or bands.dtype, (*bands.notes, *taken))
        self._start()

    def _start(self) -> None:
        self._rows, self._first = self.bands.rows(), 0
        self._have: list[Array] = []

    def read(self, box: Box) -> Array:
        """Return rows."""
        (low, high), columns = box
        if low < self._first:
            self._start()
        while self._first + sum(map(len, self._have)) < high:
            self._have.append(next(self._rows))
            while self._have and self._first + len(self._have[0]) <= low:
                self._first += len(self._have.pop(0))
        if high == self.known.shape[0]:
            deque(self._rows, 0)  # which checks at its end that the file has not changed
        rows = np.concatenate([*self._have, np.empty((0, self.known.shape[1]), self.bands.dtype)])
        part = rows[low - self._first : high - self._first, slice(*columns)]
        return part.astype(self.known.dtype, copy=False)


def source_of(path: str, options: ReadOptions, *, floats: bool = False) -> NpySource | RowSource | None:
    """Return the source for a path, or None if the file has to be read whole.

    `floats` takes whole numbers in text as float64.
    """
    if options.missing or not os.path.isfile(path):  # missing values are searched for in whole arrays
        return None
    with open_source(path) as file:
        row = detect(file.read(HEAD), path, options)
    if row.name == "npy":
        return NpySource(path, options.layout, last=options.channels_last)
    bands = row.open_bands(path, options)
    if bands is None:
        return None
    return RowSource(bands, np.dtype(np.float64) if floats and bands.dtype.kind in "iu" else None)

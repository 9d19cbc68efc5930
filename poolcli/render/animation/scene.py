"""One moment of a window's walk as shapes, for animations and still pictures."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from poolcli.analysis.formulas import brief, number, sentence
from poolcli.analysis.windows import WindowFact, headline, windows
from poolcli.colors import Rgb, Scale, ink
from poolcli.errors import LimitError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.pooling.fill import fill
from poolcli.pooling.layer import Pooling
from poolcli.render.planes import shrinking
from poolcli.window import Axis, times
from poolcli.wording import Phrase, safe

Array = NDArray[Any]
Framing = tuple[float, float, float, float]  # x, y, width, height, in pixels
PAPER: Rgb = (255, 255, 255)
INK: Rgb = (23, 24, 28)
QUIET: Rgb = (77, 82, 96)
EMPTY: Rgb = (240, 241, 244)
PAD_COLOR: Rgb = (200, 204, 212)
BEYOND: Rgb = (232, 234, 238)
ACCENT: Rgb = (212, 58, 0)
BLACK: Rgb = (0, 0, 0)

MARGIN, GAP, LINE = 16, 40, 22  # pixels: around everything, between the maps, between lines of text
LETTERS = 15  # pixels of text
AIM_WIDTH = 760  # pixels that an automatic zoom aims at
AIM_HEIGHT = 460  # of the maps
MOST_SIDE = 512  # cells of the input along one axis, with padding
MOST_PIXELS = 2_000_000  # of one picture
LARGEST_CELL, SMALLEST_CELL = 64, 2
MOST_OUTLINES = 400  # window frames in a finished picture
READABLE = 9  # least pixels of a number
SMALL_OUTPUT = 200  # least pixels of the longer side of an output
LEAST_WIDTH = 560  # pixels, so that the arithmetic has room
ONE_ROW = Axis(1, range(1), range(1, 2))


class Rectangle(NamedTuple):
    """A rectangle, in pixels; `stroke` is drawn inside."""

    x: float
    y: float
    width: float
    height: float
    fill: Rgb | None = None
    stroke: Rgb | None = None
    thick: int = 0


class Words(NamedTuple):
    """A line of text, centred vertically on y; `anchor` says whether x is its ``left`` end or its ``middle``."""

    x: float
    y: float
    text: str
    size: int
    color: Rgb
    anchor: str = "left"


class Path(NamedTuple):
    """A line through points, in pixels."""

    points: tuple[tuple[float, float], ...]
    color: Rgb
    thick: int


class Raster(NamedTuple):
    """Cells too small for rectangles: an array of colours, shape (rows, columns, 3), stretched."""

    x: float
    y: float
    width: float
    height: float
    colors: NDArray[np.uint8]


Shape = Rectangle | Words | Path | Raster


def font(size: int) -> Any:
    """Return Pillow's own font, which is the same everywhere."""
    return ImageFont.load_default(size)


def width_of(text: str, size: int = LETTERS) -> int:
    """Return the width of a text in pixels."""
    return int(font(size).getlength(text)) + 1


@dataclass(frozen=True)
class CellGrid:
    """The positions of a map's cells in the picture."""

    # the row and column of the first cell, negative with padding
    top: int
    left: int
    rows: int
    columns: int
    zoom: float  # pixels per cell; a whole number, except for a line without cells
    # the corner of the first cell
    x: int = 0
    y: int = 0

    @property
    def width(self) -> float:
        """Of the map, in pixels."""
        return self.columns * self.zoom

    @property
    def height(self) -> float:
        """Of the map, in pixels."""
        return self.rows * self.zoom

    def box(self, row: int, column: int, rows: int = 1, columns: int = 1) -> Framing:
        """Return the corner, width and height of some cells."""
        x, y = self.x + (column - self.left) * self.zoom, self.y + (row - self.top) * self.zoom
        return x, y, columns * self.zoom, rows * self.zoom


@dataclass(frozen=True)
class Scene:
    """A feature map and a layer with two axes, laid out as a picture; for one axis see `LineScene`."""

    feature_map: FeatureMap  # its first plane is shown
    layer: Pooling
    zoom: int | None = None  # pixels per input cell; by the size of the map if None
    colormap: str = "viridis"  # a name of `poolcli.colors.COLORMAPS`
    named: bool = False  # whether cells show their positions instead of numbers
    finished: bool = False  # whether the text is one line; the arithmetic of a window needs two

    def __post_init__(self) -> None:
        if self.layer.ndim > 2:
            raise UsageError(
                f"a picture of the windows shows one or two spatial axes, not the {self.layer.ndim} of "
                f"{self.feature_map.layout}",
                Phrase("{layout}, with windows of two axes, for the first slice", layout="CHW"),
            )
        self._check_sides([side for _, side in map(extent, self.axes)])
        if self.zoom is not None and self.zoom < 1:
            raise UsageError(
                Phrase("{zoom} is less than one pixel per cell", zoom=self.zoom), Phrase("{zoom} or more", zoom=1)
            )
        if self.width * self.height > MOST_PIXELS:
            raise LimitError(
                f"a picture of {self.width}x{self.height} pixels is larger than the {MOST_PIXELS} allowed",
                Phrase("use a smaller {zoom}, or leave it out"),
            )

    def _check_sides(self, sides: Sequence[int]) -> None:
        """Refuse more cells along an axis than a picture can show."""
        if max(sides) > MOST_SIDE:
            beside = [side - length for side, length in zip(sides, self.plane.shape, strict=True)]
            raise LimitError(
                f"the input {times(self.plane.shape)} is too large to watch window by window: with its padding it has "
                f"{max(sides)} cells along one axis, and a picture shows {MOST_SIDE}",
                shrinking(self.plane.shape, lambda made: max(map(sum, zip(made, beside, strict=True))) <= MOST_SIDE),
            )

    @cached_property
    def plane(self) -> Array:
        """The values that are shown."""
        values = self.feature_map.values
        plane: Array = values[(0,) * (values.ndim - self.layer.ndim)]
        return plane

    @cached_property
    def axes(self) -> tuple[Axis, Axis]:
        """The plan of rows and columns; a line is one row."""
        rows, columns = (ONE_ROW,) * (2 - self.layer.ndim) + self.layer.plan(self.plane.shape)
        return rows, columns

    @cached_property
    def pooled(self) -> Array:
        """The output, with two axes."""
        return np.atleast_2d(self.layer.apply(self.plane)[0])

    @cached_property
    def input(self) -> Array:
        """The input, with two axes."""
        return np.atleast_2d(self.plane)

    @cached_property
    def filled(self) -> Array:
        """The input with two axes, and with its padding if that holds values."""
        if self.layer.pad_fill == "ignore" or self.named:
            return self.input
        return fill(self.input, self.axes, self.layer.pad_fill)[0]

    @property
    def count(self) -> int:
        """The number of windows."""
        return int(self.pooled.size)

    @cached_property
    def scale(self) -> Scale:
        """One scale for input and output, so that a colour always means the same number."""
        return Scale.of([self.input, self.pooled], self.colormap)

    def facts(self, wanted: set[int]) -> Iterator[tuple[int, WindowFact]]:
        """Yield the windows with these numbers, counted row by row."""
        for index, fact in enumerate(windows(self.layer, self.plane.shape, None if self.named else self.plane)):
            if index in wanted:
                yield index, fact

    # --- layout -------------------------------------------------------------------------------------------------------

    @cached_property
    def grids(self) -> tuple[CellGrid, CellGrid]:
        """The positions of the input and the output."""
        (top, rows), (left, columns) = map(extent, self.axes)
        out_rows, out_columns = self.pooled.shape
        stacked = 3 * rows < columns
        across = max(columns, out_columns) if stacked else columns + out_columns
        down = rows + out_rows if stacked else max(rows, out_rows)
        fitting = min((AIM_WIDTH - GAP) // across, (AIM_HEIGHT - (GAP if stacked else 0)) // down)
        zoom = self.zoom or max(min(fitting, LARGEST_CELL), SMALLEST_CELL)
        head = MARGIN + 2 * LINE
        first = CellGrid(top, left, rows, columns, zoom, MARGIN, head)
        # a small output is enlarged for legibility
        larger = min(SMALL_OUTPUT // max(self.pooled.shape), LARGEST_CELL)
        x, y = (MARGIN, head + first.height + GAP) if stacked else (MARGIN + first.width + GAP, head)
        return first, CellGrid(0, 0, out_rows, out_columns, zoom if self.zoom else max(zoom, larger), int(x), int(y))

    @property
    def width(self) -> int:
        """Of the picture, in pixels."""
        first, second = self.grids
        return math.ceil(max(first.x + first.width, second.x + second.width, LEAST_WIDTH)) + MARGIN

    @property
    def words_top(self) -> int:
        """The top of the text below the maps."""
        first, second = self.grids
        return math.ceil(max(first.y + first.height, second.y + second.height)) + LINE // 2

    @property
    def height(self) -> int:
        """Of the picture, in pixels."""
        return self.words_top + (4 - self.finished) * LINE + MARGIN

    # --- shapes -------------------------------------------------------------------------------------------------------

    def background(self) -> Iterator[Shape]:
        """Yield the fixed parts: titles, input, the empty output, the colour bar."""
        yield Rectangle(0, 0, self.width, self.height, PAPER)
        yield Words(MARGIN, MARGIN + 6, self._heading(), LETTERS, INK)
        first, second = self.grids
        for grid, name in ((first, "input"), (second, "output")):
            yield Words(grid.x, grid.y - LINE // 2, name, LETTERS - 2, QUIET)
        yield from self._input(first)
        yield Rectangle(*second.box(0, 0, second.rows, second.columns), EMPTY)
        yield from self._bar()

    def _heading(self) -> str:
        """Return the name and the layer; if they are too long, the name is cut, which matters less."""
        layer = headline(self.layer, self.plane.shape)
        if width_of(f" ...   {layer}") > self.room:
            return self.fitted(layer)
        return self.fitted(safe(self.feature_map.name, 40), f"   {layer}")

    def _input(self, grid: CellGrid) -> Iterator[Shape]:
        real = (grid.top == 0, grid.left == 0, self.input.shape == (grid.rows, grid.columns))
        if not all(real):
            yield Rectangle(*grid.box(grid.top, grid.left, grid.rows, grid.columns), BEYOND)
            yield Rectangle(*grid.box(grid.top, grid.left, *self._padded(grid)), PAD_COLOR)
        yield from self._held(grid)
        yield from self._unreached(grid)
        yield from self.cells(grid, self.input)

    def _held(self, grid: CellGrid) -> Iterator[Shape]:
        """Yield the numbers in the padding, each in its cell, if they are readable."""
        size = self._letters[id(self.input)]
        if not size or self.filled.shape == self.input.shape:
            return
        rows, columns = self.input.shape
        below, beside = self._reached
        for (row, column), value in np.ndenumerate(self.filled[: below - grid.top, : beside - grid.left]):
            at = row + grid.top, column + grid.left
            if not (0 <= at[0] < rows and 0 <= at[1] < columns):
                x, y, width, height = grid.box(*at)
                yield _outline((x, y, width, height), 1, BEYOND)
                yield Words(x + width / 2, y + height / 2, brief(value), size, INK, "middle")

    def _unreached(self, grid: CellGrid) -> Iterator[Shape]:
        """Yield the padding that no window reaches, hatched."""
        rows, columns = self._padded(grid)
        ends = self._reached
        below, beside = grid.top + rows - ends[0], grid.left + columns - ends[1]
        if below > 0:
            yield _hatched(grid.box(ends[0], grid.left, below, columns))
        if beside > 0:
            yield _hatched(grid.box(grid.top, ends[1], rows, beside))

    @cached_property
    def _reached(self) -> tuple[int, int]:
        """The first row and column after the last ones that a window covers."""
        below, beside = map(_reach, self.axes)
        return below, beside

    @property
    def unreached(self) -> bool:
        """Whether no window reaches some of the padding."""
        return any(axis.after and _reach(axis) < axis.length + axis.after for axis in self.axes)

    def _padded(self, grid: CellGrid) -> tuple[int, int]:
        """Return the number of rows and columns with padding but without overhang."""
        ends = [axis.length + axis.after for axis in self.axes]
        return min(ends[0] - grid.top, grid.rows), min(ends[1] - grid.left, grid.columns)

    def cells(self, grid: CellGrid, values: Array) -> Iterator[Shape]:
        """Yield the cells of a map, as rectangles with numbers or, if they are small, as one raster."""
        rows, columns = values.shape
        if grid.zoom < 12:
            colors = np.full((rows, columns, 3), EMPTY, np.uint8) if self.named else self.scale.rgb(values)
            yield Raster(*grid.box(0, 0, rows, columns), colors)
            return
        for row in range(rows):
            for column in range(columns):
                yield from self.cell(grid, values, row, column)

    def cell(self, grid: CellGrid, values: Array, row: int, column: int) -> Iterator[Shape]:
        """Yield one cell, with its number if that is readable."""
        color = EMPTY if self.named else self.scale.color(values[row, column])
        x, y, width, height = grid.box(row, column)
        seam = 1 if grid.zoom >= 12 else 0
        yield Rectangle(x, y, width - seam, height - seam, color)
        if size := self._letters[id(values)]:
            yield Words(x + width / 2, y + height / 2, self._written(values, row, column), size, ink(color), "middle")

    def _written(self, values: Array, row: int, column: int) -> str:
        """Return the text of a cell: its number or its position."""
        if self.named:
            return f"{row},{column}" if self.layer.ndim == 2 else str(column)
        return brief(values[row, column])

    @cached_property
    def _letters(self) -> Mapping[int, int]:
        """The size of the numbers in the cells of each map; 0 if they are unreadable."""
        return {id(values): self._letter(values) for values in (self.input, self.pooled)}

    def _letter(self, values: Array) -> int:
        zoom = self.grids[values is self.pooled].zoom
        if zoom < 2 * READABLE:
            return 0
        cells = self.filled if values is self.input else values
        longest = max(len(self._written(cells, row, column)) for row, column in np.ndindex(*cells.shape))
        size = int(min(zoom * 0.42, zoom * 0.9 / (longest * 0.58)))
        return size if size >= READABLE else 0

    def filling(self, first: int, last: int) -> Iterator[Shape]:
        """Yield the output cells from one number up to another."""
        grid, columns = self.grids[1], self.pooled.shape[1]
        for index in range(first, last):
            yield from self.cell(grid, self.pooled, index // columns, index % columns)

    def outlines(self) -> Iterator[Shape]:
        """Yield a thin frame for every window, unless there are too many to tell apart."""
        grid = self.grids[0]
        if self.count > MOST_OUTLINES or grid.zoom < READABLE:
            return
        spans = [
            [(cells[0], cells[-1] - cells[0] + 1) for cells in map(axis.cells, range(len(axis)))] for axis in self.axes
        ]
        for row, rows in spans[0]:
            for column, columns in spans[1]:
                yield _outline(grid.box(row, column, rows, columns), 3, PAPER)
                yield _outline(_inner(grid.box(row, column, rows, columns), 1), 1, ACCENT)

    def verdict(self) -> Iterator[Shape]:
        """Yield the text below a finished picture: what the mode does."""
        yield Words(MARGIN, self.words_top + LINE // 2, self.fitted(sentence(self.layer)), LETTERS, QUIET)

    def _bar(self) -> Iterator[Shape]:
        y = self.words_top + (3 - self.finished) * LINE + 6
        low, _, high = (number(tick, 4) for tick in self.scale.ticks)
        first = self.grids[0]
        if first.columns > self.input.shape[1] or first.rows > self.input.shape[0]:
            left = self.width - MARGIN - width_of(self._legend(), LETTERS - 2)
            yield Words(min(MARGIN + 300, left), y, self._legend(), LETTERS - 2, QUIET)
        if self.named:
            yield Words(MARGIN, y, "cells are named by row and column", LETTERS - 2, QUIET)
            return
        if self.scale.flat:
            yield Words(MARGIN, y, f"every finite value is {low}", LETTERS - 2, QUIET)
            return
        left = MARGIN + width_of(low, LETTERS - 2) + 8
        steps = np.linspace(self.scale.low / 2, self.scale.high / 2, 64)[None] * 2
        yield Words(MARGIN, y, low, LETTERS - 2, QUIET)
        yield Raster(left, y - 6, 192, 12, self.scale.rgb(steps))
        yield Words(left + 200, y, high, LETTERS - 2, QUIET)

    def _legend(self) -> str:
        first = self.grids[0]
        beyond = self._padded(first) != (first.rows, first.columns)
        more = ", hatched: no window reaches it" if self.unreached else ", and lighter: beyond it" if beyond else ""
        return f"gray: padding{more}"

    @property
    def room(self) -> int:
        """The pixels for a line of text."""
        return self.width - 2 * MARGIN

    def fitted(self, text: str, end: str = "", size: int = LETTERS) -> str:
        """Return a line and its end; the line is cut if both are too long for the picture."""
        if width_of(text + end, size) <= self.room:
            return text + end
        while text and width_of(f"{text} ...{end}", size) > self.room:
            text = text[:-1]
        return f"{text} ...{end}"

    def spotlight(self, fact: WindowFact) -> Iterator[Shape]:
        """Yield the marks for one window: its frame, its cells, the output cell, the arithmetic."""
        first, second = self.grids
        thick = 3 if first.zoom >= 8 else 2
        rows, columns = (span.cells for span in fact.spans)
        if rows.step > 1 or columns.step > 1:
            for row in rows:
                for column in columns:
                    yield from rimmed(_inner(first.box(row, column), 2), max(thick - 1, 1))
        else:
            yield from rimmed(first.box(rows[0], columns[0], len(rows), len(columns)), thick)
        for place in fact.winners:
            yield from rimmed(_inner(first.box(*place), thick), max(thick - 1, 1))
        yield from rimmed(second.box(*fact.at), thick)
        yield from self._arithmetic(fact)

    def _arithmetic(self, fact: WindowFact) -> Iterator[Shape]:
        at = ",".join(map(str, fact.at))
        result = "" if fact.result is None else f" = {number(fact.result)}"
        yield Words(MARGIN, self.words_top + LINE // 2, self.fitted(f"output {at}: input {fact.where}"), LETTERS, QUIET)
        formula = self.fitted(fact.formula, result, LETTERS + 2)
        yield Words(MARGIN, self.words_top + LINE * 3 // 2 + 4, formula, LETTERS + 2, INK)


def extent(axis: Axis) -> tuple[int, int]:
    """Return the first cell of an axis with its padding, and the number of cells up to the last one drawn."""
    first = min(-axis.before, axis.starts[0])
    last = max(axis.length + axis.after - 1, axis.cells(len(axis) - 1)[-1])
    return first, last - first + 1


def _reach(axis: Axis) -> int:
    """Return the cell after the last one that a window covers, or the end of the input."""
    return max(axis.length, max(cells[-1] for cells in map(axis.cells, range(len(axis)))) + 1)


def _hatched(box: Framing) -> Raster:
    x, y, width, height = box
    stripes = np.add.outer(np.arange(int(height)), np.arange(int(width))) // 3 % 3 == 0
    return Raster(x, y, width, height, np.where(stripes[..., None], PAPER, PAD_COLOR).astype(np.uint8))


def _outline(box: Framing, thick: int, color: Rgb) -> Rectangle:
    return Rectangle(*box, None, color, thick)


def _inner(box: Framing, by: int) -> Framing:
    x, y, width, height = box
    return (x + by, y + by, width - 2 * by, height - 2 * by) if min(width, height) > 4 * by else box


def rimmed(box: Framing, thick: int) -> Iterator[Rectangle]:
    """Yield an outline that is visible on every colour: the accent between two light lines."""
    x, y, width, height = box
    grown = (x - thick, y - thick, width + 2 * thick, height + 2 * thick)
    yield _outline((grown[0] - 1, grown[1] - 1, grown[2] + 2, grown[3] + 2), 1, PAPER)
    yield _outline(grown, thick, ACCENT)
    yield _outline(box, 1, PAPER)

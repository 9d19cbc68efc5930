"""Maps with one axis as a line with bands for windows, at any length without losing peaks."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import cached_property

from poolcli.analysis.windows import WindowFact
from poolcli.colors import Rgb
from poolcli.featuremap import FeatureMap
from poolcli.pooling.layer import Pooling
from poolcli.render.animation.scene import (
    ACCENT,
    AIM_WIDTH,
    EMPTY,
    INK,
    LARGEST_CELL,
    LETTERS,
    LINE,
    MARGIN,
    PAD_COLOR,
    PAPER,
    QUIET,
    SMALL_OUTPUT,
    Array,
    CellGrid,
    Path,
    Rectangle,
    Scene,
    Shape,
    Words,
    extent,
    rimmed,
)  # fmt: skip
from poolcli.render.planes import reaches

TALL, INSET = 130, 10  # pixels: the height of a line, and the space above and below it
MOST_LANES = 5  # for overlapping windows
NARROWEST = 3  # pixels of a window that can be told from the next
CELLS = 18  # least pixels of a cell with its number below the line
STROKE: Rgb = (44, 93, 158)
BANDS: tuple[Rgb, Rgb] = ((206, 221, 241), (255, 222, 205))


def staged(
    feature_map: FeatureMap, layer: Pooling, zoom: int | None, colormap: str = "viridis", named: bool = False
) -> Scene:
    """Return the scene of a layer, a `LineScene` for one axis."""
    return (LineScene if layer.ndim == 1 else Scene)(feature_map, layer, zoom, colormap, named)


class LineScene(Scene):
    """A line, with its cells below if they are large enough for numbers; cells may be narrower than a pixel."""

    def _check_sides(self, sides: Sequence[int]) -> None:
        """Any length fits."""

    @cached_property
    def grids(self) -> tuple[CellGrid, CellGrid]:
        """The positions of the cells of input and output, drawn or not."""
        left, columns = extent(self.axes[1])
        outputs = self.pooled.size
        zooms = [self.zoom or _fitting(columns), self.zoom or max(_fitting(outputs, SMALL_OUTPUT), 0)]
        first = CellGrid(0, left, int(zooms[0] >= CELLS), columns, zooms[0], MARGIN, MARGIN + 2 * LINE + TALL)
        below = first.y + first.height + 2 * LINE + TALL
        return first, CellGrid(0, 0, int(zooms[1] >= CELLS), outputs, zooms[1], MARGIN, int(below))

    def background(self) -> Iterator[Shape]:
        """Yield what never changes: titles, the input with its windows, the empty output, the colour bar."""
        yield Rectangle(0, 0, self.width, self.height, PAPER)
        yield Words(MARGIN, MARGIN + 6, self._heading(), LETTERS, INK)
        first, second = self.grids
        for grid, name in ((first, "input"), (second, "output")):
            said = name + _grain(grid) + (self._narrow() if grid is first else "")
            yield Words(grid.x, grid.y - TALL - LINE // 2, said, LETTERS - 2, QUIET)
            yield Rectangle(grid.x, grid.y - TALL, grid.width, TALL, EMPTY)
        yield from self._grounds(first)
        yield from self._path(first, self.input[0], 0, self.input.size)
        if first.rows:
            yield from self._input(first)
        yield from self._bar()

    def _narrow(self) -> str:
        """Return a remark if the windows are too narrow to draw."""
        axis = self.axes[1]
        narrow = (axis.stops[0] - axis.starts[0]) * self.grids[0].zoom < NARROWEST
        return f"; its {len(axis)} windows are too narrow to draw" if narrow else ""

    def _grounds(self, grid: CellGrid) -> Iterator[Shape]:
        """Yield padding and windows; overlapping ones go into lanes below each other."""
        axis = self.axes[1]
        for start, end in ((grid.left, 0), (axis.length, grid.left + grid.columns)):
            if end > start:
                yield self._band(grid, start, end, PAD_COLOR)
        if self._narrow():
            return
        apart = next((i for i in range(1, len(axis)) if axis.starts[i] >= axis.stops[0]), 1)
        lanes = min(apart, MOST_LANES)
        for i in range(len(axis)):
            part = (i % lanes * TALL // lanes, (i % lanes + 1) * TALL // lanes)
            yield self._band(grid, axis.starts[i], axis.cells(i)[-1] + 1, BANDS[i % 2], part)

    def _band(self, grid: CellGrid, start: int, end: int, color: Rgb, part: tuple[int, int] = (0, TALL)) -> Rectangle:
        x, _, width, _ = grid.box(0, start, 1, end - start)
        return Rectangle(x, grid.y - TALL + part[0], width, part[1] - part[0], color)

    def _path(self, grid: CellGrid, line: Array, first: int, last: int) -> Iterator[Path]:
        """Yield the line from one cell to another, interrupted at NaN."""
        if self.named:
            return
        count = last - first
        points = min(count, math.ceil(count * grid.zoom))
        least, most = reaches(line[first:last], points)
        piece: list[tuple[float, float]] = []
        step = count / points
        for number, (low, high) in enumerate(zip(self._high(grid, least), self._high(grid, most), strict=True)):
            x = grid.x + (first + (number + 0.5) * step - grid.left) * grid.zoom
            if not math.isnan(low):
                piece += [(x, low)] if low == high else [(x, low), (x, high)]
            elif piece:
                yield Path(tuple(piece), STROKE, 2)
                piece = []
        if piece:
            yield Path(tuple(piece), STROKE, 2)

    def _high(self, grid: CellGrid, values: Array) -> list[float]:
        share = self.scale.share(values)
        heights: list[float] = (grid.y - INSET - share * (TALL - 2 * INSET)).round(1).tolist()
        return heights

    def filling(self, first: int, last: int) -> Iterator[Shape]:
        """Yield the output from one cell up to another, connected with the cell before."""
        grid = self.grids[1]
        yield from self._path(grid, self.pooled[0], max(first - 1, 0), last)
        if grid.rows:
            yield from super().filling(first, last)

    def outlines(self) -> Iterator[Shape]:
        """Yield nothing: the bands are part of the background."""
        return iter(())

    def spotlight(self, fact: WindowFact) -> Iterator[Shape]:
        """Yield the marks for one window: its band, its cells, the output cell, the arithmetic."""
        first, second = self.grids
        (cells,), (at,) = (span.cells for span in fact.spans), fact.at
        yield from self._around(first, cells[0], cells[-1] + 1)
        yield from self._around(second, at, at + 1)
        for (place,) in fact.winners if first.rows else ():
            yield from rimmed(first.box(0, place), 2)
        for (place,) in fact.winners if not self.named else ():
            if 0 <= place < self.input.size:
                yield from self._dot(first, place)
        yield from self._arithmetic(fact)

    def _around(self, grid: CellGrid, start: int, end: int) -> Iterator[Shape]:
        x, _, width, high = grid.box(0, start, 1, end - start)
        wide = max(width, NARROWEST)
        return rimmed((x - (wide - width) / 2, grid.y - TALL, wide, TALL + high * grid.rows), 3)

    def _dot(self, grid: CellGrid, place: int) -> Iterator[Shape]:
        ((x, _, width, _), (y,)) = grid.box(0, place), self._high(grid, self.input[0, place : place + 1])
        if not math.isnan(y):
            yield Rectangle(x + width / 2 - 4, y - 4, 9, 9, ACCENT, PAPER, 1)


def _fitting(columns: int, least: int = AIM_WIDTH) -> float:
    """Return the pixels per cell, a whole number if cells have numbers."""
    zoom = max(AIM_WIDTH, least) / columns
    return min(int(zoom), LARGEST_CELL) if zoom >= CELLS else zoom


def _grain(grid: CellGrid) -> str:
    """Return a remark if several cells fall on a pixel."""
    if grid.zoom >= 1:
        return ""
    return f": up to {math.ceil(1 / grid.zoom)} cells on a pixel, from the smallest to the largest"

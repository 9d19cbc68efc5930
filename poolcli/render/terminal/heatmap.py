"""A feature map as a picture in the terminal.

Small maps show the number in every cell; larger ones use half blocks, two rows per line, or without colour a ramp of
characters. Maps that do not fit are reduced by average pooling, and the caption says so.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich.color import Color, ColorSystem
from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.segment import Segment
from rich.style import Style

from poolcli.analysis.formulas import number
from poolcli.colors import NAN_COLOR, Rgb, Scale, ink, usual_colormap
from poolcli.errors import ShapeError
from poolcli.featuremap import FeatureMap
from poolcli.render.planes import MOST_PLANES, reduced, shown_planes, summary
from poolcli.render.terminal.line import grain, line
from poolcli.render.terminal.panels import Block, Segments, below, beside, centred, flow, paragraph
from poolcli.window import times
from poolcli.wording import Phrase, keyword, safe

Array = NDArray[Any]
Colors = Literal["truecolor", "256", "none"]
RAMP = " .:-=+*#%@"  # from low to high, on a dark terminal from dark to light
NAN_MARK = "?"
VALUE_CELLS = (16, 16)  # most rows and columns with numbers in the cells
TALL_ROWS = 6  # most rows with cells three lines high
BAR_WIDTH = 40
CELL_DIGITS = 4  # significant digits of the numbers in cells
LINES = 48  # the most of a picture


class Canvas(NamedTuple):
    """What maps are drawn on."""

    width: int  # most columns
    colors: Colors = "truecolor"  # of the terminal; without, maps are made of characters
    colormap: str = "viridis"
    ascii_only: bool = False
    option: Callable[[str, Any], str] = keyword  # spells options in captions

    @property
    def colored(self) -> bool:
        """Whether there are colours."""
        return self.colors != "none"


@dataclass(frozen=True)
class _Pen:
    """How to draw on a canvas."""

    canvas: Canvas
    scale: Scale
    made: dict[tuple[Rgb | None, Rgb | None], Style] = field(default_factory=dict, repr=False)  # cached styles

    def style(self, front: Rgb | None, back: Rgb | None) -> Style:
        style = self.made.get((front, back))
        if style is None:
            reduced = self.canvas.colors == "256"
            style = self.made[front, back] = Style(color=_color(front, reduced), bgcolor=_color(back, reduced))
        return style

    def marks(self, values: Array) -> list[list[str]]:
        """Return the character of the ramp for every number."""
        share = self.scale.share(values)
        index = np.where(np.isnan(share), 0, np.minimum(share * len(RAMP), len(RAMP) - 1)).astype(int)
        return [
            [NAN_MARK if nan else RAMP[i] for i, nan in zip(row, gone, strict=True)]
            for row, gone in zip(index.tolist(), np.isnan(share).tolist(), strict=True)
        ]


def _color(rgb: Rgb | None, reduced: bool) -> Color | None:
    if rgb is None:
        return None
    color = Color.from_rgb(*rgb)
    return color.downgrade(ColorSystem.EIGHT_BIT) if reduced else color


def picture(feature_map: FeatureMap, canvas: Canvas) -> RenderableType:
    """Draw a feature map; planes of the leading axes and of depth are side by side.

    Examples
    --------
    >>> from rich.console import Console
    >>> shown = picture(FeatureMap(np.array([[6, 9], [5, 8]]), name="pooled"), Canvas(40, "none"))
    >>> Console(width=40, no_color=True).print(shown)
    pooled
    :::::@@@@@
    : 6 :@ 9 @
    :::::@@@@@
         #####
      5  # 8 #
         #####
      ..::--==++**##%%@@
    5        7         9
    shape 2x2 (HW), min 5, mean 7, max 9
    """
    return _framed(feature_map, canvas)


@dataclass(frozen=True)
class Shown:
    """A map that Rich draws with the width and colours of the screen."""

    feature_map: FeatureMap

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the picture."""
        systems: dict[str | None, Colors] = {"truecolor": "truecolor", "256": "256"}
        colors = "none" if console.no_color else systems.get(console.color_system, "none")
        usual = usual_colormap(self.feature_map.white)
        yield picture(self.feature_map, Canvas(options.max_width, colors, usual, options.ascii_only))


def side_by_side(*feature_maps: FeatureMap, titles: Sequence[str], canvas: Canvas) -> RenderableType:
    """Draw maps side by side, or below each other if the width does not allow it.

    They share a colour scale, so that a colour means the same number everywhere, unless that would hide the contrasts
    of one of them: then each has its own, as the colour bars show.
    """
    rows = list(zip(feature_maps, titles, _scales(feature_maps, canvas.colormap), strict=True))

    def drawn(room: int) -> list[Block]:
        return [_framed(one, canvas._replace(width=room), title, scale) for one, title, scale in rows]

    gap, width = 3, canvas.width
    natural = drawn(width)
    if sum(block.width for block in natural) + gap * (len(natural) - 1) <= width:
        return beside(natural, gap)
    columns = min(len(natural), max(1, (width + gap) // (24 + gap)))
    return flow(drawn((width - gap * (columns - 1)) // columns), width, gap)


def _scales(feature_maps: Sequence[FeatureMap], colormap: str) -> list[Scale]:
    own = [Scale.of([one.values], colormap) for one in feature_maps]
    shared = Scale.of([one.values for one in feature_maps], colormap)
    reach = shared.high - shared.low
    drowned = any(scale.high - scale.low < reach / 8 and not scale.flat for scale in own)
    return own if drowned else [shared] * len(own)


def _framed(feature_map: FeatureMap, canvas: Canvas, title: str | None = None, scale: Scale | None = None) -> Block:
    """Draw the planes with title, colour bar and captions, by default with the map's name and its own scale."""
    canvas = canvas._replace(width=max(canvas.width, 4))
    if not feature_map.values.size:
        raise ShapeError(f"{feature_map.name} has no cells to draw", "a table says its shape")
    planes, hidden = shown_planes(feature_map)
    factor = 1 if _cell_width(planes, canvas) else _factor(planes[0][1], canvas)
    shown = [(label, reduced(plane, factor)) for label, plane in planes]
    as_line = feature_map.ndim == 1
    drawn = planes if as_line else shown
    pen = _Pen(canvas, scale or Scale.of([plane for _, plane in drawn], canvas.colormap))
    heading = paragraph(safe(feature_map.name if title is None else title), canvas.width, Style(bold=True))
    captions = _captions(feature_map, canvas, shown[0][1].shape, factor, hidden)
    below_it = [paragraph(words, canvas.width) for words in captions]
    return below([heading, _drawn(drawn, pen, as_line=as_line), _bar(pen, shown), *below_it])


# --- fitting ----------------------------------------------------------------------------------------------------------


def _cell_width(planes: Sequence[tuple[str, Array]], canvas: Canvas) -> int:
    """Return the columns of a cell with its number, or 0 if the numbers do not fit."""
    rows, columns = planes[0][1].shape
    if rows > VALUE_CELLS[0] or columns > VALUE_CELLS[1]:
        return 0
    wide = max(len(words) for _, plane in planes for row in _written(plane) for words in row) + 4 - 2 * canvas.colored
    return wide if wide * columns <= canvas.width else 0


def _factor(plane: Array, canvas: Canvas) -> int:
    """Return the number of cells, each way, to average into one."""
    rows, columns = map(int, plane.shape)
    across, down = _grain(canvas)
    by_width = math.ceil(columns / max(canvas.width // across, 1))
    by_height = math.ceil(rows / (LINES * down))
    return max(by_width, by_height, 1)


def _grain(canvas: Canvas) -> tuple[int, int]:
    """Return the columns per cell, and the cells per line of text."""
    return (1, 2) if canvas.colored and not canvas.ascii_only else (2, 1)


def _captions(feature_map: FeatureMap, canvas: Canvas, shown: Sequence[int], factor: int, hidden: int) -> list[str]:
    said = [summary(feature_map, "magenta" if canvas.colored else NAN_MARK)]
    if factor > 1 and feature_map.ndim == 1:
        said.append(grain(feature_map.spatial[0], canvas.width))
    elif factor > 1:
        rows, columns = (1, *feature_map.spatial)[-2:]
        size = (min(factor, rows), min(factor, columns))
        how = Phrase("pool {mode} {size} {ceil_mode}", mode="avg", size=size, ceil_mode=True).worded(canvas.option)
        said.append(f"drawn as {times(shown)}: each cell is the average of {times(size)} ({how})")
    if hidden:
        said.append(f"the first {MOST_PLANES} of {hidden + MOST_PLANES} planes")
    return said


# --- drawing ----------------------------------------------------------------------------------------------------------


def _drawn(planes: Sequence[tuple[str, Array]], pen: _Pen, *, as_line: bool) -> Block:
    """Draw planes with their labels; a line has its cells below if there is room for numbers."""
    width, wide = pen.canvas.width, _cell_width(planes, pen.canvas)
    blocks = []
    for label, plane in planes:
        parts = [paragraph(label, width)] if label else []
        if as_line:
            scale = Scale.of([plane]) if pen.scale.flat else pen.scale
            parts.append(line(plane[0], scale, wide * plane.shape[1] or width, ascii_only=pen.canvas.ascii_only))
        if wide:
            parts.append(_valued(plane, pen, wide))
        elif not as_line:
            parts.append(_pixels(_enlarged(plane, pen.canvas), pen))
        blocks.append(below(parts))
    return flow(blocks, width)


def _enlarged(plane: Array, canvas: Canvas) -> Array:
    """Repeat cells so that a medium-sized map fills a good part of the screen."""
    rows, columns = plane.shape
    across, down = _grain(canvas)
    by = max(min(min(canvas.width, 80) // (columns * across), 2 * LINES * down // (3 * rows)), 1)
    return plane.repeat(by, axis=0).repeat(by, axis=1)


def _written(plane: Array) -> list[list[str]]:
    return [[number(value, CELL_DIGITS) for value in row] for row in plane]


def _valued(plane: Array, pen: _Pen, wide: int) -> Block:
    """Draw cells with numbers."""
    lines: list[Segments] = []
    tall = plane.shape[0] <= TALL_ROWS
    marks = pen.marks(plane)
    for row, (numbers, values) in enumerate(zip(_written(plane), pen.scale.rgb(plane).tolist(), strict=True)):
        middle: Segments = []
        around: Segments = []
        for words, color, mark in zip(numbers, values, marks[row], strict=True):
            back: Rgb = tuple(color)
            if pen.canvas.colored:
                style = pen.style(ink(back), back)
                middle.append(Segment(centred(words, wide), style))
                around.append(Segment(" " * wide, style))
            else:
                left = (wide - len(words) - 2) // 2
                middle.append(Segment(f"{mark * left} {words} {mark * (wide - len(words) - 2 - left)}"))
                around.append(Segment(mark * wide))
        lines += [around, middle, around] if tall else [middle]
    return Block(lines)


def _pixels(plane: Array, pen: _Pen) -> Block:
    if not pen.canvas.colored:
        return Block([[Segment("".join(mark * 2 for mark in row))] for row in pen.marks(plane)])
    colors = pen.scale.rgb(plane).tolist()
    if pen.canvas.ascii_only:
        return Block([_runs([(" " * 2, None, tuple(color)) for color in row], pen) for row in colors])
    lines = []
    for top in range(0, len(colors), 2):
        lower = colors[top + 1] if top + 1 < len(colors) else [None] * len(colors[top])
        pairs = zip(colors[top], lower, strict=True)
        lines.append(_runs([("▀", tuple(a), tuple(b) if b else None) for a, b in pairs], pen))
    return Block(lines)


def _runs(cells: Sequence[tuple[str, Any, Any]], pen: _Pen) -> Segments:
    """Join neighbours of the same style into one segment."""
    runs = groupby(cells, itemgetter(1, 2))
    return [Segment("".join(mark for mark, *_ in run), pen.style(*colors)) for colors, run in runs]


def _bar(pen: _Pen, shown: Sequence[tuple[str, Array]]) -> Block:
    """Draw the colour bar with numbers at its ends and its middle."""
    if pen.scale.flat:
        return Block([])
    width, colored = pen.canvas.width, pen.canvas.colored
    low, middle, high = map(number, pen.scale.ticks)
    length = min(max(len(low) + len(middle) + len(high) + 4, min(BAR_WIDTH, width // 2), len(RAMP)), width)
    steps = np.linspace(pen.scale.low / 2, pen.scale.high / 2, length) * 2
    if not colored:
        bar = [Segment("".join(pen.marks(steps[None])[0]))]
    elif pen.canvas.ascii_only:
        bar = _runs([(" ", None, tuple(color)) for color in pen.scale.rgb(steps).tolist()], pen)
    else:
        bar = _runs([("▄", tuple(color), None) for color in pen.scale.rgb(steps).tolist()], pen)
    room = length - len(low) - len(high)
    inner = centred(middle, room) if len(middle) + 2 <= room else " " * max(room, 1)
    ends = [low + inner + high] if len(low + inner + high) <= width else [low, high.rjust(width)]
    lines: list[Segments] = [bar, *([Segment(words)] for words in ends)]
    if any(plane.dtype.kind == "f" and np.isnan(plane).any() for _, plane in shown) and colored:
        lines[1] += [Segment("  "), Segment("  ", pen.style(None, NAN_COLOR)), Segment(" NaN")]
    return Block(lines)

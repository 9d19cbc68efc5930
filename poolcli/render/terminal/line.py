"""Maps with one axis as a line in the terminal, of Braille dots or ASCII stars, with windows as bars below it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.segment import Segment

from poolcli.analysis.windows import WindowFact
from poolcli.colors import Scale
from poolcli.render.planes import reaches
from poolcli.render.terminal.panels import Block, below, paragraph

Array = NDArray[Any]
HIGH = 8  # lines of text of a picture
GRAIN: Mapping[bool, tuple[int, int]] = {False: (2, 4), True: (1, 1)}  # dots per character: across, down
DOTS = ((0x01, 0x02, 0x04, 0x40), (0x08, 0x10, 0x20, 0x80))  # of U+2800, by column and row
BARS: Mapping[bool, str] = {False: "├─┤│", True: "[-]|"}  # left end, middle, right end, and a single character
MOST_BARS = 6  # lines for overlapping windows


def line(values: Array, scale: Scale, width: int, *, ascii_only: bool = False, high: int = HIGH) -> Block:
    r"""Draw a line without losing peaks: every column reaches from its minimum to its maximum; NaN is a gap.

    Examples
    --------
    >>> drawn = line(np.array([0, 1, 2, 3]), Scale(0, 3), 4, ascii_only=True, high=4)
    >>> print("\n".join(segment.text for (segment,) in drawn.lines))
       *
      *
     *
    *
    """
    across, down = GRAIN[ascii_only]
    columns, rows = width * across, high * down
    dots = np.zeros((rows, columns), bool)
    parts = min(values.size, columns)
    places = (np.arange(parts) + 0.5) * columns / parts
    low, top = ((1 - scale.share(one)) * (rows - 1) for one in reaches(values, parts))  # rows, counted from the top
    if parts < columns:  # interpolate
        way = np.interp(np.arange(columns) + 0.5, places, (low + top) / 2, left=np.nan, right=np.nan)
        way[places.astype(int)] = low
        low = top = way
    low, top = np.round(low), np.round(top)
    low, top = _joined(low, top - 1, np.fmax), _joined(top, low + 1, np.fmin)
    for column in np.flatnonzero(~np.isnan(low)):
        dots[int(top[column]) : int(low[column]) + 1, column] = True
    return Block([[Segment(row)] for row in _characters(dots, across, down)])


def _joined(ends: Array, others: Array, farther: np.ufunc) -> Array:
    """Return one end of every column's reach, extended to the next column's, so that the line has no holes."""
    return np.append(np.where(np.isnan(ends[:-1]), np.nan, farther(ends[:-1], others[1:])), ends[-1:])


def _characters(dots: NDArray[np.bool_], across: int, down: int) -> list[str]:
    rows, columns = dots.shape
    if (across, down) == (1, 1):
        return ["".join("*" if dot else " " for dot in row).rstrip() or " " for row in dots]
    weights = np.array(DOTS).T
    blocks = dots.reshape(rows // down, down, columns // across, across)
    sums = (blocks * weights[None, :, None, :]).sum(axis=(1, 3))
    return ["".join(chr(0x2800 + number) if number else " " for number in row) for row in sums]


def windows_of_line(values: Array, facts: Sequence[WindowFact], width: int, *, ascii_only: bool = False) -> Block:
    """Draw a line of `width` columns of text with some windows as bars below it."""
    drawn = line(values, Scale.of([values]), width, ascii_only=ascii_only)
    spans = [(fact.spans[0].cells[0], fact.spans[0].cells[-1] + 1) for fact in facts]
    by = width / values.size
    said = [grain(values.size, width)] if by < 1 else []
    bars = _bars([(start * by, end * by) for start, end in spans], width, BARS[ascii_only])
    return below([drawn, Block([[Segment(bar)] for bar in bars]), *(paragraph(words, width) for words in said)])


def grain(cells: int, width: int) -> str:
    """Return the caption that says how many cells share a column of text."""
    most = math.ceil(cells / width)
    return f"drawn as a line: up to {most} cells in a column, from the smallest to the largest"


def _bars(spans: Iterable[tuple[float, float]], width: int, marks: str) -> list[str]:
    """Draw bars into the fewest lines without overlaps; bars beyond `MOST_BARS` lines are left out."""
    lanes: list[list[str]] = []
    for start, end in spans:
        first = min(max(math.floor(start), 0), width - 1)
        last = max(min(math.ceil(end), width) - 1, first)
        bar = marks[3] if first == last else marks[0] + marks[1] * (last - first - 1) + marks[2]
        free = next((lane for lane in lanes if not any(mark != " " for mark in lane[first : last + 1])), None)
        if free is None:
            if len(lanes) == MOST_BARS:
                continue
            free = [" "] * width
            lanes.append(free)
        free[first : last + 1] = bar
    return ["".join(lane).rstrip() for lane in lanes]

"""Feature maps as tables, with entire rows and columns left out if room is short, but never a digit."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from rich import box
from rich.console import Console, ConsoleOptions, Group, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.text import Text

from poolcli.featuremap import FeatureMap, named_planes
from poolcli.steps.steps import text as step_text
from poolcli.system.limits import check_memory
from poolcli.window import times
from poolcli.wording import Phrase, Typed, many, printable

Array = NDArray[Any]
HUGE = 1e16  # larger floats have no decimals, and their last digits mean nothing
ROWS, COLUMNS, PLANES = 40, 60, 8
CELL = 300  # bytes of a cell as text, in its column and in its row


class Look(NamedTuple):
    """The look of tables."""

    precision: int = 4  # most decimals
    width: int | None = None  # of the terminal; None for no limit
    # to show; None for as many as fit
    rows: int | None = None
    columns: int | None = None
    full: bool = False  # show everything
    ascii_only: bool = False


def decimal(value: Any, precision: int = 4) -> str:
    """Write a number with at most `precision` decimals, and integers with all digits.

    Examples
    --------
    >>> decimal(3.75), decimal(3.0), decimal(2**60), decimal(1.23456e-7), decimal(float("nan"))
    ('3.75', '3', '1152921504606846976', '1.2346e-07', 'nan')
    """
    if isinstance(value, bool | np.bool_):
        return "1" if value else "0"
    if isinstance(value, int | np.integer):
        return str(int(value))
    value = float(value)
    if not math.isfinite(value):
        return str(value)
    if value and (abs(value) >= HUGE or abs(value) < 0.5 * 10.0**-precision):
        return f"{value:.{precision}e}"
    plain = f"{value:.{precision}f}"
    plain = plain.rstrip("0").rstrip(".") if "." in plain else plain
    return "0" if plain == "-0" else plain


def column_of(values: Array, precision: int) -> list[str]:
    """Write a column of numbers with aligned decimal points."""
    cells = [decimal(value, precision) for value in values.tolist()]
    if values.dtype.kind == "f":
        tails = [len(cell) - cell.find(".") if "." in cell and "e" not in cell else 0 for cell in cells]
        most = max(tails, default=0)
        cells = [cell + " " * (most - tail) for cell, tail in zip(cells, tails, strict=True)]
    width = max(map(len, cells), default=0)
    return [cell.rjust(width) for cell in cells]


def _ends(length: int, most: int | None) -> list[int]:
    """Return the rows or columns to show: all, or `most` from both ends, with -1 for the gap."""
    if most is None or length <= most:
        return list(range(length))
    front = max((most + 1) // 2, 1)
    back = most - front if most > 1 else 0
    return [*range(front), -1, *range(length - back, length)]


def _fitting(columns: Sequence[Sequence[str]], width: int, gap: int) -> int:
    """Return how many columns, taken from both ends in turn, fit the width with a mark for the rest."""
    widths = [max(map(len, column), default=0) + gap for column in columns]
    if sum(widths) + 1 <= width:
        return len(columns)
    room = width - 1 - (1 + gap)
    order = [i // 2 if i % 2 == 0 else len(columns) - 1 - i // 2 for i in range(len(columns))]
    return max(sum(reach <= room for reach in accumulate(widths[index] for index in order)), 1)


class Grid:
    """Columns of text in a frame like Rich's `Table`, but a hundred times as fast, and never cut."""

    def __init__(self, columns: Sequence[Sequence[str]], *, ascii_only: bool = False) -> None:
        frame = box.ASCII2 if ascii_only else box.SQUARE
        widths = [max(map(len, column), default=0) for column in columns]
        padded = [[cell.ljust(width) for cell in column] for column, width in zip(columns, widths, strict=True)]
        inner = [width + 2 for width in widths]
        left, between, right = (f"{frame.mid_left} ", f" {frame.mid_vertical} ", f" {frame.mid_right}")
        rows = [left + between.join(cells) + right for cells in zip(*padded, strict=True)]
        self.lines = [frame.get_top(inner), *rows, frame.get_bottom(inner)]

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        for line in self.lines:
            yield Segment(line)
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement(len(self.lines[0]), len(self.lines[0]))


def plane_table(plane: Array, look: Look, marks: NDArray[np.bool_] | None = None) -> Grid:
    """Draw one plane, shape (rows, columns), with stars at the cells in `marks`."""
    rows = _ends(plane.shape[0], None if look.full else look.rows or ROWS)
    most = plane.shape[1] if look.full else min(look.columns or COLUMNS, plane.shape[1])
    check_memory(
        CELL * len(rows) * most,
        f"a table of {len(rows)}x{most} cells",
        Phrase("show less of it{way}", way=Typed(Phrase(", or use {json}"))),
    )
    candidates = [index for index in _ends(plane.shape[1], most) if index >= 0]
    shown = np.ix_([row for row in rows if row >= 0], candidates)
    cells = [column_of(column, look.precision) for column in plane[shown].T]
    if marks is not None:
        cells = [_marked(column, flags) for column, flags in zip(cells, marks[shown].T, strict=True)]
    if look.width is not None and not look.full and look.columns is None:
        most = min(most, _fitting(cells, look.width, 3))
    columns = _ends(plane.shape[1], most)
    across, down = ("...", "...") if look.ascii_only else ("⋯", "⋮")
    text = {**dict(zip(candidates, cells, strict=True)), -1: [across] * (len(rows) - rows.count(-1))}
    gap = rows.index(-1) if -1 in rows else None
    drawn = [text[index] if gap is None else [*text[index][:gap], down, *text[index][gap:]] for index in columns]
    return Grid(drawn, ascii_only=look.ascii_only)


def _marked(column: Sequence[str], flags: NDArray[np.bool_]) -> list[str]:
    if not flags.any():
        return list(column)
    signs = ["*" if flag else " " for flag in flags.tolist()]
    digits = [cell.rstrip(" ") for cell in column]
    return [d + sign + cell[len(d) :] for cell, d, sign in zip(column, digits, signs, strict=True)]


def values_table(feature_map: FeatureMap, values: Array, look: Look, marks: NDArray[np.bool_] | None = None) -> Group:
    """Draw every plane of `values`, or the first and last few, with stars at the cells in `marks`."""
    planes = list(named_planes(feature_map, values, "="))
    marked = [None] * len(planes) if marks is None else [plane for _, plane in named_planes(feature_map, marks)]
    parts: list[RenderableType] = []
    for index in _ends(len(planes), None if look.full else PLANES):
        if index < 0:
            parts.append(Text(f"... {many(len(planes) - PLANES, 'more plane')} ..."))
            continue
        title, plane = planes[index]
        if title:
            parts.append(Text(title.lower(), style="bold"))
        parts.append(plane_table(plane, look, marked[index]))
    return Group(*parts)


def describe(feature_map: FeatureMap) -> str:
    """Return shape, layout and type in a few words.

    Examples
    --------
    >>> from poolcli import FeatureMap
    >>> describe(FeatureMap.from_array(np.zeros((1, 2, 4), np.float32)))
    '1x2x4 CHW float32'
    """
    usual = feature_map.layout in ("HW", "L")
    return " ".join([times(feature_map.shape), *([] if usual else [feature_map.layout]), str(feature_map.values.dtype)])


def result_table(before: FeatureMap, after: FeatureMap, look: Look) -> RenderableType:
    """Draw a result: the input's shape, the steps, the output's shape, and the values."""
    parts: list[RenderableType] = [*story(before, after), values_table(after, after.values, look)]
    if after.indices is not None:
        parts += [Text("indices", style="bold"), values_table(after, after.indices, look)]
    return Group(*parts)


def story(before: FeatureMap, after: FeatureMap, *, ends: bool = True) -> list[Text]:
    """Return the earlier steps, the input, the steps and, if it `ends`, the output, one per line."""
    already = len(before.steps)
    lines = [(f"earlier {record['step']}", _done(record)) for record in before.steps]
    below = f", below the header {header}" if (header := before.origin.get("header")) else ""
    lines.append(("input", f"{describe(before)}  {printable(before.name)}{below}"))
    lines += [(str(record["step"]), _done(record)) for record in after.steps[already:]]
    lines += [("output", describe(after))] if ends else []
    label = max(len(name) for name, _ in lines)
    return [
        Text(printable(f"{name:<{label}}  {what}"), style="bold" if name == "output" else "") for name, what in lines
    ]


def _done(record: Any) -> str:
    said = step_text(record)
    shape = times(sizes) if isinstance(sizes := record.get("shape"), list | tuple) else ""
    return "  ".join(part for part in (said, f"-> {shape}" if shape else "") if part)

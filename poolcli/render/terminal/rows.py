"""Tables that stay readable at any width: without room for columns, the cells of a row go below each other."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, Group, RenderableType, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text

WHOLE_NUMBER = r"(?<![\w./:-])[(\[|]*[-+]?[0-9][0-9.,/%ex+-]*[)\]|;:]*"  # and shapes, but not in names and addresses
PROSE = 14  # least columns for readable text


def framed(*, ascii_only: bool, lines: bool = False) -> Table:
    """Return an empty table in poolcli's style."""
    return Table(box=box.ASCII2 if ascii_only else box.SQUARE, show_lines=lines)


class Uncut:
    """A table that becomes wider than the terminal rather than cutting a number.

    Rich would cut words and drop columns; a terminal wraps long lines and loses nothing. The table has all of its rows.
    Columns with `no_wrap` stay whole, others as wide as their longest number, and wrapped text at least `prose` wide.
    """

    def __init__(self, table: Table, prose: int = PROSE) -> None:
        self.table = table
        self.readable = 1  # least width: each column has a frame and two blanks
        for column in table.columns:
            cells = [str(cell) for cell in (column.header, *column.cells)]
            lines = [line for cell in cells for line in cell.splitlines()]
            numbers = [number for cell in cells for number in re.findall(WHOLE_NUMBER, cell)]
            column.min_width = _longest(lines if column.no_wrap else numbers)
            self.readable += max(column.min_width, min(_longest(lines), prose)) + 3
        self.least = 1 + sum((column.min_width or 0) + 3 for column in table.columns)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self.table, self._roomy(options))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, self._roomy(options), self.table)

    def _roomy(self, options: ConsoleOptions) -> ConsoleOptions:
        return options.update(width=max(options.max_width, self.least))


def _longest(pieces: Sequence[str]) -> int:
    return max(map(cell_len, pieces), default=1)


class Fitting:
    """The first of some tables, the widest first, that is readable in the given width, or else a stacked form.

    By default that has the cells of the first table below each other.
    """

    def __init__(self, *tables: Uncut, stacked: RenderableType | None = None) -> None:
        self.tables = tables
        self.stacked = _stacked(tables[0].table) if stacked is None else stacked

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield self._chosen(options)

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, options, self._chosen(options))

    def _chosen(self, options: ConsoleOptions) -> RenderableType:
        fitting = (table for table in self.tables if table.readable <= options.max_width)
        return next(fitting, self.stacked)


def _stacked(table: Table) -> RenderableType:
    """Draw each row as lines of head and cell; with several rows, the first cell is a title."""
    heads = [str(column.header).replace("\n", " ") for column in table.columns]
    parts: list[RenderableType] = []
    for row in zip(*(column.cells for column in table.columns), strict=True):
        titled = table.row_count > 1
        lines = Table.grid(padding=(0, 2, 0, 0))
        lines.add_column(no_wrap=True)
        lines.add_column(overflow="fold")
        for head, cell in list(zip(heads, row, strict=True))[titled:]:
            if str(cell):
                lines.add_row("  " * titled + head, cell)
        parts += [Text(str(row[0]), style="bold")] if titled else []
        parts.append(Uncut(lines))
    return Group(*parts)


def listing(rows: Sequence[Mapping[str, Any]], *, ascii_only: bool = False, lines: bool = False) -> Fitting:
    """Draw rows with the same keys, which become the heads; empty columns are left out."""
    table = framed(ascii_only=ascii_only, lines=lines)
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    for name in names:
        fixed = name == names[0] or name == "kernel"
        table.add_column(name, no_wrap=fixed, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(row[name])) for name in names))
    return Fitting(Uncut(table))


def kernel_grid(rows: Sequence[Sequence[int]]) -> str:
    """Write a kernel with aligned columns.

    Examples
    --------
    >>> print(kernel_grid(((-1, 0, 10), (2, 3, 4))))
    -1 0 10
     2 3  4
    """
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(" ".join(f"{value:>{w}}" for value, w in zip(row, widths, strict=True)) for row in rows)

"""Lists of what there is: modes, filters."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.table import Table
from rich.text import Text


def grid(rows: Sequence[Sequence[int]]) -> str:
    """Write a kernel with its columns under each other.

    Examples
    --------
    >>> print(grid(((-1, 0, 10), (2, 3, 4))))
    -1 0 10
     2 3  4
    """
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    return "\n".join(" ".join(f"{value:>{w}}" for value, w in zip(row, widths, strict=True)) for row in rows)


NUMBER = r"(?<![\w./:-])[(\[|]*[-+]?[0-9][0-9.,/%ex+-]*[)\]|;:]*"  # shapes too, but none in names and addresses


class Uncut:
    """A table none of whose numbers is ever cut: where there is too little room, it is wider.

    Rich alone would cut words off and leave out columns; a terminal wraps long lines, and loses nothing.

    Parameters
    ----------
    table : Table
        With all of its rows. Columns that are not to be wrapped stay whole, others as wide as their longest number.
    """

    def __init__(self, table: Table) -> None:
        self.table = table
        for column in table.columns:
            pieces = [
                piece for cell in (column.header, *column.cells) for piece in _pieces(str(cell), whole=column.no_wrap)
            ]
            column.min_width = max(map(cell_len, pieces), default=1)
        self.least = 1 + sum((column.min_width or 0) + 3 for column in table.columns)  # a frame, and two blanks each

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from console.render(self.table, self._roomy(options))

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        return Measurement.get(console, self._roomy(options), self.table)

    def _roomy(self, options: ConsoleOptions) -> ConsoleOptions:
        return options.update(width=max(options.max_width, self.least))


def _pieces(text: str, *, whole: bool) -> list[str]:
    return text.splitlines() if whole else re.findall(NUMBER, text)


def listing(rows: Sequence[Mapping[str, Any]], *, ascii_only: bool = False, lines: bool = False) -> Uncut:
    """Draw rows that have the same keys, which head the columns; columns that are empty throughout are left out."""
    table = Table(box=box.ASCII2 if ascii_only else box.SQUARE, show_lines=lines)
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    for name in names:
        fixed = name == names[0] or name == "kernel"
        table.add_column(name, no_wrap=fixed, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(row[name])) for name in names))
    return Uncut(table)

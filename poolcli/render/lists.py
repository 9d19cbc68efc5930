"""Lists of what there is: modes, filters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
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


def listing(rows: Sequence[Mapping[str, Any]], *, ascii_only: bool = False, lines: bool = False) -> Table:
    """Draw rows that have the same keys, which head the columns; columns that are empty throughout are left out."""
    table = Table(box=box.ASCII2 if ascii_only else box.SQUARE, show_lines=lines)
    names = [name for name in rows[0] if any(row[name] for row in rows)]
    for name in names:
        fixed = name == names[0] or name == "kernel"
        table.add_column(name, no_wrap=fixed, overflow="fold")
    for row in rows:
        table.add_row(*(Text(str(row[name])) for name in names))
    return table

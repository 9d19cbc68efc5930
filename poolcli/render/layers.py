"""A stack of layers as a table."""

from __future__ import annotations

from collections.abc import Sequence

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poolcli.render.lists import Uncut
from poolcli.summary import Row
from poolcli.window import times


def layer_table(
    rows: Sequence[Row], *, ascii_only: bool = False, more: Sequence[Sequence[str]] = (), heads: Sequence[str] = ()
) -> RenderableType:
    """Draw one line per layer and the total of the parameters.

    Parameters
    ----------
    rows : sequence of Row
        As `poolcli.summary.summarize` returns them.
    ascii_only : bool
        Whether to do without box-drawing characters.
    more, heads : sequences
        Further cells of every line, and the heads of their columns.
    """
    table = Table(box=box.ASCII2 if ascii_only else box.SQUARE)
    table.add_column("layer", no_wrap=True)
    table.add_column("what", overflow="fold")
    for name in ("output\nshape", "parameters", "receptive\nfield", *heads):
        table.add_column(name, justify="right", no_wrap=True)
    for index, row in enumerate(rows):
        signal = row.signal
        field = "all" if signal.field is None else times(signal.field)
        cells = [row.name, row.what, times(signal.shape), f"{signal.parameters:,}", field]
        table.add_row(*map(Text, [*cells, *(more[index] if more else ())]))
    total = sum(row.signal.parameters for row in rows)
    return Group(Uncut(table), Text(f"total parameters  {total:,}"))

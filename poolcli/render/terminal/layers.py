"""A stack of layers as a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from poolcli.render.terminal.rows import Fitting, Uncut, framed
from poolcli.steps.shapes import SummaryRow
from poolcli.window import times


def layer_table(
    rows: Sequence[SummaryRow],
    *,
    ascii_only: bool = False,
    more: Sequence[Sequence[str]] = (),
    heads: Sequence[str] = (),
) -> RenderableType:
    """Draw one line per layer and the total of the parameters.

    `more` are further cells of every line, `heads` the heads of their columns. If room is short, parameters and
    receptive fields make way for them.
    """
    cells = {
        "layer": [row.name for row in rows],
        "what": [row.what for row in rows],
        "output\nshape": [times(row.signal.shape) for row in rows],
        "parameters": [f"{row.signal.parameters:,}" for row in rows],
        "receptive\nfield": ["all" if row.signal.field is None else times(row.signal.field) for row in rows],
        **dict(zip(heads, zip(*more, strict=True), strict=True)),
    }
    spare = ("parameters", "receptive\nfield") if heads else ()
    tables = [
        _table({name: cells[name] for name in cells if name not in left_out}, ascii_only) for left_out in ((), spare)
    ]
    total = sum(row.signal.parameters for row in rows)
    return Group(Fitting(*tables), Text(f"total parameters  {total:,}"))


def _table(cells: Mapping[str, Sequence[str]], ascii_only: bool) -> Uncut:
    table = framed(ascii_only=ascii_only)
    for name in cells:
        if name == "what":
            table.add_column(name, overflow="fold")
        else:
            table.add_column(name, justify="left" if name == "layer" else "right", no_wrap=True)
    for row in zip(*cells.values(), strict=True):
        table.add_row(*map(Text, row))
    return Uncut(table)

"""``poolcli filters``."""

from __future__ import annotations

from typing import Any

from poolcli.cli.options.files import JSON_SWITCH
from poolcli.cli.output import Output
from poolcli.pooling.filters import FILTERS, Filter
from poolcli.system.plugins import usable


def filters(*, json: bool = JSON_SWITCH) -> None:
    """List the named filters with their kernels.

    A kernel is laid over the input as it is drawn here (cross-correlation) and divided by its scale.

    Examples
    --------
    poolcli filters
    poolcli filters --json
    """
    out = Output()
    rows = [_row(row) for row in FILTERS.values()]
    rows += [_row(row, package) for row, package in usable("filter", Filter, FILTERS, out.note)]
    out.rows(rows, json=json, drawn=None if json else _drawn(rows), lines=True)


def _row(row: Filter, package: str = "") -> dict[str, Any]:
    return {
        "filter": row.name, "kernel": row.rows, "scale": row.scale, "finds": row.purpose, "source": row.source,
        "package": package,
    }  # fmt: skip


def _drawn(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the rows for the table."""
    from poolcli.render.terminal.rows import kernel_grid

    return [{**row, "kernel": kernel_grid(row["kernel"]), "scale": f"1/{row['scale']}"} for row in rows]

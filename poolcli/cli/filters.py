"""``poolcli filters``."""

from __future__ import annotations

from typing import Annotated

from poolcli.cli.grammar import option
from poolcli.cli.options import OUTPUT
from poolcli.filters import FILTERS


def filters(
    *,
    json: Annotated[bool, option("--json", help="As JSON.", panel=OUTPUT)] = False,
) -> None:
    """List the named filters with their kernels.

    A kernel is laid over the input as it is drawn here (cross-correlation) and divided by its scale.

    Examples
    --------
    poolcli filters
    poolcli filters --json
    """
    rows = [
        {"filter": row.name, "kernel": row.rows, "scale": row.scale, "finds": row.purpose, "source": row.source}
        for row in FILTERS.values()
    ]
    if json:
        import orjson

        from poolcli.files import write_stdout

        write_stdout(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")
        return
    from poolcli.cli.console import show, unicode_ok, width_of_output
    from poolcli.render.lists import grid, listing

    drawn = [{**row, "kernel": grid(FILTERS[str(row["filter"])].rows), "scale": f"1/{row['scale']}"} for row in rows]
    show(listing(drawn, ascii_only=not unicode_ok(), lines=True), width=width_of_output())

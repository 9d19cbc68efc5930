"""``poolcli modes``."""

from __future__ import annotations

from typing import Annotated

from poolcli.cli.grammar import option
from poolcli.cli.options import OUTPUT
from poolcli.modes import ALIASES, MODES


def modes(
    *,
    json: Annotated[bool, option("--json", help="As JSON.", panel=OUTPUT)] = False,
) -> None:
    """List the pooling modes with their formulas.

    x are the cells of a window that take part, n is their number.

    Examples
    --------
    poolcli modes
    poolcli modes --json
    """
    rows = [
        {
            "mode": row.label,
            "formula": row.formula,
            "parameter": row.parameter.meaning if row.parameter else "",
            "aliases": ", ".join(alias for alias, name in ALIASES.items() if name.partition(":")[0] == row.name),
        }
        for row in MODES.values()
    ]
    if json:
        import orjson

        from poolcli.files import write_stdout

        write_stdout(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")
        return
    from poolcli.cli.console import show, unicode_ok, width_of_output
    from poolcli.render.lists import listing

    show(listing(rows, ascii_only=not unicode_ok()), width=width_of_output())

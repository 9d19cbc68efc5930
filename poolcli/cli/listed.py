"""What the commands that list things have in common: rows of packages, JSON or a table."""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from poolcli.cli.console import say

Row = TypeVar("Row")


def of_packages(kind: str, row: type[Row], known: Container[str]) -> Iterator[tuple[Row, str]]:
    """Yield the rows that installed packages add, with the package; say on standard error which cannot be used."""
    from poolcli.system.plugins import installed

    for plugin in installed(kind, row, known):
        if plugin.row is None:
            say(f"note: {plugin.problem}")
        else:
            yield plugin.row, plugin.package


def deliver(
    rows: Sequence[Mapping[str, Any]], *, json: bool, drawn: Sequence[Mapping[str, Any]] | None = None,
    lines: bool = False,
) -> None:  # fmt: skip
    """Write rows to standard output, as JSON or as a table of them or of what is `drawn` in their place."""
    if json:
        import orjson

        from poolcli.system.files import write_stdout

        write_stdout(orjson.dumps(rows, option=orjson.OPT_INDENT_2) + b"\n")
        return
    from poolcli.cli.console import show, unicode_ok, width_of_output
    from poolcli.render.terminal.rows import listing

    show(listing(drawn or rows, ascii_only=not unicode_ok(), lines=lines), width=width_of_output())

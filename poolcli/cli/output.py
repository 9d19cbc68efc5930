"""From a result to what is written."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from poolcli.cli.console import say
from poolcli.cli.options.files import InputOutput, Writing

if TYPE_CHECKING:
    from rich.console import RenderableType

    from poolcli.featuremap import FeatureMap
    from poolcli.render.terminal.table import Look


FOR_TABLES = ("precision", "max_rows", "max_cols", "full")


def put(target: str, content: bytes | Iterable[bytes]) -> None:
    """Write to a file, or to standard output for ``-``."""
    from poolcli.system import files

    files.put(target, content)


def put_json(target: str, value: Any) -> None:
    """Write a value as one line of JSON, as `poolcli.formats.json_map.dump` has it."""
    from poolcli.formats.json_map import dump

    put(target, dump(value) + b"\n")


def deliver(before: FeatureMap, after: FeatureMap, io: InputOutput, compat: str | None) -> None:
    """Write a result in the chosen format to the chosen place; a PNG says how it was made."""
    from poolcli.formats import encode
    from poolcli.formats.registry import find_format
    from poolcli.window import times

    writing, verbosity = io.writing, io.verbosity
    options = writing.options()
    if options.format == "png":
        from poolcli.steps.provenance import stamped

        options = stamped(after, io.reading.options(compat), options)
    if options.format == "table":
        from poolcli.render.terminal.table import result_table

        put_table(result_table(before, after, look(writing)), writing)
    else:
        put(writing.output, encode(after, options))
    if verbosity.verbose and options.format != "table":
        for note in find_format(str(options.format), writing=True).notes(after, options):
            say(f"{writing.output}: {note}")
    if writing.output != "-" and not verbosity.quiet:
        say(f"wrote {writing.output} ({times(after.shape)} {after.values.dtype})")


def put_table(drawn: RenderableType, writing: Writing, width: int | None = None) -> None:
    """Write a table to standard output, or as plain UTF-8 to a file."""
    from poolcli.cli.console import rendered, show
    from poolcli.system.files import write_atomic

    if writing.output == "-":
        show(drawn, color=writing.color, width=width)
    else:
        write_atomic(writing.output, rendered(drawn, color="never", width=width).encode())


def look(writing: Writing) -> Look:
    """Return how tables are to look here and now."""
    from poolcli.cli.console import unicode_ok, width_of_output
    from poolcli.render.terminal.table import Look

    return Look(
        precision=max(writing.precision, 0),
        width=width_of_output(),
        rows=writing.max_rows,
        columns=writing.max_cols,
        full=writing.full,
        ascii_only=not unicode_ok(),
    )

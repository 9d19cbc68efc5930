"""From INPUT through the steps to the output: the street that every command walks."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING, Any

from poolcli.cli.console import say
from poolcli.cli.large import in_blocks
from poolcli.cli.options.windows import Reading, Scaling, Showing, Street, Talking, Writing
from poolcli.errors import UsageError

if TYPE_CHECKING:
    from rich.console import RenderableType

    from poolcli.featuremap import FeatureMap
    from poolcli.render.terminal.table import Look
    from poolcli.steps.steps import Step


FOR_TABLES = ("precision", "max_rows", "max_cols", "full")
AHEAD = 1 << 18  # bytes of a picture from which a thread is worth its while


def chosen_input(given: str | None) -> str:
    """Return INPUT, or ``-`` where it is missing and something is piped in."""
    if given is not None:
        return given
    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "no INPUT, and nothing is piped in", "give a file, such as: poolcli pool sample_inputs/line_8x8.csv"
        )
    return "-"


def load(source: str, reading: Reading, talking: Talking, compat: str | None = None) -> FeatureMap:
    """Read the input, and with ``-v`` state what was guessed."""
    from poolcli.formats import HEAD, decode, detect
    from poolcli.system.files import read_source

    talking.start()
    options = reading.options(compat)
    found = read_source(source)
    if len(found.data) > AHEAD and detect(found.data[:HEAD], found.name, options).module == "pictures_out":
        Thread(target=_import_ahead).start()
    feature_map = decode(found.data, found.name, options)
    if compat:
        feature_map = as_network_input(feature_map)
    _say_notes(feature_map, talking)
    return feature_map


def _say_notes(feature_map: FeatureMap, talking: Talking, said: int = 0) -> None:
    if talking.verbose:
        for note in feature_map.notes[said:]:
            say(f"{feature_map.name}: {note}")


def _import_ahead() -> None:
    """Import what comes after reading, in a thread, because a picture is unpacked without Python.

    A 4096x4096 PNG takes 70 ms to unpack, numpy and the kernels 80 ms to import. Pillow comes first: reading needs it.
    """
    for name in (
        "PIL.Image",
        "poolcli.pooling.layer",
        "poolcli.formats.pictures_out",
        "poolcli.steps.recipe",
        "poolcli.formats.json_map",
    ):
        import_module(name)


def as_network_input(feature_map: FeatureMap) -> FeatureMap:
    """Return whole numbers written as text as float64, because what frameworks pool are floating-point numbers.

    Data that say their type themselves keep it.
    """
    if "dtype int64" not in feature_map.notes or feature_map.steps:
        return feature_map
    note = "taken as float64, because frameworks pool floating-point numbers"
    return feature_map.with_(values=feature_map.values.astype("float64"), notes=(*feature_map.notes, note))


def compat_of(steps: Iterable[Any]) -> str | None:
    """Return the framework that the first pooling which names one goes by, because the input is read as it does."""
    named = (step.options.get("compat") for step in steps if hasattr(step, "options"))
    return next(filter(None, named), None)


def files_read(source: str, steps: Iterable[Any]) -> list[str]:
    """Return the names of the files that a command reads: INPUT, and the kernels of its steps."""
    return [source, *(step.label for step in steps if hasattr(step, "label"))]


def check_output(inputs: Sequence[str], writing: Writing) -> None:
    """Refuse, before any work, an output that cannot be written, one that is an input, or an unknown format."""
    check_target_apart(writing.output, inputs, overwrite=writing.overwrite)
    writing.options()


def check_target_apart(output: str, inputs: Sequence[str], *, overwrite: bool) -> None:
    """Refuse an output that cannot be written, or that is one of the inputs."""
    from poolcli.system.files import check_target, same_file

    if output == "-":
        return
    check_target(output)
    for source in () if overwrite else inputs:
        if same_file(source, output):
            raise UsageError(
                f"the output {output} is the input {source}", "choose another name, or add --overwrite to replace it"
            )


def transform(
    given: str | None, steps: Sequence[Step], street: Street, compat: str | None = None,
    showing: Showing | None = None, scaling: Scaling | None = None, also_read: Sequence[str] = (),
) -> None:  # fmt: skip
    """Read, do the steps, draw, write; block by block where the input or the output asks for it."""
    from poolcli.steps.steps import apply

    source = chosen_input(given)
    whole = showing is not None and showing.show
    if not whole and in_blocks(source, steps, street, compat, scaling) is not None:
        return
    writing, talking = street.writing, street.talking
    check_output([*files_read(source, steps), *also_read], writing)
    before = load(source, street.reading, talking, compat)
    after = apply(before, steps)
    _say_notes(after, talking, len(before.notes))
    if not talking.quiet:
        for note in _notes(before, after, writing):
            say(f"note: {note}")
    if showing:
        showing.draw(writing, [before, after], ["input", "output"])
    deliver(before, after, street, compat)


def _notes(before: FeatureMap, after: FeatureMap, writing: Writing) -> Iterator[str]:
    """Tell what does not go into the chosen format, and what another would be better for."""
    kind = writing.chosen_format
    if after.indices is not None and kind not in ("json", "table"):
        yield f"{kind} has no place for indices; use --json to keep them"
    for name in FOR_TABLES:
        if kind != "table" and getattr(writing, name) != getattr(type(writing), name):
            yield f"--{name.replace('_', '-')} is for tables only; {kind} has every value in full"
    in_pipe = writing.output == "-" and sys.stdout is not None and not sys.stdout.isatty()
    if in_pipe and writing.format is None and kind == "table" and before.white and not before.steps:
        yield "a picture becomes a table of numbers here; -o out.png writes a picture"


def put(target: str, content: bytes | Iterable[bytes]) -> None:
    """Write to a file, or to standard output for ``-``."""
    from poolcli.system import files

    files.put(target, content)


def put_json(target: str, value: Any) -> None:
    """Write a value as one line of JSON, as `poolcli.formats.json_map.dump` has it."""
    from poolcli.formats.json_map import dump

    put(target, dump(value) + b"\n")


def deliver(before: FeatureMap, after: FeatureMap, street: Street, compat: str | None) -> None:
    """Write a result in the chosen format to the chosen place; a PNG says how it was made."""
    from poolcli.formats import encode, find_format
    from poolcli.window import times

    writing, talking = street.writing, street.talking
    options = writing.options()
    if options.format == "png":
        from poolcli.steps.provenance import stamped

        options = stamped(after, street.reading.options(compat), options)
    if options.format == "table":
        from poolcli.render.terminal.table import result_table

        put_table(result_table(before, after, look(writing)), writing)
    else:
        put(writing.output, encode(after, options))
    if talking.verbose and options.format != "table":
        for note in find_format(str(options.format), writing=True).written_notes(after, options):
            say(f"{writing.output}: {note}")
    if writing.output != "-" and not talking.quiet:
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

"""From INPUT through the steps to the output: what every command does with a map."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING

from poolcli.cli.checks import check_output, chosen_input, files_read
from poolcli.cli.console import say
from poolcli.cli.large import in_blocks
from poolcli.cli.options.files import ClusterOptions, InputOutput, Reading, Verbosity, Writing
from poolcli.cli.options.terminal import ShowOption
from poolcli.cli.output import FOR_TABLES, deliver

if TYPE_CHECKING:
    from poolcli.featuremap import FeatureMap
    from poolcli.steps.steps import Step


AHEAD = 1 << 18  # bytes of a picture from which a thread is worth its while


def load(source: str, reading: Reading, verbosity: Verbosity, compat: str | None = None) -> FeatureMap:
    """Read the input, and with ``-v`` state what was guessed."""
    from poolcli.formats import decode
    from poolcli.formats.detect import HEAD, detect
    from poolcli.system.files import read_source

    verbosity.start()
    options = reading.options(compat)
    found = read_source(source)
    if len(found.data) > AHEAD and detect(found.data[:HEAD], found.name, options).picture:
        Thread(target=_import_ahead).start()
    feature_map = decode(found.data, found.name, options)
    if compat:
        feature_map = as_network_input(feature_map)
    _say_notes(feature_map, verbosity)
    return feature_map


def _say_notes(feature_map: FeatureMap, verbosity: Verbosity, said: int = 0) -> None:
    if verbosity.verbose:
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


def transform(
    given: str | None, steps: Sequence[Step], io: InputOutput, compat: str | None = None,
    showing: ShowOption | None = None, cluster: ClusterOptions | None = None, also_read: Sequence[str] = (),
) -> None:  # fmt: skip
    """Read, do the steps, draw, write; block by block where the input or the output asks for it."""
    from poolcli.steps.steps import apply

    source = chosen_input(given)
    whole = showing is not None and showing.show
    if not whole and in_blocks(source, steps, io, compat, cluster) is not None:
        return
    writing, verbosity = io.writing, io.verbosity
    check_output([*files_read(source, steps), *also_read], writing)
    before = load(source, io.reading, verbosity, compat)
    after = apply(before, steps)
    _say_notes(after, verbosity, len(before.notes))
    if not verbosity.quiet:
        for note in _notes(before, after, writing):
            say(f"note: {note}")
    if showing:
        showing.draw(writing, [before, after], ["input", "output"])
    deliver(before, after, io, compat)


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

"""From INPUT through the steps to the output, as in every command for maps."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from importlib import import_module
from threading import Thread
from typing import TYPE_CHECKING

from poolcli.cli.checks import Target, check_output, chosen_input, files_read
from poolcli.cli.console import unicode_ok, width_of_output
from poolcli.cli.large import in_blocks
from poolcli.cli.lines import line_by_line, without_lines
from poolcli.cli.options.files import HEEDED_BY_ALL, ClusterOptions, InputOutput, Reading, StepIO, Verbosity, Writing
from poolcli.cli.options.terminal import ShowOption
from poolcli.errors import InputError
from poolcli.formats import decode, encode
from poolcli.formats.detect import detect
from poolcli.formats.foreign import HEAD
from poolcli.formats.light import to_levels
from poolcli.formats.registry import find_format
from poolcli.steps.steps import PoolStep, apply, with_threads
from poolcli.system.files import read_source
from poolcli.window import times
from poolcli.wording import Phrase

if TYPE_CHECKING:
    from poolcli.featuremap import FeatureMap
    from poolcli.render.terminal.table import Look
    from poolcli.steps.steps import Step


AHEAD = 1 << 18  # bytes; for larger pictures a thread pays off


def take_in(
    given: str | None, reading: Reading, verbosity: Verbosity, compat: str | None = None, *,
    steps: Sequence[Step] = (), also_read: Sequence[str] = (), target: Target | None = None,
) -> FeatureMap:  # fmt: skip
    """Check that `target` is writable and none of the files read (INPUT, kernels of `steps`), then read INPUT."""
    source = chosen_input(given)
    if target:
        check_output([*files_read(source, steps), *also_read], target)
    return load_map(source, reading, verbosity, compat)


def load_map(source: str, reading: Reading, verbosity: Verbosity, compat: str | None = None) -> FeatureMap:
    """Read the input, with warnings, and with ``-v`` the guesses."""
    options = reading.options(compat)
    found = read_source(source)
    large = len(found.data) > AHEAD
    if large or reading.changed(*(name for name in reading.fields if name not in HEEDED_BY_ALL)):
        kind = detect(found.data[:HEAD], found.name, options)
        if large and kind.picture:
            with suppress(RuntimeError):  # no memory for its stack: the import comes later
                Thread(target=_import_ahead).start()
        if kind.heeds is not None:
            reading.refuse_idle(kind.name, (*HEEDED_BY_ALL, *kind.heeds), InputError)
    feature_map = decode(found.data, found.name, options)
    if compat:
        feature_map = as_network_input(feature_map)
    out = verbosity.output()
    for warning in feature_map.warnings:
        out.note(f"{feature_map.name}: " + warning)
    out.guessed(feature_map.name, (note for note in feature_map.notes if note not in feature_map.warnings))
    return feature_map


def _import_ahead() -> None:
    """Import modules needed after reading, in a thread, because decompressing a picture does not need the interpreter.

    A 4096x4096 PNG takes 70 ms to unpack, NumPy and the kernels 80 ms to import. Reading needs Pillow, so it is first.
    """
    modules = [
        "poolcli.pooling.layer",
        "poolcli.formats.pictures_out",
        "poolcli.steps.recipe",
        "poolcli.formats.json_map",
    ]
    for name in ("PIL.Image", *modules):
        import_module(name)


def as_network_input(feature_map: FeatureMap) -> FeatureMap:
    """Return integers from text as float64, as frameworks pool floating-point numbers; data with a type keep it."""
    if "dtype int64" not in feature_map.notes or feature_map.steps:
        return feature_map
    note = "taken as float64, because frameworks pool floating-point numbers"
    return feature_map.with_(values=feature_map.values.astype("float64"), notes=(*feature_map.notes, note))


def transform(
    given: str | None, steps: Sequence[Step], io: StepIO, compat: str | None = None,
    showing: ShowOption | None = None, cluster: ClusterOptions | None = None, also_read: Sequence[str] = (),
) -> None:  # fmt: skip
    """Read, run the steps, draw and write; line by line or block by block if needed."""
    io.writing.refuse_idle(drawn=bool(showing and showing.show))
    steps = with_threads(steps, io.verbosity.threads)
    whole = showing is not None and showing.show
    if io.lines:
        without_lines({"--show": whole, "--scheduler": cluster and cluster.scheduler})
        line_by_line(given, steps, io, compat, as_network_input if compat else None, also_read)
        return
    if not whole and in_blocks(chosen_input(given), steps, io, compat, cluster) is not None:
        return
    writing, out = io.writing, io.out
    before = take_in(given, io.reading, io.verbosity, compat, steps=steps, also_read=also_read, target=writing)
    after = to_levels(apply(before, steps))
    out.guessed(after.name, after.notes[len(before.notes) :])
    for note in (*_notes(before, after, writing), *about_missing(after, steps, io.reading)):
        out.note(note)
    if showing:
        showing.draw(writing, [before, after], ["input", "output"])
    deliver(before, after, io, compat)


def _notes(before: FeatureMap, after: FeatureMap, writing: Writing) -> Iterator[str | Phrase]:
    """Yield what the chosen format loses, and when another would be better."""
    kind = writing.chosen_format
    yield from map(str, after.warnings[len(before.warnings) :])
    if after.indices is not None and kind not in ("json", "table"):
        yield f"{kind} cannot hold indices; use --json to keep them"
    if kind == "asc" and "grid" not in after.origin:
        yield "the input does not say where its cells lie: the corner becomes 0 0, the cellsize 1"
    if kind == "tiff" and "grid" in after.origin:
        yield Phrase("a TIFF of poolcli does not say where its cells lie; {output} does", output="out.asc")
    yield from writing.told_of_tables()
    in_pipe = writing.output == "-" and sys.stdout is not None and not sys.stdout.isatty()
    if in_pipe and writing.format is None and kind == "table" and before.white and not before.steps:
        yield Phrase("a picture becomes a table of numbers here; {output} writes a picture", output="out.png")


def about_missing(after: FeatureMap, steps: Sequence[Step], reading: Reading) -> Iterator[Phrase]:
    """Yield what skips missing values if they reached the result and no framework decides about them."""
    options = [step.options for step in steps if isinstance(step, PoolStep)]
    marked = reading.missing or "format json" in after.notes or after.origin.get("grid", {}).get("nodata") is not None
    if not marked or not any(one.get("nan") != "ignore" and not one.get("compat") for one in options):
        return
    import numpy as np

    if after.values.dtype.kind == "f" and np.isnan(after.values).any():
        yield Phrase("missing values make results nan; with {nan} the windows skip them", nan="ignore")


def deliver(before: FeatureMap, after: FeatureMap, io: InputOutput, compat: str | None) -> None:
    """Write a result to the chosen place in the chosen format; a PNG records how it was made."""
    writing, out = io.writing, io.out
    options = writing.options(writing.chosen_format)
    if options.format == "png":
        from poolcli.steps.provenance import stamped  # takes 1 ms to import

        options = stamped(after, io.reading.options(compat), options)
    if options.format == "table":
        from poolcli.render.terminal.table import result_table

        out.table(result_table(before, after, look(writing)), writing.output)
        out.wrote(writing.output, f"a table of {times(after.shape)} {after.values.dtype}")
        return
    out.put(encode(after, options), writing.output)
    account = find_format(str(options.format), writing=True).account(after, options)
    out.guessed(writing.output, account.guesses)
    for loss in account.losses:
        out.note(f"{'stdout' if writing.output == '-' else writing.output}: {loss}")
    for note in writing.told_of_name():
        out.note(note)
    out.wrote(writing.output, account.holds)


def look(writing: Writing) -> Look:
    """Return the look of tables on this terminal."""
    from poolcli.render.terminal.table import Look

    return Look(
        precision=max(writing.precision, 0),
        width=width_of_output(),
        rows=writing.max_rows,
        columns=writing.max_cols,
        full=writing.full,
        ascii_only=not unicode_ok(),
    )

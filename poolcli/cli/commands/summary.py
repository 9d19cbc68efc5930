"""``poolcli summary``."""

from __future__ import annotations

import os
import re
from contextlib import suppress
from typing import Any

import typer

from poolcli.cli.console import unicode_ok, width_of_output
from poolcli.cli.options.files import JSON_SWITCH, Reading, Verbosity
from poolcli.cli.options.grammar import argument
from poolcli.cli.pipeline import load_map
from poolcli.cli.stack import SUMMARIZED, parse_stack
from poolcli.errors import PoolcliError, ShapeError, UsageError
from poolcli.featuremap import perhaps_channels_last
from poolcli.steps.shapes import Signal, SummaryRow, summarize

LIKE_A_SHAPE = re.compile(r"[0-9]+(?:[,;*X\u00d7 ]+[0-9]+)+")  # as people write one


def summary(
    context: typer.Context,
    given: str = argument(
        ..., "SHAPE|INPUT", "A shape such as 28x28, or 3x20x20 with channels, or a file; standard input if missing."
    ),
    *,
    reading: Reading,
    json: bool = JSON_SWITCH,
    verbosity: Verbosity,
) -> None:
    """Show the output shape, parameters and receptive field of every layer, without data.

    Layers: conv (--filters, --size, ... or --filter NAME), relu, pool, global, flatten, dense (--units).

    Examples
    --------
    poolcli summary 28x28 conv --size 3 then pool --size 2 then flatten
    poolcli summary 20x20x3 --layout HWC conv --filters 32 --size 3 then pool
    poolcli summary input.csv conv --filter sobel-x then global-avg
    """
    stages = context.obj or []
    if not stages:
        raise UsageError("summary needs layers", "such as: poolcli summary 8x8 conv --size 3 then pool --size 2")
    layers = parse_stack(stages, SUMMARIZED)
    otherwise = None
    if re.fullmatch(r"[0-9]{1,18}(x[0-9]{1,18})*", given):
        reading.refuse_idle("a shape", ("layout",))
        shape = tuple(map(int, given.split("x")))
        signal = Signal.of(shape, reading.layout)
        otherwise = None if reading.layout else Signal.of(shape, channels_last=True)
    elif LIKE_A_SHAPE.fullmatch(given) and not os.path.lexists(given):
        sizes = "x".join(re.findall("[0-9]+", given))
        raise UsageError(f"{given} is neither a shape nor a file", f"write the shape as {sizes}")
    else:
        feature_map = load_map(given, reading, verbosity)
        signal = Signal.of(feature_map.shape, feature_map.layout)
    out = verbosity.output()
    for note in perhaps_channels_last(signal.layout, signal.shape) if otherwise else ():
        out.note(note)
    rows = _followed(signal, layers, otherwise)
    if json:
        out.json(_record(rows))
        return
    from poolcli.render.terminal.layers import layer_table

    out.table(layer_table(rows, ascii_only=not unicode_ok()), width=width_of_output())


def _followed(signal: Signal, layers: list[Any], otherwise: Signal | None) -> list[SummaryRow]:
    """Follow the signal through the layers; if only channels-last would fit, the error says so."""
    try:
        return summarize(signal, layers)
    except ShapeError as problem:
        if otherwise and otherwise.layout != signal.layout:
            with suppress(PoolcliError):
                summarize(otherwise, layers)
                problem.advice = f"read as {signal.layout}; for channels last --layout {otherwise.layout}"
        raise


def _record(rows: list[SummaryRow]) -> dict[str, Any]:
    layers = [
        {"layer": row.name, "what": row.what, "shape": row.signal.shape, "layout": row.signal.layout,
         "parameters": row.signal.parameters, "receptive_field": row.signal.field}
        for row in rows
    ]  # fmt: skip
    return {"layers": layers, "parameters": sum(row.signal.parameters for row in rows)}

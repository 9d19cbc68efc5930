"""Comparisons as tables: the variants side by side, what differs marked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poolcli.comparison import Comparison, Variant, common
from poolcli.featuremap import FeatureMap
from poolcli.plain import many
from poolcli.render.rows import Fitting, Uncut, framed
from poolcli.render.table import Grid, Look, plane_table, planes_of, story
from poolcli.steps import text
from poolcli.window import times

MARK = "*"
PLANES = 4


def comparison_table(
    before: FeatureMap, ready: FeatureMap, made: Comparison, look: Look, *, marked: bool
) -> RenderableType:
    """Draw a comparison.

    Parameters
    ----------
    before : FeatureMap
        The input.
    ready : FeatureMap
        The input after what is done before pooling.
    made : Comparison
        What was compared.
    look : Look
        How tables look.
    marked : bool
        Whether cells that differ from the first variant's get a mark.
    """
    parts: list[RenderableType] = [*story(before, ready, ends=False), _overview(ready, made, look)]
    answered = [variant for variant in made.variants if variant.values is not None]
    shown = [
        _variant_table(ready, variant.label, variant.values, made.marks(variant) if marked else None, look)
        for variant in answered
        if variant.values is not None
    ]
    parts.append(_beside(shown, look))
    if marked:
        parts += [Text(_verdict(made, variant)) for variant in answered[1:]]
    if made.reasons:
        parts += [Text(""), Text("why", style="bold"), *(Text(f"- {reason}") for reason in made.reasons)]
    return Group(*parts)


def _verdict(made: Comparison, variant: Variant) -> str:
    marks, first = made.marks(variant), made.first
    if marks is None or first.values is None or variant.values is None:
        return ""
    both = marks[common(first.values, variant.values)]
    told = f"{variant.label} differs from {first.label} in {int(both.sum())} of {both.size} values"
    if marks.shape == first.values.shape:
        return f"{told}, marked {MARK}" if marks.any() else f"{variant.label} answers as {first.label}"
    if marks.size > both.size:
        return f"{told} that both have, and has {marks.size - both.size} more, marked {MARK}"
    return f"{told} that both have, and lacks {first.values.size - both.size}{f', marked {MARK}' if both.any() else ''}"


def _overview(before: FeatureMap, made: Comparison, look: Look) -> Fitting:
    table = framed(ascii_only=look.ascii_only)
    table.add_column("", no_wrap=True)
    table.add_column("output", justify="right", no_wrap=True)
    table.add_column("what", overflow="fold")
    for variant in made.variants:
        if variant.values is None:
            table.add_row(Text(variant.label), Text("-"), Text(variant.refusal))
            continue
        record = {"step": "pool", **variant.step.layer(before.ndim).record()}
        shape = times(before.in_layout(variant.values).shape)
        table.add_row(Text(variant.label), Text(shape), Text(text(record)))
    return Fitting(Uncut(table))


def _variant_table(
    before: FeatureMap, label: str, values: NDArray[Any], marks: NDArray[np.bool_] | None, look: Look
) -> Group:
    parts: list[RenderableType] = [Text(label, style="bold")]
    planes = list(planes_of(before, values))
    flags = [flag for _, flag in planes_of(before, marks)] if marks is not None else [None] * len(planes)
    for (title, plane), flag in list(zip(planes, flags, strict=True))[:PLANES]:
        parts += [Text(title)] if title else []
        parts.append(plane_table(plane, look, flag))
    if len(planes) > PLANES:
        parts.append(Text(f"... {many(len(planes) - PLANES, 'more plane')} ..."))
    return Group(*parts)


def _beside(tables: Sequence[Group], look: Look) -> RenderableType:
    """Put tables next to each other where the width allows it."""
    widths = [len(part.lines[0]) for table in tables for part in table.renderables if isinstance(part, Grid)]
    if look.width is not None and max(widths, default=0) > look.width:
        return Group(*tables)  # beside each other they would be cut
    row: Any = Table.grid(padding=(0, 2))
    for _ in tables:
        row.add_column(no_wrap=True)
    row.add_row(*tables)
    return row if look.width is None else Columns(tables, padding=(0, 2))

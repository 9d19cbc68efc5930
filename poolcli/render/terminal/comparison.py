"""Comparisons as tables: the variants side by side, with marked differences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from poolcli.analysis.comparison import Variant, Variants, common
from poolcli.featuremap import FeatureMap
from poolcli.render.terminal.rows import Fitting, Uncut, framed
from poolcli.render.terminal.table import Grid, Look, story, values_table
from poolcli.steps.steps import text
from poolcli.window import times

MARK = "*"


def comparison_table(before: FeatureMap, ready: FeatureMap, made: Variants, look: Look) -> RenderableType:
    """Draw a comparison; `ready` is the input after the steps before pooling."""
    marked = made.marked
    parts: list[RenderableType] = [*story(before, ready, ends=False), _overview(ready, made, look)]
    tables, verdicts = [], []
    for variant in made.variants:
        if variant.values is not None:
            drawn = values_table(ready, variant.values, look, made.marks(variant) if marked else None)
            tables.append(Group(Text(variant.label, style="bold"), *drawn.renderables))
            verdicts.append(Text(_verdict(made, variant)))
    parts.append(_beside(tables, look))
    parts += verdicts[1:] if marked else []  # the others are compared with the first
    if made.reasons:
        parts += [Text(""), Text("why", style="bold"), _bullets(made.reasons)]
    return Group(*parts)


def _bullets(sentences: Sequence[str]) -> Table:
    """Return a list whose further lines stand under the first."""
    listed = Table.grid(padding=(0, 1, 0, 0))
    for sentence in sentences:
        listed.add_row("-", Text(sentence))
    return listed


def _verdict(made: Variants, variant: Variant) -> str:
    marks, first = made.marks(variant), made.first
    if marks is None or first.values is None or variant.values is None:
        return ""
    both = marks[common(first.values, variant.values)]
    told = f"{variant.label} differs from {first.label} in {int(both.sum())} of {both.size} values"
    if marks.shape == first.values.shape:
        return f"{told}, marked {MARK}" if marks.any() else f"{variant.label} gives the same values as {first.label}"
    if marks.size > both.size:
        return f"{told} that both have, and has {marks.size - both.size} more, marked {MARK}"
    return f"{told} that both have, and lacks {first.values.size - both.size}{f', marked {MARK}' if both.any() else ''}"


def _overview(before: FeatureMap, made: Variants, look: Look) -> Fitting:
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


def _beside(tables: Sequence[Group], look: Look) -> RenderableType:
    """Put tables side by side if the width allows it."""
    widths = [len(part.lines[0]) for table in tables for part in table.renderables if isinstance(part, Grid)]
    if look.width is not None and max(widths, default=0) > look.width:
        return Group(*tables)  # side by side they would be cut
    row: Any = Table.grid(padding=(0, 2))
    for _ in tables:
        row.add_column(no_wrap=True)
    row.add_row(*tables)
    return row if look.width is None else Columns(tables, padding=(0, 2))

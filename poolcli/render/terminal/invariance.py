"""Translation invariance as a table, and the changes as maps."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Group, RenderableType
from rich.text import Text

from poolcli.analysis.formulas import number
from poolcli.analysis.invariance import Change, ShiftReport
from poolcli.render.terminal.heatmap import Canvas, side_by_side
from poolcli.render.terminal.rows import Fitting, Uncut, framed
from poolcli.wording import many

EDGES = {
    "replicate": "the edge cells, repeated",
    "reflect": "the map mirrored, without its edge",
    "symmetric": "the map mirrored",
    "wrap": "what left at the opposite edge",
}


def invariance_table(report: ShiftReport, *, ascii_only: bool = False) -> RenderableType:
    """Draw the counts of every shift, the edge rule, and the verdict."""
    drawn = framed(ascii_only=ascii_only)
    drawn.add_column("moved", no_wrap=True)
    for name in ("before\npooling", "after\npooling", "mean\nbefore", "mean\nafter"):
        drawn.add_column(name, justify="right", no_wrap=True)
    for shift in report.shifts:
        drawn.add_row(*_row(shift.name, shift.before, shift.after))
    if len(report.shifts) > 1:
        drawn.add_section()
        drawn.add_row(*_row("all", report.before, report.after))
    edge = EDGES.get(str(report.edge), f"the number {report.edge}")
    how = f"{many(len(report.shifts), 'random shift')}, seed {report.seed}; " if report.seed is not None else ""
    return Group(
        Text("values that change when the input moves", style="bold"),
        Fitting(Uncut(drawn)),
        Text(f"{how}filled in at the edge: {edge} ({report.edge})"),
        Text(report.verdict, style="bold"),
    )


def _row(name: str, before: Change, after: Change) -> list[Text]:
    counts = [f"{change.changed}/{change.total} {100 * change.share:5.1f}%" for change in (before, after)]
    return [Text(words) for words in (name, *counts, number(before.mean, 4), number(after.mean, 4))]


def differences(report: ShiftReport, canvas: Canvas) -> Iterator[RenderableType]:
    """Draw the changes of the input and of the pooled map for every shift."""
    for shift, before, after in report.differences():
        titles = (f"moved {shift.name}: change of the input", f"moved {shift.name}: change after pooling")
        yield side_by_side(before, after, titles=titles, canvas=canvas)

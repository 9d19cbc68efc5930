"""Explained windows as a table or, on a narrow terminal, below each other."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from poolcli.analysis.formulas import number
from poolcli.analysis.windows import Cell, WindowFact
from poolcli.pooling.frameworks import UNSEEN
from poolcli.render.terminal.rows import Fitting, Uncut, framed
from poolcli.window import AXIS_NAMES, times

ARITHMETIC = 24  # least columns
GRID_CELLS = (9, 9)  # most rows and columns of a window with drawn cells
WINNER_STYLE = "bold green"
OUTSIDE_MARKS: Mapping[bool, Mapping[str, str]] = {
    False: {"padding": "·", "overhang": "×"},  # noqa: RUF001 - a cross, not a letter
    True: {"padding": ".", "overhang": "x"},
}


def windows_table(
    facts: Sequence[WindowFact], *, headline: str, sentence: str, footer: str | None = None, ascii_only: bool = False
) -> RenderableType:
    """Draw windows, below a headline and a sentence about the mode."""
    stacked = _stack(facts, ascii_only)
    body = Fitting(Uncut(_rows(facts, ascii_only), ARITHMETIC), stacked=stacked) if len(facts) > 1 else stacked
    last = [*_legend(facts, ascii_only), *([footer] if footer else [])]
    head = Text(headline, style="bold"), Text(sentence)
    return Group(*head, body, *(Text(line, style="dim") for line in last))


def _rows(facts: Sequence[WindowFact], ascii_only: bool) -> Table:
    drawn = framed(ascii_only=ascii_only, lines=True)
    names = AXIS_NAMES[len(facts[0].spans)] if facts else ()
    cells_named = ("places",) if names == ("cells",) else names
    for name in ("output", *cells_named):
        drawn.add_column(name, no_wrap=True)
    drawn.add_column("cells", no_wrap=True)
    drawn.add_column("n", justify="right", no_wrap=True)
    drawn.add_column("arithmetic", overflow="fold", ratio=1)
    for fact in facts:
        spans = (Text(str(span)) for span in fact.spans)
        drawn.add_row(Text(cell_name(fact)), *spans, _cells(fact, ascii_only), Text(str(fact.n)), _arithmetic(fact))
    return drawn


def _stack(facts: Sequence[WindowFact], ascii_only: bool) -> RenderableType:
    parts: list[RenderableType] = []
    for fact in facts:
        parts.append(Text.assemble(("output " + cell_name(fact), "bold"), f"  {fact.where}"))
        parts.append(Padding.indent(Group(_cells(fact, ascii_only), Text(f"n = {fact.n}"), _arithmetic(fact)), 2))
    return Group(*parts)


def cell_name(fact: WindowFact) -> str:
    """Return the position of a window in the output, after its plane and a semicolon.

    Examples
    --------
    >>> from poolcli.analysis.windows import windows
    >>> from poolcli.pooling.layer import Pooling
    >>> [cell_name(fact) for fact in windows(Pooling.of(2), (2, 4))]
    ['0,0', '0,1']
    """
    at = ",".join(map(str, fact.at))
    return f"{','.join(map(str, fact.plane))}; {at}" if fact.plane else at


def _cells(fact: WindowFact, ascii_only: bool) -> Text:
    """Draw the cells of a window row by row, the winners in brackets."""
    lines, across = math.prod(fact.shape[:-1]), fact.shape[-1]
    if lines > GRID_CELLS[0] or across > GRID_CELLS[1]:
        return Text(f"{times(fact.shape)} cells")
    words = [_word(cell, fact.winners, ascii_only) for cell in fact.cells]
    wide = max(map(len, words))
    drawn = Text()
    for index, (cell, word) in enumerate(zip(fact.cells, words, strict=True)):
        if index and index % across == 0:
            drawn.append("\n")
        style = WINNER_STYLE if cell.at in fact.winners else "dim" if cell.kind != "real" else ""
        drawn.append(word.rjust(wide) if word.endswith("]") else word.rjust(wide - 1) + " ", style)
    return drawn


def _word(cell: Cell, winners: Sequence[Any], ascii_only: bool) -> str:
    if cell.value is None:  # of a shape without data, real cells have no value either
        return f" {OUTSIDE_MARKS[ascii_only].get(cell.kind) or ','.join(map(str, cell.at))} "
    text = number(cell.value)
    return f"[{text}]" if cell.at in winners else f" {text} "


def _arithmetic(fact: WindowFact) -> Text:
    said = Text(fact.formula)
    if fact.result is not None:
        said.append(" = ")
        said.append(number(fact.result), "bold")
    for remark in remarks(fact):
        said.append(f"\n{remark}", "dim")
    return said


def remarks(fact: WindowFact) -> list[str]:
    """Return remarks about ties, and about padding that counts or does not."""
    said = []
    if fact.ties > 1 and fact.winner is not None:
        at = ",".join(map(str, fact.winner))
        said.append(f"{number(fact.result)} occurs {fact.ties} times; it is taken from {at}")
    outside = fact.count("padding")
    if outside and fact.layer.pad_fill == "ignore":
        counted = fact.layer.count_include_pad and fact.layer.mode.mode.divides
        cells = "1 cell of padding counts" if outside == 1 else f"{outside} cells of padding count"
        without = "1 cell of padding is" if outside == 1 else f"{outside} cells of padding are"
        unseen = UNSEEN.get(fact.layer.mode.mode.name)
        why = "" if unseen is None else f": padding never wins, as if it were {unseen:g}"
        said.append(f"{cells} in n" if counted else f"{without} left out{why}")
    return said


def _legend(facts: Sequence[WindowFact], ascii_only: bool) -> list[str]:
    marks = OUTSIDE_MARKS[ascii_only]
    said = []
    if most := max((len(fact.winners) for fact in facts), default=0):
        said.append("[ ] the cell that decides" if most == 1 else "[ ] the cells that decide")
    if any(fact.count("padding") for fact in facts):
        said.append(f"{marks['padding']} padding")
    if any(fact.count("overhang") for fact in facts):
        said.append(f"{marks['overhang']} beyond the padding (ceil_mode), never counts")
    return [", ".join(said)] if said else []

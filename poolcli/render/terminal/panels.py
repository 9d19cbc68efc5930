"""Blocks of styled text that can be put side by side and below each other."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len
from rich.console import Console, ConsoleOptions, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.style import Style

Segments = list[Segment]


@dataclass(frozen=True)
class Block:
    """Lines of segments of any width; a Rich renderable."""

    lines: Sequence[Segments]  # from top to bottom

    @property
    def width(self) -> int:
        """The cells of the longest line."""
        return max((Segment.get_line_length(line) for line in self.lines), default=0)

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Yield the segments; lines are never wrapped, which would destroy a picture."""
        for line in self.lines:
            yield from line
            yield Segment.line()

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        """Return the width, which cannot shrink."""
        return Measurement(self.width, self.width)


def paragraph(words: str, width: int, style: Style | None = None) -> Block:
    """Return text wrapped into lines."""
    lines = textwrap.wrap(words, max(width, 1), break_on_hyphens=False) or [""]
    return Block([[Segment(line, style)] for line in lines])


def below(blocks: Iterable[Block], gap: int = 0) -> Block:
    """Stack blocks with `gap` empty lines between them."""
    lines: list[Segments] = []
    for number, block in enumerate(blocks):
        lines += [[Segment("")] for _ in range(gap)] if number else []
        lines += block.lines
    return Block(lines)


def beside(blocks: Sequence[Block], gap: int = 3) -> Block:
    """Put blocks side by side, aligned at the top."""
    height = max((len(block.lines) for block in blocks), default=0)
    lines: list[Segments] = [[] for _ in range(height)]
    for number, block in enumerate(blocks):
        last, width = number == len(blocks) - 1, block.width
        for row in range(height):
            line = block.lines[row] if row < len(block.lines) else []
            lines[row] += line
            room = width - Segment.get_line_length(line) + gap
            if not last and room:
                lines[row].append(Segment(" " * room))
    return Block(lines)


def flow(blocks: Sequence[Block], width: int, gap: int = 3) -> Block:
    """Put blocks side by side as far as the width allows, then below each other."""
    rows: list[list[Block]] = []
    used = 0
    for block in blocks:
        if rows and used + gap + block.width <= width:
            rows[-1].append(block)
            used += gap + block.width
        else:
            rows.append([block])
            used = block.width
    return below([beside(row, gap) for row in rows], gap=1)


def centred(words: str, width: int) -> str:
    """Centre text; cut it with a tilde if it is too long."""
    length = cell_len(words)
    if length > width:
        return words[: max(width - 1, 0)] + "~"
    left = (width - length) // 2
    return " " * left + words + " " * (width - length - left)

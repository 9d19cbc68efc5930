"""What is measured goes into RESULTS.md, and some of it from there into README.md; a test compares the two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RESULTS, README = ROOT / "benchmarks" / "RESULTS.md", ROOT / "README.md"
MARK = 5  # the column of the marks
README_HEADER = "| case | best other library | OpenCV |"
MISSED_HEADER = "| case | others / poolcli, beside what they should be |"
QUOTED: Mapping[str, str] = {
    "float32 max (2,2)": "float32 max, 2x2, stride 2",
    "float32 avg (3,1)": "float32 avg, 3x3, stride 1",
    "uint8 median (3,1)": "uint8 median, 3x3, stride 1",
}


def cells(row: str) -> list[str]:
    """Return the cells of a row of a table."""
    return [cell.strip() for cell in row.strip().strip("|").split("|")]


def table(text: str, header: str) -> tuple[int, int]:
    """Return between which lines the rows of the table with this header stand."""
    lines = text.splitlines()
    first = last = lines.index(header) + 2
    while last < len(lines) and lines[last].startswith("|"):
        last += 1
    return first, last


def with_rows(text: str, header: str, rows: Sequence[str], names: Sequence[str]) -> str:
    """Put rows into a table, in place of those of the same name; they stand in the order of `names`."""
    first, last = table(text, header)
    every = {cells(row)[0]: row for row in (*text.splitlines()[first:last], *rows)}
    return replaced(text, header, [every[name] for name in names if name in every])


def replaced(text: str, header: str, rows: Sequence[str]) -> str:
    """Put rows into a table in place of all that are there."""
    lines = text.splitlines()
    first, last = table(text, header)
    lines[first:last] = rows
    return "\n".join(lines) + "\n"


def missed(text: str) -> list[str]:
    """Return the cases that miss their marks, with what they miss."""
    rows = [made for made in map(cells, text.splitlines()) if len(made) > MARK and "missed" in made[MARK]]
    return [f"| {row[0]} | {', '.join(mark for mark in row[MARK].split(', ') if 'missed' in mark)} |" for row in rows]


def quoted(text: str) -> list[str]:
    """Return what README quotes of the results."""
    lines = text.splitlines()
    rows = {made[0]: made for made in map(cells, lines) if len(made) > 3}  # case, ratio, best peer, OpenCV
    return [f"| {said} | {rows[name][1]} ({rows[name][2]}) | {rows[name][3]} |" for name, said in QUOTED.items()]


def write(header: str, rows: Sequence[str], names: Sequence[str], told: str) -> None:
    """Put rows and how they were taken into RESULTS.md, and what README quotes into README.md.

    `told` replaces the line that begins with the same word.
    """
    text = with_rows(RESULTS.read_text(), header, rows, names)
    begin = told[: told.index(":") + 1]
    text = "".join(told + "\n" if line.startswith(begin) else line for line in text.splitlines(keepends=True))
    RESULTS.write_text(replaced(text, MISSED_HEADER, missed(text)))
    README.write_text(with_rows(README.read_text(), README_HEADER, quoted(text), list(QUOTED.values())))

"""The headings of options (their order is in `poolcli.cli.help`), and the choices of formats."""

from __future__ import annotations

from poolcli.formats.registry import FORMATS

INPUT, WINDOW, OUTPUT, TABLE, PICTURE = "Input", "Window", "Output", "Tables", "Pictures out"
INPUT_FORMATS = tuple(row.name for row in FORMATS.values() if row.reads)
OUTPUT_FORMATS = ("table", *(row.name for row in FORMATS.values() if row.writes))

"""The headings of options (`poolcli.cli.help` has their order), and what options offer to choose from."""

from __future__ import annotations

from poolcli.formats.registry import FORMATS

INPUT, WINDOW, OUTPUT, TABLE, PICTURE = "Input", "Window", "Output", "Tables", "Pictures out"
INPUT_FORMATS = tuple(row.name for row in FORMATS.values() if row.reads)
OUTPUT_FORMATS = ("table", *(row.name for row in FORMATS.values() if row.writes))

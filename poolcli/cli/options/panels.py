"""The headings of options (`poolcli.cli.help` has their order), and what options offer to choose from."""

from __future__ import annotations

from collections.abc import Iterable

from poolcli.colors import COLORMAPS
from poolcli.formats.registry import FORMATS
from poolcli.pooling.filters import FILTERS

INPUT, WINDOW, OUTPUT, TABLE, PICTURE = "Input", "Window", "Output", "Tables", "Pictures out"


def filter_names() -> Iterable[str]:
    """Return the named filters."""
    return FILTERS


def formats_read() -> Iterable[str]:
    """Return the formats that can be read."""
    return [row.name for row in FORMATS.values() if row.reads]


def formats_written() -> Iterable[str]:
    """Return the formats that can be written, and ``table``."""
    return ["table", *(row.name for row in FORMATS.values() if row.writes)]


def colormap_names() -> Iterable[str]:
    """Return the colour maps."""
    return list(COLORMAPS)

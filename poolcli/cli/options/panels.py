"""The headings of options, and what they offer to choose from."""

from __future__ import annotations

from collections.abc import Iterable

INPUT, WINDOW, OUTPUT, TABLE, PICTURE = "Input", "Window", "Output", "Tables", "Pictures out"


def filter_names() -> Iterable[str]:
    """Return the named filters."""
    from poolcli.pooling.filters import FILTERS

    return FILTERS


def formats_read() -> Iterable[str]:
    """Return the formats that can be read."""
    from poolcli.formats.registry import FORMATS

    return [row.name for row in FORMATS.values() if row.reads]


def formats_written() -> Iterable[str]:
    """Return the formats that can be written, and ``table``."""
    from poolcli.formats.registry import FORMATS

    return ["table", *(row.name for row in FORMATS.values() if row.writes)]


def colormap_names() -> Iterable[str]:
    """Return the colour maps."""
    from poolcli.colors import COLORMAPS

    return list(COLORMAPS)


def emit_targets() -> Iterable[str]:
    """Return what ``--emit`` writes code for."""
    from poolcli.emit import TARGETS

    return TARGETS

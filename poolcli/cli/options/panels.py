"""The headings of options, and what they offer to choose from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    pass


INPUT, WINDOW, OUTPUT, TABLE, PICTURE = "Input", "Window", "Output", "Tables", "Pictures out"


GLOBALS = ("global-max", "global-avg")  # what is offered; every mode may have global- before it


def mode_names() -> Iterable[str]:
    """Return the modes as a user may type them."""
    from poolcli.pooling.modes import ALIASES, MODES

    own = (f"{mode.name}:{mode.parameter.example:g}" if mode.parameter else mode.name for mode in MODES.values())
    return [*own, *ALIASES, *GLOBALS]


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


def framework_names() -> Iterable[str]:
    """Return the frameworks of ``--compat``."""
    from poolcli.pooling.frameworks import FRAMEWORKS

    return FRAMEWORKS


def emit_targets() -> Iterable[str]:
    """Return what ``--emit`` writes code for."""
    from poolcli.emit import TARGETS

    return TARGETS


def fill_names() -> Iterable[str]:
    """Return the named pad fills."""
    from poolcli.window import PAD_FILLS

    return PAD_FILLS

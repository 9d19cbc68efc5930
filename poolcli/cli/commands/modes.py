"""``poolcli modes``."""

from __future__ import annotations

from typing import Any

from poolcli.cli.options.files import JSON_SWITCH
from poolcli.cli.output import Output
from poolcli.pooling.modes import ALIASES, MODES, Mode
from poolcli.system.plugins import usable


def modes(*, json: bool = JSON_SWITCH) -> None:
    """List the pooling modes with their formulas.

    x stands for the cells of a window that count, n for their number.

    Examples
    --------
    poolcli modes
    poolcli modes --json
    """
    out = Output()
    rows = [_row(mode) for mode in MODES.values()]
    rows += [_row(mode, package) for mode, package in usable("mode", Mode, {*MODES, *ALIASES}, out.note)]
    out.rows(rows, json=json)


def _row(mode: Mode, package: str = "") -> dict[str, Any]:
    return {
        "mode": mode.label,
        "formula": mode.formula,
        "parameter": mode.parameter.meaning if mode.parameter else "",
        "aliases": ", ".join(alias for alias, name in ALIASES.items() if name.partition(":")[0] == mode.name),
        "package": package,
    }

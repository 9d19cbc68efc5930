"""``poolcli modes``."""

from __future__ import annotations

from typing import Any

from poolcli.cli.listed import deliver, of_packages
from poolcli.cli.options.files import AsJson
from poolcli.pooling.modes import ALIASES, MODES, Mode


def modes(*, json: AsJson = False) -> None:
    """List the pooling modes with their formulas.

    x are the cells of a window that take part, n is their number.

    Examples
    --------
    poolcli modes
    poolcli modes --json
    """
    rows = [_row(mode) for mode in MODES.values()]
    rows += [_row(mode, package) for mode, package in of_packages("mode", Mode, {*MODES, *ALIASES})]
    deliver(rows, json=json)


def _row(mode: Mode, package: str = "") -> dict[str, Any]:
    return {
        "mode": mode.label,
        "formula": mode.formula,
        "parameter": mode.parameter.meaning if mode.parameter else "",
        "aliases": ", ".join(alias for alias, name in ALIASES.items() if name.partition(":")[0] == mode.name),
        "package": package,
    }

"""The options of pooling as one types them: one for each row of `poolcli.pooling.options.OPTIONS`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from poolcli.cli.options.grammar import Group, option
from poolcli.cli.options.panels import WINDOW
from poolcli.cli.words import told
from poolcli.pooling.options import BY_JSON, OPTIONS
from poolcli.steps.steps import PoolStep
from poolcli.window import parse_sizes


class Sizing(Group):
    """Options that are sizes: ``3`` or ``3x2``."""

    def sizes(self, *names: str) -> dict[str, Any]:
        """Return those that were given, as numbers."""
        given = {name: getattr(self, name) for name in names}
        return {name: parse_sizes(text, name.replace("_", "-")) for name, text in given.items() if text is not None}


class Windowing(Sizing):
    """Which windows, and what to make of them."""

    if TYPE_CHECKING:  # those that a command asks for by name; all are added below
        mode: str
        compat: str | None
        seed: int | None

    def step(self, *, indices: bool = False) -> PoolStep:
        """Return the pooling step."""
        given = {row.name: getattr(self, row.name) for row in OPTIONS if row.typed}
        for row in OPTIONS:
            if row.kind.parse and given[row.name] is not None:
                given[row.name] = row.kind.parse(given[row.name], row.name)
        mode, size = given.pop("mode"), given.pop("size")
        options: Any = {name: value for name, value in given.items() if value is not None}
        return PoolStep(mode, size, options, indices)


for _name, _row in BY_JSON.items():
    if _row.typed:
        _flag = _name.replace("_", "-")
        _offered = option(
            *([f"-{_row.letter}"] if _row.letter else []), f"--{_flag}/--no-{_flag}" if _row.undone else f"--{_flag}",
            help=_row.meaning if isinstance(_row.meaning, str) else told(_row.meaning), panel=WINDOW,
            metavar=_row.metavar, default=_row.usual, choices=_row.choices, free=_row.free,
        )  # fmt: skip
        _typed = _row.kind.typed
        Windowing.__annotations__[_row.name] = Annotated[_typed | None if _row.default is None else _typed, _offered]
        setattr(Windowing, _row.name, _row.default if _row.default is None else _typed(_row.default))

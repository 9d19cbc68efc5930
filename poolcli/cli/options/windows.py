"""The options of pooling as one types them: one for each row of `poolcli.pooling.options.OPTIONS`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from poolcli.cli.options.grammar import Group, option
from poolcli.cli.options.panels import WINDOW
from poolcli.cli.words import told
from poolcli.pooling.options import OPTIONS, PoolOption
from poolcli.steps.steps import PoolStep
from poolcli.window import parse_sizes

if TYPE_CHECKING:
    from poolcli.steps.steps import PoolStep


class Sizing(Group):
    """Options that are sizes: ``3`` or ``3x2``."""

    def sizes(self, *names: str) -> dict[str, Any]:
        """Return those that were given, as numbers."""
        given = {name: getattr(self, name) for name in names}
        return {name: parse_sizes(text, name.replace("_", "-")) for name, text in given.items() if text is not None}


class Windowing(Sizing):
    """Which windows, and what to make of them."""

    if TYPE_CHECKING:  # those that a command asks for by name; `_offer` adds them all
        mode: str
        compat: str | None
        seed: int | None

    def step(self, *, indices: bool = False) -> PoolStep:
        """Return the pooling step."""
        given = {row.name: _value(row, getattr(self, row.name)) for row in OPTIONS if row.typed}
        mode, size = given.pop("mode"), given.pop("size")
        options: Any = {name: value for name, value in given.items() if value is not None}
        return PoolStep(mode, size, options, indices)


def _value(row: PoolOption, text: Any) -> Any:
    return row.kind.parse(text, row.name) if row.kind.parse and text is not None else text


def _offer(row: PoolOption) -> Any:
    """Return the annotation of an option, as `poolcli.cli.options.grammar` takes it."""
    name = row.json.replace("_", "-")
    flag = f"--{name}/--no-{name}" if row.undone else f"--{name}"
    letter = [f"-{row.letter}"] if row.letter else []
    offered = option(*letter, flag, help=told(row.meaning), panel=WINDOW, metavar=row.metavar, default=row.usual,
                     choices=row.choices, free=row.free)  # fmt: skip
    return Annotated[row.kind.typed | None if row.default is None else row.kind.typed, offered]


for _row in OPTIONS:
    if _row.typed:
        Windowing.__annotations__[_row.name] = _offer(_row)
        setattr(Windowing, _row.name, _row.default if _row.default is None else _row.kind.typed(_row.default))

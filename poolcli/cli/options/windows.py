"""The pooling options as one types them, one for each row of `poolcli.pooling.options.OPTIONS`."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from poolcli.cli.options.grammar import Group, option, refuse_idle
from poolcli.cli.options.panels import WINDOW
from poolcli.cli.words import told
from poolcli.pooling.modes import parse_mode
from poolcli.pooling.options import BY_JSON, OPTIONS, PoolOption
from poolcli.steps.steps import PoolStep
from poolcli.window import parse_sizes


class Sizing(Group):
    """Options that are sizes: ``3`` or ``3x2``."""

    def sizes(self, *names: str) -> dict[str, Any]:
        """Return the given ones as numbers."""
        given = {name: getattr(self, name) for name in names}
        return {name: parse_sizes(text, name.replace("_", "-")) for name, text in given.items() if text is not None}


def _idle(step: PoolStep) -> dict[str, str]:
    """Return the options that do nothing for a step, each with what it does nothing for."""
    mode, options = parse_mode(step.mode.lower().removeprefix("global-")).mode, step.options
    found = {}
    if options.get("padding", "valid") == "valid":
        found["pad_fill"] = "windows without padding"
    if not mode.divides:
        found["count_include_pad"] = f"mode {step.mode}, which divides by no number of cells"
    elif options.get("compat") is None:  # frameworks have their own rules
        if options.get("divisor_override") is not None:
            found["count_include_pad"] = "averages whose divisor is given"
        elif options.get("pad_fill", "ignore") != "ignore":
            found["count_include_pad"] = "padding that holds values, which always counts"
        elif "pad_fill" in found:
            found["count_include_pad"] = found["pad_fill"]
    if not (mode.random or options.get("fractional")):
        found["seed"] = f"mode {step.mode}, which draws nothing at random"
    if not step.indices:
        found["storage_order"] = "values without indices"
    return found


class Windowing(Sizing):
    """The windows, and what to compute from them."""

    if TYPE_CHECKING:  # fields that commands use by name; all are added below
        mode: str
        compat: str | None
        seed: int | None

    def refuse_idle(self, *steps: PoolStep, heeded: Collection[str] = ()) -> None:
        """Refuse options that do nothing for any of the steps made from them."""
        first, *others = map(_idle, steps)
        for name, what in first.items():
            if name not in heeded and all(name in other for other in others):
                refuse_idle(self.changed(name), what)

    def step(self, *, indices: bool = False) -> PoolStep:
        """Return the pooling step."""
        given = {row.name: getattr(self, row.name) for row in OPTIONS if row.typed}
        for row in OPTIONS:
            if row.kind.parse and given[row.name] is not None:
                given[row.name] = row.kind.parse(given[row.name], row.name)
        mode, size = given.pop("mode"), given.pop("size")
        options: Any = {name: value for name, value in given.items() if value is not None}
        return PoolStep(mode, size, options, indices)


def _typed(name: str, row: PoolOption) -> Any:
    """Return an option of pooling as the command line spells it."""
    flag = name.replace("_", "-")
    return option(
        row.default if row.default is None else row.kind.typed(row.default), told(row.meaning),
        *([f"-{row.letter}"] if row.letter else []), f"--{flag}/--no-{flag}" if row.undone else f"--{flag}",
        kind=row.kind.typed, panel=WINDOW, metavar=row.metavar, usual=row.usual, choices=row.choices, free=row.free,
    )  # fmt: skip


Windowing.add({row.name: _typed(name, row) for name, row in BY_JSON.items() if row.typed})

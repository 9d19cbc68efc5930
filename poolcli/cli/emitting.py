"""Where the code of ``--emit`` goes, and which axes it is for."""

from __future__ import annotations

from collections.abc import Sequence

from poolcli.cli.options.files import Reading, StepIO
from poolcli.emit import emit
from poolcli.featuremap import SPATIAL, parse_layout, spatial_letters
from poolcli.steps.steps import PoolStep, Step, UnpoolStep


def layout_of(step: PoolStep | UnpoolStep, reading: Reading) -> str:
    """Return the layout where there is no input to ask: that given, else one of as many axes as the options say."""
    if reading.layout:
        return parse_layout(reading.layout)
    said = [*step.window.values()] if isinstance(step, UnpoolStep) else [step.size, *step.options.values()]
    return SPATIAL[next((len(value) for value in said if isinstance(value, tuple)), 2) - 1]


def write_code(steps: Sequence[Step], layout: str, target: str, io: StepIO) -> None:
    """Write the program."""
    io.out.put(emit(steps, len(spatial_letters(layout)), target, layout).encode(), io.writing.output)
    io.out.wrote(io.writing.output, f"code for {target}")

"""Where the code of ``--emit`` goes, and which axes it is for."""

from __future__ import annotations

from collections.abc import Sequence

from poolcli.cli.lines import without_lines
from poolcli.cli.options.files import FOR_PICTURES, FOR_TABLES, Reading, StepIO
from poolcli.cli.options.grammar import refuse_idle
from poolcli.emit import emit, emit_model, target_class
from poolcli.featuremap import SPATIAL, parse_layout, spatial_letters
from poolcli.steps.steps import PoolStep, Step, UnpoolStep
from poolcli.window import times


def layout_of(step: PoolStep | UnpoolStep, reading: Reading) -> str:
    """Return the layout where there is no input to ask: that given, else one of as many axes as the options say."""
    if reading.layout:
        return parse_layout(reading.layout)
    said = [*step.window.values()] if isinstance(step, UnpoolStep) else [step.size, *step.options.values()]
    return SPATIAL[next((len(value) for value in said if isinstance(value, tuple)), 2) - 1]


def check_code(given: str | None, io: StepIO, *, show: bool = False) -> None:
    """Refuse what does nothing for code."""
    if io.lines:
        without_lines({"--emit": True})
    idle = io.writing.changed("format", "json", "colormap", "compress_level", *FOR_TABLES, *FOR_PICTURES)
    refuse_idle({**idle, "show": show}, "code")
    if given is None:
        io.reading.refuse_idle("code without an INPUT", ("layout",))


def write_code(steps: Sequence[Step], layout: str, target: str, io: StepIO, spatial: Sequence[int] = ()) -> None:
    """Write the program, or the model itself where the name of the file asks for that."""
    suffix, ndim = target_class(target).suffix, len(spatial_letters(layout))
    if suffix and io.writing.output.endswith(suffix):
        _write_model(steps, ndim, target, io, spatial)
        return
    io.out.put(emit(steps, ndim, target, layout).encode(), io.writing.output)
    io.out.wrote(io.writing.output, f"code for {target}")


def _write_model(steps: Sequence[Step], ndim: int, target: str, io: StepIO, spatial: Sequence[int]) -> None:
    """Write the model itself; say what a program would refuse and a model cannot."""
    content, remarks = emit_model(steps, ndim, target, spatial)
    io.out.put(content, io.writing.output)
    size = f" for maps of {times(spatial)}" if spatial else ""
    io.out.wrote(io.writing.output, f"an {target_class(target).title} model of float32{size}, channels first")
    for remark in remarks:
        io.out.note(f"the model does not refuse NaN, though {remark}")

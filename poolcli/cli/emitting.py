"""The option ``--emit``: code instead of values."""

from __future__ import annotations

from collections.abc import Sequence

from poolcli.cli.checks import check_target_apart, files_read
from poolcli.cli.lines import without_lines
from poolcli.cli.options.files import FOR_PICTURES, FOR_TABLES, Reading, StepIO
from poolcli.cli.options.grammar import refuse_idle
from poolcli.cli.pipeline import load_map
from poolcli.emit import emit, emit_model, target_class
from poolcli.featuremap import SPATIAL, parse_layout, spatial_letters
from poolcli.steps.steps import GradStep, PoolStep, Step, UnpoolStep
from poolcli.window import times


def write_code(
    given: str | None, steps: Sequence[Step], last: PoolStep | GradStep | UnpoolStep, target: str, io: StepIO,
    compat: str | None, *, show: bool = False, also_read: Sequence[str] = (),
) -> None:  # fmt: skip
    """Write a program for `steps` and then `last`, or the model itself if the file name asks for that.

    An INPUT is optional; it says the layout, the size of a model's input, and the window of unpooling.
    """
    _check_idle(given, io, show)
    output, read = io.writing.output, [*files_read(given or "-", steps), *also_read]
    check_target_apart(output, read, overwrite=io.writing.overwrite)
    before = None if given is None else load_map(given, io.reading, io.verbosity, compat)
    if before and before.unpool and isinstance(last, UnpoolStep):
        last = UnpoolStep({**before.unpool, "shape": tuple(before.unpool["shape"]), **last.window})
    layout, spatial = (before.layout, before.spatial) if before else (_layout_of(last, io.reading), ())
    suffix, ndim = target_class(target).suffix, len(spatial_letters(layout))
    if suffix and output.endswith(suffix):
        _write_model([*steps, last], ndim, target, io, spatial)
        return
    io.out.put(emit([*steps, last], ndim, target, layout, spatial=spatial).encode(), output)
    io.out.wrote(output, f"code for {target}")


def _check_idle(given: str | None, io: StepIO, show: bool) -> None:
    """Refuse options that do nothing for code."""
    if io.lines:
        without_lines({"--emit": True})
    idle = io.writing.changed("format", "json", "colormap", "compress_level", *FOR_TABLES, *FOR_PICTURES)
    refuse_idle({**idle, "show": show}, "code")
    if given is None:
        io.reading.refuse_idle("code without an INPUT", ("layout",))


def _layout_of(step: PoolStep | GradStep | UnpoolStep, reading: Reading) -> str:
    """Return the layout for code without an INPUT: the given one, or one with as many axes as the options."""
    if reading.layout:
        return parse_layout(reading.layout)
    pool = step.pool if isinstance(step, GradStep) else step
    said = [*pool.window.values()] if isinstance(pool, UnpoolStep) else [pool.size, *pool.options.values()]
    return SPATIAL[next((len(value) for value in said if isinstance(value, tuple)), 2) - 1]


def _write_model(steps: Sequence[Step], ndim: int, target: str, io: StepIO, spatial: Sequence[int]) -> None:
    """Write the model itself; note what a program would refuse but a model cannot."""
    content, remarks = emit_model(steps, ndim, target, spatial)
    io.out.put(content, io.writing.output)
    size = f" for maps of {times(spatial)}" if spatial else ""
    io.out.wrote(io.writing.output, f"an {target_class(target).title} model of float32{size}, channels first")
    for remark in remarks:
        io.out.note(f"the model does not refuse NaN, though {remark}")

"""A shape on the command line, instead of an INPUT."""

from __future__ import annotations

from typing import TYPE_CHECKING

from poolcli.errors import UsageError
from poolcli.featuremap import MOST_AXES, perhaps_channels_last
from poolcli.steps.shapes import Signal
from poolcli.window import parse_sizes
from poolcli.wording import Phrase

if TYPE_CHECKING:
    from poolcli.cli.options.files import Reading
    from poolcli.cli.output import Output


def shape_alone(text: str, given: str | None, reading: Reading, out: Output, compat: str | None = None) -> Signal:
    """Return the shape given by ``--shape`` instead of an INPUT, read as an array of this shape would be."""
    reading.refuse_idle("a shape", ("layout",))
    if given is not None:
        raise UsageError("--shape and an INPUT cannot be combined", "drop one of them")
    sizes = parse_sizes(text, "shape", MOST_AXES)
    shape = (sizes,) if isinstance(sizes, int) else sizes
    if min(shape) < 1:
        raise UsageError(f"--shape {text} has no cells", "use 1 or more along every axis")
    signal = Signal.of(shape, reading.layout, channels_last=reading.options(compat).channels_last)
    if len(shape) == 3 and not reading.layout:
        read = Phrase("{0} is read as {1}; {layout} if all axes are spatial", text, signal.layout, layout="DHW")
        out.note(next(perhaps_channels_last(signal.layout, shape), read))
    return signal

"""``poolcli unpool``."""

from __future__ import annotations

from poolcli.cli.emitting import check_code, layout_of, write_code
from poolcli.cli.options.files import INPUT_FILE, StepIO
from poolcli.cli.options.grammar import option
from poolcli.cli.options.panels import OUTPUT
from poolcli.cli.options.steps import UnpoolOptions
from poolcli.cli.pipeline import load_map, transform
from poolcli.emit import UNPOOLING
from poolcli.steps.steps import UnpoolStep


def unpool(
    given: str | None = INPUT_FILE,
    *,
    unpooling: UnpoolOptions,
    emit: str | None = option(
        None, f"Print equivalent code instead of computing: {', '.join(UNPOOLING)}.", panel=OUTPUT, metavar="NAME",
        choices=UNPOOLING,
    ),
    io: StepIO,
) -> None:  # fmt: skip
    """Put pooled values back where their indices say; every other cell is zero.

    What pool --indices --json wrote says all there is to know; bare values need the options.

    Examples
    --------
    poolcli pool --indices --json input.csv | poolcli unpool
    """
    step = unpooling.step()
    if emit is not None:
        check_code(given, io)
        before = None if given is None else load_map(given, io.reading, io.verbosity, unpooling.compat)
        layout = before.layout if before else layout_of(step, io.reading)
        if before is not None and before.unpool:
            step = UnpoolStep({**before.unpool, "shape": tuple(before.unpool["shape"]), **step.window})
        write_code([step], layout, emit, io, before.spatial if before else ())
        return
    transform(given, [step], io, unpooling.compat)

"""``poolcli unpool``."""

from __future__ import annotations

from poolcli.cli.emitting import write_code
from poolcli.cli.options.files import INPUT_FILE, StepIO
from poolcli.cli.options.grammar import option
from poolcli.cli.options.panels import OUTPUT
from poolcli.cli.options.steps import UnpoolOptions
from poolcli.cli.pipeline import transform
from poolcli.emit import UNPOOLING


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

    Only JSON holds indices beside the values. That of pool --indices --json says the window, too; other JSON takes the
    options, or windows of 2x2.

    Examples
    --------
    poolcli pool --indices --json input.csv | poolcli unpool
    echo '{"data":[[9]],"indices":[[3]]}' | poolcli unpool --size 2
    """
    step = unpooling.step()
    if emit is None:
        transform(given, [step], io, unpooling.compat)
    else:
        write_code(given, [], step, emit, io, unpooling.compat)

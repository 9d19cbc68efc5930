"""``poolcli grad``."""

from __future__ import annotations

from poolcli.cli.emitting import write_code
from poolcli.cli.options.files import INPUT_FILE, StepIO
from poolcli.cli.options.grammar import option
from poolcli.cli.options.panels import INPUT, OUTPUT, WINDOW
from poolcli.cli.options.windows import Windowing
from poolcli.cli.pipeline import transform
from poolcli.emit import BACKWARD
from poolcli.formats import read
from poolcli.pooling.modes import ALIASES, MODES
from poolcli.pooling.options import mode_names
from poolcli.steps.steps import GradStep

GRADED = [row.name for row in MODES.values() if row.gradient]
AS_TYPED = ((name, name.removeprefix("global-")) for name in mode_names())
GRADED_NAMES = tuple(name for name, mode in AS_TYPED if ALIASES.get(mode, mode).partition(":")[0] in GRADED)


class Differentiating(Windowing, panel=WINDOW):
    """Windows under a mode that has a gradient."""

    mode: str = option(
        "max", f"{', '.join(GRADED[:-1])} or lp:P.", "-m", metavar="NAME[:PARAM]", choices=GRADED_NAMES, free=True
    )


def grad(
    given: str | None = INPUT_FILE,
    *,
    window: Differentiating,
    upstream: str | None = option(
        None, "A file with the gradient that arrives at the output.", panel=INPUT, usual="ones", metavar="FILE"
    ),
    emit: str | None = option(
        None, "Print equivalent code instead of computing; PyTorch's.", panel=OUTPUT, metavar="NAME", choices=BACKWARD
    ),
    io: StepIO,
) -> None:
    """Show the gradient that pooling sends back to each input cell.

    The first maximum of a window takes all; an average shares evenly; overlapping windows add up.

    Examples
    --------
    poolcli grad --size 2 input.csv
    poolcli grad --mode avg --size 3 --stride 1 input.csv
    """
    step = window.step()
    window.refuse_idle(step)
    backward = GradStep(step, None if upstream is None else read(upstream).values)
    also_read = [] if upstream is None else [upstream]
    if emit is None:
        transform(given, [backward], io, window.compat, also_read=also_read)
    else:
        write_code(given, [], backward, emit, io, window.compat, also_read=also_read)

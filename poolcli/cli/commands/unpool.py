"""``poolcli unpool``."""

from __future__ import annotations

from poolcli.cli.options.files import Input, StepIO
from poolcli.cli.options.steps import UnpoolOptions
from poolcli.cli.pipeline import transform


def unpool(given: Input = None, *, unpooling: UnpoolOptions, io: StepIO) -> None:
    """Put pooled values back where their indices say; every other cell is zero.

    What pool --indices --json wrote says all there is to know; bare values need the options.

    Examples
    --------
    poolcli pool --indices --json input.csv | poolcli unpool
    """
    transform(given, unpooling.steps(), io, unpooling.compat)

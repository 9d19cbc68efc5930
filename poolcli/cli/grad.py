"""``poolcli grad``."""

from __future__ import annotations

from typing import Annotated, Any

from poolcli.cli.deliver import transform
from poolcli.cli.grammar import option
from poolcli.cli.options import INPUT, Input, Street, Windowing
from poolcli.steps import GradStep


def grad(
    given: Input = None,
    *,
    window: Windowing,
    upstream: Annotated[
        str | None,
        option("--upstream", help="A file with the gradient that arrives at the output.", panel=INPUT,
               default="ones", metavar="FILE"),
    ] = None,
    street: Street,
) -> None:  # fmt: skip
    """Show the gradient that pooling sends back to each input cell.

    The first maximum of a window takes all; an average shares evenly; overlapping windows add up.

    Examples
    --------
    poolcli grad --size 2 input.csv
    poolcli grad --mode avg --size 3 --stride 1 input.csv
    """
    arriving: Any = None
    if upstream is not None:
        from poolcli.formats import read

        arriving = read(upstream).values
    transform(given, [GradStep(window.step(), arriving)], street, window.compat,
              also_read=[upstream] if upstream is not None else [])  # fmt: skip

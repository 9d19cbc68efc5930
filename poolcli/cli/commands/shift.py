"""``poolcli shift``."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated

from poolcli.cli.console import unicode_ok
from poolcli.cli.options.files import AsJson, Input, Reading, Verbosity
from poolcli.cli.options.grammar import Group, option
from poolcli.cli.options.panels import OUTPUT, WINDOW
from poolcli.cli.options.steps import FilterOptions
from poolcli.cli.options.terminal import Picturing
from poolcli.cli.options.windows import Windowing
from poolcli.cli.output import Output
from poolcli.cli.pipeline import take_in
from poolcli.cli.progress import rounds
from poolcli.steps.steps import apply, with_threads


class Shifting(Group):
    """How to move the input."""

    by: Annotated[
        int, option("--by", help="Cells to move, in each direction in turn.", least=1, panel=WINDOW, metavar="N")
    ] = 1
    random: Annotated[
        int | None, option("--random", help="Instead so many random movements of at most --by cells along each axis; "
                           "--seed chooses them.", panel=WINDOW, metavar="N")
    ] = None  # fmt: skip
    edge: Annotated[
        str, option("--edge", help="What comes in at the edge: replicate, reflect, symmetric, wrap, or a number.",
                    panel=WINDOW, metavar="EDGE", choices=("replicate", "reflect", "symmetric", "wrap", "0"), free=True)
    ] = "replicate"  # fmt: skip
    show: Annotated[bool, option("--show", help="Draw where the maps changed, too.", panel=OUTPUT)] = False
    json: AsJson = False


def shift(
    given: Input = None,
    *,
    shifting: Shifting,
    filtering: FilterOptions,
    window: Windowing,
    picturing: Picturing,
    reading: Reading,
    verbosity: Verbosity,
) -> None:
    """Measure translation invariance: move the input, pool again, count the values that change.

    Examples
    --------
    poolcli shift --by 1 --mode max --size 2 input.csv
    poolcli shift --random 20 --by 2 --seed 1 photo.jpg
    """
    from poolcli.analysis.invariance import measure
    from poolcli.render.terminal.invariance import differences, invariance_table

    how = picturing.how()
    told = with_threads(filtering.steps(), verbosity.threads)
    feature_map = apply(take_in(given, reading, verbosity, window.compat), told)
    layer = replace(window.step().layer(feature_map.ndim), threads=verbosity.threads)
    with rounds("moving", quiet=verbosity.quiet) as tell:
        report = measure(
            feature_map,
            layer,
            shifting.by,
            samples=shifting.random,
            seed=window.seed,
            edge=shifting.edge,
            progress=tell,
        )
    if shifting.json:
        Output().json(report.record())
        return
    pictures = differences(report, **how) if shifting.show else ()
    picturing.show(*pictures, invariance_table(report, ascii_only=not unicode_ok()))

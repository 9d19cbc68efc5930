"""``poolcli pool``."""

from __future__ import annotations

from poolcli.cli.emitting import write_code
from poolcli.cli.options.files import INPUT_FILE, ClusterOptions, StepIO
from poolcli.cli.options.grammar import Group, option
from poolcli.cli.options.panels import OUTPUT
from poolcli.cli.options.steps import FilterOptions
from poolcli.cli.options.terminal import ShowOption
from poolcli.cli.options.windows import Windowing
from poolcli.cli.pipeline import transform
from poolcli.emit import TARGETS, target_names


class PoolExtras(Group, panel=OUTPUT):
    """Indices, and code instead of values."""

    indices: bool = option(False, "Record where each maximum or minimum came from.")
    emit: str | None = option(
        None, "Print equivalent code instead of computing: " f"{', '.join(TARGETS)}.", metavar="NAME",
        choices=tuple(target_names()),
    )  # fmt: skip


def pool(
    given: str | None = INPUT_FILE,
    *,
    filtering: FilterOptions,
    window: Windowing,
    extras: PoolExtras,
    showing: ShowOption,
    cluster: ClusterOptions,
    io: StepIO,
) -> None:
    """Pool a matrix or an image, optionally after a filter and ReLU.

    8x8 windows, each drawn as a block of 8x8 pixels, turn a photo into a mosaic.

    Examples
    --------
    poolcli pool --mode max --size 2 --stride 2 input.csv
    poolcli pool --mode avg --global photo.jpg
    poolcli pool --mode avg -k 8 --zoom 8 --channels rgb -o mosaic.png photo.jpg
    poolcli pool --filter sobel-x --relu --size 2 -o edges.png photo.jpg
    poolcli pool --mode avg --size 3 --padding 1 --emit torch
    """
    step, steps = window.step(indices=extras.indices), filtering.steps()
    window.refuse_idle(step)
    if extras.emit is None:
        transform(given, [*steps, step], io, window.compat, showing, cluster)
    else:
        write_code(given, steps, step, extras.emit, io, window.compat, show=showing.show)

"""``poolcli conv``."""

from __future__ import annotations

from poolcli.cli.options.files import INPUT_FILE, ClusterOptions, StepIO
from poolcli.cli.options.steps import Convolving
from poolcli.cli.options.terminal import ShowOption
from poolcli.cli.pipeline import transform


def conv(
    given: str | None = INPUT_FILE,
    *,
    convolving: Convolving,
    showing: ShowOption,
    cluster: ClusterOptions,
    io: StepIO,
) -> None:
    """Convolve with a named filter or a kernel of your own.

    It is cross-correlation, as in deep learning: the kernel is laid over the input as it is written, not flipped.

    Examples
    --------
    poolcli conv --filter sobel-x input.csv
    poolcli conv --filter sobel-x --relu -o edges.png photo.jpg
    poolcli conv --filter '[[0, 1], [2, 3]]' --padding same input.csv
    """
    transform(given, convolving.steps(), io, showing=showing, cluster=cluster)

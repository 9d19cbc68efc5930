"""``poolcli conv``."""

from __future__ import annotations

from poolcli.cli.deliver import transform
from poolcli.cli.large import Scaling
from poolcli.cli.options import Convolving, Input, Reading, Showing, Talking, Writing


def conv(
    given: Input = None,
    *,
    convolving: Convolving,
    showing: Showing,
    scaling: Scaling,
    reading: Reading,
    writing: Writing,
    talking: Talking,
) -> None:
    """Convolve with a named filter or a kernel of your own.

    It is cross-correlation, as in deep learning: the kernel is laid over the input as it is written, not flipped.

    Examples
    --------
    poolcli conv --filter sobel-x input.csv
    poolcli conv --filter sobel-x --relu -o edges.png photo.jpg
    poolcli conv --filter '[[0, 1], [2, 3]]' --padding same input.csv
    """
    transform(given, convolving.steps(), reading, writing, talking, showing=showing, scaling=scaling)

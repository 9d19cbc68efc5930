"""``poolcli pool``."""

from __future__ import annotations

from typing import Annotated

from poolcli.cli.deliver import transform
from poolcli.cli.grammar import option
from poolcli.cli.options import OUTPUT, Front, Input, Reading, Talking, Windowing, Writing


def pool(
    given: Input = None,
    *,
    front: Front,
    window: Windowing,
    indices: Annotated[
        bool, option("--indices", help="Record where each maximum or minimum came from.", panel=OUTPUT)
    ] = False,
    reading: Reading,
    writing: Writing,
    talking: Talking,
) -> None:
    """Pool a matrix or an image, optionally after a filter and ReLU.

    poolcli pool --mode max --size 2 --stride 2 input.csv

    poolcli pool --mode avg --global photo.jpg

    poolcli pool --filter sobel-x --relu -o edges.png photo.jpg
    """
    steps = [*front.steps(), window.step(indices=indices)]
    transform(given, steps, reading, writing, talking, window.compat)

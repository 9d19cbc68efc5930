"""``poolcli pool``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from poolcli.cli.deliver import load, transform
from poolcli.cli.grammar import Group, option
from poolcli.cli.large import Scaling
from poolcli.cli.options import OUTPUT, Front, Input, Reading, Showing, Talking, Windowing, Writing
from poolcli.steps import PoolStep, Step


class Extras(Group):
    """What else pooling can tell."""

    indices: Annotated[
        bool, option("--indices", help="Record where each maximum or minimum came from.", panel=OUTPUT)
    ] = False
    emit: Annotated[
        str | None, option("--emit", help="Print code that computes the same, instead of computing: torch, keras, onnx "
                           "or numpy.", panel=OUTPUT, metavar="NAME", choices=("torch", "keras", "onnx", "numpy"))
    ] = None  # fmt: skip


def pool(
    given: Input = None,
    *,
    front: Front,
    window: Windowing,
    extras: Extras,
    showing: Showing,
    scaling: Scaling,
    reading: Reading,
    writing: Writing,
    talking: Talking,
) -> None:
    """Pool a matrix or an image, optionally after a filter and ReLU.

    Examples
    --------
    poolcli pool --mode max --size 2 --stride 2 input.csv
    poolcli pool --mode avg --global photo.jpg
    poolcli pool --filter sobel-x --relu --size 2 -o edges.png photo.jpg
    poolcli pool --mode avg --size 3 --padding 1 --emit torch
    """
    step = window.step(indices=extras.indices)
    steps = [*front.steps(), step]
    if extras.emit is None:
        transform(given, steps, reading, writing, talking, window.compat, showing, scaling)
        return
    ndim = _ndim(step, reading) if given is None else load(given, reading, talking, window.compat).ndim
    _print_code(steps, ndim, extras.emit)


def _ndim(step: PoolStep, reading: Reading) -> int:
    """Return how many axes are spatial where there is no input to ask: as the layout or the options say, else two."""
    from poolcli.featuremap import parse_layout, spatial_letters

    if reading.layout:
        return len(spatial_letters(parse_layout(reading.layout)))
    said = [step.size, *step.options.values()]
    return next((len(value) for value in said if isinstance(value, tuple)), 2)


def _print_code(steps: Sequence[Step], ndim: int, target: str) -> None:
    from poolcli.emit import emit
    from poolcli.files import write_stdout

    write_stdout(emit(steps, ndim, target).encode())

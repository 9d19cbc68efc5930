"""``poolcli show``."""

from __future__ import annotations

from poolcli.cli.options.files import INPUT_FILE, Reading, Verbosity
from poolcli.cli.options.terminal import Picturing
from poolcli.cli.pipeline import take_in


def show(given: str | None = INPUT_FILE, *, picturing: Picturing, reading: Reading, verbosity: Verbosity) -> None:
    """Draw a feature map in the terminal.

    Small maps show the numbers in their cells. What does not fit is made smaller by average pooling, which is said.

    Examples
    --------
    poolcli show input.csv
    poolcli conv --filter sobel-x --json photo.jpg | poolcli show --width 60
    """
    from poolcli.render.terminal.heatmap import picture

    feature_map = take_in(given, reading, verbosity)
    picturing.show(picture(feature_map, picturing.canvas(feature_map)))

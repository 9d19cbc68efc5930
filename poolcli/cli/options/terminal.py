"""Options of the commands that draw in the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from poolcli.cli.console import colors_of, unicode_ok, width_of_output
from poolcli.cli.options.files import Writing
from poolcli.cli.options.grammar import Group, option
from poolcli.cli.options.panels import OUTPUT, PICTURE, TABLE
from poolcli.cli.output import Output
from poolcli.cli.words import typed
from poolcli.colors import COLORMAPS, usual_colormap
from poolcli.errors import UsageError
from poolcli.featuremap import FeatureMap

if TYPE_CHECKING:
    from rich.console import RenderableType

    from poolcli.render.terminal.heatmap import Canvas, Colors

USUAL_COLUMNS = 80  # without a terminal
MOST_COLUMNS = 500


class Picturing(Group, panel=PICTURE):
    """How pictures in the terminal look."""

    colormap: str | None = option(
        None, "viridis, magma, gray, or diverging, whose middle is zero.", usual="viridis; gray for a photograph",
        metavar="NAME", choices=tuple(COLORMAPS),
    )  # fmt: skip
    color: str = option(
        "auto", "Colour; without it pictures are made of characters.", panel=TABLE, choices=("auto", "always", "never")
    )
    width: int | None = option(
        None, "Columns to use.", kind=int, usual="the terminal's, else 80", least=1, most=MOST_COLUMNS, metavar="N"
    )

    @property
    def columns(self) -> int:
        """The columns for a picture."""
        return min(self.width or width_of_output() or USUAL_COLUMNS, MOST_COLUMNS)

    @property
    def colors(self) -> Colors:
        """The colours of the terminal."""
        return colors_of(self.color)

    def canvas(self, feature_map: FeatureMap | None = None) -> Canvas:
        """Return what maps are drawn on, by default in the usual colour map of this one."""
        from poolcli.render.terminal.heatmap import Canvas

        colormap = self.colormap or usual_colormap(feature_map.white if feature_map else None)
        return Canvas(self.columns, self.colors, colormap, not unicode_ok(), typed)

    def show(self, *drawings: RenderableType) -> None:
        """Print drawings to standard output."""
        Output(self.color).pictures(*drawings, colors=self.colors, width=self.columns)


class ShowOption(Group, panel=OUTPUT):
    """Pictures in the terminal."""

    show: bool = option(False, "Draw the maps side by side in the terminal as well.")

    def draw(self, writing: Writing, feature_maps: Sequence[FeatureMap], titles: Sequence[str]) -> None:
        """Draw maps side by side on standard output, if asked for."""
        if not self.show:
            return
        if writing.output == "-" and writing.chosen_format != "table":
            raise UsageError(
                f"--show draws on standard output, where the {writing.chosen_format} would go",
                "write the result to a file with -o, or drop --show",
            )
        from poolcli.render.terminal.heatmap import side_by_side

        picturing = Picturing(colormap=writing.colormap, color=writing.color, width=None)
        picturing.show(side_by_side(*feature_maps, titles=titles, canvas=picturing.canvas(feature_maps[0])))

"""What a Python program holds, as a feature map: arrays and their like, Pillow's pictures, maps."""

from __future__ import annotations

from typing import Any

from poolcli.arrays import as_array
from poolcli.errors import ShapeError
from poolcli.featuremap import FeatureMap, parse_layout
from poolcli.formats.pictures_in import feature_map_of_picture
from poolcli.wording import Phrase


def knows_axes(x: Any, layout: str | None = None) -> bool:
    """Whether it is known what the axes of `x` mean: from a layout, or because `x` is a map or a picture."""
    return layout is not None or isinstance(x, FeatureMap) or hasattr(x, "getbands")


def feature_map_of(x: Any, layout: str | None = None) -> FeatureMap:
    """Return anything that `poolcli.pool` takes as a feature map.

    A layout has one letter for every axis of `x` in its order; a map and a picture know theirs, and refuse another.

    Examples
    --------
    >>> feature_map_of([[[1, 2]]], "HWC").spatial
    (1, 1)
    """
    if knows_axes(x):
        known = x if isinstance(x, FeatureMap) else feature_map_of_picture(x)
        if layout is not None and parse_layout(layout) != known.layout:
            raise ShapeError(
                f"layout {layout} is not that of the input, which is {known.layout}", Phrase("drop {layout}")
            )
        return known
    return FeatureMap.from_array(as_array(x), layout)

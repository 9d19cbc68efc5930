"""The windows of a layer as a file: a page, an animation, one window, or the finished picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from poolcli.colors import usual_colormap
from poolcli.featuremap import SPATIAL, FeatureMap
from poolcli.pooling.layer import Pooling
from poolcli.render.animation.line import staged
from poolcli.render.animation.walk import Progress, still, walk
from poolcli.render.kinds import what_is_drawn
from poolcli.render.page import page
from poolcli.render.planes import called
from poolcli.window import times


def draw(
    feature_map: FeatureMap,
    layer: Pooling,
    kind: str,
    *,
    colormap: str | None = None,
    progress: Progress | None = None,
    named: bool = False,
    **options: Any,
) -> tuple[bytes, tuple[str, ...]]:
    """Draw the windows of a layer as a value of `poolcli.render.kinds.DRAWN_AS`, and say what was left out.

    Without a colour map it is the usual one for the map; if `named`, cells show their positions instead of numbers. The
    options are ``at``: the output cell to show; ``still``: the finished picture; ``fps``, ``frames``: for animations;
    ``zoom``: pixels per cell; ``exercise``: the page as a quiz. None and False mean not given, and one that does
    nothing for what is drawn is a `UsageError`.
    """
    what, feature_map = what_is_drawn(kind, options), called(feature_map)
    given = {name: value for name, value in options.items() if value is not None}
    at, zoom = given.get("at"), given.get("zoom")
    if what == "a page":
        exercise = bool(given.get("exercise"))
        return page(feature_map, layer, colormap=colormap, at=at, exercise=exercise, named=named), ()
    scene = staged(feature_map, layer, zoom, colormap or usual_colormap(feature_map.white), named)
    drawn_as: Any = kind
    if what == "an animation":
        pace = {name: given[name] for name in ("fps", "frames") if name in given}
        return walk(scene, "gif" if kind == "gif" else "apng", progress=progress, **pace)
    return still(replace(scene, finished=what == "the finished picture"), drawn_as, at)


def named_only(spatial: Sequence[int]) -> FeatureMap:
    """Return a placeholder map for a shape without data; draw it with `named`."""
    layout = SPATIAL[len(spatial) - 1]
    return FeatureMap(np.zeros(spatial), layout, name=f"any {times(spatial)}")

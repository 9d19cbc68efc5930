"""The page of ``compare``: the sides beside each other, what differs marked, and the reasons."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from poolcli.analysis.comparison import Variant, Variants
from poolcli.featuremap import FeatureMap
from poolcli.render.page import check_map, data_of, filled_page, flattened, layer_data, numbers, unknown_to_the_script
from poolcli.window import Axis
from poolcli.wording import safe

WITHOUT = Axis(1, range(1), range(1, 2))  # the axis that a line lacks


def comparison_page(before: FeatureMap, made: Variants, colormap: str = "viridis") -> bytes:
    """Make the page.

    Parameters
    ----------
    before : FeatureMap
        The input.
    made : Variants
        What was compared; the values are poolcli's, the arithmetic is the page's where its script knows the layer.
    colormap : str
        A name of `poolcli.colors.COLORMAPS`.

    Raises
    ------
    PoolcliError
        If the map is one that a page cannot show.
    """
    check_map(before)
    shown = [side for side in made.variants if side.values is not None and side.values.size]
    refused = [side for side in made.variants if side not in shown]
    said = {side.refusal for side in refused}
    data = {
        **data_of(before, colormap),
        "sides": [_side(before, made, side) for side in shown],
        "marked": made.marked,
        "reasons": [
            *(reason for reason in made.reasons if reason not in said),
            *(f"{side.label}: {side.refusal or 'no value'}" for side in refused),
        ],
        "says": f"The same input under {', '.join(side.label for side in made.variants)}.",
    }
    labels = ", ".join(side.label for side in made.variants)
    return filled_page("comparison", "Side by side", f"{labels} on {safe(before.name)}", data)


def _side(before: FeatureMap, made: Variants, side: Variant) -> dict[str, Any]:
    layer = side.step.layer(before.ndim)
    values, marks = (flattened(np.asarray(one), before.ndim) for one in (side.values, made.marks(side)))
    rows, columns = values.shape[-2:]
    axes = [WITHOUT] * (2 - before.ndim) + [*layer.plan(before.spatial)]
    return {
        "label": side.label,
        "rows": rows,
        "columns": columns,
        "values": [*map(numbers, values.reshape(-1, rows, columns))],
        "marks": [*map(numbers, marks.reshape(-1, rows, columns))] if made.marked else [],
        "axes": [*map(_axis, axes)],
        "layer": None if unknown_to_the_script(layer) else layer_data(layer, before.values.dtype, before.spatial),
    }


def _axis(axis: Axis) -> dict[str, Any]:
    return {**asdict(axis), "starts": [*axis.starts], "stops": [*axis.stops]}

"""The page of ``compare``: the sides side by side, with marked differences and their reasons."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np

from poolcli.analysis.comparison import Variant, Variants
from poolcli.errors import PoolcliError
from poolcli.featuremap import FeatureMap, named_planes
from poolcli.pooling.layer import Pooling
from poolcli.render.page import check_map, data_of, filled_page, layer_data, plane_numbers, scripted_layer
from poolcli.window import Axis
from poolcli.wording import safe

NO_AXIS = Axis(1, range(1), range(1, 2))  # the missing axis of a line


def comparison_page(before: FeatureMap, made: Variants, colormap: str | None = None) -> bytes:
    """Make the page with poolcli's values; the script writes the arithmetic of the layers that it knows."""
    check_map(before)
    shown = [side for side in made.variants if _has_values(side)]
    refused = [side for side in made.variants if not _has_values(side)]
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
    layers = [side.step.layer(before.ndim) for side in shown]
    return filled_page("comparison", "Side by side", f"{labels} on {safe(before.name)}", data, layers)


def _has_values(side: Variant) -> bool:
    return side.values is not None and side.values.size > 0


def _side(before: FeatureMap, made: Variants, side: Variant) -> dict[str, Any]:
    layer = side.step.layer(before.ndim)
    scripted = _scripted(before, layer)
    values, marks = ([plane for _, plane in named_planes(before, np.asarray(one))]
                     for one in (side.values, made.marks(side)))  # fmt: skip
    rows, columns = values[0].shape
    axes = [NO_AXIS] * (2 - before.ndim) + [*layer.plan(before.spatial)]
    return {
        "label": side.label,
        "rows": rows,
        "columns": columns,
        "values": [*map(plane_numbers, values)],
        "marks": [*map(plane_numbers, marks)] if made.marked else [],
        "axes": [{**asdict(axis), "starts": [*axis.starts], "stops": [*axis.stops]} for axis in axes],
        "layer": scripted and layer_data(scripted, before.values.dtype, before.spatial),
    }


def _scripted(before: FeatureMap, layer: Pooling) -> Pooling | None:
    """Return a layer for the page's script, or None if it cannot compute it."""
    try:
        return scripted_layer(before, layer)
    except PoolcliError:
        return None

"""The page of ``shift``: the input and the moved input, both pooled, and the changes."""

from __future__ import annotations

from poolcli.analysis.invariance import ROUNDING, ShiftReport
from poolcli.render.page import data_of, filled_page, layer_data, scripted_layer
from poolcli.render.planes import called
from poolcli.wording import safe


def shift_page(report: ShiftReport, colormap: str | None = None) -> bytes:
    """Make the page, which starts with the report; of random movements the reader can choose the measured ones."""
    feature_map, layer = called(report.feature_map), report.layer
    layer = scripted_layer(feature_map, layer)
    exact = feature_map.values.dtype.kind != "f"
    most = max(report.shifts, key=lambda shift: shift.before.changed)
    moves = [[shift.name, [0] * (2 - len(shift.by)) + [*shift.by]] for shift in report.shifts]
    data = {
        **data_of(feature_map, colormap),
        "layer": layer_data(layer, feature_map.values.dtype, feature_map.spatial),
        "moves": None if report.seed is None else moves,
        "way": most.name,
        "by": report.by,
        "edge": report.edge,
        "rounding": [0 if exact else 1, ROUNDING[8 if exact else feature_map.values.dtype.itemsize]],
        "verdict": report.verdict,
    }
    return filled_page(
        "shift", "Translation invariance", f"{safe(feature_map.name)}: translation invariance", data, [layer]
    )

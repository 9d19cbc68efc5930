"""What a package needs that brings modes, filters or formats of its own.

Entry points in the groups ``poolcli.modes``, ``poolcli.filters`` and ``poolcli.formats`` lead to a `Mode`, `Filter` or
a `Format` each.
"""

from __future__ import annotations

from poolcli.featuremap import FeatureMap
from poolcli.formats.options import Account, ReadOptions, WriteOptions
from poolcli.formats.registry import Format
from poolcli.pooling.filters import Filter
from poolcli.pooling.modes import MAX, MIN, SUM, Mode, NumpyCode, Parameter, Reduction

__all__ = [
    "MAX", "MIN", "SUM", "Account", "FeatureMap", "Filter", "Format", "Mode", "NumpyCode", "Parameter", "ReadOptions",
    "Reduction", "WriteOptions",
]  # fmt: skip

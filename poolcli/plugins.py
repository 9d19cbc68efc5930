"""The classes for packages that add modes, filters or formats.

Each entry point in the groups ``poolcli.modes``, ``poolcli.filters`` and ``poolcli.formats`` leads to a `Mode`, a
`Filter` or a `Format`.
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

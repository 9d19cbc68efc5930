"""The format: a line for each cell with its row, its column and its value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from poolcli.errors import InputError, ShapeError
from poolcli.plugins import FeatureMap, ReadOptions, WriteOptions


def read(data: bytes, name: str, options: ReadOptions, kind: str) -> FeatureMap:
    """Read points in any order; every cell has to be there."""
    try:
        points = [line.split() for line in data.decode().splitlines() if line.strip()]
        values = {(int(row), int(column)): float(value) for row, column, value in points}
    except ValueError as problem:
        raise InputError(f"{name}: {problem}", "write a row, a column and a value in each line") from None
    height, width = (max(place[axis] for place in values) + 1 for axis in (0, 1))
    if len(values) != height * width:
        raise InputError(f"{name} has {len(values)} points, but a {height}x{width} map has {height * width}")
    array = np.array([values[row, column] for row in range(height) for column in range(width)])
    return FeatureMap.from_array(array.reshape(height, width), options.layout, name=name)


def write(feature_map: FeatureMap, options: WriteOptions, kind: str) -> Iterator[bytes]:
    """Check everything before the first bytes."""
    if feature_map.array.ndim != 2:
        raise ShapeError(f"{kind} holds two axes, not {feature_map.array.ndim}", "use --format npy")
    return (b"%d %d %r\n" % (*place, float(value)) for place, value in np.ndenumerate(feature_map.array))

"""The format: a line for each cell with its row, its column and its value."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from poolcli.errors import InputError, ShapeError
from poolcli.plugins import FeatureMap, Format, ReadOptions, WriteOptions


class Points(Format):
    """A family of formats: how to read and write it."""

    def read(self, data: bytes, name: str, options: ReadOptions) -> FeatureMap:
        """Read points in any order; every cell has to be there."""
        try:
            points = [line.split() for line in data.decode().splitlines() if line.strip()]
            values = {(int(row), int(column)): float(value) for row, column, value in points}
        except ValueError as problem:
            raise InputError(f"{name}: {problem}", "write a row, a column and a value in each line") from None
        height, width = (max(place[axis] for place in values) + 1 for axis in (0, 1))
        if len(values) != height * width:
            what = f"{name} has {len(values)} points, but a {height}x{width} map has {height * width}"
            raise InputError(what, "give one point for each cell")
        array = np.array([values[row, column] for row in range(height) for column in range(width)])
        return FeatureMap.from_array(array.reshape(height, width), options.layout, name=name)

    def write(self, feature_map: FeatureMap, options: WriteOptions) -> Iterator[bytes]:
        """Check everything before the first bytes."""
        if feature_map.array.ndim != 2:
            raise ShapeError(f"{self.name} holds two axes, not {feature_map.array.ndim}", "use --format npy")
        return (b"%d %d %r\n" % (*place, float(value)) for place, value in np.ndenumerate(feature_map.array))


XYZ = Points("xyz", (".xyz", ".pts"), "Points in lines: row, column, value.")

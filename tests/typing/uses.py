"""What a user's type checker sees of poolcli: it runs as it stands, and ``mypy --strict`` accepts it as it stands.

The comments that ignore an error prove that poolcli is typed: for an untyped package they would be errors themselves.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, assert_type

import numpy as np
from numpy.typing import NDArray

import poolcli
from poolcli import FeatureMap, PoolcliError, conv, grad, pool, read, relu, unpool, write
from poolcli.plugins import MAX, MIN, Filter, Format, Mode, ReadOptions, WriteOptions

x = np.arange(16.0).reshape(4, 4)

assert_type(poolcli.__version__, str)
assert_type(pool(x), NDArray[Any])
assert_type(pool(x, "avg", (2, 2), stride=1, padding="same", count_include_pad=True), NDArray[Any])
assert_type(conv(x, "sobel-x"), NDArray[Any])
assert_type(relu(conv(x, [[0, 1], [-1, 0]])), NDArray[Any])
assert_type(grad(x, mode="avg"), NDArray[Any])

values, indices = pool(x, return_indices=True)
assert_type(indices, NDArray[np.int64])
assert_type(unpool(values, indices, (4, 4)), NDArray[Any])

target = Path(tempfile.mkdtemp()) / "tiny.csv"
assert_type(write(FeatureMap.from_array(x), target), None)
assert_type(read(target), FeatureMap)
assert_type(read(target).values, NDArray[Any])

try:
    pool(x, "maxx")
except PoolcliError as problem:
    assert_type(problem.hint, str)


def halfway(high: NDArray[Any], low: NDArray[Any], *_: object) -> NDArray[Any]:
    middle: NDArray[Any] = (high + low) / 2
    return middle


MIDRANGE = Mode("midrange", "(max(x) + min(x)) / 2", (MAX, MIN), halfway)
CROSS = Filter("cross", ((0, 1, 0), (1, 1, 1), (0, 1, 0)), 5, "average of the four neighbours", "this example")


class Points(Format):
    def read(self, data: bytes, name: str, options: ReadOptions) -> FeatureMap:
        return FeatureMap.from_array(np.loadtxt(BytesIO(data)), options.layout, name=name)

    def write(self, feature_map: FeatureMap, options: WriteOptions) -> Iterator[bytes]:
        return (b"%r\n" % float(value) for value in feature_map.array.flat)


XYZ = Points("xyz", (".xyz",), "Points in lines.")

if __name__ == "never":  # wrong, and seen to be wrong
    pool(x, size="2")  # type: ignore[arg-type]
    pool(x, sise=2)  # type: ignore[call-overload]
    read(3)  # type: ignore[arg-type]
    Filter("cross", ((0.5,),), 1, "", "")  # type: ignore[arg-type]

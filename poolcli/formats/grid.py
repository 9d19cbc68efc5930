"""ESRI ASCII grids (``.asc``): a map of numbers, and where its cells lie on Earth.

Source: the documentation of GDAL's driver AAIGrid, and Esri's of the format: six lines of a word and a number (the
corner or the centre of the lower left cell, ``dx`` and ``dy`` in place of ``cellsize``), then the rows from north
to south.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import InputError, ShapeError
from poolcli.featuremap import FeatureMap
from poolcli.formats import delimited
from poolcli.formats.missing import without_missing
from poolcli.formats.options import ANYWHERE, ReadOptions
from poolcli.formats.text import utf8
from poolcli.window import Window

HEADER_LINE = re.compile(rb"[ \t]*([A-Za-z_]+)[ \t]+([^ \t\r\n]+)[ \t]*(?:\r\n|\n|\r)")
KEYS = ("ncols", "nrows", "xllcorner", "yllcorner", "xllcenter", "yllcenter", "cellsize", "dx", "dy", "nodata_value")
UNMOVED = ("relu", "normalize")  # steps that move no cell
WITH_WINDOWS = ("pool", "conv")
PLACING = ("size", "stride", "padding", "dilation", "ceil_mode")  # what of their records says where windows lie
NODATA = -9999.0
NO_HEIGHT = 1e30  # more than any height or amount
FARTHEST = 1e100  # more than any position or length, in any unit


def read(data: bytes, name: str, options: ReadOptions) -> FeatureMap:
    """Read a grid, with NaN for the NODATA_value of its header."""
    text, _ = utf8(data, name)
    head, start, lines = _header(text, name)
    shape = _count(head, "nrows", name), _count(head, "ncols", name)
    cell = _cell(head, name)
    rows = [row for row in text[start:].splitlines() if row.strip() and not row.lstrip().startswith(b"#")]
    body = text[start:] if all(len(row.split()) == shape[1] for row in rows) else b" ".join(rows)
    decimal = "," if b"," in text[:start] else options.decimal  # the header has numbers too
    plain = options._replace(delimiter="blanks", decimal=decimal, header="no", layout=None, skip=lines, columns=None,
                    missing=None)  # fmt: skip
    found = delimited.read(b"\n" * lines + body, name, plain, "txt")
    if found.values.size != math.prod(shape):
        raise InputError(
            f"{name}: the header promises {shape[0]}x{shape[1]} numbers, but {found.values.size} are there",
            "get the file again",
        )
    nodata = head.get("nodata_value")
    half = (cell or 0) / 2
    x, y = (head.get(f"{axis}llcorner", head.get(f"{axis}llcenter", half) - half) for axis in "xy")
    grid = {"x": x, "y": y, "cell": cell, "shape": list(shape), "nodata": nodata}
    notes = (f"dtype {found.values.dtype}",)
    feature_map = FeatureMap.from_array(
        found.values.reshape(shape), options.layout, name=name, notes=notes, origin={"grid": grid}
    )
    return without_missing(feature_map, _none_known(found.values, nodata), "NODATA_value of the file", said=True)


def _none_known(values: NDArray[Any], nodata: float | None) -> tuple[float, ...]:
    """Return the numbers that mean no value: for a huge one, all that round to the same float32.

    Many programs use the smallest float32, and write it with 6 to 17 digits.
    """
    if nodata is None or not NO_HEIGHT <= abs(nodata) < math.inf:
        return () if nodata is None else (nodata,)
    with np.errstate(over="ignore"):
        near = values.astype(np.float32) == np.float32(nodata)
    return (nodata, *np.unique(values[near]).tolist())


def _header(text: bytes, name: str) -> tuple[dict[str, float], int, int]:
    """Return the contents of the header, where the rows begin, and its number of lines."""
    found: dict[str, float] = {}
    start = lines = 0
    while match := HEADER_LINE.match(text, start):
        key = match[1].decode().lower()
        if key not in KEYS or key in found:
            break
        try:
            found[key] = float(match[2].replace(b",", b"."))
            if key != "nodata_value" and not abs(found[key]) <= FARTHEST:
                raise ValueError
        except ValueError:
            raise InputError(f"{name}: {key} is not a number", "correct the header") from None
        start, lines = match.end(), lines + 1
    if not found:
        raise InputError(f"{name}: not an ESRI grid: its first line is not ncols and a number", "name it .txt or .csv")
    return found, start, lines


def _count(head: Mapping[str, float], key: str, name: str) -> int:
    value = head.get(key)
    if value is None or value != int(value) or value < 1:
        raise InputError(f"{name}: the header needs {key} of at least 1", "correct the header")
    return int(value)


def _cell(head: Mapping[str, float], name: str) -> float | None:
    """Return the side of a cell; None if cells are not square."""
    sides = [head[key] for key in ("cellsize", "dx", "dy") if key in head]
    if not sides or not all(0 < side < math.inf for side in sides):
        raise InputError(f"{name}: the header needs a cellsize above 0", "correct the header")
    return sides[0] if len(set(sides)) == 1 else None


def write(feature_map: FeatureMap) -> Iterator[bytes]:
    """Write a grid: the upper left corner stays, the cells grow with the strides."""
    array = feature_map.array
    if array.ndim != 2:
        raise ShapeError(f"a grid is one map, but the result is {feature_map.layout}", ANYWHERE)
    if np.isinf(array).any():
        raise ShapeError("a grid cannot hold infinity, but the result has one", ANYWHERE)
    grid = _moved(feature_map)
    nodata = grid["nodata"]
    missing = np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.shape, bool)
    if nodata is None or not math.isfinite(nodata):
        nodata = NODATA if missing.any() else None
    if nodata is not None and (array[~missing] == nodata).any():
        raise ShapeError(f"{nodata:g} stands for a missing value in a grid, but it is a number in the result", ANYWHERE)
    lines = [("ncols", array.shape[1]), ("nrows", array.shape[0]), ("xllcorner", grid["x"]), ("yllcorner", grid["y"]),
             ("cellsize", grid["cell"]), *([("NODATA_value", nodata)] if nodata is not None else [])]  # fmt: skip
    head = "".join(f"{key:<14}{_plain(value)}\n" for key, value in lines).encode()
    return chain([head], delimited.band_bytes(np.where(missing, nodata, array) if missing.any() else array, b" "))


def _plain(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(float(value))


def _moved(feature_map: FeatureMap) -> dict[str, Any]:
    """Return the position of the result on Earth."""
    grid = feature_map.origin.get("grid")
    if grid is None:
        return {"x": 0.0, "y": 0.0, "cell": 1.0, "nodata": None}
    left, cell = grid["x"], grid["cell"]
    if cell is None:
        raise ShapeError("the cells of this grid are not square, but an ESRI grid needs square ones", ANYWHERE)
    shape = grid["shape"]
    top = grid["y"] + shape[0] * cell
    for step in feature_map.steps:
        if step["step"] in UNMOVED:
            continue
        if step["step"] not in WITH_WINDOWS or "size" not in step:
            raise ShapeError(f"the cells of a grid do not stay a grid after this {step['step']}", ANYWHERE)
        window = Window.of(2, **{name: step[name] for name in PLACING if name in step})
        down, across = window.stride
        if down != across:
            raise ShapeError(f"the cells of a grid are square, but the strides are {down} and {across}", ANYWHERE)
        rows, columns = ((axis.starts[0] + axis.stops[0] - across) / 2 for axis in window.plan(shape))
        left += columns * cell  # a cell has the same centre as its window
        top -= rows * cell
        cell *= across
        shape = step["shape"]
    return {"x": left, "y": top - shape[0] * cell, "cell": cell, "nodata": grid["nodata"]}

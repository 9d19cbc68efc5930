"""The .npy reader: every lie in a header is found out, and nothing is ever unpickled."""

from __future__ import annotations

import io
import math
import os
import pickle
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolcli.errors import InputError, PoolcliError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.formats import decode, encode
from poolcli.formats.options import ReadOptions, WriteOptions
from tests.support import drawn

TYPES = ["?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8"]


def saved(array: Any, version: tuple[int, int] | None = None) -> bytes:
    """The bytes that numpy itself writes."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asanyarray(array), version)
    return file.getvalue()


def with_header(text: str, body: bytes = bytes(48), version: int = 1) -> bytes:
    header = text.encode("utf-8" if version == 3 else "latin-1")
    length = struct.pack("<H" if version == 1 else "<I", len(header))
    return b"\x93NUMPY" + bytes((version, 0)) + length + header + body


def read(data: bytes, **options: Any) -> FeatureMap:
    return decode(data, "x.npy", ReadOptions(**options))


def written(feature_map: FeatureMap) -> bytes:
    return b"".join(encode(feature_map, WriteOptions(format="npy")))


def refused(data: bytes, kind: type[PoolcliError] = InputError) -> str:
    with pytest.raises(kind) as caught:
        read(data)
    assert caught.value.exit_code == 1
    return caught.value.message


GRID = np.arange(6).reshape(2, 3)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(
    drawn.by(lambda draw: drawn.array(draw, draw.choice("<>") + draw.choice(TYPES), drawn.shape(draw, 1, 5, 4))),
    st.sampled_from([(1, 0), (2, 0), (3, 0)]),
    st.booleans(),
)
def test_every_array_that_numpy_saves(array: np.ndarray[Any, Any], version: tuple[int, int], fortran: bool) -> None:
    feature_map = read(saved(np.asfortranarray(array) if fortran else array, version))
    assert feature_map.values.dtype == array.dtype.newbyteorder("=")
    assert feature_map.values.dtype.isnative
    np.testing.assert_array_equal(feature_map.array, array)
    text = written(feature_map)
    again = np.load(io.BytesIO(text), allow_pickle=False)
    assert again.dtype == feature_map.values.dtype
    np.testing.assert_array_equal(again, array)
    assert text == saved(np.ascontiguousarray(again))


def test_the_numbers_stay_where_they_were_read() -> None:
    data = saved(np.zeros((100, 100)))
    values = read(data).values
    assert np.shares_memory(values, np.frombuffer(data, np.uint8))


@pytest.mark.parametrize(
    ("options", "layout", "shape"),
    [({}, "CHW", (1, 2, 3)), ({"channels_last": True}, "HWC", (3, 1, 2)), ({"layout": "NCL"}, "NCL", (1, 2, 3))],
)
def test_layouts(options: dict[str, Any], layout: str, shape: tuple[int, ...]) -> None:
    feature_map = read(saved(GRID[None]), **options)
    assert (feature_map.layout, feature_map.values.shape) == (layout, shape)
    assert "dtype int64 (from the file)" in feature_map.notes


def test_a_layout_that_does_not_fit() -> None:
    with pytest.raises(UsageError):
        read(saved(GRID), layout="CHW")


GOOD = "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 3)}"


def test_a_header_of_odd_length_is_no_hindrance() -> None:
    body = GRID.astype("<i8").tobytes()
    for pad in range(8):
        values = read(with_header(GOOD + " " * pad + "\n", body)).values
        assert values.flags.aligned
        np.testing.assert_array_equal(values, GRID)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"\x93NUMPY", "not an .npy file"),
        (b"\x93NUMPY\x01", "not an .npy file"),
        (b"\x93NUMPY\x04\0\0\0", "version 4.0 is unknown"),
        (b"\x93NUMPY\x01\x01\0\0", "version 1.1 is unknown"),
        (b"\x93NUMPY\x01\0\x50", "ends within its header"),
        (saved(GRID)[:60], "ends within its header"),
        (b"\x93NUMPY\x02\0\xff\xff\xff\xff", "header of 4294967295 bytes cannot be right"),
        (saved(GRID)[:-1], "the header promises 48 bytes of numbers, but 47 are there"),
        (saved(GRID) + b"\0", "the header promises 48 bytes of numbers, but 49 are there"),
        (saved(GRID) + saved(GRID), "header promises 48 bytes"),
        (saved(np.int64(5)), "a single number without axes"),
        (saved(np.zeros((2, 0))), "holds no numbers, its shape is (2, 0)"),
        (saved(np.array([1j])), "holds complex numbers"),
        (saved(np.array(["a"])), "holds text"),
        (saved(np.array([b"a"])), "holds bytes"),
        (saved(np.zeros(2, "V3")), "holds records"),
        (saved(np.zeros(2, [("a", "i4")])), "holds records"),
        (saved(np.zeros(2, "M8[s]")), "holds dates"),
        (saved(np.zeros(2, "m8[s]")), "holds durations"),
        (saved(np.zeros(2, np.longdouble)), "wider than 64 bits"),
        (with_header(GOOD.replace("(2, 3)", "(2, -3)")), "the shape (2, -3) in the .npy header is not a shape"),
        (with_header(GOOD.replace("(2, 3)", "[2, 3]")), "is not a shape"),
        (with_header(GOOD.replace("(2, 3)", "(2, True)")), "is not a shape"),
        (with_header(GOOD.replace("(2, 3)", "(2.0, 3)")), "is not a shape"),
        (with_header(GOOD.replace("(2, 3)", "6")), "is not a shape"),
        (with_header(GOOD.replace("(2, 3)", "(10**9, 3)")), "header is damaged"),
        (with_header(GOOD.replace("(2, 3)", "(99999999999999999999, 99999999999)")), "bytes of numbers, but"),
        (with_header(GOOD.replace("(2, 3)", str((1,) * 65)), bytes(8)), "65 axes are too many"),
        (with_header(GOOD.replace("descr", "dtype")), "does not have the keys descr, fortran_order, shape"),
        (with_header(GOOD.replace("}", ", 'x': 1}")), "does not have the keys"),
        (with_header(GOOD.replace("False", "0")), "does not have the keys"),
        (with_header("5"), "does not have the keys"),
        (with_header(GOOD.replace("<i8", "<i9")), "the type '<i9' in the .npy header is unknown"),
        (with_header(GOOD.replace("<i8", "spam")), "the type 'spam' in the .npy header is unknown"),
        (with_header(GOOD.replace("'<i8'", "7")), "holds records"),
        (with_header(GOOD.replace("<i8", "|O")), "holds Python objects"),
        (with_header(GOOD.replace("{", "(")), "header is damaged"),
        (with_header("{" * 5000), "header is damaged"),
        (with_header("'\\d'" + GOOD), "header is damaged"),
        (with_header("{[]: 1}"), "header is damaged"),
        (with_header(""), "header is damaged"),
        (with_header("__import__('os').abort()"), "header is damaged"),
        (with_header("\xff\xfe", version=1), "header is damaged"),
        (with_header(GOOD, version=3)[:12] + b"\xff\xfe" + with_header(GOOD, version=3)[14:], "header is damaged"),
        (with_header(GOOD.replace("<i8", "|b1"), b"\0\1\0\1\0\2"), "a boolean is neither 0 nor 1"),
    ],
)  # fmt: skip
def test_lies_and_accidents(data: bytes, message: str) -> None:
    assert message in refused(data)


class Bomb:
    def __reduce__(self) -> Any:
        return os.abort, ()


def test_objects_are_never_unpickled() -> None:
    """Unpickling this would end the process."""
    data = with_header("{'descr': '|O', 'fortran_order': False, 'shape': (1,)}", pickle.dumps([Bomb()]))
    assert "holds Python objects" in refused(data)


def test_truncation_at_every_byte() -> None:
    data = saved(GRID)
    for length in range(8, len(data)):
        assert refused(data[:length])


@settings(max_examples=400, deadline=None)
@given(st.integers(0, 127 + 48), st.integers(1, 255))
def test_a_flipped_bit_gives_numbers_or_an_error(at: int, flip: int) -> None:
    data = bytearray(saved(GRID))
    data[at] ^= flip
    try:
        values = decode(bytes(data), "x.npy").values
    except PoolcliError:
        return
    assert values.size == math.prod(values.shape) > 0

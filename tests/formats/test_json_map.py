"""JSON between steps: nothing lost on the way, and every lie and accident has its place."""

from __future__ import annotations

import json
import math
import re
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poolcli.errors import InputError, NumberRangeError, PoolcliError, ShapeError
from poolcli.featuremap import FeatureMap
from poolcli.formats import decode, encode
from poolcli.formats import json_map as jsonmap
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.system.portable import shell_word
from tests.support import drawn
from tests.support.hints import told, typed


def read(text: str | bytes, **options: Any) -> FeatureMap:
    data = text.encode() if isinstance(text, str) else text
    return decode(data, "data.json", ReadOptions(**options))


def written(feature_map: FeatureMap) -> bytes:
    return b"".join(encode(feature_map, WriteOptions(format="json")))


def refused(text: str | bytes, kind: type[PoolcliError] = InputError) -> PoolcliError:
    with pytest.raises(kind) as caught:
        read(text)
    return caught.value


# --- what is read


@pytest.mark.parametrize(
    ("text", "values", "dtype", "layout"),
    [
        ("[[1,2],[3,4]]", [[1, 2], [3, 4]], "int64", "HW"),
        ("[1, 2, 3]", [1, 2, 3], "int64", "L"),
        ("[5]", [5], "int64", "L"),
        (" [ [ 1 ] ,\r\n\t[ 2 ] ] \n", [[1], [2]], "int64", "HW"),
        ("\ufeff[[1]]", [[1]], "int64", "HW"),
        ("[[[1,2]],[[3,4]]]", [[[1, 2]], [[3, 4]]], "int64", "CHW"),
        ("[[[[1]]],[[[2]]]]", [[[[1]]], [[[2]]]], "int64", "NCHW"),
        ("[[1,2.0]]", [[1, 2]], "float64", "HW"),
        ("[[1,null]]", [[1, math.nan]], "float64", "HW"),
        ("[null]", [math.nan], "float64", "L"),
        ("[NaN,Infinity,-Infinity]", [math.nan, math.inf, -math.inf], "float64", "L"),
        ("[1e999,-1e999,1E400]", [math.inf, -math.inf, math.inf], "float64", "L"),
        ("[1e-999]", [0], "float64", "L"),
        ("[-0.0,1E5,1e+2,0.5e-1]", [-0.0, 1e5, 100, 0.05], "float64", "L"),
        ("[9223372036854775807,-9223372036854775808]", [2**63 - 1, -(2**63)], "int64", "L"),
        ("[18446744073709551615,0]", [2**64 - 1, 0], "uint64", "L"),
        ('{"data":[[1,2]]}', [[1, 2]], "int64", "HW"),
        ('{"layout":"l","data":[1,2]}', [1, 2], "int64", "L"),
        ('{"data":[1,2],"dtype":"uint8","shape":[2],"steps":null,"layout":null,"white":null}', [1, 2], "uint8", "L"),
        ('{"data":[0.1,1e999,null],"dtype":"float32"}', [np.float32(0.1), math.inf, math.nan], "float32", "L"),
        ('{"data":[65504,0.5],"dtype":"float16"}', [65504, 0.5], "float16", "L"),
        ('{"data":[1,0],"dtype":"bool"}', [1, 0], "bool", "L"),
        ('{"data":[1.0,-2.0],"dtype":"int8"}', [1, -2], "int8", "L"),
        ('{"data":[18446744073709551615],"dtype":"uint64"}', [2**64 - 1], "uint64", "L"),
        ('{"data":[5],"dtype":"uint64"}', [5], "uint64", "L"),
        ('{"data":[9007199254740993],"dtype":"int64"}', [2**53 + 1], "int64", "L"),
        ('{"data":[16777216],"dtype":"float32"}', [2**24], "float32", "L"),
        ('{"d\\u0061ta":[1]}', [1], "int64", "L"),
    ],
)  # fmt: skip
def test_what_is_read(text: str, values: Any, dtype: str, layout: str) -> None:
    feature_map = read(text)
    assert feature_map.values.dtype == dtype
    assert feature_map.layout == layout
    np.testing.assert_array_equal(feature_map.values, np.array(values, dtype))


def test_zero_keeps_its_sign() -> None:
    assert math.copysign(1, read("[-0.0]").values[0]) == -1


@pytest.mark.parametrize("encoding", ["utf-16", "utf-32"])
def test_what_powershell_writes(encoding: str) -> None:
    assert read("[[1,2]]".encode(encoding)).values.tolist() == [[1, 2]]


def test_the_whole_object() -> None:
    text = (
        '{"shape":[2,2],"layout":"HW","dtype":"int64","data":[[6,9],[5,8]],'
        '"steps":[{"step":"pool","mode":"max","size":[2,2],"stride":[2,2],"shape":[2,2]}],'
        '"indices":[[5,3],[13,10]],"unpool":{"shape":[4,4]},"white":255,'
        '"author":"Zoë","deep":{"a":[1,2.5,null,true,"x",1e999,1180591620717411303424]}}'
    )
    feature_map = read(text)
    assert feature_map.steps == ({"step": "pool", "mode": "max", "size": [2, 2], "stride": [2, 2], "shape": [2, 2]},)
    assert feature_map.indices is not None
    assert feature_map.indices.tolist() == [[5, 3], [13, 10]]
    assert feature_map.unpool == {"shape": [4, 4]}
    assert feature_map.white == 255
    assert dict(feature_map.extra) == {"author": "Zoë", "deep": {"a": [1, 2.5, None, True, "x", math.inf, 2**70]}}
    assert written(feature_map).decode() == text.replace('"white":255,', '"white":255.0,') + "\n"


def test_the_layout_of_the_file_and_of_the_option() -> None:
    text = '{"data":[[[1,2,3]]],"layout":"HWC","indices":[[[4,5,6]]]}'
    from_file = read(text)
    assert (from_file.layout, from_file.values.shape) == ("HWC", (3, 1, 1))
    assert from_file.indices is not None
    assert from_file.indices.ravel().tolist() == [4, 5, 6]
    assert from_file.indices.shape == (3, 1, 1)
    assert read(text, layout="CHW").values.shape == (1, 1, 3)
    assert read("[[[[1,2,3]]]]", channels_last=True).layout == "NHWC"
    assert json.loads(written(from_file))["data"] == [[[1, 2, 3]]]


@pytest.mark.parametrize(
    ("text", "options", "notes"),
    [
        ("[1]", {}, ["dtype int64", "layout L (by the number of axes)"]),
        ('{"data":[1],"layout":"l","dtype":"int8"}', {}, ["dtype int8 (from the file)", "layout L (from the file)"]),
        ('{"data":[1],"layout":"L"}', {"layout": "L"}, ["dtype int64"]),
    ],
)
def test_notes(text: str, options: dict[str, Any], notes: list[str]) -> None:
    assert list(read(text, **options).notes) == ["format json", *notes]


# --- what is refused, with the place


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[[1,2],[3]]", "line 1, column 8: a list of 1 number, expected 2"),
        ("[[1,2],\n [3,4,5]]", "line 2, column 2: a list of 3 numbers, expected 2"),
        ("[[[1],[2]],[[3]]]", "line 1, column 12: a list of 1 list, expected 2"),
        ("[[1,2],3]", "line 1, column 8: a number among lists"),
        ("[1,[2]]", "line 1, column 4: a list among numbers"),
        ("[[1],[[2]]]", "line 1, column 7: a list among numbers"),
        ("[]", "line 1, column 1: an empty list"),
        ("[[],[]]", "line 1, column 2: an empty list"),
        ("[[1],[]]", "line 1, column 6: an empty list"),
        ('{"data":[]}', "line 1, column 9: an empty list"),
        ('{"data":[],"shape":[2,3]}', "line 1, column 9: an empty list"),
        ('{"data":[],"shape":[0,"x"]}', "line 1, column 9: an empty list"),
        ('{"data":[],"shape":[0,-1]}', "line 1, column 9: an empty list"),
        ('{"data":[1],"indices":[],"shape":[1]}', "indices are [0], but data are [1]"),
        ('[1,"2"]', "line 1, column 4: the text '\"2\"' among the numbers"),
        ('["é",\n"2"]', "line 1, column 2: the text '\"é\"' among the numbers"),
        ("[1,true]", "line 1, column 4: true is not a number"),
        ("[false]", "line 1, column 2: false is not a number"),
        ("[1,{}]", "line 1, column 4: '{' among the numbers"),
        ('[1,{"a":2}]', "line 1, column 4: '{' among the numbers"),
        ("[1:2]", "line 1, column 3: ':' among the numbers"),
        ("[1}", "line 1, column 3: '}' among the numbers"),
        ("[1 2]", "line 1, column 4: '2' where a comma or ] should be"),
        ("[[1][2]]", "line 1, column 5: a list where a comma or ] should be"),
        ("[1[,]2]", "line 1, column 3: a list where a comma or ] should be"),
        ("[1 [,] 2]", "line 1, column 4: a list where a comma or ] should be"),
        ("[,1]", "line 1, column 2: a comma without a value before it"),
        ("[1,,2]", "line 1, column 4: a comma without a value before it"),
        ("[1,]", "line 1, column 4: a comma before ]"),
        ("[[1],]", "line 1, column 6: a comma before ]"),
        ("[1,2", "line 1, column 5: the JSON text ends too early"),
        ("[[1,2],\n[3", "line 2, column 3: the JSON text ends too early"),
        ('{"data":[1]', "line 1, column 12: the JSON text ends too early"),
        ('{"data"', "line 1, column 8: the JSON text ends too early"),
        ('{"da', "line 1, column 2: a string that is not closed"),
        ('{"data":[1],"x":"a\nb"}', "line 1, column 17: a string that is not closed, or contains a line break"),
        ("[1] [2]", "line 1, column 5: a second JSON document"),
        ('{"data":[1]}\n{"data":[2]}', "line 2, column 1: a second JSON document"),
        ("[1]\n[2]\n", "line 2, column 1: a second JSON document"),
        ("[1]]", "line 1, column 4: text after the end"),
        ("[1] x", "line 1, column 5: text after the end"),
        ("[1],", "line 1, column 4: text after the end"),
        ("5", "line 1, column 1: '5' is neither a list nor an object"),
        ('"x"', "line 1, column 1: '\"x\"' is neither a list nor an object"),
        ("[01]", "line 1, column 3: '1' where a comma or ] should be"),
        ("[.5]", "line 1, column 2: '.5' is not valid JSON"),
        ("[5.]", "line 1, column 3: '.' is not valid JSON"),
        ("[+5]", "line 1, column 2: '+5' is not valid JSON"),
        ("[1e]", "line 1, column 3: 'e' is not valid JSON"),
        ("[0x10]", "line 1, column 3: 'x10' is not valid JSON"),
        ("[1_000]", "line 1, column 3: '_000' is not valid JSON"),
        ("[nul]", "line 1, column 2: 'nul' is not valid JSON"),
        ("[nan]", "line 1, column 2: 'nan' is not valid JSON"),
        ("['1']", "line 1, column 2: \"'1'\" is not valid JSON"),
        ("[1] // note", "line 1, column 5: text after the end"),
        ("[\x1b[31m]", r"line 1, column 2: '\x1b[31m' is not valid JSON"),
        ("{}", 'the key "data" is missing'),
        ('{"shape":[1]}', 'the key "data" is missing'),
        ('{"data":5}', 'the value of "data" is not a list of numbers'),
        ('{"data":null}', 'the value of "data" is not a list of numbers'),
        ('{"data":{"data":[1]}}', 'the value of "data" is not a list of numbers'),
        ('{"data":[1],"data":[2]}', "line 1, column 13: the key 'data' is given twice"),
        ('{"data":[1],"x":1,"x":1}', "line 1, column 19: the key 'x' is given twice"),
        ('{"data":[1],"x":{"y":1,"y":2}}', "line 1, column 24: the key 'y' is given twice"),
        ('{"data":[1],"d\\u0061ta":[2]}', "line 1, column 13: the key 'data' is given twice"),
        ('{"data":[1],}', "line 1, column 13: '}' where a key in quotes should be"),
        ('{,"data":[1]}', "line 1, column 2: ',' where a key in quotes should be"),
        ("{data:[1]}", "line 1, column 2: 'data:[1' is not valid JSON"),
        ('{"data" [1]}', "line 1, column 9: '[' where : should come after a key"),
        ('{"data":[1] "x":1}', "line 1, column 13: '\"x\"' where , or } should come after a value"),
        ('{"data":[1],"x":[1 2]}', "line 1, column 20: '2' where , or ] should come after a value"),
        ('{"data":[1],"x":[1,]}', "line 1, column 20: ']' where a value should be"),
        ('{"data":[1],"x":}', "line 1, column 17: '}' where a value should be"),
        ('{"data":[1],"x":"\\ud800"}', "line 1, column 17: a string that is not valid JSON"),
        ('{"data":[1],"x":"\\q"}', "line 1, column 17: a string that is not valid JSON"),
        ('{"data":[1],"x":' + "9" * 4001 + "}", "line 1, column 17: an integer of 4001 digits"),
        ("[" * 100_000, "line 1, column 65: more than 64 lists inside each other"),
        ("[" * 65 + "1" + "]" * 65, "line 1, column 65: more than 64 lists inside each other"),
        ('{"a":' * 100_000, "line 1, column 506: nested more than 100 deep"),
        ('{"x":' + "[" * 100_000, "line 1, column 106: nested more than 100 deep"),
        ('{"data":[1,2],"shape":[3]}', "shape says [3], but data are [2]"),
        ('{"data":[1,2],"shape":[1,2]}', "shape says [1, 2], but data are [2]"),
        ('{"data":[1,2],"shape":2}', "shape says 2, but data are [2]"),
        ('{"data":[1,2],"dtype":"complex64"}', "dtype 'complex64' is unknown"),
        ('{"data":[1,2],"dtype":7}', "dtype 7 is unknown"),
        ('{"data":[1,2],"dtype":["a"]}', "dtype ['a'] is unknown"),
        ('{"data":[[1,\n300]],"dtype":"uint8"}', "line 2, column 1: 300 does not fit dtype uint8"),
        ('{"data":[1,-1],"dtype":"uint64"}', "line 1, column 12: -1 does not fit dtype uint64"),
        ('{"data":[1,2],"dtype":"bool"}', "line 1, column 12: 2 does not fit dtype bool"),
        ('{"data":[1,1.5],"dtype":"int32"}', "line 1, column 12: 1.5 does not fit dtype int32"),
        ('{"data":[1,null],"dtype":"int32"}', "line 1, column 12: nan does not fit dtype int32"),
        ('{"data":[1.5,1e19],"dtype":"float16"}', "line 1, column 14: 1e+19 does not fit dtype float16"),
        ('{"data":[1e39],"dtype":"float32"}', "line 1, column 10: 1e+39 does not fit dtype float32"),
        ('{"data":[9223372036854775808.0],"dtype":"int64"}', "line 1, column 10: 9.223372036854776e+18 does not fit"),
        ('{"data":[1e300],"dtype":"uint64"}', "line 1, column 10: 1e+300 does not fit dtype uint64"),
        ('{"data":[16777217],"dtype":"float32"}', "line 1, column 10: 16777217 does not fit dtype float32"),
        ('{"data":[1],"layout":"XY"}', "layout 'XY' has unknown letters: X, Y"),
        ('{"data":[1],"layout":5}', "layout is not text"),
        ('{"data":[1],"steps":{}}', "steps is not a list"),
        ('{"data":[1],"steps":[1]}', "steps is not a list of objects"),
        ('{"data":[1],"unpool":[]}', "unpool is not an object"),
        ('{"data":[1],"white":0}', "white is not a number above 0"),
        ('{"data":[1],"white":true}', "white is not a number above 0"),
        ('{"data":[1],"white":1e999}', "white is not a number above 0"),
        ('{"data":[1],"indices":[1.5]}', "indices are not whole numbers"),
        ('{"data":[1],"indices":5}', "indices are not whole numbers"),
        ('{"data":[1],"indices":[[1]]}', "indices are [1, 1], but data are [1]"),
    ],
)  # fmt: skip
def test_accidents(text: str, message: str) -> None:
    problem = refused(text)
    assert problem.message.startswith(f"data.json: {message}")
    assert problem.exit_code == 1


def test_a_layout_that_does_not_fit() -> None:
    with pytest.raises(ShapeError, match="layout CHW names 3 axes, but the input has 2"):
        read('{"data":[[1,2]],"layout":"CHW"}')


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[18446744073709551616]", "column 2: 18446744073709551616 is beyond 64 bits"),
        ("[1.5,18446744073709551616]", "column 6: 18446744073709551616 is beyond 64 bits"),
        ("[1,-9223372036854775809]", "column 4: -9223372036854775809 is beyond 64 bits"),
        ("[18446744073709551615,-1]", "column 23: -1 and integers beyond 9223372036854775807 have no common"),
        ("[-1,18446744073709551615]", "column 2: -1 and integers beyond"),
        ("[1.5,9007199254740993]", "column 6: 9007199254740993 would lose digits among decimal numbers"),
        ("[9007199254740993,null]", "column 2: 9007199254740993 would lose digits"),
        ("[[1],[" + "9" * 4000 + "]]", "column 7: an integer is beyond 64 bits"),
    ],
)
def test_numbers_out_of_range(text: str, message: str) -> None:
    assert message in refused(text, NumberRangeError).message


@pytest.mark.parametrize("data", [b"[[1,2],\n[3,\xff]]", b'{"data":[1],"x":"\xe9"}', b"[1,\0]", b"[1]\xff\xfe"])
def test_bytes_that_are_no_text(data: bytes) -> None:
    message = refused(data).message
    assert "character" in message
    assert message.endswith(("is not UTF-8", "a NUL byte"))


def test_truncation_at_every_byte() -> None:
    text = b'{"shape":[2,2],"data":[[1.5,null],[3,-4e5]],"steps":[{"step":"b"}],"indices":[[0,1],[2,3]]}\n'
    for length in range(1, len(text) - 1):
        assert re.search("ends too early|not closed|is not valid JSON", refused(text[:length]).message)
    read(text[:-1])


# --- writing


@pytest.mark.parametrize(
    ("values", "text"),
    [
        ([[1, 2]], '{"shape":[1,2],"layout":"HW","dtype":"int64","data":[[1,2]],"steps":[]}\n'),
        ([0.1, 1e22, -0.0], '{"shape":[3],"layout":"L","dtype":"float64","data":[0.1,1e+22,-0.0],"steps":[]}\n'),
        ([math.nan, math.inf, -math.inf],
         '{"shape":[3],"layout":"L","dtype":"float64","data":[null,1e999,-1e999],"steps":[]}\n'),
        ([True, False], '{"shape":[2],"layout":"L","dtype":"bool","data":[1,0],"steps":[]}\n'),
        (np.array([0.1], np.float32), '{"shape":[1],"layout":"L","dtype":"float32","data":[0.1],"steps":[]}\n'),
    ],
)  # fmt: skip
def test_the_text_that_is_written(values: Any, text: str) -> None:
    assert written(FeatureMap.from_array(np.asarray(values))).decode() == text


def test_numpy_scalars_and_tuples_in_steps() -> None:
    steps = ({"size": (2, 2), "bias": np.float64(0.5), "n": np.int64(3), "p": math.inf},)
    text = written(FeatureMap.from_array(np.array([1]), steps=steps))
    assert b'"steps":[{"size":[2,2],"bias":0.5,"n":3,"p":1e999}]' in text


def test_a_type_that_json_does_not_carry() -> None:
    with pytest.raises(InputError, match="no numbers of type complex128"):
        written(FeatureMap(np.array([[1j]])))


BAND_BYTES, BAND_CELLS = 1 << 12, 1 << 9


@pytest.fixture
def short_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands so short that a few kilobytes are many."""
    monkeypatch.setattr("poolcli.formats.text.BAND_BYTES", BAND_BYTES)
    monkeypatch.setattr(jsonmap, "BAND_CELLS", BAND_CELLS)


LARGE = [(BAND_CELLS + 5,), (1, 2 * BAND_CELLS), (2 * BAND_CELLS, 1), (3, BAND_CELLS + 1), (30, 31), (10, 11, 13),
         (9, 11, 12, 3)]  # fmt: skip


@pytest.mark.usefixtures("short_bands")
@pytest.mark.parametrize("lengths", LARGE, ids=str)
def test_large_arrays_go_through_in_pieces(lengths: tuple[int, ...]) -> None:
    numbers = np.random.default_rng(0).normal(size=lengths)
    numbers.flat[[0, -1, numbers.size // 2]] = math.nan, math.inf, 3
    text = written(FeatureMap.from_array(numbers))
    assert len(text) > 2 * BAND_BYTES
    plain = json.loads(text)  # Python's own parser is the other route
    np.testing.assert_array_equal(np.array(plain["data"], np.float64), numbers)
    np.testing.assert_array_equal(read(text).array, numbers)
    for indented in (json.dumps(plain["data"]), json.dumps(plain, indent=1)):
        np.testing.assert_array_equal(read(indented).array, numbers)


@pytest.mark.parametrize(
    "text",
    [
        "[1,2,3]", "[[1,2],[3,4]]", "[[[1],[2]],[[3],[4]]]", " [ [ 1 , 2 ] , [ 3 , 4 ] ] ", "[[0.5,null]]", "[[1,NaN]]",
        "[[1e999,-Infinity]]", "[18446744073709551615]", '{"data":[[1,2],[3,4]]}', '{"data": [1, 2] , "steps": []}',
    ],
)  # fmt: skip
def test_regular_arrays_take_the_fast_route(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    """Both routes give the same, so only this shows a fast one that gives up too soon."""
    monkeypatch.delattr(jsonmap, "_Nest")
    assert read(text).values.size > 0


@pytest.mark.usefixtures("short_bands")
@pytest.mark.parametrize("spoiled", ['"x"', "true", "[1]", "18446744073709551616", "", "1 2", "{}"])
def test_the_place_is_right_far_down_in_a_large_array(spoiled: str) -> None:
    rows = ["[0.5, 2.25]"] * 700
    rows[678] = f"[0.5, {spoiled}]"
    text = '{"data":[\n' + ",\n".join(rows) + "]}"
    assert text.index(rows[678]) > 2 * BAND_BYTES
    assert "line 680, column" in refused(text, PoolcliError).message


@pytest.mark.usefixtures("short_bands")
def test_a_long_row_that_is_too_short() -> None:
    row = ",".join(["0.25"] * BAND_BYTES)
    told = refused(f"[[{row}],\n[{row},1]]").message
    assert "column 5: a list" not in told
    assert f"line 2, column 1: a list of {BAND_BYTES + 1} numbers, expected {BAND_BYTES}" in told


def anything(draw: Random, depth: int = 2) -> Any:
    """What JSON can hold."""
    plain = draw.choice((None, True, False, draw.randint(-(2**70), 2**70), draw.gauss(0, 9), drawn.text(draw)))
    inner = [anything(draw, depth - 1) for _ in range(draw.randint(0, 3))] if depth else []
    return draw.choice((plain, plain, inner, {drawn.text(draw): one for one in inner})) if depth else plain


def whole_map(draw: Random) -> FeatureMap:
    dtype, more = draw.choice(jsonmap.DTYPES), {drawn.text(draw): anything(draw) for _ in range(draw.randint(0, 3))}
    steps = [
        {drawn.text(draw): draw.choice((3, -1, drawn.text(draw), True)), "step": drawn.text(draw)}
        for _ in range(draw.randint(0, 2))
    ]
    feature_map = FeatureMap.from_array(
        drawn.array(draw, dtype, drawn.shape(draw, 1, 5, 4)),
        channels_last=draw.choice((True, False)),
        steps=tuple(steps),
        white=draw.choice((None, 1.0, 255.0, 65535.0)),
        unpool=draw.choice((None, {"shape": [draw.randint(0, 9) for _ in range(draw.randint(0, 3))]})),
        extra={name: value for name, value in more.items() if name not in jsonmap.OWN_KEYS},
    )
    indices = np.arange(feature_map.values.size).reshape(feature_map.values.shape)
    return feature_map.with_(indices=indices) if draw.choice((True, False)) else feature_map


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(drawn.by(whole_map))
def test_what_is_written_is_read_back(feature_map: FeatureMap) -> None:
    text = written(feature_map)
    assert text.endswith(b"}\n")
    assert text.count(b"\n") == 1
    back = read(text)
    assert back.values.dtype == feature_map.values.dtype
    np.testing.assert_array_equal(back.values, feature_map.values)
    for name in ("layout", "steps", "white", "unpool", "extra"):
        assert getattr(back, name) == getattr(feature_map, name)
    np.testing.assert_array_equal(back.indices, feature_map.indices)
    assert written(back) == text


# --- the fast route and the careful one

PIECES = ["[", "]", ",", "[[", "]]", "],[", "1", "2.5", "-3", "null", "NaN", "Infinity", "-Infinity", "1e999", "true",
          "x", '"s"', "{", "}", ":", " ", "\n", "18446744073709551615", "18446744073709551616", "9007199254740993",
          "-0", "01", "1e5"]  # fmt: skip
NUMBERS = (2**63, 2**64, 2**53 + 1, True, "x", None)


def nested(draw: Random, depth: int = 3) -> Any:
    """Lists in lists, or a number alone."""
    number = draw.choice((draw.randint(-5, 5), drawn.double(draw), draw.choice(NUMBERS)))
    return [nested(draw, depth - 1) for _ in range(draw.randint(0, 3))] if depth and draw.random() < 0.6 else number


def spelled(draw: Random) -> str:
    """Pieces of JSON in any order, lists in lists, or equal rows of them."""
    cells = [nested(draw, 1) for _ in range(draw.randint(1, 3))]
    mixed = "[" + "".join(draw.choices(PIECES, k=draw.randint(0, 12))) + "]"
    return draw.choice((mixed, json.dumps(nested(draw)), json.dumps([cells] * draw.randint(1, 3))))


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(drawn.by(spelled), st.booleans())
@example("[1 [,] 2]", False)
@example("[[1],[]]", False)
@example("[1,[2]]", False)
@example("[1Infinity]", False)
@example("[18446744073709551615,1.5]", False)
def test_the_fast_route_and_the_careful_one_agree(text: str, in_object: bool) -> None:
    document = f'{{"data":{text},"x":1}}' if in_object else text

    def facts() -> Any:
        feature_map = read(document)
        return feature_map.values.dtype, feature_map.values.shape, feature_map.values.tobytes()

    fast = told(facts)
    original, jsonmap._fast_array = jsonmap._fast_array, lambda *_: None
    try:
        careful = told(facts)
    finally:
        jsonmap._fast_array = original
    assert fast == careful


@settings(max_examples=300, deadline=None)
@given(drawn.by(lambda draw: json.dumps(nested(draw))))
def test_pythons_own_parser_agrees(text: str) -> None:
    """Whatever both accept is the same array; numpy makes NaN of None."""
    try:
        values = read(text).values
    except PoolcliError:
        return
    np.testing.assert_array_equal(values, np.array(json.loads(text), values.dtype))


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ('[{"u": 1, "v": 2}, {"u": 3, "v": 4}]', "jq 'map([.u, .v])' x.json | poolcli pool"),
        ('[{"u": null, "t": null, "v": 2}, {"u": 3, "t": "x"}]', "jq 'map([.u, .v])' x.json | poolcli pool"),
        ('[{"ü": 1, "a b": 2}, 7]', 'jq \'map([."ü", ."a b"])\' x.json | poolcli pool'),
        ('[{"u{v": 1}]', "jq 'map(map(numbers, nulls))' x.json | poolcli pool"),
        (f"[{dict.fromkeys('abcdefghi', 1)}]".replace("'", '"'), "jq 'map(map(numbers, nulls))' x.json"),
        ('[{"u": true}]', "a map looks like"),
        ('[{"u": "a"}]', "a map looks like"),
        ('[{"u": [1, 2]}]', f"one record alone: jq {shell_word('.[0].u')} x.json | poolcli pool"),
        ('[{"n": "a", "data": [[1, 2]]}, {}]', f"one record alone: jq {shell_word('.[0].data')} x.json | poolcli pool"),
        ('[{"u{v": [1, 2]}]', "a map looks like"),
        ('[1, {"u": 1}]', "a map looks like"),
        (
            '{"n": 1, "data": [{"u": 1}]}',
            "of the numbers in the records: jq '.data | map([.u])' x.json | poolcli pool",
        ),
        ('{"data": [{"u": {"v": [1]}}]}', f"one record alone: jq {shell_word('.data[0].u.v')} x.json | poolcli pool"),
    ],
)
def test_a_list_of_records_leads_to_rows(text: str, hint: str) -> None:
    with pytest.raises(InputError, match="among the numbers") as caught:
        decode(text.encode(), "x.json")
    assert hint in typed(caught.value)


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ('{"predictions": [[1, 2], [3, 4]]}', "jq .predictions x.json | poolcli pool"),
        ('{"model": "m", "usage": {"n": 3}, "embedding": [0.1]}', "jq .embedding x.json | poolcli pool"),
        ('{"hourly": {"time": ["a"], "t_2m": [1, 2], "rain": [0, 1]}}',
         "'hourly.t_2m' alone (.hourly.rain would do as well): jq .hourly.t_2m x.json | poolcli pool"),
        ('{"points": [{"t": 1, "v": 2.5}, {"t": 2, "v": 3}]}',
         "make rows of the numbers in the records: jq '.points | map([.t, .v])' x.json | poolcli pool"),
        ('{"a": {"b c": [{"t": "x", "v": 2.5}]}}', "jq '.a.\"b c\" | map([.v])' x.json | poolcli pool"),
        ('{"points": [{"t": "x"}]}', 'write {"data": [[1, 2], [3, 4]]}'),
        ('{"steps": [{"step": "relu", "low": 1}]}', 'write {"data": [[1, 2], [3, 4]]}'),
        ('{"a": {"0": 1, "1": 2}}', 'to_json(orient="values")'),
        ('{"a b": [1, 2]}', """'"a b"' alone: jq """ + shell_word('."a b"') + " x.json | poolcli pool"),
        ('{"a{b": [1, 2]}', 'write {"data": [[1, 2], [3, 4]]}'),
        ('{"result": {"shape": [1, 2], "layout": "HW", "data": [[1, 2]]}}', "alone: jq .result x.json | poolcli pool"),
        ('{"results": [{"data": [[1, 2]]}]}',
         f"'results[0]' alone: jq {shell_word('.results[0]')} x.json | poolcli pool"),
        ('{"outputs": [{"x": 1}]}', "jq '.outputs | map([.x])' x.json | poolcli pool"),
        ('{"outputs": [{"x": [[1]]}, 2]}',
         f"'outputs[0].x' alone: jq {shell_word('.outputs[0].x')} x.json | poolcli pool"),
    ],
)  # fmt: skip
def test_the_answer_of_an_api_leads_to_its_numbers(text: str, path: str) -> None:
    with pytest.raises(InputError, match='the key "data" is missing') as caught:
        decode(text.encode(), "x.json")
    assert path in typed(caught.value)


@pytest.mark.parametrize(
    "inner", ['{"items": [{"t": "x", "v": null}, {"t": "y", "v": 2}]}', '{"items": {"a": [{"v": 1}]}}']
)
def test_records_below_data_lead_to_rows(inner: str) -> None:
    with pytest.raises(InputError, match='the value of "data" is not a list of numbers') as caught:
        decode(f'{{"status": "ok", "data": {inner}}}'.encode(), "x.json")
    assert re.search(r"jq '\.data\.items(\.a)? \| map\(\[\.v\]\)' x\.json \| poolcli pool", typed(caught.value))


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ("", ""),
        ('"result": {}', "; it has 'result'"),
        ('"a": 1, "b": 2, "c": 3, "d": 4, "e": 5', "; it has 'a', 'b', 'c', 'd', 'e'"),
        ('"a": 1, "b": 2, "c": 3, "d": 4, "e": 5, "f": 6', "; it has 'a', 'b', 'c', 'd', 'e', ..."),
    ],
)
def test_an_object_without_data_is_told_by_its_keys(keys: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(f"{{{keys}}}".encode(), "x.json")
    assert caught.value.message == f'x.json: the key "data" is missing{told}'


@pytest.mark.parametrize(
    ("word", "more"),
    [
        ("2", ""), ("-1.5e3", ""),
        ("NA", "; add missing='NA' if it stands for a missing value; with nan='ignore' the windows skip it"),
    ],
)  # fmt: skip
def test_a_number_in_quotes_does_not_stand_for_a_missing_one(word: str, more: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(f'[[1, "{word}"]]'.encode(), "x.json", ReadOptions())
    assert caught.value.hint == f"write numbers without quotes{more}"

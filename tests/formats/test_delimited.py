"""CSV as people have it: every number exact, every accident an error with its line and cell."""

from __future__ import annotations

import io
import math
from fractions import Fraction
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from poolcli.cli.words import spoken
from poolcli.errors import FileError, InputError, NumberRangeError, PoolcliError, ShapeError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.formats import decode, delimited, encode
from poolcli.formats.delimited import Bands
from poolcli.formats.dialect import DELIMITERS, HEADERS
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.formats.registry import BANDED
from poolcli.system.portable import shell_word
from tests.support import drawn
from tests.support.hints import told, typed
from tests.support.process import Run


def read(text: str | bytes, name: str = "data.csv", **options: Any) -> FeatureMap:
    data = text.encode() if isinstance(text, str) else text
    return decode(data, name, ReadOptions(**options))


def written(values: Any, kind: str = "csv", layout: str | None = None) -> bytes:
    return b"".join(encode(FeatureMap.from_array(np.asarray(values), layout), WriteOptions(format=kind)))


def refused(text: str | bytes, kind: type[PoolcliError] = InputError, **options: Any) -> PoolcliError:
    with pytest.raises(kind) as caught:
        read(text, **options)
    return caught.value


def same(feature_map: FeatureMap, expected: list[list[Any]], dtype: str) -> None:
    assert feature_map.values.dtype == dtype
    np.testing.assert_array_equal(feature_map.values, np.array(expected, dtype))


# --- what is read

INTEGERS = [[1, 2], [3, 4]]


@pytest.mark.parametrize(
    "text",
    [
        "1,2\n3,4\n", "1,2\n3,4", "1,2\r\n3,4\r\n", "1,2\r3,4\r", "1,2\r\n3,4\n", "1,2\r\r\n3,4\r\r\n",
        "1,2\n\n\n3,4\n\n", "\n\n1,2\n3,4", "\ufeff1,2\n3,4", " 1 , 2 \n\t3,4\t\n", "1;2\n3;4", "1\t2\n3\t4",
        "1 2\n3 4", "  1   2\n 3 4  \n", "1\t 2\n3 \t4", '"1","2"\n"3","4"', '"1",2\n3," 4 "', '1 "2"\n"3"   4',
        "# made by hand\n1,2\n# and here\n3,4 # last\n", "#1,2\n1,2\n3,4\t#5", "1|2\n3|4", "1,2,\n3,4,",
        "a,b,\n1,2,\n3,4,\n",
        "a,b\n1,2\n3,4", '"a","b"\n1,2\n3,4', "+1,2\n003,4", "1,2\n3,4\n#",
        "a b, c d\n1,2\n3,4", '"a;b","c"\n1,2\n3,4', '"#1","#2"\n1,2\n3,4', "größe,b\n1,2\n3,4",
    ],
)  # fmt: skip
def test_the_same_matrix_in_many_guises(text: str) -> None:
    same(read(text), INTEGERS, "int64")


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_a_byte_order_mark_tells_the_encoding(encoding: str) -> None:
    feature_map = read("é,b\n1,2\n3,4".encode(encoding))
    same(feature_map, INTEGERS, "int64")
    assert any("UTF-16" in note or "UTF-32" in note for note in map(str, feature_map.notes)) == (
        encoding != "utf-8-sig"
    )


def test_utf_16_the_other_way_round() -> None:
    same(read(b"\xfe\xff" + "1,2\n3,4".encode("utf-16-be")), INTEGERS, "int64")


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        ("1.5,2\n", {}, [[1.5, 2]]),
        ("1,5;2,5\n", {"decimal": ","}, [[1.5, 2.5]]),
        ("1,5 2,5\n", {"decimal": ","}, [[1.5, 2.5]]),
        ("1,5\t2\n", {"decimal": ","}, [[1.5, 2]]),
        ("1,5\n2,5\n", {"decimal": ","}, [[1.5], [2.5]]),
        ('"1,5","2,5"\n', {"decimal": ","}, [[1.5, 2.5]]),
        ('"1,5";2\n', {"decimal": ","}, [[1.5, 2]]),
        (".5,5.,+.5,-5.e1,1E+2,1e-2,0.0\n", {}, [[0.5, 5, 0.5, -50, 100, 0.01, 0]]),
        ("nan,NaN,NAN,-nan,inf\n", {}, [[math.nan] * 4 + [math.inf]]),
        ("Infinity,-INF,+inf,iNfInItY\n", {}, [[math.inf, -math.inf, math.inf, math.inf]]),
        ("1e-400,5e-324\n", {}, [[0, 5e-324]]),
        ("1e20,1.5\n", {}, [[1e20, 1.5]]),
        ("100000000000000000000.0,1\n", {}, [[1e20, 1]]),
        ("9007199254740992,1.5\n", {}, [[2.0**53, 1.5]]),
        ("9007199254740994,1.5\n", {}, [[2.0**53 + 2, 1.5]]),
    ],
)
def test_decimal_numbers(text: str, options: dict[str, Any], expected: list[list[float]]) -> None:
    same(read(text, **options), expected, "float64")


def test_zero_keeps_its_sign() -> None:
    assert math.copysign(1, read("-0.0,1.5").values[0, 0]) == -1


@pytest.mark.parametrize(
    ("text", "expected", "dtype"),
    [
        ("9223372036854775807,-9223372036854775808\n", [[2**63 - 1, -(2**63)]], "int64"),
        ("9223372036854775808,0\n", [[2**63, 0]], "uint64"),
        ("1,2\n3,18446744073709551615\n", [[1, 2], [3, 2**64 - 1]], "uint64"),
        ("18446744073709551615,1\n5,6\n", [[2**64 - 1, 1], [5, 6]], "uint64"),
        ("18446744073709551615\n18446744073709551614", [[2**64 - 1], [2**64 - 2]], "uint64"),
        ("007,00000000000000000000000000000000000008\n", [[7, 8]], "int64"),
        ("1,5\n", [[1, 5]], "int64"),
        ("5\n", [[5]], "int64"),
        ("5\n6\n", [[5], [6]], "int64"),
    ],
)
def test_integers_stay_integers(text: str, expected: list[list[int]], dtype: str) -> None:
    same(read(text), expected, dtype)


@pytest.mark.parametrize(
    ("text", "options", "shape", "layout"),
    [
        ("1,2,3\n", {}, (1, 3), "HW"),
        ("1\n2\n3\n", {}, (3, 1), "HW"),
        ("1,2,3\n", {"layout": "L"}, (3,), "L"),
        ("1\n2\n3\n", {"layout": "l"}, (3,), "L"),
        ("1,2\n3,4\n", {"layout": "CL"}, (2, 2), "CL"),
        ("1,2\n3,4\n", {"channels_last": True}, (2, 2), "HW"),
    ],
)
def test_layouts(text: str, options: dict[str, Any], shape: tuple[int, ...], layout: str) -> None:
    feature_map = read(text, **options)
    assert (feature_map.shape, feature_map.layout) == (shape, layout)


@pytest.mark.parametrize("layout", ["L", "CHW", "NHWC"])
def test_a_layout_that_does_not_fit(layout: str) -> None:
    refused("1,2\n3,4\n", UsageError, layout=layout)


@pytest.mark.parametrize(
    ("text", "options", "notes"),
    [
        ("1,2\n", {}, ["delimiter ,", "no header", "dtype int64"]),
        ("a;b\n1;2.5\n", {}, ["delimiter ;", "header in line 1: a;b", "dtype float64"]),
        ("#\n\n5\n", {}, ["one column", "no header", "dtype int64"]),
        ("a\tb\n1\t2\n", {"delimiter": "tab", "header": "yes"}, ["header in line 1: a\tb", "dtype int64"]),
        ("1 2\n", {"header": "no"}, ["delimiter blanks", "dtype int64"]),
        ("18446744073709551615\n", {}, ["one column", "no header", "dtype uint64"]),
    ],
)
def test_every_guess_is_noted(text: str, options: dict[str, Any], notes: list[str]) -> None:
    assert list(read(text, **options).notes) == ["format csv", *notes, "layout HW (by the number of axes)"]


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("9,9\n1,2\n3,4", {"header": "yes"}),
        ("id,9\n1,2\n3,4", {"header": "yes"}),
        ("1|2", {"header": "yes"}),
    ],
)
def test_header_yes_passes_over_anything(text: str, options: dict[str, Any]) -> None:
    if "|" in text:
        assert "only a header in line 1" in refused(text, **options).message
    else:
        same(read(text, **options), INTEGERS, "int64")


@pytest.mark.parametrize(
    ("asked", "text"),
    [(",", "1,2\n3,4"), ("comma", "1,2\n3,4"), (";", "1;2\n3;4"), ("semicolon", "1;2\n3;4"), ("tab", "1\t2\n3\t4"),
     ("\\t", "1\t2\n3\t4"), ("\t", "1\t2\n3\t4"), ("blanks", " 1  2\n3\t4"), (" ", "1 2\n3 4")],
)  # fmt: skip
def test_delimiters_by_name(asked: str, text: str) -> None:
    same(read(text, delimiter=asked), INTEGERS, "int64")


def test_a_tsv_has_tabs_even_where_commas_would_do() -> None:
    assert read("1\n2\n", name="data.tsv").shape == (2, 1)
    problem = refused("1,5\n2,5\n", input_format="tsv")
    assert (problem.message, typed(problem)) == (
        "data.csv: line 1, column 1: '1,5' is not a number",
        "add --decimal , if the comma is a decimal comma",
    )


# --- what is refused, with the place


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("1,2\n3\n", "line 2: 1 value, expected 2", "same length"),
        ("1,2,3\n4,5\n", "line 2: 2 values, expected 3", "same length"),
        ("1,2\n3,4,5\n", "line 2: 3 values, expected 2", "same length"),
        ("1,2\n3,4\n5,6,7\n8\n", "line 3: 3 values, expected 2", "same length"),
        ("1,2\n3,x\n", "line 2, column 2: 'x' is not a number", "correct it"),
        ("1,2\nx,3\n", "line 2, column 1: 'x' is not a number", "correct it"),
        ("1,2\r\n\r\n# c\r\nx,3\r\n", "line 4, column 1: 'x' is not a number", "correct it"),
        ("1,2\n,3\n", "line 2, column 1: an empty cell", f"add --missing {shell_word('')} if it"),
        ("1,2\n3,4,\n", "line 2, column 3: an empty cell", "or remove the delimiter at the end of the line"),
        ("1,2,\n3,4\n", "line 1, column 3: an empty cell", "or remove the delimiter at the end of the line"),
        ("1,2,\n" * 20 + "3,4\n", "line 21: no delimiter at its end, where the lines above have one", "or none"),
        (",,\n1,2,3\n", "line 1, column 1: an empty cell", f"add --missing {shell_word('')} if it"),
        ('1,2\n"",3\n', "line 2, column 1: an empty cell", f"add --missing {shell_word('')} if it"),
        ("1,2\n3,NA\n", "line 2, column 2: 'NA' is not a number", "add --missing NA if it"),
        ("NA,NA\n1,2\n", "line 1, column 1: 'NA' is not a number", "add --missing NA if it"),
        ("1,2\n3,null\n", "line 2, column 2: 'null' is not a number", "add --missing null if it"),
        ("1,2\n3,-\n", "line 2, column 2: '-' is not a number", "add --missing - if it"),
        ("1,2\n3,true\n", "line 2, column 2: 'true' is not a number", "write 1 for true"),
        ("True,False\nFalse,True\n", "line 1, column 1: 'True' is not a number", "write 1 for true"),
        ("1,2\n3,0x10\n", "line 2, column 2: '0x10' is not a number", "in decimal"),
        ("1,2\n3,1_000\n", "line 2, column 2: '1_000' is not a number", "without underscores"),
        ("1_000,2\n3,4\n", "line 1, column 1: '1_000' is not a number", "without underscores"),
        ("1,2\n3,1'000\n", "line 2, column 2: \"1'000\" is not a number", "thousands"),
        ('1,2\n3,"1,000"\n', "line 2, column 2: '1,000' is not a number", "--decimal ,"),
        ('1,2\n3,"1,000"\n', "line 2, column 2: '1,000' is not a number", "remove it if it separates thousands"),
        ('1,2\n3,"1,000,000"\n', "line 2, column 2: '1,000,000' is not a number", "thousands"),
        ("1,2\n3,5%\n", "line 2, column 2: '5%' is not a number", "0.12"),
        ("1,2\n3,[4]\n", "line 2, column 2: '[4]' is not a number", "--input-format json"),
        ("1,2\n3,1.2.3\n", "line 2, column 2: '1.2.3' is not a number", "correct it"),
        ("1,2\n3,1e\n", "line 2, column 2: '1e' is not a number", "correct it"),
        ("1,2\n3,--4\n", "line 2, column 2: '--4' is not a number", "correct it"),
        ("1,2\n3,4j\n", "line 2, column 2: '4j' is not a number", "correct it"),
        ("1,2\n3,\u22124\n", "line 2, column 2: '\u22124' is not a number", "minus sign"),
        ("1,2\n3,\u0664\n", "line 2, column 2: '\u0664' is not a number", "write the digits 0 to 9"),
        ("1,2\n3,4 5\n", "line 2, column 2: '4 5' is not a number", "--delimiter blanks"),
        ("1,2\n3,infin\n", "line 2, column 2: 'infin' is not a number", "correct it"),
        ("1,2\n3,nanny\n", "line 2, column 2: 'nanny' is not a number", "correct it"),
        ("1,2\n3],[4\n", "line 2, column 1: '3]' is not a number", "correct it"),
        ("1,2],[3,4\n", "line 1, column 2: '2]' is not a number", "correct it"),
        ("1,[2\n", "line 1, column 2: '[2' is not a number", "--input-format json"),
        ('1,"2\n3,4\n', "line 1: a quote is not closed in this line", "line break"),
        ('1,"2"3\n', "line 1: text after a closing quote: '3'", "quote entire cells"),
        ("1,2\n3,{}\n".format("y" * 99), f"line 2, column 2: '{'y' * 39}…' is not a number", "correct it"),
        ("1,2\n3,\x1b[31m\n", r"line 2, column 2: '\x1b[31m' is not a number", "correct it, or write nan"),
        ("1,2\n3,\u202e4\n", r"line 2, column 2: '\u202e4' is not a number", "correct it, or write nan"),
        ("id,1,2\n3,4,5\n", "line 1: numbers and other text in the first row: 'id' is not a number", "--header yes"),
        (",0,2\n0,1,2\n", "line 1: numbers and other text in the first row: '' is not a number", "--header yes"),
        ("the matrix\n1,2\n3,4\n", "the header has 1 name, but line 2 has 2 values", "use --skip 1 to leave it out"),
        ("x;y\n1,2\n3,4\n", "the header has 1 name, but line 2 has 2 values", "use --skip 1 to leave it out"),
        ("a,b,c,d\n1,2\n3,4\n", "the header has 4 names, but line 2 has 2 values", "use --skip 1 to leave it out"),
        ("x,2020-01-01\n1,2\n", "line 1, column 1: 'x' is not a number", "--header yes"),
        ("1;2;3\n1,5;2;3\n", "line 2, column 1: '1,5' is not a number", "--decimal ,"),
        ("1,5;2,5\n3,5;4,5\n", "line 1, column 1: '1,5' is not a number", "--decimal ,"),
        ("1,5 2,5\n", "line 1, column 2: '5 2' is not a number", "add --decimal , if these are decimal commas with"),
        ("1,2\n1,5 \t-2,5\n", "line 2, column 2: '5 \\t-2' is not a number", "add --decimal , if these are"),
        ("1.5,2 3.5,4\n", "line 1, column 2: '2 3.5' is not a number", "--delimiter blanks"),
        ("1,5 x,5\n", "line 1, column 2: '5 x' is not a number", "correct it"),
        ("1.234,5 2.345,6\n", "line 1, column 2: '5 2.345' is not a number", "add --decimal , if these are"),
        ("1;2\n3;1.234,5\n", "line 2, column 2: '1.234,5' is not a number", "separators, and add --decimal ,"),
        ("1;2\n3;-1.234.567\n", "line 2, column 2: '-1.234.567' is not a number", "without thousands separators"),
        ("1;2\n3;1,234.5\n", "line 2, column 2: '1,234.5' is not a number", "without thousands separators"),
        ("08:00,1\n", "line 1, column 1: '08:00' is not a number", "write a time as one number"),
        ("08:00,1\n09:00,2\n", "line 1, column 1: '08:00' is not a number", "use --columns 2 to leave out"),
        ('a,b\n"x, y",1\nz,2\n', "line 2, column 1: 'x, y' is not a number", "use --columns 2 to leave out"),
        ("i,n,a\n1,x,3\n2,y,4\n", "line 2, column 2: 'x' is not a number", "use --columns 1,3 to leave out"),
        ("x\t1\ny\t2\n", "line 1, column 1: 'x' is not a number", "use --columns 2 to leave out"),
        ("x,1\ny,z,2\n", "line 1: numbers and other text in the first row: 'x' is not a number", "--header yes"),
        ("time,n\n1,2\n8:30 PM,2\n", "line 3, column 1: '8:30 PM' is not a number", "write a time as one number"),
        ("1,2\n3,23:59:59.5\n", "line 2, column 2: '23:59:59.5' is not a number", "write a time as one number"),
        ("1,2\n2024-01-31,3\n", "line 2, column 1: '2024-01-31' is not a number", "write a date as one number"),
        ("1,2\n31.01.2024,3\n", "line 2, column 1: '31.01.2024' is not a number", "write a date as one number"),
        ("1,2\n2024-01-31T08:00,3\n", "line 2, column 1: '2024-01-31T08:00' is not a number", "write a date"),
        ("a,b\n", "no numbers, only a header in line 1: 'a,b'", "write numbers below it"),
        ("1,\u22122\n", "line 1, column 2: '\u22122' is not a number", "write the minus sign as -"),
        ("\u20131,x\n", "line 1, column 1: '\u20131' is not a number", "write the minus sign as -"),
        ("# 1,2\n\n  \n", "no numbers, only blank lines and comments", "give it at least one number"),
        ("1\v2 3\n", r"line 1, column 1: '1\x0b2' is not a number", "--header yes"),
    ],
)  # fmt: skip
def test_accidents(text: str, message: str, hint: str) -> None:
    problem = refused(text)
    assert problem.message == f"data.csv: {message}"
    assert hint in typed(problem)
    assert problem.exit_code == 1


@pytest.mark.parametrize(
    ("text", "options", "message", "hint"),
    [
        ("1,5;2.5\n", {"decimal": ","}, "line 1, column 2: '2.5' is not a number", "leave the option out"),
        (
            "1.234,5;2\n",
            {"decimal": ","},
            "line 1, column 1: '1.234,5' is not a number",
            "without thousands separators",
        ),
        ("1.234.567;2\n", {"decimal": ","}, "line 1, column 1: '1.234.567' is not a number", "without thousands"),
        ("1.234;2\n", {"decimal": ","}, "line 1, column 1: '1.234' is not a number", "remove it if it separates"),
        ("8:30;2\n", {"decimal": ","}, "line 1, column 1: '8:30' is not a number", "write a time as one number"),
        ("1,5;2,,5\n", {"decimal": ","}, "line 1, column 2: '2,,5' is not a number", "--delimiter ,"),
        ("1;2\n3;4\n", {"delimiter": ","}, "line 1, column 1: '1;2' is not a number", f"--delimiter {shell_word(';')}"),
        ("1,2,3\n", {"delimiter": ";"}, "line 1, column 1: '1,2,3' is not a number", "--delimiter ,"),
        ("1\t2\n", {"delimiter": ","}, "line 1, column 1: '1\\t2' is not a number", "--delimiter tab"),
        ("1 2\n", {"delimiter": ","}, "line 1, column 1: '1 2' is not a number", "--delimiter blanks"),
        ("1,2\nx,y\n", {"header": "yes"}, "line 2, column 1: 'x' is not a number", "--skip 2 to leave out the header"),
        ('1,"2\n', {"header": "yes"}, "no numbers, only a header in line 1: '1,\"2'", "leave out --header yes"),
        ("1,2\n", {"header": "yes"}, "no numbers, only a header in line 1: '1,2'", "leave out --header yes"),
        ("a,b\n1,2\n", {"header": "no"}, "line 1, column 1: 'a' is not a number", "--header yes"),
    ],
)
def test_options_that_do_not_fit(text: str, options: dict[str, Any], message: str, hint: str) -> None:
    problem = refused(text, **options)
    assert problem.message == f"data.csv: {message}"
    assert hint in typed(problem)


BIG = "18446744073709551616"
LOSSY = "9007199254740993"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (f"1,{BIG}\n", f"line 1, column 2: {BIG} is beyond 64 bits"),
        (f"1.5,{BIG}\n", f"line 1, column 2: {BIG} is beyond 64 bits"),
        (f"1.5,2\n3,-{BIG}\n", f"line 2, column 2: -{BIG} is beyond 64 bits"),
        ("1,-9223372036854775809\n", "line 1, column 2: -9223372036854775809 is beyond 64 bits"),
        ("1," + "9" * 5000 + "\n", "line 1, column 2: an integer is beyond 64 bits"),
        ("1,-" + "9" * 5000 + "\n", "line 1, column 2: an integer is beyond 64 bits"),
        (f"{BIG[:-1]}5,2\n3,-4\n", "column 2: -4 and integers beyond 9223372036854775807 have no common 64-bit type"),
        (f"-4,2\n3,{BIG[:-1]}5\n", "line 1, column 1: -4 and integers beyond"),
        (f"1.5,{LOSSY}\n", f"line 1, column 2: {LOSSY} would lose digits among decimal numbers"),
        (f"{LOSSY},1\n1.5,2\n", f"line 1, column 1: {LOSSY} would lose digits"),
        (f"1,{LOSSY}\nnan,2\n", f"line 1, column 2: {LOSSY} would lose digits"),
        ("1,1e400\n", "line 1, column 2: '1e400' is beyond float64"),
        ("-1e400,1\n", "line 1, column 1: '-1e400' is beyond float64"),
        ("1e400,x\n", "numbers and other text in the first row"),
    ],
)
def test_numbers_out_of_range(text: str, message: str) -> None:
    problem = refused(text, PoolcliError)
    assert isinstance(problem, NumberRangeError) or "x" in text
    assert message in problem.message
    assert problem.exit_code == 1


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"1,2\n3,\xe9\n", "line 2, character 3: byte 0xe9 is not UTF-8"),
        ("größe,1\n".encode("latin-1"), "line 1, character 3: byte 0xf6 is not UTF-8"),
        ("é\n".encode() + b"1,\xff", "line 2, character 3: byte 0xff is not UTF-8"),
        (b"1,2\n3,\0\n", "line 2, character 3: a NUL byte"),
        ("1,2\n".encode("utf-16-le"), "line 1, character 2: a NUL byte"),
        (b"\xff\xfe1\x00,", "not valid UTF-16: 'utf-16-le' codec can't decode byte 0x2c in position 4: truncated data"),
        (b"\xff\xfe1\x00\x00\x00", "line 1, character 2: a NUL byte"),
    ],
)
def test_bytes_that_are_no_text(data: bytes, message: str) -> None:
    assert message in refused(data, input_format="csv").message


@pytest.mark.parametrize(
    "options",
    [*({"delimiter": mark} for mark in ("||", "5", "-", "auto,")), {"decimal": "'"}, {"header": "maybe"}],
)
def test_options_that_do_not_exist(options: dict[str, str]) -> None:
    assert refused("1,2\n", UsageError, **options).exit_code == 2


# --- writing


@pytest.mark.parametrize(
    ("values", "kind", "text"),
    [
        ([[1, 2], [3, 4]], "csv", "1,2\n3,4\n"),
        ([[1, 2], [3, 4]], "tsv", "1\t2\n3\t4\n"),
        ([[0.1, -0.0], [1e22, 5e-324]], "csv", "0.1,-0.0\n1e+22,5e-324\n"),
        ([[math.nan, math.inf], [-math.inf, 2.0]], "csv", "nan,inf\n-inf,2.0\n"),
        ([[True, False]], "csv", "1,0\n"),
        ([1, 2, 3], "csv", "1,2,3\n"),
        (np.array([[0.1, 16777216]], np.float32), "csv", "0.1,16777216.0\n"),
        (np.array([[255, 0]], np.uint8), "tsv", "255\t0\n"),
        ([[2**63 - 1], [-(2**63)]], "csv", "9223372036854775807\n-9223372036854775808\n"),
        ([[math.nan]] * 100, "csv", "nan\n" * 100),
        (np.array([range(100)]).T.tolist(), "csv", "".join(f"{n}\n" for n in range(100))),
        ([[float(n) for n in range(99)] + [math.nan]], "csv", ",".join(f"{n}.0" for n in range(99)) + ",nan\n"),
    ],
)  # fmt: skip
def test_the_text_that_is_written(values: Any, kind: str, text: str) -> None:
    assert written(values, kind).decode() == text


def test_three_axes_do_not_fit_into_lines() -> None:
    with pytest.raises(ShapeError, match=r"the result is 3x2x2 \(CHW\)") as caught:
        written(np.zeros((3, 2, 2)))
    assert typed(caught.value) == "use --json or -o output.npy"


@pytest.mark.parametrize(
    ("shape", "text"),
    [((3, 1, 1), b"0\n1\n2\n"), ((1, 2, 2), b"0,1\n2,3\n"), ((1, 1, 3), b"0,1,2\n"), ((1, 3, 1, 1), b"0,1,2\n")],
)
def test_axes_of_length_one_do_not_count(shape: tuple[int, ...], text: bytes) -> None:
    assert written(np.arange(math.prod(shape)).reshape(shape)) == text


def test_a_column_stays_a_column() -> None:
    assert b"".join(encode(read("1\n2\n", layout="L"), WriteOptions("csv"))) == b"1\n2\n"
    assert b"".join(encode(read("1,2\n", layout="L"), WriteOptions("csv"))) == b"1,2\n"


def test_other_orders_of_axes_are_written_as_the_layout_has_them() -> None:
    feature_map = FeatureMap.from_array(np.array([[1, 2, 3], [4, 5, 6]]), "LC")
    assert b"".join(encode(feature_map, WriteOptions(format="csv"))) == b"1,2,3\n4,5,6\n"


DTYPES = ["int8", "int64", "uint64", "float16", "float32", "float64", "bool"]


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(
    drawn.by(lambda draw: drawn.array(draw, draw.choice(DTYPES), drawn.shape(draw, 2, 2, 9))),
    st.sampled_from(["csv", "tsv"]),
)
def test_what_is_written_is_read_back(matrix: np.ndarray[Any, Any], kind: str) -> None:
    back = read(written(matrix, kind), f"x.{kind}").values
    assert back.shape == matrix.shape
    assert back.dtype == ("float64" if matrix.dtype.kind == "f" else back.dtype)
    np.testing.assert_array_equal(back.astype(matrix.dtype), matrix)
    if matrix.dtype.kind == "f":
        np.testing.assert_array_equal(np.signbit(back), np.signbit(matrix) & ~np.isnan(matrix))


# --- the fast route and the careful one

ODD = ["1", "0", "-0", "+5", ".5", "5.", "007", " 7 ", '"8"', "nan", "NaN", "inf", "-Infinity", "1e400", "1_0", "0x1",
       "9007199254740993", "18446744073709551615", "9223372036854775808", "", "x", "true", "null", "1]", "[1", "1],[2",
       "1,5", "1.5", "1#2", "\t"]  # fmt: skip


def long_decimal(draw: Random) -> str:
    """A number of 31 digits, of any size that a double can have, or smaller."""
    return f"{draw.choice(('', '-'))}{draw.randint(0, 9)}.{draw.randrange(10**30):030}e{draw.randint(-330, 307)}"


def cell(draw: Random) -> str:
    bits = draw.randint(1, 65)
    whole = str(draw.randint(-(2**bits), 2**bits))
    return draw.choice((whole, repr(drawn.double(draw)), long_decimal(draw), draw.choice(ODD)))


def lines(draw: Random) -> str:
    """Rows of cells, some of them odd, in one of many notations."""
    rows = [[cell(draw) for _ in range(draw.randint(1, 4))] for _ in range(draw.randint(1, 6))]
    mark = draw.choice(",;\t ")
    return draw.choice(("\n", "\r\n", "\r", "\n\n")).join(mark.join(row) for row in rows)


def way(draw: Random) -> dict[str, Any]:
    """Options of reading."""
    marks, headers = ["auto", *DELIMITERS], list(HEADERS)
    return {"delimiter": draw.choice(marks), "decimal": draw.choice(".,"), "header": draw.choice(headers)}


def outcome(text: str, options: dict[str, Any]) -> Any:
    def facts() -> Any:
        feature_map = read(text, **options)
        return feature_map.values.dtype, feature_map.values.shape, feature_map.values.tobytes(), feature_map.notes

    return told(facts)


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(drawn.by(lines), drawn.by(way))
@example("9007199254740993,1\n1.5,2\n", {})
@example("1,2],[3,4\n", {})
@example("18446744073709551615\n0.0", {})
@example("9223372036854775807\n0.5", {})
@example("9007199254740993,-9223372036854775809", {})
def test_the_fast_route_and_the_careful_one_agree(text: str, options: dict[str, Any]) -> None:
    fast = outcome(text, options)
    original, delimited._fast = delimited._fast, lambda *_: None
    try:
        careful = outcome(text, options)
    finally:
        delimited._fast = original
    assert fast == careful


@pytest.mark.parametrize(
    ("text", "options"),
    [
        ("1,2\n3,4\n", {}), ("a,b\r\n1.5,-2e3\r\n\r\n3,4", {}), ("1;2\n3;4", {}), ("1\t2\n3\t4", {}),
        ("1  2\n 3 4", {}), ("5\n6", {}), ("1,5;2\n3;4", {"decimal": ","}), ("1,5\n2", {"decimal": ","}),
        ("nan,NaN\n1,NAN", {}), ("1e300,1.5", {}),
    ],
)  # fmt: skip
def test_plain_numbers_take_the_fast_route(monkeypatch: pytest.MonkeyPatch, text: str, options: dict[str, str]) -> None:
    """Both routes give the same, so only this shows a fast one that gives up too soon."""
    monkeypatch.delattr(delimited, "_careful")
    assert read(text, **options).values.size > 0


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(drawn.by(lambda draw: [long_decimal(draw) for _ in range(draw.randint(1, 8))]))
def test_decimal_numbers_are_rounded_to_the_nearest_double(row: list[str]) -> None:
    """Exact fractions, which Python rounds correctly, are the other route."""
    assert read(",".join(row)).values.tolist() == [[float(Fraction(number)) for number in row]]


BAND_BYTES = 1 << 12


@pytest.fixture
def short_bands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Bands so short that a few kilobytes are many, and as short looks at the first line."""
    for name in ("text.BAND_BYTES", "delimited.BAND_BYTES", "dialect.CLOSE_LOOK"):
        monkeypatch.setattr(f"poolcli.formats.{name}", BAND_BYTES)
    monkeypatch.setattr(delimited, "LONG_LINE", 2 * BAND_BYTES)


@pytest.mark.usefixtures("short_bands")
@pytest.mark.parametrize("line", ["1.5,x", "1.5,2,3", '"1.5",2', "nan,2", "1.5,1e400", f"1.5,{LOSSY}", "\xff,1"])
@pytest.mark.parametrize("at", [1, 500, 999])
def test_the_place_is_right_far_down_in_a_large_file(line: str, at: int) -> None:
    rows = ["0.5,2.25"] * 1000
    rows[at] = line
    text = "\r\n".join(rows)
    assert len(text) > 2 * BAND_BYTES
    if line in ('"1.5",2', "nan,2"):
        values = read(text, header="no").values
        assert values.shape == (1000, 2)
        assert values[at, 1] == 2
        assert (np.delete(values, at, axis=0) == [0.5, 2.25]).all()
    else:
        assert f": line {at + 1}" in refused(text, PoolcliError, header="no").message


@pytest.mark.usefixtures("short_bands")
def test_an_integer_file_that_turns_out_to_be_of_floats() -> None:
    rows = [f"{n},2" for n in range(2000)]
    values = read("\n".join([*rows, "0.5,2"])).values
    assert values.dtype == "float64"
    assert (values[:-1, 0] == np.arange(2000)).all()
    assert "line 7, column 2" in refused("\n".join([*rows[:6], f"1,{LOSSY}", *rows, "0.5,2"]), NumberRangeError).message


def test_a_hundred_thousand_columns() -> None:
    row = np.arange(100_000)
    values = read(",".join(map(str, row)) + "\n" + ",".join(map(str, row[::-1]))).values
    assert (values == [row, row[::-1]]).all()


@pytest.mark.usefixtures("short_bands")
def test_comments_longer_than_a_band_come_before_the_data() -> None:
    text = ("# " + "x" * 100 + "\n") * (2 * BAND_BYTES // 100) + "a,b\n1,2\n3,y\n"
    lines = text.count("\n")
    assert refused(text).message == f"data.csv: line {lines}, column 2: 'y' is not a number"


@pytest.mark.usefixtures("short_bands")
def test_a_header_and_its_rows_may_lie_bands_apart() -> None:
    comments = ("# " + "x" * 100 + "\n") * (2 * BAND_BYTES // 100)
    feature_map = read(f"{comments}a,b\n{comments}1,2\n{comments}3,4\n")
    same(feature_map, INTEGERS, "int64")
    count = comments.count("\n")
    assert f"header in line {count + 1}: a,b" in feature_map.notes
    assert refused(f"{comments}a,b\n{comments}1,2\n{comments}3,y\n").message.startswith(
        f"data.csv: line {3 * count + 3}, column 2"
    )
    assert "only blank lines and comments" in refused(comments).message


# --- in bands


def open_bands(path: Path, **options: Any) -> Bands | None:
    return delimited.open_bands(path, ReadOptions(**options), "csv")


def test_bands_hold_the_same_bits_as_the_whole(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    for matrix in (rng.normal(size=(700, 90)), rng.integers(0, 9, (1, 7)), rng.integers(0, 2**64, (9, 9), np.uint64)):
        path, copy = tmp_path / "x.csv", tmp_path / "y.csv"
        path.write_bytes(
            b"\xef\xbb\xbf# c\r\n"
            + b",".join([b"x"] * matrix.shape[1])
            + b"\r\n"
            + written(matrix).replace(b"\n", b"\r\n\r\n")
        )
        bands = open_bands(path)
        assert bands is not None
        assert (bands.shape, bands.dtype) == (matrix.shape, matrix.dtype)
        pieces = list(bands.rows())
        assert len(pieces) > 1 or len(matrix) < 700
        np.testing.assert_array_equal(np.concatenate(pieces), matrix)
        with BANDED["csv"].band_writer(copy, bands.shape, bands.dtype) as write:
            for piece in bands.rows():
                write(piece)
        assert copy.read_bytes() == written(matrix)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(text=drawn.by(lines), options=drawn.by(way))
@example(text="9007199254740993,1\n1.5,2\n", options={})
@example(text="1,2\n # c\n \n3,4", options={})
@example(text="1,2\n3,9223372036854775808", options={})
@example(text="-1,2\n3,9223372036854775808", options={})
@example(text="0,0", options={"delimiter": ",", "decimal": ","})
def test_bands_and_the_whole_agree(
    tmp_path_factory: pytest.TempPathFactory, text: str, options: dict[str, Any]
) -> None:
    path = tmp_path_factory.getbasetemp() / "agree.csv"
    path.write_bytes(text.encode())
    name = str(path)

    def in_bands() -> Any:
        bands = open_bands(path, **options)
        if bands is None:  # row labels, or marks that only quotes tell apart: the file has to be read whole
            alike = options.get("delimiter") == options.get("decimal")
            assert alike or decode(text.encode(), name, ReadOptions(**options)).warnings
            return in_whole()
        return bands.shape, bands.dtype, bands.notes, np.concatenate(list(bands.rows())).tobytes()

    def in_whole() -> Any:
        whole = decode(text.encode(), name, ReadOptions(**options))
        return whole.shape, whole.values.dtype, whole.notes, whole.values.tobytes()

    bands, whole = told(in_bands), told(in_whole)
    if isinstance(whole[0], type):  # an error; of two in one file, each way may come upon the other first
        assert isinstance(bands[0], type)
    else:
        assert bands == whole


def test_what_has_to_be_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_bytes("1,2".encode("utf-16"))
    assert open_bands(path) is None
    path.write_bytes(b"1,2")
    assert open_bands(path, layout="CL") is None


@pytest.mark.usefixtures("short_bands")
@pytest.mark.parametrize("at", [0, 2, 1200])
def test_bytes_that_are_no_text_are_placed_in_bands_too(tmp_path: Path, at: int) -> None:
    rows = [b"1.5,2.25"] * 1500
    rows[at] = b"1.5,\xe9"
    path = tmp_path / "x.csv"
    path.write_bytes(b"\n".join(rows))
    with pytest.raises(InputError, match=f"x.csv: line {at + 1}, character 5: byte 0xe9 is not UTF-8"):
        open_bands(path)


def test_a_file_that_changes_meanwhile(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("1,2\n3,4\n")
    bands = open_bands(path)
    assert bands is not None
    path.write_text("1,2\n3,4\n5,6\n")
    with pytest.raises(FileError, match="it changed while it was read"):
        list(bands.rows())


def test_a_writer_of_bands_that_is_cut_short_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("old")
    with (
        pytest.raises(RuntimeError, match="2 numbers were written where 4 were promised"),
        BANDED["csv"].band_writer(path, (2, 2), np.dtype("int64")) as write,
    ):
        write(np.array([[1, 2]]))
    assert path.read_text() == "old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["x.csv"]


def test_bands_to_stdout(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with BANDED["tsv"].band_writer("-", (2, 2), np.dtype("int64")) as write:
        write(np.array([[1, 2]]))
        write(np.array([[3, 4]]))
    assert capfdbinary.readouterr().out == b"1\t2\n3\t4\n"


@pytest.mark.usefixtures("short_bands")
def test_reading_bands_of_a_file_object_of_one_long_line() -> None:
    line = b"1," * (3 * BAND_BYTES) + b"1"
    assert list(delimited._bands(io.BytesIO(line + b"\n2"))) == [line, b"2"]


@pytest.mark.usefixtures("short_bands")
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("blank", ["", "# nothing"])
def test_lines_are_counted_from_band_to_band(end: str, blank: str) -> None:
    lines = ["1,2", blank] * 2000
    text = (end.join(lines) + end).encode()
    assert len(text) > BAND_BYTES
    assert decode(text, "x.csv").shape == (2000, 2)
    with pytest.raises(InputError, match="line 4001, column 2: 'x' is not a number"):
        decode((end.join([*lines, "5,x", "6,7"])).encode(), "x.csv")


@pytest.mark.usefixtures("short_bands")
@pytest.mark.parametrize("mark", [",", ";", " ", "\t"])
def test_a_long_line_is_read_whole_though_only_its_start_is_looked_at(mark: str) -> None:
    numbers = [f"{number}.5e0" for number in range(2000)]
    assert len(mark.join(numbers)) > 2 * BAND_BYTES
    assert decode(mark.join(numbers).encode(), "x").shape == (1, 2000)
    with pytest.raises(InputError, match="line 1, column 2001: 'NA' is not a number"):
        decode(mark.join([*numbers, "NA"]).encode(), "x")
    names = mark.join(f"e{number}" for number in range(2000))
    assert decode(f"{names}\n{mark.join(numbers)}\n".encode(), "x").shape == (1, 2000)


@pytest.mark.usefixtures("short_bands")
def test_a_long_line_of_another_length() -> None:
    lines = [",".join(["0.5"] * length) for length in (4000, 3999, 4001)]
    assert "line 2: 3999 values, expected 4000" in refused("\n".join(lines)).message


@pytest.mark.parametrize(
    ("text", "options", "place"),
    [(" ;", {"delimiter": ";"}, "line 1, column 1"), ("1,\n ,\n2,\n", {}, "line 2, column 1"),
     ("1,2\n3,\t\n5,6\n", {"columns": "2"}, "line 2, column 2")],
)  # fmt: skip
def test_a_row_of_blanks_is_not_passed_over(text: str, options: dict[str, Any], place: str) -> None:
    assert refused(text, **options).message == f"data.csv: {place}: an empty cell"


MAY_BE_NAMES = "line 1 is read as numbers; add --header yes if it names the columns"


def test_columns_that_are_counted() -> None:
    """Pandas writes such a line above columns without names, and an index beside them."""
    assert [spoken(one) for one in read("0,1,2\n7,8,9\n").warnings] == [MAY_BE_NAMES]
    assert read("0,1,2\n7,8,9\n", header="yes").values.tolist() == [[7, 8, 9]]
    for plain in ("0,1,2\n3,4,5\n", "0,1\n7,8\n", "1,2,3\n7,8,9\n", "0,1,2\n"):
        assert read(plain).warnings == ()
    beside = read(",0,1\n0,7,8\n1,9,9\n")
    assert beside.values.tolist() == [[7, 8], [9, 9]]
    assert [spoken(one) for one in beside.warnings] == [
        "column 1 holds row labels ('0' ...) and is left out; --columns 1- keeps it"
    ]
    labels = read(",a,b\nx,7,8\ny,9,9\n")  # which nothing keeps
    assert [spoken(one) for one in labels.warnings] == ["column 1 holds row labels ('x' ...) and is left out"]


def test_the_table_below_a_title_is_told_by_its_width() -> None:
    problem = refused("Station Nord\nExport 3.3.\nt,h\n1,2\n3,4\n")
    assert problem.message == "data.csv: the table of 2 columns begins in line 3, below other text"
    assert typed(problem) == "use --skip 2 to leave out what is above it"
    for ragged in ("a,b\n1,2\n3\n4\n", "x\n1,2\n3,4,5\n6,7,8\n", "a,b\nx,1\n1,2,3\n", "1\n2,3\n4,5\n"):
        assert "begins in line" not in refused(ragged).message
    assert read("a,b\nx,1,2\ny,3,4\n").values.tolist() == [[1, 2], [3, 4]]  # a header without the labels' name
    assert read("x y\n1,5 2,5 3,5\n3,5 4,5 6,5\n", decimal=",", skip=1).shape == (2, 3)


def test_years_that_may_name_columns() -> None:
    assert [spoken(one) for one in read("2021,2022,2023\n100,120,80\n").warnings] == [MAY_BE_NAMES]
    assert read("2021,2022,2023\n100,120,80\n", header="yes").values.tolist() == [[100, 120, 80]]
    for plain in ("2021,2022,2023\n2024,2025,2026\n", "2021,2022\n7,8\n", "1899,1900,1901\n7,8,9\n"):
        assert read(plain).warnings == ()
    assert read("2021,2023,2025\n7,8,9\n").warnings == read("20210,20211,20212\n7,8,9\n").warnings == ()


@pytest.mark.parametrize("layout", ["NCHW", "NHWC", "NCL", "NCDHW"])
@pytest.mark.parametrize(("images", "channels"), [(1, 3), (2, 3), (4, 1), (1, 1)])
def test_a_row_is_an_image_and_a_column_a_channel(images: int, channels: int, layout: str) -> None:
    shape = [images if letter == "N" else channels if letter == "C" else 1 for letter in layout]
    numbers = np.arange(images * channels).reshape(shape)
    text = b"".join(encode(FeatureMap.from_array(numbers, layout), WriteOptions("csv")))
    assert [len(line.split(b",")) for line in text.splitlines()] == [channels] * images


@pytest.mark.parametrize("head", ["month,2019,2020", ",0,1"])
def test_numbers_that_may_be_names_are_told(head: str) -> None:
    text = f"{head}\nJan,1.5,2\nFeb,4.5,5\n"
    found = read(text, columns="2-")
    assert len(found.values) == 3
    assert [spoken(one) for one in found.warnings] == [MAY_BE_NAMES]
    assert read(text, columns="2-", header="yes").values.tolist() == [[1.5, 2], [4.5, 5]]
    assert read(text, columns="2-", header="no").warnings == ()


def test_a_word_in_the_corner_may_stand_above_names_of_rows() -> None:
    text = "lat,5,6\n46,20,21\n47,19,20\n"
    hint = "add --header yes (and --columns 2- if column 1 names the rows) if this row names the columns, or correct it"
    assert typed(refused(text)) == hint
    assert read(text, header="yes", columns="2-").values.tolist() == [[20, 21], [19, 20]]
    assert typed(refused("1,x,3\n4,5,6\n")) == "add --header yes if this row names the columns, or correct it"


def test_numbers_beside_a_name_may_be_names_too() -> None:
    text = "Filiale,2021,2022\nNord,100,120\nOst,80,90\n"
    hint = "use --columns 2- to leave out what holds no numbers (and --header yes if this line names the columns)"
    assert typed(refused(text)) == hint
    assert read(text, columns="2-", header="yes").values.tolist() == [[100, 120], [80, 90]]


@pytest.mark.parametrize("header", ["auto", "yes"])
def test_numbers_beyond_the_columns_are_names(header: str) -> None:
    text = "Region,2021,2022,2023\nA,1,2,3\nB,5,6,7\n"
    for asked, row in (("2023,2021", [3, 1]), ("2021-2022", [1, 2]), ("2022-", [2, 3]), ("2, 2023", [1, 3])):
        assert read(text, columns=asked, header=header).values.tolist()[0] == row
    assert read("r,2023,2022,2021\nA,1,2,3\n", columns="2022-2023", header=header).values.tolist() == [[1, 2]]
    assert read("2021,2022\nr1,1,2\n", columns="2022", header=header).values.tolist() == [[2]], "a name is missing"
    assert read("2021,2022\n1,2\n", columns="2022", header=header).values.tolist() == [[2]]
    assert refused(text, PoolcliError, columns="2021,2024", header=header).message == "unknown column '2024'"
    assert read("nm,400,500\nA,1,2\n", columns="500", header=header).values.tolist() == [[2]]
    assert "no column 2021" in refused("2021,2021\n1,2\n", columns="2021", header=header).message
    assert typed(refused(text, columns="7", header=header)) == "use --columns 1-4"
    assert typed(refused(text, columns="2022", header="no")) == "use --columns 1-4"


def test_hints_keep_the_names_that_were_asked_for() -> None:
    text = "Region,2021,2022,2023\nA,1,2,3\nB,5,6,7\n"
    assert typed(refused(text, columns="Region,2022")) == "use --columns 2022 to leave out what holds no numbers"
    hint = "use --columns 2- to leave out what holds no numbers (and --header yes)"
    assert typed(refused(text, columns="Region")) == hint
    assert read(text, columns="2-", header="yes").values.tolist() == [[1, 2, 3], [5, 6, 7]]


def test_a_range_of_columns_that_runs_backwards_is_a_name() -> None:
    assert read("m,2024-11,2024-12\nA,1,2\n", columns="2024-12").values.tolist() == [[2]]
    assert refused("m,a\nA,1\n", PoolcliError, columns="2-1").message == "unknown column '2-1'"


def test_decimal_commas_in_one_column_lead_to_their_option() -> None:
    decimals = "add --decimal , if these are decimal commas"
    for text in ("0,5\n1,25\n2\n", "2\n0,5\n1,25\n"):
        assert typed(refused(text)) == f"give every row the same length, or {decimals}"
    assert typed(refused("temp\n0,5\n2\n")).endswith(f" a name; or {decimals}")
    assert read("temp\n0,5\n2\n", decimal=",").values.tolist() == [[0.5], [2]]
    for text in ("1,2\n3,4,5\n", "1;2\n3\n"):
        assert typed(refused(text)) == "give every row the same length"


def test_hints_keep_the_columns_that_were_asked_for() -> None:
    text = "t,a,b\n2026-05-01T00:00Z,1,2\n2026-05-02T00:00Z,1,2\n"
    assert typed(refused(text, columns="3,1")) == "use --columns 3 to leave out what holds no numbers"
    assert typed(refused(text, columns="1")) == "use --columns 2- to leave out what holds no numbers"
    assert typed(refused(text, delimiter=";")) == "add --delimiter , if the comma separates"


def test_names_of_columns_and_no_header_contradict_each_other() -> None:
    with pytest.raises(UsageError, match="names of columns stand in a header") as caught:
        read("temp,b\n1,2\n3,4\n", columns="temp", header="no")
    assert typed(caught.value) == "drop --header no, or give --columns by number"


@pytest.mark.parametrize("text", ["1,2,3\n,5,6\n", "1,,3\n4,5,6\n", "1,2,3\n4,,\n"])
def test_only_a_last_empty_cell_may_be_a_delimiter_too_many(text: str) -> None:
    with pytest.raises(InputError) as caught:
        read(text)
    assert typed(caught.value) == (
        f"add --missing {shell_word('')} if it is a missing value; with --nan ignore the windows skip it"
    )


@pytest.mark.parametrize(
    ("words", "skips"),
    [
        ("pool", True), ("explain", True), ("compare -m max,avg", True), ("batch -o out", True), ("grad", True),
        ("run", True), ("show", False), ("conv --filter box", False), ("pool --compat torch", False),
        ("compare --side torch --side onnx", False),
    ],
)  # fmt: skip
def test_the_advice_names_the_next_step_where_there_is_one(call: Run, tmp_path: Path, words: str, skips: bool) -> None:
    (tmp_path / "a.csv").write_text("1,,3\n4,5,6\n", encoding="ascii")
    name, *options = words.split()
    told = call(name, "a.csv", *options, *["pool"] * (name == "run"), cwd=tmp_path).err
    assert f"--missing {shell_word('')} if it is a missing value" in told
    assert ("with --nan ignore the windows skip it" in told) is skips


def test_the_advice_about_a_missing_value_leads_to_numbers(call: Run, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("1,,3\n4,5,6\n", encoding="ascii")
    assert call("pool", "a.csv", "--missing", "", "--nan", "ignore", "-f", "csv", cwd=tmp_path).out == "5.0\n"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("pool --missing NA", True), ("run --missing NA", True), ("pool --missing NA --nan ignore", False),
        ("pool --missing NA --compat torch", False), ("pool --missing NA --columns 3", False), ("pool", False),
        ("pool --json", False), ("pool --input-format json --json", True),
    ],
)  # fmt: skip
def test_missing_values_that_reach_the_result_lead_to_the_option_that_skips_them(
    call: Run, tmp_path: Path, words: str, told: bool
) -> None:
    text = "1,NA,3\n4,5,6\n" if "NA" in words else "1,nan,3\n4,5,6\n"
    (tmp_path / "a.csv").write_text("[[1,null,3],[4,5,6]]" if "input-format" in words else text, encoding="ascii")
    name, *options = words.split()
    made = call(
        name, "a.csv", *options, *["pool", "-k", "1"] * (name == "run"), *["-k", "1"] * (name == "pool"), cwd=tmp_path
    )
    note = "note: missing values make results nan; with --nan ignore the windows skip them\n"
    assert (made.code, note in made.err) == (0, told)


def test_the_advised_list_of_missing_values_holds_those_given(call: Run, tmp_path: Path) -> None:
    source = tmp_path / "in.csv"
    source.write_text("1,,3\nNA,2,-\n4,5,6\n")
    said: list[str] = []
    for lists in ("", ",NA", ",NA,-"):
        refused = call("pool", "--format", "csv", "--size", "1", *said, source)
        assert f"add --missing {shell_word(lists)} if it" in refused.err
        said = ["--missing", lists]
    wanted = call("pool", "--format", "csv", "--size", "1", *said, source)
    assert wanted.out == "1.0,nan,3.0\nnan,2.0,nan\n4.0,5.0,6.0\n"
    again = call("pool", "--format", "csv", "--size", "1", "--missing", "NA", "--missing", "", "--missing", "-", source)
    assert again.out == wanted.out, "repeated, they add up"


def test_missing_in_the_environment_is_one_value(call: Run, tmp_path: Path) -> None:
    (source := tmp_path / "in.csv").write_text("1,not there\n3,4\n")
    assert (
        call("pool", "--format", "csv", "--size", "1", source, env={"POOLCLI_MISSING": "not there,NA"}).out
        == "1.0,nan\n3.0,4.0\n"
    )

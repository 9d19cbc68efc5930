"""Files as they come: the right number or an error that names the cell, never silently another number."""

from __future__ import annotations

import io
import math
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from poolcli.errors import InputError, PoolcliError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.formats import decode, encode
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.system.portable import shell_word
from tests.support import drawn
from tests.support.hints import typed
from tests.support.process import Run
from tests.support.rows import in_turn


def read(text: str | bytes, name: str = "data.csv", **options: Any) -> FeatureMap:
    return decode(text.encode() if isinstance(text, str) else text, name, ReadOptions(**options))


def written(feature_map: FeatureMap, format: str, **options: Any) -> bytes:  # noqa: A002 -- as the option is called
    return b"".join(encode(feature_map, WriteOptions(format, **options)))


def refused(text: str | bytes, name: str = "data.csv", **options: Any) -> PoolcliError:
    with pytest.raises(PoolcliError) as caught:
        read(text, name, **options)
    return caught.value


# --- notations of numbers

NANS = ["nan", "NaN", "-nan", "+nan", "NaNQ", "nans", "nan(ind)", "-nan(ind)", "nan(snan)", "nan(0x8000000000000)",
        "1.#QNAN", "-1.#IND", "1.#QNAN0", "-1.#IND00", "1.#SNAN", "1#QNAN"]  # fmt: skip
INFINITIES = ["inf", "Inf", "INF", "+inf", "infinity", "Infinity", "1.#INF", "1.#INF00", "\u221e"]


@in_turn("word", NANS)
@in_turn("place", [0, 1, 2])
def test_nan_as_libraries_print_it(word: str, place: int) -> None:
    cells = ["5", "6", "7"]
    cells[place] = word
    for text in (",".join(cells), "1,2,3\n" + ",".join(cells), ",".join(cells) + "\n1,2,3"):
        found = read(text).values
        assert math.isnan(found[text.count("\n") and int(text.startswith("1,2,3\n")), place])
        assert np.isnan(found).sum() == 1
        assert len(found) == text.count("\n") + 1


@pytest.mark.parametrize("word", INFINITIES)
def test_infinity_as_libraries_print_it(word: str) -> None:
    assert read(f"1,{word}\n3,4\n").values[0, 1] == math.inf
    if word[0] != "+":
        assert read(f"-{word},2\n3,4\n").values[0, 0] == -math.inf


def test_exponents_as_fortran_prints_them() -> None:
    found = read("  0.1D+01 -2.5d-3\n1.0D+300 3E2\n").values
    assert found.tolist() == [[1.0, -0.0025], [1e300, 300.0]]


@pytest.mark.parametrize(
    "cell",
    ["2%", "0x1F", "1'000", "1_000", "\u0662", "\u00bd", "(5)", "$5", "5 kg", "1e", "****", "1.#J", "--5"],
)
@pytest.mark.parametrize("line", [1, 2])
def test_what_is_no_number_is_neither_a_header_nor_dropped(cell: str, line: int) -> None:
    rows = ["5;6", "7;8"]
    rows.insert(line - 1, f"{cell};{cell}")
    problem = refused("\n".join(rows) + "\n")
    assert f"line {line}, column 1" in problem.message
    assert problem.hint


# --- what stands for nothing

SHEET_ERRORS = [
    "#N/A", "#NV", "#N/V", "#N/D", "#N/B", "#I/T", "#YOK", "#HIÁNYZIK", "#\u041d/\u0414", "#N/DISP", "#DIV/0!",
    "#VALUE!", "#REF!", "#NAME?", "#NUM!", "#NULL!", "#WERT!", "#BEZUG!", "#ZAHL!", "#VALEUR!", "#NOM?",
    "#NOMBRE!", "#¡DIV/0!", "#¡VALOR!", "#¿NOMBRE?", "#¡NUM!", "#VALORE!", "#RIF!", "#NOME?", "#NÚM!",
    "#DEEL/0!", "#WAARDE!", "#VERW!", "#NAAM?", "#GETAL!", "#SAKNAS!", "#VÄRDEFEL!", "#PUUTTUU!", "#JAKO/0!",
    "#DZIEL/0!", "#ARG!", "#LICZBA!", "#DĚLENÍ_NULOU!", "#ZÉRÓOSZTÓ!", "#ÉRTÉK!", "#ДЕЛ/0!", "#ЗНАЧ!",
    "#ССЫЛКА!", "#ИМЯ?", "#ЧИСЛО!", "#SAYI/0!", "#DEĞER!", "#\u03a4\u0399\u039c\u0397!",
    "#\u0394\u0399\u0391\u0399\u03a1./0!", "#\u0394/\u03a5", "#\u503c!", "#SPILL!", "#CALC!",
    "#GETTING_DATA", "Err:502",
]  # fmt: skip


@in_turn("word", SHEET_ERRORS)
@in_turn("place", [0, 1, 2])
@in_turn("mark", [",", ";", "\t"])
def test_errors_of_spreadsheets_are_cells(word: str, place: int, mark: str) -> None:
    cells = ["5", "6", "7"]
    cells[place] = word
    text = f"1{mark}2{mark}3\n{mark.join(cells)}\n7{mark}8{mark}9\n"
    problem = refused(text)
    assert problem.message == f"data.csv: line 2, column {place + 1}: {word!r} is not a number"
    advice = f"add --missing {shell_word(word)} if it stands for a missing value; with --nan ignore the windows skip it"
    assert typed(problem) == advice
    found = read(text, missing=word).values
    assert found.shape == (3, 3)
    assert np.argwhere(np.isnan(found)).tolist() == [[1, place]]


def test_a_first_row_of_errors_is_no_header() -> None:
    assert "line 1, column 1: '#N/A'" in refused("#N/A,#NV\n1,2\n").message


@pytest.mark.parametrize("text", ["# a\n1,2\n", "#a\n1,2\n", "1,2 # b\n", "1,2\t#5\n", "  # x\n1,2\n", "#,\n1,2\n"])
def test_comments_are_still_passed_over(text: str) -> None:
    assert read(text).values.tolist() == [[1, 2]]


def test_a_mark_within_a_cell_belongs_to_it() -> None:
    assert "'2#5' is not a number" in refused("1,2#5\n3,4\n").message


@pytest.mark.parametrize(
    ("text", "missing", "expected"),
    [
        ("1,NA\n3,4\n", "NA", [[1, math.nan], [3, 4]]),
        ("1,\n,4\n", "", [[1, math.nan], [math.nan, 4]]),
        ("1,NA\n,4\n", "NA,", [[1, math.nan], [math.nan, 4]]),
        ('1,"NA"\n3,4\n', "NA", [[1, math.nan], [3, 4]]),
        ("-9999,2\n3,-9999.0\n", "-9999", [[math.nan, 2], [3, math.nan]]),
        ("NA,NA\n3,4\n", "NA", [[math.nan, math.nan], [3, 4]]),
        ("1;n. v.\n3;4\n", "n. v.", [[1, math.nan], [3, 4]]),
        ("[[1, -9999]]", "-9999", [[1, math.nan]]),
        ('[[1, "NA"]]', "NA", [[1, math.nan]]),
    ],
)
def test_missing(text: str, missing: str, expected: list[list[float]]) -> None:
    found = read(text, "data", missing=missing).values
    assert found.dtype == np.float64
    np.testing.assert_array_equal(found, expected)


def test_missing_leaves_alone_what_is_there() -> None:
    assert read("1,NAN\n3,4\n", missing="NA").values.dtype == np.float64
    assert "'NA1' is not a number" in refused("1,NA1\n3,4\n", missing="NA").message
    assert read("1,2\n", missing="NA").values.dtype == np.int64


def test_integers_that_nan_would_spoil_are_refused() -> None:
    assert "lose digits" in refused(f"{2**60 + 1},-1\n", missing="-1").message


# --- labels, headers, columns


@pytest.mark.parametrize(
    "text",
    [
        '"","V1","V2"\n"1",5,6\n"2",7,8\n"3",1,2\n"4",3,4\n',  # R: write.csv
        '"V1" "V2"\n"1" 5 6\n"2" 7 8\n"3" 1 2\n"4" 3 4\n',  # R: write.table
        "V1\tV2\nx\t5\t6\ny\t7\t8\nz\t1\t2\nw\t3\t4\n",  # R: quote = FALSE, sep = tab
        ",a,b\n0,5,6\n1,7,8\n2,1,2\n3,3,4\n",  # pandas
        ",a,b\n2020-01-01,5,6\n2020-01-02,7,8\n2020-01-03,1,2\n2020-01-04,3,4\n",  # pandas, an index of dates
    ],
)
def test_row_labels_are_left_out(text: str) -> None:
    found = read(text)
    assert found.values.tolist() == [[5, 6], [7, 8], [1, 2], [3, 4]]
    assert "row labels" in str(found.warnings[0])


def test_blanks_and_tabs_separate_after_a_quoted_label() -> None:
    text = 'V1 V2\nx  \t5\t6\n"La y" \t7\t8\n"z"\t1 \t2\nw\t3 4\n'
    assert read(text, delimiter="blanks").values.tolist() == [[5, 6], [7, 8], [1, 2], [3, 4]]


def test_a_header_with_blanks_above_tabs_leads_to_blanks() -> None:
    text = "V1 V2 V3\nx\t5\t6\t7\ny\t7\t8\t9\n"
    with pytest.raises(InputError) as caught:
        read(text)
    assert typed(caught.value) == "add --delimiter blanks if blanks separate as well"
    assert read(text, delimiter="blanks").values.tolist() == [[5, 6, 7], [7, 8, 9]]


def test_stars_are_missing_or_too_narrow() -> None:
    with pytest.raises(InputError) as caught:
        read("1,***\n2,3\n")
    assert "--missing" in typed(caught.value)
    assert np.isnan(read("1,***\n2,3\n", missing="***").values[0, 1])


def test_labels_that_are_numbers_can_be_kept() -> None:
    found = read(",a,b\n0,5,6\n1,7,8\n", columns="1-")
    assert found.values.tolist() == [[0, 5, 6], [1, 7, 8]]
    assert not found.warnings


@pytest.mark.parametrize(
    ("columns", "expected"),
    [("2-", [[5, 6], [7, 8]]), ("3,1", [[6, 1], [8, 2]]), ("a", [[5], [7]]), ("b,t", [[6, 1], [8, 2]]),
     ("1-2", [[1, 5], [2, 7]]), ("2", [[5], [7]])],
)  # fmt: skip
def test_columns(columns: str, expected: list[list[int]]) -> None:
    assert read("t,a,b\n1,5,6\n2,7,8\n", columns=columns).values.tolist() == expected
    assert read('"t";"a";"b"\n"1";"5";"6"\n2;7;8\n', columns=columns).values.tolist() == expected


def test_an_empty_cell_of_the_only_column_that_is_read_is_not_passed_over() -> None:
    assert "line 3, column 2: an empty cell" in refused(",a\n1,5\n2,\n").message
    assert "line 3, column 2: an empty cell" in refused("t,a\n1,5\n2,\n", columns="a").message
    np.testing.assert_array_equal(read(",a\n1,5\n2,\n", missing="").values, [[5], [math.nan]])


def test_columns_in_the_middle_may_be_text() -> None:
    text = "1,x,3\n4,y,6\n"
    problem = refused(text)
    assert (problem.message, typed(problem)) == (
        "data.csv: line 1, column 2: 'x' is not a number",
        "use --columns 1,3 to leave out what holds no numbers (and --header yes if this line names the columns)",
    )  # fmt: skip
    assert read(text, columns="1,3").values.tolist() == [[1, 3], [4, 6]]


@pytest.mark.parametrize(
    ("columns", "message"),
    [("5", "there is no column 5, only 3"), ("z", "unknown column 'z'"), ("1,,2", "has an empty item")],
)
def test_columns_that_are_not_there(columns: str, message: str) -> None:
    problem = refused("t,a,b\n1,5,6\n2,7,8\n", columns=columns)
    assert message in problem.message
    assert problem.hint


def test_lines_before_the_table_may_be_anything() -> None:
    text = b"Instrument: 20 \xb0C\r\n\r\nt;h\r\n1,5;2\r\n2,5;3\r\n"
    assert read(text, skip=2, decimal=",").values.tolist() == [[1.5, 2], [2.5, 3]]
    assert "line 5, column 2" in refused(text.replace(b";3", b";x"), skip=2, decimal=",").message
    assert "below the 9 lines" in refused(text, skip=9).message
    assert read("a\n1,2\n".encode("utf-16"), skip=1).values.tolist() == [[1, 2]]
    with pytest.raises(UsageError):
        read("1,2\n", skip=-1)


@pytest.mark.parametrize("mark", ["|", ":", "&", "!", "§", "\u00a0"])
def test_any_character_separates(mark: str) -> None:
    text = f"1.5{mark}2\n3{mark}nan\n"
    np.testing.assert_array_equal(read(text, delimiter=mark).values, [[1.5, 2], [3, math.nan]])
    assert read(f"1,5{mark}2\n", delimiter=mark, decimal=",").values.tolist() == [[1.5, 2]]


# --- pictures


def tiff(array: np.ndarray[Any, Any], nodata: str | None = None) -> bytes:
    file, tags = io.BytesIO(), ImageFileDirectory_v2()
    if nodata:
        tags[42113] = nodata
    Image.fromarray(array).save(file, "TIFF", tiffinfo=tags)
    return file.getvalue()


@pytest.mark.parametrize("dtype", ["int32", "float32"])
def test_a_tiff_keeps_numbers_that_are_no_pixels(dtype: str) -> None:
    array = np.array([[30000, -31000], [32000, 40000]], dtype)
    back = read(written(read(tiff(array), "x.tif"), "tiff"), "y.tif")
    assert back.values.dtype == dtype
    np.testing.assert_array_equal(back.values, array)
    stretched = read(written(read(tiff(array), "x.tif"), "tiff", normalize="minmax"), "y.tif")
    assert stretched.values.dtype == np.uint8


def test_a_tiff_says_what_is_missing() -> None:
    found = read(tiff(np.array([[100, -9999], [300, 400]], np.int32), "-9999"), "x.tif")
    np.testing.assert_array_equal(found.values, [[100, math.nan], [300, 400]])
    assert found.warnings == ("1 value missing (GDAL_NODATA of the file), taken as NaN",)
    np.testing.assert_array_equal(read(written(found, "tiff"), "y.tif").values, found.values)


@pytest.mark.parametrize("most", [1, 15, 100, 255, 1023, 4095, 65535])
@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("plain", [True, False])
def test_netpbm_of_any_maximum(most: int, channels: int, plain: bool) -> None:
    shape = (2, 3, 3) if channels == 3 else (2, 3)
    array = np.random.default_rng(0).integers(0, most + 1, shape)
    letter = {(1, True): 2, (3, True): 3, (1, False): 5, (3, False): 6}[channels, plain]
    head = f"P{letter}\n# made by hand\n3 2\n{most}\n".encode()
    body = (
        " ".join(map(str, array.ravel())).encode() if plain else array.astype(">u2" if most > 255 else "u1").tobytes()
    )
    found = read(head + body, "x.ppm", channels="rgb")
    assert found.white == most
    np.testing.assert_array_equal(found.array, array)
    np.testing.assert_array_equal(read(written(found, "ppm"), "y.ppm", channels="rgb").array, array)


def test_netpbm_that_is_damaged() -> None:
    assert "cut off: 3 of 4" in refused(b"P2\n2 2\n9\n1 2 3\n", "x.pgm").message
    assert "12 is larger than the maximum 9" in refused(b"P2\n2 1\n9\n1 12\n", "x.pgm").message
    assert "not between 1 and 65535" in refused(b"P2\n2 1\n70000\n1 12\n", "x.pgm").message
    assert "'x' is not a pixel" in refused(b"P2\n2 1\n9\n1 x\n", "x.pgm").message


def test_every_frame_becomes_an_axis() -> None:
    frames = [Image.fromarray(np.full((2, 3), 10 * index, np.uint8)) for index in range(4)]
    file = io.BytesIO()
    frames[0].save(file, "TIFF", save_all=True, append_images=frames[1:])
    found = read(file.getvalue(), "x.tif", frame="all")
    assert (found.layout, found.shape) == ("DHW", (4, 2, 3))
    assert found.values[:, 0, 0].tolist() == [0, 10, 20, 30]
    assert read(file.getvalue(), "x.tif", frame="2").values.max() == 20
    with pytest.raises(UsageError, match="neither a number from 0 nor all"):
        read(file.getvalue(), "x.tif", frame="last")


def test_light_goes_there_and_back() -> None:
    board = np.kron(np.eye(2), np.ones((1, 1))).astype(np.uint8) * 255
    file = io.BytesIO()
    Image.fromarray(board).save(file, "PNG")
    found = read(file.getvalue(), "x.png", linear_light=True)
    half = found.with_(values=found.values.mean(keepdims=True))
    assert read(written(half, "png"), "y.png").values.tolist() == [[188]]
    for level in range(256):
        one = FeatureMap(np.array([[level]], np.uint8), white=255)
        assert (
            read(written(read(written(one, "png"), "x.png", linear_light=True), "png"), "y.png").values[0, 0] == level
        )
    with pytest.raises(UsageError, match="no pixels whose light is known"):
        read("1,2\n", linear_light=True)


# --- any matrix in any notation


def spelled(value: float, way: int, decimal: str) -> str:
    if math.isnan(value):
        return NANS[way % len(NANS)].replace(".", decimal)
    if math.isinf(value):
        return ("-" if value < 0 else "") + ["inf", "Infinity", "1.#INF".replace(".", decimal)][way % 3]
    text = [repr(value), f"{value:.17e}", f"{value:.17E}".replace("E", "D")][way % 3]
    return text.replace(".", decimal)


def matrix(draw: Random) -> list[list[float]]:
    """Numbers of any kind, many of them missing or infinite."""
    width, some = draw.randint(1, 4), (math.nan, math.inf)
    return [
        [
            draw.choice((drawn.double(draw), float(draw.randint(-(10**6), 10**6)), draw.choice(some)))
            for _ in range(width)
        ]
        for _ in range(draw.randint(1, 5))
    ]


WORDS = ["NA", "n. v.", "-", "#N/A", "-9999", "***", "null", "."]  # for what is missing
LABELS = ["", "pandas", "text", "dates", "R", "sheet"]
PREAMBLE = ["anything, 5", "Instrument: 20 \u00b0C;;", "# 1 2 3", "", "1;2;3", '"open']


def labelled(rows: list[list[str]], kind: str, *, blanks: bool) -> list[list[str]]:
    """Return rows as programs write them that name rows and columns: R leaves out the name of the names."""
    if not kind:
        return rows
    names = [f"c{index}" for index in range(len(rows[0]))]
    empty = '""' if blanks or kind == "sheet" else ""
    head = names if kind == "R" and len(names) > 1 else [empty, *names]
    label = {"pandas": "{0}", "text": "r{0}", "dates": "2020-01-{1:02}", "R": '"{1}"', "sheet": '"row {1}"'}[kind]
    return [head, *([label.format(index, index + 1), *row] for index, row in enumerate(rows))]


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(
    numbers=drawn.by(matrix), draw=drawn.by(drawn.it), quoted=st.booleans(), trailing=st.booleans(),
    missing=st.sampled_from([None, *WORDS]), comment=st.booleans(),
)  # fmt: skip
def test_any_matrix_in_any_notation_comes_back(
    numbers: list[list[float]], draw: Random, quoted: bool, trailing: bool, missing: str | None, comment: bool
) -> None:
    mark, decimal, way, labels = draw.choice(";\t| &"), draw.choice(".,"), draw.randint(0, 99), draw.choice(LABELS)
    preamble, end = draw.choices(PREAMBLE, k=draw.randint(0, 3)), draw.choice(("\n", "\r\n", "\r"))
    code, blanks = draw.choice(("utf-8", "utf-16", "utf-8-sig")), mark == " "
    assume(not (blanks and not quoted and missing and " " in missing))

    def cell(value: float, index: int) -> str:
        return missing if missing and math.isnan(value) else spelled(value, way + index, decimal)

    assume(missing != "-9999" or not any(value == -9999 for row in numbers for value in row))
    rows = labelled([[cell(value, index) for index, value in enumerate(row)] for row in numbers], labels, blanks=blanks)
    if quoted:
        rows = [[one if one.startswith('"') else f'"{one}"' for one in row] for row in rows]
    lines = [mark.join(row) + (mark if trailing and not blanks else "") for row in rows]
    if comment:
        lines.insert(0, "# 1;2;3")
    text = end.join([*preamble, *lines]) + end
    options: dict[str, Any] = {"skip": len(preamble), "decimal": decimal, "missing": missing,
                               "delimiter": {" ": "blanks", "\t": "tab"}.get(mark, mark)}  # fmt: skip
    np.testing.assert_array_equal(read(text.encode(code), **options).values, numbers)


@pytest.mark.parametrize(
    ("text", "options", "expected"),
    [
        # Octave: save -text
        ("# Created by Octave 8.4.0, Mon Jan 01 2024 <x@y>\n# name: a\n# type: matrix\n# rows: 2\n# columns: 2\n"
         " 1 2.5\n 3 NaN\n\n\n", {}, [[1, 2.5], [3, math.nan]]),
        # Julia: writedlm; CSV.write of a matrix
        ("1.0\t2.0\n3.0\tNaN\n", {}, [[1, 2], [3, math.nan]]),
        ("x1,x2\n1.0,2.0\n3.0,-Inf\n", {}, [[1, 2], [3, -math.inf]]),
        # R: write.csv with row names, NA and a negative exponent
        ('"","a","b"\n"1",1e-05,NA\n"2",3,4\n', {"missing": "NA"}, [[1e-5, math.nan], [3, 4]]),
        # R: write.csv2
        ('"";"a";"b"\n"1";1,5;2\n"2";3;4\n', {"decimal": ","}, [[1.5, 2], [3, 4]]),
        # MATLAB: writematrix; dlmwrite
        ("1,NaN\n3,4\n", {}, [[1, math.nan], [3, 4]]),
        # Fortran: list-directed, with widths too small
        ("   1.000D+00  -2.500D-03\n  *********   4.0\n", {"missing": "*********"}, [[1, -0.0025], [math.nan, 4]]),
        # Excel in German
        (";A;B\r\nx;1,5;#NV\r\ny;3;4\r\n", {"decimal": ",", "missing": "#NV"}, [[1.5, math.nan], [3, 4]]),
        # LibreOffice, quoted texts
        ('"t";"h"\n"1";2\n3;Err:502\n', {"missing": "Err:502"}, [[1, 2], [3, math.nan]]),
        # a sensor's log: units below the names
        ("time,temp\ns,C\n0,20.5\n1,20.6\n", {"skip": 2}, [[0, 20.5], [1, 20.6]]),
    ],
)  # fmt: skip
def test_what_programs_write(text: str, options: dict[str, Any], expected: list[list[float]]) -> None:
    np.testing.assert_array_equal(read(text, **options).values, expected)


CELLS = [*NANS, *SHEET_ERRORS, "1", "-2.5", "", "NA", "x", "2%", "0x1F", "1D3", '"7"']


@settings(max_examples=200, deadline=None)
@given(drawn.by(lambda draw: [draw.choices(CELLS, k=2) for _ in range(draw.randint(1, 4))]))
def test_every_row_is_read_or_refused(rows: list[list[str]]) -> None:
    """No row of data vanishes: there are as many rows as lines, but for one header of names alone."""
    try:
        found = read("\n".join(",".join(row) for row in rows) + "\n", missing="NA,")
    except InputError:
        return
    header = all(not cell or cell == "x" for cell in rows[0]) and "x" in rows[0]
    assert len(found.values) == len(rows) - header


# --- grids, archives, files of other kinds

GRID = """ncols         4
nrows         3
xllcorner     1000
yllcorner     2000
cellsize      10
NODATA_value  -9999
1 2 3 -9999
5 6 7 8
9 10 11 12
"""


def test_a_grid_says_what_is_missing() -> None:
    found = read(GRID, "x.asc")
    np.testing.assert_array_equal(found.values, [[1, 2, 3, math.nan], [5, 6, 7, 8], [9, 10, 11, 12]])
    assert found.warnings == ("1 value missing (NODATA_value of the file), taken as NaN",)
    assert read(GRID, "x").origin["grid"] == found.origin["grid"]
    assert written(found, "asc").decode().split() == GRID.replace(" 2 3 -9999", ".0 2.0 3.0 -9999.0").replace(
        "5 6 7 8\n9 10 11 12", "5.0 6.0 7.0 8.0\n9.0 10.0 11.0 12.0"
    ).split()  # fmt: skip


def test_rows_of_a_grid_may_be_broken_anywhere() -> None:
    broken = GRID.replace("5 6 7 8\n9", "5 6\n7 8 9")
    np.testing.assert_array_equal(read(broken, "x.asc").values, read(GRID, "x.asc").values)


@in_turn("columns", ["0", "A", "1:", "-1", "0-2"])
def test_columns_are_not_looked_for_among_numbers(columns: str) -> None:
    problem = refused("78,0,10\n1,2,3\n", columns=columns)
    assert problem.message == f"data.csv: no column is named {columns!r}: line 1 holds numbers, not names"
    assert typed(problem) == "columns are counted from 1: --columns 1-3; add --header yes if that line names them"
    assert read("78,0,10\n1,2,3\n", "x.csv", columns="0", header="yes").values.tolist() == [[2]]


def test_the_upper_left_corner_of_a_grid_stays() -> None:
    step = {"step": "pool", "mode": "max", "size": [2, 2], "stride": [2, 2], "shape": [1, 2]}
    pooled = read(GRID, "x.asc").with_(values=np.array([[6.0, 8.0]]), steps=(step,))
    head = dict(line.split() for line in written(pooled, "asc").decode().splitlines()[:5])
    assert head == {"ncols": "2", "nrows": "1", "xllcorner": "1000", "yllcorner": "2010", "cellsize": "20"}
    smooth = {"step": "pool", "mode": "avg", "size": [3, 3], "stride": [1, 1], "shape": [1, 2]}
    head = dict(line.split() for line in written(pooled.with_(steps=(smooth,)), "asc").decode().splitlines()[:5])
    assert (head["xllcorner"], head["yllcorner"], head["cellsize"]) == ("1010", "2010", "10")


@in_turn("words", [
    "pool -k 3 -s 1 -p same", "pool -k 3 -s 2 -p 1", "pool -k 2 -s 2 -p same", "pool -k 2 -s 2 -p same-lower",
    "pool -k 3 -s 1 --dilation 2 -p 1", "pool -k 3 -s 2 --ceil-mode", "pool -k 2 -s 2 -p 1,0,0,1",
    "conv --filter gaussian", "conv --filter gaussian -p same",
    "run - conv --filter box --padding same then pool --size 2",
])  # fmt: skip
def test_cells_of_a_grid_lie_where_their_windows_do(call: Run, words: str) -> None:
    """The average of the cells' own positions is the position of the result's cell, where a window has no padding."""
    side, rows, columns = 10, 7, 9
    east, north = np.meshgrid(1000 + side * (np.arange(columns) + 0.5), 2000 + side * (np.arange(rows)[::-1] + 0.5))
    for axis, cells in enumerate((north, east)):
        table = "\n".join(" ".join(map(str, row)) for row in cells)
        head = f"ncols {columns}\nnrows {rows}\nxllcorner 1000\nyllcorner 2000\ncellsize {side}\n"
        mean = ["--mode", "avg"] if "pool" in words else []
        made = read(call(*words.split(), *mean, "-f", "asc", stdin=head + table).out, "x.asc")
        grid = made.origin["grid"]
        index = [length // 2 for length in made.values.shape]
        corner, place = (("y", made.values.shape[0] - 1 - index[0]), ("x", index[1]))[axis]
        assert made.values[tuple(index)] == pytest.approx(grid[corner] + (place + 0.5) * grid["cell"], abs=0.01)


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({"step": "pool", "size": [2, 1], "stride": [2, 1]}, "strides are 2 and 1"),
        ({"step": "pool", "mode": "max", "global": True}, "do not stay a grid after this pool"),
        ({"step": "unpool", "size": [2, 2], "stride": [2, 2]}, "do not stay a grid after this unpool"),
    ],
)
def test_what_is_no_grid_any_more(step: dict[str, Any], message: str) -> None:
    with pytest.raises(PoolcliError, match=message):
        written(read(GRID, "x.asc").with_(steps=(step,)), "asc")


def test_a_number_that_would_be_taken_for_missing_is_refused() -> None:
    found = read(GRID, "x.asc")
    with pytest.raises(PoolcliError, match="-9999 stands for a missing value"):
        written(found.with_(values=np.array([[-9999.0]])), "asc")
    with pytest.raises(PoolcliError, match="cannot hold infinity"):
        written(found.with_(values=np.array([[math.inf]])), "asc")
    with pytest.raises(PoolcliError, match="a grid is one map"):
        written(FeatureMap.from_array(np.zeros((2, 2, 2))), "asc")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [("nrows         3", "nrows 4", "the header promises 4x4 numbers, but 12 are there"),
     ("ncols         4", "ncols 0", "needs ncols of at least 1"),
     ("cellsize      10", "cellsize -1", "needs a cellsize above 0"),
     ("5 6", "5 x", "'x' is not a number"), ("xllcorner     1000", "xllcorner here", "xllcorner is not a number")],
)  # fmt: skip
def test_grids_that_are_damaged(old: str, new: str, message: str) -> None:
    assert message in refused(GRID.replace(old, new), "x.asc").message


def test_the_middle_of_a_cell_is_half_a_cell_from_its_corner() -> None:
    centred = GRID.replace("xllcorner     1000", "XLLCENTER 1005").replace("yllcorner     2000", "YLLCENTER 2005")
    assert read(centred, "x.asc").origin["grid"] == read(GRID, "x.asc").origin["grid"]


def test_cells_that_are_not_square_are_read_and_not_written() -> None:
    found = read(GRID.replace("cellsize      10", "dx 1\ndy 2"), "x.asc")
    np.testing.assert_array_equal(found.values, read(GRID, "x.asc").values)
    with pytest.raises(PoolcliError, match="not square"):
        written(found, "asc")
    assert written(read(GRID.replace("cellsize      10", "dx 10\ndy 10"), "x.asc"), "asc") == written(
        read(GRID, "x.asc"), "asc"
    )


def test_comments_between_the_rows_of_a_grid_are_passed_over() -> None:
    np.testing.assert_array_equal(
        read(GRID.replace("5 6", "# the middle\n5 6"), "x.asc").values, read(GRID, "x.asc").values
    )


@pytest.mark.parametrize("head", ["-3.4028234663852886e+38", "-3.40282346639e+38", "-3.402823e+38", "-3.4028235E38"])
@pytest.mark.parametrize("cell", ["-3.4028234663852886e+38", "-3.40282346639e+38", "-3.4028235e+38"])
def test_the_smallest_float32_is_no_height_however_it_is_written(head: str, cell: str) -> None:
    text = GRID.replace("NODATA_value  -9999", f"NODATA_value {head}").replace("3 -9999", f"3 {cell}")
    found = read(text, "x.asc")
    if head == "-3.402823e+38" and cell != head:  # another float32, as GDAL has it
        assert not np.isnan(found.values).any()
        return
    assert np.argwhere(np.isnan(found.values)).tolist() == [[0, 3]]


def test_what_is_missing_is_compared_as_the_file_holds_it() -> None:
    lowest = np.finfo(np.float32).min
    found = read(tiff(np.array([[0.5, lowest]], np.float32), "-3.40282346639e+38"), "x.tif")
    np.testing.assert_array_equal(found.values, np.array([[0.5, math.nan]], np.float32))
    file = io.BytesIO()
    np.save(file, np.array([[0.1, 0.2]], np.float32))
    np.testing.assert_array_equal(np.isnan(read(file.getvalue(), "x.npy", missing="0.1").values), [[True, False]])


def npz(**named: np.ndarray[Any, Any]) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, **named)  # type: ignore[arg-type]  # allow_pickle is none of the names
    return file.getvalue()


def test_the_arrays_of_an_archive() -> None:
    one, two = np.arange(4).reshape(2, 2), np.ones((1, 3))
    np.testing.assert_array_equal(read(npz(a=one), "x.npz").values, one)
    np.testing.assert_array_equal(read(npz(a=one), "stdin").values, one)
    np.testing.assert_array_equal(read(npz(a=one, b=two), "x.npz", array="b").values, two)
    problem = refused(npz(a=one, b=two), "x.npz")
    assert (problem.message, typed(problem)) == ("x.npz: it holds 2 arrays: a, b", "name one with --array a")
    assert "unknown array 'c'" in refused(npz(a=one), "x.npz", array="c").message
    assert "damaged" in refused(npz(a=one)[:-40], "x.npz").message


@pytest.mark.parametrize("dtype", ["float64", "uint8", "bool"])
def test_an_array_of_no_maps_gives_an_array_of_no_maps(call: Run, tmp_path: Path, dtype: str) -> None:
    np.save(tmp_path / "none.npy", np.zeros((0, 3, 4, 4), dtype))
    assert call("pool", "none.npy", "-o", "out.npy", "-m", "avg", cwd=tmp_path).code == 0
    assert np.load(tmp_path / "out.npy").shape == (0, 3, 2, 2)
    np.save(tmp_path / "empty.npy", np.zeros((2, 0), dtype))
    assert call("pool", "empty.npy", cwd=tmp_path).code == 1


def test_what_was_taken_for_a_header_is_shown(call: Run) -> None:
    long = ",".join(f"channel {number}" for number in range(12))
    for header, shown in (("t;h", "t;h"), (long, long[:59] + "…")):
        mark = ";" if ";" in header else ","
        text = "\n".join([header, *[mark.join(["1"] * (header.count(mark) + 1))] * 2]) + "\n"
        assert call("pool", "-k", "1", stdin=text).facts()["input"].endswith(f"stdin, below the header {shown}")
        assert f"stdin: header in line 1: {shown}\n" in call("pool", "-k", "1", "--json", "-v", stdin=text).err
    assert "below" not in call("pool", "-k", "1", stdin="1;2\n3;4\n").out

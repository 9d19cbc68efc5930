"""What others make of the same files: pandas, NumPy, Pillow and OpenCV read the same numbers, or poolcli says why not.

Where it differs on purpose is told in docs/guide.md, "Where poolcli reads differently".
"""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from PIL import Image

from poolcli.errors import InputError, PoolcliError
from poolcli.featuremap import FeatureMap
from poolcli.formats import decode
from poolcli.formats.options import ReadOptions
from tests.support import drawn
from tests.support.process import ROOT
from tests.support.rows import in_turn


def read(text: str | bytes, name: str = "x.csv", **options: Any) -> FeatureMap:
    return decode(text.encode() if isinstance(text, str) else text, name, ReadOptions(**options))


WORDS = ["NA", "n/a", "-", "null", "?", "missing", "", "nan"]


def table(draw: Random, words: Sequence[str] = ()) -> list[list[str]]:
    """Cells of numbers, half of them words if there are any."""

    def cell() -> str:
        value = draw.choice((float(draw.randint(-(10**9), 10**9)), drawn.double(draw)))
        number = repr(
            int(value) if value.is_integer() and abs(value) < 10**9 else value if math.isfinite(value) else 0.5
        )
        return draw.choice((number, draw.choice(words or [number])))

    width = draw.randint(2, 4)
    return [[cell() for _ in range(width)] for _ in range(draw.randint(1, 5))]


@pytest.mark.slow
@settings(max_examples=300)
@given(
    rows=drawn.by(lambda draw: table(draw, WORDS)), named=st.sets(st.sampled_from(WORDS[:-1])),
    mark=st.sampled_from([",", ";", "\t", "|"]), quoted=st.booleans(), end=st.sampled_from(["\n", "\r\n"]),
)  # fmt: skip
def test_pandas_reads_the_same_missing_values(
    rows: list[list[str]], named: set[str], mark: str, quoted: bool, end: str
) -> None:
    pandas = pytest.importorskip("pandas")
    assume(quoted or any(row[-1] for row in rows))  # a delimiter at the end of every line does not count
    text = end.join(mark.join(f'"{cell}"' if quoted else cell for cell in row) for row in rows) + end
    theirs = pandas.read_csv(io.StringIO(text), header=None, sep=mark, na_values=[*named, "nan"],
                             keep_default_na=False, skip_blank_lines=False, engine="python")  # fmt: skip
    asked = {"delimiter": "tab" if mark == "\t" else mark, "header": "no"}
    words = ",".join(named) if named else None
    if {cell for row in rows for cell in row if cell in WORDS} - named - {"nan"}:
        with pytest.raises(InputError, match=r"is not a number|an empty cell"):  # pandas makes a column of text of it
            read(text, missing=words, **asked)
        return
    ours = read(text, missing=words, **asked).values
    np.testing.assert_array_equal(ours, theirs.to_numpy(np.float64))


@pytest.mark.slow
@settings(max_examples=300)
@given(
    rows=drawn.by(table), mark=st.sampled_from([",", ";", None]), skip=st.integers(0, 2), comment=st.booleans(),
    blank=st.booleans(), picked=st.booleans(),
)  # fmt: skip
def test_genfromtxt_reads_the_same_numbers(
    rows: list[list[str]], mark: str | None, skip: int, comment: bool, blank: bool, picked: bool
) -> None:
    lines = [(mark or " ").join(row) + (" # said" if comment else "") for row in rows]
    lines = ["by the instrument, 7"] * skip + lines[:1] + [""] * blank + lines[1:]
    text = "\n".join(lines) + "\n"
    columns = (1, 0) if picked else None
    theirs = np.genfromtxt(io.StringIO(text), delimiter=mark, skip_header=skip, usecols=columns, ndmin=2)
    ours = read(text, "x.txt", skip=skip, delimiter=mark or "blanks", columns="2,1" if picked else None, header="no")
    np.testing.assert_array_equal(ours.values, theirs)


def test_what_genfromtxt_passes_over_in_silence_is_refused() -> None:
    for text in ("1,2\n3,x\n", "1,2\n3,\n", "1,2%\n3,4\n"):
        assert np.isnan(np.genfromtxt(io.StringIO(text), delimiter=",")).any()
        with pytest.raises(InputError, match=r"line [12], column 2"):
            read(text, header="no")


MODES_OF_PILLOW = {
    "png": ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"],
    "tiff": ["1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "YCbCr", "I;16", "I", "F"],
    "gif": ["1", "L", "P", "RGB", "RGBA"],
    "bmp": ["1", "L", "P", "RGB", "RGBA"],
    "webp": ["L", "RGB", "RGBA"],
    "jpeg": ["1", "L", "RGB", "CMYK", "YCbCr"],
    "tga": ["1", "L", "LA", "P", "RGB", "RGBA"],
    "ppm": ["1", "L", "RGB", "RGBA", "I;16"],
}  # fmt: skip


@in_turn(("kind", "mode"), [(kind, mode) for kind, modes in MODES_OF_PILLOW.items() for mode in modes])
def test_pillow_reads_the_same_gray(mode: str, kind: str) -> None:
    array = np.random.default_rng(0).integers(0, 256, (9, 7, 4), np.uint8)
    base = Image.fromarray(array[..., :3]).convert(mode) if mode not in ("RGBA", "I;16", "I", "F") else None
    if base is None:
        one = {"RGBA": array, "I;16": array[..., 0].astype("u2") * 200, "I": array[..., 0].astype("i4") * 10**6,
               "F": array[..., 0].astype("f4") / 7}  # fmt: skip
        base = Image.fromarray(one[mode])
    file = io.BytesIO()
    base.save(file, kind.upper())
    with Image.open(io.BytesIO(file.getvalue())) as picture:
        gray = np.asarray(picture if picture.mode in ("I;16", "I;16B", "I", "F") else _gray(picture))
    np.testing.assert_array_equal(read(file.getvalue(), f"x.{kind}").values, gray)


def _gray(picture: Image.Image) -> Image.Image:
    """Return the colours as L, alpha dropped."""
    through = {"PA": "RGBA", "CMYK": "RGB", "YCbCr": "RGB", "HSV": "RGB", "LAB": "RGB", "RGBX": "RGB"}
    return picture.convert(through.get(picture.mode, "L")).convert("L")


@pytest.mark.parametrize("most", [255, 1023, 4095, 65535])
@pytest.mark.parametrize("channels", [1, 3])
def test_opencv_reads_the_same_netpbm(most: int, channels: int) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    array = np.random.default_rng(0).integers(0, most + 1, (5, 4, 3)[: 2 if channels == 1 else 3])
    head = f"P{5 if channels == 1 else 6}\n4 5\n{most}\n".encode()
    data = head + array.astype(">u2" if most > 255 else "u1").tobytes()
    theirs = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    theirs = theirs if channels == 1 else theirs[..., ::-1]
    np.testing.assert_array_equal(read(data, "x.ppm", channels="rgb").array, theirs)


@pytest.mark.parametrize(
    ("dtype", "kind"), [*((dtype, "tiff") for dtype in ("uint8", "uint16", "int32", "float32")),
                        ("uint8", "png"), ("uint16", "png")]
)  # fmt: skip
def test_opencv_writes_what_is_read(dtype: str, kind: str) -> None:
    cv2 = pytest.importorskip("cv2", reason="OpenCV is not installed")
    array = (np.random.default_rng(0).random((5, 4)) * 200).astype(dtype)
    done, data = cv2.imencode(f".{kind}", array)
    assert done
    found = read(data.tobytes(), f"x.{kind}").values
    assert found.dtype == dtype
    np.testing.assert_array_equal(found, array)


# --- an ESRI grid as the documentation of GDAL's driver AAIGrid has it

HEAD = "ncols 3\nnrows 2\nxllcorner 10\nyllcorner 20\ncellsize 5\n"
ROWS = "1 2 3\n4 5 6\n"
VALUES = [[1, 2, 3], [4, 5, 6]]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (HEAD + ROWS, VALUES),
        (HEAD.upper() + ROWS, VALUES),
        ("nrows 2\nncols 3\nxllcorner 10\nyllcorner 20\ncellsize 5\n" + ROWS, VALUES),
        (HEAD.replace("corner", "center") + ROWS, VALUES),
        (HEAD.replace("cellsize 5", "dx 5\ndy 5") + ROWS, VALUES),
        (HEAD.replace("cellsize 5", "dx 5\ndy 4") + ROWS, VALUES),
        (HEAD.replace(" ", "\t\t ") + " 1\t2 3 \r\n4 5 6\r\n", VALUES),
        (HEAD + "1 2\n3 4 5\n6\n", VALUES),
        (HEAD + "1e0 2E+00 3.0\n4 5 6\n", VALUES),
        (HEAD.replace("xllcorner 10", "xllcorner  0,100E+02") + "".join(f"  ,{n}00E+01\n\n" for n in range(1, 7)),
         VALUES),
        (HEAD + "NODATA_value 3\n" + ROWS, [[1, 2, np.nan], [4, 5, 6]]),
        (HEAD + "nodata_value 3.0\n" + ROWS, [[1, 2, np.nan], [4, 5, 6]]),
        (HEAD + "NODATA_value nan\n1 2 nan\n4 5 6\n", [[1, 2, np.nan], [4, 5, 6]]),
        (HEAD + "NODATA_value -3.4028234663852886e+38\n1 2 -3.40282346639e+38\n4 5 6\n",
         [[1, 2, np.nan], [4, 5, 6]]),
    ],
)  # fmt: skip
def test_grids_are_read_as_gdal_documents_them(text: str, expected: list[list[float]]) -> None:
    np.testing.assert_array_equal(read(text, "x.asc").values, expected)


@pytest.mark.parametrize("text", [HEAD + "1 2 3\n4 5\n", HEAD + "1 2 3\n4 5 6 7\n", HEAD + "1 2 x\n4 5 6\n"])
def test_grids_that_gdal_would_fill_are_refused(text: str) -> None:
    with pytest.raises(PoolcliError):
        read(text, "x.asc")


def test_the_guide_tells_where_poolcli_reads_otherwise() -> None:
    text = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    section = text.partition("### Where poolcli reads differently")[2].partition("\n## ")[0]
    for word in ("pandas", "genfromtxt", "GDAL", "OpenCV", "Pillow"):
        assert word in section

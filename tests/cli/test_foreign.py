"""Files that describe themselves: what other programs say in them is used, or refused with a two-line error."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.support.process import Result, Run

ODD: list[Any] = [
    None, True, 0, -1, 1.5, 1e308, 10**30, -(10**400), "", "x", "a" * 5000, "\x1b[31m\u202e", [], [[]], [0, 0], [None],
    ["a"], {}, {"a": 1}, [[1, 2]], "torch", [1e300, 2], [[["x"]]], {"steps": 5},
]  # fmt: skip
TEXTS = [
    "", "x", "-1", "0", "1.5", "1e308", "-1e999", "inf", "nan", "9" * 400, "\u0663", "\x1b[31m\u202e", "\x00",
    "a" * 5000, "[" * 100_000, "null", "5", "{}", "[]", '"x"',
    '{"steps": null}', '{"steps": [5]}', '{"steps": [{"step": []}]}',
]  # fmt: skip
GRID = {"ncols": "2", "nrows": "2", "xllcorner": "0", "yllcorner": "0", "cellsize": "1", "NODATA_value": "-9999"}
PIXELS = np.arange(64, dtype=np.uint8).reshape(8, 8)
BOMB = zlib.compress(bytes(1 << 24))


def told(result: Result) -> None:
    """It worked, or the error has two lines of bearable length; nothing reaches a terminal raw."""
    assert result.code in (0, 1, 2), result.err
    assert result.code == 0 or (result.err.startswith("error: ") and result.err.count("\n") <= 2), result.err
    assert len(result.err) < 5000
    assert "\x1b" not in result.err
    assert "Traceback" not in result.err


# --- text and archives ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", [*GRID, "xllcenter", "dx", "dy", "other"])
def test_the_header_of_a_grid(call: Run, tmp_path: Path, key: str) -> None:
    for odd in (text for text in TEXTS if len(text) < 10_000):
        lines = [f"{name} {value}" for name, value in {**GRID, key: odd}.items()]
        (tmp_path / "in.asc").write_text("\n".join([*lines, "1 2", "3 4"]), encoding="utf-8")
        told(call("pool", "in.asc", "-f", "json", cwd=tmp_path))
        told(call("pool", "in.asc", "-k", "1", "-o", "out.asc", cwd=tmp_path))


def archive(*entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(file, "w", method) as made:  # a name may come twice
        for name, data in entries:
            made.writestr(name, data)
    return file.getvalue()


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


@pytest.mark.parametrize("name", [".npy", "/etc/x.npy", "../x.npy", "a/b.npy", "\x1b[31m\u202e.npy", "\u0663.npy",
                                  "a" * 60_000 + ".npy", "x.NPY", "x", "C:\\x.npy", "x.npy/", "a\nb.npy"])  # fmt: skip
def test_the_names_in_an_archive(call: Run, tmp_path: Path, name: str) -> None:
    whole = npy(np.ones((4, 4)))
    for entries in ([(name, whole)], [(name, whole), ("y.npy", whole)], [(name, b"x")], [(name, whole), (name, whole)]):
        (tmp_path / "in.npz").write_bytes(archive(*entries))
        for more in ([], ["--array", "y"], ["--array", name.removesuffix(".npy").replace("\0", "")]):
            told(call("pool", "in.npz", "-f", "json", *more, cwd=tmp_path))
    assert [path.name for path in tmp_path.iterdir()] == ["in.npz"]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_LZMA])
def test_an_archive_may_say_anything_of_its_array(call: Run, tmp_path: Path, method: int) -> None:
    """Each byte of what describes it: flags such as encryption, methods, sizes, checksums, offsets."""
    whole = archive(("x.npy", npy(np.ones((2, 2)))), method=method)
    described = [*range(30), *range(whole.rindex(b"PK\x01\x02"), len(whole))]
    for at in described:
        for odd in (255, whole[at] ^ 1):
            data = whole[:at] + bytes([odd]) + whole[at + 1 :]
            told(call("pool", "--input-format", "npz", "-f", "json", stdin=data))


# --- pictures ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("keyword", ["poolcli", "Comment", "XML:com.adobe.xmp", "Raw profile type exif", "gAMA"])
@pytest.mark.parametrize("kind", ["itxt", "text", "zipped"])
def test_the_texts_of_a_png(call: Run, tmp_path: Path, keyword: str, kind: str) -> None:
    for odd in TEXTS:
        notes = PngImagePlugin.PngInfo()
        if kind == "itxt":
            notes.add_itxt(keyword, odd)
        else:
            notes.add_text(keyword, odd.encode("utf-8").decode("latin-1"), zip=kind == "zipped")
        Image.fromarray(PIXELS).save(tmp_path / "in.png", pnginfo=notes)
        assert call("pool", "in.png", "--json", cwd=tmp_path).data()[0] == [9, 11, 13, 15]
        told(call("run", "--steps", "in.png", "in.png", cwd=tmp_path))


def chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


@pytest.mark.slow
@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt", b"eXIf", b"pHYs", b"gAMA", b"tRNS", b"iCCP", b"acTL",
                                  b"sRGB", b"tIME", b"bKGD", b"PLTE", b"cICP", b"fcTL", b"dSIG", b"nOne"])  # fmt: skip
def test_the_chunks_of_a_png(call: Run, kind: bytes) -> None:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "png")
    whole = file.getvalue()
    bombs = [start + BOMB for start in (b"poolcli\0\0", b"poolcli\0\1\0\0\0", b"x\0\0")]
    for odd in (b"", b"\0", b"x", b"\xff" * 40, b"poolcli\0", *bombs):
        told(call("pool", "--json", stdin=whole[:33] + chunk(kind, odd) + whole[33:]))


def exif_blocks() -> Iterator[bytes]:
    """An orientation of every type and value, and what is no EXIF at all."""
    for order, mark in (("<", b"II*\0"), (">", b"MM\0*")):
        for kind in (0, 1, 2, 3, 4, 5, 7, 9, 12, 99):
            for count, value in ((1, 6), (1, 0), (1, 9), (1, 2**32 - 1), (0, 6), (2, 6), (2**31, 6)):
                yield mark + struct.pack(f"{order}IHHHIII", 8, 1, 0x0112, kind, count, value, 0)
    yield from (b"", b"II*\0", b"MM\0*\xff\xff\xff\xff", b"Exif\0\0", b"x" * 60_000, b"II*\0\x08\0\0\0\xff\xff")


@pytest.mark.parametrize("form", ["jpeg", "png", "webp"])
def test_exif(call: Run, form: str) -> None:
    for block in exif_blocks():
        file = io.BytesIO()
        Image.fromarray(PIXELS).save(file, form, exif=b"Exif\0\0" + block)
        result = call("pool", "--json", stdin=file.getvalue())
        assert result.code == 0, result.err
        assert np.shape(result.data()) == (4, 4)


TAGS = {
    "width": 256, "height": 257, "bits": 258, "compression": 259, "photometric": 262, "offsets": 273,
    "orientation": 274, "samples": 277, "rows": 278, "counts": 279, "planar": 284, "predictor": 317,
    "palette": 320, "tiles": 322, "format": 339, "exif": 34665, "nodata": 42113,
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("tag", TAGS.values(), ids=TAGS)
def test_the_tags_of_a_tiff(call: Run, tag: int) -> None:
    file = io.BytesIO()
    Image.fromarray(PIXELS).save(file, "tiff", tiffinfo={270: "x"})  # a description, which gives way to a missing tag
    whole = bytearray(file.getvalue())
    start = struct.unpack_from("<I", whole, 4)[0]
    entries = [start + 2 + 12 * number for number in range(struct.unpack_from("<H", whole, start)[0])]
    places = {struct.unpack_from("<H", whole, at)[0]: at for at in entries}
    at = places.get(tag, places[270])
    kind, _, value = struct.unpack_from("<HII", whole, at + 2)
    cases = [(odd, 1, number) for odd in (0, 1, 2, 3, 4, 5, 7, 11, 12, 13, 99) for number in (0, 1, 2**31)]
    cases += [(kind, odd, value) for odd in (0, 2, 2**16, 2**32 - 1)]
    for case in cases:
        struct.pack_into("<HHII", whole, at, tag, *case)
        told(call("pool", "--json", stdin=bytes(whole)))


def test_the_missing_value_of_a_tiff(call: Run) -> None:
    for text in ("", "x", "nan", "inf", "-1e999", "9" * 400, "1,5", "\x1b[31m"):
        file = io.BytesIO()
        Image.fromarray(PIXELS.astype("f4")).save(file, "tiff", tiffinfo={42113: text})
        told(call("pool", "--json", stdin=file.getvalue()))


@pytest.mark.parametrize("words", [["pool"], ["run", "-", "pool"], ["compare", "-m", "max,avg"], ["pool", "-f", "asc"]])
def test_a_step_before_that_has_no_name(call: Run, words: list[str]) -> None:
    odds: list[dict[str, Any]] = [{}, {"a": 1}, {"step": None}, {"step": 5}, {"step": ["pool"]}, {"step": "sharpen"}]
    for odd in odds:
        result = call(*words, stdin=json.dumps({"data": [[1, 2], [3, 4]], "steps": [odd]}))
        told(result)
        named = isinstance(odd.get("step"), str)
        assert named or "steps is not a list of objects that name a step" in result.err


# --- recipes and results ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("odd", ODD, ids=lambda odd: str(odd)[:20])
def test_a_recipe_may_be_anything(call: Run, tmp_path: Path, odd: Any) -> None:
    (tmp_path / "in.csv").write_text("1,2,3,4\n5,6,7,8\n9,1,2,3\n4,5,6,7\n")
    recipes = [odd, [odd], {"steps": odd}, {"steps": [odd]}, {"steps": [{"step": odd}]}, {"poolcli": odd, "steps": []}]
    for recipe in recipes:
        told(call("run", "--steps", "-", "in.csv", stdin=json.dumps(recipe), cwd=tmp_path))
        told(call("batch", "in.csv", "--steps", "-", "-o", "out", "--dry-run", stdin=json.dumps(recipe), cwd=tmp_path))
    for value in (str(odd), json.dumps(odd)):
        told(call("run", "--steps", "-", "--set", f"pool.size={value}", "in.csv", stdin='["pool"]', cwd=tmp_path))


@pytest.mark.parametrize("text", TEXTS, ids=lambda text: ascii(text)[:20])
def test_a_result_of_a_batch_may_say_anything_of_what_made_it(call: Run, tmp_path: Path, text: str) -> None:
    (tmp_path / "in.csv").write_text("1,2\n3,4\n")
    (tmp_path / "out").mkdir()
    notes = PngImagePlugin.PngInfo()
    notes.add_itxt("poolcli", text)
    Image.fromarray(PIXELS).save(tmp_path / "out" / "in.png", pnginfo=notes)
    (tmp_path / "out" / "in.json").write_text(text, encoding="utf-8")
    for form in ("png", "json"):
        words = ["batch", "in.csv", "-o", "out", "--name", f"{{stem}}.{form}", "--skip-existing", "--dry-run"]
        result = call(*words, cwd=tmp_path)
        assert result.code in (0, 1), result.err
        assert "Traceback" not in result.out + result.err

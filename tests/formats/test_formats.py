"""The table of formats: what is found out, what goes round, and that no bytes lead to a traceback."""

from __future__ import annotations

import io
import json
import re
import subprocess
import sys
from pathlib import Path
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from poolcli.errors import FileError, InputError, PoolcliError, ShapeError, UnknownNameError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.formats import decode, encode, read, write
from poolcli.formats.detect import detect
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.formats.registry import BANDED, EXTENSIONS, FORMATS, Delimited, find_format, format_of_target
from poolcli.system.portable import shell_word
from tests.support import drawn
from tests.support.hints import typed
from tests.support.process import Run, Shell

ROOT = Path(__file__).resolve().parent.parent.parent
TABLE = "┌───┬───┐\n│ 6 │ 9 │\n└───┴───┘\n"
ASCII_TABLE = "result\n+---+---+\n| 6 | 9 |\n+---+---+\n"


def saved(kind: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 3), 9).save(file, kind)
    return file.getvalue()


# --- the table


def loaded(work: str) -> list[str]:
    """The heavy modules that a new Python has loaded after some work."""
    code = f"import sys, poolcli.formats as f; {work}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    return sorted({"numpy", "PIL", "orjson", "rich", "typer"} & set(done.stdout.split()))


def test_importing_the_table_loads_nothing_heavy() -> None:
    assert loaded("f.find_format('csv'); f.format_of_target('x.png'); f.detect(b'1,2', 'x', f.ReadOptions())") == []


def test_json_needs_neither_rich_nor_pillow() -> None:
    work = "b''.join(f.encode(f.decode(b'[[1.5, 2]]', 'x.json'), f.WriteOptions(format='json')))"
    assert loaded(work) == ["numpy", "orjson"]


def test_every_row_is_whole() -> None:
    extensions = [extension for row in FORMATS.values() for extension in row.extensions]
    assert len(extensions) == len(set(extensions)) == len(EXTENSIONS)
    for name, row in FORMATS.items():
        assert row.name == name
        assert row.reads or row.writes
        assert row.summary.endswith(".")
        assert all(extension.startswith(".") and extension == extension.lower() for extension in row.extensions)
        assert find_format(row.extensions[0].removeprefix("."), writing=row.writes) is row


@pytest.mark.parametrize(
    ("name", "writing", "hint"),
    [("cvs", False, "did you mean csv?"), ("pgn", True, "did you mean png"),
     ("spamspam", True, "known: csv, tsv, json, npy, png, jpeg")],
)  # fmt: skip
def test_unknown_formats(name: str, writing: bool, hint: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_format(name, writing=writing)
    assert caught.value.message == f"unknown format {name!r}"
    assert hint in (caught.value.hint or "")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "writing", "message"),
    [
        ("eps", False, "the format eps can be written, but not read"),
        ("psd", True, "the format psd can be read, but not"),
    ],
)
def test_formats_of_one_direction(name: str, writing: bool, message: str) -> None:
    with pytest.raises(UsageError, match=message) as caught:
        find_format(name, writing=writing)
    assert "csv, tsv, json, npy, png" in (caught.value.hint or "")
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("target", "name", "expected"),
    [
        ("x.csv", None, "csv"),
        ("x.TAB", None, "tsv"),
        ("a.b/x.JPG", None, "jpeg"),
        ("x", "npy", "npy"),
        ("x.csv", "PNG", "png"),
    ],
)
def test_the_format_of_a_target(target: str, name: str | None, expected: str) -> None:
    assert format_of_target(target, name).name == expected


@pytest.mark.parametrize(
    ("target", "near"), [("x.cvs", ".csv"), ("x.jsn", ".json"), ("x.zzzzzz", None), ("x.csv.gz", None)]
)
def test_unknown_extensions_list_the_known_ones(target: str, near: str | None) -> None:
    with pytest.raises(UnknownNameError) as caught:
        format_of_target(target)
    assert caught.value.exit_code == 2
    hint = typed(caught.value)
    assert hint.startswith(
        f"did you mean {near}? known: .csv, .tsv" if near else "known: .csv, .tsv, .json, .npy, .png"
    )
    assert hint.endswith("; or add --format csv")
    assert hint.count("known") == 1


@pytest.mark.parametrize("name", ["tabel", "TABL"])
def test_what_else_a_caller_knows_is_suggested(name: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        format_of_target("x.csv", name, also=["table"])
    assert caught.value.hint == "did you mean table?"
    with pytest.raises(UnknownNameError) as caught:
        find_format("spamspam", writing=True, also=["table"])
    assert (caught.value.hint or "").startswith("known: table, csv, ")


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["pool", "-o", "page 2.html", "tiny.csv"], f"poolcli explain -o {shell_word('page 2.html')} tiny.csv"),
        (["pool", "tiny.csv", "-m", "avg", "-o", "p.svg"], "poolcli explain -m avg -o p.svg tiny.csv"),
        (["pool", "-o", "p.html"], "poolcli explain -o p.html -"),
    ],
)
def test_a_page_is_made_by_explain(call: Run, shell: Shell, tiny: Path, words: list[str], hint: str) -> None:
    result = call(*words, stdin="1,2\n3,4\n", cwd=tiny.parent)
    assert (result.code, result.err.splitlines()[1]) == (2, f"hint: {hint}")
    assert shell(f"cat tiny.csv | {hint}", cwd=tiny.parent).code == 0


def test_an_extension_that_is_only_read() -> None:
    with pytest.raises(UsageError, match="the format psd can be read, but not written"):
        format_of_target("x.psd")


@pytest.mark.parametrize("target", ["pooled", "pooled.", ".csv"])
def test_a_target_without_extension(target: str) -> None:
    with pytest.raises(UsageError, match=f"{target} has no extension") as caught:
        format_of_target(target)
    assert "add one of .csv, .tsv" in (caught.value.hint or "")


# --- detection


@pytest.mark.parametrize(
    ("head", "name", "expected"),
    [
        (b"1,2", "x.csv", "csv"),
        (b"1,2", "x.txt", "csv"),
        (b"1,2", "stdin", "csv"),
        (b"1,2", "x.TSV", "tsv"),
        (b" \n[1", "stdin", "json"),
        (b'{"data"', "stdin", "json"),
        (b"\xef\xbb\xbf[1", "stdin", "json"),
        ("[1]".encode("utf-16"), "stdin", "json"),
        ("\n [1]".encode("utf-16"), "stdin", "json"),
        (b"\xfe\xff" + "[1]".encode("utf-16-be"), "stdin", "json"),
        ("1,2".encode("utf-16"), "stdin", "csv"),
        (b"[1", "x.csv", "csv"), (b"1", "x.json", "json"), (b"\x93NUMPY\1\0", "x.csv", "npy"),
        (saved("png"), "stdin", "png"), (saved("png"), "x.csv", "png"), (saved("jpeg"), "x", "jpeg"),
        (saved("bmp"), "x", "bmp"), (saved("gif"), "x", "gif"), (saved("tiff"), "x", "tiff"),
        (saved("webp"), "x", "webp"), (saved("ppm"), "x", "ppm"), (saved("ico"), "x", "ico"),
        (saved("jpeg2000"), "x", "jpeg2000"), (saved("avif"), "x", "avif"), (saved("sgi"), "x", "sgi"),
        (saved("qoi"), "x", "qoi"), (saved("dds"), "x", "dds"), (saved("tga"), "x.tga", "tga"),
        (b"P1,P2\n1,2", "x.csv", "csv"), (b"BMI,age\n1,2", "x.csv", "csv"), (b"II,III\n1,2", "x", "csv"),
        (b"\0\xff\0\xff", "x", "png"),
    ],
)  # fmt: skip
def test_what_a_file_is(head: bytes, name: str, expected: str) -> None:
    assert detect(head[:4096], name, ReadOptions()).name == expected


def test_the_option_settles_it() -> None:
    assert detect(saved("png"), "x.png", ReadOptions(input_format="csv")).name == "csv"
    with pytest.raises(UnknownNameError, match="unknown format 'xls'"):
        detect(b"", "x", ReadOptions(input_format="xls"))


@pytest.mark.parametrize("table", [TABLE, ASCII_TABLE, "input 4x4\n\n" + TABLE, "╭─╮\n│6│\n╰─╯\n"])
@pytest.mark.parametrize("name", ["stdin", "x.csv", "x.txt", "x.json"])
def test_a_table_drawn_for_people_is_recognised(table: str, name: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(table.encode(), name)
    assert caught.value.message == f"{name}: this is a table drawn for people, not data"
    assert typed(caught.value) == "if poolcli made it, add --json to the command"


@pytest.mark.parametrize("data", [b"", b" \r\n\t", b"\n"])
@pytest.mark.parametrize("name", ["stdin", "x.csv", "x.json", "x.npy", "x.png"])
def test_nothing_is_an_error_of_its_own(data: bytes, name: str) -> None:
    with pytest.raises(InputError) as caught:
        decode(data, name)
    what = "holds nothing but blanks" if data else "is empty"
    assert (caught.value.message, caught.value.exit_code) == (f"{name} {what}", 1)


# --- round trips through files


@pytest.mark.parametrize("name", ["x.csv", "x.tsv", "x.json", "x.npy", "x.png", "x.tiff", "x.bmp", "x.webp"])
def test_there_and_back(tmp_path: Path, name: str) -> None:
    values = np.arange(12, dtype=np.uint8).reshape(3, 4)
    write(FeatureMap.from_array(values), tmp_path / name)
    back = read(tmp_path / name)
    np.testing.assert_array_equal(back.values, values)
    assert back.name == str(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_single_precision_survives_text() -> None:
    """The shortest digits of a float32, read as a float64 and rounded again, are the same float32."""
    rng = np.random.default_rng(5)
    bits = rng.integers(0, 2**32, 200_000, np.uint32).view(np.float32)
    values = bits[np.isfinite(bits)].reshape(1, -1)
    for kind in ("csv", "json"):
        text = b"".join(encode(FeatureMap.from_array(values), WriteOptions(format=kind)))
        back = decode(text, f"x.{kind}").values.astype(np.float32)
        np.testing.assert_array_equal(back.view(np.uint32), values.view(np.uint32))


def test_stdin_and_stdout(monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"[[1,2]]")))
    write(read("-"), "-", format="csv")
    assert capfdbinary.readouterr().out == b"1,2\n"
    with pytest.raises(UsageError, match="standard output has no extension"):
        write(FeatureMap(np.array([[1]])), "-")


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    target = tmp_path / "x.csv"
    target.write_text("old")
    with pytest.raises(ShapeError):
        write(FeatureMap.from_array(np.zeros((2, 2, 2))), target)
    with pytest.raises(UnknownNameError):
        write(FeatureMap.from_array(np.zeros((2, 2))), target, format="cvs")
    with pytest.raises(FileError):
        write(FeatureMap.from_array(np.zeros((2, 2))), tmp_path / "no" / "x.csv")
    with pytest.raises(UsageError, match="no output format is named"):
        encode(FeatureMap(np.array([[1]])), WriteOptions())
    assert target.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["x.csv"]


def test_bands_go_out_as_lines_and_arrays(tmp_path: Path) -> None:
    for kind, row in BANDED.items():
        with row.band_writer(tmp_path / f"x.{kind}", (2, 2), np.dtype("int16")) as put:
            put(np.array([[1, 2]], np.int16))
            put(np.array([[3, 4]], np.int16))
        assert read(tmp_path / f"x.{kind}").values.tolist() == [[1, 2], [3, 4]]


# --- any bytes at all

MAP = FeatureMap.from_array(
    np.array([[1.5, -2.0, np.nan], [np.inf, 0.0, 3e20]]), steps=({"step": "relu"},), indices=np.arange(6).reshape(2, 3)
)
PIXELS = np.arange(24, dtype=np.uint8).reshape(4, 6) * 9
SEEDS: dict[str, bytes] = {
    **{kind: b"".join(encode(MAP, WriteOptions(format=kind))) for kind in ("csv", "tsv", "json", "npy", "pfm")},
    **{
        row.name: b"".join(encode(FeatureMap.from_array(PIXELS), WriteOptions(format=row.name)))
        for row in FORMATS.values()
        if row.picture and row.reads and row.writes
    },
    "utf16": "a;b\r\n1,5;2,5\r\n".encode("utf-16"),
    "bare": json.dumps([[[1, 2], [3, 4]], [[5, 6], [7, 8]]]).encode(),
    "quoted": b'# c\n"x","y"\n"1", 2 \n\n3,4 # d\n',
}
INSERTS = [
    b"\0", b"\xff", b"\n", b"\r", b'"', b",", b";", b"[", b"]", b"{", b"}", b"#", b"nan", b"1e999", b"9" * 25,
    b"\xef\xbb\xbf",
]  # fmt: skip


def mutant(draw: Random) -> tuple[str, bytes]:
    """A valid file with bytes changed, cut, doubled, moved or put in, under a name of the same or another kind."""
    kind = draw.choice(sorted(SEEDS))
    data = bytearray(SEEDS[kind])
    for _ in range(draw.randint(1, 6)):
        at = draw.randint(0, len(data))
        until = draw.randint(at, min(at + 12, len(data)))
        change = draw.choice(("set", "cut", "end", "double", "insert", "swap"))
        if change == "set" and at < len(data):
            data[at] = draw.randrange(256)
        elif change == "cut":
            del data[at:until]
        elif change == "end":
            del data[at:]
        elif change == "double":
            data[at:at] = data[at:until]
        elif change == "insert":
            data[at:at] = draw.choice((draw.choice(INSERTS), draw.randbytes(draw.randint(0, 6))))
        elif at < until < len(data):
            data[at], data[until] = data[until], data[at]
    same = FORMATS[kind].extensions[0] if kind in FORMATS else ".txt"
    return f"x{draw.choice([same] * 6 + ['.txt', '', '.csv', '.json', '.png', '.npy', '.tga'])}", bytes(data)


def reading(draw: Random) -> ReadOptions:
    return ReadOptions(
        layout=draw.choice((None, None, None, "L", "HW", "CHW", "NHWC")),
        channels_last=draw.choice((True, False)),
        delimiter=draw.choice(("auto", "auto", ",", ";", "tab", "blanks")),
        decimal=draw.choice(".,"),
        header=draw.choice(("auto", "yes", "no")),
        channels=draw.choice(("gray", "rgb")),
        frame=draw.choice((0, 0, 0, 1)),
        max_pixels=draw.choice((10_000, 1_000_000)),
    )


def survives(data: bytes, name: str, options: ReadOptions) -> None:
    """A feature map that can be written, or an error of one line with an exit code."""
    try:
        feature_map = decode(data, name, options)
    except PoolcliError as problem:
        error = problem
    else:
        assert feature_map.values.size > 0
        assert feature_map.values.dtype.kind in "biuf"
        b"".join(encode(feature_map, WriteOptions(format="json")))
        return
    assert error.message
    assert error.message.isprintable()
    assert error.exit_code in (1, 2)


@pytest.mark.slow
@settings(max_examples=800, deadline=None)
@given(drawn.by(mutant), drawn.by(reading))
def test_a_spoiled_file_gives_a_map_or_an_error(file: tuple[str, bytes], options: ReadOptions) -> None:
    name, data = file
    survives(data, name, options)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(
    st.binary(max_size=200), st.sampled_from(["x", *(f"x{extension}" for extension in EXTENSIONS)]), drawn.by(reading)
)
def test_any_bytes_give_a_map_or_an_error(data: bytes, name: str, options: ReadOptions) -> None:
    survives(data, name, options)


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(st.text(alphabet='0123456789.,;:+-eEnaif \t\n\r"#[]{}tru', max_size=60), drawn.by(reading))
def test_any_text_gives_a_map_or_an_error(text: str, options: ReadOptions) -> None:
    for name in ("x.csv", "x.json", "stdin"):
        survives(text.encode(), name, options)


def test_the_row_of_a_format_that_the_architecture_shows_works() -> None:
    [code] = re.findall(r"`(Delimited\(.*?\))`", (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8"))
    row: Delimited = eval(code, {"Delimited": Delimited})  # noqa: S307 -- our own document
    written = b"".join(row.write(FeatureMap.from_array(np.array([[1, 2], [3, 4]])), WriteOptions()))
    assert written == b"1;2\n3;4\n"
    assert row.read(written, "a.ssv", ReadOptions()).values.tolist() == [[1, 2], [3, 4]]


def test_a_picture_of_another_library_is_not_mixed_without_a_word(call: Run, tmp_path: Path) -> None:
    """NumPy, OpenCV and Pillow hold colours last, PyTorch first; by the number of axes alone they come first."""
    np.save(tmp_path / "pic.npy", np.zeros((18, 24, 3), np.uint8))
    np.save(tmp_path / "first.npy", np.zeros((3, 18, 24), np.uint8))
    read = call("pool", "-o", "out.npy", "pic.npy", cwd=tmp_path).err.splitlines()
    assert call("summary", "18x24x3", "pool").err == f"note: {read[0].removeprefix('note: pic.npy: ')}\n"
    assert call("summary", "18x24x3", "--layout", "HWC", "pool").err == ""
    assert read[0] == "note: pic.npy: read as 18 channels of 24x3 (CHW); --layout HWC if its channels come last"
    for words in (["--layout", "HWC", "pic.npy"], ["--layout", "CHW", "pic.npy"], ["first.npy"]):
        assert "channels come last" not in call("pool", "-o", "out.npy", *words, cwd=tmp_path).err
    made = call("pool", "-k", "2", "--layout", "HWC", "-o", "x.png", "pic.npy", cwd=tmp_path)
    assert "wrote x.png (12x9 pixels" in made.err

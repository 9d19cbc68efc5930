"""Whatever comes in: an error of two or three lines with the place and a hint, exit 1 or 2, nothing else touched."""

from __future__ import annotations

import gzip
import io
import os
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from poolcli.system.portable import shell_word
from tests.support.process import SAMPLES, Result, Run, Shell

GEEKS = SAMPLES / "geeks_4x4.csv"
Snapshot = dict[str, tuple[int, bytes]]


def snapshot(folder: Path) -> Snapshot:
    """Every file with its time of change and content."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in files}


@pytest.fixture(autouse=True)
def _nothing_is_touched(tmp_path: Path) -> Iterator[None]:
    """Any test may fill `tmp_path` in its beginning; `refused` notes what is there, and here it is compared."""
    SEEN.clear()
    yield
    for folder, before in SEEN.items():
        assert snapshot(folder) == before, "a refused command changed files"


SEEN: dict[Path, Snapshot] = {}


def refused(runner: Run, code: int, *words: str, hint: str | None = None, cwd: Path, argv: Any, **more: Any) -> Result:
    """Run a command that must be refused; check the form of the error and that every word is in it."""
    SEEN.setdefault(cwd, snapshot(cwd))
    result = runner(*argv, cwd=cwd, **more)
    assert result.out == ""
    assert "Traceback" not in result.err, result.err
    lines = result.err.splitlines()
    assert 1 <= len(lines) <= 3, result.err
    assert lines[0].startswith("error: "), result.err
    assert all(line.startswith(("hint: ", "see: ")) for line in lines[1:]), result.err
    assert result.err.isprintable() or result.err.replace("\n", "").isprintable()
    for word in words:
        assert word in lines[0], f"{word!r} is not in {lines[0]!r}"
    if hint is not None:
        assert any(hint in line for line in lines[1:]), f"{hint!r} is in no hint of {result.err!r}"
    assert result.code == code, result
    assert snapshot(cwd) == SEEN[cwd]
    return result


# --- text: CSV --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("data", "words", "hint"),
    [
        (b"", ["in.csv", "empty"], "number"),
        (b"  \n\n \t\n", ["in.csv", "nothing but blanks"], "number"),
        (b"\xef\xbb\xbf", ["in.csv"], None),
        (b"# only a comment\n", ["in.csv", "no numbers"], "at least one number"),
        (b"a,b\n", ["in.csv", "no numbers, only a header in line 1: 'a,b'"], "below"),
        (b"1,2\n3\n", ["in.csv", "line 2", "1 value", "expected 2"], None),
        (b"1,2\n3,4,5\n", ["in.csv", "line 2", "3 values", "expected 2"], None),
        (b"1,2\n3,4\n\n5,6\n7\n", ["in.csv", "line 5", "1 value", "expected 2"], None),
        (b"1,2\n3,4,\n", ["in.csv", "line 2"], None),
        (b"1,2\n3,x\n", ["in.csv", "line 2", "column 2", "'x' is not a number"], None),
        (b"1,2\nx,4\n", ["in.csv", "line 2", "column 1", "'x' is not a number"], "correct it"),
        (b"a,2\n3,4\n", ["in.csv", "line 1", "'a' is not a number"], "--header yes"),
        (b"h,k\n1,2\n3,abc\n", ["in.csv", "line 3", "column 2", "'abc'"], None),
        (b"1,2\n,4\n", ["in.csv", "line 2", "column 1", "empty cell"], f"--missing {shell_word('')}"),
        (b"1,2\n3,N/A\n", ["in.csv", "line 2", "column 2", "'N/A'"], "--missing N/A"),
        (b"1,2\n3,true\n", ["in.csv", "line 2", "column 2", "'true'"], "1 for true"),
        (b"1,2\n3,12%\n", ["in.csv", "line 2", "column 2", "'12%'"], "0.12"),
        (b"1 2\n% x\n3 4\n", ["in.csv", "line 2", "column 1", "'%'"], "begin comments with #"),
        (b"1\n2026-11-20\n", ["in.csv", "line 2", "'2026-11-20'"], "write a date as one number, such as 20260501"),
        (b"7,2026-11-20\n", ["in.csv", "line 1", "column 2"], "or leave its column out with --columns 1"),
        (b"1,2\n3,0x10\n", ["in.csv", "line 2", "column 2", "'0x10'"], "decimal"),
        (b"1,2\n3,1_000\n", ["in.csv", "line 2", "column 2", "'1_000'"], "underscores"),
        (b"1;2\n3;1.000,5\n", ["in.csv", "line 2", "column 2"], None),
        (b"1,5;2,5\n3,5;4\n", ["in.csv", "line 1", "'1,5' is not a number"], "--decimal ,"),
        (b"1,5\t2,5\n3\t4\n", ["in.csv", "line 1", "'1,5' is not a number"], "--decimal ,"),
        (b"1,18446744073709551616\n3,4\n", ["in.csv", "line 1", "column 2", "beyond 64 bits"], "12.0"),
        (b"1,2\n-9223372036854775809,4\n", ["in.csv", "line 2", "column 1", "beyond 64 bits"], None),
        (b"18446744073709551615,-1\n", ["in.csv", "line 1", "column 2", "-1"], None),
        (b"0.5,9007199254740993\n", ["in.csv", "line 1", "column 2", "9007199254740993", "lose digits"], None),
        (b"1,2\n3," + b"9" * 5000 + b"\n", ["in.csv", "line 2", "column 2", "beyond 64 bits"], None),
        (b"1,2\n3,1e999\n", ["in.csv", "line 2", "column 2", "'1e999'"], "inf"),
        (b'1,2\n"3,4\n', ["in.csv", "line 2", "quote"], None),
        (b'1,2\n"3"x,4\n', ["in.csv", "line 2", "quote"], None),
        (b"1,2\n3,\xff\n", ["in.csv", "line 2", "UTF-8"], "UTF-8"),
        (b"1,2\n3,\x004\n", ["in.csv", "line 2", "NUL"], None),
        (b"1,2\n3,\x1b[31m4\n", ["in.csv", "line 2", "column 2", "\\x1b[31m4"], None),
        ("1,2\n3,4\n".encode("utf-16")[:-1], ["in.csv", "UTF-16"], None),
    ],
)
def test_csv(call: Run, tmp_path: Path, data: bytes, words: list[str], hint: str | None) -> None:
    (tmp_path / "in.csv").write_bytes(data)
    (tmp_path / "out.csv").write_text("what was there\n")
    refused(call, 1, *words, hint=hint, argv=["pool", "-o", "out.csv", "in.csv"], cwd=tmp_path)


LABELS = "to leave out what holds no numbers"


@pytest.mark.parametrize(
    ("name", "data", "arguments", "where", "option", "result"),
    [
        ("days.csv", b"Mon,1,2\nTue,3,4\nWed,5,6\n", [], "line 1, column 1: 'Mon'", "--columns 2-", "4\n"),
        ("my days.csv", b"Mon;1,5;2\nTue;3;4\n", ["--decimal", ","], "line 1, column 1: 'Mon'", "--columns 2-",
         "4.0\n"),
        ("days.tsv", b"day\ta\tb\nMontag\t1\t2\nDienstag\t3\t4\n", [], "line 2, column 1: 'Montag'", "--columns 2-",
         "4\n"),
        ("times.csv", b"time,a,b\n00:00,1,2\n00:30,3,4\n", ["-m", "avg"], "line 2, column 1: '00:00'", "--columns 2-",
         "2.5\n"),
        ("dates.csv", b'"2026-11-20","1"\n"2026-11-21","5"\n', ["-k", "2x1"], "line 1, column 1: '2026-11-20'",
         "--columns 2", "5\n"),
    ],
)  # fmt: skip
def test_a_column_of_labels(
    call: Run, tmp_path: Path, name: str, data: bytes, arguments: list[str], where: str, option: str, result: str,
) -> None:  # fmt: skip
    (tmp_path / name).write_bytes(data)
    argv = ["pool", name, "-f", "csv", *arguments]
    refused(call, 1, f"{name}: {where} is not a number", hint=f"use {option} {LABELS}", argv=argv, cwd=tmp_path)
    assert call(*argv, *option.split(), cwd=tmp_path).out == result


@pytest.mark.parametrize(
    "text",
    [
        "Mon,1,2\n3,4,5\n", "Mon,1,2\n,3,4\n", "a,2\n3,4\n", "a,2\n", "5%,1\n6%,2\n",
        "d,a\nMon,1\n", "NA,1\nNA,2\n",
    ],
)  # fmt: skip
def test_other_text_is_not_taken_for_labels(call: Run, tmp_path: Path, text: str) -> None:
    assert LABELS not in refused(call, 1, "stdin: line", argv=["pool"], stdin=text, cwd=tmp_path).err


@pytest.mark.parametrize("units", ["", ";\u00b0C;%\n", "[];[\u00b0C];[m/s]\n"])
def test_one_hint_after_the_other_reads_the_file_of_a_sensor(call: Run, tmp_path: Path, units: str) -> None:
    rows = "01.05.2026 00:00;1,5;2,5\n01.05.2026 00:30;3,5;4,5\n"
    (tmp_path / "sensor.csv").write_text(f"time;t;h\n{units}{rows}", encoding="utf-8")
    argv = ["pool", "-f", "csv", "sensor.csv"]
    for hint in (*["use --skip 2 to leave out"] * bool(units), "use --columns 2- to", "add --decimal , if"):
        refused(call, 1, "sensor.csv: line", hint=hint, argv=argv, cwd=tmp_path)
        argv += hint.split()[1:3]
    assert call(*argv, cwd=tmp_path).out == "4.5\n"


@pytest.mark.parametrize(
    ("above", "skip"),
    [("Wetterstation Nord\nExport vom 3.3.2026\n", 2), ("Messung\n\nOrt: Nord; Hof, oben\n\n", 4),
     ("Wetter;;\n;;\n", 2), ("Bericht\n", 1), ("Station;Nord\nHoehe;53\n", 2)],
)  # fmt: skip
@pytest.mark.parametrize("mark", [";", "\t"])
def test_one_hint_after_the_other_reads_the_table_below_a_title(
    call: Run, tmp_path: Path, above: str, skip: int, mark: str
) -> None:
    rows = "Zeit Ortszeit;T innen;T\n01.05.2026 00:00;15,5;1,5\n01.05.2026 00:30;16,5;2,5\n"
    (tmp_path / "wetter.csv").write_text((above + rows).replace(";", mark))
    argv = ["pool", "-f", "csv", "wetter.csv"]
    for hint in (f"use --skip {skip} to leave out what is above it", "use --columns 2- to", "add --decimal , if"):
        refused(call, 1, "wetter.csv: ", hint=hint, argv=argv, cwd=tmp_path)
        argv += hint.split()[1:3]
    assert call(*argv, cwd=tmp_path).out == "16.5\n"


def test_hints_pipe_into_the_command_that_was_typed(call: Run, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "d.csv").write_bytes(b"na\xefve,b\n1,2\n3,4\n")
    broken = (tmp_path / "d.csv").read_bytes()
    piped = refused(call, 1, "is not UTF-8", argv=["pool", "-m", "avg"], stdin=broken, cwd=tmp_path)
    assert "... | iconv -f cp1252 -t utf-8 | poolcli pool" in piped.err
    for argv, line in (
        (["explain", "--size", "1x2", "d.csv"], "poolcli explain --size 1x2"),
        (["run", "d.csv", "pool", "--size", "1"], "poolcli run - pool --size 1"),
        (["summary", "d.csv", "pool"], "poolcli summary - pool"),
    ):
        hint = f"iconv -f cp1252 -t utf-8 d.csv | {line}"
        refused(call, 1, "is not UTF-8", hint=hint, argv=argv, cwd=tmp_path)
        assert shell(hint, cwd=tmp_path).code == 0


def test_text_that_is_not_utf8_is_converted_by_the_hint(call: Run, shell: Shell, tmp_path: Path) -> None:
    (tmp_path / "its.csv").write_bytes(b"na\xefve,b\n1,2\n3,4\n")
    hint = "iconv -f cp1252 -t utf-8 its.csv | poolcli pool -f csv"
    refused(call, 1, "its.csv: line 1, character 3: byte 0xef", hint=hint, argv=["pool", "-f", "csv", "its.csv"],
            cwd=tmp_path)  # fmt: skip
    assert shell(hint, cwd=tmp_path).out == "4\n"


JSON = "[[1, 2],[3,4]]"


@pytest.mark.posix
@pytest.mark.parametrize("command", ["pool --json", "explain", "show", "summary - pool"])
def test_json_in_the_place_of_a_file(call: Run, shell: Shell, tmp_path: Path, command: str) -> None:
    words = command.split()
    argv = [word if word != "-" else JSON for word in words] if "-" in words else [*words, JSON]
    hint = f"echo '{JSON}' | poolcli {command}"
    refused(call, 1, f"cannot read {JSON}: no such file", hint=hint, argv=argv, cwd=tmp_path)
    assert shell(hint, cwd=tmp_path).code == 0


def test_the_same_from_standard_input(call: Run, tmp_path: Path) -> None:
    refused(call, 1, "stdin: line 2, column 2", "'x' is not a number", argv=["pool"], stdin="1,2\n3,x\n", cwd=tmp_path)


def test_options_that_do_not_fit_the_text(call: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("1,2\n3,4\n")
    refused(
        call,
        1,
        "in.csv",
        "line 1",
        "'1,2'",
        hint="if the comma",
        argv=["pool", "--delimiter", ";", "in.csv"],
        cwd=tmp_path,
    )
    refused(call, 1, "in.csv", argv=["pool", "--input-format", "json", "in.csv"], cwd=tmp_path)
    refused(call, 1, "in.csv", "png", argv=["pool", "--input-format", "png", "in.csv"], cwd=tmp_path)
    (tmp_path / "de.csv").write_text("1.5;2\n3;4\n")
    refused(
        call, 1, "de.csv", "'1.5'", hint="--decimal", argv=["pool", "--decimal", ",", "de.csv"], cwd=_fresh(tmp_path)
    )
    refused(call, 2, "layout CHW names 3 axes, but the input has 2 (2x2)", hint="--layout HW",
            argv=["pool", "--layout", "CHW", "in.csv"], cwd=tmp_path)  # fmt: skip


def test_a_table_drawn_for_people_is_no_input(shell: Shell, tmp_path: Path, call: Run) -> None:
    result = shell(f"poolcli pool {GEEKS} | poolcli pool", cwd=tmp_path)
    assert (result.code, result.out) == (1, "")
    assert "table drawn for people" in result.err
    assert "--json" in result.err
    refused(call, 1, "table drawn for people", argv=["pool"], stdin="+---+---+\n| 1 | 2 |\n+---+---+\n", cwd=tmp_path)


# --- text: JSON -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[[1, 2], [3]]", ["line 1, column 10", "a list of 1 number, expected 2"]),
        ("[[1, 2],\n [3, 4, 5]]", ["line 2, column 2", "a list of 3 numbers, expected 2"]),
        ("[[1, 2], 3]", ["line 1, column 10", "a number among lists"]),
        ("[1, [2, 3]]", ["line 1, column 5", "a list among numbers"]),
        ("[[1, [2]], [3, [4]]]", ["a list among numbers"]),
        ('[[1, "2"], [3, 4]]', ["line 1, column 6", "'\"2\"'"]),
        ('[["a", "b"]]', ["line 1, column 3"]),
        ("[[1, true], [3, 4]]", ["line 1, column 6", "true is not a number"]),
        ("[[1, {}], [3, 4]]", ["line 1, column 6"]),
        ("[]", ["empty list"]),
        ("[[], []]", ["empty list"]),
        ("[[1, 2], [3, 4]] [[5]]", ["line 1, column 18", "a second JSON document"]),
        ('{"data": [[1]]}\n{"data": [[2]]}\n', ["line 2, column 1", "a second JSON document"]),
        ("[[1, 2]] x", ["line 1, column 10", "text after the end"]),
        ("[[1, 2], [3, 4]", ["ends too early"]),
        ('{"data": [[1, 2], [3,', ["ends too early"]),
        ("[[1, 2,], [3, 4]]", ["line 1, column 8", "comma"]),
        ("[[1 2], [3, 4]]", ["line 1, column 5"]),
        ("[[01, 2]]", ["line 1, column"]),
        ("[[1, +2]]", ["line 1, column 6"]),
        ("{}", ['the key "data" is missing']),
        ('{"values": [[1]]}', ['the key "data" is missing']),
        ('{"data": 3}', ['"data"', "not a list"]),
        ('{"data": [[1, 2]], "data": [[3, 4]]}', ["line 1, column 20", "'data'", "twice"]),
        ('{"data": [[1, 2]], "shape": [2, 1]}', ["shape says [2, 1], but data are [1, 2]"]),
        ('{"data": [[1, 2]], "layout": "CHW"}', ["layout CHW names 3 axes"]),
        ('{"data": [[1, 2]], "layout": "XY"}', ["layout 'XY'"]),
        ('{"data": [[1, 2]], "layout": 3}', ["layout is not text"]),
        ('{"data": [[1, 2]], "dtype": "float99"}', ["dtype 'float99' is unknown"]),
        ('{"data": [[1, 300]], "dtype": "uint8"}', ["column 15", "300 does not fit dtype uint8"]),
        ('{"data": [[1, 2.5]], "dtype": "int64"}', ["2.5 does not fit dtype int64"]),
        ('{"data": [[1, 2]], "steps": 3}', ["steps is not a list"]),
        ('{"data": [[1, 2]], "steps": [3]}', ["steps is not a list of objects"]),
        ('{"data": [[1, 2]], "indices": [[0]]}', ["indices are [1, 1], but data are [1, 2]"]),
        ('{"data": [[1, 2]], "indices": [[0.5, 1]]}', ["indices are not whole numbers"]),
        ("[[1, 18446744073709551616]]", ["line 1, column 6", "beyond 64 bits"]),
        ("[[0.5, 9007199254740993]]", ["line 1, column 8", "9007199254740993", "lose digits"]),
        ("[" * 100 + "]" * 100, ["column 65", "64"]),
        ("[[1, nan]]", ["line 1, column 6", "nan"]),
        ("'[[1]]'", ["in.json"]),
        ("[[1, 2]] # comment", ["text after the end"]),
    ],
)
def test_json(call: Run, tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "in.json").write_text(text)
    refused(call, 1, "in.json", *words, argv=["pool", "-k", "1", "-o", "out.json", "in.json"], cwd=tmp_path)


# --- npy --------------------------------------------------------------------------------------------------------------


def npy(array: Any) -> bytes:
    target = io.BytesIO()
    np.save(target, array)
    return target.getvalue()


@pytest.mark.parametrize(
    "data",
    [
        npy(np.zeros((4, 4)))[:100],
        npy(np.zeros((4, 4)))[:-1],
        npy(np.zeros((4, 4)))[:7],
        npy(np.zeros((4, 4), dtype=complex)),
        npy(np.array(["a", "b"])),
        npy(np.zeros(4, dtype=[("a", "i4")])),
        npy(np.array(3.0)),
        npy(np.zeros((0, 4))),
        b"\x93NUMPY\x01\x00\x10\x00{'descr': garbage",
        npy(np.zeros((4, 4))).replace(b"(4, 4)", b"(9, 9)"),
        npy(np.zeros((4, 4))).replace(b"(4, 4)", b"(4,-4)"),
        npy(np.zeros((2, 2))).replace(b"(2, 2), }" + b" " * 12, b"(99999999999, 9), }  "),
    ],
    ids=[
        "header",
        "short",
        "magic",
        "complex",
        "text",
        "struct",
        "scalar",
        "no cells",
        "garbage",
        "more",
        "negative",
        "huge",
    ],
)
def test_npy(call: Run, tmp_path: Path, data: bytes) -> None:
    (tmp_path / "in.npy").write_bytes(data)
    refused(call, 1, argv=["pool", "in.npy"], cwd=tmp_path)


def test_npy_that_would_run_code_is_not_loaded(call: Run, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Any, ...]:
            return Path.touch, (tmp_path / "sprung",)

    target = io.BytesIO()
    np.save(target, np.array([Trap()], dtype=object), allow_pickle=True)
    (tmp_path / "in.npy").write_bytes(target.getvalue())
    refused(call, 1, "in.npy", argv=["pool", "in.npy"], cwd=tmp_path)
    assert not (tmp_path / "sprung").exists()


# --- pictures ---------------------------------------------------------------------------------------------------------


def encoded(kind: str) -> bytes:
    target = io.BytesIO()
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(target, kind)
    return target.getvalue()


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "TIFF", "BMP", "WEBP", "GIF"])
@pytest.mark.parametrize("part", [0.1, 0.5, 0.95])
def test_a_truncated_picture(call: Run, tmp_path: Path, kind: str, part: float) -> None:
    data = encoded(kind)
    (tmp_path / f"in.{kind.lower()}").write_bytes(data[: int(len(data) * part)])
    refused(call, 1, f"in.{kind.lower()}", argv=["pool", "-o", "out.png", f"in.{kind.lower()}"], cwd=tmp_path)


def test_a_corrupt_picture(call: Run, tmp_path: Path) -> None:
    """A flipped bit in the pixels, in the checksum of the last chunk (which Pillow passes over), in its name."""
    for offset in (len(encoded("PNG")) // 2, -1, -6):
        data = bytearray(encoded("PNG"))
        data[offset] ^= 1
        (tmp_path / "in.png").write_bytes(bytes(data))
        refused(call, 1, "in.png", argv=["pool", "in.png"], cwd=_fresh(tmp_path))
    (tmp_path / "other.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing of the kind")
    refused(call, 1, "other.png", argv=["pool", "other.png"], cwd=_fresh(tmp_path))


def _fresh(folder: Path) -> Path:
    """Take note anew of a folder that the test itself has changed."""
    SEEN.pop(folder, None)
    return folder


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def test_a_decompression_bomb(call: Run, tmp_path: Path) -> None:
    """A few hundred bytes that promise 40,000 by 40,000 pixels."""
    header = struct.pack(">IIBBBBB", 40_000, 40_000, 1, 0, 0, 0, 0)
    data = (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(bytes(5001 * 9)))
        + chunk(b"IEND", b"")
    )
    (tmp_path / "bomb.png").write_bytes(data)
    refused(call, 1, "bomb.png", "pixels", hint="--max-pixels", argv=["pool", "bomb.png"], cwd=tmp_path)
    refused(call, 1, "in.png", "100", "pixels", hint="--max-pixels",
            argv=["pool", "--max-pixels", "100", "in.png"], cwd=_with(tmp_path, "in.png", encoded("PNG")))  # fmt: skip


def _with(folder: Path, name: str, data: bytes) -> Path:
    (folder / name).write_bytes(data)
    return _fresh(folder)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--frame", "1"], 1, ["in.png", "no frame 1"]),
        (["--frame", "-1"], 1, ["no frame -1"]),
        (["--max-pixels", "0"], 2, ["0 pixels"]),
        (["--max-pixels", "-5"], 2, ["-5 pixels"]),
        (["--layout", "CHW"], 2, ["in.png", "layout CHW"]),
        (["--channels", "rgb", "-o", "out.csv"], 1, ["32x32x3 (HWC)"]),
        (["--channels", "rgb", "--colormap", "viridis", "-o", "out.png"], 1, ["one channel"]),
    ],
)
def test_options_that_do_not_fit_a_picture(
    call: Run, tmp_path: Path, arguments: list[str], code: int, words: list[str]
) -> None:
    (tmp_path / "in.png").write_bytes(encoded("PNG"))
    refused(call, code, *words, argv=["pool", "in.png", *arguments], cwd=tmp_path)


@pytest.mark.parametrize(
    ("name", "data", "word"),
    [
        ("x.csv.gz", gzip.compress(b"1,2\n", mtime=0), "gzip"),
        ("x.npz", b"PK\x03\x04 and so on", "zip"),
        ("x.pdf", b"%PDF-1.7 and so on", "PDF"),
        ("x.h5", b"\x89HDF\r\n\x1a\n", "HDF5"),
        ("x.parquet", b"PAR1 and so on", "Parquet"),
        ("x.bin", bytes(range(256)), "x.bin"),
    ],
)
def test_what_others_wrote(call: Run, tmp_path: Path, name: str, data: bytes, word: str) -> None:
    (tmp_path / name).write_bytes(data)
    refused(call, 1, name, word, argv=["pool", name], cwd=tmp_path)


# --- windows, modes, filters, formats ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "code", "words", "hint"),
    [
        (["-k", "5"], 1, ["window 5x5 is larger than the input 4x4"], "use --size 4, or --padding 1"),
        (["-k", "2x9"], 1, ["window 2x9 is larger than the input 4x4"], "use --size 2x4, or --padding 0x3"),
        (["-k", "2", "--dilation", "4"], 1, ["window 2x2 (dilated 5x5) is larger than the input 4x4"], None),
        (
            ["-k", "1", "-s", "1", "-p", "1"],
            1,
            ["20 of 36 windows hold no real cell, the first at (0, 0)"],
            "--pad-fill",
        ),
        (["-k", "0"], 2, ["size", "0", "less than 1"], "--size"),
        (["-k", "-1"], 2, ["size", "-1"], None),
        (["-k", "0x2"], 2, ["size 0x2 is less than 1"], None),
        (["-k", "2x2x2"], 2, ["size 2x2x2 has 3 numbers, but the input has 2 spatial axes"], None),
        (["-k", "two"], 2, ["size 'two' is not a size"], "--size 2"),
        (["-k", "2.5"], 2, ["size '2.5' is not a size"], "--size 2"),
        (["-k", ""], 2, ["size '' is not a size"], None),
        (["-s", "0"], 2, ["stride", "0", "less than 1"], "--stride"),
        (["-s", "-2"], 2, ["stride", "-2"], None),
        (["-s", "a"], 2, ["stride 'a' is not a size"], "--stride 2"),
        (["--dilation", "0"], 2, ["dilation", "less than 1"], None),
        (["-p", "-1"], 2, ["padding", "less than 0"], None),
        (["-p", "full"], 2, ["unknown padding 'full'"], "same-lower"),
        (["-p", "smae"], 2, ["unknown padding 'smae'"], "did you mean same?"),
        (["-p", "1,2,3"], 2, ["padding '1,2,3'"], "top,bottom,left,right"),
        (["-p", "1,2"], 2, ["padding has 1 begin,end pairs, but the input has 2 spatial axes"], None),
        (["--padding", "1", "--pad-fill", "zero"], 2, ["unknown pad fill 'zero'"], "number"),
        (["-p", "1", "--pad-fill", "reflekt"], 2, ["unknown pad fill 'reflekt'"], "did you mean reflect"),
        (["-m", "mx"], 2, ["unknown mode 'mx'"], "did you mean max"),
        (["-f", "tabel"], 2, ["unknown format 'tabel'"], "did you mean table?"),
        (["-m", "medain"], 2, ["unknown mode 'medain'"], "did you mean median"),
        (["-m", "qqqq"], 2, ["unknown mode 'qqqq'"], "known: max, min, avg"),
        (["-m", "global-mx"], 2, ["unknown mode 'mx'"], "did you mean max"),
        (["-m", "max:3"], 2, ["mode max takes no parameter"], None),
        (["-m", "lp"], 2, ["mode lp needs P"], "lp:3"),
        (["-m", "lp:0"], 2, ["lp:0 is out of range"], "lp:3"),
        (["-m", "percentile:200"], 2, ["percentile:200 is out of range"], None),
        (["-m", "stochastic"], 2, ["needs a seed"], "--seed"),
        (["--filter", "vertical"], 2, ["unknown filter 'vertical'"], "vertical-line"),
        (["--filter", "sobel"], 2, ["unknown filter 'sobel'"], "sobel-x"),
        (
            ["--filter", "qqqq"],
            2,
            ["unknown filter 'qqqq'"],
            "hint: poolcli filters draws them all; a kernel of your own",
        ),
        (["--filter", "[[1,2],[3]]"], 1, ["a list of 1 number, expected 2"], None),
        (["--filter", "[[1,"], 1, ["ends too early"], None),
        (["--filter", "nosuch.csv"], 1, ["nosuch.csv", "no such file"], None),
        (["--filter", "[1,2]"], 1, ["1 axes", "2 spatial"], "one axis for each"),
        (["--filter", "gaussian-5"], 1, ["kernel 5x5 is larger than the input 4x4"], None),
        (["--bias", "1"], 2, ["--bias", "filter"], "--filter"),
        (["--filter-padding", "same"], 2, ["--filter-padding", "filter"], "--filter"),
        (["--bias", "x"], 2, ["--bias", "x"], None),
        (["--global", "--size", "2"], 2, ["--global and --size cannot be combined"], "drop"),
        (["--mode", "global-avg", "--stride", "2"], 2, ["--global and --stride cannot be combined"], "drop"),
        (["--output-size", "2", "--stride", "2"], 2, ["--output-size and --stride cannot be combined"], "drop"),
        (["--fractional"], 2, ["--fractional needs --output-size"], "--output-size"),
        (["--output-size", "0"], 2, ["output-size", "less than 1"], None),
        (["--mode", "avg", "--indices"], 2, ["mode avg has no indices"], "max and min"),
        (["--indices", "--storage-order", "2"], 2, ["storage order 2"], None),
        (["--nan", "skip"], 2, ["skip"], "ignore"),
        (["--compat", "pytroch"], 2, ["pytroch"], "torch"),
        (["--compat", "keras", "-m", "median"], 2, ["Keras has no median pooling"], "drop --compat"),
        (["--compat", "torch", "-k", "3", "-p", "2"], 2, ["PyTorch refuses", "half"], None),
        (["-f", "jsn"], 2, ["unknown", "'jsn'"], "json"),
        (["-f", "qqq"], 2, ["unknown", "'qqq'"], "csv"),
        (["--json", "-f", "csv"], 2, ["--json and --format csv cannot be combined"], "drop"),
        (["-o", "out.cvs"], 2, ["unknown extension '.cvs'"], " .csv"),
        (["-o", "out.xyz"], 2, ["unknown extension '.xyz'"], ".csv, "),
        (["-o", "out"], 2, ["out has no extension"], "--format"),
        (["-o", "out.fits"], 2, ["fits"], None),
        (["-o", "nowhere/out.csv"], 1, ["nowhere/out.csv", "folder", "does not exist"], "make the folder"),
        (["-o", "."], 1, ["folder"], None),
        (["-o", "sub", "-f", "csv"], 1, ["cannot write sub", "folder"], None),
        (["-o", "readonly.csv"], 1, ["readonly.csv", "read-only"], None),
        (["-o", "in.csv"], 2, ["the output in.csv is the input in.csv"], "--overwrite"),
        (["-o", "./in.csv"], 2, ["the output ./in.csv is the input in.csv"], "--overwrite"),
        (["-o", "link.csv"], 2, ["the output link.csv is the input in.csv"], "--overwrite"),
        (["-o", "hard.csv"], 2, ["the output hard.csv is the input in.csv"], "--overwrite"),
        (["--layout", "XY"], 2, ["layout 'XY' has unknown letters"], "NHWC"),
        (["--layout", "NCHW"], 2, ["layout NCHW names 4 axes, but the input has 2 (4x4)"], "--layout HW"),
        (["--input-format", "exel"], 2, ["exel"], None),
        (["--delimiter", "||"], 2, ["'||'"], "any one character"),
        (["--decimal", ";"], 2, ["';'"], None),
        (["--header", "maybe"], 2, ["'maybe'"], "auto"),
        (["--channels", "cmyk"], 2, ["'cmyk'"], "gray"),
        (["--color", "red"], 2, ["'red'"], "auto"),
        (["--normalize", "max"], 2, ["'max'"], "minmax"),
        (["--colormap", "viridi", "-o", "o.png"], 2, ["'viridi'"], "viridis"),
        (["--zoom", "0", "-o", "o.png"], 2, ["zoom", "0"], None),
        (["--zoom", "-2", "-o", "o.png"], 2, ["zoom", "-2"], None),
        (["--zoom", "1000000", "-o", "o.png"], 1, [], None),
        (["--compress-level", "10", "-o", "o.png"], 2, ["10"], "9"),
        (["--precision", "-1"], 2, ["precision", "-1"], None),
        (["--precision", "x"], 2, ["--precision", "x"], None),
        (["--max-rows", "0"], 2, ["max-rows", "0"], None),
        (["--max-cols", "-3"], 2, ["max-cols", "-3"], None),
        (["--seed", "x"], 2, ["--seed", "x"], None),
        (["--nosuch"], 2, ["--nosuch"], "poolcli pool --help"),
        (["--html"], 2, ["--html"], "poolcli explain -o page.html in.csv"),
        (["--sise", "2"], 2, ["--sise", "--size"], "poolcli pool --help"),
        (["second.csv"], 2, ["second.csv"], "-o second.csv writes the result there"),
        (["--size"], 2, ["--size"], "poolcli pool --help"),
    ],
)
def test_options(
    call: Run, tmp_path: Path, arguments: list[str], code: int, words: list[str], hint: str | None
) -> None:
    (tmp_path / "in.csv").write_text("1,3,2,9\n5,6,1,7\n4,2,8,6\n3,5,7,2\n")
    (tmp_path / "link.csv").symlink_to("in.csv")
    os.link(tmp_path / "in.csv", tmp_path / "hard.csv")
    (tmp_path / "sub").mkdir()
    (tmp_path / "readonly.csv").write_text("old")
    (tmp_path / "readonly.csv").chmod(0o444)
    if os.geteuid() == 0 and "readonly.csv" in arguments:
        pytest.skip("nothing is read-only for root")
    refused(call, code, *words, hint=hint, argv=["pool", "in.csv", *arguments], cwd=tmp_path)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "words", "hint"),
    [
        ("nosuch.csv", ["cannot read nosuch.csv", "no such file"], None),
        ("giks.csv", ["cannot read giks.csv", "no such file"], "did you mean geeks.csv"),
        ("nowhere/in.csv", ["cannot read nowhere/in.csv", "folder", "nowhere", "does not exist"], None),
        ("geeks.csv/in.csv", ["cannot read geeks.csv/in.csv"], None),
        ("folder", ["cannot read folder", "folder"], None),
        ("", ["without a name"], None),
        ("dangling.csv", ["dangling.csv", "link"], None),
        ("loop.csv", ["loop.csv"], None),
        ("x" * 300, ["x" * 50], None),
        ("/dev/zero", ["/dev/zero", "device"], None),
        ("no\nsuch.csv", ["no\\nsuch.csv"], None),
    ],
)
def test_files_that_cannot_be_read(call: Run, tmp_path: Path, name: str, words: list[str], hint: str | None) -> None:
    (tmp_path / "geeks.csv").write_text("1,2\n3,4\n")
    (tmp_path / "folder").mkdir()
    (tmp_path / "dangling.csv").symlink_to("gone.csv")
    (tmp_path / "loop.csv").symlink_to("loop.csv")
    refused(call, 1, *words, hint=hint, argv=["pool", "-o", "out.csv", name], cwd=tmp_path)


def test_options_that_are_near_are_named_and_no_others(call: Run, tmp_path: Path) -> None:
    for flag, message in (
        ("--slow", "error: no such option: --slow"),
        ("--jsn", "error: no such option: --jsn (Possible options: --json)"),
    ):
        assert call("explain", flag, str(GEEKS), cwd=tmp_path).err.splitlines()[0] == message


def test_what_typer_says_is_said_as_we_say_it(call: Run, tmp_path: Path) -> None:
    for words, message, hint in (
        (["--seed", "x"], "--seed (or POOLCLI_SEED): 'x' is not a whole number", "see: poolcli pool --help"),
        (["--padding"], "--padding needs a value", "see: poolcli pool --help"),
        (["some", "words"], "unexpected: some words", "see: poolcli pool --help"),
        (["--type", "max"], "no such option: --type", "--type is --mode here"),
        (["--na", "NA"], "no such option: --na", "--na is --missing here"),
        (["--sep", ","], "no such option: --sep", "--sep is --delimiter here"),
    ):
        made = call("pool", str(GEEKS), *words, cwd=tmp_path)
        assert (made.code, made.err) == (2, f"error: {message}\nhint: {hint}\n")
    made = call("explain", "--fps", "x", str(GEEKS))
    assert made.err.startswith("error: --fps (or POOLCLI_FPS): 'x' is not a number\n")
    assert call("completion").err.startswith("error: SHELL is missing\nhint: known: bash, zsh, fish\n")
    names = [f"{'long' * 8}{number}.csv" for number in range(9)]
    for name in names:
        (tmp_path / name).write_text("1\n")
    made = call("pool", *names, cwd=tmp_path)
    assert made.err.splitlines()[1] == "hint: one at a time, or all of them: poolcli batch FILES -o FOLDER"


@pytest.mark.parametrize("output", ["-", "pooled.jsonl", "pooled.csv", "all.png"])
def test_batch_writes_many_files(call: Run, tmp_path: Path, output: str) -> None:
    made = call("batch", str(GEEKS), "-o", output, cwd=tmp_path)
    one = "standard output" if output == "-" else f"one file such as {output}"
    hint = "name a folder, -o DIR; with --format json, jq -c . DIR/*.json makes one stream of the results"
    assert made.err == f"error: batch writes a file for each input, not {one}\nhint: {hint}\n"
    assert (made.code, [*tmp_path.iterdir()]) == (2, [])
    (tmp_path / "there.csv").mkdir()
    assert call("batch", str(GEEKS), "-o", "there.csv", cwd=tmp_path).code == 0


def test_commands_that_lack_something(call: Run, tmp_path: Path) -> None:
    refused(call, 2, "conv needs a filter", hint="--filter", argv=["conv", str(GEEKS)], cwd=tmp_path)
    refused(call, 1, "has no indices", hint="--indices", argv=["unpool", str(GEEKS)], cwd=tmp_path)
    refused(
        call,
        2,
        "mode median has no gradient",
        hint="max, min, avg",
        argv=["grad", "-m", "median", str(GEEKS)],
        cwd=tmp_path,
    )
    refused(call, 2, "poool", argv=["poool", str(GEEKS)], cwd=tmp_path)
    wrong = '{"data": [[6, 9]], "indices": [[5, 99]], "unpool": {"shape": [4, 4]}}'
    refused(call, 1, "index 99 at (0, 1) is outside of 4x4", argv=["unpool"], stdin=wrong, cwd=tmp_path)
    refused(
        call,
        1,
        "upstream gradient of shape 4x4 does not fit",
        argv=["grad", "--upstream", str(GEEKS), str(GEEKS)],
        cwd=tmp_path,
    )


def test_a_sum_that_overflows(call: Run, tmp_path: Path) -> None:
    text = "9223372036854775807,1\n1,1\n"
    refused(call, 1, "sum", "does not fit int64", hint="floating", argv=["pool", "-m", "sum"], stdin=text, cwd=tmp_path)


def test_more_memory_than_there_is(call: Run, tmp_path: Path) -> None:
    arguments = ["pool", "-k", "1", "-s", "1", "-p", "9999999", "--pad-fill", "0", str(GEEKS)]
    refused(call, 1, "needs", "available", argv=arguments, cwd=tmp_path)


def test_padding_beyond_all_counting(call: Run, tmp_path: Path) -> None:
    refused(call, 1, "window", argv=["pool", "-k", "1", "-s", "1", "-p", "9" * 18, str(GEEKS)], cwd=tmp_path)


@pytest.mark.parametrize("words", [("pool", str(GEEKS), "--filter"), ("conv", str(GEEKS), "--filter"),
                                   ("grad", str(GEEKS), "--upstream")])  # fmt: skip
def test_another_file_of_the_command_is_unpacked_into_a_file(call: Run, tmp_path: Path, words: tuple[str, ...]) -> None:
    (tmp_path / "k.json.gz").write_bytes(gzip.compress(b"[[1]]"))
    said = "unpack it: gunzip -c k.json.gz > FILE, and give FILE instead\n"
    assert call(*words, "k.json.gz", cwd=tmp_path).err.endswith(said)


# --- the real command, one of each kind -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "stdin", "code", "words"),
    [
        (["pool"], b"", 1, ["stdin is empty"]),
        (["pool"], b"1,2\n3\n", 1, ["stdin: line 2"]),
        (["pool"], b"1,2\n3,\xff\n", 1, ["stdin: line 2"]),
        (["pool"], b"[[1,2],[3]]", 1, ["stdin: line 1, column 8"]),
        (["pool"], b"\x89PNG\r\n\x1a\n", 1, ["stdin"]),
        (["pool", "-k", "9", str(GEEKS)], None, 1, ["window 9x9 is larger than the input 4x4"]),
        (["pool", "-m", "mx", str(GEEKS)], None, 2, ["unknown mode 'mx'"]),
        (["pool", "-k", "0", str(GEEKS)], None, 2, ["size"]),
        (["pool", "-o", "x.xyz", str(GEEKS)], None, 2, ["unknown extension '.xyz'"]),
        (["pool", "-o", "nowhere/x.csv", str(GEEKS)], None, 1, ["nowhere"]),
        (["pool", "nosuch.csv"], None, 1, ["no such file"]),
        (["pool", "."], None, 1, ["folder"]),
        (["pool", "--nosuch", str(GEEKS)], None, 2, ["--nosuch"]),
    ],
)
def test_the_real_command(
    run: Run, tmp_path: Path, arguments: list[str], stdin: bytes | None, code: int, words: list[str]
) -> None:
    refused(run, code, *words, argv=arguments, stdin=stdin, cwd=tmp_path)


def test_a_file_that_cannot_be_finished_leaves_the_old_one(shell: Shell, tmp_path: Path) -> None:
    """The limit on the size of files stops the writer in the middle."""
    (tmp_path / "out.csv").write_text("what was there\n")
    np.save(tmp_path / "big.npy", np.random.default_rng(1).normal(size=(300, 300)))
    result = shell("trap '' XFSZ; ulimit -f 100; poolcli pool -k 1 -o out.csv big.npy", fresh=True, cwd=tmp_path)
    assert result.code == 1
    assert result.err.startswith("error: cannot write out.csv")
    assert "Traceback" not in result.err
    assert (tmp_path / "out.csv").read_text() == "what was there\n"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["big.npy", "out.csv"]

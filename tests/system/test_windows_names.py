"""What Windows makes of names: devices, other disks, what no name may hold; and of a file that is open."""

from __future__ import annotations

import ntpath
import os
from pathlib import Path, PureWindowsPath
from types import SimpleNamespace

import pytest

from poolcli.batch import jobs
from poolcli.batch.jobs import FoundFile, Naming
from poolcli.errors import FileError, UsageError
from poolcli.system import portable
from poolcli.system.files import check_target, put, read_source
from poolcli.system.portable import refused_by_windows, shell_word
from tests.support.process import Run
from tests.support.without_posix import of_sockets

REFUSED = {
    "aux.csv": "stands for a device",
    "AUX": "",  # the device itself, as /dev/null is one
    "nul": "",
    "out/nul": "stands for a device",
    "con .png": "stands for a device",
    "nul.tar.npy": "stands for a device",
    r"C:\out\Com1.json": "stands for a device",
    "lpt².csv": "stands for a device",
    "conout$.csv": "stands for a device",
    "C:out.csv": "would be on another disk",
    "a:b.csv": "would be on another disk",
    "ab:c.csv": "has one of",
    r"out\a?.png": "has one of",
    "a*.png": "has one of",
    'a"b.png': "has one of",
    "a<b>.png": "has one of",
    "a|b.png": "has one of",
    "a\tb.png": "a control character",
    "out./a.png": "ends in a dot or a blank",
    "a.png ": "ends in a dot or a blank",
    "a.": "ends in a dot or a blank",
}
TAKEN = [
    "a.csv", r"C:\out\a.csv", "C:/out/a.csv", r"\\server\share\a.csv", "../a.csv", "./a.csv", r"..\..\a.csv",
    "auxiliary.csv", "com10.csv", "com.csv", "console.png", "a.con", "ä ö.png", ".hidden", "a.b.c.png", "nulls/a.png",
    "a b.png",
]  # fmt: skip


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rules of Windows, on a disk of this system."""
    monkeypatch.setattr(portable, "ON_WINDOWS", True)


@pytest.mark.parametrize("path", REFUSED)
def test_names_that_windows_makes_something_else_of(path: str) -> None:
    assert REFUSED[path] in (why := refused_by_windows(path))
    assert bool(why) == bool(REFUSED[path])


@pytest.mark.parametrize("path", TAKEN)
def test_names_that_windows_takes(path: str) -> None:
    assert refused_by_windows(path) == ""


@pytest.mark.usefixtures("windows")
@pytest.mark.parametrize(
    ("word", "written"),
    [("a.csv", "a.csv"), (r"C:\out\a.csv", r"C:\out\a.csv"), ("a b.csv", '"a b.csv"'), ("it's.csv", '"it\'s.csv"'),
     ("a&b.csv", '"a&b.csv"'), ("%TEMP%", '"%TEMP%"'), ("[[1, 2]]", '"[[1, 2]]"'), ('{"a":1}', r'"{\"a\":1}"'),
     ("", '""')],
)  # fmt: skip
def test_cmd_takes_double_quotes_alone(word: str, written: str) -> None:
    assert shell_word(word) == written


@pytest.mark.usefixtures("windows")
def test_echo_on_windows_prints_quotes_too(call: Run, tmp_path: Path) -> None:
    result = call("pool", "[[1, 2]]", cwd=tmp_path)
    assert "hint: echo [[1, 2]] | poolcli pool\n" in result.err


@pytest.mark.parametrize(("windows", "quote"), [(True, '"'), (False, "'")])
def test_hints_quote_words_as_the_shell_of_the_system_wants_it(
    call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: bool, quote: str
) -> None:
    monkeypatch.setattr(portable, "ON_WINDOWS", windows)
    for name in ("a b.csv", "c d.csv"):
        (tmp_path / name).write_text("1,2\n3,4\n")
    result = call("pool", "a b.csv", "c d.csv", cwd=tmp_path)
    assert f"poolcli batch {quote}a b.csv{quote} {quote}c d.csv{quote} -o FOLDER" in result.err


@pytest.mark.parametrize("name", ["con", "Aux", "nul", "prn", "com1", "lpt9"])
def test_python_knows_the_same_devices(name: str) -> None:
    reserved = getattr(ntpath, "isreserved", None) or (lambda path: PureWindowsPath(path).is_reserved())
    assert reserved(f"{name}.csv")
    assert refused_by_windows(f"{name}.csv")


@pytest.mark.usefixtures("windows")
def test_a_target_that_windows_refuses_is_told_before_any_work(call: Run, tiny: Path, tmp_path: Path) -> None:
    for name, why in (("aux.csv", "'aux.csv' stands for a device"), ("a:b.csv", "'b.csv' would be on another disk")):
        with pytest.raises(FileError, match="on Windows"):
            check_target(name)
        result = call("pool", "-o", name, tiny, cwd=tmp_path)
        assert result.code == 1
        assert result.err == f"error: cannot write {name}: on Windows {why}\nhint: choose another name\n"
    assert os.listdir(tmp_path) == ["tiny.csv"]


@pytest.mark.usefixtures("windows")
def test_a_batch_passes_over_what_windows_cannot_name(call: Run, tmp_path: Path) -> None:
    for name in ("a", "aux", "b."):
        (tmp_path / f"{name}.csv").write_text("1,2\n3,4\n")
    result = call("batch", "-o", "out", "--name", "{stem}.csv", "-j", "1", ".", cwd=tmp_path)
    assert result.code == 3
    assert "cannot write aux.csv: on Windows 'aux.csv' stands for a device" in result.err
    assert sorted(path.name for path in (tmp_path / "out").glob("*.csv")) == ["a.csv", "b..csv"]


@pytest.mark.parametrize("pattern", ["C:{stem}.png", "C:/{stem}.png", r"C:\{stem}.png", r"\{stem}.png", "/{stem}.png",
                                     r"..\{stem}.png", r"//server/share/{stem}.png"])  # fmt: skip
def test_no_name_leads_out_of_the_folder(monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    monkeypatch.setattr(jobs, "os", SimpleNamespace(path=ntpath, sep="\\", curdir=".", pardir=".."))
    with pytest.raises(UsageError, match="outside the folder out"):
        Naming.of("out", pattern).target(FoundFile("a.png"), 1)


def test_a_name_with_folders_stays_in_the_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jobs, "os", SimpleNamespace(path=ntpath, sep="\\", curdir=".", pardir=".."))
    assert Naming.of("out", "{folder}/{stem}.png").target(FoundFile("x/a.png", "x\\y"), 1) == r"out\x\y\a.png"


def test_names_that_differ_in_case_alone_are_one_name_on_windows(call: Run, tmp_path: Path) -> None:
    for name in ("a", "A"):
        (tmp_path / f"{name}.csv").write_text("1,2\n3,4\n")
    assert call("batch", "-o", "out", "-j", "1", ".", cwd=tmp_path).code == 0
    with pytest.MonkeyPatch.context() as changed:
        changed.setattr(os.path, "normcase", ntpath.normcase)
        result = call("batch", "-o", "other", ".", cwd=tmp_path)
    assert result.code == 2
    assert "would both be written to" in result.err


@pytest.mark.usefixtures("windows")
def test_a_file_that_another_program_has_open_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "out.csv"
    target.write_bytes(b"old")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "The process cannot access the file because it is being used by another process")

    monkeypatch.setattr("poolcli.system.files.os.replace", refuse)
    with pytest.raises(FileError, match=r"^cannot write .*out.csv: another program has it open\n") as caught:
        put(target, b"new")
    assert str(caught.value.hint) == "close the program that has it open, or write to another name"
    assert (target.read_bytes(), os.listdir(tmp_path)) == (b"old", ["out.csv"])
    monkeypatch.setattr(portable, "ON_WINDOWS", False)
    with pytest.raises(FileError, match="permission denied"):
        put(target, b"new")


@pytest.mark.usefixtures("windows")
def test_a_pipe_is_read_where_only_sockets_can_be_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.write(write, b"1,2\r\n3,4\r\n")
    os.close(write)
    monkeypatch.setattr("poolcli.system.portable.select.select", of_sockets)
    with os.fdopen(read, encoding="utf-8") as pipe:
        monkeypatch.setattr("sys.stdin", pipe)
        assert read_source("-").data == b"1,2\r\n3,4\r\n"

"""What the world does to a command: full disks, readers that leave, signals at any moment, streams that are closed.

Every test runs the real command. The promise is always the same: the old file or the new one, no traceback, nothing is
left, and an exit code that says what happened.
"""

from __future__ import annotations

import filecmp
import os
import pty
import random
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poolcli.cli.registry import COMMANDS, build
from poolcli.large.sources import NpySource, RowSource
from tests.support.forks import Forks, forking
from tests.support.process import ROOT, SAMPLES, TIMEOUT, Result, Run, Shell, clean_environment, command

pytestmark = pytest.mark.slow

GEEKS = SAMPLES / "geeks_4x4.csv"
OLD = b"what was there before\n"
POOLED = b"6,9\n5,8\n"
FILLER = bytes(1_030_000)  # leaves 18 of 1024 KiB
TEMPORARY = re.compile(r"\.poolcli-.+-[0-9a-f]{16}\.tmp")


@pytest.fixture(scope="module")
def big(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A map whose results, in any format, do not fit beside `FILLER` on the small disk, and as text not in a pipe."""
    path = tmp_path_factory.mktemp("big") / "big.npy"
    np.save(path, np.random.default_rng(1).normal(size=(150, 150)))
    return path


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def failed(result: Result, code: int, *words: str) -> None:
    """A failure in two or three lines on standard error, and nothing else anywhere."""
    assert (result.code, result.raw) == (code, b"")
    assert result.err.startswith("error: ")
    assert "Traceback" not in result.err
    assert len(result.err.splitlines()) <= 3
    assert [word for word in words if word not in result.err] == []


WRITERS = {
    "csv": ["pool", "-k", "1"],
    "json": ["pool", "-k", "1"],
    "npy": ["pool", "-k", "1"],
    "png": ["pool", "-k", "1", "--zoom", "3"],
    "tiff": ["pool", "-k", "1"],
    "txt": ["pool", "-k", "1", "-f", "table", "--full"],
    "html": ["explain", "-k", "20"],
    "gif": ["explain", "-k", "20", "--zoom", "2"],
}


def left_over(folder: Path) -> list[Path]:
    """What is there of a write that was cut off: recognisable by its name."""
    return [path for path in folder.iterdir() if TEMPORARY.fullmatch(path.name)]


# --- full and closed disks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extension", WRITERS)
def test_a_full_disk_keeps_the_old_file(run: Run, disk: Path, big: Path, extension: str) -> None:
    target = disk / f"out.{extension}"
    target.write_bytes(OLD)
    (disk / "filler").write_bytes(FILLER)
    failed(run(*WRITERS[extension], "-o", target, big), 1, f"cannot write {target}", "no space left", "hint: ")
    assert target.read_bytes() == OLD
    assert names(disk) == ["filler", target.name]


def test_a_full_disk_in_a_batch_spoils_one_file_and_no_other(run: Run, disk: Path, big: Path) -> None:
    (disk / "filler").write_bytes(FILLER)
    result = run("batch", "-j", "2", "-k", "1", "-o", disk, "--name", "{stem}.csv", GEEKS, big)
    assert result.code == 3
    assert "no space left" in result.err
    assert "Traceback" not in result.err
    assert (disk / "geeks_4x4.csv").read_bytes() == GEEKS.read_bytes()
    assert [name for name in names(disk) if not name.startswith(".poolcli")] == ["filler", "geeks_4x4.csv"]
    assert not [name for name in names(disk) if name.endswith(".tmp")]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"], ["--help"], ["pool", "--help"], ["modes"], ["filters"], ["pool", str(GEEKS)],
        ["pool", "--json", str(GEEKS)], ["pool", "-f", "csv", str(GEEKS)], ["pool", "-f", "png", str(GEEKS)],
        ["show", str(GEEKS)], ["explain", str(GEEKS)], ["explain", "--json", str(GEEKS)], ["shift", str(GEEKS)],
        ["compare", "-m", "max,avg", str(GEEKS)], ["summary", "8x8", "pool"], ["run", str(GEEKS), "pool"],
        ["pool", "--emit", "numpy"], ["pool", "-f", "csv", "-o", "/dev/full", str(GEEKS)],
    ],
    ids=" ".join,
)  # fmt: skip
def test_dev_full_is_a_full_disk(forks: Forks, arguments: list[str]) -> None:
    failed(forks(*arguments, stdout="/dev/full"), 1, "cannot write", "no space left", "hint: ")


def test_the_real_command_on_dev_full(shell: Shell) -> None:
    for arguments in ("--version", f"pool --json {GEEKS}"):
        failed(shell(f"python -m poolcli {arguments} > /dev/full"), 1, "cannot write stdout", "no space left")


def test_nobody_hears_what_is_said_on_a_full_standard_error(shell: Shell, tmp_path: Path) -> None:
    """The result matters more than what is said about it."""
    done = shell(f"poolcli pool -v -f csv {GEEKS} 2> /dev/full")
    assert (done.code, done.raw) == (0, POOLED)
    assert shell(f"poolcli pool -o {tmp_path}/out.csv {GEEKS} 2> /dev/full").code == 0
    assert (tmp_path / "out.csv").read_bytes() == POOLED
    assert shell("poolcli pool nosuch.csv 2> /dev/full").code == 1
    assert shell(f"poolcli pool -v -f csv {GEEKS} 2> >(exec <&-; sleep 0.3)").raw == POOLED


def test_a_read_only_file_system(run: Run, disk: Path) -> None:
    target = disk / "out.csv"
    target.write_bytes(OLD)
    subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
    failed(run("pool", "-o", target, GEEKS), 1, f"cannot write {target}", "read-only")
    failed(run("pool", "-o", disk / "new.csv", GEEKS), 1, f"cannot write {disk}/new.csv")
    failed(run("pool", "-o", disk / "new.csv", "nosuch.csv"), 1, f"cannot write {disk}/new.csv")  # before any work
    many = run("batch", "-q", "-o", disk, GEEKS)
    assert (many.code, many.raw) == (1, b"")
    assert many.err.startswith("error: ")
    assert "read-only" in many.err
    assert target.read_bytes() == OLD
    assert names(disk) == ["out.csv"]


# every option that names a file to write, by command, with what else a command line needs; the input is not there
WRITING = {
    "pool -o": ["x.csv none.csv", "x.npy none.npy", "x.zarr none.zarr", "x.npy none.zarr", "x.zarr none.npy",
                "x.py --emit numpy", "x.onnx --emit onnx none.csv"],
    "conv -o": ["x.csv --filter box none.csv"],
    "run --save-steps": ["x.json none.csv pool", "x.json -o made.csv none.csv pool",
                         "x.json -o made.zarr none.zarr pool"],
    "run -o": ["x.csv none.csv pool", "x.csv --save-steps made.json in.csv pool",
               "x.zarr --save-steps made.json in.npy pool"],
    "batch -o": ["in.csv/x in.csv"],
    "batch --report": ["x.jsonl -o made in.csv"],
    "unpool -o": ["x.csv none.csv"],
    "grad -o": ["x.csv none.csv"],
    "compare -o": ["x.html -m max,avg none.csv", "x.json --json -m max,avg none.csv"],
    "explain -o": ["x.html none.csv", "x.gif none.csv", "x.html --shape 7x7", "x.html --exercise"],
    "shift -o": ["x.html none.csv"],
}  # fmt: skip


@pytest.mark.parametrize("option", WRITING)
def test_what_cannot_be_written_is_told_before_anything_is_read_or_made(call: Run, tmp_path: Path, option: str) -> None:
    (tmp_path / "in.csv").write_bytes(GEEKS.read_bytes())
    np.save(tmp_path / "in.npy", np.ones((4, 4)))
    for rest in WRITING[option]:
        place, *more = rest.split()
        words = option.split()
        result = call(words[0], *more, words[1], f"nosuch/{place}" if "/" not in place else place, cwd=tmp_path)
        failed(result, 1, "cannot write nosuch/x" if "/" not in place else "cannot make the folder in.csv/x", "hint: ")
        assert names(tmp_path) == ["in.csv", "in.npy"]


def test_every_option_that_names_a_file_to_write_is_tried() -> None:
    written = {"output", "save_steps", "report"}
    found = {
        f"{name} {min(one.opts, key=len)}" for name in COMMANDS for one in build(name).params if one.name in written
    }
    assert found == set(WRITING)
    others = {
        one.name for name in COMMANDS for one in build(name).params if re.search("FILE|PATH|DIR", str(one.metavar))
    }
    assert others - written == {"filter", "kernel", "steps", "paths", "upstream"}, "which is read"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to every folder; a read-only file system has its test")
def test_a_read_only_folder(run: Run, tmp_path: Path) -> None:
    (tmp_path / "out.csv").write_bytes(OLD)
    tmp_path.chmod(0o555)
    failed(run("pool", "-o", tmp_path / "new.csv", GEEKS), 1, f"cannot write {tmp_path}/new.csv", "hint: ")
    failed(run("pool", "-o", tmp_path / "out.csv", GEEKS), 1, f"cannot write {tmp_path}/out.csv", "hint: ")
    assert (tmp_path / "out.csv").read_bytes() == OLD
    assert names(tmp_path) == ["out.csv"]


# --- what is no plain file --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["", "/", "/."])
def test_the_output_is_a_folder(run: Run, tmp_path: Path, name: str) -> None:
    folder = tmp_path / "out.csv"
    folder.mkdir()
    failed(run("pool", "-f", "csv", "-o", f"{folder}{name}", GEEKS), 1, "it is a folder", "hint: ")
    failed(run("explain", "-o", f"{tmp_path}/", GEEKS), 2)
    assert names(folder) == []
    assert names(tmp_path) == ["out.csv"]


def test_a_fifo_gets_every_byte_and_stays(run: Run, tmp_path: Path, big: Path) -> None:
    assert run("pool", "-k", "1", "-o", tmp_path / "plain.csv", big).code == 0
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    assert run("pool", "-k", "1", "-f", "csv", "-o", fifo, big).code == 0
    reader.join(TIMEOUT)
    assert got == [(tmp_path / "plain.csv").read_bytes()]
    assert stat.S_ISFIFO(fifo.stat().st_mode)
    assert names(tmp_path) == ["fifo", "plain.csv"]


def test_a_reader_of_a_fifo_that_goes_away(shell: Shell, tmp_path: Path, big: Path) -> None:
    line = f"mkfifo p; (head -c 1 p > /dev/null &); python -m poolcli pool -k 1 -f csv -o p {big}; echo $?"
    done = shell(line, cwd=tmp_path)
    assert (done.out, done.err) == ("141\n", "")
    assert names(tmp_path) == ["p"]


@pytest.mark.parametrize(
    "arguments",
    [
        ["--version"], ["--help"], ["pool", "--help"], ["modes"], ["pool", str(GEEKS)], ["pool", "--json", str(GEEKS)],
        ["pool", "-f", "npy", str(GEEKS)], ["pool", "-f", "png", str(GEEKS)], ["show", str(GEEKS)],
        ["explain", str(GEEKS)], ["explain", "--json", str(GEEKS)], ["compare", "-m", "max,min", str(GEEKS)],
        ["pool", "-f", "csv", "-o", "/dev/stdout", str(GEEKS)], ["batch", "-o", "OUT", str(GEEKS)],
    ],
    ids=" ".join,
)  # fmt: skip
def test_a_reader_that_has_gone_away_is_met_with_silence_and_141(
    programs: Path, arguments: list[str], tmp_path: Path
) -> None:
    read, write = os.pipe()
    os.close(read)  # before anything is written: even one byte comes too late
    words = [str(tmp_path / "out") if word == "OUT" else word for word in arguments]
    done = subprocess.run(
        [programs / "poolcli", *words], stdin=subprocess.DEVNULL, stdout=write, stderr=subprocess.PIPE, cwd=ROOT,
        env=clean_environment(), timeout=TIMEOUT, check=False,
    )  # fmt: skip
    os.close(write)
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_reader_that_goes_away_in_the_middle(shell: Shell, big: Path) -> None:
    for program, options in (
        ("python -m poolcli", "-f csv"),
        *(("poolcli", how) for how in ("--json", "-f npy", "--full")),
    ):
        line = f"{program} pool -k 1 {options} {big} | head -c 100 > /dev/null; echo ${{PIPESTATUS[0]}}"
        done = shell(line)
        assert (done.out, done.err) == ("141\n", "")


def test_a_report_to_what_is_no_plain_file(shell: Shell, tmp_path: Path) -> None:
    """It takes nothing back, is not emptied, and one signal is enough while it waits for its reader."""
    batch = f"poolcli batch {GEEKS} -q -j 1 --overwrite -o {tmp_path}/out --report"
    failed(shell(f"{batch} /dev/full"), 1, "cannot write /dev/full", "no space left", "hint: ")
    done = shell(f"echo before > log; {batch} /dev/stdout >> log; grep -c . log; head -n 1 log", cwd=tmp_path)
    assert (done.out, done.err) == ("2\nbefore\n", "")
    done = shell(f"{batch} /dev/stdout | true; echo ${{PIPESTATUS[0]}}")
    assert (done.out, done.err) == ("141\n", "")
    line = f"mkfifo p; python -m {batch} p & sleep 1; kill $!; sleep 1; kill -KILL $! 2> /dev/null; wait $!; echo $?"
    assert shell(line, cwd=tmp_path).out == "143\n"
    assert names(tmp_path) == ["log", "out", "p"]


# --- the input is the output ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["name", "dots", "symlink", "hard link", "link to link"])
@pytest.mark.parametrize("command", ["pool", "conv", "run"])
def test_the_input_is_the_output(forks: Forks, tmp_path: Path, way: str, command: str) -> None:
    source, other = tmp_path / "in.csv", tmp_path / "other.csv"
    source.write_bytes(GEEKS.read_bytes())
    if way == "dots":
        (tmp_path / "folder").mkdir()
        other = tmp_path / "folder" / ".." / "in.csv"
    elif way == "hard link":
        os.link(source, other)
    elif way != "name":
        other.symlink_to("in.csv")
    if way == "link to link":
        other.rename(tmp_path / "first.csv")
        other.symlink_to("first.csv")
    target = source if way == "name" else other
    stack = {"pool": ["pool"], "conv": ["conv", "--filter", "identity"], "run": ["run"]}[command]
    steps = ["pool"] if command == "run" else []
    before = names(tmp_path)
    failed(forks(*stack, "-o", target, source, *steps), 2, "is the input", "--overwrite")
    failed(forks(*stack, "-o", source, target, *steps), 2, "is the input", "--overwrite")
    assert source.read_bytes() == GEEKS.read_bytes()
    assert forks(*stack, "--overwrite", "-o", target, source, *steps).code == 0
    assert target.read_bytes() == (b"6,1\n2,8\n" if command == "conv" else POOLED)
    assert target.is_symlink() == (way in ("symlink", "link to link"))
    assert names(tmp_path) == before


def test_the_input_is_the_output_of_a_page_and_of_saved_steps(forks: Forks, tmp_path: Path) -> None:
    source = tmp_path / "in.html"
    source.write_bytes(GEEKS.read_bytes())
    failed(forks("explain", "-o", source, "--input-format", "csv", source), 2, "is the input")
    steps = tmp_path / "in.json"
    steps.write_text("[[1, 2], [3, 4]]")
    failed(forks("run", steps, "--save-steps", steps, "pool"), 2, "is the input")
    failed(forks("compare", "-m", "max,min", "--json", "-o", steps, steps), 2, "is the input")
    failed(forks("pool", "-f", "json", "-o", f"/proc/self/cwd/{steps.name}", steps.name, cwd=tmp_path), 2)
    assert source.read_bytes() == GEEKS.read_bytes()
    assert steps.read_text() == "[[1, 2], [3, 4]]"


def test_a_result_that_fits_no_format_leaves_no_steps(call: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.zeros((6, 4, 4)))
    words = ("run", "--save-steps", "steps.json", "--layout", "CHW", "-o", "made.png", "in.npy", "pool")
    failed(call(*words, cwd=tmp_path), 1, "a picture has one channel or three")
    assert names(tmp_path) == ["in.npy"]


def test_overwriting_the_input_is_atomic(forks: Forks, disk: Path) -> None:
    source = disk / "in.csv"
    source.write_bytes(b"1234567,2345678\n" * 30_000)
    before = source.read_bytes()
    (disk / "filler").write_bytes(b"x" * 500_000)
    failed(forks("pool", "-k", "1", "--overwrite", "-o", source, source), 1, "no space left")
    assert source.read_bytes() == before
    assert names(disk) == ["filler", "in.csv"]


def _shorten(path: Path, _: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def _write_to(path: Path, other: Path) -> None:
    with path.open("r+b") as file:
        file.write(other.read_bytes())


def _replace(path: Path, other: Path) -> None:
    os.replace(other, path)


@pytest.mark.parametrize(  # text is read through one open file, which no other replaces
    ("form", "change"),
    [("npy", _shorten), ("npy", _write_to), ("npy", _replace), ("csv", _shorten), ("csv", _write_to)],
)
def test_a_large_input_that_changes_while_it_is_read(
    call: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, change: Callable[[Path, Path], None]
) -> None:
    """By another program, in the midst of the work: the result is an error, neither shorter nor of two files."""
    path = tmp_path / f"in.{form}"
    reader: Any = {"npy": NpySource, "csv": RowSource}[form]
    values = np.arange(200_000.0).reshape(4000, 50)
    (tmp_path / "other").mkdir()
    for place, cells in ((path, values), (tmp_path / "other" / path.name, -values)):
        np.save(place, cells) if form == "npy" else np.savetxt(place, cells, delimiter=",")
    (tmp_path / f"out.{form}").write_bytes(OLD)
    read, reads = reader.read, list[Any]()

    def changed(source: Any, box: Any) -> Any:
        reads.append(box)
        if len(reads) == 3:
            change(path, tmp_path / "other" / path.name)
        return read(source, box)

    monkeypatch.setattr("poolcli.cli.large.LARGE", 0)
    monkeypatch.setattr("poolcli.large.chain.BLOCK_BYTES", 1 << 16)
    monkeypatch.setattr(reader, "read", changed)
    result = call("pool", f"in.{form}", "-o", f"out.{form}", cwd=tmp_path)
    failed(result, 1, f"cannot read in.{form}", "changed while it was read", "hint: ")
    assert len(reads) > 2
    assert names(tmp_path) == [f"in.{form}", "other", f"out.{form}"]
    assert (tmp_path / f"out.{form}").read_bytes() == OLD


# --- streams that are closed, and terminals ---------------------------------------------------------------------------


def test_standard_input_that_is_closed(shell: Shell) -> None:
    failed(shell("python -m poolcli pool - <&-"), 1, "stdin", "it is closed")
    failed(shell("poolcli pool <&-"), 2, "INPUT")
    assert shell(f"poolcli pool -f csv {GEEKS} <&-").raw == POOLED
    failed(shell("poolcli batch --files0 -o /tmp/nowhere <&-"), 1, "stdin", "it is closed")


@pytest.mark.parametrize("arguments", [["pool"], ["pool", "-"], ["show"], ["run", "-", "pool"], ["explain"],
                                       ["batch", "--files0", "-o", "nowhere"]], ids=" ".join)  # fmt: skip
def test_standard_input_that_is_a_terminal_is_not_waited_for(
    programs: Path, arguments: list[str], tmp_path: Path
) -> None:
    master, slave = pty.openpty()
    done = subprocess.run(
        [programs / "poolcli", *arguments], stdin=slave, capture_output=True, cwd=tmp_path, timeout=TIMEOUT,
        env=clean_environment(), check=False,
    )  # fmt: skip
    os.close(slave)
    os.close(master)
    result = Result(done.returncode, done.stdout, done.stderr.decode())
    failed(result, 1 if "-" in arguments or "--files0" in arguments else 2)
    assert "terminal" in result.err or "nothing is piped in" in result.err
    assert names(tmp_path) == []


@pytest.mark.parametrize(
    "arguments",
    ["--version", "--help", "-h", "pool --help", "run --help", "modes", "filters", f"pool {GEEKS}",
     f"pool --json {GEEKS}", f"show {GEEKS}", f"explain {GEEKS}", f"shift {GEEKS}", "summary 8x8 pool",
     f"compare -m max,min {GEEKS}", "pool --emit torch", f"pool -f csv -o /dev/stdout {GEEKS}"],
)  # fmt: skip
def test_standard_output_that_is_closed(shell: Shell, arguments: str) -> None:
    done = shell(f"poolcli {arguments} >&-")
    failed(done, 1, "cannot write", "it is closed", "hint: ")


def test_standard_output_that_is_closed_for_the_real_command(shell: Shell) -> None:
    for arguments in ("--version", f"pool --json {GEEKS}"):
        failed(shell(f"python -m poolcli {arguments} >&-"), 1, "cannot write", "it is closed", "hint: ")


def test_a_file_needs_no_standard_output(shell: Shell, tmp_path: Path) -> None:
    assert shell(f"poolcli pool -o {tmp_path}/out.csv {GEEKS} >&-").code == 0
    assert (tmp_path / "out.csv").read_bytes() == POOLED
    assert shell(f"python -m poolcli batch -q -o {tmp_path}/many {GEEKS} >&-").code == 0
    assert (tmp_path / "many" / "geeks_4x4.csv").read_bytes() == POOLED


def test_standard_error_that_is_closed(shell: Shell, tmp_path: Path) -> None:
    done = shell(f"python -m poolcli pool -v -f csv {GEEKS} 2>&-")
    assert (done.code, done.raw) == (0, POOLED)
    assert shell(f"poolcli pool -o {tmp_path}/out.csv {GEEKS} 2>&-").code == 0
    assert (tmp_path / "out.csv").read_bytes() == POOLED
    for arguments, code in (
        (f"pool -k 9 {GEEKS}", 1),
        (f"pool -k 0 {GEEKS}", 2),
        ("--nosuch", 2),
        ("pool nosuch.csv", 1),
    ):
        done = shell(f"poolcli {arguments} 2>&-")
        assert (done.code, done.raw) == (code, b"")
    assert shell(f"python -m poolcli pool -o {tmp_path}/all.csv {GEEKS} <&- >&- 2>&-").code == 0
    assert sorted(names(tmp_path)) == ["all.csv", "out.csv"]


# --- signals ----------------------------------------------------------------------------------------------------------


def slowly(folder: Path) -> list[str]:
    """A command line that reads text, convolves, pools and writes text: tenths of a second of all kinds of work."""
    if not (folder / "in.csv").exists():
        np.savetxt(folder / "in.csv", np.random.default_rng(1).normal(size=(300, 250)), delimiter=",")
    (folder / "out.csv").write_bytes(OLD)
    return ["pool", "--filter", "gaussian", "-k", "2", "-s", "1", "-m", "median", "-o", "out.csv", "in.csv"]


@pytest.mark.parametrize(("name", "moments"), [("SIGINT", 50), ("SIGTERM", 20), ("SIGHUP", 10)])
def test_a_signal_at_any_moment(forks: Forks, tmp_path: Path, name: str, moments: int) -> None:
    words = slowly(tmp_path)
    start = time.perf_counter()
    assert forks(*words, cwd=tmp_path).code == 0
    length = time.perf_counter() - start
    new = (tmp_path / "out.csv").read_bytes()
    codes = []
    for moment in range(moments):
        (tmp_path / "out.csv").write_bytes(OLD)
        child, start = forks.start(*words, cwd=tmp_path), time.perf_counter()
        if child.ended(length * moment / moments):
            length = time.perf_counter() - start  # the machine has become faster, or other work has ended
        else:
            child.kill(getattr(signal, name))
        result = child.result()
        codes.append(result.code)
        number = getattr(signal, name)
        assert result.code in (0, 128 + number)
        assert result.raw == b""
        assert result.err in ("", "wrote out.csv (297 rows x 247 columns)\n")
        assert (tmp_path / "out.csv").read_bytes() in (OLD, new)
        assert names(tmp_path) == ["in.csv", "out.csv"]
    assert sum(code != 0 for code in codes) > moments / 4  # most came in time


STARTING = """
import os, sys
sys.argv[0] = "poolcli"
from poolcli.__main__ import main
os.write(1, b".")
sys.exit(main())
"""


def test_ctrl_c_is_silent_from_the_first_line(python: Run) -> None:
    """Before `main` is called, even."""
    result = python("-c", "import signal, poolcli.__main__\nsignal.raise_signal(signal.SIGINT)")
    assert (result.code, result.err) == (130, "")


@pytest.mark.parametrize("moments", [16])
def test_ctrl_c_while_libraries_are_being_imported(tmp_path: Path, moments: int) -> None:
    words = [sys.executable, "-c", STARTING, *slowly(tmp_path)]
    interrupted, length = 0, 0.0
    for moment in range(-1, moments):  # the first tells how long it takes
        with subprocess.Popen(
            words, cwd=tmp_path, env=clean_environment({"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": ""}),
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            assert process.stdout is not None
            assert process.stdout.read(1) == b"."  # Python has started; from here on it is poolcli
            start = time.perf_counter()
            if moment >= 0:
                time.sleep(length * (moment + 1) / (moments + 1))  # not at once: `main` has to have its first line
                process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=TIMEOUT)
            length = length or time.perf_counter() - start
        assert process.returncode in (0, -signal.SIGINT)
        assert (out, err.replace(b"wrote out.csv (297 rows x 247 columns)\n", b"")) == (b"", b"")
        interrupted += process.returncode == -signal.SIGINT
        assert names(tmp_path) == ["in.csv", "out.csv"]
    assert interrupted > moments / 4


def test_a_silenced_signal_stays_silenced(shell: Shell, tmp_path: Path) -> None:
    """As under nohup."""
    words = " ".join(slowly(tmp_path))
    line = f"trap '' HUP; python -m poolcli {words} & sleep 0.3; kill -HUP $!; wait $!; echo $?"
    assert shell(line, cwd=tmp_path, env={"PYTHONPATH": str(ROOT)}, fresh=True).out == "0\n"
    assert (tmp_path / "out.csv").read_bytes() != OLD


IN_THE_MIDDLE = """
import os, signal, sys
from poolcli.cli.output import Output

number = int(sys.argv[1])
signal.signal(number, signal.SIG_IGN if sys.argv[2:] else signal.SIG_DFL)

def chunks():
    yield bytes(10_000_000)
    assert len(os.listdir()) == 2, os.listdir()
    os.kill(os.getpid(), number)
    yield b"new"

Output().put(chunks(), "out.npy")
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_while_a_temporary_file_is_open(python: Run, tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "out.npy").write_bytes(OLD)
    result = python("-c", IN_THE_MIDDLE, str(int(number)), cwd=tmp_path)
    assert (result.code, result.raw, result.err) == (128 + number, b"", "")
    assert (names(tmp_path), (tmp_path / "out.npy").read_bytes()) == (["out.npy"], OLD)
    assert python("-c", IN_THE_MIDDLE, str(int(number)), "silenced", cwd=tmp_path).code == 0
    assert (names(tmp_path), (tmp_path / "out.npy").stat().st_size) == (["out.npy"], 10_000_003)


def test_ctrl_c_ends_the_loop_of_a_shell(tmp_path: Path) -> None:
    """On a terminal, where it goes to the whole group: a shell goes on after a command that ended in its own way."""
    os.mkfifo(tmp_path / "fifo")
    loop = "for i in 1 2 3; do poolcli pool fifo; echo after $i: $?; done"
    for line, told in ((loop, b""), (f"trap : INT; {loop}", b"after 1: 130\r\n")):
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(tmp_path)
            os.execvpe("bash", ["bash", "-c", line], clean_environment({"PYTHONWARNINGS": ""}))  # noqa: S606
        with (tmp_path / "fifo").open("wb"):  # opens when the command has opened it for reading
            os.write(terminal, b"\x03")
            said = b""
            while told not in said or not told:
                try:
                    said += os.read(terminal, 1000)
                except OSError:  # the shell has ended
                    break
        assert (said.replace(b"^C", b""), names(tmp_path)) == (told, ["fifo"])
        if told:
            os.kill(pid, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) in (-signal.SIGINT, -signal.SIGKILL)
        os.close(terminal)


def hung_up(folder: Path, *words: str | Path, when: Path, ignored: bool = False) -> int:
    """Run the command on a terminal that hangs up when a file is there, and return how it ended."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
        os.execve(command(), [command(), *map(str, words)], clean_environment({"TERM": "xterm-256color"}))  # noqa: S606
    while not when.exists():
        time.sleep(0.005)
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_terminal_that_hangs_up_ends_a_batch_as_it_ends_any_program(tmp_path: Path) -> None:
    """And the bar, the errors and the table, which cannot be written any more, do not change that."""
    (tmp_path / "in").mkdir()
    for number in range(200):
        np.save(tmp_path / "in" / f"{number:03}.npy", np.zeros((300, 300)))
    (tmp_path / "in" / "001.npy").write_bytes(b"")
    code = hung_up(tmp_path, "batch", "in", "-o", "out", "-m", "median", "-k", "3", when=tmp_path / "out" / "002.npy")
    assert code == -signal.SIGHUP
    assert not [name for name in names(tmp_path / "out") if name.endswith(".tmp")]


def test_a_batch_goes_on_without_its_terminal_where_that_signal_is_ignored(tmp_path: Path) -> None:
    """As after ``trap '' HUP``. An error of the terminal that comes before the signal does not end it, either."""
    (tmp_path / "in").mkdir()
    for number in range(40):
        np.save(tmp_path / "in" / f"{number:03}.npy", np.zeros((300, 300)))
    (tmp_path / "in" / "030.npy").write_bytes(b"")
    code = hung_up(tmp_path, "batch", "in", "-o", "out", "-k", "3", when=tmp_path / "out" / "002.npy", ignored=True)
    assert (code, len(list((tmp_path / "out").glob("*.npy")))) == (3, 39)


def test_a_signal_ends_the_process_whatever_tidying_up_raises(python: Run) -> None:
    """Such as a bar on a terminal that has hung up; what else is to be tidied up is."""
    code = (
        "import signal, sys, time\n"
        "from poolcli.cli.signals import ending\n"
        "def fail(): raise OSError(5, 'gone')\n"
        "with ending(lambda: sys.stdout.write('tidy') and sys.stdout.flush()), ending(fail):\n"
        "    signal.raise_signal(signal.SIGHUP)\n"
        "    time.sleep(20)\n"
    )
    result = python("-c", code)
    assert (result.code, result.raw, result.err) == (128 + signal.SIGHUP, b"tidy", "")


def test_a_signal_that_comes_where_no_exception_can_go_up(python: Run) -> None:
    """In a callback of the garbage collector Python prints and forgets it."""
    code = (
        "import signal, sys, time\n"
        "from poolcli.cli.signals import ending\n"
        "class Thing:\n"
        "    def __del__(self): signal.raise_signal(signal.SIGINT)\n"
        "signal.signal(signal.SIGINT, signal.SIG_DFL)\n"
        "with ending(lambda: sys.stdout.write('tidy') and sys.stdout.flush()):\n"
        "    Thing()\n"
        "    time.sleep(20)\n"
    )
    result = python("-c", code)
    assert (result.code, result.raw, result.err) == (130, b"tidy", "")


def test_sigkill_during_a_write_leaves_the_old_file_or_the_new_one(forks: Forks, tmp_path: Path) -> None:
    """200 times, many of them while the temporary file is there: that one may be left, and nothing else."""
    source, target = tmp_path / "in.npy", tmp_path / "out.npy"
    np.save(source, np.random.default_rng(1).integers(0, 256, (1500, 2000), np.uint8))
    words = ["pool", "-m", "avg", "-k", "2", "-s", "1", "-o", "out.npy", "in.npy"]  # 8 bytes a cell: 24 MB
    assert forks(*words, cwd=tmp_path).code == 0
    target.rename(tmp_path / "new.npy")
    target.write_bytes(OLD)
    draw, inside, kept = random.Random(1), 0, 0
    for _ in range(200):
        child = forks.start(*words, cwd=tmp_path)
        while not child.ended(0.0005) and not left_over(tmp_path):
            pass
        child.ended(draw.choice((0, draw.uniform(0, 0.01))))
        child.kill(signal.SIGKILL)
        assert child.ended(TIMEOUT)
        inside += bool(left_over(tmp_path))
        if target.stat().st_size == len(OLD):
            assert target.read_bytes() == OLD
            kept += 1
        else:
            assert filecmp.cmp(target, tmp_path / "new.npy", shallow=False)
            target.write_bytes(OLD)
        for path in left_over(tmp_path):
            path.unlink()
        assert names(tmp_path) == ["in.npy", "new.npy", "out.npy"]
    assert inside > 20
    assert kept >= inside


# --- the Python that forks --------------------------------------------------------------------------------------------


def test_the_python_that_forks_ends_with_a_test_that_fails(tmp_path: Path) -> None:
    ended: list[str] = []

    def fail() -> None:
        try:
            with forking(tmp_path):
                raise ValueError("it failed")
        except ValueError as problem:
            ended.append(str(problem))

    thread = threading.Thread(target=fail, daemon=True)  # without an end it would keep the tests waiting
    thread.start()
    thread.join(TIMEOUT / 2)
    assert ended == ["it failed"]

"""Files: read whole, written whole or not at all, and every refusal says what to do."""

from __future__ import annotations

import errno
import io
import os
import pty
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from poolcli.errors import FileError
from poolcli.system.files import (
    atomic,
    check_target,
    descriptor_of,
    file_error,
    open_source,
    put,
    read_source,
    same_file,
)
from poolcli.system.portable import shell_word

OLD = b"old\n"
NEW = b"new, and longer\n"


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir() if path.name.startswith(".poolcli-")]


@pytest.fixture
def target(tmp_path: Path) -> Path:
    path = tmp_path / "out.csv"
    path.write_bytes(OLD)
    return path


def refused(call: Callable[[], Any]) -> FileError:
    with pytest.raises(FileError) as caught:
        call()
    return caught.value


# --- reading ----------------------------------------------------------------------------------------------------------


def test_a_file_is_read_whole_and_keeps_the_name_as_typed(target: Path) -> None:
    source = read_source(target)
    assert (source.name, source.data, source.path) == (str(target), OLD, target)


def test_a_missing_file_names_its_neighbours(tmp_path: Path) -> None:
    (tmp_path / "matrix.csv").touch()
    problem = refused(lambda: read_source(tmp_path / "matrx.csv"))
    assert problem.message == f"cannot read {tmp_path}/matrx.csv: no such file"
    assert problem.hint == f"did you mean {tmp_path}/matrix.csv?"
    assert problem.exit_code == 1


def test_a_missing_file_without_neighbours(tmp_path: Path) -> None:
    assert refused(lambda: read_source(tmp_path / "matrix.csv")).hint == "check the path"


@pytest.mark.parametrize("pattern", ["*.csv", "m?.csv", "m[12].csv", "../*/m1.csv"])
def test_a_pattern_that_matches_files_leads_to_batch(tmp_path: Path, pattern: str) -> None:
    for name in ("m1.csv", "m2.csv"):
        (tmp_path / name).touch()
    problem = refused(lambda: read_source(tmp_path / pattern))
    assert problem.message == f"cannot read {tmp_path}/{pattern}: no such file"
    assert problem.hint == f"batch takes patterns: poolcli batch {shell_word(f'{tmp_path}/{pattern}')} output='FOLDER'"


def test_a_pattern_that_matches_nothing_is_a_name(tmp_path: Path) -> None:
    (tmp_path / "matrix.csv").touch()
    assert refused(lambda: read_source(tmp_path / "matr*x.cs")).hint == f"did you mean {tmp_path}/matrix.csv?"


@pytest.mark.parametrize("address", ["http://x.org/a.csv", "https://x.org/a?b=1&c=2", "ftp://x.org/a.png"])
def test_an_address_goes_through_curl(address: str) -> None:
    problem = refused(lambda: read_source(address))
    assert "it is an address, not a file" in problem.message
    assert problem.hint == f"curl -sL {shell_word(address)}; or save it first: curl -sLO {shell_word(address)}"


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    problem = refused(lambda: read_source(tmp_path / "no" / "such" / "x.csv"))
    assert f"the folder {tmp_path}/no does not exist" in problem.message


def test_a_dangling_link_says_where_it_leads(tmp_path: Path) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to("gone.csv")
    assert "a link to gone.csv, which does not exist" in refused(lambda: read_source(link)).message


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("", "a file without a name"),
        ("a\0b", "contain a NUL character"),
        ("x" * 4000, "the name is too long"),
        ("/dev/zero", "it is a device"),
        ("/dev/null", "it is a device"),
        ("/", "it is a folder"),
        (f"{__file__}/x.csv", "a part of the path is a file, not a folder"),
    ],
)
def test_what_cannot_be_read(name: str, reason: str) -> None:
    assert reason in refused(lambda: read_source(name)).message


def test_a_circle_of_links(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert "loop" in refused(lambda: read_source(tmp_path / "a")).message


@pytest.mark.posix
def test_a_fifo_is_read_to_its_end(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    writer = threading.Thread(target=lambda: fifo.write_bytes(b"1,2\n"))
    writer.start()
    assert read_source(fifo).data == b"1,2\n"
    writer.join()


def test_open_source_gives_the_open_file(target: Path) -> None:
    with open_source(target) as file:
        assert file.read() == OLD


class Stdin(io.TextIOWrapper):
    def __init__(self, data: bytes = b"", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(data))
        self.terminal = terminal

    def isatty(self) -> bool:
        return self.terminal


def test_stdin_is_read_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b"1,2\r\n"))
    source = read_source("-")
    assert (source.name, source.data, source.path) == ("stdin", b"1,2\r\n", None)


def test_a_terminal_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(terminal=True))
    problem = refused(lambda: read_source("-"))
    assert problem.message == "cannot read stdin: it is a terminal"
    assert "name a file" in (problem.hint or "")


@pytest.mark.parametrize("how", ["none", "closed"])
def test_a_closed_stdin(monkeypatch: pytest.MonkeyPatch, how: str) -> None:
    stdin = None if how == "none" else Stdin()
    if stdin:
        stdin.close()
    monkeypatch.setattr(sys, "stdin", stdin)
    assert refused(lambda: read_source("-")).message == "cannot read stdin: it is closed"


def test_a_stdin_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.BytesIO):
        def read1(self, *_: Any) -> bytes:
            raise OSError(errno.EISDIR, "Is a directory")

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(Failing()))
    assert refused(lambda: read_source("-")).message == "cannot read stdin: it is a folder"


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (OSError(errno.ESTALE, "Stale file handle"), "cannot read x: Stale file handle"),
        (OSError("no number at all"), "cannot read x: no number at all"),
    ],
)
def test_what_the_system_says_is_passed_on_where_there_are_no_better_words(problem: OSError, message: str) -> None:
    assert file_error("read", "x", problem).message == message
    assert file_error("read", "x", problem).hint == "check the disk that it is on"


# --- writing ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("chunks", [NEW, [NEW[:3], NEW[3:]], [memoryview(NEW)]])
def test_a_file_is_replaced_and_nothing_else_is_left(target: Path, chunks: Any) -> None:
    put(target, chunks)
    assert target.read_bytes() == NEW
    assert leftovers(target.parent) == []


def test_a_new_file_has_the_mode_that_new_files_get(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        put(tmp_path / "new.csv", NEW)
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "new.csv").stat().st_mode) == 0o640


@pytest.mark.posix
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o4711])
def test_the_mode_of_an_existing_file_is_kept(target: Path, mode: int) -> None:
    target.chmod(mode)
    put(target, NEW)
    assert stat.S_IMODE(target.stat().st_mode) == mode


@pytest.mark.posix
@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_the_owner_of_an_existing_file_is_kept(target: Path) -> None:
    os.chown(target, 12345, 23456)
    target.chmod(0o4755)
    put(target, NEW)
    assert (target.stat().st_uid, target.stat().st_gid) == (12345, 23456)
    assert stat.S_IMODE(target.stat().st_mode) == 0o4755


@pytest.mark.parametrize("failure", [ValueError, KeyboardInterrupt, SystemExit, MemoryError, GeneratorExit])
def test_after_any_exception_the_old_file_is_there_and_no_other(target: Path, failure: type[BaseException]) -> None:
    def chunks() -> Iterator[bytes]:
        yield b"x" * 1_000_000
        assert len(leftovers(target.parent)) == 1
        raise failure

    with pytest.raises(failure):
        put(target, chunks())
    assert target.read_bytes() == OLD
    assert leftovers(target.parent) == []


def test_the_temporary_name_is_recognisable_and_short_enough(tmp_path: Path) -> None:
    target = tmp_path / ("ü" * 125)  # 250 bytes; a name may have 255
    with atomic(target):
        (name,) = leftovers(tmp_path)
    assert name.startswith(".poolcli-üüü")
    assert name.endswith(".tmp")
    assert len(os.fsencode(name)) <= 255
    assert target.exists()


def test_a_link_stays_and_its_file_is_replaced(tmp_path: Path, target: Path) -> None:
    link = tmp_path / "elsewhere" / "link.csv"
    link.parent.mkdir()
    link.symlink_to("../out.csv")
    put(link, NEW)
    assert link.is_symlink()
    assert target.read_bytes() == NEW
    assert leftovers(link.parent) == leftovers(tmp_path) == []


def test_a_dangling_link_gets_its_file(tmp_path: Path) -> None:
    link = tmp_path / "link.csv"
    link.symlink_to("made.csv")
    put(link, NEW)
    assert link.is_symlink()
    assert (tmp_path / "made.csv").read_bytes() == NEW


def test_a_fifo_is_written_to_and_stays(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(fifo.read_bytes()))
    reader.start()
    put(fifo, [NEW] * 10_000)  # more than a pipe holds
    reader.join()
    assert got == [NEW * 10_000]
    assert stat.S_ISFIFO(fifo.stat().st_mode)


def test_a_device_is_written_to_and_stays() -> None:
    put("/dev/null", NEW)
    assert stat.S_ISCHR(os.stat("/dev/null").st_mode)


def test_dev_full_is_a_full_disk() -> None:
    problem = refused(lambda: put("/dev/full", NEW))
    assert problem.message == "cannot write /dev/full: no space left on the device"
    assert problem.hint == "make room, or write to another disk"


def test_dev_stdout_keeps_what_the_shell_appended_to(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(OLD)
    code = "from poolcli.system.files import put; put('/dev/stdout', b'new\\n')"
    with log.open("ab") as file:
        subprocess.run([sys.executable, "-c", code], stdout=file, check=True)
    assert log.read_bytes() == OLD + b"new\n"


@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("/dev/stdout", 1),
        ("/dev/stderr", 2),
        ("/dev/fd/7", 7),
        ("/proc/self/fd/8", 8),
        ("stdout", None),
        ("/dev/fd/x", None),
    ],
)
def test_names_of_open_files(name: str, number: int | None) -> None:
    assert descriptor_of(name) == number


def test_a_closed_descriptor() -> None:
    assert "it is closed" in refused(lambda: put("/dev/fd/987", NEW)).message


@pytest.mark.parametrize(
    ("name", "reason", "hint"),
    [
        ("", "not a file name", "output.csv"),
        ("a\0b", "not a file name", "output.csv"),
        ("{folder}", "it is a folder", "output.csv"),
        ("{folder}/", "it is a folder", "output.csv"),
        ("{folder}/new/", "it is a folder", "output.csv"),
        ("{folder}/no/x.csv", "the folder {folder}/no does not exist", "make the folder first"),
        ("{folder}/out.csv/x.csv", "a file, not a folder", "check the path"),
        ("{folder}/circle", "loop", "remove the links"),
        ("{folder}/" + "x" * 300, "the name is too long", "shorter"),
    ],
)
def test_where_nothing_can_be_written(target: Path, name: str, reason: str, hint: str) -> None:
    folder = target.parent
    (folder / "circle").symlink_to("circle")
    problem = refused(lambda: put(name.format(folder=folder), NEW))
    assert reason.format(folder=folder) in problem.message
    assert hint in (problem.hint or "")
    assert leftovers(folder) == []


def test_a_closed_folder_and_a_read_only_file_stop_a_plain_user(tmp_path: Path) -> None:
    """Where the tests run as root, in a process that gives its rights away."""
    folder = tmp_path / "closed"
    folder.mkdir()
    (folder / "out.csv").write_bytes(OLD)
    (folder / "out.csv").chmod(0o444)
    (folder / "secret.csv").touch(0o000)
    folder.chmod(0o555)
    code = (
        "import os, sys\n"
        "sys.path.insert(0, sys.argv[2])\n"
        "from poolcli.system.files import put, check_target, read_source\n"
        "from poolcli.errors import FileError\n"
        "os.chdir(sys.argv[1])\n"
        "if os.geteuid() == 0: os.setgid(65534); os.setuid(65534)\n"
        "try: read_source('secret.csv')\n"
        "except FileError as problem: print(problem)\n"
        "for name in ('out.csv', 'new.csv'):\n"
        "    for call in (lambda: check_target(name), lambda: put(name, b'new')):\n"
        "        try: call()\n"
        "        except FileError as problem: print(problem)\n"
    )
    root = Path(__file__).resolve().parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code, folder, root], capture_output=True, text=True, check=True)
    folder.chmod(0o755)
    assert done.stdout.splitlines() == [
        "cannot read secret.csv: permission denied",
        "cannot write out.csv: it is read-only",
        "cannot write out.csv: it is read-only",
        "cannot write new.csv: its folder does not allow new files",
        "cannot write new.csv: permission denied",
    ]
    assert (folder / "out.csv").read_bytes() == OLD
    assert leftovers(folder) == []


def test_check_target_is_silent_where_writing_works(tmp_path: Path, target: Path) -> None:
    for name in (target, tmp_path / "new.csv", "/dev/null", "/dev/stdout"):
        check_target(name)
    assert leftovers(tmp_path) == []


def test_a_full_disk_keeps_the_old_file(tmp_path: Path, target: Path) -> None:
    """The limit on the size of files stands in for a full disk: the same place fails."""
    code = (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "from poolcli.system.files import put\n"
        "try: put(sys.argv[1], [b'x' * 50_000] * 20)\n"
        "except OSError as problem: print(problem)\n"
    )
    root = Path(__file__).resolve().parent.parent.parent
    done = subprocess.run([sys.executable, "-c", code, target], capture_output=True, text=True, check=True, cwd=root)
    assert done.stdout == f"cannot write {target}: the file would be too large\n"
    assert target.read_bytes() == OLD
    assert leftovers(tmp_path) == []


def test_same_file(tmp_path: Path, target: Path) -> None:
    (tmp_path / "soft").symlink_to(target)
    os.link(target, tmp_path / "hard")
    (tmp_path / "other").write_bytes(OLD)
    assert same_file(target, target)
    assert same_file(target, tmp_path / "soft")
    assert same_file(tmp_path / "hard", target)
    assert same_file(target, f"{tmp_path}/./out.csv")
    assert not same_file(target, tmp_path / "other")
    assert not same_file(target, tmp_path / "missing")
    assert not same_file(target, "a\0b")
    assert not same_file("-", "-")


# --- standard output --------------------------------------------------------------------------------------------------


def test_all_bytes_reach_stdout_after_what_was_printed(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    sys.stdout.write("first")
    put("-", [b"\xff\x00", b"x" * 300_000])
    assert capfdbinary.readouterr().out == b"first\xff\x00" + b"x" * 300_000


def test_a_stand_in_for_stdout_is_written_to(monkeypatch: pytest.MonkeyPatch) -> None:
    stand_in = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(stand_in))
    put("-", NEW)
    assert stand_in.getvalue() == NEW


def test_a_closed_stdout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)
    assert refused(lambda: put("-", NEW)).message == "cannot write stdout: it is closed"


WRITE = "from poolcli.system.files import put\n"


def test_a_full_disk_behind_stdout() -> None:
    code = f"{WRITE}try: put('-', [b'x' * 1000] * 1000)\nexcept OSError as problem: raise SystemExit(str(problem))\n"
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run([sys.executable, "-c", code], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert done.stderr == "cannot write stdout: no space left on the device\n"
    assert done.returncode == 1  # and not 120: nothing is left in a buffer that Python would try to flush again


def test_a_reader_that_goes_away_is_for_the_caller() -> None:
    code = f"{WRITE}try: put('-', [b'x' * 100_000] * 100)\nexcept BrokenPipeError: raise SystemExit(42)\n"
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.read(10)
        process.stdout.close()
        assert process.wait(timeout=60) == 42


def test_a_pipe_that_does_not_block_gets_everything() -> None:
    """A terminal that another program made non-blocking takes only part of a write."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    code = f"{WRITE}put('-', b'x' * 1_000_000)"
    with subprocess.Popen([sys.executable, "-c", code], stdout=write) as process:
        os.close(write)
        with open(read, "rb") as pipe:
            assert len(pipe.read()) == 1_000_000
        assert process.wait(timeout=60) == 0


def test_a_terminal_gets_the_bytes() -> None:
    ours, theirs = pty.openpty()
    subprocess.run([sys.executable, "-c", f"{WRITE}put('-', b'1,2')"], stdout=theirs, check=True)
    assert os.read(ours, 100) == b"1,2"
    os.close(ours)
    os.close(theirs)

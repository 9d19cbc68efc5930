"""Folders that are replaced whole: killed and interrupted before each step of the system, with one whole left."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from poolcli.system import folders
from poolcli.system.folders import mend, replaced_folder

FILES = ("a", "b", "c")

# replaces folders, each in a child of its own that does what is given at the first, second, third, ... step, until one
# comes to its end: what the audit hook sees is what Python is about to ask the system for
SCRIPT = """
import os, signal, sys
from pathlib import Path
from poolcli.system import folders

way, fault, *paths = sys.argv[1:]
if way == "renames":
    folders._exchanged = lambda one, other: False
step = count = 0

def at_each_step(event, arguments):
    global count
    if event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "open", "ctypes.dlsym", "shutil.rmtree"):
        count += 1
        if count == step:
            if fault == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise KeyboardInterrupt

for path in paths:
    step += 1
    child = os.fork()
    if child:
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        print(code, flush=True)
        if code == 0:
            break
        continue
    sys.addaudithook(at_each_step)
    try:
        with folders.replaced_folder(Path(path)) as new:
            for name in "abc":
                (new / name).write_text("new")
    except KeyboardInterrupt:
        sys.exit(130)
    sys.exit()
"""


def whole(path: Path, version: str) -> Path:
    path.mkdir()
    for name in FILES:
        (path / name).write_text(version)
    return path


def version(path: Path) -> str:
    """Which one a folder is; that it is whole."""
    assert sorted(os.listdir(path)) == sorted(FILES)
    (found,) = {(path / name).read_text() for name in FILES}
    return found


def left(folder: Path) -> list[str]:
    return sorted(name for name in os.listdir(folder) if name.startswith(".poolcli"))


def faults(tmp_path: Path, way: str, fault: str, before: str | None) -> Iterator[tuple[int, Path]]:
    """Give the place of a folder after a fault at each of the steps that there are, and how the process ended."""
    paths = [tmp_path / str(step) / "x.zarr" for step in range(1, 100)]
    for path in paths:
        path.parent.mkdir()
        if before:
            whole(path, before)
    words = [sys.executable, "-c", SCRIPT, way, fault, *map(str, paths)]
    done = subprocess.run(words, capture_output=True, check=True, timeout=60)
    codes = [int(line) for line in done.stdout.split()]
    assert (len(codes) > 6, codes[-1]) == (True, 0), "it never comes to an end"
    yield from zip(codes[:-1], paths, strict=False)


@pytest.mark.slow
@pytest.mark.parametrize("way", ["exchange", "renames"])
def test_whenever_it_is_killed_there_is_one_whole_folder(tmp_path: Path, way: str) -> None:
    seen = []
    for code, path in faults(tmp_path, way, "kill", "old"):
        assert code == -signal.SIGKILL
        assert way == "renames" or version(path) in ("old", "new")
        mend(path)
        seen.append(version(path))
        assert left(path.parent) == []
    assert seen == sorted(seen, reverse=True), "first the old one, then the new one"
    assert set(seen) == {"old", "new"}


@pytest.mark.slow
@pytest.mark.parametrize("way", ["exchange", "renames"])
def test_whenever_it_is_interrupted_there_is_one_whole_folder_and_nothing_else(tmp_path: Path, way: str) -> None:
    seen = []
    for code, path in faults(tmp_path, way, "interrupt", "old"):
        assert code == 130
        seen.append(version(path))
        assert left(path.parent) == []
    assert set(seen) == {"old", "new"}


@pytest.mark.slow
def test_the_first_of_its_name_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    for _, path in faults(tmp_path, "exchange", "kill", None):
        mend(path)
        assert not path.exists() or version(path) == "new"
        assert left(path.parent) == []


@pytest.mark.posix
def test_what_a_living_process_is_making_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "x.zarr"
    with replaced_folder(path) as new:
        (new / "a").write_text("new")
        mend(path)
        assert (new / "a").read_text() == "new"
    assert os.listdir(tmp_path) == ["x.zarr"]


@pytest.mark.posix
def test_a_folder_set_aside_by_the_dead_comes_back_and_one_that_is_held_does_not(tmp_path: Path) -> None:
    path, aside = tmp_path / "x.zarr", tmp_path / f".poolcli-x.zarr-{'0' * 16}.old"
    whole(aside, "old")
    other = whole(tmp_path / f".poolcli-y.zarr-{'0' * 16}.old", "other")
    descriptor = os.open(aside, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    mend(path)
    assert not path.exists()
    os.close(descriptor)
    mend(path)
    assert (version(path), version(other)) == ("old", "other")


@pytest.mark.posix
def test_where_the_last_rename_is_refused_the_old_one_comes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = whole(tmp_path / "x.zarr", "old")
    rename = os.rename

    def refused(one: Path, other: Path) -> None:
        if one.suffix == ".tmp" and other == path:
            raise OSError(errno.EDQUOT, "full")
        rename(one, other)

    monkeypatch.setattr(folders, "_exchanged", lambda *_: False)
    monkeypatch.setattr(os, "rename", refused)
    with pytest.raises(OSError, match="full"), replaced_folder(path) as new:
        (new / "a").write_text("new")
    assert version(path) == "old"
    assert left(tmp_path) == []


@pytest.mark.posix
def test_what_a_file_system_refuses_is_told_apart_from_what_it_cannot(tmp_path: Path) -> None:
    one = whole(tmp_path / "one", "1")
    with pytest.raises(FileNotFoundError):
        folders._exchanged(one, tmp_path / "none")
    two = whole(tmp_path / "two", "2")
    assert folders._exchanged(one, two)
    assert (version(one), version(two)) == ("2", "1")


def test_without_the_call_of_the_system_nothing_changes_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = whole(tmp_path / "one", "1"), whole(tmp_path / "two", "2")
    monkeypatch.setattr("ctypes.CDLL", lambda *_, **__: object())
    assert not folders._exchanged(one, two)
    assert (version(one), version(two)) == ("1", "2")

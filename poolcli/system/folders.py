"""Folders that are replaced whole, as `poolcli.system.files` replaces files.

A folder is made under a temporary name, ``.poolcli-<name>-<random>.tmp``, and then changes names with the one that it
replaces, at once, where the system can do that. Where it cannot, the old one is set aside first, as ``.old``, and the
new one gets its name after that; whoever comes next and finds no folder, but one set aside, sets it back (`mend`). So
whenever a process is killed there is one whole folder. A process that makes a folder holds a lock on it, so that what
the dead left behind can be told from what the living are working on.
"""

from __future__ import annotations

import ctypes
import errno
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path

from poolcli.system.files import left_behind, temporary_beside
from poolcli.system.portable import lock, open_folder

LAST_WRITES = 10.0  # seconds for other threads to end what they are writing into a folder that is to go
AT_WORKING_FOLDER, EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
UNABLE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)  # how kernels and file systems say that they cannot exchange


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Give an empty folder beside `path`; it takes its place at the end of the ``with`` block if nothing was raised.

    Parameters
    ----------
    path : Path
        What is there is replaced; no symbolic link.
    """
    new = temporary_beside(path)
    try:
        os.mkdir(new)
        with _held(new, ours=True):
            yield new
            _put_in_place(new, path)
    finally:
        try:
            _clear(new, path)
        except KeyboardInterrupt:  # one signal is no reason to leave a half of it
            _clear(new, path)
            raise


def mend(path: Path) -> None:
    """Put right what killed processes left of a folder: one that was set aside becomes it, the rest goes."""
    with suppress(OSError):  # a folder that is not to be seen has nothing to mend
        left = [Path(name) for name in left_behind(str(path.parent), [path.name])]
        for folder in sorted(left, key=lambda folder: folder.suffix):  # .old comes first
            with suppress(OSError), _held(folder):
                if folder.suffix == ".old" and not os.path.lexists(path):
                    os.rename(folder, path)
                else:
                    _remove(folder)


@contextmanager
def _held(folder: Path, *, ours: bool = False) -> Iterator[None]:
    """Hold a lock on a folder; if that cannot be had, an `OSError`, but for a folder of ours."""
    descriptor = open_folder(folder)
    try:
        with suppress(OSError) if ours else nullcontext():  # not every file system has locks
            lock(descriptor, wait=False)
        yield
    finally:
        if descriptor >= 0:
            os.close(descriptor)


def _put_in_place(new: Path, path: Path) -> None:
    if not os.path.lexists(path):
        os.rename(new, path)
    elif not _exchanged(new, path):
        with _held(path, ours=True):
            os.rename(path, new.with_suffix(".old"))
            os.rename(new, path)


def _exchanged(one: Path, other: Path) -> bool:
    """Have two folders change names at once, and say whether the system could do that."""
    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None) if os.name == "posix" else None
    if rename is None:
        return False
    if rename(AT_WORKING_FOLDER, os.fsencode(one), AT_WORKING_FOLDER, os.fsencode(other), EXCHANGE) == 0:
        return True
    problem = ctypes.get_errno()
    if problem in UNABLE:
        return False
    raise OSError(problem, os.strerror(problem), str(other))


def _clear(new: Path, path: Path) -> None:
    """Remove what is not the folder, once there is one."""
    aside = new.with_suffix(".old")
    if os.path.lexists(aside) and not os.path.lexists(path):
        try:
            os.rename(new, path)
        except OSError:
            os.rename(aside, path)
    if os.path.lexists(aside):
        _remove(aside)
    _remove(new)


def _remove(folder: Path) -> None:
    """Remove a folder to which another thread may still be writing; before it is half gone, it is not called old."""
    if folder.suffix == ".old":
        folder = folder.rename(folder.with_suffix(".tmp"))
    end = time.monotonic() + LAST_WRITES
    while folder.exists() and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02 * folder.exists())

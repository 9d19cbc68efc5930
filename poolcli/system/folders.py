"""Replacing folders atomically, as `poolcli.system.files` replaces files.

A folder is made as ``.poolcli-<name>-<random>.tmp`` and then swaps names with the old one in one step, if the system
can do that. If not, the old folder is first set aside as ``.old``; a later process that finds only this one puts it
back (`mend`). So whenever a process is killed, one complete folder remains. A process holds a lock on the folder that
it makes, so that leftovers of dead processes can be told from work in progress.
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

LAST_WRITES = 10.0  # seconds for other threads to finish writing into a folder before it is removed
AT_WORKING_FOLDER, EXCHANGE = -100, 2  # AT_FDCWD and RENAME_EXCHANGE of Linux
UNABLE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP)  # kernels and file systems that cannot exchange names


@contextmanager
def replaced_folder(path: Path) -> Iterator[Path]:
    """Make an empty folder that replaces `path`, not a symbolic link, after the ``with`` block unless that raises."""
    new = temporary_beside(path)
    try:
        os.mkdir(new)
        with _held(new, ours=True):
            yield new
            _put_in_place(new, path)
    finally:
        try:
            _clear(new, path)
        except KeyboardInterrupt:  # do not stop halfway
            _clear(new, path)
            raise


def mend(path: Path) -> None:
    """Clean up what killed processes left of a folder: put back the one set aside, remove the rest."""
    with suppress(OSError):  # a folder that cannot be read
        left = [Path(name) for name in left_behind(str(path.parent), [path.name])]
        for folder in sorted(left, key=lambda folder: folder.suffix):  # .old comes first
            with suppress(OSError), _held(folder):
                if folder.suffix == ".old" and not os.path.lexists(path):
                    os.rename(folder, path)
                else:
                    _remove(folder)


@contextmanager
def _held(folder: Path, *, ours: bool = False) -> Iterator[None]:
    """Hold a lock on a folder; raise `OSError` if that fails, unless the folder is `ours`."""
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
    """Swap the names of two folders in one step, and return whether the system can do that."""
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
    """Remove the other folders once the new or the old one is in place."""
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
    """Remove a folder that another thread may still be writing to; rename .old first, so that `mend` ignores it."""
    if folder.suffix == ".old":
        folder = folder.rename(folder.with_suffix(".tmp"))
    end = time.monotonic() + LAST_WRITES
    while folder.exists() and time.monotonic() < end:
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.02 * folder.exists())

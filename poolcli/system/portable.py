"""What not every system has (signals, locks, owners of files, limits), left out where it is missing: here alone."""

from __future__ import annotations

import os
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any

fcntl: Any = None
resource: Any = None
with suppress(ImportError):  # Windows has neither
    fcntl = import_module("fcntl")
    resource = import_module("resource")

ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096  # bytes
# a file that must not be there yet; where text and binary files differ, a binary one
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def deaf() -> Iterator[None]:
    """Let Ctrl-C wait until the end of the ``with`` block; what is started in it never hears of it."""
    mask = getattr(signal, "pthread_sigmask", None)  # Windows has none
    before = mask(signal.SIG_BLOCK, [signal.SIGINT]) if mask else ()
    try:
        yield
    finally:
        if mask:
            mask(signal.SIG_SETMASK, before)


def memory() -> int:
    """Return the bytes of memory of the machine; where it does not tell, more than anybody asks for."""
    return os.sysconf("SC_PHYS_PAGES") * PAGE if hasattr(os, "sysconf") else sys.maxsize


def lock(file: int, *, wait: bool) -> None:
    """Hold a lock on an open file until it is closed; an `OSError` if another process does, or there are no locks."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def open_folder(path: str | os.PathLike[str]) -> int:
    """Return a descriptor of a folder, to lock it; -1 where folders cannot be opened."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY) if hasattr(os, "O_DIRECTORY") else -1


def keep_owner_and_mode(file: int, old: os.stat_result) -> None:
    """Give an open file the owner and the mode bits of the one that it replaces."""
    if not hasattr(os, "geteuid"):
        return
    if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
        with suppress(PermissionError):  # only root may give files away; then the file is ours, as with any editor
            os.fchown(file, old.st_uid, old.st_gid)
    os.fchmod(file, stat.S_IMODE(old.st_mode))  # after fchown, which clears the set-user-id bit


def limit_of(name: str) -> int | None:
    """Return what ``ulimit`` allows, ``RLIMIT_AS`` for instance, in bytes; nothing where there is no limit."""
    if resource is None:
        return None
    most: int = resource.getrlimit(getattr(resource, name))[0]
    return None if most == resource.RLIM_INFINITY else most


def set_limit(name: str, size: int) -> None:
    """Have the system refuse more than so many bytes."""
    if resource is not None:
        number = getattr(resource, name)
        resource.setrlimit(number, (size, resource.getrlimit(number)[1]))

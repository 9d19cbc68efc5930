"""The only place for what some systems lack: signals, locks, file owners, limits; and for Windows' names and quotes."""

from __future__ import annotations

import os
import re
import select
import shlex
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import PureWindowsPath
from typing import Any

fcntl: Any = None
resource: Any = None
with suppress(ImportError):  # Windows has neither
    fcntl = import_module("fcntl")
    resource = import_module("resource")

ON_WINDOWS = os.name == "nt"
PORTS = {f"{port}{n}" for port in ("COM", "LPT") for n in "123456789¹²³"}
DEVICES = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", *PORTS}
NEVER = '<>:"|?*'  # not allowed in names on Windows
BARE = r"[\w@+=:,./\\-]+"  # words that cmd.exe passes on without quotes
ENDING = tuple(getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name))
PAGE = os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 4096  # bytes
# a file that must not exist yet, opened as binary
NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


def refused_by_windows(path: str) -> str:
    r"""Return why Windows does not accept a file name; nothing if it does, or if the name is that of a device.

    Examples
    --------
    >>> refused_by_windows(r"C:\out\aux.csv")
    "'aux.csv' stands for a device"
    >>> refused_by_windows("a:b.csv")
    "'b.csv' would be on another disk"
    """
    pure = PureWindowsPath(path)
    if pure.name.upper() in DEVICES and len(pure.parts) == 1:
        return ""
    if pure.drive and not pure.root:
        return f"{str(pure.relative_to(pure.anchor))!r} would be on another disk"
    for name in pure.parts[bool(pure.anchor) :]:
        if any(letter in NEVER or letter < " " for letter in name):
            return f"{name!r} has one of {NEVER}, or a control character"
        if name.endswith((".", " ")) and name not in (os.curdir, os.pardir):
            return f"{name!r} ends in a dot or a blank"
        if name.partition(".")[0].rstrip(" ").upper() in DEVICES:
            return f"{name!r} stands for a device"
    return ""


def shell_word(word: str) -> str:
    """Return a word as the shell of this system takes it: cmd.exe knows only double quotes.

    Examples
    --------
    >>> shell_word("a b.csv"), shell_word("a.csv")
    ("'a b.csv'", 'a.csv')
    """
    if not ON_WINDOWS:
        return shlex.quote(word)
    return word if re.fullmatch(BARE, word) else '"' + word.replace('"', r"\"") + '"'


def echo(word: str) -> str:
    """Return the command that prints a word; cmd.exe would print quotes, too."""
    return f"echo {word if ON_WINDOWS else shell_word(word)}"


def may_fork() -> bool:
    """Whether a fork is safe: nothing else runs in this process, not even a library's thread; only Linux can tell."""
    with suppress(OSError):
        return hasattr(os, "fork") and len(os.listdir("/proc/self/task")) == 1
    return False


def wait_for_more(file: int) -> None:
    """Wait until there is something to read; on Windows only sockets can be waited for, but all pipes block anyway."""
    if not ON_WINDOWS:
        select.select([file], [], [])


def wait_for_room(file: Any) -> None:
    """Wait until something can be written."""
    if not ON_WINDOWS:
        select.select([], [file], [])


@contextmanager
def deaf() -> Iterator[None]:
    """Hold back Ctrl-C until the end of the ``with`` block; processes started in it never receive it."""
    mask = getattr(signal, "pthread_sigmask", None)  # Windows lacks it
    before = mask(signal.SIG_BLOCK, [signal.SIGINT]) if mask else ()
    try:
        yield
    finally:
        if mask:
            mask(signal.SIG_SETMASK, before)


def memory() -> int:
    """Return the bytes of memory of the machine; a huge number if that is unknown."""
    return os.sysconf("SC_PHYS_PAGES") * PAGE if hasattr(os, "sysconf") else sys.maxsize


def lock(file: int, *, wait: bool) -> None:
    """Lock an open file until it is closed; raise `OSError` if that fails."""
    if fcntl is not None:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))


def open_folder(path: str | os.PathLike[str]) -> int:
    """Return a descriptor of a folder, for locking; -1 if the system cannot open folders."""
    return os.open(path, os.O_RDONLY | os.O_DIRECTORY) if hasattr(os, "O_DIRECTORY") else -1


def keep_owner_and_mode(file: int, old: os.stat_result) -> None:
    """Give an open file the owner and mode bits of the one that it replaces."""
    if not hasattr(os, "geteuid"):
        return
    if (old.st_uid, old.st_gid) != (os.geteuid(), os.getegid()):
        with suppress(PermissionError):  # only root may change owners; otherwise the file is ours, as with any editor
            os.fchown(file, old.st_uid, old.st_gid)
    os.fchmod(file, stat.S_IMODE(old.st_mode))  # after fchown, which clears the set-user-id bit


def limit_of(name: str) -> int | None:
    """Return a limit of ``ulimit``, such as ``RLIMIT_AS``, in bytes, or None."""
    if resource is None:
        return None
    most: int = resource.getrlimit(getattr(resource, name))[0]
    return None if most == resource.RLIM_INFINITY else most


def set_limit(name: str, size: int) -> None:
    """Set a limit in bytes."""
    if resource is not None:
        number = getattr(resource, name)
        resource.setrlimit(number, (size, resource.getrlimit(number)[1]))

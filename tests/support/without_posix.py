"""Hiding what Windows and macOS lack, from an entire Python, or only from poolcli in the tests' process.

With ``python -m pytest -p tests.support.without_posix``, poolcli's modules see `os`, `select` and `signal` as on
Windows, and cannot import `MODULES`. Libraries and tests see everything.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import os
import select
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from types import ModuleType
from typing import Any

MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")
NAMES = {
    "os": (
        "chown", "fchmod", "fchown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getuid", "killpg", "mkfifo",
        "posix_fadvise", "register_at_fork", "sched_getaffinity", "setsid", "sysconf", "sysconf_names", "O_CLOEXEC",
        "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK",
    ),
    "select": ("epoll", "poll"),
    "signal": (
        "SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXFSZ", "ITIMER_REAL",
        "alarm", "getitimer", "pthread_kill", "pthread_sigmask", "setitimer", "siginterrupt", "sigwait",
    ),
}  # fmt: skip
WHOLE = (os, signal)
LOADED = ("dask", "numpy", "orjson", "PIL.Image", "rich.console", "typer", "zarr")  # may need what is hidden


def of_sockets(*watched: Any) -> Any:
    """Refuse files and pipes."""
    raise OSError(10038, f"An operation was attempted on something that is not a socket: {watched}")


CHANGED: dict[str, dict[str, Any]] = {"os": {"name": "nt"}, "select": {"select": of_sockets}}


def hide() -> None:
    """Hide everything from this Python."""
    for module in WHOLE:
        for name in NAMES[module.__name__]:
            if hasattr(module, name):
                delattr(module, name)
    for name in MODULES:
        sys.modules.pop(name, None)
        sys.modules[name] = None  # type: ignore[assignment]  # makes importing it fail


def without(module: ModuleType) -> ModuleType:
    """Return a copy of a module without the hidden names."""
    hidden = NAMES[module.__name__]
    less = ModuleType(module.__name__)
    less.__dict__.update({name: value for name, value in vars(module).items() if name not in hidden})
    less.__dict__.update(CHANGED.get(module.__name__, {}))
    return less


class Loader(importlib.abc.Loader):
    """Runs a module of poolcli while `os`, `signal` and the hidden modules are replaced."""

    def __init__(self, loader: importlib.machinery.SourceFileLoader) -> None:
        self.loader = loader

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def exec_module(self, module: ModuleType) -> None:
        """Run the module."""
        changed = {one.__name__: without(one) for one in (*WHOLE, select)} | dict.fromkeys(MODULES)
        before = {name: sys.modules[name] for name in changed if name in sys.modules}
        sys.modules.update(changed)  # type: ignore[arg-type]  # importing a None fails
        try:
            self.loader.exec_module(module)
        finally:
            for name in changed:
                del sys.modules[name]
            sys.modules.update(before)


class Finder(importlib.abc.MetaPathFinder):
    """Finds poolcli's modules."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Find a module as Python does, with our loader."""
        if name.partition(".")[0] != "poolcli":
            return None
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is not None and isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = Loader(spec.loader)
        return spec


def pytest_load_initial_conftests() -> None:
    """Hide everything from poolcli before its first module is loaded."""
    assert "poolcli" not in sys.modules
    for name in LOADED:
        import_module(name)
    sys.meta_path.insert(0, Finder())

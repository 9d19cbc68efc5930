"""Muting libtiff about damaged files, Python about ended workers, and everything on a terminal that has hung up."""

from __future__ import annotations

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext


class _Mute:
    """One for the process, shared by readers in threads: the first mutes, the last restores."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.readers, self.kept = 0, -1

    @contextmanager
    def held(self) -> Iterator[None]:
        """Redirect standard error to nowhere, until no reader needs that any more."""
        with self.lock:
            self.readers += 1
            if self.readers == 1:
                self.kept, void = os.dup(2), os.open(os.devnull, os.O_WRONLY)
                os.dup2(void, 2)
                os.close(void)

        try:
            yield
        finally:
            with self.lock:
                self.readers -= 1
                if not self.readers:
                    os.dup2(self.kept, 2)
                    os.close(self.kept)


_mute = _Mute()


@contextmanager
def unheard(*, needed: bool = True) -> Iterator[None]:
    """Mute standard error inside the ``with`` block, if that is `needed` and there is one."""
    try:
        os.fstat(2)
    except OSError:
        needed = False
    with _mute.held() if needed else nullcontext():
        yield


def forget_closed_terminal() -> None:
    """Redirect output to a terminal that has hung up to nowhere, because every write would fail."""
    for stream in (1, 2):
        try:
            os.get_terminal_size(stream)
        except OSError as problem:
            if problem.errno == errno.EIO:
                void = os.open(os.devnull, os.O_WRONLY)
                os.dup2(void, stream)
                os.close(void)

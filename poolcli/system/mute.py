"""Standard error kept clean of what others write there: libtiff about damaged files, Python about ended workers."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Mute:
    """It is one for the process, so readers in threads share it: the first mutes, the last listens again."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.readers, self.kept = 0, -1

    def enter(self) -> None:
        """Send what comes to nowhere."""
        with self.lock:
            self.readers += 1
            if self.readers == 1:
                self.kept, void = os.dup(2), os.open(os.devnull, os.O_WRONLY)
                os.dup2(void, 2)
                os.close(void)

    def leave(self) -> None:
        """Let it through again, if nobody else minds."""
        with self.lock:
            self.readers -= 1
            if not self.readers:
                os.dup2(self.kept, 2)
                os.close(self.kept)


_mute = _Mute()


@contextmanager
def unheard(*, needed: bool = True) -> Iterator[None]:
    """Keep standard error clean inside the ``with`` block, if that is `needed` and there is a standard error."""
    try:
        os.fstat(2)
    except OSError:
        needed = False
    if not needed:
        yield
        return
    _mute.enter()
    try:
        yield
    finally:
        _mute.leave()

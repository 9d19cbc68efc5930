"""Ctrl-C, SIGTERM and SIGHUP end a command like an error does: at once, in silence, and nothing half done is left.

Python raises `KeyboardInterrupt` wherever it happens to be. Most of the time it comes up to `guarded`, but in two cases
it must not be raised: an extension that is being imported may crash of it, and where no exception can go up, as in a
callback of the garbage collector, Python prints and forgets it. There it is raised a moment later.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    pass

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN = 0.001  # seconds
IMPORTING = "<frozen importlib._bootstrap>"


def guarded(run: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """Run a command line; the exit code of one that a signal ended is 128 and the signal's number."""
    came: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:
        if number != signal.SIGALRM:
            came.append(number)
        again = _importing(frame)
        signal.setitimer(signal.ITIMER_REAL, AGAIN * again, AGAIN)
        if not again:
            raise KeyboardInterrupt

    def lost(what: Any) -> None:
        if came:  # it may have been the signal's
            signal.setitimer(signal.ITIMER_REAL, AGAIN, AGAIN)
        else:
            sys.__unraisablehook__(what)

    # what nohup and scripts have silenced stays so
    heard = [number for number in ENDING if signal.getsignal(number) != signal.SIG_IGN]
    for number in (*heard, signal.SIGALRM):
        signal.signal(number, end)
    sys.unraisablehook = lost
    try:
        code = run(arguments)
    except BaseException:
        if not came:
            raise
    finally:
        for number in (*heard, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)  # there is nothing left to end but Python itself
    return 128 + came[0] if came else code


def _importing(frame: FrameType | None) -> bool:
    while frame is not None and frame.f_code.co_filename != IMPORTING:
        frame = frame.f_back
    return frame is not None


class Stop:
    """Whether the user wants to stop: Ctrl-C and SIGTERM once let what has begun come to its end, Ctrl-C twice not."""

    def __init__(self) -> None:
        self.signal = 0

    def __call__(self) -> bool:
        """Return whether to begin nothing more."""
        return self.signal != 0

    def note(self, number: int, _: object) -> None:
        """Take a signal."""
        if self.signal:
            raise KeyboardInterrupt
        self.signal = number


@contextmanager
def interruptible() -> Iterator[Stop]:
    """Take Ctrl-C and SIGTERM as a wish to stop."""
    stop = Stop()
    before = {number: signal.signal(number, stop.note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)

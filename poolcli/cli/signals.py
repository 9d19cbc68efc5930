"""Ctrl-C, SIGTERM and SIGHUP end a command like an error does: at once, in silence, and nothing half done is left.

Python raises `KeyboardInterrupt` wherever it happens to be. Most of the time it comes up to `guarded`; but where no
exception can go up, as in a callback of the garbage collector, Python prints and forgets it, and an extension that is
being imported may make an `ImportError` of it. Neither may be seen.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any

ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
AGAIN = 0.001  # seconds


def guarded(run: Callable[[Sequence[str]], int], arguments: Sequence[str]) -> int:
    """Run a command line; the exit code of one that a signal ended is 128 and the signal's number."""
    came: list[int] = []

    def end(number: int, frame: FrameType | None) -> None:  # noqa: ARG001 - what Python gives
        if number != signal.SIGALRM:
            came.append(number)
        raise KeyboardInterrupt

    def lost(what: Any) -> None:
        if came:  # it may have been the signal's, so that is raised once more, outside of this callback
            signal.setitimer(signal.ITIMER_REAL, AGAIN)
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

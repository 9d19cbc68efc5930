"""Ctrl-C, SIGTERM and SIGHUP end a command at once and by the signal itself, so that shell loops end, too.

The system's default does that. Only while there is something to clean up, such as a temporary file, does a handler of
`ending` remove it before the signal ends the process. No exception has to travel up, which an import, a callback of the
garbage collector or a library might catch or fail on.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from poolcli.system.mute import forget_closed_terminal
from poolcli.system.portable import ENDING


@contextmanager
def ending(tidy: Callable[[], object]) -> Iterator[None]:
    """Call `tidy` before a signal ends the process inside the ``with`` block."""

    def end(number: int, _: FrameType | None) -> None:
        try:
            tidy()  # which may fail, for instance at a terminal that has hung up
        finally:
            signal.signal(number, before[number])
            os.kill(os.getpid(), number)

    with _handled(end) as before:
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[Mapping[int, Any]]:
    """Handle the ending signals, except those that nohup or scripts ignore; give the previous handlers."""
    before: dict[int, Any] = {number: now for number in ENDING if (now := signal.getsignal(number)) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, handler)
    try:
        yield before
    finally:
        for number, now in before.items():
            signal.signal(number, now)


class Ended(KeyboardInterrupt):
    """A signal arrived inside `raising`, or a second one in a batch."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def raising() -> Iterator[None]:
    """Raise `Ended` in the ``with`` block on a signal, and hide errors caused by it."""
    came: list[int] = []

    def end(number: int, _: FrameType | None) -> None:
        came.append(number)
        raise Ended(number)

    try:
        with _handled(end):
            yield
    except BaseException:
        if not came:
            raise
    if came:
        raise Ended(came[0]) from None


class Stop:
    """Whether the user wants to stop: the first signal lets running tasks finish, the second does not."""

    def __init__(self) -> None:
        self.signal = 0

    def __call__(self) -> bool:
        """Whether to start nothing more."""
        return self.signal != 0

    def note(self, number: int, _: object) -> None:
        """Handle a signal."""
        if self.signal:
            raise Ended(self.signal)
        self.signal = number
        forget_closed_terminal()


@contextmanager
def interruptible() -> Iterator[Stop]:
    """Treat signals as a wish to stop."""
    stop = Stop()
    with _handled(stop.note):
        yield stop

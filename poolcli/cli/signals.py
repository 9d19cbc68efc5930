"""Ctrl-C, SIGTERM and SIGHUP end a command as they end any program: at once, by the signal, so that shell loops end.

The default of the system does that. Only while something would be left over, such as a temporary file, a handler of
`ending` removes it and then lets the signal do its work: no exception has to find its way up, which an import, a
callback of the garbage collector or a library could catch or suffer from.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import FrameType
from typing import Any

from poolcli.system.portable import ENDING


@contextmanager
def ending(tidy: Callable[[], object]) -> Iterator[None]:
    """Call `tidy` before a signal ends the process, as long as the ``with`` block lasts."""

    def end(number: int, _: FrameType | None) -> None:
        tidy()
        signal.signal(number, before[number])
        os.kill(os.getpid(), number)

    with _handled(end) as before:
        yield


@contextmanager
def _handled(handler: Callable[[int, FrameType | None], object]) -> Iterator[Mapping[int, Any]]:
    """Take the signals that end the process, but those that nohup and scripts have silenced; give what took them."""
    before: dict[int, Any] = {number: now for number in ENDING if (now := signal.getsignal(number)) != signal.SIG_IGN}
    for number in before:
        signal.signal(number, handler)
    try:
        yield before
    finally:
        for number, now in before.items():
            signal.signal(number, now)


class Ended(KeyboardInterrupt):
    """A signal came where the work itself has to put things in order."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def raising() -> Iterator[None]:
    """Raise `Ended` in the ``with`` block when a signal comes; what goes wrong because of it is not told."""
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
    """Whether the user wants to stop: a signal once lets what has begun come to its end, twice not."""

    def __init__(self) -> None:
        self.signal = 0

    def __call__(self) -> bool:
        """Return whether to begin nothing more."""
        return self.signal != 0

    def note(self, number: int, _: object) -> None:
        """Take a signal."""
        if self.signal:
            raise Ended(self.signal)
        self.signal = number


@contextmanager
def interruptible() -> Iterator[Stop]:
    """Take signals as a wish to stop."""
    stop = Stop()
    with _handled(stop.note):
        yield stop

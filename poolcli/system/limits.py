"""Memory and processors available to this process."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from poolcli.errors import LimitError
from poolcli.system.portable import PAGE, limit_of, memory, set_limit
from poolcli.wording import Phrase

ENOUGH = 1 << 26  # bytes that are free wherever Python runs: not worth a check
START = 104 << 20  # bytes of address space that libraries take: 91 MiB for a table, 101 for a picture, 104 for a page
MOMENT = 1.0  # seconds during which a measurement of free memory stays valid
PART = 8  # as long as no more than one byte in so many is needed

# controller, its folder, its limit, the memory used, and the part of that which only caches files: versions 2 and 1
CONTROL_GROUPS = (
    ("", "sys/fs/cgroup", "memory.max", "memory.current", "inactive_file"),
    ("memory", "sys/fs/cgroup/memory", "memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)


def available() -> int:
    """Return the bytes of memory available without swapping: what is free, and what control groups and ulimit leave."""
    return max(min((_free(), *_left_of_groups(), *_left_of_limits())), 0)


def processors() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def check_memory(size: int, what: str, hint: str | Phrase) -> None:
    """Raise `LimitError` if `size` bytes are not available."""
    if size > ENOUGH and size > (room := _lately.room(PART * size)):
        raise LimitError(f"{what} needs {_readable(size)}, but only {_readable(room)} is available", hint)


class _Lately:
    """The last measurement: one takes a millisecond, as long as pooling millions of cells (uint8 max 2x2)."""

    def __init__(self) -> None:
        self._until, self._room = 0.0, 0

    def room(self, enough: int) -> int:
        """Return the available bytes; a recent measurement counts if it is more than `enough`."""
        if self._room < enough or time.monotonic() > self._until:
            self._room = available()
            self._until = time.monotonic() + MOMENT
        return self._room


_lately = _Lately()


def fence() -> None:
    """Make the system refuse unavailable memory instead of granting it and killing the process later.

    The checks before large arrays have better messages; this is for what they do not foresee.
    """
    with suppress(OSError, ValueError):  # systems without /proc
        data = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * PAGE
        most = data + max(available(), START)  # a full machine may swap; only ulimit prevents a start
        set_limit("RLIMIT_DATA", most if (own := limit_of("RLIMIT_DATA")) is None else min(most, own))


def check_start() -> None:
    """Raise `LimitError` if ``ulimit`` leaves too little to import libraries, which would end the process."""
    room = min(_left_of_limits(), default=START)
    if room < START and "numpy" not in sys.modules:
        raise LimitError(f"poolcli needs {_readable(START)} to start, but only {_readable(max(room, 0))} is available",
                         "raise the limit (ulimit -v)")  # fmt: skip


def refused(problem: MemoryError) -> LimitError:
    """Return the error for memory that the system refused; NumPy says how much it was."""
    detail = str(problem)
    size = f": {detail[0].lower()}{detail[1:]}" if detail else ""
    there = ""
    with suppress(MemoryError):  # too little even to measure it
        there = f", {_readable(available())} is available"
    return LimitError(f"not enough memory{there}{size}", "use less data at a time")


def _free() -> int:
    with suppress(OSError), open("/proc/meminfo", encoding="ascii") as lines:
        for line in lines:
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return memory()


def _left_of_groups(root: str = "/") -> Iterator[int]:
    """Yield the memory left in each control group, such as a container, around this process."""
    with suppress(OSError):
        for line in Path(root, "proc/self/cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            for controller, folder, *names in CONTROL_GROUPS:
                if controller in controllers.split(","):
                    here = Path(path.lstrip("/"))
                    for group in (here, *here.parents):
                        with suppress(OSError, ValueError):  # some groups have no such file, or no limit
                            yield _left_of_group(Path(root, folder, group), *names)


def _left_of_group(group: Path, limit: str, used: str, copies: str) -> int:
    most = int((group / limit).read_text(encoding="ascii"))
    statistics = dict(line.split() for line in (group / "memory.stat").read_text(encoding="ascii").splitlines())
    return most - int((group / used).read_text(encoding="ascii")) + int(statistics.get(copies, 0))


def _left_of_limits() -> Iterator[int]:
    """Yield the memory left by ``ulimit -v`` and ``ulimit -d``."""
    with suppress(OSError):
        sizes = Path("/proc/self/statm").read_text(encoding="ascii").split()
        for limit, used in (("RLIMIT_AS", sizes[0]), ("RLIMIT_DATA", sizes[5])):
            if (most := limit_of(limit)) is not None:
                yield most - int(used) * PAGE


def _readable(size: int) -> str:
    power = min(max((size.bit_length() - 1) // 10, 0), 6)
    return f"{size / 1024**power:.3g} {('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB')[power]}"

"""Memory is asked for before it is taken."""

from __future__ import annotations

import os

from poolcli.errors import LimitError


def available() -> int:
    """Return the bytes of memory that can be had without swapping, as far as the system tells."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(line.split()[1]) * 1024
    except OSError:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")


def check_memory(size: int, what: str, hint: str) -> None:
    """Raise `LimitError` if `size` bytes cannot be had.

    Parameters
    ----------
    size : int
        Bytes.
    what : str
        What needs them, for the message.
    hint : str
        What to try instead.
    """
    room = available()
    if size > room:
        raise LimitError(f"{what} needs {_readable(size)}, but {_readable(room)} are available", hint)


def _readable(size: int) -> str:
    power = max((size.bit_length() - 1) // 10, 0)
    return f"{size / 1024**power:.3g} {('B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB')[min(power, 6)]}"

"""What a command takes of the machine: seconds of the processor, and memory at its peak."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

# Runs a command and writes what it took to a file. The system counts what the process that starts another has in memory
# as the other's, so a small one has to do it.
SMALL = """import os, sys
_, status, used = os.wait4(os.posix_spawnp(sys.argv[2], sys.argv[2:], os.environ), 0)
open(sys.argv[1], "w").write(f"{used.ru_utime + used.ru_stime} {used.ru_maxrss}")
sys.exit(os.waitstatus_to_exitcode(status))"""


class Usage(NamedTuple):
    """What a command and the processes that it waited for took."""

    cpu: float  # seconds, of all together
    peak: int  # bytes, of the largest


def watched(words: Sequence[str], told: Path) -> list[str]:
    """Return the command that runs another, and writes to `told` what that took."""
    return [sys.executable, "-c", SMALL, str(told), *words]


def usage(told: Path) -> Usage:
    """Return what was written there."""
    cpu, kibibytes = told.read_text().split()
    return Usage(float(cpu), int(kibibytes) * 1024)

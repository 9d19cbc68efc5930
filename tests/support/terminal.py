"""Running the real command on its own terminal."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import subprocess
import termios
from collections.abc import Mapping
from pathlib import Path

from tests.support.process import Result, clean_environment, command


def on_terminal(
    *arguments: str | Path,
    stdin: bool = True,
    stdout: bool = True,
    stderr: bool = False,
    columns: int = 80,
    program: str | Path | None = None,
    env: Mapping[str, str] | None = None,
) -> Result:
    """Run the command or another program on a terminal; streams that are not on it are pipes at their end."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
    process = subprocess.Popen(
        [str(program or command()), *map(str, arguments)],
        stdin=slave if stdin else subprocess.DEVNULL, stdout=slave if stdout else subprocess.PIPE,
        stderr=slave if stderr else subprocess.PIPE,
        env=clean_environment({"TERM": "xterm-256color", **(env or {})}),
    )  # fmt: skip
    os.close(slave)
    shown = b"".join(iter(lambda: read_or_end(master), b"")) if stdout else b""
    out, err = process.communicate(timeout=60)
    os.close(master)
    return Result(process.returncode, (shown if stdout else out).replace(b"\r\n", b"\n"), (err or b"").decode())


def read_or_end(descriptor: int) -> bytes:
    """Return the next output of a terminal; nothing after its last user has gone, which Linux reports as an error."""
    try:
        return os.read(descriptor, 65536)
    except OSError:
        return b""

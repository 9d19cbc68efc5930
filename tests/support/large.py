"""A large array on disk, and a run over it that is interrupted by a signal."""

from __future__ import annotations

import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.support.process import clean_environment, code_of, command


def constant(zarr: Any, path: Path) -> None:
    """Make a large array that takes no disk space."""
    zarr.create_array(str(path), shape=(16000, 16000), chunks=(1000, 1000), dtype="f4", fill_value=1.5)


def interrupted(folder: Path, number: signal.Signals, code: int, *more: str) -> None:
    """Pool ``in.zarr`` with a slow mode, send a signal after the first chunk, and check that nothing is left."""
    words = [command(), "pool", "in.zarr", "-o", "out.zarr", "-m", "median", "-k", "3", "-s", "1", *more]
    process = subprocess.Popen(
        words, cwd=folder, env=clean_environment(), stdin=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    end = time.monotonic() + 60
    while not list(folder.glob(".poolcli-*/c/*/*")):
        assert time.monotonic() < end, "no chunk came"
        time.sleep(0.01)
    process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (code_of(process.returncode), err) == (code, b"")
    time.sleep(1)  # a block still in progress would make its folder again
    assert not list(folder.glob(".poolcli-*"))
    assert not (folder / "out.zarr").exists()

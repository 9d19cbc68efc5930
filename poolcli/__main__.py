"""The ``poolcli`` command, also as ``python -m poolcli``."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # what `signal` is made of: it is there already
import gc
import os
import sys


def main() -> int:
    """Run the command line and return the exit code; answer ``--version`` without loading anything else."""
    if _signal.getsignal(_signal.SIGINT) == _signal.default_int_handler:
        _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # Ctrl-C ends this process, see `poolcli.cli.signals`
    if sys.argv[1:] == ["--version"]:
        from poolcli import __version__

        try:
            raw = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)  # which keeps nothing back to fail again
            raw.write(f"poolcli {__version__}\n".encode())
        except (OSError, AttributeError):  # a full disk, a closed stream: told below
            return _run()
        return 0
    return _run()


def _run() -> int:
    """Run a command as a process of its own, which starts and ends 30 ms earlier for what it leaves undone.

    numpy's linear algebra is not used, so it needs no threads. What is imported stays, so it is not searched for
    garbage, neither meanwhile nor when all is over; only a batch goes on for so long that garbage matters.
    """
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    if sys.argv[1:2] != ["batch"]:
        gc.set_threshold(200_000)  # more than the objects that any command imports
    from poolcli.cli.app import run
    from poolcli.system.limits import fence
    from poolcli.system.portable import ENDING

    fence()
    code = run(sys.argv[1:])
    gc.freeze()
    if code - 128 in ENDING:  # as the signal itself would have ended it
        _signal.signal(code - 128, _signal.SIG_DFL)
        os.kill(os.getpid(), code - 128)
    return code


if __name__ == "__main__":
    sys.exit(main())

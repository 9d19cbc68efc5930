"""The ``poolcli`` command, also as ``python -m poolcli``."""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]  # the C part of `signal`, which Python has loaded already

if _signal.getsignal(_signal.SIGINT) == _signal.default_int_handler:  # before anything else takes any time
    _signal.signal(_signal.SIGINT, _signal.SIG_DFL)  # Ctrl-C ends this process, see `poolcli.cli.signals`

import gc
import os
import sys


def main() -> int:
    """Run the command line and return the exit code; ``--version`` loads nothing else."""
    if sys.argv[1:] == ["--version"]:
        from poolcli import __version__

        try:
            raw = getattr(sys.stdout.buffer, "raw", sys.stdout.buffer)  # unbuffered: nothing is left to fail later
            raw.write(f"poolcli {__version__}\n".encode())
        except (OSError, AttributeError):  # a full disk or a closed stream: `_run` reports it
            return _run()
        return 0
    return _run()


def _run() -> int:
    """Run a command as a process of its own, 30 ms faster for what it skips.

    NumPy's linear algebra is not used, so it needs no threads. Imported modules stay, so the garbage collector does not
    search them, neither during the command nor at its end; only a batch runs long enough for garbage to matter.
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
    if code - 128 in ENDING:  # end as the signal itself would have ended it
        _signal.signal(code - 128, _signal.SIG_DFL)
        os.kill(os.getpid(), code - 128)
    return code


if __name__ == "__main__":
    sys.exit(main())

"""The ``poolcli`` command, also as ``python -m poolcli``."""

from __future__ import annotations

import sys


def main() -> int:
    """Run the command line and return the exit code; answer ``--version`` without loading anything else."""
    if sys.argv[1:] == ["--version"]:
        from poolcli import __version__

        try:
            sys.stdout.write(f"poolcli {__version__}\n")
            sys.stdout.flush()
        except (OSError, AttributeError):  # a full disk, a closed stream: told below
            return _run()
        return 0
    return _run()


def _run() -> int:
    try:
        from poolcli.cli import run
        from poolcli.cli.signals import guarded
        from poolcli.limits import fence

        fence()
        return guarded(run, sys.argv[1:])
    except KeyboardInterrupt:  # before `guarded` listens, or a second one after
        return 130


if __name__ == "__main__":
    sys.exit(main())

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
    from poolcli.cli import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())

"""``python -m benchmarks kernels`` and ``python -m benchmarks commands``."""

from __future__ import annotations

import argparse

from benchmarks import commands, kernels


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="poolcli beside its peers")
    parser.add_argument("what", choices=("kernels", "commands"))
    parser.add_argument("--only", nargs="*", default=[], metavar="WORD", help="cases whose name has all these words")
    parser.add_argument("--rounds", type=int, default=7, help="how often to time each (default 7)")
    parser.add_argument("--without", nargs="*", default=[], metavar="PEER", help="peers to leave out")
    parser.add_argument(
        "--write", action="store_true", help="put the rows into RESULTS.md, and from there into README.md"
    )
    given = parser.parse_args()
    {"kernels": kernels, "commands": commands}[given.what].main(
        given.only, given.rounds, given.without, write=given.write
    )


main()

"""``poolcli`` without a command: its help, its version, or the error for an unknown command."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence

from poolcli import __version__
from poolcli.cli.console import wants_color, width_of_output
from poolcli.cli.help import WIDEST, columns, example, heading, wrapped
from poolcli.cli.output import Output, tell
from poolcli.cli.refusals import commands_with
from poolcli.cli.registry import COMMANDS, GROUPS
from poolcli.errors import UnknownNameError, UsageError
from poolcli.pooling.modes import ALIASES, GLOBALS, MODES
from poolcli.system.portable import shell_word

LAYER = re.compile(r"[-_]?pool(ing)?([-_]?\dd)?$")  # how the names of layers end: max-pool, AvgPool2d, max_pooling_1d
SUMMARY = "Pool feature maps: matrices in CSV, JSON or NPY, and pictures."
EXAMPLES = (
    "poolcli pool --mode max --size 2 --stride 2 input.csv",
    "poolcli pool --filter sobel-x --relu --size 2 -o edges.png photo.jpg",
    "poolcli compare --compat torch,onnx --mode avg -k 3 -s 2 -p 1 input.csv",
    "poolcli explain --size 2 -o page.html input.csv",
)
GLOBAL_OPTIONS = {"-h, --help": "Show this page; after a command, that command's.", "--version": "Print the version."}
EXIT_CODES = {
    0: "ok",
    1: "bad data or file, or options that do not fit this data; batch: all failed",
    2: "wrong usage",
    3: "batch: some failed",
    129: "the terminal was closed",
    130: "Ctrl-C",
    141: "the reader of the output went away",
    143: "the command was ended from outside",
}
VARIABLES = {
    "POOLCLI_<OPTION>": "The value of an option that is not on the command line: POOLCLI_SIZE=3, POOLCLI_RELU=1.",
    "POOLCLI_DEBUG": "Show errors with their traceback.",
    "NO_COLOR, FORCE_COLOR": "No colour; colour even without a terminal. --color overrides both.",
    "COLUMNS": "The width to draw in.",
}


def run(arguments: Sequence[str]) -> int:
    """Run a command line that does not begin with the name of a command."""
    word = arguments[0] if arguments else ""
    if not word:
        tell(front_page_text(width_of_output() or 80, paint=wants_color("auto", sys.stderr)).removesuffix("\n"))
        return 2
    if word in ("-h", "--help"):
        Output().text(front_page_text(width_of_output() or 80, paint=wants_color("auto", sys.stdout)))
        return 0
    if word == "--version":
        Output().lines([f"poolcli {__version__}"])
        return 0
    if word.startswith("-"):
        having = commands_with(word.partition("=")[0])
        name = next((one for one in arguments if one in having), "".join(having[:1]))
        rest = [one for one in arguments if one != name]
        hint = " ".join(map(shell_word, ["poolcli", name, *rest])) if having else "see: poolcli --help"
        raise UsageError(f"there is no option {word} before a command", hint)
    if word in ("help", "version"):
        name = next((one for one in arguments[1:] if one in COMMANDS), "COMMAND")
        hint = f"poolcli --help, or poolcli {name} --help" if word == "help" else "poolcli --version"
        raise UsageError(f"unknown command {word!r}", hint)
    mode = LAYER.sub("", word.lower())
    if mode in (*MODES, *ALIASES, *GLOBALS):
        raise UsageError(f"unknown command {word!r}", f"poolcli pool --mode {mode}")
    named = f"poolcli pool {shell_word(word)} pools this file" if os.path.isfile(word) else ""
    raise UnknownNameError("command", word, COMMANDS, otherwise=named)


def front_page_text(width: int, *, paint: bool = False) -> str:
    """Return what ``poolcli --help`` prints."""
    width = min(width, WIDEST)
    lines = [*wrapped(SUMMARY, width), "", heading("Examples", paint)]
    lines += [line for one in EXAMPLES for line in example(one, width)]
    lines += ["", *wrapped("Usage: poolcli COMMAND [OPTIONS] [INPUT]", width, indent=7)]
    codes = {str(code): meaning for code, meaning in EXIT_CODES.items()}
    wide = max(map(len, COMMANDS))
    for name, rows in [*GROUPS.items(), ("Options", GLOBAL_OPTIONS), ("Exit codes", codes), ("Environment", VARIABLES)]:
        lines += ["", heading(name, paint)]
        at = (wide if name in GROUPS else max(map(len, rows))) + 4
        for left, text in rows.items():
            lines += columns(left, text, width, at=at, paint=paint)
    return "\n".join(lines) + "\n"

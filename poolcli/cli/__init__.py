"""The command line: one file per command, one place that catches errors.

`COMMANDS` is the table of commands. Only the one that was asked for is imported and built, so that a command does not
pay for the others.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typer import Typer

COMMANDS: dict[str, str] = {
    "pool": "Pool a matrix or an image, optionally after a filter and ReLU.",
    "conv": "Convolve with a named filter or a kernel of your own.",
    "run": "Run a stack of steps in one process: STEP then STEP then ...",
    "batch": "Pool many files: folders, patterns or a list; in parallel, resumable, on a cluster too.",
    "unpool": "Put pooled values back where their indices say.",
    "grad": "Show the gradient that pooling sends back to each input cell.",
    "compare": "Show the same windows under several modes or frameworks, side by side.",
    "summary": "Show the output shape, parameters and receptive field of every layer, without data.",
    "show": "Draw a feature map in the terminal.",
    "explain": "Explain every window, as a table, a page to play with (.html) or an animation (.gif).",
    "shift": "Measure how much a pooled map changes when its input moves a little.",
    "modes": "List the pooling modes with their formulas.",
    "filters": "List the named filters with their kernels.",
}

STACKS = {"run": "RUNNABLE", "summary": "SUMMARIZED"}  # the commands that take a stack, and the table of its steps

EPILOG = """Exit codes: 0 ok, 1 bad data or options that do not fit them, 2 wrong usage, 3 batch: some failed,
130 Ctrl-C, 141 the reader of the output went away."""


def build(names: Sequence[str]) -> Typer:
    """Return the application with these commands."""
    import typer

    from poolcli.cli.grammar import grouped

    app = typer.Typer(
        name="poolcli",
        help="Pool feature maps: matrices in CSV, JSON or NPY, and pictures.",
        epilog=EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        add_completion=False,
    )

    def tell_version(asked: bool) -> None:
        if asked:
            from poolcli import __version__

            sys.stdout.write(f"poolcli {__version__}\n")
            raise typer.Exit

    @app.callback()
    def poolcli(
        version: bool = typer.Option(
            False, "--version", help="Print the version and exit.", is_eager=True, callback=tell_version
        ),
    ) -> None: ...

    for name in names:
        function = getattr(import_module(f"poolcli.cli.{name}"), name)
        app.command(name, short_help=COMMANDS[name])(grouped(function))
    return app


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    from poolcli.cli.console import color_choice, complain, gone
    from poolcli.errors import PoolcliError
    from poolcli.files import Closed, file_error

    if sys.stdout is None:
        sys.stdout = Closed()  # Typer prints help by itself, and nothing at all without this
    try:
        code = _run(arguments)
        sys.stdout.flush()
        return code
    except PoolcliError as problem:
        return complain(problem, color_choice(arguments))
    except KeyboardInterrupt:
        return 130
    except (BrokenPipeError, SystemExit):  # the latter is what Rich makes of the former when it prints help
        return gone()
    except MemoryError as problem:
        from poolcli.limits import refused

        return complain(refused(problem), color_choice(arguments))
    except OSError as problem:  # what Typer prints by itself: help and version
        gone()
        return complain(file_error("write", "stdout", problem), color_choice(arguments))


def _run(arguments: Sequence[str]) -> int:
    import typer
    from typer.main import get_command

    from poolcli.errors import UsageError

    asked = [name for name in arguments[:1] if name in COMMANDS]
    command = get_command(build(asked or list(COMMANDS)))
    words, stages = _stages(arguments) if asked else (list(arguments), None)
    try:
        with command.make_context("poolcli", words, obj=stages) as context:
            command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        return 130
    except typer.TyperException as problem:
        if not arguments or type(problem).__name__ == "NoArgsIsHelpError":
            return problem.exit_code  # the help has been printed
        hint = f"see: {' '.join(['poolcli', *asked])} --help"
        raise UsageError(problem.format_message(), hint) from None
    return 0


def _stages(arguments: Sequence[str]) -> tuple[list[str], list[list[str]] | None]:
    """Cut the steps of a stack off the command line of a command that takes one."""
    if arguments[0] not in STACKS:
        return list(arguments), None
    from poolcli.cli import stack

    words, stages = stack.split(arguments[1:], getattr(stack, STACKS[arguments[0]]))
    return [arguments[0], *words], stages


def debugging() -> bool:
    """Whether errors are to be shown with their traceback."""
    return bool(os.environ.get("POOLCLI_DEBUG"))

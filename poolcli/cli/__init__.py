"""The command line: one file per command, one place that catches errors.

`GROUPS` is the table of commands. Only the one that was asked for is imported and built, so that a command does not pay
for the others.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poolcli.cli.options.grammar import Command

GROUPS: dict[str, dict[str, str]] = {
    "Do": {
        "pool": "Pool a matrix or an image, optionally after a filter and ReLU.",
        "conv": "Convolve with a named filter or a kernel of your own.",
        "run": "Run a stack of steps in one process: STEP then STEP then ...",
        "batch": "Pool many files, in parallel, resumable, on a cluster too.",
        "unpool": "Put pooled values back where their indices say.",
        "grad": "Show the gradient that pooling sends back to each input cell.",
    },
    "Understand": {
        "compare": "Show modes or frameworks side by side, and why they differ.",
        "explain": "Explain every window, as a table, a page or an animation.",
        "summary": "Show the shape and parameters of every layer, without data.",
        "shift": "Measure how much pooled values change when the input moves.",
        "show": "Draw a feature map in the terminal.",
    },
    "Look up": {
        "modes": "List the pooling modes with their formulas.",
        "filters": "List the named filters with their kernels.",
        "completion": "Print the completion script of bash, zsh or fish.",
        "doctor": "Say what is installed, what works and what is missing.",
    },
}
COMMANDS: dict[str, str] = {name: line for rows in GROUPS.values() for name, line in rows.items()}

STACKS = {"run": "RUNNABLE", "summary": "SUMMARIZED"}  # the commands that take a stack, and the table of its steps

COMPLETE = "_POOLCLI_COMPLETE"  # the variable that names the shell that asks for completions


def build(name: str) -> Command:
    """Return one of `COMMANDS`, built."""
    from poolcli.cli.options.grammar import command

    function = getattr(import_module(f"poolcli.cli.commands.{name}"), name)
    return command(name, function, "STEP [OPTIONS] then STEP [OPTIONS] then ..." if name in STACKS else "")


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    from poolcli.cli.console import color_choice, complain, gone
    from poolcli.errors import PoolcliError
    from poolcli.system.files import Closed, file_error

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
        from poolcli.system.limits import refused

        return complain(refused(problem), color_choice(arguments))
    except OSError as problem:  # what is printed without `write_stdout`: help
        gone()
        return complain(file_error("write", "stdout", problem), color_choice(arguments))


def _run(arguments: Sequence[str]) -> int:
    name = arguments[0] if arguments else ""
    if COMPLETE in os.environ:
        from poolcli.cli.completing import answer

        sys.stdout.write(answer(os.environ[COMPLETE], arguments))
        return 0
    if name in COMMANDS:
        return _command(name, arguments)
    from poolcli.cli import front_page as root

    return root.run(name)


def _command(name: str, arguments: Sequence[str]) -> int:
    from poolcli.errors import PoolcliError

    built = build(name)
    try:
        return _invoke(name, arguments, built)
    except PoolcliError as problem:
        if problem.hint:
            from poolcli.cli.words import as_typed

            problem.hint = as_typed(problem.hint, name, arguments[1:], built, stack=name in STACKS)
        raise


def _invoke(name: str, arguments: Sequence[str], built: Command) -> int:
    import typer

    words, stages = _stages(arguments, built)
    try:
        with built.make_context(f"poolcli {name}", words, obj=stages) as context:
            context.command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        return 130
    except typer.TyperException as problem:
        from poolcli.cli.words import refusal

        lacking = f"such as: poolcli {name} - pool --size 2, where - is what is piped in" if name in STACKS else ""
        raise refusal(problem, f"see: poolcli {name} --help", lacking=lacking) from None
    return 0


def _stages(arguments: Sequence[str], command: Command) -> tuple[list[str], list[list[str]] | None]:
    """Cut the steps of a stack off the words after the name of a command, if it takes one."""
    if arguments[0] not in STACKS:
        return list(arguments[1:]), None
    from poolcli.cli import stack

    return stack.split(arguments[1:], getattr(stack, STACKS[arguments[0]]), command)

"""Run one command line: the one place that catches errors."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING

from poolcli.cli.registry import COMMANDS, COMPLETE, STACKS, build

if TYPE_CHECKING:
    from poolcli.cli.options.grammar import Command


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
        if problem.advice:
            from poolcli.cli.words import as_typed, spoken

            problem.advice = as_typed(spoken(problem.advice), name, arguments[1:], built, stack=name in STACKS)
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

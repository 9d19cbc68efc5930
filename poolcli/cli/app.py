"""Running a command line: the only place that catches errors."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from types import SimpleNamespace
from typing import TYPE_CHECKING

from poolcli.cli import front_page
from poolcli.cli.output import Output, gone
from poolcli.cli.refusals import amend, blame_variables, refusal
from poolcli.cli.registry import COMMANDS, COMPLETE, GROUPS, STACK_INPUTS, STACKS, build
from poolcli.cli.words import Line, classify, options_of
from poolcli.errors import NEAR, PoolcliError
from poolcli.system.files import system_error
from poolcli.system.limits import check_start, refused
from poolcli.system.portable import shell_word
from poolcli.wording import Phrase, Readable

if TYPE_CHECKING:
    from poolcli.cli.options.grammar import Command


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code, 128 plus the number of a signal that ended it."""
    out = Output(_color(arguments))
    try:
        return _run(arguments)
    except PoolcliError as problem:
        return out.complain(problem)
    except KeyboardInterrupt as end:
        return 128 + getattr(end, "number", signal.SIGINT)
    except BrokenPipeError:
        return gone()
    except MemoryError as problem:
        return out.complain(refused(problem))
    except OSError as problem:  # from anywhere, such as too many open files
        return out.complain(system_error(problem))


PREFIX = "POOLCLI_"
WITHOUT_NUMPY = ("modes", "filters", "completion")  # commands that do not load it


def _color(arguments: Sequence[str]) -> str:
    """Return the value of ``--color`` on a command line that may turn out to be wrong; no command is built yet."""
    words = classify(arguments, {"--color": SimpleNamespace(is_flag=False)})
    said = [word.value for word in words if word.flag == "--color" and word.value]
    return said[-1] if said else os.environ.get("POOLCLI_COLOR", "auto")


def _run(arguments: Sequence[str]) -> int:
    name = arguments[0] if arguments else ""
    if COMPLETE in os.environ:
        from poolcli.cli.completing import answer  # takes 1 ms of the 14 that --version has

        Output().put(answer(os.environ[COMPLETE], arguments).encode("utf-8", "replace"))
        return 0
    if name not in COMMANDS:
        return front_page.run(arguments)
    if name not in WITHOUT_NUMPY and not {"-h", "--help"} & set(arguments):
        check_start()
    built = build(name)
    if name not in GROUPS["Look up"]:  # doctor lists them anyway
        _note_strange_settings(arguments, built)
    return _command(name, arguments[1:], built)


def _note_strange_settings(arguments: Sequence[str], built: Command) -> None:
    """Note environment variables that look like options but are not."""
    given = {name for name in os.environ if name.startswith(PREFIX)} - {"POOLCLI_DEBUG"}
    if not given or given <= {one.envvar for one in built.params} or {"-q", "--quiet"} & set(arguments):
        return
    from difflib import get_close_matches

    from poolcli.cli.stack import settings

    known = settings()
    for name in sorted(given - known.keys()):
        near = get_close_matches(
            name.removeprefix(PREFIX), [one.removeprefix(PREFIX) for one in known], n=1, cutoff=NEAR
        )
        Output().note(f"no option is called {name}{f'; did you mean {PREFIX}{near[0]}?' if near else ''}")


def _command(name: str, words: Sequence[str], built: Command) -> int:
    options = options_of(built)
    if name in STACKS:
        from poolcli.cli import stack

        steps = getattr(stack, STACKS[name])
        words, options = stack.with_input(words, steps, built), stack.all_options(steps, built)
    try:
        return _invoke(name, words, built)
    except PoolcliError as problem:
        blame_variables(problem, words, options)
        amend(
            problem,
            Line.of(name, words, lambda one: options_of(built if one == name else build(one)), bare=name not in STACKS),
        )
        raise


def _invoke(name: str, words: Sequence[str], built: Command) -> int:
    import typer

    own, stages = _stages(name, words, built)
    hint = f"see: poolcli {name} --help"
    try:
        with built.make_context(f"poolcli {name}", list(own), obj=stages) as context:
            context.command.invoke(context)
    except typer.Exit as end:
        return end.exit_code
    except typer.Abort:
        return 130
    except typer.TyperException as problem:
        missing = getattr(problem, "param", None)
        known = missing.offers("") if missing else []
        lacking: str | Phrase = f"known: {', '.join(known)}" if known else hint
        if name in STACKS:
            steps = map(shell_word, words) if words else ("pool", "--size", "2")
            lacking = f"such as: poolcli {name} {STACK_INPUTS[name]} {' '.join(steps)}"
        elif name not in GROUPS["Look up"]:
            lacking = Phrase("give a file: {input}", input=Readable("FILE"))
        options = options_of(built)
        raise refusal(problem, hint, lacking=lacking, options=options, words=classify(own, options)) from None
    return 0


def _stages(name: str, words: Sequence[str], command: Command) -> tuple[list[str], list[list[str]] | None]:
    """Split the words after the name of a command into its own and the steps of a stack, if it takes one."""
    if name not in STACKS:
        return list(words), None
    from poolcli.cli import stack

    return stack.split(words, getattr(stack, STACKS[name]), command)

"""Checks before any work: a missing INPUT, shapes, outputs that would replace inputs."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

from poolcli.errors import UsageError
from poolcli.system.files import check_target, same_file
from poolcli.wording import Phrase, Readable


def piped_in() -> bool:
    """Whether standard input is there and not a terminal."""
    return sys.stdin is not None and not sys.stdin.isatty()


def chosen_input(given: str | None) -> str:
    """Return INPUT, or ``-`` if it is missing and something is piped in."""
    if given is not None:
        return given
    if not piped_in():
        raise UsageError("no INPUT, and nothing is piped in", Phrase("give a file: {input}", input=Readable("FILE")))
    return "-"


def compat_among(steps: Iterable[Any]) -> str | None:
    """Return the first framework that a pooling step names, because it decides how the input is read."""
    named = (step.options.get("compat") for step in steps if hasattr(step, "options"))
    return next(filter(None, named), None)


def files_read(source: str, steps: Iterable[Any]) -> list[str]:
    """Return the files that a command reads: INPUT, and the kernels of its steps."""
    return [source, *(step.label for step in steps if hasattr(step, "label"))]


class Target(Protocol):
    """The output options of a command."""

    output: str
    overwrite: bool

    @property
    def chosen_format(self) -> str | None:
        """The format to write; raises if it is unknown."""
        ...


def check_output(inputs: Sequence[str], target: Target) -> None:
    """Refuse an output that cannot be written, one that is an input, or an unknown format."""
    check_target_apart(target.output, inputs, overwrite=target.overwrite)
    target.chosen_format  # noqa: B018 -- for its errors


def check_target_apart(output: str, inputs: Sequence[str], *, overwrite: bool) -> None:
    """Refuse an output that cannot be written or is one of the inputs."""
    if output == "-":
        return
    check_target(output)
    for source in () if overwrite else inputs:
        if same_file(source, output):
            raise UsageError(
                f"the output {output} is the input {source}", "choose another name, or add --overwrite to replace it"
            )

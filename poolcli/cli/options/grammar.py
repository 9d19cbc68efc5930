"""From option groups to Typer's flat parameters.

A command is a function whose parameters are option groups: classes whose fields are the options. Each option is written
down once, in `poolcli.cli.options.windows`, however many commands have it.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, partial
from typing import Any, Self, get_args, get_type_hints

import typer
from typer.core import TyperCommand
from typer.main import get_command

from poolcli.cli.console import wants_color, width_of_output
from poolcli.cli.help import help_page, help_text
from poolcli.cli.output import Output
from poolcli.errors import UnknownNameError, UsageError
from poolcli.wording import Phrase

Names = Callable[[], Iterable[str]]


class Group:
    """A group of options: annotated fields with their defaults, or groups in their turn.

    Not a dataclass, because making those costs each command a millisecond a group, and nobody compares or prints them.
    """

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def but(self, **changes: Any) -> Self:
        """Return a copy with some options changed."""
        return type(self)(**{**self.__dict__, **changes})


def refuse_idle(values: Mapping[str, Any], what: str, advice: Mapping[str, str | Phrase] | None = None) -> None:
    """Refuse options that were typed and do nothing.

    Parameters
    ----------
    values : mapping of str to value
        Those that do nothing for what is asked for, by the name of their field; None and False are not given. What a
        variable of the environment says is meant for the commands that heed it.
    what : str
        What is asked for.
    advice : mapping of str to text, optional
        What to do instead, by the name of the option; to drop it if missing.
    """
    for name, value in values.items():
        flag = f"--{name.replace('_', '-')}"
        if value is not None and value is not False and variable(flag) not in os.environ:
            raise UsageError(f"{flag} does nothing for {what}", (advice or {}).get(name, f"drop {flag}"))


def variable(flag: str) -> str:
    """Return the variable of the environment that stands for an option."""
    return "POOLCLI_" + flag.lstrip("-").replace("-", "_").upper()


def option(
    *flags: str,
    help: str,  # noqa: A002 - Typer's own word
    panel: str,
    metavar: str | None = None,
    default: str | None = None,
    choices: Sequence[str] | Names = (),
    free: bool = False,
    least: int | None = None,
    most: int | None = None,
) -> Any:
    """Describe an option: its flags, its help, its environment variable and the values it may take.

    Parameters
    ----------
    *flags : str
        ``-m``, ``--mode``; the first long one names the environment variable ``POOLCLI_MODE``.
    help, panel, metavar : str
        For the help page. A `metavar` such as ``NAME,...`` means that completion goes on after a comma.
    default : str, optional
        In words, where the value says nothing: ``the size``.
    choices : sequence of str, or function that returns them
        The values that completion offers, and the only ones allowed unless `free`.
    free : bool
        Whether other values are allowed as well.
    least, most : int, optional
        The range of a number.
    """
    long = next(flag for flag in flags if flag.startswith("--")).split("/")[0]

    many = bool(metavar and metavar.endswith(",..."))

    def names() -> list[str]:
        return list(choices() if callable(choices) else choices)

    def completed(incomplete: str) -> list[str]:
        before, comma, last = incomplete.rpartition(",") if many else ("", "", incomplete)
        said = before.split(",")
        return [before + comma + name for name in names() if name.startswith(last) and name not in said]

    def check(value: Any) -> Any:
        if isinstance(value, str) and choices and not free and value not in names():
            raise UnknownNameError(f"{long} value", value, names())
        if isinstance(value, int) and least is not None and value < least:
            raise UsageError(f"{long} {value} is less than {least}", f"use {long} {least} or more")
        if isinstance(value, int) and most is not None and value > most:
            raise UsageError(f"{long} {value} is more than {most}", f"use {long} {most} or less")
        return value

    return typer.Option(
        *flags,
        help=help,
        rich_help_panel=panel,
        metavar=metavar if metavar or callable(choices) or not choices else "|".join(choices),
        envvar=variable(long),
        show_default=default or True,
        autocompletion=completed if choices else None,
        callback=check,
    )


class Command(TyperCommand):
    """A command whose help is its page."""

    more = ""  # what may follow on the command line

    def get_help_option(self, ctx: Any) -> Any:
        """Return ``--help``, whose value is made here as well."""
        option: Any = super().get_help_option(ctx)
        option.callback = self._show_page
        _take_over(option, bool)
        return option

    def _show_page(self, context: Any, _: Any, asked: bool) -> None:
        """Write the page, if it is asked for, and leave."""
        if asked:
            page, paint = help_page(self, context.command_path, self.more), wants_color("auto", sys.stdout)
            Output().text(help_text(page, width_of_output() or 80, paint=paint) + "\n")
            context.exit()


def command(name: str, function: Callable[..., Any], more: str = "") -> Command:
    """Return the command that calls a function; `more` is what may follow on the command line."""
    app = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    flat = grouped(function)
    app.command(name, cls=Command)(flat)
    made: Any = get_command(app)
    made.more = more
    for one in made.params:
        _take_over(one, flat.__annotations__[one.name])
    return made  # type: ignore[no-any-return]  # Typer makes it of the class that it was given


def _take_over(option: Any, hint: Any) -> None:
    """Have values made here, as Typer makes them, which from 0.29 on loads Pydantic for it: 70 ms a command."""
    option.process_value = partial(_value, option, _convert(hint), type(option).process_value)


def _value(option: Any, convert: Callable[[Any], Any], standard: Callable[..., Any], context: Any, typed: Any) -> Any:
    try:
        if typed is None or typed == ():
            value: Any = () if option.multiple or option.nargs == -1 else None
            if option.required:
                return standard(option, context, value)  # which says what is missing
        else:
            value = tuple(map(convert, typed)) if isinstance(typed, tuple | list) else convert(typed)
    except ValueError as problem:
        raise typer.BadParameter(str(problem), context, option) from None
    return option.callback(context, option, value) if option.callback else value


SWITCH = {  # what a variable of the environment may say of an option that is on or off
    **dict.fromkeys(("1", "on", "t", "true", "y", "yes"), True),
    **dict.fromkeys(("", "0", "f", "false", "n", "no", "off"), False),
}


def _convert(hint: Any) -> Callable[[Any], Any]:
    """Return what makes a value of an annotation out of a word: of ``Annotated[list[int] | None, ...]`` an int."""
    while get_args(hint):
        hint = get_args(hint)[0]

    def number(word: Any) -> Any:
        try:
            return hint(word)
        except ValueError:
            raise ValueError(f"{word!r} is not a valid {hint.__name__}.") from None

    def switch(word: Any) -> Any:
        value = word if isinstance(word, bool) else SWITCH.get(word.strip().lower())
        if value is None:
            raise ValueError(f"{word!r} is not a valid boolean. Recognized values: {', '.join(sorted(SWITCH))}")
        return value

    return switch if hint is bool else number


def grouped(function: Callable[..., Any]) -> Callable[..., Any]:
    """Return `function` with each parameter that is an option group replaced by the group's options."""
    hints = _hints(function)
    signature = inspect.signature(function).parameters
    flat: list[inspect.Parameter] = []
    for name, parameter in signature.items():
        flat += _fields(hints[name]) if _is_group(hints[name]) else [parameter.replace(annotation=hints[name])]

    def call(**values: Any) -> Any:
        return function(**{name: _filled(name, hints[name], values) for name in signature})

    keywords = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in flat]
    call.__signature__ = inspect.Signature(keywords)  # type: ignore[attr-defined]  # what inspect looks at first
    call.__annotations__ = {parameter.name: parameter.annotation for parameter in flat}
    call.__doc__, call.__name__ = function.__doc__, function.__name__
    return call


def _is_group(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Group)


@cache  # those of a group are asked for the signature, and again for the call
def _hints(owner: Any) -> dict[str, Any]:
    return get_type_hints(owner, include_extras=True)


def _fields(group: Any) -> list[inspect.Parameter]:
    """Return the options of a group, those of groups in it among them."""
    fields: list[inspect.Parameter] = []
    for name, hint in _hints(group).items():
        fields += _fields(hint) if _is_group(hint) else [
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=getattr(group, name), annotation=hint)
        ]  # fmt: skip
    return fields


def _filled(name: str, hint: Any, values: Mapping[str, Any]) -> Any:
    """Return the value of an option, or a group with the values of its options."""
    if not _is_group(hint):
        return values[name]
    return hint(**{inner: _filled(inner, kind, values) for inner, kind in _hints(hint).items()})

"""From option groups to Typer commands.

A command is a function whose parameters are option groups: classes with options as fields. Each option is declared
once, however many commands have it; the pooling options are in `poolcli.cli.options.windows`.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, NamedTuple, Self, TypeVar, cast, get_type_hints

import typer
from typer.core import TyperCommand
from typer.main import get_command

from poolcli.cli.console import wants_color, width_of_output
from poolcli.cli.help import help_page, help_text
from poolcli.cli.output import Output
from poolcli.cli.words import SWITCH
from poolcli.errors import PoolcliError, UnknownNameError, UsageError
from poolcli.pooling.frameworks import framework_names, refuse_without_row
from poolcli.wording import Phrase

Names = Callable[[], Iterable[str]]
SomeGroup = TypeVar("SomeGroup", bound="Group")


# --- options ----------------------------------------------------------------------------------------------------------


class OptionField(NamedTuple):
    """An option of a command, or an argument (`alone`), which has no flags."""

    default: Any  # ... if a value is required
    meaning: str  # for the help page
    flags: tuple[str, ...]  # -k, --relu/--no-relu; the long one names the environment variable, POOLCLI_SIZE
    kind: type  # of the value
    panel: str = ""  # the heading in the help page
    metavar: str | None = None  # stands for the value there; after NAME,... completion continues after a comma
    usual: str | None = None  # the default in words
    choices: Sequence[str] | Names = ()  # offered by completion
    free: bool = False  # whether other values are allowed, too
    least: int | None = None
    most: int | None = None
    many: bool = False  # whether it may be repeated
    alone: bool = False

    def called(self, name: str, panel: str) -> OptionField:
        """Return the field with a long flag, by default its name in the group, and a panel."""
        if self.alone or any(flag.startswith("--") for flag in self.flags):
            return self._replace(panel=self.panel or panel)
        return self._replace(flags=(*self.flags, f"--{name.replace('_', '-')}"), panel=self.panel or panel)

    @property
    def long(self) -> str:
        """The flag used in messages."""
        return next(flag for flag in self.flags if flag.startswith("--")).split("/")[0]

    def offers(self, incomplete: str) -> list[str]:
        """Return the possible values that begin like this."""
        many = (self.metavar or "").endswith(",...")
        before, comma, last = incomplete.rpartition(",") if many else ("", "", incomplete)
        said = before.split(",")
        return [before + comma + name for name in self._names() if name.startswith(last) and name not in said]

    def _names(self) -> list[str]:
        return list(self.choices() if callable(self.choices) else self.choices)

    def read(self, word: Any) -> Any:
        """Convert a word to a value; raise ValueError with the message if it is invalid."""
        if self.kind is bool:
            value = word if isinstance(word, bool) else SWITCH.get(word.strip().lower())
            if value is None:
                raise ValueError(f"{word!r} is not 1 or 0.")
            return value
        try:
            return self.kind(word)
        except ValueError:
            raise ValueError(f"{word!r} is not a valid {self.kind.__name__}.") from None

    def check(self, value: Any) -> None:
        """Refuse a value that is out of range or not one of the choices."""
        if isinstance(value, str) and self.choices and not self.free and value not in self._names():
            if self.choices is framework_names:
                refuse_without_row(value)
            raise UnknownNameError(f"{self.long} value", value, self._names())
        if isinstance(value, int) and self.least is not None and value < self.least:
            raise UsageError(f"{self.long} {value} is less than {self.least}", f"use {self.long} {self.least} or more")
        if isinstance(value, int) and self.most is not None and value > self.most:
            raise UsageError(f"{self.long} {value} is more than {self.most}", f"use {self.long} {self.most} or less")

    def as_typer_has_it(self) -> Any:
        """Return Typer's description of the parameter."""
        if self.alone:
            return typer.Argument(self.default, metavar=self.metavar, help=self.meaning, show_default=False)
        choices = () if callable(self.choices) else self.choices
        listed = "|".join(one if one[0].isalnum() else f'"{one}"' for one in choices)
        return typer.Option(
            self.default, *self.flags, help=self.meaning, rich_help_panel=self.panel, envvar=variable(self.long),
            metavar=self.metavar or listed or None, show_default=self.usual or True,
        )  # fmt: skip


def option(default: Any, meaning: str, *flags: str, kind: type | None = None, **more: Any) -> Any:
    """Declare an option as a field of a `Group` or as a parameter's default; see `OptionField`.

    The long flag defaults to the name of the field, `kind` to the type of the default or str.
    """
    return OptionField(default, meaning, flags, kind or (str if default is None else type(default)), **more)


def argument(default: Any, metavar: str, meaning: str, *, choices: Sequence[str] = (), many: bool = False) -> Any:
    """Declare an argument; it is required if the default is ``...``."""
    return OptionField(default, meaning, (), str, metavar=metavar, choices=choices, free=True, many=many, alone=True)


class Group:
    """A group of options or other groups as fields; ``panel`` is the heading of options without their own.

    Not a dataclass: creating one costs a millisecond per group and command, and nobody compares or prints groups.
    """

    fields: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, panel: str = "") -> None:
        """Collect the options; the fields become their defaults."""
        found = {name: value for name, value in vars(cls).items() if isinstance(value, OptionField) or is_group(value)}
        cls.add({name: one.called(name, panel) if isinstance(one, OptionField) else one for name, one in found.items()})

    @classmethod
    def add(cls, options: Mapping[str, Any]) -> None:
        """Add options."""
        cls.fields = {**cls.fields, **options}
        for name, one in options.items():
            setattr(cls, name, getattr(one, "default", one))

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def changed(self, *names: str) -> dict[str, Any]:
        """Return those of the named options that differ from their defaults."""
        usual = type(self)
        return {name: now for name in names if (now := getattr(self, name)) != getattr(usual, name)}

    def but(self, **changes: Any) -> Self:
        """Return a copy with some options changed."""
        return type(self)(**{**self.__dict__, **changes})


def part(group: type[SomeGroup]) -> SomeGroup:
    """Declare a group as a field of another."""
    return cast(Any, group)  # type: ignore[no-any-return]  # becomes an instance


def is_group(value: Any) -> bool:
    """Whether this is an option group."""
    return isinstance(value, type) and issubclass(value, Group)


def refuse_idle(
    values: Mapping[str, Any],
    what: str,
    advice: Mapping[str, str | Phrase] | None = None,
    error: type[PoolcliError] = UsageError,
) -> None:
    """Refuse typed options that do nothing, by field name; None, False and what the environment says are ignored.

    `advice` has hints by field name, instead of dropping the option; the error is another than `UsageError` if it
    depends on the data whether an option does anything.
    """
    for name, value in on_the_line(values).items():
        flag = f"--{name.replace('_', '-')}"
        if value is not None and value is not False:
            raise error(f"{flag} does nothing for {what}", (advice or {}).get(name, f"drop {flag}"))


def on_the_line(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values, by field name, that no environment variable gives."""
    return {name: value for name, value in values.items() if variable(name) not in os.environ}


def variable(flag: str) -> str:
    """Return the environment variable for an option."""
    return "POOLCLI_" + flag.lstrip("-").replace("-", "_").upper()


# --- commands ---------------------------------------------------------------------------------------------------------


class Command(TyperCommand):
    """A command with our help page."""

    more = ""  # shown at the end of the usage line

    def get_help_option(self, ctx: Any) -> Any:
        """Return ``--help``, also handled here."""
        option: Any = super().get_help_option(ctx)
        option.callback = self._show_page
        _take_over(option, OptionField(False, "", ("--help",), bool))
        return option

    def _show_page(self, context: Any, _: Any, asked: bool) -> None:
        """Print the page if asked for, and exit."""
        if asked:
            page, paint = help_page(self, context.command_path, self.more), wants_color("auto", sys.stdout)
            Output().text(help_text(page, width_of_output() or 80, paint=paint) + "\n")
            context.exit()


def command(name: str, function: Callable[..., Any], more: str = "") -> Command:
    """Return the command that calls a function; `more` goes at the end of its usage line."""
    parts = parameters_of(function)
    options = dict(flat(parts))

    def call(**values: Any) -> Any:
        return function(**{name: _filled(one, name, values) for name, one in parts.items()})

    call.__doc__ = function.__doc__
    call.__annotations__ = {name: _annotation(one) for name, one in options.items()}
    call.__signature__ = inspect.Signature([  # type: ignore[attr-defined]  # what inspect looks at first
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=_annotation(one),
                          default=one.as_typer_has_it() if isinstance(one, OptionField) else inspect.Parameter.empty)
        for name, one in options.items()
    ])  # fmt: skip
    help_names = {"help_option_names": ["-h", "--help"]}
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, context_settings=help_names)
    app.command(name, cls=Command)(call)
    made: Any = get_command(app)
    made.more = more
    for one in made.params:
        _take_over(one, options[one.name])
    return made  # type: ignore[no-any-return]  # an instance of Command


def parameters_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return the parameters of a command: options, groups, or Typer's context."""
    hints = get_type_hints(function)
    signature = inspect.signature(function).parameters
    given = {name: parameter.default for name, parameter in signature.items()}
    return {name: one.called(name, "") if isinstance(one, OptionField) else hints[name] for name, one in given.items()}


def flat(parts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield parts with groups replaced by their options."""
    for name, one in parts.items():
        yield from flat(one.fields) if is_group(one) else [(name, one)]


def _annotation(one: Any) -> Any:
    if not isinstance(one, OptionField):
        return one
    return list[one.kind] if one.many else one.kind


def _filled(one: Any, name: str, values: Mapping[str, Any]) -> Any:
    """Return the value of an option, or a group filled with values."""
    if not is_group(one):
        return values[name]
    return one(**{inner: _filled(kind, inner, values) for inner, kind in one.fields.items()})


def _take_over(parameter: Any, one: OptionField) -> None:
    """Convert and offer values here: Typer would inspect a function for each, and load Pydantic from 0.29 on."""
    parameter.process_value = partial(_value, parameter, one, type(parameter).process_value)
    parameter.offers, parameter.free = one.offers, one.free
    if one.many and not one.alone:  # Typer would cut an environment variable at its blanks
        parameter.value_from_envvar = lambda context: (
            [said] if (said := parameter.resolve_envvar_value(context)) else None
        )


def _value(parameter: Any, one: OptionField, standard: Callable[..., Any], context: Any, typed: Any) -> Any:
    try:
        if typed is None or typed == ():
            value: Any = () if parameter.multiple or parameter.nargs == -1 else None
            if parameter.required:
                return standard(parameter, context, value)  # raises the right error
        else:
            value = tuple(map(one.read, typed)) if isinstance(typed, tuple | list) else one.read(typed)
    except ValueError as problem:
        raise typer.BadParameter(str(problem), context, parameter) from None
    one.check(value)
    return parameter.callback(context, parameter, value) if parameter.callback else value

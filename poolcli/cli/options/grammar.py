"""From option groups to a command of Typer's.

A command is a function whose parameters are option groups: classes whose fields are the options. Each option is written
down once, however many commands have it; the options of pooling are made in `poolcli.cli.options.windows`.
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
from poolcli.errors import PoolcliError, UnknownNameError, UsageError
from poolcli.pooling.frameworks import framework_names, refuse_without_row
from poolcli.wording import Phrase

Names = Callable[[], Iterable[str]]
SomeGroup = TypeVar("SomeGroup", bound="Group")

SWITCH = {  # what a variable of the environment may say of an option that is on or off
    **dict.fromkeys(("1", "on", "t", "true", "y", "yes"), True),
    **dict.fromkeys(("", "0", "f", "false", "n", "no", "off"), False),
}


# --- options ----------------------------------------------------------------------------------------------------------


class OptionField(NamedTuple):
    """An option of a command, or an argument, which stands alone: it has no flags."""

    default: Any  # the value if nobody says; ... where it must be said
    meaning: str  # for the help page
    flags: tuple[str, ...]  # -k, --relu/--no-relu; the long one names the variable of the environment, POOLCLI_SIZE
    kind: type  # of the value
    panel: str = ""  # its heading in the help page
    metavar: str | None = None  # what stands for the value there; after NAME,... completion goes on behind a comma
    usual: str | None = None  # the default in words, where the value says nothing: the size
    choices: Sequence[str] | Names = ()  # what completion offers
    free: bool = False  # whether other values are allowed as well
    least: int | None = None
    most: int | None = None
    many: bool = False  # whether it may be repeated
    alone: bool = False

    def called(self, name: str, panel: str) -> OptionField:
        """Return it as the field of a group: its long flag is the name, unless it has another."""
        if self.alone or any(flag.startswith("--") for flag in self.flags):
            return self._replace(panel=self.panel or panel)
        return self._replace(flags=(*self.flags, f"--{name.replace('_', '-')}"), panel=self.panel or panel)

    @property
    def long(self) -> str:
        """The flag by which messages call it."""
        return next(flag for flag in self.flags if flag.startswith("--")).split("/")[0]

    def offers(self, incomplete: str) -> list[str]:
        """Return the values that a word may become."""
        many = (self.metavar or "").endswith(",...")
        before, comma, last = incomplete.rpartition(",") if many else ("", "", incomplete)
        said = before.split(",")
        return [before + comma + name for name in self._names() if name.startswith(last) and name not in said]

    def _names(self) -> list[str]:
        return list(self.choices() if callable(self.choices) else self.choices)

    def read(self, word: Any) -> Any:
        """Make a value of a word; ValueError says what is wrong with it."""
        if self.kind is bool:
            value = word if isinstance(word, bool) else SWITCH.get(word.strip().lower())
            if value is None:
                raise ValueError(f"{word!r} is not a valid boolean. Recognized values: {', '.join(sorted(SWITCH))}")
            return value
        try:
            return self.kind(word)
        except ValueError:
            raise ValueError(f"{word!r} is not a valid {self.kind.__name__}.") from None

    def check(self, value: Any) -> None:
        """Refuse a value that is not one of the choices, or out of range."""
        if isinstance(value, str) and self.choices and not self.free and value not in self._names():
            if self.choices is framework_names:
                refuse_without_row(value)
            raise UnknownNameError(f"{self.long} value", value, self._names())
        if isinstance(value, int) and self.least is not None and value < self.least:
            raise UsageError(f"{self.long} {value} is less than {self.least}", f"use {self.long} {self.least} or more")
        if isinstance(value, int) and self.most is not None and value > self.most:
            raise UsageError(f"{self.long} {value} is more than {self.most}", f"use {self.long} {self.most} or less")

    def as_typer_has_it(self) -> Any:
        """Return what Typer makes a parameter of."""
        if self.alone:
            return typer.Argument(self.default, metavar=self.metavar, help=self.meaning, show_default=False)
        listed = "" if self.metavar or callable(self.choices) else "|".join(self.choices)
        return typer.Option(
            self.default, *self.flags, help=self.meaning, rich_help_panel=self.panel, envvar=variable(self.long),
            metavar=self.metavar or listed or None, show_default=self.usual or True,
        )  # fmt: skip


def option(default: Any, meaning: str, *flags: str, kind: type | None = None, **more: Any) -> Any:
    """Describe an option: a field of a `Group`, or the default of a command's parameter, as a type checker sees it.

    Without a long flag it is called like the field, without a `kind` that is the default's, or str; see `OptionField`.
    """
    return OptionField(default, meaning, flags, kind or (str if default is None else type(default)), **more)


def argument(default: Any, metavar: str, meaning: str, *, choices: Sequence[str] = (), many: bool = False) -> Any:
    """Describe a word that stands by itself; it must be there if the default is ``...``."""
    return OptionField(default, meaning, (), str, metavar=metavar, choices=choices, free=True, many=many, alone=True)


class Group:
    """A group of options, or of groups in their turn: its fields; ``panel`` is the heading of those that name none.

    Not a dataclass, because making those costs each command a millisecond a group, and nobody compares or prints them.
    """

    fields: ClassVar[Mapping[str, Any]] = {}

    def __init_subclass__(cls, panel: str = "") -> None:
        """Take the options from the fields, which become their defaults."""
        found = {name: value for name, value in vars(cls).items() if isinstance(value, OptionField) or is_group(value)}
        cls.add({name: one.called(name, panel) if isinstance(one, OptionField) else one for name, one in found.items()})

    @classmethod
    def add(cls, options: Mapping[str, Any]) -> None:
        """Have more options."""
        cls.fields = {**cls.fields, **options}
        for name, one in options.items():
            setattr(cls, name, getattr(one, "default", one))

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    def changed(self, *names: str) -> dict[str, Any]:
        """Return those of some options that are not as usual."""
        usual = type(self)
        return {name: now for name in names if (now := getattr(self, name)) != getattr(usual, name)}

    def but(self, **changes: Any) -> Self:
        """Return a copy with some options changed."""
        return type(self)(**{**self.__dict__, **changes})


def part(group: type[SomeGroup]) -> SomeGroup:
    """Have a group as the field of another."""
    return cast(Any, group)  # type: ignore[no-any-return]  # an instance will stand there


def is_group(value: Any) -> bool:
    """Whether this is a class of options."""
    return isinstance(value, type) and issubclass(value, Group)


def refuse_idle(
    values: Mapping[str, Any],
    what: str,
    advice: Mapping[str, str | Phrase] | None = None,
    error: type[PoolcliError] = UsageError,
) -> None:
    """Refuse options that were typed and do nothing.

    Parameters
    ----------
    values : mapping of str to value
        Those that do nothing for what is asked for, by the name of their field; None and False are not given. What a
        variable of the environment says is meant for the commands that heed it.
    advice : mapping of str to text, optional
        What to do instead, by the name of the option; to drop it if missing.
    error : class
        What to raise; another where it depends on the data whether an option does anything.
    """
    for name, value in values.items():
        flag = f"--{name.replace('_', '-')}"
        if value is not None and value is not False and variable(flag) not in os.environ:
            raise error(f"{flag} does nothing for {what}", (advice or {}).get(name, f"drop {flag}"))


def variable(flag: str) -> str:
    """Return the variable of the environment that stands for an option."""
    return "POOLCLI_" + flag.lstrip("-").replace("-", "_").upper()


# --- commands ---------------------------------------------------------------------------------------------------------


class Command(TyperCommand):
    """A command whose help is its page."""

    more = ""  # what may follow on the command line

    def get_help_option(self, ctx: Any) -> Any:
        """Return ``--help``, whose value is made here as well."""
        option: Any = super().get_help_option(ctx)
        option.callback = self._show_page
        _take_over(option, OptionField(False, "", ("--help",), bool))
        return option

    def _show_page(self, context: Any, _: Any, asked: bool) -> None:
        """Write the page, if it is asked for, and leave."""
        if asked:
            page, paint = help_page(self, context.command_path, self.more), wants_color("auto", sys.stdout)
            Output().text(help_text(page, width_of_output() or 80, paint=paint) + "\n")
            context.exit()


def command(name: str, function: Callable[..., Any], more: str = "") -> Command:
    """Return the command that calls a function; `more` is what may follow on the command line."""
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
    app = typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.command(name, cls=Command)(call)
    made: Any = get_command(app)
    made.more = more
    for one in made.params:
        _take_over(one, options[one.name])
    return made  # type: ignore[no-any-return]  # Typer makes it of the class that it was given


def parameters_of(function: Callable[..., Any]) -> dict[str, Any]:
    """Return what the parameters of a command are: options, groups of them, or Typer's context."""
    hints = get_type_hints(function)
    signature = inspect.signature(function).parameters
    given = {name: parameter.default for name, parameter in signature.items()}
    return {name: one.called(name, "") if isinstance(one, OptionField) else hints[name] for name, one in given.items()}


def flat(parts: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield parts with the options of groups in their places."""
    for name, one in parts.items():
        yield from flat(one.fields) if is_group(one) else [(name, one)]


def _annotation(one: Any) -> Any:
    if not isinstance(one, OptionField):
        return one
    return list[one.kind] if one.many else one.kind


def _filled(one: Any, name: str, values: Mapping[str, Any]) -> Any:
    """Return the value of an option, or a group with the values of its options."""
    if not is_group(one):
        return values[name]
    return one(**{inner: _filled(kind, inner, values) for inner, kind in one.fields.items()})


def _take_over(parameter: Any, one: OptionField) -> None:
    """Have values made and offered here: Typer would look into a function for each, and from 0.29 on load Pydantic."""
    parameter.process_value = partial(_value, parameter, one, type(parameter).process_value)
    parameter.offers = one.offers


def _value(parameter: Any, one: OptionField, standard: Callable[..., Any], context: Any, typed: Any) -> Any:
    try:
        if typed is None or typed == ():
            value: Any = () if parameter.multiple or parameter.nargs == -1 else None
            if parameter.required:
                return standard(parameter, context, value)  # which says what is missing
        else:
            value = tuple(map(one.read, typed)) if isinstance(typed, tuple | list) else one.read(typed)
    except ValueError as problem:
        raise typer.BadParameter(str(problem), context, parameter) from None
    one.check(value)
    return parameter.callback(context, parameter, value) if parameter.callback else value

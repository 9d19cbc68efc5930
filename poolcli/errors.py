"""Every error that poolcli raises on purpose.

::

    PoolcliError                 exit 1
      UsageError                 exit 2: wrong whatever the data      (ValueError)
        UnknownNameError         a mode, filter, format ... that does not exist
        UnknownKeywordError      a keyword that a function does not have  (TypeError too)
        PositionalError          an argument without a name that needs one  (TypeError too)
        ArgumentError            an argument that is missing or of another kind  (TypeError too)
        CompatError              the framework named by ``compat`` refuses this
      InputError                 the data are not what they should be (ValueError)
        NanError                 a NaN under ``nan="error"``
      ShapeError                 the options do not fit this shape    (ValueError)
        EmptyWindowError         a window without a real cell
      NumberRangeError           a number does not fit its type       (OverflowError)
      FileError                  a file cannot be read or written     (OSError)
      LimitError                 more memory or pixels than allowed   (MemoryError)
      PluginError                another package's row is broken      (ImportError)

The only warning is `UnverifiedWarning`: the answer follows a framework's documentation and was never compared with it.

A message says what was given and which rule it broke; ``hint`` says what to try.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import cached_property, wraps
from reprlib import repr as shortened
from typing import Any, ClassVar, NamedTuple, ParamSpec, TypeVar

from poolcli.wording import UNLIKE, Phrase, called_here, given

P = ParamSpec("P")
R = TypeVar("R")
BOUND = {"self", "cls"}  # first arguments that nobody writes
MORE_KEYWORDS = 8  # the bit of a function's flags that says that it takes ``**options``

NEAR = 0.7  # least similarity of the nearest name: avrage suggests average, xml does not suggest xbm


class PoolcliError(Exception):
    """The base class of poolcli's errors.

    Parameters
    ----------
    message : str or Phrase
        What was given and which rule it broke.
    hint : str or Phrase
        What to try instead.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str | Phrase, hint: str | Phrase) -> None:
        super().__init__(message)
        self.text = message
        self.advice = hint

    @property
    def message(self) -> str:
        """What was wrong, with options as Python's keywords."""
        return str(self.text)

    @property
    def hint(self) -> str:
        """What to try, with options as Python's keywords."""
        return str(self.advice)

    @cached_property
    def __notes__(self) -> list[str]:  # type: ignore[override]  # a hint costs time to word
        """The hint, which Python shows below a traceback; worded only when it does."""
        return [f"hint: {self.hint}"]

    def at(self, place: str) -> None:
        """Put the place where it happened in front of the message."""
        self.text = f"{place}: " + self.text

    def __str__(self) -> str:
        return self.message


class UsageError(PoolcliError, ValueError):
    """An option or argument that is wrong whatever the data."""

    exit_code = 2


class UnknownNameError(UsageError):
    """A name that does not exist.

    Parameters
    ----------
    kind : str or Phrase
        What it should name: ``mode``, ``filter``, ``format``.
    name : str
        The unknown name.
    known : iterable of str
        The names that exist; the hint suggests the nearest or lists all.
    note : str
        Added to the hint.
    otherwise : str
        The hint if no name is near, instead of the list.
    """

    def __init__(
        self, kind: str | Phrase, name: str, known: Iterable[str], note: str = "", otherwise: str = ""
    ) -> None:
        from difflib import get_close_matches

        names = list(known)
        close = [known for known in names if sorted(known) == sorted(name.lower())]  # cvs is csv
        if not (close or otherwise):
            close = sorted((known for known in names if name.lower().startswith(known)), key=len)[-1:]  # maxpool
        if get_close_matches(name.lower(), names, n=1, cutoff=NEAR):
            close = get_close_matches(name.lower(), names, n=3, cutoff=0.6)
        hint = f"did you mean {' or '.join(close)}?" if close else otherwise or f"known: {', '.join(names)}"
        sentence = f" {note[2:3].upper()}{note[3:]}"  # a question mark ends the one before
        super().__init__("unknown " + kind + f" {name!r}", hint + (sentence if close and note else note))


class UnknownKeywordError(UsageError, TypeError):
    """A keyword, none of those `known`, with which a function was called."""

    def __init__(self, function: str, keyword: str, known: Iterable[str]) -> None:
        from difflib import get_close_matches

        names = sorted(known)
        near = [name for name in names if keyword in name.split("_")]  # format is input_format
        near = near or get_close_matches(keyword.lower(), names, n=1, cutoff=NEAR)
        hint: str | Phrase = called_here(keyword, names)
        hint = hint or (f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(names)}")
        if keyword in UNLIKE and UNLIKE[keyword].names <= {*names}:
            hint = UNLIKE[keyword]
        super().__init__(f"{function} has no keyword {keyword!r}", hint)


class PositionalError(UsageError, TypeError):
    """More arguments without a name than a function takes."""


class ArgumentError(UsageError, TypeError):
    """An argument of a function is missing, or not of the kind that it takes."""


class CompatError(UsageError):
    """The framework named by ``compat`` has no such layer or refuses this configuration."""


class InputError(PoolcliError, ValueError):
    """Data that cannot be read as numbers, with the place where reading failed."""


class NanError(InputError):
    """A NaN was found under ``nan="error"``."""


class ShapeError(PoolcliError, ValueError):
    """Options that do not fit the shape of this input."""


class EmptyWindowError(ShapeError):
    """At least one window holds no real cell."""


class NumberRangeError(PoolcliError, OverflowError):
    """A number does not fit its type."""


class FileError(PoolcliError, OSError):
    """A file that cannot be read or written."""


class LimitError(PoolcliError, MemoryError):
    """The work needs more memory or pixels than allowed."""


class PluginError(PoolcliError, ImportError):
    """A mode, filter or format from another package cannot be loaded or used."""


class UnverifiedWarning(UserWarning):
    """The answer follows a framework's documentation and was never compared with the framework."""


# --- how the functions of Python answer -------------------------------------------------------------------------------


class Accepts(NamedTuple):
    """What an argument may be."""

    text: str  # in words
    fits: Callable[[Any], bool]
    example: Any = None  # an argument without one can be left out


FILE_NAME = Accepts("the name of a file", lambda value: isinstance(value, str) or hasattr(value, "__fspath__"), "x.png")


def in_our_words(kinds: Mapping[str, Accepts], *, at_once: bool = False) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Make a function answer wrong arguments with an error of ours.

    `kinds` holds what its arguments may be, and is asked when the function fails, or `at_once`; if the function has
    ``**options``, it holds all of these.
    """

    def decorated(function: Any) -> Callable[P, R]:
        code = function.__code__
        names = code.co_varnames[: code.co_argcount]
        keywords = code.co_varnames[len(names) : len(names) + code.co_kwonlyargcount]
        known = {*names, *keywords, *(kinds if code.co_flags & MORE_KEYWORDS else ())} - BOUND
        required = names[: len(names) - len(function.__defaults__ or ())]

        def ours(args: tuple[Any, ...], kwargs: dict[str, Any]) -> UsageError | None:
            for name in kwargs.keys() & {*names[: len(args)]}:
                return ArgumentError(f"{function.__name__} has {name} twice", f"drop {name}={given(kwargs[name])}")
            return _wrong(function.__name__, required, {**dict(zip(names, args, strict=False)), **kwargs}, kinds)

        @wraps(function)
        def call(*args: P.args, **kwargs: P.kwargs) -> R:
            if len(args) > len(names):
                raise _too_many(function.__name__, names, keywords, args, kinds)
            if kwargs and not kwargs.keys() <= known:
                raise UnknownKeywordError(function.__name__, next(name for name in kwargs if name not in known), known)
            if at_once and (wrong := ours(args, kwargs)):
                raise wrong
            try:
                made: R = function(*args, **kwargs)
            except (AttributeError, TypeError, ValueError) as problem:
                if not isinstance(problem, PoolcliError) and (wrong := ours(args, kwargs)):
                    raise wrong from problem
                raise
            return made

        return call

    return decorated


def _called(function: str, names: tuple[str, ...]) -> str:
    return f"call {function}({', '.join(name for name in names if name not in BOUND)})"


def _too_many(
    function: str,
    names: tuple[str, ...],
    keywords: tuple[str, ...],
    args: tuple[Any, ...],
    kinds: Mapping[str, Accepts],
) -> UsageError:
    following = "stride" if names[-1] == "size" else next(iter(keywords), "")  # what other libraries have there
    hint = _called(function, names)
    if following in kinds and kinds[following].fits(args[len(names)]):
        hint = f"such as {following}={shortened(args[len(names)])}"
    what = "1 argument" if len(names) == 1 else f"{len(names)} arguments"
    return PositionalError(f"{function} takes {what} without a name, not {len(args)}", hint)


def _wrong(
    function: str, required: tuple[str, ...], arguments: Mapping[str, Any], kinds: Mapping[str, Accepts]
) -> UsageError | None:
    """Return the error for the first argument that is missing or not what it may be, if there is one."""
    called = _called(function, required)
    for name in required:
        if name not in arguments:
            return ArgumentError(f"{function} needs {name}", called)
    for name, value in arguments.items():
        if name not in kinds or (value is None and name not in required) or kinds[name].fits(value):
            continue
        meant = kinds[name].example
        if isinstance(value, list | tuple) and meant is None:  # the columns of a file
            meant = ",".join(map(str, value))
        elif isinstance(value, str) and value.isdecimal():
            meant = int(value)
        if name in required:
            hint: str | Phrase = f"{called}, with {name} such as {meant!r}"
        else:
            hint = Phrase(("such as " if meant is not None else "leave out ") + f"{{{name}}}", **{name: meant})
        return ArgumentError(f"{name} {given(value)} is not {kinds[name].text}", hint)
    return None

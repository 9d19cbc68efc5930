"""Every error that poolcli raises on purpose.

::

    PoolcliError                 exit 1
      UsageError                 exit 2: wrong whatever the data      (ValueError)
        UnknownNameError         a mode, filter, format ... that does not exist
        UnknownKeywordError      a keyword that a function does not have  (TypeError too)
        PositionalError          an argument without a name that needs one  (TypeError too)
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

from collections.abc import Iterable
from functools import cached_property
from typing import ClassVar

from poolcli.wording import ELSEWHERE, Phrase

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
        ours = ELSEWHERE.get(keyword)
        near = [ours] if ours in names else get_close_matches(keyword, names, n=1, cutoff=0.6)
        hint = f"it is called {' or '.join(near)} here" if near else f"known: {', '.join(names)}"
        super().__init__(f"{function} has no keyword {keyword!r}", hint)


class PositionalError(UsageError, TypeError):
    """More arguments without a name than a function takes.

    `named` is how to write the first that needs a name.
    """

    def __init__(self, function: str, takes: int, given: int, named: str) -> None:
        super().__init__(f"{function} takes {takes} arguments without a name, not {given}", f"such as {named}")


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

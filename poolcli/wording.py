"""Text that people read: foreign names made harmless, numbers of things in good grammar."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return `text` with control, direction and other invisible characters written out as escapes.

    Examples
    --------
    >>> print(printable("a\x1b[31mb"))
    a\x1b[31mb
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)


def many(number: int, what: str) -> str:
    """Say how many there are of something.

    Examples
    --------
    >>> many(1, "filter"), many(2, "filter"), many(0, "filter")
    ('1 filter', '2 filters', '0 filters')
    """
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


LONGEST = 60


def safe(text: str, longest: int = LONGEST) -> str:
    r"""Return foreign text as one line that no terminal acts on: control, direction and other odd characters escaped.

    Parameters
    ----------
    text : str
        A file's name, for example.
    longest : int
        Characters; more are elided in the middle.

    Examples
    --------
    >>> print(safe("a\x1b[31m.csv"), safe("x" * 100, 10))
    a\x1b[31m.csv xxxx...xxx
    """
    plain = printable(text)
    if len(plain) <= longest:
        return plain
    head = (longest - 2) // 2
    return f"{plain[:head]}...{plain[len(plain) - (longest - 3 - head) :]}"

"""Foreign text, such as a file's name, in a form that no terminal acts on and no reader misreads."""

from __future__ import annotations


def printable(text: str) -> str:
    r"""Return `text` with control, direction and other invisible characters written out as escapes.

    Examples
    --------
    >>> print(printable("a\x1b[31mb"))
    a\x1b[31mb
    """
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode("ascii") for c in text)

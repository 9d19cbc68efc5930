"""The harmless form of foreign text: file names can hold anything."""

from __future__ import annotations

from poolcli.wording import printable

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

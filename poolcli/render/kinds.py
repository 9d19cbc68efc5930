"""What each kind of file shows of the windows, and which options it takes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from poolcli.errors import UsageError
from poolcli.wording import Phrase

DRAWN_AS: Mapping[str, str] = {
    ".html": "page", ".htm": "page", ".gif": "gif", ".png": "png", ".apng": "apng", ".svg": "svg",
}  # fmt: skip
STILLS = ("png", "svg")  # formats of a finished picture
# what is drawn, and its options
HEEDED: Mapping[str, Sequence[str]] = {
    "a page": ("at", "exercise"),
    "one window": ("at", "zoom"),
    "the finished picture": ("still", "zoom"),
    "an animation": ("fps", "frames", "zoom"),
}


def kind_of(target: str) -> str:
    """Return the kind of a file by its extension.

    Examples
    --------
    >>> kind_of("walk.gif"), kind_of("page.HTM")
    ('gif', 'page')
    """
    kind = DRAWN_AS.get(PurePath(target).suffix.lower())
    if kind is None:
        printed = "write a page, page.html, and print it from the browser; " if target.lower().endswith(".pdf") else ""
        raise UsageError(f"explain cannot write {target!r}", f"{printed}known: {', '.join(DRAWN_AS)}")
    return kind


def is_page(target: str) -> bool:
    """Whether the extension is that of a page.

    Examples
    --------
    >>> is_page("x.htm"), is_page("x.png"), is_page("-")
    (True, False, False)
    """
    return DRAWN_AS.get(PurePath(target).suffix.lower()) == "page"


def what_is_drawn(kind: str, options: Mapping[str, Any]) -> str:
    """Return what a file of this kind shows under these options, a key of `HEEDED`; None and False mean not given.

    An option that does nothing for it is a `UsageError`.

    Examples
    --------
    >>> what_is_drawn("png", {"zoom": 9}), what_is_drawn("png", {"at": (0, 1)}), what_is_drawn("png", {"fps": 3})
    ('the finished picture', 'one window', 'an animation')
    """
    given = {name for name, value in options.items() if value is not None and value is not False}
    what = _what(kind, given)
    for name in options:
        if name in given and name not in HEEDED[what]:
            raise UsageError(Phrase(f"{{{name}}} does nothing for {what}"), Phrase(f"drop {{{name}}}"))
    return what


def _what(kind: str, given: set[str]) -> str:
    if "still" in given and kind not in STILLS:
        raise UsageError(Phrase("{still} is a picture that does not move"), "write it as .png or .svg")
    if kind == "page":
        return "a page"
    if "at" in given:
        if kind == "apng":
            raise UsageError(Phrase("{at} is one window, which does not move"), "write it as .png, .svg or .gif")
        return "one window"
    if "still" in given or (kind == "png" and not given & {"fps", "frames"}):
        return "the finished picture"
    return "one window" if kind == "svg" else "an animation"

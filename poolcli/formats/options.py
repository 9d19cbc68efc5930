"""Options for reading and writing files, and an account of a file that was written."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import NoneType
from typing import Any, NamedTuple, get_args, get_origin, get_type_hints

from poolcli.errors import FILE_NAME, Accepts
from poolcli.wording import Phrase, Typed

GRAYED = "colours converted to gray"  # the note of a picture that was read as gray
# the advice for a map of a shape that a format cannot hold
ANYWHERE = Phrase(
    "use {way}", way=Typed(Phrase("{json} or {output}", output="output.npy"), "output.npy or output.json")
)


class ReadOptions(NamedTuple):
    """How to read an input; each format uses what concerns it.

    Attributes
    ----------
    input_format : str, optional
        A name in `FORMATS`; by the data and the name if missing.
    layout : str, optional
        One letter per axis, in the order of the data.
    channels_last : bool
        Whether C comes last in a layout chosen by rank.
    missing : str, optional
        Values that mean a missing one, with commas between: numbers in any format, words in CSV and JSON; an empty item
        means empty cells.
    skip : int
        Lines to skip at the start of CSV.
    columns : str, optional
        Which columns of CSV to read: numbers from 1 (``2-``, ``1,3-5``), or names in the header.
    array : str, optional
        Which array of an ``.npz``.
    delimiter : str
        ``auto``, ``tab``, ``blanks``, or any one character.
    decimal : str
        ``.`` or ``,``.
    header : str
        ``auto``, ``yes`` or ``no``.
    channels : str
        ``gray`` or ``rgb``, for pictures.
    frame : int or str
        Which frame of an animation or page of a file, from 0; ``all`` turns them into an axis.
    linear_light : bool
        Whether to read pictures as sRGB and pool their light; see `poolcli.formats.light`.
    max_pixels : int, optional
        The largest picture to open; Pillow's own limit if missing.
    """

    input_format: str | None = None
    layout: str | None = None
    channels_last: bool = False
    missing: str | None = None
    skip: int = 0
    columns: str | None = None
    array: str | None = None
    delimiter: str = "auto"
    decimal: str = "."
    header: str = "auto"
    channels: str = "gray"
    frame: int | str = 0
    linear_light: bool = False
    max_pixels: int | None = None


class WriteOptions(NamedTuple):
    """How to write a result; each format uses what concerns it.

    Attributes
    ----------
    format : str, optional
        A name in `FORMATS`; by the target's extension if missing.
    normalize : str
        ``auto``, ``clip`` or ``minmax``: how numbers become the gray of a picture.
    zoom : int
        The width and height of each cell of a picture, in pixels.
    colormap : str, optional
        A name in `poolcli.colors.COLORMAPS`.
    compress_level : int, optional
        0 to 9, for PNG.
    text : mapping of str to str
        Texts to store in a PNG, by keyword.
    """

    format: str | None = None
    normalize: str = "auto"
    zoom: int = 1
    colormap: str | None = None
    compress_level: int | None = None
    text: Mapping[str, str] | None = None


TYPES_IN_WORDS: Mapping[Any, str] = {str: "a text", int: "a whole number", bool: "true or false",
                            Mapping[str, str]: "texts by keyword"}  # fmt: skip


def _accepted(options: Any) -> dict[str, Accepts]:
    """Return what each option of reading or writing may be."""
    accepted = {}
    for name, hint in get_type_hints(options).items():
        kinds = [kind for kind in get_args(hint) or (hint,) if kind is not NoneType]
        types = tuple(get_origin(kind) or kind for kind in kinds)
        text = " or ".join(TYPES_IN_WORDS[kind] for kind in kinds)
        accepted[name] = Accepts(text, partial(_is_of, types), options._field_defaults[name])
    return accepted


def _is_of(types: tuple[type, ...], value: Any) -> bool:
    return isinstance(value, types) or (int in types and hasattr(value, "__index__"))  # NumPy's numbers


READ = {
    "source": FILE_NAME,
    **_accepted(ReadOptions),
    "missing": Accepts("a text or a number", lambda value: isinstance(value, str | int | float)),
}
WRITE = {"target": FILE_NAME, **_accepted(WriteOptions)}


class Account(NamedTuple):
    """An account of a file that was written."""

    holds: str  # what someone finds who opens it
    losses: tuple[str, ...] = ()  # how numbers in it differ from the originals
    guesses: tuple[str, ...] = ()  # what else was chosen, for ``verbose``

"""What a user may say of an input and of an output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from poolcli.wording import Phrase

ANYWHERE = Phrase("use {json} or {output}", output="output.npy")  # which hold a map of any shape


@dataclass(frozen=True)
class ReadOptions:
    """What a user may say of an input; each format takes what concerns it.

    Attributes
    ----------
    input_format : str, optional
        A name in `FORMATS`; found out from the data and the name if missing.
    layout : str, optional
        One letter per axis, in the order of the data.
    channels_last : bool
        Whether C stands last in a layout chosen by rank.
    delimiter : str
        ``auto``, ``,``, ``;``, ``tab`` or ``blanks``.
    decimal : str
        ``.`` or ``,``.
    header : str
        ``auto``, ``yes`` or ``no``.
    channels : str
        ``gray`` or ``rgb``, for pictures.
    frame : int
        Which frame of an animation or page of a file, from 0.
    max_pixels : int, optional
        The largest picture to open; Pillow's own limit if missing.
    """

    input_format: str | None = None
    layout: str | None = None
    channels_last: bool = False
    delimiter: str = "auto"
    decimal: str = "."
    header: str = "auto"
    channels: str = "gray"
    frame: int = 0
    max_pixels: int | None = None


@dataclass(frozen=True)
class WriteOptions:
    """How to write a result; each format takes what concerns it.

    Attributes
    ----------
    format : str, optional
        A name in `FORMATS`; by the target's extension if missing.
    normalize : str
        ``auto``, ``clip`` or ``minmax``: how numbers become the gray of a picture.
    zoom : int
        How many pixels wide and high each cell of a picture is.
    colormap : str, optional
        A name in `poolcli.colors.COLORMAPS`.
    compress_level : int, optional
        0 to 9, for PNG.
    text : mapping of str to str
        What a PNG says of itself.
    """

    format: str | None = None
    normalize: str = "auto"
    zoom: int = 1
    colormap: str | None = None
    compress_level: int | None = None
    text: Mapping[str, str] | None = None

"""The file formats: bytes in, bytes out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolcli.errors import InputError, ShapeError, UsageError, in_our_words
from poolcli.featuremap import FeatureMap, perhaps_channels_last
from poolcli.formats.detect import detect
from poolcli.formats.foreign import HEAD
from poolcli.formats.light import to_levels, to_light
from poolcli.formats.missing import Missing, without_missing
from poolcli.formats.options import ANYWHERE, READ, WRITE, ReadOptions, WriteOptions
from poolcli.formats.registry import FORMATS, find_format, format_of_target
from poolcli.system.files import NO_INPUT, STDIN_NAME, put, read_source

if TYPE_CHECKING:
    from poolcli.arrays import Held


def decode(data: bytes, name: str, options: ReadOptions | None = None) -> FeatureMap:
    """Read a file that is in memory; `name` is for its extension and for messages."""
    options = options or ReadOptions()
    if not data or data.isspace():
        what = "is empty" if not data else "holds nothing but blanks"
        raise InputError(f"{name} {what}", NO_INPUT if name == STDIN_NAME else "give it at least one number")
    row = detect(data[:HEAD], name, options)
    return _completed(row.name, partial(row.read, data, name, options), options)


def decode_line(line: bytes, name: str, options: ReadOptions) -> FeatureMap:
    """Read one line of JSON Lines, whose number is in `name`."""
    from poolcli.formats import json_map

    return _completed("json", partial(json_map.read, line, name, options, in_line=True), options)


def _completed(name: str, reads: Callable[[], FeatureMap], options: ReadOptions) -> FeatureMap:
    """Read a file of the format with this name, then do what all formats share."""
    try:
        feature_map = reads()
    except ShapeError as problem:
        if options.layout:  # what does not fit is the user's option, not the file
            raise UsageError(problem.text, problem.advice) from None
        raise
    feature_map = without_missing(feature_map, Missing.of(options.missing).numbers, "as said")
    if options.linear_light:
        feature_map = to_light(feature_map)
    notes = (f"format {name}", *feature_map.notes)
    if not options.layout and not any(str(note).startswith("layout") for note in notes):
        notes += (f"layout {feature_map.layout} (by the number of axes)",)
        perhaps = perhaps_channels_last(feature_map.layout, feature_map.shape)
        feature_map = feature_map.with_(warnings=(*feature_map.warnings, *perhaps))
    return feature_map.with_(notes=notes)


def encode(feature_map: FeatureMap, options: WriteOptions) -> Iterable[bytes]:
    """Yield the bytes of a feature map in ``options.format``; everything is checked before the first byte."""
    if not options.format:
        raise UsageError("no output format is named", f"use one of {', '.join(FORMATS)}")
    if 0 in feature_map.spatial and options.format not in ("json", "npy"):
        shape = "x".join(map(str, feature_map.shape))
        raise ShapeError(f"{options.format} holds cells, but the result is {shape} and has none", ANYWHERE)
    return find_format(options.format, writing=True).write(to_levels(feature_map), options)


@in_our_words(READ, at_once=True)
def read(source: str | Path, **options: Any) -> FeatureMap:
    r"""Read a matrix, an array or a picture.

    Parameters
    ----------
    source : str or Path
        A path, or ``-`` for standard input.
    **options
        The attributes of `ReadOptions`, such as ``layout="NHWC"`` or ``channels="rgb"``.

    Returns
    -------
    FeatureMap
        The numbers as ``.values``, with what is known about them.

    Raises
    ------
    FileError
        If the file cannot be read.
    InputError
        If its content is invalid; the message names the place.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> folder = pathlib.Path(tempfile.mkdtemp())
    >>> _ = (folder / "tiny.csv").write_text("1,2\n3,4\n")
    >>> read(folder / "tiny.csv").values
    array([[1, 2],
           [3, 4]])
    """
    found = read_source(source)
    return decode(found.data, found.name, ReadOptions(**options))


@in_our_words(WRITE, at_once=True)
def write(feature_map: FeatureMap | Held, target: str | Path, **options: Any) -> None:
    """Write a feature map to a file, which is replaced as a whole or left as it was.

    Parameters
    ----------
    feature_map : FeatureMap, array_like or PIL.Image
        What to write; an array's layout follows from its number of axes, as in `FeatureMap.from_array`.
    target : str or Path
        A path, whose extension determines the format, or ``-`` for standard output.
    **options
        The attributes of `WriteOptions`, such as ``format="csv"`` or ``zoom=4``. Numbers that do not come from a
        picture file are stretched from black to white in one, unless ``normalize="clip"``; NaN is black.

    Raises
    ------
    UnknownNameError
        If the extension is unknown.
    ShapeError
        If the format cannot hold this shape.
    FileError
        If the file cannot be written.

    Examples
    --------
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "tiny.json"
    >>> write([[6, 9], [5, 8]], target)
    >>> print(target.read_text(), end="")
    {"shape":[2,2],"layout":"HW","dtype":"int64","data":[[6,9],[5,8]],"steps":[]}
    """
    from poolcli.formats.objects import feature_map_of

    chosen = WriteOptions(**options)
    if str(target) == "-" and not chosen.format:
        raise UsageError("standard output has no extension", 'name a format, such as format="json"')
    put(target, format_of_target(target, chosen.format).write(to_levels(feature_map_of(feature_map)), chosen))

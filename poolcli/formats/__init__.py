"""The formats: one row each, read from bytes and written to bytes.

The modules behind the rows are imported when they are used, so that listing the formats costs nothing.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolcli.errors import InputError, PluginError, ShapeError, UnknownNameError, UsageError
from poolcli.system.files import put, read_source

if TYPE_CHECKING:
    from poolcli.featuremap import FeatureMap


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


READ_BY = {"pictures_out": "pictures_in"}  # of a module that only writes: the one that reads


@dataclass(frozen=True)
class Format:
    """One row of the table.

    Attributes
    ----------
    name : str
        What ``--format`` and ``--input-format`` call it.
    extensions : tuple of str
        File name endings, the usual one first.
    summary : str
        One sentence.
    module : str
        The module with ``read(data, name, options, kind)`` and ``write(feature_map, options, kind)``: its full name,
        which has dots, or its name alone if it is in this package; what is read elsewhere is in `READ_BY`.
    reads, writes : bool
        What it can do.
    signature : bytes
        A regular expression for the first bytes of every such file; empty if there is no safe one. Only those in
        `FORMATS` are looked for: a format of another package is known by its name and extensions.
    """

    name: str
    extensions: tuple[str, ...]
    summary: str
    module: str = "pictures_out"
    reads: bool = True
    writes: bool = True
    signature: bytes = b""

    @property
    def home(self) -> Any:
        """The module that writes it, imported."""
        return _imported(self.module)

    def read(self, data: bytes, name: str, options: ReadOptions) -> FeatureMap:
        """Read bytes that are in this format."""
        feature_map: FeatureMap = _imported(READ_BY.get(self.module, self.module)).read(data, name, options, self.name)
        return feature_map

    def write(self, feature_map: FeatureMap, options: WriteOptions) -> Iterable[bytes]:
        """Give the bytes of a feature map in this format."""
        chunks: Iterable[bytes] = self.home.write(feature_map, options, self.name)
        return chunks

    def written_notes(self, feature_map: FeatureMap, options: WriteOptions) -> Iterable[str]:
        """Say what writing a feature map in this format chooses and loses, for ``-v``."""
        notes = getattr(self.home, "written_notes", None)
        return notes(feature_map, options, self.name) if notes else ()


def _imported(module: str) -> Any:
    return import_module(module if "." in module else f"{__name__}.{module}")


_ROWS = (
    Format("csv", (".csv",), "Numbers in lines with commas; semicolons, tabs and blanks are read too.", "delimited"),
    Format("tsv", (".tsv", ".tab"), "Numbers in lines, tabs between them.", "delimited"),
    Format("json", (".json",), "A nested list of any depth, or an object with data, layout and steps.", "json_map"),
    Format("npy", (".npy",), "NumPy's array file.", "npy", signature=rb"\x93NUMPY"),
    Format("png", (".png", ".apng"), "A picture without loss, 8 or 16 bits.", signature=rb"\x89PNG"),
    Format("jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), "A photograph, with loss.", signature=rb"\xff\xd8\xff"),
    Format("tiff", (".tif", ".tiff"), "A picture without loss, 8 or 16 bits.", signature=rb"II[*+]\0|MM\0[*+]"),
    Format("webp", (".webp",), "A picture for the web, written without loss.", signature=rb"RIFF....WEBP"),
    Format("gif", (".gif",), "A picture of 256 colours, perhaps moving.", signature=rb"GIF8[79]a"),
    Format("bmp", (".bmp",), "An uncompressed picture.", signature=rb"BM.{12}[\x0c\x10(48@l|]\0"),
    Format("dib", (".dib",), "An uncompressed picture without a file header."),
    Format("ppm", (".ppm", ".pgm", ".pnm"), "Netpbm, gray or colour, 8 or 16 bits.", signature=rb"P[1-6]\s+[0-9#]"),
    Format("pbm", (".pbm",), "Netpbm, black and white."),
    Format("pfm", (".pfm",), "Netpbm of 32-bit floats: the numbers themselves.", signature=rb"P[fF]\s+[0-9]"),
    Format("avif", (".avif",), "A photograph, with loss.", signature=rb"....ftypavi[fs]"),
    Format(
        "jpeg2000",
        (".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"),
        "A photograph.",
        signature=rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n",
    ),
    Format("blp", (".blp",), "Blizzard textures.", signature=rb"BLP[12].{0,3}\0"),
    Format("dds", (".dds",), "DirectDraw textures.", signature=rb"DDS \x7c\0"),
    Format("eps", (".eps", ".ps"), "Encapsulated PostScript, written only.", reads=False),
    Format("icns", (".icns",), "Apple icons.", writes=False, signature=rb"icns[\x00-\x08]"),
    Format("ico", (".ico",), "Windows icons.", signature=rb"\x00\x00\x01\x00[\x01-\xff]\x00"),
    Format("im", (".im",), "IFUNC pictures."),
    Format("mpo", (".mpo",), "Several JPEG pictures in one file."),
    Format("msp", (".msp",), "Microsoft Paint, black and white.", signature=rb"DanM|LinS"),
    Format("palm", (".palm",), "Palm pictures, written only.", reads=False),
    Format("pcx", (".pcx",), "ZSoft Paintbrush."),
    Format("pdf", (".pdf",), "A page with the picture, written only.", reads=False),
    Format("qoi", (".qoi",), "The quite OK picture format.", signature=rb"qoif\0"),
    Format(
        "sgi",
        (".sgi", ".rgb", ".rgba", ".bw"),
        "Silicon Graphics pictures.",
        signature=rb"\x01\xda[\x00\x01][\x01\x02]",
    ),
    Format("tga", (".tga", ".icb", ".vda", ".vst"), "Truevision Targa."),
    Format("xbm", (".xbm",), "X11 bitmaps, black and white.", signature=rb"#define [^\n]*_width"),
    Format("cur", (".cur",), "Windows cursors.", writes=False, signature=rb"\x00\x00\x02\x00[\x01-\xff]\x00"),
    Format("dcx", (".dcx",), "Several PCX pages.", writes=False, signature=rb"\xb1\x68\xde\x3a"),
    Format("fits", (".fits", ".fit"), "Astronomical pictures.", writes=False, signature=rb"SIMPLE  ="),
    Format("fli", (".fli", ".flc"), "Autodesk animations.", writes=False),
    Format("ftex", (".ftc", ".ftu"), "Independence War 2 textures.", writes=False, signature=rb"FTEX"),
    Format("gbr", (".gbr",), "GIMP brushes.", writes=False),
    Format("iptc", (".iim",), "IPTC/NAA pictures.", writes=False),
    Format("pcd", (".pcd",), "Kodak PhotoCD.", writes=False),
    Format("pixar", (".pxr",), "PIXAR pictures.", writes=False, signature=rb"\x80\xe8\0\0"),
    Format("psd", (".psd",), "Photoshop.", writes=False, signature=rb"8BPS\0"),
    Format("sun", (".ras",), "Sun raster files.", writes=False, signature=rb"\x59\xa6\x6a\x95"),
    Format("xpm", (".xpm",), "X11 pictures as text.", writes=False, signature=rb"/\* XPM \*/"),
)
FORMATS: Mapping[str, Format] = {row.name: row for row in _ROWS}
EXTENSIONS: Mapping[str, Format] = {extension: row for row in _ROWS for extension in row.extensions}
SIGNATURES = b"|".join(b"(?P<%s>%s)" % (row.name.encode(), row.signature) for row in _ROWS if row.signature)

EXPLAINED = (".html", ".htm", ".svg")  # what poolcli writes of the windows of a map, not of the map

# What people have at hand and poolcli does not read, with what they can do about it.
FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "compressed with gzip", "unpack it: gunzip -c {name} | poolcli pool"),
    (b"BZh", "compressed with bzip2", "unpack it: bunzip2 -c {name} | poolcli pool"),
    (b"\xfd7zXZ\0", "compressed with xz", "unpack it: xz -dc {name} | poolcli pool"),
    (b"\x28\xb5\x2f\xfd", "compressed with zstd", "unpack it: zstd -dc {name} | poolcli pool"),
    (b"PK\3\4", "a zip archive (.npz, .xlsx, .zip ...)", "save one array as .npy, or one sheet as .csv"),
    (b"\xd0\xcf\x11\xe0", "an old Office file", "save one sheet as .csv"),
    (b"PAR1", "a Parquet file", "save the numbers as .csv or .npy"),
    (b"\x89HDF", "an HDF5 file", "save one array as .npy"),
    (b"%!PS", "PostScript", "make it a picture first: gs -sDEVICE=png16m -o page.png {name}"),
    (b"%PDF", "a PDF", "save the page as a picture first"),
    (b"MATLAB 5.0", "a MATLAB file", "save one array as .csv"),
)
HEAD = 4096  # bytes that show what a file is
BOX = re.compile("^[ \t]*[\u2500-\u257f]|^[ \t]*\\+[-=+]+\\+[ \t]*$", re.MULTILINE)
UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # its byte order marks
BEFORE_TEXT = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"  # byte order marks, the other halves of UTF-16, blanks


def _of_a_package(name: str) -> Format | None:
    """Return the format that an installed package has for a name or an extension without its dot."""
    from poolcli.system import plugins

    row = plugins.find("format", name, Format)
    if row is not None and row.name in FORMATS:  # to be written it would be looked up by its name
        raise PluginError(f"a package's format for {name!r} calls itself {row.name}, as one of poolcli's does")
    return row


def format_of_name(path: str | Path) -> Format | None:
    """Return the format that the extension of a file's name means, or None.

    Examples
    --------
    >>> format_of_name("photo.JPG").name
    'jpeg'
    """
    extension = Path(path).suffix.lower()
    return EXTENSIONS.get(extension) or (_of_a_package(extension[1:]) if extension[1:] else None)


def find_format(name: str, *, writing: bool = False, also: Sequence[str] = ()) -> Format:
    """Return the format of that name.

    Parameters
    ----------
    name : str
        A name or an extension.
    writing : bool
        Whether it is to be written, not read.
    also : sequence of str
        What else the caller knows, to be suggested with the formats.

    Raises
    ------
    UnknownNameError
        If there is none that can do it.
    """
    name = name.lower()
    row = FORMATS.get(name) or EXTENSIONS.get(f".{name}") or _of_a_package(name)
    able = [row.name for row in _ROWS if (row.writes if writing else row.reads)]
    if row is None:
        from poolcli.system import plugins

        raise UnknownNameError("format", name, [*also, *able, *plugins.names("format")])
    if not (row.writes if writing else row.reads):
        can, cannot = ("read", "written") if writing else ("written", "read")
        raise UsageError(f"the format {row.name} can be {can}, but not {cannot}", f"use one of {', '.join(able)}")
    return row


def format_of_target(target: str | Path, name: str | None = None, also: Sequence[str] = ()) -> Format:
    """Return the format to write a target in: the one named, or else the one of its extension.

    `also` is as in `find_format`.

    Raises
    ------
    UnknownNameError
        If the extension is unknown, with those that are known.

    Examples
    --------
    >>> format_of_target("pooled.png").name
    'png'
    """
    if name:
        return find_format(name, writing=True, also=also)
    extension = Path(target).suffix.lower()
    row = format_of_name(target)
    if row is not None:
        return find_format(row.name, writing=True)
    known = ", ".join(row.extensions[0] for row in _ROWS if row.writes)
    if extension in ("", "."):
        raise UsageError(
            f"{target} has no extension that says in what format to write it", f"add one of {known}, or --format csv"
        )
    problem = UnknownNameError("extension", extension, known.split(", "))
    if extension in EXPLAINED:
        problem.hint = f"poolcli explain -o {shlex.quote(str(target))} INPUT"
        raise problem
    suggestion = f"{problem.hint} " if "known:" not in (problem.hint or "") else ""
    problem.hint = f"{suggestion}known: {known}; or add --format csv"
    raise problem


def detect(head: bytes, name: str, options: ReadOptions) -> Format:
    """Find out in what format data are: by the option, a binary signature, the extension, then the text itself.

    Parameters
    ----------
    head : bytes
        The first bytes, all of them if there are few.
    name : str
        The file's name, for its extension and for messages.
    options : ReadOptions
        ``input_format`` settles it.

    Raises
    ------
    UnknownNameError
        If the named format is unknown.
    InputError
        If the data are a table drawn for people, or in a format that poolcli does not read.
    """
    if options.input_format:
        return find_format(options.input_format)
    if (found := re.match(SIGNATURES, head, re.DOTALL)) and found.lastgroup:
        return FORMATS[found.lastgroup]
    row = format_of_name(name)
    if row is not None and row.reads and row.name not in FORMATS:  # of a package, which knows its own files best
        return row
    for mark, what, hint in FOREIGN:
        if head.startswith(mark):
            raise InputError(f"{name} is {what}", hint.format(name=name))
    if row is not None and row.module == "pictures_out" and row.reads:
        return row
    return _detect_text(head, name, row)


def _detect_text(head: bytes, name: str, by_extension: Format | None) -> Format:
    if BOX.search(head.decode(errors="replace")):
        raise InputError(
            f"{name}: this is a table drawn for people, not data", "add --json to the command that made it"
        )
    if by_extension is not None and by_extension.reads:
        return by_extension
    if b"\0" in head and not head.startswith(UTF_16):
        return FORMATS["png"]  # no text: Pillow knows pictures that have no signature here
    return FORMATS["json" if head.lstrip(BEFORE_TEXT).startswith((b"[", b"{")) else "csv"]


def decode(data: bytes, name: str, options: ReadOptions | None = None) -> FeatureMap:
    """Read data that are in memory.

    Parameters
    ----------
    data : bytes
        All of the file.
    name : str
        Its name, for the extension and for messages.
    options : ReadOptions, optional
        What is known of it.

    Raises
    ------
    PoolcliError
        If the data are not what they should be.
    """
    options = options or ReadOptions()
    if not data or data.isspace():
        what = "is empty" if not data else "holds nothing but blanks"
        raise InputError(f"{name} {what}", "give it at least one number")
    row = detect(data[:HEAD], name, options)
    try:
        feature_map = row.read(data, name, options)
    except ShapeError as problem:
        if options.layout:  # what the user said, not what the file says, is what does not fit
            raise UsageError(problem.message, problem.hint) from None
        raise
    notes = (f"format {row.name}", *feature_map.notes)
    if not options.layout and not any(note.startswith("layout") for note in notes):
        notes += (f"layout {feature_map.layout} (by the number of axes)",)
    return feature_map.with_(notes=notes)


def encode(feature_map: FeatureMap, options: WriteOptions) -> Iterable[bytes]:
    """Give the bytes of a feature map in ``options.format``; everything is checked before the first of them comes."""
    if not options.format:
        raise UsageError("no output format is named", f"use one of {', '.join(FORMATS)}")
    return find_format(options.format, writing=True).write(feature_map, options)


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
        The numbers as ``.values``, with what is known of them.

    Raises
    ------
    FileError
        If the file cannot be read.
    InputError
        If its content is not what it should be, with the place.

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


def write(feature_map: FeatureMap, target: str | Path, **options: Any) -> None:
    """Write a feature map to a file, which is replaced whole or left as it was.

    Parameters
    ----------
    feature_map : FeatureMap
        What to write.
    target : str or Path
        A path, whose extension says the format, or ``-`` for standard output.
    **options
        The attributes of `WriteOptions`, such as ``format="csv"`` or ``zoom=4``.

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
    >>> import numpy as np
    >>> from poolcli.featuremap import FeatureMap
    >>> import tempfile, pathlib
    >>> target = pathlib.Path(tempfile.mkdtemp()) / "tiny.json"
    >>> write(FeatureMap.from_array(np.array([[6, 9], [5, 8]])), target)
    >>> print(target.read_text(), end="")
    {"shape":[2,2],"layout":"HW","dtype":"int64","data":[[6,9],[5,8]],"steps":[]}
    """
    chosen = WriteOptions(**options)
    if str(target) == "-" and not chosen.format:
        raise UsageError("standard output has no extension", 'name a format, such as format="json"')
    put(target, format_of_target(target, chosen.format).write(feature_map, chosen))

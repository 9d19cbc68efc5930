"""The table of formats: one row each.

The modules behind the rows are imported when they are used, so that listing the formats costs nothing.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from poolcli.errors import PluginError, UnknownNameError, UsageError
from poolcli.formats.options import ReadOptions, WriteOptions

if TYPE_CHECKING:
    from poolcli.featuremap import FeatureMap


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
    return import_module(module if "." in module else f"poolcli.formats.{module}")


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
        problem.advice = f"poolcli explain -o {shlex.quote(str(target))} INPUT"
        raise problem
    suggestion = f"{problem.hint} " if "known:" not in (problem.hint or "") else ""
    problem.advice = f"{suggestion}known: {known}; or add --format csv"
    raise problem

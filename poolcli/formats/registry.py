"""The table of formats: one row each, an instance of the class that reads and writes its family.

The code that reads and writes needs numpy, so it is imported when it is used: listing the formats costs nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from poolcli.errors import PluginError, UnknownNameError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.formats.options import Account, ReadOptions, WriteOptions
from poolcli.system import plugins
from poolcli.system.files import Guard, opened
from poolcli.wording import Instead, Phrase, many

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from poolcli.formats.delimited import Bands


@dataclass(frozen=True)
class Format:
    """A format: a row of the table. A subclass with `read` and `write` is a family of formats."""

    name: str  # for ``format`` and ``input_format``
    extensions: tuple[str, ...]  # of file names, the usual one first
    summary: str  # one sentence
    reads: bool = True  # whether it can be read
    writes: bool = True  # whether it can be written
    # a regular expression for the first bytes of every such file; empty if there is no safe one. Only those in
    # `FORMATS` are searched: another package's format is recognised by its name and extensions
    signature: bytes = b""

    picture: ClassVar[bool] = False  # whether it holds pixels, not numbers
    heeds: ClassVar[Sequence[str] | None] = None  # the ReadOptions it uses of those that not all formats do; None: all

    def read(self, data: bytes, name: str, options: ReadOptions) -> FeatureMap:
        """Read bytes in this format; `name` is for messages."""
        raise _unable(self, writing=False)

    def write(self, feature_map: FeatureMap, options: WriteOptions) -> Iterable[bytes]:
        """Yield the bytes of a feature map in this format; everything is checked before the first byte."""
        raise _unable(self, writing=True)

    def account(self, feature_map: FeatureMap, options: WriteOptions) -> Account:
        """Say what a file in this format holds of a feature map, and what is lost."""
        return Account(f"{'x'.join(map(str, feature_map.shape))} {feature_map.values.dtype}")

    def open_bands(self, path: str | Path, options: ReadOptions) -> Bands | None:
        """Return the rows of a file in bands, or None if it has to be read whole."""
        return None


class Banded(Format):
    """A format whose files may be larger than memory, because it is written row by row."""

    def head(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
        """Return the bytes before the first row."""
        return b""

    def rows(self, band: NDArray[Any]) -> Iterable[bytes]:
        """Yield the bytes of rows, a matrix."""
        raise NotImplementedError

    def holds(self, shape: Sequence[int], dtype: np.dtype[Any]) -> str:
        """Say what a file with an array of this shape and type holds."""
        return f"{'x'.join(map(str, shape))} {dtype}"

    @contextmanager
    def band_writer(
        self, target: str | Path, shape: Sequence[int], dtype: np.dtype[Any], guard: Guard = nullcontext
    ) -> Iterator[Callable[[NDArray[Any]], None]]:
        """Open a target for bands of rows; it is replaced after the last band, or not at all.

        `shape` is that of all bands together, which ``.npy`` needs at the start. Call the function that this yields
        with each band in turn, (rows, W).
        """
        written = 0
        with opened(target, guard) as sink:
            sink.write(self.head(tuple(shape), dtype))

            def write(band: NDArray[Any]) -> None:
                nonlocal written
                written += band.size
                for text in self.rows(band):
                    sink.write(text)

            yield write
            if written != math.prod(shape):  # inside the with block, so that the target is not replaced
                raise RuntimeError(f"{written} numbers were written where {math.prod(shape)} were promised")


@dataclass(frozen=True)
class Delimited(Banded):
    """Lines of numbers."""

    between: bytes = b","  # separates numbers that are written
    heeds = ("skip", "columns", "delimiter", "decimal", "header")

    def read(self, data: bytes, name: str, options: ReadOptions) -> FeatureMap:
        """Read a table."""
        from poolcli.formats import delimited

        return delimited.read(data, name, options, self.name)

    def write(self, feature_map: FeatureMap, options: WriteOptions) -> Iterable[bytes]:
        """Write one plane, or one line."""
        from poolcli.formats import delimited

        return delimited.band_bytes(delimited.matrix_of(feature_map, self.name), self.between)

    def account(self, feature_map: FeatureMap, options: WriteOptions) -> Account:
        """Count rows and columns."""
        from poolcli.formats import delimited

        return Account(self.holds(delimited.matrix_of(feature_map, self.name).shape, feature_map.values.dtype))

    def holds(self, shape: Sequence[int], dtype: np.dtype[Any]) -> str:
        """Count rows and columns."""
        return f"{many(math.prod(shape[:-1]), 'row')} x {many(shape[-1], 'column')}"

    def open_bands(self, path: str | Path, options: ReadOptions) -> Bands | None:
        """Return a file's rows in bands, after a first pass through it."""
        from poolcli.formats import delimited

        return delimited.open_bands(path, options, self.name)

    def rows(self, band: NDArray[Any]) -> Iterable[bytes]:
        """Write rows as lines."""
        from poolcli.formats import delimited

        return delimited.band_bytes(band, self.between)


class Json(Format):
    """JSON between steps."""

    heeds = ()

    def read(self, data: bytes, name: str, options: ReadOptions) -> FeatureMap:
        """Read one document."""
        from poolcli.formats import json_map

        return json_map.read(data, name, options)

    def write(self, feature_map: FeatureMap, options: WriteOptions) -> Iterable[bytes]:
        """Write the object."""
        from poolcli.formats import json_map

        return json_map.write(feature_map)


class Npy(Banded):
    """NumPy's array files."""

    heeds = ()

    def read(self, data: bytes, name: str, options: ReadOptions) -> FeatureMap:
        """Read an array."""
        from poolcli.formats import npy

        return npy.read(data, name, options)

    def write(self, feature_map: FeatureMap, options: WriteOptions) -> Iterable[bytes]:
        """Write the array in the layout's order."""
        return (self.head(feature_map.shape, feature_map.values.dtype), *self.rows(feature_map.array))

    def head(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
        """Return a header."""
        from poolcli.formats import npy

        return npy.header(shape, dtype)

    def rows(self, band: NDArray[Any]) -> Iterable[bytes]:
        """Return the bytes of a band."""
        from poolcli.formats import npy

        return (npy.raw(band),)


class Npz(Format):
    """Several of NumPy's arrays in one file."""

    heeds = ("array",)

    def read(self, data: bytes, name: str, options: ReadOptions) -> FeatureMap:
        """Read one of the arrays."""
        from poolcli.formats import npy

        return npy.read_one_of(data, name, options)


class AsciiGrid(Format):
    """Maps with a position on Earth."""

    heeds = ()

    def read(self, data: bytes, name: str, options: ReadOptions) -> FeatureMap:
        """Read a grid."""
        from poolcli.formats import grid

        return grid.read(data, name, options)

    def write(self, feature_map: FeatureMap, options: WriteOptions) -> Iterable[bytes]:
        """Write a grid."""
        from poolcli.formats import grid

        return grid.write(feature_map)

    def account(self, feature_map: FeatureMap, options: WriteOptions) -> Account:
        """Count cells."""
        return Account(f"{'x'.join(map(str, feature_map.shape))} cells")


class Picture(Format):
    """Pictures that Pillow reads and writes."""

    picture = True
    heeds = ("channels", "frame", "linear_light")

    def read(self, data: bytes, name: str, options: ReadOptions) -> FeatureMap:
        """Read one picture."""
        from poolcli.formats import pictures_in  # takes 2 ms to import, 10 from a cold disk

        return pictures_in.read(data, name, options, self.name)

    def write(self, feature_map: FeatureMap, options: WriteOptions) -> Iterable[bytes]:
        """Write one plane, or three channels."""
        from poolcli.formats import pictures_out

        return pictures_out.write(feature_map, options, self.name)

    def account(self, feature_map: FeatureMap, options: WriteOptions) -> Account:
        """Say how numbers become pixels."""
        from poolcli.formats import pictures_out

        return pictures_out.account(feature_map, options, self.name)


_ROWS = (
    Delimited("csv", (".csv",), "Comma-separated numbers; semicolons, tabs and blanks are read too."),
    Delimited("tsv", (".tsv", ".tab"), "Tab-separated numbers.", between=b"\t"),
    Json(
        "json", (".json", ".jsonl", ".ndjson"), "A nested list of any depth, or an object with data, layout and steps."
    ),
    Npy("npy", (".npy",), "NumPy's array file.", signature=rb"\x93NUMPY"),
    Picture("png", (".png", ".apng"), "A lossless picture, 8 or 16 bits.", signature=rb"\x89PNG"),
    Picture("jpeg", (".jpg", ".jpeg", ".jpe", ".jfif"), "A lossy photograph.", signature=rb"\xff\xd8\xff"),
    Picture("tiff", (".tif", ".tiff"), "A lossless picture, 8 or 16 bits.", signature=rb"II[*+]\0|MM\0[*+]"),
    Delimited("txt", (".txt",), "Numbers separated by blanks.", between=b" "),
    Npz("npz", (".npz",), "Several NumPy arrays.", writes=False, signature=rb"PK\x03\x04.{26}[^\0]{1,99}?\.npy"),
    AsciiGrid("asc", (".asc",), "An ESRI grid of heights and the like.", signature=rb"(?i:ncols[ \t]+[0-9])"),
    Picture("webp", (".webp",), "A picture for the web, written losslessly.", signature=rb"RIFF....WEBP"),
    Picture("gif", (".gif",), "A picture of 256 colours, possibly animated.", signature=rb"GIF8[79]a"),
    Picture("bmp", (".bmp",), "An uncompressed picture.", signature=rb"BM.{12}[\x0c\x10(48@l|]\0"),
    Picture("dib", (".dib",), "An uncompressed picture without a file header."),
    Picture("ppm", (".ppm", ".pgm", ".pnm"), "Netpbm, gray or colour, 8 or 16 bits.", signature=rb"P[1-6]\s+[0-9#]"),
    Picture("pbm", (".pbm",), "Netpbm, black and white."),
    Picture("pfm", (".pfm",), "Netpbm of 32-bit floats: the numbers themselves.", signature=rb"P[fF]\s+[0-9]"),
    Picture("avif", (".avif",), "A lossy photograph.", signature=rb"....ftypavi[fs]"),
    Picture(
        "jpeg2000",
        (".jp2", ".j2k", ".jpc", ".jpf", ".jpx", ".j2c"),
        "A photograph.",
        signature=rb"\xff\x4f\xff\x51|\0\0\0\x0cjP  \r\n\x87\n",
    ),
    Picture("blp", (".blp",), "Blizzard textures.", signature=rb"BLP[12].{0,3}\0"),
    Picture("dds", (".dds",), "DirectDraw textures.", signature=rb"DDS \x7c\0"),
    Picture("eps", (".eps", ".ps"), "Encapsulated PostScript, written only.", reads=False),
    Picture("icns", (".icns",), "Apple icons.", writes=False, signature=rb"icns[\x00-\x08]"),
    Picture("ico", (".ico",), "Windows icons.", signature=rb"\x00\x00\x01\x00[\x01-\xff]\x00"),
    Picture("im", (".im",), "IFUNC pictures."),
    Picture("mpo", (".mpo",), "Several JPEG pictures in one file."),
    Picture("msp", (".msp",), "Microsoft Paint, black and white.", signature=rb"DanM|LinS"),
    Picture("palm", (".palm",), "Palm pictures, written only.", reads=False),
    Picture("pcx", (".pcx",), "ZSoft Paintbrush."),
    Picture("pdf", (".pdf",), "A page with the picture, written only.", reads=False),
    Picture("qoi", (".qoi",), "Quite OK Image.", signature=rb"qoif\0"),
    Picture(
        "sgi",
        (".sgi", ".rgb", ".rgba", ".bw"),
        "Silicon Graphics pictures.",
        signature=rb"\x01\xda[\x00\x01][\x01\x02]",
    ),
    Picture("tga", (".tga", ".icb", ".vda", ".vst"), "Truevision Targa."),
    Picture("xbm", (".xbm",), "X11 bitmaps, black and white.", signature=rb"#define [^\n]*_width"),
    Picture("cur", (".cur",), "Windows cursors.", writes=False, signature=rb"\x00\x00\x02\x00[\x01-\xff]\x00"),
    Picture("dcx", (".dcx",), "Several PCX pages.", writes=False, signature=rb"\xb1\x68\xde\x3a"),
    Picture("fits", (".fits", ".fit"), "Astronomical pictures.", writes=False, signature=rb"SIMPLE  ="),
    Picture("fli", (".fli", ".flc"), "Autodesk animations.", writes=False),
    Picture("ftex", (".ftc", ".ftu"), "Independence War 2 textures.", writes=False, signature=rb"FTEX"),
    Picture("gbr", (".gbr",), "GIMP brushes.", writes=False),
    Picture("iptc", (".iim",), "IPTC/NAA pictures.", writes=False),
    Picture("pcd", (".pcd",), "Kodak PhotoCD.", writes=False),
    Picture("pixar", (".pxr",), "PIXAR pictures.", writes=False, signature=rb"\x80\xe8\0\0"),
    Picture("psd", (".psd",), "Photoshop.", writes=False, signature=rb"8BPS\0"),
    Picture("sun", (".ras",), "Sun raster files.", writes=False, signature=rb"\x59\xa6\x6a\x95"),
    Picture("xpm", (".xpm",), "X11 pictures as text.", writes=False, signature=rb"/\* XPM \*/"),
)
FORMATS: Mapping[str, Format] = {row.name: row for row in _ROWS}
BANDED: Mapping[str, Banded] = {row.name: row for row in _ROWS if isinstance(row, Banded)}
EXTENSIONS: Mapping[str, Format] = {extension: row for row in _ROWS for extension in row.extensions}
SIGNATURES = b"|".join(b"(?P<%s>%s)" % (row.name.encode(), row.signature) for row in _ROWS if row.signature)
LISTED_FORMATS = 9  # formats to name where all would be too many
EXPLAINED = (".html", ".htm", ".svg")  # poolcli writes the windows of a map as these, not the map


def _of_a_package(name: str) -> Format | None:
    """Return an installed package's format for a name, or for an extension without its dot."""
    row = plugins.find_plugin("format", name, Format)
    if row is not None and row.name in FORMATS:  # writing would look it up by its name
        raise PluginError(
            f"a package's format for {name!r} is called {row.name}, like one of poolcli's",
            "uninstall the package, or rename its format",
        )
    return row


def format_of_name(path: str | Path) -> Format | None:
    """Return the format for the extension of a file's name, or None.

    Examples
    --------
    >>> format_of_name("photo.JPG").name
    'jpeg'
    """
    extension = Path(path).suffix.lower()
    return EXTENSIONS.get(extension) or (_of_a_package(extension[1:]) if extension[1:] else None)


def find_format(name: str, *, writing: bool = False, also: Sequence[str] = ()) -> Format:
    """Return the format with this name if it can be read, or written.

    `also` are other names to suggest, which the caller knows.
    """
    name = name.lower()
    row = FORMATS.get(name) or EXTENSIONS.get(f".{name}") or _of_a_package(name)
    if row is None:
        own = [*also, *_able(writing=writing)]
        others = plugins.names("format")
        common = f"known: {', '.join([*own[:LISTED_FORMATS], *others])} and {len(own) - LISTED_FORMATS} more"
        raise UnknownNameError("format", name, [*own, *others], otherwise=common)
    if not (row.writes if writing else row.reads):
        raise _unable(row, writing=writing)
    return row


def _able(*, writing: bool) -> list[str]:
    return [row.name for row in _ROWS if (row.writes if writing else row.reads)]


def _unable(row: Format, *, writing: bool) -> UsageError:
    can, cannot = ("read", "written") if writing else ("written", "read")
    able = ", ".join(_able(writing=writing))
    return UsageError(f"the format {row.name} can be {can}, but not {cannot}", f"use one of {able}")


def format_of_target(target: str | Path, name: str | None = None, also: Sequence[str] = ()) -> Format:
    """Return the format for writing a target: the named one, or else the one for its extension.

    `also` is as in `find_format`.

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
            f"{target} has no extension to choose the format by",
            Phrase("add one of {0}, or {format}", known, format="csv"),
        )
    problem = UnknownNameError("extension", extension, known.split(", "))
    if extension in EXPLAINED:
        problem.advice = Phrase("{call}", call=Instead("explain", output=str(target)))
        raise problem
    suggestion = f"{problem.hint} " if "known:" not in (problem.hint or "") else ""
    problem.advice = Phrase("{0}known: {1}; or add {format}", suggestion, known, format="csv")
    raise problem

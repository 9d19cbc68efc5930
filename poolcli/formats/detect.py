"""In what format data are."""

from __future__ import annotations

import re

from poolcli.errors import InputError
from poolcli.formats.options import ReadOptions
from poolcli.formats.registry import FORMATS, SIGNATURES, Format, find_format, format_of_name
from poolcli.system.files import piped
from poolcli.wording import Phrase, Typed

# What people have at hand and poolcli does not read, with the program that unpacks it, or what else they can do.
PACKED: tuple[tuple[bytes, str, str], ...] = (
    (b"\x1f\x8b", "gzip", "gunzip -c"),
    (b"BZh", "bzip2", "bunzip2 -c"),
    (b"\xfd7zXZ\0", "xz", "xz -dc"),
    (b"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"),
)
FOREIGN: tuple[tuple[bytes, str, str], ...] = (
    (
        b"PK\3\4",
        "a zip archive or a spreadsheet (.xlsx, .ods, .zip ...)",
        "unpack it, or save one sheet as .csv: soffice --convert-to csv {name}",
    ),
    (b"\xd0\xcf\x11\xe0", "an old Office file", "save one sheet as .csv"),
    (b"PAR1", "a Parquet file", "save the numbers as .csv or .npy"),
    (b"\x89HDF", "an HDF5 file", "save one array as .npy"),
    (b"%!PS", "PostScript", "make it a picture first: gs -sDEVICE=png16m -o page.png {name}"),
    (b"%PDF", "a PDF", "save the page as a picture first"),
    (b"MATLAB 5.0", "a MATLAB file", "save one array as .csv"),
)

# The same by a regular expression.
FOREIGN_PATTERNS: tuple[tuple[bytes, str, str], ...] = (
    (b"CDF", "NetCDF", "save one variable as .npy: xarray.open_dataset({quoted})['name'].values"),
    (b"RIFF....WAVE", "a WAV sound", "save its samples as .npy: scipy.io.wavfile.read({quoted})[1]"),
    (b"....ftyp(?:heic|heix|hevc|heim|heis|mif1|msf1)", "HEIC", "make it a PNG first: heif-convert {name} picture.png"),
    (rb"\s*(?:<!DOCTYPE html|<html)", "HTML", "save the table in it as .csv: pandas.read_html({quoted})[0]"),
    (rb"\s*<\?xml", "XML", "save the numbers as .csv or .json"),
    (
        b"\\x08[\\x01-\\x0c]\\x12.{0,40}(?:pytorch|onnx|keras|tf2onnx|skl2onnx)",
        "an ONNX model",
        "list its pooling layers: poolcli layers {name}",
    ),
)

ANY_TEXT = "txt"  # whose extension says no more than that it is text
HEAD = 4096  # bytes that show what a file is


BOX = re.compile("^[ \t]*[\u2500-\u257f]|^[ \t]*\\+[-=+]+\\+[ \t]*$", re.MULTILINE)


UTF_16 = (b"\xff\xfe", b"\xfe\xff")  # its byte order marks


BEFORE_TEXT = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"  # byte order marks, the other halves of UTF-16, blanks


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
    _refuse_foreign(head, name)
    if row is not None and row.picture and row.reads:
        return row
    return _detect_text(head, name, row)


def _refuse_foreign(head: bytes, name: str) -> None:
    """Name what is known not to be read, and say what can be done."""
    for mark, packer, program in PACKED:
        if head.startswith(mark):
            raise InputError(f"{name} is compressed with {packer}", piped(program, name, "unpack it: {pipe}"))
    for mark, what, hint in FOREIGN:
        if head.startswith(mark):
            raise InputError(f"{name} is {what}", hint.format(name=name))
    for pattern, what, hint in FOREIGN_PATTERNS:
        if re.match(pattern, head, re.DOTALL | re.IGNORECASE):
            raise InputError(f"{name} is {what}", hint.format(name=name, quoted=repr(name)))


def _detect_text(head: bytes, name: str, by_extension: Format | None) -> Format:
    if BOX.search(head.decode(errors="replace")):
        raise InputError(
            f"{name}: this is a table drawn for people, not data",
            Phrase("{way}", way=Typed(Phrase("add {json} to the command that made it"), "write the numbers as JSON")),
        )
    if by_extension is not None and by_extension.reads and by_extension.name != ANY_TEXT:
        return by_extension
    if b"\0" in head and not head.startswith(UTF_16):
        return FORMATS["png"]  # no text: Pillow knows pictures that have no signature here
    return FORMATS["json" if head.lstrip(BEFORE_TEXT).startswith((b"[", b"{")) else "csv"]

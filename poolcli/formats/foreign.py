"""Files that poolcli does not read: what each is, and the command that turns it into one that it reads."""

from __future__ import annotations

import re
from pathlib import PurePath
from typing import NamedTuple

from poolcli.errors import InputError
from poolcli.system.files import STDIN_NAME, free_name, piped
from poolcli.system.portable import shell_word

# Compressed files: the first bytes, the name, and the program that unpacks them.
PACKED: tuple[tuple[bytes, str, str], ...] = (
    (rb"\x1f\x8b", "gzip", "gunzip -c"),
    (rb"BZh", "bzip2", "bunzip2 -c"),
    (rb"\xfd7zXZ\0", "xz", "xz -dc"),
    (rb"\x28\xb5\x2f\xfd", "zstd", "zstd -dc"),
)


class Foreign(NamedTuple):
    """A kind of file."""

    start: bytes  # a regular expression for its first bytes
    what: str
    # what to do; {name} is the file, {run} the command that runs `code`, {needs} what that needs, and {png}, {csv} and
    # {folder} are names that are not taken
    advice: str
    code: str = ""  # Python that turns {name} into {npy} or {csv}
    needs: str = ""  # the packages for `code`, as pip names them; empty if its imports are these


NUMPY = "save its numbers as .npy, after pip install {needs}: {run}"
ONE_OF_SEVERAL = "save one of its arrays as .npy, with its name for NAME, after pip install {needs}: {run}"
TABLE = "save it as .csv, after pip install {needs}: {run}"
LABELLED = rb"[-+]?[0-9.]+(?: +[0-9]+:[-+0-9.eE]+)+ *\r?(?:#|\n|$)"  # 1 3:0.5 7:1
SHEET = "save a sheet as .csv with LibreOffice: soffice --convert-to csv --outdir {folder} {name}"
FOREIGN_KINDS: tuple[Foreign, ...] = (
    Foreign(
        rb"PK\x03\x04.{26}(?:\[Content_Types\]\.xml|_rels/|docProps/|xl/)",
        "an Office spreadsheet or document",
        SHEET,
    ),
    Foreign(rb"PK\x03\x04.{26}mimetype.{0,20}application/vnd\.oasis", "a LibreOffice spreadsheet or document", SHEET),
    Foreign(
        rb"PK\x03\x04.{26}[^\x00]{0,99}?(?:data\.pkl|metadata\.json|config\.json|archive_format)",
        "a model",
        "list its pooling layers: poolcli layers {name}",
    ),
    Foreign(rb"PK\x03\x04", "a zip archive", "unpack it with unzip: unzip -d {folder} {name}"),
    Foreign(rb"7z\xbc\xaf\x27\x1c", "a 7z archive", "unpack it with 7-Zip: 7z x -o{folder} {name}"),
    Foreign(rb".{257}ustar", "a tar archive", "unpack it with tar: mkdir {folder}; tar xf {name} -C {folder}"),
    Foreign(rb"\xd0\xcf\x11\xe0", "an old Office file", SHEET),
    Foreign(
        rb"PAR1",
        "a Parquet file",
        TABLE,
        "import pandas; pandas.read_parquet({name}).to_csv({csv}, index=False)",
        "pandas pyarrow",
    ),
    Foreign(
        rb"ARROW1",
        "a Feather file",
        TABLE,
        "import pandas; pandas.read_feather({name}).to_csv({csv}, index=False)",
        "pandas pyarrow",
    ),
    Foreign(
        rb"\x89HDF",
        "an HDF5 or NetCDF-4 file",
        ONE_OF_SEVERAL,
        'import h5py, numpy; numpy.save({npy}, h5py.File({name})["NAME"][()])',
    ),
    Foreign(
        rb"CDF[\x01\x02\x05]",
        "a NetCDF file",
        ONE_OF_SEVERAL,
        'import numpy, scipy.io; numpy.save({npy}, scipy.io.netcdf_file({name}, mmap=False).variables["NAME"].data)',
    ),
    Foreign(
        rb"MATLAB 5\.0",
        "a MATLAB file",
        ONE_OF_SEVERAL,
        'import numpy, scipy.io; numpy.save({npy}, scipy.io.loadmat({name})["NAME"])',
    ),
    Foreign(
        rb"MATLAB 7\.",
        "a MATLAB file in HDF5",
        ONE_OF_SEVERAL,
        'import h5py, numpy; numpy.save({npy}, h5py.File({name})["NAME"][()].T)',
    ),
    Foreign(
        rb"Octave-1-[LB]",
        "a binary file of Octave",
        "save one of its arrays as text in Octave, with its name instead of NAME: load {name}; save -text {csv} NAME",
    ),
    Foreign(
        rb"(?i:(?:%[^\n]*\n|\s)*@relation\s)",
        "an ARFF file",
        "save its numbers as .csv, after pip install {needs}: {run}",
        "import pandas, scipy.io.arff; "
        'pandas.DataFrame(scipy.io.arff.loadarff({name})[0]).select_dtypes("number").to_csv({csv}, index=False)',
    ),
    Foreign(
        LABELLED,
        "a LIBSVM file",
        NUMPY,
        "import numpy, sklearn.datasets; numpy.save({npy}, sklearn.datasets.load_svmlight_file({name})[0].toarray())",
        "scikit-learn",
    ),
    Foreign(
        rb"GRIB",
        "a GRIB file",
        ONE_OF_SEVERAL,
        'import numpy, xarray; numpy.save({npy}, xarray.open_dataset({name}, engine="cfgrib")["NAME"])',
        "xarray cfgrib",
    ),
    Foreign(
        rb".{344}(?:n\+1|ni1)\x00",
        "a NIfTI volume",
        NUMPY,
        "import nibabel, numpy; numpy.save({npy}, nibabel.load({name}).get_fdata())",
    ),
    Foreign(
        rb".{128}DICM",
        "a DICOM picture",
        NUMPY,
        "import numpy, pydicom; numpy.save({npy}, pydicom.dcmread({name}).pixel_array)",
        "pydicom numpy",
    ),
    Foreign(
        rb"RIFF....WAVE",
        "a WAV sound",
        NUMPY,
        "import numpy, scipy.io.wavfile; numpy.save({npy}, scipy.io.wavfile.read({name})[1])",
    ),
    Foreign(
        rb"\x80[\x02-\x05](?:\x95.{8})?[\]}(cK]", "a Python pickle", "save it as .npy where it was made: numpy.save"
    ),
    Foreign(
        rb"....ftyp(?:heic|heix|hevc|heim|heis|mif1|msf1)",
        "a HEIC picture",
        "convert it to PNG first with libheif: heif-convert {name} {png}",
    ),
    Foreign(
        rb"....ftyp(?!avi[fs])|\x1aE\xdf\xa3|RIFF....AVI ",
        "a video",
        "convert it to pictures first with FFmpeg: mkdir {folder}; ffmpeg -i {name} {folder}/%04d.png",
    ),
    Foreign(
        rb"%!PS", "PostScript", "convert it to a picture first with Ghostscript: gs -sDEVICE=png16m -o {png} {name}"
    ),
    Foreign(
        rb"%PDF",
        "a PDF",
        "convert its pages to pictures first with Poppler: mkdir {folder}; pdftoppm -png {name} {folder}/page",
    ),
    Foreign(
        rb"SQLite format 3\x00",
        "an SQLite database",
        "save a table as .csv with SQLite: sqlite3 -csv {name} 'select * from NAME' > {csv}",
    ),
    Foreign(
        rb"(?i:\s*(?:<!DOCTYPE html|<html|<table|<head|<body))",
        "HTML",
        "save the table in it as .csv, after pip install {needs}: {run}",
        "import pandas; pandas.read_html({name})[0].to_csv({csv}, index=False)",
        "pandas lxml",
    ),
    Foreign(
        rb"(?i:\s*(?:<\?xml[^>]*>\s*(?:<!.{0,300}?>\s*)*)?<svg)",
        "an SVG drawing",
        "convert it to a picture first with librsvg: rsvg-convert -o {png} {name}",
    ),
    Foreign(rb"\s*<\?xml", "XML", "save the numbers as .csv or .json"),
)
HEAD = 4096  # bytes that show what a file is
CONTROL = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f]")  # characters that no text has
SPELLED = rb"\s*(?:[<%%@]|PAR1|ARROW1|MATLAB|GRIB|BZh|SQLite|CDF|%s)" % LABELLED  # starts without such characters


def refuse(head: bytes, name: str) -> None:
    """Raise `InputError` with the command that helps, if the first bytes are those of a kind that is not read."""
    if not CONTROL.search(head) and not re.match(SPELLED, head):
        return
    for start, packer, program in PACKED:
        if re.match(start, head):
            raise InputError(f"{name} is compressed with {packer}", piped(program, name, "unpack it: {pipe}"))
    found = next((kind for kind in FOREIGN_KINDS if re.match(kind.start, head, re.DOTALL)), None) or _protobuf(head)
    if found:
        raise InputError(f"{name} is {found.what}", _advice(found, "FILE" if name == STDIN_NAME else name))


def _advice(kind: Foreign, name: str) -> str:
    texts = {key: _literal(free_name(PurePath(name).with_suffix(f".{key}").name)) for key in ("npy", "csv")}
    code = kind.code and kind.code.format(name=_literal(name), **texts)
    free = {"png": free_name("picture.png"), "csv": free_name("table.csv"), "folder": free_name("unpacked")}
    imported = [module.partition(".")[0] for module in code.partition(";")[0].removeprefix("import ").split(", ")]
    needs = kind.needs or " ".join(module for module in imported if module != "numpy")
    return kind.advice.format(name=shell_word(name), run=f"python -c {shell_word(code)}", needs=needs, **free)


def _literal(text: str) -> str:
    """Write a Python string in double quotes if possible, because the shell's quotes are single ones here."""
    return f'"{text}"' if text.isprintable() and not {'"', "\\"} & set(text) else repr(text)


# --- protobuf, which has no signature ---------------------------------------------------------------------------------

NUMBER, FIXED_64, BYTES, FIXED_32 = 0, 1, 2, 5  # how the value of a field is written
MOST_FIELD = 1000  # the largest number of a field
MODEL = Foreign(b"", "an ONNX model", "list its pooling layers: poolcli layers {name}")
TENSOR = Foreign(
    b"",
    "an ONNX tensor",
    NUMPY,
    "import numpy, onnx; numpy.save({npy}, onnx.numpy_helper.to_array(onnx.load_tensor({name})))",
)
MESSAGE = Foreign(
    b"",
    "a protobuf message",
    "see what is in it with protobuf: protoc --decode_raw < {name}; and save its numbers as .csv",
)


def _protobuf(head: bytes) -> Foreign | None:
    """Return the kind of protobuf this is, if any: its fields fill it, but the last may go beyond the head."""
    found: set[tuple[int, int]] = set()
    at = 0
    while at < len(head):
        tag, at = _varint(head, at)
        number, kind = tag >> 3, tag & 7
        if not 0 < number <= MOST_FIELD or kind not in (NUMBER, FIXED_64, BYTES, FIXED_32):
            return None
        found.add((number, kind))
        value, at = _varint(head, at) if kind in (NUMBER, BYTES) else (0, at)
        at += {FIXED_64: 8, BYTES: value, FIXED_32: 4}.get(kind, 0)
    if not any(kind == BYTES for _, kind in found) or (at > len(head) and len(head) < HEAD):
        return None
    if {(1, NUMBER), (7, BYTES)} <= found or {(1, NUMBER), (2, BYTES), (3, BYTES)} <= found:
        return MODEL
    return TENSOR if {(2, NUMBER), (9, BYTES)} <= found else MESSAGE


def _varint(head: bytes, at: int) -> tuple[int, int]:
    """Return a number written in groups of seven bits, and where it ends."""
    value = shift = 0
    for index in range(at, min(at + 10, len(head))):
        value |= (head[index] & 127) << shift
        shift += 7
        if head[index] < 128:
            return value, index + 1
    return value, at + 10

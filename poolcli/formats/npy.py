"""NumPy's ``.npy`` files, versions 1 to 3, without ever unpickling anything.

We read the header ourselves instead of using ``np.load``, so that each lie in it has its own error, nothing is
allocated because of it alone, and the numbers need no copy (source: ``numpy/lib/format.py``, which defines the format).
"""

from __future__ import annotations

import ast
import io
import math
import warnings
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import InputError, PoolcliError, UnknownNameError
from poolcli.featuremap import FeatureMap
from poolcli.formats.options import ReadOptions
from poolcli.system.limits import check_memory
from poolcli.wording import Phrase

MAGIC = b"\x93NUMPY"
LENGTH_BYTES = {1: 2, 2: 4, 3: 4}  # by the version
MOST_HEADER = 1 << 16  # bytes; real ones have about 100
HEADER_KEYS = {"descr", "fortran_order", "shape"}
KINDS_UNREAD = {  # types that are not read, by their kind
    "c": "complex numbers", "O": "Python objects", "S": "bytes", "U": "text", "V": "records", "M": "dates",
    "m": "durations",
}  # fmt: skip
CUT = "the file may have been cut off; save it again with numpy.save"
SAVE = "save it with numpy.save"


class Header(NamedTuple):
    """The contents of a header."""

    dtype: np.dtype[Any]
    fortran: bool
    shape: tuple[int, ...]
    size: int  # of the header, in bytes

    @property
    def cells(self) -> int:
        """The count of numbers."""
        return math.prod(self.shape)


def read(data: bytes, name: str, options: ReadOptions) -> FeatureMap:
    """Read an array, without a copy if its numbers are in the machine's byte order."""
    header = read_header(io.BytesIO(data), len(data), name)
    flat = np.frombuffer(data, header.dtype, header.cells, header.size)
    array = native(flat, name).reshape(header.shape, order="F" if header.fortran else "C")
    notes = (f"dtype {array.dtype} (from the file)",)
    return FeatureMap.from_array(array, options.layout, channels_last=options.channels_last, name=name, notes=notes)


def read_one_of(data: bytes, name: str, options: ReadOptions) -> FeatureMap:
    """Read the named array of an ``.npz``, or its only one."""
    from zipfile import ZipFile

    try:
        with ZipFile(io.BytesIO(data)) as file:
            entries = {entry.removesuffix(".npy"): entry for entry in file.namelist() if entry.endswith(".npy")}
            wanted = options.array if options.array is not None else next(iter(entries), "")
            if options.array is None and len(entries) != 1:
                names = ", ".join(entries) or "none"
                advice = Phrase("name one with {array}", array=wanted) if entries else SAVE
                raise InputError(f"{name}: it holds {len(entries)} arrays: {names}", advice)
            if wanted not in entries:
                raise UnknownNameError("array", wanted, entries)
            size = file.getinfo(entries[wanted]).file_size
            check_memory(size, f"an array of {size} bytes", "save a smaller one")
            content = file.read(entries[wanted])
    except (PoolcliError, MemoryError):
        raise
    except Exception as problem:  # noqa: BLE001 -- each compression has its own errors
        raise InputError(f"{name}: the .npz is damaged: {problem}", "save it again with numpy.savez") from None
    found = read(content, f"{name}: {wanted}" if options.array is None else name, options)
    return found.with_(name=name, notes=(f"array {wanted}", *found.notes))


def read_header(file: BinaryIO, size: int, name: str) -> Header:
    """Read a header from the start of a file, which is then at the first number.

    A header that promises what the file does not hold, or describes anything but plain numbers, is an `InputError`.
    """
    start = file.read(8)
    if start[:6] != MAGIC or len(start) < 8:
        raise InputError(f"{name}: not an .npy file", SAVE)
    width = LENGTH_BYTES.get(start[6])
    if width is None or start[7] != 0:
        raise InputError(f"{name}: .npy version {start[6]}.{start[7]} is unknown", "save it as version 1, 2 or 3")
    length = int.from_bytes(file.read(width), "little")
    if length > MOST_HEADER:
        raise InputError(f"{name}: an .npy header of {length} bytes cannot be right", SAVE)
    text = file.read(length)
    if len(text) < length:
        raise InputError(f"{name}: ends within its header", CUT)
    header = _parsed(text.decode("utf-8" if start[6] == 3 else "latin-1", errors="replace"), 8 + width + length, name)
    _check_size(header, size, name)
    return header


def _parsed(text: str, size: int, name: str) -> Header:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about strange escapes in damaged text
            found = ast.literal_eval(text.strip())  # numbers, text, tuples, dicts; it calls nothing
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        raise InputError(f"{name}: the .npy header is damaged", SAVE) from None
    if not isinstance(found, dict) or set(found) != HEADER_KEYS or not isinstance(found["fortran_order"], bool):
        raise InputError(f"{name}: the .npy header does not have the keys {', '.join(sorted(HEADER_KEYS))}", SAVE)
    shape = found["shape"]
    if not isinstance(shape, tuple) or not all(type(length) is int and length >= 0 for length in shape):
        raise InputError(f"{name}: the shape {shape!r} in the .npy header is not a shape", SAVE)
    return Header(_dtype(found["descr"], name), found["fortran_order"], shape, size)


def _dtype(descr: object, name: str) -> np.dtype[Any]:
    """Return the type, which must be one of plain numbers that poolcli has kernels for."""
    try:
        dtype = np.dtype(descr) if isinstance(descr, str) else np.dtype("V1")
    except (TypeError, ValueError, SyntaxError):
        raise InputError(f"{name}: the type {descr!r} in the .npy header is unknown", SAVE) from None
    if what := KINDS_UNREAD.get(dtype.kind):
        raise InputError(f"{name}: holds {what}, not numbers", "convert it with array.astype(float) and save it again")
    if dtype.itemsize > 8:
        raise InputError(
            f"{name}: holds {dtype} numbers, wider than 64 bits", 'convert it with array.astype("float64") first'
        )
    return dtype


def _check_size(header: Header, size: int, name: str) -> None:
    if not header.shape:
        raise InputError(f"{name}: holds a single number without axes", "save an array of at least one axis")
    if header.cells == 0 and (len(header.shape) < 3 or header.shape[0] or 0 in header.shape[1:]):  # 0xCxHxW is fine
        raise InputError(f"{name}: holds no numbers, its shape is {header.shape}", "give it at least one number")
    if len(header.shape) > 64:  # as in numpy
        raise InputError(f"{name}: {len(header.shape)} axes are too many", SAVE)
    promised, have = header.cells * header.dtype.itemsize, size - header.size
    if have < promised:
        raise InputError(f"{name}: the header promises {promised} bytes of numbers, but {have} are there", CUT)
    if have > promised:
        raise InputError(
            f"{name}: the header promises {promised} bytes of numbers, but {have} are there",
            "save one array in each file",
        )


def native(numbers: NDArray[Any], name: str) -> NDArray[Any]:
    """Return numbers in the machine's byte order and aligned; check that booleans are 0 or 1."""
    if numbers.dtype.kind == "b" and numbers.view(np.uint8).max(initial=0) > 1:
        raise InputError(f"{name}: a boolean is neither 0 nor 1", SAVE)
    numbers = numbers.astype(numbers.dtype.newbyteorder("="), copy=False)
    return numbers if numbers.flags.aligned else numbers.copy()


def header(shape: tuple[int, ...], dtype: np.dtype[Any]) -> bytes:
    """Return a version 1.0 header as numpy writes it, a multiple of 64 bytes long, so that the numbers are aligned."""
    dtype = dtype.newbyteorder("=")
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        file, {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
    )
    return file.getvalue()


def raw(array: NDArray[Any]) -> Any:
    """Return the bytes of an array, the last axis fastest, as a memoryview, which can be written like bytes."""
    return np.ascontiguousarray(array).reshape(-1).view(np.uint8).data

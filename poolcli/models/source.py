"""Model files as bytes that are read only when needed, and archives that cannot take too much memory or time."""

from __future__ import annotations

import io
import json
import mmap
import os
import stat
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from poolcli.errors import InputError, LimitError
from poolcli.system.files import open_source, read_source
from poolcli.system.limits import check_memory

MOST_PARTS = 4_000_000  # fields, nodes and items to read in one file, which takes seconds
MOST_UNPACKED = 64 << 20  # bytes of one text in an archive, unpacked
DEEPEST = 24  # levels of nested models, graphs, functions or modules
CONSTANT_MOST = 64  # numbers to read of a constant, enough for pads and axes
MOST_ENTRIES = 100_000  # files in an archive
EXPANSION = 20  # bytes of Python objects for a byte of JSON
NOT_WHOLE = "it is incomplete or not what it seems; export or copy it again"


@dataclass(frozen=True)
class ModelFile:
    """A file and its bytes."""

    name: str  # as a user typed it, for messages
    data: bytes | mmap.mmap
    file: BinaryIO  # the same bytes as a file


@contextmanager
def mapped(source: str | Path) -> Iterator[ModelFile]:
    """Open a model; a file is mapped, so that weights are never read."""
    if str(source) == "-":
        read = read_source(source)
        yield ModelFile(read.name, read.data, io.BytesIO(read.data))
        return
    with open_source(source) as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode) or status.st_size == 0:
            data = file.read()
            yield ModelFile(str(source), data, io.BytesIO(data))
            return
        # not closed, because an error may still hold views of it
        yield ModelFile(str(source), mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), file)


def unpacked(data: bytes | memoryview, kind: str) -> list[Any]:
    """Return little-endian numbers of a kind, as in `struct`, as many as there are bytes for."""
    whole = len(data) - len(data) % struct.calcsize(kind)
    return [number for (number,) in struct.iter_unpack(f"<{kind}", data[:whole])]


class Budget:
    """The amount of work that one file may cause."""

    def __init__(self) -> None:
        self.left = MOST_PARTS

    def spend(self, parts: int = 1) -> None:
        """Take so many parts from it; raise `LimitError` if there are not enough."""
        self.left -= parts
        if self.left < 0:
            raise LimitError(
                f"the model has more than {MOST_PARTS:,} parts, far more than any known",
                "if it is a real one, export the part with the pooling layers on its own",
            )


class Archive:
    """The files in a zip archive, read one at a time and never more than `MOST_UNPACKED` bytes."""

    def __init__(self, source: ModelFile) -> None:
        try:
            self.zip = zipfile.ZipFile(source.file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as problem:
            raise InputError(f"a zip archive that cannot be opened: {problem}", NOT_WHOLE) from problem
        self.names = self.zip.namelist()
        if len(self.names) > MOST_ENTRIES:
            raise LimitError(f"the archive has {len(self.names):,} files", f"a model has at most {MOST_ENTRIES:,}")

    def find(self, *ends: str) -> str | None:
        """Return the first name with one of these endings, in any folder."""
        return next((name for end in ends for name in self.names if f"/{name}".endswith(end)), None)

    def read(self, name: str) -> bytes:
        """Return the content of a file, unless it is encrypted, broken, or larger than any description of a model."""
        entry = self.zip.getinfo(name)
        if entry.flag_bits & 1:
            raise InputError(f"{name!r} in it is encrypted", "unpack the archive with its password, and pack it again")
        try:
            with self.zip.open(entry) as file:
                content = file.read(MOST_UNPACKED + 1)
        except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, OSError, ValueError) as problem:
            raise InputError(f"{name!r} in it cannot be unpacked: {problem}", NOT_WHOLE) from problem
        if len(content) > MOST_UNPACKED:
            raise LimitError(
                f"{name!r} in it is larger than {MOST_UNPACKED >> 20} MiB unpacked",
                "no description of a model is that long; check where the file comes from",
            )
        return content

    def json(self, name: str) -> Any:
        """Return the JSON in a file."""
        content = self.read(name)
        check_memory(EXPANSION * len(content), f"{name!r} in it, as objects,", "use a machine with more memory")
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as problem:
            raise InputError(f"{name!r} in it is not valid JSON: {problem}", NOT_WHOLE) from problem

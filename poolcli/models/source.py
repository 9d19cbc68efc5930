"""A model file as bytes that are not read before they are needed, and archives that cannot fill memory or time."""

from __future__ import annotations

import io
import json
import mmap
import os
import stat
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

MOST_PARTS = 4_000_000  # fields, nodes and items looked at in one file: seconds of work
MOST_UNPACKED = 64 << 20  # bytes of one text in an archive, unpacked
DEEPEST = 24  # models, graphs, functions or modules in each other
CONSTANT_MOST = 64  # numbers of a constant that are read: pads and axes are few
MOST_ENTRIES = 100_000  # files in an archive
EXPANSION = 20  # bytes of Python objects that a byte of JSON may become
NOT_WHOLE = "it is incomplete or not what it seems; export or copy it again"


@dataclass(frozen=True)
class ModelFile:
    """A file and its bytes."""

    name: str  # as it was typed, for messages
    data: bytes | mmap.mmap  # all of it
    file: BinaryIO  # the same, to be read as a file


@contextmanager
def mapped(source: str | Path) -> Iterator[ModelFile]:
    """Open a model; a file's bytes are mapped, so that weights are never read.

    Raises
    ------
    FileError
        If the system refuses.
    """
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
        # not closed here: an error may still hold views of it
        yield ModelFile(str(source), mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ), file)


class Budget:
    """How much work one file may make."""

    def __init__(self, most: int = MOST_PARTS) -> None:
        self.most = self.left = most

    def spend(self, parts: int = 1) -> None:
        """Take so many parts from it.

        Raises
        ------
        LimitError
            If nothing is left.
        """
        self.left -= parts
        if self.left < 0:
            raise LimitError(
                f"the model has more than {self.most:,} parts, far more than any known",
                "if it is a real one, export the part with the pooling layers on its own",
            )


class Archive:
    """The files in a zip archive, read one at a time and never more than `MOST_UNPACKED` bytes.

    Parameters
    ----------
    source : ModelFile
        What `zipfile` is to open.
    """

    def __init__(self, source: ModelFile) -> None:
        try:
            self.zip = zipfile.ZipFile(source.file)
        except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError) as problem:
            raise InputError(f"a zip archive that cannot be opened: {problem}", NOT_WHOLE) from problem
        self.names = self.zip.namelist()
        if len(self.names) > MOST_ENTRIES:
            raise LimitError(f"the archive has {len(self.names):,} files", f"a model has at most {MOST_ENTRIES:,}")

    def find(self, *ends: str) -> str | None:
        """Return the first name that ends like one of these, whatever the folder."""
        return next((name for end in ends for name in self.names if f"/{name}".endswith(end)), None)

    def read(self, name: str) -> bytes:
        """Return what is in a file.

        Raises
        ------
        InputError
            If it is encrypted or broken.
        LimitError
            If it is larger than any model's description is.
        """
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

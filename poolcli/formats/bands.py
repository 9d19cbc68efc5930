"""Files larger than memory: rows come in bands, and go out in bands.

A reader knows the shape and the type before the first band (of CSV by looking at the file twice), and its bands hold
the same bits as the file read whole. A writer replaces its target when the last band is in, or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.files import atomic, open_source, stdout
from poolcli.formats import HEAD, ReadOptions, detect

Rows = NDArray[Any]
READERS = ("csv", "tsv", "npy")
WRITERS = ("csv", "tsv", "npy")


@dataclass(frozen=True)
class Bands:
    """A file of rows.

    Attributes
    ----------
    name : str
        The path as it was typed.
    shape : tuple of int
        (..., H, W): one plane after the other.
    dtype : dtype
        Of every band.
    layout : str
        The axes; the last two are H and W.
    notes : tuple of str
        What was guessed.
    rows : function of int
        Starts from the beginning and gives bands of at most that many rows, none of them across two planes.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    layout: str
    notes: tuple[str, ...]
    rows: Callable[[int], Iterator[Rows]]


def open_bands(path: str | Path, options: ReadOptions | None = None) -> Bands | None:
    """Look at a file and return its rows in bands, or None if it has to be read whole.

    Parameters
    ----------
    path : str or Path
        A regular file of CSV, TSV or ``.npy``.
    options : ReadOptions, optional
        What is known of it.

    Raises
    ------
    PoolcliError
        If the file cannot be read or is not what it should be, as far as a first look shows.
    """
    options = options or ReadOptions()
    if str(path) == "-" or not Path(path).is_file():
        return None
    with open_source(path) as file:
        head = file.read(HEAD)
    if not head or head.isspace():
        return None
    row = detect(head, str(path), options)
    if row.name not in READERS:
        return None
    module = import_module(f"poolcli.formats.{row.module}")
    bands: Bands | None = module.open_bands(path, options, row.name)
    return bands


@contextmanager
def band_writer(
    target: str | Path, kind: str, shape: Sequence[int], dtype: np.dtype[Any]
) -> Iterator[Callable[[Rows], None]]:
    """Open a target for bands of rows.

    Parameters
    ----------
    target : str or Path
        A path, or ``-`` for standard output.
    kind : str
        One of `WRITERS`.
    shape : sequence of int
        Of all bands together; ``.npy`` says it at the start.
    dtype : dtype
        Of every band.

    Yields
    ------
    function of ndarray
        Call it with one band after the other, each (rows, W).
    """
    written = 0
    with stdout() if str(target) == "-" else atomic(target) as sink:
        module = import_module("poolcli.formats." + ("npy" if kind == "npy" else "delimited"))
        sink.write(module.header(tuple(shape), dtype) if kind == "npy" else b"")

        def write(band: Rows) -> None:
            nonlocal written
            written += band.size
            for text in module.band_bytes(band, kind):
                sink.write(text)

        yield write
        if written != math.prod(shape):  # raised in the with block, so that no target is replaced
            raise RuntimeError(f"{written} numbers were written where {math.prod(shape)} were promised")


def regrouped(pieces: Iterator[Rows], count: int) -> Iterator[Rows]:
    """Give the rows of `pieces` again, `count` at a time."""
    waiting: list[Rows] = []
    have = 0
    for piece in pieces:
        while len(piece):
            part = piece[: count - have]
            waiting.append(part)
            have, piece = have + len(part), piece[len(part) :]
            if have == count:
                yield waiting[0] if len(waiting) == 1 else np.concatenate(waiting)
                waiting, have = [], 0
    if waiting:
        yield waiting[0] if len(waiting) == 1 else np.concatenate(waiting)

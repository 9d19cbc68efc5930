"""Files larger than memory: rows of text come in bands, and rows of text and ``.npy`` go out in bands.

The reader knows the shape and the type before the first band, because it looks at the file twice, and its bands hold
the same bits as the file read whole. A writer replaces its target when the last band is in, or not at all.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.formats.registry import FORMATS
from poolcli.system.files import opened

Rows = NDArray[Any]
WRITERS = ("csv", "tsv", "npy")


@dataclass(frozen=True)
class Bands:
    """A file of rows; `poolcli.formats.delimited.open_bands` makes it.

    Attributes
    ----------
    name : str
        The path as it was typed.
    shape : tuple of int
        (H, W).
    dtype : dtype
        Of every band.
    notes : tuple of str
        What was guessed.
    rows : function of int
        Starts from the beginning and gives bands of at most that many rows.
    """

    name: str
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    notes: tuple[str, ...]
    rows: Callable[[int], Iterator[Rows]]


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
    with opened(target) as sink:
        module = FORMATS[kind].home
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

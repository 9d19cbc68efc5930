"""Files larger than memory, read in bands of rows (`poolcli.formats.registry.Banded` writes such files).

The reader goes through the file twice, so it knows the shape and the type before the first band. The bands hold the
same bits as the file read whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from poolcli.wording import Phrase

Rows = NDArray[Any]


class Bands(NamedTuple):
    """A file of rows; `poolcli.formats.delimited.open_bands` makes it."""

    name: str  # the path as it was typed
    shape: tuple[int, int]  # (H, W)
    dtype: np.dtype[Any]  # of every band
    notes: tuple[str | Phrase, ...]  # what was guessed
    rows: Callable[[int], Iterator[Rows]]  # starts from the beginning and gives bands of at most that many rows


def regrouped(pieces: Iterator[Rows], count: int) -> Iterator[Rows]:
    """Yield the rows of `pieces` again, `count` at a time."""
    waiting: list[Rows] = []
    have = 0
    for piece in pieces:
        while len(piece):
            part = piece[: count - have]
            waiting.append(part)
            have, piece = have + len(part), piece[len(part) :]
            if have == count:
                yield np.concatenate(waiting)
                waiting, have = [], 0
    if waiting:
        yield np.concatenate(waiting)

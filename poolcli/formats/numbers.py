"""A buffer for numbers that arrive in parts, of the type that holds them all."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import NumberRangeError
from poolcli.formats.missing import EXACT
from poolcli.formats.text import Number
from poolcli.system.limits import check_memory

CODES = {"int64": "q", "uint64": "Q", "float64": "d"}
BITS = "integers have at most 64 bits here; write a decimal point (12.0) or an exponent (1e20) to mean a float"
DIGITS = "float64 has 53 bits for digits; write a decimal point after the integer if it may be rounded"
LOSES = "would lose digits"


class Misfit(Exception):  # noqa: N818 -- not an error for users: the caller knows the place and makes one
    """A number that does not fit the type of the others."""

    def __init__(self, index: int, reason: str) -> None:
        super().__init__(reason)
        self.index = index  # among all the numbers so far
        self.reason = reason  # the broken rule


class Numbers:
    """A buffer for `size` numbers, int64, uint64 or float64: the first, from `dtype` on, that holds them all."""

    def __init__(self, size: int, dtype: str = "int64") -> None:
        check_memory(8 * size, f"an array of {size} numbers", "read a smaller file")
        self.count = 0
        self.room: NDArray[Any] = np.empty(size, dtype)

    @property
    def array(self) -> NDArray[Any]:
        """The numbers so far."""
        return self.room[: self.count]

    def add(self, values: Sequence[Number | None], text: bytes) -> bool:
        """Add numbers that orjson read, None for NaN; return False, adding none, if they need a closer look."""
        stop = self.count + len(values)
        try:
            struct.pack_into(f"{len(values)}{CODES[self.room.dtype.name]}", self.room.data, 8 * self.count, *values)
        except (struct.error, OverflowError):
            if not self._add_floats(values, text):
                return False
        if self.room.dtype.kind == "f" and _doubtful(self.room[self.count : stop], values, text):
            return False
        self.count = stop
        return True

    def forget(self, count: int) -> bool:
        """Keep only the first `count` numbers; return False, as `add` does."""
        self.count = count
        return False

    def add_exact(self, values: Sequence[Number | None]) -> None:
        """Add numbers of which all integers are int, however large, and all others float.

        Raise `Misfit` if one does not fit, or an earlier one does not fit the type that these need.
        """
        if self.room.dtype.kind != "f":
            self._become(_narrowest(values, self.room.dtype.name))
        for index, value in enumerate(values):
            if isinstance(value, int) and (reason := _misfit(value, self.room.dtype)):
                raise Misfit(self.count + index, reason)
        self.room[self.count : self.count + len(values)] = values
        self.count += len(values)

    def _add_floats(self, values: Sequence[Number | None], text: bytes) -> bool:
        """Write values as float64, and make the buffer float64, if no integer needs more care."""
        kinds = set(map(type, values))
        if kinds == {int} or not kinds <= {int, float, type(None)}:
            return False
        if self.room.dtype.kind != "f" and self.count and _largest(self.array) > EXACT:
            return False
        fresh = np.array(values, np.float64)  # None becomes NaN
        if _doubtful(fresh, values, text):
            return False
        self._become("float64")
        self.room[self.count : self.count + len(values)] = fresh
        return True

    def _become(self, dtype: str) -> None:
        """Change the type in place; int64, uint64 and float64 have the same size."""
        if self.room.dtype == dtype:
            return
        old = self.array
        wide = old.astype(dtype)
        if dtype == "uint64":
            lost = old < 0
        else:  # what rounds up to the limit cannot be converted back for comparison
            limit = 2.0 ** np.iinfo(old.dtype).bits / (2 if old.dtype.kind == "i" else 1)
            beyond = wide >= limit
            lost = beyond | (np.where(beyond, 0, wide).astype(old.dtype) != old)
        if lost.any():
            index = int(lost.argmax())
            raise Misfit(index, _misfit(int(old[index]), np.dtype(dtype)) or "")
        self.room = self.room.view(dtype)
        self.array[:] = wide


def _misfit(value: int, dtype: np.dtype[Any]) -> str | None:
    """Say why an integer does not fit a type."""
    if not -(2**63) <= value < 2**64:
        return f"{value if abs(value) < 10**40 else 'an integer'} is beyond 64 bits"
    if dtype == np.uint64 and value < 0:
        return f"{value} and integers beyond {2**63 - 1} have no common 64-bit type"
    if dtype.kind == "f" and int(float(value)) != value:
        return f"{value} {LOSES} among decimal numbers"
    return None


def _doubtful(numbers: NDArray[Any], values: Sequence[Number | None], text: bytes) -> bool:
    """Whether an integer may have lost digits among floats.

    It may be one that float64 does not hold, or one beyond 64 bits, which orjson silently turns into a float.
    """
    if _largest(numbers) < EXACT:
        return False
    if any(type(value) is int and abs(value) > EXACT for value in values):
        return True
    return any(len(cell) > 18 and cell.strip(b"[] \t\r\n-").isdigit() for cell in text.split(b","))


def _largest(numbers: NDArray[Any]) -> float:
    """Return the largest magnitude, ignoring NaN."""
    if not numbers.size:
        return 0
    return max(float(np.fmax.reduce(numbers)), -float(np.fmin.reduce(numbers)))


def _narrowest(values: Sequence[Number | None], dtype: str) -> str:
    if any(not isinstance(value, int) for value in values):
        return "float64"
    return "uint64" if any(2**63 <= value < 2**64 for value in values if value is not None) else dtype


def range_error(where: str, reason: str) -> NumberRangeError:
    """Return the error for a number that does not fit."""
    return NumberRangeError(f"{where}: {reason}", DIGITS if LOSES in reason else BITS)

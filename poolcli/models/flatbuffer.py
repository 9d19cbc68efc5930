"""FlatBuffers without a schema: the fields of a table by their numbers, every offset checked against the file.

The format: https://flatbuffers.dev/internals/
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from poolcli.errors import InputError
from poolcli.models.source import NOT_WHOLE, Budget


@dataclass(frozen=True)
class Table:
    """One table."""

    data: Any  # the whole file
    place: int  # where the table begins
    budget: Budget

    @classmethod
    def root(cls, data: Any, budget: Budget) -> Table:
        """Return the root table of a file."""
        return cls(data, _read(data, "I", 0), budget)

    def number(self, field: int, kind: str) -> int:
        """Return a number, 0 if there is none; `kind` is as in `struct`."""
        place = self._field(field)
        return 0 if place is None else _read(self.data, kind, place)

    def table(self, field: int) -> Table | None:
        """Return the table in a field, if there is one."""
        place = self._followed(field)
        return None if place is None else Table(self.data, place, self.budget)

    def tables(self, field: int) -> list[Table]:
        """Return a vector of tables."""
        return [Table(self.data, place + _read(self.data, "I", place), self.budget) for place in self._items(field, 4)]

    def numbers(self, field: int, kind: str = "i") -> list[int]:
        """Return a vector of numbers."""
        return [_read(self.data, kind, place) for place in self._items(field, struct.calcsize(kind))]

    def text(self, field: int) -> str:
        """Return a text; an empty one if there is none."""
        return self.bytes(field).decode("utf-8", "replace")

    def bytes(self, field: int) -> bytes:
        """Return a vector of bytes."""
        place = self._followed(field)
        if place is None:
            return b""
        length = _read(self.data, "I", place)
        if length > len(self.data) - place - 4:
            raise _broken()
        return bytes(self.data[place + 4 : place + 4 + length])

    def _items(self, field: int, size: int) -> Iterator[int]:
        place = self._followed(field)
        if place is not None:
            length = _read(self.data, "I", place)
            if length * size > len(self.data) - place - 4:
                raise _broken()
            self.budget.spend(length)
            yield from range(place + 4, place + 4 + length * size, size)

    def _followed(self, field: int) -> int | None:
        place = self._field(field)
        return None if place is None else place + _read(self.data, "I", place)

    def _field(self, field: int) -> int | None:
        """Return the place of a field; None if the table does not have it."""
        self.budget.spend()
        fields = self.place - _read(self.data, "i", self.place)
        entry = 4 + 2 * field
        if entry + 2 > _read(self.data, "H", fields):
            return None
        offset = _read(self.data, "H", fields + entry)
        return self.place + offset if offset else None


def _read(data: Any, kind: str, place: int) -> int:
    size = struct.calcsize(kind)
    if not 0 <= place <= len(data) - size:
        raise _broken()
    return int(struct.unpack(f"<{kind}", data[place : place + size])[0])


def _broken() -> InputError:
    return InputError("a TensorFlow Lite model that ends too early, or with offsets that lead out of it", NOT_WHOLE)

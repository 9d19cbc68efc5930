"""Protocol buffers without a schema: the fields of a message by their numbers, decoded only on demand.

The wire format: https://protobuf.dev/programming-guides/encoding/
"""

from __future__ import annotations

from typing import Any

from poolcli.errors import InputError
from poolcli.models.source import NOT_WHOLE, Budget, unpacked

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
VARINT_BYTES = 10  # the most bytes of a number
PORTION = 1024  # fields to count at once
FIXED = {FIXED64: 8, FIXED32: 4}


class Message:
    """The fields of one message; raises `InputError` if the bytes are not a message."""

    def __init__(self, view: memoryview, budget: Budget) -> None:
        self.budget = budget
        self.fields: dict[int, list[int | memoryview]] = {}
        place, end, parts = 0, len(view), 0
        while place < end:
            parts += 1
            if parts % PORTION == 0:
                budget.spend(PORTION)
            key, place = _varint(view, place)
            number, kind = key >> 3, key & 7
            if number == 0:
                raise _broken("a field without a number")
            value: int | memoryview
            if kind == VARINT:
                value, place = _varint(view, place)
            elif kind in FIXED or kind == BYTES:
                length, place = (FIXED[kind], place) if kind in FIXED else _varint(view, place)
                if length > end - place:
                    raise _broken("it ends in the middle of a field")
                value, place = view[place : place + length], place + length
            else:
                raise _broken(f"a field of the unknown kind {kind}")
            self.fields.setdefault(number, []).append(value)
        budget.spend(parts % PORTION)

    def number(self, field: int) -> int:
        """Return a whole number; 0 if there is none."""
        return next(reversed(self.numbers(field)), 0)

    def numbers(self, field: int) -> list[int]:
        """Return whole numbers, packed or not."""
        found: list[int] = []
        for value in self.fields.get(field, []):
            if isinstance(value, int):
                found.append(_signed(value))
                continue
            place = 0
            while place < len(value):
                self.budget.spend()
                number, place = _varint(value, place)
                found.append(_signed(number))
        return found

    def floats(self, field: int) -> list[float]:
        """Return 32-bit floats, packed or not."""
        return unpacked(b"".join(value for value in self.fields.get(field, []) if not isinstance(value, int)), "f")

    def text(self, field: int) -> str:
        """Return a text; an empty one if there is none."""
        return next(iter(self.texts(field)), "")

    def texts(self, field: int) -> list[str]:
        """Return texts."""
        return [bytes(value).decode("utf-8", "replace") for value in self._bytes(field)]

    def data(self, field: int) -> memoryview:
        """Return bytes."""
        return next(iter(self._bytes(field)), memoryview(b""))

    def message(self, field: int) -> Message | None:
        """Return the message in a field, if there is one."""
        return next(iter(self.messages(field)), None)

    def messages(self, field: int) -> list[Message]:
        """Return the messages in a field."""
        return [Message(value, self.budget) for value in self._bytes(field)]

    def _bytes(self, field: int) -> list[memoryview]:
        found: list[Any] = self.fields.get(field, [])
        if any(isinstance(value, int) for value in found):
            raise _broken(f"field {field} holds a number where bytes belong")
        return found


def _varint(view: memoryview, place: int) -> tuple[int, int]:
    if place < len(view) and view[place] < 0x80:  # nearly always
        return view[place], place + 1
    number = 0
    for index, byte in enumerate(view[place : place + VARINT_BYTES]):
        number |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return number, place + index + 1
    raise _broken("it ends in the middle of a number")


def _signed(number: int) -> int:
    number &= (1 << 64) - 1
    return number - (1 << 64) if number >> 63 else number


def _broken(why: str) -> InputError:
    return InputError(f"not the protocol buffer of a model: {why}", NOT_WHOLE)

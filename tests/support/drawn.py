"""Random inputs from Python's own generator: one draw of Hypothesis for each, as a dozen cost more than most tests."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, TypeVar

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

T = TypeVar("T")
SPECIAL = (math.nan, math.inf, -math.inf, 0.0, -0.0, 0.1, 1e22, 2.0**53, 5e-324, 2.0**-1022, 2.0**1023 * 1.9)
LETTERS = "ab Z09_.,;:#'\"\\/[]{}<>&%\n\r\t\0\x1b\x7f\x85\xa0äß\u0301\u2028\u202e\ufeff\ufffd\U0001f600"


def by(make: Callable[[Random], T]) -> st.SearchStrategy[T]:
    """What `make` builds from random numbers."""
    return st.binary(min_size=8, max_size=8).map(lambda seed: make(Random(seed)))


def it(draw: Random) -> Random:
    """The generator, for a test that asks as it goes on."""
    return draw


def double(draw: Random) -> float:
    """Any bits, an ordinary number, or a special one."""
    bits: float = struct.unpack("<d", draw.randbytes(8))[0]
    return draw.choice((bits, draw.gauss(0, 100), float(draw.randint(-9, 9)), draw.choice(SPECIAL)))


def text(draw: Random, most: int = 6) -> str:
    """Up to `most` characters that are easily mistaken, or any at all, but for halves of pairs."""
    picked = (draw.choice((draw.choice(LETTERS), chr(draw.randrange(0x11_0000)))) for _ in range(draw.randint(0, most)))
    return "".join(one for one in picked if not "\ud800" <= one <= "\udfff")


def shape(draw: Random, least: int, most: int, longest: int) -> tuple[int, ...]:
    """The lengths of `least` to `most` axes."""
    return tuple(draw.randint(1, longest) for _ in range(draw.randint(least, most)))


def array(draw: Random, dtype: str, lengths: Sequence[int]) -> NDArray[Any]:
    """Numbers of a type: each has any bits, is small, or stands at an end of the type or is special."""
    kind, size, rng = np.dtype(dtype), math.prod(lengths), np.random.default_rng(draw.getrandbits(64))
    small = rng.integers(0, 5, size).astype(kind)
    if kind.kind == "b":
        return (small > 2).reshape(lengths)
    bits = np.frombuffer(draw.randbytes(size * kind.itemsize), kind)
    limits: Any = np.finfo(kind) if kind.kind == "f" else np.iinfo(kind)
    more = [*SPECIAL[:6], limits.smallest_subnormal] if kind.kind == "f" else []
    ends = rng.choice(np.array([limits.min, limits.max, *more], kind), size)
    return np.choose(rng.integers(0, 3, size), [bits, small, ends]).astype(kind).reshape(lengths)

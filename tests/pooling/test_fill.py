"""What padding shows, and the check that cells hold numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from poolcli.errors import NanError
from poolcli.pooling.fill import copied_from, refuse_nan
from poolcli.window import FILLS
from tests.support.rows import in_turn


@in_turn(("fill", "numpy"), FILLS.items())
@in_turn("length", [1, 2, 5])
@in_turn("pads", [(0, 0), (1, 3), (9, 14)])
def test_padding_is_copied_from_where_numpy_copies_it(fill: str, numpy: Any, length: int, pads: Any) -> None:
    found = copied_from(np.arange(-pads[0], length + pads[1]), length, fill)
    assert found.tolist() == np.pad(np.arange(length), pads, mode=numpy).tolist()


def test_a_number_is_copied_from_no_cell() -> None:
    assert copied_from(np.arange(-1, 4), 3, 7).tolist() == [-1, 0, 1, 2, -1]


def test_the_first_nan_is_named_in_the_whole_and_in_a_part() -> None:
    x = np.ones((2, 3, 4))
    refuse_nan(x)
    refuse_nan(np.ones(3, dtype=int))
    x[1, 2, 0] = x[1, 2, 3] = np.nan
    with pytest.raises(NanError, match=r"^the input has 2 NaN, the first at \(1, 2, 0\)$") as caught:
        refuse_nan(x)
    assert caught.value.hint == "nan='ignore' to leave them out"
    with pytest.raises(NanError, match=r"^the input has NaN, one at \(12, 20\) of a plane$"):
        refuse_nan(x, (10, 20))

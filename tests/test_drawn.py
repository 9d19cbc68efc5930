"""What random tests hang on: that every kind of number and text is drawn."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest

from tests.support import drawn


@pytest.mark.parametrize("dtype", ["int8", "uint64", "float16", ">f8"])
def test_every_kind_of_number_is_drawn(dtype: str) -> None:
    x = np.concatenate([drawn.array(Random(seed), dtype, (5,)) for seed in range(60)])
    ends = np.finfo(x.dtype) if x.dtype.kind == "f" else np.iinfo(x.dtype)
    assert {ends.min, ends.max, 0, 1, 4} <= {*x.tolist()}
    assert len({*x.tolist()}) > 40
    if x.dtype.kind == "f":
        assert np.isnan(x).any()
        assert {*np.signbit(x[x == 0])} == {False, True}
        assert {np.inf, -np.inf} <= {*x.tolist()}


def test_texts_are_short_or_strange_and_always_text() -> None:
    texts = [drawn.text(Random(seed)) for seed in range(300)]
    assert "".join(texts).encode()
    assert {*map(len, texts)} == {*range(7)}
    assert {*drawn.LETTERS} <= {*"".join(texts)}

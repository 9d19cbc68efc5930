"""The named kernels, written out once more from their sources, in cross-correlation orientation."""

from __future__ import annotations

import numpy as np
import pytest

from poolcli import conv
from poolcli.errors import UnknownNameError
from poolcli.pooling.filters import FILTERS, find_filter
from tests.support.rows import in_turn

PLAIN = {
    "identity": [[0, 0, 0], [0, 1, 0], [0, 0, 0]],
    "sharpen": [[0, -1, 0], [-1, 5, -1], [0, -1, 0]],
    "emboss": [[-2, -1, 0], [-1, 1, 1], [0, 1, 2]],
    "outline": [[-1, -1, -1], [-1, 8, -1], [-1, -1, -1]],
    "laplacian": [[0, 1, 0], [1, -4, 1], [0, 1, 0]],
    "laplacian-8": [[1, 1, 1], [1, -8, 1], [1, 1, 1]],
    "log": [[0, 0, -1, 0, 0], [0, -1, -2, -1, 0], [-1, -2, 16, -2, -1], [0, -1, -2, -1, 0], [0, 0, -1, 0, 0]],
    "sobel-x": [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]],
    "sobel-y": [[-1, -2, -1], [0, 0, 0], [1, 2, 1]],
    "prewitt-x": [[-1, 0, 1], [-1, 0, 1], [-1, 0, 1]],
    "prewitt-y": [[-1, -1, -1], [0, 0, 0], [1, 1, 1]],
    "scharr-x": [[-3, 0, 3], [-10, 0, 10], [-3, 0, 3]],
    "scharr-y": [[-3, -10, -3], [0, 0, 0], [3, 10, 3]],
    "roberts-x": [[-1, 0], [0, 1]],
    "roberts-y": [[0, -1], [1, 0]],
    "kirsch-n": [[5, 5, 5], [-3, 0, -3], [-3, -3, -3]],
    "kirsch-ne": [[-3, 5, 5], [-3, 0, 5], [-3, -3, -3]],
    "kirsch-e": [[-3, -3, 5], [-3, 0, 5], [-3, -3, 5]],
    "kirsch-se": [[-3, -3, -3], [-3, 0, 5], [-3, 5, 5]],
    "kirsch-s": [[-3, -3, -3], [-3, 0, -3], [5, 5, 5]],
    "kirsch-sw": [[-3, -3, -3], [5, 0, -3], [5, 5, -3]],
    "kirsch-w": [[5, -3, -3], [5, 0, -3], [5, -3, -3]],
    "kirsch-nw": [[5, 5, -3], [5, 0, -3], [-3, -3, -3]],
    "vertical-line": [[0, 1, 0], [0, 1, 0], [0, 1, 0]],
    "horizontal-line": [[0, 0, 0], [1, 1, 1], [0, 0, 0]],
    "line-0": [[-1, -1, -1], [2, 2, 2], [-1, -1, -1]],
    "line-45": [[-1, -1, 2], [-1, 2, -1], [2, -1, -1]],
    "line-90": [[-1, 2, -1], [-1, 2, -1], [-1, 2, -1]],
    "line-135": [[2, -1, -1], [-1, 2, -1], [-1, -1, 2]],
}
BINOMIAL = np.array([1, 4, 6, 4, 1])
SCALED = {
    "box": np.full((3, 3), 1 / 9),
    "gaussian": np.outer([0.25, 0.5, 0.25], [0.25, 0.5, 0.25]),
    "gaussian-5": np.outer(BINOMIAL, BINOMIAL) / 256,
}
SUM_ONE = ("identity", "sharpen", "box", "gaussian", "gaussian-5", "emboss")
SUM_OTHER = {"vertical-line": 3, "horizontal-line": 3}


def test_the_table_is_that_of_the_contract() -> None:
    assert set(FILTERS) == set(PLAIN) | set(SCALED)


@pytest.mark.parametrize(("name", "kernel"), PLAIN.items())
def test_a_kernel_of_whole_numbers(name: str, kernel: list[list[int]]) -> None:
    row = find_filter(name)
    assert row.kernel.tolist() == kernel
    assert row.kernel.dtype == np.int64
    assert row.scale == 1


@pytest.mark.parametrize("name", SCALED)
def test_a_scaled_kernel(name: str) -> None:
    np.testing.assert_allclose(find_filter(name).kernel, SCALED[name], rtol=1e-15)
    assert find_filter(name).scale in (9, 16, 256)


@in_turn("name", sorted({*PLAIN, *SCALED}))
def test_a_constant_map_shows_the_sum_of_the_weights(name: str) -> None:
    expected = 1 if name in SUM_ONE else SUM_OTHER.get(name, 0)
    np.testing.assert_allclose(conv(np.ones((5, 5)), name), expected, atol=1e-15)


@in_turn("name", sorted({*PLAIN, *SCALED}))
def test_every_row_names_its_purpose_and_source(name: str) -> None:
    row = FILTERS[name]
    assert row.name == name
    assert row.purpose
    assert row.source


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("sobel-x", "sobel-y"),
        ("prewitt-x", "prewitt-y"),
        ("scharr-x", "scharr-y"),
        ("vertical-line", "horizontal-line"),
        ("line-0", "line-90"),
    ],
)
def test_pairs_are_transposes(first: str, second: str) -> None:
    assert (find_filter(first).kernel == find_filter(second).kernel.T).all()


@pytest.mark.parametrize(
    ("name", "picture", "sign"),
    [
        ("sobel-x", [[0, 0, 9], [0, 0, 9], [0, 0, 9]], 1),  # brighter to the right
        ("sobel-y", [[0, 0, 0], [0, 0, 0], [9, 9, 9]], 1),  # brighter below
        ("prewitt-x", [[9, 0, 0], [9, 0, 0], [9, 0, 0]], -1),
        ("scharr-y", [[9, 9, 9], [0, 0, 0], [0, 0, 0]], -1),
        ("kirsch-n", [[9, 9, 9], [0, 0, 0], [0, 0, 0]], 1),
        ("kirsch-w", [[9, 0, 0], [9, 0, 0], [9, 0, 0]], 1),
        ("kirsch-se", [[0, 0, 0], [0, 0, 9], [0, 9, 9]], 1),
        ("line-45", [[0, 0, 9], [0, 9, 0], [9, 0, 0]], 1),  # rising to the right
        ("line-135", [[9, 0, 0], [0, 9, 0], [0, 0, 9]], 1),  # falling to the right
        ("laplacian", [[0, 0, 0], [0, 9, 0], [0, 0, 0]], -1),  # scikit-image's has the opposite sign
    ],
)
def test_orientation_is_that_of_cross_correlation(name: str, picture: list[list[int]], sign: int) -> None:
    (value,) = conv(picture, name).ravel().tolist()
    assert value * sign > 0


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("sobel", "sobel-x"),
        ("gausian", "gaussian"),
        ("Vertical-Line", "vertical-line"),
        ("zzzz", "poolcli filters draws them all"),
        ("edges", "did you mean outline? poolcli filters draws them all"),
        ("Edge", "did you mean outline? "),
        ("blur", "did you mean gaussian or gaussian-5"),
        ("s", "poolcli filters draws them all"),
    ],
)
def test_an_unknown_filter(name: str, hint: str) -> None:
    with pytest.raises(UnknownNameError) as caught:
        find_filter(name)
    assert caught.value.message == f"unknown filter {name!r}"
    assert caught.value.hint is not None
    assert hint in caught.value.hint

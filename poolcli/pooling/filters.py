"""The named convolution filters: every kernel is a grid you can see.

All kernels are in cross-correlation orientation, rows from top to bottom: they are laid over the input as written here,
not flipped. A kernel is its grid divided by `scale`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from poolcli.errors import UnknownNameError
from poolcli.system import plugins

if TYPE_CHECKING:
    from numpy.typing import NDArray


class Filter(NamedTuple):
    """A named kernel."""

    name: str  # as a user types it
    rows: tuple[tuple[int, ...], ...]  # the grid
    scale: int  # the divisor of the grid
    purpose: str  # what it does
    source: str  # who defines it so

    @property
    def kernel(self) -> NDArray[Any]:
        """The kernel: int64 where the scale is 1, else float64."""
        import numpy as np

        grid = np.array(self.rows, dtype=np.int64)
        return grid if self.scale == 1 else grid / self.scale


def _filter(name: str, grid: str, purpose: str, source: str, scale: int = 1) -> Filter:
    rows = tuple(tuple(map(int, line.split())) for line in grid.split("/"))
    return Filter(name, rows, scale, purpose, source)


def _kirsch(turns: int, point: str) -> Filter:
    """Turn the ring of the northern kernel clockwise by steps of 45 degrees."""
    ring = [5, 5, 5, -3, -3, -3, -3, -3]  # from the top left corner on
    a, b, c, d, e, f, g, h = ring[-turns:] + ring[:-turns]
    return Filter(f"kirsch-{point}", ((a, b, c), (h, 0, d), (g, f, e)), 1, f"brightness rising towards {point.upper()}",
                  "Kirsch 1971; ImageMagick Kirsch")  # fmt: skip


# fmt: off
_ROWS = (
    _filter("identity", " 0  0  0 /  0  1  0 /  0  0  0", "leaves the map as it is", "ImageMagick Unity"),
    _filter("box", " 1  1  1 /  1  1  1 /  1  1  1", "average of the neighbourhood", "cv2.blur", 9),
    _filter("gaussian", " 1  2  1 /  2  4  2 /  1  2  1", "soft blur", "cv2.getGaussianKernel(3, 0)", 16),
    _filter("gaussian-5", "1 4 6 4 1 / 4 16 24 16 4 / 6 24 36 24 6 / 4 16 24 16 4 / 1 4 6 4 1", "softer blur",
            "cv2.getGaussianKernel(5, 0)", 256),
    _filter("sharpen", " 0 -1  0 / -1  5 -1 /  0 -1  0", "the map minus its laplacian", "textbook"),
    _filter("emboss", "-2 -1  0 / -1  1  1 /  0  1  2", "light from the top left", "textbook"),
    _filter("outline", "-1 -1 -1 / -1  8 -1 / -1 -1 -1", "edges in every direction", "Pillow FIND_EDGES"),
    _filter("laplacian", " 0  1  0 /  1 -4  1 /  0  1  0", "second derivative, four neighbours",
            "scipy.ndimage.laplace, cv2.Laplacian(ksize=1); scikit-image has the opposite sign"),
    _filter("laplacian-8", " 1  1  1 /  1 -8  1 /  1  1  1", "second derivative, eight neighbours", "textbook"),
    _filter("log", "0 0 -1 0 0 / 0 -1 -2 -1 0 / -1 -2 16 -2 -1 / 0 -1 -2 -1 0 / 0 0 -1 0 0",
            "laplacian of a gaussian, negated", "ImageMagick Laplacian:15"),
    _filter("sobel-x", "-1  0  1 / -2  0  2 / -1  0  1", "brightness rising to the right",
            "cv2.Sobel(dx=1), scipy.ndimage.sobel(axis=1); scikit-image divides by 4"),
    _filter("sobel-y", "-1 -2 -1 /  0  0  0 /  1  2  1", "brightness rising downwards",
            "cv2.Sobel(dy=1), scipy.ndimage.sobel(axis=0); scikit-image divides by 4"),
    _filter("prewitt-x", "-1  0  1 / -1  0  1 / -1  0  1", "brightness rising to the right",
            "scipy.ndimage.prewitt(axis=1); scikit-image divides by 3"),
    _filter("prewitt-y", "-1 -1 -1 /  0  0  0 /  1  1  1", "brightness rising downwards",
            "scipy.ndimage.prewitt(axis=0); scikit-image divides by 3"),
    _filter("scharr-x", "-3  0  3 / -10 0 10 / -3  0  3", "brightness rising to the right, any angle alike",
            "cv2.Scharr(dx=1); scikit-image divides by 16"),
    _filter("scharr-y", "-3 -10 -3 / 0  0  0 /  3 10  3", "brightness rising downwards, any angle alike",
            "cv2.Scharr(dy=1); scikit-image divides by 16"),
    _filter("roberts-x", "-1  0 /  0  1", "brightness rising down to the right", "scikit-image roberts_pos_diag"),
    _filter("roberts-y", " 0 -1 /  1  0", "brightness rising down to the left", "scikit-image roberts_neg_diag"),
    *(_kirsch(turns, point) for turns, point in enumerate(("n", "ne", "e", "se", "s", "sw", "w", "nw"))),
    _filter("vertical-line", " 0  1  0 /  0  1  0 /  0  1  0", "sums a column of three", "Brownlee's lesson"),
    _filter("horizontal-line", " 0  0  0 /  1  1  1 /  0  0  0", "sums a row of three", "Brownlee's lesson"),
    _filter("line-0", "-1 -1 -1 /  2  2  2 / -1 -1 -1", "a bright horizontal line", "Gonzalez & Woods"),
    _filter("line-45", "-1 -1  2 / -1  2 -1 /  2 -1 -1", "a bright line rising to the right", "Gonzalez & Woods"),
    _filter("line-90", "-1  2 -1 / -1  2 -1 / -1  2 -1", "a bright vertical line", "Gonzalez & Woods"),
    _filter("line-135", " 2 -1 -1 / -1  2 -1 / -1 -1  2", "a bright line falling to the right", "Gonzalez & Woods"),
)
# fmt: on
FILTERS: Mapping[str, Filter] = {row.name: row for row in _ROWS}


def find_filter(name: str, note: str = "") -> Filter:
    """Return the filter of this name, poolcli's or a package's; `note` says what else to try if there is none.

    Examples
    --------
    >>> find_filter("sobel-x").kernel
    array([[-1,  0,  1],
           [-2,  0,  2],
           [-1,  0,  1]])
    """
    if name in FILTERS:
        return FILTERS[name]
    found = plugins.find_plugin("filter", name, Filter)
    if found is None:
        names = [*FILTERS, *plugins.names("filter")]
        raise UnknownNameError("filter", name, names, note, f"{_purposeful(name)}poolcli filters draws them all")
    return found


def _purposeful(word: str) -> str:
    """Suggest the filters whose purpose contains a word, in the singular or the plural."""
    stem = word.lower().removesuffix("s")
    meant = [row.name for row in FILTERS.values() if stem and {stem, f"{stem}s"} & set(row.purpose.split())]
    return f"did you mean {' or '.join(meant)}? " if meant else ""

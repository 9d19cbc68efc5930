"""The rows: the same classes that poolcli's own tables are made of."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.plugins import MAX, MIN, Filter, Mode, Parameter

# A mode of folds: the largest and the smallest value of a window, and what is made of them.
MIDRANGE = Mode("example-midrange", "(max(x) + min(x)) / 2", (MAX, MIN), lambda high, low, *_: (high + low) / 2)


def _span(cells: NDArray[Any], real: NDArray[np.bool_], percent: float, _: Any) -> NDArray[Any]:
    """Take windows laid out one a row, and which cells take part in each."""
    ends = np.nanpercentile(np.where(real, cells, np.nan), [50 - percent / 2, 50 + percent / 2], axis=1)
    return np.asarray(ends[1] - ends[0])


# A mode of a window's cells with a parameter, where no fold will do.
SPAN = Mode("span", "the width of the middle S percent of sorted x", cells=_span,
            parameter=Parameter("S", "share of the cells in percent", 50, 0, 100))  # fmt: skip

CROSS = Filter("example-cross", ((0, 1, 0), (1, 1, 1), (0, 1, 0)), 5, "average of the four neighbours", "this example")

"""Memory for the intermediate results of a kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray


class Scratch:
    """Does each step of a kernel at once, in new arrays; `poolcli.kernels.replay` records the steps instead."""

    def take(self, shape: Sequence[int], dtype: DTypeLike) -> NDArray[Any]:
        """Return an uninitialised C-contiguous array."""
        return np.empty(shape, dtype)

    def do(self, call: Callable[..., Any], *inputs: Any, out: NDArray[Any]) -> NDArray[Any]:
        """Call ``call(*inputs, out=out)`` and return `out`."""
        call(*inputs, out=out)
        return out


def copy(source: Any, out: NDArray[Any]) -> None:
    """Copy cells or a number, whatever the types."""
    np.copyto(out, source, casting="unsafe")

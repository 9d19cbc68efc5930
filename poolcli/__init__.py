"""Pooling of feature maps in one, two and three dimensions, in Python and on the command line.

Names are loaded on first use, so that ``import poolcli`` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers treat this name as true; importing `typing` would double the time of --version
if TYPE_CHECKING:
    from typing import Any

    from poolcli.errors import PoolcliError
    from poolcli.featuremap import FeatureMap
    from poolcli.formats import read, write
    from poolcli.notebook import Comparison, Explanation, compare, explain
    from poolcli.pooling.gradient import unpool
    from poolcli.steps.functions import conv, grad, pool, relu

__version__ = "1.0.0rc1"

__all__ = [
    "Comparison", "Explanation", "FeatureMap", "PoolcliError", "__version__", "compare", "conv", "explain", "grad",
    "pool", "read", "relu", "unpool", "write",
]  # fmt: skip

_HOME = {
    "Comparison": "notebook",
    "Explanation": "notebook",
    "FeatureMap": "featuremap",
    "PoolcliError": "errors",
    "compare": "notebook",
    "conv": "steps.functions",
    "explain": "notebook",
    "grad": "steps.functions",
    "pool": "steps.functions",
    "read": "formats",
    "relu": "steps.functions",
    "unpool": "pooling.gradient",
    "write": "formats",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    globals()[name] = value
    if name != "PoolcliError":
        from poolcli import featuremap

        featuremap.drawn_by = lambda: import_module(f"{__name__}.notebook")
    return value


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})

"""Pooling of feature maps: one function for 1-D, 2-D and 3-D, and a command line around it.

The names are loaded when they are first used, so that ``import poolcli`` costs nothing.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers take this name for true; importing `typing` would double the time of --version
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

        featuremap.drawn_by = _drawing
    return value


def _drawing() -> Any:
    """Return what draws maps: only a notebook or a screen that asks for it brings it in."""
    from poolcli import notebook

    return notebook


def __dir__() -> list[str]:
    return sorted({*__all__, *(name for name in globals() if name.startswith("__"))})

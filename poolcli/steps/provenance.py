"""Provenance: the recipe in a result, with which a batch can be resumed and a picture replayed.

JSON holds its ``steps``. A PNG holds a text, made by `stamp`, with the steps and the non-default options of reading and
drawing; `poolcli.formats.png_chunks.own_text` finds it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from poolcli.errors import PoolcliError
from poolcli.featuremap import FeatureMap
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.formats.png_chunks import KEYWORD
from poolcli.steps.recipe import from_records
from poolcli.steps.steps import ConvStep, GradStep, PoolStep, Record, Step, without_shapes


@dataclass(frozen=True)
class Provenance:
    """How a result was made: from the same input, the same poolcli makes the same bytes again."""

    steps: Sequence[Record]  # as recorded, without shapes
    ndim: int = 2  # the number of spatial axes
    read: Mapping[str, Any] = field(default_factory=dict)  # the non-default options of reading
    write: Mapping[str, Any] = field(default_factory=dict)  # the non-default options of drawing

    @classmethod
    def of(cls, after: FeatureMap, reading: ReadOptions, writing: WriteOptions) -> Provenance:
        """Describe a result."""
        return cls(without_shapes(after.steps), after.ndim, unusual(reading), unusual(writing))

    @classmethod
    def from_json(cls, value: Any) -> Provenance | None:
        """Read what `json` wrote; None if it is anything else."""
        if not isinstance(value, Mapping) or not isinstance(value.get("steps"), list):
            return None
        ndim, read, write = value.get("ndim", 2), value.get("read", {}), value.get("write", {})
        if ndim not in (1, 2, 3) or not isinstance(read, Mapping) or not isinstance(write, Mapping):
            return None
        return cls(value["steps"], ndim, read, write)

    @classmethod
    def from_text(cls, text: str) -> Provenance | None:
        """Read what `json` wrote from text."""
        with suppress(ValueError, RecursionError):
            return cls.from_json(json.loads(text))
        return None

    def json(self) -> dict[str, Any]:
        """Return it as JSON, without defaults."""
        rest = {"ndim": self.ndim if self.ndim != 2 else None, "read": self.read, "write": self.write}
        return {"steps": list(self.steps), **{key: value for key, value in rest.items() if value}}

    def same(self, steps: Sequence[Step], reading: ReadOptions, writing: WriteOptions) -> bool:
        """Whether these steps and options would make the same result from the same input.

        The first steps may be the input's own, and do not count.
        """
        if len(self.steps) < len(steps) or (self.read, self.write) != (unusual(reading), unusual(writing)):
            return False
        try:
            mine = from_records(self.steps[len(self.steps) - len(steps) :])
            return [_essence(step, self.ndim) for step in mine] == [_essence(step, self.ndim) for step in steps]
        except PoolcliError:  # recorded by another version, or options that do not fit this rank
            return False


def unusual(options: ReadOptions | WriteOptions) -> dict[str, Any]:
    """Return the non-default options that may change the bytes of a result."""
    beside = ("format", "text", "max_pixels")  # the format is in the name, this goes into text, a limit changes nothing
    usual = options._field_defaults
    return {name: value for name, value in options._asdict().items() if name not in beside and value != usual[name]}


def _essence(step: Step, ndim: int) -> Any:
    """Return what a step does, however it was written."""
    import numpy as np

    if isinstance(step, PoolStep):
        return step.name, step.layer(ndim), step.indices
    if isinstance(step, GradStep):
        return step.name, step.pool.layer(ndim), None if step.upstream is None else np.asarray(step.upstream).tolist()
    if isinstance(step, ConvStep):
        return step.name, np.asarray(step.kernel).tolist(), step.window(), float(step.bias)
    return step


def stamp(after: FeatureMap, reading: ReadOptions, writing: WriteOptions) -> dict[str, str]:
    """Return the text to store in a PNG.

    Examples
    --------
    >>> import numpy as np
    >>> from poolcli.featuremap import FeatureMap
    >>> from poolcli.formats.options import ReadOptions, WriteOptions
    >>> stamp(PoolStep().apply(FeatureMap(np.ones((2, 2)))), ReadOptions(), WriteOptions(zoom=2))
    {'poolcli': '{"steps":[{"step":"pool","mode":"max","size":[2,2],"stride":[2,2]}],"write":{"zoom":2}}'}
    """
    from poolcli.formats.json_map import dump

    return {KEYWORD: dump(Provenance.of(after, reading, writing).json()).decode()}


def stamped(after: FeatureMap, reading: ReadOptions, writing: WriteOptions) -> WriteOptions:
    """Return the options for writing a result, with its recipe as the text of a PNG."""
    return writing._replace(text=stamp(after, reading, writing)) if writing.format == "png" else writing

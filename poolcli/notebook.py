"""`explain` and `compare` for Python: their results display themselves in notebooks and terminals."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path, PurePath
from typing import Any, Unpack

from poolcli.analysis.comparison import Variants, compared, labelled
from poolcli.analysis.formulas import sentence
from poolcli.analysis.windows import WindowFact, headline, total, windows
from poolcli.arrays import Array, Held
from poolcli.errors import FILE_NAME, Accepts, PoolcliError, UsageError, in_our_words
from poolcli.featuremap import SPATIAL, FeatureMap
from poolcli.formats.json_map import dump
from poolcli.formats.objects import feature_map_of, knows_axes
from poolcli.pooling.api import spatial_axes
from poolcli.pooling.layer import Pooling
from poolcli.pooling.options import ACCEPTS, FLAG, INDICES, NUMBER, TEXT, WHOLE, Options, Size, accepts
from poolcli.render.files import draw
from poolcli.render.html import comparison_html, in_frame, map_html, windows_html  # noqa: F401 -- for `FeatureMap`
from poolcli.render.kinds import DRAWN_AS, kind_of
from poolcli.render.page import page
from poolcli.render.page.comparison import comparison_page
from poolcli.render.planes import called
from poolcli.render.terminal.comparison import comparison_table
from poolcli.render.terminal.heatmap import Shown  # noqa: F401 -- for `FeatureMap`
from poolcli.render.terminal.table import Look
from poolcli.render.terminal.windows import windows_table
from poolcli.steps.steps import PoolStep
from poolcli.system.files import put
from poolcli.wording import many, safe

MOST_IN_FRAME = 1_000_000  # bytes of a page in a notebook
ROWS = 20  # windows in a table in a terminal


SAVED = {
    "target": FILE_NAME,
    "still": accepts(FLAG, True),
    "fps": accepts(NUMBER, 2),
    "frames": accepts(WHOLE, 10),
    "zoom": accepts(WHOLE, 2),
    "colormap": accepts(TEXT),
}


def _are_names(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list | tuple) and all(isinstance(one, str) for one in value))


SEVERAL = Accepts("a name or a list of them", _are_names, ["max", "avg"])
COMPARED = {
    **ACCEPTS,
    "mode": SEVERAL,
    "compat": SEVERAL._replace(example=None),
    "sides": Accepts(
        "the options of each side by its label",
        lambda value: (
            isinstance(value, Mapping)
            and _are_names([*value])
            and all(isinstance(options, Mapping) for options in value.values())
        ),
        {"a": {"padding": 1}, "b": {"mode": "avg"}},
    ),
}


@dataclass(frozen=True)
class Explanation:
    """The windows of a pooling layer on an input, from `explain`.

    It has a length, yields its windows as plain data, and displays itself in a notebook.

    Attributes
    ----------
    feature_map : FeatureMap
        The input.
    layer : Pooling
        The layer.
    at : tuple of int or None
        The only output cell explained; all if None.
    """

    feature_map: FeatureMap
    layer: Pooling = field(repr=False)
    at: tuple[int, ...] | None = None

    def __len__(self) -> int:
        lead = self.feature_map.values.shape[: -self.layer.ndim]
        if self.at is not None:
            return len([*self.facts()])
        return total(self.layer, self.feature_map.spatial, lead)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield every window as in `poolcli explain --json`: place, cells, values, winners, formula, result."""
        return (fact.record() for fact in self.facts())

    def facts(self) -> Iterator[WindowFact]:
        """Yield every window as a `WindowFact`."""
        return windows(self.layer, self.feature_map.spatial, self.feature_map.values, self.at)

    @in_our_words(SAVED)
    def save(self, target: str | Path, **options: Any) -> None:
        """Write a page, an animation or a picture (.html, .gif, .apng, .png, .svg), or the data (.json).

        Parameters
        ----------
        target : str or Path
            The file, replaced atomically if it exists.
        **options
            ``still=True`` for the finished picture, ``fps``, ``frames`` and ``zoom`` for an animation, ``colormap``.

        Raises
        ------
        UsageError
            If the extension is unknown, or an option does nothing for this kind of file.
        FileError
            If the file cannot be written.
        """
        if PurePath(target).suffix.lower() == ".json":
            put(target, dump([*self]) + b"\n")
            return
        data, _ = draw(self.feature_map, self.layer, kind_of(str(target)), **{"at": self.at, **options})
        put(target, data)

    @property
    def headline(self) -> str:
        """The layer and the shapes in one line."""
        return headline(self.layer, self.feature_map.spatial)

    def _repr_html_(self) -> str:
        plain = windows_html(self.facts(), len(self), self.headline, sentence(self.layer))
        return _in_frame(lambda: page(called(self.feature_map), self.layer, at=self.at), plain)

    def __rich__(self) -> Any:
        shown = [*islice(self.facts(), ROWS)]
        left = len(self) - len(shown)
        footer = f"and {many(left, 'more window')}" if left else None
        return windows_table(shown, headline=self.headline, sentence=sentence(self.layer), footer=footer)

    def __repr__(self) -> str:
        return f"<Explanation of {safe(self.feature_map.name)}: {self.headline}, {many(len(self), 'window')}>"


@dataclass(frozen=True)
class Comparison:
    """The same input under several modes or conventions, from `compare`.

    Attributes
    ----------
    feature_map : FeatureMap
        The input.
    sides : Variants
        The sides, each with its values or the reason for having none.
    """

    feature_map: FeatureMap
    sides: Variants = field(repr=False)

    @property
    def values(self) -> dict[str, Array]:
        """The results by label, with their axes in the input's order; refused sides are missing."""
        made = {side.label: side.values for side in self.sides.variants}
        return {label: self.feature_map.in_layout(values) for label, values in made.items() if values is not None}

    @property
    def refusals(self) -> dict[str, str]:
        """The reasons for refusal, by label."""
        return {side.label: side.refusal for side in self.sides.variants if side.values is None}

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the sides differ, one sentence per rule."""
        return self.sides.reasons

    def __len__(self) -> int:
        return len(self.sides.variants)

    def __iter__(self) -> Iterator[str]:
        """Yield the labels."""
        return (side.label for side in self.sides.variants)

    @in_our_words(SAVED)
    def save(self, target: str | Path) -> None:
        """Write a page (.html) or the data (.json).

        Raises
        ------
        UsageError
            If the extension is neither.
        FileError
            If the file cannot be written.
        """
        kind = PurePath(target).suffix.lower()
        if kind == ".json":
            data = {label: values.tolist() for label, values in self.values.items()}
            put(target, dump({"values": data, "refused": self.refusals, "why": self.reasons}) + b"\n")
        elif DRAWN_AS.get(kind) == "page":
            put(target, comparison_page(called(self.feature_map), self.sides))
        else:
            raise UsageError(f"a comparison cannot be written as {str(target)!r}", "known: .html, .htm, .json")

    def _repr_html_(self) -> str:
        plain = comparison_html(self.feature_map, self.sides)
        return _in_frame(lambda: comparison_page(called(self.feature_map), self.sides), plain)

    def __rich__(self) -> Any:
        return comparison_table(self.feature_map, self.feature_map, self.sides, Look())

    def __repr__(self) -> str:
        return f"<Comparison of {', '.join(self)} on {safe(self.feature_map.name)}>"


def _in_frame(make: Callable[[], bytes], plain: str) -> str:
    """Return a page in a frame, or plain HTML if the page is too large or cannot show the map."""
    try:
        framed = in_frame(make(), plain)
    except PoolcliError:
        return plain
    return framed if len(framed.encode("utf-8", "replace")) <= MOST_IN_FRAME else plain


@in_our_words({**ACCEPTS, "at": accepts(INDICES, (0, 0))})
def explain(
    x: Held | FeatureMap,
    mode: str = "max",
    size: Size = None,
    *,
    at: Sequence[int] | None = None,
    ndim: int | None = None,
    layout: str | None = None,
    **options: Unpack[Options],
) -> Explanation:
    """Explain every window of a pooling layer: position, cells, deciding cells and arithmetic.

    Parameters
    ----------
    x, mode, size, ndim, layout, **options
        As in `poolcli.pool`.
    at : sequence of int, optional
        A single output cell, counted from 0; the index of its plane comes first if there are several.

    Returns
    -------
    Explanation
        Iterate over it for plain data, ``save`` a page or a picture, or display it in a notebook.

    Raises
    ------
    PoolcliError
        As `poolcli.pool` would.

    Examples
    --------
    >>> told = explain([[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]], "avg")
    >>> len(told), told.headline
    (4, 'avg 2x2, stride 2x2: 4x4 -> 2x2')
    >>> [(window["at"], window["formula"], window["result"]) for window in told][:2]
    [([0, 0], '(1 + 3 + 5 + 6) / 4', 3.75), ([0, 1], '(2 + 9 + 1 + 7) / 4', 4.75)]
    """
    feature_map = _as_map(x, size, ndim, layout, options)
    layer = Pooling.of(feature_map.ndim, mode, size, **options)
    made = Explanation(feature_map, layer, None if at is None else tuple(at))
    next(made.facts())  # refuse what cannot be pooled now, not on display
    return made


@in_our_words(COMPARED)
def compare(
    x: Held | FeatureMap,
    *,
    mode: str | Sequence[str] | None = None,
    compat: str | Sequence[str] | None = None,
    sides: Mapping[str, Mapping[str, Any]] | None = None,
    size: Size = None,
    ndim: int | None = None,
    layout: str | None = None,
    **options: Any,
) -> Comparison:
    """Pool the same input with several modes or frameworks, and say why the results differ.

    Parameters
    ----------
    x, size, ndim, layout, **options
        As in `poolcli.pool`; shared by all sides.
    mode : str or sequence of str, optional
        The modes; ``max`` if missing.
    compat : str or sequence of str, optional
        The frameworks; ``poolcli`` stands for poolcli's own rules. A single name is compared with poolcli itself.
    sides : mapping of str to mapping, optional
        Instead of both: the options of each side, by label.

    Returns
    -------
    Comparison
        It has ``values`` by label and ``reasons``, can ``save`` a page, and displays itself in a notebook.

    Raises
    ------
    UsageError
        If there is nothing to compare.
    PoolcliError
        If every side is refused.

    Examples
    --------
    >>> made = compare([[1, 3], [3, 2]], mode=["max", "avg"])
    >>> {label: values.tolist() for label, values in made.values.items()}
    {'max': [[3]], 'avg': [[2.25]]}
    >>> print(*compare([[1.0, 2.0, 3.0]] * 3, compat="onnx", mode="avg", padding=1).reasons)
    the default stride is the window's size in poolcli and 1 in ONNX
    """
    feature_map = _as_map(x, size, ndim, layout, options)
    own = _modes_and_frameworks(mode, compat) if sides is None else sides
    steps = {label: _side({"size": size, **options, **more}) for label, more in own.items()}
    if len(steps) < 2:
        raise UsageError("there is nothing to compare", 'name several, such as mode=["max", "avg"]')
    return Comparison(feature_map, compared(feature_map, steps))


def _modes_and_frameworks(
    mode: str | Sequence[str] | None, compat: str | Sequence[str] | None
) -> dict[str, dict[str, Any]]:
    modes = [mode or "max"] if isinstance(mode, str | None) else [*mode]
    names = [] if compat is None else [compat] if isinstance(compat, str) else [*compat]
    return {label: {"mode": one, "compat": name} for label, one, name in labelled(modes, names)}


def _side(options: Any) -> PoolStep:
    return PoolStep(options.pop("mode", "max"), options.pop("size"), options)


def _as_map(x: Any, size: Size, ndim: int | None, layout: str | None, options: Mapping[str, Any]) -> FeatureMap:
    """Return `x` as a map; the options may say how many axes of a bare array are spatial."""
    feature_map = feature_map_of(x, layout)
    if knows_axes(x, layout):
        return feature_map
    number = spatial_axes(feature_map.values.shape, ndim, size, options)
    lead = feature_map.values.ndim - number
    return FeatureMap.from_array(feature_map.values, "N" * (lead - 1) + "C" * (lead > 0) + SPATIAL[number - 1])

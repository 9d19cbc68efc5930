"""A self-contained, interactive page for a pooling layer on a feature map.

The page holds the input and the layer; its script `pool.js` does poolcli's arithmetic, so that readers can change mode
and window. `maps.js` draws, `page.js` handles events, `kinds.js` has the differences between the pages of ``explain``,
``shift`` and ``compare``. A Content-Security-Policy with hashes of script and style keeps everything else from running
or loading.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.resources import files
from typing import Any

import numpy as np

from poolcli.analysis.comparison import compared
from poolcli.analysis.windows import windows
from poolcli.colors import CENTRED, COLORMAPS, interpolated, usual_colormap
from poolcli.errors import LimitError, UsageError
from poolcli.featuremap import FeatureMap, named_planes
from poolcli.pooling.framework import LayerFacts
from poolcli.pooling.frameworks import OWN, UNSEEN
from poolcli.pooling.layer import Pooling
from poolcli.pooling.modes import MODES, ChosenMode, Mode, lacking
from poolcli.pooling.options import KEPT
from poolcli.render.planes import shrinking
from poolcli.steps import steps
from poolcli.steps.steps import PoolStep
from poolcli.system.portable import shell_word
from poolcli.window import Axis, times
from poolcli.wording import Phrase, Typed, safe

MOST_ASKED = 400  # output cells of an exercise
MOST_GIVEN = 1300  # cells of its input with padding, all of which show numbers
MOST_PAGE_CELLS = 2**18
EXACT_DOUBLES = 2**53  # larger integers are not all doubles
NOT_FOR_THE_SCRIPT = ("compat", "seed", "storage_order")  # become windows and quirks, or change no value
OFF_PAGE = Typed(Phrase("leave out {output} for a table"), "print it for a table")
AS_TABLE = Phrase("{way}use another {mode}", way=Typed(Phrase("leave out {output} for a table, or ")))
PAGE_SCRIPTS = ("pool.js", "quiz.js", "maps.js", "kinds.js", "page.js")  # in the order of the page


def page(
    feature_map: FeatureMap,
    layer: Pooling,
    *,
    colormap: str | None = None,
    at: Sequence[int] | None = None,
    exercise: bool = False,
    named: bool = False,
) -> bytes:
    """Make the page: UTF-8 HTML that needs no other file and no network.

    The map has one or two spatial axes; the reader can choose between planes of the leading axes. The page starts with
    this layer, and with the output cell `at`, or the first. Without a colour map it is the usual one for the map. An
    exercise asks for the output, and prints as a sheet with solutions. If `named`, cells show their positions instead
    of numbers.
    """
    layer = scripted_layer(feature_map, layer)
    if exercise:
        _check_length(layer.plan(feature_map.spatial))
    limits = exercise and {"asked": MOST_ASKED, "given": MOST_GIVEN}
    own = {"at": _number_of(at, feature_map, layer), "exercise": limits, "named": named}
    title = f"{safe(feature_map.name)}: {steps.text(layer.record())} pooling"
    described = layer_data(layer, feature_map.values.dtype, feature_map.spatial)
    data = {**data_of(feature_map, colormap), "layer": described, **own}
    heading = "Pooling: work out every cell of the output" if exercise else "Pooling, window by window"
    return filled_page("windows", heading, title, data, [layer])


def _check_length(axes: Sequence[Axis]) -> None:
    """Refuse an exercise with too many output or input cells."""
    asked, given = math.prod(map(len, axes)), math.prod(axis.before + axis.length + axis.after for axis in axes)
    for cells, kind, most in ((asked, "output", MOST_ASKED), (given, "input", MOST_GIVEN)):
        if cells > most:
            raise LimitError(
                f"an exercise of {cells} {kind} cells is too long: at most {most}",
                "take a smaller map, or larger windows" if kind == "output" else "take a smaller map",
            )


def filled_page(kind: str, heading: str, title: str, data: Mapping[str, Any], layers: Sequence[Pooling]) -> bytes:
    """Fill the template of all pages.

    `kind` is a name of ``Kinds`` in ``kinds.js``. The heading and the title of the tab are plain text, and the data are
    ``DATA`` in the scripts, which also know the modes of these layers.
    """
    modes = {name: row for layer in layers for name, row in _known(layer).items()} or MODES
    rows = "\n".join(f"    {_scripted(row)}," for row in modes.values() if row.script)
    style, script = _part("page.css"), "".join(map(_part, PAGE_SCRIPTS)).replace("@modes@", rows)
    policy = (
        f"default-src 'none'; script-src '{_hash(script)}'; style-src '{_hash(style)}'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )
    filled = {
        "policy": policy,
        "heading": html.escape(heading),
        "title": html.escape(title),
        "style": style,
        "script": script,
        "data": _embedded({"kind": kind, **data}),
    }
    # in one pass, so that inserted text is never taken for a placeholder
    made = re.sub(r"@(policy|heading|title|style|script|data)@", lambda found: filled[found[1]], _part("page.html"))
    return made.encode("utf-8", "replace")


def _number_of(at: Sequence[int] | None, feature_map: FeatureMap, layer: Pooling) -> int:
    """Return the number of an output cell, counted row by row."""
    if at is None:
        return 0
    (fact,) = [*windows(layer, feature_map.spatial, at=at)]
    return int(np.ravel_multi_index(fact.at, [len(axis) for axis in layer.plan(feature_map.spatial)]))


def scripted_layer(feature_map: FeatureMap, layer: Pooling) -> Pooling:
    """Return a layer for the page's script, without its framework if that changes nothing on this map.

    A map that a page cannot show, or a layer that its script cannot compute, is an error.
    """
    check_map(feature_map)
    mode = layer.mode.mode
    if mode.random:  # a page does not have NumPy's generator
        raise UsageError(f"a page cannot compute mode {layer.mode}, which draws at random", AS_TABLE)
    for option in KEPT:
        if getattr(layer, option.name) != option.default and option.json not in (*NOT_FOR_THE_SCRIPT, *known_options()):
            raise UsageError(Phrase(f"a page cannot use {{{option.name}}}"), AS_TABLE)
    if not mode.script:
        raise UsageError(f"a page cannot compute mode {layer.mode}, which {lacking(mode, 'script')}", AS_TABLE)
    layer.apply(feature_map.values)
    return layer if _scripts(layer, feature_map.values.dtype) else _in_own_words(feature_map, layer)


def check_map(feature_map: FeatureMap) -> None:
    """Refuse a map that a page cannot show."""
    if feature_map.ndim > 2:
        raise UsageError(
            f"a page shows one or two spatial axes, but {feature_map.layout} has {feature_map.ndim}",
            Phrase("{layout}, with windows of two axes, to see every slice; or {way}", layout="CHW", way=OFF_PAGE),
        )
    if feature_map.values.size > MOST_PAGE_CELLS:
        side, lead = math.isqrt(MOST_PAGE_CELLS), feature_map.values.size // math.prod(feature_map.spatial)
        raise LimitError(
            f"the input {times(feature_map.shape)} has {feature_map.values.size} cells, but a page holds at most "
            f"{MOST_PAGE_CELLS}, such as {side}x{side}",
            shrinking(feature_map.spatial, lambda sides: lead * math.prod(sides) <= MOST_PAGE_CELLS),
        )


def _scripts(layer: Pooling, dtype: np.dtype[Any]) -> bool:
    """Whether the script knows every rule of the layer's framework."""
    row = layer.framework
    if row is None or row.counting or row.holes or (row.rounding, row.too_large) != (OWN.rounding, OWN.too_large):
        return row is None
    return all(made == MODES.get(name, made) or made.page for name, made in versions(layer, dtype).items())


def _in_own_words(feature_map: FeatureMap, layer: Pooling) -> Pooling:
    """Return a layer without its framework; refuse it, with the reason, if that changes the values."""
    said = {**layer.record(), "count_include_pad": layer.count_include_pad, "ceil_mode": layer.window.ceil_mode}
    sides = [PoolStep.from_record({**said, "compat": name}) for name in (layer.compat, None)]
    made = compared(feature_map, {str(layer.compat): sides[0], OWN.name: sides[1]})
    if made.reasons and layer.framework:
        why = f"a page cannot do what {layer.framework.title} does differently here: {'; '.join(made.reasons)}"
        raise UsageError(why, AS_TABLE)
    return sides[1].layer(feature_map.ndim)


def known_options() -> set[str]:
    """Return the options of a layer that the page's script uses."""
    return set(re.findall(r"\blayer\.(\w+)", _part("pool.js")))


def _part(name: str) -> str:
    return files(__name__).joinpath(name).read_text(encoding="utf-8")


def _known(layer: Pooling) -> dict[str, Mode]:
    """Return the modes in the page: poolcli's, and the layer's, which may come from another package."""
    return {**MODES, layer.mode.mode.name: layer.mode.mode}


def _scripted(mode: Mode) -> str:
    """Return the row of a mode for ``pool.js``: its properties, and the function that computes it."""
    known = {
        "label": mode.title or mode.name, "says": mode.says or mode.does, "written": mode.written,
        "winners": mode.winners, "divides": mode.divides,
        "unseen": f"{UNSEEN[mode.name]:g}" if mode.name in UNSEEN else None,
        "parameter": mode.parameter._asdict() if mode.parameter else None,
    }  # fmt: skip
    return f"{json.dumps(mode.name)}: {{ ...{_embedded(known)}, reduce: (x, n, p) => {mode.script} }}"


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _embedded(data: Mapping[str, Any]) -> str:
    """Write JSON for a script element: without ``<``, NaN as null, infinities as 1e999."""
    words = {"NaN": "null", "Infinity": "1e999", "-Infinity": "-1e999"}
    text = json.dumps(data, separators=(",", ":"), ensure_ascii=True, allow_nan=True)
    text = re.sub(r'"(?:[^"\\]|\\.)*"|-?\b(?:NaN|Infinity)\b', lambda found: words.get(found[0], found[0]), text)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def data_of(feature_map: FeatureMap, colormap: str | None) -> dict[str, Any]:
    """Return the scripts' data about a map, with defaults for a page without a layer."""
    values, planes = feature_map.values, list(named_planes(feature_map, feature_map.values))
    rows, columns = (1, *feature_map.spatial)[-2:]
    name = safe(feature_map.name)
    whole = values.dtype.kind in "iub"
    exact = not whole or values.size == 0 or max(-int(values.min()), int(values.max())) <= EXACT_DOUBLES
    return {
        "name": name,
        "quoted": shell_word(name) if name == feature_map.name else "INPUT",
        "shape": f"{times(feature_map.shape)} {feature_map.layout}",
        "dtype": str(values.dtype),
        "ndim": feature_map.ndim,
        "rows": rows,
        "columns": columns,
        "planes": [place for place, _ in planes],
        "values": [plane_numbers(plane) for _, plane in planes],
        "colormap": colormap or usual_colormap(feature_map.white),
        "layer": None,
        "at": 0,
        "exercise": False,
        "named": False,
        "colormaps": {name: base64.b64encode(interpolated(anchors)).decode() for name, anchors in COLORMAPS.items()},
        "centred": list(CENTRED),
        "exactness": "" if exact else (
            "Some numbers of this map are too large for a page to hold exactly: their last digits may differ from "
            "those that poolcli computes."
        ),
    }  # fmt: skip


def plane_numbers(plane: np.ndarray[Any, Any]) -> list[Any]:
    """Return the values of a plane for JSON, row by row."""
    if plane.dtype.kind == "f":
        plane = plane.astype(np.float64)
        return [int(x) if x.is_integer() and abs(x) < EXACT_DOUBLES and (x or math.copysign(1, x) > 0) else x
                for x in plane.ravel().tolist()]  # fmt: skip
    return plane.astype(np.uint8).ravel().tolist() if plane.dtype.kind == "b" else plane.ravel().tolist()


def layer_data(layer: Pooling, dtype: np.dtype[Any], spatial: tuple[int, ...]) -> dict[str, Any]:
    """Return a layer for ``pool.js`` on a map of this type and spatial shape; a line has windows one cell high."""
    window, one = layer.window, layer.ndim == 1
    parameter, rows = layer.mode.parameter, versions(layer, dtype)

    def pair(numbers: tuple[Any, ...], missing: Any) -> list[Any]:
        both = numbers or (missing,) * layer.ndim
        return [missing, *both] if one else list(both)

    padding = window.padding if isinstance(window.padding, str) else pair(window.padding, (0, 0))
    kind = "given" if window.kind.startswith("fractional") else window.kind
    data = {
        "mode": layer.mode.mode.name,
        "parameter": None if math.isnan(parameter) else parameter,
        "kind": kind,
        "size": pair(window.size, 1 if one else 2),
        "stride": pair(window.stride, 1 if one else 2),
        "padding": padding,
        "dilation": pair(window.dilation, 1),
        "ceil_mode": window.ceil_mode,
        "output_size": pair(tuple(n or length for n, length in zip(window.output_size, spatial, strict=False)), 1),
        **{option.json: getattr(layer, option.name) for option in KEPT},
        "nan": "ignore" if layer.nan == "ignore" else "propagate",
        "same_ignores_dilation": window.same_ignores_dilation,
        "quirks": {name: row.page for name, row in rows.items() if row.page},
        "written": {name: row.written or f"x = {{,}}; {row.formula}" for name, row in rows.items()},
        "largest": _largest(dtype),
    }
    if kind == "given":
        data["given"] = pair(tuple(([*axis.starts], [*axis.stops]) for axis in window.plan(spatial)), ((0,), (1,)))
    return data


def _largest(dtype: np.dtype[Any]) -> float:
    """Return the number that onnxruntime starts a minimum with."""
    if dtype.kind != "f":
        return 0
    return float(np.finfo(dtype).max) if dtype.itemsize > 2 else float("inf")


def versions(layer: Pooling, dtype: np.dtype[Any]) -> dict[str, Mode]:
    """Return the row of every mode in the page, in the version of the layer's framework."""
    made = _known(layer)
    for name in layer.framework.modes if layer.framework else ():
        parameter = MODES[name].parameter
        chosen = ChosenMode(MODES[name], parameter.example if parameter else math.nan)
        changed = replace(layer, mode=layer.mode if layer.mode.mode.name == name else chosen)
        made[name] = changed.framework.row(LayerFacts(changed, dtype)) if changed.framework else MODES[name]
    return made

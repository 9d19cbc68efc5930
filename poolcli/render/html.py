"""Maps, windows and comparisons as plain HTML for notebooks, without scripts or network."""

from __future__ import annotations

import base64
import html
import io
import math
from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from poolcli.analysis.comparison import Variants
from poolcli.analysis.formulas import brief, number
from poolcli.analysis.windows import WindowFact
from poolcli.colors import Scale, hexadecimal, ink, usual_colormap
from poolcli.featuremap import FeatureMap
from poolcli.render.planes import called, reduced, shown_planes, summary
from poolcli.steps.steps import text
from poolcli.wording import many, printable, safe

Array = NDArray[Any]
NUMBERED = (12, 12)  # most rows and columns with numbers in the cells
MOST_NUMBERED = 600  # cells with numbers, in all planes together
SIDES = (256, 64)  # most cells along a side of a picture, for a single plane and for several
SHOWN_SIDE = 256  # pixels of a picture's longer side
WINDOWS_LISTED = 6  # explained one by one
MOST_CELLS_LISTED = 81  # of one window


def map_html(feature_map: FeatureMap) -> str:
    """Draw a map as a small heat map, with its shape, layout and steps below, in at most some 150 kB.

    Examples
    --------
    >>> "shape 1x2 (HW)" in map_html(FeatureMap(np.array([[6, 9]])))
    True
    """
    planes, hidden = shown_planes(feature_map)
    scale = Scale.of([plane for _, plane in planes], usual_colormap(feature_map.white))
    drawn = [_plane(label, plane, scale, planes) for label, plane in planes]
    words = [f"{safe(called(feature_map).name)}: {summary(feature_map, 'magenta')}"]
    words += [f"the first {len(planes)} of {hidden + len(planes)} planes"] if hidden else []
    done = [f"{step['step']} {text(step)}".strip() for step in feature_map.steps]
    words += [f"steps: {safe('; '.join(done), 400)}"] if done else []
    return f"<div>{_row(drawn)}{''.join(map(_paragraph, words))}</div>"


def _row(drawn: Iterable[str]) -> str:
    return f'<div style="display:flex;flex-wrap:wrap;gap:1em">{"".join(drawn)}</div>'


def _paragraph(words: str) -> str:
    return f'<p style="margin:.3em 0">{_text(words)}</p>'


def _text(words: str) -> str:
    return html.escape(printable(words))


def _plane(
    label: str, plane: Array, scale: Scale, planes: Sequence[Any], marks: NDArray[np.bool_] | None = None
) -> str:
    rows, columns = plane.shape
    if rows <= NUMBERED[0] and columns <= NUMBERED[1] and rows * columns * len(planes) <= MOST_NUMBERED:
        body = _numbers(plane, scale, marks)
    else:
        body = _image(plane, scale, SIDES[len(planes) > 1])
        if marks is not None and marks.any():
            body += _paragraph(f"{int(marks.sum())} of {marks.size} values differ from the first")
    return f"<div>{f'<div>{_text(label)}</div>' if label else ''}{body}</div>"


def _numbers(plane: Array, scale: Scale, marks: NDArray[np.bool_] | None = None) -> str:
    colors = scale.rgb(plane)
    rows = []
    for r, row in enumerate(plane):
        cells = []
        for c, value in enumerate(row):
            back: Any = tuple(colors[r, c].tolist())
            how = f"background:{hexadecimal(back)};color:{hexadecimal(ink(back))};text-align:center;padding:.4em .5em"
            star = " *" if marks is not None and marks[r, c] else ""
            cells.append(f'<td style="{how}">{_text(brief(value.item()))}{star}</td>')
        rows.append(f"<tr>{''.join(cells)}</tr>")
    return f'<table style="border-collapse:separate;border-spacing:1px">{"".join(rows)}</table>'


def _image(plane: Array, scale: Scale, side: int) -> str:
    small = reduced(plane, math.ceil(max(plane.shape) / side))
    target = io.BytesIO()
    Image.fromarray(scale.rgb(small)).quantize(256).save(target, "PNG", optimize=True)
    rows, columns = small.shape
    by = max(SHOWN_SIDE / max(rows, columns), 1)
    size = f'width="{max(round(columns * by), 1)}" height="{max(round(rows * by), 1)}"'
    data = base64.b64encode(target.getvalue()).decode()
    return f'<img alt="heat map" {size} style="image-rendering:pixelated" src="data:image/png;base64,{data}">'


# --- windows ----------------------------------------------------------------------------------------------------------


def windows_html(facts: Iterable[WindowFact], total: int, headline: str, sentence: str) -> str:
    """Write the first few windows as a table."""
    rows = [_window(fact) for fact in islice(facts, WINDOWS_LISTED)]
    heads = "".join(f'<th style="text-align:left">{head}</th>' for head in ("output", "cells", "arithmetic"))
    more = _paragraph(f"and {many(total - len(rows), 'more window')}") if total > len(rows) else ""
    return (
        f"<div>{_paragraph(headline)}{_paragraph(sentence)}<table><tr>{heads}</tr>{''.join(rows)}</table>{more}</div>"
    )


def _window(fact: WindowFact) -> str:
    at = ",".join(map(str, (*fact.plane, *fact.at)))
    if fact.size > MOST_CELLS_LISTED:
        cells = f"{fact.size} cells"
    else:
        across = fact.shape[-1]
        words = ["·" if cell.value is None else number(cell.value) for cell in fact.cells]
        marked = [
            f"<b>{_text(word)}</b>" if cell.at in fact.winners else _text(word)
            for cell, word in zip(fact.cells, words, strict=True)
        ]
        cells = "<br>".join(" &nbsp; ".join(marked[i : i + across]) for i in range(0, len(marked), across))
    result = "" if fact.result is None else f" = <b>{_text(number(fact.result))}</b>"
    left = 'style="text-align:left;vertical-align:top"'
    return f"<tr><td {left}>{at}</td><td {left}>{cells}</td><td {left}>{_text(fact.formula)}{result}</td></tr>"


# --- comparisons ------------------------------------------------------------------------------------------------------


def comparison_html(before: FeatureMap, made: Variants) -> str:
    """Draw the sides of a comparison side by side, with stars at differences and the reasons below."""
    answered = [variant.values for variant in made.variants if variant.values is not None]
    scale = Scale.of(answered)
    sides = []
    for variant in made.variants:
        if variant.values is None:
            sides.append(f"<div><b>{_text(variant.label)}</b>{_paragraph(variant.refusal)}</div>")
            continue
        planes, hidden = shown_planes(before.with_(values=variant.values))
        flags, _ = shown_planes(before.with_(values=made.marks(variant)))
        drawn = [
            _plane(label, plane, scale, planes, marks if made.marked else None)
            for (label, plane), (_, marks) in zip(planes, flags, strict=True)
        ]
        left_out = _paragraph(f"and {many(hidden, 'more plane')}") if hidden else ""
        sides.append(f"<div><b>{_text(variant.label)}</b>{''.join(drawn)}{left_out}</div>")
    reasons = "".join(f"<li>{_text(reason)}</li>" for reason in made.reasons)
    differing = made.marked and any(
        variant.values is not None and np.any(made.marks(variant)) for variant in made.variants
    )
    legend = _paragraph("* differs from the first") if differing else ""
    return f"<div>{_row(sides)}{legend}{f'<ul>{reasons}</ul>' if reasons else ''}</div>"


# --- frames -----------------------------------------------------------------------------------------------------------


def in_frame(page: bytes, plain: str) -> str:
    """Put a page into a sandboxed frame, with `plain` HTML for where frames are removed.

    A style sheet hides the plain HTML. GitHub and notebooks that are not trusted remove both the frame and the style
    sheet, so that it appears.
    """
    inner = html.escape(page.decode("utf-8"), quote=True)
    look = "width:100%;height:46rem;border:1px solid #8886;border-radius:6px;background:Canvas"
    return (
        f"<div><style>iframe.poolcli-page + div.poolcli-plain {{ display: none }}</style>"
        f'<iframe class="poolcli-page" sandbox="allow-scripts" referrerpolicy="no-referrer" '
        f'title="Maps and windows" style="{look}" srcdoc="{inner}"></iframe>'
        f'<div class="poolcli-plain">{plain}</div></div>'
    )

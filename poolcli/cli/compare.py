"""``poolcli compare``."""

from __future__ import annotations

from typing import Annotated, Any

from poolcli.cli.deliver import as_network_input, check_output, chosen_input, load, look, put
from poolcli.cli.grammar import option
from poolcli.cli.options import (
    WINDOW,
    Input,
    Reading,
    Showing,
    Talking,
    Windowing,
    Writing,
    framework_names,
    mode_names,
)
from poolcli.comparison import Comparison
from poolcli.comparison import compare as compared
from poolcli.errors import UsageError
from poolcli.featuremap import FeatureMap
from poolcli.steps import PoolStep


class Comparing(Windowing):
    """Windows under several modes or frameworks."""

    mode: Annotated[
        str, option("-m", "--mode", help="One mode, or several with commas: max,avg,min.", panel=WINDOW,
                    metavar="NAME,...", choices=mode_names, free=True)
    ] = "max"  # fmt: skip
    compat: Annotated[
        str | None, option("--compat", help="Frameworks with commas: torch,keras,onnx; poolcli is poolcli's own rules.",
                           panel=WINDOW, metavar="NAME,...", choices=framework_names, free=True)
    ] = None  # fmt: skip

    def variants(self) -> dict[str, PoolStep]:
        """Return every mode under every framework, with a label each."""
        modes, names = _listed(self.mode), _listed(self.compat or "poolcli")
        made = {}
        for mode in modes:
            for name in names:
                label = mode if len(names) == 1 else name if len(modes) == 1 else f"{mode}, {name}"
                made[label] = self.but(mode=mode, compat=None if name == "poolcli" else name).step()
        return made


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def compare(
    given: Input = None,
    *,
    window: Comparing,
    showing: Showing,
    reading: Reading,
    writing: Writing,
    talking: Talking,
) -> None:
    """Show the same windows under several modes, or as several frameworks have them, side by side.

    Examples
    --------
    poolcli compare --mode max,avg,min input.csv
    poolcli compare --compat torch,keras,onnx --mode avg --padding same input.csv
    poolcli compare --mode max,avg --size 4 --show photo.jpg
    """
    variants = window.variants()
    if len(variants) < 2:
        raise UsageError("there is nothing to compare", "name several: --mode max,avg or --compat torch,keras,onnx")
    if writing.chosen_format not in ("table", "json"):
        raise UsageError(f"a comparison cannot be written as {writing.chosen_format}", "use a table or --json")
    source = chosen_input(given)
    check_output([source], writing)
    before = load(source, reading, talking)
    if window.compat:
        before = as_network_input(before)
    made = compared(before, variants)
    text = _as_json(before, made) if writing.chosen_format == "json" else _as_table(before, made, window, writing)
    answered = [variant for variant in made.variants if variant.values is not None]
    maps = [before.with_(values=variant.values, name=variant.label) for variant in answered]
    showing.draw(writing, [before, *maps], ["input", *(variant.label for variant in answered)])
    put(writing.output, text)


def _as_table(before: FeatureMap, made: Comparison, window: Comparing, writing: Writing) -> bytes:
    import sys

    from poolcli.cli.console import rendered
    from poolcli.render.comparison import comparison_table

    marked = "," in (window.compat or "")
    drawn = comparison_table(before, made, look(writing), marked=marked)
    encoding = getattr(sys.stdout, "encoding", None) or "utf-8"
    return rendered(drawn, color=writing.color, width=look(writing).width).encode(encoding, "replace")


def _as_json(before: FeatureMap, made: Comparison) -> bytes:
    import orjson

    rows: list[dict[str, Any]] = []
    for variant in made.variants:
        values = None if variant.values is None else before.in_layout(variant.values)
        rows.append({"label": variant.label, "refused": variant.refusal or None,
                     "shape": None if values is None else values.shape,
                     "data": None if values is None else values.tolist()})  # fmt: skip
    return orjson.dumps({"variants": rows, "why": made.reasons}, option=orjson.OPT_INDENT_2) + b"\n"

"""``poolcli compare``."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from poolcli.analysis.comparison import (
    COMPARABLE,
    OWN_RULES,
    Variant,
    Variants,
    advice_for,
    changed,
    compared,
    labelled,
    usual_options,
    variant_of,
)
from poolcli.cli.checks import check_target_apart, chosen_input, files_read
from poolcli.cli.console import width_of_output
from poolcli.cli.options.files import FOR_PICTURES, FOR_TABLES, INPUT_FILE, InputOutput, Writing
from poolcli.cli.options.grammar import option, refuse_idle
from poolcli.cli.options.panels import WINDOW
from poolcli.cli.options.steps import FilterOptions
from poolcli.cli.options.terminal import ShowOption
from poolcli.cli.options.windows import Windowing
from poolcli.cli.pipeline import as_network_input, look, take_in
from poolcli.cli.shapes import shape_alone
from poolcli.cli.words import spoken
from poolcli.errors import CompatError, UnknownNameError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.pooling.frameworks import framework_names, verified
from poolcli.pooling.options import OPTIONS, PoolOption, mode_names, sizes_text
from poolcli.render.kinds import is_page
from poolcli.steps.shapes import Signal
from poolcli.steps.steps import PoolStep, apply, with_threads
from poolcli.system.limits import check_memory
from poolcli.system.portable import shell_word
from poolcli.wording import Phrase, called_here, enumerated


class Comparing(Windowing, panel=WINDOW):
    """Windows under several modes or frameworks."""

    mode: str = option(
        "max",
        "One mode, or several separated by commas: max,avg,min.",
        "-m",
        metavar="NAME,...",
        choices=mode_names,
        free=True,
    )
    compat: str | None = option(
        None, "Comma-separated frameworks: torch,litert; poolcli stands for its own rules.", metavar="NAME,...",
        choices=(*framework_names(), OWN_RULES), free=True,
    )  # fmt: skip

    side: list[str] | None = option(
        None, "A framework with its own options, such as 'torch padding=1'; may be repeated.", many=True,
        metavar="'NAME OPTION=VALUE ...'",
    )  # fmt: skip

    def variants(self) -> dict[str, PoolStep]:
        """Return the steps to compare by label: every mode under every framework, or every side."""
        if self.side:
            if self.compat:
                raise UsageError("--side and --compat cannot be combined", "name the framework in every --side")
            return {text: self._side(text) for text in self.side}
        chosen = labelled(_listed(self.mode), _listed(self.compat or ""))
        return {label: self.but(mode=mode, compat=name).step() for label, mode, name in chosen}

    def _side(self, text: str) -> PoolStep:
        name, *settings = text.split() or [""]
        known = {row.json: row for row in OPTIONS if row.typed}
        given: dict[str, Any] = {}
        for setting in settings:
            key, equals, value = setting.partition("=")
            row = known.get(key.replace("-", "_"))
            if row is None and equals:
                unknown = UnknownNameError("option", key, known, otherwise=called_here(key, known))
                unknown.at(f"--side {text!r}")
                raise unknown
            value = value if equals or row is None or row.kind.typed is not bool else "true"
            if row is None or not (equals or value):
                raise UsageError(f"--side {text!r}: {setting!r} is not OPTION=VALUE", f"options are {', '.join(known)}")
            given[row.name] = _read(row, value, text)
        return self.but(compat=None if name == OWN_RULES else name, **given).step()


def _read(row: PoolOption, value: str, text: str) -> Any:
    """Read the value of an option of a side as on the command line."""
    if row.kind.typed is str:
        return value
    words = {"true": True, "yes": True, "false": False, "no": False} if row.kind.typed is bool else {}
    try:
        return words[value] if words else row.kind.typed(value)
    except (KeyError, ValueError):
        raise UsageError(
            f"--side {text!r}: {row.json} is {row.kind.text}, not {value!r}", "such as 'torch padding=1'"
        ) from None


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def compare(
    given: str | None = INPUT_FILE,
    *,
    filtering: FilterOptions,
    window: Comparing,
    showing: ShowOption,
    io: InputOutput,
    shape: str | None = option(
        None, "A shape instead of an INPUT, such as 7x7; its cells are numbered from 1.", panel="Input", metavar="HxW"
    ),
) -> None:
    """Show the same windows under several modes or in several frameworks, side by side.

    All sides have the same options, unless --side gives each its own.

    Examples
    --------
    poolcli compare --mode max,avg,min input.csv
    poolcli compare --compat torch,onnx --mode avg -k 3 -s 2 -p 1 input.csv
    poolcli compare --mode max,avg,min -o page.html input.csv
    poolcli compare --shape 6x6 --side 'torch padding=1' --side keras -k 3 -s 2
    poolcli compare --mode max,avg --filter sobel-x --relu --show photo.jpg
    """
    from poolcli.render.terminal.comparison import comparison_table

    variants, writing, out = window.variants(), io.writing, io.out
    if len(variants) < 2:
        raise UsageError("there is nothing to compare", "name several: --mode max,avg or --compat torch,keras,onnx")
    window.refuse_idle(*variants.values())
    paged = is_page(writing.output) and writing.format is None and not writing.json
    if not paged and writing.chosen_format not in ("table", "json"):
        advice = Phrase("use a table, --json, or {output}", output="page.html")
        raise UsageError(f"a comparison cannot be written as {writing.chosen_format}", advice)
    _check_idle(writing, paged=paged, drawn=showing.show)
    steps = filtering.steps()
    if shape is not None:
        before = _numbered(shape, shape_alone(shape, given, io.reading, out))
    else:
        check_target_apart(writing.output, files_read(chosen_input(given), steps), overwrite=writing.overwrite)
        before = take_in(given, io.reading, io.verbosity)
    if window.compat or window.side:
        before = as_network_input(before)
    ready = apply(before, with_threads(steps, io.verbosity.threads))
    made = compared(ready, {label: replace(step, threads=io.verbosity.threads) for label, step in variants.items()})
    titled = {"input": before, **({"before pooling": ready} if steps else {})}
    titled |= {one.label: ready.with_(values=one.values) for one in made.variants if one.values is not None}
    showing.draw(writing, [*titled.values()], [*titled])
    if paged:
        from poolcli.render.page.comparison import comparison_page
        from poolcli.render.planes import called

        data = comparison_page(called(ready), made, writing.colormap)
        out.put(data, writing.output)
        out.wrote(writing.output, f"a page, {len(data)} bytes")
    elif writing.chosen_format == "json":
        out.json(_record(ready, made), writing.output)
    else:
        out.table(comparison_table(before, ready, made, look(writing)), writing.output, width_of_output())
    if not io.verbosity.quiet:
        for hint in _hints(ready, made, by_compat=window.compat is not None):
            out.say(f"hint: {hint}")


def _check_idle(writing: Writing, *, paged: bool, drawn: bool) -> None:
    """Refuse options that do nothing for the page, the table or the JSON."""
    if paged:
        refuse_idle(writing.changed(*FOR_TABLES, *FOR_PICTURES, "compress_level"), "a page")
        return
    writing.refuse_idle(drawn=drawn)
    if writing.chosen_format == "json":
        refuse_idle(writing.changed(*FOR_TABLES), "JSON")


def _numbered(text: str, signal: Signal) -> FeatureMap:
    """Return a map of this shape with cells numbered from 1."""
    import numpy as np

    check_memory(8 * math.prod(signal.shape), f"an input of {text}", "use a smaller one")
    cells = np.arange(1.0, math.prod(signal.shape) + 1).reshape(signal.shape)
    return FeatureMap.from_array(cells, signal.layout).with_(name=f"{text} cells")


def _hints(ready: FeatureMap, made: Variants, *, by_compat: bool) -> Iterator[str]:
    """Yield how to include the sides that refuse the layer: each by itself, those of ``--compat`` in one command."""
    refused = [variant for variant in made.variants if isinstance(variant.problem, CompatError)]
    mended = {variant.label: changes for variant in refused if (changes := _mended(variant, ready))}
    together = _sides(made, mended) if by_compat and mended else ""
    for variant in refused:
        advice, alone = advice_for(ready, variant, made.variants), together if len(refused) == 1 else ""
        if not by_compat:
            advice, alone = _for_side(variant, advice, mended.get(variant.label, {}))
        told = [text for text in (spoken(advice), alone) if text]
        if told or variant.label not in mended:
            yield f"{variant.label}: {'; '.join(told) or 'no option makes it take this layer'}"
    if together and len(refused) > 1:
        yield together


def _for_side(variant: Variant, advice: str | Phrase, changes: Mapping[str, Any]) -> tuple[str | Phrase, str]:
    """Return the advice for all sides, without the options of this one, and the side with other options."""
    said = {word.partition("=")[0].replace("-", "_"): word for word in variant.label.split()}
    kept = [word for name, word in said.items() if name not in changes]
    shared = advice.only(lambda part: not part.settings.keys() & said) if isinstance(advice, Phrase) else advice
    side = shell_word(" ".join([*kept, _settings(changes)]))
    return shared, f"for this side alone, --side {side}" if changes else ""


def _sides(made: Variants, mended: Mapping[str, Mapping[str, Any]]) -> str:
    """Return how to give frameworks that refuse a layer options of their own."""
    names = {variant.label: str(variant.step.options.get("compat") or OWN_RULES) for variant in made.variants}
    own = {names[label]: f"{names[label]} {_settings(changes)}" for label, changes in mended.items()}
    sides = {name: name for name in names.values()} | own
    typed = " ".join(f"--side {shell_word(side)}" for side in sides.values())
    return f"for {enumerated([*own])} alone, replace --compat with {typed}"


def _mended(variant: Variant, ready: FeatureMap) -> dict[str, Any]:
    """Return the options with which a framework takes a layer that it refused, if there are some.

    They follow its hints; else some options have their defaults.
    """
    changes: dict[str, Any] = {}
    problem = variant.problem
    while isinstance(problem, CompatError) and isinstance(problem.advice, Phrase):
        advised = {name: value for name, value in problem.advice.settings.items() if name in COMPARABLE - {*changes}}
        if not advised:
            break
        changes |= advised
        problem = variant_of(ready, variant.label, changed(variant.step, changes)).problem
    if not problem:
        return changes
    ways = usual_options(variant.step)
    return next((one for one in ways if not variant_of(ready, variant.label, changed(variant.step, one)).problem), {})


def _settings(changes: Mapping[str, Any]) -> str:
    """Write options as in a side."""
    return " ".join(f"{name}={sizes_text(value).lower()}" for name, value in changes.items())


def _record(ready: FeatureMap, made: Variants) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for variant in made.variants:
        values = None if variant.values is None else ready.in_layout(variant.values)
        rows.append({"label": variant.label, "refused": variant.refusal or None,
                     "verified": verified(variant.step.options.get("compat")) or None,
                     "shape": None if values is None else values.shape,
                     "data": None if values is None else values.tolist()})  # fmt: skip
    return {"steps": ready.steps, "variants": rows, "why": made.reasons}

"""``poolcli compare``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Annotated, Any

from poolcli.analysis.comparison import OWN_RULES, Variant, Variants, compared, labelled
from poolcli.cli.console import width_of_output
from poolcli.cli.options.files import Input, InputOutput
from poolcli.cli.options.grammar import option
from poolcli.cli.options.panels import WINDOW
from poolcli.cli.options.steps import FilterOptions
from poolcli.cli.options.terminal import ShowOption
from poolcli.cli.options.windows import Windowing
from poolcli.cli.output import Output
from poolcli.cli.pipeline import as_network_input, look, take_in
from poolcli.cli.words import spoken
from poolcli.errors import CompatError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.pooling.frameworks import framework_names
from poolcli.pooling.options import mode_names
from poolcli.render.kinds import is_page
from poolcli.steps.steps import PoolStep, apply, with_threads


def sides() -> Iterable[str]:
    """Return the frameworks that can be compared, poolcli among them."""
    return [*framework_names(), OWN_RULES]


@dataclass
class PageTarget:
    """A page that is written; no other command has it as a format."""

    output: str
    overwrite: bool
    chosen_format: str = "page"


class Comparing(Windowing):
    """Windows under several modes or frameworks."""

    mode: Annotated[
        str, option("-m", "--mode", help="One mode, or several with commas: max,avg,min.", panel=WINDOW,
                    metavar="NAME,...", choices=mode_names, free=True)
    ] = "max"  # fmt: skip
    compat: Annotated[
        str | None, option("--compat", help="Frameworks with commas: torch,litert; poolcli is poolcli's own rules.",
                           panel=WINDOW, metavar="NAME,...", choices=sides, free=True)
    ] = None  # fmt: skip

    def variants(self) -> dict[str, PoolStep]:
        """Return every mode under every framework, with a label each."""
        chosen = labelled(_listed(self.mode), _listed(self.compat or ""))
        return {label: self.but(mode=mode, compat=name).step() for label, mode, name in chosen}


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def compare(
    given: Input = None,
    *,
    filtering: FilterOptions,
    window: Comparing,
    showing: ShowOption,
    io: InputOutput,
) -> None:
    """Show the same windows under several modes, or as several frameworks have them, side by side.

    All sides have the same options. Where they are to differ, as PyTorch's --padding 1 from Keras's --padding same, run
    explain --compat --at once for each, which shows the arithmetic.

    Examples
    --------
    poolcli compare --mode max,avg,min input.csv
    poolcli compare --compat torch,onnx --mode avg -k 3 -s 2 -p 1 input.csv
    poolcli compare --mode max,avg,min -o page.html input.csv
    poolcli compare --mode max,avg --filter sobel-x --relu --show photo.jpg
    """
    from poolcli.render.terminal.comparison import comparison_table

    variants, writing, out = window.variants(), io.writing, io.out
    if len(variants) < 2:
        raise UsageError("there is nothing to compare", "name several: --mode max,avg or --compat torch,keras,onnx")
    paged = is_page(writing.output) and writing.format is None and not writing.json
    if not paged and writing.chosen_format not in ("table", "json"):
        advice = "use a table, --json, or -o page.html"
        raise UsageError(f"a comparison cannot be written as {writing.chosen_format}", advice)
    steps = filtering.steps()
    target = PageTarget(writing.output, writing.overwrite) if paged else writing
    before = take_in(given, io.reading, io.verbosity, steps=steps, target=target)
    if window.compat:
        before = as_network_input(before)
    ready = apply(before, with_threads(steps, io.verbosity.threads))
    made = compared(ready, {label: replace(step, threads=io.verbosity.threads) for label, step in variants.items()})
    titled = {"input": before, **({"before pooling": ready} if steps else {})}
    titled |= {one.label: ready.with_(values=one.values) for one in made.variants if one.values is not None}
    showing.draw(writing, [*titled.values()], [*titled])
    if paged:
        from poolcli.render.html import comparison_page

        data = comparison_page(ready, made)
        out.put(data, writing.output)
        out.wrote(writing.output, f"{len(data)} bytes")
    elif writing.chosen_format == "json":
        out.json(_record(ready, made), writing.output)
    else:
        drawn = comparison_table(before, ready, made, look(writing), marked=made.marked)
        out.table(drawn, writing.output, width_of_output())
    if not io.verbosity.quiet:
        for variant in made.variants:
            _hint(variant, out)


def _hint(variant: Variant, out: Output) -> None:
    """Say how to have what a framework refuses among the others."""
    if isinstance(variant.problem, CompatError):
        advice = f"{spoken(variant.problem.advice)}; or " if variant.problem.advice else ""
        apart = f"poolcli explain --compat {variant.step.options['compat']} --mode {variant.step.mode} --at 0,0"
        out.say(f"hint: {variant.label}: {advice}ask it alone, with options of its own: {apart} ...")


def _record(ready: FeatureMap, made: Variants) -> dict[str, Any]:
    rows: list[dict[str, Any]] = []
    for variant in made.variants:
        values = None if variant.values is None else ready.in_layout(variant.values)
        rows.append({"label": variant.label, "refused": variant.refusal or None,
                     "shape": None if values is None else values.shape,
                     "data": None if values is None else values.tolist()})  # fmt: skip
    return {"steps": ready.steps, "variants": rows, "why": made.reasons}

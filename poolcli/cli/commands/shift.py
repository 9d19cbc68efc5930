"""``poolcli shift``."""

from __future__ import annotations

from dataclasses import replace

from poolcli.cli.console import unicode_ok
from poolcli.cli.options.files import INPUT_FILE, JSON_SWITCH, Reading, Verbosity
from poolcli.cli.options.grammar import Group, option, refuse_idle
from poolcli.cli.options.panels import OUTPUT, WINDOW
from poolcli.cli.options.steps import FilterOptions
from poolcli.cli.options.terminal import Picturing
from poolcli.cli.options.windows import Windowing
from poolcli.cli.output import Output
from poolcli.cli.pipeline import take_in
from poolcli.cli.progress import rounds
from poolcli.errors import UsageError
from poolcli.render.kinds import is_page
from poolcli.steps.steps import apply, with_threads
from poolcli.wording import Phrase


class Shifting(Group, panel=WINDOW):
    """How to move the input."""

    by: int = option(1, "Cells to move, in each direction in turn.", least=1, metavar="N")
    random: int | None = option(
        None, "This many random movements instead, of at most --by cells along each axis; --seed chooses them.",
        kind=int, metavar="N",
    )  # fmt: skip
    edge: str = option(
        "replicate", "How to fill in at the edge: replicate, reflect, symmetric, wrap, or a number.", metavar="EDGE",
        choices=("replicate", "reflect", "symmetric", "wrap", "0"), free=True,
    )  # fmt: skip
    output: str = option(
        "-", "A page (.html) of the maps and their changes, with direction and amount to choose.", "-o", panel=OUTPUT,
        metavar="PATH",
    )  # fmt: skip
    overwrite: bool = option(False, "Allow the output to replace the input.", panel=OUTPUT)
    show: bool = option(False, "Also draw where the maps changed.", panel=OUTPUT)
    json: bool = JSON_SWITCH

    @property
    def chosen_format(self) -> str | None:
        """A page, or None for standard output."""
        if self.output != "-" and not is_page(self.output):
            advice = Phrase("write a page, such as {output}", output="page.html")
            raise UsageError(f"a shift cannot be drawn as {self.output!r}", advice)
        return None if self.output == "-" else "page"

    def check(self, picturing: Picturing) -> None:
        """Refuse options that conflict or do nothing, and a file that is not a page."""
        self.chosen_format  # noqa: B018 -- for its errors
        for first, second in (("output", "json"), ("output", "show"), ("json", "show")):
            if getattr(self, first) not in ("-", False) and getattr(self, second):
                raise UsageError(f"--{first} and --{second} cannot be combined", "drop one of them")
        if self.json or self.output != "-":
            what = "JSON" if self.json else "a page"
            refuse_idle({"width": picturing.width, "overwrite": self.json and self.overwrite}, what)
        if self.output == "-" and not self.show:
            advice = {"colormap": "add --show, or write a page, -o page.html"}
            refuse_idle({"colormap": picturing.colormap}, "JSON" if self.json else "a table", advice)


def shift(
    given: str | None = INPUT_FILE,
    *,
    shifting: Shifting,
    filtering: FilterOptions,
    window: Windowing,
    picturing: Picturing,
    reading: Reading,
    verbosity: Verbosity,
) -> None:
    """Measure translation invariance: move the input, pool again, count the values that change.

    Examples
    --------
    poolcli shift --by 1 --mode max --size 2 input.csv
    poolcli shift --by 2 --size 2 -o page.html input.csv
    poolcli shift --random 20 --by 2 --seed 1 photo.jpg
    """
    from poolcli.analysis.invariance import measure
    from poolcli.render.terminal.invariance import differences, invariance_table

    shifting.check(picturing)
    window.refuse_idle(window.step(), heeded=("seed",) if shifting.random else ())
    steps = with_threads(filtering.steps(), verbosity.threads)
    canvas = picturing.canvas()
    feature_map = apply(take_in(given, reading, verbosity, window.compat, steps=steps, target=shifting), steps)
    layer = replace(window.step().layer_for(feature_map), threads=verbosity.threads)

    with rounds("moving", quiet=verbosity.quiet) as tell:
        report = measure(
            feature_map,
            layer,
            shifting.by,
            samples=shifting.random,
            seed=window.seed,
            edge=shifting.edge,
            progress=tell,
        )
    if shifting.output != "-":
        from poolcli.render.page.invariance import shift_page

        data = shift_page(report, picturing.colormap)
        out = verbosity.output()
        out.put(data, shifting.output)
        out.wrote(shifting.output, f"a page, {len(data)} bytes")
        return
    if shifting.json:
        Output().json(report.record())
        return
    pictures = differences(report, canvas) if shifting.show else ()
    picturing.show(*pictures, invariance_table(report, ascii_only=not unicode_ok()))

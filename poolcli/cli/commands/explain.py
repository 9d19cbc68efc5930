"""``poolcli explain``."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from poolcli.cli.checks import check_output
from poolcli.cli.console import unicode_ok
from poolcli.cli.options.files import INPUT_FILE, Reading, Verbosity
from poolcli.cli.options.grammar import Group, option, refuse_idle
from poolcli.cli.options.panels import OUTPUT, PICTURE, TABLE
from poolcli.cli.options.steps import FilterOptions
from poolcli.cli.options.terminal import Picturing
from poolcli.cli.options.windows import Windowing
from poolcli.cli.output import Output
from poolcli.cli.pipeline import take_in
from poolcli.cli.progress import rounds
from poolcli.cli.shapes import shape_alone
from poolcli.errors import LimitError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.render.kinds import kind_of, what_is_drawn
from poolcli.steps.shapes import Signal
from poolcli.steps.steps import Step, apply, with_threads
from poolcli.window import times
from poolcli.wording import Phrase, many

if TYPE_CHECKING:
    from rich.console import RenderableType

    from poolcli.analysis.windows import WindowFact
    from poolcli.pooling.layer import Pooling

WINDOWS_SHOWN = 20  # per page of the table
MOST_ROWS = 10_000  # of a table


class Explaining(Group, panel=OUTPUT):
    """What to explain, and how."""

    at: str | None = option(None, "One window: its output row and column, from 0.", metavar="R,C")
    shape: str | None = option(
        None, "A shape instead of an INPUT, such as 7x7, or 3x7x7 with channels.", panel="Input", metavar="HxW"
    )
    output: str = option(
        "-",
        "An interactive page (.html), an animation (.gif, .apng, .png with --fps), one window (.svg), or the finished "
        "picture (.png).", "-o", metavar="PATH",
    )  # fmt: skip
    json: bool = option(False, "Every window as JSON.")
    page: int | None = option(
        None, "Which page of many windows to show.", kind=int, panel=TABLE, least=1, usual="1", metavar="N"
    )
    max_rows: int | None = option(
        None, "Windows on a page.", kind=int, panel=TABLE, least=1, usual=str(WINDOWS_SHOWN), metavar="N"
    )
    full: bool = option(False, "Show every window.", panel=TABLE)
    still: bool = option(False, "The finished picture, as .png or .svg: all of the output.", panel=PICTURE)
    exercise: bool = option(
        False,
        "The page as a quiz that prints as a sheet with solutions; without INPUT, --seed chooses a map of whole "
        "numbers, and --shape its size.",
    )  # fmt: skip
    fps: float | None = option(None, "Windows per second.", kind=float, panel=PICTURE, usual="2", metavar="N")
    zoom: int | None = option(
        None, "Pixels per cell.", kind=int, panel=PICTURE, usual="by the size of the map", least=1, metavar="N"
    )
    frames: int | None = option(
        None, "The most windows to animate, evenly spaced.", kind=int, panel=PICTURE, least=1, usual="120",
        metavar="N",
    )  # fmt: skip
    overwrite: bool = option(False, "Allow the output to replace the input.")

    @property
    def place(self) -> tuple[int, ...] | None:
        """The output cell of ``--at``."""
        if self.at is None:
            return None
        parts = self.at.split(",")
        if not all(part.strip().isdecimal() and len(part) < 19 for part in parts):
            raise UsageError(
                f"--at {self.at!r} is not an output cell", "write row,column counted from 0, such as --at 0,1"
            )
        return tuple(map(int, parts))

    def check(self, picturing: Picturing) -> None:
        """Refuse options that do nothing here."""
        idle: dict[str, Any] = {"page": self.page, "max_rows": self.max_rows, "full": self.full}
        if self.chosen_format:
            what_is_drawn(self.chosen_format, self.drawn())
            refuse_idle({"json": self.json, "width": picturing.width, **idle}, f"a {self.chosen_format} file")
            return
        if self.json:
            idle, what = {"width": picturing.width, **idle}, "JSON, which has every window"
        elif self.at:
            what = "one window"
        elif self.full:
            idle, what = {**idle, "full": False}, "a table of every window"
        else:
            idle, what = {}, "standard output"
        drawn = {name: value for name, value in self.drawn().items() if name != "at"}
        advice = {"exercise": Phrase("write it to a page, {output}", output="page.html")}
        refuse_idle({**drawn, "colormap": picturing.colormap, **idle}, what, advice)

    def drawn(self) -> dict[str, Any]:
        """Return the options for `poolcli.render.files.draw`."""
        return {"at": self.place, "still": self.still, "fps": self.fps, "frames": self.frames, "zoom": self.zoom,
                "exercise": self.exercise}  # fmt: skip

    @property
    def chosen_format(self) -> str | None:
        """What to draw, by the extension of ``--output``; None for standard output."""
        return None if self.output == "-" else kind_of(self.output)


def explain(
    given: str | None = INPUT_FILE,
    *,
    explaining: Explaining,
    filtering: FilterOptions,
    window: Windowing,
    picturing: Picturing,
    reading: Reading,
    verbosity: Verbosity,
) -> None:
    """Explain every window: its place, cells, padding, divisor, winner, and the arithmetic.

    Examples
    --------
    poolcli explain --mode max --size 2 input.csv
    poolcli explain --at 0,1 --mode avg --size 3 --padding 1 input.csv
    poolcli explain --shape 7x7 --size 3 --stride 2 -o page.html
    poolcli explain --size 2 -o page.html input.csv
    poolcli explain --size 2 -o walk.gif input.csv
    poolcli explain --size 2 --at 0,1 -o window.svg input.csv
    poolcli explain --exercise --seed 7 --mode avg --size 2 -o sheet.html
    """
    drawing, place = explaining.chosen_format, explaining.place
    explaining.check(picturing)
    made_up = explaining.exercise and given is None
    window.refuse_idle(window.step(), heeded=("seed",) if made_up else ())
    signal: Signal | None = None
    if explaining.shape is not None:
        if filtering.steps():
            raise UsageError("--shape has no numbers to filter", "give the shape after the filter")
        signal = shape_alone(explaining.shape, given, reading, verbosity.output(), window.compat)
    if signal and not made_up:
        layer, spatial = window.step().layer_for(signal), signal.spatial
        if (maps := math.prod(signal.shape) // math.prod(spatial)) > 1:
            verbosity.output().note(f"the windows are the same in each of the {maps} maps of {times(spatial)}")
        if drawing:
            from poolcli.render.files import named_only

            check_output([], explaining)
            _draw(named_only(spatial), layer, explaining, picturing, verbosity, named=True)
            return
        _tell(None, spatial, layer, explaining, picturing, place)
        return
    steps = filtering.steps()
    if made_up:
        reading.refuse_idle("an exercise without INPUT", ("layout",) if signal else ())
        before = _made_up(steps, window, explaining, signal)
    else:
        before = take_in(given, reading, verbosity, window.compat, steps=steps, target=explaining)
        before = apply(before, with_threads(steps, verbosity.threads))
    layer = replace(window.step().layer_for(before), threads=verbosity.threads)
    if drawing:
        _draw(before, layer, explaining, picturing, verbosity)
    else:
        _tell(before, before.spatial, layer, explaining, picturing, place)


def _made_up(steps: Sequence[Step], window: Windowing, explaining: Explaining, signal: Signal | None) -> FeatureMap:
    """Return a map for an exercise without INPUT."""
    from poolcli.analysis.exercise import numbers

    check_output([], explaining)
    if steps:
        raise UsageError(
            "an exercise without INPUT has nothing to filter", "give an INPUT, or drop --filter and --relu"
        )
    layer, seed = window.step().layer(len(signal.spatial) if signal else 2), window.seed or 0
    return numbers(layer, seed, signal.shape, signal.layout) if signal else numbers(layer, seed)


def _tell(
    before: FeatureMap | None, spatial: tuple[int, ...], layer: Pooling, explaining: Explaining, picturing: Picturing,
    place: tuple[int, ...] | None,
) -> None:  # fmt: skip
    """Print the windows as a table or as JSON."""
    from poolcli.analysis.formulas import sentence
    from poolcli.analysis.windows import headline, total, windows

    values = None if before is None else before.values
    if explaining.json:
        _as_json(windows(layer, spatial, values, place), layer, spatial)
        return
    from poolcli.render.terminal.windows import windows_table

    lead = () if values is None else values.shape[: -layer.ndim]
    count = None if place else total(layer, spatial, lead)
    first, rows = 0, count
    if count and not explaining.full:
        first = _first(explaining, count)
        rows = min(explaining.max_rows or WINDOWS_SHOWN, count - first)
    if rows is not None and rows > MOST_ROWS:
        raise LimitError(
            f"a table of {rows} windows is longer than the {MOST_ROWS} allowed",
            "use --json, or --max-rows and --page, or --at R,C for one window",
        )
    facts = list(itertools.islice(windows(layer, spatial, values, place, first=first), rows))
    drawn = windows_table(
        facts, headline=headline(layer, spatial), sentence=sentence(layer), ascii_only=not unicode_ok(),
        footer=_more(facts, first, count) if count and count > len(facts) else None,
    )  # fmt: skip
    lines = [_line(values, facts, picturing)] if values is not None and layer.ndim == 1 and facts else []
    picturing.show(*lines, drawn)


def _line(values: Any, facts: Sequence[WindowFact], picturing: Picturing) -> RenderableType:
    """Draw the line of the table's first plane with its windows."""
    from poolcli.render.terminal.line import windows_of_line

    alike = [fact for fact in facts if fact.plane == facts[0].plane]
    return windows_of_line(values[facts[0].plane], alike, picturing.columns, ascii_only=not unicode_ok())


def _first(explaining: Explaining, count: int) -> int:
    """Return the number of the first window on the page."""
    rows, number = explaining.max_rows or WINDOWS_SHOWN, explaining.page or 1
    pages = -(-count // rows)
    if number > pages:
        raise UsageError(f"there is no page {number}", f"{many(count, 'window')} on {many(pages, 'page')}")
    return (number - 1) * rows


def _more(facts: Sequence[WindowFact], first: int, count: int) -> str:
    """Say which windows are shown, and how to see the others."""
    following = f"--page {first // len(facts) + 2} shows the next, " if first + len(facts) < count else ""
    one = ",".join(map(str, facts[0].at))
    return f"windows {first + 1} to {first + len(facts)} of {count}; {following}--at {one} shows one, --full shows all"


def _as_json(facts: Any, layer: Pooling, spatial: tuple[int, ...]) -> None:
    from poolcli.formats.json_map import dump

    def chunks() -> Iterator[bytes]:
        """Write window by window: all together may take a thousand times the memory of the map."""
        yield b'{"pool":' + dump(layer.record()) + b',"input":' + dump(list(spatial)) + b',"windows":['
        for number, fact in enumerate(facts):
            yield (b"," if number else b"") + dump(fact.record())
        yield b"]}\n"

    Output().put(chunks())


def _draw(
    before: FeatureMap, layer: Pooling, explaining: Explaining, picturing: Picturing, verbosity: Verbosity, *,
    named: bool = False,
) -> None:  # fmt: skip
    """Write the page, the animation or the picture."""
    from poolcli.render.files import draw

    kind = str(explaining.chosen_format)
    with rounds("drawing", quiet=verbosity.quiet) as tell:
        data, notes = draw(
            before, layer, kind, colormap=picturing.colormap, progress=tell, named=named, **explaining.drawn()
        )
    out = verbosity.output()
    out.put(data, explaining.output)
    for note in notes:
        out.note(note)
    out.wrote(explaining.output, f"{what_is_drawn(kind, explaining.drawn())}, {len(data)} bytes")

"""Explained windows: every cell, divisor, winner and formula, against the plain-loop oracle and against arithmetic."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray
from rich.console import Console

from poolcli.analysis import formulas
from poolcli.analysis import windows as explain
from poolcli.analysis.formulas import sentence
from poolcli.errors import CompatError, EmptyWindowError, NanError, ShapeError, UsageError
from poolcli.pooling.layer import Pooling
from poolcli.pooling.modes import MODES
from poolcli.render.files import named_only
from poolcli.render.page import page
from poolcli.render.terminal import windows as drawing
from tests.support import drawn, oracle
from tests.support.process import Run
from tests.support.rows import in_turn

MATRIX = np.array([[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]])
Array = NDArray[Any]


def only(layer: Pooling, x: Array, *at: int) -> explain.WindowFact:
    (fact,) = explain.windows(layer, x.shape[x.ndim - layer.ndim :], x, at)
    return fact


# --- against the oracle -----------------------------------------------------------------------------------------------


def case(draw: Random, modes: Sequence[str]) -> tuple[Pooling, Array, list[oracle.Axis]]:
    """A sliding layer in one to three dimensions, a map of integers, and the oracle's windows, none if none fit."""
    shape = drawn.shape(draw, 1, 3, 6)
    size, stride, dilation = (tuple(draw.randint(1, 3) for _ in shape) for _ in range(3))
    pads = tuple((draw.randint(0, 3), draw.randint(0, 3)) for _ in shape)
    ceil_mode, include = draw.choice((True, False)), draw.choice((True, False))
    fills: list[str | float] = ["ignore", "reflect", "symmetric", "replicate", "wrap", 0, -7]
    layer = Pooling.of(
        len(shape), draw.choice(modes), size, stride=stride, padding=pads, dilation=dilation, ceil_mode=ceil_mode,
        pad_fill=draw.choice(fills), count_include_pad=include,
    )  # fmt: skip
    x = np.random.default_rng(draw.getrandbits(32)).integers(-9, 10, shape)
    try:
        axes = [oracle.sliding(*sides, ceil_mode) for sides in zip(shape, size, stride, dilation, pads, strict=True)]
    except oracle.NoWindowError:
        return layer, x, []
    return layer, x, axes


@pytest.mark.slow
@given(drawn.by(lambda draw: case(draw, ("max", "min", "avg", "sum", "range", "median", "majority"))))
@settings(max_examples=400)
def test_every_window_is_the_oracles(found: tuple[Pooling, Array, list[oracle.Axis]]) -> None:
    layer, x, axes = found
    if not axes:
        with pytest.raises(ShapeError):
            explain.windows(layer, x.shape, x)
        return
    try:
        facts = list(explain.windows(layer, x.shape, x))
    except EmptyWindowError:
        return
    values = layer.apply(x)[0]
    assert [fact.at for fact in facts] == list(np.ndindex(*values.shape))
    for fact in facts:
        theirs = oracle.window_cells(x, axes, fact.at, layer.pad_fill)
        mine = [cell for cell in fact.cells if cell.kind != "overhang"]
        assert [cell.value for cell in mine] == [cell.value for cell in theirs]
        assert [cell.kind == "real" for cell in mine] == [cell.place >= 0 for cell in theirs]
        assert fact.size - len(theirs) == fact.count("overhang")
        assert fact.count("padding") == sum(cell.place < 0 for cell in theirs)
        assert fact.values.tolist() == [cell.value for cell in theirs if cell.value is not None]
        assert fact.result == values[fact.at]
        counted = layer.count_include_pad and layer.mode.mode.divides
        assert fact.n == (len(theirs) if counted else len(fact.values))
    for fact in facts[::5]:
        assert only(layer, x, *fact.at).result == pytest.approx(fact.result, rel=1e-12)


@given(drawn.by(lambda draw: case(draw, ("max", "min"))))
@settings(max_examples=200)
def test_the_winner_is_the_index_that_pooling_records(found: tuple[Pooling, Array, list[oracle.Axis]]) -> None:
    layer, x, _ = found
    try:
        _, where = layer.traced(x)
    except (ShapeError, UsageError):
        return
    for fact in explain.windows(layer, x.shape, x):
        assert fact.winner == tuple(np.unravel_index(where[fact.at], x.shape))
        assert fact.ties == sum(cell.value == fact.result for cell in fact.cells)


# --- formulas are arithmetic ------------------------------------------------------------------------------------------

WORDS = {"sqrt": math.sqrt, "log": math.log, "e": math.e, "max": max, "min": min, "trunc": math.trunc, "abs": abs}


def worked_out(formula: str) -> float:
    """Compute what a formula says, as a reader would."""
    if ranked := re.fullmatch(r"(?:middle of|place (\d+) in) ([^:]*)", formula):
        numbers = [float(number) for number in ranked[2].split(", ")]
        return numbers[int(ranked[1] or len(numbers) // 2)]
    known: dict[str, Any] = dict(WORDS)
    before, _, last = formula.rpartition("; ")
    if before:
        known["m"] = float(before.removeprefix("m = "))
    last = re.sub(r"\|([^|]*)\|", r"abs(\1)", last.rpartition(": ")[2])
    last = re.sub(r"([0-9)]) e\^", r"\1 * e^", last)
    return float(eval(last.replace("^", "**"), {}, known))  # noqa: S307 - our own text, that is the point


@in_turn(
    "mode", ["max", "min", "avg", "sum", "median", "range", "std", "var", "rms", "lp:1", "lp:3", "percentile:90",
             "percentile:30", "logavgexp:2", "soft", "mixed:0.25"],
)  # fmt: skip
@in_turn("options", [{}, {"size": 3, "padding": 1, "stride": 1}, {"size": (2, 3), "count_include_pad": True}])
def test_a_formula_gives_the_result(mode: str, options: dict[str, Any]) -> None:
    x = np.array([[1, -3, 2, 9], [-5, 6, 1, 7], [4, 2, -8, 6]])
    for fact in explain.windows(Pooling.of(2, mode, **options), x.shape, x):
        assert worked_out(fact.formula) == pytest.approx(fact.result, rel=1e-5), fact.formula


def test_a_formula_of_every_mode_exists() -> None:
    pieces = {piece for row in MODES.values() for piece in re.findall(r"{(\w+|,)}", row.written)}
    assert all(row.written and row.says for row in MODES.values())
    assert pieces - {"p"} == formulas.PIECES.keys() - {"taps"}


def test_torch_has_formulas_of_its_own() -> None:
    x = np.array([[1.0, -2.0], [3.0, 4.0]])
    fact = only(Pooling.of(2, "lp:3", compat="torch"), x, 0, 0)
    assert fact.formula == "((1^3 + (-2)^3 + 3^3 + 4^3) / 4 * 4)^(1/3)"
    assert worked_out(fact.formula) == pytest.approx(fact.result)
    fact = only(Pooling.of(2, "avg", compat="torch"), np.array([[-1, -2], [-3, -1]]), 0, 0)
    assert (fact.formula, fact.result) == ("trunc((-1 - 2 - 3 - 1) / 4)", -1)


@pytest.mark.parametrize(
    ("mode", "formula", "winners"),
    [("median", "middle of 1, 3, 5, 6: (3 + 5) / 2", ((0, 1), (1, 0))),
     ("percentile:100", "place 3 in 1, 3, 5, 6", ((1, 1),)),
     ("majority", "most frequent of 1, 3, 5, 6: 1 occurs 1x", ((0, 0),)),
     ("range", "6 - 1", ((1, 1), (0, 0))),
     ("percentile:50", "place 1.5 in 1, 3, 5, 6: 3 + 0.5 * (5 - 3)", ((0, 1), (1, 0))),
     ("std", "m = 3.75; sqrt(((1 - m)^2 + (3 - m)^2 + (5 - m)^2 + (6 - m)^2) / 4)", ())],
)  # fmt: skip
def test_what_modes_say_and_which_cells_decide(mode: str, formula: str, winners: tuple[Any, ...]) -> None:
    fact = only(Pooling.of(2, mode), MATRIX, 0, 0)
    assert (fact.formula, fact.winners) == (formula, winners)


def test_many_numbers_are_elided_in_the_middle() -> None:
    fact = only(Pooling.of(2, "sum", 4), MATRIX, 0, 0)
    assert fact.formula == "1 + 3 + 2 + 9 + 5 + 6 + 1 + 7 + 4 + 2 + ... + 2"
    assert fact.result == 71


@pytest.mark.parametrize(("padding", "kind"), [(0, int), (1, float)])
def test_one_window_has_the_type_that_all_of_them_have(padding: int, kind: type) -> None:
    """A fraction as padding makes fractions of whole numbers; where there is no padding, it does not."""
    layer = Pooling.of(2, "max", 2, padding=padding, pad_fill=0.5)
    assert [type(fact.result) for fact in explain.windows(layer, (4, 4), MATRIX, (0, 0))] == [kind]
    assert type(next(explain.windows(layer, (4, 4), MATRIX)).result) is kind


def test_drawn_cells_are_those_that_pooling_draws() -> None:
    layer, x = Pooling.of(2, "stochastic", seed=3), MATRIX.astype(float)
    for fact in explain.windows(layer, x.shape, x):
        assert fact.result == layer.apply(x)[0][fact.at]
        assert only(layer, x, *fact.at).result == fact.result
        assert x[fact.winner or ()] == fact.result


# --- NaN --------------------------------------------------------------------------------------------------------------


def test_nan_spreads_or_is_left_out_or_is_an_error() -> None:
    x = np.array([[1.0, np.nan], [3.0, 5.0]])
    fact = only(Pooling.of(2, "max"), x, 0, 0)
    assert math.isnan(fact.result)
    assert (fact.formula, fact.winner) == ("max(1, NaN, 3, 5)", (0, 1))
    fact = only(Pooling.of(2, "avg", nan="ignore"), x, 0, 0)
    assert (fact.formula, fact.n, fact.result) == ("(1 + 3 + 5) / 3", 3, 3.0)
    fact = only(Pooling.of(2, "max", nan="ignore"), x, 0, 0)
    assert fact.winner == (1, 1)
    fact = only(Pooling.of(2, "max", nan="ignore"), np.full((2, 2), np.nan), 0, 0)
    assert (fact.formula, fact.winners) == ("no number in the window", ())
    with pytest.raises(NanError):
        only(Pooling.of(2, "max", 1, nan="error"), x, 0, 0)


def test_of_several_nan_the_frameworks_own_wins() -> None:
    x = np.array([[np.nan, 1.0], [np.nan, 2.0]])
    assert only(Pooling.of(2), x, 0, 0).winner == (0, 0)
    assert only(Pooling.of(2, compat="torch"), x, 0, 0).winner == (1, 0)


# --- other windows ----------------------------------------------------------------------------------------------------


def test_adaptive_fractional_and_global_windows() -> None:
    x = np.arange(49).reshape(7, 7)
    adaptive = [str(fact.spans[0]) for fact in explain.windows(Pooling.of(2, output_size=(3, 1)), (7, 7), x)]
    assert adaptive == ["0..2", "2..4", "4..6"]
    layer = Pooling.of(2, "max", 2, output_size=3, fractional=True, seed=1)
    starts = [fact.spans[1].cells.start for fact in explain.windows(layer, (7, 7), x)][:3]
    assert starts == [*layer.plan((7, 7))[1].starts]
    (fact,) = explain.windows(Pooling.of(2, "max", global_window=True), (7, 7), x)
    assert (fact.shape, fact.result) == ((7, 7), 48)


def test_planes_of_leading_axes() -> None:
    x = np.stack([MATRIX, -MATRIX])
    facts = list(explain.windows(Pooling.of(2), (4, 4), x))
    assert [(fact.plane, fact.at) for fact in facts[3:5]] == [((0,), (1, 1)), ((1,), (0, 0))]
    assert [fact.result for fact in explain.windows(Pooling.of(2), (4, 4), x, (1, 0))] == [5, -2]
    assert [fact.result for fact in explain.windows(Pooling.of(2), (4, 4), x, (1, 1, 0))] == [-2]


def test_shape_alone_tells_places() -> None:
    facts = list(explain.windows(Pooling.of(2, "avg", 2, padding=1, stride=2), (3, 3)))
    assert [fact.formula for fact in facts[:2]] == ["(x[0,0]) / 1", "(x[0,1] + x[0,2]) / 2"]
    assert facts[0].result is None
    assert facts[0].count("padding") == 3
    assert facts[0].record()["result"] is None
    assert "values" not in facts[0].record()
    assert next(explain.windows(Pooling.of(2, "std"), (4, 4))).formula == MODES["std"].formula


def test_one_window_of_a_huge_map_costs_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.zeros((4096, 4096), np.uint8)
    x[4094, 4095] = 9

    def never(*_: Any, **__: Any) -> Any:
        raise AssertionError("the whole map was pooled")

    monkeypatch.setattr(Pooling, "apply", never)
    fact = only(Pooling.of(2), x, 2047, 2047)
    assert (fact.result, fact.winner) == (9, (4094, 4095))
    fact = only(Pooling.of(2, "avg", 3, padding=1, pad_fill="wrap"), x, 0, 0)
    assert fact.n == 9


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("at", "error", "words"),
    [((2, 0), ShapeError, "the output is 2x2"), ((-1, 0), ShapeError, "no window"), ((0,), UsageError, "1 numbers"),
     ((0, 0, 0), UsageError, "3 numbers")],
)  # fmt: skip
def test_an_output_cell_that_does_not_exist(at: tuple[int, ...], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        explain.windows(Pooling.of(2), (4, 4), MATRIX, at)


def test_what_pooling_refuses_is_refused_before_the_first_fact() -> None:
    with pytest.raises(ShapeError):
        explain.windows(Pooling.of(2, "max", 5), (4, 4), MATRIX)
    with pytest.raises(EmptyWindowError):
        explain.windows(Pooling.of(2, "max", 1, padding=1), (4, 4), MATRIX)
    with pytest.raises(CompatError):
        explain.windows(Pooling.of(2, "avg", compat="onnx"), (4, 4), MATRIX, (0, 0))
    short = Pooling.of(2, "max", 1, stride=5, padding="same", compat="onnx")  # the last window ends before the input
    with pytest.raises(CompatError, match="must reach the end"):
        explain.windows(short, (4, 4), MATRIX.astype(np.float32), (0, 0))
    with pytest.raises(CompatError, match="must reach the end"):
        explain.windows(short, (4, 4))


# --- numbers, records, drawing ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "text"),
    [(3, "3"), (3.0, "3"), (1 / 3, "0.333333"), (-0.0, "0"), (1e20, "1e+20"), (123456.0, "123456"), (True, "1"),
     (2**60, str(2**60)), (np.float32(0.1), "0.1"), (math.nan, "NaN"), (-math.inf, "-inf"), (1.5e-7, "1.5e-07")],
)  # fmt: skip
def test_numbers_for_people(value: Any, text: str) -> None:
    assert formulas.number(value) == text


def test_a_record_is_json() -> None:
    fact = only(Pooling.of(2, "max", 3, stride=3, padding=1), MATRIX, 0, 0)
    assert json.loads(json.dumps(fact.record())) == {
        "at": [0, 0], "rows": [-1, 0, 1], "columns": [-1, 0, 1], "padding": 5, "overhang": 0, "n": 4,
        "values": [[None, None, None], [None, 1, 3], [None, 5, 6]], "winners": [[1, 1]], "formula": "max(1, 3, 5, 6)",
        "result": 6,
    }  # fmt: skip


def printed(width: int, facts: list[explain.WindowFact], **options: Any) -> str:
    console = Console(width=width, no_color=True, color_system=None)
    with console.capture() as capture:
        console.print(drawing.windows_table(facts, **{"headline": "", "sentence": "", **options}))
    return capture.get()


def test_the_table_shows_cells_winner_and_arithmetic() -> None:
    facts = list(explain.windows(Pooling.of(2), (4, 4), MATRIX))[:1]
    shown = printed(80, [*facts, *facts], ascii_only=True, headline="max 2x2")
    assert shown.splitlines()[0] == "max 2x2"
    assert "| 0,0    | 0..1 | 0..1    |  1   3   | 4 | max(1, 3, 5, 6) = 6" in shown
    assert "|        |      |         |  5  [6]  |" in shown
    assert shown.isascii()


@pytest.mark.parametrize("width", [1, 10, 30, 63, 64, 80, 200])
def test_the_table_fits_every_width(width: int) -> None:
    facts = list(explain.windows(Pooling.of(2, "avg", 3, stride=2, padding=1, ceil_mode=True), (4, 4), MATRIX))
    shown = printed(width, facts)
    assert all(len(line) <= max(width, 15) for line in shown.splitlines())
    assert "4.88889" in shown or width < 12


@pytest.mark.parametrize(
    ("mode", "size", "said"),
    [("max", 2, "[ ] the cell that decides"), ("median", 3, "[ ] the cell that decides"),
     ("median", 2, "[ ] the cells that decide"), ("range", 2, "[ ] the cells that decide"), ("avg", 2, "")],
)  # fmt: skip
def test_marked_cells_are_one_or_several(mode: str, size: int, said: str) -> None:
    shown = printed(100, list(explain.windows(Pooling.of(2, mode, size), (4, 4), MATRIX)))
    assert said in shown
    assert ("decide" in shown) == bool(said)


@pytest.mark.parametrize(("mode", "said"), [
    ("percentile:30", "Percentile:30 pooling keeps the value below which 30 percent of the window lies."),
    ("mixed:0.25", "Mixed:0.25 pooling mixes max (share 0.25) and average (the rest)."),
    ("lp:3", "Lp:3 pooling takes the 3-norm of every window: order 1 is the sum of |x|, inf its maximum."),
])  # fmt: skip
def test_the_sentence_holds_the_parameter(mode: str, said: str) -> None:
    assert sentence(Pooling.of(2, mode)) == said


def test_the_table_says_what_is_left_out_and_what_marks_mean() -> None:
    layer = Pooling.of(2, "max", 3, stride=2, padding=1, ceil_mode=True)
    facts = list(explain.windows(layer, (4, 4), MATRIX))
    shown = printed(100, facts[:3], footer="windows 1 to 3 of 9")
    assert shown.splitlines()[-1] == "windows 1 to 3 of 9"
    assert "[ ] the cell that decides" in shown
    assert "beyond the padding (ceil_mode), never counts" in shown
    assert "5 cells of padding are left out: padding never wins, as if it were -inf" in printed(200, facts[:3])


def test_large_windows_and_ties() -> None:
    x = np.zeros((20, 20), int)
    shown = printed(80, [only(Pooling.of(2, "max", 12), x, 0, 0)])
    assert "12x12 cells" in shown
    assert "0 occurs 144 times; it is taken from 0,0" in shown


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_explains_a_file(run: Run, tiny: Path) -> None:
    done = run("explain", tiny, "--mode", "max", "--size", "2")
    assert done.code == 0
    assert done.out.startswith("max 2x2, stride 2x2: 4x4 -> 2x2\n")
    assert "max(2, 9, 1, 7) = 9" in done.out


def test_one_window_and_pages(call: Run, tiny: Path) -> None:
    one = call("explain", tiny, "--at", "1,1", "-m", "avg")
    assert "(8 + 6 + 7 + 2) / 4 = 5.75" in one.out
    page = call("explain", tiny, "--size", "1", "--max-rows", "3", "--page", "2")
    assert "windows 4 to 6 of 16; --page 3 shows the next" in page.out
    assert call("explain", tiny, "--size", "1", "--full").out.count("max(") == 16
    assert call("explain", tiny, "--page", "2").code == 2


def test_json_has_every_window(call: Run, tiny: Path) -> None:
    made = call("explain", tiny, "--json").json()
    assert [window["result"] for window in made["windows"]] == [6, 9, 5, 8]
    assert made["pool"]["mode"] == "max"


NAMED = [
    ("ignore", "(x[0,0] + x[0,1] + x[1,0] + x[1,1]) / 4"),
    ("reflect", "(x[1,1] + x[1,0] + x[1,1] + x[0,1] + x[0,0] + x[0,1] + x[1,1] + x[1,0] + x[1,1]) / 9"),
    (2.5, "(2.5 + 2.5 + 2.5 + 2.5 + x[0,0] + x[0,1] + 2.5 + x[1,0] + x[1,1]) / 9"),
]


@pytest.mark.parametrize(("pad_fill", "formula"), NAMED)
def test_a_shape_alone_names_what_padding_holds(pad_fill: Any, formula: str) -> None:
    layer = Pooling.of(2, "avg", 3, stride=2, padding=1, pad_fill=pad_fill)
    assert next(explain.windows(layer, (7, 7))).formula == formula


@pytest.mark.slow
@pytest.mark.parametrize(("pad_fill", "formula"), NAMED)
def test_its_page_says_the_same(opened: Any, pad_fill: Any, formula: str) -> None:
    layer = Pooling.of(2, "avg", 3, stride=2, padding=1, pad_fill=pad_fill)
    seen = opened(page(named_only((7, 7)), layer, named=True))
    assert seen.text("#sums > :first-child") == formula
    assert seen.values("input")[0][:3] == {"ignore": ["", "", ""], "reflect": ["1,1", "1,0", "1,1"]}.get(
        pad_fill, ["2.5"] * 3
    )


def test_shape_alone_on_the_command_line(call: Run, tmp_path: Path) -> None:
    done = call("explain", "--shape", "7x7", "--size", "3", "--stride", "2")
    assert done.out.startswith("max 3x3, stride 2x2: 7x7 -> 3x3\n")
    assert call("explain", "--shape", "9", "--size", "3").code == 0
    assert call("explain", "--shape", "4x4", "-o", tmp_path / "x.html").code == 0
    assert (tmp_path / "x.html").read_bytes().startswith(b"<!doctype html>")
    assert call("explain", "--shape", "0x4").code == 2


@pytest.mark.parametrize(
    ("shape", "options", "windows", "note"),
    [("3x8x6", "", "8x6 -> 4x3", "3x8x6 is read as CHW; --layout DHW if all axes are spatial"),
     ("3x8x6", "--layout CHW", "8x6 -> 4x3", ""), ("2x3x8x6", "--layout NCHW", "8x6 -> 4x3", ""),
     ("2x3x8x6", "", "8x6 -> 4x3", ""), ("4x8x6", "--layout DHW", "4x8x6 -> 2x4x3", ""),
     ("20x30x3", "", "30x3 -> 15x1", "read as 20 channels of 30x3 (CHW); --layout HWC if its channels come last"),
     ("20x30x3", "--layout HWC", "20x30 -> 10x15", ""), ("8x6x3", "--compat keras --layout HWC", "8x6 -> 4x3", "")],
)  # fmt: skip
def test_a_shape_is_read_as_an_array_of_that_shape(
    call: Run, tmp_path: Path, shape: str, options: str, windows: str, note: str
) -> None:
    done = call("explain", "--shape", shape, *options.split())
    assert windows in done.out.splitlines()[0]
    spatial = windows.split()[0]
    maps = math.prod(map(int, shape.split("x"))) // math.prod(map(int, spatial.split("x")))
    alike = f"note: the windows are the same in each of the {maps} maps of {spatial}\n"
    assert done.err == f"note: {note}\n" * bool(note) + alike * (maps > 1)
    np.save(tmp_path / "x.npy", np.zeros([*map(int, shape.split("x"))]))
    assert windows in call("explain", tmp_path / "x.npy", *options.split()).out.splitlines()[0]


def test_a_layout_that_does_not_fit_a_shape(call: Run) -> None:
    done = call("explain", "--shape", "8x8", "--layout", "CHW")
    assert "layout CHW names 3 axes, but 8x8 has 2\nhint: give one letter per axis" in done.err
    done = call("explain", "--shape", "4x8x8", "-k", "2x2x2")
    assert "hint: use --layout DHW, or one number" in done.err
    assert call("explain", "--shape", "4x8x8", "-k", "2x2x2", "--layout", "DHW").code == 0
    three = call("explain", "--exercise", "--shape", "4x8x8", "--layout", "DHW", "-o", "page.html")
    assert "a page shows one or two spatial axes" in three.err


@pytest.mark.parametrize("name", ["page.html", "walk.gif", "walk.png", "walk.apng", "still.svg"])
def test_every_extension_is_written(call: Run, tiny: Path, tmp_path: Path, name: str) -> None:
    done = call("explain", tiny, "-o", tmp_path / name)
    assert (done.code, done.out) == (0, "")
    starts = {".html": b"<!doctype html>", ".gif": b"GIF89a", ".png": b"\x89PNG", ".apng": b"\x89PNG", ".svg": b"<svg"}
    assert (tmp_path / name).read_bytes().startswith(starts[Path(name).suffix])


def test_wrong_use_is_told(call: Run, tiny: Path, tmp_path: Path) -> None:
    assert "print it from the browser; known: .html" in call("explain", tiny, "-o", tmp_path / "x.pdf").err
    assert call("explain", tiny, "--at", "a,b").code == 2
    assert call("explain", tiny, "--at", "9,9").code == 1
    before = tiny.read_bytes()
    assert call("explain", tiny, "-o", tmp_path / "no" / "x.gif").code == 1
    assert tiny.read_bytes() == before

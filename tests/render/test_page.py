"""The page in a real browser: its arithmetic is poolcli's, and it works with mouse, finger, keys and screen readers."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from numpy.typing import NDArray

from poolcli.analysis import formulas
from poolcli.analysis import windows as explain
from poolcli.errors import LimitError, ShapeError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.pooling.layer import Pooling
from poolcli.pooling.modes import MODES as TABLE
from poolcli.render.files import named_only
from poolcli.render.page import MOST_PAGE_CELLS, layer_data, page

pytestmark = pytest.mark.slow

if TYPE_CHECKING:
    from tests.support.browser import Open, Watched


MATRIX = np.array([[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]])
MODES = [*(row.name for row in TABLE.values() if not row.parameter and not row.random), "lp:1", "lp:2", "lp:3",
         "lp:2.5", "lp:inf", "lp:40", "percentile:0", "percentile:37", "percentile:90", "percentile:100",
         "logavgexp:1", "logavgexp:0.1", "logavgexp:30", "mixed:0", "mixed:0.3", "mixed:1"]  # fmt: skip
CASES_PER_MODE = 24


def matrix_page(**options: Any) -> bytes:
    return page(FeatureMap(MATRIX, name="matrix.csv"), Pooling.of(2, **options))


# --- the arithmetic ---------------------------------------------------------------------------------------------------


def drawn_map(rng: np.random.Generator, ndim: int) -> NDArray[Any]:
    """Numbers of several kinds: few and many different ones, signed, fractions, extremes, NaN, infinities."""
    shape = tuple(int(n) for n in rng.integers(1, 9, ndim))
    kind = rng.choice(["digits", "signed", "normal", "odd", "huge", "tiny", "float32"])
    made: Callable[[], Any] = {
        "digits": lambda: rng.integers(0, 4, shape),
        "signed": lambda: rng.integers(-1000, 1000, shape),
        "normal": lambda: np.round(rng.standard_normal(shape), 3),
        "odd": lambda: rng.choice(
            [0.0, -0.0, 1.5, -2.0, np.nan, np.inf, -np.inf], shape, p=[0.2] * 4 + [0.1, 0.05, 0.05]
        ),
        "huge": lambda: rng.standard_normal(shape) * 1e200,
        "tiny": lambda: rng.standard_normal(shape) * 1e-200,
        "float32": lambda: rng.standard_normal(shape).astype(np.float32),
    }[str(kind)]
    return np.asarray(made())


def drawn_options(rng: np.random.Generator, ndim: int) -> dict[str, Any]:
    """Window options that may fit or not."""

    def sizes(low: int, high: int) -> tuple[int, ...]:
        return tuple(int(n) for n in rng.integers(low, high, ndim))

    options: dict[str, Any] = {"nan": str(rng.choice(["propagate", "ignore"]))}
    kind = rng.choice(["sliding"] * 6 + ["global", "adaptive", "fractional"])
    if kind == "global":
        return {**options, "global_window": True}
    if kind == "adaptive":
        return {**options, "output_size": sizes(1, 5)}
    if kind == "fractional":
        return {
            **options,
            "fractional": True,
            "size": sizes(1, 3),
            "output_size": sizes(1, 4),
            "seed": int(rng.integers(9)),
        }
    options |= {"size": sizes(1, 5), "ceil_mode": bool(rng.integers(2)), "count_include_pad": bool(rng.integers(2))}
    if rng.integers(2):
        options["stride"] = sizes(1, 4)
    if rng.integers(2):
        options["dilation"] = sizes(1, 4)
    pads = tuple((int(a), int(b)) for a, b in rng.integers(0, 4, (ndim, 2)))
    options["padding"] = ["valid", "same", "same-lower", pads, pads][rng.integers(5)]
    options["pad_fill"] = ["ignore", "ignore", "reflect", "symmetric", "replicate", "wrap", 0, -2.5][rng.integers(8)]
    return options


def as_map(values: NDArray[Any]) -> dict[str, Any]:
    plane = np.atleast_2d(values).astype(np.float64)
    return {"rows": plane.shape[0], "columns": plane.shape[1], "values": plane.ravel().tolist()}


def answer(layer: Pooling, values: NDArray[Any]) -> NDArray[Any] | None:
    """What poolcli says, or None where it refuses the shape."""
    try:
        return layer.apply(values)[0]
    except ShapeError:
        return None


POOL = """cases => cases.map(({map, layer}) => {
  try { const {rows, columns, values} = Pool.pool(map, layer); return {rows, columns, values: Array.from(values)}; }
  catch (problem) { if (problem instanceof Pool.PoolError) return null; throw problem; }
})"""


def in_page(watched: Watched, cases: list[tuple[Pooling, NDArray[Any]]]) -> list[Any]:
    sent = [{"map": as_map(values), "layer": layer_data(layer, values.dtype, values.shape)} for layer, values in cases]
    found: list[Any] = watched.page.evaluate(POOL, sent)
    return found


def same(mine: NDArray[Any], theirs: dict[str, Any] | None, largest: float) -> bool:
    if theirs is None:
        return False
    other = np.array(theirs["values"]).reshape(theirs["rows"], theirs["columns"])
    plain = np.atleast_2d(mine)
    close = 1e-5 if mine.dtype == np.float32 else 1e-9
    with np.errstate(invalid="ignore", over="ignore"):
        return plain.shape == other.shape and np.allclose(
            plain, other, rtol=close, atol=close * largest, equal_nan=True
        )


def planned(layer: Pooling, values: NDArray[Any]) -> bool:
    """Whether the layer's fractional windows, which the page gets ready made, fit at all."""
    try:
        layer_data(layer, values.dtype, values.shape)
    except ShapeError:
        return False
    return True


@pytest.mark.parametrize("mode", MODES)
def test_the_page_computes_what_poolcli_computes(calculator: Watched, mode: str) -> None:
    rng = np.random.default_rng([1, *mode.encode()])
    cases: list[tuple[Pooling, NDArray[Any]]] = []
    while len(cases) < CASES_PER_MODE:
        ndim = int(rng.integers(1, 3))
        values, options = drawn_map(rng, ndim), drawn_options(rng, ndim)
        layer = Pooling.of(ndim, mode, **options)
        if planned(layer, values):
            cases.append((layer, values))
    refused = 0
    for (layer, values), theirs in zip(cases, in_page(calculator, cases), strict=True):
        mine = answer(layer, values)
        if mine is None:
            refused += 1
            assert theirs is None, (layer, values)
            continue
        finite = np.abs(mine[np.isfinite(mine)])
        largest = max(float(finite.max(initial=0.0)), 1e-6 if mode.startswith("logavgexp") else 0.0)  # logs near 1
        assert same(mine, theirs, largest), (layer, values, mine, theirs)
    assert refused < CASES_PER_MODE / 2


def test_the_page_follows_the_frameworks(calculator: Watched) -> None:
    rng = np.random.default_rng(5)
    cases: list[tuple[Pooling, NDArray[Any]]] = []
    for compat, mode in [("torch", "max"), ("torch", "avg"), ("torch", "lp:3"), ("torch", "lp:2"), ("keras", "avg"),
                         ("onnx", "max"), ("onnx", "min"), ("onnx", "avg"), ("onnx", "lp:2")]:  # fmt: skip
        for _ in range(8):
            values = np.round(rng.standard_normal((6, 7)), 2)
            values[rng.random(values.shape) < 0.1] = np.nan
            padding = int(rng.integers(2)) if compat != "keras" and not mode.startswith("lp") else "valid"
            layer = Pooling.of(2, mode, 3, padding=padding, ceil_mode=compat != "keras", compat=compat)
            cases.append((layer, values))
            if compat == "torch" and mode == "avg":
                cases.append((layer, rng.integers(-9, 9, (5, 5))))
            if compat == "onnx" and mode != "lp:2":
                cases.append((Pooling.of(2, mode, 2, padding="same", dilation=2, compat=compat), values))
    for (layer, values), theirs in zip(cases, in_page(calculator, cases), strict=True):
        mine = answer(layer, values)
        assert mine is not None
        assert same(mine, theirs, 10.0), (layer, values, mine, theirs)


EXPLAIN = """cases => cases.map(({map, layer}) => {
  const axes = Pool.plan(layer, [map.rows, map.columns]);
  return axes[0].starts.flatMap((_, i) => axes[1].starts.map((_, j) => {
    const {formula, n, winners, padding, cells} = Pool.explain(map, layer, axes, i, j);
    return {formula, n, padding, winners: winners.map(({row, column}) => [row, column]),
            kinds: cells.map(({row, column, kind}) => [row, column, kind])};
  }));
})"""


@pytest.mark.parametrize("mode", [mode for mode in MODES if not mode.startswith(("lp:40", "lp:inf"))])
def test_the_page_explains_as_poolcli_explains(calculator: Watched, mode: str) -> None:
    rng = np.random.default_rng([2, *mode.encode()])
    cases: list[tuple[Pooling, NDArray[Any]]] = []
    while len(cases) < 10:
        values, options = rng.integers(-20, 20, (5, 6)), drawn_options(rng, 2)
        layer = Pooling.of(2, mode, **options)
        if planned(layer, values) and answer(layer, values) is not None:
            cases.append((layer, values))
    sent = [{"map": as_map(values), "layer": layer_data(layer, values.dtype, values.shape)} for layer, values in cases]
    for (layer, values), theirs in zip(cases, calculator.page.evaluate(EXPLAIN, sent), strict=True):
        facts = list(explain.windows(layer, values.shape, values))
        assert len(facts) == len(theirs)
        for fact, other in zip(facts, theirs, strict=True):
            assert other["formula"] == fact.formula
            assert (other["n"], other["padding"]) == (fact.n, fact.count("padding"))
            assert other["winners"] == [list(place) for place in fact.winners]
            assert other["kinds"] == [[*cell.at, cell.kind] for cell in fact.cells]


# --- looking at it ----------------------------------------------------------------------------------------------------


def test_it_opens_with_the_data_and_the_first_window(opened: Open) -> None:
    seen = opened(matrix_page())
    assert seen.values("input") == [[str(value) for value in row] for row in MATRIX]
    assert seen.values("output") == [["6", "9"], ["5", "8"]]
    assert seen.values("other") == [["3.75", "4.75"], ["3.5", "5.75"]]
    assert seen.text("#headline") == "max 2x2, stride 2x2: 4x4 becomes 2x2"
    assert seen.text("#sums > :first-child") == "max(1, 3, 5, 6) = 6"
    assert seen.text("#sums > :nth-child(2)") == "average: (1 + 3 + 5 + 6) / 4 = 3.75"


def test_pointing_at_an_output_lights_up_its_window(opened: Open) -> None:
    seen = opened(matrix_page())
    seen.cell("output", 1, 1).hover()
    assert seen.marked("input", "in") == {(2, 2), (2, 3), (3, 2), (3, 3)}
    assert seen.marked("input", "win") == {(2, 2)}
    assert seen.text("#sums > :first-child") == "max(8, 6, 7, 2) = 8"
    assert seen.text("#sums > :nth-child(2)") == "average: (8 + 6 + 7 + 2) / 4 = 5.75"
    assert "rows 2 to 3, columns 2 to 3" in seen.text("#where")


def test_pointing_at_an_input_lights_up_what_it_feeds(opened: Open) -> None:
    seen = opened(matrix_page(size=2, stride=1))
    seen.cell("input", 1, 1).hover()
    assert seen.marked("output", "at") == {(0, 0), (0, 1), (1, 0), (1, 1)}
    assert seen.text("#sums > :first-child").startswith("feeds 4 output cells: 0,0 (6), 0,1 (6)")
    seen.cell("input", 0, 0).hover()
    assert seen.marked("output", "at") == {(0, 0)}


def test_a_tap_keeps_a_window(opened: Open) -> None:
    seen = opened(matrix_page(), has_touch=True, width=360, height=740)
    seen.cell("output", 0, 1).tap()
    assert seen.text("#sums > :first-child") == "max(2, 9, 1, 7) = 9"
    seen.cell("input", 3, 0).tap()
    assert seen.text("#sums > :first-child") == "feeds 1 output cell: 1,0 (5)"


def test_a_kept_window_stays_while_the_mouse_moves(opened: Open) -> None:
    seen = opened(matrix_page())
    seen.cell("output", 0, 1).click()
    seen.cell("output", 1, 0).hover()
    assert seen.text("#sums > :first-child") == "max(2, 9, 1, 7) = 9"
    seen.page.keyboard.press("Escape")
    seen.cell("output", 1, 1).hover()
    assert seen.text("#sums > :first-child") == "max(8, 6, 7, 2) = 8"


def test_keys_walk_through_the_maps(opened: Open) -> None:
    seen = opened(matrix_page())
    keys = seen.page.keyboard
    seen.cell("output", 0, 0).focus()
    keys.press("ArrowRight")
    assert seen.text("#sums > :first-child") == "max(2, 9, 1, 7) = 9"
    keys.press("ArrowDown")
    keys.press("Home")
    assert seen.text("#sums > :first-child") == "max(4, 2, 3, 5) = 5"
    keys.press("Control+End")
    assert seen.text("#count") == "4 of 4"
    keys.press("ArrowRight")  # at the end: stays
    assert seen.text("#count") == "4 of 4"
    keys.press("n")
    assert seen.text("#count") == "1 of 4"
    keys.press("b")
    assert seen.text("#count") == "4 of 4"


def test_only_one_cell_of_a_map_is_a_tab_stop(opened: Open) -> None:
    seen = opened(matrix_page())
    assert seen.page.locator("#output .cell[tabindex='0']").count() == 1
    order = []
    seen.page.locator("#settings > summary").focus()
    for _ in range(40):
        seen.page.keyboard.press("Tab")
        order.append(seen.page.evaluate("document.activeElement.id || document.activeElement.dataset.row || ''"))
    wanted = ["mode", "beside", "kind", "size-rows", "size-columns", "padding", "ceil_mode", "reset", "play", "at"]
    assert [name for name in order if name in wanted][: len(wanted)] == wanted


def test_playing_fills_the_output_and_pausing_stops_it(opened: Open) -> None:
    seen = opened(matrix_page())
    seen.page.select_option("#speed", "20")
    seen.page.click("#play")
    assert seen.text("#play") == "Pause"
    seen.wait("#count", "4 of 4")
    seen.wait("#play", "Play")
    assert seen.values("output") == [["6", "9"], ["5", "8"]]
    seen.page.select_option("#speed", "0.5")
    assert seen.values("output", first="#play") == [["6", ""], ["", ""]]
    seen.page.click("#play")
    assert seen.text("#play") == "Play"
    seen.cell("output", 0, 0).focus()
    seen.page.keyboard.press("Space")
    assert seen.text("#play") == "Pause"


def test_buttons_and_slider_step(opened: Open) -> None:
    seen = opened(matrix_page())
    for button, count in (("forward", 2), ("last", 4), ("forward", 1), ("back", 4), ("first", 1)):
        seen.page.click(f"#{button}")
        assert seen.text("#count") == f"{count} of 4"
    seen.page.focus("#at")
    seen.page.keyboard.press("ArrowRight")
    assert seen.text("#sums > :first-child") == "max(2, 9, 1, 7) = 9"


# --- changing it ------------------------------------------------------------------------------------------------------


def test_every_option_changes_the_maps(opened: Open) -> None:
    seen = opened(matrix_page())
    seen.page.select_option("#mode", "min")
    assert seen.values("output") == [["1", "1"], ["2", "2"]]
    seen.page.fill("#size-rows", "3")
    seen.page.fill("#size-columns", "3")
    assert seen.values("output") == [["1"]]
    seen.page.uncheck("#same-stride")
    seen.page.fill("#stride-rows", "1")
    seen.page.fill("#stride-columns", "1")
    assert seen.values("output") == [["1", "1"], ["1", "1"]]
    seen.page.select_option("#mode", "avg")
    seen.page.select_option("#padding", "cells")
    assert seen.text("#headline") == "average 3x3, stride 1x1, padding 1x1: 4x4 becomes 4x4"
    assert seen.text("#sums > :first-child") == "average: (1 + 3 + 5 + 6) / 4 = 3.75"
    seen.page.check("#count_include_pad")
    assert seen.text("#sums > :first-child") == "average: (1 + 3 + 5 + 6) / 9 = 1.66667"
    seen.page.fill("#dilation-rows", "2")
    assert seen.text("#headline") == "average 3x3, stride 1x1, padding 1x1, dilation 2x1: 4x4 becomes 2x4"
    seen.page.click("#reset")
    assert seen.values("output") == [["6", "9"], ["5", "8"]]
    seen.page.fill("#size-rows", "3")
    seen.page.check("#ceil_mode")
    assert seen.values("output") == [["6", "9"], ["5", "7"]]
    seen.page.select_option("#kind", "global")
    assert seen.values("output") == [["9"]]
    seen.page.select_option("#kind", "adaptive")
    seen.page.fill("#output_size-columns", "3")
    assert seen.values("output") == [["6", "8", "9"]]


def test_parameters_are_asked_for_and_checked(opened: Open) -> None:
    seen = opened(matrix_page())
    assert not seen.page.locator("#parameter").is_visible()
    seen.page.select_option("#mode", "lp")
    assert seen.text("#parameter-name") == "P, the order of the norm"
    seen.page.fill("#parameter", "1")
    assert seen.values("output") == [["15", "19"], ["14", "23"]]
    seen.page.fill("#parameter", "-1")
    assert "must lie in" in seen.text("#problem")
    assert not seen.page.locator("#stage").is_visible()


def test_a_layer_that_does_not_fit_says_so_and_comes_back(opened: Open) -> None:
    seen = opened(matrix_page())
    seen.page.fill("#size-rows", "9")
    assert seen.text("#problem") == "window 9x2 is larger than the input 4x4"
    seen.page.fill("#size-rows", "")
    assert seen.text("#problem") == "size must be whole numbers of 1 or more"
    seen.page.fill("#size-rows", "4")
    assert seen.text("#problem") == ""
    assert seen.values("output") == [["6", "9"]]
    seen.page.select_option("#padding", "cells")
    seen.page.fill("#pad-rows-before", "9")
    assert "hold no real cell" in seen.text("#problem")


def test_too_much_arithmetic_is_refused_in_the_page(opened: Open) -> None:
    big = np.zeros((300, 300), np.uint8)
    seen = opened(page(FeatureMap(big), Pooling.of(2, "max", 2)))
    seen.page.uncheck("#same-stride")
    for name in ("stride-rows", "stride-columns"):
        seen.page.fill(f"#{name}", "1")
    for name in ("size-rows", "size-columns"):
        seen.page.fill(f"#{name}", "99")
    assert "run poolcli pool" in seen.text("#problem")


def test_channels_are_chosen_and_not_mixed(opened: Open) -> None:
    stack = np.stack([MATRIX, 10 * MATRIX])
    seen = opened(page(FeatureMap(stack, "CHW"), Pooling.of(2)))
    assert seen.values("output") == [["6", "9"], ["5", "8"]]
    seen.page.select_option("#plane", "1")
    assert seen.values("output") == [["60", "90"], ["50", "80"]]


# --- odd maps, large maps, foreign names ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "values",
    [[[np.nan, 1], [np.inf, -np.inf]], [[7, 7], [7, 7]], [[5]], [[1, 2, 3, 4, 5, 6]], [[1], [2], [3]],
     [[np.nan]], [[1e308, -1e308]], [[True, False]]],
)  # fmt: skip
def test_odd_maps_are_drawn(opened: Open, values: list[list[float]]) -> None:
    array = np.array(values)
    seen = opened(page(FeatureMap(array), Pooling.of(2, "avg", (1, 1))))
    wanted = [[formulas.number(value, 4) for value in row] for row in array.tolist()]
    shown = seen.page.locator("#output .cell").evaluate_all(
        "cells => cells.map(cell => cell.getAttribute('aria-label'))"
    )
    assert [label.split(": ")[1] for label in shown] == [
        formulas.number(value) for row in array.tolist() for value in row
    ]
    assert seen.values("output") == wanted


def test_one_axis(opened: Open) -> None:
    signal = FeatureMap(np.array([3, 1, 4, 1, 5, 9]), "L", name="signal.csv")
    seen = opened(page(signal, Pooling.of(1, "max", 3, stride=2, padding=1)))
    assert seen.values("output") == [["3", "4", "9"]]
    assert seen.text("#headline") == "max 3, stride 2, padding 1: 6 becomes 3"
    assert not seen.page.locator("#size-rows").count()
    seen.cell("output", 0, 1).hover()
    assert seen.text("#where") == "Output cell 1 looks at input cells 1 to 3"


def test_fractional_windows_stay_as_they_were_drawn(opened: Open) -> None:
    layer = Pooling.of(2, "max", 2, output_size=3, fractional=True, seed=4)
    values = np.arange(49).reshape(7, 7)
    seen = opened(page(FeatureMap(values), layer))
    assert seen.values("output") == [[str(value) for value in row] for row in layer.apply(values)[0].tolist()]


def test_a_large_map_is_a_canvas_and_its_window_can_be_followed(opened: Open) -> None:
    rows, columns = np.mgrid[:200, :300]
    waves = (127 + 120 * np.sin(columns / 30) * np.cos(rows / 40)).astype(np.uint8)
    seen = opened(page(FeatureMap(waves, name="waves.png"), Pooling.of(2, "max", 4)))
    assert seen.page.locator("#input canvas[role=application]").count() == 1
    look = "() => document.querySelector('#input canvas').toDataURL()"
    first = seen.page.evaluate(look)
    seen.page.locator("#output canvas[tabindex]").focus()
    seen.page.keyboard.press("ArrowDown")
    seen.page.keyboard.press("ArrowRight")
    assert seen.text("#where") == "Output row 1, column 1 looks at input rows 4 to 7, columns 4 to 7"
    assert f"= {waves[4:8, 4:8].max()}" in seen.text("#sums > :first-child")
    assert seen.page.evaluate(look) != first
    box = seen.page.locator("#output canvas[tabindex]").bounding_box()
    seen.page.mouse.move(box["x"] + box["width"] - 2, box["y"] + box["height"] - 2)
    assert seen.text("#where") == "Output row 49, column 74 looks at input rows 196 to 199, columns 296 to 299"


def test_the_largest_map_follows_its_layer(opened: Open) -> None:
    values = np.random.default_rng(3).integers(0, 255, (512, 512)).astype(np.uint8)
    assert values.size == MOST_PAGE_CELLS
    seen = opened(page(FeatureMap(values), Pooling.of(2, "avg", 3, stride=1, padding=1)))
    seen.page.select_option("#kind", "global")
    seen.page.select_option("#mode", "std")
    assert seen.text("#sums > :first-child").endswith(f"= {formulas.number(values.std())}")
    seen.page.click("#reset")
    seen.page.click("#play")
    assert seen.text("#play") == "Pause"


def test_names_are_shown_and_never_run(opened: Open) -> None:
    name = "<script>alert(1)</script><img src=x onerror=alert(2)>@data@\u202e\x1b[31m</title>.csv"
    data = page(FeatureMap(MATRIX, name=name), Pooling.of(2))
    seen = opened(data)
    shown = "<script>alert(1)</script><i...@data@\\u202e\\x1b[31m</title>.csv"
    assert seen.text("#name").startswith("<script>alert(1)</script>")
    assert seen.text("#name").endswith("</title>.csv")
    assert len(seen.text("#name")) == len(shown) or "\u202e" not in seen.text("#name")
    assert seen.page.title().startswith("<script>alert(1)</script>")
    assert seen.page.locator("img").count() == 0
    assert data.count(b"<script") == 2


# --- what it may not do -----------------------------------------------------------------------------------------------


def policy_of(data: bytes) -> str:
    found = re.search(rb'http-equiv="Content-Security-Policy" content="([^"]*)"', data)
    assert found
    return found[1].decode()


def test_the_policy_allows_its_own_script_and_style_and_nothing_else() -> None:
    data = matrix_page()
    policy = dict(part.strip().split(" ", 1) for part in policy_of(data).split(";"))
    script, style = (
        data.rsplit(b"<script>", 1)[1].split(b"</script>")[0],
        data.split(b"<style>")[1].split(b"</style>")[0],
    )
    for name, text in (("script-src", script), ("style-src", style)):
        assert policy[name] == f"'sha256-{base64.b64encode(hashlib.sha256(text).digest()).decode()}'"
    assert policy["default-src"] == "'none'"
    assert "unsafe" not in policy_of(data)


def test_the_policy_is_obeyed(opened: Open) -> None:
    seen = opened(matrix_page())
    blocked = seen.page.evaluate("""async () => {
        const script = document.createElement('script');
        script.textContent = 'window.ran = true';
        document.body.append(script);
        const fetched = await fetch('http://127.0.0.1:9/').then(() => 'fetched', () => 'refused');
        return [window.ran === true, fetched];
    }""")
    assert blocked == [False, "refused"]
    assert all("Content Security Policy" in line or "Refused" in line for line in seen.said)
    seen.said.clear()
    seen.requests.clear()


def test_the_page_is_small_self_contained_and_always_the_same() -> None:
    values = np.random.default_rng(0).standard_normal((32, 32))
    made = page(FeatureMap(values), Pooling.of(2))
    assert len(made) < 300_000
    assert made == page(FeatureMap(values), Pooling.of(2))
    assert not re.findall(rb'(?:src|href)="(?!data:|#)', made)
    assert not re.findall(rb"https?://", made)


def test_what_a_page_cannot_hold_is_refused() -> None:
    with pytest.raises(LimitError, match="a page holds at most") as problem:
        page(FeatureMap(np.zeros((1024, 1024), np.uint8)), Pooling.of(2))
    assert problem.value.hint is not None
    assert "size=2" in problem.value.hint
    with pytest.raises(UsageError, match="one or two spatial axes"):
        page(FeatureMap(np.zeros((2, 2, 2)), "DHW"), Pooling.of(3))
    with pytest.raises(UsageError, match="draws at random"):
        page(FeatureMap(np.ones((2, 2))), Pooling.of(2, "stochastic", seed=1))
    with pytest.raises(ShapeError):
        page(FeatureMap(np.ones((2, 2))), Pooling.of(2, "max", 3))
    assert MOST_PAGE_CELLS >= 512 * 512


def test_numbers_too_large_for_a_page_are_owned_up_to(opened: Open) -> None:
    seen = opened(page(FeatureMap(np.array([[2**60 + 1, 3]])), Pooling.of(2, "max", 1)))
    seen.page.click("#help > summary")
    assert "too large for a page to hold exactly" in seen.text("#exactness")


# --- everyone can use it ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [360, 1920])
@pytest.mark.parametrize("kind", ["cells", "canvas", "padded"])
def test_axe_finds_nothing(opened: Open, axe: str, width: int, kind: str) -> None:
    pages = {
        "cells": lambda: matrix_page(),
        "canvas": lambda: page(FeatureMap(np.arange(6400).reshape(80, 80)), Pooling.of(2, "avg", 2)),
        "padded": lambda: matrix_page(size=3, stride=2, padding=1, ceil_mode=True),
    }
    seen = opened(pages[kind](), width=width, height=900)
    seen.page.evaluate("() => { for (const one of document.querySelectorAll('details')) one.open = true; }")
    assert seen.violations(axe) == []
    if kind == "cells":
        seen.page.fill("#size-rows", "9")
        assert "9" in seen.text("#problem")
        assert seen.violations(axe) == []


@pytest.mark.parametrize("width", [360, 1920])
@pytest.mark.parametrize("side", [4, 32, 100])
def test_nothing_sticks_out_at_the_side(opened: Open, width: int, side: int) -> None:
    values = np.arange(side * side).reshape(side, side)
    seen = opened(page(FeatureMap(values), Pooling.of(2, "max", 3, padding=1)), width=width, height=900)
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    for panel in ("input", "output", "other"):
        wide = seen.page.evaluate(
            f"[...document.querySelectorAll('#{panel} .map')].map(m => m.scrollWidth - m.clientWidth)"
        )
        assert max(wide) <= 0


SCREENS = [(360, 640), (768, 1024), (1024, 768), (1280, 640), (1366, 768), (1920, 970), (1920, 1080)]
MAPS = {
    "small": lambda: matrix_page(),
    "padded": lambda: matrix_page(stride=1, padding=1),
    "wide windows": lambda: page(FeatureMap(np.arange(144).reshape(12, 12)), Pooling.of(2, "avg", 7, stride=1)),
    "canvas": lambda: page(FeatureMap(np.arange(6400).reshape(80, 80)), Pooling.of(2, "avg", 2)),
    "signal": lambda: page(FeatureMap(np.arange(40), "L"), Pooling.of(1, "max", 2)),
}
# points of maps that are on the screen and that something else lies on, while the page is scrolled through
COVERED = """async () => {
  const covered = [];
  for (let top = 0; top < document.documentElement.scrollHeight; top += innerHeight / 2) {
    scrollTo({ top, behavior: "instant" });
    for (const map of document.querySelectorAll(".cell, .map canvas")) {
      const { left, top, right, bottom } = map.getBoundingClientRect();
      for (const [x, y] of [[left + 3, top + 3], [right - 3, bottom - 3], [(left + right) / 2, (top + bottom) / 2]])
        if (x > 0 && y > 0 && x < innerWidth - 1 && y < innerHeight - 1 && document.elementFromPoint(x, y) !== map)
          covered.push([map.ariaLabel, scrollY, x, y]);
    }
  }
  return covered;
}"""
# [panel, left, top, right, bottom] of every map that is shown, and of the readout below them
BOXES = """() => [...document.querySelectorAll(".panel:not([hidden]) .map > *, #readout")].map((one) => {
  const { left, top, right, bottom } = one.getBoundingClientRect();
  return [one.closest("section").id, left, top, right, bottom];
})"""


@pytest.mark.parametrize("screen", SCREENS, ids=lambda screen: "{}x{}".format(*screen))
@pytest.mark.parametrize("kind", MAPS)
def test_maps_are_in_view_and_nothing_covers_them(opened: Open, screen: tuple[int, int], kind: str) -> None:
    seen = opened(MAPS[kind](), width=screen[0], height=screen[1])
    if screen in SCREENS[2:]:  # the others scroll
        in_view_without_scrolling(seen, *screen)
    assert seen.page.evaluate(COVERED) == []
    seen.page.evaluate("document.getElementById('settings').open ^= true")
    assert seen.page.evaluate(COVERED) == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= screen[0]


def in_view_without_scrolling(seen: Watched, width: int, height: int) -> None:
    boxes = seen.page.evaluate(BOXES)
    assert [box[0] for box in boxes] == ["input", "output", "other", "readout"]
    for _, left, top, right, bottom in boxes:
        assert 0 <= left < right <= width
        assert 0 <= top < bottom <= height
    assert seen.page.evaluate("document.getElementById('settings').open") == (height > 900)


def test_numbers_of_rows_and_columns_can_be_read_or_are_left_out(opened: Open) -> None:
    fonts = "[...document.querySelectorAll('.ruler')].map((one) => parseFloat(getComputedStyle(one).fontSize))"
    for width, height, readable in ((1100, 760, False), (1900, 1400, True)):
        seen = opened(page(FeatureMap(np.zeros((26, 26))), Pooling.of(2)), width=width, height=height)
        found = set(seen.page.evaluate(fonts))
        assert all(size == 0 or size >= 9 for size in found), found
        assert (0 not in found) == readable


def test_maps_are_drawn_again_where_options_leave_less_room(opened: Open) -> None:
    seen = opened(matrix_page(), width=1366, height=768)
    side = "document.querySelector('#input .cell').offsetWidth"
    folded = seen.page.evaluate(side)
    seen.cell("output", 1, 1).focus()
    seen.page.evaluate("document.getElementById('settings').open = true")
    seen.page.wait_for_function(f"{side} < {folded}")
    assert seen.text("#count") == "4 of 4"
    assert seen.page.evaluate("document.activeElement.dataset.row") == "1"
    seen.page.evaluate("document.getElementById('settings').open = false")
    seen.page.wait_for_function(f"{side} === {folded}")


@pytest.mark.parametrize(
    ("side", "mode", "options"),
    [(8, "max", {}), (8, "avg", {}), (4, "avg", {"size": 3, "stride": 2, "padding": 1})],
)
def test_the_input_is_easy_to_read_between_open_controls_and_the_readout(
    opened: Open, side: int, mode: str, options: dict[str, Any]
) -> None:
    values = 7 * np.arange(side * side).reshape(side, side) % 10
    seen = opened(page(FeatureMap(values), Pooling.of(2, mode, **options)), width=1280, height=720)
    wide = "(where) => document.querySelector(where).offsetWidth"
    folded = seen.page.evaluate(wide, "#input .cell")
    seen.page.evaluate("document.querySelector('#settings').open = true")
    seen.page.wait_for_function(f"({wide})('#input .cell') !== {folded}")
    assert seen.page.evaluate(wide, "#input .cell") >= max(44, seen.page.evaluate(wide, "#output .cell"))
    style = "(where) => parseFloat(getComputedStyle(document.querySelector(where)).fontSize)"
    assert seen.page.evaluate(style, "#input .cell") >= 15
    assert seen.page.evaluate("document.querySelector('#input .grid').getBoundingClientRect().bottom") <= 720


def test_long_numbers_of_an_output_have_larger_cells_where_there_is_room(opened: Open) -> None:
    values = np.arange(36).reshape(6, 6) ** 2 % 10
    seen = opened(page(FeatureMap(values), Pooling.of(2, "avg", 3, stride=1, padding=1)), width=1366, height=680)
    fonts = seen.page.evaluate(
        "['input', 'output'].map((id) => parseFloat(getComputedStyle(document.querySelector(`#${id} .cell`)).fontSize))"
    )
    assert min(fonts) > 12
    assert seen.page.evaluate(BOXES)[-1][-1] <= 680  # all is in view yet


# [kind, height, width] of every cell in the copy of the window that the readout has, in whole pixels
COPIED = """() => [...document.querySelectorAll("#lens span")].map((cell) => {
  const { height, width } = cell.getBoundingClientRect();
  return [cell.classList[0], Math.round(height), Math.round(width)];
})"""


@pytest.mark.parametrize("screen", [(1366, 768), (1920, 1080)], ids=lambda screen: "{}x{}".format(*screen))
def test_the_readouts_window_has_cells_of_one_size(opened: Open, screen: tuple[int, int]) -> None:
    values = np.array([[1, 12345, 2], [4, 9, 6], [3, 2, 7]])
    layer = Pooling.of(2, "avg", 3, stride=1, padding=1)
    seen = opened(page(FeatureMap(values), layer), width=screen[0], height=screen[1])
    cells = seen.page.evaluate(COPIED)
    assert [kind for kind, _, _ in cells] == ["padding"] * 4 + ["real"] * 2 + ["padding"] + ["real"] * 2
    assert len({(height, width) for _, height, width in cells}) == 1


# --- paper ------------------------------------------------------------------------------------------------------------

SIDES = ("top", "right", "bottom", "left")  # of a sheet, which printers leave free
PAPERS = {"A4": (718, 1047), "A5": (483, 718), "A4 across": (1047, 718)}  # pixels within margins of a centimetre
SCROLLING = """() => [...document.querySelectorAll("body *")].filter((one) => one.clientWidth > 1
  && ["auto", "scroll"].includes(getComputedStyle(one).overflowX)).map((one) => one.outerHTML.slice(0, 60))"""


def printed(seen: Watched, **how: Any) -> int:
    """Count the pages that a printer would get."""
    data = seen.page.pdf(print_background=True, margin=dict.fromkeys(SIDES, "1cm"), **how)
    return len(re.findall(rb"/Type\s*/Page\b", data))


@pytest.mark.parametrize("kind", MAPS)
def test_paper_has_all_cells_and_no_controls_and_is_one_sheet(opened: Open, kind: str) -> None:
    seen = opened(MAPS[kind](), width=800, height=600)
    controls = "button, select, input, summary ~ *"
    assert seen.page.locator(controls).count() > 10
    for scheme in ("light", "dark"):
        seen.page.emulate_media(media="print", color_scheme=scheme)
        assert seen.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        for paper, (width, height) in PAPERS.items():
            seen.page.set_viewport_size({"width": width, "height": height})
            assert seen.page.evaluate(SCROLLING) == []
            assert seen.page.locator(f":is({controls}):visible").count() == 0
            boxes = seen.page.evaluate(BOXES)
            for _, left, _, right, _ in boxes:
                assert 0 <= left < right <= width
            assert max(bottom for *_, bottom in boxes) <= height or paper == "A5"
    assert printed(seen, format="A4") == 1
    assert printed(seen, format="Letter") == 1
    assert printed(seen, format="A4", landscape=True) == 1


def test_numbers_that_the_screen_has_no_room_for_are_on_paper(opened: Open) -> None:
    seen = opened(page(FeatureMap(np.arange(256).reshape(16, 16)), Pooling.of(2)), width=360, height=640)
    letters = "parseFloat(getComputedStyle(document.querySelector('#input .cell')).fontSize)"
    assert seen.page.evaluate(letters) == 0
    seen.page.emulate_media(media="print")
    assert seen.page.evaluate(letters) >= 7
    assert seen.values("input")[15] == [str(value) for value in range(240, 256)]


def test_the_frame_on_paper_lies_around_its_window(opened: Open) -> None:
    seen = opened(matrix_page(), width=360, height=640)
    seen.cell("output", 1, 1).focus()
    seen.page.emulate_media(media="print")
    (x, y, width), (first_x, first_y, side), (last_x, _, _) = seen.page.evaluate(
        """() => [".frame", "[data-row='2'][data-column='2']", "[data-row='3'][data-column='3']"].map((where) => {
            const { x, y, width } = document.querySelector(`#input ${where}`).getBoundingClientRect();
            return [x, y, width];
        })"""
    )
    assert side == pytest.approx(18 / 25.4 * 96, abs=0.5)  # on the screen there was less room
    assert (x, y, width) == pytest.approx((first_x, first_y, last_x + side - first_x), abs=1)


def test_light_and_dark_follow_the_system_and_the_switch(opened: Open) -> None:
    paper = "getComputedStyle(document.body).backgroundColor"
    light, dark = (opened(matrix_page(), scheme=scheme).page for scheme in ("light", "dark"))
    assert light.evaluate(paper) != dark.evaluate(paper)
    wanted = dark.evaluate(paper)
    light.select_option("#theme", "dark")
    assert light.evaluate(paper) == wanted


def test_the_colours_can_be_changed(opened: Open) -> None:
    seen = opened(matrix_page())
    back = "getComputedStyle(document.querySelector('#input .cell')).backgroundColor"
    assert seen.page.evaluate(back) == "rgb(68, 1, 84)"
    seen.page.select_option("#colormap", "gray")
    assert seen.page.evaluate(back) == "rgb(0, 0, 0)"


def test_the_parts_are_package_data() -> None:
    for name in ("page.html", "page.css", "pool.js", "page.js"):
        assert Path(str(files("poolcli.render.page").joinpath(name))).is_file()


# --- a shape alone, and padding that no window reaches ----------------------------------------------------------------


def test_padding_that_no_window_reaches_is_crossed_out(opened: Open) -> None:
    seen = opened(matrix_page(size=3, stride=2, padding=1))
    kinds = seen.page.locator("#input .cell.unreached").evaluate_all(
        "c => c.map(x => [x.dataset.row, x.dataset.column])"
    )
    assert len(kinds) == 11
    assert seen.cell("input", 4, 0).get_attribute("aria-label") == "row 4, column 0: padding that no window reaches"
    assert seen.text("#unreached").startswith("Crossed out: padding that no window reaches")
    seen.page.evaluate("document.querySelector('#settings').open = true")
    seen.page.fill("#stride-rows", "1")
    seen.page.fill("#stride-columns", "1")
    assert seen.page.locator("#input .cell.unreached").count() == 0
    assert seen.text("#unreached") == ""


def test_a_page_of_a_shape_alone_names_its_cells(opened: Open) -> None:
    seen = opened(page(named_only((5, 4)), Pooling.of(2, "avg"), named=True))
    assert seen.values("input")[1] == ["1,0", "1,1", "1,2", "1,3"]
    seen.cell("output", 1, 0).click()
    assert seen.text("#sums > :first-child") == "(x[2,0] + x[2,1] + x[3,0] + x[3,1]) / 4"
    assert seen.text("#sums > :nth-child(2)") == "max(x[2,0], x[2,1], x[3,0], x[3,1])"
    assert seen.text("#shape") == "cells named by row and column"
    seen.page.click("#help > summary")
    assert seen.text("#command") == "poolcli explain --shape 5x4 --mode avg --size 2x2 --stride 2x2"
    seen.cell("input", 0, 0).click()
    assert seen.text("#sums > :first-child") == "feeds 1 output cell: 0,0"


def test_a_large_shape_is_a_page_too(opened: Open) -> None:
    seen = opened(page(named_only((100, 100)), Pooling.of(2), named=True))
    assert seen.page.locator("#input canvas").count() == 1

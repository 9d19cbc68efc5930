"""The window's walk, frame by frame: what each shows, how long, and that the same input gives the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from itertools import pairwise
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from PIL import Image

from poolcli.errors import LimitError, ShapeError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.pooling.layer import Pooling
from poolcli.render.animation import scene
from poolcli.render.animation import walk as animation
from poolcli.render.animation.walk import sampled
from poolcli.render.files import draw, named_only

MATRIX = np.array([[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]])
SVG = "{http://www.w3.org/2000/svg}"


def frames(data: bytes) -> tuple[list[Image.Image], list[int]]:
    """Every frame as a reader would see it, and how long it stays."""
    made, stays = [], []
    with Image.open(io.BytesIO(data)) as picture:
        for index in range(getattr(picture, "n_frames", 1)):
            picture.seek(index)
            made.append(picture.convert("RGB"))
            stays.append(int(picture.info["duration"]))
    return made, stays


def parsed(data: bytes) -> ET.Element:
    """The SVG as a tree."""
    return ET.fromstring(data)  # noqa: S314 - it is our own


def walk(feature_map: FeatureMap, layer: Pooling, kind: str = "gif", **options: Any) -> tuple[bytes, tuple[str, ...]]:
    """An animation, in gray only if told so."""
    return draw(feature_map, layer, kind, **{"colormap": "viridis", **options})


def corner(stage: scene.Scene, which: int, row: int, column: int) -> tuple[int, int]:
    """A pixel of a cell that its number and its frame leave alone."""
    grid = stage.grids[which]
    x, y, side, _ = grid.box(row, column)
    return int(x + side // 5), int(y + side // 5)


def near(one: Any, other: Sequence[int]) -> bool:
    return bool(np.abs(np.subtract(one, other)).max() <= 6)  # a GIF has 192 colours of a map, not 256


@pytest.mark.parametrize("kind", ["gif", "apng"])
def test_the_output_fills_window_by_window(kind: Any) -> None:
    feature_map, layer = FeatureMap(MATRIX, name="matrix.csv"), Pooling.of(2)
    data, notes = walk(feature_map, layer, kind)
    made, stays = frames(data)
    assert notes == ()
    assert stays == [500, 500, 500, 500, 2000]
    stage = scene.Scene(feature_map, layer)
    assert {frame.size for frame in made} == {(stage.width, stage.height)}
    for index, frame in enumerate(made):
        for row in range(4):
            for column in range(4):
                color = stage.scale.color(MATRIX[row, column])
                assert near(frame.getpixel(corner(stage, 0, row, column)), color)
        for cell, value in enumerate((6, 9, 5, 8)):
            seen = frame.getpixel(corner(stage, 1, cell // 2, cell % 2))
            assert near(seen, stage.scale.color(value) if cell <= index else scene.EMPTY)


def test_each_frame_frames_its_window_and_the_last_none() -> None:
    feature_map, layer = FeatureMap(MATRIX), Pooling.of(2)
    made, _ = frames(walk(feature_map, layer, "apng")[0])
    grid = scene.Scene(feature_map, layer).grids[0]
    for index, frame in enumerate(made):
        framed = []
        for window in range(4):
            x, y, width, _ = map(int, grid.box(2 * (window // 2), 2 * (window % 2), 2, 2))
            framed.append(frame.getpixel((x + width // 2, y - 2)) == scene.ACCENT)
        assert framed == [window == index for window in range(4)]


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["gif", "apng", "svg"])
def test_the_same_input_gives_the_same_bytes(kind: Any) -> None:
    rng = np.random.default_rng(1)
    feature_map, layer = FeatureMap(rng.standard_normal((9, 11))), Pooling.of(2, "avg", 3, padding=1, ceil_mode=True)
    assert draw(feature_map, layer, kind) == draw(feature_map, layer, kind)


def test_speed_zoom_and_colour_map() -> None:
    feature_map, layer = FeatureMap(MATRIX), Pooling.of(2)
    _, stays = frames(walk(feature_map, layer, fps=10)[0])
    assert stays[0] == 100
    small, large = (frames(walk(feature_map, layer, zoom=zoom)[0])[0][0].size for zoom in (80, 160))
    assert large[1] > small[1]
    gray, _ = frames(walk(feature_map, layer, "apng", colormap="gray")[0])
    stage = scene.Scene(feature_map, layer, colormap="gray")
    assert gray[0].getpixel(corner(stage, 0, 0, 3)) == (255, 255, 255)


def test_too_many_windows_are_sampled_and_that_is_said() -> None:
    values = np.arange(40 * 40).reshape(40, 40)
    data, notes = walk(FeatureMap(values), Pooling.of(2, "max", 2), frames=10)
    assert notes == ("10 of 400 windows, evenly spread",)
    assert len(frames(data)[0]) == 11


@pytest.mark.parametrize(("count", "most"), [(1, 1), (5, 5), (5, 9), (100, 7), (16384, 120), (3, 2), (9, 1)])
def test_samples_are_spread_evenly_from_first_to_last(count: int, most: int) -> None:
    chosen = sampled(count, most)
    assert len(chosen) == min(count, most)
    assert chosen[0] == 0
    assert chosen[-1] == count - 1 or most == 1
    steps = {b - a for a, b in pairwise(chosen)}
    assert not steps or max(steps) - min(steps) <= 1


def test_progress_is_told_after_every_frame() -> None:
    told: list[tuple[int, int]] = []
    walk(FeatureMap(MATRIX), Pooling.of(2), progress=lambda done, total: told.append((done, total)))
    assert told == [(1, 4), (2, 4), (3, 4), (4, 4)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("values", "layout", "options"),
    [(np.array([[np.nan, np.inf], [-np.inf, 1]]), "HW", {"size": 1}), (np.full((3, 3), 7.0), "HW", {}),
     (np.array([[5]]), "HW", {"size": 1}), (np.arange(30), "L", {"size": 3}),
     (np.arange(60).reshape(1, 60), "HW", {"size": 1}),
     (np.arange(25).reshape(5, 5), "HW", {"size": 2, "dilation": 2, "stride": 1}),
     (np.arange(25).reshape(5, 5), "HW", {"output_size": 3}),
     (np.arange(16).reshape(4, 4), "HW", {"global_window": True}),
     (np.arange(16).reshape(4, 4), "HW", {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True}),
     (np.arange(3 * 16).reshape(3, 4, 4), "CHW", {})],
)  # fmt: skip
@pytest.mark.parametrize("kind", ["gif", "apng", "svg"])
def test_odd_maps_and_windows_are_drawn(values: Any, layout: str, options: dict[str, Any], kind: Any) -> None:
    feature_map = FeatureMap(values, layout)
    layer = Pooling.of(feature_map.ndim, "max", **options)
    data, notes = draw(feature_map, layer, kind)
    assert notes == (("the first of 3 planes (3)",) if layout == "CHW" else ())
    if kind == "svg":
        parsed(data)
    else:
        windows = int(np.prod([len(axis) for axis in layer.plan(feature_map.spatial)]))
        assert len(frames(data)[0]) <= windows + 1  # frames that look alike may be joined


def test_padding_is_drawn_around_the_input() -> None:
    feature_map, layer = FeatureMap(MATRIX), Pooling.of(2, "max", 3, stride=2, padding=1, ceil_mode=True)
    made, _ = frames(walk(feature_map, layer, "apng")[0])
    stage = scene.Scene(feature_map, layer)
    last = made[-1]
    assert last.getpixel(corner(stage, 0, -1, 2)) == scene.PAD_COLOR
    assert last.getpixel(corner(stage, 0, 5, 2)) == scene.BEYOND
    assert last.getpixel(corner(stage, 0, 4, 2)) == scene.PAD_COLOR


# --- the still --------------------------------------------------------------------------------------------------------


def still(at: tuple[int, ...] | None = None, name: str = "matrix.csv") -> ET.Element:
    data, _ = draw(FeatureMap(MATRIX, name=name), Pooling.of(2), "svg", at=at)
    return parsed(data)


def test_a_still_is_one_window() -> None:
    root = still((0, 1))
    words = [element.text for element in root.iter(f"{SVG}text")]
    assert "max(2, 9, 1, 7) = 9" in words
    assert "output 0,1: input rows 0..1, columns 2..3" in words
    assert root.attrib["role"] == "img"
    assert root.findtext(f"{SVG}desc") == "Output 0,1: max(2, 9, 1, 7) = 9"
    assert words.count("9") == 3  # in the input, in the output, at the end of the colour bar
    assert "max(4, 2, 3, 5) = 5" in [element.text for element in still().iter(f"{SVG}text")]  # the one in the middle


def test_words_end_within_the_picture_whatever_font_there_is() -> None:
    values = np.random.default_rng(0).standard_normal((8, 8))
    data, _ = draw(FeatureMap(values, name="a name of many words, " * 9), Pooling.of(2, "avg", 8), "svg")
    root = parsed(data)
    lines = [text.attrib for text in root.iter(f"{SVG}text") if text.get("text-anchor") != "middle"]
    assert len(lines) >= 5
    assert all(float(line["x"]) + float(line["textLength"]) <= float(root.attrib["width"]) for line in lines)


HEADING = "avg 3x3, stride 1x1, padding 1x1, dilation 2x2: 4x4 -> 2x2"


@pytest.mark.parametrize("name", ["m.csv", "lessons/autumn/second_week/a_feature_map_of_mine.csv"])
def test_the_heading_says_mode_size_and_stride_whatever_the_name(name: str) -> None:
    layer = Pooling.of(2, "avg", 3, stride=1, padding=1, dilation=2)
    stage = scene.Scene(FeatureMap(MATRIX, name=name), layer)
    heading = next(shape for shape in stage.background() if isinstance(shape, scene.Words))
    assert heading.text.startswith(name[:4])
    assert heading.text.endswith(HEADING)
    assert scene.font(heading.size).getlength(heading.text) <= stage.width - 2 * scene.MARGIN


def test_a_heading_longer_than_the_picture_begins_with_mode_size_and_stride() -> None:
    layer = Pooling.of(2, "percentile:37.123456", 3, stride=1, padding=((1, 1), (1, 0)), pad_fill=0.123, dilation=2)
    stage = scene.Scene(FeatureMap(MATRIX, name="m.csv"), layer)
    heading = next(shape for shape in stage.background() if isinstance(shape, scene.Words))
    assert heading.text.startswith("percentile:37.123456 3x3, stride 1x1")
    assert scene.font(heading.size).getlength(heading.text) <= stage.width - 2 * scene.MARGIN


def test_names_are_escaped() -> None:
    root = still(name="/home/me/<script>alert(1)&\"'\x00\x1b.csv")
    assert not list(root.iter(f"{SVG}script"))
    assert (root.findtext(f"{SVG}title") or "").startswith("<script>alert(1)&\"'")  # where the file lay is left out


def test_large_cells_and_small_ones() -> None:
    data, _ = draw(FeatureMap(np.arange(10_000).reshape(100, 100)), Pooling.of(2), "svg")
    root = parsed(data)
    assert list(root.iter(f"{SVG}image"))
    assert len(data) < 100_000


# --- what is refused --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("values", "layout", "options", "error", "words"),
    [(np.zeros((4096, 4096), np.uint8), "HW", {}, LimitError, "too large to watch"),
     (MATRIX, "HW", {"zoom": 100_000}, LimitError, "pixels is larger"), (MATRIX, "HW", {"zoom": 0}, UsageError, "zoom"),
     (MATRIX, "HW", {"fps": 0}, UsageError, "fps"), (MATRIX, "HW", {"fps": float("nan")}, UsageError, "fps"),
     (MATRIX, "HW", {"frames": 0}, UsageError, "frames"),
     (np.zeros((2, 2, 2)), "DHW", {}, UsageError, "one or two spatial axes")],
)  # fmt: skip
def test_what_cannot_be_drawn_is_told(
    values: Any, layout: str, options: Any, error: type[Exception], words: str
) -> None:
    feature_map = FeatureMap(values, layout)
    with pytest.raises(error, match=words):
        walk(feature_map, Pooling.of(feature_map.ndim), **options)


@pytest.mark.parametrize("kind", ["png", "svg", "gif"])
def test_one_window_in_every_format(kind: str) -> None:
    data, _ = draw(FeatureMap(MATRIX), Pooling.of(2), kind, at=(0, 1), zoom=40)
    other, _ = draw(FeatureMap(MATRIX), Pooling.of(2), kind, at=(1, 1), zoom=40)
    assert data != other
    if kind != "svg":
        picture = Image.open(io.BytesIO(data))
        assert getattr(picture, "n_frames", 1) == 1
        stage = scene.Scene(FeatureMap(MATRIX), Pooling.of(2), zoom=40)
        x, y, width, _ = map(int, stage.grids[0].box(0, 2, 2, 2))
        assert picture.convert("RGB").getpixel((x + width // 2, y - 2)) == scene.ACCENT
    with pytest.raises(ShapeError, match="no window"):
        draw(FeatureMap(MATRIX), Pooling.of(2), kind, at=(2, 0))


def test_the_finished_picture_has_all_of_the_output_and_every_frame() -> None:
    still, _ = draw(FeatureMap(MATRIX), Pooling.of(2, "avg"), "svg", still=True)
    words = [element.text for element in parsed(still).iter(f"{SVG}text")]
    assert {"3.75", "4.75", "3.5", "5.75"} <= set(words)
    assert "Avg pooling replaces every window with the mean of its values." in words
    accents = [one for one in parsed(still).iter(f"{SVG}rect") if one.get("stroke") == "#d43a00"]
    assert len(accents) == 4
    picture = Image.open(io.BytesIO(draw(FeatureMap(MATRIX), Pooling.of(2, "avg"), "png")[0]))
    assert getattr(picture, "n_frames", 1) == 1
    assert picture.size == (int(parsed(still).attrib["width"]), int(parsed(still).attrib["height"]))
    moving = Image.open(io.BytesIO(draw(FeatureMap(MATRIX), Pooling.of(2, "avg"), "png", fps=3)[0]))
    assert getattr(moving, "n_frames", 1) == 5


def test_a_still_rounds_nothing_that_is_short() -> None:
    still, _ = draw(FeatureMap(np.array([[12.625, 6.25], [-12.625, 1 / 3]])), Pooling.of(2, size=1), "svg", still=True)
    words = [element.text for element in parsed(still).iter(f"{SVG}text")]
    assert {"12.625", "6.25", "-12.625", "0.3333"} <= set(words)


@pytest.mark.parametrize(
    ("kind", "options", "words"),
    [("page", {"fps": 3}, "fps does nothing for a page"), ("page", {"zoom": 3}, "zoom does nothing for a page"),
     ("svg", {"frames": 3}, "frames does nothing for one window"),
     ("png", {"at": (0, 0), "fps": 3}, "fps does nothing for one window"),
     ("png", {"still": True, "at": (0, 0)}, "still does nothing for one window"),
     ("png", {"still": True, "fps": 3}, "fps does nothing for the finished picture"),
     ("gif", {"still": True}, "still is a picture that does not move"),
     ("apng", {"at": (0, 0)}, "at is one window, which does not move")],
)  # fmt: skip
def test_options_that_do_nothing_are_refused(kind: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        draw(FeatureMap(MATRIX), Pooling.of(2), kind, **options)


def test_padding_without_end_is_no_picture() -> None:
    with pytest.raises(LimitError, match="with its padding it has"):
        walk(FeatureMap(MATRIX), Pooling.of(2, "max", 2, padding=10**6, pad_fill=0))


@pytest.mark.slow
def test_a_walk_is_small() -> None:
    rows, columns = np.mgrid[:100, :120]
    waves = (127 + 120 * np.sin(columns / 10) * np.cos(rows / 12)).astype(np.uint8)
    assert len(walk(FeatureMap(waves), Pooling.of(2, "max", 8))[0]) < 1_000_000
    assert animation.MOST_FRAMES == 120


# --- a shape alone, and padding that no window reaches ----------------------------------------------------------------


def test_padding_that_no_window_reaches_is_hatched() -> None:
    layer = Pooling.of(2, "max", 3, stride=2, padding=1)  # reaches rows and columns -1 to 3 of -1 to 4
    picture = Image.open(io.BytesIO(draw(FeatureMap(MATRIX), layer, "png")[0])).convert("RGB")
    stage = scene.Scene(FeatureMap(MATRIX), layer)
    for row, column, hatched in [(-1, -1, False), (4, 0, True), (0, 4, True), (4, 4, True), (-1, 4, True)]:
        x, y, width, height = stage.grids[0].box(row, column)
        inside = picture.crop((x + 8, y + 8, x + width - 8, y + height - 8))
        assert (len(inside.getcolors() or ()) > 1) == hatched, (row, column)
    words = [shape.text for shape in stage.background() if isinstance(shape, scene.Words)]
    assert "gray: padding, hatched: no window reaches it" in words
    assert not scene.Scene(FeatureMap(MATRIX), Pooling.of(2, "max", 3, stride=1, padding=1)).unreached


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"padding": 1}, "gray: padding"),
        ({"padding": 1, "ceil_mode": True, "stride": 2}, "gray: padding, and lighter: beyond it"),
    ],
)
def test_the_legend_names_what_is_drawn(options: dict[str, Any], told: str) -> None:
    stage = scene.Scene(FeatureMap(np.ones((4, 4))), Pooling.of(2, "max", 3, **({"stride": 1} | options)))
    assert told in [shape.text for shape in stage.background() if isinstance(shape, scene.Words)]


@pytest.mark.parametrize(
    ("pad_fill", "held"),
    [(5.5, ["5.5"] * 9), ("reflect", ["6", "5", "6", "1", "7", "3", "6", "2", "5"]), ("ignore", [])],
)
def test_padding_shows_the_numbers_that_it_holds(pad_fill: Any, held: list[str]) -> None:
    layer = Pooling.of(2, "max", 3, stride=2, padding=1, pad_fill=pad_fill)
    grid = scene.Scene(FeatureMap(MATRIX), layer).grids[0]
    still, _ = draw(FeatureMap(MATRIX), layer, "svg", still=True)
    shown = {(float(text.attrib["x"]), float(text.attrib["y"])): text.text for text in parsed(still).iter(f"{SVG}text")}

    def middle(row: int, column: int) -> tuple[float, float]:
        x, y, width, height = grid.box(row, column)
        return x + width / 2, y + height / 2

    padding = [middle(row, column) for row in range(-1, 4) for column in range(-1, 4) if row < 0 or column < 0]
    assert [shown[at] for at in padding if at in shown] == held
    assert middle(4, 4) not in shown  # where no window looks


@pytest.mark.parametrize("kind", ["svg", "png", "gif", "apng"])
@pytest.mark.parametrize("spatial", [(7,), (7, 5)])
def test_a_shape_alone_is_drawn_with_the_names_of_its_cells(kind: str, spatial: tuple[int, ...]) -> None:
    layer = Pooling.of(len(spatial), "avg", 3, stride=2, padding=1)
    data, _ = draw(named_only(spatial), layer, kind, named=True)
    if kind == "svg":
        words = [element.text for element in parsed(data).iter(f"{SVG}text")]
        assert ("6,4" if len(spatial) == 2 else "6") in words
        assert any(word and word.startswith("(x[") and "=" not in word for word in words)
    else:
        assert Image.open(io.BytesIO(data)).width > 100

"""What shows itself: maps, explanations and comparisons in notebooks, terminals and files."""

from __future__ import annotations

import json
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from poolcli import FeatureMap, compare, explain, pool
from poolcli.errors import CompatError, ShapeError, UnknownKeywordError, UsageError
from tests.support.browser import Open

X = np.array([[1, 3, 2, 9], [5, 6, 1, 7], [4, 2, 8, 6], [3, 5, 7, 2]])
EVIL = "<script>alert(1)</script>&\"'\x00\x1b[31m.csv"
FEW = 200_000  # bytes that a map may be shown with


class Parts(HTMLParser):
    """The elements of HTML, and whether each was closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.open: list[str] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)
        assert not [name for name, _ in attrs if name.startswith("on")]
        if tag not in ("br", "img", "meta", "link"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def parts(text: str) -> Parts:
    found = Parts(text)
    assert found.open == []
    return found


# --- maps -------------------------------------------------------------------------------------------------------------


def test_a_small_map_shows_its_numbers_its_shape_and_its_steps() -> None:
    shown = parts(pool(FeatureMap(X, name="x.csv"), "avg")._repr_html_())
    assert [text for text in shown.texts if text in ("3.75", "4.75", "3.5", "5.75")] == ["3.75", "4.75", "3.5", "5.75"]
    assert "x.csv: shape 2x2 (HW), min 3.5, mean 4.4375, max 5.75" in shown.texts
    assert "steps: pool avg 2x2, stride 2x2" in shown.texts


@pytest.mark.parametrize(
    ("values", "layout"),
    [
        (np.random.default_rng(0).standard_normal((1000, 1500)), "HW"),
        (np.random.default_rng(0).standard_normal((500, 64, 64)), "CHW"),
        (np.random.default_rng(0).integers(-(10**18), 10**18, (12, 7, 7)), "CHW"),
        (np.random.default_rng(0).standard_normal((12, 12)) * 1e300, "HW"),
        (np.random.default_rng(0).standard_normal(200_000), "L"),
        (np.full((3, 3), np.nan), "HW"), (np.array([[np.inf, -np.inf, 0]]), "HW"), (np.array([[5]]), "HW"),
        (np.zeros((0, 2, 2)), "CHW"), (np.zeros((2, 3, 4, 5), bool), "CDHW"), (np.array([[10**18 + 1]]), "HW"),
    ],
)  # fmt: skip
def test_no_map_is_too_much_to_show(values: Any, layout: str) -> None:
    shown = FeatureMap(values, layout)._repr_html_()
    assert len(shown.encode()) < FEW
    parts(shown)


def test_names_and_values_stay_text() -> None:
    evil = FeatureMap(X, name=EVIL, steps=({"step": "conv", "filter": EVIL}, {"step": EVIL}))
    for shown in (evil._repr_html_(), explain(evil)._repr_html_(), compare(evil, mode=["max", "min"])._repr_html_()):
        assert "script" not in parts(shown).tags
        assert "\x1b" not in shown
        assert "\x00" not in shown


def test_a_map_is_called_by_its_file_without_the_folders() -> None:
    assert "x.csv: shape 4x4" in FeatureMap(X, name="/home/me/x.csv")._repr_html_()
    assert "/home/me" not in FeatureMap(X, name="/home/me/x.csv")._repr_html_()


def test_a_map_is_drawn_in_a_terminal() -> None:
    console = Console(width=60, no_color=True, color_system=None)
    with console.capture() as capture:
        console.print(FeatureMap(np.array([[6, 9], [5, 8]]), name="pooled"))
    assert "6" in capture.get()
    assert "shape 2x2 (HW), min 5, mean 7, max 9" in capture.get()
    assert all(len(line) <= 60 for line in capture.get().splitlines())


# --- explanations -----------------------------------------------------------------------------------------------------


def test_an_explanation_has_its_windows_as_plain_data() -> None:
    told = explain(X)
    assert len(told) == 4
    assert [window["result"] for window in told] == [6, 9, 5, 8]
    assert [window["winners"] for window in told] == [[[1, 1]], [[0, 3]], [[3, 1]], [[2, 2]]]
    assert json.loads(json.dumps([*told])) == [*told]
    assert repr(told) == "<Explanation of input: max 2x2, stride 2x2: 4x4 -> 2x2, 4 windows>"


def test_one_window_of_one_plane_or_of_all() -> None:
    two = np.stack([X, X + 1])
    assert [window["result"] for window in explain(two, at=(0, 1))] == [9, 10]
    assert len(explain(two, at=(0, 1))) == 2
    assert [window["result"] for window in explain(two, at=(1, 0, 1))] == [10]
    assert len(explain(two)) == 8
    with pytest.raises(ShapeError, match="there is no window 2,0") as caught:
        explain(X, at=(2, 0))
    assert caught.value.hint == "windows are counted from 0, so the last is at=(1, 1)"


def test_how_many_axes_are_spatial_is_said_as_to_pool() -> None:
    assert len(explain(X, ndim=1)) == 8
    assert len(explain([1, 2, 3, 4])) == 2
    assert len(explain(np.zeros((2, 4, 4, 4)), size=(2, 2, 2))) == 16
    assert len(explain(np.zeros((4, 4, 3)), layout="HWC")) == 12
    assert len(explain(Image.fromarray(X.astype(np.uint8)))) == 4


def test_what_cannot_be_pooled_is_refused_at_once() -> None:
    with pytest.raises(ShapeError):
        explain(X, size=5)
    with pytest.raises(UnknownKeywordError):
        explain(X, kernel_size=2)  # type: ignore[call-arg]  # this is what is tested
    with pytest.raises(UnknownKeywordError):
        compare(X, pool_size=2)


@pytest.mark.parametrize("name", ["x.html", "x.svg", "x.png", "x.gif", "x.apng", "x.json"])
def test_an_explanation_is_saved_as_its_extension_says(tmp_path: Path, name: str) -> None:
    explain(X).save(tmp_path / name)
    data = (tmp_path / name).read_bytes()
    assert data.startswith(
        {"html": b"<!doctype", "svg": b"<svg", "gif": b"GIF", "json": b"["}.get(name[2:], b"\x89PNG")
    )


def test_what_cannot_be_saved_is_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="explain cannot write"):
        explain(X).save(tmp_path / "x.docx")
    with pytest.raises(UsageError, match="fps does nothing for a page"):
        explain(X).save(tmp_path / "x.html", fps=3)
    with pytest.raises(UsageError, match="a comparison cannot be written"):
        compare(X, mode=["max", "min"]).save(tmp_path / "x.gif")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "told",
    [explain(np.arange(27).reshape(3, 3, 3), ndim=3), explain(np.ones((4, 4)), "stochastic", seed=1),
     explain(np.zeros((1024, 1024), np.uint8)), explain(np.random.default_rng(0).standard_normal((256, 256)))],
    ids=["three axes", "drawn at random", "too large", "more than a megabyte"],
)  # fmt: skip
def test_what_a_page_cannot_show_is_shown_without(told: Any) -> None:
    shown = parts(told._repr_html_())
    assert "iframe" not in shown.tags
    assert "table" in shown.tags
    assert len(told._repr_html_()) < FEW


def test_a_frame_is_at_most_a_megabyte() -> None:
    shown = explain(np.random.default_rng(0).standard_normal((180, 180)))._repr_html_()
    assert "iframe" in parts(shown).tags
    assert len(shown.encode()) <= 1_000_000


def test_an_explanation_in_a_terminal() -> None:
    console = Console(width=80, no_color=True, color_system=None)
    with console.capture() as capture:
        console.print(explain(np.arange(100.0).reshape(10, 10)))
    assert "max 2x2, stride 2x2: 10x10 -> 5x5" in capture.get()
    assert "and 5 more windows" in capture.get()
    assert "max(0, 1, 10, 11) = 11" in capture.get()


@pytest.mark.slow
def test_the_frame_can_do_nothing_but_show(opened: Open) -> None:
    """Where frames are taken out, as on GitHub, the windows stand there as a table."""
    shown = explain(FeatureMap(X, name=EVIL))._repr_html_()
    seen = opened(f'<!doctype html><link rel="icon" href="data:,"><body>{shown}'.encode())
    frame = seen.page.frame_locator("iframe")
    frame.locator("#output .cell").first.click()
    assert frame.locator("#sums > :first-child").inner_text() == "max(1, 3, 5, 6) = 6"
    assert seen.page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
    assert not seen.page.locator(".poolcli-plain").is_visible()
    without = shown[: shown.index("<style>")] + shown[shown.index("</iframe>") + len("</iframe>") :]
    plain = opened(f'<!doctype html><link rel="icon" href="data:,"><body>{without}'.encode())
    assert plain.page.locator(".poolcli-plain").is_visible()
    assert "max(2, 9, 1, 7) = 9" in plain.page.locator(".poolcli-plain").inner_text()


# --- comparisons ------------------------------------------------------------------------------------------------------


def test_a_comparison_has_values_and_reasons(tmp_path: Path) -> None:
    made = compare(X.astype(float), compat=["torch", "onnx"], mode="avg", size=3, stride=2, padding=1)
    assert [*made] == ["torch", "onnx"]
    assert made.values["onnx"].tolist()[0] == [3.75, 14 / 3]
    assert made.reasons == ("by default padding counts in the averages of PyTorch, but not in those of ONNX",)
    assert repr(made) == "<Comparison of torch, onnx on input>"
    assert not {"\x1b", "\x00"} & {*repr(replace(made, feature_map=made.feature_map.with_(name=EVIL)))}
    made.save(tmp_path / "x.json")
    assert json.loads((tmp_path / "x.json").read_text())["why"] == list(made.reasons)
    made.save(tmp_path / "x.html")
    assert json.dumps(made.reasons[0]) in (tmp_path / "x.html").read_text()


@pytest.mark.slow
def test_a_comparison_stands_in_a_frame_like_an_explanation(opened: Open) -> None:
    given: Any = {"compat": ["torch", "onnx"], "mode": "avg", "size": 3, "stride": 2, "padding": 1}
    shown = compare(FeatureMap(X.astype(float), name=EVIL), **given)._repr_html_()
    assert len(shown.encode()) < FEW
    seen = opened(f'<!doctype html><link rel="icon" href="data:,"><body>{shown}'.encode())
    frame = seen.page.frame_locator("iframe")
    frame.locator("#side-1 .cell.differs").first.hover()
    assert frame.locator("#sums").inner_text().startswith("torch: (1 + 3 + 5 + 6) / 9 = 1.66667")
    assert frame.locator("#reasons").inner_text().startswith("by default padding counts in the averages of PyTorch")
    assert seen.page.locator("iframe").get_attribute("sandbox") == "allow-scripts"
    assert not seen.page.locator(".poolcli-plain").is_visible()
    without = shown[: shown.index("<style>")] + shown[shown.index("</iframe>") + len("</iframe>") :]
    assert "script" not in parts(without).tags
    assert "onnx" in "".join(parts(without).texts)


def test_a_comparison_that_is_too_large_for_a_frame_is_shown_without() -> None:
    shown = compare(np.random.default_rng(0).standard_normal((300, 300)), mode=["max", "avg"])._repr_html_()
    assert "iframe" not in parts(shown).tags
    assert len(shown.encode()) < FEW


def test_one_framework_is_compared_with_poolcli_itself() -> None:
    assert [*compare(X.astype(float), compat="onnx")] == ["poolcli", "onnx"]
    with pytest.raises(UsageError, match="there is nothing to compare"):
        compare(X)
    with pytest.raises(UsageError, match="there is nothing to compare"):
        compare(X, sides={"one": {}})


def test_a_refusal_stands_in_place_of_values() -> None:
    made = compare(X.astype(float), compat=["torch", "poolcli"], mode="median")
    assert [*made.values] == ["poolcli"]
    assert "PyTorch" in made.refusals["torch"]
    assert "PyTorch" in " ".join(parts(made._repr_html_()).texts)
    with pytest.raises(CompatError):
        compare(X.astype(float), compat=["torch", "keras"], mode="median")


def test_the_channels_of_a_comparison_stay_where_they_were() -> None:
    made = compare(np.zeros((4, 4, 3)), layout="HWC", mode=["max", "avg"])
    assert made.values["max"].shape == (2, 2, 3)


def test_a_comparison_in_a_terminal() -> None:
    console = Console(width=100, no_color=True, color_system=None)
    with console.capture() as capture:
        console.print(compare(X.astype(float), compat=["torch", "onnx"], mode="avg", size=3, stride=2, padding=1))
        console.print(compare(X, mode=["max", "min"]))
    assert "onnx differs from torch in 3 of 4 values, marked *" in capture.get()
    assert "min differs" not in capture.get()  # between modes nearly every value does

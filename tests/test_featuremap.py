"""`FeatureMap`: layouts are resolved once on reading and restored once on writing."""

from __future__ import annotations

import itertools
from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from poolcli import featuremap
from poolcli.errors import ShapeError, UsageError
from poolcli.featuremap import FeatureMap, layout_by_rank, parse_layout
from tests.support.hints import typed


@pytest.mark.parametrize(
    ("layout", "shape", "inner", "ndim", "spatial"),
    [
        ("L", (5,), (5,), 1, (5,)),
        ("HW", (3, 4), (3, 4), 2, (3, 4)),
        ("WH", (4, 3), (3, 4), 2, (3, 4)),
        ("CHW", (2, 3, 4), (2, 3, 4), 2, (3, 4)),
        ("HWC", (3, 4, 2), (2, 3, 4), 2, (3, 4)),
        ("NCHW", (9, 2, 3, 4), (9, 2, 3, 4), 2, (3, 4)),
        ("NHWC", (9, 3, 4, 2), (9, 2, 3, 4), 2, (3, 4)),
        ("NCL", (9, 2, 5), (9, 2, 5), 1, (5,)),
        ("NLC", (9, 5, 2), (9, 2, 5), 1, (5,)),
        ("CL", (2, 5), (2, 5), 1, (5,)),
        ("NCDHW", (9, 2, 6, 3, 4), (9, 2, 6, 3, 4), 3, (6, 3, 4)),
        ("NDHWC", (9, 6, 3, 4, 2), (9, 2, 6, 3, 4), 3, (6, 3, 4)),
        ("DHW", (6, 3, 4), (6, 3, 4), 3, (6, 3, 4)),
        ("HWN", (3, 4, 9), (9, 3, 4), 2, (3, 4)),
        ("NNHW", (8, 9, 3, 4), (8, 9, 3, 4), 2, (3, 4)),
    ],
)
def test_axes_go_to_the_inner_order_and_back(
    layout: str, shape: tuple[int, ...], inner: tuple[int, ...], ndim: int, spatial: tuple[int, ...]
) -> None:
    array = np.arange(int(np.prod(shape))).reshape(shape)
    found = FeatureMap.from_array(array, layout)
    assert found.values.shape == inner
    assert (found.shape, found.ndim, found.spatial, found.layout) == (shape, ndim, spatial, layout)
    np.testing.assert_array_equal(found.array, array)
    np.testing.assert_array_equal(found.in_layout(found.values), array)


def test_the_cells_themselves_move() -> None:
    array = np.arange(12).reshape(2, 2, 3)  # two by two pixels of three channels
    found = FeatureMap.from_array(array, "HWC")
    assert found.values.tolist() == [[[0, 3], [6, 9]], [[1, 4], [7, 10]], [[2, 5], [8, 11]]]


@given(st.sampled_from(["HW", "L", "DHW"]), st.sets(st.sampled_from("NC")), st.randoms(use_true_random=False))
def test_every_order_of_letters_comes_back(spatial: str, lead: set[str], random: object) -> None:
    letters = [*spatial, *sorted(lead)]
    random.shuffle(letters)  # type: ignore[attr-defined]  # hypothesis's Random
    array = np.arange(np.prod(range(2, 2 + len(letters)))).reshape(*range(2, 2 + len(letters)))
    found = FeatureMap.from_array(array, "".join(letters))
    np.testing.assert_array_equal(found.array, array)
    assert found.ndim == len(spatial)
    order = [letter for letter in "NCDHWL" if letter in letters]
    assert found.values.shape == tuple(array.shape[letters.index(letter)] for letter in order)


@pytest.mark.parametrize(
    ("rank", "first", "last"),
    [
        (1, "L", "L"),
        (2, "HW", "HW"),
        (3, "CHW", "HWC"),
        (4, "NCHW", "NHWC"),
        (5, "NCDHW", "NDHWC"),
        (6, "NNCDHW", "NNDHWC"),
    ],
)
def test_the_layout_by_rank(rank: int, first: str, last: str) -> None:
    assert layout_by_rank(rank) == first
    assert layout_by_rank(rank, channels_last=True) == last
    assert FeatureMap.from_array(np.zeros((2,) * rank)).layout == first
    assert FeatureMap.from_array(np.zeros((2,) * rank), channels_last=True).layout == last


def test_a_given_layout_wins_over_channels_last() -> None:
    assert FeatureMap.from_array(np.zeros((2, 3, 4)), "CHW", channels_last=True).values.shape == (2, 3, 4)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("HWX", "layout 'HWX' has unknown letters: X"),
        ("H W", "has unknown letters"),
        ("HH", "layout 'HH' names an axis twice"),
        ("CCHW", "layout 'CCHW' names an axis twice"),
        ("NC", "has no spatial axes that fit"),
        ("", "has no spatial axes that fit"),
        ("H", "has no spatial axes that fit"),
        ("DH", "has no spatial axes that fit"),
        ("LHW", "has no spatial axes that fit"),
        ("DL", "has no spatial axes that fit"),
    ],
)
def test_layouts_that_are_none(text: str, message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_layout(text)
    assert message in caught.value.message
    assert caught.value.hint is not None
    assert "NHWC" in caught.value.hint


def test_small_letters_will_do() -> None:
    assert parse_layout("nhwc") == "NHWC"


@pytest.mark.parametrize(
    ("shape", "layout", "message", "hint"),
    [
        ((4, 4), "CHW", "layout CHW names 3 axes, but the input has 2 (4x4)", "--layout HW"),
        ((4, 4, 4), "HW", "layout HW names 2 axes, but the input has 3 (4x4x4)", "--layout CHW"),
        ((), "HW", "layout HW names 2 axes, but the input has 0 (a single number)", "--layout L"),
        ((), None, "layout HW names 2 axes, but the input has 0 (a single number)", "--layout L"),
    ],
)
def test_a_layout_of_another_rank(shape: tuple[int, ...], layout: str | None, message: str, hint: str) -> None:
    with pytest.raises(ShapeError) as caught:
        FeatureMap.from_array(np.zeros(shape), layout)
    assert caught.value.message == message
    assert hint in typed(caught.value)


def test_it_is_frozen_and_changed_by_copy() -> None:
    first = FeatureMap.from_array(
        np.zeros((2, 2)), name="a.csv", white=255.0, extra={"author": "me"}, notes=("a guess",)
    )
    second = first.with_(name="b.csv")
    assert (first.name, second.name) == ("a.csv", "b.csv")
    assert (second.white, second.extra, second.notes) == (255.0, {"author": "me"}, ("a guess",))
    with pytest.raises(FrozenInstanceError):
        first.name = "c.csv"  # type: ignore[misc]  # this is what is tested


def test_a_new_map_knows_nothing() -> None:
    fresh = FeatureMap.from_array(np.zeros((2, 2)))
    assert (fresh.steps, fresh.indices, fresh.unpool, fresh.white, fresh.notes) == ((), None, None, None, ())
    assert list(itertools.chain(fresh.extra)) == []


def test_a_map_that_nobody_draws_is_shown_as_what_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    """As one from `poolcli.featuremap` itself, before anything of `poolcli` was used."""
    monkeypatch.setattr(featuremap, "drawn_by", None)
    one = FeatureMap(np.zeros((2, 2)))
    assert (one._repr_html_(), one.__rich__()) == (None, repr(one))

"""Window geometry: output sizes, pads, divisors and irregular windows worked out by hand, and laws over all of them."""

from __future__ import annotations

import itertools
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from poolcli.errors import EmptyWindowError, LimitError, ShapeError, UsageError
from poolcli.window import (
    KINDS,
    Axis,
    Pairs,
    Window,
    check_empty,
    parse_padding,
    parse_sizes,
    times,
)


def axis_of(length: int, **options: Any) -> Axis:
    """The only axis of a one-dimensional window."""
    (axis,) = Window.of(1, **options).plan((length,))
    return axis


def spans(axis: Axis) -> list[tuple[int, int]]:
    """Every window as (start, stop)."""
    return list(zip(axis.starts, axis.stops, strict=True))


# --- output sizes -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "options", "number"),
    [
        (4, {"size": 2}, 2),  # the tutorials' own
        (5, {"size": 2}, 2),
        (5, {"size": 2, "ceil_mode": True}, 3),
        (6, {"size": 3, "stride": 2}, 2),
        (6, {"size": 3, "stride": 2, "padding": 1}, 3),
        (6, {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, 4),
        (6, {"size": 1, "stride": 2, "ceil_mode": True}, 3),  # pytorch#45357: a fourth would start after the input
        (9, {"size": 4, "stride": 4, "padding": 2, "ceil_mode": True}, 3),  # pytorch#116420: likewise
        (3, {"size": 5, "ceil_mode": True}, 1),  # larger than the input is legal in ceil mode
        (7, {"size": 3, "stride": 1}, 5),
        (7, {"size": 3, "stride": 3}, 2),
        (7, {"size": 3, "stride": 5}, 1),
        (7, {"size": 3, "stride": 5, "ceil_mode": True}, 2),
        (7, {"size": 3, "stride": 100}, 1),
        (7, {"size": 3, "stride": 1, "dilation": 3}, 1),  # reaches over 7 cells
        (8, {"size": 3, "stride": 1, "dilation": 2}, 4),
        (5, {"size": 2, "stride": 1, "padding": ((1, 0),)}, 5),
        (5, {"size": 2, "stride": 1, "padding": ((0, 2),)}, 6),
        (5, {"size": 3, "stride": 2, "padding": "same"}, 3),
        (6, {"size": 3, "stride": 2, "padding": "same"}, 3),
        (6, {"size": 3, "stride": 1, "padding": "same", "dilation": 2}, 6),  # the dilated kernel counts
        (6, {"size": 3, "stride": 1, "padding": "same", "dilation": 2, "same_ignores_dilation": True}, 4),  # ORT
        (6, {"size": 1, "stride": 2, "padding": "same"}, 3),  # the padding would be negative and is none
        (6, {"size": 7, "stride": 1, "padding": "same"}, 6),
    ],
)
def test_output_size(length: int, options: dict[str, Any], number: int) -> None:
    assert len(axis_of(length, **options)) == number


@pytest.mark.parametrize(
    ("length", "options", "message", "hint"),
    [
        (3, {"size": 5}, "window 5 is larger than the input 3", "size=3, or padding=1"),
        (3, {"size": 5, "stride": 1, "ceil_mode": True}, "window 5 is larger than the input 3", None),
        (
            3,
            {"size": 9, "padding": 1},
            "window 9 is larger than the input 3 (padded 5)",
            "size=5, or padding=3",
        ),
        (
            4,
            {"size": 3, "dilation": 3},
            "window 3 (dilated 7) is larger than the input 4",
            "size=2, or padding=2",
        ),
    ],
)
def test_window_larger_than_the_input(length: int, options: dict[str, Any], message: str, hint: str | None) -> None:
    with pytest.raises(ShapeError) as caught:
        axis_of(length, **options)
    assert caught.value.message == message
    if hint:
        assert caught.value.hint == hint


def test_window_larger_than_the_input_in_two_dimensions() -> None:
    with pytest.raises(ShapeError) as caught:
        Window.of(2, size=5).plan((4, 4))
    assert (caught.value.message, caught.value.hint) == (
        "window 5x5 is larger than the input 4x4",
        "size=4, or padding=1",
    )


@given(
    length=st.integers(1, 12),
    size=st.integers(1, 5),
    dilation=st.integers(1, 3),
)
def test_the_hint_of_a_window_that_is_too_large_holds(length: int, size: int, dilation: int) -> None:
    assume((size - 1) * dilation + 1 > length)
    with pytest.raises(ShapeError) as caught:
        axis_of(length, size=size, dilation=dilation)
    fits, *pads = map(int, re.findall(r"[0-9]+", str(caught.value.hint)))
    assert len(axis_of(length, size=fits, dilation=dilation)) >= 1
    least = -(-((size - 1) * dilation + 1 - length) // 2)
    padded = axis_of(length, size=size, dilation=dilation, padding=least)
    assert pads == ([least] if padded.counts().all() else [])  # a real cell in every window


def test_an_axis_without_cells() -> None:
    with pytest.raises(ShapeError, match="the input 0x3 has no cells"):
        Window.of(2).plan((0, 3))


def test_more_windows_than_can_be_counted() -> None:
    with pytest.raises(LimitError, match="more than poolcli can count"):
        axis_of(3, size=1, stride=1, padding=2**41)


# --- pads -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "options", "before", "after"),
    [
        (6, {"size": 3, "stride": 2, "padding": "same"}, 0, 1),  # P = 1: the extra cell at the end
        (6, {"size": 3, "stride": 2, "padding": "same-lower"}, 1, 0),
        (5, {"size": 3, "stride": 1, "padding": "same"}, 1, 1),  # P = 2 splits equally in both
        (5, {"size": 3, "stride": 1, "padding": "same-lower"}, 1, 1),
        (5, {"size": 4, "stride": 1, "padding": "same"}, 1, 2),
        (5, {"size": 4, "stride": 1, "padding": "same-lower"}, 2, 1),
        (6, {"size": 1, "stride": 2, "padding": "same"}, 0, 0),
        (5, {"size": 2, "padding": ((3, 1),)}, 3, 1),
        (5, {"size": 2, "padding": 2}, 2, 2),
    ],
)
def test_pads(length: int, options: dict[str, Any], before: int, after: int) -> None:
    axis = axis_of(length, **options)
    assert (axis.before, axis.after) == (before, after)
    assert axis.starts[0] == -before


def test_valid_with_ceil_mode_follows_the_ceil_rule() -> None:
    """onnxruntime and PyTorch return 3 for L=5, k=2, s=2, and so does poolcli: `valid` is a padding of 0."""
    assert spans(axis_of(5, size=2, ceil_mode=True)) == [(0, 2), (2, 4), (4, 6)]


# --- divisors ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "options", "real", "padded"),
    [
        (6, {"size": 3, "stride": 2, "padding": 1, "ceil_mode": True}, [2, 3, 3, 1], [3, 3, 3, 2]),
        (5, {"size": 2, "ceil_mode": True}, [2, 2, 1], [2, 2, 1]),  # overhang never counts
        (4, {"size": 3, "stride": 1, "padding": "same"}, [2, 3, 3, 2], [3, 3, 3, 3]),
        (5, {"size": 4, "stride": 4, "ceil_mode": True}, [4, 1], [4, 1]),
        (4, {"size": 2, "stride": 1, "padding": ((0, 2),)}, [2, 2, 2, 1, 0], [2, 2, 2, 2, 2]),
        (3, {"size": 2, "stride": 1, "padding": 1, "dilation": 2}, [1, 2, 1], [2, 2, 2]),
        (2, {"size": 2, "stride": 1, "padding": 1, "dilation": 3}, [0], [2]),  # taps at -1 and 2, nothing between
        (9, {"size": 4, "stride": 4, "padding": 2, "ceil_mode": True}, [2, 4, 3], [4, 4, 4]),
    ],
)
def test_divisors(length: int, options: dict[str, Any], real: list[int], padded: list[int]) -> None:
    axis = axis_of(length, **options)
    assert axis.counts().tolist() == real
    assert axis.counts(include_pad=True).tolist() == padded


# --- adaptive, global, fractional -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("length", "number", "expected"),
    [
        (10, 4, [(0, 3), (2, 5), (5, 8), (7, 10)]),
        (5, 7, [(0, 1), (0, 2), (1, 3), (2, 3), (2, 4), (3, 5), (4, 5)]),
        (7, 5, [(0, 2), (1, 3), (2, 5), (4, 6), (5, 7)]),  # the third is longer
        (6, 3, [(0, 2), (2, 4), (4, 6)]),
        (4, 1, [(0, 4)]),
        (3, 3, [(0, 1), (1, 2), (2, 3)]),
    ],
)
def test_adaptive_windows(length: int, number: int, expected: list[tuple[int, int]]) -> None:
    axis = axis_of(length, kind="adaptive", output_size=number)
    assert spans(axis) == expected
    assert not axis.padded


@given(length=st.integers(1, 60), number=st.integers(1, 60))
def test_adaptive_windows_cover_the_axis_and_follow_the_definition(length: int, number: int) -> None:
    from fractions import Fraction
    from math import ceil, floor

    axis = axis_of(length, kind="adaptive", output_size=number)
    expected = [(floor(Fraction(i * length, number)), ceil(Fraction((i + 1) * length, number))) for i in range(number)]
    assert spans(axis) == expected
    assert {cell for window in range(number) for cell in axis.cells(window)} == set(range(length))


def test_global_window_is_the_whole_axis() -> None:
    first, second = Window.of(2, kind="global").plan((5, 7))
    assert (spans(first), spans(second)) == ([(0, 5)], [(0, 7)])


@pytest.mark.parametrize(
    ("u", "starts"),
    [
        (0.3, [0, 3, 6, 8]),  # alpha = (10 - 2) / 3: int(0.8), int(3.47), int(6.13), all less int(0.8), then L - k
        (0.9, [0, 3, 5, 8]),  # int(2.4), int(5.07), int(7.73), all less 2
        (0.0, [0, 2, 5, 8]),
    ],
)
def test_fractional_windows_of_pytorch(u: float, starts: list[int]) -> None:
    axis = axis_of(10, kind="fractional", size=2, output_size=4, offsets=(u,))
    assert spans(axis) == [(start, start + 2) for start in starts]


def test_one_fractional_window_lies_at_the_end() -> None:
    assert spans(axis_of(7, kind="fractional", size=3, output_size=1, offsets=(0.5,))) == [(4, 7)]


def test_fractional_offsets_belong_to_axes_in_order() -> None:
    rows, columns = Window.of(2, kind="fractional", size=2, output_size=4, offsets=(0.3, 0.9)).plan((10, 10))
    assert (list(rows.starts), list(columns.starts)) == ([0, 3, 6, 8], [0, 3, 5, 8])


def test_fractional_windows_that_do_not_fit() -> None:
    assert len(axis_of(5, kind="fractional", size=2, output_size=4, offsets=(0.5,))) == 4
    with pytest.raises(ShapeError, match="5 fractional windows of 2 cells need at least 6 cells, but the axis has 5"):
        axis_of(5, kind="fractional", size=2, output_size=5, offsets=(0.5,))


@pytest.mark.parametrize(
    ("u", "bounds"),
    [
        # alpha = 10/4, q = 2; u < min(4/2.5 - 1, 9/2.5 - 3) = 0.6 of the drawn share
        (0.0, [0, 2, 4, 7, 10]),  # ceil(2.5), ceil(5), ceil(7.5), counted from 1
        (0.5, [0, 3, 5, 8, 10]),  # u = 0.3: ceil(3.25), ceil(5.75), ceil(8.25)
        (0.9, [0, 3, 6, 8, 10]),  # u = 0.54: ceil(3.85), ceil(6.35), ceil(8.85)
    ],
)
def test_fractional_windows_of_tensorflow(u: float, bounds: list[int]) -> None:
    axis = axis_of(10, kind="fractional-disjoint", output_size=4, size=2, offsets=(u,))
    assert spans(axis) == list(itertools.pairwise(bounds))


@given(
    length=st.integers(1, 50),
    number=st.integers(1, 50),
    u=st.floats(0, 1, exclude_max=True),
)
def test_disjoint_fractional_windows_have_one_of_two_lengths(length: int, number: int, u: float) -> None:
    if number > length:
        with pytest.raises(ShapeError, match=f"{number} disjoint windows do not fit {length} cells"):
            axis_of(length, kind="fractional-disjoint", output_size=number, offsets=(u,))
        return
    axis = axis_of(length, kind="fractional-disjoint", output_size=number, offsets=(u,))
    gaps = [stop - start for start, stop in spans(axis)]
    assert sum(gaps) == length
    assert set(gaps) <= {length // number, length // number + 1}
    assert [start for start, _ in spans(axis)[1:]] == [stop for _, stop in spans(axis)[:-1]]


@given(
    length=st.integers(2, 50),
    size=st.integers(1, 6),
    number=st.integers(1, 50),
    u=st.floats(0, 1, exclude_max=True),
)
def test_fractional_windows_lie_inside_and_rise(length: int, size: int, number: int, u: float) -> None:
    if number + size - 1 > length:
        return
    axis = axis_of(length, kind="fractional", size=size, output_size=number, offsets=(u,))
    starts = list(axis.starts)
    assert starts == sorted(starts)
    assert starts[0] >= 0
    assert starts[-1] == length - size
    assert {stop - start for start, stop in spans(axis)} == {size}


# --- windows without a real cell --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "lengths", "message"),
    [
        (
            {"size": 2, "stride": 1, "padding": 1, "dilation": 3},
            (2,),
            "1 of 1 windows hold no real cell, the first at (0,)",
        ),
        ({"size": 1, "stride": 1, "padding": 1}, (2, 2), "12 of 16 windows hold no real cell, the first at (0, 0)"),
        (
            {"size": 1, "stride": 1, "padding": ((0, 0), (0, 1))},
            (2, 3),
            "2 of 8 windows hold no real cell, the first at (0, 3)",
        ),
        (
            {"size": 1, "stride": 1, "padding": ((0, 2), (0, 0))},
            (2, 3),
            "6 of 12 windows hold no real cell, the first at (2, 0)",
        ),
        (
            {"size": 1, "stride": 1, "padding": ((0, 1), (0, 1))},
            (2, 3),
            "6 of 12 windows hold no real cell, the first at (0, 3)",
        ),
    ],
)
def test_empty_windows_are_counted_and_placed(options: dict[str, Any], lengths: tuple[int, ...], message: str) -> None:
    with pytest.raises(EmptyWindowError) as caught:
        check_empty(Window.of(len(lengths), **options).plan(lengths))
    assert caught.value.message == message
    assert caught.value.hint is not None
    assert "pad_fill=0" in caught.value.hint


# --- laws -------------------------------------------------------------------------------------------------------------

SLIDING = st.fixed_dictionaries(
    {
        "size": st.integers(1, 5),
        "stride": st.integers(1, 6),
        "dilation": st.integers(1, 4),
        "ceil_mode": st.booleans(),
        "padding": st.one_of(
            st.sampled_from(["valid", "same", "same-lower"]), st.tuples(st.tuples(st.integers(0, 6), st.integers(0, 6)))
        ),
    }
)
IRREGULAR = st.one_of(
    st.fixed_dictionaries({"kind": st.just("adaptive"), "output_size": st.integers(1, 20)}),
    st.fixed_dictionaries({"kind": st.just("global")}),
    st.fixed_dictionaries(
        {
            "kind": st.sampled_from(["fractional", "fractional-disjoint"]),
            "size": st.integers(1, 3),
            "output_size": st.integers(1, 9),
            "offsets": st.tuples(st.floats(0, 1, exclude_max=True)),
        }
    ),
)


@st.composite
def planned(draw: st.DrawFn) -> Axis:
    """Any axis that any kind of window can make."""
    length, options = draw(st.integers(1, 20)), draw(st.one_of(SLIDING, IRREGULAR))
    try:
        return axis_of(length, **options)
    except ShapeError:
        return axis_of(length, size=1, stride=1)


def real(axis: Axis, window: int) -> list[int]:
    return [cell for cell in axis.cells(window) if 0 <= cell < axis.length]


@given(planned())
def test_counts_agree_with_cells(axis: Axis) -> None:
    low, high = -axis.before, axis.length + axis.after
    windows = range(len(axis))
    assert axis.counts().tolist() == [len(real(axis, window)) for window in windows]
    padded = [sum(low <= cell < high for cell in axis.cells(window)) for window in windows]
    assert axis.counts(include_pad=True).tolist() == padded
    assert axis.size == max(len(axis.cells(window)) for window in windows)
    everything = all(0 <= cell < axis.length for window in windows for cell in axis.cells(window))
    assert axis.full() == everything
    assert axis.padded == (not everything)


@given(planned(), st.data())
def test_a_band_is_a_part_of_the_whole(axis: Axis, data: st.DataObject) -> None:
    first = data.draw(st.integers(0, len(axis) - 1))
    last = data.draw(st.integers(first + 1, len(axis)))
    low, high, band = axis.band(first, last)
    assert 0 <= low <= high <= axis.length
    assert (len(band), band.length) == (last - first, high - low)
    for window in range(first, last):
        seen = [cell + low for cell in real(band, window - first)]
        assert seen == real(axis, window)
        assert all(low <= cell < high for cell in seen)
    for include_pad in (False, True):
        whole = axis.counts(include_pad=include_pad, first=first, last=last)
        assert whole.tolist() == axis.counts(include_pad=include_pad)[first:last].tolist()
        assert band.counts(include_pad=include_pad).tolist() == whole.tolist()
    assert axis.full(first, last) == all(
        0 <= cell < axis.length for window in range(first, last) for cell in axis.cells(window)
    )


@given(planned())
def test_a_filled_axis_has_the_same_windows_over_the_padded_cells(axis: Axis) -> None:
    filled = axis.filled()
    assert (filled.length, filled.before, filled.after) == (axis.length + axis.before + axis.after, 0, 0)
    for window in range(len(axis)):
        assert list(filled.cells(window)) == [cell + axis.before for cell in axis.cells(window)]
    assert filled.counts().tolist() == axis.counts(include_pad=True).tolist()


@given(length=st.integers(1, 20), options=SLIDING)
def test_sliding_windows_follow_the_published_formulas(length: int, options: dict[str, Any]) -> None:
    from math import ceil, floor

    size, stride, dilation, padding = (options[name] for name in ("size", "stride", "dilation", "padding"))
    reach = dilation * (size - 1) + 1
    if padding in ("same", "same-lower"):
        total = max(0, (ceil(length / stride) - 1) * stride + reach - length)
        before = total // 2 if padding == "same" else total - total // 2
        after = total - before
    else:
        before, after = (0, 0) if padding == "valid" else padding[0]
    share = (length + before + after - reach) / stride
    number = (ceil(share) if options["ceil_mode"] else floor(share)) + 1
    if options["ceil_mode"] and (number - 1) * stride >= length + before:
        number -= 1
    if number < 1:
        with pytest.raises(ShapeError):
            axis_of(length, **options)
        return
    axis = axis_of(length, **options)
    assert len(axis) == number
    assert [list(axis.cells(i)) for i in range(number)] == [
        [i * stride - before + tap * dilation for tap in range(size)] for i in range(number)
    ]
    if padding in ("same", "same-lower") and not options["ceil_mode"]:
        assert number == ceil(length / stride)


@pytest.mark.slow
@given(
    holes=st.lists(
        st.tuples(st.integers(1, 4), st.integers(1, 2), st.integers(0, 3), st.integers(0, 3), st.integers(1, 4)),
        min_size=1,
        max_size=3,
    )
)
def test_the_count_and_place_of_empty_windows(holes: list[tuple[int, int, int, int, int]]) -> None:
    lengths = tuple(length for length, *_ in holes)
    window = Window.of(
        len(holes),
        size=tuple(size for _, size, *_ in holes),
        stride=1,
        padding=tuple((before, after) for *_, before, after, _ in holes),
        dilation=tuple(dilation for *_, dilation in holes),
    )
    try:
        axes = window.plan(lengths)
    except ShapeError:
        return
    places = list(itertools.product(*(range(len(axis)) for axis in axes)))
    empty = [place for place in places if any(not real(axis, index) for axis, index in zip(axes, place, strict=True))]
    if not empty:
        check_empty(axes)
        return
    with pytest.raises(EmptyWindowError) as caught:
        check_empty(axes)
    expected = f"{len(empty)} of {len(places)} windows hold no real cell, the first at {empty[0]}"
    assert caught.value.message == expected


@given(st.integers(1, 3), st.data())
def test_a_record_makes_the_same_window_again(ndim: int, data: st.DataObject) -> None:
    sizes = st.tuples(*[st.integers(1, 4)] * ndim)
    pairs: st.SearchStrategy[Any] = st.tuples(*[st.tuples(st.integers(0, 3), st.integers(0, 3))] * ndim)
    made = data.draw(
        st.one_of(
            st.builds(
                lambda **options: Window.of(ndim, **options),
                size=sizes, stride=sizes, dilation=sizes, ceil_mode=st.booleans(),
                padding=st.one_of(st.sampled_from(["valid", "same", "same-lower"]), pairs),
            ),
            st.builds(lambda size: Window.of(ndim, kind="adaptive", output_size=size), sizes),
        )
    )  # fmt: skip
    record = made.record()
    kind = "adaptive" if "output_size" in record else "sliding"
    again = Window.of(ndim, kind=kind, **record)
    lengths = (30,) * ndim
    assert again.plan(lengths) == made.plan(lengths)


# --- what is typed ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["2,3", "2 3", "2, 3"])
def test_two_numbers_are_shown_as_a_size(text: str) -> None:
    with pytest.raises(UsageError, match="is not a size") as caught:
        parse_sizes(text, "size")
    assert caught.value.hint == "write size=(2, 3)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("3", 3), ("3x2", (3, 2)), ("2x3X4", (2, 3, 4)), (" 2 ", 2), ("-1", -1), ("0", 0), ("+2", 2)],
)
def test_sizes_are_read(text: str, expected: int | tuple[int, ...]) -> None:
    assert parse_sizes(text, "size") == expected


@pytest.mark.parametrize("text", ["", "x", "2x", "2.0", "two", "1x2x3x4", "٣", "9" * 30, "2 x 2", "0x1f"])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_sizes(text, "stride")
    assert caught.value.message == f"stride {text!r} is not a size"
    assert caught.value.hint == "write stride=2, stride=(3, 2) or stride=(2, 3, 3)"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("valid", "valid"), ("SAME", "same"), ("same-lower", "same-lower"), ("1", 1), ("1x2", (1, 2)),
        ("1,2", ((1, 2),)), ("1,0,2,0", ((1, 0), (2, 0))), ("1, 0, 2, 0", ((1, 0), (2, 0))),
        ("1,2,3,4,5,6", ((1, 2), (3, 4), (5, 6))),
    ],
)  # fmt: skip
def test_padding_is_read(text: str, expected: Any) -> None:
    assert parse_padding(text) == expected


@pytest.mark.parametrize("text", ["", "full", "1,2,3", "1,2,3,4,5", "a,b", "1.5", "1,"])
def test_what_is_no_padding(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_padding(text)
    assert repr(text) in caught.value.message
    assert caught.value.hint is not None
    assert "write" in caught.value.hint


def test_a_padding_that_is_nearly_one_is_guessed() -> None:
    with pytest.raises(UsageError, match="unknown padding 'same-upper'") as caught:
        parse_padding("same-upper")
    assert caught.value.hint == "did you mean same-lower?"


def test_sizes_are_written_as_typed() -> None:
    assert (times((3,)), times((2, 3)), times((1, 2, 3))) == ("3", "2x3", "1x2x3")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"size": 0}, "size 0x0 is less than 1"),
        ({"size": (2, -1)}, "size 2x-1 is less than 1"),
        ({"stride": 0}, "stride 0x0 is less than 1"),
        ({"dilation": 0}, "dilation 0x0 is less than 1"),
        ({"padding": -1}, "padding -1x-1 is less than 0"),
        ({"padding": ((0, 0), (0, -1))}, "padding 0x0x0x-1 is less than 0"),
        ({"size": (2, 2, 2)}, "size 2x2x2 has 3 numbers, but the input has 2 spatial axes"),
        ({"padding": ((1, 1),)}, "padding has 1 begin,end pairs, but the input has 2 spatial axes"),
        ({"padding": ((1,), (1,))}, "padding has 2 begin,end pairs, but the input has 2 spatial axes"),
        ({"size": 2.0}, "size 2.0 is not a whole number or one per axis"),
        ({"size": "2"}, "size '2' is not a whole number or one per axis"),
        ({"size": (2, None)}, "size (2, None) is not a whole number or one per axis"),
        ({"kind": "adaptive", "output_size": 0}, "output-size 0x0 is less than 1"),
    ],
)
def test_options_out_of_range(options: dict[str, Any], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        Window.of(2, **options)
    assert caught.value.message == message


def test_sizes_may_be_numpy_integers() -> None:
    assert Window.of(2, size=(np.int64(3), np.int8(2)), stride=np.int64(1)).size == (3, 2)  # type: ignore[arg-type]  # numpy's integers are no int to mypy


def test_every_kind_has_one_function() -> None:
    assert sorted(KINDS) == [
        "adaptive",
        "fractional",
        "fractional-disjoint",
        "fractional-overlapping",
        "global",
        "sliding",
    ]


def test_a_pair_per_axis_is_kept() -> None:
    pairs: Pairs = ((1, 0), (2, 3))
    assert Window.of(2, padding=pairs).padding == pairs


@pytest.mark.parametrize("offsets", [(), (0.5,), (0.5, 1.0), (-0.1, 0.5), (float("nan"), 0.5)])
def test_offsets_are_one_per_axis_from_0_to_1(offsets: tuple[float, ...]) -> None:
    with pytest.raises(UsageError, match="are not 2 numbers from 0 up to but not including 1"):
        Window.of(2, kind="fractional", size=2, output_size=2, offsets=offsets)

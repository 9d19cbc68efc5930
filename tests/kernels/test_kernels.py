"""The kernels against plain NumPy: every case of the benchmark on a small array, and what is special about them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

import poolcli
from benchmarks.cases import CASES, SMALL, Case, make, run
from benchmarks.peers import numpy_call
from poolcli.errors import NumberRangeError, UsageError
from poolcli.kernels import fold as folding
from poolcli.kernels.addition_chains import chain, depth
from poolcli.kernels.correlate import correlate, separated
from poolcli.kernels.fold import fold
from poolcli.kernels.fold_axis import Part, add_rows, roundings
from poolcli.kernels.memory import copy
from poolcli.kernels.replay import BUFFER, Layout, Memory, Recorder, View, play, room_for
from poolcli.kernels.selection_network import is_small, network, select
from poolcli.kernels.tiles import tiles, walk_tiles
from poolcli.system.threads import threads
from poolcli.window import Axis, Window
from tests.support import drawn
from tests.support.rows import in_turn

Array = NDArray[Any]
MAX, SUM = Part(np.maximum, (-np.inf,)), Part(np.add, (0,))


@in_turn("case", CASES)
def test_case(case: Case) -> None:
    x = make(case, SMALL)
    before = x.copy()
    ours = run(case, x)
    np.testing.assert_array_equal(x, before)
    call = numpy_call(case, x)
    if call is None:
        values, where = ours
        flat = x.reshape(*x.shape[:-2], -1)
        np.testing.assert_array_equal(np.take_along_axis(flat, where.reshape(*flat.shape[:-1], -1).astype(int), -1),
                                      values.reshape(*flat.shape[:-1], -1))  # fmt: skip
        return
    np.testing.assert_allclose(ours, call().reshape(ours.shape), rtol=1e-5, atol=1e-5)


# --- chains -----------------------------------------------------------------------------------------------------------


@in_turn("overlapping", [True, False])
@in_turn("size", [*range(1, 130), 255, 1000, 4097])
def test_a_chain_covers_every_cell(size: Any, overlapping: bool) -> None:
    covered = {1: [0]}
    for step in chain(size, overlapping=overlapping):
        covered[step.size] = covered[step.left] + [cell + step.shift for cell in covered[step.right]]
        for gone in step.done:
            covered.pop(gone)
    cells = covered.pop(size)
    assert not covered
    assert set(cells) == set(range(size))
    assert overlapping or len(cells) == size


def test_chains_are_short() -> None:
    assert [len(chain(k, overlapping=False)) for k in (2, 3, 5, 8, 15, 31)] == [1, 2, 3, 3, 5, 7]
    assert [len(chain(k, overlapping=True)) for k in (2, 3, 5, 8, 15, 31)] == [1, 2, 3, 3, 4, 5]
    assert depth(chain(31, overlapping=False)) == 7
    assert 2 * roundings(31, 1, "chain") <= folding.MOST_ROUNDINGS


# --- the engine -------------------------------------------------------------------------------------------------------


def brute(x: Array, axes: Sequence[Axis], reduce: Callable[..., Any]) -> Array:
    """Reduce the real cells of every window, in loops."""
    lead = x.shape[: x.ndim - len(axes)]
    cells = [
        [
            np.array([c for c in axis.cells(i) if 0 <= c < axis.length]).reshape(-1, *[1] * after)
            for i in range(len(axis))
        ]
        for after, axis in zip(reversed(range(len(axes))), axes, strict=True)
    ]
    places: Iterator[Any] = itertools.product([...], *cells)
    made = [reduce(x[place].reshape(*lead, -1), axis=-1) for place in places]
    return np.stack(made, axis=-1).reshape(*made[0].shape, *map(len, axes))


def layer(draw: Random) -> tuple[tuple[int, ...], Window]:
    """A shape of one to three spatial axes and windows on it."""
    shape = drawn.shape(draw, 1, 3, 12)
    kind = draw.choice(("sliding", "sliding", "sliding", "global", "adaptive"))
    if kind == "global":
        return shape, Window.of(len(shape), kind=kind)
    if kind == "adaptive":
        return shape, Window.of(len(shape), kind=kind, output_size=[draw.randint(1, 14) for _ in shape])
    size = [draw.randint(1, length) for length in shape]
    pads = tuple((draw.randrange(k), draw.randrange(k)) for k in size)
    rooms = [max((length - 1) // max(k - 1, 1), 1) for k, length in zip(size, shape, strict=True)]
    dilation, stride = [draw.randint(1, room) for room in rooms], [draw.randint(1, 5) for _ in shape]
    more: dict[str, Any] = {"padding": pads, "dilation": dilation, "ceil_mode": draw.choice((True, False))}
    return shape, Window.of(len(shape), size=size, stride=stride, **more)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(drawn.by(drawn.it), st.sampled_from([1, 64, 1 << 21]), st.booleans())
def test_fold_is_the_reduction_of_real_cells(draw: Random, tile_bytes: int, wide: bool) -> None:
    shape, window = layer(draw)
    axes = window.plan(shape)
    if any((axis.counts() == 0).any() for axis in axes):
        return
    lead = drawn.shape(draw, 0, 2, 3)
    x = np.random.default_rng(draw.getrandbits(32)).integers(-50, 50, (*lead, *shape)).astype(np.int16)
    order = draw.choice(("as it is", "fortran", "fortran", "turned"))
    x = {"as it is": x, "fortran": np.asfortranarray(x), "turned": x[..., ::-1]}[order]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(folding, "TILE_BYTES", tile_bytes)
        patch.setattr("poolcli.kernels.fold_axis.WIDE", 1 if wide else 10**9)
        total = fold(x, axes, [SUM], None, np.int64)
        highest = fold(x, axes, [Part(np.maximum, (-(2**15),))], None, x.dtype, workers=2)
    np.testing.assert_array_equal(total, brute(x, axes, np.sum))
    np.testing.assert_array_equal(highest, brute(x, axes, np.max))


@pytest.mark.slow
@pytest.mark.parametrize(("shape", "window"), [
    ((500, 400), Window.of(2, kind="global")),
    ((3, 70_000), Window.of(2, kind="global")),
    ((70_000, 3), Window.of(2, kind="global")),
    ((400, 401), Window.of(2, size=(300, 301), stride=(250, 251), padding=(100, 100))),
    ((320, 300), Window.of(2, size=(300, 300), stride=(1, 300))),
    ((200_000,), Window.of(1, size=70_000, stride=65_000)),
    ((401, 399), Window.of(2, kind="adaptive", output_size=(1, 1))),
    ((700, 299), Window.of(2, kind="adaptive", output_size=(2, 1))),
    ((400, 700), Window.of(2, size=(200, 345), stride=(100, 100), dilation=(2, 1))),
    ((60, 50, 40), Window.of(3, kind="global")),
])  # fmt: skip
def test_giant_windows(shape: tuple[int, ...], window: Any) -> None:
    x = np.random.default_rng(3).standard_normal((2, *shape), np.float32)
    axes = window.plan(shape)
    np.testing.assert_array_equal(fold(x, axes, [MAX], None, np.float32), brute(x, axes, np.max).astype(np.float32))
    exact = brute(x.astype(np.float64), axes, np.sum)
    most = brute(np.abs(x).astype(np.float64), axes, np.sum)
    assert (np.abs(fold(x, axes, [SUM], None, np.float64) - exact) <= 1e-6 * most).all()


@pytest.mark.parametrize("mode", ["avg", "sum", "std", "soft", "lp:2", "max"])
@pytest.mark.parametrize("window", [{"size": 3, "stride": 1}, {"size": 31, "stride": 1, "padding": 15},
                                    {"size": (5, 4)}, {"global_window": True}, {"output_size": (7, 5)}])  # fmt: skip
def test_threads_and_tiles_change_nothing(mode: str, window: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(4).standard_normal((3, 70, 400), np.float32)
    monkeypatch.setattr(folding, "SHARED_BYTES", 0)
    made = []
    for number, tile_bytes in ((1, 1 << 21), (2, 1 << 21), (5, 1 << 16), (1, 1 << 14)):
        monkeypatch.setenv("POOLCLI_THREADS", str(number))
        monkeypatch.setattr(folding, "TILE_BYTES", tile_bytes)
        made.append(poolcli.pool(x, mode, ndim=2, **window))
    for other in made[1:]:
        np.testing.assert_array_equal(made[0], other)


@in_turn("size", [2, 3, 7, 15, 23, 31, 33, 100])
@in_turn("value", [0.1, 1 / 3, 3.3e7])
def test_sums_of_equal_float32_are_near(size: Any, value: float) -> None:
    """Equal numbers round the same way at each step, the worst case there is."""
    x = np.full((2 * size, 600 + size), value, np.float32)
    exact = float(np.float32(value))
    assert np.abs(poolcli.pool(x, "avg", size=size, stride=1).astype(np.float64) / exact - 1).max() <= 1e-6
    assert abs(float(poolcli.pool(x, "avg", global_window=True)[0, 0]) / exact - 1) <= 1e-6


@pytest.mark.parametrize("threads_used", ["1", "2"])
@pytest.mark.parametrize("window", [{"size": 3, "stride": 1}, {"size": 2}, {"size": 8}, {"global_window": True},
                                    {"size": 3, "stride": 1, "padding": 1}, {"output_size": (7, 5)}])  # fmt: skip
def test_averages_of_the_largest_numbers(window: Any, threads_used: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their sums overflow in whichever thread; an infinity of the input stays one."""
    monkeypatch.setenv("POOLCLI_THREADS", threads_used)
    x = np.full((700, 1500), 3e38, np.float32)
    np.testing.assert_allclose(poolcli.pool(x, "avg", **window), np.float32(3e38), rtol=1e-6)
    x[350, 40] = np.inf
    assert 1 <= np.isinf(poolcli.pool(x, "avg", **window)).sum() <= 9


@in_turn("length", [1, 7, 127, 128, 129, 1000, 65_536, 131_072, 200_000, 1_048_577])
def test_long_sums_are_near(length: int) -> None:
    x = np.full((1, length), 1 / 3, np.float32)
    x[0, 0] = 2.0**20  # near which small numbers are lost
    exact, size = x.astype(np.float64).sum(), np.abs(x).astype(np.float64).sum()
    assert abs(float(poolcli.pool(x, "sum", global_window=True)[0, 0]) - exact) <= 1e-6 * size


@in_turn("length", [2, 15, 16, 100, 111, 127, 128])
def test_short_sums_round_rarely(length: int) -> None:
    """In whatever order NumPy adds: ones are lost where they meet a huge number before its opposite does.

    So each pair of places tells how many floats are added up where the two meet, and one place's different answers how
    often its float is rounded.
    """
    most = 0
    for place in range(length):
        rows = np.ones((length, length), np.float32)
        np.fill_diagonal(rows, -(2.0**60))
        rows[:, place] = 2.0**60
        kept = np.delete(add_rows(rows, rows.dtype), place)
        assert ((kept >= 0) & (kept <= length - 2) & (kept % 1 == 0)).all()
        most = max(most, len(set(kept.tolist())))
    assert most <= folding.MOST_ROUNDINGS


@in_turn("shape", [(1, 1500, 1501), (3, 700, 1001), (40, 130, 257), (64, 7, 7)])
@in_turn("dtype", [np.float16, np.float32, np.float64, np.uint8, np.int16, np.int32, np.int64])
def test_global_windows_see_every_cell(shape: tuple[int, ...], dtype: Any) -> None:
    plane = shape[1] * shape[2]
    for last in {0, 127, 128, 4095, 4096, plane // 2, plane - 2, plane - 1} & set(range(plane)):
        x = np.zeros(shape, dtype)
        x.reshape(len(x), -1)[:, last] = np.arange(1, len(x) + 1)
        for mode in ("max", "sum"):
            assert poolcli.pool(x, mode, global_window=True, ndim=2).ravel().tolist() == list(range(1, len(x) + 1))


@in_turn("mode", ["sum", "avg"])
def test_global_sums_beyond_float32(mode: str) -> None:
    """128 floats are more than float32 holds, their row is not; what is infinite or missing stays so, alone."""
    x = np.zeros((5, 20, 30), np.float32)
    x[0, :5], x[0, 5:10] = 3e38, -3e38
    x[1, 3, 3], x[2, 0, 0], x[3, 0, 0], x[3, 9, 9] = np.nan, np.inf, np.inf, -np.inf
    x[4] = 1
    expected = [0, np.nan, np.inf, np.nan, 600 if mode == "sum" else 1]
    np.testing.assert_array_equal(poolcli.pool(x, mode, global_window=True, ndim=2).ravel(), expected)


@in_turn("dtype", [np.int8, np.uint8, np.int16, np.uint16, np.int32, np.uint32, np.int64, np.uint64])
@in_turn("size", [1, 2, 3, 16, 17])
def test_integer_sums_are_exact_at_the_ends_of_the_type(dtype: Any, size: Any) -> None:
    limits = np.iinfo(dtype)
    for end in (limits.min, limits.max):
        x = np.full((20, 20), end, dtype)
        expected = int(end) * size * size
        long = np.iinfo(np.uint64 if limits.min == 0 else np.int64)
        if not long.min <= expected <= long.max:
            with pytest.raises(NumberRangeError):
                poolcli.pool(x, "sum", size=size, stride=1)
            continue
        assert set(poolcli.pool(x, "sum", size=size, stride=1).ravel().tolist()) == {expected}


def test_constant_windows_have_no_deviation() -> None:
    x = np.full((40, 900), 0.1, np.float32)
    assert not poolcli.pool(x, "std", size=(7, 6), stride=(1, 2)).any()
    assert not poolcli.pool(x, "std", global_window=True).any()


# --- shapes -----------------------------------------------------------------------------------------------------------


@in_turn("shape", [(1, 100_001), (100_001, 1), (2, 50_001), (50_001, 2)])
@in_turn(("size", "stride"), [(2, 2), (3, 1), (3, 2), (2, 5)])
def test_long_thin_maps(shape: tuple[int, ...], size: Any, stride: Any) -> None:
    x = np.random.default_rng(5).integers(0, 100, shape).astype(np.uint8)
    size = tuple(min(size, length) for length in shape)
    expected = sliding_window_view(x, size)[::stride, ::stride]
    np.testing.assert_array_equal(poolcli.pool(x, "max", size=size, stride=stride), expected.max(axis=(-2, -1)))
    np.testing.assert_array_equal(poolcli.pool(x, "sum", size=size, stride=stride), expected.sum(axis=(-2, -1)))


@pytest.mark.parametrize("shape", [(0, 4, 4), (2, 0, 4, 4), (0, 0, 5, 5)])
def test_no_planes(shape: tuple[int, ...]) -> None:
    for mode in ("max", "avg", "median", "std"):
        assert poolcli.pool(np.zeros(shape, np.float32), mode, size=3, stride=1, ndim=2).shape == (
            *shape[:-2], shape[-2] - 2, shape[-1] - 2)  # fmt: skip


@pytest.mark.parametrize(("planes", "shape", "size", "stride"), [
    (1, (1, 100_000_000), (1, 3), 1), (1, (100_000_000, 1), (3, 1), 1), (1, (4096, 4096), (31, 31), 1),
    (1, (4096, 4096), (4096, 3), 1), (512, (256, 256), (2, 2), 2), (10**6, (4, 4), (2, 2), 2),
    (1, (9, 10**7), (2, 2), 7),
])  # fmt: skip
def test_tiles_cover_everything_once_and_are_bounded(
    planes: int, shape: tuple[int, ...], size: Any, stride: Any
) -> None:
    axes = Window.of(2, size=size, stride=stride).plan(shape)
    room = 1 << 19
    places = tiles(planes, axes, room)
    assert len(places) < 3000
    covered = sum(math.prod(part.stop - part.start for part in place) for place in places)
    assert covered == planes * math.prod(map(len, axes))
    for place in places[:: max(len(places) // 50, 1)]:
        bands = [axis.band(part.start, part.stop)[:2] for axis, part in zip(axes, place[1:], strict=True)]
        cells = (place[0].stop - place[0].start) * math.prod(high - low for low, high in bands)
        assert cells <= 4 * max(room, size[0] * 128)


# --- medians, correlation, indices ------------------------------------------------------------------------------------


@pytest.mark.parametrize("size", [(1, 1), (1, 3), (3, 1), (3, 3), (3, 5), (5, 5), (7, 7)])
def test_networks_select_from_every_pattern_of_zeros_and_ones(size: Any) -> None:
    """A network of exchanges that is right for zeros and ones is right for all numbers (Knuth's zero-one principle)."""
    rng = np.random.default_rng(6)
    cells = math.prod(size)
    patterns = (
        np.array(list(itertools.product((0, 1), repeat=cells))) if cells <= 15
        else rng.permuted(np.tile(np.arange(cells) < np.arange(cells + 1)[:, None], (400, 1)), axis=1)
    )  # fmt: skip
    x = patterns.reshape(-1, *size).astype(np.uint8)
    axes = Window.of(2, size=size).plan(size)
    assert is_small(axes)
    places = (0, 50, 90, 100)
    for q, expected in zip(places, np.percentile(patterns.astype(float), places, axis=1), strict=True):
        np.testing.assert_allclose(select(x, axes, q, np.dtype(float)).ravel(), expected, atol=1e-12)


@in_turn("dilation", [1, 2])
@in_turn("stride", [1, 2, 3, (2, 1), (1, 4)])
@in_turn("size", [3, (1, 5), (5, 3)])
def test_medians_of_strided_windows(size: Any, stride: Any, dilation: int) -> None:
    x = np.random.default_rng(12).integers(0, 256, (2, 41, 67)).astype(np.uint8)
    axes = Window.of(2, size=size, stride=stride, dilation=dilation).plan(x.shape[1:])
    assert is_small(axes)
    windows = sliding_window_view(x, [(axis.size - 1) * dilation + 1 for axis in axes], (1, 2))
    taken = windows[:, :: axes[0].stride, :: axes[1].stride, ::dilation, ::dilation]
    np.testing.assert_array_equal(select(x, axes, 50, x.dtype), np.median(taken, axis=(3, 4)))


def test_median_networks_are_small() -> None:
    columns, window, _ = network(3, 3, (4,))
    assert 2 * len(columns) + sum(step.keep_low + step.keep_high for step in window) == 18


@in_turn("kernel", [[[1, 2, 1]] * 3, [[1, 2, 1], [2, 4, 2], [1, 2, 1]], [[2, 0, -2]],
                    [[0, 1, 0], [1, -4, 1], [0, 1, 0]], [[0, -1], [1, 0]], [[-1, -1], [-1, -1]], [[3]],
                    [[0, 0], [0, 0]]])  # fmt: skip
@in_turn("dtype", [np.uint8, np.int64, np.float32, np.float64])
@in_turn("window", [{}, {"stride": 2}, {"padding": 1}, {"dilation": 2, "padding": "same"}])
def test_correlate(kernel: Any, dtype: Any, window: Any) -> None:
    kernel = np.array(kernel)
    x = np.random.default_rng(7).integers(0, 200, (2, 30, 41)).astype(dtype)
    axes = Window.of(2, size=kernel.shape, **{"stride": 1, **window}).plan(x.shape[1:])
    result = np.dtype(np.int64) if x.dtype.kind in "iu" else x.dtype
    padded = np.pad(x.astype(result), [(0, 0), *((axis.before, axis.after) for axis in axes)])
    expected = np.zeros((2, *map(len, axes)))
    for tap in np.ndindex(*kernel.shape):
        firsts = [t * axis.dilation for t, axis in zip(tap, axes, strict=True)]
        cells = [slice(f, f + (len(a) - 1) * a.stride + 1, a.stride) for f, a in zip(firsts, axes, strict=True)]
        expected += padded[(slice(None), *cells)] * kernel[tap]
    np.testing.assert_array_equal(correlate(x, axes, kernel.astype(result), result), expected)


def test_separated() -> None:
    assert separated(np.array([[1, 2, 1], [2, 4, 2], [1, 2, 1]])) is not None
    assert separated(np.array([[2, 4], [3, 6]])) is not None
    assert separated(np.array([[1, 2], [2, 3]])) is None
    assert separated(np.zeros((2, 2))) is None


@pytest.mark.parametrize("bad", [np.inf, -np.inf, np.nan])
def test_a_zero_weight_meets_infinity(bad: float) -> None:
    x = np.ones((5, 5), np.float32)
    x[2, 2] = bad
    laplacian = poolcli.conv(x, np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]], np.float32))
    assert np.isnan(laplacian[0, 0])
    sobel = poolcli.conv(x, np.array([[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], np.float32))
    assert np.isnan(sobel[1, 1])


@pytest.mark.parametrize(("size", "stride", "padding"), [(2, 2, 0), (3, 1, 1), ((4, 3), (2, 3), (1, 0)), (31, 1, 15)])
def test_indices_are_the_first_of_equals(size: Any, stride: Any, padding: Any) -> None:
    x = np.random.default_rng(8).integers(0, 4, (2, 3, 40, 45)).astype(np.float32)
    values, where = poolcli.pool(x, "max", size=size, stride=stride, padding=padding, return_indices=True)
    axes = Window.of(2, size=size, stride=stride, padding=padding).plan((40, 45))
    for i, j in [(0, 0), (1, 2), (len(axes[0]) - 1, len(axes[1]) - 1)]:
        rows, columns = ([c for c in a.cells(w) if 0 <= c < a.length] for a, w in zip(axes, (i, j), strict=True))
        cells = x[1, 2][np.ix_(rows, columns)]
        row, column = np.unravel_index(np.argmax(cells), cells.shape)
        assert where[1, 2, i, j] == rows[row] * 45 + columns[column]
        assert values[1, 2, i, j] == cells.max()


# --- threads and memory -----------------------------------------------------------------------------------------------


def test_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    assert threads(3) == 3
    monkeypatch.setenv("POOLCLI_THREADS", "7")
    assert threads() == 7
    for wrong in ("0", "-1", "two", "1.5"):
        monkeypatch.setenv("POOLCLI_THREADS", wrong)
        with pytest.raises(UsageError):
            threads()


def test_small_maps_start_no_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("a thread for a small map")

    monkeypatch.setattr("poolcli.system.threads.start_new_thread", refuse)
    monkeypatch.setenv("POOLCLI_THREADS", "2")
    x = np.zeros((256, 256), np.float32)
    for mode in ("max", "avg", "median"):
        poolcli.pool(x, mode, size=3, stride=2)
    poolcli.conv(x, "outline")


def test_a_failure_in_a_thread_is_raised(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any) -> Any:
        raise MemoryError("on purpose")

    axes = Window.of(1, size=2).plan((4000,))
    x = np.zeros((1, 4000))
    with pytest.raises(MemoryError, match="on purpose"):
        walk_tiles(lambda *_: [], [(x,)], axes, None, room=100, workers=2, recordable=False, store=fail)


def test_a_recorder_gives_memory_from_the_first_step_to_the_last() -> None:
    x = np.arange(8.0)
    recorder = Recorder([x.shape], [Layout(x.dtype, x.strides)])
    made = recorder.arrays[0]
    for _ in range(20):
        made = recorder.do(np.add, made, 1, out=recorder.take(x.shape, x.dtype))
    kept = recorder.do(np.add, recorder.arrays[0], 100, out=recorder.take(x.shape, x.dtype))
    made = recorder.do(np.add, made, 1, out=recorder.take(x.shape, x.dtype))
    made = recorder.do(np.multiply, made[::2], kept[:4], out=recorder.take((4,), x.dtype))
    program = recorder.program([made])
    assert program.size <= 3 * 64  # the chain, what is kept, and a smaller one
    assert program.results[0].memory == BUFFER
    memory = np.arange(16.0)
    for start in (0, 8):
        (played,) = play(program, (Memory(memory).bytes, 8 * start), (room_for(program.size, huge=False), 0))
        np.testing.assert_array_equal(played, (memory[start : start + 8 : 2] + 21) * (memory[start : start + 4] + 100))


def test_a_result_is_written_in_place_only_of_what_is_read_once_and_cell_by_cell() -> None:
    x = np.arange(24.0)
    recorder = Recorder([x.shape], [Layout(x.dtype, x.strides)])

    def do(call: Any, *inputs: Any, cells: int) -> Any:
        return recorder.do(call, *inputs, out=recorder.take((cells,), x.dtype))

    first = do(np.negative, recorder.arrays[0], cells=24)  # never in place of an input
    second = do(np.add, first, 1, cells=24)
    shifted = do(np.maximum, second[:-1], second[1:], cells=23)
    copied = do(copy, shifted, cells=23)
    other = do(np.add, copied, recorder.arrays[0][:23], cells=23)
    late = do(np.subtract, other[4:], 5, cells=19)
    program = recorder.program([late])
    over = [
        call.out.memory == BUFFER
        and call.out.offset in [view.offset for view in call.inputs if type(view) is View and view.memory == BUFFER]
        for call in program.calls
    ]
    assert over == [False, True, False, False, True, False]
    (played,) = play(program, (Memory(x).bytes, 0), (room_for(program.size, huge=False), 0))
    np.testing.assert_array_equal(played, np.maximum(1 - x[:-1], 1 - x[1:])[4:] + x[4:23] - 5)


def test_a_recorder_knows_its_own_arrays_only() -> None:
    recorder = Recorder([(2,)], [Layout(np.dtype(float), (8,))])
    with pytest.raises(AssertionError, match="unknown memory"):
        recorder.do(np.negative, np.zeros(2), out=recorder.take((2,), float))


def test_a_result_outlives_the_next_calls() -> None:
    rng = np.random.default_rng(13)
    inputs = [rng.standard_normal((1100, 1100), np.float32) for _ in range(4)]
    made = [poolcli.pool(x, size=3, stride=1) for x in inputs]
    for x, values in zip(inputs, made, strict=True):
        np.testing.assert_array_equal(values[:5, :5], sliding_window_view(x[:7, :7], (3, 3)).max(axis=(2, 3)))
        np.testing.assert_array_equal(values, poolcli.pool(x.copy(), size=3, stride=1))


def test_what_is_done_again_is_not_recorded_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """The plan of a call serves every call with the same options and layout, wherever its cells lie."""
    monkeypatch.setattr(folding, "TILE_BYTES", 1 << 14)
    recorded, program = [], Recorder.program

    def record(recorder: Recorder, results: Any) -> Any:
        recorded.append(recorder)
        return program(recorder, results)

    monkeypatch.setattr(Recorder, "program", record)
    rng = np.random.default_rng(14)
    whole = rng.integers(0, 256, (201, 301)).astype(np.uint8)
    inputs = [whole[:-1, :-1], whole[1:, 1:], whole[1:, 1:].copy(), whole[:-1, :-1][::-1], whole[:-1, :-1].copy()]
    modes = ("max", "min", "avg", "range")
    expected = {mode: [run(Case("uint8", mode, 3, 2), x.astype(np.float64)) for x in inputs] for mode in modes}
    counts = []
    for _ in range(2):
        for mode in modes:
            for x, values in zip(inputs, expected[mode], strict=True):
                np.testing.assert_array_equal(poolcli.pool(x, mode, size=3, stride=2), values)
        counts.append(len(recorded))
    assert counts[0] == counts[1] > 0


def test_sums_of_bytes_are_exact_and_narrow_as_long_as_they_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folding, "TILE_BYTES", 1 << 14)
    for dtype, value in ((np.uint8, 255), (np.int8, -128), (np.uint16, 65535), (np.int16, -32768)):
        x = np.full((80, 90), value, dtype)
        for size in (2, 3, 15, 17, 31, (31, 2), (2, 31), (31, 40)):
            axes = Window.of(2, size=size, stride=1).plan(x.shape)
            cells = math.prod(axis.size for axis in axes)
            made = poolcli.pool(x, "sum", size=size, stride=1)
            assert made.min() == made.max() == value * cells, (dtype, size)
    axes = Window.of(2, size=31, stride=1).plan((80, 90))
    taken, take = [], Recorder.take

    def watched(recorder: Recorder, shape: Sequence[int], dtype: Any) -> Array:
        taken.append(np.dtype(dtype).name)
        return take(recorder, shape, dtype)

    monkeypatch.setattr(Recorder, "take", watched)
    x = np.full((80, 91), 255, np.uint8)
    fold(x, Window.of(2, size=31, stride=1).plan(x.shape), [Part(np.add, (0,), dtype=np.dtype(np.uint64))], None, int)
    assert set(taken) == {"uint16", "uint32"}  # 31 rows fit 16 bits, and of those 8 columns; 31 by 31 cells fit 32


def test_the_input_may_be_of_any_strides() -> None:
    x = np.random.default_rng(9).standard_normal((60, 50, 4), np.float32)
    moved = np.moveaxis(x, -1, 0)  # as pictures come, channels last
    for view in (moved, moved[:, ::-1], moved[::2, ::2, ::3], np.broadcast_to(x[:, :, 0], (3, 60, 50))):
        for mode in ("max", "avg", "median"):
            made, copied = (poolcli.pool(array, mode, size=3, stride=2, ndim=2) for array in (view, view.copy()))
            np.testing.assert_array_equal(made, copied)


def test_memory_stays_within_input_output_and_a_little(monkeypatch: pytest.MonkeyPatch) -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    x = np.zeros((2000, 5000), np.float32)
    for mode, window in (("avg", {"size": 31, "stride": 1}), ("max", {"global_window": True}), ("std", {"size": 2})):
        tracemalloc.start()
        made = poolcli.pool(x, mode, **window)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert peak <= made.nbytes + (64 << 20), mode


@pytest.mark.parametrize("mode", ["max", "min", "avg"])
def test_a_global_window_takes_no_memory_but_for_its_values(mode: str) -> None:
    """Though the plan for it is made anew."""
    tracemalloc = pytest.importorskip("tracemalloc")
    x = np.ones((1111, 1013))
    tracemalloc.start()
    made = poolcli.pool(x, mode, global_window=True)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert made == 1
    assert peak < x.nbytes // 4


@pytest.mark.slow
@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
@pytest.mark.parametrize("mode", ["median", "percentile:90", "majority", "stochastic"])
@pytest.mark.parametrize("window", [{"global_window": True}, {"size": 40, "stride": 20}, {"size": 300, "stride": 250}])
def test_ranks_and_draws_take_little_memory(mode: str, window: Any, dtype: Any) -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    x = np.random.default_rng(5).integers(0, 256, (1000, 900)).astype(dtype)
    tracemalloc.start()
    made = poolcli.pool(x, mode, seed=1 if mode == "stochastic" else None, **window)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 4 * (x.nbytes + made.nbytes) + (1 << 21)


@in_turn(("size", "huge", "unit"), [
    (100, True, 64), ((1 << 20) - 1, True, 64), (1 << 20, True, 1 << 21), ((1 << 22) - 1, True, 1 << 21),
    (1 << 22, True, 64), (1 << 20, False, 64),
])  # fmt: skip
def test_memory_of_programs_begins_where_it_fills_pages(size: int, huge: bool, unit: int) -> None:
    room = room_for(size, huge=huge)
    assert room.size >= size
    assert room.ctypes.data % unit == 0
    assert room.base is not None
    assert room.base.nbytes <= max(size + unit, 1 << 22 if unit > 64 else 0)


@pytest.mark.slow
@in_turn("dtype", [np.uint8, np.float32])
@in_turn(("mode", "size", "threads_used"), [
    ("majority", 5, "2"), ("majority", 31, "2"), ("median", 5, "8"), ("median", 7, "2"), ("median", 7, "8"),
])  # fmt: skip
def test_ranks_of_many_windows_take_little_memory(
    mode: str, size: int, threads_used: str, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    tracemalloc = pytest.importorskip("tracemalloc")
    monkeypatch.setenv("POOLCLI_THREADS", threads_used)
    x = np.random.default_rng(5).integers(0, 20, (900, 800)).astype(dtype)
    poolcli.pool(x[:50, :50], mode, size, stride=1)  # imports what it needs
    tracemalloc.start()
    made = poolcli.pool(x, mode, size, stride=1)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak <= 4 * (x.nbytes + made.nbytes) + (1 << 21)  # for the plan


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16])
def test_long_rows_are_looked_at_part_by_part(dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.random.default_rng(6).integers(-20, 60, (3, 40, 50)).astype(dtype)
    made = {}
    for long in (1 << 15, 64):
        monkeypatch.setattr("poolcli.kernels.order_statistics.LONG_ROW", long)
        for mode, seed in (("majority", None), ("stochastic", 3)):
            made[mode, long] = poolcli.pool(x, mode, global_window=True, ndim=2, seed=seed).ravel().tolist()
    assert made["majority", 64] == made["majority", 1 << 15]
    assert made["stochastic", 64] == made["stochastic", 1 << 15]


@pytest.mark.parametrize("dtype", [np.uint8, np.int8])
@pytest.mark.parametrize("window", [{"size": 15, "stride": 1}, {"size": (9, 20), "stride": (2, 3), "padding": (4, 9)},
                                    {"size": 8, "stride": 1, "dilation": 2, "padding": 3}])  # fmt: skip
def test_counts_give_the_order_statistics_of_real_cells(window: Any, dtype: Any) -> None:
    x = np.random.default_rng(7).integers(np.iinfo(dtype).min, np.iinfo(dtype).max + 1, (2, 28, 31)).astype(dtype)
    axes = Window.of(2, **window).plan(x.shape[1:])
    expected = brute(x, axes, partial(np.percentile, q=(50, 0, 37.5, 100)))
    for mode, values in zip(("median", "percentile:0", "percentile:37.5", "percentile:100"), expected, strict=True):
        np.testing.assert_allclose(poolcli.pool(x, mode, ndim=2, **window), values, rtol=1e-12)


@pytest.mark.slow
@in_turn("size", [3, 8])
@in_turn("options", [{}, {"stride": 2, "padding": 1}, {"dilation": 2, "padding": (1, 3)}])
@in_turn("make", [
    lambda rng: rng.integers(-128, 128, (2, 33, 40)).astype(np.int8),
    lambda rng: rng.integers(0, 3, (2, 33, 40)) - 2**62,
    lambda rng: rng.integers(0, 3, (2, 33, 40)).astype(np.float32) * np.float32(-0.5),
    lambda rng: rng.integers(0, 2, (100, 80)).astype(np.uint8),
    lambda rng: rng.integers(0, 9, (20, 500)).astype(np.uint16),
    lambda rng: rng.standard_normal((30, 30)),
])  # fmt: skip
def test_majorities_of_counts_are_those_of_windows_laid_out(
    make: Any, size: Any, options: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    x, options = make(np.random.default_rng(11)), {"stride": 1, **options}
    monkeypatch.setattr("poolcli.kernels.counting.SHARED_BYTES", 0)
    monkeypatch.setenv("POOLCLI_THREADS", "3")
    counted = poolcli.pool(x, "majority", size, ndim=2, **options)
    monkeypatch.setattr("poolcli.kernels.counting.LEVEL_TILE_CELLS", 0)
    laid_out = poolcli.pool(x, "majority", size, ndim=2, **options)
    np.testing.assert_array_equal(counted, laid_out)
    np.testing.assert_array_equal(np.signbit(counted), np.signbit(laid_out))


def test_majorities_beside_missing_values() -> None:
    x = np.random.default_rng(12).integers(0, 3, (300, 300)).astype(np.float64)
    x[7, 9] = np.nan
    whole = poolcli.pool(x, "majority", 5, stride=1, nan="ignore")
    assert np.isnan(poolcli.pool(x, "majority", 5, stride=1)).sum() == 25
    np.testing.assert_array_equal(whole[:4, 100:], poolcli.pool(x[:8, 100:], "majority", 5, stride=1))


def test_axis_of_one_long_row() -> None:
    axis = Axis(10**8, range(10**8 - 2), range(3, 10**8 + 1))
    assert axis.band(5, 10)[:2] == (5, 12)

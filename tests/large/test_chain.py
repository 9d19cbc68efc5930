"""Block by block gives the same bits as all at once, in bounded memory, and a target appears whole or not at all."""

from __future__ import annotations

import errno
import json
import math
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from numpy.typing import NDArray

from poolcli.cli.large import LARGE
from poolcli.errors import CompatError, FileError, PoolcliError, ShapeError
from poolcli.featuremap import FeatureMap
from poolcli.formats import read
from poolcli.formats.options import ReadOptions
from poolcli.kernels.fold import steady
from poolcli.large.chain import (
    BLOCK_BYTES,
    Chain,
    NotInBlocksError,
    along_chunks,
    boxes,
    cells_in,
    in_order,
)
from poolcli.large.sources import NpySource, RowSource, source_of
from poolcli.pooling.modes import MODES
from poolcli.steps.recipe import load_recipe
from poolcli.steps.steps import ConvStep, NormalizeStep, PoolStep, ReluStep, Step, apply
from poolcli.system.files import open_source
from poolcli.window import FILLS, Window
from tests.support.drawn import by, it
from tests.support.extras import needs
from tests.support.large import constant, interrupted
from tests.support.process import Result, Run, clean_environment, command, execute
from tests.support.rows import in_turn

Array = NDArray[Any]
LAYOUTS = {1: "L", 2: "HW", 3: "DHW"}


def at_once(steps: list[Step], x: Array, layout: str) -> Array:
    return apply(FeatureMap(x, layout), steps).values


def in_parts(steps: list[Step], x: Array, ndim: int, lengths: tuple[int, ...]) -> Array:
    chain = Chain.of(steps, x.shape, ndim, x.dtype)
    out = np.empty(chain.shape, chain.result)

    def cells(box: Any) -> Array:
        return x[tuple(slice(*part) for part in box)]

    for box in boxes(chain.shape, lengths):
        out[tuple(slice(*part) for part in box)] = chain.compute(box, cells)
    return out


def same_bits(one: Array, other: Array) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


# The same bits

WINDOWS: Mapping[str, tuple[Any, dict[str, Any]]] = {
    "3x3": (3, {}),
    "overlap": (5, {"stride": 2, "padding": ((2, 1), (0, 2))}),
    "every cell": (7, {"stride": 1, "padding": "same"}),
    "ceil": (3, {"stride": 2, "padding": 1, "ceil_mode": True, "count_include_pad": True}),
    "dilated": ((2, 3), {"stride": 1, "dilation": 3, "padding": "same-lower"}),
    "adaptive": (None, {"output_size": (7, 11)}),
    "fractional": (2, {"output_size": (9, 13), "fractional": True, "seed": 3}),
    "global": (None, {"global_window": True}),
    **{f"{fill}": (4, {"stride": 3, "padding": 3, "pad_fill": fill}) for fill in (*FILLS, -2)},
}
NAMES = [f"{mode.name}:{mode.parameter.example:g}" if mode.parameter else mode.name for mode in MODES.values()
         if not mode.random]  # fmt: skip


@pytest.mark.slow
@in_turn("window", WINDOWS)
@in_turn("mode", NAMES)
def test_every_mode_and_window_gives_the_same_bits(mode: str, window: Any) -> None:
    size, made_of = WINDOWS[window]
    options: Any = made_of
    dtype = ("f4", "u1")[(NAMES.index(mode) + list(WINDOWS).index(window)) % 2]  # each mode and window meets both
    x = (np.random.default_rng(0).normal(size=(2, 47, 53)) * 50 + 100).clip(0, 255).astype(dtype)
    steps: list[Step] = [PoolStep(mode, size, options)]
    assert same_bits(in_parts(steps, x, 2, (1, 20, 17)), at_once(steps, x, "CHW"))


AS_RUNTIMES: tuple[tuple[str, str, Any, str], ...] = (  # mode, size and options, type of the cells
    ("max", "litert", (3, {"stride": 2, "padding": "same"}), "f4"),
    ("avg", "litert", (2, {}), "i1"),
    ("avg", "openvino", (3, {"stride": 2, "padding": 1, "count_include_pad": True}), "f4"),
    ("avg", "openvino:ceil_torch", (2, {"stride": 3, "padding": (1, 0), "count_include_pad": True}), "f4"),
    ("avg", "openvino:ceil_torch", (2, {"stride": 3, "count_include_pad": True}), "f4"),
    ("max", "openvino", (2, {"stride": 1, "padding": 4}), "f4"),
    ("max", "paddle", (1, {"stride": 3, "ceil_mode": True}), "f8"),
    ("avg", "paddle", (3, {"stride": 2, "padding": ((0, 2), (2, 0)), "count_include_pad": True}), "f4"),
    ("avg", "paddle", (3, {"stride": 2, "padding": 1, "divisor_override": 5}), "f4"),
    ("avg", "flax", (3, {"stride": 2, "padding": 4}), "f4"),
    ("avg", "flax", (3, {"stride": 2, "padding": "same"}), "u1"),
    ("avg", "caffe", (3, {"stride": 2, "padding": 1}), "f4"),
)


@pytest.mark.parametrize(("mode", "compat", "window", "dtype"), AS_RUNTIMES)
def test_what_runtimes_do_gives_the_same_bits(mode: str, compat: str, window: Any, dtype: str) -> None:
    size, options = window
    x = np.random.default_rng(2).integers(-100, 100, (2, 32, 37)).astype(dtype)
    if dtype.startswith("f"):
        x[0, 3:9, 3:9] = -np.inf
    steps: list[Step] = [PoolStep(mode, size, options | {"compat": compat})]
    assert same_bits(in_parts(steps, x, 2, (1, 7, 5)), at_once(steps, x, "CHW"))


def test_a_nan_without_a_promise_and_a_window_too_large_are_told_in_blocks() -> None:
    x = np.ones((9, 9), np.float32)
    x[5, 5] = np.nan
    with pytest.raises(CompatError, match="LiteRT guarantees nothing for NaN"):
        in_parts([PoolStep("max", 2, {"compat": "litert"})], x, 2, (2, 2))
    with pytest.raises(NotInBlocksError, match="larger than the input 9x9 gives no value"):
        Chain.of([PoolStep("max", 10, {"compat": "flax"})], x.shape, 2, x.dtype)


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i2", "i8", "?"])
@pytest.mark.parametrize("nan", ["propagate", "ignore"])
def test_every_type_with_nan_and_steps_before_gives_the_same_bits(dtype: str, nan: str) -> None:
    x: Array = np.random.default_rng(1).normal(size=(40, 50))
    x = (x > 0) if dtype == "?" else (x * 20).astype(dtype)
    if x.dtype.kind == "f":
        x[::7, ::5] = np.nan
    kernel = np.array([[1, 0.5], [-1, 2]]).tolist()
    steps: list[Step] = [
        ConvStep(kernel, padding=1, stride=2, bias=1.5), ReluStep(), PoolStep("avg", 3, {"stride": 1, "nan": nan}),
        PoolStep("std", 2, {"padding": 1, "pad_fill": "reflect", "nan": nan}),
    ]  # fmt: skip
    assert same_bits(in_parts(steps, x, 2, (2, 3)), at_once(steps, x, "HW"))


def test_wide_rows_that_share_their_sums_give_the_same_bits() -> None:
    x = np.random.default_rng(2).normal(size=(90, 900)).astype("f4")
    for size in (3, 5, 6, 31):
        steps: list[Step] = [PoolStep("avg", size, {"stride": 1, "padding": "same"})]
        assert same_bits(in_parts(steps, x, 2, (7, 130)), at_once(steps, x, "HW")), size


@pytest.mark.parametrize("cells", [13.5, 14.2, 14.9, 15.3])
def test_adaptive_windows_of_two_sizes_give_the_same_bits(cells: float) -> None:
    x = np.random.default_rng(0).normal(size=(int(33 * cells), 40)).astype("f4")
    for mode in ("avg", "std"):
        steps: list[Step] = [PoolStep(mode, None, {"output_size": (33, 9)})]
        assert same_bits(in_parts(steps, x, 2, (4, 5)), at_once(steps, x, "HW"))


@pytest.mark.slow
@settings(max_examples=60)
@given(by(it))
def test_any_steps_cut_anyhow_give_the_same_bits(draw: Random) -> None:
    ndim = draw.randint(1, 3)
    shape = draw.randint(1, 3), *(draw.randint(1, (200, 30, 10)[ndim - 1]) for _ in range(ndim))
    x = np.random.default_rng(draw.randint(0, 9)).normal(size=shape).astype(draw.choice(["f4", "f8", "i4"]))
    paddings: list[Any] = ["valid", "same", 1, ((2, 1),) * ndim]
    fills: list[Any] = ["ignore", *FILLS, 0.5]
    steps: list[Step] = [
        PoolStep(draw.choice(NAMES), draw.randint(1, 5), {
            "stride": draw.randint(1, 3), "padding": draw.choice(paddings), "ceil_mode": draw.random() < 0.5,
            "dilation": draw.randint(1, 2), "pad_fill": draw.choice(fills),
        })
        for _ in range(draw.randint(1, 2))
    ]  # fmt: skip
    layout = "C" + LAYOUTS[ndim]
    try:
        whole = at_once(steps, x, layout)
    except PoolcliError as problem:
        with pytest.raises(type(problem)):
            in_parts(steps, x, ndim, (1,) * (ndim + 1))
        return
    cut = tuple(draw.randint(max(-(-length // 6), 1), max(length, 1)) for length in whole.shape)
    assert same_bits(in_parts(steps, x, ndim, cut), whole)


def test_blocks_are_widened_as_little_as_the_kernels_ask() -> None:
    axes = Window.of(2, size=2, stride=2).plan((1000, 1000))
    assert steady(axes, ((10, 20), (30, 40))) == ((10, 20), (30, 40))
    assert steady(axes, ((10, 11), (499, 500))) == ((10, 12), (498, 500))
    assert steady(axes, ((499, 500), (0, 500))) == ((498, 500), (0, 500))


# What cannot be done in blocks


@pytest.mark.parametrize(
    "step", [NormalizeStep(), PoolStep("max", 2, indices=True), PoolStep("stochastic", 2, {"seed": 1})]
)
def test_steps_that_need_everything_at_once_say_so(step: Step) -> None:
    with pytest.raises(NotInBlocksError):
        Chain.of([step], (8, 8), 2, np.dtype("f4"))


def test_a_step_that_does_not_fit_names_its_stage() -> None:
    with pytest.raises(ShapeError, match=r"step 3 \(pool\): window 9x9"):
        Chain.of([ReluStep(), PoolStep(), PoolStep(size=9)], (16, 16), 2, np.dtype("f4"))


# Cutting


def test_blocks_follow_the_chunks_of_the_input() -> None:
    chain = Chain.of([PoolStep(size=2)], (3, 100_000, 100_000), 2, np.dtype("f4"))
    assert along_chunks(chain, (1, 4096, 4096)) == (1, 2048, 2048)
    rows, columns = along_chunks(chain, (1, 100, 100))[1:]
    assert cells_in(chain.needs(((0, 1), (0, rows), (0, columns)))) * 4 <= BLOCK_BYTES
    assert (rows % 50, columns % 50) == (0, 0)


def test_bands_are_cut_along_the_first_axes_of_the_file() -> None:
    chain = Chain.of([PoolStep(size=2)], (3, 100_000, 10_000), 2, np.dtype("f4"))
    assert in_order(chain, (0, 1, 2))[2] == 5000
    assert in_order(chain, (0, 1, 2))[0] == 1
    channels_last = in_order(chain, (1, 2, 0))
    assert channels_last[0] == 3
    assert channels_last[1] < 1000


HUGE = 10**8


@pytest.mark.parametrize(
    ("shape", "ndim", "step", "most"),
    [
        ((1, HUGE), 2, PoolStep(size=(1, 2)), 30),
        ((HUGE, 1), 2, PoolStep(size=(2, 1)), 30),
        ((HUGE,), 1, PoolStep(size=(3,)), 30),
        ((1, HUGE), 2, PoolStep(size=(1, 3), options={"stride": (1, 1000)}), 20),
        ((HUGE, 1), 2, PoolStep(size=(3, 1), options={"stride": (1000, 1)}), 20),
        ((100_000, 1000), 2, PoolStep("avg", (100_000, 2)), 30),  # as tall as the input: cut along its rows
        ((100_000, 1000), 2, PoolStep(size=2, options={"stride": 5000}), 20),
        ((1, 1, 1, 4096, 4096), 2, PoolStep(), 5),
        ((10**6, 10, 10), 2, PoolStep(), 20),
        ((0, 4096, 4096), 2, PoolStep(), 0),
    ],
    ids=str,
)
def test_extreme_shapes_are_cut_into_few_blocks_of_bounded_size(
    shape: tuple[int, ...], ndim: int, step: PoolStep, most: int
) -> None:
    chain = Chain.of([step], shape, ndim, np.dtype("f4"))
    lengths = in_order(chain, range(len(shape)))
    blocks = list(boxes(chain.shape, lengths))
    assert len(blocks) <= most
    assert all(cells_in(chain.needs(box)) * 4 <= BLOCK_BYTES for box in blocks)
    assert sum(map(cells_in, blocks)) == math.prod(chain.shape)


# Files


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("dtype", ["<f4", ">i2", "?"])
def test_a_part_of_an_npy_file_is_read(tmp_path: Path, order: Any, dtype: str) -> None:
    x = np.array(np.random.default_rng(0).normal(size=(4, 9, 8, 3)) * 5, order=order).astype(dtype)
    np.save(tmp_path / "x.npy", x)
    source = NpySource(str(tmp_path / "x.npy"), "NHWC")
    whole = read(tmp_path / "x.npy", layout="NHWC").values
    part = source.read(((1, 3), (0, 2), (4, 9), (0, 7)))
    assert part.dtype == whole.dtype
    assert np.array_equal(part, whole[1:3, 0:2, 4:9, 0:7])


def test_missing_values_are_looked_for_in_whole_arrays(
    tmp_path: Path, call: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is read in parts never takes a value that stands for a missing one for a number."""
    monkeypatch.setattr("poolcli.cli.large.LARGE", 0)
    np.save(tmp_path / "in.npy", np.array([[1.0, -9999.0], [3.0, 4.0]]))
    words = ("pool", "--size", "1", "--missing", "-9999")
    result = call(*words, "-o", "out.npy", "in.npy", cwd=tmp_path)
    assert (result.code, np.isnan(np.load(tmp_path / "out.npy")).tolist()) == (0, [[False, True], [False, False]])
    refused = call(*words, "-o", "out.zarr", "in.npy", cwd=tmp_path)
    assert (refused.code, refused.err.splitlines()[0]) == (2, "error: --missing is not for Zarr arrays")


def test_rows_of_text_are_read_forward_and_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("poolcli.formats.delimited.BAND_BYTES", 500)
    path = tmp_path / "x.csv"
    x = np.arange(600.0).reshape(200, 3) / 7
    np.savetxt(path, x, delimiter=",", fmt="%.17g")
    source = source_of(str(path), ReadOptions())
    assert isinstance(source, RowSource)
    for low, high in ((0, 5), (3, 90), (90, 200), (199, 200), (0, 1), (7, 7)):
        assert np.array_equal(source.read(((low, high), (1, 3))), x[low:high, 1:])


@pytest.mark.parametrize("order", ["C", "F"])
def test_a_file_that_another_program_shortens_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, order: Any
) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.array(np.arange(120.0).reshape(4, 5, 6), order=order))
    source = NpySource(str(path))
    source.read(((0, 4), (0, 5), (0, 6)))

    def shortened(name: str) -> Any:
        os.truncate(name, 700)
        return open_source(name)

    monkeypatch.setattr("poolcli.large.sources.open_source", shortened)
    with pytest.raises(FileError, match="changed while it was read"):
        source.read(((1, 4), (1, 4), (2, 6)))


def test_text_that_is_shortened_in_its_last_number_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("1,2\n3,4\n5,678\n")
    source = source_of(str(path), ReadOptions())
    assert isinstance(source, RowSource)
    os.truncate(path, path.stat().st_size - 2)
    with pytest.raises(FileError, match="changed while it was read"):
        source.read(((0, 3), (0, 2)))


def test_what_cannot_be_read_in_parts(tmp_path: Path) -> None:
    for name, data in {"utf16.csv": "1,2".encode("utf-16"), "x.json": b"[[1]]"}.items():
        (tmp_path / name).write_bytes(data)
        assert source_of(str(tmp_path / name), ReadOptions()) is None
    assert source_of("-", ReadOptions()) is None
    assert source_of(str(tmp_path / "missing.csv"), ReadOptions()) is None


def limited(kibibytes: int, *words: str | Path, cwd: Path) -> Result:
    """Run poolcli in so much address space."""
    line = f'ulimit -v {kibibytes} && exec "$@"'
    # glibc reserves 64 MiB of addresses, not of memory, for each thread
    return execute(["bash", "-c", line, "bash", command(), *words], cwd=cwd, env={"MALLOC_ARENA_MAX": "2"})


LIMIT = 560 << 10  # KiB
SIDE = 24576  # of a square of float32: 2.25 GiB, more than four times the limit


def sparse_npy(path: Path, shape: tuple[int, ...]) -> dict[int, Array]:
    """Make an array of zeros that takes no disk, with some rows of numbers in it."""
    array = np.lib.format.open_memmap(path, "w+", np.float32, shape)
    rng = np.random.default_rng(0)
    some = {row: rng.normal(size=(4, shape[1])).astype("f4") for row in (0, 12_000, shape[0] - 4)}
    for row, numbers in some.items():
        array[row : row + 4] = numbers
    array.flush()
    return some


@pytest.mark.slow
def test_an_npy_file_four_times_the_memory_is_pooled(tmp_path: Path) -> None:
    some = sparse_npy(tmp_path / "big.npy", (SIDE, SIDE))
    words = ("pool", "big.npy", "-o", "out.npy", "--mode", "avg", "--size", "4", "--padding", "0")
    result = limited(LIMIT, *words, cwd=tmp_path)
    assert result.code == 0, result.err
    out = np.load(tmp_path / "out.npy", mmap_mode="r")
    assert out.shape == (SIDE // 4, SIDE // 4)
    for row, numbers in some.items():
        assert np.array_equal(out[row // 4], at_once([PoolStep("avg", 4)], numbers, "HW")[0])
    assert not out[100:2900].any()
    whole = limited(LIMIT, "pool", "big.npy", "-o", "out.json", "--size", "4", cwd=tmp_path)
    assert whole.code == 1, "without blocks it has to fail, or this test shows nothing"


@pytest.mark.slow
@pytest.mark.parametrize(
    ("shape", "size"), [((1, HUGE), (1, 2)), ((HUGE, 1), (2, 1)), ((1, 1, 10_000, 10_000), (10_000, 3))]
)
def test_extreme_files_are_pooled(tmp_path: Path, shape: tuple[int, ...], size: tuple[int, int]) -> None:
    array = np.lib.format.open_memmap(tmp_path / "in.npy", "w+", np.uint8, shape)
    rng = np.random.default_rng(0)
    some, values = np.unique(rng.integers(0, HUGE, 50)), rng.integers(1, 256, 50).astype(np.uint8)
    array.reshape(-1)[some] = values[: len(some)]
    array.flush()
    words = ("pool", "in.npy", "-o", "out.npy", "--size", "x".join(map(str, size)))
    result = limited(LIMIT, *words, cwd=tmp_path)
    assert result.code == 0, result.err
    out = np.load(tmp_path / "out.npy", mmap_mode="r")
    assert out.shape == (*shape[:-2], shape[-2] // size[0], shape[-1] // size[1])
    want = np.zeros((out.shape[-2] + 1, out.shape[-1] + 1), np.uint8)  # and what no whole window looks at
    rows, columns = np.divmod(some, shape[-1])
    np.maximum.at(want, (rows // size[0], columns // size[1]), values[: len(some)])
    assert want[:-1, :-1].any()
    assert np.array_equal(out.reshape(out.shape[-2:]), want[:-1, :-1])


def test_rows_longer_than_a_block_become_text_as_a_whole(call: Run, tmp_path: Path) -> None:
    np.lib.format.open_memmap(tmp_path / "in.npy", "w+", np.uint8, (2, HUGE // 2))[:, 0] = 1, 2
    words = ("pool", "in.npy", "-o", "out.csv", "--size", "1x5", "--stride", "1x40000000")
    result = call(*words, cwd=tmp_path)
    assert (result.code, (tmp_path / "out.csv").read_text()) == (0, "1,0\n2,0\n")


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_the_share_that_is_done_is_told_on_a_terminal(programs: Path, tmp_path: Path) -> None:
    np.lib.format.open_memmap(tmp_path / "in.npy", "w+", np.uint8, (10_000, 10_000)).flush()
    words = (programs / "poolcli", "pool", "in.npy", "-o", "out.npy")
    drawn = on_terminal(*words, cwd=tmp_path)
    assert b"%" in drawn
    assert b"wrote out.npy (5000x5000 uint8)" in drawn
    assert on_terminal(*words, "-q", cwd=tmp_path) == b""


def on_terminal(*words: str | Path, cwd: Path) -> bytes:
    """What a terminal at standard error gets to show."""
    mine, theirs = os.openpty()
    environment = clean_environment({"TERM": "xterm", "COLUMNS": "100"})
    with subprocess.Popen(words, stderr=theirs, cwd=cwd, env=environment) as process:
        os.close(theirs)
        drawn = b""
        with suppress(OSError):  # how Linux says that the other end is closed
            while chunk := os.read(mine, 1 << 16):
                drawn += chunk
        os.close(mine)
        assert process.wait(60) == 0
    return drawn


@pytest.mark.slow
def test_a_large_text_is_pooled_in_bands_as_it_is_whole(tmp_path: Path) -> None:
    rows = [",".join(f"{(row * 37 + column * 11) % 1009}" for column in range(50)) for row in range(997)]
    text = "\n".join(rows) + "\n"
    (tmp_path / "big.csv").write_text(text * 352)
    assert (tmp_path / "big.csv").stat().st_size > LARGE
    words = ("pool", "big.csv", "--size", "3", "--stride", "2", "--padding", "1", "-v", "-o")
    result = limited(LIMIT, *words, "out.csv", cwd=tmp_path)
    assert result.code == 0, result.err
    notes = ("delimiter ,", "no header", "dtype int64", "shape 350944x50, read in blocks")
    assert {f"big.csv: {note}" for note in notes} <= set(result.err.splitlines())
    repeated = np.tile(np.array([[int(cell) for cell in row.split(",")] for row in rows]), (352, 1))
    want = at_once([PoolStep("max", 3, {"stride": 2, "padding": 1})], repeated, "HW")
    got = read(tmp_path / "out.csv")
    assert same_bits(got.values, want)


# Zarr


@pytest.fixture(scope="module")
def zarr() -> Any:
    needs("zarr", "dask", extra="zarr")
    import zarr as package

    return package


def made(zarr: Any, path: Path, x: Array, chunks: tuple[int, ...], **more: Any) -> Path:
    zarr.create_array(str(path), shape=x.shape, chunks=chunks, dtype=x.dtype, **more)[:] = x
    return path


X = np.random.default_rng(5).normal(size=(2, 3, 70, 90)).astype("f4")


@pytest.mark.parametrize(
    ("options", "step"),
    [
        (("-m", "avg", "-k", "5", "-s", "1", "-p", "same"), PoolStep("avg", 5, {"stride": 1, "padding": "same"})),
        (("-k", "3x2", "--ceil-mode", "--threads", "1"), PoolStep("max", (3, 2), {"ceil_mode": True})),
    ],
)
def test_a_zarr_array_is_pooled_as_in_memory(
    run: Run, zarr: Any, tmp_path: Path, options: tuple[str, ...], step: PoolStep
) -> None:
    made(zarr, tmp_path / "in.zarr", X, (1, 2, 20, 32))
    result = run("pool", "in.zarr", "-o", "out.zarr", "-v", *options, cwd=tmp_path)
    assert result.code == 0, result.err
    assert "in.zarr: layout NCHW (by the number of axes)" in result.err.splitlines()
    want = at_once([step], X, "NCHW")
    out = zarr.open_array(str(tmp_path / "out.zarr"), mode="r")
    assert same_bits(np.asarray(out[:]), want)
    assert f"wrote out.zarr ({'x'.join(map(str, want.shape))} float32)" in result.err
    record = dict(out.attrs)["poolcli"]
    assert (record["layout"], record["steps"][0]["mode"]) == ("NCHW", step.mode)
    assert sorted(os.listdir(tmp_path)) == ["in.zarr", "out.zarr"]


def test_the_name_of_a_zarr_array_may_be_as_long_as_any(call: Run, zarr: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "in.npy", np.arange(16.0).reshape(4, 4))
    name = "x" * 235 + ".zarr"
    for _ in range(2):  # the second one replaces the first
        result = call("pool", "in.npy", "-o", name, cwd=tmp_path)
        assert result.code == 0, result.err
    assert np.asarray(zarr.open_array(str(tmp_path / name), mode="r")[:]).tolist() == [[5, 7], [13, 15]]
    assert sorted(os.listdir(tmp_path)) == ["in.npy", name]


def test_a_stack_runs_on_a_zarr_array_block_by_block(call: Run, zarr: Any, tmp_path: Path) -> None:
    made(zarr, tmp_path / "in.zarr", X, (1, 2, 20, 32))
    stack = ("conv", "--filter", "box", "then", "relu", "then", "pool", "--size", "3", "then", "pool", "-m", "min")
    result = call("run", "in.zarr", "-o", "out.zarr", "--save-steps", "recipe.json", *stack, cwd=tmp_path)
    assert result.code == 0, result.err
    assert [row[0] for row in result.cells()[1:]] == ["input", "conv", "relu", "pool", "pool"]
    steps = load_recipe(tmp_path / "recipe.json")
    assert [step.name for step in steps] == ["conv", "relu", "pool", "pool"]
    want = apply(FeatureMap(X, "NCHW"), steps).values
    assert same_bits(np.asarray(zarr.open_array(str(tmp_path / "out.zarr"), mode="r")[:]), want)
    again = call("run", "in.zarr", "-o", "again.zarr", "--steps", "recipe.json", "--set", "4.mode=max", cwd=tmp_path)
    assert again.code == 0, again.err
    large = call("run", "in.zarr", "-o", "none.zarr", "relu", "then", "pool", "--size", "99", cwd=tmp_path)
    assert (large.code, "step 2 (pool)" in large.err) == (1, True)
    whole = call("run", "in.zarr", "-o", "none.zarr", "relu", "then", "normalize", cwd=tmp_path)
    assert (whole.code, "step 2 (normalize): normalize needs the entire input at once" in whole.err) == (2, True)
    assert not (tmp_path / "none.zarr").exists()


def test_layouts_formats_and_steps_before_ride_along(call: Run, zarr: Any, tmp_path: Path) -> None:
    last = np.ascontiguousarray(X.transpose(0, 2, 3, 1))
    made(zarr, tmp_path / "in.zarr", last, (1, 33, 40, 1), zarr_format=2)
    words = ("pool", "in.zarr", "--layout", "NHWC", "--filter", "gaussian", "--relu", "-m", "avg", "-k", "3")
    assert call(*words, "-o", "one.zarr", cwd=tmp_path).code == 0
    assert call("pool", "one.zarr", "-o", "two.npy", cwd=tmp_path).code == 0
    gaussian = call("conv", "--filter", "gaussian", "--json", stdin="[[0,0,0],[0,1,0],[0,0,0]]")
    assert gaussian.code == 0
    from poolcli.pooling.filters import FILTERS

    steps: list[Step] = [ConvStep(FILTERS["gaussian"].kernel.tolist()), ReluStep(), PoolStep("avg", 3), PoolStep()]
    want = at_once(steps, X, "NCHW").transpose(0, 2, 3, 1)
    assert same_bits(np.load(tmp_path / "two.npy"), np.ascontiguousarray(want))
    assert zarr.open_array(str(tmp_path / "one.zarr"), mode="r").metadata.zarr_format == 3
    call("pool", "one.zarr", "-o", "three.zarr", cwd=tmp_path)
    story = zarr.open_array(str(tmp_path / "three.zarr"), mode="r").attrs["poolcli"]
    assert [step["step"] for step in story["steps"]] == ["conv", "relu", "pool", "pool"]
    assert story["layout"] == "NHWC"


def test_an_npy_file_becomes_a_zarr_array(call: Run, zarr: Any, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    assert call("pool", "x.npy", "-o", "out.zarr", cwd=tmp_path).code == 0
    out = np.asarray(zarr.open_array(str(tmp_path / "out.zarr"), mode="r")[:])
    assert same_bits(out, at_once([PoolStep()], X, "NCHW"))


def test_an_array_that_the_system_does_not_open_is_not_called_something_else(
    call: Run, zarr: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **more: Any) -> Any:
        raise OSError(errno.EMFILE, "Too many open files")

    made(zarr, tmp_path / "in.zarr", X, (1, 1, 35, 45))
    monkeypatch.setattr(zarr, "open", refuse)
    result = call("pool", "in.zarr", "-o", "out.zarr", cwd=tmp_path)
    assert (result.code, result.err.splitlines()[0]) == (1, "error: cannot read in.zarr: too many files are open")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("none.zarr", "-o", "out.zarr"), 1, "cannot read none.zarr: no such folder"),
        (("group.zarr", "-o", "out.zarr"), 1, "group.zarr/one"),
        (("empty.zarr", "-o", "out.zarr"), 1, "is not a Zarr array"),
        (("complex.zarr", "-o", "out.zarr"), 1, "not numbers"),
        (("in.zarr",), 2, "add -o out.zarr"),
        (("in.zarr", "-o", "in.zarr"), 2, "is the input"),
        (("in.zarr", "-o", "out.png"), 2, "add -o out.zarr"),
        (("in.zarr", "-o", "mine.zarr"), 1, "is not a Zarr array"),
        (("in.zarr", "-o", "no/out.zarr"), 1, "does not exist"),
        (("in.zarr", "-o", "out.zarr", "--size", "99"), 1, "window 99x99 is larger"),
        (("in.zarr", "-o", "out.zarr", "--layout", "HW"), 1, "names 2 axes"),
        (("in.zarr", "-o", "out.zarr", "--indices"), 2, "drop --indices"),
        (("in.zarr", "-o", "out.zarr", "--nan", "error"), 1, "NaN, one at (50, 51) of a plane"),
        (("in.csv", "-o", "out.csv", "--scheduler", "tcp://localhost:1"), 2, "is for Zarr arrays"),
    ],
)
def test_what_cannot_be_done_leaves_nothing(
    call: Run, zarr: Any, tmp_path: Path, words: tuple[str, ...], code: int, said: str
) -> None:
    x = X.copy()
    x[1, 1, 50, 51] = np.nan
    made(zarr, tmp_path / "in.zarr", x, (1, 1, 35, 45))
    group = zarr.create_group(str(tmp_path / "group.zarr"))
    group.create_array("one", shape=(2, 2), dtype="f4")
    made(zarr, tmp_path / "complex.zarr", np.ones((4, 4), complex), (2, 2))
    for name in ("empty.zarr", "mine.zarr"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine.zarr" / "diary.txt").write_text("mine")
    (tmp_path / "in.csv").write_text("1,2\n3,4\n")
    before = sorted(tmp_path.rglob("*"))
    result = call("pool", *words, cwd=tmp_path)
    assert (result.code, said in result.err) == (code, True), result.err
    assert sorted(tmp_path.rglob("*")) == before


def test_an_older_result_is_replaced_whole(call: Run, zarr: Any, tmp_path: Path) -> None:
    made(zarr, tmp_path / "in.zarr", X, (1, 1, 35, 45))
    for size in (2, 3):
        assert call("pool", "in.zarr", "-o", "out.zarr", "--size", str(size), cwd=tmp_path).code == 0
    out = zarr.open_array(str(tmp_path / "out.zarr"), mode="r")
    assert same_bits(np.asarray(out[:]), at_once([PoolStep(size=3)], X, "NCHW"))


@pytest.mark.slow
def test_a_zarr_array_four_times_the_memory_is_pooled(zarr: Any, tmp_path: Path) -> None:
    chunk = 1024
    array = zarr.create_array(str(tmp_path / "big.zarr"), shape=(SIDE, SIDE), chunks=(chunk, chunk), dtype="f4")
    rng = np.random.default_rng(0)
    some = {}
    for row, column in ((0, 0), (5, 7), (11, 23), (23, 23)):
        block = rng.normal(size=(chunk, chunk)).astype("f4")
        array[row * chunk : (row + 1) * chunk, column * chunk : (column + 1) * chunk] = block
        some[row, column] = block
    assert array.nbytes >= 4 * LIMIT * 1024
    words = ("pool", "big.zarr", "-o", "out.zarr", "--mode", "avg", "--size", "4")
    result = limited(LIMIT, *words, cwd=tmp_path)
    assert result.code == 0, result.err
    out = zarr.open_array(str(tmp_path / "out.zarr"), mode="r")
    assert out.shape == (SIDE // 4, SIDE // 4)
    small = chunk // 4
    for (row, column), block in some.items():
        got = out[row * small : (row + 1) * small, column * small : (column + 1) * small]
        assert same_bits(np.asarray(got), at_once([PoolStep("avg", 4)], block, "HW"))
    assert not np.asarray(out[: small // 2, small : 5 * small]).any()


@pytest.fixture(scope="module")
def wide(zarr: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An array of an eighth of a GiB, eight blocks: more than are worked on at once."""
    path = tmp_path_factory.mktemp("wide") / "in.zarr"
    x = np.random.default_rng(0).integers(0, 9, (1024, 16384), np.uint8).astype("f4")
    made(zarr, path, np.tile(x, (2, 1)), (1024, 1024))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("mebibytes", [240, 480, 540])
def test_too_little_memory_for_a_zarr_array_is_told_in_two_lines(wide: Path, tmp_path: Path, mebibytes: int) -> None:
    (tmp_path / "in.zarr").symlink_to(wide)
    result = limited(mebibytes << 10, "pool", "in.zarr", "-o", "out.zarr", "-m", "avg", cwd=tmp_path)
    told = [line.split(":")[0] for line in result.err.splitlines()]
    assert (result.code, told) in ((1, ["error", "hint"]), (0, ["wrote out.zarr (1024x8192 float32)"])), result.err
    assert not list(tmp_path.glob(".poolcli-*"))


def test_a_disk_that_takes_no_more_is_told_of_the_zarr_array(zarr: Any, tmp_path: Path) -> None:
    made(zarr, tmp_path / "in.zarr", X, (1, 1, 70, 90))
    line = 'ulimit -f 2 && exec "$@"'
    result = execute(
        ["bash", "-c", line, "bash", command(), "pool", "in.zarr", "-o", "out.zarr", "-k", "1"], cwd=tmp_path
    )
    assert result.code == 1
    assert result.err.startswith("error: cannot write out.zarr: the file would be too large\nhint: ")
    assert os.listdir(tmp_path) == ["in.zarr"]


def test_a_damaged_chunk_is_told(call: Run, zarr: Any, tmp_path: Path) -> None:
    made(zarr, tmp_path / "in.zarr", X, (1, 1, 70, 90))
    (tmp_path / "in.zarr" / "c" / "0" / "1" / "0" / "0").write_bytes(b"damaged")
    result = call("pool", "in.zarr", "-o", "out.zarr", cwd=tmp_path)
    assert (result.code, result.err.count("\n")) == (1, 2), result.err
    assert result.err.startswith("error: cannot read in.zarr: ")
    assert os.listdir(tmp_path) == ["in.zarr"]


def test_an_array_that_was_replaced_is_opened_again(zarr: Any, tmp_path: Path) -> None:
    """A worker of a cluster lives longer than one run."""
    from poolcli.large.zarr_arrays import ZarrSource

    for x, chunk in ((X, 35), (X[:, :, ::2] + 1, 10)):
        shutil.rmtree(tmp_path / "in.zarr", ignore_errors=True)
        made(zarr, tmp_path / "in.zarr", x, (1, 1, chunk, 45))
        source = ZarrSource(str(tmp_path / "in.zarr"))
        assert same_bits(source.read(tuple((0, length) for length in x.shape)), x)


def test_a_signal_never_comes_in_the_midst_of_what_zarr_does(
    zarr: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its event loop would leave coroutines behind, or take the signal for damage."""
    from poolcli.large.zarr_arrays import ZarrSource

    made(zarr, tmp_path / "in.zarr", X, (1, 1, 70, 90))
    opened, ended = zarr.open, []

    def interrupting(*given: Any, **named: Any) -> Any:
        os.kill(os.getpid(), signal.SIGINT)
        array = opened(*given, **named)
        ended.append(array)
        return array

    monkeypatch.setattr(zarr, "open", interrupting)
    with pytest.raises(KeyboardInterrupt):
        ZarrSource(str(tmp_path / "in.zarr"))
    assert len(ended) == 1


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_run_leaves_no_folder(zarr: Any, tmp_path: Path, number: signal.Signals, code: int) -> None:
    constant(zarr, tmp_path / "in.zarr")
    interrupted(tmp_path, number, code)


def test_without_the_extra_the_command_says_what_to_install(run: Run, tmp_path: Path) -> None:
    """The package is hidden, not removed: a module of the same name that cannot be imported stands before it."""
    shutil.copytree(Path(__file__).parent.parent / "golden", tmp_path / "in.zarr")
    (tmp_path / "hidden" / "zarr").mkdir(parents=True)
    (tmp_path / "hidden" / "zarr" / "__init__.py").write_text("raise ImportError")
    result = run("pool", "in.zarr", "-o", "out.zarr", cwd=tmp_path, env={"PYTHONPATH": str(tmp_path / "hidden")})
    assert (result.code, "poolcli[zarr]" in result.err) == (2, True), result.err
    assert json.dumps(sorted(os.listdir(tmp_path))) == '["hidden", "in.zarr"]'

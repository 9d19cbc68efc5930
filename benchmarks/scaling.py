"""How fast files and large arrays go through: ``python -m benchmarks.scaling --folder scaling``.

Every figure is that of the real command in a process of its own, start-up included. The result is the table of
``docs/scaling.md``, in Markdown.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cluster import cluster
from benchmarks.usage import usage, watched
from poolcli.system.limits import processors

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "sample_inputs" / "astronaut.jpg"
POOL = ("--mode", "avg", "--size", "4")


# Input


def picture(number: int, width: int, height: int) -> NDArray[np.uint8]:
    """Return a picture with detail at every scale, another one for every number."""
    from PIL import Image

    rng = np.random.default_rng(number)
    with Image.open(PICTURE) as photo:
        turned = photo.convert("RGB").rotate(number % 360).resize((width, height), Image.Resampling.BICUBIC)
    grain = rng.integers(-12, 13, (height, width, 1), np.int16)
    grained: NDArray[np.uint8] = (np.asarray(turned, np.int16) + grain).clip(0, 255).astype(np.uint8)
    return grained


def save_picture(path: Path, number: int, width: int, height: int) -> None:
    """Write one as a camera does."""
    from PIL import Image

    Image.fromarray(picture(number, width, height)).save(path, quality=85)


def make_pictures(folder: Path, count: int, width: int, height: int, workers: int = 2) -> list[Path]:
    """Write so many JPEG pictures, those that are not there yet."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = [folder / f"photo_{number:05}.jpg" for number in range(count)]
    with ProcessPoolExecutor(workers) as pool:
        made = [pool.submit(save_picture, path, number, width, height) for number, path in enumerate(paths)
                if not path.exists()]  # fmt: skip
        for one in made:
            one.result()
    return paths


def make_zarr(folder: Path, shape: Sequence[int], chunks: Sequence[int]) -> None:
    """Write a Zarr array of float32, chunk by chunk, of numbers that compress as measurements do."""
    import zarr

    array: Any = zarr.create_array(str(folder), shape=tuple(shape), chunks=tuple(chunks), dtype="f4")
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 1024, tuple(chunks)).astype("f4") / 1024
    for row in range(0, shape[-2], chunks[-2]):
        for column in range(0, shape[-1], chunks[-1]):
            here = (..., slice(row, row + chunks[-2]), slice(column, column + chunks[-1]))
            array[here] = noise + np.float32(row + column / 1000)


# Measuring


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    what: str
    files: int
    bytes_in: int
    bytes_out: int
    cpu: float
    seconds: float
    peak: int

    def __str__(self) -> str:
        rate = f"{self.files / self.seconds:.1f}" if self.files > 1 else ""
        return (
            f"| {self.what} | {self.seconds:.1f} | {self.cpu:.1f} | {rate} | "
            f"{self.bytes_in / 1e6 / self.seconds:.0f} | {self.bytes_out / 1e6 / self.seconds:.1f} | "
            f"{self.peak / 2**20:.0f} |"
        )


def timed(what: str, words: Sequence[str], files: int, size: Callable[[float], tuple[int, int, float]]) -> Row:
    """Run poolcli once; the peak is that of its first process, and so is the processor time given to `size`."""
    start = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "usage"
        subprocess.run(watched([sys.executable, "-m", "poolcli", *words], told), check=True, capture_output=True)
        used = usage(told)
    seconds = time.perf_counter() - start
    row = Row(what, files, *size(used.cpu), seconds=seconds, peak=used.peak)
    print(row, flush=True)
    return row


def batch(what: str, pictures: Path, out: Path, count: int, *more: str) -> Row:
    """Pool every picture of a folder."""
    shutil.rmtree(out, ignore_errors=True)
    report = out.with_suffix(".jsonl")

    def size(_: float) -> tuple[int, int, float]:
        lines = [json.loads(line) for line in report.read_text().splitlines()]
        if [line["status"] for line in lines] != ["done"] * count:
            raise RuntimeError(f"not all of {count} pictures were done: see {report}")
        total = {key: sum(line[key] for line in lines) for key in ("bytes_in", "bytes_out", "cpu")}
        return total["bytes_in"], total["bytes_out"], total["cpu"]

    words = ["batch", str(pictures), "-o", str(out), *POOL, "--report", str(report), "-q", *more]
    return timed(what, words, count, size)


def array(what: str, source: Path, target: Path, size_in: int, *more: str) -> Row:
    """Pool one large array."""
    shutil.rmtree(target, ignore_errors=True)
    words = ["pool", str(source), "-o", str(target), *POOL, "-q", *more]
    return timed(what, words, 1, lambda cpu: (size_in, size_in // 16, cpu))


def measure_files(folder: Path, count: int, width: int, height: int) -> None:
    """Measure pictures, locally and through Dask, and files so small that only the handing out costs time."""
    pictures, tiny, out = folder / "pictures", folder / "tiny", folder / "out"
    make_pictures(pictures, count, width, height)
    tiny.mkdir(exist_ok=True)
    for number in range(20 * count):
        np.save(tiny / f"{number:06}.npy", np.ones((4, 4)))
    for number in (1, 2):
        batch(f"pictures, {number} local", pictures, out, count, "-j", str(number))
    for number in (1, 2):
        logs = folder / f"dask{number}"
        logs.mkdir(exist_ok=True)
        (logs / "scheduler.json").unlink(missing_ok=True)
        with cluster(logs, number) as there:
            batch(f"pictures, {number} Dask", pictures, out, count, "--scheduler", there.address)
            if number == 2:
                dask = ("--scheduler", there.address)
                batch("pictures, 2 Dask, bytes sent", pictures, out, count, *dask, "--send-bytes")
                batch("tiny files, 2 Dask", tiny, out, 20 * count, *dask)
    batch("tiny files, 2 local", tiny, out, 20 * count, "-j", "2")


def measure_arrays(folder: Path, side: int) -> None:
    """Measure a square float32 array in Zarr, NPY and, a sixteenth of it, CSV."""
    size = 4 * side * side
    big = folder / "big.zarr"
    if not big.exists():
        make_zarr(big, (side, side), (1024, 1024))
    for number in (1, 2):
        array(f"Zarr, {number} threads", big, folder / "pooled.zarr", size, "--threads", str(number))
    npy = folder / "big.npy"
    if not npy.exists():
        import zarr

        target = np.lib.format.open_memmap(npy, "w+", np.float32, (side, side))
        opened: Any = zarr.open_array(str(big), mode="r")
        for row in range(0, side, 1024):
            target[row : row + 1024] = opened[row : row + 1024]
    array("NPY in bands", npy, folder / "pooled.npy", size)
    table = folder / "big.csv"
    if not table.exists():
        np.savetxt(table, np.load(npy, mmap_mode="r")[: side // 16], "%.4f", ",")
    array("CSV in bands", table, folder / "pooled.csv", table.stat().st_size)


def main() -> None:
    parser = argparse.ArgumentParser(description="measure files per second and bytes per second")
    parser.add_argument("--folder", type=Path, required=True, help="where to put some gigabytes")
    parser.add_argument("--count", type=int, default=100, help="pictures")
    parser.add_argument("--size", default="4032x3024", help="of a picture")
    parser.add_argument("--side", type=int, default=16384, help="of the square array; 0 for none")
    given = parser.parse_args()
    width, height = map(int, given.size.split("x"))
    print(f"{processors()} processors, Python {sys.version.split()[0]}, numpy {np.__version__}")
    print(f"{given.count} pictures of {given.size}, one array of {given.side}x{given.side} float32\n")
    print("| what | s | CPU s | files/s | MB/s in | MB/s out | peak MiB |\n|---|---|---|---|---|---|---|")
    if given.count:
        measure_files(given.folder, given.count, width, height)
    if given.side:
        measure_arrays(given.folder, given.side)


if __name__ == "__main__":
    main()

"""Time every case beside every peer, in a loop in interleaved rounds and as a first call, and print ratios."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.cases import CASES, Case, make, run, run_only
from benchmarks.peers import PEERS, installed

Array = NDArray[Any]
HOPELESS = {"numpy": 8, "skimage": 8}  # windows above which a peer that looks at each cell takes half a minute
SLOW = 8  # times as long as poolcli; a peer that takes longer is timed once
LEAST = 1e-3  # seconds; calls that take less are repeated
NEAR = 3  # peers whose first calls are timed: those that are fastest in a loop
PROCESSES = 3  # for each first call
REST = 0.06  # seconds before each pair of calls: onnxruntime's threads spin that long, at the next one's expense


def timed(call: Callable[[], Any]) -> float:
    """Return the seconds that one call takes right after another of the same, as in a loop.

    The threads of the last peer have gone to sleep, and neither caches nor processors are cold.
    """
    time.sleep(REST)
    call()
    number, taken = 0, 0.0
    start = time.perf_counter()
    while taken < LEAST:
        call()
        number, taken = number + 1, time.perf_counter() - start
    return taken / number


def floor_call(x: Array, out: Array) -> Callable[[], Any]:
    """Return a call that reads the input once and writes the output once."""

    def call() -> None:
        x.max()
        np.empty(out.shape, out.dtype).fill(0)

    return call


def as_array(made: Any) -> Array:
    """Bring what a peer returns into one array."""
    if isinstance(made, tuple):
        return np.stack([np.asarray(part) for part in made])
    return np.asarray(made)


def same(case: Case, ours: Array, theirs: Array) -> bool:
    """Whether a peer computed the same values, up to float32."""
    if theirs.size != ours.size:
        return False
    largest = {"uint8": 255.0, "scan": 255.0, "uint16": 65535.0, "int64": 1e6}.get(case.data, 4.0)
    scale = {"lp:2": 5.0, "sum": 25.0, "conv": 16.0}.get(case.mode, 1.0) * largest
    return bool(np.allclose(theirs.reshape(ours.shape), ours, rtol=1e-5, atol=3e-6 * scale, equal_nan=True))


def measure(case: Case, rounds: int, peers: list[str]) -> tuple[dict[str, float], list[str]]:
    """Return median seconds by name, poolcli and the memory floor among them, and the peers that gave other values."""
    x = make(case)
    ours = run(case, x)
    calls: dict[str, Callable[[], Any]] = {"poolcli": lambda: run_only(case, x), "floor": floor_call(x, ours)}
    different, first = [], {}
    slow = SLOW * timed(calls["poolcli"])
    for name in peers:
        if name in HOPELESS and case.size > HOPELESS[name]:
            continue
        try:
            call = PEERS[name][1](case, x)
            if call is None:
                continue
            start = time.perf_counter()
            made = call()
            first[name] = time.perf_counter() - start
            agrees = same(case, ours, as_array(made))
            del made
            if not agrees:
                different.append(name)
                continue
        except Exception as refusal:  # noqa: BLE001 - whatever a peer raises, it cannot do this case
            different.append(f"{name} ({type(refusal).__name__})")
            continue
        calls[name] = call
    del ours
    gc.collect()
    times: dict[str, list[float]] = {name: [] for name in calls}
    for _ in range(rounds):
        for name, call in calls.items():
            if first.get(name, 0) < slow:
                times[name].append(timed(call))
            elif not times[name]:
                times[name].append(first[name])
    return {name: median(taken) for name, taken in times.items()}, different


def first_calls(case: Case, names: Iterable[str]) -> dict[str, float]:
    """Return the seconds of the first call in fresh processes, imports excluded, each the median of a few."""
    number = str(CASES.index(case))
    taken: dict[str, float] = {}
    for name in names:
        command = [sys.executable, "-m", "benchmarks.first", number, name]
        made = [subprocess.run(command, capture_output=True, text=True, check=True) for _ in range(PROCESSES)]
        taken[name] = median(float(one.stdout) for one in made)
    return taken


def line(case: Case, times: dict[str, float], different: list[str]) -> str:
    """Write one row of the table: ratios first."""
    ours, floor = times.pop("poolcli"), times.pop("floor")
    near = sorted(times, key=times.__getitem__)[:NEAR]
    first = first_calls(case, ["poolcli", *near])
    soonest = min(near, key=first.__getitem__, default="")
    beside_first = f"{first[soonest] / first['poolcli']:.2f} {soonest}" if soonest else "-"
    opencv = times.pop("opencv", None)
    best = min(times, key=times.__getitem__, default="")
    ratio = f"{times[best] / ours:.2f}" if best else "-"
    beside = f"{opencv / ours:.2f}" if opencv else "-"
    ranked = sorted(times.items(), key=lambda item: item[1])
    others = ", ".join(f"{name} {taken / ours:.1f}" for name, taken in ranked)
    more = f"; other values: {', '.join(different)}" if different else ""
    beside = f"{beside} | {beside_first}"
    return f"| {case.name} | {ratio} | {best} | {beside} | {ours / floor:.1f} | {ours * 1e3:.1f} | {others}{more} |"


COLUMNS = (
    "case (size, stride)",
    "best peer / poolcli",
    "best peer",
    "OpenCV / poolcli",
    "first call: best peer / poolcli",
    "poolcli / floor",
    "poolcli, ms",
    "every peer / poolcli",
)


def versions(peers: list[str]) -> str:
    """Name what was compared, and on what."""
    names = {"pillow": "pillow", "opencv": "opencv-python-headless", "skimage": "scikit-image"}
    told = []
    for name in dict.fromkeys(["numpy", *peers]):
        try:
            told.append(f"{name} {version(names.get(name, name))}")
        except PackageNotFoundError:
            told.append(name)
    return f"{platform.machine()}, Python {platform.python_version()}, {', '.join(told)}"


def main(only: list[str], rounds: int, without: list[str]) -> None:
    """Print the table."""
    from poolcli.system.threads import threads

    peers = [name for name in installed() if name not in without]
    print(f"{threads()} threads, {rounds} interleaved rounds, medians; {versions(peers)}\n")
    print(f"| {' | '.join(COLUMNS)} |\n|{'---|' * len(COLUMNS)}")
    for case in CASES:
        if all(word in case.name for word in only):
            print(line(case, *measure(case, rounds, peers)), flush=True)

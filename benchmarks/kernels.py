"""Time every case beside every peer, in a loop in interleaved rounds and as a first call, and print ratios."""

from __future__ import annotations

import gc
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import results
from benchmarks.cases import CASES, FASTER, MARKS, Case, make, run, run_only
from benchmarks.peers import PEERS, installed

Array = NDArray[Any]
HOPELESS = {"numpy": 8, "skimage": 8}  # windows above which a peer that looks at each cell takes half a minute
SLOW = 8  # times as long as poolcli; a peer that takes longer is timed once
LEAST = 1e-3  # seconds; calls that take less are repeated
FRESH = 3  # processes for each first call, of which the median counts
SURE = 15  # the same where a peer is near
CLOSE = 0.25  # a peer whose first call differs by a smaller share is near
NEAR = 2  # libraries whose first calls are timed: those that are fastest in a loop, the second if not too slow there
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
    chance = np.random.default_rng(rounds)
    for _ in range(rounds):
        for name in chance.permutation(list(calls)):  # so that nobody always follows the one that empties the caches
            call = calls[name]
            if first.get(name, 0) < slow:
                times[name].append(timed(call))
            elif not times[name]:
                times[name].append(first[name])
    return {name: median(taken) for name, taken in times.items()}, different


def first_calls(case: Case, names: Sequence[str]) -> dict[str, float]:
    """Return median seconds of the first call in a fresh process, imports excluded, for poolcli and its peers."""
    times: dict[str, list[float]] = {name: [] for name in names}
    with tempfile.NamedTemporaryFile(suffix=".npy") as file:
        np.save(file.name, make(case))
        for number in range(SURE):
            middle = {name: median(taken) for name, taken in times.items() if taken}
            if number >= FRESH and not any(abs(middle[name] / middle["poolcli"] - 1) < CLOSE for name in names[1:]):
                break
            for name, taken in times.items():
                command = [sys.executable, "-m", "benchmarks.first", name, str(CASES.index(case)), file.name]
                taken.append(float(subprocess.check_output(command)))
    return {name: median(taken) for name, taken in times.items()}


def marks(case: Case, ratios: Mapping[str, float]) -> str:
    """Say which marks are met: how many times as long as poolcli others take, beside how many times they should."""
    told = []
    for name, least in MARKS.get(case.name, FASTER).items():
        if name in ratios:
            told.append(f"{name} {ratios[name]:.2f}/{least:.2f}{'' if ratios[name] >= least else ' missed'}")
    return ", ".join(told)


def line(case: Case, times: Mapping[str, float], different: list[str]) -> str:
    """Write one row of the table: ratios first."""
    ours = times["poolcli"]
    ratios = {name: taken / ours for name, taken in times.items() if name != "poolcli"}
    ranked = sorted(ratios.keys() - {"floor"}, key=ratios.__getitem__)
    libraries = [name for name in ranked if name != "opencv"]  # which has a column of its own
    best = libraries[0] if libraries else "-"
    if best in ratios:
        ratios["the best"] = ratios[best]
    near = [name for name in libraries[:NEAR] if name == best or ratios[name] < SLOW]
    first = first_calls(case, ["poolcli", *near, *ratios.keys() & {"opencv"}])
    soonest = [min(near, key=first.__getitem__)] if near else []
    beside = [f"{first[name] / first['poolcli']:.2f} {name}" for name in (*soonest, "opencv") if name in first]
    cells = [
        case.name,
        f"{ratios[best]:.2f}" if best in ratios else "-",
        best,
        f"{ratios['opencv']:.2f}" if "opencv" in ratios else "-",
        ", ".join(beside) or "-",
        marks(case, ratios),
        f"{1 / ratios['floor']:.1f}",
        f"{ours * 1e3:.3g}",
        ", ".join(f"{name} {ratios[name]:.1f}" for name in ranked)
        + (f"; other values: {', '.join(different)}" if different else ""),
    ]
    return f"| {' | '.join(cells)} |"


COLUMNS = (
    "case (size, stride)",
    "best peer / poolcli",
    "best peer",
    "OpenCV / poolcli",
    "first call: best peer / poolcli",
    "mark",
    "poolcli / floor",
    "poolcli, ms",
    "every peer / poolcli",
)


HEADER = f"| {' | '.join(COLUMNS)} |"


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


def main(only: list[str], rounds: int, without: list[str], *, write: bool) -> None:
    """Print the table."""
    from poolcli.system.threads import threads

    peers = [name for name in installed() if name not in without]
    told = f"{threads()} threads, {rounds} interleaved rounds, medians; {versions(peers)}"
    print(f"{told}\n\n{HEADER}\n|{'---|' * len(COLUMNS)}")
    for case in CASES:
        if all(word in case.name for word in only):
            row = line(case, *measure(case, rounds, peers))
            print(row, flush=True)
            if write:
                results.write(HEADER, [row], [case.name for case in CASES], f"- kernels: {told}")

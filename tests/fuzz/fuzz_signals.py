"""Signals at any moment, many times: what is left must be the old result or the new one, whole, and nothing else.

Run it from the checkout, with a kind of work or several; half of the signals come at random moments of the run, the
others as soon as what is being made is nearly whole, so that they meet the renames, which take longer then.
``--command`` names what to try::

    python tests/fuzz/fuzz_signals.py csv zarr batch-png --times 100

A batch is begun anew with ``--skip-existing`` after every signal, and has to make what an undisturbed one makes.
A finding is printed: turn it into a test, then mend it.
"""

from __future__ import annotations

import argparse
import math
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGKILL)
PATIENCE = 30  # seconds in which a command that was told to end has ended
PAUSE = 0.01  # seconds before and after a rename at which a signal is aimed
SLOW = f"""import os, time
def slowed(rename):
    def call(*words, **more):
        time.sleep({PAUSE})
        rename(*words, **more)
        time.sleep({PAUSE})
    return call
os.rename, os.replace = slowed(os.rename), slowed(os.replace)
"""
LOOK = 0.001  # seconds between two looks
STARTED = 0.1  # seconds in which Python itself may not have come to poolcli's first line yet
TEMPORARY = re.compile(r"\.poolcli-.+-[0-9a-f]{16}\.(tmp|old)")
SAID = re.compile(r"(wrote [^\n]*|interrupted after [^\n]*|note: [^\n]*)")  # what may stand on standard error
POOL = "pool --filter gaussian -k 2 -s 1 -m median in.npy"
BATCH = "batch in -j 2 -m avg -k 2 -q --name"

Content = dict[str, bytes]


@dataclass(frozen=True)
class Kind:
    """A command line and the name of its result; a batch has a folder of them."""

    words: str
    target: str

    @property
    def batch(self) -> bool:
        return self.words.startswith("batch")


FORMATS = ("csv", "json", "npy", "png", "tiff", "asc", "txt", "pgm")
KINDS = {name: Kind(f"{POOL} -o out.{name}", f"out.{name}") for name in FORMATS}
KINDS |= {f"batch-{name}": Kind(f"{BATCH} {{stem}}.{name} -o out", "out") for name in FORMATS}
KINDS |= {
    "batch-kernel": Kind(f"{BATCH} {{stem}}.npy --filter kernel.csv -o out", "out"),  # tasks that no pipe holds at once
    "zarr": Kind("pool in.zarr -m avg -k 3 -s 1 -o out.zarr", "out.zarr"),
    "npz": Kind("pool in.npz -m median -k 3 -s 1 -o out.npy", "out.npy"),
    "run": Kind("run -q in.npy -o out.csv conv --filter gaussian then pool -k 2", "out.csv"),
    "recipe": Kind("run -q in.npy -o other.csv --save-steps out.json conv --filter box then pool -k 2", "out.json"),
    "page": Kind("explain -k 2 -s 2 part.npy -o out.html", "out.html"),
    "gif": Kind("explain -k 4 -s 4 part.npy -o out.gif", "out.gif"),
    "banded": Kind("pool large.npy -m avg -k 3 -s 3 -o out.npy", "out.npy"),
    "banded-csv": Kind("pool large.npy -m max -k 8 -o out.csv", "out.csv"),
}


def prepare(folder: Path, files: int) -> None:
    """Make what all kinds read."""
    values = np.random.default_rng(1).normal(size=(420, 400))
    np.save(folder / "in.npy", values)
    np.save(folder / "part.npy", values[:20, :20])
    np.savez(folder / "in.npz", a=values)
    np.save(folder / "large.npy", np.arange(3000 * 3000, dtype="f8").reshape(3000, 3000))
    np.savetxt(folder / "kernel.csv", values[:99, :99], delimiter=",")
    (folder / "in").mkdir()
    for number in range(files):
        np.save(folder / "in" / f"f{number:03}.npy", np.floor(values[number : number + 100, :100] * 99))
    try:
        import zarr
    except ImportError:
        return
    array = zarr.create_array(str(folder / "in.zarr"), shape=(400, 400), chunks=(50, 50), dtype="f8")
    array[:] = values[:400]


def content(path: Path) -> Content:
    """What a file or a folder holds, by name; nothing where it is not there."""
    if path.is_file():
        return {"": path.read_bytes()}
    return {str(one.relative_to(path)): one.read_bytes() for one in sorted(path.rglob("*")) if one.is_file()}


def temporaries(*folders: Path) -> list[Path]:
    """What a write that was cut off left in folders, or is at."""
    names = [Path(folder, name) for folder in folders if folder.is_dir() for name in os.listdir(folder)]
    return [path for path in names if TEMPORARY.fullmatch(path.name)]


class Trial:
    """One kind of work, tried in a folder with one poolcli."""

    def __init__(self, folder: Path, kind: Kind, command: str) -> None:
        self.folder, self.kind, self.target = folder, kind, folder / kind.target
        self.words = [*command.split(), *kind.words.split()]
        self.draw = random.Random(kind.words)
        self.watched = (folder, self.target) if kind.batch else (folder,)
        self.scratch = folder / "scratch"  # for the temporary files of libraries
        self.scratch.mkdir()
        self.env = {**os.environ, "TMPDIR": str(self.scratch)}
        self.slow = folder / "slow"
        self.slow.mkdir()
        (self.slow / "sitecustomize.py").write_text(SLOW)
        self.clear()
        self.length = math.inf  # seconds that it takes, at best
        for _ in range(3):
            start = time.perf_counter()
            assert self.run("--overwrite") == (0, ""), f"{self.words} does not work"
            self.length = min(self.length, time.perf_counter() - start)
        self.new = self.results()
        self.old = dict.fromkeys(self.new, b"what was there before\n") if self.target.is_file() else {}
        if not self.old and not kind.batch:  # another array
            first, second = (self.folder / name for name in ("in.zarr", self.kind.target))
            shutil.rmtree(second)
            shutil.copytree(first, second)
            self.old = content(first)

    def clear(self) -> None:
        """Remove the result and all that is left of others."""
        for path in (self.target, *temporaries(*self.watched), *self.scratch.iterdir()):
            shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)

    def reset(self) -> None:
        """Have the old result in its place, or none of a batch."""
        self.clear()
        if self.kind.batch:
            return
        if "" in self.old:
            self.target.write_bytes(self.old[""])
        else:
            shutil.copytree(self.folder / "in.zarr", self.target)

    def results(self) -> Content:
        """What is there of the result; the journal of a batch is not one."""
        return {name: data for name, data in content(self.target).items() if not name.startswith(".poolcli")}

    def run(self, *more: str) -> tuple[int, str]:
        """Run the command to its end, and return its code and what it said that it need not say."""
        done = subprocess.run(
            [*self.words, *more], cwd=self.folder, env=self.env, capture_output=True, text=True, timeout=300
        )
        return done.returncode, strange(done.stderr)

    def nearly_done(self, share: float) -> bool:
        """Whether what is being made is about to get its name; of a batch, so much is done."""
        try:
            made = [path for path in temporaries(*self.watched) if path.suffix == ".tmp"]
            if not made or not made[0].is_dir():
                done = len(os.listdir(self.target)) if made and self.kind.batch else math.inf
                return bool(made) and done >= len(self.new) * share
            return sum(path.is_file() for path in made[0].rglob("*")) >= len(self.new) * (0.9 + share / 10)
        except FileNotFoundError:  # it has its name, just now
            return True

    def signalled(self, number: signal.Signals, aimed: bool) -> str:
        """Send a signal and return what is wrong afterwards; nothing if all is well, ``late`` if it was over."""
        self.reset()
        share, env = (
            self.draw.random(),
            {**self.env, **({"PYTHONPATH": f"{self.slow}:{os.environ.get('PYTHONPATH', '')}"} if aimed else {})},
        )
        start, moment = time.perf_counter(), self.length * share
        with subprocess.Popen(
            self.words, cwd=self.folder, env=env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        ) as process:  # fmt: skip
            while process.poll() is None and not (aimed and self.nearly_done(share)):
                if not aimed and time.perf_counter() - start > moment:
                    break
                time.sleep(LOOK)
            if aimed:
                time.sleep(self.draw.choice((0, self.draw.uniform(0, 3 * PAUSE))))
            when = time.perf_counter() - start
            process.send_signal(number)
            try:
                out, err = process.communicate(timeout=PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                return f"still there {PATIENCE} s after the signal"
        found = self.wrong(process.returncode, out, strange(err.decode()), number)
        early = when < STARTED and "KeyboardInterrupt" in found  # Python's own
        return "early" if early else found or ("late" if process.returncode == 0 else "")

    def wrong(self, code: int, out: bytes, said: str, number: signal.Signals) -> str:
        """Say what is not as it should be."""
        if code not in (0, -number) or out or said:
            return f"code {code}, out {out[:200]!r}, said {said[-1500:]!r}"
        left = [path.name for path in temporaries(*self.watched)]
        if left and number != signal.SIGKILL:
            return f"left {left}"
        if scratch := [path.name for path in self.scratch.iterdir()]:
            return f"left in TMPDIR: {scratch}"
        found = self.results()
        if self.kind.batch:
            return self.resumed(found)
        if found in (self.old, self.new) or (code == 0 and found == self.new):
            return ""
        if number == signal.SIGKILL and any(name.endswith(".old") for name in left):
            self.run()  # which sets it back, or makes it
            return "" if self.results() == self.new and not temporaries(*self.watched) else "not mended"
        return f"neither old nor new: {len(found)} files, left {left}"

    def resumed(self, found: Content) -> str:
        """Go on with a batch; what is there must be whole, and in the end all of it."""
        odd = [name for name, data in found.items() if data != self.new.get(name)]
        if odd:
            return f"not whole: {odd}"
        ended = self.run("--skip-existing")
        if ended != (0, "") or self.results() != self.new or temporaries(*self.watched):
            return f"not resumed: {ended}, {len(self.results())} of {len(self.new)}, {temporaries(*self.watched)}"
        return ""


def strange(said: str) -> str:
    """Return what was said that a command that is ended does not say."""
    return "\n".join(line for line in said.splitlines() if not SAID.fullmatch(line))


def main() -> int:
    """Try what the command line names, and return 1 if something was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("kinds", nargs="+", choices=KINDS)
    parser.add_argument("--times", type=int, default=100)
    parser.add_argument("--files", type=int, default=40)
    parser.add_argument("--signals", nargs="+", default=[one.name for one in SIGNALS])
    parser.add_argument("--command", default=f"{sys.executable} -m poolcli")
    given = parser.parse_args()
    for one in SIGNALS[:3]:  # a shell's background and nohup have commands ignore them, which would all be late
        signal.signal(one, signal.SIG_DFL)
    bad = False
    for name in given.kinds:
        with tempfile.TemporaryDirectory() as place:
            prepare(Path(place), given.files)
            trial, counts = Trial(Path(place), KINDS[name], given.command), Counter[str]()
            for number in range(given.times):
                sent = given.signals[number % len(given.signals)]
                found = trial.signalled(signal.Signals[sent], aimed=number // len(given.signals) % 2 == 1)
                counts[found if found in ("late", "early") else "wrong" if found else "well"] += 1
                if found not in ("", "late", "early"):
                    print(f"{name}: {sent}: {found}", flush=True)
            print(name, dict(counts), f"{trial.length:.2f} s each", flush=True)
            bad = bad or counts["wrong"] > 0
    return bad


if __name__ == "__main__":
    sys.exit(main())

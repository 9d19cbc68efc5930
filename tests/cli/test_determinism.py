"""The same input, options and version give the same bytes, for any number of threads and whatever Python's hashes."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from poolcli.formats.registry import FORMATS
from poolcli.kernels.tiles import SHARED_BYTES
from poolcli.system import threads
from tests.support.process import SAMPLES, Run

pytestmark = pytest.mark.slow

ASTRONAUT = SAMPLES / "astronaut.jpg"
SETTINGS = [
    {"POOLCLI_THREADS": "1", "PYTHONHASHSEED": "0"},
    {"POOLCLI_THREADS": "2", "PYTHONHASHSEED": "1"},
    {"POOLCLI_THREADS": "7", "PYTHONHASHSEED": "4711"},
]
WRITTEN = [row.name for row in FORMATS.values() if row.writes]


DRAWINGS = ["page.html", "walk.gif", "walk.png", "still.svg"]
POOLED = [
    ["-m", "avg", "-k", "3", "-s", "1", "-p", "same"], ["-m", "sum", "-k", "7"], ["-m", "median", "-k", "3"],
    ["-m", "std", "-k", "5", "-s", "2"], ["-m", "lp:3", "-k", "4"], ["-m", "soft", "-k", "3"],
    ["-m", "stochastic", "--seed", "5"], ["-m", "avg", "--global"], ["-m", "avg", "--output-size", "7x9"],
    ["--fractional", "--output-size", "350x200", "--seed", "3"], ["--filter", "gaussian", "-m", "avg"],
]  # fmt: skip
LARGE = "large.npy"  # large enough to be shared among threads
COMMANDS = {
    **{f"out.{kind}": ["pool", "-f", kind, "--size", "4", str(ASTRONAUT)] for kind in WRITTEN},
    **{name: ["explain", "-k", "3", "-s", "1", "-p", "1", str(SAMPLES / "geeks_4x4.csv")] for name in DRAWINGS},
    **{f"{' '.join(words)}.npy": ["pool", *words, LARGE] for words in POOLED},
}
PROBE = """
import json, sys
from poolcli.cli.app import run
for name, words in json.load(sys.stdin).items():
    assert run([*words, "-o", name]) == 0, name
"""


@pytest.fixture(scope="module")
def written(python: Run, tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A folder for every setting, with what a process of that setting writes."""
    folders = [tmp_path_factory.mktemp("written") for _ in SETTINGS]
    for folder, setting in zip(folders, SETTINGS, strict=True):
        np.save(folder / LARGE, np.random.default_rng(1).normal(size=(800, 700)))
        assert (folder / LARGE).stat().st_size > SHARED_BYTES
        done = python("-c", PROBE, stdin=json.dumps(COMMANDS), env=setting, cwd=folder)
        assert (done.code, done.out) == (0, ""), done.err
    return folders


@pytest.mark.parametrize("name", COMMANDS)
def test_the_same_bytes_for_every_setting(written: list[Path], name: str) -> None:
    first, *others = [(folder / name).read_bytes() for folder in written]
    assert [other == first for other in others] == [True, True]


@pytest.mark.parametrize("words", [["-m", "stochastic"], ["--fractional", "--output-size", "8x9"]], ids=" ".join)
def test_seeds_are_recorded_and_replayed(call: Run, tmp_path: Path, words: list[str]) -> None:
    """One that was not given is drawn or fixed, and in either case written down."""
    source = tmp_path / "in.npy"
    np.save(source, np.random.default_rng(1).random((20, 20)))
    for seed in ([], ["--seed", "12345"]):
        done = call("pool", "--json", *words, *seed, source)
        if not seed and done.code == 2:
            assert "seed" in done.err
            continue
        (tmp_path / "done.json").write_bytes(done.raw)
        (step,) = done.json()["steps"]
        assert "seed" in step
        assert step["seed"] == 12345 or not seed
        again = call("run", "--steps", tmp_path / "done.json", "--json", source)
        assert again.data() == done.data()
    other = call("pool", "--json", *words, "--seed", "54321", source)
    assert other.data() != done.data()


def test_reports_of_a_batch_hold_the_same_results(run: Run, tmp_path: Path) -> None:
    names = ["geeks_4x4.csv", "line_8x8.csv", "seven_26x26.csv", "astronaut.jpg"]
    for jobs in ("1", "3"):
        done = run("batch", "-q", "-j", jobs, "-o", tmp_path / jobs, *(SAMPLES / name for name in names))
        assert done.code == 0, done.err
    one, other = ({p.name: p.read_bytes() for p in (tmp_path / jobs).iterdir() if p.name[0] != "."} for jobs in "13")
    assert len(one) == 4
    assert one == other


def test_threads_are_told_not_left_in_the_environment(
    call: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Every step of a command has as many as --threads says, and the process is as before."""
    np.save(tmp_path / "large.npy", np.zeros((800, 900), np.float32))
    asked: list[int | None] = []
    usual = threads.threads

    def watched(number: int | None = None) -> int:
        asked.append(number)
        return usual(number)

    for home in ("fold", "correlate", "selection_network"):
        monkeypatch.setattr(f"poolcli.kernels.{home}.threads", watched)
    before = dict(os.environ)
    for text in ("pool --filter box", "pool -m median -k 3 -s 1", "grad -m avg"):
        asked.clear()
        assert not call(*text.split(), "--threads", "1", "-o", "out.npy", "--overwrite", "large.npy", cwd=tmp_path).code
        assert asked
        assert set(asked) == {1}
    assert dict(os.environ) == before

"""The same input, options and version give the same bytes, for any number of threads and whatever Python's hashes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from poolcli.formats.registry import FORMATS
from tests.support.process import SAMPLES, Run

ASTRONAUT = SAMPLES / "astronaut.jpg"
SETTINGS = [
    {"POOLCLI_THREADS": "1", "PYTHONHASHSEED": "0"},
    {"POOLCLI_THREADS": "2", "PYTHONHASHSEED": "1"},
    {"POOLCLI_THREADS": "7", "PYTHONHASHSEED": "4711"},
]
WRITTEN = [row.name for row in FORMATS.values() if row.writes]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A map that is large enough for threads."""
    path = tmp_path_factory.mktemp("large") / "large.npy"
    np.save(path, np.random.default_rng(1).normal(size=(1200, 1100)))
    return path


def written(run: Run, folder: Path, *words: str | Path, name: str) -> list[bytes]:
    """What a command writes under every setting."""
    found = []
    for number, setting in enumerate(SETTINGS):
        (folder / str(number)).mkdir()
        target = folder / str(number) / name
        result = run(*words, "-o", target, env=setting)
        assert (result.code, result.raw) == (0, b""), result.err
        found.append(target.read_bytes())
    return found


@pytest.mark.parametrize("kind", WRITTEN)
def test_every_format(run: Run, tmp_path: Path, kind: str) -> None:
    first, *others = written(run, tmp_path, "pool", "-f", kind, "--size", "4", ASTRONAUT, name=f"out.{kind}")
    assert [other == first for other in others] == [True, True]


@pytest.mark.parametrize("name", ["page.html", "walk.gif", "walk.png", "still.svg"])
def test_every_drawing(run: Run, tmp_path: Path, name: str) -> None:
    source = SAMPLES / "geeks_4x4.csv"
    first, *others = written(run, tmp_path, "explain", "-k", "3", "-s", "1", "-p", "1", source, name=name)
    assert [other == first for other in others] == [True, True]


@pytest.mark.parametrize(
    "words",
    [
        ["-m", "avg", "-k", "3", "-s", "1", "-p", "same"], ["-m", "sum", "-k", "7"], ["-m", "median", "-k", "3"],
        ["-m", "std", "-k", "5", "-s", "2"], ["-m", "lp:3", "-k", "4"], ["-m", "soft", "-k", "3"],
        ["-m", "stochastic", "--seed", "5"], ["-m", "avg", "--global"], ["-m", "avg", "--output-size", "7x9"],
        ["--fractional", "--output-size", "500x300", "--seed", "3"], ["--filter", "gaussian", "-m", "avg"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_any_number_of_threads(run: Run, tmp_path: Path, large: Path, words: list[str]) -> None:
    first, *others = written(run, tmp_path, "pool", *words, large, name="out.npy")
    assert [other == first for other in others] == [True, True]


@pytest.mark.parametrize("words", [["-m", "stochastic"], ["--fractional", "--output-size", "8x9"]], ids=" ".join)
def test_seeds_are_recorded_and_replayed(run: Run, tmp_path: Path, words: list[str]) -> None:
    """One that was not given is drawn or fixed, and in either case written down."""
    source = tmp_path / "in.npy"
    np.save(source, np.random.default_rng(1).random((20, 20)))
    for seed in ([], ["--seed", "12345"]):
        done = run("pool", "--json", *words, *seed, source)
        if not seed and done.code == 2:
            assert "seed" in done.err
            continue
        (tmp_path / "done.json").write_bytes(done.raw)
        (step,) = done.json()["steps"]
        assert "seed" in step
        assert step["seed"] == 12345 or not seed
        again = run("run", "--steps", tmp_path / "done.json", "--json", source)
        assert again.data() == done.data()
    other = run("pool", "--json", *words, "--seed", "54321", source)
    assert other.data() != done.data()


def test_reports_of_a_batch_hold_the_same_results(run: Run, tmp_path: Path) -> None:
    names = ["geeks_4x4.csv", "line_8x8.csv", "seven_26x26.csv", "astronaut.jpg"]
    for jobs in ("1", "3"):
        done = run("batch", "-q", "-j", jobs, "-o", tmp_path / jobs, *(SAMPLES / name for name in names))
        assert done.code == 0, done.err
    one, other = ({p.name: p.read_bytes() for p in (tmp_path / jobs).iterdir() if p.name[0] != "."} for jobs in "13")
    assert len(one) == 4
    assert one == other

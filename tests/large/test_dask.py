"""More than one machine: a real scheduler and real worker processes on loopback, killed when it hurts."""

from __future__ import annotations

import json
import os
import resource
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.support.extras import needs
from tests.support.large import constant, interrupted
from tests.support.process import Run, clean_environment

needs("distributed", "zarr", extra="dask,zarr")

from benchmarks.cluster import Cluster, cluster, end  # noqa: E402 -- after the look at what is installed

pytestmark = pytest.mark.slow

COUNT = 40
WORDS = ("--mode", "avg", "--size", "3", "--filter", "gaussian")


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A scheduler with two workers."""
    with cluster(tmp_path_factory.mktemp("dask"), 2) as started:
        registered(started)
        yield started


def registered(there: Cluster) -> None:
    """Wait until every worker has been with the scheduler; a command waits three seconds for one."""
    log, limit = there.folder / "dask_worker.log", time.monotonic() + 60
    while log.read_text().count("Registered to:") < len(there.workers):
        assert time.monotonic() < limit, log.read_text()
        time.sleep(0.05)


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("photos")
    for number in range(COUNT):
        pixels = np.random.default_rng(number).integers(0, 256, (400, 500), np.uint8)
        Image.fromarray(pixels).save(folder / f"p{number:02}.png", compress_level=1)
    return folder


@pytest.fixture(scope="module")
def local(run: Run, photos: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """What the processes of this machine make of the photos."""
    out = tmp_path_factory.mktemp("local") / "out"
    assert run("batch", photos, "-o", out, *WORDS).code == 0
    return contents(out)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_cluster_makes_what_local_processes_make(
    run: Run, there: Cluster, photos: Path, local: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "in").symlink_to(photos)
    result = run(
        "batch", "in", "-o", "out", *WORDS, "--scheduler", there.address, "--report", "r.jsonl", cwd=tmp_path
    )  # fmt: skip
    assert result.code == 0, result.err
    assert contents(tmp_path / "out") == local
    assert sorted(line["input"] for line in lines(tmp_path / "r.jsonl")) == [f"in/p{n:02}.png" for n in range(COUNT)]


def test_files_can_be_sent_as_bytes(
    run: Run, there: Cluster, photos: Path, local: dict[str, bytes], tmp_path: Path
) -> None:
    (tmp_path / "bad.png").write_bytes(b"\x89PNG")
    words = (photos / "p00.png", photos / "p39.png", "bad.png", "gone.png")
    result = run("batch", *words, "-o", "out", *WORDS, "--scheduler", there.address, "--send-bytes", cwd=tmp_path)
    assert result.code == 3
    assert contents(tmp_path / "out") == {name: local[name] for name in ("p00.png", "p39.png")}
    assert "gone.png: no such file" in result.err
    assert "bad.png" in result.err
    there_is_a_message = [line for line in result.err.splitlines() if "distributed" in line]
    assert not there_is_a_message, "Dask's log is no concern of the user"


def test_a_zarr_array_is_pooled_by_the_cluster(run: Run, there: Cluster, tmp_path: Path) -> None:
    import zarr

    from poolcli import pool

    x = np.random.default_rng(0).normal(size=(3, 300, 400)).astype("f4")
    array: Any = zarr.create_array(str(tmp_path / "in.zarr"), shape=x.shape, chunks=(1, 100, 100), dtype="f4")
    array[:] = x
    words = ("pool", "in.zarr", "-o", "out.zarr", "-m", "avg", "-k", "5", "-s", "2", "-p", "same")
    result = run(*words, "--scheduler", there.address, cwd=tmp_path)
    assert result.code == 0, result.err
    out: Any = zarr.open_array(str(tmp_path / "out.zarr"), mode="r")
    assert np.array_equal(np.asarray(out[:]), pool(x, "avg", 5, stride=2, padding="same"))


def test_an_interrupted_run_of_the_cluster_leaves_no_folder(there: Cluster, tmp_path: Path) -> None:
    import zarr

    constant(zarr, tmp_path / "in.zarr")
    interrupted(tmp_path, signal.SIGINT, 130, "--scheduler", there.address)


def test_a_disk_of_a_worker_that_takes_no_more_is_told(run: Run, there: Cluster, tmp_path: Path) -> None:
    import zarr

    array: Any = zarr.create_array(str(tmp_path / "in.zarr"), shape=(900, 900), chunks=(90, 90), dtype="f8")
    array[:] = np.random.default_rng(0).normal(size=(900, 900))
    before = [resource.prlimit(worker.pid, resource.RLIMIT_FSIZE) for worker in there.workers]
    try:
        for worker, (_, most) in zip(there.workers, before, strict=True):
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, (1 << 16, most))
        result = run("pool", "in.zarr", "-o", "out.zarr", "-k", "1", "--scheduler", there.address, cwd=tmp_path)
    finally:
        for worker, limits in zip(there.workers, before, strict=True):
            resource.prlimit(worker.pid, resource.RLIMIT_FSIZE, limits)
    assert result.code == 1
    assert result.err.startswith("error: cannot write out.zarr: the file would be too large\nhint: ")
    assert os.listdir(tmp_path) == ["in.zarr"]


@pytest.fixture
def deaf() -> Iterator[str]:
    """A socket that takes calls and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


def refused(run: Run, address: str, folder: Path) -> tuple[int, str, float]:
    (folder / "a.csv").write_text("1,2\n3,4\n")
    start = time.monotonic()
    result = run("batch", "a.csv", "-o", "out", "--scheduler", address, cwd=folder)
    assert not (folder / "out").exists(), "made before anyone was there to work"
    return result.code, result.err, time.monotonic() - start


def test_a_scheduler_that_says_nothing_is_told_within_ten_seconds(run: Run, deaf: str, tmp_path: Path) -> None:
    code, err, seconds = refused(run, deaf, tmp_path)
    assert (code, f"the Dask scheduler {deaf} does not answer" in err, seconds < 10) == (1, True, True), (err, seconds)


@pytest.fixture
def web() -> Iterator[str]:
    """A server that answers whatever it is told, as a web server answers what it does not understand."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            with suppress(OSError):  # the server is closed
                while True:
                    call, _ = server.accept()
                    call.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        Thread(target=serve, daemon=True).start()
        yield f"tcp://127.0.0.1:{server.getsockname()[1]}"


def test_what_answers_and_is_no_scheduler_is_told_within_ten_seconds(run: Run, web: str, tmp_path: Path) -> None:
    code, err, seconds = refused(run, web, tmp_path)
    assert (code, seconds < 10, err.count("\n")) == (1, True, 2), (err, seconds)
    assert f"error: what answers at {web} does not talk like a Dask scheduler" in err


def test_a_scheduler_that_is_not_there_is_told_within_ten_seconds(run: Run, tmp_path: Path) -> None:
    code, err, seconds = refused(run, "tcp://127.0.0.1:9", tmp_path)
    assert (code, "does not answer" in err, seconds < 10) == (1, True, True), (err, seconds)


@pytest.mark.parametrize("address", ["nonsense", "tcp://host", "foo://host:1"])
def test_what_is_no_address_is_a_mistake_of_usage(call: Run, tmp_path: Path, address: str) -> None:
    code, err, _ = refused(call, address, tmp_path)
    assert (code, "is not the address of a scheduler" in err) == (2, True), err


def test_a_worker_killed_in_the_middle_costs_nothing_and_that_none_is_left_is_told(
    run: Run, there: Cluster, photos: Path, local: dict[str, bytes], tmp_path: Path, programs: Path
) -> None:
    """After it the cluster has no workers."""
    words: list[str | Path] = ["batch", photos, "-o", tmp_path / "out", *WORDS, "--scheduler", there.address]
    report = tmp_path / "report.jsonl"
    process = subprocess.Popen(
        [programs / "poolcli", *words, "--report", report], env=clean_environment(), stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    limit = time.monotonic() + 60
    while len(list((tmp_path / "out").glob("*.png"))) < 10:
        assert time.monotonic() < limit, "no results came"
        time.sleep(0.005)
    there.workers[0].send_signal(signal.SIGKILL)
    _, err = process.communicate(timeout=100)
    end(*there.workers)
    (tmp_path / "none").mkdir()
    code, said, seconds = refused(run, there.address, tmp_path / "none")
    assert (code, "has no workers" in said, seconds < 10) == (1, True, True), (said, seconds)
    assert process.returncode == 0, err
    assert contents(tmp_path / "out") == local, "something is missing, in part, or too much"
    told = lines(report)
    assert sorted(Path(line["output"]).name for line in told) == sorted(local)
    assert {line["status"] for line in told} == {"done"}


def test_a_scheduler_that_goes_away_leaves_what_is_done(
    there: Cluster, photos: Path, tmp_path: Path, run: Run, programs: Path
) -> None:
    """The last test here: nobody needs the scheduler after it."""
    there.add_worker()
    registered(there)
    npy = ("--name", "{stem}.npy")  # which cannot say what made it
    words: list[str | Path] = ["batch", photos, "-o", "out", *WORDS, *npy]
    process = subprocess.Popen(
        [programs / "poolcli", *words, "--scheduler", there.address], cwd=tmp_path, env=clean_environment(),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    limit = time.monotonic() + 60
    while len(list((tmp_path / "out").glob("*.npy"))) < 10:
        assert time.monotonic() < limit, "no results came"
        time.sleep(0.005)
    end(*there.workers, there.scheduler)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    assert b"went away" in err
    assert b"--skip-existing" in err
    done = len(list((tmp_path / "out").glob("*.npy")))
    assert 0 < done < COUNT
    result = run(*words, "--skip-existing", cwd=tmp_path)
    assert (result.code, len(list((tmp_path / "out").glob("*.npy")))) == (0, COUNT)

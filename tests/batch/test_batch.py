"""Many files: which, under what names, done once, whole, and resumable whatever happens in between."""

from __future__ import annotations

import glob
import gzip
import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from poolcli.batch.executors import Local, Workers
from poolcli.batch.jobs import FoundFile, Job, Naming, find_files, plan, remnants
from poolcli.batch.journal import JOURNAL, Journal
from poolcli.batch.report import Report
from poolcli.batch.resume import remaining
from poolcli.batch.run import ByPath, run_jobs
from poolcli.batch.work import Outcome, Work, pool_path
from poolcli.errors import FileError, InputError, LimitError, PoolcliError, UnknownNameError, UsageError
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.steps.steps import PoolStep
from tests.support.process import Result, Run, clean_environment, code_of, command

WORK = Work([PoolStep("max", 2)], ReadOptions(), WriteOptions())


def noted(folder: Path) -> Work:
    """The same work, with a journal in a folder."""
    return replace(WORK, journal=Journal(str(folder)))


def picture(path: Path, seed: int = 0, size: tuple[int, int] = (24, 32)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, size, np.uint8)).save(path)
    return path


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Six files that can be read, one that cannot, and two that are nobody's business."""
    folder = tmp_path / "photos"
    for number in range(3):
        picture(folder / f"p{number}.png", number)
    picture(folder / "deep" / "q.jpg", 7)
    (folder / "m.csv").write_text("1,2\n3,4\n")
    np.save(folder / "a.npy", np.arange(16.0).reshape(4, 4))
    (folder / "broken.png").write_bytes((folder / "p0.png").read_bytes()[:100])
    (folder / "notes.txt").write_text("1,2\n")
    (folder / ".hidden.csv").write_text("1,2\n")
    return folder


def made_of(folder: Path) -> dict[str, bytes]:
    """Every file of a folder of results but the journal."""
    files = (path for path in folder.rglob("*") if path.is_file() and path.name != ".poolcli-batch.jsonl")
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def counts(result: Result) -> dict[str, str]:
    heads, values = result.cells()
    return dict(zip(heads, values, strict=True))


# Finding and naming


def found(path: Path | str, *, recursive: bool = False, output: str = "nowhere") -> list[tuple[str, str]]:
    return [
        (os.path.basename(one.path), one.folder)
        for one in find_files(str(path), recursive=recursive, output=output, passed_over=[])
    ]


def test_a_folder_gives_what_poolcli_reads_in_order(photos: Path) -> None:
    names = ["a.npy", "broken.png", "m.csv", "p0.png", "p1.png", "p2.png"]
    assert found(photos) == [(name, "") for name in names]
    assert found(photos, recursive=True) == [*((name, "") for name in names), ("q.jpg", "deep")]


def test_the_folder_of_results_is_not_searched(photos: Path) -> None:
    picture(photos / "deep" / "out" / "old.png")
    assert ("old.png", "deep/out") in found(photos, recursive=True)
    assert ("old.png", "deep/out") not in found(photos, recursive=True, output=str(photos / "deep" / "out"))


def test_a_pattern_keeps_the_folders_below_its_fixed_part(photos: Path) -> None:
    assert found(photos / "p[01].png") == [("p0.png", ""), ("p1.png", "")]
    assert found(photos / "**" / "*.jpg") == [("q.jpg", "deep")]


@pytest.mark.parametrize(
    "pattern", ["**/*.png", "**", "0/**/*.png", "0/**", "0/**/b/*", "0/*/**/**/*.*", "0/a**/**", "0/**.*", "0/**/**"]
)
def test_a_pattern_finds_what_it_finds_in_python(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pattern: str) -> None:
    for name in ("a/b/c.png", "a/b/.c.png", "a/c.png", ".a/c.png", "[a]/b/c.png", "c.png", "ab.csv", "b/b/b/c.png"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.chdir(tmp_path)
    pattern = pattern.replace("0", str(tmp_path))
    known = {path for path in glob.glob(pattern, recursive=True) if os.path.isfile(path)}
    paths = [one.path for one in find_files(pattern, recursive=False, output="nowhere", passed_over=[])]
    assert paths == sorted(known)


def test_a_pattern_does_not_follow_links_to_folders(tmp_path: Path) -> None:
    (tmp_path / "a.csv").touch()
    for name in ("x", "y"):  # two loops have 2 to the power of 40 paths
        (tmp_path / name).symlink_to(tmp_path)
    assert found(tmp_path / "**" / "*.csv") == [("a.csv", "")]


def test_what_is_no_file_in_a_folder_is_passed_over(photos: Path) -> None:
    before = found(photos), found(photos / "*.csv"), found(photos, recursive=True)
    os.mkfifo(photos / "pipe.csv")
    (photos / "deep" / "x.zarr").mkdir()
    (photos / "deep" / "x.zarr" / "zarr.json").write_text("{}")
    assert (found(photos), found(photos / "*.csv"), found(photos, recursive=True)) == before


def test_a_file_whose_name_looks_like_a_pattern_is_a_file(tmp_path: Path) -> None:
    assert found(picture(tmp_path / "a[1].png")) == [("a[1].png", "")]


@pytest.mark.parametrize(
    ("path", "kind", "said"),
    [("*.xyz", FileError, "no file matches"), ("deep/..", None, ""), ("empty", InputError, "no picture or array")],
)
def test_a_path_that_stands_for_nothing_is_told(photos: Path, path: str, kind: Any, said: str) -> None:
    (photos / "empty" / "below").mkdir(parents=True)
    if kind is None:
        assert found(photos / path)
        return
    with pytest.raises(kind, match=said):
        found(photos / path)


@pytest.mark.parametrize(
    ("pattern", "format_", "name"),
    [
        (None, None, "sub/img.png"), (None, "csv", "sub/img.csv"), ("{stem}_pooled.png", None, "img_pooled.png"),
        ("{stem}_pooled", "json", "img_pooled.json"), ("{folder}/{number:04}.npy", None, "sub/0007.npy"),
        ("{name}", None, "img.jpg"), ("{stem}.{ext}", None, "img.jpg"), ("x/{folder}/{stem}", None, "x/sub/img.png"),
        ("{stem}.max", "png", "img.max.png"), ("{stem}_v1.5", None, "img_v1.5.png"), ("{stem}.csv", "json", "img.csv"),
    ],
)  # fmt: skip
def test_names_follow_the_pattern(pattern: str | None, format_: str | None, name: str) -> None:
    assert Naming.of("out", pattern, format_).target(FoundFile("in/sub/img.jpg", "sub"), 7) == f"out/{name}"


@pytest.mark.parametrize(
    ("source", "name"),
    [("a.csv", "a.csv"), ("a.tab", "a.tsv"), ("a.npy", "a.npy"), ("a.json", "a.json"), ("a.tif", "a.png"),
     ("a.b.webp", "a.b.png")],
)  # fmt: skip
def test_without_a_pattern_data_stay_data_and_pictures_become_png(source: str, name: str) -> None:
    assert Naming.of("out").target(FoundFile(source), 1) == f"out/{name}"


@pytest.mark.parametrize(
    ("pattern", "kind"),
    [("{nam}.png", UnknownNameError), ("{stem", UsageError), ("{}.png", UnknownNameError),
     ("{0}.png", UnknownNameError), ("{stem}.xyz", UnknownNameError),
     ("{stem.__class__}.png", UnknownNameError), ("{number:x%}.png", UsageError)],
)  # fmt: skip
def test_a_pattern_that_is_none_is_refused_at_once(pattern: str, kind: type[PoolcliError]) -> None:
    with pytest.raises(kind):
        Naming.of("out", pattern)


@pytest.mark.parametrize("pattern", ["../{stem}.png", "/tmp/{stem}.png", "."])  # noqa: S108 -- refused, not used
def test_no_result_leaves_the_folder(pattern: str) -> None:
    with pytest.raises(UsageError, match="outside the folder"):
        Naming.of("out", pattern).target(FoundFile("a.png"), 1)


def test_an_input_without_extension_needs_a_format(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("1,2\n")
    planned = plan([str(tmp_path / "data")], Naming.of(str(tmp_path / "out")))
    assert "does not say which format" in planned.failures[0].problem.message
    assert plan([str(tmp_path / "data")], Naming.of(str(tmp_path / "out"), None, "csv")).jobs


# The plan


@pytest.mark.parametrize(
    ("paths", "pattern", "ways"),
    [
        (["a/1.png", "b/1.png"], None, "'{number:05}_{stem}.png'"),  # a named file has no folder below one
        (["a", "b/1.png"], None, "'{number:05}_{stem}.png'"),
        (["."], "{stem}.png", "'{folder}/{stem}.png' or '{number:05}_{stem}.png'"),
    ],
)
def test_patterns_are_advised_that_tell_the_inputs_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, paths: list[str], pattern: str | None, ways: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for folder in "ab":
        picture(tmp_path / folder / "1.png")
    with pytest.raises(UsageError) as caught:
        plan(paths, Naming.of("out", pattern), recursive=True)
    assert str(caught.value.advice) == f"tell them apart in name, such as {ways}"
    for way in re.findall("'(.*?)'", ways):
        assert len(plan(paths, Naming.of("out", way), recursive=True).jobs) == 2


def test_two_inputs_with_one_output_are_refused(photos: Path, tmp_path: Path) -> None:
    picture(photos / "p0.jpg")
    with pytest.raises(UsageError, match=r"p0\.jpg and .*p0\.png would both be written to") as caught:
        plan([str(photos)], Naming.of(str(tmp_path / "out"), "{stem}.jpg"))
    advice = "tell them apart in name, such as '{folder}/{name}.jpg' or '{number:05}_{stem}.jpg'"
    assert str(caught.value.hint) == advice
    assert plan([str(photos)], Naming.of(str(tmp_path / "out"), "{name}.png")).jobs


def test_a_file_named_twice_is_done_once(photos: Path, tmp_path: Path) -> None:
    twice = [str(photos / "p0.png"), str(photos), f"{photos}/deep/../p1.png"]
    sources = [os.path.normpath(job.source) for job in plan(twice, Naming.of(str(tmp_path / "out"))).jobs]
    assert len(sources) == len(set(sources)) == 6


def test_outputs_that_exist_are_refused_unless_told_otherwise(photos: Path, tmp_path: Path) -> None:
    naming = Naming.of(str(tmp_path / "out"))
    picture(tmp_path / "out" / "p0.png")
    with pytest.raises(UsageError, match="1 of 6 outputs already exist"):
        plan([str(photos)], naming)
    assert len(plan([str(photos)], naming, overwrite=True).jobs) == len(plan([str(photos)], naming, resume=True).jobs)


def test_an_output_that_is_its_input_is_refused(photos: Path) -> None:
    with pytest.raises(UsageError, match="is the input"):
        plan([str(photos / "p0.png")], Naming.of(str(photos)), resume=True)
    assert plan([str(photos / "p0.png")], Naming.of(str(photos)), overwrite=True).jobs


def test_an_output_that_is_another_input_is_refused(photos: Path) -> None:
    swapped = [str(picture(photos / "2.png")), str(picture(photos / "1.png"))]
    with pytest.raises(UsageError, match="is an input, and the result of"):
        plan(swapped, Naming.of(str(photos), "{number}.png"), overwrite=True)


def test_results_beside_their_inputs_are_no_inputs_of_the_next_run(photos: Path) -> None:
    naming = Naming.of(str(photos), "{stem}_pooled.png")
    first = plan([str(photos)], naming)
    for job in first.jobs:
        picture(Path(job.target))
    again = plan([str(photos)], naming, resume=True)
    assert again.jobs == first.jobs
    assert sorted(again.left_out) == sorted(job.target for job in first.jobs)


def test_remnants_of_killed_workers_are_found_and_nothing_else(tmp_path: Path) -> None:
    jobs = [Job("a", str(tmp_path / "a.png")), Job("b", str(tmp_path / "none" / "b.png"))]
    mine = tmp_path / ".poolcli-a.png-0123456789abcdef.tmp"
    for name in (mine.name, ".poolcli-c.png-0123456789abcdef.tmp", "a.png.tmp", ".poolcli-a.png-01.tmp"):
        (tmp_path / name).touch()
    assert list(remnants(jobs)) == [str(mine)]


# Running: an executor that fails as told


class Threads(Workers):
    """Workers for tests: threads, of which the first `broken` pools break when they meet the job named ``deadly``."""

    def __init__(self, broken: int = 0) -> None:
        self.broken, self.pools = broken, 0

    @contextmanager
    def open(self) -> Iterator[tuple[Executor, int]]:
        self.pools += 1
        with ThreadPoolExecutor(2) as pool:
            yield _Breaking(pool) if self.pools <= self.broken else pool, 4


class _Breaking(Executor):
    def __init__(self, pool: Executor) -> None:
        self.pool, self.dead = pool, False

    def submit(self, fn: Any, /, *args: Any, **more: Any) -> Future[Any]:
        from concurrent.futures.process import BrokenProcessPool

        if self.dead:
            raise BrokenProcessPool
        if "deadly" in args[0].source:
            self.dead = True
            future: Future[Any] = Future()
            future.set_exception(BrokenProcessPool())
            return future
        return self.pool.submit(fn, *args, **more)


def jobs_in(folder: Path, *names: str) -> list[Job]:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / f"{name}.csv").write_text("1,2\n3,4\n")
    return [Job(str(folder / f"{name}.csv"), str(folder / f"{name}.out.csv")) for name in names]


def test_every_job_is_told_once(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, *"abcdefghij")
    Path(jobs[3].source).unlink()
    told: list[Outcome] = []
    run_jobs(iter(jobs), ByPath(WORK), Threads(), told.append)
    assert sorted(outcome.job.source for outcome in told) == [job.source for job in jobs]
    assert [outcome.job for outcome in told if outcome.status == "failed"] == [jobs[3]]
    assert Path(jobs[0].target).read_text() == "4\n"


@pytest.mark.parametrize("broken", [1, 2, 3, 9])
def test_a_job_that_kills_its_worker_does_not_take_others_with_it(tmp_path: Path, broken: int) -> None:
    jobs = jobs_in(tmp_path, "a", "b", "deadly", "c", "d", "e", "f", "g")
    told: list[Outcome] = []
    run_jobs(iter(jobs), ByPath(WORK), Threads(broken), told.append)
    assert sorted(outcome.job.source for outcome in told) == sorted(job.source for job in jobs)
    failed = [outcome for outcome in told if outcome.status == "failed"]
    assert all("deadly" in outcome.job.source for outcome in failed)
    messages = [outcome.message for outcome in failed]
    possible = {1: (0,), 9: (1,)}.get(broken, (0, 1))  # between, it depends on which suspect is tried first
    assert messages in [["its worker process died"] * number for number in possible]


def test_after_stop_nothing_is_begun_and_what_was_begun_is_told(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, *"abcdefghij")
    told: list[Outcome] = []
    run_jobs(iter(jobs), ByPath(WORK), Threads(), told.append, stop=lambda: len(told) >= 3)
    assert 3 <= len(told) <= 7
    assert sorted(path.name for path in tmp_path.glob("*.out.csv")) == sorted(Path(o.job.target).name for o in told)


@pytest.mark.slow
def test_a_real_worker_that_is_killed_is_replaced(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, "a", "b", "c")
    told: list[Outcome] = []
    run_jobs(iter(jobs), _Deadly(jobs[1].source), Local(2), told.append)
    assert {Path(o.job.source).stem: o.status for o in told} == {"a": "done", "b": "failed", "c": "done"}


def test_workers_that_cannot_be_started_are_told_and_the_others_are_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As where no more processes or threads are allowed."""
    from concurrent.futures import ProcessPoolExecutor
    from multiprocessing import active_children

    submit, submitted = ProcessPoolExecutor.submit, list[Future[Any]]()

    def refusing(pool: ProcessPoolExecutor, *call: Any) -> Future[Any]:
        if submitted:
            raise RuntimeError("can't start new thread")
        submitted.append(submit(pool, *call))
        return submitted[0]

    monkeypatch.setattr(ProcessPoolExecutor, "submit", refusing)
    begun, before = tmp_path / "begun", set(active_children())  # of other tests
    with pytest.raises(LimitError, match="cannot start a worker: can't start new thread"):
        run_jobs(jobs_in(tmp_path, "a", "b"), _Endless(str(begun), 0), Local(2), lambda _: None)
    for process in set(active_children()) - before:
        process.join(10)  # of a busy machine; those that nobody ended take an hour
    assert set(active_children()) <= before


@pytest.mark.slow
@pytest.mark.parametrize("size", [0, 10_000_000])
def test_workers_that_do_not_end_are_ended(tmp_path: Path, size: int) -> None:
    """With tasks larger than what a pipe holds, too, that are on their way to workers when it is over."""
    jobs = jobs_in(tmp_path, *"abcdef")
    told: list[Outcome] = []
    begun = tmp_path / "begun"
    run_jobs(iter(jobs), _Endless(str(begun), size), Local(1), told.append, stop=begun.exists)
    assert told == []
    with pytest.raises(ProcessLookupError):
        os.kill(int(begun.read_text()), 0)


def _endless(_: Job, begun: str, __: bytes) -> None:
    Path(f"{begun}.tmp").write_text(str(os.getpid()))
    os.rename(f"{begun}.tmp", begun)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    time.sleep(3600)


class _Endless:
    def __init__(self, begun: str, size: int) -> None:
        self.begun, self.size = begun, size

    def arguments(self, job: Job) -> tuple[Any, ...]:
        return _endless, job, self.begun, bytes(self.size)

    def outcome(self, job: Job, result: Outcome) -> Outcome:
        raise AssertionError


def _die(job: Job) -> Outcome:
    os.kill(os.getpid(), signal.SIGKILL)
    return Outcome(job, "done")


def _live(job: Job) -> Outcome:
    return Outcome(job, "done")


class _Deadly:
    """One job kills its process, as the kernel does when memory is short."""

    def __init__(self, deadly: str) -> None:
        self.deadly = deadly

    def arguments(self, job: Job) -> tuple[Any, ...]:
        return (_die if job.source == self.deadly else _live), job

    def outcome(self, job: Job, result: Outcome) -> Outcome:
        assert job == result.job
        return result


class _Full:
    """A file on a disk with room for ten bytes more."""

    def __init__(self, file: Any) -> None:
        self.file, self.room = file, 10

    def write(self, data: bytes) -> int:
        if not self.room:
            raise OSError(28, "No space left on device")
        self.room = 0
        return int(self.file.write(data[:10]))

    def __getattr__(self, name: str) -> Any:
        return getattr(self.file, name)


def test_a_report_on_a_full_disk_is_finished_when_there_is_room(tmp_path: Path) -> None:
    report = Report(str(tmp_path / "report.jsonl"))
    outcome = Outcome(Job("a\udcff\n", "b"), "done")
    report.add(outcome)
    file, report.file = report.file, _Full(report.file)  # type: ignore[assignment]  # a file as far as this goes
    report.add(outcome)
    assert len(lines(tmp_path / "report.jsonl")) == 1, "a part of a line was left"
    report.file = file
    report.add(outcome)
    report.close()
    assert [line["input"] for line in lines(tmp_path / "report.jsonl")] == ["a\udcff\n"] * 3


# The command


@pytest.mark.slow
def test_every_file_is_as_the_command_for_one_makes_it(run: Run, photos: Path, tmp_path: Path) -> None:
    out, report = tmp_path / "out", tmp_path / "report.jsonl"
    result = run("batch", photos, "-r", "-o", out, "-j", "2", "--mode", "avg", "--size", "2x1", "--report", report)
    assert result.code == 3, result.err
    assert counts(result) | {"files": "7", "done": "6", "failed": "1"} == counts(result)
    assert "broken.png: cut off" in result.err
    made = made_of(out)
    assert set(made) == {"a.npy", "m.csv", "p0.png", "p1.png", "p2.png", "deep/q.png"}
    for name in ("a.npy", "p1.png", "deep/q.png"):
        source = photos / name.replace("q.png", "q.jpg")
        assert run("pool", source, "-m", "avg", "-k", "2x1", "-q", "-o", tmp_path / Path(name).name).code == 0
        assert (tmp_path / Path(name).name).read_bytes() == made[name]
    told = {Path(line["input"]).name: line for line in lines(report)}
    assert {name: line["status"] for name, line in told.items() if line["status"] != "done"} == {
        "broken.png": "failed", "notes.txt": "passed over"
    }  # fmt: skip
    assert told["p0.png"]["shape"] == [12, 32]
    assert told["p0.png"]["bytes_out"] == len(made["p0.png"])
    assert "cut off" in told["broken.png"]["error"]


@pytest.mark.slow
def test_a_second_run_does_only_what_has_changed(run: Run, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    words = ("batch", photos, "-o", out, "--skip-existing", "-j", "2")
    assert run(*words).code == 3
    before = {path: path.stat().st_mtime_ns for path in out.iterdir()}
    assert counts(run(*words))["skipped"] == "5"
    assert {path: path.stat().st_mtime_ns for path in out.iterdir()} == before
    (photos / "p1.png").touch()
    (out / "p2.png").unlink()
    (photos / "m.csv").write_text("1,2\n3,9\n")
    result = run(*words, "--dry-run")
    assert sorted(line.split()[0] + Path(line.split()[1]).name for line in result.out.splitlines()) == [
        "makebroken.png", "makem.csv", "makep1.png", "makep2.png", "skipa.npy", "skipp0.png",
    ]  # fmt: skip
    result = run(*words)
    assert (counts(result)["done"], counts(result)["skipped"]) == ("3", "2")
    assert (out / "m.csv").read_text() == "9\n"
    result = run(*words, "--size", "3", "--padding", "1")
    assert (counts(result)["done"], counts(result)["skipped"]) == ("5", "0")


def test_a_look_at_results_ends_when_it_is_told_to(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, *"abcdef")
    told, looked_at = list[Outcome](), list[Outcome]()
    work = noted(tmp_path)
    run_jobs(iter(jobs), ByPath(work), Threads(), told.append)
    left = remaining(jobs, work, overwrite=False, tell=looked_at.append, stop=lambda: len(looked_at) == 2)
    assert (len(told), list(left), [outcome.status for outcome in looked_at]) == (6, [], ["skipped"] * 2)


def test_what_a_worker_wrote_elsewhere_is_not_done(tmp_path: Path) -> None:
    """Workers that do not share the folder: what they write is not here."""
    (job,) = jobs_in(tmp_path, "a")
    told: list[Outcome] = []
    run_jobs(iter([job]), _Elsewhere(WORK, absolute=True), Threads(), told.append)
    assert [(outcome.status, "send_bytes" in str(outcome.hint)) for outcome in told] == [("failed", True)]


class _Elsewhere(ByPath):
    def arguments(self, job: Job) -> tuple[Any, ...]:
        return _live, job


def test_what_poolcli_did_not_make_is_not_replaced_unasked(run: Run, photos: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    picture(out / "p0.png", 99)
    (out / "m.csv").write_text("my,own\n")
    mine = made_of(out)
    result = run("batch", photos / "p0.png", photos / "m.csv", "-o", out, "--skip-existing")
    assert result.code == 1
    assert result.err.count("poolcli may not have made it") == 2
    assert made_of(out) == mine
    assert run("batch", photos / "p0.png", photos / "m.csv", "-o", out, "--overwrite").code == 0
    assert made_of(out) != mine


def test_a_dry_run_touches_nothing(call: Run, photos: Path, tmp_path: Path) -> None:
    result = call("batch", photos, tmp_path / "gone*", "-r", "-o", tmp_path / "out", "--dry-run")
    assert result.code == 3
    assert f"make  {photos}/deep/q.jpg -> {tmp_path}/out/deep/q.png" in result.out.splitlines()
    assert not (tmp_path / "out").exists()


def test_a_list_on_standard_input_may_hold_any_name(run: Run, tmp_path: Path) -> None:
    names = ["plain.csv", "new\nline.csv", "-dash.csv", b"latin\xe9.csv".decode("utf-8", "surrogateescape")]
    for name in names:
        (tmp_path / name).write_text("1,2\n3,4\n")
    listed = b"".join(os.fsencode(tmp_path / name) + b"\0" for name in names)
    result = run("batch", "--files0", "-o", tmp_path / "out", "--report", tmp_path / "r.jsonl", stdin=listed)
    assert result.code == 0, result.err
    assert sorted(os.listdir(tmp_path / "out")) == sorted([*names, ".poolcli-batch.jsonl"])
    assert sorted(Path(line["input"]).name for line in lines(tmp_path / "r.jsonl")) == sorted(names)


@pytest.mark.slow
def test_a_recipe_replaces_the_options_and_can_be_changed(run: Run, photos: Path, tmp_path: Path) -> None:
    path = tmp_path / "recipe.json"
    path.write_text('[{"step": "relu"}, {"step": "pool", "mode": "avg", "size": [2, 2]}]')
    words = ("batch", photos / "a.npy", "-o", tmp_path / "out", "-f", "json", "--steps", path)
    assert run(*words, "--set", "pool.mode=max").code == 0
    assert json.loads((tmp_path / "out" / "a.json").read_text())["data"] == [[5, 7], [13, 15]]
    result = run(*words, "--size", "3")
    assert (result.code, "cannot be combined" in result.err) == (2, True)
    path.write_text('[{"step": "pool"}, {"step": "pool"}, {"step": "pool", "size": 9}, {"step": "pool", "mde": 1}]')
    result = run(*words)
    assert (result.code, "step 4 (pool): unknown option 'mde'" in result.err) == (2, True)
    path.write_text('[{"step": "pool"}, {"step": "pool"}, {"step": "pool", "size": 9}]')
    result = run(*words, "--skip-existing")
    assert result.code == 1
    assert "step 3 (pool): window 9x9 is larger than the input 1x1" in result.err


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nowhere.png", "-o", "out"], 1, "no such file"),
        (["nosuch", "-o", "out"], 1, "error: cannot read nosuch: no such file or folder\nhint: "),
        (["empty", "-o", "out"], 1, "no picture or array"),
        (["m.csv"], 2, "add -o DIR"),
        (["-o", "out"], 2, "needs paths"),
        (["m.csv", "-o", "out", "-j", "0"], 2, "--jobs 1 or more"),
        (["m.csv", "-o", "m.csv"], 2, "not one file such as m.csv"),
        (["z.csv.gz", "-o", "out"], 1, "z.csv.gz is compressed with gzip"),
        (["taken", "-o", "out"], 1, "the name of taken does not say which format to write"),
        (["m.csv", "-o", "taken"], 1, "cannot make the folder taken: a file of that name exists"),
        (["m.csv", "-o", "out", "--send-bytes"], 2, "needs --scheduler"),
        (["m.csv", "-o", "out", "--set", "pool.size=2"], 2, "there is none"),
        (["m.csv", "-o", "out", "-f", "table"], 2, "table"),
        (["m.csv", "-o", "out", "--mode", "nope"], 2, "unknown mode"),
        (["m.csv", "-o", "out", "--size", "9"], 1, "window 9x9 is larger"),
        (["m.csv", "-o", "out", "--report", "none/r.jsonl"], 1, "cannot write none/r.jsonl"),
        (["m.csv", "-o", "out", "--report", "m.csv"], 2, "is one of the files to read"),
        (["m.csv", "-o", "out", "--report", "link.jsonl"], 2, "is one of the files to read"),
        (["m.csv", "-o", "out", "--report", "out/m.csv"], 2, "is one of the results"),
        (["m.csv", "-o", "out", "--report", "dangling.jsonl"], 2, "is one of the results"),
        (["m.csv", "-o", "out", "--report", "taken"], 2, "would replace taken, which is not a report\nhint: "),
        (["m.csv", "-o", "out", "--missing", "a.csv"], 2, "a.csv is a file, not a missing value"),
        (["m.csv", "-o", "out", "--steps", "r.json", "--report", "r.json"], 2, "is one of the files to read"),
        (["m.csv", "-o", "out", "--filter", "k.json", "--report", "k.json"], 2, "is one of the files to read"),
        (["x.zarr", "-o", "out"], 1, "hint: use: poolcli pool x.zarr -o out.zarr"),
        (["pipe.csv", "-o", "out"], 1, "cannot read pipe.csv: it is a FIFO or a device"),
        (["m.csv", "-o", "out", "--name", "{stem}.xyz"], 2, "unknown extension '.xyz'"),
    ],
)
def test_what_cannot_be_done_is_told(call: Run, photos: Path, words: list[str], code: int, said: str) -> None:
    for name in ("empty", "x.zarr"):
        (photos / name).mkdir()
    (photos / "link.jsonl").symlink_to("m.csv")
    (photos / "dangling.jsonl").symlink_to("out/m.csv")
    (photos / "taken").write_text("1,2")
    (photos / "a.csv").write_text("1,2")
    (photos / "z.csv.gz").write_bytes(gzip.compress(b"1,2"))
    (photos / "r.json").write_text('[{"step": "pool"}]')
    (photos / "k.json").write_text("[[1]]")
    os.mkfifo(photos / "pipe.csv")
    result = call("batch", *words, cwd=photos)
    assert (result.code, said in result.err) == (code, True), result.err
    assert not list(photos.rglob("*.tmp"))
    assert (photos / "m.csv").read_text() == "1,2\n3,4\n"
    assert code != 2 or not (photos / "out").exists()


def test_where_nothing_is_to_be_done_no_folder_is_made(call: Run, tmp_path: Path) -> None:
    assert call("batch", "gone*.csv", "-o", "out", cwd=tmp_path).code == 1
    assert os.listdir(tmp_path) == []


def test_a_list_without_nul_says_how_to_make_one(call: Run, tmp_path: Path) -> None:
    result = call("batch", "--files0", "-o", "out", stdin="a.csv\nb.csv\n", cwd=tmp_path)
    assert (result.code, "find -print0" in result.err) == (2, True), result.err


# What made a result, and a kill at every moment


def looked_at(jobs: list[Job], work: Work) -> dict[str, str]:
    """What a second run says of each result: a status, or ``make``."""
    told: list[Outcome] = []
    left = {job.target: "make" for job in remaining(jobs, work, overwrite=False, tell=told.append)}
    return left | {outcome.job.target: outcome.status for outcome in told}


def test_a_result_of_which_nobody_was_told_is_known_to_the_next_run(tmp_path: Path) -> None:
    """As when the whole session is killed after a worker has written a file."""
    jobs = jobs_in(tmp_path, "a", "b")
    work = noted(tmp_path)
    pool_path(jobs[0], work)
    assert looked_at(jobs, work) == {jobs[0].target: "skipped", jobs[1].target: "make"}


@pytest.mark.posix
def test_a_result_that_is_killed_before_it_has_its_name_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The line says what is not there yet; what is there still is what an older line says."""
    (job,) = jobs_in(tmp_path, "a")
    work = noted(tmp_path)
    pool_path(job, work)
    old = Path(job.target).read_bytes()
    other = replace(work, steps=[PoolStep("avg", 2)])

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            pool_path(job, other)
    assert Path(job.target).read_bytes() == old
    assert looked_at([job], work) == {job.target: "skipped"}
    assert looked_at([job], other) == {job.target: "make"}


def test_a_result_that_cannot_be_noted_does_not_appear(tmp_path: Path) -> None:
    (job,) = jobs_in(tmp_path, "a")
    (tmp_path / JOURNAL).mkdir()
    outcome = pool_path(job, noted(tmp_path))
    assert outcome.status == "failed"
    assert str(outcome.message) == f"cannot write {tmp_path / JOURNAL}: it is a folder"
    assert sorted(os.listdir(tmp_path)) == sorted([JOURNAL, "a.csv"])
    with pytest.raises(FileError, match=r"cannot read .*: it is a folder"):
        looked_at([job], noted(tmp_path))


def test_a_line_that_was_cut_off_hides_no_other(tmp_path: Path) -> None:
    jobs = jobs_in(tmp_path, "a", "b")
    work = noted(tmp_path)
    pool_path(jobs[0], work)
    with open(tmp_path / JOURNAL, "a") as journal:
        journal.write('{"output": "b.out.csv", "sta')
    pool_path(jobs[1], work)
    assert looked_at(jobs, work) == dict.fromkeys([job.target for job in jobs], "skipped")


@pytest.mark.parametrize(
    "line",
    [
        "null", "5", "[" * 100_000, '{"output": 5}', '{"output": "a.out.csv", "state": null, "made": {}}',
        '{"output": "a.out.csv", "state": [[], {}], "made": {}}', '{"output": "a.out.csv", "state": STATE, "made": 5}',
        '{"output": "a.out.csv", "state": STATE, "made": {"steps": [5]}}', "9" * 5000, "\x00\xff",
        '{"output": "a.out.csv", "state": STATE, "made": {"steps": [{"step": []}]}}',
        '{"output": "a.out.csv", "state": STATE, "made": {"steps": [{"step": "pool", "mode": {}, "size": "x"}]}}',
        '{"output": "a.out.csv", "state": STATE, "made": {"steps": [{"step": "pool"}], "read": {"x": []}}}',
        '{"output": "a.out.csv", "state": STATE, "made": {"steps": [{"step": "pool"}], "ndim": [2]}}',
    ],
    ids=lambda line: line[:20] + line[-40:],
)  # fmt: skip
def test_a_journal_of_someone_else_is_never_a_traceback(tmp_path: Path, line: str) -> None:
    (job,) = jobs_in(tmp_path, "a")
    Path(job.target).write_text("4\n")
    found = os.stat(job.target)
    (tmp_path / JOURNAL).write_text(line.replace("STATE", f"[{found.st_size}, {found.st_mtime_ns}]"))
    assert set(looked_at([job], noted(tmp_path)).values()) <= {"failed", "make"}


# Faults


MANY = 20
LAST = f"p{MANY - 1}.png"
SLOW = ("--mode", "median", "--size", "9", "--stride", "1")  # a second for all, so that what comes comes in time


SCRATCH = "for temporary files, with a name longer than that of a socket may be".ljust(110, ".")


def started(folder: Path, *words: str | Path) -> subprocess.Popen[bytes]:
    (folder / SCRATCH).mkdir()
    env = clean_environment({"POOLCLI_THREADS": "1", "TMPDIR": str(folder / SCRATCH)})
    return subprocess.Popen(
        [command(), "batch", *map(str, words)], cwd=folder, env=env,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
    )  # fmt: skip


def wait_for(folder: Path, count: int) -> None:
    end = time.monotonic() + 60
    while len(list(folder.glob("*.png"))) < count:
        assert time.monotonic() < end, "no results came"
        time.sleep(0.005)


@pytest.fixture
def many(tmp_path: Path) -> Path:
    """Pictures that take some time."""
    folder = tmp_path / "many"
    first = picture(folder / "p00.png", 0, (500, 600))
    for number in range(1, MANY):
        os.link(first, folder / f"p{number:02}.png")
    return folder


@pytest.mark.slow
@pytest.mark.parametrize(("number", "presses"), [(signal.SIGTERM, 1), (signal.SIGINT, 2)])
def test_a_worker_that_hangs_in_a_read_does_not_hang_the_batch(
    many: Path, tmp_path: Path, number: signal.Signals, presses: int
) -> None:
    process = started(tmp_path, many, "-o", tmp_path / "out", "-j", "2", *SLOW)
    wait_for(tmp_path / "out", 1)
    (many / LAST).unlink()
    os.mkfifo(many / LAST)
    wait_for(tmp_path / "out", MANY - 1)
    for _ in range(presses):
        time.sleep(0.3)
        process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (process.returncode, b"Traceback" in err) == (-number, False), err
    assert presses == 2 or f"interrupted after {MANY - 1} of {MANY} files".encode() in err
    for _ in range(100):  # those that were killed take a moment to go
        if not _in_session(process.pid):
            break
        time.sleep(0.1)
    assert not _in_session(process.pid)


BESIDE_A_THREAD = """
import sys, threading, time
threading.Thread(target=time.sleep, args=(60,), daemon=True).start()
from poolcli.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def test_a_worker_that_is_about_to_start_says_nothing_when_its_parent_is_killed(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(
        "import time, sys\nif '--multiprocessing-fork' in sys.argv: time.sleep(1)"
    )
    (tmp_path / "in.csv").write_text("1,2\n3,4\n")
    process = subprocess.Popen(
        [sys.executable, "-c", BESIDE_A_THREAD, "batch", "in.csv", "-o", "out"], cwd=tmp_path,
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True,
        env=clean_environment({"PYTHONPATH": str(tmp_path)}),
    )  # fmt: skip
    while not any("spawn_main" in line for line in _in_session(process.pid)):
        time.sleep(0.005)
    process.kill()
    assert process.communicate(timeout=60) == (b"", b"")


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupted_batch_leaves_whole_files_and_goes_on(
    run: Run, many: Path, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    out, words = tmp_path / "out", (many, "-o", tmp_path / "out", "-j", "2", *SLOW)
    process = started(tmp_path, *words)
    wait_for(out, 5)
    os.killpg(process.pid, number) if number == signal.SIGINT else process.send_signal(number)
    _, err = process.communicate(timeout=60)
    assert (code_of(process.returncode), b"to resume, repeat the command with --skip-existing" in err) == (
        code,
        True,
    ), err
    assert err.count(b"\n") == 1, err  # nor does Python speak of the workers that were ended
    assert not os.listdir(tmp_path / SCRATCH)
    half = made_of(out)
    assert 5 <= len(half) < MANY
    assert not [name for name in half if name.endswith(".tmp")]
    result = run("batch", *words, "--skip-existing")
    assert (result.code, counts(result)["skipped"]) == (0, str(len(half)))
    whole = made_of(out)
    assert len(whole) == MANY
    assert len(set(whole.values())) == 1, "every input was the same"
    assert set(half.values()) == set(whole.values())


@pytest.mark.slow
def test_workers_end_with_a_parent_that_is_killed(many: Path, tmp_path: Path) -> None:
    process = started(tmp_path, many, "-o", tmp_path / "out", "-j", "2", *SLOW)
    wait_for(tmp_path / "out", 2)
    process.kill()
    assert process.communicate(timeout=60) == (b"", b"")  # nor does anybody say that it is gone
    assert not os.listdir(tmp_path / SCRATCH)
    end = time.monotonic() + 20
    while _in_session(process.pid):
        assert time.monotonic() < end, f"left running: {_in_session(process.pid)}"
        time.sleep(0.02)


def _in_session(session: int) -> list[str]:
    """The processes that still run in a session, by their command lines."""
    left = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            state, *fields = (entry / "stat").read_text().rpartition(")")[2].split()
            if int(fields[2]) == session and state != "Z":
                left.append((entry / "cmdline").read_text())
        except (OSError, ValueError):
            continue  # it has just ended
    return left


@pytest.mark.slow
def test_a_full_disk_is_told_and_the_rest_is_done_when_there_is_room(run: Run, many: Path, disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,size=700k", disk], check=True)
    words = ("batch", many, "-o", disk / "out", "-j", "2", "--report", disk / "report.jsonl")
    first = run(*words)
    assert first.code == 3
    assert "no space left on the device" in first.err
    done = made_of(disk / "out")
    assert 0 < len(done) < MANY
    assert len(set(done.values())) == 1, "a part of a file was left"
    assert not [name for name in done if name.endswith(".tmp")]
    subprocess.run(["mount", "-o", "remount,size=60m", disk], check=True)
    second = run(*words, "--skip-existing")
    assert (second.code, counts(second)["skipped"]) == (0, str(len(done)))
    assert len(lines(disk / "report.jsonl")) == MANY


@pytest.mark.skipif(not hasattr(os, "openpty"), reason="needs a pseudo-terminal")
def test_a_bar_is_drawn_on_a_terminal_and_nowhere_else(photos: Path, programs: Path, tmp_path: Path) -> None:
    mine, theirs = os.openpty()
    words = [*map(str, (programs / "poolcli", "batch", photos, "-o", tmp_path / "out"))]
    environment = clean_environment({"TERM": "xterm", "COLUMNS": "100"})
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=theirs, env=environment, check=False, timeout=60)
    os.close(theirs)
    drawn = b""
    while chunk := _read(mine):
        drawn += chunk
    os.close(mine)
    assert done.returncode == 3
    assert b"6/6" in drawn
    assert b"1 failed" in drawn
    assert b"files/s" in drawn
    assert b"\x1b" not in done.stdout


def _read(descriptor: int) -> bytes:
    try:
        return os.read(descriptor, 1 << 16)
    except OSError:  # how Linux says that the other end is closed
        return b""


def test_names_cannot_talk_to_the_terminal(run: Run, tmp_path: Path) -> None:
    name = "a\x1b[31m\n[red].png"
    (tmp_path / name).write_bytes(b"no picture")
    result = run("batch", tmp_path / name, "-o", tmp_path / "out", env={"FORCE_COLOR": ""})
    assert result.code == 1
    assert "\x1b[31m" not in result.err + result.out
    assert "\\x1b[31m" in result.err


# --- results that get lost --------------------------------------------------------------------------------------------


class Forgetful(Executor):
    """Does every task, and loses the results of the first calls, as Dask does when a worker dies after its work."""

    def __init__(self, losses: int) -> None:
        self.losses, self.calls = losses, 0

    def submit(self, function: Any, /, *arguments: Any, **named: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.calls += 1
        result = function(*arguments, **named)
        if self.calls <= self.losses:
            future.set_exception(TypeError("cannot unpack non-iterable Outcome object"))
        else:
            future.set_result(result)
        return future


@pytest.mark.parametrize(
    ("losses", "calls", "statuses"),
    [(0, 2, ["done"] * 2), (1, 3, ["done"] * 2), (3, 4, ["done", "failed"]), (4, 4, ["failed"] * 2)],
)
def test_a_job_whose_result_got_lost_is_done_once_more(
    tmp_path: Path, losses: int, calls: int, statuses: list[str]
) -> None:
    pool = Forgetful(losses)

    class Workers(Local):
        @contextmanager
        def open(self) -> Iterator[tuple[Executor, int]]:
            yield pool, 4

        def alone(self) -> Local:
            return self

    jobs = []
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text("1,2\n3,4\n")
        jobs.append(Job(str(tmp_path / name), str(tmp_path / f"out_{name}")))
    told: list[Outcome] = []
    run_jobs(jobs, ByPath(Work([PoolStep()], ReadOptions(), WriteOptions())), Workers(1), told.append)
    assert (pool.calls, sorted(outcome.status for outcome in told)) == (calls, statuses)
    assert {Path(outcome.job.source).name for outcome in told} == {"a.csv", "b.csv"}


@pytest.mark.slow
@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_what_is_passed_over_is_counted(run: Run, tmp_path: Path, more: list[str]) -> None:
    folder = tmp_path / "in"
    for deeper in ("a", "b", ".hidden"):
        (folder / deeper).mkdir(parents=True)
        (folder / deeper / "m.csv").write_text("1,2\n3,4\n")
    for name in ("m.csv", "notes.txt", ".hidden.txt"):
        (folder / name).write_text("1,2\n3,4\n")
    words = ["batch", str(folder), *more]
    assert run(*words, "-o", "1", cwd=tmp_path).err == (
        "note: 2 folders, 1 other file left alone; -r goes into folders, -v says why\n"
    )
    assert run(*words, "-o", "2", "-r", cwd=tmp_path).err == "note: 1 other file left alone; -v says why\n"
    assert run(*words, "-o", "3", "-q", cwd=tmp_path).err == ""
    why = f"{folder / 'notes.txt'} ends in .txt, which batch does not take from a folder\n"
    assert run(*words, "-o", "4", "-r", "-v", cwd=tmp_path).err == f"{why}note: 1 other file left alone\n"
    (folder / "notes.txt").unlink()
    assert run(*words, "-o", "5", "-r", cwd=tmp_path).err == ""


@pytest.fixture
def mixed(tmp_path: Path) -> Path:
    """A folder with a table, and what poolcli does not read."""
    folder = tmp_path / "in"
    (folder / "deep").mkdir(parents=True)
    (folder / "m.csv").write_text("1,2\n3,4\n")
    (folder / "a.pdf").write_bytes(b"%PDF-1.7")
    (folder / "notes.xyz").write_text("1,2\n3,4\n")
    (folder / ".hidden.xyz").write_text("")
    os.mkfifo(folder / "pipe.csv")
    return folder


def test_what_is_passed_over_is_named_in_the_report_and_why(run: Run, mixed: Path, tmp_path: Path) -> None:
    result = run("batch", "in", "-o", "out", "--report", "r.jsonl", "-j", "1", cwd=tmp_path)
    assert (result.code, result.err) == (
        0,
        "note: 1 folder, 3 other files left alone; -r goes into folders, -v says why\n",
    )
    passed = {line["input"]: line for line in lines(tmp_path / "r.jsonl") if line["status"] == "passed over"}
    assert {path: line["reason"] for path, line in passed.items()} == {
        "in/deep": "in/deep is a folder",
        "in/a.pdf": "in/a.pdf is a PDF",
        "in/notes.xyz": "in/notes.xyz has no extension that poolcli reads",
        "in/pipe.csv": "in/pipe.csv is a FIFO or a device, not a file",
    }
    assert (
        passed["in/a.pdf"]["hint"]
        == "convert its pages to pictures first with Poppler: mkdir unpacked; pdftoppm -png in/a.pdf unpacked/page"
    )
    assert [line["status"] for line in lines(tmp_path / "r.jsonl") if line not in passed.values()] == ["done"]


@pytest.mark.parametrize("more", [[], ["--dry-run"]])
def test_what_is_passed_over_is_named_with_v(run: Run, mixed: Path, tmp_path: Path, more: list[str]) -> None:
    said = run("batch", "in", "-o", "out", "-j", "1", "-v", *more, cwd=tmp_path).err.splitlines()
    assert said == [
        "in/deep is a folder", "in/a.pdf is a PDF", "in/notes.xyz has no extension that poolcli reads",
        "in/pipe.csv is a FIFO or a device, not a file",
        "note: 1 folder, 3 other files left alone; -r goes into folders",
    ]  # fmt: skip
    (mixed / "a.pdf").write_bytes(b"")
    assert run("batch", "in", "-o", "out2", "-q", "-v", *more, cwd=tmp_path).err == ""


def test_a_folder_without_anything_to_read_says_what_it_holds(call: Run, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.PDF").write_bytes(b"%PDF-1.7")
    (folder / "README").write_text("")
    result = call("batch", "in", "-o", "out", cwd=tmp_path)
    assert (result.code, result.err.splitlines()[:2]) == (1, [
        "error: the folder in contains no picture or array that poolcli reads, but 3 .pdf files, 1 other file",
        "hint: convert its pages to pictures first with Poppler: mkdir unpacked; pdftoppm -png in/0.PDF unpacked/page",
    ])  # fmt: skip
    (folder / "deep").mkdir()
    assert "hint: add -r to look into its folders" in call("batch", "in", "-o", "out", cwd=tmp_path).err


def test_what_files_lose_is_said_and_in_the_report(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    grid = "ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n1 -9999\n3 4\n"
    for name in ("a", "b"):
        (folder / f"{name}.asc").write_text(grid, encoding="utf-8")
    (folder / "c.csv").write_text(",x,y\n0,5,6\n1,7,8\n", encoding="utf-8")
    found = run("batch", "in", "-o", "out", "--name", "{stem}.png", "-k", "1", "--report", "r.jsonl", cwd=tmp_path)
    missing = "1 value missing (NODATA_value of the file), taken as NaN"
    labels = "column 1 holds row labels ('0' ...) and is left out; --columns 1- keeps it"
    assert f"note: in/a.asc: {missing} (and in 1 more file)\n" in found.err
    assert "note: in/a.asc: normalize auto chose minmax: 1 is black, 4 white (and in 1 more file)\n" in found.err
    assert f"note: in/c.csv: {labels}\n" in found.err
    rows = {row["input"]: row for row in map(json.loads, (tmp_path / "r.jsonl").read_text().splitlines())}
    assert missing in rows["in/b.asc"]["notes"]
    assert labels in rows["in/c.csv"]["notes"]
    words = ["batch", "in", "-o", "out", "--name", "{stem}.png", "--overwrite", "-k", "1", "-q"]
    assert run(*words, cwd=tmp_path).err == ""


def test_colours_that_became_gray_are_told(call: Run, tmp_path: Path) -> None:
    for name, mode in (("a", "RGB"), ("b", "L"), ("c", "P")):
        Image.new(mode, (4, 4), 7).save(tmp_path / f"{name}.png")
    (tmp_path / "d.ppm").write_bytes(b"P6 2 2 65535\n" + bytes(24))
    names = [f"{name}.png" for name in "abc"] + ["d.ppm"]
    gray = call("batch", *names, "-o", "out", cwd=tmp_path)
    assert "note: a.png: colours became gray; --channels rgb keeps them (and in 2 more files)\n" in gray.err
    assert "gray" not in call("batch", *names, "-o", "rgb", "--channels", "rgb", cwd=tmp_path).err


def test_a_report_replaces_only_a_report(call: Run, tmp_path: Path) -> None:
    (tmp_path / "m.csv").write_text("1,2\n3,4\n", encoding="utf-8")
    report, words = tmp_path / "r.jsonl", ["batch", "m.csv", "-o", "out", "--overwrite", "--report", "r.jsonl"]
    for before in ("", '{"input": "old"}\n', "1,2\n"):
        report.write_text(before, encoding="utf-8")
        assert call(*words, cwd=tmp_path).code == 0
        assert len(lines(report)) == 1
    report.write_text("1,2\n", encoding="utf-8")
    assert call(*(word for word in words if word != "--overwrite"), "--skip-existing", cwd=tmp_path).code == 2
    assert report.read_text(encoding="utf-8") == "1,2\n"


def test_many_notes_are_not_all_told(run: Run, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    folder.mkdir()
    for number in range(13):
        (folder / f"{number:02}.csv").write_text(f"0,{number + 1}\n", encoding="utf-8")
    found = run("batch", "in", "-o", "out", "--name", "{stem}.png", "-k", "1", cwd=tmp_path)
    assert found.err.count("normalize auto chose minmax") == 10
    assert "note: 3 more such notes; --report FILE lists them all\n" in found.err


@pytest.mark.parametrize(
    ("name", "content", "words", "expected"),
    [
        ("a.csv", b"junk\n1,NA\n3,4\n", ["--skip", "1", "--missing", "NA"], [[1, math.nan], [3, 4]]),
        ("a.csv", b"t,a,b\n1,5,6\n2,7,8\n", ["--columns", "a,b"], [[5, 6], [7, 8]]),
        ("a.csv", b"1,5|2\n", ["--delimiter", "|", "--decimal", ","], [[1.5, 2]]),
        ("a.npz", None, ["--array", "y"], [[3, 4]]),
        ("a.gif", None, ["--frame", "all"], [[[0]], [[255]]]),
        ("a.png", None, ["--linear-light"], [[187.515625]]),
    ],
)
def test_a_batch_reads_as_the_commands_for_one_file_do(
    call: Run, run: Run, tmp_path: Path, name: str, content: bytes | None, words: list[str], expected: Any
) -> None:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / name
    if content is not None:
        path.write_bytes(content)
    elif name == "a.npz":
        np.savez(path, x=np.array([[1, 2]]), y=np.array([[3, 4]]))
    elif name == "a.gif":
        frames = [Image.new("L", (1, 1), level) for level in (0, 255)]
        frames[0].save(path, save_all=True, append_images=frames[1:])
    else:
        Image.fromarray(np.eye(2, dtype=np.uint8) * 255).save(path)
    pooling = ["-m", "avg", "--global"] if name == "a.png" else ["-k", "1"]
    assert run("batch", "in", "-o", "out", "--name", "{stem}.npy", *words, *pooling, cwd=tmp_path).code == 0
    made = np.load(tmp_path / "out" / "a.npy")
    np.testing.assert_allclose(made, expected, rtol=1e-3)
    one = str(path)
    for line in (["pool", *words, *pooling, one], ["run", *words, one, "pool", *pooling]):
        assert call(line[0], "-o", "one.npy", *line[1:], cwd=tmp_path).code == 0
        np.testing.assert_array_equal(np.load(tmp_path / "one.npy"), made)

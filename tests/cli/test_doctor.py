"""What ``poolcli doctor`` says of an installation, whole or broken, and what it keeps to itself."""

from __future__ import annotations

import os
import platform
from importlib import metadata
from pathlib import Path
from typing import Any

import pytest
from PIL import features

import poolcli
from poolcli.cli.commands import doctor
from poolcli.formats.pictures_in import LIBRARIES
from tests.support.process import Run
from tests.support.terminal import on_terminal

pytestmark = pytest.mark.slow

Rows = dict[tuple[str, str], dict[str, str]]


def rows(result: Any) -> Rows:
    assert (result.code, result.err) == (0, "")
    return {(row["part"], row["what"]): row for row in result.json()}


def test_versions_are_those_that_are_installed(call: Run) -> None:
    found = rows(call("doctor", "--json"))
    assert found["versions", "poolcli"]["found"] == poolcli.__version__
    assert found["versions", "python"]["found"].startswith(platform.python_version())
    for name in ("numpy", "orjson", "pillow", "rich", "typer"):
        row = found["versions", name]
        assert (row["found"], row["state"], row["advice"]) == (metadata.version(name), "ok", ""), name
    assert {what for part, what in found if part == "extras"} == {"dask", "distributed", "onnx", "onnxruntime", "zarr"}
    assert not [row for row in found.values() if row["state"] == "broken"]


def test_the_table_has_what_the_json_has(call: Run) -> None:
    told = [[row["part"], row["what"], row["state"]] for row in call("doctor", "--json").json()]
    drawn = call("doctor").cells()
    head = drawn[0]
    assert head[:4] == ["part", "what", "found", "state"]
    assert [[row[0], row[1], row[3]] for row in drawn[1:]] == told


def test_it_fits_a_terminal(call: Run) -> None:
    result = call("doctor", env={"COLUMNS": "80", "POOLCLI_NO_SUCH_OPTION": "x" * 100})
    assert max(map(len, result.out.splitlines())) <= 80


def test_threads_say_where_they_come_from(call: Run) -> None:
    usual = rows(call("doctor", "--json"))["machine", "threads"]
    assert usual["found"] == f"{len(os.sched_getaffinity(0))}, one for each processor"
    given = rows(call("doctor", "--json", env={"POOLCLI_THREADS": "7"}))
    assert given["machine", "threads"]["found"] == "7, from POOLCLI_THREADS"
    assert given["settings", "POOLCLI_THREADS"]["found"] == "7"
    wrong = rows(call("doctor", "--json", env={"POOLCLI_THREADS": "many"}))["machine", "threads"]
    assert (wrong["state"], wrong["advice"]) == (
        "broken", "'many' is not a number of threads: use --threads 1 or more"
    )  # fmt: skip


def test_libraries_of_pictures_are_those_that_pillow_has(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    found = rows(call("doctor", "--json"))
    assert {what for part, what in found if part == "pictures"} == {*LIBRARIES}
    assert found["pictures", "png"]["found"] in (f"{one} {features.version(one)}" for one in ("zlib_ng", "zlib"))
    real = features.check
    monkeypatch.setattr(features, "check", lambda name: name != "webp" and real(name))
    row = rows(call("doctor", "--json"))["pictures", "webp"]
    assert (row["found"], row["state"], row["advice"]) == ("none", "missing", "Pillow was built without it")


def test_a_package_that_is_too_old_is_broken(run: Run, tmp_path: Path) -> None:
    info = tmp_path / "pillow-9.5.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: pillow\nVersion: 9.5\n")
    row = rows(run("doctor", "--json", env={"PYTHONPATH": str(tmp_path)}, fresh=True))["versions", "pillow"]
    assert (row["found"], row["state"]) == ("9.5", "broken")
    assert row["advice"] == "poolcli needs >=11.0: pip install 'pillow>=11.0'"


def test_a_package_that_cannot_be_imported_is_broken(run: Run, tmp_path: Path) -> None:
    (tmp_path / "orjson.py").write_text("raise ImportError('built for another machine')")
    result = run("doctor", env={"PYTHONPATH": str(tmp_path)}, fresh=True)
    (row,) = [row for row in result.cells() if row[1] == "orjson"]
    assert result.code == 0
    assert row[3:] == ["broken", "cannot be imported: ImportError: built for another machine"]


def test_an_extra_that_is_missing_says_what_to_install(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    real = metadata.version

    def version(name: str) -> str:
        if name in ("distributed", "zarr"):
            raise metadata.PackageNotFoundError(name)
        return real(name)

    monkeypatch.setattr(metadata, "version", version)
    found = rows(call("doctor", "--json"))
    assert found["extras", "distributed"] == {
        "part": "extras", "what": "distributed", "found": "", "state": "missing",
        "advice": "pip install 'poolcli[dask]'",
    }  # fmt: skip
    assert found["extras", "zarr"]["advice"] == "pip install 'poolcli[zarr]'"


def test_a_part_that_fails_does_not_take_the_others_with_it(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    found = rows(call("doctor", "--json"))
    assert found["versions", "versions"]["advice"].startswith("PackageNotFoundError")
    assert found["pictures", "png"]["state"] == "ok"


def test_metadata_of_another_version_is_told(call: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "__version__", "9.9")
    row = rows(call("doctor", "--json"))["versions", "poolcli"]
    assert (row["found"], row["state"]) == ("9.9", "broken")


@pytest.mark.parametrize(
    ("version", "wanted", "expected"),
    [("1.26.4", ">=2.0", False), ("2", ">=2.0", True), ("2.0.0.dev1", ">=2.0", True), ("0.28.3", "<0.29,>=0.28", True),
     ("0.29.0", "<0.29,>=0.28", False), ("0.3", "<0.29", True), ("10.0", ">=9", True), ("1.0", "", True),
     ("1.0", "!=1.0", False), ("1.0", "==1.0", True)],
)  # fmt: skip
def test_versions_are_compared_by_their_numbers(version: str, wanted: str, expected: bool) -> None:
    assert doctor.fits(version, wanted) is expected


def test_packages_are_listed_with_their_state(run: Run, tmp_path: Path) -> None:
    info = tmp_path / "broken-2.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 2.0\n")
    (info / "entry_points.txt").write_text(
        "[poolcli.modes]\nmax = rows:MODE\nodd = rows:MODE\n[poolcli.filters]\ngone = rows:GONE\n"
        "[poolcli.formats]\njpg = rows:MODE\n"
    )
    (tmp_path / "rows.py").write_text("from poolcli.plugins import MAX, Mode\nMODE = Mode('odd', 'max(x)', (MAX,))\n")
    found = rows(run("doctor", "--json", env={"PYTHONPATH": str(tmp_path)}, fresh=True))
    states = {what: row["state"] for (part, what), row in found.items() if part == "packages"}
    assert states == {"mode max": "broken", "mode odd": "ok", "filter gone": "broken", "format jpg": "broken"}
    assert found["packages", "mode odd"]["found"] == "broken 2.0 (rows:MODE)"
    assert "poolcli has its own" in found["packages", "format jpg"]["advice"]
    assert "has no attribute 'GONE'" in found["packages", "filter gone"]["advice"]


def test_settings_are_shown_and_unknown_ones_found(call: Run) -> None:
    found = rows(call("doctor", "--json", env={"POOLCLI_SIZE": "3", "POOLCLI_SZIE": "3", "POOLCLI_DEBUG": ""}))
    states = {what: row["state"] for (part, what), row in found.items() if part == "settings"}
    assert states == {"POOLCLI_DEBUG": "ok", "POOLCLI_SIZE": "ok", "POOLCLI_SZIE": "broken"}


def test_it_says_neither_who_nor_where(run: Run, tmp_path: Path) -> None:
    home = tmp_path / "somebody"
    home.mkdir()
    there = {"HOME": str(home), "USER": "somebody", "LOGNAME": "somebody", "HOSTNAME": "somewhere",
             "POOLCLI_OUTPUT": f"{home}/out.csv", "POOLCLI_STEPS": f"{home}/a.json"}  # fmt: skip
    result = run("doctor", "--json", env=there, cwd=home)
    assert "somebody" not in result.out
    assert platform.node() not in result.out.split() or platform.node() in platform.platform()
    assert rows(result)["settings", "POOLCLI_OUTPUT"]["found"] == "~/out.csv"


def test_a_pipe_is_no_terminal_and_a_terminal_is_one(run: Run, programs: Path) -> None:
    piped = rows(run("doctor", "--json", env={"NO_COLOR": "1", "TERM": "dumb"}))
    assert piped["terminal", "terminal"]["found"] == "no"
    assert piped["terminal", "width"]["found"] == "no limit"
    assert piped["terminal", "NO_COLOR"]["found"] == "1"
    narrow = rows(run("doctor", "--json", env={"LC_ALL": "C", "PYTHONIOENCODING": "ascii"}))
    assert narrow["terminal", "unicode"]["found"] == "no (ascii)"
    program, env = programs / "poolcli", {"COLORTERM": "truecolor"}
    shown = on_terminal("doctor", stderr=True, columns=100, env=env, program=program).out
    assert "stdin, stdout, stderr" in shown
    assert "truecolor" in shown


def test_values_of_variables_that_no_option_takes_are_broken(call: Run) -> None:
    given = {"MODE": "foo", "SIZE": "ab", "RELU": "maybe", "COLOR": "mauve", "STRIDE": "2", "FORMAT": "csv",
             "MISSING": "-9", "PADDING": "same"}  # fmt: skip
    found = call("doctor", "--json", env={f"POOLCLI_{name}": value for name, value in given.items()}).json()
    rows = {row["what"]: row["state"] for row in found}
    assert {name for name in given if rows[f"POOLCLI_{name}"] == "broken"} == {"MODE", "SIZE", "RELU", "COLOR"}
    several = call("doctor", "--json", env={"POOLCLI_MODE": "max,avg"}).json()  # for compare
    assert {row["what"]: row["state"] for row in several}["POOLCLI_MODE"] == "ok"

"""Zarr arrays of other programs: whatever they say of themselves is used, or refused with a two-line error."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.support.extras import needs
from tests.support.process import Run

needs("zarr", extra="zarr")


def array(path: Path, own: Any, shape: tuple[int, ...] = (3, 8, 8)) -> None:
    import zarr

    made: Any = zarr.create_array(
        str(path),
        shape=shape,
        chunks=(1, 4, 4)[-len(shape) :],
        dtype="f4",
        zarr_format=3,
        attributes={"poolcli": own, "units": "m"},
    )
    made[:] = np.arange(np.prod(shape)).reshape(shape)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        ({"layout": 5}, "in.zarr: layout is not text"),
        ({"layout": []}, "in.zarr: layout is not text"),
        ({"layout": "sdf"}, "in.zarr: layout 'sdf' has unknown letters: F, S"),
        ({"layout": "CCC"}, "in.zarr: layout 'CCC' names an axis twice"),
        ({"layout": "HW"}, "layout HW names 2 axes, but in.zarr has 3"),
        ({"layout": "\x1b[31m"}, r"in.zarr: layout '\x1b[31m' has unknown letters"),
        ({"steps": None}, "in.zarr: steps is not a list of objects"),
        ({"steps": 5}, "in.zarr: steps is not a list of objects"),
        ({"steps": {"step": "pool"}}, "in.zarr: steps is not a list of objects"),
        ({"steps": [None]}, "in.zarr: steps is not a list of objects"),
        ({"steps": [{"a": 1}]}, "in.zarr: steps is not a list of objects that name a step"),
    ],
)
@pytest.mark.parametrize("target", ["out.zarr", "out.npy"])
def test_what_an_array_says_wrongly_is_told_in_two_lines(
    call: Run, tmp_path: Path, own: Any, said: str, target: str
) -> None:
    array(tmp_path / "in.zarr", own)
    result = call("pool", "in.zarr", "-o", target, cwd=tmp_path)
    assert (result.code, result.err.count("\n")) == (1, 2), result.err
    assert result.err.startswith(f"error: {said}")
    assert not (tmp_path / target).exists()


@pytest.mark.parametrize("own", [None, 5, [], "text", {}, {"layout": None}, {"other": {"a": [1]}}, {"steps": []}])
def test_what_says_nothing_of_the_layout_is_taken_by_its_axes(call: Run, tmp_path: Path, own: Any) -> None:
    array(tmp_path / "in.zarr", own)
    assert call("pool", "in.zarr", "-o", "out.npy", "-q", cwd=tmp_path).code == 0
    assert np.load(tmp_path / "out.npy").shape == (3, 4, 4)


def test_a_layout_that_is_given_takes_the_place_of_a_wrong_one(call: Run, tmp_path: Path) -> None:
    array(tmp_path / "in.zarr", {"layout": 5})
    assert call("pool", "in.zarr", "-o", "out.npy", "-q", "--layout", "CHW", cwd=tmp_path).code == 0


def test_steps_that_only_others_know_ride_along(call: Run, tmp_path: Path) -> None:
    array(tmp_path / "in.zarr", {"steps": [{"step": "sharpen", "by": 5}]})
    assert call("pool", "in.zarr", "-o", "out.zarr", "-q", cwd=tmp_path).code == 0
    told = json.loads((tmp_path / "out.zarr" / "zarr.json").read_text())["attributes"]["poolcli"]["steps"]
    assert [step["step"] for step in told] == ["sharpen", "pool"]


@pytest.mark.parametrize(
    "text",
    ["", "{", "null", "5", "[]", "[" * 100_000, '{"layout": 5}', '{"zarr_format": 3, "node_type": "array"}',
     '{"zarr_format": 3, "node_type": "group", "attributes": 5}', '{"zarr_format": 99, "node_type": "array"}'],
    ids=lambda text: text[:40],
)  # fmt: skip
def test_a_description_that_is_none_is_told_in_two_lines(call: Run, tmp_path: Path, text: str) -> None:
    array(tmp_path / "in.zarr", {})
    (tmp_path / "in.zarr" / "zarr.json").write_text(text)
    result = call("pool", "in.zarr", "-o", "out.npy", cwd=tmp_path)
    assert (result.code, result.err.count("\n")) == (1, 2), result.err
    assert result.err.startswith(("error: in.zarr is", "error: cannot read in.zarr: "))
    assert len(result.err) < 1000


ODD: list[Any] = [None, -1, 10**30, "\x1b[31m\u202e" + "a" * 5000, [], [0], {"name": 5}]


@pytest.mark.slow
@pytest.mark.parametrize("version", [2, 3])
def test_each_word_of_a_description_may_be_anything(call: Run, tmp_path: Path, version: Any) -> None:
    import zarr

    zarr.create_array(str(tmp_path / "in.zarr"), shape=(3, 4, 4), chunks=(1, 4, 4), dtype="f4", zarr_format=version)
    path = tmp_path / "in.zarr" / ("zarr.json" if version == 3 else ".zarray")
    whole = json.loads(path.read_text())
    for key in whole:
        for odd in ODD:
            path.write_text(json.dumps({**whole, key: odd}))
            result = call("pool", "in.zarr", "-o", "out.npy", "-q", cwd=tmp_path)
            assert result.code == 0 or (result.code in (1, 2) and result.err.count("\n") == 2), (key, odd, result.err)
            assert "\x1b" not in result.err
            assert len(result.err) < 5000
            (tmp_path / "out.npy").unlink(missing_ok=True)
            assert [one.name for one in tmp_path.iterdir()] == ["in.zarr"]


def test_a_group_of_many_arrays_names_some(call: Run, tmp_path: Path) -> None:
    import zarr

    group: Any = zarr.create_group(str(tmp_path / "in.zarr"))
    for number in range(23):
        group.create_array(f"a{number:02}", shape=(2, 2), dtype="f4")
    result = call("pool", "in.zarr", "-o", "out.npy", cwd=tmp_path)
    assert result.code == 1
    assert result.err.endswith("in.zarr/a19 and 3 more\n")


@pytest.mark.parametrize("command", ["show", "explain", "compare -m max,avg", "shift"])
def test_a_command_that_reads_no_array_says_which_do(call: Run, tmp_path: Path, command: str) -> None:
    array(tmp_path / "in.zarr", None)
    result = call(*command.split(), "in.zarr", cwd=tmp_path)
    way = "poolcli pool in.zarr --size 1 -o array.npy"
    assert result.err.endswith(f"it is a folder\nhint: pool, conv and run read Zarr arrays, such as: {way}\n")
    assert call(*way.split()[1:], cwd=tmp_path).code == 0
    assert call(*command.split(), "array.npy", "-q", cwd=tmp_path).code == 0


def test_an_array_goes_to_what_is_written_in_parts(call: Run, tmp_path: Path) -> None:
    array(tmp_path / "in.zarr", None, (8, 8))
    said = call("pool", "in.zarr", cwd=tmp_path).err
    assert said == "error: a Zarr array goes to Zarr or one of csv, tsv, npy, txt\nhint: add -o out.zarr\n"
    for kind in ("csv", "tsv", "npy", "txt"):
        assert call("pool", "in.zarr", "-o", f"out.{kind}", cwd=tmp_path).code == 0

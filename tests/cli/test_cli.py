"""The command line from end to end: every test runs the real command in a process of its own."""

from __future__ import annotations

import io
import itertools
import json
import math
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from poolcli.cli.pipeline import AHEAD
from poolcli.pooling.filters import FILTERS
from poolcli.pooling.modes import MODES
from tests.support.process import SAMPLES, Result, Run, Shell, clean_environment, command
from tests.support.terminal import on_terminal

GEEKS = SAMPLES / "geeks_4x4.csv"
ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
Array = NDArray[Any]


def pixels(source: Path | bytes) -> Array:
    """The pixels of a picture."""
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
        return np.asarray(picture)


def mode_and_size(source: Path | bytes) -> tuple[str, tuple[int, int]]:
    """The mode and (width, height) of a picture."""
    with Image.open(io.BytesIO(source) if isinstance(source, bytes) else source) as picture:
        return picture.mode, picture.size


# --- the program itself -----------------------------------------------------------------------------------------------


def test_version(run: Run, python: Run) -> None:
    from poolcli import __version__

    for result in (run("--version"), python("-m", "poolcli", "--version")):
        assert (result.code, result.out, result.err) == (0, f"poolcli {__version__}\n", "")


def test_python_m_does_the_same(run: Run, python: Run) -> None:
    arguments = ("pool", "--mode", "avg", "--json", GEEKS)
    assert python("-m", "poolcli", *arguments) == run(*arguments)
    bad = python("-m", "poolcli", "pool", "--mode", "mx", GEEKS)
    assert (bad.code, bad.out) == (2, "")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help(run: Run, flag: str) -> None:
    result = run(flag)
    assert (result.code, result.err) == (0, "")
    for name in ("pool", "conv", "unpool", "grad", "modes", "filters"):
        assert re.search(rf"^\W*{name}\s", result.out, re.MULTILINE)
    assert "Exit codes" in result.out
    assert "\x1b" not in result.out


def test_help_of_pool_leads_with_examples_and_names_every_option(call: Run) -> None:
    result = call("pool", "--help", env={"COLUMNS": "200"})
    assert result.code == 0
    assert "poolcli pool --mode max --size 2 --stride 2 input.csv" in result.out
    for option in (
        "--mode", "--size", "--stride", "--padding", "--pad-fill", "--dilation", "--ceil-mode", "--count-include-pad",
        "--global", "--output-size", "--fractional", "--seed", "--nan", "--compat", "--filter", "--filter-padding",
        "--bias", "--relu", "--indices", "--storage-order", "--output", "--format", "--json", "--layout",
        "--input-format", "--delimiter", "--decimal", "--header", "--precision", "--max-rows", "--max-cols", "--full",
        "--channels", "--color", "--normalize", "--zoom", "--colormap", "--overwrite", "--quiet", "--verbose",
    ):  # fmt: skip
        assert option in result.out, option


def test_nothing_asked_shows_the_help(run: Run) -> None:
    result = run()
    assert result.code == 2
    assert "Usage: poolcli" in result.out + result.err


def test_no_abbreviations(call: Run) -> None:
    for arguments in (["poo", GEEKS], ["pool", "--glob", GEEKS], [GEEKS]):
        result = call(*arguments)
        assert (result.code, result.out) == (2, "")


# --- modes ------------------------------------------------------------------------------------------------------------

# windows of GeeksforGeeks' matrix: 1 3 5 6 / 2 9 1 7 / 4 2 3 5 / 8 6 7 2
WINDOWS = [[1, 3, 5, 6], [2, 9, 1, 7], [4, 2, 3, 5], [8, 6, 7, 2]]


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("max", [6, 9, 5, 8]),
        ("min", [1, 1, 2, 2]),
        ("avg", [3.75, 4.75, 3.5, 5.75]),
        ("mean", [3.75, 4.75, 3.5, 5.75]),
        ("average", [3.75, 4.75, 3.5, 5.75]),
        ("sum", [15, 19, 14, 23]),
        ("median", [4, 4.5, 3.5, 6.5]),
        ("range", [5, 8, 3, 6]),
        ("majority", [1, 2, 4, 8]),
        ("mode", [1, 2, 4, 8]),
        ("var", [14.75 / 4, 44.75 / 4, 5 / 4, 20.75 / 4]),
        ("std", [math.sqrt(v / 4) for v in (14.75, 44.75, 5, 20.75)]),
        ("rms", [math.sqrt(v / 4) for v in (71, 135, 54, 153)]),
        ("l2", [math.sqrt(v) for v in (71, 135, 54, 153)]),
        ("lp:3", [sum(v**3 for v in w) ** (1 / 3) for w in WINDOWS]),
        ("percentile:25", [2.5, 1.75, 2.75, 5]),
        ("mixed:0.5", [(6 + 3.75) / 2, (9 + 4.75) / 2, (5 + 3.5) / 2, (8 + 5.75) / 2]),
        ("soft", [sum(v * math.exp(v) for v in w) / sum(math.exp(v) for v in w) for w in WINDOWS]),
        ("logavgexp:1", [math.log(sum(math.exp(v) for v in w) / 4) for w in WINDOWS]),
    ],
)
def test_mode(call: Run, mode: str, expected: list[float]) -> None:
    result = call("pool", "-m", mode, "-k", "2", "-s", "2", "--json", GEEKS)
    assert (result.code, result.err) == (0, "")
    assert list(itertools.chain(*result.data())) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--mode", "max", "--global"], 9),
        (["--mode", "global-max"], 9),
        (["--mode", "global-min"], 1),
        (["--mode", "global-mean"], 4.4375),
        (["--mode", "global-sum"], 71),
        (["--mode", "global-median"], 4.5),
        (["--mode", "GLOBAL-AVG"], 4.4375),
        (["--mode", "global-lp:1"], 71),
    ],
)
def test_global(call: Run, arguments: list[str], expected: float) -> None:
    assert call("pool", *arguments, "--json", GEEKS).data() == [[expected]]


def test_stochastic_and_fractional_take_a_seed(call: Run) -> None:
    draw = ("pool", "--mode", "stochastic", "--seed", "3", "--json", GEEKS)
    assert call(*draw) == call(*draw)
    parts = ("pool", "--fractional", "--output-size", "3x2", "--seed", "3", "--json", GEEKS)
    first = call(*parts)
    assert first == call(*parts)
    assert first.json()["shape"] == [3, 2]


# --- windows ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["-k", "3", "-s", "1"], [[8, 9], [8, 8]]),
        (["-k", "1x4"], [[9], [7], [8], [7]]),
        (["-k", "4X1"], [[5, 6, 8, 9]]),
        (["-s", "2x1"], [[6, 6, 9], [5, 8, 8]]),
        (["-k", "3", "-p", "valid"], [[8]]),
        (["-k", "2", "-s", "3", "-p", "same"], [[6, 9], [5, 2]]),
        (["-k", "2", "-s", "3", "-p", "same-lower"], [[1, 9], [4, 8]]),
        (["-k", "3", "-p", "1"], [[6, 9], [5, 8]]),
        (["-k", "2", "-p", "1"], [[1, 3, 9], [5, 8, 7], [3, 7, 2]]),
        (["-k", "2", "-p", "1x0"], [[3, 9], [6, 8], [5, 7]]),
        (["-k", "2", "-p", "1,0,0,0"], [[3, 9], [6, 8]]),
        (["-k", "2", "-p", "0,1,0,0"], [[6, 9], [5, 8]]),
        (["-k", "2", "-p", "0,0,1,0"], [[5, 6], [4, 8]]),
        (["-k", "2", "-p", "0,0,0,1"], [[6, 9], [5, 8]]),
        (["-k", "2", "-p", "1,1,1,1"], [[1, 3, 9], [5, 8, 7], [3, 7, 2]]),
        (["-k", "3"], [[8]]),
        (["-k", "3", "--ceil-mode"], [[8, 9], [7, 2]]),
        (["-k", "3", "--ceil-mode", "--no-ceil-mode"], [[8]]),
        (["-k", "2", "-s", "1", "--dilation", "2"], [[8, 9], [7, 7]]),
        (["-k", "2", "-s", "1", "--dilation", "3x1"], [[5, 7, 9]]),
        (["-k", "2", "-p", "1", "--pad-fill", "7.5"], [[7.5, 7.5, 9], [7.5, 8, 7.5], [7.5, 7.5, 7.5]]),
        (["-k", "2", "-p", "1", "--pad-fill", "100"], [[100] * 3, [100, 8, 100], [100] * 3]),
        (["-k", "2", "-p", "1", "--pad-fill", "reflect"], [[6, 6, 9], [6, 8, 8], [5, 8, 8]]),
        (["--output-size", "3x2"], [[6, 9], [6, 8], [5, 8]]),
        (["--output-size", "1"], [[9]]),
        (
            ["--mode", "avg", "-k", "2", "-p", "1", "--count-include-pad"],
            [[0.25, 1.25, 2.25], [2.25, 4.25, 3.25], [0.75, 3, 0.5]],
        ),
        (["--mode", "avg", "-k", "2", "-p", "1", "--no-count-include-pad"], [[1, 2.5, 9], [4.5, 4.25, 6.5], [3, 6, 2]]),
        (["--mode", "avg", "-k", "2", "-p", "1"], [[1, 2.5, 9], [4.5, 4.25, 6.5], [3, 6, 2]]),
    ],
)
def test_window(call: Run, arguments: list[str], expected: Any) -> None:
    result = call("pool", *arguments, "--json", GEEKS)
    assert (result.code, result.err) == (0, "")
    assert result.data() == expected


def test_nan_rules(call: Run) -> None:
    text = "1,nan\n3,4\n"
    assert call("pool", "--json", stdin=text).data() == [[None]]
    assert call("pool", "--nan", "ignore", "--mode", "sum", "--json", stdin=text).data() == [[8]]
    refused = call("pool", "--nan", "error", stdin=text)
    assert (refused.code, refused.out) == (1, "")
    assert "1 NaN, the first at (0, 1)" in refused.err


def test_layouts(call: Run, tmp_path: Path) -> None:
    """The same eight numbers, read along different axes."""
    text = "[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]"
    expected = {
        "CHW": [[[4]], [[8]]],
        "HWC": [[[7, 8]]],
        "DHW": [[[8]]],
        "NCL": [[[2], [4]], [[6], [8]]],
        "NLC": [[[3, 4]], [[7, 8]]],
    }
    for layout, values in expected.items():
        document = call("pool", "--layout", layout, "--json", stdin=text).json()
        assert (document["data"], document["layout"]) == (values, layout)
    assert call("pool", "--json", stdin=text).json()["layout"] == "CHW"
    keras = call("pool", "--compat", "keras", "--json", stdin=text).json()
    assert (keras["layout"], keras["data"]) == ("HWC", [[[7, 8]]])


# --- filters and convolution ------------------------------------------------------------------------------------------

RAMP = "1,2,3\n4,5,6\n7,8,9\n"


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["--filter", "sobel-x"], [[8]]),
        (["--filter", "sobel-y"], [[24]]),
        (["--filter", "[[1,0],[0,-1]]"], [[-4, -4], [-4, -4]]),
        (["--filter", " [[1, 0], [0, -1]]", "--bias", "10"], [[6, 6], [6, 6]]),
        (["--filter", "[[1,0],[0,-1]]", "--bias", "0.5"], [[-3.5, -3.5], [-3.5, -3.5]]),
        (["--filter", "[[1,0],[0,-1]]", "--relu"], [[0, 0], [0, 0]]),
        (["--filter", "[[1,0],[0,-1]]", "--relu", "--no-relu"], [[-4, -4], [-4, -4]]),
        (["--filter", "[[1,0],[0,-1]]", "--bias", "-1", "--relu"], [[0, 0], [0, 0]]),
        (["--filter", "[[1]]", "--stride", "2"], [[1, 3], [7, 9]]),
        (["--filter", "[[1]]", "-s", "2x1"], [[1, 2, 3], [7, 8, 9]]),
        (["--filter", "[[1,1]]", "--padding", "same"], [[3, 5, 3], [9, 11, 6], [15, 17, 9]]),
        (["--filter", "[[1,1]]", "--padding", "same-lower"], [[1, 3, 5], [4, 9, 11], [7, 15, 17]]),
        (["--filter", "box", "-p", "1", "--stride", "3"], [[12 / 9]]),
        (["--filter", "[[1,1],[1,1]]", "--dilation", "2"], [[20]]),
        (["--filter", "[[1]]", "--padding", "1,0,0,1"], [[0, 0, 0, 0], [1, 2, 3, 0], [4, 5, 6, 0], [7, 8, 9, 0]]),
    ],
)
def test_conv(call: Run, arguments: list[str], expected: Any) -> None:
    result = call("conv", *arguments, "--json", stdin=RAMP)
    assert (result.code, result.err) == (0, "")
    np.testing.assert_allclose(result.data(), expected, rtol=1e-15)


def test_a_kernel_from_a_file(call: Run, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("1,0\n0,-1\n")
    (tmp_path / "mine.json").write_text("[[1, 0], [0, -1]]")
    for name in ("mine.csv", "./mine.json", tmp_path / "mine.csv"):
        result = call("conv", "--filter", name, "--json", stdin=RAMP, cwd=tmp_path)
        assert result.data() == [[-4, -4], [-4, -4]]
        assert result.json()["steps"][0]["filter"] == str(name)


def test_filter_bias_and_relu_before_pooling(call: Run) -> None:
    arguments = ("--filter", "[[1, 0], [0, -1]]", "--bias", "5", "--relu", "--mode", "sum", "--json")
    document = call("pool", *arguments, stdin=RAMP).json()
    assert document["data"] == [[4]]
    assert [step["step"] for step in document["steps"]] == ["conv", "relu", "pool"]
    assert document["steps"][0]["bias"] == 5
    same = call(
        "pool", "--filter", "identity", "--filter-padding", "same", "--mode", "max", "-k", "3", "--json", stdin=RAMP
    )
    assert same.data() == [[9]]
    alone = call("pool", "--relu", "--mode", "sum", "--json", stdin="-1,2\n3,-4\n").json()
    assert (alone["data"], [step["step"] for step in alone["steps"]]) == ([[5]], ["relu", "pool"])


def test_a_named_filter_on_every_channel(call: Run) -> None:
    text = json.dumps({"layout": "HWC", "data": [[[1, -1], [1, -1], [1, -1]]] * 3})
    assert call("conv", "--filter", "box", "--json", stdin=text).data() == [[pytest.approx([1, -1])]]


def test_conv_of_a_line(call: Run) -> None:
    assert call("conv", "--filter", "[1, -1]", "--json", stdin="[1, 4, 9]").data() == [-3, -5]


def test_grad_with_an_upstream_file(call: Run, tmp_path: Path) -> None:
    (tmp_path / "up.csv").write_text("10,20\n30,40\n")
    result = call("grad", "--upstream", tmp_path / "up.csv", "--format", "csv", GEEKS)
    assert result.out == "0.0,0.0,0.0,20.0\n0.0,10.0,0.0,0.0\n0.0,0.0,40.0,0.0\n0.0,30.0,0.0,0.0\n"


def test_unpool_with_options_instead_of_a_record(call: Run) -> None:
    text = '{"data": [[6, 9], [5, 8]], "indices": [[5, 3], [13, 10]]}'
    expected = [[0, 0, 0, 9], [0, 6, 0, 0], [0, 0, 8, 0], [0, 5, 0, 0]]
    for arguments in ([], ["--size", "2"], ["--output-size", "4x4"], ["-k", "3", "-s", "2", "-p", "0,1,0,1"]):
        assert call("unpool", *arguments, "--json", stdin=text).data() == expected


# --- lists ------------------------------------------------------------------------------------------------------------


def test_modes_are_listed_with_their_formulas(call: Run) -> None:
    result = call("modes")
    assert (result.code, result.err) == (0, "")
    rows = {row[0]: row for row in result.cells()}
    for row in MODES.values():
        assert row.label in rows
        assert row.formula in rows[row.label]
    listed = {row["mode"]: row for row in call("modes", "--json").json()}
    assert [row.label for row in MODES.values()] == list(listed)
    assert listed["avg"]["aliases"] == "mean, average"


def test_filters_are_drawn_with_scale_and_source(call: Run) -> None:
    result = call("filters", env={"COLUMNS": "200"})
    assert (result.code, result.err) == (0, "")
    for row in FILTERS.values():
        assert f" {row.name} " in result.out
        assert row.source.split(";")[0] in result.out
    assert "-1 0 1" in result.out
    assert "1/16" in result.out
    listed = {row["filter"]: row for row in call("filters", "--json").json()}
    assert {name: row["kernel"] for name, row in listed.items()} == {
        row.name: [list(line) for line in row.rows] for row in FILTERS.values()
    }
    assert listed["gaussian"]["scale"] == 16


@pytest.mark.parametrize("name", ["modes", "filters"])
def test_lists_fit_the_width(call: Run, name: str) -> None:
    lines = call(name, env={"COLUMNS": "80"}).out.splitlines()
    assert max(map(len, lines)) <= 80


# --- JSON between commands --------------------------------------------------------------------------------------------


def test_the_object_of_the_contract(call: Run) -> None:
    document = call("pool", "--indices", "--json", GEEKS).json()
    assert document.pop("unpool")["shape"] == [4, 4]
    assert document.pop("steps")[0].items() >= {
        "step": "pool", "mode": "max", "size": [2, 2], "stride": [2, 2], "shape": [2, 2],
    }.items()  # fmt: skip
    assert document == {
        "shape": [2, 2], "layout": "HW", "dtype": "int64", "data": [[6, 9], [5, 8]], "indices": [[5, 3], [13, 10]],
    }  # fmt: skip


def test_steps_grow_along_a_pipe(shell: Shell) -> None:
    line = (
        "poolcli conv --filter vertical-line --relu --json line_8x8.csv | poolcli pool --json"
        " | poolcli pool --mode avg --global --json"
    )
    result = shell(line, cwd=SAMPLES)
    assert (result.code, result.err) == (0, "")
    document = result.json()
    assert document["data"] == [[1]]
    assert [step["step"] for step in document["steps"]] == ["conv", "relu", "pool", "pool"]
    assert [step["shape"] for step in document["steps"]] == [[6, 6], [6, 6], [3, 3], [1, 1]]
    assert document["steps"][0]["filter"] == "vertical-line"


def test_the_last_command_of_a_pipe_tells_the_whole_story(shell: Shell) -> None:
    line = (
        "poolcli conv --filter vertical-line --relu --json line_8x8.csv | poolcli pool --json"
        " | poolcli pool --mode avg --global"
    )
    result = shell(line, cwd=SAMPLES)
    assert result.cells() == [["1"]]
    for word in ("conv", "vertical-line 3x3", "-> 6x6", "relu", "max 2x2", "-> 3x3", "avg global", "-> 1x1"):
        assert word in result.out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[[1,2],[3,4]]", [[4]]),
        ("[1, 2, 3]", [2]),
        ("  [[[1,2],[3,4]]]\n\n", [[[4]]]),
        ('{"data": [[1, 2], [3, 4]]}', [[4]]),
        ('{"data": [[1.5, null], [3, 4]]}', [[None]]),
        ("[[1, NaN], [3, 4]]", [[None]]),
    ],
)
def test_bare_lists_and_small_objects(call: Run, text: str, expected: Any) -> None:
    assert call("pool", "--json", stdin=text).data() == expected


def test_unknown_keys_are_passed_on(call: Run) -> None:
    text = '{"data": [[1, 2], [3, 4]], "author": {"name": "me", "n": [1, 2.5, null]}, "title": "[red]"}'
    document = call("pool", "--json", stdin=text).json()
    assert document["author"] == {"name": "me", "n": [1, 2.5, None]}
    assert document["title"] == "[red]"


def test_nan_and_infinity_and_whole_numbers_survive_a_pipe(shell: Shell) -> None:
    text = "[[1e999, -1e999, null, 0.1]]"
    result = shell(f"echo '{text}' | poolcli pool --size 1 --json | poolcli pool --size 1 --json")
    assert result.raw.count(b"[[1e999,-1e999,null,0.1]]") == 1
    assert "NaN" not in result.out
    assert "Infinity" not in result.out
    whole = shell(
        "echo '[[9007199254740993, -9223372036854775808]]' | poolcli pool --size 1 --json | poolcli pool -k 1 --json"
    )
    assert whole.data() == [[9007199254740993, -9223372036854775808]]
    assert whole.json()["dtype"] == "int64"


def test_the_dtype_survives_a_pipe(shell: Shell, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1, 255]], dtype=np.uint8))
    result = shell("poolcli pool -k 1 --json x.npy | poolcli pool --size 1x2 --json", cwd=tmp_path)
    assert (result.json()["dtype"], result.data()) == ("uint8", [[255]])


@pytest.mark.parametrize("compat", ["", "--compat torch", "--compat onnx --stride 2", "--compat keras"])
def test_pool_then_unpool_needs_no_option(shell: Shell, compat: str) -> None:
    """Two channels, so that a framework's own way to count shows."""
    text = json.dumps({"layout": "CHW", "data": [[[1.0, 2], [4, 3]], [[8, 7], [5, 6]]]})
    result = shell(f"echo '{text}' | poolcli pool {compat} --layout CHW --indices --json | poolcli unpool --json")
    assert (result.code, result.err) == (0, "")
    assert result.data() == [[[0, 0], [4, 0]], [[8, 0], [0, 0]]]


# --- standard input ---------------------------------------------------------------------------------------------------


def test_a_named_file_never_touches_standard_input(shell: Shell, run: Run) -> None:
    left = shell(f"printf 'left over' | (poolcli pool --json {GEEKS} > /dev/null; cat)")
    assert left.out == "left over"
    reader, writer = os.pipe()  # open, and never written to: who reads it waits for ever
    try:
        assert run("pool", "--json", GEEKS, stdin=reader).data() == [[6, 9], [5, 8]]
    finally:
        os.close(reader)
        os.close(writer)
    assert shell(f"poolcli pool --json {GEEKS} <&-").data() == [[6, 9], [5, 8]]


def test_standard_input_is_read_when_input_is_missing_or_a_dash(run: Run, shell: Shell) -> None:
    text = GEEKS.read_text()
    assert run("pool", "--json", stdin=text).data() == [[6, 9], [5, 8]]
    assert run("pool", "--json", "-", stdin=text).data() == [[6, 9], [5, 8]]
    assert shell(f"poolcli pool --json < {GEEKS}").data() == [[6, 9], [5, 8]]
    assert run("pool", stdin=text).facts()["input"].endswith("stdin")


def test_missing_input_on_a_terminal_is_help_and_exit_2(programs: Path) -> None:
    result = on_terminal("pool", stdout=False, program=programs / "poolcli")
    assert (result.code, result.out) == (2, "")
    assert "INPUT" in result.err
    assert "poolcli pool" in result.err


def test_a_dash_on_a_terminal_does_not_wait(programs: Path) -> None:
    result = on_terminal("pool", "-", stdout=False, program=programs / "poolcli")
    assert result.code in (1, 2)
    assert "terminal" in result.err


def test_standard_input_that_is_closed_or_empty(shell: Shell, run: Run) -> None:
    closed = shell("poolcli pool <&-")
    assert closed.code in (1, 2)
    assert closed.err.startswith("error: ")
    assert "Traceback" not in closed.err
    empty = run("pool", stdin="")
    assert (empty.code, empty.out) == (1, "")
    assert "stdin is empty" in empty.err


# --- output -----------------------------------------------------------------------------------------------------------


def test_the_table(call: Run) -> None:
    result = call("pool", "--mode", "avg", "--filter", "identity", "--filter-padding", "same", "--relu", GEEKS)
    assert result.out == (
        f"input   4x4 int64  {GEEKS}\n"
        "conv    identity 3x3, stride 1x1, padding same  -> 4x4\n"
        "relu    -> 4x4\n"
        "pool    avg 2x2, stride 2x2  -> 2x2\n"
        "output  2x2 float64\n"
        "┌──────┬──────┐\n"
        "│ 3.75 │ 4.75 │\n"
        "│ 3.5  │ 5.75 │\n"
        "└──────┴──────┘\n"
    )


def test_machine_formats_on_standard_output(call: Run) -> None:
    assert call("pool", "-f", "csv", GEEKS).raw == b"6,9\n5,8\n"
    assert call("pool", "--format", "tsv", GEEKS).raw == b"6\t9\n5\t8\n"
    assert call("pool", "-f", "csv", "-o", "-", GEEKS).raw == b"6,9\n5,8\n"
    assert call("pool", "-f", "json", GEEKS).raw == call("pool", "--json", GEEKS).raw
    array = np.load(io.BytesIO(call("pool", "-f", "npy", GEEKS).raw))
    assert (array.tolist(), array.dtype) == ([[6, 9], [5, 8]], np.int64)
    assert mode_and_size(call("pool", "-f", "png", GEEKS).raw) == ("L", (2, 2))


def test_output_by_extension(call: Run, tmp_path: Path) -> None:
    names = ["a.csv", "a.TSV", "a.json", "a.npy", "a.png", "a.jpg", "a.tiff", "a.webp", "a.bmp", "a.gif"]
    for name in names:
        result = call("pool", "-o", name, GEEKS, cwd=tmp_path)
        assert (result.code, result.out) == (0, "")
        assert result.err.splitlines()[-1].startswith(f"wrote {name} (2")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert (tmp_path / "a.csv").read_bytes() == b"6,9\n5,8\n"
    assert (tmp_path / "a.TSV").read_bytes() == b"6\t9\n5\t8\n"
    assert json.loads((tmp_path / "a.json").read_bytes())["data"] == [[6, 9], [5, 8]]
    assert np.load(tmp_path / "a.npy").tolist() == [[6, 9], [5, 8]]
    kinds = {"png": "PNG", "jpg": "JPEG", "tiff": "TIFF", "webp": "WEBP", "bmp": "BMP", "gif": "GIF"}
    for extension, kind in kinds.items():
        with Image.open(tmp_path / f"a.{extension}") as picture:
            assert (picture.format, picture.size) == (kind, (2, 2))


def test_a_format_wins_over_the_extension(call: Run, tmp_path: Path) -> None:
    call("pool", "-f", "csv", "-o", "numbers.txt", GEEKS, cwd=tmp_path)
    assert (tmp_path / "numbers.txt").read_bytes() == b"6,9\n5,8\n"
    call("pool", "-f", "table", "-o", "drawn.txt", "--color", "always", GEEKS, cwd=tmp_path)
    assert (tmp_path / "drawn.txt").read_text().endswith("│ 5 │ 8 │\n└───┴───┘\n")
    assert "\x1b" not in (tmp_path / "drawn.txt").read_text()


@pytest.mark.posix
def test_a_path_typed_with_o_is_replaced_and_keeps_its_mode_bits(call: Run, tmp_path: Path) -> None:
    target = tmp_path / "old.csv"
    target.write_text("old")
    target.chmod(0o640)
    assert call("pool", "-o", target, GEEKS).code == 0
    assert target.read_text() == "6,9\n5,8\n"
    assert target.stat().st_mode & 0o777 == 0o640
    assert [path.name for path in tmp_path.iterdir()] == ["old.csv"]


def test_overwrite_allows_the_output_to_be_the_input(call: Run, tiny: Path) -> None:
    result = call("pool", "-o", tiny, "--overwrite", tiny)
    assert result.code == 0
    assert tiny.read_text() == "6,9\n5,8\n"


def test_a_device_and_a_pipe_are_written_to(run: Run, shell: Shell, tmp_path: Path) -> None:
    assert run("pool", "-f", "csv", "-o", "/dev/null", GEEKS).code == 0
    assert shell(f"poolcli pool -q -f csv -o /dev/stdout {GEEKS} | cat").out == "6,9\n5,8\n"
    line = f"mkfifo p && (poolcli pool -q -f csv -o p {GEEKS} & cat p; wait)"
    assert shell(line, cwd=tmp_path).out == "6,9\n5,8\n"


def test_csv_of_what_is_not_a_matrix_is_refused_before_anything_is_written(call: Run, tmp_path: Path) -> None:
    result = call("pool", "-k", "1", "-o", tmp_path / "x.csv", SAMPLES / "sample_nhwc.json")
    assert (result.code, result.out) == (1, "")
    assert "(NHWC)" in result.err
    assert list(tmp_path.iterdir()) == []


def test_indices_have_no_place_in_csv_and_that_is_said(call: Run) -> None:
    result = call("pool", "--indices", "-f", "csv", GEEKS)
    assert (result.code, result.out) == (0, "6,9\n5,8\n")
    assert "--json" in result.err


def test_indices_in_the_table(call: Run) -> None:
    assert call("pool", "--indices", GEEKS).tables() == [[["6", "9"], ["5", "8"]], [["5", "3"], ["13", "10"]]]


# --- tables: digits, width, elision -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("precision", "cells"),
    [
        (None, ["0.3333", "2", "1234567.8912", "1.0000e-05", "1.0000e+20", "nan", "-inf"]),
        (0, ["3e-01", "2", "1234568", "1e-05", "1e+20", "nan", "-inf"]),
        (1, ["0.3", "2", "1234567.9", "1.0e-05", "1.0e+20", "nan", "-inf"]),
        (8, ["0.33333333", "2", "1234567.89123457", "0.00001", "1.00000000e+20", "nan", "-inf"]),
    ],
)
def test_precision_is_for_tables(call: Run, precision: int | None, cells: list[str]) -> None:
    text = "[[0.3333333333333333, 2.0, 1234567.891234567, 0.00001, 1e20, null, -1e999]]"
    options = [] if precision is None else ["--precision", str(precision)]
    assert call("pool", "-k", "1", *options, stdin=text).cells() == [cells]
    written = call("pool", "-k", "1", "--format", "csv", *options, stdin=text)
    machine = written.out
    precise = "note: --precision is for tables only; csv has every value in full\n" if options else ""
    missing = "note: missing values make results nan; with --nan ignore the windows skip them\n"
    assert written.err == precise + missing
    assert [float(cell) for cell in machine.split(",")[:5]] == [0.3333333333333333, 2, 1234567.891234567, 1e-5, 1e20]


@pytest.mark.parametrize("options", [["--max-rows", "1", "--max-cols", "1"], ["--full"]])
def test_options_for_tables_alone_are_noted_elsewhere(call: Run, tiny: Path, options: list[str]) -> None:
    notes = [f"note: {flag} is for tables only; json has every value in full" for flag in options if flag != "1"]
    found = call("pool", "--json", *options, tiny)
    assert (found.data(), found.err.splitlines()) == ([[6, 9], [5, 8]], notes)
    assert call("pool", "--json", "-q", *options, tiny).err == ""
    assert call("pool", *options, tiny).err == ""


def test_a_table_of_a_picture_in_a_pipe_is_doubted(call: Run, tmp_path: Path, tiny: Path) -> None:
    note = "note: a picture becomes a table of numbers here; -o out.png writes a picture\n"
    picture = tmp_path / "p.png"
    assert call("pool", "-q", "-o", picture, tiny).err == ""
    assert call("pool", picture).err == note
    assert call("conv", "--filter", "[[1]]", picture).err == note
    for quiet in (["-q"], ["-f", "table"], ["--json"], ["-f", "csv"], ["-o", tmp_path / "o.png", "-q"]):
        assert call("pool", *quiet, picture).err == ""
    assert call("pool", tiny).err == ""


def test_no_digit_of_a_whole_number_is_ever_cut(call: Run) -> None:
    whole = [-(2**63), 2**63 - 1, 0, 10**18]
    for columns in ("10", "40", "200"):
        result = call("pool", "-k", "1", "--full", stdin=json.dumps([whole]), env={"COLUMNS": columns})
        assert result.cells() == [[str(value) for value in whole]]


@pytest.mark.parametrize("columns", [40, 80, 200])
@pytest.mark.parametrize("kind", ["whole", "float", "uneven"])
def test_a_wide_table_elides_whole_columns(call: Run, tmp_path: Path, columns: int, kind: str) -> None:
    rng = np.random.default_rng(1)
    values: Array = rng.normal(size=(3, 100)) * 1000 if kind == "float" else rng.integers(0, 10**6, (3, 100))
    if kind == "uneven":
        values[:, ::2] %= 10
        values[:, 1::2] += 10**9
    np.save(tmp_path / "wide.npy", values)
    result = call("pool", "-k", "1", tmp_path / "wide.npy", env={"COLUMNS": str(columns)})
    grid = [line for line in result.out.splitlines() if line.startswith(("┌", "│", "└"))]
    assert max(map(len, grid)) <= columns
    assert max(map(len, grid)) > columns / 2  # and the room is used
    assert result.facts()["output"].startswith("3x100")
    for row, numbers in zip(result.cells(), values.tolist(), strict=True):
        gap = row.index("⋯")
        front, back = row[:gap], row[gap + 1 :]
        assert len(front) >= 1
        shown = [*zip(front, numbers, strict=False), *zip(back, numbers[len(numbers) - len(back) :], strict=True)]
        for cell, number in shown:
            assert float(cell) == pytest.approx(number, abs=5.1e-5)
            assert cell == (f"{number:.4f}".rstrip("0").rstrip(".") if kind == "float" else str(number))


def test_a_table_is_as_wide_as_it_needs_in_a_pipe(call: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "wide.npy", np.arange(50).reshape(1, 50) + 10**9)
    assert call("pool", "-k", "1", tmp_path / "wide.npy").cells() == [[str(10**9 + i) for i in range(50)]]


def test_a_terminal_has_its_width(programs: Path, tmp_path: Path) -> None:
    np.save(tmp_path / "wide.npy", np.arange(100).reshape(1, 100) + 10**9)
    result = on_terminal("pool", "-k", "1", tmp_path / "wide.npy", columns=60, program=programs / "poolcli")
    lines = ESCAPE.sub("", result.out).splitlines()
    grid = [line for line in lines if line.startswith("│")]
    assert len(grid) == 1
    assert 30 < len(grid[0]) <= 60
    assert "⋯" in grid[0]


def test_a_long_table_elides_whole_rows(call: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "long.npy", np.arange(1000).reshape(1000, 1))
    result = call("pool", "-k", "1", tmp_path / "long.npy")
    cells = [row[0] for row in result.cells()]
    gap = cells.index("⋮")
    assert cells[:gap] == [str(i) for i in range(gap)]
    assert cells[gap + 1 :] == [str(i) for i in range(1000 - len(cells) + gap + 1, 1000)]
    assert result.facts()["output"].startswith("1000x1")
    full = call("pool", "-k", "1", "--full", tmp_path / "long.npy", env={"COLUMNS": "40"})
    assert [row[0] for row in full.cells()] == [str(i) for i in range(1000)]


def test_rows_and_columns_to_show(call: Run) -> None:
    result = call("pool", "-k", "1", "--max-rows", "2", "--max-cols", "3", GEEKS)
    assert result.cells() == [["1", "3", "⋯", "9"], ["⋮"] * 4, ["3", "5", "⋯", "2"]]
    one = call("pool", "-k", "1", "--max-rows", "1", "--max-cols", "1", GEEKS)
    assert one.cells()[0][0] == "1"
    assert call("pool", "-k", "1", "--max-rows", "4", "--max-cols", "4", GEEKS).cells()[0] == ["1", "3", "2", "9"]


def test_planes_have_names_and_many_are_elided(call: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "planes.npy", np.arange(40).reshape(20, 1, 2))
    result = call("pool", "-k", "1", tmp_path / "planes.npy")
    assert "c=0\n" in result.out
    assert "c=19\n" in result.out
    assert len(result.tables()) < 20
    assert "more planes" in result.out
    assert len(call("pool", "-k", "1", "--full", tmp_path / "planes.npy").tables()) == 20


def test_names_are_plain_text(call: Run, tmp_path: Path) -> None:
    for name in ("[red]x[bold].csv", ":smile:.csv", "a b;c.csv"):
        (tmp_path / name).write_text("1,2\n3,4\n")
        for environment in ({}, {"FORCE_COLOR": "1", "TERM": "xterm-256color"}):
            result = call("pool", name, cwd=tmp_path, env=environment)
            assert name in ESCAPE.sub("", result.out)
    (tmp_path / "a\x1b[31mb.csv").write_text("1,2\n3,x\n")
    broken = call("pool", "a\x1b[31mb.csv", cwd=tmp_path)
    assert "\x1b" not in broken.err + broken.out
    (tmp_path / "a\x1b[31mb.csv").write_text("1,2\n3,4\n")
    assert "\x1b" not in call("pool", "a\x1b[31mb.csv", cwd=tmp_path).out


@pytest.mark.parametrize("environment", [{"PYTHONIOENCODING": "ascii"}, {"PYTHONIOENCODING": "latin-1"}])
def test_an_output_without_box_characters_gets_ascii(run: Run, environment: dict[str, str], tmp_path: Path) -> None:
    result = run("pool", "-k", "1", "--max-cols", "2", "--max-rows", "2", GEEKS, env=environment)
    assert result.code == 0
    assert result.raw.isascii()
    assert result.cells()[0] == ["1", "...", "9"]
    for name in ("modes", "filters"):
        assert run(name, env=environment).raw.isascii()


def test_the_c_locale(run: Run) -> None:
    assert run("pool", GEEKS, env={"LC_ALL": "C"}).cells() == [["6", "9"], ["5", "8"]]


# --- colour, terminals and pipes --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "environment", "colored"),
    [
        ([], {}, False),
        ([], {"FORCE_COLOR": "1"}, True),
        ([], {"NO_COLOR": "1"}, False),
        ([], {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ([], {"NO_COLOR": "", "FORCE_COLOR": "1"}, True),
        (["--color", "always"], {}, True),
        (["--color", "always"], {"NO_COLOR": "1"}, True),
        (["--color", "never"], {"FORCE_COLOR": "1"}, False),
        (["--color", "auto"], {"GITHUB_ACTIONS": "true"}, False),
    ],
)
def test_colour_in_a_pipe(call: Run, arguments: list[str], environment: dict[str, str], colored: bool) -> None:
    result = call("pool", *arguments, GEEKS, env={"TERM": "xterm-256color", **environment})
    assert ("\x1b[" in result.out) == colored
    assert ESCAPE.sub("", result.out) == call("pool", GEEKS).out


@pytest.mark.parametrize(
    ("environment", "colored"), [({}, True), ({"NO_COLOR": "1"}, False), ({"TERM": "dumb"}, False)]
)
def test_colour_on_a_terminal(run: Run, programs: Path, environment: dict[str, str], colored: bool) -> None:
    result = on_terminal("pool", GEEKS, columns=200, program=programs / "poolcli", env=environment)
    assert result.code == 0
    assert ("\x1b" in result.out) == colored
    assert ESCAPE.sub("", result.out) == run("pool", GEEKS).out  # the content is the same


@pytest.mark.parametrize("output_format", ["csv", "tsv", "json"])
def test_machine_formats_never_have_colour_nor_fit_a_width(call: Run, tmp_path: Path, output_format: str) -> None:
    np.save(tmp_path / "wide.npy", np.random.default_rng(1).normal(size=(2, 200)))
    plain = call("pool", "-k", "1", "-f", output_format, tmp_path / "wide.npy")
    forced = call("pool", "-k", "1", "-f", output_format, "--color", "always", tmp_path / "wide.npy",
                 env={"COLUMNS": "20", "FORCE_COLOR": "1", "TERM": "xterm"})  # fmt: skip
    assert plain.raw == forced.raw
    assert plain.raw.count(b"\n") == (1 if output_format == "json" else 2)


def test_errors_are_coloured_as_asked(call: Run) -> None:
    plain = call("pool", "nosuch.csv")
    assert "\x1b" not in plain.err
    colored = call("pool", "nosuch.csv", env={"FORCE_COLOR": "1"})
    assert "\x1b" in colored.err
    assert ESCAPE.sub("", colored.err) == plain.err
    assert "\x1b" not in call("pool", "--color", "never", "nosuch.csv", env={"FORCE_COLOR": "1"}).err


@pytest.mark.parametrize("arguments", [("-f", "csv"), ("--json",), ("--full",)], ids=["csv", "json", "table"])
def test_a_reader_that_goes_away_is_met_with_silence_and_141(
    shell: Shell, tmp_path: Path, arguments: tuple[str, ...]
) -> None:
    np.save(tmp_path / "big.npy", np.arange(20_000).reshape(200, 100))  # more than a pipe holds
    for unbuffered in ({}, {"PYTHONUNBUFFERED": "1"}):
        line = f"poolcli pool -k 1 {' '.join(arguments)} big.npy | head -c 1 > /dev/null; echo ${{PIPESTATUS[0]}}"
        result = shell(line, cwd=tmp_path, env=unbuffered)
        assert (result.out, result.err) == ("141\n", "")


def test_head_of_a_small_table(shell: Shell) -> None:
    result = shell(f"poolcli pool {GEEKS} | head -1")
    assert (result.out, result.err) == (f"input   4x4 int64  {GEEKS}\n", "")


def test_a_full_disk_is_an_error(shell: Shell) -> None:
    result = shell(f"poolcli pool -f csv {GEEKS} > /dev/full")
    assert result.code == 1
    assert "no space left" in result.err
    assert "Traceback" not in result.err


def test_ctrl_c_is_130_and_silent(tmp_path: Path) -> None:
    """The FIFO opens for writing when the command has opened it for reading: a moment later it waits for data."""
    os.mkfifo(tmp_path / "slow.csv")
    process = subprocess.Popen(
        [command(), "pool", "-o", "out.csv", "slow.csv"], cwd=tmp_path, env=clean_environment({"PYTHONWARNINGS": ""}),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with (tmp_path / "slow.csv").open("wb") as fifo:
        fifo.write(b"1,2\n")
        fifo.flush()
        time.sleep(0.3)  # Python waits on if a signal comes just before the system call
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (-signal.SIGINT, b"", b"")
    assert [path.name for path in tmp_path.iterdir()] == ["slow.csv"]


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_large_picture_is_read_while_the_kernels_are_imported(run: Run, tmp_path: Path) -> None:
    x = np.random.default_rng(1).integers(0, 256, (700, 600), np.uint8)
    Image.fromarray(x).save(tmp_path / "in.png")
    assert (tmp_path / "in.png").stat().st_size > AHEAD
    result = run("pool", "in.png", "-o", "out.png", cwd=tmp_path)
    assert (result.code, result.err) == (0, "wrote out.png (300x350 pixels, 8-bit gray)\n")
    assert np.array_equal(pixels(tmp_path / "out.png"), x.reshape(350, 2, 300, 2).max((1, 3)))


def luma(rgb: Array) -> Array:
    """Pillow's L in its own fixed-point arithmetic: (19595 R + 38470 G + 7471 B + 32768) / 65536."""
    red, green, blue = np.moveaxis(rgb.astype(np.int64), -1, 0)
    gray: Array = (19595 * red + 38470 * green + 7471 * blue + 32768) >> 16
    return gray


def blocks(plane: Array) -> Array:
    """The cells of every 2x2 window, last axis."""
    height, width = plane.shape[0] // 2, plane.shape[1] // 2
    return plane[: height * 2, : width * 2].reshape(height, 2, width, 2).swapaxes(1, 2).reshape(height, width, 4)


@pytest.fixture(scope="module")
def rgb() -> Array:
    """Six by eight pixels of noise."""
    return np.random.default_rng(5).integers(0, 256, (6, 8, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("mode", "extension"),
    [
        ("RGB", "png"),
        ("RGBA", "png"),
        ("L", "png"),
        ("LA", "png"),
        ("1", "png"),
        ("P", "png"),
        ("CMYK", "tiff"),
        ("RGB", "bmp"),
    ],
)
def test_a_picture_of_any_mode_becomes_gray(call: Run, tmp_path: Path, rgb: Array, mode: str, extension: str) -> None:
    picture = Image.fromarray(rgb)
    if mode == "P":
        picture = picture.quantize(16)
        gray = luma(np.asarray(picture.convert("RGB")))
    elif mode == "CMYK":
        picture = picture.convert("CMYK")
        gray = luma(255 - np.asarray(picture)[..., :3].astype(int))
        assert not np.asarray(picture)[..., 3].any()
    else:
        picture = picture.convert(mode)
        gray = luma(rgb) if mode not in ("1",) else np.asarray(picture).astype(int) * 255
        if "A" in mode:
            picture.putalpha(7)
    picture.save(tmp_path / f"in.{extension}")
    result = call("pool", "-v", "-o", "out.png", f"in.{extension}", cwd=tmp_path)
    assert result.code == 0
    assert mode_and_size(tmp_path / "out.png")[0] == "L"
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), blocks(gray).max(axis=-1))
    assert ("alpha" in result.err) == ("A" in mode)


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("max", lambda cells: cells.max(axis=-1)),
        ("min", lambda cells: cells.min(axis=-1)),
        ("median", lambda cells: np.floor(np.median(cells, axis=-1) + 0.5)),
        ("avg", lambda cells: np.floor(cells.mean(axis=-1) + 0.5)),
    ],
)
def test_pixels_stay_exact_and_halves_are_rounded_up(call: Run, tmp_path: Path, mode: str, expected: Any) -> None:
    plane = np.random.default_rng(6).integers(0, 256, (10, 12), dtype=np.uint8)
    Image.fromarray(plane).save(tmp_path / "in.png")
    assert call("pool", "--mode", mode, "-o", "out.png", "in.png", cwd=tmp_path).code == 0
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), expected(blocks(plane.astype(int))))
    document = call("pool", "--mode", mode, "--json", "in.png", cwd=tmp_path).json()
    assert document["dtype"] == ("uint8" if mode in ("max", "min") else "float64")


def test_colours_are_pooled_each_by_itself(call: Run, tmp_path: Path, rgb: Array) -> None:
    Image.fromarray(rgb).save(tmp_path / "in.png")
    assert call("pool", "--channels", "rgb", "-o", "out.png", "in.png", cwd=tmp_path).code == 0
    expected = np.stack([blocks(rgb[..., channel]).max(axis=-1) for channel in range(3)], axis=-1)
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), expected)
    document = call("pool", "--channels", "rgb", "--json", "in.png", cwd=tmp_path).json()
    assert (document["layout"], document["shape"], document["dtype"]) == ("HWC", [3, 4, 3], "uint8")
    assert document["data"] == expected.tolist()


def test_sixteen_bits_and_floats(call: Run, tmp_path: Path) -> None:
    deep = np.random.default_rng(7).integers(0, 65536, (4, 6), dtype=np.uint16)
    Image.fromarray(deep).save(tmp_path / "deep.png")
    document = call("pool", "--json", "deep.png", cwd=tmp_path).json()
    assert (document["dtype"], document["data"]) == ("uint16", blocks(deep).max(axis=-1).tolist())
    call("pool", "-o", "out.png", "deep.png", cwd=tmp_path)
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), blocks(deep).max(axis=-1))
    real = np.random.default_rng(8).normal(size=(4, 6)).astype(np.float32)
    Image.fromarray(real).save(tmp_path / "real.tiff")
    document = call("pool", "--json", "real.tiff", cwd=tmp_path).json()
    assert document["dtype"] == "float32"
    np.testing.assert_array_equal(np.array(document["data"], dtype=np.float32), blocks(real).max(axis=-1))


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [
        (1, lambda a: a),
        (2, np.fliplr),
        (3, lambda a: np.rot90(a, 2)),
        (4, np.flipud),
        (5, lambda a: a.T),
        (6, lambda a: np.rot90(a, -1)),
        (7, lambda a: np.rot90(a.T, 2)),
        (8, np.rot90),
    ],
)
def test_a_picture_is_read_as_it_is_seen(call: Run, tmp_path: Path, orientation: int, turned: Any) -> None:
    plane = np.arange(24, dtype=np.uint8).reshape(4, 6) * 10
    exif = Image.Exif()
    exif[0x0112] = orientation
    Image.fromarray(plane).save(tmp_path / "in.png", exif=exif)
    result = call("pool", "-k", "1", "-v", "--json", "in.png", cwd=tmp_path)
    assert result.data() == turned(plane).tolist()
    assert ("EXIF orientation" in result.err) == (orientation != 1)


def test_a_picture_through_a_pipe(shell: Shell, tmp_path: Path, rgb: Array) -> None:
    Image.fromarray(rgb).save(tmp_path / "in.png")
    line = "cat in.png | poolcli pool -f png | poolcli pool --size 3x4 --mode min --json"
    assert shell(line, cwd=tmp_path).data() == [[int(blocks(luma(rgb)).max(axis=-1).min())]]


def test_the_photograph_becomes_a_pooled_gray_png(call: Run, tmp_path: Path) -> None:
    result = call("pool", "-o", tmp_path / "out.png", SAMPLES / "astronaut.jpg")
    assert (result.code, result.out) == (0, "")
    with Image.open(SAMPLES / "astronaut.jpg") as photograph:
        gray = np.asarray(photograph.convert("L"))
    assert mode_and_size(tmp_path / "out.png") == ("L", (128, 128))
    np.testing.assert_array_equal(pixels(tmp_path / "out.png"), blocks(gray).max(axis=-1))


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [[0, 128, 255]]),  # -2 0 2 are no pixels: stretched, the half rounded up
        (["--normalize", "auto"], [[0, 128, 255]]),
        (["--normalize", "minmax"], [[0, 128, 255]]),
        (["--normalize", "clip"], [[0, 0, 2]]),
        (["--zoom", "2"], [[0, 0, 128, 128, 255, 255]] * 2),
    ],
)
def test_maps_that_are_not_pixels(call: Run, tmp_path: Path, options: list[str], expected: Any) -> None:
    assert call("pool", "-k", "1", *options, "-o", "out.png", stdin="-2,0,2\n", cwd=tmp_path).code == 0
    assert pixels(tmp_path / "out.png").tolist() == expected


def test_pixels_are_not_stretched_unless_told(call: Run, tmp_path: Path) -> None:
    Image.fromarray(np.array([[10, 20, 30]], dtype=np.uint8)).save(tmp_path / "in.png")
    call("pool", "-k", "1", "-o", "same.png", "in.png", cwd=tmp_path)
    assert pixels(tmp_path / "same.png").tolist() == [[10, 20, 30]]
    call("pool", "-k", "1", "--normalize", "minmax", "-o", "wide.png", "in.png", cwd=tmp_path)
    assert pixels(tmp_path / "wide.png").tolist() == [[0, 128, 255]]


def test_a_colour_map(call: Run, tmp_path: Path) -> None:
    call("pool", "-k", "1", "--colormap", "viridis", "-o", "out.png", stdin="0,1,2\n", cwd=tmp_path)
    assert mode_and_size(tmp_path / "out.png")[0] == "RGB"
    colors = pixels(tmp_path / "out.png")[0].tolist()
    assert colors[0] == [68, 1, 84]  # viridis begins dark violet and ends yellow
    assert colors[2] == [253, 231, 37]
    gray = call("pool", "-k", "1", "--colormap", "gray", "-f", "png", stdin="0,1,2\n").raw
    assert pixels(gray)[0].tolist() == [[0] * 3, [128] * 3, [255] * 3]


# --- what is said -----------------------------------------------------------------------------------------------------


def test_every_guess_is_stated_with_v(call: Run) -> None:
    result = call("pool", "-v", "--json", stdin="a;b\n1;2\n3;4\n")
    assert result.data() == [[4]]
    for word in ("format csv", "delimiter ;", "header in line 1", "dtype int64", "layout HW"):
        assert word in result.err
    assert call("pool", "--json", stdin="a;b\n1;2\n3;4\n").err == ""
    keras = call("pool", "-v", "--compat", "keras", "--json", stdin="[[[1, 2], [3, 4]], [[5, 6], [7, 8]]]")
    assert "layout HWC" in keras.err


@pytest.mark.parametrize(("words", "hint"), [
    ("pool in.csv out.png", "-o out.png writes the result there"),
    ("explain in.csv p.html", "-o p.html writes the result there"),
    ("run in.csv pool --size 2 out.csv", "-o out.csv writes the result there"),
    ("pool in.csv 3", "see: poolcli pool --help"),
])  # fmt: skip
def test_an_output_without_its_option(call: Run, words: str, hint: str) -> None:
    result = call(*words.split())
    assert (result.code, result.out) == (2, "")
    assert result.err.splitlines()[1] == f"hint: {hint}"


@pytest.mark.parametrize(("options", "said"), [
    (["--size", "5x1"], ["no window covers the last 4 of 24 rows; --ceil-mode adds one for them"]),
    (["--size", "5"], ["no window covers the last 4 of 24 rows; --ceil-mode adds one for them",
                       "no window covers the last 1 of 6 columns; --ceil-mode adds one for them"]),
    (["--size", "5", "--ceil-mode"], []), (["--size", "4x2"], []), (["--global"], []),
    (["--size", "1", "--stride", "23x5"], []), (["--size", "1", "--stride", "9x6"], []), (["--output-size", "5x5"], []),
    (["--size", "5x1", "--compat", "keras"], ["no window covers the last 4 of 24 rows"]),
])  # fmt: skip
def test_verbose_says_which_cells_no_window_looks_at(call: Run, options: list[str], said: list[str]) -> None:
    text = "\n".join(",".join(str(6 * row + column) for column in range(6)) for row in range(24))
    result = call("pool", "-v", "--json", *options, stdin=text)
    assert result.code == 0
    assert [line.removeprefix("stdin: ") for line in result.err.splitlines() if "no window" in line] == said
    assert "no window" not in call("pool", "--json", *options, stdin=text).err


def test_a_missing_value_is_told_once(call: Run, tmp_path: Path) -> None:
    (tmp_path / "g.asc").write_text("ncols 2\nnrows 1\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9\n1 -9\n")
    assert call("pool", "-v", "-k", "1", "g.asc", cwd=tmp_path).err.count("1 value missing") == 1


def test_what_a_picture_loses_of_numbers_is_said(call: Run, tmp_path: Path) -> None:
    def said(*words: str) -> list[str]:
        return call("pool", "-k", "1", "-o", "out.png", *words, stdin="-1,nan\n2,3\n", cwd=tmp_path).err.splitlines()

    lost = [
        "note: out.png: normalize auto chose minmax: -1 is black, 3 white",
        "note: out.png: 1 NaN drawn black",
        "wrote out.png (2x2 pixels, 8-bit gray)",
    ]
    assert said() == lost
    assert "out.png: float64 written with 8 bits" in said("-v")
    assert said("-q") == []
    assert said("--normalize", "minmax") == lost[1:]


def test_quiet_says_nothing_but_errors(call: Run, tmp_path: Path) -> None:
    assert call("pool", "-q", "-o", tmp_path / "a.csv", GEEKS).err == ""
    assert call("pool", "-o", tmp_path / "a.csv", GEEKS).err != ""
    assert call("pool", "-q", "--indices", "-f", "csv", GEEKS).err == ""
    wrong = call("pool", "-q", "nosuch.csv")
    assert wrong.code == 1
    assert wrong.err.startswith("error: ")


def test_debug_shows_the_traceback(call: Run) -> None:
    result = call("pool", "nosuch.csv", env={"POOLCLI_DEBUG": "1"})
    assert result.code == 1
    assert "Traceback" in result.err
    assert "error: cannot read nosuch.csv" in result.err


# --- the environment --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "arguments", "expected"),
    [
        ({"POOLCLI_MODE": "min"}, [], [[1, 1], [2, 2]]),
        ({"POOLCLI_MODE": "min"}, ["--mode", "max"], [[6, 9], [5, 8]]),
        ({"POOLCLI_SIZE": "1x4"}, [], [[9], [7], [8], [7]]),
        ({"POOLCLI_STRIDE": "2x1"}, [], [[6, 6, 9], [5, 8, 8]]),
        ({"POOLCLI_PADDING": "1", "POOLCLI_SIZE": "3"}, [], [[6, 9], [5, 8]]),
        ({"POOLCLI_GLOBAL": "1"}, [], [[9]]),
        ({"POOLCLI_CEIL_MODE": "true", "POOLCLI_SIZE": "3"}, [], [[8, 9], [7, 2]]),
        ({"POOLCLI_FILTER": "identity", "POOLCLI_FILTER_PADDING": "same"}, [], [[6, 9], [5, 8]]),
        ({"POOLCLI_OUTPUT_SIZE": "1"}, [], [[9]]),
        ({"POOLCLI_RELU": "1"}, [], [[6, 9], [5, 8]]),
    ],
)
def test_options_from_the_environment(
    call: Run, environment: dict[str, str], arguments: list[str], expected: Any
) -> None:
    assert call("pool", *arguments, "--json", GEEKS, env=environment).data() == expected


def test_output_options_from_the_environment(call: Run, tmp_path: Path) -> None:
    assert call("pool", GEEKS, env={"POOLCLI_FORMAT": "csv"}).out == "6,9\n5,8\n"
    assert call("pool", GEEKS, env={"POOLCLI_JSON": "1"}).data() == [[6, 9], [5, 8]]
    assert call("pool", "--mode", "avg", GEEKS, env={"POOLCLI_PRECISION": "1"}).cells()[0] == ["3.8", "4.8"]
    assert "\x1b" in call("pool", GEEKS, env={"POOLCLI_COLOR": "always"}).out
    assert "delimiter" in call("pool", GEEKS, env={"POOLCLI_VERBOSE": "1"}).err
    assert call("pool", GEEKS, env={"POOLCLI_OUTPUT": str(tmp_path / "x.csv"), "POOLCLI_QUIET": "1"}) == Result(
        0, b"", ""
    )
    assert (tmp_path / "x.csv").read_text() == "6,9\n5,8\n"


@pytest.mark.parametrize("environment", [{"POOLCLI_MODE": "mx"}, {"POOLCLI_SIZE": "0"}, {"POOLCLI_COLOR": "red"}])
def test_a_wrong_value_in_the_environment_is_an_error(call: Run, environment: dict[str, str]) -> None:
    result = call("pool", GEEKS, env=environment)
    assert (result.code, result.out) == (2, "")
    assert next(iter(environment.values())) in result.err


# --- CSV as people have it --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "arguments"),
    [
        (b"1,2\n3,4\n", []),
        (b"1,2\n3,4", []),
        (b"\xef\xbb\xbf1,2\r\n3,4\r\n", []),
        (b'\xef\xbb\xbf"a","b"\r\n1,2\r\n3,4', []),
        (b"a,b\n1,2\n3,4\n", []),
        (b"a,b\n1,2\n3,4\n", ["--header", "yes"]),
        (b"1;2\n3;4\n", []),
        (b"1\t2\n3\t4\n", []),
        (b"1 2\n3 4\n", []),
        (b"  1   2 \n 3  4\n", []),
        (b'"1","2"\n"3","4"\n', []),
        (b"# a comment\n1,2 # and another\n\n3,4\n\n\n", []),
        (b"1, 2\n3 ,4\n", []),
        (b"1;2\n3;4\n", ["--delimiter", ";"]),
        (b"1\t2\n3\t4\n", ["--delimiter", "tab"]),
        (b"1 2\n3 4\n", ["--delimiter", "blanks"]),
        (b"2024,x\n1,2\n3,4\n", ["--header", "yes"]),
        ("1,2\n3,4\n".encode("utf-16"), []),
    ],
)
def test_csv_as_people_have_it(call: Run, text: bytes, arguments: list[str]) -> None:
    result = call("pool", "--mode", "sum", *arguments, "--json", stdin=text)
    assert (result.code, result.err) == (0, "")
    assert (result.data(), result.json()["dtype"]) == ([[10]], "int64")


def test_decimal_commas(call: Run) -> None:
    for text in ("1,5;2,5\n3;4\n", "1,5\t2,5\n3\t4\n", '"1,5","2,5"\n3,4\n'):
        assert call("pool", "--mode", "sum", "--decimal", ",", "--json", stdin=text).data() == [[11]]


def test_a_header_is_never_guessed_from_numbers(call: Run) -> None:
    assert call("pool", "-k", "1", "--json", stdin="1,2\n3,4\n").json()["shape"] == [2, 2]
    assert call("pool", "-k", "1", "--header", "yes", "--json", stdin="1,2\n3,4\n").data() == [[3, 4]]
    mixed = call("pool", stdin="a,2\n3,4\n")
    assert (mixed.code, mixed.out) == (1, "")
    assert "--header yes" in mixed.err


def test_one_column_and_one_row(call: Run) -> None:
    assert call("pool", "-k", "1", "--json", stdin="1\n2\n").json()["shape"] == [2, 1]
    assert call("pool", "-k", "1", "--json", stdin="1,2\n").json()["shape"] == [1, 2]
    assert call("pool", "--layout", "L", "--json", stdin="1,2,3,4\n").data() == [2, 4]


def test_an_npy_file(call: Run, tmp_path: Path) -> None:
    for dtype in ("bool", "uint8", "int32", "float16", "float32"):
        np.save(tmp_path / "x.npy", np.array([[0, 1], [1, 1]], dtype=dtype))
        document = call("pool", "--json", tmp_path / "x.npy").json()
        assert (document["dtype"], document["data"]) == (dtype, [[1]])


def test_the_content_wins_over_the_extension_where_it_has_a_signature(call: Run, tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", np.array([[1, 2], [3, 4]]))
    (tmp_path / "x.npy").rename(tmp_path / "x.csv")
    assert call("pool", "--json", tmp_path / "x.csv").data() == [[4]]
    (tmp_path / "y.dat").write_text("[[1, 2], [3, 4]]")
    assert call("pool", "--json", tmp_path / "y.dat").data() == [[4]]
    (tmp_path / "z.txt").write_text("1 2\n3 4\n")
    assert call("pool", "--json", tmp_path / "z.txt").data() == [[4]]


# --- stacks, numbering, code ------------------------------------------------------------------------------------------


def test_options_of_run_may_stand_behind_the_last_step(call: Run, tmp_path: Path) -> None:
    stack = ("run", GEEKS, "conv", "--filter", "box", "--bias", "-1", "--padding", "same", "then", "pool", "-k2")
    plain = call("run", "--json", *stack[1:])
    assert call(*stack, "--json").raw == plain.raw
    assert call(*stack, "-o", "out.csv", "--save-steps=recipe.json", cwd=tmp_path).code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out.csv", "recipe.json"]
    early = call("run", GEEKS, "pool", "--json", "then", "relu")
    assert (early.code, "step 1 (pool): no such option: --json" in early.err) == (2, True)


@pytest.mark.parametrize("command", ["run", "summary"])
def test_an_unknown_step_is_named(call: Run, command: str) -> None:
    given = GEEKS if command == "run" else "8x8"
    result = call(command, given, "poool", "--size", "2")
    assert result.code == 2
    assert "unknown step 'poool'" in result.err
    assert "did you mean pool" in result.err


def test_indices_count_columns_first_if_told(call: Run) -> None:
    result = call("pool", "--indices", "--storage-order", "1", "--json", GEEKS)
    assert result.json()["indices"] == [[5, 12], [7, 10]]
    restored = call("unpool", "-f", "csv", stdin=result.raw)
    assert restored.out == call("unpool", "-f", "csv", stdin=call("pool", "--indices", "--json", GEEKS).raw).out
    refused = call("pool", "--indices", "--storage-order", "1", "--compat", "torch", GEEKS)
    assert (refused.code, "its indices count rows first" in refused.err) == (2, True)


def test_indices_do_not_count_in_another_shape(call: Run) -> None:
    pooled = call("pool", "--indices", "--json", GEEKS).raw
    result = call("unpool", "--output-size", "5x5", stdin=pooled)
    assert (result.code, "refer to an input of 4x4, not of 5x5" in result.err) == (1, True)


def test_a_fill_of_nan_is_replayed(call: Run) -> None:
    made = call("pool", "--padding", "1", "--pad-fill", "nan", "--json", GEEKS)
    again = call("run", GEEKS, "--steps", "-", "--json", stdin=made.raw)
    assert again.data() == made.data()


def test_code_takes_the_layout_of_the_input_and_goes_to_a_file(call: Run, tmp_path: Path) -> None:
    x = np.arange(24.0).reshape(2, 4, 3)
    np.save(tmp_path / "in.npy", x)
    words = ("pool", "--layout", "HWC", "--stride", "1", "in.npy")
    said = call(*words, "--emit", "numpy", "--indices", "-o", "code.py", cwd=tmp_path)
    assert (said.out, said.err) == ("", "wrote code.py (code for numpy)\n")
    scope: dict[str, Any] = {}
    exec(compile((tmp_path / "code.py").read_text(), "code.py", "exec"), scope)  # noqa: S102 - poolcli's own output
    values, indices = scope["pool"](x)
    pooled = call(*words, "--indices", "--json", cwd=tmp_path).json()
    assert (values.tolist(), indices.tolist()) == (pooled["data"], pooled["indices"])


def test_code_does_not_replace_the_input(call: Run, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_text("1,2\n3,4\n")
    result = call("pool", "--emit", "numpy", "-o", "in.csv", "in.csv", cwd=tmp_path)
    assert (result.code, "the output in.csv is the input in.csv" in result.err) == (2, True)
    assert (tmp_path / "in.csv").read_text() == "1,2\n3,4\n"


def test_a_comparison_in_which_nothing_fits_is_about_the_data(call: Run) -> None:
    result = call("compare", "--compat", "torch,onnx", "--size", "9", GEEKS)
    assert result.code == 1
    assert "hint: use --size 4" in result.err

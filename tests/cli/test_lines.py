"""--lines: each line is a map by itself, and gives at once what it would give alone."""

from __future__ import annotations

import json
import subprocess
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from poolcli.errors import PoolcliError
from poolcli.featuremap import FeatureMap
from poolcli.formats import decode, encode
from poolcli.formats.json_lines import PlainReader
from poolcli.formats.options import ReadOptions, WriteOptions
from poolcli.steps.lines import LineByLine
from poolcli.steps.steps import ConvStep, GradStep, NormalizeStep, PoolStep, ReluStep, Step, apply
from tests.support.drawn import by
from tests.support.process import Run, clean_environment, command

STACKS: list[list[Step]] = [
    [PoolStep("max", 2)],
    [PoolStep("avg", 2, {"stride": 1})],
    [PoolStep("sum", 2)],
    [PoolStep("median", 2)],
    [PoolStep("max", 2, indices=True)],
    [PoolStep("max", 2, {"nan": "error"})],
    [PoolStep("avg", 3, {"padding": "same", "nan": "ignore"})],
    [PoolStep("stochastic", 2, {"seed": 7})],
    [ConvStep([[1, -2], [3, 1]]), ReluStep(), PoolStep("range", None, {"global_window": True})],
    [NormalizeStep(), GradStep(PoolStep("avg", 2))],
]

SPECIAL = [2**53, 2**53 + 1, 2**62, 2**63, -(2**63), 2**64, 10**400, None, 1e308, 1e-320, -0.0]
ODD = [
    "", " ", "[[1,2],[3]]", "[[1,2],[3,true]]", "[[1,2],[3,NaN]]", '[[1,2],[3,"NA"]]', "[]", "[[]]", "[[],[]]",
    "[1", "[1]]", "7", '{"data":1}', '{"a":{"data":[[1,2],[3,4]]},"data":[[5,6],[7,8]]}',
    '{"data":[[1,2],[3,4]],"data":[[1]]}',
    '{"dtype":"uint8","data":[[1,2],[3,300]]}', '{"dtype":"float32","data":[[1,2],[3,4]]}',
    '{"layout":"WH","data":[[1,2,3],[4,5,6]]}', '{"shape":[2,2],"data":[[1,2],[3,4]]}',
    '{"shape":[2,2],"data":[[1,2,3],[3,4,5]]}', '{"white":255,"id":"[1]","data":[[1,2],[3,4]]}',
    '{"data":[[1,2],[3,4]],"indices":[[0,1],[2,3]]}', '{"a\\\\\\"data\\":":[[1,2],[3,4]],"data":[[5,6],[7,8]]}',
]  # fmt: skip


def any_lines(draw: Random) -> list[str]:
    """Grids of small and of all numbers, and odd lines."""

    def number() -> Any:
        return draw.choice((draw.randint(-9, 9), draw.uniform(-100, 100), draw.choice(SPECIAL)))

    def line() -> str:
        rows, columns = draw.randint(1, 3), draw.randint(1, 3)
        cell = draw.choice((number, partial(draw.randint, -9, 9)))
        grid = json.dumps([[cell() for _ in range(columns)] for _ in range(rows)])
        return draw.choice((grid, grid, draw.choice(ODD)))

    return [line() for _ in range(draw.randint(1, 8))]


def alone(line: str, steps: list[Step], reading: ReadOptions) -> bytes | str:
    """What a line gives by itself, or why it gives nothing."""
    try:
        read = decode(line.encode(), "x", reading._replace(input_format="json"))
        return b"".join(encode(apply(read, steps), WriteOptions("json")))
    except PoolcliError as problem:
        return str(problem.hint)


@pytest.mark.slow
@settings(max_examples=300)
@given(lines=by(any_lines), steps=st.sampled_from(STACKS), missing=st.sampled_from([None, None, "NA,7"]))
def test_a_line_gives_what_it_gives_alone(lines: list[str], steps: list[Step], missing: str | None) -> None:
    reading = ReadOptions(missing=missing)
    made = LineByLine(steps, reading, "x")
    for number, line in enumerate(filter(str.strip, [*lines, *lines]), 1):  # the second time all is known that can be
        assert among_others(made, line, number) == alone(line, steps, reading)


def among_others(made: LineByLine, line: str, number: int) -> bytes | str:
    """What a line gives among others, or why it gives nothing."""
    try:
        return made(line.encode(), number)
    except PoolcliError as problem:
        return str(problem.hint) if f"x: line {number}" in problem.message else "which line?"


def test_equal_lines_are_not_looked_at_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    """The quick way is gone at all: reading whole documents is taken away once the first line of a kind is through."""
    made = LineByLine([PoolStep("max", 2)], ReadOptions(), "x")
    kinds = [b"[[1,2],[3,%d]]", b"[[1.5,2],[3,%d]]", b'{"id": 1, "data": [[1,2],[3,%d]], "steps": []}']
    for kind in kinds:
        made(kind % 4, 1)
    monkeypatch.setattr("poolcli.steps.lines.decode_line", None)
    for kind in kinds:
        assert json.loads(made(kind % 9, 2))["data"] == [[9]]


@pytest.mark.parametrize(
    "text", ["[[1,2],[3,4.5]]", "[1]", "[[[1,2]],[[3,null]]]", "[-0.0]", "[9007199254740991]", "[ 1 , 2 ]"]
)
def test_plain_lists_are_read_as_documents_are(text: str) -> None:
    read = PlainReader()
    expected = decode(text.encode(), "x", ReadOptions(input_format="json")).array
    for _ in range(2):
        found = read(text.encode())
        assert found is not None
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)
        np.testing.assert_array_equal(np.signbit(found), np.signbit(expected))


@pytest.mark.parametrize(
    "text", ["[true]", "[false,1]", "[[1],[2,3]]", "[9007199254740993.0]", "[18446744073709551615]", "[1e999]", "[]",
             "[[],[]]", "[1,]", "[01]", "[36893488147419103232]", "[9007199254740993,0.5]", '["1"]']
)  # fmt: skip
def test_what_needs_a_closer_look_is_left_alone(text: str) -> None:
    assert PlainReader()(text.encode()) is None


def test_results_come_while_the_input_stays_open() -> None:
    words = [command(), "pool", "--lines"]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=clean_environment()) as process:
        assert process.stdin
        assert process.stdout
        for number in (4, 9):
            process.stdin.write(b"[[1,2],[3,%d]]\n" % number)
            process.stdin.flush()
            assert json.loads(process.stdout.readline())["data"] == [[number]]
        process.stdin.write(b"[[1,2],[3,5]]")  # without a line end, which is the end of the input here
        process.stdin.close()
        assert json.loads(process.stdout.read())["data"] == [[5]]
    assert process.returncode == 0


def test_lines_before_a_bad_one_are_out(call: Run, tmp_path: Path) -> None:
    text = "[[1,2],[3,4]]\n\n[[1,2],[3,x]]\n[[5]]\n"
    found = call("pool", "--lines", stdin=text)
    assert (found.code, found.out.count("\n")) == (1, 1)
    assert "error: stdin: line 3, column 11: 'x'" in found.err
    (tmp_path / "in.jsonl").write_text(text, encoding="utf-8")
    (tmp_path / "out.jsonl").write_text("before", encoding="utf-8")
    found = call("pool", "--lines", "in.jsonl", "-o", "out.jsonl", cwd=tmp_path)
    assert "error: in.jsonl: line 3, column 11" in found.err
    assert (tmp_path / "out.jsonl").read_text(encoding="utf-8") == "before"  # whole or not at all
    found = call("pool", "--lines", stdin="[[1,2],[3,4]]\n[[1]]\n")
    assert "error: stdin: line 2: window 2x2 is larger than the input 1x1\nhint: use --size 1" in found.err


@pytest.mark.parametrize(
    ("words", "shapes"),
    [
        (["pool"], [[1, 1], [1, 2]]),
        (["conv", "--filter", "[[1]]"], [[2, 2], [2, 5]]),
        (["grad"], [[2, 2], [2, 5]]),
        (["pool", "--layout", "HW", "--compat", "torch"], [[1, 1], [1, 2]]),
    ],
)
def test_commands_of_one_map_take_lines(call: Run, tmp_path: Path, words: list[str], shapes: list[list[int]]) -> None:
    text = "[[1,2],[3,4]]\n[[1,2,3,4,5],[6,7,8,9,0]]\n"
    found = call(*words, "--lines", "-v", "-o", "out.jsonl", "-", stdin="\ufeff" + text, cwd=tmp_path)
    assert found.code == 0
    assert "wrote out.jsonl (JSON Lines: 2 maps)" in found.err
    assert found.err.count("stdin: format json") == 1
    made = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [one["shape"] for one in made] == shapes
    for line, one in zip(text.splitlines(), made, strict=True):
        assert call(*words, "--json", stdin=line).json() == one


def test_stacks_take_lines(call: Run) -> None:
    text = "[[1,2],[3,4]]\n[[5,6],[7,8]]\n"
    found = call("run", "--lines", "-", "pool", "--indices", "then", "unpool", stdin=text)
    assert [json.loads(line)["data"] for line in found.out.splitlines()] == [[[0, 0], [0, 4]], [[0, 0], [0, 8]]]
    pooled = call("pool", "--lines", "--indices", stdin=text).out
    assert call("unpool", "--lines", stdin=pooled).out.count("\n") == 2


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["-f", "csv"], "--lines writes JSON, not csv"),
        (["-o", "out.csv"], "--lines writes JSON, not csv"),
        (["--input-format", "csv"], "--lines reads JSON, not csv"),
        (["--show"], "--show is for one map, not for lines of them"),
        (["--emit", "torch"], "--emit is for one map, not for lines of them"),
        (["--scheduler", "tcp://x:1"], "--scheduler is for one map, not for lines of them"),
    ],
)
def test_what_lines_cannot_do(call: Run, words: list[str], message: str) -> None:
    found = call("pool", "--lines", *words, stdin="[[1,2],[3,4]]\n")
    assert (found.code, found.out) == (2, "")
    assert f"error: {message}\nhint: " in found.err


def test_lines_of_csv(call: Run) -> None:
    found = call("pool", "--lines", stdin="1,2\n3,4\n")
    assert found.err.endswith("hint: write [[1, 2], [3, 4]], or leave out --lines if the file is something else\n")


def test_recipes_are_of_one_map(call: Run) -> None:
    found = call("run", "--lines", "--save-steps", "r.json", "-", "relu", stdin="[1]\n")
    assert "--save-steps is for one map" in found.err


def test_the_input_is_no_output(call: Run, tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("[[1,2],[3,4]]\n", encoding="utf-8")
    assert "is the input" in call("pool", "--lines", "a.jsonl", "-o", "a.jsonl", cwd=tmp_path).err
    assert call("pool", "--lines", "a.jsonl", "-o", "a.jsonl", "--overwrite", cwd=tmp_path).code == 0
    assert json.loads((tmp_path / "a.jsonl").read_text(encoding="utf-8"))["data"] == [[4]]


def test_several_documents_lead_to_lines(call: Run) -> None:
    found = call("pool", stdin="[[1,2],[3,4]]\n[[5,6],[7,8]]\n")
    assert "--lines" in found.err
    assert "jq -s . | poolcli pool" in found.err
    assert "jq -s 'map(.data)' | poolcli pool" in call("pool", stdin='{"data":[[1]]}\n{"data":[[2]]}\n').err


def test_records_with_numbers_elsewhere_lead_to_them(call: Run, tmp_path: Path) -> None:
    text = '{"id":"a","embedding":[1,2]}\n{"id":"b","embedding":[3,4]}\n'
    (tmp_path / "a.jsonl").write_text(text, encoding="utf-8")
    assert "jq -s 'map(.embedding)' a.jsonl | poolcli pool" in call("pool", "a.jsonl", cwd=tmp_path).err
    assert "jq -c .embedding a.jsonl | poolcli pool --lines" in call("pool", "--lines", "a.jsonl", cwd=tmp_path).err
    assert "... | jq -c .embedding | poolcli pool --lines" in call("pool", "--lines", stdin=text).err
    rows = '{"t":"x","a":null,"b":2}\n{"t":"y","a":1.5,"b":3}\n'
    assert "the records: ... | jq -s 'map([.a, .b])' | poolcli pool\n" in call("pool", stdin=rows).err
    assert (
        "a row of its numbers: ... | jq -c '[.b]' | poolcli pool --lines\n" in call("pool", "--lines", stdin=rows).err
    )


def test_no_lines_give_no_lines(call: Run) -> None:
    found = call("pool", "--lines", stdin="")
    assert (found.code, found.out) == (0, "")


def test_a_map_that_is_written_by_lines_is_a_map(call: Run) -> None:
    line = call("pool", "--lines", stdin="[[1,2],[3,4]]").raw
    assert isinstance(decode(line, "x"), FeatureMap)

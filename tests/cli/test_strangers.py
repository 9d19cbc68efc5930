"""What other programs, other people and other habits bring: strange files, names, variables and words."""

from __future__ import annotations

import json
import re
import shlex
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from poolcli import write
from poolcli.cli.registry import COMMANDS, GROUPS, build
from tests.support.process import ROOT, Run, Shell

CSV = "1,2,3,4\n5,6,7,8\n9,1,2,3\n4,5,6,7\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two small files."""
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(CSV)
    return tmp_path


# --- words ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("words", "hint"),
    [
        (["pool", "a.csv", "b.csv"], "one at a time, or all of them: poolcli batch a.csv b.csv -o FOLDER"),
        (["show", "a.csv", "b.csv"], "one at a time, or all of them: poolcli batch a.csv b.csv -o FOLDER"),
        (["pool", "-k", "2", "a.csv", "b.csv", "a.csv"],
         "one at a time, or all of them: poolcli batch a.csv b.csv a.csv -o FOLDER"),
        (["layers", "a.csv", "b.csv"], "give one file at a time"),
        (["pool", "a.csv", "new.csv"], "-o new.csv writes the result there"),
        (["show", "a.csv", "new.csv"], "see: poolcli show --help"),
        (["run", "a.csv", "pool", "b.csv"], "see: poolcli pool --help"),
        (["pool", "--kernel-size", "3", "a.csv"], "--kernel-size is --size here"),
        (["pool", "--pool_size=3", "a.csv"], "--pool_size is --size here"),
        (["pool", "--strides", "3", "a.csv"], "--strides is --stride here"),
        (["pool", "--return-mask", "a.csv"], "--return-mask is --indices here"),
        (["run", "a.csv", "pool", "--kernel-shape", "3"], "--kernel-shape is --size here"),
        (["pool", "-f", "cvs", "a.csv"], "did you mean csv?"),
        (["pool", "-f", "xml", "a.csv"], "known: table, csv, tsv, json, npy, png, "),
        (["pool", "-m", "avrage", "a.csv"], "did you mean average"),
        (["pool", "-m", "stochastic", "--seed", "-1", "a.csv"], "use --seed 1, or any whole number from 0"),
        (["pool", "--output-size", "q", "a.csv"], "write --output-size 2, --output-size 3x2 or --output-size 2x3x3"),
    ],
)  # fmt: skip
def test_hints_that_may_be_obeyed(call: Run, folder: Path, words: list[str], hint: str) -> None:
    result = call(*words, cwd=folder)
    assert result.code == 2
    assert result.err.splitlines()[1].startswith(f"hint: {hint}"), result.err
    assert sorted(path.name for path in folder.iterdir()) == ["a.csv", "b.csv"]


@pytest.mark.parametrize(
    ("line", "error", "hint"),
    [
        # steps in a row without `then`
        ("run a.csv pool --size 2 pool --size 2", "step 1 (pool): unexpected: pool",
         "write then between steps: pool --size 2 then pool --size 2"),
        ("run a.csv pool --size 2 , relu", "step 1 (pool): unexpected: , relu",
         "write then between steps: pool --size 2 then relu"),
        ("run a.csv pool --size 2, relu", "step 1 (pool): unexpected: relu",
         "write then between steps: pool --size 2 then relu"),
        ("run a.csv pool '|' relu THEN global-max", "step 1 (pool): unexpected: | relu THEN global-max",
         "write then between steps: pool then relu then global-max"),
        ("summary 28x28 conv --size 3 pool --size 2", "step 1 (conv): unexpected: pool",
         "write then between steps: conv --size 3 then pool --size 2"),
        ("run a.csv relu pool --size 2", "step 1 (relu): no such option: --size",
         "write then between steps: relu then pool --size 2"),
        ("pool a.csv --size 2 then relu", "unexpected: then relu",
         "several steps: poolcli run a.csv STEP [OPTIONS] then STEP [OPTIONS]"),
        ("run a.csv pool, relu", "step 1: unknown step 'pool,'", "write then between steps: pool then relu"),
        # INPUT behind the steps
        ("run pool --size 2 a.csv", "INPUT is missing before the first step",
         "such as: poolcli run a.csv pool --size 2"),
        ("summary --json pool then relu new.npy", "INPUT is missing before the first step",
         "such as: poolcli summary --json new.npy pool then relu"),
        ("run pool --size 2 -", "INPUT is missing before the first step", "such as: poolcli run - pool --size 2"),
        ("summary pool --size 2 then relu 28x28", "INPUT is missing before the first step",
         "such as: poolcli summary 28x28 pool --size 2 then relu"),
        ("run a.csv b.csv pool", "unknown step 'b.csv'", "give one file at a time"),
        # a switch with a value
        ("pool --count-include-pad false", "--count-include-pad takes no value: false",
         "write --no-count-include-pad"),
        ("pool --count-include-pad 0 a.csv", "--count-include-pad takes no value: 0", "write --no-count-include-pad"),
        ("pool --ceil-mode True a.csv", "--ceil-mode takes no value: True", "write --ceil-mode alone"),
        ("pool --ceil-mode=True a.csv", "--ceil-mode takes no value: True", "write --ceil-mode alone"),
        ("pool --no-relu off a.csv", "--no-relu takes no value: off", "write --relu"),
        ("pool --global no a.csv", "--global takes no value: no", "leave out --global"),
        ("run a.csv pool --ceil-mode true", "step 1 (pool): --ceil-mode takes no value: true",
         "write --ceil-mode alone"),
        # names without their option, and behind another
        ("pool max a.csv", "unexpected: max", "use --mode max"),
        ("pool a.csv max", "unexpected: max", "use --mode max"),
        ("pool --global avg a.csv", "unexpected: avg", "use --mode avg"),
        ("pool a.csv relu", "unexpected: relu", "use --relu"),
        ("conv a.csv sobel-x", "unexpected: sobel-x", "use --filter sobel-x"),
        ("compare torch keras a.csv", "unexpected: torch keras", "use --compat torch,keras"),
        ("compare --compat torch keras onnx a.csv", "unexpected: keras onnx", "use --compat torch,keras,onnx"),
        ("compare -m max, avg a.csv", "unexpected: avg", "use --mode max,avg"),
        ("pool max avg a.csv", "unexpected: max avg", "use --mode max"),
        ("show a.csv gray", "unexpected: gray", "use --colormap gray, or --channels gray"),
        ("pool -p reflect a.csv", "unknown padding 'reflect'", "use --pad-fill reflect"),
        ("pool -m sobel-x a.csv", "unknown mode 'sobel-x'", "use --filter sobel-x"),
        ("run a.csv pool max", "step 1 (pool): unexpected: max", "use --mode max"),
        ("run a.csv pool -p reflect", "step 1 (pool): unknown padding 'reflect'", "use --pad-fill reflect"),
        ("run max a.csv", "unknown step 'max'", "write pool --mode max"),
        ("run a.csv avg", "unknown step 'avg'", "write pool --mode avg"),
        ("run a.csv relu then box", "step 2: unknown step 'box'", "write conv --filter box"),
        # options that others have
        ("pool --shape 7x10", "no such option: --shape", "poolcli compare and poolcli explain have --shape"),
        ("pool --steps r.json a.csv", "no such option: --steps", "poolcli run and poolcli batch have --steps"),
        ("show a.csv -k 3", "no such option: -k", "poolcli pool, poolcli batch, poolcli unpool and others have -k"),
        ("--mode max a.csv", "there is no option --mode before a command", "poolcli pool --mode max a.csv"),
        ("--json -k 2 pool a.csv", "there is no option --json before a command", "poolcli pool --json -k 2 a.csv"),
        ("run a.csv pool --filter box", "step 1 (pool): no such option: --filter", "conv has --filter"),
        ("run a.csv pool --json then relu", "step 1 (pool): no such option: --json",
         "write --json before INPUT or after the last step"),
    ],
)  # fmt: skip
def test_what_stands_in_the_wrong_place_is_told_from_what_is_wrong(
    call: Run, folder: Path, line: str, error: str, hint: str
) -> None:
    result = call(*shlex.split(line), cwd=folder)
    assert (result.code, result.err) == (2, f"error: {error}\nhint: {hint}\n")


def test_a_name_in_place_of_the_only_file_gets_its_option(call: Run, folder: Path) -> None:
    (folder / "min").write_text(CSV)
    result = call("pool", "max", cwd=folder)
    assert (result.code, result.err) == (1, "error: cannot read max: no such file\nhint: use --mode max\n")
    assert call("pool", "--json", "min", cwd=folder).code == 0


@pytest.mark.parametrize(
    "line", ["run --steps r.json", "run --json --steps=r.json -q", "run relu then pool", "summary relu then pool"]
)
def test_stacks_read_what_is_piped_in(call: Run, folder: Path, line: str) -> None:
    (folder / "r.json").write_text('[{"step": "relu"}, {"step": "pool"}]')
    command, *rest = line.split()
    place = next((number for number, word in enumerate(rest) if word == "relu"), len(rest))
    named = call(command, *rest[:place], "-", *rest[place:], stdin=CSV, cwd=folder)
    assert named.code == 0
    assert call(*line.split(), stdin=CSV, cwd=folder) == named


def test_a_recipe_of_the_environment_reads_what_is_piped_in(call: Run, folder: Path) -> None:
    (folder / "r.json").write_text('[{"step": "pool"}]')
    assert call("run", "--json", stdin=CSV, env={"POOLCLI_STEPS": "r.json"}, cwd=folder).json()["shape"] == [2, 2]


def test_nothing_in_the_pipe_of_a_stack_leads_to_a_line_with_its_steps(call: Run, folder: Path) -> None:
    (folder / "r.json").write_text('[{"step": "pool"}]')
    for before, after in (("--json", " pool --size 3"), ("--steps r.json", "")):
        result = call("run", *before.split(), *after.split(), cwd=folder)
        again = f"poolcli run {before} input.csv{after}, or poolcli run {before} -{after} < input.csv"
        assert result.err == f"error: stdin is empty\nhint: name a file, or pipe one in: {again}\n"


def test_a_list_of_files_that_is_too_long_to_read_is_cut(call: Run, folder: Path) -> None:
    for number in range(200):
        (folder / f"{number:03}.csv").write_text(CSV)
    result = call("pool", *sorted(path.name for path in folder.iterdir()), cwd=folder)
    error, hint, _ = result.err.split("\n")
    assert (len(error) < 250, error[:26], error[-5:]) == (True, "error: unexpected: 001.csv", "b.csv")
    assert hint == "hint: one at a time, or all of them: poolcli batch FILES -o FOLDER"


@pytest.mark.parametrize(
    ("variable", "words", "note"),
    [
        ("POOLCLI_STRIDES", ["pool"], "note: no option is called POOLCLI_STRIDES; did you mean POOLCLI_STRIDE?\n"),
        ("POOLCLI_QQ", ["pool"], "note: no option is called POOLCLI_QQ\n"),
        ("POOLCLI_STRIDES", ["pool", "-q"], ""),
        ("POOLCLI_UNITS", ["pool"], ""),
        ("POOLCLI_FPS", ["pool"], ""),
    ],
)
def test_a_variable_that_names_no_option_gets_a_note(
    call: Run, folder: Path, variable: str, words: list[str], note: str
) -> None:
    result = call(*words, "--json", "a.csv", env={variable: "3"}, cwd=folder)
    assert (result.code, result.err) == (0, note)


# --- names and values -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("color", ["0", "1"])
@pytest.mark.parametrize(
    "words", [["doctor"], ["doctor", "--json"], ["pool", "a.csv"], ["batch", "x\x1b[31m", "-o", "o"]]
)
def test_no_way_out_lets_an_escape_through(call: Run, folder: Path, words: list[str], color: str) -> None:
    env = {"TERM": "x\x1b[31m", "POOLCLI_\x1b[31m": "1", "LANG": "\u202e", "FORCE_COLOR": color}
    (folder / "x\x1b[31m").mkdir()
    (folder / "x\x1b[31m" / "c\x1b[31m.csv").write_text(CSV)
    result = call(*words, env=env, cwd=folder)
    assert "\x1b[31m" not in result.out + result.err.replace("\x1b[1;31merror", "")
    assert "\u202e" not in result.out + result.err or "--json" in words


def test_a_traceback_that_is_asked_for_lets_no_escape_through(call: Run) -> None:
    result = call("pool", "nosuch\x1b]0;title\x07\u202e.csv", env={"POOLCLI_DEBUG": "1"})
    assert (result.code, "Traceback" in result.err, {"\x1b", "\x07", "\u202e"} & {*result.err}) == (1, True, set())
    assert result.err.count("\n") > 5


def test_a_picture_in_the_terminal_lets_no_escape_through(call: Run, folder: Path) -> None:
    (folder / "c\x1b[31m.csv").write_text(CSV)
    for words in (["show"], ["explain"], ["compare", "-m", "max,avg", "--show"], ["shift", "--show"], ["pool"]):
        assert "\x1b" not in call(*words, "c\x1b[31m.csv", cwd=folder).out


@pytest.mark.parametrize(
    "pattern", ["{number:{stem.x}}.csv", "{number:099999999}.csv", "{stem!r}.csv", "{stem:>100}.csv"]
)
def test_a_pattern_that_makes_no_name(call: Run, folder: Path, pattern: str) -> None:
    result = call("batch", "a.csv", "-o", "out", "--name", pattern, cwd=folder)
    assert (result.code, result.err.count("\n"), len(result.err) < 400) == (2, 2, True)
    assert result.err.startswith(f"error: --name '{pattern}': ")
    assert not (folder / "out").exists()


@pytest.mark.parametrize("words", [["pool"], ["batch", "-o", "out"], ["run", "--steps", "a.csv"], ["layers"]])
def test_a_name_longer_than_any_file_may_have(call: Run, folder: Path, words: list[str]) -> None:
    result = call(*words, "a" * 3000, cwd=folder)
    assert (result.code in (1, 2), result.err.count("\n"), len(result.err) < 5000) == (True, 2, True)


LACKING = {"conv": ["--filter", "box"], "compare": ["-m", "max,avg"], "batch": ["-o", "made", "--dry-run"]}
TAKEN = {name: ["a.csv"] * (name not in GROUPS["Look up"]) for name in COMMANDS} | {"summary": ["4x4"]}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_value_that_is_not_text(call: Run, folder: Path, command: str) -> None:
    """As the shell hands on bytes that are not UTF-8."""
    stack = ["pool"] if command in ("run", "summary") else []
    params: list[Any] = build(command).params
    for one in params:
        if one.param_type_name == "option" and not one.is_flag:
            words = [command, *TAKEN[command], *LACKING.get(command, []), max(one.opts, key=len), "\udcff", *stack]
            result = call(*words, cwd=folder)
            assert result.code in (0, 1, 2), (words, result.err)


@pytest.mark.parametrize("name", ["k\udcff.csv", "k\nprint(1).csv", "k\u2028print(1)\r.csv"])
def test_a_kernel_may_have_any_name(call: Run, folder: Path, name: str) -> None:
    """It stands in JSON, in pictures, in recipes and in the comments of programs, and is never a line of a program."""
    (folder / name).write_text("1,1\n")
    said = name.encode("unicode_escape", "surrogatepass").decode()
    made = call("conv", "--filter", name, "--json", "a.csv", cwd=folder)
    assert made.json()["steps"][0]["filter"] == said
    assert call("conv", "--filter", name, "-o", "made.png", "a.csv", cwd=folder).code == 0
    assert call("run", "a.csv", "--save-steps", "made.json", "conv", "--filter", name, cwd=folder).code == 0
    for target in ("numpy", "torch"):
        first, second, *_ = call("pool", "--emit", target, "--filter", name, cwd=folder).out.split("\n")
        assert first.startswith(f"# poolcli: {said} 1x2")
        assert second.startswith("import ")


@pytest.mark.parametrize(
    "pattern", ["{number:05}.csv", "{number:>5d}.csv", "{stem:.8}-{number}.csv", "{stem:_<99}.csv"]
)
def test_a_pattern_with_a_width(call: Run, folder: Path, pattern: str) -> None:
    assert call("batch", "a.csv", "-o", "out", "--name", pattern, "--dry-run", cwd=folder).code == 0


def test_a_report_that_cannot_be_written_is_told_before_anything_is_made(call: Run, folder: Path) -> None:
    result = call("batch", "a.csv", "-o", "out", "--report", "nosuch/r.jsonl", cwd=folder)
    assert (result.code, result.err.splitlines()[0]) == (
        1, "error: cannot write nosuch/r.jsonl: the folder nosuch does not exist",
    )  # fmt: skip
    assert not (folder / "out").exists()


def test_a_message_has_an_end(call: Run) -> None:
    for key in ("shape", "dtype", "layout"):
        result = call("pool", stdin=json.dumps({"data": [[1, 2], [3, 4]], key: "a" * 100_000}))
        assert result.code in (1, 2)
        assert len(result.err) < 5000


def test_what_is_not_utf8_is_an_escape_in_json(call: Run, tmp_path: Path) -> None:
    """A variable of the environment, and a name in a model."""
    told = call("doctor", "--json", env={"POOLCLI_ODD": "a\udcff"}).out
    assert "a\\udcff" in told
    assert json.loads(told)
    path = tmp_path / "odd.keras"
    with zipfile.ZipFile(ROOT / "tests" / "models" / "functional.keras") as model, zipfile.ZipFile(path, "w") as odd:
        for name in model.namelist():
            config = model.read(name)
            odd.writestr(name, config.replace(b'"name": "', b'"name": "\\udcff\xc3\xa9') if ".json" in name else config)
    result = call("layers", "--json", path)
    assert result.code == 0
    assert json.loads(result.out)["layers"][0]["name"] == "\udcff\xe9shared"


@pytest.mark.slow
def test_too_little_memory_to_start_is_told_in_two_lines(shell: Shell, folder: Path) -> None:
    """In place of a traceback or of OpenBLAS's words, whatever command loads it."""
    many = ["pool", "show", "explain", "shift", "grad", "unpool", "layers", "doctor"]
    lines = "".join(f"poolcli {word} a.csv; echo $? >&2; " for word in many)
    result = shell(f"ulimit -v 90000; {lines}", fresh=True, cwd=folder)
    told = result.err.splitlines()
    assert len(told) == 3 * len(many), result.err
    assert {line.partition(" to start")[0] for line in told[::3]} == {"error: poolcli needs 104 MiB"}
    assert set(told[2::3]) == {"1"}
    done = shell(
        "ulimit -v 90000; poolcli pool --help && poolcli modes && poolcli completion bash", fresh=True, cwd=folder
    )
    assert (done.code, done.err) == (0, "")


@pytest.mark.slow
def test_too_few_open_files_are_told_in_two_lines(shell: Shell, folder: Path) -> None:
    """Wherever one more is opened."""
    codes = set()
    for number in (5, 8, 11, 14):
        words = "batch a.csv b.csv --overwrite -q -o out"
        result = shell(f"ulimit -n {number}; exec 2>&1; exec poolcli {words}", fresh=True, cwd=folder)
        codes.add(result.code)
        if result.code:  # once, or for each of the files that met it
            lines = [line.partition(": ")[0] for line in result.out.splitlines()]
            assert (result.code in (1, 3), lines in (["error", "hint"], ["error", "hint"] * 2)) == (True, True), (
                result.out
            )
            assert re.search("too many (open files|files are open)", result.out, re.IGNORECASE)
    assert 1 in codes


# --- files that describe themselves -----------------------------------------------------------------------------------


ODD: list[Any] = [
    None, True, 0, -1, 1.5, 1e308, 10**30, "", "x", "a" * 5000, [], [[]], [0, 0], [None], ["a"], {}, {"a": 1}, [[1, 2]],
    "torch", [1e300, 2], [[["x"]]],
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("key", ["shape", "layout", "dtype", "steps", "indices", "unpool", "white"])
@pytest.mark.parametrize(
    "words", [["pool"], ["unpool"], ["show"], ["run", "-", "pool"], ["run", "--steps", "-", "a.csv"]]
)
def test_a_json_object_may_say_anything_of_itself(call: Run, folder: Path, key: str, words: list[str]) -> None:
    for odd in ODD:
        told(call(*words, stdin=json.dumps({"data": [[1, 2], [3, 4]], "indices": [[0]], key: odd}), cwd=folder))


@pytest.mark.slow
@pytest.mark.parametrize(
    "key", ["step", "mode", "size", "stride", "padding", "shape", "compat", "storage_order", "seed", "bias", "global"]
)
def test_a_step_may_say_anything_of_itself(call: Run, folder: Path, key: str) -> None:
    for odd in ODD:
        steps = [{"step": "pool", "mode": "max", "size": [2, 2], key: odd}]
        told(call("pool", stdin=json.dumps({"data": [[1, 2], [3, 4]], "steps": steps})))
        told(call("run", "--steps", "-", "a.csv", stdin=json.dumps(steps), cwd=folder))
        record = {"data": [[4]], "indices": [[3]], "unpool": {"shape": [2, 2], key: odd}}
        told(call("unpool", stdin=json.dumps(record)))


@pytest.mark.parametrize("stage", ["1", "9" * 5000, "\u0661"])
def test_a_setting_of_a_stage_that_is_no_step(call: Run, folder: Path, stage: str) -> None:
    told(call("run", "--steps", "-", "--set", f"{stage}.size=3", "a.csv", stdin='["x"]', cwd=folder))


def told(result: Any) -> None:
    """It worked, or the error has two lines."""
    assert result.code == 0 or (result.code in (1, 2) and result.err.startswith("error: ")), result.err
    assert result.code == 0 or result.err.count("\n") == 2, result.err


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_a_photoshop_file_without_layers_is_read(call: Run, tmp_path: Path) -> None:
    head = b"8BPS" + struct.pack(">H6xHIIHH", 1, 1, 4, 4, 8, 1)
    (tmp_path / "x.psd").write_bytes(head + struct.pack(">IIIH", 0, 0, 0, 0) + bytes(range(16)))
    assert call("pool", "--json", "x.psd", cwd=tmp_path).data() == [[5, 7], [13, 15]]


def test_libtiff_says_nothing_of_its_own(run: Run, tmp_path: Path) -> None:
    Image.new("L", (64, 64)).save(tmp_path / "x.tif", compression="tiff_lzw")
    whole = bytearray((tmp_path / "x.tif").read_bytes())
    for start in (10, 20, 60):
        damaged = whole.copy()
        damaged[start : start + 40] = b"\xff" * 40
        (tmp_path / "bad.tif").write_bytes(damaged)
        told(run("pool", "bad.tif", cwd=tmp_path))
    assert run("pool", "-k", "0", "x.tif", cwd=tmp_path).err.startswith("error: ")  # standard error is back


@pytest.mark.parametrize(
    ("values", "size", "advised"),
    [
        (np.arange(1000).reshape(1000, 1), "512", [["--size", "512x1"], ["--size", "512", "--layout", "L"]]),
        (np.arange(12).reshape(1, 12), "3", [["--size", "1x3"], ["--size", "3", "--layout", "L"]]),
        (np.arange(80).reshape(40, 2), "20", [["--size", "20x1"], ["--size", "20x2"], ["--padding", "0x9"]]),
        (np.arange(80).reshape(2, 40), "20", [["--size", "1x20"], ["--size", "2x20"], ["--padding", "9x0"]]),
        (np.arange(24 * 6 * 5).reshape(24, 6, 5), "12x1x1", [["--size", "12x1x1", "--layout", "DHW"]]),
        (np.arange(2 * 24 * 6 * 5).reshape(2, 24, 6, 5), "12x1x1", [["--size", "12x1x1", "--layout", "CDHW"]]),
    ],
)
@pytest.mark.parametrize("kind", ["npy", "json"])
def test_a_line_and_a_cube_are_told_from_a_map(
    call: Run, tmp_path: Path, values: Any, size: str, advised: list[list[str]], kind: str
) -> None:
    write(values, tmp_path / f"x.{kind}")
    found = call("pool", f"x.{kind}", "--size", size, cwd=tmp_path)
    assert found.code in (1, 2)
    for words in advised:
        assert " ".join(words[-2:]) in found.err.splitlines()[-1]
        sized = words if "--size" in words else ["--size", size, *words]
        assert call("pool", f"x.{kind}", *sized, "--json", cwd=tmp_path).code == 0


@pytest.mark.parametrize(
    ("shape", "hint", "wanted"),
    [
        ((40, 2), "use --size 20x1 for each column by itself, or --size 20x2, or --padding 0x9", [[38, 39], [78, 79]]),
        ((2, 40), "use --size 1x20 for each row by itself, or --size 2x20, or --padding 9x0", [[19, 39], [59, 79]]),
    ],
)
def test_a_window_too_wide_for_the_columns_may_pool_each_by_itself(
    call: Run, tmp_path: Path, shape: tuple[int, int], hint: str, wanted: Any
) -> None:
    write(np.arange(80).reshape(shape), tmp_path / "x.csv")
    assert call("pool", "-k", "20", "x.csv", cwd=tmp_path).err.endswith(f"hint: {hint}\n")
    assert call("pool", *hint.split()[1:3], "--json", "x.csv", cwd=tmp_path).json()["data"] == wanted
    write(np.arange(80).reshape(8, 10), tmp_path / "x.csv")  # a map
    assert "by itself" not in call("pool", "-k", "9", "x.csv", cwd=tmp_path).err


@pytest.mark.parametrize(
    ("words", "named"),
    [
        (["pool", "stack.npy", "-o", "x.csv"], "output.npy"),
        (["pool", "stack.npy", "-o", "x.png"], "output.npy"),
        (["pool", "--lines", "x.jsonl", "-o", "x.csv"], "out.jsonl"),
        (["pool", "photo.png", "-o", "there/"], "output.csv"),
        (["pool", "photo.png"], "out.png"),
        (["shift", "photo.png", "-o", "x.gif"], "page.html"),
        (["compare", "--mode", "max,avg", "photo.png", "-o", "x.csv"], "page.html"),
        (["pool", "page.pdf"], "unpacked"),
        (["pool", "drawing.svg"], "picture.png"),
        (["pool", "sound.wav"], "sound.npy"),
        (["pool", "sheet.html"], "sheet.csv"),
    ],
)
def test_a_hint_that_names_a_file_to_write_destroys_none(
    call: Run, tmp_path: Path, words: list[str], named: str
) -> None:
    write(np.zeros((4, 4, 4)), tmp_path / "stack.npy")
    Image.new("L", (8, 8)).save(tmp_path / "photo.png")
    (tmp_path / "there").mkdir()
    for name, start in {"page.pdf": b"%PDF", "drawing.svg": b"<svg>", "sound.wav": b"RIFF\0\0\0\0WAVE",
                        "sheet.html": b"<html>", "x.jsonl": b"[1]\n"}.items():  # fmt: skip
        (tmp_path / name).write_bytes(start)
    stem, _, suffix = named.partition(".")
    other = f"{stem}-2{'.' if suffix else ''}{suffix}"
    said = call(*words, cwd=tmp_path).err
    assert named in said
    assert other not in said
    (tmp_path / named).write_bytes(b"mine")
    said = call(*words, cwd=tmp_path).err
    assert other in said
    assert named not in said.replace(other, "")


# --- hints that work --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variable", "words", "told"),
    [
        ("POOLCLI_SIZE=3", "pool --global a.csv", "the whole map; POOLCLI_SIZE=3 sets --size"),
        ("POOLCLI_SIZE=3", "run a.csv pool --global", "the whole map; POOLCLI_SIZE=3 sets --size"),
        ("POOLCLI_MODE=foo", "pool a.csv", "unknown mode 'foo'; POOLCLI_MODE=foo sets --mode"),
        ("POOLCLI_MODE=foo", "run a.csv pool", "unknown mode 'foo'; POOLCLI_MODE=foo sets --mode"),
        ("POOLCLI_MODE=foo", "pool -m bar a.csv", "unknown mode 'bar'"),
        ("POOLCLI_SIZE=3", "pool -k 2 --global a.csv", "the whole map"),
        ("POOLCLI_RELU=maybe", "pool a.csv", "--relu (or POOLCLI_RELU): 'maybe' is not 1 or 0"),
    ],
)
def test_an_error_names_the_variable_that_caused_it(
    call: Run, folder: Path, variable: str, words: str, told: str
) -> None:
    name, value = variable.split("=")
    done = call(*words.split(), cwd=folder, env={name: value})
    assert done.code == 2
    assert done.err.splitlines()[0].endswith(told)


def test_variables_do_not_change_a_recipe(call: Run, folder: Path) -> None:
    assert call("run", "--save-steps", "recipe.json", "a.csv", "pool", cwd=folder).code == 0
    env = {f"POOLCLI_{name}": "1" for name in ("SIZE", "INDICES", "RELU")}
    assert call("batch", "--steps", "recipe.json", "a.csv", "-o", "z", cwd=folder, env=env).code == 0
    assert (folder / "z" / "a.csv").read_text() == "6,8\n9,7\n"
    refused = call("batch", "--steps", "recipe.json", "--size", "3", "a.csv", "-o", "y", cwd=folder)
    assert "cannot be combined" in refused.err


@pytest.mark.parametrize(
    ("words", "error", "hint"),
    [
        ("run --bogus 3 a.csv pool", "no such option: --bogus", "see: poolcli run --help"),
        ("run --emit torch a.csv pool", "no such option: --emit",
         "poolcli pool, poolcli unpool and poolcli grad have --emit"),
        ("run a.csv --relu pool", "--relu stands without its step", "write it as a step: relu then pool"),
        ("run a.csv --relu -j", "--relu stands without its step", "it is a step: poolcli run a.csv relu -j"),
        ("run a.csv --relu conv --filter box", "--relu stands before its step", "write it after the step: conv --relu"),
        ("pool -k 2 --dilation 7 a.csv", "window 2x2 (dilated 8x8) is larger than the input 4x4", "use --size 1"),
        ("pool -k 2 --dilation 4 a.csv", "window 2x2 (dilated 5x5) is larger than the input 4x4",
         "use --size 1, or --padding 1"),
        ("pool --filter gaussian-5 a.csv", "kernel 5x5 is larger than the input 4x4",
         "use a smaller kernel, or padding (--filter-padding)"),
        ("conv --filter gaussian-5 a.csv", "kernel 5x5 is larger than the input 4x4",
         "use a smaller kernel, or padding (--padding)"),
        ("run a.csv conv --filter gaussian-5", "step 1 (conv): kernel 5x5 is larger than the input 4x4",
         "use a smaller kernel, or padding (--padding)"),
        ("pool -k 3 --dilation 3 --compat torch a.csv", "window 3x3 (dilated 7x7) is larger than the input 4x4",
         "use --size 2"),
        ("pool -k 5 -m lp:2 --compat torch a.csv", "window 5x5 is larger than the input 4x4", "use --size 4"),
        ("pool -k 5 --compat torch a.csv", "window 5x5 is larger than the input 4x4", "use --size 4, or --padding 1"),
        ("version", "unknown command 'version'", "poolcli --version"),
        ("help pool", "unknown command 'help'", "poolcli --help, or poolcli pool --help"),
        ("batch -x.csv a.csv -o out", "no such option: -x", "write ./-x.csv for the file"),
        ("pool --output-ratio 0.5 a.csv", "--output-ratio goes only with --fractional", "add --fractional"),
        ("batch -o out", "batch needs paths", "name files or folders: poolcli batch FOLDER; or pipe them into "
         "xargs poolcli batch, or find -print0 into --files0"),
        ("conv --filter box --relu -s 2 -o page.html a.csv", "unknown extension '.html'",
         "poolcli explain --filter box --relu -o page.html a.csv (without -s)"),
        ("pool -k 3 --indices -o page.html a.csv", "unknown extension '.html'",
         "poolcli explain -k 3 -o page.html a.csv (without --indices)"),
        ("run a.csv relu then pool -o page.html", "unknown extension '.html'",
         "poolcli explain -o page.html a.csv (without its steps)"),
        ("pool -k 3 --mode max,avg a.csv", "one mode is expected, not 'max,avg'",
         "name one; to compare several: poolcli compare -k 3 --mode max,avg a.csv"),
        ("compare --side torch,kernel_size=3 --side keras a.csv",
         "--side 'torch kernel_size=3': unknown option 'kernel_size'", "it is called size here"),
        ("conv --kernel k.csv a.csv", "no such option: --kernel", "--kernel is --filter here"),
    ],
)  # fmt: skip
def test_what_a_hint_says_is_what_works(call: Run, folder: Path, words: str, error: str, hint: str) -> None:
    (folder / "-x.csv").write_text(CSV)
    done = call(*(word.replace("torch,", "torch ") for word in words.split()), cwd=folder)
    assert done.err.splitlines() == [f"error: {error}", f"hint: {hint}"]


def test_a_file_named_after_another_format_is_told(call: Run, folder: Path) -> None:
    for words, told in (
        (["--json", "-o", "x.csv"], "note: x.csv holds json, not csv"),
        (["-f", "csv", "-o", "x.png"], "note: x.png holds csv, not png"),
    ):
        assert told in call("pool", "a.csv", *words, cwd=folder).err.splitlines()
    assert "holds" not in call("pool", "a.csv", "--json", "-o", "x.json", cwd=folder).err


def test_a_grid_whose_missing_values_reach_the_result_leads_to_skipping_them(call: Run, tmp_path: Path) -> None:
    head = "ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\nNODATA_value -9999\n"
    (tmp_path / "in.asc").write_text(f"{head}1 -9999\n3 4\n")
    note = "note: missing values make results nan; with --nan ignore the windows skip them"
    assert note in call("pool", "in.asc", "-o", "out.asc", cwd=tmp_path).err.splitlines()
    assert note not in call("pool", "in.asc", "--nan", "ignore", "-o", "two.asc", cwd=tmp_path).err.splitlines()

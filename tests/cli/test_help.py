"""Help: examples first, and readable in any width, in a pipe, without colour, in plain ASCII."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from poolcli.cli.front_page import EXAMPLES
from poolcli.cli.help import BESIDE, Page, columns, example, help_page, help_text, wrapped
from poolcli.cli.options.grammar import command
from poolcli.cli.registry import COMMANDS, GROUPS, build
from poolcli.cli.stack import RUNNABLE
from tests.support.models import MODELS
from tests.support.process import Result, Run, Shell
from tests.support.rows import in_turn

PAGES: dict[str, Page] = {name: help_page(build(name), f"poolcli {name}") for name in COMMANDS}
WIDTHS = (40, 56, 80, 200)


@pytest.mark.parametrize("name", COMMANDS)
def test_examples_come_right_after_one_sentence(call: Run, name: str) -> None:
    lines = call(name, "--help", env={"COLUMNS": "80"}).out.splitlines()
    head = lines[: lines.index("")]
    assert " ".join(head).endswith((".", "..."))
    assert len(head) <= 2
    assert lines[len(head) + 1] == "Examples:"
    assert lines[len(head) + 2] == f"  {PAGES[name].examples[0]}"
    assert f"poolcli {name}" in "\n".join(PAGES[name].examples)


@in_turn("width", WIDTHS)
@in_turn("name", ["", *COMMANDS])
def test_it_fits(call: Run, name: str, width: int) -> None:
    result = call(*([name] if name else []), "--help", env={"COLUMNS": str(width)})
    assert (result.code, result.err) == (0, "")
    assert result.out.isascii()
    # in 40 columns one long word, such as a metavar, may stick out
    wide = [line for line in result.out.splitlines() if len(line) > width]
    assert all(len(line.split()) <= 2 for line in wide), wide
    if width >= 80:
        assert wide == []


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_has_a_line_and_nothing_is_swallowed(call: Run, name: str) -> None:
    out = " ".join(call(name, "--help", env={"COLUMNS": "80"}).out.split())
    for rows in PAGES[name].panels.values():
        for row in rows:
            assert f" {' '.join(row.left.split())} " in f"{out} ", row
            assert " ".join(row.right.split()) in out, row


def test_defaults_in_words(call: Run) -> None:
    out = call("pool", "--help", env={"COLUMNS": "80"}).out
    for default in ("2", "the size", "max", "valid", "as many as fit", "by --output, else table", "the processors"):
        assert f"[default: {default}]" in out, default
    assert "None" not in out
    assert "False" not in out


def test_long_lists_of_names_do_not_flood_the_page(call: Run) -> None:
    out = call("conv", "--help", env={"COLUMNS": "80"}).out
    assert "kirsch-ne" not in out
    assert "poolcli filters lists them" in out


def test_panels_in_order(call: Run) -> None:
    out = call("pool", "--help", env={"COLUMNS": "80"}).out
    heads = re.findall(r"^(\w[\w ]*):$", out, re.MULTILINE)
    assert heads == [
        "Examples", "Arguments", "Window", "Before pooling", "Output", "Input", "Tables", "Pictures out", "Work",
    ]  # fmt: skip


def test_the_first_page_groups_the_commands(call: Run) -> None:
    result = call("--help", env={"COLUMNS": "80"})
    assert result.code == 0
    lines = result.out.splitlines()
    rows = [line.split()[0] for line in lines if re.match(r"  [a-z]+ +[A-Z]", line)]
    assert [row for row in rows if row in COMMANDS] == list(COMMANDS)
    assert list(COMMANDS)[:3] == ["pool", "conv", "run"]
    for name, told in COMMANDS.items():  # one line each
        assert any(line.split() == [name, *told.split()] for line in lines), name
    assert all(f"{group}:" in lines for group in GROUPS)


def test_values_that_are_not_words_are_quoted_in_a_list(call: Run) -> None:
    assert '--delimiter auto|","|";"|"|"|tab|blanks' in call("pool", "--help").out


def test_without_anything_the_first_page_is_an_error(call: Run) -> None:
    result = call()
    assert (result.code, result.out) == (2, "")
    assert result.err == call("--help").out


def test_what_is_no_command(call: Run) -> None:
    for words, message, hint in (
        (["poo"], "unknown command 'poo'", "did you mean pool or unpool?"),
        (["max"], "unknown command 'max'", "hint: poolcli pool --mode max\n"),
        (["max-pool", "x.csv"], "unknown command 'max-pool'", "hint: poolcli pool --mode max\n"),
        (["AvgPool2d"], "unknown command 'AvgPool2d'", "hint: poolcli pool --mode avg\n"),
        (["global-max-pool"], "unknown command 'global-max-pool'", "hint: poolcli pool --mode global-max\n"),
        (["average_pooling"], "unknown command 'average_pooling'", "hint: poolcli pool --mode average\n"),
        (["help"], "unknown command 'help'", "poolcli --help, or poolcli COMMAND --help"),
        (["sample_inputs/geeks_4x4.csv"], "unknown command 'sample", "poolcli pool sample_inputs/geeks_4x4.csv pools"),
        (["summary", "--compat", "torch", "37x37", "pool"], "--compat stands before its step", "pool --compat torch"),
        (["run", "in.csv", "--compat", "torch", "pool"], "--compat stands before its step", "pool --compat torch"),
        (["run", "in.csv", "--ceil-mode", "pool"], "--ceil-mode stands before its step", "step: pool --ceil-mode"),
        (["run"], "INPUT is missing", "such as: poolcli run input.csv pool --size 2"),
        (
            ["run", "--steps", "r.json", "--mode", "avg", "in.csv"],
            "belongs to a step of the recipe",
            "--set pool.mode=",
        ),
        (["run", "--size=3", "in.csv", "relu", "then", "pool"], "--size stands before its step", "pool --size=3"),
        (
            ["pool", "--stride", "2", "2", "in.csv"],
            "unexpected: in.csv",
            "2 was taken for INPUT; write two numbers of one",
        ),
        (["pool", "--ceil", "in.csv"], "no such option: --ceil", "--ceil-mode"),
        (["--nosuch", "pool"], "--nosuch", "poolcli --help"),
    ):
        result = call(*words)
        assert (result.code, result.out) == (2, "")
        assert message in result.err
        assert hint in result.err


@pytest.mark.parametrize(
    ("words", "such"),
    [
        ("run conv --filter box then pool", "run input.csv conv --filter box then pool"),
        ("summary conv then pool", "summary 28x28 conv then pool"),
        ("run --steps r.json", "run input.csv --steps r.json"),
    ],
)
def test_a_stack_without_input_at_a_terminal(call: Run, monkeypatch: pytest.MonkeyPatch, words: str, such: str) -> None:
    monkeypatch.setattr("poolcli.cli.stack.piped_in", lambda: False)
    result = call(*words.split())
    assert result.code == 2
    assert result.err.startswith("error: INPUT is missing")
    assert result.err.endswith(f"\nhint: such as: poolcli {such}\n")


@pytest.mark.parametrize(
    ("words", "again"),
    [
        ("pool --missing a.csv", "pool --missing VALUE a.csv"),
        ("pool --columns a.csv -k 3", "pool --columns VALUE -k 3 a.csv"),
        ("pool -k a.csv", "pool -k VALUE a.csv"),
        ("show --layout a.csv", "show --layout VALUE a.csv"),
        ("compare --compat a.csv", "compare --compat VALUE a.csv"),
        ("batch -o out --missing a.csv", "batch -o out --missing VALUE a.csv"),
        ("layers --to a.csv", "layers --to VALUE a.csv"),
        ("run --missing a.csv pool -k 1", "run --missing VALUE a.csv pool -k 1"),
    ],
)
def test_a_file_that_became_the_value_of_an_option(call: Run, tmp_path: Path, words: str, again: str) -> None:
    (tmp_path / "a.csv").write_text("1,2\n3,4\n", encoding="ascii")
    flag = words.split()[words.split().index("a.csv") - 1]
    result = call(*words.split(), cwd=tmp_path, stdin="")
    assert result.err.endswith(f"hint: {flag} took a.csv as its value; give it one: poolcli {again}\n")


@pytest.mark.parametrize(
    ("words", "stdin"),
    [
        ("pool --filter a.csv", ""),  # takes a file
        ("pool -o a.csv", ""),
        ("pool --filter=a.csv", ""),  # typed as one word
        ("pool --missing NA.csv", ""),  # not there
        ("run --missing NA.csv - pool", ""),
        ("pool --missing NA.csv -m avg", "1,x\n"),  # something was piped in
    ],
)
def test_a_value_that_is_meant(call: Run, tmp_path: Path, words: str, stdin: str) -> None:
    (tmp_path / "a.csv").write_text("1,2\n3,4\n", encoding="ascii")
    result = call(*words.split(), cwd=tmp_path, stdin=stdin)
    assert result.code == 1
    assert "as its value" not in result.err


@pytest.mark.parametrize("words", ["pool --missing=a.csv", "run --missing a.csv - pool", "pool --missing a.csv -m avg"])
def test_a_file_is_not_a_missing_value(call: Run, tmp_path: Path, words: str) -> None:
    (tmp_path / "a.csv").write_text("1,2\n3,4\n", encoding="ascii")
    result = call(*words.split(), cwd=tmp_path, stdin="1,x\n")
    assert (result.code, result.err.splitlines()[0]) == (2, "error: a.csv is a file, not a missing value")


@pytest.mark.parametrize("command", ["pool", "explain", "compare -m max,avg", "batch -o out", "run"])
def test_a_second_number_that_became_the_input(call: Run, tmp_path: Path, command: str) -> None:
    said = "2 was taken for INPUT; write two numbers of one option with x between them, such as 2x2"
    words = [*command.split(), *(["2", "pool"] if command == "run" else ["-k", "2", "2"])]
    assert said in call(*words, cwd=tmp_path).err
    assert said not in call("summary", "--threads", "2", "2", "pool", "-k", "3", cwd=tmp_path).err  # its shape
    (tmp_path / "2").write_text("1,2\n3,4\n", encoding="ascii")
    assert said not in call(*words, cwd=tmp_path).err


@pytest.mark.parametrize(
    "environment",
    [
        {"NO_COLOR": "1"}, {"TERM": "dumb"}, {"LC_ALL": "C"}, {"LC_ALL": "POSIX", "PYTHONUTF8": "0"}, {"TERM": "xterm"},
        {"NO_COLOR": "1", "FORCE_COLOR": ""},
    ],
    ids=str,
)  # fmt: skip
def test_it_is_the_same_in_every_environment(call: Run, environment: dict[str, str]) -> None:
    for words in (["--help"], ["pool", "--help"]):
        assert call(*words, env={"COLUMNS": "80", **environment}) == call(*words, env={"COLUMNS": "80"})


def test_colour_only_paints(call: Run) -> None:
    for words in (["--help"], ["pool", "--help"]):
        plain, painted = (call(*words, env={"COLUMNS": "80", "FORCE_COLOR": force}).out for force in ("", "1"))
        assert "\x1b[1m" in painted
        assert re.sub(r"\x1b\[[0-9;]*m", "", painted) == plain


def test_a_pipe_that_is_closed_ends_it_silently(shell: Shell) -> None:
    result = shell("poolcli pool --help | head -n 1")
    assert (result.code, result.err) == (0, "")
    assert result.out == "Pool a matrix or an image, optionally after a filter and ReLU.\n"


def test_help_of_a_step(call: Run) -> None:
    result = call("run", "input.csv", "relu", "then", "normalize", "--help", env={"COLUMNS": "80"})
    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("Stretch the values linearly.")
    assert "--high X" in result.out


def test_the_page_of_a_step_has_no_examples() -> None:
    made = help_page(command("relu", RUNNABLE["relu"]), "relu")
    assert (made.usage, made.examples, made.panels) == ("relu", [], {})
    assert "Examples" not in help_text(made, 80, paint=False)


# --- the examples run -------------------------------------------------------------------------------------------------

LINES = [*EXAMPLES, *(line for one in PAGES.values() for line in one.examples)]


@pytest.fixture
def place(tmp_path: Path, samples: Path) -> Path:
    """A folder with what the examples name."""
    folder = tmp_path / "examples"
    folder.mkdir()
    (folder / "photos").mkdir()
    shutil.copy(samples / "line_8x8.csv", folder / "input.csv")
    shutil.copy(samples / "astronaut.jpg", folder / "photo.jpg")
    shutil.copy(samples / "astronaut.jpg", folder / "photos" / "one.jpg")
    for name in ("torch_new.onnx", "torch.pt2", "functional.keras"):
        shutil.copy(MODELS / name, folder / f"model{Path(name).suffix}")
    (folder / "recipe.json").write_text('{"steps": [{"step": "pool", "mode": "max", "size": [2, 2]}]}')
    return folder


def result_of(line: str, shell: Shell, folder: Path) -> Result:
    return shell(line, cwd=folder, env={"TERM": "dumb"})


@pytest.mark.parametrize(
    "line", [line for line in dict.fromkeys(LINES) if "completion" not in line]
)  # those are in test_completion
def test_every_example_works(line: str, shell: Shell, place: Path) -> None:
    assert len(line) <= 78
    result = result_of(line, shell, place)
    assert result.code == 0, result.err
    assert "error" not in result.err


@pytest.mark.parametrize("width", [20, 40, 60])
def test_an_example_over_several_lines_is_still_one_command(width: int, shell: Shell) -> None:
    line = "printf '%s|' poolcli conv --filter '[[0, 1], [2, 3]]' --padding same \"a b\" input.csv"
    lines = list(example(line, width))
    assert len(lines) > 1
    assert (
        shell("\n".join(lines)).out
        == shell(line).out
        == "poolcli|conv|--filter|[[0, 1], [2, 3]]|--padding|same|a b|input.csv|"
    )


def test_an_example_that_just_fits_stays_whole() -> None:
    assert list(example("poolcli pool a.csv", 20)) == ["  poolcli pool a.csv"]
    assert list(example("poolcli pool a.csv", 19)) == ["  poolcli pool \\", "    a.csv"]


# --- the parts --------------------------------------------------------------------------------------------------------


def test_defaults_are_kept_in_one_piece() -> None:
    assert wrapped("One two three. [default: the size]", 20) == ["One two three.", "[default: the size]"]


def test_a_name_and_what_it_means() -> None:
    assert columns("-k, --size N", "Cells.", 80, at=16, paint=False) == ["  -k, --size N  Cells."]
    assert columns("-k, --size NxM", "Cells.", 80, at=16, paint=False) == ["  -k, --size NxM", " " * 16 + "Cells."]
    assert columns("    --size N", "Cells.", 40, at=BESIDE, paint=False) == ["  --size N", "      Cells."]
    assert columns("    --json", "", 80, paint=False) == ["      --json"]

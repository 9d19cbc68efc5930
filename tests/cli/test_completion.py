"""Completion as the shells do it: the real Bash, zsh and fish, and what their scripts ask poolcli."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from poolcli.cli.commands.grad import GRADED
from poolcli.cli.completing import complete
from poolcli.cli.registry import COMMANDS, build
from poolcli.cli.stack import RUNNABLE, SUMMARIZED
from poolcli.colors import COLORMAPS
from poolcli.formats.registry import FORMATS
from poolcli.pooling.filters import FILTERS
from poolcli.pooling.frameworks import FRAMEWORKS
from poolcli.pooling.modes import ALIASES, MODES, parse_mode
from poolcli.window import FILLS
from tests.support.extras import needs_program
from tests.support.process import Run, Shell
from tests.support.shells import START, after_tab, fish_offers

pytestmark = pytest.mark.slow

# what is typed before the tab key, and the whole line after it; in a folder with `picture.png`
TYPED = [
    ("poolcli sum", "poolcli summary"),
    ("poolcli --ver", "poolcli --version"),
    ("poolcli pool --pad-f", "poolcli pool --pad-fill"),
    ("poolcli pool --mode perc", "poolcli pool --mode percentile:90"),
    ("poolcli pool --mode lp:", "poolcli pool --mode lp:3"),
    ("poolcli pool --mode=lp:", "poolcli pool --mode=lp:3"),
    ("poolcli pool -m medi", "poolcli pool -m median"),
    ("poolcli pool --mode=medi", "poolcli pool --mode=median"),
    ("poolcli pool --filter scharr-x --compat to", "poolcli pool --filter scharr-x --compat torch"),
    ("poolcli pool --filter kirsch-ne", "poolcli pool --filter kirsch-ne"),
    ("poolcli conv --filter outl", "poolcli conv --filter outline"),
    ("poolcli conv --filter pic", "poolcli conv --filter picture.png"),
    ("poolcli pool --pad-fill refl", "poolcli pool --pad-fill reflect"),
    ("poolcli pool --padding same-", "poolcli pool --padding same-lower"),
    ("poolcli pool --layout NCD", "poolcli pool --layout NCDHW"),
    ("poolcli pool --format ts", "poolcli pool --format tsv"),
    ("poolcli show --colormap mag", "poolcli show --colormap magma"),
    ("poolcli pool pic", "poolcli pool picture.png"),
    ("poolcli pool --output=pic", "poolcli pool --output=picture.png"),
    ("poolcli compare --mode max,medi", "poolcli compare --mode max,median"),
    ("poolcli compare --mode max,lp:", "poolcli compare --mode max,lp:3"),
    ("poolcli compare --compat torch,ke", "poolcli compare --compat torch,keras"),
    ("poolcli run picture.png norm", "poolcli run picture.png normalize"),
    ("poolcli run picture.png relu th", "poolcli run picture.png relu then"),
    ("poolcli run picture.png relu then unp", "poolcli run picture.png relu then unpool"),
    ("poolcli run picture.png conv --filter 'outl", "poolcli run picture.png conv --filter outline"),
    ("poolcli run picture.png relu then pool --mode stoch", "poolcli run picture.png relu then pool --mode stochastic"),
    ("poolcli summary 8x8 conv --filters 2 then fl", "poolcli summary 8x8 conv --filters 2 then flatten"),
    ("poolcli completion fi", "poolcli completion fish"),
    ("poolcli pool --size pic", "poolcli pool --size pic"),  # no file is a size
    ("poolcli pool picture.png pic", "poolcli pool picture.png pic"),  # there is one input
]
MODE_NAMES = [row.name + (f":{row.parameter.example:g}" if row.parameter else "") for row in MODES.values()]
FRAMEWORK_NAMES = list(FRAMEWORKS)


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """A folder in which file names can be completed."""
    (tmp_path / "picture.png").touch()
    return tmp_path


# --- in the shells ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", START)
def test_the_tab_key(shell: str, place: Path, programs: Path) -> None:
    needs_program(shell.partition(",")[0])
    made = after_tab(shell, [typed for typed, _ in TYPED], place, programs)
    assert made == [line.replace(" ", "|") for _, line in TYPED]


@pytest.mark.parametrize(("typed", "line"), TYPED)
def test_fish(typed: str, line: str, place: Path, programs: Path) -> None:
    needs_program("fish")
    offered = fish_offers(typed, place, programs)
    last = line.rpartition(" ")[2]
    assert list(offered) == ([last] if typed != line or last == "kirsch-ne" else [])


def test_fish_says_what_words_mean(place: Path, programs: Path) -> None:
    needs_program("fish")
    assert fish_offers("poolcli ", place, programs) == COMMANDS
    assert fish_offers("poolcli pool --see", place, programs)["--seed"].startswith("For stochastic")


def bash_offers(shell: Shell, words: Iterable[str]) -> list[str]:
    """What the function of the script puts into COMPREPLY, called as Bash calls it."""
    line = " ".join(f"'{word}'" for word in words)
    result = shell(
        f'eval "$(poolcli completion bash)"; COMP_WORDS=({line}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1));'
        " _poolcli poolcli; printf '%s\\n' \"${COMPREPLY[@]}\""
    )
    assert (result.code, result.err) == (0, "")
    return result.out.splitlines()


def test_the_function_of_bash(shell: Shell) -> None:
    assert set(bash_offers(shell, ["poolcli", "pool", "--mode", ""])) >= {*MODE_NAMES, *ALIASES}
    assert bash_offers(shell, ["poolcli", "pool", "--mode", "lp", ":", ""]) == ["3"]
    assert bash_offers(shell, ["poolcli", "pool", "--mode", "=", "me"]) == ["median", "mean"]
    assert bash_offers(shell, ["poolcli", "pool", "--delimiter", ""]) == ["auto", ",", "';'", "'|'", "tab", "blanks"]


# --- what may come next -----------------------------------------------------------------------------------------------

TABLES: list[tuple[str, Iterable[str]]] = [
    ("", COMMANDS),
    ("pool --mode", [*MODE_NAMES, *ALIASES]),
    ("grad --mode", [name for name in MODE_NAMES if name.partition(":")[0] in GRADED]),
    ("pool --filter", FILTERS),
    ("conv --filter", FILTERS),
    ("pool --format", ["table", *(row.name for row in FORMATS.values() if row.writes)]),
    ("pool --input-format", [row.name for row in FORMATS.values() if row.reads]),
    ("pool --pad-fill", FILLS),
    ("pool --padding", ["valid", "same", "same-lower"]),
    ("pool --compat", FRAMEWORKS),
    ("pool --emit", ["torch", "keras", "onnx", "numpy"]),
    ("show --colormap", COLORMAPS),
    ("unpool --layout", ["HW", "NCHW", "NHWC"]),
    ("run x.csv", RUNNABLE),
    ("run --json --steps r.json x.csv", [*RUNNABLE, "global-max"]),
    ("run x.csv relu then", RUNNABLE),
    ("summary 8x8", SUMMARIZED),
    ("summary 8x8 flatten then", SUMMARIZED),
    ("run x.csv conv --filter", FILTERS),
    ("run x.csv relu then pool --mode", MODE_NAMES),
    ("run x.csv global-max", ["then"]),
    ("completion", ["bash", "zsh", "fish"]),
]


def test_grad_offers_no_mode_without_a_gradient() -> None:
    offered = {name.removeprefix("global-") for name in complete(["grad", "--mode"], "").words}
    assert {parse_mode(name).mode.name for name in offered} == {*GRADED}


@pytest.mark.parametrize(("words", "expected"), TABLES)
def test_every_name_of_a_table_is_offered(words: str, expected: Iterable[str]) -> None:
    assert set(complete(words.split(), "").words) >= set(expected)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_option_is_offered(command: str) -> None:
    names = {name for one in build(command).params for name in (*one.opts, *one.secondary_opts)}
    assert set(complete([command], "--").words) == {name for name in names if name.startswith("--")} | {"--help"}


def test_a_list_goes_on_after_a_comma_with_what_it_lacks() -> None:
    offered = complete(["compare", "--compat"], "torch,").words
    assert {"torch,keras", "torch,onnx", "torch,poolcli"} <= set(offered)
    assert "torch,torch" not in offered
    assert complete(["pool", "--compat"], "torch,").words == {}  # takes one


@pytest.mark.parametrize(
    ("words", "files"),
    [
        ("pool", True), ("batch a.csv", True), ("summary", True), ("run", True), ("pool -o", True), ("pool -", False),
        ("grad --upstream", True), ("pool --filter", True), ("pool --mode", False), ("pool --size", False),
        ("pool a.csv", False), ("modes", False), ("run a.csv", False),
        ("run a.csv conv --filter", True), ("nosuch", False),
    ],
)  # fmt: skip
def test_where_files_are_offered(words: str, files: bool) -> None:
    assert complete(words.split(), "").files is files


def test_unknown_commands_and_steps_are_left_alone() -> None:
    for words in (["nosuch"], ["nosuch", "--mode"], ["modes"], ["run", "a.csv", "nosuch"]):
        assert complete(words, "").words in ({}, complete(["run", "a.csv"], "").words)


# --- the command ------------------------------------------------------------------------------------------------------


def test_an_unknown_shell(call: Run) -> None:
    for result in (call("completion", "tcsh"), call("poolcli", "pool", env={"_POOLCLI_COMPLETE": "tcsh"})):
        assert (result.code, result.out) == (2, "")
        assert "unknown shell 'tcsh'" in result.err
        assert "bash, zsh, fish" in result.err


def test_a_script_is_printed_as_it_is(call: Run) -> None:
    for shell in ("bash", "zsh", "fish"):
        result = call("completion", shell)
        assert (result.code, result.err) == (0, "")
        assert f"_POOLCLI_COMPLETE={shell}" in result.out


PROBE = """
import json, os, sys
os.environ["_POOLCLI_COMPLETE"] = "fish"
sys.argv = ["poolcli", "poolcli", *{words!r}]
from poolcli.__main__ import main
main()
print(json.dumps(sorted({{name.partition(".")[0] for name in sys.modules}})), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words",
    [
        ["pool", "--pad-fill", ""],
        ["compare", "--mode", ""],
        ["grad", "--mode", ""],
        ["run", "x", "pool", "--colormap", ""],
        ["batch", "-"],
    ],
    ids=" ".join,
)
def test_completion_loads_nothing_heavy(python: Run, words: list[str]) -> None:
    result = python("-c", PROBE.format(words=words))
    loaded = json.loads(result.err.splitlines()[-1])
    assert "typer" in loaded  # so that this probe is known to see what is loaded
    assert not {"numpy", "rich", "PIL", "orjson", "dask"} & set(loaded)
    assert result.out.startswith(("words", "files"))

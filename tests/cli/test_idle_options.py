"""No option is passed over in silence: beside what it does nothing for, it is refused or a note says so."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import poolcli
from tests.support.process import Run

NUMBERS = {"--zoom": "3", "--colormap": "magma", "--normalize": "minmax", "--compress-level": "9", "--precision": "1",
           "--max-rows": "1", "--max-cols": "1", "--width": "40", "--fps": "3", "--frames": "2", "--page": "1",
           "--at": "1,1", "--full": None, "--still": None, "--exercise": None, "--show": None}  # fmt: skip
KINDS = {
    "pool": (["--zoom", "--colormap", "--normalize", "--compress-level", "--precision", "--max-rows", "--max-cols"],
             ["-", "-j", "x.csv", "x.npy", "x.png", "x.bmp"]),
    "conv --filter box": (["--zoom", "--colormap", "--normalize", "--compress-level", "--precision", "--max-rows"],
                          ["-", "-j", "x.csv", "x.png"]),
    "compare --mode max,avg": (["--zoom", "--colormap", "--normalize", "--compress-level", "--precision", "--max-rows"],
                               ["-", "-j", "x.html"]),
    "shift": (["--colormap", "--width", "--show"], ["-", "-j", "x.html"]),
    "explain": (["--colormap", "--width", "--fps", "--frames", "--zoom", "--page", "--max-rows", "--at", "--full",
                 "--still", "--exercise"], ["-", "-j", "x.html", "x.gif", "x.png", "x.svg"]),
    "show": (["--width", "--colormap"], ["-"]),
}  # fmt: skip
READ = ["--skip 1", "--columns 1", "--delimiter ;", "--decimal ,", "--header yes", "--array a", "--channels rgb",
        "--frame 1", "--linear-light"]  # fmt: skip
HEEDED = {"x.csv": READ[:5], "x.json": [], "x.npy": [], "x.npz": ["--array a"], "x.png": READ[-3:], "x.asc": []}
DEFAULTS = {("explain", "--page"), ("explain", "--still"), ("pool", "--normalize")}  # which may say what is done anyway


def typed(command: str, kind: str, folder: Path) -> tuple[list[str], Path | None]:
    if kind == "-j":
        return [*command.split(), "--json"], None
    return ([*command.split()], None) if kind == "-" else ([*command.split(), "-o", str(folder / kind)], folder / kind)


def left(call: Run, words: list[str], target: Path | None, source: Path) -> tuple[int, bytes, str]:
    done = call(*words, "--color", "always", source) if words[0] in ("show", "shift") else call(*words, source)
    told = "\n".join(line for line in done.err.splitlines() if not line.startswith("wrote "))
    return done.code, done.raw + (target.read_bytes() if target and target.exists() else b""), told


@pytest.mark.slow
@pytest.mark.parametrize("command", KINDS)
def test_an_option_changes_something_or_is_refused(call: Run, tmp_path: Path, command: str) -> None:
    source = tmp_path / "in.csv"
    source.write_text("\n".join(",".join(str((7 * i * j + 3 * i + j) % 19 / 8) for j in range(11)) for i in range(11)))
    options, kinds = KINDS[command]
    silent = []
    for kind in kinds:
        words, target = typed(command, kind, tmp_path)
        plain = left(call, words, target, source)
        assert plain[0] == 0, (command, kind, plain)
        for option in options:
            value = NUMBERS[option]
            code, made, told = left(call, [*words, option, *([value] if value else [])], target, source)
            heeded = made != plain[1] or option in told or (command, option) in DEFAULTS
            if not heeded or code not in (0, 1, 2):
                silent.append((kind, option))
    assert silent == []


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("pool --json --zoom 4", "error: --zoom does nothing for json, which is not a picture"),
        ("pool -o x.csv --colormap magma", "error: --colormap does nothing for csv, which is not a picture"),
        ("pool -o x.bmp --compress-level 3", "error: --compress-level does nothing for bmp"),
        ("compare -m max,avg -o x.html --precision 2", "error: --precision does nothing for a page"),
        ("shift --colormap magma", "error: --colormap does nothing for a table"),
        ("shift --json --width 40", "error: --width does nothing for JSON"),
        ("explain --colormap magma", "error: --colormap does nothing for standard output"),
        ("pool --pad-fill 2", "error: --pad-fill does nothing for windows without padding"),
        ("pool --padding 1 --count-include-pad",
         "error: --count-include-pad does nothing for mode max, which divides by no number of cells"),
        ("pool -m avg --count-include-pad", "error: --count-include-pad does nothing for windows without padding"),
        ("pool -m avg -p 1 --pad-fill 1 --count-include-pad",
         "error: --count-include-pad does nothing for padding that holds values, which always counts"),
        ("pool -m avg -p 1 --divisor-override 4 --count-include-pad",
         "error: --count-include-pad does nothing for averages whose divisor is given"),
        ("pool --full --max-cols 2", "error: --max-cols does nothing for a table that is shown in full"),
        ("explain --full --page 2", "error: --page does nothing for a table of every window"),
        ("explain --seed 1", "error: --seed does nothing for mode max, which draws nothing at random"),
        ("shift --mode global-avg --seed 1",
         "error: --seed does nothing for mode global-avg, which draws nothing at random"),
        ("grad --storage-order 1", "error: --storage-order does nothing for values without indices"),
        ("pool --emit torch --json", "error: --json does nothing for code"),
        ("pool --emit torch --show", "error: --show does nothing for code"),
        ("grad --emit torch --precision 2", "error: --precision does nothing for code"),
        ("unpool --emit torch --lines", "error: --emit is for one map, not for lines of them"),
        ("pool --lines --max-rows 2", "error: --max-rows does nothing for lines of JSON"),
        ("pool --lines --delimiter ;", "error: --delimiter does nothing for lines of JSON"),
    ],
)  # fmt: skip
def test_what_does_nothing_is_refused_before_any_work(
    call: Run, tiny: Path, tmp_path: Path, words: str, told: str
) -> None:
    typed = [str(tmp_path / word) if word.startswith("x.") else word for word in words.split()]
    done = call(*typed, tiny)
    assert done.code == 2
    assert done.err.splitlines()[0] == told
    assert not [*tmp_path.glob("x.*")]


@pytest.mark.parametrize(
    ("name", "option"), [(name, option) for name, heeded in HEEDED.items() for option in READ if option not in heeded]
)
def test_what_a_format_does_not_heed_is_refused(call: Run, tmp_path: Path, name: str, option: str) -> None:
    values = np.arange(16, dtype=np.uint8).reshape(4, 4)
    if name == "x.npz":
        np.savez(tmp_path / name, a=values)
    elif name == "x.asc":
        (tmp_path / name).write_text("ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\n1 2\n3 4\n")
    else:
        poolcli.write(values, tmp_path / name)
    assert call("pool", tmp_path / name).code == 0
    done = call("pool", *option.split(), tmp_path / name)
    assert done.code == 1
    told = f"error: {option.split()[0]} does nothing for {name[2:]}\nhint: drop {option.split()[0]}"
    assert done.err.strip() == told


@pytest.mark.parametrize(
    "words",
    ["compare --mode max,avg --padding 1 --count-include-pad", "explain --exercise --seed 3 -o x.html",
     "shift --random 2 --seed 3", "pool --compat onnx -m avg --count-include-pad", "pool --indices --storage-order 1",
     "run - pool -k 1 -m avg --padding same --pad-fill 2"],
)  # fmt: skip
def test_an_option_that_does_something_for_one_is_heeded(call: Run, tiny: Path, tmp_path: Path, words: str) -> None:
    given = [] if "--exercise" in words else [tiny]
    typed = [str(tmp_path / word) if word.startswith("x.") else word for word in words.split()]
    typed, given = (typed, []) if "run" in typed else (typed, given)
    assert call(*typed, *given, stdin=tiny.read_text()).code == 0


def test_a_shape_alone_has_nothing_to_read(call: Run) -> None:
    for words in (
        "summary --skip 1 8x8 pool",
        "explain --shape 4x4 --header yes",
        "compare -m max,avg --shape 4x4 --skip 1",
    ):
        done = call(*words.split())
        assert (done.code, done.err.splitlines()[0].endswith("does nothing for a shape")) == (2, True), words


def test_options_of_tables_are_noted_beside_other_formats_of_a_stack(call: Run, tiny: Path) -> None:
    done = call("run", "--json", "--max-rows", "1", tiny, "pool")
    assert done.err == "note: --max-rows is for tables only; json has every value in full\n"


def test_unpooling_that_contradicts_its_record_is_refused(call: Run, tiny: Path, tmp_path: Path) -> None:
    (tmp_path / "i.json").write_text(call("pool", "--indices", "--json", tiny).out)
    assert call("unpool", "--size", "2", "--padding", "0", tmp_path / "i.json").code == 0
    for option, was in (("size", "2x2"), ("stride", "2x2"), ("padding", "0x0")):
        done = call("unpool", f"--{option}", "1", tmp_path / "i.json")
        assert done.code == 1
        assert done.err.startswith(f"error: the input was pooled with {option} {was}, not 1x1\nhint: drop --{option}")


def test_a_variable_of_the_environment_is_meant_for_those_that_heed_it(
    call: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POOLCLI_COLORMAP", "magma")
    for command in ("pool", "explain", "shift"):
        assert call(command, tiny).code == 0

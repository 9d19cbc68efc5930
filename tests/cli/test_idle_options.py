"""No option is passed over in silence: beside what it does nothing for, it is refused or a note says so."""

from __future__ import annotations

from pathlib import Path

import pytest

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
DEFAULTS = {("explain", "--page"), ("explain", "--still"), ("pool", "--normalize")}  # which may say what is done anyway


def typed(command: str, kind: str, folder: Path) -> tuple[list[str], Path | None]:
    if kind == "-j":
        return [*command.split(), "--json"], None
    return ([*command.split()], None) if kind == "-" else ([*command.split(), "-o", str(folder / kind)], folder / kind)


def left(call: Run, words: list[str], target: Path | None, source: Path) -> tuple[int, bytes, str]:
    done = call(*words, "--color", "always", source) if words[0] in ("show", "shift") else call(*words, source)
    told = "\n".join(line for line in done.err.splitlines() if not line.startswith("wrote "))
    return done.code, done.raw + (target.read_bytes() if target and target.exists() else b""), told


@pytest.mark.parametrize("command", KINDS)
def test_an_option_changes_something_or_is_refused(call: Run, tmp_path: Path, command: str) -> None:
    source = tmp_path / "in.csv"
    source.write_text("\n".join(",".join(str((7 * i * j + 3 * i + j) % 19 / 8) for j in range(14)) for i in range(14)))
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
        ("explain --colormap magma", "error: --colormap does nothing for what goes to standard output"),
    ],
)
def test_what_does_nothing_is_refused_before_any_work(
    call: Run, tiny: Path, tmp_path: Path, words: str, told: str
) -> None:
    typed = [str(tmp_path / word) if word.startswith("x.") else word for word in words.split()]
    done = call(*typed, tiny)
    assert done.code == 2
    assert done.err.splitlines()[0] == told
    assert not [*tmp_path.glob("x.*")]


def test_a_variable_of_the_environment_is_meant_for_those_that_heed_it(
    call: Run, tiny: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POOLCLI_COLORMAP", "magma")
    for command in ("pool", "explain", "shift"):
        assert call(command, tiny).code == 0

"""What a terminal must never get, and what it gets at any width: foreign text made harmless, and no digit cut."""

from __future__ import annotations

import io
import json
import re
import unicodedata
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from tests.support.forks import Forks
from tests.support.process import SAMPLES, Result, Run, execute_each
from tests.support.terminal import on_terminal

GEEKS = SAMPLES / "geeks_4x4.csv"
COLOR = re.compile(r"\x1b\[[0-9;]*m")

# name, and what it would do to a terminal or to Rich
EVIL = {
    "escape": "a\x1b[31mb\x1b]0;title\x07c",
    "csi": "a\x9b31mb\x90c\x9dd",  # the control characters of Latin-1
    "control": "a\x00b\x07c\x08\x08d\x0be\x7ff",
    "newline": "a\nerror: no\rb\tc",
    "bidi": "a\u202egnp.exe\u2066b\u200fc\u061cd",
    "invisible": "a\u200bb\u2060c\ufeffd\u00ade",
    "separators": "a\u2028b\u2029c\u0085d",
    "markup": "[red]x[/red][bold]y[/][link=http://evil]z",
    "emoji": ":smile: :warning:",
    "html": "<script>alert(1)</script>&amp;\"'",
    "long": "x" * 4000,
    "format": "%s %d {} {0} {name} \\x1b",
}
FILE_NAMES = {name: text.replace("\0", "").replace("/", "_")[:200] for name, text in EVIL.items()}


def harmless(result: Result) -> None:
    """Nothing that a terminal acts on, nor anything that nobody sees, on either stream."""
    for text in (result.out, result.err):
        for character in set(COLOR.sub("", text)) - {"\n"}:
            assert unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"), repr(character)
    assert "Traceback" not in result.err
    assert result.code in (0, 1, 2, 3)


def png(text: str) -> bytes:
    """A picture whose text chunks say this, and whose keyword does too as far as the format lets it."""
    notes, file = PngImagePlugin.PngInfo(), io.BytesIO()
    notes.add_itxt("poolcli", text)
    notes.add_itxt("Comment", text)
    Image.fromarray(np.arange(16, dtype=np.uint8).reshape(4, 4)).save(file, "png", pnginfo=notes)
    return file.getvalue()


OPTIONS = (
    "--mode", "--size", "--padding", "--pad-fill", "--layout", "--filter", "--delimiter", "--colormap", "--compat",
    "--output-size", "--format", "--output", "--input-format", "--color", "--seed",
)  # fmt: skip

# --- foreign text -----------------------------------------------------------------------------------------------------

WITH_A_FILE = [
    ["pool"], ["pool", "-v"], ["pool", "--show"], ["pool", "--json"], ["pool", "-k", "9"], ["conv", "--filter", "box"],
    ["conv", "-v", "--filter", "box", "--show"], ["grad"], ["compare", "-m", "max,min"], ["show"], ["explain"],
    ["explain", "-v", "--at", "0,0"], ["explain", "--json"], ["shift"], ["shift", "--show"], ["unpool"],
    ["compare", "--compat", "torch,keras,onnx", "-v"], ["pool", "--nan", "error"],
]  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("evil", FILE_NAMES)
def test_names_of_files_are_shown_harmlessly(call: Run, tmp_path: Path, evil: str) -> None:
    name = FILE_NAMES[evil]
    (tmp_path / name).write_text("1,3,2,9\n5,6,1,7\n4,2,8,6\n3,5,7,2\n")
    for number, words in enumerate(WITH_A_FILE):
        env = {"FORCE_COLOR": "1", "TERM": "xterm-256color"} if number % 2 else {}
        harmless(call(*words, name, cwd=tmp_path, env=env))
    harmless(call("run", name, "pool", cwd=tmp_path))
    harmless(call("summary", name, "pool", cwd=tmp_path))
    harmless(call("pool", "--filter", f"./{name}", name, cwd=tmp_path))
    harmless(call("grad", "--upstream", name, name, cwd=tmp_path))
    harmless(call("pool", "-o", f"./{name}.csv"[-250:], name, cwd=tmp_path))
    harmless(call("pool", "-o", name, name, "-f", "csv", cwd=tmp_path))  # the output is the input
    harmless(call("pool", "-o", f"nowhere/{name}", name, cwd=tmp_path))
    harmless(call("pool", f"{name}x"[-250:], cwd=tmp_path))  # no such file, but one with nearly that name


@pytest.mark.parametrize("evil", FILE_NAMES)
def test_names_of_broken_files_are_shown_harmlessly(call: Run, tmp_path: Path, evil: str) -> None:
    name = FILE_NAMES[evil]
    for data in (b"1,2\n3,x\n", b"", b"\x89PNG\r\n\x1a\n", b"\x93NUMPY", b'{"data": [[1], [2, 3]]}', b"\xff\xfe\x00"):
        (tmp_path / name).write_bytes(data)
        for words in (["pool"], ["conv", "--filter", f"./{name}"], ["run", "--steps", name]):
            harmless(call(*words, name, cwd=tmp_path))
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / name).symlink_to(name)
    (tmp_path / name).unlink()
    harmless(call("pool", name, cwd=tmp_path / "folder"))  # a link to nothing


@pytest.mark.slow
@pytest.mark.parametrize("evil", [name for name in EVIL if name != "long"])
def test_names_in_a_batch_are_shown_harmlessly(run: Run, tmp_path: Path, evil: str) -> None:
    name = FILE_NAMES[evil]
    (tmp_path / f"{name}.csv").write_text("1,2\n3,4\n")
    (tmp_path / f"{name}.json").write_text("[[1,")
    harmless(run("batch", "--dry-run", "-o", name, ".", cwd=tmp_path))
    done = run("batch", "-j", "1", "-o", f"out {name}", "--report", f"report {name}", ".", cwd=tmp_path)
    harmless(done)
    assert done.code == 3
    report = (tmp_path / f"report {name}").read_text(encoding="ascii")
    assert {json.loads(line)["status"] for line in report.splitlines()} == {"done", "failed"}


@pytest.mark.parametrize("evil", EVIL)
def test_cells_and_headers_are_shown_harmlessly(call: Run, evil: str) -> None:
    text = EVIL[evil]
    for data in (
        f"{text},b\n1,2\n3,4\n",
        f"1,2\n3,{text}\n",
        f'"{text}","{text}"\n1,2\n3,4\n',
        f"# {text}\n1,2\n3,4\n",
    ):
        for header in ("auto", "yes", "no"):
            harmless(call("pool", "-v", "--header", header, stdin=data))


@pytest.mark.slow
@pytest.mark.parametrize("evil", EVIL)
def test_json_is_shown_harmlessly(call: Run, evil: str) -> None:
    text = EVIL[evil]
    maps = [
        {"data": [[1, 2], [3, 4]], text: text, "name": text},
        {"data": [[1, 2], [3, 4]], "steps": [{"step": "pool", "mode": text, "filter": text}]},
        {"data": [[1, 2], [3, 4]], "steps": [{"step": text}]},
        {"data": [[1, 2], [3, 4]], "steps": [{"step": "conv", "filter": text, "pad_fill": text, "padding": text}]},
        {"data": [[1, text], [3, 4]]},
        {"data": text},
        {"data": [[1, 2], [3, 4]], "layout": text},
        {"data": [[1, 2], [3, 4]], "dtype": text},
        {"data": [[1, 2], [3, 4]], "shape": text},
        {"data": [[1, 2], [3, 4]], "indices": [[0, 1], [2, 3]], "unpool": {"shape": text, "compat": text}},
        {"data": [[1, 2], [3, 4]], "indices": text},
        {text: 1},
    ]
    for number, given in enumerate(maps):
        data = json.dumps(given, ensure_ascii=number % 2 == 0)
        for words in (["pool", "-v"], ["unpool"], ["run", "-", "pool"]):
            harmless(call(*words, stdin=data))


@pytest.mark.parametrize("evil", EVIL)
def test_text_in_pictures_is_shown_harmlessly(call: Run, tmp_path: Path, evil: str) -> None:
    (tmp_path / "in.png").write_bytes(png(EVIL[evil]))
    for words in (["pool", "-v"], ["show"], ["explain"]):
        harmless(call(*words, tmp_path / "in.png"))
    out = tmp_path / "out"
    harmless(call("batch", "-j", "1", "--skip-existing", "--dry-run", "-o", out, tmp_path / "in.png"))


@pytest.mark.parametrize("evil", [name for name in EVIL if name != "control"])
def test_options_are_shown_harmlessly(call: Run, evil: str) -> None:
    text = EVIL[evil]
    for option in OPTIONS:
        harmless(call("pool", f"{option}={text}", GEEKS))
    harmless(call(text))
    harmless(call("pool", f"--{text}", GEEKS))
    harmless(call("run", GEEKS, "pool", "then", text))
    harmless(call("explain", "--at", text, GEEKS))
    harmless(call("explain", "-o", text, GEEKS))
    harmless(call("batch", "--set", text, "--steps", text, "-o", "x", GEEKS))
    harmless(call("pool", GEEKS, env={"POOLCLI_MODE": text, "POOLCLI_THREADS": text}))


DRAWN = [
    ["explain", "-o", "page.html"], ["explain", "--exercise", "-o", "sheet.html"], ["explain", "-o", "still.svg"],
    ["explain", "--at", "0,1", "-o", "window.svg"], ["compare", "-m", "max,avg", "-o", "sides.html"],
    ["shift", "-o", "shift.html"],
]  # fmt: skip


Elements = Counter[tuple[str, tuple[str, ...]]]


def elements(text: str) -> Elements:
    """The elements of a page or a picture with the names of their attributes; what is in scripts is none."""
    found: Elements = Counter()

    class Parser(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            found[tag, tuple(sorted(name for name, _ in attrs))] += 1

    Parser().feed(text)
    return found


@pytest.fixture(scope="module")
def plain(call: Run, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Elements]:
    """The elements of what is drawn of a file whose name is harmless."""
    folder = tmp_path_factory.mktemp("plain")
    assert [call(*words, GEEKS, cwd=folder).code for words in DRAWN] == [0] * len(DRAWN)
    return {words[-1]: elements((folder / words[-1]).read_text(encoding="utf-8")) for words in DRAWN}


@pytest.mark.parametrize("evil", EVIL)
def test_a_page_holds_names_as_text(call: Run, plain: dict[str, Elements], tmp_path: Path, evil: str) -> None:
    name = FILE_NAMES[evil]
    (tmp_path / name).write_text("1,3,2,9\n5,6,1,7\n4,2,8,6\n3,5,7,2\n")
    for words in DRAWN:
        target = words[-1]
        assert call(*words, name, cwd=tmp_path).code == 0
        drawn = (tmp_path / target).read_text(encoding="utf-8")
        assert "<script>alert" not in drawn
        assert not set(drawn) & set("\x1b\x9b\x00\x07\x08\u202e\u2066\u200f\u061c\u2028\u2029")
        assert elements(drawn) == plain[target], "a name has become an element"


@pytest.mark.slow
def test_bytes_that_are_no_text_in_names(run: Run, tmp_path: Path) -> None:
    name = b"a\xff\xfe\x9b31m.csv".decode("utf-8", "surrogateescape")
    (tmp_path / name).write_text("1,2\n3,4\n")
    for words in (["pool"], ["pool", "-v"], ["show"], ["explain"], ["pool", "-k", "9"], ["pool", "--json"]):
        harmless(run(*words, name, cwd=tmp_path))
    assert run("explain", "-o", "page.html", name, cwd=tmp_path).code == 0
    assert run("pool", "-o", f"out{name}", name, cwd=tmp_path).code == 0
    harmless(run("batch", "-o", "many", ".", cwd=tmp_path))


# --- any width, any terminal ------------------------------------------------------------------------------------------

# each drawing has every width up to 24 columns and every third up to 120, not the same as its neighbours
EVERY = 3
WIDTHS = [150, 200, 500]

# words, and from which width on every line fits
DRAWING: dict[str, tuple[list[str], int]] = {
    "pool": (["pool", "wide.npy"], 40),
    "planes": (["pool", "-k", "1", "planes.npy"], 40),
    "conv": (["conv", "--filter", "box", "wide.npy"], 40),
    "grad": (["grad", "wide.npy"], 40),
    "pool --show": (["pool", "--show", "wide.npy"], 40),
    "compare": (["compare", "-m", "max,avg,min", "wide.npy"], 40),
    "frameworks": (["compare", "--compat", "torch,keras,onnx", "-m", "avg", "-p", "1", "-q", "wide.npy"], 40),
    "explain": (["explain", "-k", "3", "-p", "1", "-m", "avg", "wide.npy"], 40),
    "explain --at": (["explain", "--at", "1,1", "-m", "soft", "wide.npy"], 40),
    "explain --shape": (["explain", "--shape", "7x7"], 20),
    "show": (["show", "wide.npy"], 10),
    "show planes": (["show", "planes.npy"], 10),
    "shift": (["shift", "wide.npy"], 40),
    "shift --show": (["shift", "--show", "wide.npy"], 40),
    "run": (["run", "--show", "wide.npy", "conv", "--filter", "box", "then", "pool"], 60),
    "summary": (["summary", "20x20x3", "--layout", "HWC", "conv", "--filters", "8", "then", "pool"], 30),
    "modes": (["modes"], 30),
    "filters": (["filters"], 40),
}


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("maps")
    np.save(folder / "wide.npy", np.random.default_rng(1).normal(size=(4, 30)) * 1000)
    np.save(folder / "planes.npy", np.arange(24).reshape(2, 3, 4) * 1234567)
    return folder


def numbers_in_tables(text: str) -> set[str]:
    rows = [line for line in text.splitlines() if line.startswith("│")]
    return {number.rstrip(".,") for row in rows for number in NUMBER.findall(row)}


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWING)
def test_any_width(call: Run, maps: Path, name: str) -> None:
    """No crash, no cut number, and no line that is too long where there is room for the shortest lines."""
    words, fits = DRAWING[name]
    wide = call(*words, cwd=maps, env={"COLUMNS": "500"}).out
    known = {number.rstrip(".,") for number in NUMBER.findall(wide)}
    in_rows = numbers_in_tables(wide) if name in ("shift", "summary") else set()  # which leave out none
    number = list(DRAWING).index(name)
    for width in (*range(1, 25), *range(25 + number % EVERY, 121, EVERY), *WIDTHS):
        result = call(*words, cwd=maps, env={"COLUMNS": str(width)})
        assert (result.code, result.err) == (0, "")
        lines = result.out.splitlines()
        if width >= fits:
            assert max(map(len, lines)) <= width
        shown = numbers_in_tables(result.out) if "show" not in name else set()
        assert in_rows <= {number.rstrip(".,") for number in NUMBER.findall(result.out)}, width
        assert not [number for number in shown - known if any(whole.startswith(number) for whole in known)], width


WORDY = {
    "summary": ["summary", "8x8", "conv", "--padding", "same", "then", "pool"],
    "run": ["run", "wide.npy", "conv", "--filter", "box", "--padding", "same", "then", "pool"],
    "compare": ["compare", "-m", "max,avg", "-p", "1", "wide.npy"],
    "shift": ["shift", "wide.npy"],
    "modes": ["modes"],
    "explain": ["explain", "-m", "avg", "wide.npy"],
}


@pytest.mark.parametrize("width", [40, 80, 200])
@pytest.mark.parametrize("name", WORDY)
def test_no_word_is_cut(call: Run, maps: Path, name: str, width: int) -> None:
    """Where there are 40 columns, only words are shown that are there without any limit."""
    wide, shown = (
        set(WORD.findall(call(*WORDY[name], cwd=maps, env={"COLUMNS": str(columns)}).out)) for columns in (500, width)
    )
    assert shown <= wide


WORD = re.compile(r"[a-z_]+", re.IGNORECASE)
NUMBER = re.compile(r"(?<![\w.])-?[0-9][0-9.,]*[0-9.](?![\w])")

ODD = {
    "dumb": {"TERM": "dumb"},
    "no TERM": {},
    "C": {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
    "latin-1": {"PYTHONIOENCODING": "latin-1"},
    "NO_COLOR": {"NO_COLOR": "1", "TERM": "xterm-256color"},
    "FORCE_COLOR": {"FORCE_COLOR": "1", "TERM": "xterm-256color"},
    "narrow": {"COLUMNS": "7", "TERM": "xterm"},
    "GITHUB_ACTIONS": {"GITHUB_ACTIONS": "1", "CI": "true", "TERM": "xterm"},
    "odd": {"COLUMNS": "-5", "LINES": "x", "TERM": "no-such-terminal", "COLORTERM": "truecolor"},
}
MACHINE = [
    ["pool", "--json"], ["pool", "-f", "csv"], ["pool", "-f", "tsv"], ["pool", "-f", "npy"], ["pool", "-f", "png"],
    ["explain", "--json"], ["shift", "--json"], ["compare", "-m", "max,avg", "--json"],
]  # fmt: skip


PICTURES = [DRAWING[name][0] for name in ("pool", "compare", "explain", "show", "modes")]


@pytest.mark.slow
@pytest.mark.parametrize("environment", ODD)
def test_machine_output_is_the_same_and_drawing_works_everywhere(
    call: Run, forks: Forks, maps: Path, tmp_path: Path, environment: str
) -> None:
    lines, env = [[*words, str(GEEKS)] for words in MACHINE], ODD[environment]
    if environment in ("C", "latin-1"):  # which Python heeds when it starts
        results = execute_each([*lines, *PICTURES], tmp_path, env=env, cwd=maps)
    else:
        results = [forks(*words, env=env, cwd=maps) for words in (*lines, *PICTURES)]
    assert results[: len(lines)] == [call(*words) for words in lines]
    for drawn in results[len(lines) :]:
        assert (drawn.code, drawn.err) == (0, "")
        assert drawn.raw.isascii() or environment not in ("C", "latin-1")
        assert ("\x1b" in drawn.raw.decode("latin-1")) == (environment == "FORCE_COLOR")


@pytest.mark.slow
@pytest.mark.parametrize("columns", [1, 2, 7, 20, 79, 500])
def test_a_real_terminal_of_any_width(maps: Path, programs: Path, columns: int) -> None:
    for name in ("pool", "compare", "explain", "show", "shift"):
        *words, file = DRAWING[name][0]
        result = on_terminal(*words, maps / file, columns=columns, program=programs / "poolcli")
        assert result.code == 0
        assert "Traceback" not in result.err
        here = [COLOR.sub("", line) for line in result.out.splitlines()]
        if columns >= DRAWING[name][1]:
            assert max(len(line) for line in here if str(maps) not in line) <= columns

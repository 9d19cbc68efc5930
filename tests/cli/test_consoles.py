"""Consoles and files of Windows: characters of old code pages, and lines that end in CR LF."""

from __future__ import annotations

import contextlib
import io
import json
import os
from pathlib import Path
from unittest import mock

import numpy as np
import pytest

from poolcli.cli.app import run
from poolcli.cli.registry import COMMANDS
from tests.support.process import ROOT, SAMPLES, Run, built, clean_environment, execute_each

GEEKS = str(SAMPLES / "geeks_4x4.csv")
MODEL = str(ROOT / "tests" / "models" / "odd.onnx")
ENCODINGS = ["ascii", "cp1252", "cp437", "cp850", "cp932"]

# what every command says, and what it says where something is wrong
SAID: dict[str, list[list[str]]] = {
    "pool": [["pool", GEEKS], ["pool", "-v", "--show", GEEKS], ["pool", "-m", "\u4e2d", GEEKS]],
    "conv": [["conv", "--filter", "sobel-x", GEEKS], ["conv", "--filter", "\u00fc", GEEKS]],
    "run": [["run", GEEKS, "relu", "then", "pool"], ["run", GEEKS, "p\u00f6\u00f6l"]],
    "batch": [["batch", "-o", "out", "--dry-run", GEEKS], ["batch", "-o", "out", "n\u00e9ant.csv"]],
    "unpool": [["unpool", GEEKS]],
    "grad": [["grad", GEEKS], ["grad", "--upstream", "\u2713.csv", GEEKS]],
    "compare": [["compare", "-m", "max,avg", "-p", "1", GEEKS], ["compare", "--compat", "torch,keras", "-v", GEEKS]],
    "explain": [["explain", GEEKS], ["explain", "-m", "logavgexp:1", "--at", "0,0", GEEKS]],
    "summary": [["summary", "8x8", "conv", "--padding", "same", "then", "pool"], ["summary", "8\u00d78", "pool"]],
    "layers": [["layers", MODEL], ["layers", "\u00e5.onnx"]],
    "shift": [["shift", GEEKS], ["shift", "--show", GEEKS]],
    "show": [["show", GEEKS], ["show", "--color", "always", GEEKS]],
    "modes": [["modes"]],
    "filters": [["filters"]],
    "completion": [["completion", "bash"], ["completion", "\u00e6"]],
    "doctor": [["doctor"], ["--help"]],
}


def on_console(words: list[str], encoding: str, folder: Path) -> tuple[int, str, str]:
    """Run a command line whose streams can say only what an encoding has."""
    out, err = io.BytesIO(), io.BytesIO()
    streams = io.TextIOWrapper(out, encoding), io.TextIOWrapper(err, encoding, "backslashreplace", write_through=True)
    with (
        mock.patch.dict(os.environ, clean_environment({"COLUMNS": "100"}), clear=True),
        mock.patch("sys.stdin", None), mock.patch("sys.stdout", streams[0]), mock.patch("sys.stderr", streams[1]),
        mock.patch("poolcli.cli.app.build", built), contextlib.chdir(folder),
    ):  # fmt: skip
        code = run(words)
    return code, out.getvalue().decode(encoding), err.getvalue().decode(encoding)


def test_every_command_is_tried() -> None:
    assert set(SAID) == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_console_of_an_old_code_page_can_be_read(command: str, tmp_path: Path) -> None:
    """Every letter is there, no question mark stands for one, and tables are drawn with what there is."""
    for words in (*SAID[command], [command, "--help"]):
        whole = on_console(words, "utf-8", tmp_path)
        for encoding in ENCODINGS:
            code, out, err = on_console(words, encoding, tmp_path)
            assert (encoding, code, bool(err)) == (encoding, whole[0], bool(whole[2]))
            assert "Traceback" not in err, encoding
            assert out.count("?") == whole[1].count("?"), encoding
            if command != "doctor" and "always" not in words:  # which says what the console can, or says it in colours
                assert letters(out) == letters(whole[1]), encoding


def letters(text: str) -> list[str]:
    return [letter for letter in text if letter.isascii() and letter.isalpha()]


@pytest.mark.slow
@pytest.mark.parametrize("encoding", ["ascii", "cp437"])
def test_the_real_command_on_such_a_console(tmp_path: Path, encoding: str) -> None:
    env = {"PYTHONIOENCODING": encoding, "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    lines = [["pool", GEEKS], ["pool", "--help"], ["modes"], ["show", GEEKS], ["pool", "n\u00e9ant.csv"]]
    for result in execute_each(lines, tmp_path, env=env, cwd=tmp_path):
        assert "Traceback" not in result.err
        assert (result.code == 0) == bool(result.raw.decode(encoding))


TEXTS = {
    "csv": "a,b\n1,2\n3,4\n",
    "tsv": "1\t2\n3\t4\n",
    "txt": "1 2\n3 4\n",
    "json": '{\n"data": [[1, 2],\n[3, 4]]}\n',
    "asc": "ncols 2\nnrows 2\nxllcorner 0\nyllcorner 0\ncellsize 1\n1 2\n3 4\n",
    "pgm": "P2\n# a\n2 2\n9\n1 2\n3 4\n",
}


@pytest.mark.parametrize("form", TEXTS)
def test_lines_may_end_as_on_windows_and_are_written_as_elsewhere(call: Run, tmp_path: Path, form: str) -> None:
    for name, ends in (("unix", "\n"), ("windows", "\r\n")):
        (tmp_path / f"{name}.{form}").write_bytes(TEXTS[form].replace("\n", ends).encode())
        (tmp_path / "steps.json").write_bytes(
            json.dumps({"steps": [{"step": "pool"}]}, indent=1).replace("\n", ends).encode()
        )
        for target in (f"{name}.out.{form}", f"{name}.out.json"):
            words = ["run", "--steps", "steps.json", "-o", target, f"{name}.{form}"]
            assert call(*words, cwd=tmp_path).code == 0
    for end in (form, "json"):
        made, same = ((tmp_path / f"{name}.out.{end}").read_bytes() for name in ("windows", "unix"))
        assert made == same
        assert b"\r" not in made
    assert call("pool", f"windows.{form}", "--json", cwd=tmp_path).data() == [[4]]
    assert b"\r" not in call("pool", f"windows.{form}", "-f", "csv", cwd=tmp_path).raw


def test_lines_of_json_and_names_of_files_may_end_as_on_windows(call: Run, tmp_path: Path) -> None:
    result = call("pool", "--lines", "-", stdin=b"[[1,2],[3,4]]\r\n[[5,6],[7,8]]\r\n")
    assert (result.code, [json.loads(line)["data"] for line in result.out.splitlines()]) == (0, [[[4]], [[8]]])
    np.save(tmp_path / "x.npy", np.ones((2, 2)))
    (tmp_path / "kernel.csv").write_bytes(b"1,0\r\n0,1\r\n")
    assert call("conv", "--filter", "kernel.csv", "x.npy", "--json", cwd=tmp_path).data() == [[2]]

"""Command lines, variables, recipes, files of every kind and models at random, all in one process.

Whatever is asked for works, or is refused: an exit code of the table, an error of two lines, nothing on standard output
then, nothing raw for a terminal, no file but the result, nothing left, all within a bearable time. From the checkout::

    python tests/fuzz/fuzz_commands.py --seconds 300 --seed 1

A finding is printed with what shows it again: turn it into a test, then mend it.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import random
import resource
import shlex
import shutil
import signal
import sys
import tempfile
import time
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from poolcli.cli.registry import COMMANDS, build
from poolcli.featuremap import FeatureMap
from poolcli.formats import encode
from poolcli.formats.options import WriteOptions
from poolcli.formats.registry import FORMATS
from tests.support.process import ROOT, Result, execute_here

PATIENCE = 30  # seconds for one command line
MOST = 4 << 30  # bytes of memory for all of them
CODES = (0, 1, 2, 3)
WORDS = [
    "", "0", "1", "2", "3", "-1", "1.5", "1e308", "nan", "inf", "-inf", "99999999999999999999", "2x2", "3x", "x3",
    "1,2", "0:2", "1:0", "a", "A", "\xe9", "\u0663", "\u202e", "\x1b[31m", "a" * 3000, "[[1,2]]", "null", "HW", "CHW",
    "same", "-", "--", "torch", "keras", "onnx", "torch:2", "in.csv", "nosuch", ".", "/dev/null", "%s", "{stem}",
    "{number:{stem}}", "~", "*", "\udcff", "a\nb", "\u2028",
]  # fmt: skip
RESULTS = (
    "made.csv",
    "made.json",
    "made.npy",
    "made.png",
    "made.tif",
    "made.asc",
    "made.html",
    "made.svg",
    "made.zarr",
)
ODD: list[Any] = [
    None, True, 0, -1, 2, 1.5, 1e308, 10**30, "", "x", "a" * 3000, "\x1b[31m", "\ud800", [], [0, 0], [2, 2], [None], {},
    {"a": 1},
]  # fmt: skip
RECIPE = [
    {"step": "conv", "filter": "gaussian", "stride": [1, 1], "bias": 0.5}, {"step": "relu"},
    {"step": "normalize", "low": 0, "high": 1},
    {"step": "pool", "mode": "avg", "size": [2, 2], "stride": [1, 1], "padding": [1, 1], "count_include_pad": True},
]  # fmt: skip
OFTEN = ["pool", "pool", "conv", "compare", "explain", "grad", "unpool", "run", "run", "show", "layers"]
NEEDED = {"conv": ["--filter", "box"], "compare": ["-m", "max,avg"]}
FOCUS: dict[str, list[list[str]]] = {  # what chance alone seldom puts together
    "pool": [["--lines"], ["--lines", "--json"], *(["--emit", name] for name in ("torch", "keras", "onnx", "numpy"))],
    "run": [["--lines"]],
    "compare": [["--side", "torch padding=1", "--side", "keras padding=same"], ["--side", "tf", "-o", "made.html"]],
    "explain": [["--exercise", "-o", "made.html"], ["--still", "-o", "made.svg"], ["-o", "made.gif"]],
    "layers": [["--to", "keras"], ["--json"], ["--to", "onnx", "--json"]],
}
HEADS = {  # of files of other programs
    "h5": b"\x89HDF\r\n\x1a\n", "nc": b"CDF\1", "pdf": b"%PDF-1.4\n", "xlsx": b"PK\3\4", "pkl": b"\x80\4K\1.",
    "wav": b"RIFF\0\0\0\0WAVEfmt ", "heic": b"\0\0\0\x18ftypheic", "mat": b"MATLAB 5.0 MAT-file",
    "oct": b"# Created by Octave\n", "html": b"<html><p>1", "arff": b"@relation a\n@data\n1,2\n", "parquet": b"PAR1",
    "fits": b"SIMPLE  =", "dcm": b"\0" * 128 + b"DICM",
}  # fmt: skip
STACKS = (["pool"], ["conv", "--filter", "box", "then", "global-max"], ["relu", "then", "pool", "-m", "avg"])
STACK = ["then", "pool", "conv", "relu", "global-max", "unpool", "normalize", "--filter", "gaussian", "-k", "2"]


def corpus(folder: Path) -> list[str]:
    """Make valid files of every kind, and return their names."""
    numbers = FeatureMap.from_array(np.arange(48.0).reshape(6, 8) / 4)
    pixels = FeatureMap.from_array(np.arange(48, dtype=np.uint8).reshape(6, 8) * 5)
    for row in FORMATS.values():
        if row.writes:
            data = b"".join(encode(pixels if row.picture else numbers, WriteOptions(format=row.name)))
            (folder / f"in{row.extensions[0]}").write_bytes(data)
    np.savez(folder / "in.npz", a=numbers.array, b=pixels.array)
    Image.fromarray(pixels.array).save(folder / "lzw.tif", compression="tiff_lzw")
    (folder / "steps.json").write_text(json.dumps(RECIPE))
    (folder / "grid.json").write_text(json.dumps({"data": [[1, 2], [3, 4]], "layout": "HW", "steps": RECIPE}))
    mask = {"data": [[6, 8], [14, 16]], "indices": [[5, 7], [13, 15]], "layout": "HW", "steps": [RECIPE[-1]]}
    (folder / "mask.json").write_text(json.dumps(mask))
    (folder / "in.jsonl").write_text('[[1,2],[3,4]]\n{"data":[[5,6],[7,8]],"steps":[]}\n\n[[1.5,null],[0,1]]\n')
    for extension, head in HEADS.items():
        (folder / f"in.{extension}").write_bytes(head + bytes(range(256)))
    for path in sorted((ROOT / "tests" / "models").iterdir()):
        if path.suffix in (".tflite", ".keras", ".onnx", ".pt", ".pt2"):
            shutil.copy(path, folder / path.name)
    try:
        import zarr
    except ImportError:
        return sorted(path.name for path in folder.iterdir())
    for version in (2, 3):
        said: Any = {"poolcli": {"layout": "HW", "steps": RECIPE}, "units": "m"}
        made: Any = zarr.create_array(
            str(folder / f"in{version}.zarr"), shape=(6, 8), chunks=(3, 4), dtype="f4", zarr_format=version,
            attributes=said,
        )  # fmt: skip
        made[:] = numbers.array
    return sorted(path.name for path in folder.iterdir())


class Fuzz:
    """Makes a command line of a number, in a folder with files, and looks at what comes of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.originals = folder, folder / "originals"
        self.originals.mkdir()
        self.names = corpus(self.originals)
        built = {name: build(name).params for name in COMMANDS}
        self.options: dict[str, list[Any]] = {
            name: [one for one in them if one.param_type_name == "option"] for name, them in built.items()
        }

    def tried(self, number: int) -> tuple[str, str, str]:
        """Try one command line; return it as one types it, how it ended, and what is wrong."""
        draw = random.Random(number)
        here = self.folder / "here"
        shutil.rmtree(here, ignore_errors=True)
        here.mkdir()
        shutil.copy(self.originals / "in.csv", here / "in.csv")
        name = draw.choice(self.names)
        self.place(draw, self.originals / name, here / name)
        words, env = self.words(draw, name)
        line = " ".join([*(f"{key}={shlex.quote(value)}" for key, value in env.items()), "poolcli", shlex.join(words)])
        before = sorted(os.listdir(here))
        signal.alarm(PATIENCE)
        try:
            result = execute_here(words, stdin=self.fed(draw, here / name), env=env, cwd=here)
        except BaseException as problem:  # noqa: BLE001 -- whatever comes here is a finding
            return line, "raised", f"{type(problem).__name__}: {problem}"
        finally:
            signal.alarm(0)
        return line, str(result.code), wrong(result, before, sorted(os.listdir(here)), words)

    def place(self, draw: random.Random, original: Path, target: Path) -> None:
        """Put a file or folder into its place, most often changed."""
        if original.is_dir():
            shutil.copytree(original, target)
            target = draw.choice([path for path in sorted(target.rglob("*")) if path.is_file()])
        else:
            shutil.copy(original, target)
        if draw.random() < 0.7:
            text = target.suffix == ".json" or target.name in (".zattrs", ".zarray") or draw.random() < 0.1
            changed = in_json if text else in_zip if zipfile.is_zipfile(target) and draw.random() < 0.8 else in_bytes
            target.write_bytes(changed(draw, target.read_bytes()))

    def words(self, draw: random.Random, name: str) -> tuple[list[str], dict[str, str]]:
        """Return a command line on a file, and what the environment says."""
        command = draw.choice([*COMMANDS, *OFTEN])
        given = [name] if draw.random() < 0.9 else [draw.choice(WORDS)]
        more, env = list(NEEDED.get(command, ())), {}
        options = self.options[command]
        if command in FOCUS and draw.random() < 0.4:
            more += draw.choice(FOCUS[command])
        for one in draw.choices(options, k=draw.choice((0, 0, 1, 1, 2, 4))) if options else ():
            value = [] if one.is_flag else [self.value(draw, one)]
            if draw.random() < 0.2 and one.envvar:
                env[str(one.envvar)] = "".join(value or draw.choice(WORDS)).replace("\0", "")
            else:
                more += [draw.choice([*one.opts, *one.secondary_opts]), *value]
        if command == "batch":
            more += ["--dry-run", "-o", "made"]
        elif draw.random() < 0.4 and any("-o" in one.opts for one in options):
            more += ["-o", draw.choice((*RESULTS, "made", "nosuch/made.csv"))]
        if command in ("run", "batch") and draw.random() < 0.4:
            return [command, "in.csv", "--steps", draw.choice((name, "steps.json")), *more], env
        stack = []
        if command in ("run", "summary"):
            stack = draw.choice(STACKS) if draw.random() < 0.7 else draw.choices(STACK, k=4)
        return [command, *given, *more, *stack], env

    def value(self, draw: random.Random, option: Any) -> str:
        """Return a value of an option: one that completion offers, a file, or any word."""
        offered = option.offers("") if draw.random() < 0.5 else []
        others = ["1", "2", "3"] if draw.random() < 0.4 else [*WORDS, *self.names]
        return str(draw.choice(offered or others))

    def fed(self, draw: random.Random, path: Path) -> bytes:
        """Return what comes on standard input."""
        return path.read_bytes() if path.is_file() and draw.random() < 0.5 else b""


def in_bytes(draw: random.Random, data: bytes) -> bytes:
    """Change some bytes."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 1, 2, 8))):
        at, kind = draw.randrange(len(changed) + 1), draw.randrange(5)
        if kind == 0:
            del changed[at:]
        elif kind == 1:
            del changed[at : at + draw.choice((1, 4, 30))]
        elif kind == 2:
            changed[at:at] = draw.choice((b"\0", b"\xff\xff\xff\xff", b"9" * 40, b",", b"\n", b"\x1b[31m", b"-"))
        elif at < len(changed):
            changed[at] = draw.choice((0, 1, 255, 127, changed[at] ^ 1 << draw.randrange(8)))
    return bytes(changed)


def in_zip(draw: random.Random, data: bytes) -> bytes:
    """Change a member of an archive, and keep the archive itself in order."""
    changed = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(changed, "w") as after:
        names = before.namelist()
        chosen = draw.choice(names)
        for name in names:
            content = before.read(name)
            change = in_json if name.endswith(".json") else in_bytes
            after.writestr(name, change(draw, content) if name == chosen else content)
    return changed.getvalue()


def in_json(draw: random.Random, data: bytes) -> bytes:
    """Put an odd value in the place of one that is in a text of JSON."""
    try:
        found = json.loads(data)
    except ValueError:
        return in_bytes(draw, data)
    places: list[tuple[Any, Any]] = []

    def look(value: Any) -> None:
        for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
            places.append((value, key))
            look(value[key])

    look(found)
    for holder, key in draw.choices(places, k=draw.choice((1, 1, 2))) if places else ():
        holder[key] = draw.choice(ODD)
    return json.dumps(found).encode()


def wrong(result: Result, before: list[str], after: list[str], words: list[str]) -> str:
    """Say what is not as it should be."""
    said = result.err.replace("\x1b[1;31merror\x1b[0m", "error")
    in_parts = words[0] == "batch" or "--lines" in words  # what was done before an error is out
    faults: dict[str, Callable[[], bool]] = {
        "code": lambda: result.code not in CODES,
        "traceback": lambda: "Traceback" in result.err,
        "no error is told": lambda: result.code in (1, 2) and "error: " not in said and words[0] != "batch",
        "output beside an error": lambda: result.code in (1, 2) and bool(result.raw) and not in_parts,
        "raw for a terminal": lambda: "\x1b" in said,
        "long": lambda: len(result.err) > 20_000,
        "left over": lambda: any(name.startswith(".poolcli") for name in after),
        "a file beside an error": lambda: result.code in (1, 2) and after != before,
    }
    found = [fault for fault, there in faults.items() if there()]
    return f"{', '.join(found)}: {result.err[-800:]}" if found else ""


def main() -> int:
    """Try for the time that is given, and return 1 if something was found."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", type=int, help="the number of one command line")
    given = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_AS, (MOST, MOST))
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    counts = Counter[str]()
    with tempfile.TemporaryDirectory() as place:
        fuzz, end, number = Fuzz(Path(place)), time.monotonic() + given.seconds, given.seed * 1_000_000
        while time.monotonic() < end:
            number = number + 1 if given.only is None else given.only
            start = time.monotonic()
            line, ended, found = fuzz.tried(number)
            counts[ended] += 1
            if found or given.only is not None:
                counts["wrong"] += bool(found)
                print(f"--only {number}, {time.monotonic() - start:.1f} s: {line[:1500]}\n{ended}: {found}", flush=True)
            if given.only is not None:
                break
    print(sum(counts.values()) - counts["wrong"], "command lines:", dict(counts))
    return int(counts["wrong"] > 0)


if __name__ == "__main__":
    sys.path.insert(0, str(ROOT))
    sys.exit(main())

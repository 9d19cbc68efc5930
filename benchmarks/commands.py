"""Time whole commands beside what one would otherwise type, in interleaved rounds, and print ratios.

What each writes is compared first. Then the peak memory of what is done band by band is taken.
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from importlib.metadata import distribution, version
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import results
from benchmarks.usage import usage, watched
from poolcli.system.limits import processors

PYTHON, POOLCLI = [sys.executable], [shutil.which("poolcli", path=Path(sys.executable).parent) or "poolcli"]
SIDE = 4096  # pixels
WIDE = 3000  # columns of a large CSV
OUT = "OUT"  # stands for the file to write


def script(text: str) -> list[str]:
    """Return the command of a short Python program."""
    return [*PYTHON, "-c", text]


def numpy_pool(rows: int, columns: int) -> str:
    """Return how one pools 2x2 by maximum with numpy."""
    return f"y = x.reshape({rows // 2}, 2, {columns // 2}, 2).max((1, 3))\n"


PNG_POOL, CSV_POOL, JSON_POOL = numpy_pool(SIDE, SIDE), numpy_pool(2048, 2048), numpy_pool(1024, 1024)
IMPORTS = script("import numpy, typer, rich.table, rich.console")
OPENCV_MAX = script(
    "import cv2, numpy as np\nx = cv2.imread('photo.png', 0)\nrows = np.maximum(x[::2], x[1::2])\n"
    "cv2.imwrite('OUT', np.maximum(rows[:, ::2], rows[:, 1::2]))"
)
OPENCV_AVG = script(
    "import cv2\nx = cv2.imread('photo.png', 0)\n"
    "cv2.imwrite('OUT', cv2.resize(x, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))"
)
PILLOW_MAX = script(
    "import numpy as np\nfrom PIL import Image\nx = np.asarray(Image.open('photo.png'))\n"
    + PNG_POOL + "Image.fromarray(y).save('OUT')"
)  # fmt: skip
PILLOW_AVG = script("from PIL import Image\nImage.open('photo.png').reduce(2).save('OUT')")
TORCH_MAX = script(
    "import numpy as np, torch\nfrom PIL import Image\nx = torch.tensor(np.array(Image.open('photo.png')))[None]\n"
    "y = torch.nn.functional.max_pool2d(x.float(), 2)[0].byte()\nImage.fromarray(y.numpy()).save('OUT')"
)
LOADTXT = script(
    "import numpy as np\nx = np.loadtxt('big.csv', delimiter=',')\n" + CSV_POOL + "np.savetxt('OUT', y, delimiter=',')"
)
PANDAS = script(
    "import pandas as pd\nx = pd.read_csv('big.csv', header=None).to_numpy()\n" + CSV_POOL
    + "pd.DataFrame(y).to_csv('OUT', header=False, index=False)"
)  # fmt: skip
JSON = script(
    "import json, numpy as np\nx = np.array(json.load(open('big.json'))['data'])\n" + JSON_POOL
    + "json.dump({'data': y.tolist()}, open('OUT', 'w'))"
)  # fmt: skip
ORJSON = script(
    "import orjson, numpy as np\nx = np.array(orjson.loads(open('big.json', 'rb').read())['data'])\n" + JSON_POOL
    + "open('OUT', 'wb').write(orjson.dumps({'data': y}, option=orjson.OPT_SERIALIZE_NUMPY))"
)  # fmt: skip
JSON_LINES = script(
    "import orjson, numpy as np\nfile = open('OUT', 'wb')\nfor line in open('lines.jsonl', 'rb'):\n"
    "    y = np.array(orjson.loads(line)).reshape(2, 2, 2, 2).max((1, 3))\n"
    "    file.write(orjson.dumps({'data': y}, option=orjson.OPT_SERIALIZE_NUMPY) + b'\\n')\n    file.flush()"
)
NPY = script("import numpy as np\nx = np.load('big.npy')\n" + PNG_POOL + "np.save('OUT', y)")
NPY_MAPPED = script("import numpy as np\nx = np.load('huge.npy', mmap_mode='r')\n" + numpy_pool(4 * SIDE, 4 * SIDE)
                    + "np.save('OUT', y)")  # fmt: skip
CSV_WHOLE = script("import numpy as np\nx = np.loadtxt('huge.csv', delimiter=',')[:14000]\n" + numpy_pool(14000, WIDE)
                   + "np.savetxt('OUT', y, delimiter=',')")  # fmt: skip


@dataclass(frozen=True)
class Command:
    """One thing to do, our way and others'.

    Attributes
    ----------
    name : str
        What ``--only`` looks at.
    ours : list of str
        The command.
    others : mapping of str to list of str
        By name.
    kind : str
        The extension of what they write; nothing is compared if there is none.
    most : float, optional
        What share of the best of them poolcli may take.
    within : float
        How far the numbers may differ: pictures are rounded each in its own way.
    """

    name: str
    ours: list[str]
    others: Mapping[str, list[str]]
    kind: str = ""
    most: float | None = None
    within: float = 0


NEEDS: Mapping[str, str] = {  # what another needs: a module, or with $ a program
    "OpenCV script": "cv2", "torch script": "torch", "pandas script": "pandas", "vips": "$vips",
    "ImageMagick": "$convert", "orjson + numpy": "orjson", "orjson + numpy lines": "orjson",
}  # fmt: skip
POOL = [*POOLCLI, "pool", "--size", "2", "-o", OUT]
COMMANDS = (
    Command(
        "--version", [*POOLCLI, "--version"],
        {"python -c pass": script("pass"), "python -m __hello__": [*PYTHON, "-m", "__hello__"]}, most=1.3,
    ),
    Command("pool tiny.csv", [*POOLCLI, "pool", "tiny.csv"], {"imports": IMPORTS}, most=1.1),
    Command("pool tiny.csv --json", [*POOLCLI, "pool", "tiny.csv", "--json"], {"imports": IMPORTS}, most=1.1),
    Command(
        "completion of a mode", ["env", "_POOLCLI_COMPLETE=bash", *POOLCLI, "poolcli", "pool", "--mode", "l"],
        {"version, import typer": script("import typer, poolcli; print(poolcli.__version__)")}, most=2,
    ),
    Command(
        f"png {SIDE}x{SIDE} max 2x2", [*POOL, "photo.png"],
        {"OpenCV script": OPENCV_MAX, "Pillow script": PILLOW_MAX, "torch script": TORCH_MAX}, "png", 1.25,
    ),
    Command(
        f"png {SIDE}x{SIDE} avg 2x2", [*POOL, "--mode", "avg", "photo.png"],
        {
            "vips": ["vips", "shrink", "photo.png", OUT, "2", "2"],
            "ImageMagick": ["convert", "photo.png", "-scale", "50%", OUT],
            "OpenCV script": OPENCV_AVG, "Pillow script": PILLOW_AVG,
        }, "png", 1.25, within=1,
    ),
    Command("csv 2048x2048 max 2x2", [*POOL, "big.csv"], {"numpy script": LOADTXT, "pandas script": PANDAS}, "csv", 1),
    Command("json 1024x1024 max 2x2", [*POOL, "big.json"], {"json + numpy": JSON, "orjson + numpy": ORJSON}, "json", 1),
    Command(
        "100,000 lines of 4x4 max 2x2", [*POOL, "--lines", "lines.jsonl"], {"orjson + numpy lines": JSON_LINES}, "jsonl"
    ),
    Command("npy 4096x4096 max 2x2", [*POOL, "big.npy"], {"numpy script": NPY}, "npy"),
)  # fmt: skip
STREAMED = (
    Command("memory: 300 MB of CSV", [*POOL, "huge.csv"], {"numpy script": CSV_WHOLE}, "csv"),
    Command("memory: 1 GiB of npy", [*POOL, "huge.npy"], {"mapped numpy script": NPY_MAPPED}, "npy"),
)


# What they read


def photograph() -> NDArray[np.uint8]:
    """Return what photographs have: structure at every scale, its power falling with the frequency, and grain."""
    rng = np.random.default_rng(21)
    waves = np.fft.rfft2(rng.standard_normal((SIDE, SIDE)))
    frequency = np.hypot(np.fft.fftfreq(SIDE)[:, None], np.fft.rfftfreq(SIDE))
    frequency[0, 0] = 1
    scene = np.fft.irfft2(waves * frequency**-1.6)
    gray = 128 + 50 * (scene - scene.mean()) / scene.std() + 1.5 * rng.standard_normal((SIDE, SIDE))
    pixels: NDArray[np.uint8] = gray.clip(0, 255).astype(np.uint8)
    return pixels


def make_photo(path: Path) -> None:
    """Write a picture as Pillow does."""
    from PIL import Image

    Image.fromarray(photograph()).save(path)


def make_npy(path: Path, side: int) -> None:
    """Write a square of float32, band by band."""
    rng = np.random.default_rng(21)
    array = np.lib.format.open_memmap(path, "w+", np.float32, (side, side))
    for first in range(0, side, 256):
        array[first : first + 256] = rng.standard_normal((256, side), np.float32)


def make_csv(path: Path, rows: int, columns: int) -> None:
    """Write numbers of four decimals; some hundred different rows are enough."""
    rng = np.random.default_rng(21)
    lines = [",".join(f"{x:.4f}" for x in rng.standard_normal(columns)) + "\n" for _ in range(min(rows, 256))]
    with path.open("w") as file:
        file.writelines(lines[row] for row in rng.integers(0, len(lines), rows))


def make_json(path: Path) -> None:
    """Write numbers of six decimals."""
    rng = np.random.default_rng(21)
    path.write_text(json.dumps({"data": rng.standard_normal((1024, 1024)).round(6).tolist()}))


def make_lines(path: Path) -> None:
    """Write small maps of whole numbers, one a line."""
    maps = np.random.default_rng(21).integers(0, 256, (100_000, 4, 4)).tolist()
    path.write_text("".join(json.dumps(one) + "\n" for one in maps))


INPUTS: Mapping[str, Callable[[Path], object]] = {
    "tiny.csv": lambda path: path.write_text("1,2,3,4\n5,6,7,8\n9,8,7,6\n5,4,3,2\n"),
    "photo.png": make_photo,
    "big.csv": partial(make_csv, rows=2048, columns=2048),
    "big.json": make_json,
    "lines.jsonl": make_lines,
    "big.npy": partial(make_npy, side=SIDE),
    "huge.csv": partial(make_csv, rows=14_000, columns=WIDE),
    "huge.npy": partial(make_npy, side=4 * SIDE),
}


# What they write

LOADERS: Mapping[str, Callable[[Path], Any]] = {
    "png": lambda path: _picture(path).astype(float),
    "csv": lambda path: np.loadtxt(path, delimiter=","),
    "json": lambda path: np.array(json.loads(path.read_bytes())["data"]),
    "jsonl": lambda path: np.array([json.loads(line)["data"] for line in path.open()]),
    "npy": lambda path: np.load(path, mmap_mode="r"),
}


def _picture(path: Path) -> Any:
    from PIL import Image

    return np.asarray(Image.open(path))


def output(folder: Path, command: Command, which: str) -> Path:
    """Return where one of them writes."""
    return folder / f"{which.replace(' ', '_')}_out.{command.kind}"


def same(folder: Path, command: Command, which: str) -> bool:
    """Whether another wrote the same numbers as poolcli."""
    if not command.kind:
        return True
    ours, theirs = (LOADERS[command.kind](output(folder, command, who)) for who in ("poolcli", which))
    return ours.shape == theirs.shape and bool(abs(ours - theirs).max() <= command.within)


# Running

HEADER = "| command | poolcli / best | at most | best of the others | poolcli, ms | other / poolcli |"
PEAKS_HEADER = "| command | peak, MiB |"


def runner(words: list[str], folder: Path, target: Path) -> Callable[[], float]:
    """Return a call that runs a command and says how many seconds it took."""
    root = str(Path(__file__).resolve().parent.parent)  # so that an installed poolcli is not needed
    environment = {**os.environ, "PYTHONPATH": root, "PYTHONPYCACHEPREFIX": str(folder / "compiled")}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)  # what is installed is compiled
    line = [word.replace(OUT, target.name) for word in words]

    def call() -> float:
        start = time.perf_counter()
        done = subprocess.run(line, cwd=folder, env=environment, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(line)}\n{done.stderr.decode()}")
        return time.perf_counter() - start

    return call


def runners(command: Command, folder: Path, without: list[str]) -> dict[str, Callable[[], float]]:
    """Return how to run poolcli and every other that is there and writes the same."""
    calls: dict[str, Callable[[], float]] = {}
    for which, words in {"poolcli": command.ours, **command.others}.items():
        if which in without or not there(NEEDS.get(which, "sys")):
            continue
        call = runner(words, folder, output(folder, command, which))
        try:
            call()  # warms up, and writes what is compared
        except RuntimeError as problem:
            if which == "poolcli":
                raise
            print(f"{command.name}: without {which}, which failed: {problem}", file=sys.stderr)
            continue
        if same(folder, command, which):
            calls[which] = call
        else:
            print(f"{command.name}: {which} wrote other numbers", file=sys.stderr)
    return calls


def there(need: str) -> bool:
    """Whether a module or a program is installed."""
    return bool(shutil.which(need[1:]) if need.startswith("$") else find_spec(need))


def timed(command: Command, folder: Path, rounds: int, without: list[str]) -> str:
    """Time a command beside the others and return its line of the table; ratios are medians of those of a round."""
    calls = runners(command, folder, without)
    taken = [{which: call() for which, call in calls.items()} for _ in range(rounds)]
    ratios = {
        which: median(times[which] / times["poolcli"] for times in taken) for which in calls if which != "poolcli"
    }
    best = min(ratios, key=lambda which: ratios[which], default="-")
    share = f"{1 / ratios[best]:.2f}" if ratios else "-"
    most = f"{command.most:.2f}" if command.most else ""
    every = ", ".join(f"{which} {ratio:.2f}" for which, ratio in ratios.items())
    ours = median(times["poolcli"] for times in taken)
    return f"| {command.name} | {share} | {most} | {best} | {ours * 1e3:.0f} | {every} |"


def peaks(command: Command, folder: Path, without: list[str]) -> str:
    """Return the line of a command in the table of memory."""
    every = []
    for which in runners(command, folder, without):
        words = {"poolcli": command.ours, **command.others}[which]
        told = folder / "usage"
        runner(watched(words, told), folder, output(folder, command, which))()
        every.append(f"{which} {usage(told).peak / 2**20:.0f}")
    return f"| {command.name} | {', '.join(every)} |"


def versions() -> str:
    """Return a line with what was compared, and on what."""
    names = ("numpy", "pillow", "orjson", "rich", "typer", "opencv-python-headless", "torch", "pandas")
    modules = {"pillow": "PIL", "opencv-python-headless": "cv2"}
    found = [f"{name} {version(name)}" for name in names if find_spec(modules.get(name, name))]
    for program, flag in (("vips", "--version"), ("convert", "-version")):
        if shutil.which(program):
            told = subprocess.run([program, flag], capture_output=True, text=True, check=False).stdout
            found.append(" ".join(told.split()[:3]))
    by = (distribution("poolcli").read_text("INSTALLER") or "").strip()  # it writes the script that is started
    machine = f"{platform.machine()}, {processors()} processors, Python {platform.python_version()}"
    return f"{machine}, poolcli installed by {by}, {', '.join(found)}"


def main(only: list[str], rounds: int, without: list[str], *, write: bool) -> None:
    """Print the tables."""
    chosen = [command for command in (*COMMANDS, *STREAMED) if all(word in command.name for word in only)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, make in INPUTS.items():
            if any(file in word for command in chosen for word in command.ours):
                make(folder / file)
        print(versions())
        for header, among, measure in (
            (HEADER, COMMANDS, partial(timed, rounds=rounds)),
            (PEAKS_HEADER, STREAMED, peaks),
        ):
            print(f"\n{header}\n|{'---|' * (header.count('|') - 1)}")
            for command in [command for command in among if command in chosen]:
                row = measure(command, folder, without=without)
                print(row, flush=True)
                if write:
                    results.write(header, [row], [each.name for each in among], f"- commands: {versions()}")

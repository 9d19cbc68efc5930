"""Time whole commands beside what one would otherwise type, in interleaved rounds, and print ratios."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from statistics import median

import numpy as np

PYTHON, POOLCLI = [sys.executable], [sys.executable, "-m", "poolcli"]
IMPORTS = "import numpy, typer, rich.table, rich.console"


def script(text: str) -> list[str]:
    """Return the command of a short Python program."""
    return [*PYTHON, "-c", text]


OPENCV = script(
    "import sys, cv2, numpy as np\nx = cv2.imread('big.png', 0)\n"
    "rows = np.maximum(x[::2], x[1::2])\ncv2.imwrite('opencv.png', np.maximum(rows[:, ::2], rows[:, 1::2]))"
)
PILLOW = script(
    "import numpy as np\nfrom PIL import Image\nx = np.asarray(Image.open('big.png'))\n"
    "Image.fromarray(x.reshape(x.shape[0] // 2, 2, -1, 2).max((1, 3))).save('pillow.png')"
)
LOADTXT = script(
    "import numpy as np\nx = np.loadtxt('big.csv', delimiter=',')\n"
    "np.savetxt('numpy.csv', x.reshape(x.shape[0] // 2, 2, -1, 2).max((1, 3)), delimiter=',')"
)
PANDAS = script(
    "import pandas as pd\nx = pd.read_csv('big.csv', header=None).to_numpy()\n"
    "pd.DataFrame(x.reshape(x.shape[0] // 2, 2, -1, 2).max((1, 3))).to_csv('pandas.csv', header=False, index=False)"
)
POOL_JSON = "y = np.array({load}).reshape(512, 2, 512, 2).max((1, 3))\n"
JSON = script(
    "import json, numpy as np\n" + POOL_JSON.format(load="json.load(open('big.json'))['data']")
    + "json.dump({'data': y.tolist()}, open('json_numpy.json', 'w'))"
)  # fmt: skip
ORJSON = script(
    "import orjson, numpy as np\n" + POOL_JSON.format(load="orjson.loads(open('big.json', 'rb').read())['data']")
    + "open('orjson.json', 'wb').write(orjson.dumps({'data': y}, option=orjson.OPT_SERIALIZE_NUMPY))"
)  # fmt: skip
NPY = script(
    "import numpy as np\nx = np.load('big.npy')\nnp.save('numpy.npy', x.reshape(2048, 2, 2048, 2).max((1, 3)))"
)


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
    needs : mapping of str to str
        What another needs: a module, or with ``$`` a program.
    """

    name: str
    ours: list[str]
    others: Mapping[str, list[str]]
    needs: Mapping[str, str] = field(default_factory=dict)


POOL = [*POOLCLI, "pool", "--overwrite", "--size", "2"]
COMMANDS = (
    Command("--version", [*POOLCLI, "--version"], {"python -c pass": script("pass")}),
    Command("pool tiny.csv", [*POOLCLI, "pool", "tiny.csv"], {"imports": script(IMPORTS)}),
    Command("pool tiny.csv --json", [*POOLCLI, "pool", "tiny.csv", "--json"], {"imports": script(IMPORTS)}),
    Command(
        "completion of a mode",
        ["env", "_POOLCLI_COMPLETE=bash", *POOLCLI, "poolcli", "pool", "--mode", "l"],
        {"version, import typer": script("import typer, poolcli; print(poolcli.__version__)")},
    ),
    Command(
        "png 4096x4096 max 2x2",
        [*POOL, "big.png", "-o", "ours.png"],
        {"opencv script": OPENCV, "pillow script": PILLOW},
        {"opencv script": "cv2"},
    ),
    Command(
        "png 4096x4096 avg 2x2",
        [*POOL, "--mode", "avg", "big.png", "-o", "ours.png"],
        {
            "vips": ["vips", "shrink", "big.png", "vips.png", "2", "2"],
            "imagemagick": ["convert", "big.png", "-scale", "50%", "magick.png"],
            "opencv script": script(
                "import cv2\nx = cv2.imread('big.png', 0)\n"
                "cv2.imwrite('opencv.png', cv2.resize(x, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA))"
            ),
            "pillow script": script(
                "from PIL import Image\nx = Image.open('big.png')\nx.reduce(2).save('pillow.png')"
            ),
        },
        {"vips": "$vips", "imagemagick": "$convert", "opencv script": "cv2"},
    ),
    Command(
        "csv 2048x2048 max 2x2",
        [*POOL, "big.csv", "-o", "ours.csv"],
        {"numpy script": LOADTXT, "pandas script": PANDAS},
        {"pandas script": "pandas"},
    ),
    Command(
        "json 1024x1024 max 2x2",
        [*POOL, "big.json", "-o", "ours.json"],
        {"json + numpy": JSON, "orjson + numpy": ORJSON},
    ),
    Command("npy 4096x4096 max 2x2", [*POOL, "big.npy", "-o", "ours.npy"], {"numpy script": NPY}),
)  # fmt: skip


def make_inputs(folder: Path) -> None:
    """Write the files that the commands read."""
    from PIL import Image

    rng = np.random.default_rng(21)
    smooth = np.add.outer(np.arange(4096), np.arange(4096)) // 40 + rng.integers(0, 8, (4096, 4096))
    Image.fromarray((smooth % 256).astype(np.uint8)).save(folder / "big.png")
    np.save(folder / "big.npy", rng.standard_normal((4096, 4096), np.float32))
    np.savetxt(folder / "big.csv", rng.standard_normal((2048, 2048)).round(4), fmt="%.4f", delimiter=",")
    (folder / "big.json").write_text(json.dumps({"data": rng.standard_normal((1024, 1024)).round(6).tolist()}))
    (folder / "tiny.csv").write_text("1,2,3,4\n5,6,7,8\n9,8,7,6\n5,4,3,2\n")


def there(need: str) -> bool:
    """Whether a module or a program is installed."""
    return bool(shutil.which(need[1:]) if need.startswith("$") else find_spec(need))


def runner(command: list[str], folder: Path) -> Callable[[], float]:
    """Return a call that runs a command and says how many seconds it took."""
    root = str(Path(__file__).resolve().parent.parent)  # so that an installed poolcli is not needed
    environment = {**os.environ, "PYTHONPATH": root}

    def call() -> float:
        start = time.perf_counter()
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, check=False)
        if done.returncode:
            raise RuntimeError(f"{' '.join(command)}\n{done.stderr.decode()}")
        return time.perf_counter() - start

    return call


def main(only: list[str], rounds: int, without: list[str]) -> None:
    """Print the table."""
    print("| command | poolcli, ms | other / poolcli |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        make_inputs(folder)
        for command in COMMANDS:
            if not all(word in command.name for word in only):
                continue
            usable = [
                other for other in command.others if other not in without and there(command.needs.get(other, "sys"))
            ]
            calls = {"poolcli": runner(command.ours, folder)}
            calls |= {other: runner(command.others[other], folder) for other in usable}
            times: dict[str, list[float]] = {name: [] for name in calls}
            for which in list(calls):
                try:
                    calls[which]()  # warms up
                except RuntimeError as failure:
                    print(failure, file=sys.stderr)
                    del calls[which], times[which]
            for _ in range(rounds):
                for which, call in calls.items():
                    times[which].append(call())
            ours = median(times.pop("poolcli"))
            others = ", ".join(f"{which} {median(taken) / ours:.2f}" for which, taken in times.items())
            print(f"| {command.name} | {ours * 1e3:.0f} | {others} |", flush=True)

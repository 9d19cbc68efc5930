"""No option and no file takes memory or time that is not there: the answer is right, or an error comes at once.

The commands run in processes of their own with 1 GiB of memory; one that hangs is killed, and fails its test.
"""

from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from poolcli.cli.options.grammar import OptionField, flat, parameters_of
from poolcli.cli.registry import COMMANDS
from poolcli.errors import LimitError
from poolcli.system import limits
from poolcli.system.limits import _left_of_groups, available, check_memory, refused
from poolcli.system.portable import PAGE
from tests.support.forks import Forks
from tests.support.process import ROOT, SAMPLES, Result, Run
from tests.support.rows import in_turn

pytestmark = pytest.mark.slow

GEEKS = SAMPLES / "geeks_4x4.csv"
MEMORY = 1 << 30


def orderly(result: Result) -> None:
    """An answer, or an error in two or three lines."""
    assert "Traceback" not in result.err
    assert result.code in (0, 1, 2, 3)
    if result.code in (1, 2):
        assert result.raw == b""
        assert result.err.startswith("error: ")
        assert len(result.err.splitlines()) <= 3


# --- more than there is -----------------------------------------------------------------------------------------------

NEEDS = ("needs", "available")
HUGE: list[tuple[list[str], tuple[str, ...]]] = [
    (["pool", "-k", "1", "--zoom", "100000", "-o", "out.png", str(GEEKS)], ("400000x400000 pixels", "limit")),
    (["pool", "-k", "1", "--zoom", "1000000000000", "-o", "out.png", str(GEEKS)], ()),
    (["pool", "-k", "1", "--zoom", "100000", "-o", "out.tiff", str(GEEKS)], ("400000x400000 pixels", "limit")),
    (["explain", "--zoom", "100000", "-o", "out.gif", str(GEEKS)], ()),
    (["explain", "--zoom", "100000", "-o", "out.svg", str(GEEKS)], ()),
    (["pool", "-k", "1", "-s", "1", "-p", "1000000000", "--pad-fill", "0", str(GEEKS)], NEEDS),
    (["pool", "-p", "1000000000", str(GEEKS)], NEEDS),
    (["pool", "-p", "20000", "--pad-fill", "reflect", "-k", "20000", str(GEEKS)], NEEDS),
    (["pool", "-p", "1x199999999", "--pad-fill", "wrap", "-k", "1x199999999", str(GEEKS)], NEEDS),
    (["conv", "--filter", "box", "-p", "1000000000", str(GEEKS)], NEEDS),
    (["conv", "--filter", "box", "-p", "1000000000", "--dilation", "900000000", str(GEEKS)], NEEDS),
    (["pool", "--size", "1x99999999", str(GEEKS)], ("window 1x99999999 is larger than the input 4x4",)),
    (["pool", "--size", "999999999999999999", str(GEEKS)], ("is larger than the input",)),
    (["pool", "--output-size", "1000000000", str(GEEKS)], ("uneven windows",)),
    (["pool", "--output-size", "100000", str(GEEKS)], NEEDS),
    (["pool", "--output-size", "1000000000", "--fractional", str(GEEKS)], ("fractional windows",)),
    (["grad", "-p", "1000000000", str(GEEKS)], NEEDS),
    (["grad", "-p", "100000", str(GEEKS)], NEEDS),
    (["unpool", "--output-size", "100000", "indices.json"], NEEDS),
    (["unpool", "--output-size", "1000000000x1000000000", "indices.json"], NEEDS),
    (["unpool", "--compat", "onnx", "--output-size", "100000", "indices.json"], ()),
    (["explain", "-p", "1000000000", str(GEEKS)], NEEDS),
    (["explain", "--shape", "1000000000x1000000000", "--full"], ("--page",)),
    (["explain", "--max-rows", "1000000000", "--shape", "100000x100000"], ("windows is longer",)),
    (["explain", "-o", "out.html", "wide.npy"], ("a page holds at most",)),
    (["pool", "-k", "1", "--full", "wide.npy"], NEEDS),
    (["pool", "-k", "1", "--max-cols", "1000000000", "--max-rows", "1000000000", "wide.npy"], NEEDS),
    (["pool", "lies.npy"], ("lies.npy",)),
    (["pool", "bomb.png"], ("more than", "pixels", "--max-pixels")),
    (["pool", "--max-pixels", "10000000000", "bomb.png"], NEEDS),
    (["pool", "--max-pixels", "3", str(SAMPLES / "astronaut.jpg")], ("more than 3 pixels",)),
    (["compare", "-m", "max,avg", "-p", "1000000000", str(GEEKS)], ()),
    (["shift", "--random", "1000000000", str(GEEKS)], ()),
    (["shift", "--by", "1000000000", str(GEEKS)], ()),
    (["run", str(GEEKS), "pool", "-p", "1000000000"], NEEDS),
    (["run", str(GEEKS), "conv", "--filter", "box", "-p", "1000000000"], NEEDS),
]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, forks: Forks) -> Path:
    """Files that promise more than they hold, and a wide map of many cells in few bytes of text."""
    here = tmp_path_factory.mktemp("huge")
    pooled = forks("pool", "--indices", "--json", GEEKS).json()
    (here / "indices.json").write_text(json.dumps({key: pooled[key] for key in ("data", "indices")}))
    np.save(here / "wide.npy", np.zeros((2000, 3000), np.uint8))
    head = {"descr": "<f8", "fortran_order": False, "shape": (10**7, 10**8)}
    written = io.BytesIO()
    np.lib.format.write_array_header_1_0(written, head)
    (here / "lies.npy").write_bytes(written.getvalue() + b"\0" * 800)
    chunks = [(b"IHDR", struct.pack(">IIBBBBB", 60000, 60000, 8, 0, 0, 0, 0)), (b"IDAT", zlib.compress(b"\0" * 100)),
              (b"IEND", b"")]  # fmt: skip
    blocks = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    ]
    (here / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(blocks))
    return here


@pytest.mark.parametrize(("words", "said"), HUGE, ids=[" ".join(words).replace(str(GEEKS), "") for words, _ in HUGE])
def test_more_than_there_is(forks: Forks, folder: Path, words: list[str], said: tuple[str, ...]) -> None:
    before = sorted(folder.iterdir())
    result = forks(*words, cwd=folder, memory=MEMORY)
    orderly(result)
    assert result.code in (1, 2)
    assert [word for word in said if word not in result.err] == []
    assert sorted(folder.iterdir()) == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["summary", "1000000000x1000000000", "pool"], "500000000x500000000"),
        (["summary", "999999999999x1", "pool", "-k", "1"], "999999999999x1"),
        (["summary", "8x8", "pool", "-p", "1000000000", "-k", "2000000000"], "1x1"),
        (["summary", "8x8x3", "--layout", "HWC", "dense", "--units", "1000000000000"], "4,000,000,000,000"),
        (["summary", "8x8", "conv", "--filters", "1000000000", "--size", "8"], "65,000,000,000"),
        (["explain", "--shape", "1000000000x1000000000"], "windows 1 to 20 of 250000000000000000"),
        (["explain", "--shape", "1000000000x1000000000", "--at", "499999999,0"], "499999999"),
        (["pool", "--precision", "17", str(GEEKS)], "9"),
        (["pool", "--seed", "1" + "0" * 300, "--mode", "stochastic", "-f", "csv", str(GEEKS)], ","),
        (["pool", "--emit", "numpy", "-k", "1000000000", "-p", "1000000000"], "1000000000"),
        (["pool", "-s", "1000000000", str(GEEKS)], "1x1"),
        (["pool", "--dilation", "1000000000", "-k", "1", str(GEEKS)], "4x4"),
        (["pool", "--threads", "1000000000", "--json", str(GEEKS)], "[[6,9],[5,8]]"),
    ],
)
def test_large_numbers_with_a_quick_answer(forks: Forks, words: list[str], said: str) -> None:
    result = forks(*words, memory=MEMORY)
    assert (result.code, result.err) == (0, "")
    assert said in result.out


def test_the_kernel_of_a_convolution(forks: Forks, tmp_path: Path) -> None:
    np.save(tmp_path / "kernel.npy", np.ones((400, 400)))
    result = forks("conv", "--filter", tmp_path / "kernel.npy", GEEKS, memory=MEMORY)
    orderly(result)
    assert "larger than the input" in result.err
    orderly(forks("conv", "--filter", tmp_path / "kernel.npy", "-p", "200", GEEKS, memory=MEMORY))


def test_what_no_check_foresaw_is_an_error_too(forks: Forks, tmp_path: Path) -> None:
    """Sorting takes more than its input; so little memory that something fails somewhere."""
    np.save(tmp_path / "in.npy", np.zeros((600, 600)))
    for mode in ("max", "median", "percentile:30", "majority", "std", "soft", "lp:3"):
        for memory in (4 << 20, 11 << 20, 32 << 20):
            orderly(forks("pool", "-k", "3", "-s", "1", "-m", mode, "-f", "npy", tmp_path / "in.npy", memory=memory))


# --- every number of every command ------------------------------------------------------------------------------------

VALUES = ["0", "-1", "1000000000", "1" + "0" * 18, "1" + "0" * 30, "1" + "0" * 5000, "nan", "inf", "-inf", "", " ",
          "\u0663", "\u00b2", "1e400", "1_0", "1x99999999", "1,2"]  # fmt: skip
STARTS: dict[str, list[str]] = {
    "pool": ["pool", str(GEEKS)],
    "conv": ["conv", "--filter", "box", str(GEEKS)],
    "run": ["run", str(GEEKS)],
    "batch": ["batch", "-o", "out", str(GEEKS)],
    "unpool": ["unpool", "indices.json"],
    "grad": ["grad", str(GEEKS)],
    "compare": ["compare", "--mode", "max,avg", str(GEEKS)],
    "summary": ["summary", "8x8"],
    "show": ["show", str(GEEKS)],
    "explain": ["explain", str(GEEKS)],
    "shift": ["shift", str(GEEKS)],
    "layers": ["layers", str(ROOT / "tests/models/odd.onnx")],
}
SPECIAL = {"--output", "--name", "--report", "--steps", "--save-steps", "--scheduler"}  # names of files and addresses


def options_of(command: str) -> Iterator[str]:
    """Every option of a command that takes a value."""
    parts = parameters_of(getattr(import_module(f"poolcli.cli.commands.{command}"), command))
    for _, option in flat(parts):
        if isinstance(option, OptionField) and not option.alone and option.kind is not bool:
            yield option.long


def cases() -> Iterator[tuple[str, str]]:
    """Every option once where it is shared, and in each command where it concerns windows."""
    seen: set[str] = set()
    for command in STARTS:
        for option in sorted(set(options_of(command)) - SPECIAL):
            if option not in seen or (command in ("unpool", "explain") and option in ("--size", "--padding")):
                yield command, option
            seen.add(option)


def test_every_command_with_options_is_attacked() -> None:
    assert set(STARTS) == set(COMMANDS) - {"modes", "filters", "doctor", "completion"}  # which take no number
    assert len(list(cases())) > 40


@in_turn(("command", "option"), cases())
def test_every_number_of_every_option(forks: Forks, folder: Path, command: str, option: str) -> None:
    tail = ["pool"] if command in ("run", "summary") else []
    lines = [[*STARTS[command], f"{option}={value}", *tail] for value in VALUES]
    for result in forks.rows(lines, cwd=folder, memory=MEMORY):
        orderly(result)


@pytest.mark.parametrize("option", ["--size", "--stride", "--padding", "--dilation", "--output-size", "--units",
                                    "--filters", "--bias"])  # fmt: skip
def test_every_number_of_every_layer(forks: Forks, option: str) -> None:
    layer = {"--units": "dense", "--filters": "conv"}.get(option, "conv")
    ways: list[list[str]] = [["run", str(GEEKS), "pool"]]
    if option != "--output-size":
        ways.append(["summary", "8x8", layer])
    lines = [[*way, f"{option}={value}"] for way in ways for value in VALUES]
    for result in forks.rows(lines, memory=MEMORY):
        orderly(result)


# --- what there is ----------------------------------------------------------------------------------------------------


def test_the_least_of_all_limits_counts(tmp_path: Path) -> None:
    """A container of both versions of control groups, of which one file is missing and one has no limit."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("9:cpu:/\n8:pids,memory:/one\n0::/a/b\n")
    files = {
        "sys/fs/cgroup/a/memory.max": "1000",
        "sys/fs/cgroup/a/memory.current": "400",
        "sys/fs/cgroup/a/memory.stat": "anon 300\ninactive_file 50\n",
        "sys/fs/cgroup/a/b/memory.max": "max",
        "sys/fs/cgroup/a/b/memory.current": "1",
        "sys/fs/cgroup/a/b/memory.stat": "anon 1\n",
        "sys/fs/cgroup/memory/one/memory.limit_in_bytes": "900",
        "sys/fs/cgroup/memory/one/memory.usage_in_bytes": "600",
        "sys/fs/cgroup/memory/one/memory.stat": "total_inactive_file 100\n",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert sorted(_left_of_groups(str(tmp_path))) == [400, 650]
    assert list(_left_of_groups(str(tmp_path / "nowhere"))) == []


def test_a_check_says_how_much_is_needed_and_how_much_there_is() -> None:
    check_memory(1 << 20, "a small thing", "nothing")
    with pytest.raises(LimitError, match=r"^a thing needs 1 EiB, but only [0-9.]+ .iB is available\n") as caught:
        check_memory(1 << 60, "a thing", "use less")
    assert caught.value.hint == "use less"
    assert 0 < available() < 1 << 60


def test_memory_is_looked_at_once_a_second_unless_much_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    looks, now, room = [], [100.0], [1 << 30]

    def look() -> int:
        looks.append(now[0])
        return room[0]

    monkeypatch.setattr(limits, "available", look)
    monkeypatch.setattr(limits, "_lately", limits._Lately())
    monkeypatch.setattr("time.monotonic", lambda: now[0])
    for _ in range(3):
        check_memory(100 << 20, "a thing", "use less")
    assert len(looks) == 1
    check_memory(500 << 20, "much", "use less")
    assert len(looks) == 2
    room[0] = 1 << 20
    now[0] += limits.MOMENT + 0.1
    with pytest.raises(LimitError, match="needs 100 MiB, but only 1 MiB is available"):
        check_memory(100 << 20, "a thing", "use less")
    with pytest.raises(LimitError, match="needs 100 MiB"):  # what was refused is looked at again
        check_memory(100 << 20, "a thing", "use less")
    assert len(looks) == 4


def test_what_the_system_refused_is_said_with_its_size() -> None:
    with pytest.raises(MemoryError) as caught:
        np.empty(1 << 60, np.uint8)
    said = str(refused(caught.value))
    assert "1.00 EiB" in said
    assert "is available" in said
    assert str(refused(MemoryError())).startswith("not enough memory")


def test_a_system_without_limits_tells_what_is_free(monkeypatch: pytest.MonkeyPatch) -> None:
    """No control groups and no ``ulimit``, as in a bare container or on macOS."""
    monkeypatch.setattr(limits, "_left_of_groups", lambda: iter(()))
    monkeypatch.setattr(limits, "_left_of_limits", lambda: iter(()))
    assert available() > 0


def test_ulimit_is_heard(shell: Any) -> None:
    done = shell(f"ulimit -v 1000000; python -m poolcli pool -k 1 -s 1 -p 9000 --pad-fill 0 {GEEKS}")
    assert done.code == 1
    assert "needs 2.42 GiB, but" in done.err


@pytest.mark.parametrize(("own", "left"), [(None, limits.START), (1 << 20, None), (1 << 60, limits.START)])
def test_a_full_machine_is_no_limit_of_the_user(
    monkeypatch: pytest.MonkeyPatch, own: int | None, left: int | None
) -> None:
    fences: list[int] = []
    monkeypatch.setattr(limits, "available", lambda: 55 << 20)
    monkeypatch.setattr(limits, "limit_of", {"RLIMIT_DATA": own}.get)
    monkeypatch.setattr(limits, "set_limit", lambda *given: fences.append(given[1]))
    limits.fence()
    data = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[5]) * PAGE
    assert fences[0] == own if left is None else abs(fences[0] - data - left) < 1 << 24


def test_the_real_command_fences_itself(run: Run, python: Run) -> None:
    code = (
        "import resource\n"
        "from poolcli.system.limits import available, fence\n"
        "fence()\n"
        "assert resource.getrlimit(resource.RLIMIT_DATA)[0] < 2 * available() + (1 << 32)\n"
        "try: bytearray(available() + (1 << 28))\n"
        "except MemoryError: print('refused')\n"
    )
    assert python("-c", code).out == "refused\n"

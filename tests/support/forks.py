"""Thousands of real processes: a Python with everything loaded forks itself for every command line.

A child has its own limits, signals and standard streams, and ends like the real command; it only saves the second for
imports. ``python -m tests.support.forks SOCKET`` is that Python. `Forks`, or the small program that replaces
``poolcli`` in shells, sends the request and the three standard streams through the socket, and receives the child's
process number and how it ended.
"""

from __future__ import annotations

import json
import marshal
import os
import resource
import select
import signal
import socket
import subprocess
import sys
import time
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.process import ROOT, Result, clean_environment, code_of, execute_here

STOPPING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
ROWS = "rows"  # instead of a command: several command lines as JSON
PATIENCE = 60.0  # seconds; a child that takes longer hangs
FLAGS = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
PROGRAM = """#!{python} -IS
import _socket, marshal, os, struct, sys
closed = []
for number in (0, 1, 2):
    try:
        os.fstat(number)
    except OSError:
        closed.append(os.open(os.devnull, os.O_RDWR))
asked = _socket.socket(_socket.AF_UNIX)
asked.connect({socket!r})
request = marshal.dumps((sys.argv[1:], os.getcwd(), dict(os.environ), None, closed))
streams = [(_socket.SOL_SOCKET, _socket.SCM_RIGHTS, struct.pack("3i", 0, 1, 2))]
asked.sendmsg([len(request).to_bytes(4, "little")], streams)
asked.sendall(request)
for number in (0, 1, 2):
    os.close(number)  # only the child may notice that their reader goes away
asked.recv(4)
code = int.from_bytes(asked.recv(4), "little", signed=True)
if code < 0:
    os.kill(os.getpid(), -code)
os._exit(code)
"""


class Child:
    """A running command line."""

    def __init__(self, asked: socket.socket, folder: Path) -> None:
        self.asked, self.folder = asked, folder
        self.pid = int.from_bytes(asked.recv(4), "little")
        self.code: int | None = None

    def ended(self, seconds: float) -> bool:
        """Wait for the end at most so long, and return whether it came."""
        if self.code is None and select.select([self.asked], [], [], seconds)[0]:
            self.code = code_of(int.from_bytes(self.asked.recv(4), "little", signed=True))
            self.asked.close()
        return self.code is not None

    def kill(self, number: int) -> None:
        """Send a signal to a child that has not ended."""
        with suppress(ProcessLookupError):  # it has just ended
            os.kill(self.pid, number)

    def result(self) -> Result:
        """Wait for the end and return the result; a child that hangs is a failure."""
        if not self.ended(PATIENCE):
            self.kill(signal.SIGKILL)
            assert self.ended(PATIENCE)
            raise AssertionError(f"still at work after {PATIENCE:.0f} s")
        assert self.code is not None
        out, err = (self.folder / name for name in ("stdout", "stderr"))
        return Result(self.code, out.read_bytes(), err.read_text(encoding="utf-8", errors="surrogateescape"))


@dataclass(frozen=True)
class Forks:
    """Starts command lines with files as standard streams, one at a time; `folder` has a ``poolcli`` for shells."""

    folder: Path

    def start(
        self, *arguments: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None, stdin: bytes = b"",
        stdout: str = "stdout", memory: int | None = None,
    ) -> Child:  # fmt: skip
        """Start a command line; `memory` is how many bytes it may use beyond what is loaded."""
        files = self.folder / "streams"
        (files / "stdin").write_bytes(stdin)
        (files / "stdout").write_bytes(b"")  # from the previous child
        words = [os.fsencode(word).decode("utf-8", "surrogateescape") for word in arguments]
        request = marshal.dumps((words, str(cwd), clean_environment(env), memory, []))
        asked = socket.socket(socket.AF_UNIX)
        asked.connect(str(self.folder / "socket"))
        with ExitStack() as opened:
            streams = [
                os.open(files / name, flag, 0o600)
                for name, flag in zip(("stdin", stdout, "stderr"), FLAGS, strict=True)
            ]
            for stream in streams:
                opened.callback(os.close, stream)
            socket.send_fds(asked, [len(request).to_bytes(4, "little")], streams)
        asked.sendall(request)
        return Child(asked, files)

    def __call__(self, *arguments: str | Path, **more: Any) -> Result:
        """Run a command line to its end."""
        return self.start(*arguments, **more).result()

    def rows(self, lines: Iterable[Sequence[str | Path]], **more: Any) -> list[Result]:
        """Run command lines one after the other in one child."""
        words = [[str(word) for word in line] for line in lines]
        done = self.start(ROWS, json.dumps(words), **more).result()
        assert (done.code, done.err) == (0, "")
        return [Result(*left) for left in marshal.loads(done.raw)]  # noqa: S302 - written by these tests


@contextmanager
def forking(folder: Path) -> Iterator[Forks]:
    """Start `Forks` that keep their files in `folder`."""
    (folder / "streams").mkdir()
    program = folder / "poolcli"
    program.write_text(PROGRAM.format(python=sys.executable, socket=str(folder / "socket")), encoding="utf-8")
    program.chmod(0o700)
    environment = clean_environment({"OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": ""})  # fork needs a single thread
    words = [sys.executable, "-m", "tests.support.forks", str(folder / "socket")]
    with (
        subprocess.Popen(words, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL) as server,
        ExitStack() as ending,
    ):
        ending.callback(server.kill)  # whatever happens: without it the end of `server` waits forever
        while not (folder / "socket").exists():
            assert server.poll() is None, "the Python that forks has ended"
            time.sleep(0.01)
        yield Forks(folder)


# --- the server -------------------------------------------------------------------------------------------------------


LOADED = {
    "pooling": "layer convolution gradient",
    "formats": "delimited json_map npy pictures_in pictures_out",
    "analysis": "windows comparison invariance",
    "steps": "shapes recipe provenance",
    "render": "animation.walk page",
    "render.terminal": "heatmap table windows comparison layers rows invariance",
}


FIRST = (  # of every kind the first takes twice as long; none looks for other packages, which a child has of its own
    "pool -", "pool - -f csv", "pool - --json", "pool --help", "conv - --filter box", "explain -",
    "compare - -m max,avg", "shift -", "show -", "run - pool", "grad -",
)  # fmt: skip


def load() -> None:
    """Import everything that commands import on demand, and run some of them."""
    import gc
    from importlib import import_module

    import numpy as np
    import orjson  # noqa: F401 - loaded for the children
    import PIL.Image
    from rich import box, console, measure, progress, table, text  # noqa: F401 - loaded for the children
    from typer import main  # noqa: F401 - loaded for the children

    from poolcli.cli import app
    from poolcli.cli.registry import COMMANDS, build

    PIL.Image.init()
    for name in COMMANDS:
        import_module(f"poolcli.cli.commands.{name}")
    for part, names in LOADED.items():
        for name in names.split():
            import_module(f"poolcli.{part}.{name}")
    import_module("poolcli.kernels.order_statistics")
    vars(app)["build"] = {name: build(name) for name in COMMANDS}.__getitem__
    np.zeros(1)
    for line in FIRST:
        execute_here(line.split(), stdin="1,2\n3,4\n")
    gc.collect()
    gc.freeze()  # children need not search this for garbage


def serve(path: str) -> None:
    """Fork a child for every request, and report how each ended."""
    load()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # inherited by a child until it is the real command
    awake, ended = os.pipe()
    os.set_blocking(ended, False)
    signal.set_wakeup_fd(ended)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    children: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(f"{path}.new")
        door.listen(64)
        os.rename(f"{path}.new", path)  # it appears when it is usable
        parent = os.getppid()
        while os.getppid() == parent:  # checked every second, in case the tests are killed
            ready, _, _ = select.select([door.fileno(), awake], [], [], 1.0)
            if door.fileno() in ready:
                begin(door, children)
            if awake in ready:
                os.read(awake, 1 << 10)
                reap(children)


def begin(door: socket.socket, children: dict[int, socket.socket]) -> None:
    """Fork a command and send its process number."""
    asked, _ = door.accept()
    size, streams, *_ = socket.recv_fds(asked, 4, 3)
    request = b""
    while len(request) < int.from_bytes(size, "little"):
        request += asked.recv(1 << 20)
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for other in (door, asked, *children.values()):
            other.close()
        os._exit(perform(streams, *marshal.loads(request)))  # noqa: S302 - written by these tests
    for stream in streams:
        os.close(stream)
    children[pid] = asked
    asked.sendall(pid.to_bytes(4, "little"))


def reap(children: dict[int, socket.socket]) -> None:
    """Report how commands ended."""
    while children:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        with children.pop(pid) as asked, suppress(BrokenPipeError):  # the client was killed
            asked.sendall(os.waitstatus_to_exitcode(status).to_bytes(4, "little", signed=True))


def perform(streams: list[int], words: list[str], cwd: str, env: dict[str, str], memory: int | None,
            closed: list[int]) -> int:  # fmt: skip
    """Run the real command in this process."""
    from poolcli.__main__ import main

    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    ways = {"stdin": (0, "r"), "stdout": (1, "w"), "stderr": (2, "w")}  # as Python opens them at its start
    for name, (number, way) in ways.items():
        stream = None if number in closed else open(number, way, 1 if number == 2 else -1, "utf-8", closefd=False)  # noqa: SIM115
        setattr(sys, name, stream)
    for number in closed:
        os.close(number)
    sys.path[1:1] = filter(None, env.get("PYTHONPATH", "").split(os.pathsep))
    if env.get("PYTHONWARNINGS") == "error":
        warnings.simplefilter("error")
    if memory is not None:
        with open("/proc/self/statm", encoding="ascii") as sizes:
            most = int(sizes.read().split()[0]) * resource.getpagesize() + memory
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    sys.argv = ["poolcli", *words]
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a signal that came before this ends the child here
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    try:
        code = each(json.loads(words[1])) if words[:1] == [ROWS] else main()
    except BaseException:  # noqa: BLE001 - as Python itself does
        sys.excepthook(*sys.exc_info())
        code = 1
    if sys.stdout:
        sys.stdout.flush()
    return code


def each(lines: list[list[str]]) -> int:
    """Run command lines and send their results."""
    left = [execute_here(line, env=dict(os.environ), cwd=Path.cwd()) for line in lines]
    sys.stdout.buffer.write(marshal.dumps([(one.code, one.raw, one.err) for one in left]))
    return 0


if __name__ == "__main__":
    serve(sys.argv[1])

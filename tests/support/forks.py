"""Thousands of real processes: one Python that has everything loaded forks itself for every command line.

A child is a process of its own with its own limits, signals and standard streams, and ends as the real command does; it
only saves the second that importing takes. ``python -m tests.support.forks`` is that Python: it reads a request per
line from its standard input, answers with the number of the child, and when the child has ended with its exit code.
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.process import ROOT, Result, clean_environment, code_of

STOPPING = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP}
PATIENCE = 60.0  # seconds: a child that takes longer hangs


class Child:
    """A command line at work."""

    def __init__(self, server: subprocess.Popen[bytes], folder: Path, pid: int) -> None:
        self.server, self.folder, self.pid = server, folder, pid
        self.code: int | None = None

    def ended(self, seconds: float) -> bool:
        """Wait so long for the end, and say whether it came."""
        assert self.server.stdout is not None
        if self.code is None and select.select([self.server.stdout], [], [], seconds)[0]:
            self.code = int(self.server.stdout.readline())
        return self.code is not None

    def kill(self, number: int) -> None:
        """Send a signal to a child that has not ended."""
        with suppress(ProcessLookupError):  # or has it, just now
            os.kill(self.pid, number)

    def result(self) -> Result:
        """Wait for the end and return what was left behind; a child that does not end is a failure."""
        if not self.ended(PATIENCE):
            self.kill(signal.SIGKILL)
            assert self.ended(PATIENCE)
            raise AssertionError(f"still at work after {PATIENCE:.0f} s")
        assert self.code is not None
        out, err = (self.folder / name for name in ("stdout", "stderr"))
        return Result(self.code, out.read_bytes(), err.read_text(encoding="utf-8", errors="surrogateescape"))


@dataclass(frozen=True)
class Forks:
    """Starts command lines, one at a time."""

    server: subprocess.Popen[bytes]
    folder: Path  # for what the children write to their standard streams

    def start(
        self, *arguments: str | Path, cwd: Path = ROOT, env: Mapping[str, str] | None = None, stdin: bytes = b"",
        stdout: str = "stdout", memory: int | None = None,
    ) -> Child:  # fmt: skip
        """Start a command line; `memory` is how many bytes it may take beyond what is loaded."""
        assert self.server.stdin is not None
        assert self.server.stdout is not None
        (self.folder / "stdin").write_bytes(stdin)
        (self.folder / "stdout").write_bytes(b"")  # of the child before
        request = {
            "words": [os.fsencode(word).decode("utf-8", "surrogateescape") for word in arguments],
            "cwd": str(cwd), "env": clean_environment(env), "folder": str(self.folder), "stdout": stdout,
            "memory": memory,
        }  # fmt: skip
        self.server.stdin.write(json.dumps(request).encode() + b"\n")
        self.server.stdin.flush()
        return Child(self.server, self.folder, int(self.server.stdout.readline()))

    def __call__(self, *arguments: str | Path, **more: Any) -> Result:
        """Run a command line to its end."""
        return self.start(*arguments, **more).result()


@contextmanager
def forking(folder: Path) -> Iterator[Forks]:
    """Give `Forks` whose children write to files in `folder`."""
    environment = clean_environment({"OPENBLAS_NUM_THREADS": "1", "PYTHONWARNINGS": ""})  # forks with no other threads
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.forks"],
        cwd=ROOT,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,  # what `select` looks at is all there is
    ) as server:
        yield Forks(server, folder)
        assert server.stdin is not None
        server.stdin.close()


# --- the other side ---------------------------------------------------------------------------------------------------


LOADED = {
    "pooling": "layer convolution gradient",
    "formats": "delimited json_map npy pictures_in pictures_out",
    "analysis": "windows comparison invariance",
    "steps": "shapes recipe provenance",
    "render": "animation.walk page",
    "render.terminal": "heatmap table windows comparison layers rows invariance",
}


def load() -> None:
    """Import what commands import when they need it."""
    from importlib import import_module

    import numpy as np
    import orjson  # noqa: F401 - loaded for the children
    import PIL.Image
    from rich import box, console, measure, progress, table, text  # noqa: F401 - loaded for the children
    from typer import main  # noqa: F401 - loaded for the children

    from poolcli.cli.registry import COMMANDS

    PIL.Image.init()
    for name in COMMANDS:
        import_module(f"poolcli.cli.commands.{name}")
    for part, names in LOADED.items():
        for name in names.split():
            import_module(f"poolcli.{part}.{name}")
    import_module("poolcli.kernels.order_statistics")
    np.zeros(1)


def serve() -> None:
    """Fork a child for every request, and wait for it."""
    load()
    signal.pthread_sigmask(signal.SIG_BLOCK, STOPPING)  # of a child, until it is the real command
    for line in sys.stdin:
        request = json.loads(line)
        pid = os.fork()
        if pid == 0:
            os._exit(perform(request))
        print(pid, flush=True)  # noqa: T201 - the answer
        print(code_of(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])), flush=True)  # noqa: T201 - the answer


def perform(request: dict[str, Any]) -> int:
    """Be the real command."""
    from poolcli.__main__ import main

    os.chdir(request["cwd"])
    os.environ.clear()
    os.environ.update(request["env"])
    folder = Path(request["folder"])
    flags = (os.O_RDONLY, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for number, (name, flag) in enumerate(zip(("stdin", request["stdout"], "stderr"), flags, strict=True)):
        file = os.open(folder / name, flag, 0o600)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115 - as Python has them at its start
    sys.stdout = open(1, "w", encoding="utf-8", closefd=False)  # noqa: SIM115
    sys.stderr = open(2, "w", encoding="utf-8", closefd=False, buffering=1)  # noqa: SIM115
    if request["memory"] is not None:
        with open("/proc/self/statm", encoding="ascii") as sizes:
            most = int(sizes.read().split()[0]) * resource.getpagesize() + request["memory"]
        resource.setrlimit(resource.RLIMIT_AS, (most, most))
    sys.argv = ["poolcli", *request["words"]]
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # a signal that came before this ends the child here
    signal.pthread_sigmask(signal.SIG_UNBLOCK, STOPPING)
    try:
        code = main()
    except BaseException:  # noqa: BLE001 - as Python itself does at its end
        sys.excepthook(*sys.exc_info())
        code = 1
    sys.stdout.flush()
    return code


if __name__ == "__main__":
    serve()

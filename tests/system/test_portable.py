"""What a system may lack is hidden from Python, as Windows and macOS lack it: every command works all the same."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.process import SAMPLES, Run

HIDDEN = """
import json, os, signal, sys
MODULES = ("fcntl", "grp", "pty", "pwd", "resource", "termios", "tty")
for name in ("chown", "fchmod", "fchown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getuid", "killpg",
             "mkfifo",
             "posix_fadvise", "register_at_fork", "sched_getaffinity", "setsid", "sysconf",
             "sysconf_names",
             "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK"):
    if hasattr(os, name):
        delattr(os, name)
for name in ("SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGPIPE", "SIGQUIT", "SIGUSR1", "SIGUSR2", "SIGXFSZ",
             "ITIMER_REAL",
             "alarm", "getitimer", "pthread_kill", "pthread_sigmask", "setitimer", "siginterrupt", "sigwait"):
    if hasattr(signal, name):
        delattr(signal, name)

class Hider:
    def find_spec(self, name, path=None, target=None):
        if name in MODULES:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

for name in MODULES:
    sys.modules.pop(name, None)
sys.meta_path.insert(0, Hider())
"""
PROBE = (
    HIDDEN
    + """
from poolcli.__main__ import main
for words in json.load(sys.stdin):
    sys.argv = ["poolcli", *words]
    assert main() == 0, words
"""
)
GEEKS = str(SAMPLES / "geeks_4x4.csv")
COMMANDS = [
    ["--version"],
    ["pool", "-o", "pooled.csv", GEEKS],
    ["pool", "-o", "pooled.csv", GEEKS],  # replaces the first
    ["pool", "-o", "pooled.png", str(SAMPLES / "astronaut.jpg")],
    ["conv", "--filter", "sobel-x", "-o", "conv.npy", GEEKS],
    ["explain", "-o", "page.html", GEEKS],
    ["explain", "-o", "walk.gif", GEEKS],
    ["show", GEEKS],
    ["summary", "8x8", "pool"],
    ["batch", "-q", "-j", "1", "-o", "one", GEEKS, str(SAMPLES / "five_5x5.csv")],
    ["doctor"],
]


SPAWNED = """
import multiprocessing, sys
from poolcli.__main__ import main
if __name__ == "__main__":
    multiprocessing.get_all_start_methods = lambda: ["spawn"]
    sys.argv = ["poolcli", "batch", "-q", "-j", "2", "-o", "two", *sys.argv[1:]]
    sys.exit(main())
"""


def test_a_batch_starts_its_workers_anew_where_none_can_be_forked(python: Run, tmp_path: Path) -> None:
    (tmp_path / "spawned.py").write_text(SPAWNED)
    done = python(tmp_path / "spawned.py", GEEKS, SAMPLES / "five_5x5.csv", cwd=tmp_path)
    assert (done.code, done.err) == (0, "")
    assert len([path for path in (tmp_path / "two").iterdir() if path.suffix == ".csv"]) == 2


@pytest.mark.slow
def test_every_command_does_without_what_posix_has(python: Run, tmp_path: Path) -> None:
    done = python("-c", PROBE, stdin=json.dumps(COMMANDS), cwd=tmp_path)
    assert done.code == 0, done.err
    assert (tmp_path / "pooled.csv").read_text() == "6,9\n5,8\n"
    assert {path.name for path in tmp_path.iterdir()} == {
        "conv.npy", "one", "page.html", "pooled.csv", "pooled.png", "walk.gif"
    }  # fmt: skip


@pytest.mark.parametrize("name", ["os.sysconf('SC_PAGE_SIZE')", "__import__('fcntl')", "__import__('signal').SIGHUP"])
def test_what_is_hidden_is_missed(python: Run, name: str) -> None:
    done = python("-c", f"{HIDDEN}\n{name}")
    assert done.code == 1
    assert "Error" in done.err

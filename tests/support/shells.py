"""Completion in real shells: what a line becomes after pressing the tab key."""

from __future__ import annotations

import errno
import fcntl
import os
import pty
import re
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path

from tests.support.process import clean_environment

PATIENCE = 60.0  # seconds, for slow machines
START = {
    "bash": (["bash", "--norc", "--noprofile", "-i"], 'PS1="> "; eval "$(poolcli completion bash)"'),
    "zsh": (
        ["zsh", "-f", "-i"],
        'PS1="> "; unsetopt prompt_sp; bindkey -e; autoload -Uz compinit; compinit -D -u;'
        ' eval "$(poolcli completion zsh)"',
    ),
    "zsh, from a file": (
        ["zsh", "-f", "-i"],
        'PS1="> "; unsetopt prompt_sp; bindkey -e; poolcli completion zsh > _poolcli; fpath+=($PWD);'
        " autoload -Uz compinit; compinit -D -u",
    ),
}


def after_tab(shell: str, typed: Sequence[str], folder: Path, programs: Path) -> list[str]:
    """Return the words of each line after pressing tab at its end.

    The lines are typed at a terminal. ``printf`` in front of each makes the shell print its words.
    """
    command, setup = START[shell]
    environment = clean_environment({"TERM": "dumb", "HISTFILE": "", "ZDOTDIR": str(folder)}, programs)
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 1000, 0, 0))  # wide, so that no line breaks
    process = subprocess.Popen(
        command, stdin=slave, stdout=slave, stderr=slave, cwd=folder, env=environment, start_new_session=True
    )
    os.close(slave)
    try:
        _say(master, f"{setup}; echo ready", r"^ready")
        return [_tabbed(master, line, number) for number, line in enumerate(typed)]
    finally:
        os.close(master)
        process.kill()
        process.wait()


def _tabbed(master: int, line: str, number: int) -> str:
    end = f"\x01printf '%s|' \x05 'end{number}'; echo"
    found = _say(master, f"{line}\t{end}", rf"^(.*)\|end{number}\|")
    return found[1]


def _say(master: int, line: str, answer: str) -> re.Match[str]:
    """Type a line and return the match of the answer."""
    os.write(master, f"{line}\r".encode())
    seen, until = "", time.monotonic() + PATIENCE
    while time.monotonic() < until:
        if select.select([master], [], [], 0.2)[0]:
            try:
                seen += os.read(master, 65536).decode(errors="replace").replace("\r", "")
            except OSError as problem:
                if problem.errno != errno.EIO:  # Linux's error after the shell has ended
                    raise
                break
        if found := re.search(answer, seen, re.MULTILINE):
            return found
    raise AssertionError(f"no {answer!r} after {line!r} in:\n{seen}")


def fish_offers(line: str, folder: Path, programs: Path) -> dict[str, str]:
    """Return fish's candidates at the end of a line, with their descriptions."""
    done = subprocess.run(
        ["fish", "--no-config", "-c", "poolcli completion fish | source; complete -C $argv[1]", line],
        capture_output=True, text=True, cwd=folder, env=clean_environment({"HOME": str(folder)}, programs), check=True,
        stdin=subprocess.DEVNULL, timeout=PATIENCE,
    )  # fmt: skip
    assert done.stderr == ""
    lines = [one.partition("\t") for one in done.stdout.splitlines()]
    return {word: told for word, _, told in lines}

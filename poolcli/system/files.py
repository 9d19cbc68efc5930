"""Reading sources completely and replacing targets atomically.

A file is written as ``.poolcli-<name>-<random>.tmp`` in its own folder and then renamed over the target, so that an
exception, Ctrl-C or a full disk leaves either the old file or the new one. There is no ``fsync``: the promise covers
programs that end early, not power failures, and waiting for the disk would take longer than most commands.
"""

from __future__ import annotations

import errno
import glob
import io
import os
import re
import stat
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from itertools import count
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, Protocol

from poolcli.errors import FileError, PoolcliError
from poolcli.system import portable
from poolcli.system.portable import NEW_FILE, keep_owner_and_mode
from poolcli.wording import Phrase, Readable, Typed

STDIN_NAME = "stdin"
PIECE = 1 << 20  # most bytes to read from a pipe at a time
ANSWERED = 1 << 16  # the same for lines that should be answered soon
NAME_BYTES = 100  # of the target's name kept in the temporary one; file systems allow 255 in all
TEMPORARY = r"(?s)\.poolcli-(.*)-[0-9a-f]{16}\.(?:tmp|old)"  # .old is for folders only
ZARR = ".zarr"  # the only kind of folder that is written like a file; see `poolcli.large.zarr_arrays`
MOST_LOOKED_AT = 5000  # names of a folder searched for a suggestion
NO_INPUT = Phrase("name a file, or pipe one in: {input}, or {pipe}", input=Readable("input.csv"), pipe=Readable("-"))
SECOND_NUMBER = "{0} was taken for INPUT; write two numbers of one option with x between them, such as 2x2"
CHECK = "check the path"
DESCRIPTOR = re.compile(r"/dev/(?:(stdin|stdout|stderr)|fd/([0-9]+))|/proc/self/fd/([0-9]+)")
STANDARD = {"stdin": 0, "stdout": 1, "stderr": 2}

REASONS: dict[int, tuple[str, str]] = {
    errno.ENOENT: ("the folder does not exist", "make the folder first"),
    errno.ENOTDIR: ("a part of the path is a file, not a folder", CHECK),
    errno.EISDIR: ("it is a folder", "name a file in it; poolcli batch takes whole folders"),
    errno.EEXIST: ("a file of that name exists", "choose another name"),
    errno.EACCES: ("permission denied", "check who may read and write it, and its folder"),
    errno.EPERM: ("permission denied", "check who may read and write it, and its folder"),
    errno.EROFS: ("the file system is read-only", "write to another folder"),
    errno.ENOSPC: ("no space left on the device", "make room, or write to another disk"),
    errno.EDQUOT: ("the disk quota is used up", "make room, or write to another disk"),
    errno.EFBIG: ("the file would be too large", "raise the file size limit (ulimit -f)"),
    errno.ENAMETOOLONG: ("the name is too long", "use a shorter name"),
    errno.ELOOP: ("its symbolic links form a loop", "remove the links"),
    errno.EMFILE: ("too many files are open", "raise the limit (ulimit -n)"),
    errno.EBADF: ("it is closed", "open it, or name a file"),
}

# runs its argument if a signal ends the process inside the ``with`` block: `poolcli.cli.signals.ending`
Guard = Callable[[Callable[[], object]], AbstractContextManager[object]]


class Source(NamedTuple):
    """The content of a source, and its name."""

    name: str  # the path as typed, or stdin, for messages
    data: bytes
    path: Path | None = None  # None for standard input


FileState = tuple[int, int]  # size and time of the last change
Note = Callable[[os.stat_result], object]  # called with the state of a complete file before it gets its name


class Sink(Protocol):
    """Anything that takes bytes: the file inside `atomic`."""

    def write(self, data: bytes | memoryview, /) -> object:
        """Take all of `data`."""


def file_error(verb: str, name: str, problem: OSError) -> FileError:
    """Return the error for what the system refused; `verb` is ``read``, ``write`` or the like."""
    hint: str | Phrase
    reason, hint = _reason(problem)
    if problem.errno == errno.EISDIR and name.rstrip("/").endswith(ZARR):
        ways = "pool, conv and run read Zarr arrays, such as: poolcli pool {0} {size} {output}"
        hint = Phrase(ways, portable.shell_word(name), size=1, output="array.npy")
    return FileError(f"cannot {verb} {name}: {reason}", hint)


def system_error(problem: OSError) -> FileError:
    """Return the error for an unexpected refusal of the system."""
    reason, hint = _reason(problem)
    place = "" if problem.filename is None else f": {problem.filename}"
    return FileError(f"the system refuses to go on{place}: {reason}", hint)


def _reason(problem: OSError) -> tuple[str, str]:
    """Return the reason that the system gave, and what to do."""
    return REASONS.get(problem.errno or 0, (problem.strerror or str(problem), "check the disk that it is on"))


@contextmanager
def _translated(verb: str, name: str) -> Iterator[None]:
    try:
        yield
    except (BrokenPipeError, FileError):  # the reader went away, or the error is ours already
        raise
    except OSError as problem:
        raise file_error(verb, name, problem) from problem


# Reading


def read_source(source: str | Path) -> Source:
    """Read a path, or standard input for ``-``, to its end."""
    if str(source) == "-":
        pipe = _stdin()
        with _translated("read", STDIN_NAME):
            return Source(STDIN_NAME, b"".join(_pieces(pipe)))
    with open_source(source) as file, _translated("read", str(source)):
        regular = stat.S_ISREG(os.fstat(file.fileno()).st_mode)
        return Source(str(source), file.read() if regular else b"".join(_pieces(file)), Path(source))


def lines_of_source(source: str | Path) -> Iterator[list[bytes]]:
    """Yield the lines of a path, or of standard input for ``-``, as they arrive, in batches."""
    if str(source) == "-":
        with _translated("read", STDIN_NAME):
            yield from _lines_to_end(_stdin())
    else:
        with open_source(source) as file, _translated("read", str(source)):
            yield from _lines_to_end(file)


def _lines_to_end(file: BinaryIO) -> Iterator[list[bytes]]:
    begun: list[bytes] = []  # the start of an unfinished line
    for piece in _pieces(file, ANSWERED):
        first, *more = piece.split(b"\n")
        begun.append(first)
        if more:
            yield [b"".join(begun), *more[:-1]]
            begun = more[-1:]
    if any(begun):
        yield [b"".join(begun)]


def open_source(source: str | Path) -> BinaryIO:
    """Open a path for reading, with poolcli's errors."""
    name = str(source)
    try:
        file = open(source, "rb")  # noqa: SIM115 -- the caller closes it
    except FileNotFoundError:
        raise missing(name) from None
    except ValueError:
        raise FileError(f"cannot read {name!r}: a path cannot contain a NUL character", CHECK) from None
    except OSError as problem:
        raise file_error("read", name, problem) from problem
    mode = os.fstat(file.fileno()).st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):  # /dev/zero never ends, and a terminal waits for typing
        file.close()
        raise FileError(f"cannot read {name}: it is a device, not a file", NO_INPUT)
    return file


def state_of(file: BinaryIO) -> FileState:
    """Return the size and the time of the last change of an open file."""
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


@contextmanager
def as_it_was(file: BinaryIO, before: FileState, name: str) -> Iterator[None]:
    """Raise `FileError` if an open file is not the one of that state, or changes inside the ``with`` block."""
    if state_of(file) != before:
        raise changed_meanwhile(name)
    try:
        yield
    except PoolcliError:  # which the change may have caused
        if state_of(file) != before:
            raise changed_meanwhile(name) from None
        raise
    if state_of(file) != before:
        raise changed_meanwhile(name)


def changed_meanwhile(name: str) -> FileError:
    """Return the error for a file that another program writes to or replaces."""
    return FileError(f"cannot read {name}: it changed while it was read", "try again when it is complete")


def _stdin() -> BinaryIO:
    if sys.stdin is None or sys.stdin.closed:
        raise FileError("cannot read stdin: it is closed", NO_INPUT)
    if sys.stdin.isatty():
        raise FileError("cannot read stdin: it is a terminal", NO_INPUT)
    return sys.stdin.buffer


def _pieces(pipe: BinaryIO, size: int = PIECE) -> Iterator[bytes]:
    """Read piece by piece and wait for each: a non-blocking pipe that is empty is not at its end."""

    def piece() -> bytes:
        with suppress(io.UnsupportedOperation):  # a BytesIO in tests
            portable.wait_for_more(pipe.fileno())
        return pipe.read1(size)  # type: ignore[attr-defined,no-any-return]  # every buffered file has it

    return iter(piece, b"")


ADDRESSES = ("http://", "https://", "ftp://")  # what curl reads


def missing(name: str, what: str = "no such file") -> FileError:
    """Return the error for a missing file; it names the first missing folder or the nearest file names."""
    from difflib import get_close_matches

    path = Path(name)
    if not name:
        return FileError("cannot read a file without a name", NO_INPUT)
    if name.lstrip().startswith("[["):
        return FileError(f"cannot read {name}: {what}", Phrase("{pipe}", pipe=Readable(name, portable.echo(name))))
    if name.startswith(ADDRESSES):
        advice = piped("curl -sL", name, "{pipe}") + f"; or save it first: curl -sLO {portable.shell_word(name)}"
        return FileError(f"cannot read {name}: it is an address, not a file", advice)
    if glob.has_magic(name) and any(glob.iglob(name)):
        batch = Phrase("batch takes patterns: poolcli batch {0} {output}", portable.shell_word(name), output="FOLDER")
        return FileError(f"cannot read {name}: {what}", batch)
    for folder in reversed(path.parents):
        if not os.path.isdir(folder):
            return FileError(f"cannot read {name}: the folder {folder} does not exist", CHECK)
    if os.path.islink(path):
        return FileError(
            f"cannot read {name}: it is a link to {os.readlink(path)}, which does not exist", "fix the link"
        )
    names = []
    with suppress(OSError), os.scandir(path.parent) as entries:
        names = [entry.name for entry, _ in zip(entries, range(MOST_LOOKED_AT), strict=False)]
    close = [str(path.parent / near) for near in get_close_matches(path.name, sorted(names), n=3, cutoff=0.6)]
    number = Typed(SECOND_NUMBER.format(name) if name.isdecimal() else CHECK, CHECK)
    hint = f"did you mean {' or '.join(close)}?" if close else Phrase("{way}", way=number)
    return FileError(f"cannot read {name}: {what}", hint)


def piped(program: str, name: str, text: str = "{pipe}") -> Phrase:
    """Return the advice to send a source through a shell program first; `text` contains ``{pipe}``.

    Examples
    --------
    >>> str(piped("cut -f 2-", "my table.tsv"))
    "cut -f 2- 'my table.tsv'"
    """
    if name == STDIN_NAME:
        return Phrase(text, pipe=Readable("", program))
    return Phrase(text, pipe=Readable(name, f"{program} {portable.shell_word(name)}"))


# Writing


def free_name(name: str) -> str:
    """Return the name, or the first variation of it that no file has."""
    path = Path(name)
    others = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return name if not os.path.lexists(name) else str(next(one for one in others if not os.path.lexists(one)))


def same_file(one: str | Path, other: str | Path) -> bool:
    """Whether two paths lead to the same file, also through links; ``-`` is not a file."""
    if "-" in (str(one), str(other)):
        return False
    try:
        return os.path.samefile(one, other)
    except (OSError, ValueError):  # one of them does not exist
        return False


def check_target(target: str | Path) -> None:
    """Raise now what opening `target` would raise later, so that no work is done in vain."""
    if descriptor_of(target) is not None:
        return
    with _translated("write", str(target)):
        path = _resolved(target)
        if not is_special(path) and not os.access(path.parent, os.W_OK | os.X_OK):
            raise FileError(
                f"cannot write {target}: its folder does not allow new files", "write to another folder, or change it"
            )


def check_name(name: str) -> None:
    """Raise `FileError` for a name that Windows would not make a file of."""
    if portable.ON_WINDOWS and (why := portable.refused_by_windows(name)):
        raise FileError(f"cannot write {name}: on Windows {why}", "choose another name")


def opened(target: str | Path, guard: Guard = nullcontext, note: Note | None = None) -> AbstractContextManager[Sink]:
    """Open a file for writing as `atomic` does, or standard output for ``-``."""
    return stdout() if str(target) == "-" else atomic(target, guard, note)


def put(
    target: str | Path, chunks: bytes | Iterable[bytes], guard: Guard = nullcontext, note: Note | None = None
) -> None:
    """Write a file completely, or leave the target as it was, also if iterating `chunks` or calling `note` raises.

    The mode bits and the owner of an existing file are kept; a symbolic link stays, and the file it leads to is
    replaced; a device, a FIFO, ``/dev/stdout`` and for ``-`` standard output are written to directly.

    Raises
    ------
    FileError
        If the system refuses.
    BrokenPipeError
        If the reader of a pipe has gone away.
    """
    with opened(target, guard, note) as sink:
        for chunk in (chunks,) if isinstance(chunks, bytes) else chunks:
            sink.write(chunk)


@contextmanager
def atomic(target: str | Path, guard: Guard = nullcontext, note: Note | None = None) -> Iterator[Sink]:
    """Open `target` for writing; it is replaced at the end of the ``with`` block unless that raises."""
    with _translated("write", str(target)):
        number = descriptor_of(target)
        if number is not None:
            with open(os.dup(number), "wb", buffering=0) as raw:
                yield _Direct(raw)
        elif is_special(path := _resolved(target)):
            with open(path, "wb", buffering=0) as raw:
                yield _Direct(raw)
        else:
            with _replacement(path, guard, note) as file:
                yield file


@contextmanager
def _replacement(path: Path, guard: Guard, note: Note | None) -> Iterator[BinaryIO]:
    """Open a new file in the folder of `path`; rename it over `path` at the end, or remove it after an exception."""
    old = path.stat() if os.path.exists(path) else None
    temporary = temporary_beside(path)

    def remove() -> None:
        with suppress(OSError):
            os.unlink(temporary)

    with guard(remove):
        try:
            # O_EXCL: an existing file of this name is someone else's. 0o666 less the umask is usual for new files.
            file = os.open(temporary, NEW_FILE, 0o666)
            with open(file, "wb", buffering=1 << 18) as buffered:
                yield buffered
                buffered.flush()
                if old is not None:
                    keep_owner_and_mode(file, old)
                if note is not None:
                    note(os.fstat(file))
            with _unlocked(path):
                os.replace(temporary, path)
        except BaseException:
            remove()
            raise


@contextmanager
def _unlocked(path: Path) -> Iterator[None]:
    """Explain why Windows refuses to replace a file in a folder that we may write to."""
    try:
        yield
    except PermissionError as problem:
        if not portable.ON_WINDOWS:
            raise
        close = "close the program that has it open, or write to another name"
        raise FileError(f"cannot write {path}: another program has it open", close) from problem


def temporary_beside(path: Path) -> Path:
    """Return a new name in the folder of `path`, for writing it until it is complete."""
    return path.parent / f".poolcli-{_shortened(path.name)}-{os.urandom(8).hex()}.tmp"


def left_behind(folder: str, names: Iterable[str]) -> Iterator[str]:
    """Yield the unfinished files that killed processes left in a folder, if they were to get these names."""
    with os.scandir(folder) as entries:
        left = [(entry.path, match[1]) for entry in entries if (match := re.fullmatch(TEMPORARY, entry.name))]
    known = {_shortened(name) for name in names} if left else set()
    yield from (path for path, name in left if name in known)


def _shortened(name: str) -> str:
    return os.fsdecode(os.fsencode(name)[:NAME_BYTES])


def _resolved(target: str | Path) -> Path:
    """Return the file that `target` leads to, after all checks that are possible without opening it."""
    name = str(target)
    hint = Phrase("name a file, such as {output}", output="output.csv")
    if not name or "\0" in name:
        raise FileError(f"cannot write {name!r}: this is not a file name", hint)
    if name.endswith(("/", os.sep)) or os.path.isdir(name):
        raise FileError(f"cannot write {name}: it is a folder", hint)
    check_name(name)
    path = Path(os.path.realpath(name) if os.path.islink(name) else name)
    if os.path.islink(path):  # realpath gave up on a loop
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP))
    if not os.path.lexists(path.parent):
        raise FileError(f"cannot write {name}: the folder {path.parent} does not exist", "make the folder first")
    if os.path.isfile(path) and not os.access(path, os.W_OK):
        raise FileError(f"cannot write {name}: it is read-only", "change its mode, or write to another name")
    return path


def is_special(path: str | Path) -> bool:
    """Whether this is a device, a FIFO or a socket, which is written to but never replaced."""
    return os.path.exists(path) and not os.path.isfile(path)


def descriptor_of(target: str | Path) -> int | None:
    """Return the number of the open file behind a name such as ``/dev/stdout``.

    Its real path may be a regular file that the shell opened for appending; renaming over it would lose what others
    wrote.
    """
    match = DESCRIPTOR.fullmatch(str(target))
    if not match:
        return None
    word, *numbers = match.groups()
    return STANDARD[word] if word else int(numbers[0] or numbers[1])


class _Direct:
    """Writes everything to an unbuffered file at once, so that nothing is left to fail unseen."""

    def __init__(self, raw: Any) -> None:
        self.raw = raw  # a RawIOBase, or a BytesIO in tests

    def write(self, data: bytes | memoryview) -> None:
        rest = memoryview(data).cast("B")
        while rest:
            written = self.raw.write(rest)
            if written is None:  # a non-blocking pipe is full
                portable.wait_for_room(self.raw)
            else:
                rest = rest[written:]


@contextmanager
def stdout() -> Iterator[Sink]:
    """Open standard output for writing bytes."""
    if sys.stdout is None or sys.stdout.closed:
        raise FileError("cannot write stdout: it is closed", Phrase("open it, or use {output}", output="output.csv"))
    with _translated("write", "stdout"):
        sys.stdout.flush()
        buffer = sys.stdout.buffer
        yield _Direct(getattr(buffer, "raw", buffer))

"""From paths on the command line to jobs: the files to read, and the names of their results.

All problems with names are found here, before any work: two inputs with the same output, an output that is an input, an
existing file. A problem with a single path does not stop the batch: it is a `Failure`.
"""

from __future__ import annotations

import glob
import os
import re
import string
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from poolcli.errors import FileError, InputError, PoolcliError, UnknownNameError, UsageError
from poolcli.formats.detect import detect
from poolcli.formats.foreign import HEAD
from poolcli.formats.options import ReadOptions
from poolcli.formats.registry import FORMATS, find_format, format_of_name, format_of_target
from poolcli.system.files import ZARR, check_name, file_error, is_special, left_behind, missing, open_source, same_file
from poolcli.system.portable import shell_word
from poolcli.wording import Phrase, many, safe

FIELDS = ("stem", "name", "ext", "folder", "number")
USUAL = "{folder}/{stem}"
EXTENSION = re.compile(r"\.[A-Za-z]\w*")  # unlike the end of v1.5
MOSTLY_WORDS = ".txt"  # usually words, not numbers: read if named, skipped in folders
KINDS_TOLD = 3  # kinds of files listed for a folder with nothing to read
FIELD_FORM = re.compile(r"(?:.?[<>^])?0?[0-9]{0,2}(?:\.[0-9]{1,2})?[ds]?")  # a width of at most 99 characters
PATTERN = "write a name such as '{stem}_pooled.png', '{folder}/{stem}.csv' or '{number:05}.npy'"


@dataclass(frozen=True)
class Job:
    """A file to make from another, both by path."""

    source: str
    target: str


@dataclass(frozen=True)
class Failure:
    """A path without a job, and the reason."""

    source: str
    problem: PoolcliError


@dataclass
class BatchPlan:
    """The jobs, and the paths without one."""

    jobs: list[Job] = field(default_factory=list)  # in the order of the inputs
    failures: list[Failure] = field(default_factory=list)
    # files in the searched folders that are results of this command
    left_out: list[str] = field(default_factory=list)
    # files in the searched folders that poolcli does not read, and without `recursive` their subfolders
    passed_over: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class FoundFile:
    """An input."""

    path: str
    folder: str = ""  # relative to the searched folder; empty for a named file
    named: bool = False  # given by name, not found by searching


# Finding


def find_files(path: str, *, recursive: bool, output: str, passed_over: list[str]) -> Iterator[FoundFile]:
    """Yield the files that a path stands for: a file, a folder, or a pattern with ``*``, ``?``, ``[...]`` or ``**``.

    The folder of results, `output`, is searched only if it is `path` itself. `passed_over` is extended with what is
    skipped, see `BatchPlan`. A path that leads to nothing that can be read is a `FileError` or an `InputError`.
    """
    if os.path.isdir(path) and path.rstrip(os.sep).endswith(ZARR):
        raise InputError(
            f"{path} is one array, not many files",
            Phrase("use: poolcli pool {0} {output}", shell_word(path), output=f"out{ZARR}"),
        )
    if os.path.isdir(path):
        yield from _in_folder(path, recursive, output, passed_over)
    elif glob.has_magic(path) and not os.path.lexists(path):
        yield from _matching(path)
    elif not os.path.lexists(path):
        raise missing(path, "no such file or folder")
    elif is_special(path):
        raise FileError(f"cannot read {path}: it is a FIFO or a device, not a file", "name a file")
    else:
        yield FoundFile(path, named=True)


def _in_folder(folder: str, recursive: bool, output: str, passed_over: list[str]) -> Iterator[FoundFile]:
    count, others = 0, list[str]()

    def refused(problem: OSError) -> None:
        raise file_error("read the folder", problem.filename, problem) from problem

    for here, folders, names in os.walk(folder, onerror=refused):
        folders[:] = sorted(name for name in folders if not (name.startswith(".") or name.endswith(ZARR))
                            and not same_file(Path(here, name), output))  # fmt: skip
        below = "" if here == folder else os.path.relpath(here, folder)
        for name in sorted(name for name in names if not name.startswith(".")):
            path = os.path.join(here, name)
            if _readable(name) and not is_special(path):
                count += 1
                yield FoundFile(path, below)
            else:
                others.append(path)
        if not recursive:
            others = [*(os.path.join(here, name) for name in folders), *others]
            break
    if not count:
        raise _nothing_in(folder, others)
    passed_over += others


def _nothing_in(folder: str, others: Sequence[str]) -> InputError:
    """Return the error for a folder without files that poolcli reads; it says what is there instead."""
    files = [path for path in others if not os.path.isdir(path)]
    kinds = Counter(Path(path).suffix.lower() or "other" for path in files).most_common(KINDS_TOLD)
    what = f"the folder {folder} contains no picture or array"
    if kinds:
        what += f" that poolcli reads, but {', '.join(many(count, f'{kind} file') for kind, count in kinds)}"
    if len(files) < len(others):
        return InputError(what, "add -r to look into its folders")
    return InputError(what, why_passed_over(files[0]).advice if files else "name files that poolcli reads")


def why_passed_over(path: str) -> PoolcliError:
    """Return the reason why a path in a searched folder was skipped, by its type and its first bytes."""
    if os.path.isdir(path):
        return InputError(f"{path} is a folder", "add -r to look into folders")
    if is_special(path):
        return InputError(f"{path} is a FIFO or a device, not a file", "name it directly to read it")
    try:
        with open_source(path) as file:
            detect(file.read(HEAD), path, ReadOptions())
    except PoolcliError as problem:
        return problem
    if path.lower().endswith(MOSTLY_WORDS):
        what = f"{path} ends in {MOSTLY_WORDS}, which batch does not take from a folder"
        return InputError(what, f"name the file itself, or '*{MOSTLY_WORDS}'")
    return InputError(f"{path} has no extension that poolcli reads", "to try it anyway, name the file itself")


def _matching(pattern: str) -> Iterator[FoundFile]:
    paths = sorted({path for path in _unfolded(pattern) if not is_special(path)})
    if not paths:
        raise FileError(f"no file matches {pattern}", "check the pattern; quote it if the shell should leave it alone")
    root = os.path.join(os.curdir, *takewhile(lambda part: not glob.has_magic(part), Path(pattern).parts[:-1]))
    for path in paths:
        below = os.path.relpath(os.path.dirname(path) or os.curdir, root)
        yield FoundFile(path, "" if below == os.curdir else below)


def _unfolded(pattern: str) -> Iterator[str]:
    """Yield the paths that match; ``**`` does not follow links to folders, which may form loops."""
    parts = pattern.split(os.sep)
    if "**" not in parts:
        yield from glob.iglob(pattern)
        return
    at = parts.index("**")
    before, after = os.sep.join([*parts[:at], ""]), os.sep.join(parts[at + 1 :])
    for root in glob.glob(before) if before else [""]:
        for here, folders, _ in os.walk(root or os.curdir):
            folders[:] = [name for name in folders if not name.startswith(".")]
            inside = here if root else here[2:]  # without ./
            yield from _unfolded(os.path.join(glob.escape(inside), after or "*"))


def _readable(name: str) -> bool:
    row = format_of_name(name)
    return row is not None and row.reads and not name.lower().endswith(MOSTLY_WORDS)


# Naming


@dataclass(frozen=True)
class Naming:
    """The names of results; make it with `of`."""

    folder: str
    pattern: str
    extension: str | None

    @classmethod
    def of(cls, folder: str, pattern: str | None = None, format: str | None = None) -> Naming:  # noqa: A002 -- the option's name
        """Check the pattern, which may use `FIELDS`, and the format; without one the pattern or the input decides."""
        extension = None if format is None else find_format(format, writing=True).extensions[0]
        naming = cls(folder, pattern or USUAL, extension)
        naming._check()
        return naming

    def _check(self) -> None:
        try:
            parts = list(string.Formatter().parse(self.pattern))
        except ValueError as problem:
            raise UsageError(Phrase("{name} {0}: {1}", repr(self.pattern), problem), PATTERN) from None
        for _, name, form, conversion in parts:
            if name is not None and name not in FIELDS:
                raise UnknownNameError(Phrase("field of {name}"), f"{{{name}}}", [f"{{{known}}}" for known in FIELDS])
            odd = f"!{conversion}" if conversion else "" if FIELD_FORM.fullmatch(form or "") else safe(f":{form}", 20)
            if odd:
                what = Phrase("{name} {0}: {1} is not a width such as :05", repr(safe(self.pattern)), repr(odd))
                raise UsageError(what, PATTERN)
        self._filled(FoundFile("a/b.png", "c"), 1)
        text, name, _, _ = parts[-1]
        typed = EXTENSION.fullmatch(Path(f"x{text}").suffix) and name is None
        if typed and self.extension is None and format_of_name(text) is None:
            format_of_target(self.pattern)  # raises the right error

    def _filled(self, found: FoundFile, number: int) -> str:
        path = Path(found.path)
        values = {"stem": path.stem, "name": path.name, "ext": path.suffix[1:], "folder": found.folder or os.curdir}
        try:
            return os.path.normpath(self.pattern.format_map(values | {"number": number}))
        except (ValueError, KeyError, IndexError) as problem:
            raise UsageError(Phrase("{name} {0}: {1}", repr(self.pattern), problem), PATTERN) from None

    def target(self, found: FoundFile, number: int) -> str:
        """Return the path of the result of an input.

        A path outside the folder, of an unknown format, or with a name that Windows does not accept is an error.
        """
        name = self._filled(found, number)
        drive, rest = os.path.splitdrive(name)
        if drive or rest.startswith(os.sep) or rest.split(os.sep)[0] in (os.curdir, os.pardir):
            raise UsageError(f"{found.path} would be written to {name}, outside the folder {self.folder}", PATTERN)
        name += self._ending(name, found)
        check_name(name)
        return os.path.join(self.folder, name)

    def _ending(self, name: str, found: FoundFile) -> str:
        """Return the missing extension of a name."""
        own = format_of_name(name)
        if own is not None and own.writes and not self.pattern.endswith(("{stem}", "{folder}")):
            return ""
        if self.extension:
            return self.extension
        row = format_of_name(found.path) or format_of_name(os.path.splitext(found.path)[0])  # such as m.csv.gz
        if row is None:
            known = Phrase("add {format}, or an extension to {name}", format="png")
            raise UsageError(f"the name of {found.path} does not say which format to write", known)
        made = FORMATS["png"] if row.picture else row if row.writes else FORMATS["json"]
        return made.extensions[0]


# The plan


def plan(
    paths: Iterable[str], naming: Naming, *, recursive: bool = False, overwrite: bool = False, resume: bool = False
) -> BatchPlan:
    """Find the inputs and name the results.

    It is a `UsageError` if two inputs have the same output, an output is an input, or outputs exist without `overwrite`
    or `resume`.
    """
    made = BatchPlan()
    found: dict[str, FoundFile] = {}  # by where it is: each once
    for path in paths:
        try:
            for one in find_files(path, recursive=recursive, output=naming.folder, passed_over=made.passed_over):
                found.setdefault(os.path.abspath(one.path), one)
        except PoolcliError as problem:
            made.failures.append(Failure(path, problem))
    targets: dict[str, FoundFile] = {}
    for number, one in enumerate(found.values(), 1):
        try:
            target = naming.target(one, number)
        except PoolcliError as problem:
            made.failures.append(Failure(one.path, problem))
            continue
        made.jobs.append(Job(one.path, target))
        if (other := targets.setdefault(os.path.normcase(target), one)) is not one:
            patterns = ["{{folder}}/{{stem}}"] * (one.folder != other.folder)
            patterns += ["{{folder}}/{{name}}"] * (os.path.basename(one.path) != os.path.basename(other.path))
            such = " or ".join(f"'{pattern}{{0}}'" for pattern in (*patterns, "{{number:05}}_{{stem}}"))
            raise UsageError(
                f"{other.path} and {one.path} would both be written to {target}",
                Phrase("tell them apart in {name}, such as " + such, os.path.splitext(target)[1]),
            )
    _leave_out_results(made, {one.path for one in found.values() if not one.named}, overwrite)
    _check_targets(made.jobs, overwrite, resume)
    return made


def _leave_out_results(made: BatchPlan, searched: set[str], overwrite: bool) -> None:
    """Remove results of an earlier run from the inputs found by searching; refuse inputs that would be replaced."""
    results = {os.path.abspath(job.target): job for job in made.jobs if not same_file(job.source, job.target)}
    clashes = [job for job in made.jobs if os.path.abspath(job.source) in results]
    named = [job for job in clashes if overwrite or job.source not in searched]
    if named:
        maker = results[os.path.abspath(named[0].source)].source
        raise UsageError(
            f"{named[0].source} is an input, and the result of {maker} would replace it",
            Phrase("choose another folder with -o, or other names with {name}"),
        )
    made.left_out += [job.source for job in clashes]
    out = set(made.left_out)
    made.jobs = [job for job in made.jobs if job.source not in out]


def _check_targets(jobs: Sequence[Job], overwrite: bool, resume: bool) -> None:
    if overwrite:
        return
    for job in jobs:
        if same_file(job.source, job.target):
            raise UsageError(
                f"the output {job.target} is the input {job.source}",
                Phrase(
                    "choose another folder with -o, other names with {name}, or add {overwrite} to replace the inputs"
                ),
            )
    there = [] if resume else [job.target for job in jobs if os.path.lexists(job.target)]
    if there:
        raise UsageError(
            f"{len(there)} of {len(jobs)} outputs already exist, the first is {there[0]}",
            Phrase("add {skip_existing} to resume, or {overwrite} to replace them"),
        )


# Remnants


def remnants(jobs: Iterable[Job]) -> Iterator[str]:
    """Yield the temporary files that killed workers left beside the targets of these jobs."""
    folders: dict[str, list[str]] = {}
    for job in jobs:
        folder, name = os.path.split(job.target)
        folders.setdefault(folder, []).append(name)
    for folder, names in folders.items():
        if os.path.isdir(folder):
            yield from left_behind(folder, names)

"""``poolcli doctor``: the installation as a bug report needs it, without personal data."""

from __future__ import annotations

import operator
import os
import platform
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

import typer

from poolcli import __version__
from poolcli.cli.console import colors_of, unicode_ok, width_of_output
from poolcli.cli.options.files import JSON_SWITCH
from poolcli.cli.output import Output
from poolcli.cli.stack import settings
from poolcli.cli.words import spoken
from poolcli.errors import PoolcliError, UsageError
from poolcli.formats.pictures_in import libraries
from poolcli.formats.registry import EXTENSIONS, FORMATS, Format
from poolcli.pooling.filters import FILTERS, Filter
from poolcli.pooling.modes import ALIASES, MODES, Mode, parse_mode
from poolcli.pooling.options import BY_JSON
from poolcli.system.limits import available, processors
from poolcli.system.plugins import Plugin, installed
from poolcli.system.threads import threads

OK, MISSING, BROKEN = "ok", "missing", "broken"
Finding = tuple[str, str, str, str]  # subject, finding, state, advice

MODULES = {"pillow": "PIL"}  # packages imported under another name
DEVELOPING = ("bench", "dev", "docs", "notebook", "test")  # extras that users do not need
REQUIREMENT = re.compile(r"([\w.-]+)(?:\[[^]]*\])?\s*([^;]*?)\s*(?:;.*extra == ['\"](\w+)['\"].*)?")
COMPARISONS: Mapping[str, Callable[[list[int], list[int]], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq, "!=": operator.ne,
}  # fmt: skip


def doctor(*, json: bool = JSON_SWITCH) -> None:
    """Show what is installed, what works and what is missing, for bug reports.

    A state is ok, missing (poolcli works without it) or broken. Nothing here names you or your folders.

    Examples
    --------
    poolcli doctor
    poolcli doctor --json > report.json
    """
    rows = [
        {"part": part, "what": what, "found": found, "state": state, "advice": advice}
        for part in PARTS
        for what, found, state, advice in _looked_at(part)
    ]
    Output().rows(rows, json=json)


def _looked_at(part: str) -> Iterator[Finding]:
    try:
        yield from PARTS[part]()
    except Exception as problem:  # noqa: BLE001 -- finding broken installations is the purpose
        yield part, "", BROKEN, f"{type(problem).__name__}: {problem}"


# --- packages ---------------------------------------------------------------------------------------------------------


def _versions() -> Iterator[Finding]:
    installed = metadata.version("poolcli")
    twice = "" if installed == __version__ else f"its metadata says {installed}: reinstall it"
    yield "poolcli", __version__, BROKEN if twice else OK, twice
    yield "python", f"{platform.python_version()} ({platform.python_implementation()})", OK, ""
    for name, wanted, extra in _requirements():
        if not extra:
            yield _package(name, wanted, BROKEN, f"pip install '{name}{wanted}'")


def _extras() -> Iterator[Finding]:
    seen = set()
    for name, wanted, extra in _requirements():
        if extra and extra not in DEVELOPING and name not in seen:
            seen.add(name)
            yield _package(name, wanted, MISSING, f"pip install 'poolcli[{extra}]'")


def _requirements() -> Iterator[tuple[str, str, str]]:
    """Yield the requirements in poolcli's metadata: name, versions, and the extra that needs it."""
    for line in metadata.requires("poolcli") or ():
        if found := REQUIREMENT.fullmatch(line):
            yield found[1], found[2], found[3] or ""


def _package(name: str, wanted: str, without: str, install: str) -> Finding:
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:
        return name, "", without, install
    if not fits(version, wanted):
        return name, version, BROKEN, f"poolcli needs {wanted}: {install}"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            import_module(MODULES.get(name, name))
    except Exception as problem:  # noqa: BLE001 -- built for another machine, another Python ...
        return name, version, BROKEN, f"cannot be imported: {type(problem).__name__}: {problem}"
    return name, version, OK, ""


def fits(version: str, wanted: str) -> bool:
    """Whether a version satisfies a requirement; the first four numbers are compared.

    Examples
    --------
    >>> fits("2.1.0rc1", ">=2.0"), fits("0.29", "<0.29,>=0.28"), fits("2", ">=2.0")
    (True, False, True)
    """
    rules = re.findall(r"([<>=!]=?)\s*([\w.]+)", wanted)
    return all(COMPARISONS[sign](_numbers(version), _numbers(limit)) for sign, limit in rules if sign in COMPARISONS)


def _numbers(version: str) -> list[int]:
    return [int(number) for number in [*re.findall(r"\d+", version), 0, 0, 0, 0][:4]]


def _plugins() -> Iterator[Finding]:
    found: list[tuple[str, Plugin[Any]]] = [
        *(("mode", plugin) for plugin in installed("mode", Mode, {*MODES, *ALIASES})),
        *(("filter", plugin) for plugin in installed("filter", Filter, FILTERS)),
        *(("format", plugin) for plugin in installed("format", Format, {*FORMATS, *(end[1:] for end in EXTENSIONS)})),
    ]
    for kind, plugin in found:
        origin = f"{plugin.package} ({plugin.value})"
        yield f"{kind} {plugin.name}", origin, BROKEN if plugin.problem else OK, plugin.problem


# --- the machine ------------------------------------------------------------------------------------------------------


def _machine() -> Iterator[Finding]:
    yield "platform", platform.platform(), OK, ""
    yield "processors", f"{processors()} of {os.cpu_count()}", OK, ""
    yield _threads()
    yield "memory", f"{available() / 2**30:.3g} GiB available", OK, ""


def _threads() -> Finding:
    source = "from POOLCLI_THREADS" if os.environ.get("POOLCLI_THREADS") else "one for each processor"
    try:
        return "threads", f"{threads()}, {source}", OK, ""
    except UsageError as problem:
        return "threads", "from POOLCLI_THREADS", BROKEN, f"{problem}: {spoken(problem.advice or '')}"


def _codecs() -> Iterator[Finding]:
    for name, library in libraries():
        yield name, library or "none", *((OK, "") if library else (MISSING, "Pillow was built without it"))


def _terminal() -> Iterator[Finding]:
    streams = {name: getattr(sys, name) for name in ("stdin", "stdout", "stderr")}
    yield "terminal", ", ".join(name for name, stream in streams.items() if stream and stream.isatty()) or "no", OK, ""
    yield "width", str(width_of_output() or "no limit"), OK, ""
    yield "colours", colors_of("auto"), OK, ""
    encoding = getattr(sys.stdout, "encoding", None) or "unknown"
    yield "unicode", f"{'yes' if unicode_ok() else 'no'} ({encoding})", OK, ""
    for name in ("TERM", "COLORTERM", "COLUMNS", "NO_COLOR", "FORCE_COLOR", "LC_ALL", "LANG"):
        if name in os.environ:
            yield name, os.environ[name], OK, ""


def _settings() -> Iterator[Finding]:
    """Yield the environment variables that begin with POOLCLI_, with the home folder as ~."""
    given = {name: value for name, value in sorted(os.environ.items()) if name.startswith("POOLCLI_")}
    known = settings() if given else {}
    for name, value in given.items():
        shown = value.replace(str(Path.home()), "~") if Path.home() != Path("/") else value
        wrong = _refused(name.removeprefix("POOLCLI_").lower(), value, known.get(name))
        yield name, shown, BROKEN if wrong else OK, wrong


def _refused(name: str, value: str, options: Sequence[Any] | None) -> str:
    """Return what is wrong with the value of an environment variable; nothing if some option takes it."""
    if options is None:
        return "no option has this name"
    row, wrong = BY_JSON.get(name), ""
    try:
        for mode in value.split(",") if name == "mode" else ():  # compare takes several
            parse_mode(mode)
        if row and row.kind.parse:
            row.kind.parse(value, name)
    except PoolcliError as problem:
        return str(problem)
    for one in options:
        try:
            one.process_value(None, [value] if one.multiple else value)
        except (PoolcliError, typer.BadParameter) as problem:
            wrong = str(problem)
        else:
            return ""
    return wrong


PARTS: Mapping[str, Callable[[], Iterator[Finding]]] = {
    "versions": _versions,
    "extras": _extras,
    "machine": _machine,
    "pictures": _codecs,
    "terminal": _terminal,
    "packages": _plugins,
    "settings": _settings,
}

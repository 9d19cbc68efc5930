"""Modes, filters and formats from other packages: entry points in the groups ``poolcli.modes``, ...

poolcli's own tables come first: only names that they lack are looked up here, and only the entry point of that name is
imported. So packages cannot replace what poolcli has, and its own names cost no search.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterator
from functools import cache
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from poolcli.errors import PluginError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

Offer = TypeVar("Offer")


class Plugin(NamedTuple, Generic[Offer]):
    """An entry point of an installed package, for lists."""

    name: str
    package: str  # with its version
    value: str  # the place in the package
    row: Offer | None  # what it provides, if usable
    problem: str = ""  # what is wrong with it


def find_plugin(kind: str, name: str, row: type[Offer]) -> Offer | None:
    """Return the row that a package provides for a name, or None: a mode, a filter, or a format by name or extension.

    `row` is the class that the entry point must provide. It is a `PluginError` if several packages have the name, or
    the one that has it cannot be imported or provides something else.

    Examples
    --------
    >>> from poolcli.pooling.modes import Mode
    >>> find_plugin("mode", "no-such-mode", Mode) is None
    True
    """
    points = _offered(kind).get(name, ())
    if len(points) > 1:
        both = " and ".join(sorted(_origin(point) for point in points))
        raise PluginError(f"several packages have a {kind} {name!r}: {both}", "uninstall all but one")
    return _load(points[0], kind, row) if points else None


def names(kind: str) -> list[str]:
    """Return the sorted names that packages provide; nothing is imported."""
    return sorted(_offered(kind))


def installed(kind: str, row: type[Offer], known: Container[str]) -> list[Plugin[Offer]]:
    """Return every entry point of a kind, with what is wrong with it if it is broken or `known` to poolcli itself."""
    return [_tried(point, kind, row, known) for name in names(kind) for point in _offered(kind)[name]]


def _tried(point: EntryPoint, kind: str, row: type[Offer], known: Container[str]) -> Plugin[Offer]:
    found, problem = None, ""
    if point.name in known:
        problem = f"the {kind} {point.name!r} of the package {_origin(point)} is not used: poolcli has its own"
    else:
        try:
            found = find_plugin(kind, point.name, row)
        except PluginError as error:
            problem = error.message
    return Plugin(point.name, _package(point), point.value, found, problem)


@cache
def _offered(kind: str) -> dict[str, list[EntryPoint]]:
    from importlib.metadata import entry_points  # loads email, zipfile and socket

    points: dict[str, list[EntryPoint]] = {}
    for point in entry_points(group=f"poolcli.{kind}s"):
        points.setdefault(point.name, []).append(point)
    return points


def _load(point: EntryPoint, kind: str, row: type[Offer]) -> Offer:
    what = f"the {kind} {point.name!r} of the package {_origin(point)}"
    try:
        found = point.load()
    except (Exception, SystemExit) as problem:  # a foreign module may raise anything
        reason = f"{type(problem).__name__}: {problem}".rstrip(": ")
        hint = f"update or uninstall {point.dist.name if point.dist else 'it'}; POOLCLI_DEBUG=1 shows where it fails"
        raise PluginError(f"{what} cannot be loaded: {reason}", hint) from problem
    hint = "docs/architecture.md says under 'From a package of your own' what a package must provide"
    if not isinstance(found, row):
        kind_of = f"the class {found.__name__}" if isinstance(found, type) else f"of type {type(found).__name__}"
        raise PluginError(f"{what} is {kind_of}, but must be a poolcli.plugins.{row.__name__}", hint)
    own = _names_of(found)
    if point.name not in own:
        raise PluginError(f"{what} is called {' or '.join(map(repr, own))}", hint)
    return found


def _names_of(row: Any) -> list[str]:
    """Return the names that lead to a row: its own, and the extensions of a format."""
    return [row.name, *(extension.removeprefix(".") for extension in getattr(row, "extensions", ()))]


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else "unknown"


def _origin(point: EntryPoint) -> str:
    return f"{_package(point)} ({point.value})"


def usable(
    kind: str, row: type[Offer], known: Container[str], tell: Callable[[str], object]
) -> Iterator[tuple[Offer, str]]:
    """Yield the rows that installed packages add, with the package; `tell` gets the problems of the others."""
    for plugin in installed(kind, row, known):
        if plugin.row is None:
            tell(plugin.problem)
        else:
            yield plugin.row, plugin.package

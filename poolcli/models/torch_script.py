"""TorchScript (.pt): the readable source in the archive, which has parameters, but no shapes.

The layers are in the order of the forward methods, starting from the class of the whole model.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poolcli.errors import InputError
from poolcli.models.layer import Draft, Model, Walk
from poolcli.models.source import DEEPEST, NOT_WHOLE, Archive, Budget
from poolcli.pooling.frameworks import TORCH

CLASS = re.compile(r"^class (\w+)\(Module\):\n((?:[ ].*\n?|\n)*)", re.MULTILINE)
METHOD = re.compile(r"^  def forward\(", re.MULTILINE)
MEMBER = re.compile(r"^  (\w+) : (__torch__\.[\w.]+)$", re.MULTILINE)
ALIAS = re.compile(r"^ +(\w+) = ([\w.]+)$", re.MULTILINE)
POOL_CALL = r"(max|avg|adaptive_avg|adaptive_max|fractional_max)_pool([123])d(?:_with_indices)?"
STEP = re.compile(r"\(([\w.]+)\)\.forward\(|\b(torch\.\w+|\w+)\(")
FUNCTION = re.compile(rf"(?:__torch__\.torch\.nn\.functional\._?|torch\.){POOL_CALL}")
REDUCTION_CALLS = ("torch.mean", "torch.amax", "torch.amin")
CALL_TEXT = 2000  # characters of one call
ARGUMENTS = {  # the arguments after the input, by position
    "max": ("kernel_size", "stride", "padding", "dilation", "ceil_mode"),
    "avg": ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
    "adaptive_avg": ("output_size",),
    "adaptive_max": ("output_size",),
    "fractional_max": ("kernel_size", "output_size"),
}


@dataclass(frozen=True)
class Class:
    """A module's class."""

    name: str
    members: Mapping[str, str]  # the classes of its members
    body: str  # of its forward method


def read_script(archive: Archive) -> Model:
    """List the pooling layers that the source in a TorchScript archive shows."""
    classes, budget = {}, Budget()
    for name in archive.names:
        where = re.fullmatch(r"(?:.*/)?code/(__torch__.*)\.py", name)
        if where is None:
            continue
        text = archive.read(name).decode("utf-8", "replace")
        budget.spend(len(text) // CALL_TEXT)
        for one in CLASS.finditer(text):
            full = f"{where[1].replace('/', '.')}.{one[1]}"
            parts = METHOD.split(one[2], 1)
            body = re.split(r"^  def ", parts[1], maxsplit=1, flags=re.MULTILINE)[0] if len(parts) > 1 else ""
            classes[full] = Class(one[1], dict(MEMBER.findall(parts[0])), body)
    used = {member for one in classes.values() for member in one.members.values()}
    roots = [name for name in classes if name not in used]
    walk = _Walk(classes, budget)
    for root in roots:
        walk.module(classes[root], "", 0)
    if classes and not roots:
        raise InputError("its modules contain each other", NOT_WHOLE)
    walk.notes["TorchScript holds no shapes: parameters only; torch.export.save gives a .pt2 that has them"] = None
    return walk.found("TorchScript")


class _Walk(Walk):
    """A walk through the forward methods."""

    def __init__(self, classes: Mapping[str, Class], budget: Budget) -> None:
        super().__init__(budget)
        self.classes = classes

    def module(self, one: Class, path: str, depth: int) -> None:
        """Follow a forward method."""
        if depth > DEEPEST:
            raise InputError(f"modules nested more than {DEEPEST} deep", NOT_WHOLE)
        aliases = dict(ALIAS.findall(one.body))
        for called in _calls(one.body):
            self.pass_operator()
            if called.module:
                self._inside(one, aliases.get(called.module, called.module), path, depth)
                continue
            pool = FUNCTION.fullmatch(aliases.get(called.function, called.function))
            if pool:
                self._layer(one, path, pool, called.arguments)
            elif called.function in REDUCTION_CALLS and called.arguments[1:2] and called.arguments[1].startswith("["):
                told = f"{called.function} over axes {called.arguments[1]} may be global pooling"
                self.notes[f"{path or 'the model'}: {told}"] = None

    def _inside(self, one: Class, member: str, path: str, depth: int) -> None:
        """Go into a member, or into a member of a member, such as self.a.b."""
        inner: Class | None = one
        names = member.removeprefix("self.").split(".")
        for name in names:
            inner = self.classes.get(inner.members.get(name, "")) if inner else None
        if inner is None:
            self.notes[f"{path or 'the model'}: what {member} does is not followed"] = None
        else:
            self.module(inner, ".".join(filter(None, (path, *names))), depth + 1)

    def _layer(self, one: Class, path: str, pool: re.Match[str], arguments: Sequence[str]) -> None:
        kind, ndim = pool[1], int(pool[2])
        name = path or pool.group().rpartition(".")[2]
        try:
            values = {key: _value(text) for key, text in zip(ARGUMENTS[kind], arguments[1:], strict=False)}
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            self.notes[f"{name}: the options of {pool.group().rpartition('.')[2]} are known only when it runs"] = None
            return
        own = one.name if "Pool" in one.name else pool.group().rpartition(".")[2].lstrip("_")
        draft = Draft(name, own, ndim, "avg" if kind.endswith("avg") else "max", values.pop("kernel_size", None))
        if kind == "fractional_max":
            values["fractional"] = True
            draft.unusual.append("its windows are drawn anew at every call")
        draft.options = {"compat": TORCH.name, **values}
        self.layers.append(draft.done())


@dataclass(frozen=True)
class _Called:
    module: str
    function: str
    arguments: Sequence[str]


def _calls(body: str) -> Iterator[_Called]:
    """Yield the calls in the order of execution: those in the arguments of a call come before it."""
    found = []
    for match in STEP.finditer(body):
        arguments, end = _arguments(body, match.end())
        found.append((end, _Called(match[1] or "", match[2] or "", arguments)))
    yield from (called for _, called in sorted(found, key=lambda one: one[0]))


def _arguments(body: str, start: int) -> tuple[list[str], int]:
    """Return the arguments of a call and where it ends."""
    depth, first, found = 0, start, []
    for place, sign in enumerate(body[start : start + CALL_TEXT], start):
        if sign in "([":
            depth += 1
        elif depth and sign in ")]":
            depth -= 1
        elif not depth and sign in ",)":
            found.append(body[first:place].strip())
            first = place + 1
            if sign == ")":
                return found, place
    return found, start + CALL_TEXT


def _value(text: str) -> Any:
    """Return a literal value in the source; raise an error if it is computed."""
    value = ast.literal_eval(text) if text else None
    if isinstance(value, list):
        return tuple(value) or None
    return value if value is not False else None

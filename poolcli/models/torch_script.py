"""TorchScript (.pt): the readable source in the archive, which has parameters, but no shapes.

The layers are in the order of the forward methods, starting from the class of the whole model.
"""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from poolcli.errors import InputError
from poolcli.models.layer import Draft, Model, Walk
from poolcli.models.source import DEEPEST, NOT_WHOLE, Archive, Budget
from poolcli.models.torch_export import COMPUTED_PAD, part_of_norm, record_window, told_pad
from poolcli.pooling.frameworks import TORCH

CLASS = re.compile(r"^class (\w+)\(Module\):\n((?:[ ].*\n?|\n)*)", re.MULTILINE)
METHOD = re.compile(r"^  def (\w+)\(", re.MULTILINE)
MEMBER = re.compile(r'^  (?:(\w+) : |__annotations__\["(\w+)"\] = )(__torch__\.[\w.]+)$', re.MULTILINE)
ALIAS = re.compile(r'^ +(\w+) = (?:([\w.]+)|getattr\(([\w.]+), "(\w+)"\))$', re.MULTILINE)
POOL_CALL = re.compile(
    r"(?P<home>__torch__\.torch\.nn\.functional|torch)"
    r"\.(?P<name>_?(?P<kind>max|avg|adaptive_avg|adaptive_max|fractional_max|lp)_pool(?P<ndim>[123])d)(?:_with_indices)?"
)
STEP = re.compile(r"(?:\w+, (\w+) = )?(?:\(([\w.]+)\)\.(\w+)\(|\b([\w.]+)\()")
LIBRARY = "__torch__.torch.nn.functional"
PAD_CALLS = ("torch.pad", f"{LIBRARY}.pad")
PAD_ARGUMENTS = ("pad", "mode", "value")
PASSIVE = ("annotate", "getattr")  # calls that compute nothing
REDUCTION_CALLS = ("torch.mean", "torch.amax", "torch.amin")
UNREADABLE = (ValueError, TypeError, LookupError, SyntaxError, MemoryError, RecursionError)  # of values in the source
CALL_TEXT = 2000  # characters of one call
ARGUMENTS = {  # the arguments after the input, by position
    "max": ("kernel_size", "stride", "padding", "dilation", "ceil_mode", "return_indices"),
    "avg": ("kernel_size", "stride", "padding", "ceil_mode", "count_include_pad", "divisor_override"),
    "lp": ("norm_type", "kernel_size", "stride", "ceil_mode"),
    "adaptive_avg": ("output_size",),
    "adaptive_max": ("output_size", "return_indices"),
    "fractional_max": ("kernel_size", "output_size", "output_ratio", "return_indices", "_random_samples"),
}
OPERATOR_ARGUMENTS = {"fractional_max": ("kernel_size", "output_size", "_random_samples")}  # where torch's own differ


@dataclass(frozen=True)
class Class:
    """A module's class."""

    name: str
    members: Mapping[str, str]  # the classes of its members
    methods: Mapping[str, str]  # the text of each after its opening bracket


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
            head, *methods = METHOD.split(one[2])
            members = {name or number: kind for name, number, kind in MEMBER.findall(head)}
            classes[full] = Class(one[1], members, dict(zip(methods[::2], methods[1::2], strict=True)))
    used = {member for one in classes.values() for member in one.members.values()}
    roots = [name for name in classes if name not in used]
    walk = _Walk(classes, budget)
    for root in roots:
        walk.method(classes[root], "forward", "", 0)
    if classes and not roots:
        raise InputError("its modules contain each other", NOT_WHOLE)
    walk.notes["TorchScript holds no shapes: parameters only; torch.export.save gives a .pt2 that has them"] = None
    return walk.found("TorchScript")


class _Walk(Walk):
    """A walk through the methods, from the forward method on."""

    def __init__(self, classes: Mapping[str, Class], budget: Budget) -> None:
        super().__init__(budget)
        self.classes = classes
        self.pad = ""  # what the call before pads, if it does

    def method(self, one: Class, name: str, path: str, depth: int) -> None:
        """Follow a method."""
        if depth > DEEPEST:
            raise InputError(f"modules nested more than {DEEPEST} deep", NOT_WHOLE)
        body = one.methods.get(name, "")
        aliases = {name: whole or f"{module}.{number}" for name, whole, module, number in ALIAS.findall(body)}
        itself = body.partition(":")[0]
        for called in _calls(body):
            self.pass_operator()
            function = _origin(called.function, aliases)
            if called.module:
                place = _origin(called.module, aliases)
                self._inside(one, place.removeprefix(itself).strip("."), called.function, path, depth)
                continue
            before = self.pad
            if function not in PASSIVE:
                self.pad = _padded(called) if function in PAD_CALLS else ""
            if pool := POOL_CALL.fullmatch(function):
                self._layer(one, path, pool, called, before)
            elif function in REDUCTION_CALLS and called.arguments[1:2] and called.arguments[1].startswith("["):
                told = f"{function} over axes {called.arguments[1]} may be global pooling"
                self.notes[f"{path or 'the model'}: {told}"] = None
            elif "pool" in function or (function.startswith("__torch__.") and not function.startswith(LIBRARY)):
                self._skip(path, function.removeprefix("__torch__."))

    def _skip(self, path: str, what: str) -> None:
        self.notes[f"{path or 'the model'}: what {what} does is not followed"] = None

    def _inside(self, one: Class, member: str, method: str, path: str, depth: int) -> None:
        """Go into a method of a class, of a member, or of a member of a member, such as a.b."""
        inner: Class | None = one
        names = member.split(".") if member else []
        for name in names:
            inner = self.classes.get(inner.members.get(name, "")) if inner else None
        if inner is None or method not in inner.methods:
            called = () if method == "forward" else (method,)
            self._skip(path, ".".join(["self", *names, *called]))
        else:
            self.method(inner, method, ".".join(filter(None, (path, *names))), depth + 1)

    def _layer(self, one: Class, path: str, pool: re.Match[str], called: _Called, before: str) -> None:
        kind, name = pool["kind"], path or pool["name"]
        known = ARGUMENTS if pool["home"] == LIBRARY else ARGUMENTS | OPERATOR_ARGUMENTS
        try:
            values = _values(known[kind], called.arguments[1:])
            mode = f"lp:{values['norm_type']:g}" if kind == "lp" else "avg" if kind.endswith("avg") else "max"
        except UNREADABLE:
            self.notes[f"{name}: the options of {pool['name']} are known only when it runs"] = None
            return
        own = one.name if "Pool" in one.name else pool.group().rpartition(".")[2].lstrip("_")
        draft = Draft(name, own, int(pool["ndim"]), mode, options={"compat": TORCH.name})
        draft.indices = called.indices or bool(values.get("return_indices"))
        record_window(draft, kind, values.get)
        if before:
            draft.padded(before, None, None, None)
        if kind != "lp" and (one.name.startswith("LPPool") or called.arguments[0].startswith("torch.pow(")):
            draft.unusual.append(part_of_norm(one.name, mode))
        self.layers.append(draft.done())


def _origin(name: str, aliases: Mapping[str, str]) -> str:
    """Return what a name stands for."""
    for _ in range(DEEPEST):
        head, dot, rest = name.partition(".")
        if head not in aliases:
            break
        name = aliases[head] + dot + rest
    return name


@dataclass(frozen=True)
class _Called:
    module: str  # whose method it is, if any
    function: str
    arguments: Sequence[str]
    indices: bool  # whether the second of its two results is used


def _calls(body: str) -> Iterator[_Called]:
    """Yield the calls in the order of execution: those in the arguments of a call come before it."""
    found = []
    for match in STEP.finditer(body):
        second, module, method, function = match.groups("")
        arguments, end = _arguments(body, match.end())
        used = bool(second) and re.search(rf"\b{second}\b", body[end:]) is not None
        found.append((end, _Called(module, method or function, arguments, used)))
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
    return [""], start + CALL_TEXT


def _padded(called: _Called) -> str:
    try:
        values = _values(PAD_ARGUMENTS, called.arguments[1:])
        return told_pad(values["pad"], values.get("mode"), values.get("value"))[0]
    except UNREADABLE:
        return COMPUTED_PAD


def _values(names: Sequence[str], arguments: Sequence[str]) -> dict[str, Any]:
    """Return the values of arguments in the source; raise an error if one is computed, unknown or missing."""
    values = {}
    for place, text in enumerate(filter(None, arguments)):  # a function's last argument has a comma behind it
        said, equals, value = text.rpartition("=")
        name = said if equals else names[place]
        values[name] = None if name.startswith("_") else _value(value)
    if not values or not values.keys() <= {*names}:
        raise ValueError(names)
    return values


def _value(text: str) -> Any:
    """Return a literal value in the source."""
    if text == "inf":
        return math.inf
    return [] if text == "annotate(List[int], [])" else ast.literal_eval(text)

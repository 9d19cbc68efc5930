"""Recipes: steps in a file, checked completely before anything runs.

A recipe is the ``steps`` of any poolcli JSON, a file with just that list, or a PNG with its recipe
(`poolcli.steps.provenance`). Its shapes are ignored, because they belong to an earlier input.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import Any

from poolcli.errors import InputError, UnknownNameError, UsageError
from poolcli.formats.png_chunks import SIGNATURE, own_text
from poolcli.pooling.options import BY_JSON, sizes_text
from poolcli.steps.steps import STEPS, VALUE_KINDS, ConvStep, Record, Step, check_options, named, without_shapes
from poolcli.system.files import Guard, piped, put, read_source
from poolcli.system.portable import shell_word
from poolcli.window import parse_padding, parse_sizes, times
from poolcli.wording import Phrase, called_here

FORM = 'a recipe looks like [{"step": "pool", "mode": "max", "size": [2, 2]}]'
SAID_ONLY = ("step", "shape", "verified")  # keys of a record that are not options
_SLIDING = ("size", "stride", "padding", "dilation")
_POOLING = tuple(BY_JSON)
TAKES: Mapping[str, tuple[str, ...]] = {
    "conv": ("filter", "kernel", *_SLIDING, "bias"),
    "relu": (),
    "pool": (*_POOLING, "indices"),
    "normalize": ("low", "high"),
    "unpool": (*_SLIDING, "output_size", "compat", "storage_order"),
    "grad": (*_POOLING, "upstream"),
}


# what a new value makes untrue
REPLACED = {"filter": ("kernel", "size"), "kernel": ("filter", "size"), "seed": ("offsets",)}


# Reading


def load_recipe(
    path: str | Path, settings: Sequence[str] = (), tell: Callable[[Phrase], None] = lambda _: None
) -> list[Step]:
    """Read a recipe, any JSON that poolcli wrote, or a PNG of `poolcli batch`, and check all that needs no input.

    The settings are changes to it; see `overridden`. Every error names the file and the step. `tell` gets what a user
    may have meant to change, too.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "recipe.json"
    >>> save(path, [{"step": "pool", "mode": "avg", "size": [2, 2], "shape": [4, 4]}])
    >>> load_recipe(path, ["pool.mode=max"])
    [PoolStep(mode='max', size=(2, 2), options={}, indices=False)]
    """
    source = read_source(path)
    records = _records(source.data, source.name)
    steps = from_records(overridden(records, settings), source.name)
    for note in _strides_kept(records, settings):
        tell(note)
    return steps


def from_records(records: Sequence[Any], name: str = "recipe") -> list[Step]:
    """Turn records into steps, checking every option; errors name the step."""
    if not records:
        raise InputError(f"{name}: no steps in it", FORM)
    return [_step(record, f"{name}: step {number}") for number, record in enumerate(records, 1)]


def _records(data: bytes, name: str) -> list[Any]:
    found = _in_png(data, name) if data.startswith(SIGNATURE) else _parsed(data, name)
    steps = found.get("steps") if isinstance(found, Mapping) else found
    if not isinstance(steps, list):
        raise InputError(f"{name}: no list of steps in it", _of_layers(found, name) or FORM)
    return steps


def _of_layers(found: Any, name: str) -> Phrase | None:
    """Say how to take the steps of one layer out of the list that ``poolcli layers`` writes."""
    layers = found.get("layers") if isinstance(found, Mapping) else None
    if not isinstance(layers, list) or not any(isinstance(one, Mapping) and "steps" in one for one in layers):
        return None
    return piped(f"jq {shell_word('.layers[0]')}", name, "take one of its layers: {pipe}")


def _parsed(data: bytes, name: str) -> Any:
    try:
        return json.loads(data.decode("utf-8-sig"))
    except json.JSONDecodeError as problem:
        place = f"line {problem.lineno}, column {problem.colno}"
        raise InputError(f"{name}: {place}: not valid JSON: {problem.msg}", FORM) from None
    except (UnicodeDecodeError, RecursionError):
        raise InputError(f"{name}: not valid JSON", FORM) from None


def _in_png(data: bytes, name: str) -> Any:
    text = own_text(io.BytesIO(data))
    if text is None:
        raise InputError(f"{name}: no recipe in this picture", "only pictures that poolcli made carry one")
    return _parsed(text.encode(), name)


def _step(record: Any, where: str) -> Step:
    name = record.get("step") if isinstance(record, Mapping) else None
    if not isinstance(name, str):
        raise InputError(f"{where}: {_short(record)} is not a step", FORM)
    with named(f"{where} ({name})"):
        if name not in STEPS:
            raise UnknownNameError("step", name, STEPS)
        given = {key: value for key, value in record.items() if value is not None and key not in SAID_ONLY}
        for key, value in given.items():
            _check_option(name, key, value)
        if name == ConvStep.name and not given.keys() & {"filter", "kernel"}:
            raise InputError("it needs a filter or a kernel", 'such as {"step": "conv", "filter": "box"}')
        step = STEPS[name].from_record(given)
        if isinstance(step, ConvStep) and "size" in given and given["size"] not in _sizes_of(step):
            told = f"size {_short(given['size'])} is not that of the kernel, {times(step.window().size)}"
            raise UsageError(told, "leave size out: the kernel decides")
        check_options(step, _axes_said(given))
    return step


def _sizes_of(step: ConvStep) -> tuple[Any, ...]:
    """Return how the size of a kernel may be written."""
    size = list(step.window().size)
    return (size, size[0]) if len(set(size)) == 1 else (size,)


def _check_option(step: str, key: str, value: Any) -> None:
    if key not in TAKES[step]:
        known = TAKES[step] or ("none",)
        raise UnknownNameError("option", key, known, otherwise=called_here(key, known))
    if not VALUE_KINDS[key].fits(value):
        raise InputError(f"{key} is {_short(value)}", f"{key} is {VALUE_KINDS[key].text}")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:59]}…"


def _axes_said(record: Record) -> int:
    """Return how many spatial axes the options have numbers for; 2 if they do not say."""
    lists = [record[key] for key in (*_SLIDING, "output_size", "output_ratio") if isinstance(record.get(key), list)]
    return len(lists[0]) if lists else 2


# Changing and writing


def overridden(records: Sequence[Any], settings: Sequence[str]) -> list[Any]:
    """Change options of recorded steps by settings of the form ``STEP.OPTION=VALUE``.

    STEP counts from 1, or is the name of a step that occurs once. VALUE is JSON, a size such as ``3x2``, or a word;
    ``null`` removes the option.

    Examples
    --------
    >>> overridden([{"step": "relu"}, {"step": "pool", "size": [2, 2]}], ["2.size=3x2", "pool.mode=avg"])
    [{'step': 'relu'}, {'step': 'pool', 'size': [3, 2], 'mode': 'avg'}]
    """
    changed = [dict(record) if isinstance(record, Mapping) else record for record in records]
    for setting in settings:
        step, option, value = _parts(setting)
        record = changed[_index_of(changed, step, setting)]
        for other in REPLACED.get(option, ()):
            record.pop(other, None)
        record[option] = _value(value)
    return changed


def _strides_kept(records: Sequence[Any], settings: Sequence[str]) -> Iterator[Phrase]:
    """Say which strides stay though they were those of a size that changes."""
    changes = [(*_parts(setting), _index_of(records, _parts(setting)[0], setting)) for setting in settings]
    moved = {index for _, option, _, index in changes if option == "stride"}
    for step, option, value, index in changes:
        stride = records[index].get("stride")
        if option == "size" and index not in moved and stride and stride == records[index].get("size"):
            also = f"{step}.stride={value}"
            yield Phrase("the stride stays {0}; {settings} changes it, too", sizes_text(stride), settings=also)


def _parts(setting: str) -> tuple[str, str, str]:
    """Return the step, the option and the value of a setting."""
    place, equals, value = setting.partition("=")
    step, dot, option = place.strip().partition(".")
    if not (equals and dot and step and option):
        raise UsageError(f"{setting!r} is not STEP.OPTION=VALUE", "write for example 2.size=3x3 or pool.mode=avg")
    return step, option.replace("-", "_"), value.strip()


def _index_of(records: Sequence[Any], step: str, setting: str) -> int:
    if step.isdecimal() and len(step) < 10:
        found = [int(step) - 1] if 1 <= int(step) <= len(records) else []
    else:
        found = [i for i, record in enumerate(records) if isinstance(record, Mapping) and record.get("step") == step]
    if len(found) != 1:
        names = [record.get("step") if isinstance(record, Mapping) else record for record in records]
        there = ", ".join(f"{number} {name}" for number, name in enumerate(names, 1))
        what = f"{len(found)} steps are called {step}" if found else f"there is no step {step}"
        raise UsageError(f"{setting!r}: {what}", f"the steps are {there}")
    if not isinstance(records[found[0]], Mapping):
        raise InputError(f"{step} is not a step", FORM)
    return found[0]


def _value(text: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        for parse in (lambda value: parse_sizes(value, "size"), parse_padding):
            try:
                parsed: Any = parse(text)
            except UsageError:
                continue
            return json.loads(json.dumps(parsed))  # tuples become lists, as in any recipe
    return text


def save(path: str | Path, records: Sequence[Record], guard: Guard = nullcontext) -> None:
    """Write recorded steps as a recipe, a JSON list with one step per line; see `poolcli.system.files.Guard`."""
    from poolcli.formats.json_map import dump

    lines = [dump(record) for record in without_shapes(records)]
    put(path, b"[\n  " + b",\n  ".join(lines) + b"\n]\n" if lines else b"[]\n", guard)

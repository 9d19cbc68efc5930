"""``poolcli layers``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from poolcli.analysis.porting import UNTRIED, Port, port
from poolcli.cli.options.files import JSON_SWITCH
from poolcli.cli.options.grammar import argument, option
from poolcli.cli.options.panels import OUTPUT
from poolcli.cli.output import Output
from poolcli.cli.words import typed
from poolcli.errors import UsageError
from poolcli.featuremap import layout_by_rank
from poolcli.models.files import read_model
from poolcli.models.layer import Model, ModelLayer, shown
from poolcli.pooling.frameworks import find, framework_names, verified
from poolcli.pooling.options import padding_text
from poolcli.steps.steps import text
from poolcli.wording import many, printable


def layers(
    model: str = argument(
        ..., "MODEL", "A .onnx, .pt2, .keras, .tflite or TorchScript .pt file, or - for standard input."
    ),
    *,
    to: str | None = option(
        None, "Comma-separated frameworks: says where the values will differ there, and why.", panel=OUTPUT,
        metavar="NAME,...", choices=framework_names, free=True,
    ),
    json: bool = JSON_SWITCH,
    quiet: bool = option(False, "Print only errors.", "-q", panel="Work"),
) -> None:  # fmt: skip
    """List the pooling layers of a model file, each with the poolcli command that equals it.

    The file is read without its framework; weights are skipped, and nothing is unpickled. A ? marks what the file does
    not say. poolcli run --steps takes each record of --json.

    Examples
    --------
    poolcli layers model.onnx
    poolcli layers --to keras,onnx model.pt2
    poolcli layers --json model.keras
    """
    names = [name.strip() for name in (to or "").split(",") if name.strip()]
    for name in names:
        verified(name)
    if to is not None and not names:
        raise UsageError("--to names no framework", f"such as --to {','.join(framework_names())}")
    found = read_model(model)
    ports = [[_ported(one, name) for name in names] for one in found.layers]
    out = Output(quiet=quiet)
    if json:
        records = [
            _record(one, dict(zip(names, tried, strict=True))) for one, tried in zip(found.layers, ports, strict=True)
        ]
        out.json({"model": found.format, "operators": found.operators, "layers": records, "notes": found.notes})
    elif found.layers:
        out.rows([_row(one, tried) for one, tried in zip(found.layers, ports, strict=True)], json=False, lines=True)
    _tell(model, found, out)


def _ported(one: ModelLayer, name: str) -> Port:
    if one.undone is None:
        return port(one.step, one.spatial, name, one.dtype)
    return Port(getattr(find(name), "title", name), UNTRIED, ("unpooling is not compared",))


def _tell(name: str, found: Model, out: Output) -> None:
    """Print notes on standard error."""
    if not found.layers and found.operators:
        out.note(f"{name}: no pooling layer among {many(found.operators, 'operator')} ({found.format})")
    for note in found.notes:
        out.note(f"{name}: {note}")


def _row(one: ModelLayer, ports: Sequence[Port]) -> dict[str, Any]:
    """Return a layer as a row of the table."""
    record = _said(one)
    window = text(
        {key: value for key, value in record.items() if key not in ("compat", "padding", "count_include_pad")}
    )
    row = {
        "layer": printable(one.name), "operator": printable(one.operator), "input": printable(shown(one.input)),
        "output": printable(shown(one.output)), "window": window, "padding": _padding(one, record),
        "unusual": printable("; ".join(one.unusual)), "equal to": _command(one),
    }  # fmt: skip
    return row | {f"in {tried.framework}": _verdict(tried) for tried in ports}


def _name(one: ModelLayer) -> str:
    return "pool" if one.undone is None else "unpool"


def _said(one: ModelLayer) -> dict[str, Any]:
    """Return the record of the step that equals a layer; unpooling has no mode."""
    record = one.step.layer(one.ndim).record()
    if one.undone is None:
        return record
    sizes = {"output_size": list(one.undone)} if one.undone else {}
    return {key: value for key, value in record.items() if key != "mode"} | sizes


def _padding(one: ModelLayer, record: Mapping[str, Any]) -> str:
    """Return the padding in words; for SAME also in cells."""
    said, layer = record.get("padding", ""), one.step.layer(one.ndim)
    if not isinstance(said, str):
        return padding_text(said) + (", counted" if layer.count_include_pad and layer.mode.mode.divides else "")
    lengths = [length for length in one.spatial if isinstance(length, int)]
    if not said or len(lengths) < one.ndim:
        return said
    return f"{said} ({padding_text([(axis.before, axis.after) for axis in layer.plan(lengths)])})"


def _verdict(tried: Port) -> str:
    """Return how the values compare in another framework, for a cell of the table."""
    changes = " ".join(_words(dict(tried.changes)))
    why = "; ".join(tried.reasons)
    if tried.verdict == "same":
        return f"same with {changes}" if changes else "same"
    said = why if tried.verdict == "refused" else f"{tried.verdict}: {why}"
    return said + (f"; the same with {changes}" if changes else "")


def _record(one: ModelLayer, ports: Mapping[str, Port]) -> dict[str, Any]:
    """Return a layer as a JSON object with steps, like all that poolcli writes."""
    steps = [{"step": _name(one), **_said(one), **({"indices": True} if one.step.indices else {})}]
    before = [{"step": "pool", **step.layer(one.ndim).record()} for step in one.before]
    record: dict[str, Any] = {
        "name": one.name, "operator": one.operator, "layout": one.layout, "input": one.input, "output": one.output,
        "dtype": one.dtype, "unusual": one.unusual, "command": _command(one),
        "steps": [*before, *steps, *({"step": step.name} for step in one.after)],
    }  # fmt: skip
    if one.before:
        record["takes"] = one.source
    if ports:
        record["to"] = {
            name: {"verdict": tried.verdict, "why": tried.reasons, "verified": verified(name),
                   "steps": [{"step": "pool", **tried.step.layer(one.ndim).record()}] if tried.step else None}
            for name, tried in ports.items()
        }  # fmt: skip
    return record


# --- the command ------------------------------------------------------------------------------------------------------


def _command(one: ModelLayer) -> str:
    """Return the command that equals a layer."""
    record = _said(one)
    framework = one.step.layer(one.ndim).framework
    last = bool(framework and framework.channels_last and not one.before)
    usual = layout_by_rank(len(one.layout), channels_last=last)
    words = [*_words(record), *(["--indices"] if one.step.indices else [])]
    layout = [] if one.layout == usual else ["--layout", one.layout]
    if not one.before and not one.after:
        return " ".join([f"poolcli {_name(one)}", *words, *layout, "INPUT"])
    stages = [["pool", *_words(step.layer(one.ndim).record())] for step in one.before]
    stages += [["pool", *words], *([step.name] for step in one.after)]
    return " ".join(["poolcli run", *layout, "INPUT", " then ".join(map(" ".join, stages))])


def _words(record: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options that make a record of pooling."""
    for name, value in record.items():
        if name in ("offsets", "verified"):  # only files can hold them; --seed draws other offsets
            continue
        if name == "padding":
            yield f"--padding {padding_text(value)}"
        elif value is False:
            yield f"--no-{name.replace('_', '-')}"
        elif value is not None:
            yield typed(
                "global_window" if name == "global" else name, tuple(value) if isinstance(value, list) else value
            )

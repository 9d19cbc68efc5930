"""A command as code: the same steps as a short program for PyTorch, Keras, ONNX, NumPy or a runtime.

Every program defines ``pool(x)``, from an array (leading..., spatial...) to another. It gives poolcli's values for
every input that poolcli accepts, but may not notice what poolcli refuses at run time (a window without a real cell, a
sum beyond 64 bits). NumPy can do everything, in poolcli's own types. The frameworks use their own types, with integers
in floating point. Where their layers cannot give poolcli's answer, `emit` says so instead of writing code.

`Numpy` writes the code in a mode's row over windows. `Torch`, `Keras` and `Onnx` know how to write maxima, averages and
sums, and share `IDENTITIES`, which build every mode from those. The runtimes write a single call.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from poolcli.errors import UnknownNameError, UsageError
from poolcli.featuremap import inner_order
from poolcli.pooling.frameworks import OTHER_NAMES
from poolcli.wording import Phrase

if TYPE_CHECKING:
    from poolcli.emit.program import Program
    from poolcli.steps.steps import Step

TARGETS: Mapping[str, str] = {
    "torch": "torch_code.Torch", "keras": "keras_code.Keras", "onnx": "onnx_code.Onnx", "numpy": "numpy_code.Numpy",
    "tensorflow": "native_code.TensorFlow", "litert": "native_code.LiteRT", "openvino": "native_code.OpenVINO",
    "paddle": "native_code.Paddle", "flax": "native_code.Flax",
}  # fmt: skip
BACKWARD = ("torch",)  # targets that write gradients
UNPOOLING = ("torch", "onnx")  # targets that write unpooling


def target_names() -> list[str]:
    """Return every name that leads to a target: the rows of `TARGETS`, and the other names of these frameworks."""
    return [*TARGETS, *(other for other, name in OTHER_NAMES.items() if name in TARGETS)]


def target_class(target: str) -> type[Program]:
    """Return the class that writes programs for a target, one of `target_names`."""
    row = TARGETS.get(OTHER_NAMES.get(target, target))
    if row is None:
        raise UnknownNameError("target", target, target_names())
    file, _, name = row.partition(".")
    found: Any = getattr(import_module(f"poolcli.emit.{file}"), name)
    return found  # type: ignore[no-any-return]  # imported by name


def emit(
    steps: Sequence[Step], ndim: int, target: str, layout: str | None = None, *, spatial: Sequence[int] = ()
) -> str:
    """Write a program that defines ``pool(x)`` and does what these steps do: convolutions, ReLUs and poolings.

    The axes of its array are those of the layout; without one the spatial axes come last. If their lengths are known,
    advice says by how much to pad. If the target has no equivalent, the `UsageError` says why.

    Examples
    --------
    >>> from poolcli.steps.steps import PoolStep
    >>> print(emit([PoolStep("max", 3, {"stride": 2})], 2, "numpy"), end="")
    # poolcli: max 3x3, stride 2x2
    from numpy.lib.stride_tricks import sliding_window_view
    <BLANKLINE>
    <BLANKLINE>
    def pool(x):
        w = sliding_window_view(x, (3, 3), axis=(-2, -1))[..., ::2, ::2, :, :]
        return w.max(axis=(-2, -1))
    """
    return _program(steps, ndim, target, spatial).source(inner_order(layout) if layout else ())


def emit_model(
    steps: Sequence[Step], ndim: int, target: str, spatial: Sequence[int] = ()
) -> tuple[bytes, Sequence[str]]:
    """Return a model that does what these steps do, as a file in the target's own format, if it has a suffix for those.

    The spatial axes of its input, which follow maps and channels, have these lengths, or any if there are none. Also
    return remarks: what the model does not refuse, but a program would.
    """
    program = _program(steps, ndim, target, spatial)
    return program.model(spatial, program.lengths_after(steps, spatial)), program.unguarded


def _program(steps: Sequence[Step], ndim: int, target: str, spatial: Sequence[int]) -> Program:
    program = target_class(target)(ndim)
    program.spatial = tuple(spatial) if len(steps) == 1 else ()
    try:
        for step in steps:
            program.add(step)
    except UsageError as problem:
        if problem.advice == program.by_numpy:
            others = (name for name in ("numpy", *TARGETS) if name != program.name and _has_code(steps, ndim, name))
            best = next(others, None)
            problem.advice = Phrase("{target}", target=best) if best else program.instead
        raise
    return program


def _has_code(steps: Sequence[Step], ndim: int, target: str) -> bool:
    try:
        program = target_class(target)(ndim)
        for step in steps:
            program.add(step)
    except UsageError:
        return False
    return True

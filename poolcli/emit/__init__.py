"""A command as code: the same steps as a short program for PyTorch, Keras, ONNX or plain NumPy.

Every program defines ``pool(x)``, from an array (leading..., spatial...) to one. It gives poolcli's values for every
input that poolcli accepts; what poolcli refuses at run time (a window without a real cell, a sum beyond 64 bits) it
may not notice. NumPy can do everything, and in poolcli's own types. The frameworks work in their own types, integers
in floating point, and where their layers cannot give poolcli's answer `emit` says so instead of printing code.

How it is made: `Numpy` writes what the row of a mode says over windows; the frameworks share `IDENTITIES`, which
make every mode of maxima, averages and sums, and each knows how to write those three (`Torch`, `Keras`, `Onnx`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from poolcli.errors import UnknownNameError
from poolcli.featuremap import inner_order

if TYPE_CHECKING:
    from poolcli.emit.program import Program
    from poolcli.steps.steps import Step

TARGETS: Mapping[str, str] = {
    "torch": "torch_code.Torch", "keras": "keras_code.Keras", "onnx": "onnx_code.Onnx", "numpy": "numpy_code.Numpy",
    "tensorflow": "native_code.TensorFlow", "litert": "native_code.LiteRT", "openvino": "native_code.OpenVINO",
    "paddle": "native_code.Paddle", "flax": "native_code.Flax",
}  # fmt: skip
BACKWARD = ("torch",)  # those that write gradients
UNPOOLING = ("torch", "onnx")  # those that put values back


def target_class(target: str) -> type[Program]:
    """Return what writes for a target: its class, from the file that `TARGETS` names with it."""
    if target not in TARGETS:
        raise UnknownNameError("target", target, TARGETS)
    file, _, name = TARGETS[target].partition(".")
    found: Any = getattr(import_module(f"poolcli.emit.{file}"), name)
    return found  # type: ignore[no-any-return]  # of an import by name


def emit(steps: Sequence[Step], ndim: int, target: str, layout: str | None = None) -> str:
    """Write a program that does what these steps do.

    Parameters
    ----------
    steps : sequence of Step
        Convolutions, ReLUs and poolings, in order.
    target : str
        A row of `TARGETS`: ``torch``, ``keras``, ``onnx``, ``numpy``, or a runtime that has the layer in one call.
    layout : str, optional
        The axes of the array that ``pool(x)`` takes; without it the spatial ones stand last.

    Returns
    -------
    str
        Python source that defines ``pool(x)``, with a newline at the end.

    Raises
    ------
    UnknownNameError
        If there is no such target.
    UsageError
        If the target has no equivalent, with the reason; its kind CompatError if ``compat`` itself refuses.

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
    return _program(steps, ndim, target).source(inner_order(layout) if layout else ())


def emit_model(
    steps: Sequence[Step], ndim: int, target: str, spatial: Sequence[int] = ()
) -> tuple[bytes, Sequence[str]]:
    """Return a model that does what these steps do, as a file of the target's own format holds it.

    Parameters
    ----------
    steps, ndim, target
        As in `emit`; the target is one that has a suffix of such files.
    spatial : sequence of int
        The lengths of the spatial axes of its input; any if empty. Maps and channels stand before them.

    Returns
    -------
    model : bytes
        The file.
    remarks : sequence of str
        What a program would have refused, and the model does not.

    Raises
    ------
    UsageError
        If the target has no equivalent, or its own package is missing.
    ShapeError
        If a step does not fit what arrives at it.
    """
    program = _program(steps, ndim, target)
    return program.model(spatial, program.lengths_after(steps, spatial)), program.unguarded


def _program(steps: Sequence[Step], ndim: int, target: str) -> Program:
    program = target_class(target)(ndim)
    for step in steps:
        program.add(step)
    return program

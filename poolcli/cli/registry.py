"""The table of commands; only the typed one is imported and built."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from poolcli.cli.options.grammar import Command


GROUPS: dict[str, dict[str, str]] = {
    "Do": {
        "pool": "Pool a matrix or an image, optionally after a filter and ReLU.",
        "conv": "Convolve with a named filter or a kernel of your own.",
        "run": "Run a stack of steps in one process: STEP then STEP then ...",
        "batch": "Pool many files in parallel, resumable, also on a cluster.",
        "unpool": "Put pooled values back where their indices say.",
        "grad": "Show the gradient that pooling sends back to each input cell.",
    },
    "Understand": {
        "compare": "Show modes or frameworks side by side, and why they differ.",
        "explain": "Explain every window, as a table, a page or an animation.",
        "summary": "Show the shape and parameters of every layer, without data.",
        "layers": "List the pooling layers of a model file: .onnx, .pt2, .keras ...",
        "shift": "Measure how much pooled values change when the input moves.",
        "show": "Draw a feature map in the terminal.",
    },
    "Look up": {
        "modes": "List the pooling modes with their formulas.",
        "filters": "List the named filters with their kernels.",
        "completion": "Print the completion script of bash, zsh or fish.",
        "doctor": "Show what is installed, what works and what is missing.",
    },
}
COMMANDS: dict[str, str] = {name: line for rows in GROUPS.values() for name, line in rows.items()}
STACKS = {"run": "RUNNABLE", "summary": "SUMMARIZED"}  # the commands that take a stack, with their table of steps
STACK_INPUTS = {"run": "input.csv", "summary": "28x28"}  # what stands before the first step, for hints
COMPLETE = "_POOLCLI_COMPLETE"  # the environment variable that names the shell asking for completions


def build(name: str) -> Command:
    """Import and build one of `COMMANDS`."""
    from poolcli.cli.options.grammar import command

    function = getattr(import_module(f"poolcli.cli.commands.{name}"), name)
    return command(name, function, "STEP [OPTIONS] then STEP [OPTIONS] then ..." if name in STACKS else "")

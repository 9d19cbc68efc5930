"""``poolcli run``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from poolcli.cli.deliver import check_output, check_target_apart, deliver, files_read, load, look
from poolcli.cli.grammar import Group, option
from poolcli.cli.options import OUTPUT, Reading, Showing, Talking, Writing
from poolcli.cli.stack import RUNNABLE, parse_stack
from poolcli.errors import PoolcliError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.steps import Step


class Recipes(Group):
    """Steps from a file, and into one."""

    steps: Annotated[
        str | None, option("--steps", help="Replay the steps of a recipe or of any poolcli JSON.", panel="Steps",
                           metavar="FILE")
    ] = None  # fmt: skip
    save_steps: Annotated[
        str | None, option("--save-steps", help="Write the steps down as a recipe.", panel=OUTPUT, metavar="FILE")
    ] = None


def run(
    context: typer.Context,
    given: Annotated[str, typer.Argument(metavar="INPUT", help="A file, or - for standard input.")],
    *,
    recipes: Recipes,
    showing: Showing,
    reading: Reading,
    writing: Writing,
    talking: Talking,
) -> None:
    """Run a stack of steps in one process: STEP [OPTIONS] then STEP [OPTIONS] then ...

    Steps: conv, relu, pool, global, global-max, global-avg, unpool, normalize, with the options of the commands.

    poolcli run input.csv conv --filter sobel-x --padding same then relu then pool --mode max then global-avg
    """
    from poolcli import recipe

    steps: list[Step] = recipe.load(recipes.steps) if recipes.steps else []
    steps += parse_stack(context.obj or [], RUNNABLE)
    if not steps:
        raise UsageError("run needs steps", "such as: poolcli run input.csv conv --filter box then pool --size 2")
    _check_outputs(given, steps, recipes, writing)
    before = load(given, reading, talking, _compat(steps))
    recipe.validate(steps, before.shape, before.layout)
    stages = follow(before, steps)
    if recipes.save_steps:
        recipe.save(recipes.save_steps, stages[-1].steps[len(before.steps) :])
    if writing.chosen_format == "table" and writing.output == "-":
        _show_stages(before, stages, steps, writing)
    showing.draw(writing, stages, ["input", *(f"{number} {step.name}" for number, step in enumerate(steps, 1))])
    deliver(before, stages[-1], writing, talking, reading.options(_compat(steps)))


def _check_outputs(given: str, steps: Sequence[Step], recipes: Recipes, writing: Writing) -> None:
    inputs = [*files_read(given, steps), *([recipes.steps] if recipes.steps else [])]
    check_output(inputs, writing)
    if recipes.save_steps:
        check_target_apart(recipes.save_steps, inputs, overwrite=writing.overwrite)
        if os.path.realpath(recipes.save_steps) == os.path.realpath(writing.output):
            raise UsageError(
                f"{writing.output} cannot hold both the result and the steps", "choose another name for --save-steps"
            )


def _compat(steps: Sequence[Step]) -> str | None:
    return next((str(s.options["compat"]) for s in steps if getattr(s, "options", {}).get("compat")), None)  # type: ignore[attr-defined]  # only pooling has options


def follow(before: FeatureMap, steps: Sequence[Step]) -> list[FeatureMap]:
    """Return the map after every step; an error names the step."""
    stages = [before]
    for number, step in enumerate(steps, 1):
        try:
            stages.append(step.apply(stages[-1]))
        except PoolcliError as problem:
            problem.message = f"stage {number} ({step.name}): {problem.message}"
            raise
    return stages


def _show_stages(before: FeatureMap, stages: Sequence[FeatureMap], steps: Sequence[Step], writing: Writing) -> None:
    from poolcli.cli.console import show
    from poolcli.render.layers import layer_table
    from poolcli.summary import Signal, summarize

    rows = summarize(Signal.of(before.shape, before.layout), steps)
    statistics: list[list[str]] = [_statistics(stage, writing.precision) for stage in stages]
    shape = look(writing)
    table: Any = layer_table(rows, ascii_only=shape.ascii_only, more=statistics, heads=("min", "mean", "max"))
    show(table, color=writing.color, width=shape.width)


def _statistics(stage: FeatureMap, precision: int) -> list[str]:
    from poolcli.render.table import number

    values = stage.values
    if not values.size:
        return ["-", "-", "-"]
    return [number(value, precision) for value in (values.min(), values.mean(dtype="float64"), values.max())]

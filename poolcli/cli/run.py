"""``poolcli run``."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from poolcli.cli.deliver import check_output, check_target_apart, deliver, files_read, load, look
from poolcli.cli.grammar import option
from poolcli.cli.large import Scaling, in_blocks
from poolcli.cli.options import OUTPUT, Reading, Replaying, Showing, Talking, Writing
from poolcli.cli.stack import RUNNABLE, parse_stack
from poolcli.errors import PoolcliError, UsageError
from poolcli.featuremap import FeatureMap
from poolcli.steps import Step


class Recipes(Replaying):
    """Steps from a file, and into one."""

    save_steps: Annotated[
        str | None, option("--save-steps", help="Write the steps down as a recipe.", panel=OUTPUT, metavar="FILE")
    ] = None


def run(
    context: typer.Context,
    given: Annotated[str, typer.Argument(metavar="INPUT", help="A file, or - for standard input.")],
    *,
    recipes: Recipes,
    showing: Showing,
    scaling: Scaling,
    reading: Reading,
    writing: Writing,
    talking: Talking,
) -> None:
    """Run a stack of steps in one process: STEP [OPTIONS] then STEP [OPTIONS] then ...

    Steps: conv, relu, pool, global, global-max, global-avg, unpool, normalize, with the options of the commands.

    Examples
    --------
    poolcli run input.csv conv --filter sobel-x then relu then pool --size 2
    poolcli run --json input.csv pool --mode avg then global-max
    poolcli run --save-steps recipe.json input.csv relu then pool --size 2
    poolcli run --steps recipe.json input.csv
    """
    from poolcli import recipe

    steps = [*recipes.replayed(), *parse_stack(context.obj or [], RUNNABLE)]
    if not steps:
        raise UsageError("run needs steps", "such as: poolcli run input.csv conv --filter box then pool --size 2")
    inputs = [*files_read(given, steps), *([recipes.steps] if recipes.steps else [])]
    _check_saved(inputs, recipes, writing)
    records = None if showing.show else in_blocks(given, steps, reading, writing, talking, _compat(steps), scaling)
    if records is not None:
        if recipes.save_steps:
            recipe.save(recipes.save_steps, records)
        return
    check_output(inputs, writing)
    before = load(given, reading, talking, _compat(steps))
    recipe.validate(steps, before.shape, before.layout)
    stages = follow(before, steps)
    if recipes.save_steps:
        recipe.save(recipes.save_steps, stages[-1].steps[len(before.steps) :])
    if writing.chosen_format == "table" and writing.output == "-":
        _show_stages(before, stages, steps, writing)
    showing.draw(writing, stages, ["input", *(f"{number} {step.name}" for number, step in enumerate(steps, 1))])
    deliver(before, stages[-1], writing, talking, reading.options(_compat(steps)))


def _check_saved(inputs: Sequence[str], recipes: Recipes, writing: Writing) -> None:
    """Refuse, before any work, a file for the steps that cannot be written, or that holds something else."""
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

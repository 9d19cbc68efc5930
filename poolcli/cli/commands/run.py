"""``poolcli run``."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import typer

from poolcli.cli.checks import check_target_apart, compat_among, files_read
from poolcli.cli.large import in_blocks
from poolcli.cli.lines import without_lines
from poolcli.cli.options.files import ClusterOptions, StepIO, Verbosity, Writing
from poolcli.cli.options.grammar import argument, option
from poolcli.cli.options.panels import OUTPUT
from poolcli.cli.options.steps import RecipeOptions
from poolcli.cli.options.terminal import ShowOption
from poolcli.cli.output import Output
from poolcli.cli.pipeline import about_missing, deliver, look, take_in, transform
from poolcli.cli.signals import ending
from poolcli.cli.stack import RUNNABLE, parse_stack
from poolcli.errors import UsageError
from poolcli.featuremap import FeatureMap
from poolcli.steps import recipe
from poolcli.steps.shapes import Signal, summarize, validate
from poolcli.steps.steps import Step, numbered, through, with_threads
from poolcli.system.files import descriptor_of
from poolcli.wording import Phrase


class Recipes(RecipeOptions, panel=OUTPUT):
    """Steps from a file, and into one."""

    save_steps: str | None = option(None, "Save the steps as a recipe.", metavar="FILE")


def run(
    context: typer.Context,
    given: str = argument(..., "INPUT", "A file, or - for standard input; standard input if missing."),
    *,
    recipes: Recipes,
    showing: ShowOption,
    cluster: ClusterOptions,
    io: StepIO,
) -> None:
    """Run a stack of steps in one process: STEP [OPTIONS] then STEP [OPTIONS] then ...

    Steps: conv, relu, pool, global, global-max, global-avg, unpool, with the options of the commands, and
    normalize, with --low X and --high X: what the smallest and the largest value become.

    Examples
    --------
    poolcli run input.csv conv --filter sobel-x then relu then pool --size 2
    poolcli run --json input.csv pool --mode avg then global-max
    poolcli run --save-steps recipe.json input.csv relu then pool --size 2
    poolcli run --steps recipe.json input.csv
    """
    steps = with_threads([*recipes.replayed(io.out), *parse_stack(context.obj or [], RUNNABLE)], io.verbosity.threads)
    if not steps:
        raise UsageError("run needs steps", "such as: poolcli run input.csv conv --filter box then pool --size 2")
    compat, writing, verbosity = compat_among(steps), io.writing, io.verbosity
    also = [recipes.steps] if recipes.steps else []
    inputs = [*files_read(given, steps), *also]
    _check_saved(inputs, recipes, writing)
    writing.refuse_idle(drawn=showing.show)
    if io.lines:
        without_lines({"--save-steps": recipes.save_steps})
        transform(given, steps, io, compat, showing, cluster, also_read=also)
        return
    done = None if showing.show else in_blocks(given, steps, io, compat, cluster)
    if done is not None:
        if recipes.save_steps:
            recipe.save(recipes.save_steps, done.records, ending)
        if _has_room(writing, verbosity):
            _show_layers(done.shape, done.layout, steps, writing)
        return
    before = take_in(given, io.reading, verbosity, compat, steps=steps, also_read=also, target=writing)
    validate(steps, before.shape, before.layout)
    stages = [before, *through(steps, before, lambda feature_map, step: step.apply(feature_map))]
    if writing.output == "-" and writing.chosen_format == "table":
        _show_layers(before.shape, before.layout, steps, writing, stages)
    showing.draw(writing, stages, ["input", *(f"{number} {step.name}" for number, step in numbered(steps))])
    tabled = ("precision",) if _has_room(writing, verbosity) else ()
    notes: list[str | Phrase] = [*writing.told_of_tables(tabled), *about_missing(stages[-1], steps, io.reading)]
    for note in notes:
        io.out.note(note)
    deliver(before, stages[-1], io, compat)
    if recipes.save_steps:  # once there is a result: it may fit no format
        recipe.save(recipes.save_steps, stages[-1].steps[len(before.steps) :], ending)
    if _has_room(writing, verbosity):
        _show_layers(before.shape, before.layout, steps, writing, stages)


def _check_saved(inputs: Sequence[str], recipes: Recipes, writing: Writing) -> None:
    """Refuse a file for the steps that cannot be written, or that is an input or the output."""
    if recipes.save_steps:
        check_target_apart(recipes.save_steps, inputs, overwrite=writing.overwrite)
        if os.path.realpath(recipes.save_steps) == os.path.realpath(writing.output):
            raise UsageError(
                f"{writing.output} cannot hold both the result and the steps", "choose another name for --save-steps"
            )


def _has_room(writing: Writing, verbosity: Verbosity) -> bool:
    """Whether standard output is free for the layer table, because the result goes to a file."""
    in_file = writing.output != "-" and descriptor_of(writing.output) != 1
    return in_file and not verbosity.quiet and not sys.stdout.closed


def _show_layers(
    shape: Sequence[int], layout: str, steps: Sequence[Step], writing: Writing, stages: Sequence[FeatureMap] = ()
) -> None:
    """Print the layer table, with statistics after each step if they are known."""
    from poolcli.render.terminal.layers import layer_table

    rows = summarize(Signal.of(shape, layout), steps)
    last = dict(zip([0, *(number for number, _ in numbered(steps))], stages, strict=False))  # the last stage per row
    statistics = [_statistics(stage, writing.precision) for stage in last.values()]
    heads, room = ("min", "mean", "max") if stages else (), look(writing)
    table: Any = layer_table(rows, ascii_only=room.ascii_only, more=statistics, heads=heads)
    Output(writing.color).table(table, width=room.width)


def _statistics(stage: FeatureMap, precision: int) -> list[str]:
    from poolcli.render.terminal.table import decimal

    values = stage.values
    if not values.size:
        return ["-", "-", "-"]
    return [decimal(value, precision) for value in (values.min(), values.mean(dtype="float64"), values.max())]

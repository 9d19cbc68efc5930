"""Stacks on the command line: ``STEP [OPTIONS] then STEP [OPTIONS] then ...``, each step with its command's options."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from poolcli.cli.checks import piped_in
from poolcli.cli.options.grammar import Command, Group, command, option, variable
from poolcli.cli.options.panels import WINDOW
from poolcli.cli.options.steps import Convolving, UnpoolOptions
from poolcli.cli.options.windows import Windowing
from poolcli.cli.refusals import FILE, ONE_FILE, THEN, is_input, misplaced, refusal
from poolcli.cli.registry import COMMANDS, STACK_INPUTS, build
from poolcli.cli.words import Word, classify, options_of
from poolcli.errors import PoolcliError, UnknownNameError, UsageError
from poolcli.pooling.modes import GLOBALS
from poolcli.steps.shapes import ConvLayer, Dense, Flatten
from poolcli.steps.steps import NormalizeStep, ReluStep, Step
from poolcli.system.portable import shell_word
from poolcli.window import parse_sizes
from poolcli.wording import Phrase, Typed, enumerated

Made = Callable[..., list[Any]]


def conv(convolving: Convolving) -> list[Step]:
    """Convolve with a filter or a kernel."""
    return convolving.steps()


def relu() -> list[Step]:
    """Replace negative values with zero."""
    return [ReluStep()]


def pool(
    window: Windowing, *, indices: bool = option(False, "Record where each value came from.", panel=WINDOW)
) -> list[Step]:
    """Pool windows."""
    step = window.step(indices=indices)
    window.refuse_idle(step)
    return [step]


def unpool(unpooling: UnpoolOptions) -> list[Step]:
    """Put pooled values back where their indices say."""
    return [unpooling.step()]


def normalize(
    *,
    low: float = option(0.0, "The smallest value of the result.", panel=WINDOW, metavar="X"),
    high: float = option(1.0, "The largest value of the result.", panel=WINDOW, metavar="X"),
) -> list[Step]:
    """Stretch the values linearly."""
    return [NormalizeStep(low, high)]


class Sizes(Group, panel=WINDOW):
    """A convolution known by its sizes alone."""

    filters: int | None = option(
        None, "The number of filters, each over all channels.", kind=int, usual="1", metavar="N"
    )
    size: str | None = option(None, "Kernel size in cells.", "-k", usual="3", metavar="N|HxW")


def sized_conv(sizes: Sizes, convolving: Convolving) -> list[Any]:
    """Convolve with a filter, or with filters of given sizes."""
    if convolving.kernel is not None:
        if sizes.filters is not None or sizes.size is not None:
            raise UsageError("--filter and --filters or --size cannot be combined", "a named filter has its own size")
        return convolving.steps()
    filters = 1 if sizes.filters is None else sizes.filters
    return [ConvLayer(filters, parse_sizes(sizes.size or "3", "size"), **convolving.window()), *convolving.activation()]


def flatten() -> list[Any]:
    """Merge all axes but N into one."""
    return [Flatten()]


def dense(*, units: int = option(1, "The number of outputs.", panel=WINDOW, metavar="N")) -> list[Any]:
    """Connect every input to every output."""
    return [Dense(units)]


def global_pool(window: Windowing) -> list[Step]:
    """Pool the whole map."""
    step = window.but(global_window=True).step()
    window.refuse_idle(step)
    return [step]


RUNNABLE: Mapping[str, Made] = {
    "conv": conv, "relu": relu, "pool": pool, "global": global_pool, "unpool": unpool, "normalize": normalize,
}  # fmt: skip
SUMMARIZED: Mapping[str, Made] = {
    "conv": sized_conv, "relu": relu, "pool": pool, "global": global_pool, "flatten": flatten, "dense": dense,
}  # fmt: skip
SHAPE = r"[0-9]+(x[0-9]+)+"  # of a map, for summary
SIGNS = ",;"  # that people write behind a step
BETWEEN = (*SIGNS, "|", "+", "&", "->", "=>", "and", THEN)  # what people write between steps


def with_input(arguments: Sequence[str], names: Mapping[str, Made], own: Command) -> list[str]:
    """Add ``-`` where INPUT is missing and something is piped in, which other commands read then as well."""
    options = options_of(own)
    words = classify(arguments, options)
    first = next((place for place, word in enumerate(words) if not word.flag), len(words))
    if any(word.text == word.value and is_input(word, options) for word in words[:first]):
        lacks = False  # INPUT stands in the place of a value
    elif first == len(words):
        lacks = variable("--steps") in os.environ or any(word.flag == "--steps" for word in words)
    else:
        lacks = _begins(arguments[first], names) and not _late_input(arguments[first:], names, own)
    piped = ["-"] if lacks and piped_in() else []
    return [*arguments[:first], *piped, *arguments[first:]]


def _begins(word: str, names: Mapping[str, Made]) -> bool:
    """Whether the first argument is a step, in the place of INPUT."""
    return _is_step(word, names) and not os.path.lexists(word)


def _late_input(arguments: Sequence[str], names: Mapping[str, Made], own: Command) -> str:
    """Return the first argument that looks like an INPUT, if any."""
    given = (word.text for word in classify(arguments, all_options(names, own)) if not word.flag)
    wanted = "|".join(("-", FILE, *([SHAPE] if own.name == "summary" else [])))
    return next((text for text in given if os.path.isfile(text) or re.fullmatch(wanted, text)), "")


def all_options(names: Mapping[str, Made], own: Command) -> dict[str, Any]:
    """Return the options of a command and of all its steps."""
    options = options_of(own)
    for name, function in names.items():
        options |= options_of(_built(name, function))
    return options


def split(arguments: Sequence[str], names: Mapping[str, Made], own: Command) -> tuple[list[str], list[list[str]]]:
    """Split a command line into the words of the command itself, and the steps between the words ``then``.

    The first step is the first argument after INPUT. Options after the last step belong to the command if the step does
    not have them.
    """
    options = options_of(own)
    given = ""
    for index, word in enumerate(classify(arguments, options)):
        if word.flag:
            if word.flag not in (*options, "--", "--help", "-h"):
                _refuse_early(word, index, arguments, names, own)
                return list(arguments), []  # Typer refuses it
            continue
        if given and _is_step(word.text, names):
            break
        if _begins(word.text, names):
            name, late = str(own.name), _late_input(arguments[index:], names, own)
            steps = [text for text in arguments[index:] if text != late]
            line = " ".join(map(shell_word, [name, *arguments[:index], late or STACK_INPUTS[name], *steps]))
            such = Phrase("such as: {input}", input=Typed(f"poolcli {line}"))
            raise UsageError("INPUT is missing before the first step", such)
        if given:
            raise _unknown(given if not os.path.lexists(given) and _owner(given, names) else word.text, names)
        given = word.text
    else:
        return list(arguments), []
    stages: list[list[str]] = [[]]
    for text in arguments[index:]:
        if text == THEN:
            stages.append([])
        else:
            stages[-1].append(text)
    stages[-1], behind = _parted(stages[-1], names, options)
    return [*arguments[:index], *behind], stages


def _is_step(word: str, names: Mapping[str, Made]) -> bool:
    return word.rstrip(SIGNS) in names or word.startswith("global-")


def _unknown(word: str, names: Mapping[str, Made]) -> UnknownNameError:
    """Return the error for a word that is no step, with the option whose value it is."""
    owner = _owner(word, names)
    if owner or os.path.isfile(word):
        return UnknownNameError("step", word, (), otherwise=f"write {owner} {word}" if owner else ONE_FILE)
    return UnknownNameError("step", word, [*names, *GLOBALS])


def _owner(word: str, names: Mapping[str, Made]) -> str:
    """Return the step and its option that a word is a value of, if any."""
    for name, function in names.items():
        for flag, one in options_of(_built(name, function)).items():
            if word in one.offers("") and flag.startswith("--"):
                return f"{name} {flag}"
    return ""


def _refuse_early(
    word: Word, index: int, arguments: Sequence[str], names: Mapping[str, Made], own: Command
) -> None:  # fmt: skip
    """Refuse an option of a step before the step or without one, and name a step that has it."""
    steps = [given for given in arguments[index:] if _is_step(given, names)]
    owners = (name for name in (*steps[:1], "pool", *names) if name in names)
    owner = next((name for name in owners if word.flag in options_of(_built(name, names[name]))), "")
    if not owner:
        return
    if "--steps" in options_of(own) and any(given.partition("=")[0] == "--steps" for given in arguments):
        name = word.flag.removeprefix("--")
        raise UsageError(f"{word.flag} belongs to a step of the recipe", f"change it with --set {owner}.{name}=VALUE")
    itself = word.flag.removeprefix("--")
    if itself in names and owner not in ("pool", *steps):  # relu; but pool --global works
        line = " ".join(map(shell_word, [str(own.name), *arguments[:index], itself, *arguments[index + 1 :]]))
        behind = f"write it as a step: {itself} {THEN} {steps[0]}" if steps else f"it is a step: poolcli {line}"
        raise UsageError(f"{word.flag} stands without its step", behind)
    if steps:
        takes = word.value is None and not options_of(_built(owner, names[owner]))[word.flag].is_flag
        moved = " ".join(map(shell_word, arguments[index : index + 1 + takes]))
        raise UsageError(f"{word.flag} stands before its step", f"write it after the step: {owner} {moved}")
    if index:
        line = " ".join(map(shell_word, [str(own.name), *arguments[:index], owner, *arguments[index:]]))
        raise UsageError(f"{own.name} needs a step for {word.flag}", f"poolcli {line}")


def _parted(words: list[str], names: Mapping[str, Made], own: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Split the words of the last stage into those of its step and those of the command."""
    name = "global" if words and words[0].startswith("global-") else "".join(words[:1])
    if name not in names:
        return words, []
    step = options_of(_built(name, names[name]))
    kept, behind = words[:1], words[:0]
    for word in classify(words[1:], {**own, **step}):
        (behind if word.flag in own and word.flag not in step else kept).append(word.text)
    return kept, behind


@cache
def _built(name: str, function: Made) -> Command:
    return command(name, function)


def parse_stage(words: Sequence[str], names: Mapping[str, Made], number: int) -> list[Any]:
    """Turn the words of one step into steps; every error names the step."""
    import typer

    if not words:
        raise UsageError(f"step {number} is empty", "write a step between one `then` and the next")
    name, *rest = words
    if name.startswith("global-"):
        name, rest = "global", ["--mode", name.removeprefix("global-"), *rest]
    if name not in names:
        unknown = _unknown(name, names)
        unknown.advice = _parted_by_then(name, classify(rest, {}), names) or unknown.advice
        unknown.at(f"step {number}")
        raise unknown
    step = _built(name, names[name])
    try:
        with step.make_context(name, list(rest)) as context:
            made: list[Any] = context.command.invoke(context)
    except typer.TyperException as problem:
        options = options_of(step) | ({"-o": None} if names is RUNNABLE else {})  # after the last step
        typed = classify(rest, options)
        refused = refusal(
            problem, _help(problem, name, names), f"step {number} ({name}): ", options=options, words=typed
        )
        refused.advice = _parted_by_then(words[0], typed, names) or refused.advice
        raise refused from None
    except PoolcliError as problem:
        options = options_of(step)
        typed = classify(rest, options)
        problem.advice = misplaced(problem, typed, options) or problem.advice
        problem.at(f"step {number} ({name})")
        raise
    return made


def _parted_by_then(name: str, words: Sequence[Word], names: Mapping[str, Made]) -> str:
    """Return the hint for steps in a row without ``then``, or with another sign between them."""
    parted = [name]
    for word in words:
        if not word.flag and _is_step(word.text, names):
            while len(parted) > 1 and parted[-1].lower() in BETWEEN:
                parted.pop()
            parted[-1:] = [parted[-1].rstrip(SIGNS), THEN]
        parted.append(word.text)
    return f"write then between steps: {' '.join(map(shell_word, parted))}" if THEN in parted else ""


def _help(problem: Any, name: str, names: Mapping[str, Made]) -> str:
    """Say where an option belongs, which command's help explains those of a step, or list them if none has them all."""
    step, flag = _built(name, names[name]), getattr(problem, "option_name", "")
    if having := [one for one in names if flag in options_of(_built(one, names[one]))]:
        return f"{enumerated(having)} {'has' if len(having) == 1 else 'have'} {flag}"
    if flag in options_of(build("run" if names is RUNNABLE else "summary")):
        return f"write {flag} before INPUT or after the last step"
    if name in COMMANDS and options_of(step).keys() <= options_of(build(name)).keys():
        return f"see: poolcli {name} --help"
    flags = [flag for flag in options_of(step) if flag.startswith("--") and flag != "--help"]
    return f"the options of {name} are {', '.join(flags)}" if flags else f"{name} has no options"


def parse_stack(stages: Sequence[Sequence[str]], names: Mapping[str, Made]) -> list[Any]:
    """Turn the stages of a command line into steps."""
    return [step for number, words in enumerate(stages, 1) for step in parse_stage(words, names, number)]


def settings() -> dict[str, list[Any]]:
    """Return the environment variables that poolcli uses, each with the options that it sets."""
    steps = (_built(name, function) for table in (RUNNABLE, SUMMARIZED) for name, function in table.items())
    found: dict[str, list[Any]] = {"POOLCLI_DEBUG": []}
    for one in (one for made in (*map(build, COMMANDS), *steps) for one in made.params if one.envvar):
        found.setdefault(str(one.envvar), []).append(one)
    return found

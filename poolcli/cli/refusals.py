"""What is wrong with a command line, and what to type instead."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from poolcli.cli.registry import COMMANDS, build
from poolcli.cli.words import INPUT, SWITCH, Line, Word, classify, options_of, spoken, told, typed
from poolcli.errors import NEAR, FileError, PoolcliError, UsageError
from poolcli.system.files import SECOND_NUMBER
from poolcli.system.portable import shell_word
from poolcli.wording import ELSEWHERE, UNLIKE, Instead, Phrase, enumerated, safe

# --- words in the wrong place -----------------------------------------------------------------------------------------


def amend(problem: PoolcliError, line: Line) -> None:
    """Give an error the hint to type, also where words of the line stand in a wrong place and it blames another."""
    words = classify(line.words, line.options)[: None if line.bare else line.where + 1]  # a stack has steps behind
    problem.advice = _misread(problem, line) or spoken(problem.advice, line)
    valued = _valued(words, line.options)
    if valued and isinstance(problem, FileError | UsageError):
        problem.text, problem.advice = valued
    else:
        problem.advice = misplaced(problem, words, line.options) or problem.advice


def blame_variables(problem: PoolcliError, words: Sequence[str], options: Mapping[str, Any]) -> None:
    """Name the environment variables that gave what an error names."""
    said = {name for word in classify(words, options) for name in getattr(options.get(word.flag), "opts", ())}
    for option in dict.fromkeys(filter(None, options.values())):
        value, flag = os.environ.get(str(option.envvar), ""), max(option.opts, key=len)
        text = told(problem.text)
        named = re.search(rf"{flag}(?![\w-])", text) or repr(value) in text
        if value and named and not said & {*option.opts} and option.envvar not in text:
            problem.text = problem.text + f"; {option.envvar}={safe(value)} sets {flag}"


def misplaced(problem: PoolcliError, words: Sequence[Word], options: Mapping[str, Any]) -> str:
    """Return the hint for an error about a name without its option or behind another; else nothing."""
    named = {name: way for name, way in _names(words, options).items() if _named_in(problem, name)}
    return _with_options(named) if named and isinstance(problem, FileError | UsageError) else ""


def _valued(words: Sequence[Word], options: Mapping[str, Any]) -> tuple[str, str] | None:
    """Return what is wrong and what to type where a switch got a value: ``--relu true``, ``--relu=false``."""
    for word, after in pairwise([*words, Word("")]):
        option, flag = options.get(word.flag), word.flag
        value = word.value if word.text.startswith("--") else None
        if value is None and not after.flag and after.text.lower() in SWITCH and not os.path.lexists(after.text):
            value = after.text
        if option is not None and option.is_flag and value:
            others = option.secondary_opts if flag in option.opts else option.opts
            otherwise = f"write {max(others, key=len)}" if others else f"leave out {flag}"
            on = SWITCH.get(value.lower(), True)
            return f"{flag} takes no value: {value}", f"write {flag} alone" if on else otherwise
    return None


def _names(words: Sequence[Word], options: Mapping[str, Any]) -> dict[str, str]:
    """Return names without their option, or behind one that takes more than its own, each with how to write it."""
    if THEN in [word.text.lower() for word in words]:  # relu is a step here
        return {}
    each = [*dict.fromkeys(filter(None, options.values()))]
    found = {}
    for word in words:
        text, own = word.text, options.get(word.flag)
        if word.flag:
            text = word.value if word.value and own and own.free and own.offers("") else ""
        elif os.path.lexists(text):
            continue
        elif f"--{text}" in options:
            found[text] = f"--{text}"
            continue
        owners = [one for one in each if text and text in one.offers(text)]
        if owners and own not in owners:
            ways = [f"{max(one.opts, key=len)} {_listed(one, text, words, options)}" for one in owners]
            found[text] = ", or ".join(ways)
    return found


def _listed(option: Any, text: str, words: Sequence[Word], options: Mapping[str, Any]) -> str:
    """Return a name, in a list with those that the option has if it takes several."""
    if not (option.metavar or "").endswith(",..."):
        return text
    values = [word.value for word in words if word.value and options.get(word.flag) is option]
    alone = [word.text for word in words if not word.flag and word.text in option.offers(word.text)]
    return ",".join(value.rstrip(",") for value in [*values, *alone])


def _with_options(named: Mapping[str, str]) -> str:
    """Return the hint for names: each option once."""
    ways: dict[str, str] = {}
    for way in named.values():
        ways.setdefault(way.partition(" ")[0], way)
    return f"use {' '.join(ways.values())}"


def _misread(problem: PoolcliError, line: Line) -> str:
    """Return the hint for an INPUT that became the value of an option; else nothing."""
    words = classify(line.words, line.options)
    before, after = words[: line.where], words[line.where :]
    asks = isinstance(problem.advice, Phrase) and "input" in problem.advice.names
    if after and not (asks and isinstance(problem, UsageError)):  # the step of a stack may stand in its place
        return ""
    for place, word in enumerate(before):
        if word.text == word.value and is_input(word, line.options) and (asks or _named_in(problem, word.text)):
            rest = [*line.words[:place], "VALUE", *line.words[place + 1 : line.where], word.text]
            again = " ".join(map(shell_word, ["poolcli", line.name, *rest, *line.words[line.where :]]))
            return f"{word.flag} took {word.text} as its value; give it one: {again}"
    return ""


def is_input(value: Word, options: Mapping[str, Any]) -> bool:
    """Whether a value is a file, where the option takes none."""
    metavar = options[value.flag].metavar or ""
    return "FILE" not in metavar and metavar != "PATH" and os.path.isfile(value.text)


def _named_in(problem: PoolcliError, value: str) -> bool:
    return re.search(rf"(?<!\w){re.escape(value)}(?!\w)", problem.message) is not None


# --- errors of Typer --------------------------------------------------------------------------------------------------

EXTRA = r"(?s)Got unexpected extra argument\(s\) \((.*)\)"
GLUED = r"Option '(.*)' does not take a value\."
SAID = {  # what Typer says, and how we say it
    r"No such option": "no such option",
    r"(?s)Invalid value for '(--[\w-]+)' \(env var: '(\w+)'\): (.*) is not a valid int(eger)?\.":
        r"\1 (or \2): \3 is not a whole number",
    r"(?s)Invalid value for '(--[\w-]+)' \(env var: '(\w+)'\): (.*) is not 1 or 0\.": r"\1 (or \2): \3 is not 1 or 0",
    r"(?s)Invalid value for '(--[\w-]+)' \(env var: '(\w+)'\): (.*) is not a valid float\.":
        r"\1 (or \2): \3 is not a number",
    r"Option '(.*)' requires an argument\.": r"\1 needs a value",
    r"Missing argument '(.*)'\.": r"\1 is missing",
}  # fmt: skip
THEN = "then"  # between the steps of a stack
FILE = r"[^ ]+\.[A-Za-z0-9]+"  # such as OUT in: convert IN OUT
MOST_NAMED = 200  # characters of the files in a message and in a hint
ONE_FILE = "give one file at a time"
MOST_COMMANDS = 3  # in a hint
NO_OPTIONS = {"--html": Instead("explain", output="page.html")}  # options that people try, and the command instead
TYPED_ELSEWHERE = {
    "out": "output",
    "outfile": "output",
}


def refusal(
    problem: Any, hint: str, where: str = "", *, lacking: str | Phrase = "", options: Mapping[str, Any] = {},
    words: Sequence[Word] = (),
) -> UsageError:  # fmt: skip
    """Return poolcli's error for a `TyperException`, whose kinds differ by their attributes.

    `where` is the step of a stack, to put in front; `lacking` is the hint for a missing argument.
    """
    advice: str | Phrase = hint
    if hasattr(problem, "possibilities"):  # Typer compares options including their dashes
        advice = _other_option(problem, options, stack=bool(where)) or hint
        file = next((one.text for one in words if one.flag == problem.option_name and os.path.isfile(one.text)), "")
        if file:
            advice, problem.possibilities = f"write ./{shell_word(file)} for the file", []
    said = problem.format_message()
    extra = re.fullmatch(EXTRA, said)
    if (extra or re.fullmatch(GLUED, said)) and (valued := _valued(words, options)):
        return UsageError(where + valued[0], valued[1])
    if hasattr(problem, "param_type"):
        advice = lacking or hint
    if extra:
        given = [word.text for word in words if not word.flag]
        if named := {name: way for name, way in _names(words, options).items() if name in given}:
            return UsageError(f"{where}unexpected: {' '.join(named)}", _with_options(named))
        advice = _for_extra(extra[1], [] if where else given, options) or hint
        said = f"unexpected: {safe(extra[1], MOST_NAMED)}"
    for theirs, ours in SAID.items():
        said = re.sub(theirs, ours, said, count=1)
    return UsageError(where + said, advice)


def _other_option(problem: Any, options: Mapping[str, Any], *, stack: bool) -> str | Phrase:
    """Suggest the nearest options, translate the name that another library uses, or name the commands that have it."""
    from difflib import get_close_matches

    if problem.option_name in NO_OPTIONS and not stack:
        return Phrase("{call}", call=NO_OPTIONS[problem.option_name])
    name = problem.option_name.lstrip("-").partition("=")[0]
    near = {flag.lstrip("-"): flag for flag in problem.possibilities or ()}
    begun = [one for one in near if one.startswith(f"{name}-")]
    problem.possibilities = [near[one] for one in get_close_matches(name, near, cutoff=NEAR) or begun]
    word = name.replace("-", "_")
    if word in UNLIKE and all(typed(one, None) in options for one in UNLIKE[word].names):
        return UNLIKE[word]
    ours = {**ELSEWHERE, **TYPED_ELSEWHERE}.get(word, word)
    flag = next((one for one in (typed(ours, None), typed(word, None)) if one in options), "")
    if flag:
        problem.possibilities = []
        return f"--{name} is {flag} here"
    having = [] if stack or problem.possibilities else commands_with(problem.option_name)
    if not having:
        return ""
    named = [f"poolcli {one}" for one in having[:MOST_COMMANDS]] + ["others"] * (len(having) > MOST_COMMANDS)
    return f"{enumerated(named)} {'has' if len(having) == 1 else 'have'} {problem.option_name}"


def commands_with(flag: str) -> list[str]:
    """Return the commands that have an option."""
    return [name for name in COMMANDS if flag in options_of(build(name))]


def _for_extra(names: str, inputs: Sequence[str], options: Mapping[str, Any]) -> str:
    """Return the hint for extra arguments: several inputs are a batch, the name of no file is an output."""
    if THEN in map(str.lower, inputs):
        first = inputs[0] if os.path.exists(inputs[0]) else INPUT
        return f"several steps: poolcli run {shell_word(first)} STEP [OPTIONS] then STEP [OPTIONS]"
    if len(inputs) > 1 and inputs[0].isdecimal() and not os.path.lexists(inputs[0]):
        return SECOND_NUMBER.format(inputs[0])
    if len(inputs) > 1 and all(map(os.path.exists, inputs)):
        if "--input-format" not in options:  # batch pools maps, not models
            return ONE_FILE
        named = " ".join(map(shell_word, inputs))
        return f"one at a time, or all of them: poolcli batch {named if len(named) < MOST_NAMED else 'FILES'} -o FOLDER"
    if re.fullmatch(FILE, names) and not os.path.lexists(names) and "-o" in options:
        return f"-o {shell_word(names)} writes the result there"
    return ""

"""JSON Lines: each line is a map, answered as soon as it arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from poolcli.cli.checks import check_target_apart, chosen_input, files_read
from poolcli.cli.options.files import FOR_TABLES, HEEDED_BY_ALL
from poolcli.cli.options.grammar import refuse_idle
from poolcli.errors import PoolcliError, UsageError
from poolcli.formats.registry import find_format
from poolcli.system.files import STDIN_NAME, lines_of_source
from poolcli.wording import Phrase, many

if TYPE_CHECKING:
    from poolcli.cli.options.files import StepIO
    from poolcli.featuremap import FeatureMap
    from poolcli.steps.steps import Step

JSON = "json"


def line_by_line(
    given: str | None, steps: Sequence[Step], io: StepIO, compat: str | None,
    prepare: Callable[[FeatureMap], FeatureMap] | None, also_read: Sequence[str] = (),
) -> None:  # fmt: skip
    """Write the result of each line; results before a bad line appear on standard output, but not in a file."""
    source, target = chosen_input(given), io.writing.output
    check_target_apart(target, [*files_read(source, steps), *also_read], overwrite=io.writing.overwrite)
    _check_formats(io)
    from poolcli.steps.lines import LineByLine

    name = STDIN_NAME if source == "-" else source
    made = LineByLine(steps, io.reading.options(compat), name, prepare)
    count = 0

    def results() -> Iterator[bytes]:
        nonlocal count
        for lines in lines_of_source(source):
            done: list[bytes] = []
            try:
                for line in lines:
                    count += 1
                    if line and not line.isspace():
                        done.append(made(line, count))
            except PoolcliError:
                yield b"".join(done)
                raise
            yield b"".join(done)

    io.out.put(results(), target)
    io.out.guessed(name, made.notes)
    io.out.wrote(target, f"JSON Lines: {many(count, 'map')}")


def without_lines(options: Mapping[str, object]) -> None:
    """Refuse options for a single map if they are given."""
    for flag, given in options.items():
        if given:
            raise UsageError(f"{flag} is for one map, not for lines of them", f"leave out {flag}, or --lines")


def _check_formats(io: StepIO) -> None:
    """Refuse input and output formats other than JSON."""
    reading, writing = io.reading, io.writing
    reading.refuse_idle("lines of JSON", HEEDED_BY_ALL)
    refuse_idle(writing.changed(*FOR_TABLES), "lines of JSON")
    if reading.input_format and find_format(reading.input_format).name != JSON:
        raise UsageError(f"--lines reads JSON, not {reading.input_format}", "leave out --input-format, or --lines")
    if (writing.output != "-" or writing.format) and writing.chosen_format != JSON:
        other = Phrase("leave out --format") if writing.output == "-" else Phrase("{output}", output="out.jsonl")
        raise UsageError(f"--lines writes JSON, not {writing.chosen_format}", other + ", or leave out --lines")

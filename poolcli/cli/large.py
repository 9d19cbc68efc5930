"""Inputs larger than memory, processed block by block."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from poolcli.cli.checks import check_output, files_read
from poolcli.cli.progress import values
from poolcli.cli.signals import ending, raising
from poolcli.errors import FileError, UsageError
from poolcli.formats.registry import BANDED, Banded
from poolcli.steps.steps import with_threads
from poolcli.system.files import ZARR, same_file
from poolcli.system.threads import threads
from poolcli.window import times
from poolcli.wording import Phrase

if TYPE_CHECKING:
    from poolcli.cli.options.files import ClusterOptions, InputOutput
    from poolcli.large.chain import Chain
    from poolcli.steps.steps import Step

LARGE = 1 << 26  # bytes; larger files are not read completely


class Done(NamedTuple):
    """A finished run: the input's shape and layout, and the records of the steps."""

    shape: tuple[int, ...]
    layout: str
    records: list[dict[str, Any]]


def in_blocks(
    source: str,
    steps: Sequence[Step],
    io: InputOutput,
    compat: str | None = None,
    cluster: ClusterOptions | None = None,
) -> Done | None:
    """Run the steps block by block if needed: for Zarr arrays, and from large CSV or ``.npy`` files to such files."""
    scheduler = cluster.scheduler if cluster else None
    if _may_be_zarr(source) or _may_be_zarr(io.writing.output):  # cheap, before importing anything
        from poolcli.large.zarr_arrays import is_zarr

        if is_zarr(source) or is_zarr(io.writing.output):
            return _with_zarr(source, steps, io, compat, scheduler)
    if scheduler:
        raise UsageError("--scheduler is for Zarr arrays", "for many files: poolcli batch --scheduler")
    large = os.path.isfile(source) and os.path.getsize(source) >= LARGE
    return _banded(source, steps, io, compat) if large else None


def _may_be_zarr(path: str) -> bool:
    return path.rstrip("/").endswith(ZARR) or os.path.isdir(path)


def _with_zarr(source: str, steps: Sequence[Step], io: InputOutput, compat: str | None, scheduler: str | None) -> Done:
    from poolcli.large.sources import source_of
    from poolcli.large.zarr_arrays import ZarrSource, check_zarr_target, is_zarr, to_zarr

    target = io.writing.output
    if same_file(source, target):
        raise UsageError(f"the output {target} is the input {source}", "choose another name")
    if is_zarr(target):
        check_zarr_target(target)
    else:
        check_output(files_read(source, steps), io.writing)
    options = io.reading.options(compat)
    if options.missing:
        raise UsageError("--missing is not for Zarr arrays", "write NaN into the array, or leave --missing out")
    if is_zarr(source):
        io.reading.refuse_idle("a Zarr array", ("layout", "missing"))
        found: Any = ZarrSource(source, options.layout, last=options.channels_last)
    else:
        found = source_of(source, options, floats=compat is not None)
    if found is None or not hasattr(found, "path"):
        raise UsageError(f"{source} cannot become a Zarr array block by block", "use a Zarr array or an .npy file")
    alone = with_threads(steps, 1)  # the blocks of a Zarr array already run in parallel
    chain = _chain(alone if is_zarr(target) else steps, found)
    _say_notes(found, io)
    if not is_zarr(target):
        if target == "-" or io.writing.chosen_format not in BANDED:
            kinds = ", ".join(BANDED)
            raise UsageError(f"a Zarr array goes to Zarr or one of {kinds}", Phrase("add {output}", output="out.zarr"))
        return _in_sequence(chain, found, io)
    record = {"layout": found.known.layout, "steps": [*found.steps, *(dict(stage.record) for stage in chain.stages)]}
    from logging import CRITICAL, getLogger

    getLogger("asyncio").setLevel(CRITICAL + 1)  # of Zarr's loop, which also raises what matters
    with raising():  # threads and workers must stop before the folder is removed
        to_zarr(chain, found, target, record, workers=threads(io.verbosity.threads), scheduler=scheduler)
    return _told(chain, found, io)


def _banded(source: str, steps: Sequence[Step], io: InputOutput, compat: str | None) -> Done | None:
    """Process a large file band by band, if its format, the steps and the target's format allow that."""
    from poolcli.large.chain import NotInBlocksError
    from poolcli.large.sources import source_of

    kind = io.writing.chosen_format
    if io.writing.output == "-" or kind not in BANDED:
        return None
    check_output(files_read(source, steps), io.writing)
    found = source_of(source, io.reading.options(compat), floats=compat is not None)
    if found is None:
        return None
    try:
        chain = _chain(steps, found)
    except NotInBlocksError:
        return None
    if _unfit(chain, found.known.back, kind):
        return None  # the writer of complete arrays may do it, or raises the right error
    _say_notes(found, io)
    return _in_sequence(chain, found, io)


def _say_notes(found: Any, io: InputOutput) -> None:
    """Print the guesses, with ``-v``."""
    io.out.guessed(found.name, (*found.known.notes, f"shape {times(found.known.shape)}, read in blocks"))


def _chain(steps: Sequence[Step], found: Any) -> Chain:
    from poolcli.large.chain import Chain

    return Chain.of(steps, found.known.inner, found.known.ndim, found.known.dtype)


def _unfit(chain: Chain, order: Sequence[int], kind: str) -> str | None:
    """Return why a result cannot be written as text block by block."""
    from poolcli.large.chain import in_order

    if kind == "npy":
        return None
    if len(chain.shape) > 2:
        return "CSV holds rows and columns only"
    cut = in_order(chain, order)[order[-1]] < chain.shape[order[-1]]
    return "a block is less than a row of CSV" if cut else None


def _in_sequence(chain: Chain, found: Any, io: InputOutput) -> Done:
    from poolcli.large.chain import in_sequence

    writing, verbosity = io.writing, io.verbosity
    order = found.known.back
    shape = tuple(chain.shape[axis] for axis in order)
    if why := _unfit(chain, order, writing.chosen_format):
        raise FileError(f"{writing.output}: {why}", Phrase("{output}", output="out.npy"))
    bar = values(math.prod(shape), quiet=verbosity.quiet)
    form = BANDED[writing.chosen_format]
    with bar as tell, form.band_writer(writing.output, shape, chain.result, ending) as write:

        def take(block: Any) -> None:
            write(block.reshape(-1, block.shape[-1]))
            tell(block.size)

        in_sequence(chain, found.read, order, take)
    return _told(chain, found, io, form)


def _told(chain: Chain, found: Any, io: InputOutput, form: Banded | None = None) -> Done:
    """Report what was written, and return the finished run."""
    shape = [chain.shape[axis] for axis in found.known.back]
    io.out.wrote(io.writing.output, form.holds(shape, chain.result) if form else f"{times(shape)} {chain.result}")
    return Done(found.known.shape, found.known.layout, [dict(stage.record) for stage in chain.stages])

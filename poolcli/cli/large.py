"""Inputs larger than memory: what to do block by block, and how to say so."""

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

LARGE = 1 << 26  # bytes of a file from which it is not read whole


class Done(NamedTuple):
    """What was done block by block: the input's shape and layout, and the records of the steps."""

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
    """Do the steps block by block if the input or the output asks for it; return what was done, if anything.

    A Zarr array asks for it, and so does a large file of CSV or ``.npy`` that goes to such a file.
    """
    scheduler = cluster.scheduler if cluster else None
    if _may_be_zarr(source) or _may_be_zarr(io.writing.output):  # a cheap look, before anything is imported
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
    alone = with_threads(steps, 1)  # blocks of a Zarr array are beside each other and use the processors by themselves
    chain = _chain(alone if is_zarr(target) else steps, found)
    _say_notes(found, io)
    if not is_zarr(target):
        if target == "-" or io.writing.chosen_format not in BANDED:
            advice = Phrase("add {output}", output="out.zarr")
            raise UsageError("a Zarr array goes to a Zarr array or an .npy file", advice)
        return _in_sequence(chain, found, io)
    record = {"layout": found.known.layout, "steps": [*found.steps, *_records(chain)]}
    from logging import CRITICAL, getLogger

    getLogger("asyncio").setLevel(CRITICAL + 1)  # zarr's loop; what matters comes as an exception
    with raising():  # threads and workers have to be told before the folder can go
        to_zarr(chain, found, target, record, workers=threads(io.verbosity.threads), scheduler=scheduler)
    return _told(chain, found, io)


def _banded(source: str, steps: Sequence[Step], io: InputOutput, compat: str | None) -> Done | None:
    """Do a large file band by band, if its format, its steps and the target's format allow."""
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
        return None  # the writer of whole arrays can do it, or knows what to say
    _say_notes(found, io)
    return _in_sequence(chain, found, io)


def _say_notes(found: Any, io: InputOutput) -> None:
    """State what was guessed, with ``-v``."""
    io.out.guessed(found.name, (*found.known.notes, f"shape {times(found.known.shape)}, read in blocks"))


def _chain(steps: Sequence[Step], found: Any) -> Chain:
    from poolcli.large.chain import Chain

    return Chain.of(steps, found.known.inner, found.known.ndim, found.known.dtype)


def _unfit(chain: Chain, order: Sequence[int], kind: str) -> str | None:
    """Say why a result cannot become a file of text block by block."""
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

        in_sequence(chain, found, order, take)
    return _told(chain, found, io, form)


def _records(chain: Chain) -> list[dict[str, Any]]:
    return [dict(stage.record) for stage in chain.stages]


def _told(chain: Chain, found: Any, io: InputOutput, form: Banded | None = None) -> Done:
    """Say what was written, and return what was done."""
    shape = [chain.shape[axis] for axis in found.known.back]
    io.out.wrote(io.writing.output, form.holds(shape, chain.result) if form else f"{times(shape)} {chain.result}")
    return Done(found.known.shape, found.known.layout, _records(chain))

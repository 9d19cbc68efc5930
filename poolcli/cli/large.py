"""Inputs larger than memory: what to do block by block, and how to say so."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

from poolcli.cli.console import say
from poolcli.cli.grammar import Group, option
from poolcli.errors import FileError, UsageError

if TYPE_CHECKING:
    from poolcli.blocks import Chain
    from poolcli.cli.options import Reading, Talking, Writing
    from poolcli.steps import Step

LARGE = 1 << 26  # bytes of a file from which it is not read whole
TARGETS = ("npy", "csv", "tsv")  # the formats that can be written band by band


class Scaling(Group):
    """Who works on arrays larger than memory."""

    scheduler: Annotated[
        str | None, option("--scheduler", help="Let the workers of a Dask scheduler do the blocks of a Zarr array, "
                           "such as tcp://host:8786.", panel="Work", metavar="ADDRESS")
    ] = None  # fmt: skip


def in_blocks(
    source: str, steps: Sequence[Step], reading: Reading, writing: Writing, talking: Talking,
    compat: str | None = None, scaling: Scaling | None = None,
) -> bool:  # fmt: skip
    """Do the steps block by block if the input or the output asks for it; return whether they are done.

    A Zarr array asks for it, and so does a large file of CSV or ``.npy`` that goes to such a file.
    """
    scheduler = scaling.scheduler if scaling else None
    if _may_be_zarr(source) or _may_be_zarr(writing.output):  # a cheap look, before anything is imported
        from poolcli.stores import is_zarr

        if is_zarr(source) or is_zarr(writing.output):
            _with_zarr(source, steps, reading, writing, talking, compat, scheduler)
            return True
    if scheduler:
        raise UsageError("--scheduler is for Zarr arrays", "for many files: poolcli batch --scheduler")
    return _is_large(source) and _banded(source, steps, reading, writing, talking, compat)


def _may_be_zarr(path: str) -> bool:
    return path.rstrip("/").endswith(".zarr") or os.path.isdir(path)


def _is_large(source: str) -> bool:
    return os.path.isfile(source) and os.path.getsize(source) >= LARGE


def _with_zarr(
    source: str, steps: Sequence[Step], reading: Reading, writing: Writing, talking: Talking, compat: str | None,
    scheduler: str | None,
) -> None:  # fmt: skip
    from poolcli.files import same_file
    from poolcli.kernels.work import threads
    from poolcli.stores import is_zarr, source_of, to_zarr

    target = writing.output
    if same_file(source, target):
        raise UsageError(f"the output {target} is the input {source}", "choose another name")
    found = source_of(source, reading.options(compat), floats=compat is not None)
    if found is None or not hasattr(found, "path"):
        raise UsageError(f"{source} cannot become a Zarr array block by block", "use a Zarr array or an .npy file")
    chain = _chain(steps, found)
    if not is_zarr(target):
        if target == "-" or writing.chosen_format not in TARGETS:
            raise UsageError("a Zarr array goes to a Zarr array or an .npy file", "add -o out.zarr")
        _in_sequence(chain, found, writing, talking)
        return
    record = {"layout": found.known.layout, "steps": [*getattr(found, "record", {}).get("steps", []), *_records(chain)]}
    to_zarr(chain, found, os.path.abspath(target), record, workers=threads(talking.threads), scheduler=scheduler)
    _told(chain, found.known.back, target, talking)


def _banded(
    source: str, steps: Sequence[Step], reading: Reading, writing: Writing, talking: Talking, compat: str | None
) -> bool:
    """Do a large file band by band, if its format, its steps and the target's format allow."""
    from poolcli.blocks import NotInBlocksError
    from poolcli.cli.deliver import check_output, files_read
    from poolcli.stores import source_of

    kind = writing.chosen_format
    if writing.output == "-" or kind not in TARGETS:
        return False
    check_output(files_read(source, steps), writing)
    found = source_of(source, reading.options(compat), floats=compat is not None)
    if found is None:
        return False
    try:
        chain = _chain(steps, found)
    except NotInBlocksError:
        return False
    if kind != "npy" and len(chain.shape) > 2:
        return False  # the writer of whole arrays knows what to say
    if talking.verbose:
        say(f"{source}: {found.known.shape} {found.known.dtype}, layout {found.known.layout}, read in blocks")
    _in_sequence(chain, found, writing, talking)
    return True


def _chain(steps: Sequence[Step], found: Any) -> Chain:
    from poolcli.blocks import Chain

    return Chain.of(steps, found.known.inner, found.known.ndim, found.known.dtype)


def _in_sequence(chain: Chain, found: Any, writing: Writing, talking: Talking) -> None:
    from poolcli.blocks import in_sequence
    from poolcli.formats.bands import band_writer

    talking.start()
    order = found.known.back
    shape = tuple(chain.shape[axis] for axis in order)
    if writing.chosen_format != "npy" and len(shape) > 2:
        raise FileError(f"{writing.output}: CSV holds rows and columns only", "use -o out.npy")
    with band_writer(writing.output, writing.chosen_format, shape, chain.result) as write:
        in_sequence(chain, found, order, lambda block: write(block.reshape(-1, shape[-1])))
    _told(chain, order, writing.output, talking)


def _records(chain: Chain) -> list[dict[str, Any]]:
    return [dict(stage.record) for stage in chain.stages]


def _told(chain: Chain, order: Sequence[int], target: str, talking: Talking) -> None:
    if not talking.quiet:
        say(f"wrote {target} ({'x'.join(str(chain.shape[axis]) for axis in order)} {chain.result})")

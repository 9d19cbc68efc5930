"""Zarr arrays: read in parts, and written block by block as a Dask graph, by threads or by a cluster."""

from __future__ import annotations

import errno
import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import lru_cache, partial
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from poolcli.errors import FileError, InputError, PoolcliError, UsageError
from poolcli.featuremap import parse_layout
from poolcli.large.chain import Box, Chain, along_chunks, boxes, check_blocks, in_order
from poolcli.large.sources import Known
from poolcli.system.cluster import ClusterError, connected
from poolcli.system.files import ZARR, check_target, file_error
from poolcli.system.folders import mend, replaced_folder
from poolcli.system.threads import apart
from poolcli.wording import safe

Array = NDArray[Any]
FILES = ("zarr.json", ".zarray", ".zgroup")  # every Zarr folder, of format 3 or 2, has one of these
LACKING = (None, errno.ENOENT, errno.ENOTDIR, errno.EISDIR)  # the numbers of errors for files that an array lacks
LAST_BLOCKS = 10.0  # seconds to wait for running blocks after giving up
INSTALL = "install it: pip install 'poolcli[zarr]'"
MEND = "correct the attribute poolcli of the array, or remove it"
NAMES_LISTED = 20  # arrays of a group to list
LONGEST_SAID = 300  # characters of zarr's own message


def is_zarr(path: str) -> bool:
    """Whether there is a Zarr array at a path, or its name says that there will be one."""
    return path.rstrip("/").endswith(ZARR) or is_zarr_folder(path)


def is_zarr_folder(path: str | Path) -> bool:
    """Whether this is a folder that holds a Zarr array or group."""
    return any(os.path.isfile(os.path.join(path, name)) for name in FILES)


def _zarr() -> Any:
    try:
        return import_module("zarr")  # untyped, and not always installed
    except ImportError:
        raise UsageError("a Zarr array needs the zarr package", INSTALL) from None


def _asked(call: Callable[[], Any]) -> Any:
    """Let zarr do something where no signal arrives, without warnings: what matters also comes as an exception."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return apart(call)


@lru_cache(maxsize=4)
def _opened(path: str, mode: str, run: str) -> Any:  # noqa: ARG001 -- another run may find another array there
    return _zarr().open_array(path, mode=mode)


@contextmanager
def _translated(verb: str, name: str) -> Iterator[None]:
    """Turn zarr's errors into ours."""
    try:
        yield
    except (PoolcliError, MemoryError):
        raise
    except OSError as problem:
        raise file_error(verb, name, problem) from problem
    except Exception as problem:  # noqa: BLE001 -- each codec has its own
        if "start new thread" in str(problem):  # no memory for its stack
            raise MemoryError(str(problem)) from None
        raise InputError(
            f"cannot {verb} {name}: {type(problem).__name__}: {_line(problem)}", "is it damaged?"
        ) from None


def _line(problem: Exception) -> str:
    """Return another program's message as one line that is not too long."""
    return safe(" ".join(str(problem).split()), LONGEST_SAID)


class ZarrSource:
    """A Zarr array, of format 2 or 3.

    A missing layout is the one in the array's own record, or else follows from the number of axes, with C `last` or
    not.
    """

    def __init__(self, path: str, layout: str | None = None, *, last: bool = False) -> None:
        zarr = _zarr()
        if not os.path.isdir(path):
            mend(Path(os.path.realpath(path)))
        if not os.path.isdir(path):
            raise FileError(f"cannot read {path}: no such folder", "a Zarr array is a folder")
        try:
            found = _asked(partial(zarr.open, path, mode="r"))
            inside = (
                _asked(lambda: sorted(name for name, _ in found.arrays())) if isinstance(found, zarr.Group) else None
            )
        except Exception as problem:
            if isinstance(problem, OSError) and problem.errno not in LACKING:  # nothing is known of the array then
                raise file_error("read", path, problem) from problem
            raise InputError(
                f"{path} is not a Zarr array: {_line(problem)}", "make one with zarr.create_array"
            ) from None
        if inside is not None:
            names = ", ".join(f"{path.rstrip('/')}/{name}" for name in inside[:NAMES_LISTED]) or "nothing"
            more = f" and {len(inside) - NAMES_LISTED} more" if len(inside) > NAMES_LISTED else ""
            raise InputError(f"{path} is a group of Zarr arrays", f"name one of them; it holds {names}{more}")
        with _translated("read", path):
            self._describe(found, path, layout, last)

    def _describe(self, found: Any, path: str, layout: str | None, last: bool) -> None:
        """Check and keep an array's metadata, which another program may have written."""
        if found.dtype.kind not in "biuf" or found.dtype.itemsize > 8 or 0 in found.shape or not found.shape:
            what = f"{path} holds {found.dtype} of shape {found.shape}, not numbers that can be pooled"
            raise InputError(what, "write it again as integers or floats of at most 64 bits, with one axis or more")
        record = found.attrs.get("poolcli")
        own = record if isinstance(record, Mapping) else {}
        self.steps = own.get("steps", [])
        named = isinstance(self.steps, list) and all(
            isinstance(step, Mapping) and isinstance(step.get("step"), str) for step in self.steps
        )
        if not named:
            raise InputError(f"{path}: steps is not a list of objects that name a step", MEND)
        self.name, self.chunks = path, tuple(found.chunks)
        self.path = os.path.abspath(path)  # a worker may run in another folder
        self.run = os.urandom(8).hex()
        self.known = Known.of(path, found.shape, found.dtype, layout or _own_layout(own, path), last)

    def read(self, box: Box) -> Array:
        """Return cells, leading axes first."""
        with _translated("read", self.name):
            cells: Array = apart(lambda: np.asarray(_opened(self.path, "r", self.run)[self.known.slices(box)]))
        return cells.astype(self.known.dtype, copy=False).transpose(self.known.order)


def _own_layout(own: Mapping[str, Any], path: str) -> str | None:
    layout = own.get("layout")
    if layout is None:
        return None
    if not isinstance(layout, str):
        raise InputError(f"{path}: layout is not text", MEND)
    try:
        return parse_layout(layout)
    except UsageError as problem:  # nobody typed it
        raise InputError(f"{path}: {problem}", MEND) from None


@dataclass(frozen=True)
class BlockTask:
    """Computes blocks of a Zarr array; it is sent to the workers."""

    chain: Chain
    source: Any
    name: str  # of the result, for messages
    target: str
    known: Known

    def __call__(self, box: Box) -> int:
        """Compute and write one block, and return the count of its values."""
        values = self.chain.compute(box, self.source.read)
        _WRITING.append(self.target)
        try:
            if not os.path.isfile(os.path.join(self.target, FILES[0])):  # zarr would create the folder again
                raise FileError(f"cannot write {self.name}: it was abandoned, or is not visible here",
                                "workers need the folder")  # fmt: skip
            with _translated("write", self.name):
                _opened(self.target, "r+", self.target)[self.known.slices(box)] = values.transpose(self.known.back)
        finally:
            _WRITING.remove(self.target)
        return values.size


_WRITING: list[str] = []  # the targets to which this process is writing


def writing(target: str) -> bool:
    """Whether this process is writing to a target."""
    return target in _WRITING


def check_zarr_target(target: str) -> None:
    """Check now that an array can be written: that nothing else is there, and the folder around it is writable."""
    path = target.rstrip("/")
    if os.path.exists(path) and not is_zarr_folder(path):
        raise FileError(f"cannot write {target}: it exists and is not a Zarr array", "choose another name")
    if not os.path.isdir(path):
        check_target(path)


@contextmanager
def zarr_writer(target: str, known: Known, chunks: Sequence[int], record: Mapping[str, Any]) -> Iterator[str]:
    """Create an array of format 3 in a temporary folder, which replaces `target` at the end of the ``with`` block."""
    check_zarr_target(target)
    path = Path(os.path.realpath(target))
    mend(path)
    names = list(known.layout) if len(set(known.layout)) == len(known.layout) else None  # Zarr wants unique names
    with _translated("write", target), replaced_folder(path) as temporary:
        _asked(lambda: _zarr().create_array(
            str(temporary), shape=known.shape, chunks=tuple(chunks), dtype=known.dtype,
            attributes={"poolcli": dict(record)}, dimension_names=names, zarr_format=3,
        ))  # fmt: skip
        yield str(temporary)


def to_zarr(
    chain: Chain, source: Any, target: str, record: Mapping[str, Any], *, workers: int = 1, scheduler: str | None = None
) -> None:
    """Apply the steps as a Dask graph with a task for each block, which reads its cells and writes its own chunk.

    The folder of the result, with the metadata `record`, appears when everything is done. The blocks are computed by so
    many workers in this process or, with the address of a `scheduler`, by its workers, which must see both folders.
    """
    try:
        dask = import_module("dask")
    except ImportError:
        raise UsageError("blocks of a Zarr array need Dask", INSTALL) from None
    known = source.known
    made = Known(tuple(chain.shape[axis] for axis in known.back), known.layout, chain.result)
    lengths = along_chunks(chain, chunks_of(source, chain))
    check_blocks(chain, lengths, workers)
    with zarr_writer(target, made, [lengths[axis] for axis in known.back], record) as folder:
        task = dask.delayed(BlockTask(chain, source, target, folder, made), pure=False, traverse=False)
        graph = [task(box) for box in boxes(chain.shape, lengths)]
        if scheduler:
            _on_cluster(graph, scheduler, folder)
        else:
            _on_threads(dask, graph, workers)
        _opened.cache_clear()


def chunks_of(source: Any, chain: Chain) -> tuple[int, ...]:
    """Return the lengths of the input's chunks, leading axes first; a file without any is cut along its first axes."""
    known = source.known
    if isinstance(source, ZarrSource):
        return tuple(source.chunks[axis] for axis in known.order)
    lengths = in_order(chain, known.back)
    sizes = zip(lengths, known.inner, chain.shape, strict=True)
    return tuple(max(length * size // out, 1) for length, size, out in sizes)


def _on_threads(dask: Any, graph: Sequence[Any], workers: int) -> None:
    from concurrent.futures import ThreadPoolExecutor

    few = {"async.concurrency": workers, "threading.max_workers": workers}  # zarr's own threads take memory
    pool = ThreadPoolExecutor(workers)
    try:
        with _zarr().config.set(few):
            dask.compute(*graph, scheduler="threads", pool=pool)
    finally:
        pool.shutdown(cancel_futures=True)  # nothing is written any more, even after an error


def _on_cluster(graph: Sequence[Any], scheduler: str, folder: str) -> None:
    with connected(scheduler) as client:
        futures = client.compute(list(graph))
        try:
            client.gather(futures)
        except BaseException as problem:
            _give_up(client, futures, folder)
            if isinstance(problem, PoolcliError | MemoryError) or not isinstance(problem, Exception):
                raise
            what = f"{type(problem).__name__}: {problem}"
            raise ClusterError(f"the Dask scheduler {scheduler} gave up: {what}", "see the workers' logs") from problem


def _give_up(client: Any, futures: Sequence[Any], folder: str) -> None:
    """Wait until no worker writes any more, because Dask does not stop running tasks."""
    end = time.monotonic() + LAST_BLOCKS
    with suppress(Exception):  # the scheduler and its workers may be gone
        client.cancel(futures)
        os.unlink(os.path.join(folder, FILES[0]))  # `BlockTask` looks for it before it writes
        while any(client.run(writing, folder, on_error="ignore").values()) and time.monotonic() < end:
            time.sleep(0.05)

"""Connecting to a Dask cluster, with clear errors if nothing answers."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Any

from poolcli.errors import PoolcliError, UsageError
from poolcli.system.threads import apart
from poolcli.wording import Phrase

Client = Any  # distributed.Client, which has no types and need not be installed

ANSWER = 3.0  # seconds for a scheduler to answer, and again to show a worker: less than 10 in all


class ClusterError(PoolcliError, ConnectionError):
    """A scheduler that does not answer, or has no workers."""


@contextmanager
def connected(address: str) -> Iterator[Client]:
    """Connect to a Dask scheduler that has workers.

    If none answers, or it has no worker, within 10 seconds, it is a `ClusterError`.
    """
    try:
        dask, distributed = import_module("dask"), import_module("distributed")
    except ImportError:
        raise UsageError(Phrase("{scheduler} needs Dask"), "install it: pip install 'poolcli[dask]'") from None
    settings = {"distributed.admin.large-graph-warning-threshold": "1TB"}  # files sent as bytes are large on purpose
    with dask.config.set(settings), _silent():
        _ask_who(address, distributed)
        client = distributed.Client(address, timeout=ANSWER, set_as_default=False)
        try:
            _wait_for_worker(client, address)
            yield client
        finally:
            client.close(timeout=ANSWER)


def _ask_who(address: str, distributed: Any) -> None:
    """Make sure that a scheduler answers: a `Client` waits forever for a silent server."""
    import asyncio

    async def ask() -> Any:
        async with distributed.rpc(address, timeout=ANSWER) as there:
            return await there.identity()

    start = "start one with: dask scheduler, and workers with: dask worker tcp://HOST:8786"
    try:
        distributed.comm.get_address_host_port(address)
    except ValueError as problem:
        raise UsageError(f"{address!r} is not the address of a scheduler: {problem}", "write tcp://HOST:8786") from None
    try:
        answer = apart(lambda: asyncio.run(asyncio.wait_for(ask(), ANSWER)))
    except OSError:  # including timeouts
        raise ClusterError(f"the Dask scheduler {address} does not answer", start) from None
    except Exception as problem:  # noqa: BLE001 -- Dask may raise anything for bytes that are not its own
        what = f"{type(problem).__name__}: {problem}"
        raise ClusterError(f"what answers at {address} does not talk like a Dask scheduler ({what})", start) from None
    if answer.get("type") != "Scheduler":
        raise ClusterError(f"{address} is a Dask {answer.get('type', 'process')}, not a scheduler", start)


def _wait_for_worker(client: Client, address: str) -> None:
    try:
        client.wait_for_workers(1, timeout=ANSWER)
    except TimeoutError:
        raise ClusterError(
            f"the Dask scheduler {address} has no workers", f"start one with: dask worker {address}"
        ) from None


@contextmanager
def _silent() -> Iterator[None]:
    """Keep Dask's log off standard error: what matters also comes as an exception."""
    import logging

    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)

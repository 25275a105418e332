"""Running a graph on Dask: on a cluster that runs already, or one of worker processes on this machine."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, cast

import apache_beam as beam
from apache_beam.runners.dask.dask_runner import DaskRunnerResult
from distributed import CancelledError, Client, Future, KilledWorker, LocalCluster, wait

from mixprior.pipeline.graphs import dask_worker
from mixprior.pipeline.graphs.beam_options import pipeline_options
from mixprior.pipeline.graphs.dask_options import DaskEngineOptions
from mixprior.pipeline.graphs.dask_runner import Runner
from mixprior.pipeline.store import progress
from mixprior.stats.errors import GOES_ON, InputError, Stopped

if TYPE_CHECKING:
    from mixprior.pipeline.graphs.runner import Graph

_TICK_S = 0.5
_CONNECT_S = 10.0
_PARTITIONS_A_THREAD = 8

_kept: dict[tuple[str, ...], Client] = {}
"""The clients of this process that stay connected, by the options of Beam that say where to."""


class SchedulerLost(InputError):
    """The scheduler that had the graph is gone, or the connection to it."""

    def __init__(self, address: str) -> None:
        super().__init__(f"the connection to the Dask scheduler at {address} is lost: start it again; {GOES_ON}")


class WorkersDied(Stopped):
    """Workers died of one task, one after the other, as often as the scheduler allows."""

    def __init__(self, times: int) -> None:
        super().__init__(f"{times} Dask workers died at one task, out of memory perhaps: give them more; {GOES_ON}")


def run(
    graph: Graph, beam_options: Sequence[str], workers: int, tick: Callable[[], None], paths: Sequence[str]
) -> None:
    """Run a graph to its end, as `mixprior.pipeline.graphs.runner.run` does.

    Args:
        graph: what to run.
        beam_options: Beam's own, and where the scheduler is.
        workers: worker processes of a cluster on this machine.
        tick: called twice a second.
        paths: files that every worker must find.

    Raises:
        SchedulerLost: if the scheduler is gone, or this machine is cut off from it.
        InputError: if it cannot be reached or has no workers, or a worker has another version or lacks a file.
        WorkersDied: if they did, time and again.
        Exception: whatever else ended the graph, as the step raised it.
    """
    with connected(beam_options, workers) as client:
        threads = _fit(client, paths)
        partitions = _options(beam_options).dask_partitions or _PARTITIONS_A_THREAD * threads
        client.subscribe_topic(dask_worker.TOPIC, _report)
        pipeline = beam.Pipeline(Runner(client, partitions, dask_worker.carry_out))
        graph(pipeline)
        futures = list(cast(DaskRunnerResult, pipeline.run()).futures)
        try:
            _wait(client, futures, tick)
        finally:
            _let_go(client, futures)


@contextmanager
def connected(beam_options: Sequence[str], workers: int) -> Iterator[Client]:
    """Connect to the scheduler that Beam's options name, or start one on this machine.

    Within the context, and below it, connecting with the same options gives the same client.
    """
    key = tuple(beam_options)
    if key in _kept:
        yield _kept[key]
        return
    with _client(_options(beam_options).dask_address, workers) as client:
        _kept[key] = client
        try:
            yield client
        finally:
            del _kept[key]


@contextmanager
def _client(address: str | None, workers: int) -> Iterator[Client]:
    if address is None:
        # Mining takes memory in children, which a limit of the worker does not see.
        options = {"threads_per_worker": 1, "memory_limit": 0, "dashboard_address": "127.0.0.1:0"}
        with (
            LocalCluster(n_workers=workers, silence_logs=logging.CRITICAL, **options) as cluster,
            Client(cluster) as client,
        ):
            if not logging.getLogger().isEnabledFor(logging.DEBUG):
                client.run(logging.disable, logging.WARNING)  # Beam warns while it is imported
            yield client
        return
    try:
        client = Client(address, timeout=_CONNECT_S)
    except (OSError, ValueError, asyncio.TimeoutError) as error:
        raise InputError(
            f"no Dask scheduler answers at {address} ({error}): start one with `dask scheduler`, or give its address"
        ) from error
    with client:
        yield client


def _options(beam_options: Sequence[str]) -> DaskEngineOptions:
    return pipeline_options(beam_options).view_as(DaskEngineOptions)


def _address(client: Client) -> str:
    return str(client.scheduler_info(n_workers=0)["address"])


def _fit(client: Client, paths: Sequence[str]) -> int:
    """Return the threads of all workers, once there is one and all of them have what they need.

    Raises:
        InputError: naming a worker that has another version or lacks a file.
    """
    with suppress(asyncio.TimeoutError):
        client.wait_for_workers(1, timeout=_CONNECT_S)
    threads = client.nthreads()
    at = _address(client)
    if not threads:
        raise InputError(f"the Dask scheduler at {at} has no workers: start `dask worker {at}` on each machine")
    own = dask_worker.facts(paths)
    for worker, found in client.run(dask_worker.facts, list(paths), on_error="return").items():
        if isinstance(found, Exception):
            raise InputError(f"the Dask worker at {worker} cannot mine: {found}; install mixprior there as here")
        if found["version"] != own["version"]:
            raise InputError(
                f"the Dask worker at {worker} has mixprior {found['version']}, this machine {own['version']}: "
                "install the same version on both"
            )
        if found["missing"]:
            raise InputError(
                f"the Dask worker at {worker}, in {found['folder']}, does not find {found['missing'][0]}: write the "
                "output to an object store, or to a folder that all machines share, by its full path"
            )
    return sum(threads.values())


def _wait(client: Client, futures: Sequence[Future], tick: Callable[[], None]) -> None:
    address = _address(client)
    pending = set(futures)
    while pending:
        try:
            done = wait(list(pending), _TICK_S, "FIRST_COMPLETED").done
        except asyncio.TimeoutError:
            done = set()
        except CancelledError as error:
            raise SchedulerLost(address) from error
        for future in done:
            _check(future, address)
        pending -= done
        tick()


def _check(future: Future, address: str) -> None:
    """Raise what ended a part of the graph, if it was not its own end."""
    error = None if future.status == "finished" else future.exception()
    if isinstance(error, CancelledError):
        raise SchedulerLost(address) from error
    if isinstance(error, KilledWorker):
        raise WorkersDied(error.allowed_failures + 1) from error
    if error is not None:
        raise error


def _let_go(client: Client, futures: Sequence[Future]) -> None:
    """Let the scheduler forget what is not done, and workers end their children."""
    if client.status == "running":
        with suppress(OSError, asyncio.TimeoutError, CancelledError):
            client.cancel(list(futures), force=True)
            client.run(dask_worker.release, on_error="ignore")


def _report(event: tuple[float, tuple[str, str]]) -> None:
    _, (path, line) = event
    progress.receive(path, line)

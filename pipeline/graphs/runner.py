"""Running a graph to its end: here, in local processes, or wherever Beam's options say. It returns or raises."""

from __future__ import annotations

import logging
import os
import pickle
import re
import shlex
import signal
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from mixprior.pipeline.graphs.beam_options import is_dask, is_local, pipeline_options
from mixprior.pipeline.graphs.conveyed import original
from mixprior.pipeline.song.child_process import interpreter
from mixprior.pipeline.song.cores import usable_cores
from mixprior.stats.errors import GOES_ON, Stopped

if TYPE_CHECKING:
    import apache_beam as beam

Graph = Callable[["beam.Pipeline"], None]
"""Applies its transforms to an empty pipeline; it can be pickled. Its `reads`, if any, are files that workers need."""

_TICK_S = 0.5
_JOB_FAILED = re.compile(r"Pipeline \S+ failed in state FAILED")
_NOISY = ("", "apache_beam", "grpc", "distributed")
"""Loggers of libraries: "" is the root, on which Beam repeats what its portable runners say."""


class WorkerDied(Stopped):
    """A local worker process ended before its work did: killed, out of memory, or crashed in native code."""

    def __init__(self, how: str) -> None:
        super().__init__(f"a worker process died ({how}), out of memory perhaps: fewer --workers need less; {GOES_ON}")
        self.how = how

    def __reduce__(self) -> tuple[type[WorkerDied], tuple[str]]:
        """Pickle by what it was made of."""
        return WorkerDied, (self.how,)


class JobFailed(Stopped):
    """A job on a runner elsewhere ended before its work did: a worker of it is gone, or the runner."""

    def __init__(self, how: str) -> None:
        super().__init__(f"the runner ended the job ({how}): see the log of its workers; {GOES_ON}")


class WorkerTraceback(Exception):
    """The traceback of an error in another process: the cause of what is raised in this one."""


def run(graph: Graph, beam_options: Sequence[str], workers: int, tick: Callable[[], None] = lambda: None) -> None:
    """Build and run a graph to its end.

    One worker is this process, in this thread; several are processes of their own, below one that runs the graph. When
    this returns or raises, none of them is left.

    Args:
        graph: what to run.
        beam_options: Beam's own; without a `--runner` the graph runs on this machine.
        workers: local processes, unless Beam's own options say how many.
        tick: called twice a second, from this thread, while others work.

    Raises:
        KeyboardInterrupt: on Ctrl-C, at once; finished songs are kept.
        WorkerDied: if a local worker process did.
        InputError: if that is what ended the graph, in whichever process.
        Exception: whatever else ended the graph.
    """
    with continuable(), _quiet():
        _run(graph, beam_options, workers, tick)


def submit(graph: Graph, beam_options: Sequence[str]) -> None:
    """Hand a graph to a runner elsewhere, and do not wait for its end.

    Raises:
        Exception: whatever keeps the runner from taking it.
    """
    import apache_beam as beam

    with _quiet():
        pipeline = beam.Pipeline(options=pipeline_options(beam_options))
        graph(pipeline)
        pipeline.run()


@contextmanager
def kept(beam_options: Sequence[str], workers: int) -> Iterator[None]:
    """Keep what graphs run on, where that takes long to start, until the context is left."""
    if not is_dask(beam_options):
        yield
        return
    from mixprior.pipeline.graphs import dask_engine  # before `_quiet`: it sets up loggers as it is imported

    with _quiet(), dask_engine.connected(beam_options, workers):
        yield


@contextmanager
def continuable() -> Iterator[None]:
    """Let an interruption say that the same command continues what it interrupted."""
    try:
        yield
    except KeyboardInterrupt as interruption:
        interruption.args = (GOES_ON,)
        raise


def _run(graph: Graph, beam_options: Sequence[str], workers: int, tick: Callable[[], None]) -> None:
    if is_local(beam_options) and not is_dask(beam_options):
        options = pipeline_options(beam_options).get_all_options(drop_default=True) if beam_options else {}
        asked = options.get("direct_num_workers")
        if asked is not None:
            workers = asked or usable_cores()
        if workers > 1 and options.get("direct_running_mode") != "multi_threading":
            _run_in_processes(graph, beam_options, workers, tick)
            return
    try:
        if is_dask(beam_options):
            from mixprior.pipeline.graphs import dask_engine

            dask_engine.run(graph, beam_options, workers, tick, getattr(graph, "reads", ()))
        else:
            run_here(graph, beam_options)
    except Exception as error:
        found = original(error)
        if isinstance(found, KeyboardInterrupt):
            raise found from None  # it caused the error
        if found is error:
            found = _of_a_job(error)
        if found is error:
            raise
        raise found from error


def _of_a_job(error: Exception) -> Exception:
    """Return what a portable runner means by an error: a job that failed as a whole, or its service that is gone."""
    message = next((line.strip() for line in reversed(str(error).splitlines()) if line.strip()), "")
    if isinstance(error, RuntimeError) and _JOB_FAILED.match(str(error)):
        return JobFailed(message.partition("FAILED: ")[2] or message)
    if type(error).__module__.partition(".")[0] == "grpc":
        code = getattr(error, "code", lambda: None)()
        return JobFailed(f"its job service does not answer: {getattr(code, 'name', type(error).__name__)}")
    return error


def run_here(graph: Graph, beam_options: Sequence[str], command: str | None = None, workers: int = 1) -> None:
    """Run a graph in this process.

    Args:
        graph: what to run.
        beam_options: Beam's own.
        command: starts a worker process; None for none.
        workers: their number.
    """
    import apache_beam as beam
    from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
    from apache_beam.transforms.environments import SubprocessSDKEnvironment

    if not is_local(beam_options):
        pipeline = beam.Pipeline(options=pipeline_options(beam_options))
    elif command is None:
        # Beam's own local runner by its class: the short names of runners first look for a binary afar.
        pipeline = beam.Pipeline(FnApiRunner(), pipeline_options(beam_options))
    else:
        environment = SubprocessSDKEnvironment.from_command_string(command)
        options = pipeline_options(beam_options, direct_num_workers=workers, direct_running_mode="in_memory")
        pipeline = beam.Pipeline(FnApiRunner(default_environment=environment), options)
    graph(pipeline)
    pipeline.run().wait_until_finish()


def worker_command() -> str:
    """Return the command that starts a worker process, as Beam takes it."""
    return shlex.join(interpreter("mixprior.pipeline.graphs.worker"))


def _run_in_processes(graph: Graph, beam_options: Sequence[str], workers: int, tick: Callable[[], None]) -> None:
    """Run a graph below a process of its own, whose end, however it comes, ends the workers and leaves this one be."""
    debug = logging.getLogger().isEnabledFor(logging.DEBUG)
    with tempfile.TemporaryFile() as job, tempfile.TemporaryFile() as result:
        pickle.dump((os.getpid(), graph, tuple(beam_options), workers, debug), job)
        job.seek(0)
        process = subprocess.Popen(
            interpreter("mixprior.pipeline.graphs.conductor"),
            stdin=job,
            stdout=result,
            stderr=None if debug else subprocess.DEVNULL,
            start_new_session=True,  # a Ctrl-C in the terminal reaches this process alone
        )
        try:
            while process.poll() is None:
                with suppress(subprocess.TimeoutExpired):
                    process.wait(_TICK_S)
                tick()
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        result.seek(0)
        content = result.read()
    if not content:
        raise WorkerDied(f"exit code {process.returncode}")
    error, traceback = pickle.loads(content)  # nosec B301 # of its own child
    if error is not None:
        raise error from WorkerTraceback(traceback)


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep Beam's log to itself, unless everything is to be logged."""
    if logging.getLogger().isEnabledFor(logging.DEBUG):
        yield
        return
    noisy = [name for name in logging.root.manager.loggerDict if name.partition(".")[0] in _NOISY]
    before = {name: logging.getLogger(name).level for name in {*_NOISY, *noisy}}
    for name in before:
        logging.getLogger(name).setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for name, level in before.items():
            logging.getLogger(name).setLevel(level)

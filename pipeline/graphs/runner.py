"""Running a graph: Beam's options on the command line, its local runner by default, and a clean way to stop."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

import mixprior
from mixprior.pipeline.graphs import worker
from mixprior.stats.errors import InputError

_OURS = str(Path(mixprior.__file__).parents[1])


class WorkerDied(Exception):
    """A local worker process ended before its work did: killed, out of memory, or crashed in native code."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let `parser` take every option that Beam and its runners know, without crowding the help."""
    group = parser.add_argument_group("Beam", "every option of Beam and its runners is passed on (--runner ...)")
    known = len(parser._actions)
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(group)  # type: ignore[arg-type]
    for action in parser._actions[known:]:
        action.help = argparse.SUPPRESS
    parser.set_defaults(direct_num_workers=None)  # so that a 1 can be told from nothing


def is_local(args: argparse.Namespace) -> bool:
    """Whether the graph runs on this machine, in processes that we may shape."""
    return args.runner is None


def run(
    build: Callable[[beam.Pipeline], None], args: argparse.Namespace, workers: int, tick: Callable[[], None]
) -> None:
    """Build and run a graph to its end, calling `tick` twice a second from this thread.

    Args:
        build: applies the transforms to an empty pipeline.
        args: parsed arguments, with Beam's among them.
        workers: local processes, unless Beam's own options say how many.
        tick: shows progress.

    Raises:
        KeyboardInterrupt: on Ctrl-C, at once; the caller must then `leave`.
        WorkerDied: if a local worker process did, at once; the caller must then `leave`.
        InputError: if that is what ended the graph, in whichever process.
        Exception: whatever else ended the graph.
    """
    failure: list[BaseException] = []
    deaths: list[BaseException] = []

    def note_death(died: threading.ExceptHookArgs) -> None:
        # Beam's runner would wait for the answer of a dead worker for ever.
        if died.thread is not None and died.thread.name == "run_worker" and died.exc_value is not None:
            deaths.append(died.exc_value)

    def work() -> None:
        # Workers inherit this mask: a Ctrl-C in the terminal reaches the parent alone, which ends them.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            pipeline = (
                _local_pipeline(args, workers) if is_local(args) else beam.Pipeline(options=pipeline_options(args))
            )
            build(pipeline)
            pipeline.run().wait_until_finish()
        except BaseException as error:
            failure.append(error)

    threading.excepthook = note_death
    try:
        thread = threading.Thread(target=work, daemon=True)
        thread.start()
        while thread.is_alive():
            thread.join(0.5)
            tick()
            if deaths:
                raise WorkerDied(str(deaths[0]))
    finally:
        threading.excepthook = threading.__excepthook__
    if failure:
        error = _in_one_line(failure[0])
        if error is failure[0]:
            raise error
        raise error from failure[0]


def _in_one_line(error: BaseException) -> BaseException:
    """Return an error of another process, which Beam hands on as its whole traceback, as what it was."""
    last = re.findall(r"^([\w.]+): (.+)$", str(error), re.MULTILINE)
    if "Traceback" not in str(error) or not last:
        return error
    name, message = last[-1]
    kinds, found = [InputError], {InputError.__name__}
    while kinds:
        kinds = [each for kind in kinds for each in kind.__subclasses__()]
        found |= {kind.__name__ for kind in kinds}
    kind = name.rpartition(".")[2]
    return InputError(message) if kind in found else RuntimeError(f"{kind}: {message}")


def _local_pipeline(args: argparse.Namespace, workers: int) -> beam.Pipeline:
    """Return a pipeline on Beam's own local runner: the short names of runners first look for a binary afar."""
    if args.direct_num_workers is not None:
        workers = args.direct_num_workers or os.cpu_count() or 1
    if args.direct_running_mode == "multi_threading" or workers == 1:
        return beam.Pipeline(FnApiRunner(), pipeline_options(args))
    os.environ[worker.PARENT_VARIABLE] = str(os.getpid())
    if args.debug:
        os.environ[worker.DEBUG_VARIABLE] = "1"
    # Not `-m mixprior.pipeline.graphs.worker`: that would look for the package in the user's folder first.
    code = f"import sys; sys.path.insert(0, {_OURS!r}); from mixprior.pipeline.graphs.worker import main; main()"
    command = f"{shlex.quote(sys.executable)} -c {shlex.quote(code)}"
    environment = SubprocessSDKEnvironment.from_command_string(command)
    return beam.Pipeline(
        FnApiRunner(default_environment=environment),
        pipeline_options(args, direct_num_workers=workers, direct_running_mode="in_memory"),
    )


def pipeline_options(args: argparse.Namespace, **ours: Any) -> PipelineOptions:
    """Return those of Beam's options that differ from their defaults, and `ours`."""
    given: dict[str, Any] = {}
    for cls in PipelineOptions.__subclasses__():
        parser = argparse.ArgumentParser()
        cls._add_argparse_args(parser)  # type: ignore[arg-type]
        defaults = vars(parser.parse_args([]))
        given.update({name: getattr(args, name) for name in defaults if getattr(args, name) != defaults[name]})
    if given.get("direct_num_workers", 0) is None:
        del given["direct_num_workers"]
    return PipelineOptions([], **{**given, **ours})


def leave(code: int) -> NoReturn:
    """Leave this process now, without waiting for the runner's threads; workers notice and end themselves."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

"""Running a graph: Beam's options on the command line, its local runner by default, and a clean way to stop."""

from __future__ import annotations

import argparse
import os
import shlex
import signal
import sys
import threading
from collections.abc import Callable
from typing import Any, NoReturn

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner.fn_runner import FnApiRunner
from apache_beam.transforms.environments import SubprocessSDKEnvironment

from pipeline import worker


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let `parser` take every option that Beam and its runners know, without crowding the help."""
    group = parser.add_argument_group("Beam", "every option of Beam and its runners is passed on (--runner ...)")
    known = len(parser._actions)
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(group)  # type: ignore[arg-type]
    for action in parser._actions[known:]:
        action.help = argparse.SUPPRESS


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
        KeyboardInterrupt: on Ctrl-C, at once; the caller must then leave the process.
        Exception: whatever ended the graph.
    """
    failure: list[BaseException] = []

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

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    while thread.is_alive():
        thread.join(0.5)
        tick()
    if failure:
        raise failure[0]


def _local_pipeline(args: argparse.Namespace, workers: int) -> beam.Pipeline:
    """Return a pipeline on Beam's own local runner: the short names of runners first look for a binary afar."""
    if args.direct_num_workers != 1:
        workers = args.direct_num_workers
    if args.direct_running_mode == "multi_threading" or workers == 1:
        return beam.Pipeline(FnApiRunner(), pipeline_options(args))
    os.environ[worker.PARENT_VARIABLE] = str(os.getpid())
    if args.debug:
        os.environ[worker.DEBUG_VARIABLE] = "1"
    command = f"{shlex.quote(sys.executable)} -m pipeline.worker"
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
    return PipelineOptions([], **{**given, **ours})


def leave(code: int) -> NoReturn:
    """Leave this process now, without waiting for the runner's threads; workers notice and end themselves."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

"""Running a graph: Beam's options on the command line, its local runner by default, and a clean way to stop."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from collections.abc import Callable
from typing import NoReturn

import apache_beam as beam
from apache_beam.options.pipeline_options import PipelineOptions

LOCAL_RUNNER = "apache_beam.runners.portability.fn_api_runner.FnApiRunner"
"""Beam's own local runner, named in full: the short names first look for a binary on the network."""


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


def options(args: argparse.Namespace, workers: int) -> PipelineOptions:
    """Return Beam's options from parsed arguments; locally, `workers` processes unless the user shaped them."""
    given = {}
    for cls in PipelineOptions.__subclasses__():
        parser = argparse.ArgumentParser()
        cls._add_argparse_args(parser)  # type: ignore[arg-type]
        given.update(
            {k: getattr(args, k) for k, default in vars(parser.parse_args([])).items() if getattr(args, k) != default}
        )
    if is_local(args):
        given["runner"] = LOCAL_RUNNER
        if workers > 1 and "direct_running_mode" not in given:
            given.update(direct_running_mode="multi_processing", direct_num_workers=workers)
    return PipelineOptions([], **given)


def run(build: Callable[[beam.Pipeline], None], options: PipelineOptions, tick: Callable[[], None]) -> None:
    """Build and run a graph to its end, calling `tick` twice a second from this thread.

    Raises:
        KeyboardInterrupt: on Ctrl-C, at once; the caller must then leave the process.
        Exception: whatever ended the graph.
    """
    failure: list[BaseException] = []

    def work() -> None:
        # Workers inherit this mask: a Ctrl-C in the terminal reaches the parent alone, which ends them.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            pipeline = beam.Pipeline(options=options)
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


def leave(code: int) -> NoReturn:
    """Leave this process now, without waiting for the runner's threads; workers notice and end themselves."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)

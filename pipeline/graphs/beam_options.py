"""Beam's own options on our command line: found there only if something else is left over, since Beam loads slowly."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from mixprior.stats.errors import InputError

if TYPE_CHECKING:
    from apache_beam.options.pipeline_options import PipelineOptions


class _Argument(str):
    """One argument of a command line, which is found again by its identity."""

    __slots__ = ()


def need_beam(beam_options: Sequence[str] = ()) -> None:
    """Refuse to go on without Beam, torch and Demucs; with Dataflow, without its modules and credentials.

    Args:
        beam_options: Beam's own.

    Raises:
        InputError: naming the extra that brings them, or how credentials are given.
    """
    for module in ("apache_beam", "torch", "demucs"):
        try:
            found = find_spec(module) is not None
        except ModuleNotFoundError:
            found = False
        if not found:
            raise InputError(f"mining needs the module {module!r}: pip install 'mixprior[mine]'")
    if _runner(beam_options) in ("dataflow", "dataflowrunner"):
        _need_google_credentials()


def _need_google_credentials() -> None:
    """Look for credentials once, for a second: Beam's client looks again and again, for minutes, and says nothing."""
    for variable in ("GCE_METADATA_TIMEOUT", "GCE_METADATA_DETECT_RETRIES"):  # both are read when it is imported
        os.environ.setdefault(variable, "1")
    try:
        import google.auth
        from google.auth.exceptions import GoogleAuthError
    except ImportError as error:
        raise InputError("Dataflow needs the module 'google.auth': pip install 'mixprior[gcp]'") from error
    try:
        google.auth.default()
    except GoogleAuthError as error:
        raise InputError(
            f"Dataflow needs credentials, and there are none here ({str(error).partition('. ')[0]}): "
            "gcloud auth application-default login, or set "
            "GOOGLE_APPLICATION_CREDENTIALS to the key of a service account"
        ) from error


def add_help(parser: argparse.ArgumentParser) -> None:
    """Mention Beam's options in the help; `parse` takes them."""
    parser.add_argument_group(
        "Beam",
        "every option of Beam and its runners is passed on (--runner ...); on Dask: --runner dask, and --dask-address "
        "tcp://HOST:8786 where a scheduler runs",
    )


def parse(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> argparse.Namespace:
    """Parse a command line that may hold Beam's options among ours.

    Args:
        parser: declares ours; it leaves the process where an argument is neither its own nor Beam's.
        arguments: as typed after the command.

    Returns:
        Our options, and `beam_options`, the arguments that are Beam's.

    Raises:
        InputError: if an option of Beam has no value, or one that Beam refuses.
    """
    args, left = parser.parse_known_args(arguments)
    if not left:
        args.beam_options = ()
        return args
    given = [_Argument(argument) for argument in arguments]
    _, ours = _known_to_beam(_beam_parser(), given)
    args = parser.parse_args(ours)
    kept = {id(argument) for argument in ours}
    args.beam_options = tuple(str(argument) for argument in given if id(argument) not in kept)
    return args


def pipeline_options(beam_options: Sequence[str], **ours: Any) -> PipelineOptions:
    """Return Beam's options as Beam takes them.

    Args:
        beam_options: arguments as Beam's own command line has them (`--runner=DataflowRunner`).
        ours: options by name, which prevail.

    Raises:
        InputError: if one is not known to Beam.
    """
    from apache_beam.options.pipeline_options import PipelineOptions

    parser = _beam_parser()
    found, unknown = _known_to_beam(parser, beam_options)
    if unknown:
        raise InputError(f"{unknown[0]} is no option of Beam")
    given = {name: value for name, value in vars(found).items() if value != parser.get_default(name)}
    return PipelineOptions([], **{**given, **ours})


def is_local(beam_options: Sequence[str]) -> bool:
    """Whether the work is done on this machine: no runner is named, or Dask without the address of its scheduler.

    >>> is_local(("--runner=DataflowRunner",)), is_local(()), is_local(("--runner", "dask"))
    (False, True, True)
    """
    if is_dask(beam_options):
        return not _values("--dask-address", beam_options)
    return _runner(beam_options) is None


def is_dask(beam_options: Sequence[str]) -> bool:
    """Whether the graph runs on Dask, by our runner.

    >>> is_dask(("--runner", "dask")), is_dask(("--runner=DaskRunner",)), is_dask(())
    (True, True, False)
    """
    return _runner(beam_options) in ("dask", "daskrunner")


def waits(beam_options: Sequence[str]) -> bool:
    """Whether a command waits for the end of what it runs elsewhere.

    >>> waits(("--runner=DataflowRunner",)), waits(("--runner=DataflowRunner", "--no_wait_until_finish"))
    (True, False)
    """
    return "--no_wait_until_finish" not in beam_options


def _runner(beam_options: Sequence[str]) -> str | None:
    named = _values("--runner", beam_options)
    return named[-1].lower() if named else None


def _values(option: str, beam_options: Sequence[str]) -> list[str]:
    """Return what an option is given as, time and again: `--option VALUE` or `--option=VALUE`."""
    following = zip(beam_options, [*beam_options[1:], ""], strict=False)
    return [
        each.partition("=")[2] if "=" in each else after for each, after in following if each.split("=")[0] == option
    ]


def _known_to_beam(parser: argparse.ArgumentParser, arguments: Sequence[str]) -> tuple[argparse.Namespace, list[str]]:
    try:
        return parser.parse_known_args(list(arguments))
    except argparse.ArgumentError as error:
        raise InputError(f"Beam's options: {error}") from error


def _beam_parser() -> argparse.ArgumentParser:
    from apache_beam.options.pipeline_options import PipelineOptions

    from mixprior.pipeline.graphs import dask_options  # noqa: F401 (declares its options)

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    for options in PipelineOptions.__subclasses__():
        options._add_argparse_args(parser)  # type: ignore[arg-type]
    parser.set_defaults(direct_num_workers=None)  # so that a given 1 differs from none
    return parser

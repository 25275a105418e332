"""The front door: `mixprior COMMAND` hands each command to its owner, importing it only then."""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import warnings
from collections.abc import Sequence
from types import FrameType
from typing import TYPE_CHECKING, NoReturn, TextIO

from mixprior import __version__
from mixprior.extras import advice
from mixprior.stats.errors import InputError, RowsLost, SongLeftOut, Stopped, TooManyFailed, ValuesUnused
from mixprior.stats.secrets import without_secrets
from mixprior.stats.visible import visible

if TYPE_CHECKING:
    import logging

COMMANDS = {
    "plan": ("mixprior.pipeline.plan.command", "say what mining takes: hours, bytes, days and price"),
    "mine": ("mixprior.pipeline.mine", "mine priors from a catalog of songs"),
    "aggregate": ("mixprior.pipeline.aggregate", "build priors anew from a run's rows, in other groups"),
    "merge": ("mixprior.analysis.merge_command", "add priors of several catalogs together"),
    "calibrate": ("mixprior.pipeline.calibrate", "measure the bias of separation on songs with true stems"),
    "query": ("mixprior.analysis.query", "print priors as tables, JSON or plots"),
    "songs": ("mixprior.analysis.songs_command", "write one table of a run's songs: CSV, Parquet or Excel"),
    "report": ("mixprior.analysis.report.command", "write priors as one HTML page"),
    "constants": ("mixprior.analysis.constants.command", "write constants for FxNorm-automix or for a mixer"),
    "mix": ("mixprior.mix_command", "mix vocals and backing, or the tracks of a song, by priors"),
    "reverse": ("mixprior.learning.reverse.command", "find how a mix was made of its tracks: a recipe of it"),
    "train": ("mixprior.learning.command", "train a network that mixes on the songs of a run"),
    "check": ("mixprior.check_command", "say where a mix stands among the songs of priors"),
    "normalize": (
        "mixprior.mixing.normalise.command",
        "bring stems to the constants of a catalog, as FxNorm-automix does",
    ),
    "reverb": ("mixprior.mixing.reverb.command", "fit FdnReverb to a response or to vocals; render it"),
    "model": ("mixprior.pipeline.separation.command", "fetch or show the separation model"),
    "catalog": ("mixprior.pipeline.catalogs.command", "list the songs of a published dataset in a manifest for `mine`"),
    "verify": ("mixprior.pipeline.verify", "check all that a run stored, and repair what can be"),
    "doctor": ("mixprior.pipeline.doctor", "check what mixprior needs on this machine"),
    "demo": ("mixprior.pipeline.demo", "generate songs of known levels, mine them, and compare"),
}


_LOGGING_WHAT_THEY_SIGN = ("aiobotocore", "botocore", "google.auth", "urllib3")
"""Libraries whose debugging output holds requests with their signatures."""


class Terminated(KeyboardInterrupt):
    """SIGTERM was received; library code handles it as it handles Ctrl-C."""


def command() -> NoReturn:
    """Run the command line and exit: the entry point of `mixprior`.

    Not by `sys.exit`: the interpreter's shutdown waits for the threads of Beam's runner, so an interrupted run would
    not end; the thread pools of Arrow and torch can abort the process there, so a finished run would end by a signal.
    """
    signal.signal(signal.SIGTERM, _terminate)
    try:
        code = main()
        sys.stdout.flush()
    except BrokenPipeError as error:
        code = _report(error, debug=False) if _is_read() else 0  # whoever read our output (`| head`) has enough
    except OSError as error:
        code = _report(error, debug=False)
    except KeyboardInterrupt:
        code = 130
    os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command as the command line does, in this process.

    Args:
        argv: the command and its arguments, as typed after `mixprior`; None for those of this process.

    Returns:
        Exit code: 0 done, 1 something unexpected, 2 wrong input, 3 too many songs failed, 130 interrupted,
        143 terminated.

    Raises:
        BrokenPipeError: if whoever reads the output is gone.

    >>> main(["--version"])  # doctest: +ELLIPSIS
    mixprior ...
    0
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    with warnings.catch_warnings():
        warnings.showwarning = _show
        for category in (RowsLost, SongLeftOut, ValuesUnused):
            warnings.simplefilter("always", category)
        return _answer(argv)


def _answer(argv: list[str]) -> int:
    try:
        if not argv or argv[0] not in COMMANDS:
            return _no_command(argv)
        return _run(argv[0], argv[1:])
    except SystemExit as leaving:  # argparse, after it printed help or what is wrong
        return leaving.code if isinstance(leaving.code, int) else 0
    except BrokenPipeError:
        raise
    except KeyboardInterrupt as interruption:
        print("; ".join(["mixprior: interrupted", *map(visible, interruption.args)]), file=sys.stderr)
        return 143 if isinstance(interruption, Terminated) else 130
    except Exception as error:
        return _report(error, "--debug" in argv)


def _run(name: str, arguments: Sequence[str]) -> int:
    import logging  # here, since `--help` and `--version` need none of it

    level = logging.DEBUG if "--debug" in arguments else logging.ERROR
    logging.basicConfig(level=level, format="%(levelname)s %(name)s: %(message)s")
    _hide_secrets(logging.getLogger(), level)
    module_name, description = COMMANDS[name]
    module = importlib.import_module(module_name)
    parser = argparse.ArgumentParser(
        prog=f"mixprior {name}", description=description, allow_abbrev=False, epilog=module.__doc__
    )
    module.add_arguments(parser)
    parser.add_argument("--debug", action="store_true", help="log everything; show tracebacks")
    parse = getattr(module, "parse", argparse.ArgumentParser.parse_args)  # a command may take options of others' too
    args = parse(parser, arguments)
    for option, value in zip(arguments, [*arguments[1:], None], strict=False):
        if option == "--output=" or (option in ("-o", "--output") and not (value or "").strip()):
            raise InputError("-o takes the name of a file or folder: it is empty")
    return int(module.run(args))


def _show(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    """Print a warning of ours as an error is printed, another as Python does."""
    message = without_secrets(str(message))
    text = f"mixprior: {message}\n" if issubclass(category, RowsLost | SongLeftOut | ValuesUnused) else None
    (file or sys.stderr).write(text or warnings.formatwarning(message, category, filename, lineno, line))


def _report(error: Exception, debug: bool) -> int:
    """Print an error in one line, after its traceback with --debug; return the exit code."""
    if debug:
        import traceback

        sys.stderr.write(without_secrets("".join(traceback.format_exception(error))))
    install = advice(error)
    if install is not None:
        print(f"mixprior: {install}", file=sys.stderr)
        return 2
    kind = "" if isinstance(error, InputError | Stopped) else f"unexpected {type(error).__name__}: "
    print(f"mixprior: {kind}{visible(without_secrets(' '.join(str(error).split())))}", file=sys.stderr)
    if isinstance(error, TooManyFailed):
        return 3
    return 2 if isinstance(error, InputError) else 1


def _hide_secrets(root: logging.Logger, level: int) -> None:
    """Keep credentials out of what is logged: with --debug, drivers of object stores log what they send."""
    import logging

    class WithoutSecrets(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            return without_secrets(super().format(record))

    for handler in root.handlers:
        handler.setFormatter(WithoutSecrets("%(levelname)s %(name)s: %(message)s"))
    for name in _LOGGING_WHAT_THEY_SIGN:
        logging.getLogger(name).setLevel(max(level, logging.INFO))


def _no_command(argv: Sequence[str]) -> int:
    if argv and argv[0] == "--version":
        print(f"mixprior {__version__}")
        return 0
    asked = bool(argv) and argv[0] in ("-h", "--help")
    stream = sys.stdout if asked else sys.stderr
    if argv and not asked:
        print(f"mixprior: there is no command {argv[0]!r}{_suggestion(argv[0])}", file=stream)
    lines = [f"  {name:<11}{description}" for name, (_, description) in COMMANDS.items()]
    usage = "usage: mixprior COMMAND ... | --help | --version    (mixprior COMMAND --help describes a command)"
    print("\n".join([usage, "", *lines]), file=stream)
    return 0 if asked else 2


def _suggestion(name: str) -> str:
    import difflib

    near = difflib.get_close_matches(name, COMMANDS, n=1)
    return f"; did you mean {near[0]!r}?" if near else ""


def _is_read() -> bool:
    """Whether the pipes that we print into, if they are any, still have a reader."""
    if sys.platform == "win32":
        return False
    import select

    pipes = select.poll()
    for stream in (sys.stdout, sys.stderr):
        pipes.register(stream.fileno(), 0)
    return not any(event & select.POLLERR for _, event in pipes.poll(0))


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


if __name__ == "__main__":
    command()

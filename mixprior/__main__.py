"""The front door: `mixprior COMMAND` hands each command to its owner, importing it only then."""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import sys
from collections.abc import Sequence
from typing import NoReturn

from mixprior.stats.errors import InputError

COMMANDS = {
    "mine": ("mixprior.pipeline.mine", "mine priors from a catalog of songs"),
    "aggregate": ("mixprior.pipeline.aggregate", "build priors anew from a run's rows, in other groups"),
    "merge": ("mixprior.analysis.merge", "add priors of several catalogs together"),
    "calibrate": ("mixprior.pipeline.calibrate", "measure the bias of separation on songs with true stems"),
    "query": ("mixprior.analysis.query", "ask priors for their numbers"),
    "report": ("mixprior.analysis.report.page", "write priors as one page for people"),
    "constants": ("mixprior.analysis.constants.command", "take constants of FxNorm-automix or of a mixer from priors"),
    "mix": ("mixprior.mixing.mix.command", "mix a vocal and a backing, or the tracks of a song, by priors"),
    "normalize": (
        "mixprior.mixing.normalise.command",
        "bring stems to the constants of a catalog, as FxNorm-automix does",
    ),
    "reverb": ("mixprior.mixing.reverb.command", "fit FdnReverb to a response or a voice, render it"),
    "model": ("mixprior.pipeline.separation.command", "fetch or show the separation model"),
    "catalog": ("mixprior.pipeline.catalogs.command", "list the songs of a published dataset in a manifest for `mine`"),
    "demo": ("mixprior.pipeline.demo", "generate songs of known truth, mine them, and hold truth against measurement"),
}


def command() -> NoReturn:
    """Run the command line and leave: the entry point of `mixprior`.

    Not by `sys.exit`: while Python takes itself apart, the thread pools of Arrow and torch can abort the process, and a
    finished run would end with a signal for an exit code.
    """
    code = main()
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    finally:
        os._exit(code)


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code.

    Returns:
        0 done, 1 something unexpected, 2 wrong input, 3 too many songs failed, 130 interrupted.
    """
    argv = list(sys.argv[1:] if argv is None else argv)
    if not argv or argv[0] not in COMMANDS:
        return _no_command(argv)
    module_name, description = COMMANDS[argv[0]]
    debug = "--debug" in argv
    logging.basicConfig(level=logging.DEBUG if debug else logging.ERROR, format="%(levelname)s %(name)s: %(message)s")
    try:
        module = importlib.import_module(module_name)
        parser = argparse.ArgumentParser(
            prog=f"mixprior {argv[0]}", description=description, allow_abbrev=False, epilog=module.__doc__
        )
        module.add_arguments(parser)
        parser.add_argument("--debug", action="store_true", help="log everything; show tracebacks")
        return int(module.run(parser.parse_args(argv[1:])))
    except KeyboardInterrupt:
        print("mixprior: interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output (`| head`) has seen enough; keep Python from complaining while it exits.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        if debug:
            raise
        kind = "" if isinstance(error, InputError) else f"unexpected {type(error).__name__}: "
        print(f"mixprior: {kind}{' '.join(str(error).split())}", file=sys.stderr)
        return 2 if isinstance(error, InputError) else 1


def _no_command(argv: Sequence[str]) -> int:
    asked = bool(argv) and argv[0] in ("-h", "--help")
    stream = sys.stdout if asked else sys.stderr
    if argv and not asked:
        print(f"mixprior: there is no command {argv[0]!r}", file=stream)
    print("usage: mixprior COMMAND ...    (mixprior COMMAND --help tells more)\n", file=stream)
    for name, (_, description) in COMMANDS.items():
        print(f"  {name:<11}{description}", file=stream)
    return 0 if asked else 2


if __name__ == "__main__":
    command()

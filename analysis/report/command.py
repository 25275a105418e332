"""`mixprior report`: priors as one page of HTML that needs nothing else: no network, no script."""

from __future__ import annotations

import argparse
from pathlib import Path

from mixprior.stats.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("priors", metavar="PRIORS", help="priors folder, or the output folder of `mixprior mine`")
    parser.add_argument(
        "-o", "--output", metavar="FILE", default="report.html", help="file to write (default: %(default)s)"
    )


def run(args: argparse.Namespace) -> int:
    """Write the page, print its path, and return 0.

    Raises:
        InputError: if there are no such priors, or the page cannot be written there.
    """
    from mixprior.analysis.report.page import report  # here: a help text needs neither jinja2 nor the statistics

    page = report(args.priors)
    output = Path(args.output)
    try:
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{output} cannot be written ({error.strerror}); give another file with -o") from error
    print(output, flush=True)
    return 0

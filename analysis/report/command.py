"""`mixprior report`: priors as one page of HTML that needs nothing else: no network, no script."""

from __future__ import annotations

import argparse

from mixprior.stats.visible import visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("priors", metavar="PRIORS", help="priors folder, or the output folder of `mixprior mine`")
    parser.add_argument("-o", "--output", metavar="FILE", default="report.html", help="file to write (%(default)s)")


def run(args: argparse.Namespace) -> int:
    """Write the page, print its path, and return 0.

    Raises:
        InputError: if there are no such priors, or the page cannot be written there.
    """
    from mixprior.analysis.report.page import report  # here: a help text needs neither jinja2 nor the statistics
    from mixprior.pipeline.store import files

    files.write_bytes(args.output, report(args.priors).encode())
    print(visible(args.output), flush=True)
    return 0

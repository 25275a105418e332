"""`mixprior merge`: priors of several catalogs added together, to those of one run over all their songs."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict

from mixprior.stats.visible import visible


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("inputs", nargs="+", metavar="PRIORS", help="priors folders, or output folders of runs")
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="priors folder to write")
    parser.add_argument("--min-group", type=int, metavar="N", help="publish no smaller groups (that of the inputs)")
    parser.add_argument(
        "--group-by", metavar="A,B", help="keep only the groups by these columns (those that all inputs have)"
    )
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Merge, write, and print what was merged; return 0."""
    from mixprior.analysis.merge import merge  # here: a help text needs no statistics

    group_by = None if args.group_by is None else [name.strip() for name in args.group_by.split(",") if name.strip()]
    merged = merge(args.inputs, args.output, group_by=group_by, min_group=args.min_group)
    for note in merged.notes:
        print(f"mixprior: {visible(note)}", file=sys.stderr)
    if args.json:
        print(json.dumps(asdict(merged)))
    else:
        print(f"{len(args.inputs)} priors, {merged.songs or 'unknown number of'} songs: {visible(merged.priors)}")
    return 0

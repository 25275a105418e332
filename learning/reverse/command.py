"""`mixprior reverse`: a mix and its raw tracks in; a recipe of the mix out, with what is known of each number."""

from __future__ import annotations

import argparse
from pathlib import Path

from mixprior.stats.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--tracks", nargs="+", metavar="TRACK", help="raw tracks, or DIR with them")
    parser.add_argument("--mix", metavar="FILE", help="the mix that was made of them")
    parser.add_argument(
        "--table", nargs="*", metavar="RECIPE", help="instead: a table of the settings in recipes written before"
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="recipe or table to write, as mix.json")
    parser.add_argument(
        "--seconds", type=float, default=60.0, metavar="S", help="of a long song that are compared (60)"
    )
    parser.add_argument("--reverb", action="store_true", help="also look for an FdnReverb that tracks are sent to")
    parser.add_argument("--compressors", action="store_true", help="also look for compressors of tracks")
    parser.add_argument("--json", action="store_true", help="print the recipe as one JSON object")


def run(args: argparse.Namespace) -> int:
    """Take a mix apart, write the recipe, say what was found, and return 0.

    Raises:
        InputError: if a file cannot be read or written, or the mix does not hold the tracks.
    """
    if args.table is not None:
        if args.tracks or args.mix:
            raise InputError("--table reads recipes written before: give it without --tracks and --mix")
        return _table(args)
    if not args.tracks or not args.mix:
        raise InputError("nothing to take apart: give --tracks and --mix, or recipes to --table")
    from mixprior.learning.reverse import files  # here: a help text needs no library of signals
    from mixprior.mixing.mix import recipe
    from mixprior.mixing.mix.status_line import StatusLine

    with StatusLine() as line:
        document = files.reverse_files(
            args.tracks, args.mix, Path(args.output), args.seconds, line.show, args.reverb, args.compressors
        )
    if args.json:
        print(recipe.dump(document), end="", flush=True)
    else:
        print("\n".join(files.words(document)), f"\nwrote {args.output}", sep="", flush=True)
    return 0


def _table(args: argparse.Namespace) -> int:
    from mixprior.learning.reverse import settings_table  # likewise

    rows = settings_table.write(args.table, Path(args.output))
    print(f"{rows} settings of {len(args.table)} mixes\nwrote {args.output}", flush=True)
    return 0

"""`mixprior reverse`: a mix and its raw tracks in; a recipe of the mix out, with what is known of each number."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("--tracks", nargs="+", required=True, metavar="TRACK", help="raw tracks, or DIR with them")
    parser.add_argument("--mix", required=True, metavar="FILE", help="the mix that was made of them")
    parser.add_argument("-o", "--output", required=True, metavar="RECIPE", help="recipe to write, as mix.json")
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

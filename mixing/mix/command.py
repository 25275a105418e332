"""The arguments of `mixprior mix`."""

from __future__ import annotations

import argparse

from mixprior.mixing.mix import arguments


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    _add_sounds(parser.add_argument_group("sounds"))
    _add_aims(parser.add_argument_group("targets and rules"))
    _add_steps(parser.add_argument_group("steps"))
    _add_reports(parser.add_argument_group("reports"))


def _add_sounds(sounds: argparse._ArgumentGroup) -> None:
    readable = "WAV, AIFF, AU, FLAC, Ogg, Opus, MP3, AAC, M4A or WMA"
    sounds.add_argument("--vocal", metavar="FILE", help=f"the vocals: {readable}")
    sounds.add_argument("--backing", metavar="FILE", help="the accompaniment: all but the vocals")
    sounds.add_argument(
        "--vocal-offset",
        type=arguments.offset,
        metavar="S",
        help="seconds by which the vocals start after the backing (0); auto finds them by bleed or a guide track",
    )
    sounds.add_argument("--song", metavar="FILE", help="a finished song, whose vocals are raised or lowered ([mine])")
    sounds.add_argument("--tracks", nargs="+", metavar="TRACK", help="files of a multitrack, or DIR with them")
    sounds.add_argument(
        "--roles", metavar="CSV", help="file with columns track,role (DIR/roles.csv, or by name and sound)"
    )
    sounds.add_argument(
        "-o", "--output", metavar="MIX", help=".wav, .flac (24 bit), .ogg, .mp3, .m4a or .opus to write"
    )
    sounds.add_argument(
        "--stems", metavar="DIR", help="also write what was summed, at the gains of the mix and its limiter"
    )


def _add_aims(aims: argparse._ArgumentGroup) -> None:
    aims.add_argument("--priors", metavar="PRIORS", help="published, starter, or a folder (published, then starter)")
    aims.add_argument("--group", help="group of songs in the priors, as genre=rock (all songs)")
    aims.add_argument(
        "--like",
        nargs="+",
        metavar="SONG",
        help="finished songs to be like, or folders of their stems: targets are drawn towards them, eq is added, and "
        "the mix is as loud ([mine] to separate)",
    )
    aims.add_argument("--by", metavar="MODEL", help="mix by a network of `mixprior train`")
    arguments.add_options(aims)


def _add_steps(steps: argparse._ArgumentGroup) -> None:
    arguments.add_steps(steps)
    steps.add_argument(
        "--preset",
        nargs=2,
        metavar=("save|load", "FILE"),
        help="store aims and options, without the gains that come of them, or mix by them",
    )
    steps.add_argument("--replay", metavar="RECIPE", help="make a mix again, of the same files")


def _add_reports(output: argparse._ArgumentGroup) -> None:
    output.add_argument(
        "--explain",
        nargs="?",
        const="",
        metavar="RECIPE",
        help="print the reason of every step; of RECIPE, without mixing",
    )
    output.add_argument("--plot", metavar="PNG", help="draw spectra and levels before, after, and the priors' range")
    output.add_argument("--page", metavar="HTML", help="write a page to listen to: before, after, what was done")
    output.add_argument("--json", action="store_true", help="print the recipe as one JSON object")

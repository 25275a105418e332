"""Stems brought to the constants of a catalog, effect by effect: what FxNorm-automix does before it trains networks.

STEMS is a folder of songs, each a folder with vocals.wav, drums.wav, bass.wav and other.wav (or some of them), or one
such folder; DIR gets the same folders, at 44.1 kHz and 24 bit, with normalize.json in each: what was measured and done.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from mixprior.analysis.priors import EVERY_SONG
from mixprior.mixing.normalise.effects import EFFECTS, PANNINGS
from mixprior.stats.seed import seed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument("stems", type=Path, metavar="STEMS", help="a folder of songs, or one song's folder")
    parser.add_argument(
        "--constants",
        required=True,
        metavar="FILE",
        help="what `mixprior constants` wrote (.npz, .json), or priors to take them from",
    )
    parser.add_argument(
        "--group",
        default=EVERY_SONG,
        help="group of songs, where --constants are priors, as genre=rock; default: all songs",
    )
    parser.add_argument("-o", "--output", type=Path, required=True, metavar="DIR", help="folder to write to")
    parser.add_argument(
        "--effects",
        type=_effects,
        metavar="LIST",
        help=f"effects, of {','.join(EFFECTS)}; default: all, reverb only with --impulse-responses",
    )
    parser.add_argument(
        "--panning",
        choices=PANNINGS,
        default=PANNINGS[0],
        help="exact inverse (default), or FxNorm-automix's approximation",
    )
    parser.add_argument(
        "--impulse-responses", type=Path, metavar="DIR", help="impulse responses for the reverb on vocals and other"
    )
    parser.add_argument("--seed", type=seed, default=1, metavar="N", help="seed of the reverb; default: %(default)s")
    parser.add_argument(
        "-j", "--jobs", type=_jobs, default=1, metavar="N", help="songs processed at a time; default: 1"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Normalise the stems, report on stdout and faults on stderr.

    Returns:
        0, or 3 if some stems could not be read or written; all others are there.

    Raises:
        InputError: if there is nothing to normalise, or the constants cannot be used.
    """
    from mixprior.mixing.normalise import run  # here: a help text needs no library of signals

    return run.run(args)


def _effects(text: str) -> tuple[str, ...]:
    named = text.split(",")
    for name in named:
        if name not in EFFECTS:
            raise argparse.ArgumentTypeError(f"no effect {name!r}; there are: {', '.join(EFFECTS)}")
    return tuple(effect for effect in EFFECTS if effect in named)


def _jobs(text: str) -> int:
    jobs = int(text)
    if jobs < 1:
        raise argparse.ArgumentTypeError("at least 1 job")
    return jobs

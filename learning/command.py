"""`mixprior train`: networks that mix are trained on the songs of a run, and stop and go on at any step."""

from __future__ import annotations

import argparse
from pathlib import Path

from mixprior.stats.seed import seed

SYSTEMS = ("predictor", "console")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "system",
        choices=SYSTEMS,
        help="what to train: predictor, of how vocals and backing are mixed; console, a mixer",
    )
    parser.add_argument("run", metavar="RUN", help="output folder of `mixprior mine`; of console also songs")
    parser.add_argument("-o", "--output", required=True, metavar="MODEL", help=".npz to write; a card is put beside it")
    parser.add_argument("--roles", type=Path, metavar="CSV", help="table of roles: songs of another role are not read")
    parser.add_argument("--role", default="train-mixer", help="role of the songs to train on (train-mixer)")
    parser.add_argument("--stems", type=Path, metavar="DIR", help="where separated stems are kept (beside the model)")
    parser.add_argument(
        "--split-by", choices=("song", "artist", "collection"), default="artist", help="what is on one side (artist)"
    )
    parser.add_argument("--excerpts", type=int, default=4, metavar="N", help="predictor: of each song, 5.9 s each (4)")
    parser.add_argument("--errors", action="store_true", help="predictor: also cross-validate, and write Li's table")
    parser.add_argument("--error-seeds", type=int, default=3, metavar="N", help="predictor: seeds of that table (3)")
    parser.add_argument(
        "--mix-loss",
        type=float,
        default=0.0,
        metavar="WEIGHT",
        help="console: of a loss on the mix, spectra and features, beside that on its controls (0)",
    )
    parser.add_argument("--steps", type=int, default=200, metavar="N", help="most steps of the model (200)")
    parser.add_argument("--seed", type=seed, default=0, help="of the split, the weights and the batches (0)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1 (cpu)")
    parser.add_argument("--precision", choices=("fp32", "bf16"), default="fp32", help="of products (fp32)")


def run(args: argparse.Namespace) -> int:
    """Train by the arguments, and return 0.

    Raises:
        InputError: if there is nothing to train on.
    """
    # Here: a help text needs no torch.
    if args.system == "console":
        from mixprior.learning.mixer import run as mixer

        return mixer.run(args)
    from mixprior.learning.predictor import run as predictor

    return predictor.run(args)

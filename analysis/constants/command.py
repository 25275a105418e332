"""FxNorm-automix's constants and a mixer's targets from priors; differences between two sets of constants.

`constants PRIORS -o features.npz` writes the four stems' EQ and panning curves, onset peaks and loudness (.npy: the
pickled layout that FxNorm-automix loads). `constants compare A B` takes .npz, .json or priors folders.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import TYPE_CHECKING

from mixprior.analysis.priors import EVERY_SONG, PACKAGED, open_priors
from mixprior.pipeline.store.places import place
from mixprior.stats.errors import InputError

if TYPE_CHECKING:
    from mixprior.analysis.constants.constants import Features

_COMPARE = "compare"
_FORMATS = ("fxnorm", "json", "mixing")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of the command."""
    parser.add_argument(
        "sources",
        nargs="+",
        metavar="PRIORS",
        help="a priors folder, or `compare` and two sets of constants: A minus B",
    )
    parser.add_argument("--format", choices=_FORMATS, default="fxnorm", help="fxnorm (.npz or .npy), json, or mixing")
    parser.add_argument("--group", default=EVERY_SONG, help="group of songs (all, genre=rock, ...)")
    parser.add_argument("-o", "--output", metavar="FILE", help="file to write; JSON goes to stdout without it")
    parser.add_argument(
        "--weighted",
        action="store_true",
        help="weight songs by the confidence in their separation (default: equal weights)",
    )
    parser.add_argument("--json", action="store_true", help="with compare: print JSON")


def run(args: argparse.Namespace) -> int:
    """Write the constants or print the comparison, and return 0.

    Raises:
        InputError: if the priors lack a statistic or group, or a file cannot be read or written.
    """
    if args.sources[0] == _COMPARE:
        _compare(args)
        return 0
    if len(args.sources) > 1:
        raise InputError("constants takes one priors folder, or: constants compare A B")
    _write(args)
    return 0


def _compare(args: argparse.Namespace) -> None:
    names = args.sources[1:]
    if len(names) != 2:
        raise InputError("compare takes two sets of constants: constants compare A B")
    from mixprior.analysis.constants.compare import compare, to_table

    found = compare(*(_features(name, args.group, args.weighted) for name in names))
    if args.json:
        print(json.dumps({"a": names[0], "b": names[1], **found.to_dict()}, indent=2, allow_nan=False), flush=True)
    else:
        print(f"{names[0]} minus {names[1]}\n\n{to_table(found)}", flush=True)


def _features(name: str, group: str, weighted: bool) -> Features:
    from mixprior.analysis.constants import file
    from mixprior.analysis.constants.constants import of_priors, stems_in

    if name not in PACKAGED and not (named := place(name)).is_dir():
        return file.read(named)
    priors = open_priors(name)
    return of_priors(priors, group, stems_in(priors, group), weighted).features


def _write(args: argparse.Namespace) -> None:
    from mixprior.analysis.constants import file, mixing_targets  # here: a help text needs no scipy
    from mixprior.pipeline.store import files, sources

    priors = open_priors(args.sources[0])
    if args.format == "mixing":
        if args.weighted:
            raise InputError("--weighted is for --format fxnorm and json: a mixer's targets are plain means")
        data = mixing_targets.to_json(priors, args.group).encode()
    elif args.format == "json":
        data = file.to_json(priors.constants(group=args.group, weighted=args.weighted)).encode()
    elif os.path.splitext(args.output or "")[1] not in (".npz", ".npy"):
        raise InputError("--format fxnorm writes a file: give -o FILE.npz, or FILE.npy for FxNorm-automix itself")
    else:
        write = file.to_npy if args.output.endswith(".npy") else file.to_npz
        data = write(priors.constants(group=args.group, weighted=args.weighted))
    if args.output is None:
        sys.stdout.write(data.decode() + "\n")
        return
    if sources.is_remote(args.output):
        files.write_bytes(args.output, data)
        return
    with files.replacing(args.output) as path:
        path.write_bytes(data)

"""The evaluations as a command: `python -m mixprior.mixing.evaluation pairs|tracks MUSIC RUN -o FOLDER`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from mixprior.analysis.priors import open_priors
from mixprior.mixing.evaluation import results, separated
from mixprior.mixing.evaluation.evaluation import EVALUATIONS, rows_of
from mixprior.mixing.evaluation.material import Material
from mixprior.mixing.evaluation.metrics import names
from mixprior.mixing.evaluation.report import report
from mixprior.pipeline.catalogs import roles
from mixprior.stats.errors import InputError

ROLES = Path("tools", "data_roles.csv")


def run(args: argparse.Namespace) -> int:
    """Evaluate, write the rows and the tables, and print the tables.

    Raises:
        InputError: if there is no music, or no run.
    """
    evaluation = EVALUATIONS[args.what]
    recordings = () if args.tables else roles.read(args.roles)
    material = Material(args.music, args.responses, args.run, args.output, recordings)
    path = args.output / f"{evaluation.name}{'_quick' if args.quick else ''}.csv"
    metrics = names(evaluation.metrics)
    if not args.tables:
        if not args.music.is_dir():
            raise InputError(f"{args.music} is not a folder: give the folder of the music")
        priors = open_priors(args.run)  # what cannot be opened is refused before hours of work
        if priors.manifest.get("calibration"):
            raise InputError(f"{args.run} is calibrated, by songs that are scenes here: aggregate it without")
        separated.fill(material, partial(_show, "songs separated"))
        draws = 1 if args.quick else args.draws or evaluation.draws
        scenes = [name for name in evaluation.scenes(material) if not args.quick or name in evaluation.quick]
        of_scene = partial(rows_of, evaluation.name, material, draws)
        results.write(path, metrics, of_scene, scenes, args.workers, partial(_show, "scenes mixed"))
    text = report(evaluation, list(results.read(path, metrics)))
    path.with_suffix(".md").write_text(text, "utf-8")
    print(text)
    return 0


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(prog="python -m mixprior.mixing.evaluation", description=__doc__)
    made.add_argument("what", choices=EVALUATIONS, help="what is mixed: vocals and backing, or the tracks of a song")
    made.add_argument("music", type=Path, help="folder with songs/, multitracks/, stems/ and voices/")
    made.add_argument("run", type=Path, help="output folder of `mixprior mine` on the songs of the priors")
    made.add_argument("--roles", type=Path, default=ROLES, metavar="CSV", help=f"what recordings are for ({ROLES})")
    made.add_argument("-o", "--output", type=Path, required=True, help="folder for rows and tables")
    made.add_argument("--responses", type=Path, help="folder of impulse responses, for the wet scenes")
    made.add_argument("--quick", action="store_true", help="one damage of a few scenes")
    made.add_argument("--draws", type=int, metavar="N", help="damages of each scene (pairs 3, tracks 2)")
    made.add_argument("-j", "--workers", type=int, default=2, help="processes (2)")
    made.add_argument("--tables", action="store_true", help="only the tables, from the rows of an earlier run")
    return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command; 2 for an error of the input."""
    try:
        return run(parser().parse_args(arguments))
    except InputError as error:
        print(f"mixprior: error: {error}", file=sys.stderr)
        return 2


def _show(what: str, done: int, count: int) -> None:
    print(f"{done} of {count} {what}", file=sys.stderr, flush=True)

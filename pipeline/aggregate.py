"""`mixprior aggregate`: priors from the rows of a run, grouped and corrected anew; no song is opened."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Callable
from importlib.metadata import version

import apache_beam as beam

from mixprior.pipeline.graphs import runner
from mixprior.pipeline.graphs.aggregate import Aggregate, WritePriors
from mixprior.pipeline.graphs.compact import Compact
from mixprior.pipeline.store import archive, files
from mixprior.pipeline.store.layout import MANIFEST_FILE, RunFolder
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.errors import InputError
from mixprior.stats.priors.calibration import Calibration
from mixprior.stats.priors.grouping import MIN_GROUP, can_group_by
from mixprior.stats.priors.tally import Grouping
from mixprior.stats.schema import FINISHED

_SONGS_A_WORKER = 256
_NUMERIC_LIBRARIES = ("demucs", "librosa", "numpy", "pyarrow", "scipy", "soundfile", "soxr", "torch")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mixprior aggregate`."""
    parser.add_argument("run_folder", metavar="RUN", help="output folder of `mixprior mine`")
    parser.add_argument("-o", "--output", metavar="PRIORS", help="folder to write the priors to (RUN/priors)")
    parser.add_argument("-j", "--workers", type=int, default=os.cpu_count() or 1, help="local processes (all cores)")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    add_grouping(parser)
    runner.add_arguments(parser)


def add_grouping(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments that tell how songs are grouped and corrected."""
    parser.add_argument(
        "--group-by",
        default="",
        metavar="A,B",
        help="columns of the catalog to group by, and pairs of them; decade (from a year or date) and tempo_band "
        "(from the measured tempo) are derived",
    )
    parser.add_argument(
        "--min-group", type=int, default=MIN_GROUP, metavar="N", help=f"publish no smaller groups ({MIN_GROUP})"
    )
    parser.add_argument(
        "--calibration", metavar="FILE", help="corrections by `mixprior calibrate`, for stems that were separated"
    )


def grouping_of(args: argparse.Namespace) -> Grouping:
    """Return how songs are to be grouped.

    Raises:
        InputError: if the calibration cannot be read.
    """
    if args.min_group < 1:
        raise InputError("--min-group takes a number from 1")
    calibration = None
    if args.calibration is not None:
        try:
            calibration = files.read_bytes(args.calibration).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--calibration {args.calibration} cannot be read: {error}") from error
        Calibration.load(calibration)
    names = dict.fromkeys(name.strip() for name in args.group_by.split(",") if name.strip())
    return Grouping(tuple(names), args.min_group, calibration)


def check_groups(grouping: Grouping, columns: set[str]) -> None:
    """Refuse to group by what the catalog does not have.

    Raises:
        InputError: naming the columns it has.
    """
    for name in grouping.group_by:
        if not can_group_by(name, sorted(columns)):
            has = ", ".join(sorted(columns)) or "none"
            raise InputError(f"--group-by {name}: the catalog has no such column (it has: {has})")


def check_calibration(grouping: Grouping, facts: dict) -> None:
    """Refuse corrections that were fitted to another separation than that of the rows.

    Args:
        grouping: with the calibration, if any.
        facts: how the rows were measured.

    Raises:
        InputError: naming both.
    """
    if grouping.calibration is not None and facts["stems"] == "separated":
        separation = ("feature_version", "model", "weights_sha256", "precision", "overlap")
        Calibration.load(grouping.calibration).check(*(facts[name] for name in separation))


def run(args: argparse.Namespace) -> int:
    """Run `mixprior aggregate`; return its exit code."""
    root = args.run_folder.rstrip("/")
    if args.workers < 1:
        raise InputError("--workers takes a number from 1")
    rows = Rows.open(root)
    songs = rows.songs
    grouping = grouping_of(args)
    check_groups(grouping, {name for text in set(songs["metadata"].to_pylist()) for name in json.loads(text)})
    finished = sum(status in FINISHED for status in songs["status"].to_pylist())
    if not finished:
        raise InputError(f"{root} has no finished song to aggregate")
    for feature_key in sorted(set(songs["feature_key"].to_pylist())):
        check_calibration(grouping, rows.settings(feature_key))
    folder = (args.output or f"{root}/priors").rstrip("/")
    logging.getLogger("apache_beam").setLevel(logging.DEBUG if args.debug else logging.CRITICAL)
    files.need_writable(folder)
    try:
        aggregate(root, folder, grouping, args, finished, tick=lambda: None)
    except KeyboardInterrupt:
        print("mixprior: interrupted; no song's rows are lost", file=sys.stderr)
        runner.leave(130)
    except runner.WorkerDied as death:
        print(f"mixprior: a worker process died ({death}), out of memory perhaps: try --workers 1", file=sys.stderr)
        runner.leave(1)
    manifest = json.loads(files.read_bytes(f"{folder}/{MANIFEST_FILE}"))
    if args.json:
        told = {name: manifest[name] for name in ("songs", "hours", "failed", "duplicates", "group_by", "withheld")}
        print(json.dumps({"priors": folder, **told}))
    else:
        print(f"{manifest['songs']} songs, {manifest['hours']:.2f} hours; priors: {folder}")
        if manifest["withheld"]:
            print(f"{len(manifest['withheld'])} groups with fewer than {grouping.min_group} songs are withheld")
    return 0


def aggregate(
    root: str, folder: str, grouping: Grouping, args: argparse.Namespace, songs: int, tick: Callable[[], None]
) -> None:
    """Build the priors of a run; compact the files of single songs first where there are many.

    Args:
        root: the run's folder.
        folder: where to write the priors.
        grouping: how songs are grouped and corrected.
        args: with `workers` and Beam's options.
        songs: finished songs, by which local workers are started.
        tick: shows progress.
    """
    workers = min(args.workers, 1 + songs // _SONGS_A_WORKER)
    run_folder = RunFolder.at(root)
    keys = sorted(set(Rows.open(root).songs["feature_key"].to_pylist()))
    many = [key for key in keys if len(archive.loose_songs(run_folder, key)) >= archive.MANY]
    if many:
        runner.run(
            lambda pipeline: _ignore(pipeline | beam.Create(many) | "Compact" >> Compact(run_folder)),
            args,
            workers,
            tick,
        )
    versions = {name: version(name) for name in ("mixprior", *_NUMERIC_LIBRARIES)}

    def build(pipeline: beam.Pipeline) -> None:
        _ignore(
            pipeline
            | "Name the run" >> beam.Create([root])
            | "Aggregate" >> Aggregate(grouping)
            | "Keep priors" >> WritePriors(folder, root, grouping, versions)
        )

    runner.run(build, args, workers, tick)


def _ignore(_collection: object) -> None:
    """Nothing follows: the graph is built by applying."""

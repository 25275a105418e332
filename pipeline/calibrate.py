"""Songs measured on their true stems and on separated ones: how far separation biases each statistic."""

from __future__ import annotations

import argparse
import json
import logging
import os
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace

import apache_beam as beam
import pyarrow as pa
import pyarrow.compute as pc
from tabulate import tabulate

from mixprior.pipeline.catalogs.catalog import open_catalog
from mixprior.pipeline.graphs import options, runner
from mixprior.pipeline.graphs.extract import Extract, WriteSongs
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import files, progress
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import InputError, Song
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.priors.calibration import Calibration
from mixprior.stats.priors.calibration_fit import MIN_FOLDS, fit_all
from mixprior.stats.registry import COLUMNS
from mixprior.stats.schema import FEATURE_VERSION

_UNITS = {column.name: column.unit for column in COLUMNS}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mixprior calibrate`."""
    parser.add_argument(
        "truth",
        nargs="+",
        metavar="TRUTH",
        help="songs with their true stems (MUSDB18, folders of stems, a manifest); others are passed over",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="write the corrections to it, as JSON")
    parser.add_argument(
        "--run", dest="run_folder", metavar="FOLDER", help="keep finished songs here (the output without .json)"
    )
    parser.add_argument(
        "--fold-by",
        metavar="COLUMN",
        help="manifest column that tells what songs share (a recording, a voice), so that they are held out together; "
        "without it every song stands alone",
    )
    parser.add_argument("-j", "--workers", type=int, default=os.cpu_count() or 1, help="local processes (all cores)")
    options.add_arguments(parser)
    parser.add_argument("--force", action="store_true", help="measure again what is finished")
    parser.add_argument("--retry-failed", action="store_true", help="try again what failed in an earlier run")
    parser.add_argument("--json", action="store_true", help="print the corrections as JSON instead of a table")
    parser.add_argument("--quiet", action="store_true", help="no progress, failures only")
    runner.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run `mixprior calibrate`; return its exit code."""
    root = (args.run_folder or args.output.removesuffix(".json")).rstrip("/")
    if root == args.output.rstrip("/"):
        raise InputError(f"--output {args.output} does not end in .json: name the folder of the run with --run")
    if args.workers < 1:
        raise InputError("--workers takes a number from 1")
    songs = [song for catalog in args.truth for song in open_catalog(catalog) if song.has_stems]
    if not songs:
        raise InputError(f"no song of {', '.join(args.truth)} comes with its stems: there is no truth to hold against")
    if args.fold_by is not None and args.fold_by not in {name for song in songs for name, _ in song.metadata}:
        raise InputError(f"--fold-by {args.fold_by}: the catalog has no such column")
    from_stems = options.settings(args)
    ways = {"true": from_stems, "separated": replace(from_stems, separate_all=True)}
    logging.getLogger("apache_beam").setLevel(logging.DEBUG if args.debug else logging.CRITICAL)
    display = progress.Display(progress.path_in(f"{root}/separated"), len(songs), args.quiet)
    try:
        _extract(root, songs, ways, args, display)
    except (KeyboardInterrupt, runner.WorkerDied) as end:
        display.close()
        died = isinstance(end, runner.WorkerDied)
        what = f"a worker process died ({end}), out of memory perhaps" if died else "interrupted"
        print(f"mixprior: {what}; the same command (without --force) goes on from there", file=sys.stderr)
        runner.leave(1 if died else 130)
    display.close()
    calibration = _fit(root, from_stems, args.fold_by)
    files.write_bytes(args.output, calibration.to_json().encode())
    failed = len(songs) - calibration.songs
    if failed:
        print(f"mixprior: {failed} songs failed or are duplicates: {root}/separated/songs.parquet", file=sys.stderr)
    print(calibration.to_json() if args.json else _table(calibration))
    if not calibration.corrections:
        print(f"mixprior: fewer than {MIN_FOLDS} songs or sources: nothing could be judged", file=sys.stderr)
        return 3
    return 0


def _extract(
    root: str, songs: list[Song], ways: dict[str, MiningSettings], args: argparse.Namespace, display: progress.Display
) -> None:
    catalog_path = f"{root}/catalog.jsonl"
    files.write_bytes(catalog_path, "".join(f"{song.to_json()}\n" for song in songs).encode())
    if display.path is not None:
        files.remove(display.path)

    def build(pipeline: beam.Pipeline) -> None:
        catalog = pipeline | "Name the catalog" >> beam.Create([catalog_path])
        found = catalog | "Read songs" >> beam.FlatMap(_read_songs)
        for way, settings in ways.items():
            folder = f"{root}/{way}"
            provenance = json.dumps(settings.provenance(has_stems=True), indent=2, sort_keys=True)
            files.write_bytes(f"{folder}/features/{settings.feature_key(True)}/settings.json", provenance.encode())
            outcomes = found | f"Measure {way} stems" >> Extract(folder, settings, args.force, args.retry_failed)
            _ = outcomes | f"Keep outcomes of {way} stems" >> WriteSongs(RunFolder.at(folder))

    runner.run(build, args, min(args.workers, len(songs)), display.refresh)


def _read_songs(catalog_path: str) -> Iterator[Song]:
    return map(Song.from_json, files.read_bytes(catalog_path).decode().splitlines())


def _fit(root: str, settings: MiningSettings, fold_by: str | None) -> Calibration:
    measured = {way: Rows.open(f"{root}/{way}") for way in ("separated", "true")}
    finished = [set(rows.finished["song_id"].to_pylist()) for rows in measured.values()]
    both = pa.array(sorted(set.intersection(*finished)), pa.string())
    if not len(both):
        raise InputError(f"no song could be measured both ways: {measured['separated'].folder.songs} has the reasons")
    separation = settings.separation
    separated, true = (_of(rows, both) for rows in measured.values())
    metadata = {song_id: text for key in separated.feature_keys for song_id, text in separated.metadata(key).items()}
    folds = {song_id: str(json.loads(text).get(fold_by) or song_id) for song_id, text in metadata.items()}
    corrections = fit_all(_table_of(separated), _table_of(true), folds)
    return Calibration(
        model=separation.model,
        weights_sha256=separation.weights_sha256,
        precision=separation.precision,
        overlap=separation.overlap,
        feature_version=FEATURE_VERSION,
        songs=len(both),
        fold_by=fold_by,
        corrections=tuple(corrections),
    )


def _of(rows: Rows, song_ids: pa.Array) -> Rows:
    return Rows(rows.folder, rows.songs.filter(pc.is_in(rows.songs["song_id"], song_ids)))


def _table_of(rows: Rows) -> pa.Table:
    return pa.concat_tables([table for key in rows.feature_keys for table in rows.tables(key)])


def _table(calibration: Calibration) -> str:
    head = ("stem", "statistic", "unit", "n", "folds", "kind", "bias", "after", "MAE", "after", "residual sd")
    rows = [
        (
            *(row["stem"], row["statistic"], _UNITS[row["statistic"]], str(row["n"]), str(row["folds"]), row["kind"]),
            *(f"{row[f'{error}_{when}']:.4g}" for error in ("bias", "mae") for when in ("before", "after")),
            f"{row['residual_sd']:.4g}",
        )
        for row in map(asdict, calibration.corrections)
    ]
    sides = ["left" if name in ("stem", "statistic", "unit", "kind") else "right" for name in head]
    table = tabulate([head, *rows], tablefmt="plain", disable_numparse=True, colalign=sides)
    return f"{calibration.songs} songs; errors after correction are of held-out songs\n{table}"

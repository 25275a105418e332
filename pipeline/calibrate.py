"""Songs measured on their true stems and on separated ones: how far separation biases each statistic."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mixprior.pipeline.aggregate import processes
from mixprior.pipeline.graphs import beam_options as beam
from mixprior.pipeline.graphs import options
from mixprior.stats.errors import InputError
from mixprior.stats.visible import visible

if TYPE_CHECKING:
    from mixprior.pipeline.separation.separator import SeparationSettings
    from mixprior.pipeline.song.settings import MiningSettings
    from mixprior.pipeline.store.layout import RunFolder
    from mixprior.pipeline.store.progress import Progress
    from mixprior.pipeline.store.song_list import SongList
    from mixprior.stats.priors.calibration import Calibration

parse = beam.parse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mixprior calibrate`."""
    parser.add_argument(
        "truth",
        nargs="+",
        metavar="TRUTH",
        help="songs with their true stems (MUSDB18, folders of stems, a manifest); others are skipped",
    )
    parser.add_argument("-o", "--output", required=True, metavar="FILE", help="write the corrections to it, as JSON")
    parser.add_argument(
        "--run", dest="run_folder", metavar="FOLDER", help="keep finished songs here (the output without .json)"
    )
    parser.add_argument(
        "--fold-by",
        metavar="COLUMN",
        help="manifest column of what songs share (a recording, a singer): those are held out together; "
        "without it each song is held out alone",
    )
    parser.add_argument("-j", "--workers", type=int, help="processes and cores; a song alone has all (all cores)")
    options.add_arguments(parser)
    parser.add_argument("--force", action="store_true", help="measure again what is finished")
    parser.add_argument("--retry-failed", action="store_true", help="try again what failed in an earlier run")
    parser.add_argument("--json", action="store_true", help="print the corrections as JSON instead of a table")
    parser.add_argument("--quiet", action="store_true", help="no progress, failures only")
    beam.add_help(parser)


def run(args: argparse.Namespace) -> int:
    """Run `mixprior calibrate`; return its exit code."""
    from mixprior.pipeline.store.progress import Display
    from mixprior.stats.priors.calibration_fit import MIN_FOLDS

    folder = _run_folder(args.output, args.run_folder)
    display = Display(args.quiet)
    try:
        calibration = calibrate(
            args.truth,
            args.output,
            run_folder=args.run_folder,
            fold_by=args.fold_by,
            workers=args.workers,
            force=args.force,
            retry_failed=args.retry_failed,
            beam_options=args.beam_options,
            progress=display,
            **options.of(args),
        )
    finally:
        display.close()
    failed = (len(display.log.notes) if display.log else 0) - calibration.songs
    if failed > 0:
        table = _way(folder, "separated").songs
        print(f"mixprior: {failed} songs failed or are duplicates: {visible(table)}", file=sys.stderr)
    print(calibration.to_json() if args.json else _table(calibration))
    if not calibration.corrections:
        print(f"mixprior: fewer than {MIN_FOLDS} songs or sources: nothing could be judged", file=sys.stderr)
        return 3
    return 0


def calibrate(
    truth: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    run_folder: str | Path | None = None,
    fold_by: str | None = None,
    workers: int | None = None,
    separation: SeparationSettings | None = None,
    max_minutes: float = 20.0,
    force: bool = False,
    retry_failed: bool = False,
    beam_options: Sequence[str] = (),
    progress: Progress | None = None,
) -> Calibration:
    """Measure songs on their true stems and on separated ones, and fit corrections. Called again, it continues.

    Args:
        truth: songs with their true stems, as `mine` takes catalogs; others are skipped.
        output: file of the corrections, JSON.
        run_folder: keeps finished songs; None for the output without `.json`.
        fold_by: column of the catalog that says what songs share, so that they are held out together.
        workers: processes that mine on this machine; None for one a core.
        separation: model and way of separating; None for the usual.
        max_minutes: longer songs fail.
        force: measure again what is finished.
        retry_failed: try again what failed in an earlier run.
        beam_options: Beam's own (`--runner=...`).
        progress: called with (songs done, songs in all), about twice a second.

    Returns:
        The corrections; none where there are too few songs to judge by.

    Raises:
        InputError: if no song has its stems, an option does not fit, the model cannot be had, or no song could be
            measured both ways.
        TooManyFailed: if most songs fail by one cause that is the machine's; what is finished is kept.
        KeyboardInterrupt: on Ctrl-C; what is finished is kept.

    >>> calibrate("music/musdb18", "outputs/calibration.json").songs  # doctest: +SKIP
    100
    """
    beam.need_beam(beam_options)
    from mixprior.pipeline.graphs.extraction import extract_songs
    from mixprior.pipeline.separation import model_store
    from mixprior.pipeline.separation.model_digests import RememberedDigests
    from mixprior.pipeline.store import files, published, stray
    from mixprior.pipeline.store import progress as progress_of_call
    from mixprior.pipeline.store import songs as tables
    from mixprior.pipeline.store.progress import Log

    workers = processes(workers)
    songs = _songs(truth, fold_by)
    folder = _run_folder(output, run_folder).mining(songs.content, stray.name())
    find = partial(model_store.resolve, digests=RememberedDigests())
    from_stems = options.settings(separation, max_minutes, find, beam.is_local(beam_options))
    ways = [
        (_way(folder, "true"), from_stems),
        (_way(folder, "separated"), replace(from_stems, separate_all=True)),
    ]
    tick = partial(Log(ways[-1][0]).report, len(songs), progress)
    again = {"force": force, "retry_failed": retry_failed}
    try:
        extract_songs(folder, songs, ways, **again, workers=workers, beam_options=beam_options, tick=tick)
        tick()
        calibration = _fit([tables.of_call(way) for way, _ in reversed(ways)], from_stems, fold_by)
        for way, _ in ways:
            published.withdraw(way.priors, {way.songs: files.read_bytes(tables.of_call(way))})
    finally:
        for way, _ in ways:
            progress_of_call.end(way)
    for way, _ in ways:
        files.remove_folder(way.made)
        stray.sweep(way)
    files.write_bytes(str(output), calibration.to_json().encode())
    return calibration


def _run_folder(output: str | Path, run_folder: str | Path | None) -> RunFolder:
    from mixprior.pipeline.store.layout import RunFolder

    folder = RunFolder.at(run_folder or str(output).removesuffix(".json"))
    if folder == RunFolder.at(output):
        raise InputError(f"--output {output} does not end in .json: name the folder of the run with --run")
    return folder


def _way(folder: RunFolder, way: str) -> RunFolder:
    return replace(folder, root=f"{folder.root}/{way}")


def _songs(truth: str | Path | Sequence[str | Path], fold_by: str | None) -> SongList:
    from mixprior.pipeline.catalogs.catalog import open_catalogs
    from mixprior.pipeline.store.song_list import SongList

    songs = SongList.of(song for song in open_catalogs(truth) if song.has_stems)
    if not len(songs):
        locations = str(truth) if isinstance(truth, str | Path) else ", ".join(map(str, truth))
        raise InputError(f"no song of {locations} comes with its stems: give songs with true stems")
    if fold_by is not None and fold_by not in songs.columns:
        raise InputError(f"--fold-by {fold_by}: the catalog has no such column")
    return songs


def _fit(runs: Sequence[str], settings: MiningSettings, fold_by: str | None) -> Calibration:
    import pyarrow as pa

    from mixprior.pipeline.store.rows import Rows
    from mixprior.stats.priors.calibration import Calibration
    from mixprior.stats.priors.calibration_fit import fit_all
    from mixprior.stats.priors.separation_errors import errors_of
    from mixprior.stats.priors.tally import metadata_of
    from mixprior.stats.schema import FEATURE_VERSION

    measured = [Rows.open(run) for run in runs]
    finished = [set(rows.finished["song_id"].to_pylist()) for rows in measured]
    both = pa.array(sorted(set.intersection(*finished)), pa.string())
    if not len(both):
        raise InputError(f"no song could be measured both ways: {measured[0].folder.songs} has the reasons")
    separated, true = (rows.of(both) for rows in measured)
    metadata = {song_id: text for key in separated.feature_keys for song_id, text in separated.metadata(key).items()}
    folds = {
        song_id: str((metadata_of(text) or {}).get(fold_by or "") or song_id) for song_id, text in metadata.items()
    }
    separation, tables = settings.separation, (separated.table(), true.table())
    return Calibration(
        model=separation.model,
        weights_sha256=separation.weights_sha256,
        precision=separation.precision,
        overlap=separation.overlap,
        feature_version=FEATURE_VERSION,
        songs=len(both),
        fold_by=fold_by,
        corrections=tuple(fit_all(*tables, folds)),
        errors=errors_of(*tables, folds),
    )


def _table(calibration: Calibration) -> str:
    from tabulate import tabulate

    from mixprior.stats.registry import COLUMNS

    units = {column.name: column.unit for column in COLUMNS}
    head = ("stem", "statistic", "unit", "n", "folds", "kind", "bias", "after", "MAE", "after", "residual sd")
    rows = [
        (
            *(row["stem"], row["statistic"], units[row["statistic"]], str(row["n"]), str(row["folds"]), row["kind"]),
            *(f"{row[f'{error}_{when}']:.4g}" for error in ("bias", "mae") for when in ("before", "after")),
            f"{row['residual_sd']:.4g}",
        )
        for row in map(asdict, calibration.corrections)
    ]
    sides = ["left" if name in ("stem", "statistic", "unit", "kind") else "right" for name in head]
    table = tabulate([head, *rows], tablefmt="plain", disable_numparse=True, colalign=sides)
    return f"{calibration.songs} songs; errors after correction are of held-out songs\n{table}"

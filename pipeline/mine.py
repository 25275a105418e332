"""Catalog to priors in one run: extract what is not yet on disk, then aggregate all of it."""

from __future__ import annotations

import argparse
import json
import math
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixprior.pipeline.aggregate import add_grouping, build_priors, processes
from mixprior.pipeline.asked import Asked, settings_for, songs_of
from mixprior.pipeline.graphs import beam_options as beam
from mixprior.pipeline.graphs import options
from mixprior.pipeline.store import sources
from mixprior.pipeline.summary import Mined, Plan
from mixprior.stats.errors import InputError
from mixprior.stats.priors.grouping import MIN_GROUP

if TYPE_CHECKING:
    from mixprior.pipeline.separation.separator import SeparationSettings
    from mixprior.pipeline.song.settings import MiningSettings
    from mixprior.pipeline.store.layout import RunFolder
    from mixprior.pipeline.store.progress import Log, Progress

parse = beam.parse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mixprior mine`."""
    parser.add_argument(
        "catalog",
        nargs="+",
        metavar="CATALOG",
        help="songs, folders of songs or stems, CSV, JSONL or Parquet manifests with a `path` column, and published "
        "datasets as NAME:FOLDER (fma, jamendo, musdb, medleydb, gtzan)",
    )
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder of the run")
    add_grouping(parser)
    parser.add_argument("-j", "--workers", type=int, help="processes and cores; a song alone has all (all cores)")
    options.add_arguments(parser)
    parser.add_argument("--limit", type=int, metavar="N", help="mine the first N songs of the catalog")
    parser.add_argument("--force", action="store_true", help="mine again what is finished")
    parser.add_argument("--retry-failed", action="store_true", help="try again what failed in an earlier run")
    parser.add_argument("--rehash", action="store_true", help="read every song, even those that have not changed")
    parser.add_argument("--max-failures", metavar="N|P%", help="end with exit code 3 if more songs fail")
    parser.add_argument("--dry-run", action="store_true", help="only print what would be done, and what it would take")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress, failures only")
    beam.add_help(parser)


def run(args: argparse.Namespace) -> int:
    """Run `mixprior mine`; return its exit code."""
    from mixprior.pipeline.store.progress import Display

    _allowed_failures(args.max_failures, songs=0)  # before any work is done
    same: dict[str, Any] = {
        "limit": args.limit,
        "force": args.force,
        "retry_failed": args.retry_failed,
        "rehash": args.rehash,
        **options.of(args),
    }
    same["beam_options"] = args.beam_options
    if args.dry_run:
        planned = plan(args.catalog, args.output, workers=args.workers, **same)
        print(json.dumps(asdict(planned)) if args.json else planned.text())
        return 0
    grouped = {"group_by": args.group_by, "min_group": args.min_group, "calibration": args.calibration}
    if not beam.waits(args.beam_options):
        from mixprior.pipeline.submit import submit

        if args.max_failures is not None:
            raise InputError("--max-failures needs the end of the run: leave out --no_wait_until_finish")
        submitted = submit(args.catalog, args.output, **grouped, **same)
        print(json.dumps(asdict(submitted)) if args.json else submitted.text())
        return 0
    display = Display(args.quiet)
    try:
        mined = mine(
            args.catalog,
            args.output,
            workers=args.workers,
            progress=display,
            **grouped,
            **same,
        )
    finally:
        display.close()
    print(json.dumps(asdict(mined)) if args.json else mined.text())
    if mined.failed > _allowed_failures(args.max_failures, mined.songs):
        print(f"mixprior: more songs failed than --max-failures {args.max_failures} allows", file=sys.stderr)
        return 3
    return 0 if mined.priors else 3


def mine(
    catalog: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    workers: int | None = None,
    group_by: Sequence[str] = (),
    min_group: int = MIN_GROUP,
    calibration: str | Path | None = None,
    separation: SeparationSettings | None = None,
    max_minutes: float = 20.0,
    limit: int | None = None,
    force: bool = False,
    retry_failed: bool = False,
    rehash: bool = False,
    beam_options: Sequence[str] = (),
    progress: Progress | None = None,
) -> Mined:
    """Mine priors from a catalog of songs. Called again after an interruption, it continues with the rest.

    Args:
        catalog: songs, folders of songs or stems, or manifests, local or fsspec URLs, or datasets as `NAME:FOLDER`;
            one, or several.
        output: folder of the run.
        workers: processes that mine on this machine; None for one a core.
        group_by: columns to group by, of the catalog or of the tags of files (artist, title, genre, year, bpm; the
            catalog wins); `decade`, `tempo_band` and `singing` are derived.
        min_group: publish no smaller groups.
        calibration: file of corrections by `calibrate`, for stems that are separated.
        separation: model and way of separating; None for the usual.
        max_minutes: longer songs fail.
        limit: mine the first so many songs; None for all.
        force: mine again what is finished.
        retry_failed: try again what failed in an earlier run.
        rehash: read every song again, even if its file looks as it was.
        beam_options: Beam's own (`--runner=...`); the end of the run is waited for, whatever they say.
        progress: called with (songs done, songs in all), about twice a second.

    Raises:
        InputError: if the catalog or an option does not fit, the model cannot be had, the output cannot be written, or
            the extra `[mine]` is not installed.
        TooManyFailed: if most songs fail by one cause that is the machine's; what is finished is kept.
        WorkerDied: if a process that aggregates died; what is finished is kept.
        KeyboardInterrupt: on Ctrl-C; what is finished is kept.

    >>> mine("music/songs", "outputs/mine", group_by=["genre"]).mined  # doctest: +SKIP
    11
    """
    beam.need_beam(beam_options)
    from mixprior.pipeline.graphs import runner
    from mixprior.pipeline.graphs.extraction import extract_songs
    from mixprior.pipeline.store import files, stray
    from mixprior.pipeline.store import progress as progress_of_call
    from mixprior.pipeline.store import songs as tables
    from mixprior.pipeline.store.checkpoint import rows_at_hand
    from mixprior.pipeline.store.progress import Log

    started_s = time.monotonic()
    workers = processes(workers)
    asked = Asked.of(
        catalog,
        output,
        group_by=group_by,
        min_group=min_group,
        calibration=calibration,
        separation=separation,
        max_minutes=max_minutes,
        limit=limit,
        rehash=rehash,
        beam_options=beam_options,
    )
    songs, folder, settings = asked.songs, asked.folder, asked.settings
    log = Log(folder)
    tick = partial(log.report, len(songs), progress)
    again = {"force": force, "retry_failed": retry_failed}
    try:
        with runner.kept(beam_options, workers), rows_at_hand(folder):
            with _copies(folder, beam_options) as copies:
                ways = [(folder, replace(settings, copies=copies))]
                extract_songs(folder, songs, ways, **again, workers=workers, beam_options=beam_options, tick=tick)
            tick()
            if log.audio_s:
                _remember_pace(folder, log, settings, songs.has_stems, workers)
            table = tables.of_call(folder)
            build_priors(table, folder.priors, asked.grouping, workers, beam_options, keep=not force)
            tick()
    finally:
        progress_of_call.end(folder)
    files.remove_folder(folder.made)
    stray.sweep(folder)
    return Mined.of(folder, table, log, time.monotonic() - started_s, group_by)


def plan(
    catalog: str | Path | Sequence[str | Path],
    output: str | Path,
    *,
    workers: int | None = None,
    separation: SeparationSettings | None = None,
    max_minutes: float = 20.0,
    limit: int | None = None,
    force: bool = False,
    retry_failed: bool = False,
    rehash: bool = False,
    beam_options: Sequence[str] = (),
) -> Plan:
    """Return what `mine` would do and take, without mining a song. Arguments and errors are those of `mine`."""
    from mixprior.pipeline import estimate
    from mixprior.pipeline.song.fingerprint import Fingerprints
    from mixprior.pipeline.store.layout import RunFolder
    from mixprior.pipeline.store.ledger import Found, Ledger, SongKey

    songs = songs_of(catalog, limit)
    folder = RunFolder.at(output)
    settings = settings_for(songs, folder, separation, max_minutes, rehash, beam_options, fetch=False)
    by_content: dict[SongKey, list[Found]] = {}
    for key, found in Fingerprints(_with_pinned_weights(settings)).of(songs):
        by_content.setdefault(key, []).append(found)
    ledger = Ledger(folder.mining(songs.content), force, retry_failed)
    counts: Counter[str] = Counter()
    to_mine: list[Found] = []
    for key, same in by_content.items():
        outcomes = list(ledger.outcomes(key, same))
        counts.update(outcome.status for outcome in outcomes)
        if outcomes[0].status == "to mine":
            to_mine.append(Found(outcomes[0].song, max(each.size_bytes for each in same)))
    kept = counts["kept"] + counts["mined"]  # the latter by a run that was interrupted
    costs = estimate.of(to_mine, settings, processes(workers)) if beam.is_local(beam_options) else None
    return Plan(len(songs), len(to_mine), kept, counts["duplicate"], counts["failed"], costs)


def _with_pinned_weights(settings: MiningSettings) -> MiningSettings:
    """Have the rows found of a model that is not on this machine, if its weights are known."""
    from mixprior.pipeline.separation.model_store import PINNED

    own = settings.separation
    return replace(settings, separation=replace(own, weights_sha256=own.weights_sha256 or PINNED.get(own.model, "")))


@contextmanager
def _copies(folder: RunFolder, beam_options: Sequence[str]) -> Iterator[str | None]:
    """Where remote songs are left from their naming to their mining; None where a graph may deal them to machines."""
    if beam_options:
        yield None
    elif sources.is_remote(folder.root):
        with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as copies:
            yield copies
    else:
        yield sources.local_path(folder.copies)


def _remember_pace(
    folder: RunFolder, log: Log, settings: MiningSettings, has_stems: Iterable[bool], workers: int
) -> None:
    """Tell the next dry run how fast this was, if it mined enough to tell."""
    from mixprior.pipeline.song import pace

    found = pace.of_run(folder, log, settings, has_stems, workers)
    if found is not None:
        pace.remember(found, settings, has_stems)


def _allowed_failures(text: str | None, songs: int) -> int:
    if text is None:
        return songs
    wrong = f"--max-failures takes a number or a percentage (5 or 2%), not {text!r}"
    try:
        allowed = float(text.removesuffix("%")) if text.endswith("%") else int(text)
    except ValueError:
        raise InputError(wrong) from None
    if not 0 <= allowed < math.inf:
        raise InputError(wrong)
    return int(songs * allowed / 100) if text.endswith("%") else int(allowed)

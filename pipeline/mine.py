"""Catalog to priors in one run: extract what is not yet on disk, then aggregate all of it."""

from __future__ import annotations

import argparse
import json
import logging
import os
import signal
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import apache_beam as beam

from mixprior.pipeline.aggregate import add_grouping, aggregate, check_calibration, check_groups, grouping_of
from mixprior.pipeline.catalogs.catalog import open_catalog
from mixprior.pipeline.graphs import options, runner
from mixprior.pipeline.graphs.extract import Extract, WriteSongs, fingerprint, is_lasting
from mixprior.pipeline.separation import model_store
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import archive, files, progress
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import InputError, Song


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mixprior mine`."""
    parser.add_argument(
        "catalog",
        nargs="+",
        metavar="CATALOG",
        help="songs, folders of songs or stems, or a CSV, JSONL or Parquet manifest with a `path` column",
    )
    parser.add_argument("-o", "--output", required=True, metavar="OUT", help="folder of the run")
    add_grouping(parser)
    parser.add_argument("-j", "--workers", type=int, default=os.cpu_count() or 1, help="local processes (all cores)")
    options.add_arguments(parser)
    parser.add_argument("--limit", type=int, metavar="N", help="mine the first N songs of the catalog")
    parser.add_argument("--force", action="store_true", help="mine again what is finished")
    parser.add_argument("--retry-failed", action="store_true", help="try again what failed in an earlier run")
    parser.add_argument("--max-failures", metavar="N|P%", help="end with exit code 3 if more songs fail")
    parser.add_argument("--dry-run", action="store_true", help="only tell what would be done")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    parser.add_argument("--quiet", action="store_true", help="no progress, failures only")
    runner.add_arguments(parser)


def run(args: argparse.Namespace) -> int:
    """Run `mixprior mine`; return its exit code."""
    root = args.output.rstrip("/")
    songs = [song for catalog in args.catalog for song in open_catalog(catalog)]
    if (args.limit is not None and args.limit < 1) or args.workers < 1:
        raise InputError("--limit and --workers take a number from 1")
    songs = songs[: args.limit]
    grouping = grouping_of(args)
    check_groups(grouping, {name for song in songs for name, _ in song.metadata})
    allowed = _allowed_failures(args.max_failures, len(songs))
    separates = any(not song.has_stems for song in songs)
    if args.dry_run:
        return _dry_run(root, songs, options.settings(args, model_store.find if separates else None), args)
    files.need_writable(root)
    settings = options.settings(args, model_store.resolve if separates else None)
    if separates:
        check_calibration(grouping, settings.provenance(has_stems=False))
    logging.getLogger("apache_beam").setLevel(logging.DEBUG if args.debug else logging.CRITICAL)
    display = progress.Display(progress.path_in(root), len(songs), args.quiet)
    interrupted = _Interrupt(display)
    signal.signal(signal.SIGTERM, interrupted)
    try:
        _extract(root, songs, settings, args, display)
        table = files.read_table(f"{root}/songs.parquet").to_pylist()
        run_ = _Run(
            Counter(row["status"] for row in table),
            _hours(table),
            sum(row["duration_s"] for row in table if row["status"] == "mined"),
            display.elapsed_s,
        )
        if run_.finished:
            aggregate(root, f"{root}/priors", grouping, args, run_.finished, display.refresh)
    except KeyboardInterrupt:
        interrupted(signal.SIGINT, None)
    except runner.WorkerDied as death:
        display.close()
        print(
            f"mixprior: a worker process died ({death}), out of memory perhaps: fewer --workers need less; "
            "the same command goes on from where it was",
            file=sys.stderr,
        )
        runner.leave(1)
    display.close()
    print(run_.to_json(root) if args.json else run_.to_text(root))
    if run_.statuses["failed"] > allowed:
        print(f"mixprior: more songs failed than --max-failures {args.max_failures} allows", file=sys.stderr)
        return 3
    return 0 if run_.finished else 3


@dataclass
class _Run:
    """What a run did, for the summary at its end."""

    statuses: Counter[str]
    hours: float
    audio_s: float
    elapsed_s: float

    @property
    def finished(self) -> int:
        return self.statuses["mined"] + self.statuses["kept"]

    def to_json(self, root: str) -> str:
        return json.dumps(
            {
                "output": root,
                "priors": f"{root}/priors" if self.finished else None,
                **{name: self.statuses[name] for name in ("mined", "kept", "duplicate", "failed")},
                "hours": round(self.hours, 4),
                "audio_s": round(self.audio_s, 1),
                "elapsed_s": round(self.elapsed_s, 1),
            }
        )

    def to_text(self, root: str) -> str:
        lines = [
            f"{sum(self.statuses.values())} songs: "
            + ", ".join(f"{self.statuses[name]} {name}" for name in ("mined", "kept", "duplicate", "failed")),
        ]
        if self.audio_s:
            lines.append(
                f"{self.audio_s / 60:.1f} min of audio mined in {self.elapsed_s / 60:.1f} min "
                f"({self.audio_s / self.elapsed_s:.2f}x real time)"
            )
        if self.statuses["failed"]:
            lines.append(f"reasons of failures: {root}/songs.parquet, {root}/failures")
        lines.append(f"priors: {root}/priors" if self.finished else "no song could be mined: no priors written")
        return "\n".join(lines)


class _Interrupt:
    """Ends the command on Ctrl-C or SIGTERM: one line, the shell's exit code, and no waiting for workers."""

    def __init__(self, display: progress.Display) -> None:
        self.display = display

    def __call__(self, number: int, _frame: object) -> NoReturn:
        self.display.close()
        print("mixprior: interrupted; the same command (without --force) goes on from there", file=sys.stderr)
        runner.leave(128 + number)


def _extract(
    root: str, songs: list[Song], settings: MiningSettings, args: argparse.Namespace, display: progress.Display
) -> None:
    catalog_path = f"{root}/catalog.jsonl"
    files.write_bytes(catalog_path, "".join(f"{song.to_json()}\n" for song in songs).encode())
    # Readers refuse priors without a manifest: from here on the old ones are not those of this catalog.
    files.remove(f"{root}/priors/manifest.json")
    for has_stems in {song.has_stems for song in songs}:
        provenance = json.dumps(settings.provenance(has_stems), indent=2, sort_keys=True)
        files.write_bytes(f"{root}/features/{settings.feature_key(has_stems)}/settings.json", provenance.encode())
    if display.path is not None:
        files.remove(display.path)
    extract = Extract(root, settings, args.force, args.retry_failed)

    def build(pipeline: beam.Pipeline) -> None:
        _ = (
            pipeline
            | "Name the catalog" >> beam.Create([catalog_path])
            | "Read songs" >> beam.FlatMap(_read_songs)
            | "Extract" >> extract
            | "Keep outcomes" >> WriteSongs(RunFolder.at(root))
        )

    runner.run(build, args, min(args.workers, len(songs)), display.refresh)


def _read_songs(catalog_path: str) -> Iterator[Song]:
    return map(Song.from_json, files.read_bytes(catalog_path).decode().splitlines())


def _hours(songs: list[dict[str, Any]]) -> float:
    return sum(song["duration_s"] or 0.0 for song in songs) / 3600


def _allowed_failures(text: str | None, songs: int) -> int:
    if text is None:
        return songs
    try:
        return int(songs * float(text[:-1]) / 100) if text.endswith("%") else int(text)
    except ValueError:
        raise InputError(f"--max-failures takes a number or a percentage (5 or 2%), not {text!r}") from None


def _dry_run(root: str, songs: list[Song], settings: MiningSettings, args: argparse.Namespace) -> int:
    found: Counter[str] = Counter()
    seen = set()
    archived = {
        key: archive.Index.of(RunFolder.at(root), key)
        for key in {settings.feature_key(song.has_stems) for song in songs}
    }
    for song in songs:
        (feature_key, song_id), (_, unreadable) = fingerprint(song, settings)
        checkpoint = Checkpoint(RunFolder.at(root), feature_key)
        failed = checkpoint.failure(song_id)
        if (feature_key, song_id) in seen:
            found["duplicate"] += 1
        elif not args.force and (
            checkpoint.features(song_id) is not None or archived[feature_key].duration_of(song_id) is not None
        ):
            found["kept"] += 1
        elif unreadable is not None or (
            failed is not None and is_lasting(failed) and not (args.force or args.retry_failed)
        ):
            found["failed"] += 1
        else:
            found["to mine"] += 1
        seen.add((feature_key, song_id))
    names = ("to mine", "kept", "duplicate", "failed")
    if args.json:
        print(json.dumps({"songs": len(songs), **{name.replace(" ", "_"): found[name] for name in names}}))
    else:
        print(f"{len(songs)} songs: " + ", ".join(f"{found[name]} {name}" for name in names))
    return 0

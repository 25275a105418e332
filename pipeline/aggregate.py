"""`mixprior aggregate`: priors from the rows of a run, grouped and corrected anew; no song is opened."""

from __future__ import annotations

import argparse
import json
import warnings
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mixprior.pipeline.graphs import beam_options as beam
from mixprior.pipeline.song.cores import usable_cores
from mixprior.stats.errors import InputError, RowsLost, ValuesUnused
from mixprior.stats.priors.grouping import MIN_GROUP, can_group_by
from mixprior.stats.visible import visible

if TYPE_CHECKING:
    from mixprior.pipeline.store.aggregation import Aggregation
    from mixprior.pipeline.store.layout import RunFolder
    from mixprior.pipeline.store.progress import Progress
    from mixprior.pipeline.store.rows import Rows
    from mixprior.stats.priors.tally import Grouping

_SHOWN = 5
_NUMERIC_LIBRARIES = ("demucs", "librosa", "numpy", "pyarrow", "scipy", "soundfile", "soxr", "torch")

parse = beam.parse


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the arguments of `mixprior aggregate`."""
    parser.add_argument(
        "run_folder",
        metavar="RUN",
        help="output folder of `mixprior mine`, or a table of songs in it: RUN/songs/HASH.parquet",
    )
    parser.add_argument("-o", "--output", metavar="PRIORS", help="folder to write the priors to (RUN/priors)")
    parser.add_argument("-j", "--workers", type=int, help="local processes (all cores)")
    parser.add_argument("--json", action="store_true", help="print the summary as one JSON object")
    add_grouping(parser)
    beam.add_help(parser)


def add_grouping(parser: argparse.ArgumentParser) -> None:
    """Declare how songs are grouped and corrected."""
    parser.add_argument(
        "--group-by",
        type=_names,
        default=(),
        metavar="A,B",
        help="columns to group by, and pairs of them: of the catalog, or of the files' tags (artist, title, genre, "
        "year, bpm); decade (from a year or date), tempo_band (from the measured tempo) and singing (yes or no, from "
        "the measured vocals) are derived",
    )
    parser.add_argument(
        "--min-group", type=int, default=MIN_GROUP, metavar="N", help=f"publish no smaller groups ({MIN_GROUP})"
    )
    parser.add_argument(
        "--calibration", metavar="FILE", help="corrections by `mixprior calibrate`, for stems that were separated"
    )


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def run(args: argparse.Namespace) -> int:
    """Run `mixprior aggregate`; return its exit code."""
    made = aggregate(
        args.run_folder,
        args.output,
        group_by=args.group_by,
        min_group=args.min_group,
        calibration=args.calibration,
        workers=args.workers,
        beam_options=args.beam_options,
    )
    if args.json:
        print(json.dumps(asdict(made)))
    else:
        print(f"{made.songs} songs, {made.hours:.2f} hours; priors: {visible(made.priors)}")
        if made.withheld:
            print(f"{len(made.withheld)} groups with fewer than {args.min_group} songs are withheld")
    return 0


@dataclass(frozen=True)
class Aggregated:
    """What was aggregated.

    Attributes:
        priors: the folder that was written.
        songs: songs counted.
        hours: their length.
        failed: songs of the catalog that could not be mined.
        duplicates: songs of the catalog whose content another has.
        group_by: columns the songs are grouped by.
        withheld: number of songs of each group that is too small to be published.
    """

    priors: str
    songs: int
    hours: float
    failed: int
    duplicates: int
    group_by: list[str]
    withheld: dict[str, int]


def aggregate(
    run: str | Path,
    output: str | Path | None = None,
    *,
    group_by: Sequence[str] = (),
    min_group: int = MIN_GROUP,
    calibration: str | Path | None = None,
    workers: int | None = None,
    beam_options: Sequence[str] = (),
    progress: Progress | None = None,
) -> Aggregated:
    """Build priors from the rows of a run.

    Args:
        run: output folder of `mine`, local or an fsspec URL, for the run that ended last; a table of songs in it
            (`RUN/songs/HASH.parquet`) for the run that wrote this.
        output: folder to write the priors to; None for the `priors` of the run.
        group_by: columns of the catalog to group by; `decade`, `tempo_band` and `singing` are derived.
        min_group: publish no smaller groups.
        calibration: file of corrections, for stems that were separated.
        workers: local processes; None for all cores.
        beam_options: Beam's own (`--runner=...`).
        progress: called with (songs done, songs in all): with none done at first, with all at the end.

    Warns:
        ValuesUnused: if rows hold values that cannot be counted: they count as null.
        RowsLost: if rows of some songs are damaged or gone: their files are set aside, the priors are of the rest.

    Raises:
        InputError: if the folder is no run or has lost all rows, an option does not fit, or the output cannot be
            written.
        WorkerDied: if a worker process did.

    >>> aggregate("outputs/mine", group_by=["genre"]).songs  # doctest: +SKIP
    11
    """
    beam.need_beam(beam_options)
    from mixprior.pipeline.store import files, songs
    from mixprior.pipeline.store.layout import MANIFEST_FILE, folder_named
    from mixprior.pipeline.store.rows import Rows
    from mixprior.stats.priors.tally import metadata_of

    table = songs.kept(run)
    rows = Rows.open(table)
    folder = rows.folder
    grouping = grouping_of(group_by, min_group, calibration)
    check_groups(
        grouping, {name for text in set(rows.songs["metadata"].to_pylist()) for name in metadata_of(text) or ()}
    )
    if not len(rows.finished):
        raise InputError(f"{folder.root} has no finished song to aggregate")
    for feature_key in sorted(set(rows.songs["feature_key"].to_pylist())):
        check_calibration(grouping, rows.settings(feature_key))
    priors = folder_named(folder.priors if output is None else output)
    build_priors(table, priors, grouping, processes(workers), beam_options, progress)
    manifest = json.loads(files.read_bytes(f"{priors}/{MANIFEST_FILE}"))
    return Aggregated(priors, *(manifest[each.name] for each in fields(Aggregated)[1:]))


def build_priors(
    run: str,
    priors: str,
    grouping: Grouping,
    workers: int,
    beam_options: Sequence[str],
    progress: Progress | None = None,
    keep: bool = False,
) -> None:
    """Build the priors of a run; compact the files of single songs first where there are many.

    Of a run without a finished song there are no priors; its folder gets its table of songs alone.

    Args:
        run: path of its table of songs.
        priors: where to write.
        grouping: how songs are grouped and corrected.
        workers: local processes, if there are songs enough.
        beam_options: Beam's own.
        progress: called at the beginning and at the end.
        keep: leave priors that are what would be built.
    """
    from mixprior.pipeline.store import basis, files, published
    from mixprior.pipeline.store.aggregation import Aggregation, adders
    from mixprior.pipeline.store.rows import Rows

    rows = Rows.open(run)
    folder = rows.folder
    if not len(rows.finished):
        published.withdraw(priors, {folder.songs: files.read_bytes(run)})
        return
    files.need_writable(priors)
    total = len(rows.finished)
    if progress is not None:
        progress(0, total)
    workers = adders(total, workers)
    is_compact = _compact(rows, workers, beam_options)
    versions = library_versions()
    before = basis.of(rows, grouping, versions)
    beside = {folder.songs: files.read_bytes(run)} if priors == folder.priors else {}
    if not (keep and is_compact and basis.keep(priors, before, beside)):
        _aggregate(Aggregation(run, priors, grouping, versions), workers, beam_options)
        if before is not None and basis.of(rows, grouping, versions) == before:
            basis.note(priors, before)
    _warn_of_lost(folder, priors)
    _warn_of_unused(priors)
    if progress is not None:
        progress(total, total)


def _compact(rows: Rows, workers: int, beam_options: Sequence[str]) -> bool:
    """Compact the files of single songs where there are many; return whether nothing was to be done."""
    from mixprior.pipeline.store import archive

    counts = Counter(rows.songs["feature_key"].to_pylist())
    many = [key for key in sorted(counts) if counts[key] >= archive.MANY and archive.has_many_loose(rows.folder, key)]
    if many:
        from mixprior.pipeline.graphs import runner
        from mixprior.pipeline.graphs.compact import CompactRun

        runner.run(CompactRun(rows.folder, many, len(rows.songs)), beam_options, workers)
    return not many


def _aggregate(aggregation: Aggregation, workers: int, beam_options: Sequence[str]) -> None:
    """Build priors: in this process where one worker does, by a Beam graph otherwise."""
    from mixprior.pipeline.graphs import runner

    if workers == 1 and not beam_options:
        with runner.continuable():
            aggregation.build()
        return
    from mixprior.pipeline.graphs.aggregate import AggregateRun

    runner.run(AggregateRun(aggregation), beam_options, workers)


def library_versions() -> dict[str, str]:
    """Return the versions of this package and of the libraries that numbers depend on, by name."""
    from importlib.metadata import version

    return {name: version(name) for name in ("mixprior", *_NUMERIC_LIBRARIES)}


def _warn_of_lost(folder: RunFolder, priors: str) -> None:
    from mixprior.pipeline.store import archive, files
    from mixprior.pipeline.store.layout import MANIFEST_FILE

    lost = json.loads(files.read_bytes(f"{priors}/{MANIFEST_FILE}"))["lost"]
    if lost:
        shown = ", ".join(lost[:_SHOWN]) + (", ..." if len(lost) > _SHOWN else "")
        aside = archive.set_aside(folder)
        where = f" (set aside: {', '.join(aside[:_SHOWN])})" if aside else ""
        warnings.warn(
            f"{folder.root}: the rows of {len(lost)} songs are damaged or gone{where}; the priors lack them, and "
            f"`mixprior mine` mines them again: {shown}",
            RowsLost,
            stacklevel=3,
        )


def _warn_of_unused(priors: str) -> None:
    from mixprior.pipeline.store import files
    from mixprior.pipeline.store.evidence import unused_of
    from mixprior.pipeline.store.layout import MANIFEST_FILE

    path = f"{priors}/{MANIFEST_FILE}"
    unused = unused_of(json.loads(files.read_bytes(path)))
    if unused.count:
        warnings.warn(unused.text(path), ValuesUnused, stacklevel=3)


def grouping_of(group_by: Sequence[str], min_group: int, calibration: str | Path | None) -> Grouping:
    """Return how songs are to be grouped.

    Raises:
        InputError: if the calibration cannot be read.
    """
    from mixprior.pipeline.store import files
    from mixprior.stats.priors.calibration import Calibration
    from mixprior.stats.priors.tally import Grouping

    if min_group < 1:
        raise InputError("--min-group takes a number from 1")
    text = None
    if calibration is not None:
        try:
            text = files.read_bytes(str(calibration)).decode()
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"--calibration {calibration} cannot be read: {error}") from error
        try:
            Calibration.load(text)
        except InputError as error:
            raise InputError(f"--calibration {calibration}: {error}") from error
    return Grouping(tuple(dict.fromkeys(group_by)), min_group, text)


def check_groups(grouping: Grouping, columns: Collection[str]) -> None:
    """Refuse to group by what neither the catalog nor the tags of files have.

    Raises:
        InputError: naming the columns there are.
    """
    for name in grouping.group_by:
        if not can_group_by(name, sorted(columns)):
            has = ", ".join(sorted(columns)) or "none"
            raise InputError(f"--group-by {name}: the catalog has no such column (it has: {has})")


def check_calibration(grouping: Grouping, facts: Mapping[str, Any]) -> None:
    """Refuse corrections that were fitted to another separation than that of the rows.

    Args:
        grouping: with the calibration, if any.
        facts: how the rows were measured.

    Raises:
        InputError: naming both.
    """
    from mixprior.stats.priors.calibration import Calibration

    if grouping.calibration is not None and facts["stems"] == "separated":
        separation = ("feature_version", "model", "weights_sha256", "precision", "overlap")
        Calibration.load(grouping.calibration).check(*(facts[name] for name in separation))


def processes(workers: int | None) -> int:
    """Return the number of local processes: all cores for None.

    Raises:
        InputError: if it is below 1.
    """
    if workers is not None and workers < 1:
        raise InputError("--workers takes a number from 1")
    return workers or usable_cores()

"""The first graph: every song of the catalog becomes a finished row on disk, or a failure with its reason."""

from __future__ import annotations

import hashlib
import logging
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import apache_beam as beam
import pyarrow as pa
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection
from apache_beam.transforms.combiners import ToList

from mixprior.pipeline.audio import decode
from mixprior.pipeline.song import measure
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import archive, progress, songs
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Failure, Outcome, Song, SongError

_LOG = logging.getLogger(__name__)


@dataclass
class Extract(beam.PTransform):
    """Takes `Song`s and gives one `Outcome` for each; features and failures lie under `root` when it is done.

    Attributes:
        root: the run's folder, local or an fsspec URL.
        settings: how songs are mined.
        force: mine again what is finished.
        retry_failed: try again what failed in an earlier run.
    """

    root: str
    settings: MiningSettings
    force: bool = False
    retry_failed: bool = False

    def expand(self, songs: PCollection) -> PCollection:
        """Build the graph."""
        fingerprints = (
            songs
            | "Spread songs over workers" >> beam.Reshuffle()
            | "Fingerprint each song by its content" >> beam.Map(fingerprint, self.settings)
        )
        return (
            fingerprints
            | "Bring songs of equal content together" >> beam.GroupByKey()
            | "Decode, separate and measure" >> beam.ParDo(MineSong(self))
        )


def fingerprint(song: Song, settings: MiningSettings) -> tuple[tuple[str, str], tuple[Song, Failure | None]]:
    """Return ((feature key, song id), (song, None)); a song that cannot be read carries its failure instead."""
    key = settings.feature_key(song.has_stems)
    try:
        return (key, decode.fingerprint(song)), (song, None)
    except SongError as error:
        song_id = hashlib.sha256(song.path.encode()).hexdigest()[:16]
        return (key, song_id), (song, failure(song, song_id, error))


def failure(song: Song, song_id: str, error: SongError) -> Failure:
    """Return the row that tells why a song failed."""
    return Failure(song_id, song.path, error.stage, type(error).__name__, " ".join(error.message.split()))


def is_lasting(failed: Failure) -> bool:
    """Whether a failure would come again: a file that could not be read may be back, a limit may be another."""
    return failed.stage != "read" and failed.error != decode.TooLong.__name__


class MineSong(beam.DoFn):
    """Takes ((feature key, song id), songs of that content) and gives an `Outcome` for each song.

    The first path in alphabetical order is mined; the others are duplicates of it. Whatever goes wrong with one
    song becomes its failure row; only what would go wrong with every song (a full disk, a missing model) is raised.
    """

    def __init__(self, extract: Extract) -> None:
        self.root, self.settings = extract.root, extract.settings
        self.force, self.retry_failed = extract.force, extract.retry_failed
        self.progress_path = progress.path_in(extract.root)
        self.archived: dict[str, archive.Index] = {}

    def process(self, element: tuple[tuple[str, str], Iterable[tuple[Song, Failure | None]]]) -> Iterator[Outcome]:
        """Mine one song."""
        (feature_key, song_id), found = element
        (song, unreadable), *others = sorted(found, key=lambda pair: (pair[0].path, pair[0].to_json()))
        outcome = self._mine(song, song_id, Checkpoint(RunFolder.at(self.root), feature_key), unreadable)
        Metrics.counter("mixprior", f"songs_{outcome.status}").inc()
        outcomes = [outcome, *(Outcome(other, song_id, "duplicate", feature_key) for other, _ in others)]
        for each in outcomes:
            if self.progress_path is not None:
                progress.report(self.progress_path, each)
            yield each

    def _mine(self, song: Song, song_id: str, checkpoint: Checkpoint, unreadable: Failure | None) -> Outcome:
        def outcome(status: str, duration_s: float | None = None, failed: Failure | None = None) -> Outcome:
            return Outcome(song, song_id, status, checkpoint.feature_key, duration_s, failed)

        if not self.force:
            duration_s = self._kept(checkpoint, song_id)
            if duration_s is not None:
                return outcome("kept", duration_s)
            failed = checkpoint.failure(song_id)
            if failed is not None and not self.retry_failed and unreadable is None and is_lasting(failed):
                return outcome("failed", failed=replace(failed, path=song.path))
        started_s = time.monotonic()
        try:
            if unreadable is not None:
                checkpoint.fail(unreadable)
                return outcome("failed", failed=unreadable)
            table = measure.features(song, song_id, self.settings)
        except SongError as error:
            failed = failure(song, song_id, error)
            checkpoint.fail(failed)
            return outcome("failed", failed=failed)
        checkpoint.finish(table)
        Metrics.distribution("mixprior", "mine_ms").update(int(1000 * (time.monotonic() - started_s)))
        return outcome("mined", _duration_s(table))

    def _kept(self, checkpoint: Checkpoint, song_id: str) -> float | None:
        """Length of a song whose rows are on disk; None if they are not."""
        table = checkpoint.features(song_id)
        if table is not None:
            return _duration_s(table)
        if checkpoint.feature_key not in self.archived:
            self.archived[checkpoint.feature_key] = archive.Index.of(checkpoint.folder, checkpoint.feature_key)
        return self.archived[checkpoint.feature_key].duration_of(song_id)


def _duration_s(table: pa.Table) -> float:
    return float(table["duration_s"].to_pylist()[-1])


@dataclass
class WriteSongs(beam.PTransform):
    """Takes `Outcome`s and writes the table of songs of a run folder; gives the folder's path."""

    folder: RunFolder

    def expand(self, outcomes: PCollection) -> PCollection:
        """Build the graph."""
        return outcomes | "Gather outcomes" >> ToList() | "Write the table of songs" >> beam.Map(self.write)

    def write(self, outcomes: list[Outcome]) -> str:
        """Write the table."""
        songs.write(self.folder, outcomes)
        return self.folder.root

"""The first graph: every song of the catalog becomes a finished row on disk, or a failure with its reason."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection
from apache_beam.transforms.combiners import ToList

from mixprior.pipeline.graphs import runner
from mixprior.pipeline.graphs.conveyed import conveying
from mixprior.pipeline.song import measure
from mixprior.pipeline.song.fingerprint import fingerprint
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import features, files, progress, songs
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.ledger import Found, Ledger, SongKey
from mixprior.pipeline.store.records import Failure, Outcome, Song, SongError


@dataclass
class Extract(beam.PTransform):
    """Takes `Song`s and gives one `Outcome` for each; features and failures are in `folder` when it is done.

    Attributes:
        folder: of the run.
        settings: how songs are mined.
        force: mine again what is finished.
        retry_failed: try again what failed in an earlier run.
    """

    folder: RunFolder
    settings: MiningSettings
    force: bool = False
    retry_failed: bool = False

    def expand(self, songs: PCollection) -> PCollection:
        """Build the graph."""
        fingerprints = (
            songs
            | "Spread songs over workers" >> beam.Reshuffle()
            | "Fingerprint each song by its content" >> beam.Map(conveying(fingerprint), self.settings)
        )
        return (
            fingerprints
            | "Bring songs of equal content together" >> beam.GroupByKey()
            | "Decode, separate and measure" >> beam.ParDo(MineSong(self))
        )


class MineSong(beam.DoFn):
    """Takes ((feature key, song id), songs of that content) and gives an `Outcome` for each song.

    Whatever goes wrong with one song becomes its failure row; only what would go wrong with every song (a full disk, a
    missing model) is raised.
    """

    def __init__(self, extract: Extract) -> None:
        self.folder, self.settings = extract.folder, extract.settings
        self.ledger = Ledger(extract.folder, extract.force, extract.retry_failed)
        self.progress_path = progress.path_in(extract.folder)

    @conveying
    def process(self, element: tuple[SongKey, Iterable[Found]]) -> Iterator[Outcome]:
        """Mine one song."""
        (feature_key, song_id), found = element
        checkpoint = Checkpoint(self.folder, feature_key)
        found = list(found)
        for _, unreadable in found:
            if unreadable is not None:
                checkpoint.fail(unreadable)
        mined_s: list[float] = []

        def mine(song: Song) -> Outcome:
            outcome = self._mine(song, song_id, checkpoint)
            mined_s.append(outcome.duration_s or 0.0)
            return outcome

        for outcome in self.ledger.outcomes((feature_key, song_id), found, mine):
            Metrics.counter("mixprior", f"songs_{outcome.status}").inc()
            if self.progress_path is not None:
                progress.report(self.progress_path, outcome, sum(mined_s))
                mined_s.clear()
            yield outcome

    def _mine(self, song: Song, song_id: str, checkpoint: Checkpoint) -> Outcome:
        started_s = time.monotonic()
        try:
            table = measure.features(song, song_id, self.settings)
        except SongError as error:
            failed = Failure.of(song, song_id, error)
            checkpoint.fail(failed)
            return Outcome(song, song_id, "failed", checkpoint.feature_key, failure=failed)
        checkpoint.finish(table)
        Metrics.distribution("mixprior", "mine_ms").update(int(1000 * (time.monotonic() - started_s)))
        return Outcome(song, song_id, "mined", checkpoint.feature_key, features.duration_s(table))


@dataclass
class WriteSongs(beam.PTransform):
    """Takes `Outcome`s and writes the table of songs of a run folder; gives the folder's path."""

    folder: RunFolder

    def expand(self, outcomes: PCollection) -> PCollection:
        """Build the graph."""
        return outcomes | "Gather outcomes" >> ToList() | "Write the table of songs" >> beam.Map(self.write)

    @conveying
    def write(self, outcomes: list[Outcome]) -> str:
        """Write the table."""
        songs.write(self.folder, outcomes)
        return self.folder.root


@dataclass(frozen=True)
class _Graph:
    """Extracts the songs of a catalog in one or several ways."""

    catalog: str
    ways: Sequence[tuple[RunFolder, MiningSettings]]
    force: bool
    retry_failed: bool

    def __call__(self, pipeline: beam.Pipeline) -> None:
        found = (
            pipeline
            | "Name the catalog" >> beam.Create([self.catalog])
            | "Read songs" >> beam.FlatMap(conveying(read_songs))
        )
        for folder, settings in self.ways:
            extract = Extract(folder, settings, self.force, self.retry_failed)
            outcomes = found | f"Extract into {folder.root}" >> extract
            _ = outcomes | f"Keep outcomes in {folder.root}" >> WriteSongs(folder)


def extract_songs(
    catalog: RunFolder,
    found: Sequence[Song],
    ways: Sequence[tuple[RunFolder, MiningSettings]],
    *,
    force: bool,
    retry_failed: bool,
    workers: int,
    beam_options: Sequence[str],
    tick: Callable[[], None],
) -> None:
    """Measure songs, each in one way or several, and write their rows and the tables of songs.

    Args:
        catalog: folder that keeps the list of the songs, named by this list.
        found: the songs.
        ways: for each way, the folder of its run and its settings.
        force: mine again what is finished.
        retry_failed: try again what failed in an earlier run.
        workers: local processes.
        beam_options: Beam's own.
        tick: called while it lasts.

    Raises:
        Exception: as `runner.run` does.
    """
    files.write_bytes(catalog.catalog, songs.listed(found))
    for folder, settings in ways:
        for has_stems in {song.has_stems for song in found}:
            provenance = json.dumps(settings.provenance(has_stems), indent=2, sort_keys=True)
            files.write_bytes(folder.settings(settings.feature_key(has_stems)), provenance.encode())
        progress.begin(folder)
        if force:
            files.remove_folder(folder.made)
    graph = _Graph(catalog.catalog, tuple(ways), force, retry_failed)
    with progress.followed(ways[-1][0], tick):
        runner.run(graph, beam_options, min(workers, len(found)), tick)


def read_songs(catalog: str) -> Iterator[Song]:
    """Give the songs of a list that `extract_songs` wrote."""
    yield from map(Song.from_json, files.read_bytes(catalog).decode().splitlines())

"""The first graph: every song of the catalog becomes a finished row on disk, or a failure with its reason."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, replace
from queue import Empty, SimpleQueue
from typing import Any

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection
from apache_beam.transforms.combiners import ToList
from apache_beam.transforms.window import GlobalWindow
from apache_beam.utils.windowed_value import WindowedValue

from mixprior.pipeline.graphs import runner
from mixprior.pipeline.graphs.beam_options import is_local
from mixprior.pipeline.graphs.conveyed import conveying
from mixprior.pipeline.song import mining, shared_pool
from mixprior.pipeline.song.causes import Causes
from mixprior.pipeline.song.fingerprint import Fingerprint, Fingerprints
from mixprior.pipeline.song.pool import Answer
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import files, progress, song_list, songs
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.ledger import Found, Ledger, SongKey
from mixprior.pipeline.store.records import Failure, Outcome, Song, SongError
from mixprior.pipeline.store.song_list import SongList

_TICK_S = 0.5


@dataclass
class Extract(beam.PTransform):
    """Takes `Song`s and gives one `Outcome` for each; features and failures are in `folder` when it is done.

    Attributes:
        folder: of the run.
        settings: how songs are mined.
        force: mine again what is finished.
        retry_failed: try again what failed in an earlier run.
        children: processes that mine, below each process of the runner.
    """

    folder: RunFolder
    settings: MiningSettings
    force: bool = False
    retry_failed: bool = False
    children: int = 1

    def expand(self, songs: PCollection) -> PCollection:
        """Build the graph."""
        return (
            songs
            | "Spread songs over machines" >> beam.Reshuffle()
            | "Fingerprint each song by its content" >> beam.ParDo(FingerprintSongs(self.settings))
            | "Bring songs of equal content together" >> beam.GroupByKey()
            | "Decode, separate and measure" >> beam.ParDo(MineSongs(self))
        )


class FingerprintSongs(beam.DoFn):
    """Takes `Song`s and gives ((feature key, song id), `Found`) of each, several read at a time."""

    def __init__(self, settings: MiningSettings) -> None:
        self.settings = settings

    def start_bundle(self) -> None:
        """Begin with nothing."""
        self.fingerprints = Fingerprints(self.settings)

    @conveying
    def process(self, song: Song) -> Iterator[Fingerprint]:
        """Begin to read a song."""
        yield from self.fingerprints.add(song)

    @conveying
    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Give the rest."""
        yield from map(in_no_window, self.fingerprints.rest())


class MineSongs(beam.DoFn):
    """Takes ((feature key, song id), songs of that content) and gives an `Outcome` for each song.

    Songs are mined by the pool of this process, and leave as they are finished. Whatever goes wrong with one becomes
    its failure row; only what would go wrong with every song (a full disk, a missing model) is raised.
    """

    def __init__(self, extract: Extract) -> None:
        self.folder, self.settings, self.children = extract.folder, extract.settings, extract.children
        self.ledger = Ledger(extract.folder, extract.force, extract.retry_failed)
        self.progress_path = progress.path_in(extract.folder)

    def setup(self) -> None:
        """Begin to count what songs fail by."""
        self.causes = Causes()
        self.start_bundle()

    def start_bundle(self) -> None:
        """Begin with nothing."""
        self.mining: dict[Future[Answer], list[Outcome]] = {}
        self.done: SimpleQueue[Future[Answer]] = SimpleQueue()

    def teardown(self) -> None:
        """Let go of the songs of a bundle that failed: where it is tried again, they are submitted again."""
        for future in self.mining:
            future.cancel()

    @conveying
    def process(self, element: tuple[SongKey, Iterable[Found]]) -> Iterator[Outcome]:
        """Have a song mined, if it is to be, and give those that are finished by now."""
        key, found = element
        found = list(found)
        for each in found:
            if each.failure is not None:
                Checkpoint(self.folder, key[0]).fail(each.failure)
        outcomes = list(self.ledger.outcomes(key, found))
        if outcomes[0].status == "to mine":
            self._submit(outcomes, max(each.size_bytes for each in found))
        else:
            yield from self._reported(outcomes)
        yield from self._finished(wait_s=0.0)

    @conveying
    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Give the rest, as songs are finished."""
        while self.mining:
            yield from map(in_no_window, self._finished(_TICK_S))
            progress.tick(self.progress_path)

    def _submit(self, outcomes: list[Outcome], size_bytes: int) -> None:
        song, song_id = outcomes[0].song, outcomes[0].song_id
        settings = shared_pool.serving(self.settings, song.has_stems)
        future = shared_pool.get(self.children).submit(
            *(mining.JOB, song, song_id, settings),
            weight=size_bytes,
            longest_s=60 * settings.limits.max_minutes,
            limits=settings.time_limits,
        )
        self.mining[future] = outcomes
        if self.progress_path is not None:
            progress.expect(self.progress_path, outcomes[0], size_bytes)
        future.add_done_callback(self.done.put)

    def _finished(self, wait_s: float) -> Iterator[Outcome]:
        """Give the songs that are finished; wait so long for the first."""
        while True:
            try:
                future = self.done.get(wait_s > 0, wait_s)
            except Empty:
                return
            wait_s = 0.0
            first, *duplicates = self.mining.pop(future)
            mined_s, outcome = self._outcome(first, future)
            yield from self._reported([outcome, *duplicates], mined_s)
            failed = outcome.failure
            self.causes.note(None if failed is None else (failed.stage, failed.error, failed.message))

    def _outcome(self, first: Outcome, future: Future[Answer]) -> tuple[float, Outcome]:
        """Keep what became of a song: the seconds of audio measured, and the outcome."""
        checkpoint = Checkpoint(self.folder, first.feature_key)
        try:
            answer = future.result()
        except SongError as error:
            failed = Failure.of(first.song, first.song_id, error)
            checkpoint.fail(failed)
            return 0.0, replace(first, status="failed", failure=failed)
        flags = tuple(answer.facts["flags"])
        checkpoint.finish(first.song_id, answer.content, flags)
        Metrics.distribution("mixprior", "mine_ms").update(int(1000 * answer.facts["mined_s"]))
        duration_s = answer.facts["duration_s"]
        return duration_s, replace(first, status="mined", duration_s=duration_s, flags=flags)

    def _reported(self, outcomes: Iterable[Outcome], mined_s: float = 0.0) -> Iterator[Outcome]:
        for outcome in outcomes:
            Metrics.counter("mixprior", f"songs_{outcome.status}").inc()
            if self.progress_path is not None:
                progress.report(self.progress_path, outcome, mined_s)
                mined_s = 0.0
            yield outcome


def in_no_window(element: Any) -> WindowedValue:
    """Return an element as `finish_bundle` gives it."""
    return WindowedValue(element, GlobalWindow().max_timestamp(), (GlobalWindow(),))


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
    children: int

    def __call__(self, pipeline: beam.Pipeline) -> None:
        found = (
            pipeline
            | "Name the catalog" >> beam.Create([self.catalog])
            | "Read songs" >> beam.FlatMap(conveying(song_list.read))
        )
        for folder, settings in self.ways:
            extract = Extract(folder, settings, self.force, self.retry_failed, self.children)
            outcomes = found | f"Extract into {folder.root}" >> extract
            _ = outcomes | f"Keep outcomes in {folder.root}" >> WriteSongs(folder)


def extract_songs(
    catalog: RunFolder,
    found: SongList,
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
        workers: processes that mine, on this machine; on another one for each process of the runner.
        beam_options: Beam's own.
        tick: called while it lasts.

    Raises:
        Exception: as `runner.run` does.
    """
    files.write_bytes(catalog.catalog, found.content)
    for folder, settings in ways:
        for has_stems in sorted(found.has_stems):
            provenance = json.dumps(settings.provenance(has_stems), indent=2, sort_keys=True)
            files.write_bytes(folder.settings(settings.feature_key(has_stems)), provenance.encode())
        progress.begin(folder)
        if force:
            files.remove_folder(folder.made)
    children = min(workers, len(found)) if is_local(beam_options) else 1
    graph = _Graph(catalog.catalog, tuple(ways), force, retry_failed, children)
    with progress.followed(ways[-1][0], tick), shared_pool.kept():
        try:
            runner.run(graph, beam_options, 1, tick)
        except BaseException:
            shared_pool.close()
            raise

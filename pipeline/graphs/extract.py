"""The first graph: every song of the catalog becomes a finished row on disk, or a failure with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.metrics.metric import Metrics
from apache_beam.pvalue import PCollection
from apache_beam.transforms.combiners import ToList
from apache_beam.utils.windowed_value import WindowedValue

from mixprior.pipeline.graphs.bundles import in_no_window
from mixprior.pipeline.graphs.conveyed import conveying
from mixprior.pipeline.song.fingerprint import Fingerprint, Fingerprints
from mixprior.pipeline.song.miner import Miner, Way
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import packing, song_list, songs
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.ledger import Found, SongKey
from mixprior.pipeline.store.records import Outcome, Song


@dataclass
class Extract(beam.PTransform):
    """Takes `Song`s and gives one `Outcome` for each; features and failures are in the run's folder when it is done.

    Attributes:
        way: how they are mined.
    """

    way: Way

    def expand(self, songs: PCollection) -> PCollection:
        """Build the graph."""
        return (
            songs
            | "Spread songs over machines" >> beam.Reshuffle()
            | "Fingerprint each song by its content" >> beam.ParDo(FingerprintSongs(self.way.settings))
            | "Bring songs of equal content together" >> beam.GroupByKey()
            | "Decode, separate and measure" >> beam.ParDo(MineSongs(self.way))
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
    """Takes ((feature key, song id), songs of that content) and gives an `Outcome` for each song, as `Miner` does."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.miner: Miner | None = None

    def start_bundle(self) -> None:
        """Begin with nothing."""
        self.miner = Miner(self.way, packing.of_process(self.way.folder, self.way.part_songs))

    def teardown(self) -> None:
        """Let go of the songs of a bundle that failed: where it is tried again, they are submitted again."""
        if self.miner is not None:
            self.miner.cancel()

    @conveying
    def process(self, element: tuple[SongKey, Iterable[Found]]) -> Iterator[Outcome]:
        """Have a song mined, if it is to be, and give those that are finished by now."""
        assert self.miner is not None
        yield from map(_counted, self.miner.add(*element))

    @conveying
    def finish_bundle(self) -> Iterator[WindowedValue]:
        """Give the rest, as songs are finished."""
        assert self.miner is not None
        yield from map(in_no_window, map(_counted, self.miner.rest()))


def _counted(outcome: Outcome) -> Outcome:
    Metrics.counter("mixprior", f"songs_{outcome.status}").inc()
    return outcome


@dataclass
class WriteSongs(beam.PTransform):
    """Takes `Outcome`s and writes the table of songs of a run folder; gives the table's path.

    Each shard is written by one worker. What is gathered in one place are the names of the shards.

    Attributes:
        folder: of the run.
        count: songs of the catalog.
    """

    folder: RunFolder
    count: int

    def expand(self, outcomes: PCollection) -> PCollection:
        """Build the graph."""
        return (
            outcomes
            | "Deal outcomes to shards" >> beam.Map(self.deal)
            | "Gather a shard" >> beam.GroupByKey()
            | "Write a shard" >> beam.MapTuple(self.write)
            | "Gather the names of shards" >> ToList()
            | "Write the table of songs" >> beam.Map(self.finish)
        )

    def deal(self, outcome: Outcome) -> tuple[int, Outcome]:
        """Give the number of a song's shard with it."""
        return songs.shard_of(outcome.song_id, songs.shards_for(self.count)), outcome

    @conveying
    def write(self, number: int, outcomes: Iterable[Outcome]) -> tuple[int, str]:
        """Write a shard; give its number and path."""
        return number, songs.write_shard(self.folder, outcomes)

    @conveying
    def finish(self, shards: list[tuple[int, str]]) -> str:
        """Write what names the shards."""
        return songs.finish(self.folder, shards)


@dataclass(frozen=True)
class ExtractRun:
    """The graph: extracts the songs of a catalog in one way or several.

    Attributes:
        catalog: path of the list of songs.
        ways: how they are mined.
        count: songs of the list.
    """

    catalog: str
    ways: Sequence[Way]
    count: int

    @property
    def reads(self) -> Sequence[str]:
        """Files that every worker must find."""
        return (self.catalog,)

    def __call__(self, pipeline: beam.Pipeline) -> None:
        """Apply it."""
        self.tables(pipeline)

    def tables(self, pipeline: beam.Pipeline) -> list[PCollection]:
        """Apply it; return for each way what holds the path of its table of songs."""
        found = (
            pipeline
            | "Name the catalog" >> beam.Create([self.catalog])
            | "Cut the catalog into ranges" >> beam.FlatMap(conveying(song_list.ranges))
            | "Spread ranges" >> beam.Reshuffle()
            | "Read songs" >> beam.FlatMap(conveying(song_list.read))
        )
        return [
            found
            | f"Extract into {way.folder.root}" >> Extract(way)
            | f"Keep outcomes in {way.folder.root}" >> WriteSongs(way.folder, self.count)
            for way in self.ways
        ]

"""The graph that moves rows of finished songs from one file a song to the parts of the archive."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
from apache_beam.pvalue import PCollection

from mixprior.pipeline.graphs.conveyed import conveying
from mixprior.pipeline.store import archive, packing
from mixprior.pipeline.store.layout import PREFIXES, RunFolder


@dataclass
class Compact(beam.PTransform):
    """Takes feature keys; moves the files of single songs into parts, and gives the paths of the parts written.

    Who writes a part lists its songs: their ids begin with a few of the 256 pairs of digits.

    Attributes:
        folder: of the run.
        songs: how many it has, about.
        part_songs: songs of a part at most.
    """

    folder: RunFolder
    songs: int
    part_songs: int = packing.PART_SONGS

    def expand(self, feature_keys: PCollection) -> PCollection:
        """Build the graph."""
        return (
            feature_keys
            | "Deal prefixes of songs" >> beam.FlatMap(self.deal)
            | "Spread prefixes" >> beam.Reshuffle()
            | "Write parts" >> beam.FlatMapTuple(self.write)
        )

    @conveying
    def deal(self, feature_key: str) -> Iterator[tuple[str, tuple[str, ...]]]:
        """Give (feature key, prefixes of song ids). No song is in two of these parts."""
        shares = min(len(PREFIXES), max(1, -(-self.songs // self.part_songs)))
        for k in range(shares):
            own = slice(k * len(PREFIXES) // shares, (k + 1) * len(PREFIXES) // shares)
            yield feature_key, PREFIXES[own]

    @conveying
    def write(self, feature_key: str, prefixes: Sequence[str]) -> Iterator[str]:
        """Write the parts of songs whose ids begin so, and remove the files of these songs."""
        song_ids = [each for prefix in prefixes for each in archive.loose_songs(self.folder, feature_key, prefix)]
        for start in range(0, len(song_ids), self.part_songs):
            path = packing.pack(self.folder, feature_key, song_ids[start : start + self.part_songs], prefixes=prefixes)
            if path is not None:
                yield path


@dataclass(frozen=True)
class CompactRun:
    """The graph: compacts the single songs of some feature keys of a run.

    Attributes:
        folder: of the run.
        feature_keys: which.
        songs: of the run.
    """

    folder: RunFolder
    feature_keys: Sequence[str]
    songs: int

    def __call__(self, pipeline: beam.Pipeline) -> None:
        """Apply it."""
        _ = pipeline | beam.Create(list(self.feature_keys)) | "Compact" >> Compact(self.folder, self.songs)

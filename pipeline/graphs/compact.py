"""The graph that moves rows of finished songs from one file a song to the parts of the archive."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa
from apache_beam.pvalue import PCollection

from mixprior.pipeline.graphs.conveyed import conveying
from mixprior.pipeline.store import archive, features, files
from mixprior.pipeline.store.layout import RunFolder, parquet_bytes, part_number
from mixprior.stats.registry import FEATURES_SCHEMA
from mixprior.stats.schema import with_metadata

PART_SONGS = 4096
ROW_GROUP_ROWS = 2048


@dataclass
class Compact(beam.PTransform):
    """Takes feature keys; moves the files of single songs into parts, and gives the path of each part written.

    A part is complete before the files it replaces are removed: a run that is interrupted here leaves songs twice,
    and the later copy is taken.

    Attributes:
        folder: of the run.
        part_songs: songs of a part.
    """

    folder: RunFolder
    part_songs: int = PART_SONGS

    def expand(self, feature_keys: PCollection) -> PCollection:
        """Build the graph."""
        return (
            feature_keys
            | "Deal single songs to parts" >> beam.FlatMap(self.deal)
            | "Spread parts" >> beam.Reshuffle()
            | "Write parts" >> beam.MapTuple(self.write)
        )

    @conveying
    def deal(self, feature_key: str) -> Iterator[tuple[str, int, list[str]]]:
        """Give (feature key, number of the part, song ids) of parts to write."""
        song_ids = archive.loose_songs(self.folder, feature_key)
        number = 1 + max((part_number(path) for path in archive.parts(self.folder, feature_key)), default=0)
        for k, start in enumerate(range(0, len(song_ids), self.part_songs)):
            yield feature_key, number + k, song_ids[start : start + self.part_songs]

    @conveying
    def write(self, feature_key: str, number: int, song_ids: list[str]) -> str:
        """Write one part from the files of single songs, and remove those."""
        found: dict[str, pa.Table] = {}
        for song_id in song_ids:
            # What cannot be reached ends the step; what is damaged stays where it is, and its song is mined again.
            with contextlib.suppress(FileNotFoundError):
                content = files.read_bytes(self.folder.features(feature_key, song_id))
                table = features.parsed(content, feature_key)
                if table is not None:
                    found[song_id] = table
        name = hashlib.sha256("".join(found).encode()).hexdigest()[:16]
        path = self.folder.part(feature_key, number, name)
        if not found:  # the step was done before, and is done again
            return path
        schema = with_metadata(FEATURES_SCHEMA, feature_key=feature_key)
        table = pa.concat_tables([each.replace_schema_metadata() for each in found.values()])
        files.write_bytes(path, parquet_bytes(table.replace_schema_metadata(schema.metadata), ROW_GROUP_ROWS))
        for song_id in found:
            files.remove(self.folder.features(feature_key, song_id))
        return path


@dataclass(frozen=True)
class CompactRun:
    """The graph: compacts the single songs of some feature keys of a run.

    Attributes:
        folder: of the run.
        feature_keys: which.
    """

    folder: RunFolder
    feature_keys: Sequence[str]

    def __call__(self, pipeline: beam.Pipeline) -> None:
        """Apply it."""
        _ = pipeline | beam.Create(list(self.feature_keys)) | "Compact" >> Compact(self.folder)

"""The graph that moves rows of finished songs from one file a song to the parts of the archive."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import apache_beam as beam
import pyarrow as pa
import pyarrow.parquet as pq
from apache_beam.pvalue import PCollection

from mixprior.pipeline.store import archive, files
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.layout import archive_folder
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
        root: the run's folder.
        part_songs: songs of a part.
    """

    root: str
    part_songs: int = PART_SONGS

    def expand(self, feature_keys: PCollection) -> PCollection:
        """Build the graph."""
        return (
            feature_keys
            | "Deal single songs to parts" >> beam.FlatMap(self.deal)
            | "Spread parts" >> beam.Reshuffle()
            | "Write parts" >> beam.MapTuple(self.write)
        )

    def deal(self, feature_key: str) -> Iterator[tuple[str, int, list[str]]]:
        """Give (feature key, number of the part, song ids) of parts to write."""
        song_ids = archive.loose_songs(self.root, feature_key)
        number = 1 + max((_number(path) for path in archive.parts(self.root, feature_key)), default=0)
        for k, start in enumerate(range(0, len(song_ids), self.part_songs)):
            yield feature_key, number + k, song_ids[start : start + self.part_songs]

    def write(self, feature_key: str, number: int, song_ids: list[str]) -> str:
        """Write one part from the files of single songs, and remove those."""
        checkpoint = Checkpoint(self.root, feature_key)
        found: dict[str, pa.Table] = {}
        for song_id in song_ids:
            # What cannot be reached ends the step; what is damaged stays where it is, and is told when it is read.
            with contextlib.suppress(pa.ArrowInvalid, FileNotFoundError):
                table = files.read_table(checkpoint.features_path(song_id))
                if table.schema.equals(FEATURES_SCHEMA):
                    found[song_id] = table
        name = hashlib.sha256("".join(found).encode()).hexdigest()[:16]
        path = f"{self.root}/{archive_folder(feature_key)}/{number:06d}-{name}.parquet"
        if not found:  # the step was done before, and is done again
            return path
        schema = with_metadata(FEATURES_SCHEMA, feature_key=feature_key)
        table = pa.concat_tables([each.replace_schema_metadata() for each in found.values()])
        sink = pa.BufferOutputStream()
        pq.write_table(
            table.replace_schema_metadata(schema.metadata), sink, compression="zstd", row_group_size=ROW_GROUP_ROWS
        )
        files.write_bytes(path, sink.getvalue().to_pybytes())
        for song_id in found:
            files.remove(checkpoint.features_path(song_id))
        return path


def _number(path: str) -> int:
    return int(os.path.basename(path).split("-")[0])

"""The checkpoint: one file a finished song, one file a failed one, named by content."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import pyarrow as pa

from mixprior.pipeline.store import files
from mixprior.pipeline.store.layout import features_path
from mixprior.pipeline.store.records import Failure
from mixprior.stats.registry import FEATURES_SCHEMA
from mixprior.stats.schema import FAILURES_SCHEMA


@dataclass(frozen=True)
class Checkpoint:
    """Where the rows of finished and failed songs lie under a run's folder.

    Attributes:
        root: the run's folder, local or an fsspec URL.
        feature_key: stands for the version, model and settings the rows were made with.
    """

    root: str
    feature_key: str

    def features_path(self, song_id: str) -> str:
        """Return the path of a finished song's table."""
        return f"{self.root}/{features_path(self.feature_key, song_id)}"

    def failure_path(self, song_id: str) -> str:
        """Return the path of a failed song's row."""
        return f"{self.root}/failures/{self.feature_key}/{song_id}.parquet"

    def features(self, song_id: str) -> pa.Table | None:
        """Return a finished song's table; None unless the file opens and was made with this very key."""
        table = _read(self.features_path(song_id))
        if table is None or (table.schema.metadata or {}).get(b"feature_key") != self.feature_key.encode():
            return None
        return table if table.schema.equals(FEATURES_SCHEMA) else None

    def failure(self, song_id: str) -> Failure | None:
        """Return why a song failed in an earlier run, if it did."""
        table = _read(self.failure_path(song_id))
        return None if table is None else Failure(**table.to_pylist()[0])

    def finish(self, table: pa.Table) -> None:
        """Keep a finished song's table (its metadata carries the key), and forget an earlier failure."""
        song_id = table["song_id"][0].as_py()
        files.write_table(self.features_path(song_id), table)
        files.remove(self.failure_path(song_id))

    def fail(self, failure: Failure) -> None:
        """Keep why a song failed."""
        table = pa.Table.from_pylist([asdict(failure)], FAILURES_SCHEMA)
        files.write_table(self.failure_path(failure.song_id), table)


def _read(path: str) -> pa.Table | None:
    # Existence proves nothing: a file that does not open as Parquet is a file that is not there.
    try:
        return files.read_table(path)
    except (OSError, pa.ArrowInvalid):
        return None

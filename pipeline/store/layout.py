"""Where things are stored in the folder of a run and in a folder of priors, and how a table becomes a file.

```
RUN/catalog.jsonl                     the songs to mine, one a line
    songs.parquet                     what became of every song
    progress.jsonl                    what this run did, a line a song
    features/KEY/settings.json        how the rows of a feature key were measured
    features/KEY/fe/ID.parquet        the rows of one finished song
    archive/KEY/000001-HASH.parquet   the rows of thousands of them: a part, of which a later one prevails
    failures/KEY/ID.parquet           why one song failed
    made/KEY/ID                       an empty note: a run that has not ended yet made the rows of this song
    priors/                           manifest.json, priors.parquet, ...
```
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

SONGS_FILE = "songs.parquet"
PRIORS_FOLDER = "priors"
PRIORS_FILE = "priors.parquet"
JOINT_FILE = "joint.parquet"
STATE_FILE = "state.parquet"
MOMENTS_FILE = "moments.parquet"
MEMBERS_FILE = "members.parquet"
MANIFEST_FILE = "manifest.json"
"""Written last: readers refuse a folder of priors without it."""

SETTINGS_FILE = "settings.json"

LOOSE_FOLDER, ARCHIVE_FOLDER = "features", "archive"
LOOSE_PATTERN, PARTS_PATTERN = f"{LOOSE_FOLDER}/*/*/*.parquet", f"{ARCHIVE_FOLDER}/*/*.parquet"
"""Files of rows within a run's folder: of one song, and of many."""


@dataclass(frozen=True)
class RunFolder:
    """The folder that `mixprior mine` writes, local or an fsspec URL.

    Attributes:
        root: its path, without a slash at the end.

    >>> RunFolder("gs://bucket/run").features("0123456789abcdef", "fedcba9876543210")
    'gs://bucket/run/features/0123456789abcdef/fe/fedcba9876543210.parquet'
    """

    root: str

    @classmethod
    def at(cls, path: str | Path) -> RunFolder:
        """Return the folder that a user named."""
        return cls(str(path).rstrip("/"))

    @property
    def catalog(self) -> str:
        """The songs to mine, one a line of JSON."""
        return f"{self.root}/catalog.jsonl"

    @property
    def songs(self) -> str:
        """What became of every song, `mixprior.stats.schema.SONGS_SCHEMA`."""
        return f"{self.root}/{SONGS_FILE}"

    @property
    def progress(self) -> str:
        """What this run did, a line of JSON a song."""
        return f"{self.root}/progress.jsonl"

    @property
    def failures(self) -> str:
        """Folder of why songs failed."""
        return f"{self.root}/failures"

    @property
    def made(self) -> str:
        """Folder of notes on what a run made that has not ended yet; it goes with the run's end."""
        return f"{self.root}/made"

    @property
    def priors(self) -> str:
        """Folder of the run's priors."""
        return f"{self.root}/{PRIORS_FOLDER}"

    def settings(self, feature_key: str) -> str:
        """How the rows of a feature key were measured, as JSON."""
        return f"{self.loose(feature_key)}/{SETTINGS_FILE}"

    def loose(self, feature_key: str) -> str:
        """Folder of the finished songs that have a file of their own."""
        return f"{self.root}/{LOOSE_FOLDER}/{feature_key}"

    def features(self, feature_key: str, song_id: str) -> str:
        """The rows of one finished song."""
        return f"{self.loose(feature_key)}/{song_id[:2]}/{song_id}.parquet"

    def archive(self, feature_key: str) -> str:
        """Folder of the parts."""
        return f"{self.root}/{ARCHIVE_FOLDER}/{feature_key}"

    def part(self, feature_key: str, number: int, name: str) -> str:
        """One part; later ones have higher numbers."""
        return f"{self.archive(feature_key)}/{number:06d}-{name}.parquet"

    def failure(self, feature_key: str, song_id: str) -> str:
        """Why one song failed."""
        return f"{self.failures}/{feature_key}/{song_id}.parquet"

    def made_note(self, feature_key: str, song_id: str) -> str:
        """Says that the rows of one song were made by the run that has not ended yet."""
        return f"{self.made}/{feature_key}/{song_id}"


def part_number(path: str) -> int:
    """Return the number of a part of the archive.

    >>> part_number("run/archive/0123456789abcdef/000012-89abcdef01234567.parquet")
    12
    """
    return int(path.rpartition("/")[2].split("-")[0])


def parquet_bytes(table: pa.Table) -> bytes:
    """Return the table as the bytes of a Parquet file; the same table gives the same bytes."""
    sink = pa.BufferOutputStream()
    # Tables are sorted: a reader that asks for one group or song passes over the other row groups.
    pq.write_table(table, sink, compression="zstd", row_group_size=1 << 14)
    return bytes(sink.getvalue())

"""Where things are stored in the folder of a run and in a folder of priors, and how a table becomes a file.

```
RUN/songs.parquet                     what became of every song, of the run that ended last
    priors/                           its priors: manifest.json, priors.parquet, ...
    songs/HASH.parquet                what became of every song, of each run; named by content. Of many songs, the list
                                      of its shards, which are stored beside it
    catalogs/HASH.jsonl               the songs to mine, one a line, of each catalog; named by content
    features/KEY/settings.json        how the rows of a feature key were measured
    features/KEY/fe/ID.parquet        the rows of one finished song
    archive/KEY/000001-HASH.parquet   the rows of thousands of them: a part, of which a later one prevails
    failures/KEY/ID.parquet           why one song failed that was read
    flags/KEY/ID.json                 what may be wrong with one finished song; without it, nothing is known to be
    made/CATALOG/KEY/ID               an empty note: a run that has not ended yet made the rows of this song, or of
                                      the part ID
    damaged/...                       files of rows that were found damaged, under the paths they had
    calls/CALL/                       what one call of `mine` has done so far, and its table; gone when it ends
```

Several calls of `mine` may work in one folder at once. They share the rows of songs, which are the same in every
call. What depends on the catalog is named by its content, what depends on the call by the call.
"""

from __future__ import annotations

import hashlib
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from mixprior.pipeline.store import seal, sources
from mixprior.stats.errors import InputError

SONGS_FILE = "songs.parquet"
PRIORS_FOLDER = "priors"
PRIORS_FILE = "priors.parquet"
JOINT_FILE = "joint.parquet"
STATE_FILE = "state.parquet"
MOMENTS_FILE = "moments.parquet"
MEMBERS_FILE = "members.parquet"
MANIFEST_FILE = "manifest.json"
"""Written last: readers refuse a folder of priors without it."""

TABLES_FOLDER = "songs"
SETTINGS_FILE = "settings.json"

PREFIXES = tuple(f"{number:02x}" for number in range(256))
"""What song ids begin with: the files of single songs are in a folder for each."""

LOOSE_FOLDER, ARCHIVE_FOLDER = "features", "archive"
LOOSE_PATTERN, PARTS_PATTERN = f"{LOOSE_FOLDER}/*/*/*.parquet", f"{ARCHIVE_FOLDER}/*/*.parquet"
"""Files of rows within a run's folder: of one song, and of many."""


@dataclass(frozen=True)
class RunFolder:
    """The folder that `mixprior mine` writes, local or an fsspec URL.

    Attributes:
        root: its path, without a slash at the end.
        catalog_hash: of the list of songs to mine; "" where nothing is mined.
        call: names one call of `mine`; "" where nothing is mined.

    >>> RunFolder("gs://bucket/run").features("0123456789abcdef", "fedcba9876543210")
    'gs://bucket/run/features/0123456789abcdef/fe/fedcba9876543210.parquet'
    """

    root: str
    catalog_hash: str = ""
    call: str = ""

    @classmethod
    def at(cls, path: str | Path) -> RunFolder:
        """Return the folder that a user named: itself, or by a table of songs in it.

        Raises:
            InputError: if it has no name, or is the root of a file system.

        >>> RunFolder.at("outputs/run/songs/0123456789abcdef.parquet").root
        'outputs/run'
        """
        text = folder_named(path)
        return cls(text.rpartition(f"/{TABLES_FOLDER}/")[0] if _is_table(text) else text)

    def mining(self, catalog: bytes, call: str = "") -> RunFolder:
        """Return the folder as a call of `mine` sees it.

        Args:
            catalog: list of the songs to mine, as it is stored.
            call: name of the call.
        """
        return replace(self, catalog_hash=content_hash(catalog), call=call)

    @property
    def catalog(self) -> str:
        """The songs to mine, one a line of JSON."""
        return f"{self.root}/catalogs/{self.catalog_hash}.jsonl"

    @property
    def songs(self) -> str:
        """What became of every song, of the run that ended last: `mixprior.stats.schema.SONGS_SCHEMA`."""
        return f"{self.root}/{SONGS_FILE}"

    def table(self, name: str) -> str:
        """What became of every song of one run, by the hash of this content."""
        return f"{self.root}/{TABLES_FOLDER}/{name}.parquet"

    @property
    def calls(self) -> str:
        """Folder of the calls that have not ended yet."""
        return f"{self.root}/calls"

    @property
    def own_call(self) -> str:
        """Folder of this call; it goes with its end."""
        return f"{self.calls}/{self.call}"

    @property
    def copies(self) -> str:
        """Remote songs that this call fetched and has yet to mine."""
        return f"{self.own_call}/copies"

    @property
    def progress(self) -> str:
        """What this call did, a line of JSON a song; of a run in an object store, on the machine of the command."""
        if sources.is_remote(self.root):
            return f"{tempfile.gettempdir()}/mixprior-{self.call}-{content_hash(self.root.encode())}.jsonl"
        return f"{self.own_call}/progress.jsonl"

    @property
    def table_note(self) -> str:
        """Names the table of songs that this call wrote."""
        return f"{self.own_call}/table"

    @property
    def failures(self) -> str:
        """Folder of why songs failed."""
        return f"{self.root}/failures"

    @property
    def made(self) -> str:
        """Folder of notes on what a run over this catalog made that has not ended yet; it goes with the run's end."""
        return f"{self.root}/made/{self.catalog_hash or 'none'}"

    def set_aside(self, path: str) -> str:
        """Where a damaged file of this folder is set aside."""
        return f"{self.root}/damaged/{path.removeprefix(self.root).lstrip('/')}"

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

    def flagged(self, feature_key: str) -> str:
        """Folder of the flags of songs."""
        return f"{self.root}/flags/{feature_key}"

    def flags(self, feature_key: str, song_id: str) -> str:
        """What may be wrong with one finished song."""
        return f"{self.flagged(feature_key)}/{song_id}.json"

    def made_note(self, feature_key: str, song_id: str) -> str:
        """Says that the rows of one song were made by the run that has not ended yet."""
        return f"{self.made}/{feature_key}/{song_id}"


def content_hash(content: bytes) -> str:
    """Return what stands for a content in a file name.

    >>> content_hash(b"")
    'e3b0c44298fc1c14'
    """
    return hashlib.sha256(content).hexdigest()[:16]


def table_in(path: str | Path) -> str:
    """Return the table of songs that a user named: by itself, or by the folder of its run."""
    text = str(path).rstrip("/")
    return text if _is_table(text) else RunFolder.at(text).songs


def _is_table(path: str) -> bool:
    return path.endswith(".parquet") and path.split("/")[-2:-1] == [TABLES_FOLDER]


def folder_named(path: str | Path) -> str:
    """Return the path of a folder without a slash at its end.

    Raises:
        InputError: if it has no name, or is the root of a file system.
    """
    text = str(path).rstrip("/")
    if not text.strip() or text.endswith(":"):
        raise InputError(f"{str(path)!r} is no folder to write to: give one with a name")
    return text


def part_number(path: str) -> int:
    """Return the number of a part of the archive.

    >>> part_number("run/archive/0123456789abcdef/000012-89abcdef01234567.parquet")
    12
    """
    return int(path.rpartition("/")[2].split("-")[0])


def parquet_bytes(table: pa.Table, row_group_rows: int = 1 << 14) -> bytes:
    """Return the table as the bytes of a Parquet file, with checksums and a seal; the same table gives the same bytes.

    Tables are sorted: a reader that asks for one group or song passes over the other row groups.
    """
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink, compression="zstd", row_group_size=row_group_rows, write_page_checksum=True)
    return seal.sealed(sink.getvalue().to_pybytes())

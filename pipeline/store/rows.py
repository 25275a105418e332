"""The rows of a run's songs on this machine: single files, and the parts of the archive."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mixprior.pipeline.store import archive, files
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.evidence import Evidence, first_of_each
from mixprior.pipeline.store.layout import archive_folder, features_path
from mixprior.stats.errors import InputError
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.tally import Grouping, tally
from mixprior.stats.registry import FEATURES_SCHEMA
from mixprior.stats.schema import FINISHED

_BATCH = 64
"""Single songs read at a time: enough for array arithmetic to pay, little enough for memory."""
_PIECE_BYTES = 32 << 20


@dataclass(frozen=True)
class Rows:
    """The rows of a run.

    Attributes:
        path: the run's output folder.
        songs: its table of songs, `mixprior.stats.schema.SONGS_SCHEMA`.
    """

    path: Path
    songs: pa.Table

    @classmethod
    def open(cls, path: Path) -> Rows | None:
        """Open a run's rows; None if the folder is not that of a run."""
        file = path / "songs.parquet"
        return cls(path, pq.read_table(file)) if file.is_file() else None

    @cached_property
    def finished(self) -> pa.Table:
        """The songs that have rows, each once."""
        own = self.songs.filter(pc.is_in(self.songs["status"], pa.array(FINISHED)))
        own = own.sort_by([("song_id", "ascending"), ("feature_key", "ascending")])
        return own.filter(first_of_each(own["song_id"]))

    def values(self, stem: str, statistic: str) -> dict[str, Any]:
        """One statistic of one stem, by song id; songs without such a stem are left out.

        Raises:
            InputError: if it is one that follows from others, and is not kept song by song.
        """
        if statistic not in FEATURES_SCHEMA.names:
            raise InputError(f"{statistic} is not kept song by song, but made while priors are built: ask the priors")
        found: dict[str, Any] = {}
        for feature_key in pc.unique(self.finished["feature_key"]).to_pylist():
            for table in self.tables(feature_key, ["song_id", "stem", statistic]):
                own = table.filter(pc.equal(table["stem"], stem))
                found.update(zip(own["song_id"].to_pylist(), own[statistic].to_pylist(), strict=True))
        return found

    def tables(self, feature_key: str, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Give the rows of the finished songs of a feature key, some songs at a time, each song once.

        Raises:
            InputError: if the rows of a finished song are gone.
        """
        own = self.finished.filter(pc.equal(self.finished["feature_key"], feature_key))
        wanted = set(own["song_id"].to_pylist())
        single = sorted(s for s in wanted if (self.path / features_path(feature_key, s)).is_file())
        wanted.difference_update(single)
        for start in range(0, len(single), _BATCH):
            files = [self.path / features_path(feature_key, song) for song in single[start : start + _BATCH]]
            tables = [pq.read_table(file, columns=columns, use_threads=False) for file in files]
            yield pa.concat_tables([table.replace_schema_metadata() for table in tables])
        # Of a song that lies in several parts, the latest prevails.
        for part in sorted((self.path / archive_folder(feature_key)).glob("*.parquet"), reverse=True):
            if wanted:
                table = pq.read_table(part, columns=columns, use_threads=False).replace_schema_metadata()
                found = table.filter(pc.is_in(table["song_id"], pa.array(sorted(wanted), pa.string())))
                wanted.difference_update(found["song_id"].to_pylist())
                if len(found):
                    yield found
        if wanted:
            raise InputError(f"{self.path} has lost the rows of {len(wanted)} songs: mine the catalog again")

    def without(self, evidence: Evidence, song_ids: pa.Array) -> Evidence:
        """Return what the priors of this run rest on, with some songs left out.

        Args:
            evidence: that of all its songs.
            song_ids: those to leave out.
        """
        kept = self.finished.filter(pc.invert(pc.is_in(self.finished["song_id"], song_ids)))
        metadata = dict(zip(kept["song_id"].to_pylist(), kept["metadata"].to_pylist(), strict=True))
        calibration = None if evidence.calibration is None else json.dumps(evidence.calibration)
        grouping = Grouping(evidence.group_by, evidence.min_group, calibration)
        digests: dict[str, list[Digest]] = {}
        for feature_key, facts in evidence.features.items():
            for rows in self.tables(feature_key):
                for group, digest in tally(rows, metadata, grouping, facts["stems"] == "separated"):
                    digests.setdefault(group, []).append(digest)
        members = evidence.members
        if members is not None:
            members = members.filter(pc.invert(pc.is_in(members["song_id"], song_ids)))
        merged = {group: Digest.merged(found) for group, found in digests.items()}
        return replace(evidence, digests=merged, members=members)


@dataclass(frozen=True)
class Batch:
    """Some rows on disk.

    Attributes:
        feature_key: how they were measured.
        part: path of a part of the archive; None for files of single songs.
        song_ids: the single songs; of a part, those that lie elsewhere too, and are to be left out here.
    """

    feature_key: str
    part: str | None
    song_ids: tuple[str, ...] = field(repr=False)


def batches(root: str, songs_path: str) -> list[Batch]:
    """Find where the rows of the finished songs of a songs table lie.

    Raises:
        InputError: if the rows of some are gone.
    """
    found = []
    catalog = catalog_of(songs_path)
    for feature_key in catalog.feature_keys:
        wanted = catalog.song_ids(feature_key)
        single = np.array(archive.loose_songs(root, feature_key), "S")
        own = wanted[np.isin(wanted, single)]
        index = archive.Index.of(root, feature_key)
        place = index.find(wanted)
        lost = ~np.isin(wanted, single) & (place < 0)
        if lost.any():
            raise InputError(
                f"{root} has no rows of {lost.sum()} songs that songs.parquet calls finished: mine the catalog again"
            )
        names = [song_id.decode() for song_id in own]
        for start in range(0, len(names), _BATCH):
            found.append(Batch(feature_key, None, tuple(names[start : start + _BATCH])))
        archived = np.isin(index.song_ids, wanted) & ~np.isin(index.song_ids, own)
        for k, path in enumerate(index.paths):
            if (archived & (index.part == k)).any():
                here, _ = archive.songs_in(path, feature_key)
                elsewhere = here[~np.isin(here, index.song_ids[archived & (index.part == k)])]
                found.append(Batch(feature_key, path, tuple(song_id.decode() for song_id in elsewhere)))
    return found


def read(root: str, batch: Batch) -> Iterator[pa.Table]:
    """Give the rows of a batch, a few tens of megabytes at a time."""
    if batch.part is None:
        checkpoint = Checkpoint(root, batch.feature_key)
        found = {song_id: checkpoint.features(song_id) for song_id in batch.song_ids}
        broken = [song_id for song_id, table in found.items() if table is None]
        if broken:
            path = checkpoint.features_path(broken[0])
            raise InputError(f"{path} is damaged or of another version: remove it and mine the catalog again")
        yield pa.concat_tables([table.replace_schema_metadata() for table in found.values() if table is not None])
        return
    for rows in archive.read_part(batch.part, _PIECE_BYTES):
        if batch.song_ids:
            rows = rows.filter(pc.invert(pc.is_in(rows["song_id"], pa.array(batch.song_ids))))
        if len(rows):
            yield rows


def settings_of(root: str, feature_key: str) -> dict[str, Any]:
    """Return how the rows of a feature key were measured."""
    path = f"{root}/features/{feature_key}/settings.json"
    try:
        facts: dict[str, Any] = json.loads(files.read_bytes(path))
    except (FileNotFoundError, ValueError) as error:
        raise InputError(f"{path} is missing or damaged: mine the catalog again") from error
    return facts


@dataclass
class Catalog:
    """The finished songs of a songs table: by feature key, ids and metadata, sorted by id."""

    by_key: dict[str, tuple[np.ndarray, pa.Array]]

    @property
    def feature_keys(self) -> list[str]:
        return sorted(self.by_key)

    def song_ids(self, feature_key: str) -> np.ndarray:
        return self.by_key[feature_key][0]

    def metadata(self, feature_key: str) -> Mapping[str, str]:
        return _Lookup(*self.by_key[feature_key])


class _Lookup(Mapping[str, str]):
    """Metadata by song id, in two arrays: a dictionary of a million songs would take hundreds of megabytes."""

    def __init__(self, song_ids: np.ndarray, metadata: pa.Array) -> None:
        self.song_ids, self.values_ = song_ids, metadata

    def __getitem__(self, song_id: str) -> str:
        place = int(np.searchsorted(self.song_ids, song_id.encode()))
        if place == len(self.song_ids) or self.song_ids[place] != song_id.encode():
            raise KeyError(song_id)
        return str(self.values_[place].as_py())

    def __iter__(self) -> Iterator[str]:
        return (song_id.decode() for song_id in self.song_ids)

    def __len__(self) -> int:
        return len(self.song_ids)


def catalog_of(songs_path: str) -> Catalog:
    """Return the finished songs of a songs table, each once."""
    table = files.read_table(songs_path).select(["song_id", "feature_key", "metadata", "status"])
    table = table.filter(pc.is_in(table["status"], pa.array(FINISHED)))
    table = table.sort_by([("song_id", "ascending"), ("feature_key", "ascending")])
    table = table.filter(first_of_each(table["song_id"]))  # measured with and without stems, a song counts once
    found = {}
    for feature_key in pc.unique(table["feature_key"]).to_pylist():
        own = table.filter(pc.equal(table["feature_key"], feature_key))
        found[feature_key] = np.array(own["song_id"].to_pylist(), "S"), own["metadata"].combine_chunks()
    return Catalog(found)

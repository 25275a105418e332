"""The rows of a run's songs: single files, and the parts of the archive. What reads rows reads them here."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mixprior.pipeline.store import archive, files, seal, songs
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.layout import SONGS_FILE, RunFolder
from mixprior.pipeline.store.members import first_of_each
from mixprior.pipeline.store.store_errors import CredentialsRefused
from mixprior.stats import json_document
from mixprior.stats.errors import InputError, RowsLost
from mixprior.stats.registry import FEATURES_SCHEMA
from mixprior.stats.schema import FINISHED

_BATCH = 64
"""Single songs read at a time: enough for array arithmetic to pay, little enough for memory."""
_PIECE_BYTES = 32 << 20


@dataclass(frozen=True)
class Batch:
    """Some rows on disk.

    Attributes:
        feature_key: how they were measured.
        part: path of a part of the archive; None for files of single songs.
        song_ids: the single songs; of a part, those that are to be left out here.
    """

    feature_key: str
    part: str | None
    song_ids: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True)
class Rows:
    """The rows of a run's finished songs. Make one with `Rows.open`.

    Attributes:
        folder: of the run.
        songs: the table of songs whose rows are read, `mixprior.stats.schema.SONGS_SCHEMA`.
    """

    folder: RunFolder
    songs: pa.Table

    @classmethod
    def open(cls, path: str | Path) -> Rows:
        """Open the rows of a run.

        Args:
            path: output folder of `mixprior mine`, local or an fsspec URL, for the run that ended last; a table of
                songs in it (`RUN/songs/HASH.parquet`) for the run that wrote this.

        Raises:
            NotARun: if there is no such table of songs.
        """
        return cls(RunFolder.at(path), songs.read(path))

    @cached_property
    def finished(self) -> pa.Table:
        """The songs that have rows, sorted by id; each once, even if it was measured with stems and without."""
        own = self.songs.filter(pc.is_in(self.songs["status"], pa.array(FINISHED)))
        own = own.sort_by([("song_id", "ascending"), ("feature_key", "ascending")])
        return own.filter(first_of_each(own["song_id"]))

    @property
    def feature_keys(self) -> list[str]:
        """How the finished songs were measured, sorted."""
        return sorted(self._by_key)

    def settings(self, feature_key: str) -> dict[str, Any]:
        """Return how the rows of a feature key were measured.

        Raises:
            InputError: if that is not known.
        """
        path = self.folder.settings(feature_key)
        try:
            facts: dict[str, Any] = json_document.parse(files.read_bytes(path))
        except (FileNotFoundError, ValueError) as error:
            raise InputError(f"{path} is missing or damaged: mine the catalog again") from error
        return facts

    def metadata(self, feature_key: str) -> Mapping[str, str]:
        """Return the manifest's columns, as JSON, of the finished songs of a feature key, by song id."""
        return _Lookup(*self._by_key[feature_key])

    def values(self, stem: str, statistic: str) -> dict[str, Any]:
        """Return one statistic of one stem, by song id; songs without such a stem are left out.

        Raises:
            InputError: if it is one that follows from others, and is not kept song by song.
        """
        if statistic not in FEATURES_SCHEMA.names:
            raise InputError(
                f"{statistic} is not kept song by song, but computed when priors are built: query the priors"
            )
        found: dict[str, Any] = {}
        for feature_key in self.feature_keys:
            for table in self.tables(feature_key, ["song_id", "stem", statistic]):
                own = table.filter(pc.equal(table["stem"], stem))
                found.update(zip(own["song_id"].to_pylist(), own[statistic].to_pylist(), strict=True))
        return found

    def tables(self, feature_key: str, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Give the rows of the finished songs of a feature key, some songs at a time, each song once.

        Args:
            feature_key: how they were measured.
            columns: which to give, `song_id` among them; None for all.

        Warns:
            RowsLost: if files were found damaged; their songs are left out.

        Raises:
            InputError: if the rows of all songs are lost, those of other feature keys too.
        """
        before = archive.set_aside(self.folder)
        batches = list(self._batches(feature_key))
        if not batches:
            self.batches()
        for batch in batches:
            yield from self.read(batch, columns)
        aside = [path for path in archive.set_aside(self.folder) if path not in before]
        if aside:
            warnings.warn(
                f"damaged and set aside: {', '.join(aside)}; songs that no other file has are left out, and mined "
                "again by the next `mixprior mine`",
                RowsLost,
                stacklevel=2,
            )

    def of(self, song_ids: pa.Array) -> Rows:
        """Return the rows of some songs only."""
        return Rows(self.folder, self.songs.filter(pc.is_in(self.songs["song_id"], song_ids)))

    def without(self, song_ids: pa.Array) -> Rows:
        """Return the rows of the other songs."""
        return Rows(self.folder, self.songs.filter(pc.invert(pc.is_in(self.songs["song_id"], song_ids))))

    def table(self) -> pa.Table:
        """Return all rows at once.

        Raises:
            InputError: if those of all are lost.
        """
        tables = [table for feature_key in self.feature_keys for table in self.tables(feature_key)]
        return pa.concat_tables(tables or [FEATURES_SCHEMA.empty_table()])

    def batches(self) -> list[Batch]:
        """Find where the rows of all finished songs are stored; those of songs whose rows are lost are in none.

        Raises:
            InputError: if those of all are lost.
        """
        found = [batch for feature_key in self.feature_keys for batch in self._batches(feature_key)]
        if not found:
            raise InputError(
                f"{self.folder.root} has no rows of {len(self.finished)} songs that {SONGS_FILE} calls finished: "
                "mine the catalog again"
            )
        return found

    def lost(self) -> pa.Array:
        """Return the ids of the finished songs whose rows are on disk no more, as it is now."""
        found = []
        for feature_key in self.feature_keys:
            wanted, _ = self._by_key[feature_key]
            single = np.array(archive.loose_songs(self.folder, feature_key), "S")
            index = archive.Index.of(self.folder, feature_key)
            found += wanted[~np.isin(wanted, single) & (index.find(wanted) < 0)].tolist()
        return pa.array([song_id.decode() for song_id in found], pa.string())

    def read(self, batch: Batch, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
        """Give the rows of a batch, a few tens of megabytes at a time.

        A damaged file is set aside. Its songs are left out, unless an older part has them; the next run mines them.

        Warns:
            RowsLost: if a damaged file cannot be set aside.

        Raises:
            InputError: if a file is there and cannot be read.
        """
        if batch.part is not None:
            if not self._is_whole(batch.part):
                yield from self._elsewhere(batch, columns)
                return
            for rows in archive.read_part(batch.part, _PIECE_BYTES, columns):
                if batch.song_ids:
                    rows = rows.filter(pc.invert(pc.is_in(rows["song_id"], pa.array(batch.song_ids))))
                if len(rows):
                    yield rows
            return
        checkpoint = Checkpoint(self.folder, batch.feature_key)
        tables = {song_id: checkpoint.features(song_id, columns) for song_id in batch.song_ids}
        counting = [table.replace_schema_metadata() for table in tables.values() if table is not None]
        if counting:
            yield pa.concat_tables(counting)
        damaged = [song_id for song_id, table in tables.items() if table is None]
        if damaged:
            for song_id in damaged:  # or compacted meanwhile
                self._set_aside(self.folder.features(batch.feature_key, song_id))
            yield from self._archived(batch.feature_key, damaged, columns)

    def _is_whole(self, part: str) -> bool:
        try:
            archive.check(part)
        except (seal.Damaged, FileNotFoundError):
            return False
        return True

    def _set_aside(self, path: str) -> bool:
        """Set a damaged file aside; return whether it is out of the way: a run that may only be read is read."""
        try:
            if files.exists(path):
                files.move(path, self.folder.set_aside(path))
        except CredentialsRefused:
            raise
        except (OSError, InputError) as error:
            reason = getattr(error, "strerror", None) or error
            warnings.warn(
                f"{path} is damaged, and cannot be set aside ({reason}); its songs may be left out",
                RowsLost,
                stacklevel=2,
            )
            return False
        return True

    def _elsewhere(self, batch: Batch, columns: Sequence[str] | None) -> Iterator[pa.Table]:
        """Set a damaged part aside; give the rows of its songs that an older part has."""
        assert batch.part is not None
        index = archive.Index.of(self.folder, batch.feature_key)
        if batch.part not in index.paths:  # this was done before, and is done again
            return
        here = index.song_ids[index.part == index.paths.index(batch.part)]
        wanted, _ = self._by_key[batch.feature_key]
        own = here[np.isin(here, wanted) & ~np.isin(here, np.array(batch.song_ids, "S"))]
        if self._set_aside(batch.part):
            yield from self._archived(batch.feature_key, [song_id.decode() for song_id in own], columns)

    @cached_property
    def _by_key(self) -> dict[str, tuple[np.ndarray, pa.Array]]:
        """Ids, as bytes, and metadata of the finished songs, by feature key; sorted by id."""
        found = {}
        for feature_key in pc.unique(self.finished["feature_key"]).to_pylist():
            own = self.finished.filter(pc.equal(self.finished["feature_key"], feature_key))
            found[feature_key] = np.array(own["song_id"].to_pylist(), "S"), own["metadata"].combine_chunks()
        return found

    def _batches(self, feature_key: str) -> Iterator[Batch]:
        wanted, _ = self._by_key[feature_key]
        single = np.array(archive.loose_songs(self.folder, feature_key), "S")
        own = wanted[np.isin(wanted, single)]
        index = archive.Index.of(self.folder, feature_key)
        names = [song_id.decode() for song_id in own]
        for start in range(0, len(names), _BATCH):
            yield Batch(feature_key, None, tuple(names[start : start + _BATCH]))
        for k in np.setdiff1d(np.arange(len(index.paths)), index.part):
            if not self._is_whole(index.paths[k]):
                self._set_aside(index.paths[k])
        archived = np.isin(index.song_ids, wanted) & ~np.isin(index.song_ids, own)
        order = np.flatnonzero(archived)[np.argsort(index.part[archived], kind="stable")]
        used, starts = np.unique(index.part[order], return_index=True)
        for k, own_here in zip(used, np.split(order, starts[1:]), strict=False):
            here, _ = archive.songs_in(index.paths[k], feature_key)
            elsewhere = here[~np.isin(here, index.song_ids[own_here])]
            yield Batch(feature_key, index.paths[k], tuple(song_id.decode() for song_id in elsewhere))

    def _archived(self, feature_key: str, song_ids: list[str], columns: Sequence[str] | None) -> Iterator[pa.Table]:
        """Give the archived rows of those of the songs that the archive has."""
        index = archive.Index.of(self.folder, feature_key)
        place = index.find(np.array(song_ids, "S"))
        for k in np.unique(index.part[place[place >= 0]]):
            own = pa.array([song_ids[n] for n in np.flatnonzero((place >= 0) & (index.part[place] == k))])
            if not self._is_whole(index.paths[k]):
                self._set_aside(index.paths[k])
                continue
            for rows in archive.read_part(index.paths[k], _PIECE_BYTES, columns):
                found = rows.filter(pc.is_in(rows["song_id"], own))
                if len(found):
                    yield found


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

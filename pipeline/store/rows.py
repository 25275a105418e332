"""The rows of a run's songs on this machine: single files, and the parts of the archive."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from mixprior.pipeline.store.evidence import Evidence, first_of_each
from mixprior.stats.errors import InputError
from mixprior.stats.priors.digest import Digest
from mixprior.stats.priors.tally import Grouping, tally
from mixprior.stats.registry import FEATURES_SCHEMA
from mixprior.stats.schema import FINISHED, archive_folder, features_path

_BATCH = 64


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

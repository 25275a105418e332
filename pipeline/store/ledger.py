"""What becomes of each song of a catalog: already finished, failed before, a duplicate of another, or to be mined."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from mixprior.pipeline.store import archive, features, packing, sources
from mixprior.pipeline.store.checkpoint import Checkpoint
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Failure, Outcome, Song
from mixprior.stats.visible import as_utf8

_LOOK_EVERY = 64
"""Songs of a run in an object store that are to be mined, until it is looked for parts that another run wrote."""

SongKey = tuple[str, str]
"""Feature key and song id."""


class Found(NamedTuple):
    """A song of the catalog that was read to be named by its content.

    Attributes:
        song: the song.
        size_bytes: of its files; 0 where that is not known.
        failure: why it could not be read; None if it could.
    """

    song: Song
    size_bytes: int = 0
    failure: Failure | None = None


@dataclass
class Ledger:
    """Decides what becomes of songs, by what a run's folder has of them.

    Attributes:
        folder: of the run.
        force: mine again what earlier runs finished.
        retry_failed: try again what failed in an earlier run.
    """

    folder: RunFolder
    force: bool = False
    retry_failed: bool = False
    _archived: dict[str, archive.Index] = field(default_factory=dict, init=False, repr=False)
    _newer: dict[str, set[bytes]] = field(default_factory=dict, init=False, repr=False)
    _looked_in: set[str] = field(default_factory=set, init=False, repr=False)
    _asked: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    _flagged: dict[str, frozenset[str]] = field(default_factory=dict, init=False, repr=False)
    _made_parts: dict[str, bool] = field(default_factory=dict, init=False, repr=False)
    _made: dict[str, frozenset[str]] = field(default_factory=dict, init=False, repr=False)

    def outcomes(self, key: SongKey, found: Iterable[Found]) -> Iterator[Outcome]:
        """Give an outcome for each song of equal content.

        The first path in alphabetical order is "to mine", unless what became of it is known; the others are duplicates.

        Args:
            key: of all of them.
            found: the songs, at least one.
        """
        first, *others = sorted(found, key=lambda each: (each.song.path, each.song.to_json()))
        feature_key, song_id = key
        yield self._known(key, first.song, first.failure) or Outcome(first.song, song_id, "to mine", feature_key)
        for other in others:
            yield Outcome(other.song, song_id, "duplicate", feature_key)

    def _known(self, key: SongKey, song: Song, unreadable: Failure | None) -> Outcome | None:
        """What became of a song that is not to be mined; None if it is."""
        feature_key, song_id = key
        checkpoint = Checkpoint(self.folder, feature_key)
        is_made = self._is_made(checkpoint, song_id) or self._is_part_made(checkpoint, song_id)
        if is_made or not self.force:
            duration_s = self._duration_s(checkpoint, song_id)
            if duration_s is not None:
                status = "mined" if is_made else "kept"
                return Outcome(song, song_id, status, feature_key, duration_s, flags=self._flags(checkpoint, song_id))
        failed = unreadable
        if failed is None and not (self.force or self.retry_failed):
            failed = checkpoint.failure(song_id)
            if failed is not None and not failed.is_lasting:
                failed = None
        if failed is None:
            return None
        return Outcome(song, song_id, "failed", feature_key, failure=replace(failed, path=as_utf8(song.path)))

    def _flags(self, checkpoint: Checkpoint, song_id: str) -> tuple[str, ...]:
        """Flags of a song whose rows are on disk; which songs have some is listed once."""
        key = checkpoint.feature_key
        if key not in self._flagged:
            self._flagged[key] = checkpoint.flagged()
        is_made = self._is_made(checkpoint, song_id)
        return checkpoint.flags(song_id) if is_made or song_id in self._flagged[key] else ()

    def _is_made(self, checkpoint: Checkpoint, song_id: str) -> bool:
        """Whether the run that has not ended yet finished the song; in an object store, which did so is listed once."""
        if not sources.is_remote(self.folder.root):
            return checkpoint.is_made(song_id)
        key = checkpoint.feature_key
        if key not in self._made:
            self._made[key] = checkpoint.made()
        return song_id in self._made[key]

    def _duration_s(self, checkpoint: Checkpoint, song_id: str) -> float | None:
        """Length of a song whose rows are on disk; None if they are not.

        The archive is looked at first: of its songs, no file is opened.
        """
        key = checkpoint.feature_key
        duration_s = self._index(key).duration_of(song_id)
        if duration_s is not None:
            return duration_s
        table = checkpoint.features(song_id, ["stem", "duration_s"])
        if table is not None:
            return features.duration_s(table)
        return self._index(key).duration_of(song_id) if self._has_packed_since(key, song_id) else None

    def _has_packed_since(self, feature_key: str, song_id: str) -> bool:
        """Whether another run packed a song since this ledger read the archive, which it then reads again."""
        if sources.is_remote(self.folder.root):  # each look is a request
            self._asked[feature_key] = (self._asked.get(feature_key, 0) + 1) % _LOOK_EVERY
            if self._asked[feature_key]:
                return False
        known = self._looked_in.union(self._index(feature_key).paths)
        for path in sorted(set(archive.parts(self.folder, feature_key)) - known):
            self._looked_in.add(path)
            self._newer.setdefault(feature_key, set()).update(archive.songs_in(path, feature_key)[0].tolist())
        if song_id.encode() not in self._newer.get(feature_key, ()):
            return False
        self._archived[feature_key] = archive.Index.of(self.folder, feature_key)
        self._newer[feature_key] = set()
        return True

    def is_archived(self, key: SongKey) -> bool:
        """Whether the rows of a song are in a part of the archive, as it was when this ledger was first asked."""
        feature_key, song_id = key
        return self._index(feature_key).part_of(song_id) is not None

    def _is_part_made(self, checkpoint: Checkpoint, song_id: str) -> bool:
        """Whether the run that has not ended yet made the part that has the rows of a song."""
        part = self._index(checkpoint.feature_key).part_of(song_id)
        if part is None:
            return False
        if part not in self._made_parts:
            self._made_parts[part] = self._is_made(checkpoint, packing.part_name(part))
        return self._made_parts[part]

    def _index(self, feature_key: str) -> archive.Index:
        if feature_key not in self._archived:
            self._archived[feature_key] = archive.Index.of(self.folder, feature_key)
        return self._archived[feature_key]

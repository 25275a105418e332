"""The archive: rows of finished songs, thousands to a file, where one file a song was the checkpoint."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from mixprior.pipeline.store import features, files, object_store, seal, sources
from mixprior.pipeline.store.layout import PREFIXES, RunFolder

MANY = 4096
"""Files of single songs that are worth compacting."""
_ARCHIVES_KNOWN = 4
"""Archives of which a process keeps in mind what songs their parts have: 32 bytes a song."""
_INDEX_BUFFER_BYTES = 1 << 18
"""Read at once of a remote part of which three columns are wanted."""


def loose_songs(folder: RunFolder, feature_key: str, prefix: str = "") -> list[str]:
    """Return the ids of the songs that have a file of their own, sorted; whether it counts shows when it is read.

    Args:
        folder: of the run.
        feature_key: of the songs.
        prefix: one of `PREFIXES`, to list those of these songs alone; "" for all.
    """
    url = f"{folder.loose(feature_key)}/{prefix}".rstrip("/")
    names = (os.path.basename(path) for path in files.below(url))
    return sorted(name.removesuffix(".parquet") for name in names if name.endswith(".parquet"))


def loose_states(folder: RunFolder, feature_key: str, prefix: str = "") -> dict[str, str]:
    """Return `files.state` of the files that `loose_songs` finds, by song id, in an object store."""
    found = object_store.below(f"{folder.loose(feature_key)}/{prefix}".rstrip("/"))
    names = {os.path.basename(name): entry.state for name, entry in found.items() if name.endswith(".parquet")}
    return {name.removesuffix(".parquet"): state for name, state in names.items()}


def has_many_loose(folder: RunFolder, feature_key: str) -> bool:
    """Whether so many songs have a file of their own that it is worth compacting them; no more than that are listed.

    In an object store all are listed: a request lists a thousand of them, and by prefix it takes 256 at least.
    """
    count = 0
    for prefix in ("",) if sources.is_remote(folder.root) else PREFIXES:
        count += len(loose_songs(folder, feature_key, prefix))
        if count >= MANY:
            return True
    return False


def parts(folder: RunFolder, feature_key: str) -> list[str]:
    """Return the paths of the parts, in the order they were written."""
    url = folder.archive(feature_key)
    return [f"{url}/{name}" for name in files.below(url) if name.endswith(".parquet")]


class _State(NamedTuple):
    """What tells whether a part is still the one that was read; no version where its store tells none."""

    size_bytes: int
    version: str


def _states(folder: RunFolder, feature_key: str) -> dict[str, _State]:
    """The parts, and their states: what opens a remote one then need not ask for its size."""
    url = folder.archive(feature_key)
    if sources.is_remote(url):
        found = object_store.below(url)
        states = {name: _State(entry.size_bytes, str(entry.version)) for name, entry in found.items()}
        return {f"{url}/{name}": states[name] for name in sorted(states) if name.endswith(".parquet")}
    local = {}
    for path in parts(folder, feature_key):
        with suppress(FileNotFoundError):  # another process set it aside
            status = os.stat(sources.local_path(path))
            local[path] = _State(status.st_size, f"{status.st_mtime_ns} {status.st_ino}")
    return local


def set_aside(folder: RunFolder) -> list[str]:
    """Return the paths of the files that were found damaged and set aside, sorted."""
    url = folder.set_aside("").rstrip("/")
    return [f"{url}/{name}" for name in files.below(url)]


@dataclass
class Index:
    """Which archived songs are stored in which part.

    Attributes:
        paths: of the parts, in the order they were written.
        song_ids: sorted, each once: the copy in the latest part is taken.
        part: for each song, the index of its part.
        duration_s: for each song, its length.
    """

    paths: list[str] = field(default_factory=list)
    song_ids: np.ndarray = field(default_factory=lambda: np.zeros(0, "S1"))
    part: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    duration_s: np.ndarray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def of(cls, folder: RunFolder, feature_key: str) -> Index:
        """Read the index of a run's archive: of the parts that this process has read before, nothing again."""
        states = _states(folder, feature_key)
        if not states:
            return cls()
        paths = list(states)
        known = _parts_known(folder.archive(feature_key), feature_key)
        for path in known.keys() - states.keys():
            known.pop(path, None)
        columns = [_songs_in_as(path, feature_key, state, known) for path, state in states.items()]
        song_ids = np.concatenate([ids for ids, _ in columns])
        part = np.repeat(np.arange(len(paths)), [len(ids) for ids, _ in columns])
        duration_s = np.concatenate([durations for _, durations in columns])
        order = np.lexsort((-part, song_ids))
        first = np.ones(len(order), bool)
        first[1:] = song_ids[order][1:] != song_ids[order][:-1]
        kept = order[first]
        return cls(paths, song_ids[kept], part[kept], duration_s[kept])

    def find(self, song_ids: np.ndarray) -> np.ndarray:
        """Return the place of each song in the index, -1 where it is not archived.

        Args:
            song_ids: bytes, any shape.
        """
        if not len(self.song_ids):
            return np.full(song_ids.shape, -1)
        place = np.minimum(np.searchsorted(self.song_ids, song_ids), len(self.song_ids) - 1)
        return np.where(self.song_ids[place] == song_ids, place, -1)

    def part_of(self, song_id: str) -> str | None:
        """Return the path of the part that has an archived song; None of another."""
        place = int(self.find(np.array(song_id.encode())))
        return None if place < 0 else self.paths[self.part[place]]

    def duration_of(self, song_id: str) -> float | None:
        """Return the length of an archived song; None of another."""
        place = int(self.find(np.array(song_id.encode())))
        return None if place < 0 else float(self.duration_s[place])


def read_part(path: str, most_bytes: int, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """Give the rows of a part, in pieces of whole songs of about `most_bytes`; `columns` has the `song_id`."""
    with files.opened(path) as file:
        parquet = seal.opened(file)
        rest: list[pa.Table] = []
        for k in range(parquet.num_row_groups):
            rest.append(parquet.read_row_group(k, columns, use_threads=False).replace_schema_metadata())
            if sum(table.nbytes for table in rest) >= most_bytes:
                # A song's rows are stored together, but may be cut by the end of a row group: they wait for the next.
                rows = pa.concat_tables(rest)
                whole = pc.index(rows["song_id"], rows["song_id"][-1]).as_py()
                if whole:
                    yield rows.slice(0, whole)
                rest = [rows.slice(whole)]
        if rest:
            yield pa.concat_tables(rest)


def check(path: str) -> None:
    """Read a part to its end.

    Raises:
        seal.Damaged: if it is not as it was written. One of an older version, without a seal, is parsed instead.
        InputError: if it cannot be read.
    """
    with files.need_readable(path), files.opened(path) as file:
        if seal.check(file):
            return
        try:
            parquet = seal.opened(file)
            for k in range(parquet.num_row_groups):
                parquet.read_row_group(k, use_threads=False)
        except seal.PARSING as error:
            if seal.is_trouble(error):
                raise
            raise seal.Damaged(f"is damaged ({error})") from error


_Columns = tuple[np.ndarray, np.ndarray]
"""What `songs_in` returns."""


@lru_cache(maxsize=_ARCHIVES_KNOWN)
def _parts_known(url: str, feature_key: str) -> dict[str, tuple[_State, _Columns]]:
    """The parts of an archive that this process has read: each bundle that it mines asks for them."""
    return {}


def _songs_in_as(path: str, feature_key: str, state: _State, known: dict[str, tuple[_State, _Columns]]) -> _Columns:
    """`songs_in` of a part in a state, which is read unless it is known."""
    before, found = known.get(path, (None, None))
    if found is not None and state.version and before == state:
        return found
    found = songs_in(path, feature_key, state.size_bytes)
    known[path] = state, found
    return found


def songs_in(path: str, feature_key: str, size_bytes: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Return the ids, as bytes, and the lengths in seconds of the songs of a part; of one that does not count, none.

    Args:
        path: of the part.
        feature_key: what its rows must have been made with.
        size_bytes: of a remote part, where it is known.

    Raises:
        InputError: if it cannot be read.
    """
    try:
        with files.need_readable(path), files.opened(path, size_bytes, _INDEX_BUFFER_BYTES) as file:
            table = features.read(file, feature_key, ["song_id", "stem", "duration_s"])
    except FileNotFoundError:  # another process set it aside
        table = None
    if table is None:
        return np.zeros(0, "S1"), np.zeros(0)
    table = table.filter(pc.equal(table["stem"], "song"))
    return np.array(table["song_id"].to_pylist(), "S"), table["duration_s"].to_numpy()

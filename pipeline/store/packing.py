"""Rows of single songs moved into a part of the archive: many small files become a large one.

A part is complete before the files it replaces are removed: a process that ends in between leaves songs twice, and the
own file of a song counts.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Sequence
from contextlib import suppress
from functools import lru_cache

import pyarrow as pa

from mixprior.pipeline.store import archive, features, files, sources
from mixprior.pipeline.store.layout import RunFolder, parquet_bytes, part_number
from mixprior.stats.registry import FEATURES_SCHEMA
from mixprior.stats.schema import with_metadata

PART_SONGS = 4096
"""Songs of a part at most."""

_ROW_GROUP_ROWS = 2048
_HERE, _ELSEWHERE = archive.MANY // 2, 256
"""Songs packed together while a run goes on: by the one process of this machine, by each process of an engine."""
WORTH = 32
"""Songs that are packed at the end of a run on this machine."""


def songs_a_part(songs: int, is_here: bool) -> int:
    """Return how many songs a run packs together while it mines so many; 0 where their own files may stay.

    Args:
        songs: of the catalog.
        is_here: whether one process of this machine stores all of them.

    >>> songs_a_part(4096, is_here=True), songs_a_part(5000, is_here=True), songs_a_part(5000, is_here=False)
    (0, 2048, 256)
    """
    if songs <= archive.MANY:
        return 0
    return _HERE if is_here else _ELSEWHERE


def packed_songs(songs: int, part_songs: int, processes: int, is_here: bool) -> int:
    """Return how many songs of a feature key a run moves into parts, which writes their rows twice.

    Args:
        songs: of the feature key.
        part_songs: of `songs_a_part`.
        processes: that pack, each as many songs.
        is_here: as of `songs_a_part`.

    >>> packed_songs(4095, 0, 1, is_here=True), packed_songs(4096, 0, 1, is_here=True)
    (0, 4096)
    >>> packed_songs(5000, 2048, 1, is_here=True)
    5000
    >>> packed_songs(10_000, 256, 30, is_here=False), packed_songs(10_000, 256, 64, is_here=False)
    (7680, 10000)
    """
    packed = processes * (songs // processes // part_songs) * part_songs if part_songs else 0
    worth = WORTH if is_here and part_songs else archive.MANY
    return songs if songs - packed >= worth else packed


class Packer:
    """Packs the songs that a run stores, as there are enough of them.

    Args:
        folder: of the run.
        part_songs: of `songs_a_part`; 0 to pack none.
    """

    def __init__(self, folder: RunFolder, part_songs: int) -> None:
        self.folder, self.part_songs = folder, part_songs
        self._waiting: dict[tuple[str, bool], list[str]] = {}
        self._using = threading.Lock()

    def add(self, feature_key: str, song_id: str, is_made: bool) -> None:
        """Take a song that has a file of its own.

        Args:
            feature_key: of the song.
            song_id: of the song.
            is_made: whether this run made it, or an earlier one.
        """
        if not self.part_songs:
            return
        with self._using:
            waiting = self._waiting.setdefault((feature_key, is_made), [])
            waiting.append(song_id)
            if len(waiting) < self.part_songs:
                return
            del self._waiting[feature_key, is_made]
        pack(self.folder, feature_key, sorted(waiting), is_made, self._prefixes)

    def rest(self) -> None:
        """Pack the rest, if they are worth it."""
        for feature_key, is_made in list(self._waiting):
            song_ids = self._waiting.pop((feature_key, is_made))
            if len(song_ids) >= WORTH:
                pack(self.folder, feature_key, sorted(song_ids), is_made, self._prefixes)

    @property
    def _prefixes(self) -> Sequence[str]:
        """One process of this machine has no more than its own songs to list; of an engine, each has those of all."""
        return ("",) if self.part_songs == _HERE else ()


@lru_cache(maxsize=8)
def of_process(folder: RunFolder, part_songs: int) -> Packer:
    """Return the packer that the bundles of a call share in this process: each has few songs. Threads may share it.

    What it has at the end stays in files of single songs, which `mine` packs where they are many.
    """
    return Packer(folder, part_songs)


def next_number(folder: RunFolder, feature_key: str) -> int:
    """Return the number of a part that prevails over all there are."""
    return 1 + max((part_number(path) for path in archive.parts(folder, feature_key)), default=0)


def pack(
    folder: RunFolder, feature_key: str, song_ids: Sequence[str], is_made: bool = False, prefixes: Sequence[str] = ()
) -> str | None:
    """Write a part from the files of single songs, and remove those.

    A file that cannot be read, is damaged, or was replaced by another run since it was read, stays where it is. In an
    object store one that is replaced after that was looked for is removed, too: the part has rows of the same song,
    measured in the same way (the feature key), whole.

    Args:
        folder: of the run.
        feature_key: of the songs.
        song_ids: of the songs, in the order that their rows are to have.
        is_made: whether the run that has not ended yet made all of them: then it is noted once for the part.
        prefixes: of these songs' ids, "" for all: in an object store they are listed by them, a thousand a request;
            without any, each song is asked for.

    Returns:
        The path of the part; None where no song has a file: the same was done before.
    """
    # Before any file is read: a part of what replaces one of them meanwhile has no lower number.
    number = next_number(folder, feature_key)
    found: dict[str, pa.Table] = {}
    states = _states(folder, feature_key, song_ids, prefixes)
    for song_id in filter(states.__contains__, song_ids):
        with suppress(OSError):  # a run that needs the rows mines the song again
            table = features.parsed(files.read_bytes(folder.features(feature_key, song_id)), feature_key)
            if table is not None:
                found[song_id] = table
    if not found:
        return None
    path = folder.part(feature_key, number, hashlib.sha256("".join(found).encode()).hexdigest()[:16])
    schema = with_metadata(FEATURES_SCHEMA, feature_key=feature_key)
    table = pa.concat_tables([each.replace_schema_metadata() for each in found.values()])
    files.write_bytes(path, parquet_bytes(table.replace_schema_metadata(schema.metadata), _ROW_GROUP_ROWS))
    if is_made:
        files.write_bytes(folder.made_note(feature_key, part_name(path)), b"")
    is_remote = sources.is_remote(folder.root)
    latest = _states(folder, feature_key, list(found), prefixes) if is_remote else states
    for song_id in found:
        url, state = folder.features(feature_key, song_id), states[song_id]
        if latest.get(song_id, state) != state or not (is_remote or files.remove_as(url, state)):
            continue
        if is_remote:
            files.remove(url)
        if is_made:
            files.remove(folder.made_note(feature_key, song_id))
    return path


def _states(folder: RunFolder, feature_key: str, song_ids: Sequence[str], prefixes: Sequence[str]) -> dict[str, str]:
    """Return `files.state` of the files of songs, by song id; of those that have one."""
    states: dict[str, str] = {}
    if prefixes and sources.is_remote(folder.root):
        for prefix in prefixes:
            states |= archive.loose_states(folder, feature_key, prefix)
        return states
    for song_id in song_ids:
        with suppress(OSError):
            states[song_id] = files.state(folder.features(feature_key, song_id))
    return states


def part_name(path: str) -> str:
    """Return what stands for a part in a note.

    >>> part_name("run/archive/0123456789abcdef/000012-89abcdef01234567.parquet")
    '000012-89abcdef01234567'
    """
    return path.rpartition("/")[2].removesuffix(".parquet")

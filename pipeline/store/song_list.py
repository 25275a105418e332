"""The songs of a catalog as they are stored: a line of JSON each, a tenth of what they take as objects."""

from __future__ import annotations

import io
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from mixprior.pipeline.store import files
from mixprior.pipeline.store.records import Song

RANGE_BYTES = 1 << 20
LINE_BYTES = 1 << 14
"""Read at a time to the end of the last line of a range."""


@dataclass(frozen=True)
class SongList:
    """The songs of a catalog, in its order.

    Attributes:
        content: a line of JSON a song.
        count: number of songs.
        columns: names of their metadata.
        has_stems: of each kind that occurs, whether its songs come with their stems.

    >>> songs = SongList.of([Song("a.wav", metadata=(("genre", "rock"),)), Song("b.stem.mp4")])
    >>> len(songs), songs.columns, sorted(songs.has_stems), [song.path for song in songs]
    (2, frozenset({'genre'}), [False, True], ['a.wav', 'b.stem.mp4'])
    >>> [song.path for song in SongList.of([Song("b.wav"), Song("a.wav")]).by_path()]
    ['a.wav', 'b.wav']
    """

    content: bytes
    count: int
    columns: frozenset[str]
    has_stems: frozenset[bool]

    @classmethod
    def of(cls, songs: Iterable[Song]) -> SongList:
        """Return the list of songs that come one at a time."""
        content, count = io.BytesIO(), 0
        columns: set[str] = set()
        has_stems: set[bool] = set()
        for song in songs:
            content.write(f"{song.to_json()}\n".encode())
            count += 1
            columns.update(name for name, _ in song.metadata)
            has_stems.add(song.has_stems)
        return cls(content.getvalue(), count, frozenset(columns), frozenset(has_stems))

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[Song]:
        return _songs_in(self.content)

    def by_path(self) -> Iterator[Song]:
        """Give the songs in alphabetical order of their paths, and of what else is known of them."""
        if all(one <= other for one, other in pairwise(map(_order, io.BytesIO(self.content)))):
            return iter(self)
        return map(_song_in, sorted(io.BytesIO(self.content), key=_order))


@dataclass(frozen=True)
class Range:
    """Bytes of a stored list, from `start` up to `end`: the songs whose lines begin there."""

    path: str
    start: int
    end: int


def ranges(path: str) -> Iterator[Range]:
    """Give the ranges that a stored list is read by, each of `RANGE_BYTES`, the last of what is left."""
    size_bytes = files.size_bytes(path)
    for start in range(0, size_bytes, RANGE_BYTES):
        yield Range(path, start, min(start + RANGE_BYTES, size_bytes))


def read(found: Range) -> Iterator[Song]:
    """Give the songs of a range, one at a time."""
    # The byte before the range shows whether a line begins with it.
    content = files.read_range(found.path, max(0, found.start - 1), found.end)
    if found.start:
        _, newline, content = content.partition(b"\n")
        if not newline:
            return
    at, rest = found.end, b""
    while content and not (content + rest).endswith(b"\n"):
        more = files.read_range(found.path, at, at + LINE_BYTES)
        line, newline, _ = more.partition(b"\n")
        at, rest = at + len(more), rest + line + newline
        if newline or not more:
            break
    yield from _songs_in(content + rest)


def _songs_in(content: bytes) -> Iterator[Song]:
    return map(_song_in, io.BytesIO(content))


def _song_in(line: bytes) -> Song:
    return Song.from_json(line.decode())


def _order(line: bytes) -> tuple[str, bytes]:
    return json.loads(line)["path"], line

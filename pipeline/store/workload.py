"""How much audio is still to be mined, and how long that takes: from the sizes of files and what was mined so far."""

from __future__ import annotations

import os
from collections import deque
from dataclasses import dataclass, field

_RECENT = 256
"""Songs by which those that are yet to be read are judged: a resumed run has finished the first of its catalog."""


@dataclass
class Tally:
    """Files of one kind.

    Attributes:
        songs: how many.
        size_bytes: of all.
        audio_s: length of all; 0 where it is yet to be measured.
    """

    songs: int = 0
    size_bytes: int = 0
    audio_s: float = 0.0

    def add(self, size_bytes: int, audio_s: float = 0.0, songs: int = 1) -> None:
        """Add some files; take them off again with less than none."""
        self.songs += songs
        self.size_bytes += size_bytes
        self.audio_s += audio_s


@dataclass
class Workload:
    """The songs of a run as they are read, waited for and mined; times are those of one clock, in seconds.

    Attributes:
        mined: what this call mined, by kind of file.
        waiting: what is yet to be mined, by kind of file.
        started_s: when the first song was submitted; None before.
        begun_s: when the first one of those that were mined was begun; None before.
        finished_s: when the last one that was mined was finished.

    >>> work = Workload()
    >>> for size_bytes in (1_000_000, 3_000_000):
    ...     work.expect("song.mp3", size_bytes, now_s=0.0)
    >>> work.finish("song.mp3", 1_000_000, audio_s=60.0, now_s=30.0)
    >>> work.left_s(unread=0, now_s=40.0)
    80.0
    """

    mined: dict[str, Tally] = field(default_factory=dict)
    waiting: dict[str, Tally] = field(default_factory=dict)
    started_s: float | None = None
    begun_s: float | None = None
    finished_s: float = 0.0
    _is_to_mine: deque[bool] = field(default_factory=lambda: deque(maxlen=_RECENT))

    def expect(self, path: str, size_bytes: int, now_s: float) -> None:
        """Note that a song is to be mined."""
        if self.started_s is None:
            self.started_s = now_s
        self.waiting.setdefault(kind_of(path), Tally()).add(size_bytes)
        self._is_to_mine.append(True)

    def skip(self) -> None:
        """Note that a song that was read is not to be mined: it is kept, a duplicate, or cannot be."""
        self._is_to_mine.append(False)

    @property
    def mining_s(self) -> float:
        """Seconds between the start of the first song that was mined and the end of the last; 0 before."""
        return 0.0 if self.begun_s is None else self.finished_s - self.begun_s

    def finish(self, path: str, size_bytes: int, audio_s: float, now_s: float, took_s: float = 0.0) -> None:
        """Note that a song that was expected is done.

        Args:
            path: of the song.
            size_bytes: as it was expected.
            audio_s: seconds of audio that were mined; 0 if it failed.
            now_s: the time.
            took_s: seconds that it took.
        """
        self.waiting[kind_of(path)].add(-size_bytes, songs=-1)
        if audio_s:
            self.mined.setdefault(kind_of(path), Tally()).add(size_bytes, audio_s)
            begun_s = now_s - took_s
            self.begun_s = begun_s if self.begun_s is None else min(self.begun_s, begun_s)
            self.finished_s = now_s

    def audio_left_s(self, unread: int) -> float | None:
        """Return the seconds of audio that are still to be mined; None before anything was mined.

        A file is as long for its size as those of its kind that were mined, or as all of them where there are none. Of
        songs that were not read yet as many are to be mined as of those that were read last.

        Args:
            unread: songs that were not read yet.
        """
        if not self.mined:
            return None
        everything = _sum(self.mined)
        known_s = sum(
            _audio_s(each, self.mined.get(kind, everything), everything) for kind, each in self.waiting.items()
        )
        share = sum(self._is_to_mine) / len(self._is_to_mine) if self._is_to_mine else 1.0
        waiting = _sum(self.waiting)
        songs, audio_s = everything.songs + waiting.songs, everything.audio_s + known_s
        return known_s + unread * share * audio_s / songs

    def left_s(self, unread: int, now_s: float) -> float | None:
        """Return the seconds that are left; None before anything was mined.

        The pace is that from the first song's start to the last one's end, so that what is left falls as time goes by.

        Args:
            unread: songs that were not read yet.
            now_s: the time.
        """
        audio_s = self.audio_left_s(unread)
        if audio_s is None or self.started_s is None:
            return None
        mined_s = _sum(self.mined).audio_s
        return max(0.0, audio_s * (self.finished_s - self.started_s) / mined_s - (now_s - self.finished_s))


def kind_of(path: str) -> str:
    """Return what tells how many bytes a second of audio takes: the format. Folders of stems have none.

    >>> kind_of("a/Song.MP3"), kind_of("a/Song")
    ('.mp3', '')
    """
    return os.path.splitext(path)[1].lower()


def _sum(tallies: dict[str, Tally]) -> Tally:
    each = tallies.values()
    return Tally(sum(t.songs for t in each), sum(t.size_bytes for t in each), sum(t.audio_s for t in each))


def _audio_s(waiting: Tally, like: Tally, everything: Tally) -> float:
    """Length of files by that of others; of such as have no known size, by their number."""
    if waiting.size_bytes and like.size_bytes:
        return waiting.size_bytes * like.audio_s / like.size_bytes
    return waiting.songs * everything.audio_s / everything.songs

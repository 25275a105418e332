"""What a song is called by: its content, not its path. Its tags are read at the same time."""

from __future__ import annotations

import hashlib
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from concurrent import futures
from contextlib import suppress
from dataclasses import replace
from queue import Empty, SimpleQueue

from mixprior.pipeline.audio import decode, tags
from mixprior.pipeline.song import trouble
from mixprior.pipeline.song.cores import usable_cores
from mixprior.pipeline.song.settings import MiningSettings
from mixprior.pipeline.store import sources
from mixprior.pipeline.store.copies import Copies
from mixprior.pipeline.store.digests import Digests
from mixprior.pipeline.store.ledger import Found, SongKey
from mixprior.pipeline.store.records import Failure, MetadataValue, Reported, Song, SongError
from mixprior.pipeline.store.store_errors import CredentialsRefused

Fingerprint = tuple[SongKey, Found]
"""(feature key, song id), and the song with its size, or with its failure."""

_AHEAD = 32
"""Songs that are begun for each that is read at once: whoever takes them then seldom waits for one."""
_IDLE_S = 1.0
_PAUSE_S = 0.1


class Fingerprints:
    """Names songs by their content, several at a time, each within a time limit: a file that hangs ends nothing.

    A thread that hangs cannot be ended; it is left behind.

    Args:
        settings: how songs are mined, with the limits.
        at_once: songs read at a time; None for one a core.
    """

    def __init__(self, settings: MiningSettings, at_once: int | None = None) -> None:
        self.settings, self.at_once = settings, at_once or usable_cores()
        self.copies = None if settings.copies is None else Copies(settings.copies)
        self.digests = Digests(settings.digests, settings.rehash, self.copies, tags.read)
        self._reading: deque[_Reading] = deque()
        self._waiting: SimpleQueue[_Reading] = SimpleQueue()
        self._readers: list[_Reader] = []
        self._feature_keys: dict[bool, str] = {}

    def of(self, songs: Iterable[Song]) -> Iterator[Fingerprint]:
        """Give the fingerprints of songs, in their order. Where copies are full, wait for who takes them."""
        for song in songs:
            while self.copies is not None and self.copies.is_full():
                if self._reading:
                    yield self._first()
                else:
                    time.sleep(_PAUSE_S)
            yield from self.add(song)
        yield from self.rest()

    def add(self, song: Song) -> Iterator[Fingerprint]:
        """Begin with a song, and give what there is of those before it where they are many."""
        reading = _Reading(song, self._feature_key(song.has_stems), self.digests)
        self._reading.append(reading)
        self._waiting.put(reading)
        self._have_readers()
        if len(self._reading) > _AHEAD * self.at_once:
            yield self._first()

    def rest(self) -> Iterator[Fingerprint]:
        """Give those that are left, and keep the digests of all."""
        while self._reading:
            self._have_readers()
            yield self._first()
        self.digests.save()

    def _have_readers(self) -> None:
        """Have as many threads as songs are to be read at once, besides those that hang."""
        if len(self._readers) < self.at_once or not all(reader.counts for reader in self._readers):
            self._readers = [reader for reader in self._readers if reader.counts]
            missing = min(self.at_once - len(self._readers), self._waiting.qsize())
            for reader in [_Reader(self._waiting) for _ in range(missing)]:
                reader.start()
                self._readers.append(reader)

    def _feature_key(self, has_stems: bool) -> str:
        if has_stems not in self._feature_keys:
            self._feature_keys[has_stems] = self.settings.feature_key(has_stems)
        return self._feature_keys[has_stems]

    def _first(self) -> Fingerprint:
        reading, waited_s = self._reading.popleft(), 0.0
        # The size may become known only while this waits.
        while (limit_s := self.settings.time_limits.to_read(reading.size_bytes)) > waited_s:
            with suppress(futures.TimeoutError):  # on Python 3.10 it is not the built-in one
                return reading.future.result(limit_s - waited_s)
            waited_s = limit_s
        for reader in self._readers:
            reader.give_up(reading)
        self._have_readers()
        return reading.failed(Reported("read", trouble.TIMED_OUT, f"could not be read within {waited_s:.0f} s"))


class _Reader(threading.Thread):
    """Reads one song after the other, until there are none for a while."""

    def __init__(self, waiting: SimpleQueue[_Reading]) -> None:
        super().__init__(name="reading songs", daemon=True)
        self.waiting = waiting
        self.reading: _Reading | None = None
        self.counts = True
        """Whether no other is to be started in its place."""

    def run(self) -> None:
        """Read."""
        while (reading := self._next()) is not None:
            self.reading = reading
            reading.read()

    def give_up(self, reading: _Reading) -> None:
        """Do not count on this thread, if it is this song that it reads."""
        if self.reading is reading:
            self.counts = False

    def _next(self) -> _Reading | None:
        with suppress(Empty):
            return self.waiting.get(timeout=_IDLE_S)
        self.counts = False
        with suppress(Empty):
            return self.waiting.get_nowait()  # it came before another thread would have been started for it
        return None


class _Reading:
    """A song to be read."""

    def __init__(self, song: Song, feature_key: str, digests: Digests) -> None:
        self.song, self.feature_key, self.size_bytes, self.digests = song, feature_key, 0, digests
        self.tags: Mapping[str, MetadataValue] = {}
        self.future: futures.Future[Fingerprint] = futures.Future()

    def read(self) -> None:
        """Read it; whatever a disk or a driver raises is this song's failure, but for credentials that are refused."""
        for pause_s in (*trouble.BACK_OFF_S, None):
            try:
                self.size_bytes = sum(map(sources.size_bytes, decode.files_of(self.song)))
                song_id = decode.fingerprint(self.song, self._sha256)
            except CredentialsRefused as error:
                self.future.set_exception(error)
            except Exception as error:
                if pause_s is not None and trouble.kind_of(error) is not None:
                    time.sleep(pause_s)
                    continue
                self.future.set_result(self.failed(error))
            else:
                song = replace(self.song, metadata=tags.join(self.song.metadata, self.tags)) if self.tags else self.song
                self.future.set_result(((self.feature_key, song_id), Found(song, self.size_bytes)))
            return

    def _sha256(self, path: str, root: str | None) -> str:
        content = self.digests.content(path, root)
        if path == (self.song.mixture if self.song.stems else self.song.path):
            self.tags = content.tags
        return content.sha256

    def failed(self, error: Exception) -> Fingerprint:
        """Return the song as one that cannot be read, named by its path."""
        if not isinstance(error, SongError):
            error = Reported("read", "Unreadable", f"cannot be read: {type(error).__name__}: {error}")
        song_id = hashlib.sha256(self.song.path.encode(errors="surrogateescape")).hexdigest()[:16]
        return (self.feature_key, song_id), Found(self.song, failure=Failure.of(self.song, song_id, error))

"""The checkpoint: one file a finished song, one file a failed one, named by content."""

from __future__ import annotations

import json
import os
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from typing import IO

import pyarrow as pa

from mixprior.pipeline.audio.flags import FLAGS
from mixprior.pipeline.store import features, files, sources
from mixprior.pipeline.store.layout import RunFolder
from mixprior.pipeline.store.records import Failure
from mixprior.stats.schema import FAILURES_SCHEMA


class _Spool:
    """Rows of an object store that were read and are to be read once more, in a file. Threads may share it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file, self._places, self._using = file, dict[str, tuple[int, int]](), threading.Lock()

    def keep(self, url: str, content: bytes) -> None:
        """Keep a file's content, if there is room."""
        with self._using, suppress(OSError):
            start = self._file.seek(0, os.SEEK_END)
            if start + len(content) <= _MOST_SPOOLED_BYTES:
                self._file.write(content)
                self._places[url] = start, len(content)

    def take(self, url: str) -> bytes | None:
        """Return a content that is kept, and forget it; None if it is not."""
        with self._using:
            start, size = self._places.pop(url, (0, 0))
            self._file.seek(start)
            return self._file.read(size) if size else None


_MOST_SPOOLED_BYTES = 1 << 30
_spool: _Spool | None = None


@contextmanager
def rows_at_hand(folder: RunFolder) -> Iterator[None]:
    """Fetch the rows of a kept song once while the context lasts, in this process: to look at them, and to add them up.

    On this machine nothing is to be done.
    """
    global _spool
    if not sources.is_remote(folder.root):
        yield
        return
    with tempfile.TemporaryFile() as file:
        _spool = _Spool(file)
        try:
            yield
        finally:
            _spool = None


@dataclass(frozen=True)
class Checkpoint:
    """The files of single songs, finished and failed, in a run's folder.

    Attributes:
        folder: of the run.
        feature_key: stands for the version, model and settings the rows were made with.
    """

    folder: RunFolder
    feature_key: str

    def features(self, song_id: str, columns: Sequence[str] | None = None) -> pa.Table | None:
        """Return a finished song's table, or some of its columns; None unless the file counts.

        Raises:
            InputError: if the file is there and cannot be read.
        """
        url, spool = self.folder.features(self.feature_key, song_id), _spool
        content = None if spool is None else spool.take(url)
        if content is not None:
            return features.parsed(content, self.feature_key, columns)
        try:
            with files.need_readable(url):
                content = files.read_bytes(url)
        except OSError:  # it is not there, or a driver says nothing of why
            return None
        table = features.parsed(content, self.feature_key, columns)
        if spool is not None and table is not None:
            spool.keep(url, content)
        return table

    def failure(self, song_id: str) -> Failure | None:
        """Return why a song failed in an earlier run, if it did."""
        try:
            table = files.read_table(self.folder.failure(self.feature_key, song_id))
        except (OSError, pa.ArrowInvalid):
            return None
        return Failure(**table.to_pylist()[0])

    def flags(self, song_id: str) -> tuple[str, ...]:
        """Return what may be wrong with a finished song; none where there is no file of it, or a damaged one."""
        try:
            kept = json.loads(files.read_bytes(self.folder.flags(self.feature_key, song_id)))
        except (OSError, ValueError, RecursionError):
            return ()
        names = kept.get("flags") if isinstance(kept, dict) else None
        return (
            tuple(name for name in names if isinstance(name, str) and name in FLAGS) if isinstance(names, list) else ()
        )

    def flagged(self) -> frozenset[str]:
        """Return the ids of the songs that have flags."""
        return frozenset(name.removesuffix(".json") for name in files.below(self.folder.flagged(self.feature_key)))

    def made(self) -> frozenset[str]:
        """Return the ids of the songs that the run that has not ended yet finished, as far as they are listed now."""
        return frozenset(files.below(f"{self.folder.made}/{self.feature_key}"))

    def is_made(self, song_id: str) -> bool:
        """Whether the run that has not ended yet finished the song: this attempt of it, or one that was cut off."""
        return files.exists(self.folder.made_note(self.feature_key, song_id))

    def finish(self, song_id: str, content: bytes, flags: Sequence[str] = ()) -> None:
        """Keep a finished song's file (the metadata of its table carry the key), and forget an earlier failure.

        That this run made it is noted beside the file, not in it: the same song gives the same bytes in every run.
        """
        # First of all: a run that is cut off here mines the song again.
        if flags:
            kept = json.dumps({"flags": list(flags)}).encode()
            files.write_bytes(self.folder.flags(self.feature_key, song_id), kept)
        else:
            files.remove(self.folder.flags(self.feature_key, song_id))
        url = self.folder.features(self.feature_key, song_id)
        if _spool is not None:
            _spool.take(url)  # of an earlier run
        files.write_bytes(url, content)
        files.write_bytes(self.folder.made_note(self.feature_key, song_id), b"")
        self.forget_failure(song_id)

    def forget_failure(self, song_id: str) -> None:
        """Forget why a song failed, if it did: the next run tries it again."""
        files.remove(self.folder.failure(self.feature_key, song_id))

    def fail(self, failure: Failure) -> None:
        """Keep why a song failed."""
        table = pa.Table.from_pylist([asdict(failure)], FAILURES_SCHEMA)
        files.write_table(self.folder.failure(self.feature_key, failure.song_id), table)

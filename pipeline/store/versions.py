"""Which version of each remote file was last listed, so that one that was read before need not be read again."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping

from mixprior.pipeline.store import object_store

_MOST = 1_000_000


class Versions:
    """Versions of remote files, as hashes: 100 bytes a file. Threads may share them."""

    def __init__(self) -> None:
        self._known: dict[int, int] = {}
        self._folders: set[int] = set()
        self._listing = threading.Lock()

    def remember(self, folder: str, listed: Mapping[str, object_store.Entry]) -> None:
        """Keep what a listing says of the files of a folder; beyond a million files, of no more."""
        self._folders.add(hash(folder))
        for name, entry in listed.items():
            key = hash(f"{folder}/{name}")
            if not entry.version:
                self._known.pop(key, None)
            elif key in self._known or len(self._known) < _MOST:
                self._known[key] = number_of(entry)

    def forget(self) -> None:
        """Forget all: what is asked for next is listed again."""
        with self._listing:
            self._known.clear()
            self._folders.clear()

    def of(self, url: str) -> int | None:
        """Return the version of a file; None where it is not known. Its folder is listed if it was not before."""
        folder = url.rpartition("/")[0]
        with self._listing:
            if hash(folder) not in self._folders and len(self._known) < _MOST:
                self._folders.add(hash(folder))
                try:
                    self.remember(folder, object_store.listed(folder))
                except Exception:  # reading the file will say what is wrong
                    return None
        return self._known.get(hash(url))


def number_of(entry: object_store.Entry) -> int:
    """Return a version with its size as one number, the same in every process."""
    text = f"{entry.version} {entry.size_bytes}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")

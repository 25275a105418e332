"""Copies of remote files on this machine, for as long as their song is at hand: each file is fetched once.

Whoever names a song by its content leaves what it fetched in a folder; the process that mines the song takes it from
there, as often as it opens it.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

_MOST_BYTES = 4 << 30
_SHARE = 0.25
"""Of the free disk: what is left to the run's rows is more."""


class Copies:
    """Copies in a folder, by URL. Processes may share it; without room, or where it cannot be written, none is kept.

    Args:
        folder: made when it is needed.
    """

    def __init__(self, folder: str) -> None:
        self.folder = Path(folder)

    def keep(self, url: str, content: bytes) -> None:
        """Keep what was fetched, if there is room."""
        part = self._path(url).with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        with suppress(OSError):
            self.folder.mkdir(parents=True, exist_ok=True)
            if not self.is_full(2.0):  # what was begun before it was full finds room
                try:
                    part.write_bytes(content)
                    part.replace(self._path(url))
                finally:
                    part.unlink(missing_ok=True)

    def open(self, url: str) -> BinaryIO | None:
        """Open a copy; None if there is none."""
        try:
            return self._path(url).open("rb")
        except OSError:
            return None

    def remove(self, urls: Iterable[str]) -> None:
        """Remove copies, if they are there."""
        for url in urls:
            with suppress(OSError):
                self._path(url).unlink()

    def size_bytes(self) -> int:
        """Size of all copies; others may come and go meanwhile."""
        total = 0
        with suppress(OSError):  # there is no folder yet
            for entry in os.scandir(self.folder):
                with suppress(OSError):  # this one was just removed
                    total += entry.stat().st_size
        return total

    def is_full(self, times: float = 1.0) -> bool:
        """Whether there are as many copies as there should be, or so many times as many; one alone has room."""
        kept_bytes = self.size_bytes()
        try:
            free_bytes = shutil.disk_usage(self.folder).free
        except OSError:  # there is no folder yet
            return False
        return kept_bytes > 0 and kept_bytes >= times * min(_MOST_BYTES, _SHARE * (free_bytes + kept_bytes))

    def _path(self, url: str) -> Path:
        return self.folder / hashlib.sha256(url.encode(errors="surrogateescape")).hexdigest()[:32]

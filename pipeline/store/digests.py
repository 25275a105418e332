"""SHA-256 and tags of files, kept from run to run for files that have not changed since."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Mapping
from typing import BinaryIO, NamedTuple

from mixprior.pipeline.store import sources, user_cache
from mixprior.pipeline.store.copies import Copies
from mixprior.pipeline.store.records import MetadataValue

_KIND = "digests"
_SHA256 = re.compile("[0-9a-f]{64}")
_SETTLED_NS = 2_000_000_000
"""A file that was changed this shortly before it was read may be changed again within one tick of its time stamp: FAT
counts in steps of 2 s. It is read again, as Git does with what is "racily clean" in its index."""
_MOST = 1_000_000
"""Files that are remembered besides those of the last run."""


class State(NamedTuple):
    """What tells that a local file is still the same: its time of change shows what sets the other time back."""

    size_bytes: int
    modified_ns: int
    changed_ns: int
    inode: int
    device: int

    @classmethod
    def of(cls, found: os.stat_result) -> State:
        """Return the state that the system tells."""
        return cls(found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev)

    @classmethod
    def of_version(cls, version: int) -> State:
        """Return that of a remote file, of which one number stands for all that its store tells."""
        return cls(0, 0, 0, version, -1)


def is_settled(state: State, read_ns: int) -> bool:
    """Whether a change after a file was read is sure to show in its state.

    Args:
        state: of the file.
        read_ns: when it began to be read, in nanoseconds since the epoch.

    >>> second = 1_000_000_000
    >>> is_settled(State(9, 10 * second, 10 * second, 1, 1), read_ns=13 * second)
    True
    >>> is_settled(State(9, 10 * second, 10 * second, 1, 1), read_ns=11 * second)
    False
    """
    return max(state.modified_ns, state.changed_ns) < read_ns - _SETTLED_NS


class Content(NamedTuple):
    """What is known of a file by its bytes.

    Attributes:
        sha256: in hex.
        tags: what `tags_of` of `Digests` found; none without it.
    """

    sha256: str
    tags: Mapping[str, MetadataValue]


class Digests:
    """SHA-256 and tags of files by path and state. Threads may share it.

    They are in the user's cache, a document for each folder of a run: they are no part of the run, and a run that is
    copied, or another's, brings none. Remote files are known by the versions that their store lists.

    Args:
        place: the folder of the run, under whose name they are kept; None to keep none.
        rehash: read all files, and remember them anew.
        copies: where remote files are left that were fetched to be read; None to leave none.
        tags_of: reads the tags of an open file, and leaves it at its beginning; None for files that have none.
    """

    def __init__(
        self,
        place: str | None = None,
        rehash: bool = False,
        copies: Copies | None = None,
        tags_of: Callable[[BinaryIO], Mapping[str, MetadataValue]] | None = None,
    ) -> None:
        self.copies, self._tags_of = copies, tags_of
        self._name = None if place is None else user_cache.name_of(place)
        self._known = {} if self._name is None or rehash else _entries(user_cache.read(_KIND, self._name))
        self._seen: dict[str, tuple[State, Content]] = {}
        self._is_new = False
        self._adding = threading.Lock()

    def sha256(self, path: str, root: str | None = None) -> str:
        """Return the SHA-256 of a file. Arguments and errors are those of `content`."""
        return self.content(path, root).sha256

    def content(self, path: str, root: str | None = None) -> Content:
        """Return the SHA-256 and the tags of a file: read now, unless it is as it was when it was read before.

        Args:
            path: local path or fsspec URL.
            root: a folder that the file must not leave by way of links.

        Raises:
            Unreadable: as `sources.open_file` does; it opens the file in any case.
            InputError: as `sources.open_file` does.
        """
        if sources.is_remote(path):
            return self._remote(path)
        with sources.open_file(path, root) as file:
            if self._name is None:
                return self._content_of(file)
            path, state = os.path.abspath(sources.local_path(path)), State.of(os.fstat(file.fileno()))
            known = self._known.get(path)
            if known is not None and known[0] == state:
                self._seen[path] = known
                return known[1]
            began_ns = time.time_ns()
            content = self._content_of(file)
            if State.of(os.fstat(file.fileno())) == state and is_settled(state, began_ns):
                with self._adding:
                    self._seen[path] = state, content
                    self._is_new = True
            return content

    def _remote(self, url: str) -> Content:
        version = None if self._name is None else sources.version(url)
        state = None if version is None else State.of_version(version)
        known = self._known.get(url)
        if known is not None and known[0] == state:
            self._seen[url] = known
            return known[1]
        with sources.open_file(url) as file:
            if self.copies is not None:
                self.copies.keep(url, file.read())
                file.seek(0)
            content = self._content_of(file)
        if state is not None:
            with self._adding:
                self._seen[url] = state, content
                self._is_new = True
        return content

    def _content_of(self, file: BinaryIO) -> Content:
        tags = {} if self._tags_of is None else self._tags_of(file)
        return Content(sources.sha256(file), tags)

    def save(self) -> None:
        """Keep what was read, beside what is known of other files."""
        if self._name is None or not self._is_new:
            return
        others = {path: entry for path, entry in self._known.items() if path not in self._seen}
        entries = {**(others if len(others) <= _MOST else {}), **self._seen}
        user_cache.write(_KIND, self._name, {path: [*state, *content] for path, (state, content) in entries.items()})
        self._is_new = False


def _entries(document: object) -> dict[str, tuple[State, Content]]:
    """What a document holds; what it holds wrongly is left out."""
    found: dict[str, tuple[State, Content]] = {}
    if isinstance(document, dict):
        for path, entry in document.items():
            if isinstance(entry, list) and len(entry) == len(State._fields) + len(Content._fields):
                *state, sha256, tags = entry
                is_state = all(type(each) is int for each in state)
                if is_state and isinstance(sha256, str) and _SHA256.fullmatch(sha256) and _are_tags(tags):
                    found[path] = State(*state), Content(sha256, tags)
    return found


def _are_tags(tags: object) -> bool:
    return isinstance(tags, dict) and all(isinstance(value, str | int | float) for value in tags.values())

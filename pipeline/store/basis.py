"""What the priors of a run were made from: while it is the same, they are what aggregation would give again."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from mixprior.pipeline.store import archive, object_store, published, sources, user_cache
from mixprior.pipeline.store.digests import State
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.priors.tally import Grouping

_KIND = "priors"
_CODE = ("stats", "pipeline/store", "pipeline/graphs")
_SUFFIXES = (".py", ".json", ".npz")
"""Of code, and of the data that it reads: errors of separation, of which the reliability of priors follows."""


@dataclass(frozen=True)
class Note:
    """What priors were made from, and what came of it.

    Attributes:
        basis: as `of` returns it.
        manifest_sha256: of the manifest that was written.
    """

    basis: str
    manifest_sha256: str


def of(rows: Rows, grouping: Grouping, versions: Mapping[str, str]) -> str | None:
    """Return a digest of all that the priors of a run follow from; None where a store does not tell versions.

    The rows count by the states of their files, all else by content: songs, how they ended, their metadata, how they
    were measured, how they are grouped and corrected, the versions of the libraries, our own code and its data.

    Args:
        rows: of the run.
        grouping: how songs are grouped and corrected.
        versions: versions of the libraries, by name.
    """
    keys = sorted(set(rows.songs["feature_key"].to_pylist()))
    try:
        states = [_rows(rows, key) for key in rows.feature_keys]
    except FileNotFoundError:  # they are changed just now
        return None
    if None in states:
        return None
    facts = (
        _songs(rows.songs),
        [rows.settings(key) for key in keys],
        states,
        asdict(grouping),
        sorted(versions.items()),
        _code_sha256(),
    )
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()


def may_stay(note: Note | None, basis: str | None, manifest_sha256: str | None) -> bool:
    """Whether priors, if they are whole, are what would be made now: nothing has changed since they were made.

    Args:
        note: of what they were made from; None where that is not known.
        basis: what they would be made from now; None where that is not known.
        manifest_sha256: of their manifest; None where there is none.

    >>> may_stay(Note("a", "1"), "a", "1"), may_stay(Note("a", "1"), "b", "1"), may_stay(None, None, None)
    (True, False, False)
    """
    return note is not None and (note.basis, note.manifest_sha256) == (basis, manifest_sha256)


def keep(priors: str, basis: str | None, beside: Mapping[str, bytes]) -> bool:
    """Keep the priors in a folder if they are whole, and are what would be made now; return whether they are.

    Args:
        priors: the folder.
        basis: as `of` returns it.
        beside: content of other files that go with them, by URL: written if the priors are kept.
    """
    known = _note(priors)
    try:
        if not may_stay(known, basis, published.manifest_sha256(priors)) or published.broken(priors):
            return False
        published.write_beside(beside)
        # Another writer may have come in between.
        return may_stay(known, basis, published.manifest_sha256(priors)) and published.are_of_one(priors, beside)
    except FileNotFoundError:
        return False


def note(priors: str, basis: str) -> None:
    """Note what the priors in a folder were just made from.

    Args:
        priors: the folder.
        basis: as `of` returned it before and after.
    """
    made = Note(basis, published.manifest_sha256(priors))
    user_cache.write(_KIND, user_cache.name_of(priors), asdict(made))


def _note(priors: str) -> Note | None:
    """In the user's cache: a folder of another may say anything of itself."""
    found = user_cache.read(_KIND, user_cache.name_of(priors))
    try:
        return Note(**found)
    except TypeError:
        return None


def _songs(songs: pa.Table) -> str:
    """A song that was mined counts as one that was kept: it has the same rows."""
    columns = ("song_id", "feature_key", "duration_s", "error", "metadata")
    is_copy = pc.equal(songs["status"], "duplicate").to_pylist()
    lines = zip(is_copy, *(songs[name].to_pylist() for name in columns), strict=True)
    return hashlib.sha256("\n".join(sorted(map(json.dumps, lines))).encode()).hexdigest()


def _rows(rows: Rows, feature_key: str) -> list[Any] | None:
    """Names and states of the files of the rows of a feature key; None where a store does not tell versions."""
    if sources.is_remote(rows.folder.root):
        return _remote_rows(rows, feature_key)
    own = rows.metadata(feature_key)
    paths = {song_id: rows.folder.features(feature_key, song_id) for song_id in own}
    single = set(archive.loose_songs(rows.folder, feature_key))
    files = [paths[song_id] for song_id in paths if song_id in single] + archive.parts(rows.folder, feature_key)
    return [(os.path.basename(path), *State.of(os.stat(sources.local_path(path)))) for path in files]


def _remote_rows(rows: Rows, feature_key: str) -> list[Any] | None:
    own = rows.metadata(feature_key)
    single = object_store.below(rows.folder.loose(feature_key))
    names = {os.path.basename(path).removesuffix(".parquet"): entry for path, entry in single.items()}
    entries = {song_id: names[song_id] for song_id in own if song_id in names}
    entries |= object_store.below(rows.folder.archive(feature_key))
    if not all(entry.version for entry in entries.values()):
        return None
    return [(name, entry.size_bytes, entry.version) for name, entry in sorted(entries.items())]


@cache
def _code_sha256() -> str:
    """SHA-256 of the code that aggregates, and of its data."""
    digest = hashlib.sha256()
    package = Path(__file__).resolve().parents[2]
    found = (path for folder in _CODE for path in (package / folder).rglob("*"))
    for path in sorted(path for path in found if path.suffix in _SUFFIXES):
        digest.update(path.read_bytes())
    return digest.hexdigest()

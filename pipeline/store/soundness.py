"""Whether all that is stored in a run's folder is whole and belongs together, and what to do where it is not."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa

from mixprior.pipeline.store import archive, features, files, published, seal, songs, sources, stray
from mixprior.pipeline.store.layout import MANIFEST_FILE, TABLES_FOLDER, RunFolder, content_hash
from mixprior.pipeline.store.rows import Rows
from mixprior.stats.errors import InputError

_MINE = "mine the catalog again"
_AGGREGATE = "run `mixprior aggregate`"
_ID = re.compile("[0-9a-f]{16}")
_MANY = 5


@dataclass(frozen=True)
class Finding:
    """Something that is not as a run leaves it.

    Attributes:
        kind: in one word: "damaged", "lost", "mixed", "missing", "foreign", "double", "left behind", "orphan",
            "unreadable".
        path: where.
        what: what is wrong.
        remedy: what to do.
        is_fault: whether it makes the folder inconsistent; otherwise it is only reported.
        repair: leaves what a rerun rebuilds; None where there is nothing to be done here.
    """

    kind: str
    path: str
    what: str
    remedy: str
    is_fault: bool = True
    repair: Callable[[], object] | None = field(default=None, repr=False, compare=False)

    def text(self) -> str:
        """Return it in one line."""
        return f"{self.kind}: {self.path}: {self.what}; {self.remedy}"


def findings(folder: RunFolder) -> Iterator[Finding]:
    """Open everything in a run's folder and give what is not as it should be.

    Args:
        folder: of the run.

    Raises:
        NotARun: if it has neither a table of songs nor rows.
    """
    keys = _keys(folder)
    if not keys and not files.exists(folder.songs):
        songs.read(folder.root)  # raises
    for key in keys:
        yield from _settings(folder, key)
        yield from _parts(folder, key)
        yield from _single(folder, key)
    yield from _failures(folder)
    yield from _flags(folder)
    yield from _named_by_content(folder)
    yield from _table(folder, keys)
    yield from _priors(folder)
    for path in stray.strays(folder):
        yield Finding("left behind", path, "a process that ended wrote it", "--repair removes it", False)


def _keys(folder: RunFolder) -> list[str]:
    found = set()
    for place in (folder.loose(""), folder.archive("")):
        if sources.is_folder(place.rstrip("/")):
            found |= {name for name, is_dir in sources.entries(place.rstrip("/")) if is_dir and _ID.fullmatch(name)}
    return sorted(found)


def _settings(folder: RunFolder, key: str) -> Iterator[Finding]:
    try:
        json.loads(files.read_bytes(folder.settings(key)))
    except (FileNotFoundError, ValueError):
        yield Finding("missing", folder.settings(key), "how rows were measured cannot be read", _MINE)


def _parts(folder: RunFolder, key: str) -> Iterator[Finding]:
    for path in archive.parts(folder, key):
        try:
            archive.check(path)
            ids, _ = archive.songs_in(path, key)
        except seal.Damaged as error:
            yield _damaged_rows(folder, path, str(error))
            continue
        except InputError as error:
            yield _unreadable(path, error)
            continue
        if not len(ids):
            yield _damaged_rows(folder, path, "holds no rows of this feature key and version")
        elif len(np.unique(ids)) < len(ids):
            yield _damaged_rows(folder, path, "holds a song twice")


def _single(folder: RunFolder, key: str) -> Iterator[Finding]:
    index = archive.Index.of(folder, key)
    own = archive.loose_songs(folder, key)
    for song_id in own:
        path = folder.features(key, song_id)
        try:
            table = features.parsed(files.read_bytes(path), key)
        except OSError as error:
            yield _unreadable(path, error)
            continue
        if table is None:
            yield _damaged_rows(folder, path, "is damaged, or of another feature key or version")
        elif set(table["song_id"].to_pylist()) != {song_id}:
            yield _damaged_rows(folder, path, "holds the rows of another song")
    both = int((index.find(np.array(own, "S")) >= 0).sum()) if own else 0
    if both:
        what = f"{both} songs have a file of their own and are in the archive, too"
        yield Finding("double", folder.loose(key), what, "the own file counts; nothing is to be done", False)


def _damaged_rows(folder: RunFolder, path: str, what: str) -> Finding:
    remedy = f"--repair sets it aside; {_MINE}"
    return Finding("damaged", path, what, remedy, repair=lambda: files.move(path, folder.set_aside(path)))


def _unreadable(path: str, error: Exception) -> Finding:
    return Finding("unreadable", path, str(error), "nothing is repaired: it may be sound")


def _failures(folder: RunFolder) -> Iterator[Finding]:
    for path in _files(folder.failures, ".parquet"):
        try:
            [row] = files.read_table(path).to_pylist()
            is_own = row["song_id"] == _stem(path)
        except (seal.Damaged, ValueError, KeyError):
            is_own = False
        if not is_own:
            yield _rebuilt(path, "is no reason of a failure")


def _flags(folder: RunFolder) -> Iterator[Finding]:
    for path in _files(f"{folder.root}/flags", ".json"):
        try:
            is_sound = isinstance(json.loads(files.read_bytes(path))["flags"], list)
        except (ValueError, TypeError, KeyError):
            is_sound = False
        if not is_sound:
            yield _rebuilt(path, "holds no flags of a song")


def _named_by_content(folder: RunFolder) -> Iterator[Finding]:
    for place, end in ((f"{folder.root}/{TABLES_FOLDER}", ".parquet"), (f"{folder.root}/catalogs", ".jsonl")):
        for path in _files(place, end):
            if content_hash(files.read_bytes(path)) != _stem(path):
                yield _rebuilt(path, "is not what its name says")


def _rebuilt(path: str, what: str) -> Finding:
    return Finding("damaged", path, what, f"--repair removes it; {_MINE}", repair=lambda: files.remove(path))


def _table(folder: RunFolder, keys: Iterable[str]) -> Iterator[Finding]:
    """What the table of songs says is on disk, and no song that is on disk is in no table."""
    try:
        rows = Rows.open(folder.root)
    except songs.NotARun:
        yield Finding("missing", folder.songs, "cannot be read", _MINE, repair=lambda: files.remove(folder.songs))
        return
    lost = rows.lost().to_pylist()
    if lost:
        yield Finding("lost", folder.songs, f"{len(lost)} finished songs have no rows ({_some(lost)})", _MINE)
    for key in set(rows.feature_keys) - set(keys):
        yield Finding("missing", folder.settings(key), "how rows were measured is gone", _MINE)
    known = _known(folder, rows.songs)
    for key in keys:
        on_disk = {*archive.loose_songs(folder, key), *np.char.decode(archive.Index.of(folder, key).song_ids).tolist()}
        orphans = sorted(on_disk - known)
        if orphans:
            what = f"{len(orphans)} songs are in no table of songs ({_some(orphans)})"
            yield Finding("orphan", folder.loose(key), what, f"a run that was interrupted left them: {_MINE}", False)


def _known(folder: RunFolder, table: pa.Table) -> set[str]:
    """Ids of the songs of all tables."""
    known = set(table["song_id"].to_pylist())
    for path in _files(f"{folder.root}/{TABLES_FOLDER}", ".parquet"):
        try:
            known |= set(songs.read(path)["song_id"].to_pylist())
        except songs.NotARun:  # told already
            continue
    return known


def _priors(folder: RunFolder) -> Iterator[Finding]:
    manifest = f"{folder.priors}/{MANIFEST_FILE}"

    def withdraw() -> None:
        files.remove(manifest)

    if not files.exists(folder.priors):
        return
    try:
        said = json.loads(files.read_bytes(manifest))
        broken = published.broken(folder.priors)
    except (FileNotFoundError, ValueError, AttributeError):
        yield Finding("missing", manifest, "cannot be read: the priors count for nothing", _AGGREGATE)
        return
    for name in broken:
        path = f"{folder.priors}/{name}"
        yield Finding("damaged", path, "is not the file that the manifest names", _AGGREGATE, repair=withdraw)
    try:
        hash_of_songs = (songs.read(folder.root).schema.metadata or {}).get(b"members_sha256", b"").decode()
    except songs.NotARun:  # told already
        return
    if hash_of_songs and said.get("members_sha256") not in (None, hash_of_songs):
        yield Finding("mixed", folder.priors, "are of other songs than songs.parquet", _AGGREGATE, repair=withdraw)


def _files(folder: str, end: str) -> list[str]:
    return [f"{folder}/{name}" for name in files.below(folder) if name.endswith(end)]


def _stem(path: str) -> str:
    return path.rpartition("/")[2].rpartition(".")[0]


def _some(names: list[str]) -> str:
    return ", ".join(names[:_MANY]) + (", ..." if len(names) > _MANY else "")

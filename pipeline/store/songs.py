"""The table of songs of a run: what became of each.

Of many songs it is stored in shards, tables of their own, each of a range of song ids; the table then names its shards.
What is in which shard follows from the songs alone, so that every engine stores the same bytes.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from mixprior.pipeline.store import files
from mixprior.pipeline.store.layout import SONGS_FILE, RunFolder, content_hash, parquet_bytes, table_in
from mixprior.pipeline.store.members import members_hash, members_hash_of, members_of
from mixprior.pipeline.store.records import Outcome
from mixprior.pipeline.store.seal import check_columns
from mixprior.stats.errors import InputError
from mixprior.stats.schema import SHARDS_SCHEMA, SONGS_SCHEMA, with_metadata
from mixprior.stats.visible import as_utf8

SHARD_SONGS = 65_536
"""Songs that one process sorts and writes at a time."""


class NotARun(InputError):
    """What was given is not the output folder of a run."""


def read(path: str | Path) -> pa.Table:
    """Return a table of songs, `mixprior.stats.schema.SONGS_SCHEMA`, sorted by path.

    Args:
        path: a run's folder, for the run that ended last; or the table itself.

    Raises:
        NotARun: if there is none.
    """
    try:
        found = files.read_table(table_in(path))
        if not _is_list_of_shards(found):
            check_columns(found, SONGS_SCHEMA, optional=("flags",))
            return found
        tables = [_shard(shard) for shard in _shards_in(RunFolder.at(path), found)]
        for table in tables:
            check_columns(table, SONGS_SCHEMA)
        whole = pa.concat_tables([table.replace_schema_metadata() for table in tables])
        whole = whole.sort_by([("path", "ascending"), ("status", "ascending")])
        return whole.replace_schema_metadata(found.schema.metadata)
    except (OSError, pa.ArrowException) as error:
        wanted = f"{path} holds no {SONGS_FILE}" if table_in(path) != str(path) else f"{path} is no table of songs"
        raise NotARun(f"{wanted}; give the output folder of `mixprior mine`") from error


def _shard(path: str) -> pa.Table:
    try:
        return files.read_table(path)
    except (FileNotFoundError, pa.ArrowException) as error:
        raise NotARun(f"{path} is missing or damaged, a shard of the table of songs: mine the catalog again") from error


def shards_for(songs: int) -> int:
    """Return the number of shards that a table of so many songs is stored in.

    >>> shards_for(0), shards_for(65_536), shards_for(1_000_000)
    (1, 1, 16)
    """
    return max(1, -(-songs // SHARD_SONGS))


def shard_of(song_id: str, shards: int) -> int:
    """Return the number of the shard of a song: ids are hashes, and ranges of them are of as many songs.

    >>> shard_of("00ff000000000000", 4), shard_of("ff00000000000000", 4)
    (0, 3)
    """
    return int(song_id[:8], 16) * shards >> 32


def write(folder: RunFolder, outcomes: Iterable[Outcome], shards: int = 1) -> None:
    """Write the table of songs of a call, and note its name for who waits for it.

    Args:
        folder: of the run.
        outcomes: of all songs.
        shards: to store it in, `shards_for` them.
    """
    dealt: dict[int, list[Outcome]] = {}
    for outcome in outcomes:
        dealt.setdefault(shard_of(outcome.song_id, shards), []).append(outcome)
    finish(folder, [(number, write_shard(folder, found)) for number, found in dealt.items()])


def write_shard(folder: RunFolder, outcomes: Iterable[Outcome]) -> str:
    """Write a shard, or a table of few songs, sorted by path; return its path."""
    rows = [
        {
            "song_id": outcome.song_id,
            "path": as_utf8(outcome.song.path),
            "status": outcome.status,
            "feature_key": outcome.feature_key,
            "duration_s": outcome.duration_s,
            "metadata": json.dumps(dict(outcome.song.metadata)),
            "flags": list(outcome.flags) or None,
            **({} if outcome.failure is None else asdict(outcome.failure)),
        }
        for outcome in sorted(outcomes, key=lambda each: (each.song.path, each.status, each.song.to_json()))
    ]
    return keep(folder, pa.Table.from_pylist(rows, SONGS_SCHEMA))


def finish(folder: RunFolder, shards: Iterable[tuple[int, str]]) -> str:
    """Write the list of shards, where there are several, and note the name of the call's table; return its path.

    Args:
        folder: of the run.
        shards: number and path of each.
    """
    paths = [path for _, path in sorted(shards)] or [write_shard(folder, [])]
    table = paths[0] if len(paths) == 1 else _keep_list(folder, paths)
    files.write_bytes(folder.table_note, table.encode())
    return table


def _keep_list(folder: RunFolder, paths: Sequence[str]) -> str:
    """Keep the list of the shards at these paths, of which one at a time is read; return its path."""
    counts: list[int] = []

    def members() -> Iterator[pa.Table]:
        for path in paths:
            table = files.read_table(path)
            counts.append(len(table))
            yield members_of(table)

    metadata = with_metadata(SHARDS_SCHEMA, members_sha256=members_hash_of(members())).metadata
    names = [path.rpartition("/")[2].removesuffix(".parquet") for path in paths]
    table = pa.Table.from_pydict({"table": names, "songs": counts}, SHARDS_SCHEMA)
    return _keep(folder, parquet_bytes(table.replace_schema_metadata(metadata)))


def _is_list_of_shards(table: pa.Table) -> bool:
    return bool(table.schema.equals(SHARDS_SCHEMA))


def _shards_in(folder: RunFolder, shards: pa.Table) -> list[str]:
    return [folder.table(name) for name in shards["table"].to_pylist()]


def of_call(folder: RunFolder) -> str:
    """Return the path of the table that this call wrote."""
    return files.read_bytes(folder.table_note).decode()


def keep(folder: RunFolder, table: pa.Table) -> str:
    """Keep a table of songs by its content; return its path. Whatever happens to others, it stays as it is."""
    metadata = with_metadata(SONGS_SCHEMA, members_sha256=members_hash(members_of(table))).metadata
    return _keep(folder, parquet_bytes(table.replace_schema_metadata(metadata)))


def _keep(folder: RunFolder, content: bytes) -> str:
    path = folder.table(content_hash(content))
    if not files.exists(path):
        files.write_bytes(path, content)
    return path


def kept(path: str | Path) -> str:
    """Return the path of a table of songs that stays as it is while a run in the same folder ends.

    Args:
        path: a run's folder, or a table in it.

    Raises:
        NotARun: if there is none.
    """
    named = table_in(path)
    if named == str(path).rstrip("/"):
        return named
    read(path)
    try:
        return _keep(RunFolder.at(path), files.read_bytes(named))
    except InputError:  # a run that may only be read
        return named

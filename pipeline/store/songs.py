"""The table of songs of a run: what became of each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict
from pathlib import Path

import pyarrow as pa

from mixprior.pipeline.store import files
from mixprior.pipeline.store.layout import SONGS_FILE, RunFolder, content_hash, parquet_bytes, table_in
from mixprior.pipeline.store.members import members_hash, members_of
from mixprior.pipeline.store.records import Outcome
from mixprior.pipeline.store.seal import check_columns
from mixprior.stats.errors import InputError
from mixprior.stats.schema import SONGS_SCHEMA, with_metadata
from mixprior.stats.visible import as_utf8


class NotARun(InputError):
    """What was given is not the output folder of a run."""


def read(path: str | Path) -> pa.Table:
    """Return a table of songs, `mixprior.stats.schema.SONGS_SCHEMA`.

    Args:
        path: a run's folder, for the run that ended last; or the table itself.

    Raises:
        NotARun: if there is none.
    """
    try:
        found = files.read_table(table_in(path))
        check_columns(found, SONGS_SCHEMA, optional=("flags",))
        return found
    except (OSError, pa.ArrowException) as error:
        wanted = f"{path} holds no {SONGS_FILE}" if table_in(path) != str(path) else f"{path} is no table of songs"
        raise NotARun(f"{wanted}; give the output folder of `mixprior mine`") from error


def write(folder: RunFolder, outcomes: Iterable[Outcome]) -> None:
    """Write the table of songs of a call, sorted by path, and note its name for who waits for it."""
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
    table = keep(folder, pa.Table.from_pylist(rows, SONGS_SCHEMA))
    files.write_bytes(folder.table_note, table.encode())


def of_call(folder: RunFolder) -> str:
    """Return the path of the table that this call wrote."""
    return files.read_bytes(folder.table_note).decode()


def keep(folder: RunFolder, table: pa.Table) -> str:
    """Keep a table of songs by its content; return its path. Whatever happens to others, it stays as it is."""
    metadata = with_metadata(SONGS_SCHEMA, members_sha256=members_hash(members_of(table))).metadata
    content = parquet_bytes(table.replace_schema_metadata(metadata))
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
    table = read(path)
    try:
        return keep(RunFolder.at(path), table)
    except InputError:  # a run that may only be read
        return named

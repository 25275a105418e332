"""The table of songs of a run: what became of each."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict

import pyarrow as pa

from mixprior.pipeline.store import files
from mixprior.pipeline.store.layout import SONGS_FILE, RunFolder
from mixprior.pipeline.store.records import Outcome
from mixprior.stats.errors import InputError
from mixprior.stats.schema import SONGS_SCHEMA, with_metadata


class NotARun(InputError):
    """What was given is not the output folder of a run."""


def read(folder: RunFolder) -> pa.Table:
    """Return the table of songs, `mixprior.stats.schema.SONGS_SCHEMA`.

    Raises:
        NotARun: if there is none.
    """
    try:
        return files.read_table(folder.songs)
    except (OSError, pa.ArrowException) as error:
        raise NotARun(f"{folder.root} holds no {SONGS_FILE}; give the output folder of `mixprior mine`") from error


def write(folder: RunFolder, outcomes: Iterable[Outcome]) -> None:
    """Write the table of songs, sorted by path."""
    rows = [
        {
            "song_id": outcome.song_id,
            "path": outcome.song.path,
            "status": outcome.status,
            "feature_key": outcome.feature_key,
            "duration_s": outcome.duration_s,
            "metadata": json.dumps(dict(outcome.song.metadata)),
            **({} if outcome.failure is None else asdict(outcome.failure)),
        }
        for outcome in sorted(outcomes, key=lambda each: (each.song.path, each.status, each.song.to_json()))
    ]
    files.write_table(folder.songs, pa.Table.from_pylist(rows, with_metadata(SONGS_SCHEMA)))

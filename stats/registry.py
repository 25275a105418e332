"""The statistics there are. To add one: write its file, and name it here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mixprior.stats.measures import (
    activity,
    balance,
    band_limit,
    dynamics,
    loudness,
    loudness_range,
    panning,
    presence,
    spectrum,
    tempo,
    true_peak,
)
from mixprior.stats.reverb import columns as reverb
from mixprior.stats.schema import with_metadata
from mixprior.stats.statistic import Column, Statistic, Value
from mixprior.stats.stem import StemSet

STATISTICS: tuple[Statistic, ...] = (
    loudness.STATISTIC,
    loudness_range.STATISTIC,
    true_peak.STATISTIC,
    spectrum.STATISTIC,
    panning.STATISTIC,
    dynamics.STATISTIC,
    tempo.STATISTIC,
    activity.STATISTIC,
    activity.VOCAL_STATISTIC,
    activity.SONG_STATISTIC,
    balance.STATISTIC,
    presence.STATISTIC,
    reverb.STATISTIC,
    band_limit.STATISTIC,
)

COLUMNS: tuple[Column, ...] = tuple(column for statistic in STATISTICS for column in statistic.columns)

_VECTOR = pa.list_(pa.field("element", pa.float32()))
FEATURES_SCHEMA = pa.schema(
    [
        pa.field("song_id", pa.string(), nullable=False),
        pa.field("stem", pa.string(), nullable=False),
        *(pa.field(c.name, _VECTOR if c.is_vector else pa.float64()) for c in COLUMNS),
    ]
)
"""One song's table: a row for each stem, the backing, the mixture, and "song" for facts about the whole."""


def columns_filled(row: str) -> list[Column]:
    """Return the columns that the row called `row` fills."""
    return [column for statistic in STATISTICS if statistic.fills(row) for column in statistic.columns]


def measure(song: StemSet) -> dict[str, dict[str, Value]]:
    """Measure everything there is to measure on one song.

    Returns:
        One mapping of column name to value for each row of the song ("vocals", ..., "backing", "mixture",
        "song"). A column that a row does not have, or that cannot be measured there, is None.
    """
    table: dict[str, dict[str, Value]] = {}
    for stem in song.rows():
        row: dict[str, Value] = {column.name: None for column in COLUMNS}
        for statistic in STATISTICS:
            if statistic.fills(stem.name):
                row.update(statistic.measure(stem))
        table[stem.name] = row
    return table


def to_table(song_id: str, rows: Mapping[str, Mapping[str, Value]], feature_key: str) -> pa.Table:
    """Turn what was measured into a table; what is not finite becomes null.

    Args:
        song_id: hash of the song's content.
        rows: for each row of the song, a value for each column.
        feature_key: written into the file's metadata, so that a row knows how it was made.
    """
    names = {"song_id": [song_id] * len(rows), "stem": list(rows)}
    arrays = [_texts(names[field.name]) for field in FEATURES_SCHEMA if field.name in names]
    for column in COLUMNS:
        values = [row.get(column.name) for row in rows.values()]
        numbers = np.array([np.nan if column.is_vector or value is None else value for value in values], np.float64)
        arrays.append(_lists(values) if column.is_vector else _numbers(numbers))
    return pa.Table.from_arrays(arrays, schema=with_metadata(FEATURES_SCHEMA, feature_key=feature_key))


# Arrow's own `array` loads pandas on its first call: 0.4 s of each process that mines.


def _numbers(values: np.ndarray) -> pa.Array:
    """Numbers as they are; what is not finite is null."""
    known = np.isfinite(values)
    buffers = [_bits(known), pa.py_buffer(np.where(known, values, 0).astype(values.dtype))]
    return pa.Array.from_buffers(pa.from_numpy_dtype(values.dtype), len(values), buffers)


def _texts(values: Sequence[str]) -> pa.Array:
    coded = [value.encode() for value in values]
    ends = np.cumsum([0, *map(len, coded)], dtype=np.int32)
    return pa.Array.from_buffers(pa.string(), len(values), [None, pa.py_buffer(ends), pa.py_buffer(b"".join(coded))])


def _lists(values: Sequence[Any]) -> pa.Array:
    """A column of vectors."""
    known = [np.zeros(0) if value is None else np.asarray(value, np.float64) for value in values]
    ends, numbers = np.cumsum([0, *map(len, known)], dtype=np.int32), np.concatenate([np.zeros(0), *known])
    there = _bits(np.array([value is not None for value in values], bool))
    elements = [_numbers(numbers.astype(np.float32))]
    return pa.Array.from_buffers(_VECTOR, len(values), [there, pa.py_buffer(ends)], children=elements)


def _bits(known: np.ndarray) -> pa.Buffer | None:
    """Which values are there, as Arrow has it."""
    return None if known.all() else pa.py_buffer(np.packbits(known, bitorder="little"))

"""The statistics there are. To add one: write its file, and name it here."""

from __future__ import annotations

from collections.abc import Mapping

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

FEATURES_SCHEMA = pa.schema(
    [
        pa.field("song_id", pa.string(), nullable=False),
        pa.field("stem", pa.string(), nullable=False),
        *(
            pa.field(c.name, pa.list_(pa.field("element", pa.float32())) if c.is_vector else pa.float64())
            for c in COLUMNS
        ),
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
    records = [
        {"song_id": song_id, "stem": stem, **{name: _cell(value) for name, value in values.items()}}
        for stem, values in rows.items()
    ]
    return pa.Table.from_pylist(records, with_metadata(FEATURES_SCHEMA, feature_key=feature_key))


def _cell(value: Value) -> float | list[float | None] | None:
    if value is None:
        return None
    if isinstance(value, np.ndarray):
        return [float(v) if np.isfinite(v) else None for v in value]
    return float(value) if np.isfinite(value) else None

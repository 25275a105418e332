"""The statistics there are. To add one: write its file, and name it here."""

from __future__ import annotations

import pyarrow as pa

from mixprior.stats.measures import (
    activity,
    balance,
    dynamics,
    loudness,
    loudness_range,
    panning,
    spectrum,
    tempo,
    true_peak,
)
from mixprior.stats.reverb import columns as reverb
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
    reverb.STATISTIC,
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


def columns_of(row: str) -> list[Column]:
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

"""The statistics there are. To add one: write its file, and name it here."""

from __future__ import annotations

from stats import dynamics, loudness, loudness_range, panning, spectrum, tempo, true_peak
from stats.statistic import Column, Statistic, Value
from stats.stem import StemSet

STATISTICS: tuple[Statistic, ...] = (
    loudness.STATISTIC,
    loudness_range.STATISTIC,
    true_peak.STATISTIC,
    spectrum.STATISTIC,
    panning.STATISTIC,
    dynamics.STATISTIC,
    tempo.STATISTIC,
)

COLUMNS: tuple[Column, ...] = tuple(column for statistic in STATISTICS for column in statistic.columns)


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

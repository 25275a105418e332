"""Statistics that follow from a song's row and are worth a prior of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa

from mixprior.stats.long_term_spectra import POOLED_EDGES_HZ
from mixprior.stats.measures.presence import PRESENT
from mixprior.stats.priors.summary import countable
from mixprior.stats.registry import COLUMNS, columns_filled
from mixprior.stats.statistic import Column, Family

CORRECTED = "_corrected"
"""Ends the name of a statistic's twin that is corrected for the bias of separation."""

_SPECTRUM = next(column for column in COLUMNS if column.name == "magnitude_spectrum_db")
MAGNITUDE_SPECTRUM = Column(
    "magnitude_spectrum",
    "1",
    "10^(magnitude_spectrum_db / 20): its mean over songs is the EQ feature of FxNorm-automix",
    2.0**-11,
    _SPECTRUM.axis_hz,
    title="Magnitude spectrum",
    family=Family.SPECTRUM,
)


def derive(rows: pa.Table) -> pa.Table:
    """Append the derived columns to rows of `mixprior.stats.registry.FEATURES_SCHEMA` that have what they come from."""
    if _SPECTRUM.name not in rows.column_names:
        return rows
    level_db = rows[_SPECTRUM.name].combine_chunks()
    lengths = level_db.value_lengths().fill_null(0).to_numpy(zero_copy_only=False)
    offsets = pa.array(np.concatenate([[0], np.cumsum(lengths)]), pa.int32())
    flat = level_db.flatten().to_numpy(zero_copy_only=False)
    below = flat <= -countable(_SPECTRUM.resolution)
    # A bin without sound is null in decibels, and 0 here; above the limit of the source it is not known.
    with np.errstate(over="ignore"):  # to infinity, which is not counted
        magnitude = 10.0 ** (np.nan_to_num(flat, nan=-np.inf) / 20.0)
    magnitude[below] = np.inf  # a level that is not counted makes no magnitude of 0 either
    bins = np.arange(flat.size) - np.repeat(offsets.to_numpy()[:-1], lengths)
    magnitude[np.isnan(flat) & (POOLED_EDGES_HZ[bins] > np.repeat(_limits_hz(rows), lengths))] = np.nan
    values = pa.array(magnitude.astype(np.float32))
    return rows.append_column(
        MAGNITUDE_SPECTRUM.name, pa.ListArray.from_arrays(offsets, values, mask=level_db.is_null())
    )


def _limits_hz(rows: pa.Table) -> np.ndarray:
    """The band limit of each row's song, shape (rows,); infinite for full-band sources."""
    if not {"song_id", "band_limit_hz"} <= set(rows.column_names):
        return np.full(len(rows), np.inf)
    song = rows["song_id"].combine_chunks().dictionary_encode().indices.to_numpy(zero_copy_only=False)
    limit_hz = rows["band_limit_hz"].to_numpy(zero_copy_only=False).astype(np.float64)
    of_song = np.full(song.max(initial=-1) + 1, np.inf)
    known = ~np.isnan(limit_hz)
    of_song[song[known]] = limit_hz[known]
    return of_song[song]


def columns_in(stem: str, names: Iterable[str]) -> list[Column]:
    """Return the columns of a table of which the row called `stem` has priors: measured, derived and corrected ones.

    >>> [c.name for c in columns_in("song", ["duration_s", "duration_s_corrected", "tempo_bpm"])]
    ['duration_s', 'duration_s_corrected']
    """
    names = set(names) - {PRESENT}  # counted, not a distribution: `share_present`
    columns = []
    for column in columns_filled(stem):
        if column.name in names:
            columns.append(column)
        if column.name + CORRECTED in names:
            columns.append(corrected(column))
        if column is _SPECTRUM and MAGNITUDE_SPECTRUM.name in names:
            columns.append(MAGNITUDE_SPECTRUM)
    return columns


def corrected(column: Column) -> Column:
    """Return the corrected twin of a column."""
    definition = f"{column.name}, corrected for the bias that separation has on it"
    return replace(column, name=column.name + CORRECTED, definition=definition, title=f"{column.title}, corrected")


def definitions(names: Iterable[str]) -> dict[str, Column]:
    """Return the columns of these names: measured, derived, and corrected ones."""
    known = {column.name: column for column in (*COLUMNS, MAGNITUDE_SPECTRUM)}
    known |= {column.name + CORRECTED: corrected(column) for column in COLUMNS}
    return {name: known[name] for name in names if name in known}

"""Statistics that follow from a song's row and are worth a prior of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa

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
    # A bin without sound is null in decibels, and 0 here.
    with np.errstate(over="ignore"):  # to infinity, which is not counted
        magnitude = 10.0 ** (np.nan_to_num(flat, nan=-np.inf) / 20.0)
    magnitude[below] = np.inf  # a level that is not counted makes no magnitude of 0 either
    values = pa.array(magnitude.astype(np.float32))
    return rows.append_column(
        MAGNITUDE_SPECTRUM.name, pa.ListArray.from_arrays(offsets, values, mask=level_db.is_null())
    )


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

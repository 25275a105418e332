"""Errors of statistics that were measured on separated stems, against the same songs' true stems."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from mixprior.stats import json_document
from mixprior.stats.measures.presence import PRESENT
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ
from mixprior.stats.registry import COLUMNS
from mixprior.stats.statistic import BACKING, MIXTURE, SONG, VOCALS, Column

SHIPPED = Path(__file__).parent / "separation_errors.json"
"""Errors that come with the package: `python -m tools.songs.separation_errors` makes them."""

OF_SEPARATION = "separation_residual_db"
"""What is of the separation itself, and no statistic of the true stems."""
_LONGEST_AXIS = 64
"""A vector with more bins is judged by third octaves."""
_DIGITS = 6


@dataclass(frozen=True)
class SeparationError:
    """Error of one statistic of one stem, or of a band of a vector: measured minus true, in the statistic's unit.

    Means are over sources, each of which counts once, however many songs it has.

    Attributes:
        stem: row it is of.
        statistic: name of the column.
        hz: the bin of a vector, or the third octave that its bins are in; None for a scalar.
        mean_square: mean squared error; of a third octave, over its bins.
        bias: mean error; of a third octave, the root of the mean over bins of the squared biases.
        sources: recordings, or singers, that share nothing.
        songs: songs with true stems.
    """

    stem: str
    statistic: str
    hz: float | None
    mean_square: float
    bias: float
    sources: int
    songs: int


@dataclass(frozen=True)
class SeparationErrors:
    """Errors of one separation model.

    Attributes:
        model: its name.
        weights_sha256: digest of its weights.
        feature_version: of the measurements.
        errors: sorted by stem, statistic and frequency.
    """

    model: str
    weights_sha256: str
    feature_version: int
    errors: tuple[SeparationError, ...]


@cache
def shipped() -> SeparationErrors:
    """Read the errors that come with the package."""
    return json_document.decode(SeparationErrors, json_document.parse(SHIPPED.read_bytes()), others=True)


def errors_of(measured: pa.Table, true: pa.Table, sources: Mapping[str, str]) -> tuple[SeparationError, ...]:
    """Compare songs measured both ways, for every stem and statistic that both have.

    Args:
        measured: rows of `mixprior.stats.registry.FEATURES_SCHEMA` of the separated songs.
        true: rows of the same songs, measured on their true stems.
        sources: for each song id, what it shares with other songs (its recording, its singer).

    Returns:
        Errors, sorted, of what priors count (`counted`).
    """
    truth = {(row["song_id"], row["stem"]): row for row in true.to_pylist()}
    rows = counted(measured)
    found = []
    for stem in sorted({row["stem"] for row in rows}):
        pairs = [(row, truth.get((row["song_id"], stem), {})) for row in rows if row["stem"] == stem]
        pairs.sort(key=lambda pair: pair[0]["song_id"])
        labels = np.array([sources[row["song_id"]] for row, _ in pairs])
        for column in sorted(COLUMNS, key=lambda column: column.name):
            if column.name not in (OF_SEPARATION, PRESENT):
                errors = np.stack([_difference(row, other, column) for row, other in pairs])
                found += _summed(stem, column, errors, labels)
    return tuple(found)


def counted(measured: pa.Table) -> list[dict[str, Any]]:
    """Rows of separated songs that priors count: of stems that are present; not the mixture, which is not separated.

    The row of a song counts where both vocals and backing are present.
    """
    rows = measured.to_pylist()
    absent = {(row["song_id"], row["stem"]) for row in rows if row[PRESENT] == 0.0}
    lacking = absent | {(song_id, SONG) for song_id, stem in absent if stem in (VOCALS, BACKING)}
    return [row for row in rows if row["stem"] != MIXTURE and (row["song_id"], row["stem"]) not in lacking]


def bands_of(column: Column) -> list[tuple[float | None, np.ndarray]]:
    """Parts of a statistic that are judged each for itself: frequency, and the indices of the bins.

    >>> from mixprior.stats.registry import COLUMNS
    >>> by_name = {column.name: column for column in COLUMNS}
    >>> bands_of(by_name["integrated_lufs"])
    [(None, array([0]))]
    >>> [(round(hz, 1), bins.size) for hz, bins in bands_of(by_name["sps_phi"])][-2:]
    [(15848.9, 340), (19952.6, 397)]
    """
    if column.axis_hz is None:
        return [(None, np.array([0]))]
    axis_hz = np.array(column.axis_hz)
    if axis_hz.size <= _LONGEST_AXIS:
        return [(hz, np.flatnonzero(axis_hz == hz)) for hz in np.unique(axis_hz).tolist()]
    half = 10.0**0.05
    bands = [(hz, np.flatnonzero((axis_hz >= hz / half) & (axis_hz < hz * half))) for hz in BAND_CENTRES_HZ.tolist()]
    return [(hz, bins) for hz, bins in bands if bins.size]


def _difference(row: Mapping[str, object], other: Mapping[str, object], column: Column) -> np.ndarray:
    values = []
    for each in (row.get(column.name), other.get(column.name)):
        filled = np.full(len(column.axis_hz or (0.0,)), np.nan)
        if each is not None:
            filled[:] = np.array(each, np.float64)
        values.append(filled)
    return values[0] - values[1]


def _summed(stem: str, column: Column, errors: np.ndarray, labels: np.ndarray) -> list[SeparationError]:
    """Errors of each band from those of songs, shape (songs, bins)."""
    found = []
    for hz, bins in bands_of(column):
        known = np.isfinite(errors[:, bins]).any(axis=1)
        names, source = np.unique(labels[known], return_inverse=True)
        if not names.size:
            continue
        of_band = errors[known][:, bins]
        with np.errstate(invalid="ignore"):
            mean = np.array([_mean(of_band[source == k], 0) for k in range(names.size)])
            square = np.array([_mean(of_band[source == k] ** 2, None) for k in range(names.size)])
            bias = _mean(mean, 0)
        overall = float(bias[0]) if bins.size == 1 else float(np.sqrt(_mean(bias**2, None)))
        mean_square, overall = (float(f"{value:.{_DIGITS}g}") for value in (square.mean(), overall))
        songs = int(known.sum())
        found.append(SeparationError(stem, column.name, hz, mean_square, overall, names.size, songs))
    return found


def _mean(values: np.ndarray, axis: int | None) -> np.ndarray:
    """Mean of what is known; NaN where nothing is."""
    known = np.isfinite(values)
    return np.asarray(np.where(known, values, 0.0).sum(axis=axis) / known.sum(axis=axis))

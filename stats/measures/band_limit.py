"""The band that a source carries: where a codec, or a lower sample rate, has cut off the top of a song."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from mixprior.stats.statistic import SAMPLE_RATE_HZ, SONG, Column, Family, Statistic, Value

if TYPE_CHECKING:
    from mixprior.stats.stem import Stem

FULL_BAND_HZ = 21_000.0
"""A limit above this is that of a converter or a resampler at 44.1 kHz: the source counts as full-band."""

_CELL_HZ = 100.0
_CELLS = int(SAMPLE_RATE_HZ / 2 / _CELL_HZ)
_SMOOTHED = 5
"""Cells of a running median: a tone in an empty band is no band."""
_LEAST_HZ = 3_500.0
_EDGE = 5
"""Half of what an edge may take: 0.5 kHz. Low-pass filters of encoders fall within 1 kHz."""
_BELOW = 10
"""Cells below an edge whose median it falls from."""
_FALL_DB = 25.0
"""Least fall at an edge: over 100 dB an octave at 10 kHz, which no instrument and no equaliser has."""
_NOTHING_DB = -60.0
"""What is left above an edge is at least so far below the loudest 100 Hz."""
_CARRIED_DB = 10.0
_TINY = 1e-30


def band_limit_hz(power: np.ndarray) -> float | None:
    """Highest frequency that a source carries, by a steep fall of its long-term spectrum to nothing.

    Lossy codecs (ISO/IEC 11172-3, Vorbis, AAC) and sources of a lower sample rate leave nothing above their limit. What
    is measured there is rounding, and what a separator puts there is its own.

    Args:
        power: shape (32769,): `stats.long_term_spectra.LongTermSpectra.power` of the mixture.

    Returns:
        The limit within 0.2 kHz, at most `FULL_BAND_HZ`; None where the spectrum reaches to half the sampling rate,
        fades out slowly, or is empty.

    >>> hz = np.linspace(0, SAMPLE_RATE_HZ / 2, 32_769)
    >>> band_limit_hz(np.where(hz < 16_000, 1.0, 1e-9)), band_limit_hz(np.ones(32_769))
    (16000.0, None)
    """
    starts = np.searchsorted(np.linspace(0.0, SAMPLE_RATE_HZ / 2, power.size), np.arange(_CELLS) * _CELL_HZ)
    cells = np.add.reduceat(power, starts) / np.diff(np.append(starts, power.size))
    levels_db = np.pad(10.0 * np.log10(cells + _TINY), _SMOOTHED // 2, mode="edge")
    levels_db = np.median(np.lib.stride_tricks.sliding_window_view(levels_db, _SMOOTHED), axis=1)
    edges = np.arange(int(_LEAST_HZ / _CELL_HZ), _CELLS - _EDGE)
    below_db = np.array([np.median(levels_db[k - _EDGE - _BELOW : k - _EDGE]) for k in edges])
    above_db = np.maximum.accumulate(levels_db[::-1])[::-1][edges + _EDGE]
    fall_db = np.where(above_db <= levels_db.max() + _NOTHING_DB, below_db - above_db, 0.0)
    if not power.any() or fall_db.max() < _FALL_DB:
        return None
    edge = int(np.argmax(fall_db))
    carried = np.flatnonzero(levels_db >= below_db[edge] - _CARRIED_DB)
    limit_hz = float((carried[-1] + 1) * _CELL_HZ)
    return limit_hz if limit_hz <= FULL_BAND_HZ else None


def carried(upper_edges_hz: np.ndarray, limit_hz: float | None) -> np.ndarray:
    """Which bands end at or below the limit, bool, shape of the edges; all of them where there is no limit."""
    return np.ones(np.shape(upper_edges_hz), bool) if limit_hz is None else upper_edges_hz <= limit_hz


def _measure(stem: Stem) -> dict[str, Value]:
    return {"band_limit_hz": stem.song.band_limit_hz}


STATISTIC = Statistic(
    columns=(
        Column(
            "band_limit_hz",
            "Hz",
            "highest frequency that the source carries: where the long-term spectrum of the mixture falls by 25 dB "
            "within 1 kHz, to nothing; null for a full-band source. Vectors over frequency are null above it",
            100.0,
            title="Band limit of the source",
            family=Family.SPECTRUM,
        ),
    ),
    rows=(SONG,),
    measure=_measure,
)

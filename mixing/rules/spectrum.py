"""What brings a stem's spectrum and loudness to a catalog's constants: pure plans.

FxNorm-automix (sony/FxNorm-automix, automix/utils_data_normalization.py; Martinez-Ramirez et al., ISMIR 2022) gives a
stem the mean spectrum, panning, onset peaks and loudness of a data set. Each plan here is solved for what it is to
reach, in thirds of an octave, so that planned again on its own result it finds nothing left to do. Panning:
`mixprior.mixing.normalise.repanning`.
"""

from __future__ import annotations

import math

import numpy as np

from mixprior.mixing.effects.settings import Curve
from mixprior.stats.long_term_spectra import BINS
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ, BIN_HZ

REACH_DB = 24.0
"""A band that is further below the reference than this has no sound of the stem in it (what a codec or a high pass cut
off) and is left alone: to raise it would raise noise."""

FLOOR_DB = 60.0
"""A band of the stem that is this far below the loudest band of the reference, their levels made alike, holds nothing
that is heard, and is not raised: what a codec left there would take the headroom from all other bands."""

LEAST_DB = 0.05
"""Gains below this are not worth a filter."""

THIRD = 10.0**0.1
"""A third of an octave, as a ratio (IEC 61260-1)."""

BAND_EDGES_HZ = np.append(BAND_CENTRES_HZ, BAND_CENTRES_HZ[-1] * THIRD) / math.sqrt(THIRD)
FIRST_BIN, END_BIN = np.searchsorted(np.arange(BINS) * BIN_HZ, [BAND_EDGES_HZ[0], BAND_EDGES_HZ[-1]]).tolist()
"""Bins of the long-term spectra that are in the thirds of an octave from 25 Hz to 20 kHz."""

BINS_HZ = np.arange(FIRST_BIN, END_BIN) * BIN_HZ
BAND_STARTS = np.searchsorted(BINS_HZ, BAND_EDGES_HZ[:-1])
"""First bin of each third of an octave, counted from `FIRST_BIN`."""

BAND_SIZES = np.diff(np.append(BAND_STARTS, len(BINS_HZ)))

_MOST_ROUNDS = 200
_EXACT_DB = 1e-4
_NOTHING_DB = 200.0


def matching_curve(magnitude: np.ndarray, reference: np.ndarray) -> Curve | None:
    """Find the gains after which the stem's mean spectrum over the reference is the same in every third of an octave.

    FxNorm-automix divides the spectra bin by bin, each channel for itself, and its 1,001 taps resolve 44 Hz at every
    frequency. Here each band's mean of own over reference is made one, by iteration, with the gains straight lines
    between the bands' centres as the filter has them. Only the shape is matched: the level is the median over the
    bands, weighted by the amplitude that the reference has in each. Bands beyond `REACH_DB` or `FLOOR_DB` are not
    raised.

    Args:
        magnitude: shape (32769,): `stats.long_term_spectra.LongTermSpectra.magnitude` of the stem, at any level.
        reference: the same of the catalog: `eq` of `mixprior.analysis.constants.constants.Features`.

    Returns:
        Gains at the 30 third-octave centres from 25 Hz to 20 kHz; None where all of them are below 0.05 dB.
    """
    ratio = _ratio(magnitude, reference)
    gains_db = np.zeros(len(BAND_CENTRES_HZ))
    missing_db = _missing_db(ratio, gains_db)
    level_db = _level_db(missing_db, reference)
    wanted_db = _band_levels_db(reference)
    matched = np.zeros(len(BAND_CENTRES_HZ), bool)
    for _ in range(_MOST_ROUNDS):
        # A band that its neighbours lift into reach stays in: it would be in reach in a second plan, too.
        lacking_db = missing_db - level_db
        matched |= (lacking_db <= REACH_DB) & _holds_sound(lacking_db, wanted_db)
        updated_db = np.where(matched, gains_db + missing_db - level_db, 0.0)
        moved_db, gains_db = np.abs(updated_db - gains_db).max(), updated_db
        if moved_db < _EXACT_DB:
            break
        missing_db = _missing_db(ratio, gains_db)
    if np.abs(gains_db).max() < LEAST_DB:
        return None
    return Curve(tuple(BAND_CENTRES_HZ.tolist()), tuple(gains_db.tolist()))


def above_reference_db(magnitude: np.ndarray, reference: np.ndarray) -> list[float | None]:
    """How far a stem's mean spectrum is above the reference in each third of an octave, their levels made alike.

    Arguments are those of `matching_curve`.

    Returns:
        30 numbers; None where the stem has nothing.
    """
    missing_db = _missing_db(_ratio(magnitude, reference), np.zeros(len(BAND_CENTRES_HZ)))
    level_db = _level_db(missing_db, reference)
    return [None if value >= _NOTHING_DB else level_db - value for value in missing_db.tolist()]


def matched_bands(above_db: np.ndarray, reference: np.ndarray) -> np.ndarray:
    """Which bands hold enough of a stem to be matched, bool, shape (30,).

    Args:
        above_db: from `above_reference_db`, NaN where the stem has nothing.
        reference: as of `matching_curve`.
    """
    lacking_db = np.where(np.isnan(above_db), _NOTHING_DB, -above_db)
    return (lacking_db <= REACH_DB) & _holds_sound(lacking_db, _band_levels_db(reference))


def loudness_gain_db(lufs: float, reference_lufs: float, peak: float) -> tuple[float, bool]:
    """Gain to the reference's loudness, less what brings the sample peak to full scale, as FxNorm-automix has it.

    Args:
        lufs: integrated loudness of the stem.
        reference_lufs: `loudness` of `mixprior.analysis.constants.constants.Features`.
        peak: largest |x|, above 0.

    Returns:
        The gain in dB, and whether the peak held it down.
    """
    gain_db, room_db = reference_lufs - lufs, -20.0 * math.log10(peak)
    return min(gain_db, room_db), gain_db > room_db


def _holds_sound(lacking_db: np.ndarray, wanted_db: np.ndarray) -> np.ndarray:
    """Which bands are above the floor, or above the reference."""
    return (lacking_db <= 0.0) | (wanted_db - lacking_db >= wanted_db.max() - FLOOR_DB)


def _band_levels_db(magnitude: np.ndarray) -> np.ndarray:
    """Mean magnitude of each third of an octave, in dB."""
    means = np.add.reduceat(magnitude[FIRST_BIN:END_BIN], BAND_STARTS) / BAND_SIZES
    return 20.0 * np.log10(np.maximum(means, 10.0 ** (-_NOTHING_DB / 20)))


def _ratio(magnitude: np.ndarray, reference: np.ndarray) -> np.ndarray:
    own, wanted = magnitude[FIRST_BIN:END_BIN], reference[FIRST_BIN:END_BIN]
    return np.divide(own, wanted, out=np.zeros(len(own)), where=wanted > 0.0)


def _missing_db(ratio: np.ndarray, gains_db: np.ndarray) -> np.ndarray:
    """How far own over reference is below 1 in each band, once the gains are on it; `_NOTHING_DB` in an empty band."""
    gains = 10.0 ** (np.interp(np.log(BINS_HZ), np.log(BAND_CENTRES_HZ), gains_db) / 20)
    means = np.add.reduceat(ratio * gains, BAND_STARTS) / BAND_SIZES
    return -20.0 * np.log10(np.maximum(means, 10.0 ** (-_NOTHING_DB / 20)))


def _level_db(missing_db: np.ndarray, reference: np.ndarray) -> float:
    """Median over the bands, weighted by the amplitude of the reference."""
    amplitudes = np.sqrt(np.add.reduceat(np.square(reference[FIRST_BIN:END_BIN]), BAND_STARTS))
    order = np.argsort(missing_db)
    total = np.cumsum(amplitudes[order])
    return float(missing_db[order][np.searchsorted(total, total[-1] / 2)])

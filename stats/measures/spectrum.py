"""Timbre: the long-term spectrum at -30 LUFS, third-octave levels, centroid and tilt."""

from __future__ import annotations

import numpy as np

from mixprior.stats.long_term_spectra import BINS, FRAME, POOL, POOLED_EDGES_HZ, pool
from mixprior.stats.measures.band_limit import carried
from mixprior.stats.statistic import SAMPLE_RATE_HZ, Column, Family, Statistic, Value
from mixprior.stats.stem import Stem

REFERENCE_LUFS = -30.0
"""Integrated loudness at which the magnitude spectrum is given."""

BIN_HZ = SAMPLE_RATE_HZ / FRAME
BAND_STEPS = np.arange(-16, 14)
BAND_CENTRES_HZ = 1000.0 * 10.0 ** (BAND_STEPS / 10)
"""Exact base-10 centres of the third-octave bands named 25 Hz to 20 kHz (IEC 61260-1, 5.2 to 5.4)."""

_BAND_EDGES_HZ = 1000.0 * 10.0 ** ((2 * np.append(BAND_STEPS, BAND_STEPS[-1] + 1) - 1) / 20)
_TILT_BANDS = np.abs(BAND_STEPS) <= 10  # 100 Hz to 10 kHz
_ROUNDING_SHARE = 1e-12
_BIN_CENTRES_HZ = np.arange(BINS) * BIN_HZ


def magnitude_spectrum_db(magnitude: np.ndarray, loudness_lufs: float) -> np.ndarray:
    """Give the mean magnitude spectrum the level it has when the sound is at -30 LUFS, in 2,049 bins.

    FxNorm-automix's EQ feature (sony/FxNorm-automix, Martinez-Ramirez et al. 2022), pooled: the FFT is not scaled, so
    a sine of amplitude a in the middle of a bin reads 20 log10(a/2 * sum of the window) there. FxNorm-automix takes the
    loudness from pyloudnorm's default filter, which reads 0.045 dB below BS.1770 at 44.1 kHz; here it is BS.1770.

    Args:
        magnitude: shape (32769,), `LongTermSpectra.magnitude`.
        loudness_lufs: integrated loudness of the same sound.

    Returns:
        20 log10 of the mean magnitude, shape (2049,); NaN in bins that are exactly zero.
    """
    pooled = pool(magnitude)
    pooled[pooled == 0.0] = np.nan
    return 20.0 * np.log10(pooled) + (REFERENCE_LUFS - loudness_lufs)


def third_octave_db(power: np.ndarray) -> np.ndarray:
    """Sum the power spectrum in third-octave bands with straight edges, relative to the power of the whole sound.

    A bin that an edge cuts is shared out by width. The 20 kHz band ends at half the sampling rate (22.05 instead of
    22.39 kHz).

    Args:
        power: shape (32769,), `LongTermSpectra.power`.

    Returns:
        Levels in dB, shape (30,); NaN in bands with less than -120 dB, which is the rounding of float32 and no sound.
    """
    share = _one_sided(power) / _one_sided(power).sum()
    bin_edges_hz = np.append(_BIN_CENTRES_HZ - BIN_HZ / 2, _BIN_CENTRES_HZ[-1] + BIN_HZ / 2)
    below = np.interp(_BAND_EDGES_HZ, bin_edges_hz, np.append(0.0, np.cumsum(share)))
    bands = np.diff(below)
    bands[bands < _ROUNDING_SHARE] = np.nan
    return 10.0 * np.log10(bands)


def centroid_hz(power: np.ndarray) -> float:
    """Mean frequency of the long-term spectrum, weighted with power: the sound's centre of energy.

    Not librosa's `spectral_centroid`, which weights with magnitude and gives every frame the same weight, silent ones
    too: it depends on the frame length and on the noise floor, this one does not.

    Args:
        power: shape (32769,), `LongTermSpectra.power`.
    """
    return float(np.average(_BIN_CENTRES_HZ, weights=_one_sided(power)))


def tilt_db_per_octave(bands_db: np.ndarray) -> float | None:
    """Slope of the spectral density, by least squares through the 21 third-octave bands of 100 Hz to 10 kHz.

    White noise reads 0 dB per octave, pink noise -3.01: band level less 10 log10 of the band's width.

    Args:
        bands_db: shape (30,), from `third_octave_db`.

    Returns:
        The slope; None where one of the 21 bands is empty.
    """
    widths_hz = np.diff(_BAND_EDGES_HZ)
    density_db = (bands_db - 10.0 * np.log10(widths_hz))[_TILT_BANDS]
    if np.isnan(density_db).any():
        return None
    return float(np.polyfit(np.log2(BAND_CENTRES_HZ[_TILT_BANDS]), density_db, 1)[0])


def _one_sided(power: np.ndarray) -> np.ndarray:
    """Power of the positive frequencies with that of their mirror images."""
    doubled = 2.0 * power
    doubled[[0, -1]] /= 2.0
    return doubled


def _measure(stem: Stem) -> dict[str, Value]:
    loudness_lufs = stem.integrated_lufs
    if loudness_lufs is None:
        return dict.fromkeys((column.name for column in STATISTIC.columns), None)
    spectra, limit_hz = stem.spectra, stem.song.band_limit_hz
    bands_db = np.where(carried(_BAND_EDGES_HZ[1:], limit_hz), third_octave_db(spectra.power), np.nan)
    magnitude_db = magnitude_spectrum_db(spectra.magnitude, loudness_lufs)
    return {
        "magnitude_spectrum_db": np.where(carried(POOLED_EDGES_HZ, limit_hz), magnitude_db, np.nan),
        "third_octave_db": bands_db,
        "centroid_hz": centroid_hz(spectra.power),
        "tilt_db_per_octave": tilt_db_per_octave(bands_db),
    }


STATISTIC = Statistic(
    columns=(
        Column(
            "magnitude_spectrum_db",
            "dB",
            "20 log10 of the mean |STFT| over frames and channels of the sound at -30 LUFS (frames of 65,536 samples, "
            "hop 16,384, square root of a Hann window, FFT not scaled; FxNorm-automix), pooled to 2,049 bins; null "
            "above band_limit_hz",
            0.05,
            tuple(_BIN_CENTRES_HZ[::POOL].tolist()),
            title="Magnitude spectrum",
            family=Family.SPECTRUM,
        ),
        Column(
            "third_octave_db",
            "dB",
            "power in third-octave bands (IEC 61260-1 centres, straight edges) relative to that of the whole sound; "
            "null where a band reaches above band_limit_hz",
            0.2,
            tuple(BAND_CENTRES_HZ.tolist()),
            title="Third-octave levels",
            family=Family.SPECTRUM,
        ),
        Column(
            "centroid_hz",
            "Hz",
            "mean frequency of the long-term spectrum, weighted with power",
            10.0,
            title="Spectral centroid",
            family=Family.SPECTRUM,
        ),
        Column(
            "tilt_db_per_octave",
            "dB/octave",
            "least-squares slope of the spectral density in third-octave bands from 100 Hz to 10 kHz (white noise 0, "
            "pink noise -3.01)",
            0.02,
            title="Spectral tilt",
            family=Family.SPECTRUM,
        ),
    ),
    rows=None,
    measure=_measure,
)

"""The parametric equaliser: peaks and shelves in series (`mixprior.stats.biquad`)."""

from __future__ import annotations

from collections.abc import Sequence

import numba
import numpy as np

from mixprior.mixing.effects.settings import Band
from mixprior.mixing.effects.stereo import checked
from mixprior.stats import biquad

_SILENCE = 1e-30  # far below any sound, far above the denormal numbers (1e-308) that slow a processor down


class Equaliser:
    """Bands in series, with their state in float64; a band of 0 dB is left out.

    Args:
        bands: in any number. One at or above half the sample rate acts as it would far below: a peak or a high shelf
            does nothing, a low shelf is a gain. One below 2 Hz is taken as at 2 Hz.
        rate_hz: sample rate.

    >>> equaliser = Equaliser([Band("low shelf", 200.0, -3.0, 0.7)], 44_100)
    >>> equaliser.process(np.zeros((2, 100), np.float32)).shape
    (2, 100)
    """

    delay = 0

    def __init__(self, bands: Sequence[Band], rate_hz: float) -> None:
        self._coefficients = np.array([_design(band, rate_hz) for band in bands if band.gain_db != 0]).reshape(-1, 5)
        self._states = np.zeros((len(self._coefficients), 2, 2))

    def process(self, audio: np.ndarray) -> np.ndarray:
        """Filter the next samples.

        Args:
            audio: float32, shape (2, samples).

        Returns:
            float32, shape (2, samples).

        Raises:
            InputError: if the sound is not stereo, or holds NaN or infinity.
        """
        audio = checked(audio)
        out = np.empty_like(audio)
        _filter(audio, self._coefficients, self._states, out)
        return out


def response_db(bands: Sequence[Band], frequencies_hz: np.ndarray, rate_hz: float) -> np.ndarray:
    """Gain of all bands together.

    Args:
        bands: as for `Equaliser`.
        frequencies_hz: any shape, from 0 to half the sample rate.
        rate_hz: sample rate.

    Returns:
        float64, shape of the frequencies, in dB.

    >>> response_db([Band("peak", 1000.0, 6.0, 1.0)], np.array([1000.0]), 44_100).round(6)
    array([6.])
    """
    gains_db = np.zeros(np.shape(frequencies_hz))
    for band in bands:
        gains_db += biquad.gain_db(_design(band, rate_hz), frequencies_hz, rate_hz)
    return gains_db


def _design(band: Band, rate_hz: float) -> np.ndarray:
    """Coefficients b0, b1, b2, a1, a2 of a band, divided by a0."""
    gain = 10 ** (band.gain_db / 20)
    if band.kind == "low shelf":
        return biquad.low(band.frequency_hz, band.q, gain, rate_hz)
    if band.kind == "high shelf":
        return biquad.high(band.frequency_hz, band.q, gain, rate_hz)
    return biquad.peak(band.frequency_hz, band.q, gain, rate_hz)


@numba.njit(cache=True)
def _filter(audio: np.ndarray, coefficients: np.ndarray, states: np.ndarray, out: np.ndarray) -> None:
    """Pass every sample through all bands (transposed direct form 2), both channels side by side.

    No fast mathematics: every sample is computed in the same order of operations wherever a block begins.
    """
    for n in range(audio.shape[1]):
        left, right = np.float64(audio[0, n]), np.float64(audio[1, n])
        for band in range(len(coefficients)):
            b0, b1, b2, a1, a2 = coefficients[band]
            s = states[band]
            y = b0 * left + s[0, 0]
            z = b0 * right + s[0, 1]
            y = y if abs(y) > _SILENCE else 0.0
            z = z if abs(z) > _SILENCE else 0.0
            s[0, 0] = (b1 * left + s[1, 0]) - a1 * y
            s[0, 1] = (b1 * right + s[1, 1]) - a1 * z
            s[1, 0] = b2 * left - a2 * y
            s[1, 1] = b2 * right - a2 * z
            left, right = y, z
        out[0, n], out[1, n] = left, right

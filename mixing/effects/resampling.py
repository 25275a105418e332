"""Sample rates: sounds brought to another."""

from __future__ import annotations

import numpy as np
import soxr

from mixprior.stats.stem import SAMPLE_RATE_HZ


def resampled(audio: np.ndarray, rate_hz: int, to_hz: int) -> np.ndarray:
    """Resample a sound, float32, (channels, samples), by soxr's VHQ recipe; the same array where rates are equal."""
    if rate_hz == to_hz or audio.shape[1] == 0:
        return audio
    return np.ascontiguousarray(soxr.resample(audio.T, rate_hz, to_hz, "VHQ").T)


def at_44100(audio: np.ndarray, rate_hz: int) -> np.ndarray:
    """Resample a sound to the rate that priors are measured at."""
    return resampled(audio, rate_hz, SAMPLE_RATE_HZ)

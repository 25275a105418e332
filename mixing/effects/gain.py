"""A gain: every sample times the same number."""

from __future__ import annotations

import math

import numpy as np

NEPERS_PER_DB = math.log(10) / 20
"""A gain in dB times this is the natural logarithm of the amplitude's factor."""


class Gain:
    """The gain as it runs, in blocks of any length, without delay.

    Args:
        gain_db: amplification.

    >>> Gain(20.0).process(np.full((2, 1), 0.05, np.float32))[0]
    array([0.5], dtype=float32)
    """

    delay = 0

    def __init__(self, gain_db: float) -> None:
        self._gain = np.float32(10 ** (gain_db / 20))

    def process(self, audio: np.ndarray) -> np.ndarray:
        """Amplify the next samples, float32 (2, samples)."""
        return audio * self._gain

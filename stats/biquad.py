"""Filters of the second order: shelves, one or many at once, and the peak.

Source: R. Bristow-Johnson, "Cookbook formulae for audio EQ biquad filter coefficients".
"""

from __future__ import annotations

import numpy as np

LEAST_HZ = 2.0
"""A cutoff below this is taken as this."""


def low(cutoff_hz: float, q: float, gain: float | np.ndarray, sample_rate_hz: float) -> np.ndarray:
    """Design low shelves: `gain` below the cutoff, 1 above, sqrt(gain) at it.

    Source: Bristow-Johnson, as above, low shelf with Q.

    Args:
        cutoff_hz: middle of the slope; above half the sample rate it is taken as that.
        q: steepness; above 1/sqrt(2) it overshoots.
        gain: linear, any shape; one filter for each.
        sample_rate_hz: of the signal.

    Returns:
        float64, shape (5, *shape of gain): b0, b1, b2, a1, a2, divided by a0.
    """
    return _shelf(cutoff_hz, q, np.asarray(gain, np.float64), sample_rate_hz, 1.0)


def high(cutoff_hz: float, q: float, gain: float | np.ndarray, sample_rate_hz: float) -> np.ndarray:
    """Design high shelves: `gain` above the cutoff, 1 below; otherwise as `low`."""
    return _shelf(cutoff_hz, q, np.asarray(gain, np.float64), sample_rate_hz, -1.0)


def peak(centre_hz: float, q: float, gain: float, sample_rate_hz: float) -> np.ndarray:
    """Design a peaking filter: `gain` at its centre, 1 far from it.

    Source: Bristow-Johnson, as above, peaking EQ. It has half its gain in dB where
    tan(pi f / rate) = tan(pi f0 / rate) (sqrt(1 + 1/4Q^2) +- 1/2Q).

    Args:
        centre_hz: from half the sample rate on the filter does nothing.
        q: the higher, the narrower.
        gain: linear.
        sample_rate_hz: of the signal.

    Returns:
        float64, shape (5,): b0, b1, b2, a1, a2, divided by a0.
    """
    if centre_hz >= sample_rate_hz / 2:
        return np.array([1.0, 0.0, 0.0, 0.0, 0.0])
    w = 2 * np.pi * max(centre_hz, LEAST_HZ) / sample_rate_hz
    alpha, a, middle = np.sin(w) / (2 * q), np.sqrt(gain), -2 * np.cos(w)
    return np.array([1 + alpha * a, middle, 1 - alpha * a, middle, 1 - alpha / a]) / (1 + alpha / a)


def gain_db(coefficients: np.ndarray, frequencies_hz: np.ndarray, sample_rate_hz: float) -> np.ndarray:
    """Return the gain of filters at frequencies, in dB.

    Args:
        coefficients: float64, shape (5, ...), as `low` returns them.
        frequencies_hz: of a shape that broadcasts with that of the filters.
        sample_rate_hz: as in the design.
    """
    b0, b1, b2, a1, a2 = coefficients
    z = np.exp(-2j * np.pi * np.asarray(frequencies_hz, np.float64) / sample_rate_hz)
    return 20 * np.log10(np.abs((b0 + z * (b1 + z * b2)) / (1 + z * (a1 + z * a2))))


def _shelf(cutoff_hz: float, q: float, gain: np.ndarray, sample_rate_hz: float, side: float) -> np.ndarray:
    # The high shelf is the low one mirrored in frequency: the cosine, and all odd coefficients, change sign.
    if cutoff_hz >= sample_rate_hz / 2:
        # Poles and zeros meet on the unit circle and leave a gain; left to a filter, their rounding errors would grow.
        flat = np.zeros((5, *gain.shape))
        flat[0] = gain if side > 0 else 1.0
        return flat
    w = 2 * np.pi * max(cutoff_hz, LEAST_HZ) / sample_rate_hz
    a = np.sqrt(gain)
    c = side * np.cos(w)
    beta = np.sin(w) * np.sqrt(a) / q
    b0 = a * ((a + 1) - (a - 1) * c + beta)
    b1 = side * 2 * a * ((a - 1) - (a + 1) * c)
    b2 = a * ((a + 1) - (a - 1) * c - beta)
    a0 = (a + 1) + (a - 1) * c + beta
    a1 = side * -2 * ((a - 1) + (a + 1) * c)
    a2 = (a + 1) + (a - 1) * c - beta
    return np.stack([b0, b1, b2, a1, a2]) / a0

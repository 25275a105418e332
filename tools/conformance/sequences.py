"""The test sequences of EBU Tech 3341 (v4, table 1) and Tech 3342 (v4, table 1), made at any sample rate."""

from __future__ import annotations

import numpy as np
from scipy.signal import firwin, upfirdn

SILENCE = -np.inf
"""The level of a step without sound."""

Steps = list[tuple[float, float]]
"""Peak level in dBFS and duration in seconds, one step after the other."""

INTEGRATED: dict[int, Steps] = {
    1: [(-23, 20)],
    2: [(-33, 20)],
    3: [(-36, 10), (-23, 60), (-36, 10)],
    4: [(-72, 10), (-36, 10), (-23, 60), (-36, 10), (-72, 10)],
    5: [(-26, 20), (-20, 20.1), (-26, 20)],
}
"""Tech 3341, cases 1 to 5."""
SHORT_TERM: Steps = [(-20, 1.34), (-30, 1.66)] * 5
"""Tech 3341, case 9: short-term loudness stays the same after 3 s."""
MOMENTARY: Steps = [(-20, 0.18), (-30, 0.22)] * 25
"""Tech 3341, case 12: momentary loudness stays the same after 1 s."""
SINES = {15: (4, 0.0, 0.5), 16: (4, 45.0, 0.5), 17: (6, 60.0, 0.5), 18: (8, 67.5, 0.5), 19: (4, 45.0, 1.41)}
"""Tech 3341, cases 15 to 19: samples a period, phase in degrees, amplitude of full scale."""
RANGES: dict[int, Steps] = {
    1: [(-20, 20), (-30, 20)],
    2: [(-20, 20), (-15, 20)],
    3: [(-40, 20), (-20, 20)],
    4: [(-50, 20), (-35, 20), (-20, 20), (-35, 20), (-50, 20)],
}
"""Tech 3342, cases 1 to 4."""

_SURROUND_DBFS = (-28, -28, -24, -30, -30)
_BURST_PERIODS = 1000


def tone(steps: Steps, rate_hz: int, channels: int = 2) -> np.ndarray:
    """Make 1 kHz in phase in all channels.

    Returns:
        float32, shape (channels, samples).

    >>> tone([(-6.02, 0.5), (SILENCE, 0.5)], 48_000).shape
    (2, 48000)
    """
    gain = np.concatenate([np.full(round(s * rate_hz), 10 ** (db / 20)) for db, s in steps])
    wave = gain * np.sin(2 * np.pi * 1000 * np.arange(gain.size) / rate_hz)
    return np.tile(wave.astype(np.float32), (channels, 1))


def surround(rate_hz: int) -> np.ndarray:
    """Make case 6 of Tech 3341: left, right, centre and two surrounds, each at its own level; shape (5, samples)."""
    return np.vstack([tone([(db, 20)], rate_hz, channels=1) for db in _SURROUND_DBFS])


def short_term_bursts(rate_hz: int) -> list[np.ndarray]:
    """Make case 10 of Tech 3341: 20 files with 3 s of sound, each beginning 150 ms later than the one before."""
    return [tone([(SILENCE, 0.15 * i), (-23, 3), (SILENCE, 1)], rate_hz) for i in range(20)]


def momentary_bursts(rate_hz: int) -> list[np.ndarray]:
    """Make case 13 of Tech 3341: 20 files with 400 ms of sound, each beginning 20 ms later than the one before."""
    return [tone([(SILENCE, 0.02 * i), (-23, 0.4), (SILENCE, 1)], rate_hz) for i in range(20)]


def sine(case: int, rate_hz: int) -> np.ndarray:
    """Make one of the cases 15 to 19 of Tech 3341: a second of a sine that fades in and out in 10 ms."""
    period, phase_degrees, amplitude = SINES[case]
    n = np.arange(rate_hz)
    fade = np.minimum(1, np.minimum(n, n[::-1]) / (0.01 * rate_hz))
    wave = amplitude * fade * np.sin(2 * np.pi * n / period + np.radians(phase_degrees))
    return np.tile(wave.astype(np.float32), (2, 1))


def burst(case: int) -> np.ndarray:
    """Make one of the cases 20 to 23 of Tech 3341: the same samples at every rate.

    A sixth of the rate at half scale holds one period of a quarter of the rate at full scale, phase continuous. It is
    made at four times the rate and low-passed; the cases take every fourth sample, each from another one on.
    """
    slow, fast = np.full(24 * _BURST_PERIODS, 1 / 24), np.full(16, 1 / 16)
    turns = np.cumsum(np.concatenate([[0], slow, fast, slow]))[:-1]
    level = np.concatenate([np.full(slow.size, 0.5), np.ones(fast.size), np.full(slow.size, 0.5)])
    filtered = upfirdn(firwin(2001, 0.24), level * np.sin(2 * np.pi * turns))[1000:-1000]
    return np.tile(filtered[case - 20 :: 4].astype(np.float32), (2, 1))

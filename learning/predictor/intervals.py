"""Intervals of a mean over songs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy.stats import t as student

CONFIDENCE = 0.95
"""Two-sided: "better than the mean" is said by chance in 2.5 %."""
LEAST_SONGS = 3
"""Fewer have no interval."""


def interval(by_song: Sequence[float]) -> tuple[float, float]:
    """Interval of a mean over songs, by Student's t.

    >>> low, high = interval([1.0, 2.0, 3.0])
    >>> round(low, 2), round(high, 2)
    (-0.48, 4.48)
    """
    values = np.asarray(by_song, float)
    half = student.ppf((1 + CONFIDENCE) / 2, len(values) - 1) * values.std(ddof=1) / np.sqrt(len(values))
    return float(values.mean() - half), float(values.mean() + half)

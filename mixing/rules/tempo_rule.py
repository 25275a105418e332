"""Reverberation time by tempo: the textbook's rule, and its regression over a catalog."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from mixprior.stats.errors import InputError

RULES = ("seed", "catalog")
"""What sets a reverberation time by a tempo: the textbook's line, or the regression over a catalog's songs."""

SLOWEST_BPM = 60.0
FASTEST_BPM = 160.0
"""A tempo outside these is taken for half or double the one that counts, and doubled or halved until it is inside."""


def reverberation_time_s(tempo_bpm: float) -> float:
    """Choose a reverberation time by the rule 40/9 - tempo/45 s: the faster, the shorter.

    A rule of thumb, not a finding: over the 100 songs of the work it is from, r = -0.03 (see `TempoRelation`).
    Source: K. Li, Autonomous Vocal and Backing Track Mixing (Georgia Tech, 2022); there without bounds, so that it
    gave no reverb at 200 BPM and less than none above.

    Args:
        tempo_bpm: brought into 60 to 160 by octaves first.

    Returns:
        0.89 to 3.11 s, which FdnReverb takes.

    Raises:
        InputError: if the tempo is not a positive number.

    >>> [round(reverberation_time_s(tempo), 2) for tempo in (60, 120, 180)]
    [3.11, 1.78, 2.44]
    """
    if not 0 < tempo_bpm < np.inf:
        raise InputError(f"the tempo is {tempo_bpm} BPM; it must be a positive number")
    while tempo_bpm < SLOWEST_BPM:
        tempo_bpm *= 2
    while tempo_bpm > FASTEST_BPM:
        tempo_bpm /= 2
    return 40 / 9 - tempo_bpm / 45


@dataclass(frozen=True)
class TempoRelation:
    """The straight line of reverberation time on tempo that fits a catalog best, and how well.

    Attributes:
        slope_s_per_bpm: least squares.
        slope_low_s_per_bpm: low end of its 95 % interval.
        slope_high_s_per_bpm: high end.
        intercept_s: at tempo 0.
        r2: share of the variance of the times explained.
        n: songs that have both.
    """

    slope_s_per_bpm: float
    slope_low_s_per_bpm: float
    slope_high_s_per_bpm: float
    intercept_s: float
    r2: float
    n: int

    @property
    def is_found(self) -> bool:
        """Whether there is a relation at all: whether the interval of the slope leaves out zero."""
        return self.slope_low_s_per_bpm > 0 or self.slope_high_s_per_bpm < 0

    def reverberation_time_s(self, tempo_bpm: float) -> float:
        """Return the time on the line; without bounds, and worth little unless `is_found`."""
        return self.intercept_s + self.slope_s_per_bpm * tempo_bpm

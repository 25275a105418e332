"""Short material: levels of a part of a song differ from those of songs by more than songs differ from each other."""

from __future__ import annotations

from math import hypot, sqrt

from mixprior.mixing.rules.ratio import RATIO, RATIO_MONO

VARIANCE_LU2_S = 61.0
"""Variance of a level in a part of a song about that of the song, times the length of the part: 1.7 LU in 20 s, 1.2 LU
in 40 s, by the median size of all (`python -m tools.evidence excerpts`; songs of roles choose, prior, calibrate). The
mean over artists is more, and single parts are far off; but with 2.6 LU in 20 s, damaged parts of the songs that choose
came less near."""

WHOLE_S = 200.0
"""As long as a song is: of it, nothing is missing."""

_LEVELS = (RATIO, RATIO_MONO, "loudness_vs_mixture_lu")


def spread(sd: float | None, statistic: str, duration_s: float | None) -> float | None:
    """Standard deviation of what is as long as this about the centre of songs.

    Args:
        sd: that of whole songs; None if it is not known.
        statistic: other ones than levels keep theirs.
        duration_s: of the material; None for a whole song.

    >>> [round(spread(2.7, "vocal_to_backing_lu", seconds), 2) for seconds in (20.0, 60.0, 200.0)]
    [3.17, 2.83, 2.7]
    """
    if sd is None or duration_s is None or statistic not in _LEVELS or not 0 < duration_s < WHOLE_S:
        return sd
    return hypot(sd, sqrt(VARIANCE_LU2_S * (1 / duration_s - 1 / WHOLE_S)))

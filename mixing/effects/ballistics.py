"""Ballistics of compressor and limiter: one-pole smoothing by the sample, and by the block where it is predicted."""

from __future__ import annotations

import math

import numba


def keep(time_s: float, rate_hz: float) -> float:
    """Share of its distance to a constant input that a one-pole smoothing keeps over a step; 0 for a time of 0.

    Args:
        time_s: time constant.
        rate_hz: steps a second.

    >>> round(keep(0.1, 10.0), 4)
    0.3679
    """
    return math.exp(-1 / (time_s * rate_hz)) if time_s else 0.0


def keeps(time_s: float, rate_hz: float) -> tuple[float, float]:
    """Share of the distance to a constant input that is kept at the end of a block, and in the mean over the block.

    Args:
        time_s: time constant.
        rate_hz: blocks a second.
    """
    kept = keep(time_s, rate_hz)
    return kept, time_s * rate_hz * (1 - kept)


@numba.njit(cache=True, inline="always")
def smoothed(value: float, state: float, kept: float) -> float:
    """A one-pole smoothing a step later.

    >>> smoothed(1.0, 0.0, 0.25)
    0.75
    """
    return value + kept * (state - value)


@numba.njit(cache=True)
def static_reduction_db(level_db: float, threshold_db: float, ratio: float, knee_db: float) -> float:
    """How far the static curve is below the level: Giannoulis et al., equation 4, as input minus output.

    >>> static_reduction_db(-8.0, -20.0, 4.0, 0.0)
    9.0
    >>> static_reduction_db(-20.0, -20.0, 4.0, 8.0)  # in the middle of the knee: an eighth of slope times width
    0.75
    """
    above = level_db - threshold_db
    if 2 * above <= -knee_db:
        return 0.0
    if 2 * above < knee_db:
        above = (above + knee_db / 2) ** 2 / (2 * knee_db)
    return (1 - 1 / ratio) * above

"""The ceiling of a mix: no true peak above it."""

from __future__ import annotations

import math

CEILING_DBTP = -1.0
"""Highest true peak of a mix (EBU R 128: the maximum permitted true peak level of a programme)."""

STEP_DB = 0.01
"""Aims are set in steps of this size, so that a recipe shows the very ceiling that was used."""


def below(aim_dbtp: float) -> float:
    """The next lower aim on the steps.

    >>> below(-1.0)
    -1.01
    """
    return round((math.ceil(round(aim_dbtp / STEP_DB, 6)) - 1) * STEP_DB, 2)


def above(peak_dbtp: float) -> float:
    """The lowest ceiling for which the aim below it is no lower than a peak.

    >>> above(-0.534), above(-0.53)
    (-0.52, -0.52)
    """
    return round((math.ceil(round(peak_dbtp / STEP_DB, 6)) + 1) * STEP_DB, 2)


AIM_DBTP = below(CEILING_DBTP)
"""What a limiter is set to at first: rounding to 24 bits may add a hair."""

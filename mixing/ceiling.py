"""The ceiling of a mix: no true peak above it."""

from __future__ import annotations

import math

CEILING_DBTP = -1.0
"""Highest true peak of a mix (EBU R 128 s. 2: "the Maximum Permitted True Peak Level" of a production)."""

STEP_DB = 0.01
"""Gains are set in steps of this size, so that a recipe shows the very gain that was used."""


def gain_db(true_peak_dbtp: float | None, wanted_db: float = 0.0) -> float:
    """The largest gain, in steps of 0.01 dB and no larger than `wanted_db`, that keeps a true peak under the ceiling.

    Args:
        true_peak_dbtp: true peak before the gain; None for silence, which no gain brings to the ceiling.
        wanted_db: gain that would be applied if there were no ceiling.

    >>> gain_db(2.337)
    -3.34
    >>> gain_db(-10.0, wanted_db=4.0)
    4.0
    """
    if true_peak_dbtp is None:
        return wanted_db
    steps = math.floor((CEILING_DBTP - true_peak_dbtp) / STEP_DB)
    return min(wanted_db, round(steps * STEP_DB, 2))

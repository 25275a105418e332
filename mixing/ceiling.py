"""The ceiling of a mix: no true peak above it."""

from __future__ import annotations

import math

CEILING_DBTP = -1.0
"""Highest true peak of a mix (EBU R 128: the maximum permitted true peak level of a programme)."""

STEP_DB = 0.01
"""Gains are set in steps of this size, so that a recipe shows the very gain that was used."""


def gain_db(true_peak_dbtp: float | None, ceiling_dbtp: float = CEILING_DBTP) -> float:
    """The largest gain, in steps of 0.01 dB, that keeps a true peak under the ceiling.

    Args:
        true_peak_dbtp: true peak before the gain; None for silence, which no gain brings to any ceiling.
        ceiling_dbtp: where it must stay.

    >>> gain_db(2.337)
    -3.34
    >>> gain_db(None)
    inf
    """
    if true_peak_dbtp is None:
        return math.inf
    return round(math.floor((ceiling_dbtp - true_peak_dbtp) / STEP_DB) * STEP_DB, 2)

"""The ceiling holds, and no more is taken than it needs."""

import math

from hypothesis import given
from hypothesis import strategies as st

from mixing.ceiling import CEILING_DBTP, gain_db


@given(st.floats(-120, 60))
def test_the_peak_lands_under_the_ceiling_by_less_than_a_step(true_peak_dbtp):
    left = CEILING_DBTP - (true_peak_dbtp + gain_db(true_peak_dbtp))
    assert -1e-9 <= left < 0.01 + 1e-9


def test_silence_has_no_limit():
    assert gain_db(None) == math.inf

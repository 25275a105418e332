"""Aims lie on their steps, below what they are to keep under."""

from hypothesis import given
from hypothesis import strategies as st

from mixprior.mixing.effects.ceiling import AIM_DBTP, CEILING_DBTP, STEP_DB, below


@given(st.floats(-120, 60))
def test_the_next_aim_is_lower_by_at_most_a_step(aim_dbtp):
    assert 0 < aim_dbtp - below(aim_dbtp) + 1e-6 <= STEP_DB + 2e-6
    assert abs(below(aim_dbtp) / STEP_DB - round(below(aim_dbtp) / STEP_DB)) < 1e-6


def test_the_first_aim_leaves_room_for_rounding():
    assert AIM_DBTP == CEILING_DBTP - STEP_DB

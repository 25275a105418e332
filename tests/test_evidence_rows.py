"""What docs/evidence.md says of rows that are kept: presence and vocal activity."""

import numpy as np
import pytest

from mixprior.stats.measures.presence import SEPARATED
from tools.evidence import activity, presence

ROWS = presence.read()


@pytest.mark.parametrize("stem", list(SEPARATED))
def test_gates_call_few_present_stems_absent_and_most_absent_ones(stem):
    gate = SEPARATED[stem]
    called = {
        there: [not presence.passes(row, gate) for row in ROWS if (row.stem, row.is_there) == (stem, there)]
        for there in (True, False)
    }
    assert np.mean(called[True]) <= 0.05
    assert np.mean(called[False]) >= 0.8


@pytest.mark.parametrize("stem", list(SEPARATED))
def test_thresholds_chosen_without_a_source_hold_for_it(stem):
    _, _, wrong, right = presence.left_out([row for row in ROWS if row.stem == stem], SEPARATED[stem])
    assert wrong <= 0.05
    assert right >= 0.8


def test_vocal_activity_agrees_with_the_words_that_people_heard():
    readings = [activity.read(rows) for rows in activity.songs().values()]
    judged = [reading for reading in readings if reading.song not in activity.CHOSE]
    assert (len(readings), len(judged)) == (6, 4)
    for reading in judged:
        assert reading.precision > 0.9
        assert reading.recall > 0.95

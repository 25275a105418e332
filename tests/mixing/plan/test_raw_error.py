"""How far raw material is off: what the table holds does what it was chosen for."""

import numpy as np
import pytest

from mixprior.mixing.plan.excerpt import VARIANCE_LU2_S
from mixprior.mixing.plan.level import GROUP_LEVEL
from mixprior.mixing.plan.raw_error import raw_error, raw_errors
from mixprior.mixing.plan.step import STEPS
from tools.evidence.excerpts import OF, errors_in_parts_lu, variance_lu2_s
from tools.evidence.excerpts import spread_lu as spread_lu_of_parts
from tools.evidence.levels_again import by_artist
from tools.evidence.posterior import errors_lu, rules, truth_lu
from tools.evidence.raw_levels import CLASSES, outcome_lu, spread_lu, squares

LEAST_PAIRS = 5
"""With fewer pairs of raw tracks and a human mix of them, a spread is assumed."""


def test_every_row_says_where_it_is_from():
    for (step, _, _), error in raw_errors().items():
        assert step in STEPS
        assert error.sd > 0
        assert error.source
        assert error.pairs is None or error.pairs >= LEAST_PAIRS
        assert sum(share for share, _ in error.kinds) == pytest.approx(1.0)


@pytest.mark.parametrize(("off_lu", "most_lu"), [(0.0, 0.5), (1.0, 1.0), (2.5, 2.5), (5.0, 5.0), (10.0, 10.0)])
def test_vocals_come_no_farther_from_where_people_had_them(off_lu, most_lu):
    """Of 150 published songs: balanced vocals are moved by 0.5 LU at most in the mean, others come nearer."""
    assert errors_lu(rules()["posterior, as shipped"], truth_lu(), off_lu).mean() < most_lu


def test_a_dead_band_moves_balanced_vocals_more():
    balanced = {name: errors_lu(rule, truth_lu(), 0.0).mean() for name, rule in rules().items()}
    assert balanced["posterior, as shipped"] < balanced["dead band at the quartiles"] - 0.2
    assert balanced["dead band at the quartiles"] < balanced["median of the songs"] - 0.2


def test_the_rebuilt_songs_are_those_that_were_published():
    truth = truth_lu()
    assert truth.mean() == pytest.approx(-2.35, abs=0.05)
    assert np.median(truth) == pytest.approx(-1.96, abs=0.05)
    assert truth.std(ddof=1) == pytest.approx(2.70, abs=0.15)


@pytest.mark.parametrize("of", CLASSES)
def test_raw_classes_are_as_far_off_as_was_measured(of):
    error = raw_error("level", GROUP_LEVEL, of)
    assert error.far_sd == pytest.approx(spread_lu(of)[0], abs=0.05)
    assert error.pairs == len(squares(of)) >= LEAST_PAIRS


@pytest.mark.parametrize("prior_sd", [2.2, 3.3])
def test_classes_of_balanced_mixes_stay_within_what_is_heard_and_raw_ones_come_nearer(prior_sd):
    for of in CLASSES:
        error = raw_error("level", GROUP_LEVEL, of)
        raw_lu = np.sqrt(2 / np.pi) * error.far_sd
        assert np.median(outcome_lu(prior_sd, error, 0.0)) < 0.5
        assert outcome_lu(prior_sd, error, error.far_sd).mean() < raw_lu - 0.5


def test_raw_classes_come_nearer_to_their_human_mix_and_human_mixes_move_less_than_by_a_dead_band():
    """Rows of 15 artists, mixed by the packaged priors."""
    shipped, none, band = "posterior, as shipped", "without the step", "dead band at the quartiles"
    assert by_artist(shipped, "raw_lu").mean() < by_artist(none, "raw_lu").mean() - 0.5
    assert by_artist(shipped, "mixed_lu").mean() < by_artist(band, "mixed_lu").mean() - 0.3


def test_levels_of_parts_are_as_far_off_their_song_as_was_measured():
    measured = [variance_lu2_s(seconds) for seconds in (20, 40)]
    assert min(measured) < VARIANCE_LU2_S < max(measured)
    for of in OF:
        assert spread_lu_of_parts(of, "4 of 20") < 0.6 * spread_lu_of_parts(of, "20")


def test_balanced_vocals_of_a_clip_move_no_more_than_those_of_a_song():
    """Generated parts of 150 published songs: with the spread of songs alone they moved by a third more."""
    of_songs, of_parts = (errors_in_parts_lu(20.0, 0.0, widened).mean() for widened in (False, True))
    assert of_parts <= errors_in_parts_lu(200.0, 0.0, widened=True).mean() + 0.03 < of_songs
    assert errors_in_parts_lu(20.0, 5.0, widened=True).mean() < 4.0

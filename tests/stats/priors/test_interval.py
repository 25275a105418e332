"""Intervals hold what they are of as often as they claim."""

import numpy as np
import pytest
from scipy import stats

from mixprior.stats.priors.interval import median_level, median_ranks, share_interval
from tools.evidence.coverage import DISTRIBUTIONS, coverage


@pytest.mark.parametrize("n", [1, 5, 11, 30, 100, 1000])
def test_the_interval_of_a_share_holds_it_at_least_as_often_as_it_claims_whatever_the_share(n):
    counts = np.arange(n + 1)
    low, high = share_interval(counts, np.full(n + 1, n))
    for share in np.concatenate([np.linspace(0.0, 1.0, 51), low[::9], high[::9]]):
        held = (low <= share) & (share <= high)
        assert stats.binom.pmf(counts, n, share)[held].sum() >= 0.95 - 1e-9


def test_the_interval_of_a_share_of_nothing_is_not_known():
    low, high = share_interval(np.array([0, 3]), np.array([0, 3]))
    assert np.isnan([low[0], high[0]]).all()
    assert high[1] == 1.0


def test_median_ranks_are_the_widest_likely_and_no_wider():
    n = np.arange(1, 2000)
    low, high = median_ranks(n)
    assert (low[:5] == -1).all()
    covered = 1 - 2 * stats.binom.cdf(low[5:], n[5:], 0.5)
    tighter = 1 - 2 * stats.binom.cdf(low[5:] + 1, n[5:], 0.5)
    assert (covered >= 0.95).all()
    assert (tighter < 0.95).all()
    np.testing.assert_array_equal(low[5:] + high[5:], n[5:] - 1)
    np.testing.assert_allclose(median_level(n[5:]), covered, atol=1e-12)
    assert np.isnan(median_level(n[:5])).all()


RUNS = 2000
CHANCE = 0.0135
"""By how much a share of 95 % of as many runs is off in one of a hundred simulations."""


@pytest.mark.parametrize("nulls", [0.0, 0.3])
@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_intervals_of_medians_hold_what_they_claim_for_skewed_and_bimodal_values_with_nulls(name, nulls):
    for songs in (12, 50):
        held = coverage(name, songs, nulls, RUNS)
        assert held["median"] >= 0.95 - CHANCE
        assert 0.93 - CHANCE < held["interpolated"] < 0.97 + CHANCE


@pytest.mark.parametrize("name", DISTRIBUTIONS)
def test_there_is_no_interval_of_a_median_below_six_values_and_none_interpolated_below_eight(name):
    assert np.isnan(coverage(name, 5, 0.0, 50)["median"])
    held = coverage(name, 7, 0.0, RUNS)
    assert held["median"] >= 0.95 - CHANCE
    assert np.isnan(held["interpolated"])
    assert 0.93 - CHANCE < coverage(name, 8, 0.0, RUNS)["interpolated"] < 0.97 + CHANCE


@pytest.mark.parametrize("name", ["normal", "lognormal, sigma 1", "t, 3 degrees"])
def test_the_interval_of_the_mean_holds_it_from_thirty_values_on_and_is_wider_than_students_where_that_fails(name):
    for songs in (30, 60):
        held = coverage(name, songs, 0.0, RUNS)
        assert 0.93 - CHANCE < held["mean"] < 0.97 + CHANCE
        assert held["mean"] >= held["student"]

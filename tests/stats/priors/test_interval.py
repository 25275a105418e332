"""Intervals hold what they are of as often as they claim."""

import numpy as np
import pytest
from scipy import stats

from mixprior.stats.priors.interval import median_level, median_ranks, share_interval


@pytest.mark.parametrize("n", [1, 5, 11, 30, 100, 1000])
def test_the_interval_of_a_share_holds_it_at_least_as_often_as_it_claims_whatever_the_share(n):
    counts = np.arange(n + 1)
    low, high = share_interval(counts, np.full(n + 1, n))
    for share in np.concatenate([np.linspace(0.0, 1.0, 101), low, high]):
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

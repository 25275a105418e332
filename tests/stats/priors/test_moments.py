"""Joint moments say what numpy and statistics textbooks say, and merge exactly."""

import numpy as np
import pytest
from scipy import stats

from mixprior.stats.errors import InputError
from mixprior.stats.priors.interval import mean_interval, median_ranks
from mixprior.stats.priors.moments import Moments
from mixprior.stats.priors.shrinkage import shrink

RESOLUTION = np.full(4, 0.001)


@pytest.fixture
def songs() -> np.ndarray:
    rng = np.random.default_rng(5)
    x = rng.normal(0, 3, (400, 4))
    x[:, 3] = 2.0 - 0.7 * x[:, 0] + 0.2 * x[:, 1] + rng.normal(0, 1, 400)
    x[rng.random(x.shape) < 0.1] = np.nan
    return np.round(x, 3)


def test_correlations_are_those_of_the_songs_that_have_both(songs):
    moments = Moments.of(songs, RESOLUTION)
    both = ~np.isnan(songs[:, 0]) & ~np.isnan(songs[:, 3])
    expected = stats.pearsonr(songs[both, 0], songs[both, 3])
    assert moments.n[0, 3] == both.sum()
    assert moments.correlation()[0, 3] == pytest.approx(expected.statistic, abs=1e-9)
    low, high = moments.correlation_interval()
    assert (low[0, 3], high[0, 3]) == pytest.approx(tuple(expected.confidence_interval()), abs=1e-6)
    line = stats.linregress(songs[both, 0], songs[both, 3])
    assert moments.slope()[3, 0] == pytest.approx(line.slope, abs=1e-9)


def test_any_split_gives_the_same_integers(songs):
    whole = Moments.of(songs, RESOLUTION)
    rng = np.random.default_rng(1)
    parts = [Moments.of(part, RESOLUTION) for part in np.array_split(songs[rng.permutation(400)], 7)]
    merged = Moments.merged([Moments.merged(parts[:3]), *parts[3:]])
    for name in ("n", "total", "square", "cross"):
        np.testing.assert_array_equal(getattr(merged, name), getattr(whole, name))


def test_large_values_are_summed_exactly_in_pieces():
    values = np.full((5000, 2), 2_000_000.0)
    moments = Moments.of(values, np.ones(2))
    assert moments.cross[0, 1] == 5000 * 2_000_000**2


def test_regression_is_least_squares_where_nothing_is_missing():
    rng = np.random.default_rng(2)
    x = np.round(rng.normal(0, 3, (300, 2)), 3)
    y = np.round(1.5 + 0.5 * x[:, 0] - 0.25 * x[:, 1] + rng.normal(0, 0.5, 300), 3)
    found = Moments.of(np.column_stack([y, x]), np.full(3, 0.001)).regress(0, [1, 2])
    design = np.column_stack([np.ones(300), x])
    coefficients, residual, *_ = np.linalg.lstsq(design, y, rcond=None)
    assert (found.intercept, *found.slopes) == pytest.approx(coefficients, abs=1e-9)
    assert found.r2 == pytest.approx(1 - residual[0] / ((y - y.mean()) ** 2).sum(), abs=1e-9)
    assert found.slopes_low[0] < 0.5 < found.slopes_high[0]
    assert found.residual_sd == pytest.approx(0.5, abs=0.05)


def test_a_regression_on_what_is_the_same_thing_twice_is_refused():
    x = np.round(np.random.default_rng(3).normal(size=50), 3)
    with pytest.raises(InputError, match="depend on each other"):
        Moments.of(np.column_stack([x, x, x]), np.full(3, 0.001)).regress(0, [1, 2])


def test_a_target_that_does_not_vary_or_explains_itself_is_refused():
    x = np.column_stack([np.full(30, 2.0), np.random.default_rng(3).normal(size=30).round(3)])
    moments = Moments.of(x, np.full(2, 0.001))
    with pytest.raises(InputError, match="does not vary"):
        moments.regress(0, [1])
    with pytest.raises(InputError, match="itself"):
        moments.regress(1, [1])


def test_what_does_not_vary_has_no_correlation():
    moments = Moments.of(np.column_stack([np.arange(9.0), np.full(9, 3.0)]), np.full(2, 0.01))
    assert np.isnan(moments.correlation()[0, 1])


def test_median_ranks_are_the_widest_likely_and_no_wider():
    n = np.arange(1, 2000)
    low, high = median_ranks(n)
    assert (low[:5] == -1).all()
    covered = 1 - 2 * stats.binom.cdf(low[5:], n[5:], 0.5)
    tighter = 1 - 2 * stats.binom.cdf(low[5:] + 1, n[5:], 0.5)
    assert (covered >= 0.95).all()
    assert (tighter < 0.95).all()
    np.testing.assert_array_equal(low[5:] + high[5:], n[5:] - 1)


def test_intervals_hold_the_truth_as_often_as_they_say():
    rng = np.random.default_rng(11)
    draws = rng.exponential(1.0, (4000, 25))
    low, high = mean_interval(draws.mean(axis=1), draws.std(axis=1, ddof=1) / 5, np.full(4000, 25))
    ordered = np.sort(draws, axis=1)
    first, last = median_ranks(np.array([25]))
    median = np.log(2)
    assert np.mean((ordered[:, first[0]] <= median) & (median <= ordered[:, last[0]])) == pytest.approx(
        0.957, abs=0.012
    )
    assert 0.90 < np.mean((low <= 1.0) & (high >= 1.0)) < 0.96  # skewed, 25 values: t is known to fall a little short


def test_shrunk_means_err_less_than_raw_means_of_small_groups():
    rng = np.random.default_rng(8)
    raw, drawn = [], []
    for _ in range(200):
        truth = rng.normal(0, 1, 12)
        n = rng.integers(2, 12, 12)
        songs = [rng.normal(t, 3, k) for t, k in zip(truth, n, strict=True)]
        mean = np.array([s.mean() for s in songs])[:, None]
        sd = np.array([s.std(ddof=1) for s in songs])[:, None]
        shrunk, share = shrink(mean, sd, n[:, None], np.zeros((12, 1)))
        assert ((share >= 0) & (share <= 1)).all()
        raw.append(np.mean((mean[:, 0] - truth) ** 2))
        drawn.append(np.mean((shrunk[:, 0] - truth) ** 2))
    assert np.mean(drawn) < 0.6 * np.mean(raw)


def test_groups_that_differ_for_sure_are_left_alone():
    mean = np.array([[-10.0], [10.0]])
    shrunk, share = shrink(mean, np.full((2, 1), 1.0), np.full((2, 1), 500), np.zeros((2, 1)))
    np.testing.assert_allclose(shrunk, mean, atol=0.001)
    assert (share < 0.001).all()

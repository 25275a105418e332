"""Joint moments say what numpy and statistics textbooks say, and merge exactly."""

import numpy as np
import pytest
from scipy import stats

from mixprior.stats.errors import InputError
from mixprior.stats.priors.moments import Moments
from mixprior.stats.priors.regression import least_squares

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


def test_the_line_of_a_pair_is_that_of_the_songs_that_have_both(songs):
    moments = Moments.of(songs, RESOLUTION)
    found = moments.regress(3, 0)
    assert found == Moments.of(songs[~np.isnan(songs[:, [0, 3]]).any(axis=1)], RESOLUTION).regress(3, 0)
    assert found.slopes[0] == pytest.approx(moments.slope()[3, 0], abs=1e-12)
    exact = least_squares(songs[:, 3], songs[:, :1].T)
    assert found.n == exact.n
    for name in ("slopes", "slopes_low", "slopes_high", "intercept", "r2", "residual_sd"):
        assert getattr(found, name) == pytest.approx(getattr(exact, name), abs=1e-9)


def test_a_target_that_does_not_vary_or_explains_itself_is_refused():
    x = np.column_stack([np.full(30, 2.0), np.random.default_rng(3).normal(size=30).round(3)])
    moments = Moments.of(x, np.full(2, 0.001))
    with pytest.raises(InputError, match="does not vary"):
        moments.regress(0, 1)
    with pytest.raises(InputError, match="itself"):
        moments.regress(1, 1)


def test_what_does_not_vary_has_no_correlation():
    moments = Moments.of(np.column_stack([np.arange(9.0), np.full(9, 3.0)]), np.full(2, 0.01))
    assert np.isnan(moments.correlation()[0, 1])

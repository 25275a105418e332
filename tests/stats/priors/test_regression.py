"""Least squares and rank correlations are those of textbooks, and their intervals hold with nulls, too."""

import numpy as np
import pytest
from scipy import stats

from mixprior.stats.errors import InputError
from mixprior.stats.priors.moments import Moments
from mixprior.stats.priors.regression import least_squares, rank_correlation

RUNS = 800
MONTE_CARLO = 2.6 * np.sqrt(0.95 * 0.05 / RUNS)
"""How far a share of runs is off by chance alone, in 99 of 100 simulations."""


def with_nulls(values: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    return np.where(rng.random(values.shape) < share, np.nan, values)


@pytest.mark.parametrize("nulls", [0.0, 0.05, 0.3])
def test_intervals_of_slopes_hold_the_true_slope_as_often_as_they_claim_whatever_is_missing(nulls):
    rng = np.random.default_rng(41)
    of_pair = of_several = 0
    for _ in range(RUNS):
        x = rng.normal(0, 3, (40, 2)) @ np.array([[1.0, 0.6], [0.0, 0.8]])
        y = 4 - 0.5 * x[:, 0] + 0.3 * x[:, 1] + rng.normal(0, 2, 40)
        songs = with_nulls(np.column_stack([y, x]), nulls, rng)
        several = least_squares(songs[:, 0], songs[:, 1:].T)
        of_several += several.slopes_low[0] <= -0.5 <= several.slopes_high[0]
        pair = Moments.of(songs, np.full(3, 0.001)).regress(0, 2)
        # The second variable alone also stands for its share of the first: 0.6 x, of variance 1.
        true = 0.3 - 0.5 * 0.6
        of_pair += pair.slopes_low[0] <= true <= pair.slopes_high[0]
    assert of_several / RUNS == pytest.approx(0.95, abs=MONTE_CARLO)
    assert of_pair / RUNS == pytest.approx(0.95, abs=MONTE_CARLO)


def test_several_slopes_are_those_of_complete_songs():
    rng = np.random.default_rng(2)
    x = rng.normal(0, 3, (300, 2))
    y = 1.5 + 0.5 * x[:, 0] - 0.25 * x[:, 1] + rng.normal(0, 0.5, 300)
    y[::50], x[::30, 0] = np.nan, np.nan
    whole = np.isfinite(np.column_stack([y, x])).all(axis=1)
    design = np.column_stack([np.ones(whole.sum()), x[whole]])
    coefficients, residual, *_ = np.linalg.lstsq(design, y[whole], rcond=None)
    found = least_squares(y, x.T)
    assert found.n == whole.sum()
    assert (found.intercept, *found.slopes) == pytest.approx(coefficients, abs=1e-9)
    assert found.r2 == pytest.approx(1 - residual[0] / ((y[whole] - y[whole].mean()) ** 2).sum(), abs=1e-9)
    assert found.slopes_low[0] < 0.5 < found.slopes_high[0]
    assert found.residual_sd == pytest.approx(0.5, abs=0.05)


def test_a_regression_on_what_is_the_same_thing_twice_or_of_too_few_songs_is_refused():
    x = np.random.default_rng(3).normal(size=50)
    with pytest.raises(InputError, match="depend on each other"):
        least_squares(x**2, np.stack([x, x]))
    for songs in (0, 1, 3):
        with pytest.raises(InputError, match=f"only {songs} songs"):
            least_squares(x[:songs], np.stack([x[:songs], x[:songs] ** 2]))


def test_rank_correlations_are_spearmans_and_their_intervals_hold():
    rng = np.random.default_rng(5)
    rho, held = 0.5, 0
    for _ in range(RUNS):
        x, y = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], 30).T
        found = rank_correlation(np.exp(x), with_nulls(y, 0.1, rng))
        held += found.low <= 6 / np.pi * np.arcsin(rho / 2) <= found.high
    assert 0.93 < held / RUNS < 0.97
    y[:5] = y[5]
    assert rank_correlation(x, y).correlation == pytest.approx(stats.spearmanr(x, y).statistic)
    with pytest.raises(InputError, match="does not vary"):
        rank_correlation(x, np.ones(30))
    with pytest.raises(InputError, match="too few"):
        rank_correlation(x[:3], y[:3])

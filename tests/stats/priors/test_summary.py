"""Summaries merge to the same bits in any order, and say what numpy says."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import trim_mean

from mixprior.stats.priors.summary import Summary

RESOLUTION = 0.01
VALUES = st.lists(st.one_of(st.floats(-200, 200), st.just(float("nan"))), min_size=1, max_size=40)


def state(summary: Summary) -> bytes:
    return pickle.dumps([np.asarray(v).tolist() for v in vars(summary).values()])


def of(values) -> Summary:
    return Summary.of(np.array(values, float)[:, None], RESOLUTION)


@given(VALUES, st.randoms(use_true_random=False), st.integers(1, 6))
@settings(max_examples=150, deadline=None)
def test_any_order_and_any_split_gives_the_same_bits(values, random, parts):
    whole = of(values)
    shuffled = random.sample(values, len(values))
    pieces = [of(shuffled[k::parts]) for k in range(parts) if shuffled[k::parts]]
    nested = pieces[0]
    for piece in pieces[1:]:
        nested = piece.merge(nested)
    assert state(nested) == state(whole)
    assert state(Summary.merged(pieces)) == state(whole)


def test_moments_and_quantiles_agree_with_numpy_on_a_vector():
    rng = np.random.default_rng(7)
    values = rng.normal(-20, 6, (501, 3))
    values[rng.random(values.shape) < 0.1] = np.nan
    summary = Summary.of(values, RESOLUTION)
    np.testing.assert_array_equal(summary.missing, np.isnan(values).sum(axis=0))
    np.testing.assert_allclose(summary.mean(), np.nanmean(values, axis=0), atol=RESOLUTION / 1024)
    np.testing.assert_allclose(summary.sd(), np.nanstd(values, axis=0, ddof=1), rtol=1e-6)
    np.testing.assert_array_equal(summary.low, np.nanmin(values, axis=0))
    for q in (0.05, 0.5, 0.95):
        np.testing.assert_allclose(summary.quantile(q), np.nanquantile(values, q, axis=0), atol=RESOLUTION / 2 + 1e-9)


def test_nothing_measured_is_nan_not_zero():
    summary = of([float("nan")] * 3)
    assert summary.n[0] == 0
    assert summary.missing[0] == 3
    assert np.isnan([summary.mean()[0], summary.sd()[0], summary.quantile(0.5)[0]]).all()


def test_spread_of_one_song_is_unknown():
    assert np.isnan(of([3.0]).sd()[0])
    assert of([3.0]).mean()[0] == pytest.approx(3.0)


def test_sums_of_a_million_large_values_do_not_overflow():
    one = Summary.of(np.full((1000, 1), 20_000.0), RESOLUTION)
    many = Summary.merged([one] * 1000)
    assert many.n[0] == 1_000_000
    assert many.mean()[0] == pytest.approx(20_000.0)
    assert many.sd()[0] == 0.0


@pytest.mark.parametrize("value", [np.inf, -np.inf, 1e9])
def test_a_value_too_large_to_count_is_refused(value):
    with pytest.raises(ValueError, match="beyond"):
        of([value])


def test_spread_far_from_zero_loses_nothing():
    values = np.array([19_999.99, 20_000.0, 20_000.01])
    assert of(values).sd()[0] == pytest.approx(0.01, rel=1e-3)


def test_spread_of_sums_beyond_64_bits_is_still_right():
    rng = np.random.default_rng(4)
    values = rng.normal(0, 5_000, (5000, 1))
    many = Summary.merged([Summary.of(values, RESOLUTION)] * 400)
    assert many.sd()[0] == pytest.approx(values.std(), rel=1e-5)


def test_weights_move_the_weighted_mean_and_nothing_else():
    values = np.array([[0.0], [10.0]])
    summary = Summary.of(values, RESOLUTION, weights=np.array([[256], [64]]))
    assert summary.mean()[0] == pytest.approx(5.0)
    assert summary.weighted_mean()[0] == pytest.approx(2.0)


def test_trimmed_mean_is_scipys():
    rng = np.random.default_rng(9)
    values = np.append(rng.normal(-20, 3, 200), [500.0, 800.0])[:, None]
    assert Summary.of(values, RESOLUTION).trimmed_mean()[0] == pytest.approx(trim_mean(values[:, 0], 0.1), abs=0.005)


def test_a_row_that_is_not_there_is_not_missing_and_absent_and_silent_stems_are_counted_apart():
    values = np.array([[1.0], [np.nan], [np.nan], [np.nan], [np.nan]])
    has_row = np.array([[True], [True], [True], [True], [False]])
    silent = np.array([[False], [True], [False], [False], [False]])
    presence = np.array([[1], [0], [0], [-1], [-1]], np.int8)
    summary = Summary.of(values, RESOLUTION, has_row=has_row, silent=silent, presence=presence)
    counts = (summary.n, summary.missing, summary.silent, summary.absent, summary.judged)
    assert [int(count[0]) for count in counts] == [1, 3, 1, 2, 3]


def test_a_range_too_wide_to_count_in_place_gives_the_same_histogram():
    values = np.array([[-20_000.0, 1.0], [20_000.0, 2.0], [0.0, 2.0]])
    summary = Summary.of(values, RESOLUTION)
    assert summary.quantile(0.5).tolist() == [0.0, 2.0]
    assert summary.counted.tolist() == [3, 3]


def test_skewness_is_the_third_moment_over_the_cubed_sd_and_null_where_nothing_varies_or_is_kept():
    values = np.random.default_rng(21).lognormal(0, 0.5, (400, 3))
    values[:, 1] = 2.0
    values[3:, 2] = np.nan
    found = Summary.of(values, 0.001).skewness()
    expected = [((x - x.mean()) ** 3).mean() / x.std(ddof=1) ** 3 for x in (values[:, 0], values[:3, 2])]
    assert found[[0, 2]] == pytest.approx(expected, abs=0.01)
    assert np.isnan(found[1])
    assert np.isnan(Summary.of(values, 0.001, histogram=False).skewness()).all()
    assert np.isnan(Summary.of(values[:2], 0.001).skewness()).all()

"""Summaries merge to the same bits in any order, and say what numpy says."""

import pickle

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stats.summary import Summary

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

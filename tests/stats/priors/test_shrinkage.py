"""Shrunk means err no more than raw means, with the parent and the variance learned from the same groups."""

import numpy as np
import pytest

from mixprior.stats.priors.shrinkage import shrink
from tools.evidence.shrinkage import WITHIN, error_ratio

RUNS = 4000


@pytest.mark.parametrize("groups", [2, 3, 4, 10])
@pytest.mark.parametrize("spread", [0.0, 1.0, 3.0, 9.0])
def test_shrunk_means_err_no_more_than_raw_means_however_far_groups_are_apart(groups, spread):
    assert error_ratio(groups, spread, RUNS) <= 1.0


def test_ten_groups_that_hardly_differ_gain_much():
    assert error_ratio(10, 1.0, RUNS) < 0.55


def test_the_variance_between_groups_is_that_of_dersimonian_and_laird():
    mean, n = np.array([[1.0], [4.0], [2.0], [7.0], [3.0]]), np.array([[5], [3], [9], [4], [6]])
    w = n / 4.0
    centre = (w * mean).sum() / w.sum()
    tau2 = ((w * (mean - centre) ** 2).sum() - 4) / (w.sum() - (w**2).sum() / w.sum())
    shrunk, share = shrink(mean, np.full((5, 1), 2.0), n, np.full((5, 1), centre))
    assert share == pytest.approx(2 / 4 / (1 + w * tau2))
    assert shrunk == pytest.approx(centre + (1 - share) * (mean - centre))


def test_means_of_pairs_of_groups_about_the_sum_of_two_effects_err_no_more_than_raw_means():
    rng = np.random.default_rng(10)
    for spread in (0.0, 1.0, 6.0):
        rows, columns, runs = 3, 4, 3000
        n = np.full((rows, columns, runs), 6)
        truth = (
            rng.normal(0, 3, (rows, 1, runs)) + rng.normal(0, 3, (1, columns, runs)) + rng.normal(0, spread, n.shape)
        )
        mean = truth + rng.normal(0, WITHIN, n.shape) / np.sqrt(n)
        parent = mean.mean(axis=0) + mean.mean(axis=1, keepdims=True) - mean.mean(axis=(0, 1))
        flat = [array.reshape(-1, runs) for array in (mean, np.full(n.shape, WITHIN), n, parent)]
        shrunk, _ = shrink(*flat, learned=rows + columns - 1)
        raw, drawn = np.mean((mean - truth) ** 2), np.mean((shrunk.reshape(n.shape) - truth) ** 2)
        assert drawn <= raw
        assert spread or drawn < 0.8 * raw


def test_groups_that_differ_for_sure_are_left_alone():
    mean = np.linspace(-10, 10, 6)[:, None]
    shrunk, share = shrink(mean, np.full((6, 1), 1.0), np.full((6, 1), 500), np.zeros((6, 1)))
    np.testing.assert_allclose(shrunk, mean, atol=0.001)
    assert (share < 0.001).all()


def test_groups_of_one_song_each_are_their_parents():
    mean = np.array([[1.0], [4.0], [2.0], [7.0], [3.0]])
    shrunk, share = shrink(mean, np.full((5, 1), np.nan), np.ones((5, 1), int), np.full((5, 1), 3.4))
    assert shrunk.ravel().tolist() == [3.4] * 5
    assert share.ravel().tolist() == [1.0] * 5


def test_a_group_without_songs_is_its_parent_and_one_by_itself_is_left_alone():
    nothing = np.array([[np.nan], [3.0]])
    shrunk, share = shrink(nothing, np.array([[np.nan], [1.0]]), np.array([[0], [5]]), np.array([[2.0], [2.0]]))
    assert shrunk.ravel().tolist() == [2.0, 3.0]
    assert share.ravel().tolist() == [1.0, 0.0]

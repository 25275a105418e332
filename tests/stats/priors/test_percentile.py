"""Percentiles are true: uniform for a song drawn as the others, and within their interval 95 times in 100."""

import numpy as np
import pytest

from mixprior.stats.priors.percentile import percentile


def placed(songs: np.ndarray, value: float):
    return percentile(songs.size, int((songs < value).sum()), int((songs <= value).sum()))


@pytest.mark.parametrize("n", [1, 8, 30])
def test_the_percentile_of_a_song_drawn_as_the_others_is_uniform(n):
    rng = np.random.default_rng(n)
    drawn = 4000
    places = [placed(rng.standard_t(3, n), rng.standard_t(3)).percentile for _ in range(drawn)]
    possible = 100 * (np.arange(n + 1) + 0.5) / (n + 1)
    counts = np.bincount(np.searchsorted(possible, np.array(places) - 1e-6), minlength=n + 1)
    expected = drawn / (n + 1)
    chi2 = ((counts - expected) ** 2 / expected).sum()
    assert chi2 < n + 4 * np.sqrt(2 * n) + 4  # 4 standard deviations of chi-square with n degrees of freedom


@pytest.mark.parametrize("n", [1, 8, 30, 150])
@pytest.mark.parametrize("share", [0.02, 0.1, 0.5, 0.97])
def test_the_interval_holds_the_share_of_all_songs_19_times_in_20(n, share):
    rng = np.random.default_rng(n)
    held = 0
    for _ in range(1000):
        place = placed(rng.uniform(size=n), share)
        held += place.low <= 100 * share <= place.high
    assert held >= 0.95 * 1000 - 3 * np.sqrt(1000 * 0.05 * 0.95)


def test_songs_that_equal_the_value_count_half_and_widen_the_interval():
    tied, clear = percentile(20, 5, 15), percentile(20, 10, 10)
    assert tied.percentile == clear.percentile == 50
    assert tied.low < clear.low
    assert tied.high > clear.high


def test_eight_songs_below_say_little_of_all_songs():
    place = percentile(8, 8, 8)
    assert place.low == pytest.approx(63, abs=0.5)
    assert place.high == 100
    assert place.percentile < 95


@pytest.mark.parametrize("counts", [(0, 0, 0), (5, 3, 2), (5, 0, 6)])
def test_counts_that_cannot_be_are_refused(counts):
    with pytest.raises(ValueError, match="songs below"):
        percentile(*counts)

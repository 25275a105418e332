"""The equaliser of a mix like a song: a share of the way, broad, limited, and nothing where there is nothing to do."""

from dataclasses import replace

import numpy as np
import pytest

from mixprior.mixing.rules.mix_spectrum import LIMIT_DB, towards
from mixprior.mixing.rules.timbre import SpectrumPrior

FLAT = np.full(30, -14.8)
SONG = SpectrumPrior(FLAT, np.full(30, 2.0), np.full(30, 100), np.ones(30, bool))
TILT = np.linspace(-4.0, 4.0, 30)


def broad(gains_db: np.ndarray) -> np.ndarray:
    """Gains about their mean, away from the ends."""
    return (gains_db - gains_db.mean())[3:-3]


@pytest.mark.parametrize(("trust", "share"), [(0.5, 0.5), (1.0, 1.0), (0.0, None)])
def test_a_tilt_is_taken_back_by_the_share_of_the_posterior(trust, share):
    found = towards(FLAT + TILT, SONG, 2.0, trust)
    if share is None:
        assert found is None
        return
    assert found.share == pytest.approx(share)
    np.testing.assert_allclose(broad(found.gains_db), broad(-share * TILT), atol=0.1)


def test_the_surer_the_song_the_farther_and_the_less_off_the_mix_the_less():
    sure = replace(SONG, sd_db=np.full(30, 1.0))
    shares = [towards(FLAT + TILT, *given).share for given in ((sure, 2.0), (SONG, 2.0), (SONG, 1.0))]
    assert shares == sorted(shares, reverse=True)


def test_a_single_band_is_left_to_the_music_and_nothing_goes_beyond_the_limit():
    peak = FLAT + np.where(np.arange(30) == 15, 9.0, 0.0)
    assert np.abs(towards(peak, SONG, 2.0, 1.0).gains_db).max() < 9.0 / 2
    assert np.abs(towards(FLAT + 8 * TILT, SONG, 2.0, 1.0).gains_db).max() == LIMIT_DB


def test_the_power_of_the_mix_stays():
    found = towards(FLAT + TILT, SONG, 2.0, 1.0)
    powers = 10 ** ((FLAT + TILT) / 10)
    assert powers @ 10 ** (found.gains_db / 10) / powers.sum() == pytest.approx(1.0)


def test_there_is_nothing_where_it_is_like_the_song_or_hardly_a_band_is_known():
    assert towards(FLAT, SONG, 2.0, 1.0) is None
    few = replace(SONG, n=np.where(np.arange(30) < 4, 100, 0))
    assert towards(FLAT + TILT, few, 2.0, 1.0) is None


def test_a_band_that_is_not_compared_moves_as_its_neighbours_do():
    gap = replace(SONG, reliable=np.arange(30) != 12)
    found, whole = (towards(FLAT + TILT, song, 2.0, 1.0).gains_db for song in (gap, SONG))
    np.testing.assert_allclose(found, whole, atol=0.2)

"""The equaliser by shrinkage, on spectra whose song and error are known."""

import dataclasses

import numpy as np
import pytest

from mixprior.mixing.rules.timbre import ERROR_OCTAVES, LIMIT_DB, SONG_OCTAVES, SpectrumPrior, shrink, usable
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ

BANDS = len(BAND_CENTRES_HZ)
OCTAVES = np.log2(BAND_CENTRES_HZ / 1000)
CENTRE_DB = -12 - 0.3 * OCTAVES**2
PRIOR = SpectrumPrior(CENTRE_DB, np.full(BANDS, 4.0), np.full(BANDS, 30), np.ones(BANDS, bool))
TILT_DB = 1.5 * OCTAVES
ERROR_DB = 1.0
_DISTANCE = np.abs(OCTAVES[:, np.newaxis] - OCTAVES)
_ERRORS = np.exp(-0.5 * (_DISTANCE / ERROR_OCTAVES) ** 2)


def shape_db(bands_db: np.ndarray) -> np.ndarray:
    """Bands about their mean: a level is no error."""
    return bands_db - bands_db.mean(axis=-1, keepdims=True)


def test_what_is_at_the_centre_is_left_at_any_level():
    for level_db in (0.0, -20.0):
        assert shrink(CENTRE_DB + level_db, PRIOR, ERROR_DB).is_flat


def test_a_tilt_is_taken_back_in_part_and_smoothly():
    found = shrink(CENTRE_DB + TILT_DB, PRIOR, ERROR_DB)
    assert 0.05 < found.share < 0.6
    assert np.abs(np.diff(found.gains_db)).max() < 0.5
    before, after = (np.abs(shape_db(each)).mean() for each in (TILT_DB, TILT_DB + found.gains_db))
    assert after < 0.85 * before


@pytest.mark.parametrize(("amount", "error_db"), [(1.0, 1.0), (0.5, 1.0), (1.0, 50.0)])
def test_the_share_is_what_the_gains_take_back(amount, error_db):
    """Of a tilt with single bands about it, by the gains as they are limited."""
    rng = np.random.default_rng(1)
    difference_db = shape_db(TILT_DB + rng.normal(0, 3, BANDS))
    found = shrink(CENTRE_DB + difference_db, PRIOR, error_db, amount=amount)
    assert found.share == pytest.approx(-np.polyfit(difference_db, found.gains_db, 1)[0], abs=1e-6)
    assert found.share > 0.02


def test_a_single_band_is_left_to_the_song():
    own_db = CENTRE_DB.copy()
    own_db[17] += 6.0
    assert np.abs(shrink(own_db, PRIOR, ERROR_DB).gains_db).max() < 0.6


@pytest.mark.parametrize("error_db", [0.5, 1.6, 20.0])
def test_no_gain_is_above_the_limit_and_all_are_finite(error_db):
    own_db = CENTRE_DB + 4 * OCTAVES
    gains_db = shrink(own_db, PRIOR, error_db).gains_db
    assert np.isfinite(gains_db).all()
    assert np.abs(gains_db).max() <= LIMIT_DB


def test_the_more_raw_material_is_off_the_more_is_taken_back_and_the_more_songs_differ_the_less():
    shares = [shrink(CENTRE_DB + TILT_DB / 3, PRIOR, error_db).share for error_db in (0.0, 1.0, 2.0, 4.0, 100.0)]
    assert shares == sorted(shares)
    assert (shares[0], shares[-1]) == (pytest.approx(0.0), pytest.approx(1.0, abs=0.1))
    loose = dataclasses.replace(PRIOR, sd_db=2 * PRIOR.sd_db)
    assert shrink(CENTRE_DB + TILT_DB, loose, ERROR_DB).share < shrink(CENTRE_DB + TILT_DB, PRIOR, ERROR_DB).share


def test_half_of_the_amount_is_half_of_the_gains():
    whole, half = (shrink(CENTRE_DB + TILT_DB / 2, PRIOR, ERROR_DB, amount=amount).gains_db for amount in (1.0, 0.5))
    assert half == pytest.approx(whole / 2)
    assert np.abs(whole).max() > 0.3


def test_the_power_stays():
    own_db = CENTRE_DB + TILT_DB / 2
    gains_db = shrink(own_db, PRIOR, ERROR_DB).gains_db
    before, after = (np.sum(10 ** (each / 10)) for each in (own_db, own_db + gains_db))
    assert 10 * np.log10(after / before) == pytest.approx(0.0, abs=0.01)


def test_bands_that_are_not_known_or_not_carried_have_no_say():
    own_db = CENTRE_DB.copy()
    spoilt = own_db.copy()
    spoilt[:2], spoilt[10], spoilt[-4:] = np.nan, -90.0, -60.0
    n, reliable = PRIOR.n.copy(), PRIOR.reliable.copy()
    n[3], reliable[4] = 5, False
    spoilt[3:5] = own_db[3:5] + 15
    prior = dataclasses.replace(PRIOR, n=n, reliable=reliable)
    used = usable(spoilt, prior, limit_hz=8_000.0)
    assert np.flatnonzero(~used).tolist() == [0, 1, 3, 4, 10, *range(25, 30)]
    assert shrink(spoilt, prior, ERROR_DB, 8_000.0).is_flat


def test_with_hardly_a_band_in_common_nothing_is_set():
    assert shrink(np.full(BANDS, np.nan), PRIOR, ERROR_DB) is None
    few = np.full(BANDS, np.nan)
    few[10:12] = CENTRE_DB[10:12]
    assert shrink(few, PRIOR, ERROR_DB) is None


def drawn(rng: np.random.Generator, covariance: np.ndarray, count: int) -> np.ndarray:
    root = np.linalg.cholesky(covariance + 1e-9 * np.eye(BANDS))
    return rng.standard_normal((count, BANDS)) @ root.T


@pytest.mark.parametrize(
    ("true_error_db", "least", "most"),
    # Share of the squared error that is left when raw material is off by half, once and twice what is assumed.
    [(0.5, 0.8, 1.6), (1.0, 0.5, 0.9), (2.0, 0.4, 0.8)],
)
def test_over_songs_the_error_falls_where_it_is_as_large_as_assumed(true_error_db, least, most):
    rng = np.random.default_rng(5)
    songs_db = drawn(rng, 16.0 * np.exp(-_DISTANCE / SONG_OCTAVES), 60)
    errors_db = drawn(rng, true_error_db**2 * _ERRORS / (1 - _ERRORS.mean()), 60)
    left_db = [
        shape_db(error + shrink(CENTRE_DB + song + error, PRIOR, ERROR_DB).gains_db)
        for song, error in zip(songs_db, errors_db, strict=True)
    ]
    share = np.square(left_db).mean() / np.square(shape_db(errors_db)).mean()
    assert least < share < most


def test_undamaged_songs_move_by_less_than_half_a_decibel_in_the_median():
    songs_db = drawn(np.random.default_rng(6), 16.0 * np.exp(-_DISTANCE / SONG_OCTAVES), 100)
    moves_db = [np.abs(shape_db(shrink(CENTRE_DB + song, PRIOR, ERROR_DB).gains_db)).mean() for song in songs_db]
    assert np.median(moves_db) < 0.5
    assert np.percentile(moves_db, 90) < 1.2

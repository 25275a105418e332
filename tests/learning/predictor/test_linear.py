"""The error that a regression states of itself is that on new songs, of artists with several songs too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mixprior.learning.predictor.examples import Examples
from mixprior.learning.predictor.linear import _solved, solved

FEATURES, EXCERPTS, DRAWS = 64, 4, 40
VARIES = np.arange(FEATURES) >= FEATURES // 2
SPREADS = 3 * np.exp(-np.arange(FEATURES) / 8)
LAW = np.where(np.arange(FEATURES) < 6, 1 / SPREADS, 0) / np.sqrt(6)
"""A line of six features, of variance 1."""


def of_artists(rng: np.random.Generator, artists: int, each: int) -> np.ndarray:
    """(columns, rows) of excerpts: half of the variance is the artist's, seven tenths of the rest the song's."""
    of_artist = np.repeat(rng.normal(size=(FEATURES + 1, artists)), each, axis=1)
    of_song = np.sqrt(0.5) * of_artist + np.sqrt(0.5) * rng.normal(size=(FEATURES + 1, artists * each))
    return np.repeat(of_song, EXCERPTS, axis=1)


def drawn(rng: np.random.Generator, artists: int, each: int, r2: float) -> tuple[np.ndarray, np.ndarray]:
    """Features of excerpts, and a target that is a law of them and of what they do not show."""
    *columns, noise = of_artists(rng, artists, each)
    excerpts = np.sqrt(0.7) * np.array(columns) + np.sqrt(0.3) * rng.normal(size=(FEATURES, noise.size))
    x = excerpts.T * SPREADS
    return x, np.sqrt(r2) * x @ LAW + np.sqrt(1 - r2) * noise


def stated_over_true(artists: int, each: int, r2: float, by_artist: bool = True) -> float:
    """Root mean squares over draws: the error that is stated over that on songs of 200 new artists."""
    songs = np.repeat(np.arange(artists * each), EXCERPTS)
    stated, true = [], []
    for seed in range(DRAWS):
        rng = np.random.default_rng(seed)
        groups = songs // each if by_artist else rng.permutation(artists * each)[songs]
        weights, constant, rmse = _solved(*drawn(rng, artists, each, r2), groups, VARIES)
        new_x, new_y = drawn(rng, 200, 1, r2)
        stated.append(rmse**2)
        true.append(np.mean((new_x @ weights + constant - new_y) ** 2))
    return float(np.sqrt(np.mean(stated) / np.mean(true)))


@pytest.mark.parametrize("r2", [0.0, 0.5])
@pytest.mark.parametrize(("artists", "each"), [(18, 1), (17, 3)])
def test_the_error_that_chose_the_penalty_is_not_too_small(artists, each, r2):
    assert stated_over_true(artists, each, r2) == pytest.approx(1, abs=0.1)


def test_songs_of_two_artists_are_too_few_for_anything_but_the_mean():
    rng = np.random.default_rng(0)
    tilts = rng.normal(0, 1, (24, 1))
    mel_db = tilts[:, np.newaxis, :, np.newaxis] * np.linspace(-9, 9, 128)[:, np.newaxis] + np.zeros((2, 1, 8))
    songs = np.repeat([f"song {k}" for k in range(12)], 2)
    apart = Examples(mel_db, tilts, songs, ("dullness_db",))
    assert solved(apart).weights.any()
    assert not solved(replace(apart, group_of={song: "ab"[k % 2] for k, song in enumerate(songs[::2])})).weights.any()


def test_folds_that_part_songs_of_an_artist_make_it_too_small():
    assert stated_over_true(17, 3, 0.5, by_artist=False) < 0.9

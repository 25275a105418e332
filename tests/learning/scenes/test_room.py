"""Bleed obeys physics: it comes later and softer from further away, and as sound falls with distance."""

import numpy as np
import pytest

from mixprior.learning.scenes import room
from mixprior.learning.scenes.room import CLOSE_M, SPEED_M_S, Room
from mixprior.stats.statistic import SAMPLE_RATE_HZ

DEAF = 1.0
"""An absorption that leaves the direct sound alone."""


def pair(distance_m: float, absorption: float = DEAF) -> Room:
    """Two players whose sound travels so far to the microphone of the other."""
    apart_m = np.sqrt(distance_m**2 - CLOSE_M**2)
    return Room((30.0, 20.0, 8.0), absorption, {"a": (2.0, 10.0, 4.0), "b": (2.0 + apart_m, 10.0, 4.0)})


@pytest.mark.parametrize("distance_m", [1.0, 2.0, 4.0, 8.0])
def test_bleed_falls_with_distance_and_comes_as_late_as_sound_travels(distance_m):
    response = pair(distance_m).response("a", "b")
    level = np.sqrt(np.sum(response.astype(float) ** 2))
    arrival = np.sum(np.arange(response.size) * response.astype(float) ** 2) / level**2
    assert 20 * np.log10(level) == pytest.approx(20 * np.log10(CLOSE_M / distance_m), abs=0.2)
    assert arrival == pytest.approx((distance_m - CLOSE_M) / SPEED_M_S * SAMPLE_RATE_HZ, abs=0.2)


def test_the_first_reflection_is_where_the_mirrored_source_is():
    place = Room((10.0, 8.0, 5.0), 0.75, {"a": (2.0, 4.0, 2.0), "b": (6.0, 4.0, 2.0)})
    response = place.response("a", "b")
    mirrored_m = np.sqrt((2.0 + 6.0) ** 2 + CLOSE_M**2)  # at the wall x = 0
    at = round((mirrored_m - CLOSE_M) / SPEED_M_S * SAMPLE_RATE_HZ)
    around = response[at - 30 : at + 31]
    expected = CLOSE_M / mirrored_m * np.sqrt(1 - 0.75)
    assert np.abs(around).max() == pytest.approx(expected, rel=0.25)


def test_each_track_gets_the_others_and_keeps_itself():
    rng = np.random.default_rng(0)
    tracks = {name: rng.standard_normal((2, 4410)).astype(np.float32) for name in "ab"}
    place = pair(3.0)
    heard = room.with_bleed(tracks, place)
    added = heard["b"] - tracks["b"]
    expected = np.convolve(tracks["a"].mean(axis=0), place.response("a", "b"))[:4410]
    np.testing.assert_allclose(added, np.stack([expected, expected]), atol=1e-5)


def test_a_reflecting_room_bleeds_more_than_a_deaf_one():
    energies = [np.sum(pair(3.0, absorption).response("a", "b") ** 2) for absorption in (0.2, 0.6, DEAF)]
    assert energies == sorted(energies, reverse=True)


def test_rooms_are_drawn_by_seed_with_everybody_inside():
    first, second = (room.draw(["a", "b", "c"], np.random.default_rng(5)) for _ in range(2))
    assert first == second != room.draw(["a", "b", "c"], np.random.default_rng(6))
    for seed in range(20):
        made = room.draw(["a", "b"], np.random.default_rng(seed))
        for name in made.places_m:
            assert (np.array(made.microphone_m(name)) < np.array(made.size_m)).all()

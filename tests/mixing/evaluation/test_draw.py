"""Damage depends on scene and seed alone, stays in its ranges and covers them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mixprior.mixing.evaluation.draw import draw


@pytest.fixture(params=["pair", "band"])
def scene(request):
    return request.getfixturevalue(request.param)


def test_damage_is_drawn_by_scene_and_seed_alone(scene):
    assert draw(scene, 0) == draw(scene, 0)
    assert draw(scene, 0) != draw(scene, 1)
    assert draw(scene, 0) != draw(replace(scene, name="b"), 0)


def test_draws_of_pairs_cover_their_ranges(pair):
    drawn = [draw(pair, seed) for seed in range(60)]
    vocals = [each.of_track["vocals"] for each in drawn]
    gains_db = [damage.gain_db for each in drawn for damage in each.of_track.values()]
    assert -12 <= min(gains_db) < -9
    assert 9 < max(gains_db) <= 12
    assert all(abs(damage.tilt_db_per_octave) <= 2 for damage in vocals)
    assert all(0.2 <= damage.position <= 0.8 for damage in vocals)
    assert 15 <= sum(damage.ratio > 1 for damage in vocals) <= 45
    assert min(sum(each.without_reverb for each in vocals), sum(each.reverb is not None for each in vocals)) >= 10
    assert not any(damage.without_reverb and damage.reverb is not None for damage in vocals)
    assert all(each.of_track["backing"].is_gain for each in drawn)
    assert not any(each.folded for each in drawn)


def test_draws_of_tracks_cover_their_ranges(band):
    drawn = [draw(band, seed) for seed in range(60)]
    tracks = [damage for each in drawn for damage in each.of_track.values()]
    gains_db = [damage.gain_db for damage in tracks]
    assert -12 <= min(gains_db) < -11
    assert 11 < max(gains_db) <= 12
    assert max(abs(damage.tilt_db_per_octave) for damage in tracks) <= 2
    assert 0.35 < np.mean([damage.ratio > 1 for damage in tracks]) < 0.65
    assert 20 <= sum(each.folded for each in drawn) <= 40
    assert all((damage.position == 0.5) == each.folded for each in drawn for damage in each.of_track.values())
    assert 10 <= sum(each.of_track["vocals"].reverb is not None for each in drawn) <= 30
    assert not any(each.of_track["drums"].reverb for each in drawn)


def test_tracks_of_a_class_are_damaged_alike_except_for_their_places(band):
    for seed in range(10):
        drawn = draw(band, seed).of_track
        assert replace(drawn["other"], position=0.5) == replace(drawn["echo"], position=0.5)
        assert drawn["other"].gain_db != drawn["drums"].gain_db

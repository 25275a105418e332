"""Damage to a band is what its settings say, and the oracle undoes what can be undone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mixprior.mixing.plan.multitrack import CLASSES
from mixprior.stats.measures.loudness import integrated
from mixprior.stats.stem import SAMPLE_RATE_HZ
from tests.mixing.evaluation import generated
from tests.mixing.evaluation.band_scenes import MUSIC, catalog
from tests.mixing.evaluation.band_scramble import UNDAMAGED, BandDamage, draw
from tests.mixing.evaluation.scramble import Damage


@pytest.fixture(scope="module")
def scene():
    return generated.band()


def test_no_damage_changes_nothing(scene):
    assert all(np.array_equal(audio, scene.tracks[name]) for name, audio in UNDAMAGED.apply(scene).items())


def test_classes_sum_to_the_mix(scene):
    classes = scene.by_class(scene.tracks)
    assert list(classes) == list(CLASSES)
    assert np.abs(sum(classes.values()) - scene.mix).max() < 1e-6


def test_the_oracle_gives_the_original_back_where_all_can_be_undone(scene):
    damage = BandDamage("x", {"drums": Damage("x", 7.0, 0.0, 1.3, 0.3), "echo": Damage("x", -9.0, 0.0, -2.0)})
    damaged = damage.apply(scene)
    changed = {name for name, audio in damaged.items() if not np.array_equal(audio, scene.tracks[name])}
    assert changed == {"drums", "echo"}
    mended = damage.mend(scene, damaged)
    assert max(np.abs(mended[name] - scene.tracks[name]).max() for name in mended) < 1e-5


def test_a_folded_band_is_mono_and_the_oracle_gives_its_loudness_back(scene):
    damage = BandDamage("x", {"other": Damage("x", 6.0)}, folded=True)
    damaged = damage.apply(scene)
    assert all(np.array_equal(*audio) for audio in damaged.values())
    for name, audio in damage.mend(scene, damaged).items():
        wanted = integrated(scene.tracks[name], SAMPLE_RATE_HZ)
        assert integrated(audio, SAMPLE_RATE_HZ) == pytest.approx(wanted, abs=0.01), name


def test_damage_is_drawn_by_scene_and_seed_alone(scene):
    assert draw(scene, 0) == draw(scene, 0)
    assert draw(scene, 0) != draw(scene, 1)
    assert draw(scene, 0) != draw(replace(scene, name="b"), 0)


def test_tracks_of_a_class_are_damaged_alike_but_for_their_places(scene):
    for seed in range(10):
        drawn = draw(scene, seed).of_track
        assert replace(drawn["other"], position=0.5) == replace(drawn["echo"], position=0.5)
        assert drawn["other"].voice_gain_db != drawn["drums"].voice_gain_db


def test_draws_cover_their_ranges(scene):
    drawn = [draw(scene, seed) for seed in range(60)]
    tracks = [damage for each in drawn for damage in each.of_track.values()]
    gains_db = [damage.voice_gain_db for damage in tracks]
    assert -12 <= min(gains_db) < -11
    assert 11 < max(gains_db) <= 12
    assert max(abs(damage.tilt_db_per_octave) for damage in tracks) <= 2
    assert 0.35 < np.mean([damage.ratio > 1 for damage in tracks]) < 0.65
    assert 20 <= sum(each.folded for each in drawn) <= 40
    assert all((damage.position == 0.5) == each.folded for each in drawn for damage in each.of_track.values())
    assert 10 <= sum(each.of_track["vocals"].reverb is not None for each in drawn) <= 30
    assert not any(each.of_track["drums"].reverb for each in drawn)


def test_every_scene_has_a_name_of_its_own():
    assert len(catalog()) == (16 if MUSIC.exists() else 0)

"""Damage is what its settings describe, is drawn by scene and seed alone, and grows with its scale."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mixprior.mixing.evaluation import damage
from mixprior.mixing.evaluation.damage import UNDAMAGED, TrackDamage, draw, expanded, filtered
from mixprior.stats.measures.panning import mid_energy_fraction
from mixprior.stats.sound import Sound

pytestmark = pytest.mark.slow

RATE_HZ = 44_100
TASKS = (damage.LEVELS, damage.TILTED, damage.MASKED, damage.UNCOMPRESSED, damage.DRY, damage.MONO, damage.RAW)


def tone(frequency_hz: float, samples: int = 4 * RATE_HZ) -> np.ndarray:
    return np.tile(np.sin(2 * np.pi * frequency_hz * np.arange(samples) / RATE_HZ), (2, 1))


def gain_db(frequency_hz: float, tilt: float, bump_db: float) -> float:
    whole = tone(frequency_hz)  # whole periods
    return float(20 * np.log10(np.std(filtered(whole, tilt, bump_db)) / np.std(whole)))


@pytest.mark.parametrize(("frequency_hz", "octaves"), [(1000, 0), (8000, 3), (250, -2), (31.25, -5)])
def test_the_tilt_is_a_straight_line_over_octaves(frequency_hz, octaves):
    assert gain_db(frequency_hz, 1.5, 0) == pytest.approx(1.5 * octaves, abs=0.01)


def test_the_bump_is_where_voices_are_strongest_and_nowhere_else():
    assert gain_db(800, 0, 6) == pytest.approx(6, abs=0.01)
    assert gain_db(50, 0, 6) == pytest.approx(0, abs=0.01)


def test_expansion_keeps_the_energy_and_widens_the_range_by_its_share():
    rng = np.random.default_rng(0)
    steps_db = np.repeat(np.tile([0.0, -10.0], 5), 3 * RATE_HZ)
    audio = (0.1 * 10 ** (steps_db / 20) * rng.standard_normal((2, steps_db.size))).astype(np.float32)
    wide = expanded(audio, 0.5).astype(np.float32)
    assert np.sum(wide.astype(float) ** 2) == pytest.approx(np.sum(audio.astype(float) ** 2), rel=1e-5)
    assert Sound(audio, RATE_HZ).loudness_range_100ms_lu == pytest.approx(10, abs=0.5)
    assert Sound(wide, RATE_HZ).loudness_range_100ms_lu == pytest.approx(15, abs=0.7)


def test_no_damage_and_scale_zero_change_nothing(pair, band):
    for scene in (pair, band):
        for each in (UNDAMAGED, *(draw(scene, task, 0.0) for task in TASKS)):
            assert all(each.apply(scene)[name] is track for name, track in scene.tracks.items())


@pytest.mark.parametrize("task", TASKS)
def test_damage_is_drawn_by_scene_and_seed_alone_and_twice_the_scale_is_twice_as_much(task, band):
    once, twice = (draw(band, task, scale).of_track["drums"] for scale in (1.0, 2.0))
    assert draw(band, task) == draw(band, task)
    for name in ("gain_db", "tilt_db_per_octave", "bump_db", "expansion", "tail_db"):
        assert getattr(twice, name) == pytest.approx(2 * getattr(once, name))
    if once.gain_db:
        assert draw(band, task, seed=2).of_track["drums"].gain_db != once.gain_db
        assert draw(band, task, seed=1).of_track["drums"].gain_db == -once.gain_db
        assert draw(replace(band, name="b"), task).of_track["drums"] != once


def test_gains_have_their_nominal_spread_about_a_common_one(band):
    drawn = np.array([
        [draw(band, damage.LEVELS, seed=seed).of_track[name].gain_db for name in ("vocals", "drums", "bass")]
        for seed in range(300)
    ])  # fmt: skip
    assert np.std(drawn[:, 0] - drawn[:, 1]) == pytest.approx(np.sqrt(2) * damage.GAIN_SD_DB, rel=0.15)
    assert np.std(drawn.mean(axis=1)) == pytest.approx(
        np.hypot(damage.TOGETHER_SD_DB, damage.GAIN_SD_DB / np.sqrt(3)), rel=0.15
    )


def test_tracks_of_a_class_are_damaged_alike(band):
    drawn = draw(band, damage.RAW).of_track
    assert drawn["other"] == drawn["echo"] != drawn["drums"]


def test_the_masking_bump_is_on_all_but_the_vocals(band):
    drawn = draw(band, damage.MASKED).of_track
    assert drawn["vocals"] == TrackDamage()
    assert {each.bump_db for name, each in drawn.items() if name != "vocals"} == {damage.BUMP_DB}


def test_a_known_reverb_is_lowered_by_its_gain(pair):
    vocals, dry = pair.tracks["vocals"].audio, pair.dry["vocals"].audio
    left = draw(pair, damage.DRY).apply(pair)["vocals"].audio - dry
    lowered_db = 10 * np.log10(np.sum(left**2) / np.sum((vocals - dry) ** 2))
    assert lowered_db == pytest.approx(damage.TAIL_DB, abs=0.1)


def test_twice_the_narrowing_is_mono(band):
    found = {scale: draw(band, damage.MONO, scale).apply(band)["echo"] for scale in (1.0, 2.0)}
    assert np.abs(found[2.0].audio[0] - found[2.0].audio[1]).max() < 1e-6
    mids = [mid_energy_fraction(*each.energies) for each in (band.tracks["echo"], found[1.0], found[2.0])]
    assert mids[0] < mids[1] < mids[2]

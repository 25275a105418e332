"""The damage is what its settings say, and the oracle undoes what can be undone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mixprior.stats import loudness_blocks
from mixprior.stats.measures.loudness import integrated
from mixprior.stats.measures.loudness_range import loudness_range_100ms_lu
from mixprior.stats.measures.panning import energies, pan_position
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from tests.mixing.evaluation import generated
from tests.mixing.evaluation.scramble import KINDS, UNDAMAGED, Damage, compressed, draw, pan_gains, tilted

RATE_HZ = 44_100


@pytest.fixture(scope="module")
def scene():
    return generated.scene()


def tone(frequency_hz: float, samples: int = RATE_HZ) -> np.ndarray:
    return np.tile(np.sin(2 * np.pi * frequency_hz * np.arange(samples) / RATE_HZ), (2, 1))


@pytest.mark.parametrize(("frequency_hz", "octaves"), [(1000, 0), (2000, 1), (8000, 3), (250, -2), (31.25, -5)])
def test_the_tilt_is_a_straight_line_over_octaves(frequency_hz, octaves):
    samples = 4 * RATE_HZ  # whole periods of each tone
    gain_db = 20 * np.log10(np.std(tilted(tone(frequency_hz, samples), 1.5)) / np.std(tone(frequency_hz, samples)))
    assert gain_db == pytest.approx(1.5 * octaves, abs=0.01)


def test_the_opposite_tilt_undoes_a_tilt(scene):
    assert np.abs(tilted(tilted(scene.voice, 2.0), -2.0) - scene.voice).max() < 1e-6


@pytest.mark.parametrize("position", [0.0, 0.2, 0.5, 0.9])
def test_panning_keeps_the_power_and_puts_a_mono_sound_in_its_place(position):
    left, right, _ = energies(tone(440) * pan_gains(position))
    assert left + right == pytest.approx(RATE_HZ)
    assert np.degrees(np.arctan2(np.sqrt(right), np.sqrt(left))) == pytest.approx(90 * position, abs=1e-6)
    assert (pan_position(left, right) > 0.5) == (position > 0.5)


def test_over_compression_keeps_the_energy_and_takes_most_of_the_range():
    rng = np.random.default_rng(0)
    steps_db = np.repeat(np.tile([0.0, -10.0], 5), 3 * RATE_HZ)
    audio = (0.1 * 10 ** (steps_db / 20) * rng.standard_normal((2, steps_db.size))).astype(np.float32)
    squashed = compressed(audio, 10.0)
    assert np.sum(squashed**2) == pytest.approx(np.sum(audio.astype(float) ** 2), rel=1e-6)
    before, after = (
        loudness_range_100ms_lu(loudness_blocks.measure(sound, RATE_HZ).weighted) for sound in (audio, squashed)
    )
    assert before == pytest.approx(10, abs=0.5)
    assert after == pytest.approx(1, abs=0.5)  # 10 dB by a ratio of 10


def test_no_damage_changes_nothing(scene):
    voice, backing = UNDAMAGED.apply(scene)
    assert np.array_equal(voice, scene.voice)
    assert np.array_equal(backing, scene.backing)


def test_the_oracle_gives_the_original_back_where_all_can_be_undone(scene):
    damage = Damage("x", 7.0, -5.0, 1.3, 0.3, reverb_left_out=True)
    voice, backing = damage.apply(scene)
    assert np.abs(voice - scene.voice).max() > 0.1
    mended, mended_backing = damage.mend(scene, voice)
    assert np.abs(mended - scene.voice).max() < 1e-5
    assert np.array_equal(mended_backing, scene.backing)
    assert np.abs(backing - 10 ** (-5 / 20) * scene.backing).max() < 1e-6


@pytest.mark.parametrize(
    "damage",
    [Damage("c", 3.0, 0.0, 0.0, 0.5, 8.0), Damage("r", reverb=FdnReverbSettings(fade_in_s=0.05, dry_wet=0.7))],
    ids=["compression", "reverb"],
)
def test_where_something_is_lost_the_oracle_gives_the_loudness_back(scene, damage):
    mended, _ = damage.mend(scene, damage.apply(scene)[0])
    assert integrated(mended, RATE_HZ) == pytest.approx(integrated(scene.voice, RATE_HZ), abs=0.05)
    assert np.abs(mended - scene.voice).max() > 1e-3


def test_damage_is_drawn_by_scene_and_seed_alone():
    assert draw("a", 0) == draw("a", 0)
    assert draw("a", 0) != draw("a", 1)
    assert draw("a", 0) != draw("b", 0)


def test_a_kind_alone_is_the_same_as_among_the_others():
    whole, tilt = draw("a", 3), draw("a", 3, ("tilt",))
    assert tilt == replace(Damage(tilt.label), tilt_db_per_octave=whole.tilt_db_per_octave)


def test_draws_stay_in_their_ranges_and_cover_them():
    drawn = [draw("scene", seed) for seed in range(60)]
    gains = [gain for d in drawn for gain in (d.voice_gain_db, d.backing_gain_db)]
    assert -12 <= min(gains) < -9
    assert 9 < max(gains) <= 12
    assert all(abs(d.tilt_db_per_octave) <= 2 for d in drawn)
    assert all(0.2 <= d.position <= 0.8 for d in drawn)
    assert 15 <= sum(d.ratio > 1 for d in drawn) <= 45
    assert min(sum(d.reverb_left_out for d in drawn), sum(d.reverb is not None for d in drawn)) >= 10
    assert not any(d.reverb_left_out and d.reverb is not None for d in drawn)
    assert set(KINDS) == {"gain", "tilt", "pan", "compression", "reverb"}

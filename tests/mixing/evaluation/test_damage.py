"""Damage is what its settings describe, and the oracle undoes what can be undone."""

from __future__ import annotations

import numpy as np
import pytest

from mixprior.mixing.evaluation.damage import UNDAMAGED, Damage, TrackDamage, compressed, pan_gains, tilted
from mixprior.mixing.plan.multitrack import CLASSES
from mixprior.stats.measures.panning import energies, pan_position
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from mixprior.stats.sound import Sound

pytestmark = pytest.mark.slow

RATE_HZ = 44_100
REVERB = FdnReverbSettings(fade_in_s=0.05, dry_wet=0.7)


def tone(frequency_hz: float, samples: int = RATE_HZ) -> np.ndarray:
    return np.tile(np.sin(2 * np.pi * frequency_hz * np.arange(samples) / RATE_HZ), (2, 1))


def largest_difference(ours: dict[str, Sound], others: dict[str, Sound]) -> float:
    return max(np.abs(ours[name].audio - others[name].audio).max() for name in others)


@pytest.mark.parametrize(("frequency_hz", "octaves"), [(1000, 0), (2000, 1), (8000, 3), (250, -2), (31.25, -5)])
def test_the_tilt_is_a_straight_line_over_octaves(frequency_hz, octaves):
    samples = 4 * RATE_HZ  # whole periods of each tone
    gain_db = 20 * np.log10(np.std(tilted(tone(frequency_hz, samples), 1.5)) / np.std(tone(frequency_hz, samples)))
    assert gain_db == pytest.approx(1.5 * octaves, abs=0.01)


def test_the_opposite_tilt_undoes_a_tilt(pair):
    vocals = pair.tracks["vocals"].audio
    assert np.abs(tilted(tilted(vocals, 2.0), -2.0) - vocals).max() < 1e-6


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
    before_lu, after_lu = (
        Sound(each.astype(np.float32), RATE_HZ).loudness_range_100ms_lu for each in (audio, squashed)
    )
    assert before_lu == pytest.approx(10, abs=0.5)
    assert after_lu == pytest.approx(1, abs=0.5)  # 10 dB by a ratio of 10


def test_no_damage_changes_nothing(pair, band):
    for scene in (pair, band):
        assert largest_difference(UNDAMAGED.apply(scene), scene.tracks) == 0


def test_classes_sum_to_the_mix(band):
    classes = band.by_role(band.tracks)
    assert list(classes) == list(CLASSES)
    assert np.abs(Sound.sum(classes.values()).audio - band.mix.audio).max() < 1e-6


def test_the_oracle_restores_a_pair_where_all_can_be_undone(pair):
    vocals = TrackDamage(7.0, 1.3, 0.3, without_reverb=True)
    damage = Damage("x", {"vocals": vocals, "backing": TrackDamage(-5.0)})
    damaged = damage.apply(pair)
    assert np.abs(damaged["vocals"].audio - pair.tracks["vocals"].audio).max() > 0.1
    assert np.abs(damaged["backing"].audio - 10 ** (-5 / 20) * pair.tracks["backing"].audio).max() < 1e-6
    repaired = damage.repair(pair, damaged)
    assert largest_difference(repaired, pair.tracks) < 1e-5
    assert repaired["backing"] is pair.tracks["backing"]


def test_the_oracle_restores_tracks_and_leaves_the_others_alone(band):
    damage = Damage("x", {"drums": TrackDamage(7.0, 1.3, 0.3), "echo": TrackDamage(-9.0, -2.0, 0.5)})
    damaged = damage.apply(band)
    changed = {name for name, track in damaged.items() if not np.array_equal(track.audio, band.tracks[name].audio)}
    assert changed == {"drums", "echo"}
    assert largest_difference(damage.repair(band, damaged), band.tracks) < 1e-5


@pytest.mark.parametrize("damage", [TrackDamage(3.0, ratio=8.0), TrackDamage(reverb=REVERB)], ids=["ratio", "reverb"])
def test_where_something_is_lost_the_oracle_restores_the_loudness(pair, damage):
    whole, original = Damage("x", {"vocals": damage}), pair.tracks["vocals"]
    repaired = whole.repair(pair, whole.apply(pair))["vocals"]
    assert repaired.integrated_lufs == pytest.approx(original.integrated_lufs, abs=0.05)
    assert np.abs(repaired.audio - original.audio).max() > 1e-3


def test_a_folded_band_is_mono_and_the_oracle_restores_its_loudness(band):
    damage = Damage("x", {"other": TrackDamage(6.0)}, folded=True)
    damaged = damage.apply(band)
    assert all(np.array_equal(*track.audio) for track in damaged.values())
    for name, track in damage.repair(band, damaged).items():
        assert track.integrated_lufs == pytest.approx(band.tracks[name].integrated_lufs, abs=0.01), name

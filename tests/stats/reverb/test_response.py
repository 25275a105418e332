"""The response of an estimated reverberation measures as it was estimated."""

import numpy as np
import pytest

from mixprior.stats.reverb import energy_decay
from mixprior.stats.reverb.blind.estimate import Reverberation
from mixprior.stats.reverb.response import RATE_HZ, synthesise, without_direct

ESTIMATES = {
    "hall": ((2.6, 2.4, 2.2, 1.8, 1.3), -14.0, (-10.0, -11.0, -12.0, -13.0, -15.0)),
    "plate": ((1.1, 1.2, 1.3, 1.4, 1.2), -8.0, (-9.0, -8.0, -7.0, -7.0, -8.0)),
    "room": ((0.45, 0.4, 0.35, 0.35, 0.3), -22.0, (-18.0, -18.0, -20.0, -20.0, -22.0)),
}


def reverberation(name: str) -> Reverberation:
    times_s, level_db, levels_db = ESTIMATES[name]
    return Reverberation(times_s[2], np.array(times_s), level_db, np.array(levels_db), 0.8, 3)


@pytest.mark.parametrize("name", ESTIMATES)
def test_times_and_level_come_back_when_the_response_is_measured(name):
    estimate = reverberation(name)
    sound = synthesise(estimate, seed=1)
    assert np.array_equal(sound[:, 0], [1.0, 1.0])
    times_s = energy_decay.octave_reverberation_times_s(without_direct(sound, RATE_HZ), RATE_HZ)
    assert times_s == pytest.approx(estimate.rt60_octaves_s.tolist(), rel=0.1)
    assert energy_decay.wet_dry_db(sound, RATE_HZ) == pytest.approx(estimate.wet_dry_db, abs=0.5)


def test_octaves_have_the_levels_that_were_estimated():
    """Where the highs can make up the broadband level, the octaves keep theirs."""
    estimate = reverberation("hall")
    sound = synthesise(estimate, seed=2)
    late = sound.copy()
    late[:, 0] = 0.0
    power = np.mean(np.abs(np.fft.rfft(late)) ** 2, axis=0)  # against 1, the flat spectrum of the unit impulse
    frequencies_hz = np.fft.rfftfreq(late.shape[1], 1 / RATE_HZ)
    for centre_hz, level_db in zip(energy_decay.OCTAVE_BANDS_HZ, estimate.wet_dry_octaves_db, strict=True):
        inside = (frequencies_hz > centre_hz / 2**0.5) & (frequencies_hz < centre_hz * 2**0.5)
        assert 10 * np.log10(power[inside].mean()) == pytest.approx(level_db, abs=0.5)


def test_the_same_seed_makes_the_same_noise_and_channels_are_independent():
    estimate = reverberation("room")
    first, again, other = (synthesise(estimate, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    left, right = without_direct(first, RATE_HZ)
    assert abs(np.corrcoef(left, right)[0, 1]) < 0.1


def test_the_direct_sound_is_cut_wherever_it_lies():
    sound = np.zeros((2, 2000))
    sound[:, 700] = [1.0, -0.5]
    sound[:, 1500:] = 0.1
    assert np.array_equal(without_direct(sound, RATE_HZ)[:, -500:], np.full((2, 500), 0.1))
    assert without_direct(sound, RATE_HZ).shape == (2, 2000 - 700 - 111)

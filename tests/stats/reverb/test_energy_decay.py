"""Known decays give known times and levels; noise, silence and short files give None or a plain error."""

import numpy as np
import pytest

from mixprior.stats.errors import InputError
from mixprior.stats.reverb import energy_decay
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from tools.reverb.truths import measured

RATE_HZ = 48_000


def decaying_noise(time_s: float, level: float = 0.1, floor: float = 0.0, seconds: float = 3.0) -> np.ndarray:
    generator = np.random.default_rng(3)
    time = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
    noise = generator.standard_normal((2, 2, time.size))
    return level * noise[0] * 10 ** (-3 * time / time_s) + floor * noise[1]


@pytest.mark.parametrize("time_s", [0.3, 1.0, 2.5])
@pytest.mark.parametrize("floor", [0.0, 1e-4])
def test_a_known_decay_gives_its_time_with_and_without_noise(time_s: float, floor: float) -> None:
    found = energy_decay.reverberation_time_s(decaying_noise(time_s, floor=floor), RATE_HZ)
    assert found == pytest.approx(time_s, rel=0.03)


def test_octaves_decay_each_in_its_own_time() -> None:
    time = np.arange(2 * RATE_HZ) / RATE_HZ
    tones = {250: 1.2, 1000: 0.6, 4000: 0.3}
    response = sum(np.sin(2 * np.pi * hz * time) * 10 ** (-3 * time / time_s) for hz, time_s in tones.items())
    for hz, time_s in tones.items():
        assert energy_decay.reverberation_time_s(response, RATE_HZ, hz) == pytest.approx(time_s, rel=0.05)
    assert len(energy_decay.octave_reverberation_times_s(response, RATE_HZ)) == 5


@pytest.mark.parametrize(
    "response", [np.zeros(RATE_HZ), np.ones(100), np.random.default_rng(0).standard_normal(RATE_HZ)]
)
def test_silence_snippets_and_steady_noise_have_no_time(response: np.ndarray) -> None:
    assert energy_decay.reverberation_time_s(response, RATE_HZ) is None


def test_trailing_zeros_do_not_change_the_time() -> None:
    response = decaying_noise(0.5, seconds=0.6)
    padded = np.pad(response, ((0, 0), (0, RATE_HZ)))
    plain = energy_decay.reverberation_time_s(response, RATE_HZ)
    assert energy_decay.reverberation_time_s(padded, RATE_HZ) == pytest.approx(plain, rel=0.03)


def test_wet_level_is_late_energy_over_the_peak() -> None:
    response = np.zeros(RATE_HZ)
    response[100], response[1000], response[5000] = 1.0, 0.1, -0.1
    assert energy_decay.wet_dry_db(response, RATE_HZ) == pytest.approx(10 * np.log10(0.02))
    assert energy_decay.wet_dry_db(response[:200], RATE_HZ) is None


def test_levels_are_energy_per_second_and_hertz_against_the_direct_sound() -> None:
    # White noise of variance s^2 after a unit impulse: s^2 * rate of energy a second, evenly over frequency.
    response = 0.01 * np.random.default_rng(1).standard_normal((8, 3 * RATE_HZ))
    response[:, 0] = 1.0
    level = energy_decay.measure(response, RATE_HZ).level_db
    late = energy_decay.frame_times_s() > 0.3
    assert np.abs(level[:, late].mean(axis=1) - 10 * np.log10(1e-4 * RATE_HZ)).max() < 0.5


def test_levels_do_not_depend_on_gain_or_rate() -> None:
    settings = FdnReverbSettings(dry_wet=0.2, reverberation_time_s=1.0, fade_in_s=0.2)
    level = measured(settings, 48_000).level_db
    resolved = energy_decay.resolved_cells() & (level > level.max() - 50)
    assert np.abs(measured(settings, 44_100).level_db - level)[resolved].mean() < 0.25
    response = decaying_noise(1.0)
    response[:, 0] = 5.0
    one, other = (energy_decay.measure(gain * response, RATE_HZ).level_db for gain in (1.0, 0.02))
    assert np.allclose(one, other, atol=1e-6)


def test_low_rates_silence_and_foreign_grids_are_told() -> None:
    with pytest.raises(InputError, match="resample"):
        energy_decay.measure(np.ones((1, 16_000)), 16_000)
    with pytest.raises(InputError, match="silent"):
        energy_decay.measure(np.zeros((1, RATE_HZ)), RATE_HZ)
    with pytest.raises(InputError, match="grid"):
        energy_decay.on_grid(np.zeros((3, 3)))


def test_a_direct_sound_is_a_peak_that_little_comes_before() -> None:
    tail = decaying_noise(1.0, level=0.005)
    assert energy_decay.has_direct_sound(np.concatenate([[[1.0], [1.0]], tail], axis=1), RATE_HZ)
    early = np.concatenate([[[1.0], [1.0]], tail], axis=1)
    early[:, 200] = 1.5  # a reflection that is louder than the direct sound
    assert energy_decay.has_direct_sound(early, RATE_HZ)
    growing = tail * np.minimum(np.arange(tail.shape[1]) / RATE_HZ / 0.3, 1.0)
    assert not energy_decay.has_direct_sound(growing, RATE_HZ)

"""Broadband decays: residuals tell a slope, and digital silence is not taken for noise."""

import warnings

import numpy as np
import pytest

from mixprior.stats.reverb import energy_decay
from mixprior.stats.reverb.fdn.broadband import BroadbandDecay
from mixprior.stats.reverb.fdn.closed_form import Target

RATE_HZ = 16_000


def exponential(time_s: float) -> np.ndarray:
    times = energy_decay.frame_times_s()
    return np.repeat(-60.0 * times[None] / time_s, energy_decay.band_centres_hz().size, axis=0)


def test_a_target_has_no_residual_against_itself_and_gain_does_not_matter() -> None:
    target = Target.of(energy_decay.on_grid(exponential(1.0)))
    residuals = BroadbandDecay(target).residuals(np.stack([np.zeros(target.level_db.size), np.full(22 * 36, 3.0)]))
    assert residuals.shape[1] > 5
    assert np.allclose(residuals, 0.0, atol=1e-6)


def test_a_longer_decay_stands_above_the_target_by_its_slope() -> None:
    target = Target.of(energy_decay.on_grid(exponential(1.0)))
    longer = (exponential(1.25) - target.level_db).reshape(1, -1)
    residuals = BroadbandDecay(target).residuals(np.maximum(longer, 0.0))[0] / 5.0
    # A fifth less steep: 27 dB down it is 5.4 dB above, 3 dB down 0.6 dB.
    assert np.all(np.diff(residuals) > 0)
    assert 0.5 < residuals[0] < 1.5
    assert 4.0 < residuals[-1] < 5.5


def test_a_target_that_hardly_decays_has_no_residuals() -> None:
    target = Target.of(energy_decay.on_grid(exponential(1e4)))
    broadband = BroadbandDecay(target)
    assert broadband.weights.size == 0
    assert broadband.residuals(np.zeros((2, 22 * 36))).shape == (2, 0)


@pytest.mark.parametrize("place", ["behind the direct sound", "at the end"])
def test_digital_silence_does_not_change_a_reverberation_time(place: str) -> None:
    decay = 10 ** (-3 * np.arange(RATE_HZ) / RATE_HZ / 0.5)
    pieces = {
        "behind the direct sound": [np.ones(1), np.zeros(800), decay],
        "at the end": [decay[: RATE_HZ // 2], np.zeros(2 * RATE_HZ), np.full(1, 1e-9)],
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        time_s = energy_decay.reverberation_time_s(np.concatenate(pieces[place]), RATE_HZ)
    assert time_s == pytest.approx(0.5, rel=0.03)

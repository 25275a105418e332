"""Panning: a sound put at a known place is found there."""

import numpy as np
import pytest

from mixprior.stats.measures import panning
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import Stem, StemSet


def noise(seconds=4.0, seed=0, channels=1):
    samples = round(seconds * SAMPLE_RATE_HZ)
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, samples))).astype(np.float32)


def panned(position, sound):
    return np.concatenate([(1 - position) * sound, position * sound]).astype(np.float32)


def measure(audio):
    return panning.STATISTIC.measure(stem(audio))


def stem(audio) -> Stem:
    return StemSet({"vocals": audio, "other": np.zeros_like(audio)})["vocals"]


@pytest.mark.parametrize("position", [0.0, 0.1, 0.25, 0.4, 0.5, 0.65, 0.8, 0.95, 1.0])
def test_a_linear_pan_is_recovered_with_and_without_bleed(position):
    audio = panned(position, noise())
    assert measure(audio)["pan_position"] == pytest.approx(position, abs=0.002)
    bleed = 0.01 * noise(seed=1, channels=2)  # 40 dB down, not correlated
    assert measure(audio + bleed)["pan_position"] == pytest.approx(position, abs=0.01)


@pytest.mark.parametrize("position", [0.1, 0.25, 0.4, 0.5, 0.65, 0.8])
def test_phi_and_sps_of_a_panned_sound_are_those_of_its_gains(position):
    found = measure(panned(position, noise()))
    phi = 2 * position * (1 - position) / (position**2 + (1 - position) ** 2)
    np.testing.assert_allclose(found["sps_phi"], phi, atol=1e-4)
    for band in panning.BANDS_HZ:
        assert found[f"sps_rms_{band}"] == pytest.approx(1 - phi, abs=1e-3)


def test_unrelated_channels_read_the_phi_of_theory():
    found = measure(noise(30, channels=2))
    # The share u of one channel's power is uniform: phi = 2 sqrt(u (1 - u)), mean pi/4; mean square 2/3.
    assert np.mean(found["sps_phi"]) == pytest.approx(np.pi / 4, abs=0.001)
    assert found["sps_rms_full"] == pytest.approx(np.sqrt(1 - np.pi / 2 + 2 / 3), abs=0.002)
    assert found["mid_energy_fraction"] == pytest.approx(0.5, abs=0.002)
    assert found["pan_position"] == pytest.approx(0.5, abs=0.002)


@pytest.mark.parametrize(
    ("left", "right", "position", "phi", "mid"),
    [(1, 0, 0.0, 0.0, 0.5), (0, 1, 1.0, 0.0, 0.5), (1, 1, 0.5, 1.0, 1.0), (1, -1, 0.5, 1.0, 0.0)],
)
def test_corner_cases_are_exact_and_never_nan(left, right, position, phi, mid):
    sound = noise()
    found = measure(np.concatenate([left * sound, right * sound]))
    assert found["pan_position"] == pytest.approx(position, abs=1e-9)
    assert found["mid_energy_fraction"] == pytest.approx(mid, abs=1e-9)
    np.testing.assert_allclose(found["sps_phi"], phi, atol=1e-6)
    for band in panning.BANDS_HZ:
        assert found[f"sps_rms_{band}"] == pytest.approx(1 - phi, abs=1e-6)


def test_sounds_on_both_sides_in_different_bands_are_told_apart_by_frequency():
    """A low tone on the left and a high one on the right: position in the middle, width in the bands."""
    time = np.arange(4 * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    audio = 0.1 * np.stack([np.sin(2 * np.pi * 120 * time), np.sin(2 * np.pi * 6000 * time)]).astype(np.float32)
    found = measure(audio)
    assert found["pan_position"] == pytest.approx(0.5, abs=0.002)
    axis = np.array(panning.STATISTIC.columns[0].axis_hz)
    assert found["sps_phi"][np.abs(axis - 120).argmin()] < 0.1
    assert found["sps_phi"][np.abs(axis - 6000).argmin()] < 0.1


def test_silent_stretches_do_not_move_the_panning():
    audio = panned(0.8, noise())
    pause = 1e-5 * noise(6, seed=2, channels=2)
    found, apart = measure(audio), measure(np.concatenate([audio, pause], axis=-1))
    for band in panning.BANDS_HZ:
        assert apart[f"sps_rms_{band}"] == pytest.approx(found[f"sps_rms_{band}"], abs=0.002)
    assert np.mean(apart["sps_phi"]) == pytest.approx(np.mean(found["sps_phi"]), abs=0.01)


def test_bins_that_were_never_excited_are_nan_in_the_vector():
    time = np.arange(4 * 65_536)
    audio = np.tile((0.5 * np.sin(2 * np.pi * 1600 / 65_536 * time)).astype(np.float32), (2, 1))
    phi = measure(audio)["sps_phi"]
    assert phi[100] == pytest.approx(1.0, abs=1e-6)
    assert np.isnan(phi).any()
    assert not (np.abs(phi[np.isfinite(phi)] - 1.0) > 0.01).any()


def test_sps_rms_equals_the_plain_computation():
    audio = (noise(2) * np.array([[1.0], [0.4]]) + 0.3 * noise(2, seed=4, channels=2)).astype(np.float32)
    window = np.sqrt(np.hanning(2049)[:-1])
    frames = np.lib.stride_tricks.sliding_window_view(audio.astype(np.float64), 2048, axis=-1)[:, ::1024]
    left, right = np.abs(np.fft.rfft(frames * window, axis=-1))
    phi = 2 * left * right / (left**2 + right**2)
    sps = (1 - phi) * np.sign(right - left)
    found = panning.sps_rms(audio)
    for band, (first, end) in {"full": (0, 1024), "low": (0, 11), "mid": (11, 116), "high": (116, 1024)}.items():
        assert found[band] == pytest.approx(np.sqrt((sps[:, first:end] ** 2).mean(axis=1)).mean(), rel=1e-4)


def test_silence_is_null():
    found = measure(np.zeros((2, 3 * SAMPLE_RATE_HZ), np.float32))
    assert set(found) == {column.name for column in panning.STATISTIC.columns}
    assert all(value is None for value in found.values())


def test_a_sound_of_half_a_second_is_measured():
    found = measure(panned(0.3, noise(0.5)))
    assert found["pan_position"] == pytest.approx(0.3, abs=0.002)
    assert found["sps_rms_full"] == pytest.approx(1 - 2 * 0.3 * 0.7 / (0.3**2 + 0.7**2), abs=0.001)

"""True peak: what full oversampling gives, on sounds made to defeat the short cut."""

import numpy as np
import pytest
from scipy.signal import lfilter, resample_poly

from mixprior.stats.measures.true_peak import true_peak_dbtp


def oversampled_peak(audio):
    return np.abs(resample_poly(np.asarray(audio, np.float64), 4, 1, axis=-1)).max()


def linear_peak(audio):
    return 10 ** (true_peak_dbtp(audio) / 20)


def noise(seed, samples=100_000):
    return np.random.default_rng(seed).standard_normal((2, samples)).astype(np.float32)


def limited(seed):
    """Loud low-pass noise whose samples are cut at 0.5: many places that could hold the peak."""
    return np.clip(lfilter([1], [1, -0.9], noise(seed), axis=-1), -0.5, 0.5).astype(np.float32)


def sparse(seed):
    """Impulses of either sign among silence."""
    rng = np.random.default_rng(seed)
    return (rng.choice([-1.0, 0.0, 1.0], (2, 20_000), p=[0.01, 0.98, 0.01])).astype(np.float32)


def slow(seed):
    """Bass: large samples that hardly bend."""
    return lfilter([1e-4], [1, -1.98, 0.9801], noise(seed), axis=-1).astype(np.float32)


@pytest.mark.parametrize("sound", [noise, limited, sparse, slow])
@pytest.mark.parametrize("seed", range(5))
def test_peak_equals_that_of_full_oversampling(sound, seed):
    audio = sound(seed)
    assert linear_peak(audio) == pytest.approx(oversampled_peak(audio), rel=1e-6)


@pytest.mark.parametrize("samples", [1, 2, 3, 10, 63, 64, 65, 128, 129, 191, 192, 193, 256, 257, 321, 1000])
def test_peak_is_found_at_any_length(samples):
    for seed in range(20):
        audio = noise(seed, samples)
        assert linear_peak(audio) == pytest.approx(oversampled_peak(audio), rel=1e-6)


@pytest.mark.parametrize("position", [0, 1, 9, 10, 62, 63, 64, 65, 127, 128, 700, 935, 936, 937, 989, 990, 998, 999])
def test_peak_is_found_wherever_it_lies(position):
    for pulse in ([1.0], [1.0, 1.0], [0.6, 1.0, 1.0, 0.6]):
        audio = np.zeros((1, 1000 + len(pulse)), np.float32)
        audio[0, position : position + len(pulse)] = pulse
        assert linear_peak(audio) == pytest.approx(oversampled_peak(audio), rel=1e-6)


def test_peak_is_that_of_the_louder_channel():
    audio = noise(1)
    audio[0] *= 0.1
    assert true_peak_dbtp(audio) == true_peak_dbtp(audio[1:]) == true_peak_dbtp(audio[::-1])


def test_float64_and_strided_samples_are_taken_as_they_are():
    audio = noise(2).astype(np.float64)
    assert linear_peak(audio[:, ::3]) == pytest.approx(oversampled_peak(audio[:, ::3]), rel=1e-12)


@pytest.mark.parametrize("samples", [0, 1, 1000])
def test_digital_silence_has_no_peak(samples):
    assert true_peak_dbtp(np.zeros((2, samples), np.float32)) is None

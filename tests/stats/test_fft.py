"""Transforms of several at once are those of numpy in float64, to the rounding of float32, and alike however many."""

import hashlib
import os
import re
import subprocess
import sys

import numba
import numpy as np
import pytest
from numba.core import registry

from mixprior.stats import long_term_spectra
from mixprior.stats.fft import bands, long, real
from mixprior.stats.fft.butterflies import radices
from mixprior.stats.fft.lanes import LANES, load, log, store
from mixprior.stats.measures import onsets, panning
from mixprior.stats.windows import periodic_hann

ROUNDING = 2e-7
"""Of the root mean square of a spectrum."""


def noise(samples, seed=0):
    return np.random.default_rng(seed).standard_normal(samples).astype(np.float32)


def spectra(sound, window, hop, count):
    """Of `count` frames: complex, shape (`LANES`, bins)."""
    size = window.size
    re, im = np.full((2, LANES * (size // 2 + 1)), np.nan, np.float32)
    real.frames(sound, hop, count, real.plan(window), np.full((2, LANES // 2 * size), np.nan, np.float32), re, im)
    return (re + 1j * im.astype(float)).reshape(-1, LANES).T


def spectrum(sound, window):
    """Of one long frame, shape (bins,): each number or its conjugate."""
    size = long.size(window.size)
    plan, work = long.plan(window), np.zeros((4, long.work_size(window.size)), np.float32)
    re, im = np.full((2, size), np.nan, np.float32)
    for group in range(long.PARTS // LANES):
        long.columns(sound, group, plan, work, re, im)
    for group in range(size // long.PARTS // LANES):
        long.rows(re, im, group, plan)
    return (re + 1j * im.astype(float))[long.places(window.size)]


def off(found, expected):
    return np.sqrt(np.mean(np.abs(found - expected) ** 2) / np.mean(np.abs(expected) ** 2))


@pytest.mark.parametrize("size", [32, 128, 240, 1024, 1440, 2048])
@pytest.mark.parametrize("count", [1, 3, 8, LANES])
def test_spectra_of_frames_are_numpys(size, count):
    window, hop = periodic_hann(size), size // 2 + 4
    sound = noise(hop * (count - 1) + size)
    frames = np.lib.stride_tricks.sliding_window_view(sound, size)[::hop]
    found = spectra(sound, window, hop, count)[:count]
    assert off(found, np.fft.rfft(frames * window, axis=1)) < ROUNDING


@pytest.mark.parametrize("size", [8_192, 65_536])
def test_the_spectrum_of_a_long_frame_is_numpys_but_for_conjugates(size):
    window, sound = np.sqrt(periodic_hann(size)), noise(size)
    found, expected = spectrum(sound, window), np.fft.rfft(sound * window)
    assert off(np.where(found.imag * expected.imag < 0, found.conj(), found), expected) < ROUNDING


def test_a_frame_reads_alike_whatever_is_beside_it():
    window, sound = periodic_hann(1024), noise(1024 * LANES)
    together = spectra(sound, window, 1024, LANES)
    for k in range(LANES):
        assert np.array_equal(spectra(sound[1024 * k :], window, 1024, 1)[0], together[k])


def test_silence_has_no_spectrum_and_what_is_no_number_stays_in_its_frame():
    window, sound = periodic_hann(128), np.zeros(128 * LANES, np.float32)
    assert not spectra(sound, window, 128, LANES).any()
    assert not spectrum(np.zeros(8_192, np.float32), periodic_hann(8_192)).any()
    sound[128 * 2 + 5] = np.nan
    finite = np.isfinite(spectra(sound, window, 128, LANES)).all(axis=1)
    assert np.flatnonzero(~finite).tolist() == [2]


@pytest.mark.parametrize("length", [0, 2, 45, 90, 7 * 64])
def test_a_length_that_is_no_product_of_fours_eights_threes_and_fives_is_refused(length):
    with pytest.raises(ValueError, match=str(length)):
        radices(length)


def test_a_sum_of_sounds_has_the_sum_of_their_spectra():
    stems = {name: np.stack([noise(100_000, seed), noise(100_000, seed + 9)]) for seed, name in enumerate("abc")}
    sums = {"ab": ["a", "b"], "all": ["ab", "c"]}
    sounds = {**stems, "ab": stems["a"] + stems["b"], "all": stems["a"] + stems["b"] + stems["c"]}
    by_sum, alone = long_term_spectra.measure_all(sounds, sums), long_term_spectra.measure_all(sounds, {})
    for name in sounds:
        for one, other in zip(vars(by_sum[name]).values(), vars(alone[name]).values(), strict=True):
            np.testing.assert_allclose(one, other, rtol=1e-3)  # single bins are far below the mean one
            assert off(one, other) < 2e-6


@numba.njit
def logarithms(numbers):
    for at in range(0, numbers.size, LANES):
        store(numbers, at, log(load(numbers, at)))


def test_logarithms_are_numpys():
    numbers = np.geomspace(1e-30, 1e30, 4_000).astype(np.float32)
    expected = np.log(numbers.astype(float))
    logarithms(numbers)
    np.testing.assert_allclose(numbers, expected, rtol=3e-7, atol=1e-7)


def digest_of_all_kernels():
    """Of what is computed in lanes of float32, of frames that fill the last row and such that do not."""
    stems = {name: np.stack([noise(160_000, seed), noise(160_000, seed + 9)]) for seed, name in enumerate("abc")}
    sums = {"all": ["a", "b", "c"]}
    sounds = {**stems, "all": stems["a"] + stems["b"] + stems["c"]}
    frames = np.lib.stride_tricks.sliding_window_view(sounds["all"], 1024, axis=1)[:, ::1024]
    weights = np.random.default_rng(3).random((5, 1024 // 2 + 1)).astype(np.float32)
    powers = bands.powers(frames[0], 1024, real.plan(periodic_hann(1024)), bands.bins_of(weights), weights)
    spectra = long_term_spectra.measure_all(sounds, sums)
    found = hashlib.sha256(powers.tobytes())
    for each in (*onsets.novelty(frames, 2.0), *(part for name in sounds for part in vars(spectra[name]).values())):
        found.update(np.ascontiguousarray(each).tobytes())
    found.update(repr(panning.sps_rms_all(sounds, sums)).encode())
    return found.hexdigest()


@pytest.mark.skipif(LANES == 8, reason="this processor has no AVX-512: there is nothing to compare with")
def test_on_a_processor_without_avx512_the_bytes_are_the_same():
    features = registry.cpu_target.target_context.codegen().magic_tuple()[2]
    code = "from tests.stats import test_fft as t; print(t.LANES, t.digest_of_all_kernels())"
    environment = {**os.environ, "NUMBA_CPU_FEATURES": re.sub(r"\+(avx512\w*)", r"-\1", features)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["8", digest_of_all_kernels()]

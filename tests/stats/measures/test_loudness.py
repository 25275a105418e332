"""Loudness against the published coefficients, against pyloudnorm, and against what physics says."""

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
import pyloudnorm
import pytest
from scipy.signal import lfilter, sosfilt

from mixprior.stats.loudness_blocks import k_weighting, measure
from mixprior.stats.measures import loudness
from mixprior.stats.measures.loudness import (
    channel_sum,
    integrated_lufs,
    max_momentary_lufs,
    max_short_term_lufs,
)
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import StemSet


def musical(seed, seconds=30.0, rate_hz=SAMPLE_RATE_HZ, channels=2, swell_db=50):
    """Pink-ish noise that swells, pauses and is panned: float32, shape (channels, samples)."""
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal((channels, int(seconds * rate_hz)))
    pink = lfilter([1], [1, -0.95], noise, axis=-1)
    knots = rng.uniform(-swell_db, 0, int(seconds) + 2)
    level_db = np.interp(np.arange(pink.shape[-1]) / rate_hz, np.arange(knots.size), knots)
    pan = rng.uniform(0.2, 1, (channels, 1))
    return (0.05 * pan * 10 ** (level_db / 20) * pink).astype(np.float32)


def test_coefficients_at_48_khz_are_those_that_bs_1770_prints():
    shelf, high_pass = k_weighting(48_000)
    np.testing.assert_allclose(shelf[:3], [1.53512485958697, -2.69169618940638, 1.19839281085285], rtol=1e-12)
    np.testing.assert_allclose(shelf[4:], [-1.69065929318241, 0.73248077421585], rtol=1e-12)
    np.testing.assert_allclose(high_pass[:3], [1, -2, 1], rtol=0)
    np.testing.assert_allclose(high_pass[4:], [-1.99004745483398, 0.99007225036621], rtol=1e-12)


@pytest.mark.parametrize("rate_hz", [8_000, 44_100, 48_000, 96_000])
def test_k_weighting_is_the_design_of_pyloudnorm(rate_hz):
    # Its constants have a few digits less.
    shelf = pyloudnorm.IIRfilter(3.99984385397, 0.7071752369554193, 1681.974450955532, rate_hz, "high_shelf_DeMan")
    high_pass = pyloudnorm.IIRfilter(0.0, 0.5003270373253953, 38.13547087613982, rate_hz, "high_pass_DeMan")
    theirs = [[*biquad.b, *biquad.a] for biquad in (shelf, high_pass)]
    np.testing.assert_allclose(k_weighting(rate_hz), theirs, rtol=0, atol=2e-12)


@pytest.mark.parametrize(
    ("rate_hz", "tolerance_db"), [(22_050, 0.08), (44_100, 0.005), (96_000, 0.03), (192_000, 0.04)]
)
def test_k_weighting_is_the_same_filter_at_any_rate(rate_hz, tolerance_db):
    def gain_db(rate_hz, frequency_hz):
        z = np.exp(-2j * np.pi * frequency_hz / rate_hz * np.arange(3))
        return sum(20 * np.log10(abs((b @ z) / (a @ z))) for b, a in (np.split(s, 2) for s in k_weighting(rate_hz)))

    for frequency_hz in (20, 38, 100, 500, 1000, 2000, 4000, 8000, 10_000):
        assert gain_db(rate_hz, frequency_hz) == pytest.approx(gain_db(48_000, frequency_hz), abs=tolerance_db)


@pytest.mark.parametrize("rate_hz", [11_025, 44_100, 48_000])
@pytest.mark.parametrize("channels", [1, 2, 5, 6])
def test_blocks_equal_scipy_filtering_the_whole_signal(rate_hz, channels):
    audio = musical(1, 5.03, rate_hz, channels)
    filtered = sosfilt(k_weighting(rate_hz), audio.astype(np.float64), axis=-1)
    block = round(rate_hz / 10)
    whole = audio.shape[-1] // block * block

    def mean_squares(signal):
        return (signal[..., :whole] ** 2).reshape(*signal.shape[:-1], -1, block).mean(axis=-1)

    blocks = measure(audio, rate_hz)
    np.testing.assert_allclose(blocks.weighted, mean_squares(filtered), rtol=1e-9)
    np.testing.assert_allclose(blocks.plain, mean_squares(audio.astype(np.float64)), rtol=1e-9)
    np.testing.assert_allclose(blocks.mono_weighted, mean_squares(filtered.mean(axis=0)), rtol=1e-9)
    edges = [b * block + part * block // 5 for b in range(whole // block) for part in range(5)] + [whole]
    parts = [np.mean(filtered[:, a:b] ** 2, axis=-1) for a, b in pairwise(edges)]
    np.testing.assert_allclose(blocks.weighted_20ms, np.transpose(parts), rtol=1e-9)


def test_silence_after_sound_is_silent_to_the_last_block():
    audio = musical(2, 20)
    audio[:, 5 * SAMPLE_RATE_HZ :] = 0
    blocks = measure(audio, SAMPLE_RATE_HZ)
    assert blocks.weighted[:, 150:].max() == 0
    assert blocks.plain[:, 50:].max() == 0


def test_threads_do_not_disturb_each_other():
    sounds = [musical(seed, 10) for seed in range(8)]
    alone = [measure(sound, SAMPLE_RATE_HZ).weighted for sound in sounds]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda sound: measure(sound, SAMPLE_RATE_HZ).weighted, sounds))
    np.testing.assert_array_equal(together, alone)


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("rate_hz", [44_100, 48_000])
def test_integrated_loudness_equals_pyloudnorm(seed, rate_hz):
    audio = musical(seed, rate_hz=rate_hz)
    meter = pyloudnorm.Meter(rate_hz, filter_class="DeMan")
    assert integrated_lufs(measure(audio, rate_hz).weighted) == pytest.approx(
        meter.integrated_loudness(audio.T), abs=1e-3
    )


def test_mono_full_scale_sine_at_997_hz_reads_minus_3_01():
    wave = np.sin(2 * np.pi * 997 * np.arange(480_000) / 48_000)[np.newaxis]
    assert integrated_lufs(measure(wave, 48_000).weighted) == pytest.approx(-3.01, abs=0.005)


def test_6_db_more_reads_6_lu_more():
    audio = musical(3)
    louder = integrated_lufs(measure(audio * np.float32(2), SAMPLE_RATE_HZ).weighted) - integrated_lufs(
        measure(audio, SAMPLE_RATE_HZ).weighted
    )
    # Every block is above the absolute gate, so that the relative one moves along.
    audible = channel_sum(measure(audio, SAMPLE_RATE_HZ).weighted)
    assert loudness.lufs(audible).min() > -70
    assert louder == pytest.approx(20 * np.log10(2), abs=1e-9)


@pytest.mark.parametrize("level", [0.0, 1e-5])
def test_nothing_above_the_absolute_gate_has_no_loudness(level):
    audio = (level * np.random.default_rng(4).standard_normal((2, 10 * SAMPLE_RATE_HZ))).astype(np.float32)
    blocks = measure(audio, SAMPLE_RATE_HZ)
    assert integrated_lufs(blocks.weighted) is None
    assert max_momentary_lufs(blocks) is None
    assert max_short_term_lufs(blocks) is None


@pytest.mark.parametrize("samples", [0, 1, 4409, 4 * 4410 - 1])
def test_less_than_400_ms_has_no_loudness(samples):
    blocks = measure(np.full((2, samples), 0.5, np.float32), SAMPLE_RATE_HZ)
    assert blocks.weighted.shape == (2, samples // 4410)
    assert integrated_lufs(blocks.weighted) is None
    assert max_momentary_lufs(blocks) is None


def test_2_s_have_momentary_but_no_short_term_loudness():
    blocks = measure(musical(5, 2), SAMPLE_RATE_HZ)
    assert max_momentary_lufs(blocks) is not None
    assert max_short_term_lufs(blocks) is None


def test_low_frequency_effects_do_not_count_and_surrounds_count_more():
    one = np.eye(6)[:, :, np.newaxis]
    assert [channel_sum(mean_square)[0] for mean_square in one] == [1, 1, 1, 0, 1.41, 1.41]


def test_more_than_six_channels_are_refused():
    with pytest.raises(ValueError, match="1 to 6 channels, got 7"):
        channel_sum(np.ones((7, 10)))


def test_stems_are_held_against_the_mixture_and_against_the_rest():
    rng = np.random.default_rng(6)
    voice, band = (0.05 * rng.standard_normal((2, 20 * SAMPLE_RATE_HZ)).astype(np.float32) for _ in range(2))
    song = StemSet({"vocals": voice, "other": 2 * band})
    rows = {stem.name: loudness.STATISTIC.measure(stem) for stem in song.rows() if stem.name != "song"}
    # Unrelated noises add in power: 1 + 4 = 5.
    assert rows["vocals"]["loudness_vs_mixture_lu"] == pytest.approx(-10 * np.log10(5), abs=0.02)
    assert rows["vocals"]["loudness_vs_rest_lu"] == pytest.approx(-20 * np.log10(2), abs=0.02)
    assert rows["other"]["loudness_vs_rest_lu"] == pytest.approx(20 * np.log10(2), abs=0.02)
    assert rows["backing"]["loudness_vs_rest_lu"] == pytest.approx(-rows["vocals"]["loudness_vs_rest_lu"])
    assert rows["mixture"]["loudness_vs_mixture_lu"] is rows["mixture"]["loudness_vs_rest_lu"] is None


def test_a_stem_that_is_the_whole_mixture_has_no_rest():
    band = musical(7, 5)
    row = loudness.STATISTIC.measure(StemSet({"vocals": np.zeros_like(band), "other": band})["other"])
    assert row["loudness_vs_mixture_lu"] == 0
    assert row["loudness_vs_rest_lu"] is None


def test_a_silent_stem_fills_no_column():
    silence = np.zeros((2, 5 * SAMPLE_RATE_HZ), np.float32)
    row = loudness.STATISTIC.measure(StemSet({"vocals": silence, "other": musical(8, 5)})["vocals"])
    assert set(row) == {column.name for column in loudness.STATISTIC.columns}
    assert set(row.values()) == {None}

"""Spectrum: known signals read known levels, and the fast pass equals the plain one."""

import librosa
import numpy as np
import pyloudnorm
import pytest

from mixprior.stats import long_term_spectra
from mixprior.stats.long_term_spectra import BINS, FRAME, HOP
from mixprior.stats.measures import spectrum
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import Stem, StemSet

WINDOW = np.sqrt(np.hanning(FRAME + 1)[:-1])


def noise(seconds, seed=0, level=0.1):
    samples = round(seconds * SAMPLE_RATE_HZ)
    return (level * np.random.default_rng(seed).standard_normal((2, samples))).astype(np.float32)


def pink(seconds, seed=0):
    """Noise whose power falls by 3.01 dB an octave, shaped in one transform of the whole length."""
    spectra = np.fft.rfft(noise(seconds, seed), axis=-1)
    frequencies = np.fft.rfftfreq(round(seconds * SAMPLE_RATE_HZ), 1 / SAMPLE_RATE_HZ)
    shaped = np.fft.irfft(spectra / np.sqrt(np.maximum(frequencies, 1.0)), axis=-1)
    return (0.3 * shaped / np.abs(shaped).max()).astype(np.float32)


def sine(bin_number, amplitude=0.5, frames=3):
    time = np.arange(FRAME + (frames - 1) * HOP) / FRAME
    return np.tile((amplitude * np.sin(2 * np.pi * bin_number * time)).astype(np.float32), (2, 1))


def stem(audio) -> Stem:
    return StemSet({"vocals": audio, "other": np.zeros_like(audio)})["vocals"]


def test_a_sine_in_the_middle_of_a_bin_reads_half_its_amplitude_times_the_window():
    found = long_term_spectra.measure(sine(1600))
    assert found.magnitude[1600] == pytest.approx(0.25 * WINDOW.sum(), rel=1e-5)
    assert found.power[1600] == pytest.approx(2 * (0.25 * WINDOW.sum()) ** 2, rel=1e-5)


def test_white_noise_reads_the_level_of_theory_in_every_bin():
    pooled = long_term_spectra.pool(long_term_spectra.measure(noise(60)).magnitude)
    expected = 0.1 * np.sqrt(np.pi / 4 * np.sum(WINDOW**2))  # mean of a Rayleigh variable
    level_db = 20 * np.log10(pooled / expected)
    assert np.mean(level_db) == pytest.approx(0.0, abs=0.01)
    assert np.abs(level_db).max() < 0.9


def test_spectra_equal_those_of_librosa_in_double_precision():
    audio = pink(8) + noise(8, seed=1, level=0.003)
    left, right = (
        np.abs(librosa.stft(channel, n_fft=FRAME, hop_length=HOP, window=WINDOW, center=False))
        for channel in audio.astype(np.float64)
    )
    found = long_term_spectra.measure(audio)
    np.testing.assert_allclose(found.magnitude, (left + right).mean(axis=1) / 2, rtol=1e-4)
    np.testing.assert_allclose(found.power, (left**2 + right**2).mean(axis=1), rtol=1e-4)
    np.testing.assert_allclose(found.phi, (2 * left * right / (left**2 + right**2)).mean(axis=1), rtol=1e-4)


def test_the_spectrum_is_given_at_minus_30_lufs_whatever_the_level():
    audio = pink(6)
    meter = pyloudnorm.Meter(SAMPLE_RATE_HZ, filter_class="DeMan")  # its default reads 0.045 dB below the standard
    loudness = meter.integrated_loudness(audio.T.astype(np.float64))
    scaled = audio.astype(np.float64) * 10 ** ((-30 - loudness) / 20)
    magnitude = np.abs(librosa.stft(scaled, n_fft=FRAME, hop_length=HOP, window=WINDOW, center=False)).mean(axis=(0, 2))
    expected = 20 * np.log10([magnitude[max(0, 16 * k - 8) : 16 * k + 8].mean() for k in range(2049)])
    for gain in (1.0, 0.05):
        found = spectrum.STATISTIC.measure(stem(audio * np.float32(gain)))["magnitude_spectrum_db"]
        assert np.abs(found - expected).max() < 0.001


@pytest.mark.parametrize(("sound", "tilt"), [(noise, 0.0), (pink, -3.01)])
def test_tilt_of_white_and_pink_noise(sound, tilt):
    bands = spectrum.third_octave_db(long_term_spectra.measure(sound(60)).power)
    assert spectrum.tilt_db_per_octave(bands) == pytest.approx(tilt, abs=0.03)


def test_third_octaves_of_white_noise_go_by_their_width_and_sum_to_the_whole():
    bands = spectrum.third_octave_db(long_term_spectra.measure(noise(60)).power)
    centres = 1000 * 10 ** (np.arange(-16, 14) / 10)
    widths = np.minimum(centres * 10**0.05, 22_050) - centres * 10**-0.05
    assert np.abs(bands - 10 * np.log10(widths / 22_050))[centres > 200].max() < 0.15
    assert np.sum(10 ** (bands / 10)) == pytest.approx(1.0, abs=0.002)


def test_third_octave_of_a_sine_holds_all_of_it_and_far_bands_are_null_not_rounding():
    bands = spectrum.third_octave_db(long_term_spectra.measure(sine(1488)).power)
    assert bands[16] == pytest.approx(0.0, abs=0.01)
    assert spectrum.BAND_CENTRES_HZ[16] == pytest.approx(1000.0)
    assert np.isnan(bands[[0, -1]]).all()
    assert spectrum.tilt_db_per_octave(bands) is None


def test_centroid_of_a_sine_is_its_frequency_and_of_white_noise_half_the_band():
    tone = long_term_spectra.measure(sine(4096))
    assert spectrum.centroid_hz(tone.power) == pytest.approx(4096 * SAMPLE_RATE_HZ / FRAME, abs=0.5)
    assert spectrum.centroid_hz(long_term_spectra.measure(noise(20)).power) == pytest.approx(11_025, abs=30)


def test_pooling_keeps_the_mean_and_passes_over_unknown_bins():
    bins = np.arange(float(BINS))
    pooled = long_term_spectra.pool(bins)
    assert pooled.shape == (2049,)
    assert pooled[0] == np.mean(bins[:8])
    assert pooled[100] == np.mean(bins[1592:1608])
    assert pooled[2048] == np.mean(bins[32760:])
    bins[1593:1608] = np.nan
    assert long_term_spectra.pool(bins)[100] == 1592.0
    bins[1592] = np.nan
    assert np.isnan(long_term_spectra.pool(bins)[100])


def test_samples_after_the_last_whole_frame_do_not_count():
    audio = noise((FRAME + HOP) / SAMPLE_RATE_HZ)
    longer = np.concatenate([audio, np.ones((2, HOP - 1), np.float32)], axis=-1)
    np.testing.assert_array_equal(
        long_term_spectra.measure(audio).magnitude, long_term_spectra.measure(longer).magnitude
    )


def test_a_sound_shorter_than_a_frame_is_measured():
    found = spectrum.STATISTIC.measure(stem(noise(0.5)))
    assert np.isfinite(found["magnitude_spectrum_db"]).all()
    assert found["centroid_hz"] == pytest.approx(11_025, abs=400)


def test_silence_is_null_and_a_one_sided_sound_is_not():
    silent = spectrum.STATISTIC.measure(stem(np.zeros((2, 5 * SAMPLE_RATE_HZ), np.float32)))
    assert set(silent) == {column.name for column in spectrum.STATISTIC.columns}
    assert all(value is None for value in silent.values())
    one_sided = noise(5)
    one_sided[1] = 0.0
    found = spectrum.STATISTIC.measure(stem(one_sided))
    assert all(np.isfinite(value).all() for value in found.values())


def test_every_vector_has_the_length_of_its_axis():
    found = spectrum.STATISTIC.measure(stem(noise(3)))
    for column in spectrum.STATISTIC.columns:
        if column.is_vector:
            assert found[column.name].shape == (len(column.axis_hz),)
    assert spectrum.STATISTIC.columns[0].axis_hz[-1] == 22_050.0

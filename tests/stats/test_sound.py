"""Sound: what is checked, what is measured once, and how sounds are resampled and summed."""

import numpy as np
import pytest
import soxr

from mixprior.stats import long_term_spectra, loudness_blocks
from mixprior.stats.errors import InputError
from mixprior.stats.measures import dynamics
from mixprior.stats.measures.loudness import integrated_lufs
from mixprior.stats.measures.true_peak import true_peak_dbtp
from mixprior.stats.sound import Sound


def noise(rate_hz=44_100, seconds=2.0, channels=2):
    rng = np.random.default_rng(3)
    return Sound(0.1 * rng.standard_normal((channels, round(seconds * rate_hz)), np.float32), rate_hz)


def test_a_sound_reads_as_its_samples_do():
    sound = noise()
    assert sound.integrated_lufs == integrated_lufs(loudness_blocks.measure(sound.audio, 44_100).weighted)
    assert sound.true_peak_dbtp == true_peak_dbtp(sound.audio)
    assert sound.onset_peaks_db == dynamics.onset_peaks_db(sound.audio)
    assert sound.spectra.power.tolist() == long_term_spectra.measure(sound.audio).power.tolist()
    assert sound.duration_s == 2.0


def test_nothing_is_measured_twice(monkeypatch):
    sound, calls = noise(48_000), []
    for module in (loudness_blocks, long_term_spectra):
        measure = module.measure
        monkeypatch.setattr(module, "measure", lambda *args, _m=measure: calls.append(_m) or _m(*args))
    for _ in range(2):
        _ = (sound.integrated_lufs, sound.momentary_lufs, sound.short_term_lufs, sound.loudness_range_lu)
        _ = (sound.spectra, sound.onset_peaks_db, sound.silent)
        assert sound.at(44_100) is sound.at(44_100)
        assert sound.at(48_000) is sound
        assert sound.gained(0.0) is sound
        assert sound.stereo is sound
    assert len(calls) == 2


@pytest.mark.fault(18)
@pytest.mark.parametrize("quality", ["HQ", "VHQ"])
def test_rates_are_converted_by_soxr(quality):
    sound = noise(48_000, 0.5)
    assert (sound.at(44_100, quality).audio == soxr.resample(sound.audio.T, 48_000, 44_100, quality).T).all()
    assert sound.at(44_100, quality).audio.flags.c_contiguous


def test_an_empty_sound_has_any_rate():
    assert Sound(np.zeros((2, 0), np.float32), 48_000).at(44_100).samples == 0


def test_mono_reads_three_units_lower_than_the_same_in_both_channels():
    mono = noise(channels=1)
    assert mono.stereo.integrated_lufs - mono.integrated_lufs == pytest.approx(3.01, abs=0.001)
    assert mono.energies == mono.stereo.energies
    assert mono.spectra.magnitude.tolist() == mono.stereo.spectra.magnitude.tolist()


def test_sums_and_gains_are_those_of_the_samples():
    long, short = noise(), noise(seconds=1.0)
    total = Sound.sum([short, long])
    assert (total.audio[:, : short.samples] == short.audio + long.audio[:, : short.samples]).all()
    assert (total.audio[:, short.samples :] == long.audio[:, short.samples :]).all()
    assert long.gained(-6.0).integrated_lufs == pytest.approx(long.integrated_lufs - 6.0, abs=1e-6)
    with pytest.raises(ValueError, match="one rate"):
        Sound.sum([long, noise(48_000)])


def test_silence_has_no_numbers():
    silence = Sound(np.zeros((2, 44_100), np.float32), 44_100)
    assert silence.silent
    assert (silence.integrated_lufs, silence.true_peak_dbtp, silence.onset_peaks_db) == (None, None, None)


@pytest.mark.parametrize(
    ("audio", "rate_hz", "message"),
    [
        (np.zeros((100, 2), np.float32), 44_100, r"vocals has shape \(100, 2\): give \(channels, samples\), .*\.T"),
        (np.zeros((3, 100), np.float32), 44_100, "one or two channels"),
        (np.zeros((1, 2, 3), np.float32), 44_100, "one or two channels"),
        (np.zeros((2, 100), np.int16), 44_100, "type int16: give float32, full scale 1.0"),
        (np.full((2, 100), np.nan), 44_100, "not numbers"),
        (np.zeros((2, 100)), 4_000, "sample rate of 4000 Hz"),
        (np.zeros((2, 100)), 384_000, "sample rate of 384000 Hz"),
    ],
)
def test_what_is_no_sound_is_refused_in_a_line_that_says_what_to_give(audio, rate_hz, message):
    with pytest.raises(InputError, match=message):
        Sound.of(audio, rate_hz, "vocals")


def test_an_array_from_outside_may_be_one_channel_of_doubles():
    sound = Sound.of(np.zeros(100), 8_000)
    assert (sound.audio.shape, sound.audio.dtype) == ((1, 100), np.float32)

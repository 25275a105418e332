"""Plans of spectrum, panning and loudness on sounds whose answer is known."""

import numpy as np
import pytest
import scipy.signal

from mixprior.mixing.effects import panner
from mixprior.mixing.effects.effect import render
from mixprior.mixing.effects.matching import MatchingFilter
from mixprior.mixing.effects.settings import Curve
from mixprior.mixing.normalise import fxnorm_panning, repanning
from mixprior.mixing.rules import spectrum
from mixprior.stats import long_term_spectra
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ, BIN_HZ

RATE_HZ = 44_100
PINK = Curve((20.0, 20_000.0), (15.0, -15.0))
BINS_HZ = np.arange(long_term_spectra.BINS) * BIN_HZ


def noise(seconds: float = 12.0, seed: int = 1, channels: int = 1) -> np.ndarray:
    sound = 0.05 * np.random.default_rng(seed).standard_normal((channels, round(seconds * RATE_HZ)))
    return np.ascontiguousarray(np.broadcast_to(sound, (2, sound.shape[1]))).astype(np.float32)


def magnitude(audio: np.ndarray) -> np.ndarray:
    return long_term_spectra.measure(audio).magnitude


def similarity(audio: np.ndarray) -> np.ndarray:
    return np.array(repanning.by_band(long_term_spectra.measure(audio).phi))


def repanned(audio: np.ndarray, reference: np.ndarray, stem: str = "other") -> np.ndarray:
    curves = repanning.panning_curves(audio, reference, stem)
    assert curves is not None
    return np.stack([render(MatchingFilter(curve, RATE_HZ), audio)[i] for i, curve in enumerate(curves)])


def test_a_tilt_is_taken_back():
    flat = noise()
    tilt = Curve((float(BAND_CENTRES_HZ[0]), float(BAND_CENTRES_HZ[-1])), (15.0, -15.0))
    tilted = render(MatchingFilter(tilt, RATE_HZ), flat)
    curve = spectrum.matching_curve(magnitude(tilted), magnitude(flat))
    expected = -np.interp(np.log(BAND_CENTRES_HZ), np.log(tilt.frequencies_hz), tilt.gains_db)
    error = np.array(curve.gains_db) - expected
    assert np.abs(error - np.median(error)).max() < 0.1


def test_the_filtered_sound_has_the_spectrum_of_the_reference():
    """Own and reference are unlike in every band, by up to 20 dB; no band is more than 0.1 dB off afterwards."""
    rng = np.random.default_rng(3)
    reference = 10.0 ** (np.interp(np.log(BINS_HZ + 1), np.log([1, *BAND_CENTRES_HZ]), rng.uniform(-10, 10, 31)) / 20)
    curve = spectrum.matching_curve(magnitude(noise()), reference)
    matched = render(MatchingFilter(curve, RATE_HZ), noise())
    above_db = spectrum.above_reference_db(magnitude(matched), reference)
    assert np.abs(above_db).max() < 0.1
    assert np.abs(spectrum.above_reference_db(magnitude(noise()), reference)).max() > 5.0


def test_a_sound_that_has_the_spectrum_needs_no_filter_at_any_level():
    assert spectrum.matching_curve(magnitude(noise()), magnitude(0.01 * noise())) is None


def test_what_a_codec_cut_off_is_not_raised():
    low_pass = scipy.signal.butter(20, 8_000, fs=RATE_HZ, output="sos")
    cut = scipy.signal.sosfilt(low_pass, noise()).astype(np.float32)
    reference = magnitude(noise()) * 10.0 ** (-6.0 * np.log2(np.maximum(BINS_HZ, 20) / 1_000) / 20)
    curve = spectrum.matching_curve(magnitude(cut), reference)
    gains_db = dict(zip(BAND_CENTRES_HZ.round(), curve.gains_db, strict=True))
    assert all(gain == 0.0 for frequency, gain in gains_db.items() if frequency > 12_000)
    assert gains_db[1995.0] == pytest.approx(gains_db[1000.0] - 6.0, abs=0.2)
    again = spectrum.matching_curve(magnitude(render(MatchingFilter(curve, RATE_HZ), cut)), reference)
    assert again is None or np.abs(again.gains_db).max() < 0.1


def test_silence_has_no_curve():
    empty = np.zeros(long_term_spectra.BINS)
    assert spectrum.matching_curve(empty, magnitude(noise())) is None
    assert spectrum.above_reference_db(empty, magnitude(noise())) == [None] * 30


def test_a_mono_sound_gets_the_similarity_of_the_reference_and_stays_in_the_centre():
    reference = np.interp(BINS_HZ, [0, 1_000, 20_000], [0.95, 0.85, 0.75])
    audio = render(MatchingFilter(PINK, RATE_HZ), noise())
    panned = repanned(audio, reference)
    wanted = np.interp(BAND_CENTRES_HZ, [0, 1_000, 20_000], [0.95, 0.85, 0.75])
    below_16k = BAND_CENTRES_HZ < 16_000
    assert np.abs(similarity(panned) - wanted)[below_16k].max() < 0.012
    left, right = np.sqrt(np.mean(np.square(panned), axis=1, dtype=np.float64))
    assert right / (left + right) == pytest.approx(0.5, abs=0.02)


def test_panning_keeps_the_mean_spectrum():
    panned = repanned(noise(), np.full(long_term_spectra.BINS, 0.85))
    above_db = spectrum.above_reference_db(magnitude(panned), magnitude(noise()))
    assert np.abs(above_db).max() < 0.1


def similarity_at(position: float) -> float:
    """Of a mono sound that is panned by the linear law."""
    left, right = panner.gains(position, "linear")
    return 2 * left * right / (left**2 + right**2)


@pytest.mark.parametrize("position", [0.7, 0.3])
def test_a_panned_sound_is_moved_by_the_exact_inverse(position):
    """From a position of 0.7 to the similarity of 0.6 the ratio of the gains is known; FxNorm's inverse misses it."""
    gains = np.array(panner.gains(position, "linear"), np.float32)
    audio = noise() * gains[:, np.newaxis]
    reference = np.full(long_term_spectra.BINS, similarity_at(0.6))
    left, right = repanning.panning_curves(audio, reference, "other")
    moved_db = np.subtract(right.gains_db, left.gains_db)[np.array(left.frequencies_hz) < 10_000]
    exact_db = 20 * np.log10((0.6 / 0.4) / (0.7 / 0.3)) * np.sign(position - 0.5)
    assert np.abs(moved_db - exact_db).max() < 0.1


def test_a_sound_of_the_references_similarity_is_left_alone():
    audio = noise() * np.array(panner.gains(0.7, "linear"), np.float32)[:, np.newaxis]
    reference = np.full(long_term_spectra.BINS, similarity_at(0.7))
    assert repanning.panning_curves(audio, reference, "other") is None


def test_a_sound_wider_than_the_reference_is_left_where_it_is_most_central():
    """Unrelated channels of one level: no gain brings their similarity nearer to 1."""
    assert repanning.panning_curves(noise(channels=2), np.ones(long_term_spectra.BINS), "other") is None


def test_drums_are_panned_up_to_6_khz_and_other_up_to_16_khz():
    reference = np.full(long_term_spectra.BINS, 0.8)
    for stem, end_hz in (("drums", 6_000.0), ("other", 16_000.0)):
        left, _ = repanning.panning_curves(noise(), reference, stem)
        frequencies_hz, moved_db = np.array(left.frequencies_hz), np.abs(left.gains_db)
        assert moved_db[frequencies_hz > BAND_CENTRES_HZ[end_hz < BAND_CENTRES_HZ][0]].max() == 0.0
        assert np.interp(BAND_CENTRES_HZ[2:], frequencies_hz, moved_db)[end_hz > BAND_CENTRES_HZ[2:]].min() > 1.0


def test_panning_of_one_channel_alone_is_finite():
    """Nothing on the right: no gain can bring it nearer."""
    audio = noise()
    audio[1] = 0.0
    assert repanning.panning_curves(audio, np.full(long_term_spectra.BINS, 0.9), "other") is None


def test_a_sound_with_empty_bands_is_panned_where_it_is():
    """A burst of one tone: most bands hold nothing but rounding, which is no sound.

    All its bins are its window's, and move with the tone and not each by its own gain: a second round mends that.
    """
    time_s = np.arange(3 * RATE_HZ) / RATE_HZ
    tone = (np.sin(2 * np.pi * 1_000 * time_s) * np.exp(-np.square((time_s - 1.5) / 0.2))).astype(np.float32)
    audio = np.stack([tone, tone])
    spectra = long_term_spectra.measure(audio)
    assert np.isnan(spectra.phi).any()
    reference = np.full(long_term_spectra.BINS, 0.8)
    panned = repanned(repanned(audio, reference, "vocals"), reference, "vocals")
    assert np.isfinite(panned).all()
    band_of_1_khz = similarity(panned)[np.abs(BAND_CENTRES_HZ - 1_000).argmin()]
    assert band_of_1_khz == pytest.approx(0.8, abs=0.012)


def test_loudness_gain_is_the_difference_unless_the_peak_holds_it():
    assert spectrum.loudness_gain_db(-20.0, -30.0, 0.5) == (-10.0, False)
    gain_db, held = spectrum.loudness_gain_db(-30.0, -20.0, 0.5)
    assert gain_db == pytest.approx(6.0206, abs=1e-4)
    assert held


def test_fxnorm_panning_follows_its_approximate_inverse_in_every_frame():
    """Its published rule on a mono sound, worked out by hand; also after 17 s, where its fault leaves all untouched."""
    phi = 0.92
    audio = noise(20.0)
    panned = fxnorm_panning.repanned(audio, np.full(long_term_spectra.BINS, phi), "other")
    first = 0.7 / 0.3
    own = 2.0 / (first + 1.0 / first)
    expected = first * ((2.0 - 0.9 * phi) / (0.9 * phi)) / ((2.0 - own) / own)
    low_pass = scipy.signal.butter(8, 12_000, fs=RATE_HZ, output="sos")
    heard = scipy.signal.sosfilt(low_pass, panned)
    for part in (slice(RATE_HZ, 2 * RATE_HZ), slice(18 * RATE_HZ, 19 * RATE_HZ)):
        left, right = np.sqrt(np.mean(np.square(heard[:, part]), axis=1))
        assert 20 * np.log10(right / left) == pytest.approx(20 * np.log10(expected), abs=0.02)


def test_fxnorm_panning_leaves_what_lies_above_16_khz():
    audio = noise(3.0)
    panned = fxnorm_panning.repanned(audio, np.full(long_term_spectra.BINS, 0.8), "other")
    high_pass = scipy.signal.butter(12, 18_000, "high", fs=RATE_HZ, output="sos")
    change = scipy.signal.sosfilt(high_pass, panned - audio)
    assert np.abs(change).max() < 0.02 * np.abs(scipy.signal.sosfilt(high_pass, audio)).max()


def test_fxnorm_panning_leaves_silence_and_faint_frames():
    faint = 1e-6 * noise(2.0)
    assert np.abs(fxnorm_panning.repanned(faint, np.full(long_term_spectra.BINS, 0.5), "bass") - faint).max() < 1e-11

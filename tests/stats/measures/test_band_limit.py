"""The limit of a source is found where a codec or a sample rate put it, and nowhere else; vectors end there."""

import io

import numpy as np
import pytest
import scipy.signal
import soundfile
import soxr

from mixprior.stats import long_term_spectra
from mixprior.stats.measures.band_limit import band_limit_hz
from mixprior.stats.measures.panning import STATISTIC as PANNING
from mixprior.stats.measures.spectrum import BAND_CENTRES_HZ
from mixprior.stats.measures.spectrum import STATISTIC as SPECTRUM
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import StemSet

SECONDS = 5


def music(seed: int = 0) -> np.ndarray:
    """Noise that falls by 3 dB an octave, in bursts: shape (2, samples)."""
    rng = np.random.default_rng(seed)
    samples = SECONDS * SAMPLE_RATE_HZ
    spectrum = np.fft.rfft(rng.standard_normal((2, samples)))
    hz = np.fft.rfftfreq(samples, 1 / SAMPLE_RATE_HZ)
    pink = np.fft.irfft(spectrum / np.sqrt(np.maximum(hz, 30.0)), samples)
    bursts = 0.3 + 0.7 * np.abs(np.sin(2 * np.pi * np.arange(samples) / SAMPLE_RATE_HZ))
    pink *= bursts
    return (0.5 * pink / np.abs(pink).max()).astype(np.float32)


def limit_of(audio: np.ndarray) -> float | None:
    return band_limit_hz(long_term_spectra.measure(np.ascontiguousarray(audio, np.float32)).power)


def encoded(audio: np.ndarray, kind: str, subtype: str, level: float) -> np.ndarray:
    file = io.BytesIO()
    extra = {"bitrate_mode": "CONSTANT"} if kind == "MP3" else {}
    soundfile.write(file, audio.T, SAMPLE_RATE_HZ, format=kind, subtype=subtype, compression_level=level, **extra)
    file.seek(0)
    return soundfile.read(file, dtype="float32")[0].T


@pytest.mark.parametrize("cutoff_hz", [5_000, 11_000, 14_000, 16_000, 19_000, 20_000])
def test_low_passed_noise_ends_at_its_cutoff(cutoff_hz):
    taps = scipy.signal.firwin(1001, cutoff_hz, fs=SAMPLE_RATE_HZ, window=("kaiser", 9.0))
    passed = scipy.signal.fftconvolve(music(), taps[np.newaxis], mode="same")
    assert limit_of(passed) == pytest.approx(cutoff_hz, abs=200)


@pytest.mark.parametrize("rate_hz", [22_050, 32_000])
def test_a_source_of_a_lower_rate_ends_at_half_of_it(rate_hz):
    low = soxr.resample(soxr.resample(music().T, SAMPLE_RATE_HZ, rate_hz), rate_hz, SAMPLE_RATE_HZ).T
    assert 0.9 * rate_hz / 2 <= limit_of(low) <= rate_hz / 2


@pytest.mark.parametrize(
    ("kind", "subtype", "level", "low_hz", "high_hz"),
    [
        ("MP3", "MPEG_LAYER_III", 0.99, 3_500, 13_000),
        ("MP3", "MPEG_LAYER_III", 0.7, 14_000, 18_500),
        ("MP3", "MPEG_LAYER_III", 0.0, 19_500, 20_600),
        ("OGG", "VORBIS", 0.9, 13_000, 19_000),
        ("OGG", "VORBIS", 0.6, 15_000, 20_600),
    ],
)
def test_what_was_encoded_ends_where_the_encoder_cut_it(kind, subtype, level, low_hz, high_hz):
    assert low_hz <= limit_of(encoded(music(), kind, subtype, level)) <= high_hz


def test_a_full_band_source_has_no_limit():
    rng = np.random.default_rng(1)
    assert limit_of(music()) is None
    assert limit_of(0.1 * rng.standard_normal((2, 5 * SAMPLE_RATE_HZ))) is None
    assert limit_of(np.zeros((2, 5 * SAMPLE_RATE_HZ))) is None


def test_sounds_that_fade_out_slowly_or_are_tones_have_no_limit():
    dark = scipy.signal.sosfilt(scipy.signal.butter(4, 2_000, fs=SAMPLE_RATE_HZ, output="sos"), music())
    seconds = np.arange(SECONDS * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tones = sum(0.1 * np.sin(2 * np.pi * hz * seconds) for hz in (220.0, 1_000.0, 5_003.0))
    assert limit_of(dark) is None
    assert limit_of(np.stack([tones, tones])) is None


def test_vectors_are_null_above_the_limit_and_as_they_were_below():
    """What the separated vocals hold above it is not the source's: the limit is the mixture's."""
    whole = {"vocals": music(1), "other": music(2)}
    taps = scipy.signal.firwin(1001, 16_000, fs=SAMPLE_RATE_HZ, window=("kaiser", 9.0))
    mixture = scipy.signal.fftconvolve(sum(whole.values()), taps[np.newaxis], mode="same").astype(np.float32)
    songs = StemSet(whole, mixture), StemSet(whole)
    assert songs[0].band_limit_hz == pytest.approx(16_000, abs=200)
    assert songs[1].band_limit_hz is None
    limited, full = ({**SPECTRUM.measure(song["vocals"]), **PANNING.measure(song["vocals"])} for song in songs)
    edges_hz = BAND_CENTRES_HZ * 10**0.05
    inside = edges_hz <= songs[0].band_limit_hz
    assert np.isfinite(limited["third_octave_db"]).tolist() == inside.tolist()
    assert np.array_equal(limited["third_octave_db"][inside], full["third_octave_db"][inside])
    assert limited["tilt_db_per_octave"] == full["tilt_db_per_octave"]
    (phi_hz,) = (np.array(c.axis_hz) for c in PANNING.columns if c.name == "sps_phi")
    for name in ("sps_phi", "magnitude_spectrum_db"):
        known = np.isfinite(limited[name])
        assert 15_700 < phi_hz[known].max() <= 16_200
        assert np.array_equal(limited[name][known], full[name][known])
        assert np.isfinite(full[name]).all()

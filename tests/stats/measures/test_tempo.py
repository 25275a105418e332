"""Tempo: clicks at a known pace."""

import librosa
import numpy as np
import pytest
from scipy.interpolate import CubicSpline

from mixprior.stats.measures import tempo
from mixprior.stats.mel import mel_filters
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import StemSet


def clicks(bpm, seconds=30.0, seed=0):
    rng = np.random.default_rng(seed)
    length = round(0.02 * SAMPLE_RATE_HZ)
    click = 0.2 * rng.standard_normal(length) * np.exp(-np.arange(length) / (0.004 * SAMPLE_RATE_HZ))
    signal = np.zeros(round(seconds * SAMPLE_RATE_HZ), np.float32)
    for beat in np.arange(0, seconds - 0.05, 60.0 / bpm):
        start = round(beat * SAMPLE_RATE_HZ)
        signal[start : start + length] += click.astype(np.float32)
    return signal


@pytest.mark.parametrize("bpm", [80.0, 97.3, 120.0, 128.0, 141.7, 160.0])
def test_clicks_give_their_tempo(bpm):
    assert tempo.tempo_bpm(clicks(bpm)) == pytest.approx(bpm, abs=0.1)


@pytest.mark.parametrize("seconds", [4.5, 7.0, 12.0])
def test_a_short_sound_gives_its_tempo(seconds):
    assert tempo.tempo_bpm(clicks(120.0, seconds)) == pytest.approx(120.0, abs=1.0)


def test_too_short_or_silent_is_null():
    assert tempo.tempo_bpm(clicks(120.0, 3.9)) is None
    assert tempo.tempo_bpm(np.zeros(10 * SAMPLE_RATE_HZ, np.float32)) is None


def test_the_backing_is_measured_and_only_it():
    voice = np.tile(clicks(97.3, seed=1), (2, 1))
    song = StemSet({"vocals": voice, "drums": np.tile(clicks(128.0), (2, 1))})
    assert tempo.STATISTIC.measure(song["backing"])["tempo_bpm"] == pytest.approx(128.0, abs=0.1)
    assert [stem.name for stem in song.rows() if tempo.STATISTIC.fills(stem.name)] == ["backing"]
    silent = StemSet({"vocals": voice, "drums": np.zeros_like(voice)})
    assert tempo.STATISTIC.measure(silent["backing"]) == {"tempo_bpm": None}


@pytest.mark.parametrize("frame", [1024, 2048])
def test_mel_bands_are_those_of_librosa_to_the_bit(frame):
    assert mel_filters(frame).tobytes() == librosa.filters.mel(sr=SAMPLE_RATE_HZ, n_fft=frame).tobytes()


@pytest.mark.parametrize("seconds", [2.0, 8.0, 30.0, 95.0])
def test_tempogram_and_its_beat_are_those_of_librosa_to_the_bit(seconds):
    frames = round(seconds * SAMPLE_RATE_HZ / tempo.HOP)
    strength = np.random.default_rng(round(seconds)).exponential(size=frames).astype(np.float32)
    length, step = (round(each * SAMPLE_RATE_HZ / tempo.HOP) for each in (8.0, 1.0))
    padded = np.pad(strength, (0, max(0, length - frames)))
    windows = librosa.util.frame(padded, frame_length=length, hop_length=step)
    windows = windows * librosa.filters.get_window("hann", length)[:, np.newaxis]
    theirs = librosa.util.normalize(librosa.autocorrelate(windows, axis=0), norm=np.inf, axis=0)
    ours = tempo._tempogram(strength)
    assert ours.tobytes() == np.ascontiguousarray(theirs).tobytes()
    (bpm,) = librosa.feature.tempo(tg=theirs, sr=SAMPLE_RATE_HZ, hop_length=tempo.HOP)
    assert tempo._coarse_bpm(ours.mean(axis=1)) == bpm


def test_silence_has_a_tempogram_of_zeros():
    assert not tempo._tempogram(np.zeros(500, np.float32)).any()


@pytest.mark.parametrize("count", [4, 5, 345])
def test_values_between_lags_are_those_of_scipys_spline(count):
    values, at = np.random.default_rng(0).standard_normal(count), np.linspace(0, count - 1, 1000)
    assert np.allclose(tempo._between_lags(values, at), CubicSpline(np.arange(count), values)(at), rtol=0, atol=1e-13)

"""Dynamics: hits of known level are found and read, and aubio's own onsets give the same figures."""

import numpy as np
import pytest
import soundfile

from mixprior.stats.measures import dynamics, onsets
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from mixprior.stats.stem import Stem, StemSet
from tests.reference import MUSIC


def hits(peaks_db, spacing_s=0.5, lead_s=0.3, seed=0):
    """Noise bursts that die away in 30 ms, one every `spacing_s`, whose largest samples are the given ones."""
    rng = np.random.default_rng(seed)
    length = round(spacing_s * SAMPLE_RATE_HZ)
    time = np.arange(length) / SAMPLE_RATE_HZ
    pieces = [np.zeros(round(lead_s * SAMPLE_RATE_HZ))]
    for peak_db in peaks_db:
        burst = rng.standard_normal(length) * np.exp(-time / 0.03)
        pieces.append(10 ** (peak_db / 20) * burst / np.abs(burst).max())
    return np.concatenate(pieces).astype(np.float32)


def stem(audio) -> Stem:
    return StemSet({"vocals": audio, "other": np.zeros_like(audio)})["vocals"]


def test_every_hit_is_found_within_four_frames():
    signal = hits([-6.0] * 40)
    expected = 0.3 + 0.5 * np.arange(40)
    found = onsets.find(signal) / SAMPLE_RATE_HZ
    assert len(found) == 40
    assert np.abs(found - expected).max() < 4 * onsets.HOP / SAMPLE_RATE_HZ


def test_the_loudest_quarter_of_known_hits_is_read():
    peaks_db = np.random.default_rng(1).permutation(np.linspace(-12.0, 0.0, 41))
    audio = np.stack([hits(peaks_db), hits(peaks_db, seed=2)])
    kept = np.sort(peaks_db)[31:] - 10.0  # the 75th percentile of 41 values is the 31st: ten lie above
    mean_db, sd_db = dynamics.onset_peaks_db(audio)
    assert mean_db == pytest.approx(kept.mean(), abs=1e-3)
    assert sd_db == pytest.approx(kept.std(), abs=1e-3)


def test_hits_of_one_level_all_count():
    mean_db, sd_db = dynamics.onset_peaks_db(np.tile(hits([-6.0] * 20), (2, 1)))
    assert mean_db == pytest.approx(-10.0, abs=1e-3)
    assert sd_db == pytest.approx(0.0, abs=1e-3)


def test_onset_peaks_do_not_depend_on_level():
    audio = np.tile(hits(np.linspace(-12.0, 0.0, 30)), (2, 1))
    assert dynamics.onset_peaks_db(audio * np.float32(0.01)) == pytest.approx(dynamics.onset_peaks_db(audio), abs=1e-4)


def test_hits_closer_than_50_ms_are_one_onset():
    signal = hits([-6.0] * 200, spacing_s=0.049)
    gaps = np.diff(onsets.find(signal))
    assert gaps.min() > 0.050 * SAMPLE_RATE_HZ


def test_a_one_sided_sound_is_read_on_its_side():
    signal = hits(np.linspace(-12.0, 0.0, 30))
    found = dynamics.STATISTIC.measure(stem(np.stack([signal, np.zeros_like(signal)])))
    both = dynamics.STATISTIC.measure(stem(np.stack([signal, signal])))
    assert found["onset_peak_mean_db"] == pytest.approx(both["onset_peak_mean_db"], abs=1e-6)
    assert all(np.isfinite(value) for value in found.values())


def test_no_onsets_without_sound_or_frames():
    assert len(onsets.find(np.zeros(SAMPLE_RATE_HZ, np.float32))) == 0
    for frames in range(4):
        assert len(onsets.find(np.zeros(frames * onsets.HOP, np.float32))) == 0


def test_crest_factor_of_a_sine_and_a_square():
    time = np.arange(SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ
    tone = np.tile(np.sin(2 * np.pi * 441 * time + 0.1).astype(np.float32), (2, 1))
    assert dynamics.crest_factor_db(tone) == pytest.approx(3.01, abs=0.01)
    assert dynamics.crest_factor_db(np.sign(tone)) == pytest.approx(0.0, abs=1e-6)


def test_silence_is_null():
    found = dynamics.STATISTIC.measure(stem(np.zeros((2, 3 * SAMPLE_RATE_HZ), np.float32)))
    assert set(found) == {column.name for column in dynamics.STATISTIC.columns}
    assert all(value is None for value in found.values())


@pytest.mark.reference("music/songs")
@pytest.mark.parametrize(
    ("title", "counts", "mean_db", "sd_db"),
    [
        ("Karissa_Hobbs_-_Lets_Go_Fishin.hq.ogg", (523, 551), -11.3602, 0.4916),
        ("Kevin_MacLeod_-_Vibe_Ace.hq.ogg", (298, 277), -15.3372, 1.2513),
        ("Joshua_Morin_-_On_the_run.ogg", (1407, 1231), -12.9901, 0.9973),
    ],
)
def test_real_songs_read_as_with_the_onsets_of_aubio(title, counts, mean_db, sd_db):
    """Expected: aubio 0.4.9 (Debian), onset("hfc", 1024, 1024, 44100), fed hop by hop, peaks as FxNorm takes them."""
    audio = soundfile.read(MUSIC / "songs" / title, dtype="float32")[0].T
    gain = 10 ** (-10 / 20) / np.abs(audio).max()
    assert tuple(len(onsets.find(np.ascontiguousarray(channel), gain)) for channel in audio) == counts
    assert dynamics.onset_peaks_db(np.ascontiguousarray(audio)) == pytest.approx((mean_db, sd_db), abs=0.01)

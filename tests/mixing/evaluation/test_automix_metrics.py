"""The community's features have the values that their definitions give for signals known by formula."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from mixprior.mixing.evaluation.automix_metrics import CATEGORIES, FRAME, HOP, features, mape
from mixprior.stats.sound import Sound
from mixprior.stats.statistic import SAMPLE_RATE_HZ
from tests.mixing.evaluation import generated

pytestmark = pytest.mark.slow

SECONDS = 12


@pytest.fixture(scope="module")
def mix():
    return Sound.sum(generated.band().tracks.values()).audio


def tone(frequency_hz: float, left: float = 0.5, right: float = 0.5) -> np.ndarray:
    wave = np.sin(2 * np.pi * frequency_hz * np.arange(SECONDS * SAMPLE_RATE_HZ) / SAMPLE_RATE_HZ)
    return np.stack([left * wave, right * wave]).astype(np.float32)


def test_a_tone_has_its_frequency_level_and_place():
    found = features(tone(1997.3, right=0.25))  # no sample of it is zero
    assert found["spectral centroid"] == pytest.approx(1998.3, rel=0.01)
    assert found["spectral rolloff"] == pytest.approx(1998.3, abs=SAMPLE_RATE_HZ / FRAME)
    # 1 - phi of amplitudes a and a/2 is 1 - 2 * 0.5 / 1.25
    assert found["panning mids"] == pytest.approx(0.2, abs=0.02)
    # Peak at -1 dBFS on the left, 6.02 dB lower on the right, RMS 3.01 dB below; the feature is 1 - level in dB.
    assert found["dynamic rms"] == pytest.approx(1 + 1 + 3.01 + 3.01, abs=0.01)
    # Mean of ln |sin| is -ln 2: -6.02 dB under the peak, -3.01 dB under the RMS.
    assert found["dynamic spread"] == pytest.approx(1 + 3.01, abs=0.05)
    assert found["loudness peak"] == pytest.approx(-6.02, abs=0.01)


def test_spectral_features_are_librosas(mix):
    ours = features(mix)
    scaled = mix * (10 ** (-1 / 20) / np.abs(mix).max())
    window = np.sqrt(np.hanning(FRAME + 1)[:-1])
    magnitude = np.abs(librosa.stft(scaled, n_fft=FRAME, hop_length=HOP, window=window, center=False))
    centroid = librosa.feature.spectral_centroid(S=magnitude, sr=SAMPLE_RATE_HZ)
    theirs = {
        "spectral centroid": centroid[:, 0] + 1,
        "spectral bandwidth": librosa.feature.spectral_bandwidth(S=magnitude, sr=SAMPLE_RATE_HZ)[:, 0] + 1,
        "spectral rolloff": librosa.feature.spectral_rolloff(S=magnitude, sr=SAMPLE_RATE_HZ)[:, 0] + 1,
        "spectral flatness": 20 * np.log10(librosa.feature.spectral_flatness(S=magnitude)[:, 0]),
    }
    for name, values in theirs.items():
        running = np.lib.stride_tricks.sliding_window_view(values, 40, axis=-1).mean(axis=-1)
        assert ours[name] == pytest.approx(running, rel=2e-3), name


def test_a_mix_is_no_distance_from_itself(mix):
    assert mape(features(mix), features(mix)) == dict.fromkeys(CATEGORIES, 0.0)


def test_a_category_without_a_measurable_feature_has_no_error():
    mono = features(tone(1000))
    assert mape(mono, mono) == {"loudness": 0.0, "spectral": 0.0, "panning": None, "dynamic": 0.0}


def test_percentages_are_of_the_target():
    target, other = features(tone(1000)), features(tone(1000))
    other["spectral centroid"] = 1.3 * target["spectral centroid"]
    assert mape(target, other)["spectral"] == pytest.approx(0.3 / 5)


def test_frames_in_which_the_target_is_silent_do_not_count_for_loudness():
    loud = tone(1000)
    paused = loud.copy()
    paused[:, : SAMPLE_RATE_HZ // 2] = 0
    assert np.isfinite(mape(features(paused), features(loud))["loudness"])


def test_contrast_is_one_of_five_spectral_features_and_each_of_its_bands_a_third_of_it():
    names = ("centroid", "bandwidth", "rolloff", "flatness", "contrast lows", "contrast mids", "contrast highs")
    target = {f"spectral {name}": np.full((2, 3), -2.0) for name in names}
    for name, share in (("flatness", 1 / 5), ("contrast lows", 1 / 15), ("contrast highs", 1 / 15)):
        changed = {**target, f"spectral {name}": np.full((2, 3), -3.0)}
        assert mape(target, changed)["spectral"] == pytest.approx(0.5 * share), name

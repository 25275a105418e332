"""The ratio of vocals to backing: what it is of, and that the gain reaches it."""

import json

import numpy as np
import pyloudnorm
import pytest

from mixprior.analysis.priors import open_priors
from mixprior.mixing.rules.ratio import DEFINITIONS, RATIO, RATIO_MONO, ratio_lu, vocal_gain_db
from tests.mixing.sounds import RATE_HZ, band, sound, voice
from tests.reference import PUBLISHED


def loudness(audio: np.ndarray) -> float:
    return pyloudnorm.Meter(RATE_HZ).integrated_loudness(audio.T.astype(float))


def test_the_ratio_is_the_difference_that_an_independent_meter_finds():
    vocal, backing = voice(), band()
    found = ratio_lu(sound(vocal), sound(backing))
    assert found == pytest.approx(loudness(vocal) - loudness(backing), abs=0.05)


def test_the_ratio_of_means_of_channels_takes_3_db_off_a_wide_backing():
    """The voice is alike on both channels, the channels of the noise are not: its mean has half their energy."""
    vocal, backing = sound(voice()), sound(band())
    assert ratio_lu(vocal, backing, RATIO_MONO) - ratio_lu(vocal, backing, RATIO) == pytest.approx(3.01, abs=0.1)
    assert set(DEFINITIONS) == {RATIO, RATIO_MONO}


@pytest.mark.parametrize("statistic", [RATIO, RATIO_MONO])
@pytest.mark.parametrize("wanted_lu", [-8.0, -2.15, 3.5])
@pytest.mark.parametrize("level", [0.003, 0.1, 0.9])
def test_the_gain_brings_the_vocal_to_the_ratio(statistic, wanted_lu, level):
    vocal, backing = sound(voice(level=level)), sound(band())
    gain_db = vocal_gain_db(vocal, backing, wanted_lu, statistic)
    assert ratio_lu(vocal, backing, statistic, gain_db) == pytest.approx(wanted_lu, abs=0.006)
    assert gain_db == round(gain_db, 2)


def test_a_gain_that_lifts_bleed_over_the_gate_is_corrected():
    """One short phrase over bleed at -71 LUFS: the bleed is gated out before the gain, and counts after it."""
    seconds = 60
    bleed = np.random.default_rng(3).standard_normal((2, seconds * RATE_HZ)).astype(np.float32) * 1.2e-4
    bleed[:, : RATE_HZ // 2] *= 20
    vocal, backing = sound(bleed), sound(band(seconds))
    in_one_step = -2.0 - ratio_lu(vocal, backing)
    assert abs(ratio_lu(vocal, backing, vocal_gain_db=in_one_step) + 2.0) > 5
    gain_db = vocal_gain_db(vocal, backing, -2.0)
    assert ratio_lu(vocal, backing, vocal_gain_db=gain_db) == pytest.approx(-2.0, abs=0.006)


def test_a_target_under_the_gate_is_no_silence():
    vocal, backing = sound(voice()), sound(band(level=0.01))
    now = ratio_lu(vocal, backing)
    assert vocal_gain_db(vocal, backing, -60.0) == pytest.approx(-60.0 - now, abs=0.006)


@pytest.mark.parametrize("silent", ["vocal", "backing"])
def test_there_is_neither_ratio_nor_gain_next_to_silence(silent):
    sounds = {"vocal": voice(), "backing": band()}
    sounds[silent] = np.zeros_like(sounds[silent])
    vocal, backing = (sound(audio) for audio in sounds.values())
    assert ratio_lu(vocal, backing) is None
    assert vocal_gain_db(vocal, backing, -2.0) is None


def test_there_is_no_ratio_of_less_than_400_ms():
    vocal, backing = sound(voice(0.3)), sound(band())
    assert ratio_lu(vocal, backing) is None
    assert vocal_gain_db(vocal, backing, -2.0) is None


@pytest.mark.reference("reference/published")
def test_the_published_ratio_is_that_of_the_published_songs():
    songs = json.loads((PUBLISHED / "musdb18hq_vox_acc_ratio.json").read_text("utf-8"))
    assert "stereo" in songs["definition"]
    ratios = [*songs["train"], *songs["test"]]
    prior = open_priors("published").lookup("song", RATIO)
    assert prior.n == len(ratios)
    assert prior.p50 == pytest.approx(np.median(ratios), abs=0.005)
    assert prior.mean == pytest.approx(np.mean(ratios), abs=0.005)

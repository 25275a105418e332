"""The static curve, the times, the link of the channels, and a second opinion by another compressor."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import lfilter

from mixprior.mixing.effects.ballistics import static_reduction_db
from mixprior.mixing.effects.compressor import DETECTOR_S, Compressor
from mixprior.mixing.effects.settings import CompressorSettings
from mixprior.stats.errors import InputError

RATE_HZ = 48_000
SETTINGS = CompressorSettings(threshold_dbfs=-20.0, ratio=4.0, attack_s=0.01, release_s=0.1)


def square(level_dbfs, duration_s=1.0, frequency_hz=1000.0):
    """A square wave: peak and root mean square are the same."""
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    wave = 10 ** (level_dbfs / 20) * np.where(time_s * frequency_hz % 1 < 0.5, 1, -1)
    return np.stack([wave, wave]).astype(np.float32)


def noise(seed=5, samples=20_000, level=0.3):
    random = np.random.default_rng(seed)
    swell = 1 + np.sin(np.arange(samples) / 900)
    return (level * swell * random.standard_normal((2, samples))).astype(np.float32)


def compress(audio, settings=SETTINGS, rate_hz=RATE_HZ):
    return Compressor(settings, rate_hz).process(audio)


def gain_db(audio, settings=SETTINGS):
    """By sample; of a square wave this is what the compressor did."""
    return 20 * np.log10(np.abs(compress(audio, settings)[0] / audio[0]).astype(np.float64))


def attack_db(at_s, level_dbfs, attack_s, steps_per_s=1_000_000):
    """Gain at a time after silence: the equations of mean square, curve and smoothing, in steps of 1 us."""
    time_s = np.arange(1, round(at_s * steps_per_s) + 1) / steps_per_s
    level_db = level_dbfs + 10 * np.log10(1 - np.exp(-time_s / DETECTOR_S))
    wanted_db = -0.75 * np.maximum(level_db + 20, 0)
    share = np.exp(-1 / (attack_s * steps_per_s))
    return lfilter([1 - share], [1, -share], wanted_db)[-1]


@pytest.mark.parametrize(
    ("level_dbfs", "knee_db", "expected_db"),
    [
        (-30, 0, 0.0),
        (-20, 0, 0.0),
        (-12, 0, -6.0),  # 8 dB above, 2 dB left
        (0, 0, -15.0),
        (-26, 10, 0.0),  # below the knee
        (-20, 10, -0.9375),  # (1/4 - 1) * 5^2 / 20
        (-17, 10, -2.4),  # (1/4 - 1) * 8^2 / 20
        (-15, 10, -3.75),  # where the knee meets the straight line
        (-8, 10, -9.0),
    ],
)
def test_a_steady_sound_comes_to_the_static_curve(level_dbfs, knee_db, expected_db):
    settings = replace(SETTINGS, knee_db=knee_db)
    assert -static_reduction_db(level_dbfs, -20.0, 4.0, knee_db) == pytest.approx(expected_db, abs=1e-9)
    assert gain_db(square(level_dbfs), settings)[-1] == pytest.approx(expected_db, abs=0.001)


def test_a_sine_is_judged_by_its_root_mean_square():
    sine = np.tile(np.sin(2 * np.pi * 1000 * np.arange(RATE_HZ) / RATE_HZ), (2, 1)).astype(np.float32)
    compressed = compress(sine, replace(SETTINGS, release_s=0.3))
    above_db = 20 + 20 * np.log10(np.sqrt(0.5))
    assert 20 * np.log10(np.abs(compressed[0, -1000:]).max()) == pytest.approx(-0.75 * above_db, abs=0.05)


def test_below_the_threshold_nothing_is_touched():
    quiet = noise(level=0.01)
    assert np.array_equal(compress(quiet), quiet)


def test_makeup_is_a_gain_afterwards():
    plain = compress(noise())
    louder = compress(noise(), replace(SETTINGS, makeup_db=6.0))
    assert louder == pytest.approx(plain * 10 ** (6 / 20), rel=1e-6)


def test_the_gain_falls_with_the_attack_and_comes_back_with_the_release():
    settings = replace(SETTINGS, attack_s=0.05, release_s=0.2)
    sound = np.concatenate([square(-8, 1.0), square(-40, 1.0)], axis=1)
    gain = gain_db(sound, settings)
    assert gain[RATE_HZ - 1] == pytest.approx(-9.0, abs=0.001)
    assert gain[round(0.05 * RATE_HZ)] == pytest.approx(attack_db(0.05, -8, 0.05), abs=0.01)
    # And below it after 5 ms times log(16) = 14 ms, in which the gain follows what is left of it.
    quiet = gain[RATE_HZ + round(0.05 * RATE_HZ) :]
    assert quiet[round(0.2 * RATE_HZ)] / quiet[0] == pytest.approx(np.exp(-1), rel=0.001)


def test_the_gain_does_not_overshoot_nor_ripple_on_a_steady_sound():
    gain = gain_db(square(-8))
    assert np.all(np.diff(gain) <= 1e-5)
    assert gain.min() >= -9.001


def test_attack_and_release_of_nothing_follow_the_detector():
    gain = gain_db(square(-8), replace(SETTINGS, attack_s=0.0, release_s=0.0))
    mean_square = 10 ** (-8 / 10) * (1 - np.exp(-np.arange(1, 1000) / (DETECTOR_S * RATE_HZ)))
    assert gain[:999] == pytest.approx(-0.75 * np.maximum(10 * np.log10(mean_square) + 20, 0), abs=0.001)


def test_both_channels_get_the_gain_of_the_louder_one():
    audio = noise()
    audio[1] *= 0.1
    compressed = compress(audio)
    heard = np.abs(audio).min(axis=0) > 1e-3
    gains = (compressed / np.where(audio == 0, 1, audio))[:, heard]
    assert gains[0] == pytest.approx(gains[1], rel=1e-5)
    alone = compress(np.stack([audio[0], audio[0]]))
    assert np.array_equal(alone[0], compressed[0])
    assert np.array_equal(compress(audio[::-1].copy())[::-1], compressed)


@pytest.mark.parametrize("rate_hz", [8000, 44_100, 192_000])
def test_the_times_are_the_same_at_any_rate(rate_hz):
    loud = np.full((2, rate_hz), 10 ** (-8 / 20), np.float32)
    gain = 20 * np.log10(compress(loud, rate_hz=rate_hz)[0].astype(np.float64)) + 8
    assert gain[round(0.02 * rate_hz)] == pytest.approx(attack_db(0.02, -8, 0.01), abs=0.05)
    assert gain[-1] == pytest.approx(-9.0, abs=0.001)


@pytest.mark.parametrize("sizes", [[1], [0, 7, 64, 1], [1000], [19_999]])
def test_blocks_of_any_length_give_the_same_bits(sizes):
    audio = noise()
    compressor, pieces, start, turn = Compressor(SETTINGS, RATE_HZ), [], 0, 0
    while start < audio.shape[1]:
        size = sizes[turn % len(sizes)]
        pieces.append(compressor.process(audio[:, start : start + size]))
        start, turn = start + size, turn + 1
    assert np.array_equal(np.concatenate(pieces, axis=1), compress(audio))


def test_silence_after_sound_stays_silence_and_the_gain_comes_to_rest():
    audio = np.concatenate([noise(), np.zeros((2, 30 * RATE_HZ), np.float32), noise(level=0.01)], axis=1)
    compressed = compress(audio)
    assert not compressed[:, 20_000:-20_000].any()
    assert np.array_equal(compressed[:, -20_000:], audio[:, -20_000:])


@pytest.mark.parametrize("value", [np.nan, -np.inf])
def test_what_is_no_sound_is_refused(value):
    audio = noise()
    audio[0, 9] = value
    with pytest.raises(InputError, match="not numbers"):
        compress(audio)


def test_mono_is_refused():
    with pytest.raises(InputError, match="stereo"):
        compress(np.zeros(100, np.float32))


@pytest.mark.parametrize(
    "wrong", [{"ratio": 0.5}, {"ratio": np.inf}, {"attack_s": -0.1}, {"knee_db": -1.0}, {"threshold_dbfs": np.nan}]
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        replace(SETTINGS, **wrong)


@pytest.mark.parametrize("level_dbfs", [-30, -20, -14, -6, 0])
@pytest.mark.parametrize(("threshold_dbfs", "ratio"), [(-20.0, 4.0), (-12.0, 2.0), (-35.0, 10.0)])
def test_pedalboard_agrees_on_the_steady_state(level_dbfs, threshold_dbfs, ratio):
    """Its detector is the peak of each channel and ours a mean square of both: on a constant they are the same."""
    pedalboard = pytest.importorskip("pedalboard")
    constant = np.full((2, 2 * RATE_HZ), 10 ** (level_dbfs / 20), np.float32)
    theirs = pedalboard.Compressor(threshold_dbfs, ratio, attack_ms=10.0, release_ms=100.0)(constant, RATE_HZ)
    ours = compress(constant, CompressorSettings(threshold_dbfs, ratio, 0.01, 0.1))
    assert 20 * np.log10(ours[0, -1] / theirs[0, -1]) == pytest.approx(0.0, abs=0.001)

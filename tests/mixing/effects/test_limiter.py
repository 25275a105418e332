"""No true peak above the ceiling, whatever comes; and not a bit changed where nothing had to be done."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixprior.mixing.effects.effect import render
from mixprior.mixing.effects.limiter import CLEAN_UP_SAMPLES, PHASES, Limiter
from mixprior.mixing.effects.settings import LimiterSettings
from mixprior.stats.errors import InputError
from mixprior.stats.measures.true_peak import true_peak_dbtp

RATE_HZ = 44_100
SAMPLES = 30_000
TOLERANCE_DB = 0.01
TIME = np.arange(SAMPLES)
WORST_SIGNS = np.sign(PHASES[2])  # what the oversampling filter overshoots most on


def rng():
    return np.random.default_rng(4)


ADVERSARIES = {
    "sine at a quarter of the rate, between its peaks": 2 * np.sin(np.pi / 2 * TIME + np.pi / 4),
    "bursts of that sine": 10 * np.sin(np.pi / 2 * TIME + np.pi / 4) * (np.abs(TIME % 2000 - 1000) < 200),
    "clicks": 10 * rng().choice([-1.0, 0.0, 1.0], SAMPLES, p=[0.001, 0.998, 0.001]),
    "square": np.sign(np.sin(2 * np.pi * 997 / RATE_HZ * TIME)),
    "full-scale noise": rng().uniform(-1, 1, SAMPLES),
    "noise at +20 dB": rng().uniform(-10, 10, SAMPLES),
    "noise at +60 dB": 1000 * rng().standard_normal(SAMPLES),
    "noise of wild peaks": rng().standard_normal(SAMPLES) ** 7,
    "highest frequency, with peaks": np.where(TIME % 2, 1, -1) * (1 + 9 * (TIME % 50 == 0)),
    "worst signs for the oversampling, bursts": 10 * np.resize(np.append(WORST_SIGNS, np.zeros(79)), SAMPLES),
    "worst signs for the oversampling, unbroken": 2 * np.resize(WORST_SIGNS, SAMPLES),
    "step to full scale": np.where(TIME > 10_000, 1.0, 0.0),
    "loud at the very ends": np.where((TIME < 30) | (TIME >= SAMPLES - 30), 4.0, 0.1),
}


def stereo(signal):
    """The other channel is weaker and later, so that the two meet the ceiling at different times."""
    return np.stack([signal, 0.7 * np.roll(signal, 7)]).astype(np.float32)


def limit(audio, **keywords):
    return render(Limiter(LimiterSettings(**keywords), RATE_HZ), audio)


def music(seed=0, level=0.25):
    """Decaying tones over noise; true peak near full scale times 4 * level."""
    random = np.random.default_rng(seed)
    audio = 0.1 * random.standard_normal((2, SAMPLES))
    for start in range(0, SAMPLES, 5000):
        since = np.maximum(TIME - start, 0)
        audio += (
            np.sin(2 * np.pi * random.uniform(60, 2000) / RATE_HZ * since) * np.exp(-since / 4000) * (start <= TIME)
        )
    return (level * audio).astype(np.float32)


@pytest.mark.parametrize("lookahead_s", [0.0, 0.0005, 0.005, 0.02])
@pytest.mark.parametrize("name", ADVERSARIES)
def test_no_true_peak_is_above_the_ceiling(name, lookahead_s):
    audio = stereo(ADVERSARIES[name])
    limited = limit(audio, ceiling_dbtp=-1.0, lookahead_s=lookahead_s, release_s=0.05)
    assert true_peak_dbtp(audio) > -1.0
    assert true_peak_dbtp(limited) <= -1.0 + TOLERANCE_DB


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_no_true_peak_is_above_any_ceiling_with_any_settings(data):
    random = np.random.default_rng(data.draw(st.integers(0, 2**32 - 1)))
    gain_db, power = data.draw(st.floats(-20, 60)), data.draw(st.floats(0.1, 6))
    noise = random.standard_normal((2, 3000))
    audio = (10 ** (gain_db / 20) * np.sign(noise) * np.abs(noise) ** power).astype(np.float32)
    ceiling_dbtp = data.draw(st.floats(-30, 3))
    lookahead_s, release_s = data.draw(st.floats(0, 0.02)), data.draw(st.floats(0, 1))
    limited = limit(audio, ceiling_dbtp=ceiling_dbtp, lookahead_s=lookahead_s, release_s=release_s)
    assert true_peak_dbtp(limited) <= ceiling_dbtp + TOLERANCE_DB


def test_what_three_stages_can_leave_of_any_peak_is_within_the_tolerance():
    """The bound in the docstring of Limiter.

    After a stage no sample passes the ceiling. A value between two samples is the sum of samples, their weights and
    their gains; with one gain it would obey the ceiling; the other gains differ from it by their distance in samples
    times the slope, and the slope is at most 1 - 1 / (1 + excess) in CLEAN_UP_SAMPLES.
    """
    weights = np.abs(PHASES.astype(float))
    reach = weights.shape[1] // 2
    phase = np.arange(4)[:, np.newaxis] / 4
    moment = (weights * np.abs(np.arange(-reach, reach + 1) - phase)).sum(axis=1).max()
    excess = [weights.sum(axis=1).max() - 1]
    for _ in range(2):
        excess.append(moment / CLEAN_UP_SAMPLES * (1 - 1 / (1 + excess[-1])))
    assert 20 * np.log10(1 + np.array(excess)) == pytest.approx([7.010, 0.1295, 0.0035], rel=0.01)


def test_what_stays_below_the_ceiling_comes_out_bit_for_bit():
    audio = music()
    audio *= np.float32(10 ** ((-1.001 - true_peak_dbtp(audio)) / 20))
    assert np.array_equal(limit(audio, ceiling_dbtp=-1.0), audio)


def test_after_the_release_the_sound_is_untouched_again():
    audio = music(level=0.05)
    audio[:, 2000] = 3.0
    limited = limit(audio, release_s=0.01)
    assert np.array_equal(limited[:, :1500], audio[:, :1500])
    assert not np.array_equal(limited[:, 2100:2500], audio[:, 2100:2500])
    assert np.array_equal(limited[:, 15_000:], audio[:, 15_000:])


def test_a_loud_sound_is_turned_down_by_no_more_than_it_needs():
    sine = stereo(4 * np.sin(2 * np.pi * 1000 / RATE_HZ * TIME))
    limited = limit(sine, ceiling_dbtp=-3.0)
    assert true_peak_dbtp(limited) == pytest.approx(-3.0, abs=0.01)
    assert np.abs(limited[:, 2000:-2000]).max(axis=1) == pytest.approx(10 ** (-3 / 20) * np.array([1, 0.7]), rel=0.01)


def test_both_channels_get_the_same_gain():
    audio = music()
    audio[0] *= 8
    limited = limit(audio)
    gains = limited / audio
    heard = np.abs(audio).min(axis=0) > 0.01
    assert gains[0, heard] == pytest.approx(gains[1, heard], rel=1e-5)
    assert gains[0, heard].min() < 0.6


def test_the_gain_falls_a_look_ahead_before_the_peak_and_comes_back_with_the_release():
    audio = np.full((2, SAMPLES), 0.1, np.float32)
    audio[:, 10_000] = 10 ** (5 / 20)
    gain = limit(audio, ceiling_dbtp=-1.0, lookahead_s=0.005, release_s=0.1)[0] / np.float32(0.1)
    lookahead = round(0.005 * RATE_HZ)
    assert np.all(gain[: 10_000 - lookahead - 12] == 1)
    assert gain[9_999] == pytest.approx(0.5, abs=0.02)
    back = 1 - gain[10_001 + lookahead :]
    assert back[round(0.1 * RATE_HZ)] / back[0] == pytest.approx(np.exp(-1), rel=0.01)


@pytest.mark.parametrize("sizes", [[1], [0, 7, 64, 1], [1000], [29_999]])
def test_blocks_of_any_length_give_the_same_bits(sizes):
    audio = music(level=2.0)[:, :6000]
    whole = Limiter(LimiterSettings(), RATE_HZ).process(audio)
    limiter, pieces, start, turn = Limiter(LimiterSettings(), RATE_HZ), [], 0, 0
    while start < audio.shape[1]:
        size = sizes[turn % len(sizes)]
        pieces.append(limiter.process(audio[:, start : start + size]))
        start, turn = start + size, turn + 1
    assert np.array_equal(np.concatenate(pieces, axis=1), whole)


def test_long_sounds_are_not_cut_otherwise_than_short_ones():
    audio = np.tile(music(level=2.0), 3)
    whole = Limiter(LimiterSettings(), RATE_HZ).process(audio)
    limiter = Limiter(LimiterSettings(), RATE_HZ)
    pieces = [limiter.process(audio[:, start : start + 12_345]) for start in range(0, audio.shape[1], 12_345)]
    assert np.array_equal(np.concatenate(pieces, axis=1), whole)


@pytest.mark.parametrize("size", [1000, 4096, 33_333])
def test_a_limiter_comes_to_rest_and_acts_again_wherever_the_sound_is_cut(size):
    audio = np.concatenate([music(level=2.0)[:, :9000], music(level=0.02), music(level=2.0)[:, :9000]], axis=1)
    settings = LimiterSettings(release_s=0.003)
    whole = Limiter(settings, RATE_HZ).process(audio)
    limiter = Limiter(settings, RATE_HZ)
    pieces = [limiter.process(audio[:, start : start + size]) for start in range(0, audio.shape[1], size)]
    assert np.array_equal(np.concatenate(pieces, axis=1), whole)
    quiet = slice(20_000, 38_000)
    assert np.array_equal(whole[:, quiet], audio[:, 20_000 - limiter.delay : 38_000 - limiter.delay])


def test_the_input_is_left_as_it_was():
    audio = music(level=2.0)
    before = audio.copy()
    limit(audio)
    assert np.array_equal(audio, before)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_what_is_no_sound_is_refused(value):
    audio = music()
    audio[1, 77] = value
    with pytest.raises(InputError, match="not numbers"):
        limit(audio)


def test_mono_is_refused():
    with pytest.raises(InputError, match="stereo"):
        Limiter(LimiterSettings(), RATE_HZ).process(np.zeros((1, 10), np.float32))


@pytest.mark.parametrize("wrong", [{"ceiling_dbtp": np.inf}, {"lookahead_s": -0.1}, {"release_s": np.nan}])
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Limiter(LimiterSettings(**wrong), RATE_HZ)

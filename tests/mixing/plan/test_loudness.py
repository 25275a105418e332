"""The end of a mix: its loudness is reached, its peaks stay under the ceiling, its words are true."""

import numpy as np
import pytest

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.ceiling import AIM_DBTP, CEILING_DBTP
from mixprior.mixing.effects.settings import MixSettings
from mixprior.mixing.plan import loudness
from mixprior.mixing.plan.loudness import finish
from mixprior.mixing.plan.options import DEFAULT_LUFS
from tests.mixing.sounds import RATE_HZ, band, sound, voice

UNTOUCHED = MixSettings({})


def spiky(level: float) -> np.ndarray:
    """Noise with a click 20 times as high every half second."""
    audio = band(6.0, level=level)
    audio[:, :: RATE_HZ // 2] = 20 * level
    return audio


@pytest.mark.parametrize("target_lufs", [-14.0, DEFAULT_LUFS, -23.0])
def test_a_mix_is_brought_to_its_loudness_by_a_gain_if_its_peaks_allow_it(target_lufs):
    audio = voice(6.0, level=0.02)
    done = finish(sound(audio), UNTOUCHED, target_lufs)
    assert done.sound.integrated_lufs == pytest.approx(target_lufs, abs=0.01)
    assert done.settings.limiter is None
    assert done.settings.gain_db == round(done.settings.gain_db, 2)
    assert np.array_equal(done.sound.audio, sound(audio).gained(done.settings.gain_db).audio)
    assert "without a limiter" in done.step.reason
    assert done.step.warnings == ()


@pytest.mark.parametrize("target_lufs", [-14.0, -16.0])
def test_a_limiter_comes_where_the_peaks_would_pass_the_ceiling_and_the_loudness_is_reached_all_the_same(target_lufs):
    done = finish(sound(spiky(0.02)), UNTOUCHED, target_lufs)
    assert done.sound.integrated_lufs == pytest.approx(target_lufs, abs=0.03)
    assert done.sound.true_peak_dbtp <= CEILING_DBTP
    assert done.settings.limiter.ceiling_dbtp == AIM_DBTP
    assert done.step.setting == {"gain_db": done.settings.gain_db, "limiter": True}
    assert "a limiter takes up to" in done.step.reason


@pytest.mark.parametrize("audio", [voice(3.0, level=0.02), spiky(0.05), band(3.0, level=1.5)])
def test_the_settings_are_all_that_was_done(audio):
    done = finish(sound(audio), UNTOUCHED, -14.0)
    assert np.array_equal(chain.finish(sound(audio), done.settings).audio, done.sound.audio)


def test_without_a_target_a_mix_under_the_ceiling_is_not_touched():
    audio = band(3.0, level=0.05)
    done = finish(sound(audio), UNTOUCHED, None)
    assert np.array_equal(done.sound.audio, audio)
    assert done.settings == UNTOUCHED
    assert done.step.reason == "mix loudness not changed; its true peak stays under -1 dBTP without a limiter"
    assert done.step.target == {"ceiling_dbtp": -1.0}


def test_without_a_target_a_mix_above_the_ceiling_is_limited_and_no_more():
    audio = voice(3.0, level=0.9)
    done = finish(sound(audio), UNTOUCHED, None)
    assert done.settings.gain_db == 0.0
    assert -1.3 < done.sound.true_peak_dbtp <= CEILING_DBTP


def test_a_peak_between_the_samples_is_kept_under_the_ceiling():
    """A sine at a quarter of the rate, sampled at 45 degrees: its samples stand 3.01 dB below its peaks."""
    place = np.arange(3 * RATE_HZ)
    fade = np.minimum(1, np.minimum(place, place[::-1]) / RATE_HZ)
    audio = np.tile((1.2 * fade * np.sin(np.pi / 2 * place + np.pi / 4)).astype(np.float32), (2, 1))
    done = finish(sound(audio), UNTOUCHED, None)
    assert 20 * np.log10(np.abs(done.sound.audio).max()) == pytest.approx(-1.0 - 3.01, abs=0.1)
    assert done.sound.true_peak_dbtp <= CEILING_DBTP


def test_a_loudness_that_cannot_be_reached_is_told_by_how_much():
    done = finish(sound(spiky(0.02)), UNTOUCHED, -0.5)
    reached = done.sound.integrated_lufs
    assert done.sound.true_peak_dbtp <= CEILING_DBTP
    (warning,) = done.step.warnings
    assert warning.code == "out-of-reach"
    assert warning.text == f"-0.50 LUFS missed by {-0.5 - reached:.2f} LU: no limiter makes it that loud"
    assert f"to {reached:.2f} LUFS" in done.step.reason


def test_heavy_limiting_is_warned_of():
    done = finish(sound(spiky(0.02)), UNTOUCHED, -8.0)
    (warning,) = done.step.warnings
    assert warning.code == "limiter"
    assert "a lower --target-lufs is cleaner" in warning.text


def test_a_lower_ceiling_is_kept_as_well():
    done = finish(sound(voice(3.0, level=0.9)), UNTOUCHED, -14.0, aim_dbtp=-1.7)
    assert done.sound.true_peak_dbtp <= -1.7 + 0.01


def test_silence_stays_silence_with_a_warning():
    audio = np.zeros((2, RATE_HZ), np.float32)
    done = finish(sound(audio), UNTOUCHED)
    assert not done.sound.audio.any()
    assert done.settings.gain_db == 0.0
    assert done.step.measured == {"integrated_lufs": None, "true_peak_dbtp": None}
    (warning,) = done.step.warnings
    assert warning.code == "silent"


def test_a_sound_too_short_for_a_loudness_is_kept_under_the_ceiling():
    done = finish(sound(voice(0.3, level=1.5)), UNTOUCHED)
    assert done.sound.true_peak_dbtp <= CEILING_DBTP
    assert done.settings.gain_db == 0.0
    assert done.step.warnings[0].code == "silent"
    # No other loudness would make the limiter work less.
    assert [warning.code for warning in done.step.warnings] == ["silent"]


def test_the_step_tells_what_was_found_and_wanted():
    audio = voice(3.0, level=0.05)
    summed = sound(audio)
    step = finish(summed, UNTOUCHED, -18.0).step
    assert (step.name, step.of) == ("loudness", "mix")
    assert step.measured == {
        "integrated_lufs": summed.integrated_lufs,
        "true_peak_dbtp": summed.true_peak_dbtp,
    }
    assert step.target == {"ceiling_dbtp": -1.0, "integrated_lufs": -18.0}


def test_without_a_limiter_the_mix_is_turned_down_until_its_peaks_fit():
    done = finish(sound(spiky(0.02)), UNTOUCHED, -8.0, limiter=False)
    assert done.settings.limiter is None
    assert -1.02 <= done.sound.true_peak_dbtp <= -1.01
    assert "turned down by" in done.step.reason
    (warning,) = done.step.warnings
    assert warning.code == "out-of-reach"
    assert warning.text.endswith("its peaks allow no more without a limiter")


def test_the_ceiling_is_that_which_is_asked():
    done = finish(sound(spiky(0.02)), UNTOUCHED, -12.0, aim_dbtp=-6.01, ceiling_dbtp=-6.0)
    assert -6.3 < done.sound.true_peak_dbtp <= -6.0
    assert "under -6 dBTP" in done.step.reason
    assert done.step.target["ceiling_dbtp"] == -6.0


def test_a_gain_that_was_found_for_nearly_the_same_peak_is_tried_first(monkeypatch):
    """Each try limits the whole song; a coded format asks for several peaks."""
    tries = []
    rendered = loudness.chain.finish
    monkeypatch.setattr(loudness.chain, "finish", lambda *given: tries.append(given) or rendered(*given))
    first = finish(sound(spiky(0.02)), UNTOUCHED, -12.0)
    count = len(tries)
    again = finish(sound(spiky(0.02)), UNTOUCHED, -12.0, aim_dbtp=-1.02, limited_db=first.settings.gain_db)
    assert len(tries) == count + 1
    for done in (first, again):
        assert done.sound.integrated_lufs == pytest.approx(-12.0, abs=0.02)

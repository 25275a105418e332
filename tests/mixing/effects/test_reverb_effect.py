"""The reverb by convolution: what the network gives, however the sound is cut."""

from __future__ import annotations

import time

import numpy as np
import pytest

from mixprior.mixing.effects.effect import render
from mixprior.mixing.effects.reverb import FRAME, Reverb, response
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.network import FdnReverb, impulse_response
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

CASES = {
    "plug-in": (FdnReverbSettings(reverberation_time_s=1.0), 44_100),
    "wet only": (FdnReverbSettings(reverberation_time_s=1.0, dry_wet=1.0), 44_100),
    "fade-in": (FdnReverbSettings(room_size=15, reverberation_time_s=1.0, fade_in_s=0.1, dry_wet=0.75), 48_000),
    "short fade-in": (FdnReverbSettings(reverberation_time_s=0.5, fade_in_s=0.05, dry_wet=0.6), 44_100),
    "fade-in nearly as long": (FdnReverbSettings(reverberation_time_s=0.7, fade_in_s=0.6, dry_wet=1.0), 44_100),
    "fade-in longer": (FdnReverbSettings(reverberation_time_s=0.4, fade_in_s=0.6, dry_wet=0.5), 44_100),
    "large, long lows": (FdnReverbSettings(room_size=30, reverberation_time_s=2.5, lows_gain_db_s=4.0), 22_050),
    "small": (FdnReverbSettings(room_size=1, reverberation_time_s=0.1, fdn_size=16), 8_000),
    "dry": (FdnReverbSettings(reverberation_time_s=0.3, dry_wet=0.0), 44_100),
}


def sounds(rate_hz: int, duration_s: float = 2.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    time_s = np.arange(round(duration_s * rate_hz)) / rate_hz
    noise = rng.standard_normal((2, time_s.size))
    return {
        "noise": noise.astype(np.float32),
        "bursts": np.where(time_s % 1.5 < 0.03, noise, 0.0).astype(np.float32),
        "tones": np.sin(2 * np.pi * np.array([[70.0], [440.0]]) * time_s).astype(np.float32),
        "left only": np.stack([noise[0], 0 * noise[0]]).astype(np.float32),
    }


@pytest.mark.parametrize("name", CASES)
def test_it_gives_what_the_network_gives(name):
    settings, rate_hz = CASES[name]
    reverb_of = {kind: render(Reverb(settings, rate_hz), sound) for kind, sound in sounds(rate_hz).items()}
    for kind, sound in sounds(rate_hz).items():
        exact = FdnReverb(settings, rate_hz).process_exact(sound)
        assert reverb_of[kind].dtype == np.float32
        assert np.abs(reverb_of[kind] - exact).max() < 4e-7 * np.abs(exact).max(), kind


@pytest.mark.parametrize(
    "cuts", [[1] * 50 + [0, FRAME - 50, 1, FRAME - 1], [FRAME] * 3, [FRAME + 1, 7, 2 * FRAME], [997]]
)
def test_blocks_of_any_length_give_the_same_bits(cuts):
    settings, rate_hz = CASES["fade-in"]
    sound = sounds(rate_hz)["noise"]
    whole = Reverb(settings, rate_hz).process(sound)
    pieces, reverb, begin = [], Reverb(settings, rate_hz), 0
    while begin < sound.shape[1]:
        for count in cuts:
            pieces.append(reverb.process(sound[:, begin : begin + count]))
            begin += count
    assert np.array_equal(np.concatenate(pieces, axis=1), whole)


def test_it_is_late_by_the_delay_it_tells():
    settings = FdnReverbSettings(reverberation_time_s=0.3, dry_wet=0.2)
    click = np.zeros((2, 3 * FRAME), np.float32)
    click[:, 100] = 1.0
    late = Reverb(settings, 44_100).process(click)
    assert np.abs(late[:, : FRAME + 100]).max() < 1e-9
    assert np.abs(late).argmax(axis=1).tolist() == [FRAME + 100] * 2
    assert np.abs(render(Reverb(settings, 44_100), click)).argmax(axis=1).tolist() == [100] * 2


@pytest.mark.parametrize("name", ["plug-in", "fade-in", "large, long lows"])
def test_the_response_goes_on_until_nothing_is_left(name):
    settings, rate_hz = CASES[name]
    wet = response(settings, rate_hz)
    longer = impulse_response(settings, rate_hz, 1.5 * wet.shape[2] / rate_hz)
    longer[[0, 1], [0, 1], 0] -= 1 - settings.dry_wet
    np.testing.assert_allclose(wet, longer[..., : wet.shape[2]], atol=1e-7 * np.abs(longer).max())
    assert np.abs(longer[..., wet.shape[2] :]).max() < 10 ** (-140 / 20)


def test_a_dry_knob_leaves_the_sound_as_it_is():
    settings, rate_hz = CASES["dry"]
    sound = sounds(rate_hz)["noise"]
    assert np.array_equal(render(Reverb(settings, rate_hz), sound), sound)


def test_silence_stays_silence_and_nothing_gives_nothing():
    reverb = Reverb(*CASES["plug-in"])
    assert reverb.process(np.zeros((2, 0), np.float32)).shape == (2, 0)
    assert not render(reverb, np.zeros((2, 3 * FRAME), np.float32)).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_no_number_is_refused_and_not_kept(bad):
    settings, rate_hz = CASES["plug-in"]
    sound, reverb = sounds(rate_hz)["noise"], Reverb(settings, rate_hz)
    broken = sound[:, :100].copy()
    broken[1, 50] = bad
    with pytest.raises(InputError, match="not numbers"):
        reverb.process(broken)
    assert np.array_equal(reverb.process(sound), Reverb(settings, rate_hz).process(sound))


def test_what_it_cannot_do_is_refused():
    with pytest.raises(InputError, match="stereo"):
        Reverb(*CASES["plug-in"]).process(np.zeros((1, 10), np.float32))
    with pytest.raises(InputError, match="at least 8000"):
        Reverb(FdnReverbSettings(), 4_000)
    with pytest.raises(InputError, match="would grow"):
        Reverb(
            FdnReverbSettings(reverberation_time_s=9.0, lows_cutoff_hz=4000.0, lows_gain_db_s=6.0, highs_gain_db_s=4.0),
            44_100,
        )
    with pytest.raises(InputError, match="over 60 s to fall silent"):
        Reverb(FdnReverbSettings(reverberation_time_s=9.0, lows_gain_db_s=6.0), 44_100)


@pytest.mark.nightly("speed")
def test_four_minutes_take_less_than_three_seconds_of_processor_time():
    """Measured at 1.6 s; the rest is for a busy machine."""
    settings = FdnReverbSettings(room_size=15, reverberation_time_s=1.0, fade_in_s=0.1, dry_wet=0.75)
    sound = (0.1 * np.random.default_rng(0).standard_normal((2, 240 * 44_100), np.float32)).astype(np.float32)
    render(Reverb(settings, 44_100), sound[:, :44_100])
    begin = time.process_time()
    render(Reverb(settings, 44_100), sound)
    assert time.process_time() - begin < 3.0

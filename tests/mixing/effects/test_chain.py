"""Settings and sounds in, a mix out: order, routing, time and levels are those of the settings."""

import itertools
import json

import numpy as np
import pytest

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import (
    Band,
    Chain,
    CompressorSettings,
    Curve,
    LimiterSettings,
    MixSettings,
    PanSettings,
)
from mixprior.stats.errors import InputError
from mixprior.stats.json_document import decode
from mixprior.stats.measures.true_peak import true_peak_dbtp
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from tests.mixing.sounds import RATE_HZ, band, sound, voice

FULL = Chain(
    input_gain_db=-3.5,
    match=Curve((50.0, 500.0, 5000.0), (0.0, 3.0, -2.0)),
    bands=(Band("peak", 1000.0, -3.0, 1.0), Band("high shelf", 8000.0, 2.0, 0.7)),
    compressor=CompressorSettings(-20.0, 3.0, 0.01, 0.1, 6.0, 2.0),
    pan=PanSettings(0.3),
    reverb=FdnReverbSettings(reverberation_time_s=0.4, dry_wet=0.1),
    output_gain_db=1.25,
)


def gained(audio: np.ndarray, gain_db: float) -> np.ndarray:
    return audio * np.float32(10 ** (gain_db / 20))


def test_a_chain_of_nothing_changes_no_bit():
    audio = sound(voice(1.0))
    assert chain.process(Chain(), audio) is audio


def test_gains_of_a_chain_add_in_decibels():
    audio = voice(1.0)
    done = chain.process(Chain(input_gain_db=-4.0, output_gain_db=1.0), sound(audio)).audio
    assert np.abs(done - gained(audio, -3.0)).max() < 1e-6


@pytest.mark.slow
def test_the_gain_before_the_compressor_drives_it_and_the_one_after_does_not():
    audio = voice(2.0, level=0.3)
    squeeze = CompressorSettings(-20.0, 4.0, 0.005, 0.1)

    def level_db(**gains) -> float:
        done = chain.process(Chain(compressor=squeeze, **gains), sound(audio)).audio
        return 20 * np.log10(np.sqrt(np.mean(done[:, RATE_HZ:] ** 2)))

    assert level_db(output_gain_db=6.0) - level_db() == pytest.approx(6.0, abs=0.001)
    assert 0.5 < level_db(input_gain_db=6.0) - level_db() < 3.0


@pytest.mark.parametrize("effect", ["match", "bands", "compressor", "pan", "reverb"])
def test_every_effect_of_a_chain_is_heard_keeps_length_and_comes_in_time(effect):
    """A click at a known place stays there, however long the effect needs to look ahead."""
    click = np.zeros((2, RATE_HZ), np.float32)
    click[:, 20_000] = 0.9
    done = chain.process(Chain(**{effect: getattr(FULL, effect)}), sound(click)).audio
    assert done.shape == click.shape
    assert done.dtype == np.float32
    assert not np.array_equal(done, click)
    assert abs(int(np.abs(done).max(axis=0).argmax()) - 20_000) <= 1
    assert np.abs(done[:, :15_000]).max() < 1e-3


def test_the_equaliser_comes_before_the_compressor_and_the_pan_after_it():
    audio = voice(1.0, level=0.3)
    together = chain.process(FULL, sound(audio)).audio
    step_by_step = gained(audio, FULL.input_gain_db)
    for effect in ("match", "bands", "compressor", "pan", "reverb"):
        step_by_step = chain.process(Chain(**{effect: getattr(FULL, effect)}), sound(step_by_step)).audio
    assert np.array_equal(together, gained(step_by_step, FULL.output_gain_db))


def test_sounds_are_summed_from_the_start_and_silence_follows_the_shorter():
    vocal, backing = voice(1.0), band(2.0)
    settings = MixSettings({"vocals": Chain(output_gain_db=-6.0), "backing": Chain()})
    total = chain.sum_up(settings, {"vocals": sound(vocal), "backing": sound(backing)}).sound.audio
    assert total.shape == backing.shape
    assert np.array_equal(total[:, RATE_HZ:], backing[:, RATE_HZ:])
    assert np.allclose(total[:, :RATE_HZ], gained(vocal, -6.0) + backing[:, :RATE_HZ], atol=1e-6)


def test_the_given_sounds_are_left_as_they_were():
    sounds = {"vocals": sound(voice(1.0)), "backing": sound(band(1.0))}
    before = {name: each.audio.copy() for name, each in sounds.items()}
    settings = MixSettings({"vocals": Chain(), "backing": FULL}, limiter=LimiterSettings(-20.0))
    chain.finish(chain.sum_up(settings, sounds).sound, settings)
    assert all(np.array_equal(sounds[name].audio, before[name]) for name in sounds)


def test_energies_of_the_parts_are_those_inside_the_mix():
    sounds = {"vocals": sound(voice(1.0)), "backing": sound(band(1.0))}
    settings = MixSettings({"vocals": Chain(output_gain_db=-6.0), "backing": Chain(input_gain_db=3.0)})
    parts = chain.sum_up(settings, sounds).parts
    assert set(parts) == {"vocals", "backing"}
    for name, gain_db in (("vocals", -6.0), ("backing", 3.0)):
        alone = sounds[name].blocks.weighted * 10 ** (gain_db / 10)
        assert parts[name].blocks.weighted == pytest.approx(alone, rel=1e-4)


def test_tracks_pass_their_chain_then_that_of_their_bus():
    sounds = {"kick": voice(1.0), "snare": band(1.0), "lead": voice(1.0, level=0.2), "pad": band(1.0, level=0.02)}
    settings = MixSettings(
        {"kick": Chain(output_gain_db=-3.0), "snare": Chain(), "lead": Chain(), "pad": Chain()},
        {"drums": Chain(output_gain_db=-2.0), "vocals": Chain(output_gain_db=1.0)},
        {"kick": "drums", "snare": "drums", "lead": "vocals"},
    )
    expected = {
        "pad": sounds["pad"],
        "drums": gained(gained(sounds["kick"], -3.0) + sounds["snare"], -2.0),
        "vocals": gained(sounds["lead"], 1.0),
    }
    given = {name: sound(audio) for name, audio in sounds.items()}
    found = dict(chain.parts(settings, given))
    assert list(found)[-1] == "vocals"
    assert found.keys() == expected.keys()
    for name in expected:
        assert np.allclose(found[name].audio, expected[name], atol=1e-6)
    summed = chain.sum_up(settings, given)
    assert np.allclose(summed.sound.audio, sum(expected.values()), atol=1e-6)
    assert summed.backing.audio == pytest.approx(expected["pad"] + expected["drums"], abs=1e-6)
    assert list(summed.parts) == list(found)


def test_settings_for_other_tracks_are_refused():
    with pytest.raises(InputError, match="for the tracks backing, vocals, and the sounds are drums"):
        chain.sum_up(MixSettings({"vocals": Chain(), "backing": Chain()}), {"drums": sound(band(1.0))})


def test_the_end_of_a_mix_is_its_gain_then_its_limiter():
    audio = band(1.0, level=0.5)
    limiter = LimiterSettings(-3.0)
    done = chain.finish(sound(audio), MixSettings({}, gain_db=6.0, limiter=limiter)).audio
    assert done.shape == audio.shape
    assert -3.2 < true_peak_dbtp(done) <= -3.0 + 0.01
    assert np.array_equal(done, chain.finish(sound(gained(audio, 6.0)), MixSettings({}, limiter=limiter)).audio)


def test_the_same_settings_give_the_same_samples():
    sounds = {"vocals": sound(voice(1.0)), "backing": sound(band(1.0))}
    settings = MixSettings({"vocals": FULL, "backing": Chain()}, gain_db=2.0, limiter=LimiterSettings())
    first, second = (chain.finish(chain.sum_up(settings, sounds).sound, settings) for _ in range(2))
    assert np.array_equal(first.audio, second.audio)


def test_settings_come_back_from_json_as_they_were():
    settings = MixSettings(
        {"a": FULL, "b": Chain()}, {"other": FULL}, {"a": "other"}, gain_db=-1.1, limiter=LimiterSettings()
    )
    text = json.dumps(settings.to_dict(), allow_nan=False)
    assert decode(MixSettings, json.loads(text)) == settings


@pytest.mark.parametrize(
    "spoil",
    [
        lambda told: told.pop("tracks"),
        lambda told: told.update(gain_db="loud"),
        lambda told: told.update(gain_db=None),
        lambda told: told.update(limiter={"ceiling": -1.0}),
        lambda told: told.update(tracks=["vocals"]),
        lambda told: told["tracks"]["a"]["pan"].pop("position"),
        lambda told: told["tracks"]["a"]["bands"][0].update(kind="notch"),
        lambda told: told["tracks"]["a"].update(match={"frequencies_hz": [1.0]}),
    ],
)
def test_what_are_no_settings_is_refused(spoil):
    told = MixSettings({"a": FULL}).to_dict()
    spoil(told)
    with pytest.raises(InputError):
        decode(MixSettings, json.loads(json.dumps(told)))


@pytest.mark.parametrize(("short", "long"), list(itertools.permutations((1_000, 3_000))))
def test_sums_are_as_long_as_the_longer(short, long):
    total = chain.Total()
    for samples in (short, long):
        total.add(sound(np.ones((2, samples))))
    assert total.sound().audio.sum(axis=1).tolist() == [4_000, 4_000]
    assert total.sound().samples == 3_000

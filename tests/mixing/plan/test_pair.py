"""Vocals and their backing: each step does what it says, as far as it was asked to, and nothing else."""

import dataclasses

import numpy as np
import pytest
import scipy.signal

from mixprior.mixing.effects import chain
from mixprior.mixing.effects.settings import Chain
from mixprior.mixing.plan import pair
from mixprior.mixing.plan.options import Options
from mixprior.mixing.plan.reverb import ASK
from mixprior.mixing.plan.targets import Targets
from mixprior.mixing.rules.masking import masked_db
from mixprior.mixing.rules.ratio import RATIO, ratio_lu
from mixprior.mixing.rules.unmasking import MASKED_DB
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.blind import estimate as blind
from mixprior.stats.reverb.blind.estimate import Reverberation
from tests.analysis.priors_folder import RATIO_OF_ROCK, row, write_priors
from tests.mixing.mix_command import POSSIBLE_STEPS
from tests.mixing.sounds import RATE_HZ, band, sound, voice

pytestmark = pytest.mark.slow

ALL_BUT_REVERB = ("level", "eq", "unmask", "compression")


def uneven_voice(duration_s: float = 8.0) -> np.ndarray:
    """Phrases that sink by 12 dB within 3 s: a wide loudness range."""
    audio = voice(duration_s)
    fall_db = -12 * (np.arange(audio.shape[1]) / RATE_HZ % 3) / 3
    slow_db = -10 * np.arange(audio.shape[1]) / audio.shape[1]
    return (audio * 10 ** ((fall_db + slow_db) / 20)).astype(np.float32)


def low_band(duration_s: float = 8.0) -> np.ndarray:
    """Noise that is strongest under 200 Hz, with a bump at 2 kHz where the voice wants to be heard."""
    noise = band(duration_s)
    low, bump = (
        scipy.signal.sosfilt(scipy.signal.butter(2, edges, kind, output="sos", fs=RATE_HZ), noise)
        for edges, kind in ((150.0, "low"), ((1500.0, 2500.0), "band"))
    )
    return (6 * low + 2 * bump + 0.05 * noise).astype(np.float32)


SOUNDS = {"vocals": sound(uneven_voice()), "backing": sound(band(8.0))}
MASKED = {**SOUNDS, "vocals": SOUNDS["vocals"].gained(-12.0)}
"""Vocals of which the backing masks a third."""


def planned(sounds=SOUNDS, targets: Targets | None = None, **chosen):
    return pair.plan(sounds, targets or Targets.of(), Options(**chosen))


def ratio_of(plan, sounds=SOUNDS) -> float | None:
    parts = chain.sum_up(plan.settings, sounds).parts
    return ratio_lu(parts["vocals"], parts["backing"])


def own_ratio(sounds=SOUNDS) -> float | None:
    return ratio_lu(sounds["vocals"], sounds["backing"])


@pytest.mark.parametrize("eq_rule", ["seed", "hafezi-reiss"])
def test_the_ratio_is_reached_after_all_steps(eq_rule):
    plan = planned(steps=POSSIBLE_STEPS, eq_rule=eq_rule, aim="centre")
    assert ratio_of(plan) == pytest.approx(Targets.of().ratio().value, abs=0.02)
    assert [step.name for step in plan.steps] == ["level", "eq", "unmask", "compression", "reverb", "level"]
    assert plan.steps[-1].reason.startswith("again, after the other steps: vocals ")


@pytest.mark.parametrize("amount", [0.0, 0.5])
def test_a_share_of_all_steps_goes_that_share_of_the_way_to_the_ratio(amount):
    plan = planned(steps=POSSIBLE_STEPS, amount=amount, ratio_lu=3.0, loudness_range_lu=4.0)
    assert ratio_of(plan) == pytest.approx(own_ratio() + amount * (3.0 - own_ratio()), abs=0.02)
    for step in (plan.steps[0], plan.steps[-1]):
        assert f"({amount:.0%} of the way to +3.00)" in step.reason


def test_no_share_of_any_step_leaves_the_sounds_alone():
    plan = planned(steps=POSSIBLE_STEPS, amount=0.0, loudness_range_lu=1.0)
    for name, track in plan.settings.tracks.items():
        done, before = chain.process(track, SOUNDS[name]).audio, SOUNDS[name].audio
        assert np.abs(done - before).max() < 2e-3 * np.abs(before).max()
        assert track.compressor is None
        assert track.reverb is None


def test_the_level_alone_is_a_gain_of_the_voice_and_taken_once():
    plan = planned(steps=("level", "loudness"), ratio_lu=-3.0)
    assert [step.name for step in plan.steps] == ["level"]
    assert ratio_of(plan) == pytest.approx(-3.0, abs=0.01)
    alone = planned(steps=("level",), ratio_lu=-3.0)
    (step,) = alone.steps
    assert alone.settings.tracks["vocals"] == Chain(input_gain_db=step.setting["gain_db"])
    assert alone.settings.tracks["backing"] == Chain()


def test_the_equaliser_alone_is_a_filter_of_the_voice_that_leaves_its_power():
    plan = planned(steps=("eq",))
    (step,) = plan.steps
    vocals = plan.settings.tracks["vocals"]
    assert plan.settings.tracks == {"vocals": Chain(match=vocals.match), "backing": Chain()}
    assert step.setting == dataclasses.asdict(vocals.match)
    assert 0.1 < max(map(abs, vocals.match.gains_db)) <= 3.0
    assert "raw material is" in step.reason
    done = chain.process(vocals, SOUNDS["vocals"]).audio
    power_db = 10 * np.log10(np.square(done).sum() / np.square(SOUNDS["vocals"].audio).sum())
    assert power_db == pytest.approx(0.0, abs=0.2)


def test_the_equaliser_trusts_as_far_as_it_is_asked_to():
    shares = [planned(steps=("eq",), trust=trust).steps[0].target["share"] for trust in (0.0, 0.3, 0.5, 0.8)]
    assert shares == sorted(shares)
    assert shares[0] == 0.0
    assert planned(steps=("eq",), trust=0.0).settings.tracks["vocals"] == Chain()


def test_vocals_that_are_not_masked_are_not_unmasked():
    (step,) = planned({**SOUNDS, "vocals": SOUNDS["vocals"].gained(12.0)}, steps=("unmask",)).steps
    assert step.setting == {"vocals": [], "backing": []}
    assert step.reason.startswith("nothing to unmask: ")
    assert step.measured["masked_vocals_db"] < MASKED_DB


@pytest.mark.parametrize(("eq_rule", "backing"), [("seed", sound(low_band())), ("hafezi-reiss", MASKED["backing"])])
def test_unmasking_has_the_bands_that_its_step_has(eq_rule, backing):
    plan = planned({**MASKED, "backing": backing}, steps=("unmask",), eq_rule=eq_rule)
    (step,) = plan.steps
    tracks = plan.settings.tracks
    assert step.target == {"rule": eq_rule}
    assert tracks["vocals"].bands or tracks["backing"].bands
    for name, track in tracks.items():
        assert track == Chain(bands=track.bands)
        assert step.setting[name] == [dataclasses.asdict(each) for each in track.bands]


def test_what_is_masked_before_and_after_is_recorded_as_it_is():
    plan = planned(MASKED, steps=("unmask",))
    (step,) = plan.steps
    assert step.measured["masked_vocals_db"] == masked_db(MASKED["vocals"], MASKED["backing"]) > MASKED_DB
    after = [chain.process(plan.settings.tracks[name], MASKED[name]) for name in ("vocals", "backing")]
    assert step.measured["masked_vocals_after_db"] == pytest.approx(masked_db(*after))
    assert step.measured["masked_vocals_after_db"] < step.measured["masked_vocals_db"]


def test_half_of_the_unmasking_has_half_the_decibels():
    plans = [planned(MASKED, steps=("unmask",), amount=amount) for amount in (1.0, 0.5)]
    whole, half = (plan.settings.tracks for plan in plans)
    assert any(track.bands for track in whole.values())
    for name in whole:
        gains = [each.gain_db for each in whole[name].bands]
        assert [each.gain_db for each in half[name].bands] == pytest.approx([gain / 2 for gain in gains], abs=0.006)
        for each in whole[name].bands:
            assert f"{each.gain_db:+.1f} dB" in plans[0].steps[0].reason
    assert "50% of these gains are set" in plans[1].steps[0].reason


@pytest.mark.parametrize(("measure", "name"), [("ebu", "loudness_range_lu"), ("100ms", "loudness_range_100ms_lu")])
def test_the_compressor_brings_the_voice_to_the_range_asked_for(measure, name):
    own_lu = getattr(SOUNDS["vocals"], name)
    wanted_lu = own_lu - 2.0
    plan = planned(steps=("compression",), loudness_range_lu=wanted_lu, range_measure=measure)
    after = chain.process(plan.settings.tracks["vocals"], SOUNDS["vocals"])
    assert getattr(after, name) == pytest.approx(wanted_lu, abs=0.1)
    (step,) = plan.steps
    assert step.setting == dataclasses.asdict(plan.settings.tracks["vocals"].compressor)
    assert step.warnings == ()


def test_half_of_the_compressor_goes_half_the_way():
    own_lu = SOUNDS["vocals"].loudness_range_lu
    plan = planned(steps=("compression",), loudness_range_lu=own_lu - 3.0, amount=0.5)
    after = chain.process(plan.settings.tracks["vocals"], SOUNDS["vocals"])
    assert after.loudness_range_lu == pytest.approx(own_lu - 1.5, abs=0.1)


def test_a_voice_of_a_smaller_range_is_not_compressed():
    plan = planned(steps=("compression",), loudness_range_lu=40.0)
    assert plan.settings.tracks["vocals"].compressor is None
    (step,) = plan.steps
    assert "no compression" in step.reason
    assert (step.setting, step.warnings) == ({}, ())


def of_ranges(folder, p25_lu: float, median_lu: float, p75_lu: float, sd_lu: float) -> Targets:
    low, high = p25_lu - 3, p75_lu + 3
    numbers = (median_lu, sd_lu, low, high, low, low, p25_lu, median_lu, p75_lu, high, high)
    return Targets.of(write_priors(folder, [row("all", "vocals", "loudness_range_lu", "LU", 100, numbers)]))


def test_a_range_inside_the_middle_half_of_the_songs_is_left(tmp_path):
    own_lu = SOUNDS["vocals"].loudness_range_lu
    plan = planned(targets=of_ranges(tmp_path, own_lu - 4, own_lu - 2, own_lu + 0.5, 3.0), steps=("compression",))
    assert plan.settings.tracks["vocals"] == Chain()
    assert "no compression" in plan.steps[0].reason
    assert plan.steps[0].warnings == ()


def test_a_range_above_the_middle_half_goes_to_the_posterior(tmp_path):
    own_lu = SOUNDS["vocals"].loudness_range_lu
    targets = of_ranges(tmp_path, own_lu - 6, own_lu - 4, own_lu - 2, 2.0)
    plan = planned(targets=targets, steps=("compression",))
    weight = targets.scalar("vocals", "loudness_range_lu").aim(own_lu, "compression").weight
    after = chain.process(plan.settings.tracks["vocals"], SOUNDS["vocals"])
    assert 0.3 < weight < 0.9
    assert after.loudness_range_lu == pytest.approx(own_lu - 4 * weight, abs=0.15)
    assert plan.steps[0].aims[0]["weight"] == pytest.approx(weight)


def test_a_range_out_of_reach_is_warned_of():
    (step,) = planned(steps=("compression",), loudness_range_lu=0.1).steps
    (warning,) = step.warnings
    assert warning.code == "out-of-reach"
    assert "cannot be brought to 0.1 LU" in warning.text


def test_the_reverb_is_added_to_the_voice_and_told():
    plan = planned(steps=("reverb",), rt60_s=1.2, wet_dry_db=-12.0)
    (step,) = plan.steps
    voice_chain = plan.settings.tracks["vocals"]
    assert voice_chain == Chain(reverb=voice_chain.reverb, output_gain_db=step.setting["makeup_db"])
    assert plan.settings.tracks["backing"] == Chain()
    assert step.setting == {**dataclasses.asdict(voice_chain.reverb), "makeup_db": voice_chain.output_gain_db}
    assert step.target["rt60_s"] == 1.2
    assert step.target["wet_dry_db"] == -12.0
    assert {"time: 1.20 s, as given", "wet to dry: -12.0 dB, as given"} <= set(step.notes)


def test_the_reverb_leaves_the_voice_as_loud_as_it_was():
    plan = planned(steps=("reverb",), wet_dry_db=-6.0)
    assert plan.steps[0].setting["makeup_db"] > 3.0
    after = chain.process(plan.settings.tracks["vocals"], SOUNDS["vocals"])
    assert after.integrated_lufs == pytest.approx(SOUNDS["vocals"].integrated_lufs, abs=0.01)


def test_a_reverb_that_is_not_asked_for_is_added_to_nearly_dry_vocals(monkeypatch):
    estimate = Reverberation(1.0, np.ones(5), -31.0, np.full(5, -31.0), 0.8, 4)
    monkeypatch.setattr(blind, "estimate", lambda *_: estimate)
    (step,) = planned(steps=("reverb",)).steps
    assert step.setting
    assert ASK not in step.notes
    assert -31.0 < step.target["wet_dry_db"] < -12.0
    assert not [note for note in (step.reason, *step.notes, *map(str, step.warnings)) if "as given" in note]


@pytest.mark.parametrize(("own_db", "why"), [(-20.0, "are not dry"), (None, "is not known")])
def test_otherwise_the_recipe_asks_how_wet_the_vocals_are_to_be(monkeypatch, own_db, why):
    estimate = None if own_db is None else Reverberation(1.0, np.ones(5), own_db, np.full(5, own_db), 0.8, 4)
    monkeypatch.setattr(blind, "estimate", lambda *_: estimate)
    plan = planned(steps=("reverb",))
    (step,) = plan.steps
    assert plan.settings.tracks["vocals"] == Chain()
    assert why in step.reason
    assert ASK in step.notes


def test_half_of_the_reverb_is_6_db_less():
    (step,) = planned(steps=("reverb",), wet_dry_db=-12.0, amount=0.5).steps
    assert step.target["wet_dry_db"] == pytest.approx(-18.0, abs=0.03)


def test_the_backing_is_never_compressed_panned_or_reverberated():
    tracks = planned(steps=POSSIBLE_STEPS).settings.tracks
    assert tracks["backing"] == Chain(bands=tracks["backing"].bands)
    assert tracks["vocals"].pan is None


def test_the_group_sets_the_ratio(tmp_path):
    folder = write_priors(tmp_path, [row("genre=rock", "song", RATIO, "LU", 40, RATIO_OF_ROCK)])
    plan = planned(targets=Targets.of(folder, "genre=rock"), steps=("level",), aim="centre")
    assert ratio_of(plan) == pytest.approx(-3.25, abs=0.01)


@pytest.mark.parametrize("silent", ["vocals", "backing"])
def test_beside_silence_all_steps_go_on_and_the_level_stays(silent):
    sounds = {**SOUNDS, silent: sound(np.zeros_like(SOUNDS[silent].audio))}
    plan = planned(sounds, steps=POSSIBLE_STEPS)
    assert plan.steps[0].warnings[0].code == "silent"
    assert [step.name for step in plan.steps] == ["level", "eq", "unmask", "compression", "reverb"]
    vocal = plan.settings.tracks["vocals"]
    assert (vocal.input_gain_db, vocal.output_gain_db) == (0.0, plan.steps[-1].setting.get("makeup_db", 0.0))
    assert np.isfinite(chain.sum_up(plan.settings, sounds).sound.audio).all()


@pytest.mark.parametrize("length", [1, round(0.3 * RATE_HZ), RATE_HZ])
def test_short_sounds_pass_all_steps(length):
    sounds = {name: sound(whole.audio[:, :length]) for name, whole in SOUNDS.items()}
    plan = planned(sounds, steps=POSSIBLE_STEPS)
    done = chain.sum_up(plan.settings, sounds).sound.audio
    assert done.shape == (2, length)
    assert np.isfinite(done).all()
    assert plan.steps[0].warnings or length == RATE_HZ


@pytest.mark.parametrize("shorter", ["vocals", "backing"])
def test_one_shorter_sound_passes_all_steps(shorter):
    sounds = {**SOUNDS, shorter: sound(SOUNDS[shorter].audio[:, : 5 * RATE_HZ])}
    plan = planned(sounds, steps=POSSIBLE_STEPS, ratio_lu=-1.0)
    assert ratio_of(plan, sounds) == pytest.approx(-1.0, abs=0.02)


def test_a_sound_that_is_not_a_number_is_refused():
    spoilt = SOUNDS["vocals"].audio.copy()
    spoilt[0, 1000] = np.nan
    with pytest.raises(InputError, match=r"NaN|not numbers"):
        planned({**SOUNDS, "vocals": sound(spoilt)}, steps=POSSIBLE_STEPS)


def test_the_given_sounds_are_left_as_they_were():
    before = {name: each.audio.copy() for name, each in SOUNDS.items()}
    planned(steps=ALL_BUT_REVERB)
    assert all(np.array_equal(SOUNDS[name].audio, before[name]) for name in SOUNDS)


def test_the_same_sounds_give_the_same_plan():
    assert planned(steps=POSSIBLE_STEPS) == planned(steps=POSSIBLE_STEPS)

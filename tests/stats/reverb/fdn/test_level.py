"""The level of the reverb in closed form, held against the rendered response, and the setting for a level."""

from dataclasses import replace

import numpy as np
import pytest

from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.level import at_level, dry_wet_for, wet_dry_db
from mixprior.stats.reverb.fdn.network import vocal_response
from mixprior.stats.reverb.fdn.presets import PRESETS, preset
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings
from tools.reverb.truths import draw

SEED = PRESETS["seed mean"].settings
CASES = {
    "seed mean": SEED,
    "small": FdnReverbSettings(room_size=2, reverberation_time_s=0.4, dry_wet=0.3),
    "large": FdnReverbSettings(room_size=30, reverberation_time_s=2.5, dry_wet=0.2, highs_gain_db_s=-25.0),
    "dark": FdnReverbSettings(
        room_size=12, reverberation_time_s=1.8, dry_wet=0.15, fade_in_s=0.3, highs_gain_db_s=-30.0
    ),
}


def levels_db(settings, duration_s):
    """By definition, of each output, from the whole rendered response: the oracle."""
    response = np.square(vocal_response(settings, 48_000, duration_s))
    return 10 * np.log10(response[:, 1:].sum(axis=1) / response[:, 0])


def test_the_seeds_mean_is_as_quiet_as_the_plug_in_gave_it():
    np.testing.assert_allclose(levels_db(SEED.snapped(), 4.0), [-39.6, -40.0], atol=0.1)
    assert wet_dry_db(SEED.snapped()) == pytest.approx(-39.8, abs=0.1)


@pytest.mark.parametrize("name", CASES)
def test_the_level_is_that_of_the_whole_response(name):
    settings = CASES[name]
    response = np.square(vocal_response(settings, 48_000, 4.0))
    exact = 10 * np.log10(response[:, 1:].sum() / response[:, 0].sum())
    assert wet_dry_db(settings) == pytest.approx(exact, abs=0.2)


def test_levels_of_drawn_settings_are_a_tenth_of_a_db_off():
    generator = np.random.default_rng(23)
    errors = []
    for _ in range(6):
        settings = draw(generator)
        energy = np.mean(vocal_response(settings, 48_000, 4.0) ** 2, axis=0)
        errors.append(abs(wet_dry_db(settings) - 10 * np.log10(energy[1:].sum() / energy[0])))
        assert dry_wet_for(settings, wet_dry_db(settings)) == pytest.approx(settings.dry_wet, abs=1e-9)
    assert np.median(errors) <= 0.1


@pytest.mark.parametrize("name", CASES)
def test_the_knob_and_the_level_undo_each_other(name):
    settings = CASES[name]
    assert dry_wet_for(settings, wet_dry_db(settings)) == pytest.approx(settings.dry_wet, abs=1e-9)
    for level_db in (-60.0, -40.0, -30.0):
        assert wet_dry_db(at_level(settings, level_db)) == pytest.approx(level_db, abs=1e-6)


def test_an_audible_preset_keeps_everything_but_the_knob():
    audible = at_level(preset("seed mean"), -9.0)
    assert wet_dry_db(audible) == pytest.approx(-9.0, abs=1e-6)
    assert replace(audible, dry_wet=SEED.dry_wet) == SEED
    assert levels_db(audible, 4.0).mean() == pytest.approx(-9.0, abs=0.1)
    with pytest.raises(InputError, match="there are: plug-in, seed mean"):
        preset("cathedral")


def test_a_level_out_of_reach_is_refused_with_the_largest_that_is_not():
    settings = FdnReverbSettings(reverberation_time_s=1.0)
    with pytest.raises(InputError, match=r"at most, not -3\.0") as refusal:
        dry_wet_for(settings, -3.0)
    largest_db = float(str(refusal.value).split("reaches ")[1].split(" dB")[0])
    assert wet_dry_db(replace(settings, dry_wet=1.0)) == pytest.approx(largest_db, abs=0.06)
    assert dry_wet_for(settings, largest_db - 0.1) < 1
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(InputError, match="finite"):
            dry_wet_for(settings, bad)


@pytest.mark.fault(31)
def test_where_there_is_no_reverb_or_nothing_dry_there_is_no_level():
    assert wet_dry_db(replace(SEED, dry_wet=0.0)) is None
    assert wet_dry_db(replace(SEED, dry_wet=1.0)) is None
    cancelled = replace(SEED, fade_in_s=1.0, reverberation_time_s=1.0)
    assert wet_dry_db(cancelled) is None
    with pytest.raises(InputError, match="leaves no reverb"):
        dry_wet_for(cancelled, -20.0)
    with pytest.raises(InputError, match="would grow"):
        dry_wet_for(
            FdnReverbSettings(reverberation_time_s=9.0, lows_cutoff_hz=4000.0, lows_gain_db_s=6.0, highs_gain_db_s=4.0),
            -20.0,
        )

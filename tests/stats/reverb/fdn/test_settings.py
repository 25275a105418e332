"""Settings: the plug-in's steps and ranges, and the decay that they promise."""

from dataclasses import replace

import numpy as np
import pytest

from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.presets import PRESETS
from mixprior.stats.reverb.fdn.settings import PARAMETERS, FdnReverbSettings


def test_defaults_are_those_of_the_parameters_and_pass_through_the_plug_in_unchanged():
    settings = FdnReverbSettings()
    assert settings.to_plugin() == {p.plugin_id: p.default for p in PARAMETERS}
    assert FdnReverbSettings.from_plugin({}) == settings == settings.snapped()


def test_the_seeds_mean_is_rounded_as_the_plug_in_was_seen_to_round_it():
    snapped = PRESETS["seed mean"].settings.snapped()
    assert list(snapped.to_plugin().values()) == [15, 1.6, 102, 0.53, -2.1, 11859, 0.77, -16.0, 0.11, 0.68, 2]


def test_a_host_sees_what_the_plug_in_was_seen_to_report():
    seen = FdnReverbSettings().normalised()
    reported = [0.655172, 0.550562, 0.331512, 0.550562, 0.94186, 0.629816, 0.550562, 0.833333, 0.5, 0.0, 1.0]
    np.testing.assert_allclose(list(seen.values()), reported, atol=1e-6)


@pytest.mark.parametrize("parameter", PARAMETERS[:-1], ids=lambda p: p.name)
def test_a_value_out_of_range_is_refused_by_name_and_clipped_when_it_comes_from_a_host(parameter):
    for bad, clipped in ((parameter.low - 1, parameter.low), (parameter.high + 1, parameter.high)):
        with pytest.raises(InputError, match=f"{parameter.name} is .* within {parameter.low} to {parameter.high}"):
            FdnReverbSettings(**{parameter.name: bad})
        assert getattr(FdnReverbSettings.from_plugin({parameter.plugin_id: bad}), parameter.name) == clipped
    with pytest.raises(InputError, match=parameter.name):
        FdnReverbSettings(**{parameter.name: float("nan")})


@pytest.mark.parametrize(("values", "message"), [({"fdn_size": 48}, "fdn_size"), ({"room_size": 14.5}, "whole number")])
def test_sizes_between_the_possible_are_refused(values, message):
    with pytest.raises(InputError, match=message):
        FdnReverbSettings(**values)
    with pytest.raises(InputError, match="no parameter 'delay'"):
        FdnReverbSettings.from_plugin({"delay": 3})


def test_decay_times_add_the_losses_in_db_per_second():
    settings = FdnReverbSettings(
        reverberation_time_s=2.0, lows_cutoff_hz=200, lows_gain_db_s=-10, highs_cutoff_hz=4000, highs_gain_db_s=-30
    )
    low, high = settings.decay_time_s(np.array([1.0, 23_999.0]))
    assert low == pytest.approx(60 / (30 + 10), rel=1e-3)
    assert high == pytest.approx(60 / (30 + 30), rel=1e-3)
    flat = replace(settings, lows_gain_db_s=0.0, highs_gain_db_s=0.0)
    np.testing.assert_allclose(flat.decay_time_s(np.array([20.0, 1000.0, 20_000.0])), 2.0)


def test_gains_that_outweigh_the_decay_are_not_stable():
    settings = FdnReverbSettings(
        reverberation_time_s=9.0, lows_cutoff_hz=4000, lows_gain_db_s=6.0, highs_cutoff_hz=100, highs_gain_db_s=4.0
    )
    assert not settings.is_stable
    assert np.isinf(settings.decay_time_s(np.array([600.0]))).all()
    assert replace(settings, reverberation_time_s=5.0).is_stable
    assert not replace(settings, reverberation_time_s=5.0, fade_in_s=9.0).is_stable

"""One table says what settings an effect can run with, and what is looked for among them."""

import math
from dataclasses import replace

import pytest

from mixprior.mixing.effects.settings import RANGES, Band, Chain, CompressorSettings, MixSettings, PanSettings
from mixprior.stats import json_document
from mixprior.stats.errors import InputError
from mixprior.stats.reverb.fdn.settings import FdnReverbSettings

BAND, COMPRESSOR = Band("peak", 1000.0, 3.0, 1.0), CompressorSettings(-20.0, 2.0, 0.01, 0.1)
OF = {
    **{f"band_{name}": lambda value, name=name: replace(BAND, **{name: value}) for name in ("gain_db", "q")},
    "band_frequency_hz": lambda value: replace(BAND, frequency_hz=value),
    **{name: lambda value, name=name: replace(COMPRESSOR, **{name: value}) for name in vars(COMPRESSOR)},
    **{name: lambda value, name=name: Chain(**{name: value}) for name in ("input_gain_db", "output_gain_db")},
    "gain_db": lambda value: MixSettings({}, gain_db=value),
    "pan": PanSettings,
    "dry_wet": lambda value: FdnReverbSettings(dry_wet=value),
}


@pytest.mark.parametrize("name", RANGES)
def test_each_setting_takes_its_range_and_is_refused_beyond_what_an_effect_runs_with(name):
    over = RANGES[name]
    for value in (over.low, over.high):
        OF[name](value)
    ends = [over.least - 1, over.most + 1] + [over.least] * over.above
    for value in (math.nan, math.inf, -math.inf, *ends):
        with pytest.raises(InputError, match=f"^{name}"):
            OF[name](value)


def test_a_recipe_that_no_effect_can_run_is_refused_by_its_place():
    written = MixSettings({"bass": Chain(bands=(BAND,), compressor=COMPRESSOR)}).to_dict()
    written["tracks"]["bass"]["compressor"]["ratio"] = 0.5
    with pytest.raises(InputError, match=r"settings\.tracks\.bass\.compressor.*ratio of a compressor cannot be 0\.5"):
        json_document.decode(MixSettings, written, at="settings")
